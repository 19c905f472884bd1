#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/merge/join.hpp>
#include <bsp/policy/store.hpp>
#include <bsp/wire/conversation.hpp>
#include <bsp/wire/sync_ack.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::endpoint {

namespace detail {

/// What joining one conversation's messages does to the store.
struct message_changes {
    std::vector<merge::message> winners;  ///< versions that were not held before
    std::vector<merge::message> losers;   ///< versions that diverged from a winner (A-176)
};

/// Joins the messages pushed with those held, and notes every divergence from what was held
/// (BSP-MRG-060 … BSP-MRG-062).
inline message_changes join_messages(std::string const& conversation_id, std::vector<merge::message> pushed,
                                     std::vector<merge::message> const& held_list, instant at, std::vector<wire::conflict>& conflicts) {
    std::map<std::string_view, merge::message const*> held;
    for (auto const& m : held_list) held.emplace(m.id, &m);
    std::vector<merge::message> diverged;  // copies, for what does not diverge is moved into the store's hands
    for (auto const& m : pushed)
        if (auto const before = held.find(m.id); before != held.end() && merge::diverged(*before->second, m)) diverged.push_back(m);

    message_changes changes;
    for (auto& joined : merge::join(std::move(pushed))) {
        auto const before = held.find(joined.id);
        joined.first_received = before == held.end() ? at : before->second->first_received;
        if (before == held.end() || merge::compare(*before->second, joined) < 0) changes.winners.push_back(std::move(joined));
    }
    for (auto const& m : diverged) {
        auto const& local = *held.at(m.id);
        bool const local_stands = !std::ranges::binary_search(changes.winners, m.id, {}, &merge::message::id);  // in the order of ids
        conflicts.push_back({.conversation_id = conversation_id,
                             .message_id = m.id,
                             .local_version = local.version,
                             .incoming_version = m.version,
                             .type = wire::conflict::kind::diverged_messages,
                             .incoming_won = !local_stands});
        changes.losers.push_back(merge::compare(local, m) < 0 ? local : m);
        changes.losers.back().first_received = local.first_received;
    }
    return changes;
}

inline bool is_deleted_now(std::string const& id, std::vector<merge::message> const& winners, std::vector<merge::message> const& held) {
    if (auto const won = std::ranges::find(winners, id, &merge::message::id); won != winners.end()) return won->deleted;
    auto const stays = std::ranges::find(held, id, &merge::message::id);
    return stays != held.end() && stays->deleted;
}

}  // namespace detail

/// Joins one write into the user's state: reads and writes the rows it touches and no others, so the cost
/// does not depend on the conversation's length. What was known already leaves no trace, so repetition
/// does not stir the change feed (BSP-SYN-109). By how much the greatest version seen in the conversation has grown, 0 where none
/// had been seen.
inline result<std::int64_t> join_into(tenant_writer& mine, wire::conversation_write write, instant at,
                          std::vector<wire::conflict>& conflicts) {
    std::string const& id = write.head.conversation_id;
    BSP_TRY(auto const held_head, mine.head(id));
    std::vector<std::string> ids;
    ids.reserve(write.messages.size());
    for (auto const& m : write.messages) ids.push_back(m.id);
    BSP_TRY(auto const held, mine.messages(id, ids));

    auto const changes = detail::join_messages(id, std::move(write.messages), held, at, conflicts);
    std::int64_t const step = held_head ? write.head.version_seen - held_head->version_seen : 0;
    merge::conversation_head head = held_head ? merge::join(*held_head, write.head) : write.head;
    if (held_head && held_head->scalars.deleted && !head.scalars.deleted) head.revived_at = at;
    if (held_head && held_head->scalars.version == write.head.scalars.version && merge::compare(write.head.scalars, held_head->scalars) < 0)
        conflicts.push_back({.conversation_id = id,
                             .message_id = std::nullopt,
                             .local_version = held_head->scalars.version,
                             .incoming_version = write.head.scalars.version,
                             .type = wire::conflict::kind::stale_metadata,
                             .incoming_won = false});

    if (!held_head || head != *held_head || !changes.winners.empty()) {
        BSP_CHECK(mine.put_head(head, at));
        // With a message go the versions that lost to it, so that none is shown should it be written again (BSP-CNV-023).
        std::vector<std::string> deleted;
        for (auto const& w : changes.winners)
            if (w.deleted) deleted.push_back(w.id);
        if (!deleted.empty()) BSP_CHECK(mine.remove_losers_of(id, deleted));
        if (!changes.winners.empty()) BSP_CHECK(mine.put_messages(id, changes.winners, at));
    }
    for (auto const& loser : changes.losers)
        if (!detail::is_deleted_now(loser.id, changes.winners, held)) BSP_CHECK(mine.put_loser(id, loser, at));
    return std::max<std::int64_t>(step, 0);
}

}  // namespace bsp::endpoint
