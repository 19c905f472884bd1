#include <bsp/base/instant.hpp>

#include <rapidcheck/boost_test.h>
#include <boost/test/unit_test.hpp>

using namespace bsp;
using namespace std::chrono_literals;

namespace bsp {
static void showValue(instant const& t, std::ostream& out) { out << t.seconds << "s+" << t.nanoseconds << "ns"; }
}  // namespace bsp

BOOST_AUTO_TEST_SUITE(instants)

namespace {
constexpr std::int64_t year_0 = -62'167'219'200, year_10000 = 253'402'300'800;

rc::Gen<instant> any_instant() {
    auto const fraction = rc::gen::oneOf(
        rc::gen::just(0u), rc::gen::map(rc::gen::inRange(0u, 1'000u), [](unsigned n) { return n * 1'000'000; }),
        rc::gen::map(rc::gen::inRange(0u, 1'000'000u), [](unsigned n) { return n * 1'000; }), rc::gen::inRange(0u, 1'000'000'000u));
    return rc::gen::apply([](std::int64_t s, unsigned n) { return instant{s, n}; }, rc::gen::inRange(year_0, year_10000), fraction);
}
}  // namespace

BOOST_AUTO_TEST_CASE(writes_utc_with_the_digits_it_needs) {
    BOOST_TEST(format_timestamp({0, 0}) == "1970-01-01T00:00:00Z");
    BOOST_TEST(format_timestamp({-1, 500'000'000}) == "1969-12-31T23:59:59.500Z");
    BOOST_TEST(format_timestamp({1'767'139'200, 1'000}) == "2025-12-31T00:00:00.000001Z");
    BOOST_TEST(format_timestamp({951'782'400, 1}) == "2000-02-29T00:00:00.000000001Z");
    BOOST_TEST(format_timestamp({year_0, 0}) == "0000-01-01T00:00:00Z");
    BOOST_TEST(format_timestamp({year_10000 - 1, 999'999'999}) == "9999-12-31T23:59:59.999999999Z");
}

BOOST_AUTO_TEST_CASE(says_what_is_wrong) {
    auto const t = parse_timestamp("2025-02-29T00:00:00Z");
    BOOST_REQUIRE(!t);
    BOOST_CHECK(t.error().code == errc::invalid_body);
    BOOST_TEST(t.error().detail == "not an RFC 3339 timestamp: no such day in that month");
}

BOOST_AUTO_TEST_CASE(durations_of_any_unit_add_exactly) {
    instant const t{10, 999'999'999};
    BOOST_CHECK((t + 1ns == instant{11, 0}));
    BOOST_CHECK((t - 11s == instant{-1, 999'999'999}));
    BOOST_CHECK((t + 24h == instant{86'410, 999'999'999}));
    BOOST_CHECK((t + 1ms == instant{11, 999'999}));
    BOOST_CHECK((instant{0, 0} - 1ns == instant{-1, 999'999'999}));
}

RC_BOOST_PROP(format_and_parse_round_trip, ()) {
    auto const t = *any_instant();
    RC_ASSERT(parse_timestamp(format_timestamp(t)).value() == t);
}

RC_BOOST_PROP(an_offset_moves_nothing, ()) {
    auto const t = *any_instant();
    int const minutes = *rc::gen::inRange(-1439, 1440);
    RC_PRE(t.seconds + minutes * 60 >= year_0 && t.seconds + minutes * 60 < year_10000);
    std::string text = format_timestamp(t + std::chrono::minutes{minutes});
    text.pop_back();
    int const hours = std::abs(minutes) / 60, rest = std::abs(minutes) % 60;
    text += minutes < 0 ? '-' : '+';
    for (int part : {hours, rest}) text += static_cast<char>('0' + part / 10), text += static_cast<char>('0' + part % 10), text += ':';
    text.pop_back();
    RC_ASSERT(parse_timestamp(text).value() == t);
}

RC_BOOST_PROP(adding_and_taking_away_is_nothing, (std::int64_t n)) {
    auto const t = *any_instant();
    auto const d = std::chrono::nanoseconds{n};
    RC_ASSERT((t + d) - d == t);
    RC_ASSERT((n < 0) == (t + d < t));
}

RC_BOOST_PROP(no_text_is_too_strange, (std::string const& text)) {
    if (auto const t = parse_timestamp(text)) RC_ASSERT(t->nanoseconds < 1'000'000'000u);
}

BOOST_AUTO_TEST_SUITE_END()
