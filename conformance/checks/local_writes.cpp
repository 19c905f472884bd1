#include "../registry.hpp"
#include "conversing.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <algorithm>

// Sections 8.3 and 8.4: writing and deleting at one backend.

namespace bsp::conformance {
namespace {

constexpr std::int64_t greatest_version = 9'007'199'254'740'991;

// ---- writing ----------------------------------------------------------------------------------------------

void write_answers_the_message(scenario& s) {
    auto const who = s.user();
    auto const c = s.fresh("c");
    auto const before = s.now();
    auto const x = who.write(c, "hello");
    s.accepted(x, "a write into a conversation that does not exist");
    s.exactly(x.status() == 201, "201", x.describe());
    for (auto const* name : {"id", "role", "content", "timestamp", "surface", "source_backend", "version"})
        s.expect(x.at(std::string{"/"} + name) != nullptr, std::string{"the stored message has "} + name, show(x.body()));
    s.expect(x.text("/content") == "hello", "the content", x.text("/content"));
    auto const when = x.text("/timestamp");
    s.expect(!when.empty() && when.back() == 'Z', "a timestamp with Z", when);
    auto const at = parse_timestamp(when);
    s.expect(at && *at >= before - std::chrono::seconds{120} && *at <= s.now() + std::chrono::seconds{120}, "the server's current time", when);
    auto const second = who.write(c, "hello");
    s.accepted(second, "the same words without an id: another message");
    s.expect(second.text("/id") != x.text("/id") && !second.text("/id").empty(), "an id of its own", second.text("/id"));
    auto const now = read(s, who, c);
    s.expect(ids_at(now.body(), "/messages").size() == 2, "two messages", show(ids_at(now.body(), "/messages")));
    s.expect(same(message_in(now, x.text("/id")), x.body()), "the conversation holds what the answer said: " + show(x.body()), show(message_in(now, x.text("/id"))));
}

void edits_of_old_messages_are_of_now(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    write(s, a, c, "written", both(set("id", "m1"), set("timestamp", s.in_seconds(-365 * 86'400))));
    pushed(s, a, s.conversation(c, 9, {s.message("m2", "pushed", 9, set("timestamp", s.in_seconds(-30 * 86'400)))}));
    for (auto const& [what, id] : {std::pair{"a message that was written with a timestamp of a year ago", "m1"}, {"a message of a month ago that was pushed", "m2"}}) {
        auto const before = s.now();
        auto const x = write(s, a, c, "edited", set("id", id));
        auto const at = parse_timestamp(x.text("/timestamp"));
        s.expect(at && *at >= before - std::chrono::seconds{120} && *at <= s.now() + std::chrono::seconds{120}, std::string{"an edit without timestamp of "} + what + " has the server's current time", x.text("/timestamp"));
        s.expect(text_at(message_in(read(s, a, c), id), "/timestamp") == x.text("/timestamp"), "and is read with it", show(message_in(read(s, a, c), id)));
    }
}

void edits_have_the_current_time(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    pushed(s, a, s.conversation(c, 3, {s.message("m1", "by a clock that is fast", 3, set("timestamp", s.in_seconds(12 * 3600)))}));
    for (auto const& [what, id] : {std::pair{"an edit of a message that is dated 12 hours ahead", "m1"}, {"a message beside it", "m2"}}) {
        auto const before = s.now();
        auto const x = write(s, a, c, "by a clock that is right", set("id", id));
        auto const at = parse_timestamp(x.text("/timestamp"));
        bool const is_now = at && *at >= before - std::chrono::seconds{120} && *at <= s.now() + std::chrono::seconds{120};
        s.expect(is_now, std::string{what} + " has the server's current time", x.text("/timestamp"));
        s.expect(text_at(message_in(read(s, a, c), id), "/timestamp") == x.text("/timestamp"), "and is read with it", show(message_in(read(s, a, c), id)));
    }
    auto const at = [&](std::string_view id) { return text_at(message_in(read(s, a, c), id), "/content"); };
    s.expect(at("m1") == "by a clock that is right", "the edit, which has the greater version", at("m1"));
}

void invalid_writes_are_refused(scenario& s) {
    auto const who = s.user();
    auto const c = s.fresh("c");
    write(s, who, c, "fine", set("id", "m1"));
    struct row { char const* what; edit change; };
    for (auto const& r : {row{"without role", [](json::object& o) { o.erase("role"); }}, {"without content", [](json::object& o) { o.erase("content"); }},
                          {"without surface", [](json::object& o) { o.erase("surface"); }}, {"with role 5", set("role", 5)},
                          {"with content null", set("content", json::value(nullptr))}, {"with content []", set("content", json::array{})},
                          {"with surface true", set("surface", true)}, {"with title 5", set("title", 5)}, {"with id 5", set("id", 5)},
                          {"with id \"a b\"", set("id", "a b")}, {"with id \"\"", set("id", "")}, {"with timestamp \"yesterday\"", set("timestamp", "yesterday")},
                          {"with timestamp 5", set("timestamp", 5)}}) {
        auto const x = who.write(c, "not fine", r.change);
        s.refused(x, std::string{"a write "} + r.what, {.statuses = {400, 422}});
    }
    auto const now = read(s, who, c);
    s.expect(ids_at(now.body(), "/messages") == std::vector<std::string>{"m1"}, "m1 alone", show(ids_at(now.body(), "/messages")));
    s.accepted(who.write(c, "fine, too", set("x-count", greatest_version)), "2^53-1 in an unknown member");
}

void numbers_that_cannot_travel_are_refused(scenario& s) {
    auto const who = s.user();
    auto const c = s.fresh("c");
    s.control(who.write(c, "fine", set("x-count", json::array{greatest_version})), "a write with 2^53-1 in an unknown member");
    s.refused(who.write(c, "not fine", set("x-cost", 0.5)), "a write with a fraction in an unknown member", {.statuses = {400, 422}});
    s.refused(who.write(c, "not fine", set("x-count", json::array{greatest_version + 1})), "a write with 2^53 in an unknown member", {.statuses = {400, 422}});
    s.expect(ids_at(read(s, who, c).body(), "/messages").size() == 1, "one message", show(read(s, who, c).body()));
}

void deep_writes_are_refused(scenario& s) {
    auto const who = s.user();
    auto const c = s.fresh("c");
    // The body is level 1.
    auto const write_of_depth = [&](int levels, char const* id) {
        json::value nested = "bottom";
        for (int i = 1; i < levels; ++i) nested = json::array{nested};
        return who.write(c, "x", [&](json::object& o) { o["id"] = id, o["x-deep"] = nested; });
    };
    s.control(write_of_depth(28, "m1"), "a write nested 28 levels deep");
    auto const x = write_of_depth(29, "m2");
    if (x.ok()) (void)who.del("/conversations/" + c + "/messages/m2");  // pulls would be nested too deeply for others to read
    s.refused(x, "a write nested 29 levels deep", {.statuses = {400, 413, 422}});
    s.expect(ids_at(read(s, who, c).body(), "/messages") == std::vector<std::string>{"m1"}, "m1 alone", "another list");
}

void writes_are_verbatim(scenario& s) {
    auto const who = s.user();
    auto const c = s.fresh("c");
    std::string const content = "  e\xCC\x81 \xC3\xA9 \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB\r\n\t\xE2\x80\xA8</script>\x7F\"\\ ";
    auto const x = write(s, who, c, content, [](json::object& o) {
        o["id"] = "m1";
        o["role"] = "Narrator";
        o["surface"] = "watch";
        o["timestamp"] = "2025-03-04t05:06:07.1200+01:00";
        o["x-mood"] = json::object{{"b", json::array{1, "two", nullptr, true}}, {"a", -7}};
    });
    auto const held = message_in(read(s, who, c), "m1");
    for (auto const& m : {x.body().is_object() ? x.body().as_object() : json::object{}, held}) {
        s.expect(text_at(m, "/content") == content, "the content, character for character: " + show(json::value(content)), show(json::value(text_at(m, "/content"))));
        s.expect(text_at(m, "/role") == "Narrator" && text_at(m, "/surface") == "watch", "role Narrator, surface watch", show(m));
        s.expect(text_at(m, "/timestamp") == "2025-03-04t05:06:07.1200+01:00", "the timestamp as it was written", text_at(m, "/timestamp"));
        s.expect_same("the unknown member", json::object{{"b", json::array{1, "two", nullptr, true}}, {"a", -7}}, at(m, "/x-mood"));
    }
}

/// Versions that were refused were not seen.
void refused_versions_are_not_seen(scenario& s) {
    auto const a = s.register_peer();
    auto const used = s.fresh("sync");
    s.control(a.push({s.conversation(s.fresh("c"), 1, {})}, {.sync_id = used}), "a push");
    auto const c = s.fresh("c"), fresh = s.fresh("c");
    s.control(write(s, a, c, "first").ok(), "the first write");
    auto const leap = [&] { return std::vector{s.conversation(c, 500, {s.message("m1", "x", 600)}), s.conversation(fresh, 500, {s.message("m1", "x", 600)})}; };
    auto with_invalid = leap();
    with_invalid.push_back(s.conversation(s.fresh("c"), 1, {s.message("m1", "x", 1, set("role", 7))}));
    struct {
        char const* what;
        exchange refused;
    } const attempts[] = {{"a push whose last conversation is not valid", a.push(with_invalid)},
                          {"a push under a sync_id that was used for another", a.push(leap(), {.sync_id = used})},
                          {"a push that another key signed", a.push(leap(), {.signer = s.fresh_key()})},
                          {"a push of ten minutes ago", a.push(leap(), {.timestamp = s.in_seconds(-600)})}};
    for (auto const& x : attempts) s.control(x.refused.client_error(), std::string{x.what} + " is refused, got " + x.refused.describe());
    for (auto const& [where, version] : {std::pair{c, 2}, {fresh, 1}}) {
        auto const x = write(s, a, where, "after the refusals");
        s.expect(integer_at(x.body(), "/version") == version, "after refused pushes of versions 500 and 600 a write into a conversation " + std::string{version == 1 ? "that does not exist" : "of version 1"} + " has version " + std::to_string(version),
                 std::to_string(integer_at(x.body(), "/version")));
    }
}

void versions_are_lamport_times(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const expect_version = [&](exchange const& x, std::int64_t version, std::string const& why) {
        s.expect(integer_at(x.body(), "/version") == version, why + ": version " + std::to_string(version), std::to_string(integer_at(x.body(), "/version")));
        auto const now = read(s, a, c);
        s.expect(integer_at(now.body(), "/version") == version, why + ": the conversation has version " + std::to_string(version),
                 std::to_string(integer_at(now.body(), "/version")));
    };
    expect_version(write(s, a, c, "first"), 1, "the first write");
    expect_version(write(s, a, c, "second"), 2, "the second write");
    pushed(s, a, s.conversation(c, 7, {s.message("p1", "x", 3)}));
    expect_version(write(s, a, c, "third"), 8, "after conversation version 7");
    pushed(s, a, s.conversation(c, 2, {s.message("p2", "x", 20)}));
    expect_version(write(s, a, c, "fourth"), 21, "after message version 20");
    pushed(s, a, s.conversation(c, 2, {s.message("p2", "", 40, [](json::object& m) { m["deleted"] = true; })}));
    expect_version(write(s, a, c, "fifth"), 41, "after a tombstone of version 40");
    pushed(s, a, s.conversation(c, 2, {s.message("p2", "loses", 30)}));
    expect_version(write(s, a, c, "sixth"), 42, "after a stale version 30");
}

void versions_saturate(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    pushed(s, a, s.conversation(c, 1, {s.message("m1", "old", greatest_version, set("timestamp", s.in_seconds(-100)))}));
    auto const x = a.write(c, "new");
    s.accepted(x, "a write after version 2^53-1 was seen");
    s.expect(integer_at(x.body(), "/version") == greatest_version, "version 9007199254740991", std::to_string(integer_at(x.body(), "/version")));
    s.accepted(a.write(c, "newer"), "another write");
    auto const now = read(s, a, c);
    s.expect(ids_at(now.body(), "/messages").size() == 3, "three messages", show(ids_at(now.body(), "/messages")));
    s.expect(integer_at(now.body(), "/version") == greatest_version, "the conversation has version 9007199254740991", std::to_string(integer_at(now.body(), "/version")));
}

void requests_set_no_version(scenario& s) {
    auto const who = s.user();
    auto const c = s.fresh("c");
    write(s, who, c, "first");
    for (auto const& [name, value] : {std::pair<std::string, json::value>{"version", 900}, {"source_backend", "local_sha256_00000000deadbeef"}, {"deleted", true}}) {
        auto const id = s.fresh("m");
        auto const before = integer_at(read(s, who, c).body(), "/version");
        auto const x = who.write(c, "with " + name, [&, name = name, value = value](json::object& o) {
            o[name] = value;
            o["id"] = id;
        });
        if (x.client_error()) {
            s.expect(message_in(read(s, who, c), id).empty(), "a refused write leaves nothing", "the message is there");
            continue;
        }
        s.accepted(x, "a write with " + name + " is accepted without it, or refused");
        auto const held = message_in(read(s, who, c), id);
        s.expect(!held.empty(), "the message is served", "it is not");
        s.expect(integer_at(held, "/version") == before + 1, "version " + std::to_string(before + 1) + ", not the request's", std::to_string(integer_at(held, "/version")));
        s.expect(text_at(held, "/source_backend") != "local_sha256_00000000deadbeef", "the server's own source_backend", text_at(held, "/source_backend"));
    }
}

void repeating_changes_nothing(scenario& s) {
    auto const who = s.user();
    auto const c = s.fresh("c");
    auto const first = write(s, who, c, "hello", set("id", "m1"));
    write(s, who, c, "another");
    auto const again = who.write(c, "hello", set("id", "m1"));
    s.accepted(again, "the same write again");
    s.expect(again.status() == 200 || again.status() == 201, "200 or 201", again.describe());
    s.expect(same(again.body(), first.body()), "the stored message: " + show(first.body()), show(again.body()));
    auto const now = read(s, who, c);
    s.expect(integer_at(message_in(now, "m1"), "/version") == 1, "m1 still has version 1", show(message_in(now, "m1")));
    s.expect(integer_at(now.body(), "/version") == 2, "the conversation still has version 2", std::to_string(integer_at(now.body(), "/version")));
    s.expect(ids_at(now.body(), "/messages").size() == 2, "two messages", show(ids_at(now.body(), "/messages")));
}

void editing_makes_a_new_version(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    write(s, a, c, "draft", set("id", "m1"));
    // Little things are differences.
    std::int64_t version = 1;
    std::string before = "draft";
    for (std::string const content : {"final", "Final", "FINAL", "FINAL ", "FINAL\n", " FINAL\n", "", "e\u0301", "\u00e9", "\u00e9\ufe0e", "0", "00", "false", "final"}) {
        s.accepted(a.write(c, content, set("id", "m1")), "the same id with " + show(json::value(content)) + " for " + show(json::value(before)));
        ++version;
        auto const now = read(s, a, c);
        auto const held = message_in(now, "m1");
        s.expect(text_at(held, "/content") == content && integer_at(held, "/version") == version, "the content " + show(json::value(content)) + " in version " + std::to_string(version), show(held));
        s.expect(ids_at(now.body(), "/messages") == std::vector<std::string>{"m1"}, "one message", show(ids_at(now.body(), "/messages")));
        before = content;
    }
    // Somebody else's message is edited, too.
    version += 5;
    pushed(s, a, s.conversation(c, version, {s.message("p1", "theirs", version, set("timestamp", s.in_seconds(60)))}));
    s.accepted(a.write(c, "mine", set("id", "p1")), "an edit of a message that came from another backend with a later timestamp");
    auto const held = message_in(read(s, a, c), "p1");
    s.expect(text_at(held, "/content") == "mine" && integer_at(held, "/version") == version + 1, "the edit stands, with version " + std::to_string(version + 1), show(held));
}

void role_and_surface_count(scenario& s) {
    auto const a = s.register_peer();
    for (auto const& [member, value] : {std::pair{"role", "assistant"}, {"surface", "ios"}}) {
        auto const c = s.fresh("c");
        write(s, a, c, "the same words", set("id", "m1"));
        s.accepted(a.write(c, "the same words", both(set("id", "m1"), set(member, value))), std::string{"the same id and content with another "} + member);
        auto const held = message_in(read(s, a, c), "m1");
        s.expect(text_at(held, std::string{"/"} + member) == value && integer_at(held, "/version") == 2, std::string{"the new "} + member + ", with version 2", show(held));
    }
}

void title_is_set(scenario& s) {
    auto const who = s.user();
    auto const c = s.fresh("c");
    auto const x = write(s, who, c, "hello", set("title", "Trip"));
    auto const now = read(s, who, c);
    s.expect(now.text("/title") == "Trip", "the conversation's title is Trip", now.text("/title"));
    write(s, who, c, "again", set("title", "Voyage"));
    s.expect(read(s, who, c).text("/title") == "Voyage", "the conversation's title is Voyage", read(s, who, c).text("/title"));
    auto const named = [](char const* title) {
        return [title](json::object& o) { o["id"] = "m1", o["title"] = title; };
    };
    write(s, who, c, "the same", named("Voyage"));
    write(s, who, c, "the same", named("Return"));
    s.expect(read(s, who, c).text("/title") == "Return", "the title that came with a repeated message", read(s, who, c).text("/title"));
    for (std::string const title : {"return", "return ", "", "0", "Return"}) {
        write(s, who, c, "titled", set("title", json::value(title)));
        auto const titled = read(s, who, c);
        s.expect(titled.at("/title") && *titled.at("/title") == json::value(title), "the title " + show(json::value(title)), titled.at("/title") ? show(*titled.at("/title")) : "absent");
    }
}

void title_and_unknown_members_stay(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    pushed(s, a, s.conversation(c, 3, {s.message("m1", "x", 3)}, [](json::object& o) {
               o["title"] = "Kept";
               o["x-colour"] = "blue";
               o["source_backend"] = "somewhere_else";
           }));
    write(s, a, c, "a local write without a title");
    auto const now = read(s, a, c);
    s.expect(now.text("/title") == "Kept", "the title stays", now.at("/title") ? now.text("/title") : "absent");
    s.expect(now.text("/x-colour") == "blue", "the unknown member stays", now.at("/x-colour") ? now.text("/x-colour") : "absent");
    s.expect(now.text("/source_backend") == "somewhere_else", "source_backend stays", now.text("/source_backend"));
}

void last_modified_never_goes_back(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const ahead = s.in_seconds(3600);
    pushed(s, a, s.conversation(c, 3, {s.message("m1", "x", 3)}, set("last_modified", ahead)));
    write(s, a, c, "a local write");
    auto const now = parse_timestamp(read(s, a, c).text("/last_modified"));
    s.expect(now && *now >= *parse_timestamp(ahead), "a last_modified not before " + ahead, read(s, a, c).text("/last_modified"));
    auto const d = s.fresh("c");
    pushed(s, a, s.conversation(d, 3, {s.message("m1", "x", 3)}, set("last_modified", s.in_seconds(-86'400))));
    write(s, a, d, "written long ago", set("timestamp", s.in_seconds(-200'000)));
    auto const then = parse_timestamp(read(s, a, d).text("/last_modified"));
    s.expect(then && *then >= *parse_timestamp(s.in_seconds(-86'410)), "a last_modified not before the one emitted before", read(s, a, d).text("/last_modified"));
}

void surface_is_added(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    pushed(s, a, s.conversation(c, 1, {s.message("m1", "x")}, set("surfaces", json::array{"web"})));
    write(s, a, c, "from the telephone", set("surface", "android"));
    auto const x = read(s, a, c);
    auto const surfaces = x.at("/surfaces") ? show(*x.at("/surfaces")) : "absent";
    s.expect(surfaces.find("\"android\"") != std::string::npos && surfaces.find("\"web\"") != std::string::npos, "surfaces with web and android", surfaces);
}

void writes_appear_in_pulls(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const c = s.fresh("c");
    write(s, a, c, "one", set("id", "m1"));
    auto const first = recent_feed(s, b);
    auto entry = of_conversation(first.conversations, c);
    s.expect(entry.message("m1") != nullptr, "a pull by another peer of the user carries the message", show(entry.entry));
    write(s, s.user(), c, "two", set("id", "m2"));
    auto const next = b.pull_all({.since = first.last_sync});
    entry = of_conversation(next.conversations, c);
    auto const* m2 = entry.message("m2");
    s.expect(m2 != nullptr, "the next pull carries the next message", show(entry.entry));
    s.expect(same(*m2, message_in(read(s, a, c), "m2")), "the message as it is read", show(*m2));
}

void far_future_is_refused(scenario& s) {
    auto const who = s.user();
    auto const c = s.fresh("c");
    s.accepted(who.write(c, "in half a day", set("timestamp", s.in_seconds(12 * 3600))), "a timestamp 12 hours ahead");
    s.refused(who.write(c, "in a day and an hour", set("timestamp", s.in_seconds(25 * 3600))), "a timestamp 25 hours ahead", {.statuses = {422, 400}});
    s.expect(ids_at(read(s, who, c).body(), "/messages").size() == 1, "one message", show(ids_at(read(s, who, c).body(), "/messages")));
}

// ---- deleting ---------------------------------------------------------------------------------------------

json::object tombstone_in_pull(scenario& s, peer const& a, std::string const& conversation, std::string_view id) {
    auto const feed = recent_feed(s, a);
    json::object found;
    for (auto const& entry : feed.conversations)
        if (text_at(entry, "/conversation_id") == conversation)
            if (auto const* m = find_by_id(entry, "/messages", id)) found = *m;
    (void)s;
    return found;
}

void message_is_deleted(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), secret = s.canary();
    write(s, a, c, "stays", set("id", "m0"));
    write(s, a, c, secret, [](json::object& o) {
        o["id"] = "m1";
        o["x-private"] = "unknown member";
    });
    pushed(s, a, s.conversation(c, 8, {s.message("m2", "x", 8)}));
    auto const x = a.del("/conversations/" + c + "/messages/m1");
    s.accepted(x, "deleting a message");
    s.exactly(x.status() == 200, "200", x.describe());
    s.exactly(x.text("/status") == "deleted" && integer_at(x.body(), "/version") == 9, "status \"deleted\" and version 9: one more than the greatest seen", show(x.body()));
    auto const now = read(s, a, c);
    s.expect(now.bytes().find(secret) == std::string::npos, "its content is not served", "it is");
    auto const kept = message_in(now, "m0");
    s.expect(text_at(kept, "/content") == "stays", "other messages stay", show(now.body()));
    s.expect(integer_at(now.body(), "/version") == 9, "the conversation has version 9", std::to_string(integer_at(now.body(), "/version")));
    auto const grave = tombstone_in_pull(s, a, c, "m1");
    s.expect(!grave.empty(), "a pull carries the tombstone", "m1 is not in the pull");
    for (auto const* name : {"id", "role", "content", "timestamp", "surface", "source_backend", "version", "deleted"})
        s.expect(grave.contains(name), std::string{"the tombstone has "} + name, show(grave));
    s.expect(text_at(grave, "/content").empty() && same(grave.at("deleted"), true), "deleted true and the empty content", show(grave));
    s.expect(integer_at(grave, "/version") == 9, "version 9", show(grave));
}

void deletion_beats_what_it_saw(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const ahead = s.message("m1", "from a fast clock", 5, set("timestamp", s.in_seconds(3600)));
    pushed(s, a, s.conversation(c, 5, {ahead}));
    s.accepted(a.del("/conversations/" + c + "/messages/m1"), "deleting a message with a timestamp an hour ahead");
    pushed(s, a, s.conversation(c, 5, {ahead}));
    auto const now = a.read(c);
    s.expect(now.bytes().find("from a fast clock") == std::string::npos, "the deletion stands after the message is pushed again", "the message is back");
}

void tombstones_are_lean(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), secret = s.canary();
    pushed(s, a, s.conversation(c, 3, {s.message("m1", "x", 3)}, [&](json::object& o) { o["title"] = secret, o["x_note"] = secret; }));
    s.control(a.del("/conversations/" + c), "deleting the conversation");
    auto const feed = recent_feed(s, a);
    auto const* entry = feed.find(c);
    s.control(entry != nullptr, "a pull carries the tombstone");
    s.expect(show(*entry, 10'000).find(secret) == std::string::npos, "a tombstone without title and unknown members", show(*entry));
}

void conversation_is_deleted(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), secret = s.canary();
    auto const stale = s.conversation(c, 3, {s.message("m1", secret, 3)}, set("title", secret));
    pushed(s, a, stale);
    auto const x = a.del("/conversations/" + c);
    s.accepted(x, "deleting a conversation");
    s.exactly(x.status() == 200, "200", x.describe());
    s.exactly(x.text("/status") == "deleted" && integer_at(x.body(), "/version") == 4, "status \"deleted\", version 4", show(x.body()));
    auto const gone = [&](std::string const& when) {
        auto const y = a.read(c);
        auto const* deleted = y.at("/deleted");
        bool const tombstone = y.status() == 200 && deleted && deleted->is_bool() && deleted->as_bool();
        s.expect(y.status() == 404 || y.status() == 410 || tombstone, "404, 410, or a tombstone " + when, y.describe());
        s.expect(y.bytes().find(secret) == std::string::npos, "none of its content " + when, "it is served");
    };
    gone("after the deletion");
    auto const feed = recent_feed(s, a);
    auto const* entry = feed.find(c);
    s.expect(entry != nullptr, "a pull carries the conversation's tombstone", "it does not");
    s.expect(entry->contains("deleted") && same(entry->at("deleted"), true), "deleted true in the pull", show(*entry));
    pushed(s, a, stale);
    gone("after a stale push");
}

void deleting_again_writes_nothing(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), never = s.fresh("c");
    write(s, a, c, "x", set("id", "m1"));
    write(s, a, c, "y", set("id", "m2"));
    auto const expect_version = [&](std::int64_t version, std::string const& after) {
        s.expect(integer_at(read(s, a, c).body(), "/version") == version, "version " + std::to_string(version) + " after " + after,
                 std::to_string(integer_at(read(s, a, c).body(), "/version")));
    };
    a.del("/conversations/" + c + "/messages/m9");
    expect_version(2, "the deletion of a message that does not exist");
    a.del("/conversations/" + never);
    s.control(a.del("/conversations/" + c + "/messages/m1"), "deleting a message");
    a.del("/conversations/" + c + "/messages/m1");
    expect_version(3, "the second deletion of a message");
    s.control(a.del("/conversations/" + c), "deleting the conversation");
    a.del("/conversations/" + c);
    a.del("/conversations/" + c + "/messages/m2");
    auto const back = write(s, a, c, "back");
    s.expect(integer_at(back.body(), "/version") == 5, "version 5 for the next write: only the first of the deletions counted", show(back.body()));
    auto const feed = recent_feed(s, a);
    s.expect(feed.find(never) == nullptr, "no tombstone of a conversation that never was", "there is one in the pull");
}

void deleting_again_is_not_found(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    write(s, a, c, "x", set("id", "m1"));
    write(s, a, c, "y", set("id", "m2"));
    auto const expect_not_found = [&](std::string const& path, std::string const& what) {
        auto const x = a.del(path);
        s.expect(x.status() == 404, what + " is answered with 404", x.describe());
    };
    expect_not_found("/conversations/" + c + "/messages/m9", "the deletion of a message that does not exist");
    expect_not_found("/conversations/" + s.fresh("c"), "the deletion of a conversation that does not exist");
    s.control(a.del("/conversations/" + c + "/messages/m1"), "deleting a message");
    expect_not_found("/conversations/" + c + "/messages/m1", "its second deletion");
    s.control(a.del("/conversations/" + c), "deleting the conversation");
    expect_not_found("/conversations/" + c, "its second deletion");
    expect_not_found("/conversations/" + c + "/messages/m2", "the deletion of a message of a deleted conversation");
}

void writing_revives(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    write(s, a, c, "before", set("id", "m1"));
    s.control(a.del("/conversations/" + c), "deleting the conversation");
    auto const x = a.write(c, "after", set("id", "m2"));
    s.accepted(x, "a write into a deleted conversation");
    auto const now = a.read(c);
    s.accepted(now, "reading the conversation that the write brought back");
    s.expect(text_at(message_in(now, "m2"), "/content") == "after", "the conversation is back with the new message", show(now.body()));
    s.expect(integer_at(now.body(), "/version") == 3, "version 3", std::to_string(integer_at(now.body(), "/version")));
    auto const listed = whole_list(s, a, 500);
    s.expect(std::any_of(listed.begin(), listed.end(), [&](json::object const& entry) { return text_at(entry, "/conversation_id") == c; }), "the conversation is in the list again", "it is not listed");
    s.control(a.del("/conversations/" + c + "/messages/m2"), "deleting the message");
    s.accepted(a.write(c, "after", set("id", "m2")), "a write of the deleted message, in the same words");
    s.expect(text_at(message_in(read(s, a, c), "m2"), "/content") == "after", "the message is back", show(read(s, a, c).body()));
    s.control(a.del("/conversations/" + c + "/messages/m2"), "deleting the message again");
    auto const empty = a.write(c, "", set("id", "m2"));
    s.expect(empty.status() == 201, "a write of the deleted message with empty content is answered with 201", empty.describe());
    auto const alive = live_ids(read(s, a, c).body());
    s.expect(std::ranges::find(alive, "m2") != alive.end(), "the message is back, and empty", show(read(s, a, c).body()));

    auto const d = s.fresh("c");
    write(s, a, d, "the same words", set("id", "m1"));
    s.control(a.del("/conversations/" + d), "deleting another conversation");
    s.accepted(a.write(d, "the same words", set("id", "m1")), "a write of a message that the deleted conversation had, in the same words");
    auto const again = a.read(d);
    s.accepted(again, "reading the conversation that the same words brought back");
    s.expect(text_at(message_in(again, "m1"), "/content") == "the same words", "the conversation is back with the message", show(again.body()));
}

check const checks[] = {
    {.id = "cnv/write", .title = "a write is answered with the stored message, with an id and a time of the server's where none is given",
     .clauses = {"BSP-CNV-040", "BSP-CNV-041", "BSP-CNV-043", "BSP-CNV-044", "BSP-GEN-050"},
     .impact = "applications do not know what they wrote", .likely_cause = "the request is echoed in the place of what was stored",
     .run = write_answers_the_message},
    {.id = "cnv/edit-of-old", .title = "an edit without timestamp of a message that is old has the current time", .clauses = {"BSP-CNV-044"}, .impact = "nobody can tell when a message was edited",
     .likely_cause = "what an edit does not give is taken from the version that it replaces", .run = edits_of_old_messages_are_of_now},
    {.id = "cnv/edit-time", .title = "a write without timestamp has the current time, also over one that is dated ahead", .clauses = {"BSP-CNV-044"},
     .impact = "one device with a wrong clock dates everybody's messages", .likely_cause = "timestamps are kept in order of versions", .run = edits_have_the_current_time,
     .strength = obligation::should},
    {.id = "cnv/write-invalid", .title = "an invalid write is refused and stores nothing", .clauses = {"BSP-CNV-042", "BSP-CNV-059"},
     .impact = "a message that no other backend accepts blocks the sync of its conversation", .likely_cause = "lenient decoding of local writes",
     .run = invalid_writes_are_refused},
    {.id = "cnv/write-numbers", .title = "a write with a number that a push cannot carry is refused", .clauses = {"BSP-CNV-055"},
     .impact = "the message is confirmed and never reaches the other side", .likely_cause = "only pushes are checked for numbers", .run = numbers_that_cannot_travel_are_refused, .strength = obligation::should},
    {.id = "cnv/write-depth", .title = "a write that is too deep for a push is refused", .clauses = {"BSP-CNV-071"},
     .impact = "a message is accepted that can never reach another backend", .likely_cause = "the write's own depth is checked, not that of the push which will carry it",
     .run = deep_writes_are_refused, .strength = obligation::should},
    {.id = "cnv/write-verbatim", .title = "what was written is stored verbatim", .clauses = {"BSP-CNV-045"},
     .impact = "people's words are altered, and digests differ between backends", .likely_cause = "trimming, normalisation, or a model that drops unknown members",
     .run = writes_are_verbatim},
    {.id = "cnv/version", .title = "a local write has one more than the greatest version seen in the conversation", .clauses = {"BSP-MRG-070", "BSP-MRG-072", "BSP-CNV-046"},
     .impact = "a new message or edit loses against an older one", .likely_cause = "a counter of local writes, or the conversation's version alone",
     .run = versions_are_lamport_times},
    {.id = "mrg/refused-versions", .title = "what a refused push brought moves no version", .clauses = {"BSP-MRG-072", "BSP-MRG-070", "BSP-SYN-051"},
     .impact = "one push that failed makes all later edits of a conversation win over those of other devices", .likely_cause = "the clock is advanced while a push is looked at, and not when it is committed",
     .run = refused_versions_are_not_seen},
    {.id = "cnv/saturation", .title = "at the greatest version local writes go on", .clauses = {"BSP-MRG-073", "BSP-MRG-070"},
     .impact = "one hostile push makes a conversation read-only, or overflows its versions", .likely_cause = "max + 1 without a cap",
     .run = versions_saturate},
    {.id = "cnv/ignores-version", .title = "a request sets neither version nor source_backend", .clauses = {"BSP-CNV-046", "BSP-CNV-047", "BSP-CNV-049"},
     .impact = "an application can overrule every other device", .likely_cause = "the request's members are copied into the message",
     .run = requests_set_no_version},
    {.id = "cnv/repeat", .title = "a repeated write stores no new version", .clauses = {"BSP-CNV-050"},
     .impact = "every retry makes a conflict", .likely_cause = "each request is a new version, whatever it says",
     .run = repeating_changes_nothing},
    {.id = "cnv/edit", .title = "a write with a known id and other words is a new version", .clauses = {"BSP-CNV-051"},
     .impact = "edits are lost", .likely_cause = "INSERT OR IGNORE, or a timestamp comparison on local writes",
     .run = editing_makes_a_new_version},
    {.id = "cnv/edit-role-and-surface", .title = "a write with a known id and another role or surface is a new version", .clauses = {"BSP-CNV-073"},
     .impact = "a correction of who said it, or where, is confirmed and lost", .likely_cause = "only the content is compared", .run = role_and_surface_count, .strength = obligation::should},
    {.id = "cnv/title", .title = "a write's title is the conversation's title", .clauses = {"BSP-CNV-053"},
     .impact = "titles that people gave are lost", .likely_cause = "the title is stored as a member of the message", .run = title_is_set},
    {.id = "cnv/title-kept", .title = "a write without title leaves title, source_backend and unknown members as they are", .clauses = {"BSP-CNV-054", "BSP-CNV-070"},
     .impact = "every new message erases the title on all devices", .likely_cause = "a local write builds the conversation's members anew",
     .run = title_and_unknown_members_stay},
    {.id = "cnv/last-modified", .title = "a local write never moves last_modified back", .clauses = {"BSP-MRG-075"},
     .impact = "conversations sink in the list when they are written to", .likely_cause = "last_modified set to the message's timestamp or to the local clock, without a maximum",
     .run = last_modified_never_goes_back},
    {.id = "cnv/surface-added", .title = "the surface of a written message is among the conversation's", .clauses = {"BSP-CNV-058"},
     .impact = "a conversation is missing on the device where it was written", .likely_cause = "surfaces are joined on push only", .run = surface_is_added},
    {.id = "cnv/in-pull", .title = "local writes appear in pulls", .clauses = {"BSP-CNV-007"},
     .impact = "what is written on the hosted side never reaches the local one", .likely_cause = "only pushes enter the change feed",
     .run = writes_appear_in_pulls},
    {.id = "cnv/future", .title = "a write more than 24 hours ahead is refused", .clauses = {"BSP-CNV-056"},
     .impact = "a message that every other backend refuses", .likely_cause = "the bound is checked on push only", .run = far_future_is_refused},
    {.id = "cnv/delete-message", .title = "deleting a message leaves a tombstone with a raised version and no content", .clauses = {"BSP-CNV-061", "BSP-CNV-062", "BSP-CNV-064", "BSP-CNV-065", "BSP-MRG-050"},
     .impact = "a deleted message comes back from another device, or is still readable there", .likely_cause = "the row is removed, or marked without a new version",
     .run = message_is_deleted},
    {.id = "cnv/delete-wins", .title = "a deletion wins over the version that it deleted, whatever its timestamp", .clauses = {"BSP-CNV-064", "BSP-MRG-051"},
     .impact = "a deleted message comes back", .likely_cause = "the tombstone keeps the message's version and loses by timestamp",
     .run = deletion_beats_what_it_saw},
    {.id = "cnv/delete-conversation", .title = "deleting a conversation hides it, travels in pulls, and stands against stale pushes", .clauses = {"BSP-CNV-060", "BSP-CNV-062", "BSP-CNV-016", "BSP-SYN-128"},
     .impact = "a deleted conversation comes back from another device", .likely_cause = "rows are removed, so that a stale push looks new",
     .run = conversation_is_deleted},
    {.id = "cnv/tombstone-is-lean", .title = "the tombstone of a conversation has no title and no unknown members", .clauses = {"BSP-CNV-066"},
     .impact = "what was to be deleted lives on in the title", .likely_cause = "deleted is set on the old members", .run = tombstones_are_lean, .strength = obligation::should},
    {.id = "cnv/delete-again", .title = "deleting what does not exist or is already deleted writes nothing", .clauses = {"BSP-CNV-063"},
     .impact = "versions grow without a change, and every retry of a deletion travels to every device", .likely_cause = "tombstones are written unconditionally",
     .run = deleting_again_writes_nothing},
    {.id = "cnv/delete-again-told", .title = "deleting what does not exist or is already deleted is answered with 404", .clauses = {"BSP-CNV-067"}, .impact = "clients believe that they deleted something",
     .likely_cause = "deletion answers 200 whatever it found", .run = deleting_again_is_not_found, .strength = obligation::should},
    {.id = "cnv/revive", .title = "a write brings a deleted conversation and a deleted message back", .clauses = {"BSP-CNV-057", "BSP-CNV-052", "BSP-CNV-033"},
     .impact = "an acknowledged message cannot be read", .likely_cause = "the conversation's tombstone is not replaced, or an identical repeat of a deleted message is ignored",
     .run = writing_revives},
};

}  // namespace

group local_writes_group() { return {"local_writes", profile::syn, checks}; }

}  // namespace bsp::conformance
