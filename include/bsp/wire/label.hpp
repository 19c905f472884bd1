#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/base/utf8.hpp>
#include <bsp/json/fields.hpp>

#include <cstddef>
#include <string_view>

namespace bsp::wire {

/// role, surface, source_backend, capabilities: an open word of 1 to 128 characters without control
/// characters (BSP-SYN-007, BSP-SYN-008). `utf8` is the text of a JSON string.
inline bool is_label(std::string_view utf8) {
    std::size_t characters = 0;
    for (std::size_t at = 0; at < utf8.size(); ++characters) {
        auto const c = decode_utf8(utf8, at);
        if (!c || *c < 0x20 || (*c >= 0x7F && *c <= 0x9F)) return false;
    }
    return characters >= 1 && characters <= limits::label_characters_max;
}

inline result<std::string_view> required_label(json::fields const& f, std::string_view name) {
    BSP_TRY(std::string_view const text, f.required_string(name));
    if (!is_label(text)) return f.invalid(name, "must have 1 to 128 characters and no control character");
    return text;
}

}  // namespace bsp::wire
