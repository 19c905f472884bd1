#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/merge/message.hpp>
#include <bsp/privacy/settings.hpp>

#include <algorithm>

namespace bsp::privacy {

/// What has expired at one moment (chapter 16.4): what is as old as an instant of these, or older. A tombstone shows no
/// content and keeps older data away, so it lives for 90 days at least.
struct expiry {
    instant data_until;
    instant tombstones_until;

    static expiry of(privacy_settings const& s, instant now) {
        instant const data = s.expired_until(now);
        return {data, std::min(data, now - limits::tombstone_kept)};
    }

    [[nodiscard]] instant until(bool is_tombstone) const { return is_tombstone ? tombstones_until : data_until; }

    /// A message's age is that of its `timestamp`, or of its first arrival if that is longer ago: an edit does
    /// not make it young.
    [[nodiscard]] bool has(merge::message const& m) const { return has(m, m.first_received); }
    [[nodiscard]] bool has(merge::message const& m, instant first_received) const { return std::min(m.timestamp, first_received) <= until(m.deleted); }
};

}  // namespace bsp::privacy
