#pragma once

#include <bsp/wire/conversation.hpp>

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace bsp::wire {

/// An answer to a pull, as a client reads it (chapter 6.4):
///
///     {"conversations": [ … ], "last_sync": "2025-12-31T00:00:04.000000017Z", "has_more": false[, "cursor": "…"][, "epoch": "9f3a6c0d"]}
struct pull_page {
    std::vector<conversation_write> conversations;
    std::string last_sync;  ///< verbatim: opaque to a client
    bool has_more = false;
    std::string cursor;     ///< "" unless `has_more`
    std::optional<std::string> epoch;
};

/// Errors: `malformed_body`, `invalid_body`, `not_canonicalizable`. Neither the number of messages nor an
/// instant far in the future is one: what another backend accepted is part of the state (BSP-OFF-053).
inline result<pull_page> decode_pull_page(std::string_view text) {
    pull_page page;
    BSP_TRY(json::value const body, json::parse(text));
    BSP_TRY(json::fields const f, json::fields::of(body));
    BSP_TRY(auto const conversations, f.required_array("conversations"));
    BSP_CHECK(f.required_timestamp("last_sync"));
    BSP_TRY(page.last_sync, f.required_string("last_sync"));
    BSP_TRY(page.has_more, f.required_boolean("has_more"));
    if (page.has_more) {
        BSP_TRY(page.cursor, f.required_nonempty_string("cursor"));
    }
    BSP_TRY(auto const epoch, f.optional_string("epoch"));
    if (epoch) page.epoch = std::string{*epoch};

    constexpr instant far_future{std::numeric_limits<std::int64_t>::max(), 0};
    page.conversations.reserve(conversations.size());
    for (std::size_t i = 0; i < conversations.size(); ++i) {
        BSP_TRY(json::fields const element, conversations.object_at(i));
        BSP_TRY(auto entry, decode_conversation(element, far_future, std::numeric_limits<std::size_t>::max()));
        page.conversations.push_back(std::move(entry));
    }
    return page;
}

}  // namespace bsp::wire
