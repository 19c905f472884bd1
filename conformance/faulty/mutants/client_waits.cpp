#include "../faults.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

/// Faults of clients in when they wait and for whom, in what they make of a change of epoch, and in what a restart repeats.
namespace bsp::faulty {

namespace {

using std::chrono::seconds;
using clock = std::chrono::steady_clock;
using answered = std::optional<http_response>;

// ---- Retry-After, and pauses ----

struct retry_after_for_all : backend {
    using backend::backend;
    void failed(link& to, channel which, answered const& r) override {
        backend::failed(to, which, r);
        for (auto& [id, other] : held().links)
            for (auto& t : other.not_before) t = std::max(t, to.not_before[which]);
    }
};
/// wait = retry_after or backoff
struct retry_after_instead : backend {
    using backend::backend;
    void failed(link& to, channel which, answered const& r) override {
        backend::failed(to, which, r);
        if (r && r->headers.find("Retry-After")) to.retry_at[which] = {};
    }
};
struct health_ends_retry_after : backend {
    using backend::backend;
    void reachability_changed(link& to, bool reachable) override {
        backend::reachability_changed(to, reachable);
        if (reachable) to.not_before = {};
    }
};
struct names_are_compared_exactly : backend {
    using backend::backend;
    milliseconds retry_after(answered const& r, instant now) override {
        bool const found = r && std::any_of(r->headers.begin(), r->headers.end(), [](auto const& h) { return h.first == "Retry-After"; });
        return found ? backend::retry_after(r, now) : milliseconds{};
    }
};
/// unsigned wait = date - now
struct past_is_far_ahead : backend {
    using backend::backend;
    milliseconds retry_after(answered const& r, instant now) override {
        std::string const* given = r ? r->headers.find("Retry-After") : nullptr;
        bool const is_date = given && given->find("GMT") != std::string::npos;
        auto const wait = backend::retry_after(r, now);
        return is_date && wait.count() <= 0 ? milliseconds{std::chrono::hours{1}} : wait;
    }
};
/// Whoever writes wakes the loop, whatever it waits for.
struct writes_end_pauses : backend {
    using backend::backend;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        for (auto& [peer_id, to] : held().links) end_pause(to);
        return backend::commit_locally(all, id, std::move(scalars), version, std::move(m), now);
    }
    virtual void end_pause(link& to) { to.retry_at = {}; }
};
struct writes_end_retry_after : writes_end_pauses {
    using writes_end_pauses::writes_end_pauses;
    void end_pause(link& to) override { to.not_before = {}; }
};
struct interval_for_all : backend {
    using backend::backend;
    void settle_push(peer_record const& peer, link& to, answered const& r) override {
        auto const before = to.interval;
        backend::settle_push(peer, to, r);
        if (to.interval != before)
            for (auto& [id, other] : held().links) other.interval = to.interval;
    }
};

// ---- reachability ----

struct pulls_stay_late : backend {
    using backend::backend;
    void reachability_changed(link& to, bool reachable) override {
        auto const failures = to.failures;
        auto const retry_at = to.retry_at;
        backend::reachability_changed(to, reachable);
        to.failures[pulls] = failures[pulls];
        to.retry_at[pulls] = retry_at[pulls];
    }
};
thread_local unsigned ill = 0;             // each peer's /health has a thread of its own
thread_local bool was_healthy = false;
struct health_with_patience : backend {
    using backend::backend;
    bool is_healthy(answered const& r) override {
        bool const healthy = backend::is_healthy(r);
        ill = healthy ? 0 : ill + 1;
        return healthy;
    }
    milliseconds health_period() override { return backend::health_period() * (1 << std::min(ill, 4u)); }
};
/// except Timeout: log
struct silence_says_nothing : backend {
    using backend::backend;
    bool is_healthy(answered const& r) override { return was_healthy = r ? backend::is_healthy(r) : was_healthy; }
};
/// A breaker for each host.
struct failures_of_the_host : backend {
    using backend::backend;
    void failed(link& to, channel which, answered const& r) override {
        backend::failed(to, which, r);
        if (to.failures[which] < 3) return;
        for (auto& [peer_id, other] : held().links) other.retry_at[which] = std::max(other.retry_at[which], to.retry_at[which]);
    }
};
/// One pause for whatever is sent to a peer.
struct health_waits_too : backend {
    using backend::backend;
    void failed(link& to, channel which, answered const& r) override {
        backend::failed(to, which, r);
        until_ = std::max(until_.load(), to.not_before[which]);
    }
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        while (r.target.ends_with("/health") && !stop.stop_requested() && std::chrono::steady_clock::now() < until_.load()) std::this_thread::sleep_for(milliseconds{20});
        return backend::transmit(origin, r, timeout, stop);
    }

private:
    std::atomic<link::time> until_{};
};
/// When a peer is back what had failed is tried again.
struct back_where_it_failed : backend {
    using backend::backend;
    void reachability_changed(link& to, bool reachable) override {
        auto const next = to.failures[pulls] > 0 ? link::time{} : to.next_pull;
        backend::reachability_changed(to, reachable);
        to.next_pull = next;
    }
};
/// A push is put off as long as something is written.
struct waits_for_quiet : backend {
    using backend::backend;
    instant next_commit(instant now) override {
        last_ = std::chrono::steady_clock::now();
        return backend::next_commit(now);
    }
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        while (r.method == "POST" && !stop.stop_requested() && std::chrono::steady_clock::now() < last_.load() + milliseconds{500}) std::this_thread::sleep_for(milliseconds{20});
        return backend::transmit(origin, r, timeout, stop);
    }

private:
    std::atomic<link::time> last_{};
};
/// Whoever gave entries has more to give.
struct entries_are_news : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        bool const taken = backend::take_in_page(peer, to, page);
        if (taken && holds_pulls_open(peer) && !page.at("conversations").as_array().empty()) to.next_pull = {};
        return taken;
    }
};
/// The five seconds are those of a read from the socket.
struct each_piece_in_time : backend {
    using backend::backend;
    milliseconds answer_period(milliseconds timeout) override { return 100 * timeout; }
};
/// One connection for a peer, on which /health waits for its turn.
struct health_waits_its_turn : backend {
    using backend::backend;
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        auto const place = origin + r.target.substr(0, r.target.find('/', 1));
        bool const health = r.target.ends_with("/health");
        while (health && under_way(place, 0) > 0)
            if (stop.stop_requested()) return std::nullopt;
            else std::this_thread::sleep_for(milliseconds{20});
        if (!health) under_way(place, 1);
        auto out = backend::transmit(origin, r, timeout, stop);
        if (!health) under_way(place, -1);
        return out;
    }

private:
    int under_way(std::string const& place, int more) {
        std::lock_guard const lock{guard_};
        return under_way_[place] += more;
    }
    std::mutex guard_;
    std::map<std::string, int> under_way_;
};
struct health_to_the_letter : backend {
    using backend::backend;
    bool is_healthy(answered const& r) override { return backend::is_healthy(r) && json::parse(r->body)->get_object().size() == 1; }
};
/// if (response.content_type != "application/json") throw
struct types_to_the_letter : backend {
    using backend::backend;
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        auto out = backend::transmit(origin, r, timeout, stop);
        std::string const* type = out ? out->headers.find("Content-Type") : nullptr;
        if (out && out->status == 200 && (!type || *type != "application/json")) out->body.clear();
        return out;
    }
};

// ---- epochs ----

struct epoch_of_pull_is_final : backend {
    using backend::backend;
    void settle_pull(peer_record const& peer, link& to, answered const& r) override {
        if (r && r->status == 409) to.not_before[pulls] = clock::now() + left_alone_for();
        else backend::settle_pull(peer, to, r);
    }
};
struct old_epoch_is_sent_on : backend {
    using backend::backend;
    void begin_anew(link& to) override {
        auto const epoch = to.epoch;
        backend::begin_anew(to);
        to.epoch = epoch;
    }
};
struct epoch_of_pull_is_for_pulls : backend {
    using backend::backend;
    void settle_pull(peer_record const& peer, link& to, answered const& r) override {
        auto const pushed = to.pushed;
        auto const outgoing = to.outgoing;
        backend::settle_pull(peer, to, r);
        if (r && r->status == 409) to.pushed = pushed, to.outgoing = outgoing;
    }
};
/// The answer to a push moves the position, whatever was learnt meanwhile.
struct answers_of_the_epoch_before : backend {
    using backend::backend;
    void begin_anew(link& to) override {
        auto const outgoing = to.outgoing;
        backend::begin_anew(to);
        to.outgoing = outgoing;
    }
};

// ---- answers ----

struct reused_id_again : backend {
    using backend::backend;
    outcome outcome_of(int status, std::string const& code) override {
        auto const o = backend::outcome_of(status, code);
        return o == outcome::other_sync_id ? outcome::again : o;
    }
};
/// The push that is answered is looked up among all that were sent.
struct any_push_of_ours : backend {
    using backend::backend;
    outcome outcome_of_push(parcel const& p, answered const& r, json::value const& b) override {
        sent_.insert(p.sync_id);
        json::string const* acked = b.is_object() ? json::find_string(b.get_object(), "acked_sync_id") : nullptr;
        if (r && r->status == 200 && acked && sent_.contains(std::string{json::view(*acked)})) return outcome::done;
        return backend::outcome_of_push(p, r, b);
    }

private:
    std::set<std::string> sent_;
};

// ---- pages ----

/// Knows the last_sync of the page before.
struct remembers_pages : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        bool const taken = backend::take_in_page(peer, to, page);
        if (auto const* mark = json::find_string(page, "last_sync"); taken && mark) marks_[&to] = std::string{json::view(*mark)};
        return taken;
    }

protected:
    void stay_behind(link& to) {
        if (to.cursor.empty()) return;
        to.since = marks_[&to];
        to.cursor.clear();
    }

private:
    std::map<link const*, std::string> marks_;
};
/// while (page = try_next()) { … } keep(mark)
struct failure_ends_the_row : remembers_pages {
    using remembers_pages::remembers_pages;
    void failed(link& to, channel which, answered const& r) override {
        if (which == pulls) stay_behind(to);
        remembers_pages::failed(to, which, r);
    }
};
struct cursors_in_memory : remembers_pages {
    using remembers_pages::remembers_pages;
    void restart() override {
        for (auto& [id, to] : held().links) stay_behind(to);
    }
};

// ---- names, and the pause of events ----

struct numbers_begin_anew : backend {
    using backend::backend;
    std::string new_event_id() override { return "evt_" + std::to_string(++last_); }
    void restart() override { last_ = 0; }

private:
    std::atomic<int> last_ = 0;
};
struct numbers_of_each_peer : backend {
    using backend::backend;
    void tell_of(link& to, std::string_view direction, json::array const& conversations, std::string const& sync_id) override {
        backend::tell_of(to, direction, conversations, sync_id);
        auto& e = to.events.back();
        e.id = "evt_" + std::to_string(++last_[&to]);
        e.event["event_id"] = e.id;
    }

private:
    std::map<link const*, int> last_;
};
struct streams_end_the_pause : backend {
    using backend::backend;
    void stream_ended(link& to, int code) override {
        backend::stream_ended(to, code);
        to.events_at = {};
    }
};

}  // namespace

std::vector<fault> client_wait_faults() {
    return {
        tried<retry_after_for_all>(6, false, "F-OFF-903", "the Retry-After of one peer holds up all", {"off/retry-after-of-one"}, setting::client),
        tried<retry_after_instead>(6, false, "F-OFF-904", "a Retry-After takes the place of the growing pause", {"off/retry-after-and-backoff"}, setting::client),
        tried<health_ends_retry_after>(6, false, "F-OFF-905", "when a peer is reachable again its Retry-After is forgotten", {"off/retry-after-outlasts"}, setting::client),
        tried<names_are_compared_exactly>(6, false, "F-OFF-906", "retry-after in small letters is not found", {"off/retry-after-small"}, setting::client),
        tried<past_is_far_ahead>(6, false, "F-OFF-907", "a Retry-After with a date of the past is an hour", {"off/retry-after-past"}, setting::client),
        tried<writes_end_retry_after>(6, true, "F-OFF-908", "a local write ends the time of Retry-After", {"off/retry-after-outlasts"}, setting::client),
        tried<writes_end_pauses>(6, true, "F-OFF-909", "a local write ends the growing pause", {"off/retry-after-and-backoff"}, setting::client),
        tried<pulls_stay_late>(6, false, "F-OFF-910", "when a peer is reachable again the failures of pulls count on", {"off/pulls-reachable-again"}, setting::client),
        tried<health_with_patience>(6, false, "F-OFF-911", "an unreachable peer's /health is asked for less and less often", {"off/health-meanwhile"}, setting::client),
        tried<silence_says_nothing>(6, false, "F-OFF-912", "a peer whose /health falls silent stays reachable", {"off/falls-ill"}, setting::client),
        tried<failures_of_the_host>(10, false, "F-OFF-1016", "after three failures of one peer all peers at its address wait", {"off/failures-of-another"}, setting::client),
        tried<health_waits_too>(10, false, "F-OFF-1017", "while a Retry-After runs /health is not asked for", {"off/health-while-it-waits"}, setting::client),
        tried<back_where_it_failed>(10, false, "F-OFF-1018", "a peer that is back is pulled from when the interval is over, unless a pull had failed", {"off/pulled-when-back"}, setting::client),
        tried<waits_for_quiet>(10, true, "F-OFF-1019", "a push waits for half a second without a change", {"off/pushes-amid-changes"}, setting::client),
        tried<entries_are_news>(10, false, "F-OFF-1020", "a live pull that is answered with known entries is followed by the next at once", {"off/pull-distance-known"}, setting::client),
        tried<each_piece_in_time>(10, false, "F-OFF-1011", "the answer of /health may take any time, as long as a piece of it comes now and then", {"off/falls-ill"}, setting::client),
        tried<health_waits_its_turn>(6, false, "F-OFF-913", "/health is not asked for while another request to the peer is under way", {"off/health-meanwhile"}, setting::client),
        tried<health_to_the_letter>(6, false, "F-OFF-914", "/health with a further member is not healthy", {"off/answers-of-others"}, setting::client),
        tried<types_to_the_letter>(6, false, "F-OFF-915", "an answer with a charset in its Content-Type is not read", {"off/answers-of-others"}, setting::client),
        tried<interval_for_all>(6, false, "F-OFF-916", "the next_sync_in_ms of one peer is that of all", {"off/interval-of-each"}, setting::client),
        tried<epoch_of_pull_is_final>(6, false, "F-OFF-917", "409 epoch-changed in answer to a pull is final", {"off/epoch-changed-pull"}, setting::client),
        tried<old_epoch_is_sent_on>(6, false, "F-OFF-918", "after epoch-changed the epoch before is sent on", {"off/epoch-changed-pull"}, setting::client),
        tried<epoch_of_pull_is_for_pulls>(6, false, "F-OFF-919", "409 epoch-changed in answer to a pull makes nothing due", {"off/epoch-changed-pull"}, setting::client),
        tried<answers_of_the_epoch_before>(6, true, "F-OFF-920", "the answer to a push from before epoch-changed moves the position", {"off/epoch-changed-during-push"}, setting::client),
        tried<reused_id_again>(6, false, "F-OFF-921", "after 409 sync-id-reuse the same sync_id is sent again", {"off/sync-id-reuse"}, setting::client),
        tried<any_push_of_ours>(6, false, "F-OFF-922", "the acked_sync_id of any push acknowledges the last", {"off/former-acknowledgement"}, setting::client),
        tried<failure_ends_the_row>(6, false, "F-OFF-923", "when a page fails the last_sync of the one before it is kept", {"off/pull-page-fails"}, setting::client),
        tried<cursors_in_memory>(6, false, "F-OFF-924", "after a restart between two pages the last_sync of the first counts", {"off/restart-between-pages"}, setting::client),
        tried<numbers_begin_anew>(6, false, "F-OFF-925", "after a restart event_id is counted from 1 again", {"off/telemetry-restart-ids"}, setting::client),
        tried<numbers_of_each_peer>(6, false, "F-OFF-926", "event_id is counted for each peer", {"off/telemetry-several-peers"}, setting::client),
        tried<streams_end_the_pause>(6, false, "F-OFF-927", "the time of rate_limited ends with the stream", {"off/telemetry-pause-outlasts"}, setting::client),
    };
}

}  // namespace bsp::faulty
