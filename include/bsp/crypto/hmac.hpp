#pragma once

#include <bsp/base/bytes.hpp>

#include <cryptopp/hmac.h>
#include <cryptopp/misc.h>
#include <cryptopp/sha.h>

#include <string_view>

namespace bsp {

/// HMAC-SHA-256 (RFC 2104) of `message` under the bytes of `key`.
inline sha256_digest hmac_sha256(std::string_view key, std::string_view message) {
    byte_view const k = as_bytes(key), m = as_bytes(message);
    sha256_digest mac;
    CryptoPP::HMAC<CryptoPP::SHA256>{k.data(), k.size()}.CalculateDigest(mac.data(), m.data(), m.size());
    return mac;
}

/// Whether `a` and `b` are equal, in a time that depends on their lengths only.
inline bool equal_in_constant_time(byte_view a, byte_view b) {
    return a.size() == b.size() && CryptoPP::VerifyBufsEqual(a.data(), b.data(), a.size());
}

}  // namespace bsp
