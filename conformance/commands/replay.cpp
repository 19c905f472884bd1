#include "../probe.hpp"
#include "../registry.hpp"
#include "../runner.hpp"
#include "../replay/playing.hpp"
#include "../text.hpp"
#include "support.hpp"

#include <bsp/json/parse.hpp>

#include <ostream>

namespace bsp::conformance {
namespace {

/// What others wrote may hold escape sequences; a terminal must not obey them.
std::string printable(std::string_view text) {
    std::string out;
    for (char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? std::string{"·"} : std::string(1, c);
    return out;
}

std::string padded(std::string text, std::size_t width) {
    auto const w = width_of(text);
    return text + std::string(width > w ? width - w : 0, ' ');
}

/// "401 invalid-signature", "nothing (timeout)".
std::string in_words(replay::reply const& r) {
    if (r.status == 0) return "nothing (" + r.fault + ")";
    auto out = std::to_string(r.status);
    if (r.status < 400) return out;
    auto const body = json::parse(r.body);
    auto const code = body ? text_at(*body, "/code") : std::string{};
    return code.empty() ? out : out + ' ' + code;
}

void print_start(std::ostream& out, replay::sequence const& s) {
    std::string clauses;
    for (auto const& c : s.clauses) clauses += c + ' ';
    out << "replay    " << printable(s.check) << "  " << printable(s.title) << "\n          " << printable(clauses) << "\nrecorded  " << printable(s.time) << " at " << printable(s.url) << " (" << printable(s.backend_type)
        << "), suite " << printable(s.suite_version) << ", seed " << s.seed << "\nexpected  " << printable(s.expected) << "\nactual    " << printable(s.actual) << "\n\n";
}

void print_step(std::ostream& out, replay::step const& s, replay::played const& p, std::size_t column, bool decisive) {
    out << (decisive ? "> " : "  ") << padded(std::to_string(s.number), 3) << ' ' << padded(printable(s.who), 5) << ' ' << padded(printable(s.summary), column) << "  ";
    if (!s.hook.empty()) out << "done";
    else if (p.left_out) out << padded(in_words(s.answered), 24) << "  left out: an earlier answer lacks what it needs";
    else out << padded(printable(in_words(s.answered)), 24) << "  " << padded(printable(in_words(p.now)), 24) << (p.difference ? "  differs" : "");
    out << '\n';
    if (decisive && p.difference) out << "        " << printable(*p.difference) << '\n';
    out << std::flush;
}

/// The same answers need not be the same finding: ids that are counted look like ids that are drawn. So the check itself has
/// the last word, unless it draws other cases each time.
bool check_passes(replay::sequence const& s, surroundings& world) {
    auto const* what = find_check(s.check);
    if (!what || (what->check->needs & need::generator)) return false;
    record r{*what->check, what->index};
    run_one(world, *what, r);
    return r.behaviour == verdict::pass && r.exactness != verdict::fail;
}

int replay_checked(replay_arguments const& a, std::ostream& out, std::ostream& err) {
    auto const sequence = replay::read_sequence(read_file(a.file));
    if (!sequence) throw usage_error{a.file + ": " + sequence.error().detail};
    auto target = connect_to(a.url, a.trust);
    if (!target) throw usage_error{target.error().detail};
    surroundings world{**target, {users_from(a.users_file), admin_token_from(a.admin_token_file), sequence->seed, std::chrono::seconds{a.timeout_s}, a.restart_command, a.kill_command}};
    auto const look = probe(world);
    if (!look.usable) {
        err << "bsp-conformance: " << look.problem << '\n';
        return exit_code::unreachable;
    }
    if (auto const why_not = replay::obstacle(*sequence, world); !why_not.empty()) throw usage_error{why_not};

    print_start(out, *sequence);
    std::size_t column = 7;
    constexpr std::size_t widest = 64;
    for (auto const& s : sequence->steps) column = std::max(column, std::min(widest, width_of(s.summary)));
    out << "  " << padded("step", 3) << ' ' << padded("who", 5) << ' ' << padded("request", column - 1) << "  " << padded("recorded", 24) << "  now\n";
    auto const end = replay::play(*sequence, world, [&](replay::step const& s, replay::played const& p) { print_step(out, s, p, column, s.number == sequence->decisive); });
    if (!end) throw usage_error{a.file + ": " + end.error().detail};
    if (end->reproduced && check_passes(*sequence, world)) {
        out << "\ncannot be told: every answer is as recorded, but " << printable(sequence->check) << " passes here, which looks closer\n";
        return exit_code::inconclusive;
    }
    out << '\n' << (end->reproduced ? "reproduced" : (end->open ? "cannot be told: " : "not reproduced: ") + printable(end->because)) << '\n';
    if (end->open) return exit_code::inconclusive;
    return end->reproduced ? exit_code::failed : end->lost ? exit_code::unreachable : exit_code::conformant;
}

}  // namespace

int replay_sequence(replay_arguments const& a, std::ostream& out, std::ostream& err) {
    return reporting_usage(err, [&] { return replay_checked(a, out, err); });
}

}  // namespace bsp::conformance
