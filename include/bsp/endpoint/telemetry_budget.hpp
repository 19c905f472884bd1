#pragma once

#include <bsp/base/instant.hpp>
#include <bsp/base/limits.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace bsp::endpoint {

/// How many events a peer may still send (chapter 11.7): windows that begin with a peer's first event after the one
/// before has ended. A window passes `events_max` events, so no 60 seconds see more than twice as many, and no peer
/// that keeps to the budget is ever stopped. Forgotten when the process ends, as A-088 permits. For one thread at a time.
class telemetry_budget {
public:
    explicit telemetry_budget(std::size_t events_max = limits::events_per_window_max) : events_max_{events_max} {}

    struct verdict {
        std::chrono::milliseconds retry_after{};  ///< zero: within the budget
        bool persistent = false;                  ///< has gone on for a whole budget more (BSP-TEL-124)
    };

    /// Counts one text message of the peer.
    verdict count(std::string_view peer_id, instant now) {
        if (is_past(swept_at_, now)) {
            std::erase_if(windows_, [&](auto const& entry) { return is_past(entry.second.begin, now); });
            swept_at_ = now;
        }
        auto const at = windows_.try_emplace(std::string{peer_id}, window{now, 0}).first;
        if (is_past(at->second.begin, now)) at->second = {now, 0};
        std::size_t const n = ++at->second.count;
        if (n <= events_max_) return {};
        auto const left = between(now, at->second.begin + limits::events_window);
        return {std::max(std::chrono::milliseconds{1}, std::chrono::ceil<std::chrono::milliseconds>(left)), n > 2 * events_max_};
    }

private:
    struct window {
        instant begin;
        std::size_t count = 0;
    };

    static std::chrono::nanoseconds between(instant from, instant to) {
        return std::chrono::seconds{to.seconds - from.seconds} + std::chrono::nanoseconds{static_cast<std::int64_t>(to.nanoseconds) - static_cast<std::int64_t>(from.nanoseconds)};
    }

    /// A window has ended when 60 seconds have passed, or when the clock was set back.
    static bool is_past(instant begin, instant now) { return now >= begin + limits::events_window || now < begin; }

    std::size_t events_max_;
    std::map<std::string, window, std::less<>> windows_;
    instant swept_at_;
};

}  // namespace bsp::endpoint
