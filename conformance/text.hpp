#pragma once

#include <bsp/base/utf8.hpp>

#include <string_view>

namespace bsp::conformance {

/// Whether every byte belongs to well-formed UTF-8.
inline bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();)
        if (!decode_utf8(text, at)) return false;
    return true;
}

/// Columns that `text` takes on a terminal, one per code point.
inline std::size_t width_of(std::string_view text) {
    std::size_t n = 0;
    for (char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return n;
}

}  // namespace bsp::conformance
