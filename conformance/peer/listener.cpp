#include "listener.hpp"

#include "../target/web_socket.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace bsp::conformance {
namespace {

constexpr std::size_t head_max = 64u << 10, body_max = 32u << 20;
constexpr std::chrono::milliseconds idle_max{60'000}, tick{50};

using clock = std::chrono::steady_clock;

bool send_all(int socket, std::string_view text) {
    while (!text.empty()) {
        auto const n = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

/// Reads the bytes of a connection piece by piece, for as long as nobody stops it.
class reader {
public:
    reader(int socket, std::atomic<bool> const& stop) : socket_{socket}, stop_{stop} {}

    /// Through the next line end, without it; nothing when the connection ends or the line is too long.
    std::optional<std::string> line() {
        for (;;) {
            if (auto const end = held_.find("\r\n"); end != std::string::npos) {
                auto out = held_.substr(0, end);
                held_.erase(0, end + 2);
                return out;
            }
            if (held_.size() > head_max || !more()) return std::nullopt;
        }
    }
    bool exactly(std::string& into, std::size_t size) {
        while (held_.size() < size)
            if (!more()) return false;
        into.append(held_, 0, size);
        held_.erase(0, size);
        return true;
    }
    std::string& rest() { return held_; }

private:
    bool more() {
        for (auto const until = clock::now() + idle_max; !stop_ && clock::now() < until;) {
            pollfd one{socket_, POLLIN, 0};
            if (::poll(&one, 1, static_cast<int>(tick.count())) == 0) continue;
            char buffer[64 * 1024];
            auto const n = ::recv(socket_, buffer, sizeof buffer, 0);
            if (n <= 0) return false;
            held_.append(buffer, static_cast<std::size_t>(n));
            return true;
        }
        return false;
    }

    int socket_;
    std::atomic<bool> const& stop_;
    std::string held_;
};

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::optional<std::size_t> number(std::string_view text, int base) {
    std::size_t out = 0;
    auto const [end, bad] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return bad == std::errc{} && end == text.data() + text.size() && out <= body_max ? std::optional{out} : std::nullopt;
}

bool read_chunks(reader& from, std::string& body) {
    for (;;) {
        auto const line = from.line();
        auto const size = line ? number(trimmed(std::string_view{*line}.substr(0, line->find(';'))), 16) : std::nullopt;
        if (!size || body.size() + *size > body_max) return false;
        if (*size == 0) break;
        if (!from.exactly(body, *size) || from.line() != std::optional<std::string>{""}) return false;
    }
    for (;;) {  // the trailer
        auto const line = from.line();
        if (!line || line->empty()) return line.has_value();
    }
}

std::optional<http_request> read_request(int socket, reader& from) {
    auto line = from.line();
    while (line && line->empty()) line = from.line();
    if (!line) return std::nullopt;
    http_request r;
    auto const first = line->find(' '), second = line->rfind(' ');
    if (first == std::string::npos || first == second) return std::nullopt;
    r.method = line->substr(0, first);
    r.target = line->substr(first + 1, second - first - 1);
    for (std::size_t size = 0;;) {
        auto const field = from.line();
        if (!field || (size += field->size()) > head_max) return std::nullopt;
        if (field->empty()) break;
        auto const colon = field->find(':');
        if (colon == std::string::npos) return std::nullopt;
        r.headers.add(field->substr(0, colon), std::string{trimmed(std::string_view{*field}.substr(colon + 1))});
    }
    if (auto const* expect = r.headers.find("Expect"); expect && http_headers::same_name(*expect, "100-continue") && !send_all(socket, "HTTP/1.1 100 Continue\r\n\r\n")) return std::nullopt;
    if (r.headers.find("Transfer-Encoding")) return read_chunks(from, r.body) ? std::optional{std::move(r)} : std::nullopt;
    auto const* length = r.headers.find("Content-Length");
    auto const size = length ? number(*length, 10) : std::optional<std::size_t>{0};
    if (!size || !from.exactly(r.body, *size)) return std::nullopt;
    return r;
}

bool has_ended(int socket, int patience_ms) {
    pollfd one{socket, POLLRDHUP, 0};
    return ::poll(&one, 1, patience_ms) > 0 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

std::string wire_text(http_response const& r, bool last, bool has_body = true) {
    std::string out = "HTTP/1.1 " + std::to_string(r.status) + " \r\n";
    for (auto const& [name, value] : r.headers) out.append(name).append(": ").append(value).append("\r\n");
    if (last) out += "Connection: close\r\n";
    return out + "Content-Length: " + std::to_string(r.body.size()) + "\r\n\r\n" + (has_body ? r.body : std::string{});
}

}  // namespace

result<std::unique_ptr<listener>> listener::open(std::string const& address) {
    auto const bad = [&](std::string const& why) { return fail(errc::bad_request, "cannot listen on " + address + ": " + why); };
    auto const colon = address.rfind(':');
    if (colon == std::string::npos) return bad("it should be ADDRESS:PORT, as in 127.0.0.1:9000");
    auto const host = address.substr(0, colon) == "localhost" ? std::string{"127.0.0.1"} : address.substr(0, colon);
    auto const port = number(std::string_view{address}.substr(colon + 1), 10);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    if (!port || *port > 65'535 || ::inet_pton(AF_INET, host.c_str(), &at.sin_addr) != 1) return bad("it should be an IPv4 address and a port");
    at.sin_port = htons(static_cast<std::uint16_t>(*port));
    int const s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int const yes = 1;
    ::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(s, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(s, 512) != 0) {
        std::string const why = std::strerror(errno);
        ::close(s);
        return bad(why);
    }
    socklen_t size = sizeof at;
    ::getsockname(s, reinterpret_cast<sockaddr*>(&at), &size);
    return std::unique_ptr<listener>{new listener{s, "http://" + address.substr(0, colon) + ':' + std::to_string(ntohs(at.sin_port))}};
}

listener::listener(int socket, std::string origin) : socket_{socket}, origin_{std::move(origin)}, acceptor_{[this] { accept_all(); }} {}

listener::~listener() {
    stop_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    acceptor_.join();
    ::close(socket_);
    while (connections_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds{5});  // each looks at `stop_` every tick
}

void listener::add(std::string const& name, std::weak_ptr<mailbox> box) {
    std::lock_guard const lock{mutex_};
    boxes_[name] = std::move(box);
}

std::shared_ptr<mailbox> listener::find(std::string const& name) const {
    std::lock_guard const lock{mutex_};
    auto const found = boxes_.find(name);
    return found == boxes_.end() ? nullptr : found->second.lock();
}

void listener::accept_all() {
    while (!stop_) {
        int const one = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
        if (one < 0) continue;
        if (stop_ || connections_ >= connections_max) {
            ::close(one);
            continue;
        }
        int const yes = 1;
        ::setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        ++connections_;
        std::thread{[this, one] {
            converse(one);
            ::close(one);
            --connections_;
        }}.detach();
    }
}

void listener::converse(int socket) {
    reader from{socket, stop_};
    while (auto request = read_request(socket, from)) {
        auto const* wish = request->headers.find("Connection");
        bool const last = wish && http_headers::same_name(*wish, "close");
        if (!react(socket, *std::move(request), from.rest(), last) || last) return;
    }
}

/// Whether the connection goes on. `behind` is what was read behind the request.
bool listener::react(int socket, http_request request, std::string& behind, bool last) {
    auto const slash = request.target.find('/', 1);
    auto box = slash != std::string::npos && request.target.starts_with('/') ? find(request.target.substr(1, slash - 1)) : nullptr;
    if (box) request.target.erase(0, slash);
    else box = find("");
    bool const has_body = request.method != "HEAD";
    if (!box) return send_all(socket, wire_text({404, {}, ""}, last));
    std::size_t number = 0;
    auto const what = box->take(request, number);
    using manner = reaction::manner;
    bool whole = wait(socket, what.how == manner::hang ? moment::max() : clock::now() + what.delay, *box, number);
    if (what.how == manner::upgrade) {
        auto const* key = request.headers.find("Sec-WebSocket-Key");
        std::string const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept_value(key ? *key : "") + "\r\n\r\n";
        whole = whole && send_all(socket, head);
        web_socket with{stream_of(socket), std::move(behind), web_socket::side::server};
        if (whole) box->converse(number, with);
        box->finished(number, whole);
        return false;
    }
    if (what.how == manner::answer) whole = whole && send(socket, wire_text(what.response, last, has_body), what.drip, *box, number);
    else whole = what.how == manner::bytes && whole && send_all(socket, what.response.body) && false;
    box->finished(number, whole);
    return whole;
}

/// False when it could not be sent whole.
bool listener::send(int socket, std::string const& answer, std::chrono::milliseconds drip, mailbox& box, std::size_t number) const {
    if (drip.count() == 0) return send_all(socket, answer);
    return std::ranges::all_of(answer, [&](char octet) { return wait(socket, clock::now() + drip, box, number) && send_all(socket, {&octet, 1}); });
}

/// False when the other side went away, or nobody is interested any more.
bool listener::wait(int socket, moment until, mailbox& box, std::size_t number) const {
    bool const hangs = until == moment::max();
    bool here = true;
    while (clock::now() < until) {
        if (stop_ || !box.open()) return false;
        if (!hangs) {  // who has said all it has to say may still listen
            std::this_thread::sleep_until(std::min(until, clock::now() + tick));
            if (here && has_ended(socket, 0)) here = false, box.left(number);
            continue;
        }
        if (has_ended(socket, static_cast<int>(tick.count()))) return false;
    }
    return !stop_;
}

}  // namespace bsp::conformance
