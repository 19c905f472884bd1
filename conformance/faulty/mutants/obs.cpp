#include "../observed_backend.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <chrono>

/// Faults of chapter 19.
namespace bsp::faulty {

namespace {

using base = observed_backend;

// ---- who may look -------------------------------------------------------------------------------------------

template <int What>
struct open_to_all : base {
    using base::base;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        auto const& s = c.segments;
        bool const metrics = s.size() == 3 && s[1] == "metrics", watched = s.size() <= 3 && (s[0] == "dashboard" || s[0] == "debug" || s[0] == "alerts");
        if ((What == 0 && (metrics || watched)) || (What == 1 && s[0] == "dashboard") || (What == 2 && s[0] == "debug") || (What == 3 && s[0] == "alerts")) return principal{principal::admin_kind, ""};
        return base::authenticate(c, who_may, of_path);
    }
};
template <unsigned Who>
struct others_may_watch : base {
    using base::base;
    unsigned may_watch(std::string_view) override { return admin_may | Who; }
};
struct users_see_metrics : base {
    using base::base;
    unsigned may_see_metrics() override { return admin_may | peer_may | user_may; }
};
struct any_peers_metrics : base {
    using base::base;
    answer metrics_call(call const& c, std::string const& peer_id) override {
        BSP_CHECK(authenticate(c, may_see_metrics()));
        BSP_TRY(peer_record * peer, subject(peer_id));
        return json_answer(200, metrics_of(*peer, tally_of(peer_id), c.now));
    }
};
struct peers_of_the_user : base {
    using base::base;
    answer metrics_call(call const& c, std::string const& peer_id) override {
        BSP_TRY(principal const who, authenticate(c, may_see_metrics()));
        BSP_TRY(peer_record * peer, subject(peer_id));
        if (who.kind == principal::peer_kind && who.user_id != peer->user_id) return fail(errc::forbidden, "these are another user's");
        return json_answer(200, metrics_of(*peer, tally_of(peer_id), c.now));
    }
};

// ---- one peer -------------------------------------------------------------------------------------------------

struct no_lag_without_sync : base {
    using base::base;
    double lag_of(peer_record const& peer, tally const& t, instant now) override { return t.last_sync ? base::lag_of(peer, t, now) : 0; }
};
struct synced_at_birth : base {
    using base::base;
    json::object metrics_of(peer_record const& peer, tally const& t, instant now) override {
        auto out = base::metrics_of(peer, t, now);
        if (!t.last_sync) out["last_sync"] = format_timestamp(peer.registered);
        return out;
    }
};
template <int How>
struct other_rate : base {
    using base::base;
    json::value rate_of(tally const& t) override {
        auto const rate = base::rate_of(t);
        if (rate.is_null()) return How == 0 ? json::value(0) : How == 1 ? json::value(1.0) : rate;
        if (How == 2) return rate.get_double() * 100;
        if (How == 3) return 1 - rate.get_double();
        if (How == 4) {  // of the last five only
            auto const from = t.outcomes.size() > 5 ? t.outcomes.end() - 5 : t.outcomes.begin();
            return static_cast<double>(std::count(from, t.outcomes.end(), true)) / static_cast<double>(t.outcomes.end() - from);
        }
        if (How == 5) return rate.get_double() > 0.5 ? 1.0 : 0.0;
        return rate;
    }
};
struct failures_uncounted : base {
    using base::base;
    bool is_attempt(error const&) override { return false; }
};
struct junk_counts : base {
    using base::base;
    void note_junk(tally& t, error const& why, instant now) override { base::note_failure(t, why, now); }
};
struct junk_is_refused : base {
    using base::base;
    void note_junk(tally&, error const&, instant) override { ++pushes_refused_; }
};
struct keeps_all_errors : base {
    using base::base;
    void note_failure(tally& t, error const& why, instant now) override {
        t.outcomes.push_back(false);
        t.errors.emplace_front(row_of(why.code).code, now);
    }
};
struct refusals_are_syncs : base {
    using base::base;
    void note_failure(tally& t, error const& why, instant now) override {
        base::note_failure(t, why, now);
        ++t.syncs;
    }
};
struct failures_move_last_sync : base {
    using base::base;
    void note_failure(tally& t, error const& why, instant now) override {
        base::note_failure(t, why, now);
        t.last_sync = now;
    }
};
struct junk_moves_last_sync : base {
    using base::base;
    void note_junk(tally& t, error const&, instant now) override { t.last_sync = now; }
};
struct looks_are_syncs : base {
    using base::base;
    json::object metrics_of(peer_record const& peer, tally const& t, instant now) override {
        auto out = base::metrics_of(peer, t, now);
        tally_of(peer.peer_id).last_sync = now;
        return out;
    }
};
struct looks_are_attempts : base {
    using base::base;
    json::object metrics_of(peer_record const& peer, tally const& t, instant now) override {
        auto out = base::metrics_of(peer, t, now);
        if (!t.outcomes.empty()) tally_of(peer.peer_id).outcomes.push_back(true);
        return out;
    }
};
template <int What>
struct other_metrics : base {
    using base::base;
    json::object metrics_of(peer_record const& peer, tally const& t, instant now) override {
        auto out = base::metrics_of(peer, t, now);
        if (What == 0 && t.last_sync) out["last_sync"] = t.last_sync->seconds;
        if (What == 1 && !t.last_sync) out.erase("last_sync");
        if (What == 2) out["total_syncs"] = std::to_string(t.syncs);
        if (What == 3) out["backend_id"] = backend_id();
        if (What == 4) out["last_error"] = t.errors.empty() ? json::value("") : json::value(t.errors.front().first);
        if (What == 5) out["last_error"] = nullptr;
        if (What == 6 && !t.errors.empty()) out["last_error"] = error_entry("internal", now);
        if (What == 7) out["sync_lag_seconds"] = lag_of(peer, t, now) * 1'000;
        if (What == 8) out["sync_lag_seconds"] = base::lag_of(peer, {}, now);
        return out;
    }
};
struct content_in_errors : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        auto said = base::push(c, peer_id);
        if (!said && c.proven) bodies_[c.peer_id] = c.request.body.substr(0, 2'000);
        return said;
    }
    json::object metrics_of(peer_record const& peer, tally const& t, instant now) override {
        auto out = base::metrics_of(peer, t, now);
        if (auto const found = bodies_.find(peer.peer_id); found != bodies_.end() && out["last_error"].is_object()) out["last_error"].get_object()["detail"] = "cannot read " + found->second;
        return out;
    }
    std::map<std::string, std::string> bodies_;
};
struct rejected_events_count : base {
    using base::base;
    void note_rejection(tally& t) override { ++t.events; }
    json::object summary(instant now) override {
        auto out = base::summary(now);
        out["total_events_24h"] = out["total_events_24h"].to_number<std::int64_t>() + events_rejected_;
        return out;
    }
};
struct repeated_events_count : base {
    using base::base;
    void store(telemetry_event e) override {
        std::string const peer_id = e.peer_id;
        auto const before = events_repeated_;
        base::store(std::move(e));
        tally_of(peer_id).events += events_repeated_ - before;
    }
};
struct forgotten_at_restart : base {
    using base::base;
    void restart() override {
        base::restart();
        tallies_.clear();
    }
};
struct unknown_is_a_fault : base {
    using base::base;
    result<peer_record*> subject(std::string const& peer_id) override {
        auto found = base::subject(peer_id);
        if (!found) return fail(errc::internal, "NoneType has no attribute backend_id");
        return found;
    }
};
struct unknown_is_empty : base {
    using base::base;
    answer metrics_call(call const& c, std::string const& peer_id) override {
        auto said = base::metrics_call(c, peer_id);
        if (said || said.error().code != errc::unknown_peer) return said;
        return json_answer(200, json::object{{"peer_id", peer_id}, {"last_sync", nullptr}, {"total_syncs", 0}});
    }
};
struct ended_are_shown : base {
    using base::base;
    result<peer_record*> subject(std::string const& peer_id) override { return find_peer(peer_id); }
};

// ---- debugging ------------------------------------------------------------------------------------------------

template <int What>
struct other_debug : base {
    using base::base;
    json::object debug_of(peer_record const& peer, tally const& t, instant now) override {
        auto out = base::debug_of(peer, t, now);
        if (What == 0) out["peer_info"].get_object()["sbt"] = peer.sbt;
        if (What == 1) out.erase("network_status");
        if (What == 2) out["sbt_status"] = "valid";
        if (What == 3 && out["sbt_expires_in"].get_double() < 0) out["sbt_expires_in"] = 0.0;
        if (What == 4) out["recent_errors"] = json::array{};
        if (What == 5) out["sync_lag"] = 0.0;
        if (What == 6) out["last_successful_sync"] = nullptr;
        if (What == 7) out["sbt_expires_in"] = static_cast<double>(peer.sbt_expires.seconds);
        if (What == 8) {  // what came in lately, in full
            json::array recent;
            for (auto const& [id, c] : tenant_of(peer.user_id)) recent.push_back(c.winner.received);
            out["recent_conversations"] = std::move(recent);
        }
        return out;
    }
};

// ---- all of them ------------------------------------------------------------------------------------------------

struct nothing_by_nothing : base {
    using base::base;
    answer dashboard_call(call const& c) override {
        auto said = base::dashboard_call(c);
        if (!said) return said;
        std::string& body = said->body;
        std::string const empty = "\"avg_latency_ms\":null";
        if (auto const at = body.find(empty); at != std::string::npos) body.replace(at, empty.size(), "\"avg_latency_ms\":NaN");
        return said;
    }
};
struct empty_is_a_fault : base {
    using base::base;
    json::object summary(instant now) override {
        auto out = base::summary(now);
        if (out["total_events_24h"] == json::value(0)) out["top_peers_by_events"] = nullptr;
        return out;
    }
};
struct revoked_count : base {
    using base::base;
    bool counts_as_peer(peer_record const&) override { return true; }
};
struct peers_only_grow : base {
    using base::base;
    json::object summary(instant now) override {
        auto out = base::summary(now);
        most_ = std::max(most_, out["total_peers"].to_number<std::int64_t>());
        out["total_peers"] = most_;
        return out;
    }
    std::int64_t most_ = 0;
};
struct nobody_is_online : base {
    using base::base;
    bool is_online(peer_record const& peer, tally const&, instant) override { return sockets_of(peer.peer_id) > 0; }
};
struct requests_are_online : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        ++pushes_;
        return base::push(c, peer_id);
    }
    json::object summary(instant now) override {
        auto out = base::summary(now);
        out["online_peers"] = pushes_;
        return out;
    }
    std::int64_t pushes_ = 0;
};
struct ended_stay_online : base {
    using base::base;
    json::object summary(instant now) override {
        auto out = base::summary(now);
        std::int64_t seen = 0;
        for (auto const& [id, t] : tallies_) seen += t.seen && *t.seen + std::chrono::seconds{60} >= now;
        out["online_peers"] = seen;
        out["total_peers"] = std::max(out["total_peers"].to_number<std::int64_t>(), seen);
        return out;
    }
};
template <int How>
struct other_sums : base {
    using base::base;
    json::object summary(instant now) override {
        auto out = base::summary(now);
        double latency = 0, cost = 0, all = 0, stamped = 0;
        for (auto const& e : held().events) {
            ++all;
            auto const number = [&](char const* name) { auto const* v = e.received.if_contains(name); return v && v->is_number() ? v->to_number<double>() : 0.0; };
            latency += number("latency_ms");
            cost += number("cost_usd");
            auto const own = parse_timestamp(json::view(e.received.at("timestamp").as_string()));
            stamped += own && *own + std::chrono::hours{24} >= now;
        }
        if (How == 0 && all > 0) out["avg_latency_ms"] = latency / all;        // absent counts as 0
        if (How == 1) out["total_cost_24h"] = std::floor(cost);                // whole dollars
        if (How == 2) out["total_events_24h"] = static_cast<std::int64_t>(stamped);
        if (How == 3) out["total_events_24h"] = static_cast<std::int64_t>(all) + events_repeated_;
        if (How == 4 && all > 0) out["total_cost_24h"] = cost / all;
        if (How == 5 && all > 0) out["avg_latency_ms"] = latency;
        return out;
    }
};
template <int How>
struct other_top : base {
    using base::base;
    json::array top_peers(std::vector<std::pair<std::string, std::int64_t>> all) override {
        if (How == 0 || How == 1) {
            if (How == 0) std::stable_sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.second > b.second; });
            if (How == 1 && all.size() > 10) all.resize(10);
            json::array out;
            for (auto const& [peer_id, events] : all) out.push_back(json::object{{"peer_id", peer_id}, {"events", events}});
            return out;
        }
        auto out = base::top_peers(std::move(all));
        if (How == 2) std::reverse(out.begin(), out.end());
        if (How == 3 && out.size() > 1) out[1] = json::value(out[0]);
        return out;
    }
};

// ---- alerts and counters ------------------------------------------------------------------------------------------

struct no_alerts : base {
    using base::base;
    alarms troubles(instant) override { return {}; }
};
struct alerts_stay : base {
    using base::base;
    void look(instant now) override {
        auto const before = alarms_;
        base::look(now);
        for (auto const& [which, a] : before) alarms_.emplace(which, a);
    }
};
struct alerts_outlive_peers : base {
    using base::base;
    void look(instant now) override {
        auto const before = alarms_;
        base::look(now);
        for (auto const& [which, a] : before)
            if (!held().peers.contains(which.second)) alarms_.emplace(which, a);
    }
};
struct raised_by_every_look : base {
    using base::base;
    void look(instant now) override { alarms_ = troubles(now); }
};
struct few_are_judged : base {
    using base::base;
    std::size_t judged_from() override { return 5; }
};
struct eleven_are_judged : base {
    using base::base;
    std::size_t judged_from() override { return 11; }
};
struct inclusive_bound : base {
    using base::base;
    bool is_low(double rate) override { return rate <= 0.9; }
};
template <int What>
struct other_alerts : base {
    using base::base;
    json::object alert_entry(std::pair<std::string, std::string> const& which, alarm const& a) override {
        auto out = base::alert_entry(which, a);
        if (What == 0) out.erase("threshold");
        if (What == 1) out["value"] = a.value * 100;
        if (What == 2) out["peer_id"] = backend_id();
        return out;
    }
};
struct a_bare_list : base {
    using base::base;
    answer alerts_call(call const& c) override {
        auto said = base::alerts_call(c);
        if (!said) return said;
        return json_answer(200, json::parse(said->body).value().as_object().at("alerts"));
    }
};
template <int What>
struct other_counters : base {
    using base::base;
    std::string counters_text(call const& c) override {
        std::string text = base::counters_text(c);
        if (What == 0) return text + "bsp_peers 1\n";                                   // twice
        if (What == 1) text.erase(0, text.find('\n') + 1);                              // without HELP
        if (What == 2) text += "# HELP bsp_x x\n# TYPE bsp_x gauge\nbsp_x: NaN%\n";
        if (What == 3)
            for (auto const& [id, peer] : held().peers) text += "bsp_peer_events{user=\"" + peer.user_id + "\",peer=\"" + id + "\"} 1\n";
        return text;
    }
};
struct paths_are_labels : base {
    using base::base;
    http_response serve(http_request const& request, instant now) override {
        ++paths_[request.target.substr(0, request.target.find('?'))];
        return base::serve(request, now);
    }
    std::string counters_text(call const& c) override {
        std::string text = base::counters_text(c) + "# HELP bsp_requests_total Requests\n# TYPE bsp_requests_total counter\n";
        for (auto const& [path, n] : paths_) text += "bsp_requests_total{path=\"" + path + "\"} " + std::to_string(n) + "\n";
        return text;
    }
    std::map<std::string, int> paths_;
};
struct repeated_is_stored : base {
    using base::base;
    void store(telemetry_event e) override {
        base::store(std::move(e));
        events_stored_ += events_repeated_;
        events_repeated_ = 0;
    }
};
struct only_pushes_count : base {
    using base::base;
    void note_pull(tally&, instant) override {}
};
struct looks_reset : base {
    using base::base;
    std::string counters_text(call const& c) override {
        auto text = base::counters_text(c);
        pushes_accepted_ = pushes_refused_ = 0;
        return text;
    }
};
struct open_counters : base {
    using base::base;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        if (c.segments.size() == 1 && c.segments[0] == "metrics") return principal{principal::admin_kind, ""};
        return base::authenticate(c, who_may, of_path);
    }
};
struct life_tells : base {
    using base::base;
    answer dispatch(call& c) override {
        if (c.path == "/health/live") return json_answer(200, json::object{{"status", "alive"}, {"pid", 4711}, {"store", "/var/lib/bsp/store.db"}});
        return base::dispatch(c);
    }
};
struct life_asks : base {
    using base::base;
    answer dispatch(call& c) override {
        if (c.path == "/health/live") return fail(errc::credential_required, "authenticate");
        return base::dispatch(c);
    }
};

}  // namespace

std::vector<fault> obs_faults() {
    return {
        {"F-OBS-01", "metrics, dashboard, debug view and alerts are open", {"obs/admin-only", "obs/own-only"}, make<open_to_all<0>>},
        {"F-OBS-02", "a peer that never synchronized has a lag of 0", {"obs/never-synced"}, make<no_lag_without_sync>},
        {"F-OBS-03", "the success rate is 0 before anything was tried", {"obs/never-synced"}, make<other_rate<0>>},
        {"F-OBS-04", "refused attempts are not counted", {"obs/counts", "obs/rate"}, make<failures_uncounted>},
        {"F-OBS-05", "a refused push moves last_sync", {"obs/last-sync"}, make<failures_move_last_sync>},
        {"F-OBS-06", "a peer reads another peer's metrics", {"obs/own-only"}, make<any_peers_metrics>},
        {"F-OBS-07", "the dashboard of a backend without events has NaN in it", {"obs/dashboard"}, make<nothing_by_nothing>},
        {"F-OBS-08", "the debug view has the token with its MAC", {"obs/secrets"}, make<other_debug<0>>},
        {"F-OBS-09", "an unknown peer makes the server fail", {"obs/unknown"}, make<unknown_is_a_fault>},
        {"F-OBS-10", "the busiest peers are all peers", {"obs/busiest"}, make<other_top<0>>},
        {"F-OBS-11", "total_peers counts revoked ones", {"obs/peers-counted"}, make<revoked_count>},
        {"F-OBS-12", "a low success rate raises no alert", {"obs/alert-raised"}, make<no_alerts>},
        {"F-OBS-13", "an alert never ends", {"obs/alert-ends"}, make<alerts_stay>},
        {"F-OBS-14", "/health/live tells the process and the store", {"obs/life"}, make<life_tells>},
        {"F-OBS-15", "rejected events are counted", {"obs/events", "obs/day"}, make<rejected_events_count>},
        {"F-OBS-16", "last_error quotes what was pushed", {"obs/last-error"}, make<content_in_errors>},
        {"F-OBS-101", "the dashboard is open", {"obs/admin-only"}, make<open_to_all<1>>},
        {"F-OBS-102", "the debug view is open", {"obs/admin-only"}, make<open_to_all<2>>},
        {"F-OBS-103", "the alerts are open", {"obs/admin-only"}, make<open_to_all<3>>},
        {"F-OBS-104", "users may read dashboard, debug view and alerts", {"obs/admin-only"}, make<others_may_watch<user_may>>},
        {"F-OBS-105", "peers may read dashboard, debug view and alerts", {"obs/admin-only"}, make<others_may_watch<peer_may>>},
        {"F-OBS-106", "users may read the metrics of peers", {"obs/own-only"}, make<users_see_metrics>},
        {"F-OBS-107", "a peer reads the metrics of its user's other peers", {"obs/own-only"}, make<peers_of_the_user>},
        {"F-OBS-108", "the registration counts as a sync", {"obs/never-synced"}, make<synced_at_birth>},
        {"F-OBS-109", "the success rate is 1 before anything was tried", {"obs/never-synced"}, make<other_rate<1>>},
        {"F-OBS-110", "the success rate is a percentage", {"obs/counts", "obs/form"}, make<other_rate<2>>},
        {"F-OBS-111", "the success rate is that of failures", {"obs/counts"}, make<other_rate<3>>},
        {"F-OBS-112", "the success rate is of the last five attempts", {"obs/rate"}, make<other_rate<4>>},
        {"F-OBS-113", "the success rate is 0 or 1", {"obs/counts"}, make<other_rate<5>>},
        {"F-OBS-114", "requests that nobody has proven count as failures", {"obs/counts"}, make<junk_counts>},
        {"F-OBS-115", "refused pushes count as syncs", {"obs/counts"}, make<refusals_are_syncs>},
        {"F-OBS-116", "requests that nobody has proven move last_sync", {"obs/counts"}, make<junk_moves_last_sync>},
        {"F-OBS-117", "to look at metrics is a sync", {"obs/looking"}, make<looks_are_syncs>},
        {"F-OBS-118", "to look at metrics is an attempt", {"obs/looking"}, make<looks_are_attempts>},
        {"F-OBS-119", "last_sync is a number", {"obs/form"}, make<other_metrics<0>>},
        {"F-OBS-120", "last_sync is left out until there is one", {"obs/form"}, make<other_metrics<1>>},
        {"F-OBS-121", "counters are texts", {"obs/form"}, make<other_metrics<2>>},
        {"F-OBS-122", "backend_id is the server's own", {"obs/form"}, make<other_metrics<3>>},
        {"F-OBS-123", "last_error is a text", {"obs/form"}, make<other_metrics<4>>},
        {"F-OBS-124", "last_error is always null", {"obs/last-error"}, make<other_metrics<5>>},
        {"F-OBS-125", "last_error is always an internal one", {"obs/last-error"}, make<other_metrics<6>>},
        {"F-OBS-126", "the lag is in milliseconds", {"obs/never-synced", "obs/last-sync"}, make<other_metrics<7>>},
        {"F-OBS-127", "the lag is always since the registration", {"obs/last-sync"}, make<other_metrics<8>>},
        {"F-OBS-128", "repeated events are counted again", {"obs/events"}, make<repeated_events_count>},
        {"F-OBS-129", "metrics are gone with the process", {"obs/restart"}, make<forgotten_at_restart>, setting::restart},
        {"F-OBS-130", "a peer that was never registered has empty metrics", {"obs/unknown"}, make<unknown_is_empty>},
        {"F-OBS-131", "revoked peers have metrics", {"obs/ended"}, make<ended_are_shown>},
        {"F-OBS-132", "the debug view lacks a member", {"obs/debug"}, make<other_debug<1>>},
        {"F-OBS-133", "the token is always valid", {"obs/debug-expiry"}, make<other_debug<2>>},
        {"F-OBS-134", "the time left of a token ends at 0", {"obs/debug-expiry"}, make<other_debug<3>>},
        {"F-OBS-135", "there are no recent errors", {"obs/debug"}, make<other_debug<4>>},
        {"F-OBS-136", "the lag of the debug view is 0", {"obs/debug-expiry"}, make<other_debug<5>>},
        {"F-OBS-137", "last_successful_sync is always null", {"obs/debug"}, make<other_debug<6>>},
        {"F-OBS-138", "sbt_expires_in is a time", {"obs/debug"}, make<other_debug<7>>},
        {"F-OBS-139", "the debug view has the conversations", {"obs/secrets"}, make<other_debug<8>>},
        {"F-OBS-140", "the dashboard of a backend without events lacks its list", {"obs/dashboard"}, make<empty_is_a_fault>},
        {"F-OBS-141", "total_peers only grows", {"obs/peers-counted"}, make<peers_only_grow>},
        {"F-OBS-142", "only who has a stream is online", {"obs/online"}, make<nobody_is_online>},
        {"F-OBS-143", "every push is somebody online", {"obs/online"}, make<requests_are_online>},
        {"F-OBS-144", "peers that have ended stay online", {"obs/online"}, make<ended_stay_online>},
        {"F-OBS-145", "an absent latency counts as 0", {"obs/day"}, make<other_sums<0>>},
        {"F-OBS-146", "costs are whole dollars", {"obs/day"}, make<other_sums<1>>},
        {"F-OBS-147", "the day of an event is that of its own clock", {"obs/day"}, make<other_sums<2>>},
        {"F-OBS-148", "repeated events are in the day's sum", {"obs/day"}, make<other_sums<3>>},
        {"F-OBS-149", "the cost is a mean", {"obs/day"}, make<other_sums<4>>},
        {"F-OBS-150", "the latency is a sum", {"obs/day"}, make<other_sums<5>>},
        {"F-OBS-151", "the busiest peers are the first ones", {"obs/busiest"}, make<other_top<1>>},
        {"F-OBS-152", "the busiest peers come last", {"obs/busiest"}, make<other_top<2>>},
        {"F-OBS-153", "the busiest peer is listed twice", {"obs/busiest"}, make<other_top<3>>},
        {"F-OBS-154", "the alerts of a registration outlive it", {"obs/alert-ends"}, make<alerts_outlive_peers>},
        {"F-OBS-155", "every look raises an alert anew", {"obs/alert-raised"}, make<raised_by_every_look>},
        {"F-OBS-156", "five attempts are enough for an alert", {"obs/alert-raised"}, make<few_are_judged>},
        {"F-OBS-157", "ten attempts are not enough for an alert", {"obs/alert-raised"}, make<eleven_are_judged>},
        {"F-OBS-158", "a rate of 0.9 raises an alert", {"obs/alert-raised"}, make<inclusive_bound>},
        {"F-OBS-159", "alerts have no threshold", {"obs/alert-raised"}, make<other_alerts<0>>},
        {"F-OBS-160", "the value of an alert is a percentage", {"obs/alert-raised"}, make<other_alerts<1>>},
        {"F-OBS-161", "alerts name the server as the peer", {"obs/alert-raised"}, make<other_alerts<2>>},
        {"F-OBS-162", "the alerts are a bare list", {"obs/alerts"}, make<a_bare_list>},
        {"F-OBS-163", "a series comes twice", {"obs/counters"}, make<other_counters<0>>},
        {"F-OBS-164", "a name has no help", {"obs/counters"}, make<other_counters<1>>},
        {"F-OBS-165", "a line is none of the format", {"obs/counters"}, make<other_counters<2>>},
        {"F-OBS-166", "users are labels", {"obs/counters-private"}, make<other_counters<3>>},
        {"F-OBS-167", "paths are labels", {"obs/counters-bounded"}, make<paths_are_labels>},
        {"F-OBS-168", "every look sets the counters to 0", {"obs/counters-agree"}, make<looks_reset>},
        {"F-OBS-169", "requests that nobody has proven count as refused attempts", {"obs/counters-agree"}, make<junk_is_refused>},
        {"F-OBS-170", "the counters are open", {"obs/counters"}, make<open_counters>},
        {"F-OBS-171", "/health/live asks for a credential", {"obs/life"}, make<life_asks>},
        {"F-OBS-172", "repeated events are counted as stored", {"obs/counters-of-events"}, make<repeated_is_stored>},
        {"F-OBS-173", "only pushes move last_sync", {"obs/pulls"}, make<only_pushes_count>},
        {"F-OBS-174", "the debug view has all errors since the registration", {"obs/debug-short"}, make<keeps_all_errors>},
    };
}

}  // namespace bsp::faulty
