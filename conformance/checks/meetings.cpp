#include "../registry.hpp"
#include "conversing.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <chrono>
#include <functional>

// Two features that meet, and things that are done a second time: writes that repeat something else, deletions after a
// return, pages of somebody else or of what is gone, and what refused pushes leave behind.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bool has_more(exchange const& x) { return x.at("/has_more") && *x.at("/has_more") == json::value(true); }

bool shows(exchange const& x, std::string const& word) { return json::serialize(x.body()).find(word) != std::string::npos; }

// ---- local writes -----------------------------------------------------------------------------------------

void repetitions_are_of_their_place(scenario& s) {
    auto const who = s.user(), other = s.other_user();
    auto const first = s.fresh("c"), second = s.fresh("c"), id = s.fresh("m");
    std::string const text = "the same words";
    s.control(who.write(first, text, set("id", id)), "a write");
    auto const holds = [&](caller const& reader, std::string const& c, std::string const& what) {
        auto const x = reader.read(c);
        s.expect(x.ok() && !message_in(x, id).empty(), what + " is stored", "there is no such message: " + x.describe());
    };
    s.accepted(who.write(second, text, set("id", id)), "the same message, written into another conversation");
    holds(who, second, "it");
    s.accepted(other.write(first, text, set("id", id)), "the same message, written by another user");
    holds(other, first, "it");
    auto const c = s.fresh("c");
    s.accepted(other.write(c, text, set("id", id)), "the same message, written by another user into a conversation of their own");
    holds(other, c, "it");
}

void repetitions_whoever_wrote(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const c = s.fresh("c");
    s.control(who.write(c, "by the user", set("id", "m1")), "a write by the user");
    s.control(a.write(c, "by the peer", set("id", "m2")), "a write by a peer");
    json::object const sample = message_in(read(s, who, c), "m1");
    s.control(a.push({s.conversation(c, 7, {s.message("m3", "pushed", 7, both(set("role", std::string{text_at(sample, "/role")}), set("surface", std::string{text_at(sample, "/surface")})))})}), "a push");
    auto const before = read(s, who, c);
    auto const same = [&](caller const& writer, std::string const& id, std::string const& text, std::string const& what) {
        s.accepted(writer.write(c, text, set("id", id)), what);
        auto const now = read(s, who, c);
        s.expect(json::value(message_in(now, id)) == json::value(message_in(before, id)), "after " + what + " the message is the one that was held", show(message_in(now, id)));
        s.expect(integer_at(now.body(), "/version") == integer_at(before.body(), "/version"), "after " + what + " no version has been made", std::to_string(integer_at(now.body(), "/version")));
    };
    same(a, "m1", "by the user", "the repetition by a peer of what the user wrote");
    same(who, "m2", "by the peer", "the repetition by the user of what a peer wrote");
    same(who, "m3", "pushed", "the repetition by the user of what was pushed");
    same(a, "m3", "pushed", "the repetition by a peer of what was pushed");
}

void versions_seen_while_deleted(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const c = s.fresh("c");
    write(s, who, c, "before", set("id", "m1"));
    s.control(who.del("/conversations/" + c), "the deletion of the conversation");
    s.control(a.push({s.conversation(c, 1, {s.message("m2", "meanwhile", 400)})}), "a push of a message of version 400 into the deleted conversation");
    auto const x = write(s, who, c, "back again", set("id", "m3"));
    s.expect(integer_at(x.body(), "/version") == 401, "the write that brings the conversation back has version 401, one more than the greatest that was pushed while it was deleted", std::to_string(integer_at(x.body(), "/version")));
    auto const now = read(s, who, c);
    for (std::string const id : {"m2", "m3"})  // m1 may have been deleted with the conversation (BSP-MRG-059)
        s.expect(!message_in(now, id).empty(), "the conversation has come back with " + id, show(ids_at(now.body(), "/messages")));
    auto const d = who.del("/conversations/" + c);
    s.accepted(d, "another deletion of the conversation");
    s.expect(d.at("/version") && integer_at(d.body(), "/version") == 402, "the second deletion has version 402", d.describe());
}

void deletions_again(scenario& s) {
    auto const who = s.user();
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), path = "/conversations/" + c;
    for (std::string const time : {"first", "second", "third"}) {
        auto const m = time == "third" ? pushed(s, a, s.conversation(c, 1'000, {s.message("m1", time, 1'000)})) : write(s, who, c, time, set("id", "m1"));
        s.control(!message_in(read(s, who, c), "m1").empty(), "the message is there");
        s.accepted(who.del(path + "/messages/m1"), "the " + time + " deletion of a message");
        auto const now = message_in(read(s, who, c), "m1");
        s.expect(now.empty() || text_at(now, "/content").empty(), "after its " + time + " deletion the message is gone", show(now));
    }
    std::int64_t version = 2'000;
    for (std::string const time : {"first", "second", "third"}) {
        if (time == "third") pushed(s, a, s.conversation(c, version += 1'000, {s.message("m2", time, version)}));
        else write(s, who, c, time, set("id", "m2"));
        s.control(!message_in(read(s, who, c), "m2").empty(), "the conversation is there");
        s.accepted(who.del(path), "the " + time + " deletion of a conversation");
        auto const now = who.read(c);
        s.expect(!shows(now, time), "after its " + time + " deletion the conversation is gone", now.describe());
    }
}

void changes_of_peers_are_news(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    for (caller const& who : {caller{b}, caller{a}, s.user()}) {
        auto const c = s.fresh("c");
        auto since = watermark(s, a);
        auto const is_news = [&](exchange const& x, std::string const& what, std::function<bool(fed const&)> const& there) {
            s.control(x, what);
            auto const feed = a.pull_all({.since = since, .limit = 200});
            auto const seen = of_conversation(feed.conversations, c);
            s.expect(seen.present && there(seen), what + " by " + who.name() + " is in the next pull of A", seen.present ? show(seen.entry) : "the conversation is not");
            since = feed.last_sync;
        };
        auto const has = [](std::string const& id, std::string const& text) { return [=](fed const& f) { return f.message(id) && text_at(*f.message(id), "/content") == text; }; };
        is_news(who.write(c, "one", set("id", "m1")), "a write", has("m1", "one"));
        is_news(who.write(c, "two", set("id", "m1")), "an edit", has("m1", "two"));
        is_news(who.write(c, "three", both(set("id", "m2"), set("title", "named"))), "a write with a title", [](fed const& f) { return text_at(f.entry, "/title") == "named"; });
        is_news(who.del("/conversations/" + c + "/messages/m1"), "the deletion of a message", has("m1", ""));
        is_news(who.del("/conversations/" + c), "the deletion of a conversation", [](fed const& f) { return at(f.entry, "/deleted") != nullptr; });
    }
}

/// What was withheld while a conversation was deleted is owed to everybody when it comes back, and each time that it does.
void returns_are_whole_each_time(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const who = s.user();
    auto const c = s.fresh("c");
    std::int64_t version = 1;
    pushed(s, a, s.conversation(c, version, {s.message("m1", "one"), s.message("m2", "two")}));
    auto const push_of = [&](std::vector<json::object> messages, edit const& more) { pushed(s, a, s.conversation(c, version += 1'000, std::move(messages), more)); };
    edit const as_it_is = [](json::object&) {};
    auto const pushed_away = [&] { push_of({}, set("deleted", true)); };
    auto const deleted_here = [&] { s.control(who.del("/conversations/" + c), "the deletion of the conversation"); };
    struct {
        char const* time;
        std::function<void()> remove;
        char const* by;
        std::function<void()> bring_back;
    } const turns[] = {{"first", pushed_away, "by a write", [&] { write(s, who, c, "back"); }},
                       {"second", deleted_here, "by a push of a message", [&] { push_of({s.message("m3", "back", version)}, as_it_is); }},
                       {"third", pushed_away, "by a push of its members alone", [&] { push_of({}, as_it_is); }},
                       {"fourth", deleted_here, "by a write", [&] { write(s, who, c, "back"); }}};
    for (auto const& turn : turns) {
        auto const before = watermark(s, b);
        turn.remove();
        auto const amid = watermark(s, b);
        turn.bring_back();
        auto const there = live_ids(read(s, who, c).body());  // a server may have deleted the messages with the conversation (BSP-MRG-059)
        for (auto const& [what, since] : {std::pair{"a pull since before it was deleted", before}, {"a pull since it was deleted", amid}}) {
            auto const seen = of_conversation(b.pull_all({.since = since, .limit = 200}).conversations, c);
            for (auto const& id : there)
                s.expect(seen.message(id), std::string{"when a conversation comes back for the "} + turn.time + " time, " + turn.by + ", " + what + " has every message that is read: " + show(there),
                         seen.present ? id + " is not among " + std::to_string(seen.messages.size()) : "the conversation is not in it");
        }
    }
    s.evidence("a conversation that came back");
}

/// All that the answer to a push tells of what it sent, whatever stands beside it.
void conflicts_of_several(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    std::vector<std::string> all;
    std::vector<json::object> left, right;
    auto const stem = s.fresh("c");
    for (int i = 0; i < 3; ++i) {
        all.push_back(stem + "-" + std::to_string(i));
        auto const of = [&](std::string const& side) { return s.conversation(all.back(), 1, {s.message("m1", side + " 1"), s.message("m2", "same", 1, set("timestamp", "2025-06-01T00:00:00Z")), s.message("m3", side + " 3")}); };
        left.push_back(of("left"));
        right.push_back(of("right"));
        for (auto& m : right.back().at("messages").as_array())  // all of one instant
            for (auto& other : left.back().at("messages").as_array())
                if (m.at("id") == other.at("id")) m.as_object()["timestamp"] = other.at("timestamp");
    }
    s.control(a.push(left), "a push");
    auto const x = b.push(right);
    s.accepted(x, "a push of which messages diverge in three conversations");
    auto const told = objects_at(x.body(), "/conflicts");
    for (auto const& c : all)
        for (std::string const id : {"m1", "m3"})
            s.expect(std::any_of(told.begin(), told.end(), [&](auto const& t) { return text_at(t, "/conversation_id") == c && text_at(t, "/message_id") == id; }), "each of two diverged messages in each of three conversations is in conflicts",
                     id + " of " + c + " is not among " + std::to_string(told.size()));
    s.expect(std::none_of(told.begin(), told.end(), [](auto const& t) { return text_at(t, "/message_id") == "m2"; }), "and none that is the same on both sides", show(*x.at("/conflicts")));
    auto const y = b.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "new")})});
    s.control(y, "another push");
    s.expect(objects_at(y.body(), "/conflicts").empty(), "the next push, of a new conversation, has no conflicts", show(*y.at("/conflicts")));
}

// ---- pages ------------------------------------------------------------------------------------------------

/// Three conversations with this word; the cursor of a page of one that `get` gives.
std::string cursor_amid(scenario& s, peer const& a, std::string const& word, std::function<exchange()> const& get) {
    std::vector<json::object> three;
    for (int i = 0; i < 3; ++i) three.push_back(s.conversation(s.fresh("c"), 1, {s.message("m1", word)}, set("title", word)));
    for (auto& c : three) s.control(a.push({std::move(c)}), "a push");
    auto const x = get();
    s.control(x, "a first page");
    if (!has_more(x)) s.inconclusive("several entries are on a page of one");
    return percent_encode_segment(x.text("/cursor"));
}

void cursors_open_nothing(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer_of(s.other_account());
    auto const word = s.canary();
    s.control(b.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "theirs")})}), "a push of the other user's");
    auto const since = watermark(s, a);
    auto const of_pull = cursor_amid(s, a, word, [&] { return a.pull({.since = since, .limit = 1}); });
    auto const of_list = cursor_amid(s, a, word, [&] { return s.user().get("/conversations?limit=1"); });
    auto const nothing_of = [&](exchange const& x, std::string const& what) {
        s.expect(x.status() < 500 && x.answered(), what + " is answered", x.describe());
        s.expect(!shows(x, word), what + " shows nothing of whom the cursor was made for", "it shows a conversation");
    };
    nothing_of(b.get("/sync/" + b.peer_id() + "?limit=500&cursor=" + of_pull), "a pull with the cursor of another user");
    nothing_of(s.other_user().get("/conversations?limit=500&cursor=" + of_list), "a list with the cursor of another user");
    nothing_of(b.get("/conversations?limit=500&cursor=" + of_list), "a list, read by a peer, with the cursor of another user");
    s.control(a.get("/sync/" + a.peer_id() + "?limit=500&cursor=" + of_pull), "the same cursor with whom it was made for");
}

void pages_after_deletions(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const word = s.canary(), since = watermark(s, a);
    std::vector<std::string> all;
    for (int i = 0; i < 6; ++i) {
        all.push_back(s.fresh("c"));
        pushed(s, a, s.conversation(all.back(), 1, {s.message("m1", word)}));
    }
    auto x = a.pull({.since = since, .limit = 1});
    s.control(x, "the first page of a pull");
    if (!has_more(x)) s.inconclusive("several conversations are on a page of one");
    for (std::size_t i = 0; i < all.size(); ++i)
        s.control(i % 2 ? who.del("/conversations/" + all[i]) : who.del("/conversations/" + all[i] + "/messages/m1"), "a deletion between two pages");
    for (int pages = 0; pages < 500 && has_more(x); ++pages) {
        x = a.pull({.cursor = x.text("/cursor"), .limit = 1});
        s.accepted(x, "a page after the deletions");
        s.expect(!shows(x, word), "a later page has no content of what was deleted since the first", show(x.body()));
    }
}

void pages_after_expiry(scenario& s) {
    auto const end = s.now() + seconds{6};
    auto const a = s.register_peer({.sbt = set("expires_at", format_timestamp(end))});
    auto const since = watermark(s, a), word = s.canary();
    for (int i = 0; i < 3; ++i) s.control(a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", word)})}), "a push before the token expires");
    auto const x = a.pull({.since = since, .limit = 1});
    s.control(x, "the first page, before the token expires");
    if (!has_more(x)) s.inconclusive("several conversations are on a page of one");
    s.wait_until(end + milliseconds{1500});
    auto const y = a.pull({.cursor = x.text("/cursor"), .limit = 1});
    s.refused(y, "a later page of a pull when the token has expired since the first", {.statuses = {401}, .codes = {"sbt-expired"}});
    s.expect(!shows(y, word), "a refused page shows nothing", "it shows a message");
}

/// At equal stamps whichever write wins does so at all backends, and so the others have to hear of it.
void ties_are_news(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const who = s.user();
    auto const when = s.in_seconds(-60);
    int won = 0;
    for (int i = 0; i < 20 && won < 2; ++i) {  // each time one of two, whichever the server's rule prefers
        auto const c = s.fresh("c");
        auto const write_of = [&](char const* title) { return s.conversation(c, 3, {}, both(set("last_modified", when), set("title", title))); };
        pushed(s, a, write_of("first"));
        auto const since = watermark(s, b);
        pushed(s, a, write_of("second"));
        if (read(s, who, c).text("/title") != "second") continue;
        ++won;
        auto const seen = of_conversation(b.pull_all({.since = since, .limit = 200}).conversations, c);
        s.expect(seen.present && text_at(seen.entry, "/title") == "second", "a title that has won at equal version and last_modified is in the next pull", seen.present ? show(seen.entry) : "the conversation is not");
    }
    if (won == 0) s.inconclusive("none of 20 equal writes has won");

    auto const d = s.fresh("c");
    auto const m = [&](char const* text, bool redacted) { return s.message("m1", text, 2, redacted ? both(set("timestamp", when), set("redacted", true)) : set("timestamp", when)); };
    pushed(s, a, s.conversation(d, 2, {m("redacted", true)}, set("last_modified", when)));
    auto const mark = watermark(s, b);
    pushed(s, a, s.conversation(d, 2, {m("original", false)}, set("last_modified", when)));
    s.control(text_at(message_in(read(s, who, d), "m1"), "/content") == "original", "the original has taken the place of its redacted copy");
    auto const seen = of_conversation(b.pull_all({.since = mark, .limit = 200}).conversations, d);
    s.expect(seen.message("m1") && text_at(*seen.message("m1"), "/content") == "original", "an original that has taken the place of its redacted copy is in the next pull", seen.present ? show(seen.entry) : "the conversation is not");
}

void digest_follows_ties(scenario& s) {
    auto const a = s.register_peer();
    auto const path = "/sync/" + a.peer_id() + "/digest";
    if (!a.get(path).ok()) s.not_applicable("the target gives no digest");
    auto const c = s.fresh("c"), when = s.in_seconds(-60);
    int won = 0;
    for (int i = 0; i < 20 && won < 2; ++i) {  // each time one of two, whichever has the greater digest
        auto const id = "m" + std::to_string(i);
        auto const push_tie = [&](char const* text) { pushed(s, a, s.conversation(c, 1, {s.message(id, text, 1, set("timestamp", when))}, set("last_modified", when))); };
        push_tie("first");
        auto const before = a.get(path).text("/digest");
        push_tie("second");
        bool const has_won = text_at(message_in(read(s, s.user(), c), id), "/content") == "second";
        auto const now = a.get(path).text("/digest");
        s.expect((now != before) == has_won, has_won ? "the digest is another when a message has won at equal version" : "the digest is the same when a message has lost", has_won ? "it is the same, " + now : "it was " + before + " and is " + now);
        won += has_won;
    }
    if (won == 0) s.inconclusive("none of 20 equal versions has won");
    s.evidence("a digest");
}

/// Losing versions have an end: the deletion of their message.
void losers_of_the_deleted(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const c = s.fresh("c"), when = s.in_seconds(-60), lost = s.canary(), late = s.canary();
    auto const at_time = [&](edit const& more) { return both(set("timestamp", when), more); };
    edit const nothing = [](json::object&) {};
    pushed(s, a, s.conversation(c, 1, {s.message("m1", lost + " left", 1, at_time(nothing))}));
    pushed(s, a, s.conversation(c, 1, {s.message("m1", lost + " right", 1, at_time(nothing))}));
    auto const path = "/conversations/" + c + "?conflicts=1";
    auto const before = who.get(path);
    s.control(before, "reading with conflicts=1");
    auto const* kept = before.at("/conflicts");
    if (!kept || !kept->is_array() || kept->get_array().empty()) s.not_applicable("the target keeps no losing versions");
    auto const deleted = [&](std::int64_t version) { return s.message("m1", "", version, both(set("timestamp", s.in_seconds(-30)), set("deleted", true))); };
    auto const gone = [&](std::string const& when_it_was) {
        auto const x = who.get(path);
        s.control(x, "reading with conflicts=1");
        s.expect(!shows(x, lost) && !shows(x, late), "what a deletion has replaced, or what lost to it, is shown nowhere " + when_it_was, show(x.body()));
    };
    pushed(s, a, s.conversation(c, 2, {deleted(2)}));
    gone("after the deletion");
    pushed(s, a, s.conversation(c, 2, {s.message("m1", late, 2, at_time(nothing))}));
    gone("when another version has lost to the deletion");
    pushed(s, a, s.conversation(c, 3, {s.message("m1", "again", 3)}));
    gone("when the message has been written again");
    s.control(text_at(message_in(read(s, who, c), "m1"), "/content") == "again", "the message is there again");
}

// ---- refused pushes ---------------------------------------------------------------------------------------

void refused_leaves_nothing(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const held = s.fresh("c");
    auto const before = s.canary(), refused = s.canary();
    pushed(s, a, s.conversation(held, 1, {s.message("m1", before)}, set("title", "held")));
    auto const losers = [&](std::string const& c) { return who.get("/conversations/" + c + "?conflicts=1"); };
    for (bool const last : {true, false}) {
        auto const fresh = s.fresh("c"), other = s.fresh("c");
        auto const bad = s.message("m2", refused, 2, drop("role"));
        auto const diverged = s.message("m1", refused);
        std::vector<json::object> entries{s.conversation(held, 3, last ? std::vector{diverged, bad} : std::vector{bad, diverged}, both(set("title", refused), set("surfaces", json::array{"web", "ios"}))),
                                          s.conversation(fresh, 1, last ? std::vector{s.message("m1", refused), bad} : std::vector{bad, s.message("m1", refused)}, set("title", refused))};
        if (!last) std::swap(entries[0], entries[1]);
        s.refused(a.push(entries), "a push of which one message lacks its role");
        for (std::string const when : {"at once", "when another push was accepted"}) {
            auto const now = read(s, who, held);
            s.expect(!shows(now, refused), "nothing of the refused push is in a conversation that was held, " + when, show(now.body()));
            s.expect(!shows(losers(held), refused) && !shows(losers(held), before + "\",\"conflict"), "nor among what lost there, " + when, show(losers(held).body()));
            if (auto const* lost = losers(held).at("/conflicts"); lost && lost->is_array()) s.expect(lost->get_array().empty(), "nothing has lost against it, " + when, show(*lost));
            auto const absent = who.read(fresh);
            s.expect(absent.status() == 404, "a conversation that only the refused push had does not exist, " + when, absent.describe());
            s.control(a.push({s.conversation(other, 1, {s.message("m1", "good")})}), "a good push");
        }
        auto const all = whole_list(s, who, 500);
        s.expect(std::none_of(all.begin(), all.end(), [&](auto const& c) { return text_at(c, "/conversation_id") == fresh; }), "nor is it listed", "it is");
    }
}

void refused_is_no_news(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), sync_id = s.fresh("sync");
    auto const held = s.conversation(c, 1, {s.message("m1", "held")});
    s.control(a.push({held}, {.sync_id = sync_id}), "a push");
    auto const since = watermark(s, a);
    s.refused(a.push({s.conversation(c, 2, {s.message("m2", "good", 2), s.message("m3", "bad", 2, drop("role"))})}), "a push of which one message lacks its role");
    s.refused(a.push({s.conversation(c, 2, {s.message("m4", "other", 2)})}, {.sync_id = sync_id}), "a push under a known sync_id");
    s.control(a.push({s.conversation(s.fresh("c"), 1, {})}), "a good push of another conversation");
    auto const feed = a.pull_all({.since = since, .limit = 200});
    s.expect(feed.find(c) == nullptr, "a pull has no conversation that only refused pushes have touched", feed.find(c) ? show(json::value(*feed.find(c))) : "");
    s.evidence("a pull");
}

void no_news_is_taken(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), sync_id = s.fresh("sync");
    auto const known = s.conversation(c, 2, {s.message("m1", "known", 2)});
    s.control(a.push({known}), "a push");
    exactly_as const reuse{.statuses = {409}, .codes = {"sync-id-reuse"}};
    for (auto const& [what, nothing_new] : {std::pair{"a push of what is held already", known}, {"a push of what loses to what is held", s.conversation(c, 1, {s.message("m1", "older", 1)})}}) {
        auto const id = s.fresh("sync");
        s.accepted(a.push({nothing_new}, {.sync_id = id}), what);
        s.refused(a.push({s.conversation(c, 3, {s.message("m2", "other", 3)})}, {.sync_id = id}), std::string{"the sync_id of "} + what + ", with other conversations", reuse);
        s.accepted(a.push({nothing_new}, {.sync_id = id}), std::string{"the repetition of "} + what);
    }
}

check const checks[] = {
    {.id = "cnv/repeat-elsewhere", .title = "a write repeats a message of its own conversation and user, and no other", .clauses = {"BSP-CNV-003", "BSP-CNV-040", "BSP-CNV-041", "BSP-MRG-001", "BSP-MRG-002"}, .impact = "a message is lost because another conversation, or another person, has one of its id",
     .likely_cause = "a key for idempotency is made of the id of the message alone", .run = repetitions_are_of_their_place, .needs = need::second_user},
    {.id = "cnv/repeat-whoever", .title = "a write that repeats what is held makes no version, whoever wrote it and however it came", .clauses = {"BSP-CNV-050"}, .impact = "each device that is not sure makes all others fetch the message again, and conflicts with them",
     .likely_cause = "repetitions are looked for among one's own earlier requests, and not among the messages that are held", .run = repetitions_whoever_wrote},
    {.id = "cnv/versions-while-deleted", .title = "versions that were pushed into a deleted conversation count when it comes back", .clauses = {"BSP-MRG-055", "BSP-MRG-070", "BSP-MRG-071"}, .impact = "what is written next loses against what nobody could see",
     .likely_cause = "versions are counted from what is shown", .run = versions_seen_while_deleted},
    {.id = "cnv/delete-third-time", .title = "what came back can be deleted again", .clauses = {"BSP-CNV-052", "BSP-CNV-057", "BSP-CNV-060", "BSP-CNV-061"}, .impact = "a message that was restored once can never be deleted again",
     .likely_cause = "deletions are kept in a table of their own that nobody takes a row out of", .run = deletions_again},
    {.id = "cnv/peers-changes-in-pull", .title = "whatever a peer or the user writes and deletes is in the pulls of all peers, its own too", .clauses = {"BSP-CNV-007", "BSP-SYN-104"}, .impact = "what is written on one device never reaches the others",
     .likely_cause = "the feed is written by the handlers of the user alone", .run = changes_of_peers_are_news},
    {.id = "syn/returns-again", .title = "a conversation that comes back a second time, and a third, is pulled whole each time", .clauses = {"BSP-SYN-118"}, .impact = "a conversation that was deleted and restored twice is empty on every other device",
     .likely_cause = "the return is marked where there is no mark yet", .run = returns_are_whole_each_time},
    {.id = "mrg/conflicts-of-several", .title = "every diverged message of every conversation of a push is told, and none of an earlier push", .clauses = {"BSP-MRG-060", "BSP-MRG-062"}, .impact = "an edit that lost is lost without a word",
     .likely_cause = "the list of conflicts is made anew for each conversation, or never", .run = conflicts_of_several},
    {.id = "syn/cursor-of-another", .title = "a cursor opens nothing to whom it was not made for", .clauses = {"BSP-SYN-103", "BSP-CNV-003", "BSP-SYN-125", "BSP-CNV-039"}, .impact = "whoever gets hold of a cursor reads another person's conversations",
     .likely_cause = "the cursor carries the whole query, the user included, and is believed", .run = cursors_open_nothing, .needs = need::second_user},
    {.id = "syn/pages-after-deletions", .title = "later pages of a pull show nothing that was deleted since the first", .clauses = {"BSP-MRG-053", "BSP-MRG-054"}, .impact = "deleted messages go on travelling for as long as a pull lasts",
     .likely_cause = "the pages of a pull come from a copy that was made with the first", .run = pages_after_deletions},
    {.id = "sbt/expiry-stops-pages", .title = "a pull that has begun ends with the token", .clauses = {"BSP-SBT-035"}, .impact = "a device paired for a day fetches everything afterwards, page by page",
     .likely_cause = "the cursor is taken for the credential of later pages", .run = pages_after_expiry, .needs = need::patience},
    {.id = "syn/ties-are-news", .title = "what wins at equal stamps is in the next pull", .clauses = {"BSP-SYN-104", "BSP-MRG-017", "BSP-MRG-031", "BSP-RED-031"}, .impact = "two devices show different titles for ever, or one keeps a redacted copy",
     .likely_cause = "a conversation goes into the feed when a version or a time in it grows", .run = ties_are_news},
    {.id = "syn/digest-follows", .title = "the digest follows what wins at equal versions", .clauses = {"BSP-SYN-142"}, .impact = "two backends that differ are told that they agree",
     .likely_cause = "the digest is cached by versions and counts", .run = digest_follows_ties, .needs = need::own_user, .strength = obligation::should},
    {.id = "cnv/losers-end", .title = "losing versions of a message end with its deletion, those that come later too", .clauses = {"BSP-CNV-023", "BSP-MRG-053"}, .impact = "a deleted text can be read where conflicts are shown",
     .likely_cause = "losers are hidden while the message is deleted, and not removed; or kept whoever won", .run = losers_of_the_deleted},
    {.id = "syn/refused-leaves-nothing", .title = "a refused push leaves neither conversation nor loser, and nothing that comes with the next one", .clauses = {"BSP-SYN-050", "BSP-SYN-051"}, .impact = "conversations and versions appear that the server said it had refused",
     .likely_cause = "no rollback, or one that leaves out a table", .run = refused_leaves_nothing},
    {.id = "syn/refused-is-no-news", .title = "refused pushes put nothing into the feed", .clauses = {"BSP-SYN-108"}, .impact = "a device that keeps failing makes all others fetch the same again and again",
     .likely_cause = "the place in the feed is given before the push is looked at, in a transaction of its own", .run = refused_is_no_news, .strength = obligation::should},
    {.id = "syn/no-news-is-remembered", .title = "a push that brings nothing new is an accepted push", .clauses = {"BSP-SYN-070", "BSP-SYN-072"}, .impact = "two pushes of one sync_id are both taken, and the client believes that they were one",
     .likely_cause = "a transaction that changed nothing is not committed, and the sync_id with it", .run = no_news_is_taken},
};

}  // namespace

group meetings_group() { return {"meetings", profile::syn, checks}; }

}  // namespace bsp::conformance
