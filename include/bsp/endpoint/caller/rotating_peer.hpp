#pragma once

#include <bsp/crypto/signed_object.hpp>
#include <bsp/endpoint/caller/pass.hpp>
#include <bsp/endpoint/request.hpp>
#include <bsp/wire/rotate_key.hpp>

#include <string_view>
#include <utility>

namespace bsp::endpoint {

/// The peer of the path, proven by its current key and by the one that is to follow, with a fresh notice that is meant
/// for this backend and this peer (BSP-ROT-005 … BSP-ROT-017), in the order of A-068. Its SBT may have expired: a
/// backend that slept for a night must still be able to leave its key behind.
class rotating_peer {
public:
    static constexpr std::string_view challenge = "BSP";

    static result<rotating_peer> authenticate(gatekeeper const& gate, request const& r) {
        BSP_TRY(auto found, gate.store.read([&](store_reader& s) { return s.peer(r.parameter("peer_id")); }));
        BSP_TRY(auto peer, standing(std::move(found), errc::unknown_peer));
        BSP_TRY(json::value const body, r.body());
        BSP_TRY(json::fields const f, json::fields::of(body));
        BSP_TRY(auto const current, rsa_public_key::from_pem(peer.public_key_pem));
        BSP_CHECK(verify_object(f.get(), "signature", current, wire::by_current_key));
        BSP_TRY(auto notice, wire::decode_key_rotation(f));
        BSP_CHECK(fresh(notice.rotated_at, r.now));
        BSP_CHECK(addressed(notice, peer, gate.self));
        BSP_TRY(auto next, rsa_public_key::from_pem(notice.new_public_key));
        BSP_CHECK(verify_object(f.get(), "new_key_signature", next, wire::by_new_key));
        pass way{gate.store, r.now};
        way.of_user(peer.user_id);
        return rotating_peer{std::move(peer), std::move(notice), std::move(next), std::move(way)};
    }

    [[nodiscard]] wire::key_rotation const& notice() const { return notice_; }
    [[nodiscard]] rsa_public_key const& next_key() const { return next_; }

    /// Runs `f(store_writer&, peer_record)` with the registration as it is then, if the key that signed is its current
    /// one still: of notices at the same time, one is the first.
    template <class F>
    auto write(F&& f) const {
        return way_.write([&](store_writer& w) -> std::invoke_result_t<F&, store_writer&, peer_record> {
            BSP_TRY(auto found, w.peer(peer_.peer_id));
            BSP_TRY(auto peer, standing(std::move(found), errc::unknown_peer));
            if (peer.key_sha256 != peer_.key_sha256) return fail(errc::invalid_signature, "the key that signed is no longer the current one");
            return f(w, std::move(peer));
        });
    }

private:
    rotating_peer(peer_record peer, wire::key_rotation notice, rsa_public_key next, pass way)
        : peer_{std::move(peer)}, notice_{std::move(notice)}, next_{std::move(next)}, way_{std::move(way)} {}

    static result<> fresh(instant rotated_at, instant now) {
        if (rotated_at < now - limits::freshness_window || rotated_at > now + limits::freshness_window)
            return fail(errc::stale_request, "rotated_at is more than 300 seconds from the server's time, " + format_timestamp(now));
        return ok();
    }

    static result<> addressed(wire::key_rotation const& notice, peer_record const& peer, identity const& self) {
        if (notice.peer_id != peer.peer_id) return fail(errc::wrong_audience, "peer_id is not that of the path");
        if (notice.backend_id != peer.backend_id) return fail(errc::wrong_audience, "backend_id is not the registered backend");
        if (notice.target_backend_id != self.backend_id) return fail(errc::wrong_audience, "target_backend_id is not this backend");
        return ok();
    }

    peer_record peer_;
    wire::key_rotation notice_;
    rsa_public_key next_;
    pass way_;
};

}  // namespace bsp::endpoint
