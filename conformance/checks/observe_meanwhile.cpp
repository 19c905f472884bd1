#include "first_refusal.hpp"
#include "privacy.hpp"
#include "rotation.hpp"
#include "watching.hpp"

#include "../surroundings.hpp"


// Chapter 19 where it meets something else: another registration of the same backend, keys, consent.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

exchange push_one(scenario& s, peer const& a) { return a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}); }

json::object invalid_one(scenario& s) { return s.conversation(s.fresh("c"), 1, {s.message("m1", "x", 1, set("version", -1))}); }

void paired_anew_counted_anew(scenario& s) {
    auto const r = s.settled({.created = seconds{-60}});
    auto const a = s.register_peer(r);
    needs_metrics(s, a);
    s.control(push_one(s, a), "a push");
    s.control(a.push({invalid_one(s)}).client_error(), "a push of an invalid message is refused");
    (void)as_soon_as([&] { return a.get(metrics_path(a)); }, [](exchange const& x) { return integer_at(x.body(), "/total_syncs") == 1; });
    s.control(a.unpair(), "the unpairing");
    auto again = r;
    again.created = seconds{60};
    auto const b = s.register_peer(again);
    auto const x = b.get(metrics_path(b));
    s.accepted(x, "the metrics of the registration that follows");
    s.expect(is_null_at(x.body(), "/last_sync"), "last_sync of a new registration is null, whatever the backend did under the one before", x.describe());
    s.expect(is_null_at(x.body(), "/sync_success_rate"), "sync_success_rate of it is null", x.describe());
    s.expect(is_null_at(x.body(), "/last_error"), "last_error of it is null", x.describe());
    s.expect(integer_at(x.body(), "/total_syncs") == 0, "total_syncs of it is 0", x.describe());
}

void every_key_that_counts_is_counted(scenario& s) {
    rotating r{s};
    needs_metrics(s, r.a);
    auto const ask = [&](key const& by) { return r.a.get(metrics_path(r.a), {.signer = by}); };
    auto const when = [&](std::int64_t syncs) {
        auto x = as_soon_as([&] { return ask(r.current); }, [&](exchange const& m) { return integer_at(m.body(), "/total_syncs") >= syncs; });
        s.control(x, "the metrics");
        return x;
    };
    std::int64_t expected = 1;  // the push with which it began
    s.control(integer_at(when(expected).body(), "/total_syncs") == expected, "one push is counted");
    auto const moment = s.now() + seconds{3};
    auto const old = r.must_rotate(s.fresh_key(), {.grace = format_timestamp(moment)});
    s.control(r.push(old), "a push that the key before signed, in its grace");
    auto const x = when(++expected);
    s.expect(integer_at(x.body(), "/total_syncs") == expected, "a push that the key before signed in its grace counts", show(x.body()));
    (void)first_refusal(s, moment, [&] {
        auto push = r.push(old);
        expected += push.ok();
        return push;
    });
    auto const before = when(expected);
    for (int i = 0; i < 3; ++i) s.control(r.push(old).client_error(), "a push that the key before signed, after its grace, is refused");
    auto const after = ask(r.current);
    for (char const* name : {"/sync_success_rate", "/last_error", "/total_syncs", "/last_sync"}) {
        auto const *then = before.at(name), *now = after.at(name);
        s.control(then && now, "the metrics have " + std::string{name});
        s.expect(name == std::string{"/last_sync"} || *then == *now, "pushes that a key signed after its grace change no " + std::string{name + 1}, show(*then) + " has become " + show(*now));
    }
}

/// The rate is of all attempts, or of the last ones, twenty at least (BSP-OBS-017): whoever begins to count anew shows a rate
/// of fewer. Of each ten attempts the first two are refused, so that no rate of fewer than twenty is seen twice as one of more.
void the_rate_goes_on(scenario& s) {
    pushing p{s};
    std::vector<bool> outcomes;
    auto const may_be = [&](double rate) {
        double good = 0;
        for (std::size_t n = 1; n <= outcomes.size(); ++n) {
            good += outcomes[outcomes.size() - n];
            if ((n >= 20 || n == outcomes.size()) && std::abs(rate - good / static_cast<double>(n)) < 1e-3) return true;
        }
        return false;
    };
    auto const holds = [&](exchange const& x) {
        auto const rate = number_at(x.body(), "/sync_success_rate");
        return rate && may_be(*rate);
    };
    while (outcomes.size() < 75) {
        bool const accepted = outcomes.size() % 10 >= 2;
        if (accepted) p.accept();
        else p.refuse();
        outcomes.push_back(accepted);
        if (outcomes.size() % 5 != 0) continue;
        auto const x = as_soon_as([&] { return p.metrics(); }, holds);
        s.accepted(x, "the metrics");
        s.expect(holds(x), "after " + std::to_string(outcomes.size()) + " attempts, the first two of each ten of them refused, sync_success_rate is of all of them, or of the last twenty or more", show(x.body()));
    }
}

void partly_refused_is_a_success(scenario& s) {
    if (!s.shared().has_privacy) s.not_applicable("the target has no privacy settings");
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", json::array{"web"}}});
    auto const a = s.register_peer();
    needs_metrics(s, a);
    s.control(a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x"), s.message("m2", "x", 1, set("surface", "ios"))})}), "a push of which one message is refused");
    auto const x = as_soon_as([&] { return a.get(metrics_path(a)); }, [](exchange const& m) { return integer_at(m.body(), "/total_syncs") == 1; });
    s.accepted(x, "the metrics");
    s.expect(number_at(x.body(), "/sync_success_rate") == 1.0, "a push that is answered with 200 is a success, though a message of it was refused: sync_success_rate 1", x.describe());
    s.expect(integer_at(x.body(), "/total_syncs") == 1, "total_syncs 1", x.describe());
}

check const checks[] = {
    {.id = "obs/paired-anew", .title = "a backend that is paired anew is counted anew", .clauses = {"BSP-OBS-011", "BSP-OBS-016", "BSP-OBS-022"}, .impact = "a new device shows the failures of an old one", .likely_cause = "metrics are kept by backend_id", .run = paired_anew_counted_anew},
    {.id = "obs/keys", .title = "pushes count by the keys that count", .clauses = {"BSP-OBS-020", "BSP-OBS-018"}, .impact = "who has an old key makes a device look broken, or a device in its grace looks silent", .likely_cause = "attempts are found by the current key, or by any", .run = every_key_that_counts_is_counted,
     .needs = need::patience},
    {.id = "obs/rate-goes-on", .title = "the success rate is never one of fewer than twenty attempts where there were more", .clauses = {"BSP-OBS-017", "BSP-OBS-016"}, .impact = "now and then one failure, or one success, is taken for the state of a device",
     .likely_cause = "a window of attempts that is emptied when it is full, or with the minute", .run = the_rate_goes_on},
    {.id = "obs/partly-refused", .title = "a push of which a message was refused is a success", .clauses = {"BSP-OBS-016", "BSP-OBS-020"}, .impact = "a choice of the user raises alerts", .likely_cause = "conflicts are taken for failures", .run = partly_refused_is_a_success, .needs = need::own_user},
};

}  // namespace

group observe_meanwhile_group() { return {"observe_meanwhile", profile::obs, checks}; }

}  // namespace bsp::conformance
