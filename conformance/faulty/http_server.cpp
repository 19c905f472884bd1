#include "http_server.hpp"

#include "backend.hpp"

#include <httplib.h>

#include <stdexcept>

namespace bsp::faulty {

http_server::http_server(int port) : server_{std::make_unique<httplib::Server>()} {
    server_->new_task_queue = [] { return new httplib::ThreadPool{32}; };
    server_->set_tcp_nodelay(true);
    server_->set_keep_alive_max_count(100'000);
    server_->set_payload_max_length(64u << 20);
    bool const bound = port != 0 && server_->bind_to_port("127.0.0.1", port);
    int const got = port == 0 ? server_->bind_to_any_port("127.0.0.1") : port;
    if ((port != 0 && !bound) || got <= 0) throw std::runtime_error{"cannot listen on port " + std::to_string(port)};
    url_ = "http://127.0.0.1:" + std::to_string(got);
}

http_server::~http_server() {
    server_->stop();
    if (thread_.joinable()) thread_.join();
}

void http_server::start(handler h, std::shared_ptr<socket_service>) {
    auto const serve = [h = std::move(h)](httplib::Request const& in, httplib::Response& out) {
        http_request r{in.method, in.target, {}, in.body, in.remote_addr};
        for (auto const& [name, value] : in.headers) r.headers.add(name, value);
        http_response const answer = h(r, system_now());
        out.status = answer.status == hung_up ? 502 : answer.status;
        std::string const* type = answer.headers.find("Content-Type");
        for (auto const& [name, value] : answer.headers)
            if (!http_headers::same_name(name, "Content-Type")) out.headers.emplace(name, value);
        if (type) out.set_content(answer.body, type->c_str());
    };
    char const* const every = R"([\s\S]*)";
    server_->Get(every, serve).Post(every, serve).Put(every, serve).Delete(every, serve).Patch(every, serve).Options(every, serve);
    thread_ = std::thread{[this] { server_->listen_after_bind(); }};
    while (!server_->is_running()) std::this_thread::yield();  // else stop() would not be heard
}

void http_server::wait() { thread_.join(); }

}  // namespace bsp::faulty
