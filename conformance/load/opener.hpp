#pragma once

#include "company.hpp"

#include "../target/stream.hpp"
#include "../target/web_socket.hpp"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace bsp::conformance::load {

/// A connection that is wanted, and what became of it.
struct opened {
    std::size_t lane = 0;
    std::unique_ptr<stream> to;           ///< null: it failed
    std::unique_ptr<web_socket> socket;   ///< instead of `to`, of a stream of telemetry
    int descriptor = -1;
    fault why = fault::none;
    std::string detail;
    std::optional<http_response> refusal = {};  ///< the answer to an upgrade, when it was another than 101
};

/// Connects in threads of its own, TLS and upgrades included, because that waits for the target.
class opener {
public:
    /// `descriptor` becomes readable (eventfd) whenever something is ready.
    opener(company&, std::chrono::milliseconds timeout, int descriptor);
    ~opener();
    opener(opener const&) = delete;
    opener& operator=(opener const&) = delete;

    /// Lanes below the number of peers are for requests, those behind for telemetry.
    void want(std::size_t lane);
    [[nodiscard]] std::vector<opened> take();

private:
    void work();
    [[nodiscard]] opened open(std::size_t lane);
    void upgrade(opened&, participant const&);

    company& company_;
    std::chrono::milliseconds timeout_;
    int descriptor_;
    std::mutex mutex_;
    std::condition_variable wanted_;
    std::deque<std::size_t> lanes_;
    std::vector<opened> done_;
    bool stop_ = false;
    std::vector<std::thread> workers_;
};

}  // namespace bsp::conformance::load
