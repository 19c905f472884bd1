#include "sqlite_ledger.hpp"

#include "sqlite_guard.hpp"

#include <bsp/base/limits.hpp>

#define POSITION_COLUMNS "since_at, after_at, after_id, within_at, within_id"

namespace bsp::server {

using sqlite::from_nanoseconds;
using sqlite::statement;
using sqlite::to_nanoseconds;

namespace {

constexpr std::string_view event_content = "sync_event.body";  // as in sqlite_content.cpp

/// A position as its five columns. What is bound must outlive the statement, and so must this.
struct position_columns {
    std::int64_t since;
    std::optional<std::int64_t> after_at, within_at;
    std::optional<std::string_view> after_id, within_id;

    explicit position_columns(feed_position const& p) : since{to_nanoseconds(p.since)} {
        if (p.after) after_at = to_nanoseconds(p.after->at), after_id = p.after->id;
        if (p.within) within_at = to_nanoseconds(p.within->at), within_id = p.within->id;
    }
};

std::optional<position> position_at(statement const& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return position{from_nanoseconds(row.integer(column)), row.text(column + 1)};
}

feed_position feed_position_at(statement const& row, int column) {
    return {from_nanoseconds(row.integer(column)), position_at(row, column + 1), position_at(row, column + 3)};
}

std::optional<std::int64_t> nanoseconds_of(std::optional<instant> const& t) { return t ? std::optional{to_nanoseconds(*t)} : std::nullopt; }

void put_progress(sqlite::connection& db, peer_progress const& p) {
    position_columns const at{p.pushed};
    auto const& n = p.counters;
    db.prepare("INSERT OR REPLACE INTO sync_progress (peer_id, own_epoch, " POSITION_COLUMNS ", peer_epoch, pull_since, pull_cursor, "
               "pushes_acknowledged, pushes_failed, pages_pulled, pulls_failed, last_success, push_error, pull_error, known_key) "
               "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)")
        .bind(p.peer_id, p.own_epoch, at.since, at.after_at, at.after_id, at.within_at, at.within_id, p.peer_epoch, p.since, p.cursor, n.pushes_acknowledged,
              n.pushes_failed, n.pages_pulled, n.pulls_failed, nanoseconds_of(n.last_success), n.push_error, n.pull_error, p.known_key)
        .run();
    db.prepare("DELETE FROM sync_refused WHERE peer_id = ?1").bind(p.peer_id).run();
    for (std::size_t place = 0; place < p.refused.size(); ++place) {
        auto const& r = p.refused[place];
        position_columns const from{r.from};
        db.prepare("INSERT INTO sync_refused (peer_id, place, conversation_id, " POSITION_COLUMNS ", error) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
            .bind(p.peer_id, place, r.conversation_id, from.since, from.after_at, from.after_id, from.within_at, from.within_id, r.error)
            .run();
    }
}

void put_occurrence(sqlite::connection& db, std::string_view peer_id, sync_occurrence const& o) {
    db.prepare("INSERT INTO sync_history (peer_id, what, at, sync_id, conversations, messages, error) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .bind(peer_id, static_cast<std::int64_t>(o.what), to_nanoseconds(o.at), o.sync_id, o.conversations, o.messages, o.error)
        .run();
    db.prepare("DELETE FROM sync_history WHERE number IN (SELECT number FROM sync_history WHERE peer_id = ?1 ORDER BY number DESC LIMIT -1 OFFSET ?2)")
        .bind(peer_id, limits::sync_history_max)
        .run();
}

}  // namespace

result<std::optional<peer_progress>> sqlite_ledger::progress(std::string_view peer_id) {
    std::optional<peer_progress> found;
    BSP_CHECK(file_.look([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            auto row = s.db.prepare("SELECT own_epoch, " POSITION_COLUMNS ", peer_epoch, pull_since, pull_cursor, pushes_acknowledged, pushes_failed, "
                                    "pages_pulled, pulls_failed, last_success, push_error, pull_error, known_key FROM sync_progress WHERE peer_id = ?1");
            if (!row.bind(peer_id).step()) return ok();
            auto& p = found.emplace();
            p.peer_id = peer_id;
            p.own_epoch = row.text(0);
            p.pushed = feed_position_at(row, 1);
            p.peer_epoch = row.text(6);
            p.since = row.text(7);
            p.cursor = row.text(8);
            p.counters = {.pushes_acknowledged = row.integer(9), .pushes_failed = row.integer(10), .pages_pulled = row.integer(11), .pulls_failed = row.integer(12),
                          .last_success = {}, .push_error = row.text(14), .pull_error = row.text(15)};
            p.known_key = row.text(16);
            if (!row.is_null(13)) p.counters.last_success = from_nanoseconds(row.integer(13));
            auto refused = s.db.prepare("SELECT conversation_id, " POSITION_COLUMNS ", error FROM sync_refused WHERE peer_id = ?1 ORDER BY place");
            refused.bind(peer_id);
            while (refused.step()) p.refused.push_back({refused.text(0), feed_position_at(refused, 1), refused.text(6)});
            return ok();
        });
    }));
    return found;
}

result<> sqlite_ledger::save(peer_progress const& progress, std::optional<sync_occurrence> const& occurrence) {
    return file_.change([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            put_progress(s.db, progress);
            if (occurrence) put_occurrence(s.db, progress.peer_id, *occurrence);
            return ok();
        });
    });
}

result<std::vector<sync_occurrence>> sqlite_ledger::history(std::string_view peer_id, std::size_t limit) {
    std::vector<sync_occurrence> latest;
    BSP_CHECK(file_.look([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            auto rows = s.db.prepare("SELECT what, at, sync_id, conversations, messages, error FROM sync_history WHERE peer_id = ?1 ORDER BY number DESC LIMIT ?2");
            rows.bind(peer_id, limit);
            while (rows.step())
                latest.push_back({.what = static_cast<sync_occurrence::kind>(rows.integer(0)), .at = from_nanoseconds(rows.integer(1)), .sync_id = rows.text(2),
                                  .conversations = static_cast<std::size_t>(rows.integer(3)), .messages = static_cast<std::size_t>(rows.integer(4)), .error = rows.text(5)});
            return ok();
        });
    }));
    return latest;
}

result<> sqlite_ledger::append(std::string_view peer_id, queued_event const& event, std::size_t dropped) {
    return file_.change([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            if (dropped > 0) {
                s.db.prepare("DELETE FROM sync_event WHERE number IN (SELECT number FROM sync_event WHERE peer_id = ?1 ORDER BY number LIMIT ?2)").bind(peer_id, dropped).run();
                std::int64_t const gone = s.db.changes();
                s.db.prepare("INSERT INTO sync_dropped (peer_id, events) VALUES (?1, ?2) ON CONFLICT (peer_id) DO UPDATE SET events = events + ?2").bind(peer_id, gone).run();
            }
            auto const kept = s.content.put(event.body, {event_content, peer_id, {}, event.event_id});
            s.db.prepare("INSERT INTO sync_event (peer_id, event_id, body, queued_at) VALUES (?1, ?2, ?3, ?4)")
                .bind(peer_id, event.event_id, kept, to_nanoseconds(event.queued_at))
                .run();
            return ok();
        });
    });
}

result<std::vector<queued_event>> sqlite_ledger::events(std::string_view peer_id, std::uint64_t after, std::size_t limit) {
    std::vector<queued_event> page;
    BSP_CHECK(file_.look([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            auto rows = s.db.prepare("SELECT number, event_id, body, queued_at FROM sync_event WHERE peer_id = ?1 AND number > ?2 ORDER BY number LIMIT ?3");
            rows.bind(peer_id, after, limit);
            while (rows.step()) {
                std::string id = rows.text(1), body = s.content.get(rows.content(2), {event_content, peer_id, {}, id});
                page.push_back({static_cast<std::uint64_t>(rows.integer(0)), std::move(id), std::move(body), from_nanoseconds(rows.integer(3))});
            }
            return ok();
        });
    }));
    return page;
}

result<> sqlite_ledger::remove_event(std::string_view peer_id, std::string_view event_id) {
    return file_.change([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            s.db.prepare("DELETE FROM sync_event WHERE peer_id = ?1 AND event_id = ?2").bind(peer_id, event_id).run();
            return ok();
        });
    });
}

result<queue_usage> sqlite_ledger::usage(std::string_view peer_id) {
    queue_usage u;
    BSP_CHECK(file_.look([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            auto sums = s.db.prepare("SELECT count(*), ifnull(sum(length(CAST(body AS BLOB))), 0) FROM sync_event WHERE peer_id = ?1");
            sums.bind(peer_id).step();
            u.items = static_cast<std::size_t>(sums.integer(0));
            u.bytes = static_cast<std::size_t>(sums.integer(1)) - u.items * s.content.overhead_bytes();
            auto first = s.db.prepare("SELECT queued_at FROM sync_event WHERE peer_id = ?1 ORDER BY number LIMIT 1");
            if (first.bind(peer_id).step()) u.oldest = from_nanoseconds(first.integer(0));
            auto dropped = s.db.prepare("SELECT events FROM sync_dropped WHERE peer_id = ?1");
            if (dropped.bind(peer_id).step()) u.dropped = static_cast<std::uint64_t>(dropped.integer(0));
            return ok();
        });
    }));
    return u;
}

result<> sqlite_ledger::forget(std::string_view peer_id) {
    return file_.change([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            s.db.prepare("DELETE FROM sync_progress WHERE peer_id = ?1").bind(peer_id).run();
            s.db.prepare("DELETE FROM sync_refused WHERE peer_id = ?1").bind(peer_id).run();
            s.db.prepare("DELETE FROM sync_history WHERE peer_id = ?1").bind(peer_id).run();
            s.db.prepare("DELETE FROM sync_event WHERE peer_id = ?1").bind(peer_id).run();
            s.db.prepare("DELETE FROM sync_dropped WHERE peer_id = ?1").bind(peer_id).run();
            return ok();
        });
    });
}

}  // namespace bsp::server
