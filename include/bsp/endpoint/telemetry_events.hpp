#pragma once

#include <bsp/endpoint/caller/tenant_caller.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/wire/cursor.hpp>
#include <bsp/wire/label.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// The user's telemetry, in the order in which it was received (chapter 11.6):
///
///     {"events": [{"event_id": "evt_5f0c1a", …, "received_at": "2025-12-31T00:00:03.120Z"}], "has_more": false[, "cursor": "…"]}
///
/// A page ends with `limit` entries or once they reach `pull_page_bytes_max`.
struct telemetry_events {
    static constexpr route at{"GET", "/telemetry/events"};
    using caller = tenant_caller;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        BSP_TRY(auto const asked, read_query(r));
        BSP_TRY(auto const page, who.read([&](tenant_reader& mine) { return read_page(mine, who, asked); }));
        std::string out = R"({"events": [)";
        for (auto const& event : page.events) {
            if (&event != &page.events.front()) out += ", ";
            out += entry_of(event);
        }
        json::object rest{{"has_more", page.has_more}};
        if (page.has_more) rest["cursor"] = wire::encode(wire::event_cursor{page.events.back().received_at, page.events.back().event_id});
        return respond(out + "], " + json::serialize(rest).substr(1));
    }

    /// The event as it was received, and when.
    static std::string entry_of(telemetry_record const& event) {
        return event.body.substr(0, event.body.size() - 1) + R"(, "received_at": ")" + format_timestamp(event.received_at) + "\"}";
    }

private:
    struct query {
        std::size_t limit = 0;
        std::optional<std::string> source_backend;
        instant since;
        std::optional<position> after;
    };

    struct event_page {
        std::vector<telemetry_record> events;
        bool has_more = false;
    };

    static result<query> read_query(request const& r) {
        query q;
        BSP_TRY(q.limit, r.limit());
        BSP_TRY(q.source_backend, r.query("source_backend"));
        if (q.source_backend && !wire::is_label(*q.source_backend)) return fail(errc::invalid_query, "source_backend must have 1 to 128 characters and no control character");
        BSP_TRY(auto const since, r.query("since"));
        if (since) {
            auto const instant_of_since = parse_timestamp(*since);
            if (!instant_of_since) return fail(errc::invalid_query, "since is " + instant_of_since.error().detail);
            q.since = *instant_of_since;
        }
        BSP_TRY(auto const cursor_text, r.query("cursor"));
        if (cursor_text) {
            BSP_TRY(auto const cursor, wire::decode_event_cursor(*cursor_text));
            q.after = position{cursor.at, cursor.event_id};
        }
        return q;
    }

    /// In steps, so that a page of long events never takes much more than its bound.
    static result<event_page> read_page(tenant_reader& mine, caller const& who, query asked) {
        static constexpr std::size_t step = 64;
        BSP_TRY(auto const as, who.form(mine));
        event_page page;
        std::size_t bytes = 0;
        for (;;) {
            std::size_t const wanted = std::min(step, asked.limit + 1 - page.events.size());
            BSP_TRY(auto some, mine.events(asked.source_backend, asked.since, asked.after, wanted));
            for (auto& event : some) {
                page.has_more = page.events.size() == asked.limit || bytes >= limits::pull_page_bytes_max;
                if (page.has_more) return page;
                event.body = privacy::emitted_event(std::move(event.body), as);
                bytes += event.body.size();
                asked.after = position{event.received_at, event.event_id};
                page.events.push_back(std::move(event));
            }
            if (some.size() < wanted) return page;
        }
    }
};

}  // namespace bsp::endpoint
