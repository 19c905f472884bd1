#include "sqlite_guard.hpp"
#include "sqlite_views.hpp"

#include <algorithm>
#include <stdexcept>

#define AUDIT_COLUMNS "number, at, type, peer_id, details, hash"

namespace bsp::server {

using sqlite::statement;
using sqlite::to_nanoseconds;

namespace {

audit_entry entry_of(statement const& row) {
    return {static_cast<std::uint64_t>(row.integer(0)), sqlite::from_nanoseconds(row.integer(1)), static_cast<audit_type>(row.integer(2)),
            row.text(3), row.text(4), row.digest(5)};
}

std::int64_t number_of(audit_type t) { return static_cast<std::int64_t>(t); }

}  // namespace

template <class Interface>
result<std::vector<audit_entry>> sqlite_registry<Interface>::audit(audit_query const& asked) {
    return guarded(session_, [&]() -> result<std::vector<audit_entry>> {
        std::vector<audit_entry> page;
        auto const collect = [&](statement& rows) {
            while (rows.step()) page.push_back(entry_of(rows));
        };
        std::int64_t const since = to_nanoseconds(asked.since);
        if (asked.peer_id) {
            auto rows = session_.db.prepare("SELECT " AUDIT_COLUMNS " FROM audit INDEXED BY audit_of_peer WHERE peer_id = ?1 AND number > ?2 AND at >= ?3 "
                                            "AND (?4 IS NULL OR type = ?4) ORDER BY number LIMIT ?5");
            collect(rows.bind(*asked.peer_id, asked.after, since, asked.type ? std::optional{number_of(*asked.type)} : std::nullopt, asked.limit));
        } else if (asked.type) {
            auto rows = session_.db.prepare("SELECT " AUDIT_COLUMNS " FROM audit INDEXED BY audit_of_type WHERE type = ?1 AND number > ?2 AND at >= ?3 "
                                            "ORDER BY number LIMIT ?4");
            collect(rows.bind(number_of(*asked.type), asked.after, since, asked.limit));
        } else {
            auto rows = session_.db.prepare("SELECT " AUDIT_COLUMNS " FROM audit WHERE number > ?1 AND at >= ?2 ORDER BY number LIMIT ?3");
            collect(rows.bind(asked.after, since, asked.limit));
        }
        return page;
    });
}

template <class Interface>
result<std::optional<audit_entry>> sqlite_registry<Interface>::last_audit() {
    return guarded(session_, [&]() -> result<std::optional<audit_entry>> {
        auto row = session_.db.prepare("SELECT " AUDIT_COLUMNS " FROM audit ORDER BY number DESC LIMIT 1");
        if (!row.step()) return std::optional<audit_entry>{};
        return std::optional{entry_of(row)};
    });
}

template <class Interface>
result<audit_seal> sqlite_registry<Interface>::audit_begin() {
    return guarded(session_, [&]() -> result<audit_seal> {
        auto row = session_.db.prepare("SELECT value FROM meta WHERE name = 'audit_begin'");
        if (!row.step()) return audit_seal{};
        return audit_seal_of(row.text(0));
    });
}

template result<audit_seal> sqlite_registry<store_reader>::audit_begin();
template result<audit_seal> sqlite_registry<store_writer>::audit_begin();
template result<std::vector<audit_entry>> sqlite_registry<store_reader>::audit(audit_query const&);
template result<std::vector<audit_entry>> sqlite_registry<store_writer>::audit(audit_query const&);
template result<std::optional<audit_entry>> sqlite_registry<store_reader>::last_audit();
template result<std::optional<audit_entry>> sqlite_registry<store_writer>::last_audit();

result<rate_window> sqlite_transaction::count_request(std::string_view key, std::chrono::seconds window, instant now) {
    return guarded(session_, [&]() -> result<rate_window> {
        std::int64_t const at = to_nanoseconds(now);
        session_.db.prepare("DELETE FROM rate_window WHERE ends <= ?1").bind(at).run();
        auto row = session_.db.prepare("INSERT INTO rate_window (name, begin, count, ends) VALUES (?1, ?2, 1, ?3) ON CONFLICT (name) DO UPDATE SET "
                                       "count = CASE WHEN begin > ?2 THEN 1 ELSE count + 1 END, ends = CASE WHEN begin > ?2 THEN ?3 ELSE ends END, "
                                       "begin = min(begin, ?2) RETURNING begin, count");  // a window of the future: the clock was set back
        row.bind(key, at, to_nanoseconds(now + window)).step();
        rate_window out{sqlite::from_nanoseconds(row.integer(0)), static_cast<std::uint64_t>(row.integer(1))};
        row.step();
        return out;
    });
}

result<> sqlite_transaction::append_audit(audit_event const& event) {
    BSP_TRY(auto const last, last_audit());
    return guarded(session_, [&]() -> result<> {
        auto key = session_.db.prepare("SELECT value FROM meta WHERE name = 'audit_key'");
        key.step();
        // An instant beyond what a column holds is kept as the end of that range, and hashed so.
        audit_event kept = event;
        kept.at = sqlite::from_nanoseconds(to_nanoseconds(event.at));
        auto const e = next_entry(last, kept, key.text(0));
        session_.db.prepare("INSERT INTO audit (" AUDIT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .bind(e.number, to_nanoseconds(e.at), number_of(e.type), e.peer_id, e.details, e.hash)
            .run();
        return ok();
    });
}

result<std::size_t> sqlite_transaction::prune_audit(instant until, std::size_t limit) {
    BSP_TRY(auto const begin, audit_begin());
    return guarded(session_, [&]() -> result<std::size_t> {
        auto end = session_.db.prepare("SELECT coalesce((SELECT number FROM audit WHERE number <= ?2 AND at > ?1 ORDER BY number LIMIT 1), (SELECT max(number) FROM audit), 0)");
        end.bind(to_nanoseconds(until), begin.number + limit).step();
        auto const last = std::min(begin.number + limit, static_cast<std::uint64_t>(std::max<std::int64_t>(end.integer(0), 1)) - 1);
        if (last <= begin.number) return std::size_t{0};
        auto row = session_.db.prepare("SELECT hash FROM audit WHERE number = ?1");
        if (!row.bind(last).step()) throw std::runtime_error{"the audit trail has a gap"};
        std::string const seal = text_of(audit_seal{last, row.digest(0)});
        session_.db.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('audit_begin', ?1)").bind(seal).run();
        session_.db.prepare("DELETE FROM audit WHERE number <= ?1").bind(last).run();
        return static_cast<std::size_t>(last - begin.number);
    });
}

}  // namespace bsp::server
