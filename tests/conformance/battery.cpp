#include "conformance/battery/battery.hpp"
#include "conformance/report/events.hpp"
#include "conformance/report/reading.hpp"
#include "conformance/runner.hpp"
#include "conformance/surroundings.hpp"

#include <bsp/json/c14n.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <sstream>

using namespace bsp::conformance;
namespace json = bsp::json;

namespace {

/// Requests to /bad are wrong in two ways, one to /good is right.
void besiege(scenario& s) {
    battery::siege to{s, "test requests"};
    for (auto const* what : {"wrong here", "wrong there"})
        to.add(what, "BSP-AUT-001", [&s](battery::dice& d) -> std::optional<battery::attempt> {
            return battery::attempt{{"GET", s.target_path("/bad?" + std::to_string(d.below(1'000))), {}, {}, {}}, "a number", "-"};
        });
    to.between([&s] { s.control(s.nobody().get("/good"), "a right request"); });
    to.run();
}

struct outcome_of_siege {
    record found;
    std::string terminal, html, markdown;
};

outcome_of_siege against(int status_of_the_bad, int status_of_the_good = 200) {
    static check const what{"test/siege", "nobody gets in", {"BSP-AUT-001"}, "i", "c", besiege};
    auto const t = in_process([=](bsp::http_request const& r, bsp::instant) {
        bool const bad = r.target.starts_with("/bad");
        return bsp::http_response{bad ? status_of_the_bad : r.target == "/good" ? status_of_the_good : 200, {}, R"({"backend_id":"hosted_sha256_0123456789abcdef","backend_type":"hosted","version":"1.0"})"};
    });
    surroundings world{*t, {{{"ada", "pairing-secret-of-ada-0123456789"}}, {}, 42, std::chrono::milliseconds{500}, {}, {}}};
    world.battery = 600;  // of which this kind of request has its share
    world.patience_ms = 0;
    auto const look = probe(world);
    std::vector<registered_check> const selected{{&what, profile::sec, "battery", 0}};
    std::ostringstream terminal, html, markdown;
    std::vector<std::unique_ptr<report>> all;
    all.push_back(terminal_report(terminal, false, false));
    all.push_back(html_report(html));
    all.push_back(markdown_report(markdown));
    auto const take = [&](json::object const& e) {
        for (auto& r : all) r->take(e);
    };
    take(run_started(world, look, selected, {}, "2026-01-02T03:04:05Z"));
    auto result = run(world, selected, {}, {[](auto const&) {}, [&](judged const& j) { take(check_finished(world, j, {"http://x", {}})); }});
    take(run_finished(world, result, std::chrono::milliseconds{1}));
    return {std::move(result.checks.front().record), terminal.str(), html.str(), markdown.str()};
}

bool says(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(suite_battery)

BOOST_AUTO_TEST_CASE(who_lets_nobody_in_passes_and_the_reports_count) {
    auto const o = against(401);
    BOOST_TEST((o.found.behaviour == verdict::pass));
    BOOST_REQUIRE(o.found.battery.size() == 2u);
    BOOST_TEST(o.found.battery[0].tried + o.found.battery[1].tried == 100u);
    for (auto const* text : {&o.terminal, &o.html, &o.markdown}) {
        BOOST_TEST(says(*text, "100 near-valid requests, each wrong in one way"));
        BOOST_TEST(says(*text, "0 let in"));
        BOOST_TEST(says(*text, "test requests"));
    }
    BOOST_TEST(says(o.html, "wrong here"));
}

BOOST_AUTO_TEST_CASE(who_lets_somebody_in_fails_and_is_told_how_often) {
    auto const o = against(200);
    BOOST_TEST((o.found.behaviour == verdict::fail));
    BOOST_TEST(o.found.battery.at(0).let_in == o.found.battery.at(0).tried);
    BOOST_REQUIRE(o.found.failure.has_value());
    BOOST_TEST(says(o.found.failure->actual, "100 were"));
    BOOST_TEST(says(o.terminal, "100 let in"));
}

BOOST_AUTO_TEST_CASE(who_refuses_everything_or_answers_nothing_proves_nothing) {
    BOOST_TEST((against(401, 401).found.behaviour == verdict::inconclusive));
    BOOST_TEST((against(429).found.behaviour == verdict::inconclusive));
    auto const o = against(500);
    BOOST_TEST(o.found.battery.empty());
    BOOST_TEST((o.found.behaviour == verdict::inconclusive));
}

BOOST_AUTO_TEST_CASE(what_is_nearly_right_is_wrong) {
    battery::dice d{7};
    json::object const signed_object{{"a", "caf\u00e9"}, {"b", json::object{{"n", 1}, {"list", {1, 2}}}}, {"signature", "x"}};
    auto const right = json::canonicalize(signed_object, {"signature"}).value();
    std::string how;
    for (int i = 0; i < 500; ++i) {
        BOOST_TEST(battery::nearly("peer_1", d) != "peer_1");
        BOOST_TEST((battery::flipped({1, 2, 3}, d) != bsp::bytes{1, 2, 3}));
        BOOST_TEST((battery::spoilt({1, 2, 3}, d, how) != bsp::bytes{1, 2, 3}));
        BOOST_TEST(battery::other_canonical_form(signed_object, {"signature"}, d, how) != right);
        auto changed = signed_object;
        if (battery::tamper(changed, {"signature"}, d, how)) {
            BOOST_TEST(json::canonicalize(changed, {"signature"}).value() != right, how);
            BOOST_TEST((changed.at("signature") == signed_object.at("signature")));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
