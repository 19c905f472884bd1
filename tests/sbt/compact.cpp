#include <bsp/sbt/compact.hpp>
#include <bsp/sbt/sbt.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(compact_tokens)

namespace {
json::object const token = mint_sbt({.session_id = "s",
                                     .local_backend_id = "local_a",
                                     .hosted_backend_id = "hosted_b",
                                     .user_id = "J\xC3\xB6rg",
                                     .created_at = {1'767'139'200},
                                     .expires_at = {1'767'142'800}},
                                    "secret");

std::string part(std::string_view text) { return to_base64url(as_bytes(text)); }
std::string const header = part(R"({"alg":"HS256","typ":"bsp-sbt"})");
std::string const signature = part(json::view(token.at("signature").as_string()));
}  // namespace

BOOST_AUTO_TEST_CASE(round_trips) {
    std::string const compact = to_compact_sbt(token).value();
    BOOST_TEST(compact.starts_with(header + '.'));
    BOOST_TEST(compact.ends_with('.' + signature));
    BOOST_CHECK(from_compact_sbt(compact).value() == json::value(token));
    BOOST_TEST(!to_compact_sbt(json::object{{"a", 1}}));
}

BOOST_AUTO_TEST_CASE(the_third_part_is_the_tokens_signature) {
    std::string const body = part(json::serialize(token));
    BOOST_TEST(from_compact_sbt(header + '.' + body + '.' + signature).has_value());
    for (std::string const& bad :
         {header + '.' + body + '.' + part(std::string(64, '0')), header + '.' + body + '.', header + '.' + body,
          header + '.' + body + '.' + signature + '.' + signature,
          header + '.' + body + '.' + signature + "==", '.' + body + '.' + signature, part("[]") + '.' + body + '.' + signature,
          part(R"({"alg":"none","typ":"bsp-sbt"})") + '.' + body + '.' + signature, header + '.' + part("{}") + '.' + signature,
          header + '.' + part("{}") + '.', header + '.' + part("[1]") + '.' + signature, std::string{}, std::string{".."},
          header + ".!." + signature}) {
        auto const read = from_compact_sbt(bad);
        BOOST_REQUIRE_MESSAGE(!read, bad);
        BOOST_CHECK(read.error().code == errc::invalid_sbt);
    }
}

BOOST_AUTO_TEST_SUITE_END()
