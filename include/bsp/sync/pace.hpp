#pragma once

#include <bsp/sync/moment.hpp>

#include <algorithm>
#include <chrono>

namespace bsp::sync {

/// Keeps what is sent within the budget that every peer grants (BSP-OFF-017): a few at once, as a person's changes come,
/// and a stream of them a gap apart, which makes no more than 95 in any 60 seconds.
class pace {
public:
    static constexpr int burst = 15;
    static constexpr std::chrono::milliseconds gap{750};  ///< BSP-OFF-010 allows a second

    void handle_sent(moment now) { earned_at_ = std::max(earned_at_, now.steady) + gap; }

    [[nodiscard]] bool waits(moment now) const { return now.steady < until(); }

    /// When the next one may go.
    [[nodiscard]] std::chrono::nanoseconds until() const { return std::max(earned_at_ - gap * burst, std::chrono::nanoseconds{}); }

private:
    std::chrono::nanoseconds earned_at_{};  ///< when all that was sent is paid for
};

}  // namespace bsp::sync
