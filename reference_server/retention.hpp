#pragma once

#include <bsp/policy/store.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace bsp::server {

/// Removes from the disk what has expired, for every user, at the start and every hour from then on, in small
/// transactions between which others write. What readers see does not wait for it.
class retention {
public:
    explicit retention(store_base& store);
    ~retention() { stop(); }
    retention(retention const&) = delete;

    void stop();

private:
    void work();
    void sweep_all();
    bool sweep_user(std::string const& user_id);
    [[nodiscard]] bool is_stopping();

    store_base& store_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    instant due_;  ///< of the next sweep
    std::thread thread_;
};

}  // namespace bsp::server
