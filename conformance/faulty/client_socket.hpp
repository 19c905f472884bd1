#pragma once

#include <bsp/base/http.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace bsp::faulty {

/// The client's side of RFC 6455, over TCP.
class client_socket {
public:
    /// Opens a stream at an origin ("http://127.0.0.1:9000", or ws) with the fields of `request` and those of the
    /// handshake. Null when it is refused, with the refusal when there was an answer.
    static std::unique_ptr<client_socket> open(std::string const& origin, http_request const& request, std::chrono::milliseconds timeout, std::optional<http_response>& refusal, std::stop_token stop);
    ~client_socket();
    client_socket(client_socket const&) = delete;
    client_socket& operator=(client_socket const&) = delete;

    bool send(std::string_view text);  ///< one text message

    struct heard {
        std::optional<std::string> text = {};  ///< a message that is text
        int code = 0;                          ///< of the close frame, 1006 for an end without one; 0: it is open
    };
    /// What comes next, or nothing in time.
    heard next(std::chrono::milliseconds patience);

private:
    explicit client_socket(int socket) : socket_{socket} {}
    bool receive(std::chrono::milliseconds patience);  ///< false at the end of the connection
    bool write(std::string_view bytes);
    bool send_frame(int opcode, std::string_view payload);
    std::optional<heard> take_frame();

    int socket_;
    std::string read_, message_;
    bool ended_ = false, message_is_text_ = true;
};

}  // namespace bsp::faulty
