#include "../faults.hpp"
#include "lenient_json.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>

/// Faults of telemetry events: what is taken for one, what is kept of it, and how it is listed.
namespace bsp::faulty {

namespace {

constexpr auto metrics = {"latency_ms", "tokens_used", "cost_usd", "model"};

// ---- what is valid ----------------------------------------------------------------------------------------

struct nan_is_a_number : backend {
    using backend::backend;
    result<json::object> parse_event(std::string const& text) override { return backend::parse_event(replaced(text, ":NaN", ":0.5")); }
};
struct negative_is_fine : backend {
    using backend::backend;
    result<> check_metric(json::fields const& f, std::string_view name) override {
        json::value const* v = f.find(name);
        return v && v->is_int64() && v->get_int64() < 0 ? ok() : backend::check_metric(f, name);
    }
};
struct metrics_wanted : backend {
    using backend::backend;
    result<> check_event(json::fields const& f) override {
        for (auto const* name : metrics)
            if (!f.find(name)) return f.invalid(name, "is missing");
        return backend::check_event(f);
    }
};
struct null_is_wrong : backend {
    using backend::backend;
    result<> check_event(json::fields const& f) override {
        for (auto const* name : metrics)
            if (auto const* v = f.find(name); v && v->is_null()) return f.invalid(name, "must not be null");
        return backend::check_event(f);
    }
};
struct extras_forbidden : backend {
    using backend::backend;
    result<> check_event(json::fields const& f) override {
        for (auto const* name : {"region", "extra", "signature"})
            if (f.find(name)) return f.invalid(name, "is not permitted");
        return backend::check_event(f);
    }
};
struct extras_dropped : backend {
    using backend::backend;
    json::object to_store(json::object e) override {
        e.erase("region");
        e.erase("extra");
        return e;
    }
};
struct known_types_only : backend {
    using backend::backend;
    result<> check_event_type(json::fields const& f) override {
        BSP_TRY(std::string const type, text_of(f, "event_type"));
        if (type == "advisor_ask" || type == "conversation_sync" || type == "capture") return ok();
        return f.invalid("event_type", "is not one of those known");
    }
};
struct any_type_of_event : backend {
    using backend::backend;
    result<> check_event_type(json::fields const& f) override {
        BSP_CHECK(text_of(f, "event_type"));
        return ok();
    }
};
struct any_label : backend {
    using backend::backend;
    bool is_label(std::string_view) override { return true; }
    result<> check_event_type(json::fields const& f) override {
        BSP_TRY(std::string const type, text_of(f, "event_type"));
        return backend::is_label(type) ? ok() : result<>{f.invalid("event_type", "is no label")};
    }
};
struct whole_doubles : backend {
    using backend::backend;
    result<> check_metric(json::fields const& f, std::string_view name) override {
        json::value const* v = f.find(name);
        return v && v->is_double() && v->get_double() == 4.0 ? ok() : backend::check_metric(f, name);
    }
};
struct integers_of_32_bits : backend {
    using backend::backend;
    result<> check_metric(json::fields const& f, std::string_view name) override {
        json::value const* v = f.find(name);
        return v && v->is_int64() && v->get_int64() > 0x7FFF'FFFF ? f.invalid(name, "must fit into 32 bits") : backend::check_metric(f, name);
    }
};
struct integers_as_doubles : backend {
    using backend::backend;
    json::object to_store(json::object e) override {
        if (auto* v = e.if_contains("latency_ms"); v && v->is_int64()) *v = static_cast<double>(static_cast<float>(v->get_int64()));
        return e;
    }
};
struct any_cost : backend {
    using backend::backend;
    result<> check_cost(json::fields const&) override { return ok(); }
};
struct cost_with_a_point : backend {
    using backend::backend;
    result<> check_cost(json::fields const& f) override {
        json::value const* v = f.find("cost_usd");
        return v && v->is_int64() ? f.invalid("cost_usd", "must be a float") : backend::check_cost(f);
    }
};
struct any_model : backend {
    using backend::backend;
    result<> check_model(json::fields const&) override { return ok(); }
};
struct recent_events_only : backend {
    using backend::backend;
    result<> check_event_time(json::fields const& f) override {
        BSP_TRY(instant const t, instant_of(f, "timestamp"));
        if (t < created() - std::chrono::hours{24 * 7}) return f.invalid("timestamp", "is too old");
        return ok();
    }
};
struct flat_events : backend {
    using backend::backend;
    result<json::object> parse_event(std::string const& text) override {
        BSP_TRY(auto e, backend::parse_event(text));
        if (json::depth(json::value(e)) > 8) return fail(errc::malformed_body, "too deep");
        return e;
    }
};
struct user_by_event : backend {
    using backend::backend;
    std::string owner_of(held_socket const& s, json::object const& e) override {
        auto const* user = json::find_string(e, "user_id");
        return user ? std::string{json::view(*user)} : s.user_id;
    }
};

// ---- what is kept -----------------------------------------------------------------------------------------

struct duplicates_stored : backend {
    using backend::backend;
    void store(telemetry_event e) override {
        held().event_ids.erase({e.user_id, e.event_id});
        backend::store(std::move(e));
    }
};
struct last_one_stands : backend {
    using backend::backend;
    void store(telemetry_event e) override {
        for (auto& held_one : held().events)
            if (held_one.user_id == e.user_id && held_one.event_id == e.event_id) held_one.received = e.received;
        backend::store(std::move(e));
    }
};
struct ids_of_everybody : backend {
    using backend::backend;
    void store(telemetry_event e) override {
        for (auto const& [user, id] : held().event_ids)
            if (id == e.event_id) return;
        backend::store(std::move(e));
    }
};
struct known_is_fine : backend {
    using backend::backend;
    reply judge(held_socket const& s, std::string const& text, instant now) override {
        auto const id = id_of_rejected(text);
        if (id.is_string() && held().event_ids.contains({s.user_id, std::string{json::view(id.get_string())}})) return acknowledge(std::string{json::view(id.get_string())});
        return backend::judge(s, text, now);
    }
};
struct store_raced : backend {
    using backend::backend;
    void store(telemetry_event e) override {
        if (held().event_ids.contains({e.user_id, e.event_id})) return;
        let_others_in();
        e.number = static_cast<std::int64_t>(held().events.size()) + 1;
        held().event_ids.emplace(e.user_id, e.event_id);
        held().events.push_back(std::move(e));
    }
};
struct ids_without_case : backend {
    using backend::backend;
    void store(telemetry_event e) override {
        for (auto const& [user, id] : held().event_ids)
            if (user == e.user_id && http_headers::same_name(id, e.event_id)) return;
        backend::store(std::move(e));
    }
};
struct in_memory : backend {
    using backend::backend;
    void restart() override {
        held().events.clear();
        held().event_ids.clear();
    }
};
struct written_in_batches : backend {
    using backend::backend;
    void restart() override {
        auto& all = held().events;
        all.resize(all.size() - all.size() % 25);
    }
};
struct metadata_flattened : backend {
    using backend::backend;
    json::object to_store(json::object e) override {
        json::object flat;
        for (auto const& m : e.at("metadata").get_object())
            if (m.value().is_primitive()) flat.emplace(m.key(), m.value());
            else flat.emplace(m.key(), json::serialize(m.value()));
        e["metadata"] = std::move(flat);
        return e;
    }
};
struct single_precision : backend {
    using backend::backend;
    json::object to_store(json::object e) override {
        if (auto* v = e.if_contains("cost_usd"); v && v->is_number()) *v = static_cast<double>(static_cast<float>(v->to_number<double>()));
        return e;
    }
};
struct times_normalized : backend {
    using backend::backend;
    json::object to_store(json::object e) override {
        e["timestamp"] = format_timestamp(parse_timestamp(json::view(e.at("timestamp").get_string())).value());
        return e;
    }
};
struct one_peer_only : backend {
    using backend::backend;
    std::map<std::string, std::string> first;
    void store(telemetry_event e) override {
        if (first.try_emplace(e.user_id, e.peer_id).first->second == e.peer_id) backend::store(std::move(e));
    }
};

// ---- the list ---------------------------------------------------------------------------------------------

struct everybodys_events : backend {
    using backend::backend;
    bool is_of(telemetry_event const&, std::string const&) override { return true; }
};
struct any_source : backend {
    using backend::backend;
    bool has_source(telemetry_event const&, std::string const&) override { return true; }
};
struct source_without_case : backend {
    using backend::backend;
    bool has_source(telemetry_event const& e, std::string const& source) override { return http_headers::same_name(e.source_backend, source); }
};
struct open_list_of_events : backend {
    using backend::backend;
    answer list_events(call const& c) override {
        if (c.request.headers.find("Authorization")) return backend::list_events(c);
        json::array all;
        for (auto const& e : held().events) all.push_back(event_entry(e));
        return json_answer(200, json::object{{"events", all}, {"has_more", false}});
    }
};
struct no_has_more : backend {
    using backend::backend;
    answer list_events(call const& c) override {
        BSP_TRY(auto r, backend::list_events(c));
        auto o = json::parse(r.body).value().get_object();
        if (!o.at("has_more").get_bool()) o.erase("has_more");
        return json_answer(200, o);
    }
};
struct since_by_the_client : backend {
    using backend::backend;
    instant moment_of(telemetry_event const& e) override { return parse_timestamp(json::view(e.received.at("timestamp").get_string())).value(); }
};
struct since_exclusive : backend {
    using backend::backend;
    result<instant> since_of(call const& c) override {
        BSP_TRY(instant const since, backend::since_of(c));
        return c.segments[0] == "telemetry" ? since + std::chrono::nanoseconds{1} : since;
    }
};
struct texts_end_at_nul : backend {
    using backend::backend;
    json::object to_store(json::object e) override {
        for (auto& m : e.at("metadata").as_object())
            if (auto* text = m.value().if_string()) text->resize(std::min(text->size(), std::string_view{json::view(*text)}.find('\0')));
        return e;
    }
};
struct future_refused : backend {
    using backend::backend;
    result<instant> since_of(call const& c) override {
        BSP_TRY(instant const since, backend::since_of(c));
        if (c.segments[0] == "telemetry" && since > c.now + std::chrono::seconds{60}) return fail(errc::invalid_query, "since lies in the future");
        return since;
    }
};
struct since_in_utc_only : backend {
    using backend::backend;
    result<instant> since_of(call const& c) override {
        std::string const* text = c.parameter("since");
        if (c.segments[0] == "telemetry" && text && !text->ends_with('Z')) return fail(errc::invalid_query, "since must end with Z");
        return backend::since_of(c);
    }
};
struct received_when_it_says : backend {
    using backend::backend;
    json::object event_entry(telemetry_event const& e) override {
        auto out = backend::event_entry(e);
        if (auto const* own = e.received.if_contains("received_at")) out["received_at"] = *own;
        return out;
    }
};
struct order_of_timestamps : backend {
    using backend::backend;
    void store(telemetry_event e) override {
        auto const before = held().events.size();
        backend::store(std::move(e));
        auto& all = held().events;
        if (all.size() == before) return;
        std::stable_sort(all.begin(), all.end(), [](auto const& a, auto const& b) {
            return parse_timestamp(json::view(a.received.at("timestamp").get_string())).value() < parse_timestamp(json::view(b.received.at("timestamp").get_string())).value();
        });
        std::int64_t number = 0;
        for (auto& one : all) one.number = ++number;
    }
};
struct one_too_many : backend {
    using backend::backend;
    std::size_t events_on_page(std::size_t limit) override { return limit + 1; }
};
struct one_is_skipped : backend {
    using backend::backend;
    json::object cursor_content(json::object o) override {
        if (auto* n = o.if_contains("n")) *n = n->as_int64() + 1;
        return o;
    }
};
struct no_default_limit : backend {
    using backend::backend;
    result<std::size_t> limit_of(call const& c) override { return c.segments[0] == "telemetry" && !c.parameter("limit") ? result<std::size_t>{500} : backend::limit_of(c); }
};
struct limit_by_default : backend {
    using backend::backend;
    result<std::size_t> limit_of(call const& c) override {
        auto r = backend::limit_of(c);
        return c.segments[0] == "telemetry" && !r ? result<std::size_t>{100} : r;
    }
};
struct cursor_fails : backend {
    using backend::backend;
    answer list_events(call const& c) override {
        auto r = backend::list_events(c);
        return !r && c.parameter("cursor") && r.error().code == errc::invalid_query ? json_answer(500, json::object{{"detail", "not a cursor"}}) : r;
    }
};
struct cursor_ignored : backend {
    using backend::backend;
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        auto r = backend::cursor_of(c, feed);
        return !r && c.segments[0] == "telemetry" ? result<std::optional<json::object>>{std::optional<json::object>{}} : r;
    }
};

}  // namespace

std::vector<fault> tel_events_faults() {
    return {
        {"F-TEL-06", "a repeated event is stored again", {"tel/duplicates"}, make<duplicates_stored>},
        {"F-TEL-11", "NaN passes as a number", {"tel/i-json"}, make<nan_is_a_number>},
        {"F-TEL-12", "negative latencies and counts are accepted", {"tel/integers"}, make<negative_is_fine>},
        {"F-TEL-15", "metrics are required", {"tel/minimal-event"}, make<metrics_wanted>},
        {"F-TEL-16", "nested metadata is flattened to text", {"tel/verbatim"}, make<metadata_flattened>},
        {"F-TEL-17", "costs are kept in single precision", {"tel/costs"}, make<single_precision>},
        {"F-TEL-18", "everybody sees everybody's events", {"tel/tenants"}, make<everybodys_events>},
        {"F-TEL-20", "a restart loses the events", {"tel/restart"}, make<in_memory>, setting::restart},
        {"F-TEL-23", "source_backend is ignored", {"tel/source-backend"}, make<any_source>},
        {"F-TEL-24", "events of unknown types are rejected", {"tel/unknown-type"}, make<known_types_only>},
        {"F-TEL-110", "null metrics are rejected", {"tel/null-metrics"}, make<null_is_wrong>},
        {"F-TEL-111", "events with unknown members are rejected", {"tel/unknown-members"}, make<extras_forbidden>},
        {"F-TEL-112", "unknown members are dropped", {"tel/unknown-members-kept"}, make<extras_dropped>},
        {"F-TEL-115", "4.0 passes as an integer", {"tel/integer-spellings"}, make<whole_doubles>},
        {"F-TEL-116", "integers beyond 32 bits are rejected", {"tel/integer-bounds"}, make<integers_of_32_bits>},
        {"F-TEL-117", "any cost is accepted", {"tel/cost-outside"}, make<any_cost>},
        {"F-TEL-118", "a cost without a fraction is rejected", {"tel/cost-inside"}, make<cost_with_a_point>},
        {"F-TEL-119", "any model is accepted", {"tel/model"}, make<any_model>},
        {"F-TEL-123", "events nested deeper than 8 levels are rejected", {"tel/depth"}, make<flat_events>},
        {"F-TEL-124", "the user is taken from the event", {"tel/user-of-peer"}, make<user_by_event>},
        {"F-TEL-126", "event ids are unique among all users", {"tel/duplicates-elsewhere"}, make<ids_of_everybody>},
        {"F-TEL-127", "a known event_id is acknowledged before the event is validated", {"tel/invalid-duplicate"}, make<known_is_fine>},
        {"F-TEL-128", "an event_id is looked up and stored in two steps", {"tel/concurrent-duplicates"}, make<store_raced>},
        {"F-TEL-130", "events are written in batches of 25, and acknowledged before", {"tel/kill"}, make<written_in_batches>, setting::restart},
        {"F-TEL-152", "of a repeated event the last copy stands", {"tel/duplicates"}, make<last_one_stands>},
        {"F-TEL-153", "the list of events is open", {"tel/list-credential"}, make<open_list_of_events>},
        {"F-TEL-154", "the last page has no has_more", {"tel/list"}, make<no_has_more>},
        {"F-TEL-155", "only the first peer's events are kept", {"tel/list-of-all-peers"}, make<one_peer_only>},
        {"F-TEL-156", "source_backend is compared without case", {"tel/source-backend"}, make<source_without_case>},
        {"F-TEL-157", "since is compared with the client's timestamp", {"tel/since"}, make<since_by_the_client>},
        {"F-TEL-158", "a since ahead is refused", {"tel/since-ahead"}, make<future_refused>},
        {"F-TEL-159", "a since must end with Z", {"tel/since-spellings"}, make<since_in_utc_only>},
        {"F-TEL-160", "timestamps are normalized", {"tel/timestamp-verbatim"}, make<times_normalized>},
        {"F-TEL-161", "received_at is taken from the event", {"tel/received-at"}, make<received_when_it_says>},
        {"F-TEL-162", "events are listed by their timestamps", {"tel/order"}, make<order_of_timestamps>},
        {"F-TEL-163", "a page has one entry more than its limit", {"tel/pages"}, make<one_too_many>},
        {"F-TEL-164", "between two pages an event is skipped", {"tel/pages"}, make<one_is_skipped>},
        {"F-TEL-165", "a page without a limit has 500 entries", {"tel/page-default"}, make<no_default_limit>},
        {"F-TEL-166", "a bad limit counts as none", {"tel/limit"}, make<limit_by_default>},
        {"F-TEL-167", "a foreign cursor is answered with 500", {"tel/foreign-cursor"}, make<cursor_fails>},
        {"F-TEL-168", "a foreign cursor counts as none", {"tel/foreign-cursor-refused"}, make<cursor_ignored>},
        {"F-TEL-177", "event ids are compared without case", {"tel/ids-exact"}, make<ids_without_case>},
        {"F-TEL-178", "since is exclusive", {"tel/since"}, make<since_exclusive>},
        {"F-TEL-179", "texts end at U+0000", {"tel/verbatim"}, make<texts_end_at_nul>},
        {"F-TEL-183", "any text passes as an event_type", {"tel/event-type"}, make<any_type_of_event>},
        {"F-TEL-184", "any text passes as a source_backend", {"tel/grammar"}, make<any_label>},
        {"F-TEL-169", "events of more than a week ago are rejected", {"tel/old-events"}, make<recent_events_only>},
        {"F-TEL-170", "counts are kept in single precision", {"tel/integer-bounds"}, make<integers_as_doubles>},
    };
}

}  // namespace bsp::faulty
