#pragma once

#include "sqlite_store.hpp"

#include <bsp/policy/sync_ledger.hpp>

namespace bsp::server {

/// The ledger in the file of a store, so that a backup holds both as they were at one moment (BSP-OFF-006). Its
/// writes are committed in groups with those of the store. Safe to use from several threads.
class sqlite_ledger final : public sync_ledger {
public:
    /// The store must outlive the ledger.
    explicit sqlite_ledger(sqlite_store& file) : file_{file} {}

    result<std::optional<peer_progress>> progress(std::string_view peer_id) override;
    result<> save(peer_progress const& progress, std::optional<sync_occurrence> const& occurrence) override;
    result<std::vector<sync_occurrence>> history(std::string_view peer_id, std::size_t limit) override;

    result<> append(std::string_view peer_id, queued_event const& event, std::size_t dropped) override;
    result<std::vector<queued_event>> events(std::string_view peer_id, std::uint64_t after, std::size_t limit) override;
    result<> remove_event(std::string_view peer_id, std::string_view event_id) override;
    result<queue_usage> usage(std::string_view peer_id) override;

    result<> forget(std::string_view peer_id) override;

private:
    sqlite_store& file_;
};
static_assert(ledger<sqlite_ledger>);

}  // namespace bsp::server
