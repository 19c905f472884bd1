#pragma once

#include "config.hpp"

#include <functional>
#include <iosfwd>

namespace bsp::server {

/// Exit codes of bsp-server.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;  ///< while running
inline constexpr int exit_usage = 2;   ///< command line, configuration or data directory not as they must be

/// Reads command line and environment and does what they say; `serve` runs the server. Every error is one
/// line on `err`.
int run(int argc, char const* const* argv, std::istream& in, std::ostream& out, std::ostream& err, std::function<int(config const&)> const& serve);

}  // namespace bsp::server
