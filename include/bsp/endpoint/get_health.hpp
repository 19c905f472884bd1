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

}  // namespace bsp::endpoint
