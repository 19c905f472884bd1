#include "doors.hpp"
#include "first_refusal.hpp"
#include "guarded.hpp"
#include "habits.hpp"
#include "privacy.hpp"
#include "rotation.hpp"

#include "../line.hpp"
#include "../surroundings.hpp"
#include "telemetry.hpp"


// Chapter 13 where it meets another feature: every path, what is open when a grace ends, registrations of others, revocation.

namespace bsp::conformance {
namespace {

exactly_as const gone{.statuses = {401, 403, 404}};

void every_door_has_the_new_key(scenario& s) {
    rotating r{s};
    doors const all{s, r.a};
    auto const old = r.must_rotate(s.fresh_key());
    all.open_to({.signer = r.current}, "a peer with its new key");
    all.open_to({.signer = old}, "a peer with the key before, in its grace");
    s.accepted(r.a.unpair({.signer = r.current}), "an unpairing signed with the new key");
}

void every_door_is_shut_to_old_keys(scenario& s) {
    rotating r{s}, at_once{s};
    doors const all{s, r.a}, others{s, at_once.a};
    auto const end = s.now() + seconds{2};
    auto const old = r.must_rotate(s.fresh_key(), {.grace = format_timestamp(end)});
    auto const moment = at_once.next_moment();
    auto const stolen = at_once.must_rotate(s.fresh_key(), {.rotated_at = moment, .grace = moment});
    others.closed_to({.signer = stolen}, "the key before, which has no grace", not_believed);
    (void)first_refusal(s, end, [&] { return r.push(old); });
    all.closed_to({.signer = old}, "the key before, after its grace", not_believed);
    all.open_to({.signer = r.current}, "a peer with its new key");
}

/// A pull with each of the two keys that is held when the grace of the old one ends.
struct held_over_the_end {
    explicit held_over_the_end(scenario& s) {
        s.needs_declared("live_pull");
        rotating r{s};
        auto const end = s.now() + seconds{3};
        auto const old = r.must_rotate(s.fresh_key(), {.grace = format_timestamp(end)});
        auto const path = "/sync/" + r.a.peer_id() + "?wait=8&since=" + percent_encode_segment(s.in_seconds(3600));
        auto const timed = [&](key const& by, milliseconds& took) {
            auto const begun = std::chrono::steady_clock::now();
            auto x = r.a.get(path, {.signer = by});
            took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
            return x;
        };
        answers = s.together({[&] { return timed(r.current, of_new); }, [&] { return timed(old, of_old); }});
        (void)first_refusal(s, end, [&] { return r.push(old); });
        s.refused(r.pull(old), "a pull of the key before, after its grace", not_believed);
        r.works(r.current, "the peer with its new key");
    }
    std::vector<exchange> answers;
    milliseconds of_new{}, of_old{};
};

void new_pulls_outlast_the_grace(scenario& s) {
    held_over_the_end const h{s};
    s.accepted(h.answers[0], "a pull that the new key signed and that was held when the grace of the old one ended");
}

void old_pulls_end_with_the_grace(scenario& s) {
    held_over_the_end const h{s};
    if (h.answers[1].ok() && h.of_old < milliseconds{2'500}) s.not_applicable("no pull is held for so long");
    s.refused(h.answers[1], "a pull that was held when the grace of its key ended", not_believed);
    s.expect(h.of_old < seconds{7}, "it ends within 2 s of that, and before its time", std::to_string(h.of_old.count()) + " ms");
}

/// A connection with each of the two keys, and the grace of the old one ends.
struct open_over_the_end {
    explicit open_over_the_end(scenario& s) : r{s}, source{s.fresh("src")}, before{s, r.a} {
        if (!s.shared().has_telemetry) s.not_applicable("the target has no telemetry");
        opens(s, before, "the peer before its rotation");
        is_acked(s, before.tell(event(s, source)), "an event before the rotation");
        auto const end = s.now() + seconds{5};
        auto const old = r.must_rotate(s.fresh_key(), {.grace = format_timestamp(end)});
        after.emplace(s, r.a, line_options{.call = {.signer = r.current}});
        opens(s, *after, "the peer with its new key");
        is_acked(s, after->tell(event(s, source)), "an event with the new key");
        is_acked(s, before.tell(event(s, source)), "an event with the key before, in its grace");
        (void)first_refusal(s, end, [&] { return r.push(old); });
    }
    rotating r;
    std::string const source;
    line before;
    std::optional<line> after;
};

void new_connections_outlast_the_grace(scenario& s) {
    open_over_the_end o{s};
    s.expect(o.after->wait_for_close(milliseconds{2'500}) == 0, "a connection that the new key opened stays open when the grace of the old one ends", "closed with " + std::to_string(o.after->close_code()));
    acked(s, o.after->tell(event(s, o.source)), "an event on it");
}

void old_connections_end_with_the_grace(scenario& s) {
    open_over_the_end o{s};
    s.expect_in_time(o.before.wait_for_close(milliseconds{2'500}) != 0, "a connection is closed within 2 s when the grace of the key that opened it ends", "it stays open");
    acked(s, o.after->tell(event(s, o.source)), "an event on one that the new key opened");
}

// ---- registrations ----------------------------------------------------------------------------------------

void replaced_keys_are_free(scenario& s) {
    rotating r{s, {.created = seconds{-60}}};
    auto const old = r.must_rotate(s.fresh_key());
    auto const works = [&](registration const& how, std::string const& what) {
        auto const x = s.try_register(how);
        s.accepted(x, what);
        auto const b = s.peer_of(x, how);
        s.accepted(b.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}), "a push of " + what);
    };
    works(s.settled({.signing_key = old}), "a registration of another backend with a key that the first has replaced");
    if (s.shared().options.users.size() > 1) {
        auto theirs = r.registered;
        theirs.user = s.other_account();
        theirs.signing_key = old;
        works(theirs, "another user's registration of the backend with a key that it has replaced for the first");
    }
    r.counts(r.current, "the key of the first registration");
    s.control(r.a.unpair({.signer = r.current}), "the unpairing of the first");
    auto again = r.registered;
    again.signing_key = old;
    again.created = seconds{60};
    works(again, "a registration after the unpairing with a key that was replaced before it");
}

void revoked_keys_count_nowhere(scenario& s) {
    rotating r{s};
    auto const shared = r.must_rotate(s.fresh_key());
    auto const lost = s.register_peer({.signing_key = shared});
    r.works(shared, "the peer with the key before, in its grace");
    s.control(s.admin().del("/peers/" + lost.peer_id()), "the revocation of a backend that has the same key");
    s.refused(r.push(shared), "a push signed with a key that was revoked, of a peer whose previous key it is", gone);
    s.refused(r.pull(shared), "a pull signed with a key that was revoked, of a peer whose previous key it is", gone);
    s.control(s.try_register(), "a registration of another backend");
}

/// A token may name the key that the backend has when it is made (BSP-SBT-034). The key may change before the token ends.
void tokens_that_named_the_key(scenario& s) {
    std::string const own = s.target_is_hosted() ? "hosted_key_sha256" : "local_key_sha256", of_peer = s.target_is_hosted() ? "local_key_sha256" : "hosted_key_sha256";
    auto const own_key = rsa_public_key::from_pem(s.identity().public_key_pem);
    s.control(own_key.has_value(), "the key of /identity is readable");
    auto const first = s.fresh_key();
    rotating r{s, {.signing_key = first, .sbt = both(set(of_peer, to_hex(first->public_key().sha256())), set(own, to_hex(own_key->sha256())))}};
    doors const all{s, r.a};
    for (char const* when : {"", ", which rotates a second time"}) {
        auto const old = r.must_rotate(s.fresh_key());
        auto const whom = std::string{"a peer whose token names the first key"} + when;
        r.counts(r.current, "the new key of " + whom);
        all.open_to({.signer = r.current}, whom + ", with its new key");
        r.counts(old, "the key before, in its grace, of " + whom);
        all.open_to({.signer = old}, whom + ", with the key before, in its grace");
    }
    auto again = r.registered;
    again.signing_key = r.current;
    again.created = seconds{30};
    again.sbt = set(of_peer, to_hex(r.current->public_key().sha256()));
    s.accepted(s.try_register(again), "a registration with a newer token that names the new key");
    r.counts(r.current, "the new key, after the newer token");
}

void streams_of_tokens_that_named_the_key(scenario& s) {
    if (!s.has_telemetry()) s.not_applicable("the target has no telemetry");
    std::string const of_peer = s.target_is_hosted() ? "local_key_sha256" : "hosted_key_sha256";
    auto const first = s.fresh_key();
    rotating r{s, {.signing_key = first, .sbt = set(of_peer, to_hex(first->public_key().sha256()))}};
    auto const source = s.fresh("src");
    line before{s, r.a};
    opens(s, before, "a peer whose token names its key");
    is_acked(s, before.tell(event(s, source)), "an event before the rotation");
    r.must_rotate(s.fresh_key());
    line after{s, r.a, line_options{.call = {.signer = r.current}}};
    s.expect(after.open(), "after a rotation an upgrade that the new key has signed is answered with 101", after.handshake().describe());
    acked(s, after.tell(event(s, source)), "an event on it");
    s.expect(before.wait_for_close(milliseconds{2'500}) == 0, "the connection from before the rotation stays open", "closed with " + std::to_string(before.close_code()));
    acked(s, before.tell(event(s, source)), "an event on it");
}

/// A key that is given up a second time has the grace of the second time.
void graces_of_a_key_that_came_back(scenario& s) {
    auto const returns = [&](rotating& r, key const& original, notice_options const& o) {
        auto const x = r.rotate(original, o);
        if (!x.ok()) {
            s.refused(x, "a notice that brings a previous key back");
            s.not_applicable("the target takes no key back");
        }
        r.current = original;
        r.works(original, "the peer with the key that came back");
    };
    // All of it a while ago: an end that is ahead of the target's clock would be a grace.
    auto const first = s.in_seconds(-60), second = s.in_seconds(-40), third = s.in_seconds(-20);
    rotating stolen{s}, kept{s};
    auto const a = stolen.current;
    stolen.must_rotate(s.fresh_key(), {.rotated_at = first});
    returns(stolen, a, {.rotated_at = second});
    auto const next = s.fresh_key();
    auto const x = stolen.rotate(next, {.rotated_at = third, .grace = third});
    s.control(x, "a notice without grace");
    s.expect(parse_timestamp(x.text("/previous_key_expires_at")) == parse_timestamp(third), "previous_key_expires_at is " + third + " for a key that came back and is given up without grace", x.text("/previous_key_expires_at"));
    stolen.counts_no_more(a, "a key that came back and was given up without grace, within the grace that it had the first time");
    stolen.counts(next, "the new key");

    auto const c = kept.current;
    kept.must_rotate(s.fresh_key(), {.rotated_at = first, .grace = first});
    returns(kept, c, {.rotated_at = second});
    kept.must_rotate(s.fresh_key(), {.rotated_at = third});
    kept.counts(c, "a key that came back and was given up with a grace, although it had none the first time");
}

// ---- lists ------------------------------------------------------------------------------------------------

void lists_go_on_after_a_rotation(scenario& s) {
    rotating r{s};
    for (int i = 0; i < 3; ++i) s.control(s.user().write(s.fresh("c"), "listed"), "a write");
    std::vector<std::pair<std::string, std::string>> lists{{"conversations", "/conversations?limit=1"}};
    if (s.has_telemetry()) {
        line l{s, r.a};
        opens(s, l, "the peer");
        auto const source = s.fresh("src");
        for (int i = 0; i < 3; ++i) is_acked(s, l.tell(event(s, source)), "an event");
        lists.emplace_back("events", "/telemetry/events?limit=1&source_backend=" + source);
    }
    std::vector<std::string> cursors;
    for (auto const& [what, path] : lists) {
        auto const x = r.a.get(path);
        s.control(x.ok() && !x.text("/cursor").empty(), "the first page of the list of " + what + " has a cursor");
        cursors.push_back(percent_encode_segment(x.text("/cursor")));
    }
    auto const old = r.must_rotate(s.fresh_key());
    for (std::size_t i = 0; i < lists.size(); ++i)
        for (auto const& [which, by] : {std::pair{"the new key", r.current}, {"the key before", old}})
            s.accepted(r.a.get(lists[i].second + "&cursor=" + cursors[i], {.signer = by}), "the second page of the list of " + lists[i].first + ", asked for with " + which + " after a rotation");
}

void notices_are_not_kept(scenario& s) {
    trail const t{s};
    rotating r{s};
    auto const notice = r.notice(s.fresh_key());
    s.control(r.send(notice), "a rotation");
    auto const how = s.settled();
    auto const token = s.session_binding_token(how);
    auto told = how;
    told.body = set("sbt", json::value(token));
    auto const x = s.try_register(told);
    s.control(x, "a registration");
    s.control(t.count("peer_registered", s.peer_of(x, told).peer_id()) > 0, "the registration is in the trail");
    auto const text = t.read().bytes;
    for (auto const& [what, secret] : {std::pair{"the signature of a notice", text_at(notice, "/signature")}, {"the signature of the new key", text_at(notice, "/new_key_signature")}, {"the MAC of a token", text_at(token, "/signature")}})
        s.expect(text.find(secret.substr(0, 40)) == std::string::npos, std::string{"the audit trail does not contain "} + what + " that was accepted", "it does");
    s.evidence("a rotation and a registration");
}

check const checks[] = {
    {.id = "rot/every-door", .title = "every path takes the new key, and the one before in its grace", .clauses = {"BSP-ROT-030", "BSP-ROT-031"}, .impact = "after a rotation a part of the backend knows the device no more",
     .likely_cause = "some handlers look the key up in the registration as it was", .run = every_door_has_the_new_key},
    {.id = "rot/every-door-shut", .title = "no path takes a key that counts no more", .clauses = {"BSP-ROT-032", "BSP-ROT-036"}, .impact = "the thief of an old key still reads what one path gives", .likely_cause = "the end of the grace is asked for by some handlers",
     .run = every_door_is_shut_to_old_keys, .needs = need::patience},
    {.id = "rot/held-pull-outlasts", .title = "a held pull that the new key signed outlasts the grace of the old one", .clauses = {"BSP-ROT-038"}, .impact = "the end of every grace interrupts the device", .likely_cause = "the end of a grace ends whatever the peer has open",
     .run = new_pulls_outlast_the_grace, .needs = need::patience},
    {.id = "rot/held-pull-grace", .title = "a held pull ends with the grace of the key that signed it", .clauses = {"BSP-ROT-039"}, .impact = "the thief of a key listens beyond its end", .likely_cause = "who waits hears of rotations, and not of the time that passes",
     .run = old_pulls_end_with_the_grace, .needs = need::patience, .strength = obligation::should},
    {.id = "rot/stream-outlasts", .title = "a connection that the new key opened outlasts the grace of the old one", .clauses = {"BSP-ROT-038"}, .impact = "the end of every grace interrupts the device", .likely_cause = "the end of a grace ends whatever the peer has open",
     .run = new_connections_outlast_the_grace, .needs = need::sockets | need::patience},
    {.id = "rot/stream-grace", .title = "a connection ends with the grace of the key that opened it", .clauses = {"BSP-ROT-039"}, .impact = "the thief of a key keeps the connection that he has", .likely_cause = "connections hear of rotations, and not of the time that passes",
     .run = old_connections_end_with_the_grace, .needs = need::sockets | need::patience, .strength = obligation::should},
    {.id = "rot/replaced-keys-free", .title = "a key that one registration has replaced is refused to no other", .clauses = {"BSP-ROT-054", "BSP-REG-047", "BSP-REG-031"}, .impact = "a device cannot be paired any more, and nobody can tell why",
     .likely_cause = "replaced keys are kept in one list of keys that are no longer wanted", .run = replaced_keys_are_free, .needs = need::all_users},
    {.id = "rot/revoked-previous", .title = "a revoked key does not count where it is another backend's previous one", .clauses = {"BSP-ROT-060", "BSP-REG-053"}, .impact = "the thief of a key comes in by another backend that once had it",
     .likely_cause = "a revocation is compared with current keys only", .run = revoked_keys_count_nowhere, .needs = need::admin_token | need::hosted_target},
    {.id = "rot/named-key", .title = "a peer whose token names its key rotates, and goes on with the new one", .clauses = {"BSP-ROT-030", "BSP-ROT-031", "BSP-ROT-050"}, .impact = "a backend that was paired with the fingerprints that are recommended locks itself out when it changes its key",
     .likely_cause = "the fingerprints in the stored token are compared at every request, and not when the token comes", .run = tokens_that_named_the_key},
    {.id = "rot/named-key-stream", .title = "connections of a peer whose token names its key outlive a rotation", .clauses = {"BSP-ROT-038", "BSP-ROT-030"}, .impact = "a backend that was paired with the fingerprints that are recommended goes silent when it changes its key",
     .likely_cause = "the fingerprints in the stored token are compared whenever a connection is looked after", .run = streams_of_tokens_that_named_the_key, .needs = need::sockets | need::patience},
    {.id = "rot/returned-key", .title = "a key that came back and is given up again has the grace of the second time", .clauses = {"BSP-ROT-036", "BSP-ROT-031"}, .impact = "the thief of a key goes on with the grace that it had long before",
     .likely_cause = "previous keys are kept by fingerprint, and the first entry, or the longest grace, stays", .run = graces_of_a_key_that_came_back},
    {.id = "rot/kept-connection", .title = "a key that was replaced without grace is refused on the connections that are open, too", .clauses = {"BSP-ROT-036"}, .impact = "the thief of a key goes on for as long as the connection lasts",
     .likely_cause = "a registration is read once for each connection", .run = connections_see_rotations, .needs = need::sockets},
    {.id = "rot/lists-go-on", .title = "a rotation ends no list under way", .clauses = {"BSP-ROT-050", "BSP-CNV-033"}, .impact = "a device loses its place with every rotation", .likely_cause = "cursors are bound to the key", .run = lists_go_on_after_a_rotation, .needs = need::sockets},
    {.id = "aud/accepted-secrets", .title = "the trail holds no signature of what was accepted", .clauses = {"BSP-AUD-021"}, .impact = "who reads the trail can use what it holds", .likely_cause = "the request is written into the details",
     .run = notices_are_not_kept, .needs = need::admin_token},
};

}  // namespace

group keys_meanwhile_group() { return {"keys_meanwhile", profile::sec, checks}; }

}  // namespace bsp::conformance
