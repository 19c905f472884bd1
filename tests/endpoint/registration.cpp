#include "world.hpp"

#include <bsp/endpoint/register_peer.hpp>

using namespace bsp;
using namespace bsp::test;

BOOST_AUTO_TEST_SUITE(registration)

namespace {
/// What a valid token for ada's phone becomes when `change` has altered it before the MAC.
template <class F>
json::object token(world& w, F change) {
    auto claims = w.sbt_claims_of();
    change(claims);
    return mint_sbt(claims, w.secrets.secrets.at("ada"));
}
json::object token(world& w) {
    return token(w, [](sbt_claims&) {});
}
std::size_t peer_count(world& w) { return w.send("GET", "/peers", w.as_admin()).body().at("peers").as_array().size(); }
}  // namespace

// BSP-REG-001, BSP-REG-007, BSP-REG-012
BOOST_AUTO_TEST_CASE(the_answer_has_absolute_urls_from_the_configuration) {
    world w;
    http_request r{.method = "POST", .target = "/register-peer", .headers = {{"Host", "alias.example"}, {"X-Forwarded-Host", "evil.example"}, {"Content-Type", "application/json"}}, .body = json::serialize(world::registration(token(w))), .remote = ""};
    auto const a = w.send(r);
    BOOST_REQUIRE_EQUAL(a.verdict(), "200");
    auto const body = a.body();
    std::string const id{body.at("peer_id").as_string()};
    BOOST_TEST(is_produced_peer_id(id));
    BOOST_TEST(body.at("status") == "registered");
    BOOST_TEST(std::string{body.at("sync_endpoint").as_string()} == "https://hosted.example/sync/" + id);
    BOOST_TEST(std::string{body.at("telemetry_endpoint").as_string()} == "wss://hosted.example/telemetry/" + id);
    BOOST_TEST(body.at("sync_interval_ms") == 5000);
    BOOST_TEST(!body.as_object().contains("challenge_signature"));
}

// BSP-REG-019 … BSP-REG-021
BOOST_AUTO_TEST_CASE(a_challenge_is_answered_with_the_servers_signature) {
    world w;
    auto request = world::registration(token(w));
    request["challenge"] = "3q2-7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs";
    auto const body = w.post_registration(request).body();
    json::object signed_object{{"typ", "bsp-challenge"}, {"challenge", request.at("challenge")}, {"backend_id", w.self.backend_id}, {"peer_id", body.at("peer_id")}, {"challenge_signature", body.at("challenge_signature")}};
    BOOST_TEST(verify_object(signed_object, "challenge_signature", server_key().public_key(), {.typ = "bsp-challenge"}).has_value());

    request["challenge"] = "3q2-7wAB";
    BOOST_TEST(w.post_registration(request).verdict() == "422 invalid-body");
}

// BSP-REG-023 … BSP-REG-027
BOOST_AUTO_TEST_CASE(registering_again_keeps_the_peer_id) {
    world w;
    std::string const first = w.pair();
    w.clock.advance(1h);
    std::string const second = w.pair();
    BOOST_TEST(first == second);
    BOOST_TEST(peer_count(w) == 1u);

    // An older token changes nothing: the registration still ends eight hours after the newer one.
    auto const old = token(w, [](sbt_claims& c) { c.created_at = c.created_at - 2h, c.expires_at = c.expires_at - 7h; });
    BOOST_TEST(w.post_registration(world::registration(old)).verdict() == "200");
    w.clock.advance(7h + 59min);
    BOOST_TEST(w.pull(first).verdict() == "200");
    w.clock.advance(1min);
    BOOST_TEST(w.pull(first).verdict() == "401 sbt-expired");
    BOOST_TEST(w.pair() == first);  // BSP-SBT-037
    BOOST_TEST(w.pull(first).verdict() == "200");
}

BOOST_AUTO_TEST_CASE(what_the_token_must_say) {
    world w;
    auto const verdict = [&](json::object const& sbt) { return w.post_registration(world::registration(sbt)).verdict(); };
    json::object tampered = token(w);
    tampered["user_id"] = "bob";
    BOOST_TEST(verdict(tampered) == "401 invalid-sbt");
    json::object unsigned_token = token(w);
    unsigned_token.erase("signature");
    BOOST_TEST(verdict(unsigned_token) == "401 invalid-sbt");
    BOOST_TEST(verdict(token(w, [](sbt_claims& c) { c.hosted_backend_id = "hosted_sha256_other00000000000"; })) == "403 wrong-audience");
    BOOST_TEST(verdict(token(w, [](sbt_claims& c) { c.local_backend_id = laptop; })) == "403 wrong-audience");
    BOOST_TEST(verdict(token(w, [](sbt_claims& c) { c.expires_at = c.created_at + 9h; })) == "401 invalid-sbt");
    BOOST_TEST(verdict(token(w, [](sbt_claims& c) { c.created_at = c.created_at - 9h, c.expires_at = c.expires_at - 9h; })) == "401 sbt-expired");
    BOOST_TEST(verdict(token(w, [](sbt_claims& c) { c.local_key_sha256 = std::string(64, 'a'); })) == "403 wrong-audience");
    BOOST_TEST(verdict(token(w, [](sbt_claims& c) { c.hosted_key_sha256 = std::string(64, 'a'); })) == "403 wrong-audience");
    BOOST_TEST(peer_count(w) == 0u);  // BSP-REG-006
    BOOST_TEST(verdict(token(w, [](sbt_claims& c) {
                   c.local_key_sha256 = to_hex(phone_key().public_key().sha256());
                   c.hosted_key_sha256 = to_hex(server_key().public_key().sha256());
               })) == "200");
}

BOOST_AUTO_TEST_CASE(what_the_identity_must_say) {
    world w;
    auto const verdict = [&](std::string_view name, json::value value) {
        auto r = world::registration(token(w));
        r["backend_identity"].as_object()[name] = std::move(value);
        return w.post_registration(r).verdict();
    };
    BOOST_TEST(verdict("version", "2.0") == "400 unsupported-version");
    BOOST_TEST(verdict("version", "1.7") == "200");
    BOOST_TEST(verdict("version", 1) == "422 invalid-body");
    BOOST_TEST(verdict("version", "1") == "422 invalid-body");
    BOOST_TEST(verdict("version", "01.0") == "422 invalid-body");
    BOOST_TEST(verdict("backend_type", "hosted") == "422 invalid-body");
    BOOST_TEST(verdict("backend_type", "other") == "422 invalid-body");
    BOOST_TEST(verdict("public_key", "-----BEGIN PUBLIC KEY-----") == "401 invalid-key");
    BOOST_TEST(verdict("capabilities", json::object{}) == "422 invalid-body");
    BOOST_TEST(verdict("capabilities", json::array{"a", "a"}) == "422 invalid-body");
    BOOST_TEST(verdict("unknown", 1) == "200");
    auto const refused = w.post_registration([&] {
        auto r = world::registration(token(w));
        r["backend_identity"].as_object()["version"] = "2.0";
        return r;
    }());
    BOOST_TEST(refused.body().at("supported") == json::array{"1.0"});  // BSP-GEN-066
    BOOST_TEST(w.send("POST", "/register-peer", "", "[]").verdict() == "422 invalid-body");
    BOOST_TEST(w.send("POST", "/register-peer", "", "{}").verdict() == "422 invalid-body");
    BOOST_TEST(w.send("POST", "/register-peer", "", "{").verdict() == "400 malformed-body");
}

// BSP-REG-028, BSP-REG-031
BOOST_AUTO_TEST_CASE(another_key_is_a_mismatch_for_the_same_user_only) {
    world w;
    std::string const adas = w.pair();
    BOOST_TEST(w.post_registration(world::registration(token(w), phone, other_key())).verdict() == "409 key-mismatch");
    BOOST_TEST(w.pull(adas).verdict() == "200");
    std::string const bobs = w.pair("bob", phone, other_key());
    BOOST_TEST(bobs != adas);
    BOOST_TEST(w.pull(adas).verdict() == "200");
}

// BSP-REG-040 … BSP-REG-048
BOOST_AUTO_TEST_CASE(unpairing_ends_a_pairing_and_allows_a_later_one) {
    world w;
    std::string const id = w.pair();
    w.push(id, {world::conversation({world::message("m1", 1)})});
    auto const old_token = token(w, [](sbt_claims& c) { c.created_at = c.created_at - 1s; });
    BOOST_TEST(w.user_sends("DELETE", "/peers/" + id, "bob").verdict() == "404 unknown-peer");
    auto const ended = w.user_sends("DELETE", "/peers/" + id, "ada");
    BOOST_TEST(ended.verdict() == "200");
    BOOST_TEST(ended.body().at("status") == "unpaired");
    BOOST_TEST(w.user_sends("DELETE", "/peers/" + id, "ada").verdict() == "404 unknown-peer");
    BOOST_TEST(w.pull(id).verdict() == "404 unknown-peer");
    BOOST_TEST(w.push(id, {}, "sync_2").verdict() == "404 unknown-peer");
    BOOST_TEST(w.peer_sends("GET", "/conversations", id).verdict() == "401 invalid-credential");
    BOOST_TEST(w.peer_sends("DELETE", "/peers/" + id, id).verdict() == "404 unknown-peer");
    BOOST_TEST(peer_count(w) == 0u);
    BOOST_TEST(w.post_registration(world::registration(old_token)).verdict() == "401 invalid-sbt");
    w.clock.advance(1s);
    std::string const again = w.pair("ada", phone, other_key());  // with another key: nothing is pinned any more
    BOOST_TEST(again != id);
    BOOST_TEST(w.read().verdict() == "200");
}

BOOST_AUTO_TEST_CASE(a_peer_ends_its_own_registration_only) {
    world w;
    std::string const mine = w.pair(), other = w.pair("ada", laptop, other_key());
    BOOST_TEST(w.peer_sends("DELETE", "/peers/" + other, mine).verdict() == "403 forbidden");
    BOOST_TEST(w.peer_sends("DELETE", "/peers/" + mine, mine).verdict() == "200");
    BOOST_TEST(peer_count(w) == 1u);
}

// BSP-REG-049 … BSP-REG-054
BOOST_AUTO_TEST_CASE(revocation_locks_out_the_backend_and_its_key_for_all_users) {
    world w;
    std::string const adas = w.pair(), bobs = w.pair("bob", laptop, phone_key());
    auto const ended = w.send("DELETE", "/peers/" + adas, w.as_admin());
    BOOST_TEST(ended.body().at("status") == "revoked");
    BOOST_TEST(w.pull(adas).verdict() == "403 peer-revoked");
    BOOST_TEST(w.push(adas, {}).verdict() == "403 peer-revoked");
    BOOST_TEST(w.pull(bobs).verdict() == "403 peer-revoked");  // the same key
    BOOST_TEST(peer_count(w) == 0u);
    w.clock.advance(1h);
    BOOST_TEST(w.post_registration(world::registration(token(w))).verdict() == "403 peer-revoked");
    BOOST_TEST(w.post_registration(world::registration(token(w), phone, other_key())).verdict() == "403 peer-revoked");
    auto const laptop_token = token(w, [](sbt_claims& c) { c.local_backend_id = "local_sha256_00000000000000bb"; });
    BOOST_TEST(w.post_registration(world::registration(laptop_token, "local_sha256_00000000000000bb")).verdict() == "403 peer-revoked");
    BOOST_TEST(w.post_registration(world::registration(laptop_token, "local_sha256_00000000000000bb", other_key())).verdict() == "200");
    BOOST_TEST(w.send("DELETE", "/peers/" + adas, w.as_admin()).verdict() == "404 unknown-peer");
}

BOOST_AUTO_TEST_CASE(a_revocation_takes_no_more_operations_of_the_store_among_many_registrations) {
    std::size_t needed = 0;
    for (;; ++needed) {
        world w;
        std::string const adas = w.pair();
        w.store.fail_at(needed);
        if (w.send("DELETE", "/peers/" + adas, w.as_admin()).verdict() == "200") break;
    }
    world w;
    std::string const adas = w.pair();
    auto const crowd = w.memory.write([](store_writer& s) -> result<> {
        for (std::size_t i = 0; i < 2 * limits::page_items_max; ++i) {
            peer_record p;
            p.peer_id = "peer_" + std::to_string(i), p.user_id = "user " + std::to_string(i), p.backend_id = phone, p.backend_id += std::to_string(i);
            BSP_CHECK(s.put_peer(p));
        }
        return ok();
    });
    BOOST_REQUIRE(crowd.has_value());
    w.store.fail_at(needed);
    BOOST_TEST(w.send("DELETE", "/peers/" + adas, w.as_admin()).verdict() == "200");
}

// More registrations than one page of the store.
BOOST_AUTO_TEST_CASE(a_revocation_ends_every_registration_of_the_backend) {
    world w;
    std::string const adas = w.pair();
    auto const crowd = w.memory.write([](store_writer& s) -> result<> {
        for (std::size_t i = 0; i < 2 * limits::page_items_max; ++i) {
            peer_record p;
            p.peer_id = "peer_" + std::to_string(i), p.user_id = "user " + std::to_string(i), p.backend_id = phone;
            BSP_CHECK(s.put_peer(p));
        }
        return ok();
    });
    BOOST_REQUIRE(crowd.has_value());
    BOOST_TEST(w.send("DELETE", "/peers/" + adas, w.as_admin()).verdict() == "200");
    BOOST_TEST(w.memory.read([](store_reader& r) { return r.peers(std::nullopt, "", 1); }).value().empty());
}

// BSP-REG-032 … BSP-REG-037
BOOST_AUTO_TEST_CASE(the_list_of_peers_is_the_callers_own_and_has_no_signature) {
    world w;
    std::string const adas = w.pair();
    w.pair("bob", laptop, other_key());
    BOOST_TEST(w.send("GET", "/peers").verdict() == "401 credential-required");
    BOOST_TEST(w.send("GET", "/peers", "Bearer wrong").verdict() == "403 forbidden");
    BOOST_TEST(peer_count(w) == 2u);
    for (auto const& a : {w.user_sends("GET", "/peers"), w.peer_sends("GET", "/peers", adas)}) {
        auto const peers = a.body().at("peers").as_array();
        BOOST_REQUIRE_EQUAL(peers.size(), 1u);
        BOOST_TEST(std::string{peers[0].at("peer_id").as_string()} == adas);
        BOOST_TEST(std::string{peers[0].at("sbt").at("user_id").as_string()} == "ada");
        BOOST_TEST(a.raw.body.find("signature") == std::string::npos);
        BOOST_TEST(a.raw.body.find("bob") == std::string::npos);
    }
    auto const page = w.send("GET", "/peers?limit=1", w.as_admin()).body();
    auto const rest = w.send("GET", "/peers?limit=1&cursor=" + std::string{page.at("cursor").as_string()}, w.as_admin()).body();
    BOOST_TEST(page.at("peers").as_array().size() == 1u);
    BOOST_TEST(rest.at("peers").as_array().size() == 1u);
    BOOST_TEST(page.at("peers") != rest.at("peers"));
}

BOOST_AUTO_TEST_CASE(an_unset_admin_token_makes_nobody_admin) {
    world w;
    w.config.admin_token = "";
    BOOST_TEST(w.send("GET", "/peers", "Bearer ").verdict() == "403 forbidden");
    BOOST_TEST(w.send("GET", "/peers", "Bearer x").verdict() == "403 forbidden");
}

BOOST_AUTO_TEST_SUITE_END()
