#include <bsp/wire/cursor.hpp>

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace bsp;
using namespace bsp::wire;

BOOST_AUTO_TEST_SUITE(cursors)

RC_BOOST_PROP(what_was_issued_reads_back, ()) {
    auto const any_instant = rc::gen::map(rc::gen::pair(rc::gen::inRange<std::int64_t>(0, 4'000'000'000), rc::gen::inRange<std::uint32_t>(0, 1'000'000'000)),
                                          [](auto const& p) { return instant{p.first, p.second}; });
    pull_cursor c{"epoch", *any_instant, {*any_instant, "c1"}, std::nullopt};
    if (*rc::gen::arbitrary<bool>()) c.message = feed_place{*any_instant, "m~1"};
    auto const back = decode_pull_cursor(encode(c));
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->epoch == c.epoch && back->since == c.since && back->conversation.at == c.conversation.at && back->conversation.id == c.conversation.id);
    RC_ASSERT(back->message.has_value() == c.message.has_value());
    if (c.message) RC_ASSERT(back->message->at == c.message->at && back->message->id == c.message->id);
}

RC_BOOST_PROP(nothing_else_does_and_nothing_throws, (std::string const& text)) {
    RC_ASSERT(!decode_pull_cursor(text).has_value());
    RC_ASSERT(!decode_pull_cursor(to_base64url(as_bytes(text))).has_value());
    RC_ASSERT(!decode_list_cursor(text, "peers").has_value());
}

BOOST_AUTO_TEST_CASE(a_cursor_belongs_to_its_list) {
    std::string const text = encode(list_cursor{"peers", "peer_1"});
    BOOST_TEST(decode_list_cursor(text, "peers").value().after == "peer_1");
    BOOST_TEST((decode_list_cursor(text, "conversations").error().code == errc::invalid_query));
    BOOST_TEST(!decode_pull_cursor(text).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
