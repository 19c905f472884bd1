#include "../text.hpp"
#include "reading.hpp"

#include <algorithm>
#include <ostream>

// A summary for people who read it where their code is built: GitHub-flavoured Markdown, short when all is well.

namespace bsp::conformance {
namespace {

/// The full story of so many failures; of the rest one line each. A summary page takes no more than 1 MiB.
constexpr std::size_t stories_shown = 25;
constexpr std::size_t text_shown = 1200;

/// Running text: nothing of what a target says becomes markup, a link or somebody's name.
std::string prose(std::string_view text) {
    std::string out;
    for (char c : text.substr(0, text_shown)) {
        switch (c) {
            // Character references stand for themselves in Markdown and in HTML blocks, where a backslash would be seen.
            case '<': case '>': case '&': case '@': case '|': case ':': case '\\': case '`': case '*': case '_': case '[': case ']': case '~': case '#':
                out += "&#" + std::to_string(static_cast<int>(c)) + ";";
                break;
            default: out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
        }
    }
    if (text.size() > text_shown) {
        while (!is_utf8(out)) out.pop_back();
        out += "…";
    }
    return out;
}

/// A block that shows `text` as it is: its fence is longer than any row of backticks inside.
std::string fenced(std::string_view text, std::string_view language = {}) {
    std::size_t longest = 2, row = 0;
    for (char c : text) row = c == '`' ? row + 1 : 0, longest = std::max(longest, row);
    std::string const fence(longest + 1, '`');
    std::string out = fence + std::string{language} + "\n";
    for (char c : text) out += (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7F ? std::string{"·"} : std::string(1, c);
    return out + "\n" + fence + "\n";
}

std::string code(std::string_view text) { return "<code>" + prose(text) + "</code>"; }

class markdown final : public closing_report {
public:
    explicit markdown(std::ostream& out) : out_{out} {}

private:
    void write(recorded_run const& run) override {
        auto const& [started, end, checks] = run;
        auto const result = outcome_of(started, end);
        out_ << "## BSP conformance: " << result.text << "\n\n"
             << code(text_at(started, "/target/url")) << (text_at(started, "/target/backend_id").empty() ? "" : " " + code(text_at(started, "/target/backend_id"))) << " · Compatible: "
             << prose(text_at(end, "/compatible")) << " · Strict: " << prose(text_at(end, "/strict")) << "\n\n";
        if (!result.partial.empty()) out_ << "**Partial**: " << result.partial << " were selected; the others say nothing.\n\n";
        if (auto const remark = text_at(started, "/remark"); !remark.empty()) out_ << "> " << prose(remark) << "\n\n";

        out_ << "| profile | passed | failed | warnings | inconclusive | not run | clauses shown |\n|---|--:|--:|--:|--:|--:|--:|\n";
        auto clauses = clauses_by_profile(end);
        for (auto const& [name, row] : checks_by_profile(checks)) {
            auto const n = [&row = row](standing s) { return row.contains(s) ? row.at(s) : 0; };
            out_ << "| " << prose(name) << " | " << n(standing::pass) << " | " << n(standing::fail) << " | " << n(standing::warn) << " | " << n(standing::open) << " | " << n(standing::none) << " | "
                 << to_string(clauses[name]) << " |\n";
        }
        out_ << '\n';

        if (auto const battery = batteries_of(checks); !battery.empty()) {
            out_ << "Battery: " << prose(in_words(battery)) << ".\n\n| pretended to be | wrong in ways | tried | let in |\n|---|--:|--:|--:|\n";
            for (auto const& one : battery) out_ << "| " << prose(one.of) << " | " << one.rows.size() << " | " << one.tried << " | " << one.let_in << " |\n";
            out_ << '\n';
        }

        if (auto const n = std::ranges::count_if(checks, [](auto const& c) { return !other_looks_of(c).empty(); }); n > 0)
            out_ << n << (n == 1 ? " check was" : " checks were") << " judged more than once, because the first look was doubtful.\n\n";

        auto const causes = shared_causes(checks, base_path_of(started));
        std::size_t told = 0;
        for (auto const& [wanted, title] : {std::pair<standing, char const*>{standing::fail, "Failed"}, {standing::open, "Inconclusive"}, {standing::warn, "Warnings"}}) {
            auto const n = std::count_if(checks.begin(), checks.end(), [s = wanted](auto const& c) { return standing_of(c) == s; });
            if (n == 0) continue;
            out_ << "### " << title << " (" << n << ")\n\n";
            // What explains others comes first.
            for (auto const& cause : causes)
                for (auto const& c : checks)
                    if (standing_of(c) == wanted && text_at(c, "/check") == cause.check) tell(c, &cause, told++ < stories_shown);
            for (auto const& c : checks)
                if (standing_of(c) == wanted && std::none_of(causes.begin(), causes.end(), [&](auto const& cause) { return cause.check == text_at(c, "/check"); })) tell(c, nullptr, told++ < stories_shown);
            out_ << '\n';
        }
        out_ << "<sub>bsp-conformance " << prose(text_at(started, "/suite_version")) << " · specification " << prose(text_at(started, "/spec")) << " · clause set "
             << prose(text_at(started, "/clause_set_hash").substr(0, 12)) << " · level " << prose(text_at(started, "/level")) << " · seed " << show(*at(started, "/seed")) << " · "
             << prose(text_at(started, "/time")) << " · " << integer_at(end, "/took_ms", 0) << " ms</sub>\n"
             << std::flush;
    }

    void tell(json::value const& v, shared_cause const* cause, bool whole) {
        std::string clauses;
        for (auto const& c : strings_at(v, "/clauses")) clauses += (clauses.empty() ? "" : " ") + c;
        auto const head = "<b>" + prose(clauses) + "</b> " + prose(text_at(v, "/strength")) + " " + prose(text_at(v, "/title")) + " " + code(text_at(v, "/check"));
        if (!whole) {
            out_ << "- " << head << '\n';
            return;
        }
        out_ << "<details><summary>" << head << (cause ? ", also explains " + std::to_string(cause->others.size()) + (cause->others.size() == 1 ? " other" : " others") : "") << "</summary>\n\n";
        auto const line = [&](char const* label, std::string const& text) {
            if (!text.empty()) out_ << "- " << label << ": " << prose(text) << '\n';
        };
        auto const d = decision_of(v);
        if (text_at(v, "/reason").empty()) line("expected", d.expected), line("actual", d.actual);
        line("reason", text_at(v, "/reason"));
        line("other looks", other_looks_of(v));
        line("baseline", text_at(v, "/baseline_problem"));
        line("tolerated", text_at(v, "/expected_failure"));
        line("impact", text_at(v, "/impact"));
        line("likely cause", text_at(v, "/likely_cause"));
        if (cause) {
            out_ << "- also explains (" << prose(cause->reason) << "):";
            for (auto const& id : cause->others) out_ << ' ' << code(id);
            out_ << '\n';
        }
        std::string story;
        auto const steps = objects_at(v, "/steps");
        for (std::size_t i = steps.size() > 12 ? steps.size() - 12 : 0; i < steps.size(); ++i) {
            json::value const s(steps[i]);
            auto const remark = text_at(s, "/remark");
            story += std::to_string(integer_at(s, "/step", 0)) + "  " + text_at(s, "/who") + "  " + text_at(s, "/summary") + "  " + text_at(s, "/result") + (remark.empty() ? "" : "  " + remark) + "\n";
        }
        if (!story.empty()) story.pop_back(), out_ << '\n' << fenced(story);
        if (auto const command = decisive_command(v); !command.empty()) out_ << '\n' << fenced(command, "sh");
        if (auto const again = text_at(v, "/replay"); !again.empty()) out_ << '\n' << fenced(again, "sh");
        out_ << "\n</details>\n";
    }

    std::ostream& out_;
};

}  // namespace

std::unique_ptr<report> markdown_report(std::ostream& out) { return std::make_unique<markdown>(out); }

}  // namespace bsp::conformance
