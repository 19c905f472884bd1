#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace bsp {

/// The Unicode scalar at `at`, which moves behind it; nothing when the bytes are not well-formed UTF-8
/// (overlong forms, surrogates and values beyond U+10FFFF included). Needs `at < text.size()`.
inline std::optional<char32_t> decode_utf8(std::string_view text, std::size_t& at) {
    auto const byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
    char32_t const lead = byte(at);
    if (lead < 0x80) return ++at, lead;

    std::size_t const length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() - at < length) return std::nullopt;
    char32_t scalar = lead & (0x7Fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xC0) != 0x80) return std::nullopt;
        scalar = scalar << 6 | (byte(at + i) & 0x3F);
    }
    bool const overlong = (length == 3 && scalar < 0x800) || (length == 4 && scalar < 0x1'0000);
    bool const surrogate = scalar >= 0xD800 && scalar <= 0xDFFF;
    if (overlong || surrogate || scalar > 0x10'FFFF) return std::nullopt;
    at += length;
    return scalar;
}

}  // namespace bsp
