#pragma once

#include "target.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;

namespace bsp::conformance {

using clock = std::chrono::steady_clock;
using deadline = clock::time_point;

/// Where a URL points.
struct endpoint {
    bool secure = false;
    std::string host;  ///< without brackets
    std::string port;
    std::string path;  ///< "" or "/prefix"
    std::string authority;  ///< as in the `Host` field
};

result<endpoint> parse_url(std::string_view url);

/// A connected, non-blocking byte stream: TCP, or TLS over it.
class stream {
public:
    virtual ~stream() = default;

    enum class status { done, would_block, ended, broken };
    struct outcome {
        status what;
        std::size_t size = 0;
    };

    virtual outcome read(char* into, std::size_t size) = 0;
    virtual outcome write(char const* from, std::size_t size) = 0;

    /// Waits until reading or (if `or_write`) writing may go on; false at the deadline.
    virtual bool wait(deadline until, bool or_write) = 0;

    /// Something can be read, or the other side has closed: no state to reuse an idle connection in.
    virtual bool disturbed() = 0;

    /// For whoever waits for many streams at once.
    [[nodiscard]] virtual int descriptor() const noexcept = 0;
};

/// What the TLS sessions with a target have in common; null where TLS is not spoken.
using tls_context = std::shared_ptr<ssl_ctx_st>;
result<tls_context> make_tls_context(target_options const&);

/// For sessions of TLS 1.1 and before, with whatever ciphers, and nothing later. Trusts anybody: nothing is sent.
tls_context outdated_tls_context();

/// Connects, or says why not (`why`, `detail`).
struct connected {
    std::unique_ptr<stream> to;
    fault why = fault::none;
    std::string detail;
};
connected open_stream(endpoint const&, tls_context const&, deadline until);

/// The stream of a socket that was accepted; it has a descriptor of its own, and the socket no longer blocks.
std::unique_ptr<stream> stream_of(int socket);

}  // namespace bsp::conformance
