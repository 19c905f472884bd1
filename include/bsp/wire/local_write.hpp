#pragma once

#include <bsp/wire/message.hpp>

#include <optional>
#include <string>
#include <utility>

namespace bsp::wire {

/// The body of `POST /conversations/{conversation_id}/messages` (chapter 8.3):
///
///     {"role": "user", "content": "Where were we?", "surface": "web"[, "id": "m7"][, "timestamp": "…"][, "title": "Trip"][, …]}
struct local_write {
    std::optional<std::string> id;
    bool has_timestamp = false;
    std::optional<std::string> title;  ///< of the conversation
    json::object members;              ///< of the message: all but `title` and those that only a backend sets
};

/// Errors: `invalid_body`, `not_canonicalizable`. `version`, `source_backend`, `deleted` and `redacted` are
/// ignored (BSP-CNV-049).
inline result<local_write> decode_local_write(json::fields const& f, instant timestamp_max) {
    local_write w;
    BSP_CHECK(required_label(f, "role"));
    BSP_CHECK(f.required_string("content", limits::content_bytes_max));
    BSP_CHECK(required_label(f, "surface"));
    BSP_TRY(auto const id, f.optional_identifier("id"));
    if (id) w.id = *id;
    BSP_TRY(auto const timestamp, f.optional_timestamp("timestamp"));
    if (timestamp && *timestamp > timestamp_max) return f.invalid("timestamp", "lies more than 24 hours in the future");
    w.has_timestamp = timestamp.has_value();
    BSP_TRY(auto const title, f.optional_string("title"));
    if (title) w.title = *title;
    w.members = f.get();
    if (json::depth(w.members) > limits::message_depth_max) return fail(errc::invalid_body, "nested too deeply to be pushed to another backend");
    for (char const* name : {"title", "version", "source_backend", "deleted", "redacted"}) w.members.erase(name);
    BSP_CHECK(json::canonicalize(w.members, {}));
    return w;
}

}  // namespace bsp::wire
