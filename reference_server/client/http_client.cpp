#include "http_client.hpp"

#include "dialer.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <future>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace bsp::server {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

/// Shorter than servers keep a silent connection, so that a request seldom meets its end.
constexpr std::chrono::seconds kept_idle{3};
constexpr std::size_t kept_max = 64;
constexpr int interim_answers_max = 8;  ///< 1xx before the answer

auto yielding(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

error silence(std::string const& why) { return fail(errc::unavailable, why); }

http::request<http::string_body> to_beast(http_request request) {
    http::request<http::string_body> out;
    out.version(11);
    out.method_string(request.method);
    out.target(request.target);
    for (auto const& [name, value] : request.headers) out.insert(name, value);
    out.set(http::field::user_agent, "bsp-server/1.0");
    out.body() = std::move(request.body);
    if (!out.body().empty()) out.prepare_payload();
    return out;
}

}  // namespace

class http_client::engine {
public:
    engine(bounds limits, std::string const& ca_file) : limits_{limits}, dialer_{context_, ca_file} {
        thread_ = std::thread{[this] { context_.run(); }};
    }

    ~engine() { stop(); }

    void send(std::string origin, http_request request, std::chrono::steady_clock::time_point deadline, on_answer then) {
        asio::post(context_, [this, origin = std::move(origin), request = std::move(request), deadline, then = std::move(then)]() mutable {
            if (stopping_) return;
            if (under_way_.size() >= limits_.under_way_max) return then(silence("too many requests are under way"));
            auto const at = under_way_.emplace(under_way_.end(), context_);
            at->then = std::move(then);
            at->deadline.expires_at(deadline);
            at->deadline.async_wait([this, at](error_code ec) {
                // An expiry that was already queued when the exchange ended is of nobody.
                if (!ec && !stopping_) give_up(*at);
            });
            asio::co_spawn(context_, carry_out(at, std::move(origin), std::move(request)), asio::detached);
        });
    }

    void stop() {
        std::call_once(stopped_, [this] {
            asio::post(context_, [this] {
                stopping_ = true;
                for (auto& e : under_way_) give_up(e);
                for (auto const& c : idle_) c->close(), c->idle.cancel();
                idle_.clear();
                work_.reset();
            });
            thread_.join();
        });
    }

private:
    /// A request and what has become of it.
    struct exchange : dialing {
        explicit exchange(asio::io_context& context) : deadline{context} {}
        asio::steady_timer deadline;
        on_answer then;
    };
    using handle = std::list<exchange>::iterator;

    static void give_up(exchange& e) {
        e.give_up();
        e.deadline.cancel();
    }

    /// Every way out leads past the end of this function, and only it removes the exchange.
    asio::awaitable<void> carry_out(handle at, std::string origin, http_request request) {
        result<http_response> answer = silence("");
        try {
            answer = co_await converse(*at, origin, std::move(request));
        } catch (std::exception const& why) {
            answer = silence(why.what());
        }
        if (at->expired) answer = silence("no complete answer in time");
        if (!answer && at->line) at->line->close();
        auto const then = std::move(at->then);
        // The expiry may be queued already, and holds the handle: it is removed after it.
        at->deadline.cancel();
        asio::post(context_, [this, at] { under_way_.erase(at); });
        if (!stopping_) then(std::move(answer));
    }

    asio::awaitable<result<http_response>> converse(exchange& e, std::string const& origin, http_request request) {
        e.line = take_idle(origin);
        if (!e.line) {
            result<> const open = co_await dialer_.dial(e, origin, limits_.header_bytes_max + (64u << 10));
            if (!open) co_return open.error();
        }
        auto outgoing = to_beast(std::move(request));
        if (e.line->tls) co_return co_await exchange_on(e, *e.line->tls, outgoing);
        co_return co_await exchange_on(e, e.line->socket, outgoing);
    }

    template <class Stream>
    asio::awaitable<result<http_response>> exchange_on(exchange& e, Stream& stream, http::request<http::string_body>& request) {
        error_code ec;
        // A server may answer before it has read everything, to say that it will not: its answer is read even so.
        co_await http::async_write(stream, request, yielding(ec));
        error_code const sending = ec;
        if (e.expired) co_return silence("");
        for (int i = 0; i <= interim_answers_max; ++i) {
            http::response_parser<http::string_body> parser;
            parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max));
            parser.body_limit(limits_.body_bytes_max);
            parser.eager(true);
            ec = {};
            co_await http::async_read(stream, e.line->buffer, parser, yielding(ec));
            if (ec) co_return silence(sending ? "the request cannot be sent: " + sending.message() : why_unreadable(ec));
            bool const stays_open = parser.keep_alive() && !sending;
            auto message = parser.release();
            if (message.result_int() / 100 == 1 && message.result_int() != 101) continue;
            http_response answer{.status = static_cast<int>(message.result_int()), .headers = {}, .body = {}};
            for (auto const& field : message) answer.headers.add(std::string{field.name_string()}, std::string{field.value()});
            answer.body = std::move(message.body());
            if (stays_open && !e.expired) keep(e.line);
            else e.line->close();
            co_return answer;
        }
        co_return silence("nothing but interim answers");
    }

    [[nodiscard]] std::string why_unreadable(error_code ec) const {
        if (ec == http::error::body_limit) return "the answer is larger than " + std::to_string(limits_.body_bytes_max) + " bytes";
        if (ec == http::error::header_limit || ec == http::error::buffer_overflow) return "the head of the answer is too large";
        if (ec == http::error::end_of_stream) return "the connection ended without an answer";
        return "not a complete HTTP/1.1 answer: " + ec.message();
    }

    std::shared_ptr<channel> take_idle(std::string const& origin) {
        for (auto at = idle_.begin(); at != idle_.end();) {
            auto const line = *at;
            if (line->origin != origin) {
                ++at;
                continue;
            }
            at = idle_.erase(at);
            line->idle.cancel();
            if (line->is_quiet()) return line;
            line->close();
        }
        return nullptr;
    }

    void keep(std::shared_ptr<channel> const& line) {
        if (stopping_ || idle_.size() >= kept_max) return line->close();
        idle_.push_back(line);
        line->idle.expires_after(kept_idle);
        line->idle.async_wait([this, waiting = std::weak_ptr{line}](error_code ec) {
            auto const idle = waiting.lock();
            if (ec || stopping_ || !idle) return;
            // It may have been taken while this was queued.
            if (idle_.remove(idle) > 0) idle->close();
        });
    }

    bounds const limits_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    dialer dialer_;
    std::list<exchange> under_way_;
    std::list<std::shared_ptr<channel>> idle_;
    bool stopping_ = false;
    std::once_flag stopped_;
    std::thread thread_;
};

http_client::http_client(bounds limits, std::string const& ca_file) : engine_{std::make_unique<engine>(limits, ca_file)} {}
http_client::~http_client() = default;

void http_client::send(std::string origin, http_request request, std::chrono::steady_clock::time_point deadline, on_answer then) {
    engine_->send(std::move(origin), std::move(request), deadline, std::move(then));
}

result<http_response> http_client::ask(std::string origin, http_request request, std::chrono::steady_clock::time_point deadline) {
    auto promise = std::make_shared<std::promise<result<http_response>>>();
    auto answer = promise->get_future();
    send(std::move(origin), std::move(request), deadline, [promise](result<http_response> given) { promise->set_value(std::move(given)); });
    return answer.get();
}

void http_client::stop() { engine_->stop(); }

}  // namespace bsp::server
