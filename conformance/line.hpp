#pragma once

#include "exchange.hpp"
#include "principals.hpp"
#include "target/web_frame.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bsp::conformance {

class scenario;
class web_socket;
struct step;

/// What became of an event: an answer, the end of the connection, or nothing.
struct told {
    std::optional<json::object> answer = {};
    int closed = 0;       ///< code of the close frame; 1006: the connection ended without one; 0: it is open
    std::string reason = {};  ///< of the close frame

    [[nodiscard]] bool acked() const { return status() == "acked"; }
    [[nodiscard]] bool rejected() const { return status() == "rejected"; }
    [[nodiscard]] bool limited() const { return status() == "rate_limited"; }
    [[nodiscard]] std::string status() const;
    [[nodiscard]] std::string describe() const;  ///< "acked", "closed with 1008 Peer not found", "no answer"
};

/// How an upgrade departs from a correct one.
struct line_options {
    call_options call = {};                    ///< of its assertion, and of its request last of all
    std::optional<std::string> path = {};      ///< default "/telemetry/{peer_id}" of the caller
    std::string method = "GET";
};

/// A WebSocket to the target's telemetry, as somebody opened it or was refused it. Everything is recorded as steps.
class line {
public:
    /// Opens it. `who` signs the upgrade, whatever the path; a peer's default path is its own.
    line(scenario& s, peer const& who, line_options const& = {});
    line(scenario& s, caller const& who, std::string path, line_options const& = {});
    /// The same with this `Authorization` field.
    line(scenario& s, std::string_view who, std::string path, std::string authorization, line_options const& = {});

    line(line&&) noexcept;
    ~line();

    [[nodiscard]] exchange const& handshake() const noexcept { return handshake_; }
    [[nodiscard]] bool open() const noexcept { return socket_ != nullptr; }

    /// Sends an event as one text message.
    void send(json::value const& event);
    void send_text(std::string_view text, std::string summary = {});
    /// All of `texts`, each a message, in as few packets as may be; one step.
    void send_all(std::vector<std::string> const& texts, std::string summary, bool reading = true);
    void send_frame(web_frame const&, std::string summary);
    bool send_bytes(std::string_view bytes, std::string summary);

    /// The answer to the event with that id; "" stands for an answer with `event_id` null. Other answers are kept for later.
    told answer_to(std::string_view event_id, std::chrono::milliseconds patience = std::chrono::seconds{10});
    /// Sends the event and waits for its answer.
    told tell(json::object const& event, std::chrono::milliseconds patience = std::chrono::seconds{10});
    /// Sends a text that is not an event, and waits for the next answer, whatever its id.
    told tell_text(std::string_view text, std::chrono::milliseconds patience = std::chrono::seconds{10});

    /// The next answers, in the order in which they come, until there are `count`, or `patience` passes with none.
    std::vector<json::object> answers(std::size_t count, std::chrono::milliseconds patience = std::chrono::seconds{10});

    /// Waits for the end of the connection: its close code, 1006 for an end without one; 0 when it stays open.
    int wait_for_close(std::chrono::milliseconds patience);
    /// Waits for a pong with this application data; others may come unasked (RFC 6455 section 5.5.3). What the last one had,
    /// or nothing.
    std::optional<std::string> wait_for_pong(std::string_view data, std::chrono::milliseconds patience = std::chrono::seconds{5});

    [[nodiscard]] int close_code() const noexcept { return closed_; }
    [[nodiscard]] std::string const& close_reason() const noexcept { return reason_; }

    /// Says goodbye with 1000; `cut` goes without.
    void close();
    void cut();

private:
    std::shared_ptr<step> add_step(std::string summary, std::string_view body);
    /// Takes in one thing that comes; false at the deadline, and when the line is closed.
    bool hear(std::chrono::steady_clock::time_point until);
    line(scenario& s, std::string_view who, std::string const& path, std::function<std::string()> const& authorization, line_options const&);
    void open_with(http_request request);
    [[nodiscard]] told end() const { return {{}, closed_, reason_}; }

    scenario* world_;
    std::string who_;
    exchange handshake_;
    std::unique_ptr<web_socket> socket_;
    int closed_ = 0;
    std::string reason_;
    std::vector<json::object> heard_;  ///< answers that nobody asked for yet
    std::vector<std::string> pongs_;
    std::map<std::string, std::shared_ptr<step>> sent_;  ///< by event_id
    std::shared_ptr<step> last_;
};

}  // namespace bsp::conformance
