#include <bsp/observe/alert_rules.hpp>
#include <bsp/observe/counters.hpp>
#include <bsp/observe/summary.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace bsp;
using namespace std::chrono_literals;

namespace {

constexpr instant t0{1'767'139'200, 0};

observe::peer_view view(std::string id) {
    observe::peer_view v;
    v.peer.peer_id = std::move(id);
    v.peer.registered_at = t0;
    return v;
}

/// "sync_lag p1 301, …"
std::string troubles(observe::peer_view const& v, instant now, observe::surroundings const& around = {}) {
    std::string all;
    for (auto const& t : observe::troubles_of({&v, 1}, around, now)) all += std::string{name_of(t.type)} + ' ' + t.peer_id + ' ' + json::decimal(t.value) + ';';
    return all;
}

/// "raised sync_lag p1 at 0;cleared …"
std::string events(observe::alert_book& book) {
    std::string all;
    while (auto const e = book.poll_event())
        all += std::string{e->what == observe::alert_event::kind::raised ? "raised " : "cleared "} + std::string{name_of(e->alert.type)} + ' ' + e->alert.peer_id + ' ' + std::to_string(e->at.seconds - t0.seconds) + ';';
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(alerts)

// BSP-OBS-051, BSP-OBS-056: bounds are exclusive
BOOST_AUTO_TEST_CASE(bounds_are_exclusive) {
    auto v = view("p1");
    BOOST_TEST(troubles(v, t0 + 300s) == "");
    BOOST_TEST(troubles(v, t0 + 300s + 500ms) == "sync_lag p1 300.5;");
    v.client.last_success = t0 + 200s;
    BOOST_TEST(troubles(v, t0 + 400s) == "");
    v.client.queued = 1'000;
    v.client.oldest = t0 + 100s;
    BOOST_TEST(troubles(v, t0 + 400s) == "");
    v.client.queued = 1'001;
    BOOST_TEST(troubles(v, t0 + 401s) == "queue_depth p1 1001;queue_age p1 301;");
    v.client = {};
    v.seen.pull = t0;
    v.seen.skew = -60.0;
    BOOST_TEST(troubles(v, t0) == "");
    v.seen.skew = -60.5;
    BOOST_TEST(troubles(v, t0) == "clock_skew p1 60.5;");
}

// BSP-OBS-052, BSP-OBS-053
BOOST_AUTO_TEST_CASE(a_rate_is_judged_from_ten_attempts_on) {
    auto v = view("p1");
    for (int i = 0; i < 9; ++i) v.counted.note_failure("invalid-body", t0);
    BOOST_TEST(troubles(v, t0) == "");
    v.counted.note_success();
    BOOST_TEST(troubles(v, t0) == "success_rate p1 0.1;");
    v.counted = {};
    v.counted.note_failure("invalid-body", t0);
    for (int i = 0; i < 9; ++i) v.counted.note_success();
    BOOST_TEST(troubles(v, t0) == "");  // 0.9
    v.client.attempts = 1;
    BOOST_TEST(troubles(v, t0) == "success_rate p1 0.8181818181818182;");
}

BOOST_AUTO_TEST_CASE(the_backend_itself_may_be_in_trouble) {
    auto const v = view("p1");
    BOOST_TEST(troubles(v, t0, {.store_answers = true, .free_bytes = 104'857'600.0}) == "");
    BOOST_TEST(troubles(v, t0, {.store_answers = false, .free_bytes = 104'857'599.0}) == "disk_space  104857599;store_down  1;");
}

// BSP-OBS-054, BSP-OBS-055
BOOST_AUTO_TEST_CASE(an_alert_begins_once_and_ends_once) {
    observe::alert_book book;
    std::vector<observe::trouble> now{{wire::alert_type::sync_lag, "p1", 301, 300}};
    book.handle_troubles(now, t0);
    BOOST_TEST(events(book) == "raised sync_lag p1 0;");
    now[0].value = 302;
    now.push_back({wire::alert_type::sync_lag, "p2", 500, 300});
    book.handle_troubles(now, t0 + 1s);
    BOOST_TEST(events(book) == "raised sync_lag p2 1;");
    BOOST_TEST(book.standing().size() == 2u);
    BOOST_TEST((book.standing()[0].raised_at == t0));
    BOOST_TEST(book.standing()[0].value == 302);
    book.handle_troubles({}, t0 + 2s);
    BOOST_TEST(events(book) == "cleared sync_lag p1 2;cleared sync_lag p2 2;");
    book.handle_troubles({}, t0 + 3s);
    BOOST_TEST(events(book) == "");
    now.resize(1);
    book.handle_troubles(now, t0 + 4s);
    BOOST_TEST(events(book) == "raised sync_lag p1 4;");
    BOOST_TEST((book.standing()[0].raised_at == t0 + 4s));
}

BOOST_AUTO_TEST_CASE(statistics_keep_the_last_hundred_attempts_and_ten_errors) {
    peer_statistics s;
    for (int i = 0; i < 60; ++i) s.note_failure("e" + std::to_string(i), t0 + std::chrono::seconds{i});
    for (int i = 0; i < 90; ++i) s.note_success();
    BOOST_TEST(s.attempts() == 100);
    BOOST_TEST(s.successes() == 90);
    BOOST_TEST(s.errors.size() == 10u);
    BOOST_TEST(s.errors.front().code == "e59");
    BOOST_TEST(s.errors.back().code == "e50");
}

// BSP-OBS-035 … BSP-OBS-037
BOOST_AUTO_TEST_CASE(a_summary_lists_the_ten_busiest_that_are_active) {
    BOOST_TEST(wire::encode(observe::summary_of({}, {}, 0)) ==
               R"({"total_peers": 0, "online_peers": 0, "total_events_24h": 0, "avg_latency_ms": null, "total_cost_24h": 0, "top_peers_by_events": []})");
    std::vector<peer_telemetry> day;
    std::set<std::string, std::less<>> active;
    for (int i = 1; i <= 12; ++i) {
        day.push_back({"p" + std::to_string(i), i, 1, 100.0 * i, 0.5});
        if (i != 12) active.insert("p" + std::to_string(i));
    }
    auto const s = observe::summary_of(day, active, 3);
    BOOST_TEST(s.total_peers == 11);
    BOOST_TEST(s.total_events_24h == 78);
    BOOST_TEST(*s.avg_latency_ms == 650.0);
    BOOST_TEST(s.total_cost_24h == 6.0);
    BOOST_TEST(s.top_peers_by_events.size() == 10u);
    BOOST_TEST(s.top_peers_by_events.front().peer_id == "p11");
    BOOST_TEST(s.top_peers_by_events.back().peer_id == "p2");
}

BOOST_AUTO_TEST_CASE(labels_are_escaped) {
    BOOST_TEST(observe::labels_of({{"a", "x\"y\\z\nw"}, {"b", "1"}}) == "{a=\"x\\\"y\\\\z\\nw\",b=\"1\"}");
    BOOST_TEST(observe::labels_of({}) == "");
}

BOOST_AUTO_TEST_CASE(counters_are_written_by_name) {
    observe::counters c;
    c.add(observe::counter::pushes_refused, 3);
    c.add_request("BREW", "/health", 405);
    c.add_duration(3ms);
    std::vector<observe::family> all;
    c.write_to(all);
    std::string const text = observe::exposition(all);
    for (char const* line : {"# TYPE bsp_pushes_total counter\nbsp_pushes_total{result=\"accepted\"} 0\nbsp_pushes_total{result=\"refused\"} 3\n",
                             "bsp_http_requests_total{method=\"other\",route=\"/health\",status=\"405\"} 1\n", "bsp_http_request_duration_seconds_bucket{le=\"0.0025\"} 0\n",
                             "bsp_http_request_duration_seconds_bucket{le=\"0.005\"} 1\n", "bsp_http_request_duration_seconds_count 1\n"})
        BOOST_TEST(text.find(line) != std::string::npos, line);
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_again) {
    wire::sync_metrics const m{"p1", "local_1", t0, 3.25, 7, 0.5, wire::noted_error{"invalid-body", t0}, 2, 9};
    auto const v = json::parse(wire::encode(m)).value();
    auto const back = wire::decode_sync_metrics(json::fields{v.get_object()}).value();
    BOOST_TEST(wire::encode(back) == wire::encode(m));
    wire::alert const a{wire::alert_type::disk_space, "", 1, 2, t0};
    auto const w = json::parse(wire::encode(std::vector{a})).value();
    BOOST_TEST((wire::decode_alerts(json::fields{w.get_object()}).value() == std::vector{a}));
}

BOOST_AUTO_TEST_SUITE_END()
