#include "sqlite_store.hpp"

#include "sqlite_content.hpp"
#include "sqlite_guard.hpp"
#include "sqlite_schema.hpp"
#include "sqlite_views.hpp"

#include "../log.hpp"

#include <spdlog/spdlog.h>

#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace bsp::server {
namespace {

/// Tells files apart; 0 when there is none.
std::uint64_t number_of(std::string const& path) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

error unavailable() { return fail(errc::unavailable, "storage is not available"); }

}  // namespace

/// The one thread that writes.
class sqlite_store::writer {
public:
    writer(std::string const& path, content_codec const& content) : db_{path, sqlite::access::read_write}, content_{content} {
        // FULL syncs the log at every commit: what was answered survives the loss of power, not only of the process.
        db_.execute("PRAGMA synchronous = FULL");
        db_.execute("PRAGMA secure_delete = ON");  // what is removed is overwritten with zeros
        // From its first read on, a connection keeps others from having the file for themselves.
        db_.query_integer("PRAGMA user_version");
        thread_ = std::thread{[this] { work(); }};
    }

    ~writer() {
        {
            std::lock_guard const lock{mutex_};
            stopping_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }

    result<> run(std::function<result<>(store_writer&)> const& f) {
        job mine{f, {}, current_request_id()};
        auto const begun = std::chrono::steady_clock::now();
        auto answer = mine.answer.get_future();
        {
            std::lock_guard const lock{mutex_};
            waiting_.push_back(&mine);
        }
        wake_.notify_one();
        result<> outcome = answer.get();
        spdlog::debug("the store {} a change after {:.2f} ms", outcome ? "has committed" : "has refused",
                      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count());
        return outcome;
    }

    /// Whether writes succeed, as the last of them tells. While they fail, somebody has to try: this does, once in a while.
    result<> probe() {
        if (!is_failing_) return ok();
        if (std::chrono::steady_clock::now() < next_try_.load()) return unavailable();
        next_try_ = std::chrono::steady_clock::now() + try_every;
        return run([](store_writer& w) -> result<> {
            auto& session = static_cast<sqlite_transaction&>(w).session();
            return guarded(session, [&]() -> result<> {
                session.db.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('tried', hex(randomblob(8)))").run();
                return ok();
            });
        });
    }

private:
    struct job {
        std::function<result<>(store_writer&)> const& f;
        std::promise<result<>> answer;
        std::string request_id;  ///< for the log
    };

    struct done {
        job* who;
        result<> outcome;
    };

    /// A group ends after this time, so that the first of it need not wait for ever more to come.
    static constexpr std::chrono::milliseconds group_time_max{20};
    static constexpr std::chrono::milliseconds log_retry{200};
    static constexpr std::chrono::seconds try_every{1};
    /// Who has failed to get the file within SQLite's patience is not waited for so long again.
    static constexpr char const* patient = "PRAGMA busy_timeout = 5000";
    static constexpr char const* impatient = "PRAGMA busy_timeout = 100";

    void work() {
        while (job* first = wait()) {
            std::vector<done> group;
            failed_ = false;
            bool const committed = run_group(first, group);
            if (!committed) fail_waiting(group);
            settle_failing(failed_ || !committed);
            if (committed && removed_) empty_log();
            for (auto& member : group) member.who->answer.set_value(committed ? std::move(member.outcome) : result<>{unavailable()});
        }
    }

    job* wait() {
        std::unique_lock lock{mutex_};
        auto const due = [&] { return stopping_ || !waiting_.empty(); };
        while (removed_ && !wake_.wait_for(lock, log_retry, due)) {
            lock.unlock();
            empty_log();
            lock.lock();
        }
        wake_.wait(lock, due);
        return take();
    }

    /// Brings all pages of the log to their place and cuts it off, so that what was removed is not found there either.
    /// As long as somebody reads an older state this has to wait.
    void empty_log() {
        try {
            removed_ = db_.query_integer("PRAGMA wal_checkpoint(TRUNCATE)") != 0;
        } catch (std::exception const& why) {
            spdlog::warn("the log of the store could not be emptied yet: {}", why.what());
        }
    }

    job* next() {
        std::lock_guard const lock{mutex_};
        return take();
    }

    job* take() {
        if (waiting_.empty()) return nullptr;
        job* const front = waiting_.front();
        waiting_.pop_front();
        return front;
    }

    /// Whoever waits for a file that another process holds, or for a disk that is full, would wait once more for each in front of him.
    void fail_waiting(std::vector<done>& group) {
        while (job* const one = next()) group.push_back({one, unavailable()});
    }

    void settle_failing(bool failed) {
        if (is_failing_.exchange(failed) == failed) return;
        try {
            db_.execute(failed ? impatient : patient);
        } catch (std::exception const& why) {
            spdlog::warn("the store's patience stays as it was: {}", why.what());
        }
        if (!failed) spdlog::info("the store takes writes again");
    }

    bool run_group(job* first, std::vector<done>& group) {
        try {
            auto const until = std::chrono::steady_clock::now() + group_time_max;
            bool begun = false;
            for (job* member = first; member != nullptr;) {
                group.push_back({member, unavailable()});
                if (!begun) db_.execute("BEGIN IMMEDIATE");
                begun = true;
                group.back().outcome = run_one(*member);
                member = std::chrono::steady_clock::now() < until ? next() : nullptr;
            }
            db_.execute("COMMIT");
            return true;
        } catch (std::exception const& why) {
            spdlog::error("storage failed: {}", why.what());
            try {
                if (db_.in_transaction()) db_.execute("ROLLBACK");
            } catch (std::exception const&) {
                // SQLite has rolled back by itself, or the next BEGIN will say what is wrong.
            }
            return false;
        }
    }

    /// Throws when the whole group is lost.
    result<> run_one(job& member) {
        request_scope const scope{member.request_id};
        db_.prepare("SAVEPOINT one").run();
        sqlite_session session{db_, content_};
        result<> outcome = unavailable();
        {
            sqlite_transaction transaction{session};
            try {
                outcome = member.f(transaction);
            } catch (std::exception const& why) {
                spdlog::error("a transaction was abandoned: {}", why.what());
                outcome = fail(errc::internal, "");
            }
        }
        if (session.failed) outcome = unavailable();
        failed_ = failed_ || session.failed;
        removed_ = removed_ || (outcome && session.removed);
        if (!db_.in_transaction()) throw std::runtime_error{"SQLite gave up the transaction"};
        if (!outcome) db_.prepare("ROLLBACK TO one").run();
        db_.prepare("RELEASE one").run();
        return outcome;
    }

    sqlite::connection db_;
    content_codec const& content_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<job*> waiting_;
    bool stopping_ = false;
    bool removed_ = false;  ///< and still in the log
    bool failed_ = false;   ///< something of this group
    std::atomic<bool> is_failing_{false};
    std::atomic<std::chrono::steady_clock::time_point> next_try_{};
    std::thread thread_;
};

/// Connections for reading, as many as there are reads at the same time.
class sqlite_store::readers {
public:
    readers(std::string path, content_codec const& content) : path_{std::move(path)}, content_{content} {}

    result<> run(std::function<result<>(store_reader&)> const& f) {
        try {
            auto db = take();
            db->prepare("BEGIN").run();
            sqlite_session session{*db, content_};
            result<> outcome = unavailable();
            {
                sqlite_snapshot snapshot{session};
                outcome = f(snapshot);
            }
            db->prepare("COMMIT").run();
            if (session.failed) return unavailable();
            give_back(std::move(db));
            return outcome;
        } catch (std::exception const& why) {
            spdlog::error("storage failed: {}", why.what());
            return unavailable();
        }
    }

private:
    static constexpr std::size_t kept_max = 16;

    std::unique_ptr<sqlite::connection> take() {
        {
            std::lock_guard const lock{mutex_};
            if (!kept_.empty()) {
                auto db = std::move(kept_.back());
                kept_.pop_back();
                return db;
            }
        }
        return std::make_unique<sqlite::connection>(path_, sqlite::access::read_only);
    }

    void give_back(std::unique_ptr<sqlite::connection> db) {
        std::lock_guard const lock{mutex_};
        if (kept_.size() < kept_max) kept_.push_back(std::move(db));
    }

    std::string path_;
    content_codec const& content_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<sqlite::connection>> kept_;
};

sqlite_store::sqlite_store(std::string const& path, std::shared_ptr<content_cipher const> cipher)
    : path_{path}, epoch_{prepare_sqlite_file(path)}, file_{number_of(path)}, content_{content_is_sealed(path) ? content_codec{std::move(cipher)} : content_codec{}},
      writer_{std::make_unique<writer>(path, content_)}, readers_{std::make_unique<readers>(path, content_)} {}
sqlite_store::~sqlite_store() = default;

std::string sqlite_store::epoch() const { return epoch_; }
result<> sqlite_store::probe() {
    if (file_ == 0 || number_of(path_) != file_) return unavailable();
    BSP_CHECK(store_base::probe());
    return writer_->probe();
}
result<> sqlite_store::look(std::function<result<>(sqlite_session&)> const& f) {
    return readers_->run([&](store_reader& r) { return f(static_cast<sqlite_snapshot&>(r).session()); });
}
result<> sqlite_store::change(std::function<result<>(sqlite_session&)> const& f) {
    return writer_->run([&](store_writer& w) { return f(static_cast<sqlite_transaction&>(w).session()); });
}
result<> sqlite_store::run_read(std::function<result<>(store_reader&)> const& f) { return readers_->run(f); }
result<> sqlite_store::run_write(std::function<result<>(store_writer&)> const& f) { return writer_->run(f); }

}  // namespace bsp::server
