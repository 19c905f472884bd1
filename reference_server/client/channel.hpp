#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace bsp::server {

/// One connection to an origin, with TLS or without.
struct channel {
    channel(boost::asio::io_context& context, std::string to, std::size_t buffer_bytes_max) : origin{std::move(to)}, socket{context}, idle{context}, buffer{buffer_bytes_max} {}

    std::string origin;
    boost::asio::ip::tcp::socket socket;
    std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls;
    boost::asio::steady_timer idle;  ///< how long it may wait for the next request
    boost::beast::flat_buffer buffer;

    void close() {
        boost::system::error_code ignored;
        socket.close(ignored);
    }

    /// Whether nothing came since the last answer: neither the end nor words that nobody asked for.
    [[nodiscard]] bool is_quiet() {
        boost::system::error_code ec;
        char one = 0;
        socket.non_blocking(true, ec);
        if (ec || buffer.size() != 0) return false;
        socket.receive(boost::asio::buffer(&one, 1), boost::asio::ip::tcp::socket::message_peek, ec);
        return ec == boost::asio::error::would_block;
    }
};

}  // namespace bsp::server
