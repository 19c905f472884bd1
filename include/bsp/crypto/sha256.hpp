#pragma once

#include <bsp/base/bytes.hpp>

#include <cryptopp/sha.h>

#include <string_view>

namespace bsp {

inline sha256_digest sha256(byte_view data) {
    sha256_digest digest;
    CryptoPP::SHA256{}.CalculateDigest(digest.data(), data.data(), data.size());
    return digest;
}

inline sha256_digest sha256(std::string_view text) { return sha256(as_bytes(text)); }

}  // namespace bsp
