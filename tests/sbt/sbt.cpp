#include <bsp/sbt/sbt.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <set>
#include <string>
#include <type_traits>

using namespace bsp;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(session_binding_tokens)

static_assert(!std::is_default_constructible_v<verified_sbt> && !std::is_constructible_v<verified_sbt, session_binding_token>,
              "only verify_sbt makes one");

namespace {
instant const made = parse_timestamp("2025-12-31T00:00:00Z").value();
std::string const pin(64, 'a');

sbt_claims const claims{.session_id = "sess_1",
                        .local_backend_id = "local_abc",
                        .hosted_backend_id = "hosted_def",
                        .user_id = "user_1",
                        .created_at = made,
                        .expires_at = made + 8h};

std::optional<std::string> secret_of(std::string_view user) {
    static std::map<std::string, std::string, std::less<>> const book{
        {"user_1", "secret of user 1"}, {"user_2", "secret of user 2"}, {"anonymous", "secret of all"}, {"empty", ""}};
    auto const found = book.find(user);
    return found == book.end() ? std::nullopt : std::optional{found->second};
}

result<verified_sbt> verify(json::value const& token, instant now = made + 1h) { return verify_sbt(token, secret_of, now); }

std::string verdict(json::value const& token, instant now = made + 1h) {
    auto const v = verify(token, now);
    return v ? "ok" : std::string{row_of(v.error().code).code};
}

json::object minted(std::string_view secret = "secret of user 1") { return mint_sbt(claims, secret); }

json::object signed_with(std::string_view name, json::value v) {
    json::object token = minted();
    token.erase("signature");
    token[name] = std::move(v);
    return sign_sbt(token, "secret of user 1").value();
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_minted_token_has_seven_members_and_verifies) {
    json::object const token = minted();
    BOOST_TEST(token.size() == 7u);
    auto const v = verify(token);
    BOOST_REQUIRE(v);
    BOOST_TEST((*v)->user_id == "user_1");
    BOOST_CHECK((*v)->expires_at == made + 8h);
    BOOST_CHECK((*v)->received == token);
}

BOOST_AUTO_TEST_CASE(any_change_of_any_member_is_seen) {
    json::object const token = minted();
    for (auto const& member : token) {
        if (member.key() == "signature") continue;
        json::object changed = token;
        changed[member.key()] = member.key().ends_with("_at") ? "2025-12-31T00:30:00.5Z" : "other";
        BOOST_TEST(verdict(changed) == "invalid-sbt", member.key());
    }
    json::object longer = token;
    longer["x"] = 1;
    BOOST_TEST(verdict(longer) == "invalid-sbt");
    BOOST_TEST(verdict(signed_with("x", 1)) == "ok");
}

BOOST_AUTO_TEST_CASE(every_cause_of_a_wrong_mac_reads_the_same) {
    std::set<std::string> texts;
    auto const refused_for = [&](json::object token) {
        auto const v = verify(token);
        BOOST_REQUIRE(!v);
        BOOST_CHECK(v.error().code == errc::invalid_sbt);
        texts.insert(v.error().detail);
    };
    refused_for(minted("secret of user 2"));
    refused_for(minted(""));
    for (json::value const& bad : {json::value(nullptr), json::value(7), json::value(""), json::value(std::string(64, '0')),
                                   json::value(std::string(64, 'A')), json::value("00"), json::value("zz")}) {
        json::object token = minted();
        token["signature"] = bad;
        refused_for(token);
    }
    json::object unsigned_token = minted();
    unsigned_token.erase("signature");
    refused_for(unsigned_token);
    for (auto const& [user, secret] : {std::pair{"nobody", ""},
                                       {"nobody", "unknown user"},
                                       {"empty", ""},
                                       {"empty", "unknown user"},
                                       {"anonymous", "secret of all"},
                                       {"anonymous", "unknown user"}}) {
        sbt_claims other = claims;
        other.user_id = user;
        refused_for(mint_sbt(other, secret));
    }
    BOOST_TEST(texts.size() == 1u);
}

BOOST_AUTO_TEST_CASE(lifetime_and_time) {
    auto const lasting = [](instant from, std::chrono::nanoseconds span) {
        sbt_claims c = claims;
        c.created_at = from, c.expires_at = from + span;
        return mint_sbt(c, "secret of user 1");
    };
    BOOST_TEST(verdict(lasting(made, 28'860s)) == "ok");
    BOOST_TEST(verdict(lasting(made, 28'860s + 1ns)) == "invalid-sbt");
    BOOST_TEST(verdict(lasting(made, 0s), made) == "invalid-sbt");
    BOOST_TEST(verdict(lasting(made, -1ns), made - 1s) == "invalid-sbt");
    BOOST_TEST(verdict(lasting(made, 1ns), made) == "ok");
    BOOST_TEST(verdict(minted(), made + 8h - 1ns) == "ok");
    BOOST_TEST(verdict(minted(), made + 8h) == "sbt-expired");
    BOOST_TEST(verdict(minted(), made - 300s) == "ok");
    BOOST_TEST(verdict(minted(), made - 300s - 1ns) == "invalid-sbt");
}

BOOST_AUTO_TEST_CASE(the_mac_is_judged_before_the_time) {
    BOOST_TEST(verdict(minted("secret of user 2"), made + 9h) == "invalid-sbt");
    BOOST_TEST(verdict(minted(), made + 9h) == "sbt-expired");
}

BOOST_AUTO_TEST_CASE(shapes) {
    struct {
        char const* name;
        json::value v;
    } const wrong[] = {{"session_id", "a/b"},
                       {"session_id", ""},
                       {"local_backend_id", ""},
                       {"hosted_backend_id", nullptr},
                       {"hosted_backend_id", json::value(std::string(129, 'h'))},
                       {"user_id", 1},
                       {"user_id", "a\nb"},
                       {"created_at", "2025-12-31"},
                       {"expires_at", 1'767'168'000},
                       {"local_key_sha256", "AB"},
                       {"local_key_sha256", nullptr},
                       {"hosted_key_sha256", json::value(std::string(64, 'A'))},
                       {"sbt_id", "a b"}};
    for (auto const& [name, v] : wrong) BOOST_TEST(verdict(signed_with(name, v)) == "invalid-body", name);
    BOOST_TEST(verdict(json::value("text")) == "invalid-body");
    BOOST_TEST(verdict(signed_with("local_key_sha256", json::value(pin))) == "ok");
    json::object token = minted();
    token["x"] = 1.5;
    BOOST_TEST(verdict(token) == "not-canonicalizable");
    BOOST_TEST(decode_sbt(json::object{}, "/sbt").error().detail == "/sbt/session_id is required");
}

BOOST_AUTO_TEST_CASE(the_token_names_both_parties) {
    auto const code = [](result<> const& r) { return r ? "ok" : std::string{row_of(r.error().code).code}; };
    verified_sbt const sbt = verify(minted()).value();
    BOOST_TEST(code(check_sbt_parties(sbt, "hosted_def", "hosted", "local_abc", "local")) == "ok");
    BOOST_TEST(code(check_sbt_parties(sbt, "local_abc", "local", "hosted_def", "hosted")) == "ok");
    BOOST_TEST(code(check_sbt_parties(sbt, "hosted_x", "hosted", "local_abc", "local")) == "wrong-audience");
    BOOST_TEST(code(check_sbt_parties(sbt, "hosted_def", "hosted", "local_x", "local")) == "wrong-audience");
    BOOST_TEST(code(check_sbt_parties(sbt, "local_abc", "hosted", "hosted_def", "local")) == "wrong-audience");
    BOOST_TEST(code(check_sbt_parties(sbt, "hosted_def", "hosted", "hosted_def", "hosted")) == "wrong-audience");
    BOOST_TEST(code(check_sbt_parties(sbt, "hosted_def", "hosted", "local_abc", "hosted")) == "wrong-audience");
    BOOST_TEST(code(check_sbt_parties(sbt, "hosted_def", "hosted", "local_abc", "other")) == "wrong-audience");

    sbt_claims same = claims;
    same.local_backend_id = same.hosted_backend_id;
    BOOST_TEST(code(check_sbt_parties(verify(mint_sbt(same, "secret of user 1")).value(), "hosted_def", "hosted", "hosted_def", "local")) ==
               "wrong-audience");
}

BOOST_AUTO_TEST_CASE(a_pinned_key_is_enforced) {
    auto const code = [](result<> const& r) { return r ? "ok" : std::string{row_of(r.error().code).code}; };
    sha256_digest local_key, hosted_key;
    local_key.fill(0xaa), hosted_key.fill(0xbb);
    BOOST_TEST(code(check_sbt_keys(verify(minted()).value(), "hosted", hosted_key, local_key)) == "ok");
    sbt_claims pinned = claims;
    pinned.local_key_sha256 = to_hex(local_key), pinned.hosted_key_sha256 = to_hex(hosted_key);
    verified_sbt const sbt = verify(mint_sbt(pinned, "secret of user 1")).value();
    BOOST_TEST(code(check_sbt_keys(sbt, "hosted", hosted_key, local_key)) == "ok");
    BOOST_TEST(code(check_sbt_keys(sbt, "local", local_key, hosted_key)) == "ok");
    BOOST_TEST(code(check_sbt_keys(sbt, "hosted", hosted_key, hosted_key)) == "wrong-audience");
    BOOST_TEST(code(check_sbt_keys(sbt, "hosted", local_key, local_key)) == "wrong-audience");
}

BOOST_AUTO_TEST_SUITE_END()
