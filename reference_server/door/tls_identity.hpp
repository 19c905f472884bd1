#pragma once

#include <bsp/base/instant.hpp>

#include <filesystem>
#include <memory>

namespace boost::asio::ssl {
class context;
}

namespace bsp::server {

/// A certificate chain and its private key, as a door shows them to those who connect with TLS 1.2 or later.
class tls_identity {
public:
    /// Reads both from PEM files, which may be one and the same: the backend's own certificate first, then those that
    /// lead to its authority. Throws std::runtime_error with one line for the operator, also when the certificate is
    /// not valid at `now`.
    tls_identity(std::filesystem::path const& certificate, std::filesystem::path const& key, instant now);
    ~tls_identity();
    tls_identity(tls_identity const&) = delete;
    tls_identity& operator=(tls_identity const&) = delete;

    /// The last second at which the certificate is valid.
    [[nodiscard]] instant valid_until() const { return valid_until_; }
    [[nodiscard]] boost::asio::ssl::context& context() const { return *context_; }

private:
    std::unique_ptr<boost::asio::ssl::context> context_;
    instant valid_until_;
};

}  // namespace bsp::server
