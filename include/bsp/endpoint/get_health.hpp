#pragma once

#include <bsp/endpoint/caller/anyone.hpp>
#include <bsp/endpoint/response.hpp>

namespace bsp::endpoint {

/// Whether requests can be served, and nothing else (BSP-GEN-107 … BSP-GEN-109, A-121): 200
/// `{"status": "healthy"}`, or 503 `unavailable` when the store does not answer.
struct get_health {
    static constexpr route at{"GET", "/health"};
    using caller = anyone;

    static result<http_response> serve(backend const&, caller const& who, request const&) {
        if (!who.store_answers()) return fail(errc::unavailable, "the store does not answer");
        return respond(R"({"status": "healthy"})");
    }
};

/// The same under the name that supervisors of containers use (BSP-OBS-070).
struct get_readiness : get_health {
    static constexpr route at{"GET", "/health/ready"};
};

/// Whether this process answers at all, whatever ails its store (BSP-OBS-070).
struct get_liveness {
    static constexpr route at{"GET", "/health/live"};
    using caller = anyone;

    static result<http_response> serve(backend const&, caller const&, request const&) { return respond(R"({"status": "alive"})"); }
};

}  // namespace bsp::endpoint
