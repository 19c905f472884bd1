#include "site.hpp"

#include <string>
#include <vector>

using namespace bsp;
using namespace bsp::test;

namespace {

struct box {
    site a{"a", "local", 0};
    sync::own_backend own = a.own();
    sync::outbox outbox{own, std::string{user}, "peer_hosted", "hosted"};

    void write(std::string const& conversation, std::string const& id, std::string const& content = "hi") { BOOST_REQUIRE(a.write(conversation, id, content, noon) == 201); }
    [[nodiscard]] std::vector<std::string> events() const {
        std::vector<std::string> ids;
        auto const held = outbox.events(0, 10'000).value();
        for (auto const& e : held) ids.push_back(e.event_id);
        return ids;
    }
};

std::vector<std::string> conversations(endpoint::feed_page const& page) {
    std::vector<std::string> ids;
    auto const list = json::parse(page.conversations).value();
    for (auto const& c : list.as_array()) ids.push_back(std::string{json::view(c.at("conversation_id").as_string())});
    return ids;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(outbox)

// BSP-OFF-020, BSP-OFF-022: once per conversation, in the order of commits, in the present state.
BOOST_AUTO_TEST_CASE(changes_are_coalesced_and_in_order) {
    box b;
    b.write("c1", "m1", "first"), b.write("c2", "m1"), b.write("c3", "m1"), b.write("c1", "m1", "second");
    auto const page = b.outbox.conversations({}, 10, privacy::form::original, noon).value();
    BOOST_TEST(conversations(page) == (std::vector<std::string>{"c2", "c3", "c1"}), boost::test_tools::per_element());
    BOOST_TEST(page.conversations.find("second") != std::string::npos);
    BOOST_TEST(page.conversations.find("first") == std::string::npos);
    BOOST_TEST(!page.next);
    BOOST_TEST(b.outbox.conversations({page.end, {}, {}}, 10, privacy::form::original, noon).value().entries == 0u);
    BOOST_TEST(b.outbox.measure({}).value().conversations == 3u);
}

// BSP-OFF-021: every piece is one that any server takes, and together they are everything.
BOOST_AUTO_TEST_CASE(a_push_is_no_larger_than_every_server_takes) {
    box b;
    for (int i = 0; i < 2'500; ++i) b.write("long", "m" + std::to_string(i), "x");
    for (int i = 0; i < 7; ++i) b.write("fat", "m" + std::to_string(i), std::string(1'000'000, '\x01'));
    std::set<std::string> seen;
    std::size_t pieces = 0;
    for (feed_position from;; ++pieces) {
        auto const page = b.outbox.conversations(from, 500, privacy::form::original, noon).value();
        auto const list = json::parse(page.conversations).value();
        BOOST_TEST(json::serialize(list).size() < (10u << 20));
        for (auto const& c : list.as_array()) {
            BOOST_TEST(c.at("messages").as_array().size() <= 1'000u);
            for (auto const& m : c.at("messages").as_array()) seen.insert(std::string{json::view(m.at("id").as_string())} + std::string{json::view(c.at("conversation_id").as_string())});
        }
        if (!page.next) break;
        from = *page.next;
    }
    BOOST_TEST(seen.size() == 2'507u);
    BOOST_TEST(pieces >= 4u);
}

// The trap of a position that moves with the pages: an older message of a conversation that moved to the end.
BOOST_AUTO_TEST_CASE(a_conversation_that_moves_takes_its_older_messages_along) {
    box b;
    b.write("c1", "old");
    b.write("c2", "m1");
    auto const first = b.outbox.conversations({}, 1, privacy::form::original, noon).value();
    b.write("c1", "new");  // it was given already, and again it is behind us
    b.write("c2", "m2");
    auto const second = b.outbox.conversations(*first.next, 10, privacy::form::original, noon).value();
    BOOST_TEST(second.conversations.find("\"m1\"") != std::string::npos);
    BOOST_TEST(second.conversations.find("\"m2\"") != std::string::npos);
    BOOST_TEST(second.conversations.find("\"new\"") != std::string::npos);
}

// BSP-OFF-060 … BSP-OFF-062
BOOST_AUTO_TEST_CASE(events_are_first_in_first_out) {
    box b;
    for (char const* id : {"e3", "e1", "e2"}) BOOST_TEST(b.outbox.add_event(id, "{}", noon).has_value());  // at one instant
    BOOST_TEST(b.events() == (std::vector<std::string>{"e3", "e1", "e2"}), boost::test_tools::per_element());
    BOOST_TEST(b.outbox.remove_event("e1").has_value());
    BOOST_TEST(b.events() == (std::vector<std::string>{"e3", "e2"}), boost::test_tools::per_element());
    auto const after = b.outbox.events(b.outbox.events(0, 1).value().at(0).number, 10).value();
    BOOST_TEST(after.at(0).event_id == "e2");
}

BOOST_AUTO_TEST_CASE(only_the_oldest_events_give_way_and_are_counted) {
    box b;
    b.write("main", "m1");
    for (int i = 0; i < 1'003; ++i) BOOST_TEST(b.outbox.add_event("e" + std::to_string(i), "{}", noon).has_value());
    auto const load = b.outbox.measure({}).value();
    BOOST_TEST(load.events.items == 1'000u);
    BOOST_TEST(load.events.dropped == 3u);
    BOOST_TEST(b.events().front() == "e3");
    BOOST_TEST(b.events().back() == "e1002");
    BOOST_TEST(load.conversations == 1u);  // never (BSP-OFF-001)
}

BOOST_AUTO_TEST_CASE(bytes_are_bounded_too) {
    box b;
    std::string const ten_million(10'000'000, 'x');
    for (int i = 0; i < 10; ++i) BOOST_TEST(b.outbox.add_event("e" + std::to_string(i), ten_million, noon).has_value());
    BOOST_TEST(b.outbox.measure({}).value().events.dropped == 0u);
    BOOST_TEST(b.outbox.add_event("last", std::string(15'000'000, 'y'), noon).has_value());
    BOOST_TEST(b.outbox.measure({}).value().events.dropped == 2u);
    BOOST_TEST(b.outbox.measure({}).value().events.bytes == 95'000'000u);
    auto const refused = b.outbox.add_event("huge", std::string(100'000'001, 'z'), noon);
    BOOST_REQUIRE(!refused);
    BOOST_TEST((refused.error().code == errc::payload_too_large));
    BOOST_TEST(b.outbox.measure({}).value().events.items == 9u);
}

// BSP-OFF-071
BOOST_AUTO_TEST_CASE(queues_are_each_peers_own) {
    box b;
    sync::outbox other{b.own, std::string{user}, "peer_other", "hosted"};
    BOOST_TEST(b.outbox.add_event("e1", "{}", noon).has_value());
    BOOST_TEST(other.events(0, 10).value().empty());
    BOOST_TEST(b.a.ledger.forget("peer_other").has_value());
    BOOST_TEST(b.events().size() == 1u);
    BOOST_TEST(b.a.ledger.forget("peer_hosted").has_value());
    BOOST_TEST(b.events().empty());
}

// Another user's writes are nobody else's changes (BSP-OFF-025).
BOOST_AUTO_TEST_CASE(an_outbox_is_of_one_user) {
    box b;
    b.write("main", "m1");
    sync::outbox of_bob{b.own, "bob", "peer_hosted", "hosted"};
    BOOST_TEST(of_bob.conversations({}, 10, privacy::form::original, noon).value().entries == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
