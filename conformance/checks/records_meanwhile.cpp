#include "guarded.hpp"
#include "privacy.hpp"
#include "telemetry.hpp"

#include "../surroundings.hpp"

#include <thread>

// The audit trail where it meets something else: repetitions, several peers, refusals, erasures.

namespace bsp::conformance {
namespace {

exchange push_one(scenario& s, peer const& a, push_options const& o = {}) { return a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}, o); }

json::object invalid_one(scenario& s) { return s.conversation(s.fresh("c"), 1, {s.message("m1", "x", 1, set("version", -1))}); }

void repetitions_are_recorded(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    auto const c = s.conversation(s.fresh("c"), 1, {s.message("m1", "x")});
    auto const id = s.fresh("sync");
    for (int i = 0; i < 3; ++i) s.control(a.push({c}, {.sync_id = id}), "a push, and its repetitions");
    t.has("sync_accepted", a.peer_id(), "a push and its two repetitions, each of which was acknowledged,", 3);
}

void refusals_are_of_their_peer(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer(), b = s.register_peer(), d = s.register_peer();
    for (auto const* who : {&a, &b, &d, &b}) s.control(who->push({invalid_one(s)}).client_error(), "a push of an invalid message is refused");
    for (auto const* who : {&a, &b, &d}) t.has("sync_rejected", who->peer_id(), "a push of an invalid message, while other peers' were refused,");
}

void rejections_are_of_their_peer(scenario& s) {
    trail const t{s};
    if (!s.shared().has_telemetry) s.not_applicable("the target has no telemetry");
    auto const a = s.register_peer(), b = s.register_peer();
    line of_a{s, a}, of_b{s, b};
    opens(s, of_a, "a peer");
    opens(s, of_b, "another peer of the same user");
    s.control(of_b.tell(event(s, s.fresh("source"), set("latency_ms", -1))).rejected(), "an invalid event of the second is rejected");
    t.has("telemetry_rejected", b.peer_id(), "an invalid event of the second of two peers");
    s.expect(t.count("telemetry_rejected", a.peer_id(), 0) == 0, "and not under the first", "there is an entry");
}

/// Entries may be joined, and then say how many they stand for.
void refusals_are_counted(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    s.control(push_one(s, a), "a push");
    for (int i = 0; i < 3; ++i) s.control(a.push({invalid_one(s)}).client_error(), "a push of an invalid message is refused");
    for (int i = 0; i < 2; ++i) s.control(push_one(s, a, {.signer = s.key()}).client_error(), "a push with another key's signature is refused");
    s.control(t.count("sync_rejected", a.peer_id()) > 0, "a refused push is in the trail");
    t.has("sync_rejected", a.peer_id(), "each of five refused pushes, by an entry of its own or by the count of one,", 5);
    if (!s.shared().has_telemetry) return;
    line l{s, a};
    opens(s, l, "the peer");
    for (int i = 0; i < 4; ++i) s.control(l.tell(event(s, s.fresh("source"), set("latency_ms", -1))).rejected(), "an invalid event is rejected");
    t.has("telemetry_rejected", a.peer_id(), "each of four rejected events, by an entry of its own or by the count of one,", 4);
}

void refused_removals_are_not_done(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer(), b = s.register_peer();
    s.control(b.del("/peers/" + a.peer_id()).client_error(), "an unpairing by another peer is refused");
    s.control(s.nobody().del("/peers/" + a.peer_id()).client_error(), "an unpairing without a credential is refused");
    s.control(s.nobody().del("/peers/" + a.peer_id(), {.authorization = "Bearer " + s.canary(24)}).client_error(), "a revocation with a wrong token is refused");
    s.control(push_one(s, a), "a push");
    s.control(t.count("sync_accepted", a.peer_id()) > 0, "the push is in the trail");
    for (char const* type : {"peer_unpaired", "peer_revoked"}) s.expect(t.count(type, a.peer_id(), 0) == 0, "a removal that was refused is not recorded as " + std::string{type}, "it is");
    s.evidence("the peer is there");
}

void refused_settings_are_not_done(scenario& s) {
    if (!s.shared().has_privacy) s.not_applicable("the target has no privacy settings");
    trail const t{s};
    own_settings const mine{s};
    auto const counted = [&] { return t.read("event_type=privacy_settings_updated").entries.size(); };
    auto const before = counted();
    for (auto const& [name, wrong] : {std::pair<std::string, json::value>{"retention_days", 0}, {"sync_enabled", "no"}, {"allowed_surfaces", "web"}})
        s.control(mine.try_to_say({{name, wrong}}).client_error(), "a wrong PUT of settings is refused");
    auto const a = s.register_peer();
    s.control(t.count("peer_registered", a.peer_id()) > 0, "what happened after that is in the trail");
    s.expect(counted() == before, "settings that were refused are not recorded as changed", "they are");
    mine.say({{"retention_days", 3640}});
    s.evidence("a change of the settings");
}

void erasures_leave_entries(scenario& s) {
    if (!s.shared().has_privacy) s.not_applicable("the target has no privacy settings");
    own_settings const mine{s};
    trail const t{s};
    auto const a = s.register_peer();
    s.control(push_one(s, a), "a push");
    s.control(t.count("sync_accepted", a.peer_id()) > 0, "the push is in the trail");
    auto const of_peer = t.read("peer_id=" + a.peer_id()).entries;
    auto const erasures = [&] { return t.count("data_erased", "", 0); };
    for (std::string const what : {"an erasure", "an erasure of nothing"}) {
        auto const before = erasures();
        s.control(s.user().del("/privacy/data"), what);
        t.has("data_erased", "", what, before + 1);
        auto const now = t.read("peer_id=" + a.peer_id()).entries;
        for (auto const& e : of_peer) s.expect(std::find(now.begin(), now.end(), e) != now.end(), "after " + what + " every entry of before is there as it was, under its peer", show(e));
    }
}

check const checks[] = {
    {.id = "aud/repetitions", .title = "repetitions that were acknowledged are recorded", .clauses = {"BSP-AUD-002"}, .impact = "who repeats a push ten thousand times is not seen", .likely_cause = "a repetition returns before the line that records", .run = repetitions_are_recorded, .needs = need::admin_token},
    {.id = "aud/refusals-apart", .title = "refused pushes are recorded under each peer", .clauses = {"BSP-AUD-005", "BSP-AUD-013"}, .impact = "one noisy device hides what another does", .likely_cause = "refusals of one type are joined, whoever they are of", .run = refusals_are_of_their_peer,
     .needs = need::admin_token},
    {.id = "aud/refusals-counted", .title = "as many refusals are recorded as there were", .clauses = {"BSP-AUD-013", "BSP-AUD-005", "BSP-AUD-006", "BSP-AUD-009"}, .impact = "ten thousand attempts look like one", .likely_cause = "refusals are joined, and nobody counts them", .run = refusals_are_counted,
     .needs = need::admin_token | need::sockets, .strength = obligation::should},
    {.id = "aud/rejections-apart", .title = "rejected events are recorded under the peer that sent them", .clauses = {"BSP-AUD-006"}, .impact = "the wrong device is taken for the broken one", .likely_cause = "events are recorded by user", .run = rejections_are_of_their_peer,
     .needs = need::admin_token | need::sockets},
    {.id = "aud/removals-not-done", .title = "removals that were refused are not recorded as done", .clauses = {"BSP-AUD-025"}, .impact = "a device seems gone that is not", .likely_cause = "recorded before it is judged", .run = refused_removals_are_not_done, .needs = need::admin_token,
     .strength = obligation::should},
    {.id = "aud/settings-not-done", .title = "settings that were refused are not recorded as changed", .clauses = {"BSP-AUD-025"}, .impact = "a person seems to have allowed what was never set", .likely_cause = "recorded before it is judged", .run = refused_settings_are_not_done,
     .needs = need::admin_token | need::alone, .strength = obligation::should},
    {.id = "aud/erasures", .title = "every erasure is recorded, and leaves all entries under their peers", .clauses = {"BSP-AUD-017", "BSP-AUD-012"}, .impact = "whoever erases covers the tracks of a device", .likely_cause = "an erasure cleans the trail, or is recorded by what it found",
     .run = erasures_leave_entries, .needs = need::admin_token | need::alone},
};

}  // namespace

group records_meanwhile_group() { return {"records_meanwhile", profile::sec, checks}; }

}  // namespace bsp::conformance
