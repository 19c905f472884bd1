#include "admission.hpp"

#include <bsp/base/encoding.hpp>

#include <algorithm>
#include <string_view>

namespace bsp::server {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Whether the comma-separated lists of all fields called `name` contain `token`, without case.
bool lists(http_headers const& headers, std::string_view name, std::string_view token) {
    for (auto const& field : headers) {
        if (!http_headers::same_name(field.first, name)) continue;
        std::string_view rest = field.second;
        for (;;) {
            std::size_t const comma = rest.find(',');
            if (http_headers::same_name(trimmed(rest.substr(0, comma)), token)) return true;
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return false;
}

/// The fields of an opening handshake (RFC 6455 section 4.1).
bool is_handshake(http_headers const& headers) {
    if (headers.count("Sec-WebSocket-Version") != 1 || headers.count("Sec-WebSocket-Key") != 1) return false;
    auto const key = from_base64(*headers.find("Sec-WebSocket-Key"));
    return *headers.find("Sec-WebSocket-Version") == "13" && key && key->size() == 16;
}

result<> check_framing(http_headers const& headers, int minor_version) {
    std::size_t const lengths = headers.count("Content-Length");
    std::size_t const codings = headers.count("Transfer-Encoding");
    if (lengths != 0 && codings != 0) return fail(errc::bad_request, "both Content-Length and Transfer-Encoding");
    if (lengths > 1) return fail(errc::bad_request, "more than one Content-Length");
    if (codings > 1) return fail(errc::bad_request, "more than one Transfer-Encoding");
    if (lengths == 1) {
        std::string const& length = *headers.find("Content-Length");
        if (length.empty() || !std::all_of(length.begin(), length.end(), is_digit))
            return fail(errc::bad_request, "Content-Length is not a number");
    }
    if (codings == 1) {
        if (minor_version == 0) return fail(errc::bad_request, "Transfer-Encoding in HTTP/1.0");
        if (!http_headers::same_name(*headers.find("Transfer-Encoding"), "chunked"))
            return fail(errc::bad_request, "Transfer-Encoding other than chunked");
    }
    return ok();
}

/// Brings absolute form ("http://host/path") into origin form, its authority into Host (RFC 9112 3.2.2).
result<> settle_target(http_request& request) {
    std::string_view const target = request.target;
    if (!target.empty() && target.front() == '/') return ok();
    if (target == "*" && request.method == "OPTIONS") return ok();
    std::size_t const scheme_end = target.find("://");
    if (scheme_end == std::string_view::npos) return fail(errc::bad_request, "the request target is not a path");
    std::string_view const scheme = target.substr(0, scheme_end);
    if (!http_headers::same_name(scheme, "http") && !http_headers::same_name(scheme, "https"))
        return fail(errc::bad_request, "the request target is not a path");
    std::string_view const rest = target.substr(scheme_end + 3);
    std::size_t const authority_end = rest.find_first_of("/?#");
    std::string_view const authority = rest.substr(0, authority_end);
    if (authority.empty()) return fail(errc::bad_request, "the request target has no host");
    std::string origin{authority_end == std::string_view::npos ? std::string_view{} : rest.substr(authority_end)};
    if (origin.empty() || origin.front() != '/') origin.insert(0, 1, '/');
    request.headers.set("Host", std::string{authority});
    request.target = std::move(origin);
    return ok();
}

}  // namespace

result<admitted_head> admit(http_request request, int minor_version, door_limits const& limits) {
    if (request.target.size() > limits.target_bytes_max) return fail(errc::uri_too_long, "at most " + std::to_string(limits.target_bytes_max) + " bytes are read");
    if (request.headers.size() > limits.header_fields_max) return fail(errc::headers_too_large, "too many header fields");

    // A fragment never belongs into a request, and characters outside of printable ASCII never into a target.
    for (char const c : request.target)
        if (c <= ' ' || c > '~' || c == '#') return fail(errc::bad_request, "the request target has a character that must be encoded");
    BSP_CHECK(check_framing(request.headers, minor_version));

    std::size_t const hosts = request.headers.count("Host");
    if (hosts > 1) return fail(errc::bad_request, "more than one Host");
    if (hosts == 0 && minor_version > 0) return fail(errc::bad_request, "Host is missing");
    BSP_CHECK(settle_target(request));

    admitted_head head;
    head.keep_alive = minor_version > 0 && !lists(request.headers, "Connection", "close");
    head.wants_websocket = request.method == "GET" && minor_version > 0 && lists(request.headers, "Connection", "upgrade") &&
                           lists(request.headers, "Upgrade", "websocket") && is_handshake(request.headers);
    if (std::string const* expectation = request.headers.find("Expect")) {
        if (!http_headers::same_name(*expectation, "100-continue") || request.headers.count("Expect") > 1)
            return fail(errc::expectation_failed, "only 100-continue can be expected");
        head.expects_continue = minor_version > 0;
    }
    head.request = std::move(request);
    return head;
}

}  // namespace bsp::server
