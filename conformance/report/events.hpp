#pragma once

#include "../probe.hpp"
#include "../runner.hpp"

#include <string>
#include <vector>

/// The one source of every report: a stream of JSON objects, each with a member "event". `run-started` tells
/// what is judged and by what; `check` is one verdict with its evidence (`counterexample`
/// comes before it, where a generated check failed; `round` is one of `--soak`); `run-finished` is the sum, with the
/// verdict of every clause. Every rendering is made from these alone. What opens a door elsewhere (pairing
/// secrets, the admin token) is not in the stream; the suite's own signatures are shortened but in command lines,
/// which need them.
namespace bsp::conformance {

/// How the person called the suite: what a replay line repeats.
struct invocation {
    std::string target_arguments;    ///< "http://localhost:8825 --users users.json"
    std::string bodies_folder;       ///< where request bodies too big for a command line are saved; "" for nowhere
    std::string curl_options = {};   ///< what curl needs beside to reach the target, such as " --insecure"
    std::string replay = {};         ///< command that sends the saved requests of the check again; "" when they are not saved
};

json::object run_started(surroundings const&, first_look const&, std::vector<registered_check> const& selected, run_options const&, std::string const& time);
json::object check_started(registered_check const&);
/// The first case that failed, as it was found; the check's own event tells what became of it.
json::object counterexample_found(surroundings const&, check const&, finding const&, std::size_t steps);
/// A round of a run that goes on (--soak): what it did, and which checks failed.
json::object round_finished(surroundings const&, std::size_t number, run_result const&, std::chrono::milliseconds took);
json::object check_finished(surroundings const&, judged const&, invocation const&);
json::object run_finished(surroundings const&, run_result const&, std::chrono::milliseconds took);

/// Takes events in order; writes its report while they come or with the last one.
class report {
public:
    virtual ~report() = default;
    virtual void take(json::object const& event) = 0;
};

std::unique_ptr<report> terminal_report(std::ostream& out, bool colours, bool progress);
std::unique_ptr<report> json_lines_report(std::ostream& out);
std::unique_ptr<report> junit_report(std::ostream& out);
std::unique_ptr<report> html_report(std::ostream& out);
std::unique_ptr<report> markdown_report(std::ostream& out);  ///< for the summary page of a build
std::unique_ptr<report> sarif_report(std::ostream& out);     ///< SARIF 2.1.0, for code scanning
std::unique_ptr<report> badge_report(std::ostream& out);     ///< SVG

inline constexpr std::string_view suite_version = "1.0.0";

}  // namespace bsp::conformance
