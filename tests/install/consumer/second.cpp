// A second translation unit with the same headers: nothing may be defined twice.

#include <bsp/bsp.hpp>

bool second_unit_agrees();
bool second_unit_agrees() { return bsp::parse_timestamp("2025-12-31T00:00:00Z").has_value(); }
