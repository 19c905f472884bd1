#include "../registry.hpp"
#include "../scenario.hpp"
#include "../signing_key.hpp"
#include "edits.hpp"
#include "habits.hpp"

#include <chrono>
#include <tuple>

// Section 4.5, a backend that was unpaired more than once, and by one of several users.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

exactly_as const invalid_sbt{.statuses = {401}, .codes = {"invalid-sbt"}};

registration with_token(registration r, json::object token) {
    r.body = set("sbt", std::move(token));
    return r;
}

/// The tokens between two unpairings are as dead as those before the first.
void second_unpairing_counts(scenario& s) {
    auto r = s.settled();
    r.signing_key = s.fresh_key();
    r.created = seconds{-600};
    s.control(s.register_peer(r).unpair(), "the first unpairing");
    s.wait_until(s.now() + milliseconds{1500});
    r.created = seconds{0};
    auto const between = s.session_binding_token(r), spare = s.session_binding_token(r);
    auto const again = s.try_register(with_token(r, between));
    s.control(again, "a registration between the unpairings");
    s.wait_until(s.now() + milliseconds{1500});
    s.control(s.peer_of(again, r).unpair(), "the second unpairing");
    s.refused(s.try_register(with_token(r, between)), "a registration with the token of the registration that was unpaired last", invalid_sbt);
    s.refused(s.try_register(with_token(r, spare)), "a registration with another token made between the unpairings", invalid_sbt);
    r.created = seconds{60};
    s.accepted(s.try_register(r), "a registration with a token made after both");
}

void unpairing_is_of_one_user(scenario& s) {
    auto r = s.settled();
    r.signing_key = s.fresh_key();
    r.created = seconds{-600};
    auto theirs = r;
    theirs.user = s.other_account();
    auto const their_token = s.session_binding_token(theirs);
    s.control(s.register_peer(r).unpair(), "the unpairing by the first user's peer");
    s.accepted(s.try_register(with_token(theirs, their_token)), "the other user's registration of the same backend with a token made before that");
    s.refused(s.try_register(r), "a registration of the first user's without a newer token", invalid_sbt);
}

/// A new registration is another peer (BSP-REG-046), and its sync ids begin anew.
void sync_ids_begin_anew(scenario& s) {
    auto r = s.settled();
    r.signing_key = s.fresh_key();
    r.created = seconds{-600};
    auto const sync_id = s.fresh("s");
    auto const before = s.register_peer(r);
    auto const first = s.fresh("c"), second = s.fresh("c");
    s.control(before.push({s.conversation(first, 1, {s.message("m1", "before")})}, {.sync_id = sync_id}), "a push before the unpairing");
    s.control(before.unpair(), "the unpairing");
    r.created = seconds{60};
    auto const after = s.register_peer(r);
    s.accepted(after.push({s.conversation(second, 1, {s.message("m1", "after")})}, {.sync_id = sync_id}), "a push of the new registration with a sync_id of the old");
    auto const x = after.read(second);
    s.expect(ids_at(x.body(), "/messages") == std::vector<std::string>{"m1"}, "the message of that push", x.describe());
}

/// Whoever is refused has changed nothing: neither the registration nor what its tokens are good for.
void refused_removal_changes_nothing(scenario& s) {
    auto r = s.settled();
    r.created = seconds{-600};
    auto const a = s.register_peer(r);
    auto const sibling = s.register_peer(), foreign = s.register_peer_of(s.other_account());
    auto const path = "/peers/" + a.peer_id();
    exactly_as const not_theirs{.statuses = {403, 404}};
    s.refused(sibling.del(path), "a DELETE by another peer of the user", not_theirs);
    s.refused(foreign.del(path), "a DELETE by a peer of another user", not_theirs);
    auto theirs = r;
    theirs.user = s.other_account();
    s.refused(s.register_peer(theirs).del(path), "a DELETE by the same backend, with the same key, as a peer of another user", not_theirs);
    auto posing = s.settled({.user = s.other_account()});
    auto own = s.settled();
    posing.backend_id = own.backend_id;
    auto const mine = s.register_peer(own);
    auto const poser = s.register_peer(posing);
    s.refused(poser.del("/peers/" + mine.peer_id()), "a DELETE by another user's peer of the same backend_id, with a key of its own", not_theirs);
    s.accepted(mine.pull({.limit = 1}), "a pull by the peer that the other one tried to remove");
    s.refused(s.register_peer({.signing_key = r.signing_key}).del(path), "a DELETE by another backend of the user that has the same key", not_theirs);
    s.refused(s.other_user().del(path), "a DELETE by another user", not_theirs);
    s.refused(s.nobody().del(path), "a DELETE without a credential", {.statuses = {401}});
    auto again = r;
    again.created = seconds{-300};
    auto const x = s.try_register(again);
    s.accepted(x, "after refused removals, a registration with a token made before them");
    s.expect(x.text("/peer_id") == a.peer_id(), "it has the same peer_id", x.text("/peer_id"));
    s.accepted(a.push({s.conversation(s.fresh("c"), 1, {})}), "a push by the peer that nobody may remove");
}

/// The token of a registration may come again with other capabilities (BSP-REG-027).
void same_token_states_capabilities(scenario& s) {
    auto r = s.settled();
    r.identity = set("capabilities", json::array{"x-first"});
    auto const token = s.session_binding_token(r);
    auto const x = s.try_register(with_token(r, token));
    s.control(x, "a registration");
    auto const a = s.peer_of(x, r);
    for (json::array const& stated : {json::array{"x-second", "x-third"}, json::array{"x-fourth"}}) {
        r.identity = set("capabilities", stated);
        s.accepted(s.try_register(with_token(r, token)), "a registration with the same token and other capabilities");
        auto const list = s.user().get("/peers");
        s.control(list, "the user's list of peers");
        auto const* entry = find_by_id(list.body(), "/peers", a.peer_id(), "peer_id");
        s.expect(entry != nullptr, "the list holds the peer", show(list.body()));
        s.expect_same("capabilities after a registration with the same token", json::value(stated), entry->if_contains("capabilities"));
    }
}

/// What a registration says once more is said of that registration.
void capabilities_of_each_user(scenario& s) {
    auto mine = s.settled(), theirs = mine;
    theirs.user = s.other_account();
    theirs.signing_key = s.key();
    auto sister = s.settled({.signing_key = mine.signing_key});
    mine.identity = set("capabilities", json::array{"x-mine"});
    sister.identity = set("capabilities", json::array{"x-sister"});
    theirs.identity = set("capabilities", json::array{"x-theirs"});
    auto const a = s.register_peer(mine), b = s.register_peer(sister), c = s.register_peer(theirs);
    auto const entry = [&](caller const& who, peer const& of) {
        auto const list = who.get("/peers");
        s.control(list, "the list of peers of " + who.name());
        auto const* e = find_by_id(list.body(), "/peers", of.peer_id(), "peer_id");
        s.expect(e != nullptr, "the list holds the peer", show(list.body()));
        return *e;
    };
    auto const of_a = entry(s.user(), a), of_b = entry(s.user(), b);
    auto const token = s.session_binding_token(theirs);
    auto newer = theirs;
    newer.created = seconds{60};
    for (auto const& [how, stated] : {std::pair{with_token(theirs, token), json::array{"x-one"}}, {with_token(theirs, token), json::array{"x-two", "x-three"}}, {newer, json::array{"x-four"}}}) {
        auto again = how;
        again.identity = set("capabilities", stated);
        s.control(s.try_register(again), "another user's registration again, with other capabilities");
        s.expect_same("the capabilities of that registration", json::value(stated), entry(s.other_user(), c).if_contains("capabilities"));
        for (auto const& [was, is, whose] : {std::tuple{of_a, entry(s.user(), a), "the first user's registration of the same backend_id"}, {of_b, entry(s.user(), b), "the first user's other registration"}})
            for (char const* name : {"capabilities", "sbt", "public_key", "registered_at"})
                if (auto const* before = was.if_contains(name)) s.expect_same(std::string{name} + " of " + whose + ", after the other user's registered again", *before, is.if_contains(name));
    }
}

check const checks[] = {
    {.id = "peer/kept-connection",
     .title = "a peer that was removed is refused on the connections that it has open, too",
     .clauses = {"BSP-REG-043", "BSP-REG-053"},
     .impact = "a device that was sold or stolen goes on reading and writing for as long as its connection lasts",
     .likely_cause = "a registration is read once for each connection, by an object mapper's session or a middleware",
     .run = connections_see_removals, .needs = need::sockets},
    {.id = "reg/capabilities-of-each-user",
     .title = "a user who registers a backend again changes nothing of another user's registration of it",
     .clauses = {"BSP-REG-031", "BSP-REG-027"},
     .impact = "one user of a shared backend decides how the other's is treated, or where the other's conversations go",
     .likely_cause = "what a repeated registration says is written to all rows of the backend_id",
     .run = capabilities_of_each_user, .needs = need::second_user},
    {.id = "peer/refused-removal",
     .title = "a removal that is refused changes nothing, nor what tokens are good for",
     .clauses = {"BSP-REG-023", "BSP-REG-040", "BSP-AUT-055"},
     .impact = "anybody who knows a peer_id can void another device's tokens",
     .likely_cause = "the moment of the removal is noted before the caller is looked at, or callers are compared by backend_id or key",
     .run = refused_removal_changes_nothing, .needs = need::second_user},
    {.id = "reg/same-token",
     .title = "a registration with the same token states the capabilities anew",
     .clauses = {"BSP-REG-027"},
     .impact = "a device that was updated is treated as the old one until its token is renewed",
     .likely_cause = "a token that is known is taken for a request that is known",
     .run = same_token_states_capabilities},
    {.id = "peer/unpair-twice",
     .title = "a second unpairing ends the tokens made since the first",
     .clauses = {"BSP-REG-044"},
     .impact = "a device that was removed a second time pairs itself again with the token it kept",
     .likely_cause = "the time of an unpairing is stored once and not replaced by the next",
     .run = second_unpairing_counts, .needs = need::patience},
    {.id = "peer/unpair-of-one-user",
     .title = "an unpairing by one user leaves the tokens of another alone",
     .clauses = {"BSP-REG-044", "BSP-REG-031"},
     .impact = "one user of a shared device locks out the others",
     .likely_cause = "the time of an unpairing is kept by backend_id without the user",
     .run = unpairing_is_of_one_user, .needs = need::second_user},
    {.id = "syn/sync-id-after-pairing-again",
     .title = "a sync_id of before an unpairing is free for the next registration",
     .clauses = {"BSP-SYN-074", "BSP-REG-046"},
     .impact = "a device that was set up anew counts its pushes from 1 and has them refused or dropped",
     .likely_cause = "accepted pushes are remembered by backend_id in the place of peer_id",
     .run = sync_ids_begin_anew},
};

}  // namespace

group peers_removal_again_group() { return {"peers-removal-again", profile::syn, checks}; }

}  // namespace bsp::conformance
