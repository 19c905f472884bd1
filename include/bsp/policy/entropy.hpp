#pragma once

#include <concepts>
#include <cstdint>
#include <span>

namespace bsp {

/// A source of random bytes. `fill` must be unpredictable to everyone else: peer ids rest on it.
/// Safe to call from several threads at once.
/// Models: os_entropy (adapters/), counting_entropy (testing/).
template <class E>
concept entropy = requires(E& e, std::span<std::uint8_t> out) {
    { e.fill(out) } -> std::same_as<void>;
};

/// The smallest model, for compile-time tests.
struct entropy_archetype {
    entropy_archetype() = delete;
    entropy_archetype(entropy_archetype const&) = delete;
    void fill(std::span<std::uint8_t>) {}
};
static_assert(entropy<entropy_archetype>);

}  // namespace bsp
