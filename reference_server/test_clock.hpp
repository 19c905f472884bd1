#pragma once

#include <bsp/base/http.hpp>
#include <bsp/base/result.hpp>

#include <optional>
#include <string>

namespace bsp::server {

/// The one path of `--test-clock`, for testing rules that take days:
///
///     POST /clock   Authorization: Bearer <admin token>   {"advance_ms": 604800000}
///     → {"now": "2026-01-07T00:00:00Z", "ahead_ms": 604800000}
///
/// `GET /clock` answers the same and moves nothing. Nothing for a request to another path.
std::optional<result<http_response>> serve_test_clock(http_request const& request, std::string const& admin_token);

}  // namespace bsp::server
