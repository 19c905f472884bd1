#pragma once

#include <bsp/base/bytes.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/base/error.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The audit trail (chapter 15): what happened that matters to security, in the order in which it happened, never
/// changed, and taken away from its oldest end only.
namespace bsp {

/// Every type of event that the trail knows (A-113).
#define BSP_AUDIT_TYPES(X)       \
    X(peer_registered)           \
    X(peer_registration_rejected) \
    X(sbt_verification_failed)   \
    X(peer_unpaired)             \
    X(peer_revoked)              \
    X(key_rotated)               \
    X(key_rotation_rejected)     \
    X(sync_accepted)             \
    X(sync_rejected)             \
    X(telemetry_rejected)        \
    X(rate_limited)              \
    X(privacy_settings_updated)  \
    X(data_exported)             \
    X(data_erased)               \
    X(retention_enforced)        \
    X(admin_auth_failed)

enum class audit_type : std::uint8_t {
#define BSP_X(name) name,
    BSP_AUDIT_TYPES(BSP_X)
#undef BSP_X
};

inline constexpr std::string_view audit_type_names[] = {
#define BSP_X(name) #name,
    BSP_AUDIT_TYPES(BSP_X)
#undef BSP_X
};

constexpr std::string_view name_of(audit_type t) { return audit_type_names[static_cast<std::size_t>(t)]; }

/// The type of this name, if there is one.
constexpr std::optional<audit_type> audit_type_of(std::string_view name) {
    for (std::size_t i = 0; i < std::size(audit_type_names); ++i)
        if (audit_type_names[i] == name) return static_cast<audit_type>(i);
    return std::nullopt;
}

/// Names that this code gives, and lengths, numbers, settings as 0 and 1.
using audit_counts = std::vector<std::pair<std::string_view, std::int64_t>>;

/// What happened, as told to the trail. There is no room in it for text of a caller's choice but two: `peer_id`, which
/// is to be that of a registration, and `backend_id`, which is to keep to its grammar (A-030); "" when unknown.
struct audit_event {
    audit_type type{};
    instant at;
    std::string user_id{};                                           ///< becomes a keyed tag: who a user is stays out of the trail
    std::string peer_id{};
    std::string backend_id{};
    std::optional<errc> reason{};                                    ///< of a refusal
    audit_counts counts{};
};

/// What the trail holds. `hash` is SHA-256 over the hash of the entry before, 32 zero bytes before the first one, and
/// the entry as `entry_text` writes it: so each one seals all that came before.
struct audit_entry {
    std::uint64_t number = 0;  ///< 1, 2, 3, … without a gap
    instant at;
    audit_type type{};
    std::string peer_id;       ///< "" when there is none
    std::string details;       ///< a JSON object as text
    sha256_digest hash{};

    friend bool operator==(audit_entry const&, audit_entry const&) = default;
};

/// The last entry that was taken away because of its age, and what it sealed: number 0 and zeros while there is none.
/// With it what is left can be verified.
struct audit_seal {
    std::uint64_t number = 0;
    sha256_digest hash{};

    friend bool operator==(audit_seal const&, audit_seal const&) = default;
};

/// Entries that are asked for: from `since` on, of one type and of one peer if given, numbered above `after`.
struct audit_query {
    instant since{-62'135'596'800, 0};  ///< the year 1
    std::optional<audit_type> type{};
    std::optional<std::string> peer_id{};
    std::uint64_t after = 0;
    std::size_t limit = 100;
};

/// A user's tag: equal for equal users, and nothing to whoever lacks `key`, which is the store's secret.
inline std::string audit_user_tag(std::string_view key, std::string_view user_id) {
    return to_hex(hmac_sha256(key, user_id)).substr(0, 16);
}

/// The member `details` of an event.
inline std::string audit_details(audit_event const& e, std::string_view key) {
    json::object details;
    if (!e.user_id.empty()) details["user"] = audit_user_tag(key, e.user_id);
    if (!e.backend_id.empty()) details["backend_id"] = e.backend_id;
    if (e.reason) details["reason"] = row_of(*e.reason).code;
    for (auto const& [name, n] : e.counts) details[name] = n;
    return json::serialize(details);
}

/// An entry without its hash: one JSON object, with no line break in it whatever its texts are.
inline std::string entry_text(audit_entry const& e) {
    std::string const peer = e.peer_id.empty() ? "null" : json::serialize(boost::json::string{e.peer_id});
    return R"({"number": )" + std::to_string(e.number) + R"(, "timestamp": ")" + format_timestamp(e.at) + R"(", "event_type": ")" +
           std::string{name_of(e.type)} + R"(", "peer_id": )" + peer + R"(, "details": )" + e.details + '}';
}

/// An entry as a line of the trail's file, without the line's end.
inline std::string entry_line(audit_entry const& e) {
    std::string text = entry_text(e);
    text.pop_back();
    return text + R"(, "hash": ")" + to_hex(e.hash) + "\"}";
}

/// The first line of a file whose trail does not begin at 1.
inline std::string seal_line(audit_seal const& s) { return R"({"number": )" + std::to_string(s.number) + R"(, "pruned": true, "hash": ")" + to_hex(s.hash) + "\"}"; }

inline sha256_digest chained(sha256_digest const& before, std::string_view text) {
    std::string const both = std::string{reinterpret_cast<char const*>(before.data()), before.size()} + std::string{text};
    return sha256(both);
}

/// The entry that follows `last` in the trail, the first one when there is none, with its `details` as text.
inline audit_entry linked_entry(std::optional<audit_entry> const& last, instant at, audit_type type, std::string peer_id, std::string details) {
    audit_entry next{last ? last->number + 1 : 1, at, type, std::move(peer_id), std::move(details), {}};
    next.hash = chained(last ? last->hash : sha256_digest{}, entry_text(next));
    return next;
}

/// The same of an event.
inline audit_entry next_entry(std::optional<audit_entry> const& last, audit_event const& e, std::string_view key) {
    return linked_entry(last, e.at, e.type, e.peer_id, audit_details(e, key));
}

}  // namespace bsp
