#include <bsp/base/uri.hpp>

#include <rapidcheck/boost_test.h>
#include <boost/test/unit_test.hpp>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(uri)

BOOST_AUTO_TEST_CASE(splits_at_the_first_question_mark) {
    BOOST_TEST(split_target("/a?b?c").path == "/a");
    BOOST_TEST(split_target("/a?b?c").query == "b?c");
    BOOST_TEST(split_target("/a").query == "");
    BOOST_TEST(split_target("/a%3Fb").path == "/a%3Fb");
}

BOOST_AUTO_TEST_CASE(decodes_strictly_and_once) {
    BOOST_TEST(percent_decode("a%2Fb%2f+").value() == "a/b/+");
    BOOST_TEST(percent_decode("%252F").value() == "%2F");
    for (std::string_view bad : {"%", "%2", "%g0", "%0g", "a%", "%%41", "%+1"}) BOOST_TEST(!percent_decode(bad), "accepted " << bad);
}

BOOST_AUTO_TEST_CASE(an_escaped_slash_does_not_separate) {
    using segments = std::vector<std::string>;
    BOOST_TEST(path_segments("/a%2Fb/c").value() == (segments{"a/b", "c"}));
    BOOST_TEST(path_segments("/").value() == segments{""});
    BOOST_TEST(path_segments("/a//b/").value() == (segments{"a", "", "b", ""}));
    BOOST_TEST(!path_segments("a"));
    BOOST_TEST(!path_segments(""));
    BOOST_TEST(!path_segments("/a/%zz"));
}

BOOST_AUTO_TEST_CASE(reads_queries_in_order) {
    query_parameters const expected{{"since", "2025-12-31T00:00:00+02:00"}, {"a&b", "="}, {"flag", ""}, {"flag", ""}, {"", "x"}};
    BOOST_CHECK(parse_query("since=2025-12-31T00:00:00+02:00&a%26b==&&flag&flag=&=x") == expected);
    BOOST_CHECK(parse_query("").value().empty());
    BOOST_CHECK(!parse_query("a=%2"));
    BOOST_CHECK(!parse_query("%=1"));
}

RC_BOOST_PROP(encoding_round_trips_and_never_delimits, (std::string const& text)) {
    std::string const encoded = percent_encode_segment(text);
    RC_ASSERT(percent_decode(encoded) == text);
    RC_ASSERT(encoded.find_first_of("/?&=#+ ") == std::string::npos);
    RC_ASSERT(path_segments("/x/" + encoded)->back() == text);
}

BOOST_AUTO_TEST_SUITE_END()
