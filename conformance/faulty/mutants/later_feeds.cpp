#include "later.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <tuple>

/// Faults of pulls, held pulls, digests, lists and reads, and of what a look at them leaves behind.
namespace bsp::faulty {

namespace {

using base = knowing_backend;

constexpr std::int64_t before_all_time = -1'000'000'000'000;

bool begins(call const& c) { return !c.parameter("since") && !c.parameter("cursor"); }

// ---- pulls ---------------------------------------------------------------------------------------------------

struct epoch_begins_again : base {
    using base::base;
    answer pull(call const& c, std::string const& peer_id) override {
        call without = c;
        if (c.parameter("epoch")) std::erase_if(without.query, [](auto const& p) { return p.first == "cursor"; });
        return base::pull(without, peer_id);
    }
};
struct first_pull_without_tombstones : base {
    using base::base;
    answer pull(call const& c, std::string const& peer_id) override {
        first_ = !c.parameter("since");
        auto out = base::pull(c, peer_id);
        first_ = false;
        return out;
    }
    json::array emit_messages(conversation const& c, bool tombstones) override { return base::emit_messages(c, tombstones && !first_); }

private:
    bool first_ = false;
};
struct first_pull_without_deleted : base {
    using base::base;
    bool belongs_in_pull(conversation const& c, instant since) override { return base::belongs_in_pull(c, since) && !(since.seconds == before_all_time && c.winner.deleted); }
};
/// The server remembers how far a peer has come.
struct goes_on_by_itself : base {
    using base::base;
    answer pull(call const& c, std::string const& peer_id) override {
        begins_ = begins(c);
        BSP_TRY(http_response r, base::pull(c, peer_id));
        BSP_TRY(json::value const body, parse_body(r.body));
        if (auto const* more = body.get_object().if_contains("has_more"); more && *more == json::value(false)) marks_[peer_id] = std::string{json::view(body.at("last_sync").as_string())};
        return r;
    }
    result<instant> since_of(call const& c) override {
        auto const mark = c.segments.size() > 1 ? marks_.find(c.segments[1]) : marks_.end();
        return begins_ && mark != marks_.end() && c.segments[0] == "sync" ? timestamp(mark->second) : base::since_of(c);
    }

private:
    bool begins_ = false;
    std::map<std::string, std::string> marks_;
};
/// What every peer has been told can go.
struct told_tombstones_go : base {
    using base::base;
    answer pull(call const& c, std::string const& peer_id) override {
        BSP_TRY(http_response r, base::pull(c, peer_id));
        for (auto& [id, conversation] : tenant_of(user_)) std::erase_if(conversation.messages, [](auto const& m) { return m.second.deleted; });
        return r;
    }
};
template <std::size_t Most>
struct entries_of_few_messages : base {
    using base::base;
    json::object pull_entry(std::string const& id, conversation const& c) override {
        json::object out = base::pull_entry(id, c);
        if (auto& all = out["messages"].as_array(); all.size() > Most) all.resize(Most);
        return out;
    }
};
template <std::size_t Most>
struct reads_of_few_messages : base {
    using base::base;
    answer read_conversation(call const& c, std::string const& id) override {
        BSP_TRY(http_response r, base::read_conversation(c, id));
        BSP_TRY(json::value body, parse_body(r.body));
        if (auto& all = body.get_object()["messages"].as_array(); all.size() > Most) all.resize(Most);
        return json_answer(200, body);
    }
};

// ---- held pulls ----------------------------------------------------------------------------------------------

/// Knows whether it is a held pull that it serves: each has a thread of its own.
struct holding : base {
    using base::base;
    answer hold(call const& c, feed_query const& asked) override {
        held_ = true;
        auto out = base::hold(c, asked);
        held_ = false;
        return out;
    }

protected:
    static thread_local bool held_;
};
thread_local bool holding::held_ = false;

struct held_until_any_push : holding {
    using holding::holding;
    bool may_be_held(json::object const& page) override { return !held_ && holding::may_be_held(page); }
};
struct one_hold_of_a_peer : holding {
    using holding::holding;
    answer hold(call const& c, feed_query const& asked) override {
        mine_ = ++holds_[asked.peer_id];
        return holding::hold(c, asked);
    }
    std::uint64_t news_of(feed_query const& asked) override { return holding::news_of(asked) + holds_[asked.peer_id]; }
    bool may_be_held(json::object const& page) override { return !(held_ && mine_ != holds_[caller_]) && holding::may_be_held(page); }

private:
    std::map<std::string, std::uint64_t> holds_;
    static thread_local std::uint64_t mine_;
};
thread_local std::uint64_t one_hold_of_a_peer::mine_ = 0;

struct held_answers_end : holding {
    using holding::holding;
    answer hold(call const& c, feed_query const& asked) override {
        BSP_TRY(http_response r, holding::hold(c, asked));
        BSP_TRY(json::value body, parse_body(r.body));
        body.get_object()["has_more"] = false;
        body.get_object().erase("cursor");
        return json_answer(200, body);
    }
};
struct held_from_the_beginning : holding {
    using holding::holding;
    answer hold(call const& c, feed_query const& asked) override {
        begun_ = holding::watermark(c);
        return holding::hold(c, asked);
    }
    instant watermark(call const& c) override { return held_ ? begun_ : holding::watermark(c); }

private:
    static thread_local instant begun_;
};
thread_local instant held_from_the_beginning::begun_;

// ---- digests -------------------------------------------------------------------------------------------------

enum class mistake { messages_by_time, winners_alone };

std::string digest_text(json::value const& v) { return to_hex(sha256(json::canonicalize(v).value())); }

template <mistake M>
struct digests_with : base {
    using base::base;
    json::object digest_answer(tenant const& all) override {
        json::array pairs;
        for (auto const& [id, c] : all) {
            if (c.winner.deleted) continue;
            std::vector<message const*> live;
            for (auto const& [message_id, m] : c.messages)
                if (!m.deleted) live.push_back(&m);
            if (M == mistake::messages_by_time) std::sort(live.begin(), live.end(), [](auto* a, auto* b) { return std::tie(a->written, a->id) < std::tie(b->written, b->id); });
            json::array messages;
            for (auto const* m : live) messages.push_back(json::string{to_hex(sha256(m->canonical))});
            json::object own = M == mistake::winners_alone ? c.winner.received : emit_scalars(id, c);
            pairs.push_back(json::array{id, digest_text(json::object{{"conversation", own}, {"messages", messages}, {"surfaces", json::array(c.surfaces.begin(), c.surfaces.end())}})});
        }
        std::size_t const count = pairs.size();
        return {{"digest", digest_text(pairs)}, {"conversations", count}};
    }
};

// ---- reads and lists -----------------------------------------------------------------------------------------

struct told_losers_go : base {
    using base::base;
    answer read_conversation(call const& c, std::string const& id) override {
        BSP_TRY(http_response r, base::read_conversation(c, id));
        if (auto const* wanted = c.parameter("conflicts"); wanted && *wanted == "1")
            if (auto const found = tenant_of(user_).find(id); found != tenant_of(user_).end()) found->second.losers.clear();
        return r;
    }
};
/// In the order of last_modified; a page goes on after that of the last.
struct lists_by_time : base {
    using base::base;
    answer list_conversations(call const& c) override {
        BSP_TRY(principal const who, authenticate(c, user_may | peer_may));
        BSP_TRY(std::size_t const limit, limit_of(c));
        BSP_TRY(auto const cursor, cursor_of(c, "list"));
        instant const after = cursor ? instant{cursor->at("s").as_int64(), static_cast<std::uint32_t>(cursor->at("n").as_int64())} : instant{before_all_time, 0};
        std::vector<std::pair<instant, std::string>> rows;
        tenant const& all = tenant_of(who.user_id);
        for (auto const& [id, conversation] : all)
            if (is_listed(conversation) && after < conversation.modified) rows.emplace_back(conversation.modified, id);
        std::sort(rows.begin(), rows.end());
        bool const more = rows.size() > limit;
        if (more) rows.resize(limit);
        json::array entries;
        for (auto const& [when, id] : rows) entries.push_back(outgoing(list_entry(id, all.at(id)), who.peer, outlet::read));
        json::object out{{"conversations", std::move(entries)}, {"has_more", more}};
        if (more) out["cursor"] = make_cursor({{"f", "list"}, {"s", rows.back().first.seconds}, {"n", rows.back().first.nanoseconds}});
        return json_answer(200, out);
    }
};
struct gone_with_its_last_message : base {
    using base::base;
    answer delete_message(call const& c, std::string const& id, std::string const& message_id) override {
        BSP_TRY(http_response r, base::delete_message(c, id, message_id));
        conversation& left = tenant_of(user_).at(id);
        if (std::all_of(left.messages.begin(), left.messages.end(), [](auto const& m) { return m.second.deleted; })) {
            left.winner.deleted = true;
            left.winner.received["deleted"] = true;
        }
        return r;
    }
};

}  // namespace

std::vector<fault> later_feed_faults() {
    return {
        fifth<epoch_begins_again>("F-SYN-880", "a pull with epoch and cursor begins again", {"syn/pull-epoch-pages"}, false),
        fifth<first_pull_without_tombstones>("F-SYN-881", "a pull from the beginning has no tombstones of messages", {"syn/pull-everything", "syn/pull-tombstones"}, true),
        fifth<first_pull_without_deleted>("F-SYN-882", "a pull from the beginning has no deleted conversations", {"syn/pull-everything", "syn/pull-tombstones"}, true),
        fifth<goes_on_by_itself>("F-SYN-883", "a pull without since goes on where the peer's last one ended", {"syn/pull-everything"}, false),
        fifth<told_tombstones_go>("F-SYN-884", "tombstones go when they have been pulled", {"syn/pull-tombstones"}, true),
        fifth<entries_of_few_messages<500>>("F-SYN-885", "an entry of a pull has 500 messages at most", {"syn/long-conversation"}, true),
        fifth<reads_of_few_messages<500>>("F-SYN-886", "a conversation is read with 500 messages at most", {"syn/long-conversation"}, true),
        fifth<held_until_any_push>("F-SYN-887", "a push that brings nothing new ends held pulls with an empty page", {"syn/live-pull-undisturbed"}, false),
        fifth<one_hold_of_a_peer>("F-SYN-888", "a held pull ends when its peer begins another", {"syn/live-pull-undisturbed"}, false),
        fifth<held_answers_end>("F-SYN-889", "a held answer that does not hold everything has has_more false", {"syn/live-pull-pages"}, true),
        fifth<held_from_the_beginning>("F-SYN-890", "the last_sync of a held answer is that of its beginning", {"syn/live-pull-once"}, false),
        fifth<digests_with<mistake::messages_by_time>>("F-SYN-891", "the messages of a digest are in the order of their timestamps", {"syn/digest"}, true),
        fifth<digests_with<mistake::winners_alone>>("F-SYN-892", "a digest has version and last_modified of the winning write", {"syn/digest"}, true),
        fifth<told_losers_go>("F-SYN-893", "losing versions go when they have been read", {"cnv/losers"}, false),
        fifth<lists_by_time>("F-SYN-894", "a page of the list goes on after the last_modified of the one before", {"cnv/list-pages"}, true),
        fifth<gone_with_its_last_message>("F-SYN-895", "a conversation is gone with its last message", {"cnv/last-message"}, false),
    };
}

}  // namespace bsp::faulty
