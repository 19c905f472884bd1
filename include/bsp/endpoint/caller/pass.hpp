#pragma once

#include <bsp/endpoint/backend.hpp>
#include <bsp/endpoint/caller/peer_keys.hpp>
#include <bsp/endpoint/caller/standing.hpp>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace bsp::endpoint {

/// An assertion's claim to be used once.
struct once {
    std::string issuer;
    std::string jti;
    instant expires_at;
};

/// The way into the store that a verified credential opens. Every write begins by asking again, inside the
/// transaction, what may have changed since the credential was verified: that a state-changing assertion
/// was not used before (BSP-AUT-044, BSP-AUT-048), that the peer still stands (BSP-REG-043), and that the key by which
/// it was proven is still its own (BSP-ROT-032).
class pass {
public:
    pass(store_base& store, instant now) : store_{&store}, now_{now} {}

    pass& claiming(once claim) { return claim_ = std::move(claim), *this; }
    /// What is written concerns this user alone.
    pass& of_user(std::string user_id) { return user_id_ = std::move(user_id), *this; }
    pass& of_peer(std::string peer_id, sha256_digest const& key_sha256) { return peer_id_ = std::move(peer_id), key_sha256_ = key_sha256, *this; }

    /// Runs `f(store_reader&) -> result<T>`.
    template <class F>
    auto read(F&& f) const {
        return store_->read(std::forward<F>(f));
    }

    /// Runs `f(store_writer&) -> result<T>`. The assertion is used up whatever `f` says.
    template <class F>
    auto write(F&& f) const {
        bool admitted = false;
        auto out = commit([&](store_writer& w) -> std::invoke_result_t<F&, store_writer&> {
            BSP_CHECK(admit(w));
            admitted = true;
            return f(w);
        });
        // A refusal rolls back, and the claim with it: the request could be repeated when it no longer fails.
        if (!out && admitted && claim_) (void)commit([&](store_writer& w) { return w.claim_assertion(claim_->issuer, claim_->jti, claim_->expires_at, now_); });
        return out;
    }

private:
    template <class F>
    auto commit(F&& f) const {
        return user_id_ ? store_->write_of(*user_id_, f) : store_->write(f);
    }

    result<> admit(store_writer& w) const {
        if (claim_) {
            BSP_TRY(bool const first, w.claim_assertion(claim_->issuer, claim_->jti, claim_->expires_at, now_));
            if (!first) return fail(errc::stale_request, "the assertion was used before");
        }
        if (peer_id_) {
            BSP_TRY(auto found, w.peer(*peer_id_));
            BSP_TRY(auto const peer, standing(std::move(found), errc::unknown_peer));
            BSP_CHECK(unexpired(peer, now_));
            BSP_TRY(bool const counts, is_in_force(w, peer, key_sha256_, now_));
            if (!counts) return fail(errc::invalid_credential, "the key is no longer one of this peer");
        }
        return ok();
    }

    store_base* store_;
    instant now_;
    std::optional<once> claim_;
    std::optional<std::string> user_id_;
    std::optional<std::string> peer_id_;
    sha256_digest key_sha256_{};
};

}  // namespace bsp::endpoint
