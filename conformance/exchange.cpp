#include "exchange.hpp"

namespace bsp::conformance {

std::string exchange::describe() const {
    if (!answered()) return "no answer: " + step_->got.detail;
    auto out = std::to_string(status());
    if (auto const c = code(); !c.empty()) out += ' ' + c;
    return out;
}

}  // namespace bsp::conformance
