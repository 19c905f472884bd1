#pragma once

#include <bsp/base/instant.hpp>
#include <bsp/base/limits.hpp>
#include <bsp/policy/entropy.hpp>
#include <bsp/policy/guards.hpp>
#include <bsp/policy/replay_guard.hpp>
#include <bsp/policy/secret_book.hpp>
#include <bsp/policy/store.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace bsp {

class rsa_private_key;

/// What an operator decides.
struct settings {
    std::string base_url;                      ///< absolute, without a trailing '/'; the only source of emitted URLs (A-053)
    std::string admin_token;                   ///< empty: nobody is admin (A-119)
    std::vector<std::string> allowed_hosts;    ///< host names served beside the loopback names and the host of `base_url` (A-011)
    std::vector<std::string> allowed_origins;  ///< exact serialized origins that scripts may call from (A-010)
    std::vector<std::string> allowed_peers = {};  ///< exact origins of backends that may be dialled (A-056)
    std::size_t body_bytes_max = limits::body_bytes_max;
    int sync_interval_ms = limits::sync_interval_ms_default;
};

/// Who this backend is; persisted, the same after every restart.
struct identity {
    std::string backend_id;
    std::string backend_type;      ///< "local" or "hosted"
    std::string public_key_pem;    ///< SPKI
    std::string version = "1.0";
    std::vector<std::string> capabilities;
    instant created_at;
};

/// The world as `handle` sees it: everything a request needs besides itself and the time. It owns
/// nothing; what it refers to must be safe to use from as many threads as call `handle`.
template <store S, entropy E, secret_book B, replay_guard R>
struct environment {
    identity const& self;
    rsa_private_key const& key;  ///< of `self.public_key_pem`
    settings const& config;
    S& store;
    E& entropy;
    B& secrets;
    R& replays;
    bsp::guards* guards = nullptr;
};

template <class S, class E, class B, class R>
environment(identity const&, rsa_private_key const&, settings const&, S&, E&, B&, R&, guards* = nullptr) -> environment<S, E, B, R>;

}  // namespace bsp
