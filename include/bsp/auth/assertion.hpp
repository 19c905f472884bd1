#pragma once

#include <bsp/base/encoding.hpp>
#include <bsp/base/identifier.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/base/limits.hpp>
#include <bsp/base/result.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

/// Request assertions: short-lived compact JWS (RFC 7515) that bind a request to its sender. A peer signs
/// with its key, a user MACs with the pairing secret. The scheme fixes algorithm and type;
/// the header is only held to it (A-066, RFC 8725).
namespace bsp {

struct assertion_claims {
    std::string iss;  ///< peer: its backend_id; user: its user_id, or "" when absent
    std::string sub;  ///< peer: its peer_id; user: its user_id
    std::string aud;  ///< backend_id of the callee
    std::string jti;  ///< an identifier, used once
    std::string htm;  ///< method
    std::string htu;  ///< path and query, as in the request target
    std::int64_t iat = 0;
    std::int64_t exp = 0;
};

/// An assertion as it was sent: well-formed, not yet believed.
struct parsed_assertion {
    json::object header;
    assertion_claims claims;
    std::string signing_input;
    bytes signature;
};

/// What the receiver knows of the request that carries the assertion.
struct expected_request {
    std::string_view aud;       ///< own backend_id
    std::string_view htm;       ///< the request's method
    std::string_view htu;       ///< the request's target: path and query, as sent
    std::string_view iss = {};  ///< the backend_id registered for `claims.sub`; for peers only
};

namespace detail {

inline constexpr std::size_t assertion_bytes_max = 8'192;

inline error bad_assertion(std::string_view why) { return fail(errc::invalid_credential, "the assertion is refused: " + std::string{why}); }

inline result<assertion_claims> read_claims(json::value const& v) {
    assertion_claims c;
    BSP_TRY(json::fields const f, json::fields::of(v));
    BSP_TRY(auto const iss, f.optional_string("iss"));
    if (iss && iss->empty()) return f.invalid("iss", "must not be empty");
    c.iss = iss.value_or("");
    BSP_TRY(c.sub, f.required_nonempty_string("sub"));
    BSP_TRY(c.aud, f.required_nonempty_string("aud"));
    BSP_TRY(c.jti, f.required_identifier("jti"));
    BSP_TRY(c.htm, f.required_nonempty_string("htm"));
    BSP_TRY(c.htu, f.required_nonempty_string("htu"));
    BSP_TRY(c.iat, f.required_integer("iat", 0, limits::version_max));
    BSP_TRY(c.exp, f.required_integer("exp", 0, limits::version_max));
    return c;
}

/// Holds the header to `alg` and `typ`; a `crit` member names extensions that nobody here knows.
inline result<> check_header(json::object const& header, std::string_view alg, std::string_view typ) {
    json::string const *given_alg = json::find_string(header, "alg"), *given_typ = json::find_string(header, "typ");
    if (!given_alg || json::view(*given_alg) != alg) return bad_assertion("alg is not " + std::string{alg});
    if (!given_typ || json::view(*given_typ) != typ) return bad_assertion("typ is not " + std::string{typ});
    if (header.contains("crit")) return bad_assertion("crit names extensions that are not known here");
    return ok();
}

/// What remains once the signature is known to be good, in the order of A-068: the request, the time, the audience.
inline result<> check_claims(assertion_claims const& c, expected_request const& request, instant now) {
    if (c.htm != request.htm) return bad_assertion("htm is not the method of this request");
    if (c.htu != request.htu) return bad_assertion("htu is not the target of this request");
    if (c.exp <= c.iat || c.exp - c.iat > limits::assertion_lifetime_max.count()) return bad_assertion("exp is not 1 to 300 s after iat");
    if (instant{c.iat, 0} > now + limits::freshness_window) return fail(errc::stale_request, "the assertion's iat lies in the future");
    if (now >= instant{c.exp, 0}) return fail(errc::stale_request, "the assertion has expired");
    if (c.aud != request.aud) return fail(errc::wrong_audience, "the assertion is meant for another backend");
    return ok();
}

inline std::string jws_signing_input(json::object const& header, json::object const& claims) {
    return to_base64url(as_bytes(json::serialize(header))) + '.' + to_base64url(as_bytes(json::serialize(claims)));
}

inline json::object to_json(assertion_claims const& c) {
    return {{"iss", c.iss}, {"sub", c.sub}, {"aud", c.aud}, {"iat", c.iat}, {"exp", c.exp}, {"jti", c.jti}, {"htm", c.htm}, {"htu", c.htu}};
}

}  // namespace detail

/// A compact JWS with a PS256 signature, whatever its header says.
inline std::string sign_jws(json::object const& header, json::object const& claims, rsa_private_key const& key) {
    std::string const input = detail::jws_signing_input(header, claims);
    return input + '.' + to_base64url(key.sign_ps256(input));
}

/// A compact JWS with an HMAC-SHA-256, whatever its header says.
inline std::string mac_jws(json::object const& header, json::object const& claims, std::string_view secret) {
    std::string const input = detail::jws_signing_input(header, claims);
    return input + '.' + to_base64url(hmac_sha256(secret, input));
}

inline std::string mint_peer_assertion(assertion_claims const& claims, rsa_private_key const& key) {
    return sign_jws({{"alg", "PS256"}, {"typ", "bsp-peer+jwt"}}, detail::to_json(claims), key);
}

/// Takes `iss` from `sub` when it is "" (BSP-AUT-059).
inline std::string mint_user_assertion(assertion_claims claims, std::string_view secret) {
    if (claims.iss.empty()) claims.iss = claims.sub;
    return mac_jws({{"alg", "HS256"}, {"typ", "bsp-user+jwt"}}, detail::to_json(claims), secret);
}

/// Takes a compact JWS apart: three parts of strict base64url, a JSON object each for header and claims, and
/// every claim of the right type. Otherwise `invalid_credential`.
inline result<parsed_assertion> parse_assertion(std::string_view compact) {
    using detail::bad_assertion;
    if (compact.size() > detail::assertion_bytes_max) return bad_assertion("it is longer than 8192 bytes");
    std::size_t const first = compact.find('.'), second = first == std::string_view::npos ? first : compact.find('.', first + 1);
    if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos)
        return bad_assertion("it does not have three parts");

    auto const header_bytes = from_base64url(compact.substr(0, first)),
               claims_bytes = from_base64url(compact.substr(first + 1, second - first - 1));
    auto signature = from_base64url(compact.substr(second + 1));
    if (!header_bytes || !claims_bytes || !signature) return bad_assertion("a part is not unpadded base64url");

    auto const header = json::parse({reinterpret_cast<char const*>(header_bytes->data()), header_bytes->size()});
    if (!header || !header->is_object()) return bad_assertion("its header is not a JSON object");
    auto const claims_value = json::parse({reinterpret_cast<char const*>(claims_bytes->data()), claims_bytes->size()});
    if (!claims_value) return bad_assertion("its claims are not a JSON object");
    auto claims = detail::read_claims(*claims_value);
    if (!claims) return bad_assertion("claims: " + claims.error().detail);
    return parsed_assertion{header->get_object(), std::move(*claims), std::string{compact.substr(0, second)}, *std::move(signature)};
}

/// A peer's assertion that has passed every check but that the jti is new. Only `verify_peer_assertion` makes one.
class verified_peer_assertion {
public:
    [[nodiscard]] assertion_claims const& claims() const { return claims_; }
    [[nodiscard]] std::string const& peer_id() const { return claims_.sub; }
    [[nodiscard]] std::string const& backend_id() const { return claims_.iss; }

private:
    friend result<verified_peer_assertion> verify_peer_assertion(parsed_assertion const&, rsa_public_key const&, expected_request const&,
                                                                 instant);
    explicit verified_peer_assertion(assertion_claims c) : claims_{std::move(c)} {}
    assertion_claims claims_;
};

/// A user's assertion that has passed every check but that the jti is new. Only `verify_user_assertion` makes one.
class verified_user_assertion {
public:
    [[nodiscard]] assertion_claims const& claims() const { return claims_; }
    [[nodiscard]] std::string const& user_id() const { return claims_.sub; }

private:
    friend result<verified_user_assertion> verify_user_assertion(parsed_assertion const&, std::string_view, expected_request const&,
                                                                 instant);
    explicit verified_user_assertion(assertion_claims c) : claims_{std::move(c)} {}
    assertion_claims claims_;
};

/// Verifies under the key registered for `claims.sub`, whose backend_id `request.iss` must be. Refuses with
/// `invalid_credential` first, then with `stale_request` what is too late or too early, last with
/// `wrong_audience` what is meant for another backend.
inline result<verified_peer_assertion> verify_peer_assertion(parsed_assertion const& a, rsa_public_key const& key,
                                                             expected_request const& request, instant now) {
    BSP_CHECK(detail::check_header(a.header, "PS256", "bsp-peer+jwt"));
    if (a.claims.iss.empty() || a.claims.iss != request.iss) return detail::bad_assertion("iss is not the backend registered for sub");
    if (!key.verify_ps256(a.signing_input, a.signature)) return detail::bad_assertion("the signature does not verify");
    BSP_CHECK(detail::check_claims(a.claims, request, now));
    return verified_peer_assertion{a.claims};
}

/// Verifies with the pairing secret of the user that `claims.sub` names; "" when there is none, which no
/// assertion matches, and none is for `anonymous`. Refuses as `verify_peer_assertion` does.
inline result<verified_user_assertion> verify_user_assertion(parsed_assertion const& a, std::string_view secret,
                                                             expected_request const& request, instant now) {
    BSP_CHECK(detail::check_header(a.header, "HS256", "bsp-user+jwt"));
    bool const equal = equal_in_constant_time(hmac_sha256(secret, a.signing_input), a.signature);
    if (secret.empty() || !equal || a.claims.sub == "anonymous") return detail::bad_assertion("the signature does not verify");
    if (!a.claims.iss.empty() && a.claims.iss != a.claims.sub) return detail::bad_assertion("iss is not sub");
    BSP_CHECK(detail::check_claims(a.claims, request, now));
    return verified_user_assertion{a.claims};
}

}  // namespace bsp
