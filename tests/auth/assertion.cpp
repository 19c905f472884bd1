#include <bsp/auth/assertion.hpp>

#include <rapidcheck/boost_test.h>
#include <boost/test/unit_test.hpp>

#include <string>
#include <type_traits>

using namespace bsp;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(assertions)

static_assert(!std::is_default_constructible_v<verified_peer_assertion> &&
              !std::is_constructible_v<verified_peer_assertion, assertion_claims>);
static_assert(!std::is_default_constructible_v<verified_user_assertion> &&
              !std::is_constructible_v<verified_user_assertion, assertion_claims>);

namespace {
rsa_private_key const& test_key() {
    static rsa_private_key const key = rsa_private_key::generate();
    return key;
}

constexpr std::int64_t t0 = 1'767'139'200;
assertion_claims const peer_claims{.iss = "local_a",
                                   .sub = "peer_1",
                                   .aud = "hosted_b",
                                   .jti = "j1",
                                   .htm = "GET",
                                   .htu = "/sync/peer_1?limit=1",
                                   .iat = t0,
                                   .exp = t0 + 300};
assertion_claims const user_claims{
    .iss = "", .sub = "user_1", .aud = "hosted_b", .jti = "j1", .htm = "GET", .htu = "/sync/peer_1?limit=1", .iat = t0, .exp = t0 + 300};
expected_request const request{.aud = "hosted_b", .htm = "GET", .htu = "/sync/peer_1?limit=1", .iss = "local_a"};
json::object const peer_header{{"alg", "PS256"}, {"typ", "bsp-peer+jwt"}}, user_header{{"alg", "HS256"}, {"typ", "bsp-user+jwt"}};

template <class T>
std::string code_of(result<T> const& r) {
    return r ? "ok" : std::string{row_of(r.error().code).code};
}

std::string peer_verdict(std::string_view compact, expected_request const& r = request, instant now = {t0, 0}) {
    auto const parsed = parse_assertion(compact);
    return parsed ? code_of(verify_peer_assertion(*parsed, test_key().public_key(), r, now)) : code_of(parsed);
}
std::string user_verdict(std::string_view compact, std::string_view secret = "secret", expected_request const& r = request,
                         instant now = {t0, 0}) {
    auto const parsed = parse_assertion(compact);
    return parsed ? code_of(verify_user_assertion(*parsed, secret, r, now)) : code_of(parsed);
}

std::string user_with(std::string_view name, json::value v) {
    json::object claims = detail::to_json(user_claims);
    claims["iss"] = "user_1";
    claims[name] = std::move(v);
    return mac_jws(user_header, claims, "secret");
}
}  // namespace

BOOST_AUTO_TEST_CASE(minted_ones_verify) {
    BOOST_TEST(peer_verdict(mint_peer_assertion(peer_claims, test_key())) == "ok");
    BOOST_TEST(user_verdict(mint_user_assertion(user_claims, "secret")) == "ok");
    auto const who = verify_user_assertion(parse_assertion(mint_user_assertion(user_claims, "secret")).value(), "secret", request, {t0, 0});
    BOOST_TEST(who.value().user_id() == "user_1");
}

// The example of the specification, section 5.4, byte for byte.
BOOST_AUTO_TEST_CASE(the_published_user_assertion) {
    std::string_view const published =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6ImJzcC11c2VyK2p3dCJ9."
        "eyJpc3MiOiJhZGEiLCJzdWIiOiJhZGEiLCJhdWQiOiJob3N0ZWRfc2hhMjU2X2E5YmVjZTA1YWQ0ZWQwYjAiLCJpYXQiOjE3NjcxMzkyMDAsImV4cCI6MTc2NzEzOTI2MC"
        "wianRpIjoiYjFkMGMwZGU3ZjRlNGM2MSIsImh0bSI6"
        "IkdFVCIsImh0dSI6Ii9jb252ZXJzYXRpb25zP2xpbWl0PTIwIn0.SEusLFr1AcYxxzyR-_kkahfV7oxV648Y6If4h5QH50Q";
    assertion_claims const ada{.iss = "ada",
                               .sub = "ada",
                               .aud = "hosted_sha256_a9bece05ad4ed0b0",
                               .jti = "b1d0c0de7f4e4c61",
                               .htm = "GET",
                               .htu = "/conversations?limit=20",
                               .iat = t0,
                               .exp = t0 + 60};
    BOOST_TEST(mint_user_assertion(ada, "k3mUv0qg7cJ2yT1wZr8nXh5bQe9dLpA4sFoYtGiHjNs") == published);
    BOOST_TEST(user_verdict(published, "k3mUv0qg7cJ2yT1wZr8nXh5bQe9dLpA4sFoYtGiHjNs", {.aud = ada.aud, .htm = ada.htm, .htu = ada.htu}) ==
               "ok");
}

BOOST_AUTO_TEST_CASE(the_scheme_fixes_algorithm_and_type) {
    json::object const claims = detail::to_json(peer_claims);
    BOOST_TEST(peer_verdict(sign_jws({{"alg", "none"}, {"typ", "bsp-peer+jwt"}}, claims, test_key())) == "invalid-credential");
    BOOST_TEST(peer_verdict(sign_jws({{"alg", "ps256"}, {"typ", "bsp-peer+jwt"}}, claims, test_key())) == "invalid-credential");
    BOOST_TEST(peer_verdict(sign_jws({{"alg", "PS256"}, {"typ", "JWT"}}, claims, test_key())) == "invalid-credential");
    BOOST_TEST(peer_verdict(sign_jws({{"alg", "PS256"}}, claims, test_key())) == "invalid-credential");
    BOOST_TEST(peer_verdict(sign_jws({{"alg", "PS256"}, {"typ", "bsp-peer+jwt"}, {"crit", json::array{}}}, claims, test_key())) ==
               "invalid-credential");
    BOOST_TEST(peer_verdict(sign_jws({{"alg", "PS256"}, {"typ", "bsp-peer+jwt"}, {"kid", "1"}}, claims, test_key())) == "ok");
    BOOST_TEST(peer_verdict(mac_jws(peer_header, claims, test_key().public_key().pem())) == "invalid-credential");
    BOOST_TEST(user_verdict(mint_peer_assertion(peer_claims, test_key())) == "invalid-credential");
    BOOST_TEST(peer_verdict(mint_user_assertion(user_claims, "secret")) == "invalid-credential");
}

BOOST_AUTO_TEST_CASE(bound_to_one_request) {
    std::string const good = mint_peer_assertion(peer_claims, test_key());
    BOOST_TEST(peer_verdict(good, {"hosted_x", "GET", request.htu, "local_a"}) == "wrong-audience");
    BOOST_TEST(peer_verdict(good, {"hosted_b", "POST", request.htu, "local_a"}) == "invalid-credential");
    BOOST_TEST(peer_verdict(good, {"hosted_b", "GET", "/sync/peer_1", "local_a"}) == "invalid-credential");
    BOOST_TEST(peer_verdict(good, {"hosted_b", "GET", request.htu, "local_x"}) == "invalid-credential");
    BOOST_TEST(peer_verdict(good, {"hosted_b", "GET", request.htu}) == "invalid-credential");
    assertion_claims nobody = peer_claims;
    nobody.iss.clear();
    BOOST_TEST(peer_verdict(mint_peer_assertion(nobody, test_key()), {"hosted_b", "GET", request.htu}) == "invalid-credential");
}

BOOST_AUTO_TEST_CASE(time) {
    auto const at = [](std::int64_t iat, std::int64_t exp) {
        return user_verdict(mac_jws(
            user_header,
            [&] {
                json::object c = detail::to_json(user_claims);
                c["iss"] = "user_1";
                c["iat"] = iat;
                c["exp"] = exp;
                return c;
            }(),
            "secret"));
    };
    BOOST_TEST(at(t0 - 299, t0 + 1) == "ok");
    BOOST_TEST(at(t0 - 300, t0) == "stale-request");
    BOOST_TEST(at(t0 + 300, t0 + 301) == "ok");
    BOOST_TEST(at(t0 + 301, t0 + 302) == "stale-request");
    BOOST_TEST(at(t0, t0 + 301) == "invalid-credential");
    BOOST_TEST(at(t0, t0) == "invalid-credential");
    BOOST_TEST(at(t0 + 1, t0) == "invalid-credential");
    std::string const good = mint_user_assertion(user_claims, "secret");
    BOOST_TEST(user_verdict(good, "secret", request, instant{t0 + 300, 0} - 1ns) == "ok");
    BOOST_TEST(user_verdict(good, "secret", request, instant{t0 - 300, 0} - 1ns) == "stale-request");
}

BOOST_AUTO_TEST_CASE(claims_are_typed) {
    struct {
        char const* name;
        json::value v;
    } const wrong[] = {{"iat", json::value(std::to_string(t0))},
                       {"iat", double{t0}},
                       {"exp", nullptr},
                       {"exp", true},
                       {"iat", -1},
                       {"exp", json::array{t0 + 1}},
                       {"jti", ""},
                       {"jti", "a b"},
                       {"jti", json::value(std::string(129, 'j'))},
                       {"jti", 7},
                       {"sub", 1},
                       {"sub", ""},
                       {"aud", json::array{"hosted_b"}},
                       {"htm", nullptr},
                       {"htu", ""},
                       {"iss", 1},
                       {"iss", ""},
                       {"iss", "user_2"},
                       {"exp", 1e300}};
    for (auto const& [name, v] : wrong)
        BOOST_TEST(user_verdict(user_with(name, v)) == "invalid-credential", name << ' ' << json::serialize(v));
    BOOST_TEST(user_verdict(user_with("x", 1.5)) == "ok");
    for (char const* name : {"sub", "aud", "iat", "exp", "jti", "htm", "htu"}) {
        json::object claims = detail::to_json(user_claims);
        claims["iss"] = "user_1";
        claims.erase(name);
        BOOST_TEST(user_verdict(mac_jws(user_header, claims, "secret")) == "invalid-credential", name);
    }
    json::object no_iss = detail::to_json(user_claims);
    no_iss.erase("iss");
    BOOST_TEST(user_verdict(mac_jws(user_header, no_iss, "secret")) == "ok");
}

BOOST_AUTO_TEST_CASE(no_secret_no_user) {
    BOOST_TEST(user_verdict(mint_user_assertion(user_claims, "other"), "secret") == "invalid-credential");
    BOOST_TEST(user_verdict(mint_user_assertion(user_claims, ""), "") == "invalid-credential");
    assertion_claims anonymous = user_claims;
    anonymous.sub = "anonymous";
    BOOST_TEST(user_verdict(mint_user_assertion(anonymous, "secret")) == "invalid-credential");
}

// Every character of a compact assertion counts: no second text says the same.
RC_BOOST_PROP(any_change_is_refused, ()) {
    static std::string const good = mint_user_assertion(user_claims, "secret");
    std::string text = good;
    auto const at = *rc::gen::inRange<std::size_t>(0, text.size());
    switch (*rc::gen::inRange(0, 3)) {
        case 0:
            text.erase(at, 1);
            break;
        case 1:
            text.insert(at, 1, *rc::gen::element('A', 'z', '-', '.', '=', ' ', '\n', '\0'));
            break;
        default:
            text[at] = *rc::gen::suchThat(rc::gen::element('A', 'Q', 'z', '0', '-', '_', '+', '/', '=', '.', ' '),
                                          [&](char c) { return c != text[at]; });
    }
    RC_PRE(text != good);
    RC_ASSERT(user_verdict(text) == "invalid-credential");
}

BOOST_AUTO_TEST_CASE(strange_texts) {
    for (std::string const& bad : {std::string{}, std::string{"."}, std::string{".."}, std::string{"..."}, std::string{"a.b.c"},
                                   std::string(100'000, 'A'), std::string(3'000, '.'), to_base64url(as_bytes("{}")) + ".."}) {
        BOOST_TEST(user_verdict(bad) == "invalid-credential");
        BOOST_TEST(peer_verdict(bad) == "invalid-credential");
    }
}

BOOST_AUTO_TEST_SUITE_END()
