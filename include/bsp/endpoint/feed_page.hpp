#pragma once

#include <bsp/endpoint/emit.hpp>
#include <bsp/privacy/transfer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Pieces of a user's change feed, as a pull gives them to a peer and a push brings them there.
namespace bsp::endpoint {

/// Where a page ends. Bytes are counted as they are stored, and the message that reaches the bound is still given. The first
/// conversation of a page is given however large its own members are, and beside them an eighth of the bound in messages.
struct page_bounds {
    std::size_t entries = limits::page_items_default;
    std::size_t messages_per_entry = std::numeric_limits<std::size_t>::max();
    std::size_t bytes = limits::pull_page_bytes_max;
};

struct feed_page {
    std::string conversations = "[";    ///< a JSON array; messages are emitted as they are stored, or redacted
    std::size_t entries = 0;
    std::size_t messages = 0;
    std::size_t left_out = 0;           ///< conversations that the reader was told to leave out
    std::optional<feed_position> next;  ///< when the page ended before the feed did, within a conversation if need be (spec/decisions/0005)
    instant end;                        ///< the `since` of which whatever commits after this snapshot is at or after
};

/// Reads one page, all of one snapshot.
class feed_reader {
public:
    /// Tells what a page need not give. It still counts as passed.
    using exclusion = std::function<bool(changed_conversation const&)>;

    feed_reader(tenant_reader& mine, page_bounds const& bounds, privacy::form as, exclusion leaves_out = {})
        : mine_{mine}, bounds_{bounds}, as_{as}, leaves_out_{std::move(leaves_out)} {}

    /// What was committed at or after `from.since`, from there on, in the order of commits.
    result<feed_page> read(feed_position const& from) {
        from_ = from;
        BSP_CHECK(finish_begun());
        step_size step;
        while (!page_.next && page_.entries < bounds_.entries) {
            std::size_t const wanted = std::min(bounds_.entries - page_.entries, step.next(room()));
            BSP_TRY(auto const changed, mine_.changes(from_.since, after_, wanted));
            for (auto const& c : changed) {
                step.seen(c.head.scalars.body);
                if (leaves_out_ && leaves_out_(c)) leave_out(c);
                else if (is_full() || (page_.entries > 0 && c.head.scalars.body.size() >= room())) page_.next = place_after(*after_, std::nullopt);
                else BSP_CHECK(write_entry(c.head, {c.changed_at, c.head.conversation_id}, std::nullopt));
                if (page_.next) break;
            }
            if (changed.size() < wanted) break;
        }
        if (!page_.next && page_.entries == bounds_.entries) {
            BSP_TRY(auto const more, mine_.changes(from_.since, after_, 1));
            if (!more.empty()) page_.next = place_after(*after_, std::nullopt);
        }
        return finish();
    }

    /// The same of one conversation alone.
    result<feed_page> read(std::string_view conversation_id, feed_position const& from) {
        from_ = from;
        BSP_TRY(auto const head, mine_.head(conversation_id));
        if (head) BSP_CHECK(write_entry(*head, {from.since, head->conversation_id}, from.within));
        return finish();
    }

private:
    [[nodiscard]] std::size_t room() const { return bounds_.bytes - std::min(bytes_, bounds_.bytes); }
    [[nodiscard]] bool is_full() const { return room() == 0; }

    void leave_out(changed_conversation const& c) {
        ++page_.left_out;
        after_ = position{c.changed_at, c.head.conversation_id};
    }

    [[nodiscard]] feed_position place_after(position const& conversation, std::optional<position> const& message) const {
        return {from_.since, conversation, message};
    }

    /// The rest of the conversation in which the page before ended.
    result<> finish_begun() {
        after_ = from_.after;
        if (!from_.within) return ok();
        BSP_TRY(auto const head, mine_.head(from_.after->id));
        if (!head) return ok();
        return write_entry(*head, *from_.after, from_.within);
    }

    /// One conversation with its changed messages after `within`, at least one of them. Sets `next` when they do not all fit.
    result<> write_entry(merge::conversation_head const& head, position const& place, std::optional<position> within) {
        // Messages withheld while the conversation was deleted are news when it comes back (BSP-SYN-118).
        instant const since = head.revived_at >= from_.since ? instant{} : from_.since;
        std::vector<merge::message> messages;
        std::size_t seen = 0;
        step_size step;
        std::size_t const own = head.scalars.body.size();
        std::size_t const until = page_.entries == 0 ? std::max(bounds_.bytes, own + bounds_.bytes / 8) : bounds_.bytes;
        bytes_ += own;
        for (bool more = true; more;) {
            std::size_t const asked = step.next(until - std::min(bytes_, until));
            BSP_TRY(auto page, mine_.changed_messages(head.conversation_id, since, within, asked));
            more = page.size() == asked;
            for (auto& m : page) {
                if (bytes_ >= until || seen == bounds_.messages_per_entry) {
                    page_.next = place_after(place, within);
                    more = false;
                    break;
                }
                ++seen;
                within = position{m.changed_at, m.message.id};
                m.message.body = privacy::emitted_message(std::move(m.message.body), as_);
                step.seen(m.message.body);
                bytes_ += m.message.body.size();
                // A deleted conversation shows no content of its messages (BSP-MRG-054).
                if (!head.scalars.deleted || m.message.deleted) messages.push_back(std::move(m.message));
            }
        }
        std::ranges::sort(messages, merge::reads_before);

        auto& out = page_.conversations;
        if (page_.entries++ > 0) out += ", ";
        wire::conversation_writer entry{out, privacy::emitted_scalars(head, as_), head.surfaces};
        entry.begin_messages();
        for (auto const& m : messages) entry.message(m.body);
        entry.end_messages().end();
        page_.messages += messages.size();
        after_ = place;
        return ok();
    }

    result<feed_page> finish() {
        BSP_TRY(auto const last, mine_.last_change());
        // One nanosecond on: whatever commits next is at or after it, whatever was given is before it.
        page_.end = last ? *last + std::chrono::nanoseconds{1} : instant{};
        page_.conversations += ']';
        return std::move(page_);
    }

    tenant_reader& mine_;
    page_bounds bounds_;
    privacy::form as_;
    exclusion leaves_out_;
    feed_position from_;
    feed_page page_;
    std::size_t bytes_ = 0;          ///< of conversations and messages on this page
    std::optional<position> after_;  ///< the last conversation on this page
};

}  // namespace bsp::endpoint
