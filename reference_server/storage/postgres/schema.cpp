#include "schema.hpp"

#include "migrations.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>

#include <spdlog/spdlog.h>

#include <array>
#include <stdexcept>

namespace bsp::server::postgres {
namespace {

constexpr std::int64_t schema_lock = 0x42535001;  ///< "BSP" and a number of ours; see views.hpp for the others

template <std::size_t Bytes>
std::string random_text() {
    std::array<std::uint8_t, Bytes> bytes{};
    random_bytes(bytes);
    return to_hex(bytes);
}

std::string setting(connection& db, char const* name) {
    auto row = db.ask("SELECT current_setting($1)", name);
    row.step();
    return row.text(0);
}

std::string fact(connection& db, char const* name) {
    auto row = db.ask("SELECT value FROM meta WHERE name = $1", name);
    if (!row.step()) throw std::runtime_error{std::string{"the database is damaged: it has no "} + name};
    return row.text(0);
}

std::int64_t found_step(connection& db) {
    auto row = db.ask("SELECT step FROM bsp_schema");
    return row.step() ? row.integer(0) : 0;
}

void migrate(connection& db, std::string const& shown_url) {
    db.ask("CREATE TABLE IF NOT EXISTS bsp_schema (one boolean PRIMARY KEY CHECK (one), step bigint NOT NULL)");
    auto const known = static_cast<std::int64_t>(migrations::steps.size());
    std::int64_t const found = found_step(db);
    if (found > known)
        throw std::runtime_error{shown_url + " has schema " + std::to_string(found) + ", written by a newer version; this one knows up to " + std::to_string(known)};
    for (std::int64_t step = found; step < known; ++step) db.run_script(migrations::steps[static_cast<std::size_t>(step)]);
    if (found == known) return;
    db.ask("INSERT INTO bsp_schema VALUES (true, $1) ON CONFLICT (one) DO UPDATE SET step = excluded.step", known);
    for (auto const& [name, text] : {std::pair{"epoch", random_text<16>()}, {"audit_key", random_text<32>()}, {"departed_key", random_text<32>()}})
        db.ask("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", name, text);
}

}  // namespace

facts prepare(connection& db, std::string const& shown_url) {
    db.tell("BEGIN");
    db.tell("SELECT pg_advisory_xact_lock($1)", schema_lock);
    if (setting(db, "server_encoding") != "UTF8") throw std::runtime_error{shown_url + " must be a database with the encoding UTF8"};
    if (setting(db, "fsync") != "on") spdlog::warn("{} runs with fsync off: what is acknowledged may be lost with the machine", shown_url);
    migrate(db, shown_url);
    facts known{fact(db, "epoch"), fact(db, "audit_key"), fact(db, "departed_key")};
    if (db.end("COMMIT") != "COMMIT") throw std::runtime_error{shown_url + ": the schema could not be committed"};
    return known;
}

std::string read_epoch(connection& db) {
    db.tell("BEGIN READ ONLY");
    std::string epoch = fact(db, "epoch");
    db.end("COMMIT");
    return epoch;
}

std::string renew_epoch(connection& db) {
    std::string epoch = random_text<16>();
    db.begin_durable();
    db.ask("UPDATE meta SET value = $1 WHERE name = 'epoch'", epoch);
    if (db.end("COMMIT") != "COMMIT") throw std::runtime_error{"the epoch could not be committed"};
    return epoch;
}

void claim(connection& db, std::string const& backend_id, std::string const& shown_url) {
    db.begin_durable();
    db.tell("INSERT INTO meta (name, value) VALUES ('backend_id', $1) ON CONFLICT DO NOTHING", backend_id);
    std::string const owner = fact(db, "backend_id");
    if (db.end("COMMIT") != "COMMIT") throw std::runtime_error{shown_url + " could not be claimed"};
    if (owner != backend_id)
        throw std::runtime_error{shown_url + " is the store of " + owner + ", and this is " + backend_id + ": instances of one database share identity.json and the key"};
}

}  // namespace bsp::server::postgres
