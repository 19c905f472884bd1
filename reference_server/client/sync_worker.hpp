#pragma once

#include <bsp/observe/peer_view.hpp>
#include <bsp/policy/environment.hpp>
#include <bsp/policy/sync_ledger.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace bsp::server {

class living_installation;
class sync_switch;

/// The client side of a running server: the machines of include/bsp/sync on one thread, their requests on another,
/// however many peers there are. Woken by commits, by answers, and by `sync now|on|off`.
class sync_worker {
public:
    struct world {
        living_installation& who;
        settings const& config;
        store_base& store;
        sync_ledger& ledger;
        sync_switch* wishes;  ///< of the operator; nullptr: always on
        std::string ca_file = {};  ///< as of http_client
    };

    /// What is referred to must outlive the worker.
    explicit sync_worker(world const& around);
    /// As `stop`.
    ~sync_worker();
    sync_worker(sync_worker const&) = delete;
    sync_worker& operator=(sync_worker const&) = delete;

    /// Something was committed. Returns at once; from any thread.
    void wake() noexcept;

    /// Begins, once the settings are what they will be. Two processes with one ledger would undo each other's
    /// progress: `lock` is held as long as this one runs, and nothing is synchronized when another one holds it.
    void start(std::filesystem::path const& lock);

    /// What is known of the exchange with these peers now, those that are called. Waits for the worker's thread, a second
    /// at most; nothing is known when it takes longer, or does not run. From any thread but the worker's.
    [[nodiscard]] std::map<std::string, observe::client_half, std::less<>> look(std::span<std::string const> peer_ids);

    /// Gives up what is under way, within milliseconds; it is repeated after the next start.
    void stop();

    /// Whether some process runs with this lock.
    static bool is_running(std::filesystem::path const& lock);

private:
    class worker;
    std::unique_ptr<worker> worker_;
};

}  // namespace bsp::server
