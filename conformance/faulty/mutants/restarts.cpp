#include "../observed_backend.hpp"
#include "known_members.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

/// What a restart forgets: a table too few, a column, a counter.
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
        for (auto& [id, m] : c.messages) m.received = known_of_message(m.received);
    }
};
struct unknown_members_of_conversations_not_kept : reads_back {
    using reads_back::reads_back;
    void read_back(conversation& c) override { c.winner.received = known_of_conversation(c.winner.received); }
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
struct receipts_without_digests : base {
    using base::base;
    void restart() override {
        for (auto const& [key, r] : held().receipts) old_.insert(key);
    }
    sha256_digest digest_of(json::object const& body) override { return last_ = base::digest_of(body); }
    receipt const* recall(std::pair<std::string, std::string> const& key) override {
        receipt const* found = base::recall(key);
        if (!found || !old_.contains(key)) return found;
        read_ = *found;
        read_.conversations = last_;
        return &read_;
    }

private:
    std::set<std::pair<std::string, std::string>> old_;
    sha256_digest last_{};
    receipt read_;
};
/// One column of versions, which is the conversation's.
struct versions_by_the_conversation : base {
    using base::base;
    void restart() override { restarted_ = true; }
    std::int64_t next_version(conversation const& c, std::string const& message_id) override {
        return restarted_ ? std::min(c.version + 1, (std::int64_t{1} << 53) - 1) : base::next_version(c, message_id);
    }

private:
    bool restarted_ = false;
};
/// There is one pair of columns for what is emitted and for the stamp of the winning write.
struct stamps_not_kept : reads_back {
    using reads_back::reads_back;
    void read_back(conversation& c) override {
        c.winner.version = c.version;
        c.winner.modified = c.modified;
    }
};
struct latest_time_not_kept : reads_back {
    using reads_back::reads_back;
    void read_back(conversation& c) override {
        c.modified = c.winner.modified;
        c.modified_text = std::string{json::view(c.winner.received.at("last_modified").as_string())};
    }
};
struct milliseconds_kept : reads_back {
    using reads_back::reads_back;
    void read_back(conversation& c) override {
        for (auto& [id, m] : c.messages) m.written.nanoseconds -= m.written.nanoseconds % 1'000'000;
        for (instant* t : {&c.winner.modified, &c.modified}) t->nanoseconds -= t->nanoseconds % 1'000'000;
    }
};
struct redaction_not_kept : reads_back {
    using reads_back::reads_back;
    void read_back(conversation& c) override {
        for (auto& [id, m] : c.messages) m.redacted = false;
        c.winner.redacted = false;
    }
};
struct event_numbers_begin_again : base {
    using base::base;
    void restart() override { numbers_ = 0; }
    void store(telemetry_event e) override {
        std::size_t const before = held().events.size();
        base::store(std::move(e));
        if (held().events.size() > before) held().events.back().number = ++numbers_;
    }

private:
    std::int64_t numbers_ = 0;
};
struct arrivals_not_kept : base {
    using base::base;
    void restart() override {
        for (auto& e : held().events) e.arrived = instant{};
    }
};

template <class Mutant>
fault row(std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, int round, bool caught) {
    return {id, title, std::move(killed_by), make<Mutant>, setting::restart, {}, trial{round, caught}};
}

}  // namespace

std::vector<fault> restart_faults() {
    return {
        row<event_ids_not_kept>("F-TEL-197", "a restart forgets which events were stored, and they are stored again", {"tel/restart"}, 3, false),
        row<erased_event_ids_not_kept>("F-PRV-184", "a restart forgets which events were erased", {"prv/erase-telemetry-survives"}, 3, false),
        row<losers_not_kept>("F-SYN-568", "a restart forgets what lost", {"cnv/losers-survive"}, 3, false),
        row<deleted_conversations_not_kept>("F-SYN-569", "a restart brings deleted conversations back", {"syn/durable", "syn/history-restarts"}, 3, true),
        row<unknown_members_of_messages_not_kept>("F-SYN-570", "a restart drops the unknown members of messages", {"syn/history-restarts"}, 3, true),
        row<unknown_members_of_conversations_not_kept>("F-SYN-571", "a restart drops the unknown members of conversations", {"syn/history-restarts"}, 3, true),
        row<surfaces_not_kept>("F-SYN-572", "a restart drops surfaces that no message has", {"syn/history-restarts", "syn/history-crashes"}, 3, true),
        row<newer_tokens_not_kept>("F-REG-221", "a restart brings the first token of a registration back", {"reg/restart"}, 3, false),
        row<receipts_without_digests>("F-SYN-900", "after a restart every push of a known sync_id is a repetition", {"mrg/decides-after-restart"}, 5, true),
        row<versions_by_the_conversation>("F-SYN-901", "after a restart versions are counted from the conversation alone", {"mrg/decides-after-restart"}, 5, true),
        row<stamps_not_kept>("F-SYN-902", "a restart takes what is emitted for the stamp of the winning write", {"mrg/decides-after-restart"}, 5, false),
        row<latest_time_not_kept>("F-SYN-904", "a restart takes the last_modified of the winning write for the latest", {"mrg/decides-after-restart"}, 5, true),
        row<milliseconds_kept>("F-SYN-905", "a restart cuts instants to milliseconds", {"mrg/decides-after-restart"}, 5, false),
        row<redaction_not_kept>("F-SYN-906", "a restart forgets what is redacted", {"mrg/decides-after-restart"}, 5, false),
        row<event_numbers_begin_again>("F-TEL-850", "a restart counts events from the beginning", {"tel/restart"}, 5, false),
        row<arrivals_not_kept>("F-TEL-851", "a restart forgets when events arrived", {"tel/restart"}, 5, true),
    };
}

}  // namespace bsp::faulty
