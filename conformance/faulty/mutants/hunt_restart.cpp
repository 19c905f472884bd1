#include "../observed_backend.hpp"

#include <algorithm>

/// The part of the third series of what a restart forgets: a table too few, or a column.
namespace bsp::faulty {

namespace {

using base = observed_backend;

struct event_ids_not_kept : base {
    using base::base;
    void restart() override { held().event_ids.clear(); }
};
struct erased_event_ids_not_kept : base {
    using base::base;
    void restart() override {
        std::erase_if(held().event_ids, [&](auto const& id) {
            return std::none_of(held().events.begin(), held().events.end(), [&](telemetry_event const& e) { return e.user_id == id.first && e.event_id == id.second; });
        });
    }
};
/// Reads every conversation back from a storage that lost something of it.
struct reads_back : base {
    using base::base;
    void restart() override {
        for (auto& [user_id, all] : held().tenants)
            for (auto& [id, c] : all) read_back(c);
    }

protected:
    virtual void read_back(conversation& c) = 0;
    static json::object known_of(json::object const& o, std::initializer_list<std::string_view> names) {
        json::object out;
        for (auto const name : names)
            if (auto const* v = o.if_contains(name)) out[name] = *v;
        return out;
    }
};
struct losers_not_kept : reads_back {
    using reads_back::reads_back;
    void read_back(conversation& c) override { c.losers.clear(); }
};
struct deleted_conversations_not_kept : reads_back {
    using reads_back::reads_back;
    void read_back(conversation& c) override {
        c.winner.deleted = false;
        c.winner.received.erase("deleted");
    }
};
struct unknown_members_of_messages_not_kept : reads_back {
    using reads_back::reads_back;
    void read_back(conversation& c) override {
        for (auto& [id, m] : c.messages) m.received = known_of(m.received, {"id", "role", "content", "timestamp", "surface", "source_backend", "version", "deleted", "redacted"});
    }
};
struct unknown_members_of_conversations_not_kept : reads_back {
    using reads_back::reads_back;
    void read_back(conversation& c) override { c.winner.received = known_of(c.winner.received, {"conversation_id", "version", "last_modified", "source_backend", "title", "deleted", "redacted"}); }
};
struct surfaces_not_kept : reads_back {
    using reads_back::reads_back;
    void read_back(conversation& c) override {
        c.surfaces.clear();
        for (auto const& [id, m] : c.messages) add_surface(c, m);
    }
};
struct newer_tokens_not_kept : base {
    using base::base;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        BSP_TRY(peer_record * peer, base::enter(who, key, t, now));
        stored_.try_emplace(peer->peer_id, *peer);
        return peer;
    }
    void restart() override {
        for (auto& [id, peer] : held().peers)
            if (auto const found = stored_.find(id); found != stored_.end()) {
                peer.sbt = found->second.sbt;
                peer.sbt_created = found->second.sbt_created;
                peer.sbt_expires = found->second.sbt_expires;
            }
    }

private:
    std::map<std::string, peer_record> stored_;
};

template <class Mutant>
fault row(std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, bool caught) {
    return {id, title, std::move(killed_by), make<Mutant>, setting::restart, {}, trial{3, caught}};
}

}  // namespace

std::vector<fault> hunt_restart_faults() {
    return {
        row<event_ids_not_kept>("F-TEL-197", "a restart forgets which events were stored, and they are stored again", {"tel/restart"}, false),
        row<erased_event_ids_not_kept>("F-PRV-184", "a restart forgets which events were erased", {"prv/erase-telemetry-survives"}, false),
        row<losers_not_kept>("F-SYN-568", "a restart forgets what lost", {"cnv/losers-survive"}, false),
        row<deleted_conversations_not_kept>("F-SYN-569", "a restart brings deleted conversations back", {"syn/durable", "syn/history-restarts"}, true),
        row<unknown_members_of_messages_not_kept>("F-SYN-570", "a restart drops the unknown members of messages", {"syn/history-restarts"}, true),
        row<unknown_members_of_conversations_not_kept>("F-SYN-571", "a restart drops the unknown members of conversations", {"syn/history-restarts"}, true),
        row<surfaces_not_kept>("F-SYN-572", "a restart drops surfaces that no message has", {"syn/history-restarts", "syn/history-crashes"}, true),
        row<newer_tokens_not_kept>("F-REG-221", "a restart brings the first token of a registration back", {"reg/restart"}, false),
    };
}

}  // namespace bsp::faulty
