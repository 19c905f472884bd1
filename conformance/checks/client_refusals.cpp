#include "as_client.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <set>

// Chapter 10, what becomes of what a server has refused: when more is refused, when something is written into it, when it is a
// part of something larger, and over a restart. The suite is the other backend.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

script refusing(std::set<std::string> bad) {
    return [bad = std::move(bad)](arrival const& a) {
        return std::ranges::any_of(bad, [&](auto const& c) { return a.conversation(c) != nullptr; }) ? stand_in::problem(422, "invalid-body") : stand_in::acknowledge(a);
    };
}

/// Waits until no push has come for `quiet`.
void calm_down(stand_in const& b, seconds quiet) {
    for (auto const end = std::chrono::steady_clock::now() + seconds{40}; std::chrono::steady_clock::now() < end;)
        if (auto const n = b.pushes().size(); !b.until(quiet, [&] { return b.pushes().size() > n; })) return;
}

std::size_t pushes_since(stand_in const& b, std::string const& c, moment since) {
    auto const all = b.pushes_of(c);
    return static_cast<std::size_t>(std::ranges::count_if(all, [&](arrival const& a) { return a.at >= since; }));
}

/// A conversation is set aside as a whole, whatever is written into it, and whatever else is refused.
void refused_ones_stay_aside(scenario& s) {
    stand_in b{s};
    b.settle();
    std::vector<std::string> const bad{s.fresh("bad"), s.fresh("bad"), s.fresh("bad")};
    b.on_push(refusing({bad.begin(), bad.end()}));
    auto const alone = [&](std::string const& c) {
        return [&b, c] { return std::ranges::any_of(b.pushes_of(c), [](arrival const& a) { return objects_at(a.body, "/conversations").size() == 1 && a.over; }); };
    };
    for (auto const& c : bad) {
        write(s, b.user(), c, "refused");
        bool const refused = b.until(3 * soon, alone(c));
        if (!refused) b.on_push({});
        s.control(refused, "a push of the conversation alone, which is refused");
    }
    calm_down(b, seconds{3});
    auto const since = std::chrono::steady_clock::now();
    auto const good = s.fresh("good");
    for (auto const& c : bad) write(s, b.user(), c, "written after the refusal");
    write(s, b.user(), good);
    bool const went_on = b.delivered(seconds{60}, good);
    pass(seconds{5});
    std::vector<std::size_t> again;
    for (auto const& c : bad) again.push_back(pushes_since(b, c, since));
    b.on_push({});
    s.expect(went_on, "a push of another conversation after three were refused", "none within 60 s");
    for (std::size_t i = 0; i < bad.size(); ++i)
        s.expect(again[i] == 0, "none of three refused conversations tried again within 300 s, though something was written into them", std::to_string(again[i]) + " pushes of the one that was refused as number " + std::to_string(i + 1));
}

/// What was acknowledged beside a refused conversation is done with, wherever that one stood.
void the_rest_goes_once(scenario& s) {
    stand_in b{s};
    b.settle();
    std::vector<std::string> const all{s.fresh("c"), s.fresh("c"), s.fresh("c")};
    for (std::size_t const bad : {2u, 0u}) {
        std::vector<std::string> ids;
        for (auto const& c : all) ids.push_back(c + std::to_string(bad));
        b.on_push([](arrival const&) { return stand_in::problem(503, "unavailable"); });
        auto const failed = [&] { return static_cast<std::size_t>(std::ranges::count_if(b.pushes(), [](arrival const& a) { return a.status == 503; })); };
        for (auto const& c : ids) write(s, b.user(), c);
        if (!b.until(soon, [&] { return failed() > 0; })) s.inconclusive("no push to fail");
        b.on_push(refusing({ids[bad]}));
        auto const refused_alone = [&] { return std::ranges::any_of(b.pushes_of(ids[bad]), [](arrival const& a) { return a.status == 422 && objects_at(a.body, "/conversations").size() == 1 && a.over; }); };
        bool came = b.until(3 * soon, refused_alone);
        for (auto const& c : ids)
            if (c != ids[bad]) came = came && b.delivered(soon, c);
        s.control(came, "pushes of the others, and one of the refused conversation alone");
        auto const next = s.fresh("next");
        write(s, b.user(), next);
        s.control(b.delivered(soon, next), "a push of what is written next");
        pass(seconds{6});
        for (auto const& c : ids)
            if (c != ids[bad]) {
                auto const n = std::ranges::count_if(b.pushes_of(c), &arrival::acknowledged);
                s.expect(n == 1, std::string{"one push of each conversation that was acknowledged, whose snapshot had a refused one at its "} + (bad == 0 ? "beginning" : "end"), std::to_string(n));
            }
    }
    b.on_push({});
}

/// What does not fit into one push is refused and set aside as a whole, though its rest was accepted.
void a_refused_part_is_the_whole(scenario& s) {
    auto const account = s.account();
    auto const c = long_conversation(s, account);
    struct memory {
        std::mutex mutex;
        std::set<std::string> refused;  ///< the messages of the first part
    };
    auto const m = std::make_shared<memory>();
    stand_in b{s, {.user = account, .push = [c, m](arrival const& a) {
                       auto const* part = a.conversation(c);
                       if (!part) return stand_in::acknowledge(a);
                       auto const ids = ids_at(json::value(*part), "/messages");
                       std::lock_guard const lock{m->mutex};
                       if (m->refused.empty()) m->refused.insert(ids.begin(), ids.end());
                       bool const is_first = std::ranges::any_of(ids, [&](auto const& id) { return m->refused.contains(id); });
                       return is_first ? stand_in::problem(422, "invalid-body") : stand_in::acknowledge(a);
                   }}};
    b.meet();
    auto const refused_alone = [&] {
        return std::ranges::any_of(b.pushes_of(c), [](arrival const& a) { return a.status == 422 && objects_at(a.body, "/conversations").size() == 1 && a.over; });
    };
    // It may stand at the end of a long row.
    bool refused = false;
    for (std::size_t before = 1, now = 0; !refused && before != now; now = b.pushes().size()) {
        before = b.pushes().size();
        refused = b.until(seconds{40}, refused_alone);
    }
    if (!refused) b.on_push({}), s.inconclusive("no push of the long conversation alone");
    calm_down(b, seconds{3});
    auto const since = std::chrono::steady_clock::now();
    auto const good = s.fresh("good");
    auto const later = write(s, b.user(), c, "written after the refusal");
    write(s, b.user(), good);
    bool const went_on = b.delivered(seconds{60}, good);
    pass(seconds{3});
    // What follows of the first snapshot may go late.
    auto const refused_ids = (std::lock_guard{m->mutex}, m->refused);
    std::size_t again = 0;
    bool by_itself = false;
    for (auto const& a : b.pushes_of(c)) {
        bool const has_later = a.has_message(c, later), has_refused = std::ranges::any_of(refused_ids, [&](auto const& id) { return a.has_message(c, id); });
        if (a.at < since || (!has_later && !has_refused)) continue;
        ++again;
        by_itself = by_itself || (!has_refused && a.acknowledged);
    }
    b.on_push({});
    (void)b.user().del("/conversations/" + c);
    s.expect(went_on, "a push of another conversation after a long one was refused", "none within 60 s");
    s.expect(again == 0, "a conversation of which one push of several was refused tried again as a whole, and not within 300 s",
             std::to_string(again) + " pushes of it after something was written into it" + (by_itself ? ", of the new message by itself: the refused part is taken for delivered" : ""));
}

/// What was acknowledged of a push that was refused as a whole is known, and the rest is not; and a token that has expired is
/// not the last one.
void a_restart_amid_refusals(scenario& s) {
    auto const account = s.account();
    stand_in halves{s, {.user = account}}, expired{s, {.user = account}};
    halves.settle(), expired.settle();
    auto const slow = s.fresh("slow"), x = s.fresh("x"), y = s.fresh("y");
    struct memory {
        std::mutex mutex;
        std::string first, second;  ///< of the two that were refused together
    };
    auto const m = std::make_shared<memory>();
    halves.on_push([=](arrival const& a) {
        bool const has_x = a.conversation(x) != nullptr, has_y = a.conversation(y) != nullptr;
        auto r = stand_in::acknowledge(a);
        if (a.conversation(slow)) r.delay = seconds{3};
        if (!has_x && !has_y) return r;
        if (has_x && has_y) return stand_in::problem(422, "invalid-body");
        std::lock_guard const lock{m->mutex};
        if (m->first.empty()) m->first = has_x ? x : y, m->second = has_x ? y : x;
        return a.conversation(m->first) ? r : stand_in::problem(503, "unavailable");
    });
    write(s, halves.user(), slow);
    if (!halves.until(soon, [&] { return !halves.pushes_of(slow).empty(); })) s.inconclusive("no push to be slow with");
    write(s, halves.user(), x), write(s, halves.user(), y);
    auto const second = [&] { return (std::lock_guard{m->mutex}, m->second); };
    bool const failed = halves.until(3 * soon, [&] { return !second().empty() && std::ranges::any_of(halves.pushes_of(second()), [](arrival const& a) { return a.status == 503 && a.over; }); });
    s.control(failed, "a push of one of the two that is acknowledged, and one of the other that fails");
    expired.renew(seconds{5}, seconds{2});
    auto const expiry = std::chrono::steady_clock::now() + seconds{7};
    std::this_thread::sleep_until(expiry + milliseconds{500});
    auto const c = s.fresh("c");
    write(s, expired.user(), c);
    s.restart();
    pass(seconds{2});
    halves.on_push({});
    auto const since = std::chrono::steady_clock::now();
    expired.renew(seconds{60}, std::chrono::hours{8});
    bool const asked = expired.until(seconds{20} + slack, [&] { return std::ranges::any_of(expired.arrivals(arrival::route::health), [&](arrival const& a) { return a.at > since; }); });
    bool const pushed = expired.delivered_in_the_end(c);
    auto const pulls = expired.pulls().size();
    bool const pulled = expired.until(seconds{5} + 2 * slack, [&] { return expired.pulls().size() > pulls; });
    bool const came = halves.delivered_in_the_end(second());
    s.expect(asked, "GET /health at a peer whose token had expired before the restart, once there is another token", "none within 22 s");
    s.expect(pushed, "a push of what was due to a peer whose token had expired before the restart, once there is another token", "none");
    s.expect(pulled, "pulls from it", "none");
    s.expect(came, "after the restart, a push of the conversation that was refused together with another one, of which only that other one was acknowledged since", "none");
}

check const checks[] = {
    {.id = "off/refused-stay-aside",
     .title = "refused conversations are not tried again because something is written into them, or because others are refused",
     .clauses = {"BSP-OFF-031"},
     .impact = "a server is sent again and again what it refuses, and what was refused is forgotten for what came later",
     .likely_cause = "one place for what was refused, or a change counts though its conversation is set aside",
     .run = refused_ones_stay_aside,
     .needs = as_client},
    {.id = "off/refused-rest",
     .title = "what was acknowledged beside a refused conversation is not pushed again",
     .clauses = {"BSP-OFF-020", "BSP-OFF-031"},
     .impact = "one bad conversation makes a device send its whole backlog over and over",
     .likely_cause = "the position moves when the last conversation of a snapshot is acknowledged, and the last was refused",
     .run = the_rest_goes_once,
     .needs = as_client},
    {.id = "off/refused-part",
     .title = "a conversation that goes in several pushes is set aside as a whole when one of them is refused",
     .clauses = {"BSP-OFF-031", "BSP-OFF-001"},
     .impact = "of a long conversation a part is missing at the other side, for ever",
     .likely_cause = "the acknowledgement of the last part ends the refusal of the first",
     .run = a_refused_part_is_the_whole,
     .needs = as_client | need::alone},
    {.id = "off/restart-amid-refusals",
     .title = "after a restart what was refused and not acknowledged is due, and an expired token can be renewed",
     .clauses = {"BSP-OFF-004", "BSP-OFF-002", "BSP-OFF-035", "BSP-OFF-040", "BSP-OFF-001"},
     .impact = "who switches a device off overnight loses what was refused, or is never called again",
     .likely_cause = "the first part of a divided push moves the position past both; loops begin for registrations that are valid at the start",
     .run = a_restart_amid_refusals,
     .needs = as_client | need::alone | need::restart_hook},
};

}  // namespace

group client_refusals_group() { return {"client_refusals", profile::off, checks}; }

}  // namespace bsp::conformance
