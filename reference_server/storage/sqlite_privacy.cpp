#include "sqlite_guard.hpp"
#include "sqlite_views.hpp"

#include <bsp/crypto/hmac.hpp>

#include <limits>

#define AGED_FROM "min(first_received, timestamp_s * 1000000000 + timestamp_ns)"

namespace bsp::server {

using sqlite::to_nanoseconds;

namespace {

constexpr std::string_view settings_content = "privacy_settings.body";  // as in sqlite_content.cpp

}  // namespace

result<privacy_settings> sqlite_tenant::privacy() {
    return guarded(session_, [&]() -> result<privacy_settings> {
        auto row = session_.db.prepare("SELECT body FROM privacy_settings WHERE user_id = ?1");
        if (!row.bind(user_).step()) return privacy_settings{};
        auto held = privacy::from_text(session_.content.get(row.content(0), {settings_content, user_}));
        if (!held) throw std::runtime_error{"damaged privacy settings"};  // never the defaults: they allow more
        return held;
    });
}

result<> sqlite_tenant::put_privacy(privacy_settings const& settings) {
    return guarded(session_, [&]() -> result<> {
        std::string const text = privacy::to_text(settings);
        auto const kept = session_.content.put(text, {settings_content, user_});
        session_.db.prepare("INSERT OR REPLACE INTO privacy_settings (user_id, body) VALUES (?1, ?2)").bind(user_, kept).run();
        return ok();
    });
}

result<std::vector<message_place>> sqlite_tenant::expired_messages(privacy::expiry const& e, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<message_place>> {
        // Either its timestamp is old, or it is dated later than it came, and came long ago.
        auto rows = session_.db.prepare("SELECT conversation_id, id, timestamp_s, timestamp_ns, message.version FROM conversation INDEXED BY conversation_by_age "
                                        "CROSS JOIN message INDEXED BY message_order ON message.conversation = conversation.number "
                                        "WHERE conversation.user_id = ?1 AND oldest_s <= ?5 AND timestamp_s <= ?5 AND " AGED_FROM " <= ?2 AND (deleted = 0 OR " AGED_FROM " <= ?3) "
                                        "UNION ALL "
                                        "SELECT conversation_id, id, timestamp_s, timestamp_ns, message.version FROM message INDEXED BY message_dated_ahead "
                                        "CROSS JOIN conversation ON conversation.number = message.conversation "
                                        "WHERE message.user_id = ?1 AND first_received <= ?2 AND timestamp_s > first_received / 1000000000 AND timestamp_s > ?5 "
                                        "AND (deleted = 0 OR first_received <= ?3) LIMIT ?4");
        rows.bind(user_, to_nanoseconds(e.data_until), to_nanoseconds(e.tombstones_until), limit, e.data_until.seconds);
        std::vector<message_place> found;
        while (rows.step()) found.push_back({rows.text(0), rows.text(1), rows.exact_instant(2), rows.integer(4)});
        return found;
    });
}

sha256_digest sqlite_tenant::trace_of(std::string_view conversation_id, std::string_view id) {
    if (!departed_key_) {
        auto row = session_.db.prepare("SELECT value FROM meta WHERE name = 'departed_key'");
        if (!row.step()) throw std::runtime_error{"the key of departed ids is missing"};
        departed_key_ = row.text(0);
    }
    std::string text = user_;
    for (std::string_view const part : {conversation_id, id}) text.append(1, '\0').append(part);
    return hmac_sha256(*departed_key_, text);
}

result<std::optional<departure>> sqlite_tenant::departed(std::string_view conversation_id, std::string_view id) {
    return guarded(session_, [&]() -> result<std::optional<departure>> {
        // Most users have never erased anything, and a push asks for every message.
        if (!anything_departed_) {
            auto any = session_.db.prepare("SELECT EXISTS (SELECT 1 FROM departed WHERE user_id = ?1)");
            any.bind(user_).step();
            anything_departed_ = any.boolean(0);
        }
        if (!*anything_departed_) return std::optional<departure>{};
        sha256_digest const trace = trace_of(conversation_id, id);
        auto row = session_.db.prepare("SELECT cause, version FROM departed WHERE user_id = ?1 AND trace = ?2");
        if (!row.bind(user_, trace).step()) return std::optional<departure>{};
        return std::optional{departure{static_cast<departure::why>(row.integer(0)), row.integer(1)}};
    });
}

result<> sqlite_tenant::put_departed(std::string_view conversation_id, std::string_view id, departure const& d) {
    return guarded(session_, [&]() -> result<> {
        anything_departed_ = true;
        sha256_digest const trace = trace_of(conversation_id, id);
        session_.db.prepare("INSERT OR REPLACE INTO departed (user_id, trace, cause, version) VALUES (?1, ?2, ?3, ?4)")
            .bind(user_, trace, static_cast<std::int64_t>(d.cause), d.version)
            .run();
        return ok();
    });
}

result<> sqlite_tenant::remove_messages(std::string_view conversation_id, std::span<std::string const> ids) {
    return guarded(session_, [&]() -> result<> {
        session_.removed = true;
        auto const number = number_of(conversation_id);
        for (std::string const& id : ids) {
            if (number) session_.db.prepare("DELETE FROM message WHERE conversation = ?1 AND id = ?2").bind(*number, id).run();
            session_.db.prepare("DELETE FROM loser WHERE user_id = ?1 AND conversation_id = ?2 AND id = ?3").bind(user_, conversation_id, id).run();
        }
        if (number) session_.db.prepare("UPDATE conversation SET oldest_s = coalesce((SELECT min(timestamp_s) FROM message WHERE conversation = ?1), ?2) WHERE number = ?1").bind(*number, std::numeric_limits<std::int64_t>::max()).run();
        return ok();
    });
}

result<> sqlite_tenant::remove_losers_of(std::string_view conversation_id, std::span<std::string const> ids) {
    return guarded(session_, [&]() -> result<> {
        for (std::string const& id : ids) {
            session_.db.prepare("DELETE FROM loser WHERE user_id = ?1 AND conversation_id = ?2 AND id = ?3").bind(user_, conversation_id, id).run();
            session_.removed = session_.removed || session_.db.changes() > 0;
        }
        return ok();
    });
}

result<> sqlite_tenant::remove_conversation(std::string_view conversation_id) {
    return guarded(session_, [&]() -> result<> {
        session_.removed = true;
        if (auto const number = number_of(conversation_id)) session_.db.prepare("DELETE FROM message WHERE conversation = ?1").bind(*number).run();
        session_.db.prepare("DELETE FROM loser WHERE user_id = ?1 AND conversation_id = ?2").bind(user_, conversation_id).run();
        session_.db.prepare("DELETE FROM conversation WHERE user_id = ?1 AND conversation_id = ?2").bind(user_, conversation_id).run();
        return ok();
    });
}

result<> sqlite_tenant::remove_losers(instant until) {
    return guarded(session_, [&]() -> result<> {
        session_.db.prepare("DELETE FROM loser WHERE user_id = ?1 AND (at <= ?2 OR timestamp_s * 1000000000 + timestamp_ns <= ?2)")
            .bind(user_, to_nanoseconds(until))
            .run();
        session_.removed = session_.removed || session_.db.changes() > 0;
        return ok();
    });
}

result<std::size_t> sqlite_tenant::remove_events(instant until, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::size_t> {
        session_.db
            .prepare("DELETE FROM event WHERE number IN (SELECT number FROM event WHERE user_id = ?1 AND received_at <= ?2 ORDER BY received_at LIMIT ?3)")
            .bind(user_, to_nanoseconds(until), limit)
            .run();
        auto const removed = static_cast<std::size_t>(session_.db.changes());
        session_.removed = session_.removed || removed > 0;
        return removed;
    });
}

result<> sqlite_tenant::remove_derived() {
    return guarded(session_, [&]() -> result<> {
        session_.removed = true;
        session_.db.prepare("DELETE FROM receipt WHERE user_id = ?1").bind(user_).run();
        session_.db.prepare("DELETE FROM sync_refused WHERE peer_id IN (SELECT peer_id FROM peer WHERE user_id = ?1)").bind(user_).run();
        session_.db.prepare("DELETE FROM sync_history WHERE peer_id IN (SELECT peer_id FROM peer WHERE user_id = ?1)").bind(user_).run();
        session_.db.prepare("DELETE FROM sync_event WHERE peer_id IN (SELECT peer_id FROM peer WHERE user_id = ?1)").bind(user_).run();
        return ok();
    });
}

}  // namespace bsp::server
