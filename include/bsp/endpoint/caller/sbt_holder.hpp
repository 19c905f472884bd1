#pragma once

#include <bsp/endpoint/caller/budget.hpp>
#include <bsp/endpoint/caller/pass.hpp>
#include <bsp/endpoint/request.hpp>
#include <bsp/sbt/sbt.hpp>

#include <string_view>
#include <utility>

namespace bsp::endpoint {

/// Whoever sends a valid session binding token in the body (BSP-REG-003, BSP-REG-004).
class sbt_holder {
public:
    static constexpr std::string_view challenge = "BSP";

    static result<sbt_holder> authenticate(gatekeeper const& gate, request const& r) {
        if (limits_apply_to(r.http.remote)) BSP_CHECK(within(gate, source_rate, r.http.remote, r));
        BSP_TRY(json::value body, r.body());
        BSP_TRY(json::fields const f, json::fields::of(body));
        json::value const* token = f.find("sbt");
        if (!token) return f.invalid("sbt", "is required");
        note_claimed_backend(r, f);
        BSP_TRY(verified_sbt sbt, verify_sbt(*token, gate.secret_of, r.now));
        r.notes.user_id = sbt->user_id;
        r.notes.proven = true;
        pass way{gate.store, r.now};
        way.of_user(sbt->user_id);
        return sbt_holder{std::move(sbt), std::move(body), std::move(way)};
    }

    [[nodiscard]] verified_sbt const& sbt() const { return sbt_; }
    [[nodiscard]] json::fields body() const { return json::fields{body_.get_object()}; }

    template <class F>
    auto write(F&& f) const {
        return way_.write(std::forward<F>(f));
    }

private:
    /// Whom the sender claims to be, if that is a name a backend may have.
    static void note_claimed_backend(request const& r, json::fields const& body) {
        json::value const* const claimed = body.find("backend_identity");
        auto const* id = claimed && claimed->is_object() ? json::find_string(claimed->get_object(), "backend_id") : nullptr;
        if (id && is_backend_id(json::view(*id))) r.notes.backend_id = json::view(*id);
    }

    sbt_holder(verified_sbt sbt, json::value body, pass way) : sbt_{std::move(sbt)}, body_(std::move(body)), way_{std::move(way)} {}

    verified_sbt sbt_;
    json::value body_;
    pass way_;
};

}  // namespace bsp::endpoint
