#pragma once

#include <bsp/base/http.hpp>

#include <optional>

namespace bsp::server {

/// The pages for people, which are no part of the protocol: the dashboard at `/`, `/ui/handshake.html`,
/// `/ui/runbook.html`, and what belongs to them. Nothing when the request is for something else.
std::optional<http_response> serve_page(http_request const& request);

}  // namespace bsp::server
