#include "vectors.hpp"

#include <bsp/endpoint/join_into.hpp>
#include <bsp/testing/memory_store.hpp>
#include <bsp/wire/digest.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>
#include <vector>

using namespace bsp;
using namespace bsp::test;

BOOST_AUTO_TEST_SUITE(merge_vectors)

namespace {

constexpr instant end_of_time{std::numeric_limits<std::int64_t>::max(), 0};

wire::conversation_write conversation_of(json::value const& v) {
    return wire::decode_conversation(json::fields{v.as_object()}, end_of_time).value();
}

std::set<std::string> strings_of(json::value const* v) {
    std::set<std::string> all;
    if (v)
        for (auto const& s : v->as_array()) all.emplace(json::view(s.as_string()));
    return all;
}

/// Joins the inputs into an empty store in the given order, and gives what it then holds: the head and the
/// messages in the order of reading.
struct held {
    merge::conversation_head head;
    std::vector<merge::message> messages;
};
held join_all(std::vector<wire::conversation_write> const& inputs) {
    testing::memory_store store;
    for (auto const& input : inputs) {
        auto const joined = store.write([&](store_writer& w) -> result<> {
            auto& mine = w.tenant("ada");
            BSP_TRY(instant const at, mine.begin_change({1, 0}));
            std::vector<wire::conflict> conflicts;
            BSP_CHECK(endpoint::join_into(mine, input, at, conflicts));
            return ok();
        });
        BOOST_REQUIRE(joined.has_value());
    }
    return store
        .read([&](store_reader& r) -> result<held> {
            auto& mine = r.tenant("ada");
            BSP_TRY(auto const head, mine.head(inputs.front().head.conversation_id));
            BSP_TRY(auto messages, mine.messages_in_order(inputs.front().head.conversation_id, std::nullopt, 1'000));
            return held{*head, std::move(messages)};
        })
        .value();
}

/// Every order of the inputs (up to 120), and one with everything twice.
template <class T, class F>
void in_every_order(std::vector<T> const& inputs, F f) {
    std::vector<std::size_t> order(inputs.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    int left = 120;
    do {
        std::vector<T> arranged;
        for (std::size_t i : order) arranged.push_back(inputs[i]);
        f(arranged);
    } while (--left > 0 && std::ranges::next_permutation(order).found);
    std::vector<T> twice = inputs;
    twice.insert(twice.end(), inputs.rbegin(), inputs.rend());
    f(twice);
}

void check_writes(json::value const& v) {
    std::vector<merge::message> writes;
    for (auto const& w : v.at("writes").as_array())
        writes.push_back(wire::decode_message(json::fields{w.as_object()}, end_of_time).value());
    auto const& digests = v.at("digests").as_array();
    for (std::size_t i = 0; i < writes.size(); ++i)
        BOOST_TEST(to_hex(writes[i].digest) == std::string{digests.at(i).as_string()}, label(v));
    auto const winner = static_cast<std::size_t>(v.at("winner").as_int64());
    in_every_order(writes, [&](std::vector<merge::message> const& arranged) {
        auto const joined = merge::join(arranged);
        BOOST_REQUIRE_MESSAGE(joined.size() == 1, label(v));
        BOOST_TEST(joined[0].body == writes[winner].body, label(v));
    });
}

void check_inputs(json::value const& v) {
    std::vector<wire::conversation_write> inputs;
    for (auto const& c : v.at("inputs").as_array()) inputs.push_back(conversation_of(c));
    auto const& digests = v.at("scalar_digests").as_array();
    for (std::size_t i = 0; i < inputs.size(); ++i)
        BOOST_TEST(to_hex(inputs[i].head.scalars.digest) == std::string{digests.at(i).as_string()}, label(v));

    json::object expected = v.at("joined").as_object();
    auto const surfaces = strings_of(expected.if_contains("surfaces"));
    auto may = strings_of(v.as_object().if_contains("surfaces_may"));
    may.insert(surfaces.begin(), surfaces.end());
    json::array const messages = expected.at("messages").as_array();
    expected.erase("surfaces"), expected.erase("messages");

    in_every_order(inputs, [&](std::vector<wire::conversation_write> const& arranged) {
        auto const joined = join_all(arranged);
        BOOST_TEST(json::value(wire::emitted_scalars(joined.head)) == json::value(expected), label(v));
        std::set<std::string> const emitted{joined.head.surfaces.begin(), joined.head.surfaces.end()};
        BOOST_TEST(std::ranges::includes(emitted, surfaces), label(v));
        BOOST_TEST(std::ranges::includes(may, emitted), label(v));
        json::array held;
        for (auto const& m : joined.messages) held.push_back(json::parse(m.body).value());
        BOOST_TEST(held == messages, label(v));
    });
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_order_of_arrival_ends_the_same) {
    for (auto const& v : vectors("merge"))
        if (v.as_object().contains("writes"))
            check_writes(v);
        else
            check_inputs(v);
}

BOOST_AUTO_TEST_CASE(digests_of_states) {
    for (auto const& v : vectors("digest")) {
        wire::state_digest state;
        std::vector<wire::conversation_write> live;
        for (auto const& c : v.at("state").as_array())
            if (auto write = conversation_of(c); !write.head.scalars.deleted) live.push_back(std::move(write));
        std::ranges::sort(live, {}, [](auto const& w) { return w.head.conversation_id; });

        auto const& expected = v.at("conversation_digests").as_array();
        BOOST_REQUIRE_MESSAGE(live.size() == expected.size(), label(v));
        for (std::size_t i = 0; i < live.size(); ++i) {
            std::vector<wire::message_digest> messages;
            for (auto const& m : live[i].messages)
                if (!m.deleted) messages.emplace_back(m.id, m.digest);
            std::string const hc = wire::conversation_digest(live[i].head, messages);
            BOOST_TEST(json::value(json::array{live[i].head.conversation_id, hc}) == expected[i], label(v));
            state.add(live[i].head.conversation_id, hc);
        }
        auto const answer = json::parse(state.encode()).value();
        BOOST_TEST(answer.at("digest") == v.at("digest"), label(v));
        BOOST_TEST(answer.at("conversations") == v.at("conversations"), label(v));
    }
}

BOOST_AUTO_TEST_SUITE_END()
