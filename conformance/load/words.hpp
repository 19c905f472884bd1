#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>

/// Numbers as people read them.
namespace bsp::conformance::load {

/// Three figures at most: "0.62", "12.4", "138", "2,410".
inline std::string number_words(double n) {
    char text[32];
    int const digits = n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2;
    std::snprintf(text, sizeof text, "%.*f", digits, n);
    std::string out{text};
    if (digits > 0) {
        while (out.back() == '0') out.pop_back();
        if (out.back() == '.') out.pop_back();
    }
    for (auto at = static_cast<std::ptrdiff_t>(out.find('.') == std::string::npos ? out.size() : out.find('.')) - 3; at > 0; at -= 3) out.insert(static_cast<std::size_t>(at), ",");
    return out;
}

/// Microseconds: "420 µs", "3.1 ms", "1.2 s".
inline std::string duration_words(std::uint64_t us) {
    auto const n = static_cast<double>(us);
    if (us < 1'000) return std::to_string(us) + " µs";
    return us < 1'000'000 ? number_words(n / 1e3) + " ms" : number_words(n / 1e6) + " s";
}

/// "99.98 %"; never "100 %" unless it is.
inline std::string percent_words(double share) {
    char text[32];
    double const p = share < 1 ? std::floor(share * 1e4) / 1e2 : 100;
    std::snprintf(text, sizeof text, p == std::floor(p) ? "%.0f %%" : "%.2f %%", p);
    return text;
}

/// CPU seconds per second: "12 % of a core", "1.4 cores".
inline std::string cores_words(double n) {
    if (n >= 0.995) return number_words(n) + " cores";
    return n < 0.01 ? "less than 1 % of a core" : std::to_string(std::lround(n * 100)) + " % of a core";
}

inline std::string count_words(std::uint64_t n, char const* one, char const* many) { return number_words(static_cast<double>(n)) + ' ' + (n == 1 ? one : many); }

}  // namespace bsp::conformance::load
