#pragma once

#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/merge/message.hpp>
#include <bsp/wire/label.hpp>

namespace bsp::wire {

/// Reads one message, every member of it kept in `body` (BSP-SYN-001 … BSP-SYN-018):
///
///     {"id": "m1", "role": "user", "content": "hi", "timestamp": "2025-12-31T00:00:01.5Z", "surface": "ios",
///      "source_backend": "local_sha256_7d4b82b21655494e", "version": 1[, "deleted": true][, "redacted": true][, …]}
///
/// `timestamp_max` is the latest instant that is not absurd (BSP-SYN-012). `form`, where it is at hand, is that of an object
/// around this one. Errors: `invalid_body`, `not_canonicalizable`.
inline result<merge::message> decode_message(json::fields const& f, instant timestamp_max, json::canonical_form const* form = nullptr) {
    merge::message m;
    BSP_TRY(m.id, f.required_identifier("id"));
    BSP_CHECK(required_label(f, "role"));
    BSP_TRY(std::string_view const content, f.required_string("content", limits::content_bytes_max));
    BSP_TRY(m.timestamp, f.required_timestamp("timestamp"));
    if (m.timestamp > timestamp_max) return f.invalid("timestamp", "lies more than 24 hours in the future");
    BSP_TRY(m.surface, required_label(f, "surface"));
    BSP_CHECK(required_label(f, "source_backend"));
    BSP_TRY(m.version, f.required_integer("version", 0, limits::version_max));
    BSP_TRY(std::optional<bool> const deleted, f.optional_boolean("deleted"));
    BSP_TRY(std::optional<bool> const redacted, f.optional_boolean("redacted"));
    m.deleted = deleted.value_or(false);
    m.redacted = redacted.value_or(false);
    if (m.deleted && !content.empty()) return f.invalid("content", "must be empty in a tombstone");
    BSP_TRY(m.body, form ? form->of_part(f.get()) : json::canonicalize(f.get()));
    m.digest = sha256(m.body);
    return m;
}

}  // namespace bsp::wire
