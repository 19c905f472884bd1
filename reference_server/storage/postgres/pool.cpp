#include "pool.hpp"

namespace bsp::server::postgres {
namespace {

constexpr std::chrono::seconds waited_max{5};
constexpr std::chrono::milliseconds down_for{200};

}  // namespace

std::unique_ptr<connection> pool::take() {
    std::unique_lock lock{mutex_};
    if (!freed_.wait_for(lock, waited_max, [&] { return !idle_.empty() || taken_ < connections_max_; })) throw failure{"53300", "all connections of the pool are in use"};
    ++taken_;
    while (!idle_.empty()) {
        auto db = std::move(idle_.back());
        idle_.pop_back();
        lock.unlock();
        if (db->is_usable()) return db;
        db.reset();
        lock.lock();
    }
    bool const is_down = std::chrono::steady_clock::now() < down_until_;
    lock.unlock();
    try {
        if (is_down) throw failure{"", "the database could not be reached a moment ago"};
        return connect();
    } catch (...) {
        give_back(nullptr);
        throw;
    }
}

std::unique_ptr<connection> pool::connect() {
    try {
        return std::make_unique<connection>(url_);
    } catch (failure const&) {
        std::lock_guard const lock{mutex_};
        down_until_ = std::chrono::steady_clock::now() + down_for;
        throw;
    }
}

void pool::give_back(std::unique_ptr<connection> db) {
    {
        std::lock_guard const lock{mutex_};
        --taken_;
        if (db) idle_.push_back(std::move(db));
    }
    freed_.notify_one();
}

}  // namespace bsp::server::postgres
