#include "../faults.hpp"

#include <algorithm>
#include <set>

/// Faults of clients in where they call (sections 4.2 and 4.7).
namespace bsp::faulty {

namespace {

struct dials_anything : backend {
    using backend::backend;
    bool may_dial(peer_record const& peer) override { return !peer.sync_endpoint.empty() && config().backend_type == "local"; }
};
struct hosted_dials : backend {
    using backend::backend;
    bool may_dial(peer_record const& peer) override { return !peer.sync_endpoint.empty(); }
};
/// The list is looked at when the work for a peer begins.
struct looks_once : backend {
    using backend::backend;
    bool may_dial(peer_record const& peer) override { return seen_.contains(peer.peer_id) || (backend::may_dial(peer) && seen_.insert(peer.peer_id).second); }

private:
    std::set<std::string> seen_;
};
/// if (any(listed in url for listed in peer_allow))
struct listed_anywhere : dials_anything {
    using dials_anything::dials_anything;
    bool may_dial(peer_record const& peer) override {
        auto const& all = config().peer_allow;
        return dials_anything::may_dial(peer) && std::any_of(all.begin(), all.end(), [&](auto const& listed) { return peer.sync_endpoint.find(listed) != std::string::npos; });
    }
};
/// if (url.startswith(listed)), and a library that knows what stands before an @.
struct listed_at_the_beginning : dials_anything {
    using dials_anything::dials_anything;
    bool may_dial(peer_record const& peer) override {
        auto const& all = config().peer_allow;
        return dials_anything::may_dial(peer) && std::any_of(all.begin(), all.end(), [&](auto const& listed) { return peer.sync_endpoint.starts_with(listed); });
    }
    std::optional<http_response> transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        auto const name = origin.find('@');
        return backend::transmit(name == std::string::npos ? origin : "http://" + origin.substr(name + 1), r, timeout, stop);
    }
};
struct telemetry_goes_anywhere : backend {
    using backend::backend;
    bool may_stream(peer_record const& peer, link const& to, instant now) override { return !peer.telemetry_endpoint.empty() && may_exchange(peer, to, now); }
};
struct first_endpoints_stay : backend {
    using backend::backend;
    void note_endpoints(json::fields const& body, token const& t, peer_record& peer) override {
        peer_record const before = peer;
        backend::note_endpoints(body, t, peer);
        if (!before.sync_endpoint.empty()) peer.remote_id = before.remote_id, peer.sync_endpoint = before.sync_endpoint, peer.telemetry_endpoint = before.telemetry_endpoint;
    }
};
/// where = endpoints.sync_endpoint, and the id in the payload is that of before
struct endpoints_move_alone : backend {
    using backend::backend;
    void note_endpoints(json::fields const& body, token const& t, peer_record& peer) override {
        auto const id = peer.remote_id;
        backend::note_endpoints(body, t, peer);
        if (!id.empty()) peer.remote_id = id;
    }
};

template <class Mutant>
fault row(std::string_view id, std::string_view title, std::string_view killed_by, setting needs = setting::client) {
    return {id, title, {killed_by}, make<Mutant>, needs};
}

}  // namespace

std::vector<fault> client_endpoints_faults() {
    return {
        row<dials_anything>("F-OFF-17", "an endpoint is called whose origin nobody listed", "off/allow-list"),
        row<hosted_dials>("F-OFF-117", "a hosted backend calls a local one", "off/hosted-does-not-call", setting::hosted_client),
        row<looks_once>("F-OFF-875", "the list of origins is looked at for the first endpoints of a peer only", "off/allow-list-later"),
        row<listed_anywhere>("F-OFF-876", "an endpoint may be called when a listed origin stands anywhere in it", "off/allow-list-disguised"),
        row<listed_at_the_beginning>("F-OFF-877", "an endpoint may be called when it begins with a listed origin", "off/allow-list-disguised"),
        row<telemetry_goes_anywhere>("F-OFF-878", "the origin of a telemetry endpoint is not looked at", "off/allow-list-telemetry"),
        row<first_endpoints_stay>("F-OFF-879", "endpoints of a repeated registration are not stored", "off/endpoints-move"),
        row<endpoints_move_alone>("F-OFF-880", "endpoints of a repeated registration are stored, and their peer_id is not", "off/endpoints-move"),
    };
}

}  // namespace bsp::faulty
