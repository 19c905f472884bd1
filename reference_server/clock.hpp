#pragma once

#include <bsp/adapters/system_clock.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace bsp::server {

/// The time of day by which this process judges and records everything: the computer's, and on top of it what a tester
/// has asked for (`--test-clock`). It goes forwards only.
class server_clock {
public:
    [[nodiscard]] instant now() const { return system_clock{}.now() + ahead(); }
    [[nodiscard]] std::chrono::milliseconds ahead() const { return std::chrono::milliseconds{ahead_ms.load(std::memory_order_relaxed)}; }

    static void advance(std::chrono::milliseconds by) { ahead_ms.fetch_add(by.count(), std::memory_order_relaxed); }

private:
    static inline std::atomic<std::int64_t> ahead_ms{0};
};
static_assert(clock<server_clock const>);

}  // namespace bsp::server
