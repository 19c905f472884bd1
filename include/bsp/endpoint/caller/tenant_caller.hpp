#pragma once

#include <bsp/endpoint/caller/credential.hpp>
#include <bsp/endpoint/kept_view.hpp>
#include <bsp/endpoint/outgoing_form.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// A user, or a peer that acts for its user (BSP-AUT-001). Reaches that user's data and no other's.
class tenant_caller {
public:
    static constexpr std::string_view challenge = "BSP, BSP-User";

    static result<tenant_caller> authenticate(gatekeeper const& gate, request const& r) {
        BSP_TRY(auto const given, required_authorization(r));
        if (given.is(peer_scheme)) {
            BSP_TRY(auto proven, authenticate_any_peer(gate, r, given.credential));
            return tenant_caller{std::move(proven.peer.user_id), std::move(proven.peer.peer_id), std::move(proven.peer.backend_type), std::move(proven.way), {gate.self.backend_type, audience::peer}, r.now};
        }
        if (given.is(user_scheme)) {
            BSP_TRY(auto proven, authenticate_user(gate, r, given.credential));
            return tenant_caller{std::move(proven.user_id), {}, {}, std::move(proven.way), {gate.self.backend_type, audience::user}, r.now};
        }
        return no_accepted_scheme();
    }

    [[nodiscard]] std::string const& user_id() const { return user_id_; }
    [[nodiscard]] bool is_peer() const { return reading_.whom == audience::peer; }

    /// Runs `f(tenant_reader&) -> result<T>` on what the caller may see.
    template <class F>
    auto read(F&& f) const {
        return way_.read([&](store_reader& r) { return reading_.of(r.tenant(user_id_), now_, f); });
    }

    /// The user's active registrations, too: `f(tenant_reader&, std::vector<peer_record> const&) -> result<T>`.
    template <class F>
    auto read_with_peers(F&& f) const {
        return way_.read([&](store_reader& r) -> std::invoke_result_t<F&, tenant_reader&, std::vector<peer_record> const&> {
            std::vector<peer_record> peers;
            for (bool more = true; more;) {
                BSP_TRY(auto page, r.peers(user_id_, peers.empty() ? "" : std::string_view{peers.back().peer_id}, limits::page_items_max));
                more = page.size() == limits::page_items_max;
                std::ranges::move(page, std::back_inserter(peers));
            }
            return reading_.of(r.tenant(user_id_), now_, [&](tenant_reader& mine) { return f(mine, peers); });
        });
    }

    /// Runs `f(tenant_writer&) -> result<T>` in one transaction.
    template <class F>
    auto write(F&& f) const {
        return way_.write([&](store_writer& w) { return f(w.tenant(user_id_)); });
    }

    /// The same as `f(tenant_writer&, audit_counts&) -> result<T>`, with an entry of the audit trail that is committed if and
    /// only if the rest is: what was done, and the numbers that `f` gives (BSP-AUD-010, BSP-AUD-019).
    template <class F>
    auto write_recorded(audit_type what, F&& f) const {
        return way_.write([&](store_writer& w) -> std::invoke_result_t<F&, tenant_writer&, audit_counts&> {
            audit_counts counts;
            auto done = f(w.tenant(user_id_), counts);
            if (done) BSP_CHECK(w.append_audit(entry(what, std::move(counts))));
            return done;
        });
    }

    /// An entry about what was read, which is nothing that is committed.
    [[nodiscard]] result<> record(audit_type what, audit_counts counts) const {
        return way_.write([&](store_writer& w) { return w.append_audit(entry(what, counts)); });
    }

    /// The form in which what is read goes to the caller: a user sees what is kept.
    [[nodiscard]] result<privacy::form> form(tenant_reader& mine) const { return outgoing_form(mine, backend_type_); }

private:
    tenant_caller(std::string user_id, std::string peer_id, std::string backend_type, pass way, reading how, instant now)
        : user_id_{std::move(user_id)}, peer_id_{std::move(peer_id)}, backend_type_{std::move(backend_type)}, way_{std::move(way)}, reading_{std::move(how)}, now_{now} {}

    [[nodiscard]] audit_event entry(audit_type what, audit_counts counts) const { return {.type = what, .at = now_, .user_id = user_id_, .peer_id = peer_id_, .counts = std::move(counts)}; }

    std::string user_id_;
    std::string peer_id_;       ///< "" of a user
    std::string backend_type_;  ///< "" of a user
    pass way_;
    reading reading_;
    instant now_;
};

}  // namespace bsp::endpoint
