#include "../registry.hpp"
#include "../scenario.hpp"
#include "../signing_key.hpp"
#include "edits.hpp"

#include <chrono>

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

check const checks[] = {
    {.id = "peer/unpair-twice",
     .title = "a second unpairing ends the tokens made since the first",
     .clauses = {"BSP-REG-044"},
     .impact = "a device that was removed a second time pairs itself again with the token it kept",
     .likely_cause = "the time of an unpairing is stored once and not replaced by the next",
     .run = second_unpairing_counts},
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
