#include "world.hpp"

#include <bsp/endpoint/telemetry_intake.hpp>

#include <string>
#include <vector>

using namespace bsp;
using namespace bsp::test;

namespace {

/// A world that is looked at.
struct observed : world {
    window_limiter limits;
    refusal_trail trail{memory};
    observe::observatory seen;
    guards watch{limits, trail, &seen};
    std::vector<std::string> told;  ///< of alerts
    int pushes = 0;

    observed() {
        env.guards = &watch;
        seen.add_sink([this](observe::alert_event const& e) { told.push_back((e.what == observe::alert_event::kind::raised ? "+" : "-") + std::string{name_of(e.alert.type)}); });
    }

    answer push_new(std::string const& peer, std::int64_t version = 1) {
        std::string const n = std::to_string(++pushes);
        return push(peer, {conversation({message("m" + n, version, "the content of m" + n)}, 1, "c" + n)}, "s" + n);
    }
    json::object metrics(std::string const& peer) { return send("GET", "/sync/metrics/" + peer, as_admin()).body().as_object(); }
    json::object look(std::string const& path) { return send("GET", path, as_admin()).body().as_object(); }
    static std::string event(int n, std::string const& more) {
        return R"({"event_id": "e)" + std::to_string(n) + R"(", "event_type": "t", "session_id": "s", "timestamp": "2025-12-31T00:00:00Z", "source_backend": "local", "metadata": {})" + more + '}';
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(observability)

// BSP-OBS-011 … BSP-OBS-023
BOOST_AUTO_TEST_CASE(metrics_are_what_was_done) {
    observed w;
    auto const a = w.pair();
    w.clock.advance(5s);
    auto m = w.metrics(a);
    BOOST_TEST(m.at("last_sync").is_null());
    BOOST_TEST(m.at("sync_lag_seconds").to_number<double>() == 5);
    BOOST_TEST(m.at("sync_success_rate").is_null());
    for (int i = 0; i < 3; ++i) BOOST_TEST(w.push_new(a).verdict() == "200");
    auto const synced = format_timestamp(w.clock.now());
    w.clock.advance(2s);
    BOOST_TEST(w.push_new(a, -1).verdict() == "422 invalid-body");
    BOOST_TEST(w.push(a, {}, "forged", other_key()).verdict() == "401 invalid-signature");
    m = w.metrics(a);
    BOOST_TEST(m.at("sync_success_rate").to_number<double>() == 0.75);
    BOOST_TEST(m.at("total_syncs").as_int64() == 3);
    BOOST_TEST(std::string{m.at("last_sync").as_string()} == synced);
    BOOST_TEST(m.at("sync_lag_seconds").to_number<double>() == 2);
    BOOST_TEST(std::string{m.at("last_error").at("type").as_string()} == "https://bsp.dev/errors/invalid-body");
    BOOST_TEST(w.pull(a).verdict() == "200");  // BSP-OBS-015
    BOOST_TEST(w.metrics(a).at("sync_lag_seconds").to_number<double>() == 0);
}

// BSP-OBS-001 … BSP-OBS-004
BOOST_AUTO_TEST_CASE(who_may_look) {
    observed w;
    auto const a = w.pair(), b = w.pair("bob", laptop, other_key());
    std::string const path = "/sync/metrics/" + a;
    BOOST_TEST(w.peer_sends("GET", path, a).verdict() == "200");
    BOOST_TEST(w.send("GET", path, w.as_peer("GET", path, b, other_key(), laptop)).verdict() == "403 forbidden");
    BOOST_TEST(w.user_sends("GET", path).verdict() == "401 credential-required");
    BOOST_TEST(w.send("GET", path).verdict() == "401 credential-required");
    for (std::string const& of_admin : {std::string{"/dashboard/telemetry"}, std::string{"/dashboard/peers"}, std::string{"/alerts"}, std::string{"/metrics"}, "/debug/sync/" + a}) {
        BOOST_TEST(w.send("GET", of_admin, w.as_admin()).verdict() == "200", of_admin);
        BOOST_TEST(w.send("GET", of_admin).raw.status == 401, of_admin);
        BOOST_TEST(w.peer_sends("GET", of_admin, a).raw.status == 401, of_admin);
    }
    BOOST_TEST(w.send("GET", "/debug/sync/peer_none", w.as_admin()).verdict() == "404 unknown-peer");
    BOOST_TEST(w.send("DELETE", "/peers/" + a, w.as_admin()).verdict() == "200");
    BOOST_TEST(w.send("GET", path, w.as_admin()).verdict() == "404 unknown-peer");
}

// BSP-OBS-021, BSP-OBS-032 … BSP-OBS-037
BOOST_AUTO_TEST_CASE(a_day_of_telemetry) {
    observed w;
    auto const a = w.pair(), b = w.pair("bob", laptop, other_key());
    endpoint::telemetry_intake intake{w.store, 1'000, &w.watch};
    std::vector<endpoint::stream_input> const in{{a, {w.event(1, R"(, "latency_ms": 100, "cost_usd": 0.25)"), w.event(2, R"(, "latency_ms": null)"), w.event(1, ""), w.event(3, R"(, "cost_usd": -1)")}, std::nullopt}};
    (void)intake.take(in, w.clock.now());
    auto d = w.look("/dashboard/telemetry");
    BOOST_TEST(d.at("total_peers").as_int64() == 2);
    BOOST_TEST(d.at("online_peers").as_int64() == 0);
    BOOST_TEST(d.at("total_events_24h").as_int64() == 2);
    BOOST_TEST(d.at("avg_latency_ms").to_number<double>() == 100);
    BOOST_TEST(d.at("total_cost_24h").to_number<double>() == 0.25);
    BOOST_TEST(d.at("top_peers_by_events").as_array().size() == 1u);
    BOOST_TEST(w.metrics(a).at("total_events").as_int64() == 2);
    w.seen.handle_stream(b, 1);
    BOOST_TEST(w.push_new(a).verdict() == "200");
    BOOST_TEST(w.look("/dashboard/telemetry").at("online_peers").as_int64() == 2);
    w.clock.advance(61s);
    BOOST_TEST(w.look("/dashboard/telemetry").at("online_peers").as_int64() == 1);
    w.clock.advance(24h);
    d = w.look("/dashboard/telemetry");
    BOOST_TEST(d.at("total_events_24h").as_int64() == 0);
    BOOST_TEST(d.at("avg_latency_ms").is_null());
    BOOST_TEST(w.metrics(a).at("total_events").as_int64() == 2);
    auto const text = w.send("GET", "/metrics", w.as_admin()).raw.body;
    for (char const* line : {"bsp_events_total{result=\"stored\"} 2\n", "bsp_events_total{result=\"repeated\"} 1\n", "bsp_events_total{result=\"rejected\"} 1\n", "bsp_pushes_total{result=\"accepted\"} 1\n", "bsp_peers 2\n"})
        BOOST_TEST(text.find(line) != std::string::npos, line);
}

// BSP-OBS-042, BSP-OBS-043, BSP-OBS-005
BOOST_AUTO_TEST_CASE(the_debug_view) {
    observed w;
    auto const a = w.pair();
    BOOST_TEST(w.push_new(a, -1).verdict() == "422 invalid-body");
    auto const got = w.send("GET", "/debug/sync/" + a, w.as_admin());
    auto d = got.body().as_object();
    BOOST_TEST(d.size() == 8u);
    BOOST_TEST(std::string{d.at("sbt_status").as_string()} == "valid");
    BOOST_TEST(d.at("sbt_expires_in").to_number<double>() == 8 * 3600);
    BOOST_TEST(d.at("recent_errors").as_array().size() == 1u);
    BOOST_TEST(got.raw.body.find("signature") == std::string::npos);
    BOOST_TEST(got.raw.body.find("the content") == std::string::npos);
    w.clock.advance(9h);
    d = w.look("/debug/sync/" + a);
    BOOST_TEST(d.at("sbt_expires_in").to_number<double>() == -3600);
    BOOST_TEST(std::string{d.at("sbt_status").as_string()} == "expired");
}

// BSP-OBS-051, BSP-OBS-054, BSP-OBS-055
BOOST_AUTO_TEST_CASE(alerts_reach_the_sinks_once) {
    observed w;
    auto const a = w.pair();
    w.clock.advance(300s);
    BOOST_TEST(w.look("/alerts").at("alerts").as_array().empty());
    w.clock.advance(1s);
    auto const raised = w.look("/alerts").at("alerts").as_array();
    BOOST_TEST(raised.size() == 1u);
    w.clock.advance(10s);
    BOOST_TEST((w.look("/alerts").at("alerts").at(0).at("raised_at") == raised.at(0).at("raised_at")));
    BOOST_TEST(w.push_new(a).verdict() == "200");
    BOOST_TEST(w.look("/alerts").at("alerts").as_array().empty());
    BOOST_TEST((w.told == std::vector<std::string>{"+sync_lag", "-sync_lag"}));
}

// BSP-GEN-108, BSP-OBS-070
BOOST_AUTO_TEST_CASE(a_store_that_fails) {
    observed w;
    (void)w.pair();
    w.clock.advance(301s);
    BOOST_TEST(w.look("/alerts").at("alerts").as_array().size() == 1u);
    w.store.fail_at(0);
    BOOST_TEST(w.send("GET", "/health").verdict() == "503 unavailable");
    BOOST_TEST(w.send("GET", "/health/ready").verdict() == "503 unavailable");
    BOOST_TEST(w.send("GET", "/health/live").verdict() == "200");
    auto const alerts = w.look("/alerts").at("alerts").as_array();
    BOOST_TEST(alerts.size() == 2u);  // what was wrong with the peer is not over
    BOOST_TEST(w.send("GET", "/metrics", w.as_admin()).raw.body.find("bsp_store_up 0\n") != std::string::npos);
    BOOST_TEST(w.send("GET", "/dashboard/telemetry", w.as_admin()).verdict() == "503 unavailable");
    w.store.never_fail();
    BOOST_TEST(w.send("GET", "/health").verdict() == "200");
    BOOST_TEST(w.look("/alerts").at("alerts").as_array().size() == 1u);
    BOOST_TEST((w.told == std::vector<std::string>{"+sync_lag", "+store_down", "-store_down"}));
}

// BSP-OBS-019
BOOST_AUTO_TEST_CASE(what_is_beyond_the_budget_is_no_attempt) {
    observed w;
    auto const a = w.pair();
    for (int i = 0; i < 105; ++i) (void)w.push_new(a);
    BOOST_TEST(w.metrics(a).at("sync_success_rate").to_number<double>() == 1);
    BOOST_TEST(w.seen.counted().of(observe::counter::pushes_refused) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
