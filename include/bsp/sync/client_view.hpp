#pragma once

#include <bsp/observe/peer_view.hpp>
#include <bsp/sync/session.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace bsp::sync {

/// The code of the error registry in what the history says of a failure: of "422 invalid-body" it is the second word.
/// Whatever came without one, or did not come at all, is `unavailable`.
inline std::string code_of_failure(std::string_view said) {
    auto const space = said.find(' ');
    bool const has_status = space == 3 && std::ranges::all_of(said.substr(0, 3), [](char c) { return c >= '0' && c <= '9'; });
    std::string_view const code = has_status ? said.substr(4) : std::string_view{};
    for (auto const& row : error_rows)
        if (row.code == code) return std::string{code};
    return "unavailable";
}

/// What the client side knows of its exchange with one peer, as chapter 19 shows it: how it goes by the session, what
/// failed by the history of the ledger, what waits by the outbox.
inline result<observe::client_half> client_view(session& s, sync_ledger& ledger, moment now) {
    observe::client_half half;
    auto const& counters = s.progress().counters;
    half.pushes = counters.pushes_acknowledged;
    half.last_success = counters.last_success;
    half.attempts = static_cast<std::int64_t>(s.outcomes().size());
    half.successes = std::ranges::count(s.outcomes(), '+');
    BSP_TRY(auto const history, ledger.history(s.peer().peer_id, limits::sync_history_max));
    for (auto const& line : history) {
        bool const failed = line.what == sync_occurrence::kind::failed || line.what == sync_occurrence::kind::refused;
        if (failed && half.errors.size() < limits::errors_kept) half.errors.push_back({code_of_failure(line.error), line.at});
    }
    BSP_TRY(auto const state, s.look(now));
    half.queued = static_cast<std::int64_t>(state.due.items());
    half.oldest = state.due.oldest;
    if (state.due_since && half.oldest) half.oldest = std::min(*half.oldest, *state.due_since);
    if (state.due.events.oldest) half.oldest = half.oldest ? std::min(*half.oldest, *state.due.events.oldest) : *state.due.events.oldest;
    half.reachable = state.reachable;
    BSP_TRY(half.queue, s.box().first_due(s.progress().pushed, limits::errors_kept));
    for (auto& item : half.queue)
        if (item.type == "conversation") item.attempts = s.attempts(item.id);
    return half;
}

}  // namespace bsp::sync
