#pragma once

#include <bsp/observe/alert_book.hpp>
#include <bsp/observe/peer_view.hpp>

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace bsp::observe {

/// What is not of one peer.
struct surroundings {
    bool store_answers = true;
    std::optional<double> free_bytes;  ///< on the disk of the store; nothing: nobody has looked
};

namespace detail {

inline void add_if_above(std::vector<trouble>& all, wire::alert_type type, std::string const& peer_id, double value) {
    if (value > wire::threshold_of(type)) all.push_back({type, peer_id, value, wire::threshold_of(type)});
}
inline void add_if_below(std::vector<trouble>& all, wire::alert_type type, std::string const& peer_id, double value) {
    if (value < wire::threshold_of(type)) all.push_back({type, peer_id, value, wire::threshold_of(type)});
}

}  // namespace detail

/// What is wrong at `now` by the table of chapter 19.4. Bounds are exclusive.
inline std::vector<trouble> troubles_of(std::span<peer_view const> peers, surroundings const& around, instant now) {
    using enum wire::alert_type;
    std::vector<trouble> all;
    for (auto const& v : peers) {
        auto const& id = v.peer.peer_id;
        detail::add_if_above(all, sync_lag, id, v.lag(now));
        detail::add_if_above(all, queue_depth, id, static_cast<double>(v.client.queued));
        if (v.client.oldest) detail::add_if_above(all, queue_age, id, seconds_since(*v.client.oldest, now));
        auto const judged = static_cast<std::int64_t>(limits::attempts_judged_min);
        if (auto const rate = v.success_rate(); rate && v.attempts() >= judged) detail::add_if_below(all, success_rate, id, *rate);
        if (v.seen.skew) detail::add_if_above(all, clock_skew, id, std::abs(*v.seen.skew));
    }
    if (around.free_bytes) detail::add_if_below(all, disk_space, "", *around.free_bytes);
    if (!around.store_answers) detail::add_if_above(all, store_down, "", 1);
    return all;
}

}  // namespace bsp::observe
