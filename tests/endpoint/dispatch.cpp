#include "world.hpp"

#include <stdexcept>

using namespace bsp;
using namespace bsp::test;

BOOST_AUTO_TEST_SUITE(dispatching)

// BSP-GEN-004 … BSP-GEN-006
BOOST_AUTO_TEST_CASE(paths_and_methods) {
    world w;
    BOOST_TEST(w.send("GET", "/health").raw.body == R"({"status": "healthy"})");
    for (char const* nothing : {"/", "/nothing", "/health/", "//health", "/sync", "/sync/", "/health%2F", "/%zz", "health", "", "/identity/../health"})
        BOOST_TEST(w.send("GET", nothing).verdict() == "404 not-found", nothing);
    BOOST_TEST(w.send("GET", "/heal%74h?x=1").verdict() == "200");
    auto const refused = w.send("GET", "/register-peer");
    BOOST_TEST(refused.verdict() == "405 method-not-allowed");
    BOOST_TEST(refused.header("Allow") == "POST, OPTIONS");
    BOOST_TEST(w.send("PUT", "/sync/p").header("Allow") == "POST, GET, HEAD, OPTIONS");
    BOOST_TEST(w.send("get", "/health").verdict() == "405 method-not-allowed");
    auto const head = w.send("HEAD", "/identity");
    BOOST_TEST(head.raw.status == 200);
    BOOST_TEST(head.raw.body.empty());
}

// BSP-GEN-086 … BSP-GEN-089, BSP-GEN-092
BOOST_AUTO_TEST_CASE(refusals_are_problem_documents) {
    world w;
    auto const a = w.send("GET", "/conversations");
    BOOST_TEST(a.header("Content-Type") == "application/problem+json");
    BOOST_TEST(a.header("WWW-Authenticate") == "BSP, BSP-User");
    auto const body = a.body();
    BOOST_TEST(body.at("type") == "https://bsp.dev/errors/credential-required");
    BOOST_TEST(body.at("status") == 401);
    BOOST_TEST(body.at("code") == "credential-required");
    BOOST_TEST(!body.at("title").as_string().empty());
    BOOST_TEST(!body.at("detail").as_string().empty());
    for (std::size_t i = 0; i < std::size(error_rows); ++i) {
        auto const problem = json::parse(wire::encode(fail(static_cast<errc>(i), "why"))).value();
        BOOST_TEST(problem.at("status") == error_rows[i].status);
        BOOST_TEST(problem.at("detail") == "why");
    }
}

// BSP-GEN-101
BOOST_AUTO_TEST_CASE(hosts) {
    world w;
    auto const verdict = [&](http_headers headers) { return answer{handle(w.env, {.method = "GET", .target = "/health", .headers = std::move(headers), .body = "", .remote = ""}, w.clock.now())}.verdict(); };
    for (char const* good : {"localhost", "LOCALHOST:80", "127.0.0.1:8825", "[::1]", "[::1]:8825", "hosted.example", "Hosted.Example:443", "alias.example"})
        BOOST_TEST(verdict({{"Host", good}}) == "200", good);
    for (char const* bad : {"", ":80", "evil.example", "hosted.example.evil.example", "localhost.evil.example", "hosted.example:x", "[::1", "127.0.0.1.evil.example", "localhost@evil.example"})
        BOOST_TEST(verdict({{"Host", bad}}) == "421 misdirected-request", bad);
    BOOST_TEST(verdict({}) == "421 misdirected-request");
    BOOST_TEST(verdict({{"Host", "localhost"}, {"Host", "localhost"}}) == "421 misdirected-request");
}

// BSP-GEN-096 … BSP-GEN-100
BOOST_AUTO_TEST_CASE(origins) {
    world w;
    auto const send = [&](std::string method, std::string target, std::string origin) {
        return w.send({.method = std::move(method), .target = std::move(target), .headers = {{"Origin", std::move(origin)}, {"Access-Control-Request-Method", "POST"}}, .body = "", .remote = ""});
    };
    auto const listed = send("GET", "/identity", "https://ui.example");
    BOOST_TEST(listed.header("Access-Control-Allow-Origin") == "https://ui.example");
    BOOST_TEST(listed.header("Vary") == "Origin");
    BOOST_TEST(listed.header("Access-Control-Allow-Credentials") == "");
    auto const foreign = send("GET", "/identity", "https://evil.example");
    BOOST_TEST(foreign.verdict() == "200");
    BOOST_TEST(foreign.header("Access-Control-Allow-Origin") == "");
    BOOST_TEST(send("POST", "/register-peer", "https://evil.example").verdict() == "403 forbidden");
    BOOST_TEST(send("POST", "/register-peer", "null").verdict() == "403 forbidden");
    BOOST_TEST(send("POST", "/register-peer", "https://ui.example").verdict() == "400 malformed-body");
    auto const preflight = send("OPTIONS", "/register-peer", "https://ui.example");
    BOOST_TEST(preflight.verdict() == "204");
    BOOST_TEST(preflight.header("Access-Control-Allow-Methods") == "POST, OPTIONS");
    BOOST_TEST(preflight.header("Access-Control-Allow-Headers") == "Authorization, Content-Type");
    BOOST_TEST(preflight.header("Access-Control-Allow-Origin") == "https://ui.example");
    BOOST_TEST(send("OPTIONS", "/register-peer", "https://evil.example").verdict() == "403 forbidden");
    BOOST_TEST(send("OPTIONS", "/nothing", "https://ui.example").verdict() == "404 not-found");
    BOOST_TEST(w.send("OPTIONS", "/peers").header("Allow") == "GET, HEAD, OPTIONS");
}

// BSP-GEN-002, BSP-GEN-084, BSP-GEN-076
BOOST_AUTO_TEST_CASE(media_type_coding_and_size) {
    world w;
    auto const verdict = [&](http_headers headers, std::string body = "{}") { return w.send({.method = "POST", .target = "/register-peer", .headers = std::move(headers), .body = std::move(body), .remote = ""}).verdict(); };
    for (char const* good : {"application/json", "Application/JSON; charset=utf-8", "application/json ; charset=\"utf-8\""})
        BOOST_TEST(verdict({{"Content-Type", good}}) == "422 invalid-body", good);
    for (char const* bad : {"text/plain", "application/jsonx", "application/problem+json", "", "text/plain; application/json"})
        BOOST_TEST(verdict({{"Content-Type", bad}}) == "415 unsupported-media-type", bad);
    BOOST_TEST(verdict({}) == "415 unsupported-media-type");
    BOOST_TEST(verdict({{"Content-Type", "application/json"}, {"Content-Type", "application/json"}}) == "415 unsupported-media-type");
    BOOST_TEST(verdict({{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}}) == "415 unsupported-media-type");
    BOOST_TEST(verdict({{"Content-Type", "application/json"}, {"Content-Encoding", "identity"}}) == "422 invalid-body");
    w.config.body_bytes_max = 100;
    BOOST_TEST(verdict({{"Content-Type", "application/json"}}, std::string(101, ' ')) == "413 payload-too-large");
    BOOST_TEST(verdict({{"Content-Type", "application/json"}}, std::string(100, ' ')) == "400 malformed-body");
}

// BSP-GEN-105, BSP-GEN-106
BOOST_AUTO_TEST_CASE(caching_and_sniffing) {
    world w;
    BOOST_TEST(w.send("GET", "/identity").header("Cache-Control") == "no-cache");
    BOOST_TEST(w.send("GET", "/health").header("Cache-Control") == "no-store");
    BOOST_TEST(w.user_sends("GET", "/conversations").header("Cache-Control") == "no-store");
    BOOST_TEST(w.send("GET", "/conversations").header("Cache-Control") == "no-store");
    BOOST_TEST(w.send("GET", "/nothing").header("X-Content-Type-Options") == "nosniff");
}

// BSP-ID-002
BOOST_AUTO_TEST_CASE(identity_is_what_is_configured) {
    world w;
    auto const body = w.send("GET", "/identity").body();
    BOOST_TEST(body == json::value(json::object{{"backend_id", w.self.backend_id}, {"backend_type", "hosted"}, {"public_key", w.self.public_key_pem}, {"capabilities", {"persistence"}}, {"version", "1.0"}, {"created_at", "2023-11-14T22:13:20Z"}, {"epoch", w.store.epoch()}}));
}

// BSP-AUT-031: behind a base URL with a path, with or without a proxy that removes it
BOOST_AUTO_TEST_CASE(a_base_url_with_a_path) {
    world w;
    w.config.base_url = "https://hosted.example/bsp";
    BOOST_TEST(w.send("GET", "/bsp/health").verdict() == "200");
    BOOST_TEST(w.send("GET", "/health").verdict() == "200");
    BOOST_TEST(w.send("GET", "/bspx/health").verdict() == "404 not-found");
    std::string const id = w.pair();
    std::string const whole = "/bsp/sync/" + id;
    BOOST_TEST(w.send("GET", whole, w.as_peer("GET", whole, id)).verdict() == "200");
    BOOST_TEST(w.send("GET", "/sync/" + id, w.as_peer("GET", whole, id)).verdict() == "200");
    BOOST_TEST(w.send("GET", "/sync/" + id, w.as_peer("GET", "/sync/" + id, id)).verdict() == "401 invalid-credential");
}

namespace {
/// A world that breaks its promises: its randomness throws.
struct throwing_entropy {
    void fill(std::span<std::uint8_t>) { throw std::runtime_error{"/secret/path"}; }
};
}  // namespace

BOOST_AUTO_TEST_CASE(nothing_is_thrown_out_of_handle) {
    world w;
    throwing_entropy entropy;
    environment env{w.self, server_key(), w.config, w.store, entropy, w.secrets, w.replays};
    auto const body = json::serialize(world::registration(mint_sbt(w.sbt_claims_of(), w.secrets.secrets.at("ada"))));
    answer const a{handle(env, {.method = "POST", .target = "/register-peer", .headers = {{"Host", "localhost"}, {"Content-Type", "application/json"}}, .body = body, .remote = ""}, w.clock.now())};
    BOOST_TEST(a.verdict() == "500 internal");
    BOOST_TEST(a.raw.body.find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
