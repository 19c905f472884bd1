#include "conformance/signing_key.hpp"

#include <boost/test/unit_test.hpp>

using bsp::conformance::signing_key;

BOOST_AUTO_TEST_SUITE(signing_keys)

BOOST_AUTO_TEST_CASE(what_openssl_signs_verifies_as_ps256) {
    auto const key = signing_key::generate();
    auto const made = key->sign_ps256("text");
    BOOST_TEST(key->public_key().verify_ps256("text", made));
    BOOST_TEST(!key->public_key().verify_ps256("other", made));
    BOOST_TEST(made != key->sign_ps256("text"));
}

BOOST_AUTO_TEST_CASE(keys_may_share_primes) {
    signing_key::prime const primes[] = {signing_key::prime::generate(), signing_key::prime::generate(), signing_key::prime::generate()};
    signing_key const a{primes[0], primes[1]}, b{primes[0], primes[2]}, c{primes[1], primes[2]};
    BOOST_TEST(!(a.public_key() == b.public_key()));
    BOOST_TEST(!(b.public_key() == c.public_key()));
    for (auto const* k : {&a, &b, &c}) {
        BOOST_TEST(k->public_key().bits() == 2048u);
        BOOST_TEST(k->public_key().verify_ps256("text", k->sign_ps256("text")));
        auto const read = bsp::rsa_private_key::from_pem(k->pem());  // looks whether the numbers fit together
        BOOST_TEST_REQUIRE(read.has_value());
        BOOST_TEST((read->public_key() == k->public_key()));
    }
}

BOOST_AUTO_TEST_CASE(other_schemes_are_not_taken_for_ps256) {
    auto const key = signing_key::generate();
    for (auto const sign : {signing_key::sign_pkcs1_sha256, signing_key::sign_pss_sha1, signing_key::sign_pss_sha512}) {
        auto const made = sign(*key, "text");
        BOOST_TEST(made.size() == 256u);
        BOOST_TEST(!key->public_key().verify_ps256("text", made));
    }
}

BOOST_AUTO_TEST_SUITE_END()
