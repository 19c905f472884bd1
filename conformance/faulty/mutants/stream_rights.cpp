#include "../faults.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

/// Faults of servers in what an open stream is still allowed, and in what becomes of its events.
namespace bsp::faulty {

namespace {

/// One budget for each backend, whichever users it is registered for.
struct budget_of_the_backend : backend {
    using backend::backend;
    bool within_budget(held_socket const& s, instant now) override {
        held_socket shared = s;
        shared.peer_id = held().peers.at(s.peer_id).backend_id;
        return backend::within_budget(shared, now);
    }
};

/// Who is removed is told so by the request that names it; the others learn it with their next event.
struct closes_whom_it_names : backend {
    using backend::backend;
    void revoke(peer_record& peer, instant now) override {
        named_.insert(peer.peer_id);
        backend::revoke(peer, now);
    }
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        auto const why = backend::lost_right(s, now);
        auto const found = held().peers.find(s.peer_id);
        is_let_be_ = why && found != held().peers.end() && !check_not_revoked(found->second) && !named_.contains(s.peer_id);
        return why;
    }
    reply look_after(int number, instant now) override {
        auto r = backend::look_after(number, now);
        return r.close == 1008 && is_let_be_ ? reply{} : r;
    }

private:
    std::set<std::string> named_;
    inline static thread_local bool is_let_be_ = false;  // each stream has a thread of its own
};
/// Looks when half a second has brought nothing: the door calls every 50 milliseconds, and at once when something has come.
struct looks_in_silence : backend {
    using backend::backend;
    reply look_after(int number, instant now) override {
        auto const at = std::chrono::steady_clock::now();
        int quiet = 0;
        {
            std::lock_guard const lock{calls_mutex_};
            auto& [last, turns] = calls_[number];
            turns = at - last < milliseconds{45} ? 0 : turns + 1;
            last = at;
            quiet = turns;
        }
        return quiet < 10 ? reply{} : backend::look_after(number, now);
    }

private:
    std::mutex calls_mutex_;
    std::map<int, std::pair<std::chrono::steady_clock::time_point, int>> calls_;
};
/// expires = max(expires, token.expires), for streams.
struct longest_token_for_streams : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        BSP_TRY(peer_record * peer, backend::enter(who, key, t, now));
        until_[peer->peer_id] = std::max(until_[peer->peer_id], t.expires);
        return peer;
    }
    result<> check_not_expired(peer_record const& peer, instant now) override {
        if (!streams_) return backend::check_not_expired(peer, now);
        peer_record longest = peer;
        longest.sbt_expires = std::max(peer.sbt_expires, until_[peer.peer_id]);
        return backend::check_not_expired(longest, now);
    }
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        streams_ = true;
        auto why = backend::lost_right(s, now);
        streams_ = false;
        return why;
    }

private:
    std::map<std::string, instant> until_;
    bool streams_ = false;
};

json::value without_received_at(json::value const& v) {
    if (v.is_array()) {
        json::array out;
        for (auto const& one : v.get_array()) out.push_back(without_received_at(one));
        return out;
    }
    if (!v.is_object()) return v;
    json::object out;
    for (auto const& m : v.get_object())
        if (m.key() != "received_at") out[m.key()] = without_received_at(m.value());
    return out;
}
struct received_at_nowhere : backend {
    using backend::backend;
    json::object to_store(json::object event) override { return without_received_at(json::value(std::move(event))).as_object(); }
};
/// The page is full when it has four million bytes, and the cursor is that of a page which had as many as were asked for.
struct cursor_of_the_limit : backend {
    using backend::backend;
    answer list_events(call const& c) override {
        bytes_ = given_ = limit_ = 0;
        return backend::list_events(c);
    }
    std::size_t events_on_page(std::size_t limit) override {
        limit_ = limit;
        return bytes_ > 4'000'000 ? 0 : limit;
    }
    json::object event_entry(telemetry_event const& e) override {
        auto out = backend::event_entry(e);
        bytes_ += json::serialize(out).size();
        ++given_;
        return out;
    }
    json::object cursor_content(json::object content) override {
        if (bytes_ > 4'000'000 && content.contains("n")) content["n"] = content.at("n").as_int64() + static_cast<std::int64_t>(limit_ - given_);
        return backend::cursor_content(std::move(content));
    }

private:
    std::size_t bytes_ = 0, given_ = 0, limit_ = 0;
};
/// The current key and the one before.
struct streams_of_two_keys : backend {
    using backend::backend;
    bool still_counts(peer_record const& peer, sha256_digest const& key, instant now) override {
        peer_record short_memory = peer;
        if (short_memory.former.size() > 1) short_memory.former.erase(short_memory.former.begin() + 1, short_memory.former.end());
        return backend::still_counts(short_memory, key, now);
    }
};
/// INSERT OR REPLACE
struct last_arrival_counts : backend {
    using backend::backend;
    void store(telemetry_event e) override {
        auto const is_same = [&](telemetry_event const& one) { return one.user_id == e.user_id && one.event_id == e.event_id; };
        auto& all = held().events;
        auto const known = std::ranges::find_if(all, is_same);
        if (known == all.end()) return backend::store(std::move(e));
        auto first = *known;
        first.arrived = e.arrived;
        first.number = ++latest_;
        all.erase(known);
        all.push_back(std::move(first));
    }

private:
    std::int64_t latest_ = 1'000'000'000;  // after all that were stored once
};
/// What is known is acknowledged, whatever the budget.
struct repetitions_are_free : backend {
    using backend::backend;
    reply excess(held_socket const& s, std::string const& text, instant now) override {
        auto const event = parse_event(text);
        auto const* id = event ? json::find_string(*event, "event_id") : nullptr;
        return id && held().event_ids.contains({s.user_id, std::string{json::view(*id)}}) ? judge(s, text, now) : backend::excess(s, text, now);
    }
};
/// DEL budget, when the last connection goes.
struct budget_of_the_connections : backend {
    using backend::backend;
    bool within_budget(held_socket const& s, instant now) override {
        std::lock_guard const lock{lines_mutex_};
        auto& lines = lines_[s.peer_id];
        if (lines.empty()) held().messages_of_peers[s.peer_id].clear();
        lines.insert(s.number);
        return backend::within_budget(s, now);
    }
    void forget(int number) override {
        backend::forget(number);
        std::lock_guard const lock{lines_mutex_};
        for (auto& [peer_id, lines] : lines_) lines.erase(number);
    }

private:
    std::mutex lines_mutex_;
    std::map<std::string, std::set<int>> lines_;
};
/// A length of 126 is written where 126 says that the length follows, and the frame is lost.
struct no_answer_of_126_bytes : backend {
    using backend::backend;
    reply judge(held_socket const& s, std::string const& text, instant now) override {
        auto out = backend::judge(s, text, now);
        std::erase_if(out.texts, [](std::string const& one) { return one.size() == 126; });
        return out;
    }
};

}  // namespace

std::vector<fault> stream_right_faults() {
    return {
        tried<last_arrival_counts>(10, false, "F-TEL-1001", "an event that is sent again has the time and the place of its repetition", {"tel/repeated-in-place"}),
        tried<repetitions_are_free>(10, false, "F-TEL-1002", "events that are known do not count toward the budget of a peer", {"tel/excess-repeated"}),
        tried<budget_of_the_connections>(11, false, "F-TEL-1004", "the budget of events of a peer is forgotten with its last connection", {"tel/excess"}),
        tried<no_answer_of_126_bytes>(10, false, "F-TEL-1003", "an answer of exactly 126 bytes does not arrive", {"tel/every-length"}),
        tried<budget_of_the_backend>(7, false, "F-OFF-953", "two users of one backend share its budget of events", {"tel/excess"}),
        tried<closes_whom_it_names>(7, false, "F-OFF-954", "a revocation closes the streams of the registration that it names, and leaves silent ones of the others", {"tel/revoke-all"}),
        tried<longest_token_for_streams>(7, false, "F-OFF-955", "a stream has its right until the latest expiry of all tokens", {"tel/renewed-for-less"}),
        tried<received_at_nowhere>(7, false, "F-OFF-956", "a member received_at is taken out of events at every depth", {"tel/verbatim"}),
        tried<backend>(7, false, "F-OFF-957", "several messages in fragments share the length that each of them may have", {"tel/fragments-again"}, setting::plain, framing{.fragments_add_up = true}),
        tried<cursor_of_the_limit>(7, false, "F-OFF-958", "the cursor of a page that its size ended stands where limit would have ended it", {"tel/pages-of-long-events"}),
        tried<streams_of_two_keys>(7, false, "F-OFF-959", "a second rotation closes the streams of the first key, which still counts", {"rot/streams-stay"}),
        tried<looks_in_silence>(7, false, "F-OFF-961", "a stream on which pings keep coming outlives the unpairing", {"tel/unpair-busy", "tel/expiry-busy"}),
    };
}

}  // namespace bsp::faulty
