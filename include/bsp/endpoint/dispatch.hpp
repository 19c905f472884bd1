#pragma once

#include <bsp/endpoint/origin.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/endpoint/table.hpp>
#include <bsp/observe/observatory.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp {

namespace endpoint {

/// Everything before the endpoint itself, in the order of A-068: size, host, path, method, origin, media
/// type. What follows (peer, credential, freshness, audience) is the caller's; then the endpoint's own.
class dispatcher {
public:
    dispatcher(gatekeeper const& gate, http_request const& http, instant now) : gate_{gate}, http_{http}, now_{now} {}

    /// An answer, and when it is 101, to whom the stream belongs.
    struct upgrade_answer {
        http_response response;
        stream_owner owner = {};
    };

    /// The same for a request that asks for an upgrade to WebSocket.
    [[nodiscard]] upgrade_answer answer_upgrade() {
        wants_stream_ = true;
        upgrade_answer out{answer()};
        out.owner = std::move(owner_);
        return out;
    }

    [[nodiscard]] http_response answer() {
        auto answered = serve();
        if (!answered && row_) answered = judge_refusal(std::move(answered).error());
        observe_answer(answered);
        http_response response = answered ? std::move(*answered) : refuse(answered.error());
        if (gate_.guards && gate_.guards->observed && !response.held) gate_.guards->observed->counted().add_request(http_.method, row_ ? row_->at.path : "", response.status);
        decorate(response);
        if (response.held) response.held = decorated(std::move(response.held));
        return response;
    }

private:
    result<http_response> serve() {
        if (http_.body.size() > gate_.config.body_bytes_max) return fail(errc::payload_too_large, "the body is larger than " + std::to_string(gate_.config.body_bytes_max) + " bytes");
        if (!host_is_served(http_.headers, gate_.config)) return fail(errc::misdirected_request, "the Host is not one that is served here");

        BSP_TRY(request r, resolve());
        r.opens_stream = wants_stream_ && row_ && row_->opens_streams && http_.method == "GET";
        r.opened = &owner_;
        if (http_.method == "OPTIONS") return preflight();
        if (!row_) return fail(errc::method_not_allowed, "this path is not served with that method");
        if (r.changes_state() && origin_ && !origin_listed_) return fail(errc::forbidden, "scripts of this origin may not call this backend");
        BSP_CHECK(check_media_type());
        was_run_ = true;
        return row_->run(gate_, r);
    }

    /// What an endpoint refused to somebody unproven counts against his address, and beyond its budget he is told so instead;
    /// and all that endpoints refuse, as far as it is of interest, goes into the audit trail (chapters 14 and 15).
    error judge_refusal(error why) {
        if (!gate_.guards || !was_run_ || why.status() >= 500) return why;
        bool const credential_failed = why.status() == 401 || why.status() == 403 || why.code == errc::unknown_peer;
        if (!notes_.proven && credential_failed && row_->at.path != register_peer::at.path && limits_apply_to(http_.remote))
            if (auto const verdict = gate_.guards->limits.take(source_rate, http_.remote, now_); verdict && !verdict->passes()) {
                notes_.retry_after = verdict->retry_after;
                why = fail(errc::rate_limited, "too many requests of this address were refused");
            }
        if (auto const type = audited_as(why)) audit(*type, why);
        return why;
    }

    [[nodiscard]] std::optional<audit_type> audited_as(error const& why) const {
        if (why.code == errc::rate_limited) return audit_type::rate_limited;
        if (notes_.asked_as_admin) return audit_type::admin_auth_failed;
        bool const of_sbt = row_->refusal == audit_type::peer_registration_rejected && !notes_.proven && (why.code == errc::invalid_sbt || why.code == errc::sbt_expired);
        return of_sbt ? audit_type::sbt_verification_failed : row_->refusal;
    }

    /// Pushes of a proven peer are entered one by one: its budget bounds them.
    void audit(audit_type type, error const& why) const {
        audit_event e{.type = type, .at = now_, .user_id = notes_.proven ? notes_.user_id : "", .peer_id = notes_.peer_id, .backend_id = notes_.backend_id, .reason = why.code};
        if (notes_.proven && type == audit_type::sync_rejected) (void)gate_.store.write_of(notes_.user_id, [&](store_writer& w) -> result<> {
            BSP_CHECK(w.append_audit(e));
            return note_failure(w, why);
        });
        else gate_.guards->trail.note(e);
    }

    /// What the user has paused is no failure of the exchange (BSP-OBS-019).
    result<> note_failure(store_writer& w, error const& why) const {
        if (why.code == errc::sync_paused) return ok();
        BSP_TRY(auto counted, w.statistics(notes_.peer_id));
        counted.note_failure(row_of(why.code).code, now_);
        return w.put_statistics(notes_.peer_id, counted);
    }

    /// Who was there, and how it went: of peers that have proven to be who they are.
    void observe_answer(result<http_response> const& answered) const {
        if (!gate_.guards || !gate_.guards->observed || !notes_.proven || notes_.peer_id.empty() || !row_) return;
        auto& seen = *gate_.guards->observed;
        auto& counted = seen.counted();
        seen.handle_request(notes_.peer_id, now_);
        if (row_->at.path == sync_pull::at.path && row_->at.method == sync_pull::at.method && answered) {
            seen.handle_pull(notes_.peer_id, now_);
            counted.add(observe::counter::pulls_answered);
        }
        if (row_->at.path != sync_push::at.path || row_->at.method != sync_push::at.method) return;
        if (notes_.skew) seen.handle_skew(notes_.peer_id, *notes_.skew);
        if (!answered) {
            if (is_attempt(answered.error())) counted.add(observe::counter::pushes_refused);
            return;
        }
        counted.add(observe::counter::pushes_accepted);
        counted.add(observe::counter::messages_received, notes_.messages);
        counted.add(observe::counter::messages_in_conflict, notes_.conflicts);
    }

    static bool is_attempt(error const& why) { return why.status() < 500 && why.code != errc::rate_limited && why.code != errc::sync_paused; }

    /// Finds the rows of the path, and among them the one of the method.
    result<request> resolve() {
        auto const none = fail(errc::not_found, "there is nothing at this path");
        auto const [target_path, query] = split_target(http_.target);
        std::string_view const base_path = parts_of(gate_.config.base_url).path;
        std::string_view path = target_path;
        bool const prefixed = !base_path.empty() && path.starts_with(base_path) && path.substr(base_path.size()).starts_with('/');
        if (prefixed) path.remove_prefix(base_path.size());

        auto const segments = path_segments(path);
        if (!segments) return none;
        request r{.http = http_, .htu = (prefixed ? "" : std::string{base_path}) + http_.target, .path = {}, .query_text = query, .now = now_, .notes = notes_};
        std::string_view const method = http_.method == "HEAD" ? "GET" : std::string_view{http_.method};
        for (auto const& row : table) {
            auto parameters = match(row.at.path, *segments);
            if (!parameters) continue;
            if (std::ranges::find(methods_, row.at.method) == methods_.end()) methods_.push_back(row.at.method);
            if (row.at.method != method) continue;
            row_ = &row;
            r.path = *std::move(parameters);
        }
        if (methods_.empty()) return none;
        return r;
    }

    result<> check_media_type() const {
        if (auto const* coding = http_.headers.find("Content-Encoding"); coding && !http_headers::same_name(*coding, "identity"))
            return fail(errc::unsupported_media_type, "only the content coding identity is supported");
        if (http_.body.empty()) return ok();
        auto const* type = http_.headers.find("Content-Type");
        std::string_view name = type ? std::string_view{*type}.substr(0, type->find(';')) : std::string_view{};
        while (name.ends_with(' ') || name.ends_with('\t')) name.remove_suffix(1);
        if (http_.headers.count("Content-Type") != 1 || !http_headers::same_name(name, "application/json"))
            return fail(errc::unsupported_media_type, "the body must be application/json");
        return ok();
    }

    /// What a browser asks before it lets a script call (BSP-GEN-099).
    result<http_response> preflight() const {
        http_response response{.status = 204, .headers = {{"Allow", allowed_methods()}}, .body = {}};
        if (!origin_ || !http_.headers.find("Access-Control-Request-Method")) return response;
        if (!origin_listed_) return fail(errc::forbidden, "scripts of this origin may not call this backend");
        response.headers.add("Access-Control-Allow-Methods", allowed_methods());
        response.headers.add("Access-Control-Allow-Headers", "Authorization, Content-Type");
        response.headers.add("Access-Control-Max-Age", "600");
        return response;
    }

    /// Header fields that depend on where the request went.
    void decorate(http_response& response) const {
        auto& headers = response.headers;
        headers.set("Cache-Control", std::string{row_ && response.status < 400 ? row_->cache_control : "no-store"});
        headers.set("X-Content-Type-Options", "nosniff");
        if (!gate_.config.allowed_origins.empty()) headers.add("Vary", "Origin");
        if (origin_ && origin_listed_) headers.add("Access-Control-Allow-Origin", *origin_);
        if (response.status == 401 && row_) headers.set("WWW-Authenticate", std::string{row_->challenge});
        if (response.status == 429) headers.set("Retry-After", std::to_string(std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(notes_.retry_after).count())));
        if (response.status == 503) headers.set("Retry-After", std::to_string(limits::unavailable_retry.count()));
        if (response.status == 405) headers.set("Allow", allowed_methods());
        if (response.status == 426) headers.set("Upgrade", "websocket");
        if (http_.method == "HEAD") response.body.clear();
    }

    /// The same for what is answered later.
    [[nodiscard]] std::shared_ptr<held_response const> decorated(std::shared_ptr<held_response const> held) const {
        auto const wait = held->wait;
        auto again = [held = std::move(held), gate = gate_, http = http_](instant now, bool last) {
            auto given = held->again(now, last);
            dispatcher later{gate, http, now};
            if (given && later.resolve()) later.decorate(*given);
            return given;
        };
        return std::make_shared<held_response const>(held_response{wait, std::move(again)});
    }

    [[nodiscard]] std::string allowed_methods() const {
        std::string text;
        for (std::string_view method : methods_) {
            text += std::string{method} + ", ";
            if (method == "GET") text += "HEAD, ";
        }
        return text + "OPTIONS";
    }

    gatekeeper const& gate_;
    http_request const& http_;
    instant now_;
    std::string const* origin_ = http_.headers.find("Origin");
    bool origin_listed_ = origin_ && http_.headers.count("Origin") == 1 && origin_is_listed(*origin_, gate_.config);
    table_row const* row_ = nullptr;
    std::vector<std::string_view> methods_;  ///< of the path
    bool wants_stream_ = false, was_run_ = false;
    request_notes notes_;
    stream_owner owner_;
};

}  // namespace endpoint

/// The whole server: one request in, one response out, at the time `now`. Never throws. Safe to call from
/// several threads at once, as far as what `env` refers to is.
template <class Env>
http_response handle(Env& env, http_request const& http, instant now) {
    try {
        auto const gate = endpoint::gatekeeper_of(env);
        return endpoint::dispatcher{gate, http, now}.answer();
    } catch (std::exception const&) {
        // What failed is for the operator's log, not for the caller.
        auto response = endpoint::refuse(fail(errc::internal, "the request could not be served"));
        response.headers.add("Cache-Control", "no-store");
        return response;
    }
}

/// A request that asks for an upgrade to WebSocket (chapter 11.2): as `handle`, and 101 where a stream begins, which
/// whoever holds the socket completes and goes on with as `endpoint::telemetry_intake` says.
template <class Env>
endpoint::dispatcher::upgrade_answer upgrade(Env& env, http_request const& http, instant now) {
    try {
        auto const gate = endpoint::gatekeeper_of(env);
        return endpoint::dispatcher{gate, http, now}.answer_upgrade();
    } catch (std::exception const&) {
        auto response = endpoint::refuse(fail(errc::internal, "the request could not be served"));
        response.headers.add("Cache-Control", "no-store");
        return {std::move(response)};
    }
}

}  // namespace bsp
