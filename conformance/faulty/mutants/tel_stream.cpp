#include "../faults.hpp"
#include "lenient_json.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

/// Faults of the telemetry stream: of its opening, of the answers to events, and of its end.
namespace bsp::faulty {

namespace {

bool is_upgrade(auto const& c) { return c.segments.size() == 2 && c.segments[0] == "telemetry" && c.segments[1] != "events"; }

// ---- opening ----------------------------------------------------------------------------------------------

/// A short list of connections, for everybody together.
struct twenty_places : backend {
    using backend::backend;
    result<peer_record*> admit(call const& c, std::string const& peer_id) override {
        std::size_t open = 0;
        for (auto const& [id, peer] : held().peers) open += sockets_of(id);
        if (open >= 20) return fail(errc::unavailable, "there are connections enough");
        return backend::admit(c, peer_id);
    }
};
struct no_credential_needed : backend {
    using backend::backend;
    result<peer_record*> admit(call const& c, std::string const& peer_id) override {
        if (!c.request.headers.find("Authorization")) return find_peer(peer_id);
        return backend::admit(c, peer_id);
    }
};
struct unknown_peers_stay : backend {
    using backend::backend;
    answer upgrade_telemetry(call const& c, std::string const& peer_id) override {
        if (!held().peers.contains(peer_id)) return switch_protocols(c, peer_id, "");
        return backend::upgrade_telemetry(c, peer_id);
    }
    std::optional<std::string> lost_right(held_socket const& s, instant now) override { return s.user_id.empty() ? std::nullopt : backend::lost_right(s, now); }
};
struct any_peers_key : backend {
    using backend::backend;
    result<peer_record*> admit(call const& c, std::string const& peer_id) override {
        BSP_TRY(peer_record * peer, find_peer(peer_id));
        BSP_CHECK(authenticate(c, peer_may));
        was_proven_by(peer->key);  // as far as this one sees
        return peer;
    }
};
struct claims_unchecked : backend {
    using backend::backend;
    result<> check_request_binding(call const& c, assertion const& a) override { return is_upgrade(c) ? ok() : backend::check_request_binding(c, a); }
};
struct query_not_bound : backend {
    using backend::backend;
    result<> check_target(call const& c, assertion const& a) override {
        if (is_upgrade(c) && a.htu == c.request.target.substr(0, c.request.target.find('?'))) return ok();
        return backend::check_target(c, a);
    }
};
struct jti_again : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override { return is_upgrade(c) ? ok() : backend::claim_jti(c, issuer, a); }
};
struct jti_raced : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        if (!is_upgrade(c)) return backend::claim_jti(c, issuer, a);
        if (held().used_assertions.contains({issuer, a.jti})) return fail(errc::stale_request, "the assertion was used before");
        let_others_in();
        held().used_assertions.emplace(std::pair{issuer, a.jti}, a.exp);
        return ok();
    }
};
struct cache_of_peers : backend {
    using backend::backend;
    std::map<std::string, peer_record> cache;
    result<peer_record*> admit(call const& c, std::string const& peer_id) override {
        if (auto const found = cache.find(peer_id); found != cache.end() && !held().peers.contains(peer_id)) {
            held().peers.insert(*found);
            auto const r = backend::admit(c, peer_id);
            held().peers.erase(peer_id);
            if (!r) return r.error();
            return &found->second;
        }
        BSP_TRY(peer_record * peer, backend::admit(c, peer_id));
        cache.insert_or_assign(peer_id, *peer);
        return peer;
    }
    std::optional<std::string> lost_right(held_socket const& s, instant now) override { return cache.contains(s.peer_id) ? std::nullopt : backend::lost_right(s, now); }
};
struct revoked_may_stream : backend {
    using backend::backend;
    bool admitting = false;
    result<peer_record*> admit(call const& c, std::string const& peer_id) override {
        admitting = true;
        auto r = backend::admit(c, peer_id);
        admitting = false;
        return r;
    }
    result<> check_not_revoked(peer_record const& p) override { return admitting ? ok() : backend::check_not_revoked(p); }
    std::optional<std::string> lost_right(held_socket const&, instant) override { return std::nullopt; }
};
struct plain_get_fails : backend {
    using backend::backend;
    answer upgrade_telemetry(call const& c, std::string const& peer_id) override {
        if (!c.request.headers.find("Upgrade")) return json_answer(500, json::object{{"detail", "no websocket in scope"}});
        return backend::upgrade_telemetry(c, peer_id);
    }
};
struct plain_get_untold : backend {
    using backend::backend;
    void finish(call const& c, http_response& r) override {
        backend::finish(c, r);
        if (r.status == 426) r.headers = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}};
    }
};
struct upgrades_cacheable : backend {
    using backend::backend;
    void finish(call const& c, http_response& r) override {
        backend::finish(c, r);
        if (r.status == 101) r.headers = {};
    }
};
struct any_handshake : backend {
    using backend::backend;
    result<> check_handshake(call const&) override { return ok(); }
};
struct any_socket_origin : backend {
    using backend::backend;
    result<> check_socket_origin(call const&) override { return ok(); }
};
struct one_line_each : backend {
    using backend::backend;
    result<peer_record*> admit(call const& c, std::string const& peer_id) override {
        BSP_TRY(peer_record * peer, backend::admit(c, peer_id));
        if (sockets_of(peer_id) > 0) return fail(errc::rate_limited, "this peer is connected already");
        return peer;
    }
};

struct connection_as_a_whole : backend {
    using backend::backend;
    result<> check_handshake(call const& c) override {
        std::string const* connection = c.request.headers.find("Connection");
        if (connection && *connection != "Upgrade") return fail(errc::upgrade_required, "Connection must be Upgrade");
        return backend::check_handshake(c);
    }
};

// ---- the life of a connection -----------------------------------------------------------------------------

struct judged_once : backend {
    using backend::backend;
    std::optional<std::string> lost_right(held_socket const&, instant) override { return std::nullopt; }
};
struct ends_with_an_event : backend {
    using backend::backend;
    reply look_after(int number, instant now) override {
        auto r = backend::look_after(number, now);
        return r.close == 1008 ? reply{} : r;
    }
};
struct by_its_own_name : backend {
    using backend::backend;
    std::string revoked;
    void revoke(peer_record& p, instant now) override {
        revoked = p.peer_id;
        backend::revoke(p, now);
    }
    std::optional<std::string> lost_right(held_socket const& s, instant now) override { return revoked.empty() || s.peer_id == revoked ? backend::lost_right(s, now) : std::nullopt; }
};
struct all_of_the_users : backend {
    using backend::backend;
    std::map<std::string, int> unpaired;
    std::map<int, int> seen;
    void unpair(peer_record const& p, instant now) override {
        ++unpaired[p.user_id];
        backend::unpair(p, now);
    }
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        if (seen.try_emplace(s.number, unpaired[s.user_id]).first->second != unpaired[s.user_id]) return "the user's devices have changed";
        return backend::lost_right(s, now);
    }
};
struct right_of_the_backend : backend {
    using backend::backend;
    std::map<std::string, std::string> backends;
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        for (auto const& [id, p] : held().peers) backends[id] = p.backend_id;
        for (auto const& [id, p] : held().peers)
            if (p.backend_id == backends[s.peer_id] && p.user_id == s.user_id) return std::nullopt;
        return held().unpaired.empty() ? backend::lost_right(s, now) : std::nullopt;
    }
    reply judge(held_socket const& s, std::string const& text, instant now) override {
        for (auto const& [id, p] : held().peers)
            if (p.backend_id == backends[s.peer_id] && p.user_id == s.user_id) return backend::judge(s, text, now);
        return {{}, 1008, "Peer not found"};
    }
};
struct expiry_forgotten : backend {
    using backend::backend;
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        auto const why = backend::lost_right(s, now);
        auto const found = held().peers.find(s.peer_id);
        return found != held().peers.end() && check_not_revoked(found->second) ? std::nullopt : why;
    }
};
struct expiry_with_an_event : backend {
    using backend::backend;
    reply look_after(int number, instant now) override {
        auto r = backend::look_after(number, now);
        return r.close == 1008 && r.reason.find("expired") != std::string::npos ? reply{} : r;
    }
};
struct copy_of_the_token : backend {
    using backend::backend;
    std::map<int, instant> expires;
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        auto const found = held().peers.find(s.peer_id);
        if (found == held().peers.end()) return backend::lost_right(s, now);
        auto const at = expires.try_emplace(s.number, found->second.sbt_expires).first->second;
        return now >= at ? std::optional<std::string>{"the session binding token has expired"} : backend::lost_right(s, now);
    }
};
struct assertion_counts : backend {
    using backend::backend;
    std::int64_t latest = 0;
    std::map<int, std::int64_t> expires;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        if (is_upgrade(c)) latest = a.exp;
        return backend::claim_jti(c, issuer, a);
    }
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        if (now >= instant{expires.try_emplace(s.number, latest).first->second}) return "the assertion has expired";
        return backend::lost_right(s, now);
    }
};
struct events_go_with_the_peer : backend {
    using backend::backend;
    void unpair(peer_record const& p, instant now) override {
        std::erase_if(held().events, [&](auto const& e) { return e.peer_id == p.peer_id; });
        backend::unpair(p, now);
    }
};
struct silent_stop : backend {
    using backend::backend;
    reply look_after(int number, instant now) override {
        auto r = backend::look_after(number, now);
        return r.close == 1012 ? reply{} : r;
    }
};
struct transaction_per_connection : backend {
    using backend::backend;
    std::map<int, std::vector<std::string>> uncommitted;
    reply judge(held_socket const& s, std::string const& text, instant now) override {
        auto const before = held().events.size();
        auto r = backend::judge(s, text, now);
        if (held().events.size() > before) uncommitted[s.number].push_back(held().events.back().event_id);
        return r;
    }
    void forget(int number) override {
        backend::forget(number);
        auto const lock = locked();
        for (auto const& id : uncommitted[number]) std::erase_if(held().events, [&](auto const& e) { return e.event_id == id; });
    }
};

// ---- answers ----------------------------------------------------------------------------------------------

struct acked_and_forgotten : backend {
    using backend::backend;
    void store(telemetry_event) override {}
};
struct id_of_the_one_before : backend {
    using backend::backend;
    std::string before;
    int since_start = 0;
    reply acknowledge(std::string const& id) override {
        auto const said = ++since_start % 10 == 0 ? before : id;
        before = id;
        return backend::acknowledge(said);
    }
};
struct twice_answered : backend {
    using backend::backend;
    int count = 0;
    reply acknowledge(std::string const& id) override {
        auto r = backend::acknowledge(id);
        if (++count % 10 == 0) r.texts.push_back(r.texts.front());
        return r;
    }
};
struct rejection_spreads : backend {
    using backend::backend;
    bool failed = false;
    reply judge(held_socket const& s, std::string const& text, instant now) override {
        if (std::exchange(failed, false) && parse_event(text)) return reject(id_of_rejected(text), fail(errc::invalid_body, "the batch failed"));
        return backend::judge(s, text, now);
    }
    reply reject(json::value id, error const& why) override {
        failed = why.detail != "the batch failed";
        return backend::reject(std::move(id), why);
    }
};
struct malformed_ends_it : backend {
    using backend::backend;
    reply judge(held_socket const& s, std::string const& text, instant now) override {
        if (!parse_event(text)) return {{}, 1011, "Internal error"};
        return backend::judge(s, text, now);
    }
};
struct invalid_acked : backend {
    using backend::backend;
    reply reject(json::value id, error const& why) override { return id.is_string() ? acknowledge(std::string{json::view(id.get_string())}) : backend::reject(std::move(id), why); }
};
struct rejection_without_id : backend {
    using backend::backend;
    json::value id_of_rejected(std::string const&) override { return nullptr; }
};
struct empty_for_null : backend {
    using backend::backend;
    reply reject(json::value id, error const& why) override { return backend::reject(id.is_null() ? json::value("") : std::move(id), why); }
};
struct rejection_in_words : backend {
    using backend::backend;
    reply reject(json::value id, error const& why) override {
        return {{json::serialize(json::object{{"status", "rejected"}, {"event_id", std::move(id)}, {"error", why.detail}})}};
    }
};
struct one_code : backend {
    using backend::backend;
    reply reject(json::value id, error const& why) override { return backend::reject(std::move(id), fail(errc::invalid_body, why.detail)); }
};
struct slow_ack : backend {
    using backend::backend;
    reply acknowledge(std::string const& id) override {
        std::this_thread::sleep_for(std::chrono::milliseconds{150});
        return backend::acknowledge(id);
    }
};

// ---- the budget -------------------------------------------------------------------------------------------

struct no_budget : backend {
    using backend::backend;
    bool within_budget(held_socket const&, instant) override { return true; }
};
struct excess_in_silence : backend {
    using backend::backend;
    reply excess(held_socket const&, std::string const&, instant) override { return {}; }
};
struct excess_acked : backend {
    using backend::backend;
    reply excess(held_socket const&, std::string const& text, instant) override { return acknowledge(std::string{json::view(id_of_rejected(text).as_string())}); }
};
struct excess_stored : backend {
    using backend::backend;
    reply excess(held_socket const& s, std::string const& text, instant now) override {
        judge(s, text, now);
        return backend::excess(s, text, now);
    }
};
struct excess_unnamed : backend {
    using backend::backend;
    reply excess(held_socket const& s, std::string const&, instant now) override { return backend::excess(s, "", now); }
};
struct excess_closes : backend {
    using backend::backend;
    reply excess(held_socket const&, std::string const&, instant) override { return {{}, 1013, "slow down"}; }
};
struct small_budget : backend {
    using backend::backend;
    bool within_budget(held_socket const& s, instant now) override {
        auto const used = held().messages_of_peers[s.peer_id].size();
        return used < 500 && backend::within_budget(s, now);
    }
};
struct budget_of_a_line : backend {
    using backend::backend;
    bool within_budget(held_socket const& s, instant now) override {
        auto own = s;
        own.peer_id += std::to_string(s.number);
        return backend::within_budget(own, now);
    }
};
struct budget_of_an_address : backend {
    using backend::backend;
    bool within_budget(held_socket const& s, instant now) override {
        auto all = s;
        all.peer_id = "127.0.0.1";
        return backend::within_budget(all, now);
    }
};

}  // namespace

std::vector<fault> tel_stream_faults() {
    using f = framing;
    return {
        {"F-TEL-01", "a WebSocket without a credential is accepted", {"tel/no-credential"}, make<no_credential_needed>},
        {"F-TEL-02", "the connection of an unknown peer stays open", {"tel/unknown-peer"}, make<unknown_peers_stay>},
        {"F-TEL-03", "any peer's key opens every peer's path", {"tel/other-peer"}, make<any_peers_key>},
        {"F-TEL-04", "events are acknowledged and not stored", {"tel/acked-is-readable", "tel/list"}, make<acked_and_forgotten>},
        {"F-TEL-05", "some acknowledgements have the event_id of the event before", {"tel/pipelining"}, make<id_of_the_one_before>},
        {"F-TEL-07", "malformed JSON ends the connection", {"tel/i-json"}, make<malformed_ends_it>},
        {"F-TEL-08", "an invalid event is acknowledged", {"tel/required-members", "tel/grammar"}, make<invalid_acked>},
        {"F-TEL-09", "a binary message, or one of 1 MiB, ends the process", {"tel/binary", "tel/too-long"}, make<backend>, setting::plain, f{.fragile = true}},
        {"F-TEL-10", "an open connection outlives the peer's right", {"tel/revoke-open", "tel/unpair-open"}, make<judged_once>},
        {"F-TEL-13", "there is no budget", {"tel/excess"}, make<no_budget>},
        {"F-TEL-14", "events beyond the budget are dropped in silence", {"tel/excess"}, make<excess_in_silence>},
        {"F-TEL-19", "a plain GET is answered with 500", {"tel/plain-get"}, make<plain_get_fails>},
        {"F-TEL-21", "a local backend takes upgrades from any origin", {"tel/origin"}, make<any_socket_origin>, setting::local},
        {"F-TEL-22", "while one connection's frame is arriving, no other is read", {"tel/slow-beside-fast"}, make<backend>, setting::plain, f{.one_at_a_time = true}},
        {"F-TEL-25", "an assertion opens any number of connections", {"tel/jti"}, make<jti_again>},
        {"F-TEL-101", "Sec-WebSocket-Accept does not answer the key", {"tel/opens"}, make<backend>, setting::plain, f{.wrong_accept = true}},
        {"F-TEL-102", "method, target and times of an upgrade's assertion are not checked", {"tel/assertion"}, make<claims_unchecked>},
        {"F-TEL-103", "the query of an upgrade is not part of htu", {"tel/upgrade-query"}, make<query_not_bound>},
        {"F-TEL-104", "the jti of an upgrade is looked up and stored in two steps", {"tel/jti-concurrent"}, make<jti_raced>},
        {"F-TEL-105", "upgrades look into a cache of peers", {"tel/unpaired"}, make<cache_of_peers>},
        {"F-TEL-106", "a revoked peer may open connections", {"tel/revoked"}, make<revoked_may_stream>},
        {"F-TEL-107", "a 426 answer has no Upgrade field", {"tel/plain-get"}, make<plain_get_untold>},
        {"F-TEL-108", "every handshake is taken for one", {"tel/handshake"}, make<any_handshake>},
        {"F-TEL-109", "a peer can have one connection only", {"tel/several-connections"}, make<one_line_each>},
        {"F-TEL-113", "events beyond the budget are acknowledged and dropped", {"tel/excess"}, make<excess_acked>},
        {"F-TEL-114", "some events are answered twice", {"tel/pipelining"}, make<twice_answered>},
        {"F-TEL-120", "the error of a rejection is a text", {"tel/rejection-form"}, make<rejection_in_words>},
        {"F-TEL-121", "every rejection has the code invalid-body", {"tel/rejection-codes"}, make<one_code>},
        {"F-TEL-122", "rejections never name the event", {"tel/required-members"}, make<rejection_without_id>},
        {"F-TEL-125", "the event after a rejected one is rejected, too", {"tel/mixed-pipelining"}, make<rejection_spreads>},
        {"F-TEL-129", "acknowledgements come after 150 ms", {"tel/prompt"}, make<slow_ack>},
        {"F-TEL-131", "connections are left open over a restart", {"tel/stop"}, make<silent_stop>},
        {"F-TEL-132", "the budget is 500 events", {"tel/thousand"}, make<small_budget>},
        {"F-TEL-133", "every connection has a budget of its own", {"tel/excess"}, make<budget_of_a_line>},
        {"F-TEL-134", "events answered with rate_limited are stored", {"tel/excess"}, make<excess_stored>},
        {"F-TEL-135", "all peers behind one address share a budget", {"tel/excess"}, make<budget_of_an_address>},
        {"F-TEL-136", "binary messages are read as text", {"tel/binary"}, make<backend>, setting::plain, f{.binary_is_text = true}},
        {"F-TEL-137", "texts that are not UTF-8 are passed on", {"tel/utf8"}, make<backend>, setting::plain, f{.any_utf8 = true}},
        {"F-TEL-138", "messages of any length are read", {"tel/too-long"}, make<backend>, setting::plain, f{.any_length_of_message = true}},
        {"F-TEL-139", "messages of more than 4 KiB are refused", {"tel/longest"}, make<backend>, setting::plain, f{.short_messages = true}},
        {"F-TEL-140", "every fragment is read as a message", {"tel/fragments", "tel/fragments-again"}, make<backend>, setting::plain, f{.fragments_are_messages = true}},
        {"F-TEL-141", "pings are not answered", {"tel/ping"}, make<backend>, setting::plain, f{.silent_pings = true}},
        {"F-TEL-142", "pongs have no data", {"tel/ping", "tel/fragments"}, make<backend>, setting::plain, f{.empty_pongs = true}},
        {"F-TEL-143", "mistakes of a client close the connection with 1000", {"tel/binary", "tel/utf8", "tel/too-long"}, make<backend>, setting::plain, f{.reasons_for_codes = true}},
        {"F-TEL-144", "a frame that breaks RFC 6455 ends the process", {"tel/broken-frames"}, make<backend>, setting::plain, f{.fragile_frames = true}},
        {"F-TEL-145", "events are committed when their connection is closed in order", {"tel/cut"}, make<transaction_per_connection>},
        {"F-TEL-146", "connections end with the next event only", {"tel/unpair-open", "tel/revoke-open"}, make<ends_with_an_event>},
        {"F-TEL-147", "silent connections outlive the token", {"tel/expiry-silent"}, make<expiry_with_an_event>},
        {"F-TEL-148", "open connections outlive the token", {"tel/expiry-open"}, make<expiry_forgotten>},
        {"F-TEL-149", "a connection ends with the token under which it was opened", {"tel/renewal-open"}, make<copy_of_the_token>},
        {"F-TEL-150", "a connection ends with the assertion of its upgrade", {"tel/assertion-open"}, make<assertion_counts>},
        {"F-TEL-171", "rate_limited does not name the event", {"tel/excess"}, make<excess_unnamed>},
        {"F-TEL-172", "the first event beyond the budget closes the connection", {"tel/excess-answered"}, make<excess_closes>},
        {"F-TEL-173", "Connection is compared as a whole", {"tel/handshake-spellings"}, make<connection_as_a_whole>},
        {"F-TEL-174", "revocation ends the connections of the one peer_id only", {"tel/revoke-all"}, make<by_its_own_name>},
        {"F-TEL-175", "unpairing one peer ends the connections of all the user's peers", {"tel/unpair-spares"}, make<all_of_the_users>},
        {"F-TEL-176", "a connection of before an unpairing lives again when the backend is paired again", {"tel/paired-again"}, make<right_of_the_backend>},
        {"F-TEL-181", "the answer to an upgrade may be stored", {"tel/no-store"}, make<upgrades_cacheable>},
        {"F-TEL-182", "a rejection of what has no event_id has an empty one", {"tel/rejection-null"}, make<empty_for_null>},
        {"F-TEL-185", "there are twenty places for connections, and who is silent keeps one", {"tel/idle-lines"}, make<twenty_places>},
        {"F-TEL-151", "unpairing removes the peer's events", {"tel/unpair-open"}, make<events_go_with_the_peer>},
    };
}

}  // namespace bsp::faulty
