#include "retention.hpp"

#include "clock.hpp"

#include <bsp/base/limits.hpp>
#include <bsp/endpoint/sweep.hpp>
#include <bsp/policy/audit_retention.hpp>

#include <spdlog/spdlog.h>

#include <chrono>
#include <string>

namespace bsp::server {
namespace {

constexpr std::chrono::hours period{1};
constexpr std::chrono::seconds looked_every{1};  ///< whether it is due: the clock may be moved
constexpr std::chrono::hours audit_period{24};
constexpr std::size_t batch = 200;           ///< messages, events and conversations of one transaction
constexpr std::size_t audit_batch = 10'000;  ///< entries of one


/// Whether something is due, and if so when it will be again. A clock that was set back does not put it off.
bool take_turn(instant& due, instant now, std::chrono::hours every) {
    if (now < due && now >= due - every) return false;
    due = now + every;
    return true;
}

}  // namespace

retention::retention(store_base& store, rules how) : store_{store}, how_{how}, thread_{[this] { work(); }} {}

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
            instant const now = server_clock{}.now();
            if (how_.copies_expire && take_turn(sweep_due_, now, period)) sweep_all();
            if (take_turn(prune_due_, now, audit_period)) prune_trail(now);
        } catch (std::exception const& why) {
            spdlog::error("retention: {}", why.what());
        }
        std::unique_lock lock{mutex_};
        wake_.wait_for(lock, looked_every, [&] { return stopping_; });
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

void retention::prune_trail(instant now) {
    while (!is_stopping()) {
        auto const taken = store_.write([&](store_writer& w) { return prune_audit_trail(w, now - how_.audit_kept, now, audit_batch); });
        if (!taken || *taken < audit_batch) return;
    }
}

/// False when the store fails or the server stops.
bool retention::sweep_user(std::string const& user_id) {
    for (endpoint::sweep_place place; !place.done;) {
        if (is_stopping()) return false;
        auto const next = store_.write_of(user_id, [&](store_writer& w) { return endpoint::sweep(w, user_id, place, server_clock{}.now(), batch); });
        if (!next) return false;
        place = *next;
    }
    return true;
}

}  // namespace bsp::server
