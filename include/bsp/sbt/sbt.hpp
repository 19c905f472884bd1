#pragma once

#include <bsp/base/encoding.hpp>
#include <bsp/base/identifier.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/base/limits.hpp>
#include <bsp/base/result.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/crypto/wipe.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/json/value.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Session binding tokens: a person's statement, MACed with the pairing secret, that two backends belong
/// together for at most eight hours (A-026, A-027, A-039 … A-049).
namespace bsp {

/// A token whose members have the right shapes. Nothing is said about its truth: see `verified_sbt`.
struct session_binding_token {
    std::string session_id;
    std::string local_backend_id;
    std::string hosted_backend_id;
    std::string user_id;
    instant created_at;
    instant expires_at;
    std::optional<std::string> local_key_sha256;   ///< pins of the backends' keys (A-033): lowercase hexadecimal
    std::optional<std::string> hosted_key_sha256;  ///< SHA-256 of the SPKI DER
    json::object received;                         ///< every member as it arrived, `signature` included

    /// The id in the slot of that type, "local" or "hosted".
    [[nodiscard]] std::string const& backend_id(std::string_view type) const {
        return type == "local" ? local_backend_id : hosted_backend_id;
    }
    /// The key pin of that slot, if the token has one.
    [[nodiscard]] std::optional<std::string> const& key_sha256(std::string_view type) const {
        return type == "local" ? local_key_sha256 : hosted_key_sha256;
    }
};

/// What a minter states. The token's times are written as `format_timestamp` writes them.
struct sbt_claims {
    std::string session_id;
    std::string local_backend_id;
    std::string hosted_backend_id;
    std::string user_id;
    instant created_at;
    instant expires_at;
    std::optional<std::string> local_key_sha256 = {};
    std::optional<std::string> hosted_key_sha256 = {};
};

/// A lookup of pairing secrets by user.
template <class F>
concept secret_lookup = requires(F& f, std::string_view user_id) {
    { f(user_id) } -> std::convertible_to<std::optional<std::string>>;
};

/// A token that has passed every check that needs no knowledge of who is asking. Only `verify_sbt` makes one.
class verified_sbt {
public:
    session_binding_token const& operator*() const { return token_; }
    session_binding_token const* operator->() const { return &token_; }

private:
    template <secret_lookup F>
    friend result<verified_sbt> verify_sbt(json::value const&, F&&, instant);

    explicit verified_sbt(session_binding_token token) : token_{std::move(token)} {}
    session_binding_token token_;
};

/// The MAC of a token: HMAC-SHA-256 under the UTF-8 bytes of `secret` over C14N-1 of every member except
/// `signature`.
inline result<sha256_digest> mac_of_sbt(json::object const& token, std::string_view secret) {
    BSP_TRY(std::string const text, json::canonicalize(token, {"signature"}));
    return hmac_sha256(secret, text);
}

/// Adds the member `signature` to any object, whatever it says; the suite signs wrong tokens too.
inline result<json::object> sign_sbt(json::object token, std::string_view secret) {
    BSP_TRY(sha256_digest const mac, mac_of_sbt(token, secret));
    token["signature"] = to_hex(mac);
    return token;
}

/// A token in its seven members, or more when a key is pinned.
inline json::object mint_sbt(sbt_claims const& claims, std::string_view secret) {
    json::object token{{"session_id", claims.session_id},
                       {"local_backend_id", claims.local_backend_id},
                       {"hosted_backend_id", claims.hosted_backend_id},
                       {"user_id", claims.user_id},
                       {"created_at", format_timestamp(claims.created_at)},
                       {"expires_at", format_timestamp(claims.expires_at)}};
    if (claims.local_key_sha256) token["local_key_sha256"] = *claims.local_key_sha256;
    if (claims.hosted_key_sha256) token["hosted_key_sha256"] = *claims.hosted_key_sha256;
    return sign_sbt(std::move(token), secret).value();
}

namespace detail {
inline result<std::optional<std::string>> read_key_pin(json::fields const& f, std::string_view name) {
    BSP_TRY(std::optional<std::string_view> const pin, f.optional_string(name));
    if (!pin) return std::optional<std::string>{};
    if (pin->size() != 64 || !from_hex(*pin)) return f.invalid(name, "must be a SHA-256 in lowercase hexadecimal");
    return std::optional<std::string>{*pin};
}

inline result<std::string> read_slot(json::fields const& f, std::string_view name) {
    BSP_TRY(std::string_view const id, f.required_string(name));
    if (!is_backend_id(id)) return f.invalid(name, "must be 1 to 128 visible ASCII characters");
    return std::string{id};
}
}  // namespace detail

/// Reads the shapes: `invalid_body`, naming `pointer` and below. The form of `signature` is not a matter of
/// shape; a wrong one is an invalid token.
inline result<session_binding_token> decode_sbt(json::value const& v, std::string pointer = {}) {
    BSP_TRY(json::fields const f, json::fields::of(v, std::move(pointer)));
    session_binding_token token;
    BSP_TRY(token.session_id, f.required_identifier("session_id"));
    BSP_TRY(token.local_backend_id, detail::read_slot(f, "local_backend_id"));
    BSP_TRY(token.hosted_backend_id, detail::read_slot(f, "hosted_backend_id"));
    BSP_TRY(token.user_id, f.required_string("user_id"));
    if (!is_user_id(token.user_id)) return f.invalid("user_id", "must be 1 to 256 characters without control characters");
    BSP_TRY(token.created_at, f.required_timestamp("created_at"));
    BSP_TRY(token.expires_at, f.required_timestamp("expires_at"));
    BSP_CHECK(f.optional_identifier("sbt_id"));
    BSP_TRY(token.local_key_sha256, detail::read_key_pin(f, "local_key_sha256"));
    BSP_TRY(token.hosted_key_sha256, detail::read_key_pin(f, "hosted_key_sha256"));
    token.received = f.get();
    return token;
}

/// Verifies the token `v` with the secret that `secret_of(user_id)` gives. In this order: shapes
/// (`invalid_body`, `not_canonicalizable`), MAC (`invalid_sbt`: one text for an unknown or anonymous user, an
/// empty secret, a missing, malformed or wrong signature), lifetime and creation time (`invalid_sbt`), expiry
/// (`sbt_expired`).
template <secret_lookup F>
result<verified_sbt> verify_sbt(json::value const& v, F&& secret_of, instant now) {
    BSP_TRY(session_binding_token token, decode_sbt(v));

    // An unknown user costs the same computation as a known one, and cannot succeed; nor can the user that
    // every anonymous client would share.
    std::string secret = std::optional<std::string>{secret_of(std::string_view{token.user_id})}.value_or("");
    wipe_on_exit const wipe{secret};
    bool const known = !secret.empty() && token.user_id != "anonymous";
    BSP_TRY(sha256_digest const expected, mac_of_sbt(token.received, known ? std::string_view{secret} : std::string_view{"unknown user"}));
    json::string const* signature = json::find_string(token.received, "signature");
    auto const mac = signature ? from_hex(json::view(*signature)) : std::nullopt;
    bool const equal = equal_in_constant_time(expected, mac.value_or(bytes{}));
    if (!known || !equal) return fail(errc::invalid_sbt, "the session binding token does not verify");

    if (token.expires_at <= token.created_at || token.expires_at > token.created_at + limits::sbt_lifetime_max)
        return fail(errc::invalid_sbt, "the lifetime is not above 0 and at most 8 hours and one minute");
    if (token.created_at > now + limits::freshness_window) return fail(errc::invalid_sbt, "created_at lies in the future");
    if (now >= token.expires_at) return fail(errc::sbt_expired, "the session binding token has expired");
    return verified_sbt{std::move(token)};
}

/// Whether the token speaks of this backend and of that peer: each in the slot of its type, two
/// different slots. Otherwise `wrong_audience`.
inline result<> check_sbt_parties(verified_sbt const& sbt, std::string_view self_id, std::string_view self_type, std::string_view peer_id,
                                  std::string_view peer_type) {
    auto const refuse = [](char const* why) { return fail(errc::wrong_audience, why); };
    if (!is_backend_type(self_type) || !is_backend_type(peer_type) || self_type == peer_type)
        return refuse("the two backends are not one local and one hosted");
    if (sbt->local_backend_id == sbt->hosted_backend_id || self_id == peer_id) return refuse("the token binds a backend to itself");
    if (sbt->backend_id(self_type) != self_id) return refuse("the token does not name this backend");
    if (sbt->backend_id(peer_type) != peer_id) return refuse("the token does not name the backend that is registered");
    return ok();
}

/// Whether the keys of both backends are those that the token pins, where it pins any. Otherwise
/// `wrong_audience`.
inline result<> check_sbt_keys(verified_sbt const& sbt, std::string_view self_type, sha256_digest const& self_key,
                               sha256_digest const& peer_key) {
    std::string_view const peer_type = self_type == "local" ? "hosted" : "local";
    auto const& self_pin = sbt->key_sha256(self_type);
    auto const& peer_pin = sbt->key_sha256(peer_type);
    if (self_pin && *self_pin != to_hex(self_key)) return fail(errc::wrong_audience, "the token pins another key of this backend");
    if (peer_pin && *peer_pin != to_hex(peer_key))
        return fail(errc::wrong_audience, "the token pins another key of the backend that is registered");
    return ok();
}

}  // namespace bsp
