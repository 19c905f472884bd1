#include "../faults.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <map>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>

/// Faults of clients that libraries and frameworks bring with them, and those who trust them.
namespace bsp::faulty {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using steady = std::chrono::steady_clock;
using answered = std::optional<http_response>;

json::object body_of(answered const& r) {
    auto v = r ? json::parse(r->body) : result<json::value>{json::value{}};
    return v && v->is_object() ? v->get_object() : json::object{};
}

std::string text_in(json::object const& o, std::string_view name) {
    auto const* text = json::find_string(o, name);
    return text ? std::string{json::view(*text)} : std::string{};
}

// ---- what is due ----

/// Of what is pushed some messages are held to be known already.
struct holds_some_back : backend {
    using backend::backend;
    json::object outgoing(json::object entry, peer_record const* to, outlet by) override {
        auto out = backend::outgoing(std::move(entry), to, by);
        if (to == nullptr || by != outlet::push) return out;
        json::array kept;
        for (auto& m : out.at("messages").as_array())
            if (!is_known(*to, text_in(out, "conversation_id"), m.as_object())) kept.push_back(std::move(m));
        out["messages"] = std::move(kept);
        return out;
    }
    virtual bool is_known(peer_record const& to, std::string const& conversation_id, json::object const& message) = 0;
};
/// An echo is what names the peer as its source.
struct echoes_by_source : holds_some_back {
    using holds_some_back::holds_some_back;
    bool is_known(peer_record const& to, std::string const&, json::object const& message) override { return text_in(message, "source_backend") == to.backend_id; }
};
/// What was sent is remembered by what it says.
struct equal_content_is_known : holds_some_back {
    using holds_some_back::holds_some_back;
    bool is_known(peer_record const& to, std::string const& conversation_id, json::object const& message) override {
        json::object says = message;
        for (auto const* name : {"version", "timestamp", "source_backend"}) says.erase(name);
        std::pair now{json::serialize(says), json::serialize(message.at("version"))};
        auto& known = sent_[{to.peer_id, conversation_id, text_in(message, "id")}];
        if (known.first == now.first && known.second != now.second) return true;
        known = std::move(now);
        return false;
    }

private:
    std::map<std::tuple<std::string, std::string, std::string>, std::pair<std::string, std::string>> sent_;
};
/// The members of a conversation are made once for each version of it.
struct entries_by_id_and_version : backend {
    using backend::backend;
    json::object push_entry(std::string const& id, conversation const& c) override {
        auto fresh = backend::push_entry(id, c);
        auto messages = fresh.at("messages");
        auto out = made_.emplace(std::pair{id, c.version}, std::move(fresh)).first->second;
        out["messages"] = std::move(messages);
        return out;
    }

private:
    std::map<std::pair<std::string, std::int64_t>, json::object> made_;
};
/// Refusals are filed by the backend.
struct refused_by_the_backend : backend {
    using backend::backend;
    bool is_due(conversation const& c, std::string const& id, peer_record const& peer, link const& to) override {
        for (auto const& [peer_id, other] : held().peers)
            if (other.backend_id == peer.backend_id)
                if (auto const aside = held().links[peer_id].set_aside.find(id); aside != held().links[peer_id].set_aside.end() && aside->second > steady::now()) return false;
        return backend::is_due(c, id, peer, to);
    }
};

// ---- requests ----

/// The library repeats a request when a connection that was kept turns out to be closed.
struct repeated_by_the_library : backend {
    using backend::backend;
    explicit repeated_by_the_library(settings s, bool of_pushes) : backend{std::move(s)}, of_pushes_{of_pushes} {}
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        auto const begun = steady::now();
        auto got = backend::transmit(origin, r, timeout, stop);
        bool const is_one = of_pushes_ ? r.method == "POST" : r.method == "GET" && !r.target.ends_with("/health");
        if (got) kept_ = true;
        else if (is_one && kept_ && steady::now() - begun < seconds{1}) got = backend::transmit(origin, r, timeout, stop);
        return got;
    }

private:
    bool const of_pushes_ = false;
    std::atomic<bool> kept_ = false;
};
struct pushes_repeated_by_the_library : repeated_by_the_library {
    explicit pushes_repeated_by_the_library(settings s) : repeated_by_the_library{std::move(s), true} {}
};
/// The clock is set by the Date of whoever says that it is wrong.
struct clock_of_whoever : backend {
    using backend::backend;
    void settle_push(peer_record const& peer, link& to, answered const& r) override {
        learn(r);
        backend::settle_push(peer, to, r);
    }
    void settle_pull(peer_record const& peer, link& to, answered const& r) override {
        learn(r);
        backend::settle_pull(peer, to, r);
    }
    json::object payload(peer_record const& peer, parcel const& p, instant now) override { return backend::payload(peer, p, now + milliseconds{ahead_}); }
    std::string peer_assertion(peer_record const& peer, std::string const& method, std::string const& target, instant now) override { return backend::peer_assertion(peer, method, target, now + milliseconds{ahead_}); }

private:
    void learn(answered const& r) {
        auto const* date = r ? r->headers.find("Date") : nullptr;
        std::tm at{};
        if (date && r->status == 401 && text_in(body_of(r), "code") == "stale-request" && strptime(date->c_str(), "%a, %d %b %Y %H:%M:%S GMT", &at)) ahead_ = (timegm(&at) - system_now().seconds) * 1'000;
    }
    std::atomic<std::int64_t> ahead_ = 0;
};

// ---- rows of pages ----

/// All pages are fetched in one loop.
struct whole_rows_of_pages : backend {
    using backend::backend;
    http_request pull_request(peer_record const& peer, link const& to, instant now) override {
        auto r = backend::pull_request(peer, to, now);
        std::lock_guard const lock{own_};
        asked_.insert_or_assign(*r.headers.find("Authorization"), std::pair{peer, to.since});
        return r;
    }
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        auto got = backend::transmit(origin, r, timeout, stop);
        auto const* credential = r.headers.find("Authorization");
        std::unique_lock lock{own_};
        auto const found = credential ? asked_.extract(*credential) : decltype(asked_)::node_type{};
        lock.unlock();
        if (!found) return got;
        auto const& [peer, since] = found.mapped();
        json::array all;
        for (auto page = body_of(got); got && got->status == 200; page = body_of(got)) {
            auto const* entries = page.if_contains("conversations");
            if (!entries || !entries->is_array()) return got;
            for (auto const& e : entries->get_array()) all.push_back(e);
            page["conversations"] = all;
            got->body = json::serialize(page);
            if (stop.stop_requested() || text_in(page, "cursor").empty()) return got;
            link at{};
            at.since = since;
            at.cursor = text_in(page, "cursor");
            got = backend::transmit(origin, backend::pull_request(peer, at, system_now()), timeout, stop);
        }
        return got;
    }

private:
    std::mutex own_;
    std::map<std::string, std::pair<peer_record, std::string>> asked_;
};
/// Who has given a page can be reached.
struct reachable_in_the_middle : backend {
    using backend::backend;
    bool may_exchange(peer_record const& peer, link const& to, instant now) override {
        link as_reached = to;
        as_reached.reachable = to.reachable || !to.cursor.empty();
        return backend::may_exchange(peer, as_reached, now);
    }
};
/// The token was looked at for the first page.
struct valid_in_the_middle : backend {
    using backend::backend;
    bool may_exchange(peer_record const& peer, link const& to, instant now) override {
        return backend::may_exchange(peer, to, to.cursor.empty() ? now : std::min(now, peer.sbt_created));
    }
};
/// The same cursor again would be an endless loop.
struct same_cursor_is_the_end : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        json::object p = page;
        if (!to.cursor.empty() && text_in(p, "cursor") == to.cursor) p["has_more"] = false, p.erase("cursor");
        return backend::take_in_page(peer, to, p);
    }
};
/// A pull from the beginning gives everything that there is.
struct full_copy_after_a_refusal : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        bool const begins = to.since.empty() && to.cursor.empty();
        auto& [known, given] = of_[peer.peer_id];
        if (begins) given.clear();
        if (!backend::take_in_page(peer, to, page)) return false;
        if (to.since.empty() && to.cursor.empty()) return true;  // of another epoch
        for (auto const& e : page.at("conversations").as_array()) given.insert(text_in(e.as_object(), "conversation_id"));
        if (to.cursor.empty() && is_whole_) {
            for (auto const& id : known)
                if (!given.contains(id)) tenant_of(peer.user_id).erase(id);
        }
        known.insert(given.begin(), given.end());
        is_whole_ = begins && !to.cursor.empty();
        return true;
    }
    void begin_anew(link& to) override {
        backend::begin_anew(to);
        is_whole_ = true;
    }
    void settle_pull(peer_record const& peer, link& to, answered const& r) override {
        bool const had = !to.since.empty();
        backend::settle_pull(peer, to, r);
        if (had && to.since.empty()) is_whole_ = true;
    }

private:
    bool is_whole_ = false;
    std::map<std::string, std::pair<std::set<std::string>, std::set<std::string>>> of_;
};

// ---- registrations and telemetry ----

/// The refusal is entered with the token that is stored when it comes.
struct refuses_the_stored_token : backend {
    using backend::backend;
    void settle_push(peer_record const& peer, link& to, answered const& r) override {
        backend::settle_push(held().peers.contains(peer.peer_id) ? peer_record{held().peers.at(peer.peer_id)} : peer, to, r);
    }
};
struct pulls_refuse_the_stored_token : backend {
    using backend::backend;
    void settle_pull(peer_record const& peer, link& to, answered const& r) override {
        backend::settle_pull(held().peers.contains(peer.peer_id) ? peer_record{held().peers.at(peer.peer_id)} : peer, to, r);
    }
};
/// A registration makes all that belongs to a peer anew.
struct renewal_ends_the_pause : backend {
    using backend::backend;
    void renew(peer_record& held_one, claimed_identity const& who, token const& t) override {
        backend::renew(held_one, who, t);
        held().links[held_one.peer_id].events_at = {};
    }
};
/// Sending goes on from the event whose answer came first.
struct resumes_at_the_first_answer : backend {
    using backend::backend;
    void event_limited(link& to, std::size_t place, std::int64_t retry_after_ms) override {
        backend::event_limited(to, place, retry_after_ms);
        from_.emplace(&to, to.events[place].id);
    }
    std::vector<std::string> take_events(link& to) override {
        auto const from = from_.find(&to);
        if (from == from_.end()) return backend::take_events(to);
        auto const at = std::ranges::find(to.events, from->second, &untold_event::id);
        std::vector<untold_event*> passed_over;
        if (at != to.events.end())
            for (auto e = to.events.begin(); e != at; ++e)
                if (!e->under_way) e->under_way = true, passed_over.push_back(&*e);
        auto out = backend::take_events(to);
        for (auto* e : passed_over) e->under_way = false;
        return out;
    }
    void stream_ended(link& to, int code) override {
        from_.erase(&to);
        backend::stream_ended(to, code);
    }

private:
    std::map<link*, std::string> from_;
};

}  // namespace

std::vector<fault> client_habit_faults() {
    constexpr auto client = setting::client;
    return {
        tried<echoes_by_source>(8, false, "F-OFF-981", "what names the peer as its source_backend is not pushed to it", {"off/due-whatever-its-source"}, client),
        tried<equal_content_is_known>(8, false, "F-OFF-982", "a message that reads as it did when it was pushed is not pushed again", {"off/written-back"}, client),
        tried<entries_by_id_and_version>(8, true, "F-OFF-983", "members of conversations are kept by id and version, whosever they are", {"off/one-backend-two-users-same-ids"}, client),
        tried<refused_by_the_backend>(8, false, "F-OFF-984", "what one user's registration refused is set aside for all of that backend", {"off/one-backend-two-users-same-ids"}, client),
        tried<repeated_by_the_library>(8, false, "F-OFF-985", "a pull whose connection ended is sent again at once, as it was", {"off/ended-without-answer"}, client),
        {"F-OFF-986", "a push whose connection ended is sent again at once, as it was", {"off/ended-without-answer"}, make<pushes_repeated_by_the_library>, client},
        tried<clock_of_whoever>(8, false, "F-OFF-987", "the Date of one peer's stale-request sets the clock for all", {"off/clock-of-a-peer"}, client),
        tried<whole_rows_of_pages>(8, false, "F-OFF-988", "all pages of a pull are fetched in one loop", {"off/sweep-ends"}, client),
        {"F-OFF-989", "a peer whose last page has a next one counts as reachable", {"off/sweep-ends"}, make<reachable_in_the_middle>, client},
        {"F-OFF-990", "the token is looked at for the first page of a pull only", {"off/sweep-ends"}, make<valid_in_the_middle>, client},
        tried<same_cursor_is_the_end>(8, false, "F-OFF-991", "a page whose cursor is the one that was asked with is taken for the last", {"off/pull-same-cursor"}, client),
        tried<full_copy_after_a_refusal>(8, true, "F-OFF-992", "what a second pull from the beginning does not give is removed", {"off/pull-is-no-deletion"}, client),
        tried<refuses_the_stored_token>(8, false, "F-OFF-993", "the refusal of a push's token counts for the one that is registered when it comes", {"off/token-refused-late"}, client),
        {"F-OFF-994", "the refusal of a pull's token counts for the one that is registered when it comes", {"off/token-refused-late"}, make<pulls_refuse_the_stored_token>, client},
        tried<renewal_ends_the_pause>(8, false, "F-OFF-995", "a new token ends the time of rate_limited", {"off/telemetry-pause-renewed"}, client),
        tried<resumes_at_the_first_answer>(8, false, "F-OFF-996", "after rate_limited it goes on from the event whose answer came first", {"off/telemetry-limited-out-of-order"}, client),
    };
}

}  // namespace bsp::faulty
