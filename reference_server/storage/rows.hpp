#pragma once

#include "columns.hpp"
#include "content_codec.hpp"

#include <bsp/merge/conversation.hpp>
#include <bsp/policy/store.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

/// How the rows of tables that every store has are read. A `Row` has `text`, `integer`, `boolean`, `digest`, `exact_instant` (of
/// two columns) and `is_null`, each of a column's number.

// The columns of a value, in the order in which its reader below takes them.
#define BSP_PEER_COLUMNS                                                                                                      \
    "peer_id, user_id, backend_id, backend_type, public_key_pem, key_sha256, capabilities, endpoint_peer_id, sync_endpoint, " \
    "telemetry_endpoint, sbt, sbt_created_s, sbt_created_ns, sbt_expires_s, sbt_expires_ns, registered_s, registered_ns, "    \
    "status, ended_s, ended_ns, last_sync_s, last_sync_ns, total_syncs, retired_keys, rotated_s, rotated_ns"
#define BSP_MESSAGE_COLUMNS "id, version, timestamp_s, timestamp_ns, redacted, deleted, surface, digest, body, first_received"
#define BSP_HEAD_COLUMNS                                                                                                    \
    "conversation_id, version, last_modified, last_modified_s, last_modified_ns, version_seen, surfaces, scalars_version, " \
    "scalars_modified_s, scalars_modified_ns, scalars_redacted, scalars_deleted, scalars_body, scalars_digest, revived_at"

namespace bsp::server {

inline constexpr int message_columns = 10;
inline constexpr int head_columns = 15;

template <class Row>
peer_record peer_of(Row const& row) {
    peer_record p;
    p.peer_id = row.text(0);
    p.user_id = row.text(1);
    p.backend_id = row.text(2);
    p.backend_type = row.text(3);
    p.public_key_pem = row.text(4);
    p.key_sha256 = row.digest(5);
    p.capabilities = from_json_array(row.text(6));
    if (!row.is_null(7)) p.endpoints = peer_endpoints{row.text(7), row.text(8), row.text(9)};
    p.sbt = row.text(10);
    p.sbt_created_at = row.exact_instant(11);
    p.sbt_expires_at = row.exact_instant(13);
    p.registered_at = row.exact_instant(15);
    p.status = static_cast<peer_status>(row.integer(17));
    if (!row.is_null(18)) p.ended_at = row.exact_instant(18);
    if (!row.is_null(20)) p.last_sync = row.exact_instant(20);
    p.total_syncs = row.integer(22);
    p.retired_keys = retired_keys_of(row.text(23));
    if (!row.is_null(24)) p.rotated_at = row.exact_instant(24);
    return p;
}

/// `content` gives for the id what the columns `digest` (7) and `body` (8) hold: a store may have sealed them.
template <class Row, class Content>
merge::message message_of(Row const& row, Content content) {
    merge::message m;
    m.id = row.text(0);
    m.version = row.integer(1);
    m.timestamp = row.exact_instant(2);
    m.redacted = row.boolean(4);
    m.deleted = row.boolean(5);
    m.surface = row.text(6);
    digested_content held = content(m.id);
    m.digest = held.digest;
    m.body = std::move(held.text);
    m.first_received = from_nanoseconds(row.integer(9));
    return m;
}

/// The second of the oldest timestamp; `messages` must not be empty. The column `oldest_s` of a conversation is a lower bound of
/// these, by which what has expired is found.
inline std::int64_t oldest_second(std::span<merge::message const> messages) { return std::ranges::min(messages, {}, &merge::message::timestamp).timestamp.seconds; }

/// As `message_of`, of the columns `scalars_body` (12) and `scalars_digest` (13).
template <class Row, class Content>
merge::conversation_head head_of(Row const& row, Content content) {
    merge::conversation_head h;
    h.conversation_id = row.text(0);
    h.version = row.integer(1);
    h.last_modified = row.text(2);
    h.last_modified_at = row.exact_instant(3);
    h.version_seen = row.integer(5);
    h.surfaces = from_json_array(row.text(6));
    h.scalars.version = row.integer(7);
    h.scalars.last_modified = row.exact_instant(8);
    h.scalars.redacted = row.boolean(10);
    h.scalars.deleted = row.boolean(11);
    digested_content held = content(h.conversation_id);
    h.scalars.body = std::move(held.text);
    h.scalars.digest = held.digest;
    h.revived_at = from_nanoseconds(row.integer(14));
    return h;
}

/// Where a page of a feed begins: after `after`, but not before `since`.
struct feed_start {
    std::int64_t at;
    std::string id;  ///< rows at `at` come after this id
};

inline feed_start start_of(instant since, std::optional<position> const& after) {
    feed_start start{to_nanoseconds(since), {}};
    if (after && to_nanoseconds(after->at) >= start.at) start = {to_nanoseconds(after->at), after->id};
    return start;
}

}  // namespace bsp::server
