#pragma once

#include <bsp/base/instant.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/crypto/signed_object.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/json/parse.hpp>

#include <string>
#include <string_view>

namespace bsp::wire {

/// The body of `POST /peers/{peer_id}/rotate-key` (spec chapter 13), signed by two keys:
///
///     {"typ": "bsp-key-rotation", "peer_id": "peer_5f0c9a7be1d2…", "backend_id": "local_sha256_7d4b82b21655494e",
///      "target_backend_id": "hosted_sha256_a9bece05ad4ed0b0", "new_public_key": "-----BEGIN PUBLIC KEY-----\n…",
///      "rotated_at": "2025-12-31T00:00:05Z", "grace_expires_at": "2026-01-07T00:00:05Z",
///      "signature": "kq0…==", "new_key_signature": "mZx…=="}
struct key_rotation {
    std::string peer_id;            ///< of the sender, at the receiver
    std::string backend_id;         ///< of the sender
    std::string target_backend_id;  ///< of the receiver
    std::string new_public_key;     ///< PEM as sent: whether it is an acceptable key is for crypto/ to say
    instant rotated_at;
    instant grace_expires_at;       ///< until when the sender would have its previous key believed
};

inline constexpr std::string_view key_rotation_type = "bsp-key-rotation";

/// How `signature`, by the current key, is to be verified, and `new_key_signature` by the new one: both are over all
/// members but these two (BSP-ROT-004).
inline constexpr signed_object_rules by_current_key{.typ = key_rotation_type, .also_unsigned = "new_key_signature"};
inline constexpr signed_object_rules by_new_key{.typ = key_rotation_type, .also_unsigned = "signature"};

/// Errors: `invalid_body`.
inline result<key_rotation> decode_key_rotation(json::fields const& f) {
    key_rotation r;
    BSP_TRY(r.peer_id, f.required_nonempty_string("peer_id"));
    BSP_TRY(r.backend_id, f.required_nonempty_string("backend_id"));
    BSP_TRY(r.target_backend_id, f.required_nonempty_string("target_backend_id"));
    BSP_TRY(r.new_public_key, f.required_string("new_public_key"));
    BSP_TRY(r.rotated_at, f.required_timestamp("rotated_at"));
    BSP_TRY(r.grace_expires_at, f.required_timestamp("grace_expires_at"));
    return r;
}

/// The notice, signed. `new_public_key` is taken from `next`. Fails when a member has no canonical form.
inline result<json::object> sign_key_rotation(key_rotation const& r, rsa_private_key const& current, rsa_private_key const& next) {
    json::object o{{"typ", key_rotation_type},
                   {"peer_id", r.peer_id},
                   {"backend_id", r.backend_id},
                   {"target_backend_id", r.target_backend_id},
                   {"new_public_key", next.public_key().pem()},
                   {"rotated_at", format_timestamp(r.rotated_at)},
                   {"grace_expires_at", format_timestamp(r.grace_expires_at)}};
    BSP_TRY(std::string const by_current, sign_object(o, current));
    BSP_TRY(std::string const by_next, sign_object(o, next));
    o["signature"] = by_current;
    o["new_key_signature"] = by_next;
    return o;
}

/// The answer:
///
///     {"status": "rotated", "peer_id": "peer_5f0c9a7be1d2…", "previous_key_expires_at": "2026-01-07T00:00:05Z"}
inline json::object rotated_answer(std::string_view peer_id, instant previous_key_expires_at) {
    return {{"status", "rotated"}, {"peer_id", peer_id}, {"previous_key_expires_at", format_timestamp(previous_key_expires_at)}};
}

}  // namespace bsp::wire
