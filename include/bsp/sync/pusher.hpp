#pragma once

#include <bsp/crypto/signed_object.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/sync/answer.hpp>
#include <bsp/sync/outbox.hpp>
#include <bsp/sync/outgoing.hpp>
#include <bsp/sync/pace.hpp>
#include <bsp/sync/progress_book.hpp>
#include <bsp/sync/retry.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::sync {

/// Brings to one peer what it does not know yet (sections 10.2 to 10.4). A push is a page of our own change
/// feed: read when nothing is under way, then kept as it is, and transmitted under one `sync_id` until its
/// fate is known. Only an acknowledgement moves the position, to where the page ended when it was read.
class pusher {
public:
    pusher(own_backend& self, outbox& box, progress_book& book, echoes const& pulled) : self_{self}, box_{box}, book_{book}, pulled_{pulled} {}

    /// Something was committed here.
    void handle_change() { look_ = true; }

    void handle_reconnect() {
        retry_.reset();
        look_ = true;
    }

    /// The user allows other things than before. What was packed under the old word is read again.
    void handle_settings() {
        parcel_.reset();
        flight_.abandon();
        look_ = true;
    }

    /// The position was set back. What is under way belongs to the past: its acknowledgement means nothing.
    void handle_new_beginning() {
        parcel_.reset();
        flight_.abandon();
        refused_until_.clear();
        look_ = true;
    }

    std::optional<outgoing> poll_request(peer_record const& peer, moment now) {
        if (flight_.is_overdue(now)) handle_silence(flight_.id(), {}, now);
        if (flight_.is_up() || retry_.waits(now) || pace_.waits(now)) return std::nullopt;
        auto out = next_request(peer, now);
        if (!out) {
            fail(now, out.error().detail);
            return std::nullopt;
        }
        return *std::move(out);
    }

    [[nodiscard]] bool awaits(std::uint64_t id) const { return flight_.is(id); }
    [[nodiscard]] bool is_under_way() const { return flight_.is_up(); }

    [[nodiscard]] timeout poll_timeout() const {
        if (flight_.is_up()) return flight_.deadline();
        auto const allowed = std::max(pace_.until(), retry_.until().value_or(std::chrono::nanoseconds{}));
        if (parcel_ || look_ || !looked_at_) return allowed;
        timeout next = *looked_at_ + interval_;
        for (auto const& r : book_->refused) next = sooner(next, due_at(r.conversation_id));
        return std::max(next, timeout{allowed});
    }

    consequence handle_response(std::uint64_t id, http_response const& response, moment now) {
        if (!flight_.end(id) || !parcel_) return consequence::none;
        auto const what = meaning_of(response);
        if (what == meaning::success) {
            handle_acknowledgement(response.body, now);
            return consequence::none;
        }
        if (what == meaning::content_refused) {
            handle_refusal(describe(response), now);
            return consequence::none;
        }
        if (what == meaning::sync_id_taken) parcel_.reset();  // read again, it gets another id
        fail(now, describe(response));
        switch (what) {
            case meaning::token_refused: return consequence::await_token;
            case meaning::store_renewed: return consequence::begin_anew;
            case meaning::peer_refused: return consequence::pause_peer;
            default: return consequence::none;
        }
    }

    /// No answer came, or none in time.
    void handle_silence(std::uint64_t id, std::string_view why, moment now) {
        if (flight_.end(id)) fail(now, no_answer("a push", why));
    }

    /// How often to synchronize, as the peer would have it (BSP-OFF-013).
    [[nodiscard]] std::chrono::milliseconds interval() const { return interval_; }

    /// Since when something has been due without a pause; nothing when all is acknowledged.
    [[nodiscard]] std::optional<instant> due_since() const { return due_since_; }

    /// How often the conversation was sent in the push that is not acknowledged yet.
    [[nodiscard]] std::int64_t attempts(std::string_view conversation_id) const {
        if (!parcel_) return 0;
        auto const& packed = parcel_->conversations.as_array();
        bool const has_it = std::ranges::any_of(packed, [&](json::value const& c) { return json::view(c.at("conversation_id").as_string()) == conversation_id; });
        return has_it ? parcel_->sent : 0;
    }

private:
    struct parcel {
        std::string sync_id;
        json::value conversations;
        privacy::form as;
        std::size_t entries = 0, messages = 0;
        std::int64_t sent = 0;  ///< how often
        feed_position from;
        std::optional<feed_position> next;        ///< within the page's own feed; nothing: all of it is in
        instant end;
        std::optional<std::string> refused_before;  ///< the conversation, when it is one that is tried again
    };

    result<std::optional<outgoing>> next_request(peer_record const& peer, moment now) {
        if (parcel_) BSP_CHECK(look_again(now));
        if (!parcel_) BSP_CHECK(pack_changes(now));
        if (!parcel_) BSP_CHECK(pack_refused(now));
        if (!parcel_) return std::optional<outgoing>{};
        BSP_TRY(auto out, transmit(peer, now));
        return std::optional{std::move(out)};
    }

    /// A parcel that is sent again holds nothing that was erased since it was made, and goes in the form that the
    /// user wants now: otherwise its changes are read anew, and go under another id (BSP-RED-025).
    result<> look_again(moment now) {
        BSP_TRY(auto const as, box_.form());
        if (parcel_->as != as) {
            parcel_.reset();
            return ok();
        }
        std::vector<std::string> ids;
        for (auto const& c : parcel_->conversations.as_array()) ids.emplace_back(json::view(c.at("conversation_id").as_string()));
        BSP_TRY(bool const may_go, box_.may_all_go(ids, now.wall));
        if (!may_go) parcel_.reset();
        return ok();
    }

    result<> pack_changes(moment now) {
        if (!look_ && looked_at_ && now.steady < *looked_at_ + interval_) return ok();
        BSP_TRY(auto const as, box_.form());
        BSP_TRY(auto page, box_.conversations(book_->pushed, entries_max_, as, now.wall, pulled_, [&](std::string const& id) { return is_set_aside(id, now); }));
        looked_at_ = now.steady;
        look_ = page.entries > 0;
        if (page.entries > 0) {
            if (!due_since_) due_since_ = now.wall;
            return pack(std::move(page), as, book_->pushed, std::nullopt);
        }
        due_since_.reset();
        entries_max_ = limits::push_conversations_max;
        if (!book_->pushed.after && page.left_out == 0) return ok();
        // The end of the feed was reached, and whatever was passed is known to the peer.
        return book_.write([&](peer_progress& p) { p.pushed = {page.end, {}, {}}; });
    }

    /// One of the conversations that were refused, if its time has come.
    result<> pack_refused(moment now) {
        for (auto const& r : book_->refused) {
            if (now.steady < due_at(r.conversation_id)) continue;
            BSP_TRY(auto const as, box_.form());
            BSP_TRY(auto page, box_.conversation(r.conversation_id, r.from, as, now.wall));
            return pack(std::move(page), as, r.from, r.conversation_id);
        }
        return ok();
    }

    result<> pack(endpoint::feed_page page, privacy::form as, feed_position const& from, std::optional<std::string> refused_before) {
        BSP_TRY(auto conversations, json::parse(page.conversations));
        parcel_.emplace(parcel{"sync_" + self_.random_hex(16), nullptr, as, page.entries, page.messages, 0, from, std::move(page.next), page.end, std::move(refused_before)});
        parcel_->conversations = std::move(conversations);
        return ok();
    }

    /// Stamped and signed for this transmission; `sync_id` and `conversations` as they were (BSP-SYN-031, BSP-SYN-032).
    result<outgoing> transmit(peer_record const& peer, moment now) {
        json::object body{{"sync_id", parcel_->sync_id},
                          {"timestamp", format_timestamp(now.wall)},
                          {"peer_id", peer.endpoints->peer_id},
                          {"source_backend_id", self_.self.backend_id},
                          {"target_backend_id", peer.backend_id},
                          {"conversations", parcel_->conversations}};
        BSP_TRY(body["signature"], sign_object(body, self_.key_towards(book_->known_key)));
        auto out = self_.request("POST", peer.endpoints->sync_endpoint, json::serialize(body), now.steady + limits::request_timeout);
        flight_.begin(out);
        ++parcel_->sent;
        pace_.handle_sent(now);
        return out;
    }

    void handle_acknowledgement(std::string const& text, moment now) {
        auto const body = json::parse(text);
        auto const* ack = body ? body->if_object() : nullptr;
        auto const* acked = ack ? json::find_string(*ack, "acked_sync_id") : nullptr;
        if (!acked || json::view(*acked) != parcel_->sync_id) return fail(now, "the answer does not acknowledge the push that was sent");

        auto const moved = book_.write([&](peer_progress& p) {
            move_on(p);
            ++p.counters.pushes_acknowledged;
            p.counters.last_success = now.wall;
            p.counters.push_error.clear();
        }, occurrence(sync_occurrence::kind::pushed, now));
        if (!moved) return fail(now, moved.error().detail);

        auto const* next = ack->if_contains("next_sync_in_ms");
        if (auto const* ms = next ? next->if_int64() : nullptr)
            interval_ = std::chrono::milliseconds{std::clamp<std::int64_t>(*ms, limits::sync_interval_ms_min, limits::sync_interval_ms_max)};
        parcel_.reset();
        retry_.reset();
    }

    /// The parcel is known to the peer.
    void move_on(peer_progress& p) const {
        if (!parcel_->refused_before) {
            p.pushed = parcel_->next ? *parcel_->next : feed_position{parcel_->end, {}, {}};
            return;
        }
        auto const at = std::ranges::find(p.refused, *parcel_->refused_before, &refused_conversation::conversation_id);
        if (at == p.refused.end()) return;
        if (parcel_->next) at->from = *parcel_->next;
        else p.refused.erase(at);
    }

    /// The peer finds fault with what is in the parcel. Narrowed down until it is one conversation, that one is
    /// put aside and the others go on (BSP-OFF-031).
    void handle_refusal(std::string const& why, moment now) {
        auto const culprit = parcel_->entries == 1 ? std::optional{only_conversation()} : std::nullopt;
        if (culprit) {
            auto const aside = book_.write([&](peer_progress& p) { put_aside(p, *culprit, why); }, occurrence(sync_occurrence::kind::refused, now, why));
            if (!aside) return fail(now, aside.error().detail);
            refused_until_[*culprit] = now.steady + limits::refused_pause;
            entries_max_ = limits::push_conversations_max;
        } else {
            entries_max_ = std::max<std::size_t>(parcel_->entries / 2, 1);
        }
        parcel_.reset();
        look_ = true;
        fail(now, why);
    }

    void put_aside(peer_progress& p, std::string const& culprit, std::string const& why) const {
        auto const at = std::ranges::find(p.refused, culprit, &refused_conversation::conversation_id);
        if (at != p.refused.end()) at->error = why;  // what was refused before begins earlier
        else p.refused.push_back({culprit, {parcel_->from.since, {}, parcel_->from.within}, why});
        if (!parcel_->refused_before) move_on(p);
    }

    [[nodiscard]] std::string only_conversation() const {
        return std::string{json::view(parcel_->conversations.at(0).at("conversation_id").as_string())};
    }

    /// It was refused a short time ago, and what has changed since waits with it (BSP-OFF-031).
    [[nodiscard]] bool is_set_aside(std::string const& conversation_id, moment now) const {
        return std::ranges::find(book_->refused, conversation_id, &refused_conversation::conversation_id) != book_->refused.end() && now.steady < due_at(conversation_id);
    }

    /// When a refused conversation is tried again: after a restart, soon.
    [[nodiscard]] std::chrono::nanoseconds due_at(std::string const& conversation_id) const {
        auto const found = refused_until_.find(conversation_id);
        return found == refused_until_.end() ? std::chrono::nanoseconds{} : found->second;
    }

    void fail(moment now, std::string const& why) {
        retry_.handle_failure(now);
        book_.note([&](peer_progress& p) {
            ++p.counters.pushes_failed;
            p.counters.push_error = why;
        }, occurrence(sync_occurrence::kind::failed, now, why));
    }

    [[nodiscard]] sync_occurrence occurrence(sync_occurrence::kind what, moment now, std::string why = {}) const {
        sync_occurrence o{.what = what, .at = now.wall, .sync_id = {}, .conversations = 0, .messages = 0, .error = std::move(why)};
        if (parcel_) o.sync_id = parcel_->sync_id, o.conversations = parcel_->entries, o.messages = parcel_->messages;
        return o;
    }

    own_backend& self_;
    outbox& box_;
    progress_book& book_;
    echoes const& pulled_;  ///< from this peer
    flight flight_;
    backoff retry_;
    pace pace_;
    std::optional<parcel> parcel_;      ///< volatile: after a restart its changes are read again, under another id (BSP-OFF-023)
    std::chrono::milliseconds interval_{limits::sync_interval_ms_default};
    bool look_ = true;                  ///< something may be due
    timeout looked_at_;
    std::size_t entries_max_ = limits::push_conversations_max;
    std::map<std::string, std::chrono::nanoseconds> refused_until_;
    std::optional<instant> due_since_;
};

}  // namespace bsp::sync
