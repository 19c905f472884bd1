#pragma once

#include <bsp/crypto/signed_object.hpp>
#include <bsp/endpoint/caller/budget.hpp>
#include <bsp/endpoint/caller/pass.hpp>
#include <bsp/endpoint/request.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/observe/peer_view.hpp>
#include <bsp/wire/sync_push.hpp>

#include <string_view>
#include <utility>

namespace bsp::endpoint {

/// The peer of the path, proven by the signature over the body: fresh, meant for this backend and this
/// peer (BSP-AUT-008 … BSP-AUT-014, BSP-SYN-028 … BSP-SYN-037), in the order of A-068.
class signing_peer {
public:
    static constexpr std::string_view challenge = "BSP";

    static result<signing_peer> authenticate(gatekeeper const& gate, request const& r) {
        BSP_TRY(auto found, gate.store.read([&](store_reader& s) { return s.peer(r.parameter("peer_id")); }));
        note(r, found);
        BSP_TRY(auto peer, standing(std::move(found), errc::unknown_peer));
        BSP_TRY(auto body, json::document::parse(r.http.body));
        BSP_TRY(json::fields const f, json::fields::of(body.root()));
        BSP_TRY(auto const key, signing_key(gate.store, peer, r.now, [&](rsa_public_key const& k) { return verify_object(f.get(), "signature", k).has_value(); }));
        BSP_TRY(auto form, verified_form(f.get(), "signature", key, {.received_bytes = r.http.body.size()}));
        BSP_TRY(auto const envelope, wire::decode_push_envelope(f));
        BSP_CHECK(fresh(envelope.timestamp, r.now));
        BSP_CHECK(unexpired(peer, r.now));
        BSP_CHECK(addressed(envelope, peer, gate.self));
        r.notes.proven = true;
        r.notes.skew = observe::seconds_between(envelope.timestamp, r.now);
        BSP_CHECK(within(gate, push_rate, peer.peer_id, r));
        pass way{gate.store, r.now};
        way.of_user(peer.user_id).of_peer(peer.peer_id, key.sha256());
        return signing_peer{std::move(peer), std::move(body), std::move(form), std::move(way)};
    }

    [[nodiscard]] peer_record const& peer() const { return peer_; }
    [[nodiscard]] json::fields body() const { return json::fields{body_.root().get_object()}; }
    [[nodiscard]] json::canonical_form const& form() const { return form_; }  ///< of `body`, without its signature

    template <class F>
    auto write(F&& f) const {
        return way_.write(std::forward<F>(f));
    }

private:
    signing_peer(peer_record peer, json::document body, json::canonical_form form, pass way)
        : peer_{std::move(peer)}, body_{std::move(body)}, form_{std::move(form)}, way_{std::move(way)} {}

    static result<> fresh(instant timestamp, instant now) {
        if (timestamp < now - limits::freshness_window || timestamp > now + limits::freshness_window)
            return fail(errc::stale_request, "timestamp is more than 300 seconds from the server's time, " + format_timestamp(now));
        return ok();
    }

    static result<> addressed(wire::push_envelope const& envelope, peer_record const& peer, identity const& self) {
        if (envelope.peer_id && *envelope.peer_id != peer.peer_id) return fail(errc::wrong_audience, "peer_id is not that of the path");
        if (envelope.target_backend_id && *envelope.target_backend_id != self.backend_id) return fail(errc::wrong_audience, "target_backend_id is not this backend");
        if (envelope.source_backend_id && *envelope.source_backend_id != peer.backend_id) return fail(errc::wrong_audience, "source_backend_id is not the registered backend");
        return ok();
    }

    peer_record peer_;
    json::document body_;
    json::canonical_form form_;
    pass way_;
};

}  // namespace bsp::endpoint
