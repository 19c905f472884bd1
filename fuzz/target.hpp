#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

/// What every target defines; libFuzzer or replay.cpp calls it.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace bsp::fuzz {

/// A target is only as good as its oracle: this is how an oracle speaks.
inline void require(bool holds) {
    if (!holds) std::abort();
}

/// Takes an input apart: small decisions from its end, texts from its beginning, so that a mutation of the
/// one leaves the other alone.
class input {
public:
    input(std::uint8_t const* data, std::size_t size) : rest_{reinterpret_cast<char const*>(data), size} {}

    /// 0 … below-1; 0 when the input is used up.
    std::size_t pick(std::size_t below) {
        if (rest_.empty()) return 0;
        auto const octet = static_cast<unsigned char>(rest_.back());
        rest_.remove_suffix(1);
        return octet % below;
    }

    /// Up to `length` octets.
    std::string_view text(std::size_t length) {
        auto const taken = rest_.substr(0, length);
        rest_.remove_prefix(taken.size());
        return taken;
    }

    [[nodiscard]] bool empty() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

}  // namespace bsp::fuzz
