#include "habits.hpp"
#include "telemetry.hpp"

#include <functional>

namespace bsp::conformance {

namespace {

/// Each of `events` is acknowledged and stored, once.
void all_are_kept(telemetry_ground& g, std::vector<variant> const& events) {
    std::vector<std::pair<std::string, std::string>> sent;
    for (auto const& [what, change] : events) {
        auto const e = g.next(change);
        acked(g.world, g.l.tell(e), "an event " + what);
        sent.emplace_back(what, id_of(e));
    }
    auto const stored = g.stored();
    for (auto const& [what, id] : sent) g.world.expect(count_of(stored, id) == 1, "the event " + what + " is stored once", std::to_string(count_of(stored, id)) + " times");
}

/// Each of `texts` is answered with a rejection that names its event, and nothing of it is stored.
struct bad_text {
    std::string what, text;
    std::string event_id;  ///< "": it has none
    std::string code = "invalid-body";
};

void all_are_rejected(telemetry_ground& g, std::vector<bad_text> const& texts) {
    auto& s = g.world;
    for (auto const& one : texts) {
        auto const t = g.l.tell_text(one.text);
        s.expect(t.rejected(), "an event " + one.what + " is rejected", t.describe());
        json::value const whole(*t.answer);
        auto const* id = at(whole, "/event_id");
        bool const names_it = id && (one.event_id.empty() || (id->is_string() && json::view(id->get_string()) == one.event_id));
        s.expect(names_it, "the rejection of an event " + one.what + " has an event_id" + (one.event_id.empty() ? "" : ", " + one.event_id), id ? show(*id) : "absent");
        g.goes_on("the rejection of an event " + one.what);
    }
    auto const stored = g.stored();
    for (auto const& one : texts)
        if (!one.event_id.empty()) s.expect(count_of(stored, one.event_id) == 0, "an event " + one.what + " is not stored", "it is");
}

/// Variants of a complete event that are not valid.
void variants_are_rejected(scenario& s, std::vector<variant> const& wrong) {
    telemetry_ground g{s};
    std::vector<bad_text> texts;
    for (auto const& [what, change] : wrong) {
        auto const e = g.next(change);
        auto const* id = e.if_contains("event_id");
        bool const has_id = id && id->is_string() && !id->get_string().empty() && json::view(id->get_string()).find_first_of(" /") == std::string_view::npos && id->get_string().size() <= 128;
        texts.push_back({what, json::serialize(e), has_id ? id_of(e) : ""});
    }
    all_are_rejected(g, texts);
}

edit nothing_but_required() {
    return [](json::object& e) {
        for (char const* name : {"latency_ms", "tokens_used", "cost_usd", "model"}) e.erase(name);
    };
}

void minimal_events(scenario& s) {
    telemetry_ground g{s};
    all_are_kept(g, {{"with the six members only", nothing_but_required()},
                     {"with empty metadata", both(nothing_but_required(), set("metadata", json::object{}))},
                     {"with a latency alone", both(nothing_but_required(), set("latency_ms", 1))}});
}

void null_metrics(scenario& s) {
    telemetry_ground g{s};
    all_are_kept(g, {{"with latency_ms null", set("latency_ms", nullptr)}, {"with tokens_used null", set("tokens_used", nullptr)}, {"with cost_usd null", set("cost_usd", nullptr)},
                     {"with model null", set("model", nullptr)},
                     {"with all four null", both(both(set("latency_ms", nullptr), set("tokens_used", nullptr)), both(set("cost_usd", nullptr), set("model", nullptr)))}});
}

void unknown_types(scenario& s) {
    telemetry_ground g{s};
    all_are_kept(g, {{"of the type capture", set("event_type", "capture")}, {"of a type that nobody knows", set("event_type", "x.y-z/" + s.canary())}, {"of a type of 128 characters", set("event_type", std::string(128, 't'))},
                     {"of a type in another script", set("event_type", "\xE6\xB8\xAC\xE8\xA9\xA6")}});
}

void unknown_members(scenario& s) {
    telemetry_ground g{s};
    all_are_kept(g, {{"with an unknown string", set("region", "eu")}, {"with an unknown object", set("extra", json::object{{"a", json::array{1, 2.5, nullptr}}})}, {"with the signature of a push", set("signature", "none")}});
}

void unknown_members_stay(scenario& s) {
    telemetry_ground g{s};
    auto const e = g.next(both(set("region", "eu-west"), set("extra", json::object{{"a", json::array{1, 2.5, nullptr}}})));
    is_acked(s, g.l.tell(e), "an event with unknown members");
    auto const stored = g.stored();
    auto const* entry = find_event(stored, id_of(e));
    s.control(entry != nullptr, "the event is listed");
    for (char const* name : {"region", "extra"}) has_value(s, *entry, name, e.at(name));
}

void required_members(scenario& s) {
    std::vector<variant> wrong;
    for (std::string const name : {"event_id", "event_type", "session_id", "timestamp", "source_backend", "metadata"}) {
        wrong.push_back({"without " + name, drop(name)});
        wrong.push_back({"with " + name + " null", set(name, nullptr)});
        wrong.push_back({"with a number for " + name, set(name, 7)});
    }
    variants_are_rejected(s, wrong);
}

void grammar_of_members(scenario& s) {
    variants_are_rejected(s, {{"with an event_id of two words", set("event_id", "two words")},
                              {"with an empty event_id", set("event_id", "")},
                              {"with an event_id of 129 characters", set("event_id", std::string(129, 'e'))},
                              {"with a session_id that is a path", set("session_id", "a/b")},
                              {"with an empty source_backend", set("source_backend", "")},
                              {"with a source_backend of 129 characters", set("source_backend", std::string(129, 's'))},
                              {"with a date for a timestamp", set("timestamp", "2025-12-31")},
                              {"with no date at all for a timestamp", set("timestamp", "yesterday")},
                              {"on the 30th of February", set("timestamp", "2025-02-30T00:00:00Z")},
                              {"with an array for metadata", set("metadata", json::array{})},
                              {"with a text for metadata", set("metadata", "{}")}});
}

void grammar_of_types(scenario& s) {
    variants_are_rejected(s, {{"with an empty event_type", set("event_type", "")}, {"with an event_type of 129 characters", set("event_type", std::string(129, 't'))}, {"with a line feed in its event_type", set("event_type", "a\nb")}});
}

void nameless_rejections(scenario& s) {
    telemetry_ground g{s};
    for (auto const& [what, text] : {std::pair<std::string, std::string>{"that is no JSON", "hello"}, {"that is an array", "[]"}, {"without an event_id", json::serialize(g.next(drop("event_id")))},
                                     {"with an event_id of two words", json::serialize(g.next(set("event_id", "two words")))}, {"with a number for an event_id", json::serialize(g.next(set("event_id", 7)))}}) {
        auto const t = g.l.tell_text(text);
        s.control(t.rejected(), "an event " + what + " is rejected, got " + t.describe());
        auto const* id = t.answer->if_contains("event_id");
        s.expect(id && id->is_null(), "the rejection of an event " + what + " has event_id null", id ? show(*id) : "absent");
    }
}

constexpr std::int64_t integer_max = (std::int64_t{1} << 53) - 1;

void integer_metrics(scenario& s) {
    std::vector<variant> wrong;
    for (std::string const name : {"latency_ms", "tokens_used"}) {
        wrong.push_back({"with " + name + " -1", set(name, -1)});
        wrong.push_back({"with " + name + " 2^53", set(name, integer_max + 1)});
        wrong.push_back({"with " + name + " 1.5", set(name, 1.5)});
        wrong.push_back({"with " + name + " as a text", set(name, "412")});
        wrong.push_back({"with " + name + " true", set(name, true)});
    }
    variants_are_rejected(s, wrong);
}

void integer_spellings(scenario& s) {
    telemetry_ground g{s};
    std::vector<bad_text> texts;
    for (char const* spelling : {"4.0", "4e0", "9007199254740992", "1e30"}) {
        auto const e = g.next(set("latency_ms", "HERE"));
        auto text = json::serialize(e);
        text.replace(text.find("\"HERE\""), 6, spelling);
        texts.push_back({std::string{"with latency_ms spelled "} + spelling, text, id_of(e)});
    }
    all_are_rejected(g, texts);
}

void integer_bounds(scenario& s) {
    telemetry_ground g{s};
    all_are_kept(g, {{"with latency_ms 0", set("latency_ms", 0)}, {"with latency_ms 2^53-1", set("latency_ms", integer_max)}, {"with tokens_used 0", set("tokens_used", 0)},
                     {"with tokens_used 2^53-1", set("tokens_used", integer_max)}});
    auto const e = g.next(both(set("latency_ms", integer_max), set("tokens_used", integer_max - 1)));
    is_acked(s, g.l.tell(e), "an event with the greatest numbers");
    auto const stored = g.stored();
    auto const* entry = find_event(stored, id_of(e));
    s.expect(entry != nullptr, "the event is listed", "absent");
    s.expect_same("latency_ms", e.at("latency_ms"), entry->if_contains("latency_ms"));
    s.expect_same("tokens_used", e.at("tokens_used"), entry->if_contains("tokens_used"));
}

void cost_outside(scenario& s) {
    variants_are_rejected(s, {{"with cost_usd -0.01", set("cost_usd", -0.01)}, {"with cost_usd 1000000.01", set("cost_usd", 1000000.01)}, {"with cost_usd 1e300", set("cost_usd", 1e300)},
                              {"with cost_usd as a text", set("cost_usd", "0.0045")}, {"with cost_usd true", set("cost_usd", true)}, {"with cost_usd as an array", set("cost_usd", json::array{0.5})}});
}

void cost_inside(scenario& s) {
    telemetry_ground g{s};
    all_are_kept(g, {{"with cost_usd 0", set("cost_usd", 0)}, {"with cost_usd 1000000", set("cost_usd", 1'000'000)}, {"with cost_usd 999999.99", set("cost_usd", 999'999.99)}, {"with cost_usd 1e-9", set("cost_usd", 1e-9)}});
}

void model_is_text(scenario& s) {
    variants_are_rejected(s, {{"with model 4", set("model", 4)}, {"with model true", set("model", true)}, {"with model as an object", set("model", json::object{{"name", "small-1"}})}});
}

void i_json_only(scenario& s) {
    telemetry_ground g{s};
    auto const with_cost = [&](std::string_view spelling) {
        auto text = json::serialize(g.next(set("cost_usd", "HERE")));
        return text.replace(text.find("\"HERE\""), 6, spelling);
    };
    auto const text_with = [&](std::string_view member, std::string_view spelling) {
        auto text = json::serialize(g.next(set(std::string{member}, "HERE")));
        return text.replace(text.find("\"HERE\""), 6, spelling);
    };
    auto const lone = [&] {
        auto text = json::serialize(g.next(set("model", "HERE")));
        return text.replace(text.find("HERE"), 4, "\\ud800");
    }();
    auto const twice = [&] {
        auto text = json::serialize(g.next());
        return text.insert(1, R"("model":"another",)");
    }();
    std::string const m = "malformed-body";
    all_are_rejected(g, {{"that is no JSON", "hello", "", m}, {"that is empty", "", "", m}, {"that is cut off", json::serialize(g.next()).substr(0, 60), "", m}, {"that is an array", "[]", ""}, {"that is a number", "7", ""},
                         {"with cost_usd NaN", with_cost("NaN"), "", m}, {"with cost_usd Infinity", with_cost("Infinity"), "", m}, {"with cost_usd -Infinity", with_cost("-Infinity"), "", m},
                         {"with cost_usd 1e999", with_cost("1e999"), "", m}, {"with a lone surrogate", lone, "", m}, {"with a name twice", twice, "", m},
                         {"with -1e999 in its metadata", text_with("metadata", R"({"x":[-1e999]})"), "", m}, {"with -1e400 in an unknown member", text_with("x_unknown", "-1e400"), "", m}});
    auto const blank = g.l.tell_text("\r\n\t " + json::serialize(g.next()) + " \n", seconds{5});
    acked(s, blank, "an event with white space around it");
    for (auto const& e : g.stored()) {
        auto const* cost = e.if_contains("cost_usd");
        s.expect(!cost || cost->is_null() || cost->is_number(), "every cost_usd that is listed is a number", cost ? show(*cost) : "");
    }
}

void form_of_rejections(scenario& s) {
    telemetry_ground g{s};
    for (auto const& [what, text, code] : {std::tuple<std::string, std::string, std::string>{"that is no JSON", "hello", "malformed-body"},
                                           {"without metadata", json::serialize(g.next(drop("metadata"))), "invalid-body"}}) {
        auto const t = g.l.tell_text(text);
        s.control(t.rejected(), "an event " + what + " is rejected, got " + t.describe());
        json::value const whole(*t.answer);
        auto const* error = at(whole, "/error");
        s.expect(error && error->is_object(), "the rejection has an object error", error ? show(*error) : "absent");
        for (char const* name : {"/type", "/title", "/detail", "/code"}) s.expect(!text_at(*error, name).empty(), std::string{"error has the text "} + (name + 1), show(*error));
        s.expect(integer_at(*error, "/status") / 100 == 4, "error has a status of 4xx", show(*error));
        if (text_at(*error, "/code") != code) s.note("the code of an event " + what + " is " + text_at(*error, "/code") + ", not " + code);
    }
}

void codes_of_rejections(scenario& s) {
    telemetry_ground g{s};
    for (auto const& [what, text, code] : {std::tuple<std::string, std::string, std::string>{"that is no JSON", "hello", "malformed-body"},
                                           {"without metadata", json::serialize(g.next(drop("metadata"))), "invalid-body"}, {"that is an array", "[]", "invalid-body"}}) {
        auto const t = g.l.tell_text(text);
        s.control(t.rejected(), "an event " + what + " is rejected, got " + t.describe());
        auto const actual = text_at(json::value(*t.answer), "/error/code");
        s.expect(actual == code, "the code of an event " + what + " is " + code, actual.empty() ? "absent" : actual);
    }
}

void old_events(scenario& s) {
    telemetry_ground g{s};
    all_are_kept(g, {{"of an hour ago", set("timestamp", s.in_seconds(-3600))}, {"of a month ago", set("timestamp", s.in_seconds(-30 * 86'400))}, {"of long ago", set("timestamp", s.keeps("2001-09-09T01:46:40Z") ? "2001-09-09T01:46:40Z" : s.in_seconds(-60 * 86'400))},
                     {"without an offset", set("timestamp", "2025-12-31T00:00:00.123456")}, {"in another zone", set("timestamp", "2025-12-31T02:00:00+02:00")}});
}

/// The clock of a device may be wrong by any amount, and what it saw has happened all the same.
void events_ahead(scenario& s) {
    telemetry_ground g{s};
    all_are_kept(g, {{"of in an hour", set("timestamp", s.in_seconds(3600))}, {"of the day after tomorrow", set("timestamp", s.in_seconds(2 * 86'400 + 60))}, {"of 2099", set("timestamp", "2099-12-31T23:59:59.999999999Z")}});
}

/// Everything within `metadata` is a value, and null is one.
void metadata_is_kept_whole(scenario& s) {
    telemetry_ground g{s};
    json::object const inner{{"none", nullptr}, {"no", false}, {"zero", 0}, {"blank", ""}, {"nothing", json::object{}}, {"few", json::array{nullptr, json::array{}, json::object{{"x", nullptr}}}}, {"small", -1.5e-7}, {"large", 9'007'199'254'740'991}, {"e\u0301 \u00e9", "e\u0301 \u00e9"},
                             {"__proto__", json::object{{"y", 1}}}, {"a.b", json::object{{"a", "b"}}}, {"$set", "x"}};
    for (auto const& whole : {inner, json::object{{"in", json::array{inner}}}}) {
        auto const e = g.next(set("metadata", whole));
        acked(s, g.l.tell(e), "an event with values of every kind in its metadata");
        auto const stored = g.stored();
        auto const* entry = find_event(stored, id_of(e));
        s.expect(entry != nullptr, "it is in the list", "it is not");
        has_value(s, *entry, "metadata", e.at("metadata"));
    }
}

/// A rejection is no decision about an event_id: the event that follows under it is judged by itself.
void corrected_events(scenario& s) {
    telemetry_ground g{s};
    for (auto const& [what, wrong] : {std::pair<std::string, edit>{"with a negative latency", set("latency_ms", -1)}, {"without metadata", drop("metadata")}, {"with a date for a timestamp", set("timestamp", "2025-12-31")}}) {
        auto const right = g.next();
        auto broken = right;
        wrong(broken);
        auto const t = g.l.tell(broken);
        s.control(t.rejected(), "an event " + what + " is rejected, got " + t.describe());
        acked(s, g.l.tell(right), "the corrected event, with the event_id of one that was rejected " + what + ",");
        s.expect(count_of(g.stored(), id_of(right)) == 1, "it is stored", "it is not");
    }
}

void deep_events(scenario& s) {
    telemetry_ground g{s};
    json::value inner = json::object{};
    for (int level = 3; level <= 30; ++level) inner = json::object{{"a", std::move(inner)}};  // metadata is level 2
    all_are_kept(g, {{"nested 30 levels deep", set("metadata", inner)}});
}

void user_of_the_peer(scenario& s) {
    telemetry_ground g{s};
    auto const other = s.other_account().id;
    auto const e = g.next(both(set("user_id", other), both(set("user", other), set("peer_id", "peer_00000000000000000000000000000000"))));
    acked(s, g.l.tell(e), "an event that names another user");
    s.expect(count_of(g.stored(), id_of(e)) == 1, "it is stored for the peer's own user", "it is not");
    s.expect(count_of(events_from(s, s.other_user(), g.source), id_of(e)) == 0, "the other user does not see it", "it is there");
}

constexpr unsigned on_sockets = need::sockets;

check const checks[] = {
    {.id = "tel/minimal-event", .title = "an event needs no metrics", .clauses = {"BSP-TEL-001"}, .impact = "events that are not about a model are lost", .likely_cause = "Optional without a default", .run = minimal_events, .needs = on_sockets},
    {.id = "tel/null-metrics", .title = "metrics may be null", .clauses = {"BSP-TEL-002"}, .impact = "events of clients that write null are lost", .likely_cause = "null is not taken for absence here", .run = null_metrics, .needs = on_sockets},
    {.id = "tel/unknown-type", .title = "every type of event is accepted", .clauses = {"BSP-TEL-003"}, .impact = "a new client's events are lost", .likely_cause = "an enumeration", .run = unknown_types, .needs = on_sockets},
    {.id = "tel/unknown-members", .title = "unknown members do no harm", .clauses = {"BSP-TEL-004"}, .impact = "a newer client's events are lost", .likely_cause = "a model that forbids extras", .run = unknown_members, .needs = on_sockets},
    {.id = "tel/unknown-members-kept", .title = "unknown members are given back", .clauses = {"BSP-TEL-104"}, .impact = "what a newer client told is lost", .likely_cause = "a table with a column for each known member", .run = unknown_members_stay,
     .needs = on_sockets, .strength = obligation::should},
    {.id = "tel/required-members", .title = "an event without one of the six members is rejected, by its id, and the connection stays", .clauses = {"BSP-TEL-005", "BSP-TEL-041", "BSP-TEL-042", "BSP-TEL-043", "BSP-TEL-046"},
     .impact = "broken events are acknowledged and lost, or one of them ends the stream", .likely_cause = "an exception of the model that nobody catches", .run = required_members, .needs = on_sockets},
    {.id = "tel/grammar", .title = "an event whose members are outside their grammar is rejected", .clauses = {"BSP-TEL-005", "BSP-TEL-041", "BSP-TEL-042"}, .impact = "events that no other backend takes", .likely_cause = "types are checked, values are not",
     .run = grammar_of_members, .needs = on_sockets},
    {.id = "tel/event-type", .title = "an event_type that is empty, too long or has a control character is rejected", .clauses = {"BSP-TEL-013"}, .impact = "lists that readers cannot group", .likely_cause = "any text is accepted",
     .run = grammar_of_types, .needs = on_sockets, .strength = obligation::should},
    {.id = "tel/rejection-null", .title = "a rejection of what has no event_id says null", .clauses = {"BSP-TEL-068"}, .impact = "clients look for an event that they never sent", .likely_cause = "an empty text, or whatever was there", .run = nameless_rejections,
     .needs = on_sockets, .strength = obligation::should},
    {.id = "tel/integers", .title = "latency_ms and tokens_used are integers of at least 0", .clauses = {"BSP-TEL-006", "BSP-TEL-041", "BSP-TEL-042"}, .impact = "negative and absurd numbers poison every sum", .likely_cause = "a lax validation mode", .run = integer_metrics,
     .needs = on_sockets},
    {.id = "tel/integer-spellings", .title = "integers with a fraction or exponent, or beyond 2^53-1, are rejected", .clauses = {"BSP-TEL-006", "BSP-GEN-028"}, .impact = "numbers change on their way", .likely_cause = "numbers are read as doubles", .run = integer_spellings,
     .needs = on_sockets},
    {.id = "tel/integer-bounds", .title = "0 and 2^53-1 are accepted and given back exactly", .clauses = {"BSP-TEL-006", "BSP-TEL-040", "BSP-TEL-101"}, .impact = "large counts are refused or rounded", .likely_cause = "a column of 32 bits, or truth for presence",
     .run = integer_bounds, .needs = on_sockets},
    {.id = "tel/cost-outside", .title = "a cost that is negative, above a million, or no number is rejected", .clauses = {"BSP-TEL-007", "BSP-TEL-041", "BSP-TEL-042"}, .impact = "one event ruins every statistic", .likely_cause = "any float is accepted", .run = cost_outside,
     .needs = on_sockets},
    {.id = "tel/cost-inside", .title = "every cost from 0 to a million is accepted", .clauses = {"BSP-TEL-007", "BSP-TEL-040"}, .impact = "events are lost", .likely_cause = "an integer is no float, or truth for presence", .run = cost_inside, .needs = on_sockets},
    {.id = "tel/model", .title = "a model is a text", .clauses = {"BSP-TEL-008", "BSP-TEL-041"}, .impact = "lists that clients cannot read", .likely_cause = "the member is not looked at", .run = model_is_text, .needs = on_sockets},
    {.id = "tel/i-json", .title = "what is not I-JSON is rejected, and the connection stays", .clauses = {"BSP-TEL-009", "BSP-TEL-041", "BSP-TEL-046"},
     .impact = "NaN in a list that no client can parse; one typing error ends the stream", .likely_cause = "the language's own JSON parser", .run = i_json_only, .needs = on_sockets},
    {.id = "tel/rejection-form", .title = "a rejection carries a problem document", .clauses = {"BSP-TEL-044"}, .impact = "clients cannot tell what was wrong", .likely_cause = "a text in its place", .run = form_of_rejections, .needs = on_sockets,
     .about = aspect::exactness},
    {.id = "tel/rejection-codes", .title = "the code tells text that is not I-JSON from an invalid event", .clauses = {"BSP-TEL-045"}, .impact = "developers look in the wrong place", .likely_cause = "one code for everything", .run = codes_of_rejections,
     .needs = on_sockets, .strength = obligation::should},
    {.id = "tel/events-ahead", .title = "events may lie ahead", .clauses = {"BSP-TEL-040", "BSP-TEL-005"}, .impact = "nothing is known of a device whose clock is wrong", .likely_cause = "the bound for messages is asked of events", .run = events_ahead, .needs = on_sockets},
    {.id = "tel/metadata-whole", .title = "metadata comes back whole, null and empty values among it", .clauses = {"BSP-TEL-101"}, .impact = "what was unknown cannot be told from what was not asked", .likely_cause = "a mapper that leaves out null and empty values, or names that are paths to it",
     .run = metadata_is_kept_whole, .needs = on_sockets},
    {.id = "tel/corrected", .title = "an event that was rejected is accepted once it is right", .clauses = {"BSP-TEL-040", "BSP-TEL-053"}, .impact = "a client that mends an event is told that it is stored, and it is not", .likely_cause = "an event_id is remembered before the event is judged",
     .run = corrected_events, .needs = on_sockets},
    {.id = "tel/old-events", .title = "events may be old", .clauses = {"BSP-TEL-010"}, .impact = "what happened offline is lost", .likely_cause = "the freshness of pushes is asked of events", .run = old_events, .needs = on_sockets},
    {.id = "tel/depth", .title = "events may be nested 30 levels deep", .clauses = {"BSP-TEL-011"}, .impact = "events with a trace in them are lost", .likely_cause = "a limit for flat events", .run = deep_events, .needs = on_sockets, .strength = obligation::should},
    {.id = "tel/user-of-peer", .title = "an event belongs to the peer's user, whatever it says", .clauses = {"BSP-TEL-012", "BSP-TEL-092"}, .impact = "one user writes into another's account", .likely_cause = "user_id is taken from the event", .run = user_of_the_peer,
     .needs = on_sockets | need::second_user},
    {.id = "tel/odd-values", .title = "what looks like something else comes back as it was told", .clauses = {"BSP-TEL-101"}, .impact = "007 becomes 7, times move to other zones, small costs are 0", .likely_cause = "columns that convert or cut, lists made of maps, libraries that find dates in strings",
     .run = odd_values_of_events, .needs = on_sockets},
    {.id = "tel/instants", .title = "a timestamp keeps its instant to the nanosecond, and may be of any year", .clauses = {"BSP-TEL-101", "BSP-TEL-010"}, .impact = "events change their order, and those of clocks at their beginning are lost",
     .likely_cause = "times in milliseconds or unsigned integers, and zero for absent", .run = instants_of_events, .needs = on_sockets},
    {.id = "tel/ids-much-alike", .title = "ids that are the same number, or the same at their beginning, are different, and an id is known after a hundred others", .clauses = {"BSP-TEL-053", "BSP-TEL-040", "BSP-GEN-060"},
     .impact = "events are dropped as repetitions, or stored twice", .likely_cause = "ids compared as numbers or cut, and a window of the last ones", .run = ids_of_events, .needs = on_sockets},
    {.id = "tel/sources-exact", .title = "source_backend selects exactly the events from there", .clauses = {"BSP-TEL-095"}, .impact = "one device's events are shown as another's", .likely_cause = "LIKE, a comparison that passes over blanks or accents, or a query decoded twice",
     .run = sources_are_exact, .needs = on_sockets},
    {.id = "tel/lenient", .title = "what is nearly JSON is rejected, and names in another case are other names", .clauses = {"BSP-TEL-009", "BSP-TEL-004", "BSP-GEN-032"}, .impact = "other backends reject what this one took", .likely_cause = "a parser that forgives, or reads the first value of a text",
     .run = lenient_events, .needs = on_sockets},
    {.id = "tel/bytes", .title = "the length of a message is that of its bytes", .clauses = {"BSP-TEL-072", "BSP-TEL-073"}, .impact = "memory for four times as much", .likely_cause = "the length of a text in characters", .run = characters_are_not_bytes, .needs = on_sockets},
};

}  // namespace

group telemetry_events_group() { return {"telemetry_events", profile::tel, checks}; }

}  // namespace bsp::conformance
