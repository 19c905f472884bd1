#include "support.hpp"

#include <reference_server/storage/migrations.hpp>
#include <reference_server/storage/sqlite.hpp>
#include <reference_server/storage/sqlite_store.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
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
                    BSP_CHECK(mine.put_head(head("main"), at));
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
    {
        namespace migrations = bsp::server::migrations;
        sqlite::connection first{path, sqlite::access::create};
        first.execute(migrations::steps[0]);
        first.execute("PRAGMA user_version = 1; PRAGMA application_id = " + std::to_string(migrations::application_id));
        first.execute("INSERT INTO meta (name, value) VALUES ('epoch', 'of the first')");
        first.execute("INSERT INTO peer VALUES ('p1', 'alice', 'hosted_x', 'hosted', '', X'07" + std::string(62, '0') +
                      "', '[]', NULL, NULL, NULL, '{}', 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0)");
    }
    sqlite_store store{path};
    BOOST_TEST(store.epoch() == "of the first");
    BOOST_TEST(store.read([](bsp::store_reader& r) { return r.registrations_of("hosted_x", {}, 10); }).value().size() == 1u);
    BOOST_TEST(store.read([](bsp::store_reader& r) { return r.registrations_of("", {7}, 10); }).value().size() == 1u);
}

// Before conversations had numbers.
struct file_of_before {
    explicit file_of_before(std::string const& path) : db{path, sqlite::access::create} {
        namespace migrations = bsp::server::migrations;
        auto const numbered = std::ranges::find(migrations::steps, migrations::numbered_conversations_step);
        auto const steps = numbered - migrations::steps.begin();
        for (auto step = migrations::steps.begin(); step != numbered; ++step) db.execute(*step);
        db.execute("PRAGMA user_version = " + std::to_string(steps) + "; PRAGMA application_id = " + std::to_string(migrations::application_id));
        db.execute("INSERT INTO meta (name, value) VALUES ('epoch', 'of before')");
    }
    void conversation(std::string const& user, std::string const& id, int changed_at) {
        db.execute("INSERT INTO conversation VALUES ('" + user + "', '" + id + "', 3, '2025-01-02T00:00:00Z', 1735776000, 0, 4, '[\"web\"]', 2, 1735776000, 5, 0, 0, '{\"of\":\"" + user +
                   "\"}', zeroblob(32), 6, " + std::to_string(changed_at) + ")");
    }
    void message(std::string const& user, std::string const& conversation, std::string const& id, int timestamp_s, int changed_at) {
        db.execute("INSERT INTO message (user_id, conversation_id, id, version, timestamp_s, timestamp_ns, redacted, deleted, surface, digest, changed_at, body, first_received) VALUES ('" + user +
                   "', '" + conversation + "', '" + id + "', 7, " + std::to_string(timestamp_s) + ", 8, 0, 0, 'web', zeroblob(32), " + std::to_string(changed_at) + ", '{\"text\":\"" + user + " secret-before\"}', 9)");
    }
    sqlite::connection db;
};

BOOST_AUTO_TEST_CASE(conversations_of_a_file_of_before_keep_everything) {
    {
        file_of_before file{path};
        file.conversation("bob", "main", 30), file.conversation("alice", "main", 20), file.conversation("alice", "a", 10), file.conversation("alice", "empty", 5);
        file.message("alice", "main", "m2", 100, 20), file.message("bob", "main", "m1", 100, 30), file.message("alice", "main", "m1", 200, 19), file.message("alice", "a", "m1", 50, 10);
    }
    sqlite_store store{path};
    BOOST_TEST(store.epoch() == "of before");
    BOOST_TEST((ids(store, "alice", "main") == std::vector<std::string>{"m2", "m1"}));
    BOOST_TEST((ids(store, "alice", "a") == std::vector<std::string>{"m1"}));
    BOOST_TEST((ids(store, "bob", "main") == std::vector<std::string>{"m1"}));
    BOOST_TEST(ids(store, "bob", "a").empty());
    auto const expired = store.read([](bsp::store_reader& r) { return r.tenant("alice").expired_messages({{50, 8}, {50, 8}}, 10); }).value();
    BOOST_TEST(expired.size() == 3u);  // they came at the ninth nanosecond
    BOOST_TEST(store.read([](bsp::store_reader& r) { return r.tenant("alice").expired_messages({{0, 8}, {0, 8}}, 10); }).value().empty());
    BOOST_REQUIRE(store
                      .read([](bsp::store_reader& r) -> bsp::result<> {
                          auto& alice = r.tenant("alice");
                          auto const feed = alice.changes({}, std::nullopt, 10).value();
                          BOOST_REQUIRE(feed.size() == 3u);
                          BOOST_TEST(feed[0].head.conversation_id == "empty");
                          BOOST_TEST((feed[2].changed_at == instant{0, 20}));
                          auto const h = alice.head("main").value();
                          BOOST_REQUIRE(h.has_value());
                          BOOST_TEST(h->version == 3);
                          BOOST_TEST(h->version_seen == 4);
                          BOOST_TEST(h->last_modified == "2025-01-02T00:00:00Z");
                          BOOST_TEST(h->scalars.version == 2);
                          BOOST_TEST((h->scalars.last_modified == instant{1'735'776'000, 5}));
                          BOOST_TEST(h->scalars.body == R"({"of":"alice"})");
                          BOOST_TEST((h->revived_at == instant{0, 6}));
                          auto const changed = alice.changed_messages("main", {}, std::nullopt, 10).value();
                          BOOST_REQUIRE(changed.size() == 2u);
                          BOOST_TEST(changed[0].message.id == "m1");
                          BOOST_TEST((changed[0].changed_at == instant{0, 19}));
                          BOOST_TEST(changed[0].message.version == 7);
                          BOOST_TEST((changed[0].message.timestamp == instant{200, 8}));
                          BOOST_TEST((changed[0].message.first_received == instant{0, 9}));
                          BOOST_TEST(changed[0].message.body == R"({"text":"alice secret-before"})");
                          return bsp::ok();
                      })
                      .has_value());
    // What the old tables held is not found in the file once it is removed from the new ones.
    BOOST_REQUIRE(store.write([](bsp::store_writer& w) -> bsp::result<> {
                           for (char const* id : {"main", "a"}) BSP_CHECK(w.tenant("alice").remove_conversation(id));
                           return w.tenant("bob").remove_conversation("main");
                       }).has_value());
    BOOST_TEST(support::eventually([&] { return (support::read_file(path) + support::read_file(path + "-wal")).find("secret-before") == std::string::npos; }));
}

BOOST_AUTO_TEST_CASE(a_message_without_a_conversation_stops_the_migration_and_stays) {
    { file_of_before{path}.message("alice", "gone", "m1", 100, 20); }
    BOOST_TEST(complaint(path).find("message.conversation") != std::string::npos, complaint(path));
    sqlite::connection db{path, sqlite::access::read_only};
    BOOST_TEST(db.query_integer("SELECT count(*) FROM message") == 1);
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
