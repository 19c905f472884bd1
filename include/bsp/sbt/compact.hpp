#pragma once

#include <bsp/base/encoding.hpp>
#include <bsp/base/result.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/json/value.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// The compact form of a session binding token (A-049), for a QR code or a link: base64url of
/// `{"alg":"HS256","typ":"bsp-sbt"}`, of the token, and of the text of its signature, joined with dots. It is
/// another spelling of the object, not a bearer credential: the token inside is still to be verified.
namespace bsp {

/// Needs a token with a string member `signature`, else `invalid_body`.
inline result<std::string> to_compact_sbt(json::object const& token) {
    json::string const* signature = json::find_string(token, "signature");
    if (!signature) return fail(errc::invalid_body, "the token has no signature");
    return to_base64url(as_bytes(R"({"alg":"HS256","typ":"bsp-sbt"})")) + '.' + to_base64url(as_bytes(json::serialize(token))) + '.' +
           to_base64url(as_bytes(json::view(*signature)));
}

/// The token of a compact form, not yet verified. `invalid_sbt` unless there are three parts of strict
/// base64url, the first two objects, and the third spells the token's own `signature`.
inline result<json::value> from_compact_sbt(std::string_view compact) {
    auto const refuse = [](char const* why) { return fail(errc::invalid_sbt, std::string{"not a compact session binding token: "} + why); };
    std::size_t const first = compact.find('.'), second = first == std::string_view::npos ? first : compact.find('.', first + 1);
    if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos)
        return refuse("it does not have three parts");
    auto const text_of = [](std::string_view part) -> std::optional<std::string> {
        auto const decoded = from_base64url(part);
        if (!decoded) return std::nullopt;
        return std::string{decoded->begin(), decoded->end()};
    };
    auto const header_text = text_of(compact.substr(0, first)), token_text = text_of(compact.substr(first + 1, second - first - 1)),
               signature_text = text_of(compact.substr(second + 1));
    if (!header_text || !token_text || !signature_text) return refuse("a part is not base64url");
    auto const header = json::parse(*header_text);
    auto token = json::parse(*token_text);
    if (!header || !header->is_object() || !token || !token->is_object()) return refuse("a part is not a JSON object");
    json::string const *alg = json::find_string(header->get_object(), "alg"), *typ = json::find_string(header->get_object(), "typ");
    if (!alg || json::view(*alg) != "HS256" || !typ || json::view(*typ) != "bsp-sbt") return refuse("its header is not that of a token");
    json::string const* signature = json::find_string(token->get_object(), "signature");
    if (!signature || json::view(*signature) != *signature_text) return refuse("its third part is not the token's signature");
    return std::move(*token);
}

}  // namespace bsp
