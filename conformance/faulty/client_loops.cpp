#include "backend.hpp"

#include <httplib.h>

#include <algorithm>
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
            for (auto const loop : {&backend::push_loop, &backend::pull_loop, &backend::health_loop})
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

void backend::push_loop(std::string const& peer_id, std::stop_token stop) {
    std::unique_lock lock{mutex_};
    while (!stop.stop_requested()) {
        auto const found = state_.peers.find(peer_id);
        if (found == state_.peers.end()) return;
        peer_record const peer = found->second;
        link& to = state_.links[peer_id];
        auto const now = clock::now();
        auto const earliest = std::max(to.retry_at[pushes], to.not_before[pushes]);
        if (!may_exchange(peer, to, system_now()) || now < earliest) {
            wait_for_news(lock, stop, now < earliest ? earliest : now + to.interval, true);
            continue;
        }
        if (!to.outgoing.empty() && is_outdated(to.outgoing.front(), peer)) to.outgoing.clear();
        if (to.outgoing.empty()) take_snapshot(peer, to);
        if (to.outgoing.empty()) {
            wait_for_news(lock, stop, now + to.interval, wakes_on_change());
            continue;
        }
        auto const request = push_request(peer, to.outgoing.front(), system_now());
        lock.unlock();
        auto const got = transmit(origin_and_path(peer.sync_endpoint).first, request, seconds{30}, stop);
        lock.lock();
        if (stop.stop_requested() || !state_.peers.contains(peer_id) || to.outgoing.empty()) continue;
        settle_push(peer, to, got);
    }
}

void backend::pull_loop(std::string const& peer_id, std::stop_token stop) {
    std::unique_lock lock{mutex_};
    while (!stop.stop_requested()) {
        auto const found = state_.peers.find(peer_id);
        if (found == state_.peers.end()) return;
        peer_record const peer = found->second;
        link& to = state_.links[peer_id];
        auto const now = clock::now();
        auto const due = std::max({std::min(to.next_pull, to.pull_begun + pull_period(to)), to.retry_at[pulls], to.not_before[pulls]});
        if (!may_exchange(peer, to, system_now()) || now < due) {
            wait_for_news(lock, stop, now < due ? due : now + seconds{1}, true);
            continue;
        }
        auto const request = pull_request(peer, to, system_now());
        to.pull_begun = now;
        lock.unlock();
        auto const got = transmit(origin_and_path(peer.sync_endpoint).first, request, seconds{holds_pulls_open(peer) ? 60 : 30}, stop);
        lock.lock();
        if (stop.stop_requested() || !state_.peers.contains(peer_id)) continue;
        settle_pull(peer, to, got);
    }
}

void backend::health_loop(std::string const& peer_id, std::stop_token stop) {
    std::unique_lock lock{mutex_};
    while (!stop.stop_requested()) {
        auto const found = state_.peers.find(peer_id);
        if (found == state_.peers.end()) return;
        auto const begun = clock::now();
        auto [origin, path] = origin_and_path(found->second.sync_endpoint);
        path = path.substr(0, path.rfind("/sync/")) + "/health";
        lock.unlock();
        bool const healthy = is_healthy(transmit(origin, {"GET", path, {}, {}, {}}, seconds{5}, stop));
        lock.lock();
        if (link& to = state_.links[peer_id]; to.reachable != healthy) reachability_changed(to, healthy);
        while (!stop.stop_requested() && state_.peers.contains(peer_id) && clock::now() < begun + health_period()) wait_for_news(lock, stop, begun + health_period(), false);
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
