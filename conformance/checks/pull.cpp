#include "../registry.hpp"
#include "answer_forms.hpp"
#include "ground.hpp"

#include <bsp/base/uri.hpp>

#include <cctype>

// Section 6.4: who gets the feed, what is in it, and from when.

namespace bsp::conformance {
namespace {

exactly_as const invalid_query{.statuses = {400}, .codes = {"invalid-query", "bad-request"}};

edit setting(char const* member, json::value const& value) {
    return [member, value](json::object& o) { o[member] = value; };
}

bool is_deleted(json::object const* o) {
    auto const* flag = o ? o->if_contains("deleted") : nullptr;
    return flag && *flag == true;
}

/// What a pull since `mark` says of `conversation`; `companion`, which got a plain new message after `mark`,
/// must be in it as well, or the watermark itself is at fault, which other checks judge.
fed changes(scenario& s, peer const& a, std::string const& mark, std::string const& conversation, std::string const& companion) {
    auto const feed = a.pull_all({.since = mark, .limit = 200});
    s.control(of_conversation(feed.conversations, companion).present, "a new message after the watermark is in the pull");
    return of_conversation(feed.conversations, conversation);
}

// ---- who ----------------------------------------------------------------------------------------------------

void credential_is_needed(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const canary = s.canary();
    s.control(a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", canary)})}), "a push");
    auto const denied = [&](exchange const& x, std::string const& what, exactly_as const& form) {
        s.refused(x, what, form);
        s.expect(x.bytes().find(canary) == std::string::npos, what + " shows nothing of a conversation", "the pushed content is in the answer");
    };
    exactly_as const required{.statuses = {401}, .codes = {"credential-required"}};
    denied(a.pull({}, {.authorization = ""}), "a pull without a credential", required);
    denied(a.pull({.since = s.in_seconds(-60), .limit = 10}, {.authorization = ""}), "a pull with a query, without a credential", required);
    denied(a.pull({}, {.authorization = "BSP"}), "a pull with an empty assertion", {.statuses = {401}});
    denied(a.pull({}, {.signer = b.signing_key()}), "a pull signed with another peer's key", {.statuses = {401}});
    denied(s.user().get("/sync/" + a.peer_id()), "a pull by the user", {.statuses = {401, 403}});
    s.control(a.pull({.since = s.in_seconds(-60)}), "a pull by the peer itself");
}

void own_user_only(scenario& s) {
    auto const a = s.register_peer();
    auto const b = s.register_peer_of(s.other_account());
    auto const canary_a = s.canary(), canary_b = s.canary(), c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", canary_a)}), s.conversation(s.fresh("a"), 1, {s.message("m1", canary_a)})}), "the first user's push");
    s.control(b.push({s.conversation(c, 2, {s.message("m1", canary_b)}), s.conversation(s.fresh("b"), 1, {s.message("m1", canary_b)})}), "the second user's push");
    auto const judge = [&](peer const& who, std::string const& own, std::string const& foreign, std::string const& name) {
        std::string all;
        for (auto const& entry : recent_feed(s, who).conversations) all += json::serialize(entry);
        s.control(all.find(own) != std::string::npos, "the own message is in the pull");
        s.expect(all.find(foreign) == std::string::npos, "a pull of " + name + " user has nothing of the other one", "the other user's message is in it");
    };
    judge(a, canary_a, canary_b, "the first");
    judge(b, canary_b, canary_a, "the second");
}

// ---- what ---------------------------------------------------------------------------------------------------

void everything_from_the_beginning(scenario& s) {
    auto const a = s.register_peer();
    std::string const long_ago = s.keeps("1999-01-01T00:00:00Z") ? "1999-01-01T00:00:00Z" : s.in_seconds(-9 * 365 * 86'400);
    auto const large = s.fresh("c"), empty = s.fresh("c"), old = s.fresh("c"), gone = s.fresh("c"), written = s.fresh("c");
    std::vector<json::object> many;
    for (int i = 0; i < 30; ++i) many.push_back(s.message("m" + std::to_string(i), "x"));
    many.push_back(s.message("dead", "", 2, setting("deleted", true)));
    s.control(a.push({s.conversation(large, 1, many), s.conversation(empty, 1, {}), s.conversation(gone, 1, {}, setting("deleted", true)),
                      s.conversation(old, 0, {s.message("m1", "x", 0, setting("timestamp", json::value(long_ago)))}, setting("last_modified", json::value(long_ago)))}),
              "a push of four conversations");
    s.control(s.user().write(written, "x", setting("id", "w1")), "a write");
    auto const b = s.register_peer();
    // The first one twice: a pull without since is from the beginning, whatever was pulled before.
    for (auto const* who : {&a, &b, &a}) {
        auto const feed = who->pull_all({.limit = 500});
        auto const name = who == &a ? " of the peer that pushed" : " of a peer that the user paired later";
        auto const has = [&](std::string const& c, std::string_view message, std::string const& what) {
            auto const state = of_conversation(feed.conversations, c);
            s.expect(state.present, what + " is in a pull without since" + name, "it is absent");
            if (!message.empty()) s.expect(state.message(message), "message " + std::string{message} + " of " + what + " is in a pull without since" + name, "it is absent");
            return state;
        };
        for (auto const& m : many) has(large, std::string{json::view(m.at("id").as_string())}, "a conversation of 31 messages");
        has(empty, "", "a conversation without messages");
        has(old, "m1", "a conversation of " + long_ago);
        has(gone, "", "a deleted conversation");
        has(written, "w1", "a conversation that the user wrote");
    }
}

void answer_is_complete(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "one")}), s.conversation(s.fresh("c"), 1, {})}), "a push");
    for (pull_options const& o : {pull_options{.since = s.in_seconds(-60)}, pull_options{.since = s.in_seconds(-60), .limit = 1}, pull_options{.since = s.in_seconds(3600)}, pull_options{.limit = 1}}) {
        auto const x = a.pull(o);
        s.control(x, "a pull");
        auto const* conversations = x.at("/conversations");
        s.expect(conversations && conversations->is_array(), "conversations is an array", conversations ? show(*conversations) : "absent");
        auto const last_sync = x.text("/last_sync");
        s.expect(parse_timestamp(last_sync).has_value() && last_sync.ends_with('Z') && last_sync.size() > 10 && last_sync[10] == 'T', "last_sync is a timestamp that ends in Z",
                 x.at("/last_sync") ? show(*x.at("/last_sync")) : "absent");
        auto const* more = x.at("/has_more");
        s.expect(more && more->is_bool(), "has_more is a boolean", more ? show(*more) : "absent");
        if (more->get_bool()) s.expect(!x.text("/cursor").empty(), "a page with has_more true has a cursor", x.at("/cursor") ? show(*x.at("/cursor")) : "absent");
        for (json::value const entry : objects_at(x.body(), "/conversations")) {
            for (auto const* member : {"/conversation_id", "/last_modified", "/source_backend"})
                s.expect(at(entry, member) && at(entry, member)->is_string(), std::string{member + 1} + " of an entry is a string", show(entry));
            s.expect(integer_at(entry, "/version") >= 0, "version of an entry is an integer", show(entry));
            for (auto const* member : {"/messages", "/surfaces"}) s.expect(at(entry, member) && at(entry, member)->is_array(), std::string{member + 1} + " of an entry is an array", show(entry));
        }
    }
}

// ---- from when ----------------------------------------------------------------------------------------------

void unchanged_ones_stay_away(scenario& s) {
    auto const a = s.register_peer();
    auto const old = s.fresh("old"), news = s.fresh("news"), edited = s.fresh("edited");
    s.control(a.push({s.conversation(old, 1, {s.message("m1", "one")}), s.conversation(edited, 1, {s.message("m1", "one"), s.message("m2", "two")})}), "the first push");
    auto const mark = watermark(s, a);
    s.wait_until(s.now() + std::chrono::seconds{9});  // a pull may reach back 5 s
    auto const since = s.in_seconds(0);
    auto const pushed_at = s.now();
    s.control(a.push({s.conversation(news, 1, {s.message("m1", "one")}), s.conversation(edited, 1, {s.message("m1", "edited", 2)})}), "the second push, 9 s later");

    auto const from_now = a.pull_all({.since = since, .limit = 200});
    s.expect(of_conversation(from_now.conversations, news).present, "a pull since the time before the second push has its conversation", "it is absent");
    s.expect(!of_conversation(from_now.conversations, old).present, "a pull does not have what changed last 9 s before since", "the conversation of the first push is in it");

    auto const from_mark = a.pull_all({.since = mark, .limit = 200});
    s.expect(of_conversation(from_mark.conversations, news).present, "a pull since the earlier last_sync has the second push", "it is absent");
    for (auto const* feed : {&from_now, &from_mark}) {
        auto const edit_of = of_conversation(feed->conversations, edited);
        auto const* content = edit_of.message("m1") ? edit_of.message("m1")->if_contains("content") : nullptr;
        s.expect(content && *content == "edited", "a pull has the new version of an old message", edit_of.present ? show(edit_of.entry) : "the conversation is absent");
        auto const last_sync = parse_timestamp(feed->last_sync);
        s.expect(last_sync && *last_sync >= pushed_at - std::chrono::seconds{7}, "last_sync is not earlier than 5 s before the latest change given, of " + format_timestamp(pushed_at), feed->last_sync);
    }
}

void unchanged_ones_are_left_out_at_once(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), d = s.fresh("d");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "one")})}), "a push");
    auto const mark = watermark(s, a);
    s.control(a.push({s.conversation(d, 1, {s.message("m1", "one")})}), "another push");
    s.expect(!changes(s, a, mark, c, d).present, "a pull since last_sync does not have a conversation that did not change", "it is there again");
}

void commits_count_not_clocks(scenario& s) {
    auto const a = s.register_peer();
    auto const kept = s.fresh("kept");
    s.control(a.push({s.conversation(kept, 9, {s.message("m1", "one", 9)}, setting("last_modified", json::value(s.in_seconds(-1))))}), "a push");
    auto const since = s.in_seconds(-3);
    struct {
        char const* what;
        std::string timestamp, last_modified;
        std::int64_t version;
    } const old[] = {{"a message and a conversation of 1999", "1999-01-01T00:00:00Z", "1999-01-01T00:00:00Z", 1},
                     {"a message of yesterday in a conversation of yesterday", s.in_seconds(-86'400), s.in_seconds(-86'400), 1},
                     {"a message of an hour ago in a conversation of now", s.in_seconds(-3600), s.in_seconds(0), 1},
                     {"a message of version 0 and 1970", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0}};
    for (auto const& o : old) {
        if (!s.keeps(o.timestamp)) continue;
        auto const c = s.fresh("c"), id = s.fresh("m");
        auto const message = s.message(id, "late", o.version, setting("timestamp", json::value(o.timestamp)));
        auto const modified = setting("last_modified", json::value(o.last_modified));
        s.control(a.push({s.conversation(c, o.version, {message}, modified), s.conversation(kept, o.version, {message}, modified)}), o.what);
        auto const feed = a.pull_all({.since = since, .limit = 200});
        s.expect(of_conversation(feed.conversations, c).message(id), std::string{o.what} + ", pushed now, is in a pull since a moment ago", "it is absent");
        s.expect(of_conversation(feed.conversations, kept).message(id), std::string{o.what} + ", pushed now into a newer conversation, is in a pull since a moment ago", "it is absent");
    }
}

void nothing_is_lost_at_the_watermark(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m0", "zero")})}), "a push");
    auto mark = watermark(s, a);
    auto const judge = [&](std::string const& conversation, std::string const& message, std::string const& what) {
        auto const feed = a.pull_all({.since = mark, .limit = 200});
        s.expect(of_conversation(feed.conversations, conversation).message(message), what + " right after a pull is in the next pull", "it is absent since " + mark);
        mark = feed.last_sync;
    };
    for (int i = 1; i <= 3; ++i) {
        auto const id = "m" + std::to_string(i);
        s.control(a.push({s.conversation(c, 1 + i, {s.message(id, "x", 1 + i)})}), "a push right after a pull");
        judge(c, id, "a push");
        s.control(s.user().write(c, "x", setting("id", json::value("w" + std::to_string(i)))), "a write right after a pull");
        judge(c, "w" + std::to_string(i), "a user's write");
    }
    // Clocks of authors do not move the watermark.
    auto const ahead = s.fresh("ahead"), next = s.fresh("next");
    auto const tomorrow = json::value(s.in_seconds(12 * 3600));
    s.control(a.push({s.conversation(ahead, 1, {s.message("m1", "x", 1, setting("timestamp", tomorrow))}, setting("last_modified", tomorrow))}), "a push dated 12 hours ahead");
    judge(ahead, "m1", "a push dated 12 hours ahead");
    s.control(a.push({s.conversation(next, 1, {s.message("m1", "x")})}), "the push after that");
    judge(next, "m1", "a push after one dated 12 hours ahead,");

    // A change between two pages is on a later page or in the next pull.
    auto const p = s.fresh("p"), q = s.fresh("q"), between = s.fresh("between");
    s.control(a.push({s.conversation(p, 1, {}), s.conversation(q, 1, {})}), "a push of two conversations");
    auto const first = a.pull({.since = mark, .limit = 1});
    s.control(first, "the first page");
    s.control(!first.text("/cursor").empty(), "there is a second page");
    s.control(a.push({s.conversation(between, 1, {s.message("m1", "x")}), s.conversation(p, 2, {s.message("m1", "x", 2)})}), "a push between two pages");
    auto entries = a.pull_all({.since = mark, .cursor = first.text("/cursor"), .limit = 200});
    auto const after = a.pull_all({.since = entries.last_sync, .limit = 200});
    entries.conversations.insert(entries.conversations.end(), after.conversations.begin(), after.conversations.end());
    for (auto const& id : {between, p})
        s.expect(of_conversation(entries.conversations, id).message("m1"), "a push between two pages is on a later page or in the next pull", "it is on neither");
}

void metadata_is_news(scenario& s) {
    auto const a = s.register_peer();
    auto const modified = s.in_seconds(-30);
    auto const base = [&](std::string const& id, std::int64_t version, edit const& more = {}) {
        return s.conversation(id, version, {}, [&](json::object& o) {
            o["last_modified"] = modified;
            o["title"] = "before";
            if (more) more(o);
        });
    };
    struct {
        char const* what;
        std::int64_t version;
        edit change;
        char const* pointer;
        json::value value;
    } const variants[] = {
        {"a new title", 2, setting("title", "after"), "/title", "after"},
        {"a title that was removed", 2, [](json::object& o) { o.erase("title"); }, "/version", 2},
        {"a higher version", 2, {}, "/version", 2},
        {"another surface", 1, setting("surfaces", json::array{"ios"}), "", nullptr},
        {"a later last_modified", 1, setting("last_modified", json::value(s.in_seconds(-10))), "/version", 1},
        {"a new unknown member", 2, setting("x_color", "red"), "/x_color", "red"},
    };
    for (auto const& v : variants) {
        auto const c = s.fresh("c"), companion = s.fresh("d");
        s.control(a.push({base(c, 1)}), "a push");
        auto const mark = watermark(s, a);
        s.control(a.push({base(c, v.version, v.change), s.conversation(companion, 1, {s.message("m1", "x")})}), std::string{"a push of "} + v.what);
        auto const state = changes(s, a, mark, c, companion);
        s.expect(state.present, std::string{"a conversation of which nothing changed but "} + v.what + " is in the next pull", "it is absent");
        if (*v.pointer) s.expect_same(std::string{v.pointer + 1} + " in the pull after " + v.what, v.value, at(state.entry, v.pointer));
        else {
            auto const* surfaces = at(state.entry, "/surfaces");
            s.expect(surfaces && surfaces->is_array() && surfaces->get_array().size() == 2, "both surfaces in the pull after another surface", show(state.entry));
        }
    }
}

void tombstones_are_news(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), gone = s.fresh("gone"), written = s.fresh("w"), dropped = s.fresh("x"), companion = s.fresh("d");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "one"), s.message("m2", "two")}), s.conversation(gone, 1, {s.message("m1", "one")}),
                      s.conversation(written, 1, {s.message("m1", "one"), s.message("m2", "two")}), s.conversation(dropped, 1, {s.message("m1", "one")})}),
              "a push of four conversations");
    auto const mark = watermark(s, a);
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "", 2, setting("deleted", true)), s.message("never", "", 1, setting("deleted", true))}),
                      s.conversation(gone, 2, {}, setting("deleted", true)), s.conversation(companion, 1, {s.message("m1", "x")})}),
              "a push of tombstones");
    s.control(s.user().del("/conversations/" + written + "/messages/m1"), "deleting a message");
    s.control(s.user().del("/conversations/" + dropped), "deleting a conversation");
    for (auto const& since : {mark, std::string{}}) {
        auto const feed = a.pull_all({.since = since, .limit = 500});
        auto const how = since.empty() ? std::string{" in a pull without since"} : std::string{" in the next pull"};
        s.control(of_conversation(feed.conversations, companion).present, "a new message is in the pull");
        auto const m1 = of_conversation(feed.conversations, c);
        s.expect(is_deleted(m1.message("m1")), "the tombstone of a message" + how, show(m1.entry));
        s.expect(is_deleted(m1.message("never")), "the tombstone of a message that was never held" + how, show(m1.entry));
        auto const deleted = of_conversation(feed.conversations, written);
        s.expect(is_deleted(deleted.message("m1")), "the tombstone of a message that the user deleted" + how, show(deleted.entry));
        for (auto const& [id, what] : {std::pair{gone, "a conversation that was pushed as deleted"}, {dropped, "a conversation that the user deleted"}}) {
            auto const state = of_conversation(feed.conversations, id);
            s.expect(state.present && is_deleted(state.entry.if_object()), std::string{"the tombstone of "} + what + how, show(state.entry));
        }
    }
}

// ---- the parameter ------------------------------------------------------------------------------------------

void no_time_no_pull(scenario& s) {
    auto const a = s.register_peer();
    auto const pull = [&](std::string const& raw) { return a.get("/sync/" + a.peer_id() + "?since=" + raw); };
    for (char const* raw : {"x", "0", "-1", "null", "1767139200", "2025-12-31", "20251231T000000Z", "2025-13-01T00:00:00Z", "2025-02-29T00:00:00Z", "2025-12-31T24:00:00Z",
                            "2025-12-31T00:00:00.1234567891Z", "2025-12-31T00:00:00ZZ", "2025-12-31T00:00:00Z%00", "%C3%A9", "Wed,%2031%20Dec%202025%2000:00:00%20GMT", "yesterday"})
        s.refused(pull(raw), std::string{"a pull with since="} + raw, invalid_query);
    for (char const* raw : {"%", "%2", "%zz", "2025-12-31T00:00:00%", "%FF"}) s.refused(pull(raw), std::string{"a pull with since="} + raw, {});
    for (char const* raw : {"2025-12-31T00:00:00+02:00", "+", "2025-12-31T00:00:00+"}) {
        auto const x = pull(raw);
        s.expect(x.answered() && (x.status() < 500 || x.status() == 503), std::string{"a pull with since="} + raw + " is accepted or refused, and does not fail", x.describe());
    }
    s.control(pull(s.in_seconds(-5)), "a pull with a timestamp as since");
}

void any_spelling_of_since(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const before_it = s.now().seconds - 30;  // and not "30 s ago", which a slow target would take beyond the push
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "x")}, setting("last_modified", json::value(s.in_seconds(0))))}), "a push");
    struct {
        char const* what;
        int minutes;
        char const* suffix;
    } const spellings[] = {{"the offset +02:00", 120, "+02:00"}, {"the offset -02:30", -150, "-02:30"}, {"the offset +00:00", 0, "+00:00"}, {"no offset", 0, ""},
                           {"Z in lower case", 0, "z"},          {"nine fractional digits", 0, ".123456789Z"}, {"a fraction and an offset", -60, ".5-01:00"}};
    for (auto const& one : spellings) {
        auto const past = spelled({before_it, 0}, one.minutes, one.suffix);
        s.accepted(a.pull({.since = past, .limit = 1}), std::string{"a pull since 30 s before a push, with "} + one.what);
        auto const before = a.pull_all({.since = past, .limit = 200});
        s.expect(of_conversation(before.conversations, c).present, std::string{"a pull since 30 s before a push, with "} + one.what + ", has what was pushed", "it is absent");
        auto const later = a.pull({.since = spelled({s.now().seconds + 60, 0}, one.minutes, one.suffix), .limit = 200});
        s.accepted(later, std::string{"a pull since a minute ahead, with "} + one.what);
        s.expect(!find_by_id(later.body(), "/conversations", c, "conversation_id"), std::string{"a pull since a minute ahead, with "} + one.what + ", does not have it", "it is there");
    }
    auto lower = spelled({s.now().seconds - 30, 0}, 0, "z");
    for (auto& letter : lower) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    s.accepted(a.pull({.since = lower, .limit = 1}), "a pull with since " + lower);
    s.accepted(a.pull({.since = "1970-01-01T00:00:00Z", .limit = 1}), "a pull since 1970");
}

void the_future_is_empty(scenario& s) {
    auto const a = s.register_peer();
    s.control(a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x", 1, setting("timestamp", json::value(s.in_seconds(12 * 3600))))}, setting("last_modified", json::value(s.in_seconds(12 * 3600))))}),
              "a push dated 12 hours ahead");
    for (auto const& since : {s.in_seconds(3600), s.in_seconds(365 * 86'400), std::string{"9999-12-31T23:59:59Z"}}) {
        auto const x = a.pull({.since = since});
        s.accepted(x, "a pull since " + since);
        s.expect(objects_at(x.body(), "/conversations").empty(), "a pull since " + since + " is empty", std::to_string(objects_at(x.body(), "/conversations").size()) + " conversations");
        auto const next = s.fresh("c");
        s.control(a.push({s.conversation(next, 1, {s.message("m1", "x")})}), "a push");
        s.expect(of_conversation(a.pull_all({.since = x.text("/last_sync"), .limit = 200}).conversations, next).present,
                 "what is pushed after a pull since " + since + " is in a pull since the last_sync that it gave", "it is absent since " + x.text("/last_sync"));
    }
}

check const checks[] = {
    {.id = "syn/pull-needs-credential",
     .title = "a pull without the peer's own credential is refused and shows nothing",
     .clauses = {"BSP-AUT-001", "BSP-AUT-055"},
     .impact = "anybody who knows or guesses a peer id reads all conversations of its user",
     .likely_cause = "the route for pulls has no authentication",
     .run = credential_is_needed},
    {.id = "syn/pull-own-user",
     .title = "a pull has nothing of another user",
     .clauses = {"BSP-SYN-103"},
     .impact = "people read each other's conversations",
     .likely_cause = "the query for the feed is not bound to the peer's user",
     .run = own_user_only,
     .needs = need::second_user},
    {.id = "syn/pull-everything",
     .title = "a pull without since has every conversation and every message of the user",
     .clauses = {"BSP-SYN-105", "BSP-SYN-128"},
     .impact = "a new device never sees part of the history",
     .likely_cause = "the first pull begins at registration, leaves out the caller's own pushes, or drops old items",
     .run = everything_from_the_beginning},
    {.id = "syn/pull-answer",
     .title = "the answer to a pull has conversations, last_sync ending in Z, has_more, and cursor where more follows",
     .clauses = {"BSP-SYN-100", "BSP-SYN-120", "BSP-SYN-115", "BSP-SYN-127", "BSP-GEN-050"},
     .impact = "peers cannot read the answer, or cannot pass last_sync back",
     .likely_cause = "last_sync formatted with +00:00 or without an offset, or a member forgotten",
     .run = answer_is_complete},
    {.id = "syn/pull-incremental",
     .title = "a pull leaves out what did not change since, and last_sync moves on",
     .clauses = {"BSP-SYN-109", "BSP-SYN-136", "BSP-SYN-107"},
     .impact = "every pull carries the whole history, which grows until it no longer arrives",
     .likely_cause = "since is ignored, or last_sync is never advanced",
     .run = unchanged_ones_stay_away,
     .needs = need::patience},
    {.id = "syn/pull-unchanged-left-out",
     .title = "a pull leaves out at once what did not change since last_sync",
     .clauses = {"BSP-SYN-108"},
     .impact = "devices that pull often fetch the same changes several times",
     .likely_cause = "the watermark reaches back a few seconds",
     .run = unchanged_ones_are_left_out_at_once,
     .strength = obligation::should},
    {.id = "syn/pull-by-commit",
     .title = "old messages that are pushed now are news now",
     .clauses = {"BSP-SYN-106", "BSP-SYN-104"},
     .impact = "what was written offline never reaches the other devices",
     .likely_cause = "since is compared with last_modified or with the timestamps of messages",
     .run = commits_count_not_clocks},
    {.id = "syn/pull-watermark",
     .title = "a change right after a pull, or between two of its pages, is in the next pull",
     .clauses = {"BSP-SYN-107", "BSP-SYN-055", "BSP-CNV-007"},
     .impact = "changes at the wrong moment never reach the other devices",
     .likely_cause = "last_sync is the time of the answer, or moved by authors' clocks, instead of a place in the order of commits",
     .run = nothing_is_lost_at_the_watermark},
    {.id = "syn/pull-metadata",
     .title = "a conversation whose own members changed is in the next pull, although no message changed",
     .clauses = {"BSP-SYN-104"},
     .impact = "new titles never reach the other devices",
     .likely_cause = "only new messages mark a conversation as changed",
     .run = metadata_is_news},
    {.id = "syn/pull-tombstones",
     .title = "pulls carry the tombstones of messages and of conversations",
     .clauses = {"BSP-SYN-128"},
     .impact = "what was deleted stays on the other devices",
     .likely_cause = "deleted items are filtered out of the feed as they are out of reads",
     .run = tombstones_are_news},
    {.id = "syn/since-invalid",
     .title = "a since that is no timestamp is refused with 400, and never makes the server fail",
     .clauses = {"BSP-SYN-122", "BSP-GEN-007", "BSP-GEN-012"},
     .impact = "a client with a damaged watermark gets everything, nothing, or a failure it retries for ever",
     .likely_cause = "the parameter is parsed without catching the error, or a bad one is taken for absent",
     .run = no_time_no_pull},
    {.id = "syn/since-spellings",
     .title = "since may have any offset, none, and any spelling of a timestamp",
     .clauses = {"BSP-SYN-121", "BSP-GEN-051", "BSP-GEN-052"},
     .impact = "clients that format timestamps otherwise cannot pull, or miss hours of changes",
     .likely_cause = "only Z is understood, the offset is ignored, or a time without offset is read as local",
     .run = any_spelling_of_since},
    {.id = "syn/since-future",
     .title = "a since in the future is answered with 200 and no conversations, and leads back to the present",
     .clauses = {"BSP-SYN-123", "BSP-SYN-107"},
     .impact = "a client whose watermark is ahead is refused for ever",
     .likely_cause = "since is validated against the clock, or compared with authors' timestamps",
     .run = the_future_is_empty},
    {.id = "syn/every-answer-form", .title = "every answer about conversations that the suite was given has the members of its table",
     .clauses = {"BSP-SYN-060", "BSP-SYN-062", "BSP-SYN-063", "BSP-SYN-100", "BSP-SYN-120", "BSP-MRG-065", "BSP-CNV-010", "BSP-CNV-021", "BSP-CNV-030", "BSP-CNV-031", "BSP-CNV-040", "BSP-CNV-062", "BSP-GEN-028"},
     .impact = broken_by_a_form, .likely_cause = cause_of_a_form, .run = sync_forms, .needs = need::at_the_end},
};

}  // namespace

group pull_group() { return {"pull", profile::syn, checks}; }

}  // namespace bsp::conformance
