#pragma once

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/policy/environment.hpp>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bsp::endpoint {

/// What every endpoint may know of the backend it serves. Its data is not here: that is reached through a
/// verified caller only.
struct backend {
    identity const& self;
    rsa_private_key const& key;
    settings const& config;
    std::string epoch;
    std::function<void(std::span<std::uint8_t>)> fill_random;

    /// Random text: `bytes` bytes in hexadecimal.
    [[nodiscard]] std::string random_hex(std::size_t bytes) const {
        bsp::bytes raw(bytes);
        fill_random(raw);
        return to_hex(raw);
    }
};

/// What authentication needs beside it. The environment's types end here, so that endpoints are plain
/// functions.
struct gatekeeper : backend {
    store_base& store;
    std::function<std::optional<std::string>(std::string_view user_id)> secret_of;
    std::function<result<bool>(std::string_view issuer, std::string_view jti, instant expires_at, instant now)> claim;
    bsp::guards* guards = nullptr;
};

template <store S, entropy E, secret_book B, replay_guard R>
gatekeeper gatekeeper_of(environment<S, E, B, R>& env) {
    return {{env.self, env.key, env.config, env.store.epoch(), [&env](std::span<std::uint8_t> out) { env.entropy.fill(out); }},
            env.store,
            [&env](std::string_view user_id) { return env.secrets.secret_of(user_id); },
            [&env](std::string_view issuer, std::string_view jti, instant expires_at, instant now) -> result<bool> { return env.replays.claim(issuer, jti, expires_at, now); },
            env.guards};
}

}  // namespace bsp::endpoint
