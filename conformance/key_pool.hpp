#pragma once

#include "principals.hpp"
#include "signing_key.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace bsp::conformance {

/// RSA keys of this run, made in the background while checks are busy on the network. A few are shared by
/// all checks; the others are given away once.
class key_pool {
public:
    key_pool() = default;
    ~key_pool();
    key_pool(key_pool const&) = delete;
    key_pool& operator=(key_pool const&) = delete;

    void start();                   ///< begins to make keys; the first request for one does so, too
    key shared(std::size_t index);  ///< the same key for the same index; waits until it exists
    key fresh();                    ///< a key nobody has

private:
    void work();
    void start_locked();

    std::mutex mutex_;
    std::condition_variable made_, wanted_;
    std::vector<key> shared_;
    std::deque<key> fresh_;
    std::size_t shared_wanted_ = 4;  // what an ordinary check needs
    std::size_t making_ = 0;
    std::vector<signing_key::prime> primes_;       // every two of them make a key
    std::size_t next_of_ = 1, next_with_ = 0;      // which two, next
    bool stop_ = false;
    std::vector<std::thread> workers_;
};

}  // namespace bsp::conformance
