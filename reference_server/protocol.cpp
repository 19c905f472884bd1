#include "protocol.hpp"

#include "clock.hpp"

#include <bsp/adapters/memory_replay_guard.hpp>
#include <bsp/adapters/os_entropy.hpp>
#include <bsp/endpoint/dispatch.hpp>
#include <bsp/policy/store_replay_guard.hpp>

namespace bsp::server {

namespace {

/// Remembers in memory, or in the store when other instances have to know.
class shared_replay_guard {
public:
    shared_replay_guard(store_base& store, bool is_shared) : in_store_{store}, is_shared_{is_shared} {}
    result<bool> claim(std::string_view issuer, std::string_view jti, instant expires_at, instant now) {
        if (is_shared_) return in_store_.claim(issuer, jti, expires_at, now);
        return in_memory_.claim(issuer, jti, expires_at, now);
    }

private:
    memory_replay_guard in_memory_;
    store_replay_guard in_store_;
    bool is_shared_;
};

}  // namespace

class protocol::world {
public:
    world(living_installation& who, settings const& config, store_base& store, bool store_is_shared, users_file& secrets, guards& watch)
        : who_{who}, config_{config}, store_{store}, secrets_{secrets}, watch_{watch}, replays_{store, store_is_shared} {}

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
    environment<store_base, os_entropy, users_file, shared_replay_guard> environment_of(installation const& me) {
        return {me.self, me.key, config_, store_, entropy_, secrets_, replays_, &watch_};
    }

    living_installation& who_;
    settings const& config_;
    store_base& store_;
    users_file& secrets_;
    guards& watch_;
    os_entropy entropy_;
    shared_replay_guard replays_;
};

protocol::protocol(living_installation& who, settings const& config, store_base& store, bool store_is_shared, users_file& secrets, guards& watch)
    : world_{std::make_unique<world>(who, config, store, store_is_shared, secrets, watch)} {}
protocol::~protocol() = default;
http_response protocol::serve(http_request const& request) { return world_->serve(request); }
endpoint::dispatcher::upgrade_answer protocol::upgrade(http_request const& request) { return world_->upgrade(request); }

}  // namespace bsp::server
