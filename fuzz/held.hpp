#pragma once

#include "world.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

/// What the backend holds, and a second, small opinion on which of two writes stands.
namespace bsp::fuzz {

/// (version, instant, not redacted, SHA-256 of the canonical form): the greater one stands (BSP-MRG-014 … BSP-MRG-018).
using rank = std::tuple<std::int64_t, instant, bool, sha256_digest>;

struct item {
    rank stands;
    bool deleted = false;
    friend bool operator==(item const&, item const&) = default;
};

/// A message by its conversation and id; "" in the place of the id: the conversation's own members.
using place = std::pair<std::string, std::string>;
using items = std::map<place, item>;

inline void join(items& into, place const& at, item const& i) {
    auto const [held, is_new] = into.try_emplace(at, i);
    if (!is_new && held->second.stands < i.stands) held->second = i;
}

inline bool is_true(json::object const& o, std::string_view member) {
    auto const* v = o.if_contains(member);
    return v && v->is_bool() && v->get_bool();
}

/// Of an object that was accepted, or is served.
inline item item_of(json::object const& o, std::string_view time_member, std::string_view without_a = {}, std::string_view without_b = {}) {
    auto const& version = o.at("version");
    return {{version.to_number<std::int64_t>(), parse_timestamp(json::view(o.at(time_member).as_string())).value(), !is_true(o, "redacted"),
             sha256(json::canonicalize(o, {without_a, without_b}).value())},
            is_true(o, "deleted")};
}
inline item item_of_message(json::object const& o) { return item_of(o, "timestamp"); }
inline item item_of_conversation(json::object const& o) { return item_of(o, "last_modified", "messages", "surfaces"); }

/// Everything held of one user.
struct estate {
    items held;
    std::map<std::string, std::pair<std::int64_t, std::string>> emitted;  ///< conversation → version, last_modified
    friend bool operator==(estate const&, estate const&) = default;

    [[nodiscard]] bool is_live(std::string const& conversation) const {
        auto const found = held.find({conversation, ""});
        return found != held.end() && !found->second.deleted;
    }
};

struct state {
    std::array<estate, users.size()> of;
    std::string registrations;
    friend bool operator==(state const&, state const&) = default;
};

inline estate look(tenant_reader& mine) {
    constexpr auto all = std::numeric_limits<std::size_t>::max();
    estate e;
    for (auto const& head : mine.heads("", all).value()) {
        auto const& s = head.scalars;
        e.held[{head.conversation_id, ""}] = {{s.version, s.last_modified, !s.redacted, s.digest}, s.deleted};
        e.emitted[head.conversation_id] = {head.version, head.last_modified};
        for (auto const& m : mine.messages_in_order(head.conversation_id, std::nullopt, all).value())
            e.held[{head.conversation_id, m.id}] = {{m.version, m.timestamp, !m.redacted, m.digest}, m.deleted};
    }
    return e;
}

inline state look(world& w) {
    return w.store
        .read([](store_reader& r) -> result<state> {
            state s;
            for (std::size_t user = 0; user < users.size(); ++user) s.of[user] = look(r.tenant(users[user]));
            for (auto const& p : r.peers(std::nullopt, "", std::numeric_limits<std::size_t>::max()).value())
                s.registrations += p.peer_id + p.user_id + p.backend_id + p.public_key_pem + p.sbt + std::to_string(p.total_syncs) + ' ' +
                                   (p.endpoints ? p.endpoints->sync_endpoint : "") + '\n';
            return s;
        })
        .value();
}

}  // namespace bsp::fuzz
