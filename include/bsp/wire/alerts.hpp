#pragma once

#include <bsp/wire/metrics.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What is wrong now (chapter 19.4).
namespace bsp::wire {

/// Every type of alert, with the bound on whose wrong side a value is bad.
#define BSP_ALERT_TYPES(X)   \
    X(sync_lag, 300)         \
    X(queue_depth, 1'000)    \
    X(queue_age, 300)        \
    X(success_rate, 0.9)     \
    X(disk_space, 104'857'600) \
    X(clock_skew, 60)        \
    X(store_down, 0)

enum class alert_type : std::uint8_t {
#define BSP_X(name, threshold) name,
    BSP_ALERT_TYPES(BSP_X)
#undef BSP_X
};

inline constexpr std::string_view alert_type_names[] = {
#define BSP_X(name, threshold) #name,
    BSP_ALERT_TYPES(BSP_X)
#undef BSP_X
};

inline constexpr double alert_thresholds[] = {
#define BSP_X(name, threshold) threshold,
    BSP_ALERT_TYPES(BSP_X)
#undef BSP_X
};

constexpr std::string_view name_of(alert_type t) { return alert_type_names[static_cast<std::size_t>(t)]; }
constexpr double threshold_of(alert_type t) { return alert_thresholds[static_cast<std::size_t>(t)]; }

/// The type of this name, if there is one.
constexpr std::optional<alert_type> alert_type_of(std::string_view name) {
    for (std::size_t i = 0; i < std::size(alert_type_names); ++i)
        if (alert_type_names[i] == name) return static_cast<alert_type>(i);
    return std::nullopt;
}

///     {"type": "sync_lag", "peer_id": "peer_…", "value": 344.1, "threshold": 300, "raised_at": "2025-12-31T00:05:05Z"}
struct alert {
    alert_type type{};
    std::string peer_id;  ///< "" when it is about the backend itself: `null`
    double value = 0;     ///< seconds, items, a rate or bytes, by the type
    double threshold = 0;
    instant raised_at;

    friend bool operator==(alert const&, alert const&) = default;
};

inline std::string encode(alert const& a) {
    return R"({"type": ")" + std::string{name_of(a.type)} + R"(", "peer_id": )" + (a.peer_id.empty() ? "null" : detail::json_text(a.peer_id)) + R"(, "value": )" +
           json::decimal(a.value) + R"(, "threshold": )" + json::decimal(a.threshold) + R"(, "raised_at": ")" + format_timestamp(a.raised_at) + "\"}";
}

///     {"alerts": [ … ]}
inline std::string encode(std::vector<alert> const& alerts) {
    std::string text;
    for (auto const& a : alerts) text += (text.empty() ? "" : ", ") + encode(a);
    return R"({"alerts": [)" + text + "]}";
}

/// Reads the answer of `GET /alerts`; alerts of types that are not known here are left out (BSP-OBS-057).
inline result<std::vector<alert>> decode_alerts(json::fields const& f) {
    std::vector<alert> alerts;
    BSP_TRY(auto const list, f.required_array("alerts"));
    for (std::size_t i = 0; i < list.size(); ++i) {
        BSP_TRY(auto const one, list.object_at(i));
        BSP_TRY(std::string_view const name, one.required_string("type"));
        auto const type = alert_type_of(name);
        if (!type) continue;
        alert a{.type = *type, .peer_id = {}, .raised_at = {}};
        if (!detail::null_at(one, "peer_id")) {
            BSP_TRY(a.peer_id, one.required_string("peer_id"));
        }
        BSP_TRY(a.value, detail::required_number(one, "value"));
        BSP_TRY(a.threshold, detail::required_number(one, "threshold"));
        BSP_TRY(a.raised_at, one.required_timestamp("raised_at"));
        alerts.push_back(std::move(a));
    }
    return alerts;
}

}  // namespace bsp::wire
