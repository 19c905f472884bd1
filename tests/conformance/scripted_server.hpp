#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

/// Listens on a free loopback port and gives every connection to a script, one after the other.
class scripted_server {
public:
    /// The accepted socket; closed when the script returns.
    using script = std::function<void(int)>;

    explicit scripted_server(script s) : script_{std::move(s)} {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 16) != 0) throw std::runtime_error{"cannot listen"};
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread{[this] { serve(); }};
    }
    ~scripted_server() {
        stop_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    scripted_server(scripted_server const&) = delete;
    scripted_server& operator=(scripted_server const&) = delete;

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] int connections() const { return connections_; }
    /// Waits until the script has come to its end in `n` connections and they were closed.
    void wait_for_closed(int n) const {
        for (int c = closed_; c < n; c = closed_) closed_.wait(c);
    }

    /// Reads until the end of a request's header (and nothing of a body beyond what came with it).
    static std::string read_head(int fd) {
        std::string out;
        char buffer[4096];
        while (out.find("\r\n\r\n") == std::string::npos) {
            auto const n = ::recv(fd, buffer, sizeof buffer, 0);
            if (n <= 0) break;
            out.append(buffer, static_cast<std::size_t>(n));
        }
        return out;
    }
    static void write(int fd, std::string const& text) { static_cast<void>(::send(fd, text.data(), text.size(), MSG_NOSIGNAL)); }
    /// Until the other side closes: what a hanging server does.
    static void wait_for_end(int fd) {
        char c;
        while (::recv(fd, &c, 1, 0) > 0) {}
    }

private:
    void serve() {
        for (;;) {
            int const fd = ::accept(listener_, nullptr, nullptr);
            if (stop_ || fd < 0) {
                if (fd >= 0) ::close(fd);
                return;
            }
            ++connections_;
            script_(fd);
            ::close(fd);
            ++closed_;
            closed_.notify_all();
        }
    }

    script script_;
    int listener_ = -1;
    unsigned port_ = 0;
    std::atomic<bool> stop_ = false;
    std::atomic<int> connections_ = 0, closed_ = 0;
    std::thread thread_;
};
