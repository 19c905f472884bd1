#include "support.hpp"

#include <reference_server/storage/sqlite.hpp>
#include <reference_server/storage/sqlite_store.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <limits>
#include <thread>

using namespace std::chrono_literals;
using bsp::instant;
using bsp::server::sqlite_store;
namespace sqlite = bsp::server::sqlite;

namespace {

std::string complaint(std::string const& path) {
    try {
        sqlite_store const store{path};
        return {};
    } catch (std::runtime_error const& why) {
        return why.what();
    }
}

bsp::merge::message message(std::string id, std::string body = "{}") {
    bsp::merge::message m;
    m.id = std::move(id);
    m.version = 1;
    m.timestamp = {1'700'000'000, 5};
    m.surface = "web";
    m.body = std::move(body);
    return m;
}

bsp::merge::conversation_head head(std::string id) {
    bsp::merge::conversation_head h;
    h.conversation_id = std::move(id);
    h.surfaces = {"a\"b", "web"};
    h.scalars.body = "{}";
    return h;
}

bsp::result<instant> put(bsp::store_base& store, std::string_view user, std::string const& conversation, std::vector<bsp::merge::message> const& messages,
                         instant now = {1'700'000'000, 0}) {
    return store.write([&](bsp::store_writer& w) -> bsp::result<instant> {
        auto& t = w.tenant(user);
        BSP_TRY(instant const at, t.begin_change(now));
        BSP_CHECK(t.put_head(head(conversation), at));
        BSP_CHECK(t.put_messages(conversation, messages, at));
        return at;
    });
}

std::vector<std::string> ids(bsp::store_base& store, std::string_view user, std::string const& conversation) {
    auto const found = store.read([&](bsp::store_reader& r) { return r.tenant(user).messages_in_order(conversation, std::nullopt, 1'000'000); }).value();
    std::vector<std::string> all;
    for (auto const& m : found) all.push_back(m.id);
    return all;
}

struct fixture {
    support::scratch dir;
    std::string path = (dir / "bsp.db").string();
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sqlite_store_, fixture)

BOOST_AUTO_TEST_CASE(what_was_written_is_there_after_reopening) {
    std::string epoch;
    {
        sqlite_store store{path};
        epoch = store.epoch();
        BOOST_TEST(put(store, "alice", "main", {message("m1", "{\"x\": 1}")}).has_value());
    }
    sqlite_store store{path};
    BOOST_TEST(store.epoch() == epoch);
    BOOST_TEST(epoch.size() == 32u);
    auto const h = store.read([](bsp::store_reader& r) { return r.tenant("alice").head("main"); }).value();
    BOOST_REQUIRE(h.has_value());
    BOOST_TEST(h->surfaces == (std::vector<std::string>{"a\"b", "web"}), boost::test_tools::per_element());
    BOOST_TEST(ids(store, "alice", "main") == std::vector<std::string>{"m1"}, boost::test_tools::per_element());
    BOOST_TEST(ids(store, "bob", "main").empty());
}

BOOST_AUTO_TEST_CASE(a_refused_write_undoes_itself_and_nothing_else) {
    sqlite_store store{path};
    BOOST_TEST(put(store, "alice", "main", {message("m1")}).has_value());
    auto const refused = store.write([&](bsp::store_writer& w) -> bsp::result<> {
        auto& t = w.tenant("alice");
        BSP_TRY(instant const at, t.begin_change({1'800'000'000, 0}));
        bsp::merge::message const m = message("m2");
        BSP_CHECK(t.put_messages("main", {&m, 1}, at));
        BSP_CHECK(w.put_sbt_floor("alice", "hosted_x", at));
        return bsp::fail(bsp::errc::key_mismatch, "");
    });
    BOOST_TEST((refused.error().code == bsp::errc::key_mismatch));
    BOOST_TEST(ids(store, "alice", "main").size() == 1u);
    BOOST_TEST(!store.read([](bsp::store_reader& r) { return r.sbt_floor("alice", "hosted_x"); }).value().has_value());
    BOOST_TEST((store.read([](bsp::store_reader& r) { return r.tenant("alice").last_change(); }).value() == instant{1'700'000'000, 0}));
}

BOOST_AUTO_TEST_CASE(a_write_that_throws_is_undone_and_the_next_one_works) {
    sqlite_store store{path};
    auto const thrown = store.write([&](bsp::store_writer& w) -> bsp::result<instant> {
        (void)w.tenant("alice").begin_change({1, 0});
        throw std::runtime_error{"x"};
    });
    BOOST_TEST((thrown.error().code == bsp::errc::internal));
    BOOST_TEST(!store.read([](bsp::store_reader& r) { return r.tenant("alice").last_change(); }).value().has_value());
    BOOST_TEST(put(store, "alice", "main", {message("m1")}).has_value());
}

BOOST_AUTO_TEST_CASE(commit_instants_increase_per_user_whatever_the_clock_does) {
    sqlite_store store{path};
    BOOST_TEST((put(store, "alice", "c", {}, {100, 0}).value() == instant{100, 0}));
    BOOST_TEST((put(store, "alice", "c", {}, {100, 0}).value() == instant{100, 1}));
    BOOST_TEST((put(store, "alice", "c", {}, {50, 0}).value() == instant{100, 2}));
    BOOST_TEST((put(store, "bob", "c", {}, {50, 0}).value() == instant{50, 0}));
    BOOST_TEST((put(store, "alice", "c", {}, {100, 999'999'999}).value() == instant{100, 999'999'999}));
    BOOST_TEST((put(store, "alice", "c", {}, {0, 0}).value() == instant{101, 0}));
}

BOOST_AUTO_TEST_CASE(writers_side_by_side_lose_nothing) {
    sqlite_store store{path};
    constexpr int threads = 16, each = 50;
    std::vector<std::thread> writers;
    std::atomic<int> failures{0};
    for (int t = 0; t < threads; ++t)
        writers.emplace_back([&, t] {
            for (int i = 0; i < each; ++i) {
                bool const wanted = i % 10 != 9;
                auto const done = store.write([&](bsp::store_writer& w) -> bsp::result<> {
                    auto& mine = w.tenant("alice");
                    BSP_TRY(instant const at, mine.begin_change({1'700'000'000, 0}));
                    bsp::merge::message const m = message("m" + std::to_string(t) + "-" + std::to_string(i));
                    BSP_CHECK(mine.put_messages("main", {&m, 1}, at));
                    if (!wanted) return bsp::fail(bsp::errc::invalid_body, "");
                    return bsp::ok();
                });
                failures += done.has_value() != wanted;
            }
        });
    std::atomic<bool> done{false};
    std::thread reader{[&] {
        // A snapshot never shows half of a group: what is counted twice is the same.
        while (!done) {
            auto const same = store.read([](bsp::store_reader& r) -> bsp::result<bool> {
                BSP_TRY(auto const a, r.tenant("alice").messages_in_order("main", std::nullopt, 100'000));
                BSP_TRY(auto const b, r.tenant("alice").changed_messages("main", {}, std::nullopt, 100'000));
                return a.size() == b.size();
            });
            failures += !same.has_value() || !*same;
        }
    }};
    for (auto& w : writers) w.join();
    done = true;
    reader.join();
    BOOST_TEST(failures == 0);
    BOOST_TEST(ids(store, "alice", "main").size() == static_cast<std::size_t>(threads * each * 9 / 10));
}

BOOST_AUTO_TEST_CASE(timestamps_of_all_years_keep_their_order) {
    sqlite_store store{path};
    auto at = [](char const* id, char const* when) {
        auto m = message(id);
        m.timestamp = bsp::parse_timestamp(when).value();
        return m;
    };
    BOOST_TEST(put(store, "a", "c", {at("e", "9999-12-31T23:59:59.999999999-23:59"), at("b", "1969-12-31T23:59:59.5Z"), at("a", "0001-01-01T00:00:00Z"),
                                     at("d", "2025-01-01T00:00:00.000000002Z"), at("c", "2025-01-01T00:00:00.000000001Z")})
                   .has_value());
    BOOST_TEST(ids(store, "a", "c") == (std::vector<std::string>{"a", "b", "c", "d", "e"}), boost::test_tools::per_element());
    auto const page = store
                          .read([&](bsp::store_reader& r) {
                              return r.tenant("a").messages_in_order("c", bsp::position{bsp::parse_timestamp("1969-12-31T23:59:59.5Z").value(), "b"}, 2);
                          })
                          .value();
    BOOST_REQUIRE(page.size() == 2u);
    BOOST_TEST(page[0].id == "c");
    BOOST_TEST(page[1].id == "d");
}

BOOST_AUTO_TEST_CASE(nanoseconds_round_trip_and_saturate) {
    for (instant const t : {instant{0, 0}, instant{-1, 999'999'999}, instant{-1, 0}, instant{1'700'000'000, 1}, instant{9'223'372'035, 999'999'999}, instant{-9'223'372'035, 1}})
        BOOST_TEST((sqlite::from_nanoseconds(sqlite::to_nanoseconds(t)) == t));
    BOOST_TEST(sqlite::to_nanoseconds(bsp::parse_timestamp("9999-01-01T00:00:00Z").value()) == std::numeric_limits<std::int64_t>::max());
    BOOST_TEST(sqlite::to_nanoseconds(bsp::parse_timestamp("0001-01-01T00:00:00Z").value()) == std::numeric_limits<std::int64_t>::min());
}

BOOST_AUTO_TEST_CASE(a_claim_is_first_once_until_it_expires) {
    sqlite_store store{path};
    auto claim = [&](char const* issuer, instant expires, instant now) {
        return store.write([&](bsp::store_writer& w) { return w.claim_assertion(issuer, "j", expires, now); }).value();
    };
    BOOST_TEST(claim("a", {100, 0}, {50, 0}));
    BOOST_TEST(!claim("a", {100, 0}, {99, 999'999'999}));
    BOOST_TEST(claim("b", {100, 0}, {99, 0}));
    BOOST_TEST(claim("a", {200, 0}, {100, 0}));
}

BOOST_AUTO_TEST_CASE(receipts_and_losers_are_forgotten_when_their_time_is_over) {
    sqlite_store store{path};
    instant const t0{1'700'000'000, 0};
    auto receipt_at = [&](char const* id, instant at) {
        BOOST_TEST(store.write([&](bsp::store_writer& w) { return w.tenant("a").put_receipt({"p", id, {}, "{}", at}); }).has_value());
    };
    auto kept = [&](char const* id) { return store.read([&](bsp::store_reader& r) { return r.tenant("a").receipt("p", id); }).value().has_value(); };
    receipt_at("s1", t0);
    receipt_at("s2", t0 + 24h);
    BOOST_TEST(kept("s1"));
    receipt_at("s3", t0 + 24h + 1s);
    BOOST_TEST(!kept("s1"));
    BOOST_TEST(kept("s2"));

    BOOST_TEST(put(store, "a", "c", {}).has_value());
    auto lose = [&](char const* id, instant at) {
        BOOST_TEST(store.write([&](bsp::store_writer& w) { return w.tenant("a").put_loser("c", message(id), at); }).has_value());
    };
    auto losers = [&](instant since) { return store.read([&](bsp::store_reader& r) { return r.tenant("a").losers("c", since); }).value().size(); };
    lose("l1", t0), lose("l1", t0), lose("l2", t0 + 1s);
    BOOST_TEST(losers(t0) == 2u);
    BOOST_TEST(losers(t0 + 1s) == 1u);
    lose("l3", t0 + 24h * 30 + 1s);
    BOOST_TEST(losers(t0) == 2u);
}

BOOST_AUTO_TEST_CASE(a_file_of_the_first_schema_is_brought_up_to_date) {
    bsp::peer_record p;
    p.peer_id = "p1", p.user_id = "alice", p.backend_id = "hosted_x", p.key_sha256 = {7};
    std::string epoch;
    {
        sqlite_store store{path};
        epoch = store.epoch();
        BOOST_TEST(store.write([&](bsp::store_writer& w) { return w.put_peer(p); }).has_value());
    }
    sqlite::connection{path, sqlite::access::read_write}.execute("DROP INDEX peer_of_backend; DROP INDEX peer_of_key; DROP TABLE event; PRAGMA user_version = 1");
    sqlite_store store{path};
    BOOST_TEST(store.epoch() == epoch);
    BOOST_TEST(store.read([](bsp::store_reader& r) { return r.registrations_of("hosted_x", {}, 10); }).value().size() == 1u);
    BOOST_TEST(store.read([](bsp::store_reader& r) { return r.registrations_of("", {7}, 10); }).value().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_second_active_registration_is_not_stored) {
    sqlite_store store{path};
    bsp::peer_record p;
    p.user_id = "alice", p.backend_id = "hosted_x", p.backend_type = "hosted", p.capabilities = {"x"};
    p.endpoints = bsp::peer_endpoints{"peer_z", "https://s", ""};
    p.sbt_expires_at = {5, 7};
    auto put_peer = [&](std::string id, bsp::peer_status status) {
        p.peer_id = std::move(id), p.status = status;
        return store.write([&](bsp::store_writer& w) { return w.put_peer(p); });
    };
    BOOST_TEST(put_peer("p1", bsp::peer_status::active).has_value());
    BOOST_TEST((put_peer("p2", bsp::peer_status::active).error().code == bsp::errc::unavailable));
    BOOST_TEST(put_peer("p1", bsp::peer_status::unpaired).has_value());
    BOOST_TEST(put_peer("p2", bsp::peer_status::active).has_value());
    auto const found = store.read([](bsp::store_reader& r) { return r.registration("alice", "hosted_x"); }).value();
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST(found->peer_id == "p2");
    BOOST_TEST(found->endpoints->sync_endpoint == "https://s");
    BOOST_TEST((found->sbt_expires_at == instant{5, 7}));
    BOOST_TEST(!found->last_sync.has_value());
}

BOOST_AUTO_TEST_CASE(what_is_not_ours_or_not_sound_is_refused_and_left_alone) {
    auto const refused = [&](char const* says) {
        std::string const before = support::read_file(path);
        std::string const said = complaint(path);
        BOOST_TEST(said.find(says) != std::string::npos, said);
        BOOST_TEST(said.find('\n') == std::string::npos);
        BOOST_TEST(support::read_file(path) == before);
        std::filesystem::remove(path);
    };
    support::write_file(path, "");
    refused("is empty");
    support::write_file(path, std::string(5'000, 'x'));
    refused("not an SQLite database");
    { sqlite::connection{path, sqlite::access::create}.execute("CREATE TABLE t (x)"); }
    refused("another program");
    { sqlite_store const store{path}; }
    { sqlite::connection{path, sqlite::access::read_write}.execute("PRAGMA user_version = 99"); }
    refused("newer version");
    { sqlite_store const store{path}; }
    std::string damaged = support::read_file(path);
    for (std::size_t page = 1; page * 8'192 < damaged.size(); ++page) damaged.replace(page * 8'192, 64, 64, '\x7F');
    support::write_file(path, damaged);
    refused("damaged");
    std::filesystem::create_directory(path);
    BOOST_TEST(complaint(path) != "");
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_unavailable_and_the_store_recovers) {
    sqlite_store store{path};
    BOOST_TEST(put(store, "alice", "main", {message("m1")}).has_value());
    auto const failed = store.write([&](bsp::store_writer& w) -> bsp::result<> {
        auto& t = w.tenant("alice");
        // SQLite takes no text of more than a billion bytes; this stands for every failure in the middle of a write.
        bsp::merge::message m = message("m2");
        BSP_CHECK(t.put_messages("main", {&m, 1}, {1, 0}));
        m.body = std::string(1'000'000'001, 'x');
        (void)t.put_messages("main", {&m, 1}, {1, 0});
        return bsp::ok();  // a store does not rely on being told
    });
    BOOST_TEST((failed.error().code == bsp::errc::unavailable));
    BOOST_TEST(ids(store, "alice", "main").size() == 1u);
    BOOST_TEST(put(store, "alice", "main", {message("m3")}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
