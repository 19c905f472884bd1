#pragma once

#include "columns.hpp"
#include "kept_content.hpp"

#include <bsp/base/bytes.hpp>
#include <bsp/base/instant.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

/// A thin, typed skin over SQLite's C interface: connections with a statement cache, statements with
/// typed parameters and columns, errors as exceptions that never leave `storage/`.
namespace bsp::server::sqlite {

struct failure : std::runtime_error {
    failure(int result_code, std::string const& what) : std::runtime_error{what}, code{result_code} {}
    int code;  ///< SQLite's extended result code
};

using server::from_nanoseconds;
using server::to_nanoseconds;

/// A prepared statement while it is used: bound in order, stepped, reset at the end of its scope.
class statement {
public:
    explicit statement(sqlite3_stmt* raw) : raw_{raw} {}
    ~statement();
    statement(statement const&) = delete;
    statement& operator=(statement const&) = delete;

    /// Binds the parameters ?1, ?2, … in order. Texts must outlive the statement.
    template <class... Values>
    statement& bind(Values const&... values) {
        int at = 0;
        (bind_one(++at, values), ...);
        return *this;
    }

    /// The next row; false after the last one.
    bool step();
    /// Runs a statement that gives no rows, and makes it ready to be bound again.
    void run();

    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] double real(int column) const;
    [[nodiscard]] bool boolean(int column) const { return integer(column) != 0; }
    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] sha256_digest digest(int column) const;
    /// A text, or a blob, which is sealed.
    [[nodiscard]] kept_content content(int column) const;
    /// An instant kept exactly, in two columns: seconds, nanoseconds.
    [[nodiscard]] instant exact_instant(int column) const {
        return {integer(column), static_cast<std::uint32_t>(integer(column + 1))};
    }

private:
    void bind_one(int at, std::string_view value);
    void bind_one(int at, std::string const& value) { bind_one(at, std::string_view{value}); }
    void bind_one(int at, char const* value) { bind_one(at, std::string_view{value}); }
    void bind_one(int at, std::int64_t value);
    void bind_one(int at, double value);
    void bind_one(int at, std::uint32_t value) { bind_one(at, static_cast<std::int64_t>(value)); }
    void bind_one(int at, std::size_t value) { bind_one(at, static_cast<std::int64_t>(value)); }
    void bind_one(int at, bool value) { bind_one(at, static_cast<std::int64_t>(value)); }
    void bind_one(int at, sha256_digest const& value);
    void bind_one(int at, content_to_keep const& value);
    void bind_one(int at, std::nullopt_t);
    template <class T>
    void bind_one(int at, std::optional<T> const& value) {
        if (value) bind_one(at, *value);
        else bind_one(at, std::nullopt);
    }

    sqlite3_stmt* raw_;
};

enum class access : std::uint8_t { read_only, read_write, create };

/// One connection; used by one thread at a time.
class connection {
public:
    connection(std::string const& path, access mode);
    ~connection();
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;

    /// The statement for `sql`, prepared once. `sql` must be a literal: it is remembered by address.
    statement prepare(char const* sql);
    /// Runs statements without parameters, not cached.
    void execute(std::string const& sql);
    /// The first column of the first row, not cached.
    std::string query_text(std::string const& sql);
    std::int64_t query_integer(std::string const& sql);

    /// All pages as they are at one moment, in the place of whatever `target` has.
    void copy_to(connection& target);

    /// Rows changed by the last statement.
    [[nodiscard]] std::int64_t changes() const;
    /// Whether a transaction is open; SQLite ends one by itself after some errors.
    [[nodiscard]] bool in_transaction() const;

private:
    sqlite3* raw_ = nullptr;
    std::unordered_map<char const*, sqlite3_stmt*> prepared_;
};

}  // namespace bsp::server::sqlite
