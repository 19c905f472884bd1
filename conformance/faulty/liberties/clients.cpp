#include "../liberties.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/utf8.hpp>
#include <bsp/crypto/signed_object.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <utility>

/// Liberties of backends as clients of their peers: what is pushed and pulled, in which order and pace, and how it is spelled.
namespace bsp::faulty {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using steady = std::chrono::steady_clock;

// ---- what goes into a push --------------------------------------------------------------------------------

template <class Base>
struct small_pushes : Base {
    using Base::Base;

protected:
    std::size_t conversations_max() override { return 40; }
    std::size_t messages_max() override { return 40; }
};

template <class Base>
struct newest_first : Base {
    using Base::Base;

protected:
    std::vector<std::pair<instant, std::string>> due_for(peer_record const& peer, link const& to) override {
        auto due = Base::due_for(peer, to);
        std::reverse(due.begin(), due.end());
        return due;
    }
};

/// Of a conversation go the messages that the peer does not have yet.
template <class Base>
struct changed_messages_only : Base {
    using Base::Base;

protected:
    json::object outgoing(json::object entry, peer_record const* to, typename Base::outlet by) override {
        auto out = Base::outgoing(std::move(entry), to, by);
        if (!to || by != Base::outlet::push) return out;
        auto const& there = there_[&this->held().links[to->peer_id]];
        auto const id = name_of(out, "conversation_id");
        json::array news;
        for (auto& m : out.at("messages").as_array())
            if (!there.contains({id, json::serialize(m)})) news.push_back(std::move(m));
        out["messages"] = std::move(news);
        return out;
    }
    void acknowledged(link& to, parcel const& p) override {
        for (auto const& c : p.conversations)
            for (auto const& m : c.at("messages").as_array()) there_[&to].insert({name_of(c.as_object(), "conversation_id"), json::serialize(m)});
        Base::acknowledged(to, p);
    }
    void begin_anew(link& to) override {
        there_[&to].clear();
        Base::begin_anew(to);
    }

private:
    static std::string name_of(json::object const& o, char const* member) { return std::string{json::view(o.at(member).as_string())}; }
    std::map<link const*, std::set<std::pair<std::string, std::string>>> there_;
};

/// After a refusal of content each conversation goes by itself.
template <class Base>
struct refused_one_by_one : Base {
    using Base::Base;

protected:
    void narrow_down(link& to) override {
        if (to.outgoing.front().ids.size() == 1) return Base::narrow_down(to);
        parcel const whole = std::move(to.outgoing.front());
        to.outgoing.pop_front();
        for (std::size_t i = whole.ids.size(); i-- > 0;)
            to.outgoing.push_front({this->new_sync_id(), {whole.conversations[i]}, {whole.ids[i]}, whole.snapshot, whole.last && i + 1 == whole.ids.size(), whole.redacted});
    }
};

/// When nothing is due an empty push tells the peer that this side is there.
template <class Base>
struct empty_pushes : Base {
    using Base::Base;

protected:
    void take_snapshot(peer_record const& peer, link& to) override {
        Base::take_snapshot(peer, to);
        auto& last = last_[&to];
        if (!to.outgoing.empty() || steady::now() < last + seconds{4}) return;
        last = steady::now();
        to.outgoing.push_back({this->new_sync_id(), {}, {}, this->held().last_commit, true, this->redacts_for(peer)});
    }
    void narrow_down(link& to) override {
        if (to.outgoing.front().ids.empty()) to.outgoing.pop_front();
        else Base::narrow_down(to);
    }

private:
    std::map<link const*, steady::time_point> last_;
};

// ---- how it is spelled ------------------------------------------------------------------------------------

/// JSON with spaces, and with escapes wherever there may be one.
std::string spelled_at_length(std::string_view compact) {
    std::string out;
    bool quoted = false;
    for (std::size_t at = 0; at < compact.size();) {
        char const c = compact[at];
        if (static_cast<unsigned char>(c) >= 0x80) {
            char32_t const point = *decode_utf8(compact, at);
            std::array<char, 16> text{};
            if (point < 0x10000) std::snprintf(text.data(), text.size(), "\\u%04X", static_cast<unsigned>(point));
            else std::snprintf(text.data(), text.size(), "\\u%04x\\u%04x", static_cast<unsigned>(0xD800 + ((point - 0x10000) >> 10)), static_cast<unsigned>(0xDC00 + ((point - 0x10000) & 0x3FF)));
            out += text.data();
            continue;
        }
        ++at;
        if (quoted && c == '\\') out.append(1, c).append(1, compact[at++]);
        else if (quoted && c == '/') out += "\\/";
        else out += c;
        if (c == '"') quoted = !quoted;
        else if (!quoted && (c == ',' || c == ':')) out += c == ',' ? "\n  " : " ";
    }
    return out + "\r\n";
}

template <class Base>
struct other_spellings : Base {
    using Base::Base;

protected:
    json::object payload(peer_record const& peer, parcel const& p, instant now) override {
        auto out = Base::payload(peer, p, now);
        out["timestamp"] = format_timestamp(instant{now.seconds, 120'000'000}).substr(0, 22) + "0000000Z";
        out.erase("signature");
        out["signature"] = sign_object(out, this->key()).value();
        return out;
    }
    http_request push_request(peer_record const& peer, parcel const& p, instant now) override {
        auto r = Base::push_request(peer, p, now);
        r.headers.set("Content-Type", "application/json; charset=utf-8");
        r.body = spelled_at_length(r.body);
        return r;
    }
    std::string new_sync_id() override { return random_hex(64); }
    std::string new_jti() override { return random_hex(32); }
    std::string new_event_id() override { return "E." + random_hex(60) + "~"; }
};

/// The members that may be left out of a payload are.
template <class Base>
struct bare_payloads : Base {
    using Base::Base;

protected:
    json::object payload(peer_record const& peer, parcel const& p, instant now) override {
        auto out = Base::payload(peer, p, now);
        for (char const* name : {"signature", "peer_id", "source_backend_id", "target_backend_id"}) out.erase(name);
        out["signature"] = sign_object(out, this->key()).value();
        return out;
    }
};

// ---- pulls ------------------------------------------------------------------------------------------------

/// A pull of another target, with an assertion for that.
template <class Base>
struct aiming : Base {
    using Base::Base;

protected:
    http_request aimed(peer_record const& peer, http_request r, instant now) {
        r.headers.set("Authorization", "BSP " + this->peer_assertion(peer, "GET", r.target, now));
        return r;
    }
};

template <class Base>
struct one_entry_a_page : aiming<Base> {
    using aiming<Base>::aiming;

protected:
    http_request pull_request(peer_record const& peer, link const& to, instant now) override {
        auto r = Base::pull_request(peer, to, now);
        r.target += (r.target.find('?') == std::string::npos ? "?limit=1" : "&limit=1");
        return this->aimed(peer, std::move(r), now);
    }
};

/// A cursor goes without the watermark, and no pull is held for long.
template <class Base>
struct cursor_alone : aiming<Base> {
    using aiming<Base>::aiming;

protected:
    http_request pull_request(peer_record const& peer, link const& to, instant now) override {
        link as_if = to;
        if (!as_if.cursor.empty()) as_if.since.clear();
        auto r = Base::pull_request(peer, as_if, now);
        if (auto const at = r.target.find("wait=25"); at != std::string::npos) r.target.replace(at, 7, "wait=3");
        return this->aimed(peer, std::move(r), now);
    }
};

template <class Base>
struct one_page_an_interval : Base {
    using Base::Base;

protected:
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        bool const taken = Base::take_in_page(peer, to, page);
        if (!to.cursor.empty()) to.next_pull = link::time::max();
        return taken;
    }
};

/// It pulls more often than it must.
template <class Base>
struct frequent_pulls : Base {
    using Base::Base;

protected:
    milliseconds pull_period(link const& to) override { return std::min(to.interval, milliseconds{1'300}); }
};

/// In each interval there is a pull: now at its end, now at its beginning.
template <class Base>
struct uneven_pulls : Base {
    using Base::Base;

protected:
    milliseconds pull_period(link const& to) override {
        auto const whole = std::chrono::duration_cast<seconds>(to.pull_begun.time_since_epoch()).count();
        return whole % 2 == 0 ? to.interval * 17 / 10 : std::max(to.interval * 3 / 10, milliseconds{1'000});
    }
};

template <class Base>
struct no_held_pulls : Base {
    using Base::Base;

protected:
    bool holds_pulls_open(peer_record const&) override { return false; }
};

// ---- pace -------------------------------------------------------------------------------------------------

/// After every failure it waits as long as one may.
template <class Base>
struct longest_pauses : Base {
    using Base::Base;

protected:
    milliseconds retry_delay(unsigned) override { return seconds{64}; }
    milliseconds pause_after_refusal() override { return seconds{5}; }
};

template <class Base>
struct frequent_health : Base {
    using Base::Base;

protected:
    milliseconds health_period() override { return seconds{2}; }
};

}  // namespace

std::vector<liberty> client_liberties() {
    constexpr auto as_client = setting::client;
    return {
        takes<small_pushes>("L-OFF-02", "spreads what is due over small pushes, and a conversation over several", {"BSP-OFF-021"}, as_client),
        takes<newest_first>("L-OFF-03", "pushes the latest change first", {"BSP-OFF-022"}, as_client, {"off/order-of-commits"}),
        takes<changed_messages_only>("L-OFF-04", "pushes the messages that changed, without the others of their conversation", {"BSP-OFF-001", "BSP-SYN-111"}, as_client),
        takes<refused_one_by_one>("L-OFF-05", "narrows a refused push down by its conversations one by one", {"BSP-OFF-031"}, as_client),
        takes<empty_pushes>("L-OFF-06", "sends a push without conversations every few seconds", {"BSP-SYN-039", "BSP-OFF-020"}, as_client),
        takes<other_spellings>("L-OFF-07", "spells bodies, times and ids otherwise", {"BSP-GEN-031", "BSP-GEN-060", "BSP-SYN-031"}, as_client),
        takes<bare_payloads>("L-OFF-08", "leaves the optional members of a payload out", {"BSP-SYN-033"}, as_client, {"off/audience-named"}),
        takes<one_entry_a_page>("L-OFF-09", "pulls with limit 1", {"BSP-SYN-112"}, as_client),
        takes<cursor_alone>("L-OFF-10", "sends a cursor without since, and waits for three seconds", {"BSP-SYN-116", "BSP-OFF-056"}, as_client),
        takes<one_page_an_interval>("L-OFF-11", "pulls one page in each interval", {"BSP-OFF-050"}, as_client),
        takes<frequent_pulls>("L-OFF-12", "pulls more often than the interval says", {"BSP-OFF-012", "BSP-OFF-057"}, as_client),
        takes<uneven_pulls>("L-OFF-13", "pulls now at the beginning of an interval, now at its end", {"BSP-OFF-012"}, as_client),
        takes<no_held_pulls>("L-OFF-14", "keeps no pull open", {"BSP-OFF-056"}, as_client, {"off/live-pull", "off/live-pull-later"}),
        takes<longest_pauses>("L-OFF-15", "waits 64 seconds after every failure", {"BSP-OFF-030"}, as_client),
        takes<frequent_health>("L-OFF-16", "asks for /health every two seconds", {"BSP-OFF-040"}, as_client),
    };
}

}  // namespace bsp::faulty
