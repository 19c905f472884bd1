#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// RFC 6455 and its abuse: frames are made by hand, so that wrong ones can be made, too.
namespace bsp::conformance {

/// One frame, as a client sends it. As it stands: a whole text message.
struct web_frame {
    int opcode = 1;  ///< 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong
    std::string payload = {};
    bool final = true;
    bool masked = true;
    int reserved = 0;                                    ///< RSV1 to RSV3, as bits 4, 2 and 1
    std::optional<std::uint64_t> stated_length = {};  ///< another than the payload's
};

std::string bytes_of(web_frame const&);

/// A close frame with this code and reason.
web_frame closing(int code, std::string_view reason = {});

/// The value of `Sec-WebSocket-Accept` that answers a key.
std::string accept_value(std::string_view key);

}  // namespace bsp::conformance
