#pragma once

#include <bsp/base/uri.hpp>
#include <bsp/endpoint/admission.hpp>
#include <bsp/endpoint/join_into.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/privacy/transfer.hpp>
#include <bsp/sync/answer.hpp>
#include <bsp/sync/echoes.hpp>
#include <bsp/sync/outgoing.hpp>
#include <bsp/sync/progress_book.hpp>
#include <bsp/sync/retry.hpp>
#include <bsp/wire/pull_page.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::sync {

/// Takes from one peer what is new there, page by page (section 10.6). A page is joined into the store in one
/// transaction, and only then is its cursor or watermark kept: a crash in between repeats the page, which
/// changes nothing.
class puller {
public:
    puller(own_backend& self, progress_book& book, echoes& pulled) : self_{self}, book_{book}, pulled_{pulled} {}

    void handle_reconnect() {
        retry_.reset();
        next_.reset();
    }
    /// The peer has another key of ours: what is under way was signed with the one before.
    void handle_new_key() {
        flight_.abandon();
        handle_reconnect();
    }
    void handle_new_beginning() {
        flight_.abandon();
        next_.reset();
        pulled_.clear();
        tried_ = false;
    }

    std::optional<outgoing> poll_request(peer_record const& peer, moment now) {
        if (flight_.is_overdue(now)) handle_silence(flight_.id(), {}, now);
        if (flight_.is_up() || retry_.waits(now) || (next_ && now.steady < *next_)) return std::nullopt;
        // The first one never waits: pushes wait for its answer (`has_tried`).
        live_ = tried_ && book_->cursor.empty() && offers_live_pull(peer);
        auto out = self_.request("GET", peer.endpoints->sync_endpoint + query(), "", now.steady + limits::request_timeout + (live_ ? limits::live_pull_wait : std::chrono::seconds{0}));
        out.request.headers.add("Authorization", "BSP " + self_.assertion(peer, self_.key_towards(book_->known_key), out.request, now));
        flight_.begin(out);
        started_ = now.steady;
        return out;
    }

    [[nodiscard]] bool awaits(std::uint64_t id) const { return flight_.is(id); }

    [[nodiscard]] timeout poll_timeout() const {
        if (flight_.is_up()) return flight_.deadline();
        return std::max(next_.value_or(std::chrono::nanoseconds{}), retry_.until().value_or(std::chrono::nanoseconds{}));
    }

    /// Whether a pull has been answered or given up since the start or the new beginning. Pushes wait for it: it
    /// tells the epoch in which they will be acknowledged.
    [[nodiscard]] bool has_tried() const { return tried_; }

    consequence handle_response(std::uint64_t id, http_response const& response, peer_record const& peer, std::chrono::milliseconds interval, moment now) {
        if (!flight_.end(id)) return consequence::none;
        tried_ = true;
        auto const what = meaning_of(response);
        if (what == meaning::success) return handle_page(response.body, peer, interval, now);
        if (what == meaning::store_renewed) return consequence::begin_anew;
        if (what == meaning::content_refused) forget_place();
        fail(now, describe(response));
        if (what == meaning::token_refused) return consequence::await_token;
        return what == meaning::peer_refused ? consequence::pause_peer : consequence::none;
    }

    void handle_silence(std::uint64_t id, std::string_view why, moment now) {
        if (!flight_.end(id)) return;
        tried_ = true;
        fail(now, no_answer("a pull", why));
    }

private:
    /// What joining a page did to the store.
    struct effect {
        instant at;            ///< the commit
        bool news = false;     ///< something was not known before
        bool ours_known = false;  ///< the peer knew all of ours before, and knows what the page brought
        std::map<std::string, std::optional<instant>> changed;  ///< conversation → since when nobody else changed it; nothing: unknown
    };

    static bool offers_live_pull(peer_record const& peer) { return std::ranges::find(peer.capabilities, "live_pull") != peer.capabilities.end(); }

    [[nodiscard]] std::string query() const {
        std::string q = "?limit=" + std::to_string(limits::page_items_max);
        auto const add = [&](std::string_view name, std::string const& value) {
            if (!value.empty()) q += '&' + std::string{name} + '=' + percent_encode_segment(value);
        };
        add("since", book_->since);
        add("cursor", book_->cursor);
        add("epoch", book_->peer_epoch);
        if (live_) add("wait", std::to_string(limits::live_pull_wait.count()));
        return q;
    }

    consequence handle_page(std::string const& text, peer_record const& peer, std::chrono::milliseconds interval, moment now) {
        auto page = wire::decode_pull_page(text);
        if (!page) return stay(now, page.error().detail);
        bool const renewed = page->epoch && *page->epoch != book_->peer_epoch;
        // Under an epoch that was not known, too: a restored store may have forgotten what it acknowledged before.
        if (renewed && (!book_->peer_epoch.empty() || book_->pushed != feed_position{})) return consequence::begin_anew;
        if (page->has_more && page->cursor == book_->cursor) return stay(now, "the page goes on where it began");

        auto const done = take_in(*page, peer, now);
        if (!done) return stay(now, done.error().detail);
        remember(*done);
        if (auto const moved = move_on(*page, *done, now); !moved) return stay(now, moved.error().detail);

        retry_.reset();
        bool const at_once = page->has_more ? !page->conversations.empty() : live_ && done->news;
        next_ = at_once ? now.steady : started_ + (page->has_more || offers_live_pull(peer) ? std::chrono::milliseconds{limits::idle_pull_gap} : interval);
        return consequence::none;
    }

    result<effect> take_in(wire::pull_page& page, peer_record const& peer, moment now) {
        if (page.conversations.empty()) return effect{};
        return self_.store.write([&](store_writer& w) -> result<effect> {
            auto& mine = w.tenant(peer.user_id);
            effect e;
            BSP_TRY(auto const due, mine.changes(book_->pushed.since, book_->pushed.after, 1));
            e.ours_known = due.empty() && !book_->pushed.within;
            BSP_TRY(auto const quiet, quiet_times(mine, page));
            BSP_TRY(e.at, mine.begin_change(now.wall));
            std::vector<wire::conflict> nobody_to_tell;
            BSP_TRY(auto const gate, endpoint::admission::of(self_.self.backend_type, mine, now.wall));
            for (auto& entry : page.conversations) {
                BSP_CHECK(keep_what_is_known(mine, entry));
                BSP_TRY(bool const admitted, gate.admit(mine, entry, nobody_to_tell));
                if (admitted) BSP_CHECK(endpoint::join_into(mine, std::move(entry), e.at, nobody_to_tell));
            }
            BSP_TRY(auto const changed, mine.changes(e.at, std::nullopt, page.conversations.size()));
            e.news = !changed.empty();
            // A conversation that came back may hold messages that were withheld from the peer as long as it was deleted.
            for (auto const& c : changed) {
                bool const revived = c.head.revived_at == e.at;
                e.ours_known = e.ours_known && !revived;
                e.changed[c.head.conversation_id] = revived ? std::nullopt : quiet.at(c.head.conversation_id);
            }
            return e;
        });
    }

    /// A peer that knows only the redacted form of a conversation's members writes them anew with every message that is
    /// written there. The write counts, the members that we know stay (BSP-RED-032).
    static result<> keep_what_is_known(tenant_reader& mine, wire::conversation_write& entry) {
        if (!entry.head.scalars.redacted) return ok();
        BSP_TRY(auto const held, mine.head(entry.head.conversation_id));
        if (!held || !privacy::is_redaction_of(entry.head.scalars, *held)) return ok();
        auto known = wire::emitted_scalars(*held);
        known["version"] = entry.head.version;
        known["last_modified"] = entry.head.last_modified;
        entry.head.scalars.redacted = false;
        BSP_TRY(entry.head.scalars.body, json::canonicalize(known, {}));
        entry.head.scalars.digest = sha256(entry.head.scalars.body);
        return ok();
    }

    /// Since when each conversation of the page has been as it is. Nothing: a look at what is due did not tell.
    result<std::map<std::string, std::optional<instant>>> quiet_times(tenant_reader& mine, wire::pull_page const& page) const {
        BSP_TRY(auto const recent, mine.changes(book_->pushed.since, std::nullopt, echoes::max));
        bool const is_all = recent.size() < echoes::max;
        std::map<std::string, std::optional<instant>> quiet;
        for (auto const& entry : page.conversations) {
            std::string const& id = entry.head.conversation_id;
            BSP_TRY(auto const held, mine.head(id));
            quiet[id] = !held ? std::optional{instant{}} : is_all ? std::optional{book_->pushed.since} : std::nullopt;
        }
        for (auto const& c : recent)
            if (auto const known = quiet.find(c.head.conversation_id); known != quiet.end()) known->second = c.changed_at + std::chrono::nanoseconds{1};
        return quiet;
    }

    /// A push need not tell the peer what it told us (BSP-OFF-026).
    void remember(effect const& done) {
        pulled_.forget_before(book_->pushed.since);
        for (auto const& [id, quiet_since] : done.changed) {
            if (quiet_since) pulled_.note(id, *quiet_since, done.at);
            else pulled_.forget(id);
        }
    }

    result<> move_on(wire::pull_page const& page, effect const& done, moment now) {
        auto next = *book_;
        if (page.epoch) next.peer_epoch = *page.epoch;
        next.cursor = page.has_more ? page.cursor : "";
        if (!page.has_more) next.since = page.last_sync;  // that of an earlier page says nothing (BSP-SYN-119)
        if (done.news && done.ours_known) next.pushed = {done.at + std::chrono::nanoseconds{1}, {}, {}};  // no echo (BSP-OFF-026)
        bool const moved = next != *book_ || !next.counters.pull_error.empty();
        if (!moved) return ok();
        next.counters.pages_pulled += done.news;
        next.counters.last_success = now.wall;
        next.counters.pull_error.clear();
        std::optional<sync_occurrence> line;
        if (done.news) {
            line = sync_occurrence{.what = sync_occurrence::kind::pulled, .at = now.wall, .sync_id = {}, .conversations = page.conversations.size(), .messages = 0, .error = {}};
            for (auto const& c : page.conversations) line->messages += c.messages.size();
        }
        return book_.write([&](peer_progress& p) { p = std::move(next); }, line);
    }

    /// The peer does not know the place any more: without the cursor first, then without the watermark (BSP-OFF-054).
    void forget_place() {
        static_cast<void>(book_.write([](peer_progress& p) {
            if (p.cursor.empty()) p.since.clear();
            p.cursor.clear();
        }));
    }

    consequence stay(moment now, std::string const& why) {
        fail(now, why);
        return consequence::none;
    }

    void fail(moment now, std::string const& why) {
        retry_.handle_failure(now);
        book_.note([&](peer_progress& p) {
            ++p.counters.pulls_failed;
            p.counters.pull_error = why;
        }, {.what = sync_occurrence::kind::failed, .at = now.wall, .sync_id = {}, .conversations = 0, .messages = 0, .error = why});
    }

    own_backend& self_;
    progress_book& book_;
    echoes& pulled_;
    flight flight_;
    backoff retry_;
    timeout next_;                          ///< of the next pull; nothing: at once
    std::chrono::nanoseconds started_{};
    bool live_ = false;                     ///< the pull under way waits for news (A-179)
    bool tried_ = false;
};

}  // namespace bsp::sync
