#include <reference_server/client/http_client.hpp>

#include "support.hpp"

#include <conformance/scripted_server.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <future>
#include <thread>

using namespace std::chrono_literals;
using bsp::http_request;
using bsp::http_response;
using bsp::server::http_client;
using clock_type = std::chrono::steady_clock;

namespace {

http_request get(std::string target = "/") { return {.method = "GET", .target = std::move(target), .headers = {{"Host", "localhost"}}, .body = {}, .remote = {}}; }

bsp::result<http_response> ask(http_client& client, std::string const& origin, std::chrono::milliseconds patience = 10s) {
    return client.ask(origin, get(), clock_type::now() + patience);
}

std::string why(bsp::result<http_response> const& answer) { return answer ? "an answer with status " + std::to_string(answer->status) : answer.error().detail; }

/// Answers every request of a connection with `text`.
auto answering(std::string text) {
    return [text = std::move(text)](int fd) {
        while (!scripted_server::read_head(fd).empty()) scripted_server::write(fd, text);
    };
}

std::string const hello = "HTTP/1.1 200 OK\r\nX-Of: a server\r\nContent-Length: 5\r\n\r\nhello";

}  // namespace

BOOST_AUTO_TEST_SUITE(http_clients)

BOOST_AUTO_TEST_CASE(answers_come_with_status_fields_and_body) {
    scripted_server const server{answering(hello)};
    http_client client;
    auto const answer = ask(client, server.url());
    BOOST_REQUIRE_MESSAGE(answer, why(answer));
    BOOST_TEST(answer->status == 200);
    BOOST_TEST(answer->body == "hello");
    BOOST_REQUIRE(answer->headers.find("x-of"));
    BOOST_TEST(*answer->headers.find("x-of") == "a server");
}

BOOST_AUTO_TEST_CASE(a_body_is_sent_whole_and_other_fields_as_they_are) {
    std::string received;
    {
        scripted_server const server{[&](int fd) {
            received = scripted_server::read_head(fd);
            while (!received.ends_with("the end")) {
                char more[4096];
                auto const n = ::recv(fd, more, sizeof more, 0);
                if (n <= 0) break;
                received.append(more, static_cast<std::size_t>(n));
            }
            scripted_server::write(fd, hello);
        }};
        http_client client;
        http_request request{.method = "POST", .target = "/a?b=c%2F", .headers = {{"Host", "a.example"}, {"Authorization", "BSP x"}}, .body = std::string(100'000, 'x') + "the end", .remote = {}};
        BOOST_TEST(client.ask(server.url(), request, clock_type::now() + 10s).has_value());
    }
    BOOST_TEST(received.starts_with("POST /a?b=c%2F HTTP/1.1\r\n"));
    BOOST_TEST(received.find("\r\nHost: a.example\r\n") != std::string::npos);
    BOOST_TEST(received.find("\r\nAuthorization: BSP x\r\n") != std::string::npos);
    BOOST_TEST(received.find("\r\nContent-Length: 100007\r\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(connections_are_used_again_unless_they_ended) {
    scripted_server const lasting{answering(hello)};
    scripted_server const brief{[](int fd) {
        scripted_server::read_head(fd);
        scripted_server::write(fd, hello);
    }};
    scripted_server const chatty{[](int fd) {
        scripted_server::read_head(fd);
        scripted_server::write(fd, hello + hello);  // nobody asked for the second
        scripted_server::wait_for_end(fd);
    }};
    http_client client;
    for (int i = 0; i < 3; ++i) {
        for (auto const* server : {&lasting, &brief, &chatty}) {
            auto const answer = ask(client, server->url());
            BOOST_TEST(answer.has_value(), why(answer));
        }
        brief.wait_for_closed(i + 1);  // what is closed on loopback is seen at once
    }
    BOOST_TEST(lasting.connections() == 1);
    BOOST_TEST(brief.connections() == 3);
    BOOST_TEST(chatty.connections() == 3);
    client.stop();
}

BOOST_AUTO_TEST_CASE(interim_answers_are_passed_over_but_not_for_ever) {
    std::string const interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    scripted_server const server{answering(interim + interim + hello)};
    std::string endless;
    for (int i = 0; i < 100; ++i) endless += interim;
    scripted_server const tease{answering(endless + hello)};
    http_client client;
    auto const answer = ask(client, server.url());
    BOOST_TEST((answer && answer->status == 200), why(answer));
    BOOST_TEST(why(ask(client, tease.url())) == "nothing but interim answers");
    client.stop();
}

BOOST_AUTO_TEST_CASE(a_redirection_is_an_answer) {
    scripted_server const server{answering("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")};
    http_client client;
    auto const answer = ask(client, server.url());
    BOOST_TEST((answer && answer->status == 302), why(answer));
    client.stop();
}

BOOST_AUTO_TEST_CASE(what_is_too_large_is_not_read) {
    http_client client{{.header_bytes_max = 8'192, .body_bytes_max = 100'000, .under_way_max = 4}};
    scripted_server const declared{answering("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n")};
    BOOST_TEST(why(ask(client, declared.url())) == "the answer is larger than 100000 bytes");
    scripted_server const until_the_end{[](int fd) {
        scripted_server::read_head(fd);
        scripted_server::write(fd, "HTTP/1.1 200 OK\r\n\r\n" + std::string(200'000, 'x'));
    }};
    BOOST_TEST(why(ask(client, until_the_end.url())) == "the answer is larger than 100000 bytes");
    scripted_server const headed{answering("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n")};
    BOOST_TEST(why(ask(client, headed.url())) == "the head of the answer is too large");
    client.stop();
}

BOOST_AUTO_TEST_CASE(what_is_no_answer_says_so) {
    http_client client;
    for (char const* garbage : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "ICY 200 OK\r\n\r\n", "\x16\x03\x01\x02", "HTTP/1.1 999999 X\r\n\r\n"}) {
        scripted_server const server{[&](int fd) {
            scripted_server::read_head(fd);
            scripted_server::write(fd, garbage);
        }};
        auto const answer = ask(client, server.url());
        BOOST_TEST(!answer.has_value(), garbage);
        BOOST_TEST(!answer.error().detail.empty());
    }
    for (char const* origin : {"", "ftp://127.0.0.1", "http://", "http://127.0.0.1:0", "http://127.0.0.1:99999", "http://user@127.0.0.1", "127.0.0.1:80"})
        BOOST_TEST(why(ask(client, origin)).ends_with("is not an origin"), origin);
    BOOST_TEST(why(ask(client, "http://127.0.0.1:1")).starts_with("cannot connect: "));
    BOOST_TEST(why(ask(client, "http://name.invalid")).starts_with("name.invalid: "), why(ask(client, "http://name.invalid")));
}

BOOST_AUTO_TEST_CASE(a_deadline_covers_everything_and_delays_nobody) {
    std::atomic<bool> over{false};
    scripted_server const dripping{[&](int fd) {
        scripted_server::read_head(fd);
        scripted_server::write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while (!over && ::send(fd, "x", 1, MSG_NOSIGNAL) == 1) std::this_thread::sleep_for(10ms);
    }};
    scripted_server const good{answering(hello)};
    http_client client;
    std::promise<bsp::result<http_response>> slow;
    auto const begun = clock_type::now();
    client.send(dripping.url(), get(), begun + 300ms, [&](bsp::result<http_response> answer) { slow.set_value(std::move(answer)); });
    for (int i = 0; i < 20; ++i) BOOST_TEST(ask(client, good.url()).has_value());
    auto answer = slow.get_future();
    BOOST_REQUIRE((answer.wait_for(5s) == std::future_status::ready));
    BOOST_TEST((clock_type::now() - begun >= 300ms));
    BOOST_TEST(why(answer.get()) == "no complete answer in time");
    BOOST_TEST(why(ask(client, good.url(), -1s)) == "no complete answer in time");  // a deadline that has passed
    over = true;
    client.stop();
}

BOOST_AUTO_TEST_CASE(stopping_waits_for_nobody) {
    scripted_server const silent{scripted_server::wait_for_end};
    std::atomic<bool> answered{false};
    http_client client;
    for (auto const& origin : {silent.url(), std::string{"https://127.0.0.1:"} + silent.url().substr(silent.url().rfind(':') + 1), std::string{"http://192.0.2.1"}, std::string{"http://name.invalid"}})
        client.send(origin, get(), clock_type::now() + 1h, [&](bsp::result<http_response> const& answer) { answered = answered || answer.has_value(); });
    BOOST_TEST(support::eventually([&] { return silent.connections() > 0; }));
    auto const begun = clock_type::now();
    client.stop();
    BOOST_TEST((clock_type::now() - begun < 1s));
    BOOST_TEST(!answered);
}

BOOST_AUTO_TEST_CASE(too_many_at_once_fail_at_once) {
    scripted_server const silent{scripted_server::wait_for_end};
    http_client client{{.header_bytes_max = 8'192, .body_bytes_max = 100'000, .under_way_max = 4}};
    std::atomic<int> refused{0};
    for (int i = 0; i < 6; ++i)
        client.send(silent.url(), get(), clock_type::now() + 1h, [&](bsp::result<http_response> const& answer) { refused += why(answer) == "too many requests are under way"; });
    BOOST_TEST(support::eventually([&] { return refused == 2; }));
    client.stop();
    BOOST_TEST(refused == 2);
}

BOOST_AUTO_TEST_SUITE_END()
