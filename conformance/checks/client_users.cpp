#include "../peer/stand_in.hpp"
#include "../registry.hpp"
#include "../surroundings.hpp"
#include "as_client.hpp"
#include "client_telemetry.hpp"

#include <algorithm>

// Chapter 10, one hosted backend that two users of a local one have paired: two registrations, which share nothing but the
// name and the key of the backend. The suite is that backend.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr unsigned of_two_users = need::peer_listener | need::local_target | need::second_user;
constexpr seconds in_turn{15};  ///< for a push that others of the same user may precede

/// The registrations of two users, to both of which something was pushed.
struct two_of_one {
    explicit two_of_one(scenario& s) : mine{s, {.user = s.account()}}, theirs{s, {.user = s.other_account(), .same_backend = &mine}} {
        mine.settle();
        auto const c = s.fresh("hello");
        write(s, theirs.user(), c);
        s.expect(theirs.delivered_in_turn(c), "a push for the second user of a backend, at the endpoints of that registration", std::to_string(theirs.pushes().size()) + " pushes");
    }
    stand_in mine, theirs;
};

void pushes_are_apart(scenario& s) {
    two_of_one of{s};
    auto const stuck = s.fresh("stuck"), waits = s.fresh("waits"), c = s.fresh("c");
    of.theirs.on_push([stuck](arrival const& a) { return a.conversation(stuck) ? stand_in::problem(503, "unavailable") : stand_in::acknowledge(a); });
    write(s, of.theirs.user(), stuck);
    s.control(of.theirs.until(in_turn, [&] { return !of.theirs.pushes_of(stuck).empty(); }), "a push that fails");
    write(s, of.theirs.user(), waits);
    auto const own = write(s, of.theirs.user(), c, "of the second user");
    auto const m = write(s, of.mine.user(), c, "of the first user");
    s.expect(of.mine.delivered(soon, c, m), "a push for the first user", "none");
    of.theirs.on_push({});
    bool const came = of.theirs.delivered_in_the_end(stuck) && of.theirs.delivered(soon, waits) && of.theirs.delivered(soon, c, own);
    s.expect(came, "a push of all that the second user wrote, whatever was pushed to the same backend for the first", "not all of it");
    for (auto const& [b, foreign] : {std::pair{&of.mine, &own}, {&of.theirs, &m}})
        for (auto const& push : b->pushes()) s.expect(!push.has_message(c, *foreign), "no message of one user in a push for another", "one in " + push.sync_id());
    for (auto const* b : {&of.mine, &of.theirs})
        for (auto const& push : b->pushes())
            if (at(push.body, "/peer_id")) s.expect(text_at(push.body, "/peer_id") == b->id_of_target(), "the peer_id of the registration for which is pushed: " + b->id_of_target(), text_at(push.body, "/peer_id"));
}

void pulls_are_apart(scenario& s) {
    two_of_one of{s};
    auto const c = s.fresh("c");
    std::array<stand_in*, 2> const both{&of.mine, &of.theirs};
    std::array<std::size_t, 2> from{};
    for (std::size_t i = 0; i < 2; ++i) {
        from[i] = both[i]->pulls().size();
        auto const given = page(json::array{s.conversation(c, 1, {s.message(i == 0 ? "first" : "second", "text")})}, "2025-06-01T00:00:0" + std::to_string(i + 1) + "Z");
        both[i]->on_pull([given](arrival const&) { return stand_in::respond(200, given); });
    }
    for (std::size_t i = 0; i < 2; ++i)
        if (!both[i]->until(seconds{15} + slack, [&] { return both[i]->pulls().size() >= from[i] + 3; })) s.inconclusive("no three pulls for each user");
    for (auto* b : both) b->on_pull({});
    for (std::size_t i = 0; i < 2; ++i) {
        auto const pulls = both[i]->pulls();
        auto const other = "2025-06-01T00:00:0" + std::to_string(2 - i) + "Z";
        for (auto k = from[i]; k < pulls.size(); ++k) s.expect(pulls[k].parameter("since") != std::optional{other}, "never the watermark of the other user's registration", other);
    }
    for (auto const& [who, own, foreign] : {std::tuple{of.mine.user(), "first", "second"}, {of.theirs.user(), "second", "first"}}) {
        auto const x = who.read(c);
        s.expect(x.ok() && find_by_id(x.body(), "/messages", own), "what was pulled for a user is that user's", x.describe());
        s.expect(!find_by_id(x.body(), "/messages", foreign), "what was pulled for one user is not another's, of the same backend", "the message " + std::string{foreign});
    }
}

void refusals_are_apart(scenario& s) {
    two_of_one of{s};
    auto const c = s.fresh("c"), d = s.fresh("d");
    auto const before = of.mine.pushes().size();
    of.mine.on_push([](arrival const&) { return stand_in::problem(401, "sbt-expired"); });
    write(s, of.mine.user(), s.fresh("refused"));
    s.control(of.mine.until(in_turn, [&] { return of.mine.pushes().size() > before; }), "a push that is refused, of this conversation or of another of the user's");
    pass(milliseconds{500});
    write(s, of.theirs.user(), c);
    s.expect(of.theirs.delivered(soon, c), "a push for one user after the token of another was refused by the same backend", "none");
    of.mine.unpair();
    pass(slack);
    write(s, of.theirs.user(), d);
    s.expect(of.theirs.delivered(soon, d), "a push for one user after another has unpaired the same backend", "none");
    auto const pulls = of.theirs.pulls().size();
    s.expect(of.theirs.until(seconds{5} + 2 * slack, [&] { return of.theirs.pulls().size() > pulls; }), "pulls for that user", "none");
}

void events_are_apart(scenario& s) {
    stand_in mine{s, {.user = s.account()}}, theirs{s, {.user = s.other_account(), .same_backend = &mine}};
    mine.settle_telemetry();
    std::set<std::string> names;
    for (int i = 0; i < 4; ++i) {
        names.insert(s.fresh("told"));
        write(s, theirs.user(), *names.rbegin());
        theirs.delivered(soon, *names.rbegin());
    }
    for (auto const& push : theirs.pushes()) names.insert(push.sync_id());
    provoke(s, mine, seconds{6}, [] { return false; });
    for (auto const& e : mine.events())
        for (auto const& name : names) s.expect(e.text.find(name) == std::string::npos, "no event of one user on a stream of another to the same backend", e.text);
    s.evidence("events to a backend that two users have paired");
}

/// Different events have different ids, to whomever they are told.
void event_ids_differ_between_peers(scenario& s) {
    auto const account = teller_of(s);
    stand_in a{s, {.user = account}}, b{s, {.user = account}};
    a.settle_telemetry(), b.settle_telemetry();
    auto const enough = a.events().size() + 4;
    provoke(s, a, seconds{20}, [&] { return a.events().size() >= enough; });
    pass(seconds{1});
    std::map<std::string, json::value> seen;
    for (auto const& e : a.events()) seen.emplace(e.id(), e.body);
    for (auto const& e : b.events())
        if (auto const same = seen.find(e.id()); same != seen.end())
            s.expect(same_value(same->second, e.body), "an event_id of its own for every event of a user", e.id() + " for two of them, which were told to two peers");
}

/// The place of one user's registration may change without the other's.
void endpoints_are_apart(scenario& s) {
    two_of_one of{s};
    auto const others = of.theirs.pushes().size();
    s.control(of.theirs.register_endpoints(seconds{20}, of.theirs.endpoints("moved~" + s.fresh("id"))), "the second user's registration again, with other endpoints");
    pass(slack);  // a push that was about to begin may have looked at the endpoints before
    auto const from = std::chrono::steady_clock::now();
    auto const c = s.fresh("c"), d = s.fresh("d");
    auto const m = write(s, of.mine.user(), c);
    s.expect(of.mine.delivered(soon, c, m), "a push for the first user at the endpoints of the first user's registration, after the second user gave others", "none");
    write(s, of.theirs.user(), d);
    s.expect(of.theirs.delivered_in_turn(d), "a push for the second user", std::to_string(of.theirs.pushes().size() - others) + " pushes, none of them with the change");
    for (auto const& a : exchanges_since(of.mine, from))
        s.expect(a.request.target.find("moved~") == std::string::npos, "no exchange for the first user at the endpoints that the second one gave", a.request.target);
    for (auto const& push : of.theirs.pushes()) s.expect(!push.conversation(c), "no push for the second user with what the first one wrote", "one in " + push.sync_id());
}

/// Of the same ids, as a phone's "main" or "default" is at everybody's.
void same_ids_are_apart(scenario& s) {
    two_of_one of{s};
    auto const c = s.fresh("main"), d = s.fresh("main");
    of.mine.on_push([c](arrival const& a) { return a.conversation(c) ? stand_in::problem(422, "invalid-body") : stand_in::acknowledge(a); });
    write(s, of.mine.user(), c);
    auto const alone = [&] { return std::ranges::any_of(of.mine.pushes_of(c), [](arrival const& a) { return objects_at(a.body, "/conversations").size() == 1 && a.over; }); };
    s.control(of.mine.until(3 * soon, alone), "a push of the conversation alone, which is refused");
    pass(milliseconds{500});
    auto const m = write(s, of.theirs.user(), c);
    s.expect(of.theirs.delivered(soon, c, m), "a push of the second user's conversation, while another of that id is set aside for the first", "none");
    of.mine.on_push({});
    auto const titled = [](std::string const& title) { return [title](json::object& o) { o["title"] = title; }; };
    std::string const first = s.canary(), second = s.canary();
    s.control(of.mine.user().write(d, "text", titled(first)), "a write of the first user");
    s.expect(of.mine.delivered(soon, d), "a push of it", "none");
    s.control(of.theirs.user().write(d, "text", titled(second)), "a write of the second user into a conversation of that id");
    s.expect(of.theirs.delivered(soon, d), "a push of it", "none");
    for (auto const& [b, own] : {std::pair{&of.mine, &first}, {&of.theirs, &second}})
        for (auto const& push : b->pushes_of(d)) s.expect(text_at(*push.conversation(d), "/title") == *own, "the title that this user gave", text_at(*push.conversation(d), "/title"));
}

/// What a server greets everybody with is the same for all of them, to the octet.
void alike_for_two_users(scenario& s) {
    two_of_one of{s};
    auto const c = s.fresh("welcome");
    auto const entry = s.conversation(c, 1, {s.message("m1", "welcome")});
    of.mine.publish(entry);
    s.control(arrives(of.mine.user(), c, "m1", seconds{15} + slack), "an entry that was pulled for the first user, at the target");
    of.theirs.publish(entry);
    s.expect(arrives(of.theirs.user(), c, "m1", seconds{15} + 2 * slack), "the same entry at the target for the second user, for whom it was pulled too", of.theirs.user().read(c).describe());
}

check const checks[] = {
    {.id = "off/alike-for-two-users",
     .title = "an entry that two users' feeds have alike is taken in for both",
     .clauses = {"BSP-OFF-051", "BSP-OFF-072"},
     .impact = "the second person at a shared server never gets what everybody gets",
     .likely_cause = "entries that were joined are recognised by a digest, whoever they were for",
     .run = alike_for_two_users,
     .needs = of_two_users},
    {.id = "off/endpoints-of-each-user",
     .title = "endpoints that one user's registration gives anew are not those of another user's",
     .clauses = {"BSP-REG-031", "BSP-REG-027", "BSP-OFF-001"},
     .impact = "one user of a shared backend has another's conversations sent wherever they like",
     .likely_cause = "what a repeated registration says is written to all rows of the backend_id",
     .run = endpoints_are_apart,
     .needs = of_two_users},
    {.id = "off/one-backend-two-users",
     .title = "a backend that two users have paired has a push position for each",
     .clauses = {"BSP-OFF-071", "BSP-OFF-001", "BSP-OFF-025"},
     .impact = "at a household's server one person's words are lost, or go to another",
     .likely_cause = "registrations are found by backend_id alone",
     .run = pushes_are_apart,
     .needs = of_two_users},
    {.id = "off/one-backend-two-users-pulls",
     .title = "what is pulled from a backend that two users have paired is filed under each, from a position of each",
     .clauses = {"BSP-OFF-072", "BSP-OFF-071"},
     .impact = "one person reads what another one said",
     .likely_cause = "registrations are found by backend_id alone",
     .run = pulls_are_apart,
     .needs = of_two_users},
    {.id = "off/one-backend-two-users-apart",
     .title = "a refused token or an unpairing of one user ends nothing of another user of the same backend",
     .clauses = {"BSP-OFF-010", "BSP-OFF-012"},
     .impact = "one person's device goes out, and nobody's words come home",
     .likely_cause = "registrations are found by backend_id alone",
     .run = refusals_are_apart,
     .needs = of_two_users},
    {.id = "off/one-backend-two-users-telemetry",
     .title = "of two users of one backend each has a queue of events",
     .clauses = {"BSP-TEL-134", "BSP-OFF-071"},
     .impact = "a record of what one person does is filed under another",
     .likely_cause = "registrations are found by backend_id alone",
     .run = events_are_apart,
     .needs = of_two_users},
    {.id = "off/telemetry-several-peers",
     .title = "two different events of a user have different ids, though they are told to two peers",
     .clauses = {"BSP-TEL-135"},
     .impact = "where the two records meet, half of it is taken for a repetition",
     .likely_cause = "events are counted for each peer",
     .run = event_ids_differ_between_peers,
     .needs = as_teller},
    {.id = "off/one-backend-two-users-same-ids",
     .title = "conversations of the same id of two users are refused, and shown, each for itself",
     .clauses = {"BSP-OFF-001", "BSP-OFF-070", "BSP-OFF-025"},
     .impact = "one person's title goes to another's server, or one's refused conversation keeps another's from being sent",
     .likely_cause = "what is known of a conversation is kept by its id, without the user",
     .run = same_ids_are_apart,
     .needs = of_two_users},
};

}  // namespace

group client_users_group() { return {"client_users", profile::off, checks}; }

}  // namespace bsp::conformance
