#pragma once

#include <bsp/base/instant.hpp>
#include <bsp/base/result.hpp>

#include <concepts>
#include <string_view>

namespace bsp {

/// Remembers the assertions of requests. `claim` is true for the first claim of (issuer, jti)
/// and false for a repetition before `expires_at`; of two claims at once one is the first. It may
/// forget on restart: state-changing requests claim once more, in their transaction. It is bounded: when full
/// it refuses or forgets, as its documentation says. One that other instances share may answer `unavailable`.
/// Models: memory_replay_guard (adapters/), store_replay_guard (policy/store_replay_guard.hpp).
template <class G>
concept replay_guard = requires(G& g, std::string_view issuer, std::string_view jti, instant t) {
    { g.claim(issuer, jti, /*expires_at=*/t, /*now=*/t) } -> std::convertible_to<result<bool>>;
};

/// The smallest model, for compile-time tests.
struct replay_guard_archetype {
    replay_guard_archetype() = delete;
    replay_guard_archetype(replay_guard_archetype const&) = delete;
    bool claim(std::string_view, std::string_view, instant, instant) { return true; }
};
static_assert(replay_guard<replay_guard_archetype>);

}  // namespace bsp
