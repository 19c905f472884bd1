#pragma once

#include <bsp/endpoint/caller/credential.hpp>
#include <bsp/endpoint/outgoing_form.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace bsp::endpoint {

/// A user, or a peer that acts for its user (BSP-AUT-001). Reaches that user's data and no other's.
class tenant_caller {
public:
    static constexpr std::string_view challenge = "BSP, BSP-User";

    static result<tenant_caller> authenticate(gatekeeper const& gate, request const& r) {
        BSP_TRY(auto const given, required_authorization(r));
        if (given.is(peer_scheme)) {
            BSP_TRY(auto proven, authenticate_any_peer(gate, r, given.credential));
            return tenant_caller{std::move(proven.peer.user_id), std::move(proven.peer.backend_type), std::move(proven.way)};
        }
        if (given.is(user_scheme)) {
            BSP_TRY(auto proven, authenticate_user(gate, r, given.credential));
            return tenant_caller{std::move(proven.user_id), {}, std::move(proven.way)};
        }
        return no_accepted_scheme();
    }

    /// Runs `f(tenant_reader&) -> result<T>`.
    template <class F>
    auto read(F&& f) const {
        return way_.read([&](store_reader& r) { return f(r.tenant(user_id_)); });
    }

    /// Runs `f(tenant_writer&) -> result<T>` in one transaction.
    template <class F>
    auto write(F&& f) const {
        return way_.write([&](store_writer& w) { return f(w.tenant(user_id_)); });
    }

    /// The form in which what is read goes to the caller: a user sees what is kept.
    [[nodiscard]] result<privacy::form> form(tenant_reader& mine) const { return outgoing_form(mine, backend_type_); }

private:
    tenant_caller(std::string user_id, std::string backend_type, pass way) : user_id_{std::move(user_id)}, backend_type_{std::move(backend_type)}, way_{std::move(way)} {}

    std::string user_id_;
    std::string backend_type_;  ///< "" of a user
    pass way_;
};

}  // namespace bsp::endpoint
