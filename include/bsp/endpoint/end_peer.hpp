#pragma once

#include <bsp/endpoint/caller/registry_caller.hpp>
#include <bsp/endpoint/response.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace bsp::endpoint {

/// Ends a registration (chapter 4.5). The peer or its user *unpair*: they may pair again with a later SBT.
/// An administrator *revokes*: the backend and its key are locked out, for all users.
struct end_peer {
    static constexpr route at{"DELETE", "/peers/{peer_id}"};
    using caller = registry_caller;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        std::string const peer_id{r.parameter("peer_id")};
        BSP_CHECK(who.write([&](store_writer& w) -> result<> {
            BSP_TRY(auto const found, w.peer(peer_id));
            bool const shown = found && found->status == peer_status::active && who.sees(*found);
            if (!shown) return fail(errc::unknown_peer, "there is no such registration");
            if (!who.may_end(*found)) return fail(errc::forbidden, "a peer may end its own registration only");
            return who.is_admin() ? revoke(w, *found, r.now) : end(w, *found, peer_status::unpaired, r.now);
        }));
        return respond(json::object{{"status", who.is_admin() ? "revoked" : "unpaired"}, {"peer_id", peer_id}});
    }

private:
    static result<> end(store_writer& w, peer_record peer, peer_status how, instant now) {
        peer.status = how;
        peer.ended_at = now;
        BSP_CHECK(w.put_peer(peer));
        auto const type = how == peer_status::revoked ? audit_type::peer_revoked : audit_type::peer_unpaired;
        BSP_CHECK(w.append_audit({.type = type, .at = now, .user_id = peer.user_id, .peer_id = peer.peer_id, .backend_id = peer.backend_id}));
        return w.put_sbt_floor(peer.user_id, peer.backend_id, now);
    }

    /// Locks out the backend and its keys, with every registration of either (BSP-REG-053, BSP-ROT-060).
    static result<> revoke(store_writer& w, peer_record const& peer, instant now) {
        BSP_CHECK(revoke(w, peer.backend_id, peer.key_sha256, now));
        for (auto const& k : peer.retired_keys) BSP_CHECK(revoke(w, peer.backend_id, k.key_sha256, now));
        return ok();
    }

    static result<> revoke(store_writer& w, std::string const& backend_id, sha256_digest const& key_sha256, instant now) {
        BSP_CHECK(w.revoke(backend_id, key_sha256, now));
        for (;;) {  // what was ended is not found again
            BSP_TRY(auto const page, w.registrations_of(backend_id, key_sha256, limits::page_items_max));
            if (page.empty()) return ok();
            for (auto const& other : page) BSP_CHECK(end(w, other, peer_status::revoked, now));
        }
    }
};

}  // namespace bsp::endpoint
