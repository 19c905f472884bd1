#pragma once

#include <bsp/observe/alert_rules.hpp>
#include <bsp/observe/counters.hpp>
#include <bsp/policy/store.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::observe {

/// What a running backend has seen of its peers, where the rest is counted, and what is wrong. Safe to use from several
/// threads. Nothing of it is kept when the process ends: what must be is in the store (policy/statistics.hpp).
class observatory {
public:
    /// What the client side knows of these peers; peers that it never calls are left out. From any thread.
    using client_source = std::function<std::map<std::string, client_half, std::less<>>(std::span<std::string const> peer_ids)>;
    /// Bytes that are free on the disk of the store, if that can be told.
    using disk_source = std::function<std::optional<double>()>;

    /// Since when what is wrong has been wrong, as all instances of this backend agree.
    using since_source = alert_book::since_source;

    // To be set before anybody is served.
    void set_since(since_source source) { book_.set_since(std::move(source)); }
    void set_client(client_source source) { client_ = std::move(source); }
    void set_disk(disk_source source) { disk_ = std::move(source); }
    /// What alerts begin and end goes there, too; in the order in which sinks were added.
    void add_sink(alert_sink sink) { sinks_.push_back(std::move(sink)); }

    [[nodiscard]] counters& counted() { return counted_; }

    // Of peers that are proven only, so there are no more entries than registrations.
    void handle_request(std::string_view peer_id, instant now) {
        note(peer_id, [&](sighting& s) { s.request = now; });
    }
    void handle_pull(std::string_view peer_id, instant now) {
        note(peer_id, [&](sighting& s) { s.pull = now; });
    }
    void handle_skew(std::string_view peer_id, double seconds) {
        note(peer_id, [&](sighting& s) { s.skew = seconds; });
    }
    /// A telemetry stream of the peer was opened (1) or has ended (-1).
    void handle_stream(std::string_view peer_id, int change) {
        note(peer_id, [&](sighting& s) { s.streams += change; });
    }

    // Instances of one backend tell each other what they see.

    /// What all the others have seen of the peer.
    void handle_elsewhere(std::string_view peer_id, sighting const& seen) {
        std::lock_guard const lock{mutex_};
        entry_of(peer_id).elsewhere = seen;
    }
    /// What is new here since this was last asked, and, if they are wanted, all peers with open streams.
    [[nodiscard]] std::map<std::string, sighting, std::less<>> take_news(bool with_streams) {
        std::map<std::string, sighting, std::less<>> news;
        std::lock_guard const lock{mutex_};
        for (auto& [peer_id, e] : seen_)
            if (std::exchange(e.is_news, false) || (with_streams && e.here.streams > 0)) news.emplace(peer_id, e.here);
        return news;
    }

    /// What the store and this object know of a registration.
    [[nodiscard]] result<peer_view> view(registry_reader& r, peer_record peer) const {
        BSP_TRY(auto counted, r.statistics(peer.peer_id));
        sighting const seen = seen_of(peer.peer_id);
        return peer_view{std::move(peer), std::move(counted), seen, {}};
    }

    [[nodiscard]] result<std::vector<peer_view>> views(registry_reader& r, std::vector<peer_record> peers) const {
        std::vector<peer_view> all;
        for (auto& p : peers) {
            BSP_TRY(auto one, view(r, std::move(p)));
            all.push_back(std::move(one));
        }
        return all;
    }

    /// Every active registration.
    [[nodiscard]] static result<std::vector<peer_record>> active_peers(registry_reader& r) {
        std::vector<peer_record> peers;
        for (bool more = true; more;) {
            BSP_TRY(auto page, r.peers(std::nullopt, peers.empty() ? "" : std::string_view{peers.back().peer_id}, limits::page_items_max));
            more = page.size() == limits::page_items_max;
            std::ranges::move(page, std::back_inserter(peers));
        }
        return peers;
    }

    /// Adds what the client side knows. Not to be called while the store is read: the client side reads it, too.
    void add_client(std::span<peer_view> views) const {
        if (!client_ || views.empty()) return;
        std::vector<std::string> ids;
        for (auto const& v : views) ids.push_back(v.peer.peer_id);
        auto known = client_(ids);
        for (auto& v : views)
            if (auto const half = known.find(v.peer.peer_id); half != known.end()) v.client = std::move(half->second);
    }

    /// Looks at everything now; what is wrong, and the sinks are told of what has begun and ended. While the store does
    /// not answer, nothing is known of the peers, and what was wrong with them stays.
    std::vector<wire::alert> look(store_base& store, instant now) {
        std::lock_guard const lock{looking_};
        surroundings around;
        if (disk_) around.free_bytes = disk_();
        auto peers = store.read([&](store_reader& r) -> result<std::vector<peer_view>> {
            BSP_TRY(auto all, active_peers(r));
            return views(r, std::move(all));
        });
        if (peers) add_client(*peers);
        around.store_answers = peers.has_value() && store.probe().has_value();
        auto troubles = troubles_of(peers ? std::span<peer_view const>{*peers} : std::span<peer_view const>{}, around, now);
        if (!peers)
            for (auto const& a : book_.standing())
                if (!a.peer_id.empty()) troubles.push_back({a.type, a.peer_id, a.value, a.threshold});
        book_.handle_troubles(troubles, now);
        while (auto const e = book_.poll_event()) {
            counted_.add(e->what == alert_event::kind::raised ? counter::alerts_raised : counter::alerts_cleared);
            for (auto const& sink : sinks_) sink(*e);
        }
        return book_.standing();
    }

    [[nodiscard]] sighting seen_of(std::string_view peer_id) const {
        std::lock_guard const lock{mutex_};
        auto const found = seen_.find(peer_id);
        return found == seen_.end() ? sighting{} : together(found->second.here, found->second.elsewhere);
    }

private:
    struct entry {
        sighting here, elsewhere;
        bool is_news = false;
    };

    template <class F>
    void note(std::string_view peer_id, F f) {
        std::lock_guard const lock{mutex_};
        entry& e = entry_of(peer_id);
        f(e.here);
        e.is_news = true;
    }

    entry& entry_of(std::string_view peer_id) {
        auto const found = seen_.find(peer_id);
        return found == seen_.end() ? seen_[std::string{peer_id}] : found->second;
    }

    client_source client_;
    disk_source disk_;
    std::vector<alert_sink> sinks_;
    counters counted_;
    mutable std::mutex mutex_;
    std::map<std::string, entry, std::less<>> seen_;
    std::mutex looking_;
    alert_book book_;
};

}  // namespace bsp::observe
