#pragma once

#include "../scenario.hpp"

#include <chrono>
#include <functional>
#include <thread>

namespace bsp::conformance {

/// Waits until `end`, when something expires, and then tries until it is refused: the refusal, or the last acceptance. The
/// target's clock is known to a few seconds only, so it has that long to say so.
inline exchange first_refusal(scenario& s, instant end, std::function<exchange()> const& attempt) {
    using namespace std::chrono_literals;
    s.wait_until(end + 300ms);
    for (;;) {
        auto x = attempt();
        if (!x.ok() || s.now() > end + 4s) return x;
        std::this_thread::sleep_for(250ms);
    }
}

}  // namespace bsp::conformance
