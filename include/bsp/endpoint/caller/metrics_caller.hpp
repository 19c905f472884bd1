#pragma once

#include <bsp/endpoint/caller/credential.hpp>
#include <bsp/observe/observatory.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace bsp::endpoint {

/// The peer of the path, or the operator (BSP-OBS-001).
class metrics_caller {
public:
    static constexpr std::string_view challenge = "BSP, Bearer";

    static result<metrics_caller> authenticate(gatekeeper const& gate, request const& r) {
        BSP_TRY(auto const given, required_authorization(r));
        if (given.is(peer_scheme)) {
            BSP_TRY(auto proven, authenticate_any_peer(gate, r, given.credential));
            if (proven.peer.peer_id != r.parameter("peer_id")) return fail(errc::forbidden, "a peer may see its own metrics only");
            return metrics_caller{std::move(proven.way), gate.guards};
        }
        if (given.is(admin_scheme)) {
            BSP_TRY(pass way, authenticate_admin(gate, r));
            return metrics_caller{std::move(way), gate.guards};
        }
        return no_accepted_scheme();
    }

    /// Everything of the registration; `unknown_peer` when there is none, or it has ended.
    [[nodiscard]] result<observe::peer_view> view(std::string_view peer_id) const {
        return view_of(way_, guards_, peer_id);
    }

    static result<observe::peer_view> view_of(pass const& way, guards const* watch, std::string_view peer_id) {
        static observe::observatory const nothing;
        auto const& seen = watch && watch->observed ? *watch->observed : nothing;
        BSP_TRY(auto view, way.read([&](store_reader& r) -> result<observe::peer_view> {
            BSP_TRY(auto found, r.peer(peer_id));
            if (!found || found->status != peer_status::active) return fail(errc::unknown_peer, "there is no such registration");
            return seen.view(r, *std::move(found));
        }));
        seen.add_client({&view, 1});
        return view;
    }

private:
    metrics_caller(pass way, guards const* watch) : way_{std::move(way)}, guards_{watch} {}

    pass way_;
    guards const* guards_;
};

}  // namespace bsp::endpoint
