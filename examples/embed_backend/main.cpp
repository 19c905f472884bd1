// A BSP backend inside another program: `bsp::handle` answers, and any HTTP framework may carry. This one
// keeps its data in memory and is gone with the process; give it a store of your own to keep it.

#include <bsp/adapters/memory_replay_guard.hpp>
#include <bsp/adapters/os_entropy.hpp>
#include <bsp/adapters/system_clock.hpp>
#include <bsp/bsp.hpp>
#include <bsp/testing/map_secret_book.hpp>
#include <bsp/testing/memory_store.hpp>

#include <httplib.h>

#include <cstdlib>
#include <iostream>
#include <string>

int main(int argc, char** argv) {
    int const port = argc > 1 ? std::atoi(argv[1]) : 8826;

    auto const key = bsp::rsa_private_key::generate();
    bsp::os_entropy entropy;
    bsp::bytes install_id(16);
    entropy.fill(install_id);
    bsp::identity const self{.backend_id = "hosted_sha256_" + bsp::to_hex(install_id),
                             .backend_type = "hosted",
                             .public_key_pem = key.public_key().pem(),
                             .capabilities = {"persistence"},
                             .created_at = bsp::system_clock{}.now()};
    bsp::settings const config{.base_url = "http://127.0.0.1:" + std::to_string(port), .admin_token = {}, .allowed_hosts = {}, .allowed_origins = {}};

    bsp::testing::memory_store store;
    bsp::testing::map_secret_book secrets{{{"ada", "a-pairing-secret-of-at-least-32-bytes"}}};
    bsp::memory_replay_guard replays;
    bsp::environment environment{self, key, config, store, entropy, secrets, replays};

    auto const answer = [&](httplib::Request const& in, httplib::Response& out) {
        bsp::http_request request{.method = in.method, .target = in.target, .headers = {}, .body = in.body, .remote = in.remote_addr};
        for (auto const& [name, value] : in.headers) request.headers.add(name, value);
        auto response = bsp::handle(environment, request, bsp::system_clock{}.now());
        out.status = response.status;
        std::string type;
        for (auto const& [name, value] : response.headers)
            if (bsp::http_headers::same_name(name, "Content-Type")) type = value;
            else out.set_header(name, value);
        if (!type.empty()) out.set_content(std::move(response.body), type);
    };
    httplib::Server server;
    server.Get(".*", answer);
    server.Post(".*", answer);
    server.Delete(".*", answer);
    std::cout << "listening on " << config.base_url << std::endl;
    return server.listen("127.0.0.1", port) ? 0 : 1;
}
