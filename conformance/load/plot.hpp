#pragma once

#include <string>
#include <utility>
#include <vector>

/// Plots as SVG that stands in a page and takes its colours: `s1` to `s5`, `good`, `bad`, `faint` are classes of its style.
namespace bsp::conformance::load {

struct series {
    std::string name, colour;
    std::vector<std::pair<double, double>> points;  ///< NaN interrupts the curve
    bool filled = false;  ///< down to the axis
};

struct axis {
    double from = 0, to = 1;
    std::vector<std::pair<double, std::string>> ticks;
};

/// Ticks at 1, 2 and 5 times powers of ten, or at powers of ten alone where these would be too many; positions are log10.
axis log_axis(double least, double greatest, std::string (*label)(double));
/// From 0 to a round number at or above `greatest`.
axis linear_axis(double greatest, std::string (*label)(double));

/// A figure with its title, plot and legend. Points outside of the axes are cut off.
std::string figure_of(std::string const& title, std::string const& words, axis const& x, axis const& y, std::vector<series> const&);

}  // namespace bsp::conformance::load
