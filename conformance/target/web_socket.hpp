#pragma once

#include "stream.hpp"
#include "web_frame.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// Both sides of RFC 6455, and their abuse: frames are made by hand, so that wrong ones can be made, too.
namespace bsp::conformance {

/// What came from the other side: a whole message, a control frame, or the end.
struct web_event {
    enum class kind {
        text,
        binary,
        ping,    ///< answered already
        pong,
        closed,  ///< a close frame; `code` is 1005 when it has none
        ended,   ///< the connection ended without a close frame
        silent,  ///< nothing until the deadline
        garbage, ///< what that side may not send; `payload` says why
    };
    kind what = kind::silent;
    std::string payload;  ///< of a close frame: the reason
    int code = 0;
};

/// An open connection behind its handshake.
class web_socket {
public:
    enum class side { client, server };  ///< that is ours

    /// `read` is what came behind the handshake already.
    explicit web_socket(std::unique_ptr<stream> to, std::string read = {}, side ours = side::client) : to_{std::move(to)}, read_{std::move(read)}, ours_{ours} {}

    /// Writes, and takes in meanwhile what comes, so that neither side waits for the other. False when the other side
    /// does not take all of it until the deadline, or has ended the connection. With `reading` false nothing is taken in.
    bool write(std::string_view bytes, deadline until, bool reading = true);

    web_event next(deadline until);

    /// Ends the connection without a close frame.
    void cut() { to_.reset(); }

private:
    [[nodiscard]] std::optional<web_event> take();
    bool receive();  ///< false when nothing can be read for now

    std::unique_ptr<stream> to_;
    std::string read_, message_;
    side ours_;
    int message_opcode_ = 0;
    bool ended_ = false, closed_ = false;
};

}  // namespace bsp::conformance
