#pragma once

#include <bsp/base/encoding.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/wire/backend_identity.hpp>

namespace bsp::wire {

/// What the opposite registration answered, relayed by the UI.
struct relayed_endpoints {
    std::string peer_id;
    std::string sync_endpoint;
    std::string telemetry_endpoint;
};

/// The body of `POST /register-peer`, beside the session binding token that authenticates it (chapter 4.1):
///
///     {"backend_identity": { … }, "sbt": { … }[, "challenge": "3q2-…"]
///      [, "endpoints": {"peer_id": "peer_…", "sync_endpoint": "https://…", "telemetry_endpoint": "wss://…"}]}
struct register_peer_request {
    backend_identity identity;
    std::optional<std::string> challenge;  ///< base64url of 32 bytes, as received (BSP-REG-020)
    std::optional<relayed_endpoints> endpoints;
};

namespace detail {
inline bool is_visible_ascii(std::string_view text, std::size_t bytes_max) {
    return !text.empty() && text.size() <= bytes_max && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

inline result<std::string> required_url(json::fields const& f, std::string_view name) {
    BSP_TRY(std::string_view const url, f.required_string(name));
    bool absolute = false;
    for (std::string_view scheme : {"http://", "https://", "ws://", "wss://"})
        if (url.size() > scheme.size() && url.starts_with(scheme) && url[scheme.size()] != '/') absolute = true;
    if (!absolute || !is_visible_ascii(url, 2'048)) return f.invalid(name, "must be an absolute http, https, ws or wss URL of at most 2048 characters");
    return std::string{url};
}

inline result<std::optional<relayed_endpoints>> optional_endpoints(json::fields const& body) {
    BSP_TRY(auto const f, body.optional_object("endpoints"));
    if (!f) return std::optional<relayed_endpoints>{};
    relayed_endpoints e;
    BSP_TRY(e.peer_id, f->required_string("peer_id"));
    if (!is_visible_ascii(e.peer_id, 128)) return f->invalid("peer_id", "must be 1 to 128 visible ASCII characters");
    BSP_TRY(e.sync_endpoint, required_url(*f, "sync_endpoint"));
    BSP_TRY(e.telemetry_endpoint, required_url(*f, "telemetry_endpoint"));
    return std::optional{std::move(e)};
}
}  // namespace detail

/// Errors: `invalid_body`, `unsupported_version`.
inline result<register_peer_request> decode_register_peer(json::fields const& f) {
    register_peer_request r;
    BSP_TRY(json::fields const identity, f.required_object("backend_identity"));
    BSP_TRY(r.identity, decode_backend_identity(identity));
    BSP_TRY(auto const challenge, f.optional_string("challenge"));
    if (challenge) {
        auto const decoded = from_base64url(*challenge);
        if (!decoded || decoded->size() != 32) return f.invalid("challenge", "must be 32 bytes in base64url without padding");
        r.challenge = *challenge;
    }
    BSP_TRY(r.endpoints, detail::optional_endpoints(f));
    return r;
}

/// The object that answers a challenge, still unsigned (BSP-REG-021):
///
///     {"typ": "bsp-challenge", "challenge": "3q2-…", "backend_id": "hosted_…", "peer_id": "peer_…"}
inline json::object challenge_object(std::string_view challenge, std::string_view backend_id, std::string_view peer_id) {
    return {{"typ", "bsp-challenge"}, {"challenge", challenge}, {"backend_id", backend_id}, {"peer_id", peer_id}};
}

/// The answer to a registration:
///
///     {"status": "registered", "peer_id": "peer_…", "sync_endpoint": "https://…", "telemetry_endpoint": "wss://…",
///      "sync_interval_ms": 5000[, "challenge_signature": "kq3…=="][, "sbt_id": "…"]}
struct register_peer_response {
    std::string peer_id;
    std::string sync_endpoint;
    std::string telemetry_endpoint;
    int sync_interval_ms = 0;
    std::optional<std::string> challenge_signature;
    std::optional<std::string> sbt_id;
};

inline std::string encode(register_peer_response const& r) {
    json::object o{{"status", "registered"},
                   {"peer_id", r.peer_id},
                   {"sync_endpoint", r.sync_endpoint},
                   {"telemetry_endpoint", r.telemetry_endpoint},
                   {"sync_interval_ms", r.sync_interval_ms}};
    if (r.challenge_signature) o["challenge_signature"] = *r.challenge_signature;
    if (r.sbt_id) o["sbt_id"] = *r.sbt_id;
    return json::serialize(o);
}

/// Errors: `malformed_body`, `invalid_body`.
inline result<register_peer_response> decode_register_peer_response(std::string_view text) {
    BSP_TRY(auto const body, json::parse(text));
    BSP_TRY(auto const f, json::fields::of(body));
    register_peer_response r;
    BSP_TRY(std::string_view const status, f.required_string("status"));
    if (status != "registered") return f.invalid("status", "must be registered");
    BSP_TRY(r.peer_id, f.required_string("peer_id"));
    if (!detail::is_visible_ascii(r.peer_id, 128)) return f.invalid("peer_id", "must be 1 to 128 visible ASCII characters");
    BSP_TRY(r.sync_endpoint, detail::required_url(f, "sync_endpoint"));
    BSP_TRY(r.telemetry_endpoint, detail::required_url(f, "telemetry_endpoint"));
    BSP_TRY(auto const interval, f.required_integer("sync_interval_ms", 1, 1'000'000'000));
    r.sync_interval_ms = static_cast<int>(interval);
    BSP_TRY(r.challenge_signature, f.optional_string("challenge_signature"));
    BSP_TRY(r.sbt_id, f.optional_string("sbt_id"));
    return r;
}

}  // namespace bsp::wire
