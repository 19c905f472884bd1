#include "figures.hpp"

#include "words.hpp"

#include <algorithm>

namespace bsp::conformance::load {

std::string_view to_string(ending e) noexcept {
    switch (e) {
        case ending::ok: return "ok";
        case ending::limited: return "limited";
        case ending::busy: return "busy";
        case ending::refused: return "refused";
        case ending::timeout: return "timeout";
        case ending::closed: return "closed";
        case ending::error: return "error";
        case ending::unexpected: return "unexpected";
        case ending::wrong: return "wrong";
    }
    return "?";
}

std::string_view in_words(ending e) noexcept {
    switch (e) {
        case ending::ok: return "went well";
        case ending::limited: return "limited (429)";
        case ending::busy: return "asked to come again (503 with Retry-After)";
        case ending::refused: return "no connection";
        case ending::timeout: return "no answer in time";
        case ending::closed: return "connection closed before the answer";
        case ending::error: return "5xx";
        case ending::unexpected: return "turned away (another status)";
        case ending::wrong: return "an answer that means nothing";
    }
    return "?";
}

std::uint64_t failures_of(ending_counts const& c) {
    std::uint64_t n = 0;
    for (auto const e : all_endings)
        if (is_failure(e)) n += c[static_cast<std::size_t>(e)];
    return n;
}

figures::figures(std::chrono::nanoseconds d, std::vector<planned> const& plan) : duration{d} {
    constexpr int intervals_max = 120;
    constexpr std::chrono::nanoseconds shortest = std::chrono::seconds{1};
    interval = std::max(shortest, d / intervals_max);
    over_time.resize(static_cast<std::size_t>(std::max<std::int64_t>(1, (d + interval - std::chrono::nanoseconds{1}) / interval)));
    for (auto const& p : plan) {
        ++of[static_cast<std::size_t>(p.what)].offered;
        ++at(p.due).offered;
    }
}

interval_figures& figures::at(std::chrono::nanoseconds t) { return over_time[std::min(static_cast<std::size_t>(std::max<std::int64_t>(0, t / interval)), over_time.size() - 1)]; }

void figures::ended(planned const& p, ending e, std::chrono::nanoseconds when, std::optional<std::chrono::nanoseconds> sent, std::string const& example) {
    auto const microseconds = [](std::chrono::nanoseconds t) { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, t.count() / 1'000)); };
    auto& mine = of[static_cast<std::size_t>(p.what)];
    ++mine.ended[static_cast<std::size_t>(e)];
    ++at(when).ended[static_cast<std::size_t>(e)];
    if (e == ending::ok) {
        mine.since_due.record(microseconds(when - p.due));
        at(p.due).since_due.record(microseconds(when - p.due));
        if (sent) mine.since_sent.record(microseconds(when - *sent));
    } else if (!example.empty()) {
        examples.try_emplace(e, example);
    }
}

void figures::cut(std::vector<planned> const& plan, std::size_t first, std::chrono::nanoseconds t) {
    cut_short = true;
    for (std::size_t i = first; i < plan.size(); ++i) {
        --of[static_cast<std::size_t>(plan[i].what)].offered;
        --at(plan[i].due).offered;
    }
    duration = std::clamp(t, std::chrono::nanoseconds{1'000'000}, duration);
    over_time.resize(static_cast<std::size_t>((duration + interval - std::chrono::nanoseconds{1}) / interval));
}

histogram figures::all_since_due() const {
    histogram out;
    for (auto const& o : of) out.merge(o.since_due);
    return out;
}

histogram figures::all_since_sent() const {
    histogram out;
    for (auto const& o : of) out.merge(o.since_sent);
    return out;
}

ending_counts figures::all_ended() const {
    ending_counts out{};
    for (auto const& o : of)
        for (std::size_t i = 0; i < endings; ++i) out[i] += o.ended[i];
    return out;
}

std::uint64_t figures::offered() const {
    std::uint64_t n = 0;
    for (auto const& o : of) n += o.offered;
    return n;
}

double figures::success_ratio() const {
    auto const all = all_ended();
    auto const good = all[static_cast<std::size_t>(ending::ok)], bad = failures_of(all);
    return good + bad == 0 ? 1 : static_cast<double>(good) / static_cast<double>(good + bad);
}

std::string limits_of_generator(figures const& f, bool same_machine) {
    constexpr std::uint64_t lag_tolerated_us = 10'000;
    constexpr double machine_full = 0.9;
    auto const& e = f.effort;
    auto const lag = e.lag.quantile(0.99);
    std::string out;
    if (e.not_ready > 0) out = std::to_string(e.not_ready) + " requests were not signed in time";
    else if (lag > lag_tolerated_us) out = "it turned to one request in a hundred more than " + duration_words(lag) + " after it was due";
    bool const full = e.machine_busy && *e.machine_busy > machine_full;
    if (out.empty() && !(full && same_machine)) return {};
    std::string const machine = e.machine_busy ? "; its machine was busy to " + percent_words(*e.machine_busy) : "";
    if (out.empty())
        return "The target shares a machine with the generator (" + cores_words(e.own_cores) + ") and whatever else runs there, and all of it was busy to " + percent_words(*e.machine_busy) + ": on a quiet one it may do better.";
    return "The generator itself was late: " + out + ". That is in the latencies, and no fault of the target's. It used " + cores_words(e.own_cores) + machine + ". Lower --rate, run it on another machine, or wait until this one is quiet.";
}

}  // namespace bsp::conformance::load
