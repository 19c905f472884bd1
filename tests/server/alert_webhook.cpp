#include <reference_server/alert_webhook.hpp>

#include "support.hpp"

#include <conformance/scripted_server.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>

using namespace std::chrono_literals;
using bsp::server::alert_webhook;
using bsp::server::webhook_secret;

namespace {

std::string const secret = "a webhook secret of more than 32 bytes";

bsp::observe::alert_event event(double value = 344.5, bool is_raised = true) {
    using kind = bsp::observe::alert_event::kind;
    return {is_raised ? kind::raised : kind::cleared, {bsp::wire::alert_type::sync_lag, "peer_00ff", value, 300, {1'767'139'200, 0}}, {1'767'139'200, 0}};
}

/// What a receiver was sent, head and body, in order.
class letters {
public:
    /// Reads one request from `fd` and remembers it; how many there are now, 0 when there was none.
    std::size_t take(int fd) {
        std::string text = scripted_server::read_head(fd);
        if (text.empty()) return 0;
        while (!text.ends_with('}')) {
            char more[4096];
            auto const n = ::recv(fd, more, sizeof more, 0);
            if (n <= 0) break;
            text.append(more, static_cast<std::size_t>(n));
        }
        std::lock_guard const lock{mutex_};
        all_.push_back(std::move(text));
        return all_.size();
    }
    std::vector<std::string> all() const {
        std::lock_guard const lock{mutex_};
        return all_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> all_;
};

std::string body_of(std::string const& letter) { return letter.substr(letter.find("\r\n\r\n") + 4); }
boost::json::object read(std::string const& letter) { return boost::json::parse(body_of(letter)).as_object(); }
std::string answer(std::string const& status, std::string const& more = {}) { return "HTTP/1.1 " + status + "\r\n" + more + "Content-Length: 0\r\n\r\n"; }

}  // namespace

BOOST_AUTO_TEST_SUITE(alert_webhooks)

BOOST_AUTO_TEST_CASE(what_is_not_taken_comes_again_byte_for_byte_and_signed) {
    std::atomic<int> elsewhere = 0;
    scripted_server const other{[&](int fd) { elsewhere += !scripted_server::read_head(fd).empty(), scripted_server::write(fd, answer("204 No Content")); }};
    letters received;
    scripted_server const receiver{[&](int fd) {
        while (auto const n = received.take(fd))
            scripted_server::write(fd, n == 1 ? answer("500 Internal Server Error") : n == 2 ? answer("307 Temporary Redirect", "Location: " + other.url() + "/\r\n") : answer("204 No Content"));
    }};
    alert_webhook hook{{receiver.url() + "/alerts?of=me", secret, ""}, "local_1"};
    hook.tell(event());
    hook.tell(event(12, false));
    BOOST_REQUIRE(support::eventually([&] { return received.all().size() >= 4; }));
    auto const all = received.all();
    BOOST_TEST(elsewhere == 0);
    for (std::size_t i = 0; i < 3; ++i) BOOST_TEST(body_of(all[i]) == body_of(all[0]));
    for (auto const& letter : all) {
        BOOST_TEST(letter.starts_with("POST /alerts?of=me HTTP/1.1\r\n"));
        BOOST_TEST(letter.find("\r\nBSP-Signature: " + alert_webhook::signature_of(secret, body_of(letter)) + "\r\n") != std::string::npos, letter);
        BOOST_TEST(letter.find(secret) == std::string::npos);
    }
    auto const first = read(all[0]), last = read(all[3]);
    BOOST_TEST(first.at("event").as_string() == "raised");
    BOOST_TEST(first.at("backend_id").as_string() == "local_1");
    BOOST_TEST(first.at("alert").at("type").as_string() == "sync_lag");
    BOOST_TEST(first.at("alert").at("value").as_double() == 344.5);
    BOOST_TEST(last.at("event").as_string() == "cleared");
    BOOST_TEST(first.at("id").as_string() != last.at("id").as_string());
}

BOOST_AUTO_TEST_CASE(the_signature_is_the_hmac_that_everybody_computes) {
    // RFC 4231, test case 2.
    BOOST_TEST(alert_webhook::signature_of("Jefe", "what do ya want for nothing?") == "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

BOOST_AUTO_TEST_CASE(a_receiver_that_is_silent_holds_nobody_up) {
    scripted_server const receiver{[](int fd) { scripted_server::read_head(fd), scripted_server::wait_for_end(fd); }};
    auto const begun = std::chrono::steady_clock::now();
    {
        alert_webhook hook{{receiver.url(), secret, ""}, "local_1"};
        for (int i = 0; i < 10'000; ++i) hook.tell(event(i));
    }
    BOOST_TEST((std::chrono::steady_clock::now() - begun < 5s));
}

BOOST_AUTO_TEST_CASE(of_too_many_the_oldest_are_given_up_and_the_last_arrives) {
    letters received;
    std::atomic<bool> is_open = false;
    scripted_server const receiver{[&](int fd) {
        while (!is_open) support::moment();
        while (received.take(fd)) scripted_server::write(fd, answer("200 OK"));
    }};
    alert_webhook hook{{receiver.url(), secret, ""}, "local_1"};
    constexpr int sent = 2 * static_cast<int>(alert_webhook::queued_max);
    for (int i = 1; i <= sent; ++i) hook.tell(event(1'000 + i));
    is_open = true;
    auto const value_of = [](std::string const& letter) { return read(letter).at("alert").at("value").to_number<int>(); };
    BOOST_REQUIRE(support::eventually([&] { return !received.all().empty() && value_of(received.all().back()) == 1'000 + sent; }));
    auto const all = received.all();
    BOOST_TEST(all.size() <= alert_webhook::queued_max + 1);
    std::vector<int> values;
    for (auto const& letter : all) values.push_back(value_of(letter));
    BOOST_TEST(std::ranges::is_sorted(values));
}

BOOST_AUTO_TEST_CASE(the_secret_is_of_the_environment_or_a_private_file_and_long_enough) {
    support::scratch const dir;
    auto const file = (dir / "secret").string();
    BOOST_CHECK_THROW(webhook_secret(""), std::runtime_error);
    BOOST_CHECK_THROW(webhook_secret(file), std::runtime_error);
    support::write_file(file, secret + "\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    BOOST_TEST(webhook_secret(file) == secret);
    ::setenv("BSP_ALERT_WEBHOOK_SECRET", "too short", 1);
    BOOST_CHECK_THROW(webhook_secret(file), std::runtime_error);
    ::setenv("BSP_ALERT_WEBHOOK_SECRET", (secret + "2").c_str(), 1);
    BOOST_TEST(webhook_secret(file) == secret + "2");
    ::unsetenv("BSP_ALERT_WEBHOOK_SECRET");
    std::filesystem::permissions(file, std::filesystem::perms::group_read, std::filesystem::perm_options::add);
    BOOST_CHECK_THROW(webhook_secret(file), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
