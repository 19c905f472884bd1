#include "habits.hpp"

#include "../surroundings.hpp"
#include "privacy.hpp"
#include "telemetry.hpp"

#include <bsp/base/instant.hpp>

#include <optional>
#include <string>
#include <vector>

// Chapters 11 and 16: values that a column, a mapper or a page would change, and rows beyond the first hundred.

namespace bsp::conformance {

namespace {

std::vector<std::string> const odd_texts{"0",  "007", "1e3", "1.50", "null", "true", "[]", "{}", "2025-03-01T12:00:00+02:00", "2025-03-01T12:00:00.000Z", "<b>&amp;</b> a & b", "\\n C:\\new", "caf\u00e9 \U0001F600 \U0001D11E",
                                         " x ", "\r\n", ""};

}  // namespace

void odd_values_of_events(scenario& s) {
    telemetry_ground g{s};
    std::vector<json::object> sent;
    for (auto const& text : odd_texts) {
        json::object const metadata{{"text", text}, {"list", json::array{text, json::object{{"0", text}, {"1", text}}}}, {"Name", json::object{{"fooBar", text}}}, {"a.b", json::object{{"$set", text}, {"_id", text}, {"", text}}}};
        sent.push_back(g.next(both(set("metadata", metadata), set("model", text))));
    }
    sent.push_back(g.next(set("metadata", json::object{})));
    sent.push_back(g.next(set("metadata", json::object{{"none", json::object{}}, {"few", json::array{}}, {"in", json::object{{"none", json::object{}}}}})));
    sent.push_back(g.next(set("metadata", json::object{{"a", 0.1}, {"b", 1e21}, {"c", -1.5e-7}, {"d", 4'294'967'296}, {"e", 9'007'199'254'740'991}, {"f", 123456789.98765433}, {"g", 1.0}, {"h", -2'147'483'649}})));
    for (std::string const session : {"0", "007", "1e3", "1.0", "true", "null", "-"}) sent.push_back(g.next(set("session_id", session)));
    auto const longest = std::string(127, 'x');
    sent.push_back(g.next(both(both(set("session_id", longest + "1"), set("event_type", longest + "2")), set("model", longest + longest + "3"))));
    for (double const cost : {0.00005, 0.000012345, 1e-9, 0.1, 1234.56789, 999999.999999}) sent.push_back(g.next(set("cost_usd", cost)));
    for (auto const& e : sent) acked(s, g.l.tell(e), "an event with unusual values");
    auto const stored = g.stored();
    for (auto const& e : sent) {
        auto const* entry = find_event(stored, id_of(e));
        s.expect(entry != nullptr, "an event with unusual values is in the list", show(json::value(e)));
        for (char const* name : {"event_type", "session_id", "source_backend", "metadata", "model", "cost_usd"}) has_value(s, *entry, name, e.at(name));
    }
}

void instants_of_events(scenario& s) {
    telemetry_ground g{s};
    std::vector<json::object> sent;
    auto const recent = s.now();
    for (std::uint32_t const fraction : {0u, 1u, 999'999'999u, 123'456'789u, 1'000u, 999'000u, 500'000'000u})
        for (char const* offset : {"Z", "+02:00"}) {
            auto t = instant{recent.seconds - 100, fraction};
            if (*offset != 'Z') t = t + std::chrono::hours{2};
            auto text = format_timestamp(t);
            text.pop_back();
            sent.push_back(g.next(set("timestamp", text + offset)));
        }
    for (auto const& e : sent) acked(s, g.l.tell(e), "an event of " + text_at(json::value(e), "/timestamp"));
    auto const stored = g.stored();
    for (auto const& e : sent) {
        auto const* entry = find_event(stored, id_of(e));
        s.expect(entry != nullptr, "the event is in the list", "it is not");
        auto const expected = text_at(json::value(e), "/timestamp"), got = text_at(json::value(*entry), "/timestamp");
        auto const held = parse_timestamp(got);
        s.expect(held && *held == parse_timestamp(expected).value(), "a timestamp of the instant " + expected, got);
    }
    // However long ago: acknowledged, and as old as it is it may have expired.
    for (std::string const old : {"1970-01-01T00:00:00Z", "1969-12-31T23:59:59.5Z", "1901-12-13T20:45:51Z", "1600-01-01T00:00:00Z", "0001-01-01T00:00:00Z"}) acked(s, g.l.tell(g.next(set("timestamp", old))), "an event of " + old);
}

/// A client may stamp an event anew, or say more of it, when it sends it again.
void repeated_events_are_the_first(scenario& s) {
    telemetry_ground g{s};
    auto const b = s.register_peer();
    line of_b{s, b};
    opens(s, of_b, "another peer of the user");
    auto const elsewhere = s.fresh("src");
    auto const first = set("timestamp", "2025-12-30T23:59:59Z");
    std::vector<std::pair<std::string, json::object>> sent;
    for (auto const& [what, change] : {variant{"the timestamp of the next day", set("timestamp", "2025-12-31T00:00:01Z")}, variant{"a timestamp of the next year", set("timestamp", "2026-01-01T00:00:00Z")},
                                       variant{"a timestamp of years before", set("timestamp", "2019-02-03T04:05:06Z")}, variant{"the same instant in another zone", set("timestamp", "2025-12-31T01:59:59+02:00")},
                                       variant{"another session_id", set("session_id", "sess_2")}, variant{"another event_type", set("event_type", "capture")}, variant{"another source_backend", set("source_backend", elsewhere)},
                                       variant{"another model", set("model", "large-2")}, variant{"without its metrics", both(both(drop("latency_ms"), drop("tokens_used")), both(drop("cost_usd"), drop("model")))}}) {
        auto const e = g.next(first);
        auto again = e;
        change(again);
        is_acked(s, g.l.tell(e), "an event");
        acked(s, g.l.tell(again), "the event again, with " + what + ",");
        acked(s, of_b.tell(again), "the event from another peer of the user, with " + what + ",");
        acked(s, g.l.tell(e), "the event as it was first");
        sent.emplace_back(what, e);
    }
    auto const stored = g.stored(), others = events_from(s, s.user(), elsewhere);
    for (auto const& [what, e] : sent) {
        auto const times = count_of(stored, id_of(e)) + count_of(others, id_of(e));
        s.expect(times == 1, "an event that came again with " + what + " is listed once", std::to_string(times) + " times");
        auto const* entry = find_event(stored, id_of(e));
        s.expect(entry != nullptr, "an event that came again with " + what + " is the first", "it is the last");
        for (char const* name : {"session_id", "event_type", "source_backend", "model"}) has_value(s, *entry, name, e.at(name));
        auto const at = parse_timestamp(text_at(*entry, "/timestamp"));
        s.expect(at && *at == *parse_timestamp("2025-12-30T23:59:59Z"), "an event that came again with " + what + " has the timestamp of the first", text_at(*entry, "/timestamp"));
    }
}

/// A name is the same name in every JSON spelling (BSP-GEN-031), and a look into the text finds one of them.
void escaped_names_of_events(scenario& s) {
    telemetry_ground g{s};
    auto const replaced = [](std::string text, std::string_view what, std::string_view by) {
        auto const at = text.find(what);
        return at == text.npos ? text : text.replace(at, what.size(), by);
    };
    json::object const telling{{"note", "received_at, \"received_at\": and \\u0072eceived_at"}, {"received_at", "2001-09-09T01:46:40Z"}};
    std::vector<json::object> sent;
    auto const tell = [&](json::object const& e, std::string const& text, std::string const& what) {
        acked(s, (g.l.send_text(text, "an event " + what), g.l.answer_to(id_of(e))), "an event " + what);
        sent.push_back(e);
        auto const x = s.user().get("/telemetry/events?limit=500&source_backend=" + percent_encode_segment(g.source));
        s.expect(x.ok() && x.at("/events") && x.at("/events")->is_array(), "the list of events that has an event " + what + " is I-JSON, with no name twice", x.ok() ? "it cannot be read: " + x.bytes().substr(0, 200) : x.describe());
    };
    for (bool const telling_too : {false, true})
        for (auto const& [what, spelled] : {std::pair<std::string, std::string>{"received_at", "\"received_at\":"}, {"received\\u005fat", "\"received\\u005fat\":"}, {"\\u0072eceived_at", "\"\\u0072eceived_at\":"},
                                            {"received_a\\u0074, and a blank before the colon", "\"received_a\\u0074\" :"}, {"received_at, and a line's end before the colon", "\"received_at\"\n:"}}) {
            auto const e = telling_too ? g.next(set("metadata", telling)) : g.next();
            auto text = json::serialize(e);
            text.insert(text.size() - 1, "," + spelled + "\"2001-09-09T01:46:40Z\"");
            tell(e, text, "with a member " + what + (telling_too ? ", and one of that name in its metadata" : ""));
        }
    for (std::string const name : {"event_id", "event_type", "session_id", "timestamp", "source_backend", "metadata", "latency_ms", "model"}) {
        auto const e = g.next();
        auto const escaped = "\"\\u00" + std::string{"67"}.substr(name[0] >= 'p', 1) + "0123456789abcdef"[name[0] & 15] + name.substr(1) + "\":";
        tell(e, replaced(json::serialize(e), '"' + name + "\":", escaped), "whose " + name + " is spelled with an escape");
    }
    auto const stored = g.stored();
    for (auto const& e : sent) {
        s.expect(count_of(stored, id_of(e)) == 1, "an event whose names have escapes is listed once", std::to_string(count_of(stored, id_of(e))) + " times");
        auto const* entry = find_event(stored, id_of(e));
        for (char const* name : {"event_type", "session_id", "source_backend", "metadata", "latency_ms", "model"}) has_value(s, *entry, name, e.at(name));
    }
    auto const e = g.next();
    auto const t = g.l.tell_text(replaced(json::serialize(e), "\"model\":", "\"\\u006dodel\":\"first\",\"model\":"));
    s.expect(t.rejected(), "an event with a name twice, once with an escape, is rejected", t.describe());
    s.expect(count_of(g.stored(), id_of(e)) == 0, "an event with a name twice is not stored", "it is");
    g.goes_on("that");
}

void ids_of_events(scenario& s) {
    telemetry_ground g{s};
    auto const number = std::to_string(1'000'000'000 + s.pick(1'000'000'000)) + std::to_string(s.now().seconds % 100'000);
    auto const first = g.next(set("metadata", json::object{{"copy", "first"}}));
    acked(s, g.l.tell(first), "an event");
    std::vector<std::string> ids;
    for (char const* start : {"", "0", "00", "-", "0x"}) ids.push_back(start + number);
    for (char const* end : {".0", ".", "e0", "E0", "e1", ".00", "n"}) ids.push_back(number + end);
    auto const long_one = number + std::string(64, 'x');
    for (char const* end : {"a", "b", "ab"}) ids.push_back(long_one + end);
    for (auto const& id : ids) acked(s, g.l.tell(g.next(set("event_id", id))), "an event of the id " + id);
    std::vector<std::string> more;
    for (int i = 0; i < 120; ++i) more.push_back(json::serialize(g.next()));
    g.l.send_all(more, "120 further events");
    s.control(g.l.answers(120).size() == 120, "120 further events are answered");
    auto second = first;
    second["metadata"] = json::object{{"copy", "second"}};
    acked(s, g.l.tell(second), "an event that was sent 140 events before");
    auto const stored = g.stored();
    for (auto const& id : ids) s.expect(count_of(stored, id) == 1, "the event of the id " + id + " is stored, beside others of ids much like it", std::to_string(count_of(stored, id)) + " times");
    s.expect(count_of(stored, id_of(first)) == 1, "the event that was sent twice is stored once", std::to_string(count_of(stored, id_of(first))) + " times");
    has_value(s, *find_event(stored, id_of(first)), "metadata", first.at("metadata"));
}

void sources_are_exact(scenario& s) {
    telemetry_ground g{s};
    auto const stem = s.fresh("Src");
    std::vector<std::string> const sources{stem + "_a", stem + "xa", stem + "%a", stem + "%", stem, stem + " ", stem + "+a", stem + " a", stem + "&a=b", stem + "%20a", stem + "/a", stem + "*", stem + ".a", stem + "caf\u00e9", stem + "cafe", "s" + stem.substr(1)};
    for (auto const& source : sources) acked(s, g.l.tell(event(s, source)), "an event from " + source);
    for (auto const& source : sources) {
        auto const list = events_from(s, s.user(), source);
        s.expect(list.size() == 1 && text_at(json::value(list.front()), "/source_backend") == source, "the list with source_backend \"" + source + "\" has the one event from there", show(ids_at(json::value(json::array(list.begin(), list.end())), "", "source_backend")));
    }
}

void lenient_events(scenario& s) {
    telemetry_ground g{s};
    for (auto const& [what, broken] : {std::pair<std::string, std::string (*)(std::string)>{"with another text after it", [](std::string t) { return t + " {}"; }}, {"with a word after it", [](std::string t) { return t + "x"; }},
                                       {"with a comma too many", [](std::string t) { return t.insert(t.size() - 1, ","); }}, {"with a comment", [](std::string t) { return t.insert(1, "/* x */"); }},
                                       {"with a plus sign", [](std::string t) { return t.insert(t.find("412"), "+"); }}, {"with a zero too many", [](std::string t) { return t.insert(t.find("412"), "0"); }}}) {
        auto const e = g.next();
        auto const t = g.l.tell_text(broken(json::serialize(e)));
        s.expect(t.rejected(), "an event " + what + " is rejected", t.describe());
        s.expect(count_of(g.stored(), id_of(e)) == 0, "an event " + what + " is not stored", "it is");
    }
    // A name in another case is another name.
    auto const e = g.next(both(both(set("Latency_MS", "x"), set("Metadata", "x")), both(set("EVENT_TYPE", 7), set("Cost_USD", -1))));
    acked(s, g.l.tell(e), "an event with unknown members whose names differ in case from known ones");
    auto const stored = g.stored();
    auto const* entry = find_event(stored, id_of(e));
    s.expect(entry != nullptr, "it is in the list", "it is not");
    for (char const* name : {"latency_ms", "metadata", "event_type", "cost_usd"}) has_value(s, *entry, name, e.at(name));
}

void characters_are_not_bytes(scenario& s) {
    telemetry_ground g{s};
    auto const e = g.next(set("metadata", json::object{{"text", ""}}));
    auto const room = 65'536 - json::serialize(e).size();
    std::string text;
    while (text.size() + 4 <= room) text += "\U0001F600";
    acked(s, g.l.tell(g.next(set("metadata", json::object{{"text", text}}))), "an event of some 65,530 bytes, most of them of characters of four bytes");
    closes_with(s, g, {too_long}, "a message of more than 65,536 bytes, and less characters,", [&](line& l) { send_too_long(l, {.payload = json::serialize(g.next(set("metadata", json::object{{"text", text + text.substr(0, 400)}})))}); });
}

// ---- settings and erasures ----

void settings_put_at_once(scenario& s) {
    own_settings const own{s};
    for (int round = 0; round < 6; ++round) {
        bool const even = round % 2 == 0;
        json::object const wanted{{"retention_days", 400 + round}, {"redact_pii", even}, {"sync_telemetry", !even}, {"x-note", "round " + std::to_string(round)}};
        std::vector<std::function<exchange()>> puts;
        for (auto const& m : wanted) {
            auto const body = json::serialize(json::object{{"user_id", s.account().id}, {m.key(), m.value()}});
            puts.push_back([&s, body] { return s.user().call("PUT", settings_path, body); });
        }
        for (auto const& x : s.together(puts)) s.control(x, "a PUT of one setting, beside others");
        for (char const* name : {"retention_days", "redact_pii", "sync_telemetry"}) own.is(name, wanted.at(name), "when others were put at the same time");
    }
}

void names_of_settings(scenario& s) {
    own_settings const own{s};
    own.say({{"retention_days", 123}, {"redact_pii", true}});
    s.accepted(own.try_to_say({{"Retention_Days", 7}, {"RETENTION_DAYS", "x"}, {"retentionDays", 9}, {"Redact_Pii", false}}), "a PUT with unknown members whose names are like those of known ones");
    own.is("retention_days", 123, "after a PUT that does not name it");
    own.is("redact_pii", true, "after a PUT that does not name it");
    for (json::value const& wrong : {json::value(true), json::value(false), json::value("7"), json::value(json::array{7})}) {
        s.refused(own.try_to_say({{"retention_days", wrong}}), "retention_days " + show(wrong), {.statuses = {422, 400}});
        own.is("retention_days", 123, "after a refused PUT");
    }
    for (json::value const& wrong : {json::value(1), json::value(0), json::value("true"), json::value("")}) {
        s.refused(own.try_to_say({{"redact_pii", wrong}}), "redact_pii " + show(wrong), {.statuses = {422, 400}});
        own.is("redact_pii", true, "after a refused PUT");
    }
}

void much_is_erased(scenario& s) {
    own_settings const own{s};
    auto const a = s.register_peer();
    auto const word = s.canary();
    std::vector<json::object> all;
    for (int i = 0; i < 130; ++i) all.push_back(s.conversation(s.fresh("c"), 1, {s.message("m1", word)}, set("title", word)));
    std::vector<json::object> messages;
    for (int i = 0; i < 1'000; ++i) messages.push_back(s.message("m" + std::to_string(i), word));
    all.push_back(s.conversation(s.fresh("c"), 1, messages));
    s.control(a.push(all), "a push of 131 conversations");
    auto const first = text_at(json::value(all.front()), "/conversation_id"), last = text_at(json::value(all.back()), "/conversation_id");
    for (auto const& c : {first, last}) s.control(shows(s.user().read(c), word), "what is to be erased is there");  // and in whatever cache there is
    std::optional<own_settings> mine;  // an erasure may take them with it (BSP-PRV-094)
    if (s.shared().has_privacy) mine.emplace(s);
    auto const erased = s.user().del("/privacy/data");
    if (erased.status() == 404 || erased.status() == 501) s.not_applicable("erasure is not offered");
    s.control(erased, "the erasure");
    for (auto const& c : all) {
        auto const id = text_at(json::value(c), "/conversation_id");
        if (id != first && id != last && s.pick(8) != 0) continue;
        s.expect(!shows(s.user().read(id), word) && !shows(a.read(id), word), "nothing of a conversation that was erased is read again, by user or peer", "it is");
    }
    auto const list = whole_list(s, s.user(), 500);
    s.expect(json::serialize(json::array(list.begin(), list.end())).find(word) == std::string::npos, "of 131 conversations that were erased none is listed", std::to_string(list.size()) + " conversations are");
    // An id that differs from an erased one in case is another id.
    auto const x = a.push({s.conversation(first, 5, {s.message("M1", "new", 1)})});
    s.accepted(x, "a push of a message whose id differs in case from one that was erased");
    s.expect(message_ids(s.user(), first) == std::vector<std::string>{"M1"}, "the message M1, after m1 was erased", show(message_ids(s.user(), first)));
}

void many_events_are_erased(scenario& s) {
    telemetry_ground g{s};
    std::vector<std::string> texts;
    for (int i = 0; i < 130; ++i) texts.push_back(json::serialize(g.next()));
    g.l.send_all(texts, "130 events");
    s.control(g.l.answers(130).size() == 130, "130 events are answered");
    s.control(g.stored().size() == 131, "131 events are listed");
    std::optional<own_settings> mine;  // an erasure may take them with it (BSP-PRV-094)
    if (s.shared().has_privacy) mine.emplace(s);
    auto const erased = s.user().del("/privacy/data");
    if (erased.status() == 404 || erased.status() == 501) s.not_applicable("erasure is not offered");
    s.control(erased, "the erasure");
    s.expect(g.stored().empty(), "of 131 events that were erased none is listed", std::to_string(g.stored().size()) + " are");
}

}  // namespace bsp::conformance
