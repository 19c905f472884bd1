#include "web_socket.hpp"

#include <bsp/base/bytes.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>

#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace bsp::conformance {

std::string bytes_of(web_frame const& f) {
    std::string out;
    out += static_cast<char>((f.final ? 0x80 : 0) | f.reserved << 4 | f.opcode);
    std::uint64_t const length = f.stated_length.value_or(f.payload.size());
    unsigned const mask_bit = f.masked ? 0x80 : 0;
    int bytes = 0;
    if (length < 126) out += static_cast<char>(mask_bit | static_cast<unsigned>(length));
    else if (length <= 0xFFFF) out += static_cast<char>(mask_bit | 126u), bytes = 2;
    else out += static_cast<char>(mask_bit | 127u), bytes = 8;
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(length >> (8 * i) & 0xFF);
    if (!f.masked) return out += f.payload;
    std::array<std::uint8_t, 4> mask{};
    random_bytes(mask);
    for (auto const b : mask) out += static_cast<char>(b);
    for (std::size_t i = 0; i < f.payload.size(); ++i) out += static_cast<char>(static_cast<unsigned char>(f.payload[i]) ^ mask[i % 4]);
    return out;
}

web_frame closing(int code, std::string_view reason) {
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
    return {.opcode = 8, .payload = payload.append(reason)};
}

std::string accept_value(std::string_view key) {
    std::string const text = std::string{key} + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    bytes digest(SHA_DIGEST_LENGTH);
    SHA1(reinterpret_cast<unsigned char const*>(text.data()), text.size(), digest.data());
    return to_base64(digest);
}

bool web_socket::receive() {
    if (!to_ || ended_) return false;
    std::array<char, 64 * 1024> buffer;
    auto const r = to_->read(buffer.data(), buffer.size());
    if (r.what == stream::status::done) read_.append(buffer.data(), r.size);
    else if (r.what != stream::status::would_block) ended_ = true;
    return r.what == stream::status::done;
}

bool web_socket::write(std::string_view bytes, deadline until, bool reading) {
    while (!bytes.empty()) {
        if (!to_ || ended_) return false;
        auto const w = to_->write(bytes.data(), bytes.size());
        if (w.what == stream::status::done) bytes.remove_prefix(w.size);
        else if (w.what != stream::status::would_block) return ended_ = true, false;
        while (reading && receive()) {}
        if (w.what == stream::status::would_block && !to_->wait(until, true)) return false;
    }
    return true;
}

std::optional<web_event> web_socket::take() {
    if (read_.size() < 2) return std::nullopt;
    auto const byte = [&](std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(read_[i])); };
    bool const final = byte(0) & 0x80;
    int const opcode = static_cast<int>(byte(0) & 0x0F);
    if (byte(0) & 0x70) return web_event{web_event::kind::garbage, "a frame with a reserved bit", 0};
    bool const masked = byte(1) & 0x80;
    if (masked != (ours_ == side::server)) return web_event{web_event::kind::garbage, masked ? "a masked frame" : "a frame without a mask", 0};
    std::uint64_t length = byte(1) & 0x7F;
    std::size_t const more = length == 126 ? 2 : length == 127 ? 8 : 0, head = 2 + more + (masked ? 4 : 0);
    if (read_.size() < head) return std::nullopt;
    if (more > 0) length = 0;
    for (std::size_t i = 0; i < more; ++i) length = length << 8 | byte(2 + i);
    if (length > 16u << 20) return web_event{web_event::kind::garbage, "a frame of " + std::to_string(length) + " bytes", 0};
    if (opcode >= 8 && (!final || length > 125)) return web_event{web_event::kind::garbage, "a control frame that is long or in fragments", 0};
    if (read_.size() < head + length) return std::nullopt;
    std::string payload = read_.substr(head, length);
    for (std::size_t i = 0; masked && i < payload.size(); ++i) payload[i] = static_cast<char>(static_cast<unsigned char>(payload[i]) ^ byte(2 + more + i % 4));
    read_.erase(0, head + length);

    if (opcode == 8) {
        closed_ = true;
        if (payload.size() < 2) return web_event{web_event::kind::closed, {}, 1005};
        int const code = static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
        return web_event{web_event::kind::closed, payload.substr(2), code};
    }
    if (opcode == 9) {
        (void)write(bytes_of({.opcode = 10, .payload = payload, .masked = ours_ == side::client}), clock::now() + std::chrono::seconds{1});
        return web_event{web_event::kind::ping, payload, 0};
    }
    if (opcode == 10) return web_event{web_event::kind::pong, payload, 0};
    if (opcode > 2 || (opcode == 0) == (message_opcode_ == 0)) return web_event{web_event::kind::garbage, "a frame with opcode " + std::to_string(opcode) + " where none may be", 0};
    if (opcode != 0) message_opcode_ = opcode;
    message_ += payload;
    if (!final) return take();
    web_event out{message_opcode_ == 1 ? web_event::kind::text : web_event::kind::binary, std::move(message_), 0};
    message_.clear();
    message_opcode_ = 0;
    return out;
}

web_event web_socket::next(deadline until) {
    for (;;) {
        if (closed_) return {web_event::kind::ended, {}, 0};
        if (auto e = take()) return *std::move(e);
        while (receive()) {}
        if (auto e = take()) return *std::move(e);
        if (!to_ || ended_) return {web_event::kind::ended, {}, 0};
        if (!to_->wait(until, false)) return {};
    }
}

}  // namespace bsp::conformance
