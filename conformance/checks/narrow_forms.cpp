#include "../registry.hpp"
#include "../scenario.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <bsp/json/parse.hpp>

#include <chrono>

// Forms that a lenient parser takes for another, and times at the edges of the calendar.

namespace bsp::conformance {
namespace {

void htu_has_its_case(scenario& s) {
    auto const a = s.register_peer();
    for (caller const& who : {static_cast<caller>(a), s.user()}) {
        auto const c = s.fresh("c");
        s.control(who.write(c, "one"), "a write");
        s.control(who.write(s.fresh("C"), "one"), "a write of an id in upper case");
        auto const htu = [&](std::string path) { return call_options{.claims = set("htu", s.target_path(path))}; };
        s.refused(who.read(c, htu("/CONVERSATIONS/" + c)), "a read whose htu is in upper case", {.statuses = {401}});
        s.refused(who.read(c, htu("/conversations/C" + c.substr(1))), "a read whose htu names a conversation in another case", {.statuses = {401}});
        s.refused(who.read(c, htu("/conversations/" + c + "/")), "a read whose htu has a slash more", {.statuses = {401}});
    }
}

void limits_are_digits(scenario& s) {
    auto const a = s.register_peer();
    std::vector<std::string> paths{"/sync/" + a.peer_id() + "?limit=", "/conversations?limit="};
    if (s.has_telemetry()) paths.push_back("/telemetry/events?limit=");
    for (auto const& path : paths) {
        s.accepted(a.get(path + "5"), "limit 5");
        for (char const* raw : {"%2B5", "%205", "5%20", "1_0", "%D9%A5", "0x5", "5.0", "5e0", "%EF%BC%95", ""})
            s.refused(a.get(path + raw), std::string{"limit="} + raw, {.statuses = {400, 422}});
    }
}

void calendar(scenario& s) {
    ground const g{s};
    auto const at_time = [&](char const* text) { return s.conversation(g.c, 1, {s.message("kept", "kept", 1, set("timestamp", text))}); };
    for (char const* text : {"1900-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "1800-02-29T12:00:00Z"}) g.refuses(std::string{"the timestamp "} + text, at_time(text), {.statuses = {422, 400}});
    g.was_spared("the refused timestamps");
    auto const day = s.fresh("c");
    s.accepted(g.a.push({s.conversation(day, 1, {s.message("m1", "leap day", 1, set("timestamp", "1600-02-29T00:00:00Z")), s.message("m3", "leap day of a century", 1, set("timestamp", "2000-02-29T12:00:00Z"))})}),
               "leap days of the years 1600 and 2000");

    // The offset applies with its sign to hours and minutes alike.
    struct { char const *earlier, *later; } const pairs[] = {
        {"2024-01-01T00:00:00Z", "2023-12-31T23:45:00-00:30"},        // 00:15Z
        {"2023-12-31T23:40:00Z", "2024-01-01T00:15:00+00:30"},        // 23:45Z
        {"2024-01-01T05:20:00Z", "2024-01-01T00:00:00-05:30"},        // 05:30Z
        {"2024-01-01T00:00:00-05:30", "2024-01-01T05:40:00Z"},
    };
    for (auto const& [earlier, later] : pairs)
        for (bool const later_first : {true, false}) {
            auto const c = s.fresh("c");
            auto const push = [&, earlier = earlier, later = later](bool is_later) { s.control(g.a.push({s.conversation(c, 1, {s.message("m1", is_later ? "later" : "earlier", 1, set("timestamp", is_later ? later : earlier))})}), "a push"); };
            push(later_first);
            push(!later_first);
            auto const x = g.a.read(c);
            s.control(x, "reading the conversation");
            auto const* m = find_by_id(x.body(), "/messages", "m1");
            s.expect(m && text_at(*m, "/content") == "later", std::string{later} + " is later than " + earlier, m ? show(*m) : "absent");
        }
}

/// Of two tokens the one created later counts, though it expires earlier.
void latest_token_counts(scenario& s) {
    auto r = s.settled();
    r.created = std::chrono::seconds{-60};
    auto const a = s.register_peer(r);
    auto sooner = r;
    sooner.created = std::chrono::seconds{0};
    sooner.lifetime = std::chrono::seconds{3};
    auto const renewed = s.now();
    s.control(s.try_register(sooner), "a registration with a later token that expires soon");
    s.control(a.push({}), "a push before that");
    s.wait_until(renewed + std::chrono::seconds{5});
    s.refused(a.push({}), "a push after the latest token expired", {.statuses = {401}, .codes = {"sbt-expired"}});
    sooner.created = std::chrono::seconds{1};
    sooner.lifetime = std::chrono::hours{1};
    s.control(s.try_register(sooner), "a registration with a still later token");
    s.accepted(a.push({}), "a push after that");
}

/// Every body, refusals included.
void answers_are_i_json(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const pushed = a.push({s.conversation(c, 1, {s.message("m1", "\x01 \x7F \xE2\x80\xA8 \xF0\x9F\x98\x80 \\ \"", 1, set("x-more", json::array{-7, nullptr, json::object{{"", ""}}}))})});
    s.control(pushed, "a push");
    std::pair<char const*, exchange> const answers[] = {{"the identity", s.nobody().get("/identity")},
                                                        {"the answer to a registration", s.try_register()},
                                                        {"the answer to a push", pushed},
                                                        {"a pull", a.pull({.since = s.in_seconds(-5)})},
                                                        {"a conversation", a.read(c)},
                                                        {"the list of conversations", a.get("/conversations?limit=5")},
                                                        {"the list of peers", a.get("/peers")},
                                                        {"a stored message", s.user().write(c, "x")},
                                                        {"a refusal of a credential", s.nobody().get("/peers")},
                                                        {"a refusal of a body", a.push({s.conversation(c, -1, {})})}};
    for (auto const& [what, x] : answers) {
        s.expect(x.answered(), std::string{what} + " comes", x.describe());
        if (x.bytes().empty()) continue;
        auto const read = json::parse(x.bytes());
        s.expect(read.has_value(), std::string{what} + " is I-JSON", read ? "" : read.error().detail + ": " + x.bytes().substr(0, 200));
    }
}

void pace_is_five_seconds(scenario& s) {
    auto const a = s.register_peer();
    auto const registered = integer_at(a.registration(), "/sync_interval_ms");
    s.expect(registered == 5000, "sync_interval_ms 5000", std::to_string(registered));
    auto const x = a.push({});
    s.control(x, "a push");
    s.expect(integer_at(x.body(), "/next_sync_in_ms") == 5000, "next_sync_in_ms 5000", std::to_string(integer_at(x.body(), "/next_sync_in_ms")));
}

void conversations_of_tomorrow_are_refused(scenario& s) {
    ground const g{s};
    g.refuses("a last_modified 25 hours ahead", g.next({}, set("last_modified", s.in_seconds(25 * 3600))), {.statuses = {422, 400}});
    g.was_spared("a last_modified 25 hours ahead");
    s.accepted(g.a.push({s.conversation(s.fresh("c"), 1, {}, set("last_modified", s.in_seconds(23 * 3600)))}), "a last_modified 23 hours ahead");
}

void deleted_is_gone(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "x")})}), "a push");
    s.control(a.read(c), "reading the conversation");
    s.control(s.user().del("/conversations/" + c), "deleting the conversation");
    s.refused(a.read(c), "reading it after that", {.statuses = {404}});
}

void writer_is_named(scenario& s) {
    auto const x = s.user().write(s.fresh("c"), "x");
    s.control(x, "a local write");
    s.expect(x.text("/source_backend") == s.identity().backend_id, "source_backend " + s.identity().backend_id, x.text("/source_backend"));
}

check const checks[] = {
    {.id = "aut/htu-spelling",
     .title = "an htu in another case, or with a slash at its end, is another one",
     .clauses = {"BSP-AUT-031"},
     .impact = "an assertion made for one request opens another",
     .likely_cause = "paths compared without case, or normalized before the comparison",
     .run = htu_has_its_case},
    {.id = "syn/limit-digits",
     .title = "a limit is made of decimal digits and of nothing else",
     .clauses = {"BSP-SYN-145"},
     .impact = "what one backend accepts another refuses",
     .likely_cause = "the number parser of the language, which takes signs, blanks, underscores and digits of other scripts",
     .run = limits_are_digits,
     .strength = obligation::should},
    {.id = "gen/calendar",
     .title = "leap days and offsets are those of the Gregorian calendar and of RFC 3339",
     .clauses = {"BSP-GEN-054", "BSP-GEN-051", "BSP-GEN-055"},
     .impact = "backends disagree on which of two messages is the later, and differ for good",
     .likely_cause = "every fourth year taken for a leap year; the sign of an offset lost where the hours are 00, or applied to the hours alone",
     .run = calendar},
    {.id = "sbt/latest-counts",
     .title = "of two tokens the one created later decides when a peer expires",
     .clauses = {"BSP-SBT-035", "BSP-REG-025"},
     .impact = "a user cannot shorten what was granted for too long",
     .likely_cause = "the token with the later expires_at is kept",
     .run = latest_token_counts, .needs = need::patience},
    {.id = "gen/answers-are-i-json",
     .title = "every answer is I-JSON",
     .clauses = {"BSP-GEN-017"},
     .impact = "strict clients cannot read what the backend says",
     .likely_cause = "JSON put together from text",
     .run = answers_are_i_json},
    {.id = "syn/pace",
     .title = "the pace asked for is 5,000 ms",
     .clauses = {"BSP-SYN-064", "BSP-REG-018"},
     .impact = "messages arrive later than people expect, or devices are kept busy",
     .likely_cause = "seconds for milliseconds, or another default",
     .run = pace_is_five_seconds,
     .strength = obligation::should},
    {.id = "syn/last-modified-far-ahead",
     .title = "a conversation modified more than 24 hours ahead is refused",
     .clauses = {"BSP-SYN-013"},
     .impact = "one peer with a wrong clock wins every rename for years",
     .likely_cause = "only timestamps of messages are compared with the clock",
     .run = conversations_of_tomorrow_are_refused,
     .strength = obligation::should},
    {.id = "cnv/deleted-is-404",
     .title = "a deleted conversation is not found",
     .clauses = {"BSP-CNV-015"},
     .impact = "clients show an empty conversation where there is none",
     .likely_cause = "the tombstone is served as a conversation",
     .run = deleted_is_gone,
     .strength = obligation::should},
    {.id = "cnv/source-label",
     .title = "a local write carries the backend_id as its source",
     .clauses = {"BSP-CNV-048"},
     .impact = "nobody can tell where a message was written",
     .likely_cause = "the type in the place of the id",
     .run = writer_is_named,
     .strength = obligation::should},
};

}  // namespace

group narrow_forms_group() { return {"narrow-forms", profile::syn, checks}; }

}  // namespace bsp::conformance
