#pragma once

#include <bsp/policy/clock.hpp>

#include <chrono>

namespace bsp {

/// The computer's clock.
struct system_clock {
    instant now() const { return instant{} + std::chrono::nanoseconds{std::chrono::system_clock::now().time_since_epoch()}; }
};
static_assert(clock<system_clock const>);

}  // namespace bsp
