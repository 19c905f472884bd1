#include "../registry.hpp"
#include "../scenario.hpp"
#include "edits.hpp"
#include "first_refusal.hpp"

#include <bsp/base/instant.hpp>

#include <functional>

// Chapter 3, the times of a session binding token: when it is refused, and what its expiry ends.

namespace bsp::conformance {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

exactly_as const invalid_sbt{.statuses = {401}, .codes = {"invalid-sbt"}};
exactly_as const expired{.statuses = {401}, .codes = {"sbt-expired"}};

struct span {
    char const* label;
    milliseconds created, expires;  ///< relative to now
};

/// A token with these times, both taken from one reading of the clock.
registration with_times(scenario& s, span const& t) {
    auto const now = s.now();
    return {.sbt = both(set("created_at", format_timestamp(now + t.created)), set("expires_at", format_timestamp(now + t.expires)))};
}

void refuses(scenario& s, std::string const& what, std::initializer_list<span> spans, exactly_as const& form) {
    for (auto const& t : spans) s.refused(s.try_register(with_times(s, t)), what + t.label, form);
    s.control(s.try_register(), "a token of 8 hours made just now");
}

void accepts(scenario& s, std::string const& what, std::initializer_list<span> spans) {
    for (auto const& t : spans) s.accepted(s.try_register(with_times(s, t)), what + t.label);
}

// ---- at registration -------------------------------------------------------------------------------------

void past_expiry(scenario& s) {
    refuses(s, "a token that expired ", {{"1 h ago", hours{-2}, hours{-1}},
                                         {"8 h ago", hours{-16}, hours{-8}},
                                         {"a year ago", hours{-24 * 365 - 8}, hours{-24 * 365}},
                                         {"2 min ago", hours{-1}, minutes{-2}},
                                         {"30 s ago", hours{-1}, seconds{-30}},
                                         {"5 s ago", hours{-1}, seconds{-5}}},
            expired);
    // The same instant in the spelling of a place where the clocks show later.
    auto const there = format_timestamp(s.now() + hours{4});
    s.refused(s.try_register({.created = hours{-7}, .sbt = set("expires_at", there.substr(0, 19) + "+05:00")}),
              "a token that expired 1 h ago, spelled with the offset +05:00", expired);
}

void too_long(scenario& s) {
    constexpr milliseconds most = seconds{28'860};
    refuses(s, "a token with a lifetime of ", {{"10 years", {}, hours{24 * 3653}},
                                               {"1 year", {}, hours{24 * 365}},
                                               {"24 h", {}, hours{24}},
                                               {"9 h", {}, hours{9}},
                                               {"28 861 s", {}, most + seconds{1}},
                                               {"28 860 s and 1 ms", {}, most + milliseconds{1}},
                                               {"9 h, of which 8 h have passed", hours{-8}, hours{1}}},
            invalid_sbt);
}

void just_long_enough(scenario& s) {
    accepts(s, "a token with a lifetime of ", {{"28 800 s", {}, seconds{28'800}},
                                               {"28 800 s and 3 ms", {}, milliseconds{28'800'003}},
                                               {"28 830 s", {}, seconds{28'830}},
                                               {"28 860 s", {}, seconds{28'860}},
                                               {"1 h", {}, hours{1}},
                                               {"2 min", {}, minutes{2}},
                                               {"28 860 s, of which 7 h have passed", hours{-7}, seconds{28'860} - hours{7}}});
}

void created_in_future(scenario& s) {
    refuses(s, "a token created ", {{"1 h ahead", hours{1}, hours{9}},
                                    {"a day ahead", hours{24}, hours{32}},
                                    {"10 min ahead", minutes{10}, hours{2}},
                                    {"310 s ahead", seconds{310}, hours{8}}},
            invalid_sbt);
}

void created_slightly_ahead(scenario& s) {
    accepts(s, "a token created ", {{"1 s ahead", seconds{1}, hours{8}},
                                    {"30 s ahead", seconds{30}, hours{8}},
                                    {"90 s ahead", seconds{90}, hours{8}},
                                    {"250 s ahead", seconds{250}, hours{8}},
                                    {"280 s ahead", seconds{280}, hours{8}}});
}

void reversed(scenario& s) {
    // Ahead of now and within the tolerance for created_at: nothing but the order of the two is wrong.
    refuses(s, "a token that expires ", {{"when it is created", seconds{120}, seconds{120}},
                                         {"1 ms before it is created", seconds{120}, milliseconds{119'999}},
                                         {"60 s before it is created", seconds{180}, seconds{120}},
                                         {"an hour before it is created, both in the past", hours{-1}, hours{-2}}},
            {.statuses = {401}, .codes = {"invalid-sbt", "sbt-expired"}});
}

/// Short lifetimes, so that a server that reads these times in a zone of its own finds them past or ahead.
void other_spellings(scenario& s) {
    auto const now = s.now();
    instant const created{now.seconds - 300, 0}, expires{now.seconds + 1200, 0};
    auto const plain = [](instant t) { return format_timestamp(t).substr(0, 19); };
    auto const lower = [&](instant t) {
        auto text = plain(t) + 'z';
        text[10] = 't';
        return text;
    };
    struct spelling {
        char const* label;
        std::function<std::string(instant)> write;
    };
    s.control(s.try_register({.sbt = both(set("created_at", plain(created) + 'Z'), set("expires_at", plain(expires) + 'Z'))}), "a token with timestamps in UTC with Z");
    for (auto const& one : {spelling{"without an offset and with 6 digits", [&](instant t) { return plain(t) + ".123456"; }},
                            spelling{"without an offset", [&](instant t) { return plain(t); }},
                            spelling{"without an offset and with 3 digits", [&](instant t) { return plain(t) + ".120"; }},
                            spelling{"with +00:00 and 6 digits", [&](instant t) { return plain(t) + ".123456+00:00"; }},
                            spelling{"with 9 digits", [&](instant t) { return plain(t) + ".123456789Z"; }},
                            spelling{"with the offset +02:00", [&](instant t) { return plain(t + hours{2}) + "+02:00"; }},
                            spelling{"with the offset -09:30", [&](instant t) { return plain(t - minutes{570}) + "-09:30"; }},
                            spelling{"in lower case", lower}})
        s.accepted(s.try_register({.sbt = both(set("created_at", one.write(created)), set("expires_at", one.write(expires)))}),
                   std::string{"a token with timestamps "} + one.label);
}

// ---- after registration ----------------------------------------------------------------------------------

/// A registration whose token ends soon, and the moment at which it does.
struct short_lived {
    registration how;
    instant end;
};

short_lived ending_soon(scenario& s) {
    auto const end = s.now() + seconds{4};
    auto how = s.settled();
    how.sbt = both(set("created_at", s.in_seconds(-60)), set("expires_at", format_timestamp(end)));
    return {how, end};
}

void push_after_expiry(scenario& s) {
    auto const token = ending_soon(s);
    auto const a = s.register_peer(token.how);
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "in time")})}), "a push before the token expires");
    int pushes = 0;
    std::string last;
    auto const x = first_refusal(s, token.end, [&] {
        last = "m" + std::to_string(++pushes + 1);
        return a.push({s.conversation(c, 1, {s.message(last, "late")})});
    });
    s.refused(x, "a push after the token expired", expired);
    auto const now = s.user().read(c);
    s.control(now, "the user reading the conversation");
    s.expect(find_by_id(now.body(), "/messages", last) == nullptr, "nothing of the refused push is stored", show(ids_at(now.body(), "/messages")));
    s.expect(find_by_id(now.body(), "/messages", "m1") != nullptr, "what was pushed in time is still there", show(ids_at(now.body(), "/messages")));
}

void reading_after_expiry(scenario& s) {
    auto const token = ending_soon(s);
    auto const a = s.register_peer(token.how);
    s.control(a.pull({.limit = 1}), "a pull before the token expires");
    s.control(a.get("/conversations?limit=1"), "GET /conversations before the token expires");
    s.refused(first_refusal(s, token.end, [&] { return a.pull({.limit = 1}); }), "a pull after the token expired", expired);
    s.refused(a.get("/conversations?limit=1"), "GET /conversations after the token expired", expired);
    s.refused(a.write(s.fresh("c"), "late"), "a local write by a peer whose token expired", expired);
    s.refused(a.get("/peers"), "GET /peers by a peer whose token expired", expired);
}

void expiry_keeps_everything(scenario& s) {
    auto const token = ending_soon(s);
    auto const a = s.register_peer(token.how);
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "kept")})}), "a push before the token expires");
    s.wait_until(token.end + seconds{1});

    auto const list = s.user().get("/peers");
    s.control(list, "the user's list of peers");
    s.expect(find_by_id(list.body(), "/peers", a.peer_id(), "peer_id") != nullptr, "the expired registration is still listed", show(ids_at(list.body(), "/peers", "backend_id")));

    auto renewed = token.how;
    renewed.sbt = {};
    auto const again = s.try_register(renewed);
    s.accepted(again, "a registration with a newer token");
    s.expect(again.text("/peer_id") == a.peer_id(), "the same peer_id as before the expiry", again.text("/peer_id"));
    auto const read = a.read(c);
    s.accepted(read, "reading by the renewed peer");
    s.expect(find_by_id(read.body(), "/messages", "m1") != nullptr, "the conversation pushed before the expiry", show(read.body()));
    s.accepted(a.push({s.conversation(c, 2, {s.message("m2", "again", 2)})}), "a push by the renewed peer");
}

/// What a newer token has ended no older one brings back, though it is good for longer.
void older_tokens_stay_older(scenario& s) {
    auto r = s.settled();
    auto const with = [&](json::object token) {
        auto out = r;
        out.body = set("sbt", std::move(token));
        return out;
    };
    r.created = seconds{-600};
    auto const oldest = s.session_binding_token(r);
    r.created = seconds{-120};
    auto const older = s.session_binding_token(r);
    auto const a = s.peer_of(s.try_register(with(older)), r);
    s.control(a.pull({.limit = 1}), "a pull under a token that is good for hours");
    r.created = milliseconds{0};
    r.lifetime = seconds{4};
    auto const ends = s.now() + seconds{5};
    s.control(s.try_register(with(s.session_binding_token(r))), "the registration with a newer token that is good for 4 s");
    s.wait_until(ends);
    s.control(a.pull({.limit = 1}).status() == 401, "a pull is refused after the end of the newer token");
    for (auto const& [what, token] : {std::pair<std::string, json::object const*>{"the token before that one", &older}, {"a token that was made before both", &oldest}}) {
        (void)s.try_register(with(*token));  // whether that is refused is not the question here
        s.refused(a.pull({.limit = 1}), "a pull after the registration with " + what + ", which is good for hours", expired);
        s.refused(a.push({s.conversation(s.fresh("c"), 1, {})}), "a push after it", expired);
    }
    r.lifetime = seconds{3600};
    s.control(s.try_register(with(s.session_binding_token(r))), "the registration with a token that is newer than all");
    s.control(a.pull({.limit = 1}), "a pull under it");
}

check const checks[] = {
    {.id = "sbt/expired",
     .title = "a token that has expired is refused",
     .clauses = {"BSP-SBT-025", "BSP-SBT-026", "BSP-GEN-055"},
     .impact = "a token once leaked pairs a foreign device for ever",
     .likely_cause = "expires_at recomputed as now + 8 h when the token is read, not looked at, or given a leeway",
     .run = past_expiry},
    {.id = "sbt/lifetime",
     .title = "a token that lives longer than 8 hours and a minute is refused",
     .clauses = {"BSP-SBT-020"},
     .impact = "a token made for years defeats the expiry of pairings",
     .likely_cause = "only now < expires_at is checked, or the lifetime is taken from now on",
     .run = too_long},
    {.id = "sbt/lifetime-tolerance",
     .title = "a token that lives for 8 hours and up to a minute more is accepted",
     .clauses = {"BSP-SBT-018", "BSP-SBT-020"},
     .impact = "pairing fails at random, because user interfaces read the clock twice",
     .likely_cause = "a lifetime of exactly 28 800 s as the maximum",
     .run = just_long_enough},
    {.id = "sbt/created-ahead",
     .title = "a token created more than 300 s in the future is refused",
     .clauses = {"BSP-SBT-023"},
     .impact = "tokens can be made now that begin to work next year, after an unpairing",
     .likely_cause = "created_at is parsed and never compared",
     .run = created_in_future},
    {.id = "sbt/created-slightly-ahead",
     .title = "a token created up to 290 s in the future is accepted",
     .clauses = {"BSP-SBT-024"},
     .impact = "devices whose clock is a little fast cannot pair",
     .likely_cause = "created_at <= now demanded",
     .run = created_slightly_ahead},
    {.id = "sbt/reversed-times",
     .title = "a token that does not expire after it is created is refused",
     .clauses = {"BSP-SBT-022"},
     .impact = "nonsense tokens pass, and with them every rule on lifetimes",
     .likely_cause = "the lifetime is compared with the maximum only, so that a negative one passes",
     .run = reversed},
    {.id = "sbt/naive-timestamps",
     .title = "tokens are accepted in every spelling of timestamps, Python's without an offset included, and read as UTC",
     .clauses = {"BSP-SBT-019", "BSP-GEN-051", "BSP-GEN-052"},
     .impact = "user interfaces written in Python cannot pair, or only in some time zones",
     .likely_cause = "a timestamp without an offset is refused or read as local time, or re-formatted before the MAC is computed",
     .run = other_spellings},
    {.id = "sbt/expiry-stops-push",
     .title = "a push is refused once the token of the registration has expired",
     .clauses = {"BSP-SBT-035"},
     .impact = "a device paired for a day writes for ever",
     .likely_cause = "expiry is checked at registration only",
     .run = push_after_expiry, .needs = need::patience},
    {.id = "sbt/expiry-stops-pull",
     .title = "reading is refused once the token of the registration has expired",
     .clauses = {"BSP-SBT-035"},
     .impact = "a device paired for a day reads along for ever",
     .likely_cause = "expiry is checked for pushes only",
     .run = reading_after_expiry, .needs = need::patience},
    {.id = "sbt/older-after-expiry",
     .title = "a registration whose token has expired is not restored by an older token, however long that is good",
     .clauses = {"BSP-REG-026", "BSP-SBT-035"},
     .impact = "who shortens or ends a pairing by a newer token is undone by whoever kept the one before",
     .likely_cause = "once the stored token has expired any valid one takes its place",
     .run = older_tokens_stay_older, .needs = need::patience},
    {.id = "sbt/expiry-keeps-peer",
     .title = "expiry keeps registration and data, and a newer token restores the same peer_id",
     .clauses = {"BSP-SBT-037", "BSP-SBT-036", "BSP-REG-037"},
     .impact = "every evening the devices are strangers again, and their queues lead nowhere",
     .likely_cause = "expired registrations are deleted, or renewed under a new id",
     .run = expiry_keeps_everything, .needs = need::patience},
};

}  // namespace

group sbt_times_group() { return {"sbt_times", profile::reg, checks}; }

}  // namespace bsp::conformance
