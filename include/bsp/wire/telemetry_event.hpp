#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/wire/label.hpp>
#include <bsp/wire/problem.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace bsp::wire {

/// One text message of the sender on `WS /telemetry/{peer_id}` (chapter 11.1):
///
///     {"event_id": "evt_5f0c1a", "event_type": "advisor_ask", "session_id": "sess_1", "timestamp": "2025-12-31T00:00:03Z",
///      "source_backend": "local", "metadata": {"mode": "quick"}[, "latency_ms": 412][, "tokens_used": 1523]
///      [, "cost_usd": 0.0045][, "model": "small-1"][, …]}
struct telemetry_event {
    std::string event_id;
    std::string source_backend;
    std::string body;  ///< the event as it came, white space around it and a member `received_at` left out
    std::optional<double> latency_ms = {};
    std::optional<double> cost_usd = {};
};

namespace detail {

/// A metric may be absent or null.
inline bool is_null(json::fields const& f, std::string_view name) {
    json::value const* v = f.find(name);
    return v == nullptr || v->is_null();
}

inline result<> check_cost(json::fields const& f) {
    if (is_null(f, "cost_usd")) return ok();
    json::value const& v = *f.find("cost_usd");
    if (!v.is_number()) return f.invalid("cost_usd", "must be a number");
    double const cost = v.to_number<double>();
    if (!(cost >= 0 && cost <= limits::event_cost_usd_max)) return f.invalid("cost_usd", "must be from 0 to 1000000");
    return ok();
}

}  // namespace detail

/// Reads an event. Errors: `malformed_body` for what is not I-JSON, `invalid_body`.
inline result<telemetry_event> decode_telemetry_event(json::value const& v, std::string_view text) {
    telemetry_event e;
    BSP_TRY(json::fields const f, json::fields::of(v));
    BSP_TRY(e.event_id, f.required_identifier("event_id"));
    BSP_CHECK(required_label(f, "event_type"));
    BSP_CHECK(f.required_identifier("session_id"));
    BSP_CHECK(f.required_timestamp("timestamp"));
    BSP_TRY(e.source_backend, required_label(f, "source_backend"));
    BSP_CHECK(f.required_object("metadata"));
    for (std::string_view const name : {"latency_ms", "tokens_used"})
        if (!detail::is_null(f, name)) BSP_CHECK(f.required_integer(name, 0, limits::version_max));
    BSP_CHECK(detail::check_cost(f));
    if (!detail::is_null(f, "latency_ms")) e.latency_ms = f.find("latency_ms")->to_number<double>();
    if (!detail::is_null(f, "cost_usd")) e.cost_usd = f.find("cost_usd")->to_number<double>();
    if (!detail::is_null(f, "model")) BSP_CHECK(f.required_string("model"));
    if (json::depth(v) > limits::event_depth_max) return fail(errc::invalid_body, "nested too deeply to be given in a list");
    if (f.find("received_at")) {
        json::object without = f.get();
        without.erase("received_at");
        e.body = json::serialize(without);
    } else {
        e.body = text.substr(text.find('{'), text.rfind('}') - text.find('{') + 1);
    }
    return e;
}

/// The `event_id` that an answer to `v` names, if it has one (BSP-TEL-043).
inline std::optional<std::string> event_id_of(json::value const& v) {
    json::object const* o = v.if_object();
    json::string const* id = o ? json::find_string(*o, "event_id") : nullptr;
    if (!id || !is_identifier(json::view(*id))) return std::nullopt;
    return std::string{json::view(*id)};
}

/// The answers of the server (chapter 11.3).
struct event_answer {
    enum class kind : std::uint8_t { acked, rejected, rate_limited };

    kind what = kind::acked;
    std::optional<std::string> event_id;
    std::optional<error> why = {};       ///< of a rejection
    std::int64_t retry_after_ms = 0;     ///< of what is beyond the budget
};

///     {"status": "acked", "event_id": "evt_5f0c1a"}
///     {"status": "rejected", "event_id": null, "error": {"type": "…", "code": "malformed-body", …}}
///     {"status": "rate_limited", "event_id": "evt_5f0c1c", "retry_after_ms": 12000}
inline std::string encode(event_answer const& a) {
    // Identifiers need no escapes.
    std::string const id = a.event_id ? '"' + *a.event_id + '"' : "null";
    switch (a.what) {
        case event_answer::kind::acked: return R"({"status": "acked", "event_id": )" + id + '}';
        case event_answer::kind::rejected: return R"({"status": "rejected", "event_id": )" + id + R"(, "error": )" + encode(a.why.value_or(error{errc::invalid_body, ""})) + '}';
        case event_answer::kind::rate_limited: break;
    }
    return R"({"status": "rate_limited", "event_id": )" + id + R"(, "retry_after_ms": )" + std::to_string(a.retry_after_ms) + '}';
}

/// Reads an answer, as the sender of events. Nothing when it is none that is known (BSP-TEL-058).
inline std::optional<event_answer> decode_event_answer(std::string_view text) {
    auto const v = json::parse(text);
    if (!v || !v->is_object()) return std::nullopt;
    json::fields const f{v->get_object()};
    auto const status = f.required_string("status");
    if (!status) return std::nullopt;
    event_answer a;
    a.event_id = event_id_of(*v);
    if (*status == "acked" && a.event_id) return a;
    if (*status == "rejected") {
        a.what = event_answer::kind::rejected;
        return a;
    }
    if (*status != "rate_limited") return std::nullopt;
    a.what = event_answer::kind::rate_limited;
    auto const wait = f.required_integer("retry_after_ms", 1, limits::version_max);
    if (!wait) return std::nullopt;
    a.retry_after_ms = *wait;
    return a;
}

}  // namespace bsp::wire
