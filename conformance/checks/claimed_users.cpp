#include "../registry.hpp"
#include "../scenario.hpp"
#include "edits.hpp"
#include "ground.hpp"

// Requests that name another user than the one whose credential they carry, and what two users have in common.

namespace bsp::conformance {
namespace {

/// Every place beside the credential in which a request might name a user.
constexpr char const* members[] = {"user_id", "user", "sub"};
constexpr char const* headers[] = {"X-User-Id", "X-User", "X-Forwarded-User", "X-Remote-User"};

void name_in_headers(http_request& r, std::string const& user) {
    for (auto const* name : headers) r.headers.add(name, user);
}

void name_in_members(json::object& o, std::string const& user) {
    for (auto const* name : members) o[name] = user;
}

void user_comes_from_the_credential(scenario& s) {
    auto const other = s.other_account().id;
    auto const query = "?user_id=" + other + "&user=" + other;
    auto const headed = [&](http_request& r) { name_in_headers(r, other); };
    auto const named = [&](json::object& o) { name_in_members(o, other); };
    auto const belongs_to_the_first = [&](std::string const& c, std::string const& what) {
        s.accepted(s.user().read(c), "reading " + what + " by the user of the credential");
        s.refused(s.other_user().read(c), "reading " + what + " by the user that was named");
    };

    auto const a = s.register_peer();
    auto const pushed = s.fresh("c");
    s.accepted(a.push({s.conversation(pushed, 1, {s.message("m1", "mine", 1, named)}, named)}, {.before_signing = named, .path = "/sync/" + a.peer_id() + query, .request = headed}),
               "a push that names another user");
    belongs_to_the_first(pushed, "what was pushed");

    auto const written = s.fresh("c");
    json::object body{{"role", "user"}, {"content", "mine"}, {"surface", "web"}};
    named(body);
    s.accepted(s.user().post("/conversations/" + written + "/messages" + query, body, {.request = headed}), "a write that names another user");
    belongs_to_the_first(written, "what was written");

    auto r = s.settled();
    r.identity = named;
    r.body = named;
    r.request = headed;
    auto const b = s.peer_of(s.try_register(r), r);
    auto const of_new_peer = s.fresh("c");
    s.accepted(b.push({s.conversation(of_new_peer, 1, {s.message("m1", "mine")})}), "a push of a peer whose registration named another user");
    belongs_to_the_first(of_new_peer, "what that peer pushed");

    auto const theirs = s.fresh("c");
    auto const canary = s.canary();
    s.control(s.other_user().write(theirs, canary), "a write of the other user");
    s.refused(s.user().get("/conversations/" + theirs + query, {.request = headed}), "reading the other user's conversation by naming that user");
    (void)s.user().del("/conversations/" + theirs + query, {.request = headed});  // of what the user does not have, however that is answered (BSP-CNV-067)
    auto const feed = a.get("/sync/" + a.peer_id() + query + "&since=" + s.in_seconds(-30), {.request = headed});
    s.accepted(feed, "a pull that names another user");
    s.expect(feed.bytes().find(canary) == std::string::npos, "a pull without the other user's data", "it has them");
    s.accepted(s.other_user().read(theirs), "reading the other user's conversation by that user");
}

void losers_are_per_user(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer_of(s.other_account());
    auto const c = s.fresh("c");
    auto const secret = s.canary();
    auto const hold = [&](peer const& p, std::string const& lost) {
        s.control(p.push({s.conversation(c, 1, {s.message("m1", lost, 4, set("timestamp", s.in_seconds(-50)))})}), "a push of what will lose");
        s.control(p.push({s.conversation(c, 1, {s.message("m1", "stands", 4, set("timestamp", s.in_seconds(-40)))})}), "a push of what wins");
    };
    hold(a, secret);
    hold(b, "other");
    for (caller const& who : {static_cast<caller>(b), s.other_user()}) {
        auto const x = who.get("/conversations/" + c + "?conflicts=1");
        s.accepted(x, "a read with conflicts=1 by the other user");
        s.expect(x.bytes().find(secret) == std::string::npos, "none of the first user's losing messages", "the first user's losing message");
    }
}

check const checks[] = {
    {.id = "aut/user-from-credential",
     .title = "the user of a request is the one of its credential, whoever else the request names",
     .clauses = {"BSP-AUT-006", "BSP-SYN-042", "BSP-CNV-003"},
     .impact = "whoever has an account reads and writes the data of all others by naming them",
     .likely_cause = "user_id read from the body, the query or a header that a proxy was meant to set",
     .run = user_comes_from_the_credential, .needs = need::second_user},
    {.id = "cnv/losers-per-user",
     .title = "losing messages are kept apart by user",
     .clauses = {"BSP-CNV-003", "BSP-CNV-020"},
     .impact = "users see each other's overwritten messages where their conversations have the same id",
     .likely_cause = "the table of losing messages has no user, or is queried without it",
     .run = losers_are_per_user, .needs = need::second_user},
};

}  // namespace

group claimed_users_group() { return {"claimed-users", profile::syn, checks}; }

}  // namespace bsp::conformance
