#pragma once

#include <bsp/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bsp::wire {

/// Something that the pusher would otherwise not notice (BSP-MRG-060 … BSP-MRG-066):
///
///     {"conversation_id": "main", "message_id": "m1", "local_version": 4, "incoming_version": 4,
///      "conflict_type": "diverged_messages", "resolution_strategy": "last_write_wins", "winner": "incoming"}
struct conflict {
    /// The last three tell of what was refused (chapter 16): nothing of it was stored.
    enum class kind : std::uint8_t { diverged_messages, stale_metadata, retention_expired, erased, surface_not_allowed };

    std::string conversation_id;
    std::optional<std::string> message_id;  ///< absent when it is about the conversation's own members
    std::optional<std::int64_t> local_version;  ///< held before the push
    std::int64_t incoming_version = 0;
    kind type = kind::diverged_messages;
    bool incoming_won = false;
};

inline json::object encode(conflict const& c) {
    json::object o{{"conversation_id", c.conversation_id}};
    if (c.message_id) o["message_id"] = *c.message_id;
    static constexpr char const* names[] = {"diverged_messages", "stale_metadata", "retention_expired", "erased", "surface_not_allowed"};
    if (c.local_version) o["local_version"] = *c.local_version;
    else o["local_version"] = nullptr;
    o["incoming_version"] = c.incoming_version;
    o["conflict_type"] = names[static_cast<std::size_t>(c.type)];
    o["resolution_strategy"] = c.type <= conflict::kind::stale_metadata ? "last_write_wins" : "refused";
    o["winner"] = c.incoming_won ? "incoming" : "local";
    return o;
}

/// The answer to an accepted push (BSP-SYN-060 … BSP-SYN-064):
///
///     {"status": "synced", "acked_sync_id": "sync_5f0c1a", "conflicts": [], "next_sync_in_ms": 5000}
struct sync_ack {
    std::string acked_sync_id;
    std::vector<conflict> conflicts;
    int next_sync_in_ms = 0;
};

inline std::string encode(sync_ack const& ack) {
    json::array conflicts;
    conflicts.reserve(ack.conflicts.size());
    for (auto const& c : ack.conflicts) conflicts.push_back(encode(c));
    return json::serialize(json::object{
        {"status", "synced"}, {"acked_sync_id", ack.acked_sync_id}, {"conflicts", std::move(conflicts)}, {"next_sync_in_ms", ack.next_sync_in_ms}});
}

}  // namespace bsp::wire
