#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include "any_value.hpp"

#include <rapidcheck/boost_test.h>
#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(json_parse)

namespace {
std::string refusal(std::string_view text) {
    auto const v = json::parse(text);
    if (v) return "<accepted>";
    return v.error().code == errc::malformed_body ? v.error().detail : "<another code>";
}
}  // namespace

BOOST_AUTO_TEST_CASE(says_where_and_what) {
    BOOST_TEST(refusal("{\"a\": 1,\n \"a\": 2}") ==
               "not I-JSON at line 2, column 8: a member name occurs twice in the object that ends here");
    BOOST_TEST(refusal("{} x") == "not I-JSON at line 1, column 4: data after the value");
    BOOST_TEST(refusal("[1e999]") == "not I-JSON at line 1, column 7: a number beyond the range of a double");
    BOOST_TEST(refusal("") == "not I-JSON at line 1, column 1: incomplete JSON");
    BOOST_TEST(refusal("[\n1,\n\n]").starts_with("not I-JSON at line 4, column 1: "));
}

BOOST_AUTO_TEST_CASE(names_are_compared_after_their_escapes) {
    for (std::string_view bad :
         {R"({"a":1,"\u0061":2})", R"({"":1,"":2})", R"([{"x":{"a":1,"b":2,"a":3}}])", R"({"a":{"b":1},"c":[],"a":{"b":1}})"})
        BOOST_TEST(refusal(bad) != "<accepted>", bad);
    BOOST_TEST(json::serialize(json::parse(R"({"a":{"a":{"a":1},"b":{"a":2}},"b":[{"a":3},{"a":4}]})").value()) ==
               R"({"a":{"a":{"a":1},"b":{"a":2}},"b":[{"a":3},{"a":4}]})");
}

BOOST_AUTO_TEST_CASE(depth_ends_at_32) {
    auto const nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
    BOOST_TEST(json::parse(nested(32)).has_value());
    BOOST_TEST(!json::parse(nested(33)).has_value());
    BOOST_TEST(!json::parse(std::string(1'000'000, '[')).has_value());
}

BOOST_AUTO_TEST_CASE(integers_keep_64_bits) {
    auto const v = json::parse("[9223372036854775807,-9223372036854775808,18446744073709551615,9007199254740993]").value();
    BOOST_TEST(v.at(0).as_int64() == std::numeric_limits<std::int64_t>::max());
    BOOST_TEST(v.at(1).as_int64() == std::numeric_limits<std::int64_t>::min());
    BOOST_TEST(v.at(2).as_uint64() == std::numeric_limits<std::uint64_t>::max());
    BOOST_TEST(v.at(3).as_int64() == 9007199254740993);
}

BOOST_AUTO_TEST_CASE(spellings_of_zero_stay_apart) {
    BOOST_TEST(json::parse("0").value().is_int64());
    for (std::string_view text : {"-0", "-0.0", "-0e5", "-1e-999"}) {
        auto const v = json::parse(text).value();
        BOOST_TEST(v.is_double(), text);
        BOOST_TEST((v.get_double() == 0 && std::signbit(v.get_double())), text);
    }
    // The parser has two paths for numbers, by how much text follows.
    BOOST_TEST(json::parse("[-0                                                  ]").value().at(0).is_double());
    BOOST_TEST(json::parse("[-0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]").value().at(0).is_double());
}

BOOST_AUTO_TEST_CASE(long_numbers_do_no_harm) {
    std::string const nines(5'000, '9'), zeros(5'000, '0');
    BOOST_TEST(!json::parse(nines));
    BOOST_TEST(!json::parse("-" + nines));
    BOOST_TEST(json::parse(std::string(300, '9')).value().is_double());
    for (std::string const& tiny : {"0." + zeros + "1", "0." + nines, nines + "." + nines, "1e" + nines, "1e-" + nines,
                                    "0." + zeros + "1e" + nines, nines + "e-5000", "[" + nines + "]", "[0." + nines + "e-4990]"})
        (void)json::parse(tiny);
    BOOST_TEST(json::parse("0." + nines).value().get_double() == 1.0);
    BOOST_TEST(json::parse("0." + zeros + "1").value().get_double() == 0.0);
    BOOST_TEST(json::parse("1e-400").value().get_double() == 0.0);
    BOOST_TEST(json::parse("5e-324").value().get_double() == 5e-324);
}

// Boost.JSON's own parser is up to two units in the last place off.
RC_BOOST_PROP(doubles_are_exact, (std::uint64_t bits)) {
    double d = 0;
    std::memcpy(&d, &bits, sizeof d);
    RC_PRE(std::isfinite(d));
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", d);
    bool const has_fraction_or_exponent = std::strpbrk(text, ".e") != nullptr;
    RC_PRE(has_fraction_or_exponent);
    RC_ASSERT(json::parse(text).value().as_double() == d);
    RC_ASSERT(json::parse("[" + std::string{text} + std::string(40, ' ') + "]").value().at(0).as_double() == d);
}

RC_BOOST_PROP(reads_what_was_written, ()) {
    auto const v = *test::canonicalizable();
    RC_ASSERT(json::parse(json::serialize(v)).value() == v);
}

// Its values may be moved with it, and copied out of it.
RC_BOOST_PROP(a_document_is_what_parse_reads, ()) {
    auto const v = *test::canonicalizable();
    std::string const text = json::serialize(v);
    json::value copy;
    {
        json::document first = json::document::parse(text).value();
        json::document const moved{std::move(first)};
        RC_ASSERT(moved.root() == v);
        RC_ASSERT(json::canonicalize(moved.root()).value() == json::canonicalize(v).value());
        copy = moved.root();
    }
    RC_ASSERT(copy == v);
    RC_ASSERT(!json::document::parse(text + "x"));
    RC_ASSERT(json::document::parse("").error().detail == json::parse("").error().detail);
}

// Every text gets an answer; what is accepted means the same to the stock parser, numbers and duplicates apart.
RC_BOOST_PROP(no_text_is_too_strange, ()) {
    auto const text = *rc::gen::container<std::string>(
        rc::gen::element('{', '}', '[', ']', ',', ':', '"', 'a', '\\', 'u', '0', '1', 'e', '.', '-', ' ', '\n', '\x80', '\xC3', '\xA9'));
    boost::json::error_code ec;
    auto const stock = boost::json::parse(text, ec);
    auto const strict = json::parse(text);
    if (strict) RC_ASSERT(!ec);
}

BOOST_AUTO_TEST_SUITE_END()
