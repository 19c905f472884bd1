#pragma once

#include <bsp/base/http.hpp>

#include <functional>
#include <memory>
#include <string>

namespace bsp::server {

/// The cpp-httplib server behind the door: it routes what the door let through, and writes the answer.
///
/// The door hands over parsed requests, so cpp-httplib reads no byte from the network: it is given a
/// constant request head on a stream in memory, and the real request through its `setup_request` hook.
/// Its own parser, its body and range handling and its compression never see what a client sent.
class routes {
public:
    using serve = std::function<http_response(http_request const&)>;

    routes();
    ~routes();

    /// What `protocol` answers, as HTTP/1.1 bytes, for HEAD without the body. With `close` it says `Connection: close`.
    std::string answer(http_request&& request, bool close, serve const& protocol);

private:
    class server;
    std::unique_ptr<server> server_;
};

}  // namespace bsp::server
