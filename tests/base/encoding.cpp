#include <bsp/base/encoding.hpp>

#include <rapidcheck/boost_test.h>
#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

using namespace bsp;

BOOST_AUTO_TEST_SUITE(encoding)

namespace {
std::string text_of(std::optional<bytes> const& b) { return b ? std::string(b->begin(), b->end()) : "<refused>"; }
}  // namespace

// RFC 4648 §10.
BOOST_AUTO_TEST_CASE(writes_and_reads_the_rfcs_examples) {
    struct {
        std::string_view plain, base64, base64url, hex;
    } const examples[] = {{"", "", "", ""},
                          {"f", "Zg==", "Zg", "66"},
                          {"fo", "Zm8=", "Zm8", "666f"},
                          {"foo", "Zm9v", "Zm9v", "666f6f"},
                          {"foob", "Zm9vYg==", "Zm9vYg", "666f6f62"},
                          {"fooba", "Zm9vYmE=", "Zm9vYmE", "666f6f6261"},
                          {"foobar", "Zm9vYmFy", "Zm9vYmFy", "666f6f626172"},
                          {"\xfb\xff\xbf", "+/+/", "-_-_", "fbffbf"}};
    for (auto const& e : examples) {
        BOOST_TEST(to_base64(as_bytes(e.plain)) == e.base64);
        BOOST_TEST(to_base64url(as_bytes(e.plain)) == e.base64url);
        BOOST_TEST(to_hex(as_bytes(e.plain)) == e.hex);
        BOOST_TEST(text_of(from_base64(e.base64)) == e.plain);
        BOOST_TEST(text_of(from_base64url(e.base64url)) == e.plain);
        BOOST_TEST(text_of(from_hex(e.hex)) == e.plain);
    }
}

BOOST_AUTO_TEST_CASE(base64_has_one_spelling) {
    for (std::string_view bad : {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zg==Zg==", "=", "==", "====", "Z===", "Zm9v\n", " Zm9v",
                                 "Zm 9v", "Zm9v=", "Zm-v", "Zm_v", "Zm9v====", "Zm!v"})
        BOOST_TEST(!from_base64(bad), "accepted " << bad);
    BOOST_TEST(!from_base64({"Zm9\0", 4}));
}

BOOST_AUTO_TEST_CASE(base64url_has_one_spelling) {
    for (std::string_view bad : {"Z", "Zg==", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm9v\n", "Zm 9v", "Zm9v="})
        BOOST_TEST(!from_base64url(bad), "accepted " << bad);
}

BOOST_AUTO_TEST_CASE(hexadecimal_is_lowercase_and_even) {
    for (std::string_view bad : {"0", "0A", "g0", "0x", " 00", "00 ", "0\n"}) BOOST_TEST(!from_hex(bad), "accepted " << bad);
}

RC_BOOST_PROP(round_trips, (bytes const& data)) {
    RC_ASSERT(from_hex(to_hex(data)) == data);
    RC_ASSERT(from_base64(to_base64(data)) == data);
    RC_ASSERT(from_base64url(to_base64url(data)) == data);
}

// What a reader takes is what the writer would have written: no two texts for one value.
RC_BOOST_PROP(whatever_is_read_is_canonical, ()) {
    auto const text =
        *rc::gen::container<std::string>(rc::gen::element('A', 'Q', 'g', 'w', 'z', '9', '0', 'a', 'f', '+', '/', '-', '_', '=', '\n'));
    if (auto const b = from_base64(text)) RC_ASSERT(to_base64(*b) == text);
    if (auto const b = from_base64url(text)) RC_ASSERT(to_base64url(*b) == text);
    if (auto const b = from_hex(text)) RC_ASSERT(to_hex(*b) == text);
}

BOOST_AUTO_TEST_SUITE_END()
