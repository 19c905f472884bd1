#include "../fields.hpp"
#include "habits.hpp"
#include "telemetry.hpp"

#include "../surroundings.hpp"
#include "../target/web_frame.hpp"

#include <bsp/base/encoding.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

namespace bsp::conformance {

namespace {

void peer_opens(scenario& s) {
    auto const a = s.register_peer();
    line l{s, a};
    s.expect(l.open(), "the upgrade of a peer is answered with 101", l.handshake().describe());
    auto const* key = l.handshake().details().request.headers.find("Sec-WebSocket-Key");
    auto const* accept = l.handshake().header("Sec-WebSocket-Accept");
    s.expect(accept && *accept == accept_value(*key), "Sec-WebSocket-Accept answers the key", accept ? *accept : "absent");
    acked(s, l.tell(event(s, s.fresh("src"))), "an event");
}

void upgrades_are_not_stored(scenario& s) {
    telemetry_ground g{s};
    auto const& of_upgrade = g.l.handshake().details().got.response.headers;
    s.exactly(lists(of_upgrade, "Cache-Control", "no-store"), "the answer to an upgrade has Cache-Control: no-store", joined(of_upgrade, "Cache-Control"));
    auto const list = s.user().get("/telemetry/events?limit=1");
    s.control(list.ok(), "the list of events");
    auto const& of_list = list.details().got.response.headers;
    s.exactly(lists(of_list, "Cache-Control", "no-store"), "the list of events has Cache-Control: no-store", joined(of_list, "Cache-Control"));
}

/// Somebody who should be refused, and a peer who is not, before and after.
void refuses(scenario& s, std::string const& what, telemetry_ground& g, line l, exactly_as const& form = {.statuses = {401}}) {
    auto const e = g.next();
    line_refused(s, l, what, e, form);
    s.expect(count_of(g.stored(), id_of(e)) == 0, "what was sent by " + what + " is not stored", "it is");
}

void nobody_is_refused(scenario& s) {
    telemetry_ground g{s};
    refuses(s, "an upgrade without a credential", g, line{s, "-", "/telemetry/" + g.a.peer_id(), ""});
    refuses(s, "an upgrade with the peer_id for a bearer token", g, line{s, "-", "/telemetry/" + g.a.peer_id(), "Bearer " + g.a.peer_id()});
    g.goes_on("the refusals");
}

void unknown_peer_is_refused(scenario& s) {
    telemetry_ground g{s};
    auto unknown = g.a.peer_id();
    for (std::size_t i = unknown.size() - 8; i < unknown.size(); ++i) unknown[i] = unknown[i] == '0' ? '1' : '0';
    line l{s, g.a, "/telemetry/" + unknown, line_options{}};
    auto const e = g.next();
    line_refused(s, l, "an upgrade for an unknown peer", e, {.statuses = {404, 401}});
    if (l.open() && l.close_code() == 1008 && l.close_reason() != "Peer not found") s.note("the reason of the close is \"" + l.close_reason() + "\", not \"Peer not found\"");
    s.expect(count_of(g.stored(), id_of(e)) == 0, "an event for an unknown peer is not stored", "it is");
    g.goes_on("the refusal");
}

void others_are_refused(scenario& s) {
    telemetry_ground g{s};
    auto const b = s.register_peer();
    std::string const path = "/telemetry/" + g.a.peer_id();
    refuses(s, "another peer's assertion", g, line{s, b, {.path = path}}, {.statuses = {401, 403, 404}});
    refuses(s, "an assertion for the peer, signed by another", g,
            line{s, b, {.call = {.claims = both(set("sub", g.a.peer_id()), set("iss", g.a.backend_id()))}, .path = path}}, {.statuses = {401, 403}});
    refuses(s, "the user's assertion", g, line{s, s.user(), path}, {.statuses = {401, 403}});
    if (s.shared().options.admin_token) refuses(s, "the admin token", g, line{s, s.admin(), path}, {.statuses = {401, 403}});
    line of_b{s, b};
    opens(s, of_b, "the other peer on its own path");
    g.goes_on("the refusals");
}

void assertion_is_checked(scenario& s) {
    telemetry_ground g{s};
    auto const now = s.now().seconds;
    for (auto const& [what, change] : {variant{"for another backend", set("aud", "hosted_sha256_0000000000000000")}, {"for another method", set("htm", "POST")},
                                       {"for another path", set("htu", s.target_path("/telemetry/events"))}, {"for the path of pushes", set("htu", s.target_path("/sync/" + g.a.peer_id()))},
                                       {"that has expired", both(set("iat", now - 200), set("exp", now - 5))}, {"from the future", both(set("iat", now + 400), set("exp", now + 600))},
                                       {"that lives too long", set("exp", now + 900)}, {"without a jti", drop("jti")}})
        refuses(s, "an assertion " + what, g, line{s, g.a, {.call = {.claims = change}}}, {.statuses = {401, 403}});
    for (auto const& [what, change] : {variant{"with alg none", set("alg", "none")}, {"of a user's typ", set("typ", "bsp-user+jwt")}})
        refuses(s, "an assertion " + what, g, line{s, g.a, {.call = {.header = change}}});
    refuses(s, "an assertion with a broken signature", g, line{s, g.a, {.call = {.assertion = [](std::string& t) { t[t.size() - 40] = t[t.size() - 40] == 'A' ? 'B' : 'A'; }}}});
    g.goes_on("the refusals");
}

void query_counts(scenario& s) {
    telemetry_ground g{s};
    auto const path = "/telemetry/" + g.a.peer_id();
    line with{s, g.a, {.path = path + "?client=suite"}};
    s.expect(with.open(), "an upgrade with a query that its assertion names is answered with 101", with.handshake().describe());
    acked(s, with.tell(g.next()), "an event on it");
    refuses(s, "an assertion without the query of the upgrade", g, line{s, g.a, {.call = {.claims = set("htu", s.target_path(path))}, .path = path + "?client=suite"}});
}

void jti_opens_once(scenario& s) {
    telemetry_ground g{s};
    auto const path = "/telemetry/" + g.a.peer_id();
    auto const authorization = g.a.authorization("GET", path);
    line first{s, g.a.name(), path, authorization};
    opens(s, first, "an assertion");
    is_acked(s, first.tell(g.next()), "an event under it");
    refuses(s, "the same assertion a second time", g, line{s, g.a.name() + ", again", path, authorization});
    first.close();
    refuses(s, "the same assertion after its connection was closed", g, line{s, g.a.name() + ", again", path, authorization});
    line fresh{s, g.a};
    opens(s, fresh, "an assertion of its own");
}

void jti_opens_once_at_a_time(scenario& s) {
    auto const a = s.register_peer();
    auto const path = "/telemetry/" + a.peer_id();
    auto const source = s.fresh("src");
    for (int round = 0; round < 3; ++round) {
        auto const authorization = a.authorization("GET", path);
        std::vector<json::object> events;
        for (int i = 0; i < 6; ++i) events.push_back(event(s, source));
        std::vector<std::future<bool>> running;
        std::atomic<int> ready = 0;
        for (auto const& e : events)
            running.push_back(std::async(std::launch::async, [&, &e = e] {
                ++ready;
                while (ready < 6) std::this_thread::yield();
                line l{s, a.name(), path, authorization};
                return l.open() && l.tell(e, milliseconds{2'500}).acked();
            }));
        int used = 0;
        for (auto& r : running) used += r.get();
        s.control(used >= 1, "one of the upgrades opens");
        s.expect(used <= 1, "of six upgrades at once with one assertion at most one opens", std::to_string(used) + " did");
    }
}

void ended_peers_are_refused(scenario& s) {
    telemetry_ground g{s};
    auto const b = s.register_peer({.signing_key = s.fresh_key()});
    line before{s, b};
    opens(s, before, "the peer before its unpairing");
    before.close();
    s.control(b.unpair(), "the unpairing");
    refuses(s, "an unpaired peer", g, line{s, b}, {.statuses = {401, 403, 404}});
    g.goes_on("the refusal");
}

void revoked_peers_are_refused(scenario& s) {
    telemetry_ground g{s};
    auto const b = s.register_peer({.signing_key = s.fresh_key()});
    line before{s, b};
    opens(s, before, "the peer before its revocation");
    before.close();
    s.control(s.admin().del("/peers/" + b.peer_id()), "the revocation");
    refuses(s, "a revoked peer", g, line{s, b}, {.statuses = {401, 403, 404}});
    g.goes_on("the refusal");
}

void plain_get_is_told(scenario& s) {
    telemetry_ground g{s};
    auto const x = g.a.get("/telemetry/" + g.a.peer_id());
    s.refused(x, "a GET without an upgrade", {.statuses = {426}, .codes = {"upgrade-required"}});
    auto const& fields = x.details().got.response.headers;
    if (x.status() == 426) s.exactly(lists(fields, "Upgrade", "websocket"), "a 426 answer has Upgrade: websocket", joined(fields, "Upgrade"));
    s.refused(s.nobody().get("/telemetry/" + g.a.peer_id()), "a GET without an upgrade and a credential", {.statuses = {401, 426}});
    g.goes_on("the plain requests");
}

void handshake_is_checked(scenario& s) {
    telemetry_ground g{s};
    auto const with = [](std::string name, std::string value) { return [=](http_request& r) { r.headers.set(name, value); }; };
    struct row { char const* what; std::function<void(http_request&)> change; };
    for (auto const& [what, change] : {row{"without a key", with("Sec-WebSocket-Key", std::string(1, '\0'))}, {"with a key of three bytes", with("Sec-WebSocket-Key", "YWJj")},
                                       {"of version 12", with("Sec-WebSocket-Version", "12")}, {"without a version", with("Sec-WebSocket-Version", std::string(1, '\0'))},
                                       {"to h2c", with("Upgrade", "h2c")}}) {
        line l{s, g.a, {.call = {.request = change}}};
        s.expect(!l.open() && l.handshake().client_error(), std::string{"an upgrade "} + what + " is answered with 4xx", l.handshake().describe());
    }
    g.goes_on("the refusals");
}

void handshakes_have_spellings(scenario& s) {
    telemetry_ground g{s};
    auto const with = [](std::string name, std::string value) { return [=](http_request& r) { r.headers.set(name, value); }; };
    struct row { char const* what; std::function<void(http_request&)> change; };
    for (auto const& [what, change] : {row{"Connection: keep-alive, Upgrade", with("Connection", "keep-alive, Upgrade")}, {"Connection: upgrade", with("Connection", "upgrade")}, {"Upgrade: WebSocket", with("Upgrade", "WebSocket")},
                                       {"a subprotocol and an extension on offer", [](http_request& r) {
                                            r.headers.add("Sec-WebSocket-Protocol", "bsp-suite, chat");
                                            r.headers.add("Sec-WebSocket-Extensions", "x-bsp-suite; level=9");
                                        }}}) {
        line l{s, g.a, {.call = {.request = change}}};
        s.expect(l.open(), std::string{"an upgrade with "} + what + " is answered with 101", l.handshake().describe());
        auto const* extension = l.handshake().header("Sec-WebSocket-Extensions");
        s.expect(!extension, "no extension is chosen", extension ? *extension : "");
        acked(s, l.tell(g.next()), std::string{"an event after an upgrade with "} + what);
    }
}

void origin_is_checked(scenario& s) {
    telemetry_ground g{s};
    for (char const* origin : {"https://evil.example", "null", "http://localhost.evil.example"}) {
        line l{s, g.a, {.call = {.request = [origin](http_request& r) { r.headers.set("Origin", origin); }}}};
        auto const e = g.next();
        line_refused(s, l, std::string{"an upgrade from the origin "} + origin, e, {.statuses = {403}});
        s.expect(count_of(g.stored(), id_of(e)) == 0, "what a page of another origin sent is not stored", "it is");
    }
    g.goes_on("the refusals");
}

void several_at_a_time(scenario& s) {
    telemetry_ground g{s};
    line second{s, g.a};
    s.expect(second.open(), "a second connection of the same peer opens", second.handshake().describe());
    acked(s, second.tell(g.next()), "an event on the second connection");
    g.goes_on("the second connection");
}

/// Two users may have paired one backend: each registration has connections of its own.
void other_users_lines_stay(scenario& s) {
    auto r = s.settled();
    telemetry_ground mine{s, r};
    r.user = s.other_account();
    telemetry_ground theirs{s, r};
    s.control(mine.a.unpair(), "the unpairing by one user");
    s.expect_in_time(mine.l.wait_for_close(milliseconds{3'500}) != 0, "the connection of the registration that was unpaired is closed", "it stays open");
    theirs.goes_on("another user's unpairing of the same backend");
    line again{s, theirs.a};
    s.expect(again.open(), "the other user's registration of the same backend may open a connection", again.handshake().describe());
    acked(s, again.tell(theirs.next()), "an event on it");
}

constexpr unsigned on_sockets = need::sockets;

/// As many as one household may have, and nobody says a word on them.
void idle_lines(scenario& s) {
    constexpr int many = 50;
    auto const a = s.register_peer(), b = s.register_peer();
    std::vector<std::unique_ptr<line>> idle;
    int open = 0;
    for (int i = 0; i < many; ++i) {
        idle.push_back(std::make_unique<line>(s, a));
        open += idle.back()->open();
    }
    s.control(open > 0, "a peer opens connections, got " + idle.front()->handshake().describe());
    s.note(std::to_string(open) + " idle connections of one peer");
    line l{s, b};
    s.expect(l.open(), "another peer opens a connection beside " + std::to_string(open) + " idle ones", l.handshake().describe());
    acked(s, l.tell(event(s, s.fresh("src"))), "an event on it");
    s.accepted(b.get("/conversations?limit=1"), "a request beside them");
}

check const checks[] = {
    {.id = "tel/idle-lines", .title = "idle connections keep nobody else out", .clauses = {"BSP-TEL-077"}, .impact = "whoever opens connections and falls silent stops everybody's telemetry",
     .likely_cause = "a worker, or a place in a short list, for each connection", .run = idle_lines, .needs = need::sockets | need::alone},
    {.id = "tel/opens", .title = "a peer's upgrade is answered with 101, and its event is acknowledged", .clauses = {"BSP-TEL-020", "BSP-TEL-040"}, .impact = "no telemetry arrives",
     .likely_cause = "the assertion is judged as for another method or path", .run = peer_opens, .needs = on_sockets},
    {.id = "tel/no-store", .title = "the answer to an upgrade, and the list, are not to be stored", .clauses = {"BSP-GEN-105"}, .impact = "a proxy keeps what people asked", .likely_cause = "the library's answer to an upgrade", .run = upgrades_are_not_stored, .needs = on_sockets,
     .about = aspect::exactness},
    {.id = "tel/no-credential", .title = "who has no credential is refused, and nothing sent is stored", .clauses = {"BSP-TEL-022", "BSP-TEL-021", "BSP-TEL-030"},
     .impact = "anybody writes events into anybody's account", .likely_cause = "the connection is accepted before the peer is verified", .run = nobody_is_refused, .needs = on_sockets},
    {.id = "tel/unknown-peer", .title = "the connection of an unknown peer is refused", .clauses = {"BSP-TEL-025", "BSP-TEL-021", "BSP-TEL-030", "BSP-TEL-031"}, .impact = "connections that nobody owns stay open",
     .likely_cause = "the peer is looked up with the first event", .run = unknown_peer_is_refused, .needs = on_sockets},
    {.id = "tel/other-peer", .title = "only the peer of the path may open its connection", .clauses = {"BSP-TEL-024", "BSP-TEL-021", "BSP-TEL-030"}, .impact = "one peer writes another's events, and uses up its budget",
     .likely_cause = "the signature is verified, the path is not", .run = others_are_refused, .needs = on_sockets},
    {.id = "tel/assertion", .title = "the assertion of an upgrade is checked like every other", .clauses = {"BSP-TEL-023", "BSP-TEL-021"}, .impact = "an assertion that was made for something else opens a connection",
     .likely_cause = "upgrades bypass the middleware that verifies assertions", .run = assertion_is_checked, .needs = on_sockets},
    {.id = "tel/upgrade-query", .title = "the query of an upgrade is part of htu", .clauses = {"BSP-TEL-023", "BSP-TEL-020"}, .impact = "clients behind a router by query cannot connect", .likely_cause = "the path is compared alone",
     .run = query_counts, .needs = on_sockets},
    {.id = "tel/jti", .title = "an assertion opens one connection", .clauses = {"BSP-TEL-028"}, .impact = "who sees one upgrade can open connections for minutes", .likely_cause = "the replay cache covers changes only",
     .run = jti_opens_once, .needs = on_sockets},
    {.id = "tel/jti-concurrent", .title = "of upgrades at once with one assertion at most one opens", .clauses = {"BSP-TEL-029"}, .impact = "a replay beside the original succeeds",
     .likely_cause = "the jti is looked up and stored in two steps", .run = jti_opens_once_at_a_time, .needs = on_sockets},
    {.id = "tel/unpaired-elsewhere", .title = "an unpairing by one user leaves the same backend's connections for another", .clauses = {"BSP-REG-031", "BSP-TEL-020"}, .impact = "one person's removal of a shared machine cuts off the others", .likely_cause = "sockets are looked up by backend_id",
     .run = other_users_lines_stay, .needs = on_sockets | need::second_user},
    {.id = "tel/unpaired", .title = "an unpaired peer is refused", .clauses = {"BSP-TEL-026"}, .impact = "a device that was sold goes on sending", .likely_cause = "sockets look into a cache of peers", .run = ended_peers_are_refused, .needs = on_sockets},
    {.id = "tel/revoked", .title = "a revoked peer is refused", .clauses = {"BSP-TEL-026"}, .impact = "a stolen key goes on sending", .likely_cause = "revocation is enforced for pushes only", .run = revoked_peers_are_refused,
     .needs = on_sockets | need::admin_token},
    {.id = "tel/plain-get", .title = "a GET that asks for no upgrade is told so", .clauses = {"BSP-TEL-033", "BSP-TEL-034"}, .impact = "a misconfigured proxy looks like a fault of the server", .likely_cause = "a framework's route for sockets only",
     .run = plain_get_is_told, .needs = on_sockets},
    {.id = "tel/handshake", .title = "what is no opening handshake of RFC 6455 is refused", .clauses = {"BSP-TEL-035"}, .impact = "clients wait for frames that never come", .likely_cause = "only the Upgrade field is looked at",
     .run = handshake_is_checked, .needs = on_sockets, .strength = obligation::should},
    {.id = "tel/handshake-spellings", .title = "an upgrade is one in every spelling, and with offers that nobody needs", .clauses = {"BSP-TEL-020"}, .impact = "some browsers and libraries cannot connect", .likely_cause = "Connection is compared as a whole, or with its case",
     .run = handshakes_have_spellings, .needs = on_sockets},
    {.id = "tel/origin", .title = "a local backend refuses upgrades from foreign origins", .clauses = {"BSP-TEL-032"}, .impact = "any web page opens connections to the backend on one's machine",
     .likely_cause = "browsers do not apply the same-origin policy to WebSockets, and nobody else did", .run = origin_is_checked, .needs = on_sockets | need::local_target},
    {.id = "tel/lost-connections", .title = "connections that break off do not keep their peer from opening others", .clauses = {"BSP-TEL-020"}, .impact = "a phone that loses its network now and then is locked out until the server is restarted",
     .likely_cause = "a connection is counted when it opens, and taken off when it is closed properly", .run = lost_connections_cost_nothing, .needs = on_sockets},
    {.id = "tel/several-connections", .title = "a peer may have several connections", .clauses = {"BSP-TEL-036"}, .impact = "a client that lost its connection waits until the server has noticed", .likely_cause = "connections are kept by peer",
     .run = several_at_a_time, .needs = on_sockets, .strength = obligation::should},
};

}  // namespace

group telemetry_connection_group() { return {"telemetry_connection", profile::tel, checks}; }

}  // namespace bsp::conformance
