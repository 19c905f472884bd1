#include "answer_forms.hpp"

#include "../line.hpp"
#include "../registry.hpp"
#include "../surroundings.hpp"
#include "ground.hpp"
#include "privacy.hpp"
#include "rotation.hpp"
#include "telemetry.hpp"
#include "watching.hpp"

namespace bsp::conformance {
namespace {

void expect_forms(scenario& s, form_area area) {
    auto const seen = s.shared().answers.seen(area);
    for (auto const& one : seen) s.recall(*one.what);
    if (!seen.empty()) {
        auto const& first = seen.front();
        s.expect(false, first.expected + " in the answer to " + first.what->summary + " (seen in " + first.check + ")", first.actual);
    }
    s.evidence(std::to_string(s.shared().answers.answers()) + " answers to whatever was asked");
}

}  // namespace

void identity_forms(scenario& s) {
    auto const x = s.nobody().get("/identity");
    s.control(x.ok() && x.body().is_object(), "the identity is an object, got " + x.describe());
    expect_forms(s, form_area::identity);
}

void registration_forms(scenario& s) {
    auto const a = s.register_peer();
    auto const plain = s.register_peer({.identity = drop("capabilities")});
    s.control(a.get("/peers"), "the list of peers");
    s.control(plain.unpair(), "an unpairing");
    expect_forms(s, form_area::registrations);
}

void sync_forms(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), bare = s.fresh("bare");
    auto const versions_of_m1 = [&](std::string const& content) { return s.conversation(c, 1, {s.message("m1", content), s.message("m2", "same")}); };
    s.control(a.push({}), "a push without conversations");
    s.control(a.push({versions_of_m1("one"), s.conversation(bare, 1, {}, set("surfaces", json::array{}))}), "a push");
    s.control(a.push({versions_of_m1("another")}), "a push of another content in the same version");
    (void)a.pull_all({.since = s.in_seconds(-60), .limit = 200});
    s.control(a.pull({.since = s.in_seconds(600)}), "a pull of what comes in ten minutes");
    for (auto const& path : {std::string{"/conversations?limit=500"}, "/conversations/" + c, "/conversations/" + bare, "/conversations/" + c + "?conflicts=1"}) {
        auto const x = a.get(path);
        s.control(x.ok(), "GET " + path + " is answered, got " + x.describe());  // whether well is judged below
    }
    s.control(a.write(c, "three"), "a write");
    s.control(a.del("/conversations/" + c + "/messages/m2"), "the deletion of a message");
    s.control(a.del("/conversations/" + c), "the deletion of a conversation");
    expect_forms(s, form_area::sync);
}

void telemetry_forms(scenario& s) {
    telemetry_ground g{s};
    auto const least = [](json::object& e) {
        for (char const* name : {"latency_ms", "tokens_used", "cost_usd", "model"}) e.erase(name);
    };
    is_acked(s, g.l.tell(g.next(least)), "an event without metrics");
    s.control(s.user().get("/telemetry/events?limit=500&source_backend=" + g.source), "the list of events");
    s.control(s.user().get("/telemetry/events?source_backend=" + s.fresh("nobody")), "a list of no events");
    expect_forms(s, form_area::telemetry);
}

void rotation_forms(scenario& s) {
    rotating r{s};
    r.must_rotate(s.fresh_key());
    expect_forms(s, form_area::rotation);
}

void audit_forms(scenario& s) {
    auto const a = s.register_peer();
    s.control(a.push({}), "a push");
    s.control(a.unpair(), "an unpairing");
    auto const x = s.admin().get("/audit?limit=500&peer_id=" + a.peer_id());
    if (is_absent(x)) s.not_applicable("the target has no audit trail");
    s.control(x, "reading the audit trail");
    expect_forms(s, form_area::audit);
}

void privacy_forms(scenario& s) {
    own_settings const mine{s};
    mine.say(mine.before());
    auto const a = s.register_peer();
    s.control(a.write(s.fresh("c"), "without a title"), "a write");
    s.control(s.user().get("/privacy/export"), "an export");
    expect_forms(s, form_area::privacy);
}

void observability_forms(scenario& s) {
    pushing p{s};
    s.control(p.metrics(), "the metrics of a peer that did nothing yet");
    auto const watch = [&] {
        if (!s.shared().options.admin_token) return;
        for (auto const& path : {"/debug/sync/" + p.a.peer_id(), std::string{"/dashboard/telemetry"}, std::string{"/alerts"}}) s.admin().get(path);
    };
    watch();
    for (int i = 0; i < 8; ++i) p.accept();
    for (int i = 0; i < 3; ++i) p.refuse();
    s.control(p.metrics(), "the metrics of a peer");
    watch();
    expect_forms(s, form_area::observability);
}

}  // namespace bsp::conformance
