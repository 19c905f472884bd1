#pragma once

#include "states.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

/// What the faults of two features that meet share.
namespace bsp::faulty {

/// Where a request goes.
enum class door_of { anywhere, settings, exports, erasure, events, metrics, digest, upgrade, removal, peers };

inline door_of destination(call const& c) {
    auto const& s = c.segments;
    if (s.empty()) return door_of::anywhere;
    if (s[0] == "privacy-settings") return door_of::settings;
    if (s[0] == "privacy" && s.size() == 2) return s[1] == "export" ? door_of::exports : door_of::erasure;
    if (s[0] == "telemetry" && s.size() == 2) return s[1] == "events" ? door_of::events : door_of::upgrade;
    if (s[0] == "sync" && s.size() == 3) return s[1] == "metrics" ? door_of::metrics : door_of::digest;
    if (s[0] == "peers") return s.size() == 1 ? door_of::peers : c.request.method == "DELETE" ? door_of::removal : door_of::anywhere;
    return door_of::anywhere;
}

/// The correct backend, which knows what it is asked for and which pulls it holds.
struct crossing_backend : knowing_backend {
    using knowing_backend::knowing_backend;

    answer dispatch(call& c) override {
        serving_ = &c;
        answer out = knowing_backend::dispatch(c);
        if (serving_ == &c) serving_ = nullptr;
        return out;
    }
    answer hold(call const& c, feed_query const& asked) override {
        held_pulls_.insert(&asked);
        answer out = knowing_backend::hold(c, asked);
        held_pulls_.erase(&asked);
        return out;
    }

protected:
    using owner = std::pair<std::string, std::string>;  ///< user_id and backend_id of a registration

    [[nodiscard]] bool is_at(door_of d) const { return serving_ && destination(*serving_) == d; }
    [[nodiscard]] static owner owner_of_peer(peer_record const& p) { return {p.user_id, p.backend_id}; }

    call const* serving_ = nullptr;
    std::set<feed_query const*> held_pulls_;
};

}  // namespace bsp::faulty
