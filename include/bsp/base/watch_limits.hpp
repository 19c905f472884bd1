#pragma once

#include <chrono>
#include <cstddef>

/// The bounds of chapter 19, by name, units last.
namespace bsp::limits {

inline constexpr std::size_t attempts_kept = 100;                ///< pushes of a peer that its success rate is of (BSP-OBS-017)
inline constexpr std::size_t session_outcomes_kept = 20;         ///< the same of the client side
inline constexpr std::size_t errors_kept = 10;                   ///< of a peer (BSP-OBS-046)
inline constexpr std::size_t attempts_judged_min = 10;           ///< before an alert speaks of a success rate (A-152)
inline constexpr std::size_t top_peers_max = 10;                 ///< A-157
inline constexpr std::chrono::seconds online_for{60};            ///< after an authenticated request (A-156)
inline constexpr std::chrono::hours dashboard_window{24};        ///< A-149

}  // namespace bsp::limits
