#include "sqlite_backup.hpp"

#include "migrations.hpp"
#include "sqlite.hpp"
#include "sqlite_schema.hpp"

#include <sqlite3.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace bsp::server {
namespace {

namespace fs = std::filesystem;

/// An SQLite file is up to three: pages that were not yet brought to their place are in its log.
constexpr char const* parts[] = {"", "-wal", "-shm"};

std::runtime_error trouble(std::string const& path) { return std::runtime_error{path + " cannot be written: " + std::strerror(errno)}; }

/// Runs `f`; what SQLite says of the file becomes the operator's words.
template <class F>
auto explained(std::string const& path, F&& f) {
    try {
        return f();
    } catch (sqlite::failure const& why) {
        throw explain(path, why);
    }
}

void remove_all(std::string const& path) {
    std::error_code ignored;
    for (char const* part : parts) fs::remove(path + part, ignored);
}

/// A file under this name that goes away unless it is kept.
class draft {
public:
    explicit draft(std::string path) : path_{std::move(path)} { remove_all(path_); }
    ~draft() {
        if (!is_kept_) remove_all(path_);
    }
    draft(draft const&) = delete;
    draft& operator=(draft const&) = delete;

    [[nodiscard]] std::string const& path() const { return path_; }
    /// The draft becomes `path`, whatever happens to the machine.
    void keep_as(std::string const& path) {
        sync(path_, O_RDONLY);
        if (std::rename(path_.c_str(), path.c_str()) != 0) throw trouble(path);
        is_kept_ = true;
        auto const folder = fs::path{path}.parent_path();
        sync(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);
    }

private:
    static void sync(std::string const& path, int flags) {
        int const file = ::open(path.c_str(), flags | O_CLOEXEC);
        bool const done = file >= 0 && ::fsync(file) == 0;
        int const why = errno;
        if (file >= 0) ::close(file);
        errno = why;
        if (!done) throw trouble(path);
    }

    std::string path_;
    bool is_kept_ = false;
};

/// One file without a log beside it.
void copy_file(std::string const& from, std::string const& to) {
    explained(from, [&] {
        if (sqlite::connection{from, sqlite::access::read_write}.query_integer("PRAGMA application_id") != migrations::application_id) throw std::runtime_error{from + " is not a store of bsp-server"};
    });
    explained(to, [&] {
        sqlite::connection source{from, sqlite::access::read_write}, target{to, sqlite::access::create};
        source.copy_to(target);
        target.query_text("PRAGMA journal_mode = DELETE");
    });
}

/// Takes the file from whoever has it open, if that can be told of it, and brings its log to an end.
void insist_on_peace(std::string const& path) {
    try {
        sqlite::connection db{path, sqlite::access::read_write};
        db.execute("PRAGMA busy_timeout = 0");
        db.execute("PRAGMA locking_mode = EXCLUSIVE");
        db.execute("BEGIN EXCLUSIVE; COMMIT");
    } catch (sqlite::failure const& why) {
        if ((why.code & 0xFF) == SQLITE_BUSY) throw std::runtime_error{path + " is in use; stop the server first"};
        // What is damaged is what is to be replaced.
    }
}

std::string move_aside(std::string const& path) {
    auto const now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    std::string aside = path + ".replaced-" + std::to_string(now.count());
    for (int more = 2; fs::exists(aside); ++more) aside = path + ".replaced-" + std::to_string(now.count()) + "-" + std::to_string(more);
    // The log first: a file without it would be opened as one that has lost what was in there.
    for (char const* part : {"-wal", "-shm", ""})
        if (fs::exists(path + part) && std::rename((path + part).c_str(), (aside + part).c_str()) != 0) throw trouble(aside);
    return aside;
}

}  // namespace

sqlite_contents check_sqlite(std::string const& path) {
    if (!fs::exists(path)) throw std::runtime_error{path + " does not exist"};
    return explained(path, [&] {
        // For reading alone SQLite would need a log that is there already.
        sqlite::connection db{path, sqlite::access::read_write};
        if (db.query_integer("PRAGMA application_id") != migrations::application_id) throw std::runtime_error{path + " is not a store of bsp-server"};
        if (std::string const verdict = db.query_text("PRAGMA integrity_check(1)"); verdict != "ok") throw std::runtime_error{path + " is damaged: " + verdict.substr(0, verdict.find('\n'))};
        sqlite_contents held;
        held.epoch = db.query_text("SELECT value FROM meta WHERE name = 'epoch'");
        if (held.epoch.empty()) throw std::runtime_error{path + " is damaged: it has no epoch"};
        held.users = db.query_integer("SELECT count(*) FROM user_clock");
        held.conversations = db.query_integer("SELECT count(*) FROM conversation");
        held.messages = db.query_integer("SELECT count(*) FROM message");
        held.peers = db.query_integer("SELECT count(*) FROM peer");
        held.audit_entries = db.query_integer("SELECT count(*) FROM audit");
        return held;
    });
}

sqlite_contents back_up_sqlite(std::string const& path, std::string const& copy) {
    if (fs::exists(copy)) throw std::runtime_error{copy + " exists already; a backup is never written over another file"};
    draft fresh{copy + ".new"};
    copy_file(path, fresh.path());
    sqlite_contents held = check_sqlite(fresh.path());
    fresh.keep_as(copy);
    return held;
}

restored_sqlite restore_sqlite(std::string const& copy, std::string const& path, std::function<void(std::string const&)> const& accept) {
    check_sqlite(copy);
    draft fresh{path + ".restored"};
    copy_file(copy, fresh.path());
    renew_sqlite_epoch(fresh.path());  // brings the schema up to date, too
    accept(fresh.path());
    restored_sqlite done{check_sqlite(fresh.path()), ""};
    if (fs::exists(path)) insist_on_peace(path);
    if (fs::exists(path) || fs::exists(path + "-wal")) done.replaced = move_aside(path);
    fresh.keep_as(path);
    return done;
}

}  // namespace bsp::server
