#include "conformance/target/stream.hpp"
#include "scripted_server.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/test/unit_test.hpp>

#include <csignal>

using namespace bsp::conformance;
using namespace std::chrono_literals;

namespace {

/// Serves TLS with a key of its own and a certificate that nobody vouches for.
std::shared_ptr<SSL_CTX> serving_context() {
    std::shared_ptr<SSL_CTX> const out{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const key{EVP_EC_gen("P-256"), EVP_PKEY_free};
    std::unique_ptr<X509, decltype(&X509_free)> const certificate{X509_new(), X509_free};
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3'600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    BOOST_REQUIRE(SSL_CTX_use_certificate(out.get(), certificate.get()) == 1);
    BOOST_REQUIRE(SSL_CTX_use_PrivateKey(out.get(), key.get()) == 1);
    return out;
}

std::sig_atomic_t volatile signals = 0;

}  // namespace

BOOST_AUTO_TEST_SUITE(suite_tls_stream)

BOOST_AUTO_TEST_CASE(writing_to_a_connection_that_is_gone_is_an_outcome_and_no_signal) {
    auto const context = serving_context();
    scripted_server const server{[&](int fd) {
        std::unique_ptr<SSL, decltype(&SSL_free)> const session{SSL_new(context.get()), SSL_free};
        SSL_set_fd(session.get(), fd);
        char first = 0;
        if (SSL_accept(session.get()) == 1) SSL_read(session.get(), &first, 1);
        linger const at_once{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);  // the end of it is a reset
    }};
    auto const ended_by = std::signal(SIGPIPE, [](int) { signals = signals + 1; });
    auto const until = std::chrono::steady_clock::now() + 20s;
    auto const opened = open_stream(parse_url("https" + server.url().substr(4)).value(), make_tls_context({.verify_certificate = false}).value(), until);
    BOOST_REQUIRE_MESSAGE(opened.to, opened.detail);
    BOOST_TEST((opened.to->write("x", 1).what == stream::status::done));
    char buffer[64];
    for (auto state = stream::status::would_block; state == stream::status::would_block; state = opened.to->read(buffer, sizeof buffer).what)
        BOOST_REQUIRE(opened.to->wait(until, false));
    for (int i = 0; i < 3; ++i) BOOST_TEST((opened.to->write("more", 4).what == stream::status::broken));
    BOOST_TEST(signals == 0);
    std::signal(SIGPIPE, ended_by);
}

BOOST_AUTO_TEST_SUITE_END()
