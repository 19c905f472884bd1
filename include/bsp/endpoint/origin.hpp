#pragma once

#include <bsp/base/http.hpp>
#include <bsp/policy/environment.hpp>

#include <algorithm>
#include <string>
#include <string_view>

/// Who may address this backend from where: defences of a backend that every web page can reach.
namespace bsp::endpoint {

/// The parts of an absolute http(s) URL that matter here; views into it.
struct base_parts {
    std::string_view authority;
    std::string_view path;  ///< "" when there is none
};

inline base_parts parts_of(std::string_view base_url) {
    auto const scheme = base_url.find("://");
    if (scheme == std::string_view::npos) return {};
    std::string_view const rest = base_url.substr(scheme + 3);
    auto const slash = rest.find('/');
    return slash == std::string_view::npos ? base_parts{rest, {}} : base_parts{rest.substr(0, slash), rest.substr(slash)};
}

/// `host[:port]` without the port: "[::1]:8825" is "[::1]".
inline std::string_view host_of(std::string_view authority) {
    auto const colon = authority.rfind(':');
    if (colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos) return authority;
    bool const is_port = authority.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
    return is_port ? authority.substr(0, colon) : authority;
}

/// Whether the request's one Host names this backend: a loopback name, the base URL's host or a configured
/// one, whatever the port (BSP-GEN-101).
inline bool host_is_served(http_headers const& headers, settings const& config) {
    if (headers.count("Host") != 1) return false;
    std::string_view const host = host_of(*headers.find("Host"));
    auto const is = [&](std::string_view name) { return http_headers::same_name(host, name); };
    if (host.empty()) return false;
    return is("localhost") || is("127.0.0.1") || is("[::1]") || is(host_of(parts_of(config.base_url).authority)) ||
           std::ranges::any_of(config.allowed_hosts, is);
}

/// Whether scripts of the request's origin may call this backend. Serialized origins compare octet for octet.
inline bool origin_is_listed(std::string_view origin, settings const& config) {
    return std::ranges::any_of(config.allowed_origins, [&](std::string const& listed) { return listed == origin; });
}

}  // namespace bsp::endpoint
