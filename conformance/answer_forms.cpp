#include "answer_forms.hpp"

#include "json.hpp"

#include <bsp/base/identifier.hpp>
#include <bsp/base/instant.hpp>

#include <algorithm>
#include <vector>

namespace bsp::conformance {

bool is_own_time(std::string_view text) { return text.size() > 10 && text[10] == 'T' && text.ends_with('Z') && parse_timestamp(text).has_value(); }

namespace {

constexpr std::int64_t integer_max = (std::int64_t{1} << 53) - 1;

enum class kind : std::uint8_t { object, list, text, texts, identifier, flag, integer, positive, interval, retention, number, own_time, time, moment_if_text };

std::string_view words_of(kind k) {
    switch (k) {
        case kind::object: return "an object";
        case kind::list: return "an array";
        case kind::text: return "a string";
        case kind::texts: return "an array of strings";
        case kind::identifier: return "an identifier";
        case kind::flag: return "true or false";
        case kind::integer: return "an integer from 0 to 2^53-1, without fraction and exponent";
        case kind::positive: return "a positive integer, without fraction and exponent";
        case kind::interval: return "an integer from 1000 to 300000, without fraction and exponent";
        case kind::retention: return "an integer from 1 to 3650, without fraction and exponent";
        case kind::number: return "a number";
        case kind::own_time: return "a timestamp in UTC with T and Z";
        case kind::time: return "a timestamp";
        case kind::moment_if_text: return "a timestamp in UTC with T and Z";
    }
    return "?";
}

bool is_from_to(json::value const& v, std::int64_t least, std::int64_t most) { return v.is_int64() && v.get_int64() >= least && v.get_int64() <= most; }

bool is_a(json::value const& v, kind k) {
    auto const text = v.is_string() ? json::view(v.get_string()) : std::string_view{};
    switch (k) {
        case kind::object: return v.is_object();
        case kind::list: return v.is_array();
        case kind::text: return v.is_string();
        case kind::texts: return v.is_array() && std::ranges::all_of(v.get_array(), [](auto const& one) { return one.is_string(); });
        case kind::identifier: return v.is_string() && is_identifier(text);
        case kind::flag: return v.is_bool();
        case kind::integer: return is_from_to(v, 0, integer_max);
        case kind::positive: return is_from_to(v, 1, integer_max);
        case kind::interval: return is_from_to(v, 1'000, 300'000);
        case kind::retention: return is_from_to(v, 1, 3'650);
        case kind::number: return v.is_number();
        case kind::own_time: return v.is_string() && is_own_time(text);
        case kind::time: return v.is_string() && parse_timestamp(text).has_value();
        case kind::moment_if_text: return !v.is_string() || is_own_time(text);
    }
    return false;
}

enum : unsigned { required = 0, optional = 1, nullable = 2 };

/// One row of a table. `at` is a JSON pointer in which `*` stands for every element of an array.
struct row {
    std::string at;
    kind what;
    unsigned may_be = required;
    std::string_view clause = {};  ///< "": that of the answer
    std::string_view word = {};    ///< the one value that it may have
};

using rows = std::vector<row>;

struct answer_form {
    form_area area;
    std::string_view method, path, clause;
    rows members;
};

void append(rows& to, std::string const& below, rows const& more) {
    for (auto r : more) {
        r.at = below + r.at;
        to.push_back(std::move(r));
    }
}

rows joined(std::initializer_list<rows> parts) {
    rows out;
    for (auto const& p : parts) out.insert(out.end(), p.begin(), p.end());
    return out;
}

rows below(std::string const& where, rows const& what) {
    rows out;
    append(out, where, what);
    return out;
}

rows message() {
    return {{"/id", kind::identifier}, {"/role", kind::text}, {"/content", kind::text}, {"/timestamp", kind::text}, {"/surface", kind::text}, {"/source_backend", kind::text},
            {"/version", kind::integer}, {"/deleted", kind::flag, optional}, {"/redacted", kind::flag, optional}};
}

rows conversation_members() {
    return {{"/conversation_id", kind::identifier}, {"/version", kind::integer}, {"/last_modified", kind::text}, {"/surfaces", kind::texts}, {"/source_backend", kind::text},
            {"/title", kind::text, optional}, {"/deleted", kind::flag, optional}, {"/redacted", kind::flag, optional}};
}

rows conversation() { return joined({conversation_members(), {{"/messages", kind::list}}, below("/messages/*", message())}); }

rows losers() {
    return joined({{{"/conflicts", kind::list, optional, "BSP-CNV-021"}},
                   {{"/conflicts/*/message_id", kind::identifier, required, "BSP-CNV-021"}, {"/conflicts/*/conflict_type", kind::text, required, "BSP-CNV-021"},
                    {"/conflicts/*/recorded_at", kind::own_time, required, "BSP-CNV-021"}, {"/conflicts/*/message", kind::object, required, "BSP-CNV-021"}}});
}

rows event() {
    return {{"/event_id", kind::identifier}, {"/event_type", kind::text}, {"/session_id", kind::identifier}, {"/timestamp", kind::text}, {"/source_backend", kind::text}, {"/metadata", kind::object},
            {"/latency_ms", kind::integer, optional | nullable}, {"/tokens_used", kind::integer, optional | nullable}, {"/cost_usd", kind::number, optional | nullable}, {"/model", kind::text, optional | nullable},
            {"/received_at", kind::moment_if_text, optional, "BSP-GEN-050"}};
}

rows registration() {
    return {{"/peer_id", kind::text}, {"/backend_id", kind::text}, {"/backend_type", kind::text}, {"/public_key", kind::text}, {"/capabilities", kind::texts}, {"/sbt", kind::object},
            {"/sbt/session_id", kind::text}, {"/sbt/local_backend_id", kind::text}, {"/sbt/hosted_backend_id", kind::text}, {"/sbt/user_id", kind::text}, {"/sbt/created_at", kind::text}, {"/sbt/expires_at", kind::text},
            {"/registered_at", kind::own_time}};
}

rows settings() {
    return {{"/user_id", kind::text}, {"/sync_enabled", kind::flag}, {"/sync_conversations", kind::flag}, {"/sync_telemetry", kind::flag}, {"/redact_pii", kind::flag}, {"/retention_days", kind::retention}, {"/allowed_surfaces", kind::texts}};
}

rows page(std::string const& name) { return {{"/" + name, kind::list}, {"/has_more", kind::flag}}; }

rows noted_error(std::string const& where) { return {{where + "/type", kind::text, required, "BSP-OBS-023"}, {where + "/at", kind::moment_if_text, optional, "BSP-GEN-050"}}; }

/// What the tables of the chapters say.
std::vector<answer_form> const& forms() {
    using enum form_area;
    static std::vector<answer_form> const all{
        {identity, "GET", "/identity", "BSP-ID-002",
         {{"/backend_id", kind::text}, {"/backend_type", kind::text}, {"/public_key", kind::text}, {"/capabilities", kind::texts}, {"/version", kind::text}, {"/created_at", kind::own_time}}},
        {registrations, "POST", "/register-peer", "BSP-REG-001",
         {{"/status", kind::text, required, {}, "registered"}, {"/peer_id", kind::text}, {"/sync_endpoint", kind::text}, {"/telemetry_endpoint", kind::text}, {"/sync_interval_ms", kind::interval, required, "BSP-REG-017"}}},
        {registrations, "GET", "/peers", "BSP-REG-034", joined({{{"/peers", kind::list}}, below("/peers/*", registration())})},
        {registrations, "DELETE", "/peers/*", "BSP-REG-041", {{"/status", kind::text}, {"/peer_id", kind::text}}},
        {sync, "POST", "/sync/*", "BSP-SYN-060",
         joined({{{"/status", kind::text, required, {}, "synced"}, {"/acked_sync_id", kind::identifier, required, "BSP-SYN-061"}, {"/conflicts", kind::list, required, "BSP-SYN-062"}, {"/next_sync_in_ms", kind::positive, required, "BSP-SYN-063"}},
                 {{"/conflicts/*/conversation_id", kind::identifier, required, "BSP-MRG-065"}, {"/conflicts/*/message_id", kind::identifier, optional, "BSP-MRG-065"}, {"/conflicts/*/local_version", kind::integer, nullable, "BSP-MRG-065"},
                  {"/conflicts/*/incoming_version", kind::integer, required, "BSP-MRG-065"}, {"/conflicts/*/conflict_type", kind::text, required, "BSP-MRG-065"}, {"/conflicts/*/resolution_strategy", kind::text, required, "BSP-MRG-065"},
                  {"/conflicts/*/winner", kind::text, required, "BSP-MRG-065"}}})},
        {sync, "GET", "/sync/*", "BSP-SYN-100", joined({page("conversations"), {{"/last_sync", kind::own_time, required, "BSP-SYN-120"}}, below("/conversations/*", conversation())})},
        {sync, "GET", "/conversations", "BSP-CNV-030", joined({page("conversations"), below("/conversations/*", conversation_members())})},
        {sync, "GET", "/conversations/*", "BSP-CNV-010", joined({conversation(), losers()})},
        {sync, "POST", "/conversations/*/messages", "BSP-CNV-040", message()},
        {sync, "DELETE", "/conversations/*", "BSP-CNV-062", {{"/status", kind::text, required, {}, "deleted"}, {"/version", kind::integer}}},
        {sync, "DELETE", "/conversations/*/messages/*", "BSP-CNV-062", {{"/status", kind::text, required, {}, "deleted"}, {"/version", kind::integer}}},
        {telemetry, "GET", "/telemetry/events", "BSP-TEL-090", joined({page("events"), below("/events/*", event())})},
        {form_area::rotation, "POST", "/peers/*/rotate-key", "BSP-ROT-001", {{"/status", kind::text, required, {}, "rotated"}, {"/peer_id", kind::text}, {"/previous_key_expires_at", kind::time}}},
        {form_area::audit, "GET", "/audit", "BSP-AUD-020",
         {{"/entries/*/timestamp", kind::own_time}, {"/entries/*/event_type", kind::text}, {"/entries/*/peer_id", kind::text, optional | nullable}, {"/entries/*/details", kind::object}}},
        {privacy, "GET", "/privacy-settings", "BSP-PRV-001", settings()},
        {privacy, "PUT", "/privacy-settings", "BSP-PRV-003", {{"/status", kind::text, required, {}, "updated"}}},
        {privacy, "GET", "/privacy/export", "BSP-PRV-070",
         joined({{{"/user_id", kind::text}, {"/exported_at", kind::own_time}, {"/conversations", kind::list}, {"/telemetry", kind::list}, {"/privacy_settings", kind::object}, {"/peers", kind::list}},
                 below("/conversations/*", conversation()), below("/telemetry/*", event()), below("/privacy_settings", settings()), below("/peers/*", registration())})},
        {privacy, "DELETE", "/privacy/data", "BSP-PRV-080", {{"/status", kind::text, required, {}, "erased"}, {"/erased_at", kind::moment_if_text, optional, "BSP-GEN-050"}}},
        {observability, "GET", "/sync/metrics/*", "BSP-OBS-010",
         joined({{{"/peer_id", kind::identifier}, {"/backend_id", kind::text}, {"/last_sync", kind::own_time, nullable}, {"/sync_lag_seconds", kind::number}, {"/queue_depth", kind::integer},
                  {"/sync_success_rate", kind::number, nullable}, {"/last_error", kind::object, nullable}, {"/total_syncs", kind::integer}, {"/total_events", kind::integer}},
                 noted_error("/last_error")})},
        {observability, "GET", "/dashboard/telemetry", "BSP-OBS-030",
         {{"/total_peers", kind::integer}, {"/online_peers", kind::integer}, {"/total_events_24h", kind::integer}, {"/avg_latency_ms", kind::number, nullable}, {"/total_cost_24h", kind::number},
          {"/top_peers_by_events", kind::list}, {"/top_peers_by_events/*/peer_id", kind::identifier}, {"/top_peers_by_events/*/events", kind::integer}}},
        {observability, "GET", "/debug/sync/*", "BSP-OBS-040",
         joined({{{"/peer_info", kind::object}, {"/peer_info/peer_id", kind::identifier, required, "BSP-OBS-041"}, {"/peer_info/backend_id", kind::text, required, "BSP-OBS-041"}, {"/sbt_status", kind::text},
                  {"/sbt_expires_in", kind::number}, {"/offline_queue", kind::list}, {"/recent_errors", kind::list}, {"/network_status", kind::flag, nullable}, {"/last_successful_sync", kind::own_time, nullable}, {"/sync_lag", kind::number}},
                 noted_error("/recent_errors/*")})},
        {observability, "GET", "/alerts", "BSP-OBS-050",
         {{"/alerts", kind::list}, {"/alerts/*/type", kind::text}, {"/alerts/*/peer_id", kind::identifier, nullable}, {"/alerts/*/value", kind::number}, {"/alerts/*/threshold", kind::number}, {"/alerts/*/raised_at", kind::own_time}}},
    };
    return all;
}

/// `*` of the form stands for one segment that is not the word of another path.
bool has_form(std::string_view path, std::string_view form) {
    for (;;) {
        auto const a = path.find('/', 1), b = form.find('/', 1);
        auto const segment = path.substr(0, a);
        if (form.substr(0, b) == "/*" ? segment.size() < 2 : segment != form.substr(0, b)) return false;
        if (a == path.npos || b == form.npos) return a == b;
        path.remove_prefix(a), form.remove_prefix(b);
    }
}

/// Looks along `pointer` into `v`. The way to what is wrong is put together on the way back, for nearly always nothing is.
std::optional<misshape> look(answer_form const& f, row const& r, json::value const& v, std::string_view pointer) {
    auto const end = pointer.find('/', 1);
    auto const name = pointer.substr(1, end == pointer.npos ? end : end - 1);
    auto const rest = end == pointer.npos ? std::string_view{} : pointer.substr(end);
    auto const below = [](std::optional<misshape> found, std::string const& step) {
        if (found) found->expected.insert(0, '/' + step);
        return found;
    };
    if (name == "*") {
        if (!v.is_array()) return std::nullopt;  // the row of the array says so
        for (std::size_t i = 0; i < v.get_array().size(); ++i)
            if (auto found = look(f, r, v.get_array()[i], rest)) return below(std::move(found), std::to_string(i));
        return std::nullopt;
    }
    auto const* in = v.if_object();
    auto const* member = in ? in->if_contains(name) : nullptr;
    if (!rest.empty()) {
        auto found = member ? look(f, r, *member, rest) : std::nullopt;
        return found ? below(std::move(found), std::string{name}) : std::nullopt;
    }
    if (!in && v.is_null()) return std::nullopt;
    if (!member && (r.may_be & optional) != 0) return std::nullopt;
    if (member && (member->is_null() ? (r.may_be & nullable) != 0 : is_a(*member, r.what) && (r.word.empty() || json::view(member->get_string()) == r.word))) return std::nullopt;
    auto const wanted = r.word.empty() ? std::string{words_of(r.what)} : '"' + std::string{r.word} + '"';
    return misshape{f.area, std::string{r.clause.empty() ? f.clause : r.clause}, '/' + std::string{name} + " is " + wanted + ((r.may_be & nullable) != 0 ? ", or null" : ""), member ? show(*member, 80) : "absent"};
}

/// A deletion that is shown as one may be shown without what was deleted.
bool is_tombstone(json::value const& v) {
    auto const* in = v.if_object();
    auto const* deleted = in ? in->if_contains("deleted") : nullptr;
    return deleted && deleted->is_bool() && deleted->get_bool();
}

}  // namespace

std::optional<misshape> misshape_of(std::string_view method, std::string_view path, json::value const& body) {
    for (auto const& f : forms()) {
        if (f.method != method || !has_form(path, f.path)) continue;
        if (f.path == "/conversations/*" && is_tombstone(body)) return std::nullopt;
        for (auto const& r : f.members)
            if (auto found = look(f, r, body, r.at)) return found;
        return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace bsp::conformance
