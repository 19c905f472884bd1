#pragma once

#include <bsp/base/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Text forms of bytes. Every byte string has exactly one text in each form, and a reader takes no
/// other: no white space, no foreign characters, no second spelling of the same bytes.
namespace bsp {

namespace detail {

inline constexpr std::string_view hex_digits = "0123456789abcdef";
inline constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
inline constexpr std::string_view base64url_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

inline constexpr std::uint8_t no_digit = 0xFF;

/// The value of each character in `alphabet`, `no_digit` for all others.
constexpr std::array<std::uint8_t, 256> digit_values(std::string_view alphabet) {
    std::array<std::uint8_t, 256> values{};
    for (auto& v : values) v = no_digit;
    for (std::size_t i = 0; i < alphabet.size(); ++i) values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    return values;
}

inline std::string to_base64_with(byte_view data, std::string_view alphabet, bool padded) {
    std::string out;
    out.reserve((data.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < data.size(); i += 3) {
        std::size_t const n = data.size() - i < 3 ? data.size() - i : 3;
        std::uint32_t const group = static_cast<std::uint32_t>(data[i] << 16) | static_cast<std::uint32_t>(n > 1 ? data[i + 1] << 8 : 0) |
                                    static_cast<std::uint32_t>(n > 2 ? data[i + 2] : 0);
        for (std::size_t k = 0; k < 4; ++k)
            if (k <= n)
                out += alphabet[group >> (18 - 6 * k) & 0x3F];
            else if (padded)
                out += '=';
    }
    return out;
}

/// `text` without its padding.
inline std::optional<bytes> from_base64_with(std::string_view text, std::array<std::uint8_t, 256> const& values) {
    if (text.size() % 4 == 1) return std::nullopt;
    bytes out;
    out.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t group = 0;
    unsigned bits = 0;
    for (char c : text) {
        std::uint8_t const digit = values[static_cast<unsigned char>(c)];
        if (digit == no_digit) return std::nullopt;
        group = (group << 6 | digit) & 0xFF'FFFF;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<std::uint8_t>(group >> bits));
        }
    }
    if ((group & ((1u << bits) - 1)) != 0) return std::nullopt;  // unused bits must be zero: one text per value
    return out;
}

}  // namespace detail

inline std::string to_hex(byte_view data) {
    std::string out;
    out.reserve(2 * data.size());
    for (std::uint8_t b : data) out += detail::hex_digits[b >> 4], out += detail::hex_digits[b & 0xF];
    return out;
}

/// Reads pairs of lowercase hexadecimal digits.
inline std::optional<bytes> from_hex(std::string_view text) {
    static constexpr auto values = detail::digit_values(detail::hex_digits);
    if (text.size() % 2 != 0) return std::nullopt;
    bytes out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        std::uint8_t const high = values[static_cast<unsigned char>(text[i])], low = values[static_cast<unsigned char>(text[i + 1])];
        if (high == detail::no_digit || low == detail::no_digit) return std::nullopt;
        out.push_back(static_cast<std::uint8_t>(high << 4 | low));
    }
    return out;
}

/// Base64 with padding (RFC 4648 §4).
inline std::string to_base64(byte_view data) { return detail::to_base64_with(data, detail::base64_alphabet, true); }

inline std::optional<bytes> from_base64(std::string_view text) {
    static constexpr auto values = detail::digit_values(detail::base64_alphabet);
    if (text.size() % 4 != 0) return std::nullopt;
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
    return detail::from_base64_with(text, values);
}

/// Base64url without padding (RFC 4648 §5, RFC 7515 §2).
inline std::string to_base64url(byte_view data) { return detail::to_base64_with(data, detail::base64url_alphabet, false); }

inline std::optional<bytes> from_base64url(std::string_view text) {
    static constexpr auto values = detail::digit_values(detail::base64url_alphabet);
    return detail::from_base64_with(text, values);
}

}  // namespace bsp
