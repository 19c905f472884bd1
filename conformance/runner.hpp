#pragma once

#include "baseline.hpp"
#include "record.hpp"
#include "registry.hpp"
#include "surroundings.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace bsp::conformance {

/// Which checks run: those that match `only` (all when empty) and a profile (all but FUZZ when empty), less `skip`.
struct selection {
    std::vector<std::string> only = {}, skip = {};  ///< patterns over check ids and clause ids, or names of groups
    std::vector<profile> profiles = {};
};

/// The checks of a selection. A pattern that matches nothing, and a selection without any check, is an error
/// (`bad_request`) with a suggestion.
result<std::vector<registered_check>> select(selection const&);

struct run_options {
    conformance::level level = conformance::level::strict;
    bool fail_on_should = false;
    unsigned jobs = 8;
    std::vector<expected_failure> baseline = {};
    std::string today = {};  ///< "2026-06-30", for the baseline
    /// Whether what a busy machine may bring about is looked at again. A check of what the target does of its own accord, and
    /// when: these run all at once, and two of three looks decide. Of the others those that could tell nothing, or failed
    /// when an answer was waited for in vain or came too late: a second look, beside hardly anything, decides.
    bool looks_again = false;
};

/// How a check stands, once level, strength and baseline are taken into account.
struct judged {
    registered_check what;
    conformance::record record;
    conformance::verdict verdict = verdict::inconclusive;  ///< at the level of the run
    bool counts = false;             ///< a FAIL or INCONCLUSIVE of it decides the exit code
    std::string baseline_comment;    ///< the failure was expected
    std::string baseline_problem;    ///< it was expected, but otherwise: unexpected pass, other reason, expired
};

/// Whether a level is reached: shown, disproved, or neither.
enum class attained : std::uint8_t { yes, no, not_shown };

struct run_result {
    std::vector<judged> checks;
    std::map<std::string, verdict> clauses;    ///< every clause of the specification
    attained compatible = attained::not_shown, strict = attained::not_shown;
    bool target_lost = false;
    int exit_code = 2;
};

/// 0 conformant · 1 a MUST failed · 2 inconclusive or nothing proven · 4 the target died · 70 the suite's own fault.
namespace exit_code {
inline constexpr int conformant = 0, failed = 1, inconclusive = 2, usage = 3, unreachable = 4, own_fault = 70;
}

/// Called from several threads, one call at a time.
struct run_observer {
    std::function<void(registered_check const&)> started = [](registered_check const&) {};
    std::function<void(judged const&)> finished = [](judged const&) {};
    /// A generated check has failed, and is about to make its counterexample small.
    std::function<void(check const&, finding const&, std::size_t steps)> counterexample = [](check const&, finding const&, std::size_t) {};
};

/// Runs the checks side by side and judges them. Never throws.
run_result run(surroundings&, std::vector<registered_check> const& selected, run_options const&, run_observer const& = {});

/// Runs one check and closes its record.
void run_one(surroundings&, registered_check const&, record&);

/// The verdict of every clause: the worst of its checks; UNTESTED where none ran.
std::map<std::string, verdict> judge_clauses(std::vector<judged> const&);

}  // namespace bsp::conformance
