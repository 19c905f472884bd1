#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/policy/store.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

/// What every store promises (policy/store.hpp), as one list of clauses. A store is held to it with
///
///     BOOST_DATA_TEST_CASE(keeps_the_contract, boost::unit_test::data::make(bsp::test::store_contract), clause) {
///         my_store store{…};
///         clause.check(store);
///     }
namespace bsp::test {

struct store_clause {
    std::string_view promise;
    void (*check)(store_base&);
    friend std::ostream& operator<<(std::ostream& out, store_clause const& c) { return out << c.promise; }
};

namespace contract {

using namespace std::chrono_literals;

inline constexpr instant t0{1'767'139'200, 500};

inline merge::message message(std::string id, std::int64_t version = 1, instant timestamp = t0, std::string body = "{}") {
    merge::message m;
    m.id = std::move(id);
    m.version = version;
    m.timestamp = timestamp;
    m.redacted = version % 2 == 0;
    m.deleted = version % 3 == 0;
    m.surface = "web";
    m.body = std::move(body);
    m.digest = {static_cast<std::uint8_t>(version), 0xFF};
    m.first_received = timestamp + 1s;
    return m;
}

inline merge::conversation_head head(std::string id, std::int64_t version = 1) {
    merge::conversation_head h;
    h.conversation_id = std::move(id);
    h.version = version;
    h.last_modified = "2025-12-31T01:00:00.000000001+01:00";
    h.last_modified_at = {1'767'139'200, 1};
    h.version_seen = version + 7;
    h.surfaces = {"ios", "web"};
    h.scalars = {version, {-62'167'219'200, 999'999'999}, true, false, "{\"title\": \"\\u00f6\"}", {1, 2, 3}};
    h.revived_at = {1'700'000'000, 5};
    return h;
}

inline peer_record peer(std::string peer_id, std::string user_id = "ada", std::string backend_id = "local_a") {
    peer_record p;
    p.peer_id = std::move(peer_id);
    p.user_id = std::move(user_id);
    p.backend_id = std::move(backend_id);
    p.backend_type = "local";
    p.public_key_pem = "pem";
    p.key_sha256 = {9, 8, 7};
    p.retired_keys = {{"pem before", {6, 5}, t0 + 1h + 7ns}, {"pem before that", {4}, t0}};
    p.rotated_at = t0 + 3ns;
    p.capabilities = {"offline", "x y"};
    p.endpoints = peer_endpoints{"peer_there", "https://there/sync", "wss://there/telemetry"};
    p.sbt = "{\"session_id\": \"s\"}";
    p.sbt_created_at = t0;
    p.sbt_expires_at = t0 + 8h;
    p.registered_at = t0 + 1s;
    return p;
}

/// The value of a read or a write that must succeed.
template <class T>
T must(result<T> r) {
    BOOST_REQUIRE_MESSAGE(r.has_value(), (r ? std::string{} : r.error().detail));
    return *std::move(r);
}
inline void must(result<> r) { BOOST_REQUIRE_MESSAGE(r.has_value(), (r ? std::string{} : r.error().detail)); }

template <class F>
auto reading(store_base& s, F f) {
    return must(s.read([&](store_reader& r) { return f(r.tenant("ada")); }));
}

/// Commits one conversation with messages for `user` and gives the commit instant.
inline result<instant> try_commit(store_base& s, merge::conversation_head const& h, std::vector<merge::message> const& messages, instant now, std::string_view user) {
    return s.write([&](store_writer& w) -> result<instant> {
        auto& mine = w.tenant(user);
        BSP_TRY(instant const at, mine.begin_change(now));
        BSP_CHECK(mine.put_head(h, at));
        BSP_CHECK(mine.put_messages(h.conversation_id, messages, at));
        return at;
    });
}
inline instant commit(store_base& s, merge::conversation_head const& h, std::vector<merge::message> const& messages, instant now = t0, std::string_view user = "ada") {
    return must(try_commit(s, h, messages, now, user));
}

inline std::string ids(std::vector<merge::message> const& messages) {
    std::string all;
    for (auto const& m : messages) all += m.id;
    return all;
}

// --- the clauses

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

inline void peers_come_back_as_they_were(store_base& s) {
    auto const p = peer("peer_1");
    auto bare = peer("peer_0", "bob");
    bare.endpoints.reset();
    bare.capabilities.clear();
    bare.retired_keys.clear();
    bare.rotated_at.reset();
    must(s.write([&](store_writer& w) -> result<> {
        BSP_CHECK(w.put_peer(p));
        return w.put_peer(bare);
    }));
    must(s.read([&](store_reader& r) -> result<> {
        auto const found = must(r.peer("peer_1"));
        BOOST_REQUIRE(found.has_value());
        BOOST_TEST(found->user_id == p.user_id);
        BOOST_TEST(found->backend_id == p.backend_id);
        BOOST_TEST(found->backend_type == p.backend_type);
        BOOST_TEST(found->public_key_pem == p.public_key_pem);
        BOOST_TEST((found->key_sha256 == p.key_sha256));
        BOOST_TEST((found->retired_keys == p.retired_keys));
        BOOST_TEST((found->rotated_at == p.rotated_at));
        BOOST_TEST((must(r.peer("peer_0"))->retired_keys.empty() && !must(r.peer("peer_0"))->rotated_at));
        BOOST_TEST(found->capabilities == p.capabilities);
        BOOST_TEST(found->endpoints->telemetry_endpoint == "wss://there/telemetry");
        BOOST_TEST(found->sbt == p.sbt);
        BOOST_TEST((found->sbt_created_at == p.sbt_created_at));
        BOOST_TEST((found->sbt_expires_at == p.sbt_expires_at));
        BOOST_TEST((found->registered_at == p.registered_at));
        BOOST_TEST((found->status == peer_status::active));
        BOOST_TEST(!found->last_sync.has_value());
        BOOST_TEST(!must(r.peer("peer_0"))->endpoints.has_value());
        BOOST_TEST(must(r.registration("ada", "local_a"))->peer_id == "peer_1");
        BOOST_TEST(must(r.registration("bob", "local_a"))->peer_id == "peer_0");
        BOOST_TEST(!must(r.registration("ada", "LOCAL_A")).has_value());
        BOOST_TEST(must(r.peers(std::nullopt, "", 10)).size() == 2u);
        BOOST_TEST(must(r.peers(std::nullopt, "", 1)).at(0).peer_id == "peer_0");
        BOOST_TEST(must(r.peers(std::nullopt, "peer_0", 10)).at(0).peer_id == "peer_1");
        BOOST_TEST(must(r.peers("ada", "", 10)).size() == 1u);
        return ok();
    }));
}

inline void ended_registrations_remain_but_are_not_active(store_base& s) {
    must(s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.put_peer(peer("peer_1")));
        auto ended = peer("peer_1");
        ended.status = peer_status::unpaired;
        ended.ended_at = t0 + 1h;
        ended.total_syncs = 3;
        ended.last_sync = t0 + 1min;
        BSP_CHECK(w.put_peer(ended));
        BSP_CHECK(w.put_peer(peer("peer_2")));
        return w.put_peer(ended);  // again: the new registration stays
    }));
    must(s.read([](store_reader& r) -> result<> {
        auto const found = must(r.peer("peer_1"));
        BOOST_TEST((found->status == peer_status::unpaired));
        BOOST_TEST((found->ended_at == t0 + 1h));
        BOOST_TEST(found->total_syncs == 3);
        BOOST_TEST((found->last_sync == t0 + 1min));
        BOOST_TEST(must(r.registration("ada", "local_a"))->peer_id == "peer_2");
        BOOST_TEST(must(r.peers("ada", "", 10)).size() == 1u);
        return ok();
    }));
}

inline void registrations_are_found_by_backend_and_by_key(store_base& s) {
    auto const registered = [](char const* peer_id, char const* user_id, char const* backend_id, std::uint8_t key, peer_status status = peer_status::active) {
        auto p = peer(peer_id, user_id, backend_id);
        p.key_sha256 = {key};
        p.status = status;
        return p;
    };
    auto const found = [&](std::string_view backend_id, std::uint8_t key, std::size_t limit = 10) {
        auto all = must(s.read([&](store_reader& r) { return r.registrations_of(backend_id, {key}, limit); }));
        std::ranges::sort(all, {}, &peer_record::peer_id);
        std::string ids;
        for (auto const& p : all) ids += p.peer_id;
        return ids;
    };
    must(s.write([&](store_writer& w) -> result<> {
        BSP_CHECK(w.put_peer(registered("1", "ada", "local_a", 1)));
        BSP_CHECK(w.put_peer(registered("2", "bob", "local_a", 2)));
        BSP_CHECK(w.put_peer(registered("3", "ada", "local_b", 1)));
        BSP_CHECK(w.put_peer(registered("4", "bob", "local_b", 2)));
        return w.put_peer(registered("5", "cy", "local_a", 1, peer_status::unpaired));
    }));
    BOOST_TEST(found("local_a", 1) == "123");
    BOOST_TEST(found("local_a", 9) == "12");
    BOOST_TEST(found("local_x", 2) == "24");
    BOOST_TEST(found("local_x", 9) == "");
    BOOST_TEST(found("LOCAL_A", 9) == "");
    BOOST_TEST(found("local_a", 1, 1).size() == 1u);
    BOOST_TEST(found("local_a", 1, 2).size() == 2u);

    must(s.write([&](store_writer& w) -> result<> {
        BSP_CHECK(w.put_peer(registered("1", "ada", "local_a", 1, peer_status::revoked)));
        return w.put_peer(registered("3", "ada", "local_b", 3));  // found by its new key only
    }));
    BOOST_TEST(found("local_a", 1) == "2");
    BOOST_TEST(found("local_x", 3) == "3");

    auto const refused = s.write([&](store_writer& w) -> result<> {
        BSP_CHECK(w.put_peer(registered("2", "bob", "local_a", 2, peer_status::revoked)));
        BSP_CHECK(w.put_peer(registered("3", "ada", "local_b", 1)));
        BSP_CHECK(w.put_peer(registered("6", "eve", "local_a", 6)));
        return fail(errc::internal, "on purpose");
    });
    BOOST_TEST(!refused.has_value());
    BOOST_TEST(found("local_a", 1) == "2");
    BOOST_TEST(found("local_x", 3) == "3");
}

inline void floors_and_revocations(store_base& s) {
    must(s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.put_sbt_floor("ada", "local_a", t0));
        BSP_CHECK(w.put_sbt_floor("ada", "local_a", t0 + 1ns));
        BSP_CHECK(w.revoke("local_r", {7}, t0));
        return w.revoke("local_r", {7}, t0 + 1s);  // twice is once
    }));
    must(s.read([](store_reader& r) -> result<> {
        BOOST_TEST((must(r.sbt_floor("ada", "local_a")) == t0 + 1ns));
        BOOST_TEST(!must(r.sbt_floor("bob", "local_a")).has_value());
        BOOST_TEST(must(r.is_revoked("local_r", {1})));
        BOOST_TEST(must(r.is_revoked("local_x", {7})));
        BOOST_TEST(!must(r.is_revoked("local_x", {1})));
        return ok();
    }));
}

inline void an_assertion_is_claimed_once(store_base& s) {
    auto const claim = [&](char const* issuer, char const* jti, instant now) {
        return must(s.write([&](store_writer& w) { return w.claim_assertion(issuer, jti, t0 + 60s, now); }));
    };
    BOOST_TEST(claim("a", "1", t0));
    BOOST_TEST(!claim("a", "1", t0 + 59s));
    BOOST_TEST(claim("a", "2", t0));
    BOOST_TEST(claim("b", "1", t0));
    BOOST_TEST(!claim("b", "1", t0 + 59s));
}

inline audit_event audited(audit_type type, std::string peer_id, instant at = t0) {
    return {.type = type, .at = at, .user_id = "ada", .peer_id = std::move(peer_id), .backend_id = "local_a", .reason = errc::stale_request, .counts = {{"messages", 3}}};
}

inline std::string audited_numbers(store_base& s, audit_query const& asked) {
    std::string all;
    for (auto const& e : must(s.read([&](store_reader& r) { return r.audit(asked); }))) all += std::to_string(e.number) + ' ';
    return all;
}

inline void the_audit_trail_is_a_chain_in_order(store_base& s) {
    BOOST_TEST(!must(s.read([](store_reader& r) { return r.last_audit(); })).has_value());
    must(s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.append_audit(audited(audit_type::sync_accepted, "p1")));
        return w.append_audit({.type = audit_type::admin_auth_failed, .at = t0 + 1ns});
    }));
    must(s.write([](store_writer& w) { return w.append_audit(audited(audit_type::sync_rejected, "p\n\"2", t0 - 1h)); }));
    auto const all = must(s.read([](store_reader& r) { return r.audit({}); }));
    BOOST_REQUIRE(all.size() == 3u);
    sha256_digest before{};
    for (auto const& e : all) {
        BOOST_TEST((e.hash == chained(before, entry_text(e))));
        BOOST_TEST(entry_line(e).find('\n') == std::string::npos);
        before = e.hash;
    }
    BOOST_TEST((all[1].at == t0 + 1ns));
    BOOST_TEST(all[1].details == "{}");
    BOOST_TEST((all[2].type == audit_type::sync_rejected));
    BOOST_TEST(all[2].peer_id == "p\n\"2");
    BOOST_TEST(all[0].details.find("ada") == std::string::npos);
    BOOST_TEST(all[0].details == all[2].details);  // the tag of a user is the same everywhere
    BOOST_TEST((must(s.read([](store_reader& r) { return r.last_audit(); })) == all[2]));
}

inline void the_audit_trail_is_read_by_filters_in_pages(store_base& s) {
    must(s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.append_audit(audited(audit_type::sync_accepted, "p1", t0)));
        BSP_CHECK(w.append_audit(audited(audit_type::sync_rejected, "p1", t0 + 1s)));
        BSP_CHECK(w.append_audit(audited(audit_type::sync_accepted, "p2", t0 + 2s)));
        return w.append_audit(audited(audit_type::sync_accepted, "p1", t0 + 3s));
    }));
    BOOST_TEST(audited_numbers(s, {}) == "1 2 3 4 ");
    BOOST_TEST(audited_numbers(s, {.limit = 2}) == "1 2 ");
    BOOST_TEST(audited_numbers(s, {.after = 2, .limit = 1}) == "3 ");
    BOOST_TEST(audited_numbers(s, {.since = t0 + 2s}) == "3 4 ");
    BOOST_TEST(audited_numbers(s, {.type = audit_type::sync_accepted}) == "1 3 4 ");
    BOOST_TEST(audited_numbers(s, {.peer_id = "p1"}) == "1 2 4 ");
    BOOST_TEST(audited_numbers(s, {.since = t0 + 1ns, .type = audit_type::sync_accepted, .peer_id = "p1"}) == "4 ");
    BOOST_TEST(audited_numbers(s, {.peer_id = "p"}) == "");
    BOOST_TEST(audited_numbers(s, {.after = 4}) == "");
}

inline void the_oldest_of_the_audit_trail_go_and_the_rest_is_proven(store_base& s) {
    auto const begin = [&] { return must(s.read([](store_reader& r) { return r.audit_begin(); })); };
    auto const prune = [&](instant until, std::size_t limit) { return must(s.write([&](store_writer& w) { return w.prune_audit(until, limit); })); };
    BOOST_TEST((begin() == audit_seal{}));
    BOOST_TEST(prune(t0 + 1h, 10) == 0u);
    must(s.write([](store_writer& w) -> result<> {
        // The clock was set back between the third and the fourth.
        for (auto const after : {0s, 1s, 9s, 2s, 3s, 4s}) BSP_CHECK(w.append_audit(audited(audit_type::sync_accepted, "p1", t0 + after)));
        return ok();
    }));
    auto const all = must(s.read([](store_reader& r) { return r.audit({}); }));
    BOOST_TEST(prune(t0 - 1ns, 10) == 0u);
    BOOST_TEST(prune(t0 + 2s, 1) == 1u);
    BOOST_TEST((begin() == audit_seal{1, all[0].hash}));
    BOOST_TEST(prune(t0 + 2s, 10) == 1u);  // up to the first that is younger
    BOOST_TEST(audited_numbers(s, {}) == "3 4 5 6 ");
    BOOST_TEST(audited_numbers(s, {.after = 1, .limit = 2}) == "3 4 ");
    BOOST_TEST(audited_numbers(s, {.peer_id = "p1", .after = 4}) == "5 6 ");
    BOOST_TEST((begin() == audit_seal{2, all[1].hash}));
    BOOST_TEST((chained(begin().hash, entry_text(all[2])) == all[2].hash));
    BOOST_TEST(!s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.prune_audit(t0 + 1h, 10));
        return fail(errc::internal, "no");
    }));
    BOOST_TEST(audited_numbers(s, {}) == "3 4 5 6 ");
    BOOST_TEST((begin() == audit_seal{2, all[1].hash}));
    BOOST_TEST(prune(t0 + 1h, 10) == 3u);  // the last one stays, whatever its age
    must(s.write([](store_writer& w) { return w.append_audit(audited(audit_type::sync_accepted, "p2")); }));
    auto const left = must(s.read([](store_reader& r) { return r.audit({}); }));
    BOOST_REQUIRE(left.size() == 2u);
    BOOST_TEST(left[1].number == 7u);
    BOOST_TEST((left[1].hash == chained(left[0].hash, entry_text(left[1]))));
}

inline void an_audit_entry_of_a_refused_transaction_is_not_kept(store_base& s) {
    must(s.write([](store_writer& w) { return w.append_audit(audited(audit_type::sync_accepted, "p1")); }));
    BOOST_TEST(!s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.append_audit(audited(audit_type::peer_revoked, "p2")));
        return fail(errc::internal, "no");
    }));
    must(s.write([](store_writer& w) { return w.append_audit(audited(audit_type::sync_accepted, "p3")); }));
    BOOST_TEST(audited_numbers(s, {}) == "1 2 ");
    BOOST_TEST(audited_numbers(s, {.peer_id = "p2"}) == "");
}

inline void requests_are_counted_by_windows(store_base& s) {
    auto const count = [&](char const* key, instant now) { return must(s.write([&](store_writer& w) { return w.count_request(key, 60s, now); })); };
    for (std::uint64_t n = 1; n <= 3; ++n) {
        auto const w = count("push a", t0 + n * 1s);
        BOOST_TEST(w.count == n);
        BOOST_TEST((w.begin == t0 + 1s));
    }
    BOOST_TEST(count("push b", t0 + 2s).count == 1u);
    BOOST_TEST(count("push a", t0 + 61s - 1ns).count == 4u);
    auto const next = count("push a", t0 + 61s);  // the window has ended
    BOOST_TEST(next.count == 1u);
    BOOST_TEST((next.begin == t0 + 61s));
    BOOST_TEST(count("push a", t0 + 120s).count == 2u);
    BOOST_TEST(count("push a", t0 - 1h).count == 1u);  // the clock was set back
    BOOST_TEST(count("push a", t0 - 1h + 1s).count == 2u);
    BOOST_TEST(!s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.count_request("push c", 60s, t0));
        return fail(errc::internal, "no");
    }));
    BOOST_TEST(count("push c", t0).count == 1u);
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

}  // namespace contract

inline constexpr store_clause store_contract[] = {
#define BSP_X(name) {#name, contract::name},
    BSP_X(nothing_is_there_at_first)
    BSP_X(heads_and_messages_come_back_as_they_were)
    BSP_X(a_put_replaces)
    BSP_X(messages_are_read_by_time_then_id_in_pages)
    BSP_X(heads_are_listed_by_id_in_pages)
    BSP_X(commit_instants_increase_for_each_user)
    BSP_X(the_feed_is_in_the_order_of_commits)
    BSP_X(users_do_not_see_each_other)
    BSP_X(messages_of_different_conversations_are_unrelated)
    BSP_X(a_refused_transaction_leaves_no_trace)
    BSP_X(a_transaction_reads_its_own_writes)
    BSP_X(losers_are_kept_oldest_first_and_once)
    BSP_X(receipts_are_kept_by_peer_and_sync_id)
    BSP_X(events_are_stored_once_for_each_user)
    BSP_X(events_are_listed_in_the_order_of_receipt)
    BSP_X(statistics_are_kept_by_registration)
    BSP_X(telemetry_is_summed_up_by_peer)
    BSP_X(an_event_of_a_refused_transaction_is_not_stored)
    BSP_X(privacy_settings_are_the_defaults_until_they_are_put)
    BSP_X(messages_expire_by_their_age)
    BSP_X(what_is_removed_is_gone_and_of_one_user)
    BSP_X(the_departed_are_remembered)
    BSP_X(users_are_listed)
    BSP_X(a_text_may_have_any_character)
    BSP_X(peers_come_back_as_they_were)
    BSP_X(ended_registrations_remain_but_are_not_active)
    BSP_X(registrations_are_found_by_backend_and_by_key)
    BSP_X(floors_and_revocations)
    BSP_X(an_assertion_is_claimed_once)
    BSP_X(the_audit_trail_is_a_chain_in_order)
    BSP_X(the_audit_trail_is_read_by_filters_in_pages)
    BSP_X(the_oldest_of_the_audit_trail_go_and_the_rest_is_proven)
    BSP_X(an_audit_entry_of_a_refused_transaction_is_not_kept)
    BSP_X(requests_are_counted_by_windows)
    BSP_X(concurrent_writers_of_one_user_do_not_lose_each_others_writes)
    BSP_X(a_snapshot_does_not_change_while_it_is_read)
    BSP_X(commits_are_told_and_refusals_are_not)
#undef BSP_X
};

}  // namespace bsp::test
