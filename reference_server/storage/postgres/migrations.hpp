#pragma once

#include <array>

/// The schema on PostgreSQL, as the steps that lead to it. A step that was released is never edited; a change of the schema
/// is a new step at the end. `bsp_schema` counts the steps a database has seen. No semicolon but between statements.
///
/// As on SQLite, rows of a user begin with `user_id` in every key and index (A-080). Texts are compared octet by octet.
/// Instants that are compared within one clock of ours are bigint nanoseconds; message timestamps span the years 0001 to
/// 9999 and have two columns, and their age, saturated to nanoseconds, a third.
namespace bsp::server::postgres::migrations {

inline constexpr std::array steps{
    R"sql(
CREATE TABLE meta (name text COLLATE "C" PRIMARY KEY, value text NOT NULL);

CREATE TABLE peer (
    peer_id        text COLLATE "C" PRIMARY KEY,
    user_id        text COLLATE "C" NOT NULL,
    backend_id     text COLLATE "C" NOT NULL,
    backend_type   text NOT NULL,
    public_key_pem text NOT NULL,
    key_sha256     bytea NOT NULL,
    capabilities   text NOT NULL,
    endpoint_peer_id text, sync_endpoint text, telemetry_endpoint text,
    sbt            text NOT NULL,
    sbt_created_s  bigint NOT NULL, sbt_created_ns bigint NOT NULL,
    sbt_expires_s  bigint NOT NULL, sbt_expires_ns bigint NOT NULL,
    registered_s   bigint NOT NULL, registered_ns  bigint NOT NULL,
    status         bigint NOT NULL,
    ended_s        bigint, ended_ns     bigint,
    last_sync_s    bigint, last_sync_ns bigint,
    total_syncs    bigint NOT NULL,
    retired_keys   text NOT NULL,
    rotated_s      bigint, rotated_ns   bigint
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX peer_active ON peer (user_id, backend_id) WHERE status = 0;
CREATE INDEX peer_of_user ON peer (user_id, peer_id) WHERE status = 0;
CREATE INDEX peer_of_backend ON peer (backend_id) WHERE status = 0;
CREATE INDEX peer_of_key ON peer (key_sha256) WHERE status = 0;

CREATE TABLE sbt_floor (
    user_id text COLLATE "C" NOT NULL, backend_id text COLLATE "C" NOT NULL,
    floor_s bigint NOT NULL, floor_ns bigint NOT NULL,
    PRIMARY KEY (user_id, backend_id)
);
CREATE TABLE revoked_backend (backend_id text COLLATE "C" PRIMARY KEY, at bigint NOT NULL);
CREATE TABLE revoked_key     (key_sha256 bytea PRIMARY KEY, at bigint NOT NULL);

CREATE TABLE assertion_claim (
    issuer text COLLATE "C" NOT NULL, jti text COLLATE "C" NOT NULL, expires_at bigint NOT NULL,
    PRIMARY KEY (issuer, jti)
);
CREATE INDEX assertion_claim_by_expiry ON assertion_claim (expires_at);

CREATE TABLE known_user (
    user_id text COLLATE "C" PRIMARY KEY,
    changed_at bigint                          -- of the last change to conversations
) WITH (fillfactor = 50);

CREATE TABLE conversation (
    user_id text COLLATE "C" NOT NULL, conversation_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    last_modified text NOT NULL, last_modified_s bigint NOT NULL, last_modified_ns bigint NOT NULL,
    version_seen bigint NOT NULL,
    surfaces text NOT NULL,
    scalars_version bigint NOT NULL, scalars_modified_s bigint NOT NULL, scalars_modified_ns bigint NOT NULL,
    scalars_redacted boolean NOT NULL, scalars_deleted boolean NOT NULL,
    scalars_body text NOT NULL, scalars_digest bytea NOT NULL,
    revived_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
);
CREATE INDEX conversation_feed ON conversation (user_id, changed_at, conversation_id);

CREATE TABLE message (
    user_id text COLLATE "C" NOT NULL, conversation_id text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    timestamp_s bigint NOT NULL, timestamp_ns bigint NOT NULL,
    redacted boolean NOT NULL, deleted boolean NOT NULL,
    surface text NOT NULL,
    digest bytea NOT NULL,
    first_received bigint NOT NULL,
    aged_from bigint NOT NULL,                 -- of timestamp and first_received, the earlier
    changed_at bigint NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (user_id, conversation_id, id)
);
CREATE INDEX message_order  ON message (user_id, conversation_id, timestamp_s, timestamp_ns, id);
CREATE INDEX message_feed   ON message (user_id, conversation_id, changed_at, id);
CREATE INDEX message_by_age ON message (user_id, aged_from);

CREATE TABLE loser (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL, conversation_id text COLLATE "C" NOT NULL, at bigint NOT NULL,
    id text COLLATE "C" NOT NULL, version bigint NOT NULL,
    timestamp_s bigint NOT NULL, timestamp_ns bigint NOT NULL,
    redacted boolean NOT NULL, deleted boolean NOT NULL,
    surface text NOT NULL, digest bytea NOT NULL, first_received bigint NOT NULL, body text NOT NULL,
    written_at bigint NOT NULL                 -- the timestamp, saturated
);
CREATE UNIQUE INDEX loser_once ON loser (user_id, conversation_id, id, digest);
CREATE INDEX loser_by_age ON loser (user_id, at);

CREATE TABLE receipt (
    user_id text COLLATE "C" NOT NULL, peer_id text COLLATE "C" NOT NULL, sync_id text COLLATE "C" NOT NULL,
    conversations_sha256 bytea NOT NULL, acknowledgement text NOT NULL, accepted_at bigint NOT NULL,
    PRIMARY KEY (user_id, peer_id, sync_id)
);
CREATE INDEX receipt_by_age ON receipt (user_id, accepted_at);

CREATE TABLE event (
    user_id text COLLATE "C" NOT NULL, event_id text COLLATE "C" NOT NULL, peer_id text COLLATE "C" NOT NULL,
    source_backend text COLLATE "C" NOT NULL, received_at bigint NOT NULL, body text NOT NULL,
    PRIMARY KEY (user_id, event_id)
);
CREATE INDEX event_order     ON event (user_id, received_at, event_id);
CREATE INDEX event_of_source ON event (user_id, source_backend, received_at, event_id);

CREATE TABLE audit (
    number  bigint PRIMARY KEY,
    at      bigint NOT NULL,
    type    bigint NOT NULL,
    peer_id text COLLATE "C" NOT NULL,
    details text NOT NULL,
    hash    bytea NOT NULL
);
CREATE INDEX audit_of_peer ON audit (peer_id, number);
CREATE INDEX audit_of_type ON audit (type, number);
CREATE TABLE audit_waiting (                   -- committed with what they tell of, and not yet links of the chain
    number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      bigint NOT NULL,
    type    bigint NOT NULL,
    peer_id text COLLATE "C" NOT NULL,
    details text NOT NULL
);

CREATE TABLE rate_window (name text COLLATE "C" PRIMARY KEY, begin bigint NOT NULL, count bigint NOT NULL, ends bigint NOT NULL) WITH (fillfactor = 50);

CREATE TABLE privacy_settings (user_id text COLLATE "C" PRIMARY KEY, body text NOT NULL);
CREATE TABLE departed (
    user_id text COLLATE "C" NOT NULL, trace bytea NOT NULL,
    cause   bigint NOT NULL,                   -- 0 erased, 1 expired
    version bigint NOT NULL,
    PRIMARY KEY (user_id, trace)
)
)sql",
    // What chapter 19 counts: of registrations, and of telemetry, whose numbers stand beside the texts that they are from.
    R"sql(
CREATE TABLE peer_statistics (
    peer_id  text COLLATE "C" PRIMARY KEY,
    events   bigint NOT NULL,
    outcomes text NOT NULL,                    -- + accepted, - refused, the latest last
    errors   text NOT NULL                     -- lines: code, space, timestamp, the latest first
) WITH (fillfactor = 50);
ALTER TABLE event ADD COLUMN latency_ms double precision, ADD COLUMN cost_usd double precision;
-- Of \u0000 PostgreSQL makes nothing, so no such escapes are left when the numbers are read.
UPDATE event SET (latency_ms, cost_usd) = (
    SELECT (plain ->> 'latency_ms')::double precision, (plain ->> 'cost_usd')::double precision
    FROM (SELECT regexp_replace(replace(body, '\\', ''), '\\u[0-9A-Fa-f]{4}', '', 'g')::json AS plain) AS one
);
CREATE INDEX event_by_receipt ON event (received_at, peer_id, latency_ms, cost_usd)
)sql",
    // What instances tell each other of peers and alerts. It need not outlive a crash of the database.
    R"sql(
CREATE UNLOGGED TABLE sighting (
    peer_id    text COLLATE "C" NOT NULL,
    instance   text COLLATE "C" NOT NULL,
    request_at bigint NOT NULL, pull_at bigint NOT NULL, skew_ms bigint NOT NULL,  -- the least bigint: never
    streams    bigint NOT NULL,
    told_at    bigint NOT NULL,                -- by the clock of the database, milliseconds
    PRIMARY KEY (peer_id, instance)
) WITH (fillfactor = 50);
CREATE INDEX sighting_by_time ON sighting (told_at);
CREATE UNLOGGED TABLE alert_since (
    type text COLLATE "C" NOT NULL, peer_id text COLLATE "C" NOT NULL, since bigint NOT NULL,
    PRIMARY KEY (type, peer_id)
)
)sql",
    // The peers that the client side looks for after every commit.
    R"sql(
CREATE INDEX peer_with_endpoints ON peer (peer_id) WHERE endpoint_peer_id IS NOT NULL AND status = 0
)sql",
    // What has expired is found without an index entry for each message: by the oldest timestamp of a conversation, and where a
    // message is dated after its arrival, as few are, by that.
    R"sql(
ALTER TABLE conversation ADD COLUMN oldest_s bigint NOT NULL DEFAULT 9223372036854775807;
UPDATE conversation c SET oldest_s = m.oldest_s
    FROM (SELECT user_id, conversation_id, min(timestamp_s) AS oldest_s FROM message GROUP BY user_id, conversation_id) AS m
    WHERE m.user_id = c.user_id AND m.conversation_id = c.conversation_id;
CREATE INDEX conversation_by_age ON conversation (user_id, oldest_s);
DROP INDEX message_by_age;
CREATE INDEX message_dated_ahead ON message (user_id, first_received) WHERE timestamp_s > first_received / 1000000000
)sql",
};

}  // namespace bsp::server::postgres::migrations
