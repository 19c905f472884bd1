#include "world.hpp"

#include <bsp/endpoint/telemetry_intake.hpp>

#include <string>
#include <vector>

using namespace bsp;
using namespace bsp::test;

namespace {

/// A world that is watched over.
struct watched : world {
    window_limiter limits;
    refusal_trail trail{memory};
    guards watch{limits, trail};
    std::string remote;
    int pushes = 0;

    watched() { env.guards = &watch; }

    answer push_new(std::string const& peer, rsa_private_key const& key = phone_key()) {
        std::string const n = std::to_string(++pushes);
        return push(peer, {conversation({message("m" + n, 1, "the content of m" + n)}, 1, "c" + n)}, "s" + n, key);
    }
    answer from(std::string address, std::string method, std::string target, std::string authorization = "", std::string body = "") {
        http_request r{.method = std::move(method), .target = std::move(target), .headers = {{"Host", "hosted.example"}}, .body = std::move(body), .remote = std::move(address)};
        if (!authorization.empty()) r.headers.add("Authorization", std::move(authorization));
        if (!r.body.empty()) r.headers.add("Content-Type", "application/json");
        return {handle(env, r, clock.now())};
    }
    answer audit(std::string const& query = "") { return send("GET", "/audit" + query, as_admin()); }

    /// "sync_accepted sync_rejected:stale-request*3 "
    std::string entries(std::string const& query = "?limit=500") {
        std::string out;
        auto const body = audit(query).body();
        for (auto const& e : body.at("entries").as_array()) {
            auto const& details = e.at("details").as_object();
            out += std::string{e.at("event_type").as_string()};
            if (details.contains("reason")) out += ":" + std::string{details.at("reason").as_string()};
            if (details.contains("count")) out += "*" + std::to_string(details.at("count").as_int64());
            out += ' ';
        }
        return out;
    }
    std::string everything() { return audit("?limit=500").raw.body; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(limits_and_audit)

// BSP-LIM-001, BSP-LIM-002, BSP-LIM-010 … BSP-LIM-012
BOOST_AUTO_TEST_CASE(the_hundred_and_first_push_is_refused_and_good_later) {
    watched w;
    auto const a = w.pair();
    for (int i = 0; i < 100; ++i, w.clock.advance(100ms)) BOOST_REQUIRE_EQUAL(w.push_new(a).verdict(), "200");
    auto const refused = w.push_new(a);
    BOOST_TEST(refused.verdict() == "429 rate-limited");
    BOOST_TEST(refused.header("Retry-After") == "50");
    BOOST_TEST(w.read("c101").verdict() == "404 not-found");
    BOOST_TEST(w.pull(a).verdict() == "200");
    w.clock.advance(50s);
    --w.pushes;
    BOOST_TEST(w.push_new(a).verdict() == "200");  // the same sync_id
    BOOST_TEST(w.read("c101").verdict() == "200");
}

// BSP-LIM-003, BSP-LIM-004
BOOST_AUTO_TEST_CASE(nobody_pays_for_others) {
    watched w;
    auto const a = w.pair(), b = w.pair("ada", laptop, other_key());
    for (int i = 0; i < 150; ++i) BOOST_REQUIRE_EQUAL(w.push_new(b, phone_key()).verdict(), "401 invalid-signature");
    for (int i = 0; i < 101; ++i) (void)w.push_new(a);
    BOOST_TEST(w.push_new(a).verdict() == "429 rate-limited");
    BOOST_TEST(w.push_new(b, other_key()).verdict() == "200");
}

// An invalid push of a proven peer counts: else a loop over invalid ones would cost nothing.
BOOST_AUTO_TEST_CASE(invalid_pushes_count) {
    watched w;
    auto const a = w.pair();
    for (int i = 0; i < 100; ++i) BOOST_REQUIRE_EQUAL(w.push(a, {world::conversation({world::message("m", -1)})}).verdict(), "422 invalid-body");
    BOOST_TEST(w.push_new(a).verdict() == "429 rate-limited");
}

// BSP-LIM-006, BSP-LIM-007
BOOST_AUTO_TEST_CASE(an_address_that_proves_nothing_is_stopped_and_peers_behind_it_are_not) {
    watched w;
    auto const a = w.pair();
    std::string const somewhere = "192.0.2.7", elsewhere = "192.0.2.8", body = R"({"sbt": {}})";
    for (int i = 0; i < 300; ++i) BOOST_REQUIRE_EQUAL(w.from(somewhere, "POST", "/register-peer", "", body).raw.status / 100, 4);
    for (int i = 0; i < 300; ++i) BOOST_REQUIRE_EQUAL(w.from(somewhere, "GET", "/peers", "Bearer guess").verdict(), "403 forbidden");
    BOOST_TEST(w.from(somewhere, "GET", "/peers", "Bearer guess").verdict() == "429 rate-limited");
    BOOST_TEST(w.from(somewhere, "POST", "/register-peer", "", body).verdict() == "429 rate-limited");
    BOOST_TEST(w.from(elsewhere, "GET", "/peers", "Bearer guess").verdict() == "403 forbidden");
    BOOST_TEST(w.from(somewhere, "GET", "/conversations", w.as_peer("GET", "/conversations", a)).verdict() == "200");
    BOOST_TEST(w.from(somewhere, "GET", "/identity").verdict() == "200");
    w.clock.advance(60s);
    BOOST_TEST(w.from(somewhere, "GET", "/peers", "Bearer guess").verdict() == "403 forbidden");
}

BOOST_AUTO_TEST_CASE(this_machine_is_not_limited_by_its_address) {
    watched w;
    for (char const* here : {"127.0.0.1", "::1", "127.8.8.8", "::ffff:127.0.0.1", ""})
        for (int i = 0; i < 700; ++i) BOOST_REQUIRE_EQUAL(w.from(here, "GET", "/peers", "Bearer guess").verdict(), "403 forbidden");
}

// BSP-AUD-001 … BSP-AUD-008
BOOST_AUTO_TEST_CASE(the_trail_tells_what_happened) {
    watched w;
    auto const a = w.pair();
    BOOST_TEST(w.push_new(a).verdict() == "200");
    --w.pushes;
    BOOST_TEST(w.push_new(a).verdict() == "200");
    BOOST_TEST(w.push_new(a, other_key()).verdict() == "401 invalid-signature");
    BOOST_TEST(w.push(a, {world::conversation({world::message("m", -1)})}).verdict() == "422 invalid-body");
    auto const b = w.pair("ada", laptop, other_key());
    BOOST_TEST(w.user_sends("DELETE", "/peers/" + a).verdict() == "200");
    BOOST_TEST(w.send("DELETE", "/peers/" + b, w.as_admin()).verdict() == "200");
    BOOST_TEST(w.entries() == "peer_registered sync_accepted sync_accepted sync_rejected:invalid-signature sync_rejected:invalid-body peer_registered peer_unpaired peer_revoked ");
    BOOST_TEST(w.entries("?peer_id=" + a + "&event_type=sync_accepted") == "sync_accepted sync_accepted ");
    BOOST_TEST(w.entries("?peer_id=" + b) == "peer_registered peer_revoked ");
}

BOOST_AUTO_TEST_CASE(the_trail_tells_what_was_refused) {
    watched w;
    (void)w.pair();
    auto const sbt = mint_sbt(w.sbt_claims_of(), "another secret, of nobody whatever.");
    BOOST_TEST(w.post_registration(world::registration(sbt)).verdict() == "401 invalid-sbt");
    BOOST_TEST(w.post_registration(world::registration(mint_sbt(w.sbt_claims_of(), w.secrets.secrets.at("ada")), phone, other_key())).verdict() == "409 key-mismatch");
    BOOST_TEST(w.send("GET", "/peers", "Bearer guess").verdict() == "403 forbidden");
    BOOST_TEST(w.send("GET", "/peers").verdict() == "401 credential-required");  // of nobody in particular
    BOOST_TEST(w.send("GET", "/audit").verdict() == "401 credential-required");
    BOOST_TEST(w.entries() == "peer_registered sbt_verification_failed:invalid-sbt peer_registration_rejected:key-mismatch admin_auth_failed:forbidden admin_auth_failed:credential-required ");
}

// BSP-MRG-074
BOOST_AUTO_TEST_CASE(versions_that_leap_are_in_the_trail) {
    watched w;
    auto const a = w.pair();
    constexpr std::int64_t far = std::int64_t{1} << 32;
    auto const leaps_of = [&](json::array conversations) {
        BOOST_REQUIRE_EQUAL(w.push(a, std::move(conversations), "s" + std::to_string(++w.pushes), phone_key()).verdict(), "200");
        auto const body = w.audit("?limit=500").body();
        auto const* told = body.at("entries").as_array().back().at("details").as_object().if_contains("version_leaps");
        return told ? told->as_int64() : 0;
    };
    BOOST_TEST(leaps_of({watched::conversation({watched::message("m1", 1, "x")}, 9 * far, "new")}) == 0);
    BOOST_TEST(leaps_of({watched::conversation({watched::message("m1", 1, "x")}, 1, "c")}) == 0);
    BOOST_TEST(leaps_of({watched::conversation({}, 1 + far, "c")}) == 0);
    BOOST_TEST(leaps_of({watched::conversation({}, 2 + 2 * far, "c")}) == 1);
    BOOST_TEST(leaps_of({watched::conversation({watched::message("m2", 3 + 3 * far, "x")}, 1, "c"), watched::conversation({}, 19 * far, "new")}) == 2);
}

BOOST_AUTO_TEST_CASE(events_that_are_refused_are_in_the_trail) {
    watched w;
    auto const a = w.pair();
    endpoint::telemetry_intake intake{w.store, 5, &w.watch};
    std::vector<endpoint::stream_input> const inputs{{a, std::vector<std::string>(8, "no event")}};
    (void)intake.take(inputs, w.clock.now());
    BOOST_TEST(w.entries("?peer_id=" + a) == "peer_registered telemetry_rejected:malformed-body rate_limited:rate-limited telemetry_rejected:malformed-body*4 rate_limited:rate-limited*2 ");
}

BOOST_AUTO_TEST_CASE(a_limit_is_in_the_trail_once_and_counted) {
    watched w;
    auto const a = w.pair();
    for (int i = 0; i < 110; ++i) (void)w.push_new(a);
    BOOST_TEST(w.entries("?event_type=rate_limited&peer_id=" + a) == "rate_limited:rate-limited rate_limited:rate-limited*9 ");
}

// BSP-AUD-021, BSP-AUD-022, BSP-AUD-023
BOOST_AUTO_TEST_CASE(the_trail_keeps_no_secrets_and_one_line_each) {
    watched w;
    auto const a = w.pair();
    (void)w.push_new(a);
    (void)w.push_new(a, other_key());
    (void)w.send("GET", "/audit?admin_token=a-guess-in-the-query", "Bearer a-guess-of-mine");
    auto sbt = mint_sbt(w.sbt_claims_of(), w.secrets.secrets.at("ada"));
    auto body = world::registration(sbt);
    body.at("backend_identity").at("backend_id") = "local_x\n{\"event_type\": \"peer_revoked\"}";
    (void)w.post_registration(body);
    auto const text = w.everything();
    for (std::string const& secret : {std::string{"the content"}, std::string{"a-guess"}, std::string{"\"ada\""}, w.secrets.secrets.at("ada"), w.config.admin_token, std::string{json::find_string(sbt, "signature")->c_str()}})
        BOOST_TEST(text.find(secret) == std::string::npos, secret);
    BOOST_TEST(text.find("peer_revoked") == std::string::npos);
    for (auto const& e : w.memory.read([](store_reader& r) { return r.audit({}); }).value()) BOOST_TEST(entry_line(e).find('\n') == std::string::npos);
}

// BSP-AUD-030, BSP-AUD-033 … BSP-AUD-035
BOOST_AUTO_TEST_CASE(the_trail_is_read_in_pages_by_the_administrator) {
    watched w;
    auto const a = w.pair();
    for (int i = 0; i < 4; ++i, w.clock.advance(1s)) (void)w.push_new(a);
    auto const first = w.audit("?limit=3");
    BOOST_TEST(first.body().at("entries").as_array().size() == 3u);
    std::string const cursor{first.body().at("cursor").as_string()};
    auto const second = w.audit("?limit=3&cursor=" + cursor);
    BOOST_TEST(second.body().at("entries").as_array().size() == 2u);
    BOOST_TEST(!second.body().as_object().contains("cursor"));
    BOOST_TEST(w.entries("?since=" + format_timestamp(w.clock.now() + -1s)) == "sync_accepted ");
    for (char const* query : {"?since=yesterday", "?limit=0", "?limit=501", "?cursor=x", "?event_type=none_such", "?limit=1&limit=2"}) BOOST_TEST(w.audit(query).verdict() == "400 invalid-query", query);
    BOOST_TEST(w.user_sends("GET", "/audit").verdict() == "401 credential-required");
    BOOST_TEST(w.peer_sends("GET", "/audit", a).verdict() == "401 credential-required");
    for (char const* method : {"DELETE", "POST", "PUT"}) BOOST_TEST(w.send(method, "/audit", w.as_admin()).verdict() == "405 method-not-allowed");
}

// Whoever proved nothing makes two entries a minute, however much he sends.
BOOST_AUTO_TEST_CASE(junk_does_not_grow_the_trail) {
    watched w;
    auto const a = w.pair();
    for (int i = 0; i < 2'000; ++i) {
        (void)w.send("POST", "/sync/" + a, "", R"({"sync_id": "x"})");
        (void)w.send("POST", "/sync/nobody-" + std::to_string(i), "", R"({"sync_id": "x"})");
        (void)w.send("POST", "/register-peer", "", R"({"sbt": 5})");
    }
    BOOST_TEST(w.memory.read([](store_reader& r) { return r.last_audit(); }).value()->number < 8u);
}

BOOST_AUTO_TEST_SUITE_END()
