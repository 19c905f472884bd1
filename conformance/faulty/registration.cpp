#include "backend.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/identifier.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/crypto/signed_object.hpp>

#include <algorithm>

namespace bsp::faulty {

namespace {

error invalid_token(std::string_view why) { return fail(errc::invalid_sbt, "the session binding token is refused: " + std::string{why}); }
error wrong_audience(std::string_view why) { return fail(errc::wrong_audience, std::string{why}); }

bool is_visible_ascii(std::string_view text) {
    return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool is_absolute_url(std::string_view text) {
    std::size_t const scheme = text.find("://");
    return text.size() <= 2048 && scheme != std::string_view::npos && scheme > 0 && text.size() > scheme + 3;
}

std::string_view other_type(std::string_view type) { return type == "local" ? "hosted" : "local"; }

}  // namespace

result<http_response> backend::register_peer(call const& c) {
    BSP_TRY(json::object const body, parse_object(c));
    json::fields const f{body};
    BSP_TRY(json::fields const identity_fields, f.required_object("backend_identity"));
    BSP_TRY(claimed_identity const who, decode_identity(identity_fields));
    BSP_TRY(json::fields const token_fields, f.required_object("sbt"));
    BSP_TRY(token const t, decode_token(token_fields));
    BSP_TRY(auto const challenge, challenge_of(f));
    BSP_CHECK(check_endpoints(f));
    BSP_CHECK(check_version(who));
    BSP_CHECK(check_backend_id(who));
    BSP_CHECK(verify_token(t, c.now));
    BSP_TRY(rsa_public_key const key, read_key(who.public_key));
    BSP_CHECK(check_parties(t, who));
    BSP_CHECK(check_revocation(who, key, t.user_id));
    BSP_CHECK(check_fingerprints(t, who, key));
    BSP_CHECK(check_unpairing(t, who));
    BSP_TRY(peer_record * peer, enter(who, key, t, c.now));
    note_endpoints(f, t, *peer);
    record({c.now, "peer_registered", peer->peer_id, {{"backend_id", who.backend_id}}});
    return json_answer(200, registration_answer(c, *peer, challenge));
}

result<claimed_identity> backend::decode_identity(json::fields const& f) {
    claimed_identity who;
    BSP_TRY(who.backend_id, text_of(f, "backend_id"));
    if (!is_visible_ascii(who.backend_id)) return f.invalid("backend_id", "must be 1 to 128 visible ASCII characters");
    BSP_TRY(who.backend_type, text_of(f, "backend_type"));
    BSP_TRY(who.public_key, text_of(f, "public_key"));
    BSP_TRY(who.version, text_of(f, "version"));
    BSP_TRY(who.capabilities, capabilities_of(f));
    if (f.find("created_at")) BSP_CHECK(instant_of(f, "created_at"));
    return who;
}

result<json::array> backend::capabilities_of(json::fields const& f) {
    BSP_TRY(auto const given, f.optional_array("capabilities"));
    if (!given) return json::array{};
    if (given->size() > 64) return f.invalid("capabilities", "must not have more than 64 elements");
    for (std::size_t i = 0; i < given->size(); ++i) {
        BSP_TRY(auto const name, given->string_at(i, 512));
        if (!is_label(name)) return given->invalid(i, "must have 1 to 128 characters");
    }
    return given->get();
}

result<> backend::check_backend_id(claimed_identity const& who) {
    if (!is_backend_type(who.backend_type)) return fail(errc::invalid_body, "/backend_identity/backend_type must be local or hosted");
    if (!who.backend_id.starts_with(who.backend_type + "_")) return fail(errc::invalid_body, "/backend_identity/backend_id must begin with its type");
    return ok();
}

result<> backend::check_version(claimed_identity const& who) {
    auto const is_number = [](std::string_view s) {
        return !s.empty() && s.size() <= 9 && s.find_first_not_of("0123456789") == std::string_view::npos && (s == "0" || s.front() != '0');
    };
    std::string_view const version = who.version;
    std::size_t const dot = version.find('.');
    if (dot == std::string_view::npos || !is_number(version.substr(0, dot)) || !is_number(version.substr(dot + 1)))
        return fail(errc::invalid_body, "/backend_identity/version must be MAJOR.MINOR");
    if (version.substr(0, dot) != "1") return fail(errc::unsupported_version, "only version 1 is spoken here");
    return ok();
}

result<rsa_public_key> backend::read_key(std::string const& pem) {
    if (pem.size() > 4096) return fail(errc::invalid_key, "the key is longer than 4096 characters");
    return rsa_public_key::from_pem(pem);
}

result<> backend::check_endpoints(json::fields const& body) {
    BSP_TRY(auto const given, body.optional_object("endpoints"));
    if (!given) return ok();
    BSP_TRY(std::string const peer_id, text_of(*given, "peer_id"));
    if (!is_visible_ascii(peer_id)) return given->invalid("peer_id", "must be 1 to 128 visible ASCII characters");
    for (char const* name : {"sync_endpoint", "telemetry_endpoint"}) {
        BSP_TRY(std::string const url, text_of(*given, name));
        if (!is_absolute_url(url)) return given->invalid(name, "must be an absolute URL");
    }
    return ok();
}

void backend::note_endpoints(json::fields const& body, token const& t, peer_record& peer) {
    auto& to = state_.links[peer.peer_id];
    to.not_before = {};  // whatever the peer refused, a registration is a new start
    to.stream_at = {};
    if (to.refused_token && *to.refused_token < peer.sbt_created) to.refused_token.reset();
    auto const given = body.optional_object("endpoints");
    if (!given || !*given || t.created < peer.sbt_created) return;
    peer.remote_id = text_of(**given, "peer_id").value();
    peer.sync_endpoint = text_of(**given, "sync_endpoint").value();
    peer.telemetry_endpoint = text_of(**given, "telemetry_endpoint").value();
}

result<std::optional<std::string>> backend::challenge_of(json::fields const& body) {
    BSP_TRY(auto const given, body.optional_string("challenge"));
    if (!given) return std::optional<std::string>{};
    auto const decoded = from_base64url(*given);
    if (!decoded || decoded->size() != 32) return body.invalid("challenge", "must be 32 bytes in base64url");
    return std::optional<std::string>{*given};
}

result<std::string> backend::slot_of(json::fields const& f, std::string_view name) {
    BSP_TRY(std::string text, text_of(f, name));
    if (!is_visible_ascii(text)) return f.invalid(name, "must be 1 to 128 visible ASCII characters");
    return text;
}

result<token> backend::decode_token(json::fields const& f) {
    token t;
    t.received = f.get();
    BSP_CHECK(identifier_of(f, "session_id"));
    BSP_TRY(t.local_backend_id, slot_of(f, "local_backend_id"));
    BSP_TRY(t.hosted_backend_id, slot_of(f, "hosted_backend_id"));
    BSP_TRY(t.user_id, text_of(f, "user_id"));
    if (!is_user_id(t.user_id)) return f.invalid("user_id", "must be 1 to 256 characters without control characters");
    BSP_TRY(t.created, instant_of(f, "created_at"));
    BSP_TRY(t.expires, instant_of(f, "expires_at"));
    if (f.find("sbt_id")) BSP_CHECK(identifier_of(f, "sbt_id"));
    auto const fingerprint = [&](std::string_view name) -> result<std::optional<std::string>> {
        BSP_TRY(auto const text, f.optional_string(name));
        if (!text) return std::optional<std::string>{};
        if (text->size() != 64 || !from_hex(*text)) return f.invalid(name, "must be 64 lower-case hexadecimal digits");
        return std::optional<std::string>{*text};
    };
    BSP_TRY(t.local_key_sha256, fingerprint("local_key_sha256"));
    BSP_TRY(t.hosted_key_sha256, fingerprint("hosted_key_sha256"));
    return t;
}

result<> backend::verify_token(token const& t, instant now) {
    BSP_CHECK(check_mac(t));
    BSP_CHECK(check_lifetime(t));
    BSP_CHECK(check_created(t, now));
    return check_unexpired(t, now);
}

result<std::string> backend::mac_text(token const& t) { return canonical(t.received, {"signature"}); }

bool backend::is_mac_form(std::string_view signature) { return signature.size() == 64 && from_hex(signature); }

result<> backend::check_mac(token const& t) {
    BSP_TRY(std::string const text, mac_text(t));
    json::string const* signature = json::find_string(t.received, "signature");
    if (!signature || !is_mac_form(json::view(*signature))) return invalid_token("its signature is not 64 lower-case hexadecimal digits");
    auto const secret = t.user_id == "anonymous" ? std::nullopt : secret_of(t.user_id);
    std::string const expected = to_hex(hmac_sha256(secret.value_or(""), text));
    if (!secret || !equal_in_constant_time(as_bytes(expected), as_bytes(json::view(*signature)))) return invalid_token("it does not verify");
    return ok();
}

result<> backend::check_lifetime(token const& t) {
    if (t.expires <= t.created || t.expires > t.created + std::chrono::seconds{28'860}) return invalid_token("it lives too long or not at all");
    return ok();
}

result<> backend::check_created(token const& t, instant now) {
    if (t.created > now + std::chrono::seconds{300}) return invalid_token("it was created in the future");
    return ok();
}

result<> backend::check_unexpired(token const& t, instant now) {
    if (now >= t.expires) return fail(errc::sbt_expired, "the session binding token has expired");
    return ok();
}

result<> backend::check_parties(token const& t, claimed_identity const& who) {
    if (who.backend_type == settings_.backend_type) return wrong_audience("a backend of the same type cannot be paired");
    if (t.local_backend_id == t.hosted_backend_id || who.backend_id == backend_id_) return wrong_audience("a backend cannot be paired with itself");
    if (t.slot(settings_.backend_type) != backend_id_) return wrong_audience("the token does not name this backend");
    if (t.slot(other_type(settings_.backend_type)) != who.backend_id) return wrong_audience("the token does not name the registering backend");
    return ok();
}

result<> backend::check_fingerprints(token const& t, claimed_identity const& who, rsa_public_key const& key) {
    auto const& of_peer = t.fingerprint(who.backend_type);
    if (of_peer && *of_peer != to_hex(key.sha256())) return wrong_audience("the token names another key of the registering backend");
    auto const& own = t.fingerprint(settings_.backend_type);
    if (own && *own != to_hex(key_.public_key().sha256())) return wrong_audience("the token names another key of this backend");
    return ok();
}

result<> backend::check_revocation(claimed_identity const& who, rsa_public_key const& key, std::string const&) {
    if (state_.revoked_backends.contains(who.backend_id) || state_.revoked_keys.contains(key.sha256())) return fail(errc::peer_revoked, "this backend has been revoked");
    return ok();
}

result<> backend::check_unpairing(token const& t, claimed_identity const& who) {
    auto const unpaired = state_.unpaired.find({t.user_id, who.backend_id});
    if (unpaired != state_.unpaired.end() && t.created <= unpaired->second) return invalid_token("it is older than the last unpairing");
    return ok();
}

peer_record* backend::find_registration(std::string const& user_id, std::string const& backend_id) {
    for (auto& [id, peer] : state_.peers)
        if (peer.user_id == user_id && peer.backend_id == backend_id) return &peer;
    return nullptr;
}

bool backend::same_key(peer_record const& held, rsa_public_key const& key, std::string const&) { return held.key == key; }

result<peer_record*> backend::enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) {
    if (peer_record* held = find_registration(t.user_id, who.backend_id)) {
        if (!same_key(*held, key, who.public_key)) return fail(errc::key_mismatch, "another key is registered for this backend");
        renew(*held, who, t);
        return held;
    }
    std::string const id = new_peer_id(who);
    peer_record entry{id, t.user_id, who.backend_id, who.backend_type, key, who.public_key, who.capabilities, t.received, t.created, t.expires, now};
    return &state_.peers.insert_or_assign(id, std::move(entry)).first->second;
}

void backend::renew(peer_record& held, claimed_identity const& who, token const& t) {
    if (t.created >= held.sbt_created) held.capabilities = who.capabilities;
    if (t.created <= held.sbt_created) return;
    held.sbt = t.received;
    held.sbt_created = t.created;
    held.sbt_expires = t.expires;
}

std::string backend::new_peer_id(claimed_identity const&) { return "peer_" + random_hex(16); }

std::string backend::base_url_for(call const&) { return settings_.base_url; }

json::object backend::registration_answer(call const& c, peer_record const& peer, std::optional<std::string> const& challenge) {
    std::string const base = base_url_for(c);
    json::object out{{"status", "registered"},
                     {"peer_id", peer.peer_id},
                     {"sync_endpoint", base + "/sync/" + peer.peer_id},
                     {"telemetry_endpoint", base + "/telemetry/" + peer.peer_id},
                     {"sync_interval_ms", 5000}};
    if (challenge) out["challenge_signature"] = challenge_signature(*challenge, peer);
    return out;
}

std::string backend::challenge_signature(std::string const& challenge, peer_record const& peer) {
    return sign_object({{"typ", "bsp-challenge"}, {"challenge", challenge}, {"backend_id", backend_id_}, {"peer_id", peer.peer_id}}, key_).value();
}

}  // namespace bsp::faulty
