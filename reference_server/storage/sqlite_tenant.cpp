#include "rows.hpp"
#include "sqlite_guard.hpp"
#include "sqlite_views.hpp"

#include <bsp/base/limits.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <stdexcept>

namespace bsp::server {

using sqlite::from_nanoseconds;
using sqlite::statement;
using sqlite::to_nanoseconds;

namespace {

// As in sqlite_content.cpp.
constexpr std::string_view head_content = "conversation.scalars_body", message_content = "message.body", loser_content = "loser.body",
                           receipt_content = "receipt.acknowledgement", event_content = "event.body";

/// A message of `column`, a table's body.
merge::message opened_message(content_codec const& codec, statement const& row, std::string_view column, std::string_view user, std::string_view conversation) {
    return message_of(row, [&](std::string const& id) { return codec.get({row.content(8), row.digest(7)}, {column, user, conversation, id}); });
}

merge::conversation_head opened_head(content_codec const& codec, statement const& row, std::string_view user) {
    return head_of(row, [&](std::string const& id) { return codec.get({row.content(12), row.digest(13)}, {head_content, user, id}); });
}

}  // namespace

std::optional<std::int64_t> sqlite_tenant::number_of(std::string_view conversation_id) {
    auto row = session_.db.prepare("SELECT number FROM conversation WHERE user_id = ?1 AND conversation_id = ?2");
    if (!row.bind(user_, conversation_id).step()) return std::nullopt;
    return row.integer(0);
}

result<std::optional<merge::conversation_head>> sqlite_tenant::head(std::string_view conversation_id) {
    return guarded(session_, [&]() -> result<std::optional<merge::conversation_head>> {
        auto rows = session_.db.prepare("SELECT " BSP_HEAD_COLUMNS " FROM conversation WHERE user_id = ?1 AND conversation_id = ?2");
        if (!rows.bind(user_, conversation_id).step()) return std::optional<merge::conversation_head>{};
        return std::optional{opened_head(session_.content, rows, user_)};
    });
}

result<std::vector<merge::message>> sqlite_tenant::messages(std::string_view conversation_id, std::span<std::string const> ids) {
    return guarded(session_, [&]() -> result<std::vector<merge::message>> {
        if (absent_ && absent_->conversation_id == conversation_id && std::ranges::equal(absent_->ids, ids)) return std::vector<merge::message>{};
        std::vector<std::string_view> wanted{ids.begin(), ids.end()};
        std::sort(wanted.begin(), wanted.end());
        wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
        std::vector<merge::message> found;
        auto const number = number_of(conversation_id);
        if (!number) return found;
        for (std::string_view const id : wanted) {
            auto row = session_.db.prepare("SELECT " BSP_MESSAGE_COLUMNS " FROM message WHERE conversation = ?1 AND id = ?2");
            if (row.bind(*number, id).step()) found.push_back(opened_message(session_.content, row, message_content, user_, conversation_id));
        }
        if (found.empty()) absent_ = absence{std::string{conversation_id}, {ids.begin(), ids.end()}};
        return found;
    });
}

result<std::vector<merge::message>> sqlite_tenant::messages_in_order(std::string_view conversation_id, std::optional<position> const& after,
                                                                     std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<merge::message>> {
        position const start = after.value_or(position{{std::numeric_limits<std::int64_t>::min(), 0}, {}});
        std::vector<merge::message> page;
        auto const number = number_of(conversation_id);
        if (!number) return page;
        auto rows = session_.db.prepare("SELECT " BSP_MESSAGE_COLUMNS
                                        " FROM message WHERE conversation = ?1 AND (timestamp_s, timestamp_ns, id) > (?2, ?3, ?4) "
                                        "ORDER BY timestamp_s, timestamp_ns, id LIMIT ?5");
        rows.bind(*number, start.at.seconds, start.at.nanoseconds, start.id, limit);
        while (rows.step()) page.push_back(opened_message(session_.content, rows, message_content, user_, conversation_id));
        return page;
    });
}

result<std::vector<merge::conversation_head>> sqlite_tenant::heads(std::string_view after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<merge::conversation_head>> {
        auto rows = session_.db.prepare("SELECT " BSP_HEAD_COLUMNS
                                        " FROM conversation WHERE user_id = ?1 AND conversation_id > ?2 ORDER BY conversation_id LIMIT ?3");
        rows.bind(user_, after, limit);
        std::vector<merge::conversation_head> page;
        while (rows.step()) page.push_back(opened_head(session_.content, rows, user_));
        return page;
    });
}

result<std::vector<changed_conversation>> sqlite_tenant::changes(instant since, std::optional<position> const& after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<changed_conversation>> {
        feed_start const start = start_of(since, after);
        auto rows = session_.db.prepare("SELECT " BSP_HEAD_COLUMNS
                                        ", changed_at FROM conversation WHERE user_id = ?1 AND (changed_at, conversation_id) > (?2, ?3) "
                                        "ORDER BY changed_at, conversation_id LIMIT ?4");
        rows.bind(user_, start.at, start.id, limit);
        std::vector<changed_conversation> page;
        while (rows.step()) page.push_back({opened_head(session_.content, rows, user_), from_nanoseconds(rows.integer(head_columns))});
        return page;
    });
}

result<std::vector<changed_message>> sqlite_tenant::changed_messages(std::string_view conversation_id, instant since,
                                                                     std::optional<position> const& after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<changed_message>> {
        feed_start const start = start_of(since, after);
        std::vector<changed_message> page;
        auto const number = number_of(conversation_id);
        if (!number) return page;
        auto rows = session_.db.prepare("SELECT " BSP_MESSAGE_COLUMNS
                                        ", changed_at FROM message WHERE conversation = ?1 AND (changed_at, id) > (?2, ?3) "
                                        "ORDER BY changed_at, id LIMIT ?4");
        rows.bind(*number, start.at, start.id, limit);
        while (rows.step()) page.push_back({opened_message(session_.content, rows, message_content, user_, conversation_id), from_nanoseconds(rows.integer(message_columns))});
        return page;
    });
}

result<std::optional<instant>> sqlite_tenant::last_change() {
    return guarded(session_, [&]() -> result<std::optional<instant>> {
        auto row = session_.db.prepare("SELECT changed_at FROM user_clock WHERE user_id = ?1");
        if (!row.bind(user_).step()) return std::optional<instant>{};
        return std::optional{from_nanoseconds(row.integer(0))};
    });
}

result<std::optional<sync_receipt>> sqlite_tenant::receipt(std::string_view peer_id, std::string_view sync_id) {
    return guarded(session_, [&]() -> result<std::optional<sync_receipt>> {
        auto row = session_.db.prepare("SELECT conversations_sha256, acknowledgement, accepted_at FROM receipt "
                                       "WHERE user_id = ?1 AND peer_id = ?2 AND sync_id = ?3");
        if (!row.bind(user_, peer_id, sync_id).step()) return std::optional<sync_receipt>{};
        auto content = session_.content.get({row.content(1), row.digest(0)}, {receipt_content, user_, peer_id, sync_id});
        return std::optional{sync_receipt{std::string{peer_id}, std::string{sync_id}, content.digest, std::move(content.text), from_nanoseconds(row.integer(2))}};
    });
}

result<std::vector<changed_message>> sqlite_tenant::losers(std::string_view conversation_id, instant kept_since) {
    return guarded(session_, [&]() -> result<std::vector<changed_message>> {
        auto rows = session_.db.prepare("SELECT " BSP_MESSAGE_COLUMNS
                                        ", at FROM loser WHERE user_id = ?1 AND conversation_id = ?2 AND at >= ?3 ORDER BY number");
        rows.bind(user_, conversation_id, to_nanoseconds(kept_since));
        std::vector<changed_message> found;
        while (rows.step()) found.push_back({opened_message(session_.content, rows, loser_content, user_, conversation_id), from_nanoseconds(rows.integer(message_columns))});
        return found;
    });
}

result<std::vector<telemetry_record>> sqlite_tenant::events(std::optional<std::string_view> source_backend, instant since, std::optional<position> const& after,
                                                            std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<telemetry_record>> {
        feed_start const start = start_of(since, after);
        auto rows = session_.db.prepare(source_backend ? "SELECT event_id, peer_id, source_backend, received_at, body, latency_ms, cost_usd FROM event "
                                                         "WHERE user_id = ?1 AND (received_at, event_id) > (?2, ?3) AND source_backend = ?5 "
                                                         "ORDER BY received_at, event_id LIMIT ?4"
                                                       : "SELECT event_id, peer_id, source_backend, received_at, body, latency_ms, cost_usd FROM event "
                                                         "WHERE user_id = ?1 AND (received_at, event_id) > (?2, ?3) "
                                                         "ORDER BY received_at, event_id LIMIT ?4");
        if (source_backend) rows.bind(user_, start.at, start.id, limit, *source_backend);
        else rows.bind(user_, start.at, start.id, limit);
        std::vector<telemetry_record> page;
        auto const real = [&](int column) { return rows.is_null(column) ? std::nullopt : std::optional{rows.real(column)}; };
        while (rows.step()) {
            std::string id = rows.text(0), body = session_.content.get(rows.content(4), {event_content, user_, {}, id});
            page.push_back({std::move(id), rows.text(1), rows.text(2), from_nanoseconds(rows.integer(3)), std::move(body), real(5), real(6)});
        }
        return page;
    });
}

result<instant> sqlite_tenant::begin_change(instant now) {
    return guarded(session_, [&]() -> result<instant> {
        auto row = session_.db.prepare("INSERT INTO user_clock (user_id, changed_at) VALUES (?1, ?2) "
                                       "ON CONFLICT (user_id) DO UPDATE SET changed_at = max(excluded.changed_at, changed_at + 1) "
                                       "RETURNING changed_at");
        row.bind(user_, to_nanoseconds(now)).step();
        std::int64_t const taken = row.integer(0);
        row.step();
        return from_nanoseconds(taken);
    });
}

result<> sqlite_tenant::put_head(merge::conversation_head const& head, instant changed_at) {
    return guarded(session_, [&]() -> result<> {
        std::string const surfaces = to_json_array(head.surfaces);
        auto const kept = session_.content.put(head.scalars.body, head.scalars.digest, {head_content, user_, head.conversation_id});
        session_.db
            .prepare("INSERT INTO conversation (" BSP_HEAD_COLUMNS ", changed_at, user_id) "
                     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) "
                     "ON CONFLICT (user_id, conversation_id) DO UPDATE SET version = excluded.version, last_modified = excluded.last_modified, "
                     "last_modified_s = excluded.last_modified_s, last_modified_ns = excluded.last_modified_ns, version_seen = excluded.version_seen, "
                     "surfaces = excluded.surfaces, scalars_version = excluded.scalars_version, scalars_modified_s = excluded.scalars_modified_s, "
                     "scalars_modified_ns = excluded.scalars_modified_ns, scalars_redacted = excluded.scalars_redacted, "
                     "scalars_deleted = excluded.scalars_deleted, scalars_body = excluded.scalars_body, scalars_digest = excluded.scalars_digest, "
                     "revived_at = excluded.revived_at, changed_at = excluded.changed_at")
            .bind(head.conversation_id, head.version, head.last_modified, head.last_modified_at.seconds, head.last_modified_at.nanoseconds,
                  head.version_seen, surfaces, head.scalars.version, head.scalars.last_modified.seconds, head.scalars.last_modified.nanoseconds,
                  head.scalars.redacted, head.scalars.deleted, kept.content, kept.digest, to_nanoseconds(head.revived_at), to_nanoseconds(changed_at), user_)
            .run();
        return ok();
    });
}

result<> sqlite_tenant::put_messages(std::string_view conversation_id, std::span<merge::message const> messages, instant changed_at) {
    return guarded(session_, [&]() -> result<> {
        absent_.reset();
        auto const number = number_of(conversation_id);
        if (!number) throw std::logic_error{"messages of a conversation that has no head"};
        auto upsert = session_.db.prepare("INSERT INTO message (" BSP_MESSAGE_COLUMNS ", changed_at, user_id, conversation) "
                                          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) "
                                          "ON CONFLICT (conversation, id) DO UPDATE SET version = excluded.version, "
                                          "timestamp_s = excluded.timestamp_s, timestamp_ns = excluded.timestamp_ns, redacted = excluded.redacted, "
                                          "deleted = excluded.deleted, surface = excluded.surface, digest = excluded.digest, body = excluded.body, "
                                          "first_received = excluded.first_received, changed_at = excluded.changed_at");
        for (auto const& m : messages) {
            auto const kept = session_.content.put(m.body, m.digest, {message_content, user_, conversation_id, m.id});
            upsert
                .bind(m.id, m.version, m.timestamp.seconds, m.timestamp.nanoseconds, m.redacted, m.deleted, m.surface, kept.digest, kept.content,
                      to_nanoseconds(m.first_received), to_nanoseconds(changed_at), user_, *number)
                .run();
        }
        if (!messages.empty())
            session_.db.prepare("UPDATE conversation SET oldest_s = ?2 WHERE number = ?1 AND oldest_s > ?2").bind(*number, oldest_second(messages)).run();
        return ok();
    });
}

result<> sqlite_tenant::put_loser(std::string_view conversation_id, merge::message const& loser, instant at) {
    return guarded(session_, [&]() -> result<> {
        session_.db.prepare("DELETE FROM loser WHERE user_id = ?1 AND at < ?2").bind(user_, to_nanoseconds(at - limits::conflict_loser_kept)).run();
        auto const kept = session_.content.put(loser.body, loser.digest, {loser_content, user_, conversation_id, loser.id});
        session_.db
            .prepare("INSERT OR IGNORE INTO loser (" BSP_MESSAGE_COLUMNS ", at, user_id, conversation_id) "
                     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")
            .bind(loser.id, loser.version, loser.timestamp.seconds, loser.timestamp.nanoseconds, loser.redacted, loser.deleted, loser.surface,
                  kept.digest, kept.content, to_nanoseconds(loser.first_received), to_nanoseconds(at), user_, conversation_id)
            .run();
        return ok();
    });
}

result<> sqlite_tenant::put_receipt(sync_receipt const& receipt) {
    return guarded(session_, [&]() -> result<> {
        session_.db.prepare("DELETE FROM receipt WHERE user_id = ?1 AND accepted_at < ?2")
            .bind(user_, to_nanoseconds(receipt.accepted_at - limits::sync_id_kept))
            .run();
        auto const kept = session_.content.put(receipt.acknowledgement, receipt.conversations_sha256, {receipt_content, user_, receipt.peer_id, receipt.sync_id});
        session_.db
            .prepare("INSERT OR REPLACE INTO receipt (user_id, peer_id, sync_id, conversations_sha256, acknowledgement, accepted_at) "
                     "VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .bind(user_, receipt.peer_id, receipt.sync_id, kept.digest, kept.content, to_nanoseconds(receipt.accepted_at))
            .run();
        return ok();
    });
}

result<bool> sqlite_tenant::put_event(telemetry_record const& event) {
    BSP_TRY(auto const gone, departed({}, event.event_id));
    if (gone) return false;
    return guarded(session_, [&]() -> result<bool> {
        auto const kept = session_.content.put(event.body, {event_content, user_, {}, event.event_id});
        session_.db
            .prepare("INSERT INTO event (user_id, event_id, peer_id, source_backend, received_at, body, latency_ms, cost_usd) "
                     "VALUES (?1, ?2, ?3, ?4, max(?5, coalesce((SELECT max(received_at) + 1 FROM event WHERE user_id = ?1), ?5)), ?6, ?7, ?8) "
                     "ON CONFLICT (user_id, event_id) DO NOTHING")
            .bind(user_, event.event_id, event.peer_id, event.source_backend, to_nanoseconds(event.received_at), kept, event.latency_ms, event.cost_usd)
            .run();
        return session_.db.changes() > 0;
    });
}

}  // namespace bsp::server
