#pragma once

#include <bsp/base/bytes.hpp>
#include <bsp/crypto/rsa.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace bsp::conformance {

/// An RSA key of the suite. It is made and used with OpenSSL, at a quarter of what Crypto++ costs, so that the suite is not
/// what is measured, and so that what a target with these headers verifies was signed by another library. Signing from several
/// threads at once is safe.
class signing_key {
public:
    /// Half of a key.
    class prime {
    public:
        static prime generate(std::size_t bits = 1024);

    private:
        friend class signing_key;
        std::shared_ptr<void> number_;
    };

    static std::shared_ptr<signing_key const> generate(std::size_t bits = 2048);

    /// Two different primes of one size. They are most of what a key costs, and as nobody is to be kept from the keys of a
    /// test, keys may share them: n primes make n (n - 1) / 2 keys.
    signing_key(prime const&, prime const&);

    [[nodiscard]] bytes sign_ps256(std::string_view text) const;
    [[nodiscard]] rsa_public_key const& public_key() const { return public_key_; }
    [[nodiscard]] std::string pem() const;  ///< PKCS#8

    // Signatures that are not PS256, for targets to refuse (BSP-GEN-041).
    static bytes sign_pkcs1_sha256(signing_key const&, std::string_view text);
    static bytes sign_pss_sha1(signing_key const&, std::string_view text);
    static bytes sign_pss_sha512(signing_key const&, std::string_view text);

private:
    struct scheme;
    [[nodiscard]] bytes sign(scheme const&, std::string_view text) const;

    std::shared_ptr<void> key_;
    rsa_public_key public_key_;
};

}  // namespace bsp::conformance
