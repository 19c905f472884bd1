#pragma once

#include <bsp/endpoint/caller/calling_peer.hpp>
#include <bsp/endpoint/feed_page.hpp>
#include <bsp/endpoint/outgoing_form.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/wire/cursor.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace bsp::endpoint {

/// Gives what was committed here at or after `since`, page by page, in the order of commits (chapter 6.4):
///
///     {"conversations": [ … ], "last_sync": "2025-12-31T00:00:04.000000017Z", "has_more": false, "epoch": "9f3a6c0d"}
///
/// A page ends with `limit` entries or once what is on it reaches `pull_page_bytes_max`. With `wait`, and where the
/// capability `live_pull` is declared, an answer without entries may be held back (BSP-SYN-147 … BSP-SYN-155).
struct sync_pull {
    static constexpr route at{"GET", "/sync/{peer_id}"};
    using caller = calling_peer;

    static result<http_response> serve(backend const& here, caller const& who, request const& r) {
        BSP_TRY(auto const asked, read_query(here, r));
        BSP_TRY(auto page, who.read([&](tenant_reader& mine) { return write_page(mine, who, here.epoch, asked); }));
        auto response = respond(std::move(page.body));
        if (page.is_empty && asked.wait.count() > 0 && r.http.method == "GET") response.held = held(here.epoch, who, asked, page.seen);
        return response;
    }

private:
    struct query {
        std::size_t limit = 0;
        feed_position from;  ///< the beginning when nothing was given
        std::chrono::seconds wait{};
    };

    struct written_page {
        std::string body;
        bool is_empty = false;
        std::optional<instant> seen;  ///< the user's last change
    };

    static std::shared_ptr<held_response const> held(std::string const& epoch, caller const& who, query const& asked, std::optional<instant> seen) {
        auto again = [epoch, who, asked, seen](instant now, bool last) -> std::optional<http_response> {
            auto const page = [&]() -> result<std::optional<written_page>> {
                BSP_CHECK(who.still_stands(now));
                return who.read_at(now, [&](tenant_reader& mine) -> result<std::optional<written_page>> {
                    BSP_TRY(auto const newest, mine.last_change());
                    if (newest == seen && !last) return std::optional<written_page>{};
                    BSP_TRY(auto written, write_page(mine, who, epoch, asked));
                    if (written.is_empty && !last) return std::optional<written_page>{};
                    return std::optional{std::move(written)};
                });
            }();
            if (!page) return refuse(page.error());
            if (!*page) return std::nullopt;
            return respond((*page)->body);
        };
        return std::make_shared<held_response const>(held_response{asked.wait, std::move(again)});
    }

    static result<std::chrono::seconds> read_wait(backend const& here, request const& r) {
        if (std::ranges::find(here.self.capabilities, "live_pull") == here.self.capabilities.end()) return std::chrono::seconds{};
        BSP_TRY(auto const text, r.query("wait"));
        if (!text) return std::chrono::seconds{};
        int seconds = 0;
        auto const [end, problem] = std::from_chars(text->data(), text->data() + text->size(), seconds);
        bool const whole = problem == std::errc{} && end == text->data() + text->size() && text->front() != '-';
        if (!whole || seconds > limits::pull_wait_seconds_max) return fail(errc::invalid_query, "wait must be an integer from 0 to 30");
        return std::chrono::seconds{seconds};
    }

    static result<query> read_query(backend const& here, request const& r) {
        query q;
        BSP_TRY(q.limit, r.limit());
        BSP_TRY(auto const since, r.query("since"));
        BSP_TRY(auto const cursor_text, r.query("cursor"));
        BSP_TRY(auto const epoch, r.query("epoch"));
        BSP_TRY(q.wait, read_wait(here, r));
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

    static result<written_page> write_page(tenant_reader& mine, caller const& who, std::string const& epoch, query const& asked) {
        BSP_TRY(auto const as, outgoing_form(mine, who.peer().backend_type));
        BSP_TRY(feed_page page, (feed_reader{mine, {.entries = asked.limit}, as}.read(asked.from)));
        json::object rest{{"last_sync", format_timestamp(page.end)}, {"has_more", page.next.has_value()}, {"epoch", epoch}};
        if (page.next) rest["cursor"] = wire::encode(cursor_of(epoch, *page.next));
        BSP_TRY(auto const seen, mine.last_change());
        bool const is_empty = page.entries == 0 && !page.next;
        return written_page{"{\"conversations\": " + std::move(page.conversations) + ", " + json::serialize(rest).substr(1), is_empty, seen};
    }

    static wire::pull_cursor cursor_of(std::string const& epoch, feed_position const& next) {
        wire::pull_cursor cursor{epoch, next.since, {next.after->at, next.after->id}, std::nullopt};
        if (next.within) cursor.message = wire::feed_place{next.within->at, next.within->id};
        return cursor;
    }
};

}  // namespace bsp::endpoint
