#pragma once

#include <bsp/endpoint/caller/calling_peer.hpp>
#include <bsp/endpoint/feed_page.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/wire/cursor.hpp>

#include <optional>
#include <string>
#include <utility>

namespace bsp::endpoint {

/// Gives what was committed here at or after `since`, page by page, in the order of commits (chapter 6.4):
///
///     {"conversations": [ … ], "last_sync": "2025-12-31T00:00:04.000000017Z", "has_more": false, "epoch": "9f3a6c0d"}
///
/// A page ends with `limit` entries or once its messages reach `pull_page_bytes_max`.
struct sync_pull {
    static constexpr route at{"GET", "/sync/{peer_id}"};
    using caller = calling_peer;

    static result<http_response> serve(backend const& here, caller const& who, request const& r) {
        BSP_TRY(auto const asked, read_query(here, r));
        BSP_TRY(std::string body, who.read([&](tenant_reader& mine) { return write_page(mine, here.epoch, asked); }));
        return respond(std::move(body));
    }

private:
    struct query {
        std::size_t limit = 0;
        feed_position from;  ///< the beginning when nothing was given
    };

    static result<query> read_query(backend const& here, request const& r) {
        query q;
        BSP_TRY(q.limit, r.limit());
        BSP_TRY(auto const since, r.query("since"));
        BSP_TRY(auto const cursor_text, r.query("cursor"));
        BSP_TRY(auto const epoch, r.query("epoch"));
        auto const restored = fail(errc::epoch_changed, "the store was created anew or restored since; pull from the beginning");
        if (since) {
            auto const instant_of_since = parse_timestamp(*since);
            if (!instant_of_since) return fail(errc::invalid_query, "since is " + instant_of_since.error().detail);
            q.from.since = *instant_of_since;
        }
        if (cursor_text) {
            BSP_TRY(auto const cursor, wire::decode_pull_cursor(*cursor_text));
            if (cursor.epoch != here.epoch) return restored;
            q.from = {cursor.since, position{cursor.conversation.at, cursor.conversation.id}, std::nullopt};
            if (cursor.message) q.from.within = position{cursor.message->at, cursor.message->id};
        }
        if (epoch && *epoch != here.epoch) return restored;
        return q;
    }

    static result<std::string> write_page(tenant_reader& mine, std::string const& epoch, query const& asked) {
        BSP_TRY(feed_page page, (feed_reader{mine, {.entries = asked.limit}}.read(asked.from)));
        json::object rest{{"last_sync", format_timestamp(page.end)}, {"has_more", page.next.has_value()}, {"epoch", epoch}};
        if (page.next) rest["cursor"] = wire::encode(cursor_of(epoch, *page.next));
        return "{\"conversations\": " + std::move(page.conversations) + ", " + json::serialize(rest).substr(1);
    }

    static wire::pull_cursor cursor_of(std::string const& epoch, feed_position const& next) {
        wire::pull_cursor cursor{epoch, next.since, {next.after->at, next.after->id}, std::nullopt};
        if (next.within) cursor.message = wire::feed_place{next.within->at, next.within->id};
        return cursor;
    }
};

}  // namespace bsp::endpoint
