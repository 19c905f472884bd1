#pragma once

#include <bsp/base/bytes.hpp>
#include <bsp/base/instant.hpp>

#include <cstdint>
#include <string>

namespace bsp::merge {

/// One version of one message: the facts that decide which version wins, and the message itself,
/// verbatim. Messages are values: they are compared and replaced, never edited.
struct message {
    std::string id;
    std::int64_t version = 0;   ///< Lamport clock, 0 … 2^53−1
    instant timestamp;          ///< of the member `timestamp`
    bool redacted = false;      ///< member `redacted` is true
    bool deleted = false;       ///< a tombstone
    std::string surface;
    std::string body;           ///< C14N-1 of the message object, every member as it was written
    sha256_digest digest{};     ///< SHA-256 of `body`: the last word in a tie
    instant first_received{};   ///< local, not emitted: when any version of it first arrived or was written here (A-131)

    friend bool operator==(message const&, message const&) = default;
};

}  // namespace bsp::merge
