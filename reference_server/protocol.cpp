#include "protocol.hpp"

#include "clock.hpp"

#include <bsp/adapters/memory_replay_guard.hpp>
#include <bsp/adapters/os_entropy.hpp>
#include <bsp/endpoint/dispatch.hpp>

namespace bsp::server {

class protocol::world {
public:
    world(living_installation& who, settings const& config, store_base& store, users_file& secrets, guards& watch)
        : who_{who}, config_{config}, store_{store}, secrets_{secrets}, watch_{watch} {}

    http_response serve(http_request const& request) {
        auto const me = who_.current();
        auto env = environment_of(*me);
        http_response response = handle(env, request, server_clock{}.now());
        // The installation as it was stays until the answer is given, held ones included.
        if (response.held)
            response.held = std::make_shared<held_response const>(held_response{response.held->wait, [me, held = response.held](instant now, bool last) { return held->again(now, last); }});
        return response;
    }
    endpoint::dispatcher::upgrade_answer upgrade(http_request const& request) {
        auto const me = who_.current();
        auto env = environment_of(*me);
        return bsp::upgrade(env, request, server_clock{}.now());
    }

private:
    environment<store_base, os_entropy, users_file, memory_replay_guard> environment_of(installation const& me) {
        return {me.self, me.key, config_, store_, entropy_, secrets_, replays_, &watch_};
    }

    living_installation& who_;
    settings const& config_;
    store_base& store_;
    users_file& secrets_;
    guards& watch_;
    os_entropy entropy_;
    memory_replay_guard replays_;
};

protocol::protocol(living_installation& who, settings const& config, store_base& store, users_file& secrets, guards& watch)
    : world_{std::make_unique<world>(who, config, store, secrets, watch)} {}
protocol::~protocol() = default;
http_response protocol::serve(http_request const& request) { return world_->serve(request); }
endpoint::dispatcher::upgrade_answer protocol::upgrade(http_request const& request) { return world_->upgrade(request); }

}  // namespace bsp::server
