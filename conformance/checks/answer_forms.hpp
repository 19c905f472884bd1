#pragma once

#include "../scenario.hpp"

/// The members of every success that the suite was sent, to whichever check it came, against the tables of the chapters. Each of
/// these first goes past the endpoints of its area in the states in which something is empty or absent.
namespace bsp::conformance {

void identity_forms(scenario&);
void registration_forms(scenario&);
void sync_forms(scenario&);
void telemetry_forms(scenario&);
void rotation_forms(scenario&);
void audit_forms(scenario&);
void privacy_forms(scenario&);
void observability_forms(scenario&);

/// Of the rows of these checks.
inline constexpr std::string_view broken_by_a_form = "strict clients cannot read the answer, and lenient ones misread it";
inline constexpr std::string_view cause_of_a_form = "a serializer writes null for what is absent or empty, texts or floating-point numbers for integers, or times in a form of its own";

}  // namespace bsp::conformance
