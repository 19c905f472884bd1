#pragma once

#include "degenerate.hpp"

#include <memory>
#include <string>

/// What stands between a socket and a handler.
namespace bsp::faulty {

/// How a door reads requests. As it stands it is right; each member is a mistake.
struct framing {
    bool any_length = false;       ///< of several Content-Length values the first counts, as far as it has digits
    bool get_has_no_body = false;  ///< the body of a GET stays on the connection, and is read as the next request
    bool any_head = false;         ///< heads of any size are read
};

/// Serves a handler over HTTP/1.1 on 127.0.0.1, in threads of its own, until it is destroyed.
class door {
public:
    virtual ~door() = default;
    [[nodiscard]] virtual std::string const& url() const = 0;
    virtual void start(handler h) = 0;
    virtual void wait() = 0;  ///< until somebody stops the process
};

/// A door that reads bytes itself, because a library would correct the mistakes. Port 0: any free one. Throws
/// std::runtime_error when the port is taken.
std::unique_ptr<door> open_door(int port, framing reads);

}  // namespace bsp::faulty
