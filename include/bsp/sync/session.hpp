#pragma once

#include <bsp/base/watch_limits.hpp>
#include <bsp/sync/key_notifier.hpp>
#include <bsp/sync/puller.hpp>
#include <bsp/sync/pusher.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace bsp::sync {

/// The exchange with one peer for one user: a pusher and a puller that go their own ways, and what holds both
/// up. Nothing is sent before the peer is known to be reachable, while its registration does not allow it, or
/// before the time that it asked for.
class session {
public:
    /// Takes up where the ledger says we were. `unavailable` when it does not answer.
    static result<std::unique_ptr<session>> open(own_backend& self, peer_record peer) {
        BSP_TRY(auto known, self.ledger.progress(peer.peer_id));
        peer_progress progress = known ? *std::move(known) : peer_progress{};
        // Of another store of ours, or of none: its instants mean nothing here (BSP-OFF-006).
        if (progress.own_epoch != self.store.epoch()) progress = {};
        progress.peer_id = peer.peer_id;
        progress.own_epoch = self.store.epoch();
        return std::unique_ptr<session>{new session{self, std::move(peer), std::move(progress)}};
    }

    session(session const&) = delete;

    /// Something was committed in our store: changes, or what the user allows.
    void handle_change() {
        pusher_.handle_change();
        settings_known_ = false;
    }

    /// What the registration says now. Another token, or another address, is a reason to try again.
    void handle_peer(peer_record peer) {
        bool const renewed = peer.sbt_created_at != peer_.sbt_created_at || peer.sbt_expires_at != peer_.sbt_expires_at;
        bool const moved = address_of(peer) != address_of(peer_);
        peer_ = std::move(peer);
        if (renewed || moved) {
            awaits_token_ = false;
            paused_until_.reset();
            last_before_renewal_ = self_.last_request;
        }
    }

    void handle_reachability(bool reachable) {
        if (reachable && !reachable_) {
            notifier_.handle_reconnect();
            pusher_.handle_reconnect();
            puller_.handle_reconnect();
        }
        reachable_ = reachable;
    }

    /// Somebody wants it done now. What the peer asked for stands.
    void handle_impatience() {
        notifier_.handle_reconnect();
        pusher_.handle_reconnect();
        puller_.handle_reconnect();
        paused_until_.reset();
    }

    std::optional<outgoing> poll_request(moment now) {
        if (!settings_known_) read_settings();
        // Not while a push is under way: it was signed with the key that the notice ends.
        if (may_notify(now) && !pusher_.is_under_way())
            if (auto out = notifier_.poll_request(peer_, !lacks_token(now), now)) return out;
        if (!may_send(now) || notifier_.is_open()) return std::nullopt;
        if (auto out = puller_.poll_request(peer_, now)) return out;
        return puller_.has_tried() ? pusher_.poll_request(peer_, now) : std::nullopt;
    }

    [[nodiscard]] timeout poll_timeout(moment now) const {
        if (!settings_known_) return now.steady + (settings_failed_ ? std::chrono::seconds{1} : std::chrono::seconds{0});
        if (!registration_allows(now) && !(dials() && notifier_.is_due())) return std::nullopt;
        timeout const held = std::max(paused_until_, quiet_until_);
        if (held && now.steady < *held) return held;
        if (notifier_.is_open() || lacks_token(now)) return pusher_.is_under_way() ? pusher_.poll_timeout() : notifier_.poll_timeout(!lacks_token(now));
        if (notifier_.is_due() && !pusher_.is_under_way()) return sooner(notifier_.poll_timeout(true), registration_allows(now) ? exchange_timeout() : timeout{});
        return registration_allows(now) ? exchange_timeout() : pusher_.poll_timeout();
    }

    /// Whether the peer knows the key of ours that is in use, or never knew another.
    [[nodiscard]] bool knows_key() const { return !notifier_.is_due(); }

    /// Answers to requests of others, or to those that were given up, change nothing.
    void handle_response(std::uint64_t id, http_response const& response, moment now) {
        if (!pusher_.awaits(id) && !puller_.awaits(id) && !notifier_.awaits(id)) return;
        if (!settings_known_) read_settings();
        if (!settings_.exchanges_conversations() && !notifier_.awaits(id)) return give_up(id, paused, now);  // nothing is taken in, either
        if (!notifier_.awaits(id)) note_outcome(response.status == 200);
        if (response.status != 200) {
            if (auto const wanted = retry_after(response.headers, now.wall)) quiet_until_ = std::max(quiet_until_, timeout{now.steady + *wanted});
        }
        if (notifier_.awaits(id)) {
            follow(notifier_.handle_response(id, response, now), id, now);
            if (!notifier_.is_due()) puller_.handle_new_key();
        }
        follow(pusher_.handle_response(id, response, now), id, now);
        follow(puller_.handle_response(id, response, peer_, pusher_.interval(), now), id, now);
    }

    /// No answer came, and none will; `why`, if it is known, for people.
    void handle_silence(std::uint64_t id, std::string_view why, moment now) {
        if (pusher_.awaits(id) || puller_.awaits(id)) note_outcome(false);
        give_up(id, why, now);
    }

    /// Whether the last pushes and pulls were answered with success, those that brought nothing included: '+' or '-', the
    /// latest last, at most `session_outcomes_kept`.
    [[nodiscard]] std::string const& outcomes() const { return outcomes_; }

    [[nodiscard]] peer_record const& peer() const { return peer_; }
    [[nodiscard]] peer_progress const& progress() const { return *book_; }
    [[nodiscard]] outbox& box() { return outbox_; }
    /// How often the conversation was sent in the push that is not acknowledged yet.
    [[nodiscard]] std::int64_t attempts(std::string_view conversation_id) const { return pusher_.attempts(conversation_id); }

    struct state {
        bool reachable = false;
        std::string obstacle;              ///< why nothing is sent; "" when nothing stands in the way
        outbox::load due;
        std::optional<instant> due_since;

        /// Whether an operator should look (BSP-OFF-063).
        [[nodiscard]] bool alert(instant now) const {
            bool const old = (due_since && *due_since < now - limits::outbox_age_alert) || (due.events.oldest && *due.events.oldest < now - limits::outbox_age_alert);
            return due.items() > limits::outbox_items_max || old;
        }
    };

    static constexpr std::string_view paused = "the user has paused sync";
    static constexpr std::string_view unreachable = "the peer cannot be reached";

    /// For people (BSP-OFF-037).
    [[nodiscard]] result<state> look(moment now) const {
        state s{.reachable = reachable_, .obstacle = obstacle(now), .due = {}, .due_since = pusher_.due_since()};
        BSP_TRY(s.due, outbox_.measure(book_->pushed));
        return s;
    }

    /// Why nothing is sent; "" when nothing stands in the way.
    [[nodiscard]] std::string obstacle(moment now) const {
        if (!peer_.endpoints) return "the peer has not told where it is";
        if (!settings_.exchanges_conversations()) return std::string{paused};
        if (auto const allowed = dialling(); !allowed) return allowed.error().detail;
        if (awaits_token_ || now.wall >= peer_.sbt_expires_at) return "waits for a new session binding token";
        if (!reachable_) return std::string{unreachable};
        if (paused_until_ && now.steady < *paused_until_) return "the peer refuses us: " + book_->counters.last_error();
        if (quiet_until_ && now.steady < *quiet_until_) return "the peer asked for a pause";
        return {};
    }

private:
    session(own_backend& self, peer_record peer, peer_progress progress)
        : self_{self}, peer_{std::move(peer)}, book_{self.ledger, std::move(progress)}, outbox_{self, peer_.user_id, peer_.peer_id, peer_.backend_type} {}

    void give_up(std::uint64_t id, std::string_view why, moment now) {
        notifier_.handle_silence(id, why, now);
        pusher_.handle_silence(id, why, now);
        puller_.handle_silence(id, why, now);
    }

    void note_outcome(bool success) {
        outcomes_ += success ? '+' : '-';
        if (outcomes_.size() > limits::session_outcomes_kept) outcomes_.erase(0, 1);
    }

    static std::pair<std::string, std::string> address_of(peer_record const& peer) {
        if (!peer.endpoints) return {};
        return {peer.endpoints->peer_id, peer.endpoints->sync_endpoint};
    }

    [[nodiscard]] result<> dialling() const { return may_dial(peer_.endpoints->sync_endpoint, self_.self.backend_type, peer_.backend_type, self_.config.allowed_peers); }

    [[nodiscard]] bool dials() const { return reachable_ && peer_.endpoints && dialling(); }
    [[nodiscard]] bool lacks_token(moment now) const { return awaits_token_ || now.wall >= peer_.sbt_expires_at; }
    [[nodiscard]] bool registration_allows(moment now) const { return dials() && settings_known_ && settings_.exchanges_conversations() && !lacks_token(now); }

    /// A notice of another key needs no token (BSP-ROT-014), and is no exchange that a pause would hold up.
    [[nodiscard]] bool may_notify(moment now) const {
        auto const over = [&](timeout t) { return !t || now.steady >= *t; };
        return notifier_.is_due() && dials() && over(paused_until_) && over(quiet_until_);
    }

    /// A store that does not tell is asked again; until then nothing is sent.
    void read_settings() {
        auto said = outbox_.settings();
        settings_known_ = said.has_value();
        settings_failed_ = !said;
        if (!said || *said == settings_) return;
        settings_ = *std::move(said);
        pusher_.handle_settings();
        handle_impatience();
    }

    [[nodiscard]] bool may_send(moment now) const {
        auto const over = [&](timeout t) { return !t || now.steady >= *t; };
        return registration_allows(now) && over(paused_until_) && over(quiet_until_);
    }

    [[nodiscard]] timeout exchange_timeout() const { return puller_.has_tried() ? sooner(puller_.poll_timeout(), pusher_.poll_timeout()) : puller_.poll_timeout(); }

    /// The refusal of a request from before the last registration says nothing of what was registered then (BSP-OFF-035).
    void follow(consequence what, std::uint64_t id, moment now) {
        if (id <= last_before_renewal_ && (what == consequence::pause_peer || what == consequence::await_token)) return;
        switch (what) {
            case consequence::none: return;
            case consequence::pause_peer: paused_until_ = now.steady + limits::refused_pause; return;
            case consequence::await_token: awaits_token_ = true; return;
            case consequence::begin_anew: return begin_anew(now);
        }
    }

    /// The peer's store is another one: what it acknowledged and what we took from it may both be gone (BSP-SYN-134).
    void begin_anew(moment now) {
        auto const begun = book_.write([](peer_progress& p) {
            p.pushed = {};
            p.refused.clear();
            p.peer_epoch.clear();
            p.since.clear();
            p.cursor.clear();
        }, sync_occurrence{.what = sync_occurrence::kind::began_anew, .at = now.wall, .sync_id = {}, .conversations = 0, .messages = 0, .error = {}});
        if (!begun) return;  // the next pull is told again
        pusher_.handle_new_beginning();
        puller_.handle_new_beginning();
    }

    own_backend& self_;
    peer_record peer_;
    progress_book book_;
    outbox outbox_;
    echoes pulled_;
    pusher pusher_{self_, outbox_, book_, pulled_};
    puller puller_{self_, book_, pulled_};
    key_notifier notifier_{self_, book_};
    std::string outcomes_;
    privacy_settings settings_;
    bool settings_known_ = false;
    bool settings_failed_ = false;
    bool reachable_ = false;
    bool awaits_token_ = false;
    std::uint64_t last_before_renewal_ = 0;  ///< id of a request; what was sent up to it went under the registration of before
    timeout paused_until_;  ///< the peer refuses us
    timeout quiet_until_;   ///< the peer asked for it
};

}  // namespace bsp::sync
