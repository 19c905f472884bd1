#pragma once

#include <bsp/json/parse.hpp>
#include <bsp/merge/conversation.hpp>
#include <bsp/wire/message.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Conversations on the wire (BSP-SYN-002, BSP-MRG-030 … BSP-MRG-042):
///
///     {"conversation_id": "main", "version": 3, "last_modified": "2025-12-31T00:00:02Z", "source_backend": "local",
///      "surfaces": ["ios", "web"], "messages": [ message, … ][, "title": "Trip"][, "deleted": true][, "redacted": true][, …]}
namespace bsp::wire {

/// One entry of a push, or a local write: what is to be joined into one conversation.
struct conversation_write {
    merge::conversation_head head;
    std::vector<merge::message> messages;     ///< in the order sent; an id may come more than once
    std::vector<std::string> listed_surfaces; ///< what its member `surfaces` said

    /// Makes the surfaces of `head` those that were listed and those of `messages` (BSP-MRG-041).
    void unite_surfaces() {
        auto& all = head.surfaces;
        all = listed_surfaces;
        for (auto const& m : messages)
            if (all.empty() || all.back() != m.surface) all.push_back(m.surface);  // neighbours are mostly alike
        std::sort(all.begin(), all.end());
        all.erase(std::unique(all.begin(), all.end()), all.end());
    }
};

/// Reads the scalar members into `head`, the register included; `surfaces` and `version_seen` are left as
/// they are. Errors: `invalid_body`, `not_canonicalizable`.
inline result<> decode_scalars(json::fields const& f, instant timestamp_max, merge::conversation_head& head) {
    auto& scalars = head.scalars;
    BSP_TRY(head.conversation_id, f.required_identifier("conversation_id"));
    BSP_TRY(head.version, f.required_integer("version", 0, limits::version_max));
    BSP_TRY(head.last_modified_at, f.required_timestamp("last_modified"));
    BSP_TRY(head.last_modified, f.required_string("last_modified"));
    if (head.last_modified_at > timestamp_max) return f.invalid("last_modified", "lies more than 24 hours in the future");
    BSP_CHECK(required_label(f, "source_backend"));
    BSP_CHECK(f.optional_string("title"));
    BSP_TRY(std::optional<bool> const deleted, f.optional_boolean("deleted"));
    BSP_TRY(std::optional<bool> const redacted, f.optional_boolean("redacted"));
    scalars.version = head.version;
    scalars.last_modified = head.last_modified_at;
    scalars.deleted = deleted.value_or(false);
    scalars.redacted = redacted.value_or(false);
    BSP_TRY(scalars.body, json::canonicalize(f.get(), {"messages", "surfaces"}));
    scalars.digest = sha256(scalars.body);
    return ok();
}

/// Reads one conversation with its messages. Errors as for `decode_message`.
inline result<conversation_write> decode_conversation(json::fields const& f, instant timestamp_max,
                                                      std::size_t messages_max = limits::messages_per_conversation_in_push_max,
                                                      json::canonical_form const* form = nullptr) {
    conversation_write w;
    BSP_CHECK(decode_scalars(f, timestamp_max, w.head));
    w.head.version_seen = w.head.version;

    BSP_TRY(auto const surfaces, f.required_array("surfaces"));
    w.listed_surfaces.reserve(surfaces.size());
    for (std::size_t i = 0; i < surfaces.size(); ++i) {
        BSP_TRY(std::string_view const surface, surfaces.string_at(i));
        if (!is_label(surface)) return surfaces.invalid(i, "must have 1 to 128 characters and no control character");
        w.listed_surfaces.emplace_back(surface);
    }

    BSP_TRY(auto const messages, f.required_array("messages"));
    if (messages.size() > messages_max) return f.invalid("messages", "has too many elements");
    w.messages.reserve(messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
        BSP_TRY(json::fields const element, messages.object_at(i));
        BSP_TRY(auto message, decode_message(element, timestamp_max, form));
        w.head.version_seen = std::max(w.head.version_seen, message.version);
        w.messages.push_back(std::move(message));
    }

    w.unite_surfaces();
    return w;
}

/// The scalar members as emitted: those of the winning write, with the greatest version and the latest
/// last_modified in the place of its own (BSP-MRG-030 … BSP-MRG-033).
inline json::object emitted_scalars(merge::conversation_head const& head) {
    json::object o = std::move(json::parse(head.scalars.body).value().as_object());
    o["version"] = head.version;
    o["last_modified"] = head.last_modified;
    return o;
}

/// Writes a conversation piece by piece: the messages are stored text, appended as they are.
class conversation_writer {
public:
    /// Begins at the end of `out`. `scalars` must not have the members `messages` and `surfaces`.
    conversation_writer(std::string& out, json::object const& scalars, std::vector<std::string> const& surfaces) : out_{out} {
        out_ += json::canonicalize(scalars, {}).value();
        out_.pop_back();  // the brace: more members follow
        out_ += ", \"surfaces\": " + json::canonicalize(json::array(surfaces.begin(), surfaces.end())).value();
    }

    conversation_writer& begin_messages() { return out_ += ", \"messages\": [", *this; }
    conversation_writer& message(std::string_view body) {
        if (!std::exchange(first_, false)) out_ += ", ";
        return out_ += body, *this;
    }
    conversation_writer& end_messages() { return out_ += ']', *this; }
    void end() { out_ += '}'; }

private:
    std::string& out_;
    bool first_ = true;
};

}  // namespace bsp::wire
