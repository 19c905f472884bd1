#pragma once

#include <bsp/wire/alerts.hpp>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bsp::observe {

/// Something that is wrong at the moment: of which type, with which peer ("" with none), and how wrong.
struct trouble {
    wire::alert_type type{};
    std::string peer_id;
    double value = 0;
    double threshold = 0;
};

/// An alert began, or ended.
struct alert_event {
    enum class kind : std::uint8_t { raised, cleared };

    kind what = kind::raised;
    wire::alert alert;  ///< with its last value
    instant at;
};

/// Where events of alerts go. Called one at a time, and to return soon.
using alert_sink = std::function<void(alert_event const&)>;

/// The alerts (chapter 19.4): each begins once, lasts as long as its trouble and ends with it. Reads no clock; whoever
/// looks at the peers tells it what is wrong and takes the events.
class alert_book {
public:
    /// Since when a trouble that is new at `now` lasts: others may have known of it before.
    using since_source = std::function<instant(trouble const&, instant now)>;

    void set_since(since_source source) { since_ = std::move(source); }

    /// All that is wrong at `now`; what is not named any more has ended.
    void handle_troubles(std::span<trouble const> troubles, instant now) {
        std::map<key, wire::alert> next;
        for (auto const& t : troubles) {
            key const k{t.type, t.peer_id};
            auto const held = standing_.find(k);
            bool const is_new = held == standing_.end();
            wire::alert const a{t.type, t.peer_id, t.value, t.threshold, is_new ? since(t, now) : held->second.raised_at};
            if (next.emplace(k, a).second && is_new) events_.push_back({alert_event::kind::raised, a, now});
        }
        for (auto const& [k, a] : standing_)
            if (!next.contains(k)) events_.push_back({alert_event::kind::cleared, a, now});
        standing_ = std::move(next);
    }

    /// What has begun or ended, in that order of time, until there is nothing more.
    std::optional<alert_event> poll_event() {
        if (events_.empty()) return std::nullopt;
        alert_event e = std::move(events_.front());
        events_.pop_front();
        return e;
    }

    /// What is wrong now, by type and peer.
    [[nodiscard]] std::vector<wire::alert> standing() const {
        std::vector<wire::alert> all;
        for (auto const& [k, a] : standing_) all.push_back(a);
        return all;
    }

private:
    using key = std::pair<wire::alert_type, std::string>;

    [[nodiscard]] instant since(trouble const& t, instant now) const { return since_ ? since_(t, now) : now; }

    std::map<key, wire::alert> standing_;
    std::deque<alert_event> events_;
    since_source since_;
};

}  // namespace bsp::observe
