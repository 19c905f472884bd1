#include "../text.hpp"
#include "support.hpp"

#include <algorithm>
#include <map>
#include <ostream>

namespace bsp::conformance {
namespace {

/// How far a check is from a pass; only a pass is green, so what was shown and is not even asked any more got worse.
int distance(standing s) {
    switch (s) {
        case standing::pass: return 0;
        case standing::warn: return 1;
        case standing::none: return 2;
        case standing::open: return 3;
        case standing::fail: return 4;
    }
    return 4;
}

std::string how(json::value const& check) {
    auto const s = standing_of(check);
    return s == standing::warn ? "WARNING" : text_at(check, "/baseline_problem").empty() ? text_at(check, "/verdict") : "FAIL (baseline)";
}

/// In one line, why a check stands as it does.
std::string why(json::value const& check) {
    auto const d = decision_of(check);
    auto out = !text_at(check, "/baseline_problem").empty() ? text_at(check, "/baseline_problem") : d.actual.empty() ? text_at(check, "/reason") : "expected " + d.expected + ", actual " + d.actual;
    for (auto& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
    if (out.size() > 160) {
        out.resize(160);
        while (!is_utf8(out)) out.pop_back();
        out += "…";
    }
    return out;
}

std::map<std::string, json::value const*> by_id(recorded_run const& run) {
    std::map<std::string, json::value const*> out;
    for (auto const& c : run.checks) out[text_at(c, "/check")] = &c;
    return out;
}

/// What makes the two runs less comparable than they look.
std::vector<std::string> differences(recorded_run const& a, recorded_run const& b) {
    std::vector<std::string> out;
    auto const compare = [&](std::string_view pointer, std::string const& what, std::string const& consequence) {
        auto const x = text_at(a.started, pointer), y = text_at(b.started, pointer);
        if (x != y) out.push_back(what + ": " + x.substr(0, 12) + ", then " + y.substr(0, 12) + consequence);
    };
    compare("/suite_version", "another version of the suite", "; checks may ask for more than they did");
    compare("/spec", "another specification", "");
    compare("/clause_set_hash", "another clause set", "; clauses have come, gone or changed their words");
    compare("/level", "another level", "; warnings and failures are drawn at another line");
    for (auto const& [run, name] : {std::pair{&a, "the first"}, {&b, "the second"}})
        if (auto const partial = outcome_of(run->started, run->finished).partial; !partial.empty()) out.push_back(std::string{name} + " is partial: " + partial + "; \"new\" and \"gone\" may only be a matter of selection");
    return out;
}

void list(std::ostream& out, char const* title, std::vector<std::string> const& lines) {
    if (lines.empty()) return;
    out << title << " (" << lines.size() << ")\n";
    for (auto const& l : lines) out << "  " << l << '\n';
    out << '\n';
}

}  // namespace

int diff_reports(std::string const& before, std::string const& after, std::ostream& out, std::ostream& err) {
    return reporting_usage(err, [&] {
        auto const a = read_report(before), b = read_report(after);
        auto const old_checks = by_id(a), new_checks = by_id(b);
        std::vector<std::string> regressed, fixed, changed, added, gone;
        std::size_t same_pass = 0, same_other = 0;
        for (auto const& [id, now] : new_checks) {
            auto const found = old_checks.find(id);
            auto const name = id + std::string(id.size() < 44 ? 44 - id.size() : 1, ' ');
            auto const reason = why(*now).empty() ? "" : "  " + why(*now);
            if (found == old_checks.end()) {
                added.push_back(name + how(*now) + (standing_of(*now) == standing::pass ? "" : reason));
                continue;
            }
            auto const was = standing_of(*found->second), is = standing_of(*now);
            auto const move = how(*found->second) + " → " + how(*now);
            // What says nothing about one of the targets says nothing about the way from one to the other.
            bool const applies = text_at(*now, "/verdict") != "NOT-APPLICABLE" && text_at(*found->second, "/verdict") != "NOT-APPLICABLE";
            if (applies && distance(is) > distance(was)) regressed.push_back(name + move + reason);
            else if (applies && is == standing::pass && was != standing::pass && was != standing::none) fixed.push_back(name + move);
            else if (is != was) changed.push_back(name + move + reason);
            else (is == standing::pass ? same_pass : same_other)++;
        }
        for (auto const& [id, was] : old_checks)
            if (!new_checks.contains(id)) gone.push_back(id + std::string(id.size() < 44 ? 44 - id.size() : 1, ' ') + "was " + how(*was));

        out << "from  " << short_name_of(before) << "  " << text_at(a.started, "/target/url") << "  " << text_at(a.started, "/time") << "  " << outcome_of(a.started, a.finished).text << "\nto    "
            << short_name_of(after) << "  " << text_at(b.started, "/target/url") << "  " << text_at(b.started, "/time") << "  " << outcome_of(b.started, b.finished).text << '\n';
        for (auto const& d : differences(a, b)) out << "note  " << d << '\n';
        out << '\n';
        list(out, "regressed", regressed);
        list(out, "fixed", fixed);
        list(out, "otherwise changed", changed);
        list(out, "new", added);
        list(out, "gone", gone);
        out << regressed.size() << " regressed, " << fixed.size() << " fixed, " << changed.size() << " otherwise changed, " << added.size() << " new, " << gone.size() << " gone; " << same_pass
            << " still pass, " << same_other << " still do not\n";
        return regressed.empty() ? exit_code::conformant : exit_code::failed;
    });
}

}  // namespace bsp::conformance
