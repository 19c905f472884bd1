#pragma once

#include <bsp/policy/store.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace bsp::server {

/// Removes from the disk what is too old: of every user's copies what has expired, at the start and every hour from then on,
/// and the oldest of the audit trail every day; in small transactions between which others write. What readers see does
/// not wait for it.
class retention {
public:
    struct rules {
        bool copies_expire = false;  ///< of a hosted backend; a local one has the originals (A-134)
        std::chrono::hours audit_kept{};
    };

    retention(store_base& store, rules how);
    ~retention() { stop(); }
    retention(retention const&) = delete;

    void stop();

private:
    void work();
    void sweep_all();
    void prune_trail(instant now);
    bool sweep_user(std::string const& user_id);
    [[nodiscard]] bool is_stopping();

    store_base& store_;
    rules const how_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    instant sweep_due_, prune_due_;
    std::thread thread_;
};

}  // namespace bsp::server
