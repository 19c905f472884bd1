#include "../registry.hpp"
#include "../scenario.hpp"
#include "edits.hpp"
#include "ground.hpp"
#include "habits.hpp"

#include <bsp/base/uri.hpp>

// What opens no door: stated capabilities, a token in a query, and an old door that has to guess.

namespace bsp::conformance {
namespace {

bool lists(exchange const& x, peer const& p) { return find_by_id(x.body(), "/peers", p.peer_id(), "peer_id") != nullptr; }

void capabilities_grant_nothing(scenario& s) {
    auto const victim = s.register_peer_of(s.other_account());
    auto const c = s.fresh("c"), content = s.canary();
    s.control(victim.push({s.conversation(c, 1, {s.message("m1", content)})}), "a push by another user's peer");
    auto const a = s.register_peer({.identity = set("capabilities", json::array{"admin", "administrator", "root", "*", "cross_user_analytics", "global_telemetry", "persistence"})});
    auto const list = a.get("/peers");
    s.accepted(list, "GET /peers by a peer that states every capability there is");
    s.expect(!lists(list, victim), "the list has only peers of its own user", "another user's peer is in it");
    s.refused(a.del("/peers/" + victim.peer_id()), "DELETE of another user's peer", {.statuses = {401, 403, 404}});
    auto const read = a.read(c);
    s.refused(read, "reading another user's conversation", {.statuses = {404}});
    auto const feed = recent_feed(s, a);
    for (auto const& entry : feed.conversations) s.expect(json::serialize(entry).find(content) == std::string::npos, "nothing of another user's in the feed", show(entry));
    s.accepted(victim.pull({.limit = 1}), "a pull by the other user's peer, afterwards");
}

void old_door_does_not_guess(scenario& s) {
    auto one = s.settled(), other = one;
    other.user = s.other_account();
    auto const a = s.register_peer(one), b = s.register_peer(other);
    if (auto const x = a.push({}, {.path = "/sync"}); !x.ok()) s.not_applicable("POST /sync does not take a valid push (" + x.describe() + ")");
    auto const c = s.fresh("c");
    s.refused(a.push({s.conversation(c, 1, {s.message("m1", "x")})}, {.before_signing = drop("peer_id"), .path = "/sync"}),
              "a push to POST /sync without peer_id by a backend that two users have registered", {});
    for (peer const* p : {&a, &b}) s.expect(p->read(c).status() == 404, "neither user has the conversation", p->read(c).describe());
}

void query_holds_no_token(scenario& s) {
    auto const token = percent_encode_segment(s.admin_token());
    s.control(s.admin().get("/peers"), "GET /peers with the admin token in its place");
    for (std::string const name : {"admin_token", "token", "access_token"}) {
        auto const x = s.nobody().get("/peers?" + name + "=" + token);
        s.refused(x, "GET /peers with the admin token as query parameter " + name, {.statuses = {401}});
        s.expect(x.bytes().find(s.admin_token()) == std::string::npos, "an answer without the token", "it repeats it");
    }
}

/// By whatever method somebody without a credential asks: what there is cannot be told from what there is not.
void no_method_tells_what_there_is(scenario& s) {
    auto const c = s.fresh("c"), none = s.fresh("c");
    auto const a = s.register_peer();
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "x")})}), "a push");
    s.control(a.read(c), "the peer reads the conversation");
    for (std::string const method : {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})
        for (std::string const tail : {"", "/messages/m1", "/messages"}) {
            auto const there = s.nobody().call(method, "/conversations/" + c + tail, std::nullopt), nowhere = s.nobody().call(method, "/conversations/" + none + tail, std::nullopt);
            s.control(there.answered() && nowhere.answered(), method + " without a credential is answered");
            s.expect(there.status() == nowhere.status(), method + " /conversations/…" + tail + " without a credential is answered alike for a conversation that there is and one that there is not",
                     std::to_string(there.status()) + " and " + std::to_string(nowhere.status()));
        }
    s.expect(a.read(c).ok() && find_by_id(a.read(c).body(), "/messages", "m1"), "nothing has changed", show(a.read(c).body()));
}

check const checks[] = {
    {.id = "peer/capabilities-grant-nothing",
     .title = "whatever capabilities a peer states, it may do what every peer may, and no more",
     .clauses = {"BSP-ID-020"},
     .impact = "a backend makes itself administrator by saying so",
     .likely_cause = "capabilities are used as roles",
     .run = capabilities_grant_nothing,
     .needs = need::second_user},
    {.id = "peer/alias-ambiguous",
     .title = "POST /sync, where it is served, refuses a push that fits the registrations of two users",
     .clauses = {"BSP-SYN-084"},
     .impact = "one user's messages are stored as another's",
     .likely_cause = "the first registration of the source is taken",
     .run = old_door_does_not_guess,
     .needs = need::second_user},
    {.id = "aut/every-method",
     .title = "without a credential no method tells which conversations there are",
     .clauses = {"BSP-AUT-055"},
     .impact = "anybody finds out what somebody keeps, name by name",
     .likely_cause = "a framework answers HEAD or OPTIONS by itself, past the authentication",
     .run = no_method_tells_what_there_is},
    {.id = "peer/admin-token-in-query",
     .title = "the admin token in a query opens nothing",
     .clauses = {"BSP-AUT-053"},
     .impact = "the token stands in the logs of every proxy",
     .likely_cause = "a parameter of the handler that the framework reads from the query",
     .run = query_holds_no_token,
     .needs = need::admin_token,
     .strength = obligation::should},
    {.id = "aut/stands-alone",
     .title = "each request proves itself, whatever its connection carried before",
     .clauses = {"BSP-AUT-001", "BSP-AUT-044"},
     .impact = "behind a proxy that shares connections one person acts as another; and a captured request is good once more at every worker",
     .likely_cause = "the user is kept with the connection, or used assertions are remembered by each process for itself",
     .run = each_request_stands_alone,
     .needs = need::sockets},
    {.id = "aut/other-method",
     .title = "an assertion for GET does not open HEAD",
     .clauses = {"BSP-AUT-030"},
     .impact = "an assertion is good for more than it was made for",
     .likely_cause = "the framework answers HEAD by the handler of GET, and calls it GET",
     .run = assertions_of_other_methods},
    {.id = "peer/list-again",
     .title = "a list of peers that was read before shows registrations, renewals and unpairings at once",
     .clauses = {"BSP-REG-034", "BSP-REG-037", "BSP-REG-027"},
     .impact = "who was unpaired is shown as paired, and who was paired is not shown",
     .likely_cause = "a cache of the list, or a copy of the database that is behind",
     .run = peers_read_again},
};

}  // namespace

group authority_group() { return {"authority", profile::reg, checks}; }

}  // namespace bsp::conformance
