#include "../line.hpp"
#include "../surroundings.hpp"
#include "privacy.hpp"
#include "rotation.hpp"
#include "telemetry.hpp"

#include <bsp/base/uri.hpp>

#include <algorithm>

// Rules of hours and days, judged by moving the target's clock (--clock-url). These checks run last of all and one after
// the other: the clock only goes forwards.

namespace bsp::conformance {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr hours day{24};

/// A peer whose token was made anew, for tokens end within the times that pass here.
void renew(scenario& s, registration const& r) { s.control(s.try_register(r), "the registration with another token"); }

void receipts_last_a_day(scenario& s) {
    auto const r = s.settled();
    auto const a = s.register_peer(r);
    auto const sync_id = s.fresh("sync"), c = s.fresh("c");
    auto const first = s.conversation(c, 1, {s.message("m1", "first")}), other = s.conversation(c, 2, {s.message("m2", "other", 2)});
    s.control(a.push({first}, {.sync_id = sync_id}), "a push");
    s.advance(hours{23});
    renew(s, r);
    s.refused(a.push({other}, {.sync_id = sync_id}), "23 hours later, another push with its sync_id", {.statuses = {409}, .codes = {"sync-id-reuse"}});
    auto const again = a.push({first}, {.sync_id = sync_id});
    s.accepted(again, "23 hours later, the push again");
    s.expect(again.text("/acked_sync_id") == sync_id, "acked_sync_id " + sync_id, again.text("/acked_sync_id"));
    s.expect(message_ids(s.user(), c) == std::vector<std::string>{"m1"}, "m1 alone", show(message_ids(s.user(), c)));
}

void assertions_are_remembered_while_they_live(scenario& s) {
    auto const r = s.settled();
    auto const a = s.register_peer(r);
    auto const c = s.fresh("c");
    auto const path = "/conversations/" + c + "/messages";
    json::object const body{{"role", "user"}, {"content", "once"}, {"surface", "web"}};
    auto const long_lived = [&](json::object& o) { o["iat"] = s.now().seconds, o["exp"] = s.now().seconds + 300; };
    std::vector<std::pair<caller, std::string>> used;
    for (caller const& who : {static_cast<caller>(a), s.user()}) {
        used.emplace_back(who, who.authorization("POST", path, {.claims = long_lived}));
        s.control(who.post(path, body, {.authorization = used.back().second}), "a write");
    }
    s.advance(minutes{4});
    for (auto const& [who, field] : used) s.refused(who.post(path, body, {.authorization = field}), "the same request 4 minutes later, within its life of 5", {.statuses = {401}, .codes = {"stale-request", "invalid-credential"}});
    s.control(a.post(path, body), "a write with another assertion");
    s.expect(message_ids(s.user(), c).size() == 3, "three messages", show(message_ids(s.user(), c)));
}

void tokens_last_as_long_as_they_say(scenario& s) {
    auto const r = s.settled();
    auto const a = s.register_peer(r);
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "x")})}), "a push");
    s.advance(hours{8} - minutes{5});
    s.accepted(a.push({s.conversation(c, 2, {s.message("m2", "x", 2)})}), "a push 5 minutes before the end of a token of 8 hours");
    s.accepted(a.pull({.limit = 1}), "a pull then");
    s.advance(minutes{6});
    exactly_as const expired{.statuses = {401}, .codes = {"sbt-expired"}};
    s.refused(a.push({s.conversation(c, 3, {s.message("m3", "x", 3)})}), "a push a minute after its end", expired);
    s.refused(a.pull({.limit = 1}), "a pull then", expired);
    s.advance(7 * day);
    s.refused(a.pull({.limit = 1}), "a pull a week after its end", expired);
    auto const again = s.try_register(r);
    s.accepted(again, "a registration with another token, a week after the end of the first");
    s.expect(again.text("/peer_id") == a.peer_id(), "the same peer_id", again.text("/peer_id"));
    s.accepted(a.push({s.conversation(c, 4, {s.message("m4", "x", 4)})}), "a push under the new token");
}

void a_grace_lasts_a_week(scenario& s) {
    auto r = s.settled({.signing_key = s.fresh_key()});
    rotating p{s, r};
    auto const old = p.must_rotate(s.fresh_key(), {.grace = s.in_seconds(365 * 86'400)});
    r.signing_key = p.current;
    s.advance(6 * day + hours{23});
    renew(s, r);
    p.counts(old, "the key before, 6 days and 23 hours after the rotation");
    p.counts(p.current, "the new key");
    s.advance(hours{2});
    p.counts_no_more(old, "the key before, 7 days and an hour after the rotation, though it asked for a year");
    p.counts(p.current, "the new key");
}

void tombstones_last(scenario& s) {
    auto const r = s.settled();
    auto const a = s.register_peer(r);
    auto const c = s.fresh("c"), whole = s.fresh("c");
    auto const alive = s.conversation(c, 1, {s.message("m1", "alive"), s.message("m2", "stays")}), all_alive = s.conversation(whole, 1, {s.message("m1", "alive")});
    s.control(a.push({alive, all_alive}), "a push");
    s.control(s.user().del("/conversations/" + c + "/messages/m1"), "deleting a message");
    s.control(s.user().del("/conversations/" + whole), "deleting a conversation");
    s.advance(89 * day);
    renew(s, r);
    s.control(a.push({alive, all_alive}), "a push of what was deleted, 89 days later");
    auto const ids = message_ids(s.user(), c);
    s.expect(!contains(ids, "m1"), "a message that was deleted 89 days ago stays deleted", "it is back");
    auto const x = s.user().read(whole);
    s.expect(!x.ok() || x.at("/deleted") != nullptr, "a conversation that was deleted 89 days ago stays deleted", x.describe() + ", it is back");
}

void losers_are_kept_for_a_month(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), word = s.canary();
    s.control(a.push({s.conversation(c, 4, {s.message("m1", word, 4, set("timestamp", s.in_seconds(-50)))})}), "a push");
    s.control(a.push({s.conversation(c, 4, {s.message("m1", "another", 4, set("timestamp", s.in_seconds(-40)))})}), "a push of another message of the same version");
    auto const path = "/conversations/" + c + "?conflicts=1";
    auto const now = s.user().get(path);
    if (!now.at("/conflicts")) s.not_applicable("the target does not keep what lost");
    s.control(shows(now, word), "what lost is in conflicts");
    s.advance(29 * day);
    s.expect(shows(s.user().get(path), word), "what lost is in conflicts 29 days later", "it is not");
}

void data_expires_by_the_clock(scenario& s) {
    own_settings mine{s};
    mine.say({{"retention_days", 30}});
    auto const r = s.settled();
    auto const a = s.register_peer(r);
    auto const c = s.fresh("c"), word = s.canary();
    s.control(a.push({s.conversation(c, 1, {s.message("m1", word)})}), "a push");
    s.advance(29 * day);
    s.expect(contains(message_ids(s.user(), c), "m1"), "a message of 29 days is shown under a retention of 30 days", "it is not");
    s.advance(2 * day);
    auto const x = s.user().read(c);
    s.expect(!shows(x, word), "a message of 31 days is not shown", "it is");
    s.expect(!shows(s.user().get("/privacy/export"), word), "nor is it in an export", "it is");
    renew(s, r);
    std::string text;
    for (auto const& entry : a.pull_all({.limit = 200}).conversations) text += json::serialize(entry);
    s.expect(text.find(word) == std::string::npos, "nor in a pull", "it is");
}

void events_expire_by_the_clock(scenario& s) {
    if (!s.has_telemetry()) s.not_applicable("the target has no telemetry");
    own_settings mine{s};
    mine.say({{"retention_days", 30}});
    telemetry_ground g{s};
    auto const e = g.next();
    is_acked(s, g.l.tell(e), "an event");
    s.advance(29 * day);
    s.expect(count_of(g.stored(), id_of(e)) == 1, "an event of 29 days is listed under a retention of 30 days", "it is not");
    s.advance(2 * day);
    s.expect(count_of(g.stored(), id_of(e)) == 0, "an event of 31 days is not listed", "it is");
    s.expect(!shows(s.user().get("/privacy/export"), id_of(e)), "nor is it in an export", "it is");
}

void erasures_do_not_fade(scenario& s) {
    auto const r = s.settled();
    auto const a = s.register_peer(r);
    auto const c = s.fresh("c"), word = s.canary();
    own_settings mine{s};
    mine.say({{"retention_days", 3650}});
    auto const held = s.conversation(c, 1, {s.message("m1", word)});
    s.control(a.push({held}), "a push");
    s.control(s.user().del("/privacy/data"), "an erasure");
    s.advance(120 * day);
    renew(s, r);
    auto const x = a.push({held});
    lists_refusal(s, x, c, "m1", "erased");
    s.expect(!shows(s.user().read(c), word), "what was erased 120 days ago does not come back", "it is back");
}

void revocations_do_not_fade(scenario& s) {
    auto const r = s.settled({.signing_key = s.fresh_key()});
    auto const a = s.register_peer(r);
    s.control(s.admin().del("/peers/" + a.peer_id()), "a revocation");
    s.advance(400 * day);
    exactly_as const revoked{.statuses = {403}, .codes = {"peer-revoked"}};
    s.refused(s.try_register(r), "the registration of a backend that was revoked 400 days ago", revoked);
    auto other = s.settled({.signing_key = r.signing_key});
    s.refused(s.try_register(other), "the registration of another backend with its key", revoked);
    s.control(s.try_register(s.settled()), "the registration of anybody else");
}

check const checks[] = {
    {.id = "syn/receipts-for-a-day", .title = "an accepted push is known by its sync_id for 24 hours", .clauses = {"BSP-SYN-075"}, .impact = "a push that is repeated after a night counts twice",
     .likely_cause = "receipts are kept for a few hours, or as long as a token", .run = receipts_last_a_day, .needs = need::clock_hook},
    {.id = "aut/jti-for-life", .title = "an assertion is good for one change for as long as it lives", .clauses = {"BSP-AUT-044"}, .impact = "a captured request is repeated minutes later",
     .likely_cause = "jti is remembered for a fixed time that is shorter than a life", .run = assertions_are_remembered_while_they_live, .needs = need::clock_hook},
    {.id = "sbt/eight-hours", .title = "a token of eight hours is good for eight hours, and renewed a week later", .clauses = {"BSP-SBT-035", "BSP-SBT-037", "BSP-SBT-026"}, .impact = "people pair again and again; or a token never ends",
     .likely_cause = "a session time of the server's own", .run = tokens_last_as_long_as_they_say, .needs = need::clock_hook},
    {.id = "rot/seven-days", .title = "a previous key counts for seven days and no longer", .clauses = {"BSP-ROT-031", "BSP-ROT-032", "BSP-ROT-033"}, .impact = "a stolen key that was replaced opens the door for ever; or what is under way is refused",
     .likely_cause = "the grace that was asked for is honoured, or a sweep has to come by", .run = a_grace_lasts_a_week, .needs = need::clock_hook},
    {.id = "mrg/tombstones-for-90-days", .title = "what was deleted stays deleted for 90 days", .clauses = {"BSP-MRG-056"}, .impact = "a device that was in a drawer brings back what was deleted",
     .likely_cause = "tombstones are swept with a job's default", .run = tombstones_last, .needs = need::clock_hook},
    {.id = "cnv/conflicts-for-30-days", .title = "what lost is kept for 30 days", .clauses = {"BSP-CNV-022"}, .impact = "the text that lost is gone before anybody looks for it",
     .likely_cause = "losers are kept in a cache", .run = losers_are_kept_for_a_month, .needs = need::clock_hook},
    {.id = "prv/retention-by-clock", .title = "data expires when its time has come, and not before", .clauses = {"BSP-PRV-050", "BSP-PRV-051", "BSP-PRV-052"}, .impact = "data stays that was promised to go",
     .likely_cause = "only what is written is looked at, or a job has to run", .run = data_expires_by_the_clock, .needs = need::clock_hook | need::hosted_target},
    {.id = "prv/events-by-clock", .title = "telemetry expires when its time has come", .clauses = {"BSP-PRV-057"}, .impact = "a record of what people did stays for ever",
     .likely_cause = "retention knows conversations only", .run = events_expire_by_the_clock, .needs = need::clock_hook | need::hosted_target | need::sockets},
    {.id = "prv/erased-for-good", .title = "what was erased does not come back however late it is pushed", .clauses = {"BSP-PRV-084", "BSP-PRV-085"}, .impact = "what a person had erased is there again",
     .likely_cause = "the ids of what was erased are kept like tombstones", .run = erasures_do_not_fade, .needs = need::clock_hook},
    {.id = "reg/revoked-for-good", .title = "a revocation does not fade", .clauses = {"BSP-REG-051", "BSP-REG-052"}, .impact = "a backend that was locked out walks in again",
     .likely_cause = "revocations are kept in a cache with an end", .run = revocations_do_not_fade, .needs = need::clock_hook | need::hosted_target | need::admin_token},
};

}  // namespace

group long_times_group() { return {"long_times", profile::sec, checks}; }

}  // namespace bsp::conformance
