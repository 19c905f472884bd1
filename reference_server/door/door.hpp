#pragma once

#include "limits.hpp"

#include <bsp/base/error.hpp>
#include <bsp/base/http.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace bsp::server {

/// A connection that leaves HTTP: its socket, owned by the receiver, and what was read ahead of it.
struct upgraded_connection {
    http_request request;
    int socket = -1;
    std::string read_ahead;
};

/// What stands behind the door.
struct door_handlers {
    /// A whole request that passed every check of the door. Runs on a worker, may block. Returns the
    /// answer as HTTP/1.1 bytes; with `close` it says `Connection: close`.
    std::function<std::string(http_request&& request, bool close)> answer;

    /// A request that did not pass; `what_is_known` may be incomplete. Returns bytes that say
    /// `Connection: close`. Runs on the door's own thread, must not block.
    std::function<std::string(http_request const& what_is_known, error const& why)> refuse;

    /// A WebSocket upgrade; when empty, such a request is served like any other.
    std::function<void(upgraded_connection)> upgrade;
};

/// The server's front: owns the sockets, reads requests within the limits, in order, one at a time per
/// connection, and lets nothing ambiguous through. One thread waits for all connections, so an idle or
/// slow client costs a timer and no thread; requests are served by a bounded pool in order of arrival,
/// so a client waits for at most one request of each other client.
class door {
public:
    /// Listens on `host`:`port`; port 0 picks a free one. Throws std::system_error with the reason.
    door(std::string const& host, std::uint16_t port, door_limits limits, door_handlers handlers);
    /// As `stop`.
    ~door();
    door(door const&) = delete;
    door& operator=(door const&) = delete;

    [[nodiscard]] std::uint16_t port() const;

    /// Takes no further request, answers those under way, and returns when all connections are closed.
    void stop();

private:
    class front;
    std::unique_ptr<front> front_;
};

}  // namespace bsp::server
