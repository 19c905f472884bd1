#include "../observed_backend.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>

/// One member of the answers of one endpoint is not what its table says: left out, of another type, in another unit, or what
/// a serializer makes of nothing.
namespace bsp::faulty {

namespace {

enum class harm : std::uint8_t {
    dropped,
    null,
    null_when_absent,  ///< an optional member that is written all the same
    null_when_empty,   ///< an empty list that was never made
    text,              ///< a number, a flag or a structure in a string
    joined,            ///< a list as one string
    one,               ///< a flag as a number
    real,              ///< an integer as a floating-point number
    thousandth,
    thousandfold,
    one_more,
    rounded,           ///< to four decimals
    offset,            ///< a time in UTC that ends in +00:00
    lower,
    upper,
    seconds,           ///< a time as a number
    first,             ///< what the first such answer had
    literal,           ///< whatever `with` says
};

struct tampering {
    std::string_view id, title;
    bool caught;  ///< at first sight
    std::vector<std::string_view> killed_by;
    std::string_view method, path;  ///< `*` stands for one segment, "" for every path
    std::string_view member;        ///< "/peers/*/sbt/created_at"; `*` stands for every element
    harm how;
    std::string_view with = "";     ///< JSON, of `literal`
    int status = 0;                 ///< of the answer; 0: any success, 1: any refusal
    setting needs = setting::plain;
};

std::vector<tampering> const& tamperings();

bool has_form(std::string_view path, std::string_view form) {
    if (form.empty()) return true;
    path = path.substr(0, path.find('?'));
    for (;;) {
        auto const a = path.find('/', 1), b = form.find('/', 1);
        if (form.substr(0, b) != "/*" && path.substr(0, a) != form.substr(0, b)) return false;
        if (a == path.npos || b == form.npos) return a == b;
        path.remove_prefix(a), form.remove_prefix(b);
    }
}

class tampered_backend : public observed_backend {
public:
    tampered_backend(settings const& s, tampering const& row) : observed_backend{s}, row_{row} {}

protected:
    http_response serve(http_request const& request, instant now) override {
        http_response r = observed_backend::serve(request, now);
        bool const counts = row_.status == 0 ? r.status / 100 == 2 : row_.status == 1 ? r.status >= 400 : r.status == row_.status;
        if (!counts || (!row_.method.empty() && request.method != row_.method) || !has_form(request.target, row_.path)) return r;
        auto body = json::parse(r.body);
        if (!body) return r;
        tamper(*body, row_.member);
        r.body = json::serialize(*body);
        return r;
    }

private:
    void tamper(json::value& in, std::string_view pointer) {
        pointer.remove_prefix(1);
        auto const slash = pointer.find('/');
        auto const name = pointer.substr(0, slash);
        auto const rest = slash == pointer.npos ? std::string_view{} : pointer.substr(slash);
        if (name == "*") {
            if (in.is_array())
                for (auto& element : in.get_array()) tamper(element, rest);
            return;
        }
        if (!in.is_object()) return;
        if (rest.empty()) harm_member(in.get_object(), name);
        else if (auto* found = in.get_object().if_contains(name)) tamper(*found, rest);
    }

    void harm_member(json::object& in, std::string_view name) {
        auto* v = in.if_contains(name);
        if (row_.how == harm::null_when_absent) in.emplace(name, nullptr);
        if (!v) return;
        auto const scaled = [&](double by) { *v = v->is_double() ? json::value(v->get_double() * by) : json::value(static_cast<std::int64_t>(std::floor(v->to_number<double>() * by))); };
        switch (row_.how) {
            case harm::dropped: in.erase(name); break;
            case harm::null: *v = nullptr; break;
            case harm::null_when_absent: break;
            case harm::null_when_empty:
                if ((v->is_array() && v->get_array().empty()) || (v->is_object() && v->get_object().empty())) *v = nullptr;
                break;
            case harm::text:
                if (!v->is_string() && !v->is_null()) *v = json::string(json::serialize(*v));
                break;
            case harm::joined: {
                std::string all;
                for (auto const& one : v->as_array()) all += (all.empty() ? "" : ",") + std::string{json::view(one.as_string())};
                *v = json::string(all);
                break;
            }
            case harm::one: *v = v->as_bool() ? 1 : 0; break;
            case harm::real:
                if (v->is_int64()) *v = static_cast<double>(v->get_int64());
                break;
            case harm::thousandth: scaled(0.001); break;
            case harm::thousandfold: scaled(1000); break;
            case harm::one_more:
                if (v->is_int64()) *v = v->get_int64() + 1;
                break;
            case harm::rounded:
                if (v->is_number()) *v = std::round(v->to_number<double>() * 1e4) / 1e4;
                break;
            case harm::offset:
                if (v->is_string() && v->get_string().ends_with("Z")) *v = json::string(std::string{json::view(v->get_string())}.substr(0, v->get_string().size() - 1) + "+00:00");
                break;
            case harm::lower: change_case(*v, [](unsigned char c) { return std::tolower(c); }); break;
            case harm::upper: change_case(*v, [](unsigned char c) { return std::toupper(c); }); break;
            case harm::seconds:
                if (v->is_string())
                    if (auto const t = backend::timestamp(json::view(v->get_string()))) *v = t->seconds;
                break;
            case harm::first:
                if (!first_) first_ = *v;
                *v = *first_;
                break;
            case harm::literal: *v = json::parse(row_.with).value(); break;
        }
    }

    template <class Change>
    static void change_case(json::value& v, Change change) {
        if (!v.is_string()) return;
        std::string s{json::view(v.get_string())};
        std::transform(s.begin(), s.end(), s.begin(), change);
        v = json::string(s);
    }

    tampering row_;
    std::optional<json::value> first_;
};

template <std::size_t N>
std::unique_ptr<backend> tamper_with(settings const& s) {
    return std::make_unique<tampered_backend>(s, tamperings()[N]);
}

constexpr std::size_t rows_max = 192;

template <std::size_t... N>
std::vector<fault> faults_of(std::index_sequence<N...>) {
    static constexpr maker make[] = {tamper_with<N>...};
    std::vector<fault> out;
    for (std::size_t i = 0; i < tamperings().size(); ++i) {
        auto const& t = tamperings()[i];
        out.push_back({t.id, t.title, t.killed_by, make[i], t.needs, {}, trial{4, t.caught}});
    }
    return out;
}

std::vector<tampering> const& tamperings() {
    static std::vector<tampering> const all{
        // ---- identity, registrations ----
        {"F-ID-700", "a capability is a number", true, {"id/capabilities"}, "GET", "/identity", "/capabilities", harm::literal, R"(["live_pull", 7])"},
        {"F-ID-701", "the version of the identity has three numbers", true, {"id/members"}, "GET", "/identity", "/version", harm::literal, R"("1.0.0")"},
        {"F-ID-702", "the identity was created in local time", true, {"id/created-at", "id/every-answer-form"}, "GET", "/identity", "/created_at", harm::offset},
        {"F-REG-700", "sync_interval_ms is a floating-point number", true, {"reg/answer", "mpp/integers"}, "POST", "/register-peer", "/sync_interval_ms", harm::real},
        {"F-REG-701", "sync_interval_ms is in seconds", true, {"reg/answer"}, "POST", "/register-peer", "/sync_interval_ms", harm::thousandth},
        {"F-REG-702", "a registration without a challenge is answered with challenge_signature null", true, {"reg/answer"}, "POST", "/register-peer", "/challenge_signature", harm::null_when_absent},
        {"F-REG-703", "sbt_id is null in answers to tokens that have none", true, {"reg/answer"}, "POST", "/register-peer", "/sbt_id", harm::null_when_absent},
        {"F-REG-704", "registered_at ends in +00:00", true, {"peer/list-members"}, "GET", "/peers", "/peers/*/registered_at", harm::offset},
        {"F-REG-705", "registered_at is a number of seconds", true, {"peer/list-members"}, "GET", "/peers", "/peers/*/registered_at", harm::seconds},
        {"F-REG-706", "a peer without capabilities is listed with null", true, {"peer/list-members"}, "GET", "/peers", "/peers/*/capabilities", harm::null_when_empty},
        {"F-REG-707", "capabilities of peers are one text", true, {"peer/list-members"}, "GET", "/peers", "/peers/*/capabilities", harm::joined},
        {"F-REG-708", "the list of peers has no backend_type", true, {"peer/list-members", "reg/every-answer-form"}, "GET", "/peers", "/peers/*/backend_type", harm::dropped},
        {"F-REG-709", "the list of peers has no backend_id", true, {"peer/list-members", "reg/same-peer-id"}, "GET", "/peers", "/peers/*/backend_id", harm::dropped},
        {"F-REG-710", "the tokens of peers end at a number of seconds", true, {"peer/list-members"}, "GET", "/peers", "/peers/*/sbt/expires_at", harm::seconds},
        {"F-REG-711", "tokens of peers are JSON in a string", true, {"peer/list-members"}, "GET", "/peers", "/peers/*/sbt", harm::text},
        {"F-REG-712", "tokens of peers have no session_id", true, {"peer/list-members"}, "GET", "/peers", "/peers/*/sbt/session_id", harm::dropped},
        {"F-REG-713", "the answer to an unpairing has no peer_id", true, {"peer/unpair-by-peer", "peer/unpair-by-user"}, "DELETE", "/peers/*", "/peer_id", harm::dropped},
        {"F-REG-714", "the answer to an unpairing names the first peer that was unpaired", true, {"peer/unpair-by-user", "peer/unpair-by-peer"}, "DELETE", "/peers/*", "/peer_id", harm::first},
        {"F-REG-715", "backend_type of peers is in capitals", true, {"peer/list-members"}, "GET", "/peers", "/peers/*/backend_type", harm::upper},
        // ---- sync and conversations ----
        {"F-SYN-700", "conflicts is null when there is none", true, {"syn/answer"}, "POST", "/sync/*", "/conflicts", harm::null_when_empty},
        {"F-SYN-701", "next_sync_in_ms is in seconds", true, {"syn/pace"}, "POST", "/sync/*", "/next_sync_in_ms", harm::thousandth},
        {"F-SYN-702", "next_sync_in_ms is a floating-point number", true, {"syn/answer"}, "POST", "/sync/*", "/next_sync_in_ms", harm::real},
        {"F-SYN-703", "next_sync_in_ms is null", true, {"syn/answer"}, "POST", "/sync/*", "/next_sync_in_ms", harm::null},
        {"F-SYN-704", "conflicts have no local_version", true, {"mrg/conflicts"}, "POST", "/sync/*", "/conflicts/*/local_version", harm::dropped},
        {"F-SYN-705", "incoming_version of conflicts is a text", true, {"mrg/conflicts"}, "POST", "/sync/*", "/conflicts/*/incoming_version", harm::text},
        {"F-SYN-706", "resolution_strategy of conflicts is lww", false, {"mrg/conflicts"}, "POST", "/sync/*", "/conflicts/*/resolution_strategy", harm::literal, R"("lww")"},
        {"F-SYN-707", "conflict_type is conflict", true, {"mrg/conflicts"}, "POST", "/sync/*", "/conflicts/*/conflict_type", harm::literal, R"("conflict")"},
        {"F-SYN-708", "conflicts of messages have no message_id", true, {"mrg/conflicts", "mrg/conflict-any-difference"}, "POST", "/sync/*", "/conflicts/*/message_id", harm::dropped},
        {"F-SYN-709", "local_version of conflicts is the one after", true, {"mrg/conflicts"}, "POST", "/sync/*", "/conflicts/*/local_version", harm::one_more},
        {"F-SYN-710", "incoming_version of conflicts is one too many", true, {"mrg/conflicts"}, "POST", "/sync/*", "/conflicts/*/incoming_version", harm::one_more},
        {"F-SYN-711", "a pull with nothing in it has conversations null", true, {"syn/since-future", "syn/since-spellings"}, "GET", "/sync/*", "/conversations", harm::null_when_empty},
        {"F-SYN-712", "has_more of pulls is a text", true, {"syn/pull-cursor-without-since", "syn/pull-answer"}, "GET", "/sync/*", "/has_more", harm::text},
        {"F-SYN-713", "messages is null in pulled conversations without any", true, {"syn/pull-answer"}, "GET", "/sync/*", "/conversations/*/messages", harm::null_when_empty},
        {"F-SYN-714", "surfaces is null in pulled conversations without any", false, {"syn/every-answer-form"}, "GET", "/sync/*", "/conversations/*/surfaces", harm::null_when_empty},
        {"F-SYN-715", "title is null in pulled conversations without one", false, {"syn/every-answer-form"}, "GET", "/sync/*", "/conversations/*/title", harm::null_when_absent},
        {"F-SYN-716", "deleted is null in pulled messages that are not", false, {"syn/every-answer-form"}, "GET", "/sync/*", "/conversations/*/messages/*/deleted", harm::null_when_absent},
        {"F-SYN-717", "versions of pulled messages are floating-point numbers", false, {"syn/every-answer-form"}, "GET", "/sync/*", "/conversations/*/messages/*/version", harm::real},
        {"F-SYN-718", "versions of pulled conversations are texts", true, {"syn/pull-answer", "syn/pull-metadata"}, "GET", "/sync/*", "/conversations/*/version", harm::text},
        {"F-SYN-719", "the number of conversations of a digest is a text", true, {"syn/digest"}, "GET", "/sync/*/digest", "/conversations", harm::text},
        {"F-SYN-720", "digests are in capitals", true, {"syn/digest"}, "GET", "/sync/*/digest", "/digest", harm::upper},
        {"F-SYN-721", "surfaces is null in the list for conversations without any", false, {"syn/every-answer-form"}, "GET", "/conversations", "/conversations/*/surfaces", harm::null_when_empty},
        {"F-SYN-722", "has_more of the list is 0 or 1", true, {"cnv/list", "cnv/revive"}, "GET", "/conversations", "/has_more", harm::one},
        {"F-SYN-723", "title is null in the list for conversations without one", false, {"syn/every-answer-form"}, "GET", "/conversations", "/conversations/*/title", harm::null_when_absent},
        {"F-SYN-725", "the list of nobody's conversations is null", true, {"gen/long-requests", "gen/unknown-query"}, "GET", "/conversations", "/conversations", harm::null_when_empty},
        {"F-SYN-726", "messages is null where a conversation without any is read", false, {"syn/every-answer-form"}, "GET", "/conversations/*", "/messages", harm::null_when_empty},
        {"F-SYN-727", "title is null where a conversation without one is read", true, {"mrg/scalar-whole"}, "GET", "/conversations/*", "/title", harm::null_when_absent},
        {"F-SYN-728", "redacted is null in messages that are not", true, {"cnv/write", "cnv/in-pull"}, "GET", "/conversations/*", "/messages/*/redacted", harm::null_when_absent},
        {"F-SYN-729", "the answer to a write has no source_backend", true, {"cnv/write"}, "POST", "/conversations/*/messages", "/source_backend", harm::dropped},
        {"F-SYN-730", "the version in the answer to a write is a floating-point number", true, {"cnv/write", "cnv/version"}, "POST", "/conversations/*/messages", "/version", harm::real},
        {"F-SYN-731", "the answer to a write has deleted null", true, {"cnv/write"}, "POST", "/conversations/*/messages", "/deleted", harm::null_when_absent},
        {"F-SYN-732", "the answer to the deletion of a conversation has the next version", true, {"cnv/delete-conversation-version", "cnv/delete-conversation"}, "DELETE", "/conversations/*", "/version", harm::one_more},
        {"F-SYN-733", "the version in the answer to the deletion of a message is a text", true, {"cnv/delete-message"}, "DELETE", "/conversations/*/messages/*", "/version", harm::text},
        {"F-SYN-734", "the deletion of a message is answered with ok", true, {"cnv/delete-message"}, "DELETE", "/conversations/*/messages/*", "/status", harm::literal, R"("ok")"},
        {"F-SYN-735", "recorded_at of what lost ends in +00:00", false, {"syn/every-answer-form"}, "GET", "/conversations/*", "/conflicts/*/recorded_at", harm::offset},
        {"F-SYN-736", "what lost has no recorded_at", true, {"cnv/losers"}, "GET", "/conversations/*", "/conflicts/*/recorded_at", harm::dropped},
        {"F-SYN-737", "what lost has no message_id", true, {"cnv/losers"}, "GET", "/conversations/*", "/conflicts/*/message_id", harm::dropped},
        {"F-SYN-738", "last_sync is in lower case", true, {"syn/pull-answer"}, "GET", "/sync/*", "/last_sync", harm::lower},
        // ---- rotation, audit ----
        {"F-SEC-700", "previous_key_expires_at is a number of seconds", true, {"rot/notice", "rot/grace-cap"}, "POST", "/peers/*/rotate-key", "/previous_key_expires_at", harm::seconds},
        {"F-SEC-701", "the answer to a notice has no peer_id", true, {"rot/notice", "rot/every-answer-form"}, "POST", "/peers/*/rotate-key", "/peer_id", harm::dropped},
        {"F-SEC-702", "a notice is answered with ok", true, {"rot/notice"}, "POST", "/peers/*/rotate-key", "/status", harm::literal, R"("ok")"},
        {"F-SEC-704", "empty details of the trail are null", true, {"aud/every-answer-form"}, "GET", "/audit", "/entries/*/details", harm::null_when_empty},
        {"F-SEC-705", "types of the trail are in capitals", true, {"aud/types", "aud/lives"}, "GET", "/audit", "/entries/*/event_type", harm::upper},
        // ---- privacy ----
        {"F-PRV-700", "retention_days is told as a text", true, {"prv/defaults", "prv/settings-kept"}, "GET", "/privacy-settings", "/retention_days", harm::text},
        {"F-PRV-701", "retention_days is told as a floating-point number", true, {"prv/defaults", "prv/settings-kept"}, "GET", "/privacy-settings", "/retention_days", harm::real},
        {"F-PRV-702", "switches are told as 0 and 1", true, {"prv/defaults", "prv/settings-kept"}, "GET", "/privacy-settings", "/redact_pii", harm::one},
        {"F-PRV-703", "allowed_surfaces is told as one text", true, {"prv/defaults", "prv/settings-kept"}, "GET", "/privacy-settings", "/allowed_surfaces", harm::joined},
        {"F-PRV-704", "the settings do not tell whose they are", true, {"prv/settings-kept", "prv/settings-of-user"}, "GET", "/privacy-settings", "/user_id", harm::dropped},
        {"F-PRV-705", "a change of settings is answered with ok", true, {"prv/settings-kept"}, "PUT", "/privacy-settings", "/status", harm::literal, R"("ok")"},
        {"F-PRV-706", "exported_at ends in +00:00", false, {"prv/every-answer-form"}, "GET", "/privacy/export", "/exported_at", harm::offset},
        {"F-PRV-707", "exported_at is a number of seconds", true, {"prv/export"}, "GET", "/privacy/export", "/exported_at", harm::seconds},
        {"F-PRV-708", "an export without telemetry has null", true, {"prv/export"}, "GET", "/privacy/export", "/telemetry", harm::null_when_empty},
        {"F-PRV-709", "exported settings do not tell of redaction", false, {"prv/every-answer-form"}, "GET", "/privacy/export", "/privacy_settings/redact_pii", harm::dropped},
        {"F-PRV-710", "exported peers have no registered_at", false, {"prv/every-answer-form"}, "GET", "/privacy/export", "/peers/*/registered_at", harm::dropped},
        {"F-PRV-711", "exported conversations have no last_modified", false, {"prv/every-answer-form"}, "GET", "/privacy/export", "/conversations/*/last_modified", harm::dropped},
        {"F-PRV-712", "versions of exported messages are texts", true, {"prv/export"}, "GET", "/privacy/export", "/conversations/*/messages/*/version", harm::text},
        {"F-PRV-713", "erased_at is a number of seconds", true, {"prv/erase-receipt"}, "DELETE", "/privacy/data", "/erased_at", harm::seconds},
        {"F-PRV-714", "the receipt of an erasure counts in texts", true, {"prv/erase-receipt"}, "DELETE", "/privacy/data", "/messages", harm::text},
        {"F-PRV-715", "exported conversations have titles of null", false, {"prv/every-answer-form"}, "GET", "/privacy/export", "/conversations/*/title", harm::null_when_absent},
        // ---- observability ----
        {"F-OBS-700", "the lag is a text", true, {"obs/form", "obs/debug"}, "GET", "/sync/metrics/*", "/sync_lag_seconds", harm::text},
        {"F-OBS-701", "queue_depth is null", true, {"obs/form"}, "GET", "/sync/metrics/*", "/queue_depth", harm::null},
        {"F-OBS-702", "last_sync of metrics ends in +00:00", true, {"obs/debug"}, "GET", "/sync/metrics/*", "/last_sync", harm::offset},
        {"F-OBS-703", "total_syncs is a floating-point number", true, {"obs/form", "obs/endure"}, "GET", "/sync/metrics/*", "/total_syncs", harm::real},
        {"F-OBS-704", "metrics have no backend_id", true, {"obs/form"}, "GET", "/sync/metrics/*", "/backend_id", harm::dropped},
        {"F-OBS-705", "the time of the last error is a number", true, {"obs/last-error-at"}, "GET", "/sync/metrics/*", "/last_error/at", harm::seconds},
        {"F-OBS-706", "the mean latency is a text", true, {"obs/day"}, "GET", "/dashboard/telemetry", "/avg_latency_ms", harm::text},
        {"F-OBS-707", "the total cost is a text", true, {"obs/dashboard", "obs/day"}, "GET", "/dashboard/telemetry", "/total_cost_24h", harm::text},
        {"F-OBS-708", "the events of the busiest peers are texts", true, {"obs/busiest"}, "GET", "/dashboard/telemetry", "/top_peers_by_events/*/events", harm::text},
        {"F-OBS-709", "online_peers is null", true, {"obs/dashboard", "obs/online"}, "GET", "/dashboard/telemetry", "/online_peers", harm::null},
        {"F-OBS-710", "sbt_expires_in is in milliseconds", true, {"obs/debug-renewed", "obs/debug"}, "GET", "/debug/sync/*", "/sbt_expires_in", harm::thousandfold},
        {"F-OBS-711", "network_status is a word", true, {"obs/debug"}, "GET", "/debug/sync/*", "/network_status", harm::literal, R"("unknown")"},
        {"F-OBS-712", "peer_info has no backend_id", true, {"obs/debug"}, "GET", "/debug/sync/*", "/peer_info/backend_id", harm::dropped},
        {"F-OBS-713", "last_successful_sync ends in +00:00", true, {"obs/debug"}, "GET", "/debug/sync/*", "/last_successful_sync", harm::offset},
        {"F-OBS-714", "an empty queue is null", true, {"obs/debug"}, "GET", "/debug/sync/*", "/offline_queue", harm::null_when_empty},
        {"F-OBS-715", "no recent errors are null", false, {"obs/every-answer-form"}, "GET", "/debug/sync/*", "/recent_errors", harm::null_when_empty},
        {"F-OBS-716", "alerts are raised at a number of seconds", true, {"obs/alerts", "obs/alert-raised"}, "GET", "/alerts", "/alerts/*/raised_at", harm::seconds},
        {"F-OBS-717", "values of alerts are texts", true, {"obs/alerts", "obs/alert-raised"}, "GET", "/alerts", "/alerts/*/value", harm::text},
        {"F-OBS-718", "no alerts are null", false, {"obs/every-answer-form"}, "GET", "/alerts", "/alerts", harm::null_when_empty},
        {"F-OBS-719", "alerts are raised at times that end in +00:00", false, {"obs/every-answer-form"}, "GET", "/alerts", "/alerts/*/raised_at", harm::offset},
        // ---- telemetry ----
        {"F-TEL-700", "received_at ends in +00:00", false, {"tel/every-answer-form"}, "GET", "/telemetry/events", "/events/*/received_at", harm::offset},
        {"F-TEL-701", "received_at is a number of seconds", true, {"tel/received-at"}, "GET", "/telemetry/events", "/events/*/received_at", harm::seconds},
        {"F-TEL-702", "a list without events is null", true, {"tel/since-ahead"}, "GET", "/telemetry/events", "/events", harm::null_when_empty},
        {"F-TEL-703", "latencies are listed as texts", true, {"tel/integer-bounds", "tel/verbatim"}, "GET", "/telemetry/events", "/events/*/latency_ms", harm::text},
        {"F-TEL-704", "tokens_used is listed as a floating-point number", true, {"tel/integer-bounds"}, "GET", "/telemetry/events", "/events/*/tokens_used", harm::real},
        {"F-TEL-705", "costs are rounded to four decimals", true, {"tel/costs"}, "GET", "/telemetry/events", "/events/*/cost_usd", harm::rounded},
        {"F-TEL-706", "has_more of events is 0 or 1", true, {"tel/list", "tel/tenants"}, "GET", "/telemetry/events", "/has_more", harm::one},
        // ---- problem documents ----
        {"F-GEN-700", "problem documents have no title", true, {"gen/problem-documents"}, "", "", "/title", harm::literal, R"("")", 1},
        {"F-GEN-701", "problem documents have no detail", true, {"gen/problem-documents"}, "", "", "/detail", harm::dropped, "", 1},
        {"F-GEN-702", "detail of problem documents is null", true, {"gen/problem-documents"}, "", "", "/detail", harm::null, "", 1},
        {"F-GEN-703", "the type of problem documents is about:blank", false, {"gen/error-registry"}, "", "", "/type", harm::literal, R"("about:blank")", 1},
        {"F-GEN-704", "codes are in capitals", true, {"gen/unknown-path", "syn/member-added"}, "", "", "/code", harm::upper, "", 1},
        {"F-GEN-705", "detail of a 422 is a list", true, {"gen/problem-documents"}, "", "", "/detail", harm::literal, R"([{"loc": ["body"], "msg": "field required"}])", 422},
        {"F-GEN-706", "the code of a 409 is conflict", true, {"reg/key-mismatch", "syn/sync-id-per-peer"}, "", "", "/code", harm::literal, R"("conflict")", 409},
        {"F-GEN-707", "404 of conversations has the code unknown-peer", false, {"gen/error-registry"}, "GET", "/conversations/*", "/code", harm::literal, R"("unknown-peer")", 404},
        // ---- the value of another answer, or less than there was ----
        {"F-REG-716", "all peers are listed with the first one's key", false, {"peer/list-members"}, "GET", "/peers", "/peers/*/public_key", harm::first},
        {"F-REG-717", "all peers are listed with the first one's token", true, {"peer/list-members"}, "GET", "/peers", "/peers/*/sbt", harm::first},
        {"F-REG-718", "all peers are listed with the first one's capabilities", true, {"peer/list-members"}, "GET", "/peers", "/peers/*/capabilities", harm::first},
        {"F-REG-719", "all peers are listed with the first one's registered_at", false, {"peer/list-members"}, "GET", "/peers", "/peers/*/registered_at", harm::first},
        {"F-SEC-707", "answers to notices have the end of the first grace", true, {"rot/grace-cap"}, "POST", "/peers/*/rotate-key", "/previous_key_expires_at", harm::first},
        {"F-SEC-708", "all entries of the trail are of one time", true, {"aud/filters"}, "GET", "/audit", "/entries/*/timestamp", harm::first},
        {"F-SYN-724", "the list has the first conversation's source_backend for all", false, {"cnv/list"}, "GET", "/conversations", "/conversations/*/source_backend", harm::first},
        {"F-SYN-739", "the list has no surfaces", false, {"cnv/list"}, "GET", "/conversations", "/conversations/*/surfaces", harm::literal, "[]"},
        {"F-SYN-748", "the list has no titles", true, {"cnv/list"}, "GET", "/conversations", "/conversations/*/title", harm::dropped},
        {"F-GEN-726", "conflicts name the first conversation that had one", true, {"mrg/conflicts"}, "POST", "/sync/*", "/conflicts/*/conversation_id", harm::first},
        {"F-GEN-727", "conflicts have the first one's incoming_version", false, {"mrg/conflicts"}, "POST", "/sync/*", "/conflicts/*/incoming_version", harm::first},
        {"F-GEN-730", "conflicts have the first one's local_version", false, {"mrg/conflicts"}, "POST", "/sync/*", "/conflicts/*/local_version", harm::first},
        {"F-GEN-736", "pulled conversations have the first one's source_backend", true, {"syn/source-kept"}, "GET", "/sync/*", "/conversations/*/source_backend", harm::first},
        {"F-GEN-737", "pulled conversations have no surfaces", true, {"syn/pull-metadata"}, "GET", "/sync/*", "/conversations/*/surfaces", harm::literal, "[]"},
        {"F-GEN-738", "pulled messages have the first one's source_backend", true, {"syn/source-kept"}, "GET", "/sync/*", "/conversations/*/messages/*/source_backend", harm::first},
        {"F-GEN-739", "pulled messages have the first one's role", false, {"syn/pull-as-read"}, "GET", "/sync/*", "/conversations/*/messages/*/role", harm::first},
        {"F-GEN-740", "pulled messages have the first one's surface", false, {"syn/pull-as-read"}, "GET", "/sync/*", "/conversations/*/messages/*/surface", harm::first},
        {"F-GEN-741", "the answer to a write has the first one's timestamp", true, {"cnv/write", "cnv/write-verbatim"}, "POST", "/conversations/*/messages", "/timestamp", harm::first},
        {"F-TEL-709", "events are listed with the first one's session_id", false, {"tel/verbatim"}, "GET", "/telemetry/events", "/events/*/session_id", harm::first},
        {"F-TEL-711", "events are listed with the first one's event_type", true, {"tel/verbatim"}, "GET", "/telemetry/events", "/events/*/event_type", harm::first},
        {"F-TEL-717", "events are listed with the first one's timestamp", true, {"tel/verbatim"}, "GET", "/telemetry/events", "/events/*/timestamp", harm::first},
        {"F-TEL-719", "events are listed with the first one's received_at", false, {"tel/received-at"}, "GET", "/telemetry/events", "/events/*/received_at", harm::first},
        {"F-SEC-715", "exports name the first user who asked for one", false, {"prv/export-of-one"}, "GET", "/privacy/export", "/user_id", harm::first},
        {"F-SEC-716", "exported conversations have no surfaces", false, {"prv/export"}, "GET", "/privacy/export", "/conversations/*/surfaces", harm::literal, "[]"},
        {"F-SEC-717", "exported conversations have the first one's source_backend", false, {"prv/export"}, "GET", "/privacy/export", "/conversations/*/source_backend", harm::first},
        {"F-SEC-718", "exported events have no metadata", true, {"prv/export-telemetry"}, "GET", "/privacy/export", "/telemetry/*/metadata", harm::literal, "{}"},
        {"F-SEC-719", "exported messages have the first one's timestamp", true, {"prv/export"}, "GET", "/privacy/export", "/conversations/*/messages/*/timestamp", harm::first},
        {"F-SEC-720", "exported conversations have no titles", true, {"prv/export"}, "GET", "/privacy/export", "/conversations/*/title", harm::dropped},
        {"F-SEC-721", "exported conversations have version 1", false, {"prv/export"}, "GET", "/privacy/export", "/conversations/*/version", harm::literal, "1"},
        {"F-SEC-722", "exported events have no model", false, {"prv/export-telemetry"}, "GET", "/privacy/export", "/telemetry/*/model", harm::dropped},
        {"F-SEC-723", "exported settings are those of the first user who asked", false, {"prv/export-of-one"}, "GET", "/privacy/export", "/privacy_settings", harm::first},
        {"F-SEC-724", "exported peers have no capabilities", false, {"prv/export"}, "GET", "/privacy/export", "/peers/*/capabilities", harm::literal, "[]"},
        {"F-SEC-725", "exported conversations have the first one's last_modified", false, {"prv/export"}, "GET", "/privacy/export", "/conversations/*/last_modified", harm::first},
        {"F-SEC-726", "exported messages have the first one's source_backend", true, {"prv/export"}, "GET", "/privacy/export", "/conversations/*/messages/*/source_backend", harm::first},
    };
    return all;
}

}  // namespace

std::vector<fault> answer_member_faults() { return faults_of(std::make_index_sequence<rows_max>{}); }

}  // namespace bsp::faulty
