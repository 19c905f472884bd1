#pragma once

#include <bsp/base/encoding.hpp>
#include <bsp/base/identifier.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/json/parse.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Cursors: opaque to clients, a JSON array of strings in base64url to us. They hold no secret and give no
/// right, so they are not signed; what does not read back is refused as `invalid_query` (BSP-SYN-125).
namespace bsp::wire {

namespace detail {
inline std::string encode_cursor(std::vector<std::string> const& parts) {
    return to_base64url(as_bytes(json::serialize(json::array(parts.begin(), parts.end()))));
}

inline result<std::vector<std::string>> decode_cursor(std::string_view text) {
    auto const unknown = fail(errc::invalid_query, "cursor was not issued by this server");
    auto const raw = from_base64url(text);
    if (!raw) return unknown;
    auto const value = json::parse({reinterpret_cast<char const*>(raw->data()), raw->size()});
    if (!value || !value->is_array()) return unknown;
    std::vector<std::string> parts;
    for (auto const& part : value->get_array()) {
        if (!part.is_string()) return unknown;
        parts.emplace_back(json::view(part.get_string()));
    }
    return parts;
}
}  // namespace detail

/// A place in a list in the order of identifiers: after `after`. `list` names the list.
struct list_cursor {
    std::string list;
    std::string after;
};

inline std::string encode(list_cursor const& c) { return detail::encode_cursor({c.list, c.after}); }

inline result<list_cursor> decode_list_cursor(std::string_view text, std::string_view list) {
    BSP_TRY(auto parts, detail::decode_cursor(text));
    if (parts.size() != 2 || parts[0] != list || !is_identifier(parts[1])) return fail(errc::invalid_query, "cursor was not issued for this list");
    return list_cursor{std::move(parts[0]), std::move(parts[1])};
}

/// A place in the list of telemetry events, which is in the order (received_at, event_id).
struct event_cursor {
    instant at;
    std::string event_id;
};

inline std::string encode(event_cursor const& c) { return detail::encode_cursor({"events", format_timestamp(c.at), c.event_id}); }

inline result<event_cursor> decode_event_cursor(std::string_view text) {
    auto const unknown = fail(errc::invalid_query, "cursor was not issued for this list");
    BSP_TRY(auto parts, detail::decode_cursor(text));
    if (parts.size() != 3 || parts[0] != "events" || !is_identifier(parts[2])) return unknown;
    auto const at = parse_timestamp(parts[1]);
    if (!at) return unknown;
    return event_cursor{*at, std::move(parts[2])};
}

/// A place in the change feed.
struct feed_place {
    instant at;
    std::string id;
};

/// Where a pull goes on (BSP-SYN-116): after `conversation`, and if `message` is given, first with the rest
/// of that conversation, after that message.
struct pull_cursor {
    std::string epoch;
    instant since;
    feed_place conversation;
    std::optional<feed_place> message;
};

inline std::string encode(pull_cursor const& c) {
    std::vector<std::string> parts{"pull", c.epoch, format_timestamp(c.since), format_timestamp(c.conversation.at), c.conversation.id};
    if (c.message) parts.insert(parts.end(), {format_timestamp(c.message->at), c.message->id});
    return detail::encode_cursor(parts);
}

inline result<pull_cursor> decode_pull_cursor(std::string_view text) {
    auto const unknown = fail(errc::invalid_query, "cursor was not issued by this server");
    BSP_TRY(auto parts, detail::decode_cursor(text));
    if ((parts.size() != 5 && parts.size() != 7) || parts[0] != "pull") return unknown;
    auto const place = [&](std::size_t i) -> std::optional<feed_place> {
        auto const at = parse_timestamp(parts[i]);
        if (!at || !is_identifier(parts[i + 1])) return std::nullopt;
        return feed_place{*at, parts[i + 1]};
    };
    auto const since = parse_timestamp(parts[2]);
    auto const conversation = place(3);
    auto const message = parts.size() == 7 ? place(5) : std::nullopt;
    if (!since || !conversation || (parts.size() == 7 && !message)) return unknown;
    return pull_cursor{std::move(parts[1]), *since, *conversation, message};
}

}  // namespace bsp::wire
