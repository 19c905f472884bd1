#pragma once

#include "../scenario.hpp"

#include <bsp/base/uri.hpp>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Reading and writing conversations where the request itself is not what is judged.
namespace bsp::conformance {

inline exchange read(scenario& s, caller const& who, std::string const& conversation) {
    auto x = who.read(conversation);
    s.control(x, "reading the conversation");
    return x;
}

/// The message of that id in a conversation that was read; empty when there is none.
inline json::object message_in(exchange const& x, std::string_view id) {
    auto const* found = find_by_id(x.body(), "/messages", id);
    return found ? *found : json::object{};
}

inline exchange write(scenario& s, caller const& who, std::string const& conversation, std::string_view content, edit const& more = {}) {
    auto x = who.write(conversation, content, more);
    s.control(x, "a local write");
    return x;
}

/// A message's deletion, as a peer pushes it.
inline json::object tombstone(scenario& s, std::string_view id, std::int64_t version, std::string timestamp) {
    return s.message(id, "", version, [&](json::object& m) {
        m["deleted"] = true;
        m["timestamp"] = std::move(timestamp);
    });
}

inline exchange pushed(scenario& s, peer const& a, json::object conversation) {
    auto x = a.push({std::move(conversation)});
    s.control(x, "a push");
    return x;
}

/// Every page of `GET /conversations`; `pages` takes how many there were.
inline std::vector<json::object> whole_list(scenario& s, caller const& who, int limit, std::size_t* pages = nullptr) {
    constexpr std::size_t pages_max = 1'000;
    std::vector<json::object> all;
    std::string cursor;
    for (std::size_t page = 1; page <= pages_max; ++page) {
        auto const x = who.get("/conversations?limit=" + std::to_string(limit) + (cursor.empty() ? "" : "&cursor=" + cursor));
        s.control(x, "a page of the list");
        auto const entries = objects_at(x.body(), "/conversations");
        s.expect(entries.size() <= static_cast<std::size_t>(limit), "at most " + std::to_string(limit) + " entries on a page", std::to_string(entries.size()));
        all.insert(all.end(), entries.begin(), entries.end());
        auto const* more = x.at("/has_more");
        s.expect(more && more->is_bool(), "has_more, a boolean", more ? show(*more) : "absent");
        if (pages) *pages = page;
        if (!more->as_bool()) return all;
        s.expect(!x.text("/cursor").empty(), "a cursor on a page with has_more true", "none");
        cursor = percent_encode_segment(x.text("/cursor"));
    }
    // Endless, or a user with very much history: the ids tell.
    std::set<std::string> distinct;
    for (auto const& o : all) distinct.insert(text_at(o, "/conversation_id"));
    s.expect(distinct.size() * 2 > all.size(), "pages that come to an end", std::to_string(all.size()) + " entries of " + std::to_string(distinct.size()) + " conversations, and no last page");
    s.inconclusive("the user has too many conversations to read the list in pages of " + std::to_string(limit));
}

/// A `limit` with which the user's list has some hundreds of pages at most, however much history the user has.
inline std::size_t list_page(scenario& s, caller const& who) { return 2 + whole_list(s, who, 500).size() / 400; }

}  // namespace bsp::conformance
