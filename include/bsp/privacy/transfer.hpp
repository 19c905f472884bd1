#pragma once

#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/privacy/redact.hpp>
#include <bsp/wire/conversation.hpp>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

/// What of a user's data goes to a peer (sections 17.2 and 17.3). The store keeps the original in every case.
namespace bsp::privacy {

/// The form in which a user's data goes to somebody.
enum class form : bool { original, redacted };

namespace detail {

inline bool redact_strings(json::value& v);

/// Redacts every string that is a value in `o`, at any depth, except the members of `o` itself that are named in `kept`.
/// Names of members stay as they are. Whether anything changed.
inline bool redact_members(json::object& o, std::initializer_list<std::string_view> kept) {
    bool altered = false;
    for (auto& member : o)
        if (std::ranges::find(kept, json::view(member.key())) == kept.end()) altered = redact_strings(member.value()) || altered;
    return altered;
}

inline bool redact_strings(json::value& v) {
    if (auto* o = v.if_object()) return redact_members(*o, {});
    bool altered = false;
    if (auto* a = v.if_array()) {
        for (auto& element : *a) altered = redact_strings(element) || altered;
    } else if (auto* s = v.if_string()) {
        if (auto const redacted = redact(json::view(*s))) altered = true, s->assign(redacted->data(), redacted->size());
    }
    return altered;
}

/// Cuts a string that has grown beyond `octets` to at most as many, at the beginning of a character.
inline void cut(json::string& s, std::size_t octets) {
    if (s.size() <= octets) return;
    while (octets > 0 && (static_cast<unsigned char>(s[octets]) & 0xC0) == 0x80) --octets;
    s.resize(octets);
}

}  // namespace detail

/// A message as it goes out in this form, from its C14N-1: `redacted` tells that it differs from what is kept
/// (BSP-RED-010 … BSP-RED-013). Replacements may be longer than what they replace, and no receiver takes a content that
/// is too long, so that is cut.
inline std::string emitted_message(std::string body, form as) {
    if (as == form::original) return body;
    json::value parsed = json::parse(body).value();
    json::object& o = parsed.get_object();
    if (!detail::redact_members(o, {"id", "role", "timestamp", "surface", "source_backend"})) return body;
    o["redacted"] = true;
    if (auto* content = o["content"].if_string()) detail::cut(*content, limits::content_bytes_max);
    return json::canonicalize(o, {}).value();
}

/// The same of a conversation's own members.
inline json::object emitted_scalars(merge::conversation_head const& head, form as) {
    json::object o = wire::emitted_scalars(head);
    if (as == form::redacted && detail::redact_members(o, {"conversation_id", "last_modified", "source_backend"})) o["redacted"] = true;
    return o;
}

/// The same of a telemetry event, from its text: of what it says, only `metadata` is free text. What is no event stays
/// as it is.
inline std::string emitted_event(std::string body, form as) {
    if (as == form::original) return body;
    auto parsed = json::parse(body);
    auto* o = parsed ? parsed->if_object() : nullptr;
    auto* metadata = o ? o->if_contains("metadata") : nullptr;
    return metadata && detail::redact_strings(*metadata) ? json::serialize(*o) : body;
}

/// Whether `scalars`, which came from a peer, are nothing but the redacted form of those held, written anew: somebody
/// wrote into the conversation where only the redacted form is known (BSP-RED-032).
inline bool is_redaction_of(merge::scalar_write const& scalars, merge::conversation_head const& held) {
    if (!scalars.redacted || held.scalars.redacted || scalars.deleted != held.scalars.deleted) return false;
    auto const rest = [](json::object o) {
        for (auto const* own : {"version", "last_modified"}) o.erase(own);
        return o;
    };
    return rest(json::parse(scalars.body).value().as_object()) == rest(emitted_scalars(held, form::redacted));
}

}  // namespace bsp::privacy
