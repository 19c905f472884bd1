#include "support.hpp"

#include <reference_server/door/door.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace data = boost::unit_test::data;
using namespace std::chrono_literals;
using namespace std::string_literals;
using support::raw_client;

namespace {

/// A door that answers "METHOD target body-size", and remembers what it let through.
class echo {
public:
    explicit echo(bsp::server::door_limits limits = {}) : door_{"127.0.0.1", 0, limits, handlers()} {}

    [[nodiscard]] raw_client client() const { return raw_client{door_.port()}; }
    void stop() { door_.stop(); }

    std::vector<bsp::http_request> passed() {
        std::lock_guard const lock{mutex_};
        return passed_;
    }

    std::atomic<std::chrono::milliseconds> work{0ms};
    std::atomic<bool> news{false};  ///< ends what "/held" waits for
    std::atomic<int> asked{0};
    bsp::server::upgrade_answer on_upgrade;
    void wake() { door_.wake(); }

private:
    bsp::server::door_handlers handlers() {
        auto const bytes = [](int status, std::string const& body, bool close) {
            return "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: " + std::to_string(body.size()) + (close ? "\r\nConnection: close" : "") +
                   "\r\n\r\n" + body;
        };
        return {.answer =
                    [this, bytes](bsp::http_request&& request, bool close) -> bsp::server::door_answer {
                        if (request.target == "/held") return held(bytes(200, "nothing", close), bytes(200, "news", close));
                        std::string const body = request.method + ' ' + request.target + ' ' + std::to_string(request.body.size());
                        if (request.target.starts_with("/work")) std::this_thread::sleep_for(work.load());
                        std::lock_guard const lock{mutex_};
                        passed_.push_back(std::move(request));
                        return bytes(200, body, close);
                    },
                .refuse = [bytes](bsp::http_request const&, bsp::error const& why) { return bytes(why.status(), std::string{row_of(why.code).code}, true); },
                .upgrade =
                    [this](bsp::http_request&&, bool) { return on_upgrade; }};
    }

    bsp::server::door_answer held(std::string nothing, std::string good) {
        bsp::server::door_answer answer{std::move(nothing)};
        answer.held = bsp::server::held_answer{400ms, [this, good](bool) -> std::optional<std::string> {
                                                   ++asked;
                                                   return news ? std::optional{good} : std::nullopt;
                                               }};
        return answer;
    }

    std::mutex mutex_;
    std::vector<bsp::http_request> passed_;
    bsp::server::door door_;
};

bsp::server::door_limits small() {
    bsp::server::door_limits limits;
    limits.body_bytes_max = 1'000;
    limits.header_bytes_max = 4'000;
    limits.header_fields_max = 20;
    limits.target_bytes_max = 1'000;
    limits.linger = 200ms;
    return limits;
}

std::string repeat(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

constexpr std::string_view plain_get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(door)

BOOST_AUTO_TEST_CASE(requests_share_a_connection) {
    echo e;
    auto c = e.client();
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST(c.send(plain_get));
        BOOST_TEST(c.receive().body == "GET /a 0");
    }
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order) {
    echo e;
    auto c = e.client();
    std::string all;
    for (int i = 0; i < 50; ++i) all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    BOOST_TEST(c.send(all));
    for (int i = 0; i < 50; ++i) BOOST_TEST(c.receive().body == "POST /" + std::to_string(i) + " 3");
}

BOOST_AUTO_TEST_CASE(a_request_may_come_byte_by_byte) {
    echo e;
    auto c = e.client();
    for (char const byte : "PUT /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"s) c.send({&byte, 1});
    BOOST_TEST(c.receive().body == "PUT /b 5");
}

BOOST_AUTO_TEST_CASE(the_target_arrives_undecoded_and_headers_in_order) {
    echo e;
    auto c = e.client();
    c.send("GET /a%2Fb/%C3%A4?q=%20&r HTTP/1.1\r\nHost: x\r\nA: 1\r\nREMOTE_ADDR: 1.2.3.4\r\nA: 2\r\n\r\n");
    BOOST_TEST(c.receive().status == 200);
    auto const seen = e.passed().at(0);
    BOOST_TEST(seen.target == "/a%2Fb/%C3%A4?q=%20&r");
    BOOST_TEST(seen.headers.count("A") == 2u);
    BOOST_TEST(*seen.headers.find("a") == "1");
    BOOST_TEST(seen.remote == "127.0.0.1");
}

BOOST_AUTO_TEST_CASE(trailer_fields_are_not_header_fields) {
    echo e;
    auto c = e.client();
    c.send("POST /t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nAuthorization: BSP forged\r\n\r\n");
    BOOST_TEST(c.receive().status == 200);
    BOOST_TEST(e.passed().at(0).headers.find("Authorization") == nullptr);
}

BOOST_AUTO_TEST_CASE(absolute_form_becomes_origin_form) {
    echo e;
    auto c = e.client();
    c.send("GET http://evil.example:81/p?q HTTP/1.1\r\nHost: localhost\r\n\r\n");
    BOOST_TEST(c.receive().body == "GET /p?q 0");
    BOOST_TEST(*e.passed().at(0).headers.find("Host") == "evil.example:81");
}

BOOST_AUTO_TEST_CASE(a_body_on_get_is_not_the_next_request) {
    echo e;
    auto c = e.client();
    std::string const smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    c.send("GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(smuggled.size()) + "\r\n\r\n" + smuggled + "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    BOOST_TEST(c.receive().body == "GET /a " + std::to_string(smuggled.size()));
    BOOST_TEST(c.receive().body == "GET /b 0");
}

namespace {
struct refused {
    char const* title;
    std::string bytes;
    int status;
};
std::ostream& operator<<(std::ostream& out, refused const& r) { return out << r.title; }
}  // namespace

static std::vector<refused> const refusals{
    {"length and chunked", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"chunked and length", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
    {"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
    {"the same length twice", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
    {"a list of lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc", 400},
    {"length abc", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n", 400},
    {"length 3zzz", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3zzz\r\n\r\nabc", 400},
    {"length +3", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", 400},
    {"length -3", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\nabc", 400},
    {"length beyond 64 bits", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551619\r\n\r\nabc", 400},
    {"empty length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nabc", 400},
    {"coding gzip, chunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
    {"coding chunked, identity", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400},
    {"coding xchunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
    {"chunked twice", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"space before the colon", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
    {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"chunk size with sign", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n", 400},
    {"chunk size beyond 64 bits", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n", 400},
    {"chunk longer than it says", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", 400},
    {"bare line feeds", "GET / HTTP/1.1\nHost: x\n\n", 400},
    {"NUL in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"s, 400},
    {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
    {"no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"a target that is no path", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"a target with a fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"a raw byte above ASCII in the target", "GET /\xC3\xA4 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
    {"HTTP/3.7", "GET / HTTP/3.7\r\nHost: x\r\n\r\n", 400},
    {"TLS on the plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"s, 400},
    {"an unknown expectation", "POST / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nContent-Length: 3\r\n\r\nabc", 417},
    {"a long target", "GET /" + repeat("a", 1'000) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
    {"an endless request line", "GET /" + repeat("a", 100'000), 414},
    {"a long header line", "GET / HTTP/1.1\r\nHost: x\r\nA: " + repeat("b", 5'000) + "\r\n\r\n", 431},
    {"an endless header line", "GET / HTTP/1.1\r\nHost: x\r\nA: " + repeat("b", 1'000'000), 431},
    {"many headers", "GET / HTTP/1.1\r\nHost: x\r\n" + repeat("A: b\r\n", 20) + "\r\n", 431},
    {"endless headers", "GET / HTTP/1.1\r\nHost: x\r\n" + repeat("A: b\r\n", 200'000), 431},
    {"a long body by length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n" + repeat("a", 1'001), 413},
    {"a long body in one chunk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + repeat("a", 1'001) + "\r\n0\r\n\r\n", 413},
    {"a long body in small chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + repeat("1\r\na\r\n", 1'001) + "0\r\n\r\n", 413},
    {"endless trailers", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + repeat("b", 1'000'000), 431},
};

BOOST_DATA_TEST_CASE(what_is_ambiguous_or_too_much_is_refused_and_ends_the_connection, data::make(refusals), r) {
    echo e{small()};
    auto c = e.client();
    // What follows must never be taken for a request of its own.
    c.send(r.bytes + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    auto const a = c.receive();
    BOOST_TEST(a.status == r.status);
    BOOST_TEST(a.headers.at("connection") == "close");
    BOOST_TEST(c.ends_within(5s));
    BOOST_TEST(e.passed().empty());
}

BOOST_AUTO_TEST_CASE(limits_are_inclusive) {
    echo e{small()};
    auto c = e.client();
    c.send("POST /" + repeat("a", 999) + " HTTP/1.1\r\nHost: x\r\n" + repeat("A: b\r\n", 18) + "Content-Length: 1000\r\n\r\n" + repeat("a", 1'000));
    BOOST_TEST(c.receive().status == 200);
    c.send("POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + repeat("a", 1'000) + "\r\n0\r\n\r\n");
    BOOST_TEST(c.receive().body == "POST /c 1000");
}

BOOST_AUTO_TEST_CASE(a_client_that_sends_on_and_on_still_reads_why_it_was_refused) {
    echo e;
    auto c = e.client();
    BOOST_TEST(c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40000000\r\n\r\n"));
    std::string const block(1u << 20, 'a');
    for (int i = 0; i < 38; ++i) BOOST_REQUIRE(c.send(block));
    BOOST_TEST(c.receive().status == 413);
}

BOOST_AUTO_TEST_CASE(bodies_of_all_clients_together_are_bounded) {
    auto limits = small();
    limits.buffered_bytes_max = 1'500;
    echo e{limits};
    auto first = e.client();
    first.send("POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + repeat("a", 999));
    // The first body counts as soon as the door has read it; a second client finds out when.
    BOOST_TEST(support::eventually([&] {
        auto second = e.client();
        second.send("POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + repeat("a", 1'000));
        return second.receive().status == 503;
    }));
    first.send("a");
    BOOST_TEST(first.receive().body == "POST /1 1000");
    auto third = e.client();
    third.send("POST /3 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + repeat("a", 1'000));
    BOOST_TEST(third.receive().body == "POST /3 1000");
}

BOOST_AUTO_TEST_CASE(continue_is_sent_before_the_body_is_read) {
    echo e;
    auto c = e.client();
    c.send("POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    BOOST_TEST(c.receive().status == 100);
    c.send("abc");
    BOOST_TEST(c.receive().body == "POST /e 3");
}

BOOST_AUTO_TEST_CASE(a_refused_body_is_not_asked_for) {
    echo e{small()};
    auto c = e.client();
    c.send("POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n");
    BOOST_TEST(c.receive().status == 413);
}

BOOST_AUTO_TEST_CASE(http_1_0_and_close_end_the_connection) {
    for (std::string const request : {"GET /z HTTP/1.0\r\n\r\n", "GET /z HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n"}) {
        echo e;
        auto c = e.client();
        c.send(request);
        auto const a = c.receive();
        BOOST_TEST(a.status == 200);
        BOOST_TEST(a.headers.at("connection") == "close");
        BOOST_TEST(c.ends_within(5s));
    }
}

BOOST_AUTO_TEST_CASE(a_head_that_trickles_in_meets_its_deadline) {
    auto limits = small();
    limits.head_deadline = 150ms;
    echo e{limits};
    auto c = e.client();
    std::atomic<bool> answered{false};
    std::thread trickle{[&] {
        c.send("GET / HTTP/1.1\r\nHost: x\r\n");
        while (!answered && c.send("A")) support::moment();
    }};
    auto const a = c.receive();
    answered = true;
    trickle.join();
    BOOST_TEST(a.status == 408);
    BOOST_TEST(e.passed().empty());
}

BOOST_AUTO_TEST_CASE(a_body_that_trickles_in_meets_its_deadline) {
    auto limits = small();
    limits.body_deadline = 150ms;
    echo e{limits};
    auto c = e.client();
    std::atomic<bool> answered{false};
    std::thread trickle{[&] {
        c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
        for (int i = 0; i < 990 && !answered && c.send("a"); ++i) support::moment();
    }};
    auto const a = c.receive();
    answered = true;
    trickle.join();
    BOOST_TEST(a.status == 408);
}

BOOST_AUTO_TEST_CASE(silent_connections_are_closed_without_a_word) {
    auto limits = small();
    limits.head_deadline = limits.idle_deadline = 100ms;
    echo e{limits};
    auto never = e.client();
    auto once = e.client();
    once.send(plain_get);
    BOOST_TEST(once.receive().status == 200);
    BOOST_TEST(never.ends_within(5s));
    BOOST_TEST(once.ends_within(5s));
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_meets_its_deadline) {
    auto limits = small();
    limits.write_deadline = 150ms;
    echo e{limits};
    auto c = e.client();
    // Fills both socket buffers with answers that nobody reads, until the server gives up.
    std::string const many = repeat("GET /" + repeat("x", 900) + " HTTP/1.1\r\nHost: x\r\n\r\n", 500);
    BOOST_TEST(support::eventually([&] { return !c.send(many); }));
}

BOOST_AUTO_TEST_CASE(idle_and_busy_clients_starve_nobody) {
    echo e;
    e.work = 1ms;
    std::vector<raw_client> idle;
    for (int i = 0; i < 500; ++i) {
        idle.push_back(e.client());
        idle.back().send(plain_get);
        BOOST_REQUIRE(idle.back().receive().status == 200);
    }
    std::atomic<bool> done{false};
    std::vector<std::thread> busy;
    for (int i = 0; i < 64; ++i)
        busy.emplace_back([&] {
            auto c = e.client();
            while (!done) {
                c.send("GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
                if (c.receive().status != 200) return;
            }
        });
    auto slowest = 0ns;
    for (int i = 0; i < 20; ++i) {
        auto const begun = std::chrono::steady_clock::now();
        auto c = e.client();
        c.send("GET /work/new HTTP/1.1\r\nHost: x\r\n\r\n");
        BOOST_TEST(c.receive().status == 200);
        slowest = std::max<std::chrono::nanoseconds>(slowest, std::chrono::steady_clock::now() - begun);
    }
    done = true;
    for (auto& b : busy) b.join();
    BOOST_TEST(std::chrono::duration<double>(slowest).count() < 2.0);
    for (auto& c : idle) {
        c.send(plain_get);
        BOOST_REQUIRE(c.receive().status == 200);
    }
}

BOOST_AUTO_TEST_CASE(the_longest_idle_connection_gives_way) {
    auto limits = small();
    limits.connections_max = 4;
    echo e{limits};
    std::vector<raw_client> idle;
    for (int i = 0; i < 4; ++i) {
        idle.push_back(e.client());
        idle.back().send(plain_get);
        BOOST_REQUIRE(idle.back().receive().status == 200);
    }
    auto c = e.client();
    c.send(plain_get);
    BOOST_TEST(c.receive().status == 200);
    BOOST_TEST(idle[0].ends_within(5s));
    idle[3].send(plain_get);
    BOOST_TEST(idle[3].receive().status == 200);
}

BOOST_AUTO_TEST_CASE(who_finds_no_place_is_told) {
    auto limits = small();
    limits.connections_max = 2;
    echo e{limits};
    e.work = 300ms;
    auto a = e.client(), b = e.client();
    a.send("GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
    b.send("GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
    BOOST_TEST(support::eventually([&] { return e.client().receive(100ms).status == 503; }, 5s));
    BOOST_TEST(a.receive().status == 200);
    BOOST_TEST(b.receive().status == 200);
}

BOOST_AUTO_TEST_CASE(stop_takes_milliseconds_and_answers_what_is_under_way) {
    echo e;
    e.work = 50ms;
    std::vector<raw_client> idle;
    for (int i = 0; i < 50; ++i) {
        idle.push_back(e.client());
        idle.back().send(i % 2 ? plain_get : "GET /half HTT");
        if (i % 2) BOOST_REQUIRE(idle.back().receive().status == 200);
    }
    auto busy = e.client();
    busy.send("GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
    auto const seen_before = e.passed().size();
    std::thread stopper;
    auto begun = std::chrono::steady_clock::now();
    // The request is under way once it has been read, which shows in nothing but its answer; give it a moment.
    support::eventually([&] { return std::chrono::steady_clock::now() - begun > 20ms; });
    begun = std::chrono::steady_clock::now();
    e.stop();
    auto const took = std::chrono::steady_clock::now() - begun;
    BOOST_TEST(busy.receive().status == 200);
    BOOST_TEST(e.passed().size() == seen_before + 1);
    BOOST_TEST(std::chrono::duration<double>(took).count() < 1.0);
}

namespace {

constexpr std::string_view handshake =
    "GET /telemetry/p HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A text message of a client, masked with zeros.
std::string frame(std::string_view text, int opcode = 1) {
    return std::string{static_cast<char>(0x80 | opcode), static_cast<char>(0x80 | text.size())} + "\0\0\0\0"s + std::string{text};
}

/// The next frame of the server, without its head; "" when the connection has ended.
std::string next_frame(raw_client& c) {
    unsigned char head[2];
    if (::recv(c.descriptor(), head, 2, MSG_WAITALL) != 2) return "";
    std::string text(head[1], '\0');
    ::recv(c.descriptor(), text.data(), text.size(), MSG_WAITALL);
    return text;
}

/// Says what it hears, and "bye" ends the connection.
struct parrot final : bsp::server::socket_listener {
    explicit parrot(std::shared_ptr<bsp::server::socket_line> l) : line{std::move(l)} {}
    void received(std::string message) override {
        if (message == "bye") line->close(1008, "as you wish");
        else line->send({message});
    }
    void ended() override { ++ended_count; }
    std::shared_ptr<bsp::server::socket_line> line;
    static inline std::atomic<int> ended_count = 0;
};

bsp::server::upgrade_answer as_parrot() {
    return {{}, [](std::shared_ptr<bsp::server::socket_line> line) { return std::make_shared<parrot>(std::move(line)); }};
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_upgrade_becomes_a_conversation) {
    echo e;
    e.on_upgrade = as_parrot();
    int const ended = parrot::ended_count;
    auto c = e.client();
    c.send(handshake);
    BOOST_REQUIRE(c.receive().status == 101);
    c.send(frame("one") + frame("two"));
    BOOST_TEST(next_frame(c) == "one");
    BOOST_TEST(next_frame(c) == "two");
    c.send(frame("bye"));
    BOOST_TEST(next_frame(c) == "\x03\xF0" "as you wish");
    c.send(frame("\x03\xF0", 8));
    BOOST_TEST(c.ends_within(1s));
    BOOST_TEST(support::eventually([&] { return parrot::ended_count == ended + 1; }));
    BOOST_TEST(e.passed().empty());
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_answer_the_close_is_not_waited_for) {
    echo e;
    e.on_upgrade = as_parrot();
    auto c = e.client();
    c.send(handshake);
    BOOST_REQUIRE(c.receive().status == 101);
    c.send(frame("bye"));
    BOOST_TEST(c.ends_within(2s));
}

// What comes after the close is read as the rest of a frame that is no UTF-8: reading and closing then wait for each other.
BOOST_AUTO_TEST_CASE(a_close_in_the_middle_of_a_frame_ends_the_conversation) {
    echo e;
    e.on_upgrade = as_parrot();
    auto c = e.client();
    c.send(handshake);
    BOOST_REQUIRE(c.receive().status == 101);
    int const before = parrot::ended_count;
    c.send(frame("bye") + frame(std::string(100, 'x')).substr(0, 40));
    BOOST_TEST(next_frame(c).substr(0, 2) == "\x03\xF0");
    c.send("\xFF\xFF\xFF\xFF"s);
    BOOST_TEST(support::eventually([&] { return parrot::ended_count > before; }));
    auto const begun = std::chrono::steady_clock::now();
    e.stop();
    BOOST_TEST(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() < 2.0);
}

BOOST_AUTO_TEST_CASE(stop_ends_conversations_with_1012) {
    echo e;
    e.on_upgrade = as_parrot();
    auto c = e.client(), unheard = e.client();
    for (auto* client : {&c, &unheard}) {
        client->send(handshake);
        BOOST_REQUIRE(client->receive().status == 101);
    }
    auto const begun = std::chrono::steady_clock::now();
    std::thread stopper{[&] { e.stop(); }};
    BOOST_TEST(next_frame(c).substr(0, 2) == "\x03\xF4");
    stopper.join();
    BOOST_TEST(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() < 2.0);
}

BOOST_AUTO_TEST_CASE(conversations_leave_places_to_others) {
    auto limits = small();
    limits.connections_max = 8;
    echo e{limits};
    e.on_upgrade = as_parrot();
    std::vector<raw_client> streams;
    for (int i = 0; i < 4; ++i) {
        streams.push_back(e.client());
        streams.back().send(handshake);
        BOOST_REQUIRE(streams.back().receive().status == 101);
    }
    {
        auto one_too_many = e.client();
        one_too_many.send(handshake);
        BOOST_TEST(one_too_many.receive().status == 503);
    }
    auto other = e.client();
    other.send(plain_get);
    BOOST_TEST(other.receive().status == 200);
    streams.pop_back();
    BOOST_TEST(support::eventually([&] {
        auto next = e.client();
        next.send(handshake);
        return next.receive().status == 101;
    }));
}

BOOST_AUTO_TEST_CASE(a_refused_upgrade_is_an_answer_like_any_other) {
    echo e;
    e.on_upgrade = {"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n", {}};
    auto c = e.client();
    c.send(handshake);
    BOOST_TEST(c.receive().status == 404);
    c.send(plain_get);
    BOOST_TEST(c.receive().status == 200);
}

BOOST_AUTO_TEST_CASE(what_is_no_handshake_is_a_request_like_any_other) {
    echo e;
    e.on_upgrade = as_parrot();
    for (auto const& [from, to] : {std::pair{"Version: 13"s, "Version: 8"s}, {"Key: dG"s, "Key: d"s}, {"Upgrade: WebSocket"s, "Upgrade: h2c"s}, {"GET"s, "PUT"s}}) {
        std::string request{handshake};
        request.replace(request.find(from), from.size(), to);
        auto c = e.client();
        c.send(request);
        BOOST_TEST(c.receive().status == 200, to);
    }
    auto hasty = e.client();
    hasty.send(std::string{handshake} + frame("too early"));
    BOOST_TEST(hasty.receive().status == 400);
}

BOOST_AUTO_TEST_CASE(a_held_answer_waits_for_news_and_for_no_worker) {
    auto limits = small();
    limits.workers = 1;
    echo e{limits};
    std::vector<raw_client> waiting;
    for (int i = 0; i < 10; ++i) {
        waiting.push_back(e.client());
        waiting.back().send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    auto other = e.client();
    other.send(plain_get);
    BOOST_TEST(other.receive().status == 200);
    e.news = true;
    e.wake();
    auto const begun = std::chrono::steady_clock::now();
    for (auto& c : waiting) BOOST_TEST(c.receive().body == "news");
    BOOST_TEST(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() < 0.3);
}

BOOST_AUTO_TEST_CASE(a_held_answer_without_news_is_the_first_one) {
    echo e;
    auto c = e.client();
    auto const begun = std::chrono::steady_clock::now();
    c.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    BOOST_TEST(c.receive().body == "nothing");
    BOOST_TEST(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() >= 0.4);
    BOOST_TEST(e.asked == 1);
    BOOST_TEST(c.receive().body == "GET /a 0");
}

BOOST_AUTO_TEST_SUITE_END()
