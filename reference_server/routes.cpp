#include "routes.hpp"

#include "http_date.hpp"

#include <httplib.h>

#include <exception>
#include <string_view>

namespace bsp::server {
namespace {

/// What cpp-httplib reads instead of a request from the network, and where it writes the answer.
class memory_stream final : public httplib::Stream {
public:
    [[nodiscard]] std::string take() { return std::move(written_); }

    bool is_readable() const override { return !unread_.empty(); }
    bool is_writable() const override { return true; }
    ssize_t read(char* to, std::size_t size) override {
        std::size_t const n = unread_.copy(to, size);
        unread_.remove_prefix(n);
        return static_cast<ssize_t>(n);
    }
    ssize_t write(char const* from, std::size_t size) override {
        written_.append(from, size);
        return static_cast<ssize_t>(size);
    }
    void get_remote_ip_and_port(std::string& ip, int& port) const override { ip.clear(), port = 0; }
    void get_local_ip_and_port(std::string& ip, int& port) const override { ip.clear(), port = 0; }
    socket_t socket() const override { return INVALID_SOCKET; }

private:
    std::string_view unread_ = "GET / HTTP/1.1\r\n\r\n";
    std::string written_;
};

/// Fields that cpp-httplib would act upon although the door has already done so.
bool settled_by_the_door(std::string_view name) {
    for (std::string_view const settled : {"Connection", "Content-Length", "Transfer-Encoding", "Expect", "Range", "Accept-Encoding", "Keep-Alive", "TE", "Trailer"})
        if (http_headers::same_name(name, settled)) return true;
    return false;
}

http_request to_protocol(httplib::Request const& from) {
    http_request request;
    request.method = from.method;
    request.target = from.target;
    for (auto const& field : from.headers) request.headers.add(field.first, field.second);
    request.body = from.body;
    request.remote = from.remote_addr;
    return request;
}

void from_protocol(http_response&& from, httplib::Response& to) {
    to.status = from.status;
    to.body = std::move(from.body);
    for (auto const& field : from.headers) to.headers.emplace(field.first, field.second);
}

}  // namespace

/// `process_request` is protected; this class is why cpp-httplib is derived from. Everything that depends
/// on the version of cpp-httplib is in this file.
class routes::server final : public httplib::Server {
public:
    server() {
        // Every path of the protocol goes to its one dispatch table. A route pattern would be a regular
        // expression run over the path, and std::regex recurses once per character.
        set_pre_routing_handler([](httplib::Request const& request, httplib::Response& response) {
            from_protocol((*protocol_)(to_protocol(request)), response);
            return HandlerResponse::Handled;
        });
        // It would send what the exception says.
        set_exception_handler([](httplib::Request const&, httplib::Response& response, std::exception_ptr) { response.status = 500; });
        // It would promise its own keep-alive limits, and ranges that are not served.
        set_post_routing_handler([](httplib::Request const& request, httplib::Response& response) {
            response.headers.erase("Keep-Alive");
            response.headers.erase("Accept-Ranges");
            // It would say 0, which is not what GET would say, and 204 has none (RFC 9110 section 8.6).
            if (request.method == "HEAD" || response.status == 204) response.headers.erase("Content-Length");
            if (!response.has_header("Date")) response.set_header("Date", http_date_now());
        });
    }

    std::string answer(http_request&& request, bool close, serve const& protocol) {
        protocol_ = &protocol;
        memory_stream stream;
        bool closed = false;
        process_request(stream, close, closed, [&](httplib::Request& to) {
            to.method = std::move(request.method);
            to.path = request.target.substr(0, request.target.find('?'));
            to.target = std::move(request.target);
            to.headers.clear();
            for (auto const& field : request.headers)
                if (!settled_by_the_door(field.first)) to.headers.emplace(field.first, field.second);
            to.body = std::move(request.body);
            to.remote_addr = std::move(request.remote);
        });
        return stream.take();
    }

private:
    static thread_local serve const* protocol_;  ///< of the request that this thread serves: cpp-httplib has one handler for all
};

thread_local routes::serve const* routes::server::protocol_ = nullptr;

routes::routes() : server_{std::make_unique<server>()} {}
routes::~routes() = default;
std::string routes::answer(http_request&& request, bool close, serve const& protocol) { return server_->answer(std::move(request), close, protocol); }

}  // namespace bsp::server
