#pragma once

#include "connection.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace bsp::server::postgres {

/// Up to `connections_max` connections, made when they are needed. Safe from several threads.
class pool {
public:
    pool(std::string url, std::size_t connections_max) : url_{std::move(url)}, connections_max_{connections_max} {}

    /// A connection in which no transaction is open. Waits for one some seconds at most; throws `failure`.
    std::unique_ptr<connection> take();
    /// Gives one back that was taken; nothing, when it is of no more use.
    void give_back(std::unique_ptr<connection> db);

private:
    using steady = std::chrono::steady_clock;
    struct idle_connection {
        std::unique_ptr<connection> db;
        steady::time_point since;
    };

    std::unique_ptr<connection> connect();
    void forget_idle(steady::time_point until);

    std::string const url_;
    std::size_t const connections_max_;
    std::mutex mutex_;
    std::condition_variable freed_;
    std::vector<idle_connection> idle_;
    std::size_t taken_ = 0;
    steady::time_point down_until_{};  ///< a database that could not be reached is not tried by everyone at once
};

}  // namespace bsp::server::postgres
