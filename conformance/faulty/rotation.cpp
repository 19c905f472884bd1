#include "backend.hpp"

#include <bsp/base/encoding.hpp>

#include <algorithm>

// Another key for a peer (chapter 13).

namespace bsp::faulty {

result<http_response> backend::rotate_key(call const& c, std::string const& peer_id) {
    BSP_TRY(peer_record * found, find_peer(peer_id));
    peer_record& peer = *found;
    BSP_CHECK(check_not_revoked(peer));
    BSP_TRY(json::object const body, parse_object(c));
    BSP_CHECK(check_notice_type(body));
    BSP_CHECK(verify_notice(body, peer, c.now));
    BSP_TRY(rotation_notice const n, read_notice(json::fields{body}));
    BSP_CHECK(check_notice_fresh(n, c.now));
    BSP_CHECK(check_later(n, peer));
    BSP_CHECK(check_notice_audience(n, peer));
    BSP_TRY(rsa_public_key const next, read_key(n.new_public_key));
    BSP_CHECK(verify_new_key(body, next));
    BSP_CHECK(check_new_key(next, peer));
    instant const until = end_of_grace(n);
    take_key(peer, next, n, until);
    return json_answer(200, rotation_answer(peer, until));
}

result<> backend::check_notice_type(json::object const& body) {
    json::string const* typ = json::find_string(body, "typ");
    if (!typ || json::view(*typ) != "bsp-key-rotation") return fail(errc::invalid_signature, "this is no rotation notice");
    return ok();
}

bool backend::notice_signed_by(json::object const& body, std::string_view member, rsa_public_key const& key) {
    json::string const* encoded = json::find_string(body, member);
    auto const signature = encoded ? decode_signature(json::view(*encoded)) : std::nullopt;
    auto const text = canonical(body, {"signature", "new_key_signature"});
    return signature && text && key.verify_ps256(*text, *signature);
}

result<> backend::verify_notice(json::object const& body, peer_record const& peer, instant) {
    BSP_CHECK(canonical(body, {"signature", "new_key_signature"}));
    if (!notice_signed_by(body, "signature", peer.key)) return fail(errc::invalid_signature, "the current key did not sign this");
    return ok();
}

result<> backend::verify_new_key(json::object const& body, rsa_public_key const& next) {
    if (!notice_signed_by(body, "new_key_signature", next)) return fail(errc::invalid_signature, "the new key did not sign this");
    return ok();
}

result<rotation_notice> backend::read_notice(json::fields const& f) {
    rotation_notice n;
    BSP_TRY(n.peer_id, text_of(f, "peer_id"));
    BSP_TRY(n.backend_id, text_of(f, "backend_id"));
    BSP_TRY(n.target_backend_id, text_of(f, "target_backend_id"));
    BSP_TRY(n.new_public_key, text_of(f, "new_public_key"));
    BSP_TRY(n.rotated, instant_of(f, "rotated_at"));
    BSP_TRY(n.grace_ends, instant_of(f, "grace_expires_at"));
    return n;
}

result<> backend::check_notice_fresh(rotation_notice const& n, instant now) {
    if (n.rotated > now + std::chrono::seconds{300} || now > n.rotated + std::chrono::seconds{300}) return fail(errc::stale_request, "rotated_at is not within 300 s of now");
    return ok();
}

result<> backend::check_notice_audience(rotation_notice const& n, peer_record const& peer) {
    if (n.peer_id != peer.peer_id || n.backend_id != peer.backend_id || n.target_backend_id != backend_id_) return fail(errc::wrong_audience, "the notice names another peer or backend");
    return ok();
}

result<> backend::check_later(rotation_notice const& n, peer_record const& peer) {
    if (peer.rotated && n.rotated <= *peer.rotated) return fail(errc::stale_request, "an equal or a later notice was accepted");
    return ok();
}

// A key that comes back is refused: whoever replaced it had a reason.
result<> backend::check_new_key(rsa_public_key const& next, peer_record const& peer) {
    if (state_.revoked_keys.contains(next.sha256())) return fail(errc::peer_revoked, "the new key is revoked");
    bool const was_here = std::any_of(peer.former.begin(), peer.former.end(), [&](former_key const& k) { return k.key == next; });
    if (next == peer.key || was_here) return fail(errc::invalid_body, "/new_public_key is or was a key of this peer");
    return ok();
}

instant backend::end_of_grace(rotation_notice const& n) { return std::min(n.grace_ends, n.rotated + std::chrono::hours{24 * 7}); }

void backend::take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) {
    peer.former.insert(peer.former.begin(), {peer.key, until});
    peer.key = next;
    peer.key_text = n.new_public_key;
    peer.rotated = n.rotated;
}

std::vector<rsa_public_key> backend::keys_of(peer_record const& peer, instant now) {
    std::vector<rsa_public_key> keys{peer.key};
    for (std::size_t i = 0; i < std::min(peer.former.size(), former_keys_max()); ++i)
        if (counts(peer, peer.former[i], now)) keys.push_back(peer.former[i].key);
    return keys;
}

bool backend::counts(peer_record const&, former_key const& k, instant now) { return now < k.until && !state_.revoked_keys.contains(k.key.sha256()); }

bool backend::still_counts(peer_record const& peer, sha256_digest const& key, instant now) {
    auto const keys = keys_of(peer, now);
    return std::any_of(keys.begin(), keys.end(), [&](rsa_public_key const& k) { return k.sha256() == key; });
}

json::object backend::rotation_answer(peer_record const& peer, instant until) {
    return {{"status", "rotated"}, {"peer_id", peer.peer_id}, {"previous_key_expires_at", format_timestamp(until)}};
}

}  // namespace bsp::faulty
