#include "network.hpp"

#include <algorithm>
#include <string>

/// A client that gives itself another key, and peers that hear of it at once, late, twice or never.

using namespace bsp;
using namespace bsp::test;

namespace {

struct rotating_lab {
    site a{"a", "local", 0}, hosted{"hosted", "hosted", 2};
    network net;
    std::function<std::optional<http_response>(http_request const&)> on_notice;  ///< nothing: as the real backend does

    explicit rotating_lab(std::uint64_t seed = 1) : net{seed} {
        net.now_it_is.delay_max = 1ms;
        net.add(a), net.add(hosted);
        pair(a, hosted);
        net.script = [this](site&, http_request const& r) -> std::optional<http_response> {
            return r.target.ends_with("/rotate-key") && on_notice ? on_notice(r) : std::nullopt;
        };
        a.start();
        net.run_for(7s);
    }

    void rotate(std::chrono::nanoseconds grace) { a.client->handle_key(key_number(1), sync::replaced_key{key_number(0), net.now().wall + grace}); }

    [[nodiscard]] std::size_t notices() const { return net.count("a", "POST /peers/peer_a/rotate-key"); }
    [[nodiscard]] std::size_t pushes() const { return net.count("a", "POST /sync/"); }
    void write(std::string const& id) { BOOST_REQUIRE(a.write("main", id, "hi", net.now().wall) == 201); }
    [[nodiscard]] bool arrived(std::string const& id) { return hosted.message("main", id).has_value(); }
    [[nodiscard]] bool hosted_has_new_key() {
        return hosted.memory->read([](store_reader& r) { return r.peer("peer_a"); }).value()->key_sha256 == key_number(1).public_key().sha256();
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(client_rotation)

// BSP-ROT-070, BSP-ROT-072
BOOST_AUTO_TEST_CASE(a_peer_is_told_once_and_sync_goes_on) {
    for (auto const grace : {std::chrono::nanoseconds{24h}, std::chrono::nanoseconds{0}}) {
        rotating_lab l;
        l.write("before");
        l.rotate(grace);
        BOOST_TEST(!l.a.client->everybody_knows_key());
        l.write("meanwhile");
        l.net.run_for(2s);
        BOOST_TEST(l.hosted_has_new_key());
        BOOST_TEST(l.a.client->everybody_knows_key());
        BOOST_TEST(l.notices() == 1u);
        l.a.client->handle_key(key_number(1), {});  // the old key is gone
        l.write("after");
        l.net.run_for(2s);
        for (char const* id : {"before", "meanwhile", "after"}) BOOST_TEST(l.arrived(id), id);
        BOOST_TEST(l.a.progress().counters.pushes_failed == 0);
        BOOST_TEST(l.a.progress().counters.pulls_failed == 0);
    }
}

// BSP-ROT-074: the answer is lost, the notice is not.
BOOST_AUTO_TEST_CASE(a_lost_answer_is_asked_after) {
    rotating_lab l;
    l.on_notice = [&](http_request const& r) {
        BOOST_TEST(l.hosted.serve(r, l.net.now().wall).status == 200);
        return std::optional{http_response{.status = 503, .headers = {}, .body = ""}};
    };
    l.rotate(0s);
    l.write("meanwhile");
    l.net.run_for(5s);
    BOOST_TEST(l.a.client->everybody_knows_key());
    BOOST_TEST(l.notices() == 1u);
    BOOST_TEST(l.arrived("meanwhile"));
    BOOST_TEST(l.a.progress().counters.pushes_failed == 0);
}

// BSP-ROT-071, BSP-ROT-072: as long as the notice is refused, the key before is the one that counts.
BOOST_AUTO_TEST_CASE(who_does_not_take_the_notice_is_served_with_the_old_key) {
    rotating_lab l;
    l.on_notice = [](http_request const&) { return std::optional{http_response{.status = 404, .headers = {}, .body = R"({"code": "not-found"})"}}; };
    l.rotate(24h);
    for (int i = 0; i < 5; ++i) {
        l.write("m" + std::to_string(i));
        l.net.run_for(10s);
        BOOST_TEST(l.arrived("m" + std::to_string(i)));
    }
    BOOST_TEST(!l.a.client->everybody_knows_key());
    BOOST_TEST(l.notices() >= 3u);
    BOOST_TEST(l.notices() <= 7u);  // with growing delays

    l.on_notice = {};
    l.net.run_for(70s);
    BOOST_TEST(l.a.client->everybody_knows_key());
    l.write("last");
    l.net.run_for(2s);
    BOOST_TEST(l.arrived("last"));
}

// BSP-ROT-070: it outlives the process, and the outage of the peer.
BOOST_AUTO_TEST_CASE(a_rotation_outlives_restarts) {
    rotating_lab l;
    l.net.down.insert("hosted");
    l.rotate(24h);
    l.write("offline");
    l.net.run_for(60s);
    l.net.restart(l.a);
    l.rotate(24h);  // as the installation says
    l.net.run_for(30s);
    l.net.down.clear();
    l.net.run_for(30s);
    BOOST_TEST(l.hosted_has_new_key());
    BOOST_TEST(l.arrived("offline"));
    BOOST_TEST(l.a.client->everybody_knows_key());

    auto const told = l.notices();
    l.net.restart(l.a);  // before the old key was destroyed: what was told is not told again
    l.rotate(24h);
    l.net.run_for(10s);
    BOOST_TEST(l.notices() == told);
    BOOST_TEST(l.a.client->everybody_knows_key());
}

BOOST_AUTO_TEST_CASE(it_arrives_in_any_weather) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        rotating_lab l{seed};
        l.net.now_it_is = {.lost = 20, .refused = 10, .doubled = 10, .delay_max = 50ms};
        l.write("before");
        l.rotate(seed % 2 == 0 ? std::chrono::nanoseconds{0} : std::chrono::nanoseconds{1h});
        l.net.run_for(3min);
        l.net.now_it_is = {};
        l.write("after");
        l.net.run_for(8min);
        BOOST_TEST(l.hosted_has_new_key(), "seed " << seed);
        BOOST_TEST(l.a.client->everybody_knows_key(), "seed " << seed);
        BOOST_TEST(l.arrived("before"), "seed " << seed);
        BOOST_TEST(l.arrived("after"), "seed " << seed);
    }
}

BOOST_AUTO_TEST_SUITE_END()
