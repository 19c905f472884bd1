#include "answer_forms.hpp"
#include "first_refusal.hpp"
#include "rotation.hpp"

#include "../line.hpp"
#include "../surroundings.hpp"
#include "telemetry.hpp"

#include <bsp/base/uri.hpp>

#include <functional>
#include <thread>

// Chapter 13: which keys count after a rotation, for how long, and what a rotation leaves as it was.

namespace bsp::conformance {
namespace {

std::optional<instant> expiry_of(exchange const& x) {
    auto const t = parse_timestamp(x.text("/previous_key_expires_at"));
    return t ? std::optional{*t} : std::nullopt;
}

/// Rotates with a grace of a few seconds, and waits until it is over; the key before.
key outlived(scenario& s, rotating& r, key const& next) {
    auto const end = s.now() + seconds{2};
    auto const old = r.must_rotate(next, {.grace = format_timestamp(end)});
    (void)first_refusal(s, end, [&] { return r.push(old); });
    return old;
}

void old_key_has_its_grace(scenario& s) {
    rotating r{s};
    auto const next = s.fresh_key();
    auto const old = r.must_rotate(next);
    r.counts(old, "the key before, in its grace");
    r.counts(next, "the new key");
    s.accepted(r.a.get("/peers", {.signer = old}), "GET /peers signed with the key before, in its grace");
    s.accepted(r.a.write(s.fresh("c"), "x", {}, {.signer = old}), "a local write signed with the key before, in its grace");
}

void grace_ends(scenario& s) {
    rotating r{s};
    auto const old = outlived(s, r, s.fresh_key());
    r.counts_no_more(old, "the key before, after its grace");
    s.refused(r.a.get("/peers", {.signer = old}), "GET /peers signed with the key before, after its grace", not_believed);
    s.refused(r.a.unpair({.signer = old}), "DELETE of the peer signed with the key before, after its grace", not_believed);
    r.counts(r.current, "the new key");
}

void grace_is_not_renewed(scenario& s) {
    rotating r{s};
    auto const end = s.now() + seconds{3};
    auto const first = r.must_rotate(s.fresh_key(), {.grace = format_timestamp(end)});
    auto const second = r.must_rotate(s.fresh_key());
    (void)first_refusal(s, end, [&] { return r.push(first); });
    r.counts_no_more(first, "the first key after its grace, within that of the second");
    r.works(second, "the peer with its second key, in its grace");
    r.counts(r.current, "the third key");
}

void grace_is_capped(scenario& s) {
    rotating r{s};
    auto const says = [&](std::string const& what, instant rotated, instant grace, instant expected) {
        auto const next = s.fresh_key();
        auto const x = r.rotate(next, {.rotated_at = format_timestamp(rotated), .grace = format_timestamp(grace)});
        s.accepted(x, "a notice with " + what);
        r.current = next;
        auto const got = expiry_of(x);
        s.expect(got == expected, "with " + what + " previous_key_expires_at is " + format_timestamp(expected), x.text("/previous_key_expires_at"));
    };
    auto const base = s.now();
    says("a grace of a year", base, base + std::chrono::hours{24 * 365}, base + std::chrono::hours{24 * 7});
    says("a grace of seven days and a second", base + seconds{1}, base + seconds{2} + std::chrono::hours{24 * 7}, base + seconds{1} + std::chrono::hours{24 * 7});
    says("a grace of six days", base + seconds{2}, base + std::chrono::hours{24 * 6}, base + std::chrono::hours{24 * 6});
    says("a grace of an hour", base + seconds{3}, base + std::chrono::hours{1}, base + std::chrono::hours{1});
    r.works(r.current, "the peer with its newest key");
}

void no_grace(scenario& s) {
    rotating r{s};
    auto const moment = s.at();
    auto const next = s.fresh_key(), old = r.current;
    s.accepted(r.rotate(next, {.rotated_at = moment, .grace = moment}), "a notice without grace");
    r.counts_no_more(old, "the key before, which has no grace");
    r.counts(next, "the new key");
}

/// By the clock of a peer that is fast: what has no grace counts until the moment that the answer names.
void no_grace_of_a_fast_clock(scenario& s) {
    rotating r{s};
    auto const moment = s.in_seconds(120);
    auto const next = s.fresh_key(), old = r.current;
    auto const x = r.rotate(next, {.rotated_at = moment, .grace = moment});
    s.accepted(x, "a notice without grace by a clock that is 120 s ahead");
    s.expect(expiry_of(x) == parse_timestamp(moment).value(), "previous_key_expires_at " + moment, x.text("/previous_key_expires_at"));
    r.counts(old, "the key before, until the previous_key_expires_at of the answer");
    r.counts(next, "the new key");
}

void only_the_last_keys(scenario& s) {
    rotating r{s};
    std::vector<key> former;
    for (int i = 0; i < 3; ++i) former.push_back(r.must_rotate(s.fresh_key()));
    r.counts_no_more(former[0], "the fourth key back, whatever its grace");
    r.counts(former[2], "the key before, in its grace");
    r.counts(r.current, "the newest key");
}

void last_but_one(scenario& s) {
    rotating r{s};
    auto const first = r.must_rotate(s.fresh_key());
    r.must_rotate(s.fresh_key());
    r.counts(first, "the last but one previous key, in its grace");
    rotating brief{s};
    auto const long_lived = brief.must_rotate(s.fresh_key(), {.rotated_at = s.in_seconds(-10)});
    auto const moment = s.at();
    brief.must_rotate(s.fresh_key(), {.rotated_at = moment, .grace = moment});
    brief.counts(long_lived, "the last but one previous key, in its own grace, where the last has none");
}

void current_key_does_not_expire(scenario& s) {
    rotating r{s};
    auto const original = r.current, other = s.fresh_key();
    auto const end = s.now() + seconds{3};
    auto const same = r.rotate(original, {.grace = format_timestamp(end)});
    if (same.ok()) s.note("a notice that names the current key is accepted");
    else s.refused(same, "a notice that names the current key");
    if (same.ok()) s.wait_until(end + milliseconds{300});
    r.counts(original, "the current key, which a notice named once more");

    auto const back = s.now() + seconds{3};
    r.must_rotate(other, {.grace = format_timestamp(back)});
    auto const x = r.rotate(original, {.grace = format_timestamp(back)});
    (void)first_refusal(s, back, [&] { return r.push(x.ok() ? other : original); });
    if (x.ok()) {
        s.note("a previous key may become the current one again");
        r.counts(original, "a key that is current again, after the grace it once had");
        r.counts_no_more(other, "the key in between, after its grace");
    } else {
        s.refused(x, "a notice that brings a previous key back");
        r.counts(other, "the current key after a notice that was refused");
        r.counts_no_more(original, "the previous key after its grace");
    }
}

void naming_the_current_key(scenario& s) {
    rotating r{s};
    s.refused(r.rotate(r.current), "a notice that names the current key");
    r.then_rotates();
}

// ---- what stays -------------------------------------------------------------------------------------------

void registration_stays(scenario& s) {
    rotating r{s};
    auto const entry = [&](std::string const& when) {
        auto const x = s.user().get("/peers");
        s.control(x, "the user's list of peers " + when);
        auto const* e = find_by_id(x.body(), "/peers", r.a.peer_id(), "peer_id");
        s.expect(e != nullptr, "the list holds the peer " + when, show(x.body()));
        return *e;
    };
    auto const c = s.fresh("c"), sync_id = s.fresh("sync");
    auto const kept = s.conversation(c, 1, {s.message("m1", "x")});
    s.control(r.a.push({kept}, {.sync_id = sync_id}), "a push before the rotation");
    auto const mark = r.a.pull_all({.since = s.in_seconds(-5)}).last_sync;
    for (int i = 0; i < 3; ++i) s.control(r.a.push({s.conversation(s.fresh("c"), 1, {})}), "another push before the rotation");
    auto const page = r.a.pull({.since = mark, .limit = 1});
    s.control(page, "a page before the rotation");
    auto const before = entry("before the rotation");
    auto const old = r.must_rotate(s.fresh_key());
    auto const after = entry("after the rotation");
    auto const shown = rsa_public_key::from_pem(text_at(after, "/public_key"));
    s.expect(shown && *shown == r.current->public_key(), "the list shows the new key", text_at(after, "/public_key"));
    // What else an entry tells, such as when the peer was last seen, may be another thing by now.
    for (char const* name : {"/peer_id", "/backend_id", "/backend_type", "/capabilities", "/sbt", "/registered_at"})
        if (auto const* was = at(before, name)) s.expect_same(std::string{"after the rotation the entry's "} + (name + 1), *was, at(after, name));
    s.refused(r.a.push({s.conversation(c, 2, {s.message("m2", "y")})}, {.sync_id = sync_id, .signer = r.current}), "another push with the sync_id of one before the rotation", {.statuses = {409}});
    auto const again = r.a.push({kept}, {.sync_id = sync_id, .signer = r.current});
    s.accepted(again, "a push from before the rotation, repeated with the new key");
    s.accepted(r.a.pull({.since = mark}, {.signer = r.current}), "a pull that goes on from before the rotation");
    if (!page.text("/cursor").empty()) s.accepted(r.a.pull({.cursor = page.text("/cursor"), .limit = 1}, {.signer = r.current}), "the page after one of before the rotation");
    r.works(old, "the peer with the key before, in its grace");
}

void registering_again(scenario& s) {
    rotating r{s};
    auto again = r.registered;
    auto const original = r.must_rotate(s.fresh_key());
    again.signing_key = r.current;
    again.created = seconds{30};
    auto const x = s.try_register(again);
    s.accepted(x, "a registration with the new key");
    s.expect(x.text("/peer_id") == r.a.peer_id(), "the peer_id that it had: " + r.a.peer_id(), x.text("/peer_id"));
    // The same key in another spelling is the same key (BSP-ID-029).
    auto respelled = again;
    respelled.identity = [](json::object& o) {
        std::string pem;
        for (char const c : json::view(o.at("public_key").as_string())) pem += c == '\n' ? "\r\n" : std::string(1, c);
        o["public_key"] = pem;
    };
    auto const y = s.try_register(respelled);
    s.accepted(y, "a registration with the new key, its lines ending with CR LF");
    s.expect(y.text("/peer_id") == r.a.peer_id(), "the peer_id that it had: " + r.a.peer_id(), y.text("/peer_id"));
    again.signing_key = original;
    again.created = seconds{60};
    s.refused(s.try_register(again), "a registration with the previous key in its grace", {.statuses = {409}, .codes = {"key-mismatch"}});
    r.counts(r.current, "the new key, after the registrations");
    auto const late = outlived(s, r, s.fresh_key());
    again.signing_key = late;
    s.refused(s.try_register(again), "a registration with the previous key after its grace", {.statuses = {409}, .codes = {"key-mismatch"}});
    r.counts(r.current, "the newest key");
}

void other_registrations_stay(scenario& s) {
    rotating r{s};
    auto theirs = r.registered;
    theirs.user = s.other_account();
    auto const sister = s.settled({.signing_key = r.current});
    auto const of_other_user = s.register_peer(theirs), of_sister = s.register_peer(sister);
    auto const push = [&](peer const& p, key const& by) { return p.push({s.conversation(s.fresh("c"), 1, {s.message("m", "x")})}, {.signer = by}); };
    s.control(push(of_other_user, r.current), "a push of the other user's registration");
    s.control(push(of_sister, r.current), "a push of another backend with the same key");
    auto const moment = s.at();
    auto const old = r.must_rotate(s.fresh_key(), {.rotated_at = moment, .grace = moment});
    r.counts_no_more(old, "the key before, which has no grace");
    s.accepted(push(of_other_user, old), "a push of the other user's registration with its own key, after the first user's rotated");
    s.accepted(of_other_user.pull({.limit = 1}), "a pull of the other user's registration with its own key");
    s.accepted(push(of_sister, old), "a push of another backend with its own key, after the first rotated");
    s.refused(push(of_other_user, r.current), "a push of the other user's registration with the first user's new key", not_believed);
    s.refused(push(of_sister, r.current), "a push of the other backend with the first one's new key", not_believed);
    auto const shared = s.fresh_key();
    auto const another = s.register_peer({.signing_key = shared});
    s.accepted(r.rotate(shared), "a notice whose new key another backend has, too");
    s.accepted(push(another, shared), "a push of that other backend");
    for (auto const& [how, what] : {std::pair{theirs, "the other user's registration of the backend"}, {sister, "another backend with the same key"}}) {
        rotating other{s, how};
        auto const next = s.fresh_key();
        s.accepted(other.rotate(next, {.rotated_at = format_timestamp(*parse_timestamp(moment) - seconds{1})}), std::string{"a notice for "} + what + ", a second earlier than the first one's");
        s.accepted(push(other.a, next), std::string{"a push of "} + what + " with its new key");
    }
}

void restart_keeps_keys(scenario& s) {
    rotating r{s}, brief{s};
    auto const first = r.notice(s.fresh_key());
    auto const next = s.fresh_key();
    auto const old = r.must_rotate(next);
    auto const end = s.now() + seconds{2};
    auto const short_lived = brief.must_rotate(s.fresh_key(), {.grace = format_timestamp(end)});
    s.restart();
    r.counts(next, "the new key, after a restart");
    r.counts(old, "the key before in its grace, after a restart");
    (void)first_refusal(s, end, [&] { return brief.push(short_lived); });
    brief.counts_no_more(short_lived, "a key whose grace ended around a restart");
    brief.counts(brief.current, "the new key of another peer, after a restart");
    s.refused(r.send(first), "a notice of before the last one, after a restart", not_believed);
    s.refused(r.rotate(s.fresh_key(), {.rotated_at = text_at(first, "/rotated_at")}), "a notice that is not later than the last one, after a restart", not_believed);
    r.then_rotates();
}

// ---- ends -------------------------------------------------------------------------------------------------

void revocation_covers_previous_keys(scenario& s) {
    rotating r{s};
    auto const old = r.must_rotate(s.fresh_key());
    auto const sister = s.register_peer({.signing_key = old});
    r.works(old, "the peer with the key before, in its grace");
    s.control(s.admin().del("/peers/" + r.a.peer_id()), "the revocation");
    exactly_as const gone{.statuses = {401, 403, 404}};
    for (auto const& [which, k] : {std::pair{"the current key", r.current}, {"the previous key", old}}) {
        s.refused(r.push(k), std::string{"a push signed with "} + which + " of a revoked peer", gone);
        s.refused(r.pull(k), std::string{"a pull signed with "} + which + " of a revoked peer", gone);
        s.refused(s.try_register({.signing_key = k, .created = seconds{30}}), std::string{"a registration of another backend with "} + which + " of a revoked peer", {.statuses = {403}, .codes = {"peer-revoked"}});
    }
    s.refused(sister.push({s.conversation(s.fresh("c"), 1, {s.message("m", "x")})}), "a push of another backend that has the revoked peer's previous key", gone);
    s.control(s.try_register(), "a registration of another backend");
}

void unpairing_ends_all_keys(scenario& s) {
    rotating r{s, {.created = seconds{-60}}};
    auto const old = r.must_rotate(s.fresh_key());
    s.control(r.a.unpair({.signer = r.current}), "the unpairing");
    exactly_as const gone{.statuses = {401, 403, 404}};
    for (auto const& k : {r.current, old}) {
        s.refused(r.push(k), "a push after the unpairing", gone);
        s.refused(r.pull(k), "a pull after the unpairing", gone);
    }
    auto again = r.registered;
    again.signing_key = s.fresh_key();
    again.created = seconds{30};
    auto const x = s.try_register(again);
    s.accepted(x, "a registration with another key after the unpairing");
    auto const b = s.peer_of(x, again);
    s.refused(b.push({s.conversation(s.fresh("c"), 1, {s.message("m", "x")})}, {.signer = old}), "a push of the new registration, signed with a key of the former one in its grace", not_believed);
    s.accepted(b.push({s.conversation(s.fresh("c"), 1, {s.message("m", "x")})}), "a push of the new registration");
}

// ---- connections ------------------------------------------------------------------------------------------

void needs_telemetry(scenario& s) {
    if (!s.shared().has_telemetry) s.not_applicable("the target has no telemetry");
}

void streams_stay(scenario& s) {
    needs_telemetry(s);
    rotating r{s};
    auto const source = s.fresh("src");
    line before{s, r.a};
    opens(s, before, "the peer before its rotation");
    is_acked(s, before.tell(event(s, source)), "an event before the rotation");
    auto const old = r.must_rotate(s.fresh_key());
    acked(s, before.tell(event(s, source)), "an event on a connection from before the rotation");
    line with_new{s, r.a, {.call = {.signer = r.current}}};
    s.expect(with_new.open(), "an upgrade that the new key has signed is answered with 101", with_new.handshake().describe());
    acked(s, with_new.tell(event(s, source)), "an event on it");
    line with_old{s, r.a, {.call = {.signer = old}}};
    s.expect(with_old.open(), "an upgrade that the key before has signed in its grace is answered with 101", with_old.handshake().describe());
    acked(s, with_old.tell(event(s, source)), "an event on it");
    s.expect(before.wait_for_close(milliseconds{2'500}) == 0, "the connection from before the rotation stays open", "closed with " + std::to_string(before.close_code()));
    r.must_rotate(s.fresh_key());
    if (!r.pull(old).ok()) return s.note("the last but one previous key counts no more");
    auto const code = before.wait_for_close(milliseconds{2'500});
    s.expect(code == 0, "the connection of a key that is accepted still, after a second rotation, stays open", "closed with " + std::to_string(code));
    acked(s, before.tell(event(s, source)), "an event on it");
}

void upgrades_with_old_keys(scenario& s) {
    needs_telemetry(s);
    rotating r{s};
    auto const old = outlived(s, r, s.fresh_key());
    auto const e = event(s, s.fresh("src"));
    line late{s, r.a, {.call = {.signer = old}}};
    line_refused(s, late, "an upgrade that the key before has signed after its grace", e, not_believed);
    line now{s, r.a, {.call = {.signer = r.current}}};
    s.expect(now.open(), "an upgrade that the new key has signed is answered with 101", now.handshake().describe());
    acked(s, now.tell(event(s, s.fresh("src"))), "an event on it");
}

void streams_end_with_their_key(scenario& s) {
    needs_telemetry(s);
    rotating r{s};
    auto const source = s.fresh("src");
    line thief{s, r.a};
    opens(s, thief, "the peer before its rotation");
    is_acked(s, thief.tell(event(s, source)), "an event before the rotation");
    auto const moment = s.at();
    r.must_rotate(s.fresh_key(), {.rotated_at = moment, .grace = moment});
    auto const code = thief.wait_for_close(milliseconds{2'500});
    s.expect_in_time(code != 0, "a connection whose key has no grace is closed within 2 s", "it stays open");
    s.exactly(code == 1008, "it is closed with 1008", "closed with " + std::to_string(code));
    line owner{s, r.a, {.call = {.signer = r.current}}};
    opens(s, owner, "the peer with its new key");
    acked(s, owner.tell(event(s, source)), "an event with the new key");
}

/// A pull of the peer with its first key that is held for 8 seconds, `then` what happens meanwhile, and how long the pull took.
/// Nothing outside shows that a pull is held, so it is given a moment.
struct held {
    exchange pull, then;
    milliseconds took;
};
held while_held(scenario& s, peer const& a, std::string const& since, std::function<exchange()> const& then) {
    milliseconds took{};
    auto const all = s.together({[&] {
                                     std::this_thread::sleep_for(milliseconds{400});
                                     return then();
                                 },
                                 [&] {
                                     auto const begun = std::chrono::steady_clock::now();
                                     auto x = a.get("/sync/" + a.peer_id() + "?wait=8&since=" + percent_encode_segment(since));
                                     took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
                                     return x;
                                 }});
    return {all[1], all[0], took};
}

void held_pulls_stay(scenario& s) {
    s.needs_declared("live_pull");
    rotating r{s};
    auto const notice = r.notice(s.fresh_key());
    auto const c = s.fresh("c");
    auto const mark = r.a.pull_all({.since = s.in_seconds(-5)}).last_sync;
    auto const h = while_held(s, r.a, mark, [&] {
        auto const x = r.send(notice);
        if (x.ok()) (void)s.user().write(c, "news");
        return x;
    });
    s.control(h.then, "a rotation notice while a pull is held");
    s.accepted(h.pull, "a pull that was held when its peer rotated");
    s.expect(!objects_at(h.pull.body(), "/conversations").empty() || h.took > seconds{7}, "it is answered when there is something new, or when its time is over",
             "an empty answer after " + std::to_string(h.took.count()) + " ms");
}

void held_pulls_end_with_their_key(scenario& s) {
    s.needs_declared("live_pull");
    rotating r{s};
    auto const moment = s.at();
    auto const next = s.fresh_key();
    auto const notice = r.notice(next, {.rotated_at = moment, .grace = moment});
    auto const h = while_held(s, r.a, s.in_seconds(3600), [&] { return r.send(notice); });
    s.control(h.then, "a rotation without grace while a pull is held");
    s.refused(h.pull, "a pull that was held when its key lost its right", not_believed);
    s.expect_in_time(h.took < seconds{6}, "it ends within 2 s, and long before its time", std::to_string(h.took.count()) + " ms");
    r.works(next, "the peer with its new key");
}

constexpr unsigned for_revocation = need::admin_token | need::hosted_target;

check const checks[] = {
    {.id = "rot/grace", .title = "the key before counts within its grace", .clauses = {"BSP-ROT-031", "BSP-ROT-030"}, .impact = "what was on its way when the key changed is refused, and devices of a cluster lock each other out",
     .likely_cause = "the key is replaced, and the one before forgotten", .run = old_key_has_its_grace},
    {.id = "rot/grace-ends", .title = "the key before is refused when its grace is over", .clauses = {"BSP-ROT-032"}, .impact = "a key that was given up stays good for ever", .likely_cause = "graces are swept at the next rotation, and asked for nowhere else",
     .run = grace_ends, .needs = need::patience},
    {.id = "rot/grace-not-renewed", .title = "a later rotation does not prolong an earlier grace", .clauses = {"BSP-ROT-032"}, .impact = "a key that was given up stays good with every further rotation", .likely_cause = "one end of grace for all previous keys",
     .run = grace_is_not_renewed, .needs = need::patience},
    {.id = "rot/grace-cap", .title = "a grace is seven days at most", .clauses = {"BSP-ROT-033"}, .impact = "a stolen notice or a careless backend keeps an old key good for years", .likely_cause = "grace_expires_at is taken as it comes", .run = grace_is_capped},
    {.id = "rot/no-grace", .title = "without grace the key before is refused at once", .clauses = {"BSP-ROT-036"}, .impact = "the thief of a key goes on after its owner has changed it", .likely_cause = "a smallest grace, or a default for none", .run = no_grace},
    {.id = "rot/no-grace-ahead", .title = "without grace, by a clock that is ahead, the key before counts until the time that the answer names", .clauses = {"BSP-ROT-031", "BSP-ROT-036", "BSP-ROT-033"},
     .impact = "a device whose clock is fast is cut off in the middle of its rotation", .likely_cause = "no grace is taken for no previous key", .run = no_grace_of_a_fast_clock},
    {.id = "rot/last-keys", .title = "no more than the last two previous keys count", .clauses = {"BSP-ROT-034"}, .impact = "keys pile up, any of which opens the door", .likely_cause = "the list of previous keys is never cut", .run = only_the_last_keys},
    {.id = "rot/last-but-one", .title = "the last but one previous key counts within its grace", .clauses = {"BSP-ROT-035"}, .impact = "two rotations in a week cut off who missed the first", .likely_cause = "one previous key is kept", .run = last_but_one,
     .strength = obligation::should},
    {.id = "rot/current-key", .title = "the current key does not expire, whatever it was before", .clauses = {"BSP-ROT-037"}, .impact = "a backend locks itself out a week after a rotation", .likely_cause = "a key is looked up among the previous ones first", .run = current_key_does_not_expire, .needs = need::patience},
    {.id = "rot/same-key", .title = "a notice that names the current key is refused", .clauses = {"BSP-ROT-019"}, .impact = "a rotation that changes nothing passes for one", .likely_cause = "the keys are not compared", .run = naming_the_current_key, .strength = obligation::should},
    {.id = "rot/registration-stays", .title = "a rotation changes nothing but the key", .clauses = {"BSP-ROT-050", "BSP-ROT-051"}, .impact = "people have to pair their devices again after every rotation", .likely_cause = "a rotation is a removal and a registration",
     .run = registration_stays},
    {.id = "rot/register-again", .title = "after a rotation the registration is held to the new key", .clauses = {"BSP-ROT-052", "BSP-ROT-053", "BSP-ID-029"}, .impact = "the renewal of a token fails after a rotation, or brings the old key back", .likely_cause = "the pinned fingerprint is kept apart from the key",
     .run = registering_again, .needs = need::patience},
    {.id = "rot/others-stay", .title = "a rotation touches one registration", .clauses = {"BSP-ROT-054"}, .impact = "one user's rotation locks another's device out, or lets a key in", .likely_cause = "keys are kept by backend_id or by fingerprint", .run = other_registrations_stay,
     .needs = need::second_user},
    {.id = "rot/restart", .title = "keys, graces and the last notice survive a restart", .clauses = {"BSP-ROT-055"}, .impact = "a restart locks a backend out, or brings its old key back", .likely_cause = "kept in memory", .run = restart_keeps_keys,
     .needs = need::restart_hook | need::alone},
    {.id = "rot/revocation", .title = "a revocation covers the previous keys that still count", .clauses = {"BSP-ROT-060"}, .impact = "the thief of a key comes back with the one before", .likely_cause = "revocation writes down the current fingerprint only",
     .run = revocation_covers_previous_keys, .needs = for_revocation},
    {.id = "rot/unpairing", .title = "an unpairing ends all keys of the registration", .clauses = {"BSP-ROT-061"}, .impact = "a removed device goes on with the key before", .likely_cause = "previous keys are kept by backend and outlive the registration", .run = unpairing_ends_all_keys},
    {.id = "rot/streams-stay", .title = "telemetry connections outlive a rotation", .clauses = {"BSP-ROT-038", "BSP-ROT-031"}, .impact = "every rotation interrupts all devices", .likely_cause = "sockets are looked up by key", .run = streams_stay, .needs = need::sockets | need::patience},
    {.id = "rot/old-upgrade", .title = "an upgrade that the key before has signed after its grace is refused", .clauses = {"BSP-ROT-032"}, .impact = "the thief of an old key opens connections", .likely_cause = "upgrades are verified with every key there is", .run = upgrades_with_old_keys,
     .needs = need::sockets | need::patience},
    {.id = "rot/held-pull-stays", .title = "a held pull outlives a rotation", .clauses = {"BSP-ROT-038"}, .impact = "every rotation interrupts all devices", .likely_cause = "the key that signed is compared with the current one", .run = held_pulls_stay,
     .needs = need::own_user},
    {.id = "rot/held-pull-ends", .title = "a held pull ends with the key that signed it", .clauses = {"BSP-ROT-039"}, .impact = "the thief of a key is told news once more", .likely_cause = "who waits is not verified again", .run = held_pulls_end_with_their_key,
     .needs = need::own_user, .strength = obligation::should},
    {.id = "rot/streams-end", .title = "a connection ends with the key that opened it", .clauses = {"BSP-ROT-039"}, .impact = "the thief of a key keeps the connection that he has", .likely_cause = "connections do not know which key opened them", .run = streams_end_with_their_key,
     .needs = need::sockets, .strength = obligation::should},
    {.id = "rot/every-answer-form", .title = "every answer to a notice that the suite was given has the members of its table", .clauses = {"BSP-ROT-001"}, .impact = broken_by_a_form, .likely_cause = cause_of_a_form,
     .run = rotation_forms, .needs = need::at_the_end},
};

}  // namespace

group rotation_keys_group() { return {"rotation_keys", profile::sec, checks}; }

}  // namespace bsp::conformance
