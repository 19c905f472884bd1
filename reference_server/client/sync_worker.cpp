#include "sync_worker.hpp"

#include "../clock.hpp"
#include "../living_installation.hpp"
#include "../storage/sync_switch.hpp"
#include "http_client.hpp"
#include "logged_ledger.hpp"
#include "telemetry_courier.hpp"

#include <bsp/crypto/random.hpp>
#include <bsp/sync/client_view.hpp>
#include <bsp/sync/scheduler.hpp>

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace bsp::server {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto wishes_period = 500ms;  ///< how soon `sync now` is noticed
constexpr auto commits_gap = 5ms;      ///< the first is heeded at once; those of a busy server, together
constexpr auto pause_min = 1ms;        ///< between two looks at the machines

sync::moment now() { return {server_clock{}.now(), clock::now().time_since_epoch()}; }

/// A lock that ends with the process.
class file_lock {
public:
    explicit file_lock(std::filesystem::path const& path) : fd_{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)} {
        is_held_ = fd_ >= 0 && ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
    }
    ~file_lock() {
        if (fd_ >= 0) ::close(fd_);
    }
    file_lock(file_lock const&) = delete;
    file_lock& operator=(file_lock const&) = delete;
    [[nodiscard]] bool is_held() const { return is_held_; }

private:
    int fd_;
    bool is_held_ = false;
};

}  // namespace

class sync_worker::worker {
public:
    explicit worker(world const& around)
        : around_{around},
          ledger_{around.ledger, [this](std::string const& peer_id, sync_occurrence const& o) { note_exchange(peer_id, o); }},
          me_{around.who.current()},
          self_{me_->self},
          machines_{sync::own_backend{self_, me_->key, around.config, around.store, ledger_, random_bytes, replaced_key_of(*me_)}} {}

    ~worker() { stop(); }

    void wake() {
        {
            std::lock_guard const lock{mutex_};
            news_.committed = true;
        }
        wake_.notify_one();
    }

    void start(std::filesystem::path const& path) {
        lock_.emplace(path);
        if (!lock_->is_held()) {
            spdlog::warn("another server runs on this data directory: this one does not synchronize");
            lock_.reset();
            return;
        }
        client_.emplace(http_client::bounds{}, around_.ca_file);
        courier_.emplace(sync::own_backend{self_, me_->key, around_.config, around_.store, around_.ledger, random_bytes, replaced_key_of(*me_)}, around_.ca_file, [this] {
            {
                std::lock_guard const lock{mutex_};
                news_.telemetry = true;
            }
            wake_.notify_one();
        });
        thread_ = std::thread{[this] { work(); }};
        std::lock_guard const lock{mutex_};
        is_running_ = true;
    }

    using halves = std::map<std::string, observe::client_half, std::less<>>;

    halves look(std::span<std::string const> peer_ids) {
        auto asked = std::make_shared<question>();
        asked->peer_ids.assign(peer_ids.begin(), peer_ids.end());
        auto answer = asked->answer.get_future();
        {
            std::lock_guard const lock{mutex_};
            if (!is_running_ || news_.stopping) return {};
            news_.questions.push_back(std::move(asked));
        }
        wake_.notify_one();
        try {
            return answer.wait_for(1s) == std::future_status::ready ? answer.get() : halves{};
        } catch (std::future_error const&) {  // the worker has stopped
            return {};
        }
    }

    void stop() {
        {
            std::lock_guard const lock{mutex_};
            news_.stopping = true;
        }
        wake_.notify_one();
        if (thread_.joinable()) thread_.join();
        if (client_) client_->stop();  // nobody sends any more, and no answer comes after this
        if (courier_) courier_->stop();
        lock_.reset();
    }

private:
    struct arrival {
        std::uint64_t id;
        result<http_response> answer;
    };
    struct question {
        std::vector<std::string> peer_ids;
        std::promise<halves> answer;
    };
    struct tidings {
        bool stopping = false;
        bool committed = false;
        bool telemetry = false;  ///< something came in on a stream
        std::vector<arrival> arrivals;
        std::vector<std::shared_ptr<question>> questions;
    };

    void work() {
        for (auto wait_until = clock::now();;) {
            tidings const news = wait(wait_until);
            if (news.stopping) return;
            try {
                wait_until = turn(news);
            } catch (std::exception const& why) {
                spdlog::error("sync: {}", why.what());
                wait_until = clock::now() + 1s;
            }
        }
    }

    tidings wait(clock::time_point until) {
        std::unique_lock lock{mutex_};
        auto const heeds_commit = [&] { return news_.committed && clock::now() >= commits_at_; };
        while (!news_.stopping && !news_.telemetry && news_.arrivals.empty() && news_.questions.empty() && !heeds_commit() && clock::now() < until) wake_.wait_until(lock, news_.committed ? std::min(until, commits_at_) : until);
        tidings taken{.stopping = news_.stopping, .committed = heeds_commit(), .telemetry = std::exchange(news_.telemetry, false), .arrivals = std::exchange(news_.arrivals, {}), .questions = std::exchange(news_.questions, {})};
        if (taken.committed) {
            news_.committed = false;
            commits_at_ = clock::now() + commits_gap;
        }
        return taken;
    }

    /// One round of the machines; when the next is due if nothing happens before.
    clock::time_point turn(tidings const& news) {
        look_after_keys();
        if (news.committed) machines_.handle_commit();
        for (auto const& a : news.arrivals) handle(a);
        for (auto const& q : news.questions) q->answer.set_value(answer_to(*q));
        if (clock::now() >= wishes_at_) {
            heed_wishes();
            wishes_at_ = clock::now() + wishes_period;
        }
        auto next = clock::now() + wishes_period;
        if (is_on_) {
            while (auto out = machines_.poll_request(now())) send(*std::move(out));
            if (auto const wanted = machines_.poll_timeout(now())) next = std::min(next, clock::time_point{std::chrono::duration_cast<clock::duration>(*wanted)});
        }
        next = std::min(next, send_telemetry());
        tell_contacts();
        return std::max(next, clock::now() + pause_min);
    }

    /// A store that fails leaves out what it does not tell.
    halves answer_to(question const& q) {
        halves known;
        for (auto const& peer_id : q.peer_ids)
            if (auto* const s = machines_.find(peer_id))
                if (auto half = sync::client_view(*s, ledger_, now())) known.emplace(peer_id, *std::move(half));
        return known;
    }

    static std::optional<sync::replaced_key> replaced_key_of(installation const& me) {
        if (!me.rotation) return std::nullopt;
        return sync::replaced_key{me.rotation->replaced, me.rotation->grace_expires_at};
    }

    /// A key that a command has replaced is used from now on, and the one before is destroyed when nobody needs it.
    void look_after_keys() {
        auto current = around_.who.current();
        if (current->rotation && (now().wall >= current->rotation->kept_until || (me_ == current && machines_.everybody_knows_key()))) {
            around_.who.finish_rotation();
            current = around_.who.current();
        }
        if (current == me_) return;
        me_ = std::move(current);
        machines_.handle_key(me_->key, replaced_key_of(*me_));
        courier_->handle_key(me_->key, replaced_key_of(*me_));
    }

    /// Events of what has happened, and of what waited; when to look again.
    clock::time_point send_telemetry() {
        if (is_on_) {
            std::vector<peer_record> peers;
            machines_.for_each([&](sync::session const& s) { peers.push_back(s.peer()); });
            courier_->handle_peers(std::move(peers));
        } else {
            courier_->handle_peers({});
        }
        for (auto& e : std::exchange(exchanges_, {})) courier_->queue(e, now());
        auto const wanted = courier_->turn(now());
        return wanted ? clock::time_point{std::chrono::duration_cast<clock::duration>(*wanted)} : clock::time_point::max();
    }

    /// The ledger has saved it while an answer was taken in.
    void note_exchange(std::string const& peer_id, sync_occurrence const& o) {
        if (o.what == sync_occurrence::kind::pushed || o.what == sync_occurrence::kind::pulled) exchanges_.push_back({peer_id, o, latency_});
    }

    void send(sync::outgoing out) {
        bool const is_check = out.request.target.ends_with("/health");
        under_way_[out.id] = {out.origin, is_check, clock::now()};
        clock::time_point const deadline{std::chrono::duration_cast<clock::duration>(out.deadline)};
        client_->send(std::move(out.origin), std::move(out.request), deadline, [this, id = out.id](result<http_response> answer) {
            {
                std::lock_guard const lock{mutex_};
                news_.arrivals.push_back({id, std::move(answer)});
            }
            wake_.notify_one();
        });
    }

    void handle(arrival const& a) {
        auto const sent = under_way_.extract(a.id);
        if (!sent.empty() && sent.mapped().is_check) note_reachability(sent.mapped().origin, a.answer);
        latency_ = sent.empty() ? clock::duration{} : clock::now() - sent.mapped().sent_at;
        if (a.answer) machines_.handle_response(a.id, *a.answer, now());
        else machines_.handle_silence(a.id, now(), a.answer.error().detail);
    }

    void note_reachability(std::string const& origin, result<http_response> const& answer) {
        std::string why;
        if (!answer) why = answer.error().detail;
        else if (!sync::network_monitor::is_healthy(*answer)) why = "its /health answered " + std::to_string(answer->status) + " and not that it is healthy";
        auto const [known, is_new] = unreachable_.try_emplace(origin, "?");
        if (std::exchange(known->second, why) == why) return;
        if (why.empty()) spdlog::info("sync: {} can be reached", origin);
        else spdlog::warn("sync: {} cannot be reached: {}", origin, why);
    }

    /// What the operator has said since, from another process.
    void heed_wishes() {
        if (around_.wishes == nullptr) return;
        auto const said = around_.wishes->look();
        if (!said) return;
        if (said->is_on != is_on_) {
            spdlog::info("sync: switched {}", said->is_on ? "on" : "off");
            is_on_ = said->is_on;
            if (is_on_) machines_.handle_impatience();
        }
        if (said->asked == said->served) return;
        if (is_on_) machines_.handle_impatience();
        static_cast<void>(around_.wishes->serve(said->asked));  // failing, it is taken up again
    }

    /// Keeps for `sync status` why nothing is sent, whenever that changes.
    void tell_contacts() {
        if (around_.wishes == nullptr) return;
        std::map<std::string, sync_switch::contact> changed;
        auto const at = now();
        machines_.for_each([&](sync::session const& s) {
            auto const& peer = s.peer();
            std::string obstacle = s.obstacle(at);
            auto const reason = peer.endpoints ? unreachable_.find(sync::split_url(peer.endpoints->sync_endpoint).origin) : unreachable_.end();
            if (obstacle == sync::session::unreachable && reason != unreachable_.end() && !reason->second.empty()) obstacle += ": " + reason->second;
            auto const known = told_.find(peer.peer_id);
            if (known != told_.end() && known->second.obstacle == obstacle) return;
            // Another reason for the same silence does not make it younger.
            bool const goes_on = known != told_.end() && !known->second.obstacle.empty() && !obstacle.empty();
            // Unreachable for no known reason: nobody has answered yet, and soon more is known.
            if (!obstacle.empty() && obstacle != sync::session::unreachable) spdlog::warn("sync {}: nothing is sent: {}", peer.peer_id, obstacle);
            changed[peer.peer_id] = {std::move(obstacle), goes_on ? known->second.at : at.wall};
        });
        if (changed.empty() && is_told_anew_) return;
        if (!around_.wishes->put_contacts(changed, !is_told_anew_)) return;  // told the next time
        is_told_anew_ = true;
        for (auto const& [peer_id, c] : changed) told_[peer_id] = c;
    }

    struct request {
        std::string origin;
        bool is_check = false;
        clock::time_point sent_at{};
    };

    world const around_;
    std::vector<telemetry_courier::exchange> exchanges_;  ///< of which no event is queued yet
    clock::duration latency_{};                           ///< of the answer that is taken in
    logged_ledger ledger_;
    std::shared_ptr<installation const> me_;
    identity const self_;
    sync::scheduler machines_;
    std::map<std::uint64_t, request> under_way_;
    std::map<std::string, std::string, std::less<>> unreachable_;  ///< origin → why; "" when it can be reached
    std::map<std::string, sync_switch::contact> told_;          ///< peer_id → what was said to be in its way
    bool is_told_anew_ = false;                                 ///< what an earlier process said is gone
    bool is_on_ = true;
    clock::time_point wishes_at_{};
    clock::time_point commits_at_{};  ///< not before this is the next commit heeded

    std::mutex mutex_;
    std::condition_variable wake_;
    tidings news_;
    bool is_running_ = false;
    std::optional<file_lock> lock_;
    std::optional<http_client> client_;
    std::optional<telemetry_courier> courier_;
    std::thread thread_;
};

sync_worker::sync_worker(world const& around) : worker_{std::make_unique<worker>(around)} {}
sync_worker::~sync_worker() = default;
void sync_worker::wake() noexcept {
    try {
        worker_->wake();
    } catch (...) {  // the next interval finds it
    }
}
void sync_worker::start(std::filesystem::path const& lock) { worker_->start(lock); }
std::map<std::string, observe::client_half, std::less<>> sync_worker::look(std::span<std::string const> peer_ids) { return worker_->look(peer_ids); }
void sync_worker::stop() { worker_->stop(); }

bool sync_worker::is_running(std::filesystem::path const& lock) { return std::filesystem::exists(lock) && !file_lock{lock}.is_held(); }

}  // namespace bsp::server
