#include "answer_forms.hpp"
#include "../registry.hpp"
#include "edits.hpp"
#include "ground.hpp"
#include "guarded.hpp"
#include "privacy.hpp"
#include "telemetry.hpp"

#include "../surroundings.hpp"

#include <algorithm>
#include <optional>
#include <set>

// Chapter 15: what the trail says of what this suite itself did, and what it must never say.

namespace bsp::conformance {
namespace {

constexpr std::string_view known_types[] = {
    "peer_registered", "peer_registration_rejected", "sbt_verification_failed", "peer_unpaired", "peer_revoked", "key_rotated", "key_rotation_rejected", "sync_accepted",
    "sync_rejected", "telemetry_rejected", "rate_limited", "privacy_settings_updated", "data_exported", "data_erased", "retention_enforced", "admin_auth_failed"};

/// Whether every entry of before is there as it was, in whatever order: that is advice (BSP-AUD-031).
bool has_all(std::vector<json::object> const& now, std::vector<json::object> const& before) {
    return std::ranges::all_of(before, [&](json::object const& e) { return std::ranges::count(now, e) >= std::ranges::count(before, e); });
}

exchange push_one(scenario& s, peer const& a, push_options const& o = {}) { return a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}, o); }

void lives_are_recorded(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    t.has("peer_registered", a.peer_id(), "a registration");
    s.control(push_one(s, a), "a push");
    s.control(push_one(s, a), "another push");
    s.control(a.push({}), "a push without conversations");
    t.has("sync_accepted", a.peer_id(), "each of three pushes, one of them without conversations", 3);
    s.control(s.user().del("/peers/" + a.peer_id()), "an unpairing");
    t.has("peer_unpaired", a.peer_id(), "an unpairing");
    t.has("sync_accepted", a.peer_id(), "what an unpaired peer had done", 2);
    auto r = s.settled();
    auto const d = s.register_peer(r);
    r.created = std::chrono::seconds{10};
    s.control(s.try_register(r), "the registration with a newer token");
    t.has("peer_registered", d.peer_id(), "a registration and its renewal by a newer token", 2);
    s.control(d.unpair(), "an unpairing by the peer");
    t.has("peer_unpaired", d.peer_id(), "an unpairing by the peer");
    auto const b = s.register_peer({.signing_key = s.fresh_key()});
    s.control(s.admin().del("/peers/" + b.peer_id()), "a revocation");
    t.has("peer_revoked", b.peer_id(), "a revocation");
}

void forged_tokens_are_recorded(scenario& s) {
    trail const t{s};
    s.control(s.try_register({.secret = "not the pairing secret of anybody, but long"}).client_error(), "a registration with a forged token is refused");
    t.has("sbt_verification_failed", "", "a forged token");
}

void rejected_registrations_are_recorded(scenario& s) {
    trail const t{s};
    auto const r = s.settled();
    (void)s.register_peer(r);
    auto other = r;
    other.signing_key = s.fresh_key();
    s.control(s.try_register(other).client_error(), "a registration with another key is refused");
    t.has("peer_registration_rejected", "", "a registration with another key");
}

void rejected_pushes_are_recorded(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer(), b = s.register_peer();
    s.control(push_one(s, a, {.signer = s.key()}).client_error(), "a push with a wrong signature is refused");
    t.has("sync_rejected", a.peer_id(), "a push with a wrong signature");
    s.control(b.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x", 1, set("version", -1))})}).client_error(), "a push of an invalid message is refused");
    t.has("sync_rejected", b.peer_id(), "a push of an invalid message");
}

void rejected_events_are_recorded(scenario& s) {
    trail const t{s};
    if (!s.shared().has_telemetry) s.not_applicable("the target has no telemetry");
    auto const a = s.register_peer();
    line l{s, a};
    opens(s, l, "a peer");
    s.control(l.tell(event(s, s.fresh("source"), set("latency_ms", -1))).rejected(), "an invalid event is rejected");
    t.has("telemetry_rejected", a.peer_id(), "an invalid event");
}

void limits_are_recorded(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    bool limited = false;
    for (int i = 0; i < 210 && !limited; ++i) {
        auto const payload = a.payload({s.conversation(s.fresh("c"), 1, {})}, {.sync_id = s.fresh("s")});
        auto const got = s.shared().target.send({"POST", s.target_path("/sync/" + a.peer_id()), {{"Content-Type", "application/json"}}, json::serialize(payload), {}}, s.shared().options.timeout);
        limited = got.response.status == 429;
    }
    s.control(limited, "a peer reaches its budget");
    t.has("rate_limited", a.peer_id(), "a push beyond the budget");
}

void floods_push_nothing_out(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    std::string hundred;
    for (int i = 0; i < 100; ++i) hundred += "GET " + s.target_path("/peers") + " HTTP/1.1\r\nHost: " + s.authority() + "\r\nAuthorization: Bearer " + s.canary(8) + (i == 99 ? "\r\nConnection: close" : "") + "\r\n\r\n";
    for (int i = 0; i < 12; ++i) s.raw(hundred, std::chrono::seconds{5}, "a hundred requests with a wrong administrator's token");
    t.has("peer_registered", a.peer_id(), "a registration before 1,200 requests that were refused");
}

void guesses_are_recorded(scenario& s) {
    trail const t{s};
    s.control(s.nobody().get("/peers", {.authorization = "Bearer " + s.canary(24)}).client_error(), "a wrong token of an administrator is refused");
    t.has("admin_auth_failed", "", "a wrong token of an administrator");
}

void entries_have_their_form(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    s.control(push_one(s, a, {.signer = s.key()}).client_error(), "a push with a wrong signature is refused");
    (void)t.count("sync_rejected", a.peer_id());
    auto const all = t.read().entries;
    s.control(!all.empty(), "there are entries");
    for (auto const& e : all) {
        auto const* type = e.if_contains("event_type");
        auto const* peer = e.if_contains("peer_id");
        auto const* details = e.if_contains("details");
        s.expect(type && type->is_string(), "event_type is a string", show(e));
        s.expect(parse_timestamp(text_at(e, "/timestamp")).has_value(), "timestamp is an RFC 3339 time", show(e));
        s.exactly(text_at(e, "/timestamp").ends_with('Z'), "timestamp ends in Z", show(e));
        s.expect(!peer || peer->is_null() || peer->is_string(), "peer_id is a string or null", show(e));
        s.expect(details && details->is_object(), "details is an object", show(e));
    }
    s.evidence("entries");
}

void types_are_of_the_registry(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    (void)t.count("peer_registered", a.peer_id());
    for (auto const& e : t.read().entries)
        s.expect(std::find(std::begin(known_types), std::end(known_types), text_at(e, "/event_type")) != std::end(known_types), "event_type is one of the registry", text_at(e, "/event_type"));
    s.evidence("entries");
}

void filters_hold(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer(), b = s.register_peer();
    for (auto const* who : {&a, &b}) {
        s.control(push_one(s, *who), "a push");
        s.control(push_one(s, *who), "a push");
        s.control(push_one(s, *who, {.signer = s.key()}).client_error(), "a push with a wrong signature is refused");
    }
    for (auto const* who : {&a, &b}) s.control(t.count("sync_rejected", who->peer_id()) > 0 && t.count("sync_accepted", who->peer_id(), 2) > 1, "the pushes are in the trail");
    auto const of_a = t.read("peer_id=" + a.peer_id()).entries;
    for (auto const& e : of_a) s.expect(text_at(e, "/peer_id") == a.peer_id(), "with peer_id there are entries of that peer only", show(e));
    auto const accepted = t.read("event_type=sync_accepted").entries;
    std::set<std::string> peers;
    for (auto const& e : accepted) {
        s.expect(text_at(e, "/event_type") == "sync_accepted", "with event_type there are entries of that type only", show(e));
        peers.insert(text_at(e, "/peer_id"));
    }
    s.expect(peers.contains(a.peer_id()) && peers.contains(b.peer_id()), "with event_type there are the entries of every peer", std::to_string(accepted.size()) + " entries");
    auto const both = t.read("event_type=sync_accepted&peer_id=" + b.peer_id()).entries;
    s.expect(both.size() == 2, "with both filters there are the two pushes of that peer", std::to_string(both.size()) + " entries");
    for (auto const& e : both) s.expect(text_at(e, "/event_type") == "sync_accepted" && text_at(e, "/peer_id") == b.peer_id(), "both filters hold at once", show(e));

    // A time between two entries parts them: one of the server's clock, which is known to a few seconds only.
    std::optional<instant> last;
    for (auto const& e : t.read("peer_id=" + a.peer_id()).entries)
        if (auto const at = parse_timestamp(text_at(e, "/timestamp")); at && (!last || *last < *at)) last = *at;
    s.control(last.has_value(), "the entries have times");
    auto const between = format_timestamp(*last + std::chrono::milliseconds{1'200});
    s.wait_until(s.now() + std::chrono::milliseconds{2'400});
    s.control(push_one(s, a), "a later push");
    s.control(t.count("sync_accepted", a.peer_id(), 3) >= 3, "the later push is in the trail");
    auto const pushes_since = [&](std::string const& text) { return t.read_since(text, "event_type=sync_accepted&peer_id=" + a.peer_id()).entries; };
    auto const since = pushes_since(between);
    s.expect(since.size() == 1, "with since there is what came later, and nothing else", std::to_string(since.size()) + " entries");
    // "None from before that instant": what is said to be of that very instant is asked for.
    auto const at_once = pushes_since(text_at(since[0], "/timestamp"));
    s.expect(at_once == since, "with the time of an entry as since there is that entry", std::to_string(at_once.size()) + " entries");
    for (auto const& [text, what] : {std::pair{spelled(*parse_timestamp(between), 330, "+05:30"), "an offset"}, {spelled(*parse_timestamp(between), -480, "-08:00"), "a negative offset"}, {spelled(*parse_timestamp(between), 0, ""), "no offset"}}) {
        auto const same_time = pushes_since(text);
        s.expect(same_time == since, std::string{"since the same moment with "} + what + " there are the same entries", std::to_string(same_time.size()) + " entries");
    }
    auto const nothing = s.admin().get("/audit?limit=500&peer_id=" + s.fresh("nobody"));
    s.expect(!nothing.ok() || entries_of(nothing.body()).empty(), "of a peer that does not exist there are no entries", show(nothing.body()));
    for (auto const& type : {s.fresh("type"), std::string{"SYNC_ACCEPTED"}, std::string{"sync"}, std::string{"sync_accepted%2Csync_rejected"}}) {
        auto const none = s.admin().get("/audit?limit=500&event_type=" + type);
        s.expect(!none.ok() || entries_of(none.body()).empty(), "of a type that does not exist there are no entries: " + type, show(none.body()));
    }
    s.evidence("filters");
}

void pages_are_complete(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer(), b = s.register_peer();
    for (int i = 0; i < 5; ++i)
        for (auto const* who : {&a, &b}) s.control(push_one(s, *who), "a push");  // what is not asked for lies between what is
    s.control(t.count("sync_accepted", a.peer_id(), 5) >= 5, "the pushes are in the trail");
    for (std::string const& filters : {"peer_id=" + a.peer_id(), "event_type=sync_accepted&peer_id=" + a.peer_id()}) {
        auto const wanted = t.read(filters).entries;
        std::vector<json::object> got;
        std::string cursor;
        bool has_pages = false;
        for (int page = 0; page < 2'000; ++page) {  // a page may be shorter than limit, and even empty
            auto const x = s.admin().get("/audit?limit=2&" + filters + (cursor.empty() ? "" : "&cursor=" + percent_encode_segment(cursor)));
            s.accepted(x, "a page of the audit trail");
            auto const some = entries_of(x.body());
            s.expect(some.size() <= 2, "no more entries than limit", std::to_string(some.size()));
            got.insert(got.end(), some.begin(), some.end());
            cursor = x.text("/cursor");
            if (cursor.empty()) break;
            has_pages = true;
        }
        if (!has_pages && got.size() <= 2) return s.note("the trail has no pages");
        s.expect(got == wanted, "the pages together are all entries with " + filters + ": " + std::to_string(wanted.size()), std::to_string(got.size()));
    }
}

void bad_queries_are_survived(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    s.control(t.count("peer_registered", a.peer_id(), 1) >= 1, "a registration is in the trail");
    for (char const* query : {"since=yesterday", "limit=0", "limit=x", "limit=-1", "cursor=never-issued", "event_type=no_such_event", "peer_id=", "since=2025-13-01T00:00:00Z"}) {
        auto const x = s.admin().get(std::string{"/audit?"} + query);
        s.expect(x.answered() && x.status() < 500, std::string{"an odd query is answered with a status below 500: "} + query, x.describe());
    }
    (void)t.get();
}

void only_for_administrators(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    auto const refused = [&](exchange const& x, std::string const& what) { s.refused(x, "reading the audit trail " + what, {.statuses = {401, 403}}); };
    refused(s.nobody().get("/audit"), "without a credential");
    refused(s.user().get("/audit"), "as a user");
    refused(a.get("/audit"), "as a peer");
    refused(a.get("/audit?peer_id=" + a.peer_id()), "as the peer it is about");
    auto const& token = s.admin_token();
    for (auto const& guess : {std::string{"Bearer " + s.canary(24)}, std::string{"Bearer "}, std::string{"Bearer"}, "Bearer " + token.substr(0, token.size() - 1), "Bearer " + token + "x", "Bearer " + token.substr(0, 1)})
        refused(s.nobody().get("/audit", {.authorization = guess}), "with a wrong token");
    refused(s.nobody().get("/audit?admin_token="), "with an empty token in the query");
    (void)t.get();
}

void nobody_clears_it(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    t.has("peer_registered", a.peer_id(), "a registration");
    auto const before = t.read("peer_id=" + a.peer_id()).entries;
    auto const clear = json::serialize(json::object{{"clear", true}});
    for (auto const& who : {s.admin(), s.nobody()}) {
        for (char const* path : {"/audit", "/audit/clear", "/api/audit/clear", "/audit?before=9999-01-01T00:00:00Z"})
            for (char const* method : {"DELETE", "POST", "PUT", "PATCH"}) {
                auto const x = who.call(method, path, std::string{method} == "DELETE" ? std::nullopt : std::optional{clear});
                s.expect(!x.ok(), std::string{method} + " " + path + " is refused", x.describe());
            }
        auto const x = who.get("/audit/clear");
        s.expect(!x.ok(), "GET /audit/clear is refused", x.describe());
    }
    auto const after = t.read("peer_id=" + a.peer_id()).entries;
    s.expect(has_all(after, before), "every entry is there as it was", std::to_string(after.size()) + " of " + std::to_string(before.size()));
    s.evidence("the entries of before");
}

registration with(registration r, json::object token) {
    r.body = set("sbt", std::move(token));
    return r;
}

/// Everything that must be nowhere goes in, by every door.
void it_keeps_no_secrets(scenario& s) {
    trail const t{s};
    std::vector<std::pair<std::string, std::string>> hidden{{"the user's pairing secret", s.account().secret}, {"the administrator's token", s.admin_token()}};
    auto const canary = [&](std::string const& what) {
        hidden.emplace_back(what, s.canary(24));
        return hidden.back().second;
    };
    std::string problems;
    auto const refuse = [&](exchange const& x) { problems += x.ok() ? "" : x.bytes() + '\n'; };
    auto const r = s.settled();
    auto const token = s.session_binding_token(r);
    hidden.emplace_back("the MAC of a session binding token", text_at(token, "/signature"));
    auto const registered = s.try_register(with(r, token));
    auto const a = s.peer_of(registered, r);
    auto forged = token;
    forged["signature"] = s.canary(8) + std::string(56, 'a');
    hidden.emplace_back("the MAC of a forged token", text_at(forged, "/signature"));
    auto const other = s.settled();
    refuse(s.try_register(with(other, forged)));

    auto const push = [&](push_options o, edit const& message) {
        o.after_signing = [&](json::object& p) { hidden.emplace_back("the signature of a push", text_at(p, "/signature").substr(0, 40)); };
        auto const c = s.conversation(s.fresh("c"), 1, {s.message("m1", canary("the content of a message"), 1, message)}, set("title", canary("a title")));
        return a.push({c}, o);
    };
    s.control(push({}, {}), "a push");
    refuse(push({.signer = s.key()}, {}));
    refuse(push({}, set("version", -1)));
    refuse(push({}, set("x_extension", json::value(canary("a member of an invalid message"))) ));
    refuse(push({.timestamp = s.in_seconds(-4000)}, {}));
    refuse(a.call("POST", "/sync/" + a.peer_id(), "{\"sync_id\": \"" + canary("a body that is no JSON")));
    refuse(s.nobody().get("/peers", {.authorization = "Bearer " + canary("a guess at the administrator's token")}));
    refuse(s.nobody().get("/audit?admin_token=" + canary("a guess in the query")));
    refuse(s.nobody().get("/conversations", {.authorization = "BSP-User " + canary("a forged assertion") + ".a.b"}));
    std::string assertion;
    refuse(a.get("/conversations", {.signer = s.key(), .request = [&](http_request& q) { assertion = *q.headers.find("Authorization"); }}));
    hidden.emplace_back("the signature of an assertion", assertion.substr(assertion.rfind('.') + 1, 40));
    s.control(s.nobody().get("/audit", {.request = [&](http_request& q) { q.headers.add("User-Agent", canary("a user agent")); }}).client_error(), "the trail is not for everyone");
    hidden.pop_back();  // a name that programs give themselves may be kept
    (void)t.count("sync_rejected", a.peer_id(), 3);
    auto const text = t.read().bytes;
    for (auto const& [what, secret] : hidden) {
        s.expect(text.find(secret) == std::string::npos, "the audit trail does not contain " + what, "it does");
        s.expect(problems.find(secret) == std::string::npos, "no problem document contains " + what, "one does");
    }
    s.evidence("the trail and " + std::to_string(hidden.size()) + " texts that must not be in it");
}

void users_are_not_named(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    s.control(push_one(s, a), "a push");
    s.control(push_one(s, a, {.signer = s.key()}).client_error(), "a push with a wrong signature is refused");
    s.control(s.user().del("/peers/" + a.peer_id()), "an unpairing");
    (void)t.count("peer_unpaired", a.peer_id());
    s.expect(t.read().bytes.find("\"" + s.account().id + "\"") == std::string::npos, "no entry has a user_id in the clear", "one has");
    s.evidence("entries");
}

void it_keeps_no_events(scenario& s) {
    trail const t{s};
    if (!s.shared().has_telemetry) s.not_applicable("the target has no telemetry");
    auto const a = s.register_peer();
    std::string const question = s.canary(24), number = s.canary(24);
    line l{s, a};
    opens(s, l, "a peer");
    auto const told = l.tell(event(s, s.fresh("source"), [&](json::object& e) {
        e["metadata"] = json::object{{"question", question}};
        e["latency_ms"] = number;
    }));
    s.control(told.rejected(), "an invalid event is rejected");
    (void)t.count("telemetry_rejected", a.peer_id());
    auto const text = t.read().bytes, answer = json::serialize(*told.answer);
    for (auto const* secret : {&question, &number}) {
        s.expect(text.find(*secret) == std::string::npos, "the audit trail does not contain what an event said", "it does");
        s.expect(answer.find(*secret) == std::string::npos, "a rejection does not contain what the event said", "it does");
    }
    s.evidence("the trail and a rejection");
}

void lines_cannot_be_forged(scenario& s) {
    trail const t{s};
    std::string const marker = s.canary(12);
    std::string const forged = R"({"timestamp": "2025-12-31T00:00:00Z", "event_type": "peer_revoked", "peer_id": ")" + marker + R"(", "details": {}})";
    for (std::string const& between : {std::string{"\n"}, std::string{"\r\n"}, std::string{"\", \"x\": \""}, std::string{"\\n"}, std::string{"\xE2\x80\xA8"}, std::string{"\x1B[2K\r"}}) {
        auto const id = (s.target_is_hosted() ? "local_sha256_00" : "hosted_sha256_00") + between + forged + between;
        (void)s.try_register({.backend_id = id});
        (void)s.try_register({.identity = set("backend_id", json::value(id))});
        (void)s.try_register({.identity = set("version", json::value("1.0" + between + forged))});
    }
    auto const path = percent_encode_segment("x\n" + forged);
    (void)s.nobody().call("POST", "/sync/" + path, "{}");
    (void)s.nobody().del("/peers/" + path, {.authorization = "Bearer " + s.canary(24)});
    (void)s.nobody().get("/audit", {.request = [&](http_request& q) { q.headers.add("User-Agent", "x\\n" + forged); }});
    auto const a = s.register_peer();
    t.has("peer_registered", a.peer_id(), "a registration after all that");
    auto const after = t.read();
    for (auto const& e : after.entries) {
        s.expect(text_at(e, "/event_type") != "peer_revoked" || text_at(e, "/peer_id") != marker, "text that pretends to be an entry is none", show(e));
        s.expect(text_at(e, "/timestamp") != "2025-12-31T00:00:00Z", "no entry has a time that a caller made up", show(e));
    }
}

void it_survives_a_restart(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    s.control(push_one(s, a), "a push");
    s.control(push_one(s, a, {.signer = s.key()}).client_error(), "a push with a wrong signature is refused");
    s.control(t.count("sync_accepted", a.peer_id()) > 0 && t.count("sync_rejected", a.peer_id()) > 0, "both are in the trail");
    auto const before = t.read("peer_id=" + a.peer_id()).entries;
    s.restart();
    auto const after = t.read("peer_id=" + a.peer_id()).entries;
    s.expect(has_all(after, before), "every entry is there after a restart, as it was", std::to_string(after.size()) + " of " + std::to_string(before.size()) + " entries");
    s.evidence("the entries of before");
}

// ---- what a user wanted done (BSP-AUD-015 … BSP-AUD-019): all of the user's data is at stake ------------------------

constexpr std::string_view acts[] = {"privacy_settings_updated", "data_exported", "data_erased"};

void needs_privacy(scenario& s) {
    if (!s.shared().has_privacy) s.not_applicable("the target has no privacy settings");
}

/// The entries of one type, and of one peer where one is named, from now on: others may have been made before, and a check
/// undoes its changes when it ends.
class newly_recorded {
public:
    newly_recorded(scenario& s, trail const& t, std::string_view type, std::string_view peer_id = {})
        : world_{s}, trail_{t}, type_{type}, query_{"event_type=" + type_ + (peer_id.empty() ? "" : "&peer_id=" + std::string{peer_id})}, before_(all()) {}

    /// At least one, as soon as it is there.
    std::vector<json::object> are(std::string const& what) const {
        auto entries = all();
        for (auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{10}; entries.size() <= before_.size() && std::chrono::steady_clock::now() < until; entries = all())
            std::this_thread::sleep_for(std::chrono::milliseconds{200});
        world_.expect(entries.size() > before_.size(), what + " is in the audit trail as " + type_, "there is no such entry");
        for (auto const& old : before_)  // wherever it stands: the order is advice
            if (auto const found = std::ranges::find(entries, old); found != entries.end()) entries.erase(found);
        return entries;
    }

private:
    [[nodiscard]] std::vector<json::object> all() const { return trail_.read(query_).entries; }

    scenario& world_;
    trail const& trail_;
    std::string type_, query_;
    std::vector<json::object> before_;
};

std::string text_of(std::vector<json::object> const& entries) {
    std::string out;
    for (auto const& e : entries) out += json::serialize(e) + '\n';
    return out;
}

void settings_are_recorded(scenario& s) {
    needs_privacy(s);
    trail const t{s};
    own_settings const mine{s};
    newly_recorded const changes{s, t, "privacy_settings_updated"};
    mine.say({{"retention_days", 3643}});
    (void)changes.are("a change of the settings");
    newly_recorded const again{s, t, "privacy_settings_updated"};
    mine.say({{"retention_days", 3643}});
    (void)again.are("a PUT that changes nothing");
    newly_recorded const by_peer{s, t, "privacy_settings_updated"};
    s.control(put_settings(s.register_peer(), {{"user_id", s.account().id}, {"retention_days", 3642}}), "a PUT of a peer");
    (void)by_peer.are("a change of the settings by a peer");
    s.evidence("changes of the settings");
}

void settings_are_not_quoted(scenario& s) {
    needs_privacy(s);
    trail const t{s};
    own_settings const mine{s};
    newly_recorded const changes{s, t, "privacy_settings_updated"};
    std::string const word = s.canary(24);
    mine.say({{"retention_days", 3643}, {"x_note", word}});
    s.expect(text_of(changes.are("a change of the settings")).find(word) == std::string::npos, "the entry has no text of the settings", "it has");
    s.evidence("a change of the settings");
}

void exports_are_recorded(scenario& s) {
    needs_privacy(s);
    trail const t{s};
    std::string const word = s.canary(24);
    s.control(s.user().write(s.fresh("c"), word), "a write");
    newly_recorded const exports{s, t, "data_exported"};
    s.control(s.user().get(export_path), "an export");
    auto const entries = exports.are("an export");
    s.expect(text_of(entries).find(word) == std::string::npos, "the entry has nothing of what was exported", "it has");
    s.evidence("an export");
}

void erasures_are_recorded(scenario& s) {
    needs_privacy(s);
    own_settings const mine{s};  // an erasure may take them with it (BSP-PRV-094)
    trail const t{s};
    auto const a = s.register_peer();
    std::string const c = s.fresh("c"), m = s.fresh("m"), word = s.canary(24), title = s.canary(24);
    s.control(a.push({s.conversation(c, 1, {s.message(m, word)}, set("title", title))}), "a push");
    s.control(t.count("sync_accepted", a.peer_id()) > 0, "the push is in the trail");
    auto const before = t.read("peer_id=" + a.peer_id()).entries;
    newly_recorded const erasures{s, t, "data_erased"};
    s.control(s.user().del(data_path), "an erasure");
    auto const text = text_of(erasures.are("an erasure"));
    for (auto const* gone : {&word, &title}) s.expect(text.find(*gone) == std::string::npos, "the entry has nothing of what was erased", "it has");
    for (auto const* id : {&c, &m}) s.expect(text.find(*id) == std::string::npos, "the entry names no conversation or message that was erased", "it does");
    auto const after = t.read("peer_id=" + a.peer_id()).entries;
    s.expect(has_all(after, before), "every entry of before is there as it was", std::to_string(after.size()) + " of " + std::to_string(before.size()));
    s.evidence("an erasure");
}

/// A request of which it is said that it was done has been done.
void refusals_are_not_recorded_as_done(scenario& s) {
    needs_privacy(s);
    trail const t{s};
    own_settings const mine{s};
    auto const counted = [&] {
        std::vector<std::size_t> n;
        for (auto const& type : acts) n.push_back(t.read("event_type=" + std::string{type}).entries.size());
        return n;
    };
    auto const settle = [&](std::string const& what) {  // what happened before a registration is in the trail before it
        auto const a = s.register_peer();
        s.control(t.count("peer_registered", a.peer_id()) > 0, "a registration " + what + " is in the trail");
    };
    settle("before all that");
    auto const before = counted();
    exactly_as const refused{.statuses = {401, 403, 400, 422}};
    s.refused(mine.try_to_say({{"retention_days", 0}}), "settings that are not valid", refused);
    s.refused(put_settings(s.user(), {{"user_id", s.fresh("somebody")}, {"sync_enabled", true}}), "settings of another user", refused);
    s.refused(put_settings(s.nobody(), {{"user_id", s.account().id}, {"sync_enabled", true}}), "settings without a credential", refused);
    s.refused(s.nobody().get(export_path), "an export without a credential", refused);
    s.refused(s.nobody().del(data_path), "an erasure without a credential", refused);
    s.refused(s.user().del(data_path, {.secret = "another secret, which nobody was given"}), "an erasure under another secret", refused);
    settle("after all that");
    auto const after = counted();
    for (std::size_t i = 0; i < after.size(); ++i)
        s.expect(after[i] <= before[i], "nothing that was refused is recorded as " + std::string{acts[i]}, std::to_string(after[i] - before[i]) + " entries");
}

constexpr unsigned of_admin = need::admin_token;

/// However many come, and however they are counted together: the first of them is there.
void the_first_refusal_is_there_at_once(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    s.control(a.push({}), "a push");
    s.control(t.count("sync_accepted", a.peer_id()) > 0, "an accepted push is in the audit trail");
    for (int i = 0; i < 5; ++i) s.refused(a.push({}, {.after_signing = [](json::object& o) { o["x"] = 1; }}), "a push changed after it was signed");
    // Reading the trail takes a moment itself.
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{2};
    std::int64_t found = 0;
    do {
        for (auto const& e : t.read("peer_id=" + a.peer_id()).entries) found += text_at(e, "/event_type") == "sync_rejected" && text_at(e, "/peer_id") == a.peer_id();
    } while (found == 0 && std::chrono::steady_clock::now() < until);
    s.expect(found > 0, "the first of several refusals is in the audit trail within two seconds, as sync_rejected of the peer", "there is no such entry");
    s.expect(found <= 5, "no more entries than refusals", std::to_string(found));
}

/// Whoever outranks all others for good does so with one great version (BSP-MRG-074).
void leaps_are_recorded(scenario& s) {
    trail const t{s};
    auto const a = s.register_peer();
    constexpr std::int64_t far = std::int64_t{1} << 32;
    auto const c = s.fresh("c"), d = s.fresh("c"), e = s.fresh("c");
    auto const has = [&](std::vector<json::object> const& pushed, std::int64_t leaps, std::string const& what) {
        newly_recorded const entries{s, t, "sync_accepted", a.peer_id()};
        s.control(a.push(pushed), "a push of " + what);
        json::value const entry(entries.are("a push of " + what).front());
        auto const* told = at(entry, "/details/version_leaps");
        if (leaps == 0) return s.expect(!told, "the entry about " + what + " has no version_leaps", show(entry));
        s.expect(told && *told == json::value(leaps), "the entry about " + what + " has version_leaps " + std::to_string(leaps), show(entry));
    };
    has({s.conversation(c, 1, {s.message("m1", "x")}), s.conversation(d, 5 * far, {s.message("m1", "x", 2)})}, 0, "two conversations of which nothing was seen");
    has({s.conversation(c, 1 + far, {})}, 0, "a version that is 2^32 greater");
    has({s.conversation(c, 2 + 2 * far, {})}, 1, "a version that is 2^32 + 1 greater");
    has({s.conversation(c, 2 + 2 * far, {s.message("m2", "x", 3 + 3 * far)})}, 1, "a message of a version that is 2^32 + 1 greater");
    has({s.conversation(c, 3 + 3 * far, {s.message("m3", "x", 3 + 3 * far)}), s.conversation(d, 4 * far, {s.message("m2", "x", 6 * far)})}, 0, "versions that outrank others of their conversations by less");
    has({s.conversation(c, 4 + 4 * far, {}), s.conversation(e, 1, {}), s.conversation(d, 1, {s.message("m3", "x", 9 * far)})}, 2, "three conversations, two of them with a great version");
}

check const checks[] = {
    {.id = "aud/version-leaps", .title = "versions that leap are recorded", .clauses = {"BSP-MRG-074"}, .impact = "somebody who outranks all others for good is never noticed", .likely_cause = "the entry is made without a look at the versions", .run = leaps_are_recorded, .needs = of_admin, .strength = obligation::should},
    {.id = "aud/first-refusal", .title = "the first of several refusals is recorded at once", .clauses = {"BSP-AUD-013"}, .impact = "who watches the trail sees an attack when it is over", .likely_cause = "refusals are counted first and written by a job", .run = the_first_refusal_is_there_at_once, .needs = of_admin, .strength = obligation::should},
    {.id = "aud/lives", .title = "registrations, pushes, unpairings and revocations are recorded", .clauses = {"BSP-AUD-001", "BSP-AUD-002", "BSP-AUD-009"}, .impact = "nobody can tell afterwards which device was let in and what it did", .likely_cause = "the call that records is missing on one path", .run = lives_are_recorded, .needs = of_admin},
    {.id = "aud/forged-token", .title = "a forged session binding token is recorded", .clauses = {"BSP-AUD-003"}, .impact = "somebody who tries tokens is never noticed", .likely_cause = "refusals return before they are recorded", .run = forged_tokens_are_recorded, .needs = of_admin},
    {.id = "aud/other-key", .title = "a registration with another key is recorded", .clauses = {"BSP-AUD-004"}, .impact = "an attempt to take over a device is never noticed", .likely_cause = "only failures of the token are recorded", .run = rejected_registrations_are_recorded, .needs = of_admin},
    {.id = "aud/refused-push", .title = "refused pushes are recorded under their peer", .clauses = {"BSP-AUD-005"}, .impact = "somebody who acts in a device's name is never noticed", .likely_cause = "only what is accepted is recorded", .run = rejected_pushes_are_recorded, .needs = of_admin},
    {.id = "aud/refused-event", .title = "rejected telemetry is recorded under its peer", .clauses = {"BSP-AUD-006"}, .impact = "a peer that sends nonsense is never noticed", .likely_cause = "the stream has error handling of its own", .run = rejected_events_are_recorded, .needs = of_admin | need::sockets},
    {.id = "aud/limited", .title = "a peer beyond its budget is recorded", .clauses = {"BSP-AUD-007"}, .impact = "floods are seen only by those who suffer them", .likely_cause = "the limiter answers before anything is recorded", .run = limits_are_recorded, .needs = of_admin},
    {.id = "aud/guess", .title = "a wrong administrator's token is recorded", .clauses = {"BSP-AUD-008"}, .impact = "somebody may guess for months", .likely_cause = "the administrator's door has code of its own", .run = guesses_are_recorded, .needs = of_admin | need::alone},
    {.id = "aud/form", .title = "every entry has its four members", .clauses = {"BSP-AUD-020", "BSP-GEN-050"}, .impact = "programs that watch the trail break, and nobody watches", .likely_cause = "entries are made by hand in many places", .run = entries_have_their_form, .needs = of_admin},
    {.id = "aud/types", .title = "every entry has a type of the registry", .clauses = {"BSP-AUD-024"}, .impact = "programs that watch the trail pass over what they do not know", .likely_cause = "a name of one's own, or the registry's in other letters", .run = types_are_of_the_registry, .needs = of_admin, .strength = obligation::should},
    {.id = "aud/users", .title = "no entry has a user_id in the clear", .clauses = {"BSP-AUD-022"}, .impact = "whoever reads the trail knows who uses the backend, and when", .likely_cause = "the registration is recorded as it is", .run = users_are_not_named, .needs = of_admin, .strength = obligation::should},
    {.id = "aud/filters", .title = "event_type, peer_id and since select what they say, and nothing less", .clauses = {"BSP-AUD-032", "BSP-AUD-034"}, .impact = "whoever looks for an intruder is shown others, or not that one", .likely_cause = "one filter is ignored when another is given", .run = filters_hold, .needs = of_admin | need::patience},
    {.id = "aud/pages", .title = "limit holds, and the pages are complete", .clauses = {"BSP-AUD-033", "BSP-AUD-034", "BSP-AUD-031"}, .impact = "entries between two pages are never seen", .likely_cause = "the limit comes before the filter", .run = pages_are_complete, .needs = of_admin},
    {.id = "aud/odd-queries", .title = "odd queries do not make the server fail", .clauses = {"BSP-AUD-035"}, .impact = "the trail cannot be read when it matters", .likely_cause = "parameters are used as they come", .run = bad_queries_are_survived, .needs = of_admin},
    {.id = "aud/admin-only", .title = "nobody but the administrator reads the audit trail", .clauses = {"BSP-AUD-030"}, .impact = "who talks to whom, and when, is known to everyone", .likely_cause = "the endpoint was meant for debugging", .run = only_for_administrators, .needs = of_admin},
    {.id = "aud/append-only", .title = "nobody can clear or change the audit trail", .clauses = {"BSP-AUD-012"}, .impact = "an intruder wipes out the traces", .likely_cause = "a clear endpoint that was handy in tests", .run = nobody_clears_it, .needs = of_admin},
    {.id = "aud/secrets", .title = "neither the trail nor problem documents contain secrets, signatures or content", .clauses = {"BSP-AUD-021", "BSP-AUD-040"}, .impact = "whoever reads a log reads the conversations, or becomes one of the devices", .likely_cause = "the request, or the text of an exception, is recorded as it is", .run = it_keeps_no_secrets, .needs = of_admin},
    {.id = "aud/event-secrets", .title = "neither the trail nor rejections contain what an event said", .clauses = {"BSP-AUD-021"}, .impact = "whoever reads a log reads what people asked", .likely_cause = "the event is recorded as it is", .run = it_keeps_no_events, .needs = of_admin | need::sockets},
    {.id = "aud/lines", .title = "no text that a caller sends becomes an entry", .clauses = {"BSP-AUD-023"}, .impact = "an intruder writes the trail", .likely_cause = "lines are made by joining texts", .run = lines_cannot_be_forged, .needs = of_admin},
    {.id = "aud/flood", .title = "refusals push nothing out of the audit trail", .clauses = {"BSP-AUD-034", "BSP-AUD-012"}, .impact = "an intruder wipes out the traces by knocking at the door", .likely_cause = "the trail is a ring of the last thousand entries",
     .run = floods_push_nothing_out, .needs = of_admin | need::sockets | need::alone},
    {.id = "aud/settings", .title = "changes of the privacy settings are recorded", .clauses = {"BSP-AUD-015"}, .impact = "nobody can tell who switched a person's redaction off, or when", .likely_cause = "the endpoint came after the trail", .run = settings_are_recorded, .needs = of_admin | need::alone},
    {.id = "aud/settings-words", .title = "what the privacy settings say in words is not recorded", .clauses = {"BSP-AUD-019"}, .impact = "the trail keeps what a person wrote into the settings", .likely_cause = "the body is recorded as it is", .run = settings_are_not_quoted, .needs = of_admin | need::alone, .strength = obligation::should},
    {.id = "aud/export", .title = "exports are recorded", .clauses = {"BSP-AUD-016"}, .impact = "a copy of a person's life leaves the house unnoticed", .likely_cause = "only what changes something is recorded", .run = exports_are_recorded, .needs = of_admin | need::alone},
    {.id = "aud/erasure", .title = "erasures are recorded with counts only, and leave the trail whole", .clauses = {"BSP-AUD-017", "BSP-AUD-019", "BSP-AUD-012"}, .impact = "an intruder erases a person's data and the traces with it, or the trail keeps a list of what the person wanted gone", .likely_cause = "the trail is taken for the user's data, or what was erased for the entry", .run = erasures_are_recorded, .needs = of_admin | need::alone},
    {.id = "aud/not-done", .title = "what was refused is not recorded as done", .clauses = {"BSP-AUD-025"}, .impact = "the trail says that data was erased which is still there", .likely_cause = "the entry is made before the request is judged", .run = refusals_are_not_recorded_as_done, .needs = of_admin | need::alone, .strength = obligation::should},
    {.id = "aud/restart", .title = "the audit trail survives a restart", .clauses = {"BSP-AUD-011"}, .impact = "a crash wipes out the traces", .likely_cause = "entries are held in memory", .run = it_survives_a_restart, .needs = of_admin | need::restart_hook | need::alone},
    {.id = "aud/every-answer-form", .title = "every entry of the trail that the suite was given has the members of its table", .clauses = {"BSP-AUD-020", "BSP-GEN-050"}, .impact = broken_by_a_form, .likely_cause = cause_of_a_form,
     .run = audit_forms, .needs = need::at_the_end | need::admin_token},
};

}  // namespace

group audit_group() { return {"audit", profile::sec, checks}; }

}  // namespace bsp::conformance
