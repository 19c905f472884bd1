#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <string>

namespace bsp::json {

/// A number as JSON text without an exponent, the shortest that reads as the same number: 3.2, 0, 48211. What is no
/// number is `null`.
inline std::string decimal(double n) {
    if (!std::isfinite(n)) return "null";
    std::array<char, 400> text{};
    auto const [end, problem] = std::to_chars(text.data(), text.data() + text.size(), n, std::chars_format::fixed);
    return problem == std::errc{} ? std::string(text.data(), end) : "null";
}

}  // namespace bsp::json
