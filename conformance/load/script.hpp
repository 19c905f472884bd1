#pragma once

#include "company.hpp"
#include "schedule.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace bsp::conformance::load {

/// What each planned request says. The same number gives the same content at every call, signed anew.
class script {
public:
    /// The run begins about now, or at `begins`, by the target's clock; what people write is dated after it.
    script(load::company&, std::vector<planned> plan, std::uint64_t seed);
    void begins(instant at) { began_ = at; }

    [[nodiscard]] std::vector<planned> const& plan() const noexcept { return plan_; }

    /// The first push of a peer, which makes its conversations, and writes them into the ledger.
    [[nodiscard]] http_request opening_of(std::size_t peer);
    void opening_was(std::size_t peer, fate);

    /// Request `n`, as octets of HTTP or as the text of an event. A push is written into the ledger, as refused.
    [[nodiscard]] std::string text_of(std::size_t n);
    /// A push once more, with a new signature and all else as it was.
    [[nodiscard]] http_request push_of(std::size_t n) const;

    /// Of a push: what the ledger says of it.
    [[nodiscard]] sent_push& entry(std::size_t n);
    [[nodiscard]] std::string name_of(std::size_t n) const;  ///< its sync_id or event_id

    load::company& company;

private:
    [[nodiscard]] std::size_t conversation_of(planned const& p) const { return company.peers[p.peer].conversations[p.turn % conversations_per_peer]; }
    [[nodiscard]] json::object turn(std::size_t n) const;
    [[nodiscard]] instant moment(std::size_t n) const { return began_ + plan_[n].due; }

    std::vector<planned> plan_;
    std::uint64_t seed_;
    instant began_;
};

/// Prepares requests ahead of time in threads of low priority, so that signing does not delay what is due.
class supply {
public:
    explicit supply(script&);
    ~supply();
    supply(supply const&) = delete;
    supply& operator=(supply const&) = delete;

    /// Waits until as many requests are ready as are ever made ahead; their number.
    std::size_t fill();
    [[nodiscard]] bool ready(std::size_t n) const { return made_[n].load(std::memory_order_acquire); }
    /// Request `n`, which is ready; in order of their numbers.
    [[nodiscard]] std::string take(std::size_t n);
    /// No more are wanted.
    void stop();

    /// How many requests of the plan are made before the first is taken.
    static std::size_t ahead_of(std::vector<planned> const&, std::size_t taken);

private:
    void work();

    script& script_;
    std::vector<std::string> texts_;
    std::unique_ptr<std::atomic<bool>[]> made_;
    std::mutex mutex_;
    std::condition_variable room_, done_;
    std::size_t next_ = 0, finished_ = 0, allowed_ = 0;
    bool stop_ = false;
    std::vector<std::thread> workers_;
};

/// A request as it goes on the wire.
std::string octets_of(http_request const&, std::string const& authority);

}  // namespace bsp::conformance::load
