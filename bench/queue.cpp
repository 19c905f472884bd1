#include "world.hpp"

#include <bsp/policy/sync_ledger.hpp>
#include <reference_server/storage/registry.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <vector>

/// The queue of telemetry: an event queued durably, beside the least that makes a row durable.
namespace bsp::bench {
namespace {

std::string const event_text(250, 'e');

/// p50 and p99 of what `once(n)` takes, in microseconds, as counters.
template <class F>
void time_each(benchmark::State& state, F once) {
    std::vector<double> times;
    for (auto _ : state) {
        auto const begin = std::chrono::steady_clock::now();
        once(times.size());
        times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    }
    std::ranges::sort(times);
    state.counters["p50_us"] = times[times.size() / 2];
    state.counters["p99_us"] = times[times.size() * 99 / 100];
}

/// One row, one commit.
void queue_floor(benchmark::State& state) {
    scratch_folder const folder;
    sqlite3* db = nullptr;
    sqlite3_stmt* insert = nullptr;
    auto const must = [&](int code) {
        if (code != SQLITE_OK) throw std::runtime_error{sqlite3_errmsg(db)};
    };
    must(sqlite3_open(folder.file("raw").c_str(), &db));
    for (char const* sql : {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "CREATE TABLE queue (number INTEGER PRIMARY KEY, body TEXT)"})
        must(sqlite3_exec(db, sql, nullptr, nullptr, nullptr));
    must(sqlite3_prepare_v2(db, "INSERT INTO queue (body) VALUES (?1)", -1, &insert, nullptr));
    time_each(state, [&](std::size_t) {
        sqlite3_bind_text(insert, 1, event_text.data(), static_cast<int>(event_text.size()), SQLITE_STATIC);
        if (sqlite3_step(insert) != SQLITE_DONE) throw std::runtime_error{sqlite3_errmsg(db)};
        sqlite3_reset(insert);
    });
    sqlite3_finalize(insert);
    sqlite3_close(db);
}

/// An event into the queue of a peer, and the one before it out, as when it is acknowledged; with so many waiting.
void queue_event(benchmark::State& state) {
    scratch_folder const folder;
    auto const store = server::open_store("sqlite", folder.file(""));
    auto const ledger = server::open_ledger(*store);
    auto const waiting = static_cast<std::size_t>(state.range(0));
    auto const id = [](std::size_t n) { return "evt_" + std::to_string(n); };
    auto const append = [&](std::size_t n) {
        if (!ledger->append("peer_1", {0, id(n), event_text, {}}, 0)) throw std::runtime_error{"the queue refuses"};
    };
    for (std::size_t n = 0; n < waiting; ++n) append(n);
    time_each(state, [&](std::size_t n) {
        append(waiting + n);
        if (!ledger->remove_event("peer_1", id(n))) throw std::runtime_error{"the queue keeps what was acknowledged"};
    });
}

BENCHMARK(queue_floor)->UseRealTime();
BENCHMARK(queue_event)->Arg(1)->Arg(1'000)->UseRealTime();

}  // namespace
}  // namespace bsp::bench
