#include "support.hpp"

#include <reference_server/commands.hpp>
#include <reference_server/data_dir.hpp>
#include <reference_server/storage/sqlite_store.hpp>
#include <reference_server/toolbox.hpp>

#include <bsp/auth/assertion.hpp>
#include <bsp/json/parse.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <sstream>

namespace data = boost::unit_test::data;
using namespace std::chrono_literals;

namespace {

struct outcome {
    int code;
    std::string out, err;
    std::optional<bsp::server::config> served;
};

outcome run(std::vector<std::string> arguments, std::string const& input = {}) {
    std::vector<char const*> argv{"bsp-server"};
    for (auto const& a : arguments) argv.push_back(a.c_str());
    std::istringstream in{input};
    std::ostringstream out, err;
    outcome o{};
    o.code = bsp::server::run(static_cast<int>(argv.size()), argv.data(), in, out, err, [&](bsp::server::config const& c) {
        o.served = c;
        return 0;
    });
    o.out = out.str(), o.err = err.str();
    return o;
}

/// An environment variable for as long as it lives.
class variable {
public:
    variable(char const* name, std::string const& value) : name_{name} { ::setenv(name, value.c_str(), 1); }
    ~variable() { ::unsetenv(name_); }
    variable(variable const&) = delete;
    variable& operator=(variable const&) = delete;

private:
    char const* name_;
};

struct wrong {
    std::vector<std::string> arguments;
    char const* named;  ///< what the one line must mention
};
std::ostream& operator<<(std::ostream& out, wrong const& w) {
    for (auto const& a : w.arguments) out << a << ' ';
    return out;
}

std::vector<wrong> const wrongs{
    {{"--port", "99999"}, "--port"},
    {{"--port", "abc"}, "--port"},
    {{"--port", "-1"}, "--port"},
    {{"--prot", "1"}, "--prot"},
    {{"serve"}, "serve"},
    {{"--store", "mongo"}, "--store"},
    {{"--type", "cloud"}, "--type"},
    {{"--log-level", "loud"}, "--log-level"},
    {{"--workers", "0"}, "--workers"},
    {{"--head-deadline-ms", "0"}, "--head-deadline-ms"},
    {{"--body-bytes-max", "1000"}, "--body-bytes-max"},
    {{"--base-url", "example.org"}, "--base-url"},
    {{"--base-url", "https://example.org/"}, "--base-url"},
    {{"--base-url", "https://example.org/a?b"}, "--base-url"},
    {{"--base-url", "https://user@example.org"}, "--base-url"},
    {{"--base-url", "http://example.org"}, "https"},
    {{"--host", "0.0.0.0"}, "--base-url"},
    {{"--host", "0.0.0.0", "--base-url", "https://sync.example"}, "--behind-tls-proxy"},
    {{"--tls-cert", "cert.pem"}, "--tls-key"},
    {{"--tls-key", "key.pem"}, "--tls-cert"},
    {{"--tls-cert", "cert.pem", "--tls-key", "key.pem", "--base-url", "http://localhost:8825"}, "https"},
    {{"--key-store", "pocket"}, "--key-store"},
    {{"keys", "move", "pocket"}, "pocket"},
    {{"--data-dir", "/nonexistent", "keys", "move", "encrypted"}, "no secrets yet"},
    {{"--allow-origin", "*"}, "--allow-origin"},
    {{"--allow-origin", "https://a.example/path"}, "--allow-origin"},
    {{"--allow-host", "http://a"}, "--allow-host"},
    {{"--config", "/nonexistent/bsp.conf"}, "bsp.conf"},
    {{"store"}, "subcommand"},
    {{"--data-dir", "/nonexistent", "store", "new-epoch"}, "does not exist"},
    {{"token"}, "subcommand"},
    {{"token", "user", "GET"}, "target"},
    {{"--data-dir", "/nonexistent", "token", "sbt"}, "identity"},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(commands)

BOOST_DATA_TEST_CASE(wrong_configuration_is_one_line_and_exit_code_2, data::make(wrongs), w) {
    auto const o = run(w.arguments);
    BOOST_TEST(o.code == 2);
    BOOST_TEST(!o.served.has_value());
    BOOST_TEST(o.err.find(w.named) != std::string::npos, o.err);
    BOOST_TEST(std::count(o.err.begin(), o.err.end(), '\n') == 1, o.err);
    BOOST_TEST(o.out == "");
}

BOOST_AUTO_TEST_CASE(defaults_are_loopback_and_8825) {
    auto const o = run({});
    BOOST_REQUIRE(o.served.has_value());
    BOOST_TEST(o.served->host == "127.0.0.1");
    BOOST_TEST(o.served->port == 8'825);
    BOOST_TEST(o.served->data_dir == "~/.bsp");
    BOOST_TEST(o.served->store == "sqlite");
}

BOOST_AUTO_TEST_CASE(help_and_version_end_well) {
    BOOST_TEST(run({"--help"}).code == 0);
    BOOST_TEST(run({"--help"}).out.find("--data-dir") != std::string::npos);
    BOOST_TEST(run({"--version"}).out.find("1.0") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_command_line_wins_over_the_environment_and_that_over_the_file) {
    support::scratch dir;
    support::write_file(dir / "conf", "port = 1\nworkers = 3\nstore = memory\nallow-origin = [\"https://a.example\", \"https://b.example\"]\n");
    std::string const file = (dir / "conf").string();
    auto const from_file = run({"--config", file});
    BOOST_REQUIRE(from_file.served.has_value());
    BOOST_TEST(from_file.served->port == 1);
    BOOST_TEST(from_file.served->limits.workers == 3u);
    BOOST_TEST(from_file.served->store == "memory");
    BOOST_TEST(from_file.served->allowed_origins.size() == 2u);

    variable const port{"BSP_PORT", "2"};
    variable const config{"BSP_CONFIG", file};
    variable const hosts{"BSP_ALLOW_HOST", "a,b"};
    variable const users{"BSP_USERS_FILE", "/u.json"};
    auto const from_environment = run({});
    BOOST_REQUIRE_MESSAGE(from_environment.served.has_value(), from_environment.err);
    BOOST_TEST(from_environment.served->port == 2);
    BOOST_TEST(from_environment.served->limits.workers == 3u);
    BOOST_TEST(from_environment.served->allowed_hosts.size() == 2u);
    BOOST_TEST(from_environment.served->users == "/u.json");

    auto const from_line = run({"--port", "3", "--users=/v.json"});
    BOOST_REQUIRE(from_line.served.has_value());
    BOOST_TEST(from_line.served->port == 3);
    BOOST_TEST(from_line.served->users == "/v.json");
}

BOOST_AUTO_TEST_CASE(a_wrong_environment_or_file_is_said_too) {
    {
        variable const port{"BSP_PORT", "many"};
        auto const o = run({});
        BOOST_TEST(o.code == 2);
        BOOST_TEST(o.err.find("port") != std::string::npos);
    }
    support::scratch dir;
    support::write_file(dir / "conf", "prot = 1\n");
    auto const o = run({"--config", (dir / "conf").string()});
    BOOST_TEST(o.code == 2);
    BOOST_TEST(o.err.find("prot") != std::string::npos, o.err);
}

BOOST_AUTO_TEST_CASE(users_are_added_and_listed) {
    support::scratch dir;
    std::string const d = dir.path().string();
    auto const added = run({"--data-dir", d, "user", "add", "carol"});
    BOOST_TEST(added.code == 0);
    BOOST_TEST(added.out.size() == 44u);
    BOOST_TEST(run({"user", "list", "--data-dir", d}).out == "carol\n");
    BOOST_TEST(run({"--data-dir", d, "token", "secret", "--user", "carol"}).out == added.out);
    BOOST_TEST(run({"--data-dir", d, "user", "add", "carol"}).code == 2);
    BOOST_TEST(run({"--data-dir", d, "user", "add", "anonymous"}).code == 2);
    BOOST_TEST(run({"user", "list", "--data-dir", d}).out == "carol\n");
    struct stat s {};
    BOOST_TEST(::stat((dir / "users.json").c_str(), &s) == 0);
    BOOST_TEST((s.st_mode & 0777) == 0600);
}

BOOST_AUTO_TEST_CASE(a_restored_store_gets_a_new_epoch_and_keeps_the_rest) {
    support::scratch dir;
    std::string const path = (dir / "bsp.db").string();
    std::string before;
    {
        bsp::server::sqlite_store store{path};
        before = store.epoch();
        BOOST_TEST(store.write([](bsp::store_writer& w) { return w.put_sbt_floor("alice", "hosted_x", {5, 0}); }).has_value());
    }
    auto const o = run({"--data-dir", dir.path().string(), "store", "new-epoch"});
    BOOST_TEST(o.code == 0, o.err);
    BOOST_TEST(!o.served.has_value());
    bsp::server::sqlite_store store{path};
    BOOST_TEST(store.epoch() != before);
    BOOST_TEST(o.out == store.epoch() + '\n');
    BOOST_TEST(store.read([](bsp::store_reader& r) { return r.sbt_floor("alice", "hosted_x"); }).value().has_value());
}

BOOST_AUTO_TEST_CASE(a_store_in_use_keeps_its_epoch) {
    support::scratch dir;
    std::string const path = (dir / "bsp.db").string();
    std::string before;
    {
        bsp::server::sqlite_store const running{path};
        before = running.epoch();
        auto const o = run({"--data-dir", dir.path().string(), "store", "new-epoch"});
        BOOST_TEST(o.code == 2);
        BOOST_TEST(o.err.find("in use") != std::string::npos, o.err);
    }
    BOOST_TEST(bsp::server::sqlite_store{path}.epoch() == before);
}

BOOST_AUTO_TEST_CASE(origins_of_peers_are_https_or_on_this_machine) {
    auto const o = run({"--peer-allow", "https://hosted.example", "--peer-allow", "http://127.0.0.1:8826"});
    BOOST_REQUIRE(o.served.has_value());
    BOOST_TEST(o.served->allowed_peers == (std::vector<std::string>{"https://hosted.example", "http://127.0.0.1:8826"}), boost::test_tools::per_element());
    for (char const* bad : {"http://hosted.example", "https://hosted.example/", "hosted.example", "wss://hosted.example"}) {
        auto const refused = run({"--peer-allow", bad});
        BOOST_TEST(refused.code == 2, bad);
        BOOST_TEST(refused.err.starts_with("bsp-server: --peer-allow: "), refused.err);
    }
}

BOOST_AUTO_TEST_CASE(sync_is_switched_in_the_data_directory) {
    support::scratch dir;
    auto const sync = [&](std::string word) { return run({"--data-dir", dir.path().string(), "sync", std::move(word)}); };
    auto const none = sync("status");
    BOOST_TEST(none.code == 2);
    BOOST_TEST(none.err.find("has no database") != std::string::npos, none.err);

    static_cast<void>(bsp::server::open_installation(dir.path(), "local"));
    static_cast<void>(bsp::server::sqlite_store{(dir / "bsp.db").string()});
    BOOST_TEST(sync("status").out.starts_with("sync is on; no server runs"), sync("status").out);
    BOOST_TEST(sync("off").out.starts_with("sync is off"));
    BOOST_TEST(sync("status").out.starts_with("sync is off"));
    auto const asleep = sync("now");
    BOOST_TEST(asleep.code == 1);
    BOOST_TEST(asleep.err == "bsp-server: sync is off, see bsp-server sync on\n");
    BOOST_TEST(sync("on").out.starts_with("sync is on"));
    BOOST_TEST(sync("now").err == "bsp-server: no server runs on this data directory\n");
}

BOOST_AUTO_TEST_CASE(a_handshake_needs_safe_urls_and_a_known_user) {
    support::scratch dir;
    auto const handshake = [&](std::string local, std::string hosted, std::string user) {
        return run({"--data-dir", dir.path().string(), "handshake", std::move(local), std::move(hosted), "--user", std::move(user)});
    };
    support::write_file(dir / "users.json", R"({"alice": "a pairing secret for alice, long enough"})");
    BOOST_TEST(handshake("http://127.0.0.1:1", "http://hosted.example", "alice").err.find("must be https") != std::string::npos);
    BOOST_TEST(handshake("http://127.0.0.1:1", "https://user@hosted.example", "alice").code == 2);
    BOOST_TEST(handshake("http://127.0.0.1:1", "https://hosted.example", "nobody").err.find("there is no user nobody") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
