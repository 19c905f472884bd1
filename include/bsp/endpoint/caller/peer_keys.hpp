#pragma once

#include <bsp/crypto/rsa.hpp>
#include <bsp/policy/records.hpp>
#include <bsp/policy/store.hpp>

#include <algorithm>
#include <utility>

/// The keys under which a peer is believed: its own, and for a while those it has rotated out (chapter 13.2).
namespace bsp::endpoint {

/// Whether what was signed with this key counts at `now`. Asked at every request, so that a grace ends by itself
/// . A retired key that was revoked, with another registration perhaps, is none (BSP-REG-052).
inline result<bool> is_in_force(registry_reader& r, peer_record const& peer, sha256_digest const& key_sha256, instant now) {
    if (key_sha256 == peer.key_sha256) return true;
    bool const retired = std::ranges::any_of(peer.retired_keys, [&](retired_key const& k) { return k.key_sha256 == key_sha256 && now < k.expires_at; });
    if (!retired) return false;
    BSP_TRY(bool const revoked, r.is_revoked(peer.backend_id, key_sha256));
    return !revoked;
}

/// Of the keys of `peer` that are in force at `now`, the one for which `has_signed(rsa_public_key)` holds; the current
/// one when none does, whose refusal is the one to tell.
template <class HasSigned>
result<rsa_public_key> signing_key(store_base& store, peer_record const& peer, instant now, HasSigned&& has_signed) {
    BSP_TRY(auto current, rsa_public_key::from_pem(peer.public_key_pem));
    bool const alone = std::ranges::none_of(peer.retired_keys, [&](retired_key const& k) { return now < k.expires_at; });
    if (alone || has_signed(current)) return current;
    for (auto const& k : peer.retired_keys) {
        BSP_TRY(bool const counts, store.read([&](store_reader& r) { return is_in_force(r, peer, k.key_sha256, now); }));
        if (!counts) continue;
        BSP_TRY(auto key, rsa_public_key::from_pem(k.public_key_pem));
        if (has_signed(key)) return key;
    }
    return current;
}

}  // namespace bsp::endpoint
