#pragma once

#include <bsp/json/decimal.hpp>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The text format of Prometheus, version 0.0.4.
namespace bsp::observe {

using label = std::pair<std::string_view, std::string_view>;

/// `{route="/sync/{peer_id}",result="accepted"}`, with what the format wants escaped; "" for none.
inline std::string labels_of(std::initializer_list<label> labels) {
    std::string text;
    for (auto const& [name, value] : labels) {
        text += (text.empty() ? "{" : ",") + std::string{name} + "=\"";
        for (char const c : value) {
            if (c == '\\' || c == '"') text += '\\';
            if (c == '\n') text += "\\n";
            else text += c;
        }
        text += '"';
    }
    return text.empty() ? text : text + '}';
}

/// All series of one name.
struct family {
    enum class kind : std::uint8_t { counter, gauge, histogram };
    struct sample {
        std::string labels;       ///< of `labels_of`
        double value = 0;
        std::string_view suffix;  ///< of the series of a histogram: "_bucket", "_sum", "_count"
    };

    std::string_view name;
    std::string_view help;
    kind what = kind::counter;
    std::vector<sample> samples;

    family& add(std::initializer_list<label> labels, double value, std::string_view suffix = {}) {
        samples.push_back({labels_of(labels), value, suffix});
        return *this;
    }
};

inline constexpr std::string_view exposition_type = "text/plain; version=0.0.4; charset=utf-8";

inline std::string exposition(std::span<family const> families) {
    static constexpr std::string_view kinds[] = {"counter", "gauge", "histogram"};
    std::string text;
    for (auto const& f : families) {
        std::string const name{f.name};
        text += "# HELP " + name + ' ' + std::string{f.help} + "\n# TYPE " + name + ' ' + std::string{kinds[static_cast<std::size_t>(f.what)]} + '\n';
        for (auto const& s : f.samples) text += name + std::string{s.suffix} + s.labels + ' ' + json::decimal(s.value) + '\n';
    }
    return text;
}

}  // namespace bsp::observe
