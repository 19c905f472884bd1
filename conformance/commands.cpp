#include "commands.hpp"

#include <bsp/base/identifier.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/json/parse.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

namespace bsp::conformance {
namespace {

/// Wrong usage: printed as one line, ends with exit status 3.
struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::string read_file(std::string const& path) {
    std::ifstream in{path, std::ios::binary};
    std::ostringstream text;
    if (!in || !(text << in.rdbuf())) throw usage_error{"cannot read " + path};
    return text.str();
}

std::string from_environment(char const* name) {
    char const* value = std::getenv(name);
    return value ? value : "";
}

std::vector<user_account> users_of(run_arguments const& a) {
    auto const file = a.users_file.empty() ? from_environment("BSP_USERS_FILE") : a.users_file;
    auto const inline_text = from_environment("BSP_USERS");
    if (file.empty() && inline_text.empty())
        throw usage_error{"who may pair? Give --users FILE, a JSON object of user ids and pairing secrets: {\"ada\": \"…\", \"bob\": \"…\"}"};
    auto const users = read_users(file.empty() ? inline_text : read_file(file));
    if (!users) throw usage_error{(file.empty() ? std::string{"BSP_USERS"} : file) + ": " + users.error().detail};
    return *users;
}

std::optional<std::string> admin_token_of(run_arguments const& a) {
    auto token = a.admin_token_file.empty() ? from_environment("BSP_ADMIN_TOKEN") : read_file(a.admin_token_file);
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
    if (token.empty() && !a.admin_token_file.empty()) throw usage_error{a.admin_token_file + " holds no token"};
    return token.empty() ? std::nullopt : std::optional{token};
}

std::uint64_t random_seed() {
    std::array<std::uint8_t, 4> drawn{};
    random_bytes(drawn);
    std::uint64_t out = 0;
    for (auto const b : drawn) out = out << 8 | b;
    return out;
}

std::chrono::milliseconds duration_of(std::string const& text) {
    auto const digits = std::min(text.find_first_not_of("0123456789"), text.size());
    auto const unit = text.substr(digits);
    if (digits < 1 || digits > 6 || (unit != "s" && unit != "ms" && unit != "m" && !unit.empty())) throw usage_error{"\"" + text + "\" is no duration; say 30s, 500ms or 2m"};
    std::chrono::milliseconds const n{std::stoll(text.substr(0, digits))};
    return unit == "ms" ? n : unit == "m" ? n * 60'000 : n * 1'000;
}

std::string target_arguments_of(run_arguments const& a) {
    std::string out = a.url;
    if (!a.users_file.empty()) out += " --users " + a.users_file;
    if (!a.admin_token_file.empty()) out += " --admin-token-file " + a.admin_token_file;
    if (a.insecure) out += " --insecure";
    if (!a.fuzz_time.empty()) out += " --fuzz-time " + a.fuzz_time;
    return out;
}

/// Reports and the files they go to.
class reports {
public:
    reports(run_arguments const& a, std::ostream& out) {
        auto const colours_wanted = ::isatty(STDOUT_FILENO) == 1 && from_environment("NO_COLOR").empty() && from_environment("TERM") != "dumb";
        bool const to_terminal = &out == &std::cout && ::isatty(STDOUT_FILENO) == 1;
        if (a.json_file == "-") all_.push_back(json_lines_report(out));
        else all_.push_back(terminal_report(out, &out == &std::cout && colours_wanted, to_terminal));
        auto const in_folder = [&](char const* name) { return (std::filesystem::path{a.report_folder} / name).string(); };
        if (!a.report_folder.empty()) {
            std::filesystem::create_directories(a.report_folder);
            all_.push_back(html_report(open(in_folder("report.html"))));
            all_.push_back(junit_report(open(in_folder("report.xml"))));
            all_.push_back(json_lines_report(open(in_folder("report.jsonl"))));
        }
        if (!a.html_file.empty()) all_.push_back(html_report(open(a.html_file)));
        if (!a.junit_file.empty()) all_.push_back(junit_report(open(a.junit_file)));
        if (!a.json_file.empty() && a.json_file != "-") all_.push_back(json_lines_report(open(a.json_file)));
    }

    void take(json::object const& event) {
        for (auto& r : all_) r->take(event);
    }

private:
    std::ostream& open(std::string const& path) {
        files_.push_back(std::make_unique<std::ofstream>(path, std::ios::binary | std::ios::trunc));
        if (!*files_.back()) throw usage_error{"cannot write " + path};
        return *files_.back();
    }
    std::vector<std::unique_ptr<std::ofstream>> files_;  // outlive the reports
    std::vector<std::unique_ptr<report>> all_;
};

int run_checked(run_arguments a, std::ostream& out, std::ostream& err) {
    if (a.url.empty()) throw usage_error{"which backend? For example: bsp-conformance http://localhost:8825 --users users.json (or --help)"};
    auto target = connect_to(a.url, {.verify_certificate = !a.insecure});
    if (!target) throw usage_error{target.error().detail};
    for (auto const& name : a.profiles) {
        auto const p = profile_from(name);
        if (!p) throw usage_error{"no profile is called " + name + "; there are GEN, ID, REG, SYN and FUZZ"};
        a.wanted.profiles.push_back(*p);
    }
    auto const selected = select(a.wanted);
    if (!selected) throw usage_error{selected.error().detail};

    auto const now = [] {
        auto const n = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
        return format_timestamp(instant{n, 0});
    }();
    run_options options;
    options.level = a.level == "compatible" ? level::compatible : level::strict;
    options.fail_on_should = a.fail_on == "should";
    options.jobs = a.jobs;
    options.today = now.substr(0, 10);
    if (!a.baseline_file.empty()) {
        auto read = read_baseline(read_file(a.baseline_file));
        if (!read) throw usage_error{a.baseline_file + ": " + read.error().detail};
        options.baseline = *std::move(read);
    }
    surroundings world{**target, {users_of(a), admin_token_of(a), a.seed ? *a.seed : random_seed(), std::chrono::seconds{a.timeout_s}, a.restart_command, a.kill_command}};
    if (!a.fuzz_time.empty()) world.fuzz_time = duration_of(a.fuzz_time);
    reports all{a, out};  // a path that cannot be written is found before anything runs

    auto const look = probe(world);
    if (!look.usable) {
        err << "bsp-conformance: " << look.problem << '\n';
        return exit_code::unreachable;
    }
    invocation const call{target_arguments_of(a), a.report_folder.empty() ? std::string{} : (std::filesystem::path{a.report_folder} / "bodies").string()};
    all.take(run_started(world, look, *selected, options, now));
    auto const begin = std::chrono::steady_clock::now();
    auto const result = run(world, *selected, options,
                            {[&](registered_check const& c) { all.take(check_started(c)); }, [&](judged const& j) { all.take(check_finished(world, j, call)); }});
    all.take(run_finished(world, result, std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin)));
    if (a.json_file != "-") {
        if (!a.report_folder.empty()) out << "report  " << (std::filesystem::path{a.report_folder} / "report.html").string() << '\n';
        if (!a.html_file.empty()) out << "report  " << a.html_file << '\n';
    }
    return result.exit_code;
}

}  // namespace

result<std::vector<user_account>> read_users(std::string_view text) {
    auto const v = json::parse(text);
    if (!v || !v->is_object()) return fail(errc::bad_request, "not a JSON object of user ids and pairing secrets");
    std::vector<user_account> out;
    for (auto const& member : v->get_object()) {
        if (!member.value().is_string()) return fail(errc::bad_request, "the secret of " + std::string{json::view(member.key())} + " is not a string");
        out.push_back({std::string{json::view(member.key())}, std::string{json::view(member.value().get_string())}});
        if (!is_user_id(out.back().id)) return fail(errc::bad_request, "\"" + out.back().id + "\" is not a user id");
        if (out.back().secret.empty()) return fail(errc::bad_request, "the secret of " + out.back().id + " is empty");
    }
    if (out.empty()) return fail(errc::bad_request, "it names no user");
    return out;
}

int run_suite(run_arguments a, std::ostream& out, std::ostream& err) {
    try {
        return run_checked(std::move(a), out, err);
    } catch (usage_error const& e) {
        err << "bsp-conformance: " << e.what() << '\n';
        return exit_code::usage;
    }
}

int list_checks(std::ostream& out, bool as_json) {
    if (as_json) {
        json::array all;
        for (auto const& row : all_checks()) {
            json::array clauses;
            for (auto const id : row.check->clauses) clauses.emplace_back(id);
            all.emplace_back(json::object{{"id", row.check->id}, {"title", row.check->title}, {"profile", to_string(row.profile)}, {"strength", to_string(row.check->strength)},
                                          {"aspect", to_string(row.check->about)}, {"clauses", std::move(clauses)}});
        }
        out << json::serialize(all) << '\n';
        return exit_code::conformant;
    }
    std::string_view group;
    for (auto const& row : all_checks()) {
        if (row.group != group) out << (group.empty() ? "" : "\n") << row.group << "  (" << to_string(row.profile) << ")\n";
        group = row.group;
        out << "  " << row.check->id << std::string(row.check->id.size() < 48 ? 48 - row.check->id.size() : 1, ' ') << to_string(row.check->strength) << "  " << row.check->title << "  [";
        for (auto const id : row.check->clauses) out << (id == row.check->clauses.front() ? "" : " ") << id;
        out << "]\n";
    }
    out << '\n' << all_checks().size() << " checks\n";
    return exit_code::conformant;
}

int explain_one(std::ostream& out, std::ostream& err, std::string const& id, std::vector<known_fault> const& faults) {
    auto const print_clause = [&out](clause const& c) { out << "  " << c.id << "  " << c.level << "  (" << c.file << '#' << c.anchor << ")\n    " << c.sentence << '\n'; };
    if (auto const* row = find_check(id)) {
        auto const& c = *row->check;
        out << c.id << "  " << to_string(c.strength) << "  " << to_string(c.about) << "  profile " << to_string(row->profile) << "\n\n"
            << "Shows that       " << c.title << "\nIf it fails      " << c.impact << "\nUsual cause      " << c.likely_cause << "\n\nClauses\n";
        for (auto const clause_id : c.clauses)
            if (auto const* found = find_clause(clause_id)) print_clause(*found);
        bool first = true;
        for (auto const& f : faults) {
            if (std::find(f.killed_by.begin(), f.killed_by.end(), c.id) == f.killed_by.end()) continue;
            out << (first ? "\nWrong backends that it catches\n" : "") << "  " << f.id << "  " << f.title << '\n';
            first = false;
        }
        return exit_code::conformant;
    }
    if (auto const* c = find_clause(id)) {
        print_clause(*c);
        if (c->untested) out << "\nNo check judges it: " << *c->untested << '\n';
        out << "\nChecks\n";
        bool any = false;
        for (auto const& row : all_checks())
            for (auto const clause_id : row.check->clauses)
                if (clause_id == c->id) out << "  " << row.check->id << "  " << row.check->title << '\n', any = true;
        if (!any) out << "  none\n";
        return exit_code::conformant;
    }
    std::vector<std::string> candidates;
    for (auto const& row : all_checks()) candidates.emplace_back(row.check->id);
    for (auto const& c : specification().clauses) candidates.push_back(c.id);
    auto const near = did_you_mean(id, candidates);
    err << "bsp-conformance: there is no check or clause " << id << (near.empty() ? "" : "; did you mean " + near + "?") << '\n';
    return exit_code::usage;
}

}  // namespace bsp::conformance
