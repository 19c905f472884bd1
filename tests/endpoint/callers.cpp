#include <bsp/endpoint/dispatch.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>
#include <type_traits>

using namespace bsp;
using namespace bsp::endpoint;

// Only authentication makes a caller, and the store is reached through a caller only.
template <class C>
constexpr bool only_authentication_makes_it = !std::is_default_constructible_v<C> && !std::is_constructible_v<C, peer_record> &&
                                              !std::is_constructible_v<C, std::string, pass> && !std::is_aggregate_v<C>;
static_assert(only_authentication_makes_it<anyone> && only_authentication_makes_it<sbt_holder> && only_authentication_makes_it<signing_peer> &&
              only_authentication_makes_it<calling_peer> && only_authentication_makes_it<tenant_caller> && only_authentication_makes_it<registry_caller>);

namespace {
// An endpoint whose serve forgets its caller, or takes another than it declares, is none.
struct forgets_its_caller {
    static constexpr route at{"GET", "/x"};
    using caller = calling_peer;
    [[maybe_unused]] static result<http_response> serve(backend const&, request const&) { return http_response{}; }
};
struct takes_another_caller {
    static constexpr route at{"GET", "/x"};
    using caller = anyone;
    [[maybe_unused]] static result<http_response> serve(backend const&, calling_peer const&, request const&) { return http_response{}; }
};
}  // namespace
static_assert(!endpoint::endpoint<forgets_its_caller> && !endpoint::endpoint<takes_another_caller> && endpoint::endpoint<sync_pull>);

BOOST_AUTO_TEST_SUITE(the_table)

BOOST_AUTO_TEST_CASE(no_two_rows_answer_the_same_request) {
    std::set<std::string> seen;
    for (auto const& row : table) BOOST_TEST(seen.insert(std::string{row.at.method} + ' ' + std::string{row.at.path}).second, row.name);
}

BOOST_AUTO_TEST_CASE(patterns) {
    std::vector<std::string> const path{"sync", "p/1", "digest"};
    auto const found = match("/sync/{peer_id}/digest", path);
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST((*found == path_parameters{{"peer_id", "p/1"}}));
    BOOST_TEST(!match("/sync/{peer_id}", path).has_value());
    BOOST_TEST(!match("/sync/{peer_id}/digest/{more}", path).has_value());
    BOOST_TEST(!match("/sync/{peer_id}/metrics", path).has_value());
    std::vector<std::string> const empty{"sync", ""};
    BOOST_TEST(!match("/sync/{peer_id}", empty).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
