#include "network.hpp"

#include <algorithm>
#include <string>
#include <vector>

/// What came from a peer is not pushed back to it, and nothing else is kept from it (BSP-OFF-026, BSP-OFF-004).

using namespace bsp;
using namespace bsp::test;

namespace {

struct lab {
    site a{"a", "local", 0}, hosted{"hosted", "hosted", 2};
    network net{1};
    bool is_full = false;             ///< hosted answers every push with 503
    std::vector<std::string> pushed;  ///< "conversation/message" of the pushes that were taken, in their order
    int taken = 0;                    ///< pushes

    lab() {
        net.now_it_is.delay_max = 1ms;
        net.add(a), net.add(hosted);
        pair(a, hosted);
        net.script = [this](site&, http_request const& r) -> std::optional<http_response> {
            if (r.method != "POST") return std::nullopt;
            if (is_full) return http_response{.status = 503, .headers = {}, .body = ""};
            ++taken;
            auto const body = json::parse(r.body).value();
            for (auto const& c : body.at("conversations").as_array())
                for (auto const& m : c.at("messages").as_array()) pushed.push_back(text(c, "conversation_id") + '/' + text(m, "id"));
            return std::nullopt;
        };
        a.start();
        net.run_for(7s);
    }

    static std::string text(json::value const& o, char const* name) { return std::string{json::view(o.at(name).as_string())}; }
    void write(site& s, std::string const& conversation, std::string const& id) { BOOST_REQUIRE(s.write(conversation, id, "hi", net.now().wall) == 201); }
    [[nodiscard]] bool was_pushed(std::string const& what) const { return std::ranges::count(pushed, what) > 0; }

    /// Hosted takes no push until a pull has brought what is there.
    void pull_while_something_is_due() {
        is_full = true;
        write(a, "busy", "b1");
        net.run_for(6s);
    }
    void take_pushes() {
        is_full = false;
        net.run_for(70s);
    }
    [[nodiscard]] std::size_t due() { return a.session().look(net.now()).value().due.conversations; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(echoes)

BOOST_AUTO_TEST_CASE(what_is_pulled_while_something_is_due_does_not_go_back) {
    lab l;
    l.write(l.hosted, "theirs", "t1");
    l.pull_while_something_is_due();
    BOOST_REQUIRE(l.a.message("theirs", "t1").has_value());
    l.write(l.hosted, "theirs", "t2");  // and once more
    l.net.run_for(6s);
    BOOST_REQUIRE(l.a.message("theirs", "t2").has_value());
    l.take_pushes();
    BOOST_TEST(l.pushed == std::vector<std::string>{"busy/b1"}, boost::test_tools::per_element());
    BOOST_TEST(l.taken == 1);
    BOOST_TEST(l.due() == 0u);

    l.net.restart(l.a);                 // the position has passed it for ever
    l.net.run_for(20s);
    BOOST_TEST(l.taken == 1);
    BOOST_TEST(l.a.state() == l.hosted.state());
}

BOOST_AUTO_TEST_CASE(pages_pulled_while_something_is_due_do_not_go_back) {
    lab l;
    for (int i = 0; i < 700; ++i) l.write(l.hosted, "theirs" + std::to_string(i), "t1");  // two pages
    l.pull_while_something_is_due();
    BOOST_REQUIRE(l.a.message("theirs699", "t1").has_value());
    l.take_pushes();
    BOOST_TEST(l.pushed == std::vector<std::string>{"busy/b1"}, boost::test_tools::per_element());
    BOOST_TEST(l.taken == 1);
    BOOST_TEST(l.due() == 0u);
}

// More than is remembered goes back, and that is all.
BOOST_AUTO_TEST_CASE(what_is_remembered_is_bounded) {
    lab l;
    for (std::size_t i = 0; i < sync::echoes::max + 200; ++i) l.write(l.hosted, "theirs" + std::to_string(i), "t1");
    l.pull_while_something_is_due();
    l.take_pushes();
    BOOST_TEST(l.pushed.size() == 201u);
    BOOST_TEST(l.was_pushed("busy/b1"));
    BOOST_TEST(l.due() == 0u);
}

BOOST_AUTO_TEST_CASE(a_write_into_a_pulled_conversation_is_pushed) {
    lab l;
    l.write(l.hosted, "theirs", "t1");
    l.write(l.hosted, "others", "o1");
    l.pull_while_something_is_due();
    l.write(l.a, "theirs", "m1");
    l.take_pushes();
    BOOST_TEST(l.was_pushed("theirs/m1"));
    BOOST_TEST(!l.was_pushed("others/o1"));
    BOOST_TEST(l.hosted.message("theirs", "m1").has_value());
    BOOST_TEST(l.a.state() == l.hosted.state());
}

BOOST_AUTO_TEST_CASE(a_write_before_the_pull_is_pushed) {
    lab l;
    l.is_full = true;
    l.write(l.a, "main", "m1");
    l.net.run_for(100ms);
    l.write(l.a, "main", "m2");  // not part of the push that is under way
    l.write(l.hosted, "main", "t1");
    l.net.run_for(6s);
    BOOST_REQUIRE(l.a.message("main", "t1").has_value());
    l.take_pushes();
    BOOST_TEST(l.hosted.message("main", "m1").has_value());
    BOOST_TEST(l.hosted.message("main", "m2").has_value());
    BOOST_TEST(l.a.state() == l.hosted.state());
}

BOOST_AUTO_TEST_CASE(a_write_between_two_pulls_is_pushed) {
    lab l;
    l.write(l.hosted, "theirs", "t1");
    l.pull_while_something_is_due();
    l.write(l.a, "theirs", "m1");
    l.write(l.hosted, "theirs", "t2");
    l.net.run_for(6s);
    BOOST_REQUIRE(l.a.message("theirs", "t2").has_value());
    l.take_pushes();
    BOOST_TEST(l.hosted.message("theirs", "m1").has_value());
    BOOST_TEST(l.a.state() == l.hosted.state());
}

// The push was read before the pull, and is acknowledged after it: the pulled message alone is left.
BOOST_AUTO_TEST_CASE(what_joins_a_conversation_under_way_does_not_go_back) {
    lab l;
    l.is_full = true;
    l.write(l.a, "main", "m1");
    l.net.run_for(100ms);
    l.write(l.hosted, "main", "t1");
    l.net.run_for(6s);
    BOOST_REQUIRE(l.a.message("main", "t1").has_value());
    l.take_pushes();
    BOOST_TEST(l.pushed == std::vector<std::string>{"main/m1"}, boost::test_tools::per_element());
    BOOST_TEST(l.due() == 0u);
}

// A restart forgets it, and loses nothing; so does a peer that was restored.
BOOST_AUTO_TEST_CASE(what_is_forgotten_is_pushed) {
    lab l;
    l.write(l.hosted, "theirs", "t1");
    l.pull_while_something_is_due();
    l.write(l.a, "theirs", "m1");
    l.net.restart(l.a);
    l.take_pushes();
    BOOST_TEST(l.was_pushed("busy/b1"));
    BOOST_TEST(l.was_pushed("theirs/m1"));

    lab r;
    r.write(r.hosted, "theirs", "t1");
    r.pull_while_something_is_due();
    r.hosted.memory = std::make_unique<testing::memory_store>("another epoch");
    r.hosted.put(registration_of(r.a, "peer_a"));
    r.take_pushes();
    BOOST_TEST(r.hosted.message("theirs", "t1").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
