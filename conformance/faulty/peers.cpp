#include "backend.hpp"

#include <algorithm>

namespace bsp::faulty {

result<http_response> backend::list_peers(call const& c) {
    BSP_TRY(principal const who, authenticate(c, admin_may | user_may | peer_may));
    json::array peers;
    for (auto const& [id, peer] : state_.peers)
        if (!peer.revoked && may_see(who, peer)) peers.push_back(peer_entry(peer));
    return json_answer(200, json::object{{"peers", std::move(peers)}});
}

bool backend::may_see(principal const& who, peer_record const& peer) { return who.kind == principal::admin_kind || who.user_id == peer.user_id; }

json::object backend::peer_entry(peer_record const& peer) {
    json::object sbt = peer.sbt;
    sbt.erase("signature");
    return {{"peer_id", peer.peer_id},
            {"backend_id", peer.backend_id},
            {"backend_type", peer.backend_type},
            {"public_key", peer.key.pem()},
            {"capabilities", peer.capabilities},
            {"sbt", std::move(sbt)},
            {"registered_at", format_timestamp(peer.registered)}};
}

result<http_response> backend::delete_peer(call const& c, std::string const& peer_id) {
    BSP_TRY(principal const who, authenticate(c, admin_may | user_may | peer_may));
    auto const found = state_.peers.find(peer_id);
    if (found == state_.peers.end() || found->second.revoked || !may_remove(who, found->second)) return fail(errc::unknown_peer, "no such peer");
    record({c.now, who.kind == principal::admin_kind ? "peer_revoked" : "peer_unpaired", peer_id, {}});
    if (who.kind == principal::admin_kind) {
        revoke(found->second, c.now);
        return json_answer(200, json::object{{"status", "revoked"}, {"peer_id", peer_id}});
    }
    unpair(found->second, c.now);
    return json_answer(200, json::object{{"status", "unpaired"}, {"peer_id", peer_id}});
}

bool backend::may_remove(principal const& who, peer_record const& peer) {
    if (who.kind == principal::peer_kind) return who.peer == &peer;
    return who.kind == principal::admin_kind || who.user_id == peer.user_id;
}

void backend::unpair(peer_record const& peer, instant now) {
    state_.unpaired[{peer.user_id, peer.backend_id}] = now;
    state_.peers.erase(std::string{peer.peer_id});
}

void backend::revoke(peer_record& peer, instant) {
    std::vector<rsa_public_key> keys{peer.key};
    for (auto const& k : peer.former) keys.push_back(k.key);
    state_.revoked_backends.insert(peer.backend_id);
    for (auto const& k : keys) state_.revoked_keys.insert(k.sha256());
    for (auto& [id, other] : state_.peers)
        if (other.backend_id == peer.backend_id || std::find(keys.begin(), keys.end(), other.key) != keys.end()) other.revoked = true;
}

}  // namespace bsp::faulty
