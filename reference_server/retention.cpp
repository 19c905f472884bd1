#include "retention.hpp"

#include <bsp/adapters/system_clock.hpp>
#include <bsp/base/limits.hpp>
#include <bsp/endpoint/sweep.hpp>

#include <spdlog/spdlog.h>

#include <chrono>
#include <string>

namespace bsp::server {
namespace {

constexpr std::chrono::hours period{1};
constexpr std::size_t batch = 200;  ///< messages, events and conversations of one transaction

}  // namespace

retention::retention(store_base& store) : store_{store}, thread_{[this] { work(); }} {}

void retention::stop() {
    {
        std::lock_guard const lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

bool retention::is_stopping() {
    std::lock_guard const lock{mutex_};
    return stopping_;
}

void retention::work() {
    while (!is_stopping()) {
        try {
            sweep_all();
        } catch (std::exception const& why) {
            spdlog::error("retention: {}", why.what());
        }
        std::unique_lock lock{mutex_};
        wake_.wait_for(lock, period, [&] { return stopping_; });
    }
}

void retention::sweep_all() {
    for (std::string after;;) {
        auto const users = store_.read([&](store_reader& r) { return r.users(after, limits::page_items_max); });
        if (!users || users->empty()) return;
        for (auto const& user_id : *users)
            if (!sweep_user(user_id)) return;
        after = users->back();
    }
}

/// False when the store fails or the server stops.
bool retention::sweep_user(std::string const& user_id) {
    for (endpoint::sweep_place place; !place.done;) {
        if (is_stopping()) return false;
        auto const next = store_.write_of(user_id, [&](store_writer& w) { return endpoint::sweep(w.tenant(user_id), place, system_clock{}.now(), batch); });
        if (!next) return false;
        place = *next;
    }
    return true;
}

}  // namespace bsp::server
