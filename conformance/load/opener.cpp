#include "opener.hpp"

#include "script.hpp"

#include "../target/http_reader.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>

#include <sys/eventfd.h>

#include <array>
#include <utility>

namespace bsp::conformance::load {

opener::opener(company& c, std::chrono::milliseconds timeout, int descriptor) : company_{c}, timeout_{timeout}, descriptor_{descriptor} {
    constexpr std::size_t threads = 8;
    for (std::size_t i = 0; i < threads; ++i) workers_.emplace_back([this] { work(); });
}

opener::~opener() {
    {
        std::lock_guard const lock{mutex_};
        stop_ = true;
    }
    wanted_.notify_all();
    for (auto& w : workers_) w.join();
}

void opener::want(std::size_t lane) {
    {
        std::lock_guard const lock{mutex_};
        lanes_.push_back(lane);
    }
    wanted_.notify_one();
}

std::vector<opened> opener::take() {
    std::lock_guard const lock{mutex_};
    return std::move(done_);
}

void opener::work() {
    for (std::unique_lock lock{mutex_};;) {
        wanted_.wait(lock, [&] { return stop_ || !lanes_.empty(); });
        if (stop_) return;
        auto const lane = lanes_.front();
        lanes_.pop_front();
        lock.unlock();
        auto one = open(lane);
        lock.lock();
        done_.push_back(std::move(one));
        ::eventfd_write(descriptor_, 1);
    }
}

opened opener::open(std::size_t lane) {
    auto connected = company_.world.target.open(timeout_);
    opened out{lane, std::move(connected.to), nullptr, -1, connected.why, std::move(connected.detail)};
    if (!out.to) return out;
    out.descriptor = out.to->descriptor();
    if (lane >= company_.peers.size()) upgrade(out, company_.peers[lane - company_.peers.size()]);
    return out;
}

void opener::upgrade(opened& o, participant const& who) {
    std::array<std::uint8_t, 16> key{};
    random_bytes(key);
    auto request = company_.stream(who);
    request.headers.add("Connection", "Upgrade");
    request.headers.add("Upgrade", "websocket");
    request.headers.add("Sec-WebSocket-Version", "13");
    request.headers.add("Sec-WebSocket-Key", to_base64(key));
    auto const text = octets_of(request, company_.world.target.authority());
    auto const until = clock::now() + timeout_;
    auto const fails = [&](fault why, std::string detail) { o.to.reset(), o.why = why, o.detail = std::move(detail); };
    std::string got;
    http_reader refusal;
    std::array<char, 4096> buffer;
    for (std::string_view left = text;;) {
        if (!left.empty()) {
            auto const w = o.to->write(left.data(), left.size());
            if (w.what == stream::status::done) left.remove_prefix(w.size);
            else if (w.what != stream::status::would_block) return fails(fault::closed, "the connection was closed before the upgrade");
        }
        auto const r = o.to->read(buffer.data(), buffer.size());
        auto state = http_reader::state::more;
        if (r.what == stream::status::done) {
            got.append(buffer.data(), r.size);
            constexpr std::string_view switching = "HTTP/1.1 101";
            bool const may_switch = switching.starts_with(std::string_view{got}.substr(0, switching.size()));
            if (may_switch && got.find("\r\n\r\n") != std::string::npos) break;
            if (!may_switch) state = refusal.feed(std::exchange(got, {}));
        } else if (r.what != stream::status::would_block) {
            state = refusal.end();
            if (state == http_reader::state::more) return fails(fault::closed, "the connection was closed without an answer to the upgrade");
        } else if (!o.to->wait(until, !left.empty())) {
            return fails(fault::timeout, "no answer to the upgrade");
        }
        if (state == http_reader::state::garbage) return fails(fault::garbage, "the answer to the upgrade is not HTTP/1.x");
        if (state == http_reader::state::complete) {
            o.refusal = refusal.take();
            return fails(fault::garbage, "the upgrade to telemetry was answered with " + std::to_string(o.refusal->status));
        }
    }
    o.socket = std::make_unique<web_socket>(std::move(o.to), got.substr(got.find("\r\n\r\n") + 4));
}

}  // namespace bsp::conformance::load
