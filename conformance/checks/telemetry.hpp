#pragma once

#include "../line.hpp"
#include "../registry.hpp"
#include "../scenario.hpp"
#include "edits.hpp"

#include <bsp/base/uri.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Telemetry as a peer sends it and a person reads it (chapter 11).
namespace bsp::conformance {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A complete event with a fresh id.
inline json::object event(scenario& s, std::string const& source, edit const& more = {}) {
    json::object out{{"event_id", s.fresh("evt")},
                     {"event_type", "advisor_ask"},
                     {"session_id", "sess_1"},
                     {"timestamp", s.at()},
                     {"source_backend", source},
                     {"metadata", json::object{{"mode", "quick"}}},
                     {"latency_ms", 412},
                     {"tokens_used", 1523},
                     {"cost_usd", 0.0045},
                     {"model", "small-1"}};
    if (more) more(out);
    return out;
}

inline std::string id_of(json::object const& e) { return text_at(e, "/event_id"); }

/// The line is open, or the check is INCONCLUSIVE: opening it is a precondition.
inline void opens(scenario& s, line const& l, std::string_view what) {
    s.control(l.open(), std::string{what} + " opens a WebSocket, got " + l.handshake().describe());
}

inline void acked(scenario& s, told const& t, std::string const& what) {
    s.expect(t.acked(), what + " is acknowledged", t.describe());
    s.evidence(what);
}

/// A positive control: acknowledged, or the check is INCONCLUSIVE.
inline void is_acked(scenario& s, told const& t, std::string const& what) { s.control(t.acked(), what + " is acknowledged, got " + t.describe()); }

/// All pages of the list with that query ("source_backend=…&since=…").
inline std::vector<json::object> all_events(scenario& s, caller const& who, std::string const& query) {
    std::vector<json::object> all;
    std::string cursor;
    for (int page = 0; page < 200; ++page) {
        auto const x = who.get("/telemetry/events?limit=500&" + query + (cursor.empty() ? "" : "&cursor=" + percent_encode_segment(cursor)));
        s.control(x.ok() && x.at("/events") && x.at("/events")->is_array(), "reading the events, got " + x.describe());
        auto const entries = objects_at(x.body(), "/events");
        all.insert(all.end(), entries.begin(), entries.end());
        auto const* more = x.at("/has_more");
        if (!more || !more->is_bool() || !more->get_bool()) return all;
        cursor = x.text("/cursor");
        s.control(!cursor.empty(), "a page with has_more has a cursor");
    }
    s.inconclusive("the list of events has no end");
}

inline std::vector<json::object> events_from(scenario& s, caller const& who, std::string const& source) {
    return all_events(s, who, "source_backend=" + percent_encode_segment(source));
}

inline std::size_t count_of(std::vector<json::object> const& all, std::string_view event_id) {
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](auto const& e) { return id_of(e) == event_id; }));
}

inline json::object const* find_event(std::vector<json::object> const& all, std::string_view event_id) {
    auto const found = std::find_if(all.begin(), all.end(), [&](auto const& e) { return id_of(e) == event_id; });
    return found == all.end() ? nullptr : &*found;
}

/// Equal as JSON values, numbers as doubles.
inline bool same_value(json::value const& a, json::value const& b) {
    if (a.is_number() && b.is_number()) return a.to_number<double>() == b.to_number<double>();
    if (a.is_array() && b.is_array())
        return std::equal(a.get_array().begin(), a.get_array().end(), b.get_array().begin(), b.get_array().end(), same_value);
    if (!a.is_object() || !b.is_object()) return a == b;
    return a.get_object().size() == b.get_object().size() && std::all_of(a.get_object().begin(), a.get_object().end(), [&](auto const& m) {
               auto const* other = b.get_object().if_contains(m.key());
               return other && same_value(m.value(), *other);
           });
}

inline void has_value(scenario& s, json::object const& entry, std::string_view name, json::value const& expected) {
    auto const* got = entry.if_contains(name);
    s.expect(got && same_value(*got, expected), std::string{name} + " is " + show(expected), got ? show(*got) : "absent");
}

/// A registered peer with a label of its own for `source_backend`, and an open line on which one event was acknowledged.
class telemetry_ground {
public:
    explicit telemetry_ground(scenario& s, registration const& r = {}) : world{s}, a{s.register_peer(r)}, source{s.fresh("src")}, l{s, a} {
        opens(s, l, "a peer");
        is_acked(s, l.tell(event(s, source)), "a complete event");
    }
    [[nodiscard]] json::object next(edit const& more = {}) const { return event(world, source, more); }
    [[nodiscard]] std::vector<json::object> stored() const { return events_from(world, world.user(), source); }

    /// The line goes on, and so does the target.
    void goes_on(std::string const& after) {
        auto const t = l.tell(next());
        world.expect(t.acked(), "after " + after + " the next event is acknowledged", t.describe());
    }

    scenario& world;
    peer const a;
    std::string const source;
    line l;
};

/// Close codes; the second of a connection that ended without any.
inline constexpr int too_long = 1009, without_close_frame = 1006;

/// After what `break_line` sends, the connection is closed with one of `codes`, or with any where there is none, and others go on.
inline void closes_with(scenario& s, telemetry_ground& g, std::vector<int> const& codes, std::string const& what, std::function<void(line&)> const& break_line, std::string const& event_id = {}) {
    auto const is_right = [&](int code) { return codes.empty() || std::ranges::count(codes, code) > 0; };
    auto const look = [&](bool is_first) {
        line l{s, g.a};
        if (is_first) opens(s, l, "a further connection");
        else if (!l.open()) return without_close_frame;
        auto const before = l.tell(g.next());
        if (is_first) is_acked(s, before, "an event on it");
        else if (!before.acked()) return without_close_frame;
        break_line(l);
        return l.wait_for_close(seconds{5});
    };
    int got = look(true);
    // The payload of a long message may be on its way all the same when the target closes.
    constexpr int looks = 3;
    for (int n = 1; n < looks && got == without_close_frame && !is_right(got) && codes.front() == too_long; ++n) got = look(false);
    s.expect(got != 0, what + " closes the connection", "it stays open");
    s.expect(is_right(got), what + " closes the connection with " + (codes.empty() ? std::string{"any code"} : std::to_string(codes.front())), got == without_close_frame ? "it ended without a close frame" : "closed with " + std::to_string(got));
    s.still_alive(what);
    g.goes_on(what + " on another connection");
    if (!event_id.empty()) s.expect(count_of(g.stored(), event_id) == 0, what + " stores nothing", event_id + " is stored");
}

/// Sends `before`, and then a frame that makes a message too long: its head first, since most targets close at the head, and
/// what is on its way when they do causes a reset that overtakes the close frame.
inline void send_too_long(line& l, web_frame const& last, std::string const& before = {}) {
    auto const frame = bytes_of(last);
    auto const head = frame.size() - last.payload.size();
    l.send_bytes(before + frame.substr(0, head), "a message that is too long, up to the head of its last frame");
    if (l.wait_for_close(milliseconds{300}) == 0) l.send_bytes(frame.substr(head), "the payload of that frame");
}

/// The connection is refused: its upgrade, or with a close within 2 seconds; and what was sent on it is not acknowledged.
inline void line_refused(scenario& s, line& l, std::string const& what, json::object const& e, exactly_as const& form) {
    if (!l.open()) return s.refused(l.handshake(), what, form);
    auto const t = l.tell(e, milliseconds{2'500});
    s.expect(!t.acked(), what + " is refused", "an event on it was acknowledged");
    auto const code = l.wait_for_close(milliseconds{2'500});
    s.expect(code != 0, what + " is refused: with 4xx, or by closing within 2 s", "101, and the connection stays open");
    s.exactly(code == 1008, what + " is refused with 4xx, or closed with 1008", "closed with " + std::to_string(code));
}

}  // namespace bsp::conformance
