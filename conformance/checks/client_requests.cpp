#include "as_client.hpp"

#include <bsp/base/instant.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>

// Chapter 10, what libraries do to requests behind the back of those who send them. The suite is the other backend.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string credential(arrival const& a) {
    auto const* x = a.request.headers.find("Authorization");
    return x ? *x : std::string{};
}

/// A connection that was kept open may end when the next request comes: whether the other side took it in, nobody knows.
void what_ended_is_made_anew(scenario& s) {
    stand_in b{s};
    b.settle();
    if (!b.until(seconds{20} + slack, [&] { return b.pulls().size() >= 3; })) s.inconclusive("no three pulls");
    std::atomic<int> cut_pulls = 0, cut_pushes = 0;
    auto const pulls = b.pulls().size(), pushes = b.pushes().size();
    b.on_pull([&](arrival const& a) { return cut_pulls++ == 0 ? stand_in::close() : b.feed(a); });
    b.on_push([&](arrival const& a) { return cut_pushes++ == 0 ? stand_in::close() : stand_in::acknowledge(a); });
    write(s, b.user(), s.fresh("c"));
    bool const came = b.until(seconds{30}, [&] { return cut_pulls > 1 && cut_pushes > 1; }) || (b.flap() && b.until(seconds{20}, [&] { return cut_pulls > 1 && cut_pushes > 1; }));
    b.on_pull({}), b.on_push({});
    if (!came) s.inconclusive("no push and no pull after one that ended without an answer");
    auto const again = [&](std::vector<arrival> const& all, std::size_t from, std::string const& what) {
        auto const cut = std::find_if(all.begin() + static_cast<std::ptrdiff_t>(from), all.end(), [](arrival const& a) { return a.over && a.status == 0; });
        if (all.end() - cut < 2) s.inconclusive("no " + what + " after the one that ended without an answer");
        arrival const &before = *cut, &next = *std::next(cut);
        auto const pause = between(before.at, next.at);
        s.expect(pause + grain >= seconds{1}, "at least a second before the next " + what + " after one whose connection ended without an answer", "the next after " + seconds_text(pause));
        bool const is_new = what == "pull" ? credential(before) != credential(next) : text_at(before.body, "/signature") != text_at(next.body, "/signature");
        s.expect(is_new, "a " + what + " that is signed anew after one whose connection ended", "the same again");
    };
    again(b.pulls(), pulls, "pull");
    again(b.pushes(), pushes, "push");
    s.evidence("requests that ended without an answer");
}

/// What one peer says of the time is its own opinion.
void the_clock_of_a_peer_is_not_everybodys(scenario& s) {
    auto const account = s.account();
    stand_in fast{s, {.user = account}}, right{s, {.user = account}};
    fast.settle(), right.settle();
    auto const date = [](arrival const& a) {
        std::time_t const t = static_cast<std::time_t>(a.when.seconds + 3'600);
        std::tm utc{};
        gmtime_r(&t, &utc);
        char text[64];
        std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        return http_headers{{"Date", text}};
    };
    auto const stale = [date](arrival const& a) { return stand_in::problem(401, "stale-request", date(a)); };
    auto const pulls = fast.pulls().size(), pushes = fast.pushes().size();
    fast.on_push(stale), fast.on_pull(stale);
    auto const d = s.fresh("d");
    write(s, fast.user(), s.fresh("c"));
    if (!fast.until(soon, [&] { return fast.pushes().size() > pushes && fast.pulls().size() > pulls; })) s.inconclusive("no push and no pull to be answered with another time");
    pass(milliseconds{500});
    auto const since = std::chrono::steady_clock::now();
    auto const m = write(s, right.user(), d);
    s.expect(right.delivered(soon, d), "a push to another peer", "none");
    fast.on_push({}), fast.on_pull({});
    for (auto const& push : right.pushes()) {
        if (push.at < since) continue;
        auto const stamp = parse_timestamp(text_at(push.body, "/timestamp"));
        s.expect(stamp && std::abs(stamp->seconds - push.when.seconds) < 60, "a push that is stamped with the present, and not with the time that another peer tells", text_at(push.body, "/timestamp"));
    }
    auto const x = right.user().read(d);
    s.control(x, "reading what was written");
    auto const* held = find_by_id(x.body(), "/messages", m);
    s.control(held != nullptr, "the message in it");
    auto const stamp = parse_timestamp(text_at(*held, "/timestamp"));
    s.expect(stamp && std::abs(stamp->seconds - s.now().seconds) < 120, "a message that is dated with the present, and not with the time that a peer tells", text_at(*held, "/timestamp"));
}

check const checks[] = {
    {.id = "off/ended-without-answer",
     .title = "a request whose connection ended without an answer is made anew, after a second",
     .clauses = {"BSP-OFF-030", "BSP-AUT-036", "BSP-SYN-031"},
     .impact = "what the server did receive is refused as replayed, and a server that is overloaded is asked twice as often",
     .likely_cause = "the HTTP library repeats requests by itself when a kept connection turns out to be closed",
     .run = what_ended_is_made_anew,
     .needs = as_client},
    {.id = "off/clock-of-a-peer",
     .title = "the time that one peer tells is not taken for the time of what others are sent",
     .clauses = {"BSP-SYN-031", "BSP-OFF-070"},
     .impact = "a server whose clock is wrong stops the sync with all others",
     .likely_cause = "a correction of the clock is learnt from the Date of an answer, and is one for the process",
     .run = the_clock_of_a_peer_is_not_everybodys,
     .needs = as_client},
};

}  // namespace

group client_requests_group() { return {"client_requests", profile::off, checks}; }

}  // namespace bsp::conformance
