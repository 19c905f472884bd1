#include <bsp/crypto/rsa.hpp>

#include <rapidcheck/boost_test.h>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(rsa)

namespace {
rsa_private_key const& test_key() {
    static rsa_private_key const key = rsa_private_key::generate();
    return key;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
    return text;
}
}  // namespace

BOOST_AUTO_TEST_CASE(generated_keys_are_acceptable_and_survive_their_pem) {
    rsa_private_key const& key = test_key();
    BOOST_TEST(key.public_key().bits() == 2048u);
    rsa_public_numbers const numbers = read_public_pem(key.public_key().pem()).value();
    BOOST_CHECK((numbers.exponent == bytes{1, 0, 1}));
    BOOST_CHECK(rsa_public_key::from_pem(key.public_key().pem()).value() == key.public_key());

    std::string const pem = key.pem();
    BOOST_TEST(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    for (std::string const& form : {pem, replaced(pem, "\n", "\\n"), replaced(pem, "\n", "\r\n"), pem.substr(0, pem.size() - 1)}) {
        auto const again = rsa_private_key::from_pem(form);
        BOOST_REQUIRE(again);
        BOOST_CHECK(again->public_key() == key.public_key());
        BOOST_TEST(key.public_key().verify_ps256("text", again->sign_ps256("text")));
    }
}

BOOST_AUTO_TEST_CASE(private_keys_that_are_none_are_refused) {
    std::string const pem = test_key().pem();
    std::string const der_cut = [&] {
        auto der = detail::read_pem(pem, "PRIVATE KEY").value();
        der.resize(der.size() / 2);
        return detail::write_pem(der, "PRIVATE KEY");
    }();
    std::string const der_long = [&] {
        auto der = detail::read_pem(pem, "PRIVATE KEY").value();
        der.push_back(0);
        return detail::write_pem(der, "PRIVATE KEY");
    }();
    std::string const der_broken = [&] {
        auto der = detail::read_pem(pem, "PRIVATE KEY").value();
        der[der.size() / 2] ^= 1;  // within one of the primes
        return detail::write_pem(der, "PRIVATE KEY");
    }();
    for (std::string const& bad :
         {std::string{}, std::string{"nonsense"}, test_key().public_key().pem(), replaced(pem, "PRIVATE KEY", "RSA PRIVATE KEY"), pem + pem,
          der_cut, der_long, der_broken, rsa_private_key::generate(2048).pem().substr(0, 200)}) {
        auto const key = rsa_private_key::from_pem(bad);
        BOOST_REQUIRE(!key);
        BOOST_CHECK(key.error().code == errc::invalid_key);
    }
}

BOOST_AUTO_TEST_CASE(signatures_verify_and_nothing_else_does) {
    rsa_public_key const& key = test_key().public_key();
    bytes const signature = test_key().sign_ps256("text");
    BOOST_TEST(signature.size() == 256u);
    BOOST_CHECK(signature != test_key().sign_ps256("text"));
    BOOST_TEST(key.verify_ps256("text", signature));
    BOOST_TEST(!key.verify_ps256("texT", signature));
    BOOST_TEST(!key.verify_ps256("", signature));
    BOOST_TEST(!rsa_private_key::generate().public_key().verify_ps256("text", signature));

    bytes padded = signature;
    padded.insert(padded.begin(), 0);
    bytes const modulus = read_public_pem(key.pem()).value().modulus;
    for (bytes const& bad :
         {bytes{}, bytes(256), bytes(256, 0xFF), padded, bytes(signature.begin() + 1, signature.end()), bytes(100'000), modulus})
        BOOST_TEST(!key.verify_ps256("text", bad));
}

RC_BOOST_PROP(every_bit_of_a_signature_counts, ()) {
    static bytes const good = test_key().sign_ps256("text");
    bytes changed = good;
    changed[*rc::gen::inRange<std::size_t>(0, good.size())] ^= static_cast<std::uint8_t>(1 << *rc::gen::inRange(0, 8));
    RC_ASSERT(!test_key().public_key().verify_ps256("text", changed));
}

// One key shared by all: data races are for TSan to see, wrong signatures for this test.
BOOST_AUTO_TEST_CASE(a_key_is_shared_between_threads) {
    std::atomic<int> verified = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&verified, key = test_key(), t] {
            for (int i = 0; i < 5; ++i) {
                std::string const text = std::to_string(t * 100 + i);
                verified += key.public_key().verify_ps256(text, key.sign_ps256(text));
            }
        });
    threads.clear();
    BOOST_TEST(verified == 20);
}

// The reader takes exactly one encoding of a key: any other string is refused, not read and not crashed on.
RC_BOOST_PROP(every_octet_of_the_encoding_counts, ()) {
    static rsa_public_numbers const numbers = read_public_pem(test_key().public_key().pem()).value();
    bytes changed = numbers.spki;
    auto const at = *rc::gen::oneOf(rc::gen::inRange<std::size_t>(0, 34), rc::gen::inRange<std::size_t>(0, changed.size()));
    changed[at] = static_cast<std::uint8_t>(changed[at] + *rc::gen::inRange(1, 256));
    auto const read = read_public_pem(detail::write_pem(changed, "PUBLIC KEY"));
    if (read) {
        RC_ASSERT(at >= 32u);  // within the two numbers, the sign octet of the first included: another key, of the same form
        RC_ASSERT(encode_spki(read->modulus, read->exponent) == changed);
    } else {
        RC_ASSERT(read.error().code == errc::invalid_key);
    }
}

RC_BOOST_PROP(cut_or_padded_encodings_are_refused, ()) {
    static rsa_public_numbers const numbers = read_public_pem(test_key().public_key().pem()).value();
    bytes changed = numbers.spki;
    if (*rc::gen::arbitrary<bool>())
        changed.resize(*rc::gen::inRange<std::size_t>(0, changed.size()));
    else
        changed.push_back(*rc::gen::arbitrary<std::uint8_t>());
    RC_ASSERT(!read_public_pem(detail::write_pem(changed, "PUBLIC KEY")));
}

BOOST_AUTO_TEST_CASE(one_form_of_text) {
    std::string const pem = test_key().public_key().pem();
    for (std::string const& good : {replaced(pem, "\n", "\r\n"), pem.substr(0, pem.size() - 1)})
        BOOST_CHECK(rsa_public_key::from_pem(good).value() == test_key().public_key());
    for (std::string const& bad :
         {pem + "\n", "\n" + pem, pem + "x", replaced(pem, "PUBLIC KEY", "PUBLIC  KEY"), replaced(pem, "PUBLIC KEY", "public key"),
          replaced(pem, "PUBLIC KEY", "RSA PUBLIC KEY"), replaced(pem, "\n", "\n\n"), replaced(pem, "\n", "\r"), replaced(pem, "\n", " \n"),
          replaced(pem, "-----END", "----END"), std::string(10'000'000, 'A')})
        BOOST_TEST(!rsa_public_key::from_pem(bad));
}

BOOST_AUTO_TEST_SUITE_END()
