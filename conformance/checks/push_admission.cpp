#include "../registry.hpp"
#include "ground.hpp"

#include <cctype>

// Section 6.2: to whom a push is addressed, and when it was signed.

namespace bsp::conformance {
namespace {

exactly_as const unknown_peer{.statuses = {404}, .codes = {"unknown-peer"}};
exactly_as const wrong_audience{.statuses = {403}, .codes = {"wrong-audience", "forbidden"}};
exactly_as const stale_request{.statuses = {401}, .codes = {"stale-request"}};

edit naming(char const* member, std::string value) {
    return [member, value = std::move(value)](json::object& p) { p[member] = value; };
}

std::string upper_case(std::string text) {
    for (auto& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

/// A push, by A's key, as if `id` were A's peer id.
exchange push_as(ground const& g, std::string const& id, push_options o = {}) {
    o.before_signing = naming("peer_id", id);
    o.path = "/sync/" + id;
    return g.push(o);
}

exchange pull_as(ground const& g, std::string const& id) {
    return g.a.get("/sync/" + id, {.claims = [&](json::object& claims) { claims["sub"] = id; }});
}

void unknown_peers_are_unknown(scenario& s) {
    ground const g{s};
    auto const own = g.a.peer_id();
    auto other_end = own;
    other_end.back() = other_end.back() == '0' ? '1' : '0';
    std::pair<char const*, std::string> const ids[] = {
        {"an id that nobody has", "peer_" + std::string(32, '0')},
        {"the caller's own id with another last character", other_end},
        {"the caller's own id and one character more", own + "0"},
        {"the caller's own id and one character less", own.substr(0, own.size() - 1)},
        {"the caller's own backend_id", g.a.backend_id()},
        {"the target's own backend_id", s.identity().backend_id},
    };
    for (auto const& [what, id] : ids) {
        s.refused(push_as(g, id), std::string{"a push to "} + what, unknown_peer);
        s.refused(pull_as(g, id), std::string{"a pull from "} + what, unknown_peer);
    }
    if (upper_case(own) != own) s.refused(push_as(g, upper_case(own)), "a push to the caller's own id in upper case", unknown_peer);
    s.control(g.a.pull({.limit = 1}), "a pull under the caller's own id");
    g.was_spared("pushes to unknown peers");
}

void no_name_opens_the_door(scenario& s) {
    ground const g{s};
    auto const stranger = s.fresh_key();
    for (std::string const stem : {"local_", "test_", "hosted_", "dev_", "admin", "localhost", "local_sha256_0123456789abcdef", "peer_test", "system"}) {
        auto const id = stem.back() == '_' || stem == "peer_test" ? s.fresh(stem) : stem;
        s.refused(push_as(g, id, {.signer = stranger}), "a push of the unregistered peer " + stem, unknown_peer);
        s.refused(push_as(g, id, {.sign = false}), "an unsigned push of the unregistered peer " + stem, unknown_peer);
        s.refused(g.a.get("/sync/" + id, {.claims = [&](json::object& c) { c["sub"] = id; }, .signer = stranger}), "a pull of the unregistered peer " + stem, unknown_peer);
        s.refused(s.nobody().get("/sync/" + id), "a pull of the unregistered peer " + stem + " without a credential", {.statuses = {404, 401}});
    }
    g.was_spared("pushes of unregistered peers");
}

void peer_id_of_the_body(scenario& s) {
    ground const g{s};
    auto const b = s.register_peer();
    auto const own = g.a.peer_id();
    g.refuses("A's push whose peer_id is B's", {.before_signing = naming("peer_id", b.peer_id())}, wrong_audience);
    g.refuses("a push whose peer_id nobody has", {.before_signing = naming("peer_id", "peer_" + std::string(32, 'f'))}, wrong_audience);
    g.refuses("a push whose peer_id is the caller's backend_id", {.before_signing = naming("peer_id", g.a.backend_id())}, wrong_audience);
    g.refuses("a push whose peer_id lacks its last character", {.before_signing = naming("peer_id", own.substr(0, own.size() - 1))}, wrong_audience);
    if (upper_case(own) != own) g.refuses("a push whose peer_id is in upper case", {.before_signing = naming("peer_id", upper_case(own))}, wrong_audience);
    g.was_spared("pushes that name another peer");
}

void target_of_the_body(scenario& s) {
    ground const g{s};
    auto const own = s.identity().backend_id;
    for (auto const& [what, id] : {std::pair<char const*, std::string>{"another backend", s.fresh_backend_id(s.identity().backend_type)},
                                   {"a backend of the other type", s.fresh_backend_id()},
                                   {"the caller itself", g.a.backend_id()},
                                   {"the target's id and one digit more", own + "0"},
                                   {"the target's id and one digit less", own.substr(0, own.size() - 1)}})
        g.refuses(std::string{"a push whose target_backend_id is "} + what, {.before_signing = naming("target_backend_id", id)}, wrong_audience);
    g.was_spared("pushes for another backend");
}

void source_of_the_body(scenario& s) {
    ground const g{s};
    auto const b = s.register_peer();
    auto const own = g.a.backend_id();
    for (auto const& [what, id] : {std::pair<char const*, std::string>{"B's backend_id", b.backend_id()},
                                   {"a backend that nobody registered", s.fresh_backend_id()},
                                   {"the target itself", s.identity().backend_id},
                                   {"the caller's id and one digit more", own + "0"},
                                   {"the caller's id and one digit less", own.substr(0, own.size() - 1)}})
        g.refuses(std::string{"A's push whose source_backend_id is "} + what, {.before_signing = naming("source_backend_id", id)}, wrong_audience);
    g.was_spared("pushes from another backend");
}

void audience_may_be_absent(scenario& s) {
    auto const a = s.register_peer();
    char const* const names[] = {"peer_id", "source_backend_id", "target_backend_id"};
    for (unsigned absent = 1; absent < 8; ++absent) {
        std::string what;
        for (unsigned i = 0; i < 3; ++i)
            if (absent >> i & 1) what += (what.empty() ? "" : ", ") + std::string{names[i]};
        auto const c = s.fresh("c");
        auto const x = a.push({s.conversation(c, 1, {s.message("m1", "one")})}, {.before_signing = [&](json::object& p) {
                                  for (unsigned i = 0; i < 3; ++i)
                                      if (absent >> i & 1) p.erase(names[i]);
                              }});
        s.accepted(x, "a push without " + what);
        s.expect(message_ids(s, a, c) == std::vector<std::string>{"m1"}, "the message of the push without " + what, show(message_ids(s, a, c)));
    }
}

void typ_is_for_others(scenario& s) {
    ground const g{s};
    for (json::value const& typ : {json::value("bsp-unpair"), json::value("bsp-peer+jwt"), json::value("sync"), json::value(""), json::value(nullptr), json::value(1)})
        g.refuses("a push with typ " + show(typ), {.before_signing = [&](json::object& p) { p["typ"] = typ; }}, {});
    g.was_spared("signed objects of another type");
}

void old_pushes_are_stale(scenario& s) {
    ground const g{s};
    for (int const seconds : {-330, -600, -3'600, -86'400, -365 * 86'400})
        g.refuses("a push signed " + std::to_string(-seconds) + " s ago", {.timestamp = s.in_seconds(seconds)}, stale_request);
    g.refuses("a push signed two hours ago, as its offset tells", {.timestamp = spelled(s.now(), 0, "+02:00")}, stale_request);
    g.refuses("a push signed two hours ago, its wall clock four hours ahead of that", {.timestamp = spelled(s.now() + std::chrono::hours{-2}, 240, "+04:00")}, stale_request);
    g.refuses("a push signed in 1970", {.timestamp = "1970-01-01T00:00:00Z"}, stale_request);
    g.was_spared("stale pushes");
}

void pushes_from_the_future_are_refused(scenario& s) {
    ground const g{s};
    for (int const seconds : {330, 600, 3'600, 86'400, 365 * 86'400})
        g.refuses("a push signed " + std::to_string(seconds) + " s ahead", {.timestamp = s.in_seconds(seconds)}, stale_request);
    g.refuses("a push signed two hours ahead, as its offset tells", {.timestamp = spelled(s.now(), 0, "-02:00")}, stale_request);
    g.refuses("a push signed two hours ahead, its wall clock four hours behind that", {.timestamp = spelled(s.now() + std::chrono::hours{2}, -240, "-04:00")}, stale_request);
    g.refuses("a push signed in the year 9999", {.timestamp = "9999-12-31T23:59:59Z"}, stale_request);
    g.was_spared("pushes from the future");
}

void five_minutes_are_fresh(scenario& s) {
    auto const a = s.register_peer();
    for (int const seconds : {-280, -250, -120, -61, -31, 0, 31, 61, 120, 250, 280}) {
        auto const c = s.fresh("c");
        auto const when = std::to_string(std::abs(seconds)) + (seconds < 0 ? " s ago" : " s ahead");
        s.accepted(a.push({s.conversation(c, 1, {s.message("m1", "one")})}, {.timestamp = s.in_seconds(seconds)}), "a push signed " + when);
        s.expect(message_ids(s, a, c) == std::vector<std::string>{"m1"}, "the message of the push signed " + when, show(message_ids(s, a, c)));
    }
}

void any_spelling_is_fresh(scenario& s) {
    auto const a = s.register_peer();
    struct {
        char const* what;
        int minutes;
        char const* suffix;
        bool lower = false;
    } const spellings[] = {
        {"with the offset +02:00", 120, "+02:00"}, {"with the offset -05:30", -330, "-05:30"}, {"with the offset +14:00", 840, "+14:00"},
        {"with the offset +00:00", 0, "+00:00"},   {"with the offset -00:00", 0, "-00:00"},     {"without an offset", 0, ""},
        {"in lower case", 0, "Z", true},           {"with nine fractional digits", 0, ".123456789Z"}, {"with one fractional digit and an offset", 60, ".5+01:00"},
    };
    for (auto const& one : spellings) {
        auto text = spelled({s.now().seconds, 0}, one.minutes, one.suffix);
        if (one.lower)
            for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        auto const c = s.fresh("c");
        s.accepted(a.push({s.conversation(c, 1, {s.message("m1", "one")})}, {.timestamp = text}), std::string{"a push of now, its timestamp "} + one.what);
        s.expect(message_ids(s, a, c) == std::vector<std::string>{"m1"}, "the message of the push " + text, show(message_ids(s, a, c)));
    }
}

check const checks[] = {
    {.id = "syn/unknown-peer",
     .title = "a push to, and a pull from, a peer id that was never given are answered with 404",
     .clauses = {"BSP-AUT-056", "BSP-GEN-060"},
     .impact = "an unpaired client never learns that it must register, or a stranger gets in",
     .likely_cause = "the peer is looked up by another key than its exact id, or created on the fly",
     .run = unknown_peers_are_unknown},
    {.id = "syn/no-privileged-prefix",
     .title = "no name, such as local_x or test_x, takes the place of a registration",
     .clauses = {"BSP-GEN-061", "BSP-AUT-056"},
     .impact = "anybody pushes who knows the magic word",
     .likely_cause = "a bypass for tests or for the local peer was left in",
     .run = no_name_opens_the_door},
    {.id = "syn/audience-peer",
     .title = "a signed push whose peer_id is not the path's is refused and changes nothing",
     .clauses = {"BSP-SYN-034"},
     .impact = "a push captured on one path is replayed on another",
     .likely_cause = "peer_id in the body is never compared with the path",
     .run = peer_id_of_the_body},
    {.id = "syn/audience-target",
     .title = "a signed push for another backend is refused and changes nothing",
     .clauses = {"BSP-SYN-035"},
     .impact = "a push that was captured at one backend is replayed at another one",
     .likely_cause = "target_backend_id is never compared with the own backend_id",
     .run = target_of_the_body},
    {.id = "syn/audience-source",
     .title = "a signed push that names another source than the registered one is refused and changes nothing",
     .clauses = {"BSP-SYN-036"},
     .impact = "one backend passes its data off as another's",
     .likely_cause = "source_backend_id is never compared with the registration",
     .run = source_of_the_body},
    {.id = "syn/audience-absent",
     .title = "a push without peer_id, source_backend_id or target_backend_id is accepted",
     .clauses = {"BSP-SYN-037", "BSP-SYN-020"},
     .impact = "peers that do not send the optional members cannot sync",
     .likely_cause = "optional members of the payload were made required",
     .run = audience_may_be_absent},
    {.id = "syn/typ",
     .title = "a signed object with a member typ is not taken for a push",
     .clauses = {"BSP-GEN-046"},
     .impact = "an object signed for another purpose is replayed as a push",
     .likely_cause = "typ is ignored as any unknown member",
     .run = typ_is_for_others},
    {.id = "syn/stale",
     .title = "a push that was signed more than five minutes ago is refused and changes nothing",
     .clauses = {"BSP-SYN-028", "BSP-SYN-029"},
     .impact = "whoever captured a push can replay it for ever",
     .likely_cause = "the payload's timestamp is not compared with the clock, or its offset is ignored",
     .run = old_pushes_are_stale},
    {.id = "syn/ahead",
     .title = "a push that was signed more than five minutes ahead is refused and changes nothing",
     .clauses = {"BSP-SYN-028", "BSP-SYN-029"},
     .impact = "pushes signed for the future can be replayed until then",
     .likely_cause = "only the age of a push is checked, not its distance from now",
     .run = pushes_from_the_future_are_refused},
    {.id = "syn/fresh-window",
     .title = "pushes signed within five minutes before and after now are accepted",
     .clauses = {"BSP-SYN-030"},
     .impact = "devices whose clocks err by a minute cannot sync",
     .likely_cause = "a window smaller than 300 s, or none for clocks that run ahead",
     .run = five_minutes_are_fresh},
    {.id = "syn/fresh-offset",
     .title = "a fresh timestamp may be spelled with an offset, without one, and in lower case",
     .clauses = {"BSP-SYN-030", "BSP-GEN-051", "BSP-GEN-052"},
     .impact = "peers whose libraries write +00:00 or no offset cannot sync",
     .likely_cause = "the timestamp is compared as text, or a time without offset is read as local time",
     .run = any_spelling_is_fresh},
};

}  // namespace

group push_admission_group() { return {"push_admission", profile::syn, checks}; }

}  // namespace bsp::conformance
