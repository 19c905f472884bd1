// Pushes through handle(), on memory and durably on SQLite, beside the least that a durable push can be:
// reading the text, verifying the signature, writing the same octets in one synced transaction.

#include "world.hpp"

#include <reference_server/storage/migrations.hpp>

#include <sqlite3.h>
#include <map>

namespace {

using namespace bsp;
using bench::kind;

void push_1000_messages(benchmark::State& state, kind k) {
    bench::world w{k};
    bench::measure(
        state, [&] { return w.push({bench::conversation(w.fresh_id(), bench::messages(1'000, "m"))}); },
        [&](http_request const& push) { bench::world::accepted(w.send(push)); });
    state.SetItemsProcessed(1'000 * state.iterations());
}
BENCHMARK_CAPTURE(push_1000_messages, memory, kind::memory)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(push_1000_messages, sqlite, kind::sqlite)->UseManualTime()->Unit(benchmark::kMillisecond);

/// SQLite by hand, with the server's own tables.
class raw_table {
public:
    raw_table() {
        must(sqlite3_open(folder_.file("raw").c_str(), &db_));
        run("PRAGMA page_size = 8192");
        run("PRAGMA journal_mode = WAL");
        run("PRAGMA synchronous = FULL");
        for (char const* step : server::migrations::steps) run(step);
        must(sqlite3_prepare_v2(db_,
                                "INSERT INTO message (user_id, conversation, id, version, timestamp_s, timestamp_ns, redacted, deleted, "
                                "surface, digest, changed_at, first_received, body) "
                                "VALUES ('ada', ?1, ?2, 1, 1767139200, 0, 0, 0, 'web', ?3, ?4, ?4, ?5)",
                                -1, &insert_, nullptr));
    }
    ~raw_table() {
        sqlite3_finalize(insert_);
        sqlite3_close(db_);
    }
    raw_table(raw_table const&) = delete;
    raw_table& operator=(raw_table const&) = delete;

    void run(char const* sql) { must(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr)); }

    void insert(std::int64_t conversation, std::string const& id, std::int64_t changed_at, std::string const& body) {
        static constexpr sha256_digest digest{};
        sqlite3_bind_int64(insert_, 1, conversation);
        sqlite3_bind_text(insert_, 2, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
        sqlite3_bind_blob(insert_, 3, digest.data(), static_cast<int>(digest.size()), SQLITE_STATIC);
        sqlite3_bind_int64(insert_, 4, changed_at);
        sqlite3_bind_text(insert_, 5, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
        if (sqlite3_step(insert_) != SQLITE_DONE) throw std::runtime_error{sqlite3_errmsg(db_)};
        sqlite3_reset(insert_);
    }

private:
    void must(int result_code) const {
        if (result_code != SQLITE_OK) throw std::runtime_error{sqlite3_errmsg(db_)};
    }

    bench::scratch_folder folder_;
    sqlite3* db_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
};

/// Parse, verify and insert. To verify a signature takes the canonical text of what was received; where that is not made, it was made before.
void push_1000_messages_floor(benchmark::State& state, bool makes_canonical_text) {
    raw_table table;
    json::object push{{"sync_id", "sync_1"},
                      {"timestamp", "2025-12-31T00:00:00Z"},
                      {"conversations", {bench::conversation("main", bench::messages(1'000, "m"))}}};
    std::string const signed_text = json::canonicalize(push).value();
    bytes const signature = bench::device_key().sign_ps256(signed_text);
    push["signature"] = to_base64(signature);
    std::string const text = json::serialize(push);
    std::vector<std::pair<std::string, std::string>> rows;
    for (int i = 0; i < 1'000; ++i)
        rows.emplace_back("m" + std::to_string(i), json::canonicalize(bench::message("m" + std::to_string(i))).value());

    std::int64_t round = 0;
    bench::measure(
        state, [&] { return ++round; },
        [&](std::int64_t conversation) {
            auto const received = json::parse(text).value();
            bool const verified = makes_canonical_text ? verify_object(received.get_object(), "signature", bench::device_key().public_key()).has_value()
                                                       : bench::device_key().public_key().verify_ps256(signed_text, signature);
            if (!verified) throw std::runtime_error{"not verified"};
            table.run("BEGIN IMMEDIATE");
            for (auto const& [id, body] : rows) table.insert(conversation, id, conversation, body);
            table.run("COMMIT");
        });
    state.SetItemsProcessed(1'000 * state.iterations());
}
BENCHMARK_CAPTURE(push_1000_messages_floor, text_made_before, false)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(push_1000_messages_floor, canonical, true)->UseManualTime()->Unit(benchmark::kMillisecond);

/// One message more, whatever is there: the time must not depend on it.
void push_one_into(benchmark::State& state, kind k) {
    static std::map<std::pair<kind, std::int64_t>, std::unique_ptr<bench::world>> worlds;  // filled once, for all repetitions
    auto& w = worlds[{k, state.range(0)}];
    if (!w) {
        w = std::make_unique<bench::world>(k);
        w->fill("main", static_cast<std::size_t>(state.range(0)));
    }
    bench::measure(
        state, [&] { return w->push({bench::conversation("main", {bench::message(w->fresh_id())})}); },
        [&](http_request const& push) { bench::world::accepted(w->send(push)); });
}
BENCHMARK_CAPTURE(push_one_into, memory, kind::memory)->Arg(10)->Arg(1'000)->Arg(100'000)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(push_one_into, sqlite, kind::sqlite)->Arg(10)->Arg(1'000)->Arg(100'000)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
