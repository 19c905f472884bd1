#pragma once

#include <bsp/base/error.hpp>
#include <bsp/base/http.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/json/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace bsp::sync {

/// What an answer means to a client (the table of section 10.4).
enum class meaning : std::uint8_t {
    success,          ///< 200: the body decides
    transient,        ///< again, after a while
    content_refused,  ///< what was sent is at fault
    token_refused,    ///< not before there is another session binding token
    store_renewed,    ///< the peer's store has another epoch
    sync_id_taken,
    peer_refused,     ///< we are at fault, or the peer thinks so; time or another registration may help
};

/// The problem's `code`, or "" when the answer has none.
inline std::string code_of(http_response const& response) {
    auto const body = json::parse(response.body);
    auto const* object = body ? body->if_object() : nullptr;
    auto const* code = object ? json::find_string(*object, "code") : nullptr;
    return code ? std::string{json::view(*code)} : "";
}

inline meaning meaning_of(http_response const& response) {
    int const status = response.status;
    if (status == 200) return meaning::success;
    if (status < 400 || status >= 500 || status == 408 || status == 425 || status == 429) return meaning::transient;
    std::string const code = code_of(response);
    if (status == 401 && code == "stale-request") return meaning::transient;  // stamped anew, it may be in time
    if (status == 401 && (code == "sbt-expired" || code == "invalid-sbt")) return meaning::token_refused;
    if (status == 409 && code == "epoch-changed") return meaning::store_renewed;
    if (status == 409 && code == "sync-id-reuse") return meaning::sync_id_taken;
    if (status == 400 || status == 413 || status == 422) return code == "unsupported-version" ? meaning::peer_refused : meaning::content_refused;
    return meaning::peer_refused;
}

/// One line for the operator: "503 unavailable". What has not the form of a code is left out: it could be anything, and
/// this goes into logs.
inline std::string describe(http_response const& response) {
    std::string const code = response.status >= 400 ? code_of(response) : "";
    bool const is_code = !code.empty() && code.size() <= 64 && code.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    return std::to_string(response.status) + (is_code ? ' ' + code : "");
}

/// The same when there was none: "no answer to a push: connection refused".
inline std::string no_answer(std::string_view to, std::string_view why) {
    return "no answer to " + std::string{to} + (why.empty() ? "" : ": " + std::string{why.substr(0, 200)});
}

/// What a machine asks of the session that it belongs to.
enum class consequence : std::uint8_t { none, pause_peer, await_token, begin_anew };

}  // namespace bsp::sync
