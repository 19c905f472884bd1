#include "../commands.hpp"
#include "../faulty/faults.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>

namespace {

std::vector<bsp::conformance::known_fault> known_faults() {
    std::vector<bsp::conformance::known_fault> out;
    for (auto const& f : bsp::faulty::all_faults()) out.push_back({f.id, f.title, f.killed_by});
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace bsp::conformance;
    try {
        if (auto const flaws = flaws_of_the_suite(); !flaws.empty()) {
            for (auto const& flaw : flaws) std::cerr << "bsp-conformance is built wrongly: " << flaw << '\n';
            return exit_code::own_fault;
        }
        CLI::App app{"Tells whether a backend speaks BSP, clause by clause, and shows the evidence.", "bsp-conformance"};
        app.set_version_flag("--version", std::string{suite_version} + " (spec " + specification().spec + ")");
        app.footer("Exit status: 0 conformant, 1 a MUST failed, 2 inconclusive, 3 wrong usage, 4 target unreachable or died, 70 fault of the suite.\n"
                   "Example: bsp-conformance http://localhost:8825 --users users.json");

        run_arguments run_with;
        app.add_option("url", run_with.url, "The backend: http(s)://host[:port][/prefix]");
        app.add_option("--users", run_with.users_file, "JSON file: user id to pairing secret (or BSP_USERS_FILE, or the JSON itself in BSP_USERS)")->type_name("FILE");
        app.add_option("--admin-token-file", run_with.admin_token_file, "File with the admin token (or the token itself in BSP_ADMIN_TOKEN)")->type_name("FILE");
        app.add_option("--only", run_with.wanted.only, "Run only these checks: ids, groups, clause ids; * and ? match")->type_name("PATTERN")->delimiter(',');
        app.add_option("--skip", run_with.wanted.skip, "Leave these checks out")->type_name("PATTERN")->delimiter(',');
        app.add_option("--profile", run_with.profiles, "Run only these profiles; FUZZ runs only when it is named")->type_name("NAME")->delimiter(',');
        app.add_option("--level", run_with.level, "compatible judges behaviour; strict judges codes and headers as well")->check(CLI::IsMember({"compatible", "strict"}))->capture_default_str();
        app.add_option("--fail-on", run_with.fail_on, "should: failed SHOULDs decide the exit status, too")->check(CLI::IsMember({"must", "should"}))->capture_default_str();
        app.add_option("--expected-failures", run_with.baseline_file, "JSON file of failures that are known and tolerated")->type_name("FILE");
        app.add_option("--seed", run_with.seed, "Pins every generated value")->type_name("N");
        app.add_option("--jobs", run_with.jobs, "Checks that run side by side")->check(CLI::Range(1, 64))->capture_default_str();
        app.add_option("--timeout", run_with.timeout_s, "Seconds to wait for one answer")->check(CLI::Range(1, 600))->capture_default_str();
        app.add_option("--fuzz-time", run_with.fuzz_time, "How long --profile FUZZ goes on, as 30s, 500ms or 2m (default 10s)")->type_name("DURATION");
        app.add_option("--restart-cmd", run_with.restart_command, "Shell command that restarts the backend and returns")->type_name("COMMAND");
        app.add_option("--kill-cmd", run_with.kill_command, "Shell command that kills the backend (SIGKILL), starts it again and returns")->type_name("COMMAND");
        app.add_flag("--insecure", run_with.insecure, "Do not verify the certificate of an https target");
        app.add_option("--report-dir", run_with.report_folder, "Write report.html, report.xml (JUnit), report.jsonl and big request bodies here")->type_name("DIR");
        app.add_option("--html", run_with.html_file, "Write the HTML report here")->type_name("FILE");
        app.add_option("--junit", run_with.junit_file, "Write the JUnit XML report here")->type_name("FILE");
        app.add_option("--json", run_with.json_file, "Write the events, one JSON object per line, here; - for standard output")->type_name("FILE");

        std::string format = "text", subject;
        auto* const list = app.add_subcommand("list", "List the checks");
        list->add_option("--format", format, "text or json")->check(CLI::IsMember({"text", "json"}));
        auto* const explain = app.add_subcommand("explain", "Explain a check or a clause");
        explain->add_option("id", subject, "A check id (id/no-credential) or a clause id (BSP-ID-001)")->required();

        try {
            app.parse(argc, argv);
        } catch (CLI::ParseError const& e) {
            return app.exit(e) == 0 ? 0 : exit_code::usage;
        }
        if (list->parsed()) return list_checks(std::cout, format == "json");
        if (explain->parsed()) return explain_one(std::cout, std::cerr, subject, known_faults());
        return run_suite(std::move(run_with), std::cout, std::cerr);
    } catch (std::exception const& e) {
        std::cerr << "bsp-conformance: a fault of its own: " << e.what() << '\n';
        return exit_code::own_fault;
    }
}
