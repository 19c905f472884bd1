#include "signer.hpp"

#include <bsp/crypto/rsa.hpp>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <stdexcept>

namespace bsp::conformance::load {
namespace {

template <class T, void (*Free)(T*)>
struct freed_by {
    void operator()(T* t) const { Free(t); }
};

void free_key(void* key) { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); }
void free_memory(BIO* b) { BIO_free(b); }

[[noreturn]] void no_use() { throw std::runtime_error{"OpenSSL does not sign with PS256 here"}; }

}  // namespace

signer::signer(rsa_private_key const& from) {
    auto const pem = from.pem();
    std::unique_ptr<BIO, freed_by<BIO, free_memory>> const memory{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    key_ = {memory ? PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr) : nullptr, free_key};
    if (!key_) no_use();
}

bytes signer::sign(std::string_view text) const {
    constexpr int salt_bytes = 32;
    std::unique_ptr<EVP_MD_CTX, freed_by<EVP_MD_CTX, EVP_MD_CTX_free>> const context{EVP_MD_CTX_new()};
    EVP_PKEY_CTX* how = nullptr;
    bool const ready = context && EVP_DigestSignInit(context.get(), &how, EVP_sha256(), nullptr, static_cast<EVP_PKEY*>(key_.get())) == 1 &&
                       EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(how, salt_bytes) == 1;
    auto const* data = reinterpret_cast<unsigned char const*>(text.data());
    std::size_t size = 0;
    if (!ready || EVP_DigestSign(context.get(), nullptr, &size, data, text.size()) != 1) no_use();
    bytes out(size);
    if (EVP_DigestSign(context.get(), out.data(), &size, data, text.size()) != 1) no_use();
    out.resize(size);
    return out;
}

}  // namespace bsp::conformance::load
