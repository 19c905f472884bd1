#pragma once

#include "door/door.hpp"

#include <bsp/endpoint/telemetry_intake.hpp>
#include <bsp/policy/store.hpp>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bsp::server {

/// All telemetry streams of this server. One thread takes what has come on any of them, stores it in one transaction
/// and sends the answers, so streams hold no worker, and many of them share the cost of a commit. It also looks
/// after idle ones: whose peer has lost its right is closed within a second.
class telemetry {
public:
    telemetry(store_base& store, std::size_t events_per_minute, guards& watch);
    /// As `stop`.
    ~telemetry();
    telemetry(telemetry const&) = delete;
    telemetry& operator=(telemetry const&) = delete;

    /// A stream of that owner, for the door. It may outlive this object.
    std::function<std::shared_ptr<socket_listener>(std::shared_ptr<socket_line>)> stream_of(endpoint::stream_owner owner);

    /// Stores what has come, and nothing after that.
    void stop();

private:
    class stream;
    struct shared;

    static void work(shared& s, endpoint::telemetry_intake& intake);

    endpoint::telemetry_intake intake_;
    std::shared_ptr<shared> shared_;
    std::thread thread_;
};

}  // namespace bsp::server
