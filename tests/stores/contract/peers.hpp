#pragma once

#include "ground.hpp"

namespace bsp::test::contract {

inline void peers_come_back_as_they_were(store_base& s) {
    auto const p = peer("peer_1");
    auto bare = peer("peer_0", "bob");
    bare.endpoints.reset();
    bare.capabilities.clear();
    bare.retired_keys.clear();
    bare.rotated_at.reset();
    must(s.write([&](store_writer& w) -> result<> {
        BSP_CHECK(w.put_peer(p));
        return w.put_peer(bare);
    }));
    must(s.read([&](store_reader& r) -> result<> {
        auto const found = must(r.peer("peer_1"));
        BOOST_REQUIRE(found.has_value());
        BOOST_TEST(found->user_id == p.user_id);
        BOOST_TEST(found->backend_id == p.backend_id);
        BOOST_TEST(found->backend_type == p.backend_type);
        BOOST_TEST(found->public_key_pem == p.public_key_pem);
        BOOST_TEST((found->key_sha256 == p.key_sha256));
        BOOST_TEST((found->retired_keys == p.retired_keys));
        BOOST_TEST((found->rotated_at == p.rotated_at));
        BOOST_TEST((must(r.peer("peer_0"))->retired_keys.empty() && !must(r.peer("peer_0"))->rotated_at));
        BOOST_TEST(found->capabilities == p.capabilities);
        BOOST_TEST(found->endpoints->telemetry_endpoint == "wss://there/telemetry");
        BOOST_TEST(found->sbt == p.sbt);
        BOOST_TEST((found->sbt_created_at == p.sbt_created_at));
        BOOST_TEST((found->sbt_expires_at == p.sbt_expires_at));
        BOOST_TEST((found->registered_at == p.registered_at));
        BOOST_TEST((found->status == peer_status::active));
        BOOST_TEST(!found->last_sync.has_value());
        BOOST_TEST(!must(r.peer("peer_0"))->endpoints.has_value());
        BOOST_TEST(must(r.registration("ada", "local_a"))->peer_id == "peer_1");
        BOOST_TEST(must(r.registration("bob", "local_a"))->peer_id == "peer_0");
        BOOST_TEST(!must(r.registration("ada", "LOCAL_A")).has_value());
        BOOST_TEST(must(r.peers(std::nullopt, "", 10)).size() == 2u);
        BOOST_TEST(must(r.peers(std::nullopt, "", 1)).at(0).peer_id == "peer_0");
        BOOST_TEST(must(r.peers(std::nullopt, "peer_0", 10)).at(0).peer_id == "peer_1");
        BOOST_TEST(must(r.peers("ada", "", 10)).size() == 1u);
        return ok();
    }));
}

inline void ended_registrations_remain_but_are_not_active(store_base& s) {
    must(s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.put_peer(peer("peer_1")));
        auto ended = peer("peer_1");
        ended.status = peer_status::unpaired;
        ended.ended_at = t0 + 1h;
        ended.total_syncs = 3;
        ended.last_sync = t0 + 1min;
        BSP_CHECK(w.put_peer(ended));
        BSP_CHECK(w.put_peer(peer("peer_2")));
        return w.put_peer(ended);  // again: the new registration stays
    }));
    must(s.read([](store_reader& r) -> result<> {
        auto const found = must(r.peer("peer_1"));
        BOOST_TEST((found->status == peer_status::unpaired));
        BOOST_TEST((found->ended_at == t0 + 1h));
        BOOST_TEST(found->total_syncs == 3);
        BOOST_TEST((found->last_sync == t0 + 1min));
        BOOST_TEST(must(r.registration("ada", "local_a"))->peer_id == "peer_2");
        BOOST_TEST(must(r.peers("ada", "", 10)).size() == 1u);
        return ok();
    }));
}

inline void those_that_say_where_they_are_are_found(store_base& s) {
    auto const put = [&](char const* peer_id, char const* user_id, bool with_endpoints, peer_status status = peer_status::active) {
        auto p = peer(peer_id, user_id, std::string{"local_"} + peer_id);
        p.status = status;
        p.endpoints.reset();
        if (with_endpoints) p.endpoints = peer_endpoints{"theirs", "https://there.example/sync", ""};
        must(s.write([&](store_writer& w) { return w.put_peer(p); }));
    };
    auto const found = [&](std::string_view after = {}, std::size_t limit = 10) {
        std::string ids;
        for (auto const& p : must(s.read([&](store_reader& r) { return r.peers_with_endpoints(after, limit); }))) {
            ids += p.peer_id;
            BOOST_TEST(p.endpoints->sync_endpoint == "https://there.example/sync");
        }
        return ids;
    };
    put("3", "ada", true), put("1", "bob", true), put("2", "ada", false), put("4", "bob", true), put("5", "cy", true, peer_status::revoked);
    BOOST_TEST(found() == "134");
    BOOST_TEST(found("1") == "34");
    BOOST_TEST(found("2", 1) == "3");
    put("3", "ada", true, peer_status::unpaired), put("4", "bob", false), put("2", "ada", true);
    BOOST_TEST(found() == "12");
    auto const undone = s.write([&](store_writer& w) -> result<> {
        auto p = peer("1", "bob", "local_1");
        p.status = peer_status::unpaired;
        BSP_CHECK(w.put_peer(p));
        return fail(errc::invalid_body, "");
    });
    BOOST_TEST(!undone.has_value());
    BOOST_TEST(found() == "12");
}

inline void registrations_are_found_by_backend_and_by_key(store_base& s) {
    auto const registered = [](char const* peer_id, char const* user_id, char const* backend_id, std::uint8_t key, peer_status status = peer_status::active) {
        auto p = peer(peer_id, user_id, backend_id);
        p.key_sha256 = {key};
        p.status = status;
        return p;
    };
    auto const found = [&](std::string_view backend_id, std::uint8_t key, std::size_t limit = 10) {
        auto all = must(s.read([&](store_reader& r) { return r.registrations_of(backend_id, {key}, limit); }));
        std::ranges::sort(all, {}, &peer_record::peer_id);
        std::string ids;
        for (auto const& p : all) ids += p.peer_id;
        return ids;
    };
    must(s.write([&](store_writer& w) -> result<> {
        BSP_CHECK(w.put_peer(registered("1", "ada", "local_a", 1)));
        BSP_CHECK(w.put_peer(registered("2", "bob", "local_a", 2)));
        BSP_CHECK(w.put_peer(registered("3", "ada", "local_b", 1)));
        BSP_CHECK(w.put_peer(registered("4", "bob", "local_b", 2)));
        return w.put_peer(registered("5", "cy", "local_a", 1, peer_status::unpaired));
    }));
    BOOST_TEST(found("local_a", 1) == "123");
    BOOST_TEST(found("local_a", 9) == "12");
    BOOST_TEST(found("local_x", 2) == "24");
    BOOST_TEST(found("local_x", 9) == "");
    BOOST_TEST(found("LOCAL_A", 9) == "");
    BOOST_TEST(found("local_a", 1, 1).size() == 1u);
    BOOST_TEST(found("local_a", 1, 2).size() == 2u);

    must(s.write([&](store_writer& w) -> result<> {
        BSP_CHECK(w.put_peer(registered("1", "ada", "local_a", 1, peer_status::revoked)));
        return w.put_peer(registered("3", "ada", "local_b", 3));  // found by its new key only
    }));
    BOOST_TEST(found("local_a", 1) == "2");
    BOOST_TEST(found("local_x", 3) == "3");

    auto const refused = s.write([&](store_writer& w) -> result<> {
        BSP_CHECK(w.put_peer(registered("2", "bob", "local_a", 2, peer_status::revoked)));
        BSP_CHECK(w.put_peer(registered("3", "ada", "local_b", 1)));
        BSP_CHECK(w.put_peer(registered("6", "eve", "local_a", 6)));
        return fail(errc::internal, "on purpose");
    });
    BOOST_TEST(!refused.has_value());
    BOOST_TEST(found("local_a", 1) == "2");
    BOOST_TEST(found("local_x", 3) == "3");
}

inline void floors_and_revocations(store_base& s) {
    must(s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.put_sbt_floor("ada", "local_a", t0));
        BSP_CHECK(w.put_sbt_floor("ada", "local_a", t0 + 1ns));
        BSP_CHECK(w.revoke("local_r", {7}, t0));
        return w.revoke("local_r", {7}, t0 + 1s);  // twice is once
    }));
    must(s.read([](store_reader& r) -> result<> {
        BOOST_TEST((must(r.sbt_floor("ada", "local_a")) == t0 + 1ns));
        BOOST_TEST(!must(r.sbt_floor("bob", "local_a")).has_value());
        BOOST_TEST(must(r.is_revoked("local_r", {1})));
        BOOST_TEST(must(r.is_revoked("local_x", {7})));
        BOOST_TEST(!must(r.is_revoked("local_x", {1})));
        return ok();
    }));
}

inline void an_assertion_is_claimed_once(store_base& s) {
    auto const claim = [&](char const* issuer, char const* jti, instant now) {
        return must(s.write([&](store_writer& w) { return w.claim_assertion(issuer, jti, t0 + 60s, now); }));
    };
    BOOST_TEST(claim("a", "1", t0));
    BOOST_TEST(!claim("a", "1", t0 + 59s));
    BOOST_TEST(claim("a", "2", t0));
    BOOST_TEST(claim("b", "1", t0));
    BOOST_TEST(!claim("b", "1", t0 + 59s));
}

}  // namespace bsp::test::contract
