#pragma once

#include <bsp/auth/admin.hpp>
#include <bsp/auth/assertion.hpp>
#include <bsp/auth/authorization.hpp>
#include <bsp/endpoint/caller/budget.hpp>
#include <bsp/endpoint/caller/pass.hpp>
#include <bsp/endpoint/request.hpp>

#include <string>
#include <string_view>
#include <utility>

/// The Authorization header, verified. The callers of this folder are made from these.
namespace bsp::endpoint {

inline constexpr std::string_view peer_scheme = "BSP", user_scheme = "BSP-User", admin_scheme = "Bearer";

/// The one Authorization header of the request (BSP-AUT-001, BSP-AUT-004).
inline result<authorization> required_authorization(request const& r) {
    auto const n = r.http.headers.count("Authorization");
    if (n == 0) return fail(errc::credential_required, "this needs an Authorization header");
    if (n > 1) return fail(errc::invalid_credential, "there is more than one Authorization header");
    return split_authorization(*r.http.headers.find("Authorization"));
}

inline error no_accepted_scheme() { return fail(errc::credential_required, "no credential of a kind that is accepted here"); }

/// Opens the store for a verified assertion. Every request claims the jti now, in the volatile guard, so that what was
/// used to read is not used to change anything (BSP-AUT-044); state-changing ones once more, in their transaction.
inline result<pass> admit(gatekeeper const& gate, request const& r, std::string issuer, assertion_claims const& claims) {
    pass p{gate.store, r.now};
    once claim{std::move(issuer), claims.jti, instant{claims.exp, 0}};
    BSP_TRY(bool const first, gate.claim(claim.issuer, claim.jti, claim.expires_at, r.now));
    if (!first) return fail(errc::stale_request, "the assertion was used before");
    if (r.changes_state()) p.claiming(std::move(claim));
    return p;
}

/// A peer, proven by its assertion.
struct authenticated_peer {
    peer_record peer;
    sha256_digest key_sha256;  ///< of the key that has signed
    pass way;
};

/// Verifies a peer assertion under a key of `registered`, whose id `sub` must be.
inline result<authenticated_peer> authenticate_peer(gatekeeper const& gate, request const& r, parsed_assertion const& assertion, peer_record registered) {
    note(r, registered);
    if (assertion.claims.sub != registered.peer_id) return fail(errc::invalid_credential, "the assertion is refused: sub is not the peer of the path");
    BSP_TRY(auto const key, signing_key(gate.store, registered, r.now, [&](rsa_public_key const& k) { return k.verify_ps256(assertion.signing_input, assertion.signature); }));
    BSP_TRY(auto const verified, verify_peer_assertion(assertion, key, {gate.self.backend_id, r.http.method, r.htu, registered.backend_id}, r.now));
    BSP_CHECK(unexpired(registered, r.now));
    BSP_TRY(pass way, admit(gate, r, "peer " + registered.peer_id, verified.claims()));
    way.of_user(registered.user_id).of_peer(registered.peer_id, key.sha256());
    r.notes.proven = true;
    return authenticated_peer{std::move(registered), key.sha256(), std::move(way)};
}

/// Verifies a peer assertion, whichever peer it is of. An id that names no registration is an invalid
/// credential, unless the path names it too (BSP-AUT-026, BSP-REG-043).
inline result<authenticated_peer> authenticate_any_peer(gatekeeper const& gate, request const& r, std::string_view credential) {
    BSP_TRY(auto const assertion, parse_assertion(credential));
    errc const when_gone = assertion.claims.sub == r.parameter("peer_id") ? errc::unknown_peer : errc::invalid_credential;
    BSP_TRY(auto found, gate.store.read([&](store_reader& s) { return s.peer(assertion.claims.sub); }));
    BSP_TRY(auto registered, standing(std::move(found), when_gone));
    return authenticate_peer(gate, r, assertion, std::move(registered));
}

/// A user, proven by the pairing secret.
struct authenticated_user {
    std::string user_id;
    pass way;
};

inline result<authenticated_user> authenticate_user(gatekeeper const& gate, request const& r, std::string_view credential) {
    BSP_TRY(auto const assertion, parse_assertion(credential));
    bool const reserved = assertion.claims.sub == "anonymous";
    auto const secret = reserved ? std::nullopt : gate.secret_of(assertion.claims.sub);
    BSP_TRY(auto const verified, verify_user_assertion(assertion, secret.value_or(""), {gate.self.backend_id, r.http.method, r.htu}, r.now));
    BSP_TRY(pass way, admit(gate, r, "user " + verified.user_id(), verified.claims()));
    way.of_user(verified.user_id());
    r.notes.user_id = verified.user_id();
    r.notes.proven = true;
    return authenticated_user{verified.user_id(), std::move(way)};
}

/// The operator, proven by his token.
inline result<pass> authenticate_admin(gatekeeper const& gate, request const& r) {
    r.notes.asked_as_admin = true;
    BSP_CHECK(verify_admin(r.http.headers.find("Authorization"), gate.config.admin_token));
    r.notes.asked_as_admin = false;
    r.notes.proven = true;
    return pass{gate.store, r.now};
}

}  // namespace bsp::endpoint
