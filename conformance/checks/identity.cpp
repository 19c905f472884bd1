#include "../registry.hpp"
#include "answer_forms.hpp"
#include "../scenario.hpp"

#include <algorithm>
#include <sstream>
#include <bsp/base/instant.hpp>
#include <bsp/crypto/rsa.hpp>

#include <regex>
#include <set>

namespace bsp::conformance {
namespace {

exchange read_identity(scenario& s) { return s.nobody().get("/identity"); }

/// The identity, as the precondition of checks about its members.
exchange given_identity(scenario& s) {
    auto const x = read_identity(s);
    s.control(x, "GET /identity answers 200");
    s.control(!x.text("/backend_id").empty(), "the answer is an object with a backend_id");
    return x;
}

void is_public(scenario& s) {
    auto const x = read_identity(s);
    s.accepted(x, "GET /identity without a credential");
    s.expect(!x.text("/backend_id").empty(), "the answer is an identity", show(x.body(), 80));
}

void is_complete(scenario& s) {
    auto const x = given_identity(s);
    for (auto const* member : {"/backend_id", "/backend_type", "/public_key", "/version", "/created_at"}) {
        auto const* value = x.at(member);
        s.expect(value && value->is_string(), std::string{member} + " is a string", value ? show(*value) : "absent");
    }
    static std::regex const version{"^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)$"};
    s.expect(std::regex_match(x.text("/version"), version), "version is \"MAJOR.MINOR\"", x.text("/version"));
}

void keeps_its_private_key(scenario& s) {
    auto const x = given_identity(s);
    for (std::string_view mark : {"PRIVATE", "\"d\"", "\"dp\"", "\"qi\""})
        s.expect(x.bytes().find(mark) == std::string::npos, "no trace of a private key", "the answer contains " + std::string{mark});
}

void answers_fast(scenario& s) {
    given_identity(s);
    auto fastest = std::chrono::microseconds::max();  // the best of five: a busy machine is nobody's fault
    for (int i = 0; i < 5; ++i) {
        auto const x = read_identity(s);
        s.control(x, "GET /identity");
        fastest = std::min(fastest, x.took());
    }
    s.expect_in_time(fastest <= std::chrono::milliseconds{500}, "an answer within 500 ms", std::to_string(fastest.count() / 1000) + " ms at best of five");
}

void id_has_the_form(scenario& s) {
    auto const x = given_identity(s);
    static std::regex const form{"^(local|hosted)_sha256_[0-9a-f]{16,64}$"};
    s.expect(std::regex_match(x.text("/backend_id"), form), "backend_id matches ^(local|hosted)_sha256_[0-9a-f]{16,64}$", x.text("/backend_id"));
}

void id_agrees_with_type(scenario& s) {
    auto const x = given_identity(s);
    auto const id = x.text("/backend_id"), type = x.text("/backend_type");
    s.expect(type == "local" || type == "hosted", "backend_type is \"local\" or \"hosted\"", type);
    s.expect(id.substr(0, id.find('_')) == type, "backend_id begins with backend_type", id + " with type " + type);
}

void is_stable(scenario& s) {
    auto const first = given_identity(s);
    for (int i = 0; i < 20; ++i) {
        auto const again = read_identity(s);
        s.control(again, "GET /identity");
        for (auto const* member : {"/backend_id", "/backend_type", "/public_key"}) {
            if (again.text(member) != first.text(member)) again.remark(std::string{member + 1} + " differs");
            s.expect(again.text(member) == first.text(member), std::string{member + 1} + " is the same at every request",
                     first.text(member) + ", then " + again.text(member));
        }
    }
}

void was_created_once(scenario& s) {
    auto const x = given_identity(s);
    auto const created = parse_timestamp(x.text("/created_at"));
    s.expect(created.has_value(), "created_at is an RFC 3339 timestamp", x.text("/created_at"));
    s.expect(!x.text("/created_at").empty() && x.text("/created_at").back() == 'Z', "created_at ends with Z", x.text("/created_at"));
    s.expect(*created <= s.now() + std::chrono::seconds{300}, "created_at is in the past", x.text("/created_at"));
}

void creation_is_not_the_request(scenario& s) {
    auto const first = given_identity(s);
    s.wait_until(s.now() + std::chrono::milliseconds{1100});  // a clock read in whole seconds shows, too
    auto const again = given_identity(s);
    s.expect(again.text("/created_at") == first.text("/created_at"), "the same created_at a second later: " + first.text("/created_at"), again.text("/created_at"));
}

void epoch_is_one(scenario& s) {
    auto const x = given_identity(s);
    auto const a = s.register_peer();
    auto const first = a.pull(), second = a.pull();
    s.control(first, "a pull");
    s.control(second, "another pull");
    if (!x.at("/epoch") && !first.at("/epoch")) s.not_applicable("the server gives no epoch (optional)");
    s.expect(!x.text("/epoch").empty(), "epoch, a string, in the identity as in pulls", show(x.body()));
    for (auto const* pull : {&first, &second})
        s.expect(pull->text("/epoch") == x.text("/epoch"), "epoch " + x.text("/epoch") + " in every pull", pull->text("/epoch"));
}

void identity_is_not_shared_with_pages(scenario& s) {
    for (auto const* origin : {"https://evil.example", "null"}) {
        auto const x = s.nobody().get("/identity", {.request = [origin](http_request& q) { q.headers.set("Origin", origin); }});
        s.expect(x.ok() || x.client_error(), "an answer to GET /identity", x.describe());
        auto const* allowed = x.header("Access-Control-Allow-Origin");
        s.expect(!allowed || (*allowed != "*" && *allowed != origin), std::string{"no Access-Control-Allow-Origin for "} + origin, allowed ? *allowed : "");
    }
    given_identity(s);
}

void survives_a_restart(scenario& s) {
    auto const before = given_identity(s);
    s.restart();
    auto const after = given_identity(s);
    for (auto const* member : {"/backend_id", "/public_key", "/created_at"})
        s.expect(before.text(member) == after.text(member), std::string{member + 1} + " survives a restart",
                 before.text(member) + ", then " + after.text(member));
}

void capabilities_are_unique_strings(scenario& s) {
    auto const x = given_identity(s);
    auto const* capabilities = x.at("/capabilities");
    s.expect(capabilities && capabilities->is_array(), "capabilities is an array", capabilities ? show(*capabilities) : "absent");
    std::set<std::string> seen;
    for (auto const& one : capabilities->as_array()) {
        s.expect(one.is_string(), "capabilities are strings", show(one));
        s.expect(seen.insert(std::string{one.as_string()}).second, "capabilities are unique", show(one) + " twice");
    }
}

void key_is_acceptable(scenario& s) {
    auto const x = given_identity(s);
    auto const parsed = rsa_public_key::from_pem(x.text("/public_key"));
    s.expect(parsed.has_value(), "public_key is an RSA SubjectPublicKeyInfo in PEM with 2048 to 8192 bits",
             parsed ? "" : parsed.error().detail + ": " + x.text("/public_key").substr(0, 60));
    std::istringstream lines{x.text("/public_key")};
    std::size_t longest = 0;
    for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size() - line.ends_with('\r'));
    s.expect(longest <= 64, "lines of 64 characters", std::to_string(longest));
}

check const checks[] = {
    {.id = "id/no-credential",
     .title = "GET /identity answers a caller without a credential",
     .clauses = {"BSP-ID-001"},
     .impact = "a user interface cannot discover the backend, so no pairing ever begins",
     .likely_cause = "authentication applied to every route",
     .run = is_public},
    {.id = "id/members",
     .title = "the identity has its members, each of its type",
     .clauses = {"BSP-ID-002", "BSP-GEN-032"},
     .impact = "other implementations cannot read the identity, and refuse to pair",
     .likely_cause = "version emitted as a number, or a member forgotten",
     .run = is_complete},
    {.id = "id/no-private-key",
     .title = "the identity holds nothing of the private key",
     .clauses = {"BSP-ID-003"},
     .impact = "anyone can sign in the backend's name",
     .likely_cause = "the whole key pair serialised instead of its public half",
     .run = keeps_its_private_key},
    {.id = "id/fast",
     .title = "GET /identity answers within 500 ms",
     .clauses = {"BSP-ID-004"},
     .impact = "user interfaces take a local backend for absent",
     .likely_cause = "a key pair generated at each request",
     .run = answers_fast,
     .needs = need::alone},
    {.id = "id/form",
     .title = "backend_id has the form <type>_sha256_<hex>",
     .clauses = {"BSP-ID-007"},
     .impact = "peers that check the form refuse to pair",
     .likely_cause = "a host name or a literal used as the id",
     .run = id_has_the_form},
    {.id = "id/prefix",
     .title = "backend_id begins with backend_type",
     .clauses = {"BSP-ID-008"},
     .impact = "every session binding token that names this backend is refused",
     .likely_cause = "the prefix hard-coded",
     .run = id_agrees_with_type},
    {.id = "id/stable",
     .title = "the identity is the same at every request",
     .clauses = {"BSP-ID-013", "BSP-ID-014"},
     .impact = "pairings break at random, because each worker is another backend",
     .likely_cause = "the identity is made at the start of each worker",
     .run = is_stable},
    {.id = "id/created-at-stable",
     .title = "created_at does not move with the requests",
     .clauses = {"BSP-ID-013", "BSP-ID-017"},
     .impact = "peers take the backend for a new one at every look",
     .likely_cause = "created_at is the current time",
     .run = creation_is_not_the_request},
    {.id = "id/epoch",
     .title = "where an epoch is given, the identity and every pull give the same",
     .clauses = {"BSP-SYN-132"},
     .impact = "clients pull everything again, for ever",
     .likely_cause = "the epoch is made at each start of a process, or per worker",
     .run = epoch_is_one},
    {.id = "id/cors-local",
     .title = "the identity of a local backend is not readable by foreign pages",
     .clauses = {"BSP-GEN-096"},
     .impact = "every web page recognises its reader by the backend's identity",
     .likely_cause = "* on public endpoints",
     .run = identity_is_not_shared_with_pages,
     .needs = need::local_target},
    {.id = "id/created-at",
     .title = "created_at is a timestamp in UTC that lies in the past",
     .clauses = {"BSP-ID-017"},
     .impact = "peers in other time zones read another moment",
     .likely_cause = "a naive local time formatted without Z",
     .run = was_created_once},
    {.id = "id/capabilities",
     .title = "capabilities is an array of unique strings",
     .clauses = {"BSP-ID-018"},
     .impact = "peers cannot tell what this backend offers",
     .likely_cause = "a map of flags, as in older designs",
     .run = capabilities_are_unique_strings},
    {.id = "id/key-acceptable",
     .title = "public_key is an acceptable RSA key",
     .clauses = {"BSP-ID-021"},
     .impact = "nobody can verify what this backend signs, or anybody can forge it",
     .likely_cause = "PKCS #1 or one-line PEM, or a key of 1024 bits",
     .run = key_is_acceptable},
    {.id = "id/restart",
     .title = "id, key and created_at survive a restart",
     .clauses = {"BSP-ID-015"},
     .impact = "after every restart all pairings are dead",
     .likely_cause = "the identity is made at start and never stored",
     .run = survives_a_restart,
     .needs = need::restart_hook | need::alone},
    {.id = "id/every-answer-form", .title = "every identity that the suite was given has the members of the table", .clauses = {"BSP-ID-002", "BSP-GEN-050"}, .impact = broken_by_a_form, .likely_cause = cause_of_a_form,
     .run = identity_forms, .needs = need::at_the_end},
};

}  // namespace

group identity_group() { return {"identity", profile::id, checks}; }

}  // namespace bsp::conformance
