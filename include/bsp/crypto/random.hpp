#pragma once

#include <cryptopp/osrng.h>

#include <cstdint>
#include <span>

namespace bsp {

/// Fills `out` from the operating system's generator.
inline void random_bytes(std::span<std::uint8_t> out) { CryptoPP::OS_GenerateRandomBlock(false, out.data(), out.size()); }

}  // namespace bsp
