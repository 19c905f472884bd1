#pragma once

#include <bsp/adapters/memory_replay_guard.hpp>
#include <bsp/auth/assertion.hpp>
#include <bsp/crypto/signed_object.hpp>
#include <bsp/endpoint/dispatch.hpp>
#include <bsp/sbt/sbt.hpp>
#include <bsp/testing/counting_entropy.hpp>
#include <bsp/testing/manual_clock.hpp>
#include <bsp/testing/map_secret_book.hpp>
#include <bsp/testing/memory_store.hpp>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

/// A hosted backend in memory with two users, each of whom has the same two devices.
namespace bsp::fuzz {

inline constexpr std::array<std::string_view, 2> users{"ada", "bob"};

/// A text that stands in everything a user owns, and that the other user must never see.
inline std::string canary_of(std::size_t user) { return "canary-of-" + std::string{users.at(user)}; }

/// A backend of a user's, with the key that it signs with.
struct device {
    std::string_view backend_id;
    rsa_private_key const& key;
};

inline device const& device_at(std::size_t n) {
    static std::array const keys{rsa_private_key::generate(), rsa_private_key::generate()};
    static std::array<device, 2> const devices{{{"local_phone", keys[0]}, {"local_laptop", keys[1]}}};
    return devices.at(n);
}

/// Signing costs more than all the rest, and runs sign the same few texts: so what was signed is remembered.
template <class Sign>
std::string remembered(std::string what, Sign sign) {
    static std::unordered_map<std::string, std::string> signatures;
    if (signatures.size() > 50'000) signatures.clear();
    auto const [at, is_new] = signatures.try_emplace(std::move(what));
    if (is_new) at->second = sign();
    return at->second;
}

struct world {
    testing::memory_store store;
    testing::counting_entropy entropy;
    testing::map_secret_book secrets{{{"ada", "secret of ada, thirty-two bytes."}, {"bob", "secret of bob, thirty-two bytes."}}};
    memory_replay_guard replays;
    testing::manual_clock clock;
    identity self{"hosted_1", "hosted", own_key().public_key().pem(), "1.0", {"persistence"}, {1'700'000'000, 0}};
    settings config{
        .base_url = "https://hosted.example", .admin_token = "admin token", .allowed_hosts = {}, .allowed_origins = {"https://ui.example"}};
    environment<testing::memory_store, testing::counting_entropy, testing::map_secret_book, memory_replay_guard> env{
        self, own_key(), config, store, entropy, secrets, replays};

    http_response send(http_request const& request) { return handle(env, request, clock.now()); }

    // --- credentials

    std::string as_peer(std::string_view method, std::string_view target, std::string_view peer_id, device const& from) {
        auto const claims = claims_of(method, target, from.backend_id, peer_id);
        std::string const what = json::serialize(json::array{claims.iss, claims.sub, claims.jti, claims.htm, claims.htu, claims.iat});
        return "BSP " + remembered(what, [&] { return mint_peer_assertion(claims, from.key); });
    }
    std::string as_user(std::string_view method, std::string_view target, std::size_t user) {
        return "BSP-User " + mint_user_assertion(claims_of(method, target, users.at(user), users.at(user)),
                                                 secrets.secrets.at(std::string{users.at(user)}));
    }
    [[nodiscard]] std::string as_admin() const { return "Bearer " + config.admin_token; }

    /// Adds `signature`, when the object has a canonical form.
    static void sign(json::object& body, device const& from) {
        auto const text = json::canonicalize(body);
        if (!text) return;
        body["signature"] = remembered(std::string{from.backend_id} + *text, [&] { return sign_object(body, from.key).value(); });
    }

    // --- bodies, to be varied

    /// The members of a session binding token, not yet signed.
    [[nodiscard]] json::object token(std::size_t user, device const& from, instant created_at) const {
        using namespace std::chrono_literals;
        return {{"session_id", canary_of(user)},
                {"local_backend_id", from.backend_id},
                {"hosted_backend_id", self.backend_id},
                {"user_id", users.at(user)},
                {"created_at", format_timestamp(created_at)},
                {"expires_at", format_timestamp(created_at + 8h)}};
    }
    [[nodiscard]] static json::object registration(json::object token, device const& from) {
        return {{"backend_identity",
                 {{"backend_id", from.backend_id},
                  {"backend_type", "local"},
                  {"public_key", from.key.public_key().pem()},
                  {"capabilities", {"offline"}},
                  {"version", "1.0"}}},
                {"sbt", std::move(token)}};
    }
    [[nodiscard]] static json::object message(std::size_t user, std::string_view id, std::int64_t version, std::string_view timestamp) {
        return {{"id", id},
                {"role", "user"},
                {"content", canary_of(user)},
                {"timestamp", timestamp},
                {"surface", "web"},
                {"source_backend", "local"},
                {"version", version}};
    }
    [[nodiscard]] static json::object conversation(std::string_view id, std::int64_t version, std::string_view last_modified,
                                                   json::array messages) {
        return {{"conversation_id", id},          {"version", version},       {"messages", std::move(messages)}, {"surfaces", {"web"}},
                {"last_modified", last_modified}, {"source_backend", "local"}};
    }

private:
    static rsa_private_key const& own_key() {
        static rsa_private_key const key = rsa_private_key::generate();
        return key;
    }

    assertion_claims claims_of(std::string_view method, std::string_view target, std::string_view iss, std::string_view sub) {
        std::int64_t const now = clock.now().seconds;
        return {std::string{iss},
                std::string{sub},
                self.backend_id,
                "jti-" + std::to_string(++assertions_),
                std::string{method},
                std::string{target},
                now,
                now + 60};
    }

    int assertions_ = 0;
};

}  // namespace bsp::fuzz
