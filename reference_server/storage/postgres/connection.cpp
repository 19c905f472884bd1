#include "connection.hpp"

#include <libpq-fe.h>

#include <endian.h>
#include <poll.h>

#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace bsp::server::postgres {
namespace {

// pg_type.dat: these never change.
enum oid : unsigned { bool_oid = 16, bytea_oid = 17, int8_oid = 20, text_oid = 25, float8_oid = 701, bool_array = 1000, bytea_array = 1001, text_array = 1009, int8_array = 1016 };

/// For one answer, or the next part of a long one. Peers wait 30 seconds for theirs (BSP-OFF-016), and are to be told; who waits for another's lock
/// is told after 5 by the database itself. A cut network is found sooner, by `tcp_user_timeout`; one that swallows everything only so.
constexpr std::chrono::seconds answer_patience{20};
constexpr std::chrono::seconds sign_of_life_patience{3};  ///< for an answer that costs nothing

std::string trimmed(char const* message) {
    std::string text = message == nullptr ? "" : message;
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
}

template <class Integer>
void append(std::string& to, Integer big_endian) {
    to.append(reinterpret_cast<char const*>(&big_endian), sizeof big_endian);
}

/// The parameters that every connection has beside those of the URL, which win.
std::string with_defaults(std::string const& url) {
    std::string all = url;
    char separator = url.find('?') == std::string::npos ? '?' : '&';
    for (std::string_view const each : {"connect_timeout=3", "tcp_user_timeout=10000", "keepalives_idle=5", "keepalives_interval=2", "keepalives_count=3", "application_name=bsp-server"}) {
        if (url.find(each.substr(0, each.find('=') + 1)) != std::string::npos) continue;
        all += separator;
        all += each;
        separator = '&';
    }
    return all;
}

unsigned array_type(list::of what) {
    switch (what) {
        case list::of::texts: return text_array;
        case list::of::integers: return int8_array;
        case list::of::booleans: return bool_array;
        case list::of::digests: return bytea_array;
    }
    return 0;
}

unsigned element_type(list::of what) {
    switch (what) {
        case list::of::texts: return text_oid;
        case list::of::integers: return int8_oid;
        case list::of::booleans: return bool_oid;
        case list::of::digests: return bytea_oid;
    }
    return 0;
}

bool needs_escape(std::string_view text) { return text.find('\0') != std::string_view::npos || text.find('\1') != std::string_view::npos; }

std::string escaped(std::string_view text) {
    std::string out;
    for (char const c : text) {
        if (c == '\0') out += "\1\1";
        else if (c == '\1') out += "\1\2";
        else out += c;
    }
    return out;
}

std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\1' && i + 1 < text.size()) out += static_cast<char>(text[++i] - 1);
        else out += text[i];
    }
    return out;
}

}  // namespace

value::value(std::string_view text) : type_{text_oid}, bytes_{text.empty() ? std::string_view{"", 0} : text} {
    if (!needs_escape(text)) return;
    escaped_ = std::make_shared<std::string const>(escaped(text));
    bytes_ = *escaped_;
}
value::value(std::int64_t number) : type_{int8_oid}, own_size_{8}, is_own_{true} {
    std::uint64_t const wire = htobe64(static_cast<std::uint64_t>(number));
    std::memcpy(own_.data(), &wire, sizeof wire);
}
value::value(double number) : type_{float8_oid}, own_size_{8}, is_own_{true} {
    std::uint64_t const wire = htobe64(std::bit_cast<std::uint64_t>(number));
    std::memcpy(own_.data(), &wire, sizeof wire);
}
value::value(bool truth) : type_{bool_oid}, own_size_{1}, is_own_{true} { own_[0] = truth ? 1 : 0; }
value::value(sha256_digest const& digest) : type_{bytea_oid}, bytes_{reinterpret_cast<char const*>(digest.data()), digest.size()} {}
value::value(list const& items) : type_{items.type()}, bytes_{items.bytes()} {}

// int32 dimensions, int32 "has nulls", oid of the elements, int32 length, int32 first index; then int32 size and octets of each.
list::list(of what) : type_{array_type(what)} {
    append(bytes_, htobe32(1));
    append(bytes_, htobe32(0));
    append(bytes_, htobe32(element_type(what)));
    append(bytes_, htobe32(0));
    append(bytes_, htobe32(1));
}
void list::add_bytes(char const* data, std::size_t size) {
    append(bytes_, htobe32(static_cast<std::uint32_t>(size)));
    bytes_.append(data, size);
    std::uint32_t const count = htobe32(static_cast<std::uint32_t>(++count_));
    std::memcpy(bytes_.data() + 12, &count, sizeof count);
}
void list::add(std::string_view text) {
    if (!needs_escape(text)) return add_bytes(text.data(), text.size());
    std::string const kept = escaped(text);
    add_bytes(kept.data(), kept.size());
}
void list::add(std::int64_t number) {
    std::uint64_t const wire = htobe64(static_cast<std::uint64_t>(number));
    add_bytes(reinterpret_cast<char const*>(&wire), sizeof wire);
}
void list::add(bool truth) {
    char const wire = truth ? 1 : 0;
    add_bytes(&wire, 1);
}
void list::add(sha256_digest const& digest) { add_bytes(reinterpret_cast<char const*>(digest.data()), digest.size()); }

rows::rows(pg_result* raw) : raw_{raw, PQclear}, count_{PQntuples(raw)} {}
std::int64_t rows::changes() const {
    std::string_view const text = PQcmdTuples(raw_.get());
    std::int64_t n = 0;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
}
std::string_view rows::did() const { return PQcmdStatus(raw_.get()); }
std::string rows::text(int column) const {
    std::string_view const kept{PQgetvalue(raw_.get(), at_, column), static_cast<std::size_t>(PQgetlength(raw_.get(), at_, column))};
    return kept.find('\1') == std::string_view::npos ? std::string{kept} : unescaped(kept);
}
std::int64_t rows::integer(int column) const {
    std::uint64_t wire = 0;
    if (PQgetlength(raw_.get(), at_, column) != static_cast<int>(sizeof wire)) throw failure{"22000", "a column is not 8 octets"};
    std::memcpy(&wire, PQgetvalue(raw_.get(), at_, column), sizeof wire);
    return static_cast<std::int64_t>(be64toh(wire));
}
double rows::real(int column) const { return std::bit_cast<double>(integer(column)); }
bool rows::boolean(int column) const { return *PQgetvalue(raw_.get(), at_, column) != 0; }
bool rows::is_null(int column) const { return PQgetisnull(raw_.get(), at_, column) != 0; }
sha256_digest rows::digest(int column) const {
    sha256_digest digest{};
    if (PQgetlength(raw_.get(), at_, column) != static_cast<int>(digest.size())) throw failure{"22000", "a digest is not 32 bytes"};
    std::memcpy(digest.data(), PQgetvalue(raw_.get(), at_, column), digest.size());
    return digest;
}

connection::connection(std::string const& url) : raw_{PQconnectdb(with_defaults(url).c_str()), PQfinish}, patience_{answer_patience} {
    if (PQstatus(raw_.get()) != CONNECTION_OK) throw failure{"", trimmed(PQerrorMessage(raw_.get()))};
    PQsetNoticeProcessor(raw_.get(), [](void*, char const*) {}, nullptr);
    if (PQsetnonblocking(raw_.get(), 1) != 0 || PQenterPipelineMode(raw_.get()) != 1) throw failure{"", trimmed(PQerrorMessage(raw_.get()))};
}
connection::~connection() = default;

void connection::send(char const* sql, value const* values, std::size_t count) {
    std::vector<Oid> types(count);
    std::vector<char const*> data(count);
    std::vector<int> sizes(count);
    std::vector<int> const binary(count, 1);
    for (std::size_t i = 0; i < count; ++i) {
        types[i] = values[i].type();
        data[i] = values[i].data();
        sizes[i] = values[i].size();
    }
    if (PQsendQueryParams(raw_.get(), sql, static_cast<int>(count), types.data(), data.data(), sizes.data(), binary.data(), 1) != 1)
        throw failure{"", trimmed(PQerrorMessage(raw_.get()))};
    ++unanswered_;
}

/// An instance that vanishes in the middle must not keep others waiting. Who waits for a lock gives up well before a vanished holder
/// loses it: of those who wait, too, some may have vanished, and one after the other would hold it for nobody. For this transaction
/// only: with a pooler, the next is in another session.
#define WITHIN_BOUNDS "SELECT set_config('idle_in_transaction_session_timeout', '8000', true), set_config('lock_timeout', '5000', true), "

void connection::begin_durable() {
    tell("BEGIN");
    tell(WITHIN_BOUNDS "set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)");
}

void connection::begin_volatile() {
    tell("BEGIN");
    tell(WITHIN_BOUNDS "set_config('synchronous_commit', 'off', true)");
}

/// With a synchronization point: only after one does the database count how long it has been waiting for us.
rows connection::answer() {
    sync();
    for (; unanswered_ > 1; --unanswered_) (void)one_answer();
    --unanswered_;
    rows given = one_answer();
    settle();
    return given;
}

void connection::settle() {
    for (; unanswered_ > 0; --unanswered_) (void)one_answer();
    if (!sync_due_) return;
    sync_due_ = false;
    pg_result* const point = next_result();
    bool const reached = PQresultStatus(point) == PGRES_PIPELINE_SYNC;
    PQclear(point);
    if (!reached) throw failure{"", "the connection is out of step"};
}

void connection::sync() {
    if (PQpipelineSync(raw_.get()) != 1) throw failure{"", trimmed(PQerrorMessage(raw_.get()))};
    sync_due_ = true;
}

std::string connection::end(char const* sql) {
    send(sql, nullptr, 0);
    return std::string{answer().did()};
}

void connection::end_later(char const* sql) {
    send(sql, nullptr, 0);
    sync();
    flush();
}

bool connection::is_usable(bool asks) noexcept {
    patience_ = sign_of_life_patience;
    try {
        settle();
        if (asks) end("SELECT 1");
        patience_ = answer_patience;
        // What a server says unasked is that it goes, or nothing that a new connection would not know as well.
        pollfd look{PQsocket(raw_.get()), POLLIN, 0};
        return ::poll(&look, 1, 0) == 0 && PQstatus(raw_.get()) == CONNECTION_OK;
    } catch (...) {
        return false;
    }
}

void connection::run_script(std::string const& sql) {
    // The extended protocol takes one statement at a time; none of ours has a semicolon within.
    for (std::size_t at = 0; at < sql.size();) {
        std::size_t const end = std::min(sql.find(';', at), sql.size());
        std::string const one = sql.substr(at, end - at);
        at = end + 1;
        if (one.find_first_not_of(" \n") == std::string::npos) continue;
        ask(one.c_str());
    }
}

rows connection::one_answer() {
    rows given{next_result()};
    pg_result* const ended = next_result();  // nothing: the end of one statement's results
    if (ended != nullptr) PQclear(ended);
    return given;
}

pg_result* connection::next_result() {
    flush();
    while (PQisBusy(raw_.get()) != 0) wait_for_input();
    pg_result* const given = PQgetResult(raw_.get());
    if (given == nullptr) return nullptr;
    switch (PQresultStatus(given)) {
        case PGRES_COMMAND_OK:
        case PGRES_TUPLES_OK:
        case PGRES_PIPELINE_SYNC: return given;
        default: break;
    }
    char const* const state = PQresultErrorField(given, PG_DIAG_SQLSTATE);
    failure const why{state == nullptr ? "" : state, trimmed(PQresultErrorMessage(given))};
    PQclear(given);
    throw why;
}

void connection::wait_for_input() {
    auto const until = std::chrono::steady_clock::now() + patience_;
    for (;;) {
        int const unsent = PQflush(raw_.get());
        if (unsent < 0) throw failure{"", trimmed(PQerrorMessage(raw_.get()))};
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0) throw failure{"", "the database does not answer"};
        pollfd look{PQsocket(raw_.get()), static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN), 0};
        int const ready = ::poll(&look, 1, static_cast<int>(left.count()));
        if (ready < 0 && errno != EINTR) throw failure{"", std::strerror(errno)};
        if (ready <= 0 || (look.revents & (POLLIN | POLLERR | POLLHUP)) == 0) continue;
        if (PQconsumeInput(raw_.get()) != 1) throw failure{"", trimmed(PQerrorMessage(raw_.get()))};
        return;
    }
}

void connection::flush() {
    if (PQflush(raw_.get()) < 0) throw failure{"", trimmed(PQerrorMessage(raw_.get()))};
}

std::optional<std::string> connection::notification(std::chrono::milliseconds patience, int woken) {
    auto const take = [&]() -> std::optional<std::string> {
        std::unique_ptr<PGnotify, void (*)(void*)> const told{PQnotifies(raw_.get()), PQfreemem};
        return told ? std::optional<std::string>{told->extra} : std::nullopt;
    };
    if (auto told = take()) return told;
    pollfd look[2] = {{PQsocket(raw_.get()), POLLIN, 0}, {woken, POLLIN, 0}};
    if (::poll(look, 2, static_cast<int>(patience.count())) <= 0 || look[0].revents == 0) return std::nullopt;
    if (PQconsumeInput(raw_.get()) != 1) throw failure{"", trimmed(PQerrorMessage(raw_.get()))};
    return take();
}

std::string without_password(std::string const& url) {
    std::size_t const begin = url.find("://");
    std::size_t const end = url.find_first_of("/?", begin == std::string::npos ? 0 : begin + 3);
    std::size_t const at = url.rfind('@', end);
    std::string shown = url;
    if (begin != std::string::npos && at != std::string::npos && at > begin) {
        std::size_t const colon = url.find(':', begin + 3);
        if (colon < at) shown.erase(colon, at - colon);
    }
    // Whatever else there is in a query may be secret, too.
    return shown.substr(0, shown.find('?'));
}

}  // namespace bsp::server::postgres
