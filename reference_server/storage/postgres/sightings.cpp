#include "sightings.hpp"

#include "../columns.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>

#include <cmath>

#define DATABASE_NOW "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

namespace bsp::server::postgres {
namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();
constexpr int streams_told_every = 5;               ///< turns
constexpr std::int64_t streams_believed_ms = 20'000;  ///< then their instance is gone
constexpr std::int64_t overlap_ms = 5'000;          ///< a transaction is seen after the time that it has noted
constexpr std::int64_t kept_ms = 7 * 86'400'000LL;

std::int64_t column_of(std::optional<instant> const& t) { return t ? to_nanoseconds(*t) : never; }
std::optional<instant> instant_of(std::int64_t column) { return column == never ? std::nullopt : std::optional{from_nanoseconds(column)}; }

}  // namespace

std::string sightings::random_name() {
    std::array<std::uint8_t, 8> bytes{};
    random_bytes(bytes);
    return to_hex(bytes);
}

void sightings::exchange(connection& db, observe::observatory& seen) {
    db.begin_volatile();
    bool const is_turn = turn_++ % streams_told_every == 0;
    tell(db, seen, is_turn);
    if (is_turn) {
        db.tell("UPDATE sighting SET streams = 0, told_at = " DATABASE_NOW " WHERE (peer_id, instance) IN "
                "(SELECT peer_id, instance FROM sighting WHERE streams > 0 AND told_at < " DATABASE_NOW " - $1 FOR UPDATE SKIP LOCKED)",
                streams_believed_ms);
        db.tell("DELETE FROM sighting WHERE (peer_id, instance) IN (SELECT peer_id, instance FROM sighting WHERE told_at < " DATABASE_NOW " - $1 LIMIT 10000 FOR UPDATE SKIP LOCKED)", kept_ms);
    }
    hear(db, seen);
    db.end("COMMIT");
}

void sightings::tell(connection& db, observe::observatory& seen, bool with_streams) {
    using of = list::of;
    list peer_id{of::texts}, request{of::integers}, pull{of::integers}, skew{of::integers}, streams{of::integers};
    auto const news = seen.take_news(with_streams);
    for (auto const& [id, s] : news) {
        peer_id.add(std::string_view{id});
        request.add(column_of(s.request));
        pull.add(column_of(s.pull));
        skew.add(s.skew ? static_cast<std::int64_t>(std::llround(*s.skew * 1'000)) : never);
        streams.add(s.streams);
    }
    if (news.empty()) return;
    db.tell("INSERT INTO sighting (peer_id, instance, request_at, pull_at, skew_ms, streams, told_at) "
            "SELECT peer_id, $1, request_at, pull_at, skew_ms, streams, " DATABASE_NOW " FROM unnest($2, $3, $4, $5, $6) AS news (peer_id, request_at, pull_at, skew_ms, streams) "
            "ON CONFLICT (peer_id, instance) DO UPDATE SET request_at = excluded.request_at, pull_at = excluded.pull_at, skew_ms = excluded.skew_ms, "
            "streams = excluded.streams, told_at = excluded.told_at",
            instance_, peer_id, request, pull, skew, streams);
}

void sightings::hear(connection& db, observe::observatory& seen) {
    auto row = db.ask("SELECT peer_id, max(request_at), max(pull_at), (array_agg(skew_ms ORDER BY told_at DESC))[1], sum(streams)::bigint, max(told_at) FROM sighting "
                      "WHERE instance <> $1 AND peer_id IN (SELECT peer_id FROM sighting WHERE told_at > $2) GROUP BY peer_id",
                      instance_, heard_until_ - overlap_ms);
    while (row.step()) {
        auto const skew = row.integer(3) == never ? std::nullopt : std::optional{static_cast<double>(row.integer(3)) / 1'000};
        seen.handle_elsewhere(row.text(0), {instant_of(row.integer(1)), instant_of(row.integer(2)), skew, row.integer(4)});
        heard_until_ = std::max(heard_until_, row.integer(5));
    }
}

instant alert_since(connection& db, std::string_view type, std::string_view peer_id, instant now) {
    db.begin_durable();
    // The update changes nothing but that the row is returned.
    auto row = db.ask("INSERT INTO alert_since (type, peer_id, since) VALUES ($1, $2, $3) ON CONFLICT (type, peer_id) DO UPDATE SET since = alert_since.since RETURNING since", type, peer_id, to_nanoseconds(now));
    row.step();
    instant const since = from_nanoseconds(row.integer(0));
    db.end("COMMIT");
    return since;
}

void end_alert(connection& db, std::string_view type, std::string_view peer_id) {
    db.begin_durable();
    db.tell("DELETE FROM alert_since WHERE type = $1 AND peer_id = $2", type, peer_id);
    db.end("COMMIT");
}

}  // namespace bsp::server::postgres
