#pragma once

#include <bsp/endpoint/caller/calling_peer.hpp>
#include <bsp/endpoint/response.hpp>

namespace bsp::endpoint {

/// The way to a stream of telemetry (chapter 11.2). An upgrade gets 101, which whoever holds the socket completes;
/// `bsp::upgrade` is its door. Everything else is told to ask for one.
struct telemetry_stream {
    static constexpr route at{"GET", "/telemetry/{peer_id}"};
    static constexpr bool opens_streams = true;
    static constexpr auto refused = audit_type::telemetry_rejected;
    using caller = calling_peer;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        if (!r.opens_stream) return fail(errc::upgrade_required, "this path speaks WebSocket only");
        BSP_CHECK(who.claim());
        *r.opened = {who.peer().peer_id, who.key_sha256()};
        return http_response{.status = 101, .headers = {}, .body = {}};
    }
};

}  // namespace bsp::endpoint
