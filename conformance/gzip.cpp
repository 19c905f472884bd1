#include "gzip.hpp"

#include <array>
#include <cstdint>

namespace bsp::conformance {

namespace {

/// Bits of a deflate stream (RFC 1951): numbers from the least significant bit, Huffman codes from the most.
class bit_writer {
public:
    explicit bit_writer(std::string& out) : out_{out} {}

    void number(unsigned value, int bits) {
        for (int i = 0; i < bits; ++i) bit(value >> i & 1u);
    }
    void code(unsigned value, int bits) {
        for (int i = bits - 1; i >= 0; --i) bit(value >> i & 1u);
    }
    void align() {
        while (used_ != 0) bit(0);
    }

private:
    void bit(unsigned b) {
        if (used_ == 0) out_ += '\0';
        out_.back() = static_cast<char>(static_cast<unsigned char>(out_.back()) | b << used_);
        used_ = (used_ + 1) % 8;
    }

    std::string& out_;
    int used_ = 0;
};

class crc32 {
public:
    void add(unsigned char octet) { value_ = table()[(value_ ^ octet) & 0xFFu] ^ value_ >> 8; }
    [[nodiscard]] std::uint32_t value() const { return ~value_; }

private:
    static std::array<std::uint32_t, 256> const& table() {
        static auto const t = [] {
            std::array<std::uint32_t, 256> out{};
            for (std::uint32_t i = 0; i < 256; ++i) {
                auto c = i;
                for (int k = 0; k < 8; ++k) c = (c & 1u) != 0 ? 0xEDB88320u ^ c >> 1 : c >> 1;
                out[i] = c;
            }
            return out;
        }();
        return t;
    }

    std::uint32_t value_ = 0xFFFFFFFFu;
};

void little_endian(std::string& out, std::uint32_t value, int octets) {
    for (int i = 0; i < octets; ++i) out += static_cast<char>(value >> 8 * i & 0xFFu);
}

}  // namespace

std::string gzip_of(std::string_view text, std::size_t spaces) {
    std::string out{"\x1F\x8B\x08\0\0\0\0\0\0\xFF", 10};
    bit_writer bits{out};
    for (std::size_t at = 0; at < text.size(); at += 65'535) {  // stored blocks
        auto const piece = text.substr(at, 65'535);
        bits.number(0, 3);
        bits.align();
        auto const size = static_cast<std::uint32_t>(piece.size());
        little_endian(out, size, 2);
        little_endian(out, ~size & 0xFFFFu, 2);
        out += piece;
    }
    bits.number(1, 1), bits.number(1, 2);  // the last block, with the fixed codes
    auto left = spaces;
    if (left > 0) bits.code(0x30 + ' ', 8), --left;
    for (; left >= 258; left -= 258) bits.code(0xC5, 8), bits.code(0, 5);  // 258 octets from one back
    for (; left > 0; --left) bits.code(0x30 + ' ', 8);
    bits.code(0, 7);  // end of block
    bits.align();

    crc32 sum;
    for (char const c : text) sum.add(static_cast<unsigned char>(c));
    for (std::size_t i = 0; i < spaces; ++i) sum.add(' ');
    little_endian(out, sum.value(), 4);
    little_endian(out, static_cast<std::uint32_t>(text.size() + spaces), 4);
    return out;
}

}  // namespace bsp::conformance
