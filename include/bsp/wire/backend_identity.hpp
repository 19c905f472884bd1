#pragma once

#include <bsp/base/identifier.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/wire/label.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bsp::wire {

/// A backend as it presents itself (spec chapter 2):
///
///     {"backend_id": "hosted_sha256_a9bece05ad4ed0b0", "backend_type": "hosted", "public_key": "-----BEGIN PUBLIC KEY-----\n…",
///      "capabilities": ["scale"], "version": "1.0", "created_at": "2025-11-02T09:14:07Z"[, "epoch": "9f3a6c0d"]}
struct backend_identity {
    std::string backend_id;
    std::string backend_type;
    std::string public_key;  ///< as sent: whether it is an acceptable key is for crypto/ to say
    std::vector<std::string> capabilities;
    std::string version;
    std::optional<instant> created_at;  ///< tolerated absent (A-037)
    std::optional<std::string> epoch;
};

namespace detail {
/// The major number of `MAJOR.MINOR`, two decimal integers without leading zeros (BSP-GEN-063).
inline std::optional<int> major_of(std::string_view version) {
    auto const number = [](std::string_view text) -> std::optional<int> {
        int n = 0;
        auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n);
        bool const plain = problem == std::errc{} && end == text.data() + text.size() && text[0] != '-' && (text.size() == 1 || text[0] != '0');
        return plain ? std::optional{n} : std::nullopt;
    };
    auto const dot = version.find('.');
    if (dot == std::string_view::npos || !number(version.substr(dot + 1))) return std::nullopt;
    return number(version.substr(0, dot));
}
}  // namespace detail

inline constexpr std::size_t capabilities_max = 64;

/// Errors: `invalid_body`; `unsupported_version` for another major version (BSP-GEN-065).
inline result<backend_identity> decode_backend_identity(json::fields const& f) {
    backend_identity b;
    BSP_TRY(b.version, f.required_string("version"));
    auto const major = detail::major_of(b.version);
    if (!major) return f.invalid("version", "must be MAJOR.MINOR");
    if (*major != 1) return fail(errc::unsupported_version, "this backend speaks version 1.0");

    BSP_TRY(b.backend_type, f.required_string("backend_type"));
    if (!is_backend_type(b.backend_type)) return f.invalid("backend_type", "must be local or hosted");
    BSP_TRY(b.backend_id, f.required_string("backend_id"));
    if (!agrees_with_type(b.backend_id, b.backend_type)) return f.invalid("backend_id", "must begin with its backend_type and '_', and have at most 128 characters");
    BSP_TRY(b.public_key, f.required_string("public_key"));
    BSP_TRY(b.created_at, f.optional_timestamp("created_at"));

    BSP_TRY(auto const capabilities, f.optional_array("capabilities"));
    if (!capabilities) return b;
    if (capabilities->size() > capabilities_max) return f.invalid("capabilities", "has too many elements");
    for (std::size_t i = 0; i < capabilities->size(); ++i) {
        BSP_TRY(std::string_view const capability, capabilities->string_at(i));
        if (!is_label(capability)) return capabilities->invalid(i, "must have 1 to 128 characters and no control character");
        if (std::ranges::find(b.capabilities, capability) != b.capabilities.end()) return capabilities->invalid(i, "occurs twice");
        b.capabilities.emplace_back(capability);
    }
    return b;
}

inline std::string encode(backend_identity const& b) {
    json::object o{{"backend_id", b.backend_id},
                   {"backend_type", b.backend_type},
                   {"public_key", b.public_key},
                   {"capabilities", json::array(b.capabilities.begin(), b.capabilities.end())},
                   {"version", b.version}};
    if (b.created_at) o["created_at"] = format_timestamp(*b.created_at);
    if (b.epoch) o["epoch"] = *b.epoch;
    return json::serialize(o);
}

}  // namespace bsp::wire
