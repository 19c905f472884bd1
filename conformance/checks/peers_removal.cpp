#include "../registry.hpp"
#include "../scenario.hpp"
#include "../surroundings.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <algorithm>

// Chapter 4, what unpairing and revocation end, what they keep, and who may come back.

namespace bsp::conformance {
namespace {

using std::chrono::seconds;

exactly_as const gone{.statuses = {401, 403, 404}};
exactly_as const gone_from_path{.statuses = {403, 404}, .codes = {"unknown-peer", "peer-revoked"}};
exactly_as const invalid_sbt{.statuses = {401}, .codes = {"invalid-sbt"}};
exactly_as const peer_revoked{.statuses = {403}, .codes = {"peer-revoked"}};

/// A registration with a key that is its own, and a token created a minute ago: older than whatever the
/// check does next, also by a clock that runs a little behind.
registration pairing(scenario& s) {
    auto r = s.settled({.signing_key = s.fresh_key()});
    r.created = seconds{-60};
    return r;
}

/// `r` with a token created later than anything that has happened so far.
registration later(registration r, int times = 1) {
    r.created = seconds{30 * times};
    return r;
}

std::string stored_conversation(scenario& s, peer const& p) {
    auto const c = s.fresh("c");
    s.control(p.push({s.conversation(c, 1, {s.message("m1", "kept")})}), "a push by the registered peer");
    return c;
}

exchange push_something(scenario& s, peer const& p) { return p.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}); }

exchange revoke(scenario& s, peer const& p) { return s.admin().del("/peers/" + p.peer_id()); }

bool is_listed(scenario& s, peer const& p) {
    auto const x = s.user(p.user()).get("/peers");
    s.control(x, "GET /peers by the user of a registration");
    return find_by_id(x.body(), "/peers", p.peer_id(), "peer_id") != nullptr;
}

void expect_works(scenario& s, peer const& p, std::string const& who) {
    s.accepted(push_something(s, p), "a push by " + who);
    s.accepted(p.pull({.limit = 1}), "a pull by " + who);
}

// ---- unpairing -------------------------------------------------------------------------------------------

void expect_unpaired(scenario& s, exchange const& x, peer const& p, std::string const& by) {
    s.accepted(x, "DELETE of a peer by " + by);
    s.exactly(x.status() == 200, "status 200", x.describe());
    s.expect(x.text("/status") == "unpaired", "status is \"unpaired\"", show(x.body()));
    s.expect(x.text("/peer_id") == p.peer_id(), "the peer_id that was removed", show(x.body()));
}

void peer_unpairs_itself(scenario& s) {
    auto const a = s.register_peer();
    s.control(push_something(s, a), "a push by the registered peer");
    expect_unpaired(s, a.unpair(), a, "the peer itself");
}

void user_unpairs(scenario& s) {
    auto const a = s.register_peer(), sibling = s.register_peer();
    expect_unpaired(s, s.user().del("/peers/" + a.peer_id()), a, "its user");
    s.accepted(push_something(s, sibling), "a push by another peer of the user");
}

void list_is_without_removed(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer(), sibling = s.register_peer();
    s.control(a.unpair(), "DELETE of a peer by itself");
    s.control(s.user().del("/peers/" + b.peer_id()), "DELETE of a peer by its user");
    auto const look = [&](exchange const& x, std::string const& by, std::initializer_list<peer const*> removed) {
        s.control(x, "GET /peers by " + by);
        s.expect(find_by_id(x.body(), "/peers", sibling.peer_id(), "peer_id") != nullptr, "the list holds the peer that remains", show(ids_at(x.body(), "/peers", "peer_id")));
        for (auto const* p : removed) s.expect(find_by_id(x.body(), "/peers", p->peer_id(), "peer_id") == nullptr, "the list of " + by + " does not hold a removed peer", "it does: " + p->peer_id());
    };
    look(s.user().get("/peers"), "a user", {&a, &b});
    look(sibling.get("/peers"), "a peer", {&a, &b});
    if (!s.shared().options.admin_token) return;
    look(s.admin().get("/peers"), "an administrator", {&a, &b});
    if (!s.target_is_hosted()) return;
    auto const revoked = s.register_peer({.signing_key = s.fresh_key()});
    s.control(revoke(s, revoked), "DELETE of a peer by an administrator");
    look(s.user().get("/peers"), "a user", {&revoked});
    look(s.admin().get("/peers"), "an administrator", {&revoked});
}

void removed_peer_is_refused(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    for (auto const& [p, by] : {std::pair{&a, "itself"}, {&b, "its user"}}) {
        auto const c = stored_conversation(s, *p);
        s.control(p->pull({.limit = 1}), "a pull by the registered peer");
        s.control(p->get("/conversations?limit=1"), "GET /conversations by the registered peer");
        s.control(p == &a ? p->unpair() : s.user().del("/peers/" + p->peer_id()), std::string{"DELETE of the peer by "} + by);
        auto const after = std::string{" by a peer removed by "} + by;
        s.refused(p->push({s.conversation(c, 2, {s.message("m2", "late", 2)})}), "a push" + after, gone_from_path);
        s.refused(p->pull({.limit = 1}), "a pull" + after, {.statuses = {401, 403, 404}, .codes = {"unknown-peer", "peer-revoked", "invalid-credential"}});
        s.refused(p->get("/conversations?limit=1"), "GET /conversations" + after, gone);
        s.refused(p->read(c), "a read" + after, gone);
        s.refused(p->write(c, "late"), "a local write" + after, gone);
        s.refused(p->del("/conversations/" + c), "DELETE of a conversation" + after, gone);
        s.refused(p->get("/peers"), "GET /peers" + after, gone);
        s.refused(p->unpair(), "DELETE of the peer" + after, gone);
        auto const now = s.user().read(c);
        s.control(now, "the user reading the conversation");
        s.expect(ids_at(now.body(), "/messages") == std::vector<std::string>{"m1"}, "m1 alone", show(ids_at(now.body(), "/messages")));
    }
}

void removal_keeps_conversations(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer(), witness = s.register_peer();
    auto const by_peer = stored_conversation(s, a), by_user = stored_conversation(s, b);
    s.control(a.unpair(), "DELETE of a peer by itself");
    s.control(s.user().del("/peers/" + b.peer_id()), "DELETE of a peer by its user");
    auto const still_there = [&](std::string const& c, std::string const& after) {
        for (auto const& x : {s.user().read(c), witness.read(c)}) {
            s.accepted(x, "reading a conversation after " + after);
            auto const* kept = find_by_id(x.body(), "/messages", "m1");
            s.expect(kept && text_at(json::value(*kept), "/content") == "kept", "the conversation as it was before " + after, show(x.body()));
        }
        auto const feed = recent_feed(s, witness);
        s.expect(feed.find(c) != nullptr, "the conversation in the feed of another peer after " + after, "absent");
    };
    still_there(by_peer, "its source unpaired itself");
    still_there(by_user, "its source was unpaired by the user");
    if (!s.shared().options.admin_token || !s.target_is_hosted()) return;
    auto const revoked = s.register_peer({.signing_key = s.fresh_key()});
    auto const c = stored_conversation(s, revoked);
    s.control(revoke(s, revoked), "DELETE of a peer by an administrator");
    still_there(c, "its source was revoked");
}

// ---- pairing again ---------------------------------------------------------------------------------------

void unpairing_ends_old_tokens(scenario& s) {
    for (bool const by_peer : {true, false}) {
        auto const r = pairing(s);
        auto const token = s.session_binding_token(r);
        auto the_token = r;
        the_token.body = set("sbt", token);
        auto const first = s.try_register(the_token);
        auto const a = s.peer_of(first, r);
        s.control(by_peer ? a.unpair() : s.user().del("/peers/" + a.peer_id()), by_peer ? "DELETE of the peer by itself" : "DELETE of the peer by its user");
        auto another = r, older = r, other_key = the_token;
        another.created = seconds{-40};
        older.created = seconds{-3600};
        other_key.signing_key = s.fresh_key();
        s.refused(s.try_register(the_token), "a registration with the token of the registration that was unpaired", invalid_sbt);
        s.refused(s.try_register(another), "a registration with a later token, made before the unpairing", invalid_sbt);
        s.refused(s.try_register(older), "a registration with a token older than the registration that was unpaired", invalid_sbt);
        s.refused(s.try_register(other_key), "a registration with the token of the registration that was unpaired, and another key", invalid_sbt);
        s.control(s.try_register(later(r)), "a registration with a token made after the unpairing");
        s.control(s.try_register(), "a registration of another backend with a new token");
    }
}

void pairing_again_makes_a_new_peer(scenario& s) {
    auto const r = pairing(s);
    std::vector<peer> peers{s.register_peer(r)};
    auto const c = stored_conversation(s, peers.front());
    for (int round = 1; round <= 2; ++round) {
        auto const& before = peers.back();
        s.control(round == 1 ? before.unpair() : s.user().del("/peers/" + before.peer_id()), "DELETE of the peer");
        auto const x = s.try_register(later(r, round));
        s.accepted(x, "a registration with a token made after the unpairing");
        auto const id = x.text("/peer_id");
        for (auto const& old : peers) s.expect(id != old.peer_id(), "a new peer_id after an unpairing", "the old one: " + id);
        auto now = s.peer_of(x, r);
        for (auto const& old : peers) {
            s.refused(push_something(s, old), "a push under a peer_id from before the unpairing", gone_from_path);
            s.refused(old.pull({.limit = 1}), "a pull under a peer_id from before the unpairing", gone);
            s.refused(old.get("/peers"), "GET /peers under a peer_id from before the unpairing", gone);
        }
        expect_works(s, now, "the peer that was paired again");
        auto const read = now.read(c);
        s.accepted(read, "reading, by the peer that was paired again, what was pushed before");
        peers.push_back(std::move(now));
    }
    auto const list = s.user().get("/peers");
    s.control(list, "the user's list of peers");
    auto const ids = ids_at(list.body(), "/peers", "backend_id");
    s.expect(std::count(ids.begin(), ids.end(), *r.backend_id) == 1, "one entry in the list of peers", std::to_string(std::count(ids.begin(), ids.end(), *r.backend_id)));
}

void pairing_again_with_another_key(scenario& s) {
    auto const r = pairing(s);
    auto const a = s.register_peer(r);
    s.control(a.unpair(), "DELETE of the peer by itself");
    auto renewed = later(r);
    renewed.signing_key = s.fresh_key();
    auto const x = s.try_register(renewed);
    s.accepted(x, "a registration with another key and a token made after the unpairing");
    expect_works(s, s.peer_of(x, renewed), "the peer that was paired again with another key");
}

// ---- revocation ------------------------------------------------------------------------------------------

void admin_revokes(scenario& s) {
    auto const a = s.register_peer(pairing(s)), bystander = s.register_peer();
    auto const c = stored_conversation(s, a);
    auto const x = revoke(s, a);
    s.accepted(x, "DELETE of a peer by an administrator");
    s.exactly(x.status() == 200, "status 200", x.describe());
    s.expect(x.text("/status") == "revoked", "status is \"revoked\"", show(x.body()));
    s.expect(x.text("/peer_id") == a.peer_id(), "the peer_id that was revoked", show(x.body()));
    s.refused(a.push({s.conversation(c, 2, {s.message("m2", "late", 2)})}), "a push by a revoked peer", gone_from_path);
    auto const now = bystander.read(c);
    s.control(now, "another peer reading the conversation");
    s.expect(ids_at(now.body(), "/messages") == std::vector<std::string>{"m1"}, "m1 alone", show(ids_at(now.body(), "/messages")));
    s.accepted(push_something(s, bystander), "a push by a peer that was not revoked");
}

void revoked_peer_does_not_read(scenario& s) {
    auto const a = s.register_peer(pairing(s));
    auto const c = stored_conversation(s, a);
    s.control(a.pull({.limit = 1}), "a pull before the revocation");
    s.control(a.get("/conversations?limit=1"), "GET /conversations before the revocation");
    s.control(revoke(s, a), "DELETE of the peer by an administrator");
    s.refused(a.pull({.limit = 1}), "a pull by a revoked peer", gone);
    s.refused(a.get("/conversations?limit=1"), "GET /conversations by a revoked peer", gone);
    s.refused(a.read(c), "a read by a revoked peer", gone);
    s.refused(a.write(c, "late"), "a local write by a revoked peer", gone);
    s.refused(a.get("/peers"), "GET /peers by a revoked peer", gone);
    s.refused(a.get("/sync/" + a.peer_id() + "/digest"), "GET of the digest by a revoked peer", {.statuses = {401, 403, 404, 405}});
}

void revoked_backend_stays_out(scenario& s) {
    auto const r = pairing(s);
    auto const a = s.register_peer(r);
    s.control(revoke(s, a), "DELETE of the peer by an administrator");
    s.refused(s.try_register(r), "a registration of a revoked backend with its old token", {.statuses = {403, 401}, .codes = {"peer-revoked", "invalid-sbt"}});
    s.refused(s.try_register(later(r)), "a registration of a revoked backend with a newer token", peer_revoked);
    auto other_key = later(r);
    other_key.signing_key = s.fresh_key();
    s.refused(s.try_register(other_key), "a registration of a revoked backend with a newer token and another key", peer_revoked);
    s.refused(push_something(s, a), "a push by the revoked peer afterwards", gone_from_path);
    auto const list = s.user().get("/peers");
    s.control(list, "the user's list of peers");
    s.expect(find_by_id(list.body(), "/peers", *r.backend_id, "backend_id") == nullptr, "the revoked backend is not listed", "it is");
    s.control(s.try_register(), "a registration of another backend");
}

void revocation_counts_for_all_users(scenario& s) {
    auto const mine = pairing(s);
    auto theirs = mine;
    theirs.user = s.other_account();
    theirs.signing_key = s.fresh_key();
    auto const a = s.register_peer(mine), b = s.register_peer(theirs);
    s.control(push_something(s, a), "a push by the first user's registration");
    s.control(push_something(s, b), "a push by the second user's registration of the same backend");
    s.control(is_listed(s, b), "the second user's registration in that user's list");
    s.control(revoke(s, a), "DELETE of the first user's registration by an administrator");
    s.expect(!is_listed(s, b), "the second user's registration of the revoked backend is not listed", "it is");
    s.refused(push_something(s, b), "a push by the second user's registration of the revoked backend", gone_from_path);
    s.refused(b.pull({.limit = 1}), "a pull by the second user's registration of the revoked backend", gone);
    s.refused(s.try_register(later(theirs)), "a registration of the revoked backend by the second user", peer_revoked);

    // A user that never had it cannot bring it in either.
    auto const only_mine = pairing(s);
    auto newcomer = later(only_mine);
    newcomer.user = s.other_account();
    newcomer.signing_key = s.fresh_key();
    s.control(revoke(s, s.register_peer(only_mine)), "DELETE of another peer by an administrator");
    s.refused(s.try_register(newcomer), "the second user's first registration of a backend revoked for the first user", peer_revoked);
    s.control(s.try_register({.user = s.other_account()}), "a registration of another backend by the second user");
}

void revoked_key_stays_out(scenario& s) {
    auto const r = pairing(s);
    auto const sister = s.settled({.signing_key = r.signing_key});
    auto const a = s.register_peer(r), b = s.register_peer(sister);
    s.control(push_something(s, b), "a push by another backend with the same key");
    s.control(is_listed(s, b), "that backend in the list");
    s.control(revoke(s, a), "DELETE of the peer by an administrator");
    s.expect(!is_listed(s, b), "the other registration of the revoked key is not listed", "it is");
    s.refused(s.try_register({.signing_key = r.signing_key, .created = seconds{30}}), "a registration of another backend with the key of a revoked peer", peer_revoked);
    s.refused(push_something(s, b), "a push by the other registration of the revoked key", gone_from_path);
    if (s.shared().options.users.size() > 1)
        s.refused(s.try_register({.user = s.other_account(), .signing_key = r.signing_key, .created = seconds{30}}), "a registration, by another user, with the key of a revoked peer", peer_revoked);
    std::string crlf;
    for (char ch : std::string{text_at(json::value(s.registration_body(r)), "/backend_identity/public_key")}) crlf += ch == '\n' ? std::string{"\r\n"} : std::string(1, ch);
    s.refused(s.try_register({.signing_key = r.signing_key, .created = seconds{30}, .identity = set("public_key", crlf)}), "a registration with the key of a revoked peer, written with CRLF", peer_revoked);
    s.control(s.try_register(), "a registration of another backend with another key");
}

constexpr unsigned for_revocation = need::admin_token | need::hosted_target;

check const checks[] = {
    {.id = "peer/unpair-by-peer",
     .title = "a peer unpairs itself",
     .clauses = {"BSP-REG-041"},
     .impact = "a device cannot leave",
     .likely_cause = "DELETE is for administrators only",
     .run = peer_unpairs_itself},
    {.id = "peer/unpair-by-user",
     .title = "a user unpairs a peer",
     .clauses = {"BSP-REG-041", "BSP-AUT-037"},
     .impact = "a user cannot remove a lost device",
     .likely_cause = "DELETE is for administrators or the peer only",
     .run = user_unpairs},
    {.id = "peer/list-without-removed",
     .title = "the list of peers holds no removed registration",
     .clauses = {"BSP-REG-037"},
     .impact = "the user believes that a removed device still has access",
     .likely_cause = "removed entries are flagged and not filtered",
     .run = list_is_without_removed},
    {.id = "peer/removed-is-refused",
     .title = "a removed peer is refused everywhere",
     .clauses = {"BSP-REG-043", "BSP-AUT-026"},
     .impact = "a lost device goes on reading and writing after it was removed",
     .likely_cause = "one of the endpoints looks the key up in a cache or in another table",
     .run = removed_peer_is_refused},
    {.id = "peer/unpair-keeps-conversations",
     .title = "the removal of a peer keeps the conversations",
     .clauses = {"BSP-REG-048"},
     .impact = "removing a device deletes what was written on it",
     .likely_cause = "ON DELETE CASCADE from peers to conversations",
     .run = removal_keeps_conversations},
    {.id = "peer/unpair-ends-old-tokens",
     .title = "tokens made before an unpairing are refused after it",
     .clauses = {"BSP-REG-044"},
     .impact = "a removed device pairs itself again with the token it kept",
     .likely_cause = "the unpairing leaves no trace to compare created_at with",
     .run = unpairing_ends_old_tokens},
    {.id = "peer/pair-again",
     .title = "a token made after an unpairing pairs the backend again, under a new peer_id",
     .clauses = {"BSP-REG-045", "BSP-REG-046", "BSP-REG-011"},
     .impact = "a device once removed can never return, or its old id comes back to life",
     .likely_cause = "unpairing treated as revocation, or peer_id derived from backend_id",
     .run = pairing_again_makes_a_new_peer},
    {.id = "peer/pair-again-other-key",
     .title = "after an unpairing a backend may be paired with another key",
     .clauses = {"BSP-REG-047"},
     .impact = "a device that was set up anew can never return",
     .likely_cause = "the pinned key outlives the registration",
     .run = pairing_again_with_another_key},
    {.id = "peer/revoke",
     .title = "an administrator revokes a peer, and its pushes are refused",
     .clauses = {"BSP-REG-049", "BSP-REG-043", "BSP-REG-054", "BSP-AUT-049"},
     .impact = "a stolen backend goes on writing",
     .likely_cause = "revocation recorded in a list that pushes do not consult",
     .run = admin_revokes,
     .needs = for_revocation},
    {.id = "peer/revoke-ends-pull",
     .title = "a revoked peer reads nothing",
     .clauses = {"BSP-REG-043"},
     .impact = "a stolen backend goes on reading along",
     .likely_cause = "revocation is checked for pushes only",
     .run = revoked_peer_does_not_read,
     .needs = for_revocation},
    {.id = "peer/revoked-cannot-return",
     .title = "a revoked backend cannot register again, whatever its token and key",
     .clauses = {"BSP-REG-051"},
     .impact = "the thief of a backend registers again within seconds",
     .likely_cause = "registration does not consult the list of revoked backends",
     .run = revoked_backend_stays_out,
     .needs = for_revocation},
    {.id = "peer/revoked-for-every-user",
     .title = "a revocation takes effect on all users' registrations of the backend",
     .clauses = {"BSP-REG-053", "BSP-REG-051", "BSP-REG-037"},
     .impact = "a stolen backend of many users is locked out of one account only",
     .likely_cause = "revocations are kept by user, or mark a single registration, or lists of peers are kept and forgotten by user",
     .run = revocation_counts_for_all_users,
     .needs = need::second_user | for_revocation},
    {.id = "peer/revoked-key",
     .title = "the key of a revoked peer is refused under every backend_id",
     .clauses = {"BSP-REG-052", "BSP-REG-053", "BSP-REG-037"},
     .impact = "the thief of a key comes back under another name",
     .likely_cause = "revocation covers backend_id only",
     .run = revoked_key_stays_out,
     .needs = need::all_users | for_revocation},
};

}  // namespace

group peers_removal_group() { return {"peers_removal", profile::reg, checks}; }

}  // namespace bsp::conformance
