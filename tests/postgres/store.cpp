#include <reference_server/storage/postgres/store.hpp>

#include <stores/store_contract.hpp>

#include <bsp/policy/store_limiter.hpp>
#include <bsp/policy/store_replay_guard.hpp>

#include <libpq-fe.h>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <condition_variable>
#include <cstdlib>
#include <mutex>

// On the empty database of BSP_TEST_POSTGRES, which tests/support/postgres starts; the same through a pooler in transaction mode.
namespace {

using namespace bsp;
using namespace bsp::test::contract;
using server::postgres_store;

std::string url() {
    char const* given = std::getenv("BSP_TEST_POSTGRES");
    BOOST_REQUIRE_MESSAGE(given != nullptr, "run this with tests/support/postgres run");
    return given;
}

/// A session beside those of the stores; every test begins with an empty database.
class desk {
public:
    desk() : raw_{PQconnectdb(url().c_str()), PQfinish} {
        BOOST_REQUIRE_MESSAGE(PQstatus(raw_.get()) == CONNECTION_OK, PQerrorMessage(raw_.get()));
        run("SET client_min_messages = error");
        run("DROP SCHEMA public CASCADE");
        run("CREATE SCHEMA public");
    }
    std::string run(char const* sql) {
        std::unique_ptr<PGresult, void (*)(PGresult*)> const done{PQexec(raw_.get(), sql), PQclear};
        auto const status = PQresultStatus(done.get());
        BOOST_REQUIRE_MESSAGE(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, PQerrorMessage(raw_.get()));
        return PQntuples(done.get()) > 0 ? PQgetvalue(done.get(), 0, 0) : "";
    }
    /// Ends every other session, as a restart of the server does.
    void end_others() { run("SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"); }

private:
    std::unique_ptr<PGconn, void (*)(PGconn*)> raw_;
};

/// Two instances.
struct two : desk {
    postgres_store a{url(), 8}, b{url(), 8};
};

struct signal {
    std::mutex mutex;
    std::condition_variable changed;
    int times = 0;

    void give() {
        {
            std::lock_guard const lock{mutex};
            ++times;
        }
        changed.notify_all();
    }
    bool comes(std::chrono::milliseconds patience, int how_often = 1) {
        std::unique_lock lock{mutex};
        return changed.wait_for(lock, patience, [&] { return times >= how_often; });
    }
};

template <class F>
void side_by_side(int count, F f) {
    std::vector<std::thread> threads;
    for (int n = 0; n < count; ++n) threads.emplace_back([&f, n] { f(n); });
    for (auto& t : threads) t.join();
}

bool is_whole_chain(std::vector<audit_entry> const& all) {
    sha256_digest before{};
    std::uint64_t number = 0;
    for (auto const& e : all) {
        if (e.number != ++number || e.hash != chained(before, entry_text(e))) return false;
        before = e.hash;
    }
    return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(postgres)

BOOST_DATA_TEST_CASE(keeps_the_contract, boost::unit_test::data::make(test::store_contract), clause) {
    desk const empty;
    postgres_store store{url(), 8};
    clause.check(store);
}

BOOST_AUTO_TEST_CASE(what_was_written_is_there_after_reopening) {
    desk const empty;
    std::string epoch;
    {
        postgres_store store{url(), 2};
        epoch = store.epoch();
        commit(store, head("main"), {message("m")});
        must(store.write([](store_writer& w) { return w.append_audit(audited(audit_type::sync_accepted, "p1")); }));
    }
    postgres_store store{url(), 2};
    BOOST_TEST(store.epoch() == epoch);
    BOOST_TEST(audited_numbers(store, {}) == "1 ");
    BOOST_TEST(reading(store, [](tenant_reader& mine) { return mine.head("main"); })->version == 1);
}

BOOST_AUTO_TEST_CASE(instances_that_start_at_once_make_one_schema) {
    desk const empty;
    std::vector<std::string> epochs(4), troubles(4);
    side_by_side(4, [&](int n) {
        auto const i = static_cast<std::size_t>(n);
        try {
            epochs[i] = postgres_store{url(), 2}.epoch();
        } catch (std::exception const& why) {
            troubles[i] = why.what();
        }
    });
    BOOST_TEST(troubles == std::vector<std::string>(4), boost::test_tools::per_element());
    BOOST_TEST(epochs == std::vector<std::string>(4, epochs[0]), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_newer_schema_is_refused) {
    desk d;
    { postgres_store const made{url(), 2}; }
    d.run("UPDATE bsp_schema SET step = 999");
    BOOST_CHECK_EXCEPTION(postgres_store(url(), 2), std::runtime_error, [](auto const& why) { return std::string{why.what()}.find("newer version") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(instances_of_different_backends_do_not_share) {
    two instances;
    instances.a.claim_for("hosted_sha256_1");
    instances.b.claim_for("hosted_sha256_1");
    BOOST_CHECK_THROW(instances.b.claim_for("hosted_sha256_2"), std::runtime_error);
}

// What two instances acknowledge side by side is all there, once, in one order.
BOOST_AUTO_TEST_CASE(writers_of_two_instances_lose_nothing) {
    two instances;
    constexpr int writers = 6, rounds = 20;
    commit(instances.a, head("main", 0), {});
    std::atomic<int> refused = 0;
    side_by_side(writers, [&](int n) {
        postgres_store& mine = n % 2 == 0 ? instances.a : instances.b;
        for (int i = 0; i < rounds; ++i) {
            auto const change = [&](store_writer& w) -> result<> {
                auto& ada = w.tenant("ada");
                BSP_TRY(instant const at, ada.begin_change(t0));
                BSP_TRY(auto h, ada.head("main"));
                ++h->version;  // lost if two transactions read the same one
                BSP_CHECK(ada.put_head(*h, at));
                std::array const one{message(std::to_string(n) + '-' + std::to_string(i))};
                BSP_CHECK(ada.put_messages("main", one, at));
                return w.append_audit(audited(audit_type::sync_accepted, "p" + std::to_string(n)));
            };
            refused += !(n % 3 == 0 ? mine.write(change) : mine.write_of("ada", change)).has_value();
        }
    });
    BOOST_TEST(refused == 0);
    for (postgres_store* instance : {&instances.a, &instances.b}) {
        reading(*instance, [&](tenant_reader& mine) -> result<> {
            BOOST_TEST(must(mine.head("main"))->version == writers * rounds);
            auto const changes = must(mine.changed_messages("main", {}, std::nullopt, 1'000));
            BOOST_TEST(changes.size() == static_cast<std::size_t>(writers * rounds));
            auto const repeated = std::ranges::adjacent_find(changes, {}, [](changed_message const& m) { return m.changed_at; });
            BOOST_TEST((repeated == changes.end()));
            return ok();
        });
        auto const trail = must(instance->read([](store_reader& r) { return r.audit({.limit = 10'000}); }));
        BOOST_TEST(trail.size() == static_cast<std::size_t>(writers * rounds));
        BOOST_TEST(is_whole_chain(trail));
    }
}

// Users do not wait for each other, however their transactions cross.
BOOST_AUTO_TEST_CASE(a_write_of_one_user_passes_that_of_another) {
    two instances;
    signal in_the_middle, other_is_done;
    result<> slow = fail(errc::internal, "not run");
    std::thread first{[&] {
        slow = instances.a.write_of("ada", [&](store_writer& w) -> result<> {
            BSP_CHECK(w.tenant("ada").begin_change(t0));
            in_the_middle.give();
            return other_is_done.comes(10s) ? ok() : result<>{fail(errc::internal, "the other waited")};
        });
    }};
    BOOST_TEST(in_the_middle.comes(10s));
    auto const quick = instances.b.write_of("bob", [](store_writer& w) { return w.tenant("bob").begin_change(t0); });
    other_is_done.give();
    first.join();
    must(slow);
    must(quick);
}

BOOST_AUTO_TEST_CASE(a_claim_and_a_count_are_the_same_everywhere) {
    two instances;
    store_replay_guard a{instances.a}, b{instances.b};
    BOOST_TEST(must(a.claim("user ada", "jti", t0 + 60s, t0)));
    BOOST_TEST(!must(b.claim("user ada", "jti", t0 + 60s, t0 + 1s)));
    BOOST_TEST(must(b.claim("user ada", "jti", t0 + 200s, t0 + 61s)));  // the first one is over

    auto const writing = [&](postgres_store& store) { return must(store.write_of("ada", [](store_writer& w) { return w.claim_assertion("user ada", "jti", t0 + 200s, t0 + 61s); })); };
    BOOST_TEST(writing(instances.a));  // what a guard let pass may change something, once
    BOOST_TEST(!writing(instances.b));

    std::atomic<int> firsts = 0;
    side_by_side(4, [&](int n) {
        for (int i = 0; i < 50; ++i) {
            auto const mine = (n % 2 == 0 ? a : b).claim("user ada", "jti" + std::to_string(i), t0 + 160s, t0 + 62s);  // time goes on: what is over is swept
            firsts += mine && *mine;
        }
    });
    BOOST_TEST(firsts == 50);

    store_limiter counts_a{instances.a}, counts_b{instances.b};
    rate const three{"push", 3, 60s};
    for (int i = 0; i < 3; ++i) BOOST_TEST((must((i % 2 == 0 ? counts_a : counts_b).take(three, "p", t0 + 62s)).passes()));
    BOOST_TEST(!must(counts_b.take(three, "p", t0 + 62s)).passes());
}

BOOST_AUTO_TEST_CASE(a_commit_wakes_the_other_instance) {
    if (std::getenv("BSP_TEST_POOLED") != nullptr) return;  // a pooler passes on no notifications; who waits looks every second
    two instances;
    signal woken;
    instances.b.on_commit([&] { woken.give(); });
    // Until the other one listens, nobody tells it anything.
    bool came = false;
    for (int i = 0; i < 50 && !came; ++i) {
        commit(instances.a, head("main"), {message("m")});
        came = woken.comes(200ms);
    }
    BOOST_TEST(came);
    instances.b.on_commit({});
}

BOOST_AUTO_TEST_CASE(a_new_epoch_is_seen_by_instances_that_run) {
    two instances;
    auto const before = instances.a.epoch();
    auto const after = instances.b.renew_epoch();
    BOOST_TEST(after != before);
    auto const until = std::chrono::steady_clock::now() + 10s;
    while (instances.a.epoch() != after && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    BOOST_TEST(instances.a.epoch() == after);
}

BOOST_AUTO_TEST_CASE(lost_connections_are_replaced) {
    desk d;
    postgres_store store{url(), 4};
    commit(store, head("main", 1), {message("m1")});
    d.end_others();
    commit(store, head("main", 2), {message("m2")});  // those that lay idle are found out before they are used

    auto const torn = store.write([&](store_writer& w) -> result<> {
        auto& mine = w.tenant("ada");
        BSP_TRY(instant const at, mine.begin_change(t0));
        d.end_others();
        return mine.put_head(head("main", 3), at);
    });
    BOOST_REQUIRE(!torn.has_value());
    BOOST_TEST((torn.error().code == errc::unavailable));
    BOOST_TEST(reading(store, [](tenant_reader& mine) { return mine.head("main"); })->version == 2);
    commit(store, head("main", 4), {});
    BOOST_TEST(reading(store, [](tenant_reader& mine) { return mine.head("main"); })->version == 4);
}

/// Whoever is in the middle of a transaction and is not heard of again must not keep others from what it holds.
BOOST_AUTO_TEST_CASE(what_a_vanished_instance_held_is_free_again) {
    two instances;
    signal held, free_again;
    auto const vanish_with = [&](result<> done) -> result<> {
        held.give();
        free_again.comes(60s);
        return done;
    };
    auto const write = [](store_writer& w) { return w.tenant("ada").begin_change(t0); };
    auto const claim = [](store_writer& w) { return w.claim_assertion("user bob", "jti", t0 + 60s, t0); };
    result<> written = ok(), claimed = ok();
    std::thread writer{[&] {
        written = instances.a.write_of("ada", [&](store_writer& w) -> result<> {
            BSP_CHECK(write(w));
            return vanish_with(ok());
        });
    }};
    std::thread claimant{[&] {
        claimed = instances.a.write_volatile([&](store_writer& w) -> result<> {
            BSP_CHECK(claim(w));
            return vanish_with(ok());
        });
    }};
    BOOST_TEST(held.comes(10s, 2));
    auto const until = std::chrono::steady_clock::now() + 25s;
    bool others_write = false, others_claim = false;
    while ((!others_write || !others_claim) && std::chrono::steady_clock::now() < until) {
        others_write = others_write || instances.b.write_of("ada", write);
        others_claim = others_claim || instances.b.write_volatile([&](store_writer& w) -> result<> {
            BSP_TRY(bool const is_first, claim(w));
            return is_first ? ok() : result<>{fail(errc::internal, "what was not committed counts")};
        });
    }
    free_again.give();
    writer.join();
    claimant.join();
    BOOST_TEST(others_write);
    BOOST_TEST(others_claim);
    BOOST_TEST(!written);
    BOOST_TEST(!claimed);
}

BOOST_AUTO_TEST_CASE(a_database_that_takes_no_writes_is_not_available) {
    if (std::getenv("BSP_TEST_POOLED") != nullptr) return;  // a pooler hands out the session of the desk, which began before
    desk d;
    postgres_store store{url(), 4};
    must(store.probe());
    std::string const database = d.run("SELECT quote_ident(current_database())");
    d.run(("ALTER DATABASE " + database + " SET default_transaction_read_only = on").c_str());
    d.end_others();
    auto const standing_by = store.probe();
    d.run(("ALTER DATABASE " + database + " RESET default_transaction_read_only").c_str());
    BOOST_REQUIRE(!standing_by.has_value());
    BOOST_TEST((standing_by.error().code == errc::unavailable));
    d.end_others();
    must(store.probe());
}

// Entries that only wait to be links are pruned like others, and what one instance took away is gone for the other.
BOOST_AUTO_TEST_CASE(instances_prune_one_trail) {
    two instances;
    must(instances.a.write([](store_writer& w) -> result<> {
        for (int i = 0; i < 5; ++i) BSP_CHECK(w.append_audit(audited(audit_type::sync_accepted, "p1")));
        return ok();
    }));
    BOOST_TEST(must(instances.b.write([](store_writer& w) { return w.prune_audit(t0 + 24h, 2); })) == 2u);
    auto const begin = must(instances.a.read([](store_reader& r) { return r.audit_begin(); }));
    BOOST_TEST(begin.number == 2u);
    auto const left = must(instances.a.read([](store_reader& r) { return r.audit({}); }));
    BOOST_REQUIRE(left.size() == 3u);
    BOOST_TEST((left.front().hash == chained(begin.hash, entry_text(left.front()))));
}

// Telemetry from before its numbers had columns is summed up, and messages from before their conversations knew the oldest expire.
BOOST_AUTO_TEST_CASE(later_steps_take_in_what_was_kept_before) {
    desk d;
    {
        postgres_store store{url(), 2};
        must(try_commit(store, head("c1"), {message("m1", 1, t0), message("m2", 1, t0 + 1h)}, t0 + 1h, "ada"));
        must(store.write([](store_writer& w) { return w.tenant("ada").put_event({"e1", "p1", "local_1", t0, R"({"latency_ms": 2.5, "cost_usd": null, "text": "\u0000"})"}); }));
    }
    for (char const* back : {"DROP TABLE peer_statistics, sighting, alert_since", "DROP INDEX event_by_receipt", "DROP INDEX peer_with_endpoints", "ALTER TABLE event DROP COLUMN latency_ms, DROP COLUMN cost_usd", "ALTER TABLE conversation DROP COLUMN oldest_s",
                             "DROP INDEX message_dated_ahead", "CREATE INDEX message_by_age ON message (user_id, aged_from)", "UPDATE bsp_schema SET step = 1"})
        d.run(back);
    postgres_store store{url(), 2};
    auto const expired = must(store.read([](store_reader& r) { return r.tenant("ada").expired_messages({t0, t0}, 10); }));
    BOOST_REQUIRE(expired.size() == 1u);
    BOOST_TEST(expired[0].id == "m1");
    auto const sums = must(store.read([](store_reader& r) { return r.telemetry_since(t0); }));
    BOOST_REQUIRE(sums.size() == 1u);
    BOOST_TEST((sums[0] == peer_telemetry{"p1", 1, 1, 2.5, 0}));
}

BOOST_AUTO_TEST_CASE(a_second_active_registration_is_not_stored) {
    desk const empty;
    postgres_store store{url(), 4};
    must(store.write([](store_writer& w) { return w.put_peer(peer("p1")); }));
    auto const second = store.write([](store_writer& w) { return w.put_peer(peer("p2")); });
    BOOST_REQUIRE(!second.has_value());
    BOOST_TEST((second.error().code == errc::unavailable));
    must(store.read([](store_reader& r) -> result<> {
        BOOST_TEST(!must(r.peer("p2")).has_value());
        BOOST_TEST(must(r.peer("p1")).has_value());
        return ok();
    }));
}

BOOST_AUTO_TEST_CASE(more_threads_than_connections_wait_their_turn) {
    desk const empty;
    postgres_store store{url(), 2};
    std::atomic<int> refused = 0;
    side_by_side(12, [&](int n) {
        for (int i = 0; i < 10; ++i) {
            refused += !try_commit(store, head("c" + std::to_string(n)), {message(std::to_string(i))}, t0, "user" + std::to_string(n)).has_value();
            refused += !store.read([&](store_reader& r) { return r.tenant("user" + std::to_string(n)).head("c"); }).has_value();
        }
    });
    BOOST_TEST(refused == 0);
}

BOOST_AUTO_TEST_SUITE_END()
