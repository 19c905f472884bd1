#include "backend.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/json/parse.hpp>

namespace bsp::faulty {

namespace {
error refuse(std::string_view why) { return fail(errc::invalid_credential, "the assertion is refused: " + std::string{why}); }

std::string_view characters(bytes const& b) { return {reinterpret_cast<char const*>(b.data()), b.size()}; }
}  // namespace

result<principal> backend::authenticate(call const& c, unsigned who_may, peer_record* of_path) {
    BSP_CHECK(check_one_authorization(c));
    std::string const* field = c.request.headers.find("Authorization");
    if (!field || field->empty()) return fail(errc::credential_required, "a credential is required");
    std::string_view const value = *field;
    std::size_t const space = value.find(' ');
    std::string_view const scheme = value.substr(0, space);
    std::string_view credential = space == std::string_view::npos ? std::string_view{} : value.substr(space + 1);
    while (credential.starts_with(' ')) credential.remove_prefix(1);

    if (same_scheme(scheme, "Bearer") && (who_may & admin_may)) return authenticate_admin(credential);
    if (same_scheme(scheme, "BSP") && (who_may & peer_may)) return authenticate_peer(c, credential, of_path);
    if (same_scheme(scheme, "BSP-User") && (who_may & user_may)) return authenticate_user(c, credential);
    return refuse("this kind of credential is not accepted here");
}

result<> backend::check_one_authorization(call const& c) {
    if (c.request.headers.count("Authorization") > 1) return refuse("there is more than one");
    return ok();
}

bool backend::same_scheme(std::string_view a, std::string_view b) { return http_headers::same_name(a, b); }

result<principal> backend::authenticate_admin(std::string_view token) {
    bool const equal = equal_in_constant_time(as_bytes(token), as_bytes(settings_.admin_token));
    if (settings_.admin_token.empty() || !equal) return fail(errc::forbidden, "the admin token is not accepted");
    return principal{principal::admin_kind, "", nullptr};
}

result<principal> backend::authenticate_peer(call const& c, std::string_view compact, peer_record* of_path) {
    BSP_TRY(assertion const a, read_assertion(compact));
    BSP_CHECK(check_header(a, "PS256", "bsp-peer+jwt"));
    BSP_CHECK(check_path_peer(a, of_path));
    auto const found = state_.peers.find(a.sub);
    if (found == state_.peers.end()) return refuse("sub is not registered");
    peer_record& peer = found->second;
    if (!peer_signature_verifies(a, peer)) return refuse("the signature does not verify");
    BSP_CHECK(check_not_revoked(peer));
    BSP_CHECK(check_issuer(a, peer));
    BSP_CHECK(check_request_binding(c, a));
    BSP_CHECK(check_not_expired(peer, c.now));
    BSP_CHECK(check_audience(a));
    BSP_CHECK(claim_jti(c, "peer " + a.sub, a));
    return principal{principal::peer_kind, peer.user_id, &peer};
}

result<principal> backend::authenticate_user(call const& c, std::string_view compact) {
    BSP_TRY(assertion const a, read_assertion(compact));
    BSP_CHECK(check_header(a, "HS256", "bsp-user+jwt"));
    if (a.sub == "anonymous" || !user_mac_verifies(a)) return refuse("the signature does not verify");
    BSP_CHECK(check_user_issuer(a));
    BSP_CHECK(check_request_binding(c, a));
    BSP_CHECK(check_audience(a));
    BSP_CHECK(claim_jti(c, "user " + a.sub, a));
    return principal{principal::user_kind, a.sub, nullptr};
}

std::optional<bytes> backend::decode_part(std::string_view text) { return from_base64url(text); }

result<assertion> backend::read_assertion(std::string_view compact) {
    std::size_t const first = compact.find('.'), second = first == std::string_view::npos ? first : compact.find('.', first + 1);
    if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos) return refuse("it does not have three parts");
    auto const header = decode_part(compact.substr(0, first)), claims = decode_part(compact.substr(first + 1, second - first - 1));
    auto signature = decode_part(compact.substr(second + 1));
    if (!header || !claims || !signature) return refuse("a part is not base64url");

    auto const header_value = json::parse(characters(*header)), claims_value = json::parse(characters(*claims));
    if (!header_value || !header_value->is_object() || !claims_value || !claims_value->is_object()) return refuse("header or claims are no JSON object");
    assertion a;
    a.header = header_value->get_object();
    a.signing_input = compact.substr(0, second);
    a.signature = *std::move(signature);
    if (auto read = read_claims(json::fields{claims_value->get_object()}, a); !read) return refuse(read.error().detail);
    return a;
}

result<> backend::read_claims(json::fields const& f, assertion& a) {
    BSP_TRY(auto const iss, f.optional_string("iss"));
    a.iss = iss.value_or("");
    a.has_iss = iss.has_value();
    BSP_TRY(a.sub, f.required_nonempty_string("sub"));
    BSP_TRY(a.aud, f.required_nonempty_string("aud"));
    BSP_TRY(a.jti, f.required_identifier("jti"));
    BSP_TRY(a.htm, f.required_string("htm"));
    BSP_TRY(a.htu, f.required_string("htu"));
    BSP_TRY(a.iat, f.required_integer("iat", 0, std::int64_t{1} << 53));
    BSP_TRY(a.exp, f.required_integer("exp", 0, std::int64_t{1} << 53));
    return ok();
}

result<> backend::check_header(assertion const& a, std::string_view alg, std::string_view typ) {
    json::string const *given_alg = json::find_string(a.header, "alg"), *given_typ = json::find_string(a.header, "typ");
    if (!given_alg || json::view(*given_alg) != alg) return refuse("wrong alg");
    if (!given_typ || json::view(*given_typ) != typ) return refuse("wrong typ");
    if (a.header.contains("crit")) return refuse("crit is not supported");
    return ok();
}

bool backend::peer_signature_verifies(assertion const& a, peer_record const& peer) {
    for (auto const& key : keys_of(peer, now_))
        if (key.verify_ps256(a.signing_input, a.signature)) return proven_by_ = key.sha256(), true;
    return false;
}

bool backend::user_mac_verifies(assertion const& a) {
    auto const secret = secret_of(a.sub);
    return secret && equal_in_constant_time(hmac_sha256(*secret, a.signing_input), a.signature);
}

result<> backend::check_issuer(assertion const& a, peer_record const& peer) {
    if (a.iss != peer.backend_id) return refuse("iss is not the backend registered");
    return ok();
}

result<> backend::check_path_peer(assertion const& a, peer_record const* of_path) {
    if (of_path && a.sub != of_path->peer_id) return refuse("sub is not the peer of the path");
    return ok();
}

result<> backend::check_user_issuer(assertion const& a) {
    if (a.has_iss && a.iss != a.sub) return refuse("iss and sub differ");
    return ok();
}

result<> backend::check_request_binding(call const& c, assertion const& a) {
    BSP_CHECK(check_method(c, a));
    BSP_CHECK(check_target(c, a));
    return check_times(c, a);
}

result<> backend::check_method(call const& c, assertion const& a) {
    if (a.htm != c.request.method) return refuse("htm is not the method");
    return ok();
}

result<> backend::check_target(call const& c, assertion const& a) {
    if (a.htu != c.request.target) return refuse("htu is not the target");
    return ok();
}

result<> backend::check_times(call const& c, assertion const& a) {
    if (a.exp <= a.iat || a.exp - a.iat > 300) return refuse("exp is not within 300 s after iat");
    if (instant{a.iat} > c.now + std::chrono::seconds{300}) return fail(errc::stale_request, "the assertion lies in the future");
    if (c.now >= instant{a.exp}) return fail(errc::stale_request, "the assertion has expired");
    return ok();
}

result<> backend::check_audience(assertion const& a) {
    if (a.aud != backend_id_) return fail(errc::wrong_audience, "the assertion is for another backend");
    return ok();
}

result<> backend::claim_jti(call const& c, std::string const& issuer, assertion const& a) {
    auto& used = state_.used_assertions;
    if (used.size() > 10'000) std::erase_if(used, [&](auto const& u) { return instant{u.second} <= c.now; });
    if (!used.emplace(std::pair{issuer, a.jti}, a.exp).second) return fail(errc::stale_request, "the assertion was used before");
    return ok();
}

result<> backend::check_not_expired(peer_record const& peer, instant now) {
    if (now >= peer.sbt_expires) return fail(errc::sbt_expired, "the session binding token of this peer has expired");
    return ok();
}

result<> backend::check_not_revoked(peer_record const& peer) {
    if (peer.revoked) return fail(errc::peer_revoked, "this peer has been revoked");
    return ok();
}

result<peer_record*> backend::find_peer(std::string const& peer_id) {
    auto const found = state_.peers.find(peer_id);
    if (found == state_.peers.end()) return fail(errc::unknown_peer, "no such peer");
    return &found->second;
}

std::optional<std::string> backend::secret_of(std::string const& user_id) {
    auto const found = settings_.users.find(user_id);
    if (found == settings_.users.end() || found->second.empty()) return std::nullopt;
    return found->second;
}

}  // namespace bsp::faulty
