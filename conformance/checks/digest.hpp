#pragma once

#include "ground.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <map>
#include <set>

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

/// The three steps, over everything that a pull gives.
inline expectation computed(std::vector<json::object> const& entries) {
    std::set<std::string> ids;
    for (json::value const e : entries) ids.insert(text_at(e, "/conversation_id"));
    json::array pairs;
    for (auto const& id : ids) {
        auto const state = of_conversation(entries, id);
        auto scalars = state.entry.as_object();
        if (!is_live(scalars)) continue;
        std::map<std::string, std::string> messages;
        for (auto const& m : state.messages)
            if (is_live(m)) messages[text_at(m, "/id")] = hex_digest(m);
        std::set<std::string> surfaces;
        if (auto const* all = at(state.entry, "/surfaces"); all && all->is_array())
            for (auto const& one : all->get_array())
                if (one.is_string()) surfaces.emplace(json::view(one.get_string()));
        scalars.erase("messages");
        scalars.erase("surfaces");
        json::array digests;
        for (auto const& m : messages) digests.emplace_back(m.second);
        pairs.push_back(json::array{id, hex_digest(json::object{{"conversation", scalars}, {"messages", digests}, {"surfaces", json::array(surfaces.begin(), surfaces.end())}})});
    }
    auto const count = static_cast<std::int64_t>(pairs.size());
    return {hex_digest(pairs), count};
}

}  // namespace bsp::conformance
