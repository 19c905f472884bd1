#pragma once

#include "connection.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <thread>

namespace bsp::server::postgres {

/// Tells other instances of commits here, and is told of theirs, on a connection of its own. It may fail: nothing depends on it
/// but how soon something is seen.
class watch {
public:
    /// `commit_elsewhere` is called on a thread of this object.
    watch(std::string url, std::function<void()> commit_elsewhere);
    ~watch();
    watch(watch const&) = delete;
    watch& operator=(watch const&) = delete;

    /// Something was committed here.
    void committed() noexcept;

private:
    void work();
    void stay(connection& db);
    void ring() const noexcept;

    std::string const url_;
    std::string const name_;  ///< of this instance, to know its own notifications
    std::function<void()> const commit_elsewhere_;
    int bell_;                ///< rung for `untold_` and for `stopping_`
    std::atomic<bool> untold_{false};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace bsp::server::postgres
