#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/wire/label.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp {

/// What a user allows this backend to do with their data (chapter 16.1). The defaults are those of a user who has
/// never said anything:
///
///     {"user_id": "ada", "sync_enabled": true, "sync_conversations": true, "sync_telemetry": true, "redact_pii": true,
///      "retention_days": 90, "allowed_surfaces": ["web", "ios", "android", "extension"][, …]}
struct privacy_settings {
    bool sync_enabled = true;        ///< false: paused, nothing is exchanged with any peer
    bool sync_conversations = true;
    bool sync_telemetry = true;
    bool redact_pii = true;          ///< personal data is replaced on the way to hosted peers
    std::int64_t retention_days = 90;
    std::vector<std::string> allowed_surfaces{"web", "ios", "android", "extension"};
    json::object others;             ///< members of a PUT that this version does not know (A-127)

    [[nodiscard]] bool exchanges_conversations() const { return sync_enabled && sync_conversations; }
    [[nodiscard]] bool exchanges_telemetry() const { return sync_enabled && sync_telemetry; }
    [[nodiscard]] bool allows_surface(std::string_view surface) const { return std::ranges::find(allowed_surfaces, surface) != allowed_surfaces.end(); }

    /// What is as old as this, or older, has expired.
    [[nodiscard]] instant expired_until(instant now) const { return now - std::chrono::hours{24} * retention_days; }

    friend bool operator==(privacy_settings const&, privacy_settings const&) = default;
};

namespace privacy {

/// `settings` and whose they are, as they are shown.
inline json::object encode(privacy_settings const& s, std::string_view user_id) {
    json::array surfaces;
    for (auto const& surface : s.allowed_surfaces) surfaces.emplace_back(surface);
    json::object o = s.others;
    o["user_id"] = user_id;
    o["sync_enabled"] = s.sync_enabled;
    o["sync_conversations"] = s.sync_conversations;
    o["sync_telemetry"] = s.sync_telemetry;
    o["redact_pii"] = s.redact_pii;
    o["retention_days"] = s.retention_days;
    o["allowed_surfaces"] = std::move(surfaces);
    return o;
}

/// `held` with what the body of a PUT says; what it leaves out stays. Errors: `invalid_body`.
inline result<privacy_settings> merged(privacy_settings held, json::fields const& put) {
    static constexpr std::string_view known[] = {"user_id",    "sync_enabled",   "sync_conversations", "sync_telemetry",
                                                 "redact_pii", "retention_days", "allowed_surfaces"};
    std::pair<std::string_view, bool*> const switches[] = {{"sync_enabled", &held.sync_enabled},
                                                           {"sync_conversations", &held.sync_conversations},
                                                           {"sync_telemetry", &held.sync_telemetry},
                                                           {"redact_pii", &held.redact_pii}};
    for (auto const& [name, member] : switches) {
        BSP_TRY(auto const given, put.optional_boolean(name));
        if (given) *member = *given;
    }
    BSP_TRY(auto const days, put.optional_integer("retention_days", limits::retention_days_min, limits::retention_days_max));
    if (days) held.retention_days = *days;
    BSP_TRY(auto const surfaces, put.optional_array("allowed_surfaces"));
    if (surfaces) {
        held.allowed_surfaces.clear();
        for (std::size_t i = 0; i < surfaces->size(); ++i) {
            BSP_TRY(std::string_view const surface, surfaces->string_at(i));
            if (!wire::is_label(surface)) return surfaces->invalid(i, "must have 1 to 128 characters and no control character");
            if (!held.allows_surface(surface)) held.allowed_surfaces.emplace_back(surface);
        }
    }
    for (auto const& member : put.get())
        if (std::ranges::find(known, json::view(member.key())) == std::end(known)) held.others[member.key()] = member.value();
    if (json::serialize(encode(held, "")).size() > limits::privacy_settings_bytes_max) return fail(errc::invalid_body, "these settings are too large to be kept");
    return held;
}

/// Settings as a store keeps them, and back. Errors: those of text that `to_text` did not write.
inline std::string to_text(privacy_settings const& s) {
    json::object o = encode(s, "");
    o.erase("user_id");
    return json::serialize(o);
}
inline result<privacy_settings> from_text(std::string_view text) {
    BSP_TRY(json::value const v, json::parse(text));
    BSP_TRY(json::fields const f, json::fields::of(v));
    return merged({}, f);
}

}  // namespace privacy
}  // namespace bsp
