#include "foreign_signatures.hpp"

#include <bsp/crypto/rsa.hpp>

#include <cryptopp/pkcspad.h>
#include <cryptopp/sha.h>

namespace bsp::conformance {
namespace {

template <class Padding, class Hash>
bytes sign(rsa_private_key const& key, std::string_view message) {
    auto const der = detail::read_pem(key.pem(), "PRIVATE KEY");
    CryptoPP::ArraySource source{der->data(), der->size(), true};
    CryptoPP::RSA::PrivateKey numbers;
    numbers.Load(source);
    typename CryptoPP::RSASS<Padding, Hash>::Signer const signer{numbers};
    byte_view const m = as_bytes(message);
    bytes out(signer.SignatureLength());
    out.resize(signer.SignMessage(detail::thread_generator(), m.data(), m.size(), out.data()));
    return out;
}

}  // namespace

bytes sign_pkcs1_sha256(rsa_private_key const& key, std::string_view message) { return sign<CryptoPP::PKCS1v15, CryptoPP::SHA256>(key, message); }
bytes sign_pss_sha1(rsa_private_key const& key, std::string_view message) { return sign<CryptoPP::PSS, CryptoPP::SHA1>(key, message); }
bytes sign_pss_sha512(rsa_private_key const& key, std::string_view message) { return sign<CryptoPP::PSS, CryptoPP::SHA512>(key, message); }

}  // namespace bsp::conformance
