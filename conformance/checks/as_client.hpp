#pragma once

#include "../peer/stand_in.hpp"
#include "../registry.hpp"

#include <algorithm>
#include <chrono>
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

/// Waits until the user's conversation at the target has the message.
inline bool arrives(caller const& user, std::string_view conversation_id, std::string_view message_id, std::chrono::milliseconds patience) {
    for (auto const end = std::chrono::steady_clock::now() + patience;; pass(std::chrono::milliseconds{200})) {
        auto const x = user.read(conversation_id);
        if (x.ok() && find_by_id(x.body(), "/messages", message_id)) return true;
        if (std::chrono::steady_clock::now() > end) return false;
    }
}

}  // namespace bsp::conformance
