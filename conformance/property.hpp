#pragma once

#include "scenario.hpp"

#include <chrono>
#include <functional>
#include <string_view>

namespace bsp::conformance {

/// Bounds of one property. Time is checked between attempts.
struct property_budget {
    int cases = 30;
    int size = 30;                                ///< RapidCheck's size of the last case; the first has 0
    std::chrono::milliseconds time{4000};  ///< for finding a failure
};

/// Runs `body` with many generated inputs. `body` draws with `*rc::gen::…` and judges with the scenario's
/// words; a judgement against the target is a counterexample. It is shrunk, run three more times, and its
/// requests become the steps of the check. How long it may be shrunk is said by the surroundings. `body` gets a scenario of its own with fresh names per attempt.
///
/// Only for checks with `need::generator`. Generate descriptions (small alphabets, many collisions), build
/// requests from them inside `body`, and register fresh peers inside `body`.
void property(scenario& in, std::string_view name, property_budget budget, std::function<void(scenario&)> body);

}  // namespace bsp::conformance
