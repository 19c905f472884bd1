#include "plot.hpp"

#include "../report/spec_markdown.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace bsp::conformance::load {
namespace {

constexpr double width = 480, height = 270, left = 58, right = 12, top = 12, bottom = 26;

std::string fixed(double n) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", n);
    return text;
}

}  // namespace

axis log_axis(double least, double greatest, std::string (*label)(double)) {
    least = std::max(least, 1e-9);
    greatest = std::max(greatest, least * 2);
    auto const ticks = [&](bool all) {
        std::vector<std::pair<double, std::string>> out;
        for (int power = static_cast<int>(std::floor(std::log10(least))); power <= static_cast<int>(std::ceil(std::log10(greatest))); ++power)
            for (double const step : {1.0, 2.0, 5.0}) {
                double const at = step * std::pow(10, power);
                if ((all || step == 1.0) && at >= least * 0.999 && at <= greatest * 1.001) out.emplace_back(std::log10(at), label(at));
            }
        return out;
    };
    constexpr std::size_t ticks_max = 7;
    auto shown = ticks(true);
    if (shown.size() > ticks_max) shown = ticks(false);
    return {std::log10(least), std::log10(greatest), std::move(shown)};
}

axis linear_axis(double greatest, std::string (*label)(double)) {
    greatest = std::max(greatest, 1e-9);
    double step = std::pow(10, std::floor(std::log10(greatest)));
    for (double const part : {0.1, 0.2, 0.25, 0.5, 1.0, 2.0})
        if (greatest / (step * part) <= 5) {
            step *= part;
            break;
        }
    axis out{0, step * std::ceil(greatest / step), {}};
    for (int i = 0; i * step <= out.to * 1.001; ++i) out.ticks.emplace_back(i * step, label(i * step));
    return out;
}

std::string figure_of(std::string const& title, std::string const& words, axis const& x, axis const& y, std::vector<series> const& all) {
    auto const at_x = [&](double v) { return left + (std::clamp(v, x.from, x.to) - x.from) / (x.to - x.from) * (width - left - right); };
    auto const at_y = [&](double v) { return height - bottom - (std::clamp(v, y.from, y.to) - y.from) / (y.to - y.from) * (height - top - bottom); };
    std::string out = "<figure class=\"plot\"><figcaption><b>" + html_text(title) + "</b> " + html_text(words) + "</figcaption><svg viewBox=\"0 0 " + fixed(width) + " " + fixed(height) + "\" role=\"img\" aria-label=\"" + html_text(title) + "\">";
    for (auto const& [v, label] : y.ticks)
        out += "<path class=\"grid\" d=\"M" + fixed(left) + " " + fixed(at_y(v)) + "H" + fixed(width - right) + "\"/><text x=\"" + fixed(left - 6) + "\" y=\"" + fixed(at_y(v) + 4) + "\" text-anchor=\"end\">" + html_text(label) + "</text>";
    for (auto const& [v, label] : x.ticks)
        out += "<path class=\"grid\" d=\"M" + fixed(at_x(v)) + " " + fixed(top) + "V" + fixed(height - bottom) + "\"/><text x=\"" + fixed(at_x(v)) + "\" y=\"" + fixed(height - bottom + 16) + "\" text-anchor=\"" + (at_x(v) > width - 40 ? "end" : "middle") + "\">" + html_text(label) + "</text>";
    std::string legend;
    for (auto const& s : all) {
        if (s.points.empty()) continue;
        std::string path;
        bool begins = true;
        for (auto const& [px, py] : s.points) {
            if (!std::isnan(py)) path += (begins ? "M" : "L") + fixed(at_x(px)) + " " + fixed(at_y(py));
            begins = std::isnan(py);
        }
        if (s.filled) out += "<path class=\"area " + s.colour + "\" d=\"" + path + "L" + fixed(at_x(s.points.back().first)) + " " + fixed(height - bottom) + "L" + fixed(at_x(s.points.front().first)) + " " + fixed(height - bottom) + "Z\"/>";
        out += "<path class=\"curve " + s.colour + "\" d=\"" + path + "\"/>";
        if (s.points.size() == 1) out += "<circle class=\"dot " + s.colour + "\" cx=\"" + fixed(at_x(s.points[0].first)) + "\" cy=\"" + fixed(at_y(s.points[0].second)) + "\" r=\"3\"/>";
        legend += "<span><i class=\"" + s.colour + "\"></i>" + html_text(s.name) + "</span>";
    }
    return out + "</svg><div class=\"keys\">" + legend + "</div></figure>";
}

}  // namespace bsp::conformance::load
