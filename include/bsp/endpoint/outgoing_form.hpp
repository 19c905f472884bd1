#pragma once

#include <bsp/policy/store.hpp>
#include <bsp/privacy/transfer.hpp>

#include <string_view>

namespace bsp::endpoint {

/// The form in which the user's data goes to a backend of this type, as the user wants it now (BSP-RED-010, BSP-RED-016).
inline result<privacy::form> outgoing_form(tenant_reader& mine, std::string_view backend_type) {
    if (backend_type != "hosted") return privacy::form::original;
    BSP_TRY(auto const settings, mine.privacy());
    return settings.redact_pii ? privacy::form::redacted : privacy::form::original;
}

}  // namespace bsp::endpoint
