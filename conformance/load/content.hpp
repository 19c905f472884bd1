#pragma once

#include "ledger.hpp"

#include <bsp/base/instant.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// What people say to each other and to their assistants, made up. It has nothing in it that a backend may take for
/// personal data, so that it comes back as it was sent.
namespace bsp::conformance::load {

/// Who writes, as messages name it.
struct voice {
    std::string source_backend;
    std::string_view surface;
};

/// Text of about the length that people write: most of it short, some of it a page, with umlauts and emoji in it.
/// `seed` decides everything.
std::string talk(std::uint64_t seed, bool assistant);

/// One push's share of a conversation: a question, most often with its answer, as version `version`. Equal arguments give
/// equal objects, so that a push can be repeated.
struct turn_options {
    std::string_view name;         ///< of the turn, unique in the run; begins the ids of its messages
    std::uint64_t seed = 0;
    std::int64_t version = 1;
    instant written;
};
json::object made_turn(kept_conversation const&, voice const&, turn_options const&);

/// The entry of the ledger for what `made_turn` gave.
sent_push entry_for(json::object const& conversation, std::string sync_id);

/// A telemetry event, as text.
std::string made_event(std::string_view event_id, voice const&, std::uint64_t seed, instant when);

/// Scrambles `n`, so that neighbours have nothing in common (splitmix64).
std::uint64_t scrambled(std::uint64_t n) noexcept;

}  // namespace bsp::conformance::load
