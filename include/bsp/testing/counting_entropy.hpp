#pragma once

#include <bsp/policy/entropy.hpp>

#include <atomic>

namespace bsp::testing {

/// Bytes that look random to nobody: each call writes the next number, so ids differ and runs repeat.
class counting_entropy {
public:
    void fill(std::span<std::uint8_t> out) {
        std::uint64_t number = ++calls_;
        for (auto byte = out.rbegin(); byte != out.rend(); ++byte, number >>= 8) *byte = static_cast<std::uint8_t>(number);
    }

private:
    std::atomic<std::uint64_t> calls_ = 0;
};
static_assert(entropy<counting_entropy>);

}  // namespace bsp::testing
