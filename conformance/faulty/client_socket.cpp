#include "client_socket.hpp"

#include <bsp/base/bytes.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace bsp::faulty {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t head_max = 64u << 10;

int connected(std::string const& host, std::string const& port) {
    addrinfo hints{}, *list = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &list) != 0) return -1;
    int socket = -1;
    for (auto const* a = list; a && socket < 0; a = a->ai_next) {
        socket = ::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (socket >= 0 && ::connect(socket, a->ai_addr, a->ai_addrlen) != 0) ::close(std::exchange(socket, -1));
    }
    ::freeaddrinfo(list);
    int const on = 1;
    if (socket >= 0) ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
}

http_response head_of(std::string_view text) {
    http_response out;
    std::size_t const space = text.find(' ');
    if (space != std::string_view::npos) std::from_chars(text.data() + space + 1, text.data() + text.size(), out.status);
    for (std::size_t at = text.find("\r\n"); at != std::string_view::npos && at + 2 < text.size();) {
        std::size_t const end = text.find("\r\n", at + 2);
        std::string_view const field = text.substr(at + 2, end - at - 2);
        if (std::size_t const colon = field.find(':'); colon != std::string_view::npos) {
            std::size_t const value = field.find_first_not_of(" \t", colon + 1);
            out.headers.add(std::string{field.substr(0, colon)}, value == std::string_view::npos ? std::string{} : std::string{field.substr(value)});
        }
        at = end;
    }
    return out;
}

}  // namespace

std::unique_ptr<client_socket> client_socket::open(std::string const& origin, http_request const& request, milliseconds timeout, std::optional<http_response>& refusal, std::stop_token stop) {
    std::string const authority = origin.substr(origin.find("://") + 3);
    std::size_t const colon = authority.rfind(':');
    int const socket = connected(authority.substr(0, colon), colon == std::string::npos ? "80" : authority.substr(colon + 1));
    if (socket < 0) return nullptr;
    std::unique_ptr<client_socket> out{new client_socket{socket}};
    bytes nonce(16);
    random_bytes(nonce);
    std::string head = request.method + ' ' + request.target + " HTTP/1.1\r\nHost: " + authority + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + to_base64(nonce) + "\r\n";
    for (auto const& [name, value] : request.headers) head.append(name).append(": ").append(value).append("\r\n");
    if (!out->write(head + "\r\n")) return nullptr;
    for (auto const until = clock::now() + timeout; out->read_.find("\r\n\r\n") == std::string::npos;)
        if (stop.stop_requested() || clock::now() > until || out->read_.size() > head_max || !out->receive(milliseconds{100})) return nullptr;
    std::size_t const end = out->read_.find("\r\n\r\n") + 2;
    auto answer = head_of(std::string_view{out->read_}.substr(0, end));
    out->read_.erase(0, end + 2);
    if (answer.status == 101) return out;
    refusal = std::move(answer);
    return nullptr;
}

client_socket::~client_socket() {
    if (!ended_) (void)send_frame(8, std::string{static_cast<char>(1000 >> 8), static_cast<char>(1000 & 0xFF)});
    ::close(socket_);
}

bool client_socket::write(std::string_view bytes) {
    while (!bytes.empty()) {
        auto const n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return !(ended_ = true);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

bool client_socket::send(std::string_view text) { return send_frame(1, text); }

bool client_socket::send_frame(int opcode, std::string_view payload) {
    std::string frame{static_cast<char>(0x80 | opcode)};
    if (payload.size() < 126) frame += static_cast<char>(0x80 | payload.size());
    else if (payload.size() <= 0xFFFF) frame += {static_cast<char>(0x80 | 126), static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size() & 0xFF)};
    else {
        frame += static_cast<char>(0x80 | 127);
        for (int shift = 56; shift >= 0; shift -= 8) frame += static_cast<char>(payload.size() >> shift & 0xFF);
    }
    std::array<std::uint8_t, 4> mask{};
    random_bytes(mask);
    for (auto const b : mask) frame += static_cast<char>(b);
    for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ mask[i % 4]);
    return write(frame);
}

bool client_socket::receive(milliseconds patience) {
    pollfd p{socket_, POLLIN, 0};
    if (::poll(&p, 1, static_cast<int>(patience.count())) == 0) return true;
    std::array<char, 16 << 10> some;
    auto const n = ::recv(socket_, some.data(), some.size(), 0);
    if (n <= 0) return !(ended_ = true);
    read_.append(some.data(), static_cast<std::size_t>(n));
    return true;
}

client_socket::heard client_socket::next(milliseconds patience) {
    for (auto const until = clock::now() + patience;;) {
        if (auto one = take_frame()) return *std::move(one);
        auto const left = std::chrono::ceil<milliseconds>(until - clock::now());
        if (ended_ || !receive(std::max(left, milliseconds{0}))) return {.code = 1006};
        if (left.count() <= 0) return take_frame().value_or(heard{});
    }
}

/// What the next frame says, if it says anything to whoever reads messages.
std::optional<client_socket::heard> client_socket::take_frame() {
    for (;;) {
        auto const byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(read_[i])); };
        if (read_.size() < 2) return std::nullopt;
        bool const last = (byte(0) & 0x80) != 0;
        int const opcode = static_cast<int>(byte(0) & 0x0F);
        std::size_t size = byte(1) & 0x7F;
        std::size_t const more = size == 126 ? 2 : size == 127 ? 8 : 0;
        if (read_.size() < 2 + more) return std::nullopt;
        if (more > 0) size = 0;
        for (std::size_t i = 0; i < more; ++i) size = size << 8 | byte(2 + i);
        if (read_.size() < 2 + more + size) return std::nullopt;
        std::string const payload = read_.substr(2 + more, size);
        read_.erase(0, 2 + more + size);
        if (opcode == 8) {
            (void)send_frame(8, payload.substr(0, 2));
            ended_ = true;
            return heard{.code = payload.size() < 2 ? 1005 : static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1])};
        }
        if (opcode == 9) (void)send_frame(10, payload);
        if (opcode > 2) continue;
        if (opcode != 0) message_.clear(), message_is_text_ = opcode == 1;
        message_ += payload;
        if (last && message_is_text_) return heard{.text = std::move(message_)};
    }
}

}  // namespace bsp::faulty
