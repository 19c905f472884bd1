#include <bsp/crypto/sealed.hpp>

#include <boost/test/unit_test.hpp>

#include <set>

using namespace bsp;

namespace {

sealing_key key_of(std::uint8_t first) {
    std::array<std::uint8_t, 32> raw{};
    for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<std::uint8_t>(first + i);
    return sealing_key{raw};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sealed)

// The example of draft-irtf-cfrg-xchacha-03, appendix A.3.1.
BOOST_AUTO_TEST_CASE(the_cipher_is_the_published_one) {
    auto const from = [](char const* hex) { return *from_hex(hex); };
    bytes text = from("404142434445464748494a4b4c4d4e4f5051525354555657"
                      "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e"
                      "3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
    auto const place = from("50515253c0c1c2c3c4c5c6c7");
    auto const opened = unseal(key_of(0x80), text, {reinterpret_cast<char const*>(place.data()), place.size()});
    BOOST_REQUIRE(opened.has_value());
    BOOST_TEST(*opened == "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.");
}

BOOST_AUTO_TEST_CASE(what_was_sealed_opens_in_its_place_with_its_key_alone) {
    auto const key = key_of(1);
    for (std::string const text : {"", "a", "a secret that is longer than one block of the cipher, which has 64 bytes, by some"}) {
        auto const sealed = seal(key, text, "here");
        BOOST_TEST(sealed.size() == text.size() + 40);
        BOOST_TEST(unseal(key, sealed, "here").value() == text);
        BOOST_TEST(!unseal(key, sealed, "there").has_value());
        BOOST_TEST(!unseal(key, sealed, "").has_value());
        BOOST_TEST(!unseal(key_of(2), sealed, "here").has_value());
        for (std::size_t i = 0; i < sealed.size(); ++i) {
            auto changed = sealed;
            changed[i] ^= 1;
            BOOST_TEST(!unseal(key, changed, "here").has_value());
            BOOST_TEST(!unseal(key, byte_view{sealed}.first(i), "here").has_value());
        }
    }
}

BOOST_AUTO_TEST_CASE(the_same_text_is_never_sealed_alike) {
    std::set<bytes> nonces;
    for (int i = 0; i < 100; ++i) {
        auto const sealed = seal(key_of(1), "the same", "here");
        nonces.insert(bytes(sealed.begin(), sealed.begin() + 24));
    }
    BOOST_TEST(nonces.size() == 100u);
}

BOOST_AUTO_TEST_CASE(a_key_is_named_without_being_told) {
    BOOST_TEST(key_of(1).id().size() == 16u);
    BOOST_TEST(key_of(1).id() == key_of(1).id());
    BOOST_TEST(key_of(1).id() != key_of(2).id());
    BOOST_TEST(to_hex(key_of(1).bytes()).find(key_of(1).id()) == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
