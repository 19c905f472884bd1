#include "../text.hpp"
#include "support.hpp"

#include <algorithm>
#include <ostream>
#include <set>

namespace bsp::conformance {
namespace {

using table = std::vector<std::vector<std::string>>;  // the first row is the head, the first column names the row

std::string cell_text(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (c == '|') out += "&#124;";
        else if (c == '<') out += "&lt;";
        else if (c == '&') out += "&amp;";
        else out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
    }
    return out;
}

void print(std::ostream& out, table const& rows, bool markdown) {
    if (markdown) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            for (auto const& cell : rows[i]) out << "| " << cell_text(cell) << ' ';
            out << "|\n";
            if (i > 0) continue;
            for (std::size_t k = 0; k < rows[0].size(); ++k) out << (k == 0 ? "|---" : "|:-:");
            out << "|\n";
        }
        out << '\n';
        return;
    }
    std::vector<std::size_t> widths(rows[0].size());
    for (auto const& row : rows)
        for (std::size_t k = 0; k < row.size(); ++k) widths[k] = std::max(widths[k], width_of(row[k]));
    for (auto const& row : rows) {
        std::string line;
        for (std::size_t k = 0; k < row.size(); ++k) line += row[k] + std::string(widths[k] - width_of(row[k]) + 2, ' ');
        out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
    }
    out << '\n';
}

std::string word(json::value const& check) {
    switch (standing_of(check)) {
        case standing::pass: return "pass";
        case standing::warn: return "warning";
        case standing::none: return text_at(check, "/verdict") == "UNTESTED" ? "untested" : "n/a";
        case standing::open: return "open";
        case standing::fail: return "FAIL";
    }
    return "?";
}

}  // namespace

int matrix(matrix_arguments const& a, std::ostream& out, std::ostream& err) {
    return reporting_usage(err, [&] {
        std::vector<recorded_run> runs;
        std::vector<std::string> names;
        for (auto const& file : a.files) {
            runs.push_back(read_report(file));
            auto name = short_name_of(file);
            for (int n = 2; std::find(names.begin(), names.end(), name) != names.end(); ++n) name = short_name_of(file) + "-" + std::to_string(n);
            names.push_back(name);
        }

        table legend{{"report", "target", "software", "level", "spec", "suite", "outcome"}};
        std::set<std::string> clause_sets;
        for (std::size_t i = 0; i < runs.size(); ++i) {
            auto const& s = runs[i].started;
            auto const result = outcome_of(s, runs[i].finished);
            std::string software;
            for (char c : text_at(s, "/target/software")) software += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
            legend.push_back({names[i], text_at(s, "/target/url"), software, text_at(s, "/level"), text_at(s, "/spec"), text_at(s, "/suite_version"),
                              result.text + (result.partial.empty() ? "" : ", partial: " + result.partial)});
            clause_sets.insert(text_at(s, "/clause_set_hash") + text_at(s, "/suite_version"));
        }
        print(out, legend, a.markdown);
        if (clause_sets.size() > 1) out << "note: these runs are of different clause sets or versions of the suite; a cell may not mean the same in every column\n\n";

        table profiles{{"profile"}}, checks{{"check"}};
        for (auto* head : {&profiles[0], &checks[0]}) head->insert(head->end(), names.begin(), names.end());
        std::vector<std::map<std::string, std::map<standing, int>>> sums;
        std::set<std::string> profile_names, ids;
        for (auto const& run : runs) {
            sums.push_back(checks_by_profile(run.checks));
            for (auto const& [name, sum] : sums.back()) profile_names.insert(name);
            for (auto const& c : run.checks) ids.insert(text_at(c, "/check"));
        }
        for (auto const& name : profile_names) {
            profiles.push_back({name});
            for (auto& sum : sums) {
                if (!sum.contains(name)) {
                    profiles.back().push_back("-");
                    continue;
                }
                auto& checks_of = sum[name];
                auto const judged = checks_of[standing::pass] + checks_of[standing::warn] + checks_of[standing::open] + checks_of[standing::fail];
                profiles.back().push_back(std::to_string(checks_of[standing::pass]) + "/" + std::to_string(judged));
            }
        }
        print(out, profiles, a.markdown);

        std::size_t everywhere = 0;
        for (auto const& id : ids) {
            std::vector<std::string> row{id};
            for (auto const& run : runs) {
                auto const found = std::find_if(run.checks.begin(), run.checks.end(), [&](auto const& c) { return text_at(c, "/check") == id; });
                row.push_back(found == run.checks.end() ? "-" : word(*found));
            }
            bool const all_pass = std::all_of(row.begin() + 1, row.end(), [](auto const& cell) { return cell == "pass"; });
            everywhere += all_pass;
            if (a.all || !all_pass) checks.push_back(std::move(row));
        }
        if (checks.size() > 1) print(out, checks, a.markdown);
        out << everywhere << " of " << ids.size() << " checks pass everywhere" << (a.all || everywhere == ids.size() ? "" : "; the others are listed") << '\n';
        return exit_code::conformant;
    });
}

}  // namespace bsp::conformance
