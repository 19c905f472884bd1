#pragma once

#include "../surroundings.hpp"
#include "as_client.hpp"
#include "telemetry.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

/// How a target sends telemetry, as the other backend sees it. Nothing obliges a backend to tell of anything; whoever does
/// is judged by how. It may open streams when it likes, several of them, and send one event at a time or many.
namespace bsp::conformance {

inline constexpr unsigned as_teller = as_client;

/// The longest pause that a client may make is 64 s.
inline constexpr milliseconds in_the_end{75'000};

/// Whose peers the stand-ins are where there are several: the last user, as many checks of other things have the first.
inline user_account const& teller_of(scenario& s) { return s.shared().options.users.back(); }

/// Writes, because an exchange is what a target has to tell of, until `holds` says yes.
inline bool provoke(scenario& s, stand_in const& b, milliseconds patience, std::function<bool()> const& holds) {
    auto const end = std::chrono::steady_clock::now() + patience;
    do {
        write(s, b.user(), s.fresh("told"));
        if (b.until(milliseconds{1'000}, holds)) return true;
    } while (std::chrono::steady_clock::now() < end);
    return holds();
}

/// The stream ends as soon as nothing is said on it.
inline void break_streams(stand_in& b) {
    b.on_silence([](std::size_t) { return event_reaction{.cut = true}; });
}

/// Withholds the acknowledgement of all that comes on the stream of the next event, and ends that stream after a while.
/// Afterwards, and on other streams, every event is acknowledged.
class withholding {
public:
    struct options {
        milliseconds time{2'500};
        event_reaction end{.cut = true};
        /// What the n-th event gets instead; nothing: silence.
        std::function<event_reaction(told_event const&, std::size_t n)> meanwhile = {};
    };

private:
    struct state {
        mutable std::mutex mutex;
        options how;
        bool begun = false, over = false;
        std::size_t stream = 0, count = 0;
        moment from, until;

        [[nodiscard]] bool is_due() const { return std::chrono::steady_clock::now() >= from + how.time; }
        event_reaction finish() {
            over = true;
            until = std::chrono::steady_clock::now();
            return how.end;
        }
    };
    template <class Question>
    auto locked(Question ask) const {
        std::lock_guard const lock{state_->mutex};
        return ask(*state_);
    }

public:
    withholding(stand_in& b, options o) : b_{b}, state_{std::make_shared<state>()} {
        state_->how = std::move(o);
        b.on_event([s = state_](told_event const& e) {
            std::lock_guard const lock{s->mutex};
            if (s->over || (s->begun && s->stream != e.stream)) return stand_in::acked(e);
            if (!s->begun) s->begun = true, s->stream = e.stream, s->from = e.at;
            auto const n = s->count++;
            return s->is_due() ? s->finish() : s->how.meanwhile ? s->how.meanwhile(e, n) : event_reaction{};
        });
        b.on_silence([s = state_](std::size_t stream) {
            std::lock_guard const lock{s->mutex};
            return s->begun && !s->over && s->stream == stream && s->is_due() ? s->finish() : event_reaction{};
        });
    }
    ~withholding() { stop(); }
    withholding(withholding const&) = delete;
    withholding& operator=(withholding const&) = delete;

    /// Everything is acknowledged again.
    void stop() {
        b_.on_event({}), b_.on_silence({});
    }

    [[nodiscard]] bool begun() const { return locked([](state const& s) { return s.begun; }); }
    [[nodiscard]] bool over() const { return locked([](state const& s) { return s.over; }); }
    [[nodiscard]] moment from() const { return locked([](state const& s) { return s.from; }); }
    [[nodiscard]] std::size_t stream() const { return locked([](state const& s) { return s.stream; }); }
    [[nodiscard]] bool target_ended() const {
        auto const all = b_.streams();
        return begun() && std::any_of(all.begin(), all.end(), [&](arrival const& a) { return a.number == stream() && a.target_ended; });
    }
    /// What came on that stream from then on.
    [[nodiscard]] std::vector<told_event> withheld() const {
        auto all = b_.events();
        std::erase_if(all, [&](told_event const& e) { return e.stream != stream() || e.at < from(); });
        return all;
    }
    [[nodiscard]] std::vector<told_event> unanswered() const {
        auto all = withheld();
        std::erase_if(all, [](told_event const& e) { return e.answered; });
        return all;
    }
    /// What came on other streams since.
    [[nodiscard]] std::vector<told_event> afterwards() const {
        auto all = b_.events();
        std::erase_if(all, [&](told_event const& e) { return e.stream == stream() || e.at < from(); });
        return all;
    }
    /// Whether it was the only stream all the time: several have no order among them.
    [[nodiscard]] bool alone() const {
        auto const end = over() ? locked([](state const& s) { return s.until; }) : std::chrono::steady_clock::now();
        auto const all = b_.streams();
        return std::none_of(all.begin(), all.end(), [&](arrival const& a) { return a.number != stream() && a.status == 101 && a.at < end && (!a.over || *a.over > from()); });
    }

private:
    stand_in& b_;
    std::shared_ptr<state> state_;
};

/// Answers `rate_limited` to every event until a moment that depends on when the first of them came, and acknowledges the
/// later ones.
class limiting {
    struct state {
        std::mutex mutex;
        moment over{};
        std::vector<told_event> limited;
    };

public:
    limiting(stand_in& b, std::function<moment(moment)> until) : b_{b}, state_{std::make_shared<state>()} {
        b.on_event([s = state_, until = std::move(until)](told_event const& e) {
            std::lock_guard const lock{s->mutex};
            if (s->limited.empty()) s->over = until(e.at);
            auto const left = std::chrono::ceil<milliseconds>(s->over - std::chrono::steady_clock::now()).count();
            if (left <= 0) return stand_in::acked(e);
            s->limited.push_back(e);
            return stand_in::answered(stand_in::answer("rate_limited", e.id(), {{"retry_after_ms", left}}));
        });
    }
    ~limiting() { b_.on_event({}); }
    limiting(limiting const&) = delete;
    limiting& operator=(limiting const&) = delete;

    [[nodiscard]] std::vector<told_event> limited() const {
        std::lock_guard const lock{state_->mutex};
        return state_->limited;
    }
    [[nodiscard]] moment over() const {
        std::lock_guard const lock{state_->mutex};
        return state_->over;
    }

private:
    stand_in& b_;
    std::shared_ptr<state> state_;
};

inline bool holds_event(std::vector<told_event> const& all, std::string_view id) {
    return std::any_of(all.begin(), all.end(), [&](told_event const& e) { return e.id() == id; });
}

/// The ids in the order in which each came first.
inline std::vector<std::string> ids_in_order(std::vector<told_event> const& all) {
    std::vector<std::string> out;
    for (auto const& e : all)
        if (std::find(out.begin(), out.end(), e.id()) == out.end()) out.push_back(e.id());
    return out;
}

/// All of `due` come again among `later()`, in their order, before anything new, and as they were.
inline void come_again(scenario& s, stand_in const& b, std::vector<told_event> const& due, std::function<std::vector<told_event>()> const& later, bool in_order, std::string const& after, milliseconds patience = in_the_end) {
    s.control(!due.empty(), "an event that waits for its answer");
    auto const ids = ids_in_order(due);
    bool const came = provoke(s, b, patience, [&] {
        auto const now = later();
        return std::all_of(ids.begin(), ids.end(), [&](auto const& id) { return holds_event(now, id); });
    });
    auto const all = later();
    auto const again = ids_in_order(all);
    auto const shown = std::vector<std::string>(again.begin(), again.begin() + static_cast<std::ptrdiff_t>(std::min(again.size(), ids.size() + 2)));
    s.expect(came, "every unanswered event again, with its event_id, " + after + ": " + show(ids), again.empty() ? "none within " + seconds_text(patience) : show(shown));
    if (in_order) s.expect(std::equal(ids.begin(), ids.end(), again.begin()), "the unanswered events in their old places, " + after + ": " + show(ids), show(shown));
    for (auto const& old : due)
        for (auto const& e : all)
            if (e.id() == old.id()) s.expect(same_value(old.body, e.body), "the event as it was when it is sent again: " + old.text, e.text);
}

}  // namespace bsp::conformance
