#pragma once

#include <bsp/json/value.hpp>

#include <initializer_list>
#include <string_view>

/// What is left of an object in a class of one's own that has the members which the protocol names, and no others.
namespace bsp::faulty {

inline json::object known_of(json::object const& o, std::initializer_list<std::string_view> names) {
    json::object out;
    for (auto const name : names)
        if (auto const* v = o.if_contains(name)) out[name] = *v;
    return out;
}

inline json::object known_of_message(json::object const& o) { return known_of(o, {"id", "role", "content", "timestamp", "surface", "source_backend", "version", "deleted", "redacted"}); }

/// Without a look into its messages.
inline json::object known_of_conversation(json::object const& o) {
    return known_of(o, {"conversation_id", "version", "messages", "surfaces", "last_modified", "source_backend", "title", "deleted", "redacted"});
}

}  // namespace bsp::faulty
