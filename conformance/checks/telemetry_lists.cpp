#include "answer_forms.hpp"
#include "habits.hpp"
#include "telemetry.hpp"

#include <algorithm>
#include <set>

namespace bsp::conformance {

namespace {

void list_needs_credential(scenario& s) {
    telemetry_ground g{s};
    std::string const path = "/telemetry/events?source_backend=" + percent_encode_segment(g.source);
    auto const shown = s.user().get(path);
    s.control(shown, "the list with the user's credential");
    s.control(objects_at(shown.body(), "/events").size() == 1, "the list has the event");
    s.refused(s.nobody().get(path), "the list without a credential", {.statuses = {401}});
    s.refused(s.user().get(path, {.secret = "not-the-secret-of-this-user-at-all-0123456789"}), "the list with another secret", {.statuses = {401}});
    s.refused(s.user().get(path, {.claims = set("htu", s.target_path("/conversations"))}), "the list with an assertion for another path", {.statuses = {401}});
    s.refused(s.user().get(path, {.claims = both(set("iat", s.now().seconds - 200), set("exp", s.now().seconds - 5))}), "the list with an expired assertion", {.statuses = {401}});
    s.refused(g.a.get(path, {.signer = s.key()}), "the list with a peer's assertion under another key", {.statuses = {401}});
}

void list_has_its_members(scenario& s) {
    telemetry_ground g{s};
    for (auto const& [what, who] : {std::pair<std::string, caller>{"the user", s.user()}, {"the peer", g.a}}) {
        auto const x = who.get("/telemetry/events?source_backend=" + percent_encode_segment(g.source));
        s.accepted(x, "the list for " + what);
        auto const* events = x.at("/events");
        s.expect(events && events->is_array() && events->get_array().size() == 1, "an array events with the one event", events ? show(*events) : "absent");
        auto const* more = x.at("/has_more");
        s.expect(more && more->is_bool() && !more->get_bool(), "has_more false", more ? show(*more) : "absent");
    }
}

void list_has_all_peers(scenario& s) {
    auto const since = s.in_seconds(-60);
    telemetry_ground g{s};
    auto const b = s.register_peer();
    line of_b{s, b};
    opens(s, of_b, "a second peer");
    auto const from_a = g.next(), from_b = g.next();
    is_acked(s, g.l.tell(from_a), "an event of the first peer");
    is_acked(s, of_b.tell(from_b), "an event of the second peer");
    for (auto const& [what, who] : {std::pair<std::string, caller>{"the user", s.user()}, {"the first peer", g.a}, {"the second peer", b}}) {
        auto const filtered = events_from(s, who, g.source);
        auto const recent = all_events(s, who, "since=" + percent_encode_segment(since));
        for (auto const& [name, e] : {std::pair{"first", from_a}, {"second", from_b}}) {
            s.expect(count_of(filtered, id_of(e)) == 1, std::string{"the event of the "} + name + " peer is shown to " + what, "it is not");
            s.expect(count_of(recent, id_of(e)) == 1, std::string{"the event of the "} + name + " peer is in the list without source_backend for " + what, "it is not");
        }
    }
}

void tenants_are_apart(scenario& s) {
    auto const since = "since=" + percent_encode_segment(s.in_seconds(-60));
    telemetry_ground g{s};
    auto const other = s.register_peer_of(s.other_account());
    line of_other{s, other};
    opens(s, of_other, "a peer of the other user");
    auto const mine = g.next(), theirs = g.next();
    is_acked(s, g.l.tell(mine), "an event");
    is_acked(s, of_other.tell(theirs), "an event of the other user");
    auto const both_ids = [&](std::string const& what, std::vector<json::object> const& list, json::object const& own, json::object const& foreign) {
        s.expect(count_of(list, id_of(own)) == 1, what + " has the caller's own event", "it has not");
        s.expect(count_of(list, id_of(foreign)) == 0, what + " has no event of another user", "it has " + id_of(foreign));
    };
    both_ids("the list of the first user", events_from(s, s.user(), g.source), mine, theirs);
    both_ids("the list of the second user", events_from(s, s.other_user(), g.source), theirs, mine);
    both_ids("the list of the first user's peer", all_events(s, g.a, since), mine, theirs);
    both_ids("the list of the second user's peer", all_events(s, other, since), theirs, mine);
}

/// Who sends an event again changes nothing of the one that was stored first (BSP-TEL-053).
void repetitions_keep_their_place(scenario& s) {
    telemetry_ground g{s};
    auto const a = g.next(), b = g.next(), c = g.next();
    for (auto const& e : {a, b, c}) is_acked(s, g.l.tell(e), "an event");
    auto const path = "/telemetry/events?limit=2&source_backend=" + percent_encode_segment(g.source);
    auto const received = [&] {
        auto const list = g.stored();
        auto const* e = find_event(list, id_of(a));
        s.control(e != nullptr, "the list has the event");
        return text_at(*e, "/received_at");
    };
    auto const before = received();
    auto page = s.user().get(path);
    s.control(page, "the first page of two events");
    auto seen = objects_at(page.body(), "/events");
    acked(s, g.l.tell(a), "the second event again, when it stood on a page");
    auto const goes_on = [](exchange const& x) { return x.at("/has_more") && *x.at("/has_more") == true; };
    for (int pages = 1; goes_on(page) && pages < 10; ++pages) {
        page = s.user().get(path + "&cursor=" + percent_encode_segment(page.text("/cursor")));
        s.control(page, "the next page");
        for (auto const& e : objects_at(page.body(), "/events")) seen.push_back(e);
    }
    for (auto const& e : {a, b, c}) s.expect(count_of(seen, id_of(e)) == 1, "the pages of a list have each event once, though one is sent again meanwhile", id_of(e) + ": " + std::to_string(count_of(seen, id_of(e))) + " times");
    s.expect(received() == before, "received_at of an event that was sent again is that of its first arrival, " + before, received());
}

void source_is_exact(scenario& s) {
    telemetry_ground g{s};
    std::string const stem = s.fresh("Src");
    auto lower = stem;
    lower[0] = 's';
    std::vector<std::string> const labels{stem, lower, stem + "_2", stem + " %2B+&=/\xC3\xA9", "%" + stem};
    std::vector<std::string> ids;
    for (auto const& label : labels) {
        auto const e = event(s, label);
        is_acked(s, g.l.tell(e), "an event of the source " + label);
        ids.push_back(id_of(e));
    }
    for (std::size_t i = 0; i < labels.size(); ++i) {
        auto const list = events_from(s, s.user(), labels[i]);
        for (std::size_t other = 0; other < labels.size(); ++other)
            s.expect((count_of(list, ids[other]) == 1) == (other == i), "the list of the source " + labels[i] + (other == i ? " has its event" : " has no event of " + labels[other]), other == i ? "absent" : "it has");
        s.expect(list.size() == 1, "the list of the source " + labels[i] + " has nothing else", std::to_string(list.size()) + " entries");
    }
    s.expect(events_from(s, s.user(), s.fresh("none")).empty(), "the list of a source without events is empty", "it is not");
    // On every page: between the events of one source lie those of another.
    auto const one = s.fresh("src"), other = s.fresh("src");
    for (int i = 0; i < 3; ++i)
        for (auto const& source : {one, other}) is_acked(s, g.l.tell(event(s, source)), "an event");
    std::string cursor;
    for (std::size_t page = 0, seen = 0; page < 4; ++page) {
        auto const x = s.user().get("/telemetry/events?limit=1&source_backend=" + percent_encode_segment(one) + (cursor.empty() ? "" : "&cursor=" + percent_encode_segment(cursor)));
        s.control(x, "a page of a list with source_backend");
        auto const entries = objects_at(x.body(), "/events");
        for (auto const& e : entries) s.expect(text_at(e, "/source_backend") == one, "each page of a list with source_backend has events of that source only", show(e));
        seen += entries.size();
        bool const more = x.at("/has_more") && *x.at("/has_more") == json::value(true);
        cursor = x.text("/cursor");
        if (!more || page == 3) {
            s.expect(seen == 3 && !more, "its pages have all three events, and come to an end", std::to_string(seen) + " events on " + std::to_string(page + 1) + " pages");
            break;
        }
    }
}

void since_is_by_the_server(scenario& s) {
    telemetry_ground g{s};
    auto const query = [&](std::string const& since) { return all_events(s, s.user(), "source_backend=" + percent_encode_segment(g.source) + "&since=" + percent_encode_segment(since)); };
    auto const before = s.in_seconds(-30);
    auto const old = g.next(set("timestamp", s.keeps("2001-09-09T01:46:40Z") ? json::value("2001-09-09T01:46:40Z") : json::value(s.in_seconds(-9 * 365 * 86'400)))), ahead = g.next(set("timestamp", s.in_seconds(86'400)));
    is_acked(s, g.l.tell(old), "an event with an old timestamp");
    auto const t = g.l.tell(ahead);
    bool const has_ahead = t.acked();
    auto const since_before = query(before);
    s.expect(count_of(since_before, id_of(old)) == 1, "an event received just now is listed since 30 s before, however old its timestamp", "it is not");
    if (has_ahead) s.expect(count_of(since_before, id_of(ahead)) == 1, "an event received just now is listed since 30 s before, however late its timestamp", "it is not");
    auto const later = query(s.in_seconds(12));
    s.expect(count_of(later, id_of(old)) == 0, "an event is not listed since 12 s after it was received", "it is");
    if (has_ahead) s.expect(count_of(later, id_of(ahead)) == 0, "an event with a timestamp of tomorrow is not listed since 12 s after it was received", "it is");
    s.expect(query("1970-01-01T00:00:00Z").size() >= 2, "all are listed since 1970", "they are not");
    for (auto const& e : since_before)
        if (auto const at = text_at(e, "/received_at"); !at.empty()) s.expect(count_of(query(at), id_of(e)) == 1, "an event is listed since its own received_at", id_of(e) + " is not, since " + at);
}

void since_in_the_future(scenario& s) {
    telemetry_ground g{s};
    auto const x = s.user().get("/telemetry/events?since=" + percent_encode_segment(s.in_seconds(3600)));
    s.accepted(x, "a list since an hour ahead");
    auto const* events = x.at("/events");
    s.expect(events && events->is_array() && events->get_array().empty(), "its events are empty", events ? show(*events) : "absent");
}

void since_spellings(scenario& s) {
    telemetry_ground g{s};
    auto const at = [&](std::string const& since) { return s.user().get("/telemetry/events?source_backend=" + percent_encode_segment(g.source) + "&since=" + percent_encode_segment(since)); };
    for (char const* good : {"2024-01-01T00:00:00Z", "2024-01-01t00:00:00.123456789z", "2024-01-01T00:00:00", "2024-01-01T02:00:00+02:00", "2023-12-31T14:00:00-10:00"}) {
        auto const x = at(good);
        s.accepted(x, std::string{"a list since "} + good);
        s.expect(objects_at(x.body(), "/events").size() == 1, std::string{"the list since "} + good + " has the event", show(x.body()));
    }
    for (char const* bad : {"yesterday", "2024-01-01", "1704067200", "2024-02-30T00:00:00Z", ""}) s.refused(at(bad), std::string{"a list since \""} + bad + "\"", {.statuses = {400, 422}});
}

void entries_are_what_was_sent(scenario& s) {
    telemetry_ground g{s};
    // Listed before, and another one in everything.
    is_acked(s, g.l.tell(g.next([&](json::object& o) { o["timestamp"] = s.in_seconds(-3'600), o["session_id"] = s.fresh("sess"), o["event_type"] = "earlier", o["model"] = "earlier-1", o["latency_ms"] = 77, o["tokens_used"] = 5, o["cost_usd"] = 2.5; })), "an earlier event");
    (void)g.stored();
    json::object const metadata{{"question", "caf\xC3\xA9 \xF0\x9F\x98\x80 \"q\" \\ / \t\x7F"}, {"nested", json::object{{"list", json::array{1, -2.5, nullptr, true, json::object{{"deep", "x"}}}}, {"empty", json::object{}}}},
                                {"mail", json::object{{"subject", "x"}, {"received_at", "2025-01-01T00:00:00Z"}, {"timestamp", "then"}, {"peer_id", "someone"}, {"user_id", "someone"}}}, {"received_at", 1},
                                {"cost_usd", 7}, {"event_id", "not-this"}, {"", "an empty name"}, {"nul", std::string("a\0b", 3)}, {std::string("n\0", 2), "x"}, {"big", std::int64_t{9007199254740993}}, {"tiny", 1e-300}};
    auto const e = g.next(both(both(both(set("metadata", metadata), set("session_id", s.fresh("sess"))), set("event_type", "caf\xC3\xA9/x")), both(both(set("model", "m\xC3\xB6" "del 1" + std::string(300, 'x')), set("latency_ms", 0)), set("timestamp", s.in_seconds(-1'800)))));
    is_acked(s, g.l.tell(e), "an event with much in it");
    auto const stored = g.stored();
    auto const* entry = find_event(stored, id_of(e));
    s.expect(entry != nullptr, "the event is listed", "absent");
    for (auto const& m : e)
        if (m.key() != "timestamp") has_value(s, *entry, json::view(m.key()), m.value());
    auto const sent = parse_timestamp(text_at(e, "/timestamp")), got = parse_timestamp(text_at(*entry, "/timestamp"));
    s.expect(got && *got == *sent, "the timestamp is of the same instant", text_at(*entry, "/timestamp"));
}

void costs_are_doubles(scenario& s) {
    telemetry_ground g{s};
    for (double const cost : {0.0045, 0.1, 1.0 / 3.0, 123456.789012345, 1e-9, 999'999.999999}) {
        auto const e = g.next(set("cost_usd", cost));
        is_acked(s, g.l.tell(e), "an event that costs " + json::serialize(json::value(cost)));
        auto const stored = g.stored();
        auto const* entry = find_event(stored, id_of(e));
        auto const* got = entry ? entry->if_contains("cost_usd") : nullptr;
        s.expect(got && got->is_number() && got->to_number<double>() == cost, "cost_usd is " + json::serialize(json::value(cost)), got ? show(*got) : "absent");
    }
}

void timestamps_stay(scenario& s) {
    telemetry_ground g{s};
    for (char const* text : {"2025-12-31T01:00:00.500+01:00", "2025-12-31T00:00:00.123456", "2025-12-31t00:00:00z", "2025-12-31T00:00:00.100000000Z"}) {
        auto const e = g.next(set("timestamp", text));
        is_acked(s, g.l.tell(e), std::string{"an event of "} + text);
        auto const stored = g.stored();
        auto const* entry = find_event(stored, id_of(e));
        s.expect(entry && text_at(*entry, "/timestamp") == text, std::string{"the timestamp is "} + text, entry ? text_at(*entry, "/timestamp") : "absent");
    }
}

void received_at_is_the_servers(scenario& s) {
    telemetry_ground g{s};
    auto const before = s.now() - seconds{5};
    auto const e = g.next(set("received_at", "2001-09-09T01:46:40Z"));
    is_acked(s, g.l.tell(e), "an event with a received_at of its own");
    auto const stored = g.stored();
    auto const* entry = find_event(stored, id_of(e));
    s.control(entry != nullptr, "the event is listed");
    auto const got = parse_timestamp(text_at(*entry, "/received_at"));
    s.expect(got.has_value(), "an entry has received_at, a timestamp", text_at(*entry, "/received_at"));
    s.expect(*got >= before && *got <= s.now() + seconds{5}, "received_at is when the server received it", text_at(*entry, "/received_at"));
    // The same name in another spelling.
    auto const spelled = g.next();
    auto text = json::serialize(spelled);
    text.insert(text.size() - 1, ",\"received\\u005fat\":\"2001-09-09T01:46:40Z\"");
    s.control((g.l.send_text(text, "an event with a member received\\u005fat"), g.l.answer_to(id_of(spelled))).acked(), "an event with a member received\\u005fat is acknowledged");
    auto const with_it = g.stored();
    auto const* of_it = find_event(with_it, id_of(spelled));
    s.control(of_it != nullptr, "it is listed");
    auto const its = parse_timestamp(text_at(*of_it, "/received_at"));
    s.expect(its && *its >= before, "received_at is when the server received it, however the event spells that name", text_at(*of_it, "/received_at"));
    s.wait_until(*got + std::chrono::milliseconds{1'200});
    auto const next = g.next();
    is_acked(s, g.l.tell(next), "an event a second later");
    auto const after = g.stored();
    auto const* second = find_event(after, id_of(next));
    s.control(second != nullptr, "the later event is listed");
    auto const moment = parse_timestamp(text_at(*second, "/received_at"));
    s.expect(moment && *moment > *got, "what came a second later has a later received_at than " + text_at(*entry, "/received_at"), text_at(*second, "/received_at"));
}

void list_is_in_order(scenario& s) {
    telemetry_ground g{s};
    std::vector<std::string> sent;
    for (auto const& e : g.stored()) sent.push_back(id_of(e));
    for (int i = 0; i < 12; ++i) {
        auto const e = g.next(set("timestamp", s.in_seconds(-i * 60)));
        is_acked(s, g.l.tell(e), "an event");
        sent.push_back(id_of(e));
    }
    std::vector<std::string> got;
    for (auto const& e : g.stored()) got.push_back(id_of(e));
    s.expect(got == sent, "the events come in the order in which they were received", show(got));
}

void pages_are_whole(scenario& s) {
    telemetry_ground g{s};
    std::set<std::string> sent;
    for (auto const& e : g.stored()) sent.insert(id_of(e));
    while (sent.size() < 11) {
        auto const e = g.next(set("timestamp", s.in_seconds(-static_cast<int>(sent.size() % 3))));
        is_acked(s, g.l.tell(e), "an event");
        sent.insert(id_of(e));
    }
    std::string const query = "/telemetry/events?source_backend=" + percent_encode_segment(g.source);
    for (int const limit : {1, 2, 5, 11, 500}) {
        std::vector<std::string> got;
        std::string cursor;
        bool more = true;
        for (int page = 0; more; ++page) {
            s.expect(page < 30, "pages with limit " + std::to_string(limit) + " come to an end", "after 30 pages there are more");
            auto const x = s.user().get(query + "&limit=" + std::to_string(limit) + (cursor.empty() ? "" : "&cursor=" + percent_encode_segment(cursor)));
            s.control(x.ok(), "a page of the list, got " + x.describe());
            auto const entries = objects_at(x.body(), "/events");
            s.expect(entries.size() <= static_cast<std::size_t>(limit), "at most " + std::to_string(limit) + " entries on a page", std::to_string(entries.size()));
            for (auto const& e : entries) got.push_back(id_of(e));
            auto const* has_more = x.at("/has_more");
            s.expect(has_more && has_more->is_bool(), "has_more, a boolean", has_more ? show(*has_more) : "absent");
            more = has_more->get_bool();
            cursor = x.text("/cursor");
            s.expect(!more || !cursor.empty(), "a page with has_more true has a cursor", "none");
        }
        std::set<std::string> const distinct(got.begin(), got.end());
        s.expect(got.size() == distinct.size(), "no event is on two pages with limit " + std::to_string(limit), show(got));
        s.expect(distinct == sent, "the pages with limit " + std::to_string(limit) + " hold all " + std::to_string(sent.size()) + " events and no others", std::to_string(distinct.size()) + " distinct");
    }
}

/// A server may end a page before it has as many entries as were asked for, and what it left out then comes next.
void long_pages_are_whole(scenario& s) {
    constexpr int count = 90;
    telemetry_ground g{s};
    std::set<std::string> sent;
    for (auto const& e : g.stored()) sent.insert(id_of(e));
    for (int batch = 0; batch < 3; ++batch) {
        std::vector<std::string> texts;
        for (int i = 0; i < count / 3; ++i) {
            auto const e = g.next(set("metadata", json::object{{"pad", std::string(60'000, 'p')}}));
            sent.insert(id_of(e));
            texts.push_back(json::serialize(e));
        }
        g.l.send_all(texts, "30 events of 60,000 bytes at once");
        auto const answers = g.l.answers(texts.size());
        s.control(answers.size() == texts.size() && std::ranges::all_of(answers, [](auto const& a) { return text_at(a, "/status") == "acked"; }), "30 events of 60,000 bytes are acknowledged");
    }
    std::set<std::string> listed;
    for (auto const& e : g.stored()) s.expect(listed.insert(id_of(e)).second, "each event once on the pages of a list of 5 MB", id_of(e) + " twice");
    std::size_t missing = 0;
    for (auto const& id : sent) missing += !listed.contains(id);
    s.expect(missing == 0, "all " + std::to_string(sent.size()) + " acknowledged events on the pages of a list of 5 MB", std::to_string(missing) + " are on none");
}

void page_has_a_hundred(scenario& s) {
    telemetry_ground g{s};
    std::vector<std::string> texts;
    for (int i = 0; i < 110; ++i) texts.push_back(json::serialize(g.next()));
    g.l.send_all(texts, "110 events");
    s.control(g.l.answers(110).size() == 110, "110 events are answered");
    auto const x = s.user().get("/telemetry/events?source_backend=" + percent_encode_segment(g.source));
    s.accepted(x, "the list without a limit");
    auto const n = objects_at(x.body(), "/events").size();
    s.expect(n <= 100, "at most 100 entries on a page without a limit", std::to_string(n));
    s.expect(x.at("/has_more") && *x.at("/has_more") == true, "has_more is true", show(x.body(), 60));
}

void limits_are_checked(scenario& s) {
    telemetry_ground g{s};
    s.control(s.user().get("/telemetry/events?limit=1"), "a list with limit 1");
    for (char const* bad : {"0", "-1", "two", "1.5", ""}) s.refused(s.user().get(std::string{"/telemetry/events?limit="} + bad), std::string{"a list with the limit \""} + bad + "\"", {.statuses = {400, 422}});
    auto const x = s.user().get("/telemetry/events?limit=501");
    s.expect(x.ok() || x.status() == 400 || x.status() == 422, "a list with limit 501 is answered like one of 500, or refused with 400", x.describe());
}

void foreign_cursors_do_no_harm(scenario& s) {
    telemetry_ground g{s};
    for (char const* cursor : {"x", "AAAA", "%00", "..", "eyJhIjoxfQ.0", "-1", "99999999999999999999", "%F0%9F%98%80"}) {
        auto const x = s.user().get("/telemetry/events?source_backend=" + percent_encode_segment(g.source) + "&cursor=" + cursor);
        s.expect(x.answered() && x.status() < 500, std::string{"a list with the cursor "} + cursor + " is answered below 500", x.describe());
    }
    s.control(g.stored().size() == 1, "the list goes on");
}

void foreign_cursors_are_refused(scenario& s) {
    telemetry_ground g{s};
    s.control(g.stored().size() == 1, "the list");
    for (char const* cursor : {"x", "eyJhIjoxfQ.0"}) s.refused(s.user().get(std::string{"/telemetry/events?cursor="} + cursor), std::string{"a list with the cursor "} + cursor, {.statuses = {400, 422}});
}

constexpr unsigned on_sockets = need::sockets;

void cursors_open_no_other_list(scenario& s) {
    telemetry_ground g{s};
    auto const word = s.canary();
    for (int i = 0; i < 3; ++i) is_acked(s, g.l.tell(g.next(set("metadata", json::object{{"word", word}}))), "an event");
    auto const path = "/telemetry/events?source_backend=" + percent_encode_segment(g.source);
    auto const x = s.user().get(path + "&limit=1");
    s.control(x, "a first page");
    if (x.text("/cursor").empty()) s.inconclusive("there is no cursor");
    auto const rest = "&limit=500&cursor=" + percent_encode_segment(x.text("/cursor"));
    auto const shows = [&](exchange const& y) { return json::serialize(y.body()).find(word) != std::string::npos; };
    for (auto const& p : {path + rest, "/telemetry/events?" + rest.substr(1)}) {
        auto const y = s.other_user().get(p);
        s.expect(y.answered() && y.status() < 500, "a list with the cursor of another user is answered below 500", y.describe());
        s.expect(!shows(y), "a cursor shows another user nothing of whom it was made for", "it shows an event");
    }
    s.control(shows(s.user().get(path + rest)), "the same cursor with whom it was made for");
}

check const checks[] = {
    {.id = "tel/cursor-of-another", .title = "a cursor of the list opens nothing to whom it was not made for", .clauses = {"BSP-TEL-092", "BSP-TEL-111"}, .impact = "whoever gets hold of a cursor reads another person's events", .likely_cause = "the cursor carries the whole query, the user included, and is believed",
     .run = cursors_open_no_other_list, .needs = on_sockets | need::second_user},
    {.id = "tel/list-credential", .title = "events are shown to nobody without a valid credential", .clauses = {"BSP-TEL-091"}, .impact = "anybody reads what people asked, and what it cost", .likely_cause = "a dashboard's endpoint that was left open",
     .run = list_needs_credential, .needs = on_sockets},
    {.id = "tel/list", .title = "the user and the peer read events and has_more", .clauses = {"BSP-TEL-090", "BSP-TEL-052"}, .impact = "events cannot be read", .likely_cause = "a bare array, or events stored behind the acknowledgement", .run = list_has_its_members, .needs = on_sockets},
    {.id = "tel/list-of-all-peers", .title = "the list has the events of all the user's peers", .clauses = {"BSP-TEL-093"}, .impact = "one device's events are missing", .likely_cause = "events are looked up by peer", .run = list_has_all_peers, .needs = on_sockets},
    {.id = "tel/tenants", .title = "nobody sees another user's events", .clauses = {"BSP-TEL-092", "BSP-TEL-012"}, .impact = "questions of one person are read by another", .likely_cause = "a query without user_id", .run = tenants_are_apart,
     .needs = on_sockets | need::second_user},
    {.id = "tel/source-backend", .title = "source_backend selects exactly the events with that source", .clauses = {"BSP-TEL-095"}, .impact = "one device's figures contain another's", .likely_cause = "the parameter is ignored, or compared with LIKE", .run = source_is_exact,
     .needs = on_sockets},
    {.id = "tel/since", .title = "since selects by when the server received an event, and not by its timestamp", .clauses = {"BSP-TEL-096", "BSP-TEL-097", "BSP-TEL-098"}, .impact = "events from offline times are never seen",
     .likely_cause = "the client's timestamp is compared", .run = since_is_by_the_server, .needs = on_sockets},
    {.id = "tel/since-ahead", .title = "a since ahead of all events gives an empty list", .clauses = {"BSP-TEL-099"}, .impact = "a client with a fast clock fails", .likely_cause = "it is refused", .run = since_in_the_future, .needs = on_sockets},
    {.id = "tel/since-spellings", .title = "every timestamp is a since, and nothing else is", .clauses = {"BSP-TEL-100"}, .impact = "clients of some platforms cannot read", .likely_cause = "another parser than for events", .run = since_spellings, .needs = on_sockets},
    {.id = "tel/verbatim", .title = "an entry has what was sent, with the same values", .clauses = {"BSP-TEL-101", "BSP-TEL-052"}, .impact = "metadata is lost or flattened", .likely_cause = "columns for what was thought of", .run = entries_are_what_was_sent, .needs = on_sockets},
    {.id = "tel/costs", .title = "costs are kept as doubles", .clauses = {"BSP-TEL-101"}, .impact = "sums of small costs are wrong", .likely_cause = "a column of cents, or of single precision", .run = costs_are_doubles, .needs = on_sockets},
    {.id = "tel/escaped-names", .title = "names of members that are spelled with escapes are the same names", .clauses = {"BSP-GEN-031", "BSP-GEN-017", "BSP-TEL-009", "BSP-TEL-101"},
     .impact = "one event makes a page of the list unreadable for good, or is rejected although it is valid", .likely_cause = "a member is looked for in the text of the event", .run = escaped_names_of_events, .needs = on_sockets},
    {.id = "tel/timestamp-verbatim", .title = "timestamps are given back as they were spelled", .clauses = {"BSP-TEL-103"}, .impact = "the zone of an event is lost", .likely_cause = "timestamps are normalized", .run = timestamps_stay, .needs = on_sockets,
     .strength = obligation::should},
    {.id = "tel/received-at", .title = "received_at is the server's", .clauses = {"BSP-TEL-105", "BSP-TEL-104"}, .impact = "nobody knows when an event came, or the client decides it", .likely_cause = "the event's own members are written last", .run = received_at_is_the_servers,
     .needs = on_sockets, .strength = obligation::should},
    {.id = "tel/order", .title = "events are listed in the order in which they were received", .clauses = {"BSP-TEL-106"}, .impact = "readers miss what came late", .likely_cause = "order by timestamp", .run = list_is_in_order, .needs = on_sockets, .strength = obligation::should},
    {.id = "tel/repeated-in-place", .title = "an event that is sent again keeps its place in the list and its received_at", .clauses = {"BSP-TEL-053", "BSP-TEL-094"}, .impact = "who follows the events sees old ones as new after every reconnect",
     .likely_cause = "INSERT OR REPLACE, or an upsert that sets the time of arrival", .run = repetitions_keep_their_place, .needs = need::sockets},
    {.id = "tel/pages", .title = "the pages of the list hold every event once, and come to an end", .clauses = {"BSP-TEL-107", "BSP-TEL-108", "BSP-TEL-109", "BSP-TEL-093", "BSP-TEL-094"}, .impact = "events are missing from long lists", .likely_cause = "an offset, or a cursor by timestamp",
     .run = pages_are_whole, .needs = on_sockets},
    {.id = "tel/pages-of-long-events", .title = "no event is missing where pages are ended by their size", .clauses = {"BSP-TEL-093", "BSP-TEL-108"}, .impact = "long events are acknowledged and never seen again",
     .likely_cause = "the cursor stands at the last entry that limit would have allowed", .run = long_pages_are_whole, .needs = on_sockets},
    {.id = "tel/page-default", .title = "a page has at most 100 events when nothing is asked", .clauses = {"BSP-TEL-107"}, .impact = "clients on phones run out of memory", .likely_cause = "no default limit", .run = page_has_a_hundred, .needs = on_sockets},
    {.id = "tel/limit", .title = "a limit that is no integer of at least 1 is refused", .clauses = {"BSP-TEL-110"}, .impact = "a typing error reads everything", .likely_cause = "a default in place of an error", .run = limits_are_checked, .needs = on_sockets},
    {.id = "tel/foreign-cursor", .title = "a cursor that was not issued does no harm", .clauses = {"BSP-TEL-111"}, .impact = "anybody can make the server fail", .likely_cause = "a cursor is decoded without a look", .run = foreign_cursors_do_no_harm, .needs = on_sockets},
    {.id = "tel/foreign-cursor-refused", .title = "a cursor that is not of the form issued is refused", .clauses = {"BSP-TEL-112"}, .impact = "a client reads from the beginning, for ever", .likely_cause = "a cursor that cannot be read counts as none", .run = foreign_cursors_are_refused,
     .needs = on_sockets, .strength = obligation::should},
    {.id = "tel/every-answer-form", .title = "every list of events that the suite was given has the members of its table", .clauses = {"BSP-TEL-090", "BSP-TEL-101", "BSP-GEN-028", "BSP-GEN-050"},
     .impact = broken_by_a_form, .likely_cause = cause_of_a_form, .run = telemetry_forms, .needs = on_sockets | need::at_the_end},
};

}  // namespace

group telemetry_lists_group() { return {"telemetry_lists", profile::tel, checks}; }

}  // namespace bsp::conformance
