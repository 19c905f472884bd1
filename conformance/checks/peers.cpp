#include "../registry.hpp"
#include "../scenario.hpp"
#include "../signing_key.hpp"
#include "../surroundings.hpp"
#include "edits.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/crypto/rsa.hpp>

#include <algorithm>

// Chapter 4, the list of peers, and who may remove one.

namespace bsp::conformance {
namespace {

exactly_as const credential_required{.statuses = {401}, .codes = {"credential-required", "invalid-credential"}};
exactly_as const wrong_token{.statuses = {401, 403}, .codes = {"forbidden", "credential-required", "invalid-credential"}};
exactly_as const not_yours{.statuses = {401, 403, 404}};

bool lists(exchange const& x, peer const& p) { return find_by_id(x.body(), "/peers", p.peer_id(), "peer_id") != nullptr; }

std::string random_peer_id() {
    bytes drawn(16);
    random_bytes(drawn);
    return "peer_" + to_hex(drawn);
}

/// Two pushes by `p` and what the list says: it is still registered.
void still_registered(scenario& s, peer const& p, std::string const& after_what) {
    s.accepted(p.push({s.conversation(s.fresh("c"), 1, {})}), "a push by the peer after " + after_what);
    s.accepted(p.pull({.limit = 1}), "a pull by the peer after " + after_what);
    auto const list = s.user(p.user()).get("/peers");
    s.control(list, "the user's list of peers");
    s.expect(lists(list, p), "the peer is listed after " + after_what, show(ids_at(list.body(), "/peers", "peer_id")));
}

// ---- the list --------------------------------------------------------------------------------------------

void list_needs_credential(scenario& s) {
    auto const a = s.register_peer();
    auto const attempt = [&](std::string const& authorization, std::string const& what) {
        auto const x = s.nobody().get("/peers", {.authorization = authorization});
        bool const bearer = authorization.starts_with("Bearer");  // as an administrator's, it is a wrong token: 403
        s.refused(x, "GET /peers with " + what, bearer ? wrong_token : credential_required);
        s.expect(x.bytes().find(a.peer_id()) == std::string::npos, "the refusal names no peer", x.bytes().substr(0, 200));
    };
    attempt("", "no credential");
    attempt("BSP", "a scheme alone");
    attempt("Basic dXNlcjpwYXNz", "another scheme");
    attempt("BSP-User " + s.account().id, "a user's id");
    attempt("BSP " + a.peer_id(), "a peer_id");
    attempt("Bearer " + a.peer_id(), "a peer_id as a bearer token");
    attempt("Bearer " + a.backend_id(), "a backend_id as a bearer token");
    auto const list = s.user().get("/peers");
    s.accepted(list, "GET /peers by a user");
    s.expect(lists(list, a), "the user's list holds the peer", show(ids_at(list.body(), "/peers", "peer_id")));
    s.accepted(a.get("/peers"), "GET /peers by a peer");
}

void list_keeps_secrets(scenario& s) {
    std::vector<std::string> macs;
    auto r = s.settled();
    r.sbt_after_mac = [&](json::object& sbt) { macs.emplace_back(sbt.at("signature").as_string()); };
    auto const a = s.register_peer(r);
    auto renewed = r;
    renewed.created = std::chrono::seconds{30};
    s.control(s.try_register(renewed), "a registration with a newer token");
    auto const look = [&](exchange const& x, std::string const& by) {
        s.control(x, "GET /peers by " + by);
        auto const* entry = find_by_id(x.body(), "/peers", a.peer_id(), "peer_id");
        s.control(entry != nullptr, "the peer is listed");
        auto const* sbt = entry->if_contains("sbt");
        s.expect(!entry->contains("signature") && (!sbt || !sbt->is_object() || !sbt->get_object().contains("signature")), "the entry holds no signature of a token",
                 show(json::value(*entry)));
        for (auto const& mac : macs) s.expect(x.bytes().find(mac) == std::string::npos, "the list does not contain the MAC of a token", "it does: " + mac);
        s.expect(x.bytes().find(s.account().secret) == std::string::npos, "the list does not contain the user's pairing secret", "it does");
        s.expect(x.bytes().find("PRIVATE KEY") == std::string::npos, "the list does not contain a private key", "it does");
    };
    look(s.user().get("/peers"), "a user");
    look(a.get("/peers"), "a peer");
    if (s.shared().options.admin_token) {
        auto const x = s.admin().get("/peers");
        look(x, "an administrator");
        s.expect(x.bytes().find(s.admin_token()) == std::string::npos, "the list does not contain the admin token", "it does");
    }
}

void list_of_own_user(scenario& s) {
    auto const a = s.register_peer(), sibling = s.register_peer(), b = s.register_peer_of(s.other_account());
    auto const expect_list = [&](exchange const& x, std::string const& by, bool of_first, bool of_second) {
        s.accepted(x, "GET /peers by " + by);
        for (auto const& [p, wanted, name] : {std::tuple{&a, of_first, "the first user's peer"}, {&sibling, of_first, "the first user's other peer"}, {&b, of_second, "the second user's peer"}}) {
            s.expect(lists(x, *p) == wanted, "the list of " + by + (wanted ? " holds " : " does not hold ") + name, wanted ? "it does not" : "it does");
            if (!wanted) s.expect(x.bytes().find(p->backend_id()) == std::string::npos, "the list of " + by + " says nothing of " + name, "it holds its backend_id");
        }
    };
    expect_list(s.user().get("/peers"), "the first user", true, false);
    expect_list(s.other_user().get("/peers"), "the second user", false, true);
    expect_list(a.get("/peers"), "a peer of the first user", true, false);
    expect_list(b.get("/peers"), "a peer of the second user", false, true);
    expect_list(s.user().get("/peers?user_id=" + s.canary(4)), "the first user, with a user_id in the query", true, false);
    if (s.shared().options.admin_token) expect_list(s.admin().get("/peers"), "the administrator", true, true);
}

void list_entries(scenario& s) {
    json::object token;
    auto r = s.settled();
    auto const capture = [&](json::object& sbt) { token = sbt; };
    r.sbt = set("zone", "authenticated and unknown");
    r.sbt_after_mac = capture;
    r.identity = set("capabilities", json::array{"offline", "x-teleport"});
    r.signing_key = s.fresh_key();  // which nobody else in the list has
    auto const before = s.now();
    auto const a = s.register_peer(r);
    auto const entry = [&] {
        auto const x = s.user().get("/peers");
        s.accepted(x, "GET /peers by a user");
        s.expect(x.at("/peers") && x.at("/peers")->is_array(), "an object with the array peers", show(x.body()));
        auto const* found = find_by_id(x.body(), "/peers", a.peer_id(), "peer_id");
        s.expect(found != nullptr, "an entry for the peer", show(ids_at(x.body(), "/peers", "peer_id")));
        return json::value(*found);
    };
    auto const now = entry();
    auto const member = [&](json::value const& in, std::string const& pointer, json::value const& expected) { s.expect_same(pointer.substr(1), expected, at(in, pointer)); };
    member(now, "/backend_id", json::value(a.backend_id()));
    member(now, "/backend_type", json::value(a.backend_type()));
    auto const key = rsa_public_key::from_pem(text_at(now, "/public_key"));
    s.expect(key && *key == r.signing_key->public_key(), "public_key is the registered key", text_at(now, "/public_key"));
    member(now, "/capabilities", json::array{"offline", "x-teleport"});
    for (std::string const name : {"session_id", "user_id", "local_backend_id", "hosted_backend_id", "created_at", "expires_at"}) member(now, "/sbt/" + name, token.at(name));
    auto const registered = text_at(now, "/registered_at");
    auto const moment = parse_timestamp(registered);
    s.expect(moment && registered.back() == 'Z', "registered_at is a timestamp with Z", registered.empty() ? "absent or no string" : registered);
    s.expect(*moment >= before - std::chrono::seconds{10} && *moment <= s.now() + std::chrono::seconds{10}, "registered_at is the time of the registration", registered);

    auto later = r;
    later.created = std::chrono::seconds{30};
    later.identity = set("capabilities", json::array{"fast_context"});
    s.control(s.try_register(later), "the registration with a newer token and other capabilities");
    auto const renewed = entry();
    member(renewed, "/capabilities", json::array{"fast_context"});
    member(renewed, "/sbt/created_at", token.at("created_at"));
    member(renewed, "/registered_at", json::value(registered));

    s.wait_until(s.now() + std::chrono::milliseconds{1'200});
    auto const bare = s.register_peer({.signing_key = s.fresh_key(), .identity = both(drop("capabilities"), drop("created_at"))});
    auto const list = s.user().get("/peers");
    s.control(list, "GET /peers by a user");
    auto const* plain = find_by_id(list.body(), "/peers", bare.peer_id(), "peer_id");
    s.expect(plain != nullptr, "an entry for a peer without capabilities", show(ids_at(list.body(), "/peers", "peer_id")));
    member(json::value(*plain), "/capabilities", json::array{});
    auto const its_key = rsa_public_key::from_pem(text_at(*plain, "/public_key"));
    s.expect(its_key && *its_key == bare.signing_key()->public_key(), "each peer is listed with its own key", text_at(*plain, "/public_key"));
    auto const its_moment = parse_timestamp(text_at(*plain, "/registered_at"));
    s.expect(its_moment && *moment < *its_moment, "what was registered a second later has a later registered_at than " + registered, text_at(*plain, "/registered_at"));
}

// ---- who may not remove ----------------------------------------------------------------------------------

void delete_needs_credential(scenario& s) {
    auto const a = s.register_peer({.signing_key = s.fresh_key()});
    auto const path = "/peers/" + a.peer_id();
    s.refused(s.nobody().del(path), "DELETE of a peer without a credential", credential_required);
    for (auto const& authorization : {std::string{"Bearer " + a.peer_id()}, "BSP " + a.peer_id(), "BSP-User " + a.user().id, std::string{"Basic YWRtaW46YWRtaW4="}})
        s.refused(s.nobody().del(path, {.authorization = authorization}), "DELETE of a peer with Authorization: " + authorization, not_yours);
    still_registered(s, a, "a DELETE without a credential");
}

void another_peer_cannot_remove(scenario& s, peer const& victim, peer const& attacker, std::string const& whose) {
    s.control(attacker.get("/peers"), "GET /peers by " + whose);
    auto const path = "/peers/" + victim.peer_id();
    s.refused(attacker.del(path), "DELETE of a peer by " + whose, not_yours);
    s.refused(attacker.del(path, {.claims = set("sub", victim.peer_id())}), "DELETE of a peer by " + whose + " that calls itself the victim", not_yours);
    s.refused(attacker.del(path, {.claims = both(set("sub", victim.peer_id()), set("iss", victim.backend_id()))}),
              "DELETE of a peer by " + whose + " that calls itself the victim in both claims", not_yours);
    still_registered(s, victim, "a DELETE by " + whose);
}

void foreign_peer_cannot_remove(scenario& s) {
    auto const victim = s.register_peer(), attacker = s.register_peer_of(s.other_account());
    another_peer_cannot_remove(s, victim, attacker, "a peer of another user");
    another_peer_cannot_remove(s, attacker, victim, "a peer of another user (the other way round)");
}

void sibling_cannot_remove(scenario& s) {
    auto const victim = s.register_peer(), attacker = s.register_peer();
    another_peer_cannot_remove(s, victim, attacker, "another peer of the same user");
    s.accepted(attacker.unpair(), "DELETE of a peer by itself");
    still_registered(s, victim, "the other peer unpaired itself");
}

void foreign_user_cannot_remove(scenario& s) {
    auto const victim = s.register_peer(), other = s.register_peer_of(s.other_account());
    s.control(s.other_user().get("/peers"), "GET /peers by the second user");
    s.refused(s.other_user().del("/peers/" + victim.peer_id()), "DELETE of the first user's peer by the second user", {.statuses = {403, 404}});
    s.refused(s.user().del("/peers/" + other.peer_id()), "DELETE of the second user's peer by the first user", {.statuses = {403, 404}});
    still_registered(s, victim, "a DELETE by the second user");
    still_registered(s, other, "a DELETE by the first user");
}

void admin_token_is_compared_whole(scenario& s) {
    auto const& token = s.admin_token();
    auto const victim = s.register_peer({.signing_key = s.fresh_key()});
    auto const path = "/peers/" + victim.peer_id();
    auto swapped = token, lower = token, upper = token;
    for (std::size_t i = 0; i < token.size(); ++i) {
        char const c = token[i];
        bool const is_lower = c >= 'a' && c <= 'z', is_upper = c >= 'A' && c <= 'Z';
        if (is_lower || is_upper) swapped[i] = static_cast<char>(c ^ 0x20);
        if (is_upper) lower[i] = static_cast<char>(c ^ 0x20);
        if (is_lower) upper[i] = static_cast<char>(c ^ 0x20);
    }
    s.control(s.admin().get("/peers"), "GET /peers with the admin token");
    for (auto const& [label, value] : std::initializer_list<std::pair<char const*, std::string>>{{"an empty bearer token", "Bearer "},
                                                                                                {"the scheme Bearer alone", "Bearer"},
                                                                                                {"the admin token without its last character", "Bearer " + token.substr(0, token.size() - 1)},
                                                                                                {"the first character of the admin token", "Bearer " + token.substr(0, 1)},
                                                                                                {"the first half of the admin token", "Bearer " + token.substr(0, token.size() / 2)},
                                                                                                {"the admin token without its first character", "Bearer " + token.substr(1)},
                                                                                                {"the admin token and one more character", "Bearer " + token + 'x'},
                                                                                                {"the admin token twice", "Bearer " + token + token},
                                                                                                {"the admin token in the other case", "Bearer " + swapped},
                                                                                                {"the admin token in lower case", "Bearer " + lower},
                                                                                                {"the admin token in upper case", "Bearer " + upper},
                                                                                                {"the word admin", "Bearer admin"},
                                                                                                {"the word None", "Bearer None"},
                                                                                                {"the word null", "Bearer null"},
                                                                                                {"the user's pairing secret", "Bearer " + s.account().secret},
                                                                                                {"the admin token without a scheme", token},
                                                                                                {"the admin token under BSP-User", "BSP-User " + token}}) {
        if (value == "Bearer " + token || value == "Bearer " + token + ' ') continue;  // a token without letters has no other case
        s.refused(s.nobody().get("/peers", {.authorization = value}), std::string{"GET /peers with "} + label, {.statuses = {401, 403}});
        s.refused(s.nobody().del(path, {.authorization = value}), std::string{"DELETE of a peer with "} + label, {.statuses = {401, 403}});
    }
    still_registered(s, victim, "a DELETE with wrong admin tokens");
}

// ---- nothing to remove -----------------------------------------------------------------------------------

void removing_what_is_not_there(scenario& s) {
    exactly_as const unknown{.statuses = {404}, .codes = {"unknown-peer"}};
    auto const a = s.register_peer();
    auto const nowhere = "/peers/" + random_peer_id();
    s.refused(s.user().del(nowhere), "DELETE of an unknown peer_id by a user", unknown);
    s.refused(s.user().del("/peers/" + a.backend_id()), "DELETE by a user with a backend_id in the place of the peer_id", unknown);
    s.control(s.user().del("/peers/" + a.peer_id()), "DELETE of a peer by its user");
    s.refused(s.user().del("/peers/" + a.peer_id()), "DELETE of the same peer again", unknown);
    if (s.shared().options.admin_token) {
        s.refused(s.admin().del(nowhere), "DELETE of an unknown peer_id by an administrator", unknown);
        s.refused(s.admin().del("/peers/" + a.peer_id()), "DELETE of a removed peer by an administrator", unknown);
    }
}

// ---- the alias -------------------------------------------------------------------------------------------

void alias_checks_as_much(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const c = s.fresh("c");
    auto const push = [&](int version, push_options o) {
        o.path = "/sync";
        auto const id = "m" + std::to_string(version);
        return a.push({s.conversation(c, version, {s.message(id, id, version)})}, o);
    };
    auto const valid = push(1, {});
    if (!valid.ok()) s.not_applicable("POST /sync does not take a valid push (" + valid.describe() + "), so there is no alias");
    s.evidence("a valid push to POST /sync");
    exactly_as const bad_signature{.statuses = {401}, .codes = {"invalid-signature"}};
    s.refused(push(2, {.sign = false}), "a push to POST /sync without a signature", bad_signature);
    s.refused(push(2, {.after_signing = set("signature", "")}), "a push to POST /sync with an empty signature", bad_signature);
    s.refused(push(2, {.signer = b.signing_key()}), "a push to POST /sync with another peer's signature", bad_signature);
    s.refused(push(2, {.after_signing = set("extra", 1)}), "a push to POST /sync changed after it was signed", bad_signature);
    s.refused(push(2, {.timestamp = s.in_seconds(-3600)}), "a push to POST /sync of an hour ago", {.statuses = {401}, .codes = {"stale-request"}});
    s.refused(push(2, {.before_signing = set("target_backend_id", s.fresh_backend_id(s.identity().backend_type))}), "a push to POST /sync for another backend", {.statuses = {403, 401}});
    auto const unregistered = [&](std::string const& id) { return both(set("source_backend_id", id), drop("peer_id")); };
    s.refused(push(2, {.before_signing = unregistered(s.fresh_backend_id()), .signer = s.fresh_key()}), "a push to POST /sync of an unregistered backend", {.statuses = {403, 401, 404}});
    for (auto const* prefix : {"test_", "local_"})
        s.refused(push(2, {.before_signing = unregistered(prefix + s.canary())}), std::string{"a push to POST /sync of an unregistered source that begins with "} + prefix,
                  {.statuses = {403, 401, 404}});
    auto const now = a.read(c);
    s.control(now, "reading the conversation");
    s.expect(ids_at(now.body(), "/messages") == std::vector<std::string>{"m1"}, "m1 alone", show(ids_at(now.body(), "/messages")));
}

check const checks[] = {
    {.id = "peer/list-needs-credential",
     .title = "GET /peers without a credential is refused",
     .clauses = {"BSP-REG-032", "BSP-AUT-001", "BSP-REG-010"},
     .impact = "anybody sees who is paired with whom",
     .likely_cause = "the route was meant for debugging and has no authentication",
     .run = list_needs_credential},
    {.id = "peer/list-without-secrets",
     .title = "the list of peers holds no signature of a token and no secret",
     .clauses = {"BSP-REG-036"},
     .impact = "every peer can present the tokens of its siblings",
     .likely_cause = "the stored record is serialised as it is",
     .run = list_keeps_secrets},
    {.id = "peer/list-of-own-user",
     .title = "a user and a peer see the registrations of their own user, and an administrator sees all",
     .clauses = {"BSP-REG-035", "BSP-REG-033", "BSP-AUT-049"},
     .impact = "users see the devices of others",
     .likely_cause = "the list is not filtered by the user of the credential",
     .run = list_of_own_user,
     .needs = need::second_user},
    {.id = "peer/list-members",
     .title = "an entry of the list of peers has all its members, and they follow the registration",
     .clauses = {"BSP-REG-034", "BSP-REG-027"},
     .impact = "the user cannot tell which device an entry is",
     .likely_cause = "a member forgotten, or the entry not updated when the backend registers again",
     .run = list_entries},
    {.id = "peer/delete-needs-credential",
     .title = "DELETE of a peer without a credential is refused",
     .clauses = {"BSP-REG-038"},
     .impact = "anybody can cut a user's devices off",
     .likely_cause = "the route has no authentication",
     .run = delete_needs_credential},
    {.id = "peer/foreign-peer-cannot-delete",
     .title = "a peer cannot remove a peer of another user",
     .clauses = {"BSP-REG-040", "BSP-AUT-027"},
     .impact = "one user cuts off the devices of others",
     .likely_cause = "any authenticated peer may call DELETE",
     .run = foreign_peer_cannot_remove,
     .needs = need::second_user},
    {.id = "peer/sibling-cannot-delete",
     .title = "a peer cannot remove another peer of the same user",
     .clauses = {"BSP-REG-040"},
     .impact = "one stolen device locks all others out",
     .likely_cause = "the user of the peer is compared, not the peer itself",
     .run = sibling_cannot_remove},
    {.id = "peer/foreign-user-cannot-delete",
     .title = "a user cannot remove a peer of another user",
     .clauses = {"BSP-REG-040"},
     .impact = "one user cuts off the devices of others",
     .likely_cause = "any authenticated user may call DELETE",
     .run = foreign_user_cannot_remove,
     .needs = need::second_user},
    {.id = "peer/admin-token",
     .title = "nothing but the whole admin token makes an administrator",
     .clauses = {"BSP-AUT-050", "BSP-AUT-051"},
     .impact = "anybody revokes backends and reads the list of all users",
     .likely_cause = "startswith, comparison without case, or an unset token that equals an empty one",
     .run = admin_token_is_compared_whole,
     .needs = need::admin_token},
    {.id = "peer/delete-unknown",
     .title = "DELETE of a peer that is unknown or was removed is answered with 404",
     .clauses = {"BSP-REG-039"},
     .impact = "a mistyped id looks like a device removed",
     .likely_cause = "dict.pop with a default, or without one (KeyError, 500)",
     .run = removing_what_is_not_there},
    {.id = "peer/alias",
     .title = "POST /sync without a peer_id, where it is served, checks all that POST /sync/{peer_id} does",
     .clauses = {"BSP-AUT-015", "BSP-AUT-016"},
     .impact = "an old door stands open beside the new one",
     .likely_cause = "the route kept for old clients has none of the newer checks",
     .run = alias_checks_as_much},
};

}  // namespace

group peers_group() { return {"peers", profile::reg, checks}; }

}  // namespace bsp::conformance
