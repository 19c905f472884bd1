#pragma once

#include <bsp/base/bytes.hpp>
#include <bsp/base/http.hpp>
#include <bsp/base/identifier.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/base/limits.hpp>
#include <bsp/base/uri.hpp>
#include <bsp/endpoint/route.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/json/parse.hpp>

#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace bsp::endpoint {

/// What becomes known of a request on its way, for the audit trail and the fields of its answer.
struct request_notes {
    std::string user_id, peer_id, backend_id;   ///< of whoever it speaks of, "" when nobody is known
    bool proven = false;                        ///< whether the sender has proven to be that
    bool asked_as_admin = false;                ///< and has not proven to be
    std::chrono::milliseconds retry_after{};    ///< of a refusal with `rate_limited`
    std::optional<double> skew = {};            ///< seconds that the time of a proven push is from ours
    std::size_t messages = 0, conflicts = 0;    ///< of an accepted push
};

/// Who has opened a stream, and with which key.
struct stream_owner {
    std::string peer_id;
    std::optional<sha256_digest> key_sha256 = {};  ///< of the key that signed; nothing: whichever the peer has
};

/// A request that has found its endpoint.
struct request {
    http_request const& http;
    std::string htu;        ///< what an assertion must name (BSP-AUT-031): the target with the base URL's path
    path_parameters path;
    std::string_view query_text;
    instant now;            ///< the one time of this request
    request_notes& notes;
    bool opens_stream = false;  ///< an upgrade: a GET whose assertion and origin are judged like those of a write (BSP-TEL-028, BSP-TEL-032)

    stream_owner* opened = nullptr;     ///< where an endpoint that answers 101 says whose stream it is

    [[nodiscard]] bool changes_state() const { return opens_stream || (http.method != "GET" && http.method != "HEAD"); }

    /// The variable segment `name` of the route.
    [[nodiscard]] std::string_view parameter(std::string_view name) const {
        for (auto const& [known, value] : path)
            if (known == name) return value;
        return {};
    }

    /// The variable segment `name` as an identifier; what is none names nothing: `not_found` (BSP-GEN-058).
    [[nodiscard]] result<std::string> identifier(std::string_view name) const {
        std::string_view const text = parameter(name);
        if (!is_identifier(text)) return fail(errc::not_found, "the path names nothing that could exist");
        return std::string{text};
    }

    /// The query parameter `name`, if present; `invalid_query` when it comes twice or the query cannot be
    /// decoded. Parameters nobody asks for are ignored (BSP-GEN-008).
    [[nodiscard]] result<std::optional<std::string>> query(std::string_view name) const {
        auto const parameters = parse_query(query_text);
        if (!parameters) return fail(errc::invalid_query, "the query has a broken percent-escape");
        std::optional<std::string> value;
        for (auto const& [known, given] : *parameters) {
            if (known != name) continue;
            if (value) return fail(errc::invalid_query, "the parameter " + std::string{name} + " is given twice");
            value = given;
        }
        return value;
    }

    /// The query parameter `limit`: 1 to 500, 100 when absent (BSP-SYN-124, BSP-CNV-037).
    [[nodiscard]] result<std::size_t> limit() const {
        BSP_TRY(auto const text, query("limit"));
        if (!text) return limits::page_items_default;
        std::size_t n = 0;
        auto const [end, problem] = std::from_chars(text->data(), text->data() + text->size(), n);
        bool const whole = problem == std::errc{} && end == text->data() + text->size();
        if (!whole || n < 1 || n > limits::page_items_max) return fail(errc::invalid_query, "limit must be an integer from 1 to 500");
        return n;
    }

    /// The body as I-JSON; `malformed_body`.
    [[nodiscard]] result<json::value> body() const { return json::parse(http.body); }
};

}  // namespace bsp::endpoint
