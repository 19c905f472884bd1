#include "habits.hpp"

#include "../scenario.hpp"
#include "conversing.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <set>
#include <string>
#include <vector>

// Names and texts that mean something to a database or a language, and rows beyond the first hundred.

namespace bsp::conformance {

namespace {

/// What looks like something else to a column type, a template, a page or a decoder.
std::vector<std::string> odd_texts() {
    return {"0",     "007",  "1e3",   "1.50",  "-0",   "0x10", "null", "undefined", "NaN", "true", "[]", "{}", "{\"a\": 1}", "2025-03-01T12:00:00+02:00", "2025-03-01", "12:30",
            "<b>&amp;&#39;</b>", "a & b < c > d", "\\n \\u0041 \\\\ C:\\new", "%s %d {0} ${x} {{y}}", "caf\u00e9 \U0001F600", "e\u0301", " x ", "O'Neil \"q\" -- ;", "=1+1", "@t", "#x"};
}

bool passes_as_label(std::string const& text) { return !text.empty() && text.size() <= 128; }

json::object message_held(scenario& s, caller const& who, std::string const& conversation, std::string_view id) { return message_in(read(s, who, conversation), id); }

}  // namespace

void patterns_are_names(scenario& s) {
    auto const who = s.user();
    auto const stem = s.fresh("c");
    for (char const* mark : {"_", ".", "~"}) {
        auto const one = stem + mark + "a", like_it = stem + "xa";
        s.control(who.write(one, "one", set("id", std::string{"m"} + mark + "1")), "a write");
        s.control(who.write(one, "like it", set("id", "mx1")), "a write");
        s.control(who.write(like_it, "like it", set("id", std::string{"other"} + std::to_string(s.pick(1'000'000)))), "a write");
        s.control(who.del("/conversations/" + one + "/messages/m" + mark + "1"), "the deletion of a message");
        s.expect(message_ids(s, who, one) == std::vector<std::string>{"mx1"}, std::string{"after the deletion of m"} + mark + "1 there is mx1", show(message_ids(s, who, one)));
        s.control(who.del("/conversations/" + one), "the deletion of a conversation");
        s.expect(who.read(like_it).ok(), "after the deletion of " + one + " there is " + like_it, who.read(like_it).describe());
    }
    // A name in a path has the case that it has.
    for (auto const& [one, other] : {std::pair{stem + "Ab", stem + "ab"}, std::pair{stem + "AB", stem + "aB"}}) {
        s.control(who.write(one, "one", set("id", "Mx")), "a write");
        s.control(who.write(other, "other", set("id", "mx")), "a write");
        s.expect(read(s, who, one).text("/conversation_id") == one && message_ids(s, who, one) == std::vector<std::string>{"Mx"}, one + " has the message that was written to it", show(read(s, who, one).body()));
        s.control(who.del("/conversations/" + other), "the deletion of a conversation");
        s.expect(message_ids(s, who, one) == std::vector<std::string>{"Mx"}, "after the deletion of " + other + " there is " + one, show(message_ids(s, who, one)));
    }
}

void keys_of_two_parts(scenario& s) {
    auto const a = s.register_peer();
    std::vector<json::object> all;
    for (char const* mark : {":", ".", "-", "_", "~", "@", "::"}) {
        auto const stem = s.fresh("c");
        all.push_back(s.conversation(stem + mark + "b", 1, {s.message("c", "one")}));
        all.push_back(s.conversation(stem, 1, {s.message(std::string{"b"} + mark + "c", "other")}));
    }
    s.control(a.push(all), "conversations and messages whose ids are the same when they are joined");
    for (auto const& pushed : all) {
        json::value const sent = pushed;
        auto const c = text_at(sent, "/conversation_id");
        auto const ids = message_ids(s, a, c);
        s.expect(ids == ids_at(sent, "/messages"), c + " has the one message that was pushed into it", show(ids));
    }
}

/// A member is a flag where the tables have it, and not wherever the text of an object does.
void flags_elsewhere(scenario& s) {
    auto const a = s.register_peer();
    json::object const flags{{"deleted", true}, {"redacted", true}};
    std::vector<std::pair<std::string, edit>> const ways{{"an unknown member whose members are flags", set("x", flags)},
                                                         {"a list of objects with flags", set("x", json::array{flags, json::object{{"more", flags}}})},
                                                         {"a text that looks like a flag", set("x", R"("deleted": true, "deleted":true)")},
                                                         {"members whose names end like flags", both(set("x_deleted", true), set("x.redacted", true))}};
    std::vector<std::string> ids;
    for (auto const& [what, how] : ways) {
        ids.push_back(s.fresh("c"));
        s.control(a.push({s.conversation(ids.back(), 1, {s.message("m1", "said", 1, how)}, how)}), "a push of a conversation and a message with " + what);
    }
    std::set<std::string> listed;
    constexpr int pages_max = 1'000;
    for (auto [cursor, page] = std::pair{std::string{}, 0};; ++page) {
        s.control(page < pages_max, "the list comes to an end");
        auto const x = s.user().get("/conversations?limit=500" + (cursor.empty() ? "" : "&cursor=" + percent_encode_segment(cursor)));
        s.control(x, "a page of the list");
        for (auto const& id : ids_at(x.body(), "/conversations", "conversation_id")) listed.insert(id);
        cursor = x.text("/cursor");
        if (cursor.empty()) break;
    }
    auto const feed = recent_feed(s, a);
    for (std::size_t i = 0; i < ways.size(); ++i) {
        auto const& what = ways[i].first;
        s.expect(listed.contains(ids[i]), "the list of conversations has the one with " + what, "it does not");
        auto const read_ids = message_ids(s, a, ids[i]);
        s.expect(read_ids == std::vector<std::string>{"m1"}, "a read has the message with " + what, show(read_ids));
        auto const entry = of_conversation(feed.conversations, ids[i]);
        auto const* m = entry.message("m1");
        s.expect(m && text_at(json::value(*m), "/content") == "said", "a pull has conversation and message with " + what, m ? show(json::value(*m)) : "absent");
    }
}

void names_of_objects(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    std::vector<std::string> const names{"constructor", "__proto__", "toString", "length", "null", "0"};
    for (auto const& name : names) {
        s.accepted(a.push({s.conversation(c, 1, {s.message(name, "by " + name)})}, {.sync_id = name}), "a push with the sync_id " + name);
        s.refused(a.push({s.conversation(c, 1, {s.message("other", "x")})}, {.sync_id = name}), "another push with the sync_id " + name, {.statuses = {409}, .codes = {"sync-id-reuse"}});
        auto const claims = call_options{.claims = set("jti", name)};
        s.accepted(a.write(c, "hello", set("id", "by-" + name), claims), "a write with the jti " + name);
        s.refused(a.write(c, "hello", {}, claims), "another write with the jti " + name, {.statuses = {401}, .codes = {"stale-request"}});
    }
    s.expect(message_ids(s, a, c).size() == 2 * names.size(), "all that was accepted is there", show(message_ids(s, a, c)));
}

void ties_of_odd_texts(scenario& s) {
    auto const a = s.register_peer();
    auto const when = set("timestamp", s.in_seconds(-60));
    std::vector<json::object> first, second;
    std::vector<std::pair<std::string, std::string>> due;  // text, content of the greater
    auto const digest = [](json::object const& m) { return sha256(json::canonicalize(m).value()); };
    for (std::string const text : {"<", ">", "&", "'", "/", "\\", "\"", "\u007f", "\u0085", "\u00e9", "\u00ff", "\u0130", "\u2028", "\ufeff", "\uffee", "\U0001F600", "\t", "\u0001"})
        for (int i = 0; i < 6; ++i) {
            auto const id = "m" + std::to_string(first.size());
            auto const left = s.message(id, "left " + text + s.canary(6), 4, when), right = s.message(id, "right " + text + s.canary(6), 4, when);
            first.push_back(left);
            second.push_back(right);
            due.emplace_back(text, std::string{json::view((digest(left) > digest(right) ? left : right).at("content").as_string())});
        }
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, first)}), "a push of many messages");
    s.control(a.push({s.conversation(c, 1, second)}), "a push of others of the same versions and times");
    auto const x = read(s, a, c);
    for (std::size_t i = 0; i < due.size(); ++i) {
        auto const got = text_at(json::value(message_in(x, "m" + std::to_string(i))), "/content");
        s.expect(got == due[i].second, "of two messages that have " + show(json::value(due[i].first)) + " in them the one with the greater digest stands: " + due[i].second, got);
    }
}

void many_conflicts(scenario& s) {
    auto const a = s.register_peer();
    auto const when = set("timestamp", s.in_seconds(-60));
    std::vector<json::object> first, second;
    for (int i = 0; i < 130; ++i) {
        first.push_back(s.message("m" + std::to_string(i), "first", 4, when));
        second.push_back(s.message("m" + std::to_string(i), "second", 4, when));
    }
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, first)}), "a push of 130 messages");
    auto const x = a.push({s.conversation(c, 1, second)});
    s.accepted(x, "a push of 130 other messages of the same ids and versions");
    for (auto const& m : second) {
        auto const id = std::string{json::view(m.at("id").as_string())};
        s.expect(find_by_id(x.body(), "/conflicts", id, "message_id"), "each of 130 diverged messages is in conflicts", id + " is not; " + std::to_string(objects_at(x.body(), "/conflicts").size()) + " are");
    }
}

void since_long_ago(scenario& s) {
    auto const a = s.register_peer();
    s.control(a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}), "a push");
    for (std::string const since : {"2001-09-09T01:46:40Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "1901-12-13T20:45:51Z", "1677-09-21T00:12:43Z", "1600-02-29T12:00:00Z", "0001-01-01T00:00:00Z"}) {
        auto const x = a.pull({.since = since, .limit = 1});
        s.accepted(x, "a pull since " + since);
        auto const* more = x.at("/has_more");
        s.expect(!objects_at(x.body(), "/conversations").empty() || (more && *more == json::value(true)), "a pull since " + since + " has what was committed since", "an empty last page");
        if (!s.has_telemetry()) continue;
        s.accepted(s.user().get("/telemetry/events?limit=1&since=" + since), "the list of events since " + since);
    }
}

void odd_texts_everywhere(scenario& s) {
    auto const a = s.register_peer();
    std::vector<json::object> all;
    bool const any_surface = s.takes_any_surface();
    for (auto const& text : odd_texts()) {
        json::object const digits{{"0", text}, {"1", "x"}}, nested{{"fooBar", json::array{text}}, {"FooBar", json::object{{"when", text}}}};
        auto const odd = [&](json::object& o) {
            o["x_text"] = text;
            o["x_digits"] = digits;
            o["x_nested"] = nested;
            o["Title"] = o["Content"] = o["VERSION"] = "not the one";
            if (passes_as_label(text)) o["source_backend"] = text;
        };
        auto const of_message = [&](json::object& o) {
            odd(o);
            if (!passes_as_label(text)) return;
            o["role"] = text;
            if (any_surface) o["surface"] = text;
        };
        all.push_back(s.conversation(s.fresh("c"), 1, {s.message("m1", text, 0, of_message), s.message("m2", "")}, both(odd, set("title", text))));
    }
    s.accepted(a.push(all), "a push of texts that look like something else");
    auto const pulled = recent_feed(s, a).conversations;
    for (auto const& pushed : all) {
        json::value const sent = pushed;
        auto const c = text_at(sent, "/conversation_id");
        auto const x = read(s, a, c);
        auto const from_feed = of_conversation(pulled, c);
        s.control(from_feed.present, "the conversation is in the pull");
        for (auto const& [way, state] : {std::pair<std::string, json::value>{"read", x.body()}, {"pulled", from_feed.entry}}) {
            for (char const* member : {"title", "source_backend", "x_text", "x_digits", "x_nested", "Title", "Content", "VERSION"})
                s.expect_same(std::string{member} + " of the conversation, " + way + ",", pushed.at(member), at(state, "/" + std::string{member}));
            for (auto const& m : objects_at(sent, "/messages")) {
                auto const* held = way == "read" ? find_by_id(x.body(), "/messages", text_at(json::value(m), "/id")) : from_feed.message(text_at(json::value(m), "/id"));
                s.expect(held != nullptr, "a message is " + way, "it is absent");
                for (auto const& member : m) s.expect_same(std::string{json::view(member.key())} + " of a message, " + way + ",", member.value(), held->if_contains(member.key()));
            }
        }
    }
}

void odd_texts_of_writes(scenario& s) {
    auto const who = s.user();
    for (std::string const text : {"0", "007", "1e3", "null", "[]", "{\"a\": 1}", "2025-03-01T12:00:00+02:00", "<b>&amp;</b> & <", "\\n C:\\new", "caf\u00e9 \U0001F600", " x "}) {
        auto const c = s.fresh("c");
        json::object const nested{{"when", text}, {"0", json::object{{"0", text}, {"1", text}}}};
        auto const odd = both(both(set("id", "m1"), set("title", text)), both(both(set("x_text", text), set("x_nested", nested)), both(set("Title", "not this"), set("Content", "not this"))));
        auto const x = who.write(c, text, odd);
        s.accepted(x, "a write of " + show(json::value(text)));
        auto const y = read(s, who, c);
        s.expect(y.text("/title") == text, "the title " + show(json::value(text)), y.text("/title"));
        json::value const held = message_in(y, "m1");
        for (auto const& [way, m] : {std::pair<std::string, json::value const&>{"answered", x.body()}, {"read", held}}) {
            for (char const* member : {"content", "x_text"}) s.expect(text_at(m, "/" + std::string{member}) == text, std::string{member} + " " + show(json::value(text)) + " of a write, " + way, show(m));
            s.expect_same("x_nested of a write, " + way + ",", nested, at(m, "/x_nested"));
        }
    }
}

}  // namespace bsp::conformance
