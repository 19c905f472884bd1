#pragma once

#include <bsp/base/bytes.hpp>
#include <bsp/base/instant.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace bsp::merge {

/// One write of the conversation-level members other than `messages` and `surfaces` (title,
/// source_backend, deleted, unknown ones): a register that is replaced as a whole. Its stamp is its
/// own; see spec/decisions/0001.
struct scalar_write {
    std::int64_t version = 0;
    instant last_modified;
    bool redacted = false;
    bool deleted = false;
    std::string body;        ///< C14N-1 of the conversation object without `messages` and `surfaces`
    sha256_digest digest{};  ///< SHA-256 of `body`

    friend bool operator==(scalar_write const&, scalar_write const&) = default;
};

/// What a backend keeps of a conversation beside its messages.
struct conversation_head {
    std::string conversation_id;
    std::int64_t version = 0;             ///< emitted: the greatest conversation version received
    std::string last_modified;            ///< emitted: the latest, verbatim
    instant last_modified_at;             ///< the instant of `last_modified`
    std::int64_t version_seen = 0;        ///< greatest of all conversation and message versions: the Lamport clock
    std::vector<std::string> surfaces;    ///< union, sorted, without duplicates
    scalar_write scalars;                 ///< the winning register
    instant revived_at;                   ///< local, not emitted: commit at which a live write last took a tombstone's place

    friend bool operator==(conversation_head const&, conversation_head const&) = default;
};

}  // namespace bsp::merge
