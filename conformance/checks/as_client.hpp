#pragma once

#include "../peer/stand_in.hpp"
#include "../registry.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What checks of the target as a client share. The suite is the other backend.
namespace bsp::conformance {

inline constexpr unsigned as_client = need::peer_listener | need::local_target;

/// Of timers, and of two threads that look at clocks.
inline constexpr std::chrono::milliseconds grain{30};

/// Pushes and pulls that came at `since` or later.
inline std::vector<arrival> exchanges_since(stand_in const& b, moment since) {
    auto out = b.pushes();
    for (auto& a : b.pulls()) out.push_back(std::move(a));
    std::erase_if(out, [&](arrival const& a) { return a.at < since; });
    return out;
}

/// What a pull is given: with a `cursor` there is a next page.
inline json::object page(json::array conversations, std::string_view last_sync, std::string_view cursor = {}) {
    json::object out{{"conversations", std::move(conversations)}, {"last_sync", last_sync}, {"has_more", !cursor.empty()}};
    if (!cursor.empty()) out["cursor"] = cursor;
    return out;
}

/// A conversation at the target that does not fit into one push; its id.
inline constexpr int long_conversation_messages = 1'200;
inline std::string long_conversation(scenario& s, user_account const& account) {
    auto const source = s.register_peer_of(account);
    auto const c = s.fresh("long");
    for (int part = 0; part < 2; ++part) {
        std::vector<json::object> messages;
        for (int i = 0; i < long_conversation_messages / 2; ++i) messages.push_back(s.message("m" + std::to_string(part * long_conversation_messages / 2 + i), "text"));
        s.control(source.push({s.conversation(c, part + 1, std::move(messages))}), "a push of 600 messages to the target");
    }
    return c;
}

/// Waits until the user's conversation at the target has the message.
inline bool arrives(caller const& user, std::string_view conversation_id, std::string_view message_id, std::chrono::milliseconds patience) {
    for (auto const end = std::chrono::steady_clock::now() + patience;; pass(std::chrono::milliseconds{200})) {
        auto const x = user.read(conversation_id);
        if (x.ok() && find_by_id(x.body(), "/messages", message_id)) return true;
        if (std::chrono::steady_clock::now() > end) return false;
    }
}

}  // namespace bsp::conformance
