#include "../registry.hpp"
#include "ground.hpp"

#include <set>

// Section 6.4: limit, cursor and has_more.

namespace bsp::conformance {
namespace {

exactly_as const invalid_query{.statuses = {400}, .codes = {"invalid-query", "bad-request"}};

/// `count` conversations, each with the messages m1 and m2, all in one push, so in one commit.
std::vector<std::string> push_together(scenario& s, peer const& a, std::size_t count) {
    std::vector<std::string> ids;
    std::vector<json::object> all;
    for (std::size_t i = 0; i < count; ++i) {
        ids.push_back(s.fresh("c"));
        all.push_back(s.conversation(ids.back(), 1, {s.message("m1", "one"), s.message("m2", "two")}));
    }
    s.control(a.push(std::move(all)), "a push of " + std::to_string(count) + " conversations");
    return ids;
}

/// Follows cursors from `first` on, with the query that `next` makes of each cursor, and judges what every
/// page must be. Ends with the entries of all pages.
struct paging {
    std::vector<json::object> entries;
    std::size_t pages = 0;
};

paging follow(scenario& s, exchange page, std::size_t limit, std::string const& how, std::function<exchange(std::string const&)> const& next) {
    constexpr std::size_t pages_max = 5'000;  // others write meanwhile, and each change may be one more page
    paging out;
    std::set<std::string> cursors;
    for (;;) {
        s.expect(page.ok(), "every page " + how + " is answered with 200", page.describe());
        auto const entries = objects_at(page.body(), "/conversations");
        s.expect(entries.size() <= limit, "a page " + how + " has at most " + std::to_string(limit) + " entries", std::to_string(entries.size()) + " entries");
        out.entries.insert(out.entries.end(), entries.begin(), entries.end());
        ++out.pages;
        auto const* more = page.at("/has_more");
        s.expect(more && more->is_bool(), "a page " + how + " has has_more", more ? show(*more) : "absent");
        if (!more->get_bool()) return out;
        auto const cursor = page.text("/cursor");
        s.expect(!cursor.empty(), "a page " + how + " with has_more true has a cursor", "it has none");
        s.expect(cursors.insert(cursor).second, "the cursors " + how + " lead on", "page " + std::to_string(out.pages) + " has the cursor of an earlier page");
        s.expect(out.pages < pages_max, "the pages " + how + " come to an end", std::to_string(pages_max) + " pages, and has_more is still true");
        page = next(cursor);
    }
}

void expect_whole(scenario& s, paging const& got, std::vector<std::string> const& ids, std::string const& how) {
    std::vector<std::string> missing;
    for (auto const& id : ids) {
        auto const state = of_conversation(got.entries, id);
        for (auto const* message : {"m1", "m2"})
            if (!state.message(message)) missing.push_back(id + "/" + message);
    }
    s.expect(missing.empty(), "the pages " + how + " have all " + std::to_string(ids.size()) + " conversations with both messages of each", "missing: " + show(missing));
}

void limit_is_kept(scenario& s) {
    auto const a = s.register_peer();
    push_together(s, a, 130);
    auto const entries = [&](pull_options const& o, std::string const& what, std::size_t most) {
        auto const x = a.pull(o);
        s.control(x, what);
        auto const given = objects_at(x.body(), "/conversations").size();
        s.expect(given <= most, what + " has at most " + std::to_string(most) + " entries", std::to_string(given));
        auto const* more = x.at("/has_more");
        s.expect(more && *more == true, what + " says that more follows", more ? show(*more) : "absent");
    };
    entries({}, "a pull without limit", 100);
    entries({.since = s.in_seconds(-30)}, "a pull with since and without limit", 100);
    for (int const limit : {1, 2, 3, 50, 99, 100, 101, 129}) entries({.limit = limit}, "a pull with limit " + std::to_string(limit), static_cast<std::size_t>(limit));
    entries({.since = s.in_seconds(-30), .limit = 5}, "a pull with since and limit 5", 5);
    auto const x = a.pull({.limit = 500});
    s.control(x, "a pull with limit 500");
    s.expect(objects_at(x.body(), "/conversations").size() <= 500, "a pull with limit 500 has at most 500 entries", std::to_string(objects_at(x.body(), "/conversations").size()));
}

void pages_lose_nothing(scenario& s) {
    auto const a = s.register_peer();
    for (int const limit : {1, 2, 3, 7}) {
        auto const mark = watermark(s, a);
        auto const ids = push_together(s, a, 7);
        auto const how = "with limit " + std::to_string(limit);
        auto const got = follow(s, a.pull({.since = mark, .limit = limit}), static_cast<std::size_t>(limit), how,
                                [&](std::string const& cursor) { return a.pull({.since = mark, .cursor = cursor, .limit = limit}); });
        expect_whole(s, got, ids, how);
        s.evidence(std::to_string(got.pages) + " pages " + how);
    }
}

/// Where a page ends, among conversations that changed several times: a conversation that comes late brings what was said early.
void pages_of_interleaved_changes(scenario& s) {
    auto const a = s.register_peer(), by = s.register_peer();
    auto const since = s.in_seconds(-8);
    auto const begun = s.now();
    std::vector<std::string> const c{s.fresh("c"), s.fresh("c"), s.fresh("c")};
    std::vector<std::pair<std::size_t, std::string>> const order{{0, "m1"}, {1, "m1"}, {0, "m2"}, {2, "m1"}, {1, "m2"}, {2, "m2"}, {0, "m3"}};
    std::int64_t version = 0;
    for (auto const& [which, message] : order) s.control(by.push({s.conversation(c[which], ++version, {s.message(message, "text")})}), "a push of one message");
    for (int const limit : {1, 2, 3, 4, 500}) {
        auto const how = "with limit " + std::to_string(limit);
        auto const got = a.pull_all({.since = since, .limit = limit});
        std::vector<std::string> missing;
        for (auto const& [which, message] : order)
            if (!of_conversation(got.conversations, c[which]).message(message)) missing.push_back("c" + std::to_string(which + 1) + '/' + message);
        s.expect(missing.empty(), "the pages of a pull " + how + " have all seven messages that were committed after its since, in three conversations by turns", "missing: " + show(missing));
        auto const end = parse_timestamp(got.last_sync);
        s.expect(end && *end >= begun - std::chrono::seconds{6}, "the last_sync of a pull " + how + " is at most 5 s earlier than the latest commit of which it gave a change, at or after " + format_timestamp(begun), got.last_sync);
    }
}

void pages_come_to_an_end(scenario& s) {
    auto const a = s.register_peer();
    push_together(s, a, 3);
    for (auto const& [how, o] : {std::pair<std::string, pull_options>{"since a moment ago", {.since = s.in_seconds(-3)}},
                                 {"since a moment ago, limit 500", {.since = s.in_seconds(-3), .limit = 500}},
                                 {"since an hour ahead", {.since = s.in_seconds(3600)}},
                                 {"from the beginning, limit 500", {.limit = 500}}}) {
        auto const with_cursor = [&a, &options = o](std::string const& cursor) {
            auto next = options;
            next.cursor = cursor;
            return a.pull(next);
        };
        auto const got = follow(s, a.pull(o), 500, how, with_cursor);
        s.evidence(std::to_string(got.pages) + " pages " + how);
    }
}

void a_cursor_is_enough(scenario& s) {
    auto const a = s.register_peer();
    struct {
        char const* how;
        bool since;
        std::optional<int> limit;
        std::size_t most;
    } const ways[] = {{"by cursor and limit alone", false, 2, 2}, {"by cursor alone", false, {}, 100}, {"by cursor and since, without limit", true, {}, 100}, {"by cursor, since and limit", true, 2, 2}, {"by cursor with another limit", false, 3, 3}};
    for (auto const& way : ways) {
        auto const mark = watermark(s, a);
        auto const ids = push_together(s, a, 5);
        auto const got = follow(s, a.pull({.since = mark, .limit = 2}), std::max<std::size_t>(way.most, 2), way.how,
                                [&](std::string const& cursor) { return a.pull({.since = way.since ? mark : std::string{}, .cursor = cursor, .limit = way.limit}); });
        expect_whole(s, got, ids, way.how);
        s.evidence(std::to_string(got.pages) + " pages " + way.how);
    }

    // A cursor does not begin again: what is older than `since` stays away from every page.
    auto const old = s.fresh("old");
    s.control(a.push({s.conversation(old, 1, {s.message("m1", "x")})}), "a push");
    s.wait_until(s.now() + std::chrono::seconds{9});  // a pull may reach back 5 s
    auto const since = s.in_seconds(0);
    auto const ids = push_together(s, a, 3);
    auto const got = follow(s, a.pull({.since = since, .limit = 1}), 1, "by cursor, since after another push", [&](std::string const& cursor) { return a.pull({.cursor = cursor, .limit = 1}); });
    expect_whole(s, got, ids, "by cursor, since after another push");
    s.expect(!of_conversation(got.entries, old).present, "a cursor without since keeps to the since of the first page", "a conversation that changed last 9 s before since is on a later page");
}

/// A page may end at any conversation, whatever characters its id has.
void pages_end_anywhere(scenario& s) {
    auto const a = s.register_peer();
    auto const mark = watermark(s, a), stem = s.fresh("c");
    std::vector<std::string> ids{"-" + stem, ":" + stem, "~" + stem};
    for (char const* tail : {":1234", "::", "@host.example:443", "~", ".", "_x_", "--", ":a@b.c~d_e-f:"}) ids.push_back(stem + tail);
    ids.push_back(stem + std::string(128 - stem.size(), ':'));
    for (auto const& id : ids) s.control(a.push({s.conversation(id, 1, {s.message("m1", "one"), s.message("m2", "two")})}), "a push of " + id);
    std::string const how = "of one conversation each, whose ids have every permitted character";
    auto const got = follow(s, a.pull({.since = mark, .limit = 1}), 1, how, [&](std::string const& cursor) { return a.pull({.cursor = cursor, .limit = 1}); });
    expect_whole(s, got, ids, how);
    s.evidence(std::to_string(got.pages) + " pages " + how);
}

/// What no server gives out as a cursor, or hardly any: the form of cursors is the server's own.
constexpr char const* foreign_cursors[] = {"garbage", "-1", "%00", "%C3%A9", "..%2F..%2Fx", "%7B%7D", "AAAA", "bm90IGEgY3Vyc29y", "%27%20OR%201=1--", "[]"};

void foreign_cursors_do_no_harm(scenario& s) {
    auto const a = s.register_peer();
    push_together(s, a, 2);
    for (std::string const cursor : foreign_cursors)
        for (auto const& path : {"/sync/" + a.peer_id() + "?cursor=", "/sync/" + a.peer_id() + "?since=2025-12-31T00:00:00Z&limit=1&cursor=", std::string{"/conversations?cursor="}}) {
            auto const x = a.get(path + cursor);
            s.expect(x.ok() || x.client_error(), "cursor=" + cursor + " is answered or refused", x.describe());
        }
    auto const first = a.pull({.limit = 1});
    s.control(first, "a first page");
    s.control(a.pull({.cursor = first.text("/cursor"), .limit = 1}), "the page of a cursor that was given");
}

void foreign_cursors_are_refused(scenario& s) {
    auto const a = s.register_peer();
    push_together(s, a, 2);
    for (std::string const cursor : foreign_cursors)
        for (auto const& path : {"/sync/" + a.peer_id() + "?cursor=", "/sync/" + a.peer_id() + "?since=2025-12-31T00:00:00Z&limit=1&cursor=", std::string{"/conversations?cursor="}})
            s.refused(a.get(path + cursor), "cursor=" + cursor, invalid_query);
    auto const first = a.pull({.limit = 1});
    s.control(first, "a first page");
    s.control(a.pull({.cursor = first.text("/cursor"), .limit = 1}), "the page of a cursor that was given");
}

void queries_are_checked(scenario& s) {
    auto const a = s.register_peer();
    push_together(s, a, 2);
    auto const pull = [&](std::string const& query) { return a.get("/sync/" + a.peer_id() + "?" + query); };
    auto const most = objects_at(pull("limit=500").body(), "/conversations").size();  // pages may be smaller than asked for
    for (char const* limit : {"501", "1000", "4294967297", "18446744073709551617"}) {  // refused, or taken for 500; 2^64 + 1 and 2^32 + 1 are not 1
        auto const x = pull("limit=" + std::string{limit});
        auto const given = objects_at(x.body(), "/conversations").size();
        s.expect(x.client_error() || (x.ok() && given >= std::min<std::size_t>(most, 2) && given <= 500), std::string{"a pull with limit="} + limit + " is refused or taken for 500", x.describe());
    }
    for (char const* limit : {"0", "-1", "x", "1.5", "10x", "ten", "null", "true"})
        s.refused(pull("limit=" + std::string{limit}), std::string{"a pull with limit="} + limit, {.statuses = {400, 422}, .codes = invalid_query.codes});
    for (char const* limit : {"1", "2", "100", "500"}) s.accepted(pull("limit=" + std::string{limit} + "&since=" + s.in_seconds(-5)), std::string{"a pull with limit="} + limit);
}

check const checks[] = {
    {.id = "syn/pull-limit",
     .title = "a page has at most as many entries as limit says, and 100 when it says nothing",
     .clauses = {"BSP-SYN-112", "BSP-SYN-114"},
     .impact = "small devices are sent more than they can hold",
     .likely_cause = "limit is ignored, or without it everything is sent",
     .run = limit_is_kept},
    {.id = "syn/pull-pages",
     .title = "pages of a few entries lose nothing of what one push brought",
     .clauses = {"BSP-SYN-104", "BSP-SYN-115", "BSP-SYN-116"},
     .impact = "conversations at the end of a page never reach the other devices",
     .likely_cause = "the cursor is the commit time alone, which all items of one push share; or has_more compares with limit wrongly",
     .run = pages_lose_nothing},
    {.id = "syn/pages-interleaved",
     .title = "wherever its pages end, a pull gives all of the conversations that changed by turns, and a last_sync behind them",
     .clauses = {"BSP-SYN-104", "BSP-SYN-136"},
     .impact = "a message that was followed by another conversation, and then by another message, never reaches who pulls in small pages",
     .likely_cause = "the place where a page ended is applied to the messages of the next one, or an empty last page has no commit to take its last_sync from",
     .run = pages_of_interleaved_changes,
     .needs = need::own_user},
    {.id = "syn/pull-terminates",
     .title = "following cursors comes to a last page",
     .clauses = {"BSP-SYN-117"},
     .impact = "clients pull for ever",
     .likely_cause = "has_more is constant, or true whenever the page is not empty",
     .run = pages_come_to_an_end},
    {.id = "syn/pull-cursor-without-since",
     .title = "a cursor continues the pull it came from, with or without since and limit",
     .clauses = {"BSP-SYN-116"},
     .impact = "clients that send the cursor alone get the first page again and again, or the whole history",
     .likely_cause = "the cursor does not hold the since of the first request",
     .run = a_cursor_is_enough,
     .needs = need::patience},
    {.id = "syn/pages-end-anywhere",
     .title = "a page may end at any conversation, whatever characters its id has",
     .clauses = {"BSP-SYN-116", "BSP-GEN-059"},
     .impact = "a device gets as far as one conversation, and never past it",
     .likely_cause = "the parts of a cursor are joined by a character that an id may have",
     .run = pages_end_anywhere},
    {.id = "syn/pull-query",
     .title = "a limit that is no integer of at least 1 is refused, and a great one is not cut to its lowest bits",
     .clauses = {"BSP-SYN-124", "BSP-SYN-137", "BSP-GEN-007"},
     .impact = "a client with a mistake in its query silently gets something else than it asked for",
     .likely_cause = "bad values are clamped, or taken for absent",
     .run = queries_are_checked},
    {.id = "syn/foreign-cursor",
     .title = "a cursor that was never issued does not make the server fail",
     .clauses = {"BSP-SYN-125", "BSP-CNV-039"},
     .impact = "a client with a damaged cursor cannot tell its own mistake from an outage, and asks for ever",
     .likely_cause = "a cursor is decoded without looking at errors",
     .run = foreign_cursors_do_no_harm},
    {.id = "syn/foreign-cursor-told",
     .title = "a cursor that was never issued is refused with 400",
     .clauses = {"BSP-SYN-146", "BSP-CNV-072"},
     .impact = "a client with a damaged cursor silently gets the wrong changes",
     .likely_cause = "what does not decode is taken for absent",
     .run = foreign_cursors_are_refused,
     .strength = obligation::should},
};

}  // namespace

group pull_pages_group() { return {"pull_pages", profile::syn, checks}; }

}  // namespace bsp::conformance
