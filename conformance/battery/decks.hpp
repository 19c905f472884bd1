#pragma once

#include "house.hpp"

namespace bsp::conformance::battery {

/// The ways in which requests of each kind can be nearly right. What a deck draws on must outlive the siege.
void deal_assertions(siege& to, house& in, bool of_peers);  ///< else of users
void deal_registrations(siege& to, house& in);
void deal_pushes(siege& to, house& in);
void deal_admin_tokens(siege& to, house& in);

/// Ends the check when the target offers no rotation.
void besiege_rotation(scenario& s);

}  // namespace bsp::conformance::battery
