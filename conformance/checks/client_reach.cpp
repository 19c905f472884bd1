#include "as_client.hpp"
#include "../surroundings.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>

// Chapter 10, outages, reachability and several peers. The suite is the other backend.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

script broken() {
    return [](arrival const&) { return stand_in::close(); };
}

void go_away(stand_in& b) { b.on_push(broken()), b.on_pull(broken()), b.on_health(broken()); }
void come_back(stand_in& b) { b.on_push({}), b.on_pull({}), b.on_health({}); }

void an_outage_loses_nothing(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), d = s.fresh("d"), before = s.fresh("before");
    write(s, b.user(), before);
    s.expect(b.delivered(soon, before), "a push of the change", "none");
    go_away(b);
    std::string last;
    std::vector<std::string> ids;
    for (int i = 0; i < 4; ++i) {
        auto const x = b.user().write(c, "said during the outage");
        s.accepted(x, "a write while the peer is away");
        ids.push_back(x.text("/id"));
        pass(milliseconds{2'500});
    }
    s.accepted(b.user().write(d, "said during the outage"), "a write while the peer is away");
    pass(seconds{2});
    come_back(b);
    auto const back = std::chrono::steady_clock::now();
    s.expect(b.delivered(seconds{30} + slack, d), "a push of what was written during the outage, within 30 s of its end", "none");
    for (auto const& id : ids) {
        auto const left = seconds{30} + slack - between(back, std::chrono::steady_clock::now());
        bool const came = b.delivered(std::max(left, milliseconds{1'000}), c, id);
        s.expect(came, "a push of every message that was written during the outage", "none of " + id);
    }
    s.expect(b.pushes_of(before).size() == 1, "no second push of what was acknowledged before the outage", std::to_string(b.pushes_of(before).size()) + " pushes");
}

void back_at_once(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    auto const from = b.pushes().size();
    b.on_push([](arrival const&) { return stand_in::problem(503, "unavailable"); });
    write(s, b.user(), c);
    b.until(seconds{12}, [&] { return b.pushes().size() >= from + 4; });
    s.control(b.pushes().size() > from, "a push that failed");
    auto const well = b.flap([&] { b.on_push({}); });
    if (!well) s.inconclusive("the target does not ask for /health");
    bool const came = b.delivered(seconds{30} + slack, c);
    s.expect(came, "a push of what is due within 30 s of the moment at which the peer can be reached again", "none");
    auto const pushes = b.pushes();
    auto const first = std::find_if(pushes.begin(), pushes.end(), [&](arrival const& a) { return a.at > *well; });
    auto const took = first == pushes.end() ? milliseconds{} : between(*well, first->at);
    s.expect(took <= seconds{5}, "a push at once when /health is well again, whatever failed before", "one after " + seconds_text(took));
}

void health_is_asked_for(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const asked = [&](std::size_t n) { return [&b, n] { return b.arrivals(arrival::route::health).size() >= n; }; };
    bool const enough = b.until(seconds{40} + slack, asked(3));
    auto const all = b.arrivals(arrival::route::health);
    s.control(!all.empty(), "a GET /health");
    for (std::size_t i = 1; i < all.size(); ++i) {
        auto const gap = between(all[i - 1].at, all[i].at);
        s.expect(gap <= seconds{20} + slack, "GET /health once in each 10 seconds", "a gap of " + seconds_text(gap));
    }
    s.expect(enough, "GET /health once in each 10 seconds", std::to_string(all.size()) + " within 42 s");
}

void what_is_not_healthy_gets_nothing(scenario& s) {
    struct illness {
        std::string what;
        script health;
        milliseconds noticed;
    };
    auto const page = [](arrival const&) { return reaction{.response = {200, {{"Content-Type", "text/html"}}, "<html><body>Please log in</body></html>"}}; };
    auto const word = [](json::value body, int status) { return [body = std::move(body), status](arrival const&) { return stand_in::respond(status, body); }; };
    std::vector<illness> const all{{"a web page", page, slack},
                                   {"a status of another word", word(json::object{{"status", "starting"}}, 200), slack},
                                   {"503", word(json::object{{"status", "healthy"}}, 503), slack},
                                   {"a string", word(json::value("healthy"), 200), slack},
                                   {"no answer", [](arrival const&) { return stand_in::hang(); }, seconds{5} + slack}};
    auto const account = s.account();
    std::vector<std::unique_ptr<stand_in>> ill;
    for (auto const& one : all) ill.push_back(std::make_unique<stand_in>(s, stand_in::options{.user = account, .health = one.health}));
    std::vector<moment> from;
    for (std::size_t i = 0; i < all.size(); ++i) {
        ill[i]->meet();
        if (!ill[i]->until(seconds{12} + slack, [&] { return !ill[i]->arrivals(arrival::route::health).empty(); })) s.inconclusive("the target does not ask for /health");
        from.push_back(ill[i]->arrivals(arrival::route::health).front().at + all[i].noticed);
    }
    std::this_thread::sleep_until(*std::max_element(from.begin(), from.end()));
    auto const c = s.fresh("c");
    write(s, ill.front()->user(), c);
    pass(seconds{6});
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto const came = exchanges_since(*ill[i], from[i]);
        s.expect(came.empty(), "no push to and no pull from a peer whose /health gives " + all[i].what, came.empty() ? "" : came.front().request.method + ' ' + came.front().request.target);
    }
    for (auto const& b : ill) b->on_health({});
    for (std::size_t i = 0; i < all.size(); ++i)
        s.expect(ill[i]->delivered(seconds{30} + slack, c), "a push within 30 s of the moment at which /health is well again", "none, after " + all[i].what);
}

void a_dead_peer_holds_nobody_up(scenario& s) {
    auto const account = s.account();
    stand_in live{s, {.user = account}}, silent{s, {.user = account}}, refusing{s, {.user = account}};
    live.settle(), silent.settle(), refusing.settle();
    silent.on_push([](arrival const&) { return stand_in::hang(); });
    silent.on_pull([](arrival const&) { return stand_in::hang(); });
    refusing.on_push([](arrival const&) { return stand_in::problem(503, "unavailable"); });
    write(s, live.user(), s.fresh("c"));
    if (!silent.until(soon, [&] { return !silent.pushes().empty() && !silent.pushes().back().over; })) s.inconclusive("no push that could hang");
    for (int i = 0; i < 5; ++i) {
        auto const c = s.fresh("c");
        write(s, live.user(), c);
        s.expect(live.delivered(seconds{10}, c), "a push to one peer while another one does not answer", "none within 10 s");  // what hangs, hangs for 30 s
        pass(milliseconds{900});
    }
    auto const pulls = live.pulls().size();
    s.expect(live.until(seconds{5} + 2 * slack, [&] { return live.pulls().size() > pulls; }), "a pull from one peer in each interval while another one does not answer", "none");
}

void changes_go_to_their_user_only(scenario& s) {
    stand_in mine{s, {.user = s.account()}}, theirs{s, {.user = s.other_account()}};
    mine.settle(), theirs.settle();
    auto const c = s.fresh("c"), d = s.fresh("d");
    write(s, mine.user(), c);
    write(s, theirs.user(), d);
    s.expect(mine.delivered(soon, c) && theirs.delivered(soon, d), "a push of each user's change to that user's peer", "none");
    pass(seconds{6});
    s.expect(theirs.pushes_of(c).empty() && mine.pushes_of(d).empty(), "no change of one user at a peer of another", "a push of it");
}

void unpaired_peers_get_nothing(scenario& s) {
    auto const account = s.account();
    stand_in gone{s, {.user = account}}, stays{s, {.user = account}};
    gone.settle(), stays.settle();
    gone.unpair();
    auto const since = std::chrono::steady_clock::now() + slack;
    std::this_thread::sleep_until(since);
    auto const c = s.fresh("c");
    write(s, stays.user(), c);
    s.expect(stays.delivered(soon, c), "a push to the peer that is still registered", "none");
    pass(seconds{6});
    auto const came = exchanges_since(gone, since);
    s.expect(came.empty(), "nothing more to a peer that was unpaired", std::to_string(came.size()) + " requests");
}

/// Another registration is another peer: nothing is known of it (BSP-OFF-071).
void paired_again_begins_anew(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), theirs = s.fresh("theirs");
    b.publish(s.conversation(theirs, 1, {s.message("m1", "text")}));
    write(s, b.user(), c);
    s.control(b.delivered(soon, c), "a push of a change");
    if (!b.until(seconds{5} + 2 * slack, [&] { return !b.pulls().empty() && b.pulls().back().parameter("since"); })) s.inconclusive("no pull with a since");
    b.unpair();
    pass(slack);
    auto const pulls = b.pulls().size(), pushes = b.pushes_of(c).size();
    b.renew(seconds{60}, seconds{8 * 3600});
    bool const pushed = b.until(seconds{30} + slack, [&] { return b.pushes_of(c).size() > pushes; });
    bool const from_the_beginning = b.until(seconds{10} + slack, [&] {
        auto const all = b.pulls();
        return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(pulls), all.end(), [](arrival const& a) { return !a.parameter("since") && !a.parameter("cursor"); });
    });
    s.expect(pushed, "a push of what the peer had acknowledged before it was unpaired, once it is paired again", "none");
    s.expect(from_the_beginning, "a pull from the beginning for the new registration", "only pulls with since or cursor");
}

void expired_registrations_get_nothing(scenario& s) {
    stand_in b{s, {.token_lifetime = seconds{22}}};
    auto const expiry = std::chrono::steady_clock::now() + seconds{22} + slack;
    b.settle();
    std::this_thread::sleep_until(expiry);
    auto const c = s.fresh("c");
    write(s, b.user(), c);
    pass(seconds{6});
    auto const came = exchanges_since(b, expiry);
    s.expect(came.empty(), "no push and no pull once the session binding token has expired", came.empty() ? "" : came.front().request.method + ' ' + came.front().request.target);
    b.renew(seconds{40}, std::chrono::hours{8});
    s.expect(b.delivered(seconds{10} + slack, c), "a push of what became due meanwhile, once there is another token", "none within 10 s");
}

void survives(scenario& s, void (scenario::*end)()) {
    stand_in b{s};
    b.settle();
    auto const old = s.fresh("old"), c = s.fresh("c"), theirs = s.fresh("theirs");
    b.publish(s.conversation(theirs, 1, {s.message("m1", "text")}));
    write(s, b.user(), old);
    s.expect(b.delivered(soon, old), "a push of the change", "none");
    if (!b.until(seconds{5} + 2 * slack, [&] { return !b.pulls().empty() && b.pulls().back().parameter("since"); })) s.inconclusive("no pull with a since");
    pass(milliseconds{500});  // for the acknowledgement to be kept
    go_away(b);
    write(s, b.user(), c);
    pass(seconds{1});
    (s.*end)();
    pass(seconds{2});
    auto const pulls = b.pulls().size();
    come_back(b);
    s.expect(b.delivered(seconds{30} + slack, c), "a push of what was written before the restart, within 30 s of the end of the outage", "none");
    s.expect(b.until(seconds{10}, [&] { return b.pulls().size() > pulls; }), "a pull after the restart", "none");
    s.expect(b.pulls()[pulls].parameter("since") || b.pulls()[pulls].parameter("cursor"), "a pull from where the last one ended", "one from the beginning");
    s.expect(b.pushes_of(old).size() == 1, "no second push of what was acknowledged before the restart", std::to_string(b.pushes_of(old).size()) + " pushes");
}

void a_restart_forgets_nothing(scenario& s) { survives(s, &scenario::restart); }
void a_kill_forgets_nothing(scenario& s) { survives(s, &scenario::kill_and_restart); }

/// The epoch is a part of the position.
void the_epoch_survives(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    auto const of_epoch = [](std::string const& n) {
        auto given = page({}, "2025-06-01T00:00:0" + n + "Z");
        given["epoch"] = "epoch" + n;
        return [given](arrival const&) { return stand_in::respond(200, given); };
    };
    b.on_pull(of_epoch("1"));
    write(s, b.user(), c);
    s.control(b.delivered(soon, c), "a push of the change");
    if (!b.until(seconds{10} + 2 * slack, [&] { return !b.pulls().empty() && b.pulls().back().parameter("since") == std::optional<std::string>{"2025-06-01T00:00:01Z"}; })) s.inconclusive("no pull with the watermark of the epoch");
    pass(milliseconds{500});  // for it to be kept
    b.on_pull(broken());      // so that nothing is learnt of the other epoch before
    s.restart();
    auto const pushes = b.pushes_of(c).size(), pulls = b.pulls().size();
    b.on_pull(of_epoch("2"));
    b.flap();
    bool const anew = b.until(seconds{30} + slack, [&] {
        auto const all = b.pulls();
        return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(pulls), all.end(), [](arrival const& a) { return a.status == 200 && !a.parameter("since") && !a.parameter("cursor"); });
    });
    bool const again = anew && b.until(seconds{30} + slack, [&] { return b.pushes_of(c).size() > pushes; });
    b.on_pull({});
    s.expect(anew, "a pull from the beginning when a page after the restart has another epoch than one before it", "none");
    s.expect(again, "a push of what was acknowledged in the epoch before", "none");
}

/// What does not fit into one push is due until the last of them was acknowledged.
void a_restart_between_two_pushes(scenario& s) {
    auto const account = s.account();
    constexpr int count = long_conversation_messages;
    auto const c = long_conversation(s, account);
    auto const taken = std::make_shared<std::atomic<bool>>(false);
    stand_in b{s, {.user = account, .push = [c, taken](arrival const& a) { return a.conversation(c) && taken->exchange(true) ? stand_in::problem(503, "unavailable") : stand_in::acknowledge(a); }}};
    b.meet();
    std::set<std::string> came;
    auto const have_come = [&] {
        came.clear();
        for (auto const& push : b.pushes_of(c))
            if (push.acknowledged)
                for (auto const& id : ids_at(json::value(*push.conversation(c)), "/messages")) came.insert(id);
        return came.size() == static_cast<std::size_t>(count);
    };
    if (!b.until(seconds{90}, [&] { return b.pushes_of(c).size() >= 2; })) s.inconclusive("no two pushes of a conversation of 1200 messages");
    if (have_come()) s.not_applicable("the conversation went in one push");
    s.restart();
    b.on_push({});
    b.flap();
    bool all = false;
    for (std::size_t before = count; !all && before != came.size();) {  // small payloads take longer
        before = came.size();
        all = b.until(seconds{60}, have_come);
    }
    s.expect(all, "pushes of all 1200 messages, the first of which were acknowledged before the restart", std::to_string(came.size()) + " messages");
}

/// What the peer changed meanwhile does not make known to it what was written here before.
void changed_at_both_sides(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    b.on_push([&](arrival const& a) { return a.conversation(c) ? stand_in::problem(503, "unavailable") : stand_in::acknowledge(a); });
    auto const mine = write(s, b.user(), c);
    s.control(b.until(soon, [&] { return !b.pushes_of(c).empty(); }), "a push of the change");
    auto const second = write(s, b.user(), c, "a second one");
    b.publish(s.conversation(c, 40, {s.message("theirs", "written at the other side", 40)}));
    bool const pulled = b.until(seconds{30}, [&] { return find_by_id(b.user().read(c).body(), "/messages", "theirs") != nullptr || (pass(milliseconds{200}), false); });
    b.on_push({});
    s.control(pulled, "a change of the peer in the same conversation at the target");
    s.expect(b.delivered_in_the_end(c, mine) && b.delivered_in_the_end(c, second), "pushes of what was written here before the peer changed the same conversation", "none of one message");
}

/// Pulls that fail are no reason to keep to oneself what is due.
void failing_pulls_hold_up_no_push(scenario& s) {
    stand_in b{s};
    b.settle();
    b.on_pull([](arrival const&) { return stand_in::problem(500, "internal"); });
    auto const failed = [&] { return std::ranges::count_if(b.pulls(), [](arrival const& a) { return a.status == 500 && a.over; }); };
    if (!b.until(seconds{40}, [&] { return failed() >= 4; })) s.inconclusive("no four pulls to fail");
    auto fastest = milliseconds::max();
    for (int i = 0; i < 3 && fastest > seconds{1} + slack; ++i) {
        if (i > 0) b.until(seconds{40}, [&, before = failed()] { return failed() > before; });
        pass(milliseconds{300});  // for the failure to be noticed
        auto const c = s.fresh("c");
        write(s, b.user(), c);
        auto const written = std::chrono::steady_clock::now();
        if (b.delivered(soon, c)) fastest = std::min(fastest, between(written, b.pushes_of(c).front().at));
    }
    b.on_pull({});
    s.expect(fastest <= seconds{1} + slack, "a push within 1 s of a change, while pulls are answered with 500", fastest == milliseconds::max() ? "none" : "one after " + seconds_text(fastest));
}

check const checks[] = {
    {.id = "off/epoch-survives",
     .title = "the epoch of a peer is known after a restart",
     .clauses = {"BSP-OFF-002", "BSP-OFF-055"},
     .impact = "a peer that was set up anew during a restart never gets again what it had",
     .likely_cause = "the watermark has a column, and the epoch has none",
     .run = the_epoch_survives,
     .needs = as_client | need::alone | need::restart_hook},
    {.id = "off/restart-between-pushes",
     .title = "what did not fit into the first push is due after a restart",
     .clauses = {"BSP-OFF-004", "BSP-OFF-002"},
     .impact = "of a long conversation a part is missing at the other side, for ever",
     .likely_cause = "the first acknowledgement moves the position to the end of the snapshot",
     .run = a_restart_between_two_pushes,
     .needs = as_client | need::alone | need::restart_hook},
    {.id = "off/changed-at-both-sides",
     .title = "what was written here is pushed though the peer changed the same conversation meanwhile",
     .clauses = {"BSP-OFF-001", "BSP-OFF-004"},
     .impact = "two people write at once, and one of them is not heard",
     .likely_cause = "a conversation has one column for who changed it last, and is not sent to whom it names",
     .run = changed_at_both_sides,
     .needs = as_client},
    {.id = "off/pushes-beside-failing-pulls",
     .title = "a change is pushed within a second while pulls fail",
     .clauses = {"BSP-OFF-010"},
     .impact = "a fault in one direction stops the other",
     .likely_cause = "one counter of failures for both",
     .run = failing_pulls_hold_up_no_push,
     .needs = as_client},
    {.id = "off/outage",
     .title = "what is written during an outage is pushed after it, and no write fails because of it",
     .clauses = {"BSP-OFF-001", "BSP-OFF-007", "BSP-OFF-033"},
     .impact = "what people wrote on the train is lost",
     .likely_cause = "a push is tried when something is written, and never again",
     .run = an_outage_loses_nothing,
     .needs = as_client},
    {.id = "off/reachable-again",
     .title = "when a peer can be reached again it is pushed to at once, whatever failed before",
     .clauses = {"BSP-OFF-043", "BSP-OFF-033"},
     .impact = "after an outage everything stays still for another minute",
     .likely_cause = "the backoff of the outage goes on when it is over",
     .run = back_at_once,
     .needs = as_client},
    {.id = "off/health-period",
     .title = "/health is asked for once in 10 seconds",
     .clauses = {"BSP-OFF-040"},
     .impact = "a peer that went away or came back is noticed minutes later",
     .likely_cause = "health is asked for once, at the start",
     .run = health_is_asked_for,
     .needs = as_client},
    {.id = "off/unhealthy",
     .title = "a peer whose /health is anything but healthy gets no push and no pull",
     .clauses = {"BSP-OFF-041", "BSP-OFF-042", "BSP-OFF-033"},
     .impact = "signed payloads go to a hotel's login page",
     .likely_cause = "a status of 200 is taken for health",
     .run = what_is_not_healthy_gets_nothing,
     .needs = as_client},
    {.id = "off/several-peers",
     .title = "a peer that does not answer delays no other",
     .clauses = {"BSP-OFF-070"},
     .impact = "one switched-off device stops all others",
     .likely_cause = "one loop over all peers",
     .run = a_dead_peer_holds_nobody_up,
     .needs = as_client},
    {.id = "off/user-isolation",
     .title = "the changes of a user go to that user's peers only",
     .clauses = {"BSP-OFF-025", "BSP-OFF-071"},
     .impact = "people read what others wrote",
     .likely_cause = "one queue for all users",
     .run = changes_go_to_their_user_only,
     .needs = as_client | need::second_user},
    {.id = "off/paired-again",
     .title = "a backend that is paired again is begun anew with",
     .clauses = {"BSP-OFF-001", "BSP-OFF-071"},
     .impact = "a backend that was set up anew never gets what it had before",
     .likely_cause = "positions are kept by backend_id in the place of peer_id",
     .run = paired_again_begins_anew,
     .needs = as_client},
    {.id = "off/unpaired",
     .title = "a peer that was unpaired gets nothing more",
     .clauses = {"BSP-OFF-025"},
     .impact = "a device that was given away goes on receiving everything",
     .likely_cause = "the list of peers is read once, at the start",
     .run = unpaired_peers_get_nothing,
     .needs = as_client},
    {.id = "off/token-expired",
     .title = "nothing is exchanged under an expired session binding token",
     .clauses = {"BSP-OFF-025", "BSP-OFF-035"},
     .impact = "a pairing that has ended goes on",
     .likely_cause = "the token is checked by the receiver, so the sender does not",
     .run = expired_registrations_get_nothing,
     .needs = as_client},
    {.id = "off/restart",
     .title = "push position, pull position and what is due survive a restart",
     .clauses = {"BSP-OFF-002"},
     .impact = "a restart at the wrong moment loses what was not yet sent",
     .likely_cause = "queue and positions are in memory only",
     .run = a_restart_forgets_nothing,
     .needs = as_client | need::alone | need::restart_hook},
    {.id = "off/kill",
     .title = "push position, pull position and what is due survive a crash",
     .clauses = {"BSP-OFF-002"},
     .impact = "a crash loses what was not yet sent",
     .likely_cause = "queue and positions are written at the end of the process",
     .run = a_kill_forgets_nothing,
     .needs = as_client | need::alone | need::kill_hook},
};

}  // namespace

group client_reach_group() { return {"client_reach", profile::off, checks}; }

}  // namespace bsp::conformance
