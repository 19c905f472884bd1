#include "observed_backend.hpp"

#include <bsp/base/uri.hpp>

#include <algorithm>
#include <chrono>

namespace bsp::faulty {

namespace {

double seconds_between(instant a, instant b) { return static_cast<double>(b.seconds - a.seconds) + (static_cast<double>(b.nanoseconds) - static_cast<double>(a.nanoseconds)) / 1e9; }

json::value time_or_null(std::optional<instant> const& t) { return t ? json::value(format_timestamp(*t)) : json::value(nullptr); }

std::optional<double> number_of(telemetry_event const& e, std::string_view name) {
    auto const* v = e.received.if_contains(name);
    return v && v->is_number() ? std::optional{v->to_number<double>()} : std::nullopt;
}

}  // namespace

// ---- the paths --------------------------------------------------------------------------------------------

result<http_response> observed_backend::dispatch(call& c) {
    std::string_view path = c.path;
    std::string const base = origin_and_path(config().base_url).second;
    if (base != "/" && path.starts_with(base)) path.remove_prefix(base.size());
    auto const segments = path_segments(path);
    if (!segments || segments->empty()) return private_backend::dispatch(c);
    auto const& s = *segments;
    bool const of_peer = s.size() == 3 && ((s[0] == "sync" && s[1] == "metrics") || (s[0] == "debug" && s[1] == "sync"));
    bool const of_all = s.size() == 2 && s[0] == "dashboard" && s[1] == "telemetry";
    bool const plain = s.size() == 1 && (s[0] == "alerts" || s[0] == "metrics");
    if (!of_peer && !of_all && !plain) return private_backend::dispatch(c);

    BSP_CHECK(check_host(c));
    BSP_CHECK(check_origin(c));
    BSP_CHECK(check_size(c));
    c.segments = s;
    c.allow = "GET";
    if (c.request.method != "GET") return method_not_allowed(c);
    auto query = parse_query(c.query_text);
    if (!query) return fail(errc::invalid_query, "the query is not percent-encoded correctly");
    c.query = *std::move(query);
    if (of_peer) return s[0] == "sync" ? metrics_call(c, s[2]) : debug_call(c, s[2]);
    if (of_all) return dashboard_call(c);
    return s[0] == "alerts" ? alerts_call(c) : counters_call(c);
}

result<principal> observed_backend::authenticate(call const& c, unsigned who_may, peer_record* of_path) {
    bool const is_metrics = c.segments.size() == 3 && c.segments[1] == "metrics";  // which a pause does not close
    auto who = is_metrics ? backend::authenticate(c, who_may, of_path) : private_backend::authenticate(c, who_may, of_path);
    if (who && who->kind == principal::peer_kind) tally_of(who->peer->peer_id).seen = c.now;
    return who;
}

std::string observed_backend::type_of_refusal(call const& c, error const& why) {
    auto const& s = c.segments;
    bool const watches = !s.empty() && (s[0] == "dashboard" || s[0] == "debug" || s[0] == "alerts" || s[0] == "metrics");
    if (watches && (why.status() == 401 || why.status() == 403)) return "admin_auth_failed";
    return private_backend::type_of_refusal(c, why);
}

// ---- counting ---------------------------------------------------------------------------------------------

result<http_response> observed_backend::push(call const& c, std::string const& peer_id) {
    answer said = private_backend::push(c, peer_id);
    if (c.peer_id.empty()) return said;
    auto& t = tally_of(c.peer_id);
    if (!c.proven) {
        if (!said) note_junk(t, said.error(), c.now);
        return said;
    }
    t.seen = c.now;
    note_push(t, said, c.now);
    return said;
}

void observed_backend::note_push(tally& t, answer const& said, instant now) {
    if (said) {
        ++t.syncs;
        ++pushes_accepted_;
        note_success(t, now);
    } else if (is_attempt(said.error())) {
        ++pushes_refused_;
        note_failure(t, said.error(), now);
    }
}

bool observed_backend::is_attempt(error const& why) { return why.status() < 500 && why.code != errc::rate_limited && why.code != errc::sync_paused; }

void observed_backend::note_success(tally& t, instant now) {
    t.outcomes.push_back(true);
    t.last_sync = now;
}

void observed_backend::note_failure(tally& t, error const& why, instant now) {
    t.outcomes.push_back(false);
    t.errors.emplace_front(row_of(why.code).code, now);
    if (t.errors.size() > 10) t.errors.pop_back();
}

result<http_response> observed_backend::pull(call const& c, std::string const& peer_id) {
    answer said = private_backend::pull(c, peer_id);
    if (said && said->status == 200) note_pull(tally_of(peer_id), c.now);
    return said;
}

void observed_backend::store(telemetry_event e) {
    std::string const peer_id = e.peer_id;
    std::size_t const before = held().events.size();
    private_backend::store(std::move(e));
    bool const is_new = held().events.size() > before;
    ++(is_new ? events_stored_ : events_repeated_);
    if (is_new) note_event(tally_of(peer_id));
}

socket_service::reply observed_backend::judge(held_socket const& s, std::string const& text, instant now) {
    auto const before = events_stored_ + events_repeated_;
    auto out = private_backend::judge(s, text, now);
    if (events_stored_ + events_repeated_ == before) {
        ++events_rejected_;
        note_rejection(tally_of(s.peer_id));
    }
    return out;
}

void observed_backend::settle_push(peer_record const& peer, link& to, std::optional<http_response> const& r) {
    auto& t = tally_of(peer.peer_id);
    if (r && r->status == 200) {
        ++t.syncs;
        note_success(t, system_now());
    } else {
        note_failure(t, fail(errc::unavailable, ""), system_now());
    }
    private_backend::settle_push(peer, to, r);
}

// ---- one peer ---------------------------------------------------------------------------------------------

result<peer_record*> observed_backend::subject(std::string const& peer_id) {
    BSP_TRY(peer_record * found, find_peer(peer_id));
    if (found->revoked) return fail(errc::unknown_peer, "no such peer");
    return found;
}

result<http_response> observed_backend::metrics_call(call const& c, std::string const& peer_id) {
    BSP_TRY(principal const who, authenticate(c, may_see_metrics()));
    if (who.kind == principal::peer_kind && who.peer->peer_id != peer_id) return fail(errc::forbidden, "these are another peer's");
    BSP_TRY(peer_record * peer, subject(peer_id));
    return json_answer(200, metrics_of(*peer, tally_of(peer_id), c.now));
}

double observed_backend::lag_of(peer_record const& peer, tally const& t, instant now) { return std::max(0.0, seconds_between(t.last_sync.value_or(peer.registered), now)); }

json::value observed_backend::rate_of(tally const& t) {
    if (t.outcomes.empty()) return nullptr;
    return static_cast<double>(std::count(t.outcomes.begin(), t.outcomes.end(), true)) / static_cast<double>(t.outcomes.size());
}

json::value observed_backend::error_entry(std::string const& code, instant at) { return json::object{{"type", "https://bsp.dev/errors/" + code}, {"at", format_timestamp(at)}}; }

std::size_t observed_backend::queued_for(peer_record const& peer) {
    if (!may_dial(peer)) return 0;
    auto const& to = held().links[peer.peer_id];
    return due_for(peer, to).size() + to.events.size();
}

json::object observed_backend::metrics_of(peer_record const& peer, tally const& t, instant now) {
    return {{"peer_id", peer.peer_id},
            {"backend_id", peer.backend_id},
            {"last_sync", time_or_null(t.last_sync)},
            {"sync_lag_seconds", lag_of(peer, t, now)},
            {"queue_depth", queued_for(peer)},
            {"sync_success_rate", rate_of(t)},
            {"last_error", t.errors.empty() ? json::value(nullptr) : error_entry(t.errors.front().first, t.errors.front().second)},
            {"total_syncs", t.syncs},
            {"total_events", t.events}};
}

result<http_response> observed_backend::debug_call(call const& c, std::string const& peer_id) {
    BSP_CHECK(authenticate(c, may_watch("debug")));
    BSP_TRY(peer_record * peer, subject(peer_id));
    return json_answer(200, debug_of(*peer, tally_of(peer_id), c.now));
}

json::object observed_backend::debug_of(peer_record const& peer, tally const& t, instant now) {
    json::array errors;
    for (auto const& [code, at] : t.errors) errors.push_back(error_entry(code, at));
    double const left = seconds_between(now, peer.sbt_expires);
    json::value network = nullptr;
    if (may_dial(peer)) network = held().links[peer.peer_id].reachable;
    return {{"peer_info", peer_entry(peer)},
            {"sbt_status", left > 0 ? "valid" : "expired"},
            {"sbt_expires_in", left},
            {"offline_queue", json::array{}},
            {"recent_errors", std::move(errors)},
            {"network_status", std::move(network)},
            {"last_successful_sync", time_or_null(t.last_sync)},
            {"sync_lag", lag_of(peer, t, now)}};
}

// ---- all of them ------------------------------------------------------------------------------------------

result<http_response> observed_backend::dashboard_call(call const& c) {
    BSP_CHECK(authenticate(c, may_watch("dashboard")));
    return json_answer(200, summary(c.now));
}

bool observed_backend::is_online(peer_record const& peer, tally const& t, instant now) {
    return sockets_of(peer.peer_id) > 0 || (t.seen && *t.seen + std::chrono::seconds{60} >= now);
}

json::object observed_backend::summary(instant now) {
    std::int64_t peers = 0, online = 0, events = 0, with_latency = 0;
    double latency = 0, cost = 0;
    std::map<std::string, std::int64_t> of_peer;
    for (auto const& [id, peer] : held().peers) {
        if (!counts_as_peer(peer)) continue;
        ++peers;
        online += is_online(peer, tally_of(id), now);
    }
    for (auto const& e : held().events) {
        if (e.arrived + std::chrono::hours{24} < now) continue;
        ++events;
        if (auto const l = number_of(e, "latency_ms")) ++with_latency, latency += *l;
        cost += number_of(e, "cost_usd").value_or(0.0);
        auto const found = held().peers.find(e.peer_id);
        if (found != held().peers.end() && !found->second.revoked) ++of_peer[e.peer_id];
    }
    return {{"total_peers", peers},
            {"online_peers", online},
            {"total_events_24h", events},
            {"avg_latency_ms", with_latency == 0 ? json::value(nullptr) : json::value(latency / static_cast<double>(with_latency))},
            {"total_cost_24h", cost},
            {"top_peers_by_events", top_peers({of_peer.begin(), of_peer.end()})}};
}

json::array observed_backend::top_peers(std::vector<std::pair<std::string, std::int64_t>> all) {
    std::stable_sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.second > b.second; });
    if (all.size() > 10) all.resize(10);
    json::array out;
    for (auto const& [peer_id, events] : all) out.push_back(json::object{{"peer_id", peer_id}, {"events", events}});
    return out;
}

// ---- alerts and counters ----------------------------------------------------------------------------------

observed_backend::alarms observed_backend::troubles(instant now) {
    alarms all;
    for (auto const& [id, peer] : held().peers) {
        if (peer.revoked) continue;
        auto const& t = tally_of(id);
        if (double const lag = lag_of(peer, t, now); lag > 300) all[{"sync_lag", id}] = {lag, 300, now};
        auto const rate = rate_of(t);
        if (rate.is_double() && t.outcomes.size() >= judged_from() && is_low(rate.get_double())) all[{"success_rate", id}] = {rate.get_double(), 0.9, now};
        if (auto const queued = queued_for(peer); queued > 1'000) all[{"queue_depth", id}] = {static_cast<double>(queued), 1'000, now};
    }
    return all;
}

void observed_backend::look(instant now) {
    alarms next = troubles(now);
    for (auto& [which, a] : next)
        if (auto const known = alarms_.find(which); known != alarms_.end()) a.raised = known->second.raised;
    alarms_ = std::move(next);
}

json::object observed_backend::alert_entry(std::pair<std::string, std::string> const& which, alarm const& a) {
    return {{"type", which.first}, {"peer_id", which.second}, {"value", a.value}, {"threshold", a.threshold}, {"raised_at", format_timestamp(a.raised)}};
}

result<http_response> observed_backend::alerts_call(call const& c) {
    BSP_CHECK(authenticate(c, may_watch("alerts")));
    look(c.now);
    json::array list;
    for (auto const& [which, a] : alarms_) list.push_back(alert_entry(which, a));
    return json_answer(200, json::object{{"alerts", std::move(list)}});
}

result<http_response> observed_backend::counters_call(call const& c) {
    BSP_CHECK(authenticate(c, may_watch("metrics")));
    return http_response{200, {{"Content-Type", "text/plain; version=0.0.4"}}, counters_text(c)};
}

std::string observed_backend::counters_text(call const&) {
    auto const n = [](std::int64_t v) { return ' ' + std::to_string(v) + '\n'; };
    return "# HELP bsp_pushes_total Pushes of proven peers\n# TYPE bsp_pushes_total counter\nbsp_pushes_total{result=\"accepted\"}" + n(pushes_accepted_) +
           "bsp_pushes_total{result=\"refused\"}" + n(pushes_refused_) +
           "# HELP bsp_events_total Telemetry events\n# TYPE bsp_events_total counter\nbsp_events_total{result=\"stored\"}" + n(events_stored_) +
           "bsp_events_total{result=\"repeated\"}" + n(events_repeated_) + "bsp_events_total{result=\"rejected\"}" + n(events_rejected_) +
           "# HELP bsp_peers Active registrations\n# TYPE bsp_peers gauge\nbsp_peers" + n(static_cast<std::int64_t>(held().peers.size()));
}

}  // namespace bsp::faulty
