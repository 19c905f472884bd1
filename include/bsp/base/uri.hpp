#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The request target as RFC 3986 sees it. Parts are split first and decoded afterwards, each exactly
/// once, so that an escaped delimiter never delimits.
namespace bsp {

struct target_parts {
    std::string_view path;   ///< before the first '?', still escaped
    std::string_view query;  ///< after it, still escaped; empty when there is none
};

inline target_parts split_target(std::string_view target) {
    std::size_t const mark = target.find('?');
    if (mark == std::string_view::npos) return {target, {}};
    return {target.substr(0, mark), target.substr(mark + 1)};
}

/// Undoes `%XX`; nothing when a `%` is not followed by two hexadecimal digits. `+` stays `+`.
inline std::optional<std::string> percent_decode(std::string_view text) {
    auto const digit = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    };
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        int const high = digit(text[i + 1]), low = digit(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

/// Escapes everything but RFC 3986's unreserved characters, for use as one path segment or query value.
inline std::string percent_encode_segment(std::string_view text) {
    std::string out;
    for (char c : text) {
        bool const unreserved =
            (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (unreserved) {
            out += c;
        } else {
            constexpr char digits[] = "0123456789ABCDEF";
            auto const byte = static_cast<unsigned char>(c);
            out += '%', out += digits[byte >> 4], out += digits[byte & 0xF];
        }
    }
    return out;
}

/// The segments of an absolute path, decoded: "/a/b%2Fc" is {"a", "b/c"}, "/" is {""}. Nothing when the
/// path does not begin with '/' or an escape is broken.
inline std::optional<std::vector<std::string>> path_segments(std::string_view path) {
    if (!path.starts_with('/')) return std::nullopt;
    std::vector<std::string> segments;
    for (std::size_t from = 1;;) {
        std::size_t const slash = path.find('/', from);
        auto segment = percent_decode(path.substr(from, slash == std::string_view::npos ? slash : slash - from));
        if (!segment) return std::nullopt;
        segments.push_back(*std::move(segment));
        if (slash == std::string_view::npos) return segments;
        from = slash + 1;
    }
}

using query_parameters = std::vector<std::pair<std::string, std::string>>;

/// The parameters of a query in order, decoded; "a" is a parameter with an empty value. Nothing when an
/// escape is broken. Whether a name may come twice is for the reader to say.
inline std::optional<query_parameters> parse_query(std::string_view query) {
    query_parameters parameters;
    while (!query.empty()) {
        std::size_t const end = query.find('&');
        std::string_view const item = query.substr(0, end);
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
        if (item.empty()) continue;
        std::size_t const equals = item.find('=');
        auto name = percent_decode(item.substr(0, equals));
        auto value = percent_decode(equals == std::string_view::npos ? std::string_view{} : item.substr(equals + 1));
        if (!name || !value) return std::nullopt;
        parameters.emplace_back(*std::move(name), *std::move(value));
    }
    return parameters;
}

}  // namespace bsp
