#include <bsp/json/fields.hpp>
#include <bsp/json/parse.hpp>

#include <boost/test/unit_test.hpp>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(json_fields)

namespace {
json::value const body =
    json::parse(R"({"s": "text", "e": "", "id": "m1", "bad/id": "a b", "t": "2025-12-31T00:00:00Z", "i": 4, "d": 4.0, "q": "4",
                                         "b": true, "n": null, "u": 18446744073709551615, "o": {"x": 1}, "a": [{"x": "y"}, 7, "z"]})")
        .value();
json::fields const f{body.get_object()};

template <class T>
std::string refusal(result<T> const& r) {
    if (r) return "<accepted>";
    return r.error().code == errc::invalid_body ? r.error().detail : "<another code>";
}
}  // namespace

BOOST_AUTO_TEST_CASE(gives_what_is_there) {
    BOOST_TEST(f.required_string("s").value() == "text");
    BOOST_TEST(f.required_identifier("id").value() == "m1");
    BOOST_TEST(f.required_timestamp("t").value().seconds == 1'767'139'200);
    BOOST_TEST(f.required_integer("i", 0, 4).value() == 4);
    BOOST_TEST(f.required_boolean("b").value());
    BOOST_TEST(f.required_object("o").value().required_integer("x").value() == 1);
    auto const a = f.required_array("a").value();
    BOOST_TEST(a.size() == 3u);
    BOOST_TEST(a.object_at(0).value().required_string("x").value() == "y");
    BOOST_TEST(a.string_at(2).value() == "z");
    BOOST_TEST(!f.optional_string("none").value().has_value());
    BOOST_TEST(!f.optional_object("none").value().has_value());
    BOOST_TEST(!f.optional_array("none").value().has_value());
}

BOOST_AUTO_TEST_CASE(coerces_nothing) {
    BOOST_TEST(refusal(f.required_integer("q")) == "/q must be an integer");
    BOOST_TEST(refusal(f.required_integer("d")) == "/d must be an integer");
    BOOST_TEST(refusal(f.required_integer("b")) == "/b must be an integer");
    BOOST_TEST(refusal(f.required_integer("u")) == "/u is out of range");
    BOOST_TEST(refusal(f.required_boolean("i")) == "/i must be true or false");
    BOOST_TEST(refusal(f.required_string("i")) == "/i must be a string");
    BOOST_TEST(refusal(f.required_object("a")) == "/a must be an object");
    BOOST_TEST(refusal(f.required_array("o")) == "/o must be an array");
}

BOOST_AUTO_TEST_CASE(null_is_not_absence) {
    BOOST_TEST(refusal(f.optional_string("n")) == "/n must be a string");
    BOOST_TEST(refusal(f.optional_integer("n")) == "/n must be an integer");
    BOOST_TEST(refusal(f.optional_boolean("n")) == "/n must be true or false");
    BOOST_TEST(refusal(f.optional_object("n")) == "/n must be an object");
    BOOST_TEST(refusal(f.optional_array("n")) == "/n must be an array");
    BOOST_TEST(refusal(f.required_string("none")) == "/none is required");
}

BOOST_AUTO_TEST_CASE(holds_to_bounds) {
    BOOST_TEST(refusal(f.required_integer("i", 5, 9)) == "/i is out of range");
    BOOST_TEST(refusal(f.required_integer("i", 0, 3)) == "/i is out of range");
    BOOST_TEST(refusal(f.required_string("s", 3)) == "/s must not be longer than 3 bytes");
    BOOST_TEST(refusal(f.required_nonempty_string("e")) == "/e must not be empty");
    BOOST_TEST(refusal(f.required_identifier("bad/id")).starts_with("/bad~1id must be an identifier"));
    BOOST_TEST(refusal(f.required_timestamp("s")).starts_with("/s is not an RFC 3339 timestamp: "));
}

BOOST_AUTO_TEST_CASE(names_the_place_at_any_depth) {
    auto const a = f.required_array("a").value();
    BOOST_TEST(refusal(a.object_at(1)) == "/a/1 must be an object");
    BOOST_TEST(refusal(a.string_at(1)) == "/a/1 must be a string");
    BOOST_TEST(refusal(a.object_at(0).value().required_string("z")) == "/a/0/z is required");
    BOOST_TEST(refusal(json::fields::of(json::value(1))) == "the body must be an object");
}

BOOST_AUTO_TEST_SUITE_END()
