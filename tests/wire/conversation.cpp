#include <bsp/wire/backend_identity.hpp>
#include <bsp/wire/conversation.hpp>

#include <boost/test/unit_test.hpp>

using namespace bsp;
using namespace bsp::wire;

BOOST_AUTO_TEST_SUITE(conversations_on_the_wire)

BOOST_AUTO_TEST_CASE(facts_are_read_and_text_is_kept) {
    auto const v = json::parse(R"({"conversation_id": "main", "version": 3, "last_modified": "2025-12-31T01:00:00+01:00", "source_backend": "local",
        "surfaces": ["web", "ios", "web"], "title": "\u00f6", "x": [1], "redacted": true,
        "messages": [{"id": "m1", "role": "user", "content": "hi", "timestamp": "2025-12-31T00:00:01.5Z", "surface": "tv", "source_backend": "local", "version": 9, "y": {}}]})").value();
    auto const w = decode_conversation(json::fields{v.as_object()}, {1'800'000'000, 0}).value();
    BOOST_TEST(w.head.version == 3);
    BOOST_TEST(w.head.version_seen == 9);
    BOOST_TEST((w.head.last_modified_at == instant{1'767'139'200, 0}));
    BOOST_TEST(w.head.last_modified == "2025-12-31T01:00:00+01:00");
    BOOST_TEST((w.head.surfaces == std::vector<std::string>{"ios", "tv", "web"}));
    BOOST_TEST(w.head.scalars.redacted);
    BOOST_TEST(w.head.scalars.body == R"({"conversation_id": "main", "last_modified": "2025-12-31T01:00:00+01:00", "redacted": true, "source_backend": "local", "title": "\u00f6", "version": 3, "x": [1]})");
    BOOST_TEST((w.head.scalars.digest == sha256(w.head.scalars.body)));
    BOOST_REQUIRE_EQUAL(w.messages.size(), 1u);
    BOOST_TEST(w.messages[0].body == R"({"content": "hi", "id": "m1", "role": "user", "source_backend": "local", "surface": "tv", "timestamp": "2025-12-31T00:00:01.5Z", "version": 9, "y": {}})");
}

BOOST_AUTO_TEST_CASE(the_writer_makes_the_object_again) {
    auto const v = json::parse(R"({"conversation_id": "main", "version": 3, "last_modified": "2025-12-31T00:00:00Z", "source_backend": "local", "surfaces": ["ios", "web"],
        "messages": [{"id": "m1", "role": "user", "content": "hi", "timestamp": "2025-12-31T00:00:01.5Z", "surface": "ios", "source_backend": "local", "version": 1},
                     {"id": "m2", "role": "user", "content": "ho", "timestamp": "2025-12-31T00:00:02Z", "surface": "web", "source_backend": "local", "version": 2}]})").value();
    auto const w = decode_conversation(json::fields{v.as_object()}, {1'800'000'000, 0}).value();
    std::string text;
    conversation_writer writer{text, emitted_scalars(w.head), w.head.surfaces};
    writer.begin_messages();
    for (auto const& m : w.messages) writer.message(m.body);
    writer.end_messages().end();
    BOOST_TEST(json::parse(text).value() == v);
}

BOOST_AUTO_TEST_CASE(labels_are_counted_in_characters) {
    std::string long_word;
    for (int i = 0; i < 128; ++i) long_word += "\xC3\xB6";
    BOOST_TEST(is_label(long_word));
    BOOST_TEST(!is_label(long_word + "x"));
    BOOST_TEST(!is_label(""));
    BOOST_TEST(!is_label("a\nb"));
    BOOST_TEST(!is_label("\xC2\x85"));
}

BOOST_AUTO_TEST_CASE(versions_of_the_protocol) {
    for (char const* good : {"1.0", "1.10", "1.99"}) BOOST_TEST(wire::detail::major_of(good).value_or(-1) == 1, good);
    BOOST_TEST(wire::detail::major_of("12.0").value_or(-1) == 12);
    for (char const* bad : {"", "1", "1.", ".1", "01.0", "1.00", "1.0.0", "-1.0", "+1.0", " 1.0", "1.0 ", "1.x", "99999999999.0"}) BOOST_TEST(!wire::detail::major_of(bad).has_value(), bad);
}

BOOST_AUTO_TEST_SUITE_END()
