#include <bsp/crypto/signed_object.hpp>
#include <bsp/json/parse.hpp>

#include <boost/test/unit_test.hpp>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(signed_object)

namespace {
rsa_private_key const& test_key() {
    static rsa_private_key const key = rsa_private_key::generate();
    return key;
}

json::object signed_with(json::object o) {
    o["signature"] = sign_object(o, test_key()).value();
    return o;
}

std::string code_of(result<> const& r) { return r ? "ok" : std::string{row_of(r.error().code).code}; }
std::string verdict(json::object const& o, signed_object_rules rules = {}) {
    return code_of(verify_object(o, "signature", test_key().public_key(), rules));
}

json::object const payload = json::parse(R"({"b": [1, {"signature": "inner"}], "a": "\u00e9"})").value().get_object();
}  // namespace

BOOST_AUTO_TEST_CASE(verifies_as_received_in_any_order) {
    json::object const o = signed_with(payload);
    BOOST_TEST(verdict(o) == "ok");
    BOOST_TEST(verdict(json::object{{"signature", o.at("signature")}, {"a", o.at("a")}, {"b", o.at("b")}}) == "ok");
}

BOOST_AUTO_TEST_CASE(every_member_counts) {
    json::object o = signed_with(payload);
    o["c"] = nullptr;
    BOOST_TEST(verdict(o) == "invalid-signature");
    o.erase("c");
    o.at("b").at(1).as_object().erase("signature");
    BOOST_TEST(verdict(o) == "invalid-signature");
}

BOOST_AUTO_TEST_CASE(a_signature_is_padded_base64_in_a_string) {
    json::object const good = signed_with(payload);
    std::string const text{json::view(good.at("signature").as_string())};
    for (json::value const& bad : {json::value(nullptr), json::value(1), json::value(""), json::value(text + "\n"),
                                   json::value(text.substr(0, text.size() - 2)), json::value(json::array{text})}) {
        json::object o = good;
        o["signature"] = bad;
        BOOST_TEST(verdict(o) == "invalid-signature", json::serialize(bad));
    }
    BOOST_TEST(verdict(payload) == "invalid-signature");
}

BOOST_AUTO_TEST_CASE(numbers_without_canonical_form) {
    json::object o = payload;
    o["x"] = 0.5;
    BOOST_TEST(!sign_object(o, test_key()));
    o["signature"] = signed_with(payload).at("signature");
    BOOST_TEST(verdict(o) == "not-canonicalizable");
}

BOOST_AUTO_TEST_CASE(an_object_is_of_the_type_that_is_expected) {
    json::object challenge = payload;
    challenge["typ"] = "bsp-challenge";
    challenge = signed_with(challenge);
    BOOST_TEST(verdict(challenge, {.typ = "bsp-challenge"}) == "ok");
    BOOST_TEST(verdict(challenge) == "invalid-signature");
    BOOST_TEST(verdict(challenge, {.typ = "bsp-key-rotation"}) == "invalid-signature");
    BOOST_TEST(verdict(signed_with(payload), {.typ = "bsp-challenge"}) == "invalid-signature");
    json::object odd = payload;
    odd["typ"] = nullptr;
    BOOST_TEST(verdict(signed_with(odd)) == "invalid-signature");
}

BOOST_AUTO_TEST_CASE(the_emptied_form_counts_only_where_it_is_asked_for) {
    json::object o = payload;
    o["signature"] = "";
    o["signature"] = sign_object(o, test_key()).value();
    BOOST_TEST(verdict(o) == "invalid-signature");
    BOOST_TEST(verdict(o, {.emptied = emptied_form::accepted}) == "ok");
    BOOST_TEST(verdict(signed_with(payload), {.emptied = emptied_form::accepted}) == "ok");
    o["a"] = "changed";
    BOOST_TEST(verdict(o, {.emptied = emptied_form::accepted}) == "invalid-signature");
}

BOOST_AUTO_TEST_SUITE_END()
