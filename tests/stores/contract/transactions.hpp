#pragma once

#include "ground.hpp"

namespace bsp::test::contract {

inline void a_refused_transaction_leaves_no_trace(store_base& s) {
    auto const before = commit(s, head("main", 1), {message("m", 1)});
    auto const refused = s.write([](store_writer& w) -> result<> {
        auto& mine = w.tenant("ada");
        BSP_TRY(instant const at, mine.begin_change(t0 + 1h));
        BSP_CHECK(mine.put_head(head("main", 2), at));
        BSP_CHECK(mine.put_head(head("new", 1), at));
        std::array const changed{message("m", 2), message("n", 1)};
        BSP_CHECK(mine.put_messages("main", changed, at));
        BSP_CHECK(mine.put_loser("main", message("m", 1), at));
        BSP_CHECK(mine.put_receipt({"p", "s", {}, "ack", t0}));
        BSP_CHECK(w.put_peer(peer("p")));
        BSP_CHECK(w.put_sbt_floor("ada", "local_a", t0));
        BSP_CHECK(w.revoke("local_a", {}, t0));
        BSP_CHECK(w.claim_assertion("i", "j", t0 + 1h, t0));
        return fail(errc::sync_id_reuse, "on purpose");
    });
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error() == fail(errc::sync_id_reuse, "on purpose")));
    must(s.read([&](store_reader& r) -> result<> {
        auto& mine = r.tenant("ada");
        BOOST_TEST((must(mine.head("main")) == head("main", 1)));
        BOOST_TEST(!must(mine.head("new")).has_value());
        BOOST_TEST(ids(must(mine.messages_in_order("main", std::nullopt, 10))) == "m");
        BOOST_TEST(must(mine.changes({}, std::nullopt, 10)).size() == 1u);
        BOOST_TEST(must(mine.changed_messages("main", {}, std::nullopt, 10)).size() == 1u);
        BOOST_TEST((must(mine.last_change()) == before));
        BOOST_TEST(must(mine.losers("main", {})).empty());
        BOOST_TEST(!must(mine.receipt("p", "s")).has_value());
        BOOST_TEST(!must(r.peer("p")).has_value());
        BOOST_TEST(!must(r.registration("ada", "local_a")).has_value());
        BOOST_TEST(!must(r.sbt_floor("ada", "local_a")).has_value());
        BOOST_TEST(!must(r.is_revoked("local_a", {1})));
        return ok();
    }));
    BOOST_TEST(must(s.write([](store_writer& w) { return w.claim_assertion("i", "j", t0 + 1h, t0); })));
}

inline void a_transaction_reads_its_own_writes(store_base& s) {
    must(s.write([](store_writer& w) -> result<> {
        auto& mine = w.tenant("ada");
        BSP_TRY(instant const at, mine.begin_change(t0));
        BSP_CHECK(mine.put_head(head("main"), at));
        std::array const some{message("m")};
        std::array<std::string, 1> const id{"m"};
        BOOST_TEST(must(mine.messages("main", id)).empty());
        BSP_CHECK(mine.put_messages("main", some, at));
        BOOST_TEST((must(mine.messages("main", id)) == std::vector{some[0]}));
        std::array const later{message("m", 2)};
        BSP_CHECK(mine.put_messages("main", later, at));
        BOOST_TEST((must(mine.messages("main", id)) == std::vector{later[0]}));
        BSP_CHECK(mine.remove_messages("main", id));
        BOOST_TEST(must(mine.messages("main", id)).empty());
        BSP_CHECK(mine.put_messages("main", some, at));
        BOOST_TEST(must(mine.head("main")).has_value());
        BOOST_TEST(must(mine.messages_in_order("main", std::nullopt, 1)).size() == 1u);
        BSP_CHECK(w.put_peer(peer("p")));
        BOOST_TEST(must(w.registration("ada", "local_a")).has_value());
        return ok();
    }));
}

inline void concurrent_writers_of_one_user_do_not_lose_each_others_writes(store_base& s) {
    constexpr int writers = 4, rounds = 25;
    commit(s, head("main", 0), {});
    std::atomic<int> refused = 0;
    std::vector<std::thread> threads;
    for (int n = 0; n < writers; ++n)
        threads.emplace_back([&s, &refused, n] {
            for (int i = 0; i < rounds; ++i) {
                auto const done = s.write([&](store_writer& w) -> result<> {
                    auto& mine = w.tenant("ada");
                    BSP_TRY(instant const at, mine.begin_change(t0));
                    BSP_TRY(auto h, mine.head("main"));
                    ++h->version;  // lost if two transactions read the same one
                    BSP_CHECK(mine.put_head(*h, at));
                    std::array const one{message(std::to_string(n) + '-' + std::to_string(i))};
                    return mine.put_messages("main", one, at);
                });
                refused += !done.has_value();
            }
        });
    for (auto& t : threads) t.join();
    BOOST_TEST(refused == 0);
    reading(s, [&](tenant_reader& mine) -> result<> {
        BOOST_TEST(must(mine.head("main"))->version == writers * rounds);
        BOOST_TEST(must(mine.messages_in_order("main", std::nullopt, 1'000)).size() == static_cast<std::size_t>(writers * rounds));
        auto const changes = must(mine.changed_messages("main", {}, std::nullopt, 1'000));
        auto const repeated = std::ranges::adjacent_find(changes, {}, [](changed_message const& m) { return m.changed_at; });
        BOOST_TEST((repeated == changes.end()));  // strictly increasing
        return ok();
    });
}

inline void a_snapshot_does_not_change_while_it_is_read(store_base& s) {
    commit(s, head("main"), {message("m1")});
    // Boost.Test is for one thread at a time, so the writer asserts nothing.
    std::thread writer;
    result<instant> committed = fail(errc::internal, "not committed");
    reading(s, [&](tenant_reader& mine) -> result<> {
        auto const before = must(mine.messages_in_order("main", std::nullopt, 10)).size();
        writer = std::thread{[&] { committed = try_commit(s, head("main"), {message("m2")}, t0 + 1h, "ada"); }};
        BOOST_TEST(must(mine.messages_in_order("main", std::nullopt, 10)).size() == before);
        BOOST_TEST((must(mine.last_change()) == t0));
        return ok();
    });
    writer.join();
    must(committed);
    BOOST_TEST(reading(s, [](tenant_reader& mine) { return mine.messages_in_order("main", std::nullopt, 10); }).size() == 2u);
}

inline void commits_are_told_and_refusals_are_not(store_base& s) {
    int told = 0;
    s.on_commit([&] {
        ++told;
        throw 1;  // nobody is to hear of it
    });
    must(try_commit(s, head("main"), {message("m1")}, t0, "ada"));
    BOOST_TEST(told == 1);
    BOOST_TEST(!s.write([](store_writer&) -> result<> { return fail(errc::not_found, "no"); }));
    BOOST_TEST(told == 1);
    s.on_commit({});
    must(try_commit(s, head("main"), {message("m2")}, t0, "ada"));
    BOOST_TEST(told == 1);
}

}  // namespace bsp::test::contract
