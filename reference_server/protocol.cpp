#include "protocol.hpp"

#include <bsp/adapters/memory_replay_guard.hpp>
#include <bsp/adapters/os_entropy.hpp>
#include <bsp/adapters/system_clock.hpp>
#include <bsp/endpoint/dispatch.hpp>

namespace bsp::server {

class protocol::world {
public:
    world(living_installation& who, settings const& config, store_base& store, users_file& secrets) : who_{who}, config_{config}, store_{store}, secrets_{secrets} {}

    http_response serve(http_request const& request) {
        return with_environment([&](auto& env) { return handle(env, request, system_clock{}.now()); });
    }
    http_response upgrade(http_request const& request) {
        return with_environment([&](auto& env) { return bsp::upgrade(env, request, system_clock{}.now()); });
    }

private:
    /// The installation as it is at the beginning of the request stays until its answer is given, held ones included.
    template <class F>
    http_response with_environment(F f) {
        auto const me = who_.current();
        environment<store_base, os_entropy, users_file, memory_replay_guard> env{me->self, me->key, config_, store_, entropy_, secrets_, replays_};
        http_response response = f(env);
        if (response.held)
            response.held = std::make_shared<held_response const>(held_response{response.held->wait, [me, held = response.held](instant now, bool last) { return held->again(now, last); }});
        return response;
    }

    living_installation& who_;
    settings const& config_;
    store_base& store_;
    users_file& secrets_;
    os_entropy entropy_;
    memory_replay_guard replays_;
};

protocol::protocol(living_installation& who, settings const& config, store_base& store, users_file& secrets)
    : world_{std::make_unique<world>(who, config, store, secrets)} {}
protocol::~protocol() = default;
http_response protocol::serve(http_request const& request) { return world_->serve(request); }
http_response protocol::upgrade(http_request const& request) { return world_->upgrade(request); }

}  // namespace bsp::server
