#include "world.hpp"

#include <map>
#include <set>

using namespace bsp;
using namespace bsp::test;

BOOST_AUTO_TEST_SUITE(pulling)

namespace {

/// All pages of one pull, joined as a peer joins them: conversation → message id → content.
struct pulled {
    std::map<std::string, std::map<std::string, std::string>> conversations;
    std::string last_sync;
    std::size_t pages = 0;
    std::size_t largest_page = 0;
};

pulled pull_all(world& w, std::string const& id, std::string const& query) {
    pulled all;
    for (std::string next = query;;) {
        auto const page = w.pull(id, next);
        BOOST_REQUIRE_EQUAL(page.verdict(), "200");
        ++all.pages;
        all.largest_page = std::max(all.largest_page, page.raw.body.size());
        auto const body = page.body();
        for (auto const& c : body.at("conversations").as_array()) {
            auto& messages = all.conversations[std::string{c.at("conversation_id").as_string()}];
            for (auto const& m : c.at("messages").as_array()) messages[std::string{m.at("id").as_string()}] = std::string{m.at("content").as_string()};
        }
        all.last_sync = std::string{body.at("last_sync").as_string()};
        if (!body.at("has_more").as_bool()) return all;
        next = (query.empty() ? "?cursor=" : query + "&cursor=") + std::string{body.at("cursor").as_string()};
    }
}

json::array conversations(int from, int to) {
    json::array all;
    for (int i = from; i < to; ++i) all.push_back(world::conversation({world::message("m1", 1)}, 1, "c" + std::to_string(i)));
    return all;
}

}  // namespace

// BSP-SYN-104, BSP-SYN-108, BSP-SYN-120
BOOST_AUTO_TEST_CASE(last_sync_repeats_nothing_and_omits_nothing) {
    world w;
    std::string const id = w.pair();
    auto const nothing = w.pull(id).body();
    BOOST_TEST(nothing.at("conversations").as_array().empty());
    BOOST_TEST(nothing.at("last_sync") == "1970-01-01T00:00:00Z");
    BOOST_TEST(nothing.at("has_more") == false);
    BOOST_TEST(nothing.at("epoch") == json::value(w.store.epoch()));

    w.push(id, conversations(0, 3), "s1");
    auto const first = pull_all(w, id, "");
    BOOST_TEST(first.conversations.size() == 3u);
    auto const second = pull_all(w, id, "?since=" + first.last_sync);
    BOOST_TEST(second.conversations.empty());
    w.push(id, {world::conversation({world::message("m2", 1, "old news", "2025-12-01T00:00:00Z")}, 0, "c1", "2025-12-01T00:00:00Z")}, "s2");  // at the same instant
    auto const third = pull_all(w, id, "?since=" + second.last_sync);
    BOOST_REQUIRE_EQUAL(third.conversations.size(), 1u);
    BOOST_TEST((third.conversations.at("c1") == std::map<std::string, std::string>{{"m2", "old news"}}));
    w.clock.at = w.clock.at - 1min;  // a clock set back loses nothing
    w.push(id, conversations(5, 6), "s3");
    BOOST_TEST(pull_all(w, id, "?since=" + third.last_sync).conversations.size() == 1u);
}

// BSP-SYN-112 … BSP-SYN-118
BOOST_AUTO_TEST_CASE(pages_are_lossless) {
    world w;
    std::string const id = w.pair();
    for (int i = 0; i < 4; ++i) w.push(id, conversations(3 * i, 3 * i + 3), "s" + std::to_string(i));
    for (int limit : {1, 2, 3, 5, 12, 500}) {
        auto const all = pull_all(w, id, "?limit=" + std::to_string(limit));
        BOOST_TEST(all.conversations.size() == 12u);
        BOOST_TEST(all.pages == static_cast<std::size_t>((12 + limit - 1) / limit));
    }
    auto const page = w.pull(id, "?limit=5").body();
    w.push(id, {world::conversation({world::message("m2", 2)}, 2, "c0")}, "late");
    auto const rest = w.pull(id, "?cursor=" + std::string{page.at("cursor").as_string()});
    BOOST_TEST(rest.raw.body.find("\"c0\"") != std::string::npos);
}

// spec/decisions/0005
BOOST_AUTO_TEST_CASE(a_long_conversation_is_split_between_pages) {
    world w;
    std::string const id = w.pair();
    std::string const content(300'000, 'x');
    for (int i = 0; i < 4; ++i) {
        json::array messages;
        for (int k = 0; k < 10; ++k) messages.push_back(world::message("m" + std::to_string(i * 10 + k), 1, content));
        w.push(id, {world::conversation({}, 1, "a-" + std::to_string(i)), world::conversation(std::move(messages))}, "s" + std::to_string(i));
    }
    auto const all = pull_all(w, id, "");
    BOOST_TEST(all.conversations.size() == 5u);
    BOOST_TEST(all.conversations.at("main").size() == 40u);
    BOOST_TEST(all.pages > 1u);
    BOOST_TEST(all.largest_page < limits::pull_page_bytes_max + 1'000'000);
    BOOST_TEST(pull_all(w, id, "?limit=1").conversations.at("main").size() == 40u);
}

// What stands beside the messages takes room, too, and neither a large conversation nor a large message is left out for it.
BOOST_AUTO_TEST_CASE(large_members_of_conversations_end_a_page) {
    world w;
    std::string const id = w.pair();
    constexpr std::size_t large = 5'000'000;
    for (int i = 0; i < 4; ++i) {
        auto c = world::conversation({world::message("m1", 1), world::message("m2", 1), world::message("m3", 1)}, 1, "c" + std::to_string(i));
        c["notes"] = std::string(i == 2 ? limits::pull_page_bytes_max + 1 : large, 'n');
        w.push(id, {c}, "s" + std::to_string(i));
    }
    auto const all = pull_all(w, id, "");
    BOOST_TEST(all.conversations.size() == 4u);
    for (auto const& [name, messages] : all.conversations) BOOST_TEST(messages.size() == 3u, name);
    BOOST_TEST(all.largest_page < limits::pull_page_bytes_max + 10'000);
    BOOST_TEST(pull_all(w, id, "?limit=1").conversations.at("c2").size() == 3u);
}

BOOST_AUTO_TEST_CASE(messages_of_an_entry_are_in_the_order_of_reading) {
    world w;
    std::string const id = w.pair();
    w.push(id, {world::conversation({world::message("b", 1, "2", "2025-12-31T00:00:01+01:00"), world::message("c", 1, "3"), world::message("a", 1, "1", "2025-12-30T23:00:00.5Z")})});
    auto const messages = w.pull(id).body().at("conversations").as_array().at(0).at("messages").as_array();
    std::string order;
    for (auto const& m : messages) order += std::string{m.at("id").as_string()};
    BOOST_TEST(order == "abc");
}

// BSP-SYN-118
BOOST_AUTO_TEST_CASE(a_conversation_that_comes_back_brings_all_its_messages) {
    world w;
    std::string const id = w.pair();
    w.push(id, {world::conversation({world::message("m1", 1)})}, "s1");
    auto deleted = world::conversation({}, 2);
    deleted["deleted"] = true;
    w.push(id, {deleted}, "s2");
    w.push(id, {world::conversation({world::message("m2", 1)}, 1)}, "s3");
    std::string const watermark{w.pull(id).body().at("last_sync").as_string()};
    w.push(id, {world::conversation({}, 3)}, "s4");
    auto const conversations = w.pull(id, "?since=" + watermark).body().at("conversations").as_array();
    BOOST_TEST_REQUIRE(conversations.size() == 1u);
    BOOST_TEST(conversations[0].at("messages").as_array().size() == 2u);
    // Once they are known, they are no news.
    std::string const later{w.pull(id).body().at("last_sync").as_string()};
    w.push(id, {world::conversation({world::message("m3", 1)}, 3)}, "s5");
    BOOST_TEST(w.pull(id, "?since=" + later).body().at("conversations").at(0).at("messages").as_array().size() == 1u);
}

BOOST_AUTO_TEST_CASE(query_parameters) {
    world w;
    std::string const id = w.pair();
    auto const verdict = [&](std::string const& query) { return w.pull(id, query).verdict(); };
    w.push(id, conversations(0, 2));
    for (char const* bad : {"?limit=0", "?limit=501", "?limit=1.5", "?limit=-1", "?limit=", "?limit=+1", "?limit=1&limit=2", "?since=yesterday", "?since=", "?since=2025-12-31", "?since=%ZZ",
                            "?since=2025-12-31T00:00:00Z&since=2025-12-31T00:00:00Z", "?cursor=x", "?cursor=", "?cursor=W10", "?cursor=WyJwdWxsIl0"})
        BOOST_TEST(verdict(bad) == "400 invalid-query", bad);
    for (char const* good : {"?limit=500", "?since=2025-12-31T02:00:00%2B02:00", "?since=2025-12-31T02:00:00+02:00", "?since=2025-12-31t00:00:00", "?unknown=1&unknown=2", "?", "?since=0000-01-01T00:00:00Z"})
        BOOST_TEST(verdict(good) == "200", good);
    BOOST_TEST(w.pull(id, "?since=9999-12-31T23:59:59Z").body().at("conversations").as_array().empty());
    BOOST_TEST(verdict("?epoch=" + w.store.epoch()) == "200");
    BOOST_TEST(verdict("?epoch=another") == "409 epoch-changed");
    BOOST_TEST(verdict("?cursor=" + wire::encode(wire::pull_cursor{"another", {}, {{}, "c0"}, std::nullopt})) == "409 epoch-changed");
}

// BSP-AUT-017 … BSP-AUT-036
BOOST_AUTO_TEST_CASE(only_the_peer_itself_may_pull) {
    world w;
    std::string const id = w.pair(), other = w.pair("ada", laptop, other_key());
    std::string const target = "/sync/" + id;
    BOOST_TEST(w.send("GET", target).verdict() == "401 credential-required");
    BOOST_TEST(w.send("GET", target).header("WWW-Authenticate") == "BSP");
    BOOST_TEST(w.send("GET", "/sync/peer_none").verdict() == "404 unknown-peer");
    BOOST_TEST(w.user_sends("GET", target).verdict() == "401 credential-required");
    BOOST_TEST(w.send("GET", target, w.as_peer("GET", target, id, other_key())).verdict() == "401 invalid-credential");
    BOOST_TEST(w.send("GET", target, w.as_peer("GET", target, other, other_key(), laptop)).verdict() == "401 invalid-credential");
    BOOST_TEST(w.send("GET", target, w.as_peer("GET", target, id, phone_key(), laptop)).verdict() == "401 invalid-credential");
    BOOST_TEST(w.send("GET", target, w.as_peer("POST", target, id)).verdict() == "401 invalid-credential");
    BOOST_TEST(w.send("GET", target, w.as_peer("GET", target + "?limit=1", id)).verdict() == "401 invalid-credential");
    std::string const once = w.as_peer("GET", target, id);
    BOOST_TEST(w.send("GET", target, once).verdict() == "200");
    BOOST_TEST(w.send("GET", target, once).verdict() == "401 stale-request");
    std::string lower = w.as_peer("GET", target, id);
    lower.replace(0, 3, "bsp");
    BOOST_TEST(w.send("GET", target, lower).verdict() == "200");
    http_request two{.method = "GET", .target = target, .headers = {{"Authorization", w.as_peer("GET", target, id)}, {"Authorization", w.as_peer("GET", target, id)}}, .body = "", .remote = ""};
    BOOST_TEST(w.send(two).verdict() == "401 invalid-credential");
}

// BSP-SYN-140 … BSP-SYN-143
BOOST_AUTO_TEST_CASE(the_digest_depends_on_the_live_state_alone) {
    world w, v;
    std::string const in_w = w.pair(), in_v = v.pair();
    auto const digest = [](world& x, std::string const& id) { return x.peer_sends("GET", "/sync/" + id + "/digest", id).body(); };
    BOOST_TEST(digest(w, in_w) == (json::object{{"digest", "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"}, {"conversations", 0}}));
    w.push(in_w, {world::conversation({world::message("m1", 1), world::message("m2", 1)})}, "s1");
    BOOST_TEST(digest(w, in_w) != digest(v, in_v));
    v.push(in_v, {world::conversation({world::message("m2", 1)})}, "s1");
    v.push(in_v, {world::conversation({world::message("m1", 1)})}, "s2");
    BOOST_TEST(digest(w, in_w) == digest(v, in_v));
    auto deleted = world::conversation({}, 1, "gone");
    deleted["deleted"] = true;
    v.push(in_v, {deleted}, "s3");
    BOOST_TEST(digest(w, in_w) == digest(v, in_v));
    BOOST_TEST(w.send("GET", "/sync/" + in_w + "/digest").verdict() == "401 credential-required");
}

// BSP-SYN-147 … BSP-SYN-155
BOOST_AUTO_TEST_CASE(an_answer_without_news_may_be_held) {
    world w;
    auto const id = w.pair(), other = w.pair("bob", laptop, other_key());
    BOOST_TEST((w.pull(id, "?wait=5").raw.held == nullptr));  // not declared, not known
    BOOST_TEST(w.pull(id, "?wait=x").verdict() == "200");
    w.self.capabilities.push_back("live_pull");
    for (char const* wait : {"31", "-1", "1.5", "x", "", "99999999999"}) BOOST_TEST(w.pull(id, "?wait=" + std::string{wait}).verdict() == "400 invalid-query", wait);
    BOOST_TEST((w.pull(id, "?wait=0").raw.held == nullptr));

    auto const held = w.pull(id, "?wait=30");
    BOOST_TEST(held.verdict() == "200");
    BOOST_REQUIRE((held.raw.held != nullptr));
    auto const again = [&](bool last = false) { return held.raw.held->again(w.clock.now(), last); };
    BOOST_TEST((held.raw.held->wait == 30s));
    BOOST_TEST(!again().has_value());
    w.push(other, {world::conversation({world::message("m1", 1)})}, "sync_b", other_key());
    BOOST_TEST(!again().has_value());  // of another user
    BOOST_TEST(answer{again(true).value()}.body().at("conversations").as_array().empty());

    w.push(id, {world::conversation({world::message("m1", 1)})});
    auto const news = answer{again().value()};
    BOOST_TEST(news.verdict() == "200");
    BOOST_TEST(news.body().at("conversations").as_array().size() == 1u);
    BOOST_TEST(news.header("Cache-Control") == "no-store");
    BOOST_TEST((w.pull(id, "?wait=30").raw.held == nullptr));  // there is something

    w.clock.advance(9h);
    auto const late = answer{again().value()};
    BOOST_TEST(late.verdict() == "401 sbt-expired");
    BOOST_TEST(!late.header("WWW-Authenticate").empty());
    w.send("DELETE", "/peers/" + id, w.as_admin());
    BOOST_TEST(answer{again().value()}.verdict() == "403 peer-revoked");
}

BOOST_AUTO_TEST_SUITE_END()
