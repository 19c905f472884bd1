#pragma once

#include "ground.hpp"

namespace bsp::test::contract {

inline void nothing_is_there_at_first(store_base& s) {
    must(s.read([](store_reader& r) -> result<> {
        auto& mine = r.tenant("ada");
        BOOST_TEST(!must(mine.head("main")).has_value());
        std::array<std::string, 1> const some{"m"};
        BOOST_TEST(must(mine.messages("main", some)).empty());
        BOOST_TEST(must(mine.messages_in_order("main", std::nullopt, 10)).empty());
        BOOST_TEST(must(mine.heads("", 10)).empty());
        BOOST_TEST(must(mine.changes({}, std::nullopt, 10)).empty());
        BOOST_TEST(must(mine.changed_messages("main", {}, std::nullopt, 10)).empty());
        BOOST_TEST(!must(mine.last_change()).has_value());
        BOOST_TEST(!must(mine.receipt("p", "s")).has_value());
        BOOST_TEST(must(mine.losers("main", {})).empty());
        BOOST_TEST(!must(r.peer("p")).has_value());
        BOOST_TEST(!must(r.registration("ada", "local_a")).has_value());
        BOOST_TEST(must(r.peers(std::nullopt, "", 10)).empty());
        BOOST_TEST(must(r.registrations_of("local_a", {}, 10)).empty());
        BOOST_TEST(!must(r.sbt_floor("ada", "local_a")).has_value());
        BOOST_TEST(!must(r.is_revoked("local_a", {})));
        return ok();
    }));
    BOOST_TEST(!s.epoch().empty());
}

inline void heads_and_messages_come_back_as_they_were(store_base& s) {
    auto const h = head("main", 3);
    std::vector<merge::message> const ms{message("b", 4, t0, "{\"content\": \"\\ud83d\\ude00\"}"), message("a", limits::version_max, t0 + 1ns), message("C", 0, t0), message("c", 9, t0)};
    commit(s, h, ms);
    reading(s, [&](tenant_reader& mine) -> result<> {
        BOOST_TEST((must(mine.head("main")) == h));
        std::array<std::string, 4> const some{"c", "absent", "a", "c"};
        auto found = must(mine.messages("main", some));
        BOOST_REQUIRE_EQUAL(found.size(), 2u);
        std::ranges::sort(found, {}, &merge::message::id);
        BOOST_TEST((found[0] == ms[1]));
        BOOST_TEST((found[1] == ms[3]));
        BOOST_TEST((must(mine.messages_in_order("main", std::nullopt, 10)).front() == ms[2]));
        return ok();
    });
}

inline void a_put_replaces(store_base& s) {
    commit(s, head("main", 1), {message("a", 1), message("b", 1)});
    commit(s, head("main", 2), {message("a", 2, t0 + 5s)});
    reading(s, [&](tenant_reader& mine) -> result<> {
        BOOST_TEST(must(mine.head("main"))->version == 2);
        auto const all = must(mine.messages_in_order("main", std::nullopt, 10));
        BOOST_TEST(ids(all) == "ba");
        BOOST_TEST(all.back().version == 2);
        return ok();
    });
}

inline void messages_are_read_by_time_then_id_in_pages(store_base& s) {
    commit(s, head("main"), {message("z", 1, t0 - 1ns), message("b", 1, t0), message("B", 1, t0), message("a", 1, t0 + 1ns), message("old", 1, {-1, 999'999'999})});
    reading(s, [&](tenant_reader& mine) -> result<> {
        BOOST_TEST(ids(must(mine.messages_in_order("main", std::nullopt, 10))) == "oldzBba");
        std::string seen;
        std::optional<position> after;
        for (;;) {
            auto const page = must(mine.messages_in_order("main", after, 2));
            seen += ids(page);
            if (page.size() < 2) break;
            after = position{page.back().timestamp, page.back().id};
        }
        BOOST_TEST(seen == "oldzBba");
        BOOST_TEST(must(mine.messages_in_order("other", std::nullopt, 2)).empty());
        return ok();
    });
}

inline void heads_are_listed_by_id_in_pages(store_base& s) {
    for (char const* id : {"b", "a", "B", "a.b", "~"}) commit(s, head(id), {});
    reading(s, [&](tenant_reader& mine) -> result<> {
        std::string seen, after;
        for (;;) {
            auto const page = must(mine.heads(after, 2));
            for (auto const& h : page) seen += h.conversation_id + ' ';
            if (page.size() < 2) break;
            after = page.back().conversation_id;
        }
        BOOST_TEST(seen == "B a a.b b ~ ");
        return ok();
    });
}

inline void commit_instants_increase_for_each_user(store_base& s) {
    auto const first = commit(s, head("a"), {});
    auto const second = commit(s, head("b"), {}, t0);
    auto const third = commit(s, head("c"), {}, t0 - 1h);
    auto const fourth = commit(s, head("d"), {}, t0 + 1s);
    BOOST_TEST((first == t0));
    BOOST_TEST((second == t0 + 1ns));
    BOOST_TEST((third == t0 + 2ns));
    BOOST_TEST((fourth == t0 + 1s));
    BOOST_TEST((reading(s, [](tenant_reader& mine) { return mine.last_change(); }) == fourth));
    BOOST_TEST((commit(s, head("a"), {}, t0, "bob") == t0));
}

inline void the_feed_is_in_the_order_of_commits(store_base& s) {
    auto const first = commit(s, head("z"), {message("m1")});
    auto const second = must(s.write([](store_writer& w) -> result<instant> {  // two conversations in one transaction
        auto& mine = w.tenant("ada");
        BSP_TRY(instant const at, mine.begin_change(t0));
        for (char const* id : {"y", "x"}) BSP_CHECK(mine.put_head(head(id), at));
        return at;
    }));
    auto const third = commit(s, head("z", 2), {message("m2"), message("m0")});
    reading(s, [&](tenant_reader& mine) -> result<> {
        auto const in_feed = [&](instant since, std::optional<position> const& after, std::size_t limit) {
            std::string all;
            for (auto const& c : must(mine.changes(since, after, limit))) all += c.head.conversation_id;
            return all;
        };
        BOOST_TEST(in_feed({}, std::nullopt, 10) == "xyz");
        BOOST_TEST(in_feed(first + 1ns, std::nullopt, 10) == "xyz");
        BOOST_TEST(in_feed(third, std::nullopt, 10) == "z");
        BOOST_TEST(in_feed(third + 1ns, std::nullopt, 10) == "");
        BOOST_TEST(in_feed({}, std::nullopt, 2) == "xy");
        BOOST_TEST(in_feed({}, position{second, "x"}, 10) == "yz");
        BOOST_TEST(in_feed(third, position{second, "x"}, 10) == "z");
        BOOST_TEST(in_feed({253'402'300'799, 0}, std::nullopt, 10) == "");
        BOOST_TEST(in_feed({-62'167'219'200, 0}, std::nullopt, 10) == "xyz");
        BOOST_TEST((must(mine.changes({}, std::nullopt, 10)).back().changed_at == third));

        auto const messages = [&](instant since, std::optional<position> const& after, std::size_t limit) {
            std::string all;
            for (auto const& m : must(mine.changed_messages("z", since, after, limit))) all += m.message.id;
            return all;
        };
        BOOST_TEST(messages({}, std::nullopt, 10) == "m1m0m2");
        BOOST_TEST(messages(third, std::nullopt, 10) == "m0m2");
        BOOST_TEST(messages({}, std::nullopt, 2) == "m1m0");
        BOOST_TEST(messages({}, position{third, "m0"}, 10) == "m2");
        BOOST_TEST(messages(third + 1ns, std::nullopt, 10) == "");
        return ok();
    });
}

inline void users_do_not_see_each_other(store_base& s) {
    commit(s, head("main", 1), {message("m", 1)});
    commit(s, head("main", 2), {message("m", 2)}, t0, "bob");
    must(s.write([](store_writer& w) { return w.tenant("bob").put_receipt({"p", "s", {}, "ack", t0}); }));
    reading(s, [&](tenant_reader& mine) -> result<> {
        BOOST_TEST(must(mine.head("main"))->version == 1);
        BOOST_TEST(must(mine.messages_in_order("main", std::nullopt, 10)).at(0).version == 1);
        BOOST_TEST(must(mine.heads("", 10)).size() == 1u);
        BOOST_TEST(must(mine.changes({}, std::nullopt, 10)).size() == 1u);
        BOOST_TEST(!must(mine.receipt("p", "s")).has_value());
        return ok();
    });
    must(s.read([](store_reader& r) -> result<> {
        BOOST_TEST(must(r.tenant("Ada").heads("", 10)).empty());  // user ids compare octet for octet
        return ok();
    }));
}

inline void messages_of_different_conversations_are_unrelated(store_base& s) {
    commit(s, head("a"), {message("m", 1)});
    commit(s, head("b"), {message("m", 2)});
    reading(s, [&](tenant_reader& mine) -> result<> {
        BOOST_TEST(must(mine.messages_in_order("a", std::nullopt, 10)).at(0).version == 1);
        BOOST_TEST(must(mine.messages_in_order("b", std::nullopt, 10)).at(0).version == 2);
        return ok();
    });
}

inline void losers_are_kept_oldest_first_and_once(store_base& s) {
    commit(s, head("main"), {message("m", 9)});
    auto const lose = [&](merge::message const& m, instant at) {
        must(s.write([&](store_writer& w) { return w.tenant("ada").put_loser("main", m, at); }));
    };
    lose(message("m", 2), t0);
    lose(message("m", 1), t0 + 1s);
    lose(message("m", 2), t0 + 2s);
    reading(s, [&](tenant_reader& mine) -> result<> {
        auto const all = must(mine.losers("main", t0));
        BOOST_REQUIRE_EQUAL(all.size(), 2u);
        BOOST_TEST((all[0].message == message("m", 2)));
        BOOST_TEST((all[0].changed_at == t0));
        BOOST_TEST((all[1].message == message("m", 1)));
        BOOST_TEST(must(mine.losers("main", t0 + 1ns)).size() == 1u);
        return ok();
    });
}

inline void losers_of_a_message_are_removed(store_base& s) {
    commit(s, head("main"), {message("m", 9), message("n", 9)});
    commit(s, head("other"), {message("m", 9)});
    must(s.write([&](store_writer& w) -> result<> {
        auto& mine = w.tenant("ada");
        BSP_CHECK(mine.put_loser("main", message("m", 1), t0));
        BSP_CHECK(mine.put_loser("main", message("m", 2), t0));
        BSP_CHECK(mine.put_loser("main", message("n", 1), t0));
        return mine.put_loser("other", message("m", 1), t0);
    }));
    std::vector<std::string> const gone{"m", "never"};
    auto const remove = [&](store_writer& w) -> result<> {
        BSP_CHECK(w.tenant("bob").remove_losers_of("main", gone));
        BSP_CHECK(w.tenant("ada").remove_losers_of("none", gone));
        return w.tenant("ada").remove_losers_of("main", gone);
    };
    auto const counts = [&] {
        return must(s.read([&](store_reader& r) -> result<std::pair<std::size_t, std::size_t>> {
            auto& mine = r.tenant("ada");
            return std::pair{must(mine.losers("main", {})).size(), must(mine.losers("other", {})).size()};
        }));
    };
    BOOST_TEST(!s.write([&](store_writer& w) -> result<> {
        BSP_CHECK(remove(w));
        return fail(errc::not_found, "no");
    }));
    BOOST_TEST((counts() == std::pair<std::size_t, std::size_t>{3, 1}));
    must(s.write(remove));
    BOOST_TEST((counts() == std::pair<std::size_t, std::size_t>{1, 1}));
    reading(s, [&](tenant_reader& mine) -> result<> {
        BOOST_TEST(must(mine.messages_in_order("main", std::nullopt, 10)).size() == 2u);
        return ok();
    });
}

inline void receipts_are_kept_by_peer_and_sync_id(store_base& s) {
    must(s.write([](store_writer& w) { return w.tenant("ada").put_receipt({"p", "s", {1, 2}, "ack", t0}); }));
    reading(s, [&](tenant_reader& mine) -> result<> {
        auto const r = must(mine.receipt("p", "s"));
        BOOST_REQUIRE(r.has_value());
        BOOST_TEST(r->acknowledgement == "ack");
        BOOST_TEST((r->conversations_sha256 == sha256_digest{1, 2}));
        BOOST_TEST((r->accepted_at == t0));
        BOOST_TEST(!must(mine.receipt("q", "s")).has_value());
        BOOST_TEST(!must(mine.receipt("p", "S")).has_value());
        return ok();
    });
}

// JSON texts may hold U+0000, and so may ids that are looked for.
inline void a_text_may_have_any_character(store_base& s) {
    using namespace std::string_literals;
    std::vector<std::string> const odd{"\0"s, "\0\0"s, "\1"s, "\1\1"s, "\2"s, "a"s, "a\0"s, "a\0b"s, "a\1b"s, "a\2"s};
    for (auto const& text : odd) {
        auto m = message(text);
        m.body = text;
        commit(s, head(text), {m});
        BOOST_TEST(must(s.write([&](store_writer& w) { return w.claim_assertion("user ada", text, t0 + 60s, t0); })));
        BOOST_TEST(!must(s.write([&](store_writer& w) { return w.claim_assertion("user ada", text, t0 + 60s, t0); })));
        BOOST_TEST(reading(s, [&](tenant_reader& mine) { return mine.messages(text, std::array{text}); }).at(0).body == text);
    }
    std::vector<std::string> listed;
    for (auto const& h : reading(s, [](tenant_reader& mine) { return mine.heads("", 100); })) listed.push_back(h.conversation_id);
    BOOST_TEST((listed == odd));
}

}  // namespace bsp::test::contract
