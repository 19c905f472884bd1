#include "clause_parts.hpp"

#include <algorithm>

/// The same of what is kept and told: telemetry, the trail, settings; and of what a client makes of answers.
namespace bsp::faulty {

namespace {

using base = observed_backend;

// ---- telemetry ----

struct source_or_since : base {
    using base::base;
    answer list_events(call const& c) override {
        ignored_ = c.parameter("source_backend") != nullptr;
        return base::list_events(c);
    }
    instant moment_of(telemetry_event const& e) override { return ignored_ ? instant{253'402'300'799, 0} : base::moment_of(e); }

private:
    bool ignored_ = false;
};
struct models_of_64 : base {
    using base::base;
    json::object to_store(json::object event) override {
        if (auto* m = event.if_contains("model"); m && m->is_string() && m->get_string().size() > 64) m->get_string().resize(64);
        return event;
    }
};
struct retry_in_seconds : base {
    using base::base;
    reply excess(held_socket const& s, std::string const& text, instant now) override {
        auto out = base::excess(s, text, now);
        return {{json::serialize(json::object{{"status", "rate_limited"}, {"event_id", id_of_rejected(text)}, {"retry_after_ms", 0.5}})}};
    }
};
struct sessions_of_any_form : base {
    using base::base;
    result<> check_event(json::fields const& f) override {
        if (auto const* s = f.find("session_id"); s && s->is_string()) {
            json::object with = f.get();
            with["session_id"] = "any";
            return base::check_event(json::fields{with});
        }
        return base::check_event(f);
    }
};
struct less_than_a_million : base {
    using base::base;
    result<> check_cost(json::fields const& f) override {
        auto const* v = f.find("cost_usd");
        if (v && v->is_number() && v->to_number<double>() >= 1e6) return f.invalid("cost_usd", "must be less than 1000000");
        return base::check_cost(f);
    }
};
struct short_event_ids : base {
    using base::base;
    result<> check_event(json::fields const& f) override {
        for (char const* name : {"event_id", "session_id"})
            if (text_of_member(f.get(), name).size() > 64) return f.invalid(name, "must have 64 characters at most");
        return base::check_event(f);
    }
};
struct revocation_takes_events : base {
    using base::base;
    void revoke(peer_record& peer, instant now) override {
        std::erase_if(held().events, [&](auto const& e) { return e.peer_id == peer.peer_id; });
        base::revoke(peer, now);
    }
};
struct types_of_100 : base {
    using base::base;
    result<> check_event_type(json::fields const& f) override {
        if (text_of_member(f.get(), "event_type").size() > 100) return f.invalid("event_type", "must have 100 characters at most");
        return base::check_event_type(f);
    }
};

// ---- the trail ----

struct empty_pushes_unrecorded : base {
    using base::base;
    void record(audit_record r) override {
        if (r.type == "sync_accepted" && r.details.contains("conversations") && r.details.at("conversations").to_number<int>() == 0) return;
        base::record(std::move(r));
    }
};
struct peers_unpair_unrecorded : base {
    using base::base;
    answer delete_peer(call const& c, std::string const& peer_id) override {
        auto const* field = c.request.headers.find("Authorization");
        by_peer_ = field && field->starts_with("BSP ");
        auto out = base::delete_peer(c, peer_id);
        by_peer_ = false;
        return out;
    }
    void record(audit_record r) override {
        if (!by_peer_ || r.type != "peer_unpaired") base::record(std::move(r));
    }

private:
    bool by_peer_ = false;
};
struct since_as_text : base {
    using base::base;
    bool is_asked_for(call const& c, audit_record const& r, instant since) override {
        auto const* text = c.parameter("since");
        return text ? format_timestamp(r.at) >= *text && base::is_asked_for(c, r, r.at) : base::is_asked_for(c, r, since);
    }
};
struct types_by_their_beginning : base {
    using base::base;
    bool is_asked_for(call const& c, audit_record const& r, instant since) override {
        auto const* type = c.parameter("event_type");
        if (!type || !r.type.starts_with(type->substr(0, 5))) return base::is_asked_for(c, r, since);
        audit_record same = r;
        same.type = *type;
        return base::is_asked_for(c, same, since);
    }
};
/// What is no type of the table is no filter.
struct unknown_types_filter_nothing : base {
    using base::base;
    bool is_asked_for(call const& c, audit_record const& r, instant since) override {
        auto const* type = c.parameter("event_type");
        auto const& all = held().audit;
        if (!type || std::any_of(all.begin(), all.end(), [&](audit_record const& one) { return one.type == *type; })) return base::is_asked_for(c, r, since);
        audit_record same = r;
        same.type = *type;
        return base::is_asked_for(c, same, since);
    }
};
struct types_without_case : base {
    using base::base;
    bool is_asked_for(call const& c, audit_record const& r, instant since) override {
        auto const* type = c.parameter("event_type");
        audit_record same = r;
        if (type && http_headers::same_name(*type, r.type)) same.type = *type;
        return base::is_asked_for(c, same, since);
    }
};

// ---- privacy ----

template <char const* Name>
struct other_default : base {
    using base::base;
    json::object defaults() override {
        auto out = base::defaults();
        out[Name] = false;
        return out;
    }
};
constexpr char redact_pii[] = "redact_pii", sync_telemetry[] = "sync_telemetry";

struct retention_comes_back : base {
    using base::base;
    json::object merged(json::object held, json::object const& put) override {
        auto out = base::merged(std::move(held), put);
        if (!put.contains("retention_days")) out["retention_days"] = 90;
        return out;
    }
};
struct less_than_ten_years : base {
    using base::base;
    result<> check_setting(json::fields const& put, std::string_view name) override {
        if (name == "retention_days")
            if (auto const* v = put.find(name); v && v->is_int64() && v->get_int64() >= 3650) return put.invalid(name, "must be less than 3650");
        return base::check_setting(put, name);
    }
};

// ---- platforms ----

template <char const* Name>
struct foreign_field_refused : base {
    using base::base;
    answer dispatch(call& c) override {
        if (c.request.method != "GET" && c.request.headers.find(Name)) return fail(errc::forbidden, "this looks like a page");
        return base::dispatch(c);
    }
};
constexpr char referer[] = "Referer", requested_with[] = "X-Requested-With", language[] = "Accept-Language";

/// What looks for `Content-Type` in this spelling only.
struct content_type_as_spelled : base {
    using base::base;
    result<> check_media_type(call const& c) override {
        for (auto const& [name, value] : c.request.headers)
            if (http_headers::same_name(name, "Content-Type") && name != "Content-Type") return fail(errc::unsupported_media_type, "the body must be application/json");
        return base::check_media_type(c);
    }
};

// ---- the client ----

template <int Status>
struct final_status : base {
    using base::base;
    outcome outcome_of(int status, std::string const& code) override { return status == Status ? outcome::left_alone : base::outcome_of(status, code); }
};
template <char const* Code>
struct final_code : base {
    using base::base;
    outcome outcome_of(int status, std::string const& code) override { return code == Code ? outcome::left_alone : base::outcome_of(status, code); }
};
constexpr char sync_id_reuse[] = "sync-id-reuse", stale_request[] = "stale-request";
struct any_pace : base {
    using base::base;
    milliseconds interval_from(json::value const& b, milliseconds before) override {
        auto const* given = b.is_object() ? b.get_object().if_contains("next_sync_in_ms") : nullptr;
        if (given && given->is_double()) return milliseconds{static_cast<std::int64_t>(std::clamp(given->get_double(), 1'000.0, 300'000.0))};
        return base::interval_from(b, before);
    }
};

}  // namespace

std::vector<fault> clause_part_faults_of_records() {
    return {
        tried(4, true, {"F-TEL-708", "with source_backend, since does not count", {"tel/since"}, make<source_or_since>}),
        tried(4, false, {"F-TEL-710", "models are cut at 64 characters", {"tel/verbatim"}, make<models_of_64>}),
        tried(4, true, {"F-TEL-712", "retry_after_ms is a fraction of a second", {"tel/excess"}, make<retry_in_seconds>}),
        tried(4, true, {"F-TEL-713", "session_id of an event may be any text", {"tel/grammar"}, make<sessions_of_any_form>}),
        tried(4, true, {"F-TEL-714", "a cost of a million is refused", {"tel/cost-inside"}, make<less_than_a_million>}),
        tried(4, true, {"F-TEL-715", "ids of events have 64 characters at most", {"tel/ids-exact"}, make<short_event_ids>}),
        tried(4, true, {"F-TEL-716", "a revocation removes the peer's events", {"tel/revoke-open"}, make<revocation_takes_events>}),
        tried(4, true, {"F-TEL-718", "types of events have 100 characters at most", {"tel/unknown-type"}, make<types_of_100>}),
        tried(4, false, {"F-SEC-710", "pushes without conversations are not in the audit trail", {"aud/lives"}, make<empty_pushes_unrecorded>}),
        tried(4, true, {"F-SEC-711", "unpairings by the peer are not in the audit trail", {"aud/lives"}, make<peers_unpair_unrecorded>}),
        tried(4, false, {"F-SEC-712", "since of the audit trail is compared as text", {"aud/filters"}, make<since_as_text>}),
        tried(4, true, {"F-SEC-713", "event_type of the audit trail is compared by its beginning", {"aud/filters"}, make<types_by_their_beginning>}),
        {"F-SEC-956", "an event_type that is none filters nothing", {"aud/filters"}, make<unknown_types_filter_nothing>},
        {"F-SEC-957", "event_type of the audit trail is compared without case", {"aud/filters"}, make<types_without_case>},
        tried(4, true, {"F-PRV-716", "redaction is off unless asked for", {"prv/defaults"}, make<other_default<redact_pii>>}),
        tried(4, true, {"F-PRV-717", "telemetry is off unless asked for", {"prv/defaults"}, make<other_default<sync_telemetry>>}),
        tried(4, true, {"F-PRV-718", "a change that leaves out retention_days sets it to 90", {"prv/partial-put", "prv/settings-credential"}, make<retention_comes_back>}),
        tried(4, true, {"F-PRV-719", "3,650 days are refused", {"prv/settings-kept", "prv/paused-user"}, make<less_than_ten_years>}),
        tried(4, true, {"F-MPP-700", "requests with a Referer are refused", {"mpp/any-program"}, make<foreign_field_refused<referer>>}),
        tried(4, true, {"F-MPP-701", "requests with X-Requested-With are refused", {"mpp/any-program"}, make<foreign_field_refused<requested_with>>}),
        tried(4, true, {"F-MPP-702", "requests with Accept-Language are refused", {"mpp/any-program"}, make<foreign_field_refused<language>>}),
        tried(4, true, {"F-MPP-703", "Content-Type is found in this spelling only", {"mpp/field-names"}, make<content_type_as_spelled>}),
        tried(4, true, {"F-OFF-700", "408 is final", {"off/transient-answers"}, make<final_status<408>>, setting::client}),
        tried(4, true, {"F-OFF-701", "425 is final", {"off/transient-answers"}, make<final_status<425>>, setting::client}),
        tried(4, false, {"F-OFF-702", "a next_sync_in_ms with a fraction counts", {"off/interval-no-integer"}, make<any_pace>, setting::client}),
        tried(4, true, {"F-OFF-703", "409 sync-id-reuse is final", {"off/transient-answers"}, make<final_code<sync_id_reuse>>, setting::client}),
        tried(4, true, {"F-OFF-704", "401 stale-request is final", {"off/transient-answers"}, make<final_code<stale_request>>, setting::client}),
    };
}

}  // namespace bsp::faulty
