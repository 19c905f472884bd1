#pragma once

#include <bsp/sync/network_monitor.hpp>
#include <bsp/sync/session.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace bsp::sync {

/// The client side of a backend: a session for every active registration that says where its backend is, and a
/// monitor for every base URL. Push on it with `handle_…`, pull from it with `poll_…`, from one thread at a time:
///
///     store.on_commit([&] { wake the worker; });
///     for (;;) {
///         if (woken) s.handle_commit();
///         while (auto out = s.poll_request(now())) send it; the answer goes to s.handle_response or s.handle_silence
///         wait for a commit, an answer, or s.poll_timeout();
///     }
///
/// No peer waits for another (BSP-OFF-070): each has its own requests under way, its own delays and its own turn.
class scheduler {
public:
    explicit scheduler(own_backend self) : self_{std::move(self)} {}
    scheduler(scheduler const&) = delete;

    /// Something was committed in the store: perhaps a change to push, perhaps a registration.
    void handle_commit() {
        reload_at_.reset();
        for (auto& [id, s] : sessions_) s->handle_change();
    }

    /// Synchronizes with everybody now, whatever failed before.
    void handle_impatience() {
        handle_commit();
        for (auto& [id, s] : sessions_) s->handle_impatience();
        for (auto& [url, m] : monitors_) m.handle_impatience();
    }

    /// Our key is another one; `replaced` is the one before as long as somebody may have to be told (section 13.4).
    void handle_key(rsa_private_key key, std::optional<replaced_key> replaced) {
        self_.key = std::move(key);
        self_.replaced = std::move(replaced);
    }

    /// Whether every peer that says where it is has been told of our key. False before the registrations were read.
    [[nodiscard]] bool everybody_knows_key() const {
        return reload_at_ && is_complete_ && std::ranges::all_of(sessions_, [](auto const& s) { return s.second->knows_key(); });
    }

    /// The next request to send, until there is none.
    std::optional<outgoing> poll_request(moment now) {
        reload(now);
        for (auto& [url, m] : monitors_) {
            auto out = m.poll_request(self_, now);
            tell(url, m);
            if (out) return out;
        }
        // Everybody in turn: who was asked last comes last.
        for (std::size_t asked = 0; asked < sessions_.size(); ++asked) {
            auto next = sessions_.upper_bound(last_asked_);
            if (next == sessions_.end()) next = sessions_.begin();
            last_asked_ = next->first;
            if (auto out = next->second->poll_request(now)) return out;
        }
        return std::nullopt;
    }

    /// When to poll again if nothing happens before.
    [[nodiscard]] timeout poll_timeout(moment now) const {
        timeout next = reload_at_.value_or(std::chrono::nanoseconds{});
        for (auto const& [url, m] : monitors_) next = sooner(next, m.poll_timeout().value_or(std::chrono::nanoseconds{}));
        for (auto const& [id, s] : sessions_) next = sooner(next, s->poll_timeout(now));
        return next;
    }

    void handle_response(std::uint64_t id, http_response const& response, moment now) {
        for (auto& [url, m] : monitors_) {
            m.handle_response(id, response);
            tell(url, m);
        }
        for (auto& [peer_id, s] : sessions_) s->handle_response(id, response, now);
    }

    /// The request `id` has no answer and will have none; `why`, if it is known, for people.
    void handle_silence(std::uint64_t id, moment now, std::string_view why = {}) {
        for (auto& [url, m] : monitors_) {
            m.handle_silence(id);
            tell(url, m);
        }
        for (auto& [peer_id, s] : sessions_) s->handle_silence(id, why, now);
    }

    /// The session of a registration, by our id of the peer; nothing when there is none.
    [[nodiscard]] session* find(std::string_view peer_id) const {
        auto const found = sessions_.find(peer_id);
        return found == sessions_.end() ? nullptr : found->second.get();
    }

    /// Calls `f(session const&)` for each.
    template <class F>
    void for_each(F&& f) const {
        for (auto const& [peer_id, s] : sessions_) f(std::as_const(*s));
    }

private:
    /// Keeps in step with the registrations: after every commit, and once in a while all the same.
    void reload(moment now) {
        if (reload_at_ && now.steady < *reload_at_) return;
        reload_at_ = now.steady + std::chrono::milliseconds{limits::sync_interval_ms_default};
        auto const active = peers_to_call();
        if (!active) return;  // a store that fails changes nothing; the next time tells
        is_complete_ = true;
        std::set<std::string, std::less<>> here;
        for (auto const& peer : *active) {
            here.insert(peer.peer_id);
            if (auto* known = find(peer.peer_id)) known->handle_peer(peer);
            else if (auto opened = session::open(self_, peer)) sessions_.emplace(peer.peer_id, *std::move(opened));
            else is_complete_ = false;
        }
        for (auto s = sessions_.begin(); s != sessions_.end();) {
            bool const ended = !here.contains(s->first);  // and never comes back; a ledger that fails is asked again
            if (ended && self_.ledger.forget(s->first)) s = sessions_.erase(s);
            else ++s;
        }
        watch();
    }

    [[nodiscard]] result<std::vector<peer_record>> peers_to_call() const {
        std::vector<peer_record> all;
        for (std::string after;;) {
            BSP_TRY(auto page, self_.store.read([&](store_reader& r) { return r.peers_with_endpoints(after, limits::page_items_max); }));
            bool const is_last = page.size() < limits::page_items_max;
            std::ranges::move(page, std::back_inserter(all));
            if (is_last) return all;
            after = all.back().peer_id;
        }
    }

    /// A monitor for each base URL that may be dialled and is not watched yet.
    void watch() {
        std::map<std::string, std::string, std::less<>> urls;
        for (auto const& [id, s] : sessions_) {
            auto const& peer = s->peer();
            if (!may_dial(peer.endpoints->sync_endpoint, self_.self.backend_type, peer.backend_type, self_.config.allowed_peers)) continue;
            auto url = health_url(peer.endpoints->sync_endpoint, peer.endpoints->peer_id);
            monitors_.try_emplace(url, url);
            urls.emplace(id, std::move(url));
        }
        watched_ = std::move(urls);
        std::erase_if(monitors_, [&](auto const& m) { return std::ranges::none_of(watched_, [&](auto const& w) { return w.second == m.first; }); });
        for (auto& [url, m] : monitors_) tell(url, m);
    }

    /// Tells the sessions whether the backend at `url` can be reached.
    void tell(std::string const& url, network_monitor const& m) {
        for (auto const& [peer_id, watched] : watched_)
            if (watched == url) sessions_.find(peer_id)->second->handle_reachability(m.is_reachable());
    }

    own_backend self_;
    std::map<std::string, std::unique_ptr<session>, std::less<>> sessions_;       ///< by our peer_id
    std::map<std::string, network_monitor, std::less<>> monitors_;                ///< by URL
    std::map<std::string, std::string, std::less<>> watched_;                     ///< peer_id → URL
    std::string last_asked_;
    timeout reload_at_;
    bool is_complete_ = false;  ///< there is a session for every peer that says where it is
};

}  // namespace bsp::sync
