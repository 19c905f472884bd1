#include "sqlite_guard.hpp"
#include "sqlite_views.hpp"

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

template result<std::vector<audit_entry>> sqlite_registry<store_reader>::audit(audit_query const&);
template result<std::vector<audit_entry>> sqlite_registry<store_writer>::audit(audit_query const&);
template result<std::optional<audit_entry>> sqlite_registry<store_reader>::last_audit();
template result<std::optional<audit_entry>> sqlite_registry<store_writer>::last_audit();

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

}  // namespace bsp::server
