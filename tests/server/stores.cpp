#include "support.hpp"

#include <reference_server/storage/registry.hpp>

#include <stores/ledger_contract.hpp>
#include <stores/store_contract.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

// Every store that `--store` can name keeps the contract.
BOOST_AUTO_TEST_SUITE(stores)

BOOST_DATA_TEST_CASE(every_store_keeps_the_contract,
                     boost::unit_test::data::make(bsp::server::store_names()) * boost::unit_test::data::make(bsp::test::store_contract), name, clause) {
    support::scratch const dir;
    auto const store = bsp::server::open_store(name, dir.path());
    clause.check(*store);
}

BOOST_DATA_TEST_CASE(its_ledger_keeps_the_contract,
                     boost::unit_test::data::make(bsp::server::store_names()) * boost::unit_test::data::make(bsp::test::ledger_contract), name, clause) {
    support::scratch const dir;
    auto const store = bsp::server::open_store(name, dir.path());
    auto const ledger = bsp::server::open_ledger(*store);
    clause.check(*ledger);
}

namespace {

/// An SQLite store whose content is sealed.
struct sealed {
    support::scratch const dir;
    std::unique_ptr<bsp::store_base> store;

    sealed() {
        setenv("BSP_KEY_ENCRYPTION_KEY", std::string(64, 'a').c_str(), 1);
        bsp::server::protect_content("sqlite", dir.path(), true);
        store = bsp::server::open_store("sqlite", dir.path());
    }
    ~sealed() { unsetenv("BSP_KEY_ENCRYPTION_KEY"); }
};

}  // namespace

BOOST_DATA_TEST_CASE(a_sealed_store_keeps_the_contract, boost::unit_test::data::make(bsp::test::store_contract), clause) {
    sealed const s;
    clause.check(*s.store);
}

BOOST_DATA_TEST_CASE(its_sealed_ledger_keeps_the_contract, boost::unit_test::data::make(bsp::test::ledger_contract), clause) {
    sealed const s;
    auto const ledger = bsp::server::open_ledger(*s.store);
    clause.check(*ledger);
}

BOOST_AUTO_TEST_CASE(what_is_queued_is_in_no_file_of_a_sealed_store) {
    sealed const s;
    std::string const word = "canary7f3ad1";
    auto const ledger = bsp::server::open_ledger(*s.store);
    BOOST_TEST(ledger->append("peer_1", {0, "e1", "{\"question\": \"" + word + "\"}", {}}, 0).has_value());
    BOOST_TEST(ledger->events("peer_1", 0, 10).value().front().body.find(word) != std::string::npos);
    for (auto const& entry : std::filesystem::recursive_directory_iterator{s.dir.path()})
        if (entry.is_regular_file()) BOOST_TEST(support::read_file(entry.path()).find(word) == std::string::npos, entry.path());
    unsetenv("BSP_KEY_ENCRYPTION_KEY");
    auto const locked = bsp::server::open_store("sqlite", s.dir.path());
    BOOST_TEST(bsp::server::open_ledger(*locked)->events("peer_1", 0, 10).error().detail == "storage is not available");
    BOOST_CHECK_THROW(bsp::server::protect_content("sqlite", s.dir.path(), false), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_ledger_in_a_file_survives_reopening) {
    support::scratch const dir;
    auto const progress = bsp::test::ledger_promises::full_progress();
    std::uint64_t last = 0;
    {
        auto const store = bsp::server::open_store("sqlite", dir.path());
        auto const ledger = bsp::server::open_ledger(*store);
        BOOST_TEST(ledger->save(progress, bsp::sync_occurrence{}).has_value());
        for (char const* id : {"e1", "e2", "e3"}) BOOST_TEST(ledger->append("peer_1", {0, id, "{}", {}}, 0).has_value());
        BOOST_TEST(ledger->append("peer_1", {0, "e4", "{}", {}}, 1).has_value());
        last = ledger->events("peer_1", 0, 10).value().back().number;
        BOOST_TEST(ledger->remove_event("peer_1", "e4").has_value());
    }
    auto const store = bsp::server::open_store("sqlite", dir.path());
    auto const ledger = bsp::server::open_ledger(*store);
    BOOST_TEST((ledger->progress("peer_1").value() == progress));
    BOOST_TEST(ledger->history("peer_1", 10).value().size() == 1u);
    BOOST_TEST(bsp::test::ledger_promises::ids(ledger->events("peer_1", 0, 10).value()) == (std::vector<std::string>{"e2", "e3"}), boost::test_tools::per_element());
    BOOST_TEST(ledger->usage("peer_1").value().dropped == 1u);
    // Who read up to the last event sees the next one, although that last one is gone.
    BOOST_TEST(ledger->append("peer_1", {0, "e5", "{}", {}}, 0).has_value());
    BOOST_TEST(bsp::test::ledger_promises::ids(ledger->events("peer_1", last, 10).value()) == (std::vector<std::string>{"e5"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_ledger_wakes_nobody) {
    support::scratch const dir;
    auto const store = bsp::server::open_store("sqlite", dir.path());
    auto const ledger = bsp::server::open_ledger(*store);
    int commits = 0;
    store->on_commit([&] { ++commits; });
    BOOST_TEST(ledger->save(bsp::test::ledger_promises::full_progress(), {}).has_value());
    BOOST_TEST(commits == 0);
    BOOST_TEST(store->write([](bsp::store_writer&) { return bsp::ok(); }).has_value());
    BOOST_TEST(commits == 1);
}

BOOST_AUTO_TEST_SUITE_END()
