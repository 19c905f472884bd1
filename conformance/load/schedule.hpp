#pragma once

#include "mix.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bsp::conformance::load {

/// A request of the schedule. When it is due does not depend on how others fare, and its latency counts from then on.
struct planned {
    std::chrono::nanoseconds due{};  ///< since the beginning of the run
    operation what = operation::push;
    std::uint32_t peer = 0;
    std::uint32_t turn = 0;          ///< how many of this operation this peer had before
};

enum class arrivals : std::uint8_t {
    poisson,  ///< as many people who know nothing of each other make them
    even,     ///< one every 1/rate seconds
};

struct schedule_options {
    double rate = 100;  ///< requests per second, of all peers together
    std::chrono::nanoseconds duration{std::chrono::seconds{30}};
    std::size_t peers = 100;
    load::mix mix;
    load::arrivals arrivals = load::arrivals::poisson;
    std::uint64_t seed = 1;
};

/// Every request of a run, in the order in which they are due. Of each operation all peers have their turn before one
/// has it again, in an order of the seed's, so that no peer exceeds its budget by chance.
std::vector<planned> make_schedule(schedule_options const&);

/// Pushes that the busiest peer is due to make within any 60 seconds.
std::size_t busiest_minute(std::vector<planned> const&, operation, std::size_t peers);

}  // namespace bsp::conformance::load
