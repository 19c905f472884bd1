#pragma once

#include "door.hpp"
#include "wire.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bsp::server {

/// One WebSocket (RFC 6455) of text messages. Lives on the door's thread. A client that does not read its answers is
/// not read from either, so it costs what `door_limits` allow and no thread.
class conversation final : public socket_line, public std::enable_shared_from_this<conversation> {
public:
    conversation(wire line, door_limits const& limits);

    /// Completes the handshake that `request` began and goes on until the connection has ended.
    boost::asio::awaitable<void> serve(http_request request, std::function<std::shared_ptr<socket_listener>(std::shared_ptr<socket_line>)> accept);

    void send(std::vector<std::string> messages) override;
    void close(std::uint16_t code, std::string reason) override;

private:
    struct farewell {
        std::uint16_t code;
        std::string reason;
        bool after_answers;  ///< what was received before is answered first
    };

    boost::asio::awaitable<void> read();
    boost::asio::awaitable<void> write();
    void end_with(farewell how);
    void cut_after(std::chrono::milliseconds time);
    [[nodiscard]] bool may_leave() const;

    boost::beast::websocket::stream<wire, false> socket_;
    door_limits const& limits_;
    boost::asio::steady_timer to_write_;   ///< cancelled when the writer has something to do
    boost::asio::steady_timer to_read_;    ///< cancelled when answers have left
    boost::asio::steady_timer cut_;        ///< ends what does not end by itself
    struct {
        boost::asio::cancellation_signal reading, leaving;
    } given_up_;                           ///< with `cut_`
    std::shared_ptr<socket_listener> listener_;
    std::deque<std::string> answers_;
    std::size_t unanswered_ = 0;           ///< messages received whose answer has not left
    std::optional<farewell> farewell_;
    bool ended_ = false;                   ///< nothing can be read any more
    bool writer_gone_ = false;
};

}  // namespace bsp::server
