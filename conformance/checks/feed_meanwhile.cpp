#include "../registry.hpp"
#include "conversing.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/base/uri.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

// A pull, or a list, and everything else that goes on meanwhile.

namespace bsp::conformance {
namespace {

using std::chrono::seconds;

/// Something that happens between two pages.
struct event {
    std::string what;
    std::function<void(std::string const& cursor)> happens;
};

std::vector<std::string> ids_of(exchange const& page) { return ids_at(page.body(), "/conversations", "conversation_id"); }

bool has_more(exchange const& page) { return page.at("/has_more") && *page.at("/has_more") == json::value(true); }

std::string missing_of(std::vector<std::string> const& all, std::set<std::string> const& seen) {
    std::string out;
    for (auto const& id : all)
        if (!seen.contains(id)) out += (out.empty() ? "" : ", ") + id;
    return out;
}

/// `count` new conversations that are neighbours in every order that a page may have. Their ids have whatever a cursor must carry.
std::vector<std::string> neighbours(scenario& s, peer const& a, std::size_t count) {
    auto const stem = s.fresh("c");
    std::vector<std::string> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(stem + ":.@~_-" + std::to_string(i));
        s.control(a.push({s.conversation(all.back(), 1, {s.message("m1", "paged")})}), "a push");
    }
    return all;
}

void pulls_go_on(scenario& s) {
    auto const r = s.settled({.created = seconds{-60}});
    auto const a = s.register_peer(r), b = s.register_peer();
    auto created = std::chrono::milliseconds{-50000};
    std::vector<event> const events{
        {"the same page again", [&](std::string const& cursor) { s.accepted(a.pull({.cursor = cursor, .limit = 2}), "a page whose answer was lost, again"); }},
        {"a new pull from the beginning", [&](std::string const&) { s.control(a.pull({.limit = 1}), "a new pull"); }},
        {"a new pull from a watermark", [&](std::string const&) { s.control(a.pull({.since = s.in_seconds(-5), .limit = 1}), "a new pull"); }},
        {"a new pull of what is to come", [&](std::string const&) { s.control(a.pull({.since = s.in_seconds(3600), .limit = 500}), "a new pull"); }},
        {"two pages of another pull", [&](std::string const&) {
             auto const other = a.pull({.since = s.in_seconds(-5), .limit = 1});
             s.control(other, "the first page of another pull");
             if (has_more(other)) s.control(a.pull({.cursor = other.text("/cursor"), .limit = 3}), "its second page");
         }},
        {"a pull by another peer", [&](std::string const&) { s.control(b.pull({.limit = 1}), "a pull by another peer"); }},
        {"a registration with a newer token", [&](std::string const&) {
             auto again = r;
             again.created = ++created;  // newer than the last however fast pages come, and never of the future
             s.control(s.try_register(again), "a registration with a newer token");
         }},
        {"another peer's unpairing", [&](std::string const&) { s.control(s.register_peer().unpair(), "an unpairing"); }},
        {"a push by another peer", [&, pushes = 0](std::string const&) mutable {
             if (++pushes <= 60) s.control(b.push({s.conversation(s.fresh("other"), 1, {s.message("m1", "x")})}), "a push");  // less than a peer's budget
         }},
    };
    for (auto const& e : events) {
        auto const since = watermark(s, a);
        auto const all = neighbours(s, a, 5);
        std::set<std::string> seen;
        auto page = a.pull({.since = since, .limit = 2});
        for (int pages = 0; pages < 5000; ++pages) {
            s.accepted(page, "a page of a pull, after " + e.what);
            for (auto const& id : ids_of(page)) seen.insert(id);
            if (!has_more(page) || missing_of(all, seen).empty()) break;
            auto const cursor = page.text("/cursor");
            e.happens(cursor);
            page = a.pull({.cursor = cursor, .limit = pages < 60 ? 2 : 500});
        }
        auto const missing = missing_of(all, seen);
        s.expect(missing.empty(), "every conversation is on one of the pages, with " + e.what + " between them", "not given: " + missing);
    }
}

/// With `moving`: what is listed or will be changes, too.
void lists_go_on(scenario& s, bool moving) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const limit = std::to_string(list_page(s, who));
    std::vector<std::string> all;
    std::set<std::string> seen;
    // Of those not listed yet, and of those listed: what must stay is changed, never taken away.
    auto const unseen = [&]() -> std::string {
        for (auto const& id : all)
            if (!seen.contains(id)) return id;
        return all.front();
    };
    auto const last_seen = [&]() -> std::string {
        std::string out = all.front();
        for (auto const& id : all)
            if (seen.contains(id)) out = id;
        return out;
    };
    std::vector<event> const writes{
        {"a write into a conversation that is not listed yet", [&](std::string const&) { s.control(who.write(unseen(), "moved"), "a write"); }},
        {"a push into a conversation that is not listed yet", [&](std::string const&) { s.control(a.push({s.conversation(unseen(), 2, {s.message(s.fresh("m"), "moved")})}), "a push"); }},
        {"a write into a conversation that is listed", [&](std::string const&) { s.control(who.write(last_seen(), "moved"), "a write"); }},
    };
    std::vector<event> const others{
        {"the same page again", [&](std::string const& cursor) { s.accepted(who.get("/conversations?limit=" + limit + "&cursor=" + percent_encode_segment(cursor)), "a page whose answer was lost, again"); }},
        {"a new list", [&](std::string const&) { s.control(who.get("/conversations?limit=1"), "a new list"); }},
        {"a new conversation", [&](std::string const&) { s.control(who.write(s.fresh("c"), "new"), "a write"); }},
        {"the deletion of a new conversation", [&](std::string const&) {
             auto const c = s.fresh("c");
             s.control(who.write(c, "new"), "a write");
             s.control(who.del("/conversations/" + c), "a deletion");
         }},
    };
    for (auto const& e : moving ? writes : others) {
        all = neighbours(s, a, 5);
        seen.clear();
        auto page = who.get("/conversations?limit=" + limit);
        for (int pages = 0; pages < 5000; ++pages) {
            s.accepted(page, "a page of the list, after " + e.what);
            bool news = false;
            for (auto const& id : ids_of(page)) {
                seen.insert(id);
                news = news || std::find(all.begin(), all.end(), id) != all.end();
            }
            if (!has_more(page) || missing_of(all, seen).empty()) break;
            auto const cursor = page.text("/cursor");
            if (pages % 8 == 0 || news) e.happens(cursor);
            page = who.get("/conversations?limit=" + limit + "&cursor=" + percent_encode_segment(cursor));
        }
        auto const missing = missing_of(all, seen);
        s.expect(missing.empty(), "every conversation is listed, with " + e.what + " between the pages", "not listed: " + missing);
    }
    if (moving) return;
    // The deletion of the very conversation that a page ended with.
    all = neighbours(s, a, 4);
    seen.clear();
    auto page = who.get("/conversations?limit=" + limit);
    std::set<std::string> deleted;
    for (int pages = 0; pages < 5000; ++pages) {
        s.accepted(page, "a page of the list after the deletion of what the page before ended with");
        for (auto const& id : ids_of(page)) seen.insert(id);
        if (!has_more(page) || missing_of(all, seen).empty()) break;
        auto const cursor = page.text("/cursor");
        for (auto const& id : ids_of(page))
            if (std::find(all.begin(), all.end(), id) != all.end() && deleted.insert(id).second) s.control(who.del("/conversations/" + id), "a deletion");
        page = who.get("/conversations?limit=" + limit + "&cursor=" + percent_encode_segment(cursor));
    }
    auto const missing = missing_of(all, seen);
    s.expect(missing.empty(), "every conversation is listed although those listed are deleted", "not listed: " + missing);
}

void lists_go_on_beside_others(scenario& s) { lists_go_on(s, false); }
void lists_go_on_while_moving(scenario& s) { lists_go_on(s, true); }

void each_page_has_its_limit(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    neighbours(s, a, 12);
    std::vector<json::object> many;
    for (int i = 0; i < 110; ++i) many.push_back(s.conversation(s.fresh("many"), 1, {}));
    s.control(a.push(many), "a push of 110 conversations");
    auto const page_of = [&](bool list, std::string const& cursor, int limit) {
        std::string query;
        if (limit > 0) query += "limit=" + std::to_string(limit);
        if (!cursor.empty()) query += (query.empty() ? "" : "&") + ("cursor=" + percent_encode_segment(cursor));
        return list ? who.get("/conversations?" + query) : a.get("/sync/" + a.peer_id() + "?" + query);
    };
    for (bool const list : {false, true})
        for (auto const& limits : {std::vector<int>{5, 3, 1, 2}, std::vector<int>{1, 4, 2}, std::vector<int>{105, 0, 2}}) {
            std::string cursor;
            for (int const limit : limits) {
                auto const x = page_of(list, cursor, limit);
                s.control(x, "a page");
                auto const most = limit > 0 ? static_cast<std::size_t>(limit) : 100;
                s.expect(ids_of(x).size() <= most, std::string{"a page of "} + (list ? "the list" : "a pull") + " with limit " + (limit > 0 ? std::to_string(limit) : "absent") + ", after one with another limit, has at most " + std::to_string(most) + " entries",
                         std::to_string(ids_of(x).size()));
                cursor = x.text("/cursor");
                if (cursor.empty()) break;
            }
        }
}

/// Whatever makes a conversation read differently is in the next pull, and the pull gives what is read.
void what_changed_is_news(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const c = s.fresh("c"), early = s.in_seconds(-300), late = s.in_seconds(-200), latest = s.in_seconds(-100);
    auto const pushed = [&](std::int64_t version, std::vector<json::object> messages, edit const& more) { s.control(a.push({s.conversation(c, version, std::move(messages), more)}), "a push"); };
    auto const base = [&](edit const& more) { return both(both(set("last_modified", early), set("title", "first")), more); };
    auto const at_time = [&](std::string const& when, edit const& more = [](json::object&) {}) { return both(set("timestamp", when), more); };
    edit const nothing = [](json::object&) {};
    pushed(5, {s.message("m1", "one", 5, at_time(early)), s.message("m2", "two", 5, at_time(early, set("redacted", true))), s.message("m3", "three", 5, at_time(early))}, base(nothing));

    // Two messages alike but for their text: the one of the greater digest comes second.
    std::vector<json::object> tie{s.message("m4", "tie 0", 5, at_time(early)), s.message("m4", "tie 1", 5, at_time(early))};
    auto const octets = [](json::object const& m) { return to_hex(sha256(json::canonicalize(m).value())); };
    if (octets(tie[0]) > octets(tie[1])) std::swap(tie[0], tie[1]);
    pushed(5, {tie[0]}, base(nothing));

    std::vector<std::pair<std::string, std::function<void()>>> const changes{
        {"a new surface", [&] { pushed(5, {}, base(set("surfaces", json::array{"web", "watch"}))); }},
        {"a later last_modified in a write of lower version", [&] { pushed(2, {}, both(base(nothing), both(set("last_modified", late), set("title", "lost")))); }},
        {"a message of equal version and later timestamp", [&] { pushed(5, {s.message("m1", "one, later", 5, at_time(late))}, base(nothing)); }},
        {"the unredacted copy of a message", [&] { pushed(5, {s.message("m2", "two", 5, at_time(early))}, base(nothing)); }},
        {"a message of equal version and timestamp and greater digest", [&] { pushed(5, {tie[1]}, base(nothing)); }},
        {"the tombstone of a message", [&] { pushed(5, {s.message("m3", "", 6, set("deleted", true))}, base(nothing)); }},
        {"a title in a greater write", [&] { pushed(6, {}, both(base(nothing), set("title", "second"))); }},
        {"an unknown member in a write of equal version and later last_modified", [&] { pushed(6, {}, both(base(nothing), both(set("last_modified", latest), set("x-colour", "blue")))); }},
        {"a user's write", [&] { s.control(who.write(c, "written", set("id", "w1")), "a write"); }},
        {"a title that comes with a repeated write", [&] { s.control(who.write(c, "written", both(set("id", "w1"), set("title", "third"))), "a write"); }},
        {"a user's edit", [&] { s.control(who.write(c, "edited", set("id", "w1")), "a write"); }},
        {"a user's deletion of a message", [&] { s.control(who.del("/conversations/" + c + "/messages/m1"), "a deletion"); }},
        {"a user's deletion of the conversation", [&] { s.control(who.del("/conversations/" + c), "a deletion"); }},
        {"a message pushed into the deleted conversation", [&] { pushed(1, {s.message("m5", "five", 1, at_time(early))}, base(nothing)); }},
        {"a user's write into the deleted conversation", [&] { s.control(who.write(c, "back", set("id", "w2")), "a write"); }},
    };
    bool hidden = false;
    for (auto const& [what, change] : changes) {
        auto const mark = watermark(s, a);
        change();
        auto const feed = a.pull_all({.since = mark, .limit = 200});
        auto const x = a.read(c);
        auto const state = of_conversation(feed.conversations, c);
        bool const gone = x.status() != 200 || (x.at("/deleted") && *x.at("/deleted") == json::value(true));
        if (gone && hidden) continue;  // nothing to be seen by anybody
        hidden = gone;
        s.expect(state.present, what + " is in the next pull", "the conversation is absent since " + mark);
        if (gone) {
            auto const* flag = at(state.entry, "/deleted");
            s.expect(flag && *flag == json::value(true), what + ": the entry has deleted true", show(state.entry));
            s.expect(std::none_of(state.messages.begin(), state.messages.end(), [](json::object const& m) { return !text_at(json::value(m), "/content").empty(); }), what + ": no content in the pull", show(state.entry));
            continue;
        }
        for (char const* name : {"/title", "/version", "/last_modified", "/source_backend", "/x-colour"}) {
            auto const *read = x.at(name), *pulled = at(state.entry, name);
            s.expect((read ? show(*read) : "absent") == (pulled ? show(*pulled) : "absent"), what + ": " + (name + 1) + " in the pull as it is read, " + (read ? show(*read) : "absent"), pulled ? show(*pulled) : "absent");
        }
        for (auto const& m : objects_at(x.body(), "/messages")) {
            auto const id = text_at(json::value(m), "/id");
            auto const* given = state.message(id);
            if (!given) continue;
            json::value const pulled = *given;
            s.expect_same(what + ": message " + id + " in the pull", json::value(m), &pulled);
        }
        auto const changed = std::map<std::string, std::string>{{"a message of equal version and later timestamp", "m1"}, {"the unredacted copy of a message", "m2"},
                                                                {"a message of equal version and timestamp and greater digest", "m4"}, {"the tombstone of a message", "m3"}, {"a user's write", "w1"},
                                                                {"a user's edit", "w1"}, {"a user's deletion of a message", "m1"}};
        if (auto const found = changed.find(what); found != changed.end()) s.expect(state.message(found->second) != nullptr, what + " is in the next pull, with the message", show(state.entry));
        if (what == "a user's write into the deleted conversation")
            for (char const* id : {"m2", "m4", "m5", "w1", "w2"}) s.expect(state.message(id) != nullptr, std::string{"the conversation comes back in the next pull with message "} + id, show(state.entry));
    }
}

void entries_are_in_order(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const mark = watermark(s, a);
    std::vector<json::object> messages;
    struct row { char const *id, *timestamp; };
    for (auto const& [id, timestamp] : {row{"a", "2025-03-04T05:06:09Z"}, {"b", "2025-03-04T05:06:07Z"}, {"m10", "2025-03-04T05:06:08Z"}, {"m9", "2025-03-04T05:06:08Z"}, {"M9", "2025-03-04T05:06:08.0Z"},
                                        {"z", "2025-03-04T04:06:07Z"}, {"y", "2025-03-04T05:06:07.000000001Z"}, {"x", "2025-03-04T06:06:07.000000000+01:00"}})
        messages.push_back(s.message(id, "x", 1, set("timestamp", timestamp)));
    s.control(a.push({s.conversation(c, 1, messages)}), "a push");
    auto const feed = a.pull_all({.since = mark, .limit = 200});
    bool some = false;
    for (auto const& entry : feed.conversations) {
        std::vector<std::pair<instant, std::string>> order;
        for (auto const& m : objects_at(json::value(entry), "/messages")) {
            auto const t = parse_timestamp(text_at(json::value(m), "/timestamp"));
            if (t) order.emplace_back(*t, text_at(json::value(m), "/id"));
        }
        some = some || order.size() > 1;
        std::string shown;
        for (auto const& [t, id] : order) shown += (shown.empty() ? "" : ", ") + id;
        s.expect(std::is_sorted(order.begin(), order.end()), "the messages of an entry by timestamp and then by id", shown);
    }
    s.control(of_conversation(feed.conversations, c).messages.size() == messages.size(), "all messages are in the pull");
    s.evidence("an entry of the feed");
}

void cursors_outlive_a_restart(scenario& s) {
    auto const a = s.register_peer();
    auto const mark = watermark(s, a);
    auto const all = neighbours(s, a, 5);
    auto const first = a.pull({.since = mark, .limit = 2});
    s.control(first, "the first page of a pull");
    auto const listed = s.user().get("/conversations?limit=2");
    s.control(listed, "the first page of the list");
    s.restart();
    std::set<std::string> seen;
    for (auto const& id : ids_of(first)) seen.insert(id);
    auto const rest = a.pull({.cursor = first.text("/cursor"), .limit = 500});
    s.accepted(rest, "the next page of a pull, after a restart");
    for (auto const& id : ids_of(rest)) seen.insert(id);
    s.expect(missing_of(all, seen).empty(), "every conversation is on one of the pages", "not given: " + missing_of(all, seen));
    if (has_more(listed)) s.accepted(s.user().get("/conversations?limit=2&cursor=" + percent_encode_segment(listed.text("/cursor"))), "the next page of the list, after a restart");
    s.accepted(a.pull({.since = mark, .limit = 1}), "a pull from a watermark of before the restart");
}

/// What was withheld with a deleted conversation is due when it is back, tombstones among it: somebody still shows what they delete.
void tombstones_come_back_too(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const who = s.user();
    for (bool const by_push : {false, true})
        for (bool const conversation_first : {false, true}) {
            if (conversation_first && !by_push) continue;  // a message of a deleted conversation is not there to be deleted
            auto const c = s.fresh("c");
            pushed(s, a, s.conversation(c, 1, {s.message("m1", "one"), s.message("m2", "two")}));
            std::int64_t version = 1;
            auto const next = [&] { return version += 10; };
            auto const before = watermark(s, b);
            auto const remove_message = [&] {
                if (by_push) pushed(s, a, s.conversation(c, 1, {s.message("m1", "", next(), set("deleted", true))}));
                else s.control(who.del("/conversations/" + c + "/messages/m1"), "the deletion of m1");
            };
            auto const remove_all = [&] {
                if (by_push) pushed(s, a, s.conversation(c, next(), {}, set("deleted", true)));
                else s.control(who.del("/conversations/" + c), "the deletion of the conversation");
            };
            if (conversation_first) remove_all(), remove_message();
            else remove_message(), remove_all();
            auto const amid = watermark(s, b);
            if (by_push) pushed(s, a, s.conversation(c, next(), {s.message("m3", "back", 1)}));
            else write(s, who, c, "back", set("id", "m3"));
            auto const there = live_ids(read(s, who, c).body());
            s.control(std::find(there.begin(), there.end(), "m1") == there.end(), "m1 is not there any more");
            auto const how = std::string{by_push ? "by pushes" : "here"} + (conversation_first ? ", the conversation first" : "");
            for (auto const& [what, since] : {std::pair{"a pull since before the deletions", before}, {"a pull since they were made", amid}}) {
                auto const seen = of_conversation(b.pull_all({.since = since, .limit = 200}).conversations, c);
                auto const* m1 = seen.message("m1");
                s.expect(m1 && m1->contains("deleted") && m1->at("deleted") == json::value(true), std::string{"when m1 and its conversation were deleted "} + how + " and the conversation is back, " + what + " has the tombstone of m1",
                         m1 ? show(json::value(*m1)) : "m1 is not in it");
            }
        }
}

check const checks[] = {
    {.id = "syn/returns-with-tombstones",
     .title = "a conversation that comes back is pulled with the tombstones of its messages, too",
     .clauses = {"BSP-SYN-118", "BSP-SYN-128"},
     .impact = "a message that was deleted stays on other devices for good",
     .likely_cause = "what was withheld while the conversation was deleted is looked up among its live messages",
     .run = tombstones_come_back_too},
    {.id = "syn/cursor-endures",
     .title = "whatever happens between two pages of a pull, its cursor goes on, and may be used again",
     .clauses = {"BSP-SYN-116", "BSP-SYN-104", "BSP-SYN-105"},
     .impact = "a pull over a bad connection never comes to its end, or loses conversations",
     .likely_cause = "cursors are kept in the server, one at a time, and end with a session or with their first use",
     .run = pulls_go_on, .needs = need::patience},
    {.id = "syn/cursor-after-restart",
     .title = "cursors and watermarks of before a restart are good after it",
     .clauses = {"BSP-SYN-130", "BSP-SYN-116"},
     .impact = "every update of the server makes all devices pull everything again, or fail",
     .likely_cause = "cursors are kept in memory, or signed with a key of the process",
     .run = cursors_outlive_a_restart,
     .needs = need::restart_hook | need::alone},
    {.id = "cnv/list-endures",
     .title = "whatever happens to other conversations between two pages of the list, none is lost",
     .clauses = {"BSP-CNV-033", "BSP-CNV-038"},
     .impact = "conversations vanish from the list while somebody tidies up",
     .likely_cause = "a cursor that counts rows, or the list ends where the cursor's conversation is gone",
     .run = lists_go_on_beside_others, .needs = need::patience},
    {.id = "cnv/list-while-writing",
     .title = "a write between two pages of the list hides no conversation, nor its own",
     .clauses = {"BSP-CNV-074"},
     .impact = "conversations vanish from the list while somebody writes",
     .likely_cause = "the list is in the order of last_modified and continued by it",
     .run = lists_go_on_while_moving,
     .needs = need::own_user,
     .strength = obligation::should},
    {.id = "syn/limit-of-each-page",
     .title = "each page keeps to the limit of its own request",
     .clauses = {"BSP-SYN-112", "BSP-SYN-114", "BSP-CNV-035"},
     .impact = "a client that asks for less after a failure gets as much as before, and fails again",
     .likely_cause = "the limit is part of the cursor",
     .run = each_page_has_its_limit},
    {.id = "syn/changes-are-news",
     .title = "whatever makes a conversation read differently is in the next pull",
     .clauses = {"BSP-SYN-104", "BSP-SYN-107", "BSP-SYN-118", "BSP-CNV-007", "BSP-SYN-128"},
     .impact = "devices differ for good, because a change that everybody needs is told to nobody",
     .likely_cause = "the place in the feed is moved where a message is inserted, and forgotten on every other way",
     .run = what_changed_is_news},
    {.id = "syn/entries-in-order",
     .title = "the messages of an entry of the feed are sorted by timestamp and then by id",
     .clauses = {"BSP-SYN-127"},
     .impact = "clients that trust the order show conversations in disorder",
     .likely_cause = "only the answer to a read is sorted",
     .run = entries_are_in_order},
};

}  // namespace

group feed_meanwhile_group() { return {"feed-meanwhile", profile::syn, checks}; }

}  // namespace bsp::conformance
