#include "sqlite.hpp"

#include <sqlite3.h>

#include <cstring>

namespace bsp::server::sqlite {
namespace {

constexpr int busy_wait_ms = 5'000;  ///< for another process that writes, such as a backup or a shell

[[noreturn]] void raise(sqlite3* db, int code) {
    throw failure{code, db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code)};
}

}  // namespace

statement::~statement() {
    sqlite3_reset(raw_);
    sqlite3_clear_bindings(raw_);
}

bool statement::step() {
    int const rc = sqlite3_step(raw_);
    if (rc == SQLITE_ROW) return true;
    if (rc == SQLITE_DONE) return false;
    raise(sqlite3_db_handle(raw_), rc);
}

void statement::run() {
    while (step()) {
    }
    sqlite3_reset(raw_);
}

std::string statement::text(int column) const {
    auto const* data = reinterpret_cast<char const*>(sqlite3_column_text(raw_, column));
    return data == nullptr ? std::string{} : std::string{data, static_cast<std::size_t>(sqlite3_column_bytes(raw_, column))};
}

std::int64_t statement::integer(int column) const { return sqlite3_column_int64(raw_, column); }
double statement::real(int column) const { return sqlite3_column_double(raw_, column); }
bool statement::is_null(int column) const { return sqlite3_column_type(raw_, column) == SQLITE_NULL; }

sha256_digest statement::digest(int column) const {
    sha256_digest value{};
    void const* data = sqlite3_column_blob(raw_, column);
    if (data == nullptr || sqlite3_column_bytes(raw_, column) != static_cast<int>(value.size()))
        throw failure{SQLITE_CORRUPT, "a digest is not 32 bytes"};
    std::memcpy(value.data(), data, value.size());
    return value;
}

kept_content statement::content(int column) const {
    if (sqlite3_column_type(raw_, column) != SQLITE_BLOB) return {text(column), false};
    auto const* data = static_cast<char const*>(sqlite3_column_blob(raw_, column));
    return {{data, data + sqlite3_column_bytes(raw_, column)}, true};
}

void statement::bind_one(int at, std::string_view value) {
    // An empty view may have no address, and SQLite would store NULL.
    if (int const rc = sqlite3_bind_text64(raw_, at, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8))
        raise(sqlite3_db_handle(raw_), rc);
}
void statement::bind_one(int at, std::int64_t value) {
    if (int const rc = sqlite3_bind_int64(raw_, at, value)) raise(sqlite3_db_handle(raw_), rc);
}
void statement::bind_one(int at, double value) {
    if (int const rc = sqlite3_bind_double(raw_, at, value)) raise(sqlite3_db_handle(raw_), rc);
}
void statement::bind_one(int at, sha256_digest const& value) {
    if (int const rc = sqlite3_bind_blob64(raw_, at, value.data(), value.size(), SQLITE_STATIC)) raise(sqlite3_db_handle(raw_), rc);
}
void statement::bind_one(int at, content_to_keep const& value) {
    if (!value.is_sealed()) return bind_one(at, value.bytes());
    if (int const rc = sqlite3_bind_blob64(raw_, at, value.bytes().data(), value.bytes().size(), SQLITE_STATIC)) raise(sqlite3_db_handle(raw_), rc);
}
void statement::bind_one(int at, std::nullopt_t) {
    if (int const rc = sqlite3_bind_null(raw_, at)) raise(sqlite3_db_handle(raw_), rc);
}

connection::connection(std::string const& path, access mode) {
    // Its statistics of memory cost a lock at every allocation, and nobody asks for them. Refused once SQLite is in use, which is no harm.
    [[maybe_unused]] static int const without_statistics = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    switch (mode) {
        case access::read_only: flags |= SQLITE_OPEN_READONLY; break;
        case access::read_write: flags |= SQLITE_OPEN_READWRITE; break;
        case access::create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE; break;
    }
    int const rc = sqlite3_open_v2(path.c_str(), &raw_, flags, nullptr);
    if (rc != SQLITE_OK) {
        failure const why{rc, raw_ != nullptr ? sqlite3_errmsg(raw_) : "out of memory"};
        sqlite3_close_v2(raw_);
        throw why;
    }
    sqlite3_busy_timeout(raw_, busy_wait_ms);
}

connection::~connection() {
    for (auto const& entry : prepared_) sqlite3_finalize(entry.second);
    sqlite3_close_v2(raw_);
}

statement connection::prepare(char const* sql) {
    sqlite3_stmt*& cached = prepared_[sql];
    if (cached == nullptr)
        if (int const rc = sqlite3_prepare_v3(raw_, sql, -1, SQLITE_PREPARE_PERSISTENT, &cached, nullptr)) raise(raw_, rc);
    return statement{cached};
}

void connection::execute(std::string const& sql) {
    if (int const rc = sqlite3_exec(raw_, sql.c_str(), nullptr, nullptr, nullptr)) raise(raw_, rc);
}

std::string connection::query_text(std::string const& sql) {
    sqlite3_stmt* raw = nullptr;
    if (int const rc = sqlite3_prepare_v2(raw_, sql.c_str(), -1, &raw, nullptr)) raise(raw_, rc);
    std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> const finalize{raw, sqlite3_finalize};
    statement s{raw};
    return s.step() ? s.text(0) : std::string{};
}

std::int64_t connection::query_integer(std::string const& sql) {
    std::string const text = query_text(sql);
    return text.empty() ? 0 : std::stoll(text);
}

void connection::copy_to(connection& target) {
    sqlite3_backup* const copying = sqlite3_backup_init(target.raw_, "main", raw_, "main");
    if (copying == nullptr) raise(target.raw_, sqlite3_extended_errcode(target.raw_));
    int const rc = sqlite3_backup_step(copying, -1);
    sqlite3_backup_finish(copying);
    if (rc != SQLITE_DONE) raise(nullptr, rc);
}

std::int64_t connection::changes() const { return sqlite3_changes64(raw_); }
bool connection::in_transaction() const { return sqlite3_get_autocommit(raw_) == 0; }

}  // namespace bsp::server::sqlite
