#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// Where an endpoint is found: a method and a path pattern such as "/sync/{peer_id}/digest".
struct route {
    std::string_view method;
    std::string_view path;
};

/// The variable segments of a path, by the names that the pattern gives them, percent-decoded.
using path_parameters = std::vector<std::pair<std::string_view, std::string>>;

/// Matches the decoded segments of a path against a pattern. A variable segment is never empty.
inline std::optional<path_parameters> match(std::string_view pattern, std::span<std::string const> segments) {
    path_parameters parameters;
    for (auto const& segment : segments) {
        if (!pattern.starts_with('/')) return std::nullopt;
        pattern.remove_prefix(1);
        std::string_view const expected = pattern.substr(0, pattern.find('/'));
        pattern.remove_prefix(expected.size());
        if (!expected.starts_with('{')) {
            if (segment != expected) return std::nullopt;
        } else {
            if (segment.empty()) return std::nullopt;
            parameters.emplace_back(expected.substr(1, expected.size() - 2), segment);
        }
    }
    return pattern.empty() ? std::optional{std::move(parameters)} : std::nullopt;
}

}  // namespace bsp::endpoint
