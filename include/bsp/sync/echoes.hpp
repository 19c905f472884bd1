#pragma once

#include <bsp/policy/records.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

namespace bsp::sync {

/// Conversations whose latest changes came from one peer, so that a push there may leave them out (BSP-OFF-026).
///
/// Of such a conversation it knows an interval of commits in which nobody but the peer changed it. A push that gives
/// what was committed since some instant of that interval, and finds the conversation as it was at its end, would tell
/// the peer nothing. One further commit that is not noted here, and the conversation is pushed again.
///
/// It is kept in memory and bounded: what it does not know is pushed, which costs an echo and nothing else.
class echoes {
public:
    static constexpr std::size_t max = 1'000;  ///< conversations that are remembered

    /// The peer's page changed the conversation in the commit `at`, and nobody did between `quiet_since` and that.
    void note(std::string const& conversation_id, instant quiet_since, instant at) {
        auto const known = intervals_.find(conversation_id);
        if (known == intervals_.end()) {
            if (intervals_.size() < max) intervals_.emplace(conversation_id, interval{quiet_since, at});
            return;
        }
        bool const goes_on = known->second.last + std::chrono::nanoseconds{1} == quiet_since;
        known->second = {goes_on ? known->second.first : quiet_since, at};
    }

    /// It must be pushed.
    void forget(std::string const& conversation_id) { intervals_.erase(conversation_id); }
    /// What ended before `since` will not be met again.
    void forget_before(instant since) {
        std::erase_if(intervals_, [&](auto const& known) { return known.second.last < since; });
    }
    void clear() { intervals_.clear(); }

    /// Whether the peer knows all of the conversation that was committed at or after `since`.
    [[nodiscard]] bool hold(changed_conversation const& c, instant since) const {
        auto const known = intervals_.find(c.head.conversation_id);
        return known != intervals_.end() && known->second.last == c.changed_at && since >= known->second.first;
    }

private:
    struct interval {
        instant first, last;
    };
    std::map<std::string, interval> intervals_;
};

}  // namespace bsp::sync
