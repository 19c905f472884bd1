#include "../faults.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/signed_object.hpp>

#include <algorithm>
#include <atomic>
#include <thread>

/// Faults of backends as clients of their peers (chapter 10).
namespace bsp::faulty {

namespace {

using std::chrono::seconds;
using clock = std::chrono::steady_clock;
using answered = std::optional<http_response>;

struct outage_forgotten : backend {
    using backend::backend;
    void reachability_changed(link& to, bool reachable) override {
        if (reachable && !to.outgoing.empty()) to.pushed = held().last_commit, to.outgoing.clear();
        else if (reachable && to.pushed > instant{}) to.pushed = held().last_commit;
        backend::reachability_changed(to, reachable);
    }
};
struct queue_in_memory : backend {
    using backend::backend;
    void restart() override {
        for (auto& [id, to] : held().links) to.pushed = held().last_commit, to.outgoing.clear();
    }
};
struct positions_in_memory : backend {
    using backend::backend;
    void restart() override {
        for (auto& [id, to] : held().links) to.since.clear(), to.cursor.clear();
    }
};
struct errors_are_success : backend {
    using backend::backend;
    outcome outcome_of_push(parcel const& p, answered const& r, json::value const& b) override { return r && r->status >= 500 ? outcome::done : backend::outcome_of_push(p, r, b); }
};
struct hot_loop : backend {
    using backend::backend;
    milliseconds pause_after_refusal() override { return milliseconds{5}; }
    milliseconds left_alone_for() override { return milliseconds{5}; }
    void narrow_down(link&) override {}
};
struct as_fast_as_they_come : backend {
    using backend::backend;
    milliseconds push_gap() override { return {}; }
};
struct waits_for_ever : backend {
    using backend::backend;
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        return backend::transmit(origin, r, r.method == "POST" ? std::chrono::minutes{10} : timeout, stop);
    }
};
struct retry_after_ignored : backend {
    using backend::backend;
    milliseconds retry_after(answered const&, instant) override { return {}; }
};
struct retry_after_in_seconds_only : backend {
    using backend::backend;
    milliseconds retry_after(answered const& r, instant now) override {
        std::string const* given = r ? r->headers.find("Retry-After") : nullptr;
        return given && given->find(' ') != std::string::npos ? milliseconds{} : backend::retry_after(r, now);
    }
};
struct constant_backoff : backend {
    using backend::backend;
    milliseconds retry_delay(unsigned) override { return seconds{1}; }
};
struct no_backoff : backend {
    using backend::backend;
    milliseconds retry_delay(unsigned) override { return milliseconds{20}; }
};
struct gives_up_after_five : backend {
    using backend::backend;
    void failed(link& to, channel which, answered const& r) override {
        backend::failed(to, which, r);
        if (which != pushes || ++failures_[to.outgoing.front().sync_id] < 6) return;
        to.pushed = to.outgoing.front().snapshot;
        to.outgoing.pop_front();
    }
    std::map<std::string, int> failures_;
};
struct position_moves_on_failure : backend {
    using backend::backend;
    void failed(link& to, channel which, answered const& r) override {
        backend::failed(to, which, r);
        if (which != pushes) return;
        to.pushed = to.outgoing.front().snapshot;
        to.outgoing.pop_front();
    }
};
struct position_is_now : backend {
    using backend::backend;
    void acknowledged(link& to, parcel const& p) override {
        backend::acknowledged(to, p);
        to.pushed = held().last_commit;
    }
};
struct another_sync_id_each_time : backend {
    using backend::backend;
    void failed(link& to, channel which, answered const& r) override {
        backend::failed(to, which, r);
        if (which == pushes) to.outgoing.front().sync_id = new_sync_id();
    }
};
struct body_kept : backend {
    using backend::backend;
    json::object payload(peer_record const& peer, parcel const& p, instant now) override {
        auto const kept = bodies_.find(p.sync_id);
        return kept != bodies_.end() ? kept->second : bodies_[p.sync_id] = backend::payload(peer, p, now);
    }
    std::map<std::string, json::object> bodies_;
};
struct content_remade : backend {
    using backend::backend;
    void failed(link& to, channel which, answered const& r) override {
        backend::failed(to, which, r);
        if (which != pushes) return;
        to.outgoing.front().conversations.push_back(to.outgoing.front().conversations.front());
        to.outgoing.front().ids.push_back(to.outgoing.front().ids.front());
    }
};
struct any_acknowledgement : backend {
    using backend::backend;
    outcome outcome_of_push(parcel const& p, answered const& r, json::value const& b) override {
        return r && r->status / 100 == 2 && b.is_object() && b.get_object().contains("status") ? outcome::done : backend::outcome_of_push(p, r, b);
    }
};
struct any_200 : backend {
    using backend::backend;
    outcome outcome_of_push(parcel const& p, answered const& r, json::value const& b) override { return r && r->status == 200 ? outcome::done : backend::outcome_of_push(p, r, b); }
};
struct long_interval : backend {
    using backend::backend;
    milliseconds pull_period(link const&) override { return seconds{30}; }
};
struct overlapping_runs : backend {
    using backend::backend;
    void pull_loop(std::string const& id, std::stop_token stop) override {
        std::jthread const another{[this, id, stop](std::stop_token) {
            std::this_thread::sleep_for(seconds{2});
            backend::pull_loop(id, stop);
        }};
        backend::pull_loop(id, stop);
    }
};
struct interval_as_it_is : backend {
    using backend::backend;
    milliseconds interval_from(json::value const& b, milliseconds before) override {
        json::value const* given = b.is_object() ? b.get_object().if_contains("next_sync_in_ms") : nullptr;
        return given && given->is_int64() ? milliseconds{std::clamp<std::int64_t>(given->get_int64(), 5, 1'000'000'000)} : before;
    }
};
/// One loop that sleeps for the interval, as long as it is.
struct sleeps_the_interval : interval_as_it_is {
    using interval_as_it_is::interval_as_it_is;
    milliseconds interval_from(json::value const& b, milliseconds before) override {
        auto const given = interval_as_it_is::interval_from(b, before);
        stalled_ = stalled_ || given > seconds{300};
        return given;
    }
    bool wakes_on_change() override { return !stalled_; }
    bool stalled_ = false;
};
struct one_after_the_other : backend {
    using backend::backend;
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        while (busy_.exchange(true))
            if (stop.stop_requested()) return std::nullopt;
            else std::this_thread::sleep_for(milliseconds{5});
        auto out = backend::transmit(origin, r, timeout, stop);
        busy_ = false;
        return out;
    }
    std::atomic<bool> busy_ = false;
};
struct follows_redirects : backend {
    using backend::backend;
    answered transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop) override {
        auto out = backend::transmit(origin, r, timeout, stop);
        std::string const* where = out && out->status / 100 == 3 ? out->headers.find("Location") : nullptr;
        if (!where) return out;
        auto [to, path] = origin_and_path(*where);
        auto again = r;
        again.target = path;
        return backend::transmit(to, again, timeout, stop);
    }
};
struct redirect_is_success : backend {
    using backend::backend;
    outcome outcome_of_push(parcel const& p, answered const& r, json::value const& b) override { return r && r->status / 100 == 3 ? outcome::done : backend::outcome_of_push(p, r, b); }
};
struct telemetry_in_payload : backend {
    using backend::backend;
    void failed(link& to, channel which, answered const& r) override {
        backend::failed(to, which, r);
        events_ = true;
    }
    void take_snapshot(peer_record const& peer, link& to) override {
        backend::take_snapshot(peer, to);
        if (to.outgoing.empty() || !events_.exchange(false)) return;
        to.outgoing.back().conversations.push_back(json::object{{"event_id", "ev_" + random_hex(8)}, {"event_type", "sync_failed"}, {"timestamp", format_timestamp(system_now())}});
        to.outgoing.back().ids.emplace_back("");
    }
    std::atomic<bool> events_ = false;
};
struct resumes_late : backend {
    using backend::backend;
    void reachability_changed(link& to, bool reachable) override {
        bool const again = reachable && to.pushed > instant{};
        backend::reachability_changed(to, reachable);
        if (again) to.retry_at = {clock::now() + seconds{45}, clock::now() + seconds{45}};
    }
};
struct keeps_counting : backend {
    using backend::backend;
    void reachability_changed(link& to, bool reachable) override {
        auto const failures = to.failures;
        backend::reachability_changed(to, reachable);
        to.failures = failures;
        if (reachable && failures[pushes] > 0) to.retry_at[pushes] = clock::now() + retry_delay(failures[pushes]);
    }
};
struct unpairing_unheard : backend {
    using backend::backend;
    void unpair(peer_record const& peer, instant now) override { held().unpaired[{peer.user_id, peer.backend_id}] = now; }
};
struct everything_each_cycle : backend {
    using backend::backend;
    void acknowledged(link& to, parcel const& p) override {
        backend::acknowledged(to, p);
        to.pushed = link{}.pushed;
        to.not_before[pushes] = clock::now() + seconds{2};
    }
};
struct timer_only : backend {
    using backend::backend;
    bool wakes_on_change() override { return false; }
};
struct any_page_is_health : backend {
    using backend::backend;
    bool is_healthy(answered const& r) override { return r && r->status == 200; }
};
struct any_answer_is_health : backend {
    using backend::backend;
    bool is_healthy(answered const& r) override { return r.has_value(); }
};
struct never_pulls : backend {
    using backend::backend;
    void pull_loop(std::string const&, std::stop_token) override {}
};
struct history_not_due : backend {
    using backend::backend;
    void note_endpoints(json::fields const& body, token const& t, peer_record& peer) override {
        bool const is_new = !held().links.contains(peer.peer_id);
        backend::note_endpoints(body, t, peer);
        if (is_new) held().links[peer.peer_id].pushed = held().last_commit;
    }
};
struct signs_other_text : backend {
    using backend::backend;
    json::object payload(peer_record const& peer, parcel const& p, instant now) override {
        json::object out = backend::payload(peer, p, now);
        out.erase("signature");
        out["signature"] = to_base64(key().sign_ps256(json::serialize(out)));
        return out;
    }
};
struct audience_left_out : backend {
    using backend::backend;
    json::object payload(peer_record const& peer, parcel const& p, instant now) override {
        json::object out{{"sync_id", p.sync_id}, {"timestamp", format_timestamp(now)}, {"conversations", p.conversations}};
        out["signature"] = sign_object(out, key()).value();
        static_cast<void>(peer);
        return out;
    }
};
struct due_by_name : backend {
    using backend::backend;
    std::vector<std::pair<instant, std::string>> due_for(peer_record const& peer, link const& to) override {
        auto due = backend::due_for(peer, to);
        std::sort(due.begin(), due.end(), [](auto const& a, auto const& b) { return a.second < b.second; });
        return due;
    }
};
struct one_each : backend {
    using backend::backend;
    std::size_t conversations_max() override { return 1; }
};
struct all_in_one : backend {
    using backend::backend;
    std::size_t conversations_max() override { return 100'000; }
};
struct long_in_one : backend {
    using backend::backend;
    std::size_t messages_max() override { return 100'000; }
};
struct refused_stays_first : backend {
    using backend::backend;
    outcome outcome_of(int status, std::string const& code) override {
        auto const o = backend::outcome_of(status, code);
        return o == outcome::refused_content ? outcome::again : o;
    }
};
struct only_422_is_content : backend {
    using backend::backend;
    outcome outcome_of(int status, std::string const& code) override { return status == 400 ? outcome::left_alone : backend::outcome_of(status, code); }
};
struct unknown_code_is_final : backend {
    using backend::backend;
    outcome outcome_of(int status, std::string const& code) override { return code == "a-code-of-tomorrow" ? outcome::left_alone : backend::outcome_of(status, code); }
};
struct conflicts_scare : backend {
    using backend::backend;
    outcome outcome_of_push(parcel const& p, answered const& r, json::value const& b) override {
        auto const o = backend::outcome_of_push(p, r, b);
        json::value const* all = o == outcome::done ? b.get_object().if_contains("conflicts") : nullptr;
        return all && all->is_array() && !all->get_array().empty() ? outcome::again : o;
    }
};
struct expiry_drops : backend {
    using backend::backend;
    outcome outcome_of_push(parcel const& p, answered const& r, json::value const& b) override {
        auto const o = backend::outcome_of_push(p, r, b);
        return o == outcome::waits_for_token ? outcome::done : o;
    }
};
struct epoch_is_an_error : backend {
    using backend::backend;
    outcome outcome_of(int status, std::string const& code) override {
        auto const o = backend::outcome_of(status, code);
        return o == outcome::begins_anew ? outcome::other_sync_id : o;
    }
};
struct health_once : backend {
    using backend::backend;
    milliseconds health_period() override { return std::chrono::hours{1}; }
};
struct everybodys_changes : backend {
    using backend::backend;
    void take_snapshot(peer_record const& peer, link& to) override {
        auto of_somebody = peer;
        for (auto const& [user, all] : held().tenants) {
            of_somebody.user_id = user;
            backend::take_snapshot(of_somebody, to);
        }
    }
};
struct expired_goes_on : backend {
    using backend::backend;
    bool may_exchange(peer_record const& peer, link const& to, instant) override { return !peer.revoked && to.reachable; }
};
struct first_page_only : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        json::object only = page;
        only["has_more"] = false;
        return backend::take_in_page(peer, to, only);
    }
};
struct every_pages_mark : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        bool const read = backend::take_in_page(peer, to, page);
        if (json::string const* mark = json::find_string(page, "last_sync"); read && mark) to.since = json::view(*mark);
        return read;
    }
};
struct entry_by_entry : backend {
    using backend::backend;
    result<tenant> decode_page(json::object const& page) override {
        json::object readable = page;
        auto& all = readable["conversations"].as_array();
        for (auto it = all.begin(); it != all.end();) {
            json::object const one{{"conversations", json::array{*it}}};
            it = backend::decode_page(one) ? it + 1 : all.erase(it);
        }
        return backend::decode_page(readable);
    }
};
struct pages_checked_like_pushes : backend {
    using backend::backend;
    result<tenant> decode_page(json::object const& page) override {
        for (auto const& c : page.at("conversations").as_array())
            if (c.is_object() && c.get_object().at("messages").as_array().size() > 1'000) return fail(errc::payload_too_large, "too many messages");
        return backend::decode_page(page);
    }
};
struct future_refused : backend {
    using backend::backend;
    result<> check_ahead(instant t, instant) override { return backend::check_ahead(t, system_now()); }
};
struct refused_position_kept : backend {
    using backend::backend;
    outcome outcome_of(int status, std::string const& code) override { return status == 400 ? outcome::again : backend::outcome_of(status, code); }
};
struct epoch_unread : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        json::object plain = page;
        plain.erase("epoch");
        return backend::take_in_page(peer, to, plain);
    }
};
struct own_writes_only : backend {
    using backend::backend;
    bool is_due(conversation const& c, std::string const& id, peer_record const& peer, link const& to) override { return c.brought.contains("") && backend::is_due(c, id, peer, to); }
};
struct pushes_back : backend {
    using backend::backend;
    bool is_due(conversation const& c, std::string const&, peer_record const&, link const& to) override { return to.pushed < c.committed; }
};
struct one_position_for_all : backend {
    using backend::backend;
    http_request pull_request(peer_record const& peer, link const& to, instant now) override {
        link shared;
        shared.since = since_;
        shared.cursor = to.cursor;
        return backend::pull_request(peer, shared, now);
    }
    void settle_pull(peer_record const& peer, link& to, answered const& r) override {
        backend::settle_pull(peer, to, r);
        since_ = to.since;
    }
    std::string since_;
};
struct reads_any_interval : backend {
    using backend::backend;
    milliseconds interval_from(json::value const& b, milliseconds before) override {
        json::value const* given = b.is_object() ? b.get_object().if_contains("next_sync_in_ms") : nullptr;
        return given && !given->is_int64() ? seconds{300} : backend::interval_from(b, before);
    }
};
struct never_waits : backend {
    using backend::backend;
    bool holds_pulls_open(peer_record const&) override { return false; }
};
struct pulls_without_pause : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        bool const read = backend::take_in_page(peer, to, page);
        if (holds_pulls_open(peer)) to.next_pull = clock::now() + milliseconds{50};
        return read;
    }
};
struct one_jti : backend {
    using backend::backend;
    std::string new_jti() override { return backend_id(); }
};
struct path_without_query : backend {
    using backend::backend;
    std::string peer_assertion(peer_record const& peer, std::string const& method, std::string const& target, instant now) override {
        return backend::peer_assertion(peer, method, target.substr(0, target.find('?')), now);
    }
};
struct pulls_for_nothing : backend {
    using backend::backend;
    result<tenant> decode_page(json::object const&) override { return tenant{}; }
};

/// The entry that came is what there is of the conversation.
struct entries_replace : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        if (auto const incoming = decode_page(page))
            for (auto const& [id, from] : *incoming)
                if (auto const found = tenant_of(peer.user_id).find(id); found != tenant_of(peer.user_id).end())
                    std::erase_if(found->second.messages, [&](auto const& m) { return !from.messages.contains(m.first); });
        return backend::take_in_page(peer, to, page);
    }
};
struct begins_with_nothing : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        if (to.since.empty() && to.cursor.empty() && !page.at("conversations").as_array().empty()) std::erase_if(tenant_of(peer.user_id), [&](auto const& c) { return c.second.brought.contains(peer.peer_id); });
        return backend::take_in_page(peer, to, page);
    }
};
template <int What>
struct other_forms : backend {
    using backend::backend;
    json::object payload(peer_record const& peer, parcel const& p, instant now) override {
        json::object out = backend::payload(peer, p, now);
        if (What == 0) {
            for (auto& c : out["conversations"].as_array()) c.as_object()["version"] = c.at("version").to_number<double>();
            return out;
        }
        auto text = format_timestamp(What == 1 ? now + std::chrono::hours{2} : now);
        text.replace(text.size() - 1, 1, What == 1 ? "+02:00" : "");
        out["timestamp"] = text;
        out.erase("signature");
        out["signature"] = sign_object(out, key()).value();
        return out;
    }
};

template <class Mutant>
fault row(std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, setting needs = setting::client) {
    return {id, title, std::move(killed_by), make<Mutant>, needs};
}


}  // namespace

std::vector<fault> off_faults() {
    return {
        row<outage_forgotten>("F-OFF-01", "what is written during an outage is never pushed", {"off/outage"}),
        row<queue_in_memory>("F-OFF-02", "a restart forgets what is due", {"off/restart"}),
        row<errors_are_success>("F-OFF-03", "5xx is taken for a success", {"off/transient-answers", "off/same-push-again"}),
        row<hot_loop>("F-OFF-04", "what is refused with 4xx is tried again at once, and again", {"off/no-hot-loop"}),
        row<retry_after_ignored>("F-OFF-05", "Retry-After is ignored", {"off/retry-after"}),
        row<constant_backoff>("F-OFF-06", "a second's pause after every failure", {"off/backoff"}),
        row<gives_up_after_five>("F-OFF-07", "a push is dropped after five retries", {"off/backoff"}),
        row<position_moves_on_failure>("F-OFF-08", "the push position moves although the push failed", {"off/transient-answers"}),
        row<position_is_now>("F-OFF-09", "an acknowledgement moves the position past what was written while the push was under way", {"off/write-during-push"}),
        row<another_sync_id_each_time>("F-OFF-10", "every transmission of a push has another sync_id", {"off/same-push-again"}),
        row<body_kept>("F-OFF-11", "a push is transmitted again with its first timestamp", {"off/same-push-again"}),
        row<any_acknowledgement>("F-OFF-12", "acked_sync_id is not compared", {"off/wrong-acknowledgement"}),
        row<long_interval>("F-OFF-13", "a pull every half minute", {"off/pull-interval"}),
        row<interval_as_it_is>("F-OFF-14", "next_sync_in_ms of 0 makes it spin", {"off/interval-clamped"}),
        row<one_after_the_other>("F-OFF-15", "a peer that does not answer holds up all others", {"off/several-peers"}),
        row<follows_redirects>("F-OFF-16", "a redirect is followed to another origin", {"off/redirect"}),
        row<telemetry_in_payload>("F-OFF-19", "queued telemetry is pushed as a conversation", {"off/payload-is-conversations"}),
        row<resumes_late>("F-OFF-20", "it resumes 45 seconds after the peer is back", {"off/outage"}),
        row<everything_each_cycle>("F-OFF-23", "every cycle pushes everything", {"off/unchanged-not-resent"}),
        row<timer_only>("F-OFF-24", "changes are pushed by the timer only", {"off/pushes-on-change"}),
        row<any_page_is_health>("F-OFF-25", "a web page at /health is taken for health", {"off/unhealthy"}),
        row<never_pulls>("F-OFF-26", "it never pulls", {"off/pulls"}),
        row<as_fast_as_they_come>("F-OFF-191", "every change is a push of its own, however fast they come", {"off/push-budget"}),
        row<waits_for_ever>("F-OFF-192", "an answer to a push is waited for without an end", {"off/gives-up"}),
        row<history_not_due>("F-OFF-101", "what was written before the pairing is never pushed", {"off/pushes-history"}),
        row<signs_other_text>("F-OFF-102", "the payload is signed as compact JSON", {"off/push-is-signed"}),
        row<audience_left_out>("F-OFF-103", "a push names neither peer nor source nor target", {"off/audience-named"}),
        row<due_by_name>("F-OFF-104", "due conversations are sorted by their ids", {"off/order-of-commits"}),
        row<one_each>("F-OFF-105", "every conversation has a push of its own", {"off/changes-together"}),
        row<no_backoff>("F-OFF-106", "no pause after failures", {"off/backoff"}),
        row<all_in_one>("F-OFF-107", "any number of conversations go into one push", {"off/push-sizes"}),
        row<refused_stays_first>("F-OFF-108", "a push that is refused for its content is tried again for ever", {"off/refused-content"}),
        row<any_200>("F-OFF-109", "any 200 acknowledges a push", {"off/unreadable-answer", "off/wrong-acknowledgement"}),
        row<conflicts_scare>("F-OFF-110", "an acknowledgement with conflicts is taken for a failure", {"off/unknown-conflicts"}),
        row<expiry_drops>("F-OFF-111", "401 sbt-expired drops what was due", {"off/token-refused"}),
        row<epoch_is_an_error>("F-OFF-112", "409 epoch-changed is an error like any other", {"off/epoch-changed"}),
        row<overlapping_runs>("F-OFF-113", "a pull begins although one is under way", {"off/one-at-a-time"}),
        row<sleeps_the_interval>("F-OFF-114", "a huge next_sync_in_ms is slept", {"off/interval-huge"}),
        row<keeps_counting>("F-OFF-115", "the pause of the last failure goes on when the peer is back", {"off/reachable-again"}),
        row<health_once>("F-OFF-116", "/health is asked for once", {"off/health-period"}),
        row<everybodys_changes>("F-OFF-118", "one queue for all users", {"off/user-isolation"}),
        row<expired_goes_on>("F-OFF-119", "exchange goes on when the session binding token has expired", {"off/token-expired"}),
        row<positions_in_memory>("F-OFF-120", "a restart forgets the pull position", {"off/restart"}),
        row<unpairing_unheard>("F-OFF-121", "an unpaired peer goes on being pushed to", {"off/unpaired"}),
        row<first_page_only>("F-OFF-122", "has_more is not read", {"off/pull-pages"}),
        row<every_pages_mark>("F-OFF-123", "the last_sync of every page is kept as since", {"off/pull-pages"}),
        row<entry_by_entry>("F-OFF-124", "of a page that cannot be read the readable entries are taken", {"off/pull-whole-page"}),
        row<pages_checked_like_pushes>("F-OFF-125", "an entry of more than 1000 messages is refused", {"off/pull-lenient"}),
        row<refused_position_kept>("F-OFF-126", "a since that was refused is sent again", {"off/position-refused"}),
        row<epoch_unread>("F-OFF-127", "the epoch of a page is not read", {"off/epoch-of-page"}),
        row<own_writes_only>("F-OFF-128", "only what was written here is pushed", {"off/passed-on"}),
        row<pushes_back>("F-OFF-129", "what was pulled from a peer is pushed back to it", {"off/not-pushed-back"}),
        row<one_position_for_all>("F-OFF-130", "one pull position for all peers", {"off/positions-apart"}),
        row<reads_any_interval>("F-OFF-131", "a next_sync_in_ms that is no integer means five minutes", {"off/interval-no-integer"}),
        row<never_waits>("F-OFF-132", "the capability live_pull is not read", {"off/live-pull"}),
        row<pulls_without_pause>("F-OFF-133", "a pull with wait that brings nothing is followed by the next at once", {"off/pull-distance"}),
        row<one_jti>("F-OFF-134", "every assertion has the same jti", {"off/pull-authorized"}),
        row<pulls_for_nothing>("F-OFF-135", "what is pulled is not joined", {"off/pulls"}),
        row<retry_after_in_seconds_only>("F-OFF-136", "a Retry-After with a date is ignored", {"off/retry-after"}),
        row<redirect_is_success>("F-OFF-137", "a redirect is taken for a success", {"off/redirect"}),
        row<long_in_one>("F-OFF-138", "any number of messages go into one push", {"off/push-sizes"}),
        row<only_422_is_content>("F-OFF-139", "400 for a body stops the peer, unlike 422", {"off/refused-content"}),
        row<unknown_code_is_final>("F-OFF-140", "a code of tomorrow is final, whatever the status", {"off/transient-answers", "off/refused-content"}),
        row<content_remade>("F-OFF-141", "a push is transmitted again with other content under the same sync_id", {"off/same-push-again"}),
        row<any_answer_is_health>("F-OFF-142", "any answer of /health is taken for health", {"off/unhealthy"}),
        row<future_refused>("F-OFF-143", "an entry is refused because of a timestamp ahead", {"off/pull-lenient"}),
        row<path_without_query>("F-OFF-144", "htu is the path without the query", {"off/pull-authorized"}),
        row<entries_replace>("F-OFF-870", "a conversation is replaced by the entry that was pulled", {"off/pull-is-no-deletion"}),
        row<begins_with_nothing>("F-OFF-871", "a pull from the beginning replaces what was pulled before", {"off/pull-is-no-deletion"}),
        row<other_forms<0>>("F-OFF-872", "versions are pushed as floating-point numbers", {"off/push-form"}),
        row<other_forms<1>>("F-OFF-873", "pushes carry the local time with its offset", {"off/push-form"}),
        row<other_forms<2>>("F-OFF-874", "pushes carry the local time without its offset", {"off/push-form"}),
        row<queue_in_memory>("F-OFF-145", "what is due is written when the process ends, and lost when it is killed", {"off/kill"}),
    };
}

}  // namespace bsp::faulty
