#pragma once

#include <bsp/base/bytes.hpp>
#include <bsp/base/result.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/crypto/spki.hpp>
#include <bsp/crypto/wipe.hpp>

#include <cryptopp/filters.h>
#include <cryptopp/osrng.h>
#include <cryptopp/pssr.h>
#include <cryptopp/queue.h>
#include <cryptopp/rsa.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

/// RSA keys and PS256: RSASSA-PSS, SHA-256, MGF1 with SHA-256, salt of 32 octets (RFC 7518 §3.5).
namespace bsp {

namespace detail {
using ps256 = CryptoPP::RSASS<CryptoPP::PSS, CryptoPP::SHA256>;

inline CryptoPP::RandomNumberGenerator& thread_generator() {
    thread_local CryptoPP::AutoSeededRandomPool generator;
    return generator;
}

inline bytes octets_of(CryptoPP::Integer const& n) {
    bytes out(n.MinEncodedSize());
    n.Encode(out.data(), out.size());
    return out;
}
}  // namespace detail

/// A public key that has passed A-029. Cheap to copy; const use from many threads is safe.
class rsa_public_key {
public:
    /// Reads SPKI PEM, or refuses with `invalid_key`.
    static result<rsa_public_key> from_pem(std::string_view pem) {
        BSP_TRY(rsa_public_numbers const numbers, read_public_pem(pem));
        return rsa_public_key{numbers};
    }

    /// Whether `signature` is a PS256 signature of `message`. Only exactly as many octets as the modulus
    /// has, and only values below the modulus, can be.
    [[nodiscard]] bool verify_ps256(std::string_view message, byte_view signature) const {
        if (signature.size() != (bits() + 7) / 8) return false;
        CryptoPP::Integer const& modulus = state_->verifier.GetKey().GetModulus();
        if (CryptoPP::Integer{signature.data(), signature.size()} >= modulus) return false;
        byte_view const m = as_bytes(message);
        return state_->verifier.VerifyMessage(m.data(), m.size(), signature.data(), signature.size());
    }

    /// In the one form that `from_pem` of any key would give: 64 columns, `\n`.
    [[nodiscard]] std::string const& pem() const { return state_->pem; }
    /// SHA-256 of the SubjectPublicKeyInfo: the fingerprint that is pinned.
    [[nodiscard]] sha256_digest const& sha256() const { return state_->sha256; }
    [[nodiscard]] std::size_t bits() const { return state_->bits; }

    friend bool operator==(rsa_public_key const& a, rsa_public_key const& b) { return a.sha256() == b.sha256(); }

private:
    struct state {
        detail::ps256::Verifier verifier;
        std::string pem;
        sha256_digest sha256;
        std::size_t bits;
    };

    explicit rsa_public_key(rsa_public_numbers const& numbers) {
        CryptoPP::RSA::PublicKey key;
        key.Initialize(CryptoPP::Integer{numbers.modulus.data(), numbers.modulus.size()},
                       CryptoPP::Integer{numbers.exponent.data(), numbers.exponent.size()});
        state_ = std::make_shared<state const>(state{detail::ps256::Verifier{key}, detail::write_pem(numbers.spki, "PUBLIC KEY"),
                                                     bsp::sha256(byte_view{numbers.spki}), numbers.bits()});
    }

    std::shared_ptr<state const> state_;
};

/// A private key. Cheap to copy; signing from many threads is safe. Crypto++ wipes its numbers.
class rsa_private_key {
public:
    static rsa_private_key generate(std::size_t bits = 2048) {
        CryptoPP::RSA::PrivateKey key;
        key.Initialize(detail::thread_generator(), static_cast<unsigned>(bits), 65'537);  // Crypto++'s own default exponent is 17
        return rsa_private_key{key, public_of(key).value()};
    }

    /// Reads PKCS#8 PEM, with line ends or with `\n` written as two characters, as environment variables
    /// carry it. For the operator's own key only: the DER reader is Crypto++'s. Refuses with `invalid_key`.
    static result<rsa_private_key> from_pem(std::string_view pem) {
        std::string text{pem};
        wipe_on_exit const wipe_text{text};
        for (std::size_t at = 0; (at = text.find("\\n", at)) != std::string::npos;) text.replace(at, 2, 1, '\n');
        auto refuse = [](char const* why) { return fail(errc::invalid_key, std::string{"not an acceptable RSA private key: "} + why); };
        auto der = detail::read_pem(text, "PRIVATE KEY");
        if (!der) return refuse("not one PEM block with the label PRIVATE KEY");
        wipe_on_exit const wipe_der{*der};
        try {
            CryptoPP::RSA::PrivateKey key;
            CryptoPP::ArraySource source{der->data(), der->size(), true};
            key.Load(source);
            if (source.AnyRetrievable()) return refuse("data after the key");
            BSP_TRY(rsa_public_key public_half, public_of(key));
            if (!key.Validate(detail::thread_generator(), 2)) return refuse("its numbers do not fit together");
            return rsa_private_key{key, std::move(public_half)};
        } catch (CryptoPP::Exception const&) {
            return refuse("not a PKCS#8 RSA key");
        }
    }

    /// A PS256 signature, fresh each time: the salt is random, and the private operation is blinded.
    [[nodiscard]] bytes sign_ps256(std::string_view message) const {
        byte_view const m = as_bytes(message);
        bytes signature(state_->signer.SignatureLength());
        std::size_t const size = state_->signer.SignMessage(detail::thread_generator(), m.data(), m.size(), signature.data());
        signature.resize(size);
        return signature;
    }

    [[nodiscard]] rsa_public_key const& public_key() const { return state_->public_key; }

    /// PKCS#8 PEM. A secret.
    [[nodiscard]] std::string pem() const {
        CryptoPP::ByteQueue queue;
        state_->signer.GetKey().Save(queue);
        CryptoPP::SecByteBlock der{static_cast<std::size_t>(queue.CurrentSize())};
        queue.Get(der.data(), der.size());
        return detail::write_pem({der.data(), der.size()}, "PRIVATE KEY");
    }

private:
    struct state {
        detail::ps256::Signer signer;
        rsa_public_key public_key;
    };

    static result<rsa_public_key> public_of(CryptoPP::RSA::PrivateKey const& key) {
        bytes const spki = encode_spki(detail::octets_of(key.GetModulus()), detail::octets_of(key.GetPublicExponent()));
        return rsa_public_key::from_pem(detail::write_pem(spki, "PUBLIC KEY"));
    }

    rsa_private_key(CryptoPP::RSA::PrivateKey const& key, rsa_public_key public_half)
        : state_{std::make_shared<state const>(state{detail::ps256::Signer{key}, std::move(public_half)})} {}

    std::shared_ptr<state const> state_;
};

}  // namespace bsp
