#include "registry.hpp"

#include <algorithm>
#include <numeric>

namespace bsp::conformance {

std::vector<registered_check> const& all_checks() {
    static std::vector<registered_check> const all = [] {
        std::vector<registered_check> out;
        for (auto const& g : {
#define BSP_X(name) name##_group(),
                 BSP_CHECK_GROUPS(BSP_X)
#undef BSP_X
             })
            for (auto const& c : g.checks) out.push_back({&c, g.profile, g.name, out.size()});
        return out;
    }();
    return all;
}

registered_check const* find_check(std::string_view id) {
    auto const& all = all_checks();
    auto const found = std::find_if(all.begin(), all.end(), [&](auto const& r) { return r.check->id == id; });
    return found == all.end() ? nullptr : &*found;
}

std::string_view to_string(profile p) noexcept {
    switch (p) {
#define BSP_X(name, text, title) case profile::name: return text;
        BSP_PROFILES(BSP_X)
#undef BSP_X
    }
    return "?";
}

std::string_view title_of(profile p) noexcept {
    switch (p) {
#define BSP_X(name, text, title) case profile::name: return title;
        BSP_PROFILES(BSP_X)
#undef BSP_X
    }
    return "?";
}

std::optional<profile> profile_from(std::string_view text) {
    std::string upper{text};
    for (auto& c : upper)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
#define BSP_X(name, wire, title) \
    if (upper == wire) return profile::name;
    BSP_PROFILES(BSP_X)
#undef BSP_X
    return std::nullopt;
}

std::string_view to_string(obligation o) noexcept {
    switch (o) {
        case obligation::must: return "MUST";
        case obligation::should: return "SHOULD";
        case obligation::may: return "MAY";
    }
    return "?";
}

std::string_view to_string(aspect a) noexcept { return a == aspect::behaviour ? "behaviour" : "exactness"; }

bool matches(std::string_view pattern, std::string_view text) {
    if (pattern.find_first_of("*?") == std::string_view::npos)
        return text == pattern || (text.starts_with(pattern) && text.substr(pattern.size()).starts_with('/'));
    // Iterative wildcard match: on a mismatch, let the last '*' take one more character.
    std::size_t p = 0, t = 0, star = std::string_view::npos, from = 0;
    while (t < text.size()) {
        if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') ++p, ++t;
        else if (p < pattern.size() && pattern[p] == '*') star = p++, from = t;
        else if (star != std::string_view::npos) p = star + 1, t = ++from;
        else return false;
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

std::string did_you_mean(std::string_view text, std::vector<std::string> const& candidates) {
    auto const distance = [&](std::string_view other) {
        std::vector<std::size_t> row(other.size() + 1);
        std::iota(row.begin(), row.end(), 0u);
        for (std::size_t i = 1; i <= text.size(); ++i) {
            std::size_t diagonal = row[0];
            row[0] = i;
            for (std::size_t j = 1; j <= other.size(); ++j) {
                std::size_t const change = diagonal + (text[i - 1] != other[j - 1]);
                diagonal = row[j];
                row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
            }
        }
        return row[other.size()];
    };
    std::string best;
    std::size_t least = std::max<std::size_t>(2, text.size() / 3) + 1;
    for (auto const& c : candidates) {
        auto const slash = c.find('/');
        std::size_t d = distance(c);
        if (slash != std::string::npos) d = std::min(d, distance(std::string_view{c}.substr(slash + 1)));
        if (d < least) least = d, best = c;
    }
    return best;
}

}  // namespace bsp::conformance
