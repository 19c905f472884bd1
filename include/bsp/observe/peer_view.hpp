#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/base/watch_limits.hpp>
#include <bsp/policy/records.hpp>
#include <bsp/policy/statistics.hpp>
#include <bsp/wire/metrics.hpp>
#include <bsp/wire/sync_debug.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What is known of a peer, from wherever it is counted, as chapter 19 shows it.
namespace bsp::observe {

/// From `a` to `b` in seconds.
inline double seconds_between(instant a, instant b) {
    return static_cast<double>(b.seconds - a.seconds) + (static_cast<double>(b.nanoseconds) - static_cast<double>(a.nanoseconds)) / 1e9;
}

/// The same for people and machines: never negative, in milliseconds.
inline double seconds_since(instant then, instant now) { return std::max(0.0, static_cast<double>(static_cast<std::int64_t>(seconds_between(then, now) * 1'000))) / 1'000; }

/// What the client side counts of its exchange with a peer (policy/sync_ledger.hpp, sync/outbox.hpp). The default is
/// that of a peer which is never called.
struct client_half {
    std::int64_t pushes = 0;                ///< that the peer has acknowledged
    std::int64_t attempts = 0;              ///< of the last ones, pushes and pulls
    std::int64_t successes = 0;             ///< among them
    std::optional<instant> last_success;
    std::vector<wire::noted_error> errors;  ///< the latest first
    std::int64_t queued = 0;
    std::optional<instant> oldest;          ///< since when the oldest of them waits
    std::vector<wire::queue_item> queue;    ///< the first of them
    std::optional<bool> reachable;
};

/// What has been seen of a peer since the start.
struct sighting {
    std::optional<instant> request;  ///< the last authenticated one
    std::optional<instant> pull;     ///< the last one answered
    std::optional<double> skew;      ///< seconds that the time of its last push was from ours
    std::int64_t streams = 0;        ///< open telemetry streams

    [[nodiscard]] bool is_online(instant now) const { return streams > 0 || (request && *request + limits::online_for >= now); }
};

/// What two instances of a backend have seen of a peer; `here` is believed first.
inline sighting together(sighting const& here, sighting const& elsewhere) {
    return {std::max(here.request, elsewhere.request), std::max(here.pull, elsewhere.pull), here.skew ? here.skew : elsewhere.skew, here.streams + elsewhere.streams};
}

/// A registration with all that is known of it.
struct peer_view {
    peer_record peer;
    peer_statistics counted;
    sighting seen;
    client_half client;

    [[nodiscard]] std::optional<instant> last_sync() const { return std::max({peer.last_sync, seen.pull, client.last_success}); }
    [[nodiscard]] std::int64_t attempts() const { return counted.attempts() + client.attempts; }
    [[nodiscard]] std::optional<double> success_rate() const {
        if (attempts() == 0) return std::nullopt;
        return static_cast<double>(counted.successes() + client.successes) / static_cast<double>(attempts());
    }
    [[nodiscard]] double lag(instant now) const { return seconds_since(last_sync().value_or(peer.registered_at), now); }
    [[nodiscard]] double sbt_expires_in(instant now) const { return seconds_between(now, peer.sbt_expires_at); }

    /// The latest first.
    [[nodiscard]] std::vector<wire::noted_error> errors() const {
        auto all = counted.errors;
        all.insert(all.end(), client.errors.begin(), client.errors.end());
        std::ranges::stable_sort(all, [](auto const& a, auto const& b) { return a.at > b.at; });
        if (all.size() > limits::errors_kept) all.resize(limits::errors_kept);
        return all;
    }
};

inline wire::sync_metrics metrics_of(peer_view const& v, instant now) {
    auto errors = v.errors();
    return {.peer_id = v.peer.peer_id,
            .backend_id = v.peer.backend_id,
            .last_sync = v.last_sync(),
            .sync_lag_seconds = v.lag(now),
            .queue_depth = v.client.queued,
            .sync_success_rate = v.success_rate(),
            .last_error = errors.empty() ? std::nullopt : std::optional{std::move(errors.front())},
            .total_syncs = v.peer.total_syncs + v.client.pushes,
            .total_events = v.counted.events};
}

inline wire::peer_status_line status_line_of(peer_view const& v, instant now) {
    return {metrics_of(v, now), v.peer.backend_type, v.seen.is_online(now), v.peer.registered_at, v.sbt_expires_in(now)};
}

inline wire::sync_debug debug_of(peer_view const& v, wire::peer_entry info, instant now) {
    double const left = v.sbt_expires_in(now);
    return {.peer_info = std::move(info),
            .sbt_status = left > 0 ? "valid" : "expired",
            .sbt_expires_in = left,
            .offline_queue = v.client.queue,
            .recent_errors = v.errors(),
            .network_status = v.client.reachable,
            .last_successful_sync = v.last_sync(),
            .sync_lag = v.lag(now)};
}

}  // namespace bsp::observe
