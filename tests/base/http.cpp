#include <bsp/base/http.hpp>

#include <boost/test/unit_test.hpp>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(http_messages)

BOOST_AUTO_TEST_CASE(names_have_no_case_and_order_stays) {
    http_headers h{{"Host", "a"}, {"X", "1"}, {"x", "2"}};
    BOOST_TEST(*h.find("hOST") == "a");
    BOOST_TEST(*h.find("X") == "1");
    BOOST_TEST(h.count("x") == 2u);
    BOOST_CHECK(h.find("Hos") == nullptr);
    h.set("HOST", "b");
    h.set("New", "n");
    BOOST_TEST(h.size() == 4u);
    BOOST_TEST(h.begin()->second == "b");
    BOOST_TEST(*h.find("new") == "n");
}

// '[' and '{' differ by the bit that tells letters of either case apart.
BOOST_AUTO_TEST_CASE(only_letters_have_case) { BOOST_TEST(!http_headers::same_name("a[", "a{")); }

BOOST_AUTO_TEST_SUITE_END()
