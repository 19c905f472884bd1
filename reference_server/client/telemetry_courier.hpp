#pragma once

#include "event_streams.hpp"

#include <bsp/sync/telemetry_sender.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace bsp::server {

/// Tells the peers by telemetry of what was exchanged with them (section 10.7, chapter 11): an event is queued in the
/// ledger, and leaves on the stream that is kept open to each peer that may be dialled. For one thread at a time.
class telemetry_courier {
public:
    /// A push that was acknowledged, or a page that brought something.
    struct exchange {
        std::string peer_id;
        sync_occurrence what;
        std::chrono::nanoseconds latency{};  ///< from the request to its answer
    };

    /// `wake` is called from another thread when a turn is due; `ca_file`: as of dialer.
    telemetry_courier(sync::own_backend self, std::string const& ca_file, std::function<void()> wake);

    /// As scheduler::handle_key.
    void handle_key(rsa_private_key key, std::optional<sync::replaced_key> replaced);

    /// The registrations whose events may be sent; what is open to others is closed.
    void handle_peers(std::vector<peer_record> const& peers);

    /// Queues an event that counts what was exchanged and tells nothing of its content; for a peer that offers no
    /// telemetry, nothing.
    void queue(exchange const& e, sync::moment now);

    /// Takes in what came, sends what is due. When the next turn is wanted if nothing happens before.
    sync::timeout turn(sync::moment now);

    /// Gives up all streams, within milliseconds. What was not acknowledged is sent after the next start.
    void stop();

private:
    struct line {
        line(sync::own_backend& self, peer_record const& peer) : box{self, peer.user_id, peer.peer_id, peer.backend_type}, sender{self, box, peer} {}
        sync::outbox box;
        sync::telemetry_sender sender;
        std::uint64_t stream = 0;  ///< the last one that was opened
        std::string told;          ///< the last trouble that was logged
    };

    void take_in(sync::moment now);
    void handle(line& l, event_streams::tiding const& t, sync::moment now);
    static void log_trouble(std::string const& peer_id, line& l);

    sync::own_backend self_;
    std::string const label_;  ///< of this run of the process, as the `session_id` of events
    std::map<std::string, std::unique_ptr<line>> lines_;  ///< by our peer_id

    std::mutex mutex_;
    std::vector<event_streams::tiding> tidings_;
    std::function<void()> const wake_;
    event_streams streams_;
};

}  // namespace bsp::server
