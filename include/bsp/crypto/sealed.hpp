#pragma once

#include <bsp/base/bytes.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/crypto/sha256.hpp>

#include <cryptopp/chachapoly.h>
#include <cryptopp/secblock.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bsp {

/// A key with which texts are sealed: 32 random bytes, wiped when it goes.
class sealing_key {
public:
    static constexpr std::size_t size = 32;

    explicit sealing_key(std::span<std::uint8_t const, size> fresh) : bytes_{fresh.data(), fresh.size()} {}

    /// Names the key and tells nothing about it: 16 hexadecimal digits.
    [[nodiscard]] std::string id() const {
        std::string const labelled = "bsp sealing key id\n" + std::string{reinterpret_cast<char const*>(bytes_.data()), bytes_.size()};
        return to_hex(sha256(labelled)).substr(0, 16);
    }

    [[nodiscard]] byte_view bytes() const { return {bytes_.data(), bytes_.size()}; }

private:
    CryptoPP::SecByteBlock bytes_;
};

namespace detail {
inline constexpr std::size_t seal_nonce_bytes = 24, seal_tag_bytes = 16;
}

/// Encrypts and authenticates `text` with XChaCha20-Poly1305 under a nonce of its own: nonce, ciphertext, tag. `place`
/// says where the text belongs; it is not part of the result, and what was sealed for one place opens in no other.
inline bytes seal(sealing_key const& key, std::string_view text, std::string_view place) {
    using namespace detail;
    byte_view const plain = as_bytes(text), where = as_bytes(place);
    bytes out(seal_nonce_bytes + plain.size() + seal_tag_bytes);
    random_bytes({out.data(), seal_nonce_bytes});
    CryptoPP::XChaCha20Poly1305::Encryption cipher;
    cipher.SetKeyWithIV(key.bytes().data(), key.bytes().size(), out.data(), seal_nonce_bytes);
    cipher.EncryptAndAuthenticate(out.data() + seal_nonce_bytes, out.data() + seal_nonce_bytes + plain.size(), seal_tag_bytes, out.data(), seal_nonce_bytes, where.data(), where.size(),
                                  plain.data(), plain.size());
    return out;
}

/// What `seal` was given; nothing when another key or place was, or when a bit has changed since.
inline std::optional<std::string> unseal(sealing_key const& key, byte_view sealed, std::string_view place) {
    using namespace detail;
    if (sealed.size() < seal_nonce_bytes + seal_tag_bytes) return std::nullopt;
    byte_view const where = as_bytes(place);
    std::size_t const size = sealed.size() - seal_nonce_bytes - seal_tag_bytes;
    std::string out(size, '\0');
    CryptoPP::XChaCha20Poly1305::Decryption cipher;
    cipher.SetKeyWithIV(key.bytes().data(), key.bytes().size(), sealed.data(), seal_nonce_bytes);
    bool const good = cipher.DecryptAndVerify(reinterpret_cast<std::uint8_t*>(out.data()), sealed.data() + seal_nonce_bytes + size, seal_tag_bytes, sealed.data(), seal_nonce_bytes, where.data(),
                                              where.size(), sealed.data() + seal_nonce_bytes, size);
    return good ? std::optional{std::move(out)} : std::nullopt;
}

}  // namespace bsp
