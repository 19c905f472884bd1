#pragma once

#include "../peer/stand_in.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <set>

namespace bsp::conformance {

/// Header or claims of a compact JWS.
inline json::value part_of(std::string_view compact, int which) {
    for (; which > 0; --which) compact.remove_prefix(std::min(compact.size(), compact.find('.') + 1));
    auto const decoded = from_base64url(compact.substr(0, compact.find('.')));
    auto parsed = decoded ? json::parse({reinterpret_cast<char const*>(decoded->data()), decoded->size()}) : result<json::value>{json::value{}};
    return parsed ? *std::move(parsed) : json::value{};
}

/// Each of these requests of the target carries a valid assertion for itself, and each its own.
inline void are_authorized(scenario& s, stand_in const& b, std::vector<arrival> const& requests) {
    auto const public_key = rsa_public_key::from_pem(s.identity().public_key_pem);
    std::set<std::string> seen;
    for (auto const& one : requests) {
        auto const* field = one.request.headers.find("Authorization");
        s.expect(field && field->size() > 4 && http_headers::same_name(field->substr(0, 4), "BSP "), "Authorization: BSP and an assertion", field ? *field : "none");
        std::string_view const compact = std::string_view{*field}.substr(4);
        auto const header = part_of(compact, 0), claims = part_of(compact, 1);
        auto const dot = compact.rfind('.');
        auto const signature = dot == std::string_view::npos ? std::nullopt : from_base64url(compact.substr(dot + 1));
        s.expect(public_key && signature && public_key->verify_ps256(compact.substr(0, dot), *signature), "an assertion signed with PS256 by the key of the target's /identity", std::string{compact});
        s.expect(text_at(header, "/alg") == "PS256" && text_at(header, "/typ") == "bsp-peer+jwt", "alg PS256 and typ bsp-peer+jwt", show(header));
        s.expect(text_at(claims, "/iss") == s.identity().backend_id && text_at(claims, "/sub") == b.id_of_target() && text_at(claims, "/aud") == b.backend_id(),
                 "iss the target, sub the peer_id that it was told, aud the other backend", show(claims));
        s.expect(text_at(claims, "/htm") == "GET" && text_at(claims, "/htu") == "/" + b.box_name() + one.request.target, "htm GET and htu the request target", show(claims));
        auto const iat = integer_at(claims, "/iat"), exp = integer_at(claims, "/exp");
        s.expect(exp > iat && exp - iat <= 300 && iat <= one.when.seconds + 300 && exp > one.when.seconds, "iat and exp around now, 300 s apart at most", show(claims));
        s.expect(text_at(claims, "/jti").size() >= 11, "a jti of at least 64 random bits", text_at(claims, "/jti"));
        s.expect(seen.insert(text_at(claims, "/jti")).second, "another jti in every assertion", text_at(claims, "/jti") + " twice");
    }
}

}  // namespace bsp::conformance
