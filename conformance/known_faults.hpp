#pragma once

#include <string_view>
#include <vector>

namespace bsp::conformance {

/// A wrong backend that the kill matrix (spec/kill-matrix.md) saw caught.
struct known_fault {
    std::string_view id, title;
    std::vector<std::string_view> killed_by;  ///< checks
};

/// In the order of the page.
std::vector<known_fault> const& known_faults();

}  // namespace bsp::conformance
