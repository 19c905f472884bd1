#pragma once

#include <bsp/base/error.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/json/decimal.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/json/parse.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// How the exchange with peers goes (chapter 19.1, 19.2).
namespace bsp::wire {

inline constexpr std::string_view problem_type_prefix = "https://bsp.dev/errors/";

/// The kind of a failure, and when it was. Of what failed there is nothing in it (A-159):
///
///     {"type": "https://bsp.dev/errors/invalid-body", "at": "2025-12-31T00:00:01Z"}
struct noted_error {
    std::string code;  ///< of the error registry, such as "invalid-body"
    instant at;

    friend bool operator==(noted_error const&, noted_error const&) = default;
};

inline std::string encode(noted_error const& e) {
    return R"({"type": ")" + std::string{problem_type_prefix} + e.code + R"(", "at": ")" + format_timestamp(e.at) + "\"}";
}

inline result<noted_error> decode_noted_error(json::fields const& f) {
    BSP_TRY(std::string_view const type, f.required_string("type"));
    if (!type.starts_with(problem_type_prefix)) return f.invalid("type", "is not the type of a problem");
    BSP_TRY(instant const at, f.required_timestamp("at"));
    return noted_error{std::string{type.substr(problem_type_prefix.size())}, at};
}

/// The metrics of a peer:
///
///     {"peer_id": "peer_…", "backend_id": "local_…", "last_sync": "2025-12-31T00:00:04Z", "sync_lag_seconds": 3.2, "queue_depth": 0,
///      "sync_success_rate": 0.98, "last_error": {…}, "total_syncs": 49, "total_events": 1200}
struct sync_metrics {
    std::string peer_id;
    std::string backend_id;
    std::optional<instant> last_sync;
    double sync_lag_seconds = 0;
    std::int64_t queue_depth = 0;
    std::optional<double> sync_success_rate;  ///< 0 to 1; nothing: nothing was tried
    std::optional<noted_error> last_error;
    std::int64_t total_syncs = 0;
    std::int64_t total_events = 0;
};

namespace detail {

inline std::string json_text(std::string_view text) { return json::serialize(json::string{text.data(), text.size()}); }
inline std::string instant_or_null(std::optional<instant> const& at) { return at ? '"' + format_timestamp(*at) + '"' : "null"; }
inline std::string number_or_null(std::optional<double> const& n) { return n ? json::decimal(*n) : "null"; }

/// The members of the metrics, without braces, for objects that have more.
inline std::string members(sync_metrics const& m) {
    return R"("peer_id": )" + json_text(m.peer_id) + R"(, "backend_id": )" + json_text(m.backend_id) + R"(, "last_sync": )" + instant_or_null(m.last_sync) +
           R"(, "sync_lag_seconds": )" + json::decimal(m.sync_lag_seconds) + R"(, "queue_depth": )" + std::to_string(m.queue_depth) + R"(, "sync_success_rate": )" +
           number_or_null(m.sync_success_rate) + R"(, "last_error": )" + (m.last_error ? encode(*m.last_error) : "null") + R"(, "total_syncs": )" +
           std::to_string(m.total_syncs) + R"(, "total_events": )" + std::to_string(m.total_events);
}

inline bool null_at(json::fields const& f, std::string_view name) {
    json::value const* v = f.find(name);
    return v != nullptr && v->is_null();
}

inline result<double> required_number(json::fields const& f, std::string_view name) {
    json::value const* v = f.find(name);
    if (v == nullptr || !v->is_number()) return f.invalid(name, "must be a number");
    return v->to_number<double>();
}

}  // namespace detail

inline std::string encode(sync_metrics const& m) { return '{' + detail::members(m) + '}'; }

inline result<sync_metrics> decode_sync_metrics(json::fields const& f) {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    sync_metrics m;
    BSP_TRY(m.peer_id, f.required_identifier("peer_id"));
    BSP_TRY(m.backend_id, f.required_string("backend_id"));
    if (!detail::null_at(f, "last_sync")) {
        BSP_TRY(m.last_sync, f.required_timestamp("last_sync"));
    }
    BSP_TRY(m.sync_lag_seconds, detail::required_number(f, "sync_lag_seconds"));
    BSP_TRY(m.queue_depth, f.required_integer("queue_depth", 0, most));
    if (!detail::null_at(f, "sync_success_rate")) {
        BSP_TRY(m.sync_success_rate, detail::required_number(f, "sync_success_rate"));
    }
    if (!detail::null_at(f, "last_error")) {
        BSP_TRY(auto const e, f.required_object("last_error"));
        BSP_TRY(m.last_error, decode_noted_error(e));
    }
    BSP_TRY(m.total_syncs, f.required_integer("total_syncs", 0, most));
    BSP_TRY(m.total_events, f.required_integer("total_events", 0, most));
    return m;
}

/// The metrics of a peer among those of all (BSP-OBS-028), with what a list of peers shows beside them.
struct peer_status_line {
    sync_metrics metrics;
    std::string backend_type;
    bool online = false;
    instant registered_at;
    double sbt_expires_in = 0;  ///< seconds; negative when it has expired
};

///     {"peer_id": "peer_…", …, "total_events": 1200, "backend_type": "local", "online": true, "registered_at": "…", "sbt_expires_in": 28211.4}
inline std::string encode(peer_status_line const& l) {
    return '{' + detail::members(l.metrics) + R"(, "backend_type": )" + detail::json_text(l.backend_type) + R"(, "online": )" + (l.online ? "true" : "false") +
           R"(, "registered_at": ")" + format_timestamp(l.registered_at) + R"(", "sbt_expires_in": )" + json::decimal(l.sbt_expires_in) + '}';
}

/// All peers and their telemetry of the last 24 hours:
///
///     {"total_peers": 12, "online_peers": 9, "total_events_24h": 48211, "avg_latency_ms": 412.5, "total_cost_24h": 3.75,
///      "top_peers_by_events": [{"peer_id": "peer_…", "events": 20110}]}
struct telemetry_summary {
    struct share {
        std::string peer_id;
        std::int64_t events = 0;

        friend bool operator==(share const&, share const&) = default;
    };

    std::int64_t total_peers = 0;
    std::int64_t online_peers = 0;
    std::int64_t total_events_24h = 0;
    std::optional<double> avg_latency_ms;  ///< milliseconds; nothing: no event has a latency
    double total_cost_24h = 0;             ///< US dollars
    std::vector<share> top_peers_by_events;
};

inline std::string encode(telemetry_summary const& t) {
    std::string top;
    for (auto const& s : t.top_peers_by_events) top += (top.empty() ? "" : ", ") + (R"({"peer_id": )" + detail::json_text(s.peer_id)) + R"(, "events": )" + std::to_string(s.events) + '}';
    return R"({"total_peers": )" + std::to_string(t.total_peers) + R"(, "online_peers": )" + std::to_string(t.online_peers) + R"(, "total_events_24h": )" +
           std::to_string(t.total_events_24h) + R"(, "avg_latency_ms": )" + detail::number_or_null(t.avg_latency_ms) + R"(, "total_cost_24h": )" +
           json::decimal(t.total_cost_24h) + R"(, "top_peers_by_events": [)" + top + "]}";
}

inline result<telemetry_summary> decode_telemetry_summary(json::fields const& f) {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    telemetry_summary t;
    BSP_TRY(t.total_peers, f.required_integer("total_peers", 0, most));
    BSP_TRY(t.online_peers, f.required_integer("online_peers", 0, most));
    BSP_TRY(t.total_events_24h, f.required_integer("total_events_24h", 0, most));
    if (!detail::null_at(f, "avg_latency_ms")) {
        BSP_TRY(t.avg_latency_ms, detail::required_number(f, "avg_latency_ms"));
    }
    BSP_TRY(t.total_cost_24h, detail::required_number(f, "total_cost_24h"));
    BSP_TRY(auto const top, f.required_array("top_peers_by_events"));
    for (std::size_t i = 0; i < top.size(); ++i) {
        BSP_TRY(auto const share, top.object_at(i));
        BSP_TRY(std::string_view const peer_id, share.required_identifier("peer_id"));
        BSP_TRY(auto const events, share.required_integer("events", 0, most));
        t.top_peers_by_events.push_back({std::string{peer_id}, events});
    }
    return t;
}

}  // namespace bsp::wire
