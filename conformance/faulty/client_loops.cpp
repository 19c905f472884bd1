#include "backend.hpp"
#include "client_socket.hpp"

#include <httplib.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace bsp::faulty {

using clock = std::chrono::steady_clock;
using std::chrono::seconds;

void backend::run_client(std::stop_token stop) {
    std::map<std::string, std::vector<std::jthread>> loops;  // joined before the backend goes
    std::unique_lock lock{mutex_};
    while (!stop.stop_requested()) {
        for (auto const& [id, peer] : state_.peers) {
            if (loops.contains(id) || !may_dial(peer)) continue;
            for (auto const loop : {&backend::push_loop, &backend::pull_loop, &backend::health_loop, &backend::telemetry_loop})
                loops[id].emplace_back([this, loop, name = id](std::stop_token s) { (this->*loop)(name, s); });
        }
        wait_for_news(lock, stop, clock::now() + seconds{1}, true);
    }
    for (auto& [id, of_peer] : loops)
        for (auto& t : of_peer) t.request_stop();
    lock.unlock();
    loops.clear();
}

/// Until something changed (if that is waited for), `until`, or the end.
void backend::wait_for_news(std::unique_lock<std::mutex>& lock, std::stop_token stop, link::time until, bool for_changes) {
    auto const seen = changes_;
    until = std::min(until, clock::now() + seconds{60});
    news_.wait_until(lock, stop, until, [&] { return for_changes && changes_ != seen; });
}

/// Calls `turn` under the lock, which it may let go of meanwhile, for as long as the peer is registered. A repeated registration
/// may have given other endpoints: whether they may be called is asked each time.
template <class Turn>
void backend::take_turns(std::string const& peer_id, std::stop_token stop, Turn turn) {
    std::unique_lock lock{mutex_};
    while (!stop.stop_requested()) {
        auto const found = state_.peers.find(peer_id);
        if (found == state_.peers.end()) return;
        if (!may_dial(found->second)) wait_for_news(lock, stop, clock::now() + seconds{1}, true);
        else turn(lock, peer_record{found->second}, state_.links[peer_id]);
    }
}

/// Sends a request while others are served. False when nobody waits for the answer any more.
bool backend::ask(std::unique_lock<std::mutex>& lock, peer_record const& peer, http_request const& request, milliseconds timeout, std::stop_token stop, std::optional<http_response>& got) {
    lock.unlock();
    got = transmit(origin_and_path(peer.sync_endpoint).first, request, timeout, stop);
    lock.lock();
    return !stop.stop_requested() && state_.peers.contains(peer.peer_id);
}

void backend::push_loop(std::string const& peer_id, std::stop_token stop) {
    take_turns(peer_id, stop, [&](std::unique_lock<std::mutex>& lock, peer_record const& peer, link& to) {
        auto const now = clock::now(), earliest = std::max({to.retry_at[pushes], to.not_before[pushes], to.pushes_paid - 15 * push_gap()});
        if (!may_exchange(peer, to, system_now()) || now < earliest) return wait_for_news(lock, stop, now < earliest ? earliest : now + to.interval, true);
        if (!to.outgoing.empty() && is_outdated(to.outgoing.front(), peer)) to.outgoing.clear();
        if (to.outgoing.empty()) take_snapshot(peer, to);
        if (to.outgoing.empty()) return wait_for_news(lock, stop, now + to.interval, wakes_on_change());
        std::optional<http_response> got;
        to.pushes_paid = std::max(now, to.pushes_paid) + push_gap();
        if (ask(lock, peer, push_request(peer, to.outgoing.front(), system_now()), seconds{30}, stop, got) && !to.outgoing.empty()) settle_push(peer, to, got);
    });
}

void backend::pull_loop(std::string const& peer_id, std::stop_token stop) {
    take_turns(peer_id, stop, [&](std::unique_lock<std::mutex>& lock, peer_record const& peer, link& to) {
        auto const now = clock::now();
        auto const due = std::max({std::min(to.next_pull, to.pull_begun + pull_period(to)), to.retry_at[pulls], to.not_before[pulls]});
        if (!may_exchange(peer, to, system_now()) || now < due) return wait_for_news(lock, stop, now < due ? due : now + seconds{1}, true);
        to.pull_begun = now;
        auto const place = std::pair{to.since, to.cursor};
        std::optional<http_response> got;
        bool const wanted = ask(lock, peer, pull_request(peer, to, system_now()), seconds{holds_pulls_open(peer) ? 60 : 30}, stop, got);
        if (wanted && place == std::pair{to.since, to.cursor}) settle_pull(peer, to, got);  // else it was begun anew meanwhile
    });
}

void backend::health_loop(std::string const& peer_id, std::stop_token stop) {
    take_turns(peer_id, stop, [&](std::unique_lock<std::mutex>& lock, peer_record const& peer, link& to) {
        auto const begun = clock::now();
        auto const path = origin_and_path(peer.sync_endpoint).second;
        std::optional<http_response> got;
        bool const wanted = ask(lock, peer, {"GET", path.substr(0, path.rfind("/sync/")) + "/health", {}, {}, {}}, seconds{5}, stop, got);
        if (bool const healthy = is_healthy(got); wanted && to.reachable != healthy) reachability_changed(to, healthy);
        while (!stop.stop_requested() && state_.peers.contains(peer_id) && clock::now() < begun + health_period()) wait_for_news(lock, stop, begun + health_period(), false);
    });
}

void backend::telemetry_loop(std::string const& peer_id, std::stop_token stop) {
    take_turns(peer_id, stop, [&](std::unique_lock<std::mutex>& lock, peer_record const& peer, link& to) {
        auto const now = clock::now(), earliest = std::max(to.stream_at, to.events_at);
        if (!may_stream(peer, to, system_now()) || to.events.empty() || now < earliest) return wait_for_news(lock, stop, now < earliest ? earliest : now + seconds{1}, true);
        auto const request = upgrade_request(peer, system_now());
        lock.unlock();
        std::optional<http_response> refusal;
        auto const stream = client_socket::open(origin_and_path(peer.telemetry_endpoint).first, request, seconds{30}, refusal, stop);
        int const code = stream ? tell(peer_id, *stream, stop) : 0;
        lock.lock();
        if (stop.stop_requested() || !state_.peers.contains(peer_id)) return;
        if (stream) stream_ended(to, code);
        else stream_refused(to, refusal);
    });
}

/// Tells what is due and takes in the answers, until the stream ends: its close code, 1006 without one; 0 when this
/// backend ended it.
int backend::tell(std::string const& peer_id, client_socket& stream, std::stop_token stop) {
    unsigned const boot = (std::lock_guard{mutex_}, boots_);
    for (;;) {
        std::vector<std::string> texts;
        {
            std::lock_guard const lock{mutex_};
            auto const peer = state_.peers.find(peer_id);
            if (stop.stop_requested() || boots_ != boot || peer == state_.peers.end()) return 0;
            link& to = state_.links[peer_id];
            if (!may_stream(peer->second, to, system_now())) return 0;
            if (to.events_at <= clock::now()) texts = take_events(to);
        }
        for (auto const& text : texts)
            if (!stream.send(text)) return 1006;
        auto const heard = stream.next(milliseconds{100});
        if (heard.code != 0) return heard.code;
        std::lock_guard const lock{mutex_};
        if (heard.text && state_.peers.contains(peer_id)) settle_event(state_.links[peer_id], *heard.text);
    }
}

std::optional<http_response> backend::transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) {
    httplib::Client wire{origin};
    wire.set_connection_timeout(timeout);
    wire.set_read_timeout(timeout);
    wire.set_write_timeout(timeout);
    wire.set_url_encode(false);
    wire.set_tcp_nodelay(true);
    if (stop.stop_requested()) return std::nullopt;
    std::stop_callback const cut{stop, [&wire] { wire.stop(); }};
    // The timeouts of a socket begin anew with each piece that arrives.
    std::jthread const alarm{[&wire, period = answer_period(timeout)](std::stop_token over) {
        std::mutex asleep;
        std::unique_lock lock{asleep};
        std::condition_variable_any{}.wait_for(lock, over, period, [] { return false; });
        if (!over.stop_requested()) wire.stop();
    }};
    httplib::Request out;
    out.method = r.method;
    out.path = r.target;
    out.body = r.body;
    for (auto const& [name, value] : r.headers) out.headers.emplace(name, value);
    auto const got = wire.send(out);
    if (!got) return std::nullopt;
    http_response in{got->status, {}, got->body};
    for (auto const& [name, value] : got->headers) in.headers.add(name, value);
    return in;
}

}  // namespace bsp::faulty
