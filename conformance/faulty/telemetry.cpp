#include "backend.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>

namespace bsp::faulty {

namespace {

constexpr std::int64_t integer_max = (std::int64_t{1} << 53) - 1;
constexpr std::size_t budget = 1'000;

/// The member as it counts: null is as good as absence.
json::value const* given(json::fields const& f, std::string_view name) {
    json::value const* v = f.find(name);
    return v && !v->is_null() ? v : nullptr;
}

bool lists(std::string const* field, std::string_view token) {
    if (!field) return false;
    for (std::size_t at = 0; at <= field->size();) {
        std::size_t const comma = std::min(field->find(',', at), field->size());
        std::string_view one = std::string_view{*field}.substr(at, comma - at);
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        if (http_headers::same_name(one, token)) return true;
        at = comma + 1;
    }
    return false;
}

}  // namespace

void backend::reboot() {
    std::lock_guard const lock{mutex_};
    ++boots_;
    restart();
}

// ---- the connection ---------------------------------------------------------------------------------------

http_response backend::open_socket(http_request const& upgrade, instant real_now, int& number) {
    instant const now = moved(real_now);
    std::lock_guard const lock{mutex_};
    opening_[&upgrade].reset();
    http_response r = serve(upgrade, now);
    auto const opened = opening_.extract(&upgrade);
    if (r.status != 101 || !opened.mapped()) return r;
    number = ++last_socket_;
    sockets_[number] = *opened.mapped();
    sockets_[number].number = number;
    return r;
}

result<http_response> backend::switch_protocols(call const& c, std::string const& peer_id, std::string const& user_id) {
    auto const waiting = opening_.find(&c.request);
    if (waiting == opening_.end()) return fail(errc::upgrade_required, "telemetry is sent over a WebSocket");
    waiting->second = held_socket{peer_id, user_id, boots_, 0, proven_by_};
    return http_response{101, {}, {}};
}

std::size_t backend::sockets_of(std::string const& peer_id) const {
    return static_cast<std::size_t>(std::count_if(sockets_.begin(), sockets_.end(), [&](auto const& s) { return s.second.peer_id == peer_id; }));
}

result<http_response> backend::upgrade_telemetry(call const& c, std::string const& peer_id) {
    BSP_CHECK(check_socket_origin(c));
    BSP_TRY(peer_record * peer, admit(c, peer_id));
    BSP_CHECK(check_handshake(c));
    return switch_protocols(c, peer->peer_id, peer->user_id);
}

result<peer_record*> backend::admit(call const& c, std::string const& peer_id) {
    BSP_TRY(peer_record * peer, find_peer(peer_id));
    BSP_CHECK(check_not_revoked(*peer));
    BSP_CHECK(authenticate(c, peer_may, peer));
    return peer;
}

result<> backend::check_socket_origin(call const& c) {
    std::string const* origin = c.request.headers.find("Origin");
    if (settings_.backend_type == "local" && origin && !is_listed(*origin)) return fail(errc::forbidden, "this origin is not listed");
    return ok();
}

result<> backend::check_handshake(call const& c) {
    auto const& h = c.request.headers;
    std::string const *version = h.find("Sec-WebSocket-Version"), *key = h.find("Sec-WebSocket-Key");
    if (!lists(h.find("Upgrade"), "websocket") || !lists(h.find("Connection"), "upgrade") || !version || *version != "13") return fail(errc::upgrade_required, "telemetry is sent over a WebSocket, version 13");
    auto const nonce = key ? from_base64(*key) : std::nullopt;
    if (!nonce || nonce->size() != 16) return fail(errc::invalid_query, "the opening handshake has no key of 16 bytes");
    return ok();
}

void backend::forget(int number) {
    std::lock_guard const lock{mutex_};
    sockets_.erase(number);
}

socket_service::reply backend::look_after(int number, instant real_now) {
    instant const now = moved(real_now);
    std::lock_guard const lock{mutex_};
    auto const& s = sockets_.at(number);
    if (s.boot != boots_) return {{}, 1012, "restarting"};
    if (auto const why = lost_right(s, now)) return {{}, 1008, *why};
    return {};
}

std::optional<std::string> backend::lost_right(held_socket const& s, instant now) {
    auto const found = state_.peers.find(s.peer_id);
    if (found == state_.peers.end()) return "Peer not found";
    if (auto const r = check_not_revoked(found->second); !r) return r.error().detail;
    if (auto const r = check_not_expired(found->second, now); !r) return r.error().detail;
    if (!still_counts(found->second, s.key, now)) return "Key replaced";
    return std::nullopt;
}

// ---- events -----------------------------------------------------------------------------------------------

socket_service::reply backend::hear(int number, std::string const& text, instant real_now) {
    instant const now = moved(real_now);
    std::lock_guard const lock{mutex_};
    auto const s = sockets_.at(number);
    if (s.boot != boots_) return {{}, 1012, "restarting"};
    if (auto const why = lost_right(s, now)) return {{}, 1008, *why};
    if (!within_budget(s, now)) return excess(s, text, now);
    return judge(s, text, now);
}

bool backend::within_budget(held_socket const& s, instant now) {
    auto& recent = state_.messages_of_peers[s.peer_id];
    std::erase_if(recent, [&](instant t) { return t + std::chrono::seconds{60} <= now; });
    if (recent.size() >= budget) return false;
    recent.push_back(now);
    return true;
}

socket_service::reply backend::excess(held_socket const& s, std::string const& text, instant now) {
    record({now, "rate_limited", s.peer_id, {}});
    return {{json::serialize(json::object{{"status", "rate_limited"}, {"event_id", id_of_rejected(text)}, {"retry_after_ms", 60'000}})}};
}

socket_service::reply backend::judge(held_socket const& s, std::string const& text, instant now) {
    auto const refuse = [&](error const& why) {
        record({now, "telemetry_rejected", s.peer_id, {{"reason", row_of(why.code).code}}});
        return reject(id_of_rejected(text), why);
    };
    auto event = parse_event(text);
    if (!event) return refuse(event.error());
    json::fields const f{*event};
    if (auto const valid = check_event(f); !valid) return refuse(valid.error());
    telemetry_event e;
    e.event_id = std::string{json::view(event->at("event_id").as_string())};
    e.source_backend = std::string{json::view(event->at("source_backend").as_string())};
    e.user_id = owner_of(s, *event);
    e.peer_id = s.peer_id;
    e.arrived = now;
    e.received = to_store(*std::move(event));
    std::string const id = e.event_id;
    store(std::move(e));
    return acknowledge(id);
}

result<json::object> backend::parse_event(std::string const& text) {
    BSP_TRY(json::value v, json::parse(text));
    if (!v.is_object()) return fail(errc::invalid_body, "an event is an object");
    return std::move(v.get_object());
}

result<> backend::check_event(json::fields const& f) {
    BSP_CHECK(identifier_of(f, "event_id"));
    BSP_CHECK(check_event_type(f));
    BSP_CHECK(identifier_of(f, "session_id"));
    BSP_CHECK(check_event_time(f));
    BSP_CHECK(label_of(f, "source_backend"));
    json::value const* metadata = f.find("metadata");
    if (!metadata || !metadata->is_object()) return f.invalid("metadata", "must be an object");
    BSP_CHECK(check_metric(f, "latency_ms"));
    BSP_CHECK(check_metric(f, "tokens_used"));
    BSP_CHECK(check_cost(f));
    return check_model(f);
}

result<> backend::check_event_type(json::fields const& f) {
    BSP_CHECK(label_of(f, "event_type"));
    return ok();
}

result<> backend::check_event_time(json::fields const& f) {
    BSP_CHECK(instant_of(f, "timestamp"));
    return ok();
}

result<> backend::check_metric(json::fields const& f, std::string_view name) {
    json::value const* v = given(f, name);
    if (!v) return ok();
    auto const* number = v->if_int64();
    if (!number || *number < 0 || *number > integer_max) return f.invalid(name, "must be an integer from 0 to 2^53-1");
    return ok();
}

result<> backend::check_cost(json::fields const& f) {
    json::value const* v = given(f, "cost_usd");
    if (!v) return ok();
    double const cost = v->is_number() ? v->to_number<double>() : -1.0;
    if (!(cost >= 0.0 && cost <= 1e6)) return f.invalid("cost_usd", "must be a number from 0 to 1000000");
    return ok();
}

result<> backend::check_model(json::fields const& f) {
    json::value const* v = given(f, "model");
    if (v && !v->is_string()) return f.invalid("model", "must be a string");
    return ok();
}

socket_service::reply backend::acknowledge(std::string const& event_id) { return {{json::serialize(json::object{{"status", "acked"}, {"event_id", event_id}})}}; }

socket_service::reply backend::reject(json::value event_id, error const& why) {
    return {{json::serialize(json::object{{"status", "rejected"}, {"event_id", std::move(event_id)}, {"error", problem_document(why)}})}};
}

json::value backend::id_of_rejected(std::string const& text) {
    auto const v = json::parse(text);
    auto const* id = v && v->is_object() ? json::find_string(v->get_object(), "event_id") : nullptr;
    if (!id || !is_identifier(json::view(*id))) return nullptr;
    return *id;
}

std::string backend::owner_of(held_socket const& s, json::object const&) { return s.user_id; }

void backend::store(telemetry_event e) {
    if (!state_.event_ids.emplace(e.user_id, e.event_id).second) return;
    e.number = static_cast<std::int64_t>(state_.event_ids.size());  // of all that ever came: an erasure leaves the ids, and with them the order
    state_.events.push_back(std::move(e));
}

// ---- reading ----------------------------------------------------------------------------------------------

result<http_response> backend::list_events(call const& c) {
    BSP_TRY(principal const who, authenticate(c, peer_may | user_may));
    BSP_TRY(std::size_t const limit, limit_of(c));
    BSP_TRY(instant const since, since_of(c));
    std::string const* source = c.parameter("source_backend");
    if (source && !is_label(*source)) return fail(errc::invalid_query, "source_backend is no label");
    BSP_TRY(auto const cursor, cursor_of(c, "events " + who.user_id));
    std::int64_t const after = cursor ? cursor->at("n").as_int64() : 0;

    json::array entries;
    bool more = false;
    std::int64_t last = after;
    for (auto const& e : state_.events) {
        if (e.number <= after || !is_of(e, who.user_id) || moment_of(e) < since || (source && !has_source(e, *source))) continue;
        if (entries.size() >= events_on_page(limit)) {
            more = true;
            break;
        }
        entries.push_back(event_entry(e));
        last = e.number;
    }
    json::object out{{"events", std::move(entries)}, {"has_more", more}};
    if (more) out["cursor"] = make_cursor({{"f", "events " + who.user_id}, {"n", last}});
    return json_answer(200, out);
}

json::object backend::event_entry(telemetry_event const& e) {
    json::object out = e.received;
    out["received_at"] = format_timestamp(e.arrived);
    return out;
}

}  // namespace bsp::faulty
