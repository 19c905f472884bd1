#pragma once

#include <bsp/base/encoding.hpp>
#include <bsp/wire/conversation.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

/// The digest of a user's live state (BSP-SYN-142; spec/decisions/0002):
///
///     {"digest": "aafd147c266847ec3da1d9a78447ea5754bc1baf0cb51edc7c0c2615dfa95903", "conversations": 2}
namespace bsp::wire {

/// A live message in the digest: its id and the SHA-256 of its C14N-1.
using message_digest = std::pair<std::string, sha256_digest>;

/// Step 2: `hc` of one live conversation, in hexadecimal, from its members as they are emitted. `messages` in any order.
inline std::string conversation_digest(json::object const& scalars, std::vector<std::string> const& surfaces, std::vector<message_digest> messages) {
    std::ranges::sort(messages);
    json::array digests;
    digests.reserve(messages.size());
    for (auto const& [id, digest] : messages) digests.emplace_back(to_hex(digest));
    json::object const o{
        {"conversation", scalars}, {"messages", std::move(digests)}, {"surfaces", json::array(surfaces.begin(), surfaces.end())}};
    return to_hex(sha256(json::canonicalize(o, {}).value()));
}
inline std::string conversation_digest(merge::conversation_head const& head, std::vector<message_digest> messages) {
    return conversation_digest(emitted_scalars(head), head.surfaces, std::move(messages));
}

/// Step 3, conversation by conversation in the order of their ids.
class state_digest {
public:
    void add(std::string_view conversation_id, std::string_view hc) { conversations_.push_back(json::array{conversation_id, hc}); }

    [[nodiscard]] std::string encode() const {
        std::string const digest = to_hex(sha256(json::canonicalize(conversations_).value()));
        return json::serialize(json::object{{"digest", digest}, {"conversations", conversations_.size()}});
    }

private:
    json::array conversations_;
};

}  // namespace bsp::wire
