#pragma once

#include <bsp/policy/limiter.hpp>
#include <bsp/policy/store.hpp>

#include <string>
#include <string_view>

namespace bsp {

/// Counts in the store, so that several instances over one store share their budgets, and none is given twice by a
/// restart. A request costs one small row, the same for every caller.
class store_limiter final : public limiter_base {
public:
    explicit store_limiter(store_base& store) : store_{store} {}

    result<limit_verdict> take(rate const& r, std::string_view who, instant now) override {
        BSP_TRY(rate_window const window, store_.write_volatile([&](store_writer& w) { return w.count_request(std::string{r.kind} + ' ' + std::string{who}, r.window, now); }));
        return judge(r, window, now);
    }

private:
    store_base& store_;
};
static_assert(limiter<store_limiter>);

}  // namespace bsp
