#pragma once

#include <bsp/base/result.hpp>
#include <bsp/endpoint/origin.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

/// Where a client connects to.
namespace bsp::sync {

/// An absolute URL taken apart; views into it.
struct url_parts {
    std::string_view origin;     ///< "https://hosted.example:8825"
    std::string_view authority;  ///< "hosted.example:8825"
    std::string_view path;       ///< "/bsp/sync/peer_…"; "" when there is none
};

inline url_parts split_url(std::string_view url) {
    auto const [authority, path] = endpoint::parts_of(url);
    return {url.substr(0, url.size() - path.size()), authority, path};
}

/// `GET /health` at the base URL of a sync endpoint (section 10.5).
inline std::string health_url(std::string_view sync_endpoint, std::string_view peer_id) {
    std::string const tail = "/sync/" + std::string{peer_id};
    auto const base = sync_endpoint.ends_with(tail) ? sync_endpoint.substr(0, sync_endpoint.size() - tail.size()) : split_url(sync_endpoint).origin;
    return std::string{base} + "/health";
}

/// Whether a backend of `own_type` may connect to `url` of a backend of `peer_type`: the origin is listed,
/// octet for octet, and the way is encrypted or stays on this machine (BSP-REG-060 … BSP-REG-062). Otherwise
/// `forbidden`.
inline result<> may_dial(std::string_view url, std::string_view own_type, std::string_view peer_type, std::span<std::string const> listed_origins) {
    auto const parts = split_url(url);
    auto const host = endpoint::host_of(parts.authority);
    bool const loopback = host == "localhost" || host == "127.0.0.1" || host == "[::1]";
    if (own_type == "hosted" && peer_type == "local") return fail(errc::forbidden, "a hosted backend does not call a local one");
    if (!url.starts_with("https://") && !(url.starts_with("http://") && loopback)) return fail(errc::forbidden, "the endpoint is neither https nor on a loopback address");
    if (std::ranges::find(listed_origins, parts.origin) == listed_origins.end()) return fail(errc::forbidden, "the operator has not listed the origin " + std::string{parts.origin.substr(0, 200)});
    return ok();
}

}  // namespace bsp::sync
