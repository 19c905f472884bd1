#include "../registry.hpp"
#include "ground.hpp"

#include <algorithm>
#include <chrono>
#include <functional>

// Section 6.2: what an accepted push does, what its repetition does not do, and the acknowledgement.

namespace bsp::conformance {
namespace {

exactly_as const reuse{.statuses = {409}, .codes = {"sync-id-reuse"}};

void empty_pushes_are_accepted(scenario& s) {
    auto const a = s.register_peer();
    for (int i = 0; i < 2; ++i) s.accepted(a.push({}), "a push of no conversations");
    auto const c = s.fresh("c");
    s.accepted(a.push({s.conversation(c, 1, {})}), "a push of a conversation without messages");
    auto const now = a.read(c);
    s.accepted(now, "reading the conversation without messages");
    s.expect(ids_at(now.body(), "/messages").empty(), "no messages", show(ids_at(now.body(), "/messages")));
}

void answer_is_complete(scenario& s) {
    auto const a = s.register_peer();
    auto const judge = [&](std::string const& what, std::string const& sync_id, std::vector<json::object> conversations) {
        auto const x = a.push(std::move(conversations), {.sync_id = sync_id});
        s.control(x, what);
        s.expect(x.body().is_object(), "the answer to " + what + " is a JSON object", show(x.body()));
        s.expect(x.text("/status") == "synced", "status is \"synced\" after " + what, x.at("/status") ? show(*x.at("/status")) : "absent");
        s.expect(x.text("/acked_sync_id") == sync_id, "acked_sync_id is the push's sync_id after " + what, x.at("/acked_sync_id") ? show(*x.at("/acked_sync_id")) : "absent");
        auto const* conflicts = x.at("/conflicts");
        s.expect(conflicts && conflicts->is_array(), "conflicts is an array after " + what, conflicts ? show(*conflicts) : "absent");
        s.expect(conflicts->get_array().empty(), "conflicts is empty after " + what, show(*conflicts));
        auto const* next = x.at("/next_sync_in_ms");
        s.expect(integer_at(x.body(), "/next_sync_in_ms") > 0, "next_sync_in_ms is a positive integer after " + what, next ? show(*next) : "absent");
    };
    auto const c = s.fresh("c");
    judge("a push of a new message", s.fresh("s"), {s.conversation(c, 1, {s.message("m1", "one")})});
    judge("a push of a newer version", s.fresh("s"), {s.conversation(c, 2, {s.message("m2", "two", 2)})});
    judge("an empty push", s.fresh("s"), {});
    judge("a push whose sync_id has every kind of character", s.fresh("-._:@~Az09"), {s.conversation(s.fresh("d"), 1, {})});
    auto longest = s.fresh("s");
    longest += std::string(128 - longest.size(), 'x');
    judge("a push whose sync_id has 128 characters", longest, {s.conversation(s.fresh("d"), 1, {})});
}

void tenants_are_apart(scenario& s) {
    auto const a = s.register_peer();
    auto const b = s.register_peer_of(s.other_account());
    for (auto const& c : {std::string{"main"}, s.fresh("c")}) {
        auto const shared = s.fresh("m"), only_a = s.fresh("a"), only_b = s.fresh("b");
        auto const greatest = std::int64_t{5};
        s.control(a.push({s.conversation(c, greatest, {s.message(shared, "of the first user", greatest), s.message(only_a, "a")})}), "the first user's push");
        s.control(b.push({s.conversation(c, 1, {s.message(shared, "of the second user", 1), s.message(only_b, "b")})}), "the second user's push");
        struct side {
            peer const& who;
            char const* content;
            std::string const &own, &foreign;
        } const sides[] = {{a, "of the first user", only_a, only_b}, {b, "of the second user", only_b, only_a}};
        for (auto const& one : sides) {
            auto const x = one.who.read(c);
            s.control(x, "reading the own conversation");
            auto const* own = find_by_id(x.body(), "/messages", shared);
            auto const* content = own ? own->if_contains("content") : nullptr;
            s.expect(content && *content == one.content, std::string{"each user's own message under the same id: "} + one.content, own ? show(*own) : "absent");
            s.expect(find_by_id(x.body(), "/messages", one.own), "each user's own messages", show(ids_at(x.body(), "/messages")));
            s.expect(!find_by_id(x.body(), "/messages", one.foreign), "no message of the other user", show(ids_at(x.body(), "/messages")));
        }
    }
}

/// Surfaces as they are read, sorted.
std::vector<std::string> surfaces_of(exchange const& x) {
    std::vector<std::string> out;
    if (auto const* all = x.at("/surfaces"); all && all->is_array())
        for (auto const& one : all->get_array()) out.push_back(one.is_string() ? std::string{json::view(one.get_string())} : "");
    std::sort(out.begin(), out.end());
    return out;
}

/// Each conversation of a push, and each of its messages, is what it says, whatever stands beside it: a tombstone, one of an
/// older version, one without messages, one without a title, a second entry.
void neighbours_do_not_matter(scenario& s) {
    auto const a = s.register_peer();
    auto const with = [](char const* name, json::value value) { return [name, value](json::object& o) { o[name] = value; }; };
    auto const dead = with("deleted", true);
    auto const titled = s.fresh("c1"), plain = s.fresh("c2"), gone = s.fresh("c3"), empty = s.fresh("c4"), older = s.fresh("c5"), next = s.fresh("c6"), edited = s.fresh("c7"), last = s.fresh("c8");
    s.control(a.push({s.conversation(older, 5, {s.message("m1", "held", 3), s.message("m2", "held", 3)}), s.conversation(edited, 1, {s.message("m1", "held")})}), "a push before");
    s.accepted(a.push({s.conversation(titled, 2, {s.message("m1", "of the first")}, [](json::object& o) { o["title"] = "of the first", o["surfaces"] = json::array{"web", "ios"}; }),
                       s.conversation(plain, 1, {s.message("m0", "", 2, dead), s.message("m1", "of the second"), s.message("m2", "of the second")}),
                       s.conversation(gone, 3, {s.message("m1", "of the deleted one")}, dead),
                       s.conversation(empty, 1, {}),
                       s.conversation(older, 2, {s.message("m1", "stale", 1), s.message("m3", "new", 1, with("surface", "android"))}),
                       s.conversation(next, 1, {s.message("m1", "of the sixth")}),
                       s.conversation(edited, 2, {s.message("m1", "edited", 2, with("surface", "ios"))}),
                       s.conversation(older, 1, {s.message("m4", "new")}, with("surfaces", json::array{"extension"})),
                       s.conversation(last, 1, {s.message("m1", "of the last")})}),
               "a push of nine entries of all kinds");

    using ids = std::vector<std::string>;
    auto const is = [&](std::string const& c, ids const& messages, ids const& surfaces, char const* title, std::string const& what) {
        auto const x = a.read(c);
        s.expect(x.ok(), what + " can be read", x.describe());
        auto got = live_ids(x.body());
        std::sort(got.begin(), got.end());
        s.expect(got == messages, what + " has the messages " + show(messages), show(got));
        s.expect(surfaces_of(x) == surfaces, what + " has the surfaces " + show(surfaces), show(surfaces_of(x)));
        s.expect(x.text("/title") == title, what + (*title ? " has its title" : " has no title"), x.text("/title"));
        return x;
    };
    is(titled, {"m1"}, {"ios", "web"}, "of the first", "the first conversation");
    auto const x = is(plain, {"m1", "m2"}, {"web"}, "", "the conversation after one with a title and more surfaces, and with a tombstone in it,");
    auto const* own = find_by_id(x.body(), "/messages", "m1");
    s.expect(own && own->contains("content") && own->at("content") == json::value("of the second"), "a message with the id of one in another conversation of the push has its own content", own ? show(*own) : "absent");
    is(empty, {}, {"web"}, "", "the conversation without messages after a deleted one");
    auto const stale = is(older, {"m1", "m2", "m3", "m4"}, {"android", "extension", "web"}, "", "the conversation of an older version, with a stale message, in two entries,");
    auto const* held = find_by_id(stale.body(), "/messages", "m1");
    s.expect(held && held->at("content") == json::value("held"), "the greater message stands", held ? show(*held) : "absent");
    is(next, {"m1"}, {"web"}, "", "the conversation after one of an older version");
    is(edited, {"m1"}, {"ios", "web"}, "", "the conversation of a message that was edited on another surface");
    is(last, {"m1"}, {"web"}, "", "the last conversation");

    // What was deleted before it was ever here stays deleted, and what came with it is kept.
    s.control(a.push({s.conversation(plain, 1, {s.message("m0", "before the deletion")}), s.conversation(gone, 2, {})}), "a push of what came before the deletions");
    is(plain, {"m1", "m2"}, {"web"}, "", "the conversation with the tombstone of a message that was never held, after a stale copy of that,");
    auto const deleted = a.read(gone);
    s.expect(!deleted.ok() || (deleted.at("/deleted") && *deleted.at("/deleted") == json::value(true)), "a conversation that was deleted before it was ever here stays deleted", deleted.describe());
    s.control(a.push({s.conversation(gone, 9, {})}), "a greater write of the deleted conversation");
    is(gone, {"m1"}, {"web"}, "", "the conversation that came back, with the message that came with its deletion,");
}

// ---- repetition ---------------------------------------------------------------------------------------------

/// The same JSON with its members in the reverse order.
json::value reversed(json::value const& v) {
    if (auto const* array = v.if_array()) {
        json::array out;
        for (auto const& element : *array) out.push_back(reversed(element));
        return out;
    }
    auto const* object = v.if_object();
    if (!object) return v;
    json::object out;
    for (auto at = object->end(); at != object->begin();) {
        --at;
        out[at->key()] = reversed(at->value());
    }
    return out;
}

void repetitions_are_acknowledged(scenario& s) {
    auto const a = s.register_peer();
    std::vector<json::object> const sent{s.conversation(s.fresh("c"), 1, {s.message("m1", "one"), s.message("m2", "two")}), s.conversation(s.fresh("d"), 1, {})};
    auto const id = s.fresh("s");
    s.control(a.push(sent, {.sync_id = id}), "the first transmission");
    auto const judge = [&](exchange const& x, std::string const& what) {
        s.accepted(x, what);
        s.expect(x.text("/acked_sync_id") == id, what + " is acknowledged with the same acked_sync_id", x.text("/acked_sync_id"));
        s.expect(x.text("/status") == "synced", what + " has the status \"synced\"", x.text("/status"));
    };
    judge(a.push(sent, {.sync_id = id, .timestamp = s.in_seconds(1)}), "a repetition with a new timestamp and signature");
    judge(a.push(sent, {.sync_id = id}), "a second repetition");
    std::vector<json::object> other_way;
    for (auto const& c : sent) other_way.push_back(reversed(c).as_object());
    judge(a.push(other_way, {.sync_id = id}), "a repetition with its members in another order");
    judge(a.push(sent, {.sync_id = id, .before_signing = [](json::object& p) {
                     p.erase("peer_id");
                     p.erase("source_backend_id");
                     p["x_attempt"] = 4;
                 }}),
          "a repetition with other optional members of the payload");
    auto const empty = s.fresh("s");
    s.control(a.push({}, {.sync_id = empty}), "an empty push");
    s.accepted(a.push({}, {.sync_id = empty}), "the repetition of an empty push");
}

void repetitions_have_no_effect(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), id = s.fresh("s");
    std::vector<json::object> const sent{s.conversation(c, 1, {s.message("m1", "one"), s.message("m2", "two")})};
    s.control(a.push(sent, {.sync_id = id}), "the first transmission");
    auto const before = a.read(c);
    s.control(before, "reading the conversation");
    s.control(a.push(sent, {.sync_id = id}), "a repetition at once");
    // last_sync may lie 5 s before the latest change, and a pull may reach back 5 s before that.
    s.wait_until(s.now() + std::chrono::seconds{12});
    s.control(a.push({s.conversation(s.fresh("d"), 1, {})}), "another push, 12 s later");
    auto const mark = watermark(s, a);
    s.control(a.push(sent, {.sync_id = id}), "a repetition 12 s later");
    auto const next = s.fresh("d");
    s.control(a.push({s.conversation(next, 1, {})}), "a push after the repetition");

    auto const after = a.read(c);
    s.control(after, "reading the conversation again");
    s.expect_same("the conversation after the repetitions", before.body(), &after.body());
    auto const feed = a.pull_all({.since = mark, .limit = 200});
    s.control(of_conversation(feed.conversations, next).present, "the push after the repetition is in the pull");
    s.expect(!of_conversation(feed.conversations, c).present, "the repetition 12 s later puts nothing into the feed", "the conversation is in a pull since then");
    auto const all = of_conversation(recent_feed(s, a).conversations, c);
    s.expect(all.messages.size() == 2 && all.message("m1") && all.message("m2"), "m1 and m2, once each, in the feed", show(ids_at(all.entry, "/messages")));
}

void repetitions_are_checked(scenario& s) {
    auto const a = s.register_peer();
    std::vector<json::object> const sent{s.conversation(s.fresh("c"), 1, {s.message("m1", "one")})};
    auto const id = s.fresh("s");
    s.control(a.push(sent, {.sync_id = id}), "the first transmission");
    s.refused(a.push(sent, {.sync_id = id, .timestamp = s.in_seconds(-3600)}), "a repetition signed an hour ago", {.statuses = {401}, .codes = {"stale-request"}});
    s.refused(a.push(sent, {.sync_id = id, .timestamp = s.in_seconds(3600)}), "a repetition signed an hour ahead", {.statuses = {401}, .codes = {"stale-request"}});
    s.refused(a.push(sent, {.sync_id = id, .sign = false}), "an unsigned repetition", {.statuses = {401}, .codes = {"invalid-signature"}});
    s.refused(a.push(sent, {.sync_id = id, .signer = s.fresh_key()}), "a repetition signed by another key", {.statuses = {401}, .codes = {"invalid-signature"}});
    s.refused(a.push(sent, {.sync_id = id, .after_signing = [&](json::object& p) { p["timestamp"] = s.in_seconds(1); }}), "a repetition whose timestamp was changed after signing",
              {.statuses = {401}, .codes = {"invalid-signature"}});
    s.refused(a.push(sent, {.sync_id = id, .before_signing = [&](json::object& p) { p["target_backend_id"] = s.fresh_backend_id(); }}), "a repetition for another backend",
              {.statuses = {403}, .codes = {"wrong-audience", "forbidden"}});
    s.control(a.push(sent, {.sync_id = id}), "a correct repetition");
}

/// Pushes `first` and then `second` under one sync_id; the second must be refused and leave the first.
void expect_reuse_refused(scenario& s, peer const& a, std::string const& what, std::vector<json::object> const& first, std::vector<json::object> const& second, std::string const& c) {
    auto const id = s.fresh("s");
    s.control(a.push(first, {.sync_id = id}), "the push before " + what);
    auto const before = a.read(c);
    s.refused(a.push(second, {.sync_id = id}), what, reuse);
    auto const after = a.read(c);
    s.expect(before.status() == after.status() && (!before.ok() || same(before.body(), after.body())), "after " + what + " the conversation is as it was", show(after.body()));
    s.control(a.push(second), "the same conversations under a new sync_id");
}

void reuse_is_refused(scenario& s) {
    auto const a = s.register_peer();
    auto const sample = [&](std::string const& c, char const* content, std::int64_t version = 1, edit const& more = {}) {
        return s.conversation(c, version, {s.message("m1", content, version)}, more);
    };
    auto const fresh = [&] { return s.fresh("c"); };
    auto c = fresh();
    expect_reuse_refused(s, a, "the sync_id with another message", {sample(c, "one")}, {sample(c, "two", 2)}, c);
    c = fresh();
    auto const one = sample(c, "one");
    auto more = one;
    more["x_more"] = 1;
    expect_reuse_refused(s, a, "the sync_id with one member more in the conversation", {one}, {more}, c);
    c = fresh();
    auto const d = fresh();
    expect_reuse_refused(s, a, "the sync_id with one conversation more", {sample(c, "one")}, {sample(c, "one"), sample(d, "one")}, d);
    c = fresh();
    expect_reuse_refused(s, a, "the sync_id of an empty push with a conversation", {}, {sample(c, "one")}, c);
    c = fresh();
    auto const e = fresh();
    expect_reuse_refused(s, a, "the sync_id with as many other conversations", {sample(c, "one")}, {sample(e, "one")}, e);
    c = fresh();
    expect_reuse_refused(s, a, "the sync_id with no conversations", {sample(c, "one")}, {}, c);
}

/// A repetition is equal in everything, and what is not is another push.
void any_difference_is_reuse(scenario& s) {
    auto const a = s.register_peer();
    auto const of_message = [](auto change) { return [change](std::vector<json::object>& all) { change(all[0]["messages"].as_array()[1].as_object()); }; };
    auto const of_second = [](auto change) { return [change](std::vector<json::object>& all) { change(all[1]); }; };
    struct {
        char const* what;
        std::function<void(std::vector<json::object>&)> change;
    } const differences[] = {
        {"with another surface of a conversation", of_second([](json::object& o) { o["surfaces"] = json::array{"web", "ios"}; })},
        {"with a title of its second conversation", of_second([](json::object& o) { o["title"] = "another"; })},
        {"with another last_modified", of_second([&](json::object& o) { o["last_modified"] = s.in_seconds(-5); })},
        {"with another version of a conversation", of_second([](json::object& o) { o["version"] = 3; })},
        {"with a deletion of a conversation", of_second([](json::object& o) { o["deleted"] = true; })},
        {"with another unknown member of a message", of_message([](json::object& m) { m["x_rank"] = json::object{{"of", json::array{1, 3}}}; })},
        {"with another role of a message", of_message([](json::object& m) { m["role"] = "assistant"; })},
        {"with another surface of a message", of_message([](json::object& m) { m["surface"] = "ios"; })},
        {"with another timestamp of a message", of_message([&](json::object& m) { m["timestamp"] = s.in_seconds(-7); })},
        {"with a redacted message", of_message([](json::object& m) { m["redacted"] = true; })},
    };
    for (auto const& d : differences) {
        auto const c = s.fresh("c");
        std::vector<json::object> const sent{s.conversation(c, 1, {s.message("m1", "one"), s.message("m2", "two", 1, [](json::object& m) { m["x_rank"] = json::object{{"of", json::array{1, 2}}}; })}), s.conversation(s.fresh("d"), 2, {})};
        auto other = sent;
        d.change(other);
        expect_reuse_refused(s, a, std::string{"the sync_id "} + d.what, sent, other, c);
    }
}

/// Pushes of these peers in turn, so many of each, of which the oldest and the latest come again.
void expect_remembered(scenario& s, std::vector<peer> const& peers, std::size_t of_each) {
    struct pushed {
        peer by;
        std::string sync_id;
        std::vector<json::object> conversations;
    };
    std::vector<pushed> sent;
    for (std::size_t i = 0; i < of_each; ++i)
        for (auto const& p : peers) {
            sent.push_back({p, s.fresh("s"), {s.conversation(s.fresh("c"), 1, {s.message("m1", "one")})}});
            s.control(p.push(sent.back().conversations, {.sync_id = sent.back().sync_id}), "a push");
        }
    for (std::size_t const before : {sent.size(), sent.size() / 2, std::size_t{20}, std::size_t{12}, std::size_t{7}, std::size_t{2}, std::size_t{1}}) {
        auto const& [by, sync_id, conversations] = sent[sent.size() - before];
        auto const c = s.fresh("d"), which = "the sync_id of " + std::to_string(before) + " pushes before";
        for (int attempt = 0; attempt < 2; ++attempt)
            s.refused(by.push({s.conversation(c, 1, {s.message("m1", "other")})}, {.sync_id = sync_id}), which + " with other conversations", reuse);
        auto const x = by.read(c);
        s.expect(ids_at(x.body(), "/messages").empty(), "nothing of the refused push is there", show(x.body()));
        s.accepted(by.push(conversations, {.sync_id = sync_id}), which + " with the same conversations");
    }
}

/// What a peer may push in a minute; the clause says 24 hours.
void sync_ids_are_remembered(scenario& s) { expect_remembered(s, {s.register_peer(), s.register_peer()}, 75); }

/// What a device pushes in ten minutes. Beyond the budget of one it waits for the next.
void sync_ids_of_a_peer_are_remembered(scenario& s) { expect_remembered(s, {s.register_peer()}, 120); }

void sync_ids_belong_to_peers(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const id = s.fresh("s"), c = s.fresh("c"), d = s.fresh("d"), e = s.fresh("e");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "of A")})}, {.sync_id = id}), "A's push");
    s.accepted(b.push({s.conversation(d, 1, {s.message("m1", "of B")})}, {.sync_id = id}), "B's push under the same sync_id");
    s.expect(message_ids(s, b, d) == std::vector<std::string>{"m1"}, "B's push took effect", show(message_ids(s, b, d)));

    // Equal conversations as well: not a repetition of A's, but B's own first push.
    auto const both = s.fresh("s");
    std::vector<json::object> const same_sent{s.conversation(e, 1, {s.message("m1", "of both")})};
    s.control(a.push(same_sent, {.sync_id = both}), "A's second push");
    s.accepted(b.push(same_sent, {.sync_id = both}), "the same push by B");
    s.refused(b.push({s.conversation(e, 2, {s.message("m2", "x", 2)})}, {.sync_id = both}), "B's reuse of the sync_id of its own push", reuse);
    s.accepted(a.push({s.conversation(c, 1, {s.message("m1", "x")})}, {.sync_id = s.fresh("s")}), "another push by A");
}

void refused_sync_ids_are_free(scenario& s) {
    auto const a = s.register_peer();
    struct {
        char const* what;
        push_options with;
        edit message = {};
    } const refusals[] = {
        {"an invalid message", {}, [](json::object& m) { m["version"] = -1; }},
        {"a missing member", {}, [](json::object& m) { m.erase("content"); }},
        {"a message 25 hours ahead", {}, [&](json::object& m) { m["timestamp"] = s.in_seconds(25 * 3600); }},
        {"a wrong signature", {.signer = s.fresh_key()}},
        {"no signature", {.sign = false}},
        {"a stale timestamp", {.timestamp = s.in_seconds(-3600)}},
        {"another audience", {.before_signing = [&](json::object& p) { p["target_backend_id"] = s.fresh_backend_id(); }}},
    };
    for (auto const& r : refusals) {
        auto const c = s.fresh("c"), id = s.fresh("s");
        auto o = r.with;
        o.sync_id = id;
        auto const refused = a.push({s.conversation(c, 1, {s.message("m1", "one", 1, r.message)})}, o);
        s.control(refused.client_error(), std::string{"a push with "} + r.what + " is refused");
        auto const mended = a.push({s.conversation(c, 1, {s.message("m1", "mended")})}, {.sync_id = id});
        s.accepted(mended, std::string{"the sync_id of a push that was refused for "} + r.what + ", with other conversations");
        auto const x = a.read(c);
        s.control(x, "reading the conversation");
        s.expect(x.text("/messages/0/content") == "mended", std::string{"the push after the one refused for "} + r.what + " took effect", show(x.body()));
    }
}

// ---- durability ---------------------------------------------------------------------------------------------

void acknowledged_is_durable(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), gone = s.fresh("gone"), id = s.fresh("s");
    s.control(a.push({s.conversation(gone, 1, {s.message("m1", "one")})}), "a push");
    auto const mark = watermark(s, a);
    std::vector<json::object> const sent{s.conversation(c, 1, {s.message("m1", "one"), s.message("m2", "", 2, [](json::object& m) { m["deleted"] = true; })}),
                                         s.conversation(gone, 2, {}, [](json::object& o) { o["deleted"] = true; })};
    s.control(a.push(sent, {.sync_id = id}), "the last push before the target is killed");
    s.kill_and_restart();

    auto const now = a.read(c);
    s.expect(now.ok() && now.text("/messages/0/content") == "one", "the message of the acknowledged push survives", now.describe() + " " + show(now.body()));
    auto const feed = a.pull_all({.since = mark, .limit = 200});
    auto const pulled = of_conversation(feed.conversations, c);
    auto const* tombstone = pulled.message("m2");
    s.expect(tombstone && tombstone->if_contains("deleted") && *tombstone->if_contains("deleted") == true, "the tombstone of m2 survives", show(pulled.entry));
    s.expect(!a.read(gone).ok() || a.read(gone).text("/messages/0/content").empty(), "the deletion of a conversation survives", a.read(gone).describe());
    s.refused(a.push({s.conversation(c, 3, {s.message("m3", "x", 3)})}, {.sync_id = id}), "the reuse of a sync_id from before", reuse);
    s.accepted(a.push(sent, {.sync_id = id}), "the repetition of a push from before");
}

check const checks[] = {
    {.id = "syn/empty-push",
     .title = "a push without conversations, or of a conversation without messages, is accepted",
     .clauses = {"BSP-SYN-039"},
     .impact = "a peer that has nothing to tell takes itself for disconnected",
     .likely_cause = "a list that must not be empty in the schema of the body",
     .run = empty_pushes_are_accepted},
    {.id = "syn/answer",
     .title = "an accepted push is acknowledged with status, acked_sync_id, conflicts and next_sync_in_ms",
     .clauses = {"BSP-SYN-060", "BSP-SYN-061", "BSP-SYN-062", "BSP-SYN-063"},
     .impact = "senders cannot take the push for delivered, and send it for ever",
     .likely_cause = "a member of the acknowledgement is missing or named as in an older generation",
     .run = answer_is_complete},
    {.id = "syn/tenants-apart",
     .title = "conversations of two users with the same id are two conversations",
     .clauses = {"BSP-SYN-042", "BSP-MRG-003"},
     .impact = "people read and overwrite each other's conversations",
     .likely_cause = "conversations are keyed by conversation_id alone; \"main\" exists once",
     .run = tenants_are_apart,
     .needs = need::second_user},
    {.id = "syn/retransmission",
     .title = "the repetition of an accepted push is acknowledged as the first time",
     .clauses = {"BSP-SYN-070"},
     .impact = "a sender that lost one answer is stuck on that push for ever",
     .likely_cause = "every known sync_id is refused, or the digest covers timestamp and signature or the octets of the body",
     .run = repetitions_are_acknowledged},
    {.id = "syn/retransmission-no-effect",
     .title = "the repetition of an accepted push changes nothing and is no news in the feed",
     .clauses = {"BSP-SYN-071"},
     .impact = "messages appear twice, or all devices fetch again what they have",
     .likely_cause = "the push is applied before its sync_id is looked up",
     .run = repetitions_have_no_effect,
     .needs = need::patience},
    {.id = "syn/repeat-checked-again",
     .title = "the repetition of an accepted push is checked like any push",
     .clauses = {"BSP-AUT-057"},
     .impact = "whoever knows a sync_id gets answers without a valid signature",
     .likely_cause = "known sync_ids are answered before signature and freshness are checked",
     .run = repetitions_are_checked},
    {.id = "syn/sync-id-reuse",
     .title = "a known sync_id with other conversations is refused with 409 and changes nothing",
     .clauses = {"BSP-SYN-072"},
     .impact = "a sender that counts its pushes anew after a reset believes that messages arrived which did not",
     .likely_cause = "a known sync_id is acknowledged without comparing the conversations",
     .run = reuse_is_refused},
    {.id = "syn/neighbours",
     .title = "what a push says of one conversation or message does not depend on the others in it",
     .clauses = {"BSP-SYN-052", "BSP-MRG-010", "BSP-MRG-030", "BSP-MRG-036", "BSP-MRG-040", "BSP-MRG-041", "BSP-MRG-051", "BSP-MRG-055", "BSP-MRG-020"},
     .impact = "one unusual conversation in a push, and others are lost, deleted or renamed",
     .likely_cause = "a variable of a loop that keeps its value, or a loop that ends where it was to go on",
     .run = neighbours_do_not_matter},
    {.id = "syn/reuse-in-any-part",
     .title = "a sync_id that comes again with any part of its conversations changed is refused",
     .clauses = {"BSP-SYN-072"},
     .impact = "a change is acknowledged and never stored",
     .likely_cause = "a repetition is recognised by what the server's own classes hold, or by the messages alone",
     .run = any_difference_is_reuse},
    {.id = "syn/sync-id-remembered",
     .title = "the sync_id of an accepted push is remembered while other pushes follow",
     .clauses = {"BSP-SYN-072", "BSP-SYN-070"},
     .impact = "a late repetition is taken for something new",
     .likely_cause = "only the last sync_ids are remembered",
     .run = sync_ids_are_remembered,
     .needs = need::patience},
    {.id = "syn/sync-ids-of-a-peer",
     .title = "a sync_id is remembered across 120 pushes of its peer",
     .clauses = {"BSP-SYN-072", "BSP-SYN-070"},
     .impact = "a late repetition is taken for something new",
     .likely_cause = "only the last sync_ids of each peer are remembered",
     .run = sync_ids_of_a_peer_are_remembered,
     .needs = need::a_minute},
    {.id = "syn/sync-id-per-peer",
     .title = "the same sync_id of two peers names two pushes",
     .clauses = {"BSP-SYN-074"},
     .impact = "of two devices that number their pushes alike one loses its messages",
     .likely_cause = "sync_ids are remembered without the peer they came from",
     .run = sync_ids_belong_to_peers},
    {.id = "syn/rejected-sync-id-free",
     .title = "the sync_id of a refused push may be used with other conversations",
     .clauses = {"BSP-SYN-073"},
     .impact = "a push that was mended after a refusal can never be sent",
     .likely_cause = "the sync_id is recorded before the push is validated",
     .run = refused_sync_ids_are_free},
    {.id = "syn/durable",
     .title = "what was acknowledged survives a crash, and so does the record of the push",
     .clauses = {"BSP-GEN-111", "BSP-SYN-056", "BSP-SYN-130"},
     .impact = "messages that the sender has deleted from its queue are lost for ever",
     .likely_cause = "the answer is sent before the transaction is on the disk",
     .run = acknowledged_is_durable,
     .needs = need::kill_hook | need::alone},
};

}  // namespace

group push_effects_group() { return {"push_effects", profile::syn, checks}; }

}  // namespace bsp::conformance
