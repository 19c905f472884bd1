#pragma once

#include <bsp/observe/observatory.hpp>
#include <bsp/policy/store.hpp>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

namespace bsp::server {

/// Looks every few seconds at what may go wrong, whether or not somebody asks, so that alerts begin and end in time
/// (BSP-OBS-051 … BSP-OBS-056). What begins and ends goes to the sinks of the observatory.
class watch {
public:
    /// What is referred to must outlive the watch.
    watch(observe::observatory& seen, store_base& store);
    ~watch() { stop(); }
    watch(watch const&) = delete;
    watch& operator=(watch const&) = delete;

    void stop();

private:
    void work();

    observe::observatory& seen_;
    store_base& store_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

/// Bytes that this process may still fill on the disk of `dir`.
std::optional<double> free_bytes(std::filesystem::path const& dir);

}  // namespace bsp::server
