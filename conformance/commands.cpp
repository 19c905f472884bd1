#include "commands/support.hpp"
#include "known_faults.hpp"
#include "peer/listener.hpp"
#include "quick.hpp"
#include "replay/recording.hpp"
#include "report/curl.hpp"

#include <bsp/base/identifier.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <ostream>

namespace bsp::conformance {
namespace {

std::uint64_t random_seed() {
    std::array<std::uint8_t, 4> drawn{};
    random_bytes(drawn);
    std::uint64_t out = 0;
    for (auto const b : drawn) out = out << 8 | b;
    return out;
}

std::string target_arguments_of(run_arguments const& a, bool for_run) {
    std::string out = a.url;
    if (!a.users_file.empty()) out += " --users " + shell_word(a.users_file);
    if (!a.admin_token_file.empty()) out += " --admin-token-file " + shell_word(a.admin_token_file);
    out += trust_arguments(a.trust);
    if (!for_run) return out;
    if (!a.fuzz_time.empty()) out += " --fuzz-time " + a.fuzz_time;
    if (!a.clock_url.empty()) out += " --clock-url " + shell_word(a.clock_url);
    if (a.battery) out += " --battery " + std::to_string(*a.battery);
    return out;
}

/// Saves the requests of a check that failed, beside the reports; the command that sends them again. "" where nothing is saved.
std::string saved_requests(surroundings const& world, judged const& j, run_arguments const& a) {
    auto const& r = j.record;
    if ((j.what.check->needs & need::clock_hook) != 0) return {};  // nothing moves a clock back
    if (j.what.profile == profile::tel) return {};  // messages of a WebSocket are not sent again one by one
    if (a.output.folder.empty() || r.steps.empty() || (!r.failure && r.inexact.empty())) return {};
    std::string name{j.what.check->id};
    std::replace(name.begin(), name.end(), '/', '-');
    auto const folder = std::filesystem::path{a.output.folder} / "replay";
    std::filesystem::create_directories(folder);
    auto const file = folder / (name + ".json");
    std::ofstream out{file, std::ios::binary | std::ios::trunc};
    out << json::serialize(replay::to_json(replay::recorded(world, j.what, r))) << '\n';
    if (!out.flush()) throw usage_error{"cannot write " + file.string()};
    return "bsp-conformance replay " + shell_word(file.string()) + ' ' + target_arguments_of(a, false);
}

/// How long a counterexample may be made smaller: "off", "max" or a duration.
std::chrono::milliseconds shrinking_time(std::string const& text) {
    if (text == "off") return {};
    if (text == "max") return std::chrono::hours{24};
    return duration_of(text);
}

/// Of a selection, what finds something else with every seed.
std::vector<registered_check> generated(std::vector<registered_check> const& selected) {
    std::vector<registered_check> out;
    for (auto const& c : selected)
        if ((c.check->needs & need::generator) != 0 || c.profile == profile::fuzz || c.group == "battery") out.push_back(c);
    if (out.empty()) throw usage_error{"--soak repeats generated checks, and the selection has none"};
    return out;
}

/// Rounds of generated checks, each with another seed, until `time` is over or one fails. What the last one found is reported.
run_result soak(surroundings& world, std::vector<registered_check> const& selected, run_options const& options, run_observer const& observer, std::chrono::milliseconds time,
                std::function<void(std::size_t, run_result const&, std::chrono::milliseconds)> const& finished) {
    constexpr std::chrono::milliseconds of_one_property{300};
    world.property_time = of_one_property;
    auto const until = std::chrono::steady_clock::now() + time;
    for (std::size_t round = 1;; ++round) {
        auto const begin = std::chrono::steady_clock::now();
        auto result = run(world, selected, options, {observer.started, [](judged const&) {}, observer.counterexample});
        auto const end = std::chrono::steady_clock::now();
        finished(round, result, std::chrono::duration_cast<std::chrono::milliseconds>(end - begin));
        bool const goes_on = result.exit_code == exit_code::conformant || result.exit_code == exit_code::inconclusive;
        if (!goes_on || end >= until) {
            for (auto const& j : result.checks) observer.finished(j);
            return result;
        }
        world.begin_round(world.options.seed + 1);
    }
}

int run_checked(run_arguments a, std::ostream& out, std::ostream& err) {
    if (a.url.empty()) throw usage_error{"which backend? For example: bsp-conformance http://localhost:8825 --users users.json (or --help)"};
    auto target = connect_to(a.url, a.trust);
    if (!target) throw usage_error{target.error().detail};
    for (auto const& name : a.profiles) {
        auto const p = profile_from(name);
        if (!p) throw usage_error{"no profile is called " + name + "; there are GEN, ID, REG, SYN, MPP, TEL, SEC, OFF and FUZZ"};
        a.wanted.profiles.push_back(*p);
    }
    if (a.quick) a.wanted.only = quick_checks();
    if (!a.soak.empty() && a.wanted.profiles.empty() && a.wanted.only.empty()) a.wanted.profiles = {profile::gen, profile::id, profile::reg, profile::syn, profile::fuzz};
    auto selected = select(a.wanted);
    if (!selected) throw usage_error{selected.error().detail};
    if (!a.soak.empty()) *selected = generated(*selected);

    auto const now = [] {
        auto const n = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
        return format_timestamp(instant{n, 0});
    }();
    run_options options;
    options.level = a.level == "compatible" ? level::compatible : level::strict;
    options.fail_on_should = a.fail_on == "should";
    options.jobs = a.jobs;
    options.today = now.substr(0, 10);
    options.looks_again = true;
    if (!a.baseline_file.empty()) {
        auto read = read_baseline(read_file(a.baseline_file));
        if (!read) throw usage_error{a.baseline_file + ": " + read.error().detail};
        options.baseline = *std::move(read);
    }
    surroundings world{**target, {users_from(a.users_file), admin_token_from(a.admin_token_file), a.seed ? *a.seed : random_seed(), std::chrono::seconds{a.timeout_s}, a.restart_command, a.kill_command}};
    world.listed_origin = a.origin;
    if (a.battery) world.patience_ms += 10 * 60'000;  // of so many some meet the target's limits
    world.patient = a.patient || (!a.quick && !a.wanted.only.empty());
    if (!a.clock_url.empty()) {
        auto clock = connect_to(a.clock_url, a.trust);
        if (!clock) throw usage_error{"--clock-url: " + clock.error().detail};
        world.clock = *std::move(clock);
    }
    if (!a.peer_listen.empty()) {
        auto door = listener::open(a.peer_listen), elsewhere = listener::open(a.peer_listen.substr(0, a.peer_listen.rfind(':')) + ":0");
        if (!door || !elsewhere) throw usage_error{(door ? elsewhere : door).error().detail};
        world.peer_door = *std::move(door);
        world.door_elsewhere = *std::move(elsewhere);
    }
    constexpr std::chrono::seconds fuzz_time_of_a_round{1};
    if (!a.fuzz_time.empty()) world.fuzz_time = duration_of(a.fuzz_time);
    else if (!a.soak.empty()) world.fuzz_time = fuzz_time_of_a_round;
    constexpr std::size_t battery_of_a_round = 600;
    if (a.battery) world.battery = a.battery;
    else if (!a.soak.empty()) world.battery = battery_of_a_round;
    world.shrink_time = shrinking_time(a.shrink);
    auto const soaking_time = a.soak.empty() ? std::chrono::milliseconds{} : duration_of(a.soak);
    report_files all{a.output, out, false};  // a path that cannot be written is found before anything runs

    auto const look = probe(world);
    if (!look.usable) {
        err << "bsp-conformance: " << look.problem << '\n';
        return exit_code::unreachable;
    }
    invocation call{target_arguments_of(a, true), a.output.folder.empty() ? std::string{} : (std::filesystem::path{a.output.folder} / "bodies").string(), trust_arguments(a.trust, "--cacert"), {}};
    all.take(run_started(world, look, *selected, options, now));
    auto const begin = std::chrono::steady_clock::now();
    run_observer const observer{[&](registered_check const& c) { all.take(check_started(c)); },
                                [&](judged const& j) {
                                    call.replay = saved_requests(world, j, a);
                                    all.take(check_finished(world, j, call));
                                },
                                [&](check const& c, finding const& f, std::size_t steps) { all.take(counterexample_found(world, c, f, steps)); }};
    auto const result = a.soak.empty() ? run(world, *selected, options, observer)
                                       : soak(world, *selected, options, observer, soaking_time,
                                              [&](std::size_t n, run_result const& r, std::chrono::milliseconds took) { all.take(round_finished(world, n, r, took)); });
    all.take(run_finished(world, result, std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin)));
    all.close(out);
    return result.exit_code;
}

/// What a check may need that only the caller of the suite can give, by its name in the list of checks.
constexpr std::pair<need, std::string_view> given_by_the_caller[] = {
    {need::second_user, "a second user"}, {need::admin_token, "--admin-token-file"}, {need::restart_hook, "--restart-cmd"},
    {need::kill_hook, "--kill-cmd"}, {need::peer_listener, "--peer-listen"}, {need::clock_hook, "--clock-url"}};

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
    return reporting_usage(err, [&] { return run_checked(std::move(a), out, err); });
}

int list_checks(std::ostream& out, bool as_json) {
    if (as_json) {
        json::array all;
        for (auto const& row : all_checks()) {
            json::array clauses;
            for (auto const id : row.check->clauses) clauses.emplace_back(id);
            json::array needs;
            for (auto const& [what, name] : given_by_the_caller)
                if ((row.check->needs & what) != 0) needs.emplace_back(name);
            all.emplace_back(json::object{{"id", row.check->id}, {"title", row.check->title}, {"profile", to_string(row.profile)}, {"strength", to_string(row.check->strength)},
                                          {"aspect", to_string(row.check->about)}, {"clauses", std::move(clauses)}, {"needs", std::move(needs)}});
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

int explain_one(std::ostream& out, std::ostream& err, std::string const& id) {
    auto const print_clause = [&out](clause const& c) { out << "  " << c.id << "  " << c.level << "  (" << c.file << '#' << c.anchor << ")\n    " << c.sentence << '\n'; };
    if (auto const* row = find_check(id)) {
        auto const& c = *row->check;
        out << c.id << "  " << to_string(c.strength) << "  " << to_string(c.about) << "  profile " << to_string(row->profile) << "\n\n"
            << "Shows that       " << c.title << "\nIf it fails      " << c.impact << "\nUsual cause      " << c.likely_cause << "\n\nClauses\n";
        for (auto const clause_id : c.clauses)
            if (auto const* found = find_clause(clause_id)) print_clause(*found);
        bool first = true;
        for (auto const& f : known_faults()) {
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
