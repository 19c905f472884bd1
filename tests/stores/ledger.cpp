#include "ledger_contract.hpp"

#include <bsp/testing/memory_ledger.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

using namespace bsp;
using boost::unit_test::data::make;

BOOST_AUTO_TEST_SUITE(ledgers)

BOOST_DATA_TEST_CASE(memory_ledger_keeps_the_contract, make(test::ledger_contract), clause) {
    testing::memory_ledger ledger;
    clause.check(ledger);
}

BOOST_AUTO_TEST_CASE(a_failing_ledger_changes_nothing) {
    testing::memory_ledger ledger;
    auto const p = test::ledger_promises::full_progress();
    BOOST_TEST(ledger.save(p, {}).has_value());
    ledger.fail_at(1);
    BOOST_TEST(ledger.append("peer_1", {0, "e1", "{}", {}}, 0).has_value());
    auto changed = p;
    changed.since.clear();
    BOOST_TEST(!ledger.save(changed, sync_occurrence{}));
    BOOST_TEST(!ledger.append("peer_1", {0, "e2", "{}", {}}, 1));
    BOOST_TEST(!ledger.forget("peer_1"));
    BOOST_TEST((ledger.progress("peer_1").value() == p));
    BOOST_TEST(ledger.usage("peer_1").value().items == 1u);
    ledger.never_fail();
    BOOST_TEST(ledger.save(changed, {}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
