#pragma once

#include <bsp/endpoint/backend.hpp>
#include <bsp/endpoint/request.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace bsp::endpoint {

/// Whom the request speaks of, if anybody.
inline void note(request const& r, std::optional<peer_record> const& peer) {
    if (!peer) return;
    r.notes.user_id = peer->user_id;
    r.notes.peer_id = peer->peer_id;
    r.notes.backend_id = peer->backend_id;
}

/// Counts the request as one of `who`; `rate_limited` when his budget is used up. A limiter that cannot count lets pass:
/// whatever ails it, the request will meet the same.
inline result<> within(gatekeeper const& gate, rate const& budget, std::string_view who, request const& r) {
    if (!gate.guards) return ok();
    auto const verdict = gate.guards->limits.take(budget, who, r.now);
    if (!verdict || verdict->passes()) return ok();
    r.notes.retry_after = verdict->retry_after;
    return fail(errc::rate_limited, "more than " + std::to_string(budget.requests_max) + " requests in " + std::to_string(budget.window.count()) + " seconds");
}

/// Whether requests of this address are counted before anybody has proven anything. Those of this machine are not: behind a
/// proxy, everyone comes from there (the proxy knows who is who), and without one, nobody but the machine's own programs.
inline bool limits_apply_to(std::string_view address) { return !address.empty() && !address.starts_with("127.") && address != "::1" && !address.starts_with("::ffff:127."); }

}  // namespace bsp::endpoint
