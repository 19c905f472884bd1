#pragma once

#include "../json.hpp"

#include <bsp/base/http.hpp>
#include <bsp/base/result.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

/// The suite's own door: here the target is the client, and the suite says what it gets.
namespace bsp::conformance {

class web_socket;

using moment = std::chrono::steady_clock::time_point;

/// What is done about a request.
struct reaction {
    enum class manner : std::uint8_t {
        answer,  ///< `response`, with Content-Length
        hang,    ///< nothing, until the other side goes away
        close,   ///< the connection is closed without a byte
        bytes,   ///< `response.body` as it is, and the connection is closed
        upgrade, ///< to a WebSocket, which `mailbox::converse` is given
    };
    manner how = manner::answer;
    http_response response = {};
    std::chrono::milliseconds delay{0};  ///< before any of it
    std::chrono::milliseconds drip{0};   ///< of an answer: before each of its octets
};

/// Who gets the requests below one first segment of the path. Called from many threads.
class mailbox {
public:
    virtual ~mailbox() = default;
    /// `number` names the request in `finished`; the target is without the first segment.
    virtual reaction take(http_request const& request, std::size_t& number) = 0;
    /// The reaction is over: `whole` when all of the answer was written.
    virtual void finished(std::size_t number, bool whole) = 0;
    /// The other side says nothing more, and may have gone, while the reaction goes on.
    virtual void left(std::size_t /*number*/) {}
    /// The WebSocket of a request that was to be upgraded, until it is over.
    virtual void converse(std::size_t /*number*/, web_socket& /*with*/) {}
    /// Whether what hangs should go on.
    virtual bool open() const = 0;
};

/// A bounded HTTP/1.1 server: at most `connections_max` at once, heads of 64 KiB, bodies of 32 MiB.
class listener {
public:
    static constexpr int connections_max = 512;

    /// "127.0.0.1:9000"; port 0 takes a free one. `bad_request`, for people, when it cannot listen there.
    static result<std::unique_ptr<listener>> open(std::string const& address);
    ~listener();
    listener(listener const&) = delete;
    listener& operator=(listener const&) = delete;

    [[nodiscard]] std::string const& origin() const noexcept { return origin_; }  ///< "http://127.0.0.1:9000"
    /// The name "" stands for all that nobody else gets; its targets are whole.
    void add(std::string const& name, std::weak_ptr<mailbox> box);

    std::atomic<int> told_events = 0;  ///< 1: who calls has sent telemetry, -1: it does not, 0: unknown

private:
    listener(int socket, std::string origin);
    void accept_all();
    void converse(int socket);
    bool react(int socket, http_request request, std::string& behind, bool last);
    bool wait(int socket, moment until, mailbox& box, std::size_t number) const;
    bool send(int socket, std::string const& answer, std::chrono::milliseconds drip, mailbox& box, std::size_t number) const;
    std::shared_ptr<mailbox> find(std::string const& name) const;

    int socket_;
    std::string origin_;
    std::atomic<bool> stop_ = false;
    std::atomic<int> connections_ = 0;
    mutable std::mutex mutex_;
    std::map<std::string, std::weak_ptr<mailbox>> boxes_;
    std::thread acceptor_;
};

}  // namespace bsp::conformance
