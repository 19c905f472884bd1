#include "../fields.hpp"
#include "../line.hpp"
#include "answer_forms.hpp"
#include "../registry.hpp"
#include "telemetry.hpp"
#include "watching.hpp"

#include <map>
#include <set>
#include <sstream>

// Chapter 19.2, 19.4 and 19.5: what is told of all peers, what is wrong, and the counters.

namespace bsp::conformance {
namespace {

// ---- the dashboard --------------------------------------------------------------------------------------------

constexpr char const* dashboard_path = "/dashboard/telemetry";

exchange dashboard(scenario& s) {
    auto x = watched(s, dashboard_path, "a dashboard");
    s.accepted(x, "reading the dashboard");
    return x;
}

exchange dashboard_when(scenario& s, std::function<bool(exchange const&)> const& holds) {
    return as_soon_as([&] { return s.admin().get(dashboard_path); }, holds);
}

bool is_count(json::value const* v) { return v && ((v->is_int64() && v->get_int64() >= 0) || v->is_uint64()); }

void form_of_the_dashboard(scenario& s) {
    auto const x = dashboard(s);
    s.expect(x.body().is_object(), "the dashboard is a JSON object whatever has happened", x.bytes().substr(0, 200));
    for (char const* count : {"/total_peers", "/online_peers", "/total_events_24h"}) s.expect(is_count(x.at(count)), std::string{count + 1} + " is an integer, not negative", show(x.body()));
    auto const mean = number_at(x.body(), "/avg_latency_ms"), cost = number_at(x.body(), "/total_cost_24h");
    s.expect(is_null_at(x.body(), "/avg_latency_ms") || (mean && *mean >= 0), "avg_latency_ms is null or a number, not negative", show(x.body()));
    s.expect(cost && *cost >= 0, "total_cost_24h is a number, not negative", show(x.body()));
    auto const* top = x.at("/top_peers_by_events");
    s.expect(top && top->is_array(), "top_peers_by_events is an array", show(x.body()));
    if (integer_at(x.body(), "/total_events_24h") == 0) {
        s.expect(is_null_at(x.body(), "/avg_latency_ms"), "without events avg_latency_ms is null", show(x.body()));
        s.expect(*cost == 0, "without events total_cost_24h is 0", show(x.body()));
    }
    s.expect(integer_at(x.body(), "/online_peers") <= integer_at(x.body(), "/total_peers"), "no more peers are online than there are", show(x.body()));
}

/// What is told may be ten seconds old (BSP-OBS-039), what it is compared with, too: the second look comes when all is known.
template <class Look>
void look_twice(scenario& s, Look look) {
    if (look(false)) return;
    s.wait_until(s.now() + std::chrono::milliseconds{10'500});
    look(true);
}

bool peers_are_counted_at(scenario& s, bool last) {
    auto const before = integer_at(dashboard(s).body(), "/total_peers");
    auto const a = s.register_peer(), b = s.register_peer({.signing_key = s.fresh_key()}), c = s.register_peer();
    auto const is = [](std::int64_t n) { return [n](exchange const& x) { return integer_at(x.body(), "/total_peers") == n; }; };
    auto const expect = [&](std::int64_t n, std::string const& after) {
        auto const x = dashboard_when(s, is(n));
        if (last) s.expect(is(n)(x), "total_peers is " + std::to_string(n) + " after " + after, show(x.body()));
        return is(n)(x);
    };
    if (!expect(before + 3, "three registrations")) return false;
    s.control(a.unpair(), "an unpairing");
    if (!expect(before + 2, "an unpairing")) return false;
    s.control(s.admin().del("/peers/" + b.peer_id()), "a revocation");
    if (!expect(before + 1, "a revocation")) return false;
    auto const listed = s.admin().get("/peers");
    if (!listed.ok() || listed.at("/cursor")) return true;
    auto const size = objects_at(listed.body(), "/peers").size();
    bool const agrees = size == static_cast<std::size_t>(before + 1);
    if (last) s.expect(agrees, "total_peers is the number of registrations that GET /peers lists, " + std::to_string(size), std::to_string(before + 1));
    return agrees;
}

void peers_are_counted(scenario& s) {
    look_twice(s, [&](bool last) { return peers_are_counted_at(s, last); });
}

/// Registrations are counted, not backends: one that two users have paired is two peers.
bool backends_of_two_users_count_twice_at(scenario& s, bool last) {
    auto const before = integer_at(dashboard(s).body(), "/total_peers");
    auto r = s.settled();
    auto const a = s.register_peer(r);
    r.user = s.other_account();
    auto const b = s.register_peer(r);
    auto const is = [](std::int64_t n) { return [n](exchange const& x) { return integer_at(x.body(), "/total_peers") == n; }; };
    auto const x = dashboard_when(s, is(before + 2));
    if (last) s.expect(is(before + 2)(x), "total_peers has grown by two when two users have paired one backend", std::to_string(before) + ", then " + show(x.body()));
    s.control(a.unpair(), "the unpairing by one user");
    auto const y = dashboard_when(s, is(before + 1));
    if (last) s.expect(is(before + 1)(y), "total_peers is one less when one of them has unpaired it", show(y.body()));
    s.control(b.unpair(), "the unpairing by the other");
    return is(before + 2)(x) && is(before + 1)(y);
}

void backends_of_two_users_count_twice(scenario& s) {
    look_twice(s, [&](bool last) { return backends_of_two_users_count_twice_at(s, last); });
}

/// Two minutes after everybody's last request nobody is there: whoever comes then can be counted.
void presence_is_proven(scenario& s) {
    (void)dashboard(s);
    pushing p{s};
    p.accept();
    auto r = s.settled({.signing_key = s.fresh_key()});
    auto const mine = s.register_peer(r);
    if (s.shared().options.users.size() > 1) r.user = s.other_account();
    else r = s.settled();
    auto const other = s.register_peer(r);
    s.advance(std::chrono::minutes{2});
    auto const online = [](exchange const& x) { return integer_at(x.body(), "/online_peers"); };
    auto const before = online(s.admin().get(dashboard_path));
    p.junk();
    s.wait_until(s.now() + std::chrono::seconds{1});
    auto const after = s.admin().get(dashboard_path);
    s.expect(online(after) <= before, "requests that are not proven to come from a peer do not make it online: " + std::to_string(before), show(after.body()));
    p.accept();
    auto const there = [&](std::int64_t n, std::string const& who) {
        auto const x = dashboard_when(s, [&](exchange const& y) { return online(y) >= before + n; });
        s.expect(online(x) == before + n, who + ": online_peers is " + std::to_string(before + n), show(x.body()));
    };
    there(1, "after a push of one peer");
    s.control(mine.pull({.limit = 1}), "a pull");
    s.control(other.pull({.limit = 1}), "a pull of another registration");
    there(3, std::string{"after pulls of two more registrations"} + (s.shared().options.users.size() > 1 ? ", of one backend by two users" : ""));
}

/// Whether it is as it should be. Others may come and go: only who is not as he should be in every one of three rounds is at
/// fault, and `last` is the third.
bool presence_is_seen_in_a_round(scenario& s, bool last) {
    auto const a = s.register_peer(), b = s.register_peer(), c = s.register_peer();
    auto const online = [](exchange const& x) { return integer_at(x.body(), "/online_peers"); };
    auto const push = [&](peer const& p) { s.control(p.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}), "a push"); };
    for (auto const* p : {&a, &b, &c}) push(*p);
    push(a);
    auto const x = dashboard_when(s, [&](exchange const& y) { return online(y) >= 3; });
    s.expect(online(x) >= 3, "three peers that have just pushed are online", show(x.body()));
    s.expect(online(x) <= integer_at(x.body(), "/total_peers"), "nobody is online twice", show(x.body()));
    auto const before = online(s.admin().get(dashboard_path));
    for (auto const* p : {&a, &b, &c}) s.control(p->unpair(), "an unpairing");
    auto const y = dashboard_when(s, [&](exchange const& z) { return online(z) <= before - 3; });
    bool const gone = online(y) <= before - 3;
    if (last) s.expect(gone, "peers that have ended are not online: " + std::to_string(before - 3) + " at most", show(y.body()));
    return gone;
}

void presence_is_seen(scenario& s) {
    (void)dashboard(s);
    for (int round = 1; round <= 3; ++round)
        if (presence_is_seen_in_a_round(s, round == 3)) return;
}

/// The numbers of a day.
struct sums {
    double events = 0, cost = 0;
    std::optional<double> mean;
};
sums sums_of(exchange const& x) { return {number_at(x.body(), "/total_events_24h").value_or(-1), number_at(x.body(), "/total_cost_24h").value_or(-1), number_at(x.body(), "/avg_latency_ms")}; }

/// As `presence_is_seen_in_a_round`: others may send events, too.
bool a_day_is_summed_up_in_a_round(scenario& s, telemetry_ground& g, bool last) {
    auto const settled = [&] {  // twice the same: nobody else sends
        auto x = s.admin().get(dashboard_path);
        for (int i = 0; i < 20; ++i) {
            s.wait_until(s.now() + std::chrono::milliseconds{300});
            auto y = s.admin().get(dashboard_path);
            if (sums_of(x).events == sums_of(y).events) return sums_of(y);
            x = y;
        }
        s.inconclusive("others send events all the time");
    };
    sums const before = settled();
    auto const plain = [&](edit const& more) { return g.next(both(both(drop("latency_ms"), drop("cost_usd")), more)); };
    auto const nothing = [](json::object&) {};
    auto const told = [&](json::object const& e) { is_acked(s, g.l.tell(e), "an event"); };
    for (int i = 0; i < 6; ++i) told(plain(nothing));
    auto const grown = [&](double by) {
        return sums_of(dashboard_when(s, [&, by](exchange const& x) { return sums_of(x).events >= before.events + by; }));
    };
    auto const is = [&](bool holds, std::string const& what, sums const& got) {
        if (last) s.expect(holds, what, std::to_string(got.events) + " events, mean latency " + (got.mean ? std::to_string(*got.mean) : "null") + ", cost " + std::to_string(got.cost));
        return holds;
    };
    sums const empty = grown(6);
    if (!is(empty.events == before.events + 6, "total_events_24h grew by the 6 events that were stored", empty)) return false;
    if (!is(empty.mean == before.mean || (empty.mean && before.mean && std::abs(*empty.mean - *before.mean) <= 1e-6 * *before.mean), "events without a latency do not change avg_latency_ms", empty)) return false;
    if (!is(std::abs(empty.cost - before.cost) < 1e-6, "events without a cost do not change total_cost_24h", empty)) return false;

    auto const costly = plain(set("cost_usd", 2.25));
    told(costly);
    told(plain(set("cost_usd", 4.0045)));  // small parts of a cent add up
    told(costly);  // once more: counted once
    told(g.next(both(set("latency_ms", json::value(nullptr)), set("cost_usd", json::value(nullptr)))));
    s.control(g.l.tell(plain(set("cost_usd", -1))).rejected(), "an event with a negative cost is rejected");
    s.control(g.l.tell(plain(set("latency_ms", "fast"))).rejected(), "an event with a text for a latency is rejected");
    told(plain(set("timestamp", json::value("2001-02-03T04:05:06Z"))));  // when it came is what counts
    sums const paid = grown(10);
    if (!is(paid.events == before.events + 10, "total_events_24h grew by the 10 events that were stored, each once, whatever their own time", paid)) return false;
    if (!is(std::abs(paid.cost - before.cost - 6.2545) < 1e-6, "total_cost_24h grew by 6.2545", paid)) return false;

    constexpr double latency = 1'000'000'000;
    told(plain(set("latency_ms", static_cast<std::int64_t>(latency))));
    told(plain(set("latency_ms", static_cast<std::int64_t>(3 * latency))));
    sums const slow = grown(12);
    if (!is(slow.mean.has_value() && *slow.mean > 0 && *slow.mean <= 2 * latency * (1 + 1e-9), "avg_latency_ms is a mean of latencies", slow)) return false;
    // Of n events with a latency whose mean was m, the mean becomes (n m + 4e9) / (n + 2): n is a whole number.
    double const m = before.mean.value_or(0);
    double const n = *slow.mean == m ? -1 : (4 * latency - 2 * *slow.mean) / (*slow.mean - m);
    if (!is(n > -0.01 && std::abs(n - std::round(n)) < 0.05 + 1e-4 * n, "avg_latency_ms is the mean of the events that have a latency", slow)) return false;
    // A latency of 0 is one.
    double const all = std::round(n) + 2;
    int const instant_ones = 2 + static_cast<int>(all / 1'000);
    if (instant_ones > 100) return true;
    for (int i = 0; i < instant_ones; ++i) told(plain(set("latency_ms", 0)));
    sums const fast = grown(12 + instant_ones);
    double const expected = *slow.mean * all / (all + instant_ones);
    if (!is(fast.mean.has_value() && std::abs(*fast.mean - expected) <= 1e-4 * expected / (1 + all / 1'000) + 0.51, "events with a latency of 0 count in avg_latency_ms: " + std::to_string(expected), fast)) return false;
    return true;
}

void a_day_is_summed_up(scenario& s) {
    if (!s.has_telemetry()) s.not_applicable("the target has no telemetry");
    (void)dashboard(s);
    telemetry_ground g{s};
    for (int round = 1; round <= 3; ++round)
        if (a_day_is_summed_up_in_a_round(s, g, round == 3)) break;
    // What was stored was stored, whatever becomes of the peer; of others' events some may be a day old by now.
    auto const before = sums_of(s.admin().get(dashboard_path));
    s.control(g.a.unpair(), "the unpairing of the peer that sent the events");
    s.wait_until(s.now() + std::chrono::seconds{1});
    auto const after = s.admin().get(dashboard_path);
    s.expect(sums_of(after).events > before.events - 6, "the events of a peer that was unpaired count in total_events_24h still", std::to_string(before.events) + ", then " + show(after.body()));
}

void the_busiest_are_listed(scenario& s) {
    if (!s.has_telemetry()) s.not_applicable("the target has no telemetry");
    auto const first = dashboard(s);
    auto const known = objects_at(first.body(), "/top_peers_by_events");
    std::int64_t base = known.size() < 10 ? 0 : integer_at(json::value(known.back()), "/events");
    for (auto const& e : known) base = std::max(base, integer_at(json::value(e), "/events"));
    if (base > 400) s.untested("the peers of this target have sent too many events to outdo");
    // Twelve peers, each with one event more than the one before, and all with more than anybody had.
    std::map<std::string, std::int64_t> sent;
    std::vector<std::string> by_rank;
    for (std::int64_t i = 1; i <= 12; ++i) {
        auto const a = s.register_peer();
        line l{s, a};
        opens(s, l, "a peer");
        std::vector<std::string> texts;
        for (std::int64_t k = 0; k < base + i; ++k) texts.push_back(json::serialize(event(s, "src")));
        l.send_all(texts, std::to_string(texts.size()) + " events");
        auto const answers = l.answers(texts.size());
        s.control(answers.size() == texts.size(), "all events are answered");
        sent[a.peer_id()] = base + i;
        by_rank.insert(by_rank.begin(), a.peer_id());
    }
    auto const list = [](exchange const& x) { return objects_at(x.body(), "/top_peers_by_events"); };
    auto const x = dashboard_when(s, [&](exchange const& y) { return !list(y).empty() && text_at(list(y).front(), "/peer_id") == by_rank.front(); });
    auto const top = list(x);
    s.expect(!top.empty() && top.size() <= 10, "top_peers_by_events has ten entries at most, and some, when there are twelve peers", std::to_string(top.size()));
    for (std::size_t i = 0; i < top.size(); ++i) {
        s.expect(text_at(top[i], "/peer_id") == by_rank[i], "the peers with the most events are listed, the busiest first: " + by_rank[i] + " at place " + std::to_string(i + 1), show(top[i]));
        s.expect(integer_at(json::value(top[i]), "/events") == sent[by_rank[i]], "events is the number of its events, " + std::to_string(sent[by_rank[i]]), show(top[i]));
    }
}

void only_for_administrators(scenario& s) {
    auto const a = s.register_peer();
    bool any = false;
    for (std::string const& path : {std::string{dashboard_path}, "/debug/sync/" + a.peer_id(), std::string{"/alerts"}}) {
        auto const good = s.admin().get(path);
        if (is_absent(good)) continue;
        any = true;
        s.accepted(good, "reading " + path + " as the administrator");
        auto const refused = [&](exchange const& x, std::string const& what) { s.refused(x, "reading " + path + " " + what, {.statuses = {401, 403}}); };
        refused(s.nobody().get(path), "without a credential");
        refused(s.user().get(path), "as a user");
        refused(a.get(path), "as a peer");
        auto const& token = s.admin_token();
        for (auto const& guess : {std::string{"Bearer " + s.canary(24)}, std::string{"Bearer "}, std::string{"Bearer"}, "Bearer " + token.substr(0, token.size() - 1), "Bearer " + token + "x"})
            refused(s.nobody().get(path, {.authorization = guess}), "with a wrong token");
        refused(s.nobody().get(path + "?admin_token="), "with an empty token in the query");
    }
    if (!any) s.not_applicable("the target has no dashboard, no debug view and no alerts");
}

// ---- alerts ---------------------------------------------------------------------------------------------------

exchange alerts(scenario& s) { return watched(s, "/alerts", "alerts"); }

std::vector<json::object> of(exchange const& x, std::string_view type, std::string const& peer_id) {
    std::vector<json::object> out;
    for (auto const& a : objects_at(x.body(), "/alerts"))
        if (text_at(a, "/type") == type && text_at(a, "/peer_id") == peer_id) out.push_back(a);
    return out;
}

exchange alerts_when(scenario& s, std::function<bool(exchange const&)> const& holds) {
    return as_soon_as([&] { return s.admin().get("/alerts"); }, holds, std::chrono::seconds{65});
}

void alerts_have_their_form(scenario& s) {
    auto const x = alerts(s);
    s.accepted(x, "reading the alerts");
    auto const* list = x.at("/alerts");
    s.expect(list && list->is_array(), "the answer has the array alerts", x.bytes().substr(0, 200));
    for (auto const& one : list->get_array()) {
        s.expect(!text_at(one, "/type").empty(), "an alert has a type", show(one));
        s.expect(at(one, "/peer_id") != nullptr, "an alert has a peer_id, or null", show(one));
        s.expect(number_at(one, "/value").has_value() && number_at(one, "/threshold").has_value(), "value and threshold are numbers", show(one));
        s.expect(parse_timestamp(text_at(one, "/raised_at")).has_value(), "raised_at is an RFC 3339 time", show(one));
    }
}

void failures_raise_an_alert(scenario& s) {
    s.control(alerts(s), "reading the alerts");
    // Three that must not raise one, and then one that must: when that one is there the others could have been.
    pushing few{s}, on_the_edge{s}, well{s};
    for (int i = 0; i < 9; ++i) few.refuse();
    on_the_edge.refuse();
    for (int i = 0; i < 9; ++i) on_the_edge.accept();
    for (int i = 0; i < 11; ++i) well.accept();
    well.junk();
    pushing bad{s};
    auto const begun = s.now();
    for (int i = 0; i < 8; ++i) bad.accept();
    for (int i = 0; i < 2; ++i) bad.refuse();
    auto const is_raised = [&](exchange const& x) { return !of(x, "success_rate", bad.a.peer_id()).empty(); };
    auto const x = alerts_when(s, is_raised);
    s.accepted(x, "reading the alerts");
    s.expect(is_raised(x), "success_rate is raised within 60 s for a peer with 8 successes of 10 attempts", show(x.body()));
    auto const raised = of(x, "success_rate", bad.a.peer_id());
    s.expect(raised.size() == 1, "one alert is one entry", std::to_string(raised.size()));
    auto const value = number_at(json::value(raised[0]), "/value").value_or(-1), threshold = number_at(json::value(raised[0]), "/threshold").value_or(-1);
    s.expect(std::abs(value - 0.8) < 1e-3, "its value is the rate, 0.8", show(raised[0]));
    s.expect(std::abs(threshold - 0.9) < 1e-3, "its threshold is 0.9", show(raised[0]));
    auto const since = parse_timestamp(text_at(raised[0], "/raised_at"));
    s.expect(since && *since + std::chrono::seconds{2} >= begun && *since <= s.now() + std::chrono::seconds{2}, "raised_at is when it began", show(raised[0]));
    s.expect(of(x, "success_rate", few.a.peer_id()).empty(), "no alert for less than ten attempts", show(x.body()));
    s.expect(of(x, "success_rate", on_the_edge.a.peer_id()).empty(), "no alert for 9 successes of 10 attempts, a rate of 0.9", show(x.body()));
    s.expect(of(x, "success_rate", well.a.peer_id()).empty(), "no alert for requests that nobody has proven", show(x.body()));

    s.wait_until(s.now() + std::chrono::milliseconds{1'500});
    bad.refuse();
    auto const again = s.admin().get("/alerts");
    auto const still = of(again, "success_rate", bad.a.peer_id());
    s.expect(still.size() == 1 && text_at(still[0], "/raised_at") == text_at(raised[0], "/raised_at"), "while it lasts an alert is one entry with the same raised_at, " + text_at(raised[0], "/raised_at"), show(again.body()));
    s.expect(of(again, "success_rate", few.a.peer_id()).empty() && of(again, "success_rate", on_the_edge.a.peer_id()).empty(), "no alert came for the others", show(again.body()));
}

void alerts_end(scenario& s) {
    s.control(alerts(s), "reading the alerts");
    pushing mended{s}, gone{s};
    for (auto* p : {&mended, &gone}) {
        for (int i = 0; i < 8; ++i) p->accept();
        for (int i = 0; i < 2; ++i) p->refuse();
    }
    auto const both_raised = [&](exchange const& x) { return !of(x, "success_rate", mended.a.peer_id()).empty() && !of(x, "success_rate", gone.a.peer_id()).empty(); };
    s.control(both_raised(alerts_when(s, both_raised)), "both peers have an alert");
    for (int i = 0; i < 10; ++i) mended.accept();  // 18 of 20
    s.control(gone.a.unpair(), "an unpairing");
    auto const none_raised = [&](exchange const& x) { return x.ok() && of(x, "success_rate", mended.a.peer_id()).empty() && of(x, "success_rate", gone.a.peer_id()).empty(); };
    auto const x = alerts_when(s, none_raised);
    s.expect(of(x, "success_rate", mended.a.peer_id()).empty(), "success_rate is gone within 60 s after the rate is 0.9 again", show(x.body()));
    s.expect(of(x, "success_rate", gone.a.peer_id()).empty(), "success_rate is gone within 60 s after the registration has ended", show(x.body()));
    s.evidence("two alerts that ended");
}

// ---- counters -------------------------------------------------------------------------------------------------

/// The text format, as far as it is used: every series and its value, by its text; nothing when a line is none.
struct counters {
    std::map<std::string, double> series;
    std::map<std::string, std::string> kinds;
    std::set<std::string> helped;
    std::string broken;  ///< the first line that is none
};

counters read_counters(std::string const& text) {
    counters out;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        if (line.empty()) continue;
        if (line.starts_with("# ")) {
            std::istringstream words{line.substr(2)};
            std::string what, name, kind;
            words >> what >> name >> kind;
            if (what == "HELP") out.helped.insert(name);
            if (what == "TYPE") out.kinds[name] = kind;
            continue;
        }
        std::size_t const end = line.find('}') == std::string::npos ? line.find(' ') : line.find("} ") == std::string::npos ? std::string::npos : line.rfind("} ") + 1;
        bool good = end != std::string::npos && end > 0;
        double value = 0;
        if (good) {
            std::string const number = line.substr(end + 1, line.find(' ', end + 1) - end - 1);
            char* rest = nullptr;
            value = std::strtod(number.c_str(), &rest);
            good = !number.empty() && *rest == '\0';
        }
        if (good) good = out.series.emplace(line.substr(0, end), value).second;  // every series once
        if (!good && out.broken.empty()) out.broken = line;
    }
    return out;
}

std::string name_of(std::string const& series) { return series.substr(0, series.find('{')); }

std::string family_of(counters const& c, std::string const& series) {
    std::string const name = name_of(series);
    for (char const* suffix : {"_bucket", "_sum", "_count"})
        if (name.ends_with(suffix) && c.kinds.contains(name.substr(0, name.size() - std::string_view{suffix}.size()))) return name.substr(0, name.size() - std::string_view{suffix}.size());
    return name;
}

/// The sum of the series of a name with that value of `result`, whatever other labels they have.
double sum_of(counters const& c, std::string_view name, std::string_view result) {
    std::string const label = "result=\"" + std::string{result} + '"';
    double sum = 0;
    for (auto const& [series, value] : c.series) {
        auto const at = series.find(label);
        if (name_of(series) == name && at != std::string::npos && (series[at - 1] == '{' || series[at - 1] == ',' || series[at - 1] == ' ')) sum += value;
    }
    return sum;
}

double value_of(counters const& c, std::string const& series) {
    auto const found = c.series.find(series);
    return found == c.series.end() ? 0 : found->second;
}

exchange counters_now(scenario& s) {
    auto x = watched(s, "/metrics", "counters for monitoring systems");
    if (x.ok() && x.body().is_object()) s.not_applicable("the target has something else at /metrics");
    return x;
}

void counters_are_readable(scenario& s) {
    auto const x = counters_now(s);
    s.accepted(x, "reading the counters");
    auto const* type = x.header("Content-Type");
    s.expect(is_of_type(type, "text/plain"), "the counters are text/plain", type ? *type : "no Content-Type");
    auto const c = read_counters(x.bytes());
    s.expect(c.broken.empty(), "every line is a series with a number, each once, or a comment", c.broken);
    s.expect(!c.series.empty(), "there are counters", x.bytes().substr(0, 200));
    for (auto const& [series, value] : c.series) {
        auto const family = family_of(c, series);
        s.expect(c.kinds.contains(family) && c.helped.contains(family), "each name has # HELP and # TYPE", series);
    }
    s.refused(s.nobody().get("/metrics"), "reading the counters without a credential", {.statuses = {401, 403}});
}

void counters_agree(scenario& s) {
    auto const first = counters_now(s);
    s.control(first, "reading the counters");
    auto const before = read_counters(first.bytes());
    if (!before.kinds.contains("bsp_pushes_total")) s.untested("the target does not count pushes under this name");
    pushing p{s};
    for (int i = 0; i < 5; ++i) p.accept();
    for (int i = 0; i < 2; ++i) p.refuse();
    p.junk();
    auto const grown = [&](counters const& c, std::string_view result) { return sum_of(c, "bsp_pushes_total", result) - sum_of(before, "bsp_pushes_total", result); };
    auto const x = as_soon_as([&] { return s.admin().get("/metrics"); }, [&](exchange const& y) { return grown(read_counters(y.bytes()), "accepted") >= 5 && grown(read_counters(y.bytes()), "refused") >= 2; });
    auto const after = read_counters(x.bytes());
    s.expect(grown(after, "accepted") == 5, "5 accepted pushes are counted", std::to_string(grown(after, "accepted")));
    s.expect(grown(after, "refused") == 2, "2 refused attempts are counted, and nothing that nobody has proven", std::to_string(grown(after, "refused")));
    auto const later = read_counters(s.admin().get("/metrics").bytes());
    for (auto const& [earlier, then] : {std::pair{&before, &after}, std::pair{&after, &later}})
        for (auto const& [name, value] : earlier->series) {
            auto const kind = earlier->kinds.find(family_of(*earlier, name));
            bool const rises = kind != earlier->kinds.end() && (kind->second == "counter" || kind->second == "histogram");
            if (rises) s.expect(value_of(*then, name) >= value, name + " does not fall", std::to_string(value) + ", then " + std::to_string(value_of(*then, name)));
        }
}

void event_counters_agree(scenario& s) {
    if (!s.has_telemetry()) s.not_applicable("the target has no telemetry");
    auto const first = counters_now(s);
    s.control(first, "reading the counters");
    if (!read_counters(first.bytes()).kinds.contains("bsp_events_total")) s.untested("the target does not count events under this name");
    telemetry_ground g{s};
    auto const grown = [&](counters const& from, counters const& to, std::string_view result) { return sum_of(to, "bsp_events_total", result) - sum_of(from, "bsp_events_total", result); };
    std::string found;
    for (int round = 1; round <= 3; ++round) {  // others may send events, too
        auto const before = read_counters(s.admin().get("/metrics").bytes());
        auto const one = g.next();
        for (auto const& e : {one, g.next(), g.next(), one, one}) is_acked(s, g.l.tell(e), "an event");
        s.control(g.l.tell(g.next(set("latency_ms", -1))).rejected(), "an invalid event is rejected");
        auto const is_right = [&](counters const& c) { return grown(before, c, "stored") == 3 && grown(before, c, "repeated") == 2 && grown(before, c, "rejected") == 1; };
        auto const x = as_soon_as([&] { return s.admin().get("/metrics"); }, [&](exchange const& y) { return is_right(read_counters(y.bytes())); }, std::chrono::seconds{3});
        auto const after = read_counters(x.bytes());
        if (is_right(after)) return s.evidence("the counters of events");
        found = std::to_string(grown(before, after, "stored")) + " stored, " + std::to_string(grown(before, after, "repeated")) + " repeated, " + std::to_string(grown(before, after, "rejected")) + " rejected";
    }
    s.expect(false, "3 stored events, 2 repeated and 1 rejected are counted as such", found);
}

void counters_are_bounded(scenario& s) {
    auto const first = counters_now(s);
    s.control(first, "reading the counters");
    auto const probe = [&] {
        auto const a = s.fresh("made-up");
        (void)s.nobody().get("/" + a);
        (void)s.nobody().get("/sync/" + a);
        (void)s.nobody().get("/conversations/" + a, {.authorization = "BSP-User " + a});
        (void)s.nobody().call("GET", "/peers?x=" + a, std::nullopt);
    };
    probe();
    auto const before = read_counters(s.admin().get("/metrics").bytes()).series.size();
    for (int i = 0; i < 12; ++i) probe();
    auto const x = s.admin().get("/metrics");
    auto const after = read_counters(x.bytes()).series.size();
    s.expect(after <= before + 3, "the number of series does not grow with what callers make up: " + std::to_string(before), std::to_string(after));
}

void counters_name_nobody(scenario& s) {
    pushing p{s};
    p.accept();
    p.refuse();
    (void)s.user().get("/conversations");
    auto const x = counters_now(s);
    s.accepted(x, "reading the counters");
    s.expect(x.bytes().find('"' + s.account().id + '"') == std::string::npos, "the counters do not contain a user_id", "they do");
}

void life_is_told(scenario& s) {
    auto const live = s.nobody().get("/health/live"), ready = s.nobody().get("/health/ready");
    if (is_absent(live) && is_absent(ready)) s.not_applicable("the target has neither /health/live nor /health/ready");
    for (auto const* x : {&live, &ready}) {
        if (is_absent(*x)) continue;
        s.accepted(*x, "asking whether the target lives, without a credential");
        for (std::string const& told : {s.account().id, s.identity().backend_id, std::string{"/home/"}, std::string{"/var/"}, std::string{"\"pid\""}, std::string{".db"}})
            s.expect(x->bytes().find(told) == std::string::npos, "nothing else is told", x->bytes().substr(0, 200));
    }
}

constexpr unsigned of_admin = need::admin_token, undisturbed = need::admin_token | need::alone;

check const checks[] = {
    {.id = "obs/two-users", .title = "a backend that two users have paired is two peers", .clauses = {"BSP-OBS-031"}, .impact = "a family's or a company's one machine hides who of them is cut off",
     .likely_cause = "distinct backend ids are counted", .run = backends_of_two_users_count_twice, .needs = need::admin_token | need::second_user | need::alone},
    {.id = "obs/presence-proven", .title = "each registration that proves itself is online once, and nobody else", .clauses = {"BSP-OBS-033", "BSP-OBS-032"}, .impact = "a device that is gone looks alive because somebody uses its name",
     .likely_cause = "the time of a request is noted before it is authenticated, or by backend_id", .run = presence_is_proven, .needs = need::all_users | need::admin_token | need::clock_hook},
    {.id = "obs/dashboard", .title = "the dashboard has its six members, with or without events", .clauses = {"BSP-OBS-030", "BSP-OBS-006", "BSP-OBS-035", "BSP-OBS-036"}, .impact = "the dashboard of a new backend is an error", .likely_cause = "a mean of nothing is 0 by 0", .run = form_of_the_dashboard, .needs = of_admin},
    {.id = "obs/peers-counted", .title = "total_peers counts active registrations", .clauses = {"BSP-OBS-031", "BSP-OBS-039"}, .impact = "the number of devices only ever grows", .likely_cause = "rows are counted whatever their status", .run = peers_are_counted, .needs = undisturbed},
    {.id = "obs/online", .title = "who has just pushed is online, once, until it ends", .clauses = {"BSP-OBS-032", "BSP-OBS-033"}, .impact = "nobody knows who is affected", .likely_cause = "a flag that nothing sets, or that nothing takes back", .run = presence_is_seen, .needs = undisturbed},
    {.id = "obs/day", .title = "events, latencies and costs of a day are summed up", .clauses = {"BSP-OBS-034", "BSP-OBS-035", "BSP-OBS-036", "BSP-OBS-039"}, .impact = "bills and loads are told that never were", .likely_cause = "absent numbers count as 0, duplicates twice, or rejected events at all", .run = a_day_is_summed_up, .needs = undisturbed | need::sockets},
    {.id = "obs/busiest", .title = "the ten busiest peers are listed, the busiest first", .clauses = {"BSP-OBS-037"}, .impact = "the device that floods the backend is not seen", .likely_cause = "no ORDER BY, or no LIMIT", .run = the_busiest_are_listed, .needs = undisturbed | need::sockets},
    {.id = "obs/admin-only", .title = "dashboard, debug view and alerts are for the administrator", .clauses = {"BSP-OBS-002"}, .impact = "anybody sees the devices and habits of everybody", .likely_cause = "endpoints for operators that nobody guarded", .run = only_for_administrators, .needs = of_admin},
    {.id = "obs/alerts", .title = "alerts have their form", .clauses = {"BSP-OBS-050"}, .impact = "whoever wakes people cannot read why", .likely_cause = "alerts as sentences", .run = alerts_have_their_form, .needs = of_admin},
    {.id = "obs/alert-raised", .title = "a low success rate raises an alert, once, and nothing else does", .clauses = {"BSP-OBS-052", "BSP-OBS-053", "BSP-OBS-055", "BSP-OBS-058"}, .impact = "people are woken for nothing, or sleep while a device is refused all night", .likely_cause = "the bound is inclusive, a rate of two attempts counts, or every look raises anew", .run = failures_raise_an_alert, .needs = of_admin | need::patience},
    {.id = "obs/alert-ends", .title = "an alert ends with what it is about", .clauses = {"BSP-OBS-054"}, .impact = "people learn not to look at alerts", .likely_cause = "alerts are raised and nothing takes them back", .run = alerts_end, .needs = of_admin | need::patience},
    {.id = "obs/counters", .title = "counters are in the text format of Prometheus", .clauses = {"BSP-OBS-062", "BSP-OBS-061", "BSP-OBS-060"}, .impact = "the monitoring system rejects all of them for one line", .likely_cause = "lines put together by hand", .run = counters_are_readable, .needs = of_admin, .strength = obligation::should},
    {.id = "obs/counters-agree", .title = "counters move by what was done", .clauses = {"BSP-OBS-066", "BSP-OBS-063"}, .impact = "graphs show something else than what happened", .likely_cause = "counted before the signature is verified, or set anew by every look", .run = counters_agree, .needs = undisturbed, .strength = obligation::should},
    {.id = "obs/counters-of-events", .title = "counters of events move by what became of them", .clauses = {"BSP-OBS-067"}, .impact = "a device that sends nothing but rejected events looks busy", .likely_cause = "counted when a message comes", .run = event_counters_agree, .needs = undisturbed | need::sockets, .strength = obligation::should},
    {.id = "obs/counters-bounded", .title = "the number of series is bounded", .clauses = {"BSP-OBS-065"}, .impact = "anybody fills the memory of the backend and of whoever monitors it", .likely_cause = "the path of a request as a label", .run = counters_are_bounded, .needs = undisturbed, .strength = obligation::should},
    {.id = "obs/counters-private", .title = "counters name no user", .clauses = {"BSP-OBS-064"}, .impact = "names and addresses of people lie in a monitoring system for years", .likely_cause = "the user as a label", .run = counters_name_nobody, .needs = of_admin},
    {.id = "obs/life", .title = "whether a backend lives is told to everyone, and nothing else is", .clauses = {"BSP-OBS-070", "BSP-OBS-071"}, .impact = "supervisors restart a backend that lives, or strangers learn about it", .likely_cause = "authentication on every route, or a status page", .run = life_is_told},
    {.id = "obs/every-answer-form", .title = "everything that the suite was told of peers has the members of its table", .clauses = {"BSP-OBS-010", "BSP-OBS-030", "BSP-OBS-040", "BSP-OBS-050", "BSP-GEN-050"},
     .impact = broken_by_a_form, .likely_cause = cause_of_a_form, .run = observability_forms, .needs = need::at_the_end},
};

}  // namespace

group observe_all_group() { return {"observe_all", profile::obs, checks}; }

}  // namespace bsp::conformance
