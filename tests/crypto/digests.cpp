#include <bsp/base/encoding.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/crypto/sha256.hpp>

#include <rapidcheck/boost_test.h>
#include <boost/test/unit_test.hpp>

#include <array>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(digests)

// FIPS 180-4, RFC 4231.
BOOST_AUTO_TEST_CASE(published_values) {
    BOOST_TEST(to_hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    BOOST_TEST(to_hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    BOOST_TEST(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    BOOST_TEST(to_hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")) ==
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    BOOST_TEST(to_hex(hmac_sha256("", "")) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

RC_BOOST_PROP(constant_time_equality_is_equality, (bytes const& a, bytes const& b)) {
    RC_ASSERT(equal_in_constant_time(a, a));
    RC_ASSERT(equal_in_constant_time(a, b) == (a == b));
    bytes changed = a;
    RC_PRE(!changed.empty());
    changed[*rc::gen::inRange<std::size_t>(0, changed.size())] ^= static_cast<std::uint8_t>(1 << *rc::gen::inRange(0, 8));
    RC_ASSERT(!equal_in_constant_time(a, changed));
    changed = a;
    changed.pop_back();
    RC_ASSERT(!equal_in_constant_time(a, changed));
}

BOOST_AUTO_TEST_CASE(random_bytes_differ) {
    std::array<std::uint8_t, 32> a{}, b{};
    random_bytes(a);
    random_bytes(b);
    BOOST_CHECK(a != b);
}

BOOST_AUTO_TEST_SUITE_END()
