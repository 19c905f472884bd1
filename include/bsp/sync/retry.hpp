#pragma once

#include <bsp/base/http.hpp>
#include <bsp/base/limits.hpp>
#include <bsp/sync/moment.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bsp::sync {

/// Reads `Retry-After` (RFC 9110 §10.2.3): seconds, or a date. How long that is from `now`, 0 to
/// `retry_after_max`; nothing when it is absent or unreadable.
inline std::optional<std::chrono::seconds> retry_after(http_headers const& headers, instant now) {
    using std::chrono::seconds;
    auto const* value = headers.find("Retry-After");
    if (!value) return std::nullopt;
    std::string_view const text = *value;
    auto const bounded = [](std::int64_t s) { return std::clamp(seconds{s}, seconds{0}, seconds{limits::retry_after_max}); };
    if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
        std::int64_t n = 0;
        auto const problem = std::from_chars(text.data(), text.data() + text.size(), n).ec;
        return problem == std::errc{} ? bounded(n) : seconds{limits::retry_after_max};  // more digits than a number has
    }
    // "Sun, 06 Nov 1994 08:49:37 GMT": the one form of date that is sent.
    if (text.size() != 29 || text.substr(3, 2) != ", " || !text.ends_with(" GMT")) return std::nullopt;
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    auto const month = months.find(text.substr(8, 3));
    if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
    std::string iso{text.substr(12, 4)};
    iso += month < 27 ? "-0" : "-";
    iso += std::to_string(month / 3 + 1) + '-' + std::string{text.substr(5, 2)} + 'T' + std::string{text.substr(17, 8)} + 'Z';
    auto const at = parse_timestamp(iso);
    if (!at) return std::nullopt;
    return bounded(at->seconds - now.seconds);
}

/// When to try again: after 1, 2, 4, 8, 16, 32, then every 64 seconds, for as long as it takes.
class backoff {
public:
    void handle_failure(moment now) {
        std::size_t const doublings = std::min<std::size_t>(failures_++, 6);
        resume_at_ = now.steady + std::min<std::chrono::seconds>(limits::retry_delay_min * (1 << doublings), limits::retry_delay_max);
    }

    /// What was counted before says nothing any more: something succeeded, or the peer can be reached again.
    void reset() { *this = {}; }

    [[nodiscard]] bool waits(moment now) const { return resume_at_ && now.steady < *resume_at_; }

    /// When the wait is over; nothing when there is none.
    [[nodiscard]] timeout until() const { return resume_at_; }

private:
    std::size_t failures_ = 0;  ///< consecutive
    timeout resume_at_;
};

}  // namespace bsp::sync
