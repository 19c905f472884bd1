#include "../faults.hpp"
#include "../private_backend.hpp"

/// Faults of clients in what their users allow (section 16.3), and whose it is.
namespace bsp::faulty {

namespace {

struct sends_after_pause : private_backend {
    using private_backend::private_backend;
    bool may_exchange(peer_record const& peer, link const& to, instant now) override { return backend::may_exchange(peer, to, now); }
};
struct one_pause_for_all : private_backend {
    using private_backend::private_backend;
    bool may_exchange(peer_record const& peer, link const& to, instant now) override {
        for (auto const& [user_id, secret] : config().users)
            if (!lets(user_id, "sync_conversations")) return false;
        return backend::may_exchange(peer, to, now);
    }
};
struct only_the_main_switch : private_backend {
    using private_backend::private_backend;
    bool may_exchange(peer_record const& peer, link const& to, instant now) override { return backend::may_exchange(peer, to, now) && settings_of(peer.user_id).at("sync_enabled") == json::value(true); }
};
struct pause_drops_the_queue : private_backend {
    using private_backend::private_backend;
    bool may_exchange(peer_record const& peer, link const& to, instant now) override {
        bool const may = private_backend::may_exchange(peer, to, now);
        if (!may && backend::may_exchange(peer, to, now)) {
            auto& own = held().links[peer.peer_id];
            own.outgoing.clear(), own.pushed = held().last_commit;
        }
        return may;
    }
};
/// Pulls only bring something in, so why not.
struct pulls_while_paused : private_backend {
    using private_backend::private_backend;
    bool may_exchange(peer_record const& peer, link const& to, instant now) override { return pulling ? backend::may_exchange(peer, to, now) : private_backend::may_exchange(peer, to, now); }
    void pull_loop(std::string const& peer_id, std::stop_token stop) override {
        pulling = true;
        backend::pull_loop(peer_id, stop);
    }
    static thread_local bool pulling;  // each loop has a thread of its own
};
thread_local bool pulls_while_paused::pulling = false;

struct all_surfaces_leave : private_backend {
    using private_backend::private_backend;
    json::object push_entry(std::string const& id, conversation const& c) override { return backend::pull_entry(id, c); }
};
struct queued_surfaces_leave : private_backend {
    using private_backend::private_backend;
    void settings_changed(std::string const&) override {}
};
struct erased_leaves : private_backend {
    using private_backend::private_backend;
    void erase(std::string const& user_id) override {
        auto const links = held().links;
        private_backend::erase(user_id);
        for (auto const& [peer_id, to] : links) held().links[peer_id].outgoing = to.outgoing;
    }
};
struct telemetry_goes_on : private_backend {
    using private_backend::private_backend;
    bool may_stream(peer_record const& peer, link const& to, instant now) override { return backend::may_exchange(peer, to, now) && !peer.telemetry_endpoint.empty() && may_call(peer.telemetry_endpoint); }
};
struct telemetry_dropped : private_backend {
    using private_backend::private_backend;
    bool may_stream(peer_record const& peer, link const& to, instant now) override {
        bool const may = private_backend::may_stream(peer, to, now);
        if (!may && backend::may_exchange(peer, to, now)) held().links[peer.peer_id].events.clear();
        return may;
    }
};

/// The user is taken from what was pulled.
struct pulled_for_whom_it_says : private_backend {
    using private_backend::private_backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        auto believed = peer;
        if (auto const* all = page.if_contains("conversations"); all && all->is_array() && !all->get_array().empty() && all->get_array().front().is_object())
            if (auto const* who = json::find_string(all->get_array().front().get_object(), "user_id"); who && config().users.contains(std::string{json::view(*who)})) believed.user_id = std::string{json::view(*who)};
        return private_backend::take_in_page(believed, to, page);
    }
};

template <class Mutant>
fault row(std::string_view id, std::string_view title, std::string_view killed_by) {
    return {id, title, {killed_by}, make<Mutant>, setting::client};
}

}  // namespace

std::vector<fault> client_consent_faults() {
    return {
        row<sends_after_pause>("F-OFF-21", "it sends after the user's pause", "off/paused"),
        row<one_pause_for_all>("F-OFF-22", "one user's pause stops all users", "off/pause-of-one"),
        row<only_the_main_switch>("F-OFF-182", "only sync_enabled pauses it, sync_conversations does not", "off/paused"),
        row<pause_drops_the_queue>("F-OFF-183", "a pause drops what was queued", "off/paused"),
        row<pulls_while_paused>("F-OFF-184", "it pulls while the user has paused", "off/paused"),
        row<all_surfaces_leave>("F-OFF-185", "messages from surfaces that are not allowed are pushed", "off/surfaces"),
        row<queued_surfaces_leave>("F-OFF-186", "what is queued is pushed though its surface is not allowed any more", "off/surfaces"),
        row<erased_leaves>("F-OFF-187", "what was queued is pushed after its erasure", "off/erased"),
        row<telemetry_goes_on>("F-OFF-188", "telemetry is sent though the user does not allow it", "off/telemetry-paused"),
        row<pulled_for_whom_it_says>("F-OFF-190", "what is pulled is filed under the user that it names", "off/pulled-for-its-user"),
        row<telemetry_dropped>("F-OFF-189", "queued telemetry is dropped when the user does not allow it for a while", "off/telemetry-paused"),
    };
}

}  // namespace bsp::faulty
