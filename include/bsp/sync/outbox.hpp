#pragma once

#include <bsp/endpoint/feed_page.hpp>
#include <bsp/endpoint/kept_view.hpp>
#include <bsp/endpoint/outgoing_form.hpp>
#include <bsp/sync/echoes.hpp>
#include <bsp/sync/outgoing.hpp>
#include <bsp/wire/sync_debug.hpp>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bsp::sync {

/// What waits to be sent to one peer. Items are of two types, and no call gives both:
///
/// - conversations that changed since the push position. They are not copied: the store's change feed is their
///   queue, in the order of commits, once per conversation however often it changed, and it has no room to run
///   out of, so nothing of it is ever dropped (A-100, A-101; spec/decisions/0008);
/// - telemetry events, queued in the ledger up to `outbox_items_max` and `outbox_bytes_max`; beyond that the
///   oldest give way and are counted.
class outbox {
    /// Reads what the user lets go to the peer.
    template <class F>
    auto read(instant now, F&& f) const {
        return self_.store.read([&](store_reader& r) { return endpoint::reading{self_.self.backend_type, endpoint::audience::peer}.of(r.tenant(user_id_), now, f); });
    }

public:
    outbox(own_backend& self, std::string user_id, std::string peer_id, std::string backend_type)
        : self_{self}, user_id_{std::move(user_id)}, peer_id_{std::move(peer_id)}, backend_type_{std::move(backend_type)} {}

    /// In which form the peer is to get what is read now.
    [[nodiscard]] result<privacy::form> form() const {
        return self_.store.read([&](store_reader& r) { return endpoint::outgoing_form(r.tenant(user_id_), backend_type_); });
    }

    /// Conversations from `from` on, in their present state, at most `entries_max` and no more than every server
    /// takes in one push (BSP-OFF-021), without those that `known` holds and those that are `set_aside`.
    /// What the user does not let go to peers is left out (BSP-PRV-040).
    [[nodiscard]] result<endpoint::feed_page> conversations(feed_position const& from, std::size_t entries_max, privacy::form as, instant now, echoes const& known = {}, std::function<bool(std::string const&)> const& set_aside = {}) const {
        auto const stays = [&](changed_conversation const& c) { return known.hold(c, from.since) || (set_aside && set_aside(c.head.conversation_id)); };
        return read(now, [&](tenant_reader& mine) { return endpoint::feed_reader{mine, bounds(entries_max), as, stays}.read(from); });
    }

    /// The same of one conversation.
    [[nodiscard]] result<endpoint::feed_page> conversation(std::string_view id, feed_position const& from, privacy::form as, instant now) const {
        return read(now, [&](tenant_reader& mine) { return endpoint::feed_reader{mine, bounds(1), as}.read(id, from); });
    }

    /// Whether all of these conversations may still go to a peer: none was erased or forbidden meanwhile.
    [[nodiscard]] result<bool> may_all_go(std::span<std::string const> ids, instant now) const {
        return read(now, [&](tenant_reader& mine) -> result<bool> {
            for (auto const& id : ids) {
                BSP_TRY(auto const held, mine.head(id));
                if (!held) return false;
            }
            return true;
        });
    }

    /// What the user allows now.
    [[nodiscard]] result<privacy_settings> settings() const {
        return self_.store.read([&](store_reader& r) { return r.tenant(user_id_).privacy(); });
    }

    /// Queues an event, in the form in which the peer is to get it: what is redacted is not on the disk either
    /// (BSP-RED-023). An event larger than the whole queue is refused with `payload_too_large`.
    result<> add_event(std::string event_id, std::string body, instant now) {
        BSP_TRY(auto const as, form());
        body = privacy::emitted_event(std::move(body), as);
        if (body.size() > limits::outbox_bytes_max) return fail(errc::payload_too_large, "the event is larger than the queue");
        BSP_TRY(queue_usage const held, self_.ledger.usage(peer_id_));
        BSP_TRY(std::size_t const dropped, events_in_the_way(held, body.size()));
        return self_.ledger.append(peer_id_, {0, std::move(event_id), std::move(body), now}, dropped);
    }

    /// Events in the order in which they came to be, after the number `after`.
    [[nodiscard]] result<std::vector<queued_event>> events(std::uint64_t after, std::size_t limit) const { return self_.ledger.events(peer_id_, after, limit); }

    /// The peer has acknowledged the event.
    result<> remove_event(std::string_view event_id) { return self_.ledger.remove_event(peer_id_, event_id); }

    struct load {
        std::size_t conversations = 0;  ///< changed since the push position; counted up to one beyond the alert
        std::optional<instant> oldest;  ///< when the first of them was changed
        queue_usage events;

        [[nodiscard]] std::size_t items() const { return conversations + events.items; }
    };

    /// How much is due from `from` on.
    [[nodiscard]] result<load> measure(feed_position const& from) const {
        load l;
        auto const changed = [&](store_reader& r) { return r.tenant(user_id_).changes(from.since, from.after, limits::outbox_items_max + 1); };
        BSP_TRY(auto const due, self_.store.read(changed));
        l.conversations = due.size();
        if (!due.empty()) l.oldest = due.front().changed_at;
        BSP_TRY(l.events, self_.ledger.usage(peer_id_));
        return l;
    }

    /// The first `limit` things that are due from `from` on, for people: conversations, then events.
    [[nodiscard]] result<std::vector<wire::queue_item>> first_due(feed_position const& from, std::size_t limit) const {
        BSP_TRY(auto items, self_.store.read([&](store_reader& r) -> result<std::vector<wire::queue_item>> {
            std::vector<wire::queue_item> all;
            auto& mine = r.tenant(user_id_);
            BSP_TRY(auto const due, mine.changes(from.since, from.after, limit));
            for (auto const& c : due) {
                BSP_TRY(auto const changed, mine.changed_messages(c.head.conversation_id, from.since, std::nullopt, limits::page_items_max));
                std::size_t bytes = c.head.scalars.body.size();
                for (auto const& m : changed) bytes += m.message.body.size();
                all.push_back({c.head.conversation_id, "conversation", c.changed_at, 0, static_cast<std::int64_t>(bytes)});
            }
            return all;
        }));
        if (items.size() >= limit) return items;
        BSP_TRY(auto const waiting, events(0, limit - items.size()));
        for (auto const& e : waiting) items.push_back({e.event_id, "telemetry_event", e.queued_at, 0, static_cast<std::int64_t>(e.body.size())});
        return items;
    }

private:
    static endpoint::page_bounds bounds(std::size_t entries) {
        return {.entries = entries, .messages_per_entry = limits::push_messages_per_conversation_max, .bytes = limits::push_bytes_max};
    }

    /// How many of the oldest events must go to make room for one of `bytes`.
    [[nodiscard]] result<std::size_t> events_in_the_way(queue_usage held, std::size_t bytes) const {
        std::size_t dropped = 0;
        std::uint64_t after = 0;
        while (held.items + 1 > limits::outbox_items_max || held.bytes + bytes > limits::outbox_bytes_max) {
            BSP_TRY(auto const oldest, self_.ledger.events(peer_id_, after, 1));
            if (oldest.empty()) break;
            after = oldest.front().number;
            held.bytes -= oldest.front().body.size();
            --held.items;
            ++dropped;
        }
        return dropped;
    }

    own_backend& self_;
    std::string user_id_;
    std::string peer_id_;
    std::string backend_type_;  ///< of the peer
};

}  // namespace bsp::sync
