#include "../fuzz/leaks.hpp"
#include "../registry.hpp"
#include "answer_forms.hpp"
#include "../scenario.hpp"
#include "../surroundings.hpp"
#include "edits.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/crypto/rsa.hpp>

#include <algorithm>
#include <regex>
#include <set>

// Chapter 4, what a registration answers: members, endpoints, peer ids, the challenge.

namespace bsp::conformance {
namespace {

exactly_as const invalid_body{.statuses = {400, 422}, .codes = {"invalid-body"}};

/// Scheme, authority and path of an absolute URL; empty when it is none.
struct url_parts {
    std::string origin, path;
};

url_parts split_url(std::string const& url) {
    auto const scheme = url.find("://");
    if (scheme == std::string::npos) return {};
    auto const slash = std::min(url.find('/', scheme + 3), url.size());
    return {url.substr(0, slash), url.substr(slash)};
}

// ---- members ---------------------------------------------------------------------------------------------

void answer_is_complete(scenario& s) {
    auto const x = s.try_register();
    s.accepted(x, "a registration");
    s.exactly(x.status() == 200, "status 200", x.describe());
    s.expect(x.body().is_object(), "an object", show(x.body()));
    s.expect(x.text("/status") == "registered", "status is \"registered\"", x.text("/status"));
    auto const peer_id = x.text("/peer_id");
    static std::regex const peer_id_form{"^peer_[0-9a-f]{32,123}$"};
    s.expect(std::regex_match(peer_id, peer_id_form), "peer_id matches ^peer_[0-9a-f]{32,}$ and has at most 128 characters", peer_id);

    static std::regex const http{"^https?://[^/?#\\s]+(/[^?#\\s]*)?$"}, http_or_ws{"^(https?|wss?)://[^/?#\\s]+(/[^?#\\s]*)?$"};
    auto const sync = x.text("/sync_endpoint"), telemetry = x.text("/telemetry_endpoint");
    s.expect(std::regex_match(sync, http), "sync_endpoint is an absolute http or https URL", sync);
    s.expect(sync.ends_with("/sync/" + peer_id), "sync_endpoint ends with /sync/ and the peer_id", sync + " for " + peer_id);
    s.expect(std::regex_match(telemetry, http_or_ws), "telemetry_endpoint is an absolute http, https, ws or wss URL", telemetry);
    s.expect(telemetry.ends_with("/telemetry/" + peer_id), "telemetry_endpoint ends with /telemetry/ and the peer_id", telemetry + " for " + peer_id);
    auto const base_path = [&](std::string const& url, std::string const& tail) { auto const path = split_url(url).path; return path.substr(0, path.size() - tail.size()); };
    s.expect(base_path(sync, "/sync/" + peer_id) == base_path(telemetry, "/telemetry/" + peer_id), "both endpoints stand at the same base path", sync + " and " + telemetry);

    auto const* interval = x.at("/sync_interval_ms");
    auto const milliseconds = integer_at(x.body(), "/sync_interval_ms");
    s.expect(milliseconds >= 1000 && milliseconds <= 300'000, "sync_interval_ms is an integer from 1000 to 300000", interval ? show(*interval) : "absent");
    if (milliseconds != 5000) s.note("sync_interval_ms is " + std::to_string(milliseconds) + "; 5000 unless configured otherwise");
    s.expect(x.at("/challenge_signature") == nullptr, "no challenge_signature, for there was no challenge", "there is one");

    auto const named = s.fresh("sbt");
    auto const with_id = s.try_register({.sbt = set("sbt_id", named)});
    s.control(with_id, "a registration with a token that has an sbt_id");
    if (with_id.at("/sbt_id")) s.expect(with_id.text("/sbt_id") == named, "sbt_id, where it is sent, is that of the token", show(*with_id.at("/sbt_id")));
}

void endpoint_leads_to_the_peer(scenario& s) {
    peer const peers[] = {s.register_peer(), s.register_peer()};
    for (auto const& p : peers) {
        auto const endpoint = split_url(text_at(p.registration(), "/sync_endpoint"));
        s.expect(!endpoint.path.empty(), "sync_endpoint is an absolute URL with a path", text_at(p.registration(), "/sync_endpoint"));
        s.note("sync_endpoint is at " + endpoint.origin);
        auto const c = s.fresh("c");
        auto const follow = [&](http_request& request) { request.target = endpoint.path; };
        s.accepted(p.push({s.conversation(c, 1, {s.message("m1", "arrived")})}, {.request = follow}), "a push to the path of the sync_endpoint that was answered");
        auto const read = p.read(c);
        s.control(read, "reading the conversation");
        s.expect(find_by_id(read.body(), "/messages", "m1") != nullptr, "the message that was pushed", show(read.body()));
        s.accepted(p.get("/sync/" + p.peer_id() + "?limit=1", {.claims = [&](json::object& o) { o["htu"] = endpoint.path + "?limit=1"; },
                                                             .request = [&](http_request& request) { request.target = endpoint.path + "?limit=1"; }}),
                   "a pull from the path of the sync_endpoint");
    }
}

void headers_do_not_shape_urls(scenario& s) {
    auto const base = [&](exchange const& x, char const* member, std::string const& name) {
        auto const url = x.text(member), id = x.text("/peer_id");
        auto const tail = '/' + name + '/' + id;
        return url.size() >= tail.size() ? url.substr(0, url.size() - tail.size()) : url;
    };
    auto const plain = s.try_register();
    s.control(plain, "a registration with ordinary header fields");
    auto const sync = base(plain, "/sync_endpoint", "sync"), telemetry = base(plain, "/telemetry_endpoint", "telemetry");
    struct {
        char const* name;
        char const* value;
    } constexpr fields[] = {{"Host", "evil.example"},
                            {"Host", "evil.example:8443"},
                            {"X-Forwarded-Host", "evil.example"},
                            {"X-Forwarded-Proto", "gopher"},
                            {"X-Forwarded-Scheme", "gopher"},
                            {"X-Forwarded-Port", "6666"},
                            {"X-Forwarded-Prefix", "/evil"},
                            {"X-Forwarded-Server", "evil.example"},
                            {"X-Original-Host", "evil.example"},
                            {"X-Host", "evil.example"},
                            {"X-Script-Name", "/evil"},
                            {"X-Original-URL", "/evil/register-peer"},
                            {"X-Rewrite-URL", "/evil/register-peer"},
                            {"Forwarded", "for=192.0.2.1;host=evil.example;proto=gopher"},
                            {"Referer", "https://evil.example/"}};
    for (auto const& field : fields) {
        auto const x = s.try_register({.request = [&](http_request& request) { request.headers.add(field.name, field.value); }});
        if (!x.ok()) {  // a server or a proxy before it may turn such a request away
            s.note(std::string{"refused with "} + field.name + ": " + field.value + ": " + x.describe());
            continue;
        }
        auto const what = std::string{" as without "} + field.name + ": " + field.value;
        s.expect(base(x, "/sync_endpoint", "sync") == sync, "sync_endpoint begins with " + sync + what, x.text("/sync_endpoint"));
        s.expect(base(x, "/telemetry_endpoint", "telemetry") == telemetry, "telemetry_endpoint begins with " + telemetry + what, x.text("/telemetry_endpoint"));
    }
}

// ---- peer ids --------------------------------------------------------------------------------------------

void peer_ids_are_random(scenario& s) {
    constexpr std::size_t draws = 12, digits = 32, digits_of_a_uuid = 31;
    std::vector<std::string> drawn;
    for (std::size_t i = 0; i < draws; ++i) {
        auto const x = s.try_register();
        s.control(x, "a registration");
        auto const id = x.text("/peer_id");
        static std::regex const form{"^peer_[0-9a-f]{32,123}$"};
        s.expect(std::regex_match(id, form), "peer_id matches ^peer_[0-9a-f]{32,}$ and has at most 128 characters", id);
        drawn.push_back(id.substr(5));
    }
    s.expect(std::set<std::string>(drawn.begin(), drawn.end()).size() == draws, "12 registrations have 12 peer ids", show(drawn));
    // A digit that is drawn stays the same in 12 draws once in 10^13.
    std::size_t shortest = drawn.front().size(), moving = 0;
    for (auto const& one : drawn) shortest = std::min(shortest, one.size());
    // Counters and clocks, wherever in the id they are, move by little from one registration to the next: what only
    // such stretches of 16 digits hold is not drawn. Beside 32 digits that are, an id may have others.
    std::vector<bool> far(shortest);
    for (std::size_t at = 0; at + 16 <= shortest; ++at) {
        bool apart = true;
        for (std::size_t i = 1; i < draws && apart; ++i) {
            auto const before = std::stoull(drawn[i - 1].substr(at, 16), nullptr, 16), after = std::stoull(drawn[i].substr(at, 16), nullptr, 16);
            apart = (after > before ? after - before : before - after) > 0xFFFF;
        }
        if (apart) std::fill_n(far.begin() + static_cast<std::ptrdiff_t>(at), 16, true);
    }
    for (std::size_t at = 0; at < shortest; ++at)
        moving += far[at] && std::any_of(drawn.begin(), drawn.end(), [&](auto const& one) { return one[at] != drawn.front()[at]; });
    auto const seen = std::to_string(moving) + " do, as in " + drawn[0] + " and " + drawn[1];
    s.expect(moving >= digits_of_a_uuid, "32 hexadecimal digits differ between peer ids, by more than a counter or a clock does", seen);
    // Six bits short of the clause, and beyond anybody's guessing all the same.
    s.exactly(moving >= digits, "32 hexadecimal digits (128 bits) differ between peer ids; a version 4 UUID has 122 random bits", seen);
}

// ---- the challenge ---------------------------------------------------------------------------------------

std::string fresh_challenge(std::size_t octets = 32) {
    bytes drawn(octets);
    random_bytes(drawn);
    return to_base64url(drawn);
}

/// What `x` answered to `challenge` is signed for that answer, and for no other.
void is_signed_for(scenario& s, std::string const& challenge, exchange const& x, std::string const& what) {
    auto const parsed = rsa_public_key::from_pem(s.identity().public_key_pem);
    s.control(parsed.has_value(), "the key of /identity is readable");
    s.accepted(x, what);
    auto const* text = x.at("/challenge_signature");
    s.expect(text && text->is_string(), "a challenge_signature", text ? show(*text) : "absent");
    auto const signature = from_base64(x.text("/challenge_signature"));
    s.expect(signature.has_value(), "challenge_signature is base64 with padding", show(*text));

    auto const quoted = [](std::string const& name, std::string const& value) { return '"' + name + "\": \"" + value + '"'; };
    auto const backend = quoted("backend_id", s.identity().backend_id), nonce = quoted("challenge", challenge), id = quoted("peer_id", x.text("/peer_id")), typ = quoted("typ", "bsp-challenge");
    auto const verifies = [&](std::string const& signed_text) { return parsed->verify_ps256(signed_text, *signature); };
    std::string seen = "it verifies over none of the objects tried, by the key of /identity";
    if (verifies('{' + backend + ", " + nonce + ", " + id + '}')) seen = "it was made without typ";
    else if (verifies('{' + backend + ", " + nonce + ", " + typ + '}')) seen = "it was made without peer_id";
    else if (verifies('{' + nonce + ", " + id + ", " + typ + '}')) seen = "it was made without backend_id";
    else if (verifies(challenge)) seen = "it was made over the challenge alone";
    s.expect(verifies('{' + backend + ", " + nonce + ", " + id + ", " + typ + '}'),
             "the challenge_signature of " + what + " is PS256 by the key of /identity over backend_id, challenge, peer_id and typ, nothing else", seen);
}

void challenge_is_signed(scenario& s) {
    auto const r = s.settled();
    for (int round = 0; round < 3; ++round) {  // the third registers the same backend again
        auto const challenge = round == 1 ? std::string(42, '-') + 'A' : fresh_challenge();
        auto how = round == 1 ? s.settled() : r;
        how.body = set("challenge", challenge);
        is_signed_for(s, challenge, s.try_register(how), "a registration with a challenge");
    }
}

/// A challenge that comes once more is signed once more: for the registration that it came with.
void challenge_comes_again(scenario& s) {
    auto const challenge = fresh_challenge();
    auto r = s.settled({.created = std::chrono::seconds{-60}, .body = set("challenge", challenge)});
    auto const first = s.try_register(r);
    is_signed_for(s, challenge, first, "a registration with a challenge");
    is_signed_for(s, challenge, s.try_register(r), "the same registration with the same challenge");
    is_signed_for(s, challenge, s.try_register(s.settled({.body = set("challenge", challenge)})), "a registration of another backend with the same challenge");
    if (s.shared().options.users.size() > 1) {
        auto theirs = r;
        theirs.user = s.other_account();
        is_signed_for(s, challenge, s.try_register(theirs), "another user's registration of the backend with the same challenge");
    }
    s.control(s.peer_of(first, r).unpair(), "the unpairing");
    r.created = std::chrono::seconds{60};
    auto const again = s.try_register(r);
    is_signed_for(s, challenge, again, "a registration after the unpairing with the same challenge");
    s.control(again.text("/peer_id") != first.text("/peer_id"), "the registration after the unpairing has another peer_id");
}

void challenge_has_one_form(scenario& s) {
    auto const right = fresh_challenge();
    auto slashes = std::string(42, '/') + '8';
    for (auto const& v : {variant{"empty", set("challenge", "")},
                          variant{"31 bytes", set("challenge", fresh_challenge(31))},
                          variant{"33 bytes", set("challenge", fresh_challenge(33))},
                          variant{"16 bytes", set("challenge", fresh_challenge(16))},
                          variant{"64 bytes", set("challenge", fresh_challenge(64))},
                          variant{"padded", set("challenge", right + '=')},
                          variant{"in standard base64", set("challenge", slashes)},
                          variant{"42 characters", set("challenge", right.substr(0, 42))},
                          variant{"followed by a line end", set("challenge", right + '\n')},
                          variant{"with a character of no base64", set("challenge", '!' + right.substr(1))},
                          variant{"32 bytes in hexadecimal", set("challenge", to_hex(from_base64url(right).value_or(bytes{})))},
                          variant{"null", set("challenge", nullptr)},
                          variant{"a number", set("challenge", 1)},
                          variant{"an object", set("challenge", json::object{})}}) {
        auto const x = s.try_register({.body = v.change});
        s.refused(x, "a registration whose challenge is " + v.label, invalid_body);
        auto const leak = fuzz::leak_in(x.bytes(), x.details().request.body, {});
        s.expect(leak.empty(), "the refusal of a challenge that is " + v.label + " tells nothing of the inside", leak);
    }
    s.control(s.try_register({.body = set("challenge", right)}), "a registration with a challenge of 32 bytes");
}

// ---- endpoints of the other side -------------------------------------------------------------------------

json::object endpoints_of(std::string const& base, std::string const& socket_base, std::string const& peer_id) {
    return {{"peer_id", peer_id}, {"sync_endpoint", base + "/sync/" + peer_id}, {"telemetry_endpoint", socket_base + "/telemetry/" + peer_id}};
}

void endpoints_are_taken(scenario& s) {
    std::string const id = "peer_5f0c9a7be1d24e3380c6a1f29b7d4e10";
    auto extended = endpoints_of("https://hosted.example/bsp", "wss://hosted.example/bsp", id);
    extended["sync_interval_ms"] = 5000;
    extended["zone"] = "eu";
    auto longest = endpoints_of("https://hosted.example/bsp", "wss://hosted.example/bsp", id);
    longest["sync_endpoint"] = "https://hosted.example/" + std::string(2048 - 23, 'a');
    s.control(s.try_register(), "a registration without endpoints");
    for (auto const& [label, endpoints] : std::initializer_list<std::pair<char const*, json::object>>{
             {"of https and wss", endpoints_of("https://hosted.example/bsp", "wss://hosted.example/bsp", id)},
             {"of https alone", endpoints_of("https://hosted.example", "https://hosted.example", id)},
             {"of http and ws on a loopback address", endpoints_of("http://127.0.0.1:8000", "ws://127.0.0.1:8000", id)},
             {"with a peer_id of another form", endpoints_of("https://hosted.example", "wss://hosted.example", "PEER-1")},
             {"with a peer_id of 128 characters", endpoints_of("https://hosted.example", "wss://hosted.example", std::string(128, 'p'))},
             {"with a URL of 2048 characters", longest},
             {"with more members", extended}})
        s.accepted(s.try_register({.body = set("endpoints", endpoints)}), std::string{"a registration with endpoints "} + label);
}

void endpoints_have_one_form(scenario& s) {
    auto const right = endpoints_of("https://hosted.example/bsp", "wss://hosted.example/bsp", "peer_5f0c9a7be1d24e3380c6a1f29b7d4e10");
    auto const changed = [&](edit const& change) {
        auto out = right;
        change(out);
        return set("endpoints", out);
    };
    std::vector<variant> all{{"a string", set("endpoints", "x")},  {"a URL", set("endpoints", "https://hosted.example/bsp")}, {"null", set("endpoints", nullptr)},
                             {"true", set("endpoints", true)},      {"an array", set("endpoints", json::array{right})},         {"empty", set("endpoints", json::object{})}};
    for (std::string const name : {"peer_id", "sync_endpoint", "telemetry_endpoint"}) {
        all.push_back({"without " + name, changed(drop(name))});
        all.push_back({"with the " + name + " null", changed(set(name, nullptr))});
        all.push_back({"with a number for " + name, changed(set(name, 1))});
        all.push_back({"with an empty " + name, changed(set(name, ""))});
    }
    all.push_back({"with a relative sync_endpoint", changed(set("sync_endpoint", "/sync/peer_1"))});
    all.push_back({"with a relative telemetry_endpoint", changed(set("telemetry_endpoint", "telemetry/peer_1"))});
    all.push_back({"with a peer_id of 129 characters", changed(set("peer_id", std::string(129, 'p')))});
    all.push_back({"with a sync_endpoint of 2049 characters", changed(set("sync_endpoint", "https://hosted.example/" + std::string(2049 - 23, 'a')))});
    for (auto const& v : all) s.refused(s.try_register({.body = v.change}), "a registration whose endpoints are " + v.label, invalid_body);
    s.control(s.try_register({.body = set("endpoints", right)}), "a registration with endpoints of the three members");
}

check const checks[] = {
    {.id = "reg/answer",
     .title = "a registration is answered with all its members, in their forms",
     .clauses = {"BSP-REG-001", "BSP-REG-004", "BSP-REG-007", "BSP-REG-012", "BSP-REG-017", "BSP-GEN-032"},
     .impact = "the registered backend does not learn where to sync",
     .likely_cause = "endpoints built without the base URL, or the interval sent as text",
     .run = answer_is_complete},
    {.id = "reg/endpoint-leads-here",
     .title = "the sync_endpoint that was answered leads to the registration",
     .clauses = {"BSP-REG-015", "BSP-REG-012"},
     .impact = "the first sync after pairing fails with 404 or 401",
     .likely_cause = "the configured base URL lacks the prefix, or the URL holds another peer's id",
     .run = endpoint_leads_to_the_peer},
    {.id = "reg/base-url",
     .title = "header fields of the request do not shape the endpoints",
     .clauses = {"BSP-REG-014", "BSP-REG-013"},
     .impact = "whoever can set a header diverts the user's conversations to a server of their own",
     .likely_cause = "URLs built by a framework helper from Host or X-Forwarded-*",
     .run = headers_do_not_shape_urls},
    {.id = "reg/peer-id-random",
     .title = "peer ids have at least 128 random bits",
     .clauses = {"BSP-REG-008", "BSP-REG-007"},
     .impact = "ids can be guessed or collide, and tell how many pairings there are",
     .likely_cause = "a counter, a clock, or a shortened UUID",
     .run = peer_ids_are_random},
    {.id = "reg/challenge",
     .title = "the challenge is signed by the identity's key, bound to callee and peer_id",
     .clauses = {"BSP-REG-021", "BSP-REG-019", "BSP-GEN-038", "BSP-GEN-045"},
     .impact = "a relay can pose as this backend, or lend a signature made for somebody else",
     .likely_cause = "challenge ignored, signed by another key, or signed without typ, backend_id or peer_id",
     .run = challenge_is_signed},
    {.id = "reg/challenge-again",
     .title = "a challenge that was signed before is signed for the registration that it comes with now",
     .clauses = {"BSP-REG-021", "BSP-REG-031"},
     .impact = "whoever looks at the signature takes the backend for an impostor, and a device can never be paired again",
     .likely_cause = "signatures are kept by challenge, or by backend_id and challenge",
     .run = challenge_comes_again, .needs = need::all_users},
    {.id = "reg/challenge-form",
     .title = "a challenge that is not 32 bytes in base64url without padding is refused",
     .clauses = {"BSP-REG-020", "BSP-GEN-091"},
     .impact = "the backend can be made to sign text that somebody else chose",
     .likely_cause = "the challenge is signed as it comes, undecoded",
     .run = challenge_has_one_form},
    {.id = "reg/endpoints",
     .title = "a registration with valid endpoints is accepted",
     .clauses = {"BSP-REG-058"},
     .impact = "the second half of every pairing fails",
     .likely_cause = "a schema that forbids additional members, or that knows one scheme only",
     .run = endpoints_are_taken},
    {.id = "reg/endpoints-form",
     .title = "a registration with malformed endpoints is refused",
     .clauses = {"BSP-REG-059"},
     .impact = "the pairing looks complete and can never sync",
     .likely_cause = "endpoints stored without a look",
     .run = endpoints_have_one_form},
    {.id = "reg/every-answer-form", .title = "every answer about registrations that the suite was given has the members of its table",
     .clauses = {"BSP-REG-001", "BSP-REG-034", "BSP-REG-041", "BSP-GEN-028", "BSP-GEN-050"}, .impact = broken_by_a_form, .likely_cause = cause_of_a_form, .run = registration_forms, .needs = need::at_the_end},
};

}  // namespace

group registration_group() { return {"registration", profile::reg, checks}; }

}  // namespace bsp::conformance
