#include "watch.hpp"

#include "clock.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <system_error>

namespace bsp::server {
namespace {

constexpr std::chrono::seconds period{5};

}  // namespace

watch::watch(observe::observatory& seen, store_base& store) : seen_{seen}, store_{store}, thread_{[this] { work(); }} {}

void watch::stop() {
    {
        std::lock_guard const lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void watch::work() {
    for (;;) {
        try {
            static_cast<void>(seen_.look(store_, server_clock{}.now()));
        } catch (std::exception const& why) {
            spdlog::error("alerts: {}", why.what());
        }
        std::unique_lock lock{mutex_};
        if (wake_.wait_for(lock, period, [&] { return stopping_; })) return;
    }
}

std::optional<double> free_bytes(std::filesystem::path const& dir) {
    std::error_code why;
    auto const room = std::filesystem::space(dir, why);
    if (why) return std::nullopt;
    return static_cast<double>(room.available);
}

}  // namespace bsp::server
