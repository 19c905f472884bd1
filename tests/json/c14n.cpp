#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include "any_value.hpp"

#include <rapidcheck/boost_test.h>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <random>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(c14n)

namespace {
std::string canonical(std::string_view text) { return json::canonicalize(json::parse(text).value()).value(); }
}  // namespace

// The vector of the protocol document, bytes made by Python's json.dumps(sort_keys=True).
BOOST_AUTO_TEST_CASE(the_reference_object) {
    json::object const sbt{{"user_id", "J\xC3\xB6rg \xF0\x9F\x98\x80 \x7F\xE2\x80\xA8</a>\t"},
                           {"session_id", "sess_1"},
                           {"local_backend_id", "local_sha256_7d4b82b21655494e"},
                           {"hosted_backend_id", "hosted_sha256_a9bece05ad4ed0b0"},
                           {"created_at", "2025-12-31T00:00:00Z"},
                           {"expires_at", "2025-12-31T08:00:00Z"}};
    BOOST_TEST(
        json::canonicalize(sbt).value() ==
        R"({"created_at": "2025-12-31T00:00:00Z", "expires_at": "2025-12-31T08:00:00Z", "hosted_backend_id": "hosted_sha256_a9bece05ad4ed0b0", )"
        R"("local_backend_id": "local_sha256_7d4b82b21655494e", "session_id": "sess_1", "user_id": "J\u00f6rg \ud83d\ude00 \u007f\u2028</a>\t"})");
}

BOOST_AUTO_TEST_CASE(names_sort_by_code_point) {
    BOOST_TEST(canonical("{\"\\ud83d\\ude00\": 1, \"\\ue000\": 2, \"b\": {\"B\": 3, \"\": [ ]}, \"a\": { }}") ==
               R"({"a": {}, "b": {"": [], "B": 3}, "\ue000": 2, "\ud83d\ude00": 1})");
}

BOOST_AUTO_TEST_CASE(leaves_out_only_the_members_named_and_only_at_the_top) {
    auto const v = json::parse(R"({"signature": "x", "a": {"signature": "y"}, "b": 1, "c": 2})").value();
    BOOST_TEST(json::canonicalize(v.get_object(), {"signature", "c", "not there"}).value() == R"({"a": {"signature": "y"}, "b": 1})");
    BOOST_TEST(json::canonicalize(v.get_object(), {"signature", "a", "b", "c"}).value() == "{}");
}

BOOST_AUTO_TEST_CASE(refuses_other_numbers_and_says_where) {
    for (std::string_view bad :
         {"1.0", "1e3", "-0", "0.5", "9007199254740992", "-9007199254740992", "18446744073709551615", "99999999999999999999999"}) {
        auto const text = json::canonicalize(json::parse(bad).value());
        BOOST_REQUIRE_MESSAGE(!text, bad);
        BOOST_CHECK(text.error().code == errc::not_canonicalizable);
    }
    auto const text = json::canonicalize(json::parse(R"({"a": [1, {"x/y~": [0, 1.5]}]})").value());
    BOOST_TEST(text.error().detail == "no canonical form at \"/a/1/x~1y~0/1\": a number with fraction or exponent, or -0");
}

BOOST_AUTO_TEST_CASE(refuses_strings_that_are_not_utf8) {
    for (char const* bad : {"\x80", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "a\xFF"}) {
        BOOST_TEST(!json::canonicalize(json::value(bad)));
        BOOST_TEST(!json::canonicalize(json::object{{bad, 1}}));
    }
}

RC_BOOST_PROP(is_ascii_without_control_characters, ()) {
    std::string const text = json::canonicalize(*test::canonicalizable()).value();
    RC_ASSERT(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }));
}

RC_BOOST_PROP(means_the_same_and_is_stable, ()) {
    auto const v = *test::canonicalizable();
    std::string const text = json::canonicalize(v).value();
    RC_ASSERT(json::parse(text).value() == v);
    RC_ASSERT(json::canonicalize(json::parse(text).value()).value() == text);
    RC_ASSERT(json::canonicalize(json::parse(json::serialize(v)).value()).value() == text);
}

// What a push keeps of its messages is cut out of the text that was signed.
RC_BOOST_PROP(the_parts_of_a_form_are_the_forms_of_the_parts, ()) {
    auto const o = *test::canonicalizable_object();
    auto const form = json::canonical_form::of(o, {"a"}).value();
    RC_ASSERT(form.text() == json::canonicalize(o, {"a"}).value());
    std::function<void(json::value const&)> const look = [&](json::value const& v) {
        if (auto const* list = v.if_array()) {
            RC_ASSERT(form.of_part(*list).value() == json::canonicalize(v).value());
            for (auto const& e : *list) look(e);
        } else if (auto const* inner = v.if_object()) {
            RC_ASSERT(form.of_part(*inner).value() == json::canonicalize(v).value());
            for (auto const& m : *inner) look(m.value());
        }
    };
    for (auto const& m : o) look(m.value());
}

RC_BOOST_PROP(the_order_of_members_never_matters, (unsigned seed)) {
    auto const o = *test::canonicalizable_object();
    std::vector<std::pair<std::string, json::value>> members;
    for (auto const& m : o) members.emplace_back(m.key(), m.value());
    std::shuffle(members.begin(), members.end(), std::mt19937{seed});
    json::object shuffled;
    for (auto const& [name, v] : members) shuffled.emplace(name, v);
    RC_ASSERT(json::canonicalize(shuffled).value() == json::canonicalize(o).value());
}

RC_BOOST_PROP(different_values_have_different_texts, ()) {
    auto const a = *test::canonicalizable(2), b = *test::canonicalizable(2);
    RC_ASSERT((a == b) == (json::canonicalize(a).value() == json::canonicalize(b).value()));
}

BOOST_AUTO_TEST_SUITE_END()
