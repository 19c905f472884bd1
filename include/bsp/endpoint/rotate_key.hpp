#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/endpoint/caller/rotating_peer.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/policy/audit.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace bsp::endpoint {

/// Gives a peer another key (chapter 13). What it was registered as, its id and its sockets stay; what it signed with
/// the key before counts until its grace is over.
struct rotate_key {
    static constexpr route at{"POST", "/peers/{peer_id}/rotate-key"};
    using caller = rotating_peer;
    static constexpr audit_type refused = audit_type::key_rotation_rejected;  ///< what a refusal is in the trail

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        BSP_TRY(auto const expires_at, who.write([&](store_writer& w, peer_record peer) { return rotate(w, std::move(peer), who, r.now); }));
        return respond(wire::rotated_answer(who.notice().peer_id, expires_at));
    }

private:
    static result<instant> rotate(store_writer& w, peer_record peer, caller const& who, instant now) {
        auto const& notice = who.notice();
        auto const& next = who.next_key();
        if (peer.rotated_at && notice.rotated_at <= *peer.rotated_at) return fail(errc::stale_request, "rotated_at is not later than that of the last rotation");
        if (next.sha256() == peer.key_sha256) return fail(errc::invalid_body, "/new_public_key is the current key");
        BSP_TRY(bool const revoked, w.is_revoked(peer.backend_id, next.sha256()));
        if (revoked) return fail(errc::peer_revoked, "the new key has been revoked");

        instant const expires_at = std::min(notice.grace_expires_at, notice.rotated_at + limits::rotation_grace_max);
        std::erase_if(peer.retired_keys, [&](retired_key const& k) { return now >= k.expires_at || k.key_sha256 == next.sha256(); });
        peer.retired_keys.insert(peer.retired_keys.begin(), {peer.public_key_pem, peer.key_sha256, expires_at});
        if (peer.retired_keys.size() > limits::retired_keys_max) peer.retired_keys.resize(limits::retired_keys_max);
        peer.public_key_pem = next.pem();
        peer.key_sha256 = next.sha256();
        peer.rotated_at = notice.rotated_at;
        BSP_CHECK(w.put_peer(peer));
        BSP_CHECK(w.append_audit({.type = audit_type::key_rotated, .at = now, .user_id = peer.user_id, .peer_id = peer.peer_id, .backend_id = peer.backend_id}));
        return expires_at;
    }
};

}  // namespace bsp::endpoint
