#include <bsp/base/result.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <set>
#include <string>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(results)

namespace {
result<std::unique_ptr<int>> boxed(int i) {
    if (i < 0) return fail(errc::invalid_body, "negative");
    return std::make_unique<int>(i);
}

result<> check(int i) {
    if (i > 9) return fail(errc::payload_too_large, "too large");
    return ok();
}

result<int> twice(int i) {
    BSP_CHECK(check(i));
    BSP_TRY(auto const box, boxed(i));
    BSP_TRY(auto const again, boxed(*box));
    return *box + *again;
}
}  // namespace

BOOST_AUTO_TEST_CASE(errors_pass_through) {
    BOOST_TEST(twice(4).value() == 8);
    BOOST_CHECK(twice(-1).error() == fail(errc::invalid_body, "negative"));
    BOOST_CHECK(twice(10).error().code == errc::payload_too_large);
}

BOOST_AUTO_TEST_CASE(asking_for_a_value_that_is_not_there_throws_the_reason) {
    BOOST_CHECK_EXCEPTION(twice(-1).value(), refused, [](refused const& r) {
        return std::string{r.what()} == "invalid-body: negative" && r.what_failed.status() == 422;
    });
}

BOOST_AUTO_TEST_CASE(every_error_is_one_row) {
    std::set<std::string_view> codes;
    for (std::size_t i = 0; i < std::size(error_rows); ++i) {
        error_row const& row = error_rows[i];
        BOOST_TEST(codes.insert(row.code).second, "twice: " << row.code);
        BOOST_TEST(row.status >= 400);
        BOOST_TEST(row.status < 600);
        BOOST_CHECK(&row_of(static_cast<errc>(i)) == &row);
        std::string code{row.name};
        for (char& c : code)
            if (c == '_') c = '-';
        BOOST_TEST(code == row.code);
    }
}

BOOST_AUTO_TEST_SUITE_END()
