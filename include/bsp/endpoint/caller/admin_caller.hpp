#pragma once

#include <bsp/endpoint/caller/credential.hpp>

#include <string_view>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// The operator, and nobody else.
class admin_caller {
public:
    static constexpr std::string_view challenge = "Bearer";

    static result<admin_caller> authenticate(gatekeeper const& gate, request const& r) {
        BSP_TRY(pass way, authenticate_admin(gate, r));
        return admin_caller{std::move(way), gate.guards};
    }

    /// The audit trail, with what was still only counted.
    [[nodiscard]] result<std::vector<audit_entry>> audit(audit_query const& asked, instant now) const {
        if (guards_) guards_->trail.flush(now, true);
        return way_.read([&](store_reader& r) { return r.audit(asked); });
    }

private:
    admin_caller(pass way, guards* guards) : way_{std::move(way)}, guards_{guards} {}

    pass way_;
    guards* guards_;
};

}  // namespace bsp::endpoint
