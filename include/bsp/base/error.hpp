#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

/// Every error of the protocol, one row each: enumerator, wire code, HTTP status, title, and what the
/// caller does next. Nothing else in the code base knows a status. The rows are those of the error
/// registry in spec/01-conventions.md.
//   name                       code                      http  retry                 title
#define BSP_ERRORS(X)                                                                                              \
    X(malformed_body,           "malformed-body",         400,  never,                "The body is not I-JSON")        \
    X(invalid_query,            "invalid-query",          400,  never,                "A query parameter is invalid")  \
    X(unsupported_version,      "unsupported-version",    400,  never,                "Protocol version not supported") \
    X(bad_request,              "bad-request",            400,  never,                "The request is malformed")      \
    X(credential_required,      "credential-required",    401,  after_reauthenticate, "A credential is required")      \
    X(invalid_credential,       "invalid-credential",     401,  after_reauthenticate, "The credential is not valid")   \
    X(invalid_sbt,              "invalid-sbt",            401,  after_reauthenticate, "The session binding token is not valid") \
    X(sbt_expired,              "sbt-expired",            401,  after_reauthenticate, "The session binding token has expired") \
    X(invalid_key,              "invalid-key",            401,  never,                "The public key is not acceptable") \
    X(invalid_signature,        "invalid-signature",      401,  never,                "The signature does not verify") \
    X(stale_request,            "stale-request",          401,  after_resign,         "The request is not fresh")      \
    X(forbidden,                "forbidden",              403,  never,                "Not allowed for this caller")   \
    X(wrong_audience,           "wrong-audience",         403,  never,                "Meant for another backend or peer") \
    X(peer_revoked,             "peer-revoked",           403,  never,                "The peer has been revoked")     \
    X(sync_paused,              "sync-paused",            403,  never,                "The user has paused sync")      \
    X(unknown_peer,             "unknown-peer",           404,  never,                "No such peer")                  \
    X(not_found,                "not-found",              404,  never,                "No such resource")              \
    X(method_not_allowed,       "method-not-allowed",     405,  never,                "Method not allowed here")       \
    X(request_timeout,          "request-timeout",        408,  after_backoff,        "The request took too long")     \
    X(key_mismatch,             "key-mismatch",           409,  never,                "Registered with another key")   \
    X(sync_id_reuse,            "sync-id-reuse",          409,  never,                "sync_id used for other content") \
    X(epoch_changed,            "epoch-changed",          409,  after_resync,         "The store has another epoch")   \
    X(payload_too_large,        "payload-too-large",      413,  never,                "The body is too large")         \
    X(uri_too_long,             "uri-too-long",           414,  never,                "The request target is too long") \
    X(unsupported_media_type,   "unsupported-media-type", 415,  never,                "Unsupported media type or coding") \
    X(expectation_failed,       "expectation-failed",     417,  never,                "The expectation cannot be met") \
    X(misdirected_request,      "misdirected-request",    421,  never,                "This host is not served here")  \
    X(invalid_body,             "invalid-body",           422,  never,                "The body breaks the schema")    \
    X(not_canonicalizable,      "not-canonicalizable",    422,  never,                "The body has no canonical form") \
    X(upgrade_required,         "upgrade-required",       426,  never,                "A WebSocket upgrade is required") \
    X(rate_limited,             "rate-limited",           429,  after_retry_after,    "Too many requests")             \
    X(headers_too_large,        "headers-too-large",      431,  never,                "The header fields are too large") \
    X(internal,                 "internal",               500,  after_backoff,        "Internal error")                \
    X(unavailable,              "unavailable",            503,  after_backoff,        "Temporarily unavailable")

namespace bsp {

/// What a client does after this error (BSP error registry, column "retry").
enum class retry : std::uint8_t { never, after_backoff, after_retry_after, after_reauthenticate, after_resign, after_resync };

enum class errc : std::uint8_t {
#define BSP_X(name, code, http, retry_class, title) name,
    BSP_ERRORS(BSP_X)
#undef BSP_X
};

/// One row of the error table.
struct error_row {
    std::string_view name;   ///< enumerator, as written in C++
    std::string_view code;   ///< the problem document's `code`
    int status;              ///< HTTP status
    bsp::retry retry;        ///< what a client does next
    std::string_view title;  ///< the problem document's `title`
};

inline constexpr error_row error_rows[] = {
#define BSP_X(name, code, http, retry_class, title) {#name, code, http, retry::retry_class, title},
    BSP_ERRORS(BSP_X)
#undef BSP_X
};

constexpr error_row const& row_of(errc e) noexcept { return error_rows[static_cast<std::size_t>(e)]; }

/// A refusal. `detail` is for people: what is wrong and where, never a secret, a signature, a path or
/// the content of a message (BSP-GEN, A-121).
struct error {
    errc code{};
    std::string detail;

    [[nodiscard]] int status() const noexcept { return row_of(code).status; }
    friend bool operator==(error const&, error const&) = default;
};

inline error fail(errc code, std::string detail) { return {code, std::move(detail)}; }

}  // namespace bsp
