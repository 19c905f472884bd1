#pragma once

#include <bsp/endpoint/caller/credential.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace bsp::endpoint {

/// An administrator, a user, or a peer: who may look at registrations, and end some of them (chapter 4.4).
class registry_caller {
public:
    static constexpr std::string_view challenge = "BSP, BSP-User, Bearer";

    static result<registry_caller> authenticate(gatekeeper const& gate, request const& r) {
        BSP_TRY(auto const given, required_authorization(r));
        if (given.is(peer_scheme)) {
            BSP_TRY(auto proven, authenticate_any_peer(gate, r, given.credential));
            return registry_caller{std::move(proven.peer.user_id), std::move(proven.peer.peer_id), std::move(proven.way)};
        }
        if (given.is(user_scheme)) {
            BSP_TRY(auto proven, authenticate_user(gate, r, given.credential));
            return registry_caller{std::move(proven.user_id), std::nullopt, std::move(proven.way)};
        }
        if (given.is(admin_scheme)) {
            BSP_TRY(pass way, authenticate_admin(gate, r));
            return registry_caller{std::nullopt, std::nullopt, std::move(way)};
        }
        return no_accepted_scheme();
    }

    [[nodiscard]] bool is_admin() const { return !user_id_; }

    /// Whether the registration is within the caller's sight: its own user's, or any for an administrator.
    [[nodiscard]] bool sees(peer_record const& peer) const { return !user_id_ || peer.user_id == *user_id_; }

    /// Whether the caller may end it (BSP-REG-040): an administrator, its user, or that very peer.
    [[nodiscard]] bool may_end(peer_record const& peer) const { return sees(peer) && (!peer_id_ || peer.peer_id == *peer_id_); }

    /// Up to `limit` of the active registrations within sight, after the id `after`.
    [[nodiscard]] result<std::vector<peer_record>> peers(std::string_view after, std::size_t limit) const {
        return way_.read([&](store_reader& r) { return r.peers(user_id_, after, limit); });
    }

    template <class F>
    auto write(F&& f) const {
        return way_.write(std::forward<F>(f));
    }

private:
    registry_caller(std::optional<std::string> user_id, std::optional<std::string> peer_id, pass way)
        : user_id_{std::move(user_id)}, peer_id_{std::move(peer_id)}, way_{std::move(way)} {}

    std::optional<std::string> user_id_;  ///< nothing: the administrator
    std::optional<std::string> peer_id_;
    pass way_;
};

}  // namespace bsp::endpoint
