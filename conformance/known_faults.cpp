#include "known_faults.hpp"

namespace bsp::conformance {

namespace embedded {
extern std::string_view const kill_matrix;
}

namespace {

std::vector<std::string_view> split(std::string_view text, std::string_view at) {
    std::vector<std::string_view> out;
    for (auto end = text.find(at); end != std::string_view::npos; end = text.find(at)) {
        out.push_back(text.substr(0, end));
        text.remove_prefix(end + at.size());
    }
    out.push_back(text);
    return out;
}

}  // namespace

std::vector<known_fault> const& known_faults() {
    static std::vector<known_fault> const all = [] {
        std::vector<known_fault> out;
        for (auto const line : split(embedded::kill_matrix, "\n")) {
            if (!line.starts_with("| F-")) continue;
            auto const columns = split(line.substr(2), " | ");  // fault, what is wrong, verdict, killed by, …
            if (columns.size() > 4 && columns[2] == "KILLED") out.push_back({columns[0], columns[1], split(columns[3], ", ")});
        }
        return out;
    }();
    return all;
}

}  // namespace bsp::conformance
