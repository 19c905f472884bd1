#pragma once

#include "surroundings.hpp"

#include <string>

namespace bsp::conformance {

/// Finds out whether the target has the profile PRV, and if so what it allows each user of the run; then lets those
/// users allow all that the other checks send: every surface, and the longest retention. What was found is kept in
/// `world.privacy_found`.
void look_at_privacy(surroundings& world);

/// Puts back what `look_at_privacy` found.
void restore_privacy(surroundings& world);

}  // namespace bsp::conformance
