#include "../faults.hpp"

#include <bsp/base/uri.hpp>

// Who is taken for whom, and in which order that is asked.

namespace bsp::faulty {
namespace {

struct capability_is_role : backend {
    using backend::backend;
    static bool is_admin(principal const& who) {
        return who.peer && std::any_of(who.peer->capabilities.begin(), who.peer->capabilities.end(), [](json::value const& one) { return one == "admin"; });
    }
    bool may_see(principal const& who, peer_record const& p) override { return is_admin(who) || backend::may_see(who, p); }
    bool may_remove(principal const& who, peer_record const& p) override { return is_admin(who) || backend::may_remove(who, p); }
};

/// The old door checks everything, for the first registration of the source.
struct alias_takes_the_first : backend {
    using backend::backend;
    answer push_alias(call const& c) override {
        if (c.request.method != "POST") return method_not_allowed(c);
        BSP_TRY(json::object const body, parse_object(c));
        json::string const* source = json::find_string(body, "source_backend_id");
        json::string const* wanted = json::find_string(body, "peer_id");
        for (auto const& [id, p] : held().peers)
            if (source && json::view(*source) == p.backend_id && (!wanted || json::view(*wanted) == id)) return push(c, std::string{id});
        return fail(errc::forbidden, "not registered");
    }
};

struct token_in_query : backend {
    using backend::backend;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        if (std::string const* given = c.parameter("admin_token"); given && (who_may & admin_may)) return authenticate_admin(*given);
        return backend::authenticate(c, who_may, of_path);
    }
};

struct schema_before_signature : backend {
    using backend::backend;
    answer push(call const& c, std::string const& id) override {
        BSP_TRY(peer_record const* peer, find_peer(id));
        BSP_CHECK(check_not_revoked(*peer));
        BSP_TRY(json::object const body, parse_object(c));
        BSP_TRY(tenant const unused, decode_conversations(json::fields{body}, *peer, c.now));
        return backend::push(c, id);
    }
};

struct times_before_mac : backend {
    using backend::backend;
    result<> verify_token(token const& t, instant now) override {
        BSP_CHECK(check_unexpired(t, now));
        return backend::verify_token(t, now);
    }
};

}  // namespace

std::vector<fault> authority_faults() {
    return {
        {"F-PEER-130", "the capability admin makes an administrator", {"peer/capabilities-grant-nothing"}, make<capability_is_role>},
        {"F-PEER-131", "POST /sync without peer_id takes the first registration of the source", {"peer/alias-ambiguous"}, make<alias_takes_the_first>},
        {"F-PEER-132", "the admin token is read from the query, too", {"peer/admin-token-in-query"}, make<token_in_query>},
        {"F-SYN-384", "the body's schema is checked before its signature", {"aut/order-of-checks"}, make<schema_before_signature>},
        {"F-REG-185", "a token's times are looked at before its MAC", {"sbt/order-of-steps"}, make<times_before_mac>},
    };
}

}  // namespace bsp::faulty
