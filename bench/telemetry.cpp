// Telemetry over loopback: acknowledgements per second and the time until one, beside a bare Beast server that reads each
// message and answers it with a text as long as an acknowledgement.

#include "world.hpp"

#include <bsp/adapters/system_clock.hpp>
#include <reference_server/server.hpp>
#include <reference_server/users.hpp>

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include <algorithm>
#include <thread>
#include <vector>

namespace {

using namespace bsp;
namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using web_socket = beast::websocket::stream<tcp::socket, false>;

constexpr std::string_view ack_text = R"({"status": "acked", "event_id": "event-00000000"})";

/// Reads, answers, and does nothing else.
class bare_server {
public:
    bare_server() {
        asio::co_spawn(context_, accept(), asio::detached);
        thread_ = std::thread{[this] { context_.run(); }};
    }
    ~bare_server() {
        context_.stop();
        thread_.join();
    }
    bare_server(bare_server const&) = delete;
    bare_server& operator=(bare_server const&) = delete;

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    asio::awaitable<void> accept() {
        for (;;) asio::co_spawn(context_, serve(co_await acceptor_.async_accept(asio::use_awaitable)), asio::detached);
    }
    static asio::awaitable<void> serve(tcp::socket socket) {
        socket.set_option(tcp::no_delay{true});
        web_socket stream{std::move(socket)};
        co_await stream.async_accept(asio::use_awaitable);
        stream.text(true);
        for (beast::flat_buffer buffer;; buffer.clear()) {
            co_await stream.async_read(buffer, asio::use_awaitable);
            co_await stream.async_write(asio::buffer(ack_text), asio::use_awaitable);
        }
    }

    asio::io_context context_{1};
    tcp::acceptor acceptor_{context_, {asio::ip::make_address_v4("127.0.0.1"), 0}};
    std::thread thread_;
};

/// bsp-server in this process, and a paired device.
class telemetry_server {
public:
    explicit telemetry_server(std::string store) : server_{configured(folder_.file("data"), std::move(store))} {
        port_ = static_cast<std::uint16_t>(std::stoi(server_.url().substr(server_.url().rfind(':') + 1)));
        server::users_file users{std::filesystem::path{server_.users_place()}};
        instant const now = system_clock{}.now();
        using namespace std::chrono_literals;
        json::object const token = mint_sbt({"sess_1", server_.self().backend_id, "hosted_1", "alice", now, now + 8h}, users.secret_of("alice").value());
        json::object const body{
            {"backend_identity", {{"backend_id", "hosted_1"}, {"backend_type", "hosted"}, {"public_key", bench::device_key().public_key().pem()}, {"capabilities", json::array{}}, {"version", "1.0"}}},
            {"sbt", token}};
        namespace http = beast::http;
        asio::io_context context;
        tcp::socket socket{context};
        socket.connect({asio::ip::make_address_v4("127.0.0.1"), port_});
        http::request<http::string_body> request{http::verb::post, "/register-peer", 11, json::serialize(body)};
        request.set("Host", "localhost");
        request.set("Content-Type", "application/json");
        request.prepare_payload();
        http::write(socket, request);
        beast::flat_buffer buffer;
        http::response<http::string_body> response;
        http::read(socket, buffer, response);
        peer_id_ = json::parse(response.body()).value().at("peer_id").as_string();
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string target() const { return "/telemetry/" + peer_id_; }
    [[nodiscard]] std::string authorization() {
        std::int64_t const now = system_clock{}.now().seconds;
        return "BSP " + mint_peer_assertion({.iss = "hosted_1", .sub = peer_id_, .aud = server_.self().backend_id, .jti = "jti-" + std::to_string(++made_), .htm = "GET", .htu = target(), .iat = now, .exp = now + 60},
                                            bench::device_key());
    }

private:
    static server::config configured(std::string data_dir, std::string store) {
        server::config c;
        c.port = 0;
        c.data_dir = std::move(data_dir);
        c.store = std::move(store);
        c.events_per_minute = 1'000'000'000;
        spdlog::set_level(spdlog::level::warn);
        return c;
    }

    bench::scratch_folder folder_;
    server::server server_;
    std::uint16_t port_ = 0;
    std::string peer_id_;
    int made_ = 0;
};

/// A client that costs as little as can be: frames are made by hand and sent in one piece.
class client {
public:
    client(std::uint16_t port, std::string const& target, std::string const& authorization) : stream_{context_} {
        stream_.next_layer().connect({asio::ip::make_address_v4("127.0.0.1"), port});
        stream_.next_layer().set_option(tcp::no_delay{true});
        stream_.set_option(beast::websocket::stream_base::decorator([&](beast::websocket::request_type& r) {
            if (!authorization.empty()) r.set("Authorization", authorization);
        }));
        stream_.handshake("localhost", target);
    }

    /// Sends `count` events, each of about 250 octets.
    void send(std::size_t count) {
        std::string frames;
        for (std::size_t i = 0; i < count; ++i) {
            char id[16];
            std::snprintf(id, sizeof id, "event-%08d", next_event()++ % 100'000'000);
            std::string const text = R"({"event_id": ")" + std::string{id} +
                                     R"(", "event_type": "advisor_ask", "session_id": "sess_1", "timestamp": "2025-12-31T00:00:03Z", "source_backend": "local", )"
                                     R"("metadata": {"mode": "quick", "question": "Where were we?"}, "latency_ms": 412, "tokens_used": 1523, "cost_usd": 0.0045, "model": "small-1"})";
            frames += '\x81';
            frames += '\xFE';
            frames += static_cast<char>(text.size() >> 8);
            frames += static_cast<char>(text.size() & 0xFF);
            frames.append(4, '\0');  // the mask
            frames += text;
        }
        asio::write(stream_.next_layer(), asio::buffer(frames));
    }

    /// Waits for as many acknowledgements.
    void receive(std::size_t count) {
        std::string answers(count * (2 + ack_text.size()), '\0');
        asio::read(stream_.next_layer(), asio::buffer(answers));
        for (std::size_t i = 0; i < count; ++i)
            if (answers.compare(i * (2 + ack_text.size()) + 2, 18, ack_text, 0, 18) != 0) throw std::runtime_error{answers};
    }

private:
    static int& next_event() {
        static int next = 0;
        return next;
    }

    asio::io_context context_;
    web_socket stream_;
};

template <class Connect>
void acks(benchmark::State& state, Connect connect) {
    constexpr std::size_t under_way = 32;
    std::vector<std::unique_ptr<client>> clients;
    for (std::int64_t i = 0; i < state.range(0); ++i) clients.push_back(connect());
    for (auto _ : state) {
        for (auto const& c : clients) c->send(under_way);
        for (auto const& c : clients) c->receive(under_way);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0) * static_cast<std::int64_t>(under_way));
}

template <class Connect>
void ack_time(benchmark::State& state, Connect connect) {
    auto const c = connect();
    std::vector<double> times;
    for (auto _ : state) {
        auto const begin = std::chrono::steady_clock::now();
        c->send(1);
        c->receive(1);
        times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    }
    std::ranges::sort(times);
    state.counters["p50_us"] = times[times.size() / 2];
    state.counters["p99_us"] = times[times.size() * 99 / 100];
}

auto to_bare() {
    static bare_server server;
    return [] { return std::make_unique<client>(server.port(), "/", ""); };
}
template <int Store>
auto to_bsp() {
    static telemetry_server server{Store == 0 ? "memory" : "sqlite"};
    return [] { return std::make_unique<client>(server.port(), server.target(), server.authorization()); };
}

void acks_bare(benchmark::State& state) { acks(state, to_bare()); }
void acks_memory(benchmark::State& state) { acks(state, to_bsp<0>()); }
void acks_sqlite(benchmark::State& state) { acks(state, to_bsp<1>()); }
void ack_time_bare(benchmark::State& state) { ack_time(state, to_bare()); }
void ack_time_memory(benchmark::State& state) { ack_time(state, to_bsp<0>()); }
void ack_time_sqlite(benchmark::State& state) { ack_time(state, to_bsp<1>()); }

BENCHMARK(acks_bare)->Arg(1)->Arg(64)->UseRealTime();
BENCHMARK(acks_memory)->Arg(1)->Arg(64)->UseRealTime();
BENCHMARK(acks_sqlite)->Arg(1)->Arg(64)->UseRealTime();
BENCHMARK(ack_time_bare)->UseRealTime();
BENCHMARK(ack_time_memory)->UseRealTime();
BENCHMARK(ack_time_sqlite)->UseRealTime();

}  // namespace
