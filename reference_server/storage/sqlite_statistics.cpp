#include "sqlite_guard.hpp"
#include "sqlite_views.hpp"

/// What chapter 19 counts (policy/statistics.hpp).
namespace bsp::server {

using sqlite::to_nanoseconds;

template <class Interface>
result<peer_statistics> sqlite_registry<Interface>::statistics(std::string_view peer_id) {
    return guarded(session_, [&]() -> result<peer_statistics> {
        auto row = session_.db.prepare("SELECT events, outcomes, errors FROM peer_statistics WHERE peer_id = ?1");
        if (!row.bind(peer_id).step()) return peer_statistics{};
        return peer_statistics{row.integer(0), row.text(1), noted_errors_of(row.text(2))};
    });
}

template <class Interface>
result<std::vector<peer_telemetry>> sqlite_registry<Interface>::telemetry_since(instant since) {
    return guarded(session_, [&]() -> result<std::vector<peer_telemetry>> {
        // `total` is a floating sum: latencies near 2^53 would not fit an integer one.
        auto rows = session_.db.prepare("SELECT peer_id, count(*), count(latency_ms), total(latency_ms), total(cost_usd) FROM event INDEXED BY event_by_receipt "
                                        "WHERE received_at >= ?1 GROUP BY peer_id");
        rows.bind(to_nanoseconds(since));
        std::vector<peer_telemetry> sums;
        while (rows.step()) sums.push_back({rows.text(0), rows.integer(1), rows.integer(2), rows.real(3), rows.real(4)});
        return sums;
    });
}

template result<peer_statistics> sqlite_registry<store_reader>::statistics(std::string_view);
template result<peer_statistics> sqlite_registry<store_writer>::statistics(std::string_view);
template result<std::vector<peer_telemetry>> sqlite_registry<store_reader>::telemetry_since(instant);
template result<std::vector<peer_telemetry>> sqlite_registry<store_writer>::telemetry_since(instant);

result<> sqlite_transaction::put_statistics(std::string_view peer_id, peer_statistics const& counted) {
    return guarded(session_, [&]() -> result<> {
        std::string const errors = text_of(counted.errors);
        session_.db.prepare("INSERT OR REPLACE INTO peer_statistics (peer_id, events, outcomes, errors) VALUES (?1, ?2, ?3, ?4)")
            .bind(peer_id, counted.events, counted.outcomes, errors)
            .run();
        return ok();
    });
}

}  // namespace bsp::server
