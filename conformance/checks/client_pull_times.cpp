#include "as_client.hpp"

#include <algorithm>

// Chapter 10, when a client pulls: the interval, and pulls that are held. The suite is the other backend.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void pulls_come_in_each_interval(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const from = b.pulls().size();
    b.until(seconds{15} + slack, [&] { return b.pulls().size() >= from + 4; });
    auto const all = b.pulls();
    s.expect(all.size() >= from + 2, "a pull in each interval of 5 s", std::to_string(all.size() - from) + " within 15 s");
    for (std::size_t i = 1; i < all.size(); ++i) {
        auto const gap = between(all[i - 1].at, all[i].at);
        s.expect(gap <= seconds{5} + 2 * slack, "a pull in each interval of 5 s", "a gap of " + seconds_text(gap));
    }
}

/// Pulls begin at least a second apart. What is seen is when they arrive: one may be late, and the next one not.
void expect_a_second_apart(scenario& s, std::vector<milliseconds> const& gaps, std::string const& when) {
    constexpr milliseconds late{1'000};
    for (std::size_t i = 0; i < gaps.size(); ++i) {
        milliseconds all{};
        for (std::size_t j = i; j < gaps.size(); ++j) {
            all += gaps[j];
            auto const least = seconds{j - i + 1} - late;
            s.expect(all + grain >= least, "at least 1 s between the beginnings of two pulls" + when, std::to_string(j - i + 2) + " pulls within " + seconds_text(all));
        }
    }
}

/// The begins of `n` pulls after now, while every push is acknowledged with `next`. A push is caused first.
std::vector<milliseconds> gaps_with(scenario& s, stand_in& b, json::value const& next, std::size_t n, milliseconds patience) {
    b.on_push([next](arrival const& a) { return stand_in::acknowledge(a, {{"next_sync_in_ms", next}}); });
    auto const c = s.fresh("c");
    write(s, b.user(), c);
    s.expect(b.delivered(soon, c), "a push of the change within 1 s", "none");
    auto const before = b.pulls().size();
    if (n > 1) b.until(seconds{5} + slack, [&] { return b.pulls().size() > before; });  // one whose time was set before
    auto const from = b.pulls().size();
    b.until(patience, [&] { return b.pulls().size() >= from + n; });
    auto const all = b.pulls();
    std::vector<milliseconds> out;
    for (std::size_t i = from + 1; i < all.size(); ++i) out.push_back(between(all[i - 1].at, all[i].at));
    return out;
}

void short_intervals_are_clamped(scenario& s) {
    stand_in b{s};
    b.settle();
    for (json::value const& next : {json::value(0), json::value(-7)}) {
        auto const gaps = gaps_with(s, b, next, 5, seconds{8});
        s.expect(gaps.size() >= 2, "a pull in each interval of 1 s after next_sync_in_ms " + show(next), std::to_string(gaps.size() + 1) + " within 8 s");
        expect_a_second_apart(s, gaps, " after next_sync_in_ms " + show(next));
    }
}

void long_intervals_stop_nothing(scenario& s) {
    stand_in b{s};
    b.settle();
    for (json::value const& next : {json::value(300'000), json::value(std::int64_t{9'007'199'254'740'991})}) {
        (void)gaps_with(s, b, next, 1, milliseconds{100});
        auto const quiet = b.pulls().size();
        pass(seconds{3});
        auto const c = s.fresh("c");
        b.on_push({});
        write(s, b.user(), c);
        s.expect(b.delivered(soon, c), "a push of a change within 1 s, whatever next_sync_in_ms was", "none after next_sync_in_ms " + show(next));
        s.expect(b.until(seconds{5} + 2 * slack, [&] { return b.pulls().size() > quiet; }), "a pull within the interval that the latest acknowledgement gave", "none after next_sync_in_ms " + show(next) + ", and 5000 then");
    }
}

void what_is_no_integer_is_ignored(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const before = gaps_with(s, b, 1'000, 3, seconds{6});
    s.expect(before.size() >= 2, "a pull in each interval of 1 s after next_sync_in_ms 1000", std::to_string(before.size() + 1) + " within 6 s");
    for (json::value const& next : {json::value("300000"), json::value(nullptr), json::value(json::object{}), json::value(299'999.5)}) {
        auto const gaps = gaps_with(s, b, next, 3, seconds{6});
        bool const kept = gaps.size() >= 2 && std::all_of(gaps.begin(), gaps.end(), [](milliseconds g) { return g <= soon; });
        s.expect(kept, "the interval of 1 s still, after next_sync_in_ms " + show(next), std::to_string(gaps.size() + 1) + " pulls within 6 s");
    }
}

void pulls_with_wait(scenario& s, bool pace) {
    stand_in b{s, {.capabilities = {"conversation_storage", "persistence", "live_pull"}}};
    b.settle();
    if (pace) {
        pass(seconds{6});  // answered at once, with nothing new
        b.until(seconds{10}, [&] { return b.pulls().size() > 1; });
        auto const all = b.pulls();
        s.control(all.size() > 1, "two pulls");
        std::vector<milliseconds> gaps;
        for (std::size_t i = 1; i < all.size(); ++i) gaps.push_back(between(all[i - 1].at, all[i].at));
        expect_a_second_apart(s, gaps, " that brought nothing");
        return;
    }
    b.on_pull([&](arrival const& a) {
        auto r = b.feed(a);
        if (a.parameter("wait")) r.delay = seconds{2};
        return r;
    });
    auto const from = b.pulls().size();
    b.until(seconds{12}, [&] { return b.pulls().size() >= from + 4; });
    auto const all = b.pulls();
    b.on_pull({});
    std::size_t open = 0;
    for (std::size_t i = from; i < all.size(); ++i) {
        auto const wait = all[i].parameter("wait");
        s.expect(wait.has_value(), "a parameter wait in pulls from a peer that declares live_pull", all[i].request.target);
        s.expect(wait->size() <= 2 && std::atoi(wait->c_str()) >= 1 && std::atoi(wait->c_str()) <= 30, "wait from 1 to 30", *wait);
        if (i > from && all[i - 1].over && between(*all[i - 1].over, all[i].at) <= soon) ++open;
    }
    s.expect(open >= 2, "a pull open at all times", std::to_string(open) + " pulls followed another at once within 12 s");
}

/// A pull that is held waits for the other side, and what is to be said to it does not.
void pushes_beside_a_held_pull(scenario& s) {
    stand_in b{s, {.capabilities = {"conversation_storage", "persistence", "live_pull"}}};
    b.settle();
    b.on_pull([&](arrival const& a) {
        auto r = b.feed(a);
        if (a.parameter("wait")) r.delay = seconds{12};
        return r;
    });
    auto const is_held = [&] {
        auto const all = b.pulls();
        return !all.empty() && all.back().parameter("wait") && !all.back().over;
    };
    auto const has_just_begun = [&] { return is_held() && between(b.pulls().back().at, std::chrono::steady_clock::now()) < seconds{2}; };
    if (!b.until(2 * seconds{12} + slack, has_just_begun)) s.untested("the target keeps no pull open");
    pass(milliseconds{500});
    auto const c = s.fresh("c");
    s.control(b.user().write(c, "while a pull is held"), "a write");
    bool const in_time = b.delivered(seconds{1} + 2 * slack, c);
    bool const still = is_held();
    b.on_pull({});
    if (!still && !in_time) s.inconclusive("the held pull has ended");
    s.expect(in_time, "a change is pushed within a second while a pull is held", "none within " + seconds_text(seconds{1} + 2 * slack));
}
/// Who gives again what it gave (BSP-SYN-110) brings nothing new.
void known_entries_keep_their_distance(scenario& s) {
    stand_in b{s, {.capabilities = {"conversation_storage", "persistence", "live_pull"}}};
    b.settle();
    auto const entry = s.conversation(s.fresh("c"), 1, {s.message("m1", "text")});
    auto const stamp = s.at();
    b.on_pull([=](arrival const&) { return stand_in::respond(200, page({entry}, stamp)); });
    s.control(arrives(b.user(), text_at(json::value(entry), "/conversation_id"), "m1", 2 * soon), "the entry at the target");
    auto const from = b.pulls().size();  // one that brought the entry may be under way
    pass(seconds{6});
    b.until(soon, [&] { return b.pulls().size() >= from + 4; });
    auto const all = b.pulls();
    b.on_pull({});
    s.control(all.size() >= from + 4, "pulls that are answered with an entry that the target has");
    std::vector<milliseconds> gaps;
    for (std::size_t i = from + 2; i < all.size(); ++i) gaps.push_back(between(all[i - 1].at, all[i].at));
    expect_a_second_apart(s, gaps, " that brought what was known");
}
void live_pulls_are_kept_open(scenario& s) { pulls_with_wait(s, false); }
void empty_pulls_keep_their_distance(scenario& s) { pulls_with_wait(s, true); }

check const checks[] = {
    {.id = "off/pull-interval",
     .title = "pulls begin every five seconds",
     .clauses = {"BSP-OFF-012"},
     .impact = "changes of the other side come minutes late",
     .likely_cause = "the interval is counted from the end of a slow run, or in other units",
     .run = pulls_come_in_each_interval,
     .needs = as_client},
    {.id = "off/interval-clamped",
     .title = "a next_sync_in_ms of 0 or less means one second",
     .clauses = {"BSP-SYN-065", "BSP-OFF-013", "BSP-OFF-057"},
     .impact = "one wrong answer makes the client flood the server",
     .likely_cause = "the number is slept as it is",
     .run = short_intervals_are_clamped,
     .needs = as_client},
    {.id = "off/interval-huge",
     .title = "a huge next_sync_in_ms stops neither pushes nor, after another one, pulls",
     .clauses = {"BSP-SYN-065", "BSP-OFF-010", "BSP-OFF-013"},
     .impact = "one wrong answer silences the client for ever",
     .likely_cause = "the number is slept as it is",
     .run = long_intervals_stop_nothing,
     .needs = as_client},
    {.id = "off/interval-no-integer",
     .title = "a next_sync_in_ms that is no integer is ignored",
     .clauses = {"BSP-OFF-013"},
     .impact = "one wrong answer stops the client",
     .likely_cause = "int() of whatever came",
     .run = what_is_no_integer_is_ignored,
     .needs = as_client},
    {.id = "off/push-beside-held-pull",
     .title = "a change is pushed within a second while a pull is held",
     .clauses = {"BSP-OFF-010"},
     .impact = "what is written comes half a minute late, just where the other side is quickest",
     .likely_cause = "one loop, or one connection, for pushes and pulls",
     .run = pushes_beside_a_held_pull,
     .needs = as_client},
    {.id = "off/live-pull",
     .title = "a pull with wait is kept open to a peer that declares live_pull",
     .clauses = {"BSP-OFF-056"},
     .impact = "changes come five seconds late although the server could say them at once",
     .likely_cause = "capabilities are not read",
     .run = live_pulls_are_kept_open,
     .needs = as_client,
     .strength = obligation::should},
    {.id = "off/pull-distance-known",
     .title = "pulls that bring what is known begin at least a second apart",
     .clauses = {"BSP-OFF-057"},
     .impact = "a server that reaches back a little is asked a hundred times in a second",
     .likely_cause = "entries are counted, and not changes",
     .run = known_entries_keep_their_distance,
     .needs = as_client},
    {.id = "off/pull-distance",
     .title = "pulls that bring nothing begin at least a second apart",
     .clauses = {"BSP-OFF-057"},
     .impact = "a server that ignores wait is asked without end",
     .likely_cause = "the next pull with wait begins when the last one ends",
     .run = empty_pulls_keep_their_distance,
     .needs = as_client},
};

}  // namespace

group client_pull_times_group() { return {"client_pull_times", profile::off, checks}; }

}  // namespace bsp::conformance
