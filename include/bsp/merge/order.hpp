#pragma once

#include <bsp/merge/conversation.hpp>
#include <bsp/merge/message.hpp>

#include <compare>
#include <tuple>

/// Which of two writes stands: a total order, so that every backend gives the same answer.
namespace bsp::merge {

/// Orders versions of one message: version, instant, unredacted over redacted, digest
/// (BSP-MRG-014 … BSP-MRG-018). Equal means the same octets.
inline std::strong_ordering compare(message const& a, message const& b) {
    return std::tuple{a.version, a.timestamp, !a.redacted, a.digest} <=> std::tuple{b.version, b.timestamp, !b.redacted, b.digest};
}

/// Orders scalar writes of one conversation by their own stamps (BSP-MRG-030, BSP-MRG-031, BSP-MRG-035).
inline std::strong_ordering compare(scalar_write const& a, scalar_write const& b) {
    return std::tuple{a.version, a.last_modified, !a.redacted, a.digest} <=> std::tuple{b.version, b.last_modified, !b.redacted, b.digest};
}

/// Whether two versions of one message were written without knowledge of each other: the same version,
/// other octets, and the difference is not the redaction (BSP-MRG-060).
inline bool diverged(message const& a, message const& b) {
    return a.version == b.version && a.digest != b.digest && a.redacted == b.redacted;
}

/// The order in which messages are read.
inline bool reads_before(message const& a, message const& b) { return std::tie(a.timestamp, a.id) < std::tie(b.timestamp, b.id); }

}  // namespace bsp::merge
