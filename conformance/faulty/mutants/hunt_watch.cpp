#include "../observed_backend.hpp"

#include <algorithm>
#include <cmath>

/// The part of the third series of what is told of a backend, of telemetry and of the client side.
namespace bsp::faulty {

namespace {

using base = observed_backend;

// ---- what is counted ----

struct busiest_by_text : base {
    using base::base;
    json::array top_peers(std::vector<std::pair<std::string, std::int64_t>> all) override {
        std::stable_sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return std::to_string(a.second) > std::to_string(b.second); });
        if (all.size() > 10) all.resize(10);
        json::array out;
        for (auto const& [peer_id, events] : all) out.push_back(json::object{{"peer_id", peer_id}, {"events", events}});
        return out;
    }
};
struct peers_are_backends : base {
    using base::base;
    json::object summary(instant now) override {
        json::object out = base::summary(now);
        std::set<std::string> ids;
        for (auto const& [id, peer] : held().peers)
            if (counts_as_peer(peer)) ids.insert(peer.backend_id);
        out["total_peers"] = ids.size();
        return out;
    }
};
struct online_are_backends : base {
    using base::base;
    json::object summary(instant now) override {
        json::object out = base::summary(now);
        std::set<std::string> ids;
        for (auto const& [id, peer] : held().peers)
            if (counts_as_peer(peer) && is_online(peer, tally_of(id), now)) ids.insert(peer.backend_id);
        out["online_peers"] = ids.size();
        return out;
    }
};
struct junk_is_online : base {
    using base::base;
    void note_junk(tally& t, error const&, instant now) override { t.seen = now; }
};
struct first_token_counts : base {
    using base::base;
    json::object debug_of(peer_record const& peer, tally const& t, instant now) override {
        peer_record first = peer;
        first.sbt_expires = first_.at(peer.peer_id);
        json::object out = base::debug_of(first, t, now);
        out["peer_info"] = peer_entry(peer);
        return out;
    }
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        BSP_TRY(peer_record * peer, base::enter(who, key, t, now));
        first_.emplace(peer->peer_id, peer->sbt_expires);
        return peer;
    }

private:
    std::map<std::string, instant> first_;
};
struct first_ten_errors : base {
    using base::base;
    void note_failure(tally& t, error const& why, instant now) override {
        base::note_failure(t, why, now);
        if (auto& kept = kept_[&t]; kept.size() < 10) kept.push_back(t.errors.front());
    }
    json::object debug_of(peer_record const& peer, tally const& t, instant now) override {
        json::object out = base::debug_of(peer, t, now);
        json::array errors;
        for (auto const& [code, at] : kept_[&t]) errors.push_back(error_entry(code, at));
        out["recent_errors"] = std::move(errors);
        return out;
    }

private:
    std::map<tally const*, std::vector<std::pair<std::string, instant>>> kept_;
};
struct rotation_counts_anew : base {
    using base::base;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        base::take_key(peer, next, n, until);
        tally_of(peer.peer_id) = {};
    }
};
struct renewal_counts_anew : base {
    using base::base;
    void renew(peer_record& known, claimed_identity const& who, token const& t) override {
        if (t.created > known.sbt_created) tally_of(known.peer_id) = {};
        base::renew(known, who, t);
    }
};
struct events_of_the_user : base {
    using base::base;
    json::object metrics_of(peer_record const& peer, tally const& t, instant now) override {
        json::object out = base::metrics_of(peer, t, now);
        std::int64_t all = 0;
        for (auto const& [id, other] : held().peers)
            if (other.user_id == peer.user_id) all += tally_of(id).events;
        out["total_events"] = all;
        return out;
    }
};
struct no_latency_of_nothing : base {
    using base::base;
    json::object summary(instant now) override {
        json::object out = base::summary(now);
        double sum = 0;
        int n = 0;
        for (auto const& e : held().events)
            if (auto const* v = e.received.if_contains("latency_ms"); v && v->is_number() && v->to_number<double>() > 0 && now <= e.arrived + std::chrono::hours{24}) sum += v->to_number<double>(), ++n;
        out["avg_latency_ms"] = n == 0 ? json::value(nullptr) : json::value(sum / n);
        return out;
    }
};

struct events_of_registered_peers : base {
    using base::base;
    json::object summary(instant now) override {
        json::object out = base::summary(now);
        std::int64_t events = 0;
        double cost = 0;
        for (auto const& e : held().events) {
            if (e.arrived + std::chrono::hours{24} < now || !held().peers.contains(e.peer_id)) continue;
            ++events;
            if (auto const* v = e.received.if_contains("cost_usd"); v && v->is_number()) cost += v->to_number<double>();
        }
        out["total_events_24h"] = events;
        out["total_cost_24h"] = cost;
        return out;
    }
};

// ---- telemetry ----

struct unpairing_ends_the_backend : base {
    using base::base;
    void unpair(peer_record const& peer, instant now) override {
        gone_[peer.backend_id] = now;
        base::unpair(peer, now);
    }
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        gone_.erase(who.backend_id);
        return base::enter(who, key, t, now);
    }
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        auto const found = held().peers.find(s.peer_id);
        if (found != held().peers.end() && gone_.contains(found->second.backend_id)) return "Peer not found";
        return base::lost_right(s, now);
    }

private:
    std::map<std::string, instant> gone_;
};
struct rejected_ids_are_used_up : base {
    using base::base;
    reply judge(held_socket const& s, std::string const& text, instant now) override {
        reply out = base::judge(s, text, now);
        if (!out.texts.empty() && out.texts.front().find("\"rejected\"") != std::string::npos)
            if (json::value const id = id_of_rejected(text); id.is_string()) held().event_ids.emplace(s.user_id, std::string{json::view(id.get_string())});
        return out;
    }
};
struct falsy_metrics_dropped : base {
    using base::base;
    json::object to_store(json::object event) override {
        for (auto const* name : {"latency_ms", "tokens_used", "cost_usd", "model"}) {
            auto const* v = event.if_contains(name);
            if (v && ((v->is_number() && v->to_number<double>() == 0) || (v->is_string() && v->get_string().empty()))) event.erase(name);
        }
        return event;
    }
};
struct source_of_the_first_page : base {
    using base::base;
    answer list_events(call const& c) override {
        goes_on_ = c.parameter("cursor");
        return base::list_events(c);
    }
    bool has_source(telemetry_event const& e, std::string const& source) override { return goes_on_ || base::has_source(e, source); }

private:
    bool goes_on_ = false;
};
struct pages_by_the_millisecond : base {
    using base::base;
    void store(telemetry_event e) override {
        std::size_t const before = held().events.size();
        base::store(std::move(e));
        if (held().events.size() == before) return;
        auto& last = held().events.back();
        last.number = last.arrived.seconds * 1'000 + last.arrived.nanoseconds / 1'000'000;
    }
};
struct upgrade_with_case : base {
    using base::base;
    result<> check_handshake(call const& c) override {
        if (std::string const* to = c.request.headers.find("Upgrade"); to && *to != "websocket") return fail(errc::upgrade_required, "telemetry is sent over a WebSocket");
        return base::check_handshake(c);
    }
};
struct nulls_of_metadata_dropped : base {
    using base::base;
    static void clean(json::value& v) {
        if (auto* o = v.if_object())
            for (auto at = o->begin(); at != o->end();) {
                clean(at->value());
                at = at->value().is_null() ? o->erase(at) : at + 1;
            }
        if (auto* a = v.if_array())
            for (auto& one : *a) clean(one);
    }
    json::object to_store(json::object event) override {
        clean(event["metadata"]);
        return event;
    }
};
struct equal_events_are_one : base {
    using base::base;
    void store(telemetry_event e) override {
        auto const without_id = [](json::object o) {
            o.erase("event_id");
            return o;
        };
        for (auto const& known : held().events)
            if (known.user_id == e.user_id && without_id(known.received) == without_id(e.received)) return;
        base::store(std::move(e));
    }
};
struct no_events_of_tomorrow : base {
    using base::base;
    result<> check_event_time(json::fields const& f) override {
        BSP_TRY(instant const at, instant_of(f, "timestamp"));
        return check_ahead(at, system_now());
    }
};
struct one_event_budget_of_a_user : base {
    using base::base;
    bool within_budget(held_socket const& s, instant now) override {
        held_socket all = s;
        all.peer_id = s.user_id;
        return base::within_budget(all, now);
    }
};

// ---- the client side ----

struct empty_page_is_the_last : base {
    using base::base;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        json::object shown = page;
        if (auto const* all = page.if_contains("conversations"); all && all->is_array() && all->get_array().empty()) shown["has_more"] = false;
        return base::take_in_page(peer, to, shown);
    }
};
struct last_entry_of_a_page : base {
    using base::base;
    result<tenant> decode_page(json::object const& page) override {
        json::object shown = page;
        auto const* all = page.if_contains("conversations");
        if (!all || !all->is_array()) return base::decode_page(page);
        json::array kept;
        for (auto at = all->get_array().begin(); at != all->get_array().end(); ++at) {
            bool const again = at->is_object() && std::any_of(at + 1, all->get_array().end(), [&](json::value const& later) {
                return later.is_object() && later.get_object().contains("conversation_id") && at->get_object().contains("conversation_id") &&
                       later.get_object().at("conversation_id") == at->get_object().at("conversation_id");
            });
            if (!again) kept.push_back(*at);
        }
        shown["conversations"] = std::move(kept);
        return base::decode_page(shown);
    }
};
struct retry_after_of_429_only : base {
    using base::base;
    milliseconds retry_after(std::optional<http_response> const& r, instant now) override { return r && r->status != 429 ? milliseconds{} : base::retry_after(r, now); }
};
struct pulled_tombstones_ignored : base {
    using base::base;
    result<tenant> decode_page(json::object const& page) override {
        BSP_TRY(tenant incoming, base::decode_page(page));
        for (auto& [id, c] : incoming) std::erase_if(c.messages, [](auto const& m) { return m.second.deleted; });
        return incoming;
    }
};
struct pulled_members_dropped : base {
    using base::base;
    result<tenant> decode_page(json::object const& page) override {
        json::object shown = page;
        if (auto* all = shown.if_contains("conversations"); all && all->is_array())
            for (auto& c : all->get_array())
                if (auto* messages = c.is_object() ? c.get_object().if_contains("messages") : nullptr; messages && messages->is_array())
                    for (auto& m : messages->get_array()) {
                        if (!m.is_object()) continue;
                        json::object known;
                        for (auto const* name : {"id", "role", "content", "timestamp", "surface", "source_backend", "version", "deleted", "redacted"})
                            if (auto const* v = m.get_object().if_contains(name)) known[name] = *v;
                        m = known;
                    }
        return base::decode_page(shown);
    }
};
struct renewal_without_endpoints : base {
    using base::base;
    void note_endpoints(json::fields const& body, token const& t, peer_record& peer) override {
        if (!body.find("endpoints")) peer.sync_endpoint = peer.telemetry_endpoint = "";
        base::note_endpoints(body, t, peer);
    }
};
struct renewal_pushes_all_again : base {
    using base::base;
    void renew(peer_record& known, claimed_identity const& who, token const& t) override {
        if (t.created > known.sbt_created) held().links[known.peer_id].pushed = link{}.pushed;
        base::renew(known, who, t);
    }
};
struct any_success_delivers : base {
    using base::base;
    outcome outcome_of_push(parcel const& p, std::optional<http_response> const& r, json::value const& b) override {
        return r && (r->status == 204 || r->status == 202) ? outcome::done : base::outcome_of_push(p, r, b);
    }
};
struct any_object_is_health : base {
    using base::base;
    bool is_healthy(std::optional<http_response> const& r) override { return r && r->status == 200 && r->body.starts_with("{") && r->body.find("status") != std::string::npos; }
};
struct deleted_messages_not_pushed : base {
    using base::base;
    json::object push_entry(std::string const& id, conversation const& c) override {
        conversation shown = c;
        std::erase_if(shown.messages, [](auto const& m) { return m.second.deleted; });
        return base::push_entry(id, shown);
    }
};
struct deleted_conversations_not_pushed : base {
    using base::base;
    bool is_due(conversation const& c, std::string const& id, peer_record const& peer, link const& to) override { return !c.winner.deleted && base::is_due(c, id, peer, to); }
};
struct pulled_deletions_ignored : base {
    using base::base;
    result<tenant> decode_page(json::object const& page) override {
        BSP_TRY(tenant incoming, base::decode_page(page));
        std::erase_if(incoming, [](auto const& c) { return c.second.winner.deleted; });
        return incoming;
    }
};

template <class Mutant>
fault row(std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, bool caught, setting needs = setting::plain) {
    return {id, title, std::move(killed_by), make<Mutant>, needs, {}, trial{3, caught}};
}

}  // namespace

std::vector<fault> hunt_watch_faults() {
    return {
        row<busiest_by_text>("F-OBS-180", "the busiest peers are sorted as text", {"obs/busiest"}, true),
        row<peers_are_backends>("F-OBS-181", "a backend of two users is one peer", {"obs/two-users"}, false),
        row<online_are_backends>("F-OBS-182", "a backend of two users is online once", {"obs/presence-proven"}, false),
        row<junk_is_online>("F-OBS-183", "forged requests make a peer online", {"obs/presence-proven"}, false),
        row<first_token_counts>("F-OBS-184", "the debug view tells of the first token", {"obs/debug-renewed"}, false),
        row<first_ten_errors>("F-OBS-185", "the first ten errors are the recent ones", {"obs/debug-last"}, false),
        row<rotation_counts_anew>("F-OBS-186", "a rotation sets the metrics to their beginning", {"obs/endure"}, false),
        row<renewal_counts_anew>("F-OBS-187", "a new token sets the metrics to their beginning", {"obs/endure"}, false),
        row<events_of_the_user>("F-OBS-188", "total_events is of all the user's peers", {"obs/events"}, true),
        row<no_latency_of_nothing>("F-OBS-190", "a latency of 0 counts as none", {"obs/day"}, false),
        row<events_of_registered_peers>("F-OBS-191", "events of peers that have ended are not in the day's numbers", {"obs/day"}, false),
        row<unpairing_ends_the_backend>("F-TEL-196", "an unpairing by one user ends the backend's connections of all", {"tel/unpaired-elsewhere"}, false),
        row<rejected_ids_are_used_up>("F-TEL-186", "the id of a rejected event is taken", {"tel/corrected"}, false),
        row<falsy_metrics_dropped>("F-TEL-187", "metrics that are 0 or empty are dropped", {"tel/verbatim"}, true),
        row<source_of_the_first_page>("F-TEL-188", "source_backend is for the first page", {"tel/source-backend"}, true),
        row<pages_by_the_millisecond>("F-TEL-190", "a page of events goes on after its last millisecond", {"tel/pages"}, true),
        row<upgrade_with_case>("F-TEL-191", "Upgrade is compared with case", {"tel/handshake-spellings"}, true),
        row<nulls_of_metadata_dropped>("F-TEL-192", "null within metadata is dropped", {"tel/metadata-whole"}, false),
        row<equal_events_are_one>("F-TEL-193", "events that differ in their event_id only are one", {"tel/list-of-all-peers", "tel/pipelining"}, true),
        row<no_events_of_tomorrow>("F-TEL-194", "events that lie ahead are rejected", {"tel/events-ahead"}, false),
        row<one_event_budget_of_a_user>("F-TEL-195", "the peers of a user share a budget of events", {"tel/thousand", "tel/idle-lines"}, true),
        row<empty_page_is_the_last>("F-OFF-193", "a page without entries is taken for the last", {"off/pull-empty-page"}, false, setting::client),
        row<last_entry_of_a_page>("F-OFF-194", "of two entries of a conversation on a page the last counts", {"off/pull-split"}, false, setting::client),
        row<retry_after_of_429_only>("F-OFF-195", "Retry-After counts with 429 only", {"off/retry-after"}, true, setting::client),
        row<pulled_tombstones_ignored>("F-OFF-196", "tombstones that are pulled are not taken", {"off/pull-deletions"}, false, setting::client),
        row<pulled_members_dropped>("F-OFF-197", "unknown members of what is pulled are dropped", {"off/pull-members"}, false, setting::client),
        row<renewal_without_endpoints>("F-OFF-203", "a newer token without endpoints lets those be forgotten that there were", {"off/renewed"}, false, setting::client),
        row<renewal_pushes_all_again>("F-OFF-204", "after a newer token everything is pushed again", {"off/renewed"}, false, setting::client),
        row<any_success_delivers>("F-OFF-198", "202 and 204 are taken for an acknowledgement", {"off/wrong-acknowledgement", "off/unreadable-answer"}, true, setting::client),
        row<any_object_is_health>("F-OFF-199", "any object with a status is health", {"off/unhealthy"}, true, setting::client),
        row<deleted_messages_not_pushed>("F-OFF-200", "deletions of messages are not pushed", {"off/push-deletions"}, false, setting::client),
        row<deleted_conversations_not_pushed>("F-OFF-201", "deletions of conversations are not pushed", {"off/push-deletions"}, false, setting::client),
        row<pulled_deletions_ignored>("F-OFF-202", "conversations whose deletion is pulled stay", {"off/pull-deletions"}, false, setting::client),
    };
}

}  // namespace bsp::faulty
