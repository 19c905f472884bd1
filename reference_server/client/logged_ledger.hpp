#pragma once

#include <bsp/policy/sync_ledger.hpp>

#include <functional>
#include <string>
#include <utility>

namespace bsp::server {

/// A ledger whose history is told to the log and to a listener, too.
class logged_ledger final : public sync_ledger {
public:
    /// Hears of what was saved, by the peer_id.
    using listener = std::function<void(std::string const&, sync_occurrence const&)>;

    /// The ledger must outlive this.
    logged_ledger(sync_ledger& kept, listener heard) : kept_{kept}, heard_{std::move(heard)} {}

    result<> save(peer_progress const& progress, std::optional<sync_occurrence> const& occurrence) override;

    result<std::optional<peer_progress>> progress(std::string_view peer_id) override { return kept_.progress(peer_id); }
    result<std::vector<sync_occurrence>> history(std::string_view peer_id, std::size_t limit) override { return kept_.history(peer_id, limit); }
    result<> append(std::string_view peer_id, queued_event const& event, std::size_t dropped) override { return kept_.append(peer_id, event, dropped); }
    result<std::vector<queued_event>> events(std::string_view peer_id, std::uint64_t after, std::size_t limit) override { return kept_.events(peer_id, after, limit); }
    result<> remove_event(std::string_view peer_id, std::string_view event_id) override { return kept_.remove_event(peer_id, event_id); }
    result<queue_usage> usage(std::string_view peer_id) override { return kept_.usage(peer_id); }
    result<> forget(std::string_view peer_id) override { return kept_.forget(peer_id); }

private:
    sync_ledger& kept_;
    listener heard_;
};

}  // namespace bsp::server
