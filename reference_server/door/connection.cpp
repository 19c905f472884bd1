#include "connection.hpp"

#include "conversation.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace bsp::server {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using request_parser = http::request_parser<http::string_body>;

namespace {

constexpr std::size_t read_ahead_bytes_max = 64u << 10;
constexpr std::chrono::milliseconds farewell{500};  ///< for an answer under way when the server stops
constexpr std::chrono::milliseconds look_period{1'000};  ///< at which held answers are asked in any case (BSP-SYN-152)

auto yielding(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

/// The head as received. Taken before the body is read, because trailer fields are not header fields.
http_request head_of(request_parser const& parser, std::string const& remote) {
    http_request request;
    auto const& message = parser.get();
    request.method = std::string{message.method_string()};
    request.target = std::string{message.target()};
    for (auto const& field : message) request.headers.add(std::string{field.name_string()}, std::string{field.value()});
    request.remote = remote;
    return request;
}

/// What a failed read of a request is called; nothing when there is nobody left to tell.
std::optional<error> refusal_of(error_code ec, bool expired, bool in_request_line, door_limits const& limits) {
    auto const at_most = [](std::size_t bytes) { return "at most " + std::to_string(bytes) + " bytes are read"; };
    if (expired) return fail(errc::request_timeout, "the request did not arrive in time");
    if (ec == http::error::body_limit) return fail(errc::payload_too_large, at_most(limits.body_bytes_max));
    if (ec == http::error::header_limit || ec == http::error::buffer_overflow)
        return in_request_line ? fail(errc::uri_too_long, at_most(limits.target_bytes_max)) : fail(errc::headers_too_large, at_most(limits.header_bytes_max));
    if (ec == http::error::end_of_stream) return std::nullopt;
    if (ec.category() == http::make_error_code(http::error::end_of_stream).category())
        return fail(errc::bad_request, "not a valid HTTP/1.1 request: " + ec.message());
    return std::nullopt;
}

}  // namespace

connection::connection(wire line, door_state& state)
    : wire_{std::move(line)}, state_{state}, timer_{wire_.get_executor()},
      buffer_{state.limits.header_bytes_max + read_ahead_bytes_max} {
    in_all_ = state_.all.insert(state_.all.end(), this);
    error_code ec;
    if (auto const peer = wire_.socket().remote_endpoint(ec); !ec) remote_ = peer.address().to_string();
    // Head and body of an answer may leave in two segments; waiting for acknowledgements would cost 40 ms.
    wire_.socket().set_option(asio::ip::tcp::no_delay{true}, ec);
}

connection::~connection() {
    enter(phase::reading);
    hold(0);
    state_.all.erase(in_all_);
}

void connection::enter(phase next) {
    if (phase_ == phase::idle && next != phase::idle) state_.idle.erase(in_idle_);
    if (phase_ != phase::idle && next == phase::idle) in_idle_ = state_.idle.insert(state_.idle.end(), this);
    if (phase_ == phase::holding && next != phase::holding) state_.held.erase(in_held_);
    if (phase_ != phase::holding && next == phase::holding) in_held_ = state_.held.insert(state_.held.end(), this);
    if (phase_ == phase::streaming && next != phase::streaming) --state_.streaming;
    if (phase_ != phase::streaming && next == phase::streaming) ++state_.streaming;
    phase_ = next;
}

void connection::hold(std::size_t bytes) {
    state_.buffered_bytes += bytes - held_bytes_;
    held_bytes_ = bytes;
}

void connection::arm(std::chrono::milliseconds deadline) {
    expired_ = false;
    timer_.expires_after(deadline);
    timer_.async_wait([self = shared_from_this(), generation = ++timer_generation_](error_code ec) {
        // The expiry of an earlier deadline may already be queued when a later one is set.
        if (ec || generation != self->timer_generation_) return;
        self->expired_ = true;
        error_code ignored;
        self->wire_.socket().cancel(ignored);
    });
}

void connection::disarm() {
    ++timer_generation_;
    timer_.cancel();
}

void connection::end() {
    error_code ignored;
    if (phase_ == phase::writing) return arm(std::min(farewell, state_.limits.write_deadline));
    if (phase_ == phase::serving) return;
    if (phase_ == phase::holding) return look_again();
    if (phase_ == phase::streaming) return conversation_->close(1012, "the server stops");
    enter(phase::reading);  // leaves the list of those that could make room
    wire_.socket().close(ignored);
}

asio::awaitable<void> connection::serve() {
    // One co_await per expression: g++ 12 miscompiles `co_await a && co_await b`.
    bool open = co_await shake_hands();
    bool const greeted = open;
    while (open) {
        open = co_await wait_for_request();
        if (open) open = co_await serve_one();
    }
    if (greeted && !conversation_) co_await say_farewell();
    disarm();
}

/// The TLS handshake, where TLS is spoken. Until it is done the client is as good as idle: it gives way to others.
asio::awaitable<bool> connection::shake_hands() {
    auto* const tls = wire_.tls();
    if (!tls) co_return true;
    enter(phase::idle);
    arm(state_.limits.head_deadline);
    error_code ec;
    co_await tls->async_handshake(asio::ssl::stream_base::server, yielding(ec));
    enter(phase::reading);
    co_return !ec && !state_.stopping;
}

/// Tells a client of TLS that nothing was cut off (RFC 8446 section 6.1).
asio::awaitable<void> connection::say_farewell() {
    auto* const tls = wire_.tls();
    if (!tls) co_return;
    enter(phase::lingering);
    arm(state_.stopping ? std::min(farewell, state_.limits.closing) : state_.limits.closing);
    error_code ignored;
    co_await tls->async_shutdown(yielding(ignored));
}

/// Waits for the first byte of a request. False when the client leaves, stays silent, or has to make room.
asio::awaitable<bool> connection::wait_for_request() {
    if (state_.stopping) co_return false;
    if (buffer_.size() != 0) co_return true;
    enter(phase::idle);
    arm(first_ ? state_.limits.head_deadline : state_.limits.idle_deadline);
    first_ = false;
    error_code ec;
    std::size_t const n = co_await wire_.async_read_some(buffer_.prepare(4'096), yielding(ec));
    buffer_.commit(n);
    enter(phase::reading);
    co_return !ec && !state_.stopping;
}

/// Reads one request and answers it. False when the connection has to end.
asio::awaitable<bool> connection::serve_one() {
    auto const& limits = state_.limits;
    error_code ec;
    enter(phase::reading);
    request_parser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
    parser.body_limit(limits.body_bytes_max);

    arm(limits.head_deadline);
    co_await http::async_read_header(wire_, buffer_, parser, yielding(ec));
    if (state_.stopping) co_return false;
    if (ec) {
        bool const in_request_line = parser.get().target().empty();
        if (auto const why = refusal_of(ec, expired_, in_request_line, limits)) co_await refuse(head_of(parser, remote_), *why);
        co_return false;
    }

    int const version = static_cast<int>(parser.get().version());
    auto admitted = admit(head_of(parser, remote_), version == 11 ? 1 : 0, limits);
    if (!admitted) {
        co_await refuse(head_of(parser, remote_), admitted.error());
        co_return false;
    }
    admitted_head head = *std::move(admitted);

    if (head.wants_websocket && state_.handlers.upgrade && parser.is_done()) {
        if (buffer_.size() == 0) co_return co_await answer_upgrade(std::move(head.request), head.keep_alive);
        co_await refuse(head.request, fail(errc::bad_request, "nothing may be sent before the upgrade is answered"));
        co_return false;
    }

    if (!parser.is_done()) {
        arm(limits.body_deadline);
        if (head.expects_continue) {
            static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            co_await asio::async_write(wire_, asio::buffer(go_on), yielding(ec));
        }
        parser.eager(true);
        while (!ec && !parser.is_done()) {
            co_await http::async_read_some(wire_, buffer_, parser, yielding(ec));
            hold(parser.get().body().size());
            if (state_.buffered_bytes > limits.buffered_bytes_max) {
                parser.get().body() = {};
                hold(0);
                co_await refuse(head.request, fail(errc::unavailable, "too many large requests at the same time"));
                co_return false;
            }
        }
        if (state_.stopping) co_return false;
        if (ec) {
            if (auto const why = refusal_of(ec, expired_, false, limits)) co_await refuse(head.request, *why);
            co_return false;
        }
        head.request.body = std::move(parser.get().body());
    }

    enter(phase::serving);
    disarm();
    std::uint64_t const wakes_seen = state_.wakes;
    auto serve_it = [this, request = std::move(head.request), close = !head.keep_alive]() mutable { return state_.handlers.answer(std::move(request), close); };
    auto answer = co_await work<door_answer>(std::move(serve_it));
    hold(0);
    std::string bytes;
    if (answer.held && state_.has_place_for_held()) bytes = co_await hold_back(std::move(answer), wakes_seen);
    else bytes = std::move(answer.bytes);
    bool const written = co_await write(bytes);
    co_return written && head.keep_alive && !state_.stopping;
}

/// Lets a worker run `what`, and comes back to the door's thread with what it gives.
template <class Answer, class Work>
asio::awaitable<Answer> connection::work(Work what) {
    auto const token = asio::use_awaitable;
    co_return co_await asio::async_initiate<decltype(token), void(Answer)>(
        [this](auto handler, Work pending) {
            auto const home = asio::prefer(asio::get_associated_executor(handler, wire_.get_executor()),
                                           asio::execution::outstanding_work.tracked);
            asio::post(state_.workers, [home, handler = std::move(handler), pending = std::move(pending)]() mutable {
                Answer answer = pending();
                asio::post(home, [handler = std::move(handler), answer = std::move(answer)]() mutable { std::move(handler)(std::move(answer)); });
            });
        },
        token, std::move(what));
}

/// Answers a WebSocket upgrade, and goes on with it when it is taken. False when the connection has to end.
asio::awaitable<bool> connection::answer_upgrade(http_request request, bool keep_alive) {
    if (!state_.has_place_for_stream()) {
        co_await refuse(request, fail(errc::unavailable, "too many streams"));
        co_return false;
    }
    enter(phase::serving);
    disarm();
    auto ask = [this, request, close = !keep_alive]() mutable { return state_.handlers.upgrade(std::move(request), close); };
    auto answer = co_await work<upgrade_answer>(std::move(ask));
    if (!answer.accept) {
        bool const written = co_await write(answer.bytes);
        co_return written && keep_alive && !state_.stopping;
    }
    if (state_.stopping) co_return false;
    conversation_ = std::make_shared<conversation>(std::move(wire_), state_.limits);
    enter(phase::streaming);
    co_await conversation_->serve(request, std::move(answer.accept));
    co_return false;
}

/// Waits for an answer that is worth sending, as long as it said.
asio::awaitable<std::string> connection::hold_back(door_answer answer, std::uint64_t wakes_seen) {
    auto const held = *std::move(answer.held);
    auto const until = std::chrono::steady_clock::now() + held.wait;
    disarm();
    enter(phase::holding);
    for (bool last = false; !last;) {
        error_code ec;
        if (wakes_seen == state_.wakes && !state_.stopping) {
            timer_.expires_at(std::min(until, std::chrono::steady_clock::now() + look_period));
            co_await timer_.async_wait(yielding(ec));
        }
        wakes_seen = state_.wakes;
        if (client_has_gone()) break;
        last = state_.stopping || std::chrono::steady_clock::now() >= until;
        auto ask = [&held, last] { return held.again(last); };
        auto given = co_await work<std::optional<std::string>>(std::move(ask));
        if (given) co_return *std::move(given);
    }
    co_return std::move(answer.bytes);
}

bool connection::client_has_gone() {
    // Through TLS a farewell comes before the end.
    pollfd ended{wire_.socket().native_handle(), POLLRDHUP, 0};
    if (wire_.tls()) return ::poll(&ended, 1, 0) > 0;
    char next = 0;
    return ::recv(wire_.socket().native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

asio::awaitable<bool> connection::write(std::string const& bytes) {
    enter(phase::writing);
    arm(state_.stopping ? std::min(farewell, state_.limits.write_deadline) : state_.limits.write_deadline);
    error_code ec;
    co_await asio::async_write(wire_, asio::buffer(bytes), yielding(ec));
    co_return !ec;
}

/// Says why, and then reads on for a while: closing a socket with unread bytes resets the connection,
/// and the client would never see the answer.
asio::awaitable<void> connection::refuse(http_request const& known, error const& why) {
    std::string const answer = state_.handlers.refuse(known, why);
    bool const written = co_await write(answer);
    if (!written) co_return;
    enter(phase::lingering);
    error_code ec;
    arm(state_.limits.linger);
    if (auto* const tls = wire_.tls()) co_await tls->async_shutdown(yielding(ec));
    auto& socket = wire_.socket();
    socket.shutdown(asio::ip::tcp::socket::shutdown_send, ec);
    std::array<char, 16'384> discarded;
    while (!ec && !state_.stopping && !expired_) co_await socket.async_read_some(asio::buffer(discarded), yielding(ec));
}

}  // namespace bsp::server
