#include "../registry.hpp"
#include "../surroundings.hpp"
#include "ground.hpp"

#include <algorithm>

// What holds of every answer (sections 1.2, 1.3, 1.10, 1.12). These checks come last: they judge what was answered to all the
// others, and to a round of refusals of their own, which goes past every endpoint with the same few mistakes.

namespace bsp::conformance {
namespace {

struct place {
    std::string method, path;
    bool takes_body;
};

/// Every endpoint that refuses something, for this caller and conversation.
std::vector<place> places(peer const& a, std::string const& c) {
    return {{"POST", "/register-peer", true},
            {"POST", "/sync/" + a.peer_id(), true},
            {"GET", "/sync/" + a.peer_id(), false},
            {"GET", "/conversations", false},
            {"GET", "/conversations/" + c, false},
            {"DELETE", "/conversations/" + c, false},
            {"POST", "/conversations/" + c + "/messages", true},
            {"DELETE", "/conversations/" + c + "/messages/none", false},
            {"GET", "/peers", false},
            {"DELETE", "/peers/peer_" + std::string(32, '0'), false},
            {"POST", "/peers/" + a.peer_id() + "/rotate-key", true},
            {"GET", "/privacy-settings", false},
            {"PUT", "/privacy-settings", true},
            {"GET", "/privacy/export", false},
            {"GET", "/sync/" + a.peer_id() + "/digest", false},
            {"GET", "/telemetry/events", false},
            {"GET", "/audit", false}};
}

void make_mistakes(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.write(c, "x"), "a write");
    auto const send = [&](place const& to, std::string authorization, std::string type, std::string body) {
        http_request r{.method = to.method, .target = s.target_path(to.path), .headers = {}, .body = std::move(body), .remote = {}};
        if (!authorization.empty()) r.headers.add("Authorization", std::move(authorization));
        if (!r.body.empty()) r.headers.add("Content-Type", std::move(type));
        s.send(std::move(r));
    };
    std::string const json_type = "application/json";
    for (auto const& to : places(a, c)) {
        auto const right = a.authorization(to.method, to.path);
        send(to, "", json_type, to.takes_body ? "{}" : "");
        send(to, "BSP x.y.z", json_type, to.takes_body ? "{}" : "");
        if (!to.takes_body) continue;
        for (std::string const body : {"{", "[]", "{}", R"({"sync_id": 1, "conversations": {}})", R"({"id": [], "role": 7, "content": null})", R"({"user_id": "", "sbt": "x"})"})
            send(to, a.authorization(to.method, to.path), json_type, body);
        send(to, right, "text/plain", "{}");
    }
    for (std::string const query : {"?limit=x", "?limit=-1", "?cursor=x", "?since=x"})
        for (std::string const path : {"/conversations", "/peers", "/telemetry/events"}) a.get(path + query);
    a.get("/sync/" + a.peer_id() + "?since=yesterday");
    a.read(s.fresh("none"));
}

void expect_of_all(scenario& s, common_rule r) {
    s.shared().answers.after_a_round([&] { make_mistakes(s); });
    auto const seen = s.shared().answers.seen(r);
    for (auto const& one : seen) s.recall(*one.what);
    if (!seen.empty()) {
        auto const& first = seen.front();
        s.expect(false, first.expected + " after " + first.what->summary + " (seen in " + first.check + ")", first.actual);
    }
    s.evidence(std::to_string(s.shared().answers.answers()) + " answers to whatever was asked");
}

void nothing_breaks_it(scenario& s) { expect_of_all(s, common_rule::no_server_error); }
void all_json_is_readable(scenario& s) { expect_of_all(s, common_rule::readable_json); }
void all_refusals_are_problems(scenario& s) { expect_of_all(s, common_rule::problem_document); }
void all_refusals_are_silent(scenario& s) { expect_of_all(s, common_rule::silent_refusal); }
void all_401_challenge(scenario& s) { expect_of_all(s, common_rule::challenge); }
void no_answer_is_stored(scenario& s) { expect_of_all(s, common_rule::not_stored); }

check const checks[] = {
    {.id = "gen/every-answer-no-5xx", .title = "nothing that the suite asked was answered with a 5xx status", .clauses = {"BSP-GEN-012"}, .impact = "one unusual request takes a worker down, and clients repeat it for ever",
     .likely_cause = "an exception that nobody catches, on a path that is seldom taken", .run = nothing_breaks_it, .needs = need::at_the_end},
    {.id = "gen/every-answer-readable", .title = "every JSON body that the suite was sent is I-JSON", .clauses = {"BSP-GEN-017"}, .impact = "strict parsers refuse what others take, and two clients see different things",
     .likely_cause = "text is put together by hand, or NaN, lone surrogates or doubled names come through", .run = all_json_is_readable, .needs = need::at_the_end},
    {.id = "gen/every-refusal-silent", .title = "no refusal that the suite was sent tells of the inside", .clauses = {"BSP-GEN-091"}, .impact = "attackers learn paths, versions and secrets", .likely_cause = "one handler passes on the text of an exception",
     .run = all_refusals_are_silent, .needs = need::at_the_end},
    {.id = "gen/every-refusal-problem", .title = "every refusal that the suite was sent is a problem document", .clauses = {"BSP-GEN-086", "BSP-GEN-087"}, .impact = "clients cannot tell what to do next",
     .likely_cause = "one handler writes its errors by itself", .run = all_refusals_are_problems, .needs = need::at_the_end, .about = aspect::exactness},
    {.id = "gen/every-401-challenges", .title = "every 401 that the suite was sent carries WWW-Authenticate", .clauses = {"BSP-GEN-092"}, .impact = "generic HTTP clients cannot tell which credential is wanted",
     .likely_cause = "one handler writes its 401 by itself", .run = all_401_challenge, .needs = need::at_the_end, .about = aspect::exactness},
    {.id = "gen/every-answer-unstored", .title = "every answer to an authenticated request that the suite was sent forbids storing", .clauses = {"BSP-GEN-105"}, .impact = "conversations stay in caches of proxies and browsers",
     .likely_cause = "one handler sets its headers by itself", .run = no_answer_is_stored, .needs = need::at_the_end, .about = aspect::exactness},
};

}  // namespace

group every_answer_group() { return {"every-answer", profile::gen, checks}; }

}  // namespace bsp::conformance
