#include "session_lab.hpp"

/// How a session pulls: each rule of chapter 10 by itself.

using namespace bsp;
using namespace bsp::test;

BOOST_AUTO_TEST_SUITE(session_pull)

// BSP-OFF-005, BSP-OFF-050, BSP-SYN-119: page by page; a crash in between goes on from there.
BOOST_AUTO_TEST_CASE(pages_are_followed_to_the_last) {
    lab l;
    for (int i = 0; i < 1'203; ++i) BOOST_REQUIRE(l.hosted.write("c" + std::to_string(i), "m", "x", l.net.now().wall) == 201);
    while (l.pulls.size() < 2) l.net.run_for(1ms);
    l.net.run_for(10ms);
    l.net.restart(l.a);
    l.net.run_for(1s);
    BOOST_TEST(l.a.state() == l.hosted.state());
    BOOST_TEST(l.pulls[0] == "/sync/peer_a?limit=500");
    BOOST_TEST(l.pulls[1].find("&cursor=") != std::string::npos);
    for (auto const& target : l.pulls) BOOST_TEST((target.find("since=") == std::string::npos || target.find("cursor=") == std::string::npos));
    BOOST_TEST(l.pulls.back().find("&epoch=epoch%20of%20hosted") != std::string::npos);
}

// BSP-OFF-052: garbage is counted, takes nothing with it, and is asked for again.
BOOST_AUTO_TEST_CASE(unreadable_pages_change_nothing) {
    for (std::string const& bad : {std::string{"<html>"}, std::string{"{}"}, std::string{"[]"}, std::string{R"({"conversations": [], "last_sync": "yesterday", "has_more": false})"}, page(entry("c1") + ", 7").body,
                                   page(entry("c1") + ", " + entry("c2", R"({"id": "m1"})")).body, page(entry("c1"), R"("last_sync": "2025-12-31T00:00:00Z", "has_more": true)").body,
                                   page(entry("c1"), R"("last_sync": "2025-12-31T00:00:00Z", "has_more": 1)").body}) {
        lab l;
        bool spoiled = true;
        l.on_pull = [&](http_request const&) { return spoiled ? std::optional<http_response>{http_response{.status = 200, .headers = {}, .body = bad}} : std::nullopt; };
        BOOST_REQUIRE(l.hosted.write("real", "m1", "hi", l.net.now().wall) == 201);
        l.net.run_for(4s);
        BOOST_TEST(l.a.state().empty(), bad);
        BOOST_TEST(l.a.progress().since == "", bad);
        BOOST_TEST(l.a.progress().counters.pulls_failed >= 2, bad);
        BOOST_TEST(l.pulls.size() <= 4u, bad);  // 0, 1, 3 s
        spoiled = false;
        l.net.run_for(10s);
        BOOST_TEST(l.a.message("real", "m1").has_value(), bad);
    }
}

// BSP-OFF-057: pages that lead nowhere are no hot loop.
BOOST_AUTO_TEST_CASE(endless_pages_are_paced) {
    for (char const* rest : {R"("last_sync": "2025-12-31T00:00:00Z", "has_more": true, "cursor": "same")", R"("last_sync": "2025-12-31T00:00:00Z", "has_more": true, "cursor": ")"}) {
        lab l;
        l.on_pull = [&, n = 0](http_request const&) mutable {
            std::string const r = rest;
            return page("", r.ends_with("\"cursor\": \"") ? r + std::to_string(++n) + '"' : r);
        };
        l.net.run_for(60s);
        BOOST_TEST(l.pulls.size() <= 62u);
    }
}

// BSP-OFF-053: what the peer accepted is part of the state, whatever our own bounds for pushes are.
BOOST_AUTO_TEST_CASE(long_entries_and_far_futures_are_taken) {
    lab l;
    std::string messages = message("late", "2099-01-01T00:00:00Z");
    for (int i = 0; i < 10'500; ++i) messages += ", " + message("m" + std::to_string(i));
    l.on_pull = [&](http_request const&) { return page(entry("c1", messages)); };
    l.net.run_for(1s);
    BOOST_TEST(l.a.message("c1", "m10499").has_value());
    BOOST_TEST(l.a.message("c1", "late").has_value());
    BOOST_TEST(l.a.progress().counters.last_error() == "");
}

// BSP-OFF-054
BOOST_AUTO_TEST_CASE(a_place_that_the_peer_forgot_is_given_up) {
    lab l;
    l.settle();
    l.on_pull = [&](http_request const& r) { return r.target.find("since=") != std::string::npos ? std::optional{answered(400, "invalid-query")} : std::nullopt; };
    BOOST_REQUIRE(l.hosted.write("main", "m1", "hi", l.net.now().wall) == 201);
    l.net.run_for(10s);
    BOOST_TEST(l.a.message("main", "m1").has_value());
}

// BSP-OFF-055, BSP-SYN-134: told by the page as well as by the refusal, and before anything is pushed into the new epoch.
BOOST_AUTO_TEST_CASE(another_epoch_begins_anew) {
    for (bool const told_by_page : {false, true}) {
        lab l;
        l.write("main", "m1");
        l.settle();
        BOOST_TEST(l.a.progress().since != "");
        bool once = true;
        l.on_pull = [&](http_request const&) -> std::optional<http_response> {
            if (!std::exchange(once, false)) return std::nullopt;
            return told_by_page ? page("", R"("last_sync": "2025-12-31T00:00:00Z", "has_more": false, "epoch": "other")") : answered(409, "epoch-changed");
        };
        l.net.run_for(7s);
        BOOST_REQUIRE(!l.pushes.empty());
        BOOST_TEST(lab::conversations(l.pushes[0]) == (std::vector<std::string>{"main"}), boost::test_tools::per_element());
        BOOST_TEST(std::ranges::count(l.pulls, "/sync/peer_a?limit=500") == 1);
        BOOST_TEST(l.a.progress().peer_epoch == "epoch of hosted");
    }
}

// BSP-OFF-056, BSP-OFF-057: one request waits for news; news are answered by the next one at once, echoes after a second.
BOOST_AUTO_TEST_CASE(a_live_pull_is_kept_open) {
    lab l;
    auto live = hosted_as_seen_by(l.a, l.hosted);
    live.capabilities = {"live_pull"};
    l.a.put(live);
    int n = 0;
    bool news = true;
    l.on_pull = [&](http_request const&) { return page(entry("c" + std::to_string(news ? ++n : 1))); };
    l.net.run_for(1100ms);
    BOOST_TEST(!l.pulls.at(0).ends_with("&wait=30"));  // pushes wait for its answer, and must not wait long
    BOOST_TEST(l.pulls.at(1).ends_with("&wait=30"));
    BOOST_TEST(l.pulls.size() > 20u);
    news = false;
    l.net.run_for(50ms);
    l.pulls.clear();
    l.net.run_for(10s);
    BOOST_TEST(l.pulls.size() >= 9u);
    BOOST_TEST(l.pulls.size() <= 11u);
}

BOOST_AUTO_TEST_SUITE_END()
