#include "../registry.hpp"
#include "../scenario.hpp"
#include "../signing_key.hpp"
#include "../surroundings.hpp"
#include "edits.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/sha256.hpp>

#include <algorithm>
#include <cctype>
#include <chrono>

// Chapter 3, whom a session binding token speaks of, and what it is not good for.

namespace bsp::conformance {
namespace {

exactly_as const wrong_audience{.statuses = {403}, .codes = {"wrong-audience"}};

std::string own_type(scenario const& s) { return s.identity().backend_type; }
std::string other_type(scenario const& s) { return s.target_is_hosted() ? "local" : "hosted"; }
std::string own_slot(scenario const& s) { return own_type(s) + "_backend_id"; }
std::string other_slot(scenario const& s) { return other_type(s) + "_backend_id"; }

/// `text` with its letters in the other case; the first `from` characters stay.
std::string other_case(std::string text, std::size_t from) {
    for (std::size_t i = from; i < text.size(); ++i)
        if ((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z')) text[i] = static_cast<char>(text[i] ^ 0x20);
    return text;
}

// ---- slots -----------------------------------------------------------------------------------------------

void token_for_another_callee(scenario& s) {
    auto const own = s.identity().backend_id;
    auto const r = s.settled();
    for (auto const& [label, id] : std::initializer_list<std::pair<char const*, std::string>>{{"another backend", s.fresh_backend_id(own_type(s))},
                                                                                             {"the callee's id and one more digit", own + '0'},
                                                                                             {"the callee's id without its last digit", own.substr(0, own.size() - 1)},
                                                                                             {"the callee's id in upper case", other_case(own, own_type(s).size() + 8)},
                                                                                             {"the callee's type alone", own_type(s)},
                                                                                             {"the host name of the callee", "localhost"}}) {
        if (id == own) continue;  // an id without letters has no other case
        auto elsewhere = r;
        elsewhere.sbt = set(own_slot(s), id);
        s.refused(s.try_register(elsewhere), std::string{"a token whose slot of the callee holds "} + label, wrong_audience);
    }
    s.control(s.try_register(r), "the token that names the callee");
}

void token_for_another_peer(scenario& s) {
    auto const r = s.settled();
    auto const& named = *r.backend_id;
    for (auto const& [label, id] : std::initializer_list<std::pair<char const*, std::string>>{{"another backend", s.fresh_backend_id()},
                                                                                             {"the named id and one more digit", named + '0'},
                                                                                             {"the named id without its last digit", named.substr(0, named.size() - 1)},
                                                                                             {"the named id in upper case", other_case(named, other_type(s).size() + 8)}}) {
        if (id == named) continue;
        auto stranger = r;
        stranger.identity = set("backend_id", id);
        s.refused(s.try_register(stranger), std::string{"the registration, with a token for one backend, of "} + label, wrong_audience);
    }
    s.control(s.try_register(r), "the registration of the backend that the token names");
}

void types_and_slots(scenario& s) {
    auto const own = s.identity().backend_id;
    auto const same_type = s.fresh_backend_id(own_type(s));
    registration const r = s.settled();
    struct odd {
        char const* label;
        registration how;
    };
    for (auto const& o : {
             odd{"of a backend of the callee's type, in the other slot",
                 {.backend_id = same_type, .backend_type = own_type(s), .sbt = both(set(own_slot(s), own), set(other_slot(s), same_type))}},
             odd{"of a backend of the callee's type, in the callee's slot",
                 {.backend_id = same_type, .backend_type = own_type(s), .sbt = both(set(own_slot(s), same_type), set(other_slot(s), own))}},
             odd{"with the two slots exchanged", {.backend_id = r.backend_id, .sbt = both(set(own_slot(s), *r.backend_id), set(other_slot(s), own))}},
             odd{"with the registering backend in both slots", {.backend_id = r.backend_id, .sbt = set(own_slot(s), *r.backend_id)}},
             odd{"with the callee in both slots", {.backend_id = r.backend_id, .sbt = set(other_slot(s), own)}},
         })
        s.refused(s.try_register(o.how), std::string{"a registration "} + o.label, {.statuses = {403, 422}, .codes = {"wrong-audience", "invalid-body"}});
    s.control(s.try_register(r), "a registration with each backend in the slot of its type");
}

void callee_itself(scenario& s) {
    auto const own = s.identity().backend_id;
    auto const& pem = s.identity().public_key_pem;
    struct odd {
        char const* label;
        registration how;
    };
    registration const both_slots{.backend_id = own, .backend_type = own_type(s), .sbt = both(set(own_slot(s), own), set(other_slot(s), own))};
    auto own_key = both_slots;
    own_key.identity = set("public_key", pem);
    auto other_named = both_slots;
    other_named.sbt = both(set(own_slot(s), own), set(other_slot(s), s.fresh_backend_id()));
    auto other_typed = both_slots;
    other_typed.identity = set("backend_type", other_type(s));
    for (auto const& o : {odd{"with its own id in both slots", both_slots}, odd{"with its own id and key", own_key},
                          odd{"with a token that names another backend in the other slot", other_named}, odd{"under the other type", other_typed}})
        s.refused(s.try_register(o.how), std::string{"the registration of the callee itself, "} + o.label, {.statuses = {403, 400, 422}});
    auto const list = s.user().get("/peers");
    s.control(list, "the user's list of peers");
    s.expect(find_by_id(list.body(), "/peers", own, "backend_id") == nullptr, "the callee is not its own peer", "it is listed");
    s.control(s.try_register(), "the registration of another backend");
}

void missing_in_token(scenario& s) {
    auto const r = s.settled();
    for (std::string const name : {"session_id", "local_backend_id", "hosted_backend_id", "user_id", "created_at", "expires_at"})
        for (auto const& v : {variant{"missing", drop(name)}, variant{"null", set(name, nullptr)}, variant{"empty", set(name, "")}, variant{"a number", set(name, 1)},
                              variant{"true", set(name, true)}, variant{"an array", set(name, json::array{"x"})}, variant{"an object", set(name, json::object{})}}) {
            auto without = r;
            without.sbt = v.change;
            s.refused(s.try_register(without), "an authenticated token whose " + name + " is " + v.label, {.statuses = {400, 401, 403, 422}});
        }
    s.control(s.try_register(r), "the token with all its members");
}

// ---- fingerprints ----------------------------------------------------------------------------------------

/// SHA-256 of the DER in a PEM text, by way of its base64: not by the key classes.
std::string fingerprint_of(scenario& s, std::string const& pem) {
    std::string base64;
    for (std::size_t at = 0; at < pem.size();) {
        auto const end = std::min(pem.find('\n', at), pem.size());
        auto line = pem.substr(at, end - at);
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.find("-----") == std::string::npos) base64 += line;
        at = end + 1;
    }
    auto const der = from_base64(base64);
    s.control(der.has_value() && !der->empty(), "the public key is PEM");
    return to_hex(sha256(byte_view{*der}));
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

std::string with_colons(std::string const& digits) {
    std::string out;
    for (std::size_t at = 0; at < digits.size(); at += 2) out += (at > 0 ? ":" : "") + digits.substr(at, 2);
    return out;
}

/// `pem` is the key that `member` speaks of; `s` registers backends with a key of their own throughout.
void fingerprint_is_enforced(scenario& s, std::string const& member, std::string const& whose, conformance::key const& registering, std::string const& pem) {
    auto const attempt = [&](edit change) { return s.try_register({.signing_key = registering, .sbt = std::move(change)}); };
    auto const right = fingerprint_of(s, pem);
    s.accepted(attempt(set(member, right)), "a token with the right fingerprint of " + whose);

    auto flipped = right;
    flipped.back() = flipped.back() == '0' ? '1' : '0';
    auto const another = fingerprint_of(s, s.fresh_key()->public_key().pem());
    for (auto const& [label, value] : std::initializer_list<std::pair<char const*, std::string>>{{"that of another key", another},
                                                                                                {"the right one with its last digit changed", flipped},
                                                                                                {"the SHA-256 of the PEM text", to_hex(sha256(pem))},
                                                                                                {"zeros", std::string(64, '0')}})
        s.refused(attempt(set(member, value)), "a token with a wrong fingerprint of " + whose + ": " + label, wrong_audience);
    for (auto const& v : {variant{"empty", set(member, "")}, variant{"null", set(member, nullptr)}, variant{"32 digits", set(member, right.substr(0, 32))},
                          variant{"in upper case", set(member, upper(right))}, variant{"in pairs with colons", set(member, with_colons(right))}, variant{"behind sha256:", set(member, "sha256:" + right)},
                          variant{"a number", set(member, 1)}})
        s.refused(attempt(v.change), "a token whose fingerprint of " + whose + " is " + v.label, {.statuses = {400, 403, 422}, .codes = {"invalid-body", "wrong-audience"}});
}

void fingerprint_of_peer(scenario& s) {
    auto const key = s.key();
    fingerprint_is_enforced(s, other_type(s) + "_key_sha256", "the registering backend's key", key, key->public_key().pem());
}

void fingerprint_of_callee(scenario& s) {
    auto const key = s.key();
    auto const& pem = s.identity().public_key_pem;
    fingerprint_is_enforced(s, own_type(s) + "_key_sha256", "the callee's key", key, pem);
    auto const both_right = both(set(own_type(s) + "_key_sha256", fingerprint_of(s, pem)), set(other_type(s) + "_key_sha256", fingerprint_of(s, key->public_key().pem())));
    s.accepted(s.try_register({.signing_key = key, .sbt = both_right}), "a token with the right fingerprints of both keys");
}

// ---- no credential ---------------------------------------------------------------------------------------

void token_as_credential(scenario& s) {
    std::string text, signature;
    auto r = s.settled();
    r.sbt_after_mac = [&](json::object& sbt) {
        text = json::serialize(sbt);
        signature = std::string{sbt.at("signature").as_string()};
    };
    auto const a = s.register_peer(r);
    s.control(a.get("/peers"), "GET /peers with the peer's assertion");
    s.control(a.get("/conversations?limit=1"), "GET /conversations with the peer's assertion");
    s.control(a.pull({.limit = 1}), "a pull with the peer's assertion");

    auto const compact = to_base64url(as_bytes(std::string_view{R"({"alg":"HS256","typ":"bsp-sbt"})"})) + '.' + to_base64url(as_bytes(text)) + '.' + signature;
    struct {
        char const* label;
        std::string value;
    } const credentials[] = {{"its signature", signature}, {"its JSON in base64", to_base64(as_bytes(text))}, {"its JSON in base64url", to_base64url(as_bytes(text))},
                             {"its compact form", compact}};
    exactly_as const form{.statuses = {401, 403}};
    for (auto const* scheme : {"Bearer ", "BSP ", "BSP-User ", "SBT "})
        for (auto const& c : credentials)
            s.refused(s.nobody().get("/peers", {.authorization = scheme + c.value}), std::string{"GET /peers with "} + scheme + "and, of a session binding token, " + c.label, form);
    for (auto const& path : {std::string{"/conversations?limit=1"}, "/sync/" + a.peer_id() + "?limit=1"})
        for (auto const* scheme : {"Bearer ", "BSP ", "BSP-User "})
            s.refused(s.nobody().get(path, {.authorization = scheme + compact}), "GET " + path + " with " + scheme + "and the compact form of a session binding token", form);
    s.refused(s.nobody().get("/peers?sbt=" + compact), "GET /peers with a session binding token in the query", form);
}

/// What was verified is this token, and neither its names nor its signature.
void names_prove_nothing(scenario& s) {
    auto const r = s.settled({.created = std::chrono::seconds{-60}, .sbt = set("sbt_id", s.fresh("sbt"))});
    auto const token = s.session_binding_token(r);
    auto const bringing = [](registration how, json::object sbt) {
        how.body = set("sbt", std::move(sbt));
        return how;
    };
    for (int i = 0; i < 4; ++i) s.control(s.try_register(bringing(r, token)), "a registration with a token that has an sbt_id, again and again");
    auto const listed = [&] {
        auto const x = s.user().get("/peers");
        s.control(x, "the user's list of peers");
        auto const* e = find_by_id(x.body(), "/peers", *r.backend_id, "backend_id");
        s.expect(e != nullptr, "the list holds the peer", show(x.body()));
        return *e;
    };
    auto const before = listed();
    auto const stranger = s.settled({.signing_key = s.key()});
    auto const later = both(set("created_at", s.in_seconds(-30)), set("expires_at", s.in_seconds(7 * 3600)));
    auto const refuses = [&](registration const& how, edit const& change, std::string const& what) {
        for (auto const& [whose, signature] : {std::pair<std::string, std::string>{"zeros for a signature", std::string(64, '0')}, {"the known token's signature", text_at(token, "/signature")}}) {
            auto forged = token;
            change(forged);
            forged["signature"] = signature;
            s.refused(s.try_register(bringing(how, forged)), "a token with " + what + " and " + whose, {.statuses = {401}, .codes = {"invalid-sbt"}});
        }
    };
    refuses(r, later, "the names of a known one, other times");
    refuses(r, both(later, drop("sbt_id")), "the session_id of a known one, other times");
    refuses(r, both(later, set("session_id", s.fresh("session"))), "the sbt_id of a known one, other times");
    refuses(r, both(later, both(set("session_id", s.fresh("session")), set("sbt_id", s.fresh("sbt")))), "other names and other times than a known one");
    refuses(stranger, both(later, set(other_slot(s), *stranger.backend_id)), "the names of a known one, another backend");
    if (s.shared().options.users.size() > 1) {
        auto theirs = r;
        theirs.user = s.other_account();
        refuses(theirs, set("user_id", s.other_account().id), "the names of a known one, another user");
    }
    for (char const* member : {"sbt", "capabilities", "public_key"})
        if (auto const* was = before.if_contains(member)) s.expect_same(std::string{member} + " of the registration, after forged tokens were refused", *was, listed().if_contains(member));
    s.control(s.try_register(bringing(r, token)), "the token once more");
}

check const checks[] = {
    {.id = "sbt/names-prove-nothing",
     .title = "a token is verified whatever was verified before that has its names or its signature",
     .clauses = {"BSP-SBT-016"},
     .impact = "whoever has seen one token makes others from it, which never end, or pairs a backend of their own",
     .likely_cause = "to save a MAC, tokens are known by sbt_id, session_id or signature once they were verified",
     .run = names_prove_nothing, .needs = need::all_users},
    {.id = "sbt/other-callee",
     .title = "a token that names another callee is refused",
     .clauses = {"BSP-SBT-027"},
     .impact = "a token given to one service opens the user's account at another",
     .likely_cause = "the slots are not compared, or by prefix or without case",
     .run = token_for_another_callee},
    {.id = "sbt/other-peer",
     .title = "the registration of a backend that the token does not name is refused",
     .clauses = {"BSP-SBT-028"},
     .impact = "whoever sees a token pairs a backend of their own with it",
     .likely_cause = "backend_identity.backend_id is not compared with the token",
     .run = token_for_another_peer},
    {.id = "sbt/slot-types",
     .title = "a registration whose types and slots do not fit is refused",
     .clauses = {"BSP-SBT-029", "BSP-SBT-030", "BSP-SBT-027"},
     .impact = "hosted backends pair with each other behind the user's back, or roles are reversed",
     .likely_cause = "the token is searched for the two ids, in whichever slots they are",
     .run = types_and_slots},
    {.id = "sbt/self-registration",
     .title = "a backend does not register itself",
     .clauses = {"BSP-SBT-031"},
     .impact = "a backend syncs with itself in a loop",
     .likely_cause = "backend_identity.backend_id is not compared with the server's own",
     .run = callee_itself},
    {.id = "sbt/null-slot",
     .title = "a token in which one of its six members is missing, null, empty or no string is refused",
     .clauses = {"BSP-SBT-014"},
     .impact = "a token made while no local backend was found fits every backend, or crashes this one",
     .likely_cause = "a null slot skips the comparison, or a missing member raises an exception",
     .run = missing_in_token},
    {.id = "sbt/fingerprint-of-peer",
     .title = "a fingerprint of the registering backend's key is enforced, and the right one is accepted",
     .clauses = {"BSP-SBT-032", "BSP-ID-029"},
     .impact = "a relay that exchanges the key on the way goes unnoticed, or honest users are locked out",
     .likely_cause = "the member is ignored, or the PEM text is hashed instead of its DER",
     .run = fingerprint_of_peer},
    {.id = "sbt/fingerprint-of-callee",
     .title = "a fingerprint of the callee's key is enforced, and the right one is accepted",
     .clauses = {"BSP-SBT-033", "BSP-ID-029"},
     .impact = "a user who was shown another key for this backend is not warned",
     .likely_cause = "only the fingerprint of the other side is looked at",
     .run = fingerprint_of_callee},
    {.id = "sbt/not-a-bearer",
     .title = "a session binding token is no credential in an Authorization field or a query",
     .clauses = {"BSP-SBT-038"},
     .impact = "a token seen once reads all of the user's conversations without any key",
     .likely_cause = "an authentication dependency that takes whatever proves the user",
     .run = token_as_credential},
};

}  // namespace

group sbt_binding_group() { return {"sbt_binding", profile::reg, checks}; }

}  // namespace bsp::conformance
