#pragma once

#include <bsp/endpoint/caller/metrics_caller.hpp>

#include <string_view>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// The operator, who looks at all peers (chapter 19).
class watching_admin {
public:
    static constexpr std::string_view challenge = "Bearer";

    static result<watching_admin> authenticate(gatekeeper const& gate, request const& r) {
        BSP_TRY(pass way, authenticate_admin(gate, r));
        return watching_admin{std::move(way), gate};
    }

    /// As `metrics_caller::view`.
    [[nodiscard]] result<observe::peer_view> view(std::string_view peer_id) const {
        return metrics_caller::view_of(way_, guards_, peer_id);
    }

    /// Everything of those registrations that `f(store_reader&) -> result<std::vector<peer_record>>` names.
    template <class F>
    result<std::vector<observe::peer_view>> views(F&& f) const {
        BSP_TRY(auto found, read([&](store_reader& r, observe::observatory const& seen) -> result<std::vector<observe::peer_view>> {
            BSP_TRY(auto peers, f(r));
            return seen.views(r, std::move(peers));
        }));
        if (guards_ && guards_->observed) guards_->observed->add_client(found);
        return found;
    }

    /// Runs `f(store_reader&, observatory const&) -> result<T>`.
    template <class F>
    auto read(F&& f) const {
        static observe::observatory const nothing;
        auto const& seen = guards_ && guards_->observed ? *guards_->observed : nothing;
        return way_.read([&](store_reader& r) { return f(r, seen); });
    }

    /// What is wrong now. `not_found` on a backend that does not watch.
    [[nodiscard]] result<std::vector<wire::alert>> alerts(instant now) const {
        BSP_TRY(auto* const seen, observed());
        return seen->look(*store_, now);
    }

    /// Where everything is counted since the start. `not_found` on a backend that does not count.
    [[nodiscard]] result<observe::observatory*> observed() const {
        if (!guards_ || !guards_->observed) return fail(errc::not_found, "this backend does not count");
        return guards_->observed;
    }

    [[nodiscard]] bool store_answers() const { return store_->probe().has_value(); }

private:
    watching_admin(pass way, gatekeeper const& gate) : way_{std::move(way)}, store_{&gate.store}, guards_{gate.guards} {}

    pass way_;
    store_base* store_;
    guards* guards_;
};

}  // namespace bsp::endpoint
