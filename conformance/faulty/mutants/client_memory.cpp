#include "../faults.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>
#include <tuple>
#include <utility>

/// Faults of clients that remember too little, too much, or the wrong one of two.
namespace bsp::faulty {

namespace {

using std::chrono::milliseconds;
using answered = std::optional<http_response>;

/// Of what was received a conversation remembers the last peer that it came from.
struct last_source_counts : backend {
    using backend::backend;
    bool is_due(conversation const& c, std::string const& id, peer_record const& peer, link const& to) override {
        if (to.set_aside.contains(id)) return backend::is_due(c, id, peer, to);
        std::pair<std::string, instant> last;
        for (auto const& [who, when] : c.brought)
            if (!who.empty() && (last.first.empty() || last.second < when)) last = {who, when};
        auto const local = c.brought.find("");
        bool const was_written_here = local != c.brought.end() && to.pushed < local->second;
        return was_written_here || (!last.first.empty() && last.first != peer.peer_id && to.pushed < last.second);
    }
};

/// That everything has to be pushed again is known in memory.
struct anew_until_the_restart : backend {
    using backend::backend;
    void begin_anew(link& to) override {
        stored_.emplace(&to, to.pushed);
        backend::begin_anew(to);
    }
    void acknowledged(link& to, parcel const& p) override {
        if (p.last) stored_.erase(&to);
        backend::acknowledged(to, p);
    }
    void restart() override {
        backend::restart();
        for (auto const& [to, pushed] : stored_) to->pushed = pushed, to->outgoing.clear();
        stored_.clear();
    }

private:
    std::map<link*, instant> stored_;
};

/// The watermark of every page is kept, and sent when there is no cursor.
struct watermark_of_every_page : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        bool const taken = backend::take_in_page(peer, to, page);
        if (taken) latest_[&to] = text_of(json::fields{page}, "last_sync").value();
        return taken;
    }
    void settle_pull(peer_record const& peer, link& to, answered const& r) override {
        bool const had_cursor = !to.cursor.empty();
        backend::settle_pull(peer, to, r);
        if (had_cursor && r && r->status == 400) to.since = latest_[&to];
    }

private:
    std::map<link*, std::string> latest_;
};

/// An entry that was joined once is known.
struct joined_entries_are_known : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        json::object fresh = page;
        if (auto* given = fresh.if_contains("conversations"); given && given->is_array()) {
            json::array kept;
            for (auto const& e : given->get_array())
                if (joined_.insert(json::serialize(e)).second) kept.push_back(e);
            *given = std::move(kept);
        }
        return backend::take_in_page(peer, to, fresh);
    }

private:
    std::set<std::string> joined_;
};

/// Another token makes another worker, and the one before has not ended yet.
struct second_worker_after_renewal : backend {
    using backend::backend;
    void renew(peer_record& held_one, claimed_identity const& who, token const& t) override {
        backend::renew(held_one, who, t);
        ++renewed_;
    }
    void push_loop(std::string const& peer_id, std::stop_token stop) override {
        std::jthread const second{[&, before = renewed_.load()](std::stop_token s) {
            while (!s.stop_requested() && renewed_ == before) std::this_thread::sleep_for(milliseconds{20});
            if (!s.stop_requested()) backend::push_loop(peer_id, s);
        }};
        backend::push_loop(peer_id, stop);
    }

private:
    std::atomic<unsigned> renewed_ = 0;
};

/// Who answers can be reached.
struct answers_prove_health : backend {
    using backend::backend;
    void settle_push(peer_record const& peer, link& to, answered const& r) override {
        backend::settle_push(peer, to, r);
        if (r && r->status == 200 && !to.reachable) reachability_changed(to, true);
    }
};
struct pages_prove_health : backend {
    using backend::backend;
    void settle_pull(peer_record const& peer, link& to, answered const& r) override {
        backend::settle_pull(peer, to, r);
        if (r && r->status == 200 && !to.reachable) reachability_changed(to, true);
    }
};

/// A conflict is read into a record that has no room for null.
struct local_version_is_a_number : backend {
    using backend::backend;
    outcome outcome_of_push(parcel const& p, answered const& r, json::value const& b) override {
        auto const* conflicts = b.is_object() ? b.get_object().if_contains("conflicts") : nullptr;
        if (conflicts && conflicts->is_array())
            for (auto const& c : conflicts->get_array())
                if (auto const* held = c.is_object() ? c.get_object().if_contains("local_version") : nullptr; held && held->is_null()) return outcome::again;
        return backend::outcome_of_push(p, r, b);
    }
};

/// The last of several times is the one that is remembered.
struct last_pause_counts : backend {
    using backend::backend;
    void event_limited(link& to, std::size_t place, std::int64_t retry_after_ms) override {
        to.events_at = {};
        backend::event_limited(to, place, retry_after_ms);
    }
};

/// SELECT … ORDER BY changed_at LIMIT 50, and the position moves to the last of them.
struct fifty_at_a_time : backend {
    using backend::backend;
    std::vector<std::pair<instant, std::string>> due_for(peer_record const& peer, link const& to) override {
        auto due = backend::due_for(peer, to);
        is_cut_ = due.size() > 50;
        if (is_cut_) due.resize(50);
        if (!due.empty()) end_ = due.back().first;
        return due;
    }
    void take_snapshot(peer_record const& peer, link& to) override {
        since_ = to.pushed;
        backend::take_snapshot(peer, to);
        if (is_cut_)
            for (auto& p : to.outgoing) p.snapshot = end_;
    }
    json::object push_entry(std::string const& id, conversation const& c) override {
        conversation news = c;
        std::erase_if(news.messages, [&](auto const& m) { return m.second.written < since_; });
        return backend::push_entry(id, news);
    }

private:
    bool is_cut_ = false;
    instant since_, end_;
};

/// A tombstone clears away what it stands for.
struct pulled_deletions_clear : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        bool const taken = backend::take_in_page(peer, to, page);
        for (auto& [id, c] : tenant_of(peer.user_id))
            if (c.winner.deleted) c.messages.clear();
        return taken;
    }
};

/// An entry is known by its version and last_modified.
struct known_by_its_write : backend {
    using backend::backend;
    result<tenant> decode_page(json::object const& page) override {
        BSP_TRY(tenant incoming, backend::decode_page(page));
        std::erase_if(incoming, [&](auto const& one) { return !seen_.emplace(one.first, one.second.version, one.second.modified).second; });
        return incoming;
    }

private:
    std::set<std::tuple<std::string, std::int64_t, instant>> seen_;
};

/// Whatever came has changed.
struct pages_are_changes : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        bool const taken = backend::take_in_page(peer, to, page);
        if (taken)
            for (auto const& entry : page.at("conversations").as_array()) {
                auto& c = tenant_of(peer.user_id)[std::string{json::view(entry.at("conversation_id").as_string())}];
                c.committed = c.brought[peer.peer_id] = next_commit(system_now());
            }
        return taken;
    }
};

/// The position moves with an acknowledgement, and the last of the snapshot has none.
struct last_one_moves_the_position : backend {
    using backend::backend;
    void narrow_down(link& to) override {
        bool const was_last = to.outgoing.front().ids.size() == 1 && to.outgoing.front().last;
        auto const before = to.pushed;
        backend::narrow_down(to);
        if (was_last) to.pushed = before;
    }
};
/// UPDATE positions SET pushed = 0 WHERE user_id = …
struct anew_for_everybody : backend {
    using backend::backend;
    void begin_anew(link& to) override {
        auto const& peers = held().peers;
        auto const user_of = [&](std::string const& peer_id) { return peers.contains(peer_id) ? peers.at(peer_id).user_id : ""; };
        std::string whose;
        for (auto const& [peer_id, one] : held().links)
            if (&one == &to) whose = user_of(peer_id);
        for (auto& [peer_id, one] : held().links)
            if (user_of(peer_id) == whose) one.pushed = link{}.pushed;
        backend::begin_anew(to);
    }
};
struct streams_wait_for_nobody : backend {
    using backend::backend;
    void stream_refused(link& to, answered const& r) override {
        auto const before = to.events_at;
        backend::stream_refused(to, r);
        to.events_at = before;
    }
};

}  // namespace

std::vector<fault> client_memory_faults() {
    constexpr auto client = setting::client;
    return {
        tried<last_source_counts>(9, false, "F-OFF-1001", "a conversation remembers the last peer that it was received from, and is not due to that one", {"off/due-beside-a-change-from-there"}, client),
        tried<anew_until_the_restart>(9, false, "F-OFF-1002", "after epoch-changed a flag in memory says that all is due again", {"off/restart-after-epoch"}, client),
        tried<watermark_of_every_page>(9, false, "F-OFF-1003", "a refused cursor is followed by the watermark of the last page", {"off/cursor-refused-amid-pages"}, client),
        tried<joined_entries_are_known>(9, false, "F-OFF-1004", "an entry that was joined for one user is passed over for another", {"off/alike-for-two-users"}, client),
        tried<second_worker_after_renewal>(9, true, "F-OFF-1005", "a repeated registration begins a second row of pushes", {"off/one-at-a-time"}, client),
        tried<pages_prove_health>(9, true, "F-OFF-1006", "a page makes an unhealthy peer reachable", {"off/answered-while-ill"}, client),
        {"F-OFF-1007", "an acknowledgement makes an unhealthy peer reachable", {"off/answered-while-ill"}, make<answers_prove_health>, client},
        tried<local_version_is_a_number>(9, false, "F-OFF-1008", "an acknowledgement with a conflict about what was not held cannot be read", {"off/unknown-conflicts"}, client),
        tried<fifty_at_a_time>(10, false, "F-OFF-1012", "of fifty conversations at a time what changed since the fifty before is pushed", {"off/both-ends-of-the-queue"}, client),
        tried<pulled_deletions_clear>(10, false, "F-OFF-1013", "a deletion that is pulled removes the messages of its conversation", {"off/pulled-deletion-keeps"}, client),
        tried<known_by_its_write>(10, true, "F-OFF-1014", "an entry whose version and last_modified are known is passed over", {"off/pull-joins-messages"}, client),
        tried<pages_are_changes>(10, false, "F-OFF-1015", "what one peer gives again is pushed again to the others", {"off/given-again"}, client),
        tried<last_one_moves_the_position>(11, false, "F-OFF-1023", "when the last conversation of a snapshot is refused what was acknowledged before it is pushed again", {"off/refused-rest"}, client),
        tried<anew_for_everybody>(11, false, "F-OFF-1024", "a new epoch of one peer makes everything due for the user's other peers, too", {"off/epoch-of-one-peer"}, client),
        tried<streams_wait_for_nobody>(11, false, "F-OFF-1025", "the Retry-After of a refused stream is not heeded", {"off/telemetry-retry-after"}, client),
        tried<last_pause_counts>(9, false, "F-OFF-1009", "a shorter rate_limited ends the time of a longer one", {"off/telemetry-limited-out-of-order"}, client),
    };
}

}  // namespace bsp::faulty
