#include <reference_server/log.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <spdlog/spdlog.h>

#include <thread>

using namespace bsp::server;

namespace {

/// The log as it is set up for a test; the one of before comes back.
struct fixture {
    std::shared_ptr<spdlog::logger> const before = spdlog::default_logger();
    fixture() { start_log(log_format::json, "info"); }
    ~fixture() { spdlog::set_default_logger(before); }

    std::vector<boost::json::object> lines(std::string const& level = "debug") const {
        std::vector<boost::json::object> all;
        for (auto const& line : latest_lines(0, 1'000, level)) all.push_back(boost::json::parse(line.json).as_object());
        return all;
    }
    boost::json::object last() const { return lines().back(); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(log_, fixture)

BOOST_AUTO_TEST_CASE(a_line_is_one_object_whatever_is_in_it) {
    spdlog::warn("a \"peer\" said\n{{\"level\":\"error\"}} {}", std::string("\0,\"event\":\"forged\"", 18));
    auto const line = last();
    BOOST_TEST(line.at("event").as_string() == "message");
    BOOST_TEST(line.at("level").as_string() == "warning");
    BOOST_TEST(!line.contains("request_id"));
    BOOST_TEST(std::string{line.at("message").as_string()}.find("forged") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(lines_of_a_request_have_its_id_and_those_of_other_threads_have_not) {
    {
        request_scope const outer{"r1"};
        spdlog::info("within");
        BOOST_TEST(last().at("request_id").as_string() == "r1");
        std::thread{[] { spdlog::info("beside"); }}.join();
        BOOST_TEST(!last().contains("request_id"));
        {
            request_scope const inner{"r2"};
            BOOST_TEST(current_request_id() == "r2");
        }
        BOOST_TEST(current_request_id() == "r1");
    }
    spdlog::info("afterwards");
    BOOST_TEST(!last().contains("request_id"));
}

BOOST_AUTO_TEST_CASE(of_a_request_nothing_is_written_that_a_person_named) {
    log_request({.remote = "192.0.2.7", .method = "GET", .target = "/conversations/canary-1/messages/canary-2?since=canary-3", .status = 200});
    log_request({.remote = "192.0.2.7", .method = "GET", .target = "/bsp/conversations/canary-4", .status = 404});
    for (auto const& line : lines()) BOOST_TEST(boost::json::serialize(line).find("canary") == std::string::npos, boost::json::serialize(line));
    BOOST_TEST(lines()[0].at("path").as_string() == "/conversations/*/messages/*");
    log_request({.remote = "192.0.2.7", .method = "POST", .target = "/sync/peer_00ff", .status = 200, .bytes_in = 17});
    BOOST_TEST(last().at("path").as_string() == "/sync/peer_00ff");
    BOOST_TEST(last().at("bytes_in").to_number<int>() == 17);
}

BOOST_AUTO_TEST_CASE(the_level_changes_at_any_time) {
    spdlog::debug("not yet");
    BOOST_TEST(lines().empty());
    BOOST_TEST(set_log_level("debug"));
    spdlog::debug("now");
    BOOST_TEST(lines().size() == 1u);
    BOOST_TEST(log_level() == "debug");
    BOOST_TEST(!set_log_level("loud"));
    BOOST_TEST(!set_log_level("off"));
    BOOST_TEST(log_level() == "debug");
    BOOST_TEST(set_log_level("error"));
    spdlog::warn("no more");
    log_request({.method = "GET", .target = "/", .status = 200});
    BOOST_TEST(lines().size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_latest_lines_are_kept_and_no_more) {
    for (int i = 1; i <= 1'500; ++i) spdlog::log(i % 2 ? spdlog::level::info : spdlog::level::warn, "{}", i);
    auto const kept = latest_lines(0, 5'000, "info");
    BOOST_TEST(kept.size() == 1'000u);
    BOOST_TEST(kept.back().number == 1'500u);
    BOOST_TEST(latest_lines(1'498, 100, "info").size() == 2u);
    BOOST_TEST(latest_lines(1'498, 100, "warning").size() == 1u);
    BOOST_TEST(latest_lines(0, 3, "info").front().number == 1'498u);
    BOOST_TEST(latest_lines(1'500, 100, "info").empty());
}

BOOST_AUTO_TEST_CASE(an_alert_is_an_event_with_its_numbers) {
    using kind = bsp::observe::alert_event::kind;
    bsp::wire::alert const alert{bsp::wire::alert_type::success_rate, "peer_1", 0.5, 0.9, {1'767'139'200, 0}};
    log_alert({kind::raised, alert, alert.raised_at});
    auto const line = last();
    BOOST_TEST(line.at("event").as_string() == "alert");
    BOOST_TEST(line.at("state").as_string() == "raised");
    BOOST_TEST(line.at("level").as_string() == "warning");
    BOOST_TEST(line.at("value").as_double() == 0.5);
    log_alert({kind::cleared, {bsp::wire::alert_type::store_down, "", 1, 0, {}}, {}});
    BOOST_TEST(last().at("state").as_string() == "cleared");
    BOOST_TEST(last().at("peer_id").is_null());
}

BOOST_AUTO_TEST_SUITE_END()
