#include "config.hpp"

#include "keys/key_store.hpp"
#include "storage/registry.hpp"

#include <CLI/CLI.hpp>

#include <cctype>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace bsp::server {
namespace {

/// Options whose values are settled before the others are read, or make no sense to keep; and what only a tester who says so is to have.
bool has_no_variable(std::string const& name) { return name == "help" || name == "version" || name == "test-clock"; }

std::string variable_of(std::string const& option) {
    std::string name = "BSP_";
    for (char const c : option) name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return name;
}

void declare_milliseconds(CLI::App& app, std::string const& name, std::chrono::milliseconds& value, std::string const& what) {
    app.add_option_function<int>(name, [&value](int const& ms) { value = std::chrono::milliseconds{ms}; }, what)
        ->check(CLI::Range(1, 86'400'000))
        ->type_name("MS")
        ->default_str(std::to_string(value.count()))
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->group("Limits");
}

void declare_size(CLI::App& app, std::string const& name, std::size_t& value, std::size_t least, std::size_t most, std::string const& what) {
    app.add_option(name, value, what)
        ->check(CLI::Range(least, most))
        ->type_name("N")
        ->capture_default_str()
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->group("Limits");
}

/// "http://host:port/path" → scheme and host name; the rest is judged by the caller.
struct origin {
    std::string_view scheme, host, rest;
};

bool split_origin(std::string_view url, origin& out) {
    for (std::string_view const scheme : {"http", "https"}) {
        if (!url.starts_with(std::string{scheme} + "://")) continue;
        out.scheme = scheme;
        std::string_view const after = url.substr(scheme.size() + 3);
        std::size_t const end = after.find_first_of("/?#");
        std::string_view const authority = after.substr(0, end);
        out.rest = end == std::string_view::npos ? std::string_view{} : after.substr(end);
        std::size_t const port = authority.rfind(':');
        bool const has_port = port != std::string_view::npos && authority.find(']', port) == std::string_view::npos;
        out.host = has_port ? authority.substr(0, port) : authority;
        if (has_port && authority.find_first_not_of("0123456789", port + 1) != std::string_view::npos) return false;
        for (char const c : authority)
            if (c <= ' ' || c > '~' || c == '@' || c == '\\') return false;
        return !out.host.empty();
    }
    return false;
}

bool is_loopback(std::string_view host) { return host == "localhost" || host == "127.0.0.1" || host == "[::1]" || host == "::1"; }

}  // namespace

void declare_options(CLI::App& app, config& c) {
    auto const last = CLI::MultiOptionPolicy::TakeLast;
    app.set_config("--config", "", "Read options from a file: lines of name = value")->type_name("FILE");
    app.allow_config_extras(CLI::config_extras_mode::error);
    app.add_option("--host", c.host, "Address to listen on")->capture_default_str()->type_name("ADDRESS")->multi_option_policy(last);
    app.add_option("--port", c.port, "Port to listen on; 0 picks a free one")->capture_default_str()->type_name("PORT")->multi_option_policy(last);
    app.add_option("--data-dir", c.data_dir, "Where identity, key, users and data are kept")->capture_default_str()->type_name("DIR")->multi_option_policy(last);
    app.add_option("--store", c.store, "sqlite: durable; memory: gone when the server stops; postgresql://…: a database that several instances may share")
        ->check([](std::string const& name) { return is_postgres(name) ? std::string{} : CLI::IsMember(store_names())(name); })
        ->capture_default_str()
        ->type_name("NAME|URL")
        ->multi_option_policy(last);
    app.add_option("--type", c.type, "local or hosted; decided at the first start")
        ->check(CLI::IsMember(std::vector<std::string>{"local", "hosted"}))
        ->type_name("TYPE")
        ->multi_option_policy(last);
    app.add_option("--base-url", c.base_url, "How peers reach this server, when not by host and port")->type_name("URL")->multi_option_policy(last);
    app.add_option("--allow-origin", c.allowed_origins, "Web origin whose scripts may call; may be repeated")->type_name("ORIGIN")->allow_extra_args(false);
    app.add_option("--allow-host", c.allowed_hosts, "Host name served beside loopback names and that of the base URL; may be repeated")
        ->type_name("HOST")
        ->allow_extra_args(false);
    app.add_option("--peer-allow", c.allowed_peers, "Origin of a hosted backend that a local one may synchronize with; may be repeated")
        ->type_name("ORIGIN")
        ->allow_extra_args(false);
    app.add_option("--users", c.users, "Users file: JSON, user id to pairing secret [users.json in the data directory]")
        ->envname("BSP_USERS_FILE")
        ->type_name("FILE")
        ->multi_option_policy(last);
    app.add_option("--key-store", c.key_store, "Where the private key, the pairing secrets and the admin token lie: file, keychain, env or encrypted; decided at the first start")
        ->check(CLI::IsMember(key_store_names()))
        ->type_name("NAME")
        ->multi_option_policy(last);
    app.add_flag("--encrypt-content", c.encrypt_content, "Seal all content in the store under a key that BSP_KEY_ENCRYPTION_KEY, or else the key chain, opens; once sealed it stays so");
    app.add_option("--tls-cert", c.tls_certificate, "Speak TLS with this certificate and its chain (PEM); read again on SIGHUP")->type_name("FILE")->multi_option_policy(last);
    app.add_option("--tls-key", c.tls_key, "Private key of the certificate (PEM)")->type_name("FILE")->multi_option_policy(last);
    app.add_flag("--behind-tls-proxy", c.behind_tls_proxy, "A proxy speaks TLS for this server: cleartext beyond loopback, and X-Forwarded-For is believed");
    app.add_option("--ca-file", c.ca_file, "Trust the authorities of this PEM file for https peers, instead of the system's")->type_name("FILE")->multi_option_policy(last);
    app.add_option("--ready-file", c.ready_file, "Written with the server's URL once it accepts requests")->type_name("FILE")->multi_option_policy(last);
    app.add_option("--alert-webhook", c.alert_webhook, "URL that is told of every alert that begins or ends, by a signed POST")->type_name("URL")->multi_option_policy(last);
    app.add_option("--alert-webhook-secret-file", c.alert_webhook_secret_file, "What these are signed with [the environment's BSP_ALERT_WEBHOOK_SECRET]")
        ->type_name("FILE")
        ->multi_option_policy(last);
    app.add_option_function<std::string>("--log-format", [&c](std::string const& name) { c.log = name == "json" ? log_format::json : log_format::text; },
                                         "text or json (one object per line), on standard error")
        ->check(CLI::IsMember(std::vector<std::string>{"text", "json"}))
        ->default_str("text")
        ->type_name("FORMAT")
        ->multi_option_policy(last);
    app.add_option("--log-level", c.log_level, "debug, info, warning or error")
        ->check(CLI::IsMember(std::vector<std::string>{"debug", "info", "warning", "error"}))
        ->capture_default_str()
        ->type_name("LEVEL")
        ->multi_option_policy(last);

    app.add_flag("--test-clock", c.test_clock, "For tests only: POST /clock moves this server's clock forwards; on a loopback address only")->configurable(false);

    declare_size(app, "--body-bytes-max", c.limits.body_bytes_max, 10u << 20, 1u << 30, "Largest request body");
    declare_size(app, "--connections-max", c.limits.connections_max, 16, 1'000'000, "Open connections; beyond, the longest idle one gives way");
    declare_size(app, "--store-connections", c.store_connections, 2, 1'000, "Connections to PostgreSQL, beside one for notifications");
    declare_size(app, "--workers", c.limits.workers, 1, 1'024, "Requests served at the same time");
    app.add_option("--limiter", c.limiter, "Where requests are counted: in the memory of this server, or in the store, for all servers over it [memory, unless several share the store]")
        ->check(CLI::IsMember(std::vector<std::string>{"memory", "store"}))
        ->type_name("NAME")
        ->multi_option_policy(last)
        ->group("Limits");
    declare_size(app, "--events-per-minute", c.events_per_minute, 1'000, 1'000'000'000, "Telemetry events that one peer may send");
    declare_size(app, "--audit-days", c.audit_days, 1, 36'500, "How long entries of the audit trail are kept, in days");
    declare_milliseconds(app, "--head-deadline-ms", c.limits.head_deadline, "From a request's first byte to the end of its head");
    declare_milliseconds(app, "--body-deadline-ms", c.limits.body_deadline, "From the end of the head to the end of the body");
    declare_milliseconds(app, "--idle-deadline-ms", c.limits.idle_deadline, "How long a connection may wait between requests");
    declare_milliseconds(app, "--write-deadline-ms", c.limits.write_deadline, "How long a client may take to receive an answer");
}

std::vector<std::string> arguments_of_environment(CLI::App const& app) {
    std::vector<std::string> arguments;
    for (CLI::Option const* option : app.get_options()) {
        if (option->get_lnames().empty() || has_no_variable(option->get_lnames().front())) continue;
        std::string const& name = option->get_lnames().front();
        // CLI11 itself would let the configuration file win over the environment.
        std::string const variable = option->get_envname().empty() ? variable_of(name) : option->get_envname();
        char const* value = std::getenv(variable.c_str());
        if (value == nullptr || *value == '\0') continue;
        bool const is_list = option->get_multi_option_policy() == CLI::MultiOptionPolicy::Throw && (name.starts_with("allow-") || name == "peer-allow");
        std::string_view rest = value;
        for (;;) {
            std::size_t const comma = is_list ? rest.find(',') : std::string_view::npos;
            arguments.push_back("--" + name + "=" + std::string{rest.substr(0, comma)});
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return arguments;
}

void validate(config const& c) {
    origin parts;
    if (!c.base_url.empty()) {
        if (!split_origin(c.base_url, parts)) throw std::runtime_error{"--base-url: must be an http or https URL, such as https://sync.example.org"};
        if (c.base_url.ends_with('/') || parts.rest.find_first_of("?#") != std::string_view::npos)
            throw std::runtime_error{"--base-url: must not end with '/' nor have a query"};
        if (parts.scheme == "http" && !is_loopback(parts.host)) throw std::runtime_error{"--base-url: must be https unless its host is a loopback name"};
    }
    if (c.base_url.empty() && !is_loopback(c.host))
        throw std::runtime_error{"--base-url: is required with --host " + c.host + ", so that peers are told a URL that they can reach"};
    if (c.test_clock && (!is_loopback(c.host) || c.behind_tls_proxy)) throw std::runtime_error{"--test-clock: is for a server that only this machine reaches"};
    if (c.tls_certificate.empty() != c.tls_key.empty())
        throw std::runtime_error{c.tls_key.empty() ? "--tls-key: is required with --tls-cert" : "--tls-cert: is required with --tls-key"};
    // What is signed is not secret (BSP-GEN-103).
    if (!is_loopback(c.host) && c.tls_certificate.empty() && !c.behind_tls_proxy)
        throw std::runtime_error{"--host: " + c.host + " can be reached from other machines, where cleartext is not for: give --tls-cert and --tls-key, or --behind-tls-proxy"};
    if (!c.tls_certificate.empty() && c.base_url.starts_with("http:")) throw std::runtime_error{"--base-url: must be https, which is what a server with --tls-cert speaks"};
    for (auto const& allowed : c.allowed_origins)
        if (!split_origin(allowed, parts) || !parts.rest.empty())
            throw std::runtime_error{"--allow-origin: must be scheme://host[:port] without a path, not '" + allowed + "'"};
    for (auto const& peer : c.allowed_peers) {
        if (!split_origin(peer, parts) || !parts.rest.empty())
            throw std::runtime_error{"--peer-allow: must be scheme://host[:port] without a path, not '" + peer + "'"};
        if (parts.scheme == "http" && !is_loopback(parts.host)) throw std::runtime_error{"--peer-allow: must be https unless its host is a loopback name, not '" + peer + "'"};
    }
    if (!c.alert_webhook.empty()) {
        if (!split_origin(c.alert_webhook, parts)) throw std::runtime_error{"--alert-webhook: must be an http or https URL"};
        if (parts.scheme == "http" && !is_loopback(parts.host)) throw std::runtime_error{"--alert-webhook: must be https unless its host is a loopback name"};
    }
    for (auto const& host : c.allowed_hosts)
        if (host.empty() || host.find_first_of("/ @") != std::string::npos) throw std::runtime_error{"--allow-host: must be a host name, not '" + host + "'"};
}

}  // namespace bsp::server
