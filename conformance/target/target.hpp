#pragma once

#include <bsp/base/http.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/base/result.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace bsp::conformance {

/// Why a request got no HTTP answer.
enum class fault {
    none,     ///< it did get one
    refused,  ///< nobody listens, or the name is unknown
    timeout,  ///< nothing, or only a part, before the deadline
    closed,   ///< the connection ended before the answer was complete
    garbage,  ///< what came is not HTTP/1.x
    tls,      ///< no TLS session could be agreed
    certificate,  ///< the certificate is not trusted, or not for this name
};

std::string_view to_string(fault) noexcept;

/// What a request brought. `response` means something only when `why` is `none`.
struct answer {
    fault why = fault::none;
    std::string detail;  ///< for people, when `why` is not `none`
    http_response response;
    std::chrono::microseconds took{};
};

/// What bytes written to a bare connection brought: everything read until the other side closed, fell
/// silent for as long as the deadline allowed, or a whole HTTP answer had arrived.
struct raw_answer {
    fault why = fault::none;  ///< `closed` also when the other side ended the connection without a byte
    std::string detail;
    std::string bytes;
    bool ended = false;  ///< the other side closed the connection
    std::chrono::microseconds took{};

    /// Status of the first HTTP answer in `bytes` that is not 1xx; 0 when there is none.
    [[nodiscard]] int status() const;
};

struct connected;  // stream.hpp

/// The backend under test, seen from outside. All members may be called from several threads at once.
class target {
public:
    virtual ~target() = default;

    /// Sends one request and waits for its answer. `request.target` goes on the wire as it is, and so do the
    /// header fields; `Host` and `Content-Length` are added when absent (a value of "\0" suppresses a field).
    virtual answer send(http_request const& request, std::chrono::milliseconds timeout) = 0;

    /// Writes `bytes` to a new connection. Only where `has_sockets()`.
    virtual raw_answer raw(std::string_view bytes, std::chrono::milliseconds deadline) = 0;

    /// A new connection, for what is more than one request and one answer. Fails where there are no sockets.
    virtual connected open(std::chrono::milliseconds timeout);

    [[nodiscard]] virtual bool has_sockets() const noexcept = 0;

    /// "http://host:port/prefix", without a trailing slash; what `curl` is given.
    [[nodiscard]] virtual std::string const& url() const noexcept = 0;

    /// "/prefix" of the URL, or empty. Request targets and the claim `htu` begin with it.
    [[nodiscard]] virtual std::string const& base_path() const noexcept = 0;

    /// "host:port" as the `Host` field names it.
    [[nodiscard]] virtual std::string const& authority() const noexcept = 0;
};

/// How an https target is trusted.
struct target_options {
    bool verify_certificate = true;
    std::string ca_file = {};  ///< PEM: the authorities to trust instead of the system's
};

/// A backend reached over the network: http or https, a host, perhaps a port and a path. Fails (`bad_request`) only
/// when the URL or the file of authorities cannot be used.
result<std::unique_ptr<target>> connect_to(std::string_view url, target_options const& = {});

/// A backend in this process, for tests of the suite and for the kill matrix. Time is the system's.
std::unique_ptr<target> in_process(std::function<http_response(http_request const&, instant now)> handler);

}  // namespace bsp::conformance
