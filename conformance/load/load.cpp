#include "load.hpp"

#include "../commands/support.hpp"
#include "../privacy.hpp"
#include "../probe.hpp"
#include "../report/curl.hpp"
#include "../runner.hpp"
#include "afterwards.hpp"
#include "insist.hpp"
#include "report.hpp"
#include "traffic.hpp"
#include "words.hpp"

#include <bsp/json/parse.hpp>

#include <sys/resource.h>

#include <cmath>
#include <ostream>
#include <random>

namespace bsp::conformance {
namespace load {
namespace {

/// What every backend takes of each peer (BSP-LIM-001, section 11.7), with room for what a run sends beside its schedule.
constexpr double pushes_per_peer_max = 1.6, events_per_peer_max = 16;
constexpr std::size_t peers_max = 10'000;

/// Raises the limit of open files as far as it may; usage_error when that is not enough.
void make_room_for_connections(std::size_t wanted) {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < wanted)
        throw usage_error{"so many peers need " + std::to_string(wanted) + " open files, and this shell allows " + std::to_string(files.rlim_cur) + ": raise it with ulimit -n, or name fewer --peers"};
}

void check_budget(double per_peer, double most, char const* what, load_arguments const& a, double share) {
    if (a.over_limits || per_peer <= most + 1e-9) return;
    auto const peers = static_cast<std::size_t>(std::ceil(a.rate * share / most));
    auto const rate = std::floor(most * static_cast<double>(a.peers) / share);
    throw usage_error{"that would be " + number_words(per_peer) + " " + what + " a second of every peer, and a backend may answer more than " + number_words(most) + " with 429 (BSP-LIM-001, BSP-TEL-120). Say --peers " + std::to_string(peers) +
                      (rate >= 1 ? " or --rate " + std::to_string(static_cast<std::uint64_t>(rate)) : std::string{}) + "; or --over-limits, when it is the limits that you want to see"};
}

/// Opens the files of a run before it begins: a path that cannot be written is found at once.
class wanted_file {
public:
    explicit wanted_file(std::string path) : path_{std::move(path)} {
        if (path_.empty()) return;
        out_.open(path_, std::ios::binary | std::ios::trunc);
        if (!out_) throw usage_error{"cannot write " + path_};
    }
    void write(std::string const& text) {
        if (path_.empty()) return;
        out_ << text;
        if (!out_.flush()) throw usage_error{"cannot write " + path_};
    }

private:
    std::string path_;
    std::ofstream out_;
};

std::string command_of(load_arguments const& a, std::uint64_t seed) {
    char rate[32];
    std::snprintf(rate, sizeof rate, "%g", a.rate);
    return "bsp-conformance load " + a.url + (a.users_file.empty() ? "" : " --users " + shell_word(a.users_file)) + trust_arguments(a.trust) + " --peers " + std::to_string(a.peers) + " --rate " + rate + " --duration " + a.duration + " --mix " + a.mix +
           (a.even ? " --arrivals even" : "") + (a.over_limits ? " --over-limits" : "") + " --seed " + std::to_string(seed);
}

/// The first push of every peer. Throws `cannot_begin` when one is not accepted.
void open_conversations(script& s) {
    std::mutex mutex;
    std::string refused;
    side_by_side(s.company.peers.size(), [&](std::size_t i) {
        auto const got = insistently(s.company.world, [&] { return s.opening_of(i); });
        bool const good = got.why == fault::none && got.response.status == 200;
        auto const body = good ? json::parse(got.response.body) : result<json::value>{json::value{}};
        s.opening_was(i, !good ? fate::unknown : body && objects_at(*body, "/conflicts").empty() ? fate::acknowledged : fate::in_part);
        std::lock_guard const lock{mutex};
        if (!good && refused.empty()) refused = got.why == fault::none ? "it was answered with " + std::to_string(got.response.status) + " " + got.response.body.substr(0, 300) : got.detail;
    });
    if (!refused.empty()) throw cannot_begin{exit_code::inconclusive, "the first push of a peer did not go through: " + refused};
}

int exit_code_of(figures const& f, verdict_on_data const& d, bool target_answers) {
    constexpr double success_min = 0.99;
    if (d.flaws_in_all > 0) return exit_code::failed;
    if (!target_answers) return exit_code::unreachable;
    return d.judged && d.messages > 0 && f.success_ratio() >= success_min ? exit_code::conformant : exit_code::inconclusive;
}

int run(load_arguments const& a, std::ostream& out, std::ostream& err) {
    if (a.url.empty()) throw usage_error{"which backend? For example: bsp-conformance load http://localhost:8825 --users users.json"};
    if (!(a.rate > 0 && a.rate <= 100'000)) throw usage_error{"--rate is the number of requests a second, more than 0 and at most 100000"};
    if (a.peers < 1 || a.peers > peers_max) throw usage_error{"--peers is a number from 1 to " + std::to_string(peers_max)};
    auto const duration = duration_of(a.duration);
    if (duration < std::chrono::seconds{1}) throw usage_error{"--duration is one second at least"};
    constexpr double requests_max = 5e6;
    if (a.rate * std::chrono::duration<double>{duration}.count() > requests_max) throw usage_error{"these are more than five million requests; shorten --duration or lower --rate"};
    auto mixed = parse_mix(a.mix);
    if (!mixed) throw usage_error{"--mix: " + mixed.error().detail};
    auto const target = connect_to(a.url, a.trust);
    if (!target) throw usage_error{target.error().detail};
    auto const seed = a.seed ? *a.seed : static_cast<std::uint64_t>(std::random_device{}());
    surroundings world{**target, {users_from(a.users_file), {}, seed, std::chrono::seconds{a.timeout_s}, {}, {}}};
    auto const budget = [&](operation o) { return a.rate * mixed->of(o) / static_cast<double>(a.peers); };
    check_budget(budget(operation::push), pushes_per_peer_max, "pushes", a, mixed->of(operation::push));
    check_budget(budget(operation::telemetry), events_per_peer_max, "events", a, mixed->of(operation::telemetry));
    constexpr std::size_t other_files = 64;
    make_room_for_connections(2 * a.peers + other_files);
    wanted_file report{a.report}, as_program{a.json};

    auto const look = probe(world);
    if (!look.usable || !world.identity) {
        err << "bsp-conformance: " << (look.usable ? look.remark : look.problem) << '\n';
        return exit_code::unreachable;
    }
    std::string opening = look.remark;
    if (mixed->of(operation::telemetry) > 0 && !world.has_telemetry) {
        *mixed = mixed->without(operation::telemetry);
        if (in_words(*mixed).empty()) throw usage_error{"the target has no telemetry, and the mix nothing else"};
        opening += (opening.empty() ? "" : "; ") + std::string{"the target has no telemetry, so the other operations take its share"};
    }
    out << "load      " << world.target.url() << "  " << world.identity->backend_id << (look.software.empty() ? "" : "  " + look.software) << "\n          " << count_words(a.peers, "peer", "peers") << " of "
        << count_words(std::min(a.peers, world.options.users.size()), "user", "users") << ", " << number_words(a.rate) << " requests a second for " << number_words(std::chrono::duration<double>{duration}.count()) << " s: " << in_words(*mixed) << "\n"
        << (opening.empty() ? "" : "note      " + opening + "\n") << std::flush;

    try {
        constexpr std::chrono::seconds clocks_differ_max{5};
        auto const since = world.now() - clocks_differ_max;
        company all{world, a.peers, out};
        script s{all, make_schedule({a.rate, duration, a.peers, *mixed, a.even ? arrivals::even : arrivals::poisson, seed}), seed};
        if (s.plan().empty()) throw usage_error{"nothing is due in so short a time at so low a rate"};
        open_conversations(s);

        // Signing ahead takes a while; what is written then is dated from about when it will be sent.
        constexpr double seconds_per_request = 4e-4;
        figures f{duration, s.plan()};
        f.effort.cores = std::max(1u, std::thread::hardware_concurrency());
        auto const ahead = static_cast<double>(supply::ahead_of(s.plan(), 0));
        s.begins(world.now() + std::chrono::milliseconds{static_cast<std::int64_t>(ahead * seconds_per_request / f.effort.cores * 1e3)});
        followers following{all, since};
        {
            supply from{s};
            out << "          " << count_words(from.fill(), "request is", "requests are") << " signed ahead; the run begins" << std::endl;
            send_all(s, from, f, {std::chrono::seconds{a.timeout_s}, mixed->of(operation::telemetry) > 0});
        }
        auto const data = judge_target(s, following, out);
        bool const answers = data.judged || world.alive(std::chrono::milliseconds{500});
        if (answers && data.flaws_in_all == 0) leave(all);  // else their requests can be sent again
        if (answers) restore_privacy(world);

        auto const authority = world.target.authority();
        bool const here = authority.starts_with("localhost") || authority.starts_with("127.") || authority.starts_with("[::1]");
        account const told{.url = world.target.url(), .software = look.software, .date = format_timestamp({world.now().seconds, 0}), .command = command_of(a, seed), .peers = a.peers, .users = std::min(a.peers, world.options.users.size()), .rate = a.rate,
                           .mix = *mixed, .even = a.even, .seed = seed, .same_machine = here, .figures = f, .data = data, .exit_code = exit_code_of(f, data, answers), .opening = opening};
        report.write(as_html(told));
        as_program.write(json::serialize(as_json(told)) + "\n");
        out << as_text(told) << (a.report.empty() ? "" : "report    " + a.report + "\n") << std::flush;
        return told.exit_code;
    } catch (cannot_begin const& why) {
        err << "bsp-conformance: " << why.words << '\n';
        return why.exit_code;
    }
}

}  // namespace
}  // namespace load

int put_under_load(load_arguments const& a, std::ostream& out, std::ostream& err) {
    return reporting_usage(err, [&] { return load::run(a, out, err); });
}

}  // namespace bsp::conformance
