#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/policy/sync_ledger.hpp>

#include <algorithm>
#include <deque>
#include <map>

namespace bsp::testing {

/// A ledger in memory. `fail_at(n)` lets n operations that change it pass and refuses every later one.
class memory_ledger final : public sync_ledger {
public:
    void fail_at(std::size_t n) { left_ = n; }
    void never_fail() { left_.reset(); }

    result<std::optional<peer_progress>> progress(std::string_view peer_id) override {
        auto const found = peers_.find(peer_id);
        return found == peers_.end() ? std::nullopt : found->second.progress;
    }

    result<> save(peer_progress const& progress, std::optional<sync_occurrence> const& occurrence) override {
        BSP_CHECK(operation());
        auto& peer = peers_[progress.peer_id];
        peer.progress = progress;
        if (occurrence) peer.history.push_front(*occurrence);
        if (peer.history.size() > limits::sync_history_max) peer.history.pop_back();
        return ok();
    }

    result<std::vector<sync_occurrence>> history(std::string_view peer_id, std::size_t limit) override {
        auto const found = peers_.find(peer_id);
        if (found == peers_.end()) return std::vector<sync_occurrence>{};
        auto const& all = found->second.history;
        return std::vector(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(limit, all.size())));
    }

    result<> append(std::string_view peer_id, queued_event const& event, std::size_t dropped) override {
        BSP_CHECK(operation());
        auto& peer = peers_[std::string{peer_id}];
        std::size_t const gone = std::min(dropped, peer.events.size());
        peer.events.erase(peer.events.begin(), peer.events.begin() + static_cast<std::ptrdiff_t>(gone));
        peer.dropped += gone;
        peer.events.push_back(event);
        peer.events.back().number = ++peer.last_number;
        return ok();
    }

    result<std::vector<queued_event>> events(std::string_view peer_id, std::uint64_t after, std::size_t limit) override {
        std::vector<queued_event> page;
        if (auto const found = peers_.find(peer_id); found != peers_.end())
            for (auto const& e : found->second.events)
                if (e.number > after && page.size() < limit) page.push_back(e);
        return page;
    }

    result<> remove_event(std::string_view peer_id, std::string_view event_id) override {
        BSP_CHECK(operation());
        if (auto const found = peers_.find(peer_id); found != peers_.end())
            std::erase_if(found->second.events, [&](queued_event const& e) { return e.event_id == event_id; });
        return ok();
    }

    result<queue_usage> usage(std::string_view peer_id) override {
        queue_usage u;
        if (auto const found = peers_.find(peer_id); found != peers_.end()) {
            for (auto const& e : found->second.events) u.bytes += e.body.size();
            u.items = found->second.events.size();
            if (u.items > 0) u.oldest = found->second.events.front().queued_at;
            u.dropped = found->second.dropped;
        }
        return u;
    }

    result<> forget(std::string_view peer_id) override {
        BSP_CHECK(operation());
        if (auto const found = peers_.find(peer_id); found != peers_.end()) peers_.erase(found);
        return ok();
    }

private:
    struct entry {
        std::optional<peer_progress> progress;
        std::deque<sync_occurrence> history;
        std::deque<queued_event> events;
        std::uint64_t last_number = 0;
        std::uint64_t dropped = 0;
    };

    result<> operation() {
        if (!left_) return ok();
        if (*left_ == 0) return fail(errc::unavailable, "the ledger fails on purpose");
        --*left_;
        return ok();
    }

    std::map<std::string, entry, std::less<>> peers_;
    std::optional<std::size_t> left_;
};
static_assert(ledger<memory_ledger>);

}  // namespace bsp::testing
