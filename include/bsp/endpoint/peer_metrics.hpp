#pragma once

#include <bsp/endpoint/caller/watching_admin.hpp>
#include <bsp/endpoint/list_peers.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/wire/cursor.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace bsp::endpoint {

/// How the exchange with a peer goes (chapter 19.1).
struct peer_metrics {
    static constexpr route at{"GET", "/sync/metrics/{peer_id}"};
    using caller = metrics_caller;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        BSP_TRY(auto const view, who.view(r.parameter("peer_id")));
        return respond(wire::encode(observe::metrics_of(view, r.now)));
    }
};

/// The same of all, a page at a time: `{"peers": [ … ][, "cursor": "…"]}` (BSP-OBS-028).
struct all_metrics {
    static constexpr route at{"GET", "/dashboard/peers"};
    using caller = watching_admin;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        BSP_TRY(std::size_t const limit, r.limit());
        BSP_TRY(auto const cursor_text, r.query("cursor"));
        std::string after;
        if (cursor_text) {
            BSP_TRY(auto const cursor, wire::decode_list_cursor(*cursor_text, "metrics"));
            after = cursor.after;
        }
        BSP_TRY(auto const views, who.views([&](store_reader& s) { return s.peers(std::nullopt, after, limit); }));
        std::string list;
        for (auto const& v : views) list += (list.empty() ? "" : ", ") + wire::encode(observe::status_line_of(v, r.now));
        std::string out = R"({"peers": [)" + list + ']';
        if (views.size() == limit) out += R"(, "cursor": )" + json::serialize(json::string{wire::encode(wire::list_cursor{"metrics", views.back().peer.peer_id})});
        return respond(out + '}');
    }
};

/// What is to be known of a peer when the exchange does not go (chapter 19.3).
struct peer_debug {
    static constexpr route at{"GET", "/debug/sync/{peer_id}"};
    using caller = watching_admin;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        BSP_TRY(auto const view, who.view(r.parameter("peer_id")));
        return respond(wire::encode(observe::debug_of(view, list_peers::entry_of(view.peer), r.now)));
    }
};

}  // namespace bsp::endpoint
