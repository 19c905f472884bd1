#pragma once

#include <bsp/base/http.hpp>
#include <bsp/base/result.hpp>
#include <bsp/json/value.hpp>
#include <bsp/wire/problem.hpp>

#include <string>
#include <utility>

namespace bsp::endpoint {

/// A success with a JSON body.
inline http_response respond(std::string json_text, int status = 200) {
    return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(json_text)};
}
inline http_response respond(json::object const& o, int status = 200) { return respond(json::serialize(o), status); }

/// A refusal as a problem document. The header fields that depend on the endpoint are added by dispatch.
inline http_response refuse(error const& e) {
    return {.status = e.status(), .headers = {{"Content-Type", "application/problem+json"}}, .body = wire::encode(e)};
}

}  // namespace bsp::endpoint
