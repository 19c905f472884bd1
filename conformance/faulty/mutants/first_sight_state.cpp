#include "../faults.hpp"
#include "moments.hpp"

#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <deque>
#include <tuple>

/// What goes wrong where two features meet, and where state builds up.
namespace bsp::faulty {

namespace {

/// Not just read from a request.
bool is_stored(conversation const& c) { return c.committed != instant{}; }

// ---- registrations ----

struct key_of_the_revoked_goes_on : backend {
    using backend::backend;
    void revoke(peer_record& peer, instant) override {
        held().revoked_backends.insert(peer.backend_id);
        held().revoked_keys.insert(peer.key.sha256());
        for (auto& [id, other] : held().peers)
            if (other.backend_id == peer.backend_id) other.revoked = true;
    }
};
struct revoked_keys_as_text : backend {
    using backend::backend;
    void revoke(peer_record& peer, instant now) override {
        texts_.insert(peer.key_text);
        backend::revoke(peer, now);
    }
    result<> check_revocation(claimed_identity const& who, rsa_public_key const&, std::string const&) override {
        if (held().revoked_backends.contains(who.backend_id) || texts_.contains(who.public_key)) return fail(errc::peer_revoked, "this backend has been revoked");
        return ok();
    }

private:
    std::set<std::string> texts_;
};
struct revocation_of_a_user : backend {
    using backend::backend;
    void revoke(peer_record& peer, instant now) override {
        std::string const user = peer.user_id;
        backend::revoke(peer, now);
        for (auto& [id, other] : held().peers)
            if (other.user_id == user) other.revoked = true;
    }
};
struct unpairing_of_a_user : backend {
    using backend::backend;
    void unpair(peer_record const& peer, instant now) override {
        std::string const user = peer.user_id;
        backend::unpair(peer, now);
        std::erase_if(held().peers, [&](auto const& p) { return p.second.user_id == user && !p.second.revoked; });
    }
};
template <char const* scheme>
struct expired_cannot_be_removed : backend {
    using backend::backend;
    answer delete_peer(call const& c, std::string const& id) override {
        auto const found = held().peers.find(id);
        std::string const* credential = c.request.headers.find("Authorization");
        if (found != held().peers.end() && c.now >= found->second.sbt_expires && credential && credential->starts_with(scheme)) return fail(errc::unknown_peer, "no such session");
        return backend::delete_peer(c, id);
    }
};
constexpr char of_admin[] = "Bearer ", of_user[] = "BSP-User ";
struct unpaired_until_the_next_second : backend {
    using backend::backend;
    void unpair(peer_record const& peer, instant now) override { backend::unpair(peer, now.nanoseconds > 0 ? instant{now.seconds + 1} : now); }
};
struct renewed_by_the_second : backend {
    using backend::backend;
    void renew(peer_record& peer, claimed_identity const& who, token const& t) override {
        if (t.created.seconds == peer.sbt_created.seconds) peer.capabilities = who.capabilities;
        else backend::renew(peer, who, t);
    }
};
struct key_free_after_expiry : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        if (peer_record* peer = find_registration(t.user_id, who.backend_id); peer && now >= peer->sbt_expires) {
            peer->key = key;
            peer->key_text = who.public_key;
        }
        return backend::enter(who, key, t, now);
    }
};
struct refused_capabilities_stay : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        if (peer_record* peer = find_registration(t.user_id, who.backend_id)) peer->capabilities = who.capabilities;
        return backend::enter(who, key, t, now);
    }
};
struct absent_capabilities_stay : backend {
    using backend::backend;
    void renew(peer_record& peer, claimed_identity const& who, token const& t) override {
        json::array const before = peer.capabilities;
        backend::renew(peer, who, t);
        if (who.capabilities.empty()) peer.capabilities = before;
    }
};
struct first_challenge_answered_again : backend {
    using backend::backend;
    std::string challenge_signature(std::string const& challenge, peer_record const& peer) override {
        auto const [found, is_new] = answers_.try_emplace(peer.peer_id);
        if (is_new) found->second = backend::challenge_signature(challenge, peer);
        return found->second;
    }

private:
    std::map<std::string, std::string> answers_;
};
struct first_token_listed : backend {
    using backend::backend;
    void renew(peer_record& peer, claimed_identity const& who, token const& t) override {
        json::object const first = peer.sbt;
        backend::renew(peer, who, t);
        peer.sbt = first;
    }
};
struct registered_anew : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        BSP_TRY(peer_record * peer, backend::enter(who, key, t, now));
        peer->registered = now;
        return peer;
    }
};

// ---- whose ----

/// The first registration of a key says whose peer it is.
struct user_by_key : backend {
    using backend::backend;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        peer_record other = peer;
        other.user_id = first_user(peer);
        return backend::apply(other, incoming, now);
    }
    result<principal> authenticate_peer(call const& c, std::string_view compact, peer_record* of_path) override {
        BSP_TRY(principal who, backend::authenticate_peer(c, compact, of_path));
        who.user_id = first_user(*who.peer);
        return who;
    }

private:
    std::string first_user(peer_record const& peer) {
        peer_record const* first = &peer;
        for (auto const& [id, other] : held().peers)
            if (other.key == peer.key && other.registered < first->registered) first = &other;
        return first->user_id;
    }
};
struct expired_peers_write : knows_local_writes<backend> {
    using knows_local_writes::knows_local_writes;
    result<> check_not_expired(peer_record const& peer, instant now) override { return writing_ ? ok() : backend::check_not_expired(peer, now); }
};
struct expired_peers_list_peers : backend {
    using backend::backend;
    result<> check_not_expired(peer_record const& peer, instant now) override { return listing_ ? ok() : backend::check_not_expired(peer, now); }
    answer list_peers(call const& c) override {
        listing_ = true;
        answer out = backend::list_peers(c);
        listing_ = false;
        return out;
    }

private:
    bool listing_ = false;
};
struct users_read_digests : backend {
    using backend::backend;
    answer digest(call const& c, std::string const& peer_id) override {
        BSP_TRY(peer_record * peer, find_peer(peer_id));
        BSP_CHECK(check_not_revoked(*peer));
        BSP_TRY(principal const who, authenticate(c, peer_may | user_may, peer));
        return json_answer(200, digest_answer(tenant_of(who.user_id)));
    }
};

// ---- deletions and versions ----

struct version_of_the_living : backend {
    using backend::backend;
    std::int64_t next_version(conversation const& c, std::string const& message_id) override {
        conversation living = c;
        std::erase_if(living.messages, [](auto const& m) { return m.second.deleted; });
        return backend::next_version(living, message_id);
    }
};
struct tombstones_go_with_the_conversation : backend {
    using backend::backend;
    bool join_scalars(conversation& into, conversation const& from) override {
        if (!backend::join_scalars(into, from)) return false;
        if (into.winner.deleted) std::erase_if(into.messages, [](auto const& m) { return m.second.deleted; });
        return true;
    }
};
struct edits_of_the_deleted_dropped : backend {
    using backend::backend;
    bool join_message(conversation& into, message const& incoming) override { return !(is_stored(into) && into.winner.deleted && into.messages.contains(incoming.id)) && backend::join_message(into, incoming); }
};
struct surfaces_of_the_deleted_dropped : backend {
    using backend::backend;
    bool join_surfaces(conversation& into, conversation const& from) override { return !into.winner.deleted && backend::join_surfaces(into, from); }
};
struct latecomers_of_the_deleted_pulled : backend {
    using backend::backend;
    bool join_message(conversation& into, message const& incoming) override {
        bool const changed = backend::join_message(into, incoming);
        if (changed && is_stored(into) && into.winner.deleted) late_.insert(incoming.digest);
        return changed;
    }
    json::object pull_entry(std::string const& id, conversation const& c) override {
        json::object out = backend::pull_entry(id, c);
        if (c.winner.deleted)
            for (message const* m : sorted_messages(c))
                if (!m->deleted && late_.contains(m->digest)) out.at("messages").as_array().push_back(emit_message(*m));
        return out;
    }

private:
    std::set<sha256_digest> late_;
};
struct losers_outlive_pushed_tombstones : backend {
    using backend::backend;
    bool join_message(conversation& into, message const& incoming) override {
        auto const before = into.losers;
        bool const changed = backend::join_message(into, incoming);
        if (!local_) into.losers = before;
        return changed;
    }
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        local_ = true;
        auto out = backend::commit_locally(all, id, std::move(scalars), version, std::move(m), now);
        local_ = false;
        return out;
    }

private:
    bool local_ = false;
};
struct conflicts_of_any_conversation : backend {
    using backend::backend;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        tenant const before = tenant_of(peer.user_id);
        json::array out = backend::apply(peer, incoming, now);
        for (auto const& [id, from] : incoming)
            for (auto const& [message_id, m] : from.messages)
                for (auto const& [other_id, other] : before)
                    if (auto const found = other.messages.find(message_id); other_id != id && found != other.messages.end())
                        if (auto c = conflict(id, found->second, m)) out.push_back(*std::move(c));
        return out;
    }
};
struct deletion_in_any_conversation : backend {
    using backend::backend;
    answer delete_message(call const& c, std::string const& segment, std::string const& message_id) override {
        // The row is looked for by the message's id alone; the conversation of the path is the first guess.
        for (auto& [user, all] : held().tenants)
            for (auto& [id, conversation] : all)
                if (auto const at = all.find(segment); at == all.end() || !at->second.messages.contains(message_id))
                    if (conversation.messages.contains(message_id) && !conversation.winner.deleted && may_write(c, user)) return backend::delete_message(c, id, message_id);
        return backend::delete_message(c, segment, message_id);
    }

private:
    bool may_write(call const& c, std::string const& user) {
        std::string const* credential = c.request.headers.find("Authorization");
        auto const a = credential ? read_assertion(std::string_view{*credential}.substr(credential->find(' ') + 1)) : fail(errc::credential_required, "");
        if (!a) return false;
        auto const peer = held().peers.find(a->sub);
        return (peer == held().peers.end() ? a->sub : peer->second.user_id) == user;
    }
};

// ---- writes ----

struct answered_once_for_all : backend {
    using backend::backend;
    bool repeats(message const& m, json::object const& body) override { return backend::repeats(m, body) || (!m.deleted && seen_.contains(json::serialize(body))); }
    json::object message_to_write(json::object const& body, std::int64_t version) override {
        if (body.contains("id")) seen_.insert(json::serialize(body));
        return backend::message_to_write(body, version);
    }

private:
    std::set<std::string> seen_;
};
struct ids_by_count : backend {
    using backend::backend;
    std::string new_message_id(conversation const& c) override {
        auto const living = std::count_if(c.messages.begin(), c.messages.end(), [](auto const& m) { return !m.second.deleted; });
        return "msg_" + std::to_string(living + 1);
    }
};
struct refused_write_creates : backend {
    using backend::backend;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        BSP_TRY(principal const who, backend::authenticate(c, who_may, of_path));
        user_ = who.user_id;
        return who;
    }
    answer write_message(call const& c, std::string const& id) override {
        user_.clear();
        answer out = backend::write_message(c, id);
        if (!out && out.error().code == errc::invalid_body && !user_.empty() && is_identifier(id) && !tenant_of(user_).contains(id))
            BSP_CHECK(commit_locally(tenant_of(user_), id, {{"conversation_id", id}, {"source_backend", backend_id()}}, 1, std::nullopt, c.now));
        return out;
    }

private:
    std::string user_;
};
struct at_most_1000_messages : backend {
    using backend::backend;
    bool join_message(conversation& into, message const& incoming) override {
        bool const changed = backend::join_message(into, incoming);
        if (into.messages.size() > 1'000)
            into.messages.erase(std::min_element(into.messages.begin(), into.messages.end(), [](auto const& a, auto const& b) { return a.second.written < b.second.written; }));
        return changed;
    }
};

struct entries_cut_at_8_mib : backend {
    using backend::backend;
    json::object pull_entry(std::string const& id, conversation const& c) override {
        auto entry = backend::pull_entry(id, c);
        auto& messages = entry.at("messages").as_array();
        std::size_t bytes = 0, kept = 0;
        while (kept < messages.size() && bytes < 8u << 20) bytes += json::serialize(messages[kept++]).size();
        messages.erase(messages.begin() + static_cast<std::ptrdiff_t>(kept), messages.end());
        return entry;
    }
};

}  // namespace

std::vector<fault> first_sight_state_faults() {
    return {
        tried(1, true, {"F-REG-195", "another registration of a revoked key goes on", {"peer/revoked-key"}, make<key_of_the_revoked_goes_on>}),
        tried(1, true, {"F-REG-196", "revoked keys are compared as PEM text", {"peer/revoked-key"}, make<revoked_keys_as_text>}),
        tried(1, false, {"F-REG-197", "an expired peer cannot be revoked", {"peer/revoke-expired"}, make<expired_cannot_be_removed<of_admin>>}),
        tried(1, false, {"F-REG-198", "the user cannot unpair an expired peer", {"peer/unpair-expired"}, make<expired_cannot_be_removed<of_user>>}),
        tried(1, false, {"F-REG-199", "an unpairing counts until the end of its second", {"reg/again-at-once"}, make<unpaired_until_the_next_second>}),
        tried(1, false, {"F-REG-200", "of two tokens of one second the first stays", {"reg/newer-by-a-fraction"}, make<renewed_by_the_second>}),
        tried(1, false, {"F-REG-201", "the pinned key may change after the token expired", {"reg/key-outlives-token"}, make<key_free_after_expiry>}),
        tried(1, true, {"F-REG-202", "capabilities of a registration refused for its key are stored", {"reg/key-mismatch", "reg/history-registrations"}, make<refused_capabilities_stay>}),
        tried(1, true, {"F-REG-203", "the answer to the first challenge is given again", {"reg/challenge"}, make<first_challenge_answered_again>}),
        tried(1, true, {"F-REG-204", "the list of peers shows the first token", {"peer/list-members"}, make<first_token_listed>}),
        tried(1, true, {"F-REG-205", "registered_at is the time of the last registration", {"peer/list-members"}, make<registered_anew>}),
        tried(1, false, {"F-REG-206", "a registration without capabilities leaves the old ones", {"reg/capabilities-each-time"}, make<absent_capabilities_stay>}),
        tried(1, true, {"F-REG-207", "a revocation ends all registrations of the user", {"peer/revocation-of-one"}, make<revocation_of_a_user>}),
        tried(1, true, {"F-REG-208", "an unpairing ends all registrations of the user", {"peer/unpairing-of-one"}, make<unpairing_of_a_user>}),
        tried(1, true, {"F-SYN-445", "the user of a peer is found by its key", {"reg/one-device-of-two-users"}, make<user_by_key>}),
        tried(1, true, {"F-SYN-446", "writes are taken after the token expired", {"sbt/expiry-stops-pull"}, make<expired_peers_write>}),
        tried(1, true, {"F-SYN-447", "peers are listed after the token expired", {"sbt/expiry-stops-pull"}, make<expired_peers_list_peers>}),
        tried(1, true, {"F-SYN-448", "a user may read a peer's digest", {"syn/digest-needs-credential"}, make<users_read_digests>}),
        tried(1, true, {"F-SYN-454", "versions are counted from the messages that are not tombstones", {"cnv/version", "cnv/delete-conversation-version", "cnv/title-version"}, make<version_of_the_living>}),
        tried(1, true, {"F-SYN-455", "deleting a conversation drops the tombstones in it", {"mrg/history-states", "syn/history-feeds", "syn/history-refusals"}, make<tombstones_go_with_the_conversation>}),
        tried(1, true, {"F-SYN-456", "edits pushed into a deleted conversation are dropped", {"mrg/history-states", "syn/history-feeds", "syn/history-refusals"}, make<edits_of_the_deleted_dropped>}),
        tried(1, true, {"F-SYN-457", "surfaces pushed into a deleted conversation are dropped", {"cnv/history-users", "mrg/history-states", "syn/history-feeds"}, make<surfaces_of_the_deleted_dropped>}),
        tried(1, true, {"F-SYN-458", "messages that came after the deletion are in pulls", {"mrg/deleted-conversation"}, make<latecomers_of_the_deleted_pulled>}),
        tried(1, true, {"F-SYN-459", "a message of another conversation counts as a conflict", {"mrg/no-false-conflicts", "syn/answer"}, make<conflicts_of_any_conversation>}),
        tried(1, false, {"F-SYN-461", "losing versions outlive a tombstone that was pushed", {"cnv/losers-deleted"}, make<losers_outlive_pushed_tombstones>}),
        tried(1, true, {"F-SYN-462", "a write that was made before is answered, not made", {"cnv/edit"}, make<answered_once_for_all>}),
        tried(1, false, {"F-SYN-463", "message ids are counted", {"cnv/new-ids"}, make<ids_by_count>}),
        tried(1, false, {"F-SYN-464", "a refused write leaves an empty conversation", {"cnv/refused-writes"}, make<refused_write_creates>}),
        tried(1, false, {"F-SYN-465", "a conversation keeps its last 1000 messages", {"syn/long-conversation"}, make<at_most_1000_messages>}),
        {"F-SYN-516", "an entry of a pull ends after 8 MiB, and its rest is forgotten", {"syn/heavy-conversation"}, make<entries_cut_at_8_mib>},
        tried(1, true, {"F-SYN-471", "a message is deleted wherever its id is found", {"cnv/delete-here-only"}, make<deletion_in_any_conversation>}),
    };
}

}  // namespace bsp::faulty
