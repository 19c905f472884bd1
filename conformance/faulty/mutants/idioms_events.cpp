#include "../observed_backend.hpp"

#include "lenient_json.hpp"

#include <algorithm>
#include <cmath>

/// The habits of languages and libraries where events are taken, kept and counted.
namespace bsp::faulty {

namespace {

using base = observed_backend;

/// `change` is done to the event before it is kept.
template <auto change>
struct kept_otherwise : base {
    using base::base;
    json::object to_store(json::object event) override {
        change(event);
        return event;
    }
};
/// `change` is done to every value within `metadata`, at any depth, its own too.
template <auto change>
void within_metadata(json::object& event) {
    auto const walk = [](auto const& self, json::value& v) -> void {
        if (auto* a = v.if_array())
            for (auto& e : *a) self(self, e);
        if (auto* o = v.if_object())
            for (auto& m : *o) self(self, m.value());
        change(v);
    };
    walk(walk, event.at("metadata"));
}
void empty_is_a_list(json::value& v) {
    if (v.is_object() && v.get_object().empty()) v = json::array{};
}
void nested_empty_is_a_list(json::object& event) {
    for (auto& m : event.at("metadata").as_object()) empty_is_a_list(m.value());
}
void plain_names(json::value& v) {
    auto* o = v.if_object();
    if (!o) return;
    json::object out;
    for (auto const& m : *o) {
        std::string name = replaced(json::view(m.key()), ".", "_");
        if (!name.starts_with('$')) out[name] = m.value();
    }
    *o = std::move(out);
}
void exact_numbers_are_texts(json::value& v) {
    if (v.is_double()) v = json::value(json::serialize(v));
}
void dates_anew(json::value& v) {
    if (auto const* s = v.if_string())
        if (auto const t = parse_timestamp(json::view(*s))) v = json::value(format_timestamp(*t));
}
void for_a_page(json::value& v) {
    if (auto const* s = v.if_string()) v = json::value(replaced(replaced(json::view(*s), "<", "&lt;"), ">", "&gt;"));
}
void three_bytes(json::value& v) {
    if (!v.is_string()) return;
    std::string out;
    for (char const c : json::view(v.get_string()))
        if (auto const byte = static_cast<unsigned char>(c); byte >= 0xF0) out += '?';
        else if (byte < 0x80 || byte >= 0xC0 || out.empty() || out.back() != '?') out += c;
    v = json::value(out);
}
void unsafe_integers(json::value& v) {
    if (v.is_int64()) v = static_cast<std::int64_t>(static_cast<std::int32_t>(v.get_int64()));
}
void names_cut(json::object& event) {
    for (char const* name : {"session_id", "event_type", "model", "source_backend"})
        if (auto const* s = json::find_string(event, name)) event[name] = json::view(*s).substr(0, 64);
}
void to_the_millisecond(json::object& event) {
    auto const t = parse_timestamp(json::view(event.at("timestamp").as_string()));
    if (t && t->nanoseconds % 1'000'000 != 0) event["timestamp"] = format_timestamp({t->seconds, t->nanoseconds / 1'000'000 * 1'000'000});
}
void to_the_microsecond(json::object& event) {
    auto const t = parse_timestamp(json::view(event.at("timestamp").as_string()));
    if (t && t->nanoseconds % 1'000 != 0) event["timestamp"] = format_timestamp({t->seconds, t->nanoseconds / 1'000 * 1'000});
}
void four_decimals(json::object& event) {
    if (auto* v = event.if_contains("cost_usd"); v && v->is_double()) *v = std::round(v->get_double() * 1e4) / 1e4;
}
void session_as_a_number(json::object& event) {
    std::string const text{json::view(event.at("session_id").as_string())};
    if (text.size() < 16 && text.find_first_not_of("0123456789") == std::string::npos) event["session_id"] = std::to_string(std::stoll(text));
}

struct lists_are_objects : base {
    using base::base;
    result<> check_event(json::fields const& f) override {
        auto const* v = f.find("metadata");
        if (!v || !v->is_array()) return base::check_event(f);
        json::object seen = f.get();
        seen["metadata"] = json::object{};
        return base::check_event(json::fields{seen});
    }
};
struct digits_are_numbers : base {
    using base::base;
    reply acknowledge(std::string const& id) override {
        bool const is_number = id.size() < 16 && id.find_first_not_of("0123456789") == std::string::npos && id[0] != '0';
        if (!is_number) return base::acknowledge(id);
        return {{json::serialize(json::object{{"status", "acked"}, {"event_id", std::stoll(id)}})}};
    }
};
struct first_second_is_none : base {
    using base::base;
    result<> check_event_time(json::fields const& f) override {
        BSP_TRY(instant const t, instant_of(f, "timestamp"));
        if (t == instant{}) return f.invalid("timestamp", "is required");
        return ok();
    }
};
struct old_is_unsigned : base {
    using base::base;
    result<> check_event_time(json::fields const& f) override {
        BSP_TRY(instant const t, instant_of(f, "timestamp"));
        if (t.seconds < 0) return f.invalid("timestamp", "out of range");
        return ok();
    }
};
struct events_in_any_case : base {
    using base::base;
    result<json::object> parse_event(std::string const& text) override {
        BSP_TRY(json::object const event, base::parse_event(text));
        json::object out = event;
        for (auto const& m : event) {
            std::string name{json::view(m.key())};
            for (char& c : name)
                if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
            if (name != json::view(m.key())) out[name] = m.value();
        }
        return out;
    }
};

// ---- numbers that are told ----

struct cost_in_cents : base {
    using base::base;
    json::object summary(instant now) override {
        json::object out = base::summary(now);
        if (auto& v = out.at("total_cost_24h"); v.is_double()) v = std::round(v.get_double() * 100) / 100;
        return out;
    }
};
struct nothing_is_null : base {
    using base::base;
    json::object debug_of(peer_record const& peer, tally const& t, instant now) override {
        json::object out = base::debug_of(peer, t, now);
        for (char const* name : {"offline_queue", "recent_errors"})
            if (out.at(name).as_array().empty()) out[name] = nullptr;
        return out;
    }
};
struct rate_in_single_precision : base {
    using base::base;
    bool is_low(double rate) override { return static_cast<float>(rate) < 0.9; }
};

fault behind_door(framing reads, fault f) {
    f.door = reads;
    return f;
}

}  // namespace

std::vector<fault> idioms_event_faults() {
    return {
        tried(4, true, {"F-TEL-620", "an empty metadata comes back as a list", {"tel/verbatim", "tel/odd-values"}, make<kept_otherwise<within_metadata<empty_is_a_list>>>}),
        tried(4, true, {"F-TEL-621", "empty objects in metadata come back as lists", {"tel/metadata-whole"}, make<kept_otherwise<nested_empty_is_a_list>>}),
        tried(4, true, {"F-TEL-622", "dots and dollars in names of metadata are changed", {"tel/metadata-whole"}, make<kept_otherwise<within_metadata<plain_names>>>}),
        tried(4, true, {"F-TEL-623", "fractions in metadata come back as texts", {"tel/verbatim", "tel/odd-values"}, make<kept_otherwise<within_metadata<exact_numbers_are_texts>>>}),
        tried(4, false, {"F-TEL-624", "times in metadata are spelled anew", {"tel/odd-values"}, make<kept_otherwise<within_metadata<dates_anew>>>}),
        tried(4, false, {"F-TEL-625", "texts in metadata are escaped for a page", {"tel/odd-values"}, make<kept_otherwise<within_metadata<for_a_page>>>}),
        tried(4, true, {"F-TEL-626", "texts in metadata have no character of four bytes", {"tel/verbatim", "tel/odd-values"}, make<kept_otherwise<within_metadata<three_bytes>>>}),
        tried(4, true, {"F-TEL-627", "integers in metadata are cut to 32 bits", {"tel/verbatim", "tel/odd-values"}, make<kept_otherwise<within_metadata<unsafe_integers>>>}),
        tried(4, false, {"F-TEL-628", "session, type, model and source of an event are cut at 64 characters", {"tel/odd-values"}, make<kept_otherwise<names_cut>>}),
        tried(4, true, {"F-TEL-629", "timestamps of events have milliseconds", {"tel/instants"}, make<kept_otherwise<to_the_millisecond>>}),
        tried(4, false, {"F-TEL-630", "timestamps of events have microseconds", {"tel/instants"}, make<kept_otherwise<to_the_microsecond>>}),
        tried(4, true, {"F-TEL-631", "costs have four decimals", {"tel/costs", "tel/odd-values"}, make<kept_otherwise<four_decimals>>}),
        tried(4, false, {"F-TEL-632", "a session_id of digits loses the zeros at its front", {"tel/odd-values"}, make<kept_otherwise<session_as_a_number>>}),
        tried(4, true, {"F-TEL-633", "a list passes as metadata", {"tel/grammar"}, make<lists_are_objects>}),
        tried(4, false, {"F-TEL-635", "an event_id of digits is acknowledged as a number", {"tel/ids-much-alike"}, make<digits_are_numbers>}),
        tried(4, false, {"F-TEL-636", "events of the first second of 1970 are rejected", {"tel/instants"}, make<first_second_is_none>}),
        tried(4, false, {"F-TEL-637", "events of before 1970 are rejected", {"tel/instants"}, make<old_is_unsigned>}),
        tried(4, false, {"F-TEL-638", "members of events are found without case", {"tel/lenient"}, make<events_in_any_case>}),
        behind_door({.utf8_by_fragment = true}, tried(4, true, {"F-TEL-639", "each fragment has to be UTF-8", {"tel/fragments"}, make<base>})),
        behind_door({.counts_characters = true}, tried(4, false, {"F-TEL-640", "65,536 characters make a message, not bytes", {"tel/bytes"}, make<base>})),
        tried(4, false, {"F-OBS-611", "the day's cost is told in cents", {"obs/day"}, make<cost_in_cents>}),
        tried(4, true, {"F-OBS-612", "empty lists of the debug view are null", {"obs/debug"}, make<nothing_is_null>}),
        tried(4, true, {"F-OBS-613", "the rate is compared in single precision", {"obs/alert-raised"}, make<rate_in_single_precision>}),
    };
}

}  // namespace bsp::faulty
