#pragma once

namespace bsp::server::migrations {

/// What users allow, as the JSON text of privacy/settings.hpp; who has no row has the defaults.
inline constexpr char const* privacy_settings_step = R"sql(
CREATE TABLE privacy_settings (user_id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
)sql";

/// Retention and erasure. Of what is gone for good, keyed hashes of the ids remain; the key is the store's own.
/// Columns are added at the end of their rows, behind the bodies, and read rarely.
inline constexpr char const* retention_step = R"sql(
ALTER TABLE message ADD COLUMN first_received INTEGER NOT NULL DEFAULT 0;
UPDATE message SET first_received = changed_at;
ALTER TABLE loser ADD COLUMN first_received INTEGER NOT NULL DEFAULT 0;
UPDATE loser SET first_received = at;
CREATE INDEX message_by_age ON message (user_id, min(first_received, timestamp_s * 1000000000 + timestamp_ns));

CREATE TABLE departed (
    user_id TEXT NOT NULL, trace BLOB NOT NULL,
    cause   INTEGER NOT NULL,                    -- 0 erased, 1 expired
    version INTEGER NOT NULL,
    PRIMARY KEY (user_id, trace)
) WITHOUT ROWID;
INSERT INTO meta (name, value) VALUES ('departed_key', lower(hex(randomblob(32))));
)sql";

}  // namespace bsp::server::migrations
