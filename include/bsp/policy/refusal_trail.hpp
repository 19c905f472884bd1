#pragma once

#include <bsp/policy/audit.hpp>
#include <bsp/policy/store.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace bsp {

/// Puts refusals into the audit trail, which nobody has committed anything for. What anyone may cause without proving
/// who he is must not grow storage: of refusals that agree in type, peer and reason the first is written at once, and
/// the others of the same minute as one entry with their number (BSP-AUD-013). Nothing is lost from the count.
/// Safe to call from several threads; the trail is written to outside of its lock.
class refusal_trail {
public:
    explicit refusal_trail(store_base& store) : store_{store} {}

    /// `e.peer_id` must be that of a registration, so that the kinds of refusals are limited.
    void note(audit_event const& e) {
        std::vector<audit_event> due;
        {
            std::lock_guard const lock{mutex_};
            auto& w = windows_[{e.type, e.peer_id, e.reason}];
            bool const is_open = w.begin && e.at >= *w.begin && e.at < *w.begin + joined_for;
            if (is_open) {
                ++w.more;
                w.last = e.at;
                return;
            }
            if (w.more > 0) due.push_back(joined(e.type, e.peer_id, e.reason, w));
            w = {e.at, 0, e.at};
            due.push_back(e);
        }
        write(due);
    }

    /// Writes what is still counted, of windows that have ended or, if `all`, of every one.
    void flush(instant now, bool all) {
        std::vector<audit_event> due;
        {
            std::lock_guard const lock{mutex_};
            for (auto at = windows_.begin(); at != windows_.end();) {
                auto& [key, w] = *at;
                bool const past = now < *w.begin || now >= *w.begin + joined_for;
                if (w.more > 0 && (past || all)) {
                    due.push_back(joined(std::get<0>(key), std::get<1>(key), std::get<2>(key), w));
                    w.more = 0;
                }
                at = past ? windows_.erase(at) : std::next(at);
            }
        }
        write(due);
    }

private:
    static constexpr std::chrono::seconds joined_for{60};

    struct window {
        std::optional<instant> begin;
        std::int64_t more = 0;  ///< after the first, not yet written
        instant last;
    };

    static audit_event joined(audit_type type, std::string const& peer_id, std::optional<errc> reason, window const& w) {
        return {.type = type, .at = w.last, .peer_id = peer_id, .reason = reason, .counts = {{"count", w.more}}};
    }

    /// A store that cannot be written to is told of by the request that needs it.
    void write(std::vector<audit_event> const& events) {
        if (events.empty()) return;
        (void)store_.write([&](store_writer& w) -> result<> {
            for (auto const& e : events) BSP_CHECK(w.append_audit(e));
            return ok();
        });
    }

    store_base& store_;
    std::mutex mutex_;
    std::map<std::tuple<audit_type, std::string, std::optional<errc>>, window> windows_;
};

}  // namespace bsp
