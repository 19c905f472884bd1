#pragma once

#include <bsp/endpoint/caller/anyone.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/wire/backend_identity.hpp>

namespace bsp::endpoint {

/// Who this backend is (BSP-ID-001, BSP-ID-002). Says so without the store, which may be down.
struct get_identity {
    static constexpr route at{"GET", "/identity"};
    static constexpr bool may_be_revalidated = true;  ///< `no-cache` in the place of `no-store` (BSP-GEN-106)
    using caller = anyone;

    static result<http_response> serve(backend const& here, caller const&, request const&) {
        auto const& self = here.self;
        return respond(encode(wire::backend_identity{
            .backend_id = self.backend_id,
            .backend_type = self.backend_type,
            .public_key = self.public_key_pem,
            .capabilities = self.capabilities,
            .version = self.version,
            .created_at = self.created_at,
            .epoch = here.epoch,
        }));
    }
};

}  // namespace bsp::endpoint
