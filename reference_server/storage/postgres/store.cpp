#include "store.hpp"

#include "sightings.hpp"
#include "views.hpp"
#include "watch.hpp"

#include <bsp/crypto/sha256.hpp>

#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace bsp::server {

using namespace postgres;

namespace {

constexpr std::chrono::seconds looked_after_every{1};
constexpr std::chrono::seconds refusal_remembered{5};  ///< of the last write, if no other one succeeds meanwhile
constexpr std::int64_t everything_lock = 0x42535002;  ///< shared by those who write of one user

error unavailable() { return fail(errc::unavailable, "storage is not available"); }

/// Of the 2^64 keys of advisory locks, the user's. If two users had the same, they would wait for each other.
std::int64_t lock_of(std::string_view user_id) {
    auto const digest = sha256("user " + std::string{user_id});
    std::int64_t key = 0;
    std::memcpy(&key, digest.data(), sizeof key);
    return key;
}

facts prepared(std::string const& url) {
    std::string const shown = without_password(url);
    try {
        connection db{url};
        return prepare(db, shown);
    } catch (failure const& why) {
        std::string text = why.what();
        throw std::runtime_error{shown + " cannot be used: " + text.substr(0, text.find('\n'))};
    }
}

}  // namespace

class postgres_store::parts {
public:
    parts(std::string const& url, std::size_t connections_max, std::function<void()> tell)
        : shown_{without_password(url)}, known_{prepared(url)}, epoch_{known_.epoch}, pool_{url, connections_max}, watch_{url, std::move(tell)}, caretaker_{[this] { work(); }} {}

    ~parts() {
        {
            std::lock_guard const lock{mutex_};
            stopping_ = true;
        }
        wake_.notify_one();
        caretaker_.join();
    }

    result<> read(std::function<result<>(store_reader&)> const& f) {
        session s{nullptr, known_};
        s.begin = [this](session& mine) {
            mine.db = pool_.take();
            mine.db->tell("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        };
        s.link_audit = [this] {
            auto db = lease{pool_};
            link_audit(*db);
            db.keep();
        };
        result<> outcome = unavailable();
        try {
            snapshot seen{s};
            outcome = f(seen);
        } catch (...) {
            if (s.db) pool_.give_back(nullptr);
            throw;
        }
        if (s.db) finish(std::move(s.db), s.failed, "COMMIT");
        if (s.failed) return unavailable();
        return outcome;
    }

    /// Runs `f` in a transaction that `begin(connection&)` has begun.
    template <class Begin>
    result<> write(std::function<result<>(store_writer&)> const& f, Begin begin) {
        session s{nullptr, known_};
        s.latest_now = &latest_now_;
        try {
            s.db = pool_.take();
        } catch (std::exception const& why) {
            spdlog::error("storage failed: {}", why.what());
            return unavailable();
        }
        result<> outcome = unavailable();
        try {
            begin(*s.db);
            transaction mine{s};
            outcome = f(mine);
        } catch (failure const& why) {
            spdlog::error("storage failed: {}", why.what());
            s.failed = true;
        } catch (std::exception const& why) {
            spdlog::error("a transaction was abandoned: {}", why.what());
            outcome = fail(errc::internal, "");
        }
        if (!s.failed && outcome && !commit(*s.db)) s.failed = true;
        bool const failed = s.failed, committed = !failed && outcome;
        if (committed) pool_.give_back(std::move(s.db));
        else finish(std::move(s.db), failed, "ROLLBACK");
        if (failed) return unavailable();
        return outcome;
    }

    result<> write_everything(std::function<result<>(store_writer&)> const& f) {
        auto done = write(f, [](connection& db) {
            db.begin_durable();
            db.tell("SELECT pg_advisory_xact_lock($1)", everything_lock);
        });
        return settled(std::move(done));
    }
    result<> write_of(std::string_view user_id, std::function<result<>(store_writer&)> const& f) {
        auto done = write(f, [&](connection& db) {
            db.begin_durable();
            db.tell("SELECT pg_advisory_xact_lock_shared($1)", everything_lock);
            db.tell("SELECT pg_advisory_xact_lock($1)", lock_of(user_id));
        });
        return settled(std::move(done));
    }
    /// One statement that is atomic by itself needs no lock.
    result<> write_volatile(std::function<result<>(store_writer&)> const& f) {
        return write(f, [](connection& db) { db.begin_volatile(); });
    }

    result<> probe() {
        // A database whose disk is full answers questions.
        if (std::chrono::steady_clock::now() < refusing_until_.load()) return unavailable();
        try {
            auto db = lease{pool_};
            (*db).tell("BEGIN");
            auto row = (*db).ask("SELECT current_setting('transaction_read_only')");
            bool const takes_writes = row.step() && row.text(0) == "off";
            (*db).end("COMMIT");
            db.keep();
            return takes_writes ? ok() : result<>{unavailable()};
        } catch (std::exception const& why) {
            spdlog::error("storage failed: {}", why.what());
            return unavailable();
        }
    }

    std::string epoch() const {
        std::lock_guard const lock{mutex_};
        return epoch_;
    }

    void share(observe::observatory* seen) {
        std::lock_guard const lock{sharing_};
        shared_ = seen;
    }

    template <class F>
    auto with_connection(F f) {
        try {
            auto db = lease{pool_};
            auto out = f(*db);
            db.keep();
            return out;
        } catch (failure const& why) {
            throw std::runtime_error{shown_ + " cannot be used: " + why.what()};
        }
    }
    void put_epoch(std::string epoch) {
        std::lock_guard const lock{mutex_};
        epoch_ = std::move(epoch);
    }

    std::string const shown_;

private:
    /// A connection of the pool that goes back to it, unless something was thrown on the way to `keep`.
    class lease {
    public:
        explicit lease(pool& from) : from_{from}, db_{from.take()} {}
        ~lease() { from_.give_back(is_sound_ ? std::move(db_) : nullptr); }
        lease(lease const&) = delete;
        lease& operator=(lease const&) = delete;
        connection& operator*() { return *db_; }
        void keep() { is_sound_ = true; }

    private:
        pool& from_;
        std::unique_ptr<connection> db_;
        bool is_sound_ = false;
    };

    result<> settled(result<> done) {
        if (done) watch_.committed();
        if (done) refusing_until_ = std::chrono::steady_clock::time_point{};
        else if (done.error().code == errc::unavailable) refusing_until_ = std::chrono::steady_clock::now() + refusal_remembered;
        return done;
    }

    static bool commit(connection& db) {
        try {
            return db.end("COMMIT") == "COMMIT";
        } catch (std::exception const& why) {
            // Whether it was committed is unknown when the connection ended meanwhile: nothing is acknowledged.
            spdlog::error("storage failed: {}", why.what());
            return false;
        }
    }

    void finish(std::unique_ptr<connection> db, bool failed, char const* how) {
        try {
            if (!failed) db->end_later(how);
        } catch (std::exception const&) {
            failed = true;
        }
        if (failed) db.reset();
        pool_.give_back(std::move(db));
    }

    /// Apart from the watch: nobody hears late of a commit because a disk is slow.
    void work() {
        for (std::unique_lock lock{mutex_}; !stopping_; wake_.wait_for(lock, looked_after_every, [&] { return stopping_; })) {
            lock.unlock();
            try {
                auto db = lease{pool_};
                look_after(*db);
                db.keep();
            } catch (std::exception const& why) {
                spdlog::debug("the database is looked after later: {}", why.what());
            }
            lock.lock();
        }
    }

    void look_after(connection& db) {
        put_epoch(read_epoch(db));
        link_audit(db);
        forget_the_past(db, latest_now_);
        std::lock_guard const lock{sharing_};
        if (shared_) sightings_.exchange(db, *shared_);
    }

    facts const known_;
    std::atomic<std::int64_t> latest_now_{std::numeric_limits<std::int64_t>::min()};
    std::atomic<std::chrono::steady_clock::time_point> refusing_until_{};
    mutable std::mutex mutex_;
    std::string epoch_;
    std::mutex sharing_;
    observe::observatory* shared_ = nullptr;
    sightings sightings_;
    pool pool_;
    watch watch_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread caretaker_;
};

postgres_store::postgres_store(std::string const& url, std::size_t connections_max) : parts_{std::make_unique<parts>(url, connections_max, [this] { tell_of_commit(); })} {}
postgres_store::~postgres_store() = default;

std::string postgres_store::epoch() const { return parts_->epoch(); }
result<> postgres_store::probe() { return parts_->probe(); }

void postgres_store::claim_for(std::string const& backend_id) {
    parts_->with_connection([&](connection& db) { return claim(db, backend_id, parts_->shown_), true; });
}

std::string postgres_store::renew_epoch() {
    std::string epoch = parts_->with_connection([](connection& db) { return postgres::renew_epoch(db); });
    parts_->put_epoch(epoch);
    return epoch;
}

void postgres_store::share(observe::observatory* seen) { parts_->share(seen); }

instant postgres_store::alert_since(std::string_view type, std::string_view peer_id, instant now) {
    try {
        return parts_->with_connection([&](connection& db) { return postgres::alert_since(db, type, peer_id, now); });
    } catch (std::exception const& why) {
        spdlog::warn("an alert is as old as this instance knows: {}", why.what());
        return now;
    }
}

void postgres_store::end_alert(std::string_view type, std::string_view peer_id) noexcept {
    try {
        parts_->with_connection([&](connection& db) { return postgres::end_alert(db, type, peer_id), true; });
    } catch (std::exception const&) {
        // Whoever raises it again finds it older than it is.
    }
}

result<> postgres_store::run_read(std::function<result<>(store_reader&)> const& f) { return parts_->read(f); }
result<> postgres_store::run_write(std::function<result<>(store_writer&)> const& f) { return parts_->write_everything(f); }
result<> postgres_store::run_write_of(std::string_view user_id, std::function<result<>(store_writer&)> const& f) { return parts_->write_of(user_id, f); }
result<> postgres_store::run_write_volatile(std::function<result<>(store_writer&)> const& f) { return parts_->write_volatile(f); }

}  // namespace bsp::server
