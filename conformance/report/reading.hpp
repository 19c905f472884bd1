#pragma once

#include "../json.hpp"
#include "events.hpp"

#include <bsp/base/result.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// What renderings, `diff` and `matrix` read from the events of a run; see events.hpp for the stream itself.
namespace bsp::conformance {

/// How a check stands in a report, from best to worst for its reader. The wire words of verdict and obligation
/// are folded into one colour here, and nowhere else.
enum class standing : std::uint8_t {
    pass,  ///< shown, in substance and form
    warn,  ///< a failure that does not decide: SHOULD, form at level compatible, a failure that was expected
    none,  ///< untested or not applicable
    open,  ///< inconclusive, or an error of the suite
    fail,  ///< decides against the target
};
inline constexpr standing all_standings[] = {standing::pass, standing::warn, standing::fail, standing::open, standing::none};

std::string_view to_string(standing) noexcept;  ///< "pass" …: the name of its colour
std::string_view word_of(standing) noexcept;    ///< "PASS", "WARNING" …

standing standing_of(json::value const& check);

/// Expected and actual of the judgement that decides the check, and the event of the step it was made at (null: none).
struct decision {
    std::string expected, actual;
    json::value step = {};
};
decision decision_of(json::value const& check);

/// The `curl` or `nc` line of the decisive step, or "".
std::string decisive_command(json::value const& check);

/// "POST /sync/{}": method and path of a step's request without base path, query and names.
std::string route_of(json::value const& step, std::string_view base_path);

/// A run as its stream tells it, from its beginning to its end.
struct recorded_run {
    json::value started, finished;
    std::vector<json::value> checks;  ///< in order of their ids
};

/// Reads a stream of JSON lines. Errors (`bad_request`) say which line is at fault and why: no JSON object, no
/// stream of this suite, a member missing, cut off before its end, more than one run.
result<recorded_run> read_run(std::string_view text);

/// Tells a run to a report, as if it took place now.
void tell(recorded_run const&, report&);

/// A report that is made of a whole run, when it is over.
class closing_report : public report {
public:
    void take(json::object const& event) final;

private:
    virtual void write(recorded_run const&) = 0;
    recorded_run run_;
};

/// The verdict of the whole run.
struct outcome {
    std::string text;     ///< "Conformant"
    standing colour;
    std::string partial;  ///< "24 of 354 checks"; empty when all checks were selected
};
outcome outcome_of(json::value const& started, json::value const& finished);

/// How many clauses of a profile were shown, of those that are testable, whether or not this run has a check of them.
/// A profile may have none of its own: FUZZ judges those of GEN.
struct clause_count {
    int shown = 0, testable = 0;
};
std::string to_string(clause_count);  ///< "12 of 13", or a dash
std::map<std::string, clause_count> clauses_by_profile(json::value const& finished);

/// The checks of every profile, by standing.
std::map<std::string, std::map<standing, int>> checks_by_profile(std::vector<json::value> const& checks);

/// What a battery tried of one kind, and what came of it; `rows` are those of its check, one for each way of being wrong.
struct battery_count {
    std::string of;
    std::int64_t tried = 0, let_in = 0;
    std::vector<json::object> rows = {};
};
std::vector<battery_count> batteries_of(std::vector<json::value> const& checks);
/// "540 near-valid requests, each wrong in one way: 0 let in", or "" without any.
std::string in_words(std::vector<battery_count> const&);

/// "FAIL (expected …, actual …), INCONCLUSIVE (…)": the looks of a check besides the one that counts, or "".
std::string other_looks_of(json::value const& check);

/// A failure, and the other failures that probably vanish with it.
struct shared_cause {
    std::string check;                ///< where to look first
    std::string reason;               ///< what they have in common, in words
    std::vector<std::string> others;  ///< ids of checks; not empty
};

/// Groups checks that did not pass. Two of them share a cause when
///   - both wanted an answer and got the same error instead (status and code, or none) to the same method and route; or
///   - the same words were expected, and the same words came instead; or
///   - the second also proves the clause that the first is named after.
/// The first of a group is the one that fails for certain (FAIL before INCONCLUSIVE), then the one with the fewest
/// clauses, then with the fewest steps, then in order of ids. Every check is in at most one group, and what a check
/// explains, explains nothing further: no chains, so a group is never wider than one step of reasoning.
std::vector<shared_cause> shared_causes(std::vector<json::value> const& checks, std::string_view base_path);

/// "/prefix" of the target's URL in `run-started`.
std::string base_path_of(json::value const& started);

bool truth_at(json::value const&, std::string_view pointer);
std::vector<std::string> strings_at(json::value const&, std::string_view pointer);

}  // namespace bsp::conformance
