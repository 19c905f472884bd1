#pragma once

#include <bsp/base/result.hpp>
#include <bsp/policy/records.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the client side remembers of its exchange with each peer (chapter 10). The changes themselves are not
/// here: they stand in the store, and `pushed` says from where on the peer does not know them
/// (spec/decisions/0008).
namespace bsp {

/// A conversation that the peer refused for its content, still due from `from` on (BSP-OFF-031).
struct refused_conversation {
    std::string conversation_id;
    feed_position from;
    std::string error;  ///< of the last refusal

    friend bool operator==(refused_conversation const&, refused_conversation const&) = default;
};

struct sync_counters {
    std::int64_t pushes_acknowledged = 0;
    std::int64_t pushes_failed = 0;
    std::int64_t pages_pulled = 0;  ///< those that brought something
    std::int64_t pulls_failed = 0;
    std::optional<instant> last_success;
    std::string push_error;         ///< of the last push; "" when it succeeded
    std::string pull_error;         ///< of the last pull; "" when it succeeded

    [[nodiscard]] std::string const& last_error() const { return push_error.empty() ? pull_error : push_error; }

    friend bool operator==(sync_counters const&, sync_counters const&) = default;
};

/// Everything of one registration. The default is the beginning.
struct peer_progress {
    std::string peer_id;
    std::string own_epoch;          ///< of our store, whose commit instants `pushed` speaks of (BSP-OFF-006)
    feed_position pushed;           ///< in our feed: what comes before is acknowledged
    std::vector<refused_conversation> refused;
    std::string peer_epoch;         ///< under which the peer acknowledged and gave what follows; "" when it gives none
    std::string since;              ///< the `last_sync` of the last page, verbatim; "": from the beginning
    std::string cursor;             ///< of the page before, when another follows; else ""
    std::string known_key;          ///< fingerprint of the last key of ours that the peer has taken from a notice; "": of none (chapter 13.4)
    sync_counters counters;

    friend bool operator==(peer_progress const&, peer_progress const&) = default;
};

/// One line of the sync history.
struct sync_occurrence {
    enum class kind : std::uint8_t { pushed, pulled, failed, refused, began_anew };

    kind what = kind::pushed;
    instant at;
    std::string sync_id;            ///< of a push
    std::size_t conversations = 0;
    std::size_t messages = 0;
    std::string error;
};

/// A telemetry event that the peer has not acknowledged. `body` is opaque here.
struct queued_event {
    std::uint64_t number = 0;       ///< given by the ledger, increasing: the order of the queue (A-104)
    std::string event_id;
    std::string body;
    instant queued_at;
};

struct queue_usage {
    std::size_t items = 0;
    std::size_t bytes = 0;              ///< of bodies
    std::optional<instant> oldest;
    std::uint64_t dropped = 0;          ///< since the registration began
};

/// The interface that every ledger models. Each operation is one transaction, durable before it returns
/// success; when storage fails it answers `unavailable` and nothing is changed. Used from one thread at a time.
class sync_ledger {
public:
    virtual ~sync_ledger() = default;

    /// Nothing for a peer of which nothing was saved.
    virtual result<std::optional<peer_progress>> progress(std::string_view peer_id) = 0;
    /// Replaces the progress by `peer_id`, and adds to the history of the peer, of which the latest
    /// `limits::sync_history_max` entries are kept.
    virtual result<> save(peer_progress const& progress, std::optional<sync_occurrence> const& occurrence) = 0;
    /// The latest entries first.
    virtual result<std::vector<sync_occurrence>> history(std::string_view peer_id, std::size_t limit) = 0;

    /// Drops the `dropped` oldest events of the peer, counts them, and appends `event` with the next number.
    virtual result<> append(std::string_view peer_id, queued_event const& event, std::size_t dropped) = 0;
    /// In the order of their numbers, those above `after`.
    virtual result<std::vector<queued_event>> events(std::string_view peer_id, std::uint64_t after, std::size_t limit) = 0;
    virtual result<> remove_event(std::string_view peer_id, std::string_view event_id) = 0;
    virtual result<queue_usage> usage(std::string_view peer_id) = 0;

    /// Removes all of a peer: its data may no longer be kept, or its registration has ended.
    virtual result<> forget(std::string_view peer_id) = 0;
};

/// A model of the ledger. Models: memory_ledger (testing/), sqlite_ledger (reference_server/storage).
template <class L>
concept ledger = std::derived_from<L, sync_ledger>;

}  // namespace bsp
