#include "pages.hpp"

#include "pages_content.hpp"

#include <string_view>

namespace bsp::server {
namespace {

constexpr std::string_view pairing_page = "/ui/handshake.html";  ///< it may call any backend

}  // namespace

std::optional<http_response> serve_page(http_request const& request) {
    if (request.method != "GET" && request.method != "HEAD") return std::nullopt;
    std::string_view const path = std::string_view{request.target}.substr(0, request.target.find('?'));
    for (auto const& page : pages_content) {
        if (path != page.path) continue;
        return http_response{.status = 200,
                             .headers = {{"Content-Type", std::string{page.type}},
                                         {"Cache-Control", "no-store"},
                                         {"X-Content-Type-Options", "nosniff"},
                                         {"Referrer-Policy", "no-referrer"},
                                         // Scripts of this server only; nobody frames the page.
                                         {"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                                                                     "frame-ancestors 'none'; connect-src " + std::string{path == pairing_page ? "http: https:" : "'self'"}}},
                             .body = std::string{page.text}};
    }
    return std::nullopt;
}

}  // namespace bsp::server
