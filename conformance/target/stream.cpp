#include "stream.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>

namespace bsp::conformance {
namespace {

int milliseconds_until(deadline until) {
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
    return left < 0 ? 0 : static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max()));
}

/// Waits for `events`; false at the deadline. Errors count as readiness: the next call will report them.
bool poll_one(int fd, short events, deadline until) {
    for (;;) {
        pollfd p{fd, events, 0};
        int const n = ::poll(&p, 1, milliseconds_until(until));
        if (n > 0) return true;
        if (n == 0 || errno != EINTR) return false;
    }
}

class tcp_stream : public stream {
public:
    explicit tcp_stream(int fd) : fd_{fd} {}
    ~tcp_stream() override { ::close(fd_); }
    tcp_stream(tcp_stream const&) = delete;
    tcp_stream& operator=(tcp_stream const&) = delete;

    outcome read(char* into, std::size_t size) override { return result_of(::recv(fd_, into, size, 0), true); }
    outcome write(char const* from, std::size_t size) override { return result_of(::send(fd_, from, size, MSG_NOSIGNAL), false); }

    bool wait(deadline until, bool or_write) override {
        return poll_one(fd_, static_cast<short>(or_write ? POLLIN | POLLOUT : POLLIN), until);
    }
    bool disturbed() override {
        pollfd p{fd_, POLLIN, 0};
        return ::poll(&p, 1, 0) != 0;
    }

    [[nodiscard]] int descriptor() const noexcept override { return fd_; }

private:
    static outcome result_of(ssize_t n, bool reading) {
        if (n > 0) return {status::done, static_cast<std::size_t>(n)};
        if (n == 0) return {reading ? status::ended : status::would_block};
        return {errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? status::would_block : status::broken};
    }
    int fd_;
};

/// A socket for OpenSSL, whose own one lets a write to a connection that is gone end the whole program (SIGPIPE).
BIO_METHOD const* socket_method() {
    static auto const descriptor = [](BIO* b) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(b))); };
    static auto const moved = [](BIO* b, ssize_t n, int retry) {
        BIO_clear_retry_flags(b);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_flags(b, retry | BIO_FLAGS_SHOULD_RETRY);
        return static_cast<int>(n);
    };
    static BIO_METHOD const* const made = [] {
        auto* const m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
        BIO_meth_set_create(m, [](BIO* b) { return BIO_set_init(b, 1), 1; });
        BIO_meth_set_write(m, [](BIO* b, char const* from, int size) {
            return moved(b, ::send(descriptor(b), from, static_cast<std::size_t>(size), MSG_NOSIGNAL), BIO_FLAGS_WRITE);
        });
        BIO_meth_set_read(m, [](BIO* b, char* into, int size) {
            ssize_t const n = ::recv(descriptor(b), into, static_cast<std::size_t>(size), 0);
            if (n == 0) BIO_set_flags(b, BIO_FLAGS_IN_EOF);
            return moved(b, n, BIO_FLAGS_READ);
        });
        BIO_meth_set_ctrl(m, [](BIO* b, int what, long, void*) -> long {
            if (what == BIO_CTRL_EOF) return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
            return what == BIO_CTRL_FLUSH;  // nothing is held back
        });
        return m;
    }();
    return made;
}

bool speak_through(SSL& session, int fd) {
    BIO* const socket = BIO_new(socket_method());
    if (!socket) return false;
    BIO_set_data(socket, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
    SSL_set_bio(&session, socket, socket);  // which owns it from here on
    return true;
}

struct free_session { void operator()(SSL* s) const { SSL_free(s); } };

class tls_stream final : public tcp_stream {
public:
    tls_stream(int fd, std::unique_ptr<SSL, free_session> session) : tcp_stream{fd}, session_{std::move(session)} {}

    outcome read(char* into, std::size_t size) override {
        std::size_t n = 0;
        int const got = SSL_read_ex(session_.get(), into, size, &n);
        return result_of(got, n, reading_);
    }
    outcome write(char const* from, std::size_t size) override {
        std::size_t n = 0;
        int const got = SSL_write_ex(session_.get(), from, size, &n);
        return result_of(got, n, writing_);
    }
    bool wait(deadline until, bool or_write) override {
        return SSL_has_pending(session_.get()) == 1 || tcp_stream::wait(until, (or_write && writing_ != waits_for::input) || reading_ == waits_for::output);
    }

private:
    /// Through TLS a read may have to wait until something can be sent, and a write until something comes.
    enum class waits_for { nothing, input, output };

    outcome result_of(int got, std::size_t n, waits_for& direction) {
        direction = waits_for::nothing;
        if (got == 1) return {status::done, n};
        int const why = SSL_get_error(session_.get(), got);
        ERR_clear_error();
        if (why == SSL_ERROR_WANT_WRITE) direction = waits_for::output;
        if (why == SSL_ERROR_WANT_READ) direction = waits_for::input;
        if (direction != waits_for::nothing) return {status::would_block};
        return {why == SSL_ERROR_ZERO_RETURN ? status::ended : status::broken};
    }
    std::unique_ptr<SSL, free_session> session_;
    waits_for reading_ = waits_for::nothing, writing_ = waits_for::nothing;
};

connected failed(fault why, std::string detail) { return {nullptr, why, std::move(detail)}; }

int connect_socket(endpoint const& to, deadline until, fault& why, std::string& detail) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (int const e = ::getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &list); e != 0) {
        why = fault::refused, detail = "cannot resolve " + to.host + ": " + ::gai_strerror(e);
        return -1;
    }
    std::unique_ptr<addrinfo, void (*)(addrinfo*)> const owner{list, ::freeaddrinfo};
    why = fault::refused, detail = "no address for " + to.host;
    for (auto const* a = list; a; a = a->ai_next) {
        int const fd = ::socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) continue;
        int const on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        int error = ::connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
        if (error == EINPROGRESS) {
            if (!poll_one(fd, POLLOUT, until)) {
                error = ETIMEDOUT;
            } else {
                socklen_t size = sizeof error;
                ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
            }
        }
        if (error == 0) return fd;
        why = error == ETIMEDOUT ? fault::timeout : fault::refused;
        detail = "cannot connect to " + to.authority + ": " + std::strerror(error);
        ::close(fd);
    }
    return -1;
}

/// "localhost, 127.0.0.1": whom a certificate is for.
std::string names_in(X509 const* certificate) {
    std::string out;
    auto* const names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    std::unique_ptr<GENERAL_NAMES, void (*)(GENERAL_NAMES*)> const owner{names, GENERAL_NAMES_free};
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        int kind = 0;
        auto const* const value = static_cast<ASN1_STRING const*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind));
        if (kind != GEN_DNS && kind != GEN_IPADD) continue;
        std::string name{reinterpret_cast<char const*>(ASN1_STRING_get0_data(value)), static_cast<std::size_t>(ASN1_STRING_length(value))};
        if (kind == GEN_IPADD) {
            char text[INET6_ADDRSTRLEN];
            if ((name.size() != 4 && name.size() != 16) || !::inet_ntop(name.size() == 4 ? AF_INET : AF_INET6, name.data(), text, sizeof text)) continue;
            name = text;
        }
        std::replace_if(name.begin(), name.end(), [](char c) { return c <= 0x20 || c == 0x7F; }, '?');  // whoever made it may write anything
        out += (out.empty() ? "" : ", ") + name;
    }
    return out;
}

/// Called by OpenSSL for each certificate; where one is for other names, a session with a place for them keeps them.
int keep_names(int accepted, X509_STORE_CTX* checked) {
    int const problem = X509_STORE_CTX_get_error(checked);
    if (problem == X509_V_ERR_HOSTNAME_MISMATCH || problem == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        auto* const session = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(checked, SSL_get_ex_data_X509_STORE_CTX_idx()));
        if (auto* const names = static_cast<std::string*>(SSL_get_app_data(session))) *names = names_in(X509_STORE_CTX_get_current_cert(checked));
    }
    return accepted;
}

/// Why a certificate, which is for `names`, was not accepted.
std::string doubt(long verdict, std::string const& host, std::string const& names) {
    if (verdict != X509_V_ERR_HOSTNAME_MISMATCH && verdict != X509_V_ERR_IP_ADDRESS_MISMATCH) return std::string{"its certificate is not trusted: "} + X509_verify_cert_error_string(verdict);
    return "its certificate is not for " + host + (names.empty() ? "" : " but for " + names);
}

connected add_tls(int fd, endpoint const& to, tls_context const& context, deadline until) {
    std::unique_ptr<SSL, free_session> session{context ? SSL_new(context.get()) : nullptr};
    if (!session || !speak_through(*session, fd)) {
        ::close(fd);
        return failed(fault::tls, "cannot make a TLS session");
    }
    SSL_set_tlsext_host_name(session.get(), const_cast<char*>(to.host.c_str()));
    if (SSL_get_verify_mode(session.get()) == SSL_VERIFY_PEER) {
        X509_VERIFY_PARAM* const expected = SSL_get0_param(session.get());
        if (X509_VERIFY_PARAM_set1_ip_asc(expected, to.host.c_str()) != 1) SSL_set1_host(session.get(), to.host.c_str());
    }
    std::string names;
    SSL_set_app_data(session.get(), &names);
    for (;;) {
        int const got = SSL_connect(session.get());
        if (got == 1) SSL_set_app_data(session.get(), nullptr);
        if (got == 1) return {std::make_unique<tls_stream>(fd, std::move(session)), fault::none, {}};
        int const why = SSL_get_error(session.get(), got);
        bool const again = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
        if (again && poll_one(fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until)) continue;
        auto out = failed(fault::tls, again ? "the TLS handshake timed out" : "the TLS handshake failed");
        char const* const reason = ERR_reason_error_string(ERR_peek_error());
        if (long const verdict = SSL_get_verify_result(session.get()); verdict != X509_V_OK) out = failed(fault::certificate, doubt(verdict, to.host, names));
        else if (!again && reason) out.detail += std::string{": "} + reason;
        ERR_clear_error();
        session.reset();
        ::close(fd);
        return out;
    }
}

}  // namespace

result<tls_context> make_tls_context(target_options const& options) {
    tls_context out{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
    if (!out) return fail(errc::bad_request, "OpenSSL does not work here");
    SSL_CTX_set_mode(out.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (!options.verify_certificate) return out;
    SSL_CTX_set_verify(out.get(), SSL_VERIFY_PEER, keep_names);
    if (options.ca_file.empty()) SSL_CTX_set_default_verify_paths(out.get());
    else if (SSL_CTX_load_verify_file(out.get(), options.ca_file.c_str()) != 1) return ERR_clear_error(), fail(errc::bad_request, options.ca_file + " holds no certificates in PEM");
    return out;
}

tls_context outdated_tls_context() {
    tls_context out{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
    if (!out) return out;
    SSL_CTX_set_security_level(out.get(), 0);
    SSL_CTX_set_cipher_list(out.get(), "ALL:@SECLEVEL=0");
    bool const can = SSL_CTX_set_min_proto_version(out.get(), TLS1_VERSION) == 1 && SSL_CTX_set_max_proto_version(out.get(), TLS1_1_VERSION) == 1;
    return can ? out : nullptr;
}

std::unique_ptr<stream> stream_of(int socket) {
    ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
    return std::make_unique<tcp_stream>(::fcntl(socket, F_DUPFD_CLOEXEC, 0));
}

connected open_stream(endpoint const& to, tls_context const& context, deadline until) {
    fault why{};
    std::string detail;
    int const fd = connect_socket(to, until, why, detail);
    if (fd < 0) return failed(why, std::move(detail));
    if (to.secure) return add_tls(fd, to, context, until);
    return {std::make_unique<tcp_stream>(fd), fault::none, {}};
}

result<endpoint> parse_url(std::string_view url) {
    auto const bad = [&](char const* why) { return fail(errc::bad_request, "not a usable URL: " + std::string{url} + " (" + why + ")"); };
    endpoint to;
    if (url.starts_with("http://")) url.remove_prefix(7);
    else if (url.starts_with("https://")) url.remove_prefix(8), to.secure = true;
    else return bad("it must begin with http:// or https://");
    if (url.find_first_of("?# \t") != std::string_view::npos) return bad("it must not have a query, a fragment or blanks");
    auto const slash = url.find('/');
    to.authority = url.substr(0, slash);
    if (slash != std::string_view::npos) to.path = url.substr(slash);
    while (to.path.ends_with('/')) to.path.pop_back();
    if (to.authority.find('@') != std::string::npos) return bad("it must not have a user name");
    std::string_view host = to.authority;
    auto const bracket = host.rfind(']');
    if (auto const colon = host.rfind(':'); colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
        to.port = host.substr(colon + 1);
        host = host.substr(0, colon);
        if (to.port.empty() || to.port.size() > 5 || to.port.find_first_not_of("0123456789") != std::string::npos) return bad("its port is not a number");
    } else {
        to.port = to.secure ? "443" : "80";
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty()) return bad("it has no host");
    to.host = host;
    return to;
}

}  // namespace bsp::conformance
