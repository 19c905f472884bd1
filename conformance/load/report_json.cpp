#include "report.hpp"

#include <cmath>

// The same for programs; times in microseconds.

namespace bsp::conformance::load {
namespace {

constexpr std::pair<double, char const*> quantiles[] = {{0.5, "p50"}, {0.9, "p90"}, {0.99, "p99"}, {0.999, "p99.9"}};

json::object quantiles_of(histogram const& h) {
    json::object out{{"count", h.count()}};
    for (auto const& [q, name] : quantiles) out[name] = h.quantile(q);
    out["max"] = h.max();
    return out;
}

json::object counts_of(ending_counts const& c) {
    json::object out;
    for (auto const e : all_endings) out[to_string(e)] = c[static_cast<std::size_t>(e)];
    return out;
}

double rounded(double n) { return std::round(n * 1e4) / 1e4; }

}  // namespace

json::object as_json(account const& a) {
    auto const& f = a.figures;
    json::object shares, each, examples;
    for (auto const o : all_operations) {
        auto const& of = f.of[static_cast<std::size_t>(o)];
        shares[to_string(o)] = rounded(a.mix.of(o));
        if (of.offered > 0) each[to_string(o)] = json::object{{"offered", of.offered}, {"ended", counts_of(of.ended)}, {"since_due_us", quantiles_of(of.since_due)}, {"since_sent_us", quantiles_of(of.since_sent)}};
    }
    for (auto const& [e, words] : f.examples) examples[to_string(e)] = words;
    json::array over_time, flaws, hints;
    double const seconds = std::chrono::duration<double>{f.interval}.count();
    for (std::size_t i = 0; i < f.over_time.size(); ++i) {
        auto const& t = f.over_time[i];
        over_time.push_back(json::object{{"at_s", rounded(static_cast<double>(i) * seconds)}, {"offered", t.offered}, {"ended", counts_of(t.ended)}, {"p50_us", t.since_due.quantile(0.5)}, {"p99_us", t.since_due.quantile(0.99)}});
    }
    for (auto const& r : a.data.flaws)
        flaws.push_back(json::object{{"flaw", to_string(r.flaw.what)}, {"user", r.user}, {"conversation", r.flaw.conversation}, {"message", r.flaw.message}, {"words", r.flaw.words}, {"expected_digest", r.expected}, {"actual_digest", r.actual}, {"curl", r.curl}});
    for (auto const& h : advice(a)) hints.emplace_back(h);
    auto const all = f.all_ended();
    return {{"load", 1},
            {"target", json::object{{"url", a.url}, {"software", a.software}}},
            {"date", a.date},
            {"command", a.command},
            {"settings", json::object{{"peers", a.peers}, {"users", a.users}, {"rate", a.rate}, {"duration_s", rounded(std::chrono::duration<double>{f.duration}.count())}, {"mix", std::move(shares)}, {"arrivals", a.even ? "even" : "poisson"}, {"seed", a.seed}}},
            {"exit_status", a.exit_code},
            {"verdict", headline(a)},
            {"offered", f.offered()},
            {"offered_per_s", rounded(f.per_second(f.offered()))},
            {"achieved_per_s", rounded(f.per_second(all[static_cast<std::size_t>(ending::ok)]))},
            {"success_ratio", rounded(f.success_ratio())},
            {"cut_short", f.cut_short},
            {"ended", counts_of(all)},
            {"since_due_us", quantiles_of(f.all_since_due())},
            {"operations", std::move(each)},
            {"interval_s", rounded(seconds)},
            {"over_time", std::move(over_time)},
            {"first_of_each", std::move(examples)},
            {"reconnections", f.reconnections},
            {"pushes_with_refused_items", f.conflicts},
            {"generator", json::object{{"cores_used", rounded(f.effort.own_cores)}, {"cores", f.effort.cores}, {"machine_busy", f.effort.machine_busy ? json::value(rounded(*f.effort.machine_busy)) : json::value{}},
                                       {"lag_us", quantiles_of(f.effort.lag)}, {"not_signed_in_time", f.effort.not_ready}, {"was_the_limit", !limits_of_generator(f, a.same_machine).empty()}}},
            {"data", json::object{{"judged", a.data.judged}, {"why_not", a.data.why_not}, {"conversations", a.data.conversations}, {"acknowledged_messages", a.data.messages}, {"followers", a.data.followers}, {"followed_messages", a.data.followed}, {"pushes_repeated", a.data.repeated}, {"pushes_settled", a.data.settled},
                                  {"conversations_that_differ", a.data.disagreeing.size()}, {"flaws_in_all", a.data.flaws_in_all}, {"flaws", std::move(flaws)}}},
            {"advice", std::move(hints)}};
}

}  // namespace bsp::conformance::load
