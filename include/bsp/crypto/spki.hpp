#pragma once

#include <bsp/base/bytes.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/base/limits.hpp>
#include <bsp/base/result.hpp>
#include <bsp/crypto/wipe.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// RSA public keys as text and DER: PEM with the label PUBLIC KEY around a SubjectPublicKeyInfo.
/// The reader takes exactly one encoding of each key, so that a fingerprint names a key and nothing else.
namespace bsp {

/// The two numbers of an RSA public key, big-endian, without leading zeros, and their encoding.
struct rsa_public_numbers {
    bytes modulus;
    bytes exponent;
    bytes spki;  ///< DER SubjectPublicKeyInfo: what fingerprints are taken of

    [[nodiscard]] std::size_t bits() const {
        return modulus.empty() ? 0 : 8 * (modulus.size() - 1) + static_cast<std::size_t>(std::bit_width(modulus.front()));
    }
};

namespace detail {

inline error bad_key(std::string_view why) { return fail(errc::invalid_key, "not an acceptable RSA public key: " + std::string{why}); }

/// Reads DER elements off the front of a byte string; only minimal, definite lengths pass.
class der_reader {
public:
    explicit der_reader(byte_view data) : rest_{data} {}

    [[nodiscard]] bool at_end() const { return rest_.empty(); }

    /// The content of the next element when it has `tag`.
    std::optional<byte_view> take(std::uint8_t tag) {
        if (rest_.size() < 2 || rest_[0] != tag) return std::nullopt;
        std::size_t length = rest_[1], header = 2;
        if (length >= 0x80) {
            std::size_t const octets = length & 0x7F;
            if (octets == 0 || octets > 2 || rest_.size() < 2 + octets) return std::nullopt;  // 64 KiB is beyond any key here
            length = 0;
            for (std::size_t i = 0; i < octets; ++i) length = length << 8 | rest_[2 + i];
            if (rest_[2] == 0 || length < 0x80) return std::nullopt;
            header += octets;
        }
        if (rest_.size() - header < length) return std::nullopt;
        byte_view const content = rest_.subspan(header, length);
        rest_ = rest_.subspan(header + length);
        return content;
    }

    /// The next element as a positive INTEGER in its shortest form, without the sign octet.
    std::optional<byte_view> take_positive_integer() {
        auto digits = take(0x02);
        if (!digits || digits->empty() || (*digits)[0] >= 0x80) return std::nullopt;
        if ((*digits)[0] != 0) return digits;
        if (digits->size() == 1 || (*digits)[1] < 0x80) return std::nullopt;
        return digits->subspan(1);
    }

private:
    byte_view rest_;
};

inline constexpr std::uint8_t der_sequence = 0x30, der_bit_string = 0x03;

/// AlgorithmIdentifier content: OID rsaEncryption (1.2.840.113549.1.1.1), NULL (RFC 3279 §2.3.1).
inline constexpr std::array<std::uint8_t, 13> rsa_encryption{0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00};

inline bytes der_element(std::uint8_t tag, byte_view content) {
    bytes out{tag};
    if (std::size_t const n = content.size(); n < 0x80)
        out.push_back(static_cast<std::uint8_t>(n));
    else if (n < 0x100)
        out.insert(out.end(), {0x81, static_cast<std::uint8_t>(n)});
    else
        out.insert(out.end(), {0x82, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)});
    out.insert(out.end(), content.begin(), content.end());
    return out;
}

/// The lines between `-----BEGIN label-----` and `-----END label-----`, which must be all there is;
/// CRLF and a missing last line end are tolerated (RFC 7468 §2).
inline std::optional<bytes> read_pem(std::string_view pem, std::string_view label) {
    std::string const begin = "-----BEGIN " + std::string{label} + "-----", end = "-----END " + std::string{label} + "-----";
    auto const next_line = [&] {
        std::size_t const feed = pem.find('\n');
        std::string_view line = pem.substr(0, feed);
        pem.remove_prefix(feed == std::string_view::npos ? pem.size() : feed + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    };
    if (next_line() != begin) return std::nullopt;
    std::string base64;
    base64.reserve(pem.size());  // so that one buffer holds it, should it be a private key
    wipe_on_exit const wipe{base64};
    while (!pem.empty()) {
        std::string_view const line = next_line();
        if (line == end) return pem.empty() ? from_base64(base64) : std::nullopt;
        if (line.empty() || line.size() > 76) return std::nullopt;
        base64 += line;
    }
    return std::nullopt;
}

inline std::string write_pem(byte_view der, std::string_view label) {
    std::string const base64 = to_base64(der);
    std::string out = "-----BEGIN " + std::string{label} + "-----\n";
    for (std::size_t at = 0; at < base64.size(); at += 64) out.append(base64, at, 64) += '\n';
    return out + "-----END " + std::string{label} + "-----\n";
}

}  // namespace detail

/// The SubjectPublicKeyInfo of a modulus and an exponent given as in `rsa_public_numbers`.
inline bytes encode_spki(byte_view modulus, byte_view exponent) {
    auto const integer = [](byte_view digits) {
        bytes content(digits.begin(), digits.end());
        if (content.empty() || content.front() >= 0x80) content.insert(content.begin(), 0);
        return detail::der_element(0x02, content);
    };
    auto const join = [](bytes a, bytes const& b) {
        a.insert(a.end(), b.begin(), b.end());
        return a;
    };
    bytes const key = detail::der_element(detail::der_sequence, join(integer(modulus), integer(exponent)));
    return detail::der_element(detail::der_sequence, join(detail::der_element(detail::der_sequence, detail::rsa_encryption),
                                                          detail::der_element(detail::der_bit_string, join({0}, key))));
}

/// Reads a public key and checks what A-029 asks of it: at most 4096 characters, 2048 to 8192 bits, odd modulus, odd exponent of at
/// least 3 and below the modulus. Everything else is `invalid_key`.
inline result<rsa_public_numbers> read_public_pem(std::string_view pem) {
    if (pem.size() > limits::public_key_pem_bytes_max) return detail::bad_key("longer than 4096 characters");
    auto der = detail::read_pem(pem, "PUBLIC KEY");
    if (!der) return detail::bad_key("not one PEM block with the label PUBLIC KEY");

    detail::der_reader document{*der};
    auto const spki = document.take(detail::der_sequence);
    if (!spki || !document.at_end()) return detail::bad_key("not one DER SubjectPublicKeyInfo");
    detail::der_reader parts{*spki};
    auto const algorithm = parts.take(detail::der_sequence);
    if (!algorithm || !std::equal(algorithm->begin(), algorithm->end(), detail::rsa_encryption.begin(), detail::rsa_encryption.end()))
        return detail::bad_key("the algorithm is not rsaEncryption with NULL parameters");
    auto const bit_string = parts.take(detail::der_bit_string);
    if (!bit_string || bit_string->empty() || bit_string->front() != 0 || !parts.at_end())
        return detail::bad_key("no BIT STRING of whole octets");

    detail::der_reader key_document{bit_string->subspan(1)};
    auto const key = key_document.take(detail::der_sequence);
    if (!key || !key_document.at_end()) return detail::bad_key("not one DER RSAPublicKey");
    detail::der_reader numbers{*key};
    auto const modulus = numbers.take_positive_integer();
    auto const exponent = numbers.take_positive_integer();
    if (!modulus || !exponent || !numbers.at_end()) return detail::bad_key("not two positive DER integers");

    rsa_public_numbers out{bytes(modulus->begin(), modulus->end()), bytes(exponent->begin(), exponent->end()), {}};
    if (out.bits() < limits::rsa_modulus_bits_min || out.bits() > limits::rsa_modulus_bits_max)
        return detail::bad_key("the modulus has " + std::to_string(out.bits()) + " bits, not 2048 to 8192");
    if (out.modulus.back() % 2 == 0) return detail::bad_key("the modulus is even");
    bool const below_three = out.exponent.size() == 1 && out.exponent[0] < 3;
    if (below_three || out.exponent.back() % 2 == 0) return detail::bad_key("the exponent is not odd and at least 3");
    bool const below_modulus =
        out.exponent.size() != out.modulus.size() ? out.exponent.size() < out.modulus.size() : out.exponent < out.modulus;
    if (!below_modulus) return detail::bad_key("the exponent is not below the modulus");
    out.spki = *std::move(der);
    return out;
}

}  // namespace bsp
