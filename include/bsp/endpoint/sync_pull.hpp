#pragma once

#include <bsp/endpoint/caller/calling_peer.hpp>
#include <bsp/endpoint/emit.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/wire/cursor.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// Gives what was committed here at or after `since`, page by page, in the order of commits (chapter 6.4):
///
///     {"conversations": [ … ], "last_sync": "2025-12-31T00:00:04.000000017Z", "has_more": false, "epoch": "9f3a6c0d"}
///
/// A page ends with `limit` entries or once its messages reach `pull_page_bytes_max`, within a conversation
/// if need be (spec/decisions/0005). Messages are emitted as they are stored.
struct sync_pull {
    static constexpr route at{"GET", "/sync/{peer_id}"};
    using caller = calling_peer;

    static result<http_response> serve(backend const& here, caller const& who, request const& r) {
        BSP_TRY(auto const asked, read_query(here, r));
        BSP_TRY(std::string body, who.read([&](tenant_reader& mine) { return page_writer{mine, here.epoch, asked}.write(); }));
        return respond(std::move(body));
    }

private:
    struct query {
        std::size_t limit = 0;
        instant since;                                ///< the beginning when not given
        std::optional<position> after;                ///< the last conversation that was begun
        std::optional<position> within;               ///< the last message that was given of it, if others follow
    };

    static result<query> read_query(backend const& here, request const& r) {
        query q;
        BSP_TRY(q.limit, r.limit());
        BSP_TRY(auto const since, r.query("since"));
        BSP_TRY(auto const cursor_text, r.query("cursor"));
        BSP_TRY(auto const epoch, r.query("epoch"));
        auto const restored = fail(errc::epoch_changed, "the store was created anew or restored since; pull from the beginning");
        if (since) {
            auto const instant_of_since = parse_timestamp(*since);
            if (!instant_of_since) return fail(errc::invalid_query, "since is " + instant_of_since.error().detail);
            q.since = *instant_of_since;
        }
        if (cursor_text) {
            BSP_TRY(auto const cursor, wire::decode_pull_cursor(*cursor_text));
            if (cursor.epoch != here.epoch) return restored;
            q.since = cursor.since;
            q.after = position{cursor.conversation.at, cursor.conversation.id};
            if (cursor.message) q.within = position{cursor.message->at, cursor.message->id};
        }
        if (epoch && *epoch != here.epoch) return restored;
        return q;
    }

    class page_writer {
    public:
        page_writer(tenant_reader& mine, std::string const& epoch, query const& asked) : mine_{mine}, epoch_{epoch}, asked_{asked} {}

        result<std::string> write() {
            out_ = R"({"conversations": [)";
            BSP_CHECK(finish_begun());
            while (!next_ && entries_ < asked_.limit) {
                std::size_t const wanted = asked_.limit - entries_;
                BSP_TRY(auto const changed, mine_.changes(asked_.since, after_, wanted));
                for (auto const& c : changed) {
                    if (is_full()) next_ = cursor_after(*after_, std::nullopt);
                    else BSP_CHECK(write_entry(c.head, {c.changed_at, c.head.conversation_id}, std::nullopt));
                    if (next_) break;
                }
                if (changed.size() < wanted) break;
            }
            if (!next_ && entries_ == asked_.limit) {
                BSP_TRY(auto const more, mine_.changes(asked_.since, after_, 1));
                if (!more.empty()) next_ = cursor_after(*after_, std::nullopt);
            }
            return end();
        }

    private:
        [[nodiscard]] bool is_full() const { return bytes_ >= limits::pull_page_bytes_max; }

        [[nodiscard]] wire::pull_cursor cursor_after(position const& conversation, std::optional<position> const& message) const {
            wire::pull_cursor cursor{epoch_, asked_.since, {conversation.at, conversation.id}, std::nullopt};
            if (message) cursor.message = wire::feed_place{message->at, message->id};
            return cursor;
        }

        /// The rest of the conversation in which the page before ended.
        result<> finish_begun() {
            after_ = asked_.after;
            if (!asked_.within) return ok();
            BSP_TRY(auto const head, mine_.head(asked_.after->id));
            if (!head) return ok();
            return write_entry(*head, *asked_.after, asked_.within);
        }

        /// One conversation with its changed messages after `within`. Sets `next_` when they do not all fit. The
        /// page is not full when this is called, so at least one message is given.
        result<> write_entry(merge::conversation_head const& head, position const& place, std::optional<position> within) {
            // Messages withheld while the conversation was deleted are news when it comes back (BSP-SYN-118).
            instant const since = head.revived_at >= asked_.since ? instant{} : asked_.since;
            std::vector<merge::message> messages;
            step_size step;
            for (bool more = true; more;) {
                std::size_t const asked = step.next(limits::pull_page_bytes_max - std::min(bytes_, limits::pull_page_bytes_max));
                BSP_TRY(auto page, mine_.changed_messages(head.conversation_id, since, within, asked));
                more = page.size() == asked;
                for (auto& m : page) {
                    if (is_full()) {
                        next_ = cursor_after(place, within);
                        more = false;
                        break;
                    }
                    within = position{m.changed_at, m.message.id};
                    step.seen(m.message);
                    bytes_ += m.message.body.size();
                    // A deleted conversation shows no content of its messages (BSP-MRG-054).
                    if (!head.scalars.deleted || m.message.deleted) messages.push_back(std::move(m.message));
                }
            }
            std::ranges::sort(messages, merge::reads_before);

            if (entries_++ > 0) out_ += ", ";
            wire::conversation_writer entry{out_, wire::emitted_scalars(head), head.surfaces};
            entry.begin_messages();
            for (auto const& m : messages) entry.message(m.body);
            entry.end_messages().end();
            after_ = place;
            return ok();
        }

        result<std::string> end() {
            BSP_TRY(auto const last, mine_.last_change());
            // One nanosecond on: whatever commits next is at or after it, whatever was given is before it.
            instant const last_sync = last ? *last + std::chrono::nanoseconds{1} : instant{};
            json::object rest{{"last_sync", format_timestamp(last_sync)}, {"has_more", next_.has_value()}, {"epoch", epoch_}};
            if (next_) rest["cursor"] = wire::encode(*next_);
            out_ += "], " + json::serialize(rest).substr(1);
            return std::move(out_);
        }

        tenant_reader& mine_;
        std::string const& epoch_;
        query const& asked_;
        std::string out_;
        std::size_t entries_ = 0;
        std::size_t bytes_ = 0;                  ///< of messages on this page
        std::optional<position> after_;          ///< the last conversation on this page
        std::optional<wire::pull_cursor> next_;  ///< when another page follows
    };
};

}  // namespace bsp::endpoint
