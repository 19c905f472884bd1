#pragma once

#include <string>
#include <vector>

namespace bsp::conformance {

/// Ids of the checks of --quick: the main road of every profile and its gravest wrong turns, in less than two seconds.
/// A run of them is partial and says so.
std::vector<std::string> quick_checks();

}  // namespace bsp::conformance
