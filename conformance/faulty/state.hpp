#pragma once

#include <bsp/base/bytes.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/json/value.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// What the faulty backend holds in memory, and the objects it reads from requests. Plain values: all
/// meaning is in the steps of `backend`.
namespace bsp::faulty {

/// One version of a message, as it arrived or was written here.
struct message {
    json::object received;  ///< every member
    std::string id;
    std::int64_t version = 0;
    instant written;        ///< of `timestamp`
    bool deleted = false;
    bool redacted = false;
    std::string canonical;  ///< C14N-1 of `received`
    sha256_digest digest{};
};

/// One scalar write of a conversation (BSP-MRG-030): its members without `messages` and `surfaces`.
struct scalar_write {
    json::object received;
    std::int64_t version = 0;
    instant modified;
    bool deleted = false;
    bool redacted = false;
    sha256_digest digest{};
};

/// A message that lost at equal version (BSP-CNV-020).
struct loser {
    json::object message;
    std::string id;
    instant recorded;
};

/// The five parts of chapter 7, and the place in the feed.
struct conversation {
    std::map<std::string, message> messages;
    scalar_write winner;
    std::int64_t version = 0;   ///< emitted
    instant modified;           ///< emitted
    std::string modified_text;  ///< its spelling
    std::set<std::string> surfaces;
    std::set<std::string> listed;  ///< those that a member `surfaces` had

    instant committed;  ///< when it changed last, by this backend's feed
    std::map<std::string, instant> brought;  ///< the same by who brought the change: a peer_id, or "" for a write here
    std::vector<loser> losers;
    std::vector<std::string> arrivals;  ///< message ids in order of arrival, which the correct backend ignores
    std::vector<message> brought_along; ///< in a push: every version of every message, of which `messages` has the greatest

    [[nodiscard]] bool is_new() const { return winner.received.empty(); }
};

using tenant = std::map<std::string, conversation>;

/// A key that a peer has replaced (chapter 13).
struct former_key {
    rsa_public_key key;
    instant until;  ///< no longer from then on
};

struct peer_record {
    std::string peer_id;
    std::string user_id;
    std::string backend_id;
    std::string backend_type;
    rsa_public_key key;
    std::string key_text;  ///< PEM as registered
    json::array capabilities;
    json::object sbt;      ///< as received, with `signature`
    instant sbt_created;
    instant sbt_expires;
    instant registered;
    bool revoked = false;
    std::string remote_id = {};      ///< what it calls this backend: `endpoints.peer_id`
    std::string sync_endpoint = {};  ///< where this backend may send; "" as long as nobody said
    std::string telemetry_endpoint = {};
    std::vector<former_key> former = {};     ///< the latest first
    std::optional<instant> rotated = {};     ///< of the last notice
};

/// The members of a rotation notice.
struct rotation_notice {
    std::string peer_id, backend_id, target_backend_id;
    std::string new_public_key;
    instant rotated, grace_ends;
};

/// A push on its way, unchanged until it is acknowledged.
struct parcel {
    std::string sync_id;
    json::array conversations;
    std::vector<std::string> ids;  ///< of the conversations
    instant snapshot;              ///< commits up to here were looked at for it
    bool last = true;              ///< of its snapshot
    bool redacted = false;         ///< the form in which the conversations are
};

/// A telemetry event that a peer has not answered for good.
struct untold_event {
    std::string id;
    json::object event;
    bool under_way = false;  ///< sent on the stream that is open
};

/// How this backend stands with a peer to which it sends (chapter 10).
struct link {
    using time = std::chrono::steady_clock::time_point;

    // What is kept (section 10.1).
    instant pushed{-1'000'000'000'000, 0};   ///< commits up to here are acknowledged
    std::string since, cursor, epoch;        ///< of the peer's feed
    std::map<std::string, time> set_aside;   ///< conversations refused for their content, and when each may be tried again

    std::deque<untold_event> events;

    std::deque<parcel> outgoing;
    std::chrono::milliseconds interval{5'000};
    bool reachable = false;
    std::array<unsigned, 2> failures{};      ///< in a row, of pushes and of pulls
    std::array<time, 2> retry_at{};          ///< because of them
    std::array<time, 2> not_before{};        ///< because the peer said so, or refused
    time pushes_paid{};                      ///< when the gaps of all pushes are over
    time pull_begun{}, next_pull{};
    unsigned stream_failures = 0;            ///< in a row, of telemetry streams
    time stream_at{}, events_at{};           ///< not before: a stream, because one failed; an event, because the peer said so
    std::optional<instant> refused_token;    ///< `created_at` of the token that the peer no longer takes
};

/// What was decided about an accepted push (BSP-SYN-070).
struct receipt {
    sha256_digest conversations{};
    json::object answer;
};

/// A telemetry event as it was stored.
struct telemetry_event {
    json::object received;
    std::string event_id;
    std::string user_id;
    std::string peer_id;
    std::string source_backend;
    instant arrived;
    std::int64_t number = 0;  ///< its place in the order of arrival
};

/// A WebSocket that was opened.
struct held_socket {
    std::string peer_id;
    std::string user_id;
    unsigned boot = 0;  ///< of the process that opened it
    int number = 0;
    sha256_digest key = {};  ///< that signed the upgrade
};

/// An entry of the audit trail.
struct audit_record {
    instant at;
    std::string type;
    std::string peer_id;   ///< "" when there is none
    json::object details;
};

struct state {
    std::vector<audit_record> audit;                                               ///< in the order of what happened
    std::map<std::string, instant> pushes;                                         ///< until when a budget is spent, by whose it is
    std::vector<telemetry_event> events;                                           ///< in order of arrival
    std::set<std::pair<std::string, std::string>> event_ids;                       ///< user_id, event_id
    std::map<std::string, std::vector<instant>> messages_of_peers;                 ///< of the last minute, by peer_id
    std::map<std::string, tenant> tenants;                                         ///< by user_id
    std::map<std::string, peer_record> peers;                                      ///< by peer_id
    std::map<std::pair<std::string, std::string>, instant> unpaired;               ///< by user_id, backend_id
    std::set<std::string> revoked_backends;
    std::set<sha256_digest> revoked_keys;
    std::map<std::pair<std::string, std::string>, receipt> receipts;               ///< by peer_id, sync_id
    std::map<std::pair<std::string, std::string>, std::int64_t> used_assertions;   ///< exp, by issuer, jti
    instant last_commit;
    std::map<std::string, link> links;                                             ///< by peer_id
};

/// A session binding token whose members have the right shapes.
struct token {
    json::object received;
    std::string local_backend_id;
    std::string hosted_backend_id;
    std::string user_id;
    instant created;
    instant expires;
    std::optional<std::string> local_key_sha256;
    std::optional<std::string> hosted_key_sha256;

    [[nodiscard]] std::string const& slot(std::string_view type) const { return type == "local" ? local_backend_id : hosted_backend_id; }
    [[nodiscard]] std::optional<std::string> const& fingerprint(std::string_view type) const { return type == "local" ? local_key_sha256 : hosted_key_sha256; }
};

/// The `backend_identity` of a registration.
struct claimed_identity {
    std::string backend_id;
    std::string backend_type;
    std::string public_key;
    std::string version;
    json::array capabilities;
};

/// A compact JWS taken apart.
struct assertion {
    json::object header;
    std::string iss, sub, aud, jti, htm, htu;
    bool has_iss = false;  ///< a user may leave it out (BSP-AUT-058)
    std::int64_t iat = 0, exp = 0;
    std::string signing_input;
    bytes signature;
};

/// Who makes a request.
struct principal {
    enum kind_t { peer_kind, user_kind, admin_kind } kind;
    std::string user_id;           ///< "" of the administrator
    peer_record* peer = nullptr;
};

}  // namespace bsp::faulty
