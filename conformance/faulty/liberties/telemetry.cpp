#include "../liberties.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <utility>

/// Liberties of whoever receives telemetry and lists it.
namespace bsp::faulty {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using steady = std::chrono::steady_clock;
using reply = socket_service::reply;

// ---- the connection ---------------------------------------------------------------------------------------

/// Who is refused is let in and sent away at once, with 1008.
template <class Base>
struct refuses_behind_the_door : Base {
    using Base::Base;

    http_response open_socket(http_request const& upgrade, instant now, int& number) override {
        auto r = Base::open_socket(upgrade, now, number);
        auto const has = [&](char const* name) { return upgrade.headers.find(name) != nullptr; };
        bool const is_refusal = r.status == 401 || r.status == 403 || r.status == 404;
        if (!is_refusal || upgrade.method != "GET" || upgrade.target.find("/telemetry/") == std::string::npos || has("Origin") || !has("Sec-WebSocket-Key") || !has("Sec-WebSocket-Version")) return r;
        std::lock_guard const lock{own_};
        number = --last_;
        return {101, {{"Cache-Control", "no-store"}}, {}};
    }
    reply hear(int number, std::string const& text, instant now) override { return number < 0 ? away() : Base::hear(number, text, now); }
    reply look_after(int number, instant now) override { return number < 0 ? away() : Base::look_after(number, now); }
    void forget(int number) override {
        if (number >= 0) Base::forget(number);
    }

private:
    static reply away() { return {{}, 1008, "not you"}; }
    std::mutex own_;
    int last_ = 0;
};

/// Answers are held for a while, and come in another order.
template <class Base, int hold_ms>
struct holds_answers : Base {
    using Base::Base;

    reply hear(int number, std::string const& text, instant now) override {
        auto r = Base::hear(number, text, now);
        std::lock_guard const lock{own_};
        auto& all = held_[number];
        if (all.texts.empty()) all.due = steady::now() + milliseconds{hold_ms};
        all.texts.insert(all.texts.begin(), r.texts.begin(), r.texts.end());
        if (r.close == 0) return {};
        r.texts = std::move(all.texts);
        held_.erase(number);
        return r;
    }
    reply look_after(int number, instant now) override {
        auto r = Base::look_after(number, now);
        std::lock_guard const lock{own_};
        auto const found = held_.find(number);
        if (found == held_.end() || (r.close == 0 && steady::now() < found->second.due)) return r;
        r.texts = std::move(found->second.texts);
        held_.erase(found);
        return r;
    }
    void forget(int number) override {
        Base::forget(number);
        std::lock_guard const lock{own_};
        held_.erase(number);
    }

private:
    struct answers {
        std::vector<std::string> texts;
        steady::time_point due;
    };
    std::mutex own_;
    std::map<int, answers> held_;
};
template <class Base>
using answers_in_batches = holds_answers<Base, 20>;
template <class Base>
using answers_late = holds_answers<Base, 1'200>;

/// The handshake is looked at before the credential.
template <class Base>
struct handshake_first : Base {
    using Base::Base;

protected:
    typename Base::answer upgrade_telemetry(call const& c, std::string const& peer_id) override {
        BSP_CHECK(this->check_handshake(c));
        auto r = Base::upgrade_telemetry(c, peer_id);
        if (auto const* offer = c.request.headers.find("Sec-WebSocket-Protocol"); r && offer) r->headers.set("Sec-WebSocket-Protocol", offer->substr(0, offer->find(',')));
        return r;
    }
};

/// Whose token expires is sent away with the next event.
template <class Base>
struct expires_with_an_event : Base {
    using Base::Base;

    reply look_after(int number, instant now) override {
        auto r = Base::look_after(number, now);
        return r.close == 1008 && r.reason.find("expired") != std::string::npos ? reply{} : r;
    }
};

// ---- answers ----------------------------------------------------------------------------------------------

/// Answers say more, and a rejection has other words and codes.
template <class Base>
struct other_answers : Base {
    using Base::Base;

protected:
    reply acknowledge(std::string const& event_id) override {
        return {{"{ \"took_ms\" : 1.5,\n  \"event_id\" : " + json::serialize(json::value(event_id)) + ", \"node\":null, \"status\" : \"\\u0061cked\" }"}};
    }
    reply reject(json::value event_id, error const& why) override {
        json::object problem{{"code", "x-bad-event"}, {"detail", why.detail + "!"}, {"hint", json::object{{"see", "https://example.org/events"}}}, {"status", 400}, {"title", "Nicht g\xC3\xBCltig"}, {"type", "about:blank"}};
        return {{json::serialize(json::object{{"error", std::move(problem)}, {"x_at", 1}, {"event_id", std::move(event_id)}, {"status", "rejected"}})}};
    }
};

template <class Base>
struct larger_budget : Base {
    using Base::Base;

protected:
    bool within_budget(held_socket const& s, instant now) override {
        auto& recent = this->held().messages_of_peers[s.peer_id];
        std::erase_if(recent, [&](instant t) { return t + seconds{60} <= now; });
        if (recent.size() >= 1'990) return false;
        recent.push_back(now);
        return true;
    }
    reply excess(held_socket const& s, std::string const& text, instant now) override {
        auto said = json::parse(Base::excess(s, text, now).texts.front())->as_object();
        said["retry_after_ms"] = 1;
        said["note"] = "slowly";
        return {{json::serialize(said)}};
    }
};

/// Whoever sends too much is sent away.
template <class Base>
struct closes_on_excess : Base {
    using Base::Base;

protected:
    reply excess(held_socket const&, std::string const&, instant) override { return {{}, 1013, "too much"}; }
};

// ---- lists ------------------------------------------------------------------------------------------------

/// A page is cut before it is filtered: it may be empty, and others follow.
template <class Base>
struct pages_cut_first : Base {
    using Base::Base;

protected:
    typename Base::answer list_events(call const& c) override {
        BSP_TRY(principal const who, this->authenticate(c, peer_may | user_may));
        BSP_TRY(std::size_t const limit, this->limit_of(c));
        BSP_TRY(instant const since, this->since_of(c));
        std::string const* source = c.parameter("source_backend");
        if (source && !this->is_label(*source)) return fail(errc::invalid_query, "source_backend is no label");
        BSP_TRY(auto const cursor, this->cursor_of(c, "events " + who.user_id));
        std::int64_t const after = cursor ? cursor->at("n").as_int64() : 0;
        json::array entries;
        std::size_t seen = 0;
        std::int64_t last = after;
        bool more = false;
        for (auto const& e : this->held().events) {
            if (e.number <= after || !this->is_of(e, who.user_id)) continue;
            if (++seen > 400 || entries.size() == limit) {
                more = true;
                break;
            }
            last = e.number;
            if (this->moment_of(e) >= since && (!source || this->has_source(e, *source))) entries.push_back(this->event_entry(e));
        }
        json::object out{{"has_more", more}, {"events", std::move(entries)}};
        if (more) out["cursor"] = this->make_cursor({{"f", "events " + who.user_id}, {"n", last}});
        return this->json_answer(200, out);
    }
};

template <class Base>
struct small_pages_of_events : Base {
    using Base::Base;

protected:
    std::size_t events_on_page(std::size_t limit) override { return std::min<std::size_t>(limit, 40); }
};

template <class Base>
struct null_metrics : Base {
    using Base::Base;

protected:
    json::object event_entry(telemetry_event const& e) override {
        auto out = Base::event_entry(e);
        for (char const* name : {"latency_ms", "tokens_used", "cost_usd", "model"}) out.emplace(name, nullptr);
        return out;
    }
};

/// Columns for what is known: the rest goes, times are of one form, metrics that are null are left out.
template <class Base>
struct columns_of_events : Base {
    using Base::Base;

protected:
    json::object event_entry(telemetry_event const& e) override {
        json::object out;
        for (char const* name : {"metadata", "model", "cost_usd", "tokens_used", "latency_ms", "source_backend", "timestamp", "session_id", "event_type", "event_id"})
            if (auto const* v = e.received.if_contains(name); v && !v->is_null()) out[name] = *v;
        out["timestamp"] = format_timestamp(parse_timestamp(json::view(out.at("timestamp").as_string())).value());
        return out;
    }
};

template <class Base>
struct no_telemetry : Base {
    using Base::Base;

    http_response open_socket(http_request const& upgrade, instant now, int&) override { return this->handle(upgrade, now); }

protected:
    typename Base::answer dispatch(call& c) override {
        if (c.path.starts_with("/telemetry")) return fail(errc::not_found, "there is no telemetry here");
        return Base::dispatch(c);
    }
};

/// A cookie and other fields in every answer.
template <class Base>
struct cookies : Base {
    using Base::Base;

protected:
    void finish(call const& c, http_response& r) override {
        Base::finish(c, r);
        r.headers.add("Set-Cookie", "lb=7f3a; Path=/; HttpOnly");
        r.headers.add("Set-Cookie", "session=none; Max-Age=0");
        r.headers.add("X-Request-Id", random_hex(8));
        r.headers.add("Strict-Transport-Security", "max-age=63072000");
        r.headers.add("Content-Language", "de");
    }
};

}  // namespace

std::vector<liberty> telemetry_liberties() {
    constexpr auto plain = setting::plain;
    return {
        takes<refuses_behind_the_door>("L-TEL-01", "lets everybody in, and sends away with 1008 who is refused", {"BSP-TEL-022", "BSP-TEL-025"}),
        takes<answers_in_batches>("L-TEL-02", "answers events in batches, the last one first", {"BSP-TEL-049"}),
        takes<answers_late>("L-TEL-03", "answers events after more than a second", {"BSP-TEL-049", "BSP-TEL-056"}, plain, {"tel/prompt", "tel/slow-beside-fast"}),
        takes<handshake_first>("L-TEL-04", "looks at the handshake before the credential, and takes an offered subprotocol", {"BSP-TEL-033", "BSP-TEL-035"}),
        takes<expires_with_an_event>("L-TEL-05", "ends the connection of an expired peer with its next event", {"BSP-TEL-064"}, plain, {"tel/expiry-silent", "tel/expiry-busy"}),
        takes<other_answers>("L-TEL-06", "answers events with further members, and rejections with codes of its own", {"BSP-TEL-041", "BSP-TEL-045"}, plain, {"tel/rejection-codes"}),
        takes<larger_budget>("L-TEL-07", "has room for nearly 2,000 events a minute, and asks for a short pause", {"BSP-TEL-120", "BSP-TEL-121", "BSP-TEL-122"}),
        takes<closes_on_excess>("L-TEL-08", "closes with 1013 when the budget is spent", {"BSP-TEL-122", "BSP-TEL-124"}, plain, {"tel/excess-answered"}),
        takes<pages_cut_first>("L-TEL-09", "cuts pages of events before it filters them", {"BSP-TEL-107", "BSP-TEL-109"}),
        takes<small_pages_of_events>("L-TEL-10", "gives fewer events on a page than are asked for", {"BSP-TEL-107"}),
        takes<null_metrics>("L-TEL-11", "gives as null what an event does not have", {"BSP-TEL-102"}),
        takes<columns_of_events>("L-TEL-12", "keeps of an event what the table names", {"BSP-TEL-102", "BSP-TEL-103", "BSP-TEL-104", "BSP-TEL-105"}, plain, {"tel/timestamp-verbatim", "tel/unknown-members-kept", "tel/received-at"}),
        takes<no_telemetry>("L-TEL-13", "has no telemetry", {"BSP-TEL-033"}),
        through({.in_fragments = true, .no_reasons = true}, takes<unchanged>("L-TEL-14", "sends its messages in fragments, pings, and closes without reasons", {"BSP-TEL-074", "BSP-TEL-081", "BSP-TEL-031"})),
        through({.looks_for_life = true}, takes<unchanged>("L-TEL-15", "pings every ten seconds and ends connections that do not answer", {"BSP-TEL-081"})),
        takes<cookies>("L-MPP-01", "every answer has cookies and further fields", {"BSP-MPP-002"}),
        through({.in_fragments = true, .looks_for_life = true, .no_reasons = true},
                takes_all<refuses_behind_the_door, answers_in_batches, handshake_first, expires_with_an_event, other_answers, larger_budget, small_pages_of_events, null_metrics, cookies>(
                    "L-TEL-99", "liberties of telemetry, all at once", plain, {"tel/expiry-silent", "tel/expiry-busy", "tel/rejection-codes", "tel/prompt"})),
    };
}

}  // namespace bsp::faulty
