#include "../registry.hpp"
#include "../scenario.hpp"
#include "../signing_key.hpp"
#include "edits.hpp"

#include <bsp/base/bytes.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/crypto/spki.hpp>

#include <array>

// Chapters 2 and 4, which identities may be registered: ids, types, versions, keys, members that may be absent.

namespace bsp::conformance {
namespace {

exactly_as const invalid_body{.statuses = {400, 422}, .codes = {"invalid-body"}};

std::string other_type(scenario const& s) { return s.target_is_hosted() ? "local" : "hosted"; }

/// Registers as `how` says and shows that the registration works: one push, one read.
void accepted_and_works(scenario& s, registration const& how, std::string const& what) {
    auto const x = s.try_register(how);
    s.accepted(x, what);
    auto const p = s.peer_of(x, how);
    auto const c = s.fresh("c");
    s.accepted(p.push({s.conversation(c, 1, {s.message("m1", "hello")})}), "a push after " + what);
    s.accepted(p.read(c), "a read after " + what);
}

// ---- keys that are none ----------------------------------------------------------------------------------

constexpr char const* rsa_1024 =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCpM+wDLWHCdMxQMT2ces1YasZs\n"
    "fiUMh4GlhW30fwwdYEnnlOzLSxhp2iz1kCWdyJvqeLslh317xktlb0hTWm9ZaB+7\n"
    "jGEiflWQwXNqTHNdL84OpA4Sd3PARD3HgYFtmUUjHBrTsNyEoynAhh6gAy1lNESm\n"
    "/TqLlvdVE0aKI50tGwIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
constexpr char const* rsa_2040 =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBITANBgkqhkiG9w0BAQEFAAOCAQ4AMIIBCQKCAQAAznhBwJ1V8ooh4REdOJGy\n"
    "FpX1lTPNzLg58JSLZSmYyE5Ug+uNM7VsDmO+/zVXgOLu+hKhCbBaiNKYHpeKGc+Y\n"
    "onCVDbZMWWWp1+fDBOZrGAu4xi30KA6EwKckWKUe2/DGYsoVw/9T9EJv0mdR8Z+s\n"
    "i0AQQ0cHnwt4ilM1iP2vNxpW6FRuVQwskG2+t3i8ITORCBu7x4mNPCXJD7lI8OKz\n"
    "WJWLKx3feTkHyM1IoGYRmYTkV1ZEkyp8+1sN+D1JsnkuYWa/bCeTU7+M4YaFv3T5\n"
    "RXvw8rHYcD+11Ksd/C2yhO7Hoijgq0Nww5oOGC8fp6GyRh38k61ZJsSzGt1g3NzV\n"
    "AgMBAAE=\n"
    "-----END PUBLIC KEY-----\n";
constexpr char const* ec_p256 =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1DPLDiHnbW7f/pWZFTRVT6Sx/sYi\n"
    "rAmIvZ9fD+kYIO8NjkAt4yvjbtjjXZ/7RgC2pjYUi4w68gaGc5M5gY7FJA==\n"
    "-----END PUBLIC KEY-----\n";
constexpr char const* ed25519 =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA9RY4pt0wbmyhDycqxYG/CeLoiKyma49DphF38DZqweU=\n"
    "-----END PUBLIC KEY-----\n";
constexpr char const* certificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIC+zCCAeOgAwIBAgIUawe7CKEUyTc9NtPm2ATRuK+KbHUwDQYJKoZIhvcNAQEL\n"
    "BQAwDDEKMAgGA1UEAwwBeDAgFw0yNjExMjAxMjIyMjRaGA8yMTI2MTAyNzEyMjIy\n"
    "NFowDDEKMAgGA1UEAwwBeDCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEB\n"
    "AL8ssq8G/1kQaf7TIod2NyjTbDXZU9H8OXhQ2QrLscXV+R7gxYGUNK3GApnTNets\n"
    "cEQfatibkRrxquLWdsRAF6a7QJr190HnGBCvOaWJD0rN1aYw2KquuzWF2UlgSYrL\n"
    "XrFMdwHhpwnMkeLg3hC0eEWEDeu8FG0d+TZfldIk8IHkF24fdw3bPsfGCiEdqTZB\n"
    "xrLa5KmZCHlafBxl1dE2CchkAxqGwHAUXYNcyYv3OACaCgYX8VbWda9LkMKJq3Ay\n"
    "Z5wrGTzKgoOJxXa7NlQr+71kOhsbnw2zba9nnsq5OwqhYwHye1q47Dl+BW/PvV7P\n"
    "MDAd1Y9Zvg0IApXf/MHtn/sCAwEAAaNTMFEwHQYDVR0OBBYEFBQvz2iAnah3QhAI\n"
    "shRTE8s7NA+fMB8GA1UdIwQYMBaAFBQvz2iAnah3QhAIshRTE8s7NA+fMA8GA1Ud\n"
    "EwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBAFOVnFzoP1C0mb+5GdaXQpnf\n"
    "Wb9RcreFwRkkeU0k2s1jw+Ro2KcLPqQSICW9Itw7Vr4hz7hwDrtGD09sNBEhYW3I\n"
    "6IytKR1UrdpfGTYIs/dpfvXVz/UY9tEgAm77DysYCDD5Qk9A94kT6OI7e3SPB2lK\n"
    "Wtlna3wdYmCG4upRRj+o2hafRe8v9TRdCy9dSyTlEDadxdLxbLLZWX90mv4eLjwz\n"
    "yRG3ExjFC/iqrv5RRe6MMwTMLal6u7K2+svDJEouEU8Mq9m4zcFYOJMl9v5Gieul\n"
    "b1N4se4/K67p6beHtd1Q42wfELDma5z6MUB4GAZ/CaPcZ8eX47Ju9kwJCJ1Xeds=\n"
    "-----END CERTIFICATE-----\n";
constexpr char const* pkcs1 =
    "-----BEGIN RSA PUBLIC KEY-----\n"
    "MIIBCgKCAQEAoIr0rTwMoHXKXbkGP7mJat+1PelZlfZFd2e1STZWG+6QpFsAgT2Y\n"
    "aWciO4jMHWWvxLQS/Ij3zk7PtQSSnb/8KLutSDZURNNBJP/0UaydAjyLJ4Vk+mZH\n"
    "krt5jYe3BtOyNZl/QMEK+LNep2QRKR7jc/lcoOvUu+csZ2wL4iD5Oedb3fvryLGO\n"
    "F+mwYKI1Y6CuXMneceUpZ7bk7ap+RZFTQB/J6Jf6i3bden4HPdbf8GnlIa/X71f5\n"
    "OKDQJtEYzpB+UXD1FyJdoNHZDpRP9KNVB4X8v8amKe9YcjWqBi35f9AF8ADzZJV0\n"
    "5QNemOzaAsFV5AiLwJP+K3b24sRtncVIfQIDAQAB\n"
    "-----END RSA PUBLIC KEY-----\n";

std::string pem_of(byte_view der) {
    auto const base64 = to_base64(der);
    std::string out = "-----BEGIN PUBLIC KEY-----\n";
    for (std::size_t at = 0; at < base64.size(); at += 64) out += base64.substr(at, 64) + '\n';
    return out + "-----END PUBLIC KEY-----\n";
}

/// `text` with the first `from` replaced.
std::string replaced(std::string text, std::string_view from, std::string_view to) {
    auto const at = text.find(from);
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

void keys_that_are_none(scenario& s) {
    auto const r = s.settled();
    auto const right = r.signing_key->public_key().pem();
    auto const numbers = read_public_pem(right);
    s.control(numbers.has_value(), "the suite can read its own key");
    auto const modulus = numbers->modulus, exponent = numbers->exponent;
    auto even_modulus = modulus;
    even_modulus.back() = static_cast<std::uint8_t>(even_modulus.back() & 0xFEu);
    bytes huge(1025, 0xFF);  // 8200 bits
    auto trailing = numbers->spki;
    trailing.push_back(0);
    auto const truncated = bytes(numbers->spki.begin(), numbers->spki.end() - 1);

    struct {
        char const* label;
        std::string text;
    } const keys[] = {{"an RSA key of 1024 bits", rsa_1024},
                      {"an RSA key of 2040 bits", rsa_2040},
                      {"an RSA key of 8200 bits", pem_of(encode_spki(huge, exponent))},
                      {"an RSA key with an even exponent", pem_of(encode_spki(modulus, bytes{0x01, 0x00, 0x00}))},
                      {"an RSA key with the exponent 1", pem_of(encode_spki(modulus, bytes{0x01}))},
                      {"an RSA key with the exponent 2", pem_of(encode_spki(modulus, bytes{0x02}))},
                      {"an RSA key with an even modulus", pem_of(encode_spki(even_modulus, exponent))},
                      {"an EC key on P-256", ec_p256},
                      {"an Ed25519 key", ed25519},
                      {"a private key", r.signing_key->pem()},
                      {"a private key under the label PUBLIC KEY", replaced(replaced(r.signing_key->pem(), "PRIVATE", "PUBLIC"), "PRIVATE", "PUBLIC")},
                      {"a certificate", certificate},
                      {"an RSA PUBLIC KEY (PKCS #1)", pkcs1},
                      {"an SSH key", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 user@host"},
                      {"a JWK", R"({"kty":"RSA","n":"AQAB","e":"AQAB"})"},
                      {"a key followed by another byte of DER", pem_of(trailing)},
                      {"a key without its last byte of DER", pem_of(truncated)},
                      {"two keys", right + right},
                      {"a key without its first line", right.substr(right.find('\n') + 1)},
                      {"a key without its last line", right.substr(0, right.find("-----END"))},
                      {"a key with a character of no base64", replaced(right, "MII", "M!I")},
                      {"the bare base64 of a key", to_base64(numbers->spki)},
                      {"PEM without content", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"},
                      {"an incomplete key, such as PUBLIC_KEY_1", "PUBLIC_KEY_1"},
                      {"more than 4096 characters", right + std::string(4096, '\n')},
                      {"the empty text", ""}};
    for (auto const& k : keys) {
        auto with = r;
        with.identity = set("public_key", k.text);
        s.refused(s.try_register(with), std::string{"a registration whose public_key is "} + k.label, {.statuses = {401, 400, 422}, .codes = {"invalid-key", "invalid-body"}});
    }
    s.control(s.try_register(r), "the registration with an acceptable key");
}

void larger_keys(scenario& s) {
    struct sized {
        std::size_t bits;
        conformance::key key;
    };
    // Made once for each run of the program: a key of 4096 bits takes a second.
    static std::array<sized, 2> const keys{sized{3072, signing_key::generate(3072)},
                                           sized{4096, signing_key::generate(4096)}};
    accepted_and_works(s, s.settled(), "the registration of a key of 2048 bits");
    for (auto const& one : keys) accepted_and_works(s, s.settled({.signing_key = one.key}), "the registration of a key of " + std::to_string(one.bits) + " bits");
}

// ---- versions --------------------------------------------------------------------------------------------

void other_major_version(scenario& s) {
    auto const r = s.settled();
    for (auto const* version : {"2.0", "2.1", "0.9", "0.0", "10.0", "11.0", "100.1"}) {
        auto other = r;
        other.identity = set("version", version);
        auto const x = s.try_register(other);
        s.refused(x, std::string{"a registration with version "} + version, {.statuses = {400}, .codes = {"unsupported-version"}});
        auto const* supported = x.at("/supported");
        bool listed = supported && supported->is_array() && !supported->get_array().empty();
        if (listed)
            for (auto const& one : supported->get_array()) listed = listed && one.is_string();
        s.exactly(listed, "the refusal lists the supported versions as strings", supported ? show(*supported) : "no member supported");
    }
    s.control(s.try_register(r), "the registration with version 1.0");
}

void other_minor_version(scenario& s) {
    for (auto const* version : {"1.7", "1.1", "1.10", "1.999"})
        accepted_and_works(s, s.settled({.identity = set("version", version)}), std::string{"a registration with version "} + version);
}

void odd_version(scenario& s) {
    auto const r = s.settled();
    for (auto const* version : {"1", "01.0", "1.00", "1.01", "1.0.0", "1.", ".0", ".", "", " 1.0", "1.0 ", "1.0\n", "v1.0", "+1.0", "-1.0", "1.-0", "1,0", "1.x", "1.0-beta", "1e0.0", "0x1.0", "\u0661.0"}) {
        auto other = r;
        other.identity = set("version", version);
        s.refused(s.try_register(other), "a registration with version " + show(json::value(version)), {.statuses = {400, 422}, .codes = {"invalid-body", "unsupported-version"}});
    }
    for (auto const& v : {variant{"the number 1", set("version", 1)}, variant{"the number 1.0", set("version", 1.0)}, variant{"null", set("version", nullptr)},
                          variant{"an array", set("version", json::array{"1.0"})}, variant{"true", set("version", true)}}) {
        auto other = r;
        other.identity = v.change;
        s.refused(s.try_register(other), "a registration whose version is " + v.label, invalid_body);
    }
    s.control(s.try_register(r), "the registration with version 1.0");
}

// ---- members ---------------------------------------------------------------------------------------------

void members_that_may_be_absent(scenario& s) {
    s.control(s.try_register(), "a registration with capabilities and created_at");
    json::array many;
    for (int i = 0; i < 64; ++i) many.emplace_back(std::to_string(100 + i) + std::string(125, 'c'));
    for (auto const& v : {variant{"without capabilities", drop("capabilities")},
                          variant{"without created_at", drop("created_at")},
                          variant{"without both", both(drop("capabilities"), drop("created_at"))},
                          variant{"with empty capabilities", set("capabilities", json::array{})},
                          variant{"with unknown capabilities", set("capabilities", json::array{"offline", "teleport", "x-\u00fcber", "a capability with spaces"})},
                          variant{"with 64 capabilities of 128 characters", set("capabilities", many)},
                          variant{"with unknown members", both(set("model", "x"), set("extra", json::object{{"a", json::array{1, nullptr}}}))},
                          variant{"with a created_at without offset", set("created_at", "2025-11-02T09:14:07.123456")}})
        s.accepted(s.try_register({.identity = v.change}), "a registration " + v.label);
    many.emplace_back("one too many");
    for (auto const& v : {variant{"with an empty capability", set("capabilities", json::array{"offline", ""})}, variant{"with a capability of 129 characters", set("capabilities", json::array{std::string(129, 'c')})},
                          variant{"with 65 capabilities", set("capabilities", many)}, variant{"with a number for a capability", set("capabilities", json::array{"offline", 7})},
                          variant{"with null for a capability", set("capabilities", json::array{nullptr})}, variant{"with capabilities in one string", set("capabilities", "offline,capture")}})
        s.refused(s.try_register({.identity = v.change}), "a registration " + v.label, {.statuses = {422, 400}});
}

void opaque_backend_ids(scenario& s) {
    auto const type = other_type(s);
    auto const unique = s.canary(12);
    auto longest = type + "_!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" + unique;
    longest.resize(128, 'x');
    for (auto const& [label, id] : std::initializer_list<std::pair<char const*, std::string>>{{"short", type + "_abc" + unique},
                                                                                             {"with a hash that is none", type + "_sha256_XYZ!" + unique},
                                                                                             {"in upper case", type + "_SHA256_ABCDEF" + unique},
                                                                                             {"like a place of deployment", type + "_sha256_fly_io_" + unique},
                                                                                             {"with two underscores", type + "__" + unique},
                                                                                             {"like a path", type + "_../" + unique},
                                                                                             {"of 128 characters, all kinds", longest}})
        accepted_and_works(s, s.settled({.backend_id = id}), std::string{"the registration of a backend_id "} + label + " (" + id.substr(0, 24) + "…)");
}

void type_and_id_agree(scenario& s) {
    auto const type = other_type(s);
    auto const unique = s.canary(16);
    struct odd {
        char const* label;
        std::string type, id;
    };
    for (auto const& o : {odd{"the type cloud", "cloud", "cloud_sha256_" + unique},
                          odd{"the type cloud and an id of the right type", "cloud", type + "_sha256_" + unique},
                          odd{"the type in upper case", type == "local" ? "LOCAL" : "HOSTED", (type == "local" ? "LOCAL_" : "HOSTED_") + unique},
                          odd{"an empty type", "", "_sha256_" + unique},
                          odd{"the type and a space", type + ' ', type + " _" + unique},
                          odd{"an id with the other prefix", type, s.identity().backend_type + "_sha256_" + unique},
                          odd{"an id without prefix", type, "sha256_" + unique},
                          odd{"an id whose prefix lacks the underscore", type, type + unique},
                          odd{"an id whose prefix is followed by a hyphen", type, type + '-' + unique},
                          odd{"an id whose prefix is in upper case", type, (type == "local" ? "LOCAL_sha256_" : "HOSTED_sha256_") + unique},
                          odd{"an id of the type alone", type, type},
                          odd{"an empty id", type, ""},
                          odd{"an id with a space", type, type + "_a b" + unique},
                          odd{"an id with a line end", type, type + '_' + unique + '\n'},
                          odd{"an id with DEL", type, type + '_' + unique + '\x7f'},
                          odd{"an id beyond ASCII", type, type + "_\u00e9" + unique},
                          odd{"an id of 129 characters", type, type + '_' + std::string(128 - type.size() - unique.size(), 'x') + unique}}) {
        // The token names the backend in its slot, whatever it calls itself.
        registration const how{.backend_id = o.id, .backend_type = type, .identity = set("backend_type", o.type)};
        s.refused(s.try_register(how), std::string{"a registration with "} + o.label, {.statuses = {400, 403, 422}, .codes = {"invalid-body", "wrong-audience"}});
    }
    s.control(s.try_register(), "a registration whose id begins with its type");
}

void missing_members(scenario& s) {
    auto const r = s.settled();
    auto const attempt = [&](std::string const& what, edit identity, edit body) {
        auto how = r;
        how.identity = std::move(identity);
        how.body = std::move(body);
        s.refused(s.try_register(how), "a registration " + what, {.statuses = {400, 401, 403, 422}, .codes = {"invalid-body", "invalid-sbt"}});
    };
    for (std::string const name : {"backend_id", "backend_type", "public_key", "version"}) {
        attempt("without backend_identity." + name, drop(name), {});
        attempt("with backend_identity." + name + " null", set(name, nullptr), {});
        attempt("with a number for backend_identity." + name, set(name, 7), {});
        attempt("with an object for backend_identity." + name, set(name, json::object{}), {});
    }
    for (std::string const name : {"backend_identity", "sbt"}) {
        attempt("without " + name, {}, drop(name));
        attempt("with " + name + " null", {}, set(name, nullptr));
        attempt("with a string for " + name, {}, set(name, "x"));
        attempt("with an array for " + name, {}, set(name, json::array{}));
        attempt("with an empty " + name, {}, set(name, json::object{}));
    }
    for (std::string const name : {"session_id", "local_backend_id", "hosted_backend_id", "user_id", "created_at", "expires_at", "signature"})
        attempt("without sbt." + name, {}, [name](json::object& body) {
            if (auto* sbt = body["sbt"].if_object()) sbt->erase(name);
        });
    for (auto const* text : {"{}", "[]", "\"x\"", "1", "null", "true"}) {
        auto how = r;
        how.bytes = [text](std::string) { return std::string{text}; };
        s.refused(s.try_register(how), std::string{"a registration whose whole body is "} + text, invalid_body);
    }
    for (auto const& v : {variant{"a string", set("capabilities", "offline")}, variant{"an object", set("capabilities", json::object{{"offline", true}})},
                          variant{"an array of numbers", set("capabilities", json::array{1})}, variant{"null", set("capabilities", nullptr)}})
        attempt("whose capabilities are " + v.label, v.change, {});
    attempt("whose created_at is a number", set("created_at", 1), {});
    attempt("whose created_at is a date only", set("created_at", "2025-11-02"), {});
    s.control(s.try_register(r), "the registration with all its members");
}

check const checks[] = {
    {.id = "reg/unacceptable-keys",
     .title = "a registration whose public_key is not an acceptable RSA key is refused",
     .clauses = {"BSP-ID-023"},
     .impact = "signatures can be forged with a weak key, or a private key ends up in the store and the list of peers",
     .likely_cause = "any PEM that the library loads is taken, or its exception becomes a 500",
     .run = keys_that_are_none},
    {.id = "reg/key-sizes",
     .title = "keys of 2048, 3072 and 4096 bits are accepted, and work",
     .clauses = {"BSP-ID-022"},
     .impact = "careful operators with larger keys cannot pair",
     .likely_cause = "the size compared with == 2048, or a column too narrow for the PEM",
     .run = larger_keys},
    {.id = "reg/major-version",
     .title = "a registration with another major version is refused",
     .clauses = {"BSP-GEN-065", "BSP-GEN-066"},
     .impact = "two backends believe to be paired and misread each other",
     .likely_cause = "version stored and never looked at, or compared as a number",
     .run = other_major_version},
    {.id = "reg/minor-version",
     .title = "a registration with another minor version is accepted",
     .clauses = {"BSP-GEN-064"},
     .impact = "the first update of one side ends all its pairings",
     .likely_cause = "version compared with == \"1.0\"",
     .run = other_minor_version},
    {.id = "reg/version-grammar",
     .title = "a version that is not MAJOR.MINOR is refused",
     .clauses = {"BSP-GEN-063", "BSP-GEN-025"},
     .impact = "what a backend speaks is anybody's guess",
     .likely_cause = "version split at dots, or converted to a number",
     .run = odd_version},
    {.id = "reg/optional-members",
     .title = "a registration without capabilities or created_at, or with unknown capabilities, is accepted, and one with capabilities out of their bounds is not",
     .clauses = {"BSP-ID-019", "BSP-REG-001", "BSP-GEN-067", "BSP-GEN-025"},
     .impact = "older and newer backends cannot pair with this one",
     .likely_cause = "optional members declared as required, capabilities as a closed enumeration",
     .run = members_that_may_be_absent},
    {.id = "reg/opaque-backend-id",
     .title = "every backend_id of visible ASCII that begins with its type is accepted, and works",
     .clauses = {"BSP-ID-009"},
     .impact = "backends with ids of an older form cannot pair",
     .likely_cause = "the form that this backend produces is demanded of others",
     .run = opaque_backend_ids},
    {.id = "reg/backend-type",
     .title = "a type other than local and hosted, and an id that does not begin with its type, are refused",
     .clauses = {"BSP-ID-010", "BSP-ID-011", "BSP-GEN-025"},
     .impact = "a backend poses as one of the other kind",
     .likely_cause = "type and id are stored as they come",
     .run = type_and_id_agree},
    {.id = "reg/missing-members",
     .title = "a registration that lacks a required member, or has one of another type, is refused with 4xx",
     .clauses = {"BSP-REG-002", "BSP-GEN-012", "BSP-GEN-025"},
     .impact = "one malformed request shows up as a crash of the server",
     .likely_cause = "members read by name without a check (KeyError), the exception becomes 500",
     .run = missing_members},
};

}  // namespace

group registration_identity_group() { return {"registration_identity", profile::reg, checks}; }

}  // namespace bsp::conformance
