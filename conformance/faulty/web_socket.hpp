#pragma once

#include "door.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

namespace bsp::faulty {

/// What the WebSockets of one door share.
struct socket_world {
    std::atomic<bool> dead = false;  ///< the process has ended, as far as anybody can see
    std::mutex one_reader;           ///< of `framing::one_at_a_time`
    std::atomic<unsigned> answers = 0;
};

/// The server's side of RFC 6455 on a socket whose upgrade was accepted.
class web_socket {
public:
    web_socket(int socket, framing const& reads, socket_service& service, int number, socket_world& world, std::string read)
        : socket_{socket}, reads_{reads}, service_{service}, number_{number}, world_{world}, read_{std::move(read)} {}
    ~web_socket() {
        if (!lost_ || !reads_.keeps_the_lost) service_.forget(number_);
    }
    web_socket(web_socket const&) = delete;
    web_socket& operator=(web_socket const&) = delete;

    /// Answers the upgrade, with these further fields, and serves the connection until it ends.
    void serve(http_request const& upgrade, http_headers const& fields);

private:
    enum class step { more, taken, over };
    step take_frame();
    step message(int opcode, std::string text);
    bool obey(socket_service::reply const& r);
    bool close(int code, std::string_view reason);
    bool send(std::string_view bytes);
    bool send_frame(int opcode, std::string_view payload, bool is_last = true);
    bool send_message(std::string_view text);
    bool look_for_life();  ///< false: there is none

    int socket_;
    framing const& reads_;
    socket_service& service_;
    int number_;
    socket_world& world_;
    std::string read_, message_;
    int message_opcode_ = 0;
    std::size_t in_fragments_ = 0;  ///< bytes, since the last message in one piece
    std::unique_lock<std::mutex> turn_;
    std::chrono::steady_clock::time_point pinged_ = std::chrono::steady_clock::now();
    bool alive_ = true;
    bool lost_ = false;  ///< the other side went away without a word
};

}  // namespace bsp::faulty
