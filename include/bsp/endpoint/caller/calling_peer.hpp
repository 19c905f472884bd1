#pragma once

#include <bsp/endpoint/caller/credential.hpp>
#include <bsp/endpoint/consent.hpp>
#include <bsp/endpoint/kept_view.hpp>

#include <string_view>
#include <utility>

namespace bsp::endpoint {

/// The peer of the path, proven by its assertion. That there is such a peer comes first (BSP-AUT-056).
class calling_peer {
public:
    static constexpr std::string_view challenge = "BSP";

    static result<calling_peer> authenticate(gatekeeper const& gate, request const& r) {
        BSP_TRY(auto found, gate.store.read([&](store_reader& s) { return s.peer(r.parameter("peer_id")); }));
        BSP_TRY(auto registered, standing(std::move(found), errc::unknown_peer));
        BSP_TRY(auto const given, required_authorization(r));
        if (!given.is(peer_scheme)) return no_accepted_scheme();
        BSP_TRY(auto const assertion, parse_assertion(given.credential));
        BSP_TRY(auto proven, authenticate_peer(gate, r, assertion, std::move(registered)));
        return calling_peer{std::move(proven), {gate.self.backend_type, audience::peer}, r.now};
    }

    [[nodiscard]] peer_record const& peer() const { return proven_.peer; }

    /// Runs `f(tenant_reader&) -> result<T>` on what the peer's user lets it see, at `now` or when the request came.
    template <class F>
    auto read(F&& f) const {
        return read_at(now_, std::forward<F>(f));
    }
    template <class F>
    auto read_at(instant now, F&& f) const {
        return proven_.way.read([&](store_reader& r) -> std::invoke_result_t<F&, tenant_reader&> {
            auto& mine = r.tenant(proven_.peer.user_id);
            BSP_CHECK(conversations_are_exchanged(mine));
            return reading_.of(mine, now, f);
        });
    }

    /// Whether the peer would be let in still, as far as that can change with time.
    [[nodiscard]] result<> still_stands(instant now) const {
        BSP_TRY(auto found, proven_.way.read([&](store_reader& r) { return r.peer(proven_.peer.peer_id); }));
        BSP_TRY(auto const peer, standing(std::move(found), errc::unknown_peer));
        return unexpired(peer, now);
    }

    /// Uses up an assertion that may be used once: the beginning of a stream, if the user lets there be one.
    [[nodiscard]] result<> claim() const {
        return proven_.way.write([&](store_writer& w) { return telemetry_is_exchanged(w.tenant(proven_.peer.user_id)); });
    }

private:
    calling_peer(authenticated_peer proven, reading how, instant now) : proven_{std::move(proven)}, reading_{std::move(how)}, now_{now} {}

    authenticated_peer proven_;
    reading reading_;
    instant now_;
};

}  // namespace bsp::endpoint
