#pragma once

#include <bsp/wire/conversation.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::wire {

/// Who a push says it is from and for; what is absent was not said.
struct push_envelope {
    instant timestamp;
    std::optional<std::string_view> peer_id;
    std::optional<std::string_view> source_backend_id;
    std::optional<std::string_view> target_backend_id;
};

inline result<push_envelope> decode_push_envelope(json::fields const& f) {
    push_envelope e;
    BSP_TRY(e.timestamp, f.required_timestamp("timestamp"));
    BSP_TRY(e.peer_id, f.optional_string("peer_id"));
    BSP_TRY(e.source_backend_id, f.optional_string("source_backend_id"));
    BSP_TRY(e.target_backend_id, f.optional_string("target_backend_id"));
    return e;
}

/// The body of `POST /sync/{peer_id}` (spec chapter 6.2):
///
///     {"sync_id": "sync_5f0c1a", "timestamp": "2025-12-31T00:00:03Z", "conversations": [ conversation, … ],
///      "signature": "kq0…=="[, "peer_id": "peer_…"][, "source_backend_id": "…"][, "target_backend_id": "…"][, …]}
struct sync_push {
    std::string sync_id;
    std::vector<conversation_write> conversations;  ///< in the order sent; an id may come more than once
    sha256_digest conversations_sha256{};           ///< of C14N-1 of the member (BSP-SYN-070)
};

/// Reads the payload behind the envelope, `form` being that of its object. Errors as for `decode_conversation`.
inline result<sync_push> decode_sync_push(json::fields const& f, json::canonical_form const& form, instant timestamp_max) {
    sync_push push;
    BSP_TRY(push.sync_id, f.required_identifier("sync_id"));
    if (f.find("typ")) return f.invalid("typ", "must not be present in a push");
    BSP_TRY(auto const conversations, f.required_array("conversations"));
    if (conversations.size() > limits::conversations_per_push_max) return f.invalid("conversations", "has too many elements");
    push.conversations.reserve(conversations.size());
    for (std::size_t i = 0; i < conversations.size(); ++i) {
        BSP_TRY(json::fields const element, conversations.object_at(i));
        BSP_TRY(auto write, decode_conversation(element, timestamp_max, limits::messages_per_conversation_in_push_max, &form));
        push.conversations.push_back(std::move(write));
    }
    BSP_TRY(std::string const text, form.of_part(conversations.get()));
    push.conversations_sha256 = sha256(text);
    return push;
}

}  // namespace bsp::wire
