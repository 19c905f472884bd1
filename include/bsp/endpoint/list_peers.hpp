#pragma once

#include <bsp/endpoint/caller/registry_caller.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/wire/cursor.hpp>
#include <bsp/wire/peer_list.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace bsp::endpoint {

/// The registrations within the caller's sight (chapter 4.4): `{"peers": [ … ]}`. All of them, or, if
/// `limit` is given, so many at a time, with `cursor` for the next page when there is one.
struct list_peers {
    static constexpr route at{"GET", "/peers"};
    using caller = registry_caller;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        BSP_TRY(auto const limit_text, r.query("limit"));
        BSP_TRY(std::size_t const limit, r.limit());
        BSP_TRY(auto const cursor_text, r.query("cursor"));
        std::string after;
        if (cursor_text) {
            BSP_TRY(auto const cursor, wire::decode_list_cursor(*cursor_text, "peers"));
            after = cursor.after;
        }

        std::size_t wanted = limit_text ? limit : std::numeric_limits<std::size_t>::max();
        json::array peers;
        json::object answer;
        while (wanted > 0) {
            std::size_t const asked = std::min(wanted, limits::page_items_max);
            BSP_TRY(auto const page, who.peers(after, asked));
            for (auto const& p : page) peers.push_back(wire::encode(entry_of(p)));
            if (page.size() < asked) break;
            after = page.back().peer_id;
            wanted -= page.size();
            if (wanted == 0) answer["cursor"] = wire::encode(wire::list_cursor{"peers", after});
        }
        answer["peers"] = std::move(peers);
        return respond(answer);
    }

    /// As it is shown.
    static wire::peer_entry entry_of(peer_record const& p) {
        return {p.peer_id, p.backend_id, p.backend_type, p.public_key_pem, p.capabilities, p.sbt, p.registered_at};
    }
};

}  // namespace bsp::endpoint
