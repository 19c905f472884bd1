#include "privacy.hpp"

#include <bsp/auth/assertion.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/json/parse.hpp>

#include <array>
#include <optional>
#include <utility>

namespace bsp::conformance {
namespace {

/// Every surface of a message that a check pushes, but those made at random (`scenario::takes_any_surface`).
json::array surfaces() {
    json::array all;
    for (char const* word : {"web", "ios", "android", "extension", "desktop", "watch", "CarPlay", "Web", "bsp-x", "won", "lost", "narrator", "smart fridge", "USER", "x", "tool:search/v2", "\u7528\u6237", "r\u00f4le \U0001F600", "null", "0"})
        all.emplace_back(word);
    struct length {
        char const* character;
        int times;
    };
    for (auto const& [character, times] : {length{"a", 33}, {"b", 65}, {"c", 128}, {"\u00e9", 128}, {"\U0001F600", 128}}) {
        json::string text;
        for (int i = 0; i < times; ++i) text.append(character);
        all.push_back(text);
    }
    return all;
}

std::optional<json::object> call(surroundings& world, user_account const& user, std::string const& method, std::optional<json::object> body) {
    std::array<std::uint8_t, 16> drawn{};
    random_bytes(drawn);
    auto const now = world.now().seconds;
    http_request r{method, world.target.base_path() + "/privacy-settings", {}, body ? json::serialize(*body) : "", {}};
    r.headers.add("Authorization", "BSP-User " + mint_user_assertion({user.id, user.id, world.identity->backend_id, to_hex(drawn), method, r.target, now, now + 60}, user.secret));
    if (body) r.headers.add("Content-Type", "application/json");
    auto const a = world.target.send(r, world.options.timeout);
    auto const v = a.why == fault::none && a.response.status == 200 ? json::parse(a.response.body) : result<json::value>{fail(errc::unavailable, "")};
    if (!v || !v->is_object()) return std::nullopt;
    return v->get_object();
}

}  // namespace

void look_at_privacy(surroundings& world) {
    world.has_privacy = false;
    world.privacy_found.clear();
    auto const bare = world.target.send({"GET", world.target.base_path() + "/privacy-settings", {}, {}, {}}, world.options.timeout);
    if (bare.why != fault::none || bare.response.status == 404 || bare.response.status == 501) return;
    world.has_privacy = true;
    for (auto const& user : world.options.users) {
        auto const found = call(world, user, "GET", std::nullopt);
        if (!found) continue;
        world.privacy_found[user.id] = *found;
        call(world, user, "PUT",
             json::object{{"user_id", user.id}, {"sync_enabled", true}, {"sync_conversations", true}, {"sync_telemetry", true}, {"retention_days", 3650}, {"allowed_surfaces", surfaces()}});
    }
}

void restore_privacy(surroundings& world) {
    for (auto const& user : world.options.users)
        if (auto const found = world.privacy_found.find(user.id); found != world.privacy_found.end()) call(world, user, "PUT", found->second);
    world.privacy_found.clear();
}

}  // namespace bsp::conformance
