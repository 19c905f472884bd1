#pragma once

#include "../probe.hpp"
#include "../runner.hpp"

#include <string>
#include <vector>

/// The one source of every report: a stream of JSON objects, each with a member "event". `run-started` tells
/// what is judged and by what; `check` is one verdict with its evidence; `run-finished` is the sum, with the
/// verdict of every clause. Terminal, JUnit and HTML are made from these alone.
namespace bsp::conformance {

/// How the person called the suite: what a replay line repeats.
struct invocation {
    std::string target_arguments;  ///< "http://localhost:8825 --users users.json"
    std::string bodies_folder;     ///< where request bodies too big for a command line are saved; "" for nowhere
};

json::object run_started(surroundings const&, first_look const&, std::vector<registered_check> const& selected, run_options const&, std::string const& time);
json::object check_started(registered_check const&);
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

inline constexpr std::string_view suite_version = "1.0.0";

}  // namespace bsp::conformance
