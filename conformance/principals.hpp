#pragma once

#include "exchange.hpp"

#include <bsp/base/bytes.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bsp::conformance {

class scenario;
class signing_key;

/// A signing key, shared by whoever signs with it.
using key = std::shared_ptr<signing_key const>;

/// A change to an object on its way: `[](json::object& o) { o["version"] = "4"; }`.
using edit = std::function<void(json::object&)>;

/// A user of the target and the pairing secret that the target shares with that user.
struct user_account {
    std::string id;
    std::string secret;
};

/// How one call departs from a correct one. Everything empty: a correct one.
struct call_options {
    edit header = {};                                  ///< of the assertion, before it is signed
    edit claims = {};                                  ///< of the assertion, before it is signed
    key signer = {};                                   ///< another key than the peer's own
    std::optional<std::string> secret = {};            ///< another secret than the user's own (HS256)
    std::function<void(std::string&)> assertion = {};  ///< the compact JWS, after it was signed
    std::optional<std::string> authorization = {};     ///< the whole field value instead; "" sends no field
    std::function<void(http_request&)> request = {};   ///< last of all: method, target, headers, body
    std::string who = {};                              ///< another name in the report
};

/// Somebody who can call the target: a peer, a user, the administrator, or nobody in particular.
/// `path` is path and query without the target's base path, percent-encoded already: "/sync/x?since=…".
class caller {
public:
    exchange get(std::string_view path, call_options const& = {}) const;
    exchange del(std::string_view path, call_options const& = {}) const;
    exchange post(std::string_view path, json::value const& body, call_options const& = {}) const;
    exchange call(std::string_view method, std::string_view path, std::optional<std::string> body, call_options const& = {}) const;

    /// GET /conversations/{id}
    exchange read(std::string_view conversation_id, call_options const& = {}) const;

    /// POST /conversations/{id}/messages with {role, content, surface} and whatever `more` sets.
    exchange write(std::string_view conversation_id, std::string_view content, edit const& more = {}, call_options const& = {}) const;

    /// How the report names this caller: "A", "ada", "admin", "-".
    [[nodiscard]] std::string const& name() const noexcept { return name_; }

    /// The `Authorization` value for this call, as `call` would send it; empty for nobody.
    [[nodiscard]] std::string authorization(std::string_view method, std::string_view path, call_options const& = {}) const;

    enum class kind { nobody, peer, user, admin };

protected:
    friend class scenario;
    caller(scenario& world, kind k, std::string name) : world_{&world}, kind_{k}, name_{std::move(name)} {}

    scenario* world_;
    kind kind_;
    std::string name_;
    user_account account_;     // of a user; of a peer: whose it is
    std::string credential_;   // the admin token
    // A peer's registration:
    std::string backend_id_, backend_type_, peer_id_;
    key key_;
};

/// How one push departs from a correct one.
struct push_options {
    std::optional<std::string> sync_id = {};          ///< default: a fresh one
    std::optional<std::string> timestamp = {};        ///< default: now, by the target's clock
    edit before_signing = {};                         ///< the payload without `signature`
    edit after_signing = {};                          ///< the payload with `signature`
    key signer = {};                                  ///< another key than the peer's own
    bool sign = true;                                 ///< false: no member `signature`
    std::function<std::string(std::string)> bytes = {};  ///< the body's text, last: other spellings of the same JSON
    std::optional<std::string> path = {};             ///< default "/sync/{peer_id}"
    std::function<void(http_request&)> request = {};  ///< last of all
};

/// A page or more of the feed.
struct pull_options {
    std::string since = {};   ///< raw, percent-encoded by `pull`; "" sends no parameter
    std::string cursor = {};  ///< likewise
    std::optional<int> limit = {};
};

/// A backend registered at the target, driven by the suite.
class peer : public caller {
public:
    [[nodiscard]] std::string const& peer_id() const noexcept { return peer_id_; }
    [[nodiscard]] std::string const& backend_id() const noexcept { return backend_id_; }
    [[nodiscard]] std::string const& backend_type() const noexcept { return backend_type_; }
    [[nodiscard]] user_account const& user() const noexcept { return account_; }
    [[nodiscard]] conformance::key const& signing_key() const noexcept { return key_; }
    [[nodiscard]] json::value const& registration() const noexcept { return answer_; }  ///< the target's answer

    /// POST /sync/{peer_id}
    exchange push(std::vector<json::object> conversations, push_options const& = {}) const;

    /// The payload that `push` would send, signed.
    [[nodiscard]] json::object payload(std::vector<json::object> conversations, push_options const& = {}) const;

    /// GET /sync/{peer_id}
    exchange pull(pull_options const& = {}, call_options const& = {}) const;

    /// Pulls until `has_more` is not true; a refused page makes the check INCONCLUSIVE. All conversations
    /// of all pages in order; `last_sync` of the last page.
    struct feed {
        std::vector<json::object> conversations;
        std::string last_sync;
        std::size_t pages = 0;
        [[nodiscard]] json::object const* find(std::string_view conversation_id) const;  ///< the last one, or null
    };
    [[nodiscard]] feed pull_all(pull_options = {}) const;

    /// This peer's PS256 signature of any text, for payloads that `payload` does not make.
    [[nodiscard]] bytes sign(std::string_view text) const;

    /// DELETE /peers/{peer_id} by this peer itself.
    exchange unpair(call_options const& = {}) const;

private:
    friend class scenario;
    using caller::caller;
    json::value answer_;
};

/// How one registration departs from a correct one. The order: SBT members, `sbt`, MAC, `sbt_after_mac`,
/// identity, `identity`, body, `body`, request.
struct registration {
    std::optional<user_account> user = {};           ///< default: the first user
    std::optional<std::string> backend_id = {};      ///< default: fresh, of the type opposite to the target's
    std::optional<std::string> backend_type = {};    ///< default: opposite to the target's
    conformance::key signing_key = {};               ///< default: one of the pool, another one for each peer of a check
    std::optional<std::string> secret = {};          ///< MACs the SBT instead of the user's
    std::chrono::milliseconds created{0};            ///< SBT `created_at`, relative to now
    std::chrono::seconds lifetime{8 * 3600};         ///< SBT `expires_at` − `created_at`
    edit sbt = {};                                   ///< before the MAC
    edit sbt_after_mac = {};
    edit identity = {};                              ///< `backend_identity`
    edit body = {};                                  ///< the whole request
    std::function<std::string(std::string)> bytes = {};  ///< the body's text
    std::function<void(http_request&)> request = {};
};

}  // namespace bsp::conformance
