#include "backend.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>

namespace bsp::faulty {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t events_max = 1'000, under_way_max = 64;

}  // namespace

// ---- the queue ----

void backend::tell_of(link& to, std::string_view direction, json::array const& conversations, std::string const& sync_id) {
    json::object event = event_of(direction, conversations, sync_id);
    std::string const id{json::view(event.at("event_id").as_string())};
    if (to.events.size() >= events_max) to.events.pop_front();
    to.events.push_back({id, std::move(event)});
    ++changes_, news_.notify_all();
}

json::object backend::event_of(std::string_view direction, json::array const& conversations, std::string const& sync_id) {
    json::object metadata{{"direction", direction}, {"conversations", conversations.size()}};
    if (!sync_id.empty()) metadata["sync_id"] = sync_id;
    return {{"event_id", new_event_id()}, {"event_type", "conversation_sync"}, {"session_id", "sess_1"}, {"timestamp", format_timestamp(system_now())},
            {"source_backend", settings_.backend_type}, {"metadata", std::move(metadata)}};
}

std::vector<std::string> backend::take_events(link& to) {
    std::vector<std::string> out;
    auto under_way = static_cast<std::size_t>(std::count_if(to.events.begin(), to.events.end(), [](auto const& e) { return e.under_way; }));
    for (auto& e : to.events) {
        if (e.under_way) continue;
        if (++under_way > under_way_max) break;
        e.under_way = true;
        out.push_back(json::serialize(e.event));
    }
    return out;
}

// ---- answers ----

std::optional<std::size_t> backend::event_answered(link const& to, json::object const& said) {
    auto const* id = json::find_string(said, "event_id");
    auto const found = std::find_if(to.events.begin(), to.events.end(), [&](auto const& e) { return id && e.under_way && e.id == json::view(*id); });
    return found == to.events.end() ? std::nullopt : std::optional{static_cast<std::size_t>(found - to.events.begin())};
}

void backend::settle_event(link& to, std::string const& text) {
    auto const said = json::parse(text);
    if (!said || !said->is_object()) return;
    auto const* status = json::find_string(said->get_object(), "status");
    auto const place = event_answered(to, said->get_object());
    if (!status || !place) return;
    auto const* after = said->get_object().if_contains("retry_after_ms");
    if (*status == "acked") to.events.erase(to.events.begin() + static_cast<std::ptrdiff_t>(*place));
    else if (*status == "rejected") event_rejected(to, *place);
    else if (*status == "rate_limited" && after && after->is_int64() && after->get_int64() > 0) return event_limited(to, *place, after->get_int64());
    else return;
    to.stream_failures = 0;
}

void backend::event_rejected(link& to, std::size_t place) { to.events.erase(to.events.begin() + static_cast<std::ptrdiff_t>(place)); }

void backend::event_limited(link& to, std::size_t place, std::int64_t retry_after_ms) {
    to.events[place].under_way = false;
    to.events_at = std::max(to.events_at, clock::now() + milliseconds{std::min<std::int64_t>(retry_after_ms, 3'600'000)});
}

// ---- streams ----

bool backend::may_stream(peer_record const& peer, link const& to, instant now) {
    return !peer.telemetry_endpoint.empty() && may_exchange(peer, to, now) && may_call(peer.telemetry_endpoint);
}

http_request backend::upgrade_request(peer_record const& peer, instant now) {
    std::string const target = origin_and_path(peer.telemetry_endpoint).second;
    return {"GET", target, {{"Authorization", "BSP " + peer_assertion(peer, "GET", target, now)}}, {}, {}};
}

void backend::stream_ended(link& to, int code) {
    for (auto& e : to.events) e.under_way = false;
    if (code == 1008) to.stream_at = clock::now() + left_alone_for();
    else if (code != 0) to.stream_at = clock::now() + retry_delay(++to.stream_failures);
}

void backend::stream_refused(link& to, std::optional<http_response> const& r) {
    bool const for_good = outcome_of(r ? r->status : 0, {}) != outcome::again;
    to.stream_at = clock::now() + (for_good ? left_alone_for() : retry_delay(++to.stream_failures));
    if (auto const wanted = retry_after(r, system_now()); wanted.count() > 0) to.events_at = clock::now() + wanted;
}

}  // namespace bsp::faulty
