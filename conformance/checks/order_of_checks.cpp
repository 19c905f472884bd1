#include "../registry.hpp"
#include "edits.hpp"
#include "ground.hpp"
#include "habits.hpp"

// Sections 3.3 and 5.7: a request with several defects is answered for the first of them.

namespace bsp::conformance {
namespace {

void push_is_checked_in_order(scenario& s) {
    ground const g{s};
    auto const other = s.register_peer();
    auto const nowhere = "/sync/peer_" + std::string(32, '0');
    auto const told = [&](exchange const& x, std::string const& what, int status) {
        s.expect(x.client_error(), what + " is refused", x.describe());
        s.expect(x.status() == status, what + " is refused with " + std::to_string(status), x.describe());
    };
    edit const no_conversations = drop("conversations");
    told(g.push({.bytes = [](std::string text) { return text.substr(1); }, .path = nowhere}), "a body that is no JSON, for an unknown peer", 404);
    told(g.push({.before_signing = no_conversations, .signer = other.signing_key()}), "a push without conversations, signed by another peer", 401);
    told(g.push({.timestamp = s.in_seconds(-3600), .before_signing = no_conversations}), "a push without conversations, an hour old", 401);
    told(g.push({.before_signing = both(no_conversations, set("target_backend_id", s.fresh_backend_id(s.identity().backend_type)))}), "a push without conversations, for another backend", 403);
    told(g.push({.before_signing = set("target_backend_id", s.fresh_backend_id(s.identity().backend_type)), .signer = other.signing_key()}), "a push for another backend, signed by another peer", 401);
    g.was_spared("pushes with several defects");
}

void token_is_checked_in_order(scenario& s) {
    auto const told = [&](exchange const& x, std::string const& what, int status, std::string const& code) {
        s.expect(x.client_error(), what + " is refused", x.describe());
        s.expect(x.status() == status && x.code() == code, what + " is refused with " + std::to_string(status) + " " + code, x.describe());
    };
    auto const wrong_mac = set("signature", std::string(64, '0'));
    auto const expired = both(set("created_at", s.in_seconds(-7200)), set("expires_at", s.in_seconds(-3600)));
    auto const callee = s.target_is_hosted() ? "hosted_backend_id" : "local_backend_id";
    auto const elsewhere = set(callee, s.fresh_backend_id(s.identity().backend_type));
    told(s.try_register({.sbt = expired, .sbt_after_mac = wrong_mac}), "an expired token with a wrong signature", 401, "invalid-sbt");
    told(s.try_register({.sbt = elsewhere, .sbt_after_mac = wrong_mac}), "a token for another backend with a wrong signature", 401, "invalid-sbt");
    told(s.try_register({.sbt = both(expired, elsewhere)}), "an expired token for another backend", 401, "sbt-expired");
    s.control(s.try_register(), "a registration without any defect");
}

check const checks[] = {
    {.id = "aut/order-of-checks",
     .title = "a push with several defects is answered for the first of them",
     .clauses = {"BSP-AUT-054"},
     .impact = "strangers learn from the answer what only a signature should tell them",
     .likely_cause = "the body's schema is checked by the framework, before anybody looks at the signature",
     .run = push_is_checked_in_order,
     .strength = obligation::should},
    {.id = "aut/same-bytes",
     .title = "the very bytes of an accepted push are refused once their token, their time, their key or their peer has ended",
     .clauses = {"BSP-AUT-057", "BSP-SBT-035", "BSP-REG-043", "BSP-ROT-036"},
     .impact = "whoever has seen a push learns for ever that its registration is there, and a client believes that it still syncs",
     .likely_cause = "answers are kept under a digest of the request, or under an idempotency key, and given again before anything is looked at",
     .run = same_bytes_are_judged_anew,
     .needs = need::patience},
    {.id = "sbt/order-of-steps",
     .title = "a token with several defects is answered for the first of them",
     .clauses = {"BSP-SBT-013"},
     .impact = "a client with a wrong secret is told to renew its token, and renews it for ever",
     .likely_cause = "times are compared before the MAC",
     .run = token_is_checked_in_order,
     .strength = obligation::should},
};

}  // namespace

group order_of_checks_group() { return {"order-of-checks", profile::reg, checks}; }

}  // namespace bsp::conformance
