#include "conversation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include <utility>

namespace bsp::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;

namespace {

auto yielding(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

beast::http::request<beast::http::empty_body> to_beast(http_request const& from) {
    beast::http::request<beast::http::empty_body> to;
    to.method_string(from.method);
    to.target(from.target);
    to.version(11);
    for (auto const& [name, value] : from.headers) to.insert(name, value);
    return to;
}

}  // namespace

conversation::conversation(wire line, door_limits const& limits)
    : socket_{std::move(line)}, limits_{limits}, to_write_{socket_.get_executor()}, to_read_{socket_.get_executor()}, cut_{socket_.get_executor()} {
    // A connection that was cut off somewhere in between looks like a silent one.
    socket_.set_option(websocket::stream_base::timeout{limits.head_deadline, 2 * limits.ping_after, true});
    socket_.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
        response.set(beast::http::field::cache_control, "no-store");  // BSP-GEN-105
        response.erase(beast::http::field::server);
    }));
    socket_.read_message_max(limits.message_bytes_max);
    socket_.text(true);
}

asio::awaitable<void> conversation::serve(http_request request, std::function<std::shared_ptr<socket_listener>(std::shared_ptr<socket_line>)> accept) {
    error_code ec;
    auto const handshake = to_beast(request);
    co_await socket_.async_accept(handshake, yielding(ec));
    if (ec) co_return;
    listener_ = accept(shared_from_this());
    asio::co_spawn(socket_.get_executor(), [self = shared_from_this()] { return self->write(); }, asio::detached);
    co_await read();
    ended_ = true;
    to_write_.cancel();
    listener_->ended();
    listener_.reset();
    // The writer uses the socket until it has gone.
    while (!writer_gone_) {
        to_read_.expires_at(asio::steady_timer::time_point::max());
        co_await to_read_.async_wait(yielding(ec));
    }
    cut_.cancel();
}

asio::awaitable<void> conversation::read() {
    beast::flat_buffer buffer;
    for (error_code ec;;) {
        buffer.clear();
        co_await socket_.async_read(buffer, asio::bind_cancellation_slot(given_up_.reading.slot(), yielding(ec)));
        if (ec) co_return;
        if (farewell_) continue;  // until the client has answered the close
        if (!socket_.got_text()) {
            end_with({websocket::close_code::unknown_data, "text messages only", true});
            continue;
        }
        ++unanswered_;
        listener_->received({static_cast<char const*>(buffer.data().data()), buffer.size()});
        while (unanswered_ >= limits_.unanswered_max && !farewell_ && !writer_gone_) {
            to_read_.expires_at(asio::steady_timer::time_point::max());
            error_code woken;
            co_await to_read_.async_wait(yielding(woken));
        }
    }
}

asio::awaitable<void> conversation::write() {
    error_code ec;
    while (!ec && !ended_) {
        if (!answers_.empty()) {
            std::string const answer = std::move(answers_.front());
            answers_.pop_front();
            if (!farewell_) cut_after(limits_.write_deadline);
            co_await socket_.async_write(asio::buffer(answer), yielding(ec));
            if (!farewell_) cut_.cancel();
            --unanswered_;
            to_read_.cancel();
        } else if (farewell_ && may_leave()) {
            co_await socket_.async_close({static_cast<websocket::close_code>(farewell_->code), farewell_->reason}, asio::bind_cancellation_slot(given_up_.leaving.slot(), yielding(ec)));
            break;
        } else {
            to_write_.expires_at(asio::steady_timer::time_point::max());
            error_code woken;
            co_await to_write_.async_wait(yielding(woken));
        }
    }
    writer_gone_ = true;
    to_read_.cancel();
}

bool conversation::may_leave() const { return !farewell_->after_answers || unanswered_ == 0; }

void conversation::send(std::vector<std::string> messages) {
    asio::post(socket_.get_executor(), [self = shared_from_this(), messages = std::move(messages)]() mutable {
        for (auto& message : messages) self->answers_.push_back(std::move(message));
        self->to_write_.cancel();
    });
}

void conversation::close(std::uint16_t code, std::string reason) {
    asio::post(socket_.get_executor(), [self = shared_from_this(), how = farewell{code, std::move(reason), false}]() mutable { self->end_with(std::move(how)); });
}

void conversation::end_with(farewell how) {
    if (farewell_ || ended_) return;
    farewell_ = std::move(how);
    to_write_.cancel();
    to_read_.cancel();
    cut_after(limits_.closing);
}

/// A client that neither reads nor answers is not waited for.
void conversation::cut_after(std::chrono::milliseconds time) {
    cut_.expires_after(time);
    cut_.async_wait([self = shared_from_this()](error_code ec) {
        if (ec) return;
        beast_close_socket(self->socket_.next_layer());
        // When what is read is no UTF-8, Beast's read waits for the close that waits for the read: no end of the socket ends that.
        self->given_up_.leaving.emit(asio::cancellation_type::terminal);
        self->given_up_.reading.emit(asio::cancellation_type::terminal);
    });
}

}  // namespace bsp::server
