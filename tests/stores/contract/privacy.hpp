#pragma once

#include "ground.hpp"

namespace bsp::test::contract {

inline void privacy_settings_are_the_defaults_until_they_are_put(store_base& s) {
    auto const held = [&](std::string_view user) { return must(s.read([&](store_reader& r) { return r.tenant(user).privacy(); })); };
    BOOST_TEST((held("ada") == privacy_settings{}));

    privacy_settings said;
    said.sync_enabled = said.sync_telemetry = said.redact_pii = false;
    said.retention_days = 7;
    said.allowed_surfaces = {"web", "\u00fcr"};
    said.others = {{"theme", {{"dark", nullptr}}}};
    must(s.write([&](store_writer& w) { return w.tenant("ada").put_privacy(said); }));
    BOOST_TEST((held("ada") == said));
    BOOST_TEST((held("bob") == privacy_settings{}));

    BOOST_TEST(!s.write([](store_writer& w) -> result<> {
        BOOST_TEST(w.tenant("ada").put_privacy({}).has_value());
        return fail(errc::not_found, "no");
    }));
    BOOST_TEST((held("ada") == said));

    said.sync_enabled = true;
    said.allowed_surfaces.clear();
    must(s.write([&](store_writer& w) { return w.tenant("ada").put_privacy(said); }));
    BOOST_TEST((held("ada") == said));
}

inline merge::message arrived(std::string id, instant timestamp, instant first_received, bool deleted = false) {
    auto m = message(std::move(id), deleted ? 3 : 1, timestamp);
    m.first_received = first_received;
    return m;
}

inline void messages_expire_by_their_age(store_base& s) {
    privacy::expiry const e{t0, t0 - 24h};
    must(try_commit(s, head("c1"),
                    {arrived("old", t0, t0 + 1h), arrived("edited", t0 + 1h, t0), arrived("young", t0 + 1s, t0 + 1s), arrived("tombstone", t0 - 1h, t0, true),
                     arrived("old tombstone", t0 - 24h, t0, true), arrived("ancient", {-62'000'000'000, 7}, t0 + 1h), arrived("far", {253'402'300'799, 0}, t0 + 1s)},
                    t0 + 1h, "ada"));
    must(try_commit(s, head("c2"), {arrived("old", t0 - 1s, t0 + 1s)}, t0 + 1h, "ada"));
    must(try_commit(s, head("c1"), {arrived("old", t0, t0)}, t0 + 1h, "bob"));
    auto const found = reading(s, [&](tenant_reader& mine) { return mine.expired_messages(e, 100); });
    std::vector<std::string> places;
    for (auto const& p : found) places.push_back(p.conversation_id + "/" + p.id);
    std::ranges::sort(places);
    BOOST_TEST(places == (std::vector<std::string>{"c1/ancient", "c1/edited", "c1/old", "c1/old tombstone", "c2/old"}), boost::test_tools::per_element());
    BOOST_TEST(reading(s, [&](tenant_reader& mine) { return mine.expired_messages(e, 2); }).size() == 2u);

    // What is left when they are gone expires in its turn, be it by its timestamp or by its arrival.
    must(s.write([&](store_writer& w) -> result<> {
        for (auto const& p : found) BSP_CHECK(w.tenant("ada").remove_messages(p.conversation_id, std::span{&p.id, 1}));
        return ok();
    }));
    BOOST_TEST(reading(s, [&](tenant_reader& mine) { return mine.expired_messages(e, 100); }).empty());
    std::vector<std::string> next;
    for (auto const& p : reading(s, [&](tenant_reader& mine) { return mine.expired_messages({t0 + 1s, t0 - 24h}, 100); })) next.push_back(p.conversation_id + "/" + p.id);
    std::ranges::sort(next);
    BOOST_TEST(next == (std::vector<std::string>{"c1/far", "c1/young"}), boost::test_tools::per_element());
}

inline void what_is_removed_is_gone_and_of_one_user(store_base& s) {
    for (auto const* user : {"ada", "bob"}) {
        must(try_commit(s, head("c1"), {message("m1"), message("m2")}, t0, user));
        must(try_commit(s, head("c2"), {message("m1")}, t0 + 1s, user));
        must(s.write([&](store_writer& w) -> result<> {
            auto& mine = w.tenant(user);
            BSP_CHECK(mine.put_loser("c1", message("m1", 2), t0));
            BSP_CHECK(mine.put_loser("c1", message("m2", 2), t0 + 1h));
            BSP_CHECK(mine.put_receipt({"p", "sync_1", {}, "{}", t0}));
            for (int i = 0; i < 3; ++i) BSP_CHECK(mine.put_event({"e" + std::to_string(i), "p", "src", t0 + i * 1s, "{}"}));
            return ok();
        }));
    }
    std::string const first = "m1";
    auto const remove = [&](store_writer& w) -> result<> {
        auto& mine = w.tenant("ada");
        BSP_CHECK(mine.remove_messages("c1", std::span{&first, 1}));
        BSP_CHECK(mine.remove_messages("none", std::span{&first, 1}));
        BSP_CHECK(mine.remove_conversation("c2"));
        BSP_CHECK(mine.remove_conversation("none"));
        BSP_TRY(auto const events, mine.remove_events(t0 + 1s, 10));
        BOOST_TEST(events == 2u);
        return mine.remove_derived();
    };
    BOOST_TEST(!s.write([&](store_writer& w) -> result<> {
        BSP_CHECK(remove(w));
        return fail(errc::not_found, "no");
    }));
    auto const counts = [&](std::string_view user) {
        return must(s.read([&](store_reader& r) -> result<std::vector<std::size_t>> {
            auto& mine = r.tenant(user);
            BSP_TRY(auto const heads, mine.heads("", 10));
            BSP_TRY(auto const c1, mine.messages_in_order("c1", std::nullopt, 10));
            BSP_TRY(auto const c2, mine.messages_in_order("c2", std::nullopt, 10));
            BSP_TRY(auto const feed, mine.changes({}, std::nullopt, 10));
            BSP_TRY(auto const changed, mine.changed_messages("c1", {}, std::nullopt, 10));
            BSP_TRY(auto const losers, mine.losers("c1", {}));
            BSP_TRY(auto const events, mine.events(std::nullopt, {}, std::nullopt, 10));
            BSP_TRY(auto const receipt, mine.receipt("p", "sync_1"));
            return std::vector<std::size_t>{heads.size(), c1.size(), c2.size(), feed.size(), changed.size(), losers.size(), events.size(), receipt ? 1u : 0u};
        }));
    };
    std::vector<std::size_t> const all{2, 2, 1, 2, 2, 2, 3, 1}, left{1, 1, 0, 1, 1, 1, 1, 0};
    BOOST_TEST(counts("ada") == all, boost::test_tools::per_element());
    must(s.write(remove));
    BOOST_TEST(counts("ada") == left, boost::test_tools::per_element());
    BOOST_TEST(counts("bob") == all, boost::test_tools::per_element());
    must(s.write([](store_writer& w) { return w.tenant("ada").remove_losers(t0 + 1h); }));
    BOOST_TEST(counts("ada")[5] == 0u);
    must(try_commit(s, head("c2"), {message("m1")}, t0 + 2h, "ada"));
    BOOST_TEST(counts("ada")[2] == 1u);
}

inline void the_departed_are_remembered(store_base& s) {
    auto const known = [&](std::string_view user, std::string_view conversation, std::string_view id) { return must(s.read([&](store_reader& r) { return r.tenant(user).departed(conversation, id); })); };
    departure const erased{departure::why::erased, 7}, expired{departure::why::expired, 2};
    must(s.write([&](store_writer& w) -> result<> {
        auto& mine = w.tenant("ada");
        BSP_CHECK(mine.put_departed("c1", "m1", erased));
        BSP_CHECK(mine.put_departed("c1", "", expired));
        return mine.put_departed("", "e1", erased);
    }));
    BOOST_TEST((known("ada", "c1", "m1") == erased));
    BOOST_TEST((known("ada", "c1", "") == expired));
    BOOST_TEST(!known("ada", "c1", "m2"));
    BOOST_TEST(!known("ada", "c1m", "1"));
    BOOST_TEST(!known("ada", "c2", "m1"));
    BOOST_TEST(!known("bob", "c1", "m1"));
    BOOST_TEST(!must(s.write([](store_writer& w) { return w.tenant("ada").put_event({"e1", "p", "src", t0, "{}"}); })));
    BOOST_TEST(must(s.write([](store_writer& w) { return w.tenant("bob").put_event({"e1", "p", "src", t0, "{}"}); })));
    must(s.write([&](store_writer& w) { return w.tenant("ada").put_departed("c1", "m1", expired); }));
    BOOST_TEST((known("ada", "c1", "m1") == expired));
}

inline void users_are_listed(store_base& s) {
    must(try_commit(s, head("main"), {message("m1")}, t0, "bob"));
    must(try_commit(s, head("main"), {message("m1")}, t0, "ada"));
    must(s.write([](store_writer& w) { return w.tenant("cy").put_event({"e1", "p", "src", t0, "{}"}); }));
    auto const users = [&](std::string_view after, std::size_t limit) { return must(s.read([&](store_reader& r) { return r.users(after, limit); })); };
    BOOST_TEST(users("", 10) == (std::vector<std::string>{"ada", "bob", "cy"}), boost::test_tools::per_element());
    BOOST_TEST(users("ada", 1) == (std::vector<std::string>{"bob"}), boost::test_tools::per_element());
}

}  // namespace bsp::test::contract
