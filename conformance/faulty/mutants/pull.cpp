#include "../faults.hpp"
#include "lenient_json.hpp"

#include <algorithm>

/// Faults of the feed and the digest.
namespace bsp::faulty {

namespace {

struct open_pull : backend {
    using backend::backend;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        if (of_path && !c.request.headers.find("Authorization")) return principal{principal::peer_kind, of_path->user_id, of_path};
        return backend::authenticate(c, who_may, of_path);
    }
};
struct open_digest : backend {
    using backend::backend;
    answer digest(call const& c, std::string const& id) override {
        if (c.request.headers.find("Authorization")) return backend::digest(c, id);
        BSP_TRY(peer_record * p, find_peer(id));
        return json_answer(200, digest_answer(tenant_of(p->user_id)));
    }
};
struct pull_of_everybody : backend {
    using backend::backend;
    answer pull(call const& c, std::string const& id) override {
        BSP_TRY(http_response r, backend::pull(c, id));
        auto body = parse_body(r.body);
        if (!body) return r;
        std::string const& own = held().peers.at(id).user_id;
        for (auto const& [user, all] : held().tenants)
            if (user != own)
                for (auto const& [conversation_id, conversation] : all) body->at("conversations").as_array().push_back(pull_entry(conversation_id, conversation));
        return json_answer(200, *body);
    }
};
struct since_registration : backend {
    using backend::backend;
    result<instant> since_of(call const& c) override {
        if (c.parameter("since") || c.segments.size() < 2) return backend::since_of(c);
        return held().peers.at(c.segments[1]).registered;
    }
};
struct watermark_behind : backend {
    using backend::backend;
    instant watermark(call const& c) override { return backend::watermark(c) - std::chrono::seconds{3}; }
};
struct since_ignored : backend {
    using backend::backend;
    bool belongs_in_pull(conversation const&, instant) override { return true; }
};
struct bad_since_is_500 : backend {
    using backend::backend;
    result<instant> since_of(call const& c) override {
        auto t = backend::since_of(c);
        return t ? t : fail(errc::internal, "ValueError");
    }
};
struct since_against_authors : backend {
    using backend::backend;
    bool belongs_in_pull(conversation const& c, instant since) override { return c.modified >= since; }
};
struct since_with_z_only : backend {
    using backend::backend;
    result<instant> since_of(call const& c) override {
        std::string const* t = c.parameter("since");
        if (t && !t->ends_with('Z')) return fail(errc::invalid_query, "since");
        return backend::since_of(c);
    }
};
struct future_clamped : backend {
    using backend::backend;
    result<instant> since_of(call const& c) override {
        BSP_TRY(instant t, backend::since_of(c));
        return t > c.now + std::chrono::seconds{1} ? instant{} : t;
    }
};
struct equal_places_skipped : backend {
    using backend::backend;
    bool after_cursor(instant place, std::string const&, instant at, std::string const&) override { return place > at; }
};
struct one_more_than_limit : backend {
    using backend::backend;
    std::size_t page_size(std::size_t limit) override { return limit + 1; }
};
struct limit_ignored : backend {
    using backend::backend;
    std::size_t page_size(std::size_t) override { return 100'000; }
};
struct never_more : backend {
    using backend::backend;
    bool more_follow(std::size_t, std::size_t, std::size_t) override { return false; }
};
struct always_more : backend {
    using backend::backend;
    bool more_follow(std::size_t, std::size_t, std::size_t) override { return true; }
};
struct full_page_means_more : backend {
    using backend::backend;
    // The usual shortcut, one off: the last page is lost when it has a single entry.
    bool more_follow(std::size_t given, std::size_t limit, std::size_t left) override { return given == limit && left > 1; }
};
struct no_tombstones : backend {
    using backend::backend;
    json::object pull_entry(std::string const& id, conversation const& c) override {
        json::object out = backend::pull_entry(id, c);
        out["messages"] = emit_messages(c, false);
        return out;
    }
    bool belongs_in_pull(conversation const& c, instant since) override { return !c.winner.deleted && backend::belongs_in_pull(c, since); }
};
struct metadata_unnoticed : backend {
    using backend::backend;
    bool join(conversation& into, conversation const& from) override {
        bool const first = into.is_new();
        std::size_t const count = into.messages.size();
        auto const before = into.messages;
        backend::join(into, from);
        if (first || count != into.messages.size()) return true;
        return std::any_of(before.begin(), before.end(), [&](auto const& m) { return into.messages.at(m.first).canonical != m.second.canonical; });
    }
};
struct edits_unnoticed : backend {
    using backend::backend;
    bool join(conversation& into, conversation const& from) override {
        std::size_t const count = into.messages.size();
        bool const changed = backend::join(into, from);
        return changed && (from.messages.empty() || into.messages.size() != count);
    }
};
struct watermark_ahead : backend {
    using backend::backend;
    instant watermark(call const& c) override { return std::max(c.now, backend::watermark(c)) + std::chrono::seconds{1}; }
};
struct watermark_of_old : backend {
    using backend::backend;
    instant watermark(call const&) override { return {}; }
};
struct watermark_of_last_page : backend {
    using backend::backend;
    // Taken anew on every page, and the pages are ordered by id: what changes in between is lost.
    instant place_in_feed(conversation const&) override { return {}; }
    answer pull(call const& c, std::string const& id) override {
        BSP_TRY(http_response r, backend::pull(c, id));
        auto body = parse_body(r.body);
        if (body && !body->at("has_more").as_bool()) body->as_object()["last_sync"] = format_timestamp(watermark(c));
        return body ? json_answer(200, *body) : r;
    }
};
struct cursor_needs_since : backend {
    using backend::backend;
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        BSP_TRY(auto cursor, backend::cursor_of(c, feed));
        return feed.starts_with("pull") && !c.parameter("since") ? std::optional<json::object>{} : cursor;
    }
};
struct any_limit : backend {
    using backend::backend;
    result<std::size_t> limit_of(call const& c) override {
        auto n = backend::limit_of(c);
        return n || c.segments[0] != "sync" ? n : result<std::size_t>{std::size_t{100}};
    }
};
struct any_cursor : backend {
    using backend::backend;
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        auto cursor = backend::cursor_of(c, feed);
        return cursor || !feed.starts_with("pull") ? std::move(cursor) : result<std::optional<json::object>>{std::optional<json::object>{}};
    }
};
struct cursor_of_faith : backend {
    using backend::backend;
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        auto cursor = backend::cursor_of(c, feed);
        return cursor ? std::move(cursor) : result<std::optional<json::object>>{fail(errc::internal, "stoi")};
    }
};
struct watermark_without_z : backend {
    using backend::backend;
    answer pull(call const& c, std::string const& id) override {
        BSP_TRY(http_response r, backend::pull(c, id));
        auto body = parse_body(r.body);
        if (!body) return r;
        body->as_object()["last_sync"] = replaced(json::view(body->at("last_sync").as_string()), "Z", "+00:00");
        return json_answer(200, *body);
    }
};
template <class Change>
struct digest_of_changed : backend {
    using backend::backend;
    json::object digest_answer(tenant const& all) override {
        tenant changed = all;
        for (auto& [id, c] : changed) Change{}(c);
        return backend::digest_answer(changed);
    }
};
struct tombstones_counted {
    void operator()(conversation& c) const {
        for (auto& [id, m] : c.messages) m.deleted = false;
    }
};
struct deleted_counted {
    void operator()(conversation& c) const { c.winner.deleted = false; }
};
struct surfaces_left_out {
    void operator()(conversation& c) const { c.surfaces.clear(); }
};

}  // namespace

std::vector<fault> pull_faults() {
    return {
        {"F-SYN-25", "the feed is open", {"syn/pull-needs-credential"}, make<open_pull>},
        {"F-SYN-39", "since is ignored", {"syn/pull-incremental"}, make<since_ignored>},
        {"F-SYN-40", "a bad since is answered with 500", {"syn/since-invalid"}, make<bad_since_is_500>},
        {"F-SYN-53", "a pull holds other users' changes", {"syn/pull-own-user"}, make<pull_of_everybody>},
        {"F-SYN-114", "a cursor skips conversations of the same commit", {"syn/pull-pages"}, make<equal_places_skipped>},
        {"F-SYN-115", "a page has one entry more than limit", {"syn/pull-limit"}, make<one_more_than_limit>},
        {"F-SYN-116", "has_more is always false", {"syn/pull-pages"}, make<never_more>},
        {"F-SYN-117", "has_more is always true", {"syn/pull-terminates"}, make<always_more>},
        {"F-SYN-118", "tombstones are left out of pulls", {"syn/pull-tombstones", "syn/history-feeds"}, make<no_tombstones>},
        {"F-SYN-119", "changes of a conversation's own members are not in the feed", {"syn/pull-metadata"}, make<metadata_unnoticed>},
        {"F-SYN-120", "since is compared with last_modified", {"syn/pull-by-commit"}, make<since_against_authors>},
        {"F-SYN-149", "any limit is accepted", {"syn/pull-query"}, make<any_limit>},
        {"F-SYN-150", "any cursor is accepted", {"syn/foreign-cursor-told"}, make<any_cursor>},
        {"F-SYN-381", "a cursor that does not decode is an internal error", {"syn/foreign-cursor"}, make<cursor_of_faith>},
        {"F-SYN-151", "a since in the future brings everything", {"syn/since-future"}, make<future_clamped>},
        {"F-SYN-152", "since must end in Z", {"syn/since-spellings"}, make<since_with_z_only>},
        {"F-SYN-154", "last_sync is a second ahead", {"syn/pull-watermark"}, make<watermark_ahead>},
        {"F-SYN-155", "last_sync never moves", {"syn/pull-incremental"}, make<watermark_of_old>},
        {"F-SYN-178", "the digest counts tombstones", {"syn/digest"}, make<digest_of_changed<tombstones_counted>>},
        {"F-SYN-179", "the digest leaves surfaces out", {"syn/digest"}, make<digest_of_changed<surfaces_left_out>>},
        {"F-SYN-180", "the digest counts deleted conversations", {"syn/digest", "syn/history-digest"}, make<digest_of_changed<deleted_counted>>},
        {"F-SYN-235", "limit is ignored", {"syn/pull-limit"}, make<limit_ignored>},
        {"F-SYN-236", "a cursor without since begins again", {"syn/pull-cursor-without-since"}, make<cursor_needs_since>},
        {"F-SYN-237", "last_sync ends in +00:00", {"syn/pull-answer"}, make<watermark_without_z>},
        {"F-SYN-238", "the digest is open", {"syn/digest-needs-credential"}, make<open_digest>},
        {"F-SYN-260", "the entry after a full page is lost", {"syn/pull-pages"}, make<full_page_means_more>},
        {"F-SYN-261", "the watermark is taken after the last page", {"syn/pull-watermark"}, make<watermark_of_last_page>},
        {"F-SYN-286", "the first pull begins at the registration", {"syn/pull-everything"}, make<since_registration>},
        {"F-SYN-287", "last_sync reaches back three seconds", {"syn/pull-unchanged-left-out"}, make<watermark_behind>},
        {"F-SYN-262", "edits of messages are not in the feed", {"syn/pull-incremental"}, make<edits_unnoticed>},
    };
}

}  // namespace bsp::faulty
