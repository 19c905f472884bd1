#pragma once

#include <bsp/base/result.hpp>
#include <bsp/policy/records.hpp>

#include <optional>
#include <utility>

namespace bsp::endpoint {

/// The registration if it stands. Unpaired ones are gone: `when_gone` says how that is told, which depends
/// on whether the path names the peer (BSP-REG-043). Revoked ones are `peer_revoked` (BSP-REG-054).
inline result<peer_record> standing(std::optional<peer_record> peer, errc when_gone) {
    if (!peer || peer->status == peer_status::unpaired) return fail(when_gone, "there is no such registration");
    if (peer->status == peer_status::revoked) return fail(errc::peer_revoked, "this backend has been revoked");
    return *std::move(peer);
}

/// Whether the registration's SBT still holds (BSP-SBT-035).
inline result<> unexpired(peer_record const& peer, instant now) {
    if (now >= peer.sbt_expires_at) return fail(errc::sbt_expired, "the session binding token of this peer expired at " + format_timestamp(peer.sbt_expires_at));
    return ok();
}

}  // namespace bsp::endpoint
