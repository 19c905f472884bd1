#include "../registry.hpp"
#include "digest.hpp"

// Section 6.5: the digest of a user's live state, where it is offered.

namespace bsp::conformance {
namespace {

void digest_is_right(scenario& s) {
    auto const a = offered_to(s);
    std::vector<json::object> pulled;
    std::string known_until;
    auto const judge = [&](std::string const& what) {
        auto const news = a.pull_all({.since = known_until, .limit = 500});
        pulled.insert(pulled.end(), news.conversations.begin(), news.conversations.end());
        known_until = news.last_sync;
        auto const expected = computed(pulled);
        auto const x = read_digest(a);
        s.control(x, "reading the digest");
        s.expect(integer_at(x.body(), "/conversations") == expected.conversations, "the number of live conversations " + what + " is " + std::to_string(expected.conversations),
                 x.at("/conversations") ? show(*x.at("/conversations")) : "absent");
        s.expect(x.text("/digest") == expected.digest, "the digest " + what + " is " + expected.digest, x.at("/digest") ? show(*x.at("/digest")) : "absent");
    };
    edit const deleted = [](json::object& o) { o["deleted"] = true; };
    auto const c = s.fresh("c"), gone = s.fresh("gone"), back = s.fresh("back");

    judge("before anything else");
    s.control(a.push({s.conversation(c, 1, {s.message("b", "one"), s.message("a", "two \U0001F600"), s.message("B", "three", 1, [](json::object& m) { m["x_more"] = json::array{1, nullptr}; })})}), "a push");
    judge("of messages whose order by id differs from that of arrival");
    s.control(a.push({s.conversation(c, 2, {}, [](json::object& o) {
                  o["surfaces"] = json::array{"web", "ios", "\u00e9", "Android", "ios"};
                  o["title"] = "e\u0301 \u007f";
                  o["x_more"] = json::object{{"z", 1}, {"a", true}};
              })}),
              "surfaces out of order, a title and unknown members");
    judge("of surfaces out of order, a title and unknown members");
    s.control(a.push({s.conversation(c, 1, {s.message("a", "", 2, deleted), s.message("never", "", 1, deleted)})}), "tombstones of messages");
    judge("after tombstones of messages");
    s.control(a.push({s.conversation(gone, 1, {s.message("m1", "x")}), s.conversation(s.fresh("empty"), 1, {})}), "two conversations more");
    judge("of a conversation without messages");
    s.control(a.push({s.conversation(gone, 2, {}, deleted), s.conversation(back, 1, {s.message("m1", "x")}, deleted)}), "tombstones of conversations");
    judge("after tombstones of conversations");
    s.control(a.push({s.conversation(back, 2, {})}), "a conversation brought back");
    judge("of a conversation brought back");
    s.control(a.push({s.conversation(c, 1, {s.message("B", "newer", 7)}, [&](json::object& o) { o["last_modified"] = s.in_seconds(60); })}), "a newer message in a losing write with a later last_modified");
    judge("of a conversation whose last_modified comes from a losing write");
    s.control(s.user().write(s.fresh("w"), "x"), "a write by the user");
    judge("of a conversation that the user wrote");
    std::vector<json::object> many;
    for (int i = 0; i < 110; ++i) many.push_back(s.conversation(s.fresh("many"), 1, {s.message("m1", "x")}));
    s.control(a.push(many), "a push of 110 conversations");
    judge("of more than a hundred conversations");
}

void digest_needs_its_peer(scenario& s) {
    auto const a = offered_to(s);
    auto const b = s.register_peer();
    auto const denied = [&](exchange const& x, std::string const& what, exactly_as const& form) {
        s.refused(x, what, form);
        s.expect(x.text("/digest").empty(), what + " shows no digest", show(x.body()));
    };
    denied(read_digest(a, {.authorization = ""}), "reading the digest without a credential", {.statuses = {401}, .codes = {"credential-required"}});
    denied(read_digest(a, {.signer = b.signing_key()}), "reading the digest with another peer's signature", {.statuses = {401}, .codes = {"invalid-credential"}});
    denied(b.get("/sync/" + a.peer_id() + "/digest"), "reading the digest of another peer", {.statuses = {401, 403, 404}});
    denied(s.user().get("/sync/" + a.peer_id() + "/digest"), "reading the digest as the user", {.statuses = {401, 403}});
    denied(read_digest(a, {.claims = [&](json::object& c) { c["htu"] = s.target_path("/sync/" + a.peer_id()); }}), "reading the digest with the assertion of a pull", {.statuses = {401}, .codes = {"invalid-credential"}});
    s.control(read_digest(a), "reading the digest as the peer itself");
}

void absence_is_told(scenario& s) {
    auto const a = s.register_peer();
    auto const x = read_digest(a);
    if (x.ok()) s.not_applicable("the digest is offered");
    s.expect(x.status() == 404 || x.status() == 405 || x.status() == 501, "404, 405 or 501 where no digest is offered", x.describe());
    s.control(a.pull({.limit = 1}), "a pull by the same peer");
}

check const checks[] = {
    {.id = "syn/digest",
     .title = "the digest, where it is offered, is the one of the user's live state",
     .clauses = {"BSP-SYN-142", "BSP-SYN-143"},
     .impact = "backends that agree take each other for different, or do not notice that they differ",
     .likely_cause = "tombstones are counted, or messages and surfaces are taken in order of arrival",
     .run = digest_is_right,
     .needs = need::own_user,
     .strength = obligation::should},
    {.id = "syn/digest-needs-credential",
     .title = "the digest, where it is offered, is given to its peer alone",
     .clauses = {"BSP-SYN-141"},
     .impact = "anybody can tell when a person writes",
     .likely_cause = "authentication was forgotten on this route",
     .run = digest_needs_its_peer},
    {.id = "syn/digest-absent",
     .title = "where no digest is offered, the answer says so",
     .clauses = {"BSP-SYN-144"},
     .impact = "a peer takes the backend for broken, or itself for shut out",
     .likely_cause = "the path is taken for something else",
     .run = absence_is_told},
};

}  // namespace

group digest_group() { return {"digest", profile::syn, checks}; }

}  // namespace bsp::conformance
