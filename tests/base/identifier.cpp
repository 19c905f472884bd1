#include "../json/any_value.hpp"

#include <bsp/base/identifier.hpp>

#include <rapidcheck/boost_test.h>
#include <boost/test/unit_test.hpp>

#include <string>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(identifier)

static_assert(is_identifier("main") && !is_identifier("..") && agrees_with_type("local_abc", "local"));

// The grammar, said a second time: every byte, alone and between others.
BOOST_AUTO_TEST_CASE(every_byte_is_in_or_out) {
    std::string const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@~-";
    for (int byte = 0; byte < 256; ++byte) {
        char const c = static_cast<char>(byte);
        BOOST_TEST(is_identifier(std::string{'a', c, 'b'}) == (allowed.find(c) != std::string::npos), "byte " << byte);
    }
    BOOST_TEST(is_identifier(std::string(128, 'x')));
    BOOST_TEST(!is_identifier(std::string(129, 'x')));
}

BOOST_AUTO_TEST_CASE(user_ids_count_scalars_and_must_be_utf8) {
    std::string grin;
    for (int i = 0; i < 256; ++i) grin += "\xF0\x9F\x98\x80";
    BOOST_TEST(is_user_id(grin));
    BOOST_TEST(!is_user_id(grin + "a"));
    for (std::string const& bad : {std::string{"\xC3"}, std::string{"\xC0\xAF"}, std::string{"\xED\xA0\x80"},
                                   std::string{"\xF4\x90\x80\x80"}, std::string{"\xC2\x9F"}, std::string{"a\0b", 3}})
        BOOST_TEST(!is_user_id(bad));
    BOOST_TEST(is_user_id("\xC2\xA0"));
    BOOST_TEST(is_user_id("anonymous"));
}

BOOST_AUTO_TEST_CASE(backend_ids_agree_with_their_type) {
    BOOST_TEST(agrees_with_type("hosted_sha256_fly_io", "hosted"));
    for (auto [id, type] : {std::pair{"local_", "local"},
                            {"local", "local"},
                            {"localx_1", "local"},
                            {"local_1", "hosted"},
                            {"local_1", ""},
                            {"_1", ""},
                            {"Local_1", "local"},
                            {"local_\t", "local"},
                            {"local_a b", "local"},
                            {"local_\xC3\xA9", "local"}})
        BOOST_TEST(!agrees_with_type(id, type), "accepted " << id << " as " << type);
}

// Any scalar survives its own encoding; the encoder is the tests' own.
RC_BOOST_PROP(utf8_decodes_what_was_encoded, ()) {
    auto const c =
        *rc::gen::suchThat(rc::gen::inRange<std::uint32_t>(0, 0x110000), [](std::uint32_t x) { return x < 0xD800 || x > 0xDFFF; });
    std::string text = test::utf8_of({c});
    std::size_t at = 0;
    RC_ASSERT(decode_utf8(text, at) == static_cast<char32_t>(c));
    RC_ASSERT(at == text.size());
    text.pop_back();
    at = 0;
    RC_ASSERT(text.empty() || !decode_utf8(text, at));
}

BOOST_AUTO_TEST_SUITE_END()
