#include <bsp/auth/admin.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <type_traits>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(administration)

static_assert(!std::is_default_constructible_v<verified_admin>, "only verify_admin makes one");

namespace {
std::string verdict(std::string const& header, std::string_view token = "the token") {
    auto const r = verify_admin(&header, token);
    return r ? "ok" : std::string{row_of(r.error().code).code};
}
}  // namespace

BOOST_AUTO_TEST_CASE(the_whole_token_and_nothing_else) {
    BOOST_TEST(verdict("Bearer the token") == "ok");
    BOOST_TEST(verdict("bearer   the token") == "ok");
    for (char const* wrong :
         {"Bearer", "Bearer ", "Bearer the toke", "Bearer the token ", "Bearer the tokenx", "Bearer The token", "Bearer other"})
        BOOST_TEST(verdict(wrong) == "forbidden", wrong);
    for (char const* other : {"", "the token", "Basic the token", "BSP the token", "Bearerthe token", " Bearer the token"})
        BOOST_TEST(verdict(other) == "credential-required", other);
    BOOST_CHECK(verify_admin(nullptr, "the token").error().code == errc::credential_required);
}

BOOST_AUTO_TEST_CASE(without_a_token_nobody_administers) {
    for (char const* header : {"Bearer", "Bearer ", "Bearer x"}) BOOST_TEST(verdict(header, "") == "forbidden", header);
    BOOST_CHECK(verify_admin(nullptr, "").error().code == errc::credential_required);
}

BOOST_AUTO_TEST_SUITE_END()
