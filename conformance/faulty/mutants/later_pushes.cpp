#include "known_members.hpp"
#include "later.hpp"

#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <cstring>

/// Faults of pushes that hold several of something, and of what is compared when a push comes again.
namespace bsp::faulty {

namespace {

using base = knowing_backend;

// ---- what makes a repetition -------------------------------------------------------------------------------

/// The payload is compared as a class of one's own holds it.
struct repetitions_by_known_members : base {
    using base::base;
    sha256_digest digest_of(json::object const& body) override {
        json::object known = body;
        for (auto& c : known["conversations"].as_array()) {
            c = known_of_conversation(c.get_object());
            for (auto& m : c.get_object()["messages"].as_array()) m = known_of_message(m.get_object());
        }
        return base::digest_of(known);
    }
};
struct repetitions_without_surfaces : base {
    using base::base;
    sha256_digest digest_of(json::object const& body) override {
        json::object rest = body;
        for (auto& c : rest["conversations"].as_array()) c.get_object().erase("surfaces");
        return base::digest_of(rest);
    }
};
struct repetitions_by_messages : base {
    using base::base;
    sha256_digest digest_of(json::object const& body) override {
        json::object rest = body;
        for (auto& c : rest["conversations"].as_array()) c = json::object{{"conversation_id", c.at("conversation_id")}, {"messages", c.at("messages")}};
        return base::digest_of(rest);
    }
};
struct repetitions_by_one_conversation : base {
    using base::base;
    sha256_digest digest_of(json::object const& body) override {
        json::object rest = body;
        if (auto& all = rest["conversations"].as_array(); all.size() > 1) all.resize(1);
        return base::digest_of(rest);
    }
};

// ---- what is left over from the one before -----------------------------------------------------------------

struct surfaces_pile_up : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        piled_.clear();
        return base::decode_conversations(body, peer, now);
    }
    result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now) override {
        BSP_TRY(auto entry, base::decode_conversation(f, now));
        entry.second.listed.insert(piled_.begin(), piled_.end());
        entry.second.surfaces.insert(piled_.begin(), piled_.end());
        piled_ = entry.second.listed;
        return entry;
    }

private:
    std::set<std::string> piled_;
};
struct deleted_like_the_message_before : base {
    using base::base;
    result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now) override {
        deleted_ = false;
        return base::decode_conversation(f, now);
    }
    result<message> decode_message(json::fields const& f, instant now) override {
        BSP_TRY(message m, base::decode_message(f, now));
        if (f.find("deleted")) deleted_ = m.deleted;
        m.deleted = deleted_;
        return m;
    }

private:
    bool deleted_ = false;
};
template <bool Title>
struct like_the_conversation_before : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        title_.reset(), deleted_ = false;
        return base::decode_conversations(body, peer, now);
    }
    result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now) override {
        BSP_TRY(auto entry, base::decode_conversation(f, now));
        scalar_write& w = entry.second.winner;
        if (f.find("title")) title_ = *f.find("title");
        else if (Title && title_) w.received["title"] = *title_;
        if (f.find("deleted")) deleted_ = w.deleted;
        else if (!Title && deleted_) w.deleted = true;
        return entry;
    }

private:
    std::optional<json::value> title_;
    bool deleted_ = false;
};

// ---- what is passed over ------------------------------------------------------------------------------------

/// What has been read of a push, on its way into the store.
struct changes_what_comes : base {
    using base::base;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        tenant changed = incoming;
        change(changed, tenant_of(peer.user_id));
        return base::apply(peer, changed, now);
    }

protected:
    virtual void change(tenant& incoming, tenant const& held) = 0;
};
struct deleted_without_their_messages : changes_what_comes {
    using changes_what_comes::changes_what_comes;
    void change(tenant& incoming, tenant const&) override {
        for (auto& [id, c] : incoming)
            if (c.winner.deleted) c.messages.clear();
    }
};
struct messages_once_in_a_push : changes_what_comes {
    using changes_what_comes::changes_what_comes;
    void change(tenant& incoming, tenant const&) override {
        std::set<std::string> seen;
        for (auto& [id, c] : incoming) std::erase_if(c.messages, [&](auto const& m) { return !seen.insert(m.first).second; });
    }
};
struct unknown_tombstones_dropped : changes_what_comes {
    using changes_what_comes::changes_what_comes;
    void change(tenant& incoming, tenant const& held) override {
        for (auto& [id, c] : incoming) {
            auto const found = held.find(id);
            std::erase_if(c.messages, [&](auto const& m) { return m.second.deleted && (found == held.end() || !found->second.messages.contains(m.first)); });
        }
    }
};
struct unknown_deletions_dropped : changes_what_comes {
    using changes_what_comes::changes_what_comes;
    void change(tenant& incoming, tenant const& held) override {
        std::erase_if(incoming, [&](auto const& c) { return c.second.winner.deleted && !held.contains(c.first); });
    }
};
/// A `break` that was meant to be a `continue`.
struct ends_at_a_stale_conversation : changes_what_comes {
    using changes_what_comes::changes_what_comes;
    void change(tenant& incoming, tenant const& held) override {
        for (auto c = incoming.begin(); c != incoming.end(); ++c)
            if (auto const found = held.find(c->first); found != held.end() && c->second.version < found->second.version) {
                incoming.erase(std::next(c), incoming.end());
                return;
            }
    }
};
struct ends_at_an_empty_conversation : changes_what_comes {
    using changes_what_comes::changes_what_comes;
    void change(tenant& incoming, tenant const&) override {
        for (auto c = incoming.begin(); c != incoming.end(); ++c)
            if (c->second.messages.empty()) {
                incoming.erase(std::next(c), incoming.end());
                return;
            }
    }
};
struct ends_at_a_stale_message : changes_what_comes {
    using changes_what_comes::changes_what_comes;
    void change(tenant& incoming, tenant const& held) override {
        for (auto& [id, c] : incoming)
            if (auto const found = held.find(id); found != held.end())
                for (auto m = c.messages.begin(); m != c.messages.end(); ++m)
                    if (auto const known = found->second.messages.find(m->first); known != found->second.messages.end() && m->second.version < known->second.version) {
                        c.messages.erase(std::next(m), c.messages.end());
                        break;
                    }
    }
};
/// Surfaces are taken from messages when they are inserted, and not when they are updated.
struct surfaces_of_new_messages : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        known_.clear();
        return base::decode_conversations(body, peer, now);
    }
    void keep_losers(conversation& into, conversation const& from, instant now) override {
        known_.clear();
        for (auto const& [id, m] : into.messages) known_.insert(id);
        base::keep_losers(into, from, now);
    }
    bool join_surfaces(conversation& into, conversation const& from) override {
        conversation some = from;
        some.surfaces = from.listed;
        for (auto const& [id, m] : from.messages)
            if (!known_.contains(id)) add_surface(some, m);
        return base::join_surfaces(into, some);
    }

private:
    std::set<std::string> known_;
};
struct surfaces_of_winners : base {
    using base::base;
    bool join_surfaces(conversation& into, conversation const& from) override { return (into.is_new() || write_outranks(from.winner, into)) && base::join_surfaces(into, from); }
};
struct surfaces_of_first_entries : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        decoding_ = true;
        auto out = base::decode_conversations(body, peer, now);
        decoding_ = false;
        return out;
    }
    bool join_surfaces(conversation& into, conversation const& from) override { return !(decoding_ && !into.is_new()) && base::join_surfaces(into, from); }

private:
    bool decoding_ = false;
};
struct one_conflict_of_each : base {
    using base::base;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        json::array out;
        std::set<std::string> told;
        for (auto& c : base::apply(peer, incoming, now))
            if (c.at("conflict_type") != json::value("diverged_messages") || told.insert(std::string{json::view(c.at("conversation_id").as_string())}).second) out.push_back(std::move(c));
        return out;
    }
};
/// The first is told of what is held already, the second of what is replaced.
template <bool Equal>
struct false_staleness : base {
    using base::base;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        json::array out;
        tenant const& all = tenant_of(peer.user_id);
        for (auto const& [id, c] : incoming) {
            auto const held = all.find(id);
            if (held == all.end()) continue;
            bool const equal = held->second.winner.digest == c.winner.digest;
            if (Equal ? !equal : equal || !write_outranks(c.winner, held->second)) continue;
            out.push_back(json::object{{"conversation_id", id}, {"local_version", held->second.winner.version}, {"incoming_version", c.winner.version}, {"conflict_type", "stale_metadata"},
                                       {"resolution_strategy", "last_write_wins"}, {"winner", Equal ? "local" : "incoming"}});
        }
        for (auto& one : base::apply(peer, incoming, now)) out.push_back(std::move(one));
        return out;
    }
};

// ---- edges --------------------------------------------------------------------------------------------------

/// 24 hours are counted from when the push says that it was signed.
struct ahead_of_the_stamp : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        auto out = base::push(c, peer_id);
        stated_.reset();
        return out;
    }
    result<> check_fresh(json::object const& body, instant now) override {
        if (auto const stated = instant_of(json::fields{body}, "timestamp")) stated_ = *stated;
        return base::check_fresh(body, now);
    }
    result<> check_ahead(instant t, instant now) override { return base::check_ahead(t, stated_.value_or(now)); }

private:
    std::optional<instant> stated_;
};
/// As a language compares that has no unsigned bytes.
struct signed_octets : base {
    using base::base;
    bool message_tie(message const& a, message const& b) override {
        return std::lexicographical_compare(b.digest.begin(), b.digest.end(), a.digest.begin(), a.digest.end(), [](auto x, auto y) { return static_cast<signed char>(x) < static_cast<signed char>(y); });
    }
};
struct first_octets : base {
    using base::base;
    bool message_tie(message const& a, message const& b) override { return std::memcmp(a.digest.data(), b.digest.data(), 4) > 0; }
};
struct first_octets_of_scalars : base {
    using base::base;
    bool write_tie(scalar_write const& a, scalar_write const& b) override { return std::memcmp(a.digest.data(), b.digest.data(), 4) > 0; }
};

}  // namespace

std::vector<fault> later_push_faults() {
    std::vector<fault> out{
        fifth<repetitions_by_known_members>("F-SYN-850", "a repetition is recognised without the members that the server does not know", {"syn/sync-id-reuse", "syn/reuse-in-any-part"}, true),
        fifth<repetitions_without_surfaces>("F-SYN-851", "a repetition is recognised without surfaces", {"syn/reuse-in-any-part"}, false),
        fifth<repetitions_by_messages>("F-SYN-852", "a repetition is recognised by the messages alone", {"syn/sync-id-reuse", "syn/reuse-in-any-part"}, true),
        fifth<repetitions_by_one_conversation>("F-SYN-853", "a repetition is recognised by its first conversation", {"syn/sync-id-reuse", "syn/reuse-in-any-part"}, true),
        fifth<surfaces_pile_up>("F-SYN-854", "a conversation of a push has the surfaces of those before it", {"syn/neighbours"}, true),
        fifth<deleted_like_the_message_before>("F-SYN-855", "what follows a tombstone in a push is deleted, too", {"syn/neighbours"}, true),
        fifth<like_the_conversation_before<true>>("F-SYN-856", "a conversation without a title gets that of the one before it in the push", {"syn/neighbours"}, false),
        fifth<like_the_conversation_before<false>>("F-SYN-857", "what follows a deleted conversation in a push is deleted, too", {"syn/neighbours"}, false),
        fifth<deleted_without_their_messages>("F-SYN-858", "messages that come with the tombstone of their conversation are dropped", {"syn/neighbours"}, true),
        fifth<messages_once_in_a_push>("F-SYN-859", "of messages with one id in several conversations of a push the first is stored", {"syn/neighbours", "mrg/any-grouping"}, true),
        fifth<unknown_tombstones_dropped>("F-SYN-860", "tombstones of messages that are not held are dropped", {"mrg/tombstone-stays", "syn/neighbours"}, true),
        fifth<unknown_deletions_dropped>("F-SYN-861", "tombstones of conversations that are not held are dropped", {"syn/neighbours"}, true),
        fifth<ends_at_a_stale_conversation>("F-SYN-862", "a push ends at the first conversation of a lower version", {"syn/neighbours"}, false),
        fifth<ends_at_an_empty_conversation>("F-SYN-863", "a push ends at the first conversation without messages", {"syn/neighbours"}, false),
        fifth<ends_at_a_stale_message>("F-SYN-864", "a conversation in a push ends at the first message of a lower version", {"syn/neighbours"}, true),
        fifth<surfaces_of_new_messages>("F-SYN-865", "an edit from another surface does not add it", {"syn/neighbours"}, false),
        fifth<surfaces_of_winners>("F-SYN-866", "surfaces that come with a lower version are dropped", {"mrg/surfaces"}, true),
        fifth<surfaces_of_first_entries>("F-SYN-867", "of two entries of a conversation in a push the second adds no surfaces", {"syn/neighbours"}, true),
        {"F-SYN-907", "what is held already is told as stale", {"mrg/no-false-staleness"}, make<false_staleness<true>>},
        {"F-SYN-908", "what is replaced is told as stale", {"mrg/no-false-staleness"}, make<false_staleness<false>>},
        fifth<one_conflict_of_each>("F-SYN-868", "of each conversation in a push one conflict is told", {"mrg/many-conflicts"}, true),
        fifth<ahead_of_the_stamp>("F-SYN-869", "24 hours ahead are counted from the timestamp of the push", {"syn/ahead-of-the-server"}, false),
        fifth<signed_octets>("F-SYN-870", "digests are compared by signed octets", {"mrg/tie"}, true),
        fifth<first_octets>("F-SYN-871", "of the digests of messages the first four octets are compared", {"mrg/close-digests"}, false),
        fifth<first_octets_of_scalars>("F-SYN-872", "of the digests of scalar writes the first four octets are compared", {"mrg/close-digests-of-scalars"}, false),
    };
    for (auto list : {later_feed_faults, later_request_faults, later_client_faults})
        for (auto& f : list()) out.push_back(std::move(f));
    return out;
}

}  // namespace bsp::faulty
