#pragma once

#include <bsp/policy/clock.hpp>

#include <chrono>

namespace bsp::testing {

/// A clock that a test turns.
struct manual_clock {
    instant at{1'767'139'200, 0};  ///< 2025-12-31T00:00:00Z

    instant now() const { return at; }
    void advance(std::chrono::nanoseconds d) { at = at + d; }
};
static_assert(clock<manual_clock const>);

}  // namespace bsp::testing
