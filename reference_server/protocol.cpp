#include "protocol.hpp"

#include <bsp/adapters/memory_replay_guard.hpp>
#include <bsp/adapters/os_entropy.hpp>
#include <bsp/adapters/system_clock.hpp>
#include <bsp/endpoint/dispatch.hpp>

namespace bsp::server {

class protocol::world {
public:
    world(identity const& self, rsa_private_key const& key, settings const& config, store_base& store, users_file& secrets, guards& watch)
        : environment_{self, key, config, store, entropy_, secrets, replays_, &watch} {}

    http_response serve(http_request const& request) { return handle(environment_, request, system_clock{}.now()); }
    endpoint::dispatcher::upgrade_answer upgrade(http_request const& request) { return bsp::upgrade(environment_, request, system_clock{}.now()); }

private:
    os_entropy entropy_;
    memory_replay_guard replays_;
    environment<store_base, os_entropy, users_file, memory_replay_guard> environment_;
};

protocol::protocol(identity const& self, rsa_private_key const& key, settings const& config, store_base& store, users_file& secrets, guards& watch)
    : world_{std::make_unique<world>(self, key, config, store, secrets, watch)} {}
protocol::~protocol() = default;
http_response protocol::serve(http_request const& request) { return world_->serve(request); }
endpoint::dispatcher::upgrade_answer protocol::upgrade(http_request const& request) { return world_->upgrade(request); }

}  // namespace bsp::server
