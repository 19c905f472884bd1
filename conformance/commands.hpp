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

/// Files that reports go to; empty: not wanted. "-" is the standard output.
struct output_files {
    std::string folder;  ///< takes all of them, under names of their own
    std::string html, junit, json, markdown, sarif, badge;

    [[nodiscard]] bool none() const { return folder.empty() && html.empty() && junit.empty() && json.empty() && markdown.empty() && sarif.empty() && badge.empty(); }
};

struct run_arguments {
    std::string url, users_file, admin_token_file;
    selection wanted;
    std::vector<std::string> profiles;
    std::string level = "strict", fail_on = "must", baseline_file;
    std::optional<std::uint64_t> seed;
    unsigned jobs = 8;
    int timeout_s = 10;
    std::string fuzz_time;  ///< "30s", "500ms", "2m"; empty: the default
    std::optional<std::size_t> battery;  ///< near-valid requests to try; nothing: a slice of two seconds
    std::string shrink = "5s";  ///< a duration, "off" or "max"
    std::string soak;           ///< a duration: generated checks in rounds until it is over or one fails; empty: an ordinary run
    std::string restart_command, kill_command;
    std::string clock_url;      ///< what moves the target's clock; empty: nothing does
    std::string peer_listen;    ///< "127.0.0.1:9000": where the suite plays the other backend; empty: it does not
    std::string origin;         ///< "https://app.example": whose pages the target serves; empty: not known
    target_options trust;
    bool patient = false;  ///< the checks that wait for a minute, too
    bool quick = false;  ///< the checks of quick.hpp, and no others
    output_files output;
};

int run_suite(run_arguments, std::ostream& out, std::ostream& err);

/// Renders the report of an earlier run again; without any file to write, on the terminal.
int render(std::string const& file, output_files const&, std::ostream& out, std::ostream& err);

/// What became of each check between two runs. 1 when something that passed no longer does, or does worse.
int diff_reports(std::string const& before, std::string const& after, std::ostream& out, std::ostream& err);

/// Reports side by side: profiles, and the checks that do not pass everywhere (`all`: every check).
struct matrix_arguments {
    std::vector<std::string> files;
    bool markdown = false, all = false;
};
int matrix(matrix_arguments const&, std::ostream& out, std::ostream& err);

/// Looks at a target before any check: can it be reached, does its clock agree, do the credentials work.
/// 0 all well, 1 something that a run needs does not work, 4 nothing answers.
struct doctor_arguments {
    std::string url, users_file, admin_token_file;
    int timeout_s = 10;
    target_options trust = {};
};
int doctor(doctor_arguments const&, std::ostream& out, std::ostream& err);

/// Sends the requests of a failed check, as a run with a report folder saved them, to a target.
/// 1 the failure comes again, 0 it does not, 2 it cannot be told, 3 the file cannot be used (here), 4 nothing answers.
struct replay_arguments {
    std::string file, url, users_file, admin_token_file, restart_command, kill_command;
    int timeout_s = 10;
    target_options trust = {};
};
int replay_sequence(replay_arguments const&, std::ostream& out, std::ostream& err);

/// Two backends, one local and one hosted, synchronize through the suite, which cuts, delays, doubles and truncates what
/// goes between them. 0 they agree in the end, 1 they do not, 2 it cannot be told, 4 one of them does not answer.
struct pair_arguments {
    std::string first, second, users_file, peer_listen;
    std::optional<std::uint64_t> seed;
    int trouble_s = 15;  ///< how long the last phase disturbs
    target_options trust = {};
};
int pair(pair_arguments const&, std::ostream& out, std::ostream& err);

int list_checks(std::ostream& out, bool as_json);

/// What a check or a clause is about; with a check the wrong backends that the kill matrix saw it catch.
int explain_one(std::ostream& out, std::ostream& err, std::string const& id);

/// { "ada": "secret", … } in the order of the text. Errors are for people.
result<std::vector<user_account>> read_users(std::string_view text);

}  // namespace bsp::conformance
