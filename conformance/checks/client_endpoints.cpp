#include "as_client.hpp"
#include "../surroundings.hpp"
#include "client_telemetry.hpp"

#include <algorithm>

// Chapters 4 and 10, where a client may send: to the endpoints that were registered last, at origins that its operator has
// listed. The suite is the other backend.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::size_t arrivals_at(stand_in const& b) {
    std::size_t calls = 0;
    for (auto what : {arrival::route::push, arrival::route::pull, arrival::route::health, arrival::route::stream, arrival::route::other}) calls += b.arrivals(what).size();
    return calls;
}

std::string sync_endpoint_of(stand_in const& b) {
    json::object const all = b.endpoints();
    return std::string{json::view(all.at("sync_endpoint").get_string())};
}

void never_called(scenario& s, stand_in const& unlisted, std::string const& when = {}) {
    auto const calls = arrivals_at(unlisted);
    s.expect(calls == 0, "no connection to an origin that the operator has not listed" + when, std::to_string(calls) + " requests to " + unlisted.door().origin());
}

void unlisted_origins_are_never_called(scenario& s) {
    auto const account = s.account();
    stand_in listed{s, {.user = account}}, unlisted{s, {.user = account, .elsewhere = true}};
    listed.settle();
    auto const c = s.fresh("c");
    write(s, listed.user(), c);
    s.expect(listed.delivered(soon, c), "a push to the peer whose origin is listed", "none");
    pass(seconds{11});  // /health is asked for every 10 s
    never_called(s, unlisted);
}

/// Each URL is one that a client connects to, and telemetry may live at an origin of its own.
void streams_go_to_listed_origins(scenario& s) {
    auto const account = s.account();
    stand_in unlisted{s, {.user = account, .elsewhere = true}};
    stand_in b{s, {.user = account, .endpoints = [&](json::object& o) { o["telemetry_endpoint"] = unlisted.endpoints()["telemetry_endpoint"]; }}};
    b.settle();
    provoke(s, b, seconds{12}, [&] { return arrivals_at(unlisted) > 0; });
    never_called(s, unlisted, ", which only telemetry_endpoint names");
}

/// Who is registered may register again, with endpoints that nobody has looked at.
void later_endpoints_are_looked_at(scenario& s) {
    auto const account = s.account();
    stand_in listed{s, {.user = account}}, unlisted{s, {.user = account, .elsewhere = true}};
    listed.settle();
    s.control(listed.register_endpoints(seconds{20}, unlisted.endpoints()), "a repeated registration with endpoints of another origin");
    provoke(s, listed, seconds{12}, [&] { return arrivals_at(unlisted) > 0; });
    never_called(s, unlisted, ", which a repeated registration named");
}

/// URLs of one origin in which the text of another, listed one stands.
void disguised_origins_are_never_called(scenario& s) {
    auto const account = s.account();
    stand_in listed{s, {.user = account}}, unlisted{s, {.user = account, .elsewhere = true}};
    auto const name = listed.door().origin(), there = unlisted.door().origin();
    auto const host = there.substr(there.find("://") + 3), rest = sync_endpoint_of(unlisted).substr(there.size());
    // A backend may refuse such URLs as well as leave them alone.
    for (auto const& [base, what] : {std::pair{name + "@" + host + rest, "as the name of a user"}, std::pair{there + rest + "?of=" + name, "in the query"}, std::pair{there + rest + "#" + name, "in the fragment"}}) {
        registration disguised = s.settled({.user = account});
        disguised.body = [&](json::object& body) { body["endpoints"] = json::object{{"peer_id", unlisted.id_of_target()}, {"sync_endpoint", base}, {"telemetry_endpoint", base}}; };
        auto const x = s.try_register(disguised);
        s.control(x.ok() || (x.status() >= 400 && x.status() < 500), std::string{"the registration of an endpoint that has the listed origin "} + what);
    }
    listed.settle();
    provoke(s, listed, seconds{12}, [&] { return arrivals_at(unlisted) > 0; });
    never_called(s, unlisted, ", whose URL has the text of a listed one in it");
}

/// A backend that has moved says so by registering again.
void endpoints_may_move(scenario& s) {
    stand_in b{s};
    b.settle();
    std::string const moved = "moved~" + s.fresh("id");
    s.control(b.register_endpoints(seconds{20}, b.endpoints(moved)), "a repeated registration with other endpoints");
    pass(slack);  // a push that was about to begin may have looked at the endpoints before
    auto const since = std::chrono::steady_clock::now();
    auto const is_at = [&](arrival const& a) { return a.request.target.starts_with("/sync/" + moved); };
    auto const c = s.fresh("c");
    write(s, b.user(), c);
    s.expect(b.delivered(soon + seconds{2}, c), "a push of a change to the sync_endpoint that was registered last", "none");
    auto const push = b.pushes_of(c).back();
    s.expect(is_at(push) && text_at(push.body, "/peer_id") == moved, "the push at the endpoint that was registered last, with its peer_id: " + moved, push.request.target + " with " + text_at(push.body, "/peer_id"));
    auto const pulled = [&] {
        auto const all = b.pulls();
        return std::any_of(all.begin(), all.end(), is_at);
    };
    s.expect(b.until(seconds{5} + 2 * slack, pulled), "a pull from the sync_endpoint that was registered last", "none");
    auto const all = exchanges_since(b, since);
    bool const stays = !std::all_of(all.begin(), all.end(), is_at);
    s.expect(!stays, "nothing more at the sync_endpoint of before", "a push or a pull");
}

void hosted_never_calls_local(scenario& s) {
    stand_in b{s};
    s.evidence("a registration with endpoints was accepted");
    for (int i = 0; i < 3; ++i) {
        write(s, b.user(), s.fresh("c"));
        pass(seconds{4});
    }
    auto const calls = arrivals_at(b);
    s.expect(calls == 0, "no connection from a hosted backend to a local one", std::to_string(calls) + " requests");
}

check const checks[] = {
    {.id = "off/allow-list",
     .title = "an origin that the operator has not listed is never called",
     .clauses = {"BSP-REG-060"},
     .impact = "whoever can pair makes the backend call addresses of its internal network",
     .likely_cause = "endpoints are dialled as they were registered",
     .run = unlisted_origins_are_never_called,
     .needs = as_client},
    {.id = "off/allow-list-telemetry",
     .title = "a telemetry endpoint at an origin that the operator has not listed is never called",
     .clauses = {"BSP-REG-060"},
     .impact = "whoever can pair makes the backend call addresses of its internal network",
     .likely_cause = "the origin of the sync endpoint is looked up, and stands for both",
     .run = streams_go_to_listed_origins,
     .needs = as_client},
    {.id = "off/allow-list-later",
     .title = "endpoints of a repeated registration are looked up as those of the first",
     .clauses = {"BSP-REG-060"},
     .impact = "a backend registers an origin that is listed, and then the one that it wants called",
     .likely_cause = "origins are looked up where the work for a peer begins, and never again",
     .run = later_endpoints_are_looked_at,
     .needs = as_client},
    {.id = "off/allow-list-disguised",
     .title = "a URL that has the text of a listed origin in it is not of that origin",
     .clauses = {"BSP-REG-060"},
     .impact = "the list of origins keeps nobody out who knows one of them",
     .likely_cause = "origins are compared as the beginning or a part of a text",
     .run = disguised_origins_are_never_called,
     .needs = as_client},
    {.id = "off/endpoints-move",
     .title = "what was registered last says where pushes and pulls go",
     .clauses = {"BSP-REG-027"},
     .impact = "a backend that moves to another address is never heard of again",
     .likely_cause = "endpoints are stored with the first registration only",
     .run = endpoints_may_move,
     .needs = as_client},
    {.id = "off/hosted-does-not-call",
     .title = "a hosted backend never calls a local one",
     .clauses = {"BSP-REG-062"},
     .impact = "a server on the internet sends requests into people's homes",
     .likely_cause = "both types share the client",
     .run = hosted_never_calls_local,
     .needs = need::peer_listener | need::hosted_target},
};

}  // namespace

group client_endpoints_group() { return {"client_endpoints", profile::off, checks}; }

}  // namespace bsp::conformance
