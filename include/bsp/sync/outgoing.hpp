#pragma once

#include <bsp/auth/assertion.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/base/http.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/policy/environment.hpp>
#include <bsp/policy/store.hpp>
#include <bsp/policy/sync_ledger.hpp>
#include <bsp/sync/moment.hpp>
#include <bsp/sync/url.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace bsp::sync {

/// A request that the machines want sent. Whoever sends it follows no redirection, reads no more than
/// `limits::body_bytes_max` of an answer, and reports what came, or that nothing did, under the same `id`.
struct outgoing {
    std::uint64_t id = 0;
    std::string origin;                 ///< whom to connect to, "https://hosted.example"
    http_request request;               ///< with Host; `target` in origin form
    std::chrono::nanoseconds deadline;  ///< steady; an answer after it is ignored (BSP-OFF-016)
};

inline outgoing make_request(std::uint64_t id, std::string method, std::string_view url, std::string body, std::chrono::nanoseconds deadline) {
    auto const parts = split_url(url);
    outgoing out{.id = id, .origin = std::string{parts.origin}, .request = {}, .deadline = deadline};
    out.request.method = std::move(method);
    out.request.target = parts.path;
    out.request.headers.add("Host", std::string{parts.authority});
    if (!body.empty()) out.request.headers.add("Content-Type", "application/json");
    out.request.body = std::move(body);
    return out;
}

/// The key that ours has replaced, kept for the peers that have not been told (section 13.4, A-120).
struct replaced_key {
    rsa_private_key key;
    instant grace_expires_at;           ///< until when peers are to believe it still
};

/// The backend on whose behalf the machines act. Owns nothing but its keys.
struct own_backend {
    identity const& self;
    rsa_private_key key;
    settings const& config;
    store_base& store;
    sync_ledger& ledger;
    std::function<void(std::span<std::uint8_t>)> fill_random;
    std::optional<replaced_key> replaced = {};  ///< while a rotation is under way
    std::uint64_t last_request = 0;     ///< ids given to requests so far

    [[nodiscard]] std::string fingerprint() const { return to_hex(key.public_key().sha256()); }

    /// What to sign with towards a peer that has taken the key with the fingerprint `known_key` from a notice.
    [[nodiscard]] rsa_private_key const& key_towards(std::string_view known_key) const { return replaced && known_key != fingerprint() ? replaced->key : key; }

    [[nodiscard]] std::string random_hex(std::size_t bytes) const {
        bsp::bytes raw(bytes);
        fill_random(raw);
        return to_hex(raw);
    }

    [[nodiscard]] outgoing request(std::string method, std::string_view url, std::string body, std::chrono::nanoseconds deadline) {
        return make_request(++last_request, std::move(method), url, std::move(body), deadline);
    }

    /// The peer assertion with which `request` goes to `peer`, signed by `signer` and good for a minute (section 5.3).
    [[nodiscard]] std::string assertion(peer_record const& peer, rsa_private_key const& signer, http_request const& request, moment now) const {
        return mint_peer_assertion({.iss = self.backend_id,
                                    .sub = peer.endpoints->peer_id,
                                    .aud = peer.backend_id,
                                    .jti = random_hex(16),
                                    .htm = request.method,
                                    .htu = request.target,
                                    .iat = now.wall.seconds,
                                    .exp = now.wall.seconds + 60},
                                   signer);
    }
};

/// The one request that a machine may have under way (BSP-OFF-015).
class flight {
public:
    void begin(outgoing const& out) { id_ = out.id, deadline_ = out.deadline; }

    /// Whether `id` is the request under way, and not the echo of an earlier one.
    [[nodiscard]] bool is(std::uint64_t id) const { return deadline_ && id == id_; }

    /// The request under way is over, if `id` is that.
    bool end(std::uint64_t id) {
        if (!is(id)) return false;
        deadline_.reset();
        return true;
    }

    void abandon() { deadline_.reset(); }

    [[nodiscard]] bool is_up() const { return deadline_.has_value(); }
    [[nodiscard]] std::uint64_t id() const { return id_; }
    [[nodiscard]] bool is_overdue(moment now) const { return deadline_ && now.steady >= *deadline_; }
    [[nodiscard]] timeout deadline() const { return deadline_; }

private:
    std::uint64_t id_ = 0;
    timeout deadline_;
};

}  // namespace bsp::sync
