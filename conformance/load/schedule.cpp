#include "schedule.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>

namespace bsp::conformance::load {
namespace {

/// Uniform in [0, 1), the same on every machine for a seed.
double uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

}  // namespace

std::vector<planned> make_schedule(schedule_options const& o) {
    std::mt19937_64 random{o.seed};
    // A permutation for each operation, and where in it the next turn is.
    std::array<std::vector<std::uint32_t>, operations> order;
    std::array<std::size_t, operations> next{};
    for (auto& peers : order) {
        peers.resize(o.peers);
        std::iota(peers.begin(), peers.end(), 0u);
        for (std::size_t i = peers.size(); i > 1; --i) std::swap(peers[i - 1], peers[static_cast<std::size_t>(random() % i)]);
    }
    std::vector<planned> out;
    double const end = std::chrono::duration<double>{o.duration}.count();
    out.reserve(static_cast<std::size_t>(o.rate * end * 1.1) + 16);
    double const gap = 1 / o.rate;
    double at = o.arrivals == arrivals::even ? 0 : -std::log1p(-uniform(random)) * gap;
    for (std::size_t n = 1; at < end; ++n) {
        double choice = uniform(random);
        std::size_t what = 0;
        while (what + 1 < operations && (choice -= o.mix.shares[what]) >= 0) ++what;
        while (o.mix.shares[what] <= 0) what = (what + operations - 1) % operations;  // rounding must not draw what nobody asked for
        auto const turn = next[what]++;
        out.push_back({std::chrono::nanoseconds{static_cast<std::int64_t>(at * 1e9)}, all_operations[what], order[what][turn % o.peers], static_cast<std::uint32_t>(turn / o.peers)});
        at = o.arrivals == arrivals::even ? static_cast<double>(n) * gap : at - std::log1p(-uniform(random)) * gap;
    }
    return out;
}

std::size_t busiest_minute(std::vector<planned> const& all, operation what, std::size_t peers) {
    std::vector<std::vector<std::chrono::nanoseconds>> of(peers);
    for (auto const& p : all)
        if (p.what == what) of[p.peer].push_back(p.due);
    std::size_t most = 0;
    for (auto const& times : of)
        for (std::size_t first = 0, last = 0; last < times.size(); ++last) {
            while (times[last] - times[first] >= std::chrono::seconds{60}) ++first;
            most = std::max(most, last - first + 1);
        }
    return most;
}

}  // namespace bsp::conformance::load
