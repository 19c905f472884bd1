#include "../fields.hpp"
#include "../registry.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

// What a write, a deletion or a refusal leaves behind, and what it leaves alone.

namespace bsp::conformance {
namespace {

void scalars_by_the_nanosecond(scenario& s) {
    auto const a = s.register_peer();
    for (auto const& [earlier, later] : {std::pair{"2025-03-04T05:06:07.123456788Z", "2025-03-04T05:06:07.123456789Z"}, std::pair{"2025-03-04T05:06:07.1234Z", "2025-03-04T05:06:07.1235Z"},
                                         std::pair{"2025-03-04T05:06:07.9Z", "2025-03-04T06:06:07.900000001+01:00"}, std::pair{"0050-01-01T00:00:00Z", "1949-01-01T00:00:00Z"}})
        for (int attempt = 0; attempt < 4 && s.keeps(earlier); ++attempt)
            for (bool const later_first : {true, false}) {
                auto const c = s.fresh("c");
                auto const push = [&](bool is_later) { s.control(a.push({s.conversation(c, 3, {}, both(set("last_modified", is_later ? later : earlier), set("title", (is_later ? "later " : "earlier ") + s.canary(4))))}), "a push"); };
                push(later_first);
                push(!later_first);
                auto const x = a.read(c);
                s.control(x, "reading the conversation");
                s.expect(x.text("/title").starts_with("later"), std::string{"the title of the write of "} + later + " over that of " + earlier, x.text("/title"));
            }
}

void new_ids_are_new(scenario& s) {
    auto const who = s.user();
    auto const c = s.fresh("c");
    std::set<std::string> ids;
    std::size_t living = 0;
    auto const written = [&](edit const& more = {}) {
        auto const x = who.write(c, "message " + std::to_string(ids.size()), more);
        s.control(x, "a write");
        auto const id = x.text("/id");
        s.expect(ids.insert(id).second, "an id that no message of the conversation has", id + ", which is that of another message");
        ++living;
        return id;
    };
    for (int round = 0; round < 4; ++round) {
        auto const first = written();
        for (int i = 0; i < 6; ++i) written();
        s.control(who.del("/conversations/" + c + "/messages/" + first), "the deletion of a message");
        --living;
    }
    s.control(who.del("/conversations/" + c), "the deletion of the conversation");
    auto const before = living;
    for (int i = 0; i < 4; ++i) written();
    auto const now = who.read(c);
    s.control(now, "reading the conversation");
    auto all = objects_at(now.body(), "/messages");
    std::erase_if(all, [](json::object const& m) { return m.contains("deleted"); });
    bool const may_be = all.size() == living || all.size() == living - before;  // those of before may have gone with the conversation (BSP-MRG-059)
    s.expect(may_be, std::to_string(living) + " messages", std::to_string(all.size()));
}

/// The same words at the same time are two messages, where nobody says that they are one.
void equal_writes_are_two(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const when = s.in_seconds(-60);
    for (auto const& [what, more] : {std::pair<std::string, edit>{"without timestamp", {}}, {"with a timestamp", set("timestamp", when)}, {"with a timestamp and an unknown member", both(set("timestamp", when), set("x-import", json::object{{"row", 7}}))}}) {
        auto const c = s.fresh("c");
        std::set<std::string> ids;
        auto const is_new = [&](exchange const& x) {
            s.accepted(x, "a write without id, " + what);
            s.expect(ids.insert(x.text("/id")).second, "a write without id, " + what + ", of the words of another message gets an id that no message has", x.text("/id") + ", which is that of another message");
        };
        is_new(who.write(c, "ok", more));
        is_new(who.write(c, "ok", more));
        is_new(a.write(c, "ok", more));
        for (auto const& x : s.together({[&] { return who.write(c, "ok", more); }, [&] { return who.write(c, "ok", more); }, [&] { return a.write(c, "ok", more); }}))
            if (x.status() != 503) is_new(x);
        s.control(who.del("/conversations/" + c + "/messages/" + *ids.begin()), "the deletion of one of them");
        is_new(who.write(c, "ok", more));
        auto const held = message_ids(s, a, c);
        s.expect(held.size() == ids.size() - 1, std::to_string(ids.size() - 1) + " messages after as many equal writes, " + what, show(held));
    }
}

/// Whatever the others of the conversation say that the time is.
void new_messages_are_of_now(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const ahead = s.in_seconds(12 * 3600), old = s.in_seconds(-30 * 86'400);
    auto const of = [](std::string const& when, edit const& more = [](json::object&) {}) { return both(set("timestamp", when), more); };
    struct {
        char const* what;
        json::object conversation;
    } const held[] = {{"with a message dated 12 hours ahead", s.conversation(s.fresh("c"), 1, {s.message("m1", "x", 1, of(ahead))})},
                      {"with a tombstone dated 12 hours ahead", s.conversation(s.fresh("c"), 1, {s.message("m1", "", 1, of(ahead, set("deleted", true)))})},
                      {"modified 12 hours ahead", s.conversation(s.fresh("c"), 1, {}, set("last_modified", ahead))},
                      {"deleted 12 hours ahead", s.conversation(s.fresh("c"), 1, {s.message("m1", "x", 1, of(ahead))}, both(set("last_modified", ahead), set("deleted", true)))},
                      {"of a month ago", s.conversation(s.fresh("c"), 1, {s.message("m1", "x", 1, of(old))}, set("last_modified", old))}};
    for (auto const& h : held) {
        s.control(a.push({h.conversation}), "a push");
        std::string const c = text_at(json::value(h.conversation), "/conversation_id"), where = std::string{"into a conversation "} + h.what;
        s.control(who.write(c, "beside it", set("timestamp", ahead)), "a write with a timestamp 12 hours ahead");
        for (std::string const time : {"first", "second"}) {
            auto const before = s.now();
            auto const x = who.write(c, time);
            s.accepted(x, "a write " + where);
            auto const at = parse_timestamp(x.text("/timestamp"));
            s.expect(at && *at >= before - std::chrono::seconds{120} && *at <= s.now() + std::chrono::seconds{120}, "the " + time + " new message without timestamp that is written " + where + " has the server's current time, near " + format_timestamp(before), x.text("/timestamp"));
        }
    }
}

void refused_writes_leave_nothing(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const fresh = s.fresh("c"), held = s.fresh("c"), deleted = s.fresh("c");
    s.control(who.write(held, "kept", both(set("id", "m1"), set("title", "kept"))), "a write");
    s.control(who.write(deleted, "gone", set("id", "m1")), "a write");
    s.control(who.del("/conversations/" + deleted), "a deletion");
    auto const before = who.read(held);
    s.control(before, "reading the conversation");
    auto const mark = watermark(s, a);
    auto const wrong = [&](std::string const& c) {
        for (auto const& [what, change] : std::vector<std::pair<std::string, edit>>{
                 {"without content", drop("content")}, {"without role", drop("role")}, {"without surface", drop("surface")}, {"with a number for content", set("content", 1)},
                 {"with null for content", set("content", nullptr)}, {"with null for id", set("id", nullptr)}, {"with null for timestamp", set("timestamp", nullptr)}, {"with null for title", set("title", nullptr)},
                 {"with a number for title", set("title", 1)}, {"with no identifier for id", set("id", "a b")}, {"with no timestamp for timestamp", set("timestamp", "now")},
                 {"dated two days ahead", set("timestamp", s.in_seconds(2 * 86'400))}, {"dated by a day alone", set("timestamp", "2025-12-31")}, {"of the 30th of February", set("timestamp", "2025-02-30T00:00:00Z")},
                 {"with a role of 129 characters", set("role", std::string(129, 'r'))}, {"with an empty surface", set("surface", "")}, {"with a surface of 129 characters", set("surface", std::string(129, 's'))}, {"with a line feed in its role", set("role", "a\nb")}, {"with an id that ends in a line feed", set("id", "m2\n")},
                 {"with true for content", set("content", true)}, {"with a list for content", set("content", json::array{"x"})}})
            s.refused(who.write(c, "refused", both(both(set("id", "m2"), set("title", "refused")), change)), "a write " + what, {.statuses = {422, 400}});
    };
    for (auto const& c : {fresh, held, deleted}) {
        wrong(c);
        for (std::string const text : {R"({"id":"m2","role":"user","content":"one","content":"two","surface":"web"})", R"({"id":"m2","role":"user","content":"x","surface":"web","x":{"a":1,"a":2}})",
                                       R"({"id":"m2","role":"user","content":"x","surface":"web","\u0069d":"m3"})", R"({"id":"m2","role":"user","content":"\ud800","surface":"web"})",
                                       R"({"id":"m2","role":"user","content":"x","surface":"web","x":NaN})", R"({"id":"m2","role":"user","content":"x","surface":"web",})",
                                       R"({"id":"m2","role":"user","content":"x","surface":"web"} {})", R"({"id":"m2","role":"user","content":"x","surface":"web"}x)", R"({"id":"m2","role":"user","content":"x",/* a comment */"surface":"web"})", R"([{"id":"m2","role":"user","content":"x","surface":"web"}])",
                                       "{\"id\":\"m2\",\"role\":\"user\",\"content\":\"\xff\",\"surface\":\"web\"}", ""})
            s.refused(who.call("POST", "/conversations/" + c + "/messages", text), "a write with the body " + show(json::value(text.substr(0, 100))), {.statuses = {400, 422, 415}});
    }
    s.refused(who.write(held, std::string((1u << 20) + 1, 'x'), set("id", "m2")), "a write of a content of 1,048,577 bytes", {.statuses = {422, 400, 413}});
    auto const now = who.read(held);
    s.control(now, "reading the conversation");
    s.expect(now.body() == before.body(), "the conversation is as it was: " + show(before.body()), show(now.body()));
    s.expect(who.read(fresh).status() == 404, "no conversation came to be", who.read(fresh).describe());
    s.expect(who.read(deleted).status() == 404 || (who.read(deleted).at("/deleted") != nullptr) || who.read(deleted).status() == 410, "the deleted conversation is deleted", who.read(deleted).describe());
    auto const feed = a.pull_all({.since = mark, .limit = 200});
    s.expect(!of_conversation(feed.conversations, fresh).present, "a refused write is not in the feed", "it is");
    s.control(who.write(fresh, "accepted", set("id", "m2")), "the same write without the fault");
}

void peers_write_under_our_label(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const x = a.write(c, "by a peer"), y = s.user().write(c, "by the user");
    s.control(x, "a write by a peer");
    s.control(y, "a write by the user");
    for (auto const& taken : {a.backend_id(), a.peer_id(), s.account().id}) {
        s.expect(x.text("/source_backend") != taken, "a label of the server's own on what a peer wrote", x.text("/source_backend"));
        s.expect(a.read(c).text("/source_backend") != taken, "a label of the server's own on the conversation", a.read(c).text("/source_backend"));
    }
}

void deletions_stay_where_they_are(scenario& s) {
    auto const who = s.user();
    auto const here = s.fresh("c"), there = s.fresh("c");
    s.control(who.write(here, "here", set("id", "m1")), "a write");
    s.control(who.write(there, "there", set("id", "m2")), "a write");
    for (auto const& path : {"/conversations/" + there + "/messages/m1", "/conversations/" + here + "/messages/m2", "/conversations/" + s.fresh("none") + "/messages/m1"}) (void)who.del(path);
    s.expect(message_ids(s, who, here) == std::vector<std::string>{"m1"}, "m1 is still in its conversation after a deletion in another one", show(message_ids(s, who, here)));
    s.expect(message_ids(s, who, there) == std::vector<std::string>{"m2"}, "m2 is still in its conversation after a deletion in another one", show(message_ids(s, who, there)));
    s.control(who.del("/conversations/" + here + "/messages/m1"), "a deletion where the message is");
}

void losers_go_with_their_message(scenario& s) {
    auto const a = s.register_peer();
    auto const late = s.in_seconds(-40), early = s.in_seconds(-50);
    for (bool const by_push : {true, false}) {
        auto const c = s.fresh("c");
        auto const left = s.canary(), right = s.canary();
        s.control(a.push({s.conversation(c, 1, {s.message("m1", left, 4, both(set("timestamp", early), set("x-kept", json::object{{"a", 1}})))})}), "a push");
        s.control(a.push({s.conversation(c, 1, {s.message("m1", right, 4, set("timestamp", late))})}), "a push of another message of the same version");
        auto const shown = a.get("/conversations/" + c + "?conflicts=1");
        s.control(shown, "reading with conflicts");
        auto const entries = objects_at(shown.body(), "/conflicts");
        if (entries.empty()) {
            s.note("losing messages are not kept");
            return s.evidence("a conversation without conflicts");
        }
        json::value const lost(entries.front());
        s.expect(text_at(lost, "/message/content") == left && at(lost, "/message/x-kept") != nullptr, "the losing message as it was pushed", show(lost));
        if (by_push) s.control(a.push({s.conversation(c, 1, {s.message("m1", "", 5, set("deleted", true))})}), "a push of the message's tombstone");
        else s.control(a.del("/conversations/" + c + "/messages/m1"), "the deletion of the message");
        auto const after = a.get("/conversations/" + c + "?conflicts=1");
        s.control(after, "reading with conflicts after the deletion");
        for (auto const& content : {left, right}) s.expect(after.bytes().find(content) == std::string::npos, std::string{"nothing of a message that a tombstone "} + (by_push ? "pushed here" : "written here") + " replaced", after.bytes().substr(0, 400));
    }
}

/// What lost is kept for people to look at, and an edit is no answer to that.
void losers_outlast_edits(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const c = s.fresh("c"), when = s.in_seconds(-60);
    auto const push = [&](std::string const& text, std::int64_t version) { s.control(a.push({s.conversation(c, version, {s.message("m1", text, version, set("timestamp", when)), s.message("m2", "beside", 1, set("timestamp", when))})}), "a push"); };
    std::vector<json::value> lost;
    auto const keeps = [&](std::string const& what) {
        auto const x = who.get("/conversations/" + c + "?conflicts=1");
        s.accepted(x, "reading with conflicts=1 after " + what);
        auto const entries = objects_at(x.body(), "/conflicts");
        auto const is_there = [&](json::value const& m) { return std::ranges::any_of(entries, [&](json::object const& e) { return e.contains("message") && e.at("message") == m; }); };
        for (auto const& m : lost) s.expect(is_there(m), "after " + what + " the version that lost before is still given: " + show(m), show(x.body()));
        lost.clear();
        for (auto const& e : entries)
            if (auto const* m = e.if_contains("message")) lost.push_back(*m);
    };
    push("left", 1);
    push("right", 1);
    keeps("two pushes of one version");
    push("in between", 1);
    keeps("a push of a third content in that version");
    if (lost.empty()) s.not_applicable("the target keeps no losing versions");
    push("left", 1);
    keeps("a push of both again");
    push("later", 2);
    keeps("a push of a newer version");
    s.control(who.write(c, "edited", set("id", "m1")), "a write");
    keeps("the user's edit");
    push("left again", 50);
    push("right again", 50);
    keeps("a second collision");
    push("latest", 60);
    keeps("a push of a newer version than both collisions");
    s.control(who.write(c, "another", both(set("id", "m3"), set("title", "named"))), "a write");
    keeps("a write of another message and a title");
    s.control(who.del("/conversations/" + c + "/messages/m2"), "a deletion");
    keeps("the deletion of another message");
}

/// Neither a return of the conversation nor whoever deleted it makes a deleted message any less deleted.
void deletions_outlast_a_return(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const dead = set("deleted", true);
    for (bool const by_push : {false, true}) {
        auto const c = s.fresh("c"), secret = s.canary(), path = "/conversations/" + c;
        std::string const how = by_push ? " (deleted by pushes)" : " (deleted by the user)";
        auto const push = [&](std::int64_t version, std::vector<json::object> messages, edit const& more = [](json::object&) {}) { s.control(a.push({s.conversation(c, version, std::move(messages), more)}), "a push"); };
        auto const stale = s.message("m1", secret, 1, set("timestamp", s.in_seconds(-60)));
        push(1, {stale, s.message("m2", "beside")});
        if (by_push) push(2, {s.message("m1", "", 2, both(dead, set("timestamp", s.in_seconds(-50))))}), push(3, {}, dead);
        else s.control(who.del(path + "/messages/m1"), "the deletion of a message"), s.control(who.del(path), "the deletion of its conversation");
        push(1, {stale});
        auto const is_dead = [&](std::string const& when) {
            auto const x = who.get(path + "?conflicts=1");
            s.expect(x.bytes().find(secret) == std::string::npos, "a message that was deleted before its conversation was stays deleted " + when + how, show(x.body()));
        };
        is_dead("while the conversation is deleted");
        if (by_push) push(1'000, {s.message("m3", "back", 1'000)});
        else s.control(who.write(c, "back", set("id", "m3")), "the write that brings the conversation back");
        s.control(std::ranges::count(message_ids(s, a, c), "m3") == 1, "the conversation has come back");
        is_dead("when the conversation has come back");
        push(1, {stale});
        is_dead("when a stale copy comes after the return");
        auto const state = of_conversation(recent_feed(s, a).conversations, c);
        s.control(state.message("m3") != nullptr, "the message that was written last is in a pull");
        auto const* grave = state.message("m1");
        s.expect(grave && grave->contains("deleted") && grave->at("deleted") == json::value(true), "a pull carries the tombstone of a message that was deleted before its conversation was" + how, show(state.entry));
    }
}

/// What a server may refuse it refuses with all that comes beside it, and what it takes it takes with all of that.
void refused_or_whole(scenario& s) {
    auto const a = s.register_peer();
    edit const as_it_is = [](json::object&) {};
    auto const dead = set("deleted", true);
    struct {
        char const* what;
        edit message, conversation;
    } const doubtful[] = {{"a tombstone that has content", dead, as_it_is},
                          {"a redacted tombstone that has content", both(dead, set("redacted", true)), as_it_is},
                          {"a conversation dated 25 hours ahead", as_it_is, set("last_modified", s.in_seconds(25 * 3600))},
                          {"a deleted conversation with a message and a title", as_it_is, both(dead, set("title", "x"))},
                          {"a role with a line feed", set("role", "a\nb"), as_it_is},
                          {"a title that is null", as_it_is, set("title", nullptr)}};
    for (auto const& d : doubtful)
        for (bool const last : {true, false}) {
            auto const good = s.fresh("good"), kept = s.fresh("kept"), id = s.fresh("sync");
            s.control(a.push({s.conversation(kept, 1, {s.message("m1", "one")})}), "a push before");
            std::vector<json::object> const fine{s.conversation(good, 1, {s.message("m1", "one")}), s.conversation(kept, 2, {s.message("m2", "two", 2)})};
            auto all = fine;
            all.insert(last ? all.end() : all.begin(), s.conversation(s.fresh("doubt"), 1, {s.message("m0", "x"), s.message("m1", "x", 1, d.message)}, d.conversation));
            auto const x = a.push(all, {.sync_id = id});
            auto const what = std::string{"a push with "} + d.what + (last ? " at its end" : " at its beginning");
            s.expect(x.ok() || x.client_error(), what + " is accepted or refused", x.describe());
            auto const has = [&](std::string const& c) { return live_ids(a.read(c).body()); };
            using ids = std::vector<std::string>;
            if (x.ok()) {
                s.expect(has(good) == ids{"m1"} && has(kept).size() == 2, "of " + what + ", which was accepted, everything beside it is stored", show(has(good)) + " and " + show(has(kept)));
                continue;
            }
            s.expect(has(good).empty() && has(kept) == ids{"m1"}, "of " + what + ", which was refused, nothing is stored", show(has(good)) + " and " + show(has(kept)));
            s.accepted(a.push(fine, {.sync_id = id}), "the same push without it, under the same sync_id");
            s.expect(has(good) == ids{"m1"} && has(kept).size() == 2, "then everything is stored", show(has(good)) + " and " + show(has(kept)));
        }
    s.evidence("pushes that may be refused");
}

void refusals_are_problems(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.write(c, "x"), "a write");
    auto const judge = [&](exchange const& x, std::string const& what) {
        s.control(x.client_error(), what + " is refused");
        auto const* type = x.header("Content-Type");
        s.expect(is_of_type(type, "application/problem+json"), "application/problem+json on " + what, type ? *type : "no Content-Type");
        s.expect(integer_at(x.body(), "/status") == x.status(), "the member status on " + what, x.bytes().substr(0, 200));
        for (char const* member : {"/type", "/title", "/detail", "/code"}) s.expect(at(x.body(), member) && at(x.body(), member)->is_string(), std::string{member + 1} + " on " + what, x.bytes().substr(0, 200));
        if (x.status() == 401) s.expect(x.header("WWW-Authenticate") != nullptr, "WWW-Authenticate on " + what, "it is absent");
        if (x.status() == 401 || x.status() == 405) return;  // nobody was authenticated
        auto const& fields = x.details().got.response.headers;
        s.expect(lists(fields, "Cache-Control", "no-store"), "Cache-Control: no-store on " + what, joined(fields, "Cache-Control"));
    };
    // A path that cannot be decoded may be refused by what stands before the backend (BSP-GEN-090).
    for (std::string const& segment : {std::string(200, 'x'), std::string{"a%20b"}, std::string{"a%C3%A9"}}) {
        auto const path = "/conversations/" + segment;
        judge(a.get(path), "GET " + path.substr(0, 40));
        judge(a.del(path), "DELETE " + path.substr(0, 40));
    }
    for (std::string const query : {"?limit=0", "?limit=x"}) judge(a.get("/conversations" + query), "GET /conversations" + query);
    judge(a.get("/conversations/" + s.fresh("none")), "GET of a conversation that does not exist");
    judge(a.write(c, "x", drop("role")), "an invalid write");
    judge(a.write(c, "x", {}, {.authorization = ""}), "a write without a credential");
    judge(a.write(c, "x", {}, {.authorization = "BSP x"}), "a write with a broken credential");
    judge(a.write(c, "x", {}, {.claims = [&](json::object& o) { o["iat"] = s.now().seconds - 400, o["exp"] = s.now().seconds - 200; }}), "a write with an expired assertion");
    judge(a.write(c, "x", {}, {.claims = set("aud", "hosted_sha256_0000000000000000")}), "a write with an assertion for another backend");
    judge(a.push({}, {.timestamp = s.in_seconds(-900)}), "a stale push");
    judge(a.push({}, {.sign = false}), "an unsigned push");
    judge(a.call("PATCH", "/conversations/" + c, std::nullopt), "PATCH of a conversation");
}

void empty_is_not_absent(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    for (std::string const title : {"", " ", "0", "null"}) {
        auto const c = s.fresh("c");
        auto const mark = watermark(s, a);
        s.control(a.push({s.conversation(c, 1, {s.message("m1", "")}, both(set("title", title), both(set("surfaces", json::array{}), set("x-empty", ""))))}), "a push");
        auto const x = a.read(c);
        s.control(x, "reading the conversation");
        auto const entry = of_conversation(a.pull_all({.since = mark, .limit = 200}).conversations, c).entry;
        for (auto const& [way, state] : {std::pair<std::string, json::value>{"read", x.body()}, {"pulled", entry}}) {
            auto const* held = at(state, "/title");
            s.expect(held && *held == json::value(title), "the title " + show(json::value(title)) + ", " + way, held ? show(*held) : "absent");
            auto const* unknown = at(state, "/x-empty");
            s.expect(unknown && *unknown == json::value(""), "an unknown member that is empty, " + way, unknown ? show(*unknown) : "absent");
        }
        // A title that comes with a repeated message is all that changes.
        json::object const message = objects_at(x.body(), "/messages").front();
        auto const same = [&](json::object& o) {
            o["id"] = "m1";
            for (char const* name : {"role", "surface", "timestamp"}) o[name] = message.at(name);
            o["title"] = "titled";
        };
        s.control(who.write(c, "", same), "the same message with another title");
        auto const now = who.read(c);
        s.control(now, "reading the conversation");
        s.expect(now.text("/title") == "titled", "the title that came with a repeated message", now.text("/title"));
        s.expect(now.at("/x-empty") && *now.at("/x-empty") == json::value(""), "the unknown member after that", now.at("/x-empty") ? show(*now.at("/x-empty")) : "absent");
        s.expect(now.text("/source_backend") == x.text("/source_backend"), "the source_backend after that", now.text("/source_backend"));
    }
}

check const checks[] = {
    {.id = "cnv/new-ids",
     .title = "a message written without id gets one that no message of the conversation ever had",
     .clauses = {"BSP-CNV-043"},
     .impact = "a new message overwrites an old one",
     .likely_cause = "ids are counted, or made of the time",
     .run = new_ids_are_new},
    {.id = "cnv/equal-writes",
     .title = "equal writes without id are messages of their own, though their timestamps are equal, too",
     .clauses = {"BSP-CNV-043", "BSP-CNV-040"},
     .impact = "of an old history that is imported, whatever was said twice in a second is lost",
     .likely_cause = "the id is made of the content and the time, or equal writes are taken for a retry",
     .run = equal_writes_are_two},
    {.id = "cnv/time-of-new-messages",
     .title = "a new message without timestamp has the current time, whatever its conversation is dated",
     .clauses = {"BSP-CNV-044"},
     .impact = "after one message from a device whose clock is fast, all that anybody writes is dated in the future, and sorted wrongly for good",
     .likely_cause = "messages are dated after the newest that is there, lest an answer stands above its question",
     .run = new_messages_are_of_now},
    {.id = "cnv/refused-writes",
     .title = "a refused write creates nothing, changes nothing and brings nothing back",
     .clauses = {"BSP-CNV-042", "BSP-CNV-059", "BSP-CNV-056"},
     .impact = "conversations appear, change their titles or come back by requests that were refused",
     .likely_cause = "the conversation is made ready before the message is checked",
     .run = refused_writes_leave_nothing},
    {.id = "cnv/label-of-writes",
     .title = "what a peer writes for its user carries the server's label, not the peer's",
     .clauses = {"BSP-CNV-048"},
     .impact = "a message seems to come from a backend that never held it",
     .likely_cause = "the label is taken from the caller",
     .run = peers_write_under_our_label,
     .strength = obligation::should},
    {.id = "cnv/delete-here-only",
     .title = "a message is deleted in the conversation of the path and in no other",
     .clauses = {"BSP-MRG-002", "BSP-CNV-063"},
     .impact = "tidying up one conversation takes messages out of another",
     .likely_cause = "the message is looked for by its id alone",
     .run = deletions_stay_where_they_are},
    {.id = "mrg/scalars-by-instant",
     .title = "between scalar writes of one version the later last_modified wins, by its nanoseconds",
     .clauses = {"BSP-MRG-030", "BSP-GEN-055"},
     .impact = "the older title stands at one backend and the newer one at another",
     .likely_cause = "a column that holds milliseconds or microseconds",
     .run = scalars_by_the_nanosecond},
    {.id = "cnv/losers-deleted",
     .title = "losing versions go with their message, whoever deleted it",
     .clauses = {"BSP-CNV-023", "BSP-CNV-021"},
     .impact = "what was deleted can still be read",
     .likely_cause = "losing versions are cleared by the route for deletions, not by the merge",
     .run = losers_go_with_their_message},
    {.id = "cnv/losers-outlast-edits",
     .title = "where losing versions are kept, neither edits nor later collisions take them away",
     .clauses = {"BSP-CNV-022", "BSP-CNV-021"},
     .impact = "what somebody wrote and lost to another device is gone before anybody has looked for it",
     .likely_cause = "a newer version is taken for the settlement of a conflict, or there is room for one losing version of a message",
     .run = losers_outlast_edits},
    {.id = "mrg/deletions-outlast-returns",
     .title = "a message that was deleted stays deleted when its conversation is deleted and comes back",
     .clauses = {"BSP-MRG-051", "BSP-MRG-053", "BSP-SYN-128"},
     .impact = "a device that was away brings back what was deleted",
     .likely_cause = "the tombstones of messages are cleared away with their conversation",
     .run = deletions_outlast_a_return},
    {.id = "syn/refused-or-whole",
     .title = "a push of which something may be refused is refused as a whole or stored as a whole",
     .clauses = {"BSP-SYN-050", "BSP-SYN-051", "BSP-SYN-052", "BSP-SYN-073"},
     .impact = "half of a push is there that was refused, and the device sends it for ever",
     .likely_cause = "a rule that one may leave out is looked at where the push is applied",
     .run = refused_or_whole},
    {.id = "gen/refusals-are-problems",
     .title = "refusals of every kind are problem documents that no cache keeps",
     .clauses = {"BSP-GEN-086", "BSP-GEN-087", "BSP-GEN-092", "BSP-GEN-105"},
     .impact = "clients cannot tell why they were refused, and a cache may repeat it to them",
     .likely_cause = "the framework answers broken paths itself, and headers are set where requests succeed",
     .run = refusals_are_problems,
     .about = aspect::exactness},
    {.id = "syn/empty-is-not-absent",
     .title = "an empty title and empty members stay, and a title that comes with a repeated message changes nothing else",
     .clauses = {"BSP-MRG-030", "BSP-GEN-056", "BSP-GEN-069", "BSP-CNV-070"},
     .impact = "two backends that hold the same write emit different conversations",
     .likely_cause = "empty values are taken for none (omitempty, truthiness)",
     .run = empty_is_not_absent},
};

}  // namespace

group writes_and_refusals_group() { return {"writes-and-refusals", profile::syn, checks}; }

}  // namespace bsp::conformance
