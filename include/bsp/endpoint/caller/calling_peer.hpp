#pragma once

#include <bsp/endpoint/caller/credential.hpp>

#include <string_view>
#include <utility>

namespace bsp::endpoint {

/// The peer of the path, proven by its assertion. That there is such a peer comes first (BSP-AUT-056).
class calling_peer {
public:
    static constexpr std::string_view challenge = "BSP";

    static result<calling_peer> authenticate(gatekeeper const& gate, request const& r) {
        BSP_TRY(auto found, gate.store.read([&](store_reader& s) { return s.peer(r.parameter("peer_id")); }));
        note(r, found);
        BSP_TRY(auto registered, standing(std::move(found), errc::unknown_peer));
        BSP_TRY(auto const given, required_authorization(r));
        if (!given.is(peer_scheme)) return no_accepted_scheme();
        BSP_TRY(auto const assertion, parse_assertion(given.credential));
        BSP_TRY(auto proven, authenticate_peer(gate, r, assertion, std::move(registered)));
        return calling_peer{std::move(proven)};
    }

    [[nodiscard]] peer_record const& peer() const { return proven_.peer; }

    /// Runs `f(tenant_reader&) -> result<T>` on the data of the peer's user.
    template <class F>
    auto read(F&& f) const {
        return proven_.way.read([&](store_reader& r) { return f(r.tenant(proven_.peer.user_id)); });
    }

    /// The fingerprint of the key by which it was proven.
    [[nodiscard]] sha256_digest const& key_sha256() const { return proven_.key_sha256; }

    /// Whether the peer would be let in still, as far as that can change with time.
    [[nodiscard]] result<> still_stands(instant now) const {
        return proven_.way.read([&](store_reader& r) -> result<> {
            BSP_TRY(auto found, r.peer(proven_.peer.peer_id));
            BSP_TRY(auto const peer, standing(std::move(found), errc::unknown_peer));
            BSP_CHECK(unexpired(peer, now));
            BSP_TRY(bool const counts, is_in_force(r, peer, proven_.key_sha256, now));
            if (!counts) return fail(errc::invalid_credential, "the key is no longer one of this peer");
            return ok();
        });
    }

    /// Uses up an assertion that may be used once: the beginning of a stream.
    [[nodiscard]] result<> claim() const {
        return proven_.way.write([](store_writer&) -> result<> { return ok(); });
    }

private:
    explicit calling_peer(authenticated_peer proven) : proven_{std::move(proven)} {}
    authenticated_peer proven_;
};

}  // namespace bsp::endpoint
