#pragma once

#include <bsp/observe/alert_book.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The server's log: one line per event on standard error, for people or as JSON lines, and the latest lines in memory
/// for its operator. Secrets, signatures, queries, bodies and what people named are never passed to it.
namespace bsp::server {

enum class log_format : std::uint8_t { text, json };

/// Sets the process's log up. `level` is one of spdlog's names: debug, info, warning, error.
void start_log(log_format format, std::string const& level);

/// From now on, in every thread. False, and nothing changes, when there is no such level.
bool set_log_level(std::string_view level);
[[nodiscard]] std::string log_level();

/// As long as it lives, lines of this thread carry the id of a request, which is also in the answer's `X-Request-Id`.
class request_scope {
public:
    explicit request_scope(std::string id);
    ~request_scope();
    request_scope(request_scope const&) = delete;
    request_scope& operator=(request_scope const&) = delete;

private:
    std::string outer_;
};

/// Of the request that this thread serves; "" when it serves none.
[[nodiscard]] std::string const& current_request_id();

/// A request and what became of it.
struct request_event {
    std::string_view remote{};
    std::string_view method{};
    std::string_view target{};  ///< only its path is written, and of that no name that a person gave
    int status = 0;
    std::size_t bytes_in = 0;
    std::size_t bytes_out = 0;
    std::chrono::nanoseconds took{};
    bool by_operator = false;  ///< somebody looks at the server itself: of interest to nobody but who looks for that
};

void log_request(request_event const& event);

/// An alert that was raised or cleared.
void log_alert(observe::alert_event const& event);

struct logged_line {
    std::uint64_t number = 0;  ///< 1, 2, 3, …
    std::string json;          ///< an object
};

/// Of the latest lines those numbered above `after`, oldest first, of `level` and graver; the last `limit` of them.
std::vector<logged_line> latest_lines(std::uint64_t after, std::size_t limit, std::string_view level);

}  // namespace bsp::server
