#include "views.hpp"

#include "../columns.hpp"

/// What chapter 19 counts (policy/statistics.hpp).
namespace bsp::server::postgres {

template <class Interface>
result<peer_statistics> registry<Interface>::statistics(std::string_view peer_id) {
    return guarded(session_, [&]() -> result<peer_statistics> {
        auto row = session_.use().ask("SELECT events, outcomes, errors FROM peer_statistics WHERE peer_id = $1", peer_id);
        if (!row.step()) return peer_statistics{};
        return peer_statistics{row.integer(0), row.text(1), noted_errors_of(row.text(2))};
    });
}

template <class Interface>
result<std::vector<peer_telemetry>> registry<Interface>::telemetry_since(instant since) {
    return guarded(session_, [&]() -> result<std::vector<peer_telemetry>> {
        auto given = session_.use().ask("SELECT peer_id, count(*), count(latency_ms), coalesce(sum(latency_ms), 0), coalesce(sum(cost_usd), 0) FROM event "
                                        "WHERE received_at >= $1 GROUP BY peer_id",
                                        to_nanoseconds(since));
        std::vector<peer_telemetry> sums;
        while (given.step()) sums.push_back({given.text(0), given.integer(1), given.integer(2), given.real(3), given.real(4)});
        return sums;
    });
}

template result<peer_statistics> registry<store_reader>::statistics(std::string_view);
template result<peer_statistics> registry<store_writer>::statistics(std::string_view);
template result<std::vector<peer_telemetry>> registry<store_reader>::telemetry_since(instant);
template result<std::vector<peer_telemetry>> registry<store_writer>::telemetry_since(instant);

result<> transaction::put_statistics(std::string_view peer_id, peer_statistics const& counted) {
    return guarded(session_, [&]() -> result<> {
        std::string const errors = text_of(counted.errors);
        session_.use().tell("INSERT INTO peer_statistics (peer_id, events, outcomes, errors) VALUES ($1, $2, $3, $4) ON CONFLICT (peer_id) DO UPDATE SET "
                            "events = excluded.events, outcomes = excluded.outcomes, errors = excluded.errors",
                            peer_id, counted.events, counted.outcomes, errors);
        return ok();
    });
}

}  // namespace bsp::server::postgres
