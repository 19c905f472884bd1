#include "conformance/checks/languages.hpp"
#include "conformance/target/web_frame.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

using namespace bsp;
using namespace bsp::conformance;

BOOST_AUTO_TEST_SUITE(frames_and_languages)

BOOST_AUTO_TEST_CASE(the_key_of_rfc_6455_has_the_answer_of_rfc_6455) { BOOST_TEST(accept_value("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); }

BOOST_AUTO_TEST_CASE(frames_have_the_head_that_their_length_asks_for) {
    auto const head = [](web_frame const& f, std::size_t size) { return bytes_of(f).substr(0, size); };
    BOOST_TEST(bytes_of({.payload = "Hello", .masked = false}) == "\x81\x05Hello");
    BOOST_TEST(head({.payload = std::string(126, 'x')}, 4) == std::string("\x81\xFE\x00\x7E", 4));
    BOOST_TEST(head({.payload = std::string(65'536, 'x')}, 10) == std::string("\x81\xFF\x00\x00\x00\x00\x00\x01\x00\x00", 10));
    BOOST_TEST(head({.opcode = 0, .final = false, .reserved = 4}, 1) == "\x40");
    BOOST_TEST(bytes_of(closing(1001, "bye")).size() == 2u + 4 + 5);
}

BOOST_AUTO_TEST_CASE(a_masked_payload_is_the_payload_once_more_masked) {
    auto const bytes = bytes_of({.payload = "Hello"});
    BOOST_REQUIRE(bytes.size() == 11u);
    std::string payload;
    for (std::size_t i = 0; i < 5; ++i) payload += static_cast<char>(bytes[6 + i] ^ bytes[2 + i % 4]);
    BOOST_TEST(payload == "Hello");
}

BOOST_AUTO_TEST_CASE(every_spelling_means_the_same) {
    auto const value = boost::json::parse(R"({"b":[1,-2,true,null,{}],"a":"\u0001\u00e9/<&>'+\ud83d\ude00\u007f\"\\","n":9007199254740991})");
    for (auto const* l : {&javascript, &swift, &kotlin, &python, &csharp, &php}) BOOST_TEST(boost::json::parse(spelled(value, l->spelling)) == value, l->name);
    BOOST_TEST(spelled("caf\xC3\xA9/", csharp.spelling) == R"("caf\u00E9/")");
    BOOST_TEST(spelled("caf\xC3\xA9/", php.spelling) == R"("caf\u00e9\/")");
}

BOOST_AUTO_TEST_CASE(timestamps_are_those_of_the_platform) {
    instant const t{1'767'139'200, 120'345'678};
    BOOST_TEST(javascript.timestamp(t) == "2025-12-31T00:00:00.120Z");
    BOOST_TEST(swift.timestamp(t) == "2025-12-31T00:00:00Z");
    BOOST_TEST(csharp.timestamp(t) == "2025-12-31T00:00:00.1203456Z");
    BOOST_TEST(python.timestamp(t) == "2025-12-31T00:00:00.120345");
    BOOST_TEST(php.timestamp(t) == "2025-12-31T01:00:00+01:00");
}

BOOST_AUTO_TEST_SUITE_END()
