#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

/// The server's log: one line per event on standard error, for people or as JSON lines. Secrets,
/// signatures, queries and bodies are never passed to it.
namespace bsp::server {

enum class log_format : std::uint8_t { text, json };

/// Sets the process's log up. `level` is one of spdlog's names: debug, info, warning, error.
void start_log(log_format format, std::string const& level);

/// A request and what became of it.
struct request_event {
    std::string_view id;      ///< also in the answer's X-Request-Id
    std::string_view remote;
    std::string_view method;
    std::string_view target;  ///< only its path is written
    int status = 0;
    std::size_t bytes_in = 0;
    std::size_t bytes_out = 0;
    std::chrono::nanoseconds took{};
};

void log_request(request_event const& event);

}  // namespace bsp::server
