#pragma once

#include <bsp/base/instant.hpp>

#include <concepts>

namespace bsp {

/// The time of day. Nothing in the protocol reads a clock: whoever calls the protocol reads one and
/// passes the instant. May be set back; commit instants stay increasing all the same (BSP-SYN-106).
/// Models: system_clock (adapters/), manual_clock (testing/).
template <class C>
concept clock = requires(C& c) {
    { c.now() } -> std::same_as<instant>;
};

/// The smallest model, for compile-time tests.
struct clock_archetype {
    clock_archetype() = delete;
    clock_archetype(clock_archetype const&) = delete;
    instant now() { return {}; }
};
static_assert(clock<clock_archetype>);

}  // namespace bsp
