#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>

using namespace std::chrono_literals;
using support::process;
using support::raw_client;

// bsp-server as its operator sees it: a process with a data directory, signals and exit codes.
namespace {

struct installation {
    support::scratch dir;

    [[nodiscard]] std::vector<std::string> arguments(std::vector<std::string> more = {}) const {
        std::vector<std::string> all{BSP_SERVER_BINARY, "--data-dir", (dir / "data").string()};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    /// What `bsp-server …` prints, without the line end.
    [[nodiscard]] std::string ask(std::vector<std::string> more, std::string_view input = {}) const {
        process p{arguments(std::move(more)), {}, input};
        int const code = p.wait();
        BOOST_REQUIRE_MESSAGE(code == 0, p.errors());
        std::string out = p.output();
        out.pop_back();
        return out;
    }
};

/// A server on a free port.
class running {
public:
    explicit running(installation const& where, std::vector<std::string> more = {}) : ready_{where.dir / "ready"} {
        std::filesystem::remove(ready_);
        std::vector<std::string> arguments{"--port", "0", "--ready-file", ready_.string()};
        arguments.insert(arguments.end(), more.begin(), more.end());
        process_.emplace(where.arguments(arguments));
        bool const started = support::eventually([&] { return std::filesystem::exists(ready_); });
        if (!started) process_->signal(SIGKILL), process_->wait();
        BOOST_REQUIRE_MESSAGE(started, process_->errors());
        std::string const url = support::read_file(ready_);
        port_ = static_cast<std::uint16_t>(std::atoi(url.c_str() + url.rfind(':') + 1));
    }

    [[nodiscard]] raw_client client() const { return raw_client{port_}; }
    process& operator*() { return *process_; }

private:
    std::filesystem::path ready_;
    std::optional<process> process_;
    std::uint16_t port_ = 0;
};

support::answer request(raw_client& c, std::string const& method, std::string const& target, std::string const& body, std::string const& authorization = {}) {
    std::string text = method + ' ' + target + " HTTP/1.1\r\nHost: localhost\r\n";
    if (!authorization.empty()) text += "Authorization: " + authorization + "\r\n";
    if (!body.empty()) text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    c.send(text + "\r\n" + body);
    return c.receive();
}

std::string conversation(std::string const& id, std::string const& message) {
    return R"({"conversation_id":")" + id + R"(","version":1,"last_modified":"2025-12-31T00:00:00Z","source_backend":"t","surfaces":["web"],"messages":[{"id":")" +
           message + R"(","role":"user","content":"hello","timestamp":"2025-12-31T00:00:00Z","surface":"web","source_backend":"t","version":1}]})";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(process_)

BOOST_AUTO_TEST_CASE(a_person_with_curl_registers_pushes_and_reads) {
    installation const here;
    running server{here};
    auto c = server.client();
    BOOST_TEST(request(c, "GET", "/identity", "").status == 200);
    BOOST_TEST(request(c, "POST", "/register-peer", here.ask({"token", "register"})).status == 200);
    std::string const peer = here.ask({"token", "peer-id"});
    BOOST_TEST(request(c, "POST", "/sync/" + peer, here.ask({"token", "push"}, conversation("main", "m1"))).status == 200);
    auto const read = request(c, "GET", "/conversations/main", "", here.ask({"token", "user", "GET", "/conversations/main"}));
    BOOST_TEST(read.status == 200);
    BOOST_TEST(read.body.find("hello") != std::string::npos);
    auto const pulled = request(c, "GET", "/sync/" + peer + "?limit=5", "", here.ask({"token", "peer", "GET", "/sync/" + peer + "?limit=5"}));
    BOOST_TEST(pulled.status == 200);
    BOOST_TEST(pulled.body.find("hello") != std::string::npos);
    BOOST_TEST(request(c, "GET", "/conversations/main", "", here.ask({"token", "--user", "bob", "user", "GET", "/conversations/main"})).status == 404);
    BOOST_TEST(request(c, "GET", "/peers", "", here.ask({"token", "admin"})).status == 200);
    BOOST_TEST(request(c, "GET", "/peers", "").status == 401);
}

BOOST_AUTO_TEST_CASE(termination_takes_milliseconds_and_exits_with_0) {
    for (int const signal : {SIGTERM, SIGINT}) {
        installation const here;
        running server{here};
        auto idle = server.client();
        BOOST_TEST(request(idle, "GET", "/health", "").status == 200);
        auto const begun = std::chrono::steady_clock::now();
        (*server).signal(signal);
        BOOST_TEST((*server).wait() == 0);
        BOOST_TEST(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() < 1.0);
        BOOST_TEST(idle.ends_within(1s));
    }
}

BOOST_AUTO_TEST_CASE(the_first_line_says_where_and_the_rest_what_to_try) {
    installation const here;
    running server{here, {"--log-format", "json"}};
    auto c = server.client();
    auto const a = request(c, "GET", "/identity?secret=canary", "");
    (*server).signal(SIGTERM);
    (*server).wait();
    std::string const out = (*server).output(), err = (*server).errors();
    BOOST_TEST(out.starts_with("bsp-server is listening on http://127.0.0.1:"));
    BOOST_TEST(out.find("curl -s http://127.0.0.1:") != std::string::npos);
    BOOST_TEST(err.starts_with("{\"time\":\""));
    BOOST_TEST(err.find("\"request_id\":\"" + a.headers.at("x-request-id") + "\"") != std::string::npos, err);
    BOOST_TEST(err.find("canary") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(identity_survives_a_restart_and_the_memory_store_does_not) {
    installation const here;
    std::string identity, epoch;
    for (char const* store : {"sqlite", "sqlite", "memory", "memory"}) {
        running server{here, {"--store", store}};
        auto c = server.client();
        std::string body = request(c, "GET", "/identity", "").body;
        std::size_t const at = body.find("\"epoch\"");
        BOOST_REQUIRE(at != std::string::npos);
        std::string const this_epoch = body.substr(at, 43);
        body = body.substr(0, at);
        if (!identity.empty()) BOOST_TEST(body == identity);
        if (!epoch.empty()) BOOST_TEST((this_epoch == epoch) == (std::string{store} == "sqlite"));
        identity = body;
        epoch = this_epoch;
    }
}

BOOST_AUTO_TEST_CASE(what_stops_it_from_starting_is_one_line_and_exit_code_2) {
    installation const here;
    { running server{here}; }
    auto const fails = [&](std::vector<std::string> more, std::string const& says) {
        process p{here.arguments(std::move(more))};
        BOOST_TEST(p.wait() == 2);
        BOOST_TEST(p.errors().find(says) != std::string::npos, p.errors());
        BOOST_TEST(p.errors().find('\n') == p.errors().size() - 1, p.errors());
        BOOST_TEST(p.output() == "");
    };
    int const taken = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    BOOST_REQUIRE(::bind(taken, reinterpret_cast<sockaddr*>(&address), size) == 0);
    BOOST_REQUIRE(::listen(taken, 1) == 0);
    BOOST_REQUIRE(::getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    fails({"--port", std::to_string(ntohs(address.sin_port))}, "in use");
    ::close(taken);
    fails({"--port", "0", "--type", "hosted"}, "--type");
    fails({"--port", "0", "--users", "/nonexistent.json"}, "/nonexistent.json");
    fails({"--port", "0", "--ready-file", "/nonexistent/ready"}, "--ready-file");
    std::filesystem::permissions(here.dir / "data" / "identity.key", std::filesystem::perms::group_read, std::filesystem::perm_options::add);
    fails({"--port", "0"}, "chmod 600");
    std::filesystem::permissions(here.dir / "data" / "identity.key", std::filesystem::perms::group_read, std::filesystem::perm_options::remove);
    support::write_file(here.dir / "data" / "bsp.db", "");
    fails({"--port", "0"}, "is empty");
}

BOOST_AUTO_TEST_CASE(what_was_acknowledged_survives_kill_9) {
    constexpr int rounds = 3, pushers = 4;
    installation const here;
    std::string peer;
    {
        running server{here};
        auto c = server.client();
        BOOST_REQUIRE(request(c, "POST", "/register-peer", here.ask({"token", "register"})).status == 200);
        peer = here.ask({"token", "peer-id"});
    }
    std::vector<std::string> acknowledged;
    std::mutex mutex;
    int interrupted = 0;
    for (int round = 0; round < rounds; ++round) {
        running server{here};
        std::atomic<int> done{0};
        std::vector<std::thread> threads;
        // Signed beforehand, so that the server is pushed as fast as it answers when it is killed.
        std::vector<std::vector<std::string>> payloads(pushers);
        for (int t = 0; t < pushers; ++t)
            for (int i = 0; i < 12; ++i) {
                std::string const id = std::to_string(round) + "-" + std::to_string(t) + "-" + std::to_string(i);
                payloads[static_cast<std::size_t>(t)].push_back(here.ask({"token", "push", "--sync-id", "s" + id}, conversation("c" + std::to_string(t), "m" + id)));
            }
        for (int t = 0; t < pushers; ++t)
            threads.emplace_back([&, t] {
                auto c = server.client();
                for (int i = 0; i < 12; ++i) {
                    auto const a = request(c, "POST", "/sync/" + peer, payloads[static_cast<std::size_t>(t)][static_cast<std::size_t>(i)]);
                    if (a.status != 200) return;
                    std::lock_guard const lock{mutex};
                    acknowledged.push_back(std::to_string(round) + "-" + std::to_string(t) + "-" + std::to_string(i));
                    ++done;
                }
            });
        support::eventually([&] { return done >= 10; });
        (*server).signal(SIGKILL);
        for (auto& t : threads) t.join();
        BOOST_TEST((*server).wait() == -SIGKILL);
        interrupted += done < pushers * 12;
    }
    BOOST_TEST(interrupted > 0);
    running server{here};
    auto c = server.client();
    std::string all;
    for (int t = 0; t < pushers; ++t) {
        std::string const target = "/conversations/c" + std::to_string(t) + "?limit=500";
        all += request(c, "GET", target, "", here.ask({"token", "user", "GET", target})).body;
    }
    BOOST_TEST(acknowledged.size() >= 10u * rounds);
    for (auto const& id : acknowledged) BOOST_TEST(all.find("\"m" + id + "\"") != std::string::npos, "lost " << id);
}

BOOST_AUTO_TEST_SUITE_END()
