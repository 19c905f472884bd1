#include "../registry.hpp"
#include "../scenario.hpp"
#include "../signing_key.hpp"
#include "edits.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/hmac.hpp>

#include <algorithm>
#include <functional>

// Chapter 3, the MAC of a session binding token: which bytes it covers, how it is written, whose secret keys it.

namespace bsp::conformance {
namespace {

exactly_as const invalid_sbt{.statuses = {401}, .codes = {"invalid-sbt"}};
exactly_as const invalid_form{.statuses = {400, 401, 422}, .codes = {"invalid-sbt", "invalid-body"}};

/// Applies `change` to the text of the signature that the token would have.
edit respell(std::function<std::string(std::string)> change) {
    return [change = std::move(change)](json::object& sbt) { sbt["signature"] = change(std::string{sbt.at("signature").as_string()}); };
}

bool is_plain_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

/// Registers one backend: first as each of `after_mac` says, which must be refused, then as it should be.
void refused_after_mac(scenario& s, std::string const& what, std::vector<variant> const& after_mac, exactly_as const& form) {
    for (auto const& v : after_mac) s.refused(s.try_register({.sbt_after_mac = v.change}), what + ": " + v.label, form);
    s.control(s.try_register(), "the same registration with its own signature");
}

// ---- what is verified ------------------------------------------------------------------------------------

void signature_is_checked(scenario& s) {
    auto const flip = [](std::size_t at) {
        return respell([at](std::string text) {
            text[at] = text[at] == '0' ? '1' : '0';
            return text;
        });
    };
    auto const random = to_hex(hmac_sha256("nobody's secret", s.canary(32)));
    refused_after_mac(s, "a token with a wrong signature", {{"64 random digits", set("signature", random)},
                                                          {"64 zeros", set("signature", std::string(64, '0'))},
                                                          {"its first digit changed", flip(0)},
                                                          {"a digit in the middle changed", flip(31)},
                                                          {"its last digit changed", flip(63)},
                                                          {"its digits reversed", respell([](std::string text) { return std::string(text.rbegin(), text.rend()); })}},
                      invalid_sbt);

    refused_after_mac(s, "a token changed after it was authenticated", {{"session_id", set("session_id", s.fresh("sess"))},
                                                                       {"created_at", set("created_at", s.in_seconds(-1))},
                                                                       {"expires_at", set("expires_at", s.in_seconds(8 * 3600 + 20))}},
                      invalid_sbt);
    auto const slot = s.target_is_hosted() ? "local_backend_id" : "hosted_backend_id";
    auto const thief = s.fresh_backend_id();
    s.refused(s.try_register({.sbt_after_mac = set(slot, thief), .identity = set("backend_id", thief)}),
              std::string{"a token changed after it was authenticated: "} + slot, {.statuses = {401, 403}, .codes = {"invalid-sbt", "wrong-audience"}});
}

void signature_has_one_form(scenario& s) {
    auto const upper = [](std::string text) {
        for (auto& c : text)
            if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 32);
        return text;
    };
    refused_after_mac(s, "a signature in another form",
                      {{"empty", set("signature", "")},
                       {"null", set("signature", nullptr)},
                       {"absent", drop("signature")},
                       {"a number", set("signature", 0)},
                       {"true", set("signature", true)},
                       {"an array that holds it", [](json::object& sbt) { sbt["signature"] = json::array{sbt.at("signature")}; }},
                       {"its first 8 digits", respell([](std::string text) { return text.substr(0, 8); })},
                       {"its first 62 digits", respell([](std::string text) { return text.substr(0, 62); })},
                       {"63 digits", respell([](std::string text) { return text.substr(0, 63); })},
                       {"65 digits", respell([](std::string text) { return text + '0'; })},
                       {"66 digits", respell([](std::string text) { return text + "00"; })},
                       {"in base64", respell([](std::string const& text) { return to_base64(from_hex(text).value_or(bytes{})); })},
                       {"after 0x", respell([](std::string const& text) { return "0x" + text; })},
                       {"before a line end", respell([](std::string const& text) { return text + '\n'; })},
                       {"after a space", respell([](std::string const& text) { return ' ' + text; })}},
                      invalid_form);
    // A MAC without a letter among its digits is the same in upper case: one in 10^13.
    s.refused(s.try_register({.sbt_after_mac = respell(upper)}), "a signature in another form: in upper case", invalid_form);
}

void member_added_after_mac(scenario& s) {
    auto const r = s.settled();
    auto const fingerprint = to_hex(r.signing_key->public_key().sha256());
    for (auto const& v : {variant{"a string", set("note", "added")}, variant{"null", set("note", nullptr)}, variant{"an object", set("note", json::object{})},
                          variant{"sbt_id", set("sbt_id", "sbt_1")},
                          variant{"the right fingerprint", set(*r.backend_type + "_key_sha256", fingerprint)}}) {
        auto with = r;
        with.sbt_after_mac = v.change;
        s.refused(s.try_register(with), "a token to which a member was added after it was authenticated: " + v.label, invalid_sbt);
    }
    s.control(s.try_register(r), "the token as it was authenticated");
}

// ---- the canonical bytes ---------------------------------------------------------------------------------

/// Writes the canonical bytes of the six members by hand, as the first implementation's
/// json.dumps(…, sort_keys=True) gives them, and authenticates them without any help of the headers' C14N.
void plain_token_in_literal_bytes(scenario& s) {
    if (!is_plain_ascii(s.account().id)) s.untested("needs a first user whose id is plain ASCII");
    auto const r = s.settled();
    auto by_hand = r;
    by_hand.sbt_after_mac = [&](json::object& sbt) {
        auto const member = [&](char const* name) { return '"' + std::string{name} + "\": \"" + std::string{sbt.at(name).as_string()} + '"'; };
        auto const text = '{' + member("created_at") + ", " + member("expires_at") + ", " + member("hosted_backend_id") + ", " + member("local_backend_id") +
                          ", " + member("session_id") + ", " + member("user_id") + '}';
        sbt["signature"] = to_hex(hmac_sha256(r.user->secret, text));
    };
    auto const x = s.try_register(by_hand);
    s.accepted(x, "a token with a MAC over the bytes of Python's json.dumps(…, sort_keys=True), in hexadecimal");
    s.exactly(x.status() == 200, "status 200", x.describe());
}

void text_beyond_ascii(scenario& s) {
    s.control(s.try_register({.sbt = set("note", "plain")}), "a token with an unknown member in plain ASCII");
    struct {
        char const* label;
        char const* text;
    } constexpr texts[] = {{"e with acute", "caf\u00e9"},
                           {"an emoji", "\U0001F600"},
                           {"DEL", "a\u007fb"},
                           {"U+0080", "\u0080"},
                           {"U+2028", "a\u2028b"},
                           {"U+FFFF", "\uffff"},
                           {"e and a combining acute", "e\u0301"},
                           {"U+0001", "\u0001"},
                           {"U+001F", "\u001f"},
                           {"tab, line feed, form feed, carriage return, backspace", "\t\n\f\r\b"},
                           {"quote and backslash", "\"\\"},
                           {"markup", "</a>&'"},
                           {"all together", "J\u00f6rg \U0001F600 \u007f\u2028</a>\t"}};
    for (auto const& one : texts) s.accepted(s.try_register({.sbt = set("note", one.text)}), std::string{"a token whose MAC covers "} + one.label);
    s.accepted(s.try_register({.sbt = set("caf\u00e9 \U0001F600", "x")}), "a token whose MAC covers a member with a name beyond ASCII");
}

void members_in_any_order(scenario& s) {
    auto const reordered = [](auto const& arrange) {
        return [arrange](json::object& sbt) {
            std::vector<std::string> names;
            for (auto const& member : sbt) names.emplace_back(member.key());
            arrange(names);
            json::object out;
            for (auto const& name : names) out[name] = sbt.at(name);
            sbt = std::move(out);
        };
    };
    s.accepted(s.try_register({.sbt_after_mac = reordered([](auto& names) { std::reverse(names.begin(), names.end()); })}), "a token with its members reversed");
    s.accepted(s.try_register({.sbt_after_mac = reordered([](auto& names) { std::sort(names.begin(), names.end()); })}), "a token with its members sorted");
    for (std::size_t by = 1; by <= 6; ++by)
        s.accepted(s.try_register({.sbt_after_mac = reordered([by](auto& names) { std::rotate(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(by), names.end()); })}),
                   "a token with its members rotated by " + std::to_string(by));
}

void authenticated_members(scenario& s) {
    constexpr std::int64_t greatest = 9'007'199'254'740'991;
    s.control(s.try_register(), "a token of the first seven members");
    for (auto const& v : {variant{"a string", set("zone", "x")},
                          variant{"a name that sorts before all others", set("AAA", "x")},
                          variant{"an empty name", set("", "x")},
                          variant{"integers", set("n", json::array{0, -1, greatest, -greatest})},
                          variant{"true, false and null", set("w", json::array{true, false, nullptr})},
                          variant{"empty object and array", set("e", json::array{json::object{}, json::array{}})},
                          variant{"an object whose names are not sorted", set("o", json::object{{"b", 1}, {"a", json::object{{"d", 1}, {"c", 2}}}})},
                          variant{"a deeper member named signature", set("o", json::object{{"signature", "x"}})},
                          variant{"sbt_id", set("sbt_id", "sbt_1")}})
        s.accepted(s.try_register({.sbt = v.change}), "a token with one more authenticated member: " + v.label);
}

// ---- whose secret ----------------------------------------------------------------------------------------

void guessable_secrets(scenario& s) {
    struct guess {
        std::string label, secret;
    };
    std::vector<guess> guesses{{"the empty text", ""}, {"\"shared_secret\"", "shared_secret"}, {"\"secret\"", "secret"}};
    // What the first 64 characters of an RSA-2048 key in PKCS#8 PEM can be, whoever's it is.
    struct {
        char length, inner;
    } constexpr pem_prefixes[] = {{'A', 'Y'}, {'Q', 'c'}, {'g', 'g'}, {'w', 'k'}};
    for (auto const& p : pem_prefixes)
        guesses.push_back({std::string{"the first 64 characters of a private key (MIIEv"} + p.length + "…)",
                           std::string{"-----BEGIN PRIVATE KEY-----\nMIIEv"} + p.length + "IBADANBgkqhkiG9w0BAQEFAASCBK" + p.inner + "w"});
    auto const r = s.settled();
    guesses.push_back({"the user's id", r.user->id});
    guesses.push_back({"the callee's backend_id", s.identity().backend_id});
    guesses.push_back({"the callee's public key", s.identity().public_key_pem});
    guesses.push_back({"the first 64 characters of the callee's public key", s.identity().public_key_pem.substr(0, 64)});
    guesses.push_back({"the registering backend's public key", r.signing_key->public_key().pem()});
    guesses.push_back({"the registering backend's private key", r.signing_key->pem()});
    for (auto const& g : guesses) {
        auto forged = r;
        forged.secret = g.secret;
        s.refused(s.try_register(forged), "a token authenticated with " + g.label, invalid_sbt);
    }
    s.control(s.try_register(r), "the token authenticated with the user's pairing secret");
}

void secret_of_another_user(scenario& s) {
    user_account const users[] = {s.account(), s.other_account()};
    for (auto const& victim : users) {
        auto const& forger = &victim == &users[0] ? users[1] : users[0];
        s.refused(s.try_register({.user = victim, .secret = forger.secret}), "a token for " + victim.id + " authenticated with the secret of " + forger.id, invalid_sbt);
        s.control(s.try_register({.user = victim}), "a token for " + victim.id + " authenticated with its own secret");
    }
}

void user_without_secret(scenario& s) {
    auto const stranger = s.fresh("stranger");
    for (auto const& [label, secret] : std::initializer_list<std::pair<char const*, std::string>>{
             {"a secret of its own", s.canary(43)}, {"the empty text", ""}, {"the first user's secret", s.account().secret}, {"None", "None"}, {"null", "null"}, {"its own id", stranger}})
        s.refused(s.try_register({.user = user_account{stranger, secret}}), std::string{"a token for a user unknown here, authenticated with "} + label, invalid_sbt);
    s.control(s.try_register(), "a token for the first user");
}

void anonymous_user(scenario& s) {
    std::vector<std::pair<std::string, std::string>> secrets{{"the first user's secret", s.account().secret}, {"the empty text", ""}, {"anonymous", "anonymous"}};
    for (auto const& [label, secret] : secrets)
        s.refused(s.try_register({.user = user_account{"anonymous", secret}}), "a token for the user anonymous, authenticated with " + label, invalid_sbt);
    s.control(s.try_register(), "a token for the first user");
}

void user_id_to_the_octet(scenario& s) {
    auto const& user = s.account();
    auto other_case = user.id;
    for (auto& c : other_case)
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) c = static_cast<char>(c ^ 0x20);
    for (auto const& [label, id] : std::initializer_list<std::pair<char const*, std::string>>{{"in the other case", other_case},
                                                                                             {"with a space after it", user.id + ' '},
                                                                                             {"with a space before it", ' ' + user.id},
                                                                                             {"with a no-break space after it", user.id + "\u00a0"},
                                                                                             {"with a zero-width space after it", user.id + "\u200b"},
                                                                                             {"without its last character", user.id.substr(0, user.id.size() - 1)}}) {
        bool const same = id == user.id || id.empty() || static_cast<unsigned char>(user.id.back()) >= 0x80;
        if (!same) s.refused(s.try_register({.user = user_account{id, user.secret}}), std::string{"a token for the first user's id "} + label, {.statuses = {401, 422}, .codes = {"invalid-sbt", "invalid-body"}});
    }
    s.control(s.try_register(), "a token for the first user's id as it is");
}

check const checks[] = {
    {.id = "sbt/signature-checked",
     .title = "a token whose signature is not the MAC of its members is refused",
     .clauses = {"BSP-SBT-016", "BSP-SBT-017", "BSP-SBT-002", "BSP-REG-003"},
     .impact = "anybody can register a backend for any user, and read and write that user's conversations",
     .likely_cause = "verify() calls sign(), which overwrites the signature it then compares with itself, or the check was left for later",
     .run = signature_is_checked},
    {.id = "sbt/signature-form",
     .title = "a signature that is not 64 lower-case hexadecimal digits is refused",
     .clauses = {"BSP-SBT-015"},
     .impact = "a truncated or missing signature opens the account, or one token has several spellings",
     .likely_cause = "comparison over the shorter length, `if signature and …`, or hexadecimal decoded without regard to case",
     .run = signature_has_one_form},
    {.id = "sbt/seed-vector",
     .title = "a plain token is accepted when its MAC is over the bytes of json.dumps(…, sort_keys=True)",
     .clauses = {"BSP-SBT-003", "BSP-GEN-033", "BSP-SBT-004"},
     .impact = "no user interface can pair this backend",
     .likely_cause = "MAC over compact JSON (no space after ',' and ':'), MAC expected in base64, or the secret decoded before use",
     .run = plain_token_in_literal_bytes},
    {.id = "sbt/non-ascii",
     .title = "a token whose MAC covers text beyond ASCII and control characters is accepted",
     .clauses = {"BSP-SBT-003", "BSP-GEN-033"},
     .impact = "users with a name or label beyond ASCII cannot pair",
     .likely_cause = "raw UTF-8 instead of \\uXXXX in the canonical bytes, or DEL left unescaped",
     .run = text_beyond_ascii},
    {.id = "sbt/member-order",
     .title = "a token is accepted in whatever order its members come",
     .clauses = {"BSP-SBT-018", "BSP-GEN-030"},
     .impact = "pairing works with one user interface and fails with another",
     .likely_cause = "the MAC is computed over the members in order of arrival instead of sorted by name",
     .run = members_in_any_order},
    {.id = "sbt/extra-members",
     .title = "a token with unknown members that its MAC covers is accepted",
     .clauses = {"BSP-SBT-018", "BSP-SBT-002", "BSP-GEN-068"},
     .impact = "the first extension of the token locks this backend out",
     .likely_cause = "the token is decoded into a class of six members, and the MAC computed over those",
     .run = authenticated_members},
    {.id = "sbt/unsigned-member",
     .title = "a token to which a member was added after it was authenticated is refused",
     .clauses = {"BSP-SBT-002", "BSP-SBT-016"},
     .impact = "whoever relays a token can put statements into the user's mouth",
     .likely_cause = "the MAC is computed over the known members only",
     .run = member_added_after_mac},
    {.id = "sbt/forged-secrets",
     .title = "a token authenticated with a guessable secret is refused",
     .clauses = {"BSP-SBT-016", "BSP-SBT-006", "BSP-SBT-007"},
     .impact = "anybody can make valid tokens for every user",
     .likely_cause = "the HMAC key is a prefix of a PEM text, a default such as shared_secret, or empty",
     .run = guessable_secrets},
    {.id = "sbt/secret-of-another-user",
     .title = "a token for one user authenticated with another user's secret is refused",
     .clauses = {"BSP-SBT-016", "BSP-SBT-007"},
     .impact = "every user can take over every other user's data",
     .likely_cause = "one global secret, or a search for any secret that fits",
     .run = secret_of_another_user,
     .needs = need::second_user},
    {.id = "sbt/unknown-user",
     .title = "a token for a user without a pairing secret is refused",
     .clauses = {"BSP-SBT-008"},
     .impact = "anybody can open an account, or enter one that has no secret yet",
     .likely_cause = "a missing secret defaults to the empty text, or unknown users are created on the fly",
     .run = user_without_secret},
    {.id = "sbt/anonymous",
     .title = "a token for the user anonymous is refused",
     .clauses = {"BSP-SBT-010"},
     .impact = "data of everybody who is not logged in ends up in one account",
     .likely_cause = "anonymous mapped to a default user",
     .run = anonymous_user},
    {.id = "sbt/user-id-exact",
     .title = "user ids are compared octet for octet",
     .clauses = {"BSP-GEN-060", "BSP-SBT-008"},
     .impact = "two ids become one account, or one account gets two halves that never sync",
     .likely_cause = "ids lower-cased or trimmed before the secret is looked up",
     .run = user_id_to_the_octet},
};

}  // namespace

group sbt_group() { return {"sbt", profile::reg, checks}; }

}  // namespace bsp::conformance
