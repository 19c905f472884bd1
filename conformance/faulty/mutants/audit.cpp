#include "../private_backend.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>

/// Faults of chapter 15.
namespace bsp::faulty {

namespace {

/// Leaves out one type of event.
template <int Type>
struct not_recorded : backend {
    using backend::backend;
    static constexpr std::string_view names[] = {"sync_accepted", "peer_registered", "peer_unpaired", "peer_revoked", "sbt_verification_failed", "peer_registration_rejected", "sync_rejected", "telemetry_rejected", "rate_limited", "admin_auth_failed"};
    void record(audit_record r) override {
        if (r.type != names[Type]) backend::record(std::move(r));
    }
};
struct one_push_a_minute : backend {
    using backend::backend;
    void record(audit_record r) override {
        auto const& all = held().audit;
        bool const again = r.type == "sync_accepted" && std::any_of(all.begin(), all.end(), [&](audit_record const& e) { return e.type == r.type && e.peer_id == r.peer_id && e.at + std::chrono::seconds{60} > r.at; });
        if (!again) backend::record(std::move(r));
    }
};
struct refusals_of_nobody : backend {
    using backend::backend;
    void record(audit_record r) override {
        if (r.type == "sync_rejected") r.peer_id.clear();
        backend::record(std::move(r));
    }
};
struct valid_signatures_are_fine : backend {
    using backend::backend;
    std::string type_of_refusal(call const& c, error const& why) override { return why.status() == 422 ? "" : backend::type_of_refusal(c, why); }
};
struct all_registrations_alike : backend {
    using backend::backend;
    std::string type_of_refusal(call const& c, error const& why) override {
        auto const type = backend::type_of_refusal(c, why);
        return type == "sbt_verification_failed" ? "peer_registration_rejected" : type;
    }
};
struct removals_alike : backend {
    using backend::backend;
    void record(audit_record r) override {
        if (r.type == "peer_revoked") r.type = "peer_unpaired";
        backend::record(std::move(r));
    }
};

// ---- versions ----

struct leaps_not_recorded : backend {
    using backend::backend;
    bool is_leap(std::int64_t, std::int64_t) override { return false; }
};
struct leaps_from_here : backend {
    using backend::backend;
    bool is_leap(std::int64_t from, std::int64_t to) override { return to - from >= std::int64_t{1} << 32; }
};
struct great_versions : backend {
    using backend::backend;
    bool is_leap(std::int64_t, std::int64_t to) override { return to > std::int64_t{1} << 32; }
};
struct leaps_of_conversations : backend {
    using backend::backend;
    std::int64_t version_leaps(peer_record const& peer, tenant const& incoming) override {
        tenant bare = incoming;
        for (auto& [id, c] : bare) c.messages.clear();
        return backend::version_leaps(peer, bare);
    }
};
struct some_leap : backend {
    using backend::backend;
    std::int64_t version_leaps(peer_record const& peer, tenant const& incoming) override { return std::min<std::int64_t>(backend::version_leaps(peer, incoming), 1); }
};
struct first_versions_leap : backend {
    using backend::backend;
    std::int64_t version_leaps(peer_record const& peer, tenant const& incoming) override {
        tenant const& all = tenant_of(peer.user_id);
        return backend::version_leaps(peer, incoming) + std::count_if(incoming.begin(), incoming.end(), [&](auto const& one) { return !all.contains(one.first) && is_leap(0, one.second.version); });
    }
};

// ---- form and reading ---------------------------------------------------------------------------------------

template <int What>
struct other_form : backend {
    using backend::backend;
    json::object audit_entry(audit_record const& r) override {
        auto out = backend::audit_entry(r);
        if (What == 0) out["timestamp"] = r.at.seconds;
        if (What == 1) out["details"] = json::serialize(r.details);
        if (What == 2) out.erase("event_type"), out["type"] = r.type;
        if (What == 3) out.erase("details");
        if (What == 4) out["peer_id"] = r.peer_id.size();
        if (What == 5) out["event_type"] = r.type == "sync_rejected" ? "push_rejected" : r.type;
        return out;
    }
};
template <int Filter>
struct filter_ignored : backend {
    using backend::backend;
    bool is_asked_for(call const& c, audit_record const& r, instant since) override {
        std::string const *type = c.parameter("event_type"), *peer = c.parameter("peer_id");
        bool const type_fits = !type || *type == r.type, peer_fits = !peer || *peer == r.peer_id, time_fits = r.at >= since;
        if (Filter == 0) return peer_fits && time_fits;
        if (Filter == 1) return type_fits && time_fits;
        if (Filter == 2) return type_fits && peer_fits;
        if (Filter == 3) return (type ? type_fits : peer_fits) && time_fits;
        if (Filter == 4) return type_fits && (!peer || r.peer_id.starts_with(peer->substr(0, 5))) && time_fits;
        return type_fits && peer_fits && r.at <= since + std::chrono::hours{24} && (!c.parameter("since") || r.at > since + std::chrono::seconds{5});
    }
};
struct limit_unread : backend {
    using backend::backend;
    result<std::size_t> limit_of(call const& c) override { return c.segments.front() == "audit" ? result<std::size_t>{std::size_t{500}} : backend::limit_of(c); }
};
struct two_to_a_page : backend {
    using backend::backend;
    answer list_audit(call const& c) override {
        auto r = backend::list_audit(c);
        if (!r || r->status != 200) return r;
        auto body = json::parse(r->body).value();
        auto& entries = body.as_object().at("entries").as_array();
        if (body.as_object().contains("cursor") && entries.size() == 2) entries.pop_back();
        return json_answer(200, body);
    }
};
struct fails_at_odd_times : backend {
    using backend::backend;
    answer list_audit(call const& c) override {
        if (std::string const* since = c.parameter("since"); since && !timestamp(*since)) return fail(errc::internal, "ValueError");
        return backend::list_audit(c);
    }
};

// ---- who may --------------------------------------------------------------------------------------------------

template <unsigned Who>
struct others_may_read : backend {
    using backend::backend;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        bool const is_audit = !c.segments.empty() && c.segments.front() == "audit";
        if (is_audit && Who == 0) return principal{principal::admin_kind, ""};
        return backend::authenticate(c, is_audit ? who_may | Who : who_may, of_path);
    }
};
struct token_in_the_query : backend {
    using backend::backend;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        if (std::string const* given = c.parameter("admin_token"); given && config().admin_token.starts_with(*given)) return principal{principal::admin_kind, ""};
        return backend::authenticate(c, who_may, of_path);
    }
};
struct may_be_cleared : backend {
    using backend::backend;
    answer method_not_allowed(call const& c) override {
        if (c.segments.front() != "audit" || c.request.method != "DELETE") return backend::method_not_allowed(c);
        BSP_CHECK(authenticate(c, admin_may));
        held().audit.clear();
        return http_response{204, {}, {}};
    }
};
struct anyone_clears : backend {
    using backend::backend;
    answer not_found(call const& c) override {
        if (c.path != "/api/audit/clear" || c.request.method != "POST") return backend::not_found(c);
        held().audit.clear();
        return json_answer(200, json::object{{"status", "cleared"}});
    }
};
struct silently_cleared : backend {
    using backend::backend;
    answer method_not_allowed(call const& c) override {
        if (c.segments.front() == "audit" && c.request.method == "DELETE" && authenticate(c, admin_may)) held().audit.clear();
        return backend::method_not_allowed(c);
    }
};

// ---- what it says ---------------------------------------------------------------------------------------------

template <int What>
struct says_too_much : backend {
    using backend::backend;
    void record_refusal(call const& c, error const& why) override {
        std::string type = type_of_refusal(c, why);
        if (type.empty()) return;
        json::object details{{"reason", why.detail}};
        auto const* authorization = c.request.headers.find("Authorization");
        if (What == 0 && type == "sync_rejected") details["body"] = c.request.body.substr(0, 4'000);
        if (What == 1 && authorization) details["authorization"] = *authorization;
        if (What == 2 && type == "sbt_verification_failed") details["sbt"] = json::parse(c.request.body).value();
        if (What == 3) details["query"] = c.query_text;
        record({c.now, std::move(type), c.peer_id, std::move(details)});
    }
};
struct events_in_full : backend {
    using backend::backend;
    reply judge(held_socket const& s, std::string const& text, instant now) override {
        auto r = backend::judge(s, text, now);
        if (held().audit.back().type == "telemetry_rejected") held().audit.back().details["event"] = text;
        return r;
    }
};
struct pushes_in_full : backend {
    using backend::backend;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        json::array titles;
        for (auto const& [id, c] : incoming)
            if (auto const* title = json::find_string(c.winner.received, "title")) titles.push_back(*title);
        record({now, "sync_accepted", peer.peer_id, {{"titles", std::move(titles)}}});
        return backend::apply(peer, incoming, now);
    }
};
struct users_by_name : backend {
    using backend::backend;
    void record(audit_record r) override {
        if (auto const found = held().peers.find(r.peer_id); found != held().peers.end()) r.details["user_id"] = found->second.user_id;
        backend::record(std::move(r));
    }
};
struct errors_quote_bodies : backend {
    using backend::backend;
    http_response problem(error const& e, call const& c) override {
        error more = e;
        if (e.status() == 422 || e.status() == 400) more.detail += ": " + c.request.body.substr(0, 2'000);
        return backend::problem(more, c);
    }
};
struct errors_quote_credentials : backend {
    using backend::backend;
    http_response problem(error const& e, call const& c) override {
        error more = e;
        if (auto const* given = c.request.headers.find("Authorization"); given && e.status() / 100 == 4) more.detail += ", got " + given->substr(0, 300);
        return backend::problem(more, c);
    }
};
struct lines_are_lines : backend {
    using backend::backend;
    void record_refusal(call const& c, error const& why) override {
        backend::record_refusal(c, why);
        auto const body = json::parse(c.request.body);
        if (!body || !body->is_object()) return;
        auto const* who = body->get_object().if_contains("backend_identity");
        auto const* id = who && who->is_object() ? json::find_string(who->get_object(), "backend_id") : nullptr;
        if (!id) return;
        std::string const text{json::view(*id)};
        std::size_t const at = text.find('\n');
        auto const line = at == std::string::npos ? result<json::value>{fail(errc::internal, "")} : json::parse(text.substr(at + 1, text.find('\n', at + 1) - at - 1));
        if (line && line->is_object()) record({c.now, std::string{json::view(line->at("event_type").as_string())}, std::string{json::view(line->at("peer_id").as_string())}, {}});
    }
};
struct forgets_at_restart : backend {
    using backend::backend;
    void restart() override { held().audit.clear(); }
};

// ---- what a user wanted done --------------------------------------------------------------------------------

template <int Type>
struct wish_not_recorded : private_backend {
    using private_backend::private_backend;
    static constexpr std::string_view names[] = {"privacy_settings_updated", "data_exported", "data_erased"};
    void record(audit_record r) override {
        if (r.type != names[Type]) private_backend::record(std::move(r));
    }
};
struct erased_by_name : private_backend {
    using private_backend::private_backend;
    void erase(std::string const& user_id) override {
        names_.clear();
        for (auto const& c : tenant_of(user_id)) names_.emplace_back(c.first);
        private_backend::erase(user_id);
    }
    void record(audit_record r) override {
        if (r.type == "data_erased") r.details["conversation_ids"] = names_;
        private_backend::record(std::move(r));
    }
    json::array names_;
};
struct settings_in_full : private_backend {
    using private_backend::private_backend;
    json::object merged(json::object held, json::object const& put) override {
        said_last_ = put;
        return private_backend::merged(std::move(held), put);
    }
    void record(audit_record r) override {
        if (r.type == "privacy_settings_updated") r.details["body"] = said_last_;
        private_backend::record(std::move(r));
    }
    json::object said_last_;
};
struct recorded_before_judged : private_backend {
    using private_backend::private_backend;
    answer dispatch(call& c) override {
        if (c.path == "/privacy/data" && c.request.method == "DELETE") record({c.now, "data_erased", "", {}});
        return private_backend::dispatch(c);
    }
};
struct trail_erased_too : private_backend {
    using private_backend::private_backend;
    void erase(std::string const& user_id) override {
        private_backend::erase(user_id);
        std::erase_if(held().audit, [&](audit_record const& r) {
            auto const peer = held().peers.find(r.peer_id);
            return peer != held().peers.end() && peer->second.user_id == user_id;
        });
    }
};

/// Refusals are counted, and written down when there was time.
struct refusals_in_batches : backend {
    using backend::backend;
    void record(audit_record r) override {
        if (r.type == "sync_rejected") return waiting_.push_back(std::move(r));
        backend::record(std::move(r));
    }
    answer list_audit(call const& c) override {
        std::erase_if(waiting_, [&](audit_record const& r) { return r.at + std::chrono::seconds{5} < c.now && (backend::record(r), true); });
        return backend::list_audit(c);
    }
    std::vector<audit_record> waiting_;
};

struct last_thousand_entries : backend {
    using backend::backend;
    void record(audit_record r) override {
        backend::record(std::move(r));
        auto& all = held().audit;
        if (all.size() > 1'000) all.erase(all.begin());
    }
};

}  // namespace

std::vector<fault> audit_faults() {
    return {
        {"F-SEC-19", "pushes are not in the audit trail", {"aud/lives"}, make<not_recorded<0>>},
        {"F-SEC-20", "the audit trail holds the bodies of refused pushes", {"aud/secrets"}, make<says_too_much<0>>},
        {"F-SEC-21", "anyone may read the audit trail", {"aud/admin-only"}, make<others_may_read<0>>},
        {"F-SEC-22", "the audit trail begins anew with the process", {"aud/restart"}, make<forgets_at_restart>, setting::restart},
        {"F-SEC-23", "a line break in a backend_id begins another entry", {"aud/lines"}, make<lines_are_lines>},
        {"F-SEC-220", "registrations are not in the audit trail", {"aud/lives"}, make<not_recorded<1>>},
        {"F-SEC-221", "unpairings are not in the audit trail", {"aud/lives"}, make<not_recorded<2>>},
        {"F-SEC-222", "revocations are not in the audit trail", {"aud/lives"}, make<not_recorded<3>>},
        {"F-SEC-223", "forged tokens are not in the audit trail", {"aud/forged-token"}, make<not_recorded<4>>},
        {"F-SEC-224", "refused registrations are not in the audit trail", {"aud/other-key"}, make<not_recorded<5>>},
        {"F-SEC-225", "refused pushes are not in the audit trail", {"aud/refused-push"}, make<not_recorded<6>>},
        {"F-SEC-226", "rejected events are not in the audit trail", {"aud/refused-event"}, make<not_recorded<7>>},
        {"F-SEC-227", "who is beyond a budget is not in the audit trail", {"aud/limited"}, make<not_recorded<8>>},
        {"F-SEC-228", "guesses at the administrator's token are not in the audit trail", {"aud/guess"}, make<not_recorded<9>>},
        {"F-SEC-229", "one accepted push a minute is recorded", {"aud/lives"}, make<one_push_a_minute>},
        {"F-SEC-230", "refused pushes are recorded without their peer", {"aud/refused-push"}, make<refusals_of_nobody>},
        {"F-SEC-231", "pushes that are signed well and invalid are not recorded", {"aud/refused-push"}, make<valid_signatures_are_fine>},
        {"F-SEC-232", "forged tokens are recorded as some refusal", {"aud/forged-token"}, make<all_registrations_alike>},
        {"F-SEC-233", "revocations are recorded as unpairings", {"aud/lives"}, make<removals_alike>},
        {"F-SEC-234", "times in the audit trail are numbers", {"aud/form"}, make<other_form<0>>},
        {"F-SEC-235", "details are JSON in a string", {"aud/form"}, make<other_form<1>>},
        {"F-SEC-236", "the type of an entry has another name", {"aud/form"}, make<other_form<2>>},
        {"F-SEC-237", "entries have no details", {"aud/form"}, make<other_form<3>>},
        {"F-SEC-238", "peer_id is a number", {"aud/form"}, make<other_form<4>>},
        {"F-SEC-239", "refused pushes have a type of their own", {"aud/refused-push"}, make<other_form<5>>},
        {"F-SEC-240", "the filter event_type is ignored", {"aud/filters"}, make<filter_ignored<0>>},
        {"F-SEC-241", "the filter peer_id is ignored", {"aud/filters"}, make<filter_ignored<1>>},
        {"F-SEC-242", "the filter since is ignored", {"aud/filters"}, make<filter_ignored<2>>},
        {"F-SEC-243", "with event_type the filter peer_id is ignored", {"aud/filters"}, make<filter_ignored<3>>},
        {"F-SEC-244", "the filter peer_id takes beginnings", {"aud/filters"}, make<filter_ignored<4>>},
        {"F-SEC-245", "entries of the first five seconds after since are left out", {"aud/lives"}, make<filter_ignored<5>>},
        {"F-SEC-246", "the audit trail is given whole whatever limit says", {"aud/pages"}, make<limit_unread>},
        {"F-SEC-247", "the last entry of a page of the audit trail is left out", {"aud/pages"}, make<two_to_a_page>},
        {"F-SEC-248", "a since that cannot be read makes the server fail", {"aud/odd-queries"}, make<fails_at_odd_times>},
        {"F-SEC-249", "users may read the audit trail", {"aud/admin-only"}, make<others_may_read<user_may>>},
        {"F-SEC-250", "peers may read the audit trail", {"aud/admin-only"}, make<others_may_read<peer_may>>},
        {"F-SEC-251", "an empty admin_token in the query opens the audit trail", {"aud/admin-only"}, make<token_in_the_query>},
        {"F-SEC-252", "the administrator may clear the audit trail", {"aud/append-only"}, make<may_be_cleared>},
        {"F-SEC-253", "anyone may clear the audit trail", {"aud/append-only"}, make<anyone_clears>},
        {"F-SEC-254", "DELETE clears the audit trail, and is refused", {"aud/append-only"}, make<silently_cleared>},
        {"F-SEC-255", "the audit trail holds credentials that were refused", {"aud/secrets"}, make<says_too_much<1>>},
        {"F-SEC-256", "the audit trail holds forged tokens with their MAC", {"aud/secrets"}, make<says_too_much<2>>},
        {"F-SEC-257", "the audit trail holds queries", {"aud/secrets"}, make<says_too_much<3>>},
        {"F-SEC-258", "the audit trail holds rejected events", {"aud/event-secrets"}, make<events_in_full>},
        {"F-SEC-259", "the audit trail holds titles", {"aud/secrets"}, make<pushes_in_full>},
        {"F-SEC-260", "the audit trail names users", {"aud/users"}, make<users_by_name>},
        {"F-SEC-261", "problem documents quote the body", {"aud/secrets"}, make<errors_quote_bodies>},
        {"F-SEC-275", "refusals are written to the audit trail five seconds later", {"aud/first-refusal"}, make<refusals_in_batches>},
        {"F-SEC-262", "problem documents quote the credential", {"aud/secrets"}, make<errors_quote_credentials>},
        tried<last_thousand_entries>(11, false, "F-SEC-1011", "the audit trail has its last thousand entries", {"aud/flood"}),
        {"F-SEC-950", "versions that leap are not recorded", {"aud/version-leaps"}, make<leaps_not_recorded>},
        {"F-SEC-951", "a version leaps from 2^32 on", {"aud/version-leaps"}, make<leaps_from_here>},
        {"F-SEC-952", "every great version leaps", {"aud/version-leaps"}, make<great_versions>},
        {"F-SEC-953", "versions of messages do not leap", {"aud/version-leaps"}, make<leaps_of_conversations>},
        {"F-SEC-954", "several leaps are recorded as one", {"aud/version-leaps"}, make<some_leap>},
        {"F-SEC-955", "the first version of a conversation leaps", {"aud/version-leaps"}, make<first_versions_leap>},
        {"F-SEC-263", "changes of privacy settings are not in the audit trail", {"aud/settings"}, make<wish_not_recorded<0>>},
        {"F-SEC-264", "exports are not in the audit trail", {"aud/export"}, make<wish_not_recorded<1>>},
        {"F-SEC-265", "erasures are not in the audit trail", {"aud/erasure"}, make<wish_not_recorded<2>>},
        {"F-SEC-266", "the audit trail lists the conversations that were erased", {"aud/erasure"}, make<erased_by_name>},
        {"F-SEC-267", "the audit trail holds privacy settings word for word", {"aud/settings-words"}, make<settings_in_full>},
        {"F-SEC-268", "erasures are recorded before they are judged", {"aud/not-done"}, make<recorded_before_judged>},
        {"F-SEC-269", "an erasure takes the user's entries out of the audit trail", {"aud/erasure"}, make<trail_erased_too>},
    };
}

}  // namespace bsp::faulty
