#include "../line.hpp"
#include "../registry.hpp"
#include "rotation.hpp"
#include "telemetry.hpp"
#include "watching.hpp"

#include <bsp/base/uri.hpp>

// Chapter 19.1 and 19.3: the numbers of one peer, compared with what this suite itself did.

namespace bsp::conformance {
namespace {

constexpr std::string_view metric_members[] = {"peer_id", "backend_id", "last_sync", "sync_lag_seconds", "queue_depth", "sync_success_rate", "last_error", "total_syncs", "total_events"};

bool is_count(json::value const* v) { return v && ((v->is_int64() && v->get_int64() >= 0) || v->is_uint64()); }
bool is_time_or_null(json::value const* v) { return v && (v->is_null() || (v->is_string() && parse_timestamp(json::view(v->get_string())))); }

void have_their_form(scenario& s, exchange const& x, peer const& a) {
    s.accepted(x, "reading the metrics of a peer");
    s.expect(x.body().is_object(), "the metrics are a JSON object", x.bytes().substr(0, 200));
    for (auto const name : metric_members) s.expect(x.at("/" + std::string{name}) != nullptr, "the metrics have the member " + std::string{name}, show(x.body()));
    s.expect(x.text("/peer_id") == a.peer_id(), "peer_id is that of the registration", x.text("/peer_id"));
    s.expect(x.text("/backend_id") == a.backend_id(), "backend_id is that of the registration", x.text("/backend_id"));
    s.expect(is_time_or_null(x.at("/last_sync")), "last_sync is an RFC 3339 time or null", show(x.body()));
    auto const lag = number_at(x.body(), "/sync_lag_seconds");
    s.expect(lag && *lag >= 0, "sync_lag_seconds is a number, not negative", show(x.body()));
    auto const rate = number_at(x.body(), "/sync_success_rate");
    s.expect(is_null_at(x.body(), "/sync_success_rate") || (rate && *rate >= 0 && *rate <= 1), "sync_success_rate is null or a number from 0 to 1", show(x.body()));
    for (char const* count : {"/queue_depth", "/total_syncs", "/total_events"}) s.expect(is_count(x.at(count)), std::string{count + 1} + " is an integer, not negative", show(x.body()));
    auto const* error = x.at("/last_error");
    s.expect(error && (error->is_null() || error->is_object()), "last_error is null or an object", show(x.body()));
}

void form_of_metrics(scenario& s) {
    pushing p{s};
    have_their_form(s, p.metrics(), p.a);
    p.accept();
    p.refuse();
    have_their_form(s, p.metrics_of_all(), p.a);
}

void never_synced(scenario& s) {
    auto const begun = s.now();
    pushing p{s};
    auto const registered = s.now();
    s.wait_until(registered + std::chrono::milliseconds{3'500});
    auto const asked = s.now();
    auto const x = p.metrics();
    auto const answered = s.now();
    s.accepted(x, "reading the metrics of a peer");
    s.expect(is_null_at(x.body(), "/last_sync"), "last_sync of a peer that has never synchronized is null", show(x.body()));
    s.expect(is_null_at(x.body(), "/sync_success_rate"), "sync_success_rate is null before the first attempt", show(x.body()));
    s.expect(is_null_at(x.body(), "/last_error"), "last_error is null before the first attempt", show(x.body()));
    s.expect(integer_at(x.body(), "/total_syncs") == 0 && integer_at(x.body(), "/total_events") == 0, "nothing is counted yet", show(x.body()));
    auto const lag = number_at(x.body(), "/sync_lag_seconds").value_or(-1);
    s.expect(lag >= seconds_between(registered, asked) - 1.5 && lag <= seconds_between(begun, answered) + 1.5,
             "sync_lag_seconds is the time since the registration, " + std::to_string(seconds_between(registered, asked)) + " s", std::to_string(lag));
}

void counts_agree(scenario& s) {
    pushing p{s};
    p.junk();
    auto const untouched = p.metrics();
    s.control(untouched, "reading the metrics of a peer");
    s.expect(is_null_at(untouched.body(), "/sync_success_rate"), "requests that are not proven are no attempts", show(untouched.body()));
    s.expect(is_null_at(untouched.body(), "/last_sync"), "requests that are not proven do not change last_sync", show(untouched.body()));
    for (int i = 0; i < 3; ++i) p.accept();
    p.refuse();
    p.junk();
    p.refuse();
    for (int i = 0; i < 4; ++i) p.accept();
    auto const x = p.metrics_of_all();
    s.accepted(x, "reading the metrics of a peer");
    s.expect(integer_at(x.body(), "/total_syncs") == p.accepted, "total_syncs is " + std::to_string(p.accepted) + " after as many accepted pushes, 2 refused ones and others that nobody has proven", show(x.body()));
    s.expect(p.rate_is_right(x), "sync_success_rate is 7 of 9", show(x.body()));
}

void every_attempt_counts(scenario& s) {
    pushing p{s};
    p.refuse();
    auto const none = as_soon_as([&] { return p.metrics(); }, [&](exchange const& x) { return p.rate_is_right(x); });
    s.accepted(none, "reading the metrics of a peer");
    s.expect(p.rate_is_right(none), "after one refused attempt sync_success_rate is 0", show(none.body()));
    for (int i = 0; i < 19; ++i) p.accept();
    auto const x = p.metrics_of_all();
    s.expect(p.rate_is_right(x), "19 of 20 attempts are 0.95", show(x.body()));
}

void only_success_moves_last_sync(scenario& s) {
    pushing p{s};
    p.refuse();
    auto const failed = as_soon_as([&] { return p.metrics(); }, [&](exchange const& x) { return p.rate_is_right(x); });
    s.expect(is_null_at(failed.body(), "/last_sync"), "a refused push does not set last_sync", show(failed.body()));
    s.wait_until(s.now() + std::chrono::milliseconds{3'500});  // the registration is another time than this
    auto const before = s.now();
    p.accept();
    auto const after = s.now();
    auto const good = p.metrics_of_all();
    auto const moment = parse_timestamp(good.text("/last_sync"));
    s.expect(moment.has_value(), "last_sync is the time of the accepted push", show(good.body()));
    s.expect(*moment + std::chrono::seconds{2} >= before && *moment <= after + std::chrono::seconds{2}, "last_sync is the time of the accepted push, " + format_timestamp(before), good.text("/last_sync"));
    s.wait_until(s.now() + std::chrono::milliseconds{2'500});
    p.refuse();
    p.junk();
    auto const asked = s.now();
    auto const x = as_soon_as([&] { return p.metrics(); }, [&](exchange const& y) { return p.rate_is_right(y); });
    s.expect(x.text("/last_sync") == good.text("/last_sync"), "last_sync stays " + good.text("/last_sync") + " when pushes are refused", x.text("/last_sync"));
    auto const lag = number_at(x.body(), "/sync_lag_seconds").value_or(-1);
    s.expect(lag >= seconds_between(*moment, asked) - 1.5 && lag <= seconds_between(*moment, s.now()) + 1.5, "sync_lag_seconds is the time since last_sync", show(x.body()));
}

void pulls_are_syncs(scenario& s) {
    pushing p{s};
    p.accept();
    auto const before = p.metrics_of_all();
    s.control(before, "reading the metrics of a peer");
    auto const pushed = parse_timestamp(before.text("/last_sync"));
    s.control(pushed.has_value(), "last_sync is a time after a push");
    s.wait_until(s.now() + std::chrono::milliseconds{2'500});
    s.control(p.a.pull(), "a pull");
    auto const is_later = [&](exchange const& x) {
        auto const t = parse_timestamp(x.text("/last_sync"));
        return t && *t > *pushed + std::chrono::seconds{1};
    };
    auto const x = as_soon_as([&] { return p.metrics(); }, is_later);
    s.accepted(x, "reading the metrics of a peer");
    s.expect(is_later(x), "last_sync is the time of the pull, and no longer " + before.text("/last_sync"), x.text("/last_sync"));
}

void repetitions_are_attempts(scenario& s) {
    pushing p{s};
    std::vector<json::object> const same{s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})};
    auto const id = s.fresh("sync");
    s.control(p.a.push(same, {.sync_id = id}), "a push");
    (void)p.refuse();
    s.control(p.a.push(same, {.sync_id = id}), "the first push again, as after a lost answer");
    p.accepted = 2;
    auto const x = as_soon_as([&] { return p.metrics(); }, [&](exchange const& y) { return p.rate_is_right(y); });
    s.accepted(x, "the metrics of a peer");
    s.expect(p.rate_is_right(x), "after a push, a refused one and the first one again sync_success_rate is 2/3", show(x.body()));
}

void errors_are_told(scenario& s) {
    pushing p{s};
    p.accept();
    auto const secret = s.canary(24);
    auto const refusal = p.refuse(secret);
    auto const x = as_soon_as([&] { return p.metrics(); }, [](exchange const& y) { return !is_null_at(y.body(), "/last_error"); });
    s.accepted(x, "reading the metrics of a peer");
    auto const* error = x.at("/last_error");
    s.expect(error && error->is_object(), "last_error is an object after a refused attempt", show(x.body()));
    s.expect(x.text("/last_error/type") == refusal.text("/type"), "its type is that of the problem document, " + refusal.text("/type"), show(*error));
    s.expect(x.bytes().find(secret) == std::string::npos, "the metrics contain nothing of what was pushed", "they do");
    // What is no push of the peer is no attempt, however it ends.
    s.control(p.a.pull({.limit = 1}), "a pull");
    s.control(p.a.get("/conversations?limit=1"), "the list of conversations");
    p.junk();
    auto const later = p.metrics();
    s.expect(later.text("/last_error/type") == refusal.text("/type"), "last_error stays until another push succeeds, whatever else the peer, or somebody in its name, asks for: " + refusal.text("/type"), show(later.body()));
}

void errors_have_a_time(scenario& s) {
    pushing p{s};
    p.refuse();
    auto const x = as_soon_as([&] { return p.metrics(); }, [](exchange const& y) { return !is_null_at(y.body(), "/last_error"); });
    s.accepted(x, "reading the metrics of a peer");
    s.expect(parse_timestamp(x.text("/last_error/at")).has_value(), "last_error says when it was, as at", show(x.body()));
}

void events_are_counted(scenario& s) {
    if (!s.has_telemetry()) s.not_applicable("the target has no telemetry");
    telemetry_ground g{s};
    needs_metrics(s, g.a);
    std::int64_t stored = 1;
    auto const one = g.next();
    for (auto const& e : {one, g.next(), g.next()}) {
        is_acked(s, g.l.tell(e), "an event");
        ++stored;
    }
    is_acked(s, g.l.tell(one), "the same event again");
    s.control(g.l.tell(g.next(set("latency_ms", -1))).rejected(), "an invalid event is rejected");
    s.control(g.l.tell(g.next(drop("event_type"))).rejected(), "an incomplete event is rejected");
    (void)g.l.tell_text("no JSON");
    is_acked(s, g.l.tell(g.next()), "one more event");
    ++stored;
    telemetry_ground other{s};  // of the same user: its events are its own
    is_acked(s, other.l.tell(other.next()), "an event of another peer");
    is_acked(s, g.l.tell(other.next(set("event_id", json::value(id_of(one))))), "an event of the first peer again");
    auto const x = as_soon_as([&] { return g.a.get(metrics_path(g.a)); }, [&](exchange const& y) { return integer_at(y.body(), "/total_events") >= stored; });
    s.accepted(x, "reading the metrics of a peer");
    s.expect(integer_at(x.body(), "/total_events") == stored, "total_events is " + std::to_string(stored) + ": the events that were stored, each once", show(x.body()));
}

void reading_changes_nothing(scenario& s) {
    pushing p{s};
    p.accept();
    p.refuse();
    auto const before = p.metrics_of_all();
    s.control(before, "reading the metrics of a peer");
    for (int i = 0; i < 3; ++i) (void)p.metrics();
    auto const after = p.metrics();
    for (char const* name : {"/last_sync", "/sync_success_rate", "/last_error", "/total_syncs", "/total_events", "/queue_depth"}) {
        auto const *was = before.at(name), *is = after.at(name);
        s.expect(was && is && same(*was, *is), std::string{name + 1} + " is what it was before somebody looked", show(after.body()));
    }
}

void they_survive_a_restart(scenario& s) {
    pushing p{s};
    for (int i = 0; i < 3; ++i) p.accept();
    p.refuse();
    auto const before = p.metrics_of_all();
    s.control(before, "reading the metrics of a peer");
    s.restart();
    auto const after = p.metrics();
    s.accepted(after, "reading the metrics of a peer after a restart");
    s.expect(integer_at(after.body(), "/total_syncs") == p.accepted, "total_syncs is what it was before the restart", show(after.body()));
    s.expect(p.rate_is_right(after), "sync_success_rate is what it was before the restart", show(after.body()));
}

// ---- who may look, and at whom ------------------------------------------------------------------------------

void only_for_the_peer(scenario& s) {
    pushing p{s};
    auto const b = s.register_peer();
    auto const path = metrics_path(p.a);
    s.accepted(p.a.get(path), "reading one's own metrics");
    auto const refused = [&](exchange const& x, std::string const& what) { s.refused(x, "reading a peer's metrics " + what, {.statuses = {401, 403, 404}}); };
    refused(s.nobody().get(path), "without a credential");
    refused(b.get(path), "as another peer of the same user");
    refused(s.user().get(path), "as the user");
    refused(s.nobody().get(path, {.authorization = "Bearer " + s.canary(24)}), "with a wrong administrator's token");
    refused(p.a.get(path, {.signer = s.key()}), "with an assertion by another key");
    refused(s.nobody().get(path + "?peer_id=" + p.a.peer_id(), {.authorization = "BSP " + p.a.peer_id()}), "with the peer's id for a credential");
    if (s.shared().options.users.size() > 1) {
        auto const stranger = s.register_peer_of(s.other_account());
        refused(stranger.get(path), "as a peer of another user");
        refused(s.other_user().get(path), "as another user");
    }
    s.accepted(p.a.get(path), "reading one's own metrics afterwards");
}

void strangers_are_unknown(scenario& s) {
    auto const a = s.register_peer();
    s.control(watched(s, metrics_path(a), "metrics of peers").ok(), "the administrator reads the metrics of a peer");
    bool const debugs = !is_absent(s.admin().get("/debug/sync/" + a.peer_id()));
    for (auto const& id : {s.fresh("peer_0"), "peer_" + std::string(32, '0'), std::string{"metrics"}, std::string{"sync"}, std::string{"%2e%2e"}, std::string(200, 'x'), std::string{"a%00b"}, std::string{"peer_%F0%9F%92%A5"}})
        for (std::string const& path : {"/sync/metrics/" + id, "/debug/sync/" + id}) {
            if (!debugs && path.starts_with("/debug")) continue;
            auto const x = s.admin().get(path);
            s.expect(x.answered() && x.status() < 500, "asking for a peer that does not exist is no fault of the server: " + path, x.describe());
            s.expect(!x.ok(), "of a peer that was never registered nothing is told: " + path, x.describe());
            if (id.starts_with("peer_0")) s.expect(x.status() == 404, "a peer that was never registered is not found", x.describe());
        }
}

void the_ended_are_gone(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer({.signing_key = s.fresh_key()});
    s.control(watched(s, metrics_path(a), "metrics of peers").ok(), "the administrator reads the metrics of a peer");
    s.control(a.unpair(), "an unpairing");
    s.control(s.admin().del("/peers/" + b.peer_id()), "a revocation");
    for (auto const* gone : {&a, &b}) {
        auto const x = s.admin().get(metrics_path(*gone));
        s.expect(x.status() == 404, "a registration that has ended has no metrics: 404", x.describe());
    }
    s.evidence("two registrations that have ended");
}

// ---- debugging ------------------------------------------------------------------------------------------------

constexpr std::string_view debug_members[] = {"peer_info", "sbt_status", "sbt_expires_in", "offline_queue", "recent_errors", "network_status", "last_successful_sync", "sync_lag"};

void debug_has_its_form(scenario& s) {
    pushing p{s};
    auto const path = "/debug/sync/" + p.a.peer_id();
    s.control(watched(s, path, "a debug view"), "reading the debug view of a peer");
    p.accept();
    auto const refusal = p.refuse();
    auto const x = as_soon_as([&] { return s.admin().get(path); }, [](exchange const& y) { return !objects_at(y.body(), "/recent_errors").empty(); });
    s.accepted(x, "reading the debug view of a peer");
    for (auto const name : debug_members) s.expect(x.at("/" + std::string{name}) != nullptr, "the debug view has the member " + std::string{name}, show(x.body()));
    s.expect(x.text("/peer_info/peer_id") == p.a.peer_id() && x.text("/peer_info/backend_id") == p.a.backend_id(), "peer_info is that of the registration", show(x.body()));
    s.expect(x.text("/sbt_status") == "valid", "sbt_status is valid while the token holds", x.text("/sbt_status"));
    auto const left = number_at(x.body(), "/sbt_expires_in").value_or(-1);
    s.expect(left > 8 * 3600 - 120 && left <= 8 * 3600 + 3, "sbt_expires_in is the time until the token expires, about 8 hours", show(x.body()));
    for (char const* list : {"/offline_queue", "/recent_errors"}) s.expect(x.at(list) && x.at(list)->is_array(), std::string{list + 1} + " is an array", show(x.body()));
    for (auto const& item : objects_at(x.body(), "/offline_queue"))
        s.expect(item.size() == 5 && item.contains("id") && item.contains("type") && item.contains("created_at") && item.contains("attempts") && item.contains("bytes"), "what waits is told by id, type, created_at, attempts and bytes", show(item));
    bool found = false;
    for (auto const& e : objects_at(x.body(), "/recent_errors")) found = found || text_at(e, "/type") == refusal.text("/type");
    s.expect(found, "recent_errors has the refusal, " + refusal.text("/type"), show(x.body()));
    auto const* network = x.at("/network_status");
    s.expect(network && (network->is_null() || network->is_bool()), "network_status is true, false or null", show(x.body()));
    auto const metrics = p.metrics_of_all();
    auto const moment_of = [](exchange const& y, char const* name) {
        auto const text = y.text(name);
        return text.ends_with('Z') ? parse_timestamp(text) : result<instant>{fail(errc::bad_request, "")};
    };
    auto const synced = moment_of(metrics, "/last_sync");
    auto const says_so = [&](exchange const& y) {
        auto const t = moment_of(y, "/last_successful_sync");
        return synced && t && *t == *synced;
    };
    auto const late = as_soon_as([&] { return s.admin().get(path); }, says_so);
    s.expect(says_so(late), "last_successful_sync is last_sync, " + metrics.text("/last_sync"), show(late.body()));
    auto const lag = number_at(late.body(), "/sync_lag"), other = number_at(metrics.body(), "/sync_lag_seconds");
    s.expect(lag && other && std::abs(*lag - *other) < 25, "sync_lag is sync_lag_seconds", show(late.body()));
}

void lists_are_short(scenario& s) {
    pushing p{s};
    auto const path = "/debug/sync/" + p.a.peer_id();
    s.control(watched(s, path, "a debug view"), "reading the debug view of a peer");
    for (int i = 0; i < 14; ++i) p.refuse();
    auto const size = [](exchange const& x, char const* list) { return objects_at(x.body(), list).size(); };
    auto const x = as_soon_as([&] { return s.admin().get(path); }, [&](exchange const& y) { return size(y, "/recent_errors") >= 10; }, std::chrono::seconds{3});
    s.accepted(x, "reading the debug view of a peer");
    for (char const* list : {"/recent_errors", "/offline_queue"}) s.expect(size(x, list) <= 10, std::string{list + 1} + " has ten entries at most", std::to_string(size(x, list)));
}

void expired_tokens_show(scenario& s) {
    auto const a = s.register_peer({.lifetime = std::chrono::seconds{6}});
    auto const made = s.now();
    auto const path = "/debug/sync/" + a.peer_id();
    auto const young = watched(s, path, "a debug view");
    s.control(young, "reading the debug view of a peer");
    s.wait_until(made + std::chrono::milliseconds{8'500});
    auto const asked = s.now();
    auto const x = s.admin().get(path);
    s.accepted(x, "reading the debug view of a peer whose token has expired");
    auto const left = number_at(x.body(), "/sbt_expires_in");
    s.expect(left && *left < 0, "sbt_expires_in is negative when the token has expired", show(x.body()));
    s.expect(*left >= -seconds_between(made, s.now()) + 6 - 3 && *left <= -seconds_between(made, asked) + 6 + 3, "sbt_expires_in says how long ago that was", show(x.body()));
    auto const lag = number_at(x.body(), "/sync_lag").value_or(-1);
    s.expect(lag >= seconds_between(made, asked) - 1.5 && lag <= seconds_between(made, s.now()) + 3, "sync_lag of a peer that never synchronized is the time since its registration", show(x.body()));
    s.expect(x.text("/sbt_status") != "valid", "sbt_status is not valid when the token has expired", x.text("/sbt_status"));
}

/// Everything that must be nowhere goes in, by every door.
void they_keep_secrets(scenario& s) {
    std::vector<std::pair<std::string, std::string>> hidden{{"the user's pairing secret", s.account().secret}, {"the administrator's token", s.admin_token()}};
    auto const canary = [&](std::string const& what) {
        hidden.emplace_back(what, s.canary(24));
        return hidden.back().second;
    };
    auto r = s.settled();
    auto const token = s.session_binding_token(r);
    hidden.emplace_back("the MAC of the session binding token", text_at(token, "/signature"));
    r.body = set("sbt", json::value(token));
    auto const a = s.peer_of(s.try_register(r), r);
    auto const push = [&](push_options o, edit const& message) {
        o.after_signing = [&](json::object& p) { hidden.emplace_back("the signature of a push", text_at(p, "/signature").substr(0, 40)); };
        return a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", canary("the content of a message"), 1, message)}, set("title", json::value(canary("a title"))))}, o);
    };
    s.control(push({}, {}), "a push");
    s.control(push({}, set("version", -1)).client_error(), "a push of an invalid message is refused");
    s.control(push({}, set("timestamp", json::value(canary("a member of an invalid message")))).client_error(), "a push of another one is refused");
    (void)push({.signer = s.key()}, {});
    (void)a.call("POST", "/sync/" + a.peer_id(), "{\"sync_id\": \"" + canary("a body that is no JSON"));
    if (s.has_telemetry()) {
        line l{s, a};
        opens(s, l, "a peer");
        is_acked(s, l.tell(event(s, s.fresh("source"), [&](json::object& e) { e["metadata"] = json::object{{"question", canary("an event's metadata")}}; })), "an event");
        (void)l.tell(event(s, s.fresh("source"), [&](json::object& e) { e["latency_ms"] = canary("a member of an invalid event"); }));
    }
    bool any = false;
    for (std::string const& path : {metrics_path(a), "/debug/sync/" + a.peer_id(), std::string{"/dashboard/telemetry"}, std::string{"/dashboard/peers"}, std::string{"/alerts"}, std::string{"/metrics"}}) {
        auto const x = as_soon_as([&] { return s.admin().get(path); }, [](exchange const&) { return true; });
        any = any || x.ok();
        for (auto const& [what, secret] : hidden) s.expect(x.bytes().find(secret) == std::string::npos, path + " does not contain " + what, "it does");
    }
    if (!any) s.not_applicable("the target has nothing of this chapter");
    s.evidence(std::to_string(hidden.size()) + " texts that must not be told");
}

/// A token has an end of its own: that of the newest counts.
void renewed_tokens_show(scenario& s) {
    auto r = s.settled({.lifetime = std::chrono::hours{2}});
    auto const a = s.register_peer(r);
    auto const path = "/debug/sync/" + a.peer_id();
    s.control(watched(s, path, "a debug view"), "reading the debug view of a peer");
    auto const first = r;
    auto renewed = s.now();
    double expected = 0;
    auto const is_of_the_newest = [&] {
        auto const x = s.admin().get(path);
        s.accepted(x, "reading the debug view of a peer whose token was renewed");
        auto const left = number_at(x.body(), "/sbt_expires_in").value_or(-1);
        s.expect(left <= expected + 3 && left >= expected - 3 - seconds_between(renewed, s.now()), "sbt_expires_in is the time until the newest token expires, " + std::to_string(expected) + " s", show(x.body()));
        s.expect(x.text("/sbt_status") == "valid", "sbt_status is valid", x.text("/sbt_status"));
    };
    for (int hours : {5, 1}) {
        r.created += std::chrono::seconds{20};
        r.lifetime = std::chrono::hours{hours};
        renewed = s.now();
        expected = 3600.0 * hours + static_cast<double>(r.created.count()) / 1000;
        s.control(s.try_register(r), "the registration with a newer token");
        is_of_the_newest();
    }
    s.control(s.try_register(first), "the registration with the first token, once more");
    is_of_the_newest();
}

/// However many there were before: the last refusal is among the recent ones.
void the_last_error_is_recent(scenario& s) {
    pushing p{s};
    auto const path = "/debug/sync/" + p.a.peer_id();
    s.control(watched(s, path, "a debug view"), "reading the debug view of a peer");
    auto const sync_id = s.fresh("sync");
    s.control(p.a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}, {.sync_id = sync_id}), "a push");
    for (int i = 0; i < 24; ++i) p.refuse();
    auto const last = p.a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "another")})}, {.sync_id = sync_id});
    s.control(last.client_error(), "another push with the same sync_id is refused");
    auto const holds = [&](exchange const& x) {
        auto const all = objects_at(x.body(), "/recent_errors");
        return std::any_of(all.begin(), all.end(), [&](auto const& e) { return text_at(e, "/type") == last.text("/type"); });
    };
    auto const x = as_soon_as([&] { return s.admin().get(path); }, holds);
    s.accepted(x, "reading the debug view");
    s.expect(holds(x), "recent_errors has the last refusal, " + last.text("/type") + ", after 24 others", show(x.body()));
    auto const metrics = as_soon_as([&] { return p.metrics(); }, [&](exchange const& y) { return y.text("/last_error/type") == last.text("/type"); });
    s.expect(metrics.text("/last_error/type") == last.text("/type"), "last_error is the last refusal", show(metrics.body()));
    auto const known = p.refuse();
    auto const again = as_soon_as([&] { return p.metrics(); }, [&](exchange const& y) { return y.text("/last_error/type") == known.text("/type"); });
    s.expect(again.text("/last_error/type") == known.text("/type"), "last_error is the last refusal, " + known.text("/type") + ", though there were others like it before", show(again.body()));
}

/// What is known of a registration is known as long as it lasts (BSP-OBS-017), whatever is renewed of it meanwhile.
void metrics_endure(scenario& s) {
    auto r = s.settled({.signing_key = s.fresh_key()});
    auto const a = s.register_peer(r);
    needs_metrics(s, a);
    auto const probe = s.nobody().post("/peers/" + a.peer_id() + "/rotate-key", json::object{}).status();
    auto const push = [&](peer const& who, key const& by, edit const& message = {}) { return who.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x", 1, message)})}, {.signer = by}); };
    auto const endure = [&](peer const& who, key by, std::string const& what, std::function<void()> const& change, std::function<key()> const& by_then) {
        for (int i = 0; i < 3; ++i) s.control(push(who, by), "a push");
        s.control(push(who, by, set("version", -1)).client_error(), "a push of an invalid message is refused");
        auto const is = [&](double rate) {
            return [rate](exchange const& x) { return std::abs(number_at(x.body(), "/sync_success_rate").value_or(-1) - rate) < 1e-3; };
        };
        auto const read = [&](key const& with, double rate) {
            return as_soon_as([&] { return who.get(metrics_path(who), {.signer = with}); }, is(rate));
        };
        auto const before = read(by, 0.75);
        s.control(is(0.75)(before), "sync_success_rate is 3 of 4");
        change();
        by = by_then();
        auto const after = read(by, 0.75);
        s.accepted(after, "reading the metrics after " + what);
        s.expect(is(0.75)(after), "after " + what + " sync_success_rate is 3 of 4 still", show(after.body()));
        s.expect(after.text("/last_sync") == before.text("/last_sync"), "after " + what + " last_sync is the time of the last accepted push still", show(after.body()));
        s.control(push(who, by), "a push");
        auto const later = read(by, 0.8);
        s.expect(is(0.8)(later) && integer_at(later.body(), "/total_syncs") == integer_at(before.body(), "/total_syncs") + 1, "one push later it is 4 of 5, and total_syncs has grown by one", show(later.body()));
    };
    endure(a, r.signing_key, "the renewal of the token", [&] {
        r.created = std::chrono::seconds{20};
        s.control(s.try_register(r), "the registration with a newer token");
    }, [&] { return r.signing_key; });
    if (probe == 404 || probe == 405 || probe == 501) return s.note("the target does not offer key rotation");
    rotating other{s};
    auto const counted = as_soon_as([&] { return other.a.get(metrics_path(other.a)); }, [](exchange const& y) { return integer_at(y.body(), "/total_syncs") >= 1; });
    s.control(integer_at(counted.body(), "/total_syncs") >= 1, "the metrics know of a push");
    auto const syncs = integer_at(counted.body(), "/total_syncs");
    other.must_rotate(s.fresh_key());
    auto const x = other.a.get(metrics_path(other.a), {.signer = other.current});
    s.accepted(x, "reading the metrics after a rotation");
    s.expect(integer_at(x.body(), "/total_syncs") >= syncs , "after a rotation total_syncs is " + std::to_string(syncs) + " still", show(x.body()));
    s.expect(!is_null_at(x.body(), "/last_sync") && !is_null_at(x.body(), "/sync_success_rate"), "after a rotation last_sync and sync_success_rate are known still", show(x.body()));
}

constexpr unsigned of_admin = need::admin_token;

check const checks[] = {
    {.id = "obs/form", .title = "the metrics of a peer have their nine members", .clauses = {"BSP-OBS-010", "BSP-OBS-006"}, .impact = "a dashboard shows nothing, or breaks", .likely_cause = "members that have no value yet are left out, or times are not texts", .run = form_of_metrics},
    {.id = "obs/never-synced", .title = "a peer that never synchronized lags since its registration", .clauses = {"BSP-OBS-014", "BSP-OBS-011", "BSP-OBS-016", "BSP-OBS-022"}, .impact = "a device that never got through looks as healthy as one that just did", .likely_cause = "the lag of no last_sync is taken for 0, and no attempts for a rate", .run = never_synced, .needs = need::patience},
    {.id = "obs/counts", .title = "attempts and successes are what was sent", .clauses = {"BSP-OBS-016", "BSP-OBS-018", "BSP-OBS-020", "BSP-OBS-026"}, .impact = "whoever is on call chases failures that are none, or sees none of those that are", .likely_cause = "counted before the signature is verified, or only where the push succeeds", .run = counts_agree},
    {.id = "obs/rate", .title = "the success rate is successes by attempts", .clauses = {"BSP-OBS-016", "BSP-OBS-017"}, .impact = "the alert on failures comes too late, or always", .likely_cause = "a percentage, an average of averages, or too short a memory", .run = every_attempt_counts},
    {.id = "obs/last-sync", .title = "last_sync is the time of the last accepted push", .clauses = {"BSP-OBS-012", "BSP-OBS-013", "BSP-OBS-014"}, .impact = "a device that is refused again and again looks as if it synchronized", .likely_cause = "the time is noted when a request comes, not when it has succeeded", .run = only_success_moves_last_sync, .needs = need::patience},
    {.id = "obs/pulls", .title = "a pull that was answered moves last_sync", .clauses = {"BSP-OBS-015"}, .impact = "two devices that have nothing new to tell look as if they had lost each other", .likely_cause = "only pushes are noted", .run = pulls_are_syncs, .needs = need::patience, .strength = obligation::should},
    {.id = "obs/last-error", .title = "the last error is told by its type, and nothing of what failed", .clauses = {"BSP-OBS-023", "BSP-OBS-022", "BSP-OBS-005"}, .impact = "nobody knows why a device fails, or everybody reads what it wrote", .likely_cause = "the text of the exception is kept; or whatever else succeeds takes it away", .run = errors_are_told},
    {.id = "obs/repetitions", .title = "a push that is repeated and answered is an attempt that succeeded", .clauses = {"BSP-OBS-016"}, .impact = "a device whose answers get lost looks broken although everything arrives", .likely_cause = "what is known by its sync_id is answered before it is counted", .run = repetitions_are_attempts},
    {.id = "obs/last-error-at", .title = "the last error is told with its time", .clauses = {"BSP-OBS-024"}, .impact = "nobody knows whether a device fails now or failed last week", .likely_cause = "only the type of an error is kept", .run = errors_have_a_time, .strength = obligation::should},
    {.id = "obs/events", .title = "events are counted when they are stored", .clauses = {"BSP-OBS-021"}, .impact = "costs and loads are told that never were", .likely_cause = "counted when a message comes", .run = events_are_counted, .needs = need::sockets},
    {.id = "obs/looking", .title = "to look at metrics does not change them", .clauses = {"BSP-OBS-007"}, .impact = "a dashboard that is open makes a dead device look alive", .likely_cause = "every authenticated request counts as a sync", .run = reading_changes_nothing},
    {.id = "obs/restart", .title = "metrics survive a restart", .clauses = {"BSP-OBS-027"}, .impact = "after every deployment nobody knows how it went before", .likely_cause = "counters in memory", .run = they_survive_a_restart, .needs = need::restart_hook | need::alone, .strength = obligation::should},
    {.id = "obs/own-only", .title = "metrics are told to the peer and the administrator only", .clauses = {"BSP-OBS-001"}, .impact = "anybody sees when and how often somebody uses their devices", .likely_cause = "an endpoint for operators that nobody guarded", .run = only_for_the_peer, .needs = need::all_users},
    {.id = "obs/unknown", .title = "a peer that does not exist is not found", .clauses = {"BSP-OBS-003"}, .impact = "a mistyped id looks like a broken server", .likely_cause = "the lookup's result is used without a look", .run = strangers_are_unknown, .needs = of_admin},
    {.id = "obs/ended", .title = "a registration that has ended has no metrics", .clauses = {"BSP-OBS-004"}, .impact = "devices that are gone go on to be looked after", .likely_cause = "ended registrations are kept, and not told apart", .run = the_ended_are_gone, .needs = of_admin, .strength = obligation::should},
    {.id = "obs/debug", .title = "the debug view says what is to be known", .clauses = {"BSP-OBS-040", "BSP-OBS-041", "BSP-OBS-042", "BSP-OBS-043", "BSP-OBS-044"}, .impact = "whoever is on call does not find out why a device does not synchronize", .likely_cause = "members that nothing fills in", .run = debug_has_its_form, .needs = of_admin},
    {.id = "obs/debug-short", .title = "the lists of the debug view are short", .clauses = {"BSP-OBS-046"}, .impact = "the view of a device that fails is too long to read, and to give", .likely_cause = "all errors since the registration are given", .run = lists_are_short, .needs = of_admin, .strength = obligation::should},
    {.id = "obs/debug-expiry", .title = "the debug view says that a token has expired", .clauses = {"BSP-OBS-042", "BSP-OBS-043", "BSP-OBS-014"}, .impact = "the most frequent cause of silence is not seen", .likely_cause = "the time left is cut off at 0, or the status is that of the registration's day", .run = expired_tokens_show, .needs = of_admin | need::patience},
    {.id = "obs/debug-renewed", .title = "the debug view tells of the newest token", .clauses = {"BSP-OBS-042", "BSP-OBS-043"}, .impact = "a healthy device looks as if it were about to expire, or a dying one as if it were not",
     .likely_cause = "the expiry is noted at the first registration, or at the latest", .run = renewed_tokens_show, .needs = of_admin},
    {.id = "obs/debug-last", .title = "the last refusal is among the recent errors, however many there were before", .clauses = {"BSP-OBS-044", "BSP-OBS-023"}, .impact = "whoever is on call mends what was wrong last week",
     .likely_cause = "a list that takes nothing more when it is full, or nothing that it has", .run = the_last_error_is_recent, .needs = of_admin},
    {.id = "obs/endure", .title = "neither a newer token nor another key begins the metrics anew", .clauses = {"BSP-OBS-017", "BSP-OBS-012", "BSP-OBS-016", "BSP-ROT-050"}, .impact = "every morning all devices look as if they had never synchronized",
     .likely_cause = "counters are kept with the token or the key", .run = metrics_endure},
    {.id = "obs/secrets", .title = "nothing of this chapter tells secrets or content", .clauses = {"BSP-OBS-005"}, .impact = "whoever may look after servers can read what people wrote, or become them", .likely_cause = "whole records are given out", .run = they_keep_secrets, .needs = of_admin | need::sockets},
};

}  // namespace

group observe_group() { return {"observe", profile::obs, checks}; }

}  // namespace bsp::conformance
