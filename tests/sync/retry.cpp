#include <bsp/sync/retry.hpp>

#include <bsp/sync/answer.hpp>
#include <bsp/sync/url.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <string>
#include <vector>

using namespace bsp;
using namespace bsp::sync;
using namespace std::chrono_literals;

namespace {

moment at(std::chrono::nanoseconds steady) { return {instant{1'767'139'200, 0} + steady, steady}; }

http_response answered(int status, std::string code = "") {
    return {.status = status, .headers = {}, .body = code.empty() ? "" : R"({"code": ")" + code + "\"}"};
}

std::optional<std::chrono::seconds> asked(std::string value) {
    return retry_after({{"Retry-After", std::move(value)}}, instant{784'111'777, 0});  // 1994-11-06T08:49:37Z
}

}  // namespace

BOOST_AUTO_TEST_SUITE(retry_schedule)

// BSP-OFF-030: the series goes on for ever, and never faster than this.
BOOST_AUTO_TEST_CASE(delays_double_up_to_64_seconds) {
    backoff retry;
    std::chrono::nanoseconds now = 0ns;
    std::vector<std::int64_t> delays;
    for (int i = 0; i < 10; ++i) {
        retry.handle_failure(at(now));
        BOOST_REQUIRE(retry.until());
        delays.push_back(std::chrono::duration_cast<std::chrono::seconds>(*retry.until() - now).count());
        BOOST_TEST(retry.waits(at(*retry.until() - 1ns)));
        now = *retry.until();
        BOOST_TEST(!retry.waits(at(now)));
    }
    BOOST_TEST(delays == (std::vector<std::int64_t>{1, 2, 4, 8, 16, 32, 64, 64, 64, 64}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(thousands_of_failures_do_not_overflow) {
    backoff retry;
    for (int i = 0; i < 5'000; ++i) retry.handle_failure(at(0s));
    BOOST_TEST((retry.until() == timeout{64s}));
}

BOOST_AUTO_TEST_CASE(a_reset_begins_the_series_again) {
    backoff retry;
    for (int i = 0; i < 6; ++i) retry.handle_failure(at(0s));
    retry.reset();
    BOOST_TEST(!retry.waits(at(0s)));
    retry.handle_failure(at(0s));
    BOOST_TEST((retry.until() == timeout{1s}));
}

// BSP-OFF-032
BOOST_AUTO_TEST_CASE(retry_after_in_seconds_and_as_a_date) {
    BOOST_TEST((asked("120") == 120s));
    BOOST_TEST((asked("0") == 0s));
    BOOST_TEST((asked("Sun, 06 Nov 1994 08:50:07 GMT") == 30s));
    BOOST_TEST((asked("Sun, 06 Nov 1994 08:49:07 GMT") == 0s));
    BOOST_TEST((asked("7200") == 1h));
    BOOST_TEST((asked("99999999999999999999999999") == 1h));
    BOOST_TEST((asked("Fri, 31 Dec 9999 23:59:59 GMT") == 1h));
    BOOST_TEST((asked("Mon, 01 Jan 1990 00:00:00 GMT") == 0s));
    for (char const* bad : {"", "soon", "-1", "1.5", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 anF 1994 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT"})
        BOOST_TEST((asked(bad) == std::nullopt), bad);
    BOOST_TEST((retry_after({}, {}) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(every_month_is_found) {
    std::array const months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (std::size_t m = 0; m < months.size(); ++m) {
        std::string const number = (m < 9 ? "0" : "") + std::to_string(m + 1);
        auto const now = parse_timestamp("2025-" + number + "-15T10:00:00Z").value();
        auto const wait = retry_after({{"Retry-After", std::string{"Sun, 15 "} + months[m] + " 2025 10:00:42 GMT"}}, now);
        BOOST_TEST((wait == 42s), months[m]);
    }
}

// The table of section 10.4.
BOOST_AUTO_TEST_CASE(what_answers_mean) {
    auto const means = [](meaning what, int status, std::string code = "") { BOOST_TEST((meaning_of(answered(status, code)) == what), status << ' ' << code); };
    means(meaning::success, 200);
    for (int status : {201, 204, 301, 302, 307, 308, 408, 425, 429, 500, 502, 503, 504, 599, 0}) means(meaning::transient, status);
    means(meaning::transient, 401, "stale-request");
    for (int status : {400, 413, 422}) means(meaning::content_refused, status);
    means(meaning::content_refused, 422, "not-canonicalizable");
    means(meaning::content_refused, 400, "a code of another generation");
    means(meaning::token_refused, 401, "sbt-expired");
    means(meaning::token_refused, 401, "invalid-sbt");
    means(meaning::store_renewed, 409, "epoch-changed");
    means(meaning::sync_id_taken, 409, "sync-id-reuse");
    means(meaning::peer_refused, 401, "invalid-signature");
    means(meaning::peer_refused, 400, "unsupported-version");
    for (int status : {401, 402, 403, 404, 405, 409, 410, 415, 418, 421, 431}) means(meaning::peer_refused, status);
    BOOST_TEST((meaning_of({.status = 409, .headers = {}, .body = "<html>epoch-changed</html>"}) == meaning::peer_refused));
}

BOOST_AUTO_TEST_CASE(the_error_table_and_the_client_agree_on_what_is_transient) {
    for (auto const& row : error_rows) {
        bool const again = row.retry == retry::after_backoff || row.retry == retry::after_retry_after || row.retry == retry::after_resign;
        BOOST_TEST((meaning_of(answered(row.status, std::string{row.code})) == meaning::transient) == again, row.code);
    }
}

// BSP-REG-060 … BSP-REG-062
BOOST_AUTO_TEST_CASE(only_listed_origins_are_dialled_and_only_safely) {
    std::vector<std::string> const listed{"https://hosted.example", "http://localhost:8825", "http://[::1]:8825", "http://hosted.example"};
    auto const allowed = [&](char const* url, char const* own = "local", char const* peer = "hosted") { return may_dial(url, own, peer, listed).has_value(); };
    BOOST_TEST(allowed("https://hosted.example/sync/peer_1"));
    BOOST_TEST(allowed("http://localhost:8825/bsp/sync/peer_1"));
    BOOST_TEST(allowed("http://[::1]:8825/sync/peer_1"));
    for (char const* url : {"https://other.example/sync/peer_1", "https://hosted.example:8443/sync/peer_1", "https://hosted.example@evil.example/sync/peer_1", "https://hosted.example.evil.example/", "http://hosted.example/sync/peer_1",
                            "ftp://hosted.example/", "hosted.example/sync", "", "https://", "http://localhost:9999/sync/peer_1"})
        BOOST_TEST(!allowed(url), url);
    BOOST_TEST(!allowed("https://hosted.example/sync/peer_1", "hosted", "local"));
}

BOOST_AUTO_TEST_CASE(health_is_at_the_same_base_url) {
    BOOST_TEST(health_url("https://hosted.example/bsp/sync/peer_1", "peer_1") == "https://hosted.example/bsp/health");
    BOOST_TEST(health_url("https://hosted.example/sync/peer_1", "peer_1") == "https://hosted.example/health");
    BOOST_TEST(health_url("https://hosted.example/elsewhere/peer_1", "peer_1") == "https://hosted.example/health");
}

BOOST_AUTO_TEST_SUITE_END()
