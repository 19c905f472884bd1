#pragma once

#include "scenario.hpp"

#include <rapidcheck/Gen.h>
#include <rapidcheck/gen/Transform.h>

#include <chrono>
#include <functional>
#include <string_view>

namespace bsp::conformance {

/// Bounds of one property. Time is checked between attempts.
struct property_budget {
    int cases = 30;
    int size = 30;                                ///< RapidCheck's size of the largest case
    std::chrono::milliseconds time{4000};  ///< for finding a failure
};

/// What is done with one generated input.
using property_case = std::function<void(scenario&)>;

/// Tries many cases. A judgement against the target is a counterexample. It is shrunk, run three more times, and its
/// requests become the steps of the check. How long it may be shrunk is said by the surroundings.
void property(scenario& in, std::string_view name, property_budget budget, rc::Gen<property_case> const& cases);

/// Calls `body` with many generated inputs; it judges with the words of the scenario it is given, which has fresh names per
/// attempt.
///
/// Only for checks with `need::generator`. Generate descriptions (small alphabets, many collisions), build requests from
/// them inside `body`, and register fresh peers inside `body`. All is drawn before `body` begins: what RapidCheck keeps
/// for draws in between it keeps once per process, so that properties could not be looked at side by side.
template <typename Drawn, typename Body>
void property(scenario& in, std::string_view name, property_budget budget, rc::Gen<Drawn> inputs, Body body) {
    property(in, name, budget, rc::gen::map(std::move(inputs), [body](Drawn drawn) -> property_case {
        return [body, drawn = std::move(drawn)](scenario& s) { body(s, drawn); };
    }));
}

}  // namespace bsp::conformance
