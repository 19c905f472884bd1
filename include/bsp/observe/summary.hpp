#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/base/watch_limits.hpp>
#include <bsp/policy/statistics.hpp>
#include <bsp/wire/metrics.hpp>

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace bsp::observe {

/// The telemetry of a day in six numbers (chapter 19.2). The peers with the most events are `active` ones.
inline wire::telemetry_summary summary_of(std::span<peer_telemetry const> day, std::set<std::string, std::less<>> const& active, std::int64_t online) {
    wire::telemetry_summary out;
    out.total_peers = static_cast<std::int64_t>(active.size());
    out.online_peers = online;
    std::int64_t with_latency = 0;
    double latency = 0;
    for (auto const& p : day) {
        out.total_events_24h += p.events;
        out.total_cost_24h += p.cost_usd;
        with_latency += p.with_latency;
        latency += p.latency_ms;
        if (active.contains(p.peer_id)) out.top_peers_by_events.push_back({p.peer_id, p.events});
    }
    if (with_latency > 0) out.avg_latency_ms = latency / static_cast<double>(with_latency);
    std::ranges::sort(out.top_peers_by_events, [](auto const& a, auto const& b) { return std::tie(b.events, a.peer_id) < std::tie(a.events, b.peer_id); });
    if (out.top_peers_by_events.size() > limits::top_peers_max) out.top_peers_by_events.resize(limits::top_peers_max);
    return out;
}

}  // namespace bsp::observe
