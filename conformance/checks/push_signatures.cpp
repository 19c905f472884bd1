#include "../registry.hpp"
#include "../signing_key.hpp"
#include "ground.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/json/c14n.hpp>

#include <functional>

// Section 5.2: the signature in the body of a push, under the key of the path's peer, over everything else.

namespace bsp::conformance {
namespace {

exactly_as const invalid_signature{.statuses = {401}, .codes = {"invalid-signature"}};

/// One departure of a payload, and what the report calls it.
struct departure {
    char const* what;
    edit apply;
};

/// Changes the encoded signature of a payload.
edit re_encoded(std::function<void(std::string&)> change) {
    return [change = std::move(change)](json::object& p) {
        auto text = std::string{json::view(p.at("signature").as_string())};
        change(text);
        p["signature"] = text;
    };
}

/// Signs the finished payload anew with `sign`.
edit signed_with(peer const& a, bytes (*sign)(signing_key const&, std::string_view)) {
    return [k = a.signing_key(), sign](json::object& p) { p["signature"] = to_base64(sign(*k, json::canonicalize(p, {"signature"}).value())); };
}

void a_signature_is_required(scenario& s) {
    ground const g{s};
    departure const departures[] = {
        {"no signature", [](json::object& p) { p.erase("signature"); }},
        {"signature null", [](json::object& p) { p["signature"] = nullptr; }},
        {"an empty signature", [](json::object& p) { p["signature"] = ""; }},
        {"a signature of one space", [](json::object& p) { p["signature"] = " "; }},
        {"a number as the signature", [](json::object& p) { p["signature"] = 7; }},
        {"true as the signature", [](json::object& p) { p["signature"] = true; }},
        {"an array that holds the signature", [](json::object& p) { p["signature"] = json::array{p.at("signature")}; }},
        {"an object that holds the signature", [](json::object& p) { p["signature"] = json::object{{"value", p.at("signature")}}; }},
        {"the signature under the name Signature",
         [](json::object& p) {
             p["Signature"] = p.at("signature");
             p.erase("signature");
         }},
    };
    for (auto const& d : departures) g.refuses(std::string{"a push with "} + d.what, {.after_signing = d.apply}, invalid_signature);
    g.was_spared("pushes without a signature");
}

void the_signature_is_verified(scenario& s) {
    ground const g{s};
    auto const other = g.a.payload({s.conversation(s.fresh("d"), 1, {})});
    departure const departures[] = {
        {"the content changed", [](json::object& p) { first_message(p)["content"] = "Added"; }},
        {"the content extended by a space", [](json::object& p) { first_message(p)["content"] = "added "; }},
        {"the message's version changed", [](json::object& p) { first_message(p)["version"] = 3; }},
        {"the message's id changed", [](json::object& p) { first_message(p)["id"] = "added2"; }},
        {"the conversation's version changed", [](json::object& p) { first_conversation(p)["version"] = 3; }},
        {"a surface added", [](json::object& p) { first_conversation(p)["surfaces"] = json::array{"web", "ios"}; }},
        {"the sync_id changed", [&](json::object& p) { p["sync_id"] = s.fresh("t"); }},
        {"the timestamp changed", [&](json::object& p) { p["timestamp"] = s.in_seconds(-1); }},
        {"a conversation repeated", [](json::object& p) { p["conversations"].as_array().push_back(json::value(p.at("conversations").as_array().at(0))); }},
        {"the signature of another push", [&](json::object& p) { p["signature"] = other.at("signature"); }},
        {"one octet of the signature changed", re_encoded([](std::string& t) { t[40] = t[40] == 'A' ? 'B' : 'A'; })},
    };
    for (auto const& d : departures)
        g.refuses(std::string{"a push with "} + d.what + " after signing", {.after_signing = d.apply}, invalid_signature);
    g.was_spared("pushes changed after signing");
}

void only_the_peer_itself_signs(scenario& s) {
    ground const g{s};
    auto const b = s.register_peer();
    s.control(b.push({s.conversation(s.fresh("d"), 1, {})}), "B's own push");
    g.refuses("a push on A's path signed with B's key", {.signer = b.signing_key()}, invalid_signature);
    g.refuses("a push on A's path signed with a key that nobody registered", {.signer = s.fresh_key()}, invalid_signature);
    g.refuses("A's push on B's path", {.before_signing = [&](json::object& p) {
                  p["peer_id"] = b.peer_id();
                  p["source_backend_id"] = b.backend_id();
              }, .path = "/sync/" + b.peer_id()}, invalid_signature);
    g.refuses("a push signed with B's key that claims to be B's, on A's path", {.before_signing = [&](json::object& p) {
                  p["peer_id"] = b.peer_id();
                  p["source_backend_id"] = b.backend_id();
              }, .signer = b.signing_key()}, {.statuses = {401, 403}});  // the order of checks is advice
    g.was_spared("pushes signed by others");
}

void members_added_later_are_noticed(scenario& s) {
    ground const g{s};
    auto const nested = [](json::object& p) { first_message(p)["x_more"] = json::object{{"list", json::array{json::object{{"a", 1}}}}}; };
    departure const departures[] = {
        {"an unknown member added to a message", [](json::object& p) { first_message(p)["x_added"] = 1; }},
        {"an unknown member null added to a message", [](json::object& p) { first_message(p)["x_added"] = nullptr; }},
        {"deleted false added to a message", [](json::object& p) { first_message(p)["deleted"] = false; }},
        {"an unknown member added to a conversation", [](json::object& p) { first_conversation(p)["x_added"] = "x"; }},
        {"a title added to a conversation", [](json::object& p) { first_conversation(p)["title"] = "added"; }},
        {"an unknown member added to the payload", [](json::object& p) { p["x_added"] = json::array{}; }},
    };
    for (auto const& d : departures) g.refuses(std::string{"a push with "} + d.what + " after signing", {.after_signing = d.apply}, invalid_signature);
    g.refuses("a push with a member added deep within an unknown member after signing",
              {.before_signing = nested, .after_signing = [](json::object& p) {
                   first_message(p).at("x_more").at("list").as_array().at(0).as_object()["b"] = 2;
               }},
              invalid_signature);
    g.was_spared("pushes with members added after signing");
}

void unknown_members_may_be_signed(scenario& s) {
    auto const a = s.register_peer();
    json::object const strange{{"a", json::array{1, json::object{{"b", nullptr}}, json::array{}, "x"}}, {"", false}, {"gr\u00f6\u00dfe \U0001F600", -9'007'199'254'740'991}};
    departure const departures[] = {
        {"the payload", [&](json::object& p) { p["x_unknown"] = strange; }},
        {"a conversation", [&](json::object& p) { first_conversation(p)["x_unknown"] = strange; }},
        {"a message", [&](json::object& p) { first_message(p)["x_unknown"] = strange; }},
        {"a message, under names that mean something to JavaScript",
         [](json::object& p) {
             first_message(p)["__proto__"] = json::object{{"content", "x"}};
             first_message(p)["constructor"] = 1;
             first_message(p)["toString"] = "x";
         }},
        {"all levels at once",
         [&](json::object& p) {
             p["x_unknown"] = strange;
             p["aaa"] = true;
             first_conversation(p)["zzz"] = strange;
             first_message(p)["user_id"] = "somebody";
         }},
    };
    for (auto const& d : departures) {
        auto const c = s.fresh("c");
        s.accepted(a.push({s.conversation(c, 1, {s.message("m1", "one")})}, {.before_signing = d.apply}), std::string{"a push signed with unknown members in "} + d.what);
        s.expect(message_ids(s, a, c) == std::vector<std::string>{"m1"}, "the message of that push is there", show(message_ids(s, a, c)));
    }
}

void nested_signatures_are_signed(scenario& s) {
    ground const g{s};
    auto const message = [](json::object& p) { first_message(p)["signature"] = "inner"; };
    auto const conversation = [](json::object& p) { first_conversation(p)["signature"] = json::object{{"signature", "inner"}}; };
    g.refuses("a push whose message's member signature was changed after signing",
              {.before_signing = message, .after_signing = [](json::object& p) { first_message(p)["signature"] = "other"; }}, invalid_signature);
    g.refuses("a push whose message's member signature was removed after signing",
              {.before_signing = message, .after_signing = [](json::object& p) { first_message(p).erase("signature"); }}, invalid_signature);
    g.refuses("a push whose message got a member signature after signing", {.after_signing = message}, invalid_signature);
    g.refuses("a push whose conversation's member signature was changed after signing",
              {.before_signing = conversation, .after_signing = [](json::object& p) { first_conversation(p)["signature"] = "other"; }}, invalid_signature);
    s.accepted(g.a.push({s.conversation(s.fresh("d"), 1, {s.message("m1", "one")})}, {.before_signing = message}), "a push whose message has a member signature");
    s.accepted(g.a.push({s.conversation(s.fresh("d"), 1, {s.message("m1", "one")})}, {.before_signing = conversation}),
               "a push whose conversation has a member signature");
    g.was_spared("pushes with other nested signatures than those signed");
}

void base64_is_strict(scenario& s) {
    ground const g{s};
    departure const departures[] = {
        {"a line feed in its middle", re_encoded([](std::string& t) { t.insert(76, "\n"); })},
        {"CR LF in its middle", re_encoded([](std::string& t) { t.insert(64, "\r\n"); })},
        {"a line feed at its end", re_encoded([](std::string& t) { t += '\n'; })},
        {"a space before it", re_encoded([](std::string& t) { t.insert(0, " "); })},
        {"a tab in its middle", re_encoded([](std::string& t) { t.insert(100, "\t"); })},
        {"an exclamation mark in its middle", re_encoded([](std::string& t) { t.insert(17, "!"); })},
        {"four exclamation marks in its middle", re_encoded([](std::string& t) { t.insert(20, "!!!!"); })},
        {"a U+0000 at its end", re_encoded([](std::string& t) { t += '\0'; })},
        {"an e with acute accent in its middle", re_encoded([](std::string& t) { t.insert(8, "\u00e9"); })},
        {"no padding", re_encoded([](std::string& t) { t.erase(t.find('=')); })},
        {"one character of padding too few", re_encoded([](std::string& t) { t.pop_back(); })},
        {"one character of padding too many", re_encoded([](std::string& t) { t += '='; })},
        {"four characters of padding too many", re_encoded([](std::string& t) { t += "===="; })},
        {"padding before it", re_encoded([](std::string& t) { t.insert(0, "===="); })},
        {"four characters behind its padding", re_encoded([](std::string& t) { t += "AAAA"; })},
        {"hexadecimal digits", re_encoded([](std::string& t) { t = to_hex(*from_base64(t)); })},
    };
    for (auto const& d : departures) g.refuses(std::string{"a signature with "} + d.what, {.after_signing = d.apply}, invalid_signature);

    // In 342 random characters '+' or '/' is missing once in fifty thousand signatures.
    g.refuses("a signature in the alphabet of base64url", {.after_signing = re_encoded([&](std::string& t) {
                  if (t.find_first_of("+/") == std::string::npos) s.inconclusive("the signature happens to have neither + nor /");
                  std::replace(t.begin(), t.end(), '+', '-');
                  std::replace(t.begin(), t.end(), '/', '_');
              })}, invalid_signature);
    g.was_spared("pushes with signatures that are no base64");
}

void only_ps256_will_do(scenario& s) {
    ground const g{s};
    g.refuses("a signature by RSASSA-PKCS1-v1_5 with SHA-256", {.after_signing = signed_with(g.a, signing_key::sign_pkcs1_sha256)}, invalid_signature);
    g.refuses("a signature by RSASSA-PSS with SHA-1", {.after_signing = signed_with(g.a, signing_key::sign_pss_sha1)}, invalid_signature);
    g.refuses("a signature by RSASSA-PSS with SHA-512", {.after_signing = signed_with(g.a, signing_key::sign_pss_sha512)}, invalid_signature);
    g.was_spared("pushes signed by another scheme");
}

void salt_of_32_octets_is_accepted(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    for (int i = 1; i <= 3; ++i) s.accepted(a.push({s.conversation(c, i, {s.message("m" + std::to_string(i), "one")})}), "a push signed with PS256, the salt of 32 octets");
    s.expect(message_ids(s, a, c) == std::vector<std::string>{"m1", "m2", "m3"}, "m1, m2 and m3", show(message_ids(s, a, c)));
}

check const checks[] = {
    {.id = "syn/signature-required",
     .title = "a push without a signature is refused and changes nothing",
     .clauses = {"BSP-AUT-009", "BSP-AUT-055"},
     .impact = "anyone who knows a peer id writes into that user's conversations",
     .likely_cause = "the signature is verified only if it is present",
     .run = a_signature_is_required},
    {.id = "syn/signature-verified",
     .title = "a push that was changed after it was signed is refused and changes nothing",
     .clauses = {"BSP-AUT-008", "BSP-AUT-055"},
     .impact = "anybody on the way between two backends rewrites what people said",
     .likely_cause = "the signature is only looked at, or covers only some members",
     .run = the_signature_is_verified},
    {.id = "syn/other-peer",
     .title = "a push signed by another registered peer is refused and changes nothing",
     .clauses = {"BSP-AUT-014", "BSP-AUT-008"},
     .impact = "one paired device writes in the name of another",
     .likely_cause = "the signature is checked against any registered key, not the one of the path's peer",
     .run = only_the_peer_itself_signs},
    {.id = "syn/member-added",
     .title = "a member added after signing makes the signature invalid, at any depth",
     .clauses = {"BSP-AUT-011", "BSP-GEN-036"},
     .impact = "anybody on the way can attach data that later versions believe in",
     .likely_cause = "the signature is verified over the decoded model, which dropped unknown members or defaults",
     .run = members_added_later_are_noticed},
    {.id = "syn/unknown-signed-members",
     .title = "a push that was signed with unknown members is accepted",
     .clauses = {"BSP-AUT-012", "BSP-GEN-068", "BSP-GEN-067"},
     .impact = "every newer peer is locked out",
     .likely_cause = "the signature is verified over the decoded model instead of the received object",
     .run = unknown_members_may_be_signed},
    {.id = "syn/nested-signature",
     .title = "members named signature below the top level are covered by the signature",
     .clauses = {"BSP-AUT-010"},
     .impact = "part of a message can be forged, or messages with such a member never arrive",
     .likely_cause = "members named signature are removed recursively before verification",
     .run = nested_signatures_are_signed},
    {.id = "syn/signature-encoding",
     .title = "a signature that is not strict padded base64 is refused",
     .clauses = {"BSP-GEN-042", "BSP-GEN-043"},
     .impact = "one signature has many spellings, so that two backends disagree about what is valid",
     .likely_cause = "a lenient base64 decoder that skips what it does not know",
     .run = base64_is_strict},
    {.id = "syn/signature-scheme",
     .title = "a signature by another scheme or hash than PS256 is refused",
     .clauses = {"BSP-GEN-041"},
     .impact = "attacks on weaker schemes become attacks on this backend",
     .likely_cause = "the scheme or the hash is taken from a library default, or several are tried",
     .run = only_ps256_will_do},
    {.id = "syn/salt-32",
     .title = "a PS256 signature with its salt of 32 octets is accepted",
     .clauses = {"BSP-GEN-039", "BSP-SYN-020"},
     .impact = "no other implementation can push to this backend",
     .likely_cause = "the verifier demands the longest possible salt (PSS.MAX_LENGTH) instead of 32 octets",
     .run = salt_of_32_octets_is_accepted},
};

}  // namespace

group push_signatures_group() { return {"push_signatures", profile::syn, checks}; }

}  // namespace bsp::conformance
