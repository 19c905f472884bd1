#include <bsp/sync/answer.hpp>

#include <boost/test/unit_test.hpp>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(sync_answer)

BOOST_AUTO_TEST_CASE(what_a_peer_calls_a_code_is_told_only_when_it_looks_like_one) {
    auto const told = [](int status, std::string body) { return sync::describe({.status = status, .headers = {}, .body = std::move(body)}); };
    BOOST_TEST(told(503, R"({"code": "unavailable"})") == "503 unavailable");
    BOOST_TEST(told(200, R"({"code": "unavailable"})") == "200");
    for (std::string const odd : {"what the user wrote", "Ada", "a\\nb", ""}) BOOST_TEST(told(422, R"({"code": ")" + odd + "\"}") == "422");
    BOOST_TEST(told(422, R"({"code": ")" + std::string(65, 'a') + "\"}") == "422");
    BOOST_TEST(told(500, "no JSON") == "500");
}

BOOST_AUTO_TEST_SUITE_END()
