#pragma once

#include <bsp/endpoint/backend.hpp>
#include <bsp/endpoint/request.hpp>

#include <string_view>

namespace bsp::endpoint {

/// No credential is asked for, and none is looked at.
class anyone {
public:
    static constexpr std::string_view challenge = "";

    static result<anyone> authenticate(gatekeeper const& gate, request const&) { return anyone{gate.store}; }

    /// Whether the store answers at all: the one thing about it that anyone may learn.
    [[nodiscard]] result<> store_answers() const { return store_->probe(); }

private:
    explicit anyone(store_base& store) : store_{&store} {}
    store_base* store_;
};

}  // namespace bsp::endpoint
