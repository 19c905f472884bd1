#pragma once

#include "surroundings.hpp"

#include <string>

namespace bsp::conformance {

/// What a first look at the target showed.
struct first_look {
    bool usable = false;        ///< false: nothing there that could be judged
    fault why = fault::none;    ///< nothing came back at all
    std::string problem;        ///< why not, in words for the person at the keyboard
    std::string remark;         ///< something odd that does not prevent judging, or empty
    std::string software;       ///< the `Server` field, or empty
};

/// Looks at GET /identity (and /health), and fills `identity` and `clock_offset` of the surroundings.
first_look probe(surroundings&);

/// Reads an HTTP date (RFC 9110 §5.6.7, the preferred form).
std::optional<instant> parse_http_date(std::string_view);

}  // namespace bsp::conformance
