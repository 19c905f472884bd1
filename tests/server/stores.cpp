#include "support.hpp"

#include <reference_server/storage/registry.hpp>

#include <stores/store_contract.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

// Every store that `--store` can name keeps the contract.
BOOST_AUTO_TEST_SUITE(stores)

BOOST_DATA_TEST_CASE(every_store_keeps_the_contract,
                     boost::unit_test::data::make(bsp::server::store_names()) * boost::unit_test::data::make(bsp::test::store_contract), name, clause) {
    support::scratch const dir;
    auto const store = bsp::server::open_store(name, dir.path());
    clause.check(*store);
}

BOOST_AUTO_TEST_SUITE_END()
