#include "doors.hpp"
#include "first_refusal.hpp"
#include "ground.hpp"
#include "privacy.hpp"
#include "rotation.hpp"
#include "wire.hpp"

#include "../signing_key.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <thread>

// A registration that is renewed, removed, revoked or run out, and whatever else depends on it: held pulls, other registrations
// of the backend or the key, every path.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

exactly_as const gone{.statuses = {401, 403, 404}};
exactly_as const stale{.statuses = {401}, .codes = {"stale-request", "invalid-credential"}};

// ---- every path -------------------------------------------------------------------------------------------

void expiry_shuts_every_door(scenario& s) {
    auto const r = s.settled({.created = seconds{-60}, .lifetime = seconds{64}});
    auto const a = s.register_peer(r);
    doors const all{s, a};
    std::vector<json::object> const sent{s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})};
    auto const id = s.fresh("sync");
    s.control(a.push(sent, {.sync_id = id}), "a push");
    auto const end = s.now() + seconds{4};
    (void)first_refusal(s, end, [&] { return a.pull({.limit = 1}); });
    exactly_as const expired{.statuses = {401}, .codes = {"sbt-expired"}};
    all.closed_to({}, "a peer whose token has expired", expired);
    s.refused(a.push(sent, {.sync_id = id}), "the repetition of an accepted push, after the token has expired", expired);
    auto newer = r;
    newer.created = {};
    newer.lifetime = seconds{3600};
    s.control(s.try_register(newer), "a registration with a newer token");
    all.open_to({}, "the peer with a newer token");
}

/// What was refused because the token had expired is sent again when there is a newer one (BSP-SYN-073).
void refused_at_expiry_is_free(scenario& s) {
    auto r = s.settled({.created = seconds{-60}, .lifetime = seconds{63}});
    auto const a = s.register_peer(r);
    s.control(a.push({}), "a push while the token is valid");
    (void)first_refusal(s, s.now() + seconds{3}, [&] { return a.pull({.limit = 1}); });
    auto const same = s.fresh("sync"), other = s.fresh("sync"), c = s.fresh("c"), d = s.fresh("c"), e = s.fresh("c");
    std::vector<json::object> const sent{s.conversation(c, 1, {s.message("m1", "sent twice")})};
    s.control(a.push(sent, {.sync_id = same}).client_error(), "a push is refused when the token has expired");
    s.control(a.push({s.conversation(d, 1, {s.message("m1", "sent once")})}, {.sync_id = other}).client_error(), "another push is refused then, too");
    r.created = {};
    r.lifetime = seconds{3600};
    s.control(s.try_register(r), "a registration with a newer token");
    auto const holds = [&](std::string const& conversation) {
        auto const x = a.read(conversation);
        return x.ok() && live_ids(x.body()) == std::vector<std::string>{"m1"};
    };
    s.accepted(a.push(sent, {.sync_id = same}), "the push that was refused for its expired token, sent again with a newer one");
    s.expect(holds(c), "a push that was refused for its expired token and then accepted is stored", a.read(c).describe());
    s.accepted(a.push({s.conversation(e, 1, {s.message("m1", "instead")})}, {.sync_id = other}), "other conversations under the sync_id of a push that was refused for its expired token");
    s.expect(holds(e), "they are stored", a.read(e).describe());
    s.expect(a.read(d).status() == 404, "nothing is stored of a push that was refused for its expired token", a.read(d).describe());
}

void revocation_shuts_every_door(scenario& s) {
    auto const a = s.register_peer({.signing_key = s.fresh_key()});
    doors const all{s, a};
    s.control(s.admin().del("/peers/" + a.peer_id()), "a revocation");
    all.closed_to({}, "a revoked peer", gone);
    auto const b = s.register_peer();
    doors const others{s, b};
    s.control(b.unpair(), "an unpairing");
    others.closed_to({}, "an unpaired peer", gone);
}

void one_credential_at_every_door(scenario& s) {
    auto const a = s.register_peer();
    doors const all{s, a};
    auto const twice = [](std::string const& first) { return call_options{.authorization = first, .request = [first](http_request& r) { r.headers.add("Authorization", first); }}; };
    for (auto const& [name, path] : all.all()) s.refused(a.get(path, twice(a.authorization("GET", path))), name + " with two Authorization fields");
    for (std::string const path : {"/privacy-settings", "/privacy/export"})
        if (s.user().get(path).ok()) s.refused(s.user().get(path, twice(s.user().authorization("GET", path))), "GET " + path + " with two Authorization fields of the user");
    s.refused(s.user().del("/peers/" + a.peer_id(), twice(s.user().authorization("DELETE", "/peers/" + a.peer_id()))), "an unpairing with two Authorization fields");
    all.open_to({}, "the peer with one");
}

// ---- held pulls -------------------------------------------------------------------------------------------

std::string held_path(scenario& s, peer const& a, int wait) { return "/sync/" + a.peer_id() + "?wait=" + std::to_string(wait) + "&since=" + percent_encode_segment(s.in_seconds(3600)); }

/// A pull of `a` that is held for 6 seconds, and what happens meanwhile. Nothing outside shows that a pull is held, so it is given a moment.
struct held {
    held(scenario& s, peer const& a, std::function<exchange()> const& then) {
        auto const path = held_path(s, a, 6);
        auto const all = s.together({[&] {
                                         std::this_thread::sleep_for(milliseconds{400});
                                         return then();
                                     },
                                     [&] {
                                         auto const begun = std::chrono::steady_clock::now();
                                         auto x = a.get(path);
                                         took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
                                         return x;
                                     }});
        done = all[0], pull = all[1];
    }
    void ends(scenario& s, std::string const& what) const {
        s.control(done, what);
        if (pull.ok() && took < milliseconds{400}) s.not_applicable("no pull is held for so long");
        s.refused(pull, "a pull that was held during " + what, gone);
        s.expect_in_time(took < seconds{5}, "it ends within 2 s, and before its time", std::to_string(took.count()) + " ms");
    }
    void goes_on(scenario& s, std::string const& what) const {
        s.control(done, what);
        s.accepted(pull, "a pull that was held during " + what);
    }
    exchange done{nullptr}, pull{nullptr};
    milliseconds took{};
};

void held_pull_of_another_user(scenario& s) {
    s.needs_declared("live_pull");
    auto r = s.settled({.created = seconds{-60}});
    auto const mine = s.register_peer(r);
    r.user = s.other_account();
    auto const theirs = s.register_peer(r);
    held const h{s, theirs, [&] { return mine.unpair(); }};
    h.goes_on(s, "the unpairing of its backend by another user");
    s.accepted(theirs.pull({.limit = 1}), "a pull of the other user's registration");
}

void held_pull_of_the_former_registration(scenario& s) {
    s.needs_declared("live_pull");
    auto const r = s.settled({.created = seconds{-60}});
    auto const a = s.register_peer(r);
    auto again = r;
    again.created = seconds{60};
    auto const next = s.registration_request(again);
    held const h{s, a, [&] {
        auto const x = s.user().del("/peers/" + a.peer_id());
        return x.ok() ? s.send(next, "-", "POST /register-peer, again") : x;
    }};
    h.ends(s, "its unpairing, with another registration of its backend at once");
}

void held_pulls_of_the_same_key(scenario& s) {
    s.needs_declared("live_pull");
    auto const lost = s.fresh_key();
    auto const first = s.settled({.signing_key = lost});
    auto const a = s.register_peer(first);
    auto const sister = s.register_peer({.signing_key = lost});
    held const h{s, sister, [&] { return s.admin().del("/peers/" + a.peer_id()); }};
    h.ends(s, "the revocation of another backend with the same key");
}

void held_pulls_of_the_same_backend(scenario& s) {
    s.needs_declared("live_pull");
    auto r = s.settled({.signing_key = s.fresh_key()});
    auto const mine = s.register_peer(r);
    r.user = s.other_account();
    auto const theirs = s.register_peer(r);
    held const h{s, theirs, [&] { return s.admin().del("/peers/" + mine.peer_id()); }};
    h.ends(s, "the revocation of its backend as another user's peer");
}

void held_assertions_are_used(scenario& s) {
    s.needs_declared("live_pull");
    auto const a = s.register_peer();
    auto const path = held_path(s, a, 5);
    auto const field = a.authorization("GET", path);
    auto const all = s.together({[&] { return a.get(path, {.authorization = field}); },
                                 [&] {
                                     std::this_thread::sleep_for(milliseconds{700});
                                     return a.get(path, {.authorization = field});
                                 }});
    s.control(std::any_of(all.begin(), all.end(), [](exchange const& x) { return x.ok(); }), "a held pull is answered");
    s.refused(all[0].ok() ? all[1] : all[0], "the same assertion again, while its pull is held", stale);
}

// ---- registered again -------------------------------------------------------------------------------------

void renewals_are_verified(scenario& s) {
    auto const r = s.settled({.created = seconds{-120}});
    auto const a = s.register_peer(r);
    std::string const own = s.identity().backend_type, other = a.backend_type();
    auto const renewed = [&](auto change) {
        auto out = r;
        out.created = seconds{-60};
        change(out);
        return out;
    };
    auto const refuses = [&](std::string const& what, registration const& how) { s.refused(s.try_register(how), "the renewal of a registration with " + what); };
    refuses("a token under another secret", renewed([](registration& n) { n.secret = "not the pairing secret of anybody, but long"; }));
    refuses("a token that lives too long", renewed([](registration& n) { n.lifetime = seconds{28'900}; }));
    refuses("a token of tomorrow", renewed([](registration& n) { n.created = std::chrono::hours{24}; }));
    refuses("a token that has expired", renewed([](registration& n) { n.lifetime = seconds{30}; }));
    refuses("a token for another callee", renewed([&](registration& n) { n.sbt = set(own + "_backend_id", own + "_sha256_0123456789abcdef"); }));
    refuses("a token of another peer", renewed([&](registration& n) { n.sbt = set(other + "_backend_id", other + "_sha256_0123456789abcdef"); }));
    refuses("a token with a fingerprint of another key", renewed([&](registration& n) { n.sbt = set(other + "_key_sha256", std::string(64, 'a')); }));
    refuses("a token with a fingerprint of another key of the callee", renewed([&](registration& n) { n.sbt = set(own + "_key_sha256", std::string(64, 'a')); }));
    refuses("a challenge that is none", renewed([](registration& n) { n.body = set("challenge", "c2hvcnQ"); }));
    auto const good = s.try_register(renewed([](registration& n) { n.body = set("challenge", "3q2-7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs"); }));
    s.accepted(good, "the renewal of a registration with a right token");
    s.expect(good.text("/peer_id") == a.peer_id(), "the peer_id of the registration", good.text("/peer_id"));
    s.expect(!good.text("/challenge_signature").empty(), "a renewal with a challenge is answered with challenge_signature, too", good.describe());
}

/// created_at of a token, `ago` before now by the target's clock, on the wall clocks of another country.
edit spelled_elsewhere(scenario& s, seconds ago, int hours, std::string const& suffix) {
    return both(set("created_at", spelled(s.now() - ago, hours * 60, suffix)), set("expires_at", s.in_seconds(3600)));
}

void tokens_are_compared_as_instants(scenario& s) {
    auto r = s.settled();
    auto const register_with = [&](edit const& token) {
        auto how = r;
        how.sbt = token;
        return s.try_register(how);
    };
    auto const first = register_with(spelled_elsewhere(s, seconds{120}, 0, "Z"));
    s.control(first, "a registration");
    auto const stored = [&] {
        auto const x = s.user().get("/peers");
        s.control(x, "the user's list of peers");
        auto const* entry = find_by_id(x.body(), "/peers", first.text("/peer_id"), "peer_id");
        return entry ? text_at(*entry, "/sbt/session_id") : "";
    };
    auto const named = [&](edit const& token, char const* name) { return both(token, set("session_id", name)); };
    s.control(register_with(named(spelled_elsewhere(s, seconds{90}, -10, "-10:00"), "newer")), "a registration with a newer token of another offset");
    s.expect(stored() == "newer", "a token that was created later takes the place of the one before, however its time is spelled", "the one before stands");
    s.control(register_with(named(spelled_elsewhere(s, seconds{110}, 10, "+10:00"), "older")), "a registration with an older token of another offset");
    s.expect(stored() == "newer", "a token that was created earlier does not, however its time is spelled", "the earlier one stands");
    auto const before = spelled_elsewhere(s, seconds{5}, 10, "+10:00");
    s.control(s.user().del("/peers/" + first.text("/peer_id")), "the unpairing");
    s.refused(register_with(before), "a registration with a token of before the unpairing, spelled with +10:00", {.statuses = {401}, .codes = {"invalid-sbt"}});
    s.accepted(register_with(spelled_elsewhere(s, seconds{-60}, -10, "-10:00")), "a registration with a token of after the unpairing, spelled with -10:00");
}

// ---- removed ----------------------------------------------------------------------------------------------

void unpairing_is_of_one_registration(scenario& s) {
    auto const shared = s.fresh_key();
    auto const a = s.register_peer({.signing_key = shared}), b = s.register_peer({.signing_key = shared});
    s.control(a.unpair(), "the unpairing of one of two backends with the same key");
    s.accepted(b.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}), "a push of the other");
    auto const list = s.user().get("/peers");
    s.control(list, "the user's list of peers");
    s.expect(find_by_id(list.body(), "/peers", b.peer_id(), "peer_id") != nullptr, "the other is still listed", "it is not");
}

void users_lift_no_revocation(scenario& s) {
    auto const lost = s.fresh_key();
    auto const r = s.settled({.signing_key = lost});
    auto const a = s.register_peer(r);
    s.control(s.admin().del("/peers/" + a.peer_id()), "a revocation");
    s.refused(s.user().del("/peers/" + a.peer_id()), "the unpairing of a revoked peer by its user", {.statuses = {404}, .codes = {"unknown-peer"}});
    s.refused(a.unpair(), "the unpairing of a revoked peer by itself", gone);
    auto again = r;
    again.created = seconds{60};
    exactly_as const revoked{.statuses = {403}, .codes = {"peer-revoked"}};
    s.refused(s.try_register(again), "a registration of the revoked backend after that", revoked);
    s.refused(s.try_register({.signing_key = lost}), "a registration with the revoked key after that", revoked);
    s.control(s.try_register(), "a registration of another backend");
}

void lists_are_of_the_credential(scenario& s) {
    auto const theirs = s.register_peer_of(s.other_account()), mine = s.register_peer();
    auto const other = s.other_account().id;
    auto const query = "?user_id=" + percent_encode_segment(other) + "&user=" + percent_encode_segment(other);
    for (caller const& who : {s.user(), static_cast<caller>(mine)}) {
        auto const x = who.get("/peers" + query);
        s.accepted(x, "GET /peers that names another user");
        s.expect(!find_by_id(x.body(), "/peers", theirs.peer_id(), "peer_id"), "the other user's peer is not listed", "it is");
        s.expect(find_by_id(x.body(), "/peers", mine.peer_id(), "peer_id") != nullptr, "the own user's is", "it is not");
    }
}

constexpr unsigned by_admin = need::admin_token | need::hosted_target;

// ---- what has begun before a registration or a key ends ------------------------------------------------------

/// A request of which the first half has come when `then` happens, and the second half comes after it: the answer.
std::optional<http_response> interrupted(scenario& s, http_request const& request, std::function<void()> const& then) {
    wire w{s};
    auto const bytes = wire::bytes_of(s, request);
    auto const half = bytes.size() - request.body.size() / 2;
    w.write(bytes.substr(0, half));
    std::this_thread::sleep_for(milliseconds{200});  // what looks at the head alone has looked at it by now
    then();
    w.write(bytes.substr(half));
    return w.next();
}

http_request posted(scenario& s, std::string const& path, json::value const& body) {
    return {"POST", s.target_path(path), {{"Content-Type", "application/json"}}, json::serialize(body), {}};
}

void is_refused(scenario& s, std::optional<http_response> const& x, std::string const& what) {
    s.expect(x && x->status / 100 == 4, what + " is refused with 4xx", describe(x));
}

/// A push of one message, and that nothing of it is there.
struct late_push {
    late_push(scenario& s, peer const& a) : conversation{s.fresh("c")}, request{posted(s, "/sync/" + a.peer_id(), a.payload({s.conversation(conversation, 1, {s.message("m1", "late")})}))} {}
    void left_nothing(scenario& s) const {
        auto const x = s.user().read(conversation);
        s.expect(!x.ok() || find_by_id(x.body(), "/messages", "m1") == nullptr, "nothing of that push is stored", show(x.body()));
    }
    std::string conversation;
    http_request request;
};

/// A push, a registration and a notice that are cut in two by `end`, which ends the registration of a peer.
void cut_in_two(scenario& s, std::string const& how, std::function<exchange(peer const&)> const& end) {
    auto const key = [&] { return registration{.signing_key = s.fresh_key(), .created = seconds{-60}}; };
    auto const a = s.register_peer(key());
    auto const whole = interrupted(s, late_push{s, a}.request, [] {});
    s.control(whole && whole->status == 200, "a push that comes in two parts is accepted");
    late_push const late{s, a};
    is_refused(s, interrupted(s, late.request, [&] { s.control(end(a), how); }), "a push that had begun before " + how + " of its peer, and whose signature came after it,");
    late.left_nothing(s);

    auto r = s.settled(key());
    auto const b = s.register_peer(r);
    r.created = seconds{-30};
    auto const again = interrupted(s, s.registration_request(r), [] {});
    s.control(again && again->status == 200, "a registration that comes in two parts is accepted");
    is_refused(s, interrupted(s, s.registration_request(r), [&] { s.control(end(b), how); }), "a registration that had begun before " + how + " of its backend, with a token of before it,");
    s.refused(b.pull({.limit = 1}), "a pull of the peer after " + how, gone);

    if (!s.declares("key_rotation")) return;
    rotating c{s, key()};
    auto const next = s.fresh_key();
    is_refused(s, interrupted(s, posted(s, c.path(), c.notice(next)), [&] { s.control(end(c.a), how); }), "a rotation notice that had begun before " + how + " of its peer");
    s.refused(c.push(next), "a push signed with the new key of that notice", gone);
}

void removed_while_arriving(scenario& s) {
    cut_in_two(s, "the unpairing", [&](peer const& a) { return s.user().del("/peers/" + a.peer_id()); });
}

void revoked_while_arriving(scenario& s) {
    cut_in_two(s, "the revocation", [&](peer const& a) { return s.admin().del("/peers/" + a.peer_id()); });
}

void rotated_while_arriving(scenario& s) {
    rotating r{s};
    late_push const late{s, r.a};
    auto const moment = r.next_moment();
    auto const notice = r.notice(s.fresh_key(), {.rotated_at = moment, .grace = moment});
    is_refused(s, interrupted(s, late.request, [&] { s.control(r.send(notice), "a rotation without grace"); }), "a push that had begun before a rotation without grace, and whose signature by the key before came after it,");
    late.left_nothing(s);
}

check const checks[] = {
    {.id = "peer/removed-while-arriving", .title = "what was arriving when its peer was unpaired is refused", .clauses = {"BSP-REG-043", "BSP-REG-044", "BSP-ROT-016"}, .impact = "who was locked out goes on writing with requests that are sent slowly",
     .likely_cause = "the peer is looked up when the head has come, and not when the request is verified", .run = removed_while_arriving, .needs = need::sockets | need::patience},
    {.id = "peer/revoked-while-arriving", .title = "what was arriving when its peer was revoked is refused", .clauses = {"BSP-REG-053", "BSP-REG-051", "BSP-ROT-016"}, .impact = "who was locked out goes on writing with requests that are sent slowly",
     .likely_cause = "the peer is looked up when the head has come, and not when the request is verified", .run = revoked_while_arriving, .needs = need::sockets | need::patience | need::admin_token | need::hosted_target},
    {.id = "rot/rotated-while-arriving", .title = "a push that was arriving when its key was given up without grace is refused", .clauses = {"BSP-ROT-036"}, .impact = "the thief of a key goes on writing with requests that are sent slowly",
     .likely_cause = "the keys are looked up when the head has come, and not when the request is verified", .run = rotated_while_arriving, .needs = need::sockets | need::patience},
    {.id = "sbt/every-door", .title = "no path takes a peer whose token has expired", .clauses = {"BSP-SBT-035", "BSP-SBT-037"}, .impact = "eight hours become for ever, where one path gives what the user would not",
     .likely_cause = "expiry is asked for by some handlers", .run = expiry_shuts_every_door, .needs = need::patience},
    {.id = "syn/expired-sync-id-free", .title = "a push that was refused for an expired token is stored when it comes again with a newer one", .clauses = {"BSP-SYN-073", "BSP-SYN-051"}, .impact = "what a device sent while its token ran out is acknowledged later and never stored",
     .likely_cause = "the sync_id is taken down in a transaction of its own, before the token is looked at", .run = refused_at_expiry_is_free, .needs = need::patience},
    {.id = "peer/every-door", .title = "no path takes a peer that was removed", .clauses = {"BSP-REG-043", "BSP-REG-054"}, .impact = "a stolen device goes on reading what one path gives", .likely_cause = "revocation is asked for by some handlers",
     .run = revocation_shuts_every_door, .needs = by_admin},
    {.id = "aut/one-credential", .title = "no path takes two Authorization fields", .clauses = {"BSP-AUT-004"}, .impact = "a proxy and the backend authenticate different callers", .likely_cause = "some handlers have an authentication of their own",
     .run = one_credential_at_every_door},
    {.id = "reg/held-pulls-apart", .title = "a held pull goes on when another user unpairs the same backend", .clauses = {"BSP-REG-031"}, .impact = "one person's device falls silent because of what another does", .likely_cause = "who waits is looked for by backend_id",
     .run = held_pull_of_another_user, .needs = need::second_user | need::patience},
    {.id = "syn/live-pull-paired-again", .title = "a held pull ends with its registration, though the backend is paired again at once", .clauses = {"BSP-SYN-152", "BSP-REG-046"}, .impact = "who was unpaired goes on listening",
     .likely_cause = "who waits is looked for by backend_id", .run = held_pull_of_the_former_registration, .needs = need::patience},
    {.id = "syn/live-pull-revoked-key", .title = "a revocation ends held pulls of other backends with the same key", .clauses = {"BSP-SYN-152", "BSP-REG-053"}, .impact = "the thief of a key goes on listening", .likely_cause = "the one registration is told that was named",
     .run = held_pulls_of_the_same_key, .needs = by_admin | need::patience},
    {.id = "syn/live-pull-revoked-backend", .title = "a revocation ends held pulls of the backend as another user's peer", .clauses = {"BSP-SYN-152", "BSP-REG-053"}, .impact = "a backend that was locked out goes on listening",
     .likely_cause = "the one registration is told that was named", .run = held_pulls_of_the_same_backend, .needs = by_admin | need::second_user | need::patience},
    {.id = "aut/jti-while-held", .title = "the assertion of a held pull counts as used", .clauses = {"BSP-AUT-062", "BSP-AUT-045"}, .impact = "who has seen an assertion listens along", .likely_cause = "a jti is written down when its request has been answered",
     .run = held_assertions_are_used, .needs = need::patience, .strength = obligation::should},
    {.id = "reg/renewal-verified", .title = "the renewal of a registration is verified and answered like the first", .clauses = {"BSP-REG-003", "BSP-SBT-016", "BSP-SBT-020", "BSP-SBT-027", "BSP-SBT-032", "BSP-SBT-033", "BSP-REG-019"},
     .impact = "whoever has seen one registration prolongs it without the user", .likely_cause = "who is known is not looked at as closely", .run = renewals_are_verified},
    {.id = "reg/instants-of-tokens", .title = "which token is newer is a matter of instants, and so is an unpairing", .clauses = {"BSP-REG-025", "BSP-REG-026", "BSP-REG-044", "BSP-REG-045", "BSP-GEN-055"}, .impact = "people in some countries cannot renew or pair again, in others dead tokens live",
     .likely_cause = "created_at is compared as text", .run = tokens_are_compared_as_instants},
    {.id = "peer/unpair-same-key", .title = "an unpairing leaves another backend with the same key", .clauses = {"BSP-REG-041", "BSP-SYN-020"}, .impact = "a device falls silent because another was removed", .likely_cause = "registrations are removed by fingerprint", .run = unpairing_is_of_one_registration},
    {.id = "peer/revocation-stays", .title = "a user cannot lift a revocation by unpairing", .clauses = {"BSP-REG-039", "BSP-REG-051", "BSP-REG-052"}, .impact = "a backend that was locked out comes back with its user's next pairing",
     .likely_cause = "a revocation is a mark on a registration that its user may remove", .run = users_lift_no_revocation, .needs = by_admin},
    {.id = "peer/list-of-credential", .title = "the list of peers is that of the credential, whoever the query names", .clauses = {"BSP-REG-035", "BSP-AUT-006"}, .impact = "whoever has an account sees the devices of all others", .likely_cause = "user_id is read from the query",
     .run = lists_are_of_the_credential, .needs = need::second_user},
};

}  // namespace

group registrations_meanwhile_group() { return {"registrations_meanwhile", profile::reg, checks}; }

}  // namespace bsp::conformance
