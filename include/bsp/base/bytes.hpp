#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace bsp {

using bytes = std::vector<std::uint8_t>;
using byte_view = std::span<std::uint8_t const>;
using sha256_digest = std::array<std::uint8_t, 32>;

inline byte_view as_bytes(std::string_view text) {
    return {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()};
}

}  // namespace bsp
