#pragma once

#include <bsp/base/bytes.hpp>
#include <bsp/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What the generator pushed, what the target said to it, and whether the target kept its word.
namespace bsp::conformance::load {

/// What is known of a push.
enum class fate : std::uint8_t {
    refused,       ///< never sent, or answered with 4xx: it has no effect
    unknown,       ///< no answer, or 5xx: it may have an effect
    in_part,       ///< 200 with items in `conflicts`: any of its messages may have been refused
    acknowledged,  ///< 200: it has its effect, for good
};

struct sent_message {
    std::string id;
    std::string digest;  ///< `digest_of_message`
};

/// What one push says of one conversation.
struct sent_push {
    std::string sync_id;
    std::int64_t version = 0;
    std::string last_modified;
    std::vector<sent_message> messages;
    load::fate fate = load::fate::refused;
};

/// A conversation of the run, which nobody else writes into. `pushes` in order of their versions.
struct kept_conversation {
    std::string id, title;
    std::size_t user = 0;  ///< whose it is; index of the users file
    std::vector<sent_push> pushes;
};

/// Lowercase hexadecimal SHA-256 of C14N-1 of the members that the generator sends with every message; others, which a
/// backend may add, do not count.
std::string digest_of_message(json::object const& message);

enum class flaw : std::uint8_t {
    lost,     ///< acknowledged and not there
    altered,  ///< there, with other content or other members
    foreign,  ///< there, and nobody pushed it, or its push was refused
    twice,    ///< there more than once
    stale,    ///< the conversation's own members are not those of its highest version
};
std::string_view to_string(flaw) noexcept;

struct flaw_found {
    flaw what = flaw::lost;
    std::string conversation, message;  ///< ids; the second is empty when the conversation itself is at fault
    std::string words;
};

struct judgement {
    std::string expected, actual;  ///< digests of the conversation, as in section 6.5 over what the generator sends
    std::vector<flaw_found> flaws; ///< empty exactly when the digests agree
    std::size_t acknowledged = 0;  ///< messages that had to be there
};

/// Compares a conversation with what was read of it; `read` is null when the target has no such conversation.
judgement judge(kept_conversation const&, json::value const& read);

}  // namespace bsp::conformance::load
