#pragma once

#include "../surroundings.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace bsp::conformance::load {

/// Calls `body` with 0 … n-1, from some threads.
template <class Body>
void side_by_side(std::size_t n, Body const& body) {
    constexpr std::size_t threads = 8;
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < std::min(n, threads); ++i)
        workers.emplace_back([&] {
            for (std::size_t at; (at = next++) < n;) body(at);
        });
}

/// "https://host:port" of a target.
inline std::string origin_of(target const& t) { return t.url().substr(0, t.url().size() - t.base_path().size()); }

/// Sends what `make` makes, again and anew as long as the target asks for patience, fails or does not answer; the last
/// answer after a minute and a half.
answer insistently(surroundings&, std::function<http_request()> const& make);

}  // namespace bsp::conformance::load
