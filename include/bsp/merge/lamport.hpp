#pragma once

#include <bsp/base/limits.hpp>

#include <algorithm>
#include <cstdint>

namespace bsp::merge {

/// The version of a local write to a conversation in which `seen` is the greatest version of the
/// conversation and of all its messages so far; 0 when there is none (BSP-MRG-070 … BSP-MRG-072). At the
/// end of the domain it stays there, and instants and digests go on deciding (BSP-MRG-073, A-074).
constexpr std::int64_t next_version(std::int64_t seen) { return std::min(seen, limits::version_max - 1) + 1; }

/// Versions grow by one with each write. By more than this at once, and somebody means to outrank what others write for good
/// (BSP-MRG-074).
inline constexpr std::int64_t version_step_max = std::int64_t{1} << 32;

}  // namespace bsp::merge
