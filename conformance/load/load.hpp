#pragma once

#include "mix.hpp"

#include "../target/target.hpp"

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

namespace bsp::conformance {

/// Lets many peers of several users talk to a target at a rate that does not depend on how it fares, measures, and looks
/// in the end whether everything that was acknowledged is there. 0 the data is right, 1 it is not, 2 it cannot be told or
/// more than one request in a hundred failed, 4 the target did not answer, or no longer.
struct load_arguments {
    std::string url, users_file;
    std::size_t peers = 100;
    double rate = 100;           ///< requests per second, of all peers together
    std::string duration = "30s";
    std::string mix{load::default_mix};
    bool even = false;           ///< due at even distances instead of at random
    bool over_limits = false;    ///< more pushes than a peer's budget are meant
    std::optional<std::uint64_t> seed;
    int timeout_s = 10;
    std::string report, json;    ///< files; empty: not wanted
    target_options trust = {};
};
int put_under_load(load_arguments const&, std::ostream& out, std::ostream& err);

}  // namespace bsp::conformance
