#pragma once

#include <bsp/adapters/memory_replay_guard.hpp>
#include <bsp/auth/assertion.hpp>
#include <bsp/crypto/signed_object.hpp>
#include <bsp/endpoint/dispatch.hpp>
#include <bsp/sbt/sbt.hpp>
#include <bsp/testing/counting_entropy.hpp>
#include <bsp/testing/failing_store.hpp>
#include <bsp/testing/manual_clock.hpp>
#include <bsp/testing/map_secret_book.hpp>
#include <bsp/testing/memory_store.hpp>

#include <boost/test/unit_test.hpp>

#include <ostream>
#include <string>
#include <string_view>

/// A hosted backend in memory, and the people and backends around it. Keys are real and made once.
namespace bsp::test {

using namespace std::chrono_literals;

inline rsa_private_key const& server_key() {
    static rsa_private_key const key = rsa_private_key::generate();
    return key;
}
inline rsa_private_key const& phone_key() {
    static rsa_private_key const key = rsa_private_key::generate();
    return key;
}
inline rsa_private_key const& other_key() {
    static rsa_private_key const key = rsa_private_key::generate();
    return key;
}

inline constexpr std::string_view phone = "local_sha256_7d4b82b21655494e", laptop = "local_sha256_00000000000000aa";

/// An answer, as tests look at it.
struct answer {
    http_response raw;

    [[nodiscard]] json::value body() const { return json::parse(raw.body).value(); }
    /// "200", or "401 invalid-sbt".
    [[nodiscard]] std::string verdict() const {
        if (raw.status < 400) return std::to_string(raw.status);
        return std::to_string(raw.status) + ' ' + std::string{body().at("code").as_string()};
    }
    [[nodiscard]] std::string header(std::string_view name) const { return raw.headers.find(name) ? *raw.headers.find(name) : ""; }
};

struct world {
    testing::memory_store memory;
    testing::failing_store store{memory};
    testing::counting_entropy entropy;
    testing::map_secret_book secrets{{{"ada", "secret of ada, thirty-two bytes."}, {"bob", "secret of bob, thirty-two bytes."}}};
    memory_replay_guard replays;
    testing::manual_clock clock;
    identity self{"hosted_sha256_a9bece05ad4ed0b0", "hosted", server_key().public_key().pem(), "1.0", {"persistence"}, {1'700'000'000, 0}};
    settings config{.base_url = "https://hosted.example", .admin_token = "admin token", .allowed_hosts = {"alias.example"}, .allowed_origins = {"https://ui.example"}};
    environment<testing::failing_store, testing::counting_entropy, testing::map_secret_book, memory_replay_guard> env{self, server_key(), config, store, entropy, secrets, replays};
    int assertions = 0;

    answer send(http_request request) {
        if (!request.headers.find("Host")) request.headers.add("Host", "hosted.example");
        return {handle(env, request, clock.now())};
    }
    answer send(std::string method, std::string target, std::string authorization = "", std::string body = "") {
        http_request r{.method = std::move(method), .target = std::move(target), .headers = {}, .body = std::move(body), .remote = ""};
        if (!authorization.empty()) r.headers.add("Authorization", std::move(authorization));
        if (!r.body.empty()) r.headers.add("Content-Type", "application/json");
        return send(std::move(r));
    }

    // --- credentials

    [[nodiscard]] assertion_claims claims(std::string_view method, std::string_view target, std::string_view iss, std::string_view sub) {
        std::int64_t const now = clock.now().seconds;
        return {std::string{iss}, std::string{sub}, self.backend_id, "jti-" + std::to_string(++assertions), std::string{method}, std::string{target}, now, now + 60};
    }
    std::string as_peer(std::string_view method, std::string_view target, std::string_view peer_id, rsa_private_key const& key = phone_key(), std::string_view backend_id = phone) {
        return "BSP " + mint_peer_assertion(claims(method, target, backend_id, peer_id), key);
    }
    std::string as_user(std::string_view method, std::string_view target, std::string const& user_id) {
        return "BSP-User " + mint_user_assertion(claims(method, target, user_id, user_id), secrets.secrets.at(user_id));
    }
    std::string as_admin() const { return "Bearer " + config.admin_token; }

    answer peer_sends(std::string const& method, std::string const& target, std::string_view peer_id, std::string body = "") {
        return send(method, target, as_peer(method, target, peer_id), std::move(body));
    }
    answer user_sends(std::string const& method, std::string const& target, std::string const& user_id = "ada", std::string body = "") {
        return send(method, target, as_user(method, target, user_id), std::move(body));
    }

    // --- registration

    [[nodiscard]] sbt_claims sbt_claims_of(std::string_view user_id = "ada", std::string_view backend_id = phone) const {
        return {"sess_1", std::string{backend_id}, self.backend_id, std::string{user_id}, clock.now(), clock.now() + 8h};
    }
    [[nodiscard]] static json::object registration(json::value sbt, std::string_view backend_id = phone, rsa_private_key const& key = phone_key()) {
        return {{"backend_identity", {{"backend_id", backend_id}, {"backend_type", "local"}, {"public_key", key.public_key().pem()}, {"capabilities", {"offline"}}, {"version", "1.0"}}},
                {"sbt", std::move(sbt)}};
    }
    answer post_registration(json::object const& body) { return send("POST", "/register-peer", "", json::serialize(body)); }

    /// Registers a backend with a fresh token; gives its peer_id.
    std::string pair(std::string const& user_id = "ada", std::string_view backend_id = phone, rsa_private_key const& key = phone_key()) {
        auto const a = post_registration(registration(mint_sbt(sbt_claims_of(user_id, backend_id), secrets.secrets.at(user_id)), backend_id, key));
        BOOST_REQUIRE_MESSAGE(a.raw.status == 200, a.raw.body);
        return std::string{a.body().at("peer_id").as_string()};
    }

    // --- pushing

    [[nodiscard]] static json::object message(std::string_view id, std::int64_t version, std::string_view content = "hi", std::string_view timestamp = "2025-12-31T00:00:00Z") {
        return {{"id", id}, {"role", "user"}, {"content", content}, {"timestamp", timestamp}, {"surface", "web"}, {"source_backend", "local"}, {"version", version}};
    }
    [[nodiscard]] static json::object conversation(json::array messages, std::int64_t version = 1, std::string_view id = "main", std::string_view last_modified = "2025-12-31T00:00:00Z") {
        return {{"conversation_id", id}, {"version", version}, {"messages", std::move(messages)}, {"surfaces", {"web"}}, {"last_modified", last_modified}, {"source_backend", "local"}};
    }
    [[nodiscard]] json::object payload(json::array conversations, std::string_view sync_id = "sync_1") const {
        return {{"sync_id", sync_id}, {"timestamp", format_timestamp(clock.now())}, {"conversations", std::move(conversations)}};
    }
    answer push_signed(std::string const& peer_id, json::object body, rsa_private_key const& key = phone_key()) {
        body["signature"] = sign_object(body, key).value();
        return send("POST", "/sync/" + peer_id, "", json::serialize(body));
    }
    answer push(std::string const& peer_id, json::array conversations, std::string_view sync_id = "sync_1", rsa_private_key const& key = phone_key()) {
        return push_signed(peer_id, payload(std::move(conversations), sync_id), key);
    }

    // --- looking

    answer read(std::string const& id = "main", std::string const& user_id = "ada") { return user_sends("GET", "/conversations/" + id, user_id); }
    answer pull(std::string const& peer_id, std::string const& query = "") { return peer_sends("GET", "/sync/" + peer_id + query, peer_id); }
};

inline std::ostream& operator<<(std::ostream& out, answer const& a) { return out << a.raw.status << ' ' << a.raw.body; }

}  // namespace bsp::test
