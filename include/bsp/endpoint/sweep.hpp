#pragma once

#include <bsp/endpoint/emit.hpp>
#include <bsp/endpoint/kept_view.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// How far the sweep of one user has come.
struct sweep_place {
    std::string after;  ///< conversations up to this id were looked at
    bool done = false;
    std::int64_t conversations = 0, messages = 0, events = 0;  ///< that the last transaction removed
};

/// Removes some of what has expired of one user: `limit` messages, `limit` events, and the conversations that show nothing
/// any more among the next `limit`. Nobody sees a difference; it is the disk that forgets. To be called in
/// transactions of its own until `done`.
inline result<sweep_place> sweep(tenant_writer& mine, sweep_place place, instant now, std::size_t limit) {
    BSP_TRY(auto const settings, mine.privacy());
    auto const e = privacy::expiry::of(settings, now);
    place.conversations = place.messages = place.events = 0;
    BSP_CHECK(mine.remove_losers(e.data_until));
    BSP_TRY(auto const expired, mine.expired_messages(e, limit));
    std::map<std::string, std::vector<std::string>> ids;
    for (auto const& m : expired) {
        ids[m.conversation_id].push_back(m.id);
        // Edited late in its life: by its timestamp alone nobody would know it as expired when it comes back.
        if (m.timestamp > e.data_until) BSP_CHECK(mine.put_departed(m.conversation_id, m.id, {departure::why::expired, m.version}));
    }
    for (auto const& [conversation_id, gone] : ids) BSP_CHECK(mine.remove_messages(conversation_id, gone));
    BSP_TRY(std::size_t const events, mine.remove_events(e.data_until, limit));
    place.messages = static_cast<std::int64_t>(expired.size());
    place.events = static_cast<std::int64_t>(events);
    if (expired.size() == limit || events == limit) return place;

    std::size_t seen = 0;
    auto const look_at = [&](merge::conversation_head const& head) -> result<bool> {
        BSP_TRY(bool const kept, is_kept(mine, head, e));
        if (!kept) BSP_CHECK(mine.remove_conversation(head.conversation_id));
        place.conversations += !kept;
        place.after = head.conversation_id;
        return ++seen < limit;
    };
    BSP_CHECK(for_each_head(mine, place.after, look_at, limit));
    place.done = seen < limit;
    return place;
}

/// The same of a user of the store, with what was removed in the audit trail of the same transaction.
inline result<sweep_place> sweep(store_writer& w, std::string const& user_id, sweep_place place, instant now, std::size_t limit) {
    BSP_TRY(place, sweep(w.tenant(user_id), std::move(place), now, limit));
    if (place.conversations + place.messages + place.events > 0)
        BSP_CHECK(w.append_audit({.type = audit_type::retention_enforced, .at = now, .user_id = user_id,
                                  .counts = {{"conversations", place.conversations}, {"messages", place.messages}, {"telemetry_events", place.events}}}));
    return place;
}

}  // namespace bsp::endpoint
