#include "tls_identity.hpp"

#include "../secure_file.hpp"

#include <boost/asio/ssl/context.hpp>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <ctime>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bsp::server {
namespace {

template <auto Free>
struct freeing {
    template <class T>
    void operator()(T* what) const { Free(what); }
};
using bio = std::unique_ptr<BIO, freeing<BIO_free>>;
using x509 = std::unique_ptr<X509, freeing<X509_free>>;
using private_key = std::unique_ptr<EVP_PKEY, freeing<EVP_PKEY_free>>;

std::runtime_error wrong(char const* option, std::filesystem::path const& path, std::string const& why) {
    ERR_clear_error();
    return std::runtime_error{std::string{option} + ": " + path.string() + ' ' + why};
}

std::string text_of(char const* option, std::filesystem::path const& path) {
    std::optional<std::string> text;
    try {
        text = read_file(path);
    } catch (std::exception const& why) {
        throw std::runtime_error{std::string{option} + ": " + why.what()};
    }
    if (!text) throw wrong(option, path, "does not exist");
    return *std::move(text);
}

bio reader_of(std::string const& text) { return bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))}; }

/// Nobody is there to type a passphrase.
int no_passphrase(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

instant instant_of(ASN1_TIME const* at) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(at, &parts) != 1) return {};
    return {::timegm(&parts), 0};
}

/// What a client asks for beside BSP, such as h2, is passed over: without a common protocol there is none by name.
int choose_protocol(SSL*, unsigned char const** chosen, unsigned char* size, unsigned char const* offered, unsigned offered_size, void*) {
    static constexpr std::string_view ours{"\x08http/1.1"};
    auto* const known = reinterpret_cast<unsigned char const*>(ours.data());
    unsigned char* found = nullptr;
    if (SSL_select_next_proto(&found, size, known, static_cast<unsigned>(ours.size()), offered, offered_size) != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

void set_floor(SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    // Of TLS 1.2 only what TLS 1.3 has as well: forward secrecy and authenticated encryption.
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
}

void add_chain(SSL_CTX* context, std::filesystem::path const& path, instant now, instant& valid_until) {
    auto const text = text_of("--tls-cert", path);
    auto const reader = reader_of(text);
    x509 own{PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)};
    if (!own) throw wrong("--tls-cert", path, "holds no certificate in PEM");
    instant const from = instant_of(X509_get0_notBefore(own.get()));
    valid_until = instant_of(X509_get0_notAfter(own.get()));
    if (now < from) throw wrong("--tls-cert", path, "is valid from " + format_timestamp(from) + " on, and not yet");
    if (valid_until < now) throw wrong("--tls-cert", path, "has expired at " + format_timestamp(valid_until));
    if (SSL_CTX_use_certificate(context, own.get()) != 1) throw wrong("--tls-cert", path, "holds a certificate that is too weak to be used");
    for (x509 next; next.reset(PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)), next;)
        if (SSL_CTX_add0_chain_cert(context, next.get()) == 1) (void)next.release();
    ERR_clear_error();  // the end of the file
}

void add_key(SSL_CTX* context, std::filesystem::path const& path, std::filesystem::path const& certificate) {
    auto const text = text_of("--tls-key", path);
    // A group may read it, as those who administer certificates let one; everybody may not.
    struct stat s {};
    if (::stat(path.c_str(), &s) == 0 && (s.st_mode & S_IRWXO) != 0) throw wrong("--tls-key", path, "can be read by everybody; run: chmod o= " + path.string());
    bool encrypted = false;
    private_key const key{PEM_read_bio_PrivateKey(reader_of(text).get(), nullptr, no_passphrase, &encrypted)};
    if (!key) throw wrong("--tls-key", path, encrypted ? "is protected by a passphrase; give one that is not" : "holds no private key in PEM");
    if (X509_check_private_key(SSL_CTX_get0_certificate(context), key.get()) != 1) throw wrong("--tls-key", path, "is not the key of the certificate in " + certificate.string());
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) throw wrong("--tls-key", path, "cannot be used");
}

}  // namespace

tls_identity::tls_identity(std::filesystem::path const& certificate, std::filesystem::path const& key, instant now)
    : context_{std::make_unique<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server)} {
    auto* const native = context_->native_handle();
    set_floor(native);
    add_chain(native, certificate, now, valid_until_);
    add_key(native, key, certificate);
}

tls_identity::~tls_identity() = default;

}  // namespace bsp::server
