#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/merge/order.hpp>
#include <bsp/policy/store.hpp>
#include <bsp/wire/conversation.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace bsp::endpoint {

/// How many messages, or conversations, to ask a store for at once, so that large ones stay small in memory: a step of 16, then
/// as many as fit `bytes_wanted` at the average seen.
class step_size {
public:
    [[nodiscard]] std::size_t next(std::size_t bytes_wanted) const {
        if (rows_ == 0) return 16;
        return std::clamp<std::size_t>(bytes_wanted / (bytes_ / rows_ + 1), 16, 1'000);
    }
    void seen(std::string_view body) { ++rows_, bytes_ += body.size(); }

private:
    std::size_t rows_ = 0, bytes_ = 0;
};

/// How much is read from the store at once.
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
            step.seen(m.body);
            f(m);
        }
        if (page.size() < asked) return ok();
        after = position{page.back().timestamp, page.back().id};
    }
}

/// Calls `f(conversation_head const&)` for the user's conversations after `after` in the order of their ids, as long as it
/// says true; at most `at_once` are read ahead.
template <class F>
result<> for_each_head(tenant_reader& mine, std::string after, F&& f, std::size_t at_once = limits::page_items_max) {
    for (step_size step;;) {
        std::size_t const asked = std::min(at_once, step.next(step_bytes));
        BSP_TRY(auto const page, mine.heads(after, asked));
        for (auto const& head : page) {
            step.seen(head.scalars.body);
            BSP_TRY(bool const goes_on, f(head));
            if (!goes_on) return ok();
        }
        if (page.size() < asked) return ok();
        after = page.back().conversation_id;
    }
}

}  // namespace bsp::endpoint
