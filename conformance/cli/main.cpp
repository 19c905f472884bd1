#include "../commands.hpp"
#include "../load/load.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>

namespace {

/// The files that both a run and `render` write.
void add_outputs(CLI::App& app, bsp::conformance::output_files& to) {
    app.add_option("--report-dir", to.folder, "Write every report here: HTML, JUnit, JSON lines, Markdown, SARIF, badge")->type_name("DIR");
    app.add_option("--html", to.html, "Write the HTML report here")->type_name("FILE");
    app.add_option("--junit", to.junit, "Write the JUnit XML report here")->type_name("FILE");
    app.add_option("--markdown", to.markdown, "Write a summary in Markdown here")->type_name("FILE");
    app.add_option("--sarif", to.sarif, "Write the findings as SARIF 2.1.0 here")->type_name("FILE");
    app.add_option("--badge", to.badge, "Write an SVG badge here")->type_name("FILE");
}

/// How the certificate of an https target is judged.
void add_trust(CLI::App& app, bsp::conformance::target_options& to) {
    app.add_option("--ca-file", to.ca_file, "Trust the authorities of this PEM file instead of the system's")->type_name("FILE");
    app.add_flag_callback("--insecure", [&to] { to.verify_certificate = false; }, "Do not verify the certificate of an https target");
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
        app.add_option("--battery", run_with.battery, "How many near-valid requests, each wrong in one way, are tried in all (default: a slice of two seconds)")->check(CLI::Range(1, 10'000'000))->type_name("N");
        app.add_option("--shrink", run_with.shrink, "How long a counterexample may be made smaller: a duration, off or max")->type_name("DURATION")->capture_default_str();
        app.add_option("--soak", run_with.soak, "Repeat the generated checks with new seeds for so long (20s, 10m), or until one fails")->type_name("DURATION");
        app.add_flag("--patient", run_with.patient, "Also the checks that wait for a minute to be over: some two minutes more");
        app.add_option("--restart-cmd", run_with.restart_command, "Shell command that restarts the backend and returns")->type_name("COMMAND");
        app.add_option("--kill-cmd", run_with.kill_command, "Shell command that kills the backend (SIGKILL), starts it again and returns")->type_name("COMMAND");
        app.add_option("--clock-url", run_with.clock_url, "Where POST {\"advance_ms\": N} with the admin token moves the backend's clock forwards, to judge rules of days; last of all")->type_name("URL");
        app.add_option("--peer-listen", run_with.peer_listen, "Play the other backend here, and judge the target as a client; it must be allowed to call http://ADDRESS:PORT")->type_name("ADDRESS:PORT");
        app.add_option("--origin", run_with.origin, "A web origin whose pages the backend was told to serve, to judge what it does for them")->type_name("ORIGIN");
        add_trust(app, run_with.trust);
        app.add_flag("--quick", run_with.quick, "Only the most telling checks, in less than two seconds; the verdict is partial")->excludes("--only", "--profile", "--soak");
        add_outputs(app, run_with.output);
        app.add_option("--json", run_with.output.json, "Write the events, one JSON object per line, here; - (here as for every report) is the standard output")->type_name("FILE");

        std::string format = "text", subject;
        auto* const list = app.add_subcommand("list", "List the checks");
        list->add_option("--format", format, "text or json")->check(CLI::IsMember({"text", "json"}));
        auto* const explain = app.add_subcommand("explain", "Explain a check or a clause");
        explain->add_option("id", subject, "A check id (id/no-credential) or a clause id (BSP-ID-001)")->required();

        std::string first, second;
        output_files render_to;
        auto* const render_again = app.add_subcommand("render", "Make other reports of an earlier run, from its JSON lines");
        render_again->add_option("report", first, "report.jsonl of a run")->required();
        add_outputs(*render_again, render_to);
        auto* const diff = app.add_subcommand("diff", "Tell what two runs do not have in common; 1 when something regressed");
        diff->add_option("before", first, "report.jsonl of the earlier run")->required();
        diff->add_option("after", second, "report.jsonl of the later run")->required();
        matrix_arguments compare;
        auto* const matrix_of = app.add_subcommand("matrix", "Show the runs of several backends side by side");
        matrix_of->add_option("reports", compare.files, "report.jsonl of each run")->required();
        matrix_of->add_flag("--markdown", compare.markdown, "As Markdown");
        matrix_of->add_flag("--all", compare.all, "The checks that pass everywhere, too");
        doctor_arguments visit;
        auto* const examine = app.add_subcommand("doctor", "Look whether a run can succeed: reachability, TLS, clock, identity, credentials");
        examine->add_option("url", visit.url, "The backend: http(s)://host[:port][/prefix]")->required();
        examine->add_option("--users", visit.users_file, "As for a run")->type_name("FILE");
        examine->add_option("--admin-token-file", visit.admin_token_file, "As for a run")->type_name("FILE");
        examine->add_option("--timeout", visit.timeout_s, "Seconds to wait for one answer")->check(CLI::Range(1, 600))->capture_default_str();
        add_trust(*examine, visit.trust);

        pair_arguments both;
        auto* const pairing = app.add_subcommand("pair", "Let a local and a hosted backend synchronize over a bad line, and tell whether they agree in the end");
        pairing->add_option("first", both.first, "One backend: http(s)://host[:port][/prefix]")->required();
        pairing->add_option("second", both.second, "The other one")->required();
        pairing->add_option("--users", both.users_file, "As for a run; both backends know the first user under the same secret")->type_name("FILE");
        pairing->add_option("--peer-listen", both.peer_listen, "Where the line is; the local backend must be allowed to call http://ADDRESS:PORT")->type_name("ADDRESS:PORT")->required();
        pairing->add_option("--seed", both.seed, "Pins what is disturbed")->type_name("N");
        pairing->add_option("--trouble", both.trouble_s, "Seconds of disturbance")->check(CLI::Range(1, 3600))->capture_default_str();
        add_trust(*pairing, both.trust);

        replay_arguments again;
        auto* const replay = app.add_subcommand("replay", "Send the saved requests of a failed check again, step by step. Exit status: 1 reproduced, 0 not reproduced, 2 cannot be told, 3 unusable file, 4 target unreachable");
        replay->add_option("file", again.file, "DIR/replay/CHECK.json of a run with --report-dir DIR")->required();
        replay->add_option("url", again.url, "The backend: http(s)://host[:port][/prefix]")->required();
        replay->add_option("--users", again.users_file, "As for a run")->type_name("FILE");
        replay->add_option("--admin-token-file", again.admin_token_file, "As for a run")->type_name("FILE");
        replay->add_option("--restart-cmd", again.restart_command, "As for a run")->type_name("COMMAND");
        replay->add_option("--kill-cmd", again.kill_command, "As for a run")->type_name("COMMAND");
        replay->add_option("--timeout", again.timeout_s, "Seconds to wait for one answer")->check(CLI::Range(1, 600))->capture_default_str();
        add_trust(*replay, again.trust);

        load_arguments burden;
        auto* const load = app.add_subcommand("load", "Let many peers talk to a backend at a given rate; latencies, and whether all that was acknowledged is there. Exit status: 1 it is not, 2 cannot be told or many requests failed, 4 unreachable or died");
        load->add_option("url", burden.url, "The backend: http(s)://host[:port][/prefix]");
        load->add_option("--users", burden.users_file, "As for a run; peers belong to all of them in turns")->type_name("FILE");
        load->add_option("--peers", burden.peers, "Backends that register, each with a key and connections of its own")->type_name("N")->capture_default_str();
        load->add_option("--rate", burden.rate, "Requests a second, of all peers together")->type_name("R")->capture_default_str();
        load->add_option("--duration", burden.duration, "How long requests are due")->type_name("DURATION")->capture_default_str();
        load->add_option("--mix", burden.mix, "Shares of push, pull, read and telemetry")->type_name("NAME=SHARE,…")->capture_default_str();
        load->add_option_function<std::string>("--arrivals", [&burden](std::string const& how) { burden.even = how == "even"; }, "poisson: due at random, as people come; even: at even distances")->check(CLI::IsMember({"poisson", "even"}));
        load->add_flag("--over-limits", burden.over_limits, "Exceed what each peer may send, to see how the backend keeps its limits");
        load->add_option("--seed", burden.seed, "Pins the schedule and what is said")->type_name("N");
        load->add_option("--timeout", burden.timeout_s, "Seconds to wait for one answer")->check(CLI::Range(1, 600))->capture_default_str();
        load->add_option("--report", burden.report, "Write an HTML page with plots here")->type_name("FILE");
        load->add_option("--json", burden.json, "Write the figures for programs here")->type_name("FILE");
        add_trust(*load, burden.trust);

        try {
            app.parse(argc, argv);
        } catch (CLI::ParseError const& e) {
            return app.exit(e) == 0 ? 0 : exit_code::usage;
        }
        if (list->parsed()) return list_checks(std::cout, format == "json");
        if (explain->parsed()) return explain_one(std::cout, std::cerr, subject);
        if (render_again->parsed()) return render(first, render_to, std::cout, std::cerr);
        if (diff->parsed()) return diff_reports(first, second, std::cout, std::cerr);
        if (matrix_of->parsed()) return matrix(compare, std::cout, std::cerr);
        if (examine->parsed()) return doctor(visit, std::cout, std::cerr);
        if (pairing->parsed()) return pair(both, std::cout, std::cerr);
        if (replay->parsed()) return replay_sequence(again, std::cout, std::cerr);
        if (load->parsed()) return put_under_load(burden, std::cout, std::cerr);
        return run_suite(std::move(run_with), std::cout, std::cerr);
    } catch (std::exception const& e) {
        std::cerr << "bsp-conformance: a fault of its own: " << e.what() << '\n';
        return exit_code::own_fault;
    }
}
