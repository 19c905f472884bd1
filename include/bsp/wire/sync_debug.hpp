#pragma once

#include <bsp/wire/metrics.hpp>
#include <bsp/wire/peer_list.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bsp::wire {

/// Something that waits to be sent to a peer. What is in it is not here (A-154).
struct queue_item {
    std::string id;             ///< a conversation_id or an event_id
    std::string type;           ///< "conversation" or "telemetry_event"
    instant created_at;         ///< when it began to wait
    std::int64_t attempts = 0;  ///< how often it was sent in vain
    std::int64_t bytes = 0;     ///< of its JSON text, about

    friend bool operator==(queue_item const&, queue_item const&) = default;
};

inline std::string encode(queue_item const& q) {
    return R"({"id": )" + detail::json_text(q.id) + R"(, "type": )" + detail::json_text(q.type) + R"(, "created_at": ")" + format_timestamp(q.created_at) +
           R"(", "attempts": )" + std::to_string(q.attempts) + R"(, "bytes": )" + std::to_string(q.bytes) + '}';
}

/// What is to be known of a peer when the exchange with it does not go (chapter 19.3):
///
///     {"peer_info": {…}, "sbt_status": "valid", "sbt_expires_in": 28211.4, "offline_queue": [{…}], "recent_errors": [{…}],
///      "network_status": null, "last_successful_sync": "2025-12-31T00:00:04Z", "sync_lag": 3.2}
struct sync_debug {
    peer_entry peer_info;
    std::string sbt_status;                 ///< "valid" or "expired"
    double sbt_expires_in = 0;              ///< seconds; negative when it has expired
    std::vector<queue_item> offline_queue;  ///< the oldest first
    std::vector<noted_error> recent_errors; ///< the latest first
    std::optional<bool> network_status;     ///< nothing: the peer is never called
    std::optional<instant> last_successful_sync;
    double sync_lag = 0;                    ///< seconds
};

inline std::string encode(sync_debug const& d) {
    auto const list = [](auto const& items) {
        std::string text;
        for (auto const& item : items) text += (text.empty() ? "" : ", ") + encode(item);
        return '[' + text + ']';
    };
    return R"({"peer_info": )" + json::serialize(encode(d.peer_info)) + R"(, "sbt_status": )" + detail::json_text(d.sbt_status) + R"(, "sbt_expires_in": )" +
           json::decimal(d.sbt_expires_in) + R"(, "offline_queue": )" + list(d.offline_queue) + R"(, "recent_errors": )" + list(d.recent_errors) +
           R"(, "network_status": )" + (d.network_status ? *d.network_status ? "true" : "false" : "null") + R"(, "last_successful_sync": )" +
           detail::instant_or_null(d.last_successful_sync) + R"(, "sync_lag": )" + json::decimal(d.sync_lag) + '}';
}

}  // namespace bsp::wire
