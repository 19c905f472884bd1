#include "../faults.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <thread>

/// Faults of clients in what happens to a registration after its first: another token, another place, another key, another
/// user of the same backend, its end.
namespace bsp::faulty {

namespace {

using std::chrono::seconds;
using clock = std::chrono::steady_clock;
using answered = std::optional<http_response>;

// ---- tokens ----

/// A timer that is set when the first token comes, and that stops the work for whatever token there is when it rings.
struct first_expiry_stops : backend {
    using backend::backend;
    bool may_exchange(peer_record const& peer, link const& to, instant now) override {
        auto& t = timers_.try_emplace(peer.peer_id, timer{peer.sbt_expires, {}}).first->second;
        if (t.stopped && *t.stopped != peer.sbt_created) t = {peer.sbt_expires, {}};
        if (!t.stopped && t.rings <= now) t.stopped = peer.sbt_created;
        return !t.stopped && backend::may_exchange(peer, to, now);
    }

private:
    struct timer {
        instant rings;
        std::optional<instant> stopped;
    };
    std::map<std::string, timer> timers_;
};
/// expires = max(expires, token.expires)
struct longest_token_counts : backend {
    using backend::backend;
    bool may_exchange(peer_record const& peer, link const& to, instant now) override {
        auto& last = last_[peer.peer_id];
        last = std::max(last, peer.sbt_expires);
        peer_record longest = peer;
        longest.sbt_expires = last;
        return backend::may_exchange(longest, to, now);
    }

private:
    std::map<std::string, instant> last_;
};
struct pulls_stay_refused : backend {
    using backend::backend;
    void settle_pull(peer_record const& peer, link& to, answered const& r) override {
        auto const before = to.refused_token;
        backend::settle_pull(peer, to, r);
        if (to.refused_token == before) return;
        to.refused_token = before;
        stopped_.insert(peer.peer_id);
        to.not_before[pulls] = clock::now() + std::chrono::hours{24};
    }
    void note_endpoints(json::fields const& body, token const& t, peer_record& peer) override {
        backend::note_endpoints(body, t, peer);
        if (stopped_.contains(peer.peer_id)) held().links[peer.peer_id].not_before[pulls] = clock::now() + std::chrono::hours{24};
    }

private:
    std::set<std::string> stopped_;
};

// ---- places ----

/// if (token.created > stored.created) { store token and endpoints }
struct same_token_moves_nothing : backend {
    using backend::backend;
    void note_endpoints(json::fields const& body, token const& t, peer_record& peer) override {
        peer_record const before = peer;
        backend::note_endpoints(body, t, peer);
        auto const [last, is_first] = tokens_.try_emplace(peer.peer_id, t.created);
        bool const is_later = last->second < t.created;
        last->second = std::max(last->second, t.created);
        if (!is_first && !is_later) peer.remote_id = before.remote_id, peer.sync_endpoint = before.sync_endpoint, peer.telemetry_endpoint = before.telemetry_endpoint;
    }

private:
    std::map<std::string, instant> tokens_;
};
/// The queue of what is to be repeated has the URL in it.
struct repeats_where_it_began : backend {
    using backend::backend;
    http_request push_request(peer_record const& peer, parcel const& p, instant now) override {
        http_request out = backend::push_request(peer, p, now);
        out.target = places_.try_emplace(p.sync_id, out.target).first->second;
        return out;
    }

private:
    std::map<std::string, std::string> places_;
};
/// Positions are stored by URL.
struct moved_is_another : backend {
    using backend::backend;
    void note_endpoints(json::fields const& body, token const& t, peer_record& peer) override {
        auto const before = peer.sync_endpoint;
        backend::note_endpoints(body, t, peer);
        if (!before.empty() && before != peer.sync_endpoint) begin_anew(held().links[peer.peer_id]);
    }
};
struct streams_stay : backend {
    using backend::backend;
    void note_endpoints(json::fields const& body, token const& t, peer_record& peer) override {
        auto const before = peer.telemetry_endpoint;
        backend::note_endpoints(body, t, peer);
        if (!before.empty()) peer.telemetry_endpoint = before;
    }
};
thread_local std::string first_health;  // each peer's /health has a thread of its own
struct health_stays : backend {
    using backend::backend;
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        http_request asked = r;
        if (r.target.ends_with("/health")) asked.target = first_health.empty() ? first_health = r.target : first_health;
        return backend::transmit(origin, asked, timeout, stop);
    }
};
/// A loop is begun for a peer that brings endpoints when it registers first.
struct first_without_endpoints : backend {
    using backend::backend;
    bool may_dial(peer_record const& peer) override { return had_.try_emplace(peer.peer_id, !peer.sync_endpoint.empty()).first->second && backend::may_dial(peer); }

private:
    std::map<std::string, bool> had_;
};
struct first_capabilities_stay : backend {
    using backend::backend;
    bool holds_pulls_open(peer_record const& peer) override { return live_.try_emplace(peer.peer_id, backend::holds_pulls_open(peer)).first->second; }

private:
    std::map<std::string, bool> live_;
};

// ---- several users of one backend ----

/// Finds registrations by `backend_id` alone.
struct one_per_backend : backend {
    using backend::backend;

protected:
    peer_record const& first_of(peer_record const& peer) {
        for (auto const& [id, other] : held().peers)
            if (other.backend_id == peer.backend_id && other.registered < peer.registered) return other;
        return peer;
    }
    peer_record const* peer_with(link const& to) {
        for (auto const& [id, l] : held().links)
            if (&l == &to && held().peers.contains(id)) return &held().peers.at(id);
        return nullptr;
    }
    template <class Step>
    void for_the_others(peer_record const& peer, Step step) {
        for (auto& [id, other] : held().peers)
            if (other.backend_id == peer.backend_id && id != peer.peer_id) step(other, held().links[id]);
    }
};
struct push_position_of_backend : one_per_backend {
    using one_per_backend::one_per_backend;
    void acknowledged(link& to, parcel const& p) override {
        peer_record const* peer = peer_with(to);
        one_per_backend::acknowledged(to, p);
        if (peer) for_the_others(*peer, [&](peer_record&, link& other) { other.pushed = to.pushed = std::max(other.pushed, to.pushed); });
    }
};
struct pull_position_of_backend : one_per_backend {
    using one_per_backend::one_per_backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        bool const taken = one_per_backend::take_in_page(peer, to, page);
        for_the_others(peer, [&](peer_record&, link& other) { other.since = to.since, other.cursor = to.cursor; });
        return taken;
    }
};
struct endpoints_of_backend : one_per_backend {
    using one_per_backend::one_per_backend;
    json::object payload(peer_record const& peer, parcel const& p, instant now) override { return one_per_backend::payload(placed(peer), p, now); }
    http_request push_request(peer_record const& peer, parcel const& p, instant now) override { return one_per_backend::push_request(placed(peer), p, now); }
    http_request pull_request(peer_record const& peer, link const& to, instant now) override { return one_per_backend::pull_request(placed(peer), to, now); }

private:
    peer_record placed(peer_record peer) {
        peer_record const& first = first_of(peer);
        peer.remote_id = first.remote_id, peer.sync_endpoint = first.sync_endpoint;
        return peer;
    }
};
struct unpairing_of_backend : one_per_backend {
    using one_per_backend::one_per_backend;
    void unpair(peer_record const& peer, instant now) override {
        for_the_others(peer, [](peer_record& other, link&) { other.sync_endpoint = other.telemetry_endpoint = {}; });
        one_per_backend::unpair(peer, now);
    }
};
struct refusals_of_backend : one_per_backend {
    using one_per_backend::one_per_backend;
    void settle_push(peer_record const& peer, link& to, answered const& r) override {
        one_per_backend::settle_push(peer, to, r);
        if (to.refused_token) for_the_others(peer, [](peer_record& other, link& l) { l.refused_token = other.sbt_created; });
    }
};
struct pulls_for_first_user : one_per_backend {
    using one_per_backend::one_per_backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        peer_record filed = peer;
        filed.user_id = first_of(peer).user_id;
        return one_per_backend::take_in_page(filed, to, page);
    }
};
struct events_of_backend : one_per_backend {
    using one_per_backend::one_per_backend;
    void tell_of(link& to, std::string_view direction, json::array const& conversations, std::string const& sync_id) override {
        peer_record const* peer = peer_with(to);
        one_per_backend::tell_of(peer ? held().links[first_of(*peer).peer_id] : to, direction, conversations, sync_id);
    }
};

// ---- the end, and another key ----

struct revocation_unread : backend {
    using backend::backend;
    bool may_exchange(peer_record const& peer, link const& to, instant now) override {
        peer_record free = peer;
        free.revoked = false;
        return backend::may_exchange(free, to, now);
    }
};
/// What is to be repeated is a task of its own, with all that it needs.
struct repeats_after_unpairing : backend {
    using backend::backend;
    void unpair(peer_record const& peer, instant now) override {
        peer_record const known = peer;
        auto const waiting = held().links[peer.peer_id].outgoing;
        backend::unpair(peer, now);
        if (waiting.empty()) return;
        tasks_.emplace_back([this, known, p = waiting.front()](std::stop_token stop) {
            for (int i = 0; i < 100 && !stop.stop_requested(); ++i) {
                std::this_thread::sleep_for(milliseconds{100});
                if (i % 40 == 30) (void)transmit(origin_and_path(known.sync_endpoint).first, push_request(known, p, system_now()), seconds{5}, stop);
            }
        });
    }

private:
    std::vector<std::jthread> tasks_;
};
struct rotation_begins_anew : backend {
    using backend::backend;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        backend::take_key(peer, next, n, until);
        begin_anew(held().links[peer.peer_id]);
    }
};
/// The row is written anew from the members of the notice.
struct rotation_forgets_endpoints : backend {
    using backend::backend;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        backend::take_key(peer, next, n, until);
        peer.sync_endpoint = peer.telemetry_endpoint = {};
    }
};

}  // namespace

std::vector<fault> client_registration_faults() {
    return {
        tried<first_expiry_stops>(6, false, "F-OFF-881", "the exchange ends with the first token though a newer one came before", {"off/renewed-in-time"}, setting::client),
        tried<longest_token_counts>(6, false, "F-OFF-882", "of several tokens the one that expires last counts", {"off/renewed-for-less"}, setting::client),
        tried<pulls_stay_refused>(6, false, "F-OFF-883", "pulls that were refused for the token do not begin again with the next", {"off/token-refused-pulls"}, setting::client),
        tried<same_token_moves_nothing>(6, false, "F-OFF-884", "endpoints are stored with a later token only", {"off/endpoints-move-same-token"}, setting::client),
        tried<repeats_where_it_began>(6, false, "F-OFF-885", "a push is repeated where it was sent first, though the peer has moved", {"off/endpoints-move-while-due"}, setting::client),
        tried<moved_is_another>(6, false, "F-OFF-886", "a peer that moves is begun anew with", {"off/endpoints-move-positions"}, setting::client),
        tried<streams_stay>(6, false, "F-OFF-887", "the telemetry_endpoint of a repeated registration is not stored", {"off/telemetry-moves"}, setting::client),
        tried<health_stays>(6, false, "F-OFF-888", "/health is asked for where the peer was registered first", {"off/endpoints-move-while-due"}, setting::client),
        tried<first_without_endpoints>(6, false, "F-OFF-889", "a peer that gave no endpoints at first is never called", {"off/endpoints-later"}, setting::client),
        tried<first_capabilities_stay>(6, false, "F-OFF-890", "live_pull counts when the first registration declares it", {"off/live-pull-later"}, setting::client),
        tried<push_position_of_backend>(6, false, "F-OFF-891", "two users of one backend have one push position", {"off/one-backend-two-users"}, setting::client),
        tried<pull_position_of_backend>(6, false, "F-OFF-892", "two users of one backend have one pull position", {"off/one-backend-two-users-pulls"}, setting::client),
        tried<endpoints_of_backend>(6, false, "F-OFF-893", "two users of one backend have the endpoints of the first", {"off/one-backend-two-users"}, setting::client),
        tried<unpairing_of_backend>(6, false, "F-OFF-894", "unpairing a backend for one user ends the exchange of the other", {"off/one-backend-two-users-apart"}, setting::client),
        tried<refusals_of_backend>(6, false, "F-OFF-895", "a token that is refused ends the exchange of all users of that backend", {"off/one-backend-two-users-apart"}, setting::client),
        tried<pulls_for_first_user>(6, false, "F-OFF-896", "what is pulled is filed under the first user of the backend", {"off/one-backend-two-users-pulls"}, setting::client),
        tried<events_of_backend>(6, false, "F-OFF-897", "two users of one backend have one queue of events", {"off/one-backend-two-users-telemetry"}, setting::client),
        tried<revocation_unread>(6, false, "F-OFF-898", "a revoked peer goes on being pushed to and pulled from", {"off/revoked"}, setting::client),
        tried<repeats_after_unpairing>(6, false, "F-OFF-899", "a push that failed is repeated after the peer was unpaired", {"off/unpaired-while-due"}, setting::client),
        tried<rotation_begins_anew>(6, false, "F-OFF-900", "a peer that rotates its key is begun anew with", {"off/peer-rotates"}, setting::client),
        tried<rotation_forgets_endpoints>(6, false, "F-OFF-901", "a peer that rotates its key loses its endpoints", {"off/peer-rotates"}, setting::client),
    };
}

}  // namespace bsp::faulty
