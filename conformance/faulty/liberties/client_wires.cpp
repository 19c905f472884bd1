#include "../liberties.hpp"

#include <httplib.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

/// Liberties of backends as clients: how requests travel, which others there are, and what is told of them.
namespace bsp::faulty {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using steady = std::chrono::steady_clock;
using answered = std::optional<http_response>;

void let_pass(milliseconds time, std::stop_token stop) {
    for (auto const until = steady::now() + time; !stop.stop_requested() && steady::now() < until;) std::this_thread::sleep_for(milliseconds{20});
}

// ---- requests ---------------------------------------------------------------------------------------------

/// Before each pull it looks around: identity, a HEAD, a preflight, the digest. Not /health: an answer there would bind it (BSP-OFF-041).
template <class Base>
struct curious : Base {
    using Base::Base;

protected:
    http_request pull_request(peer_record const& peer, link const& to, instant now) override {
        auto r = Base::pull_request(peer, to, now);
        auto const path = origin_and_path(peer.sync_endpoint).second, base = path.substr(0, path.rfind("/sync/")), digest = path + "/digest";
        std::vector<http_request> first{{"GET", base + "/identity", {}, {}, {}}, {"HEAD", base + "/identity", {}, {}, {}}, {"OPTIONS", path, {}, {}, {}},
                                        {"GET", digest, {{"Authorization", "BSP " + this->peer_assertion(peer, "GET", digest, now)}}, {}, {}}};
        std::lock_guard const lock{own_};
        first_[*r.headers.find("Authorization")] = std::move(first);
        return r;
    }
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        std::vector<http_request> first;
        if (auto const* whose = r.headers.find("Authorization")) {
            std::lock_guard const lock{own_};
            if (auto const found = first_.extract(*whose)) first = std::move(found.mapped());
        }
        for (auto const& one : first) (void)Base::transmit(origin, one, milliseconds{2'000}, stop);
        return Base::transmit(origin, r, timeout, stop);
    }

private:
    std::mutex own_;
    std::map<std::string, std::vector<http_request>> first_;
};

/// One connection for each kind of request, names of fields in lower case, and bodies in chunks.
template <class Base>
struct other_wire : Base {
    using Base::Base;

protected:
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        thread_local std::map<std::string, std::unique_ptr<httplib::Client>> wires;
        auto& wire = wires[origin];
        if (!wire) {
            wire = std::make_unique<httplib::Client>(origin);
            wire->set_keep_alive(true);
            wire->set_url_encode(false);
            wire->set_tcp_nodelay(true);
        }
        wire->set_connection_timeout(timeout);
        wire->set_read_timeout(timeout);
        wire->set_write_timeout(timeout);
        if (stop.stop_requested()) return std::nullopt;
        std::stop_callback const cut{stop, [&wire] { wire->stop(); }};
        httplib::Headers fields{{"accept", "*/*"}, {"accept-encoding", "identity"}, {"user-agent", "okhttp/4"}};
        for (auto const& [name, value] : r.headers) {
            std::string lower = name;
            std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            if (r.body.empty() || lower != "content-type") fields.emplace(lower, value);
        }
        auto const in_chunks = [&r](std::size_t offset, httplib::DataSink& sink) {
            if (offset >= r.body.size()) return sink.done(), true;
            return sink.write(r.body.data() + offset, std::min<std::size_t>(1'000, r.body.size() - offset));
        };
        httplib::Request plain;
        plain.method = r.method;
        plain.path = r.target;
        plain.headers = fields;
        auto const got = r.body.empty() ? wire->send(plain) : wire->Post(r.target, fields, in_chunks, "application/json");
        if (!got) return std::nullopt;
        http_response in{got->status, {}, got->body};
        for (auto const& [name, value] : got->headers) in.headers.add(name, value);
        return in;
    }
};

/// Everything takes it most of a second.
template <class Base>
struct sluggish : Base {
    using Base::Base;

protected:
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        let_pass(milliseconds{800}, stop);
        auto got = Base::transmit(origin, r, timeout, stop);
        let_pass(milliseconds{150}, stop);
        return got;
    }
};

/// What is not answered in six seconds is given up, unless it is to be held.
template <class Base>
struct impatient : Base {
    using Base::Base;

protected:
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        return Base::transmit(origin, r, r.target.find("wait=") == std::string::npos ? std::min(timeout, milliseconds{6'000}) : timeout, stop);
    }
};

/// Of every ten seconds there is one request for /health: now at their beginning, now at their end.
template <class Base>
struct uneven_health : Base {
    using Base::Base;

protected:
    milliseconds health_period() override { return milliseconds{100}; }
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        if (r.target.ends_with("/health")) {
            auto const now = std::chrono::duration_cast<milliseconds>(steady::now().time_since_epoch()) % seconds{20};
            auto const next = now < milliseconds{500} ? milliseconds{500} : now < milliseconds{19'500} ? milliseconds{19'500} : milliseconds{20'500};
            let_pass(next - now, stop);
        }
        return Base::transmit(origin, r, timeout, stop);
    }
};

// ---- telemetry --------------------------------------------------------------------------------------------

template <class Base>
struct tells_nothing : Base {
    using Base::Base;

protected:
    void tell_of(link&, std::string_view, json::array const&, std::string const&) override {}
};

template <class Base>
struct one_event_at_a_time : Base {
    using Base::Base;

protected:
    std::vector<std::string> take_events(link& to) override {
        if (to.events.empty() || std::ranges::any_of(to.events, &untold_event::under_way)) return {};
        to.events.front().under_way = true;
        return {json::serialize(to.events.front().event)};
    }
};

/// A stream for each event.
template <class Base>
struct one_event_a_stream : one_event_at_a_time<Base> {
    using one_event_at_a_time<Base>::one_event_at_a_time;

protected:
    void settle_event(link& to, std::string const& text) override {
        auto const before = to.events.size();
        Base::settle_event(to, text);
        if (to.events.size() < before) rests_[&to] = steady::now() + milliseconds{300};
    }
    bool may_stream(peer_record const& peer, link const& to, instant now) override { return steady::now() >= rests_[&to] && Base::may_stream(peer, to, now); }

private:
    std::map<link const*, steady::time_point> rests_;
};

/// An event that is not answered goes again on the same stream.
template <class Base>
struct repeats_events : Base {
    using Base::Base;

protected:
    std::vector<std::string> take_events(link& to) override {
        auto const now = steady::now();
        for (auto& e : to.events)
            if (e.under_way && sent_[e.id] + milliseconds{1'200} < now) e.under_way = false;
        auto out = Base::take_events(to);
        for (auto const& e : to.events)
            if (e.under_way && (!sent_.contains(e.id) || sent_[e.id] + milliseconds{1'200} < now)) sent_[e.id] = now;
        return out;
    }

private:
    std::map<std::string, steady::time_point> sent_;
};

/// It also tells that it is there, and of things that nobody asked about.
template <class Base>
struct heartbeats : Base {
    using Base::Base;

protected:
    std::vector<std::string> take_events(link& to) override {
        auto& last = last_[&to];
        if (steady::now() > last + seconds{2} && to.events.size() < 50) {
            last = steady::now();
            json::object e = this->event_of("none", {}, {});
            e["event_type"] = "heartbeat";
            e["metadata"] = json::object{{"load", 0.75}, {"none", nullptr}};
            e["latency_ms"] = nullptr;
            e["cost_usd"] = 1.5e-3;
            to.events.push_back({std::string{json::view(e.at("event_id").as_string())}, e});
        }
        return Base::take_events(to);
    }

private:
    std::map<link const*, steady::time_point> last_;
};

}  // namespace

std::vector<liberty> client_wire_liberties() {
    constexpr auto as_client = setting::client;
    return {
        takes<curious>("L-OFF-30", "asks for identity, digest and options before each pull", {"BSP-SYN-140", "BSP-GEN-107"}, as_client),
        takes<other_wire>("L-OFF-31", "keeps connections open, writes fields in lower case and bodies in chunks", {"BSP-MPP-003"}, as_client),
        takes<sluggish>("L-OFF-32", "takes most of a second for everything", {"BSP-OFF-010"}, as_client),
        takes<impatient>("L-OFF-33", "gives a request up after six seconds", {"BSP-OFF-016"}, as_client, {"off/gives-up"}),
        takes<uneven_health>("L-OFF-39", "asks for /health now at the beginning of ten seconds, now at their end", {"BSP-OFF-040"}, as_client),
        takes<tells_nothing>("L-OFF-34", "sends no telemetry", {"BSP-TEL-135"}, as_client),
        takes<one_event_at_a_time>("L-OFF-35", "sends an event when the one before was answered", {"BSP-TEL-059"}, as_client),
        takes<one_event_a_stream>("L-OFF-36", "opens a stream for each event", {"BSP-TEL-136"}, as_client),
        takes<repeats_events>("L-OFF-37", "sends an event again on the same stream when it is not answered", {"BSP-TEL-048", "BSP-TEL-137"}, as_client),
        takes<heartbeats>("L-OFF-38", "tells of more than exchanges", {"BSP-TEL-003"}, as_client),
        takes_all<other_wire, curious, sluggish, one_event_a_stream, heartbeats>("L-OFF-99", "liberties of the client's requests, all at once", as_client),
    };
}

}  // namespace bsp::faulty
