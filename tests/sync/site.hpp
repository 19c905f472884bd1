#pragma once

#include <bsp/adapters/memory_replay_guard.hpp>
#include <bsp/endpoint/dispatch.hpp>
#include <bsp/sync/scheduler.hpp>
#include <bsp/testing/counting_entropy.hpp>
#include <bsp/testing/failing_store.hpp>
#include <bsp/testing/map_secret_book.hpp>
#include <bsp/testing/memory_ledger.hpp>
#include <bsp/testing/memory_store.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Whole backends in memory: what they serve, and the client side that runs on the same store.
namespace bsp::test {

using namespace std::chrono_literals;
using sync::moment;

inline constexpr instant noon{1'767'139'200, 0};  ///< 2025-12-31T00:00:00Z

inline moment at(std::chrono::nanoseconds steady) { return {noon + steady, steady}; }

/// Keys are real, and made once.
inline rsa_private_key const& key_number(std::size_t n) {
    static std::array<rsa_private_key, 3> const keys{rsa_private_key::generate(), rsa_private_key::generate(), rsa_private_key::generate()};
    return keys.at(n);
}

inline constexpr std::string_view user = "ada", secret = "secret of ada, thirty-two bytes.";

struct site {
    std::string name;  ///< "a", "b", "hosted"
    rsa_private_key const& key;
    identity self;
    settings config;
    testing::map_secret_book secrets{{{std::string{user}, std::string{secret}}}};
    std::unique_ptr<testing::memory_store> memory = std::make_unique<testing::memory_store>("epoch of " + name);
    testing::memory_ledger ledger;
    testing::counting_entropy entropy;
    std::unique_ptr<memory_replay_guard> replays = std::make_unique<memory_replay_guard>();
    std::unique_ptr<sync::scheduler> client;  ///< while it runs
    int assertions = 0;

    site(std::string n, std::string type, std::size_t key_index)
        : name{std::move(n)},
          key{key_number(key_index)},
          self{type + "_sha256_" + std::string(15, '0') + std::to_string(key_index), type, key.public_key().pem(), "1.0", {}, noon},
          config{.base_url = "https://" + name + ".example", .admin_token = "", .allowed_hosts = {}, .allowed_origins = {}, .allowed_peers = {"https://hosted.example"}} {}

    // --- as a server

    http_response serve(http_request const& request, instant now) {
        environment env{self, key, config, *memory, entropy, secrets, *replays};
        return handle(env, request, now);
    }

    http_response user_sends(std::string const& method, std::string const& target, instant now, std::string body = "") {
        assertion_claims const claims{.iss = {}, .sub = std::string{user}, .aud = self.backend_id, .jti = "jti-" + std::to_string(++assertions), .htm = method, .htu = target, .iat = now.seconds, .exp = now.seconds + 60};
        http_request r{.method = method, .target = target, .headers = {{"Host", name + ".example"}, {"Authorization", "BSP-User " + mint_user_assertion(claims, secret)}}, .body = std::move(body), .remote = ""};
        if (!r.body.empty()) r.headers.add("Content-Type", "application/json");
        return serve(r, now);
    }

    int write(std::string const& conversation, std::string const& id, std::string const& content, instant now) {
        json::object const body{{"id", id}, {"role", "user"}, {"content", content}, {"surface", "web"}};
        return user_sends("POST", "/conversations/" + conversation + "/messages", now, json::serialize(body)).status;
    }
    int erase(std::string const& conversation, std::string const& id, instant now) { return user_sends("DELETE", "/conversations/" + conversation + "/messages/" + id, now).status; }
    int erase(std::string const& conversation, instant now) { return user_sends("DELETE", "/conversations/" + conversation, now).status; }

    // --- as a client

    [[nodiscard]] sync::own_backend own() {
        return {self, key, config, *memory, ledger, [this](std::span<std::uint8_t> out) { entropy.fill(out); }};
    }

    /// Starts the client side anew, as after a crash: what was not durable is forgotten.
    void start() {
        client = std::make_unique<sync::scheduler>(own());
        memory->on_commit([this] {
            if (client) client->handle_commit();
        });
    }
    void stop() { client.reset(); }

    [[nodiscard]] sync::session& session() { return *client->find("peer_hosted"); }
    [[nodiscard]] peer_progress progress() { return ledger.progress("peer_hosted").value().value_or(peer_progress{}); }

    void put(peer_record const& peer) {
        BOOST_REQUIRE(memory->write([&](store_writer& w) { return w.put_peer(peer); }));
    }

    // --- looking

    /// What is alive: conversation → its members, surfaces and messages, as text.
    [[nodiscard]] std::map<std::string, std::string> state() {
        std::map<std::string, std::string> all;
        auto const read = memory->read([&](store_reader& r) -> result<> {
            auto& mine = r.tenant(user);
            BSP_TRY(auto const heads, mine.heads("", 1'000));
            for (auto const& head : heads) {
                if (head.scalars.deleted) continue;
                std::string& text = all[head.conversation_id];
                text = json::canonicalize(wire::emitted_scalars(head), {}).value();
                for (auto const& s : head.surfaces) text += ' ' + s;
                BSP_CHECK(endpoint::for_each_message(mine, head.conversation_id, [&](merge::message const& m) { text += '\n' + m.body; }));
            }
            return ok();
        });
        BOOST_REQUIRE(read);
        return all;
    }

    [[nodiscard]] std::optional<merge::message> message(std::string const& conversation, std::string const& id) {
        auto found = memory->read([&](store_reader& r) { return r.tenant(user).messages(conversation, std::span{&id, 1}); });
        BOOST_REQUIRE(found);
        return found->empty() ? std::nullopt : std::optional{found->front()};
    }
};

/// The registration of `peer` at `here`.
inline peer_record registration_of(site const& peer, std::string peer_id) {
    peer_record p;
    p.peer_id = std::move(peer_id);
    p.user_id = user;
    p.backend_id = peer.self.backend_id;
    p.backend_type = peer.self.backend_type;
    p.public_key_pem = peer.self.public_key_pem;
    p.key_sha256 = peer.key.public_key().sha256();
    p.sbt = "{}";
    p.sbt_created_at = noon;
    p.sbt_expires_at = noon + 24h * 365;
    p.registered_at = noon;
    return p;
}

/// What `local` knows of `hosted`, at which it is registered as "peer_NAME".
inline peer_record hosted_as_seen_by(site const& local, site const& hosted) {
    peer_record p = registration_of(hosted, "peer_hosted");
    p.endpoints = peer_endpoints{"peer_" + local.name, hosted.config.base_url + "/sync/peer_" + local.name, "wss://hosted.example/telemetry/peer_" + local.name};
    return p;
}

inline void pair(site& local, site& hosted) {
    hosted.put(registration_of(local, "peer_" + local.name));
    local.put(hosted_as_seen_by(local, hosted));
}

}  // namespace bsp::test
