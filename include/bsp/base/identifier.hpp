#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/base/utf8.hpp>

#include <cstddef>
#include <string_view>

namespace bsp {

/// `^[A-Za-z0-9._:@~-]{1,128}$` and neither `.` nor `..`: conversation_id, message id, sync_id,
/// session_id, event_id, jti. Compared octet for octet.
constexpr bool is_identifier(std::string_view text) {
    if (text.empty() || text.size() > limits::identifier_bytes_max || text == "." || text == "..") return false;
    for (char c : text) {
        bool const letter_or_digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter_or_digit && std::string_view{"._:@~-"}.find(c) == std::string_view::npos) return false;
    }
    return true;
}

/// 1 to 256 Unicode scalars without control characters. `anonymous` is a name like any other
/// here; a session binding token may not carry it.
inline bool is_user_id(std::string_view utf8) {
    std::size_t scalars = 0;
    for (std::size_t at = 0; at < utf8.size(); ++scalars) {
        auto const c = decode_utf8(utf8, at);
        if (!c || *c < 0x20 || (*c >= 0x7F && *c <= 0x9F)) return false;
    }
    return scalars >= 1 && scalars <= limits::user_id_scalars_max;
}

/// A received backend_id: 1 to 128 visible ASCII characters, otherwise opaque.
constexpr bool is_backend_id(std::string_view text) {
    if (text.empty() || text.size() > limits::backend_id_bytes_max) return false;
    for (char c : text)
        if (c < '!' || c > '~') return false;
    return true;
}

constexpr bool is_backend_type(std::string_view text) { return text == "local" || text == "hosted"; }

/// What a receiver holds a backend to: its id begins with `local_` or `hosted_`, as its type says.
constexpr bool agrees_with_type(std::string_view backend_id, std::string_view backend_type) {
    return is_backend_type(backend_type) && is_backend_id(backend_id) && backend_id.size() > backend_type.size() + 1 &&
           backend_id.starts_with(backend_type) && backend_id[backend_type.size()] == '_';
}

namespace detail {
constexpr bool is_prefix_and_hex(std::string_view text, std::string_view prefix, std::size_t digits_min, std::size_t digits_max) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return text.size() >= digits_min && text.size() <= digits_max && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
}  // namespace detail

/// What a backend may call itself: `^(local|hosted)_sha256_[0-9a-f]{16,64}$`.
constexpr bool is_produced_backend_id(std::string_view text) {
    return detail::is_prefix_and_hex(text, "local_sha256_", 16, 64) || detail::is_prefix_and_hex(text, "hosted_sha256_", 16, 64);
}

/// What a backend may call a peer: `peer_` and at least 128 bits in lowercase hexadecimal.
constexpr bool is_produced_peer_id(std::string_view text) {
    return detail::is_prefix_and_hex(text, "peer_", 32, limits::identifier_bytes_max - 5);
}

}  // namespace bsp
