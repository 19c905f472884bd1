#pragma once

#include <bsp/merge/order.hpp>
#include <bsp/policy/store.hpp>
#include <bsp/wire/conversation.hpp>

#include <algorithm>
#include <cstddef>

namespace bsp::endpoint {

/// How many messages to ask a store for at once, so that a page of large messages stays small in memory:
/// a step of 16, then as many as fit `bytes_wanted` at the average seen.
class step_size {
public:
    [[nodiscard]] std::size_t next(std::size_t bytes_wanted) const {
        if (messages_ == 0) return 16;
        return std::clamp<std::size_t>(bytes_wanted / (bytes_ / messages_ + 1), 16, 1'000);
    }
    void seen(merge::message const& m) { ++messages_, bytes_ += m.body.size(); }

private:
    std::size_t messages_ = 0, bytes_ = 0;
};

/// How much of a conversation is read from the store at once.
inline constexpr std::size_t step_bytes = 1u << 20;

/// Calls `f(message const&)` for every message of a conversation in the order of reading, tombstones included.
template <class F>
result<> for_each_message(tenant_reader& mine, std::string_view conversation_id, F&& f) {
    std::optional<position> after;
    step_size step;
    for (;;) {
        std::size_t const asked = step.next(step_bytes);
        BSP_TRY(auto const page, mine.messages_in_order(conversation_id, after, asked));
        for (auto const& m : page) {
            step.seen(m);
            f(m);
        }
        if (page.size() < asked) return ok();
        after = position{page.back().timestamp, page.back().id};
    }
}

}  // namespace bsp::endpoint
