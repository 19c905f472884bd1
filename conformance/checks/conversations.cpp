#include "../registry.hpp"
#include "conversing.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <algorithm>
#include <set>

// Sections 8.1 and 8.2: reading and listing conversations at one backend.

namespace bsp::conformance {
namespace {

// ---- who may ----------------------------------------------------------------------------------------------

void needs_a_credential(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), secret = s.canary();
    pushed(s, a, s.conversation(c, 1, {s.message("m1", secret)}));
    struct row { char const* method; std::string path; std::optional<std::string> body; };
    for (auto const& r : {row{"GET", "/conversations", {}}, {"GET", "/conversations/" + c, {}},
                          {"POST", "/conversations/" + c + "/messages", R"({"role":"user","content":"intruder","surface":"web"})"},
                          {"DELETE", "/conversations/" + c + "/messages/m1", {}}, {"DELETE", "/conversations/" + c, {}}}) {
        auto const x = s.nobody().call(r.method, r.path, r.body);
        s.refused(x, std::string{r.method} + " " + r.path + " without a credential", {.statuses = {401}, .codes = {"credential-required"}});
        s.expect(x.bytes().find(secret) == std::string::npos, "no content in the refusal", "the message's content");
    }
    auto const now = read(s, a, c);
    s.expect(ids_at(now.body(), "/messages") == std::vector<std::string>{"m1"}, "m1 alone, unchanged", show(ids_at(now.body(), "/messages")));
}

void other_tenants_see_nothing(scenario& s) {
    auto const a = s.register_peer();
    auto const b = s.register_peer_of(s.other_account());
    auto const c = s.fresh("c"), unknown = s.fresh("c"), secret = s.canary();
    pushed(s, a, s.conversation(c, 4, {s.message("m1", secret, 4)}));
    s.control(a.read(c), "the owner reads it");
    auto const same_answer = [&](exchange const& foreign, exchange const& nothing, std::string const& what) {
        s.control(nothing.answered(), what + " of what nobody has");  // a deletion of that need not be refused (BSP-CNV-067)
        s.expect(foreign.status() == nothing.status() && foreign.code() == nothing.code(), what + ": the same answer as for what nobody has (" + nothing.describe() + ")",
                 foreign.describe());
        s.expect(foreign.bytes().find(secret) == std::string::npos, what + ": no content", "the message's content");
    };
    for (auto const& who : {static_cast<caller const&>(b), s.other_user()}) {
        same_answer(who.read(c), who.read(unknown), who.name() + " reading");
        same_answer(who.del("/conversations/" + c + "/messages/m1"), who.del("/conversations/" + unknown + "/messages/m1"), who.name() + " deleting a message");
        same_answer(who.del("/conversations/" + c), who.del("/conversations/" + unknown), who.name() + " deleting");
        auto const list = who.get("/conversations?limit=500");
        s.control(list, "the other user's list");
        s.expect(find_by_id(list.body(), "/conversations", c, "conversation_id") == nullptr, "not in the other user's list", "it is");
    }
    write(s, s.other_user(), c, "the other user's own");
    auto const mine = read(s, a, c);
    s.expect(ids_at(mine.body(), "/messages") == std::vector<std::string>{"m1"} && text_at(mine.body(), "/messages/0/content") == secret,
             "the owner's conversation is unchanged", show(mine.body()));
    auto const theirs = read(s, s.other_user(), c);
    s.expect(theirs.bytes().find(secret) == std::string::npos, "the other user's conversation of the same id is another one", "it holds the owner's message");
    s.expect(integer_at(theirs.body(), "/version") == 1, "the other user's first write has version 1", std::to_string(integer_at(theirs.body(), "/version")));
}

void peers_may_write(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.accepted(a.write(c, "by the peer", set("id", "m1")), "a write by a peer of the user");
    s.accepted(s.user().read(c), "a read by the user");
    s.accepted(s.user().write(c, "by the user", set("id", "m2")), "a write by the user");
    auto const x = a.read(c);
    s.accepted(x, "a read by the peer");
    auto ids = ids_at(x.body(), "/messages");
    std::sort(ids.begin(), ids.end());
    s.expect(ids == std::vector<std::string>{"m1", "m2"}, "both messages", show(ids));
    s.accepted(a.del("/conversations/" + c + "/messages/m2"), "a deletion by the peer");
    s.accepted(s.user().del("/conversations/" + c), "a deletion by the user");
}

void unknown_is_not_found(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    write(s, a, c, "x", set("id", "m1"));
    s.refused(a.read(s.fresh("c")), "reading a conversation that does not exist", {.statuses = {404}, .codes = {"not-found"}});
    s.control(a.read(c), "reading one that does");
    auto upper = c;
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char ch) { return static_cast<char>(std::toupper(ch)); });
    s.refused(a.read(upper), "reading it with the id in capitals", {.statuses = {404}, .codes = {"not-found"}});
    s.refused(a.read(c.substr(0, c.size() - 1)), "reading it with the id cut by one character", {.statuses = {404}, .codes = {"not-found"}});
}

// ---- listing ----------------------------------------------------------------------------------------------

void list_has_its_members(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), gone = s.fresh("c");
    auto const other = s.fresh("c");
    pushed(s, a, s.conversation(c, 3, {s.message("m1", "x")}, set("title", "A title")));
    pushed(s, a, s.conversation(other, 7, {s.message("m1", "x")}, [&](json::object& o) {
               o["source_backend"] = "elsewhere";
               o["surfaces"] = json::array{"ios", "watch"};
               o["last_modified"] = s.in_seconds(-300);
           }));
    write(s, a, gone, "x");
    s.control(a.del("/conversations/" + gone), "deleting a conversation");
    auto const list = whole_list(s, a, 500);
    auto const found = std::find_if(list.begin(), list.end(), [&](auto const& o) { return text_at(o, "/conversation_id") == c; });
    s.expect(found != list.end(), "the conversation is in the list", "it is not");
    for (auto const* name : {"conversation_id", "version", "last_modified", "surfaces", "source_backend"})
        s.expect(found->contains(name), std::string{"the entry has "} + name, show(*found));
    s.expect(!found->contains("messages"), "the entry has no messages", show(*found));
    s.expect(integer_at(*found, "/version") == 3 && text_at(*found, "/title") == "A title", "version 3 and the title", show(*found));
    // An entry says of a conversation what is read of it.
    for (auto const& id : {c, other}) {
        auto const read = a.read(id);
        s.control(read, "reading the conversation");
        auto const entry = std::find_if(list.begin(), list.end(), [&](auto const& o) { return text_at(o, "/conversation_id") == id; });
        s.expect(entry != list.end(), "the conversation is in the list", "it is not");
        for (std::string const name : {"version", "last_modified", "source_backend"})
            s.expect_same("the " + name + " of an entry", read.at("/" + name) ? *read.at("/" + name) : json::value{}, entry->if_contains(name));
        auto const surfaces = [](json::value const* v) {
            std::set<std::string> out;
            for (auto const& one : v && v->is_array() ? v->get_array() : json::array{}) out.insert(one.is_string() ? std::string{json::view(one.get_string())} : "?");
            return out;
        };
        s.expect(surfaces(entry->if_contains("surfaces")) == surfaces(read.at("/surfaces")), "the surfaces of an entry are those that are read: " + show(read.body()), show(*entry));
    }
    for (auto const& o : list)
        if (text_at(o, "/conversation_id") == gone) {
            auto const* deleted = o.if_contains("deleted");
            s.expect(deleted && deleted->is_bool() && deleted->as_bool(), "the deleted conversation is left out, or marked deleted", show(o));
        }
}

/// What a pull says of messages is what is read of them.
void pull_is_as_read(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), d = s.fresh("c");
    auto const as = [](std::string role, std::string surface, std::string source) {
        return [=](json::object& m) { m["role"] = role, m["surface"] = surface, m["source_backend"] = source; };
    };
    pushed(s, a, s.conversation(c, 3, {s.message("m1", "one", 1, as("user", "web", "local")), s.message("m2", "two", 2, as("assistant", "ios", "elsewhere"))}, set("title", "one")));
    pushed(s, a, s.conversation(d, 5, {s.message("m1", "three", 3, as("system", "android", "somewhere"))}, set("source_backend", "elsewhere")));
    auto const feed = recent_feed(s, a);
    for (auto const& id : {c, d}) {
        auto const read = a.read(id);
        s.control(read, "reading the conversation");
        auto const pulled = of_conversation(feed.conversations, id);
        s.expect(pulled.present, "the conversation is in the pull", "it is not");
        for (auto const& m : objects_at(read.body(), "/messages")) {
            auto const* other = pulled.message(text_at(m, "/id"));
            s.expect(other && same(json::value(*other), json::value(m)), "a pulled message is the one that is read: " + show(json::value(m)), other ? show(json::value(*other)) : "absent");
        }
        for (std::string const name : {"version", "last_modified", "source_backend", "title"})
            if (auto const* told = read.at("/" + name)) s.expect_same("the pulled " + name, *told, at(pulled.entry, "/" + name));
    }
}

void list_pages_are_lossless(scenario& s) {
    auto const a = s.register_peer();
    std::set<std::string> mine;
    std::vector<json::object> conversations;
    for (int i = 0; i < 7; ++i) {
        auto const c = s.fresh(i % 2 == 0 ? "p" : "P");
        mine.insert(c);
        conversations.push_back(s.conversation(c, 1, {s.message("m1", "x")}));
    }
    s.control(a.push(conversations), "seven conversations in one push");
    // Whatever the page size, nothing that was listed before and is listed afterwards may be missing.
    auto const ids_in = [&](int limit) {
        std::set<std::string> ids;
        for (auto const& o : whole_list(s, a, limit)) ids.insert(text_at(o, "/conversation_id"));
        return ids;
    };
    auto const before = ids_in(500);
    std::vector<std::pair<int, std::set<std::string>>> seen;
    for (int const limit : {2, 3, 7, 37, 100})
        if (before.size() / static_cast<std::size_t>(limit) <= 150) seen.emplace_back(limit, ids_in(limit));  // a user with much history: small pages would take too many requests
    auto const after = ids_in(500);
    for (auto const& [limit, ids] : seen) {
        for (auto const& c : mine) s.expect(ids.contains(c), "every conversation on some page of " + std::to_string(limit), c + " is on none");
        for (auto const& c : before)
            if (after.contains(c)) s.expect(ids.contains(c), "every conversation on some page of " + std::to_string(limit), c + " is on none");
    }
    for (auto const& c : mine) s.expect(before.contains(c), "every conversation on some page of 500", c + " is on none");
}

void list_query_is_checked(scenario& s) {
    auto const a = s.register_peer();
    s.control(a.get("/conversations?limit=1"), "limit=1");
    s.control(a.get("/conversations?limit=500"), "limit=500");
    for (auto const* bad : {"limit=0", "limit=-1", "limit=x", "limit=1.5"}) s.refused(a.get(std::string{"/conversations?"} + bad), bad, {.statuses = {400, 422}, .codes = {"invalid-query", "bad-request"}});
    auto const beyond = a.get("/conversations?limit=501");  // refused, or taken for 500
    s.expect(beyond.client_error() || (beyond.ok() && objects_at(beyond.body(), "/conversations").size() <= 500), "limit=501 is refused or taken for 500", beyond.describe());
}

// ---- losing versions -------------------------------------------------------------------------------------

void losers_are_shown(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const loser = s.message("m1", "loser " + s.canary(), 4, set("timestamp", s.in_seconds(-50)));
    auto const winner = s.message("m1", "winner", 4, set("timestamp", s.in_seconds(-40)));
    pushed(s, a, s.conversation(c, 1, {loser}));
    pushed(s, a, s.conversation(c, 1, {winner}));
    auto const x = a.get("/conversations/" + c + "?conflicts=1");
    s.accepted(x, "a read with conflicts=1");
    auto const entries = objects_at(x.body(), "/conflicts");
    if (entries.empty()) {
        s.note("does not keep losing versions (optional)");
        return;
    }
    auto const* entry = find_by_id(x.body(), "/conflicts", "m1", "message_id");
    s.expect(entry != nullptr, "an entry for m1", show(*x.at("/conflicts")));
    s.expect_same("the losing message, verbatim", loser, entry->if_contains("message"));
    for (auto const* name : {"conflict_type", "recorded_at"}) s.expect(entry->contains(name), std::string{"the entry has "} + name, show(*entry));
    s.expect(read(s, a, c).at("/conflicts") == nullptr, "no member conflicts in an ordinary read", "there is one");
    auto const again = a.get("/conversations/" + c + "?conflicts=1");
    s.control(again, "a second read with conflicts=1");
    s.expect_same("conflicts, read again,", *x.at("/conflicts"), again.at("/conflicts"));
    auto const feed = recent_feed(s, a);
    auto const* pulled = feed.find(c);
    s.expect(pulled && !pulled->contains("conflicts"), "no member conflicts in a pull", pulled ? show(*pulled) : "the conversation is not in the pull");
    s.control(a.del("/conversations/" + c + "/messages/m1"), "deleting the message");
    auto const after = a.get("/conversations/" + c + "?conflicts=1");
    s.expect(after.bytes().find(text_at(loser, "/content")) == std::string::npos, "no losing version of a deleted message", "it is still shown");
}

/// A conversation is not the sum of its messages.
void it_outlives_its_last_message(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const c = s.fresh("c");
    s.control(who.write(c, "the only one", [](json::object& m) { m["id"] = "m1", m["title"] = "stays"; }), "a write");
    s.control(who.del("/conversations/" + c + "/messages/m1"), "the deletion of its only message");
    auto const x = who.read(c);
    s.expect(x.status() == 200, "a conversation whose only message was deleted can be read", x.describe());
    s.expect(x.text("/title") == "stays" && !(x.at("/deleted") && *x.at("/deleted") == json::value(true)), "it is as it was, without the message", show(x.body()));
    auto const feed = recent_feed(s, a);
    auto const* entry = feed.find(c);
    s.expect(entry && !(entry->contains("deleted") && entry->at("deleted") == json::value(true)), "it is not deleted in pulls either", entry ? show(*entry) : "absent");
    s.accepted(who.del("/conversations/" + c), "deleting the conversation itself");
}

void losers_survive(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), when = s.in_seconds(-60), path = "/conversations/" + c + "?conflicts=1";
    for (char const* text : {"one", "another"}) pushed(s, a, s.conversation(c, 1, {s.message("m1", text, 2, [&](json::object& m) { m["timestamp"] = when; })}));
    auto const before = s.user().get(path);
    s.control(before, "reading with conflicts=1");
    auto const* losers = before.at("/conflicts");
    if (!losers || !losers->is_array() || losers->get_array().empty()) s.not_applicable("the target keeps no losing messages");
    s.restart();
    auto const after = s.user().get(path);
    s.accepted(after, "reading with conflicts=1 after a restart");
    for (auto const& one : objects_at(before.body(), "/conflicts")) {
        auto const all = objects_at(after.body(), "/conflicts");
        s.expect(std::any_of(all.begin(), all.end(), [&](auto const& e) { return e.contains("message") && one.contains("message") && e.at("message") == one.at("message"); }), "the losing message is there after a restart: " + show(one), show(after.body()));
    }
}

check const checks[] = {
    {.id = "cnv/needs-credential", .title = "conversations are neither shown nor changed without a credential", .clauses = {"BSP-AUT-001", "BSP-AUT-002", "BSP-GEN-093"},
     .impact = "anyone who reaches the backend reads and deletes people's conversations", .likely_cause = "a route without the authentication step",
     .run = needs_a_credential},
    {.id = "cnv/other-tenant", .title = "another user's conversation is exactly as one that nobody has", .clauses = {"BSP-CNV-003", "BSP-CNV-004"},
     .impact = "users read, delete or discover each other's conversations", .likely_cause = "rows looked up by conversation_id alone; 403 in the place of 404",
     .run = other_tenants_see_nothing, .needs = need::second_user},
    {.id = "cnv/peer-may-write", .title = "the user and every peer of the user may read, write and delete", .clauses = {"BSP-AUT-001", "BSP-AUT-002", "BSP-AUT-037"},
     .impact = "a local application cannot write through its own backend", .likely_cause = "only one of the two credentials is implemented",
     .run = peers_may_write},
    {.id = "cnv/not-found", .title = "a conversation that does not exist is not found", .clauses = {"BSP-CNV-011"},
     .impact = "clients show empty conversations that never were", .likely_cause = "an empty result rendered as an empty conversation; a case-insensitive lookup",
     .run = unknown_is_not_found},
    {.id = "cnv/list", .title = "the list has every conversation's members, without messages and without deleted ones", .clauses = {"BSP-CNV-030", "BSP-CNV-031", "BSP-CNV-032", "BSP-CNV-034"},
     .impact = "clients cannot show a list, or show what was deleted", .likely_cause = "the stored object is listed as it is",
     .run = list_has_its_members},
    {.id = "syn/pull-as-read", .title = "a pull says of conversations and messages what is read of them", .clauses = {"BSP-SYN-127", "BSP-GEN-056", "BSP-SYN-017"},
     .impact = "two devices show the same conversation differently", .likely_cause = "two serializers, one of which takes a member from somewhere else", .run = pull_is_as_read},
    {.id = "cnv/list-pages", .title = "the pages of the list taken together hold every conversation", .clauses = {"BSP-CNV-033", "BSP-CNV-035", "BSP-CNV-036", "BSP-CNV-038"},
     .impact = "conversations vanish from the list of a user who has many", .likely_cause = "a page boundary that skips one, or entries with equal sort keys",
     .run = list_pages_are_lossless, .needs = need::own_user},
    {.id = "cnv/list-query", .title = "a limit of the list that is no integer of at least 1 is refused", .clauses = {"BSP-CNV-037"},
     .impact = "a typing error silently gives another page than was asked for", .likely_cause = "the parameter is clamped or ignored",
     .run = list_query_is_checked},
    {.id = "cnv/last-message", .title = "a conversation outlives its last message", .clauses = {"BSP-CNV-010", "BSP-CNV-061", "BSP-CNV-060"},
     .impact = "who deletes the one message there is loses the conversation with its title", .likely_cause = "conversations without messages are swept up, or not selected by a join",
     .run = it_outlives_its_last_message},
    {.id = "cnv/losers-survive", .title = "where losing versions are kept, a restart keeps them", .clauses = {"BSP-CNV-022"}, .impact = "the version that somebody wants back is gone",
     .likely_cause = "losers are held in memory", .run = losers_survive, .needs = need::restart_hook | need::alone},
    {.id = "cnv/losers", .title = "where losing versions are kept, they are shown verbatim, on demand only, and not after deletion",
     .clauses = {"BSP-CNV-021", "BSP-CNV-023", "BSP-CNV-024", "BSP-CNV-025"},
     .impact = "deleted text is still readable, or conflicts spread by sync", .likely_cause = "losers are kept beside the conversation and never cleaned",
     .run = losers_are_shown},
};

}  // namespace

group conversations_group() { return {"conversations", profile::syn, checks}; }

}  // namespace bsp::conformance
