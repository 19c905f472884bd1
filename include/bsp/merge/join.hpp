#pragma once

#include <bsp/merge/order.hpp>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

/// The join: commutative, associative and idempotent, because all of it is maxima and unions. So order,
/// number and interleaving of what arrives never matter (BSP-MRG-021, BSP-MRG-022). A message whose id is
/// not held is simply kept; nothing is ever removed (BSP-MRG-010, BSP-MRG-011).
namespace bsp::merge {

/// The greater of two versions of one message.
inline message join(message a, message b) { return compare(a, b) < 0 ? std::move(b) : std::move(a); }

/// The greater of two scalar writes, whole: members of different writes are never mixed (BSP-MRG-036).
inline scalar_write join(scalar_write a, scalar_write b) { return compare(a, b) < 0 ? std::move(b) : std::move(a); }

/// The union of two sorted lists without duplicates.
inline std::vector<std::string> join(std::vector<std::string> const& a, std::vector<std::string> const& b) {
    std::vector<std::string> all;
    all.reserve(a.size() + b.size());
    std::ranges::set_union(a, b, std::back_inserter(all));
    return all;
}

/// Two heads of one conversation. The emitted version and last_modified are maxima of their own, apart
/// from the register's stamp (BSP-MRG-032, BSP-MRG-033; spec/decisions/0001).
inline conversation_head join(conversation_head a, conversation_head b) {
    auto& latest = std::tie(a.last_modified_at, a.last_modified) < std::tie(b.last_modified_at, b.last_modified) ? b : a;
    return {
        .conversation_id = std::move(a.conversation_id),
        .version = std::max(a.version, b.version),
        .last_modified = std::move(latest.last_modified),
        .last_modified_at = latest.last_modified_at,
        .version_seen = std::max(a.version_seen, b.version_seen),
        .surfaces = join(a.surfaces, b.surfaces),
        .scalars = join(std::move(a.scalars), std::move(b.scalars)),
        .revived_at = std::max(a.revived_at, b.revived_at),
    };
}

/// Joins versions of several messages into one version of each, in the order of their ids (BSP-MRG-019).
inline std::vector<message> join(std::vector<message> messages) {
    std::ranges::stable_sort(messages, {}, &message::id);
    std::vector<message> joined;
    joined.reserve(messages.size());
    for (auto& m : messages)
        if (!joined.empty() && joined.back().id == m.id) joined.back() = join(std::move(joined.back()), std::move(m));
        else joined.push_back(std::move(m));
    return joined;
}

}  // namespace bsp::merge
