#include "backend.hpp"

#include <algorithm>

/// Chapters 14 and 15: how much a peer may push, and the record of what happened.
namespace bsp::faulty {

// ---- budgets ----------------------------------------------------------------------------------------------

std::string backend::budget_of(call const&, peer_record const& peer) { return peer.peer_id; }

result<> backend::check_budget(call const& c, peer_record const& peer) {
    std::string const whose = budget_of(c, peer);
    if (is_limited(c, whose)) {
        c.retry_after = budget_wait(c, whose);
        return fail(errc::rate_limited, "this peer has pushed enough for a minute");
    }
    spend(c, whose);
    return ok();
}

// A bucket that holds `push_budget` pushes when it is full, and of which there must be one.
bool backend::is_limited(call const& c, std::string const& whose) {
    return state_.pushes[whose] > c.now + (static_cast<int>(push_budget()) - 1) * push_comes_back();
}

void backend::spend(call const& c, std::string const& whose) {
    instant& until = state_.pushes[whose];
    until = std::max(until, c.now) + push_comes_back();
}

int backend::budget_wait(call const& c, std::string const& whose) {
    instant const free = state_.pushes[whose] - (static_cast<int>(push_budget()) - 1) * push_comes_back();
    return static_cast<int>(free.seconds - c.now.seconds) + 1;
}

// ---- the audit trail --------------------------------------------------------------------------------------

void backend::record(audit_record r) { state_.audit.push_back(std::move(r)); }

std::string backend::type_of_refusal(call const& c, error const& why) {
    auto const& s = c.segments;
    if (s.empty() || why.status() >= 500 || why.code == errc::method_not_allowed) return "";
    if (why.code == errc::rate_limited) return "rate_limited";
    if (s[0] == "register-peer") return why.code == errc::invalid_sbt || why.code == errc::sbt_expired ? "sbt_verification_failed" : "peer_registration_rejected";
    if (s[0] == "sync" && s.size() == 2 && c.request.method == "POST") return "sync_rejected";
    if (s[0] == "telemetry" && s.size() == 2 && s[1] != "events" && why.code != errc::upgrade_required) return "telemetry_rejected";
    std::string const* given = c.request.headers.find("Authorization");
    bool const as_admin = s[0] == "audit" || (s[0] == "peers" && given && given->starts_with("Bearer"));
    return as_admin && (why.status() == 401 || why.status() == 403) ? "admin_auth_failed" : "";
}

void backend::record_refusal(call const& c, error const& why) {
    std::string type = type_of_refusal(c, why);
    if (!type.empty()) record({c.now, std::move(type), c.peer_id, {{"reason", row_of(why.code).code}}});
}

result<http_response> backend::list_audit(call const& c) {
    BSP_CHECK(authenticate(c, admin_may));
    BSP_TRY(std::size_t const limit, limit_of(c));
    instant since{-1'000'000'000'000, 0};
    if (std::string const* text = c.parameter("since")) {
        auto const t = timestamp(*text);
        if (!t) return fail(errc::invalid_query, "since is no timestamp");
        since = *t;
    }
    BSP_TRY(auto const cursor, cursor_of(c, "audit"));
    std::size_t at = cursor ? static_cast<std::size_t>(cursor->at("n").as_int64()) : 0;
    json::array entries;
    for (; at < state_.audit.size() && entries.size() < limit; ++at)
        if (is_asked_for(c, state_.audit[at], since)) entries.push_back(audit_entry(state_.audit[at]));
    json::object out{{"entries", std::move(entries)}};
    if (at < state_.audit.size()) out["cursor"] = make_cursor({{"f", "audit"}, {"n", static_cast<std::int64_t>(at)}});
    return json_answer(200, out);
}

bool backend::is_asked_for(call const& c, audit_record const& r, instant since) {
    std::string const *type = c.parameter("event_type"), *peer = c.parameter("peer_id");
    return r.at >= since && (!type || *type == r.type) && (!peer || *peer == r.peer_id);
}

json::object backend::audit_entry(audit_record const& r) {
    json::object out{{"timestamp", format_timestamp(r.at)}, {"event_type", r.type}, {"peer_id", nullptr}, {"details", r.details}};
    if (!r.peer_id.empty()) out["peer_id"] = r.peer_id;
    return out;
}

}  // namespace bsp::faulty
