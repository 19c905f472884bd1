#pragma once

#include "../scenario.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace bsp::conformance {

/// A registered peer and a conversation that holds the one message "kept": what a refused push must leave
/// alone. Refusals are collected with `refuses`, and `was_spared` ends the check with the read-back and
/// the near miss that must be accepted.
class ground {
public:
    explicit ground(scenario& s) : world_{s}, a{s.register_peer()}, c{s.fresh("c")} {
        s.control(a.push({s.conversation(c, 1, {s.message("kept", "kept")})}), "a push before the refused ones");
    }

    /// What every attempt sends unless it says otherwise: a second message in a newer conversation.
    [[nodiscard]] json::object next(edit const& message = {}, edit const& conversation = {}) const {
        return world_.conversation(c, 2, {world_.message("added", "added", 2, message)}, conversation);
    }

    exchange push(push_options const& o = {}) const { return a.push({next()}, o); }

    void refuses(std::string const& what, push_options const& o, exactly_as const& form) const { world_.refused(push(o), what, form); }
    void refuses(std::string const& what, json::object conversation, exactly_as const& form) const {
        world_.refused(a.push({std::move(conversation)}), what, form);
    }

    /// The conversation still holds "kept" alone, in version 1.
    void was_spared(std::string const& what) const {
        auto const now = a.read(c);
        world_.control(now, "reading the conversation");
        auto const ids = ids_at(now.body(), "/messages");
        world_.expect(ids == std::vector<std::string>{"kept"}, "after " + what + " the conversation holds the message \"kept\" alone", show(ids));
        world_.expect(integer_at(now.body(), "/version") == 1, "after " + what + " the conversation has version 1",
                      std::to_string(integer_at(now.body(), "/version")));
        world_.control(push(), "the same push without the fault");
    }

private:
    scenario& world_;

public:
    peer const a;
    std::string const c;
};

/// Ids of the messages of a conversation as it is read, tombstones aside (BSP-CNV-014).
inline std::vector<std::string> live_ids(json::value const& conversation) {
    std::vector<std::string> ids;
    for (auto const& m : objects_at(conversation, "/messages"))
        if (auto const* deleted = m.if_contains("deleted"); !deleted || *deleted != json::value(true)) ids.push_back(text_at(m, "/id"));
    return ids;
}

/// Ids of the messages that `reader` is shown of a conversation, sorted. INCONCLUSIVE when it cannot be read.
inline std::vector<std::string> message_ids(scenario& s, caller const& reader, std::string const& conversation) {
    auto const x = reader.read(conversation);
    s.control(x, "reading the conversation");
    auto ids = live_ids(x.body());
    std::sort(ids.begin(), ids.end());
    return ids;
}

/// The first message of the first conversation of a payload.
inline json::object& first_conversation(json::object& payload) { return payload.at("conversations").as_array().at(0).as_object(); }
inline json::object& first_message(json::object& payload) { return first_conversation(payload).at("messages").as_array().at(0).as_object(); }

/// `t` in another spelling: the wall clock of `offset_minutes`, and `suffix` behind it.
inline std::string spelled(instant t, int offset_minutes, std::string_view suffix) {
    auto text = format_timestamp(t + std::chrono::minutes{offset_minutes});
    text.pop_back();
    return text.append(suffix);
}

/// What the feed says of one conversation, entries and pages joined: its last entry, and the last state of
/// every message by id.
struct fed {
    bool present = false;
    json::value entry;                   ///< the last entry as it came, null when there is none
    std::vector<json::object> messages;  ///< one per id, in order of first appearance

    [[nodiscard]] json::object const* message(std::string_view id) const {
        for (auto const& m : messages)
            if (auto const* name = json::find_string(m, "id"); name && json::view(*name) == id) return &m;
        return nullptr;
    }
};

inline fed of_conversation(std::vector<json::object> const& entries, std::string_view conversation) {
    fed out;
    for (auto const& e : entries) {
        auto const* id = json::find_string(e, "conversation_id");
        if (!id || json::view(*id) != conversation) continue;
        out.present = true;
        out.entry = e;
        for (auto const& m : objects_at(out.entry, "/messages")) {
            auto const* name = json::find_string(m, "id");
            auto const held = std::find_if(out.messages.begin(), out.messages.end(), [&](json::object const& other) {
                auto const* other_name = json::find_string(other, "id");
                return name && other_name && *name == *other_name;
            });
            if (held == out.messages.end()) out.messages.push_back(m);
            else *held = m;
        }
    }
    return out;
}

/// Everything that was committed since this check began, and little of what was there before.
inline peer::feed recent_feed(scenario& s, peer const& a) { return a.pull_all({.since = s.since_begun(), .limit = 200}); }

/// A `last_sync` of now.
inline std::string watermark(scenario& s, peer const& a) {
    auto const feed = a.pull_all({.since = s.in_seconds(-5), .limit = 200});
    s.control(parse_timestamp(feed.last_sync).has_value(), "the pull has a last_sync");
    return feed.last_sync;
}

}  // namespace bsp::conformance
