#include "dialer.hpp"

#include <bsp/sync/url.hpp>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace bsp::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

auto yielding(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

error silence(std::string const& why) { return fail(errc::unavailable, why); }

struct address_of_origin {
    bool tls = false;
    std::string host;  ///< "[::1]" with its brackets
    std::uint16_t port = 0;
};

std::optional<address_of_origin> parse(std::string_view origin) {
    address_of_origin a;
    a.tls = origin.starts_with("https://");
    if (!a.tls && !origin.starts_with("http://")) return std::nullopt;
    auto const authority = sync::split_url(origin).authority;
    a.host = endpoint::host_of(authority);
    a.port = a.tls ? 443 : 80;
    if (a.host.empty() || authority.find('@') != std::string_view::npos) return std::nullopt;
    if (a.host.size() == authority.size()) return a;
    std::string_view const port = authority.substr(a.host.size() + 1);
    auto const [end, problem] = std::from_chars(port.data(), port.data() + port.size(), a.port);
    return problem == std::errc{} && end == port.data() + port.size() && a.port != 0 ? std::optional{a} : std::nullopt;
}

}  // namespace

dialer::dialer(asio::io_context& context, std::string const& ca_file) : context_{context}, names_{context} {
    tls_.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
    tls_.set_verify_mode(asio::ssl::verify_peer);
    error_code ec;
    if (!ca_file.empty()) tls_.load_verify_file(ca_file, ec);
    if (ec) throw std::runtime_error{"--ca-file: " + ca_file + " holds no certificates in PEM"};
    if (ca_file.empty()) tls_.set_default_verify_paths(ec);  // without authorities every https connection fails, and says so
}

asio::awaitable<result<>> dialer::dial(dialing& d, std::string const& origin, std::size_t buffer_bytes_max) {
    auto const parsed = parse(origin);
    if (!parsed) co_return silence("'" + origin.substr(0, 200) + "' is not an origin");
    address_of_origin const& to = *parsed;
    auto addresses = name_lookup::known(to.host);
    if (addresses.empty()) {
        d.lookup = std::make_shared<name_lookup::question>(context_);
        names_.ask(to.host, d.lookup);
        error_code ignored;
        if (!d.lookup->done) co_await d.lookup->answered.async_wait(yielding(ignored));
        if (d.lookup->found.empty()) co_return silence(to.host + ": " + d.lookup->error);
        addresses = d.lookup->found;
    }
    error_code ec;
    for (auto const& address : addresses) {
        if (d.expired) co_return silence("");
        d.line = std::make_shared<channel>(context_, origin, buffer_bytes_max);
        ec = {};
        co_await d.line->socket.async_connect({address, to.port}, yielding(ec));
        if (!ec) break;
    }
    if (ec) co_return silence("cannot connect: " + ec.message());
    d.line->socket.set_option(tcp::no_delay{true}, ec);
    if (!to.tls) co_return ok();

    auto& tls = d.line->tls.emplace(d.line->socket, tls_);
    bool const is_address = !name_lookup::known(to.host).empty() && to.host != "localhost";
    std::string const name = to.host.starts_with('[') ? to.host.substr(1, to.host.size() - 2) : to.host;
    if (!is_address && SSL_set_tlsext_host_name(tls.native_handle(), name.c_str()) != 1) co_return silence("the name cannot be sent");
    bool other_name = false;
    tls.set_verify_callback([&, names = asio::ssl::host_name_verification{name}](bool good, asio::ssl::verify_context& at) {
        bool const accepted = names(good, at);
        other_name = other_name || (good && !accepted);
        return accepted;
    });
    ec = {};
    co_await tls.async_handshake(asio::ssl::stream_base::client, yielding(ec));
    if (!ec) co_return ok();
    if (other_name) co_return silence("TLS certificate: it is not for " + name);
    long const verdict = SSL_get_verify_result(tls.native_handle());
    co_return silence(verdict == X509_V_OK ? "TLS: " + ec.message() : std::string{"TLS certificate: "} + X509_verify_cert_error_string(verdict));
}

}  // namespace bsp::server
