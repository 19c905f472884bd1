#include <bsp/crypto/content_cipher.hpp>

#include <boost/test/unit_test.hpp>

#include <set>

using namespace bsp;

namespace {

sealing_key key_of(std::uint8_t first) {
    std::array<std::uint8_t, 32> raw{};
    for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<std::uint8_t>(first + i);
    return sealing_key{raw};
}

content_cipher cipher_of(std::initializer_list<std::uint8_t> keys) {
    std::vector<sealing_key> all;
    for (auto const k : keys) all.push_back(key_of(k));
    return content_cipher{std::move(all), key_of(99)};
}

constexpr content_place here{"message.body", "ada", "main", "m1"};

}  // namespace

BOOST_AUTO_TEST_SUITE(content_at_rest)

// The example of appendix B of "The Galois/Counter Mode of Operation" (test case 16), whose format is not ours: it shows that
// the cipher is AES-256-GCM with the tag behind the text.
BOOST_AUTO_TEST_CASE(the_cipher_is_the_published_one) {
    auto const key = *from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"), nonce = *from_hex("cafebabefacedbaddecaf888");
    auto const text = *from_hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    auto const where = *from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    bytes out(text.size() + content_cipher::tag_bytes);
    CryptoPP::GCM<CryptoPP::AES>::Encryption cipher;
    cipher.SetKeyWithIV(key.data(), key.size(), nonce.data(), nonce.size());
    cipher.EncryptAndAuthenticate(out.data(), out.data() + text.size(), content_cipher::tag_bytes, nonce.data(), static_cast<int>(nonce.size()), where.data(), where.size(), text.data(), text.size());
    BOOST_TEST(to_hex(byte_view{out}.last(16)) == "76fc6ece0f4e1768cddf8853bb2d551b");
}

BOOST_AUTO_TEST_CASE(what_was_sealed_opens_in_its_place_with_its_key_alone) {
    auto const one = cipher_of({1});
    for (std::string const& text : {std::string{}, std::string{"a"}, std::string(100'000, 'x'), std::string{"with\0zero", 9}}) {
        std::string const sealed = one.seal(text, here);
        BOOST_TEST(sealed.size() == text.size() + content_cipher::overhead_bytes);
        BOOST_TEST(one.open(sealed, here).value() == text);
        for (content_place const other : {content_place{"loser.body", "ada", "main", "m1"}, {"message.body", "bob", "main", "m1"}, {"message.body", "ada", "main2", "m1"},
                                          {"message.body", "ada", "main", "m2"}, {"message.body", "ada", "mainm", "1"}, {"message.body", "adam", "ain", "m1"}})
            BOOST_TEST(!one.open(sealed, other).has_value());
        BOOST_TEST(!cipher_of({2}).open(sealed, here).has_value());
    }
}

BOOST_AUTO_TEST_CASE(every_bit_counts) {
    auto const one = cipher_of({1});
    std::string const sealed = one.seal("forty-two", here);
    for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
        std::string other = sealed;
        other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
        BOOST_TEST(!one.open(other, here).has_value());
    }
    for (std::size_t n = 0; n < sealed.size(); ++n) BOOST_TEST(!one.open(sealed.substr(0, n), here).has_value());
    BOOST_TEST(!one.open(sealed + '\0', here).has_value());
}

BOOST_AUTO_TEST_CASE(no_two_values_are_alike) {
    auto const one = cipher_of({1});
    std::set<std::string> all;
    for (int i = 0; i < 200; ++i) all.insert(one.seal("the same", here));
    BOOST_TEST(all.size() == 200u);
    BOOST_TEST(all.begin()->find("the same") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_older_key_opens_and_the_first_one_seals) {
    std::string const old = cipher_of({1}).seal("text", here);
    auto const both = cipher_of({2, 1});
    BOOST_TEST(both.open(old, here).value() == "text");
    BOOST_TEST(!both.is_current(old));
    std::string const fresh = both.seal("text", here);
    BOOST_TEST(both.is_current(fresh));
    BOOST_TEST(cipher_of({2}).open(fresh, here).value() == "text");
    BOOST_TEST(!cipher_of({1}).open(fresh, here).has_value());
    BOOST_TEST((both.keyed(sha256("a")) == cipher_of({1}).keyed(sha256("a"))));
    BOOST_TEST((both.keyed(sha256("a")) != both.keyed(sha256("b"))));
    BOOST_TEST((both.keyed(sha256("a")) != sha256("a")));
}

BOOST_AUTO_TEST_SUITE_END()
