#include "as_client.hpp"
#include "../surroundings.hpp"
#include "client_telemetry.hpp"

#include <algorithm>
#include <atomic>

// Chapter 10, how long a client waits for whom, what ends a pause and what does not, and when it takes a peer for reachable.
// The suite is the other backend.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

script unavailable(std::string c, http_headers headers = {}) {
    return [c = std::move(c), headers = std::move(headers)](arrival const& a) { return a.conversation(c) ? stand_in::problem(503, "unavailable", headers) : stand_in::acknowledge(a); };
}

/// `Retry-After` says what is too early, and the number of failures says so too. What is written meanwhile changes neither.
void short_times_do_not_end_pauses(scenario& s) {
    stand_in b{s};
    b.settle();
    b.on_push([](arrival const&) { return stand_in::problem(503, "unavailable", {{"Retry-After", "0"}}); });
    auto const failed = [&] {
        auto all = b.pushes();
        std::erase_if(all, [](arrival const& a) { return a.status != 503 || !a.over; });
        return all;
    };
    for (auto const end = std::chrono::steady_clock::now() + seconds{14}; failed().size() < 5 && std::chrono::steady_clock::now() < end; pass(milliseconds{400})) write(s, b.user(), s.fresh("c"));
    auto const all = failed();
    b.on_push({});
    s.control(all.size() >= 2, "pushes that fail");
    for (std::size_t i = 1; i < std::min<std::size_t>(all.size(), 5); ++i) {
        auto const gap = between(*all[i - 1].over, all[i].at), least = milliseconds{1'000 << (i - 1)};
        s.expect(gap + grain >= least, "at least " + seconds_text(least) + " after failure " + std::to_string(i) + ", which had Retry-After: 0, while further changes are written", seconds_text(gap));
    }
}

/// Neither a change nor the look at /health ends the time that was asked for.
void retry_after_outlasts_the_rest(scenario& s) {
    constexpr seconds asked{50};
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    b.on_push(unavailable(c, {{"Retry-After", std::to_string(asked.count())}}));
    write(s, b.user(), c);
    auto const failed = [&] { return std::ranges::any_of(b.pushes_of(c), [](arrival const& a) { return a.over.has_value(); }); };
    s.expect(b.until(soon, failed), "a push of the change", "none");
    auto const over = *b.pushes_of(c).front().over;
    for (int i = 0; i < 3; ++i) write(s, b.user(), s.fresh("d")), pass(seconds{1});
    b.flap();
    write(s, b.user(), s.fresh("d"));
    std::this_thread::sleep_until(over + asked - seconds{1});
    auto const early = b.pushes_of(c);
    b.on_push({});
    if (early.size() > 1) s.expect(between(over, early[1].at) + grain >= asked, "no transmission before 50 s have passed, as Retry-After: 50 said, though changes were written and the peer was away and came back", "one after " + seconds_text(between(over, early[1].at)));
    s.expect(b.delivered_in_the_end(c), "the push again after the time that Retry-After gave", "none");
}

/// A name of a header field has no case, and a proxy may write it small.
void retry_after_in_small_letters(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    b.on_push(unavailable(c, {{"retry-after", "6"}}));
    write(s, b.user(), c);
    s.expect(b.until(soon, [&] { return !b.pushes_of(c).empty(); }), "a push of the change", "none");
    b.until(seconds{7}, [&] { return b.pushes_of(c).size() > 1; });
    b.on_push({});
    auto const all = b.pushes_of(c);
    if (all.size() > 1 && all[0].over) s.expect(between(*all[0].over, all[1].at) + grain >= seconds{6}, "no transmission before 6 s have passed, as retry-after: 6 said", "one after " + seconds_text(between(*all[0].over, all[1].at)));
    s.expect(b.delivered_in_the_end(c), "the push again after the time that was given", "none");
}

/// A time that has passed forbids nothing.
void past_times_forbid_nothing(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    std::atomic<int> left = 1;
    b.on_push([&](arrival const& a) { return a.conversation(c) && left-- > 0 ? stand_in::problem(503, "unavailable", {{"Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"}}) : stand_in::acknowledge(a); });
    write(s, b.user(), c);
    bool const came = b.delivered_in_the_end(c);
    b.on_push({});
    s.expect(came, "the push again after a Retry-After whose date has passed", std::to_string(b.pushes_of(c).size()) + " pushes");
}

void one_peers_time_holds_up_no_other(scenario& s) {
    auto const account = s.account();
    stand_in live{s, {.user = account}}, waits{s, {.user = account}};
    live.settle(), waits.settle();
    auto const c = s.fresh("c");
    waits.on_push([](arrival const&) { return stand_in::problem(503, "unavailable", {{"Retry-After", "120"}}); });
    write(s, live.user(), c);
    s.control(waits.until(soon, [&] { return std::ranges::any_of(waits.pushes(), [](arrival const& a) { return a.status == 503 && a.over; }); }), "a push that is to be repeated in two minutes");
    pass(milliseconds{500});
    for (int i = 0; i < 3; ++i) {
        auto const d = s.fresh("d");
        write(s, live.user(), d);
        s.expect(live.delivered(seconds{10}, d), "a push to one peer while another one has asked for two minutes", "none within 10 s");
    }
    auto const pulls = live.pulls().size();
    s.expect(live.until(seconds{5} + 2 * slack, [&] { return live.pulls().size() > pulls; }), "a pull from one peer in each interval while another one has asked for two minutes", "none");
}

/// That one of two backends behind one address is in trouble says nothing of the other one.
void failures_of_one_hold_up_no_other(scenario& s) {
    auto const account = s.account();
    stand_in live{s, {.user = account}}, fails{s, {.user = account}};
    live.settle(), fails.settle();
    fails.on_push([](arrival const&) { return stand_in::problem(503, "unavailable"); });
    write(s, live.user(), s.fresh("c"));
    auto const failed = [&] { return std::ranges::count_if(fails.pushes(), [](arrival const& a) { return a.status == 503 && a.over; }); };
    s.control(fails.until(seconds{40}, [&] { return failed() >= 4; }), "four pushes that fail");
    for (int i = 0; i < 2; ++i) {
        auto const d = s.fresh("d");
        write(s, live.user(), d);
        s.expect(live.delivered(seconds{1} + slack, d), "a push to one peer within a second, while pushes to another one at the same address fail", "none within " + seconds_text(seconds{1} + slack));
    }
}

/// However many they are.
void many_slow_peers_hold_up_no_other(scenario& s) {
    constexpr std::size_t slow_max = 9;  // each of which holds two requests
    auto const account = s.account();
    stand_in live{s, {.user = account}};
    live.settle();
    auto const held = [](arrival const&) { return stand_in::hang(); };
    std::vector<std::unique_ptr<stand_in>> slow;
    for (std::size_t i = 0; i < slow_max; ++i) slow.push_back(std::make_unique<stand_in>(s, stand_in::options{.user = account, .push = held, .pull = held}));
    auto const holding = [&] { return static_cast<std::size_t>(std::ranges::count_if(slow, [](auto const& b) { return !b->pushes().empty() || !b->pulls().empty(); })); };
    for (auto const end = std::chrono::steady_clock::now() + seconds{8}; holding() < slow_max && std::chrono::steady_clock::now() < end;) pass(milliseconds{200});
    s.control(holding() >= 2, "requests that are not answered");
    for (int i = 0; i < 2; ++i) {
        auto const c = s.fresh("c");
        write(s, live.user(), c);
        s.expect(live.delivered(seconds{10}, c), "a push to one peer while " + std::to_string(slow_max) + " others do not answer", "none within 10 s, while " + std::to_string(holding()) + " of them hold a request");
        pass(milliseconds{500});
    }
    auto const pulls = live.pulls().size();
    s.expect(live.until(seconds{5} + 2 * slack, [&] { return live.pulls().size() > pulls; }), "a pull from one peer in each interval while " + std::to_string(slow_max) + " others do not answer", "none");
}

/// The pace that one server asks for is its own.
void each_peer_sets_its_pace(scenario& s) {
    auto const account = s.account();
    stand_in slow{s, {.user = account}}, other{s, {.user = account}};
    slow.settle(), other.settle();
    slow.on_push([](arrival const& a) {
        auto r = stand_in::acknowledge(a, {{"next_sync_in_ms", 300'000}});
        r.delay = seconds{2};  // after what the other one says
        return r;
    });
    auto const c = s.fresh("c");
    write(s, other.user(), c);
    s.control(slow.delivered(soon, c) && other.delivered(soon, c), "pushes to both");
    other.until(seconds{5} + slack, [&, before = other.pulls().size()] { return other.pulls().size() > before; });  // one whose time was set before
    auto const before = other.pulls().size();
    s.expect(other.until(seconds{5} + 2 * slack, [&] { return other.pulls().size() > before; }), "a pull in each interval of 5 s from one peer after another one gave next_sync_in_ms 300000", "none");
}

/// Waits for it, for as long as a client may take to notice.
std::optional<moment> first_pull_after(stand_in const& b, moment since) {
    auto const found = [&]() -> std::optional<moment> {
        for (auto const& a : b.pulls())
            if (a.at > since) return a.at;
        return std::nullopt;
    };
    b.until(seconds{30} + slack, [&] { return found().has_value(); });
    return found();
}

void pulls_are_made_at_once_too(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const failed = [&] { return std::ranges::count_if(b.pulls(), [](arrival const& a) { return a.status == 500 && a.over; }); };
    b.on_pull([](arrival const&) { return stand_in::problem(500, "internal"); });
    if (!b.until(seconds{75}, [&] { return failed() >= 6; })) s.inconclusive("no six pulls to fail");
    auto const well = b.flap([&] { b.on_pull({}); });
    if (!well) s.inconclusive("the target does not ask for /health");
    auto const came = first_pull_after(b, *well);
    s.expect(came && between(*well, *came) <= seconds{5}, "a pull at once when /health is well again, however many failed before", came ? "one after " + seconds_text(between(*well, *came)) : "none");
}

/// An interval of minutes is for a peer that was there all the time.
void pulled_when_it_is_back(scenario& s) {
    stand_in b{s};
    b.on_push([](arrival const& a) { return stand_in::acknowledge(a, {{"next_sync_in_ms", 300'000}}); });
    b.settle();
    auto const pulls = b.pulls().size();
    if (b.until(seconds{8}, [&] { return b.pulls().size() > pulls + 1; })) s.not_applicable("the target pulls more often than it was told");
    auto const well = b.flap();
    if (!well) s.inconclusive("the target does not ask for /health");
    auto const came = first_pull_after(b, *well);
    s.expect(came && between(*well, *came) <= seconds{5}, "a pull at once when /health is well again, though the interval is five minutes and no pull had failed", came ? "one after " + seconds_text(between(*well, *came)) : "none");
}

/// The longest time without GET /health, from `since` on for as long as it was `watched`.
milliseconds widest_gap_of_health(stand_in const& b, moment since, seconds watched) {
    auto last = since;
    milliseconds widest{};
    for (auto const& a : b.arrivals(arrival::route::health))
        if (a.at > since) widest = std::max(widest, between(std::exchange(last, a.at), a.at));
    return std::max(widest, between(last, since + watched));
}

/// A time that is given for pushes and pulls is not one for /health.
void health_is_asked_for_while_it_waits(scenario& s) {
    constexpr seconds watched{30};
    auto const wait = [](arrival const&) { return stand_in::problem(503, "unavailable", {{"Retry-After", "40"}}); };
    stand_in b{s};
    b.settle();
    b.on_push(wait), b.on_pull(wait);
    write(s, b.user(), s.fresh("c"));
    s.control(b.until(soon, [&] { return std::ranges::any_of(b.pushes(), [](arrival const& a) { return a.status == 503 && a.over; }); }), "a push that is to be repeated in 40 s");
    auto const since = std::chrono::steady_clock::now();
    pass(watched);
    auto const widest = widest_gap_of_health(b, since, watched);
    s.expect(widest <= seconds{20} + slack, "GET /health once in each 10 seconds while pushes and pulls wait for a Retry-After of 40 s", "a gap of " + seconds_text(widest));
}

/// Whatever else goes on with a peer, or does not.
void health_is_asked_for_meanwhile(scenario& s) {
    constexpr seconds watched{62};
    auto const account = s.account();
    stand_in ill{s, {.user = account}}, busy{s, {.user = account}};
    ill.settle(), busy.settle();
    ill.on_health([](arrival const&) { return stand_in::problem(503, "unavailable"); });
    busy.on_push([](arrival const&) { return stand_in::hang(); });
    busy.on_pull([](arrival const&) { return stand_in::hang(); });
    write(s, busy.user(), s.fresh("c"));
    auto const since = std::chrono::steady_clock::now();
    pass(watched);
    for (auto const& [b, what] : {std::pair{&ill, "that is not healthy"}, {&busy, "that answers nothing else"}}) {
        auto const widest = widest_gap_of_health(*b, since, watched);
        s.expect(widest <= seconds{20} + slack, std::string{"GET /health once in each 10 seconds at a peer "} + what, "a gap of " + seconds_text(widest));
    }
}

/// The same of those that were healthy before.
void who_falls_ill_gets_nothing(scenario& s) {
    auto const word = [](json::value body, int status) { return [body = std::move(body), status](arrival const&) { return stand_in::respond(status, body); }; };
    auto const in_drops = [](arrival const&) {
        auto r = stand_in::healthy();
        r.drip = milliseconds{100};  // far more than five seconds in all, and never silent
        return r;
    };
    std::vector<std::pair<std::string, script>> const all{{"no answer any more", [](arrival const&) { return stand_in::hang(); }},
                                                          {"an answer that comes in drops and takes longer than five seconds", in_drops},
                                                          {"closed connections", [](arrival const&) { return stand_in::close(); }},
                                                          {"a status of another word", word(json::object{{"status", "unhealthy"}}, 200)},
                                                          {"503", word(json::object{{"status", "healthy"}}, 503)}};
    auto const account = s.account();
    std::vector<std::unique_ptr<stand_in>> ill;
    for (std::size_t i = 0; i < all.size(); ++i) ill.push_back(std::make_unique<stand_in>(s, stand_in::options{.user = account}));
    settle(s, ill);
    std::vector<std::size_t> asked;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (ill[i]->arrivals(arrival::route::health).empty()) s.inconclusive("the target does not ask for /health");
        asked.push_back(ill[i]->arrivals(arrival::route::health).size());
        ill[i]->on_health(all[i].second);
    }
    for (std::size_t i = 0; i < all.size(); ++i)
        if (!ill[i]->until(seconds{20} + slack, [&] { return ill[i]->arrivals(arrival::route::health).size() > asked[i]; })) s.inconclusive("the target does not ask for /health again");
    pass(seconds{5} + slack);
    auto const since = std::chrono::steady_clock::now();
    auto const c = s.fresh("c");
    write(s, ill.front()->user(), c);
    pass(seconds{7});
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto const came = exchanges_since(*ill[i], since);
        s.expect(came.empty(), "no push to and no pull from a peer that was healthy and whose /health gives " + all[i].first, came.empty() ? "" : came.front().request.method + ' ' + came.front().request.target);
    }
    for (auto const& b : ill) b->on_health({});
    for (std::size_t i = 0; i < all.size(); ++i) s.expect(ill[i]->delivered(seconds{30} + slack, c), "a push within 30 s of the moment at which /health is well again", "none, after " + all[i].first);
}

/// An answer says how the peer was when it began to give it.
void answered_while_ill(scenario& s) {
    constexpr seconds held{13};  // longer than the time between two looks at /health
    stand_in b{s};
    b.settle();
    auto const late = [held](reaction r) {
        r.delay = held;
        return r;
    };
    auto const c = s.fresh("c");
    auto const pushes = b.pushes().size(), pulls = b.pulls().size();
    b.on_push([late](arrival const& a) { return late(stand_in::acknowledge(a)); });
    b.on_pull([late, &b](arrival const& a) { return late(b.feed(a)); });
    write(s, b.user(), c);
    if (!b.until(soon, [&] { return b.pushes().size() > pushes && b.pulls().size() > pulls; })) b.on_push({}), b.on_pull({}), s.inconclusive("no push and no pull to be held");
    auto const asked = b.arrivals(arrival::route::health).size();
    b.on_health([](arrival const&) { return stand_in::problem(503, "unavailable"); });
    b.until(held, [&] { return b.arrivals(arrival::route::health).size() > asked && b.arrivals(arrival::route::health)[asked].over; });
    auto const told = b.arrivals(arrival::route::health);
    write(s, b.user(), s.fresh("d"));
    auto const answered = [&](arrival const& a) { return a.over.has_value(); };
    b.until(held + slack, [&] { return answered(b.pushes()[pushes]) && answered(b.pulls()[pulls]); });
    pass(seconds{3});
    auto const push = b.pushes()[pushes], pull = b.pulls()[pulls];
    b.on_push({}), b.on_pull({});
    bool const in_time = told.size() > asked && told[asked].over && push.over && pull.over && *told[asked].over + milliseconds{500} < std::min(*push.over, *pull.over);
    if (!in_time) s.inconclusive("no /health that was bad while a push and a pull were under way");
    auto const came = exchanges_since(b, std::min(*push.over, *pull.over));
    s.expect(came.empty(), "no push to and no pull from a peer whose /health gives 503, though a push and a pull that had begun before were answered 200 meanwhile", came.empty() ? "" : came.front().request.method + ' ' + came.front().request.target);
    b.on_health({});
}

/// Other servers say what the specification has them say, and more: parameters of a media type, members of tomorrow.
void answers_may_say_more(scenario& s) {
    auto const more = [](reaction r) {
        r.response.headers.set("Content-Type", "application/json; charset=utf-8");
        return r;
    };
    json::object const extra{{"x_region", "eu"}, {"x_load", json::array{1, 2}}};
    std::string const c = s.fresh("c"), theirs = s.fresh("theirs");
    auto given = page(json::array{s.conversation(theirs, 1, {s.message("m1", "text")})}, "2025-06-01T00:00:01Z");
    given["x_extra"] = extra;
    stand_in b{s, {.push = [=](arrival const& a) { return more(stand_in::acknowledge(a, {{"x_extra", extra}})); },
                   .pull = [=](arrival const&) { return more(stand_in::respond(200, given)); },
                   .health = [=](arrival const&) { return more(stand_in::respond(200, json::object{{"version", "1.4"}, {"status", "healthy"}, {"x_extra", extra}})); }}};
    b.meet();
    write(s, b.user(), c);
    bool const pushed = b.delivered_in_turn(c);
    pass(seconds{2});
    auto const times = b.pushes_of(c).size();
    bool const pulled = b.until(seconds{15}, [&] { return b.user().read(theirs).ok() || (pass(milliseconds{200}), false); });
    b.on_push({}), b.on_pull({}), b.on_health({});
    s.expect(pushed, "a push to a peer whose /health says more than its status", "none");
    s.expect(times == 1, "one push of a change whose acknowledgement says more than it must", std::to_string(times));
    s.expect(pulled, "what a page gives that says more than it must", "nothing of it at the target");
}

/// The pause is the peer's, and not the stream's.
void pauses_outlast_streams(scenario& s) {
    constexpr seconds pause{8};
    struct memory {
        std::mutex mutex;
        std::optional<told_event> first;
    };
    stand_in b{s};
    b.settle_telemetry();
    auto const m = std::make_shared<memory>();
    b.on_event([m, pause](told_event const& e) {
        std::lock_guard const lock{m->mutex};
        if (!m->first) m->first = e;
        auto const left = std::chrono::ceil<milliseconds>(m->first->at + pause - std::chrono::steady_clock::now()).count();
        if (left <= 0) return stand_in::acked(e);
        auto r = stand_in::answered(stand_in::answer("rate_limited", e.id(), {{"retry_after_ms", left}}));
        r.cut = true;
        return r;
    });
    auto const first = [&] { return (std::lock_guard{m->mutex}, m->first); };
    bool const came = provoke(s, b, in_the_end, [&] { return first().has_value(); });
    for (auto const end = std::chrono::steady_clock::now() + pause; came && std::chrono::steady_clock::now() < end; pass(milliseconds{500})) write(s, b.user(), s.fresh("told"));
    b.on_event({});
    s.control(came, "another event");
    for (auto const& e : b.events()) {
        auto const after = between(first()->at, e.at);
        bool const knows = e.stream != first()->stream && after > slack;  // several streams may be open
        s.expect(!knows || after + grain >= pause, "no event to that peer before retry_after_ms have passed, which are 8 s, on another stream either", "one after " + seconds_text(after));
    }
}

check const checks[] = {
    {.id = "off/retry-after-and-backoff",
     .title = "pauses grow with every failure, whatever shorter time Retry-After gives and whatever is written",
     .clauses = {"BSP-OFF-030"},
     .impact = "a server that struggles is kept down by those that it asked for patience",
     .likely_cause = "the time is that of Retry-After or else that of the failures, and not the longer one; or a change wakes the loop",
     .run = short_times_do_not_end_pauses,
     .needs = as_client},
    {.id = "off/retry-after-outlasts",
     .title = "neither a change nor an outage ends the time that Retry-After gave",
     .clauses = {"BSP-OFF-032", "BSP-OFF-033"},
     .impact = "a server that comes back is overrun by all that it had put off",
     .likely_cause = "what wakes the loop, or makes the peer reachable, resets all its times",
     .run = retry_after_outlasts_the_rest,
     .needs = as_client | need::a_minute},
    {.id = "off/retry-after-small",
     .title = "retry-after counts in small letters, too",
     .clauses = {"BSP-OFF-032"},
     .impact = "behind a proxy a server asks for patience in vain",
     .likely_cause = "header fields are looked up in a table with case",
     .run = retry_after_in_small_letters,
     .needs = as_client},
    {.id = "off/retry-after-past",
     .title = "a Retry-After whose date has passed holds nothing up",
     .clauses = {"BSP-OFF-001", "BSP-OFF-043"},
     .impact = "a server whose clock is behind silences the client",
     .likely_cause = "the difference of two times is taken for a positive number",
     .run = past_times_forbid_nothing,
     .needs = as_client},
    {.id = "off/retry-after-of-one",
     .title = "the Retry-After of one peer holds up no other",
     .clauses = {"BSP-OFF-070"},
     .impact = "one overloaded server stops the sync with all",
     .likely_cause = "the time is kept for the loop, and not for the peer",
     .run = one_peers_time_holds_up_no_other,
     .needs = as_client},
    {.id = "off/failures-of-another",
     .title = "a change is pushed within a second while pushes to another peer at the same address fail",
     .clauses = {"BSP-OFF-070", "BSP-OFF-010"},
     .impact = "one account in trouble at a hosting company stops all others there",
     .likely_cause = "a circuit breaker, or a row of failures, for each host",
     .run = failures_of_one_hold_up_no_other,
     .needs = as_client},
    {.id = "off/health-while-it-waits",
     .title = "/health is asked for once in 10 seconds while a Retry-After runs",
     .clauses = {"BSP-OFF-040"},
     .impact = "a client pushes into an outage that it could have noticed",
     .likely_cause = "one pause holds up all requests to a peer",
     .run = health_is_asked_for_while_it_waits,
     .needs = as_client},
    {.id = "off/pulled-when-back",
     .title = "a peer that can be reached again is pulled from at once, however long its interval",
     .clauses = {"BSP-OFF-043", "BSP-OFF-033"},
     .impact = "after an outage changes of the other side come minutes late",
     .likely_cause = "a pull is due when one had failed, or else when the interval is over",
     .run = pulled_when_it_is_back,
     .needs = as_client},
    {.id = "off/many-slow-peers",
     .title = "many peers that do not answer delay no other",
     .clauses = {"BSP-OFF-070"},
     .impact = "in a household with many devices a few that are asleep stop the rest",
     .likely_cause = "a pool of connections or threads that all peers share",
     .run = many_slow_peers_hold_up_no_other,
     .needs = as_client},
    {.id = "off/interval-of-each",
     .title = "the interval that one peer gives is not that of another",
     .clauses = {"BSP-OFF-012", "BSP-OFF-013"},
     .impact = "one busy server makes the changes of all others come minutes late",
     .likely_cause = "one timer for all peers",
     .run = each_peer_sets_its_pace,
     .needs = as_client},
    {.id = "off/pulls-reachable-again",
     .title = "when a peer can be reached again it is pulled from at once, however many pulls failed before",
     .clauses = {"BSP-OFF-043"},
     .impact = "after an outage changes of the other side come a minute late",
     .likely_cause = "only the failures of pushes are forgotten",
     .run = pulls_are_made_at_once_too,
     .needs = as_client | need::a_minute},
    {.id = "off/health-meanwhile",
     .title = "/health is asked for once in 10 seconds while the peer is unhealthy, and while it answers nothing else",
     .clauses = {"BSP-OFF-040"},
     .impact = "the longer an outage lasts, the later its end is noticed",
     .likely_cause = "the pauses of /health grow as those of pushes do, or it waits for its turn behind them",
     .run = health_is_asked_for_meanwhile,
     .needs = as_client | need::a_minute},
    {.id = "off/falls-ill",
     .title = "a peer that was healthy gets nothing when its /health is not any more",
     .clauses = {"BSP-OFF-041", "BSP-OFF-042", "BSP-OFF-033"},
     .impact = "requests pile up at a server that cannot serve them",
     .likely_cause = "silence is an exception that is logged, and leaves the state as it was",
     .run = who_falls_ill_gets_nothing,
     .needs = as_client},
    {.id = "off/answered-while-ill",
     .title = "an answer to what had begun before does not make an unhealthy peer reachable",
     .clauses = {"BSP-OFF-042", "BSP-OFF-041"},
     .impact = "a server that says it is going down is asked for everything in its last moments",
     .likely_cause = "whoever answers 200 is taken for reachable, whatever /health says",
     .run = answered_while_ill,
     .needs = as_client},
    {.id = "off/answers-of-others",
     .title = "answers that say more than they must are understood",
     .clauses = {"BSP-OFF-041", "BSP-OFF-010", "BSP-OFF-051", "BSP-SYN-066"},
     .impact = "the client works with the server of its authors alone",
     .likely_cause = "bodies are compared as a whole, and media types with their parameters",
     .run = answers_may_say_more,
     .needs = as_client},
    {.id = "off/telemetry-pause-outlasts",
     .title = "the time of rate_limited does not end with the stream",
     .clauses = {"BSP-TEL-132"},
     .impact = "a server that asks for patience is asked again on the next stream",
     .likely_cause = "the pause is a variable of the connection",
     .run = pauses_outlast_streams,
     .needs = as_client},
};

}  // namespace

group client_waits_group() { return {"client_waits", profile::off, checks}; }

}  // namespace bsp::conformance
