#pragma once

#include <bsp/base/http.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bsp::server {

/// The WebSockets on which telemetry leaves, all on one thread. A connection that is silent is pinged and then given
/// up; a message of the peer has a greatest size. No call waits.
class event_streams {
public:
    /// What became of a stream. After `refused`, `failed` or `closed` nothing follows.
    struct tiding {
        enum class kind : std::uint8_t { opened, refused, failed, message, closed };

        std::uint64_t id = 0;
        kind what = kind::failed;
        std::string text{};        ///< of a message; why it failed
        http_response refusal{};   ///< the answer that was not 101
        std::uint16_t code = 0;    ///< of the close; 1006 when there was none
    };
    /// Called from the streams' thread; must return soon.
    using on_tiding = std::function<void(tiding)>;

    /// `ca_file`: as of dialer.
    event_streams(on_tiding tell, std::string const& ca_file);
    /// As `stop`.
    ~event_streams();
    event_streams(event_streams const&) = delete;
    event_streams& operator=(event_streams const&) = delete;

    /// Opens a stream at `origin`, of http or https, with this opening handshake, before the deadline.
    void open(std::uint64_t id, std::string origin, http_request request, std::chrono::steady_clock::time_point deadline);
    /// Sends text messages in their order. Those of a stream that has ended go nowhere.
    void send(std::uint64_t id, std::vector<std::string> messages);
    /// Ends a stream; nothing more is told of it.
    void drop(std::uint64_t id);

    /// Gives everything up, within milliseconds.
    void stop();

private:
    class engine;
    std::unique_ptr<engine> engine_;
};

}  // namespace bsp::server
