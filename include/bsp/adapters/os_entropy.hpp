#pragma once

#include <bsp/crypto/random.hpp>
#include <bsp/policy/entropy.hpp>

namespace bsp {

/// The operating system's generator.
struct os_entropy {
    void fill(std::span<std::uint8_t> out) { random_bytes(out); }
};
static_assert(entropy<os_entropy>);

}  // namespace bsp
