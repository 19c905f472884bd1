#pragma once

#include "ground.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <map>
#include <set>
#include <span>
#include <string_view>

/// The digest of a user's live state as a peer computes it from a pull (section 6.5).
namespace bsp::conformance {

inline exchange read_digest(peer const& a, call_options const& o = {}) { return a.get("/sync/" + a.peer_id() + "/digest", o); }

/// A peer at a target that offers the digest.
inline peer offered_to(scenario& s) {
    auto a = s.register_peer();
    auto const x = read_digest(a);
    if (x.status() == 404 || x.status() == 405 || x.status() == 501) s.not_applicable("the digest is not offered");
    s.control(x, "reading the digest");
    return a;
}

inline std::string hex_digest(json::value const& v) {
    auto const text = json::canonicalize(v);
    return text ? to_hex(sha256(*text)) : std::string{};
}

inline bool is_live(json::object const& o) {
    auto const* deleted = o.if_contains("deleted");
    return !deleted || *deleted != true;
}

struct expectation {
    std::string digest;
    std::int64_t conversations = 0;
};

/// The three steps, over everything that pulls gave, the latest last.
inline expectation computed(std::vector<json::object> const& entries) {
    struct state {
        json::object const* entry;
        std::map<std::string_view, json::object const*> messages;
    };
    std::map<std::string_view, state> conversations;
    auto const list = [](json::object const& o, char const* name) {
        auto const* v = o.if_contains(name);
        auto const* found = v ? v->if_array() : nullptr;
        return found ? std::span<json::value const>{found->begin(), found->size()} : std::span<json::value const>{};
    };
    auto const name = [](json::object const& o, char const* member) {
        auto const* text = json::find_string(o, member);
        return text ? json::view(*text) : std::string_view{};
    };
    for (auto const& e : entries) {
        auto& now = conversations[name(e, "conversation_id")];
        now.entry = &e;
        for (auto const& m : list(e, "messages"))
            if (auto const* o = m.if_object()) now.messages[name(*o, "id")] = o;
    }

    json::array pairs;
    for (auto const& [id, now] : conversations) {
        if (!is_live(*now.entry)) continue;
        std::set<std::string_view> surfaces;
        for (auto const& one : list(*now.entry, "surfaces"))
            if (one.is_string()) surfaces.emplace(json::view(one.get_string()));
        json::object scalars;
        for (auto const& m : *now.entry)
            if (m.key() != "messages" && m.key() != "surfaces") scalars.insert(m);
        json::array digests;
        for (auto const& [message, content] : now.messages)
            if (is_live(*content)) digests.emplace_back(hex_digest(*content));
        pairs.push_back(json::array{id, hex_digest(json::object{{"conversation", scalars}, {"messages", digests}, {"surfaces", json::array(surfaces.begin(), surfaces.end())}})});
    }
    auto const count = static_cast<std::int64_t>(pairs.size());
    return {hex_digest(pairs), count};
}

}  // namespace bsp::conformance
