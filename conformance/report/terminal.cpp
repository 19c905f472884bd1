#include "../text.hpp"
#include "events.hpp"
#include "reading.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <ostream>
#include <sstream>

namespace bsp::conformance {
namespace {

constexpr std::size_t line_width = 110;

/// `text` broken at blanks, later lines indented by `indent`.
std::string wrapped(std::string_view text, std::size_t indent) {
    std::string out;
    std::size_t column = indent;
    while (!text.empty()) {
        auto const blank = text.find(' ');
        auto const word = text.substr(0, blank);
        if (!out.empty()) {
            if (column + 1 + width_of(word) > line_width) out += '\n' + std::string(indent, ' '), column = indent;
            else out += ' ', ++column;
        }
        out += word;
        column += width_of(word);
        text = blank == std::string_view::npos ? std::string_view{} : text.substr(blank + 1);
    }
    return out;
}

std::string padded(std::string text, std::size_t width) {
    auto const w = width_of(text);
    return text + std::string(width > w ? width - w : 0, ' ');
}

/// What the target sent may hold escape sequences; a terminal must not obey them.
std::string printable(std::string_view text) {
    std::string out;
    for (char c : text) {
        auto const u = static_cast<unsigned char>(c);
        out += u < 0x20 || u == 0x7F ? std::string{"·"} : std::string(1, c);
    }
    return out;
}

class terminal final : public report {
public:
    terminal(std::ostream& out, bool colours, bool progress) : out_{out}, colours_{colours}, progress_{progress} {}

    void take(json::object const& event) override {
        json::value const v = event;
        auto const kind = text_at(v, "/event");
        if (kind == "run-started") begin(v);
        else if (kind == "check-started") show_progress(text_at(v, "/check"));
        else if (kind == "counterexample") counterexample(v);
        else if (kind == "round") round(v);
        else if (kind == "check") add(v);
        else if (kind == "run-finished") finish(v);
    }

private:
    // ---- colours ----
    [[nodiscard]] std::string in(char const* code, std::string_view text) const {
        return colours_ ? "\033[" + std::string{code} + "m" + std::string{text} + "\033[0m" : std::string{text};
    }
    [[nodiscard]] std::string bold(std::string_view t) const { return in("1", t); }
    [[nodiscard]] std::string dim(std::string_view t) const { return in("2", t); }
    [[nodiscard]] std::string coloured(std::string const& verdict, std::string_view text) const {
        if (verdict == "PASS") return in("32", text);
        if (verdict == "FAIL") return in("1;31", text);
        if (verdict == "WARN" || verdict == "INCONCLUSIVE") return in("33", text);
        if (verdict == "HARNESS-ERROR" || verdict == "ERROR") return in("1;35", text);
        return in("2", text);
    }

    // ---- the run ----
    void begin(json::value const& v) {
        started_ = v;
        begin_ = std::chrono::steady_clock::now();
        total_ = integer_at(v, "/checks", 0);
        out_ << bold("bsp-conformance " + text_at(v, "/suite_version")) << "  spec " << text_at(v, "/spec") << "  clauses " << text_at(v, "/clause_set_hash").substr(0, 12) << "  seed "
             << show(*at(v, "/seed")) << '\n'
             << "target  " << bold(text_at(v, "/target/url"));
        if (auto const id = text_at(v, "/target/backend_id"); !id.empty())
            out_ << "  " << printable(id) << "  (" << text_at(v, "/target/backend_type") << ", BSP " << printable(text_at(v, "/target/version")) << ")";
        if (auto const software = text_at(v, "/target/software"); !software.empty()) out_ << "  " << printable(software);
        out_ << '\n';
        if (auto const remark = text_at(v, "/remark"); !remark.empty()) out_ << in("33", "note    ") << wrapped(remark, 8) << '\n';
        out_ << '\n' << std::flush;
    }

    void show_progress(std::string const& check) {
        if (!progress_) return;
        auto const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
        std::ostringstream line;
        line.precision(1);
        line << std::fixed << "  " << done_ << '/' << total_ << "  " << seconds << " s";
        if (done_ > 5) line << "  (about " << seconds * static_cast<double>(total_ - done_) / static_cast<double>(done_) << " s left)";
        line << "  " << check;
        out_ << "\r\033[K" << dim(line.str().substr(0, 100)) << std::flush;
        on_progress_line_ = true;
    }

    void clear_progress() {
        if (on_progress_line_) out_ << "\r\033[K";
        on_progress_line_ = false;
    }

    void add(json::value const& v) {
        ++done_;
        auto const verdict = text_at(v, "/verdict");
        if (at(v, "/battery")) besieged_.push_back(v);
        if (auto const others = other_looks_of(v); !others.empty()) looked_again_[text_at(v, "/check")] = verdict + " after " + others;
        auto& row = profiles_[text_at(v, "/profile")];
        ++row[verdict == "FAIL" && !counts(v) ? "WARN" : verdict];
        bool const inexact = at(v, "/inexact") != nullptr;
        if (verdict != "PASS" || inexact) troubles_.push_back(v);
        if (verdict == "FAIL" || inexact || verdict == "HARNESS-ERROR" || !text_at(v, "/baseline_problem").empty()) {
            clear_progress();
            failure(v);
        } else if (verdict == "INCONCLUSIVE") {
            clear_progress();
            inconclusive(v);
        } else if (verdict == "UNTESTED" || verdict == "NOT-APPLICABLE") {
            set_aside_[verdict + ": " + text_at(v, "/reason")].push_back(text_at(v, "/check"));
        }
        if (!progress_ && verdict == "PASS" && !inexact)
            out_ << coloured(verdict, padded(verdict, 6)) << padded(text_at(v, "/check"), 50) << dim(std::to_string(integer_at(v, "/took_us", 0) / 1000) + " ms") << '\n' << std::flush;
    }

    /// What was found is said before it is made small, which may take its time.
    void counterexample(json::value const& v) {
        clear_progress();
        auto const ms = integer_at(v, "/shrink_ms", 0);
        out_ << in("33", "FOUND ") << text_at(v, "/check") << "  in " << integer_at(v, "/steps", 0) << " steps" << (ms > 0 ? ", which are made fewer" : "") << '\n'
             << "      " << dim("expected ") << ' ' << wrapped(printable(text_at(v, "/expected")), 16) << "\n      " << dim("actual   ") << ' ' << wrapped(printable(text_at(v, "/actual")), 16) << "\n\n"
             << std::flush;
    }

    void round(json::value const& v) {
        clear_progress();
        std::string failed;
        for (auto const& id : strings_at(v, "/failed")) failed += (failed.empty() ? "" : ", ") + id;
        out_ << "round " << padded(std::to_string(integer_at(v, "/round", 0)), 5) << " seed " << padded(show(*at(v, "/seed")), 11) << ' ' << integer_at(v, "/checks", 0) << " checks, " << integer_at(v, "/cases", 0)
             << " cases, " << static_cast<double>(integer_at(v, "/took_ms", 0) / 100) / 10.0 << " s   " << (failed.empty() ? "nothing found" : in("1;31", failed)) << '\n' << std::flush;
        done_ = 0;
        besieged_.clear();
        looked_again_.clear();
    }

    static bool counts(json::value const& v) { return truth_at(v, "/counts"); }

    static std::string clause_list(json::value const& v) {
        std::string out;
        for (auto const& c : at(v, "/clauses")->as_array()) out += (out.empty() ? "" : " ") + std::string{json::view(c.as_string())};
        return out;
    }

    void failure(json::value const& v) {
        auto const verdict = text_at(v, "/verdict");
        bool const behaves = text_at(v, "/failure/expected") != "";
        auto const word = !text_at(v, "/expected_failure").empty() ? "KNOWN" : verdict == "FAIL" ? (counts(v) ? "FAIL" : "WARN") : verdict == "PASS" ? "WARN" : "ERROR";
        out_ << coloured(word, padded(word, 6)) << bold(clause_list(v)) << "  " << text_at(v, "/strength") << (behaves || verdict == "HARNESS-ERROR" ? "" : " exactness") << "  "
             << text_at(v, "/title") << "  " << dim(text_at(v, "/check")) << '\n';
        auto const line = [&](std::string_view label, std::string const& text) {
            if (!text.empty()) out_ << "      " << dim(padded(std::string{label}, 9)) << ' ' << wrapped(printable(text), 16) << '\n';
        };
        if (behaves) {
            line("expected", text_at(v, "/failure/expected"));
            line("actual", text_at(v, "/failure/actual"));
        }
        if (auto const* list = at(v, "/inexact"); list && list->is_array())
            for (auto const& f : list->get_array()) {
                line("expected", text_at(f, "/expected"));
                line("actual", text_at(f, "/actual"));
            }
        line("reason", text_at(v, "/reason"));
        line("looks", other_looks_of(v));
        line("baseline", text_at(v, "/baseline_problem"));
        line("expected", text_at(v, "/expected_failure"));
        steps(v);
        line("impact", text_at(v, "/impact"));
        line("likely", text_at(v, "/likely_cause"));
        if (auto const curl = decisive_command(v); !curl.empty()) out_ << "      " << dim("request   ") << printable(curl) << '\n';
        auto const again = text_at(v, "/again"), replay = text_at(v, "/replay");
        if (!replay.empty() && replay != again) out_ << "      " << dim("replay    ") << replay << '\n';
        if (!again.empty()) out_ << "      " << dim("again     ") << again << '\n';
        out_ << '\n' << std::flush;
    }

    void steps(json::value const& v) {
        auto const all = objects_at(v, "/steps");
        auto const total = integer_at(v, "/steps_total", 0);
        out_ << "      " << total << (total == 1 ? " step" : " steps");
        if (auto const* s = at(v, "/shrunk"))
            out_ << " (shrunk from " << integer_at(*s, "/steps_before", 0) << ")   " << (integer_at(*s, "/reproduced", 0) < integer_at(*s, "/repeated", 0) ? "flaky " : "reproduced ")
                 << integer_at(*s, "/reproduced", 0) << '/' << integer_at(*s, "/repeated", 0);
        auto const* controls = at(v, "/controls");
        if (controls && controls->is_array() && !controls->get_array().empty())
            out_ << "   controls " << controls->get_array().size() << " of " << controls->get_array().size() << " held";
        out_ << '\n';
        constexpr std::size_t shown = 14;
        std::size_t column = 0;
        for (auto const& one : all) column = std::max(column, std::min<std::size_t>(64, width_of(text_at(one, "/summary"))));
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (all.size() > shown && i == 3) out_ << "        …\n";
            if (all.size() > shown && i >= 3 && i + shown - 3 < all.size()) continue;
            json::value const s = all[i];
            out_ << "        " << padded(std::to_string(integer_at(s, "/step", 0)), 3) << ' ' << padded(text_at(s, "/who"), 3) << ' ' << padded(printable(text_at(s, "/summary")), column) << "  "
                 << printable(text_at(s, "/result"));
            if (auto const remark = text_at(s, "/remark"); !remark.empty()) out_ << "   " << in("33", printable(remark));
            out_ << '\n';
        }
    }

    void inconclusive(json::value const& v) {
        out_ << coloured("INCONCLUSIVE", "OPEN  ") << bold(clause_list(v)) << "  " << text_at(v, "/title") << "  " << dim(text_at(v, "/check")) << '\n'
             << "      " << wrapped(printable(text_at(v, "/reason")), 6) << '\n';
        if (auto const others = other_looks_of(v); !others.empty()) out_ << "      " << dim("looks     ") << wrapped(printable(others), 16) << '\n';
        if (++opened_ <= 5) steps(v);
        out_ << '\n' << std::flush;
    }

    void finish(json::value const& v) {
        clear_progress();
        for (auto const& [why, checks] : set_aside_) {
            out_ << dim(wrapped(why + " (" + std::to_string(checks.size()) + (checks.size() == 1 ? " check" : " checks") + ")", 2)) << '\n';
        }
        if (!set_aside_.empty()) out_ << '\n';
        more_looks();
        look_first();

        auto clauses = clauses_by_profile(v);
        out_ << bold(padded("profile", 10)) << bold(padded("checks passed", 16)) << bold(padded("failed", 9)) << bold(padded("warnings", 11)) << bold(padded("open", 7)) << bold(padded("not run", 10))
             << bold("clauses shown") << '\n';
        for (auto const& [name, row] : profiles_) {
            auto const n = [&verdicts = row](char const* verdict) {
                auto const found = verdicts.find(verdict);
                return found == verdicts.end() ? 0 : found->second;
            };
            int const failed = n("FAIL"), open = n("INCONCLUSIVE") + n("HARNESS-ERROR");
            out_ << padded(name, 10) << coloured("PASS", padded(std::to_string(n("PASS")), 16)) << (failed ? coloured("FAIL", padded(std::to_string(failed), 9)) : padded("0", 9))
                 << padded(std::to_string(n("WARN")), 11) << (open ? coloured("INCONCLUSIVE", padded(std::to_string(open), 7)) : padded("0", 7))
                 << padded(std::to_string(n("UNTESTED") + n("NOT-APPLICABLE")), 10) << to_string(clauses[name]) << '\n';
        }
        out_ << '\n';

        battery();

        auto const code = integer_at(v, "/exit_code", 70);
        auto const* lost = at(v, "/target_lost");
        auto const result = outcome_of(started_, v);
        std::string const sentence = code == exit_code::conformant && !result.partial.empty() ? "CONFORMANT IN WHAT WAS RUN"
                               : code == exit_code::conformant   ? "CONFORMANT"
                               : code == exit_code::failed       ? "NOT CONFORMANT"
                               : code == exit_code::inconclusive ? "INCONCLUSIVE: not everything could be judged"
                               : code == exit_code::unreachable  ? "THE TARGET DIED: it stopped answering in the middle of the run"
                                                                 : "THE SUITE FAILED: a fault of bsp-conformance itself; please report it";
        out_ << coloured(code == 0 ? "PASS" : code == 1 || code == 4 ? "FAIL" : "INCONCLUSIVE", sentence) << "   Compatible: " << text_at(v, "/compatible") << "   Strict: " << text_at(v, "/strict") << "   "
             << static_cast<double>(integer_at(v, "/took_ms", 0) / 10) / 100.0 << " s   exit " << code << '\n';
        if (!result.partial.empty()) out_ << "PARTIAL: " << result.partial << " were selected; the others say nothing\n";
        if (lost && lost->is_bool() && lost->get_bool()) out_ << wrapped("The last request before silence is among the steps of the checks above that were under way.", 0) << '\n';
        out_ << std::flush;
    }

    void battery() {
        auto const all = batteries_of(besieged_);
        if (all.empty()) return;
        out_ << bold("battery") << "   " << in_words(all) << '\n';
        for (auto const& one : all) {
            out_ << "          " << padded(one.of, 24) << padded(std::to_string(one.tried) + " tried in " + std::to_string(one.rows.size()) + " ways", 26)
                 << (one.let_in > 0 ? coloured("FAIL", std::to_string(one.let_in) + " let in") : "0 let in") << '\n';
            for (json::value const row : one.rows)
                if (auto const n = integer_at(row, "/let_in", 0); n > 0)
                    out_ << "            " << coloured("FAIL", std::to_string(n) + " of " + std::to_string(integer_at(row, "/tried", 0))) << "  " << text_at(row, "/what") << "  " << dim(text_at(row, "/clause")) << '\n';
        }
        out_ << '\n';
    }

    /// What was judged more than once, whatever came of it: a target that is slow is worth a thought of its own.
    void more_looks() {
        if (looked_again_.empty()) return;
        out_ << bold("judged again") << "   the first look was doubtful, and this may be for want of time\n";
        for (auto const& [check, looks] : looked_again_) out_ << "  " << padded(check, 40) << ' ' << wrapped(printable(looks), 43) << '\n';
        out_ << '\n';
    }

    /// Failures that probably have one cause, under the one that shows it best.
    void look_first() {
        auto const causes = shared_causes(troubles_, base_path_of(started_));
        if (causes.empty()) return;
        out_ << bold("look here first") << '\n';
        for (auto const& cause : causes) {
            std::string others;
            for (auto const& id : cause.others) others += (others.empty() ? "" : ", ") + id;
            out_ << "  " << bold(cause.check) << "   also explains " << cause.others.size() << (cause.others.size() == 1 ? " other" : " others") << "  " << dim("(" + printable(cause.reason) + ")") << "\n    "
                 << dim(wrapped(others, 4)) << '\n';
        }
        out_ << '\n';
    }

    std::ostream& out_;
    bool colours_, progress_, on_progress_line_ = false;
    json::value started_;
    std::chrono::steady_clock::time_point begin_;
    std::int64_t total_ = 0, done_ = 0, opened_ = 0;
    std::map<std::string, std::map<std::string, int>> profiles_;
    std::map<std::string, std::vector<std::string>> set_aside_;
    std::vector<json::value> troubles_;
    std::vector<json::value> besieged_;  // checks with a battery
    std::map<std::string, std::string> looked_again_;  // what came of each look
};

}  // namespace

std::unique_ptr<report> terminal_report(std::ostream& out, bool colours, bool progress) { return std::make_unique<terminal>(out, colours, progress); }

}  // namespace bsp::conformance
