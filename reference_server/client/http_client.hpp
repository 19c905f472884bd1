#pragma once

#include <bsp/base/http.hpp>
#include <bsp/base/limits.hpp>
#include <bsp/base/result.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace bsp::server {

/// Sends requests to other servers, as many at the same time as there are, from one thread. Whoever answers slowly,
/// wrongly or without end costs itself its answer and delays nobody else: no redirection is followed, a head has a
/// greatest size and so has a body, and everything from the look-up of the name to the last byte of the body
/// happens before the deadline or not at all. Certificates are verified against the system's authorities
/// (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others).
class http_client {
public:
    struct bounds {
        std::size_t header_bytes_max = 64u << 10;
        std::size_t body_bytes_max = limits::body_bytes_max;
        std::size_t under_way_max = 256;  ///< further requests fail at once
    };
    /// An answer with any status, or `unavailable` with what stood in the way.
    using on_answer = std::function<void(result<http_response>)>;

    http_client() : http_client{bounds{}} {}
    /// `ca_file`: PEM file of the authorities that are trusted, "" for the system's. Throws std::runtime_error with one
    /// line when it holds none.
    explicit http_client(bounds limits, std::string const& ca_file = {});
    /// As `stop`.
    ~http_client();
    http_client(http_client const&) = delete;
    http_client& operator=(http_client const&) = delete;

    /// Sends to `origin`, such as "https://hosted.example:8443". `then` is called once, from the client's thread, and
    /// must return soon; it is not called when the client stops first.
    void send(std::string origin, http_request request, std::chrono::steady_clock::time_point deadline, on_answer then);

    /// The same, waiting for the answer.
    result<http_response> ask(std::string origin, http_request request, std::chrono::steady_clock::time_point deadline);

    /// Gives everything up that is under way, within milliseconds.
    void stop();

private:
    class engine;
    std::unique_ptr<engine> engine_;
};

}  // namespace bsp::server
