#include "logged_ledger.hpp"

#include <spdlog/spdlog.h>

namespace bsp::server {

result<> logged_ledger::save(peer_progress const& progress, std::optional<sync_occurrence> const& occurrence) {
    if (occurrence) {
        auto const& o = *occurrence;
        auto const& n = progress.counters;
        switch (o.what) {
            case sync_occurrence::kind::pushed: spdlog::info("sync {}: pushed {} conversations, {} messages", progress.peer_id, o.conversations, o.messages); break;
            case sync_occurrence::kind::pulled: spdlog::info("sync {}: pulled {} conversations, {} messages", progress.peer_id, o.conversations, o.messages); break;
            case sync_occurrence::kind::failed:
                spdlog::warn("sync {}: {} (failed so far: {} pushes, {} pulls)", progress.peer_id, o.error, n.pushes_failed, n.pulls_failed);
                break;
            case sync_occurrence::kind::refused: spdlog::warn("sync {}: a conversation is refused, and tried again later: {}", progress.peer_id, o.error); break;
            case sync_occurrence::kind::began_anew: spdlog::info("sync {}: begins anew, the peer's store is another one", progress.peer_id); break;
        }
    }
    result<> saved = kept_.save(progress, occurrence);
    if (saved && occurrence) heard_(progress.peer_id, *occurrence);
    return saved;
}

}  // namespace bsp::server
