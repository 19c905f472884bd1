#include "../faults.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <map>

/// Faults of backends as senders of telemetry (sections 10.7 and 11.8).
namespace bsp::faulty {

namespace {

using std::chrono::seconds;
using clock = std::chrono::steady_clock;

bool was_sent(untold_event const& e) { return e.under_way; }

struct put_back_one_by_one : backend {
    using backend::backend;
    void stream_ended(link& to, int code) override {
        std::reverse(to.events.begin(), std::find_if_not(to.events.begin(), to.events.end(), was_sent));
        backend::stream_ended(to, code);
    }
};
struct sent_is_told : backend {
    using backend::backend;
    std::vector<std::string> take_events(link& to) override {
        auto out = backend::take_events(to);
        std::erase_if(to.events, was_sent);
        return out;
    }
};
struct several_in_one : backend {
    using backend::backend;
    std::vector<std::string> take_events(link& to) override {
        std::string all;
        for (auto const& text : backend::take_events(to)) all.append(all.empty() ? "[" : ",").append(text);
        return all.empty() ? std::vector<std::string>{} : std::vector{all + "]"};
    }
};
struct another_id_each_time : backend {
    using backend::backend;
    void stream_ended(link& to, int code) override {
        for (auto& e : to.events)
            if (e.under_way) e.event["event_id"] = e.id = new_event_id();
        backend::stream_ended(to, code);
    }
};
struct attempts_are_counted : backend {
    using backend::backend;
    void stream_ended(link& to, int code) override {
        for (auto& e : to.events)
            if (e.under_way) e.event["metadata"].as_object()["attempt"] = 2;
        backend::stream_ended(to, code);
    }
};
struct a_goodbye_is_an_answer : backend {
    using backend::backend;
    void stream_ended(link& to, int code) override {
        if (code == 1001 || code == 1012) std::erase_if(to.events, was_sent);
        backend::stream_ended(to, code);
    }
};
struct answers_in_order : backend {
    using backend::backend;
    std::optional<std::size_t> event_answered(link const& to, json::object const&) override {
        return !to.events.empty() && to.events.front().under_way ? std::optional<std::size_t>{0} : std::nullopt;
    }
};
struct any_status_is_an_answer : backend {
    using backend::backend;
    void settle_event(link& to, std::string const& text) override {
        auto const said = json::parse(text);
        auto const place = said && said->is_object() ? event_answered(to, said->get_object()) : std::nullopt;
        if (place && !said->get_object().contains("retry_after_ms")) to.events.erase(to.events.begin() + static_cast<std::ptrdiff_t>(*place));
        else backend::settle_event(to, text);
    }
};
struct hangs_up_confused : backend {
    using backend::backend;
    void settle_event(link& to, std::string const& text) override {
        confused_ = confused_ || !json::parse(text);
        backend::settle_event(to, text);
    }
    bool may_stream(peer_record const& peer, link const& to, instant now) override { return !std::exchange(confused_, false) && backend::may_stream(peer, to, now); }
    bool confused_ = false;
};
struct rejected_is_tried_again : backend {
    using backend::backend;
    void event_rejected(link& to, std::size_t place) override {
        to.events[place].under_way = false;
        std::rotate(to.events.begin() + static_cast<std::ptrdiff_t>(place), to.events.begin() + static_cast<std::ptrdiff_t>(place) + 1, to.events.end());
        to.events_at = clock::now() + seconds{1};
    }
};
struct retry_after_unread : backend {
    using backend::backend;
    void event_limited(link& to, std::size_t place, std::int64_t) override {
        to.events[place].under_way = false;
        to.events_at = clock::now() + seconds{1};
    }
};
struct limited_is_an_answer : backend {
    using backend::backend;
    void event_limited(link& to, std::size_t place, std::int64_t retry_after_ms) override {
        backend::event_limited(to, place, retry_after_ms);
        to.events.erase(to.events.begin() + static_cast<std::ptrdiff_t>(place));
    }
};
struct pause_of_one_event : backend {
    using backend::backend;
    void event_limited(link& to, std::size_t place, std::int64_t retry_after_ms) override { until_[to.events[place].id] = clock::now() + milliseconds{retry_after_ms}; }
    std::vector<std::string> take_events(link& to) override {
        for (auto& e : to.events)
            if (auto const found = until_.find(e.id); found != until_.end() && found->second <= clock::now()) e.under_way = false, until_.erase(found);
        return backend::take_events(to);
    }
    std::map<std::string, clock::time_point> until_;
};
struct connects_at_once : backend {
    using backend::backend;
    void stream_refused(link& to, std::optional<http_response> const&) override { to.stream_at = clock::now() + milliseconds{20}; }
};
struct connects_every_second : backend {
    using backend::backend;
    void stream_refused(link& to, std::optional<http_response> const& r) override {
        to.stream_failures = 0;
        backend::stream_refused(to, r);
    }
};
struct policy_is_a_failure : backend {
    using backend::backend;
    void stream_ended(link& to, int code) override { backend::stream_ended(to, code == 1008 ? 1006 : code); }
};
struct one_assertion_for_all : backend {
    using backend::backend;
    http_request upgrade_request(peer_record const& peer, instant now) override { return kept_.try_emplace(peer.peer_id, backend::upgrade_request(peer, now)).first->second; }
    std::map<std::string, http_request> kept_;
};
struct url_is_signed : backend {
    using backend::backend;
    http_request upgrade_request(peer_record const& peer, instant now) override {
        auto out = backend::upgrade_request(peer, now);
        out.headers = {{"Authorization", "BSP " + peer_assertion(peer, "GET", peer.telemetry_endpoint, now)}};
        return out;
    }
};
struct another_path : backend {
    using backend::backend;
    http_request upgrade_request(peer_record const& peer, instant now) override {
        auto moved = peer;
        moved.telemetry_endpoint += "/events";
        return backend::upgrade_request(moved, now);
    }
};
struct id_from_the_clock : backend {
    using backend::backend;
    std::string new_event_id() override { return "evt_" + std::to_string(system_now().seconds / 3'600); }
};
struct session_left_out : backend {
    using backend::backend;
    json::object event_of(std::string_view direction, json::array const& conversations, std::string const& sync_id) override {
        auto out = backend::event_of(direction, conversations, sync_id);
        out.erase("session_id");
        return out;
    }
};
struct everything_in_metadata : backend {
    using backend::backend;
    json::object event_of(std::string_view direction, json::array const& conversations, std::string const& sync_id) override {
        auto out = backend::event_of(direction, conversations, sync_id);
        out["metadata"].as_object()["payload"] = conversations;
        return out;
    }
};
struct told_from_the_start : backend {
    using backend::backend;
    void settle_event(link& to, std::string const& text) override {
        auto const before = to.events;
        backend::settle_event(to, text);
        for (auto const& e : before)
            if (std::none_of(to.events.begin(), to.events.end(), [&](auto const& x) { return x.id == e.id; })) told_[&to].push_back(e);
    }
    void stream_ended(link& to, int code) override {
        auto& told = told_[&to];
        to.events.insert(to.events.begin(), told.begin(), told.end());
        told.clear();
        backend::stream_ended(to, code);
    }
    std::map<link const*, std::vector<untold_event>> told_;
};
struct events_in_memory : backend {
    using backend::backend;
    void restart() override {
        for (auto& [id, to] : held().links) to.events.clear();
    }
};
struct everybody_is_told : backend {
    using backend::backend;
    void tell_of(link& to, std::string_view direction, json::array const& conversations, std::string const& sync_id) override {
        backend::tell_of(to, direction, conversations, sync_id);
        for (auto& [id, other] : held().links)
            if (&other != &to) other.events.push_back(to.events.back()), other.events.back().under_way = false;
    }
};
/// The same, and nothing in the events says whose they are.
struct everybody_is_told_of_somebody : everybody_is_told {
    using everybody_is_told::everybody_is_told;
    json::object event_of(std::string_view direction, json::array const& conversations, std::string const&) override { return backend::event_of(direction, conversations, {}); }
};
struct the_unpaired_are_told : backend {
    using backend::backend;
    void unpair(peer_record const& peer, instant now) override { held().unpaired[{peer.user_id, peer.backend_id}] = now; }
};
struct the_expired_are_told : backend {
    using backend::backend;
    bool may_stream(peer_record const& peer, link const& to, instant now) override {
        auto lasting = peer;
        lasting.sbt_expires = now + seconds{1};
        return backend::may_stream(lasting, to, now);
    }
};
struct expiry_empties_the_queue : backend {
    using backend::backend;
    bool may_stream(peer_record const& peer, link const& to, instant now) override {
        if (peer.sbt_expires <= now) held().links[peer.peer_id].events.clear();
        return backend::may_stream(peer, to, now);
    }
};
struct telemetry_first : backend {
    using backend::backend;
    std::vector<std::pair<instant, std::string>> due_for(peer_record const& peer, link const& to) override {
        return to.events.empty() ? backend::due_for(peer, to) : std::vector<std::pair<instant, std::string>>{};
    }
};
struct no_telemetry_no_peer : backend {
    using backend::backend;
    void stream_refused(link& to, std::optional<http_response> const& r) override {
        backend::stream_refused(to, r);
        if (r && r->status == 404) to.not_before = {clock::now() + left_alone_for(), clock::now() + left_alone_for()};
    }
};

template <class Mutant>
fault row(std::string_view id, std::string_view title, std::vector<std::string_view> killed_by) {
    return {id, title, std::move(killed_by), make<Mutant>, setting::client};
}

/// Whoever reads it will want to know.
struct names_all_messages : backend {
    using backend::backend;
    json::object event_of(std::string_view direction, json::array const& conversations, std::string const& sync_id) override {
        auto out = backend::event_of(direction, conversations, sync_id);
        json::array ids;
        for (auto const& c : conversations)
            for (auto const& m : c.at("messages").as_array()) ids.push_back(m.at("id"));
        out["metadata"].as_object()["messages"] = std::move(ids);
        return out;
    }
};
/// 1007 and 1009 say that the message was wrong.
struct codes_reject : backend {
    using backend::backend;
    void stream_ended(link& to, int code) override {
        auto const oldest = std::ranges::find_if(to.events, &untold_event::under_way);
        if ((code == 1003 || code == 1007 || code == 1009) && oldest != to.events.end()) to.events.erase(oldest);
        backend::stream_ended(to, code);
    }
};

}  // namespace

std::vector<fault> off_telemetry_faults() {
    return {
        tried<names_all_messages>(10, false, "F-OFF-1021", "an event names all messages of an exchange, and is as long as they are many", {"off/telemetry-valid"}, setting::client),
        tried<codes_reject>(10, false, "F-OFF-1022", "after 1003, 1007 or 1009 the oldest event without an answer is given up", {"off/telemetry-again"}, setting::client),
        row<put_back_one_by_one>("F-OFF-18", "unanswered events are put back in front of the queue, one before the other", {"off/telemetry-again"}),
        row<sent_is_told>("F-OFF-151", "an event leaves the queue when it is sent", {"off/telemetry-again"}),
        row<another_id_each_time>("F-OFF-152", "an event that is sent again has another event_id", {"off/telemetry-again"}),
        row<attempts_are_counted>("F-OFF-153", "an event that is sent again says so", {"off/telemetry-again"}),
        row<a_goodbye_is_an_answer>("F-OFF-154", "a connection that is closed in order has answered everything", {"off/telemetry-again"}),
        row<answers_in_order>("F-OFF-155", "the next answer is that of the oldest event", {"off/telemetry-answers"}),
        row<any_status_is_an_answer>("F-OFF-156", "every message with the id of an event acknowledges it", {"off/telemetry-unknown-messages"}),
        row<hangs_up_confused>("F-OFF-157", "a message that cannot be read ends the connection", {"off/telemetry-unknown-messages"}),
        row<rejected_is_tried_again>("F-OFF-158", "a rejected event is put at the end of the queue", {"off/telemetry-rejected"}),
        row<retry_after_unread>("F-OFF-159", "rate_limited means a second's pause", {"off/telemetry-pause"}),
        row<limited_is_an_answer>("F-OFF-160", "an event that was answered rate_limited is dropped", {"off/telemetry-pause"}),
        row<pause_of_one_event>("F-OFF-161", "rate_limited holds back one event, and not the peer's others", {"off/telemetry-pause"}),
        row<connects_at_once>("F-OFF-162", "a refused stream is opened again at once", {"off/telemetry-refused"}),
        row<connects_every_second>("F-OFF-163", "a refused stream is opened again after a second, however often", {"off/telemetry-backoff"}),
        row<policy_is_a_failure>("F-OFF-164", "1008 is a failure like others", {"off/telemetry-backoff"}),
        row<one_assertion_for_all>("F-OFF-165", "all streams to a peer carry the first assertion", {"off/telemetry-authorized"}),
        row<url_is_signed>("F-OFF-166", "the htu of a stream is its URL", {"off/telemetry-authorized"}),
        row<another_path>("F-OFF-167", "streams are opened below the telemetry_endpoint", {"off/telemetry-authorized"}),
        row<id_from_the_clock>("F-OFF-168", "the event_id is the hour", {"off/telemetry-valid"}),
        row<session_left_out>("F-OFF-169", "events have no session_id", {"off/telemetry-valid"}),
        row<everything_in_metadata>("F-OFF-170", "events hold the conversations that were exchanged", {"off/telemetry-content"}),
        row<told_from_the_start>("F-OFF-171", "every stream repeats what was acknowledged on the last one", {"off/telemetry-once"}),
        row<events_in_memory>("F-OFF-172", "a restart forgets the events that are due", {"off/telemetry-restart"}),
        row<events_in_memory>("F-OFF-173", "events that are due are written when the process ends, and lost when it is killed", {"off/telemetry-kill"}),
        row<everybody_is_told>("F-OFF-174", "every peer is told of every exchange", {"off/telemetry-user-isolation"}),
        row<everybody_is_told_of_somebody>("F-OFF-175", "one queue of events for all users", {"off/telemetry-user-isolation"}),
        row<the_unpaired_are_told>("F-OFF-176", "an unpaired peer goes on being told", {"off/telemetry-unpaired"}),
        row<the_expired_are_told>("F-OFF-177", "events are sent when the session binding token has expired", {"off/telemetry-expired"}),
        row<expiry_empties_the_queue>("F-OFF-178", "what is due when the token expires is never told", {"off/telemetry-expired"}),
        row<telemetry_first>("F-OFF-179", "no push as long as an event waits for its answer", {"off/telemetry-in-nobodys-way"}),
        row<no_telemetry_no_peer>("F-OFF-180", "a peer without telemetry is left alone altogether", {"off/telemetry-in-nobodys-way"}),
        row<several_in_one>("F-OFF-181", "a message holds an array of events", {"off/telemetry-valid"}),
    };
}

}  // namespace bsp::faulty
