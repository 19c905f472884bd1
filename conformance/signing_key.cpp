#include "signing_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <stdexcept>
#include <type_traits>
#include <utility>

namespace bsp::conformance {
namespace {

constexpr BN_ULONG public_exponent = 65'537;

template <class T, void (*Free)(T*)>
struct freed_by {
    void operator()(T* t) const { Free(t); }
};
template <class T, void (*Free)(T*)>
using owned = std::unique_ptr<T, freed_by<T, Free>>;

void free_memory(BIO* b) { BIO_free(b); }

using number = owned<BIGNUM, BN_clear_free>;

/// What OpenSSL made or did; it fails for want of memory or of an algorithm only.
template <class T>
T made(T result) {
    bool good = false;
    if constexpr (std::is_pointer_v<T>) good = result != nullptr;
    else good = result > 0;
    if (!good) throw std::runtime_error{"OpenSSL does not make RSA keys or signatures here"};
    return result;
}

EVP_PKEY* key_of(std::shared_ptr<void> const& key) { return static_cast<EVP_PKEY*>(key.get()); }

std::string text_of(BIO* memory) {
    char* data = nullptr;
    auto const size = BIO_get_mem_data(memory, &data);
    return {data, static_cast<std::size_t>(size)};
}

std::shared_ptr<void> key_of_primes(BIGNUM const* p, BIGNUM const* q) {
    owned<BN_CTX, BN_CTX_free> const scratch{made(BN_CTX_secure_new())};
    number const n{made(BN_new())}, e{made(BN_new())}, d{made(BN_new())}, p1{made(BN_dup(p))}, q1{made(BN_dup(q))}, phi{made(BN_new())}, dp{made(BN_new())},
        dq{made(BN_new())}, inverse{made(BN_new())};
    made(BN_mul(n.get(), p, q, scratch.get()));
    made(BN_set_word(e.get(), public_exponent));
    made(BN_sub_word(p1.get(), 1));
    made(BN_sub_word(q1.get(), 1));
    made(BN_mul(phi.get(), p1.get(), q1.get(), scratch.get()));
    made(BN_mod_inverse(d.get(), e.get(), phi.get(), scratch.get()));
    made(BN_mod(dp.get(), d.get(), p1.get(), scratch.get()));
    made(BN_mod(dq.get(), d.get(), q1.get(), scratch.get()));
    made(BN_mod_inverse(inverse.get(), q, p, scratch.get()));

    owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> const numbers{made(OSSL_PARAM_BLD_new())};
    for (auto const& [name, value] : {std::pair<char const*, BIGNUM const*>{OSSL_PKEY_PARAM_RSA_N, n.get()}, {OSSL_PKEY_PARAM_RSA_E, e.get()}, {OSSL_PKEY_PARAM_RSA_D, d.get()},
                                      {OSSL_PKEY_PARAM_RSA_FACTOR1, p}, {OSSL_PKEY_PARAM_RSA_FACTOR2, q}, {OSSL_PKEY_PARAM_RSA_EXPONENT1, dp.get()},
                                      {OSSL_PKEY_PARAM_RSA_EXPONENT2, dq.get()}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, inverse.get()}})
        made(OSSL_PARAM_BLD_push_BN(numbers.get(), name, value));
    owned<OSSL_PARAM, OSSL_PARAM_free> const parameters{made(OSSL_PARAM_BLD_to_param(numbers.get()))};
    owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> const context{made(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr))};
    EVP_PKEY* key = nullptr;
    made(EVP_PKEY_fromdata_init(context.get()));
    made(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.get()));
    return {key, [](void* k) { EVP_PKEY_free(static_cast<EVP_PKEY*>(k)); }};
}

rsa_public_key public_half(EVP_PKEY* key) {
    owned<BIO, free_memory> const memory{made(BIO_new(BIO_s_mem()))};
    made(PEM_write_bio_PUBKEY(memory.get(), key));
    return rsa_public_key::from_pem(text_of(memory.get())).value();
}

}  // namespace

struct signing_key::scheme {
    EVP_MD const* (*hash)();
    int padding;
};

signing_key::prime signing_key::prime::generate(std::size_t bits) {
    number p{made(BN_new())};
    // Its two highest bits are set, so that a product of two has as many bits as both together.
    do made(BN_generate_prime_ex(p.get(), static_cast<int>(bits), 0, nullptr, nullptr, nullptr));
    while (BN_mod_word(p.get(), public_exponent) == 1);
    prime made_one;
    made_one.number_ = {p.release(), [](void* n) { BN_clear_free(static_cast<BIGNUM*>(n)); }};
    return made_one;
}

std::shared_ptr<signing_key const> signing_key::generate(std::size_t bits) { return std::make_shared<signing_key const>(prime::generate(bits / 2), prime::generate(bits - bits / 2)); }

signing_key::signing_key(prime const& p, prime const& q)
    : key_{key_of_primes(static_cast<BIGNUM*>(p.number_.get()), static_cast<BIGNUM*>(q.number_.get()))}, public_key_{public_half(key_of(key_))} {}

std::string signing_key::pem() const {
    owned<BIO, free_memory> const memory{made(BIO_new(BIO_s_mem()))};
    made(PEM_write_bio_PKCS8PrivateKey(memory.get(), key_of(key_), nullptr, nullptr, 0, nullptr, nullptr));
    return text_of(memory.get());
}

bytes signing_key::sign(scheme const& how, std::string_view text) const {
    owned<EVP_MD_CTX, EVP_MD_CTX_free> const context{made(EVP_MD_CTX_new())};
    EVP_PKEY_CTX* settings = nullptr;
    made(EVP_DigestSignInit(context.get(), &settings, how.hash(), nullptr, key_of(key_)));
    made(EVP_PKEY_CTX_set_rsa_padding(settings, how.padding));
    if (how.padding == RSA_PKCS1_PSS_PADDING) made(EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST));
    auto const* data = reinterpret_cast<unsigned char const*>(text.data());
    std::size_t size = 0;
    made(EVP_DigestSign(context.get(), nullptr, &size, data, text.size()));
    bytes out(size);
    made(EVP_DigestSign(context.get(), out.data(), &size, data, text.size()));
    out.resize(size);
    return out;
}

bytes signing_key::sign_ps256(std::string_view text) const { return sign({EVP_sha256, RSA_PKCS1_PSS_PADDING}, text); }
bytes signing_key::sign_pkcs1_sha256(signing_key const& by, std::string_view text) { return by.sign({EVP_sha256, RSA_PKCS1_PADDING}, text); }
bytes signing_key::sign_pss_sha1(signing_key const& by, std::string_view text) { return by.sign({EVP_sha1, RSA_PKCS1_PSS_PADDING}, text); }
bytes signing_key::sign_pss_sha512(signing_key const& by, std::string_view text) { return by.sign({EVP_sha512, RSA_PKCS1_PSS_PADDING}, text); }

}  // namespace bsp::conformance
