#include "../faults.hpp"
#include "states.hpp"

#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>

/// Faults of pushes, pulls and conversations that show when something comes a second time, or beside something else.
namespace bsp::faulty {

namespace {

using base = knowing_backend;

instant since_in(json::object const& cursor) { return {cursor.at("s").as_int64(), static_cast<std::uint32_t>(cursor.at("sn").as_int64())}; }

// ---- what is known by a sync_id --------------------------------------------------------------------------------

struct receipts_of_the_device : base {
    using base::base;
    std::pair<std::string, std::string> receipt_key(peer_record const& peer, std::string const& sync_id) override { return {peer.backend_id, sync_id}; }
};
/// The claim is committed, and then the token is looked at.
struct claimed_before_the_token : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        pushing_ = &c;
        answer out = base::push(c, peer_id);
        pushing_ = nullptr;
        return out;
    }
    result<> check_not_expired(peer_record const& peer, instant now) override {
        auto const stands = base::check_not_expired(peer, now);
        if (stands || !pushing_) return stands;
        BSP_TRY(json::object const body, parse_object(*pushing_));
        if (auto const* id = json::find_string(body, "sync_id"); id && body.contains("conversations")) {
            std::string const sync_id{json::view(*id)};
            remember(receipt_key(peer, sync_id), receipt{digest_of(body), push_answer(sync_id, {})});
        }
        return stands;
    }

private:
    call const* pushing_ = nullptr;
};

/// What only a rule of one's own forbids is looked at where the push is applied, one conversation after the other.
struct tombstones_checked_late : base {
    using base::base;
    result<message> decode_message(json::fields const& f, instant now) override {
        auto const dead = flag(f, "deleted");
        auto const content = text_of(f, "content");
        if (!dead || !*dead || !content || content->empty()) return base::decode_message(f, now);
        is_bad_ = true;
        json::object without = f.get();
        without["content"] = "";
        return base::decode_message(json::fields{without, f.pointer()}, now);
    }
    result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now) override {
        is_bad_ = false;
        BSP_TRY(auto entry, base::decode_conversation(f, now));
        if (is_bad_) bad_.insert(entry.first);
        else if (bad_.empty()) good_.insert(entry.first);
        return entry;
    }
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        bad_.clear(), good_.clear();
        BSP_TRY(tenant all, base::decode_conversations(body, peer, now));
        if (bad_.empty()) return all;
        std::erase_if(all, [&](auto const& c) { return !good_.contains(c.first); });
        apply(peer, all, now);
        return error{fail(errc::invalid_body, "a tombstone has content")};
    }

private:
    bool is_bad_ = false;
    std::set<std::string> bad_, good_;  ///< conversations of the push; good until the first bad one
};

// ---- what is in the feed, and where ----------------------------------------------------------------------------

/// A pull has the messages that changed, and all of a conversation that came back.
struct changes_alone : base {
    using base::base;
    json::object feed_page(call const& c, feed_query const& asked) override {
        since_ = news_since(asked);
        return base::feed_page(c, asked);
    }
    json::object pull_entry(std::string const& id, conversation const& c) override {
        auto const back = returned_.find({user_, id});
        if (back != returned_.end() && back->second >= since_) return base::pull_entry(id, c);
        conversation shown = c;
        std::erase_if(shown.messages, [&](auto const& m) {
            auto const at = places_.find({user_, id, m.first});
            return at != places_.end() && at->second < since_;
        });
        return base::pull_entry(id, shown);
    }
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        tenant const& all = tenant_of(peer.user_id);
        tenant before;
        for (auto const& [id, c] : incoming)
            if (auto const found = all.find(id); found != all.end()) before.emplace(id, found->second);
        auto out = base::apply(peer, incoming, now);
        for (auto const& [id, c] : incoming)
            if (auto const found = all.find(id); found != all.end()) note(peer.user_id, id, before[id], found->second);
        return out;
    }
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        conversation const before = all.contains(id) ? all.at(id) : conversation{};
        BSP_CHECK(base::commit_locally(all, id, std::move(scalars), version, std::move(m), now));
        note(user_, id, before, all.at(id));
        return ok();
    }

protected:
    virtual instant news_since(feed_query const& asked) { return asked.cursor ? since_in(*asked.cursor) : asked.since; }
    virtual void note_return(instant& noted, instant now) { noted = now; }
    virtual bool remembers_returns() { return true; }
    virtual bool moves(message const& /*before*/, message const& /*now*/) { return true; }

private:
    void note(std::string const& user, std::string const& id, conversation const& before, conversation const& now) {
        if (before.winner.deleted && !now.winner.deleted) {
            auto const [noted, is_first] = returned_.try_emplace({user, id}, now.committed);
            if (!is_first) note_return(noted->second, now.committed);
        } else if (!remembers_returns()) {
            returned_.erase({user, id});
        }
        for (auto const& [name, m] : now.messages) {
            auto const held = before.messages.find(name);
            if (held == before.messages.end() || (held->second.digest != m.digest && moves(held->second, m))) places_[{user, id, name}] = now.committed;
        }
    }

    instant since_;
    std::map<std::pair<std::string, std::string>, instant> returned_;
    std::map<std::tuple<std::string, std::string, std::string>, instant> places_;
};
/// A flag of the row, which the next UPDATE takes away.
struct returns_until_the_next_change : changes_alone {
    using changes_alone::changes_alone;
    bool remembers_returns() override { return false; }
};
/// The place in the cursor is where the news of the next page begins.
struct news_since_the_last_page : changes_alone {
    using changes_alone::changes_alone;
    instant news_since(feed_query const& asked) override {
        auto const since = changes_alone::news_since(asked);
        if (!asked.cursor) return since;
        return std::max(since, instant{asked.cursor->at("a").as_int64(), static_cast<std::uint32_t>(asked.cursor->at("an").as_int64())});
    }
};
/// A page that is full has a next one, and one without commits has no time to tell but that of the beginning.
struct empty_last_page : base {
    using base::base;
    bool more_follow(std::size_t given, std::size_t limit, std::size_t) override { return given == limit; }
    json::object feed_page(call const& c, feed_query const& asked) override {
        auto out = base::feed_page(c, asked);
        if (asked.cursor && out.at("conversations").as_array().empty()) out["last_sync"] = format_timestamp(std::max(since_in(*asked.cursor), instant{}));
        return out;
    }
};
struct first_return_alone : changes_alone {
    using changes_alone::changes_alone;
    void note_return(instant&, instant) override {}
};
struct ties_keep_their_place : changes_alone {
    using changes_alone::changes_alone;
    bool moves(message const& before, message const& now) override { return now.version > before.version; }
};

/// "Nanoseconds do not repeat", and a request counts from its arrival.
struct placed_by_arrival : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        if (c.request.body.size() > 1u << 20)
            for (int i = 0; i < 80; ++i) let_others_in();  // a large body is read and verified
        return base::push(c, peer_id);
    }
    instant next_commit(instant now) override {
        held().last_commit = std::max(held().last_commit, now);
        return now;
    }
};

// ---- pages -----------------------------------------------------------------------------------------------------

struct since_of_the_peer : base {
    using base::base;
    json::object feed_page(call const& c, feed_query const& asked) override {
        if (!asked.cursor || c.parameter("since")) sweeps_[asked.peer_id] = asked.since;
        feed_query changed = asked;
        if (instant const since = sweeps_[asked.peer_id]; changed.cursor) (*changed.cursor)["s"] = since.seconds, (*changed.cursor)["sn"] = std::int64_t{since.nanoseconds};
        return base::feed_page(c, changed);
    }

private:
    std::map<std::string, instant> sweeps_;  ///< where the pull of a peer began
};
/// since:place:id
struct cursors_split_at_colons : base {
    using base::base;
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        BSP_TRY(auto content, base::cursor_of(c, feed));
        if (auto const* id = content ? content->if_contains("id") : nullptr; id && id->as_string().find(':') != json::string::npos) return error{fail(errc::invalid_query, "a cursor has three parts")};
        return content;
    }
};
/// The page that will be asked for next, unless it is the last.
struct reads_ahead : base {
    using base::base;
    json::object feed_page(call const& c, feed_query const& asked) override {
        json::object page;
        if (auto const found = ahead_.find(key(asked)); asked.cursor && found != ahead_.end()) {
            page = std::move(found->second);
            ahead_.erase(found);
        } else {
            page = base::feed_page(c, asked);
        }
        if (auto const* cursor = json::find_string(page, "cursor")) {
            auto const text = from_base64url(json::view(*cursor).substr(0, json::view(*cursor).find('.')));
            feed_query next = asked;
            next.cursor = json::parse({reinterpret_cast<char const*>(text->data()), text->size()})->get_object();
            json::object following = base::feed_page(c, next);
            if (following.at("has_more") == json::value(true)) ahead_[key(next)] = std::move(following);
        }
        return page;
    }

private:
    static std::string key(feed_query const& q) { return q.peer_id + ' ' + std::to_string(q.limit) + ' ' + (q.cursor ? json::serialize(*q.cursor) : ""); }
    std::map<std::string, json::object> ahead_;
};
struct latest_thousand : base {
    using base::base;
    json::object pull_entry(std::string const& id, conversation const& c) override {
        json::object out = base::pull_entry(id, c);
        if (c.arrivals.size() <= 1'000) return out;
        std::set<std::string> const latest(c.arrivals.end() - 1'000, c.arrivals.end());
        json::array kept;
        for (auto const& m : out.at("messages").as_array())
            if (latest.contains(std::string{json::view(m.at("id").as_string())})) kept.push_back(m);
        out["messages"] = std::move(kept);
        return out;
    }
};
/// notify_one, in the order in which they came.
struct a_commit_wakes_one : base {
    using base::base;
    answer hold(call const& c, feed_query const& asked) override {
        answer out = base::hold(c, asked);
        std::erase(waiting_, &asked);
        woken_.erase(&asked);
        return out;
    }
    std::uint64_t news_of(feed_query const& asked) override {
        if (std::ranges::find(waiting_, &asked) == waiting_.end()) waiting_.push_back(&asked);
        return woken_[&asked];
    }
    void announce(tenant const& changed, cause by) override {
        if (!waiting_.empty()) {
            ++woken_[waiting_.front()];
            waiting_.pop_front();
        }
        base::announce(changed, by);
    }

private:
    std::deque<feed_query const*> waiting_;
    std::map<feed_query const*, std::uint64_t> woken_;
};

// ---- what was deleted, and what lost -----------------------------------------------------------------------------

struct tombstones_go_with_the_conversation : base {
    using base::base;
    answer delete_conversation(call const& c, std::string const& segment) override {
        BSP_TRY(http_response r, base::delete_conversation(c, segment));
        BSP_TRY(std::string const id, path_identifier(segment));
        std::erase_if(tenant_of(user_).at(id).messages, [](auto const& m) { return m.second.deleted; });
        return r;
    }
};
struct edits_settle_conflicts : base {
    using base::base;
    bool join_message(conversation& into, message const& incoming) override {
        bool const changed = base::join_message(into, incoming);
        if (changed) std::erase_if(into.losers, [&](loser const& l) { return l.id == incoming.id && l.message.at("version").to_number<std::int64_t>() < incoming.version; });
        return changed;
    }
};

// ---- local writes --------------------------------------------------------------------------------------------------

/// Adds to what is written.
struct completes_writes : base {
    using base::base;
    answer write_message(call const& c, std::string const& segment) override {
        conversation_ = segment;
        answer out = base::write_message(c, segment);
        conversation_.clear();
        return out;
    }
    result<json::object> parse_object(call const& c) override {
        BSP_TRY(json::object body, base::parse_object(c));
        if (!conversation_.empty()) complete(body, c.now);
        return body;
    }

protected:
    virtual void complete(json::object& body, instant now) = 0;
    [[nodiscard]] conversation const* written_into() {
        auto const found = tenant_of(user_).find(conversation_);
        return found == tenant_of(user_).end() ? nullptr : &found->second;
    }

private:
    std::string conversation_;
};
/// Lest an answer stands above its question.
struct dated_after_all_before : completes_writes {
    using completes_writes::completes_writes;
    void complete(json::object& body, instant now) override {
        conversation const* into = written_into();
        if (!into || into->messages.empty() || body.contains("timestamp")) return;
        auto const* id = json::find_string(body, "id");
        if (auto const held = id ? into->messages.find(std::string{json::view(*id)}) : into->messages.end(); held != into->messages.end() && repeats(held->second, body)) return;
        instant latest = now;
        for (auto const& [name, m] : into->messages) latest = std::max(latest, m.written + std::chrono::nanoseconds{1});
        if (now < latest) body["timestamp"] = format_timestamp(latest);
    }
};
struct ids_of_content : completes_writes {
    using completes_writes::completes_writes;
    void complete(json::object& body, instant) override {
        auto const text = body.contains("timestamp") && !body.contains("id") ? json::canonicalize(body) : result<std::string>{fail(errc::invalid_body, "it has an id, or will have its own time")};
        if (text) body["id"] = "msg_" + to_hex(sha256(*text)).substr(0, 32);
    }
};
/// Seen is what was read, whatever became of it.
struct refused_versions_are_seen : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        whose_ = peer.user_id;
        return base::decode_conversations(body, peer, now);
    }
    result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now) override {
        BSP_TRY(auto one, base::decode_conversation(f, now));
        auto& seen = seen_[{whose_, one.first}];
        seen = std::max(seen, one.second.version);
        for (auto const& [name, m] : one.second.messages) seen = std::max(seen, m.version);
        return one;
    }
    answer write_message(call const& c, std::string const& segment) override {
        into_ = segment;
        return base::write_message(c, segment);
    }
    std::int64_t next_version(conversation const& c, std::string const& message_id) override {
        auto const seen = seen_.find({user_, into_});
        return std::max(base::next_version(c, message_id), seen == seen_.end() ? 0 : seen->second + 1);
    }

private:
    std::string whose_, into_;
    std::map<std::pair<std::string, std::string>, std::int64_t> seen_;
};
/// The members that it has are the same.
struct empty_repeats_a_tombstone : base {
    using base::base;
    bool repeats(message const& m, json::object const& body) override { return m.deleted ? body.at("content") == json::value("") : base::repeats(m, body); }
};
struct edits_keep_their_time : base {
    using base::base;
    instant time_over(message const& held, std::int64_t version, instant now) override { return held.deleted || held.version == version ? base::time_over(held, version, now) : held.written; }
};

// ---- what is left, what it looks like, and what came along -----------------------------------------------------

struct surfaces_of_what_is_left : base {
    using base::base;
    answer delete_message(call const& c, std::string const& segment, std::string const& message_id) override {
        BSP_TRY(http_response out, base::delete_message(c, segment, message_id));
        if (auto const found = tenant_of(user_).find(segment); found != tenant_of(user_).end()) {
            found->second.surfaces.clear();
            for (auto const& [id, m] : found->second.messages) add_surface(found->second, m);
        }
        return out;
    }
};
/// PRIMARY KEY (conversation, message)
struct one_loser_each : base {
    using base::base;
    void keep_losers(conversation& into, conversation const& from, instant now) override {
        base::keep_losers(into, from, now);
        std::set<std::string> seen;
        std::vector<loser> last;
        for (auto l = into.losers.rbegin(); l != into.losers.rend(); ++l)
            if (seen.insert(l->id).second) last.insert(last.begin(), *l);
        into.losers = std::move(last);
    }
};
/// WHERE body NOT LIKE '%"deleted":true%'
struct flags_by_their_text : base {
    using base::base;
    bool is_listed(conversation const& c) override { return base::is_listed(c) && json::serialize(c.winner.received).find("\"deleted\":true") == std::string::npos; }
};
/// The versions of a push are joined before they meet what is held.
struct greatest_version_alone : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        BSP_TRY(tenant incoming, base::decode_conversations(body, peer, now));
        for (auto& [id, c] : incoming) {
            c.brought_along.clear();
            for (auto const& [name, m] : c.messages) c.brought_along.push_back(m);
        }
        return incoming;
    }
};

}  // namespace

std::vector<fault> again_and_beside_faults() {
    return {
        tried<news_since_the_last_page>(10, false, "F-SYN-1001", "a later page of a pull has of a conversation what changed after the end of the page before", {"syn/pages-interleaved"}),
        tried<empty_last_page>(10, false, "F-SYN-1002", "a pull whose entries fill its pages ends with an empty one, whose last_sync is where it began", {"syn/pages-interleaved"}),
        tried<surfaces_of_what_is_left>(10, false, "F-SYN-1003", "the deletion of a message takes its surface from the conversation, though a surfaces array had it", {"mrg/surfaces-outlast-messages"}),
        tried<flags_by_their_text>(10, false, "F-SYN-1004", "the list takes for deleted what has \"deleted\":true anywhere", {"cnv/flags-elsewhere"}),
        tried<returns_until_the_next_change>(11, false, "F-SYN-1006", "a conversation that came back is pulled whole until its next change", {"mrg/conversation-returns"}),
        tried<refused_versions_are_seen>(11, false, "F-SYN-1007", "a push that is refused raises the versions of local writes", {"mrg/refused-versions"}),
        tried<one_loser_each>(11, true, "F-SYN-1008", "of each message the version that lost last is kept", {"cnv/losers-outlast-edits"}),
        tried<empty_repeats_a_tombstone>(11, false, "F-SYN-1009", "a write of a deleted message with empty content is taken for its deletion again", {"cnv/revive"}),
        tried<edits_keep_their_time>(11, false, "F-SYN-1010", "an edit keeps the timestamp of what it replaces", {"cnv/edit-of-old"}),
        tried<greatest_version_alone>(10, false, "F-SYN-1005", "of several versions of a message in a push the greatest alone is compared with what was held", {"mrg/conflict-of-a-lesser"}),
        tried<receipts_of_the_device>(7, true, "F-SYN-911", "sync ids are remembered by backend_id, whoever's peer the backend is", {"reg/one-device-of-two-users", "syn/sync-id-after-pairing-again"}),
        tried<claimed_before_the_token>(7, false, "F-SYN-912", "the sync_id of a push is taken although its token has expired", {"syn/expired-sync-id-free"}),
        tried<first_return_alone>(7, false, "F-SYN-913", "a conversation is pulled whole when it comes back for the first time", {"syn/returns-again"}),
        tried<edits_settle_conflicts>(7, false, "F-SYN-914", "a newer version of a message takes away what lost before", {"cnv/losers-outlast-edits"}),
        tried<ties_keep_their_place>(7, true, "F-SYN-915", "a message that wins at equal version keeps the place in the feed of the one it replaced", {"syn/changes-are-news", "syn/ties-are-news"}),
        tried<tombstones_checked_late>(7, false, "F-SYN-916", "a push is stored up to the tombstone for whose content it is refused", {"syn/refused-or-whole"}),
        tried<tombstones_go_with_the_conversation>(7, false, "F-SYN-917", "the deletion of a conversation clears away the tombstones of its messages", {"mrg/deletions-outlast-returns"}),
        tried<since_of_the_peer>(7, false, "F-SYN-918", "where a pull began is kept for each peer", {"syn/cursor-endures"}),
        tried<cursors_split_at_colons>(7, true, "F-SYN-919", "a cursor that ends at an id with a colon is refused", {"syn/pages-end-anywhere", "syn/cursor-endures"}),
        tried<placed_by_arrival>(7, true, "F-SYN-920", "a push has the place in the feed of its arrival", {"syn/pull-beside-large-push"}),
        tried<dated_after_all_before>(7, false, "F-SYN-921", "a write is dated after the newest message of its conversation, even in the future", {"cnv/time-of-new-messages", "cnv/edit-time"}),
        tried<ids_of_content>(7, false, "F-SYN-922", "the id of a message is made of its content and its timestamp", {"cnv/equal-writes"}),
        tried<reads_ahead>(7, true, "F-SYN-923", "the next page of a pull is read with the one before it", {"syn/pages-after-deletions"}),
        tried<latest_thousand>(7, true, "F-SYN-924", "an entry of a pull has the latest 1000 messages of its conversation", {"syn/long-conversation"}),
        tried<a_commit_wakes_one>(7, false, "F-SYN-925", "a commit wakes one of the held pulls, of whatever user", {"syn/live-pull-wakes-all", "syn/live-pull-push"}),
    };
}

}  // namespace bsp::faulty
