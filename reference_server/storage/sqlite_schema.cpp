#include "sqlite_schema.hpp"

#include "migrations.hpp"
#include "sqlite.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>

#include <sqlite3.h>

#include <filesystem>
#include <stdexcept>

namespace bsp::server {
namespace {

/// Above this size a check of every page would delay the start; damage then shows when it is read.
constexpr std::uintmax_t checked_bytes_max = 64u << 20;

std::string random_epoch() {
    std::array<std::uint8_t, 16> bytes{};
    random_bytes(bytes);
    return to_hex(bytes);
}

void migrate(sqlite::connection& db, std::string const& path) {
    auto const known = static_cast<std::int64_t>(migrations::steps.size());
    std::int64_t const found = db.query_integer("PRAGMA user_version");
    if (found > known)
        throw std::runtime_error{path + " has schema " + std::to_string(found) + ", written by a newer version; this one knows up to " +
                                 std::to_string(known)};
    for (std::int64_t step = found; step < known; ++step) {
        db.execute("BEGIN IMMEDIATE");
        // Another process may have taken this step while we waited.
        if (db.query_integer("PRAGMA user_version") == step) {
            db.execute(migrations::steps[static_cast<std::size_t>(step)]);
            db.execute("PRAGMA user_version = " + std::to_string(step + 1));
            if (step == 0) {
                db.execute("PRAGMA application_id = " + std::to_string(migrations::application_id));
                db.execute("INSERT INTO meta (name, value) VALUES ('epoch', '" + random_epoch() + "')");
            }
        }
        db.execute("COMMIT");
    }
}

std::string prepare(std::string const& path) {
    namespace fs = std::filesystem;
    std::error_code ec;
    bool const exists = fs::exists(path, ec);
    std::uintmax_t const bytes = exists ? fs::file_size(path, ec) : 0;
    if (ec) throw std::runtime_error{path + ": " + ec.message()};
    if (exists && bytes == 0) throw std::runtime_error{path + " is empty, although it was a database once; restore it, or move it away to begin anew"};

    sqlite::connection db{path, exists ? sqlite::access::read_write : sqlite::access::create};
    if (exists) {
        bool const ours = db.query_integer("PRAGMA application_id") == migrations::application_id;
        if (!ours) throw std::runtime_error{path + " is a database of another program"};
        if (bytes <= checked_bytes_max)
            if (std::string const verdict = db.query_text("PRAGMA quick_check(1)"); verdict != "ok")
                throw std::runtime_error{path + " is damaged: " + verdict.substr(0, verdict.find('\n'))};
    } else {
        db.execute("PRAGMA page_size = 8192");
    }
    db.query_text("PRAGMA journal_mode = WAL");
    db.execute("PRAGMA secure_delete = ON");  // a migration leaves nothing behind either
    migrate(db, path);
    std::string epoch = db.query_text("SELECT value FROM meta WHERE name = 'epoch'");
    if (epoch.empty()) throw std::runtime_error{path + " is damaged: it has no epoch"};
    return epoch;
}

/// Has the file for itself, so no server goes on answering with the old epoch.
std::string renew_epoch(std::string const& path) {
    sqlite::connection db{path, sqlite::access::read_write};
    db.execute("PRAGMA busy_timeout = 0");
    db.execute("PRAGMA locking_mode = EXCLUSIVE");
    std::string epoch = random_epoch();
    db.execute("BEGIN EXCLUSIVE; UPDATE meta SET value = '" + epoch + "' WHERE name = 'epoch'; COMMIT");
    return epoch;
}

std::string explained(std::string (*f)(std::string const&), std::string const& path) {
    try {
        return f(path);
    } catch (sqlite::failure const& why) {
        throw explain(path, why);
    }
}

}  // namespace

std::runtime_error explain(std::string const& path, sqlite::failure const& why) {
    switch (why.code & 0xFF) {
        case SQLITE_NOTADB: return std::runtime_error{path + " is not an SQLite database"};
        case SQLITE_CORRUPT: return std::runtime_error{path + " is damaged: " + why.what()};
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM: return std::runtime_error{path + " cannot be opened for writing: " + why.what()};
        case SQLITE_BUSY: return std::runtime_error{path + " is in use by another program"};
        default: return std::runtime_error{path + ": " + why.what()};
    }
}

std::string prepare_sqlite_file(std::string const& path) { return explained(prepare, path); }

std::string renew_sqlite_epoch(std::string const& path) {
    if (!std::filesystem::exists(path)) throw std::runtime_error{path + " does not exist"};
    prepare_sqlite_file(path);
    return explained(renew_epoch, path);
}

}  // namespace bsp::server
