#include "habits.hpp"

#include "../scenario.hpp"
#include "../surroundings.hpp"
#include "conversing.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

// What stores do to be fast or small: rows fetched in batches, equal values kept once, members left out that say nothing.

namespace bsp::conformance {

void older_among_many(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    constexpr int many = 1'000;  // what every server takes at once, and more parameters than a statement of SQLite may have
    auto const id = [](int i) { return "m" + std::to_string(i); };
    auto const is_tombstone = [](int i) { return i % 100 == 3; };
    auto const is_newer = [](int i) { return i % 100 == 7; };
    auto const dead = both(set("deleted", true), set("content", ""));
    std::vector<json::object> first, second;
    for (int i = 0; i < many; ++i) {
        first.push_back(s.message(id(i), "first", 2, is_tombstone(i) ? dead : edit{}));
        second.push_back(s.message(id(i), "second", is_newer(i) ? 3 : 1));
    }
    s.control(a.push({s.conversation(c, 2, first)}), "a push of " + std::to_string(many) + " messages");
    s.accepted(a.push({s.conversation(c, 2, second)}), "a push of as many older and a few newer versions of them");
    auto const x = read(s, a, c);
    std::vector<std::string> wrong;
    for (int i = 0; i < many; ++i) {
        auto const* m = find_by_id(x.body(), "/messages", id(i));
        auto const got = m ? text_at(json::value(*m), "/content") : "";
        auto const due = is_tombstone(i) ? "" : is_newer(i) ? "second" : "first";
        if (got != due) wrong.push_back(id(i) + (got.empty() ? " is absent" : " reads \"" + got + '"'));
    }
    s.expect(wrong.empty(), "of " + std::to_string(many) + " messages that were pushed again the newer versions stand, and what was deleted stays so", std::to_string(wrong.size()) + " do not: " + show(wrong));
}

void copies_are_apart(scenario& s) {
    auto const a = s.register_peer();
    auto const user = s.user();
    auto const when = set("timestamp", s.in_seconds(-60));
    // As a client copies a conversation: the messages are the same, member for member.
    std::vector<json::object> const messages{s.message("m1", "the same words", 1, when), s.message("m2", "others", 1, when)};
    auto const modified = set("last_modified", s.in_seconds(-50));
    auto const copy = [&](peer const& by) {
        auto const c = s.fresh("c");
        s.control(by.push({s.conversation(c, 1, messages, modified)}), "a push of a copy");
        return c;
    };
    std::vector<std::pair<caller, std::string>> kept;
    kept.emplace_back(user, copy(a));
    std::optional<peer> theirs;
    if (s.shared().options.users.size() > 1) {
        theirs = s.register_peer_of(s.other_account());
        kept.emplace_back(s.other_user(), copy(*theirs));
    }
    auto const stand = [&](std::string const& after) {
        for (auto const& [who, c] : kept) {
            auto const x = who.read(c);
            auto const text = text_at(json::value(message_in(x, "m1")), "/content");
            s.expect(x.ok() && text == "the same words" && ids_at(x.body(), "/messages").size() == 2, after + " the same messages in another conversation" + (who.name() == user.name() ? "" : " of another user") + " are as they were",
                     x.ok() ? show(ids_at(x.body(), "/messages")) : x.describe());
        }
        auto const entry = of_conversation(recent_feed(s, a).conversations, kept.front().second);
        s.expect(entry.message("m1") && text_at(json::value(*entry.message("m1")), "/content") == "the same words", after + " a pull gives the same message of another conversation as it was", "it does not");
    };
    stand("after the pushes");
    std::vector<std::pair<std::string, std::function<exchange(std::string const&)>>> const ways{
        {"the deletion of a message", [&](auto const& c) { return user.del("/conversations/" + c + "/messages/m1"); }},
        {"an edit", [&](auto const& c) { return user.write(c, "edited", set("id", "m1")); }},
        {"a pushed edit", [&](auto const& c) { return a.push({s.conversation(c, 2, {s.message("m1", "newer", 2, when)}, modified)}); }},
        {"a pushed tombstone", [&](auto const& c) { return a.push({s.conversation(c, 2, {s.message("m1", "", 2, both(when, set("deleted", true)))}, modified)}); }},
        {"the deletion of a conversation", [&](auto const& c) { return user.del("/conversations/" + c); }}};
    for (auto const& [what, change] : ways) {
        auto const c = copy(a);
        s.control(change(c), what);
        stand("after " + what);
        // And what was changed is so for itself.
        auto const x = user.read(c);
        s.expect(text_at(json::value(message_in(x, "m1")), "/content") != "the same words", what + " has its effect", show(x.body()));
    }
}

void the_same_again(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const stamp = s.in_seconds(-60);
    json::object const nothing{{"redacted", false}, {"deleted", false}, {"x_null", nullptr}, {"x_false", false}, {"x_zero", 0}, {"x_empty", ""}, {"x_none", json::array{}}, {"x_bare", json::object{}},
                               {"x_in", json::object{{"null", nullptr}, {"false", false}, {"none", json::array{nullptr, "", 0, false}}}}, {"content", ""}};
    std::vector<json::object> messages;
    for (auto const& member : nothing) messages.push_back(s.message("m-" + std::to_string(messages.size()), "said", 3, both(set("timestamp", stamp), [&](json::object& o) { o[member.key()] = member.value(); })));
    messages.push_back(s.message("m-all", "said", 3, both(set("timestamp", stamp), [&](json::object& o) {
                                     for (auto const& member : nothing) o[member.key()] = member.value();
                                 })));
    for (char const* spelling : {"2025-03-01T12:00:00", "2025-03-01T12:00:00+00:00", "2025-03-01t12:00:00.500z"})
        if (s.keeps(spelling)) messages.push_back(s.message("m-" + std::to_string(messages.size()), "said", 3, set("timestamp", spelling)));
    auto const c = s.fresh("c");
    auto const whole = s.conversation(c, 3, messages, [&](json::object& o) {
        o["last_modified"] = stamp;
        for (char const* name : {"redacted", "deleted", "x_null", "x_false", "x_zero", "x_empty", "x_none", "x_bare"}) o[name] = nothing.at(name);
    });
    auto const is_nothing_new = [&](exchange const& x, std::string const& what) {
        s.accepted(x, what);
        auto const found = objects_at(x.body(), "/conflicts");
        std::vector<std::string> listed;
        for (auto const& one : found) {
            auto const id = text_at(json::value(one), "/message_id");
            auto const* sent = id.empty() ? nullptr : find_by_id(whole, "/messages", id);
            listed.push_back(text_at(json::value(one), "/conflict_type") + ' ' + (sent ? show(json::value(*sent)) : id));
        }
        s.expect(listed.empty(), what + " has no conflicts: what it carries equals what is held, octet for octet", show(listed));
    };
    is_nothing_new(a.push({whole}), "a push of messages that nobody had");
    is_nothing_new(a.push({whole}), "the same conversation again, under another sync_id,");
    is_nothing_new(b.push({whole}), "the same conversation from another peer");
    auto const x = a.get("/conversations/" + c + "?conflicts=1");
    s.control(x, "reading the conversation with its conflicts");
    s.expect(objects_at(x.body(), "/conflicts").empty(), "no message has lost against itself", show(x.body()));
}

}  // namespace bsp::conformance
