#include <bsp/adapters/memory_replay_guard.hpp>
#include <bsp/adapters/os_entropy.hpp>
#include <bsp/adapters/system_clock.hpp>
#include <bsp/endpoint/dispatch.hpp>

#include <boost/test/unit_test.hpp>

#include <array>

using namespace bsp;
using namespace std::chrono_literals;

// The whole server compiles against the smallest models of its world.
template http_response bsp::handle(environment<store_base, entropy_archetype, secret_book_archetype, replay_guard_archetype>&, http_request const&, instant);

BOOST_AUTO_TEST_SUITE(adapters)

BOOST_AUTO_TEST_CASE(the_replay_guard_remembers_until_expiry) {
    memory_replay_guard guard;
    instant const t{100, 0};
    BOOST_TEST(guard.claim("a", "1", t + 60s, t));
    BOOST_TEST(!guard.claim("a", "1", t + 60s, t + 59s));
    BOOST_TEST(guard.claim("b", "1", t + 60s, t));
    BOOST_TEST(guard.claim("a", "1", t + 120s, t + 60s));
    BOOST_TEST(!guard.claim("a", "1", t + 120s, t + 61s));
}

BOOST_AUTO_TEST_CASE(a_full_replay_guard_refuses_until_there_is_room) {
    memory_replay_guard guard{2};
    instant const t{100, 0};
    BOOST_TEST(guard.claim("a", "1", t + 10s, t));
    BOOST_TEST(guard.claim("a", "2", t + 20s, t));
    BOOST_TEST(!guard.claim("a", "3", t + 30s, t));
    BOOST_TEST(guard.claim("a", "3", t + 30s, t + 10s));
}

BOOST_AUTO_TEST_CASE(the_systems_clock_and_entropy) {
    BOOST_TEST((system_clock{}.now() > instant{1'700'000'000, 0}));
    std::array<std::uint8_t, 32> a{}, b{};
    os_entropy{}.fill(a);
    os_entropy{}.fill(b);
    BOOST_TEST((a != b));
}

BOOST_AUTO_TEST_SUITE_END()
