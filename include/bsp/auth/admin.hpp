#pragma once

#include <bsp/auth/authorization.hpp>
#include <bsp/base/result.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/crypto/sha256.hpp>

#include <string>
#include <string_view>

namespace bsp {

/// Proof that a request carried the operator's token. Only `verify_admin` makes one.
class verified_admin {
    friend result<verified_admin> verify_admin(std::string const*, std::string_view);
    verified_admin() = default;
};

/// Checks `Authorization: Bearer <token>`; `header` is null when the field is absent. Without the
/// header or with another scheme `credential_required`, with a wrong or empty token `forbidden`. An empty
/// `admin_token` disables administration: nothing matches it.
inline result<verified_admin> verify_admin(std::string const* header, std::string_view admin_token) {
    authorization const given = header ? split_authorization(*header) : authorization{};
    if (!given.is("Bearer")) return fail(errc::credential_required, "an admin token is required: Authorization: Bearer");
    // Digests have one length, so that the comparison does not tell the token's.
    bool const equal = equal_in_constant_time(sha256(given.credential), sha256(admin_token));
    if (admin_token.empty() || !equal) return fail(errc::forbidden, "the admin token is not accepted");
    return verified_admin{};
}

}  // namespace bsp
