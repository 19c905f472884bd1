#pragma once

#include <bsp/policy/replay_guard.hpp>
#include <bsp/policy/store.hpp>

#include <string>
#include <string_view>

namespace bsp {

/// Remembers in the store, so that an assertion that one instance has taken is refused by every other; apart from what
/// state-changing requests claim in their transactions.
class store_replay_guard {
public:
    explicit store_replay_guard(store_base& store) : store_{store} {}

    result<bool> claim(std::string_view issuer, std::string_view jti, instant expires_at, instant now) {
        return store_.write_volatile([&](store_writer& w) { return w.claim_assertion("seen " + std::string{issuer}, jti, expires_at, now); });
    }

private:
    store_base& store_;
};
static_assert(replay_guard<store_replay_guard>);

}  // namespace bsp
