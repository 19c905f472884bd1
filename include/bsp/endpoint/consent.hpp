#pragma once

#include <bsp/policy/store.hpp>

namespace bsp::endpoint {

/// Whether the user lets conversations be exchanged with peers now: `sync_paused`.
inline result<> conversations_are_exchanged(tenant_reader& mine) {
    BSP_TRY(auto const settings, mine.privacy());
    if (!settings.sync_enabled) return fail(errc::sync_paused, "the user has paused sync");
    if (!settings.sync_conversations) return fail(errc::sync_paused, "the user does not let conversations be synchronized");
    return ok();
}

/// The same of telemetry.
inline result<> telemetry_is_exchanged(tenant_reader& mine) {
    BSP_TRY(auto const settings, mine.privacy());
    if (!settings.sync_enabled) return fail(errc::sync_paused, "the user has paused sync");
    if (!settings.sync_telemetry) return fail(errc::sync_paused, "the user does not let telemetry be sent");
    return ok();
}

}  // namespace bsp::endpoint
