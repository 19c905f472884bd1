#include "../faults.hpp"

#include <algorithm>
#include <set>

/// Faults of listing, unpairing and revoking peers.
namespace bsp::faulty {

namespace {

struct open_list : backend {
    using backend::backend;
    answer list_peers(call const& c) override {
        if (c.request.headers.find("Authorization")) return backend::list_peers(c);
        json::array peers;
        for (auto const& [id, p] : held().peers) peers.push_back(peer_entry(p));
        return json_answer(200, json::object{{"peers", peers}});
    }
};
struct list_with_signature : backend {
    using backend::backend;
    json::object peer_entry(peer_record const& p) override {
        json::object out = backend::peer_entry(p);
        out["sbt"] = p.sbt;
        return out;
    }
};
struct list_of_everybody : backend {
    using backend::backend;
    bool may_see(principal const&, peer_record const&) override { return true; }
};
struct no_registered_at : backend {
    using backend::backend;
    json::object peer_entry(peer_record const& p) override {
        json::object out = backend::peer_entry(p);
        out.erase("registered_at");
        return out;
    }
};
struct removed_still_listed : backend {
    using backend::backend;
    std::vector<json::object> gone;
    std::vector<std::string> users;
    void unpair(peer_record const& p, instant now) override {
        gone.push_back(peer_entry(p));
        users.push_back(p.user_id);
        backend::unpair(p, now);
    }
    answer list_peers(call const& c) override {
        BSP_TRY(principal const who, authenticate(c, admin_may | user_may | peer_may));
        json::array peers;
        for (auto const& [id, p] : held().peers)
            if (!p.revoked && may_see(who, p)) peers.push_back(peer_entry(p));
        for (std::size_t i = 0; i < gone.size(); ++i)
            if (who.kind == principal::admin_kind || who.user_id == users[i]) peers.push_back(gone[i]);
        return json_answer(200, json::object{{"peers", peers}});
    }
};
struct open_delete : backend {
    using backend::backend;
    answer delete_peer(call const& c, std::string const& id) override {
        if (c.request.headers.find("Authorization")) return backend::delete_peer(c, id);
        BSP_TRY(peer_record * p, find_peer(id));
        revoke(*p, c.now);
        return json_answer(200, json::object{{"status", "revoked"}, {"peer_id", id}});
    }
};
struct any_peer_removes : backend {
    using backend::backend;
    bool may_remove(principal const& who, peer_record const& p) override { return who.kind == principal::peer_kind || backend::may_remove(who, p); }
};
struct sibling_removes : backend {
    using backend::backend;
    bool may_remove(principal const& who, peer_record const& p) override { return who.user_id == p.user_id || backend::may_remove(who, p); }
};
struct any_user_removes : backend {
    using backend::backend;
    bool may_remove(principal const& who, peer_record const& p) override { return who.kind == principal::user_kind || backend::may_remove(who, p); }
};
struct user_cannot_remove : backend {
    using backend::backend;
    bool may_remove(principal const& who, peer_record const& p) override { return who.kind != principal::user_kind && backend::may_remove(who, p); }
};
struct prefix_of_admin_token : backend {
    using backend::backend;
    result<principal> authenticate_admin(std::string_view t) override { return backend::authenticate_admin(config().admin_token.starts_with(t) ? config().admin_token : t); }
};
struct any_case_admin_token : backend {
    using backend::backend;
    result<principal> authenticate_admin(std::string_view t) override {
        return backend::authenticate_admin(http_headers::same_name(t, config().admin_token) ? config().admin_token : t);
    }
};
struct unknown_is_200 : backend {
    using backend::backend;
    answer delete_peer(call const& c, std::string const& id) override {
        answer a = backend::delete_peer(c, id);
        if (!a && a.error().code == errc::unknown_peer && !held().peers.contains(id)) return json_answer(200, json::object{{"status", "revoked"}, {"peer_id", id}});
        return a;
    }
};
struct unpair_says_revoked : backend {
    using backend::backend;
    answer delete_peer(call const& c, std::string const& id) override {
        BSP_TRY(http_response r, backend::delete_peer(c, id));
        return json_answer(200, json::object{{"status", "revoked"}, {"peer_id", id}});
    }
};
struct revoke_says_unpaired : backend {
    using backend::backend;
    answer delete_peer(call const& c, std::string const& id) override {
        BSP_TRY(http_response r, backend::delete_peer(c, id));
        return json_answer(200, json::object{{"status", "unpaired"}, {"peer_id", id}});
    }
};
struct unpair_removes_conversations : backend {
    using backend::backend;
    void unpair(peer_record const& p, instant now) override {
        held().tenants.erase(p.user_id);
        backend::unpair(p, now);
    }
};
struct old_tokens_survive : backend {
    using backend::backend;
    result<> check_unpairing(token const&, claimed_identity const&) override { return ok(); }
};
struct unpaired_for_ever : backend {
    using backend::backend;
    result<> check_unpairing(token const& t, claimed_identity const& who) override {
        if (held().unpaired.contains({t.user_id, who.backend_id})) return fail(errc::invalid_sbt, "this backend was unpaired");
        return ok();
    }
};
struct same_id_again : backend {
    using backend::backend;
    std::map<std::string, std::string> ids;
    std::string new_peer_id(claimed_identity const& who) override { return ids.try_emplace(who.backend_id, backend::new_peer_id(who)).first->second; }
};
struct id_from_backend_id : backend {
    using backend::backend;
    std::string new_peer_id(claimed_identity const& who) override { return "peer_" + to_hex(sha256(who.backend_id)).substr(0, 32); }
};
struct pin_survives : backend {
    using backend::backend;
    std::map<std::pair<std::string, std::string>, sha256_digest> pins;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        if (pins.try_emplace({t.user_id, who.backend_id}, key.sha256()).first->second != key.sha256()) return fail(errc::key_mismatch, "another key is pinned");
        return backend::enter(who, key, t, now);
    }
};
struct removed_still_served : backend {
    using backend::backend;
    std::map<std::string, peer_record> removed;
    void unpair(peer_record const& p, instant now) override {
        removed.emplace(p.peer_id, p);
        backend::unpair(p, now);
    }
    result<principal> authenticate_peer(call const& c, std::string_view compact, peer_record* of_path) override {
        auto const a = read_assertion(compact);
        auto const gone = a ? removed.find(a->sub) : removed.end();
        if (gone == removed.end()) return backend::authenticate_peer(c, compact, of_path);
        auto const back = held().peers.emplace(*gone).first;
        auto who = backend::authenticate_peer(c, compact, of_path);
        held().peers.erase(back);
        if (who) who->peer = nullptr;
        return who;
    }
};
struct revoked_may_push : backend {
    using backend::backend;
    bool pushing = false;
    answer push(call const& c, std::string const& id) override {
        pushing = true;
        answer a = backend::push(c, id);
        pushing = false;
        return a;
    }
    result<> check_not_revoked(peer_record const& p) override { return pushing ? ok() : backend::check_not_revoked(p); }
};
struct revoked_may_pull : backend {
    using backend::backend;
    bool pushing = false;
    answer push(call const& c, std::string const& id) override {
        pushing = true;
        answer a = backend::push(c, id);
        pushing = false;
        return a;
    }
    result<> check_not_revoked(peer_record const& p) override { return pushing ? backend::check_not_revoked(p) : ok(); }
};
struct revoked_may_return : backend {
    using backend::backend;
    void revoke(peer_record& p, instant now) override { backend::unpair(p, now); }
};
struct revoked_for_one_user : backend {
    using backend::backend;
    std::set<std::pair<std::string, std::string>> revoked;
    void revoke(peer_record& p, instant) override {
        revoked.emplace(p.user_id, p.backend_id);
        held().revoked_keys.insert(p.key.sha256());
        p.revoked = true;
    }
    result<> check_revocation(claimed_identity const& who, rsa_public_key const& key, std::string const& user) override {
        if (revoked.contains({user, who.backend_id})) return fail(errc::peer_revoked, "this backend has been revoked");
        return backend::check_revocation(who, key, user);
    }
};
struct other_registrations_live_on : backend {
    using backend::backend;
    void revoke(peer_record& p, instant) override {
        held().revoked_backends.insert(p.backend_id);
        held().revoked_keys.insert(p.key.sha256());
        p.revoked = true;
    }
};
struct revoked_key_returns : backend {
    using backend::backend;
    void revoke(peer_record& p, instant now) override {
        backend::revoke(p, now);
        held().revoked_keys.clear();
    }
};
struct weak_alias : backend {
    using backend::backend;
    // The old door asks for nothing.
    answer push_alias(call const& c) override {
        if (c.request.method != "POST") return method_not_allowed(c);
        BSP_TRY(json::object const body, parse_object(c));
        json::fields const f{body};
        BSP_TRY(std::string const sync_id, identifier_of(f, "sync_id"));
        for (auto& [id, p] : held().peers)
            if (json::string const* source = json::find_string(body, "source_backend_id"); source && json::view(*source) == p.backend_id) {
                BSP_TRY(tenant const incoming, decode_conversations(f, p, c.now));
                return json_answer(200, push_answer(sync_id, apply(p, incoming, c.now)));
            }
        return fail(errc::forbidden, "not registered");
    }
};
/// A user's list is kept until something of that user's registrations changes; a revocation changes those of the one it named.
struct lists_kept_by_user : backend {
    using backend::backend;
    answer list_peers(call const& c) override {
        BSP_TRY(principal const who, authenticate(c, admin_may | user_may | peer_may));
        if (who.kind != principal::admin_kind) looked_.insert(who.user_id);
        json::array peers;
        for (auto const& [id, p] : held().peers)
            if ((!p.revoked || (who.kind != principal::admin_kind && still_listed_.contains(id))) && may_see(who, p)) peers.push_back(peer_entry(p));
        return json_answer(200, json::object{{"peers", std::move(peers)}});
    }
    void revoke(peer_record& named, instant now) override {
        for (auto const& [id, p] : held().peers)
            if (!p.revoked && p.user_id != named.user_id && looked_.contains(p.user_id)) still_listed_.insert(id);
        backend::revoke(named, now);
    }
    void unpair(peer_record const& p, instant now) override {
        forget_list_of(p.user_id);
        backend::unpair(p, now);
    }
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        BSP_TRY(auto* p, backend::enter(who, key, t, now));
        forget_list_of(p->user_id);
        return p;
    }

private:
    void forget_list_of(std::string const& user_id) {
        looked_.erase(user_id);
        std::erase_if(still_listed_, [&](std::string const& id) { return !held().peers.contains(id) || held().peers.at(id).user_id == user_id; });
    }
    std::set<std::string> looked_, still_listed_;
};

}  // namespace

std::vector<fault> peer_faults() {
    return {
        {"F-REG-22", "a revoked backend may register again", {"peer/revoked-cannot-return"}, make<revoked_may_return>},
        {"F-REG-110", "tokens from before an unpairing stay valid", {"peer/unpair-ends-old-tokens", "reg/history-registrations"}, make<old_tokens_survive>},
        {"F-REG-111", "an unpaired backend can never be paired again", {"peer/pair-again"}, make<unpaired_for_ever>},
        {"F-REG-112", "pairing again brings the old peer_id back", {"peer/pair-again"}, make<same_id_again>},
        {"F-REG-113", "the key stays pinned after an unpairing", {"peer/pair-again-other-key", "reg/history-registrations"}, make<pin_survives>},
        {"F-REG-114", "a revocation counts for one user only", {"peer/revoked-for-every-user"}, make<revoked_for_one_user>},
        {"F-REG-115", "a revoked key may come back under another backend_id", {"peer/revoked-key"}, make<revoked_key_returns>},
        {"F-REG-116", "other registrations of a revoked backend go on", {"peer/revoked-for-every-user"}, make<other_registrations_live_on>},
        {"F-REG-119", "the peer_id is a hash of the backend_id", {"peer/pair-again"}, make<id_from_backend_id>},
        {"F-REG-135", "an unpairing calls itself a revocation", {"peer/unpair-by-peer", "peer/unpair-by-user"}, make<unpair_says_revoked>},
        {"F-REG-136", "an unpairing removes the conversations", {"peer/unpair-keeps-conversations"}, make<unpair_removes_conversations>},
        {"F-PEER-01", "the list of peers is open", {"peer/list-needs-credential"}, make<open_list>},
        {"F-PEER-02", "the list of peers holds the tokens' signatures", {"peer/list-without-secrets"}, make<list_with_signature>},
        {"F-PEER-03", "the list of peers holds other users'", {"peer/list-of-own-user"}, make<list_of_everybody>},
        {"F-PEER-04", "a peer is removed without a credential", {"peer/delete-needs-credential"}, make<open_delete>},
        {"F-PEER-05", "any peer removes any peer", {"peer/foreign-peer-cannot-delete"}, make<any_peer_removes>},
        {"F-PEER-06", "an empty or shortened admin token is accepted", {"peer/admin-token"}, make<prefix_of_admin_token>},
        {"F-PEER-07", "removing an unknown peer succeeds", {"peer/delete-unknown"}, make<unknown_is_200>},
        {"F-PEER-08", "the alias /sync skips the checks", {"peer/alias"}, make<weak_alias>},
        {"F-PEER-101", "the user cannot unpair", {"peer/unpair-by-user"}, make<user_cannot_remove>},
        {"F-PEER-102", "another peer of the same user unpairs", {"peer/sibling-cannot-delete"}, make<sibling_removes>},
        {"F-PEER-103", "unpaired registrations stay in the list", {"peer/list-without-removed"}, make<removed_still_listed>},
        {"F-PEER-105", "the admin token is compared without case", {"peer/admin-token"}, make<any_case_admin_token>},
        {"F-PEER-107", "an unpaired peer may go on reading", {"peer/removed-is-refused"}, make<removed_still_served>},
        {"F-PEER-108", "registered_at is missing from the list", {"peer/list-members"}, make<no_registered_at>},
        {"F-PEER-109", "any user removes any peer", {"peer/foreign-user-cannot-delete"}, make<any_user_removes>},
        {"F-PEER-110", "a revocation calls itself an unpairing", {"peer/revoke"}, make<revoke_says_unpaired>},
        {"F-PEER-111", "a revoked peer may go on reading", {"peer/revoke-ends-pull"}, make<revoked_may_pull>},
        tried<lists_kept_by_user>(9, false, "F-PEER-112", "a revocation leaves what another user's list showed before as it is", {"peer/revoked-for-every-user"}),
        {"F-SYN-09", "a revoked peer may go on pushing", {"peer/revoke"}, make<revoked_may_push>},
    };
}

}  // namespace bsp::faulty
