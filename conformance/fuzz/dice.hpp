#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <utility>

namespace bsp::conformance::fuzz {

/// All chance of a fuzz run. The same seed draws the same things everywhere.
class dice {
public:
    explicit dice(std::uint64_t seed) : random_{seed} {}

    [[nodiscard]] std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
    [[nodiscard]] bool one_in(std::size_t n) { return below(n) == 0; }
    [[nodiscard]] dice split() { return dice{random_()}; }

    template <class List>
    [[nodiscard]] auto const& of(List const& list) {
        return *std::next(std::begin(list), static_cast<std::ptrdiff_t>(below(std::size(list))));
    }

    template <class List>
    void shuffle(List& list) {
        for (std::size_t i = std::size(list); i > 1; --i) std::swap(list[i - 1], list[below(i)]);
    }

private:
    std::mt19937_64 random_;
};

}  // namespace bsp::conformance::fuzz
