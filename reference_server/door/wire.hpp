#pragma once

#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include <utility>
#include <variant>

namespace bsp::server {

/// The bytes of one client, in cleartext or through TLS: an asynchronous stream for Asio and Beast. Closing and
/// cancelling are done on `socket()`.
class wire {
public:
    using cleartext = boost::asio::ip::tcp::socket;
    using encrypted = boost::asio::ssl::stream<cleartext>;
    using executor_type = cleartext::executor_type;

    explicit wire(cleartext socket) : stream_{std::in_place_type<cleartext>, std::move(socket)} {}
    wire(cleartext socket, boost::asio::ssl::context& tls) : stream_{std::in_place_type<encrypted>, std::move(socket), tls} {}

    [[nodiscard]] cleartext& socket() {
        auto* const e = tls();
        return e ? e->next_layer() : std::get<cleartext>(stream_);
    }
    /// nullptr in cleartext.
    [[nodiscard]] encrypted* tls() { return std::get_if<encrypted>(&stream_); }
    [[nodiscard]] executor_type get_executor() { return socket().get_executor(); }

    template <class Buffers, class Token>
    auto async_read_some(Buffers const& buffers, Token&& token) {
        if (auto* const e = tls()) return e->async_read_some(buffers, std::forward<Token>(token));
        return socket().async_read_some(buffers, std::forward<Token>(token));
    }
    template <class Buffers, class Token>
    auto async_write_some(Buffers const& buffers, Token&& token) {
        if (auto* const e = tls()) return e->async_write_some(buffers, std::forward<Token>(token));
        return socket().async_write_some(buffers, std::forward<Token>(token));
    }

private:
    std::variant<cleartext, encrypted> stream_;
};

// How Beast ends a WebSocket on a wire.

inline void beast_close_socket(wire& ended) {
    boost::system::error_code ignored;
    ended.socket().close(ignored);
}

inline void teardown(boost::beast::role_type role, wire& ended, boost::system::error_code& ec) {
    boost::beast::websocket::teardown(role, ended.socket(), ec);
}

/// What a client still sends is read after the farewell of TLS, too: closing a socket with unread bytes resets the
/// connection, and the client would never see why it ended.
template <class Handler>
void async_teardown(boost::beast::role_type role, wire& ended, Handler&& handler) {
    enum class step { farewell, end, done };
    boost::asio::async_compose<Handler, void(boost::system::error_code)>(
        [&ended, role, next = ended.tls() ? step::farewell : step::end](auto& self, boost::system::error_code ec = {}) mutable {
            switch (next) {
                case step::farewell: next = step::end; return ended.tls()->async_shutdown(std::move(self));
                case step::end: next = step::done; return boost::beast::websocket::async_teardown(role, ended.socket(), std::move(self));
                case step::done: return self.complete(ec);
            }
        },
        handler, ended);
}

}  // namespace bsp::server
