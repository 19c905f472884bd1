#pragma once

#include <bsp/base/bytes.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/merge/conversation.hpp>
#include <bsp/merge/message.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What a store keeps, as values. A store never looks inside `body` members.
namespace bsp {

enum class peer_status : std::uint8_t { active, unpaired, revoked };

/// Where the registered backend may be called back.
struct peer_endpoints {
    std::string peer_id;
    std::string sync_endpoint;
    std::string telemetry_endpoint;
};

/// A key that a peer has rotated out (chapter 13): good until `expires_at`, exclusively.
struct retired_key {
    std::string public_key_pem;
    sha256_digest key_sha256{};
    instant expires_at;

    friend bool operator==(retired_key const&, retired_key const&) = default;
};

/// A registration. `peer_id` is never reused, so ended registrations stay as rows.
struct peer_record {
    std::string peer_id;
    std::string user_id;                     ///< from the SBT, never from anywhere else
    std::string backend_id;
    std::string backend_type;                ///< "local" or "hosted"
    std::string public_key_pem;
    sha256_digest key_sha256{};              ///< of the SPKI DER: the pin (A-033)
    std::vector<retired_key> retired_keys;   ///< the latest first, at most `limits::retired_keys_max` (A-112)
    std::optional<instant> rotated_at;       ///< as the last accepted rotation stated it (A-111)
    std::vector<std::string> capabilities;
    std::optional<peer_endpoints> endpoints;
    std::string sbt;                         ///< the current SBT as JSON text, without `signature`
    instant sbt_created_at;
    instant sbt_expires_at;
    instant registered_at;
    peer_status status = peer_status::active;
    std::optional<instant> ended_at;         ///< when unpaired or revoked
    std::optional<instant> last_sync;        ///< last accepted push
    std::int64_t total_syncs = 0;            ///< accepted pushes, replays not counted
};

/// Proof that a push was accepted, so that its repetition has no effect.
struct sync_receipt {
    std::string peer_id;
    std::string sync_id;
    sha256_digest conversations_sha256{};    ///< of C14N-1 of the member `conversations`
    std::string acknowledgement;             ///< the answer's body, given again
    instant accepted_at;
};

/// A conversation in the change feed: its head, and where in the feed it stands.
struct changed_conversation {
    merge::conversation_head head;
    instant changed_at;                      ///< commit instant of its last change, strictly increasing per user
};

/// A message in the change feed.
struct changed_message {
    merge::message message;
    instant changed_at;
};

/// A telemetry event of a user as it is kept.
struct telemetry_record {
    std::string event_id;
    std::string peer_id;                     ///< the registration from which it came first
    std::string source_backend;
    instant received_at;                     ///< by our clock, strictly increasing per user
    std::string body;                        ///< the event as JSON text, as received
    std::optional<double> latency_ms = {};   ///< of it, for sums
    std::optional<double> cost_usd = {};

    friend bool operator==(telemetry_record const&, telemetry_record const&) = default;
};

/// Why a message or a conversation's own members are gone for good. Of their ids no more is kept than a keyed hash.
struct departure {
    enum class why : std::uint8_t { erased, expired };

    why cause = why::erased;
    std::int64_t version = 0;                ///< the greatest that was held

    friend bool operator==(departure const&, departure const&) = default;
};

/// Where a message stands.
struct message_place {
    std::string conversation_id;
    std::string id;
    instant timestamp;
    std::int64_t version = 0;

    friend bool operator==(message_place const&, message_place const&) = default;
};

/// A position in a list ordered by (instant, id); the page starts after it.
struct position {
    instant at;
    std::string id;

    friend bool operator==(position const&, position const&) = default;
};

/// How far somebody has read a user's change feed. A conversation that changes moves to the end of the feed, so
/// `since` stays what it was until the end has been reached: only then is all that was committed before it known.
struct feed_position {
    instant since;                   ///< what was committed before is known
    std::optional<position> after;   ///< the last conversation begun, of those that changed at or after `since`
    std::optional<position> within;  ///< the last message read of it, if others follow

    friend bool operator==(feed_position const&, feed_position const&) = default;
};

}  // namespace bsp
