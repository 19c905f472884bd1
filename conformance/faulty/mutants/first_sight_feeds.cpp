#include "../faults.hpp"
#include "lower.hpp"

#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <deque>
#include <tuple>

/// What goes wrong with pages, cursors, feeds and repetitions the second time.
namespace bsp::faulty {

namespace {

bool is_pull(json::object const& cursor) { return json::view(cursor.at("f").as_string()).starts_with("pull "); }

// ---- pages ----

struct empty_pull_echoes : backend {
    using backend::backend;
    instant watermark(call const& c) override {
        auto const since = since_of(c);
        return since && c.parameter("since") && *since > held().last_commit ? *since : backend::watermark(c);
    }
};

/// Of an entry in a pull with `since` only the messages that came since.
struct only_news_of_the_revived : backend {
    using backend::backend;
    bool join_message(conversation& into, message const& incoming) override {
        bool const changed = backend::join_message(into, incoming);
        if (changed) came_[incoming.digest] = held().last_commit + std::chrono::nanoseconds{1};
        return changed;
    }
    result<instant> since_of(call const& c) override {
        BSP_TRY(since_, backend::since_of(c));
        return since_;
    }
    json::object pull_entry(std::string const& id, conversation const& c) override {
        json::object out = backend::pull_entry(id, c);
        json::array kept;
        for (message const* m : sorted_messages(c))
            if (came_[m->digest] >= since_ && (m->deleted || !c.winner.deleted)) kept.push_back(emit_message(*m));
        out["messages"] = std::move(kept);
        return out;
    }

private:
    std::map<sha256_digest, instant> came_;
    instant since_;
};

struct cursor_for_once : backend {
    using backend::backend;
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        BSP_TRY(auto cursor, backend::cursor_of(c, feed));
        if (cursor && !used_.insert(*c.parameter("cursor")).second) return fail(errc::invalid_query, "this cursor was used");
        return cursor;
    }

private:
    std::set<std::string> used_;
};

struct one_pull_at_a_time : backend {
    using backend::backend;
    answer pull(call const& c, std::string const& id) override {
        if (!c.parameter("cursor")) ++pull_;
        return backend::pull(c, id);
    }
    json::object cursor_content(json::object content) override {
        if (is_pull(content)) content["pull"] = pull_;
        return content;
    }
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        BSP_TRY(auto cursor, backend::cursor_of(c, feed));
        if (cursor && is_pull(*cursor) && cursor->at("pull").as_int64() != pull_) return fail(errc::invalid_query, "another pull has begun");
        return cursor;
    }

private:
    std::int64_t pull_ = 0;
};

struct limit_in_cursor : backend {
    using backend::backend;
    result<std::size_t> limit_of(call const& c) override {
        BSP_TRY(limit_, backend::limit_of(c));
        return limit_;
    }
    json::object cursor_content(json::object content) override {
        content["l"] = limit_;
        return content;
    }
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        BSP_TRY(auto cursor, backend::cursor_of(c, feed));
        if (cursor) limit_ = cursor->at("l").to_number<std::size_t>();
        return cursor;
    }
    std::size_t page_size(std::size_t) override { return limit_; }

private:
    std::size_t limit_ = 0;
};

struct renewal_ends_pulls : backend {
    using backend::backend;
    void renew(peer_record& peer, claimed_identity const& who, token const& t) override {
        if (t.created > peer.sbt_created) ++renewals_["pull " + peer.peer_id];
        backend::renew(peer, who, t);
    }
    json::object cursor_content(json::object content) override {
        content["r"] = renewals_[std::string{json::view(content.at("f").as_string())}];
        return content;
    }
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        BSP_TRY(auto cursor, backend::cursor_of(c, feed));
        if (cursor && cursor->at("r").as_int64() != renewals_[std::string{feed}]) return fail(errc::invalid_query, "this cursor is of an earlier session");
        return cursor;
    }

private:
    std::map<std::string, std::int64_t> renewals_;
};

/// A list in an order of its own, continued after the last entry of a page.
struct list_in_another_order : backend {
    using backend::backend;
    answer list_conversations(call const& c) override {
        BSP_TRY(principal const who, authenticate(c, user_may | peer_may));
        BSP_TRY(std::size_t const limit, limit_of(c));
        BSP_TRY(auto const cursor, cursor_of(c, "list"));
        std::vector<row> rows;
        for (auto const& [id, conversation] : tenant_of(who.user_id))
            if (is_listed(conversation)) rows.push_back({&id, &conversation});
        std::sort(rows.begin(), rows.end(), [this](row const& a, row const& b) { return before(a, b); });
        json::array entries;
        bool more = false;
        row last{};
        std::int64_t at = 0;
        for (auto const& r : rows) {
            if (cursor && !after(r, at, *cursor)) {
                ++at;
                continue;
            }
            if (entries.size() == limit) {
                more = true;
                break;
            }
            entries.push_back(list_entry(*r.id, *r.c));
            last = r;
            ++at;
        }
        json::object out{{"conversations", std::move(entries)}, {"has_more", more}};
        if (more) out["cursor"] = make_cursor({{"f", "list"}, {"id", *last.id}, {"m", last.c->modified.seconds}, {"mn", last.c->modified.nanoseconds}, {"o", at}});
        return json_answer(200, out);
    }

protected:
    struct row {
        std::string const* id;
        conversation const* c;
    };
    virtual bool before(row const& a, row const& b) { return *a.id < *b.id; }
    virtual bool after(row const& r, std::int64_t at, json::object const& cursor) = 0;
    static std::string id_of(json::object const& cursor) { return std::string{json::view(cursor.at("id").as_string())}; }
    static instant modified_of(json::object const& cursor) { return {cursor.at("m").as_int64(), static_cast<std::uint32_t>(cursor.at("mn").to_number<std::int64_t>())}; }
};
struct list_latest_first : list_in_another_order {
    using list_in_another_order::list_in_another_order;
    bool before(row const& a, row const& b) override { return std::tie(b.c->modified, *a.id) < std::tie(a.c->modified, *b.id); }
    bool after(row const& r, std::int64_t, json::object const& cursor) override {
        instant const m = modified_of(cursor);
        return r.c->modified < m || (r.c->modified == m && *r.id > id_of(cursor));
    }
};
struct list_by_row_number : list_in_another_order {
    using list_in_another_order::list_in_another_order;
    bool after(row const&, std::int64_t at, json::object const& cursor) override { return at >= cursor.at("o").as_int64(); }
};
struct list_without_case : list_in_another_order {
    using list_in_another_order::list_in_another_order;
    bool before(row const& a, row const& b) override { return std::pair{lower(*a.id), *a.id} < std::pair{lower(*b.id), *b.id}; }
    bool after(row const& r, std::int64_t, json::object const& cursor) override { return *r.id > id_of(cursor); }
};
struct list_joined_with_messages : backend {
    using backend::backend;
    bool is_listed(conversation const& c) override {
        return backend::is_listed(c) && std::any_of(c.messages.begin(), c.messages.end(), [](auto const& m) { return !m.second.deleted; });
    }
};
struct list_of_winning_writes : backend {
    using backend::backend;
    json::object list_entry(std::string const& id, conversation const& c) override {
        json::object out = backend::list_entry(id, c);
        out["last_modified"] = c.winner.received.at("last_modified");
        return out;
    }
};
struct list_of_known_members : backend {
    using backend::backend;
    json::object list_entry(std::string const& id, conversation const& c) override {
        json::object const all = backend::list_entry(id, c);
        json::object out;
        for (char const* name : {"conversation_id", "version", "last_modified", "surfaces", "source_backend", "title", "message_count"})
            if (json::value const* v = all.if_contains(name)) out[name] = *v;
        return out;
    }
};
struct pulled_messages_by_id : backend {
    using backend::backend;
    json::object pull_entry(std::string const& id, conversation const& c) override {
        json::object out = backend::pull_entry(id, c);
        auto& messages = out.at("messages").as_array();
        std::sort(messages.begin(), messages.end(), [](json::value const& a, json::value const& b) { return json::view(a.at("id").as_string()) < json::view(b.at("id").as_string()); });
        return out;
    }
};
struct no_echo : backend {
    using backend::backend;
    answer pull(call const& c, std::string const& id) override {
        auto const found = held().peers.find(id);
        if (found != held().peers.end()) puller_ = found->second.backend_id;
        return backend::pull(c, id);
    }
    json::object pull_entry(std::string const& id, conversation const& c) override {
        json::object out = backend::pull_entry(id, c);
        auto& messages = out.at("messages").as_array();
        for (auto at = messages.begin(); at != messages.end();) at = json::view(at->at("source_backend").as_string()) == puller_ ? messages.erase(at) : at + 1;
        return out;
    }

private:
    std::string puller_;
};

// ---- the feed ----

struct surfaces_are_no_news : backend {
    using backend::backend;
    bool join_surfaces(conversation& into, conversation const& from) override {
        backend::join_surfaces(into, from);
        return false;
    }
};
struct last_modified_is_no_news : backend {
    using backend::backend;
    bool join_modified(conversation& into, conversation const& from) override {
        backend::join_modified(into, from);
        return false;
    }
};
struct equal_versions_are_no_news : backend {
    using backend::backend;
    bool join_message(conversation& into, message const& incoming) override {
        auto const found = into.messages.find(incoming.id);
        bool const news = found == into.messages.end() || found->second.version != incoming.version;
        return backend::join_message(into, incoming) && news;
    }
};
struct deletions_here_are_no_news : backend {
    using backend::backend;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        instant const before = all[id].committed;
        bool const deletion = m && m->deleted;
        BSP_CHECK(backend::commit_locally(all, id, std::move(scalars), version, std::move(m), now));
        if (deletion) all[id].committed = before;
        return ok();
    }
};

// ---- repetitions and single use ----

struct receipts_end_with_the_token : backend {
    using backend::backend;
    void renew(peer_record& peer, claimed_identity const& who, token const& t) override {
        if (t.created > peer.sbt_created) std::erase_if(held().receipts, [&](auto const& r) { return r.first.first == peer.peer_id; });
        backend::renew(peer, who, t);
    }
};
struct receipts_by_user : backend {
    using backend::backend;
    std::pair<std::string, std::string> receipt_key(peer_record const& peer, std::string const& sync_id) override { return {peer.user_id, sync_id}; }
};
struct receipts_of_versions : backend {
    using backend::backend;
    sha256_digest digest_of(json::object const& body) override {
        std::string text;
        for (auto const& c : body.at("conversations").as_array()) {
            text += json::serialize(c.at("conversation_id")) + json::serialize(c.at("version"));
            for (auto const& m : c.at("messages").as_array()) text += json::serialize(m.at("id")) + json::serialize(m.at("version"));
        }
        return sha256(text);
    }
};
struct last_64_jtis : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        BSP_CHECK(backend::claim_jti(c, issuer, a));
        order_.emplace_back(issuer, a.jti);
        if (order_.size() > 64) {
            held().used_assertions.erase(order_.front());
            order_.pop_front();
        }
        return ok();
    }

private:
    std::deque<std::pair<std::string, std::string>> order_;
};
struct jtis_by_user : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        auto const peer = held().peers.find(a.sub);
        return backend::claim_jti(c, peer == held().peers.end() ? issuer : "user " + peer->second.user_id, a);
    }
};
struct jtis_of_successes : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        BSP_CHECK(backend::claim_jti(c, issuer, a));
        claimed_ = std::pair{issuer, a.jti};
        return ok();
    }
    answer dispatch(call& c) override {
        claimed_.reset();
        answer out = backend::dispatch(c);
        if (!out && claimed_) held().used_assertions.erase(*claimed_);
        return out;
    }

private:
    std::optional<std::pair<std::string, std::string>> claimed_;
};

}  // namespace

std::vector<fault> first_sight_feed_faults() {
    return {
        tried(1, false, {"F-SYN-430", "a pull that finds nothing gives its own since back", {"syn/since-future"}, make<empty_pull_echoes>}),
        tried(1, true, {"F-SYN-431", "of a conversation that came back a pull brings the new messages only", {"mrg/conversation-returns"}, make<only_news_of_the_revived>}),
        tried(1, true, {"F-SYN-432", "a cursor can be used once", {"syn/cursor-endures"}, make<cursor_for_once>}),
        tried(1, true, {"F-SYN-433", "a new pull ends the one under way", {"syn/cursor-endures"}, make<one_pull_at_a_time>}),
        tried(1, false, {"F-SYN-434", "the limit of the first page counts for all", {"syn/limit-of-each-page"}, make<limit_in_cursor>}),
        tried(1, false, {"F-SYN-435", "a list is in the order of last_modified, and what moves is lost", {"cnv/list-while-writing"}, make<list_latest_first>}),
        tried(1, true, {"F-SYN-436", "a cursor of the list is a number of rows to skip", {"cnv/list-while-deleting"}, make<list_by_row_number>}),
        tried(1, true, {"F-SYN-437", "a list is sorted without case and continued with case", {"cnv/list-pages"}, make<list_without_case>}),
        tried(1, false, {"F-SYN-438", "a new token ends the pulls under way", {"syn/cursor-endures"}, make<renewal_ends_pulls>}),
        tried(1, false, {"F-SYN-439", "a new token lets sync ids be forgotten", {"syn/receipts-endure"}, make<receipts_end_with_the_token>}),
        tried(1, true, {"F-SYN-440", "sync ids of a user's peers are one", {"syn/sync-id-after-pairing-again", "syn/sync-id-per-peer"}, make<receipts_by_user>}),
        tried(1, true, {"F-SYN-441", "a repetition is recognised by ids and versions", {"syn/sync-id-reuse"}, make<receipts_of_versions>}),
        tried(1, false, {"F-SYN-442", "only the last 64 jtis are remembered", {"aut/jti-lasts"}, make<last_64_jtis>}),
        tried(1, true, {"F-SYN-443", "a user and that user's peers share their jtis", {"aut/jti-per-issuer"}, make<jtis_by_user>}),
        tried(1, false, {"F-SYN-444", "a jti is used up only by a request that succeeds", {"aut/jti-of-refused"}, make<jtis_of_successes>}),
        tried(1, true, {"F-SYN-450", "a new surface alone is not in the feed", {"syn/pull-metadata"}, make<surfaces_are_no_news>}),
        tried(1, false, {"F-SYN-451", "a later last_modified alone is not in the feed", {"syn/changes-are-news"}, make<last_modified_is_no_news>}),
        tried(1, true, {"F-SYN-452", "messages deleted here are not in the feed", {"syn/pull-tombstones"}, make<deletions_here_are_no_news>}),
        tried(1, false, {"F-SYN-453", "a message that wins at equal version is not in the feed", {"syn/changes-are-news"}, make<equal_versions_are_no_news>}),
        tried(1, true, {"F-SYN-466", "conversations without messages are not listed", {"cnv/history-users", "syn/history-feeds", "syn/history-refusals"}, make<list_joined_with_messages>}),
        tried(1, true, {"F-SYN-467", "a pull leaves out the messages of the puller", {"syn/source-kept"}, make<no_echo>}),
        tried(1, true, {"F-SYN-468", "the list shows last_modified of the winning write", {"cnv/history-users", "mrg/history-states", "syn/history-feeds"}, make<list_of_winning_writes>}),
        tried(1, true, {"F-SYN-469", "unknown members are not in the list", {"cnv/history-users", "mrg/history-states", "syn/history-refusals"}, make<list_of_known_members>}),
        tried(1, false, {"F-SYN-470", "messages in pulls are sorted by id", {"syn/entries-in-order"}, make<pulled_messages_by_id>}),
    };
}

}  // namespace bsp::faulty
