#include <reference_server/routes.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>

namespace {

using bsp::server::routes;

bsp::http_request get(std::string target) { return {.method = "GET", .target = std::move(target), .headers = {{"Host", "x"}}, .body = {}, .remote = "192.0.2.7"}; }

/// Routes that remember the request and answer with a fixed body.
struct fixture {
    bsp::http_request seen;
    bsp::http_response reply{.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = R"({"a":1})"};
    struct {
        fixture& self;
        routes all;

        std::string answer(bsp::http_request&& request, bool close) {
            return all.answer(std::move(request), close, [&](bsp::http_request const& arrived) {
                self.seen = arrived;
                return self.reply;
            });
        }
    } r{*this, {}};
};

bool contains(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(routes_, fixture)

BOOST_AUTO_TEST_CASE(the_request_arrives_as_it_was_sent) {
    auto request = get("/a%2Fb/%00?x=%20&x=+#");
    request.headers.add("REMOTE_ADDR", "203.0.113.1");
    request.headers.add("X-A", "1");
    request.headers.add("X-A", "2");
    r.answer(std::move(request), false);
    BOOST_TEST(seen.target == "/a%2Fb/%00?x=%20&x=+#");
    BOOST_TEST(seen.remote == "192.0.2.7");
    BOOST_TEST(seen.headers.count("REMOTE_ADDR") == 1u);
    BOOST_TEST(seen.headers.count("X-A") == 2u);
    BOOST_TEST(seen.headers.count("Host") == 1u);
}

BOOST_AUTO_TEST_CASE(bodies_of_any_type_and_size_arrive_untouched) {
    for (std::string const type : {"application/json", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x"})
        for (std::string const coding : {"identity", "gzip", "br"}) {
            std::string const body(100'000, '%');
            r.answer({.method = "POST", .target = "/s", .headers = {{"Host", "x"}, {"Content-Type", type}, {"Content-Encoding", coding}}, .body = body, .remote = {}}, false);
            BOOST_TEST(seen.body == body);
            BOOST_TEST(*seen.headers.find("Content-Encoding") == coding);
        }
}

BOOST_AUTO_TEST_CASE(every_method_reaches_the_protocol) {
    for (std::string const method : {"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PRI", "BREW", "get"}) {
        auto request = get("/");
        request.method = method;
        BOOST_TEST(contains(r.answer(std::move(request), false), "HTTP/1.1 200 OK\r\n"));
        BOOST_TEST(seen.method == method);
    }
}

BOOST_AUTO_TEST_CASE(answers_are_neither_compressed_nor_cut) {
    reply.body = std::string(10'000, 'a');
    auto request = get("/");
    request.headers.add("Accept-Encoding", "gzip, br");
    request.headers.add("Range", "bytes=0-1");
    auto const bytes = r.answer(std::move(request), false);
    BOOST_TEST(contains(bytes, "HTTP/1.1 200 OK\r\n"));
    BOOST_TEST(contains(bytes, "Content-Length: 10000\r\n"));
    BOOST_TEST(!contains(bytes, "Content-Encoding"));
    BOOST_TEST(!contains(bytes, "Accept-Ranges"));
    BOOST_TEST(contains(bytes, "\r\n\r\n" + reply.body));
}

BOOST_AUTO_TEST_CASE(head_is_answered_without_a_body) {
    auto request = get("/");
    request.method = "HEAD";
    auto const bytes = r.answer(std::move(request), false);
    BOOST_TEST(bytes.ends_with("\r\n\r\n"));
    BOOST_TEST(contains(bytes, "HTTP/1.1 200 OK\r\n"));
    BOOST_TEST(!contains(bytes, "Content-Length: 0"));
}

BOOST_AUTO_TEST_CASE(only_the_door_decides_when_a_connection_ends) {
    auto request = get("/");
    request.headers.add("Connection", "close");
    BOOST_TEST(!contains(r.answer(std::move(request), false), "Connection: close"));
    BOOST_TEST(contains(r.answer(get("/"), true), "Connection: close\r\n"));
    BOOST_TEST(!contains(r.answer(get("/"), false), "Keep-Alive"));
}

BOOST_AUTO_TEST_CASE(statuses_have_their_reasons_and_answers_a_date) {
    for (int const status : {201, 204, 401, 409, 421, 426, 429, 431, 503}) {
        reply.status = status;
        auto const bytes = r.answer(get("/"), false);
        BOOST_TEST(contains(bytes, "HTTP/1.1 " + std::to_string(status) + " "));
        BOOST_TEST(contains(bytes, " GMT\r\n"));
    }
}

BOOST_AUTO_TEST_CASE(paths_of_any_length_cost_no_stack) {
    r.answer(get("/" + std::string(1'000'000, 'a')), false);
    BOOST_TEST(seen.target.size() == 1'000'001u);
}

BOOST_AUTO_TEST_CASE(what_an_exception_says_stays_inside) {
    auto const bytes = r.all.answer(get("/"), false, [](bsp::http_request const&) -> bsp::http_response { throw std::runtime_error{"/secret/path"}; });
    BOOST_TEST(contains(bytes, "HTTP/1.1 500 "));
    BOOST_TEST(!contains(bytes, "secret"));
}

BOOST_AUTO_TEST_SUITE_END()
