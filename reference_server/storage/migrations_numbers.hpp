#pragma once

namespace bsp::server::migrations {

/// Conversations get numbers, and messages are kept under them: the indexes of messages would otherwise repeat the ids of user
/// and conversation four times for each message, and new conversations would fall anywhere within them, so that a push touched
/// more pages the more is stored. A number belongs to one user's conversation; statements get it by asking for that.
inline constexpr char const* numbered_conversations_step = R"sql(
ALTER TABLE conversation RENAME TO conversation_before;
DROP INDEX conversation_feed;
CREATE TABLE conversation (
    number INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL, conversation_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    last_modified TEXT NOT NULL, last_modified_s INTEGER NOT NULL, last_modified_ns INTEGER NOT NULL,
    version_seen INTEGER NOT NULL,
    surfaces TEXT NOT NULL,                    -- JSON array of texts
    scalars_version INTEGER NOT NULL, scalars_modified_s INTEGER NOT NULL, scalars_modified_ns INTEGER NOT NULL,
    scalars_redacted INTEGER NOT NULL, scalars_deleted INTEGER NOT NULL,
    scalars_digest BLOB NOT NULL,
    revived_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    scalars_body TEXT NOT NULL,                -- last: long bodies spill over to pages of their own
    UNIQUE (user_id, conversation_id)
);
INSERT INTO conversation (user_id, conversation_id, version, last_modified, last_modified_s, last_modified_ns, version_seen, surfaces,
                          scalars_version, scalars_modified_s, scalars_modified_ns, scalars_redacted, scalars_deleted, scalars_digest,
                          revived_at, changed_at, scalars_body)
    SELECT user_id, conversation_id, version, last_modified, last_modified_s, last_modified_ns, version_seen, surfaces,
           scalars_version, scalars_modified_s, scalars_modified_ns, scalars_redacted, scalars_deleted, scalars_digest,
           revived_at, changed_at, scalars_body
    FROM conversation_before ORDER BY user_id, conversation_id;
DROP TABLE conversation_before;
CREATE INDEX conversation_feed ON conversation (user_id, changed_at, conversation_id);

ALTER TABLE message RENAME TO message_before;
DROP INDEX message_order;
DROP INDEX message_feed;
DROP INDEX message_by_age;
-- With row numbers: new bodies are appended, wherever in the indexes their ids may fall.
CREATE TABLE message (
    number INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL, conversation INTEGER NOT NULL REFERENCES conversation (number), id TEXT NOT NULL,
    version INTEGER NOT NULL,
    timestamp_s INTEGER NOT NULL, timestamp_ns INTEGER NOT NULL,
    redacted INTEGER NOT NULL, deleted INTEGER NOT NULL,
    surface TEXT NOT NULL,
    digest BLOB NOT NULL,
    changed_at INTEGER NOT NULL, first_received INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (conversation, id)
);
-- A message whose conversation is missing stops the step: nothing is lost in silence.
INSERT INTO message (number, user_id, conversation, id, version, timestamp_s, timestamp_ns, redacted, deleted, surface, digest, changed_at, first_received, body)
    SELECT number, user_id, (SELECT c.number FROM conversation c WHERE c.user_id = m.user_id AND c.conversation_id = m.conversation_id),
           id, version, timestamp_s, timestamp_ns, redacted, deleted, surface, digest, changed_at, first_received, body
    FROM message_before m ORDER BY number;
DROP TABLE message_before;
CREATE INDEX message_order  ON message (conversation, timestamp_s, timestamp_ns, id);
CREATE INDEX message_feed   ON message (conversation, changed_at, id);
CREATE INDEX message_by_age ON message (user_id, min(first_received, timestamp_s * 1000000000 + timestamp_ns));
)sql";

}  // namespace bsp::server::migrations
