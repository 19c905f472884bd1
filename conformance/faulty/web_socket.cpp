#include "web_socket.hpp"

#include <bsp/base/bytes.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/base/utf8.hpp>

#include <openssl/sha.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace bsp::faulty {

namespace {

constexpr std::size_t message_max = 65'536;

std::string accept_value(std::string const& key) {
    std::string const text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    bytes digest(SHA_DIGEST_LENGTH);
    SHA1(reinterpret_cast<unsigned char const*>(text.data()), text.size(), digest.data());
    return to_base64(digest);
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();)
        if (!decode_utf8(text, at)) return false;
    return true;
}

}  // namespace

void web_socket::serve(http_request const& upgrade, http_headers const& fields) {
    std::string const* key = upgrade.headers.find("Sec-WebSocket-Key");
    std::string const answer = accept_value(reads_.wrong_accept || !key ? "wrong" : *key);
    std::string head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + answer + "\r\n";
    for (auto const& [name, value] : fields) head += name + ": " + value + "\r\n";
    if (!send(head + "\r\n")) return;
    for (;;) {
        step s = step::taken;
        while (s == step::taken) s = take_frame();
        if (s == step::over) return;
        if (reads_.frames_in_one_piece && !read_.empty()) return void(close(1002, "not a frame"));
        pollfd p{socket_, POLLIN, 0};
        int const ready = ::poll(&p, 1, 50);
        if (world_.dead || !obey(service_.look_after(number_, system_now()))) return;
        if (!look_for_life()) return;
        if (ready == 0) continue;
        if (reads_.one_at_a_time && !turn_.owns_lock()) turn_ = std::unique_lock{world_.one_reader};
        char bytes[64 << 10];
        auto const n = ::recv(socket_, bytes, sizeof bytes, 0);
        if (n <= 0) return void(lost_ = true);
        read_.append(bytes, static_cast<std::size_t>(n));
    }
}

web_socket::step web_socket::take_frame() {
    if (read_.empty() && turn_.owns_lock()) turn_.unlock();
    if (read_.size() < 2) return step::more;
    auto const byte = [&](std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(read_[i])); };
    bool const final = byte(0) & 0x80;
    int const opcode = static_cast<int>(byte(0) & 0x0F);
    std::uint64_t length = byte(1) & 0x7F;
    std::size_t const more = length == 126 ? 2 : length == 127 ? 8 : 0;
    bool const control = opcode >= 8;
    if ((byte(0) & 0x70) || !(byte(1) & 0x80) || (opcode > 2 && opcode < 8) || opcode > 10 || (control && (!final || length > 125))) {
        if (reads_.fragile_frames) world_.dead = true;
        else close(1002, "not a frame");
        return step::over;
    }
    if (read_.size() < 6 + more) return step::more;
    if (more > 0) length = 0;
    for (std::size_t i = 0; i < more; ++i) length = length << 8 | byte(2 + i);
    if (!control && (opcode == 0) == (message_opcode_ == 0)) return close(1002, "not the fragment that was due"), step::over;
    bool const is_fragment = !control && (opcode == 0 || !final);
    std::size_t const whole = length + (reads_.fragments_add_up && is_fragment ? in_fragments_ : message_.size());
    std::size_t const most = reads_.counts_characters ? 4 * message_max : message_max;
    if ((whole > most && !reads_.any_length_of_message) || length > 64u << 20 || (reads_.short_messages && whole > 4096)) {
        if (reads_.fragile) world_.dead = true;
        else close(1009, "the message is too long");
        return step::over;
    }
    if (read_.size() < 6 + more + length) return step::more;
    std::string payload = read_.substr(6 + more, length);
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(static_cast<unsigned char>(payload[i]) ^ byte(2 + more + i % 4));
    read_.erase(0, reads_.one_frame_at_once ? read_.size() : 6 + more + length);

    if (!control) in_fragments_ = is_fragment ? in_fragments_ + length : 0;
    if (opcode == 8) return send_frame(8, payload.substr(0, 2)), step::over;
    if (opcode == 10) return alive_ = true, step::taken;
    if (opcode == 9 && reads_.pings_end_messages) message_.clear();
    if (opcode == 9) return reads_.silent_pings || send_frame(10, reads_.empty_pongs ? std::string_view{} : payload) ? step::taken : step::over;
    if (opcode != 0) message_opcode_ = opcode;
    if (reads_.utf8_by_fragment && !is_utf8(payload)) return close(1007, "not UTF-8"), step::over;
    message_ += payload;
    if (!final && !reads_.fragments_are_messages) return step::taken;
    int const kind = message_opcode_;
    if (final) message_opcode_ = 0;
    std::string text = std::move(message_);
    message_.clear();
    return message(kind, std::move(text));
}

web_socket::step web_socket::message(int opcode, std::string text) {
    if (opcode == 2 && !reads_.binary_is_text) {
        if (reads_.fragile) world_.dead = true;
        else close(1003, "events are text");
        return step::over;
    }
    if (reads_.counts_characters && characters(text) > message_max) return close(1009, "the message is too long"), step::over;
    if (!reads_.any_utf8 && !is_utf8(text)) return close(1007, "not UTF-8"), step::over;
    return obey(service_.hear(number_, text, system_now())) ? step::taken : step::over;
}

bool web_socket::obey(socket_service::reply const& r) {
    for (auto const& text : r.texts)
        if (!(reads_.in_fragments ? send_message(text) : send_frame(1, text))) return false;
    return r.close == 0 || close(r.close, r.reason);
}

/// Always false: nothing follows. What is still on its way is read, else the close frame would be lost with it.
bool web_socket::close(int code, std::string_view reason) {
    if (reads_.reasons_for_codes && (code == 1003 || code == 1007 || code == 1009)) code = 1000;
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
    if (!send_frame(8, reads_.no_reasons ? payload : payload.append(reason))) return false;
    ::shutdown(socket_, SHUT_WR);
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{1};
    for (char spare[16 << 10]; std::chrono::steady_clock::now() < until;) {
        pollfd p{socket_, POLLIN, 0};
        if (::poll(&p, 1, 100) > 0 && ::recv(socket_, spare, sizeof spare, 0) <= 0) break;
    }
    return false;
}

bool web_socket::send(std::string_view bytes) {
    while (!bytes.empty()) {
        auto const n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

/// In three fragments, the last of which is empty.
bool web_socket::send_message(std::string_view text) {
    auto const half = text.size() / 2;
    return send_frame(9, "between") && send_frame(1, text.substr(0, half), false) && send_frame(9, "") && send_frame(0, text.substr(half), false) && send_frame(10, "unasked") && send_frame(0, "");
}

bool web_socket::look_for_life() {
    constexpr std::chrono::seconds period{10};
    auto const now = std::chrono::steady_clock::now();
    if (!reads_.looks_for_life || now < pinged_ + period) return true;
    if (!alive_) return close(1001, "no answer to a ping");
    pinged_ = now;
    alive_ = false;
    return send_frame(9, "there?");
}

bool web_socket::send_frame(int opcode, std::string_view payload, bool is_last) {
    std::string frame{static_cast<char>((is_last ? 0x80 : 0) | opcode)};
    if (payload.size() < 126) frame += static_cast<char>(payload.size());
    else frame += {static_cast<char>(126), static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size() & 0xFF)};
    return send(frame.append(payload));
}

}  // namespace bsp::faulty
