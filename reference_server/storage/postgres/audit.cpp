#include "views.hpp"

#include "../columns.hpp"

#define AUDIT_COLUMNS "number, at, type, peer_id, details, hash"

namespace bsp::server::postgres {
namespace {

constexpr std::int64_t chain_lock = 0x42535003;
constexpr std::size_t linked_at_once = 2'000;

audit_entry entry_of(rows const& row) {
    return {static_cast<std::uint64_t>(row.integer(0)), from_nanoseconds(row.integer(1)), static_cast<audit_type>(row.integer(2)), row.text(3), row.text(4), row.digest(5)};
}

std::int64_t number_of(audit_type t) { return static_cast<std::int64_t>(t); }

audit_seal begin_of(connection& db) {
    auto row = db.ask("SELECT value FROM meta WHERE name = 'audit_begin'");
    return row.step() ? audit_seal_of(row.text(0)) : audit_seal{};
}

std::optional<audit_entry> last_of(connection& db) {
    auto row = db.ask("SELECT " AUDIT_COLUMNS " FROM audit ORDER BY number DESC LIMIT 1");
    if (!row.step()) return std::nullopt;
    return entry_of(row);
}

/// Links some; false when none are left.
bool link_some(connection& db) {
    auto waiting = db.ask("SELECT number, at, type, peer_id, details FROM audit_waiting ORDER BY number LIMIT $1", linked_at_once);
    if (waiting.count() == 0) return false;
    std::optional<audit_entry> last = last_of(db);
    using of = list::of;
    list done{of::integers}, number{of::integers}, at{of::integers}, type{of::integers}, peer_id{of::texts}, details{of::texts}, hash{of::digests};
    while (waiting.step()) {
        done.add(waiting.integer(0));
        last = linked_entry(last, from_nanoseconds(waiting.integer(1)), static_cast<audit_type>(waiting.integer(2)), waiting.text(3), waiting.text(4));
        number.add(static_cast<std::int64_t>(last->number));
        at.add(to_nanoseconds(last->at));
        type.add(number_of(last->type));
        peer_id.add(std::string_view{last->peer_id});
        details.add(std::string_view{last->details});
        hash.add(last->hash);
    }
    db.tell("INSERT INTO audit (" AUDIT_COLUMNS ") SELECT * FROM unnest($1, $2, $3, $4, $5, $6)", number, at, type, peer_id, details, hash);
    db.tell("DELETE FROM audit_waiting WHERE number = ANY ($1)", done);
    return waiting.count() == static_cast<int>(linked_at_once);
}

/// Nobody else changes the chain until the transaction ends.
void hold_chain(connection& db) { db.tell("SELECT pg_advisory_xact_lock($1)", chain_lock); }

}  // namespace

void link_audit(connection& db) {
    for (bool more = true; more;) {
        db.begin_durable();
        hold_chain(db);
        more = link_some(db);
        db.end("COMMIT");
    }
}

void forget_the_past(connection& db, std::int64_t now) {
    db.begin_volatile();
    // Whatever somebody is about to renew is not waited for.
    db.tell("DELETE FROM assertion_claim WHERE (issuer, jti) IN (SELECT issuer, jti FROM assertion_claim WHERE expires_at <= $1 LIMIT 10000 FOR UPDATE SKIP LOCKED)", now);
    db.tell("DELETE FROM rate_window WHERE name IN (SELECT name FROM rate_window WHERE ends <= $1 LIMIT 10000 FOR UPDATE SKIP LOCKED)", now);
    db.end("COMMIT");
}

template <class Interface>
result<std::vector<audit_entry>> registry<Interface>::audit(audit_query const& asked) {
    return guarded(session_, [&]() -> result<std::vector<audit_entry>> {
        bring_audit_up_to_date();
        auto& db = session_.use();
        std::int64_t const since = to_nanoseconds(asked.since);
        std::int64_t const type = asked.type ? number_of(*asked.type) : -1;
        auto given = asked.peer_id ? db.ask("SELECT " AUDIT_COLUMNS " FROM audit WHERE peer_id = $1 AND number > $2 AND at >= $3 AND ($4 < 0 OR type = $4) ORDER BY number LIMIT $5", *asked.peer_id,
                                            asked.after, since, type, asked.limit)
                     : asked.type ? db.ask("SELECT " AUDIT_COLUMNS " FROM audit WHERE type = $1 AND number > $2 AND at >= $3 ORDER BY number LIMIT $4", type, asked.after, since, asked.limit)
                                  : db.ask("SELECT " AUDIT_COLUMNS " FROM audit WHERE number > $1 AND at >= $2 ORDER BY number LIMIT $3", asked.after, since, asked.limit);
        std::vector<audit_entry> page;
        while (given.step()) page.push_back(entry_of(given));
        return page;
    });
}

template <class Interface>
result<std::optional<audit_entry>> registry<Interface>::last_audit() {
    return guarded(session_, [&]() -> result<std::optional<audit_entry>> {
        bring_audit_up_to_date();
        return last_of(session_.use());
    });
}

template <class Interface>
result<audit_seal> registry<Interface>::audit_begin() {
    return guarded(session_, [&]() -> result<audit_seal> {
        bring_audit_up_to_date();
        return begin_of(session_.use());
    });
}

template result<audit_seal> registry<store_reader>::audit_begin();
template result<audit_seal> registry<store_writer>::audit_begin();
template result<std::vector<audit_entry>> registry<store_reader>::audit(audit_query const&);
template result<std::vector<audit_entry>> registry<store_writer>::audit(audit_query const&);
template result<std::optional<audit_entry>> registry<store_reader>::last_audit();
template result<std::optional<audit_entry>> registry<store_writer>::last_audit();

result<> transaction::append_audit(audit_event const& event) {
    return guarded(session_, [&]() -> result<> {
        // The chain has one end, for which all of all users would have to wait. So the entry waits instead, as durable as
        // what it tells of.
        session_.use().tell("INSERT INTO audit_waiting (at, type, peer_id, details) VALUES ($1, $2, $3, $4)", to_nanoseconds(event.at), number_of(event.type), event.peer_id,
                            audit_details(event, session_.known.audit_key));
        return ok();
    });
}

result<std::size_t> transaction::prune_audit(instant until, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::size_t> {
        auto& db = session_.use();
        hold_chain(db);
        while (link_some(db)) {}
        audit_seal const begin = begin_of(db);
        // Up to the one before the first that is too young, and never the last.
        auto row = db.ask("SELECT number, hash FROM audit WHERE number < coalesce((SELECT number FROM audit WHERE number <= $2 AND at > $1 ORDER BY number LIMIT 1), "
                          "(SELECT max(number) FROM audit)) AND number <= $2 ORDER BY number DESC LIMIT 1",
                          to_nanoseconds(until), begin.number + limit);
        if (!row.step()) return std::size_t{0};
        audit_seal const end{static_cast<std::uint64_t>(row.integer(0)), row.digest(1)};
        db.tell("INSERT INTO meta (name, value) VALUES ('audit_begin', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value", text_of(end));
        db.tell("DELETE FROM audit WHERE number <= $1", end.number);
        return static_cast<std::size_t>(end.number - begin.number);
    });
}

result<rate_window> transaction::count_request(std::string_view key, std::chrono::seconds window, instant now) {
    return guarded(session_, [&]() -> result<rate_window> {
        *session_.latest_now = to_nanoseconds(now);
        // A window that has ended begins anew, and so does one of the future: the clock was set back.
        auto row = session_.use().ask("INSERT INTO rate_window (name, begin, count, ends) VALUES ($1, $2, 1, $3) ON CONFLICT (name) DO UPDATE SET "
                                      "count = CASE WHEN rate_window.ends <= $2 OR rate_window.begin > $2 THEN 1 ELSE rate_window.count + 1 END, "
                                      "ends = CASE WHEN rate_window.ends <= $2 OR rate_window.begin > $2 THEN $3 ELSE rate_window.ends END, "
                                      "begin = CASE WHEN rate_window.ends <= $2 OR rate_window.begin > $2 THEN $2 ELSE rate_window.begin END RETURNING begin, count",
                                      key, to_nanoseconds(now), to_nanoseconds(now + window));
        row.step();
        return rate_window{from_nanoseconds(row.integer(0)), static_cast<std::uint64_t>(row.integer(1))};
    });
}

}  // namespace bsp::server::postgres
