#include "backend.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <tuple>

namespace bsp::faulty {

namespace {

struct place {
    instant when;
    std::string id;
    friend auto operator<=>(place const&, place const&) = default;
};

std::string digest_text(json::value const& v) { return to_hex(sha256(json::canonicalize(v).value())); }

}  // namespace

result<http_response> backend::pull(call const& c, std::string const& peer_id) {
    BSP_TRY(peer_record * peer, find_peer(peer_id));
    BSP_CHECK(check_not_revoked(*peer));
    BSP_TRY(principal const who, authenticate(c, peer_may, peer));
    feed_query asked{peer_id, who.user_id};
    BSP_TRY(asked.limit, limit_of(c));
    BSP_TRY(asked.since, since_of(c));
    if (std::string const* expected = c.parameter("epoch"); expected && *expected != epoch_) return fail(errc::epoch_changed, "the store has another epoch");
    BSP_TRY(asked.cursor, cursor_of(c, "pull " + peer_id));
    BSP_TRY(asked.wait, wait_of(c));
    asked.key = proven_by_;
    json::object page = feed_page(c, asked);
    return asked.wait.count() > 0 && may_be_held(page) ? hold(c, asked) : json_answer(200, page);
}

json::object backend::feed_page(call const& c, feed_query const& asked) {
    // The first page fixes the watermark and the lower bound, and the cursor carries them.
    auto const& [peer_id, user_id, limit, from, cursor, wait, key] = asked;
    instant since = from, mark = watermark(c);
    place after{{-1'000'000'000'000, 0}, ""};
    if (cursor) {
        since = {cursor->at("s").as_int64(), static_cast<std::uint32_t>(cursor->at("sn").as_int64())};
        mark = {cursor->at("w").as_int64(), static_cast<std::uint32_t>(cursor->at("wn").as_int64())};
        after = {{cursor->at("a").as_int64(), static_cast<std::uint32_t>(cursor->at("an").as_int64())}, std::string{json::view(cursor->at("id").as_string())}};
    }

    tenant const& all = tenant_of(user_id);
    std::vector<std::pair<place, conversation const*>> due;
    for (auto const& [id, conversation] : all)
        if (belongs_in_pull(conversation, since) && (!cursor || after_cursor(place_in_feed(conversation), id, after.when, after.id)))
            due.push_back({{place_in_feed(conversation), id}, &conversation});
    std::sort(due.begin(), due.end(), [](auto const& a, auto const& b) { return a.first < b.first; });

    std::size_t const given = std::min(page_size(limit), due.size());
    json::array entries;
    for (std::size_t i = 0; i < given; ++i) entries.push_back(outgoing(pull_entry(due[i].first.id, *due[i].second), &held().peers.at(peer_id), outlet::pull));
    bool const more = more_follow(given, limit, due.size() - given);
    json::object out{{"conversations", std::move(entries)}, {"last_sync", format_timestamp(mark)}, {"has_more", more}, {"epoch", epoch()}};
    if (more) {
        place const last = given > 0 ? due[given - 1].first : after;
        out["cursor"] = make_cursor({{"f", "pull " + peer_id},
                                     {"s", since.seconds}, {"sn", since.nanoseconds},
                                     {"w", mark.seconds}, {"wn", mark.nanoseconds},
                                     {"a", last.when.seconds}, {"an", last.when.nanoseconds}, {"id", last.id}});
    }
    return out;
}

result<instant> backend::since_of(call const& c) {
    std::string const* text = c.parameter("since");
    if (!text) return instant{-1'000'000'000'000, 0};
    auto const since = timestamp(*text);
    if (!since) return fail(errc::invalid_query, "since is no timestamp");
    return *since;
}

bool backend::belongs_in_pull(conversation const& c, instant since) { return c.committed >= since; }

bool backend::after_cursor(instant where, std::string const& id, instant cursor_place, std::string const& cursor_id) {
    return std::tie(where, id) > std::tie(cursor_place, cursor_id);
}

bool backend::more_follow(std::size_t, std::size_t, std::size_t left) { return left > 0; }

// Commits are strictly increasing, so the next one is not earlier than this.
instant backend::watermark(call const&) { return held().last_commit + std::chrono::nanoseconds{1}; }

json::object backend::pull_entry(std::string const& id, conversation const& c) {
    json::object out = emit_scalars(id, c);
    out["surfaces"] = emit_surfaces(c);
    out["messages"] = emit_messages(c, true);
    return out;
}

std::string backend::make_cursor(json::object content) {
    std::string const text = to_base64url(as_bytes(json::serialize(cursor_content(std::move(content)))));
    return text + '.' + to_hex(hmac_sha256(cursor_secret_, text)).substr(0, 32);
}

result<std::optional<json::object>> backend::cursor_of(call const& c, std::string_view feed) {
    std::string const* given = c.parameter("cursor");
    if (!given) return std::optional<json::object>{};
    auto const refused = fail(errc::invalid_query, "this cursor was not issued here");
    std::size_t const dot = given->find('.');
    std::string const text = given->substr(0, dot);
    if (dot == std::string::npos || given->substr(dot + 1) != to_hex(hmac_sha256(cursor_secret_, text)).substr(0, 32)) return refused;
    auto const content = from_base64url(text);
    auto const parsed = content ? json::parse({reinterpret_cast<char const*>(content->data()), content->size()}) : refused;
    if (!parsed || parsed->at("f").as_string() != boost::json::string_view{feed.data(), feed.size()}) return refused;
    return std::optional<json::object>{parsed->get_object()};
}

result<http_response> backend::digest(call const& c, std::string const& peer_id) {
    BSP_TRY(peer_record * peer, find_peer(peer_id));
    BSP_CHECK(check_not_revoked(*peer));
    BSP_TRY(principal const who, authenticate(c, peer_may, peer));
    return json_answer(200, digest_answer(digested(tenant_of(who.user_id), *peer)));
}

json::object backend::digest_answer(tenant const& all) {
    json::array pairs;
    for (auto const& [id, c] : all) {
        if (c.winner.deleted) continue;
        json::array messages;
        for (auto const& [message_id, m] : c.messages)
            if (!m.deleted) messages.push_back(json::string{to_hex(sha256(m.canonical))});
        json::array const surfaces(c.surfaces.begin(), c.surfaces.end());
        pairs.push_back(json::array{id, digest_text(json::object{{"conversation", emit_scalars(id, c)}, {"messages", messages}, {"surfaces", surfaces}})});
    }
    std::size_t const count = pairs.size();
    return {{"digest", digest_text(pairs)}, {"conversations", count}};
}

}  // namespace bsp::faulty
