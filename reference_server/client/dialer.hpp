#pragma once

#include "channel.hpp"
#include "name_lookup.hpp"

#include <bsp/base/result.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace bsp::server {

/// An attempt to connect, and then its connection.
struct dialing {
    bool expired = false;
    std::shared_ptr<channel> line;
    std::shared_ptr<name_lookup::question> lookup;

    void give_up() {
        expired = true;
        if (line) line->close();
        if (lookup) lookup->answered.cancel();
    }
};

/// Connects to origins of http and https, where certificates are verified. Used from the
/// context's thread.
class dialer {
public:
    /// `ca_file`: PEM file of the authorities that are trusted, "" for the system's. Throws std::runtime_error with one
    /// line when it holds none.
    dialer(boost::asio::io_context& context, std::string const& ca_file);

    /// Leaves an open line in `d`, or says `unavailable` with what stood in the way. `d` must outlive it.
    boost::asio::awaitable<result<>> dial(dialing& d, std::string const& origin, std::size_t buffer_bytes_max);

private:
    boost::asio::io_context& context_;
    boost::asio::ssl::context tls_{boost::asio::ssl::context::tls_client};
    name_lookup names_;
};

}  // namespace bsp::server
