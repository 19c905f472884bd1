#include "conformance/target/http_reader.hpp"
#include "conformance/target/target.hpp"
#include "scripted_server.hpp"

#include <boost/test/unit_test.hpp>

using namespace bsp::conformance;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<target> client_of(scripted_server const& s) { return connect_to(s.url()).value(); }
bsp::http_request get(std::string path = "/identity") { return {"GET", std::move(path), {}, {}, {}}; }

/// What one request gets from a server that answers `text` and closes.
answer answer_to(std::string const& text) {
    scripted_server const server{[&](int fd) {
        scripted_server::read_head(fd);
        scripted_server::write(fd, text);
    }};
    return client_of(server)->send(get(), 2s);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(suite_http_target)

BOOST_AUTO_TEST_CASE(every_framing_of_an_answer_is_read) {
    for (std::string const text : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: t\r\n\r\n",
                                   "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200\nContent-Length: 5\n\nhello"}) {
        auto const a = answer_to(text);
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(to_string(a.why) == "none");
            BOOST_TEST(a.response.status == 200);
            BOOST_TEST(a.response.body == "hello");
        }
    }
}

BOOST_AUTO_TEST_CASE(bytes_may_arrive_one_by_one) {
    std::string const text = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    http_reader reader;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const state = reader.feed(text.substr(i, 1));
        BOOST_REQUIRE((state == (i + 1 == text.size() ? http_reader::state::complete : http_reader::state::more)));
    }
    BOOST_TEST(reader.response().body == "abc");
    BOOST_TEST(*reader.response().headers.find("x") == "y");
}

BOOST_AUTO_TEST_CASE(every_way_to_fail_has_its_name) {
    struct row { char const* text; fault expected; };
    for (auto const& [text, expected] : {row{"SSH-2.0-OpenSSH_9\r\n", fault::garbage}, {"", fault::closed}, {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", fault::closed},
                                         {"HTTP/1.1 999 OK\r\n\r\n", fault::garbage}, {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", fault::garbage},
                                         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", fault::garbage}, {"\x15\x03\x01", fault::garbage}})
        BOOST_TEST(to_string(answer_to(text).why) == to_string(expected), text);
}

BOOST_AUTO_TEST_CASE(a_hanging_server_costs_the_timeout_and_no_more) {
    scripted_server const server{[](int fd) { scripted_server::wait_for_end(fd); }};
    auto const a = client_of(server)->send(get(), 150ms);
    BOOST_TEST(to_string(a.why) == "timeout");
    BOOST_TEST((a.took >= 150ms && a.took < 1s));
}

BOOST_AUTO_TEST_CASE(nobody_there_is_refused) {
    std::string url;
    {
        scripted_server const gone{[](int) {}};
        url = gone.url();
    }
    BOOST_TEST(to_string(connect_to(url).value()->send(get(), 1s).why) == "refused");
}

BOOST_AUTO_TEST_CASE(connections_are_used_again) {
    scripted_server const server{[](int fd) {
        for (;;) {
            if (scripted_server::read_head(fd).empty()) return;
            scripted_server::write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    }};
    auto const client = client_of(server);
    for (int i = 0; i < 5; ++i) BOOST_TEST(client->send(get(), 1s).response.body == "ok");
    BOOST_TEST(server.connections() == 1);
}

BOOST_AUTO_TEST_CASE(an_idle_connection_that_was_closed_is_nobodys_fault) {
    scripted_server const server{[](int fd) {  // promises to keep the connection and closes it
        scripted_server::read_head(fd);
        scripted_server::write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }};
    auto const client = client_of(server);
    for (int i = 0; i < 5; ++i) BOOST_TEST(client->send(get(), 1s).response.body == "ok");
}

BOOST_AUTO_TEST_CASE(an_answer_before_the_body_was_read_is_heard) {
    scripted_server const server{[](int fd) {
        scripted_server::read_head(fd);
        scripted_server::write(fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        scripted_server::wait_for_end(fd);
    }};
    bsp::http_request big{"POST", "/", {}, std::string(8u << 20, 'x'), {}};
    BOOST_TEST(client_of(server)->send(big, 5s).response.status == 413);
}

BOOST_AUTO_TEST_CASE(what_is_sent_is_what_was_asked_for) {
    std::string seen;
    {
        scripted_server const server{[&](int fd) {
            seen = scripted_server::read_head(fd);
            scripted_server::write(fd, "HTTP/1.1 204 No Content\r\n\r\n");
        }};
        bsp::http_request r{"POST", "/a/../b%2F?x=1&y", {{"Host", "evil.example"}, {"Content-Length", std::string(1, '\0')}, {"X-Test", "1"}}, "", {}};
        BOOST_TEST(client_of(server)->send(r, 1s).response.status == 204);
    }
    BOOST_TEST(seen == "POST /a/../b%2F?x=1&y HTTP/1.1\r\nHost: evil.example\r\nX-Test: 1\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(raw_bytes_come_back_as_they_are) {
    scripted_server const server{[](int fd) {
        scripted_server::read_head(fd);
        scripted_server::write(fd, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }};
    auto const a = client_of(server)->raw("GET / HTTP/1.1\r\n\r\n", 2s);
    BOOST_TEST(a.status() == 400);
    BOOST_TEST(a.ended);
    BOOST_TEST(a.bytes.ends_with("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(urls) {
    auto const with_prefix = connect_to("http://localhost:8825/bsp/").value()->base_path();
    BOOST_TEST(with_prefix == "/bsp");
    BOOST_TEST(connect_to("https://[::1]:1").value()->authority() == "[::1]:1");
    for (char const* bad : {"localhost:8825", "ftp://x", "http://", "http://x:port", "http://x/?q", "http://user@x", "http://x:99999999"}) BOOST_TEST(!connect_to(bad), bad);
}

BOOST_AUTO_TEST_SUITE_END()
