#include "event_streams.hpp"

#include "dialer.hpp"

#include <bsp/base/limits.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace bsp::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds silence_max{60};  ///< a ping goes out after half of it
constexpr std::size_t handshake_bytes_max = 64u << 10;

using tiding = event_streams::tiding;

tiding about(std::uint64_t id, tiding::kind what, std::string text = {}) {
    tiding t;
    t.id = id;
    t.what = what;
    t.text = std::move(text);
    return t;
}

std::string host_of(http_request const& request) {
    auto const* host = request.headers.find("Host");
    return host ? *host : std::string{};
}

auto yielding(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

}  // namespace

class event_streams::engine {
public:
    engine(on_tiding tell, std::string const& ca_file) : tell_{std::move(tell)}, dialer_{context_, ca_file} {
        thread_ = std::thread{[this] { context_.run(); }};
    }
    ~engine() { stop(); }

    void open(std::uint64_t id, std::string origin, http_request request, std::chrono::steady_clock::time_point deadline) {
        asio::post(context_, [this, id, origin = std::move(origin), request = std::move(request), deadline]() mutable {
            if (stopping_) return;
            auto const s = std::make_shared<stream>(context_);
            streams_[id] = s;
            s->deadline.expires_at(deadline);
            s->deadline.async_wait([s](error_code ec) {
                if (!ec && !s->is_open) s->give_up();
            });
            asio::co_spawn(context_, live(id, s, std::move(origin), std::move(request)), asio::detached);
        });
    }

    void send(std::uint64_t id, std::vector<std::string> messages) {
        asio::post(context_, [this, id, messages = std::move(messages)]() mutable {
            auto const found = streams_.find(id);
            if (found == streams_.end()) return;
            for (auto& m : messages) found->second->waiting.push_back(std::move(m));
            found->second->to_write.cancel();
        });
    }

    void drop(std::uint64_t id) {
        asio::post(context_, [this, id] {
            auto const s = streams_.extract(id);
            if (!s.empty()) s.mapped()->give_up(), s.mapped()->to_write.cancel();
        });
    }

    void stop() {
        std::call_once(stopped_, [this] {
            asio::post(context_, [this] {
                stopping_ = true;
                for (auto& [id, s] : streams_) s->give_up(), s->deadline.cancel(), s->to_write.cancel();
                streams_.clear();
                work_.reset();
            });
            thread_.join();
        });
    }

private:
    struct stream : dialing {
        explicit stream(asio::io_context& context) : deadline{context}, to_write{context}, to_end{context} {}
        asio::steady_timer deadline;   ///< of the opening
        asio::steady_timer to_write;   ///< cancelled when there is something to write, or no use in writing
        asio::steady_timer to_end;     ///< cancelled when the writer has gone
        std::deque<std::string> waiting;
        bool is_open = false, ended = false, writer_gone = false;
    };

    asio::awaitable<void> live(std::uint64_t id, std::shared_ptr<stream> s, std::string origin, http_request request) {
        tiding last = about(id, tiding::kind::failed);
        try {
            auto const dialled = co_await dialer_.dial(*s, origin, handshake_bytes_max);
            if (!dialled) last.text = dialled.error().detail;
            else if (s->line->tls) co_await converse(id, *s, *s->line->tls, request, last);
            else co_await converse(id, *s, s->line->socket, request, last);
        } catch (std::exception const& why) {
            last = about(id, tiding::kind::failed, why.what());
        }
        s->give_up();
        s->deadline.cancel();
        tell_of(std::move(last), *s);
        if (auto const found = streams_.find(id); found != streams_.end() && found->second == s) streams_.erase(found);
    }

    /// The stream from its handshake to its end, of which `last` tells.
    template <class Layer>
    asio::awaitable<void> converse(std::uint64_t id, stream& s, Layer& layer, http_request const& request, tiding& last) {
        websocket::stream<Layer&, false> socket{layer};
        socket.read_message_max(limits::event_bytes_max);
        socket.set_option(websocket::stream_base::timeout{limits::request_timeout, silence_max, true});
        socket.set_option(websocket::stream_base::decorator([&](websocket::request_type& head) {
            for (auto const& [name, value] : request.headers) head.set(name, value);
            head.set(beast::http::field::user_agent, "bsp-server/1.0");
        }));
        socket.text(true);
        websocket::response_type answer;
        error_code ec;
        // Named before it is waited with: g++ 12 destroys temporaries of a conditional in such an expression twice.
        std::string const host = host_of(request);
        co_await socket.async_handshake(answer, host, request.target, yielding(ec));
        if (ec == websocket::error::upgrade_declined) {
            last.what = tiding::kind::refused;
            last.refusal.status = static_cast<int>(answer.result_int());
            for (auto const& field : answer) last.refusal.headers.add(std::string{field.name_string()}, std::string{field.value()});
            last.refusal.body = std::move(answer.body());
            co_return;
        }
        if (ec || s.expired) {
            last.text = ec.message();
            co_return;
        }
        s.is_open = true;
        s.deadline.cancel();
        tell_of(about(id, tiding::kind::opened), s);
        asio::co_spawn(context_, write(s, socket), asio::detached);
        beast::flat_buffer buffer;
        for (;; buffer.clear()) {
            co_await socket.async_read(buffer, yielding(ec));
            if (ec) break;
            if (socket.got_text()) tell_of(about(id, tiding::kind::message, beast::buffers_to_string(buffer.data())), s);
        }
        last.what = tiding::kind::closed;
        last.code = ec == websocket::error::closed ? socket.reason().code : static_cast<std::uint16_t>(websocket::close_code::abnormal);
        s.ended = true;
        s.line->close();
        s.to_write.cancel();
        // The writer uses the socket until it has gone.
        while (!s.writer_gone) {
            s.to_end.expires_at(asio::steady_timer::time_point::max());
            co_await s.to_end.async_wait(yielding(ec));
        }
    }

    template <class Socket>
    asio::awaitable<void> write(stream& s, Socket& socket) {
        while (!s.ended) {
            error_code ec;
            if (s.waiting.empty()) {
                s.to_write.expires_at(asio::steady_timer::time_point::max());
                co_await s.to_write.async_wait(yielding(ec));
                continue;
            }
            std::string const message = std::move(s.waiting.front());
            s.waiting.pop_front();
            co_await socket.async_write(asio::buffer(message), yielding(ec));
            if (ec) break;  // the reader meets the end, too
        }
        s.writer_gone = true;
        s.to_end.cancel();
    }

    /// Unless the stream was dropped: then nobody waits for it.
    void tell_of(tiding t, stream const& s) {
        auto const found = streams_.find(t.id);
        if (!stopping_ && found != streams_.end() && found->second.get() == &s) tell_(std::move(t));
    }

    on_tiding const tell_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    dialer dialer_;
    std::map<std::uint64_t, std::shared_ptr<stream>> streams_;
    bool stopping_ = false;
    std::once_flag stopped_;
    std::thread thread_;
};

event_streams::event_streams(on_tiding tell, std::string const& ca_file) : engine_{std::make_unique<engine>(std::move(tell), ca_file)} {}
event_streams::~event_streams() = default;

void event_streams::open(std::uint64_t id, std::string origin, http_request request, std::chrono::steady_clock::time_point deadline) {
    engine_->open(id, std::move(origin), std::move(request), deadline);
}
void event_streams::send(std::uint64_t id, std::vector<std::string> messages) { engine_->send(id, std::move(messages)); }
void event_streams::drop(std::uint64_t id) { engine_->drop(id); }
void event_streams::stop() { engine_->stop(); }

}  // namespace bsp::server
