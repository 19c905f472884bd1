#pragma once

#include "door/limits.hpp"
#include "log.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace bsp::server {

inline constexpr std::size_t audit_days_default = 400;  ///< for how long the audit trail is kept (BSP-AUD-050)

/// What an operator decides: command line first, then environment, then the configuration file.
struct config {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8'825;
    std::string data_dir = "~/.bsp";
    std::string store = "sqlite";              ///< a name of storage/registry.hpp, or the URL of a PostgreSQL database
    std::size_t store_connections = 8;         ///< to PostgreSQL, beside one for notifications
    std::string type;                          ///< "local", "hosted" or "": as the data directory says, else local
    std::string base_url;                      ///< "": from host and port
    std::vector<std::string> allowed_origins;
    std::vector<std::string> allowed_hosts;
    std::vector<std::string> allowed_peers;    ///< origins of backends that may be dialled
    std::string users;                         ///< "": users.json in the data directory
    std::string key_store;                     ///< file, keychain, env, encrypted or "": as the data directory says, else file
    bool encrypt_content = false;              ///< decided once; a store that is sealed stays so
    std::string tls_certificate;               ///< PEM file; "": cleartext
    std::string tls_key;                       ///< PEM file
    bool behind_tls_proxy = false;             ///< whoever connects is a proxy, which has done TLS and tells for whom
    std::string ca_file;                       ///< PEM file: authorities of peers; "": the system's
    std::string ready_file;
    std::string alert_webhook;                 ///< URL that is told of alerts; "": nobody is
    std::string alert_webhook_secret_file;     ///< "": the secret is in the environment
    log_format log = log_format::text;
    std::string log_level = "info";
    std::size_t events_per_minute = bsp::limits::events_per_window_max;  ///< of one peer
    std::string limiter;                       ///< "memory", "store" or "": as suits the store
    std::size_t audit_days = audit_days_default;       ///< how long the audit trail is kept
    bool test_clock = false;                   ///< POST /clock moves the clock
    door_limits limits;
};

/// Declares the options of the server on `app`, to be stored into `c`.
void declare_options(CLI::App& app, config& c);

/// The environment's options as arguments that stand before those of the command line: BSP_PORT=1 is
/// "--port=1". A list is separated by commas.
std::vector<std::string> arguments_of_environment(CLI::App const& app);

/// Throws std::runtime_error with one line that names the option when the parts do not fit together.
void validate(config const& c);

}  // namespace bsp::server
