#include "door.hpp"

#include "connection.hpp"
#include "tls_identity.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <system_error>
#include <thread>

namespace bsp::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

class door::front {
public:
    front(std::string const& host, std::uint16_t port, door_limits limits, door_handlers handlers, std::shared_ptr<tls_identity const> shown)
        : state_{limits, std::move(handlers)}, shown_{std::move(shown)} {
        listen(host, port);
        asio::co_spawn(context_, accept(), asio::detached);
        thread_ = std::thread{[this] { context_.run(); }};
    }

    void stop() {
        std::call_once(stopped_, [this] {
            asio::post(context_, [this] {
                state_.stopping = true;
                error_code ignored;
                acceptor_.close(ignored);
                pause_.cancel();
                for (connection* client : state_.all) client->end();
            });
            thread_.join();
            state_.workers.join();
        });
    }

    void wake() {
        if (waking_.exchange(true)) return;
        asio::post(context_, [this] {
            wake_timer_.expires_at(std::max(std::chrono::steady_clock::now(), last_wake_ + wake_period));
            wake_timer_.async_wait([this](error_code) {
                waking_ = false;
                last_wake_ = std::chrono::steady_clock::now();
                ++state_.wakes;
                for (connection* client : state_.held) client->look_again();
            });
        });
    }

    void show(std::shared_ptr<tls_identity const> identity) {
        asio::post(context_, [this, identity = std::move(identity)] { shown_ = identity; });
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    static constexpr std::chrono::milliseconds wake_period{10};  ///< commits that come faster wake the held answers once

    void listen(std::string const& host, std::uint16_t port) {
        auto const check = [&](error_code ec, char const* doing) {
            if (ec) throw std::system_error{ec, std::string{"cannot "} + doing + ' ' + host + ':' + std::to_string(port)};
        };
        error_code ec;
        tcp::resolver resolver{context_};
        auto const found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive | tcp::resolver::numeric_service, ec);
        check(ec, "resolve");
        tcp::endpoint const endpoint = *found.begin();
        acceptor_.open(endpoint.protocol(), ec);
        check(ec, "open a socket for");
        acceptor_.set_option(tcp::acceptor::reuse_address{true}, ec);
        check(ec, "prepare");
        acceptor_.bind(endpoint, ec);
        check(ec, "listen on");
        acceptor_.listen(asio::socket_base::max_listen_connections, ec);
        check(ec, "listen on");
        port_ = acceptor_.local_endpoint().port();
    }

    asio::awaitable<void> accept() {
        while (!state_.stopping) {
            error_code ec;
            tcp::socket socket{context_};
            co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, ec));
            if (state_.stopping) co_return;
            if (ec) {
                // Out of descriptors, most likely: make room, and do not spin.
                make_room();
                pause_.expires_after(std::chrono::milliseconds{20});
                co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
                continue;
            }
            if (state_.all.size() >= state_.limits.connections_max && !make_room()) {
                turn_away(socket);
                continue;
            }
            // The session that begins here keeps what it needs of the identity.
            wire line = shown_ ? wire{std::move(socket), shown_->context()} : wire{std::move(socket)};
            auto const client = std::make_shared<connection>(std::move(line), state_);
            asio::co_spawn(context_, [client] { return client->serve(); }, asio::detached);
        }
    }

    /// Closes the connection that has been idle for longest.
    bool make_room() {
        if (state_.idle.empty()) return false;
        state_.idle.front()->end();
        return true;
    }

    /// Tells a client, as far as it can be told without waiting, that there is no place.
    void turn_away(tcp::socket& socket) {
        if (shown_) return;  // nothing can be said before a handshake
        error_code ignored;
        std::string const answer = state_.handlers.refuse({}, fail(errc::unavailable, "too many connections"));
        socket.non_blocking(true, ignored);
        socket.write_some(asio::buffer(answer), ignored);
        socket.shutdown(tcp::socket::shutdown_send, ignored);
    }

    door_state state_;
    std::shared_ptr<tls_identity const> shown_;  ///< nullptr: cleartext
    asio::io_context context_{1};
    tcp::acceptor acceptor_{context_};
    asio::steady_timer pause_{context_};
    asio::steady_timer wake_timer_{context_};
    std::chrono::steady_clock::time_point last_wake_{};
    std::atomic<bool> waking_{false};
    std::uint16_t port_ = 0;
    std::once_flag stopped_;
    std::thread thread_;
};

door::door(std::string const& host, std::uint16_t port, door_limits limits, door_handlers handlers, std::shared_ptr<tls_identity const> shown)
    : front_{std::make_unique<front>(host, port, limits, std::move(handlers), std::move(shown))} {}
door::~door() { stop(); }
std::uint16_t door::port() const { return front_->port(); }
void door::show(std::shared_ptr<tls_identity const> identity) { front_->show(std::move(identity)); }
void door::wake() { front_->wake(); }
void door::stop() { front_->stop(); }

}  // namespace bsp::server
