#pragma once

#include <bsp/base/instant.hpp>

#include <algorithm>
#include <chrono>
#include <optional>

namespace bsp::sync {

/// Time as the machines are told it: one to stamp with and one to wait by. The time of day may be set back,
/// and nobody should wait an hour longer for that.
struct moment {
    instant wall;
    std::chrono::nanoseconds steady{};  ///< since any fixed point; never goes back
};

/// A point of the steady time at which a machine wants to be polled; nothing: not before something happens.
using timeout = std::optional<std::chrono::nanoseconds>;

/// The earlier of two.
inline timeout sooner(timeout a, timeout b) { return a && b ? std::min(*a, *b) : a ? a : b; }

}  // namespace bsp::sync
