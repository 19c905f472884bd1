#include "../faults.hpp"

#include <bsp/base/utf8.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <set>

/// Faults of clients in what is refused, what has expired, and what another registration left behind.
namespace bsp::faulty {

namespace {

using std::chrono::seconds;
using answered = std::optional<http_response>;

std::string const& owner(std::map<std::string, link>& links, link const& to) {
    static std::string const nobody;
    for (auto const& [id, l] : links)
        if (&l == &to) return id;
    return nobody;
}

// ---- refusals ----

/// What follows of a long conversation whose beginning was refused goes by itself, and its acknowledgement ends the refusal.
struct refused_part_is_over : backend {
    using backend::backend;
    void narrow_down(link& to) override {
        parcel const whole = to.outgoing.front();
        auto rest = to.outgoing;
        rest.pop_front();
        backend::narrow_down(to);
        if (whole.ids.size() > 1) return;
        to.outgoing = std::move(rest);
        if (whole.last) to.pushed = whole.snapshot;
    }
};
/// One row for each peer.
struct one_refusal_each : backend {
    using backend::backend;
    void narrow_down(link& to) override {
        auto const before = to.set_aside;
        backend::narrow_down(to);
        if (to.set_aside.size() <= 1) return;
        std::erase_if(to.set_aside, [&](auto const& a) { return before.contains(a.first); });
    }
};
/// What was being repeated is made anew after a restart, from the position.
struct parcels_in_memory : backend {
    using backend::backend;
    void restart() override {
        for (auto& [id, to] : held().links) to.outgoing.clear();
    }
};
struct first_half_moves_position : parcels_in_memory {
    using parcels_in_memory::parcels_in_memory;
    void narrow_down(link& to) override {
        bool const halves = to.outgoing.front().ids.size() > 1;
        parcels_in_memory::narrow_down(to);
        if (halves) std::swap(to.outgoing[0].last, to.outgoing[1].last);
    }
};
/// Pushes of up to 8 MiB, as it reckons them.
struct reckons_sizes : backend {
    using backend::backend;
    void take_snapshot(peer_record const& peer, link& to) override {
        backend::take_snapshot(peer, to);
        for (std::size_t i = 1; i < to.outgoing.size();) {
            parcel &into = to.outgoing[i - 1], &from = to.outgoing[i];
            if (bytes_of(into) + bytes_of(from) > 8u << 20 || into.ids.size() + from.ids.size() > conversations_max() || messages_of(into) + messages_of(from) > messages_max()) {
                ++i;
                continue;
            }
            into.ids.insert(into.ids.end(), from.ids.begin(), from.ids.end());
            into.conversations.insert(into.conversations.end(), from.conversations.begin(), from.conversations.end());
            into.last = from.last;
            to.outgoing.erase(to.outgoing.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }

protected:
    virtual std::size_t bytes_of(parcel const& p) { return json::serialize(p.conversations).size(); }

private:
    static std::size_t messages_of(parcel const& p) {
        std::size_t n = 0;
        for (auto const& c : p.conversations) n += c.at("messages").as_array().size();
        return n;
    }
};
/// Sizes are those of the messages.
struct sizes_of_messages : reckons_sizes {
    using reckons_sizes::reckons_sizes;
    std::size_t bytes_of(parcel const& p) override {
        std::size_t n = 0;
        for (auto const& c : p.conversations) n += 500 + json::serialize(c.at("messages")).size();
        return n;
    }
};
/// Sizes are those of the text, and what travels is its escaped form.
struct sizes_without_escapes : reckons_sizes {
    using reckons_sizes::reckons_sizes;
    http_request push_request(peer_record const& peer, parcel const& p, instant now) override {
        auto r = backend::push_request(peer, p, now);
        r.body = escaped(r.body);
        return r;
    }

private:
    static std::string escaped(std::string_view text) {
        std::string out;
        for (std::size_t at = 0; at < text.size();) {
            if (static_cast<unsigned char>(text[at]) < 0x80) {
                out += text[at++];
                continue;
            }
            char32_t const point = *decode_utf8(text, at);
            std::array<char, 16> unit{};
            if (point < 0x10000) std::snprintf(unit.data(), unit.size(), "\\u%04x", static_cast<unsigned>(point));
            else std::snprintf(unit.data(), unit.size(), "\\u%04x\\u%04x", static_cast<unsigned>(0xD800 + ((point - 0x10000) >> 10)), static_cast<unsigned>(0xDC00 + ((point - 0x10000) & 0x3FF)));
            out += unit.data();
        }
        return out;
    }
};

// ---- tokens ----

/// Another token is one that expires later.
struct later_expiry_is_another : backend {
    using backend::backend;
    bool may_exchange(peer_record const& peer, link const& to, instant now) override {
        auto& until = refused_[peer.peer_id];
        if (to.refused_token == peer.sbt_created) until = std::max(until, peer.sbt_expires);
        return until < peer.sbt_expires && backend::may_exchange(peer, to, now);
    }

private:
    std::map<std::string, instant> refused_;
};
/// Loops begin for registrations that are valid when the process does.
struct expired_at_the_start : backend {
    using backend::backend;
    void restart() override {
        for (auto const& [id, peer] : held().peers)
            if (peer.sbt_expires <= system_now()) passed_over_.insert(id);
    }
    bool may_dial(peer_record const& peer) override { return !passed_over_.contains(peer.peer_id) && backend::may_dial(peer); }

private:
    std::set<std::string> passed_over_;
};
struct expiry_is_a_text : backend {
    using backend::backend;
    bool may_exchange(peer_record const& peer, link const& to, instant now) override {
        std::string const text{json::view(peer.sbt.at("expires_at").as_string())};
        peer_record read = peer;
        read.sbt_expires = format_timestamp(now) < text ? now + seconds{1} : now;
        return backend::may_exchange(read, to, now);
    }
};

// ---- another registration ----

/// What the backend was not told yet goes on with its next registration.
struct events_are_handed_on : backend {
    using backend::backend;
    void unpair(peer_record const& peer, instant now) override {
        auto& waiting = waiting_[peer.backend_id];
        for (auto e : held().links[peer.peer_id].events) {
            e.under_way = false;
            waiting.push_back(std::move(e));
        }
        backend::unpair(peer, now);
    }
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        BSP_TRY(peer_record * peer, backend::enter(who, key, t, now));
        if (auto const found = waiting_.extract(who.backend_id)) held().links[peer->peer_id].events = std::move(found.mapped());
        return peer;
    }

private:
    std::map<std::string, std::deque<untold_event>> waiting_;
};
/// user, backend and how many it was told: all that tells one event from another.
struct events_are_counted : backend {
    using backend::backend;
    void tell_of(link& to, std::string_view direction, json::array const& conversations, std::string const& sync_id) override {
        teller_ = owner(held().links, to);
        backend::tell_of(to, direction, conversations, sync_id);
    }
    std::string new_event_id() override {
        auto const& peer = held().peers.at(teller_);
        return "evt_" + to_hex(sha256(peer.user_id + '\n' + peer.backend_id + '\n' + std::to_string(++told_[teller_]))).substr(0, 24);
    }

private:
    std::string teller_;
    std::map<std::string, int> told_;
};

// ---- what is pulled ----

struct winner_is_pushed : backend {
    using backend::backend;
    json::object push_entry(std::string const& id, conversation const& c) override {
        auto out = backend::push_entry(id, c);
        for (char const* name : {"version", "last_modified"}) out[name] = c.winner.received.at(name);
        return out;
    }
};
/// A change that a peer brought is due to all but that peer.
struct revived_is_known : backend {
    using backend::backend;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        std::map<std::string, std::map<std::string, instant>> before;
        for (auto const& [id, c] : incoming)
            if (auto const held = tenant_of(peer.user_id).find(id); held != tenant_of(peer.user_id).end()) before[id] = held->second.brought;
        auto conflicts = backend::apply(peer, incoming, now);
        for (auto const& [id, brought] : before)
            for (auto const& [who, when] : brought)
                if (who != peer.peer_id) tenant_of(peer.user_id)[id].brought[who] = when;
        return conflicts;
    }
};
/// The parcels belong to the thread that pushes.
struct parcels_outlive_the_epoch : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        auto const waiting = to.outgoing;
        bool const taken = backend::take_in_page(peer, to, page);
        if (to.outgoing.empty()) to.outgoing = waiting;
        return taken;
    }
};

// ---- all peers together ----

struct eight_places : backend {
    using backend::backend;
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        {
            std::unique_lock lock{places_mutex_};
            if (!free_.wait(lock, stop, [&] { return places_ > 0; })) return std::nullopt;
            --places_;
        }
        auto out = backend::transmit(origin, r, timeout, stop);
        {
            std::lock_guard const lock{places_mutex_};
            ++places_;
        }
        free_.notify_one();
        return out;
    }

private:
    std::mutex places_mutex_;
    std::condition_variable_any free_;
    int places_ = 8;
};

}  // namespace

std::vector<fault> refusal_faults() {
    return {
        tried<one_refusal_each>(7, false, "F-OFF-941", "a second conversation that is refused takes the place of the first", {"off/refused-stay-aside"}, setting::client),
        tried<sizes_without_escapes>(7, false, "F-OFF-942", "the size of a push is reckoned without the escapes with which it travels", {"off/push-sizes"}, setting::client),
        tried<sizes_of_messages>(10, false, "F-OFF-1010", "what a conversation has beside its messages does not count toward the size of a push", {"off/push-sizes"}, setting::client),
        tried<later_expiry_is_another>(7, false, "F-OFF-943", "after sbt-expired only a token that expires later counts as another one", {"off/token-refused", "off/token-refused-pulls"}, setting::client),
        tried<first_half_moves_position>(7, false, "F-OFF-944", "of two halves of a refused push the first moves the position past both", {"off/restart-amid-refusals"}, setting::client),
        tried<expired_at_the_start>(7, false, "F-OFF-945", "a registration whose token has expired at a start is not looked at again", {"off/restart-amid-refusals"}, setting::client),
        tried<events_are_handed_on>(7, false, "F-OFF-946", "what waits of the telemetry of a registration that ended goes to the next one of the same backend", {"off/telemetry-paired-again"}, setting::client),
        tried<expiry_is_a_text>(7, false, "F-OFF-947", "the expiry of a token is compared as text", {"off/expiry-spelled"}, setting::client),
        tried<winner_is_pushed>(7, false, "F-OFF-948", "a push has version and last_modified of the write that won", {"off/joined-passed-on"}, setting::client),
        tried<eight_places>(7, false, "F-OFF-949", "all peers share eight places for requests", {"off/many-slow-peers"}, setting::client),
        tried<events_are_counted>(7, false, "F-OFF-950", "the ids of events are counted for each registration", {"off/telemetry-paired-again"}, setting::client),
        tried<parcels_outlive_the_epoch>(7, true, "F-OFF-951", "a push that is under way or to be repeated outlives a new epoch that a pull brings", {"off/epoch-changed-during-push"}, setting::client),
        tried<revived_is_known>(7, false, "F-OFF-962", "what was withheld with a deleted conversation is not due to the peer that brings it back", {"off/revived-by-peer"}, setting::client),
        tried<refused_part_is_over>(7, false, "F-OFF-963", "the acknowledgement of the rest of a long conversation ends the refusal of its beginning", {"off/refused-part"}, setting::client),
    };
}

}  // namespace bsp::faulty
