#include "as_client.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <tuple>

// Chapter 10, the pages of one pull, when there are many of them. The suite is the other backend.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds a_page_in_turn{15};  ///< of which a client may pull one in each interval

/// Every page has a next one, and takes most of a second.
void give_no_last_page(stand_in& b) {
    auto const pages = std::make_shared<std::atomic<int>>(0);
    b.on_pull([pages](arrival const&) {
        auto r = stand_in::respond(200, page({}, "2025-06-01T00:00:01Z", "page-" + std::to_string(++*pages)));
        r.delay = milliseconds{700};
        return r;
    });
}

/// A row of pages is many requests, and for each of them it is asked whether it may be sent.
void a_sweep_ends_with_what_it_rests_on(scenario& s) {
    constexpr seconds lifetime{50};
    auto const account = s.account();
    stand_in ill{s, {.user = account}}, gone{s, {.user = account}}, old{s, {.user = account, .token_lifetime = lifetime}};
    auto const expiry = std::chrono::steady_clock::now() + lifetime;
    std::array<stand_in*, 3> const all{&ill, &gone, &old};
    for (auto* b : all) b->meet();
    for (auto* b : all) give_no_last_page(*b);
    for (auto* b : all)
        if (!b->until(a_page_in_turn, [&] { return !b->pulls().empty() && b->pulls().back().parameter("cursor"); })) s.inconclusive("no pull with the cursor of a page");
    auto const asked = ill.arrivals(arrival::route::health).size();
    ill.on_health([](arrival const&) { return stand_in::problem(503, "unavailable"); });
    gone.unpair();
    auto const since_unpaired = std::chrono::steady_clock::now() + slack;
    if (!ill.until(seconds{20} + slack, [&] { return ill.arrivals(arrival::route::health).size() > asked; })) s.inconclusive("the target does not ask for /health");
    auto const since_ill = std::chrono::steady_clock::now() + slack;
    if (!old.until(a_page_in_turn, [&, before = old.pulls().size()] { return old.pulls().size() > before; }) || std::chrono::steady_clock::now() > expiry - seconds{1}) s.inconclusive("no page in the seconds before the token expires");
    std::this_thread::sleep_until(std::max(since_ill, expiry + slack) + seconds{7});
    std::tuple<stand_in*, moment, char const*> const ends[] = {{&gone, since_unpaired, "it was unpaired"}, {&ill, since_ill, "its /health gives 503"}, {&old, expiry + slack, "its session binding token expired"}};
    for (auto const& [b, since, what] : ends) {
        auto const came = exchanges_since(*b, since);
        s.expect(came.empty(), std::string{"no further page from a peer after "} + what, came.empty() ? "" : std::to_string(came.size()) + " requests, the last of them " + came.back().request.target);
    }
    s.evidence("pulls that had a next page");
}

/// A cursor may name the row of pages and not the place in it: what it says is the server's business.
void the_same_cursor_goes_on(scenario& s) {
    stand_in b{s};
    b.settle();
    std::array<std::string, 3> const c{s.fresh("c"), s.fresh("c"), s.fresh("c")};
    std::vector<json::array> pages;
    for (auto const& id : c) pages.push_back(json::array{s.conversation(id, 1, {s.message("m1", "text")})});
    std::atomic<std::size_t> given = 0;
    std::atomic<bool> skipped = false;
    b.on_pull([&](arrival const& a) {
        if (given > 0 && given < pages.size() && !a.parameter("cursor")) skipped = true;
        std::size_t const n = given < pages.size() ? given++ : pages.size();
        return stand_in::respond(200, page(n < pages.size() ? pages[n] : json::array{}, "2025-06-01T00:00:0" + std::to_string(n) + "Z", n + 1 < pages.size() ? "row-1" : ""));
    });
    bool const all = b.until(4 * a_page_in_turn, [&] { return given == pages.size() || skipped; }) && !skipped;
    bool const came = all && arrives(b.user(), c[2], "m1", seconds{5});
    b.on_pull({});
    if (given == 0) s.inconclusive("no pull");
    s.expect(all, "a pull with the cursor of the second page, which is that of the first", skipped ? "one without" : "none");
    s.expect(came, "the conversation of the third page at the target", "none");
}

check const checks[] = {
    {.id = "off/sweep-ends",
     .title = "no further page is pulled when the peer is ill, unpaired or expired in the middle of a row of pages",
     .clauses = {"BSP-OFF-042", "BSP-OFF-025"},
     .impact = "a server that is going down is asked all the faster, and one that a person has parted with goes on writing into their history",
     .likely_cause = "all pages are fetched in one loop, and whether the peer may be asked is looked up before it",
     .run = a_sweep_ends_with_what_it_rests_on,
     .needs = as_client},
    {.id = "off/pull-same-cursor",
     .title = "a page whose cursor is that of the page before is followed, too",
     .clauses = {"BSP-OFF-050"},
     .impact = "from a server whose cursors name a session only the first two pages ever come",
     .likely_cause = "a cursor that comes again is taken for the end, against endless loops",
     .run = the_same_cursor_goes_on,
     .needs = as_client},
};

}  // namespace

group client_sweeps_group() { return {"client_sweeps", profile::off, checks}; }

}  // namespace bsp::conformance
