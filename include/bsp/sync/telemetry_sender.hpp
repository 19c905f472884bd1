#pragma once

#include <bsp/sync/answer.hpp>
#include <bsp/sync/outbox.hpp>
#include <bsp/sync/outgoing.hpp>
#include <bsp/sync/retry.hpp>
#include <bsp/wire/telemetry_event.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::sync {

/// Streams the telemetry events that wait in the outbox to one peer (sections 10.7 and 11.8): in the order of the queue,
/// several under way at a time, each until it is answered. What was not answered when a connection ended is sent again,
/// with the same `event_id`, in its old place.
///
/// It holds no socket. Whoever does connects when `poll_connect` says so, says how that went, passes on what
/// `poll_messages` gives and what comes back, and closes when `poll_close` says so.
class telemetry_sender {
public:
    telemetry_sender(own_backend& self, outbox& box, peer_record peer) : self_{self}, box_{box}, peer_{std::move(peer)} {}

    /// What the registration says now. Another token or address is a reason to try again.
    void handle_peer(peer_record peer) {
        bool const changed = peer.sbt_created_at != peer_.sbt_created_at || address_of(peer) != address_of(peer_);
        peer_ = std::move(peer);
        if (changed) refused_until_.reset(), retry_.reset(), is_offered_ = true, last_before_renewal_ = self_.last_request;
    }

    /// The opening handshake that is to be sent, without the fields of RFC 6455; `origin` is of http or https
    /// (BSP-REG-016). Nothing when there is nothing to send, or no way to send it now.
    std::optional<outgoing> poll_connect(moment now) {
        if (opening_.is_overdue(now)) handle_failure(opening_.id(), now);
        if (is_open_ || opening_.is_up() || retry_.waits(now) || is_before(refused_until_, now) || is_before(quiet_until_, now)) return std::nullopt;
        if (!registration_allows(now)) return std::nullopt;
        auto const due = box_.events(0, 1);
        if (!due || due->empty() || !user_allows()) return std::nullopt;
        auto out = self_.request("GET", endpoint_url(), "", now.steady + limits::request_timeout);
        auto const known = self_.ledger.progress(peer_.peer_id);
        auto const& signer = self_.key_towards(known && *known ? (*known)->known_key : "");
        out.request.headers.add("Authorization", "BSP " + self_.assertion(peer_, signer, out.request, now));
        opening_.begin(out);
        return out;
    }

    /// The server answered with 101.
    void handle_open(std::uint64_t id, moment now) {
        if (!opening_.end(id)) return;
        is_open_ = true;
        is_offered_ = true;
        under_way_.clear();
        sent_up_to_ = 0;
        heard_at_ = now.steady;
    }

    /// The server answered with another status.
    void handle_refusal(std::uint64_t id, http_response const& response, moment now) {
        if (!opening_.end(id)) return;
        last_error_ = describe(response);
        is_offered_ = response.status != 404 && response.status != 405 && response.status != 501;
        if (meaning_of(response) == meaning::transient || id <= last_before_renewal_) retry_.handle_failure(now);
        else refused_until_ = now.steady + limits::refused_pause;
        if (auto const wanted = retry_after(response.headers, now.wall)) quiet_until_ = now.steady + *wanted;
    }

    /// No connection came about.
    void handle_failure(std::uint64_t id, moment now) {
        if (!opening_.end(id)) return;
        last_error_ = "no connection";
        retry_.handle_failure(now);
    }

    /// Text messages that are to be sent now, in this order.
    std::vector<std::string> poll_messages(moment now) {
        std::vector<std::string> out;
        if (!is_open_ || is_before(quiet_until_, now) || !registration_allows(now) || !user_allows()) return out;
        auto const as = box_.form();
        if (!as) return out;
        while (under_way_.size() < under_way_max) {
            auto due = box_.events(sent_up_to_, under_way_max - under_way_.size());
            if (!due || due->empty()) break;
            for (auto& event : *due) {
                sent_up_to_ = event.number;
                if (under_way_.contains(event.event_id)) continue;
                event.body = privacy::emitted_event(std::move(event.body), *as);  // queued, perhaps, when the user wanted it otherwise
                // Nobody would ever take it, and it would end every connection (BSP-TEL-072).
                if (event.body.size() > limits::event_bytes_max) {
                    ++rejected_;
                    (void)box_.remove_event(event.event_id);
                    continue;
                }
                if (under_way_.empty()) heard_at_ = now.steady;
                under_way_.emplace(event.event_id, event.number);
                out.push_back(std::move(event.body));
            }
        }
        return out;
    }

    /// A text message of the server. What is no answer to an event under way changes nothing.
    void handle_message(std::string_view text, moment now) {
        auto const answer = wire::decode_event_answer(text);
        if (!answer || !answer->event_id) return;
        auto const event = under_way_.find(*answer->event_id);
        if (event == under_way_.end()) return;
        heard_at_ = now.steady;
        if (answer->what == wire::event_answer::kind::rate_limited) {
            auto const pause = std::min<std::chrono::nanoseconds>(std::chrono::milliseconds{std::min<std::int64_t>(answer->retry_after_ms, 3'600'000)}, limits::retry_after_max);
            quiet_until_ = std::max(quiet_until_, timeout{now.steady + pause});
            sent_up_to_ = std::min(sent_up_to_, event->second - 1);  // in its old place
            under_way_.erase(event);
            return;
        }
        rejected_ += answer->what == wire::event_answer::kind::rejected;
        // If the ledger fails, it is sent once more, and acknowledged as a repetition.
        if (!box_.remove_event(event->first)) retry_.handle_failure(now);
        else retry_.reset();
        under_way_.erase(event);
    }

    /// Whether the connection should be given up: the peer has been silent for too long, or may not be sent to any more.
    [[nodiscard]] bool poll_close(moment now) const {
        return is_open_ && (!registration_allows(now) || !user_allows() || (!under_way_.empty() && now.steady >= heard_at_ + limits::request_timeout));
    }

    /// The connection has ended, with this close code, or 1006 without one.
    void handle_close(std::uint16_t code, moment now) {
        if (!is_open_) return;
        is_open_ = false;
        under_way_.clear();
        sent_up_to_ = 0;
        last_error_ = "closed with " + std::to_string(code);
        if (code == policy_violation) refused_until_ = now.steady + limits::refused_pause;
        else retry_.handle_failure(now);
    }

    /// When it wants to be polled, beside when something is queued or comes in.
    [[nodiscard]] timeout poll_timeout() const {
        if (opening_.is_up()) return opening_.deadline();
        timeout next;
        for (timeout const t : {refused_until_, quiet_until_, retry_.until()})
            if (t) next = next ? std::max(*next, *t) : *t;
        if (is_open_ && !under_way_.empty()) next = sooner(next, timeout{heard_at_ + limits::request_timeout});
        return next;
    }

    [[nodiscard]] bool is_open() const { return is_open_; }
    /// False when the peer has answered that there is no such thing: nobody will ever take events that are queued for it.
    [[nodiscard]] bool is_offered() const { return is_offered_; }
    [[nodiscard]] std::uint64_t rejected() const { return rejected_; }  ///< events that the peer will never take
    [[nodiscard]] std::string const& last_error() const { return last_error_; }

    static constexpr std::size_t under_way_max = 64;  ///< events sent and not answered

private:
    static constexpr std::uint16_t policy_violation = 1008;

    static bool is_before(timeout t, moment now) { return t && now.steady < *t; }

    static std::string address_of(peer_record const& peer) { return peer.endpoints ? peer.endpoints->peer_id + ' ' + peer.endpoints->telemetry_endpoint : ""; }

    /// The telemetry endpoint with the scheme under which origins are listed.
    [[nodiscard]] std::string endpoint_url() const {
        std::string const& url = peer_.endpoints->telemetry_endpoint;
        return url.starts_with("ws") ? "http" + url.substr(2) : url;
    }

    [[nodiscard]] bool registration_allows(moment now) const {
        return peer_.status == peer_status::active && peer_.endpoints && now.wall < peer_.sbt_expires_at &&
               may_dial(endpoint_url(), self_.self.backend_type, peer_.backend_type, self_.config.allowed_peers);
    }

    /// What waits stays while the user does not let it go, or while the store does not tell (BSP-PRV-045).
    [[nodiscard]] bool user_allows() const {
        auto const said = box_.settings();
        return said && said->exchanges_telemetry();
    }

    own_backend& self_;
    outbox& box_;
    peer_record peer_;
    flight opening_;
    bool is_open_ = false;
    bool is_offered_ = true;
    std::map<std::string, std::uint64_t, std::less<>> under_way_;  ///< event_id → number of what was sent and not answered
    std::uint64_t sent_up_to_ = 0;                                 ///< number of the last event sent on this connection
    std::chrono::nanoseconds heard_at_{};
    backoff retry_;
    timeout refused_until_;  ///< the peer refuses us
    timeout quiet_until_;    ///< the peer asked for it
    std::uint64_t last_before_renewal_ = 0;  ///< id of a request: what was refused up to it was another registration
    std::uint64_t rejected_ = 0;
    std::string last_error_;
};

}  // namespace bsp::sync
