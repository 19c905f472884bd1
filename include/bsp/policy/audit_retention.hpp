#pragma once

#include <bsp/policy/store.hpp>

#include <cstddef>
#include <cstdint>

namespace bsp {

/// Takes away up to `limit` entries of the audit trail that are as old as `until` or older, and records it with the number of
/// the last one: so the beginning of the trail is sealed by its end, and whoever takes more is found out (BSP-AUD-051).
/// How many were taken.
inline result<std::size_t> prune_audit_trail(store_writer& w, instant until, instant now, std::size_t limit) {
    BSP_TRY(std::size_t const taken, w.prune_audit(until, limit));
    if (taken == 0) return taken;
    BSP_TRY(audit_seal const begin, w.audit_begin());
    BSP_CHECK(w.append_audit({.type = audit_type::retention_enforced, .at = now,
                              .counts = {{"audit_entries", static_cast<std::int64_t>(taken)}, {"audit_through", static_cast<std::int64_t>(begin.number)}}}));
    return taken;
}

}  // namespace bsp
