#pragma once

#include "migrations_content.hpp"
#include "migrations_numbers.hpp"
#include "migrations_privacy.hpp"
#include "migrations_statistics.hpp"

#include <array>
#include <cstdint>

/// The schema, as the steps that lead to it. A step that was released is never edited; a change of the
/// schema is a new step at the end. `PRAGMA user_version` counts the steps a file has seen.
///
/// Rows of a user begin with `user_id`, or the number of one of the user's conversations, in every key and index, so that one
/// user's data are ranges and no statement can read across users (A-080). Instants that are compared within one clock of ours are
/// int64 nanoseconds; message timestamps span the years 0001 to 9999 and have two columns.
namespace bsp::server::migrations {

/// "BSP1": tells our files from other programs' databases.
inline constexpr std::int64_t application_id = 0x42535031;

inline constexpr std::array steps{
    R"sql(
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE peer (
    peer_id        TEXT PRIMARY KEY,
    user_id        TEXT NOT NULL,
    backend_id     TEXT NOT NULL,
    backend_type   TEXT NOT NULL,
    public_key_pem TEXT NOT NULL,
    key_sha256     BLOB NOT NULL,
    capabilities   TEXT NOT NULL,              -- JSON array of texts
    endpoint_peer_id TEXT, sync_endpoint TEXT, telemetry_endpoint TEXT,
    sbt            TEXT NOT NULL,
    sbt_created_s  INTEGER NOT NULL, sbt_created_ns  INTEGER NOT NULL,
    sbt_expires_s  INTEGER NOT NULL, sbt_expires_ns  INTEGER NOT NULL,
    registered_s   INTEGER NOT NULL, registered_ns   INTEGER NOT NULL,
    status         INTEGER NOT NULL,           -- 0 active, 1 unpaired, 2 revoked
    ended_s        INTEGER, ended_ns           INTEGER,
    last_sync_s    INTEGER, last_sync_ns       INTEGER,
    total_syncs    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX peer_active ON peer (user_id, backend_id) WHERE status = 0;
CREATE INDEX peer_of_user ON peer (user_id, peer_id) WHERE status = 0;

CREATE TABLE sbt_floor (
    user_id TEXT NOT NULL, backend_id TEXT NOT NULL,
    floor_s INTEGER NOT NULL, floor_ns INTEGER NOT NULL,
    PRIMARY KEY (user_id, backend_id)
) WITHOUT ROWID;

CREATE TABLE revoked_backend (backend_id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE revoked_key     (key_sha256 BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE assertion_claim (
    issuer TEXT NOT NULL, jti TEXT NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, jti)
) WITHOUT ROWID;
CREATE INDEX assertion_claim_by_expiry ON assertion_claim (expires_at);

CREATE TABLE user_clock (user_id TEXT PRIMARY KEY, changed_at INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE conversation (
    user_id TEXT NOT NULL, conversation_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    last_modified TEXT NOT NULL, last_modified_s INTEGER NOT NULL, last_modified_ns INTEGER NOT NULL,
    version_seen INTEGER NOT NULL,
    surfaces TEXT NOT NULL,                    -- JSON array of texts
    scalars_version INTEGER NOT NULL, scalars_modified_s INTEGER NOT NULL, scalars_modified_ns INTEGER NOT NULL,
    scalars_redacted INTEGER NOT NULL, scalars_deleted INTEGER NOT NULL,
    scalars_body TEXT NOT NULL, scalars_digest BLOB NOT NULL,
    revived_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
) WITHOUT ROWID;
CREATE INDEX conversation_feed ON conversation (user_id, changed_at, conversation_id);

-- With row numbers: new bodies are appended, wherever in the indexes their ids may fall.
CREATE TABLE message (
    number INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL, conversation_id TEXT NOT NULL, id TEXT NOT NULL,
    version INTEGER NOT NULL,
    timestamp_s INTEGER NOT NULL, timestamp_ns INTEGER NOT NULL,
    redacted INTEGER NOT NULL, deleted INTEGER NOT NULL,
    surface TEXT NOT NULL,
    digest BLOB NOT NULL,
    changed_at INTEGER NOT NULL,
    body TEXT NOT NULL,                        -- last: long bodies spill over to pages of their own
    UNIQUE (user_id, conversation_id, id)
);
CREATE INDEX message_order ON message (user_id, conversation_id, timestamp_s, timestamp_ns, id);
CREATE INDEX message_feed  ON message (user_id, conversation_id, changed_at, id);

CREATE TABLE loser (
    number INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL, conversation_id TEXT NOT NULL, at INTEGER NOT NULL,
    id TEXT NOT NULL, version INTEGER NOT NULL,
    timestamp_s INTEGER NOT NULL, timestamp_ns INTEGER NOT NULL,
    redacted INTEGER NOT NULL, deleted INTEGER NOT NULL,
    surface TEXT NOT NULL, digest BLOB NOT NULL, body TEXT NOT NULL
);
CREATE UNIQUE INDEX loser_once ON loser (user_id, conversation_id, id, digest);
CREATE INDEX loser_by_age ON loser (user_id, at);

CREATE TABLE receipt (
    user_id TEXT NOT NULL, peer_id TEXT NOT NULL, sync_id TEXT NOT NULL,
    conversations_sha256 BLOB NOT NULL, acknowledgement TEXT NOT NULL, accepted_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, peer_id, sync_id)
) WITHOUT ROWID;
CREATE INDEX receipt_by_age ON receipt (user_id, accepted_at);
)sql",
    // For revocations, which end the registrations of a backend or key with all users.
    R"sql(
CREATE INDEX peer_of_backend ON peer (backend_id) WHERE status = 0;
CREATE INDEX peer_of_key ON peer (key_sha256) WHERE status = 0;
)sql",
    // What the client side remembers of each registration (policy/sync_ledger.hpp), and what its operator wants of it.
    // Positions are (since, after, within); in a list of several, one column each.
    R"sql(
CREATE TABLE sync_progress (
    peer_id   TEXT PRIMARY KEY,
    own_epoch TEXT NOT NULL,
    since_at  INTEGER NOT NULL, after_at INTEGER, after_id TEXT, within_at INTEGER, within_id TEXT,
    peer_epoch TEXT NOT NULL, pull_since TEXT NOT NULL, pull_cursor TEXT NOT NULL,
    pushes_acknowledged INTEGER NOT NULL, pushes_failed INTEGER NOT NULL,
    pages_pulled INTEGER NOT NULL, pulls_failed INTEGER NOT NULL,
    last_success INTEGER, push_error TEXT NOT NULL, pull_error TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE sync_refused (
    peer_id  TEXT NOT NULL, place INTEGER NOT NULL,
    conversation_id TEXT NOT NULL,
    since_at INTEGER NOT NULL, after_at INTEGER, after_id TEXT, within_at INTEGER, within_id TEXT,
    error    TEXT NOT NULL,
    PRIMARY KEY (peer_id, place)
) WITHOUT ROWID;

CREATE TABLE sync_history (
    number  INTEGER PRIMARY KEY,
    peer_id TEXT NOT NULL, what INTEGER NOT NULL, at INTEGER NOT NULL,
    sync_id TEXT NOT NULL, conversations INTEGER NOT NULL, messages INTEGER NOT NULL, error TEXT NOT NULL
);
CREATE INDEX sync_history_of_peer ON sync_history (peer_id, number);

CREATE TABLE sync_event (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: a reader goes on after the last one it saw
    peer_id  TEXT NOT NULL, event_id TEXT NOT NULL, body TEXT NOT NULL, queued_at INTEGER NOT NULL
);
CREATE INDEX sync_event_of_peer ON sync_event (peer_id, number);
CREATE INDEX sync_event_by_id   ON sync_event (peer_id, event_id);
CREATE TABLE sync_dropped (peer_id TEXT PRIMARY KEY, events INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE sync_switch (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    is_on  INTEGER NOT NULL,
    asked  INTEGER NOT NULL,                     -- how often somebody wanted it done now
    served INTEGER NOT NULL                      -- the last of these that the server took up
);
INSERT INTO sync_switch VALUES (1, 1, 0, 0);

CREATE TABLE sync_contact (                      -- why nothing is sent to a peer; '' when nothing stands in the way
    peer_id TEXT PRIMARY KEY, obstacle TEXT NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID;
)sql",
    // Telemetry. With row numbers, as messages are.
    R"sql(
CREATE TABLE event (
    number INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL, event_id TEXT NOT NULL, peer_id TEXT NOT NULL, source_backend TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    body TEXT NOT NULL                         -- as received
);
CREATE UNIQUE INDEX event_once ON event (user_id, event_id);
CREATE INDEX event_order     ON event (user_id, received_at, event_id);
CREATE INDEX event_of_source ON event (user_id, source_backend, received_at, event_id);
)sql",
    // The audit trail, whose key tags users and lasts as long as the trail; and the windows of shared rate limits.
    R"sql(
CREATE TABLE audit (
    number  INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    type    INTEGER NOT NULL,
    peer_id TEXT NOT NULL,
    details TEXT NOT NULL,                     -- JSON object
    hash    BLOB NOT NULL
);
CREATE INDEX audit_of_peer ON audit (peer_id, number);
CREATE INDEX audit_of_type ON audit (type, number);
INSERT INTO meta (name, value) VALUES ('audit_key', lower(hex(randomblob(32))));

CREATE TABLE rate_window (name TEXT PRIMARY KEY, begin INTEGER NOT NULL, count INTEGER NOT NULL, ends INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX rate_window_by_end ON rate_window (ends);
)sql",
    // Key rotation: of peers, and of our own key towards them ('' of known_key: no rotation since the peer was met).
    R"sql(
ALTER TABLE peer ADD COLUMN retired_keys TEXT NOT NULL DEFAULT '[]';  -- JSON, the latest first
ALTER TABLE peer ADD COLUMN rotated_s  INTEGER;
ALTER TABLE peer ADD COLUMN rotated_ns INTEGER;
ALTER TABLE sync_progress ADD COLUMN known_key TEXT NOT NULL DEFAULT '';
)sql",
    privacy_settings_step,
    retention_step,
    content_key_step,
    statistics_step,
    numbered_conversations_step,
    // The peers that the client side looks for after every commit.
    R"sql(
CREATE INDEX peer_with_endpoints ON peer (peer_id) WHERE endpoint_peer_id IS NOT NULL AND status = 0;
)sql",
    // What has expired is found without an index entry for each message: by the oldest timestamp of a conversation, and where a
    // message is dated after its arrival, as few are, by that.
    R"sql(
ALTER TABLE conversation ADD COLUMN oldest_s INTEGER NOT NULL DEFAULT 9223372036854775807;  -- no message has an earlier timestamp
UPDATE conversation SET oldest_s = coalesce((SELECT min(timestamp_s) FROM message WHERE conversation = conversation.number), 9223372036854775807);
CREATE INDEX conversation_by_age ON conversation (user_id, oldest_s);
DROP INDEX message_by_age;
CREATE INDEX message_dated_ahead ON message (user_id, first_received) WHERE timestamp_s > first_received / 1000000000;
)sql",
};

}  // namespace bsp::server::migrations
