// The headers under test behind the suite's in-process target. Runs the checks until one fails and says which:
// exit status 1 for a failure, 0 when the suite is content, 2 when nothing could be judged.

#include <conformance/probe.hpp>
#include <conformance/runner.hpp>
#include <reference_server/clock.hpp>
#include <reference_server/http_date.hpp>

#include <bsp/adapters/memory_replay_guard.hpp>
#include <bsp/adapters/os_entropy.hpp>
#include <bsp/adapters/system_clock.hpp>
#include <bsp/bsp.hpp>
#include <bsp/testing/map_secret_book.hpp>
#include <bsp/testing/memory_store.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

int main() {
    auto const key = bsp::rsa_private_key::generate();
    bsp::os_entropy entropy;
    bsp::identity const self{.backend_id = "hosted_sha256_" + std::string(32, 'a'),
                             .backend_type = "hosted",
                             .public_key_pem = key.public_key().pem(),
                             .capabilities = {"persistence"},
                             .created_at = bsp::system_clock{}.now()};
    bsp::settings const config{.base_url = "http://localhost", .admin_token = "an-admin-token-of-some-length", .allowed_hosts = {}, .allowed_origins = {}};
    std::string const ada = "a-pairing-secret-of-at-least-32-bytes", bob = "b-pairing-secret-of-at-least-32-bytes";
    bsp::testing::memory_store store;
    bsp::testing::map_secret_book secrets{{{"ada", ada}, {"bob", bob}}};
    bsp::memory_replay_guard replays;
    bsp::window_limiter limits;
    bsp::refusal_trail trail{store};
    bsp::observe::observatory observed;
    bsp::guards guards{limits, trail, &observed};
    bsp::environment environment{self, key, config, store, entropy, secrets, replays, &guards};

    using namespace bsp::conformance;
    auto const target = in_process([&](bsp::http_request const& request, bsp::instant now) {
        auto response = bsp::handle(environment, request, now + bsp::server::server_clock{}.ahead());
        response.headers.add("Date", bsp::server::http_date_now());  // the server's part
        return response;
    });
    surroundings world{*target, {.users = {{"ada", ada}, {"bob", bob}}, .admin_token = "an-admin-token-of-some-length", .seed = 1, .timeout = std::chrono::seconds{10}, .restart_command = {}, .kill_command = {}}};
    world.clock = in_process([&](bsp::http_request const& request, bsp::instant) {
        auto const said = bsp::json::parse(request.body);
        bsp::server::server_clock::advance(std::chrono::milliseconds{said ? integer_at(*said, "/advance_ms", 0) : 0});
        return bsp::http_response{204, {}, ""};
    });
    if (auto const look = probe(world); !look.usable) {
        std::cout << "no usable identity: " << look.problem << '\n';
        return 1;
    }
    // FUZZ is left out: it lasts as long as it is told to. The first failure says it all, so nothing waits for the rest.
    auto const everything = select({});
    int passed = 0;
    run(world, *everything, {}, {.finished = [&](judged const& j) {
        passed += j.verdict == verdict::pass;
        if (j.verdict != verdict::fail && j.verdict != verdict::inconclusive) return;
        std::cout << j.what.check->id << ' ' << to_string(j.verdict) << ' ' << j.record.reason << std::endl;
        std::_Exit(1);
    }});
    std::cout << passed << " checks pass\n";
    return passed > 0 ? 0 : 2;
}
