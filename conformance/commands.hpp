#pragma once

#include "clauses.hpp"
#include "report/events.hpp"
#include "runner.hpp"

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

/// What the command line can ask for. Every function returns an exit status.
namespace bsp::conformance {

struct run_arguments {
    std::string url, users_file, admin_token_file;
    selection wanted;
    std::vector<std::string> profiles;
    std::string level = "strict", fail_on = "must", baseline_file;
    std::optional<std::uint64_t> seed;
    unsigned jobs = 8;
    int timeout_s = 10;
    std::string fuzz_time;  ///< "30s", "500ms", "2m"; empty: the default
    std::string restart_command, kill_command;
    bool insecure = false;
    std::string report_folder, html_file, junit_file, json_file;
};

int run_suite(run_arguments, std::ostream& out, std::ostream& err);
int list_checks(std::ostream& out, bool as_json);

/// A wrong backend that the suite is proved against, for `explain`.
struct known_fault {
    std::string_view id, title;
    std::vector<std::string_view> killed_by;
};
int explain_one(std::ostream& out, std::ostream& err, std::string const& id, std::vector<known_fault> const& faults);

/// { "ada": "secret", … } in the order of the text. Errors are for people.
result<std::vector<user_account>> read_users(std::string_view text);

}  // namespace bsp::conformance
