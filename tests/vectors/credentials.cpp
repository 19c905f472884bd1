#include "vectors.hpp"

#include <bsp/auth/assertion.hpp>
#include <bsp/auth/authorization.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/crypto/signed_object.hpp>
#include <bsp/sbt/sbt.hpp>
#include <bsp/wire/rotate_key.hpp>

using namespace bsp;
using namespace bsp::test;

BOOST_AUTO_TEST_SUITE(vectors)

BOOST_AUTO_TEST_CASE(public_keys) {
    for (json::value const& v : test::vectors("keys")) {
        auto const key = rsa_public_key::from_pem(text(v, "pem"));
        check_outcome(v, outcome(key));
        if (!key)
            BOOST_TEST(outcome(key) == "invalid-key", label(v));
        else
            BOOST_TEST(to_hex(key->sha256()) == text(v, "spki_sha256"), label(v));
    }
}

BOOST_AUTO_TEST_CASE(session_binding_tokens) {
    for (json::value const& v : test::vectors("sbt")) {
        json::value const& token = v.at("token");
        std::string const secret = text_or_nothing(v, "secret");
        if (v.as_object().contains("mac")) {
            BOOST_TEST(json::canonicalize(token.as_object(), {"signature"}).value() == text(v, "canonical"), label(v));
            BOOST_TEST(to_hex(mac_of_sbt(token.as_object(), secret).value()) == text(v, "mac"), label(v));
        }
        if (json::value const* wrong = v.as_object().if_contains("reference_macs"))
            for (auto const& mac : wrong->as_object())
                BOOST_TEST(to_hex(mac_of_sbt(token.as_object(), secret).value()) != std::string{json::view(mac.value().as_string())},
                           label(v));
        if (!v.as_object().contains("expect")) continue;
        auto const lookup = [&](std::string_view) { return v.at("secret").is_null() ? std::nullopt : std::optional{secret}; };
        check_outcome(v, outcome(verify_sbt(token, lookup, parse_timestamp(text(v, "now")).value())));
    }
}

BOOST_AUTO_TEST_CASE(body_signatures) {
    for (json::value const& v : test::vectors("ps256")) {
        json::object const& payload = v.at("payload").as_object();
        auto const key = rsa_public_key::from_pem(text(v, "public_key")).value();
        if (v.as_object().contains("signed_bytes"))
            BOOST_TEST(json::canonicalize(payload, {"signature"}).value() == text(v, "signed_bytes"), label(v));
        check_outcome(v, outcome(verify_object(payload, "signature", key)));
        check_outcome(v, outcome(verify_object(payload, "signature", key, {.emptied = emptied_form::accepted})));
    }
}

BOOST_AUTO_TEST_CASE(rotation_notices) {
    auto const judged = [](json::object const& notice, rsa_public_key const& current) -> result<> {
        BSP_CHECK(verify_object(notice, "signature", current, wire::by_current_key));
        BSP_TRY(auto const read, wire::decode_key_rotation(json::fields{notice}));
        BSP_TRY(auto const next, rsa_public_key::from_pem(read.new_public_key));
        return verify_object(notice, "new_key_signature", next, wire::by_new_key);
    };
    for (json::value const& v : test::vectors("rotation")) {
        json::object const& notice = v.at("notice").as_object();
        if (v.as_object().contains("signed_bytes"))
            BOOST_TEST(json::canonicalize(notice, {"signature", "new_key_signature"}).value() == text(v, "signed_bytes"), label(v));
        check_outcome(v, outcome(judged(notice, rsa_public_key::from_pem(text(v, "public_key")).value())));
    }
}

namespace {
/// What a receiver does with an Authorization header: the scheme chooses the verifier, `sub` the key.
std::string assertion_outcome(json::value const& v) {
    std::string const header = text(v, "authorization"), method = text(v.at("request"), "method"), target = text(v.at("request"), "target"),
                      audience = text(v, "audience");
    json::value const &peer = v.at("peer"), &user = v.at("user");
    instant const now{v.at("now").as_int64(), 0};
    authorization const given = split_authorization(header);
    if (!given.is("BSP") && !given.is("BSP-User")) return "credential-required";

    auto const parsed = parse_assertion(given.credential);
    if (!parsed) return outcome(parsed);
    std::string const peer_backend = text(peer, "backend_id");
    expected_request const request{.aud = audience, .htm = method, .htu = target, .iss = peer_backend};
    if (given.is("BSP-User"))
        return outcome(
            verify_user_assertion(*parsed, parsed->claims.sub == text(user, "user_id") ? text(user, "secret") : "", request, now));
    if (parsed->claims.sub != text(peer, "peer_id")) return "invalid-credential";
    return outcome(verify_peer_assertion(*parsed, rsa_public_key::from_pem(text(peer, "public_key")).value(), request, now));
}
}  // namespace

BOOST_AUTO_TEST_CASE(request_assertions) {
    for (json::value const& v : test::vectors("assertions")) check_outcome(v, assertion_outcome(v));
}

BOOST_AUTO_TEST_SUITE_END()
