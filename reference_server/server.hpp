#pragma once

#include "config.hpp"
#include "data_dir.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace bsp::server {

/// The whole server: identity, secrets, store, the protocol, and the door in front of it. Accepts requests
/// from its construction until `stop`.
class server {
public:
    /// Throws std::runtime_error with one line for the operator when it cannot start.
    explicit server(config const& c);
    /// As `stop`.
    ~server();
    server(server const&) = delete;
    server& operator=(server const&) = delete;

    /// Where it listens, for someone on this machine.
    [[nodiscard]] std::string const& url() const;
    [[nodiscard]] identity const& self() const;
    [[nodiscard]] std::filesystem::path const& data_dir() const;
    /// Where the pairing secrets are, for people.
    [[nodiscard]] std::string const& users_place() const;

    /// Reads certificate and key again for those who connect from now on; when they cannot be used, the old ones stay in
    /// force and the log says why.
    void renew_certificate();

    /// Answers the requests under way, closes every connection and the store.
    void stop();

private:
    class parts;
    std::unique_ptr<parts> parts_;
};

}  // namespace bsp::server
