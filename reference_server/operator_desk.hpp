#pragma once

#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <string>

/// `bsp-server status`, `peers`, `queue`, `tail` and `log-level`: ask the server that runs on a data directory, over HTTP with
/// the admin token that lies there. Each function returns the text to print, or throws: `not_achieved` when no server
/// answers or it refuses, std::runtime_error when the data directory is not as it must be.
namespace bsp::server::operator_desk {

struct question {
    std::filesystem::path data_dir;
    std::string url;         ///< "": as the running server has written
    std::string ca_file;     ///< authorities of an https server; "": the system's
    bool as_json = false;    ///< what the server says, for programs
    std::size_t lines = 20;  ///< of the log, before what is new
    std::string level = "info";
};

/// How it goes: the server, what is wrong and since when, and the sums.
std::string status(question const& q);

/// One line for each peer.
std::string peers(question const& q);

/// What waits to be sent, the oldest first, some of it for each peer.
std::string queue(question const& q);

/// Writes the latest lines of the log and then every new one, until the server stops.
std::string tail(question const& q, std::ostream& out);

/// What is logged from now on; with an empty `level` what is logged.
std::string log_level(question const& q, std::string const& level);

/// Where a server leaves its URL as long as it runs.
std::filesystem::path url_file(std::filesystem::path const& data_dir);

}  // namespace bsp::server::operator_desk
