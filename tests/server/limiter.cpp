#include "support.hpp"

#include <reference_server/storage/sqlite_store.hpp>

#include <bsp/policy/store_limiter.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using bsp::instant;

namespace {

constexpr bsp::rate three{"try", 3, 60s};
constexpr instant t{1'767'139'200, 0};

bool passes(bsp::limiter_base& limits, std::string_view who, instant at) { return limits.take(three, who, at).value().passes(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(limits_in_a_file)

// tests/policy/limiter.cpp has the rest of the contract; here it is two servers over one file, and a restart.
BOOST_AUTO_TEST_CASE(servers_over_one_file_share_budgets_and_a_restart_gives_none_anew) {
    support::scratch const dir;
    std::string const path = (dir / "bsp.db").string();
    {
        bsp::server::sqlite_store first{path}, second{path};
        bsp::store_limiter here{first}, there{second};
        BOOST_TEST(passes(here, "ada", t));
        BOOST_TEST(passes(there, "ada", t));
        BOOST_TEST(passes(here, "ada", t + 1s));
        BOOST_TEST(!passes(there, "ada", t + 1s));
        BOOST_TEST(passes(there, "bob", t + 1s));
    }
    bsp::server::sqlite_store again{path};
    bsp::store_limiter limits{again};
    BOOST_TEST(!passes(limits, "ada", t + 59s));
    BOOST_TEST(passes(limits, "ada", t + 60s));
}

BOOST_AUTO_TEST_CASE(requests_at_once_are_all_counted) {
    support::scratch const dir;
    bsp::server::sqlite_store store{(dir / "bsp.db").string()};
    bsp::store_limiter limits{store};
    std::atomic<int> passed{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < 4; ++i)
        callers.emplace_back([&] {
            for (int n = 0; n < 5; ++n) passed += passes(limits, "ada", t);
        });
    for (auto& c : callers) c.join();
    BOOST_TEST(passed == 3);
}

BOOST_AUTO_TEST_SUITE_END()
