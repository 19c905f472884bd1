#pragma once

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
        BSP_TRY(json::value body, r.body());
        BSP_TRY(json::fields const f, json::fields::of(body));
        json::value const* token = f.find("sbt");
        if (!token) return f.invalid("sbt", "is required");
        BSP_TRY(verified_sbt sbt, verify_sbt(*token, gate.secret_of, r.now));
        return sbt_holder{std::move(sbt), std::move(body), pass{gate.store, r.now}};
    }

    [[nodiscard]] verified_sbt const& sbt() const { return sbt_; }
    [[nodiscard]] json::fields body() const { return json::fields{body_.get_object()}; }

    template <class F>
    auto write(F&& f) const {
        return way_.write(std::forward<F>(f));
    }

private:
    sbt_holder(verified_sbt sbt, json::value body, pass way) : sbt_{std::move(sbt)}, body_(std::move(body)), way_{std::move(way)} {}

    verified_sbt sbt_;
    json::value body_;
    pass way_;
};

}  // namespace bsp::endpoint
