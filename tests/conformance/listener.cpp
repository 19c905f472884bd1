#include "conformance/peer/listener.hpp"
#include "conformance/target/target.hpp"
#include "conformance/target/web_socket.hpp"

#include <boost/test/unit_test.hpp>

#include <thread>

using namespace bsp;
using namespace bsp::conformance;

BOOST_AUTO_TEST_SUITE(suite_listener)

namespace {

/// Answers with the method, target and body that came, unless it was told otherwise.
struct echo final : mailbox {
    reaction next{};
    bool scripted = false;
    std::atomic<int> whole = 0, broken = 0;

    reaction take(http_request const& r, std::size_t&) override {
        if (scripted) return next;
        return {.response = {200, {}, r.method + ' ' + r.target + ' ' + r.body}};
    }
    void finished(std::size_t, bool all) override { ++(all ? whole : broken); }
    bool open() const override { return true; }
    /// Repeats every text, until something else comes.
    void converse(std::size_t, web_socket& with) override {
        for (;;) {
            auto const e = with.next(std::chrono::steady_clock::now() + std::chrono::seconds{2});
            if (e.what == web_event::kind::garbage) ++broken;
            if (e.what != web_event::kind::text) return;
            with.write(bytes_of({.payload = "heard " + e.payload, .masked = false}), std::chrono::steady_clock::now() + std::chrono::seconds{1});
        }
    }
};

struct fixture {
    std::unique_ptr<listener> door = listener::open("127.0.0.1:0").value();
    std::shared_ptr<echo> box = std::make_shared<echo>();
    std::unique_ptr<target> to;

    fixture() {
        door->add("box", box);
        to = connect_to(door->origin()).value();
    }
    answer send(std::string path, std::string body = {}) { return to->send({body.empty() ? "GET" : "POST", std::move(path), {}, std::move(body), {}}, std::chrono::seconds{2}); }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(requests_go_to_the_mailbox_of_their_first_segment, fixture) {
    BOOST_TEST(send("/box/sync/p1?since=x", "body").response.body == "POST /sync/p1?since=x body");
    BOOST_TEST(send("/other/sync").response.status == 404);
    auto const rest = std::make_shared<echo>();
    door->add("", rest);
    BOOST_TEST(send("/other/sync").response.body == "GET /other/sync ");
    box.reset();
    BOOST_TEST(send("/box/sync").response.body == "GET /box/sync ");
}

BOOST_FIXTURE_TEST_CASE(bodies_may_come_in_chunks_and_after_a_question, fixture) {
    auto const chunked = to->raw("POST /box/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", std::chrono::seconds{2});
    BOOST_TEST(chunked.bytes.ends_with("POST /a abcde"));
    auto const asked = to->raw("POST /box/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", std::chrono::seconds{2});
    BOOST_TEST(asked.bytes.starts_with("HTTP/1.1 100"));
    BOOST_TEST(asked.bytes.ends_with("POST /a hi"));
    BOOST_TEST(to->raw("POST /box/a HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", std::chrono::seconds{2}).status() == 0);
}

BOOST_FIXTURE_TEST_CASE(it_misbehaves_as_it_is_told, fixture) {
    using manner = reaction::manner;
    box->scripted = true;
    box->next = {.how = manner::close};
    BOOST_TEST((send("/box/a").why == fault::closed));
    box->next = {.how = manner::bytes, .response = {0, {}, "SSH-2.0\r\n"}};
    BOOST_TEST((send("/box/a").why == fault::garbage));
    box->next = {.how = manner::hang};
    BOOST_TEST((to->send({"GET", "/box/a", {}, {}, {}}, std::chrono::milliseconds{200}).why == fault::timeout));
    BOOST_TEST(box->whole == 0);
    box->next = {.response = {200, {}, "late"}, .delay = std::chrono::milliseconds{150}};
    auto const late = send("/box/a");
    BOOST_TEST(late.response.body == "late");
    BOOST_TEST((late.took >= std::chrono::milliseconds{150}));
}

BOOST_FIXTURE_TEST_CASE(an_upgrade_leads_to_a_conversation, fixture) {
    box->scripted = true;
    box->next = {.how = reaction::manner::upgrade};
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    auto const opened = [&] {
        auto wire = to->open(std::chrono::seconds{2});
        std::string const head = "GET /box/telemetry HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        BOOST_REQUIRE(wire.to);
        BOOST_REQUIRE(wire.to->write(head.data(), head.size()).size == head.size());
        std::string answer;
        for (char one = 0; !answer.ends_with("\r\n\r\n") && wire.to->wait(until, false);)
            if (wire.to->read(&one, 1).size == 1) answer += one;
        BOOST_TEST(answer.starts_with("HTTP/1.1 101 "));
        BOOST_TEST(answer.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != std::string::npos);  // RFC 6455, section 1.3
        return std::make_unique<web_socket>(std::move(wire.to), "");
    };
    auto const right = opened();
    for (std::string const text : {"", "hello", "x"}) {
        std::string const said = text + std::string(text == "x" ? 70'000 : 0, 'y');
        right->write(bytes_of({.payload = said}), until);
        auto const e = right->next(until);
        BOOST_TEST((e.what == web_event::kind::text));
        BOOST_TEST((e.payload == "heard " + said));
    }
    right->write(bytes_of(closing(1000)), until);
    BOOST_TEST((right->next(until).what == web_event::kind::ended));
    BOOST_TEST(box->broken == 0);
    auto const wrong = opened();
    wrong->write(bytes_of({.payload = "no mask", .masked = false}), until);
    BOOST_TEST((wrong->next(until).what == web_event::kind::ended));
    BOOST_TEST(box->broken == 1);
}

BOOST_AUTO_TEST_CASE(an_address_that_cannot_be_used_is_told) {
    for (char const* bad : {"", "9000", "127.0.0.1", "nowhere:9000", "127.0.0.1:99999", "127.0.0.1:x"}) BOOST_TEST(!listener::open(bad), bad);
    auto const first = listener::open("127.0.0.1:0").value();
    BOOST_TEST(!listener::open(first->origin().substr(7)));
}

BOOST_AUTO_TEST_SUITE_END()
