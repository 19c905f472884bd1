#include "pool.hpp"

namespace bsp::server::postgres {
namespace {

constexpr std::chrono::seconds waited_max{5};
constexpr std::chrono::milliseconds down_for{200};
constexpr std::chrono::seconds trusted_for{1};  ///< of a connection that lay idle for longer nobody knows whether its network still carries it

}  // namespace

std::unique_ptr<connection> pool::take() {
    std::unique_lock lock{mutex_};
    if (!freed_.wait_for(lock, waited_max, [&] { return !idle_.empty() || taken_ < connections_max_; })) throw failure{"53300", "all connections of the pool are in use"};
    ++taken_;
    while (!idle_.empty()) {
        auto [db, since] = std::move(idle_.back());
        idle_.pop_back();
        lock.unlock();
        bool const asks = steady::now() - since > trusted_for;
        if (db->is_usable(asks)) return std::move(db);
        db.reset();
        if (asks) forget_idle(since);
        lock.lock();
    }
    bool const is_down = steady::now() < down_until_;
    lock.unlock();
    try {
        if (is_down) throw failure{"", "the database could not be reached a moment ago"};
        return connect();
    } catch (...) {
        give_back(nullptr);
        throw;
    }
}

/// What lay idle for as long has met the same fate: each would be asked in vain for seconds.
void pool::forget_idle(steady::time_point until) {
    std::lock_guard const lock{mutex_};
    std::erase_if(idle_, [&](auto const& one) { return one.since <= until; });
}

std::unique_ptr<connection> pool::connect() {
    try {
        return std::make_unique<connection>(url_);
    } catch (failure const&) {
        std::lock_guard const lock{mutex_};
        down_until_ = steady::now() + down_for;
        throw;
    }
}

void pool::give_back(std::unique_ptr<connection> db) {
    {
        std::lock_guard const lock{mutex_};
        --taken_;
        if (db) idle_.push_back({std::move(db), steady::now()});
    }
    freed_.notify_one();
}

}  // namespace bsp::server::postgres
