#pragma once

#include <bsp/base/bytes.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/crypto/sealed.hpp>

#include <cryptopp/aes.h>
#include <cryptopp/gcm.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp {

/// Where a stored value belongs. What was sealed for one place opens in no other, so rows and columns that somebody has
/// exchanged are found out.
struct content_place {
    std::string_view column;  ///< "message.body"
    std::string_view user;    ///< or what stands for one user, such as a peer_id
    std::string_view conversation = {};
    std::string_view id = {};

    /// Its parts with their lengths, so that no two places have one text.
    [[nodiscard]] std::string text() const {
        std::string out;
        for (std::string_view const part : {column, user, conversation, id}) out += std::to_string(part.size()) + ':' + std::string{part};
        return out;
    }
};

/// Encrypts what a store keeps of users' content (section 18.4), each value by itself with AES-256-GCM under a nonce of its
/// own, and knows values by the id of their key, so that old ones stay readable while all are sealed anew. A value is
///
///     format 1 (1 byte) · key id (8) · nonce (12) · ciphertext · tag (16)
///
/// Nonces are random, so a key is good for about 2^32 values. Knows nothing of any store; safe to use from several threads.
class content_cipher {
public:
    static constexpr std::size_t key_id_bytes = 8, nonce_bytes = 12, tag_bytes = 16;
    static constexpr std::size_t overhead_bytes = 1 + key_id_bytes + nonce_bytes + tag_bytes;

    /// Seals under the first of `keys`, of which there is one at least, and opens under all. `digest_key` stays the same
    /// whatever the keys are.
    content_cipher(std::vector<sealing_key> keys, sealing_key digest_key) : digest_key_{std::move(digest_key)} {
        for (auto& k : keys) keys_.push_back({*from_hex(k.id()), std::move(k)});
    }

    [[nodiscard]] std::string seal(std::string_view text, content_place const& place) const {
        known_key const& k = keys_.front();
        byte_view const plain = as_bytes(text);
        std::string const header = std::string{format}.append(as_text(k.id)), where = header + place.text();
        std::string out = header + std::string(nonce_bytes + plain.size() + tag_bytes, '\0');
        auto* const nonce = reinterpret_cast<std::uint8_t*>(out.data()) + header.size();
        auto* const sealed = nonce + nonce_bytes;
        random_bytes({nonce, nonce_bytes});
        CryptoPP::GCM<CryptoPP::AES>::Encryption cipher;
        cipher.SetKeyWithIV(k.key.bytes().data(), k.key.bytes().size(), nonce, nonce_bytes);
        cipher.EncryptAndAuthenticate(sealed, sealed + plain.size(), tag_bytes, nonce, nonce_bytes, as_bytes(where).data(), where.size(), plain.data(), plain.size());
        return out;
    }

    /// What `seal` was given; nothing when the key is none of these, when a bit has changed, or when it was sealed for another
    /// place.
    [[nodiscard]] std::optional<std::string> open(std::string_view sealed, content_place const& place) const {
        auto const k = std::ranges::find_if(keys_, [&](known_key const& one) { return is_of(sealed, one); });
        if (k == keys_.end()) return std::nullopt;
        std::string const where = std::string{sealed.substr(0, 1 + key_id_bytes)} + place.text();
        byte_view const rest = as_bytes(sealed).subspan(1 + key_id_bytes);
        std::size_t const size = rest.size() - nonce_bytes - tag_bytes;
        std::string out(size, '\0');
        CryptoPP::GCM<CryptoPP::AES>::Decryption cipher;
        cipher.SetKeyWithIV(k->key.bytes().data(), k->key.bytes().size(), rest.data(), nonce_bytes);
        bool const good = cipher.DecryptAndVerify(reinterpret_cast<std::uint8_t*>(out.data()), rest.data() + nonce_bytes + size, tag_bytes, rest.data(), nonce_bytes, as_bytes(where).data(), where.size(),
                                                  rest.data() + nonce_bytes, size);
        return good ? std::optional{std::move(out)} : std::nullopt;
    }

    /// Whether it was sealed under the key that is in use now.
    [[nodiscard]] bool is_current(std::string_view sealed) const { return is_of(sealed, keys_.front()); }

    /// What may be stored of a digest of content: equal for equal digests, and no help in guessing what was hashed.
    [[nodiscard]] sha256_digest keyed(sha256_digest const& digest) const { return hmac_sha256(as_text(digest_key_.bytes()), as_text(digest)); }

private:
    static constexpr std::string_view format{"\x01", 1};

    struct known_key {
        bytes id;
        sealing_key key;
    };

    static std::string_view as_text(byte_view b) { return {reinterpret_cast<char const*>(b.data()), b.size()}; }
    static bool is_of(std::string_view sealed, known_key const& k) {
        return sealed.size() >= overhead_bytes && sealed.starts_with(format) && sealed.substr(1, key_id_bytes) == as_text(k.id);
    }

    std::vector<known_key> keys_;
    sealing_key digest_key_;
};

}  // namespace bsp
