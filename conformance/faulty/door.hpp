#pragma once

#include "degenerate.hpp"
#include "socket_service.hpp"

#include <memory>
#include <string>

/// What stands between a socket and a handler.
namespace bsp::faulty {

/// How a door reads requests and answers them. As it stands it is right; each member is a mistake, but for those at the end.
struct framing {
    bool any_length = false;       ///< of several Content-Length values the first counts, as far as it has digits
    bool get_has_no_body = false;  ///< the body of a GET stays on the connection, and is read as the next request
    bool options_has_no_body = false;  ///< the same of OPTIONS
    bool any_head = false;         ///< heads of any size are read
    bool head_in_one_piece = false; ///< what has come when a request begins is taken for its head
    bool body_in_one_piece = false; ///< what has come with the head is taken for the body
    bool one_at_once = false;      ///< what comes behind a request, in the same bytes, is dropped
    bool plain_chunks = false;     ///< chunks have neither capitals in their sizes nor extensions nor a trailer
    bool tells_connection = false; ///< the handler learns by the field X-Connection which connection a request came on
    bool tells_head = false;       ///< the handler is given the head of a POST, with the field X-Head, before its body has come
    bool short_trailer = false;    ///< a trailer has one line, and what follows is the next request

    // Of WebSockets:
    bool binary_is_text = false;         ///< a binary message is read like a text
    bool any_utf8 = false;               ///< the bytes of a text are not looked at
    bool utf8_by_fragment = false;       ///< every fragment has to be UTF-8 by itself
    bool counts_characters = false;      ///< the length of a message is that of its characters
    bool any_length_of_message = false;  ///< messages of any size are read
    bool short_messages = false;         ///< messages of more than 4 KiB are refused
    bool fragments_are_messages = false; ///< every fragment is read as a message
    bool pings_end_messages = false;     ///< a ping between fragments takes the place of those before it
    bool frames_in_one_piece = false;    ///< a frame that comes in several pieces breaks RFC 6455
    bool one_frame_at_once = false;      ///< what comes behind a frame, in the same bytes, is dropped
    bool silent_pings = false;           ///< pings are not answered
    bool empty_pongs = false;            ///< pings are answered without their application data
    bool fragments_add_up = false;       ///< the room for fragments is that of all messages since the last one in one piece
    bool one_at_a_time = false;          ///< while a frame is arriving, nobody else's is read
    bool fragile = false;                ///< binary and long messages end the process
    bool fragile_frames = false;         ///< frames that break RFC 6455 end the process
    bool wrong_accept = false;           ///< Sec-WebSocket-Accept does not answer the key
    bool keeps_the_lost = false;         ///< a connection that ends without a close frame is held for open
    bool reasons_for_codes = false;      ///< every mistake of a client closes with 1000

    // Otherwise, and right:
    bool chunked = false;         ///< answers come in chunks of a few bytes, with extensions and a trailer
    bool one_request = false;     ///< every answer is the last of its connection
    bool other_case = false;      ///< names of fields are in small letters, or in capitals
    int idle_ms = 0;              ///< a connection that is silent for so long between requests is closed; 0: never
    int slow_ms = 0;              ///< every sixteenth answer takes so long
    bool in_fragments = false;    ///< messages are sent in fragments, with pings between them
    bool looks_for_life = false;  ///< every ten seconds a ping is sent, and ten seconds without a pong end the connection
    bool no_reasons = false;      ///< close frames have a code alone
};

/// Serves a handler over HTTP/1.1 on 127.0.0.1, in threads of its own, until it is destroyed.
class door {
public:
    virtual ~door() = default;
    [[nodiscard]] virtual std::string const& url() const = 0;
    virtual void start(handler h, std::shared_ptr<socket_service> sockets = {}) = 0;
    virtual void wait() = 0;  ///< until somebody stops the process
};

/// A door that reads bytes itself, because a library would correct the mistakes. Port 0: any free one. Throws
/// std::runtime_error when the port is taken.
std::unique_ptr<door> open_door(int port, framing reads);

}  // namespace bsp::faulty
