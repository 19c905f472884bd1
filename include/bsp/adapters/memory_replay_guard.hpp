#pragma once

#include <bsp/policy/replay_guard.hpp>

#include <cstddef>
#include <mutex>
#include <queue>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp {

/// Remembers up to `claims_max` assertions until they expire. When full it refuses: an assertion that
/// could not be remembered could be repeated.
class memory_replay_guard {
public:
    explicit memory_replay_guard(std::size_t claims_max = 1'000'000) : claims_max_{claims_max} {}

    bool claim(std::string_view issuer, std::string_view jti, instant expires_at, instant now) {
        std::lock_guard const lock{mutex_};
        for (; !expiries_.empty() && expiries_.top().first <= now; expiries_.pop()) claims_.erase(expiries_.top().second);
        if (claims_.size() >= claims_max_) return false;
        auto const [at, first] = claims_.emplace(std::pair{std::string{issuer}, std::string{jti}});
        if (first) expiries_.emplace(expires_at, at);
        return first;
    }

private:
    using claims = std::set<std::pair<std::string, std::string>>;
    struct later {
        bool operator()(auto const& a, auto const& b) const { return a.first > b.first; }
    };

    std::size_t claims_max_;
    std::mutex mutex_;
    claims claims_;
    std::priority_queue<std::pair<instant, claims::iterator>, std::vector<std::pair<instant, claims::iterator>>, later> expiries_;
};
static_assert(replay_guard<memory_replay_guard>);

}  // namespace bsp
