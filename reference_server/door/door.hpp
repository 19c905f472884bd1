#pragma once

#include "limits.hpp"

#include <bsp/base/error.hpp>
#include <bsp/base/http.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bsp::server {

class tls_identity;

/// An answer that may be held back for a while: no worker waits for it meanwhile.
struct held_answer {
    std::chrono::milliseconds wait{};
    /// Asked after `door::wake`, every second, and with `last` when the wait is over: the answer, or nothing while it
    /// is worth waiting on. Runs on a worker, may block.
    std::function<std::optional<std::string>(bool last)> again;
};

/// An answer as HTTP/1.1 bytes. With `held`, that is asked first, and `bytes` is what is sent if it never says anything.
struct door_answer {
    door_answer(std::string text) : bytes{std::move(text)} {}  // NOLINT: an answer is bytes first of all
    std::string bytes;
    std::optional<held_answer> held;
};

/// The door's end of a WebSocket. Its functions may be called on any thread, return at once, and do nothing when the
/// client has gone.
class socket_line {
public:
    virtual ~socket_line() = default;
    /// Sends text messages, in order. Each is the answer to one that was received: a client that does not take its
    /// answers is not read from.
    virtual void send(std::vector<std::string> messages) = 0;
    /// Ends the connection once what was given to `send` before has left, or a second has passed.
    virtual void close(std::uint16_t code, std::string reason) = 0;
};

/// Who hears a WebSocket. Called on the door's thread, must not block.
class socket_listener {
public:
    virtual ~socket_listener() = default;
    virtual void received(std::string message) = 0;
    /// The last call.
    virtual void ended() = 0;
};

/// The answer to a WebSocket upgrade: `accept` takes it, and without it `bytes` is an answer like any other.
struct upgrade_answer {
    std::string bytes;
    std::function<std::shared_ptr<socket_listener>(std::shared_ptr<socket_line>)> accept;
};

/// What stands behind the door.
struct door_handlers {
    /// A whole request that passed every check of the door. Runs on a worker, may block. Returns the
    /// answer as HTTP/1.1 bytes; with `close` it says `Connection: close`.
    std::function<door_answer(http_request&& request, bool close)> answer;

    /// A request that did not pass; `what_is_known` may be incomplete. Returns bytes that say
    /// `Connection: close`. Runs on the door's own thread, must not block.
    std::function<std::string(http_request const& what_is_known, error const& why)> refuse;

    /// A correct WebSocket upgrade (RFC 6455); when empty, such a request is served like any other. As `answer`.
    std::function<upgrade_answer(http_request&& request, bool close)> upgrade;
};

/// The server's front: owns the sockets, reads requests within the limits, in order, one at a time per
/// connection, and lets nothing ambiguous through. One thread waits for all connections, so an idle or
/// slow client costs a timer and no thread; requests are served by a bounded pool in order of arrival,
/// so a client waits for at most one request of each other client.
class door {
public:
    /// Listens on `host`:`port`; port 0 picks a free one. Speaks TLS when it has an identity to show. Throws
    /// std::system_error with the reason.
    door(std::string const& host, std::uint16_t port, door_limits limits, door_handlers handlers, std::shared_ptr<tls_identity const> shown = nullptr);
    /// As `stop`.
    ~door();
    door(door const&) = delete;
    door& operator=(door const&) = delete;

    [[nodiscard]] std::uint16_t port() const;

    /// Something changed: held answers are asked again, within some milliseconds and together with those that
    /// `wake` calls at about the same time. May be called on any thread.
    void wake();

    /// Who connects from now on is shown this certificate. May be called on any thread, on a door that speaks TLS.
    void show(std::shared_ptr<tls_identity const> identity);

    /// Takes no further request, closes every WebSocket with 1012, answers those under way, and returns when all connections are closed.
    void stop();

private:
    class front;
    std::unique_ptr<front> front_;
};

}  // namespace bsp::server
