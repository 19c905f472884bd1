#include "house.hpp"

#include "../json.hpp"
#include "../surroundings.hpp"

namespace bsp::conformance::battery {
namespace {

std::optional<peer> peer_of_another(scenario& s) {
    if (s.shared().options.users.size() < 2) return std::nullopt;
    return s.register_peer_of(s.shared().options.users[1]);
}

peer unpaired(scenario& s) {
    auto p = s.register_peer({.signing_key = s.fresh_key()});
    s.control(p.unpair(), "unpairing a peer");
    return p;
}

}  // namespace

house::house(scenario& s)
    : world{s}, a{s.register_peer()}, sibling{s.register_peer()}, stranger{peer_of_another(s)}, gone{unpaired(s)}, user{s.user()}, kept{s.fresh("kept")}, trap{s.fresh("trap")}, trace{s.fresh("trace")}, s_{s} {
    s.control(a.push({s.conversation(kept, 1, {s.message("kept", s.canary())})}), "a push");
    has_digest_ = a.get("/sync/" + a.peer_id() + "/digest").ok();
    if (!s.shared().has_privacy) return;
    auto const x = user.get("/privacy-settings");
    s.control(x.ok() && x.body().is_object(), "reading the settings");
    settings_ = x.body().get_object();
}

std::vector<door> house::reading(bool by_peer) const {
    std::vector<door> all{{"GET", "/conversations?limit=1"}, {"GET", "/conversations/" + kept}, {"GET", "/peers"}};
    if (by_peer) all.push_back({"GET", "/sync/" + a.peer_id() + "?limit=1"});
    if (by_peer && has_digest_) all.push_back({"GET", "/sync/" + a.peer_id() + "/digest"});
    if (s_.shared().has_telemetry) all.push_back({"GET", "/telemetry/events?limit=1"});
    if (settings_) all.push_back({"GET", "/privacy-settings"});
    if (settings_ && !by_peer) all.push_back({"GET", "/privacy/export"});
    return all;
}

door house::open_door(bool by_peer, bool changing, dice& d) {
    if (!changing) return d.of(reading(by_peer));
    json::object const body{{"role", "user"}, {"content", "a resident"}, {"surface", "web"}};
    return {"POST", "/conversations/" + trace + "/messages", json::serialize(body)};
}

door house::door_of(std::size_t turn, bool by_peer, dice& d) {
    auto all = reading(by_peer);
    json::object const body{{"role", "user"}, {"content", "an intruder"}, {"surface", "web"}, {"id", mark()}};
    all.push_back({"POST", "/conversations/" + trap + "/messages", json::serialize(body)});
    all.push_back({"DELETE", "/conversations/" + kept});
    all.push_back({"DELETE", "/conversations/" + kept + "/messages/kept"});
    all.push_back({"DELETE", "/peers/" + a.peer_id()});
    if (settings_) all.push_back({"PUT", "/privacy-settings", json::serialize(json::object{{"user_id", s_.account().id}, {"retention_days", 3000 + static_cast<int>(d.below(600))}})});
    if (settings_ && !by_peer) all.push_back({"DELETE", "/privacy/data"});
    return all[turn % all.size()];
}

void house::untouched() {
    auto const there = user.read(kept);
    s_.control(there.status() != 401 && there.status() != 403, "a read of its user");
    s_.expect(ids_at(there.body(), "/messages") == std::vector<std::string>{"kept"}, "what nobody was allowed to touch is as it was", there.describe() + " with " + show(ids_at(there.body(), "/messages")));
    auto const caught = user.read(trap);
    s_.expect(!caught.ok() || ids_at(caught.body(), "/messages").empty(), "nothing of a refused request is stored", show(ids_at(caught.body(), "/messages")) + " is");
    auto const list = user.get("/peers");
    s_.control(list, "the list of peers");
    for (auto const& id : ids_at(list.body(), "/peers", "backend_id")) s_.expect(!turned_away.contains(id), "who was refused is not registered", id + " is listed");
    if (settings_) {
        auto const now = user.get("/privacy-settings");
        auto const *days = at(now.body(), "/retention_days"), *before = settings_->if_contains("retention_days");
        s_.expect(now.ok() && days && before && same(*days, *before), "the settings are as they were", now.describe() + ", retention_days " + (days ? show(*days) : "absent"));
    }
}

}  // namespace bsp::conformance::battery
