#include "../registry.hpp"
#include "assertions.hpp"

#include <bsp/crypto/hmac.hpp>

// Section 5.4: what a user may do, and who is one. Every refusal stands beside the same call with a correct assertion.

namespace bsp::conformance {
namespace {

void user_mac_is_verified(scenario& s) {
    auto const g = prepare(s);
    auto const who = s.user();
    auto const& secret = s.account().secret;
    auto upper = secret;
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    std::vector<forgery> variants{{"the empty secret", {.secret = ""}}, {"the secret cut by a character", {.secret = secret.substr(0, secret.size() - 1)}},
                                  {"the secret with a line feed", {.secret = secret + "\n"}}, {"the word shared_secret", {.secret = "shared_secret"}},
                                  {"the user's id as secret", {.secret = s.account().id}}};
    if (upper != secret) variants.push_back({"the secret in capitals", {.secret = upper}});
    each_is_refused(s, g, who, variants, invalid_credential);
}

void user_secret_is_the_users(scenario& s) {
    auto const g = prepare(s);
    each_is_refused(s, g, s.user(),
                    {{"another user's secret", {.secret = s.other_account().secret}},
                     {"another user's name and the own secret", {.claims = [&](json::object& o) { o["sub"] = s.other_account().id, o["iss"] = s.other_account().id; }}}},
                    invalid_credential);
}

void user_is_named_exactly(scenario& s) {
    auto const g = prepare(s);
    auto const id = s.account().id;
    auto const named = [&](std::string const& name) {
        return forgery{"sub \"" + name + "\"", {.claims = [name](json::object& o) { o["sub"] = name, o["iss"] = name; }}};
    };
    std::vector<forgery> variants{named("anonymous"), named(id + " "), named(s.fresh("nobody")), named("")};
    auto unknown = named(s.fresh("nobody"));
    unknown.what += " under the empty secret";
    unknown.options.secret = "";
    variants.push_back(unknown);
    auto upper = id;
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (upper != id) variants.push_back(named(upper));
    each_is_refused(s, g, s.user(), variants, invalid_credential);
}

void user_issuer_is_checked(scenario& s) {
    auto const g = prepare(s);
    each_is_refused(s, g, s.user(), {{"another iss than sub", {.claims = set("iss", s.fresh("someone"))}}, {"a peer's backend_id as iss", {.claims = set("iss", g.a.backend_id())}}}, invalid_credential);
}

void user_issuer_is_optional(scenario& s) {
    auto const g = prepare(s);
    each_is_accepted(s, g, s.user(), {{"no iss", {.claims = [](json::object& o) { o.erase("iss"); }}}});
}

void users_without_iss_are_issuers(scenario& s) {
    exactly_as const stale{.statuses = {401}, .codes = {"stale-request", "invalid-credential"}};
    auto const c = s.fresh("c"), jti = s.fresh("jti");
    edit const nameless = [&](json::object& o) { o["jti"] = jti, o.erase("iss"); };
    auto const one = s.user(), other = s.other_user();
    s.control(one.write(c, "once", {}, {.claims = nameless}), "a write of one user, without iss");
    s.accepted(other.write(c, "once", {}, {.claims = nameless}), "a write of another user with the same jti, without iss");
    for (auto const& who : {one, other}) s.refused(who.write(c, "twice", {}, {.claims = nameless}), "a write of " + who.name() + " with that jti again", stale);
}

void user_audience_is_checked(scenario& s) {
    auto const g = prepare(s);
    each_is_refused(s, g, s.user(), {{"another backend's aud", {.claims = set("aud", s.fresh_backend_id(s.identity().backend_type))}}},
                    {.statuses = {403, 401}, .codes = {"wrong-audience", "invalid-credential"}});
}

void user_claims_are_checked(scenario& s) {
    auto const g = prepare(s);
    each_is_refused(s, g, s.user(),
                    {{"another htm", {.claims = set("htm", "DELETE")}}, {"another htu", {.claims = set("htu", "/conversations/x")}},
                     {"exp 3 s ago", {.claims = times(s, -63, -3)}}, {"iat an hour ahead", {.claims = times(s, 3600, 3660)}},
                     {"a lifetime of an hour", {.claims = times(s, -5, 3595)}}, {"no jti", {.claims = [](json::object& o) { o.erase("jti"); }}}},
                    {.statuses = {401}});
}

void user_algorithm_is_fixed(scenario& s) {
    auto const g = prepare(s);
    each_is_refused(s, g, s.user(),
                    {{"alg none and no signature", {.assertion = [](std::string& j) { j = with_header(j, {{"alg", "none"}, {"typ", "bsp-user+jwt"}}, ""); }}},
                     {"alg PS256", {.header = set("alg", "PS256")}}, {"alg HS512", {.header = set("alg", "HS512")}}, {"the typ of a peer assertion", {.header = set("typ", "bsp-peer+jwt")}},
                     {"typ JWT", {.header = set("typ", "JWT")}}},
                    invalid_credential);
}

#define BSP_FORGERY "anyone who can guess or capture a little reads and changes a person's conversations"

check const checks[] = {
    {.id = "aut/user-mac", .title = "a user assertion is verified under the user's pairing secret", .clauses = {"BSP-AUT-040"}, .impact = BSP_FORGERY,
     .likely_cause = "the MAC is not verified, or a default secret exists", .run = user_mac_is_verified},
    {.id = "aut/user-secret", .title = "another user's secret does not sign for a user", .clauses = {"BSP-AUT-040"}, .impact = "every user of a backend can read every other's conversations",
     .likely_cause = "one secret for all users", .run = user_secret_is_the_users, .needs = need::second_user},
    {.id = "aut/user-exact", .title = "the user is the one whom sub names, character for character, and is known", .clauses = {"BSP-AUT-042"}, .impact = "one user's secret opens another's account",
     .likely_cause = "user ids are trimmed, folded, or default to somebody", .run = user_is_named_exactly},
    {.id = "aut/user-iss", .title = "a user assertion with another iss than sub is refused", .clauses = {"BSP-AUT-041"}, .impact = "an assertion of one issuer is taken for another's",
     .likely_cause = "iss is not looked at", .run = user_issuer_is_checked},
    {.id = "aut/user-iss-absent", .title = "a user assertion without iss is accepted", .clauses = {"BSP-AUT-058"}, .impact = "clients that follow the specification are locked out",
     .likely_cause = "the checks of peer assertions applied unchanged", .run = user_issuer_is_optional},
    {.id = "aut/jti-without-iss", .title = "users that leave out iss are different issuers", .clauses = {"BSP-AUT-046", "BSP-AUT-044", "BSP-AUT-058"},
     .impact = "one person's requests are refused as replays of another's, or a captured one is good twice", .likely_cause = "used jtis are filed under the claim iss, which users may leave out",
     .run = users_without_iss_are_issuers, .needs = need::second_user},
    {.id = "aut/user-aud", .title = "a user assertion for another backend is refused", .clauses = {"BSP-AUT-043", "BSP-AUT-029"}, .impact = "a hosted backend replays a person's assertion at the local one",
     .likely_cause = "aud is checked for peers only", .run = user_audience_is_checked},
    {.id = "aut/user-claims", .title = "the checks of peer assertions apply to user assertions", .clauses = {"BSP-AUT-043"}, .impact = "a person's captured assertion is good for anything",
     .likely_cause = "checks written twice, and once incompletely", .run = user_claims_are_checked},
    {.id = "aut/user-alg", .title = "a user assertion of another algorithm or typ is refused", .clauses = {"BSP-AUT-038", "BSP-AUT-039", "BSP-AUT-020"}, .impact = BSP_FORGERY,
     .likely_cause = "the algorithm is taken from the JWS header", .run = user_algorithm_is_fixed},
};

#undef BSP_FORGERY

}  // namespace

group user_assertions_group() { return {"user-assertions", profile::reg, checks}; }

}  // namespace bsp::conformance
