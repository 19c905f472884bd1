#pragma once

#include <bsp/policy/sync_ledger.hpp>

#include <optional>
#include <string>
#include <utility>

namespace bsp::sync {

/// The progress with one peer, as the ledger has it: positions move in memory only after they moved on disk.
class progress_book {
public:
    progress_book(sync_ledger& ledger, peer_progress progress) : ledger_{ledger}, progress_{std::move(progress)} {}

    peer_progress const& operator*() const { return progress_; }
    peer_progress const* operator->() const { return &progress_; }

    /// Applies `change(peer_progress&)` and saves it with a line of history. On failure nothing has moved.
    template <class F>
    result<> write(F&& change, std::optional<sync_occurrence> const& occurrence = {}) {
        peer_progress next = progress_;
        change(next);
        BSP_CHECK(ledger_.save(next, occurrence));
        progress_ = std::move(next);
        return ok();
    }

    /// The same for counters and errors, which are for people: kept in memory even when they cannot be saved.
    template <class F>
    void note(F&& change, sync_occurrence const& occurrence) {
        change(progress_);
        static_cast<void>(ledger_.save(progress_, occurrence));
    }

private:
    sync_ledger& ledger_;
    peer_progress progress_;
};

}  // namespace bsp::sync
