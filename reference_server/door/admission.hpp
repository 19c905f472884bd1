#pragma once

#include "limits.hpp"

#include <bsp/base/http.hpp>
#include <bsp/base/result.hpp>

#include <optional>

namespace bsp::server {

/// A request head that may proceed, and what the connection has to know about it.
struct admitted_head {
    http_request request;           ///< without body; target in origin form (or "*")
    bool keep_alive = true;
    bool expects_continue = false;
    bool wants_websocket = false;
};

/// Judges a parsed head. Everything by which two parsers could disagree on where a request ends, or for
/// whom it is, is refused rather than interpreted: that is what request smuggling is made of (RFC 9112
/// sections 3.2, 6.1, 6.3). `request` holds the fields as received; `minor_version` is that of HTTP/1.x.
result<admitted_head> admit(http_request request, int minor_version, door_limits const& limits);

}  // namespace bsp::server
