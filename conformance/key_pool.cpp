#include "key_pool.hpp"

#include <algorithm>

namespace bsp::conformance {
namespace {
constexpr std::size_t fresh_ahead = 3;
}  // namespace

void key_pool::start() {
    std::lock_guard const lock{mutex_};
    start_locked();
}

void key_pool::start_locked() {
    if (!workers_.empty()) return;
    workers_.emplace_back([this] { work(); });
    workers_.emplace_back([this] { work(); });
}

key_pool::~key_pool() {
    {
        std::lock_guard const lock{mutex_};
        stop_ = true;
    }
    wanted_.notify_all();
    for (auto& w : workers_) w.join();
}

void key_pool::work() {
    std::unique_lock lock{mutex_};
    for (;;) {
        wanted_.wait(lock, [&] { return stop_ || shared_.size() + fresh_.size() + making_ < shared_wanted_ + fresh_ahead; });
        if (stop_) return;
        if (primes_.size() <= next_of_) {
            lock.unlock();
            auto made = signing_key::prime::generate();
            lock.lock();
            primes_.push_back(std::move(made));
            continue;
        }
        auto const p = primes_[next_of_], q = primes_[next_with_];
        if (++next_with_ == next_of_) ++next_of_, next_with_ = 0;
        ++making_;
        lock.unlock();
        auto made = std::make_shared<signing_key const>(p, q);
        lock.lock();
        --making_;
        if (shared_.size() < shared_wanted_) shared_.push_back(std::move(made));
        else fresh_.push_back(std::move(made));
        made_.notify_all();
    }
}

key key_pool::shared(std::size_t index) {
    std::unique_lock lock{mutex_};
    start_locked();
    if (index >= shared_wanted_) {
        shared_wanted_ = index + 1;
        wanted_.notify_all();
    }
    // A key made for the other purpose serves as well.
    while (shared_.size() < shared_wanted_ && !fresh_.empty()) {
        shared_.push_back(std::move(fresh_.front()));
        fresh_.pop_front();
        wanted_.notify_all();
    }
    made_.wait(lock, [&] { return index < shared_.size(); });
    return shared_[index];
}

key key_pool::fresh() {
    std::unique_lock lock{mutex_};
    start_locked();
    made_.wait(lock, [&] { return !fresh_.empty(); });
    auto one = std::move(fresh_.front());
    fresh_.pop_front();
    wanted_.notify_all();
    return one;
}

}  // namespace bsp::conformance
