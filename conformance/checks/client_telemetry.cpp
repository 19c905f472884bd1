#include "client_telemetry.hpp"

#include "../registry.hpp"
#include "../surroundings.hpp"
#include "client_assertion.hpp"

#include <bsp/base/identifier.hpp>
#include <bsp/base/instant.hpp>

#include <cmath>

// Chapters 10 and 11, the events that a client sends, and that each is sent until it is answered. The suite is the other backend.

namespace bsp::conformance {
namespace {

constexpr std::size_t event_bytes_max = 65'536;

void streams_are_authorized(scenario& s) {
    stand_in b{s};
    auto const strays = [&] {
        auto all = b.arrivals(arrival::route::other);
        std::erase_if(all, [](arrival const& a) { return !a.request.headers.find("Upgrade") && !a.request.target.starts_with("/telemetry"); });
        return all;
    };
    b.settle();
    provoke(s, b, seconds{10}, [&] { return !b.streams().empty() || !strays().empty(); });
    s.expect(strays().empty(), "telemetry at the telemetry_endpoint that was registered, and as a stream", strays().empty() ? "" : strays().front().request.method + ' ' + strays().front().request.target);
    b.settle_telemetry();
    for (int i = 0; i < 2; ++i) {
        auto const before = b.streams().size();
        break_streams(b);
        bool const another = provoke(s, b, in_the_end, [&] { return b.streams().size() > before; });
        b.on_silence({});
        if (!another) break;
    }
    auto const all = b.streams();
    s.control(!all.empty(), "a stream");
    for (auto const& a : all) {
        auto const field = [&](char const* name) {
            auto const* value = a.request.headers.find(name);
            return value ? *value : std::string{};
        };
        auto const key = from_base64(field("Sec-WebSocket-Key"));
        s.expect(http_headers::same_name(field("Upgrade"), "websocket") && field("Sec-WebSocket-Version") == "13" && key && key->size() == 16,
                 "a correct opening handshake: Upgrade: websocket, Sec-WebSocket-Version: 13 and a key of 16 bytes", "Upgrade: " + field("Upgrade") + ", version " + field("Sec-WebSocket-Version") + ", key " + field("Sec-WebSocket-Key"));
    }
    are_authorized(s, b, all);
}

/// What is wrong with an event, or nothing.
std::string fault_of(told_event const& e) {
    if (!e.is_text) return "no text message: " + e.text;
    if (e.text.size() > event_bytes_max) return std::to_string(e.text.size()) + " bytes";
    if (!e.body.is_object()) return "no JSON object";
    auto const label = [&](std::string_view name) {
        auto const text = text_at(e.body, name);
        return !text.empty() && text.size() <= 512 && std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    };
    auto const* metadata = at(e.body, "/metadata");
    if (!is_identifier(e.id())) return "event_id";
    if (!is_identifier(text_at(e.body, "/session_id"))) return "session_id";
    if (!label("/event_type")) return "event_type";
    if (!label("/source_backend")) return "source_backend";
    if (!parse_timestamp(text_at(e.body, "/timestamp"))) return "timestamp";
    if (!metadata || !metadata->is_object()) return "metadata";
    for (char const* name : {"/latency_ms", "/tokens_used"})
        if (auto const* v = at(e.body, name); v && !v->is_null() && !(v->is_number() && v->to_number<double>() >= 0 && v->to_number<double>() <= 9007199254740991.0 && std::floor(v->to_number<double>()) == v->to_number<double>())) return name + 1;
    if (auto const* v = at(e.body, "/cost_usd"); v && !v->is_null() && !(v->is_number() && v->to_number<double>() >= 0 && v->to_number<double>() <= 1e6)) return "cost_usd";
    if (auto const* v = at(e.body, "/model"); v && !v->is_null() && !v->is_string()) return "model";
    return {};
}

void events_are_valid(scenario& s) {
    stand_in b{s};
    b.settle_telemetry();
    auto const before = b.events().size();
    provoke(s, b, seconds{20}, [&] { return b.events().size() >= before + 4; });
    // An exchange of much is told of in an event as small as any.
    std::vector<json::object> messages;
    for (int i = 0; i < 700; ++i) messages.push_back(s.message(std::string(120, 'm') + std::to_string(i), "text"));
    auto const much = s.fresh("much");
    b.publish(s.conversation(much, 1, messages));
    s.control(arrives(b.user(), much, messages.back().at("id").as_string().c_str(), soon), "700 messages of the peer at the target");
    s.control(s.register_peer_of(b.account()).push({s.conversation(s.fresh("more"), 1, messages)}), "a push of 700 messages to the target");
    auto const so_far = b.events().size();
    provoke(s, b, seconds{10}, [&] { return b.events().size() >= so_far + 3; });
    std::map<std::string, json::value> seen;
    for (auto const& e : b.events()) {
        auto const wrong = fault_of(e);
        s.expect(wrong.empty(), "valid events of at most 65536 bytes, each a text message", wrong + " in " + e.text.substr(0, 500));
        auto const [held, is_new] = seen.emplace(e.id(), e.body);
        s.expect(is_new || same_value(held->second, e.body), "an event_id of its own for every event", e.id() + " for two of them");
    }
}

void unanswered_events_come_again(scenario& s) {
    std::vector<std::pair<std::string, event_reaction>> const endings{
        {"the connection broke", {.cut = true}}, {"it was closed with 1001", {.close = 1001}}, {"it was closed with 1011", {.close = 1011}}, {"it was closed with 1012", {.close = 1012}}, {"it was closed with 1013", {.close = 1013}},
        {"it was closed with 1007", {.close = 1007}}, {"it was closed with 1009", {.close = 1009}}};
    auto const account = teller_of(s);
    std::vector<std::unique_ptr<stand_in>> all;
    for (std::size_t i = 0; i < endings.size(); ++i) all.push_back(std::make_unique<stand_in>(s, stand_in::options{.user = account}));
    std::vector<std::unique_ptr<withholding>> held;
    for (auto const& b : all) b->settle_telemetry();
    for (std::size_t i = 0; i < endings.size(); ++i) held.push_back(std::make_unique<withholding>(*all[i], withholding::options{.end = endings[i].second}));
    for (std::size_t i = 0; i < endings.size(); ++i) {
        auto const& w = *held[i];
        s.control(provoke(s, *all[i], in_the_end, [&] { return w.over() || w.target_ended(); }), "another event");
        come_again(s, *all[i], w.unanswered(), [&] { return w.afterwards(); }, w.alone(), "after " + endings[i].first);
    }
}

void answers_are_matched_by_id(scenario& s) {
    stand_in b{s};
    b.settle_telemetry();
    auto const strange = s.fresh("evt");
    auto const first = std::make_shared<std::string>();
    withholding const w{b, {.time = seconds{3}, .meanwhile = [strange, first](told_event const& e, std::size_t n) {
                                if (n == 0) *first = e.id();
                                if (e.id() != *first) return stand_in::acked(e);  // before the one that came first
                                if (n > 0) return event_reaction{};
                                return event_reaction{.frames = {{.payload = json::serialize(stand_in::answer("acked", strange))},
                                                                 {.payload = json::serialize(stand_in::answer("rejected", strange, {{"error", json::object{{"status", 422}, {"code", "invalid-body"}}}}))}}};
                            }}};
    s.control(provoke(s, b, in_the_end, [&] { return w.over() || w.target_ended(); }), "another event");
    come_again(s, b, {w.withheld().front()}, [&] { return w.afterwards(); }, w.alone(), "after answers to other events");
}

/// What is no answer to the event with that id.
std::vector<web_frame> nonsense(std::string const& id) {
    std::vector<web_frame> out{{.opcode = 9, .payload = "still there?"}};
    for (auto const& text : {std::string{"hello"}, std::string{"["}, std::string{}, std::string{"null"}, std::string{"[\"acked\"]"}, std::string{R"({"status":"acked"})"}, std::string{R"({"status":"acked","event_id":null})"},
                             std::string{R"({"status":"acked","event_id":7})"}, json::serialize(json::object{{"event_id", id}}), json::serialize(stand_in::answer("pondered", id)), json::serialize(json::object{{"status", 1}, {"event_id", id}}),
                             std::string{R"({"notice":"maintenance at noon","status":"notice"})"}})
        out.push_back({.payload = text});
    return out;
}

void unknown_messages_are_ignored(scenario& s) {
    stand_in b{s};
    b.settle_telemetry();
    withholding const w{b, {.time = seconds{3}, .meanwhile = [](told_event const& e, std::size_t n) { return n == 0 ? event_reaction{.frames = nonsense(e.id())} : event_reaction{}; }}};
    s.control(provoke(s, b, in_the_end, [&] { return w.over() || w.target_ended(); }), "another event");
    s.expect(!w.target_ended(), "messages that mean nothing to the client ignored", "it ended the connection");
    come_again(s, b, {w.withheld().front()}, [&] { return w.afterwards(); }, w.alone(), "after messages that are no answers");
}

void rejected_events_do_not_come_again(scenario& s) {
    stand_in b{s};
    b.settle_telemetry();
    withholding const w{b, {.time = seconds{3}, .meanwhile = [](told_event const& e, std::size_t n) {
                                if (n > 0) return stand_in::acked(e);
                                return stand_in::answered(stand_in::answer("rejected", e.id(), {{"error", json::object{{"type", "https://bsp.dev/errors/invalid-body"}, {"title", "Invalid member"}, {"status", 422}, {"code", "invalid-body"}, {"detail", "as the check wants it"}}}}));
                            }}};
    s.control(provoke(s, b, in_the_end, [&] { return w.over() || w.target_ended(); }), "another event");
    auto const rejected = w.withheld().front();
    auto const later = [&] {  // what came since, on whichever stream
        auto all = b.events();
        std::erase_if(all, [&](told_event const& e) { return e.at <= rejected.at; });
        return all;
    };
    bool const went_on = provoke(s, b, in_the_end, [&] { return later().size() >= 3 && !w.afterwards().empty(); });
    for (auto const& e : later())
        s.expect(!same_value(e.body, rejected.body), "no rejected event unchanged once more", e.id() + " again after " + seconds_text(between(rejected.at, e.at)));
    if (!went_on) s.inconclusive("no further event within 75 s after one was rejected");
}

void acknowledged_events_do_not_come_again(scenario& s) {
    constexpr seconds heard{10};  // the time after which an acknowledgement has reached whoever is not at a standstill
    stand_in b{s};
    b.settle_telemetry();
    for (int round = 0; round < 2; ++round) {
        auto const known = [&] {
            auto all = b.events();
            std::erase_if(all, [&](told_event const& e) { return !e.answered || e.at + heard > std::chrono::steady_clock::now(); });
            return all;
        };
        auto const before = known().size();
        if (!provoke(s, b, in_the_end, [&] { return known().size() > before; })) s.inconclusive("no further event");
        auto const old = known();
        auto const all = b.events().size(), streams = b.streams().size();
        break_streams(b);
        bool const another = provoke(s, b, in_the_end, [&] { return b.streams().size() > streams; });
        b.on_silence({});
        if (!another) s.inconclusive("no second stream");
        s.control(provoke(s, b, in_the_end, [&] { return b.events().size() > all + 1; }), "further events");
        auto const now = b.events();
        for (std::size_t i = all; i < now.size(); ++i) s.expect(!holds_event(old, now[i].id()), "no acknowledged event again when another connection was opened", now[i].id());
    }
}

void survive(scenario& s, void (scenario::*end)()) {
    stand_in b{s};
    b.settle_telemetry();
    withholding w{b, {.time = std::chrono::hours{1}, .end = {}}};
    s.control(provoke(s, b, in_the_end, [&] { return w.begun(); }), "another event");
    pass(seconds{1});
    bool const alone = w.alone();
    (s.*end)();
    auto const due = w.unanswered();
    auto const stream = w.stream();
    auto const from = w.from();
    w.stop();
    come_again(s, b, due, [&] {
        auto all = b.events();
        std::erase_if(all, [&](told_event const& e) { return e.stream == stream || e.at < from; });
        return all;
    }, alone, "after a restart");
}

void a_restart_forgets_no_event(scenario& s) { survive(s, &scenario::restart); }
void a_kill_forgets_no_event(scenario& s) { survive(s, &scenario::kill_and_restart); }

check const checks[] = {
    {.id = "off/telemetry-authorized",
     .title = "every telemetry stream is opened where it was registered, with an assertion of its own",
     .clauses = {"BSP-TEL-136", "BSP-REG-016", "BSP-AUT-036"},
     .impact = "no right peer accepts a stream, and nothing is ever told",
     .likely_cause = "one assertion kept for all connections, or one over another path",
     .run = streams_are_authorized,
     .needs = as_teller},
    {.id = "off/telemetry-valid",
     .title = "every event is valid and has an event_id of its own",
     .clauses = {"BSP-TEL-135"},
     .impact = "the peer rejects the events, or takes two of them for one",
     .likely_cause = "ids from a counter or the clock, or members added later that nobody checked",
     .run = events_are_valid,
     .needs = as_teller},
    {.id = "off/telemetry-again",
     .title = "events that were not answered are sent again, as they were and in their old places, however the connection ended",
     .clauses = {"BSP-TEL-130", "BSP-OFF-062"},
     .impact = "what happened around an outage is never told, is counted twice, or arrives in another order",
     .likely_cause = "an event leaves the queue when it is written to the socket, or is put back at its end",
     .run = unanswered_events_come_again,
     .needs = as_teller},
    {.id = "off/telemetry-answers",
     .title = "an answer counts for the event that it names, whatever its order",
     .clauses = {"BSP-TEL-057", "BSP-TEL-130"},
     .impact = "events are dropped that nobody acknowledged",
     .likely_cause = "the next message is taken for the answer to the oldest event",
     .run = answers_are_matched_by_id,
     .needs = as_teller},
    {.id = "off/telemetry-unknown-messages",
     .title = "messages that the client does not understand change nothing",
     .clauses = {"BSP-TEL-058"},
     .impact = "a newer server stops an older client",
     .likely_cause = "whatever comes is parsed without a way out, or every message is an answer",
     .run = unknown_messages_are_ignored,
     .needs = as_teller},
    {.id = "off/telemetry-rejected",
     .title = "a rejected event is not sent again",
     .clauses = {"BSP-TEL-131"},
     .impact = "one event that the peer does not like comes again for ever",
     .likely_cause = "whatever is not acknowledged stays in the queue",
     .run = rejected_events_do_not_come_again,
     .needs = as_teller},
    {.id = "off/telemetry-once",
     .title = "an acknowledged event is not sent again",
     .clauses = {"BSP-TEL-137"},
     .impact = "every reconnection repeats the whole history",
     .likely_cause = "acknowledgements are counted, and the queue is not shortened by them",
     .run = acknowledged_events_do_not_come_again,
     .needs = as_teller,
     .strength = obligation::should},
    {.id = "off/telemetry-restart",
     .title = "a restart loses no event that was not answered",
     .clauses = {"BSP-OFF-002", "BSP-TEL-130"},
     .impact = "what happened before a restart is never told",
     .likely_cause = "the queue of events lives in memory",
     .run = a_restart_forgets_no_event,
     .needs = as_teller | need::restart_hook | need::alone},
    {.id = "off/telemetry-kill",
     .title = "the death of the process loses no event that was sent and not answered",
     .clauses = {"BSP-OFF-002", "BSP-TEL-130"},
     .impact = "what happened before a crash is never told",
     .likely_cause = "the queue of events is written when the process ends",
     .run = a_kill_forgets_no_event,
     .needs = as_teller | need::kill_hook | need::alone},
};

}  // namespace

group client_telemetry_group() { return {"client_telemetry", profile::off, checks}; }

}  // namespace bsp::conformance
