#pragma once

#include <bsp/base/encoding.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/policy/audit.hpp>
#include <bsp/policy/records.hpp>
#include <bsp/wire/metrics.hpp>

#include <boost/json/parse.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// How values that are no column's type are kept in columns, by every store that has columns.
namespace bsp::server {

namespace detail {
inline constexpr std::int64_t giga = 1'000'000'000;
}

/// The widest range an int64 of nanoseconds spans is 1677 … 2262; instants outside of it are its ends.
inline std::int64_t to_nanoseconds(instant t) {
    constexpr auto last = std::numeric_limits<std::int64_t>::max();
    constexpr auto first = std::numeric_limits<std::int64_t>::min();
    if (t.seconds >= last / detail::giga) return last;
    if (t.seconds <= first / detail::giga) return first;
    return t.seconds * detail::giga + t.nanoseconds;
}

inline instant from_nanoseconds(std::int64_t ns) {
    std::int64_t const seconds = ns >= 0 ? ns / detail::giga : -((-(ns + 1)) / detail::giga) - 1;
    return {seconds, static_cast<std::uint32_t>(ns - seconds * detail::giga)};
}

/// Lists of texts are kept as JSON arrays.
inline std::string to_json_array(std::vector<std::string> const& texts) {
    json::array list;
    for (auto const& text : texts) list.emplace_back(text);
    return json::serialize(json::value(std::move(list)));
}

inline std::vector<std::string> from_json_array(std::string const& text) {
    json::value const list = boost::json::parse(text);
    std::vector<std::string> texts;
    for (auto const& item : list.as_array()) texts.emplace_back(item.as_string().data(), item.as_string().size());
    return texts;
}

/// `[{"public_key": "-----BEGIN …", "key_sha256": "7d4b…", "expires_at": "…Z"}]`; nearly always empty.
inline std::vector<retired_key> retired_keys_of(std::string const& text) {
    std::vector<retired_key> keys;
    if (text == "[]") return keys;
    auto const list = json::parse(text).value();
    for (auto const& entry : list.as_array()) {
        retired_key k{std::string{json::view(entry.at("public_key").as_string())}, {}, parse_timestamp(json::view(entry.at("expires_at").as_string())).value()};
        std::ranges::copy(from_hex(json::view(entry.at("key_sha256").as_string())).value(), k.key_sha256.begin());
        keys.push_back(std::move(k));
    }
    return keys;
}

inline std::string text_of(std::vector<retired_key> const& keys) {
    json::array list;
    for (auto const& k : keys) list.push_back(json::object{{"public_key", k.public_key_pem}, {"key_sha256", to_hex(k.key_sha256)}, {"expires_at", format_timestamp(k.expires_at)}});
    return json::serialize(json::value(std::move(list)));
}

/// Lines: code, space, timestamp.
inline std::string text_of(std::vector<wire::noted_error> const& errors) {
    std::string text;
    for (auto const& e : errors) text += e.code + ' ' + format_timestamp(e.at) + '\n';
    return text;
}

inline std::vector<wire::noted_error> noted_errors_of(std::string const& text) {
    std::vector<wire::noted_error> errors;
    std::istringstream lines{text};
    for (std::string code, at; lines >> code >> at;) errors.push_back({code, parse_timestamp(at).value()});
    return errors;
}

/// The seal at the beginning of an audit trail, as NUMBER:HASH.
inline std::string text_of(audit_seal const& s) { return std::to_string(s.number) + ':' + to_hex(s.hash); }

inline audit_seal audit_seal_of(std::string const& text) {
    std::size_t const colon = text.find(':');
    auto const hash = colon == std::string::npos ? std::nullopt : from_hex(std::string_view{text}.substr(colon + 1));
    audit_seal s;
    if (!hash || hash->size() != s.hash.size()) throw std::runtime_error{"the beginning of the audit trail is damaged"};
    s.number = std::stoull(text);
    std::ranges::copy(*hash, s.hash.begin());
    return s;
}

inline std::optional<std::int64_t> seconds_of(std::optional<instant> const& t) { return t ? std::optional{t->seconds} : std::nullopt; }
inline std::optional<std::int64_t> nanosecond_part_of(std::optional<instant> const& t) {
    return t ? std::optional{static_cast<std::int64_t>(t->nanoseconds)} : std::nullopt;
}

}  // namespace bsp::server
