#pragma once

#include "door.hpp"

#include <memory>
#include <string>
#include <thread>

namespace httplib {
class Server;
}

namespace bsp::faulty {

/// Serves a handler over HTTP on 127.0.0.1, in threads of its own, until it is destroyed.
class http_server final : public door {
public:
    /// Port 0: any free one. Throws std::runtime_error when the port is taken. The handler is asked for
    /// afterwards, because a backend wants to know its own URL.
    explicit http_server(int port);
    ~http_server() override;
    http_server(http_server const&) = delete;
    http_server& operator=(http_server const&) = delete;

    [[nodiscard]] std::string const& url() const override { return url_; }
    void start(handler h, std::shared_ptr<socket_service> = {}) override;  ///< HTTP only
    void wait() override;

private:
    std::unique_ptr<httplib::Server> server_;
    std::string url_;
    std::thread thread_;
};

}  // namespace bsp::faulty
