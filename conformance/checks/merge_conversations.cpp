#include "../registry.hpp"
#include "../scenario.hpp"
#include "conversing.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <set>

// Chapter 7, conversations: their own members, surfaces, tombstones and order.

namespace bsp::conformance {
namespace {

struct scalars {
    std::int64_t version;
    std::string last_modified;
    std::string title;
};

json::object written(scenario& s, std::string const& id, scalars const& w, std::vector<json::object> messages = {}) {
    return s.conversation(id, w.version, std::move(messages), [&](json::object& o) {
        o["last_modified"] = w.last_modified;
        if (w.title.empty()) o.erase("title");
        else o["title"] = w.title;
    });
}

std::string content_of(exchange const& x, std::string_view message_id) {
    auto const* found = find_by_id(x.body(), "/messages", message_id);
    auto const* content = found ? found->if_contains("content") : nullptr;
    return content && content->is_string() ? std::string{content->as_string()} : "<absent>";
}

bool is_tombstone(json::object const& o) {
    auto const* deleted = o.if_contains("deleted");
    return deleted && deleted->is_bool() && deleted->as_bool();
}

std::vector<std::string> surfaces_of(exchange const& x) {
    std::vector<std::string> out;
    if (auto const* list = x.at("/surfaces"); list && list->is_array())
        for (auto const& one : list->as_array())
            if (one.is_string()) out.emplace_back(one.as_string());
    std::sort(out.begin(), out.end());
    return out;
}

/// Pushes the writes into a fresh conversation, one push each, in every order, and gives each end state to `judge`.
template <class Judge>
void in_every_order(scenario& s, peer const& a, std::vector<scalars> const& writes, Judge&& judge) {
    std::vector<std::size_t> order(writes.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    do {
        auto const c = s.fresh("c");
        std::string story;
        for (auto const i : order) {
            s.control(a.push({written(s, c, writes[i])}), "one of the writes");
            story += (story.empty() ? "" : ", ") + writes[i].title;
        }
        judge(read(s, a, c), "in the order " + story);
    } while (std::next_permutation(order.begin(), order.end()));
}

std::string scalar_digest(json::object conversation) {
    conversation.erase("messages");
    conversation.erase("surfaces");
    auto const canonical = bsp::json::canonicalize(conversation);
    auto const digest = sha256(canonical.value());
    return {digest.begin(), digest.end()};
}

bool lesser_octets(std::string const& a, std::string const& b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [](char x, char y) { return static_cast<unsigned char>(x) < static_cast<unsigned char>(y); });
}

// ---- scalar members ---------------------------------------------------------------------------------------

void higher_version_gives_the_title(scenario& s) {
    auto const a = s.register_peer();
    auto const earlier = s.in_seconds(-1000), later = s.in_seconds(-10);
    in_every_order(s, a, {{3, earlier, "older"}, {4, later, "newer"}}, [&](exchange const& x, std::string const& order) {
        s.expect(x.text("/title") == "newer", "the title of version 4, " + order, x.text("/title"));
        s.expect(integer_at(x.body(), "/version") == 4, "version 4, " + order, std::to_string(integer_at(x.body(), "/version")));
    });
    in_every_order(s, a, {{4, later, "four"}, {5, earlier, "five"}}, [&](exchange const& x, std::string const& order) {
        s.expect(x.text("/title") == "five", "the title of version 5, though it is the earlier one, " + order, x.text("/title"));
    });
    in_every_order(s, a, {{9, earlier, "nine"}, {10, later, "ten"}}, [&](exchange const& x, std::string const& order) {
        s.expect(x.text("/title") == "ten", "the title of version 10, " + order, x.text("/title"));
    });
}

void later_write_gives_the_title(scenario& s) {
    auto const a = s.register_peer();
    for (auto const& [earlier, later] : {std::pair{"2025-03-04T05:06:07Z", "2025-03-04T05:06:07.5Z"}, {"2025-03-05T01:30:00+02:00", "2025-03-05T00:05:00Z"}})
        in_every_order(s, a, {{3, earlier, "earlier"}, {3, later, "later"}}, [&](exchange const& x, std::string const& order) {
            s.expect(x.text("/title") == "later", "at equal versions the title of the later last_modified, " + order, x.text("/title"));
        });
}

/// The same writes into the same conversation of two users, in opposite orders: the octets of the digests
/// are the same, so the same write has to win.
void ties_of_scalars_converge(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer_of(s.other_account());
    auto const when = s.in_seconds(-60);
    for (int i = 0; i < 3; ++i) {
        auto const c = s.fresh("c");
        scalars const left{3, when, "left " + s.canary(5)}, right{3, when, "right " + s.canary(5)};
        for (auto const* w : {&left, &right}) s.control(a.push({written(s, c, *w)}), "one of the writes, for the first user");
        for (auto const* w : {&right, &left}) s.control(b.push({written(s, c, *w)}), "one of the writes, for the second user");
        auto const forward = read(s, a, c).text("/title"), backward = read(s, b, c).text("/title");
        s.expect(forward == left.title || forward == right.title, "one of the titles written", forward);
        s.expect(forward == backward, "the same title in both orders of arrival", "\"" + forward + "\" and \"" + backward + "\"");
    }
}

void ties_of_scalars_follow_the_digest(scenario& s) {
    auto const a = s.register_peer();
    auto const when = s.in_seconds(-60);
    std::vector<scalars> const writes{{3, when, "left " + s.canary(5)}, {3, when, "right " + s.canary(5)}, {3, when, "middle " + s.canary(5)}};
    in_every_order(s, a, writes, [&](exchange const& x, std::string const& order) {
        // The conversation_id is part of the octets, so the winner differs from one conversation to the next.
        auto const c = x.text("/conversation_id");
        auto const* winner = &writes[0];
        for (auto const& w : writes)
            if (lesser_octets(scalar_digest(written(s, c, *winner)), scalar_digest(written(s, c, w)))) winner = &w;
        s.expect(x.text("/title") == winner->title, "the write with the greatest digest (" + winner->title + "), " + order, x.text("/title"));
    });
}

/// The redacted write has the greater digest, so that only the third line of the stamp can decide.
void unredacted_scalars_stand(scenario& s) {
    auto const a = s.register_peer();
    auto const when = s.in_seconds(-60);
    for (bool const redacted_first : {false, true}) {
        auto const c = s.fresh("c");
        json::object const plain = written(s, c, {3, when, "call Ada"});
        json::object redacted;
        for (int attempt = 0; redacted.empty() || lesser_octets(scalar_digest(redacted), scalar_digest(plain)); ++attempt) {
            redacted = written(s, c, {3, when, "call [REDACTED] " + std::to_string(attempt)});
            redacted["redacted"] = true;
        }
        s.control(a.push({redacted_first ? redacted : plain}), "one of the writes");
        s.control(a.push({redacted_first ? plain : redacted}), "the other");
        auto const x = read(s, a, c);
        s.expect(x.text("/title") == "call Ada", redacted_first ? "the unredacted title, which came last" : "the unredacted title, which came first", x.text("/title"));
        s.expect(x.at("/redacted") == nullptr || *x.at("/redacted") == json::value(false), "a conversation that is not redacted", show(x.body()));
    }
}

void stamp_is_the_writes_own(scenario& s) {
    auto const a = s.register_peer();
    auto const ten = s.in_seconds(-100), twenty = s.in_seconds(-10), fifteen = s.in_seconds(-50);
    in_every_order(s, a, {{5, ten, "x"}, {3, twenty, "y"}, {5, fifteen, "z"}}, [&](exchange const& x, std::string const& order) {
        s.expect(x.text("/title") == "z", "the title of the greatest stamp, z, " + order, x.text("/title"));
    });
}

void members_are_not_mixed(scenario& s) {
    auto const a = s.register_peer();
    auto const earlier = s.in_seconds(-100), later = s.in_seconds(-10);
    for (bool const winner_first : {false, true}) {
        auto const c = s.fresh("c");
        auto loser = written(s, c, {3, earlier, "a title"});
        loser["x-colour"] = "blue";
        auto const winner = written(s, c, {4, later, ""});
        s.control(a.push({winner_first ? winner : loser}), "the first write");
        s.control(a.push({winner_first ? loser : winner}), "the second write");
        auto const x = read(s, a, c);
        s.expect(x.at("/title") == nullptr, "no title: the winning write has none", x.text("/title"));
        s.expect(x.at("/x-colour") == nullptr, "no x-colour: the winning write has none", x.text("/x-colour"));
    }
}

void last_modified_is_the_latest(scenario& s) {
    auto const a = s.register_peer();
    struct pair { char const* earlier; char const* later; };
    for (auto const& [earlier, later] : {pair{"2025-03-04T05:06:07Z", "2025-03-04T05:06:07.25Z"}, {"2025-03-05T01:30:00+02:00", "2025-03-05T00:05:00Z"},
                                         {"2025-03-04T05:06:07.000000001Z", "2025-03-04T05:06:07.000000002+00:00"}})
        for (std::int64_t const version_of_later : {1, 2, 3})
            in_every_order(s, a, {{2, earlier, "earlier"}, {version_of_later, later, "later"}}, [&, later = later](exchange const& x, std::string const& order) {
                s.expect(x.text("/last_modified") == later, std::string{"last_modified "} + later + " as it was written, " + order, x.text("/last_modified"));
            });
}

void versions_are_not_computed(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const c = s.fresh("c");
    for (auto const* sender : {&a, &b, &a}) {
        s.control(sender->push({s.conversation(c, 5, {s.message("m1", "same", 7, [&](json::object& m) { m["timestamp"] = "2025-03-04T05:06:07Z"; })},
                                               [](json::object& o) { o["last_modified"] = "2025-03-04T05:06:07Z"; })}),
                  "version 5");
        auto const x = read(s, a, c);
        s.expect(integer_at(x.body(), "/version") == 5, "the conversation's version stays 5", std::to_string(integer_at(x.body(), "/version")));
        s.expect(integer_at(x.body(), "/messages/0/version") == 7, "the message's version stays 7", std::to_string(integer_at(x.body(), "/messages/0/version")));
    }
    s.control(a.push({s.conversation(c, 2, {s.message("m2", "other", 1)})}), "version 2");
    s.expect(integer_at(read(s, a, c).body(), "/version") == 5, "the greatest version received, 5",
             std::to_string(integer_at(read(s, a, c).body(), "/version")));
}

// ---- surfaces and order -----------------------------------------------------------------------------------

void surfaces_add_up(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const with = [&](std::int64_t version, json::array surfaces) {
        return s.conversation(c, version, {s.message("m" + std::to_string(version), "x", version)}, [&](json::object& o) { o["surfaces"] = surfaces; });
    };
    s.accepted(a.push({with(3, {"web", "ios", "web"})}), "a push with surfaces web, ios, web");
    s.control(a.push({with(2, {"android"})}), "an older version with surface android");
    s.control(a.push({with(4, {"extension", "Web"})}), "a newer version with surfaces extension, Web");
    std::vector<std::string> const all{"Web", "android", "extension", "ios", "web"};
    auto const x = read(s, a, c);
    s.expect(surfaces_of(x) == all, show(all) + ", each once", show(surfaces_of(x)));
}

void surfaces_of_messages_count(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const ios = s.message("m1", "from the telephone", 1, [](json::object& m) { m["surface"] = "ios"; });
    s.accepted(a.push({s.conversation(c, 1, {ios}, [](json::object& o) { o["surfaces"] = json::array{}; })}), "a push of a message from ios with surfaces []");
    s.expect(surfaces_of(read(s, a, c)) == std::vector<std::string>{"ios"}, "surfaces hold the message's surface, ios", show(surfaces_of(read(s, a, c))));
}

/// What a deletion takes is the message: an accepted `surfaces` array is not undone.
void surfaces_outlast_messages(scenario& s) {
    auto const a = s.register_peer();
    auto const on = [](char const* surface) { return set("surface", surface); };
    auto const stays = [&](std::string const& c, std::string const& what) {
        std::vector<std::string> const due{"ios", "web"};
        auto const judged = [&](json::value const* entry, std::string const& where) {
            std::vector<std::string> got;
            if (auto const* list = entry ? at(*entry, "/surfaces") : nullptr; list && list->is_array())
                for (auto const& one : list->get_array())
                    if (one.is_string()) got.emplace_back(json::view(one.get_string()));
            std::ranges::sort(got);
            s.expect(std::ranges::includes(got, due), "surfaces holds ios and web, which an accepted surfaces array had, " + where + " after " + what, show(got));
        };
        auto const x = read(s, a, c);
        judged(&x.body(), "in a read");
        auto const entry = of_conversation(recent_feed(s, a).conversations, c);
        judged(entry.present ? &entry.entry : nullptr, "in a pull");
    };
    auto const both_listed = set("surfaces", json::array{"web", "ios"});
    auto const here = s.fresh("c"), pushed = s.fresh("c");
    for (auto const& c : {here, pushed}) s.control(a.push({s.conversation(c, 1, {s.message("m1", "from the page", 1, on("web")), s.message("m2", "from the telephone", 1, on("ios"))}, both_listed)}), "a push");
    s.control(s.user().del("/conversations/" + here + "/messages/m2"), "the deletion of the only message from ios");
    stays(here, "the user deleted the only message from ios");
    s.control(a.push({s.conversation(pushed, 2, {s.message("m2", "", 2, both(on("ios"), set("deleted", true)))}, set("surfaces", json::array{"web"}))}), "a push that deletes the only message from ios");
    stays(pushed, "a push deleted the only message from ios");
}

void messages_are_in_order(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    struct row { char const* id; char const* timestamp; };
    // In the order that the clause gives; strings, arrival and local offsets would give others.
    static constexpr row rows[] = {{"z9", "2025-03-05T01:30:00+02:00"}, {"y8", "2025-03-04T23:30:00.000000001Z"}, {"a1", "2025-03-05T00:05:00Z"},
                                   {"b1", "2025-03-05T00:05:00.000Z"}, {"b10", "2025-03-05T01:05:00+01:00"}, {"b2", "2025-03-05T00:05:00"},
                                   {"a0", "2025-03-05T00:05:00.25Z"}, {"B3", "2025-03-05T00:05:00.5Z"}, {"a3", "2025-03-04T19:05:00.5-05:00"},
                                   {"c3", "2025-03-05T00:05:01Z"}};
    std::vector<std::string> expected;
    std::vector<json::object> messages;
    for (auto const& r : rows) {
        expected.emplace_back(r.id);
        messages.push_back(s.message(r.id, r.id, 1, [&](json::object& m) { m["timestamp"] = r.timestamp; }));
    }
    std::vector<json::object> const late{messages[1], messages[4], messages[7]};
    std::vector<json::object> const early{messages[9], messages[6], messages[0], messages[8], messages[5], messages[3], messages[2]};
    s.control(a.push({s.conversation(c, 1, early)}), "some of the messages");
    s.control(a.push({s.conversation(c, 2, late)}), "the rest, which belong between");
    auto const x = read(s, a, c);
    s.expect(ids_at(x.body(), "/messages") == expected, "messages in the order of (instant, id): " + show(expected), show(ids_at(x.body(), "/messages")));
}

// ---- tombstones -------------------------------------------------------------------------------------------

/// Nothing that a user of the backend can read of `conversation` contains `secret`.
void expect_nowhere(scenario& s, peer const& a, std::string const& conversation, std::string const& secret, std::string const& why) {
    auto const x = a.read(conversation);
    s.expect(x.bytes().find(secret) == std::string::npos, "no trace of " + why + " in GET /conversations/{id}", "its content is served");
    auto const y = a.call("GET", "/conversations/" + conversation + "?conflicts=1", std::nullopt);
    s.expect(y.bytes().find(secret) == std::string::npos, "no trace of " + why + " among the losers (?conflicts=1)", "its content is served");
    auto const feed = recent_feed(s, a);
    if (auto const* entry = feed.find(conversation))
        s.expect(show(*entry, 100'000).find(secret) == std::string::npos, "no trace of " + why + " in a pull", "its content is served");
}

void stale_copy_does_not_return(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), secret = s.canary();
    auto const original = s.message("m1", secret, 1, [&](json::object& m) { m["timestamp"] = s.in_seconds(-100); });
    s.control(a.push({s.conversation(c, 1, {original, s.message("m2", "stays")})}), "a message");
    auto const grave = tombstone(s, "m1", 2, s.in_seconds(-50));
    s.control(a.push({s.conversation(c, 2, {grave})}), "its tombstone");
    expect_nowhere(s, a, c, secret, "the deleted message");
    s.accepted(a.push({s.conversation(c, 2, {grave})}), "the same tombstone under another sync_id");
    expect_nowhere(s, a, c, secret, "the message whose tombstone came twice");
    auto const stale = a.push({s.conversation(c, 9, {original})});
    s.accepted(stale, "a stale device's push of the deleted message");
    expect_nowhere(s, a, c, secret, "the deleted message after a stale push");
    s.expect(content_of(read(s, a, c), "m2") == "stays", "the other message is untouched", content_of(read(s, a, c), "m2"));

    auto const d = s.fresh("d");
    s.control(a.push({s.conversation(d, 1, {tombstone(s, "m1", 2, s.in_seconds(-50))})}), "a tombstone of a message never seen");
    s.control(a.push({s.conversation(d, 2, {original})}), "the message, late");
    expect_nowhere(s, a, d, secret, "a message whose tombstone came first");
}

void newer_edit_beats_a_tombstone(scenario& s) {
    auto const a = s.register_peer();
    struct row { std::int64_t version; std::int64_t age; char const* what; };
    for (auto const& r : {row{3, 100, "an edit of a higher version"}, {2, 10, "an edit of equal version and later timestamp"}})
        for (bool const edit_first : {false, true}) {
            auto const c = s.fresh("c");
            auto const edited = s.message("m1", "edited", r.version, [&](json::object& m) { m["timestamp"] = s.in_seconds(-r.age); });
            auto const grave = tombstone(s, "m1", 2, s.in_seconds(-50));
            s.control(a.push({s.conversation(c, 1, {edit_first ? edited : grave})}), "one");
            s.control(a.push({s.conversation(c, 2, {edit_first ? grave : edited})}), "the other");
            s.expect(content_of(read(s, a, c), "m1") == "edited", std::string{r.what} + " stands", content_of(read(s, a, c), "m1"));
        }
}

void tombstone_hides_its_content(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), secret = s.canary();
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "x")})}), "a message");
    auto const with_content = s.message("m1", secret, 2, [](json::object& m) { m["deleted"] = true; });
    auto const x = a.push({s.conversation(c, 2, {with_content})});
    s.expect(x.ok() || x.client_error(), "a tombstone with content is accepted or refused", x.describe());
    expect_nowhere(s, a, c, secret, "a tombstone's content");
    if (x.ok()) s.expect(content_of(read(s, a, c), "m1").size() <= 8, "m1 is gone, or a tombstone without content", content_of(read(s, a, c), "m1"));
}

void deleted_conversation_is_hidden(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), secret = s.canary(), meanwhile = s.canary();
    s.control(a.push({s.conversation(c, 1, {s.message("m1", secret)})}), "a conversation");
    s.control(a.push({s.conversation(c, 2, {}, [](json::object& o) { o["deleted"] = true; })}), "its tombstone");
    expect_nowhere(s, a, c, secret, "a message of the deleted conversation");
    s.accepted(a.push({s.conversation(c, 1, {s.message("m2", meanwhile)})}), "a stale push into the deleted conversation");
    expect_nowhere(s, a, c, secret, "a message of the deleted conversation");
    expect_nowhere(s, a, c, meanwhile, "a message pushed into the deleted conversation");
    auto const list = a.get("/conversations?limit=500");
    s.control(list, "the list");
    if (auto const* entry = find_by_id(list.body(), "/conversations", c, "conversation_id"))
        s.expect(is_tombstone(*entry), "the deleted conversation is not in the list, or marked deleted", show(*entry));
}

void deleted_conversation_comes_back_whole(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "before")})}), "a conversation");
    s.control(a.push({s.conversation(c, 2, {}, [](json::object& o) { o["deleted"] = true; })}), "its tombstone");
    s.control(a.push({s.conversation(c, 1, {s.message("m2", "meanwhile")})}), "a stale push");
    auto const watermark = recent_feed(s, a).last_sync;
    s.control(a.push({s.conversation(c, 3, {s.message("m3", "after", 3)})}), "a greater write without deleted");
    auto const x = read(s, a, c);
    for (auto const& [id, content] : {std::pair{"m1", "before"}, {"m2", "meanwhile"}, {"m3", "after"}})
        s.expect(content_of(x, id) == content, std::string{id} + " is served again", content_of(x, id));
    std::set<std::string> all{"m1", "m2", "m3"};
    auto const is_pulled_whole = [&](std::string const& when) {
        auto const feed = a.pull_all({.since = watermark});
        std::set<std::string> pulled;
        for (auto const& entry : feed.conversations)
            if (text_at(entry, "/conversation_id") == c)
                for (auto const& id : ids_at(entry, "/messages")) pulled.insert(id);
        s.expect(pulled == all, "a pull since before the return" + when + " brings " + show(std::vector<std::string>{all.begin(), all.end()}), show(std::vector<std::string>{pulled.begin(), pulled.end()}));
    };
    is_pulled_whole("");
    // What comes after the return takes nothing of it back.
    s.control(a.push({s.conversation(c, 4, {s.message("m4", "pushed later", 4)})}), "a push after the return");
    all.insert("m4");
    is_pulled_whole(", after another push");
    s.control(s.user().write(c, "written later", [](json::object& o) { o["id"] = "m5"; }), "a write after the return");
    all.insert("m5");
    is_pulled_whole(", after a write");
}

check const checks[] = {
    {.id = "mrg/scalar-version",
     .title = "the conversation's members come from the write with the highest version",
     .clauses = {"BSP-MRG-030", "BSP-MRG-032"},
     .impact = "a stale device puts an old title back",
     .likely_cause = "title decided by last_modified alone, or by arrival",
     .run = higher_version_gives_the_title},
    {.id = "mrg/scalar-last-modified",
     .title = "at equal versions the conversation's members come from the later write",
     .clauses = {"BSP-MRG-030", "BSP-MRG-031"},
     .impact = "the later of two renames is lost",
     .likely_cause = "equal versions are ignored, or last_modified is compared as text",
     .run = later_write_gives_the_title},
    {.id = "mrg/scalar-tie",
     .title = "at equal version and last_modified one write wins, whichever came first",
     .clauses = {"BSP-MRG-031"},
     .impact = "two backends show different titles for ever",
     .likely_cause = "the copy that is held stays in a tie",
     .run = ties_of_scalars_converge,
     .needs = need::second_user},
    {.id = "mrg/scalar-digest",
     .title = "at equal version and last_modified the greater SHA-256 of the scalar members wins",
     .clauses = {"BSP-MRG-076"},
     .impact = "this backend and another implementation show different titles for ever",
     .likely_cause = "the digest is computed over other members than the clause names",
     .run = ties_of_scalars_follow_the_digest,
     .strength = obligation::should},
    {.id = "mrg/scalar-redacted",
     .title = "at equal version and last_modified an unredacted write of a conversation's members wins over a redacted one",
     .clauses = {"BSP-MRG-076"},
     .impact = "the redacted title that went to the hosted side comes back and overwrites the original",
     .likely_cause = "`redacted` is compared for messages only",
     .run = unredacted_scalars_stand,
     .strength = obligation::should},
    {.id = "mrg/scalar-stamp",
     .title = "a write is compared with the winning write's own stamp, not with the joined version and last_modified",
     .clauses = {"BSP-MRG-035"},
     .impact = "the title depends on the order in which devices came online",
     .likely_cause = "the joined last_modified is stored in the place of the winning write's",
     .run = stamp_is_the_writes_own},
    {.id = "mrg/scalar-whole",
     .title = "members of different writes are not mixed",
     .clauses = {"BSP-MRG-036"},
     .impact = "a title or an extension member that was taken away comes back",
     .likely_cause = "objects merged member by member",
     .run = members_are_not_mixed},
    {.id = "mrg/last-modified",
     .title = "last_modified is the latest instant written, spelled as it was written",
     .clauses = {"BSP-MRG-033", "BSP-MRG-034"},
     .impact = "clients sort conversations wrongly, and two backends never agree on the state",
     .likely_cause = "server time stored, instants re-formatted, or timestamps compared as text",
     .run = last_modified_is_the_latest},
    {.id = "mrg/version-not-computed",
     .title = "merging computes no version",
     .clauses = {"BSP-MRG-023", "BSP-MRG-032"},
     .impact = "two backends that push to each other count up for ever",
     .likely_cause = "max(local, incoming) + 1 on receive",
     .run = versions_are_not_computed},
    {.id = "mrg/surfaces",
     .title = "surfaces are the union of all that was written",
     .clauses = {"BSP-MRG-040", "BSP-MRG-041", "BSP-MRG-042"},
     .impact = "a conversation disappears from the view of a device that took part in it",
     .likely_cause = "the incoming list replaces the stored one",
     .run = surfaces_add_up},
    {.id = "mrg/surfaces-outlast-messages",
     .title = "a surface that was accepted in a surfaces array stays when the messages from it are deleted",
     .clauses = {"BSP-MRG-040"},
     .impact = "backends that heard a deletion in another order have other surfaces, and other digests, for ever",
     .likely_cause = "surfaces are reckoned anew from the messages that are left",
     .run = surfaces_outlast_messages},
    {.id = "mrg/surfaces-of-messages",
     .title = "the surface of a message counts among the conversation's",
     .clauses = {"BSP-MRG-040"},
     .impact = "a conversation is missing from the device on which it was written",
     .likely_cause = "only the array `surfaces` is joined",
     .run = surfaces_of_messages_count},
    {.id = "mrg/order",
     .title = "messages are served in the order of their instants and ids",
     .clauses = {"BSP-CNV-012"},
     .impact = "people read answers before questions",
     .likely_cause = "order of arrival, or timestamps sorted as text",
     .run = messages_are_in_order},
    {.id = "mrg/tombstone-stays",
     .title = "a stale copy does not bring a deleted message back",
     .clauses = {"BSP-MRG-051", "BSP-MRG-053"},
     .impact = "what a person deleted reappears when an old device comes online",
     .likely_cause = "deletion removes the row, so that the stale copy looks new",
     .run = stale_copy_does_not_return},
    {.id = "mrg/tombstone-loses",
     .title = "a greater message replaces a tombstone",
     .clauses = {"BSP-MRG-052"},
     .impact = "an edit made after the deletion is lost on some backends",
     .likely_cause = "deleted wins over everything",
     .run = newer_edit_beats_a_tombstone},
    {.id = "mrg/tombstone-content",
     .title = "content that came with a tombstone is served nowhere",
     .clauses = {"BSP-MRG-058", "BSP-MRG-053"},
     .impact = "deleted text is still readable",
     .likely_cause = "`deleted` is stored beside the content and never looked at",
     .run = tombstone_hides_its_content},
    {.id = "mrg/deleted-conversation",
     .title = "messages of a deleted conversation are served nowhere",
     .clauses = {"BSP-MRG-054", "BSP-MRG-055", "BSP-CNV-034"},
     .impact = "a conversation that a person deleted can still be read",
     .likely_cause = "`deleted` of the conversation hides it in one endpoint only",
     .run = deleted_conversation_is_hidden},
    {.id = "mrg/conversation-returns",
     .title = "a greater write brings a deleted conversation back with all its messages, in reads and in pulls",
     .clauses = {"BSP-MRG-055", "BSP-SYN-118"},
     .impact = "messages written on another device before or during the deletion are lost",
     .likely_cause = "deletion drops the messages, or the feed gives only those that changed since",
     .run = deleted_conversation_comes_back_whole},
};

}  // namespace

group merge_conversations_group() { return {"merge_conversations", profile::syn, checks}; }

}  // namespace bsp::conformance
