#pragma once

#include "sequence.hpp"

#include "../runner.hpp"

namespace bsp::conformance::replay {

/// The requests of a failed check in words that hold in any run. Pairing secrets and the admin token are not in it.
/// Only for a record with steps and a finding.
sequence recorded(surroundings const&, registered_check const&, record const&);

}  // namespace bsp::conformance::replay
