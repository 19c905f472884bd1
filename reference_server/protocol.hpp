#pragma once

#include "living_installation.hpp"
#include "users.hpp"

#include <bsp/base/http.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/endpoint/dispatch.hpp>
#include <bsp/policy/environment.hpp>

#include <memory>

namespace bsp::server {

/// The protocol with this server's world around it. The one place where `handle` is instantiated.
class protocol {
public:
    /// What is referred to must outlive the protocol. `store_is_shared`: other instances take requests, too, and must know
    /// which assertions were used here.
    protocol(living_installation& who, settings const& config, store_base& store, bool store_is_shared, users_file& secrets, guards& watch);
    ~protocol();

    /// Never throws; safe to call from several threads.
    http_response serve(http_request const& request);

    /// The same for a WebSocket upgrade.
    endpoint::dispatcher::upgrade_answer upgrade(http_request const& request);

private:
    class world;
    std::unique_ptr<world> world_;
};

}  // namespace bsp::server
