#include "probe.hpp"

#include "privacy.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <array>
#include <chrono>

namespace bsp::conformance {
namespace {

bool looks_like_html(http_response const& r) {
    auto const* type = r.headers.find("Content-Type");
    auto const first = r.body.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    return (type && type->find("text/html") == 0) || (first != std::string::npos && r.body[first] == '<');
}

std::string why_not(fault why, std::string const& detail, std::string const& url) {
    switch (why) {
        case fault::refused: return "Nothing answers at " + url + ": " + detail + ".\nIs the backend running, and is the port right?";
        case fault::timeout: return url + " takes connections but does not answer: " + detail + ".\nIs the process stuck, or is something else listening there?";
        case fault::closed: return url + " closes the connection: " + detail + ".\nDoes it want https, or did it crash?";
        case fault::garbage: return url + " does not speak HTTP: " + detail + ".\nIs another protocol (or https) on this port?";
        case fault::tls: return url + ": " + detail + ".\nDoes it want http, or another version of TLS?";
        case fault::certificate: return url + ": " + detail + ".\n--ca-file FILE trusts an authority of your own; --insecure trusts anybody.";
        case fault::none: break;
    }
    return detail;
}

/// Without telemetry its paths are not found (section 11); with it, the list wants a credential.
bool declares_telemetry(answer const& list, target_identity const& identity) {
    auto const* stated = at(identity.received, "/capabilities");
    if (stated && stated->is_array() && std::any_of(stated->get_array().begin(), stated->get_array().end(), [](auto const& c) { return c == "telemetry"; })) return true;
    return list.why == fault::none && list.response.status != 404 && list.response.status != 501;
}

std::optional<target_identity> read_identity(http_response const& r) {
    auto const body = json::parse(r.body);
    if (!body || !body->is_object()) return std::nullopt;
    target_identity out{text_at(*body, "/backend_id"), text_at(*body, "/backend_type"), text_at(*body, "/public_key"), body->get_object()};
    if (out.backend_id.empty()) return std::nullopt;
    if (out.backend_type != "local" && out.backend_type != "hosted") out.backend_type = out.backend_id.starts_with("local_") ? "local" : "hosted";
    return out;
}

}  // namespace

std::optional<instant> parse_http_date(std::string_view text) {
    // "Sun, 06 Nov 1994 08:49:37 GMT"
    if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::size_t month = 0;
    while (month < 12 && months[month] != text.substr(8, 3)) ++month;
    if (month == 12) return std::nullopt;
    auto const two = std::to_string(month + 1);
    auto const read = parse_timestamp(std::string{text.substr(12, 4)} + '-' + (two.size() == 1 ? "0" : "") + two + '-' + std::string{text.substr(5, 2)} + 'T' + std::string{text.substr(17, 8)} + 'Z');
    return read ? std::optional{*read} : std::nullopt;
}

first_look probe(surroundings& world) {
    first_look out;
    auto const& url = world.target.url();
    auto const ask = [&](char const* path) { return world.target.send({"GET", world.target.base_path() + path, {}, {}, {}}, world.options.timeout); };

    auto const identity = ask("/identity");
    if (identity.why != fault::none) {
        out.why = identity.why;
        out.problem = why_not(identity.why, identity.detail, url);
        return out;
    }
    auto const& answer = identity.response;
    if (auto const* server = answer.headers.find("Server")) out.software = *server;
    if (auto const* date = answer.headers.find("Date"))
        if (auto const theirs = parse_http_date(*date)) {
            auto const apart = theirs->seconds - world.now().seconds;
            if (apart > 2 || apart < -2) {
                world.clock_offset = std::chrono::seconds{apart};
                out.remark = "the target's clock is " + std::to_string(apart) + " s from this one; the suite follows the target's";
            }
        }
    world.identity = read_identity(answer);
    if (world.identity) {
        world.has_telemetry = declares_telemetry(ask("/telemetry/events"), *world.identity);
        look_at_privacy(world);
        world.keys.start();
        out.usable = true;
        return out;
    }
    if (looks_like_html(answer)) {
        auto const health = ask("/health");
        if (health.why != fault::none || looks_like_html(health.response) || !json::parse(health.response.body)) {
            out.problem = url + " answers with a web page, not with BSP (GET /identity: " + std::to_string(answer.status) +
                          ", HTML).\nIs there a prefix to add to the URL, or is another program on this port?";
            return out;
        }
    }
    out.usable = true;
    out.remark = "GET /identity gave no usable identity (status " + std::to_string(answer.status) + "); little can be judged without it";
    return out;
}

}  // namespace bsp::conformance
