#include "store_contract.hpp"

#include <bsp/testing/failing_store.hpp>
#include <bsp/testing/memory_store.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

using namespace bsp;
using boost::unit_test::data::make;

BOOST_AUTO_TEST_SUITE(stores)

BOOST_DATA_TEST_CASE(memory_store_keeps_the_contract, make(test::store_contract), clause) {
    testing::memory_store store;
    clause.check(store);
}

// A failing store that does not fail is the store it wraps.
BOOST_DATA_TEST_CASE(failing_store_keeps_the_contract, make(test::store_contract), clause) {
    if (clause.promise.starts_with("concurrent")) return;  // it counts operations of one thread
    testing::memory_store inner;
    testing::failing_store store{inner};
    clause.check(store);
}

BOOST_AUTO_TEST_CASE(failing_store_fails_from_then_on) {
    testing::memory_store inner;
    testing::failing_store store{inner};
    store.fail_at(1);
    auto const peer = [&] { return store.read([](store_reader& r) { return r.peer("p"); }); };
    BOOST_TEST((peer().error().code == errc::unavailable));
    BOOST_TEST(store.has_failed());
    store.never_fail();
    BOOST_TEST(peer().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
