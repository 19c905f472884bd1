#pragma once

#include "ground.hpp"

namespace bsp::test::contract {

inline telemetry_record event(std::string id, std::string source_backend = "local", instant received_at = t0) {
    return {std::move(id), "peer_1", std::move(source_backend), received_at, "{\"cost_usd\": 0.0045, \"metadata\": {}}"};
}

inline bool put(store_base& s, telemetry_record const& e, std::string_view user = "ada") {
    return must(s.write([&](store_writer& w) { return w.tenant(user).put_event(e); }));
}

inline std::string ids(std::vector<telemetry_record> const& events) {
    std::string all;
    for (auto const& e : events) all += e.event_id;
    return all;
}

inline std::vector<telemetry_record> events(store_base& s, std::optional<std::string_view> source = {}, instant since = {}, std::optional<position> after = {}, std::size_t limit = 100) {
    return reading(s, [&](tenant_reader& mine) { return mine.events(source, since, after, limit); });
}

inline void events_are_stored_once_for_each_user(store_base& s) {
    auto const first = event("a");
    BOOST_TEST(put(s, first));
    auto other = event("a", "other", t0 + 5s);
    other.body = "{}";
    BOOST_TEST(!put(s, other));
    BOOST_TEST(put(s, other, "bob"));
    BOOST_TEST((events(s) == std::vector{first}));
    BOOST_TEST(!reading(s, [](tenant_reader& mine) { return mine.last_change(); }).has_value());  // no part of the change feed
}

inline void statistics_are_kept_by_registration(store_base& s) {
    auto const of = [&](std::string_view peer_id) { return must(s.read([&](store_reader& r) { return r.statistics(peer_id); })); };
    BOOST_TEST((of("p1") == peer_statistics{}));
    peer_statistics counted;
    counted.events = 7;
    for (int i = 0; i < 3; ++i) counted.note_success();
    counted.note_failure("invalid-body", t0 + 1ns);
    counted.note_failure("sync-id-reuse", t0 + 1s);
    must(s.write([&](store_writer& w) -> result<> {
        BSP_CHECK(w.put_statistics("p1", counted));
        BOOST_TEST((w.statistics("p1").value() == counted));
        return ok();
    }));
    BOOST_TEST((of("p1") == counted));
    BOOST_TEST((of("p2") == peer_statistics{}));
    (void)s.write([&](store_writer& w) -> result<> {
        BSP_CHECK(w.put_statistics("p1", {}));
        return fail(errc::internal, "no");
    });
    BOOST_TEST((of("p1") == counted));
}

inline void telemetry_is_summed_up_by_peer(store_base& s) {
    auto const since = [&](instant t) {
        auto sums = must(s.read([&](store_reader& r) { return r.telemetry_since(t); }));
        std::ranges::sort(sums, {}, &peer_telemetry::peer_id);
        return sums;
    };
    BOOST_TEST(since(t0 - 1h).empty());
    auto const add = [&](std::string_view user, std::string id, std::string peer_id, instant at, std::optional<double> latency, std::optional<double> cost) {
        put(s, {std::move(id), std::move(peer_id), "local", at, "{}", latency, cost}, user);
    };
    add("ada", "a", "p1", t0, 100.0, 0.25);
    add("ada", "b", "p1", t0 + 1s, std::nullopt, 0.5);
    add("ada", "b", "p1", t0 + 2s, 9.0, 9.0);  // held already
    add("bob", "a", "p2", t0 + 1s, 9'007'199'254'740'991.0, std::nullopt);
    add("bob", "c", "p2", t0 + 2s, 9'007'199'254'740'991.0, std::nullopt);
    BOOST_TEST((since(t0) == std::vector<peer_telemetry>{{"p1", 2, 1, 100, 0.75}, {"p2", 2, 2, 18'014'398'509'481'982.0, 0}}));
    BOOST_TEST((since(t0 + 1s) == std::vector<peer_telemetry>{{"p1", 1, 0, 0, 0.5}, {"p2", 2, 2, 18'014'398'509'481'982.0, 0}}));
    BOOST_TEST(since(t0 + 1h).empty());
    BOOST_TEST((events(s)[0].latency_ms == 100.0 && events(s)[1].cost_usd == 0.5 && !events(s)[1].latency_ms));
}

inline void events_are_listed_in_the_order_of_receipt(store_base& s) {
    // The clock stands still, then is set back: instants increase all the same.
    for (char const* id : {"c", "a", "b"}) put(s, event(id, "local", t0));
    put(s, event("e", "android", t0 + 1s)), put(s, event("d", "local", t0 - 1h));
    auto const all = events(s);
    BOOST_TEST(ids(all) == "cabed");
    BOOST_TEST((std::ranges::adjacent_find(all, [](auto const& x, auto const& y) { return x.received_at >= y.received_at; }) == all.end()));
    BOOST_TEST((all[0].received_at == t0));
    BOOST_TEST((all[4].received_at == t0 + 1s + 1ns));
    BOOST_TEST(ids(events(s, "local")) == "cabd");
    BOOST_TEST(ids(events(s, "android")) == "e");
    BOOST_TEST(ids(events(s, "nobody")) == "");
    BOOST_TEST(ids(events(s, {}, t0 + 1s)) == "ed");
    BOOST_TEST(ids(events(s, "local", t0 + 1ns)) == "abd");
    BOOST_TEST(ids(events(s, {}, {}, position{all[1].received_at, "a"}, 2)) == "be");
    BOOST_TEST(ids(events(s, "local", {}, position{all[1].received_at, "a"}, 9)) == "bd");
    BOOST_TEST(ids(events(s, {}, t0 + 1s, position{all[0].received_at, "c"})) == "ed");
}

inline void an_event_of_a_refused_transaction_is_not_stored(store_base& s) {
    put(s, event("a"));
    auto const refused = s.write([&](store_writer& w) -> result<> {
        BSP_CHECK(w.tenant("ada").put_event(event("b")));
        return fail(errc::not_found, "no");
    });
    BOOST_TEST(!refused);
    BOOST_TEST(ids(events(s)) == "a");
    BOOST_TEST(put(s, event("b")));
    BOOST_TEST((events(s).back().received_at == t0 + 1ns));
}

}  // namespace bsp::test::contract
