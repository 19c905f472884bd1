#include "name_lookup.hpp"

#include <boost/asio/post.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <system_error>
#include <thread>

namespace bsp::server {

namespace asio = boost::asio;

namespace {

constexpr std::size_t names_max = 16;  ///< looked up at the same time

name_lookup::addresses resolve(std::string const& host, std::string& error) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* first = nullptr;
    if (int const code = ::getaddrinfo(host.c_str(), nullptr, &hints, &first); code != 0) {
        error = ::gai_strerror(code);
        return {};
    }
    std::unique_ptr<addrinfo, void (*)(addrinfo*)> const all{first, ::freeaddrinfo};
    name_lookup::addresses found;
    for (addrinfo const* at = first; at != nullptr; at = at->ai_next) {
        asio::ip::tcp::endpoint endpoint;
        if (at->ai_addrlen > endpoint.capacity()) continue;
        endpoint.resize(at->ai_addrlen);
        std::copy_n(reinterpret_cast<char const*>(at->ai_addr), at->ai_addrlen, reinterpret_cast<char*>(endpoint.data()));
        found.push_back(endpoint.address());
    }
    if (found.empty()) error = "the name has no address";
    return found;
}

}  // namespace

name_lookup::name_lookup(asio::io_context& context) : gate_{std::make_shared<gate>()} {
    gate_->context = &context;
    gate_->owner = this;
}

name_lookup::~name_lookup() {
    std::lock_guard const lock{gate_->mutex};
    gate_->context = nullptr;
}

name_lookup::addresses name_lookup::known(std::string const& host) {
    if (host == "localhost") return {asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
    bool const bracketed = host.starts_with('[') && host.ends_with(']');
    boost::system::error_code ec;
    auto const address = asio::ip::make_address(bracketed ? host.substr(1, host.size() - 2) : host, ec);
    return ec ? addresses{} : addresses{address};
}

void name_lookup::ask(std::string const& host, std::shared_ptr<question> const& asker) {
    auto& askers = waiting_[host];
    askers.emplace_back(asker);
    if (askers.size() > 1) return;
    if (waiting_.size() > names_max) return answer(host, {}, "too many names are being looked up");
    try {
        std::thread{[host, gate = gate_] {
            std::string error;
            auto found = resolve(host, error);
            std::lock_guard const lock{gate->mutex};
            if (gate->context == nullptr) return;
            asio::post(*gate->context, [owner = gate->owner, host, found = std::move(found), error = std::move(error)] { owner->answer(host, found, error); });
        }}.detach();
    } catch (std::system_error const& why) {
        answer(host, {}, why.what());
    }
}

void name_lookup::answer(std::string const& host, addresses const& found, std::string const& error) {
    auto const askers = waiting_.extract(host);
    if (askers.empty()) return;
    for (auto const& one : askers.mapped()) {
        auto const asker = one.lock();
        if (!asker) continue;
        asker->found = found;
        asker->error = error;
        asker->done = true;
        asker->answered.cancel();
    }
}

}  // namespace bsp::server
