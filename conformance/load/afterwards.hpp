#pragma once

#include "figures.hpp"
#include "followers.hpp"
#include "script.hpp"

#include <iosfwd>

/// What is done when the run is over: did the target keep what it acknowledged?
namespace bsp::conformance::load {

/// Repeats pushes that had no answer, and the last of every peer as if its answer had been lost; reads every conversation
/// and compares, and so with what followers were shown. The target may take a while to come back: it is waited for.
verdict_on_data judge_target(script&, followers&, std::ostream& out);

/// Ends the registrations of the run. What does not work is left.
void leave(company const&);

}  // namespace bsp::conformance::load
