#pragma once

#include <bsp/base/http.hpp>
#include <bsp/base/instant.hpp>

#include <string>
#include <vector>

namespace bsp::faulty {

/// What a backend does about WebSockets; the frames are the door's affair.
class socket_service {
public:
    /// Texts to send, then a close frame unless `close` is 0.
    struct reply {
        std::vector<std::string> texts = {};
        int close = 0;
        std::string reason = {};
    };
    virtual ~socket_service() = default;
    /// Judges an upgrade. 101: the socket is open, and known by `number` from now on.
    virtual http_response open_socket(http_request const& upgrade, instant now, int& number) = 0;
    virtual reply hear(int number, std::string const& text, instant now) = 0;
    virtual reply look_after(int number, instant now) = 0;  ///< from time to time
    virtual void forget(int number) = 0;
};

}  // namespace bsp::faulty
