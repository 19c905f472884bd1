// Another project's program: asks a backend that lives in this process for its identity.

#include <bsp/adapters/memory_replay_guard.hpp>
#include <bsp/adapters/os_entropy.hpp>
#include <bsp/adapters/system_clock.hpp>
#include <bsp/bsp.hpp>
#include <bsp/testing/map_secret_book.hpp>
#include <bsp/testing/memory_store.hpp>

#include <cstdio>

bool second_unit_agrees();

int main() {
    auto const key = bsp::rsa_private_key::generate();
    bsp::identity const self{.backend_id = "local_sha256_7d4b82b21655494e",
                             .backend_type = "local",
                             .public_key_pem = key.public_key().pem(),
                             .capabilities = {},
                             .created_at = bsp::system_clock{}.now()};
    bsp::settings const config{.base_url = "http://127.0.0.1:8825", .admin_token = {}, .allowed_hosts = {}, .allowed_origins = {}};
    bsp::testing::memory_store store;
    bsp::testing::map_secret_book secrets{{}};
    bsp::os_entropy entropy;
    bsp::memory_replay_guard replays;
    bsp::environment environment{self, key, config, store, entropy, secrets, replays};

    bsp::http_request const request{.method = "GET", .target = "/identity", .headers = {{"Host", "127.0.0.1:8825"}}, .body = {}, .remote = {}};
    auto const response = bsp::handle(environment, request, bsp::system_clock{}.now());
    std::puts(response.body.c_str());
    return response.status == 200 && response.body.find(self.backend_id) != std::string::npos && second_unit_agrees() ? 0 : 1;
}
