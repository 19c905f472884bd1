#pragma once

#include "../faults.hpp"

/// The seventh series of faults, as far as clients and open streams go: thought up from the specification, and tried before
/// anybody had looked whether the suite has a check for them.
namespace bsp::faulty {

std::vector<fault> refusal_faults();
std::vector<fault> stream_right_faults();

}  // namespace bsp::faulty
