#pragma once

#include <bsp/base/instant.hpp>
#include <bsp/base/limits.hpp>
#include <bsp/base/result.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

/// Rate limits (chapter 14): how many requests of a kind somebody may make in how long a time.
namespace bsp {

/// A budget of one kind. Windows begin with the first request after the one before has ended; each passes `requests_max`.
/// So whoever keeps to the budget is never stopped, and no time as long as a window sees more than twice as many.
struct rate {
    std::string_view kind;  ///< budgets of different kinds are counted apart
    std::size_t requests_max = 0;
    std::chrono::seconds window{};
};

inline constexpr rate push_rate{"push", 100, std::chrono::seconds{60}};                                  ///< of a peer (A-114)
inline constexpr rate event_rate{"event", limits::events_per_window_max, limits::events_window};         ///< of a peer (A-116)
inline constexpr rate source_rate{"source", 600, std::chrono::seconds{60}};                              ///< of an address, for what nobody has proven (A-115)

struct limit_verdict {
    std::chrono::milliseconds retry_after{};  ///< zero: within the budget
    bool persistent = false;                  ///< has gone on for a whole budget more (BSP-TEL-124)

    [[nodiscard]] bool passes() const { return retry_after.count() == 0; }
};

/// The requests of somebody in the window that is open now.
struct rate_window {
    instant begin;
    std::uint64_t count = 0;

    /// A window has ended when its time has passed, or when the clock was set back.
    [[nodiscard]] bool is_past(std::chrono::seconds length, instant now) const { return now >= begin + length || now < begin; }
};

/// What a window that already counts the request says of it.
inline limit_verdict judge(rate const& r, rate_window const& w, instant now) {
    using namespace std::chrono;
    if (w.count <= r.requests_max) return {};
    instant const end = w.begin + r.window;
    auto const left = seconds{end.seconds - now.seconds} + nanoseconds{static_cast<std::int64_t>(end.nanoseconds) - static_cast<std::int64_t>(now.nanoseconds)};
    return {std::max(milliseconds{1}, ceil<milliseconds>(left)), w.count > 2 * std::uint64_t{r.requests_max}};
}

/// Base of limiters. `take` counts one request of `who` and says whether it is within the budget; safe to call from
/// several threads. Counts may be lost with the process. Costs the same however many requests were counted.
class limiter_base {
public:
    virtual ~limiter_base() = default;
    virtual result<limit_verdict> take(rate const& r, std::string_view who, instant now) = 0;
};

/// A model of rate limits. Models: window_limiter (below), store_limiter (policy/store_limiter.hpp).
template <class L>
concept limiter = std::derived_from<L, limiter_base>;

/// Counts in memory. It holds `windows_max` windows at most; when so many are open, further callers of a kind share one.
class window_limiter final : public limiter_base {
public:
    explicit window_limiter(std::size_t windows_max = 100'000) : windows_max_{windows_max} {}

    result<limit_verdict> take(rate const& r, std::string_view who, instant now) override {
        std::lock_guard const lock{mutex_};
        sweep(now);
        auto at = windows_.find(std::pair{r.kind, who});
        if (at == windows_.end() && windows_.size() >= windows_max_) who = {};
        if (at == windows_.end()) at = windows_.try_emplace({std::string{r.kind}, std::string{who}}, open{{now, 0}, r.window}).first;
        auto& window = at->second.window;
        if (window.is_past(r.window, now)) window = {now, 0};
        ++window.count;
        return judge(r, window, now);
    }

private:
    struct open {
        rate_window window;
        std::chrono::seconds length;
    };
    struct by_kind_and_who {
        using is_transparent = void;
        bool operator()(auto const& a, auto const& b) const {
            int const kinds = std::string_view{a.first}.compare(b.first);
            return kinds != 0 ? kinds < 0 : std::string_view{a.second} < std::string_view{b.second};
        }
    };

    /// Forgets what is past, at most once in a second.
    void sweep(instant now) {
        if (now >= swept_at_ && now < swept_at_ + std::chrono::seconds{1}) return;
        swept_at_ = now;
        std::erase_if(windows_, [&](auto const& entry) { return entry.second.window.is_past(entry.second.length, now); });
    }

    std::size_t windows_max_;
    std::mutex mutex_;
    std::map<std::pair<std::string, std::string>, open, by_kind_and_who> windows_;
    instant swept_at_;
};
static_assert(limiter<window_limiter>);

}  // namespace bsp
