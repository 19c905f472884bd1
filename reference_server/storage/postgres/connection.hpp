#pragma once

#include <bsp/base/bytes.hpp>
#include <bsp/base/instant.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

/// A thin, typed skin over libpq in pipeline mode: values go and come in binary, what needs no answer is not waited for,
/// errors are exceptions that never leave `storage/`. No statement has a name, so a pooler that gives every transaction
/// another session is in nobody's way (spec/decisions/0030).
namespace bsp::server::postgres {

struct failure : std::runtime_error {
    failure(std::string sqlstate, std::string const& what) : std::runtime_error{what}, state{std::move(sqlstate)} {}
    std::string state;  ///< SQLSTATE; "" when the connection failed
};

/// A parameter, in the binary form of its type. Refers to the text it was made from. Texts of PostgreSQL have no NUL: it is
/// written as 01 01, and 01, which is as rare, as 01 02, in an order that stays what it was.
class value {
public:
    value(std::string_view text);
    value(std::string const& text) : value{std::string_view{text}} {}
    value(char const* text) : value{std::string_view{text}} {}
    value(std::int64_t number);
    value(std::uint32_t number) : value{static_cast<std::int64_t>(number)} {}
    value(std::size_t number) : value{static_cast<std::int64_t>(number)} {}
    value(double number);
    value(bool truth);
    value(sha256_digest const& digest);
    /// A list, as `list` makes it.
    value(class list const& items);
    template <class T>
    value(std::optional<T> const& given) : value{given ? value{*given} : value{T{}}} {
        is_null_ = !given;
    }

    [[nodiscard]] unsigned type() const { return type_; }
    [[nodiscard]] char const* data() const { return is_null_ ? nullptr : is_own_ ? own_.data() : bytes_.data(); }
    [[nodiscard]] int size() const { return static_cast<int>(is_own_ ? own_size_ : bytes_.size()); }

private:
    unsigned type_ = 0;
    std::shared_ptr<std::string const> escaped_;
    std::string_view bytes_;
    std::array<char, 8> own_{};
    std::size_t own_size_ = 0;
    bool is_own_ = false;
    bool is_null_ = false;
};

/// An array parameter: the rows of one column, all of one type.
class list {
public:
    enum class of : std::uint8_t { texts, integers, booleans, digests };
    explicit list(of what);

    void add(std::string_view text);
    void add(std::int64_t number);
    void add(bool truth);
    void add(sha256_digest const& digest);

    [[nodiscard]] unsigned type() const { return type_; }
    [[nodiscard]] std::string const& bytes() const { return bytes_; }

private:
    void add_bytes(char const* data, std::size_t size);

    unsigned type_;
    std::int32_t count_ = 0;
    std::string bytes_;
};

/// What a statement gave, row by row.
class rows {
public:
    explicit rows(pg_result* raw);

    /// The next row; false after the last one.
    bool step() { return ++at_ < count_; }
    [[nodiscard]] int count() const { return count_; }
    /// Rows that the statement changed.
    [[nodiscard]] std::int64_t changes() const;
    /// The statement, as the server names what it did.
    [[nodiscard]] std::string_view did() const;

    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] double real(int column) const;
    [[nodiscard]] std::optional<double> real_if_any(int column) const { return is_null(column) ? std::nullopt : std::optional{real(column)}; }
    [[nodiscard]] bool boolean(int column) const;
    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] sha256_digest digest(int column) const;
    /// An instant kept exactly, in two columns: seconds, nanoseconds.
    [[nodiscard]] instant exact_instant(int column) const { return {integer(column), static_cast<std::uint32_t>(integer(column + 1))}; }

private:
    std::shared_ptr<pg_result> raw_;
    int at_ = -1;
    int count_ = 0;
};

/// One connection; used by one thread at a time. After a failure it is of no more use.
class connection {
public:
    /// Throws `failure` when there is no connection within some seconds.
    explicit connection(std::string const& url);
    ~connection();
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;

    /// Sends a statement whose answer is not waited for. That it failed is told by the next `ask` or `settle`.
    template <class... Values>
    void tell(char const* sql, Values const&... values) {
        std::array<value, sizeof...(Values)> const given{value{values}...};
        send(sql, given.data(), given.size());
    }
    /// Sends a statement and waits for its answer, and for those of all that was told before.
    template <class... Values>
    rows ask(char const* sql, Values const&... values) {
        std::array<value, sizeof...(Values)> const given{value{values}...};
        send(sql, given.data(), given.size());
        return answer();
    }

    /// Begins a transaction that writes: what it acknowledges is on the disk, whatever the database does by default.
    void begin_durable();
    /// The same for what may be lost with the machine.
    void begin_volatile();
    /// Ends a transaction by `sql` and waits until that is done; what it did.
    std::string end(char const* sql);
    /// The same without waiting: the answers are read when the connection is used again.
    void end_later(char const* sql);
    /// Reads answers that `end_later` left and, with `asks`, has the database answer anew, all within some seconds. False when the
    /// connection is of no use any more.
    bool is_usable(bool asks) noexcept;

    /// Several statements without parameters, in a transaction that is open; waits for them.
    void run_script(std::string const& sql);

    /// The payload of a notification that came, if one has; waits up to `patience`, or until `woken` can be read.
    std::optional<std::string> notification(std::chrono::milliseconds patience, int woken);

private:
    void send(char const* sql, value const* values, std::size_t count);
    rows answer();
    void settle();
    void sync();
    rows one_answer();
    pg_result* next_result();
    void wait_for_input();
    void flush();

    std::unique_ptr<pg_conn, void (*)(pg_conn*)> raw_;
    std::chrono::seconds patience_;
    int unanswered_ = 0;     ///< statements
    bool sync_due_ = false;  ///< the last of them is followed by a synchronization point
};

/// `url` without its password, for people.
std::string without_password(std::string const& url);

}  // namespace bsp::server::postgres
