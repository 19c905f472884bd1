#pragma once

#include <bsp/json/parse.hpp>
#include <bsp/sync/outgoing.hpp>

#include <string>
#include <utility>

namespace bsp::sync {

/// Watches whether one backend can be reached: `GET /health` every 10 seconds, 5 seconds for the answer, and
/// only a healthy backend's own words count. Nothing is known before the first answer.
class network_monitor {
public:
    explicit network_monitor(std::string health_url) : url_{std::move(health_url)} {}

    [[nodiscard]] bool is_reachable() const { return reachable_; }

    std::optional<outgoing> poll_request(own_backend& self, moment now) {
        if (flight_.is_overdue(now)) handle_silence(flight_.id());
        if (flight_.is_up() || (next_ && now.steady < *next_)) return std::nullopt;
        auto out = self.request("GET", url_, "", now.steady + limits::health_timeout);
        next_ = now.steady + limits::health_period;
        flight_.begin(out);
        return out;
    }

    /// Somebody wants to know now.
    void handle_impatience() { next_.reset(); }

    [[nodiscard]] timeout poll_timeout() const { return flight_.is_up() ? flight_.deadline() : next_; }

    void handle_response(std::uint64_t id, http_response const& response) {
        if (flight_.end(id)) reachable_ = is_healthy(response);
    }

    void handle_silence(std::uint64_t id) {
        if (flight_.end(id)) reachable_ = false;
    }

    /// The login page of a hotel answers 200, too.
    static bool is_healthy(http_response const& response) {
        if (response.status != 200) return false;
        auto const body = json::parse(response.body);
        auto const* object = body ? body->if_object() : nullptr;
        auto const* status = object ? json::find_string(*object, "status") : nullptr;
        return status && json::view(*status) == "healthy";
    }

private:
    std::string url_;
    bool reachable_ = false;
    flight flight_;
    timeout next_;  ///< of the next check; nothing before the first
};

}  // namespace bsp::sync
