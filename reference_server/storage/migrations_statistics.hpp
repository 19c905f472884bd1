#pragma once

namespace bsp::server::migrations {

/// What chapter 19 counts: of registrations, and of telemetry, whose numbers stand beside the texts that they are from,
/// so that the sums of a day are read from one index.
inline constexpr char const* statistics_step = R"sql(
CREATE TABLE peer_statistics (
    peer_id  TEXT PRIMARY KEY,
    events   INTEGER NOT NULL,
    outcomes TEXT NOT NULL,                      -- + accepted, - refused, the latest last
    errors   TEXT NOT NULL                       -- lines: code, space, timestamp; the latest first
) WITHOUT ROWID;

ALTER TABLE event ADD COLUMN latency_ms REAL;
ALTER TABLE event ADD COLUMN cost_usd   REAL;
UPDATE event SET latency_ms = json_extract(body, '$.latency_ms'), cost_usd = json_extract(body, '$.cost_usd') WHERE json_valid(body);
CREATE INDEX event_by_receipt ON event (received_at, peer_id, latency_ms, cost_usd);
)sql";

}  // namespace bsp::server::migrations
