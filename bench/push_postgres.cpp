// Pushes through handle(), durably on PostgreSQL, beside the least that such a push can be: reading the text, verifying the
// signature, and writing the same octets by COPY into the same table, in one transaction. On the empty database of
// BSP_TEST_POSTGRES; without it nothing is measured:
//
//     tests/support/postgres run build/bench/bench/bsp-bench --benchmark_filter=postgres

#include "world.hpp"

#include <reference_server/storage/registry.hpp>

#include <libpq-fe.h>

#include <endian.h>

#include <cstdlib>
#include <cstring>

namespace {

using namespace bsp;

char const* database() { return std::getenv("BSP_TEST_POSTGRES"); }

/// One for all repetitions: ids of pushes and conversations are not to come again.
bench::world& world_of_all() {
    static bench::world w{server::open_store(database(), {})};
    return w;
}

void push_1000_messages_postgres(benchmark::State& state) {
    if (database() == nullptr) return state.SkipWithError("BSP_TEST_POSTGRES is not set");
    auto& w = world_of_all();
    bench::measure(
        state, [&] { return w.push({bench::conversation(w.fresh_id(), bench::messages(1'000, "m"))}); },
        [&](http_request const& push) { bench::world::accepted(w.send(push)); });
    state.SetItemsProcessed(1'000 * state.iterations());
}
BENCHMARK(push_1000_messages_postgres)->UseManualTime()->Unit(benchmark::kMillisecond);

void push_one_postgres(benchmark::State& state) {
    if (database() == nullptr) return state.SkipWithError("BSP_TEST_POSTGRES is not set");
    auto& w = world_of_all();
    bench::measure(
        state, [&] { return w.push({bench::conversation("main", {bench::message(w.fresh_id())})}); },
        [&](http_request const& push) { bench::world::accepted(w.send(push)); });
}
BENCHMARK(push_one_postgres)->UseManualTime()->Unit(benchmark::kMicrosecond);

/// A row in COPY's binary format.
class copied_row {
public:
    explicit copied_row(std::uint16_t columns) { append(htobe16(columns)); }
    copied_row& text(std::string_view t) {
        append(htobe32(static_cast<std::uint32_t>(t.size())));
        bytes_.append(t);
        return *this;
    }
    copied_row& integer(std::int64_t n) {
        append(htobe32(8));
        append(htobe64(static_cast<std::uint64_t>(n)));
        return *this;
    }
    copied_row& boolean(bool b) { return text(std::string_view{b ? "\1" : "\0", 1}); }
    [[nodiscard]] std::string const& bytes() const { return bytes_; }

private:
    template <class Integer>
    void append(Integer wire) {
        bytes_.append(reinterpret_cast<char const*>(&wire), sizeof wire);
    }
    std::string bytes_;
};

class raw_table {
public:
    raw_table() : db_{PQconnectdb(database()), PQfinish} {}

    void run(char const* sql, ExecStatusType wanted = PGRES_COMMAND_OK) {
        std::unique_ptr<PGresult, void (*)(PGresult*)> const done{PQexec(db_.get(), sql), PQclear};
        if (PQresultStatus(done.get()) != wanted) throw std::runtime_error{PQerrorMessage(db_.get())};
    }
    void copy(std::string const& rows) {
        static constexpr char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
        run("COPY message (user_id, conversation_id, id, version, timestamp_s, timestamp_ns, redacted, deleted, surface, digest, first_received, aged_from, changed_at, body) "
            "FROM STDIN (FORMAT binary)",
            PGRES_COPY_IN);
        PQputCopyData(db_.get(), head, 19);
        PQputCopyData(db_.get(), rows.data(), static_cast<int>(rows.size()));
        PQputCopyData(db_.get(), "\377\377", 2);
        if (PQputCopyEnd(db_.get(), nullptr) != 1) throw std::runtime_error{PQerrorMessage(db_.get())};
        while (PGresult* const done = PQgetResult(db_.get())) {
            bool const ok = PQresultStatus(done) == PGRES_COMMAND_OK;
            PQclear(done);
            if (!ok) throw std::runtime_error{PQerrorMessage(db_.get())};
        }
    }

private:
    std::unique_ptr<PGconn, void (*)(PGconn*)> db_;
};

/// Parse, verify and copy, with everything that lies between them made before.
void push_1000_messages_postgres_floor(benchmark::State& state) {
    if (database() == nullptr) return state.SkipWithError("BSP_TEST_POSTGRES is not set");
    (void)world_of_all();  // makes the table
    raw_table table;
    json::object push{{"sync_id", "sync_1"}, {"timestamp", "2025-12-31T00:00:00Z"}, {"conversations", {bench::conversation("main", bench::messages(1'000, "m"))}}};
    std::string const signed_text = json::canonicalize(push).value();
    bytes const signature = bench::device_key().sign_ps256(signed_text);
    push["signature"] = to_base64(signature);
    std::string const text = json::serialize(push);
    std::vector<std::pair<std::string, std::string>> messages;
    for (int i = 0; i < 1'000; ++i) messages.emplace_back("m" + std::to_string(i), json::canonicalize(bench::message("m" + std::to_string(i))).value());

    static std::int64_t round = 0;
    bench::measure(
        state,
        [&] {
            std::string rows, conversation = "raw-" + std::to_string(++round);
            for (auto const& [id, body] : messages)
                rows += copied_row{14}.text("ada").text(conversation).text(id).integer(1).integer(1'767'139'200).integer(0).boolean(false).boolean(false).text("web").text(std::string(32, 'd'))
                            .integer(round).integer(round).integer(round).text(body).bytes();
            return rows;
        },
        [&](std::string const& rows) {
            benchmark::DoNotOptimize(json::parse(text));
            if (!bench::device_key().public_key().verify_ps256(signed_text, signature)) throw std::runtime_error{"not verified"};
            table.run("BEGIN");
            table.copy(rows);
            table.run("COMMIT");
        });
    state.SetItemsProcessed(1'000 * state.iterations());
}
BENCHMARK(push_1000_messages_postgres_floor)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
