#include "world.hpp"

#include <bsp/wire/rotate_key.hpp>

#include <bsp/endpoint/telemetry_intake.hpp>

using namespace bsp;
using namespace bsp::test;

namespace {

rsa_private_key const& third_key() {
    static rsa_private_key const key = rsa_private_key::generate();
    return key;
}
rsa_private_key const& fourth_key() {
    static rsa_private_key const key = rsa_private_key::generate();
    return key;
}

struct rotating_world : world {
    std::string peer = pair();

    [[nodiscard]] wire::key_rotation notice(std::chrono::nanoseconds grace = 24h) const {
        return {.peer_id = peer, .backend_id = std::string{phone}, .target_backend_id = self.backend_id, .new_public_key = {}, .rotated_at = clock.now(), .grace_expires_at = clock.now() + grace};
    }
    answer rotate(rsa_private_key const& current, rsa_private_key const& next, wire::key_rotation const& n) {
        return send("POST", "/peers/" + n.peer_id + "/rotate-key", "", json::serialize(wire::sign_key_rotation(n, current, next).value()));
    }
    answer rotate(rsa_private_key const& current, rsa_private_key const& next, std::chrono::nanoseconds grace = 24h) { return rotate(current, next, notice(grace)); }

    /// "200 200": a push, and GET /conversations.
    std::string good_for(rsa_private_key const& key) {
        std::string const first = push(peer, {}, "sync_" + std::to_string(++assertions), key).verdict();
        return first + ' ' + send("GET", "/conversations", as_peer("GET", "/conversations", peer, key)).verdict();
    }
};

std::string const yes = "200 200", no = "401 invalid-signature 401 invalid-credential";

}  // namespace

BOOST_AUTO_TEST_SUITE(rotation)

// BSP-ROT-001, BSP-ROT-030 … BSP-ROT-032
BOOST_AUTO_TEST_CASE(the_key_before_counts_until_its_grace_is_over) {
    rotating_world w;
    auto const end = w.clock.now() + 24h;
    auto const a = w.rotate(phone_key(), third_key());
    BOOST_TEST(a.body() == json::value(json::object{{"status", "rotated"}, {"peer_id", w.peer}, {"previous_key_expires_at", format_timestamp(end)}}));
    BOOST_TEST(w.good_for(third_key()) == yes);
    BOOST_TEST(w.good_for(phone_key()) == yes);
    w.clock.advance(4h);
    BOOST_TEST(w.good_for(phone_key()) == yes);
    w.clock.advance(20h - 1ns);
    w.post_registration(world::registration(mint_sbt(w.sbt_claims_of(), w.secrets.secrets.at("ada")), phone, third_key()));
    BOOST_TEST(w.good_for(phone_key()) == yes);
    w.clock.advance(1ns);
    BOOST_TEST(w.good_for(phone_key()) == no);
    BOOST_TEST(w.good_for(third_key()) == yes);
}

// BSP-ROT-033, BSP-ROT-036
BOOST_AUTO_TEST_CASE(a_grace_is_between_nothing_and_a_week) {
    rotating_world w;
    auto const capped = w.rotate(phone_key(), third_key(), 24h * 30);
    BOOST_TEST(json::view(capped.body().at("previous_key_expires_at").as_string()) == format_timestamp(w.clock.now() + 24h * 7));
    w.clock.advance(1s);
    BOOST_TEST(w.rotate(third_key(), fourth_key(), 0s).verdict() == "200");
    BOOST_TEST(w.good_for(third_key()) == no);
    BOOST_TEST(w.good_for(phone_key()) == yes);  // its own grace goes on
    w.clock.advance(1s);
    BOOST_TEST(w.rotate(fourth_key(), other_key(), -1h).verdict() == "200");
    BOOST_TEST(w.good_for(fourth_key()) == no);
}

// BSP-ROT-003, BSP-ROT-005, BSP-ROT-006, BSP-ROT-010 … BSP-ROT-013, BSP-ROT-019
BOOST_AUTO_TEST_CASE(what_is_wrong_with_a_notice_is_told) {
    rotating_world w;
    BOOST_TEST(w.rotate(third_key(), third_key()).verdict() == "401 invalid-signature");
    auto const changed = [&](auto change) {
        auto n = w.notice();
        change(n);
        return w.rotate(phone_key(), third_key(), n).verdict();
    };
    BOOST_TEST(changed([](auto& n) { n.backend_id = laptop; }) == "403 wrong-audience");
    BOOST_TEST(changed([](auto& n) { n.target_backend_id = phone; }) == "403 wrong-audience");
    BOOST_TEST(changed([](auto& n) { n.rotated_at = n.rotated_at - 301s; }) == "401 stale-request");
    BOOST_TEST(changed([](auto& n) { n.rotated_at = n.rotated_at + 301s; }) == "401 stale-request");
    BOOST_TEST(changed([](auto& n) { n.peer_id = "peer_00"; }) == "404 unknown-peer");
    BOOST_TEST(w.rotate(phone_key(), phone_key()).verdict() == "422 invalid-body");

    auto body = wire::sign_key_rotation(w.notice(), phone_key(), third_key()).value();
    auto const sent = [&](json::object const& o) { return w.send("POST", "/peers/" + w.peer + "/rotate-key", "", json::serialize(o)).verdict(); };
    auto without_proof = body;
    without_proof.erase("new_key_signature");
    BOOST_TEST(sent(without_proof) == "401 invalid-signature");
    auto other_proof = body;
    other_proof["new_key_signature"] = body.at("signature");
    BOOST_TEST(sent(other_proof) == "401 invalid-signature");
    BOOST_TEST(w.good_for(third_key()) == no);

    BOOST_TEST(sent(body) == "200");
    BOOST_TEST(sent(body) == "401 invalid-signature");  // the key that signed is not the current one any more
    BOOST_TEST(w.rotate(phone_key(), fourth_key()).verdict() == "401 invalid-signature");
    BOOST_TEST(w.rotate(third_key(), fourth_key()).verdict() == "401 stale-request");  // of the same moment
    w.clock.advance(1ns);
    BOOST_TEST(w.rotate(third_key(), fourth_key()).verdict() == "200");
}

// BSP-ROT-034, BSP-ROT-035, BSP-ROT-037
BOOST_AUTO_TEST_CASE(two_previous_keys_count_and_one_may_come_back) {
    rotating_world w;
    std::vector<rsa_private_key> const keys{phone_key(), third_key(), fourth_key(), other_key()};
    for (std::size_t i = 0; i + 1 < keys.size(); ++i) {
        BOOST_TEST(w.rotate(keys[i], keys[i + 1], 1h).verdict() == "200");
        w.clock.advance(1s);
    }
    BOOST_TEST(w.good_for(keys[0]) == no);
    for (std::size_t i = 1; i < keys.size(); ++i) BOOST_TEST(w.good_for(keys[i]) == yes);

    BOOST_TEST(w.rotate(keys[3], keys[2], 1h).verdict() == "200");
    w.clock.advance(2h);
    BOOST_TEST(w.good_for(keys[2]) == yes);
    BOOST_TEST(w.good_for(keys[3]) == no);
}

// BSP-ROT-050 … BSP-ROT-053, BSP-ROT-014
BOOST_AUTO_TEST_CASE(the_registration_stays_and_is_held_to_the_new_key) {
    rotating_world w;
    BOOST_TEST(w.rotate(phone_key(), third_key()).verdict() == "200");
    auto const again = [&](rsa_private_key const& key) { return w.post_registration(world::registration(mint_sbt(w.sbt_claims_of(), w.secrets.secrets.at("ada")), phone, key)); };
    BOOST_TEST(again(phone_key()).verdict() == "409 key-mismatch");
    BOOST_TEST(json::view(again(third_key()).body().at("peer_id").as_string()) == w.peer);
    auto const list = w.send("GET", "/peers", w.as_admin()).body();
    BOOST_TEST(json::view(list.at("peers").as_array().at(0).at("public_key").as_string()) == third_key().public_key().pem());

    w.clock.advance(9h);  // the token has expired
    BOOST_TEST(w.good_for(third_key()) == "401 sbt-expired 401 sbt-expired");
    BOOST_TEST(w.rotate(third_key(), fourth_key()).verdict() == "200");
    again(fourth_key());
    BOOST_TEST(w.good_for(fourth_key()) == yes);
}

// BSP-ROT-015, BSP-ROT-054, BSP-ROT-060: who shares a key, and what becomes of it.
BOOST_AUTO_TEST_CASE(keys_are_revoked_wherever_they_are) {
    rotating_world w;
    auto const of_bob = w.pair("bob");                      // the same backend and key
    auto const sister = w.pair("ada", laptop, third_key());  // the key that is to come
    BOOST_TEST(w.rotate(phone_key(), third_key()).verdict() == "200");
    BOOST_TEST(w.push(of_bob, {}, "s", phone_key()).verdict() == "200");
    BOOST_TEST(w.push(of_bob, {}, "s", third_key()).verdict() == "401 invalid-signature");
    BOOST_TEST(w.good_for(phone_key()) == yes);

    // Somebody else with the first key is revoked: it is no key of this peer any more, whose own is another one.
    auto const elsewhere = w.pair("bob", "local_sha256_00000000000000bb", phone_key());
    BOOST_TEST(w.send("DELETE", "/peers/" + elsewhere, w.as_admin()).verdict() == "200");
    BOOST_TEST(w.good_for(phone_key()) == no);
    BOOST_TEST(w.good_for(third_key()) == yes);
    BOOST_TEST(w.push(of_bob, {}, "s2", phone_key()).verdict() == "403 peer-revoked");
    w.clock.advance(1s);
    BOOST_TEST(w.rotate(third_key(), phone_key()).verdict() == "403 peer-revoked");

    BOOST_TEST(w.rotate(third_key(), fourth_key()).verdict() == "200");
    BOOST_TEST(w.send("DELETE", "/peers/" + w.peer, w.as_admin()).verdict() == "200");
    BOOST_TEST(w.push(sister, {}, "s3", third_key()).verdict() == "403 peer-revoked");  // it was a key of the revoked peer
    BOOST_TEST(w.rotate(fourth_key(), other_key()).verdict() == "403 peer-revoked");
}

// BSP-ROT-038, BSP-ROT-039
BOOST_AUTO_TEST_CASE(a_stream_ends_with_the_key_that_opened_it) {
    rotating_world w;
    endpoint::telemetry_intake intake{w.store};
    std::vector<endpoint::stream_owner> const owners{{w.peer, phone_key().public_key().sha256()}, {w.peer, third_key().public_key().sha256()}};
    BOOST_TEST(!intake.judge(owners, w.clock.now()).at(0).has_value());
    BOOST_TEST(w.rotate(phone_key(), third_key(), 1h).verdict() == "200");
    auto const within = intake.judge(owners, w.clock.now());
    BOOST_TEST(!within.at(0).has_value());
    BOOST_TEST(!within.at(1).has_value());
    w.clock.advance(1h);
    auto const after = intake.judge(owners, w.clock.now());
    BOOST_REQUIRE(after.at(0).has_value());
    BOOST_TEST((after.at(0)->code == endpoint::close_code::policy));
    BOOST_TEST(!after.at(1).has_value());
}

BOOST_AUTO_TEST_CASE(a_rotation_is_in_the_trail) {
    rotating_world w;
    BOOST_TEST(w.rotate(phone_key(), third_key()).verdict() == "200");
    auto const trail = w.memory.read([](store_reader& r) { return r.audit({.type = audit_type::key_rotated}); });
    BOOST_REQUIRE(trail);
    BOOST_REQUIRE(trail->size() == 1u);
    BOOST_TEST(trail->front().peer_id == w.peer);
}

BOOST_AUTO_TEST_SUITE_END()
