#include "test_clock.hpp"

#include "clock.hpp"

#include <bsp/auth/admin.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/json/parse.hpp>

#include <spdlog/spdlog.h>

#include <chrono>

namespace bsp::server {
namespace {

constexpr std::chrono::milliseconds advance_max = std::chrono::hours{24} * 3'650;  ///< as long as data is kept at most

result<http_response> answer(http_request const& request, std::string const& admin_token) {
    if (request.method != "GET" && request.method != "POST") return fail(errc::method_not_allowed, "the clock is read with GET and moved with POST");
    BSP_CHECK(verify_admin(request.headers.find("Authorization"), admin_token));
    if (request.method == "POST") {
        BSP_TRY(json::value const body, json::parse(request.body));
        BSP_TRY(json::fields const f, json::fields::of(body));
        BSP_TRY(std::int64_t const by, f.required_integer("advance_ms", 0, advance_max.count()));
        server_clock::advance(std::chrono::milliseconds{by});
        spdlog::warn("the test clock was moved by {} ms, and now shows {}", by, format_timestamp(server_clock{}.now()));
    }
    server_clock const clock;
    return endpoint::respond(json::object{{"now", format_timestamp(clock.now())}, {"ahead_ms", clock.ahead().count()}});
}

}  // namespace

std::optional<result<http_response>> serve_test_clock(http_request const& request, std::string const& admin_token) {
    if (request.target.substr(0, request.target.find('?')) != "/clock") return std::nullopt;
    return answer(request, admin_token);
}

}  // namespace bsp::server
