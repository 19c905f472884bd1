#include "views.hpp"

#include "../rows.hpp"

#include <bsp/base/limits.hpp>

#include <algorithm>
#include <limits>
#include <unordered_set>

#define INSERT_MESSAGES                                                                \
    "INSERT INTO message (user_id, conversation_id, changed_at, " BSP_MESSAGE_COLUMNS ", aged_from) " \
    "SELECT $1, $2, $3, * FROM unnest($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"

namespace bsp::server::postgres {

namespace {

merge::message read_message(rows const& row) {
    return message_of(row, [&](std::string const&) { return digested_content{row.text(8), row.digest(7)}; });
}

merge::conversation_head read_head(rows const& row) {
    return head_of(row, [&](std::string const&) { return digested_content{row.text(12), row.digest(13)}; });
}

std::int64_t aged_from(merge::message const& m) { return std::min(to_nanoseconds(m.first_received), to_nanoseconds(m.timestamp)); }

template <class Read>
auto page_of(rows given, Read read) {
    std::vector<decltype(read(given))> page;
    page.reserve(static_cast<std::size_t>(given.count()));
    while (given.step()) page.push_back(read(given));
    return page;
}

changed_message changed_message_of(rows const& row) { return {read_message(row), from_nanoseconds(row.integer(message_columns))}; }

}  // namespace

result<std::optional<merge::conversation_head>> tenant::head(std::string_view conversation_id) {
    return guarded(session_, [&]() -> result<std::optional<merge::conversation_head>> {
        auto row = session_.use().ask("SELECT " BSP_HEAD_COLUMNS " FROM conversation WHERE user_id = $1 AND conversation_id = $2", user_, conversation_id);
        if (!row.step()) return std::optional<merge::conversation_head>{};
        return std::optional{read_head(row)};
    });
}

result<std::vector<merge::message>> tenant::messages(std::string_view conversation_id, std::span<std::string const> ids) {
    return guarded(session_, [&]() -> result<std::vector<merge::message>> {
        if (ids.empty()) return std::vector<merge::message>{};
        if (last_look_ && last_look_->conversation_id == conversation_id && std::ranges::equal(last_look_->ids, ids)) return last_look_->found;
        list wanted{list::of::texts};
        for (auto const& id : ids) wanted.add(std::string_view{id});
        auto found = page_of(session_.use().ask("SELECT " BSP_MESSAGE_COLUMNS " FROM message WHERE user_id = $1 AND conversation_id = $2 AND id = ANY ($3)", user_, conversation_id, wanted), read_message);
        if (is_writing_) last_look_ = look{std::string{conversation_id}, {ids.begin(), ids.end()}, found};
        return found;
    });
}

result<std::vector<merge::message>> tenant::messages_in_order(std::string_view conversation_id, std::optional<position> const& after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<merge::message>> {
        position const start = after.value_or(position{{std::numeric_limits<std::int64_t>::min(), 0}, {}});
        return page_of(session_.use().ask("SELECT " BSP_MESSAGE_COLUMNS " FROM message WHERE user_id = $1 AND conversation_id = $2 "
                                          "AND (timestamp_s, timestamp_ns, id) > ($3, $4, $5) ORDER BY timestamp_s, timestamp_ns, id LIMIT $6",
                                          user_, conversation_id, start.at.seconds, start.at.nanoseconds, start.id, limit),
                       read_message);
    });
}

result<std::vector<merge::conversation_head>> tenant::heads(std::string_view after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<merge::conversation_head>> {
        return page_of(session_.use().ask("SELECT " BSP_HEAD_COLUMNS " FROM conversation WHERE user_id = $1 AND conversation_id > $2 ORDER BY conversation_id LIMIT $3", user_, after, limit), read_head);
    });
}

result<std::vector<changed_conversation>> tenant::changes(instant since, std::optional<position> const& after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<changed_conversation>> {
        feed_start const start = start_of(since, after);
        return page_of(session_.use().ask("SELECT " BSP_HEAD_COLUMNS ", changed_at FROM conversation WHERE user_id = $1 AND (changed_at, conversation_id) > ($2, $3) "
                                          "ORDER BY changed_at, conversation_id LIMIT $4",
                                          user_, start.at, start.id, limit),
                       [](rows const& row) { return changed_conversation{read_head(row), from_nanoseconds(row.integer(head_columns))}; });
    });
}

result<std::vector<changed_message>> tenant::changed_messages(std::string_view conversation_id, instant since, std::optional<position> const& after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<changed_message>> {
        feed_start const start = start_of(since, after);
        return page_of(session_.use().ask("SELECT " BSP_MESSAGE_COLUMNS ", changed_at FROM message WHERE user_id = $1 AND conversation_id = $2 AND (changed_at, id) > ($3, $4) "
                                          "ORDER BY changed_at, id LIMIT $5",
                                          user_, conversation_id, start.at, start.id, limit),
                       changed_message_of);
    });
}

result<std::optional<instant>> tenant::last_change() {
    return guarded(session_, [&]() -> result<std::optional<instant>> {
        auto row = session_.use().ask("SELECT changed_at FROM known_user WHERE user_id = $1", user_);
        if (!row.step() || row.is_null(0)) return std::optional<instant>{};
        return std::optional{from_nanoseconds(row.integer(0))};
    });
}

result<std::optional<sync_receipt>> tenant::receipt(std::string_view peer_id, std::string_view sync_id) {
    return guarded(session_, [&]() -> result<std::optional<sync_receipt>> {
        auto row = session_.use().ask("SELECT conversations_sha256, acknowledgement, accepted_at FROM receipt WHERE user_id = $1 AND peer_id = $2 AND sync_id = $3", user_, peer_id, sync_id);
        if (!row.step()) return std::optional<sync_receipt>{};
        return std::optional{sync_receipt{std::string{peer_id}, std::string{sync_id}, row.digest(0), row.text(1), from_nanoseconds(row.integer(2))}};
    });
}

result<std::vector<changed_message>> tenant::losers(std::string_view conversation_id, instant kept_since) {
    return guarded(session_, [&]() -> result<std::vector<changed_message>> {
        return page_of(session_.use().ask("SELECT " BSP_MESSAGE_COLUMNS ", at FROM loser WHERE user_id = $1 AND conversation_id = $2 AND at >= $3 ORDER BY number", user_, conversation_id,
                                          to_nanoseconds(kept_since)),
                       changed_message_of);
    });
}

result<std::vector<telemetry_record>> tenant::events(std::optional<std::string_view> source_backend, instant since, std::optional<position> const& after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<telemetry_record>> {
        feed_start const start = start_of(since, after);
        auto given = source_backend ? session_.use().ask("SELECT event_id, peer_id, source_backend, received_at, body, latency_ms, cost_usd FROM event WHERE user_id = $1 "
                                                         "AND (received_at, event_id) > ($2, $3) AND source_backend = $5 ORDER BY received_at, event_id LIMIT $4",
                                                         user_, start.at, start.id, limit, *source_backend)
                                    : session_.use().ask("SELECT event_id, peer_id, source_backend, received_at, body, latency_ms, cost_usd FROM event WHERE user_id = $1 "
                                                         "AND (received_at, event_id) > ($2, $3) ORDER BY received_at, event_id LIMIT $4",
                                                         user_, start.at, start.id, limit);
        return page_of(std::move(given), [](rows const& row) { return telemetry_record{row.text(0), row.text(1), row.text(2), from_nanoseconds(row.integer(3)), row.text(4), row.real_if_any(5), row.real_if_any(6)}; });
    });
}

result<instant> tenant::begin_change(instant now) {
    return guarded(session_, [&]() -> result<instant> {
        auto row = session_.use().ask("INSERT INTO known_user (user_id, changed_at) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET "
                                      "changed_at = greatest(excluded.changed_at, known_user.changed_at + 1) RETURNING changed_at",
                                      user_, to_nanoseconds(now));
        row.step();
        is_known_ = true;
        return from_nanoseconds(row.integer(0));
    });
}

result<> tenant::put_head(merge::conversation_head const& head, instant changed_at) {
    return guarded(session_, [&]() -> result<> {
        std::string const surfaces = to_json_array(head.surfaces);
        session_.use().tell("INSERT INTO conversation (" BSP_HEAD_COLUMNS ", changed_at, user_id) "
                            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) "
                            "ON CONFLICT (user_id, conversation_id) DO UPDATE SET version = excluded.version, last_modified = excluded.last_modified, "
                            "last_modified_s = excluded.last_modified_s, last_modified_ns = excluded.last_modified_ns, version_seen = excluded.version_seen, "
                            "surfaces = excluded.surfaces, scalars_version = excluded.scalars_version, scalars_modified_s = excluded.scalars_modified_s, "
                            "scalars_modified_ns = excluded.scalars_modified_ns, scalars_redacted = excluded.scalars_redacted, scalars_deleted = excluded.scalars_deleted, "
                            "scalars_body = excluded.scalars_body, scalars_digest = excluded.scalars_digest, revived_at = excluded.revived_at, changed_at = excluded.changed_at",
                            head.conversation_id, head.version, head.last_modified, head.last_modified_at.seconds, head.last_modified_at.nanoseconds, head.version_seen, surfaces,
                            head.scalars.version, head.scalars.last_modified.seconds, head.scalars.last_modified.nanoseconds, head.scalars.redacted, head.scalars.deleted,
                            head.scalars.body, head.scalars.digest, to_nanoseconds(head.revived_at), to_nanoseconds(changed_at), user_);
        return ok();
    });
}

result<> tenant::put_messages(std::string_view conversation_id, std::span<merge::message const> messages, instant changed_at) {
    return guarded(session_, [&]() -> result<> {
        using of = list::of;
        list id{of::texts}, version{of::integers}, seconds{of::integers}, nanoseconds{of::integers}, redacted{of::booleans}, deleted{of::booleans}, surface{of::texts},
            digest{of::digests}, body{of::texts}, received{of::integers}, aged{of::integers};
        for (auto const& m : messages) {
            id.add(std::string_view{m.id});
            version.add(m.version);
            seconds.add(m.timestamp.seconds);
            nanoseconds.add(static_cast<std::int64_t>(m.timestamp.nanoseconds));
            redacted.add(m.redacted);
            deleted.add(m.deleted);
            surface.add(std::string_view{m.surface});
            digest.add(m.digest);
            body.add(std::string_view{m.body});
            received.add(to_nanoseconds(m.first_received));
            aged.add(aged_from(m));
        }
        // One statement, however many there are. Looking for a conflict costs as much as inserting.
        bool const all_new = are_new(conversation_id, messages);
        last_look_.reset();
        session_.use().tell(all_new ? INSERT_MESSAGES
                                    : INSERT_MESSAGES
                            " ON CONFLICT (user_id, conversation_id, id) DO UPDATE SET version = excluded.version, timestamp_s = excluded.timestamp_s, "
                            "timestamp_ns = excluded.timestamp_ns, redacted = excluded.redacted, deleted = excluded.deleted, surface = excluded.surface, "
                            "digest = excluded.digest, body = excluded.body, first_received = excluded.first_received, aged_from = excluded.aged_from, changed_at = excluded.changed_at",
                            user_, conversation_id, to_nanoseconds(changed_at), id, version, seconds, nanoseconds, redacted, deleted, surface, digest, body, received, aged);
        if (!messages.empty())
            session_.use().tell("UPDATE conversation SET oldest_s = $3 WHERE user_id = $1 AND conversation_id = $2 AND oldest_s > $3", user_, conversation_id, oldest_second(messages));
        return ok();
    });
}

bool tenant::are_new(std::string_view conversation_id, std::span<merge::message const> messages) const {
    if (!last_look_ || last_look_->conversation_id != conversation_id || !last_look_->found.empty()) return false;
    std::unordered_set<std::string_view> const looked_for{last_look_->ids.begin(), last_look_->ids.end()};
    return std::ranges::all_of(messages, [&](merge::message const& m) { return looked_for.contains(m.id); });
}

result<> tenant::put_loser(std::string_view conversation_id, merge::message const& loser, instant at) {
    return guarded(session_, [&]() -> result<> {
        session_.use().tell("DELETE FROM loser WHERE user_id = $1 AND at < $2", user_, to_nanoseconds(at - limits::conflict_loser_kept));
        session_.use().tell("INSERT INTO loser (" BSP_MESSAGE_COLUMNS ", written_at, at, user_id, conversation_id) "
                            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (user_id, conversation_id, id, digest) DO NOTHING",
                            loser.id, loser.version, loser.timestamp.seconds, loser.timestamp.nanoseconds, loser.redacted, loser.deleted, loser.surface, loser.digest, loser.body,
                            to_nanoseconds(loser.first_received), to_nanoseconds(loser.timestamp), to_nanoseconds(at), user_, conversation_id);
        return ok();
    });
}

result<> tenant::put_receipt(sync_receipt const& receipt) {
    return guarded(session_, [&]() -> result<> {
        session_.use().tell("DELETE FROM receipt WHERE user_id = $1 AND accepted_at < $2", user_, to_nanoseconds(receipt.accepted_at - limits::sync_id_kept));
        session_.use().tell("INSERT INTO receipt (user_id, peer_id, sync_id, conversations_sha256, acknowledgement, accepted_at) VALUES ($1, $2, $3, $4, $5, $6) "
                            "ON CONFLICT (user_id, peer_id, sync_id) DO UPDATE SET conversations_sha256 = excluded.conversations_sha256, "
                            "acknowledgement = excluded.acknowledgement, accepted_at = excluded.accepted_at",
                            user_, receipt.peer_id, receipt.sync_id, receipt.conversations_sha256, receipt.acknowledgement, to_nanoseconds(receipt.accepted_at));
        return ok();
    });
}

result<bool> tenant::put_event(telemetry_record const& event) {
    BSP_TRY(auto const gone, departed({}, event.event_id));
    if (gone) return false;
    return guarded(session_, [&]() -> result<bool> {
        make_known();
        auto const done = session_.use().ask("INSERT INTO event (user_id, event_id, peer_id, source_backend, received_at, body, latency_ms, cost_usd) VALUES ($1, $2, $3, $4, "
                                             "greatest($5, (SELECT max(received_at) + 1 FROM event WHERE user_id = $1)), $6, $7, $8) ON CONFLICT (user_id, event_id) DO NOTHING",
                                             user_, event.event_id, event.peer_id, event.source_backend, to_nanoseconds(event.received_at), event.body, event.latency_ms, event.cost_usd);
        return done.changes() > 0;
    });
}

/// Whoever has only events or settings is a user, too (`users`).
void tenant::make_known() {
    if (std::exchange(is_known_, true)) return;
    session_.use().tell("INSERT INTO known_user (user_id) VALUES ($1) ON CONFLICT DO NOTHING", user_);
}

}  // namespace bsp::server::postgres
