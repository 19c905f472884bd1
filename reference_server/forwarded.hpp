#pragma once

#include <bsp/base/http.hpp>

#include <string>

namespace bsp::server {

/// The address of the client as the proxy in front of this server tells it: the last one of `X-Forwarded-For`, which
/// is the one that the proxy itself has added. Without a usable one, the address that connected.
std::string forwarded_client(http_request const& request);

}  // namespace bsp::server
