#include "views.hpp"

#include "../columns.hpp"

#include <bsp/crypto/hmac.hpp>

#include <limits>

namespace bsp::server::postgres {

result<privacy_settings> tenant::privacy() {
    return guarded(session_, [&]() -> result<privacy_settings> {
        auto row = session_.use().ask("SELECT body FROM privacy_settings WHERE user_id = $1", user_);
        if (!row.step()) return privacy_settings{};
        auto held = privacy::from_text(row.text(0));
        if (!held) throw std::runtime_error{"damaged privacy settings"};  // never the defaults: they allow more
        return held;
    });
}

result<> tenant::put_privacy(privacy_settings const& settings) {
    return guarded(session_, [&]() -> result<> {
        std::string const text = privacy::to_text(settings);
        make_known();
        session_.use().tell("INSERT INTO privacy_settings (user_id, body) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET body = excluded.body", user_, text);
        return ok();
    });
}

result<std::vector<message_place>> tenant::expired_messages(privacy::expiry const& e, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<message_place>> {
        // Either its timestamp is old, or it is dated later than it came, and came long ago.
        auto row = session_.use().ask("SELECT m.conversation_id, m.id, m.timestamp_s, m.timestamp_ns, m.version FROM conversation c "
                                      "JOIN message m ON m.user_id = c.user_id AND m.conversation_id = c.conversation_id "
                                      "WHERE c.user_id = $1 AND c.oldest_s <= $5 AND m.timestamp_s <= $5 AND m.aged_from <= $2 AND (NOT m.deleted OR m.aged_from <= $3) "
                                      "UNION ALL "
                                      "SELECT conversation_id, id, timestamp_s, timestamp_ns, version FROM message "
                                      "WHERE user_id = $1 AND first_received <= $2 AND timestamp_s > first_received / 1000000000 AND timestamp_s > $5 "
                                      "AND (NOT deleted OR first_received <= $3) LIMIT $4",
                                      user_, to_nanoseconds(e.data_until), to_nanoseconds(e.tombstones_until), limit, e.data_until.seconds);
        std::vector<message_place> found;
        while (row.step()) found.push_back({row.text(0), row.text(1), row.exact_instant(2), row.integer(4)});
        return found;
    });
}

sha256_digest tenant::trace_of(std::string_view conversation_id, std::string_view id) const {
    std::string text = user_;
    for (std::string_view const part : {conversation_id, id}) text.append(1, '\0').append(part);
    return hmac_sha256(session_.known.departed_key, text);
}

result<std::optional<departure>> tenant::departed(std::string_view conversation_id, std::string_view id) {
    return guarded(session_, [&]() -> result<std::optional<departure>> {
        // Most users have never erased anything, and a push asks for every message.
        if (is_writing_ && !anything_departed_) {
            auto row = session_.use().ask("SELECT EXISTS (SELECT FROM departed WHERE user_id = $1)", user_);
            row.step();
            anything_departed_ = row.boolean(0);
        }
        if (is_writing_ && !*anything_departed_) return std::optional<departure>{};
        auto row = session_.use().ask("SELECT cause, version FROM departed WHERE user_id = $1 AND trace = $2", user_, trace_of(conversation_id, id));
        if (!row.step()) return std::optional<departure>{};
        return std::optional{departure{static_cast<departure::why>(row.integer(0)), row.integer(1)}};
    });
}

result<> tenant::put_departed(std::string_view conversation_id, std::string_view id, departure const& d) {
    return guarded(session_, [&]() -> result<> {
        anything_departed_ = true;
        session_.use().tell("INSERT INTO departed (user_id, trace, cause, version) VALUES ($1, $2, $3, $4) "
                            "ON CONFLICT (user_id, trace) DO UPDATE SET cause = excluded.cause, version = excluded.version",
                            user_, trace_of(conversation_id, id), static_cast<std::int64_t>(d.cause), d.version);
        return ok();
    });
}

result<> tenant::remove_messages(std::string_view conversation_id, std::span<std::string const> ids) {
    return guarded(session_, [&]() -> result<> {
        last_look_.reset();
        list gone{list::of::texts};
        for (auto const& id : ids) gone.add(std::string_view{id});
        session_.use().tell("DELETE FROM message WHERE user_id = $1 AND conversation_id = $2 AND id = ANY ($3)", user_, conversation_id, gone);
        session_.use().tell("DELETE FROM loser WHERE user_id = $1 AND conversation_id = $2 AND id = ANY ($3)", user_, conversation_id, gone);
        session_.use().tell("UPDATE conversation SET oldest_s = coalesce((SELECT min(timestamp_s) FROM message WHERE user_id = $1 AND conversation_id = $2), $3) "
                            "WHERE user_id = $1 AND conversation_id = $2",
                            user_, conversation_id, std::numeric_limits<std::int64_t>::max());
        return ok();
    });
}

result<> tenant::remove_losers_of(std::string_view conversation_id, std::span<std::string const> ids) {
    return guarded(session_, [&]() -> result<> {
        list gone{list::of::texts};
        for (auto const& id : ids) gone.add(std::string_view{id});
        session_.use().tell("DELETE FROM loser WHERE user_id = $1 AND conversation_id = $2 AND id = ANY ($3)", user_, conversation_id, gone);
        return ok();
    });
}

result<> tenant::remove_conversation(std::string_view conversation_id) {
    return guarded(session_, [&]() -> result<> {
        last_look_.reset();
        session_.use().tell("DELETE FROM message WHERE user_id = $1 AND conversation_id = $2", user_, conversation_id);
        session_.use().tell("DELETE FROM loser WHERE user_id = $1 AND conversation_id = $2", user_, conversation_id);
        session_.use().tell("DELETE FROM conversation WHERE user_id = $1 AND conversation_id = $2", user_, conversation_id);
        return ok();
    });
}

result<> tenant::remove_losers(instant until) {
    return guarded(session_, [&]() -> result<> {
        session_.use().tell("DELETE FROM loser WHERE user_id = $1 AND (at <= $2 OR written_at <= $2)", user_, to_nanoseconds(until));
        return ok();
    });
}

result<std::size_t> tenant::remove_events(instant until, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::size_t> {
        auto const done = session_.use().ask("DELETE FROM event WHERE user_id = $1 AND event_id IN "
                                             "(SELECT event_id FROM event WHERE user_id = $1 AND received_at <= $2 ORDER BY received_at LIMIT $3)",
                                             user_, to_nanoseconds(until), limit);
        return static_cast<std::size_t>(done.changes());
    });
}

result<> tenant::remove_derived() {
    return guarded(session_, [&]() -> result<> {
        session_.use().tell("DELETE FROM receipt WHERE user_id = $1", user_);
        return ok();
    });
}

}  // namespace bsp::server::postgres
