#include "../registry.hpp"
#include "../scenario.hpp"
#include "../signing_key.hpp"
#include "edits.hpp"
#include "first_refusal.hpp"

#include <algorithm>
#include <functional>

// Chapter 4, registering again: the same backend, another key, another user, newer and older tokens, refusals.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string first_push(scenario& s, peer const& p) {
    auto const c = s.fresh("c");
    s.control(p.push({s.conversation(c, 1, {s.message("m1", "first")})}), "a push by the registered peer");
    return c;
}

/// The entries of `backend_id` in the first user's list of peers.
std::vector<json::object> listed(scenario& s, std::string const& backend_id) {
    auto const x = s.user().get("/peers");
    s.control(x, "the user's list of peers");
    auto all = objects_at(x.body(), "/peers");
    std::erase_if(all, [&](json::object const& entry) { return text_at(entry, "/backend_id") != backend_id; });
    return all;
}

// ---- the same backend ------------------------------------------------------------------------------------

void session_of_many(scenario& s) {
    auto const session = s.fresh("sess");
    std::vector<std::pair<registration, peer>> all;
    for (int i = 0; i < 3; ++i) {
        auto const r = s.settled({.signing_key = s.fresh_key(), .sbt = set("session_id", session)});
        auto const x = s.try_register(r);
        s.accepted(x, "a registration with a token of a session that others have, too");
        all.emplace_back(r, s.peer_of(x, r));
        for (auto const& [how, p] : all) {
            auto const entries = listed(s, *how.backend_id).size();
            s.expect(entries == 1, "each backend of the session is listed once", std::to_string(entries) + " entries of " + *how.backend_id);
            s.accepted(p.push({s.conversation(s.fresh("c"), 1, {})}), "a push of each backend of the session");
            s.accepted(p.pull({.since = s.in_seconds(3600)}), "a pull of each backend of the session");
        }
    }
}

void same_backend_again(scenario& s) {
    auto const r = s.settled();
    auto const first = s.try_register(r);
    s.control(first, "the first registration");
    auto const again = [&](registration const& how, std::string const& what) {
        auto const x = s.try_register(how);
        s.accepted(x, what);
        s.exactly(x.status() == 200, "status 200", x.describe());
        s.expect(x.text("/peer_id") == first.text("/peer_id"), what + " is answered with the same peer_id", first.text("/peer_id") + ", then " + x.text("/peer_id"));
    };
    auto later = r, earlier = r, changed = r;
    later.created = seconds{30};
    earlier.created = seconds{-600};
    changed.identity = both(set("capabilities", json::array{"offline", "fast_context"}), both(set("version", "1.1"), drop("created_at")));
    again(r, "the same registration");
    again(later, "the registration with a later token");
    again(earlier, "the registration with an earlier token");
    again(changed, "the registration with other capabilities");
    auto const entries = listed(s, *r.backend_id);
    s.expect(entries.size() == 1, "one entry in the list of peers", std::to_string(entries.size()));
    auto const p = s.peer_of(first, r);
    s.accepted(p.push({s.conversation(s.fresh("c"), 1, {})}), "a push under that peer_id");

    auto repeated = s.settled({.sbt = set("sbt_id", s.fresh("sbt"))});
    repeated.body = set("sbt", s.session_binding_token(repeated));
    auto const lost = s.try_register(repeated);
    s.control(lost, "a registration with a token that has an sbt_id");
    auto const found = s.try_register(repeated);
    s.accepted(found, "the same token again, as after a lost answer");
    s.expect(found.text("/peer_id") == lost.text("/peer_id"), "the same peer_id", lost.text("/peer_id") + ", then " + found.text("/peer_id"));
}

void same_key_spelled_otherwise(scenario& s) {
    auto const r = s.settled();
    auto const pem = r.signing_key->public_key().pem();
    std::string crlf;
    for (char c : pem) crlf += c == '\n' ? std::string{"\r\n"} : std::string(1, c);
    auto const unended = pem.substr(0, pem.size() - 1);
    std::string first_id;
    for (auto const& [label, text] : std::initializer_list<std::pair<char const*, std::string>>{
             {"with LF", pem}, {"with CRLF", crlf}, {"without the last line end", unended}, {"with CRLF and without the last line end", crlf.substr(0, crlf.size() - 2)}, {"with LF again", pem}}) {
        auto how = r;
        how.identity = set("public_key", text);
        auto const x = s.try_register(how);
        if (first_id.empty()) {
            s.control(x, std::string{"the registration of a key written "} + label);
            first_id = x.text("/peer_id");
            continue;
        }
        s.accepted(x, std::string{"the registration of the same key written "} + label);
        s.expect(x.text("/peer_id") == first_id, "the same peer_id", first_id + ", then " + x.text("/peer_id"));
    }
    // And the other way round: what was pinned in one spelling serves in the other.
    auto other = s.settled({.signing_key = r.signing_key});
    auto const plain = other;
    other.identity = set("public_key", crlf);
    auto const x = s.try_register(other);
    s.accepted(x, "the registration of another backend with its key written with CRLF");
    s.accepted(s.try_register(plain), "the registration of that backend with its key written with LF");
    s.accepted(s.peer_of(x, other).push({s.conversation(s.fresh("c"), 1, {})}), "a push by that backend");
}

void another_key(scenario& s) {
    auto const r = s.settled();
    auto const a = s.register_peer(r);
    auto const c = first_push(s, a);
    auto const before = listed(s, *r.backend_id);
    auto other = r;
    other.signing_key = s.key();
    other.identity = [](json::object& o) { o["capabilities"] = json::array{"intruder"}; };
    edit const as_it_is = {}, names_the_other = set(*r.backend_type + "_key_sha256", to_hex(other.signing_key->public_key().sha256()));
    struct token {
        char const* label;
        seconds created;
        edit with;
    };
    for (auto const& [label, created, with] : {token{"a token of the same time", seconds{0}, as_it_is}, {"a later token", seconds{60}, as_it_is}, {"an earlier token", seconds{-600}, as_it_is},
                                               {"a later token that names the other key", seconds{90}, names_the_other}}) {
        other.created = created;
        other.sbt = with;
        s.refused(s.try_register(other), std::string{"a registration of the same backend with another key and "} + label, {.statuses = {409}, .codes = {"key-mismatch"}});
    }
    auto const meanwhile = listed(s, *r.backend_id);
    s.expect(before.size() == 1 && meanwhile.size() == 1, "one entry in the list of peers", std::to_string(meanwhile.size()));
    for (char const* member : {"/capabilities", "/public_key", "/sbt", "/registered_at"})
        if (auto const* was = at(before.front(), member)) s.expect_same(std::string{"the entry's "} + (member + 1), *was, at(meanwhile.front(), member));
    s.refused(a.push({s.conversation(c, 2, {s.message("m2", "by the other key", 2)})}, {.signer = other.signing_key}), "a push signed with the other key",
              {.statuses = {401}, .codes = {"invalid-signature"}});
    s.refused(a.get("/conversations?limit=1", {.signer = other.signing_key}), "a read signed with the other key", {.statuses = {401}, .codes = {"invalid-credential"}});
    s.accepted(a.push({s.conversation(c, 3, {s.message("m3", "by the first key", 3)})}), "a push signed with the first key");
    s.accepted(s.try_register(r), "the registration with the first key");
    auto const now = a.read(c);
    s.control(now, "reading the conversation");
    s.expect(find_by_id(now.body(), "/messages", "m2") == nullptr, "nothing of the push with the other key", show(ids_at(now.body(), "/messages")));
    auto const after = listed(s, *r.backend_id);
    s.expect(before.size() == 1 && after.size() == 1, "one entry in the list of peers", std::to_string(after.size()));
    s.expect(text_at(after.front(), "/public_key") == text_at(before.front(), "/public_key"), "the first key in the list of peers", text_at(after.front(), "/public_key"));
}

void users_are_apart(scenario& s) {
    auto const mine = s.settled();
    auto theirs = mine;
    theirs.user = s.other_account();
    theirs.signing_key = s.key();
    auto const first = s.try_register(mine);
    s.control(first, "the first user's registration of a backend");
    auto const second = s.try_register(theirs);
    s.accepted(second, "the second user's registration of the same backend_id, with another key");
    auto const a = s.peer_of(first, mine), b = s.peer_of(second, theirs);
    s.expect(a.peer_id() != b.peer_id(), "each registration has a peer_id of its own", a.peer_id() + " for both");
    auto const works = [&](peer const& p, std::string const& whose) {
        auto const c = s.fresh("c");
        s.accepted(p.push({s.conversation(c, 1, {s.message("m1", "mine")})}), "a push by the registration of " + whose);
        s.accepted(p.read(c), "a read by the registration of " + whose);
    };
    works(a, "the first user");
    works(b, "the second user");
    auto const again = s.try_register(mine);
    s.accepted(again, "the first user's registration again");
    s.expect(again.text("/peer_id") == a.peer_id(), "its own peer_id", again.text("/peer_id"));

    auto shared_mine = s.settled(), shared_theirs = shared_mine;  // one device, one key, two accounts
    shared_theirs.user = s.other_account();
    auto const x = s.try_register(shared_mine), y = s.try_register(shared_theirs);
    s.accepted(x, "the first user's registration of another backend");
    s.accepted(y, "the second user's registration of the same backend_id, with the same key");
    s.expect(x.text("/peer_id") != y.text("/peer_id"), "each registration has a peer_id of its own", x.text("/peer_id") + " for both");
    works(s.peer_of(y, shared_theirs), "the second user");
    works(s.peer_of(x, shared_mine), "the first user");
}

// ---- newer and older tokens ------------------------------------------------------------------------------

void newer_token_extends(scenario& s) {
    auto r = s.settled();
    r.created = seconds{-60};
    r.lifetime = seconds{64};
    auto const a = s.register_peer(r);
    auto const end = s.now() + seconds{4};
    first_push(s, a);
    auto newer = r;
    newer.created = seconds{-30};
    newer.lifetime = seconds{8 * 3600};
    s.accepted(s.try_register(newer), "the registration with a later token that lives longer");
    s.wait_until(end + seconds{1});
    s.accepted(a.push({s.conversation(s.fresh("c"), 1, {})}), "a push after the first token's expiry, within the second's");
    s.accepted(a.pull({.limit = 1}), "a pull after the first token's expiry, within the second's");
}

void older_token_changes_nothing(scenario& s) {
    auto const soon = seconds{4};
    auto const registered = [&](seconds created, seconds lifetime) {
        auto r = s.settled();
        r.sbt = [created = s.in_seconds(created.count()), expires = s.in_seconds((created + lifetime).count())](json::object& sbt) {
            sbt["created_at"] = created;
            sbt["expires_at"] = expires;
        };
        return r;
    };
    // Long-lived ones: an older token and one of the same time, both about to expire, must not shorten them.
    auto const long_lived = registered(seconds{-30}, seconds{7200}), twin = registered(seconds{-30}, seconds{7200}), brief = registered(seconds{-30}, seconds{30} + soon);
    auto const early = registered(seconds{200}, seconds{7200});  // made by a clock that is ahead
    auto const a = s.register_peer(long_lived), b = s.register_peer(twin), c = s.register_peer(brief), d = s.register_peer(early);
    auto const again = [&](registration r, std::int64_t created, std::int64_t lifetime, std::string const& what) {
        auto const keep = r.sbt;
        r.sbt = [=, &s](json::object& sbt) {
            keep(sbt);
            if (created != 0) sbt["created_at"] = s.in_seconds(created);
            sbt["expires_at"] = s.in_seconds(lifetime);
        };
        s.accepted(s.try_register(r), what);
    };
    again(long_lived, -60, soon.count(), "the registration with an older token that ends sooner");
    again(twin, 0, soon.count(), "the registration with a token of the same created_at that ends sooner");
    again(brief, -60, 7200, "the registration with an older token that ends later");
    again(early, 1, soon.count(), "the registration with a token of now that ends sooner, where the one before is dated 200 s ahead");

    auto const end = s.now() + soon;
    s.wait_until(end + seconds{1});
    s.accepted(a.push({s.conversation(s.fresh("c"), 1, {})}), "a push when the older token has expired, and the newer has not");
    s.accepted(b.push({s.conversation(s.fresh("c"), 1, {})}), "a push when the token of the same created_at has expired, and the first has not");
    s.accepted(d.push({s.conversation(s.fresh("c"), 1, {})}), "a push when the token of now has expired, and the one that is dated ahead has not");
    auto const late = first_refusal(s, end, [&] { return c.push({s.conversation(s.fresh("c"), 1, {})}); });
    s.refused(late, "a push when the newer token has expired, and the older has not", {.statuses = {401}, .codes = {"sbt-expired"}});
}

// ---- refusals --------------------------------------------------------------------------------------------

struct refusal {
    char const* label;
    std::function<void(scenario&, registration&)> change;
};

std::vector<refusal> refusals() {
    auto const sbt = [](edit e) { return [e](scenario&, registration& r) { r.sbt = e; }; };
    auto const identity = [](edit e) { return [e](scenario&, registration& r) { r.identity = e; }; };
    auto const body = [](edit e) { return [e](scenario&, registration& r) { r.body = e; }; };
    return {
        {"a wrong MAC", [](scenario&, registration& r) { r.secret = "not the secret"; }},
        {"a signature cut short", [](scenario&, registration& r) { r.sbt_after_mac = set("signature", "0123abcd"); }},
        {"an expired token", [](scenario&, registration& r) { r.created = std::chrono::hours{-9}; }},
        {"a token of 10 years", [](scenario&, registration& r) { r.lifetime = std::chrono::hours{24 * 3650}; }},
        {"a token of tomorrow", [](scenario&, registration& r) { r.created = std::chrono::hours{24}; }},
        {"a token for another callee", [](scenario& s, registration& r) { r.sbt = set(s.identity().backend_type + "_backend_id", s.fresh_backend_id(s.identity().backend_type)); }},
        {"a token for another backend", [](scenario& s, registration& r) { r.sbt = set(*r.backend_type + "_backend_id", s.fresh_backend_id()); }},
        {"a wrong fingerprint", [](scenario&, registration& r) { r.sbt = set(*r.backend_type + "_key_sha256", std::string(64, '0')); }},
        {"no session_id", sbt(drop("session_id"))},
        {"a key that is none", identity(set("public_key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))},
        {"version 2.0", identity(set("version", "2.0"))},
        {"no version", identity(drop("version"))},
        {"capabilities of numbers", identity(set("capabilities", json::array{1, 2}))},
        {"a challenge of 3 characters", body(set("challenge", "abc"))},
        {"endpoints that are a string", body(set("endpoints", "x"))},
        {"another media type", [](scenario&, registration& r) { r.request = [](http_request& q) { q.headers.set("Content-Type", "text/plain"); }; }},
    };
}

void refusal_leaves_nothing(scenario& s) {
    auto const standing = s.settled();
    auto const a = s.register_peer(standing);
    auto const before = listed(s, *standing.backend_id);
    s.control(before.size() == 1, "the accepted registration is listed once");

    std::vector<std::pair<std::string, std::string>> turned_away;
    for (auto const& one : refusals()) {
        auto r = s.settled({.signing_key = s.key()});
        one.change(s, r);
        if (s.try_register(r).ok()) {
            s.note(std::string{"accepted, which another check judges: "} + one.label);
            continue;
        }
        turned_away.emplace_back(one.label, *r.backend_id);
        // The same, aimed at the registration that stands.
        auto aimed = standing;
        aimed.created = seconds{30};
        one.change(s, aimed);
        aimed.identity = [extra = aimed.identity](json::object& o) {
            o["capabilities"] = json::array{"intruder"};
            if (extra) extra(o);
        };
        s.try_register(aimed);
    }
    s.control(!turned_away.empty(), "some registration is refused");
    auto const list = s.user().get("/peers");
    s.control(list, "the user's list of peers");
    for (auto const& [label, backend_id] : turned_away)
        s.expect(find_by_id(list.body(), "/peers", backend_id, "backend_id") == nullptr, "a registration refused for " + label + " is not listed", "it is");
    auto const after = listed(s, *standing.backend_id);
    s.expect(after.size() == 1, "the registration that stands is listed once", std::to_string(after.size()));
    for (char const* member : {"/peer_id", "/backend_id", "/backend_type", "/public_key", "/capabilities", "/sbt", "/registered_at"})
        if (auto const* was = at(before.front(), member)) s.expect_same(std::string{"after refused registrations, of the one that stands "} + (member + 1), *was, at(after.front(), member));
    s.accepted(a.push({s.conversation(s.fresh("c"), 1, {})}), "a push by the registration that stands");

    // Nor is the key of a refused registration pinned.
    for (auto const& [label, backend_id] : turned_away)
        s.accepted(s.try_register({.backend_id = backend_id, .signing_key = standing.signing_key}), "after a registration refused for " + label + ", that of the same backend with another key");
}

// ---- restart ---------------------------------------------------------------------------------------------

void restart_keeps_registrations(scenario& s) {
    auto const r = s.settled();
    auto const a = s.register_peer(r);
    auto const c = first_push(s, a);
    // Of one whose token was renewed the newer one counts, in time and in the list.
    auto renewed = s.settled({.lifetime = std::chrono::hours{1}});
    auto const b = s.register_peer(renewed);
    renewed.created = std::chrono::seconds{20};
    renewed.lifetime = std::chrono::hours{8};
    renewed.identity = set("capabilities", json::array{"offline", "x_renewed"});
    s.control(s.try_register(renewed), "the registration with a newer token");
    auto const before = listed(s, *renewed.backend_id);
    s.control(before.size() == 1, "one entry in the list of peers");
    s.restart();
    auto const after = listed(s, *renewed.backend_id);
    s.expect(after.size() == 1, "one entry of a renewed registration after the restart", std::to_string(after.size()));
    for (char const* name : {"peer_id", "public_key", "capabilities", "sbt", "registered_at"}) s.expect_same(std::string{name} + " of a renewed registration after the restart", before[0].at(name), after[0].if_contains(name));
    s.accepted(b.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}), "a push of a renewed registration after the restart");
    s.accepted(a.push({s.conversation(c, 2, {s.message("m2", "second", 2)})}), "a push after the restart");
    s.accepted(a.pull({.limit = 1}), "a pull after the restart");
    auto const again = s.try_register(r);
    s.accepted(again, "the registration again, after the restart");
    s.expect(again.text("/peer_id") == a.peer_id(), "the same peer_id", again.text("/peer_id"));
    auto other = r;
    other.signing_key = s.key();
    s.refused(s.try_register(other), "a registration of the same backend with another key, after the restart", {.statuses = {409}, .codes = {"key-mismatch"}});
    s.expect(listed(s, *r.backend_id).size() == 1, "one entry in the list of peers after the restart", std::to_string(listed(s, *r.backend_id).size()));
}

check const checks[] = {
    {.id = "reg/session-of-many",
     .title = "tokens of one session register one backend beside another",
     .clauses = {"BSP-REG-034", "BSP-SYN-020"},
     .impact = "whoever pairs two devices from one window loses the first",
     .likely_cause = "registrations are kept by the session_id of their token",
     .run = session_of_many},
    {.id = "reg/same-peer-id",
     .title = "a backend that registers again keeps its peer_id and its one entry",
     .clauses = {"BSP-REG-023", "BSP-REG-024"},
     .impact = "old ids live on as zombies, and the registry grows at every login",
     .likely_cause = "a new record is made at each registration",
     .run = same_backend_again},
    {.id = "reg/same-key-other-spelling",
     .title = "a key is the same key with other line ends",
     .clauses = {"BSP-ID-029", "BSP-REG-023"},
     .impact = "a device is locked out of its own registration after an update on another system",
     .likely_cause = "PEM texts are compared instead of fingerprints",
     .run = same_key_spelled_otherwise},
    {.id = "reg/key-mismatch",
     .title = "a registration of the same backend with another key is refused, and the first key goes on working",
     .clauses = {"BSP-REG-028", "BSP-REG-029"},
     .impact = "a stolen token takes over the registration of a device",
     .likely_cause = "the stored key is replaced by the one that comes",
     .run = another_key},
    {.id = "reg/tenants-apart",
     .title = "registrations of the same backend_id by two users are apart",
     .clauses = {"BSP-REG-031"},
     .impact = "one user blocks or takes over the device of another by naming it first",
     .likely_cause = "registrations are keyed by backend_id instead of user and backend_id",
     .run = users_are_apart,
     .needs = need::second_user},
    {.id = "reg/newer-sbt-extends",
     .title = "a registration with a later token is valid until that token expires",
     .clauses = {"BSP-REG-025"},
     .impact = "renewal seems to work, and the device is locked out hours later",
     .likely_cause = "a repeated registration returns early, before the token is stored",
     .run = newer_token_extends, .needs = need::patience},
    {.id = "reg/older-sbt-harmless",
     .title = "a registration with an older valid token is accepted and changes nothing",
     .clauses = {"BSP-REG-026", "BSP-REG-023"},
     .impact = "a token that arrives late ends a pairing, or a forgotten one prolongs it",
     .likely_cause = "the token that comes last is stored, or an older one is refused",
     .run = older_token_changes_nothing, .needs = need::patience},
    {.id = "reg/refusal-leaves-no-peer",
     .title = "a refused registration leaves no entry, changes none and pins no key",
     .clauses = {"BSP-REG-006"},
     .impact = "strangers fill the registry, or block a backend before it registers",
     .likely_cause = "the record is written before the checks are done",
     .run = refusal_leaves_nothing},
    {.id = "reg/restart",
     .title = "registrations and pinned keys survive a restart",
     .clauses = {"BSP-GEN-112"},
     .impact = "after every update all devices must be paired anew",
     .likely_cause = "the registry lives in memory",
     .run = restart_keeps_registrations,
     .needs = need::restart_hook | need::alone},
};

}  // namespace

group registration_again_group() { return {"registration_again", profile::reg, checks}; }

}  // namespace bsp::conformance
