#include "surroundings.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>

#include <array>
#include <cstdlib>
#include <thread>

namespace bsp::conformance {

namespace {

std::vector<std::string> secrets_of(surroundings_options const& o) {
    std::vector<std::string> all;
    for (auto const& u : o.users) all.push_back(u.secret);
    if (o.admin_token) all.push_back(*o.admin_token);
    return all;
}

}  // namespace

surroundings::surroundings(conformance::target& t, surroundings_options o)
    : target{t}, options{std::move(o)}, peer_door{options.peer_door}, door_elsewhere{options.door_elsewhere}, answers{secrets_of(options)} {
    begin_round(options.seed);
}

void surroundings::begin_round(std::uint64_t seed) {
    options.seed = seed;
    answers.forget();
    std::array<std::uint8_t, 16> drawn{};
    random_bytes(drawn);
    nonce = to_hex(drawn);
    tag.clear();
    for (std::size_t i = 0; i < 6; ++i) tag += "abcdefghijkmnpqrstuvwxyz23456789"[drawn[i] % 32];
}

instant surroundings::now() const {
    auto const since_epoch = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()) + clock_offset;
    auto const n = since_epoch.count();
    return {n / 1'000'000'000, static_cast<std::uint32_t>(n % 1'000'000'000)};
}

bool surroundings::alive(std::chrono::milliseconds patience) {
    auto const until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        for (char const* path : {"/identity", "/health"}) {
            http_request request{"GET", target.base_path() + path, {}, {}, {}};
            if (target.send(request, std::min(patience, std::chrono::milliseconds{3'000})).why == fault::none) return true;
        }
        if (std::chrono::steady_clock::now() >= until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
}

bool surroundings::run_hook(std::string const& command) {
    return std::system(command.c_str()) == 0 && alive(std::chrono::seconds{30});
}

}  // namespace bsp::conformance
