#pragma once

#include <bsp/auth/assertion.hpp>
#include <bsp/base/uri.hpp>
#include <bsp/crypto/signed_object.hpp>
#include <bsp/sbt/sbt.hpp>
#include <bsp/sync/answer.hpp>
#include <bsp/sync/outgoing.hpp>
#include <bsp/sync/retry.hpp>
#include <bsp/wire/register_peer.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::sync {

/// With which backends a user interface goes on.
enum class handshake_mode : std::uint8_t { hybrid, hosted_only, local_only, neither };

inline std::string_view to_string(handshake_mode mode) {
    switch (mode) {
        case handshake_mode::hybrid: return "hybrid";
        case handshake_mode::hosted_only: return "hosted-only";
        case handshake_mode::local_only: return "local-only";
        default: return "neither";
    }
}

/// What a user interface knows before it begins.
struct handshake_wish {
    std::string local_url;   ///< base URLs, without a trailing '/'
    std::string hosted_url;
    std::string user_id;
    std::string secret;      ///< of the user, at both backends
    std::optional<std::string> local_key_sha256 = {};   ///< fingerprints that the person knows from elsewhere,
    std::optional<std::string> hosted_key_sha256 = {};  ///< as lowercase hexadecimal
};

/// Pairs two backends on behalf of a person (section 4.7): reads both identities, makes the session binding token,
/// registers local at hosted and then, with the answer, hosted at local. Each of them has to prove that it holds
/// the key it shows. A failure that may pass is tried again; when the second registration fails for good, the
/// first is undone. A machine like the others: `poll_request`, send, `handle_…`, until `is_over`.
class handshake {
public:
    static constexpr std::size_t identity_attempts_max = 3;
    static constexpr std::size_t registration_attempts_max = 6;
    static constexpr auto patience = std::chrono::minutes{2};  ///< a backend that asks for a longer pause has refused

    handshake(handshake_wish wish, std::function<void(std::span<std::uint8_t>)> fill_random) : wish_{std::move(wish)}, fill_random_{std::move(fill_random)} {
        local_.name = "local", local_.url = wish_.local_url, local_.expected = wish_.local_key_sha256;
        hosted_.name = "hosted", hosted_.url = wish_.hosted_url, hosted_.expected = wish_.hosted_key_sha256;
    }

    /// One of the two backends, as far as it is known.
    struct side {
        std::string name;                         ///< "local" or "hosted"
        std::string url;
        std::optional<std::string> expected;      ///< fingerprint
        std::optional<wire::backend_identity> identity;
        json::object shown;                       ///< the identity as received, to be passed on
        std::string key_sha256;                   ///< fingerprint of the key shown
        std::string obstacle;                     ///< why it takes no part; "" when it does

        [[nodiscard]] bool is_there() const { return identity && obstacle.empty(); }
        [[nodiscard]] bool is_settled() const { return identity || !obstacle.empty(); }
    };

    struct outcome {
        handshake_mode mode = handshake_mode::neither;
        std::string peer_id_at_hosted;            ///< issued by hosted, of local (A-161)
        std::string peer_id_at_local;             ///< issued by local, of hosted
        std::string sync_endpoint;                ///< where local will send
        std::optional<instant> expires_at;        ///< of the session binding token
        std::string failure;                      ///< why a registration failed; "" when none did
        std::string failure_code;                 ///< of the problem, when the answer had one
        bool is_half = false;                     ///< local is registered at hosted and could not be removed
    };

    /// The next request, until there is none; then wait for an answer or for `poll_timeout`.
    std::optional<outgoing> poll_request(moment now) {
        switch (phase_) {
            case phase::meeting:
                if (auto out = visit(local_, first_, now)) return out;
                if (auto out = visit(hosted_, second_, now)) return out;
                return phase_ == phase::meeting ? std::nullopt : poll_request(now);
            case phase::registering_local: return attempt(now, [&] { return registration_of(local_, hosted_, now); });
            case phase::registering_hosted: return attempt(now, [&] { return registration_of(hosted_, local_, now); });
            case phase::undoing: return attempt(now, [&] { return removal(now); });
            case phase::over: return std::nullopt;
        }
        return std::nullopt;
    }

    [[nodiscard]] timeout poll_timeout() const {
        if (phase_ == phase::over) return std::nullopt;
        if (phase_ != phase::meeting) return first_.due();
        return sooner(local_.is_settled() ? timeout{} : first_.due(), hosted_.is_settled() ? timeout{} : second_.due());
    }

    void handle_response(std::uint64_t id, http_response const& response, moment now) {
        if (phase_ == phase::meeting) {
            if (first_.flight.end(id)) meet(local_, first_, response, now);
            else if (second_.flight.end(id)) meet(hosted_, second_, response, now);
            return;
        }
        if (!first_.flight.end(id)) return;
        switch (phase_) {
            case phase::registering_local: return handle_registration(local_, hosted_, response, now);
            case phase::registering_hosted: return handle_registration(hosted_, local_, response, now);
            case phase::undoing: return handle_removal(response, now);
            default: return;
        }
    }

    /// No answer came, and none will; `why`, if it is known, for people.
    void handle_silence(std::uint64_t id, std::string_view why, moment now) {
        if (first_.flight.end(id)) fail_for_now(phase_ == phase::meeting ? local_ : asked(), first_, no_answer("the request", why), "", now);
        else if (phase_ == phase::meeting && second_.flight.end(id)) fail_for_now(hosted_, second_, no_answer("the request", why), "", now);
    }

    [[nodiscard]] bool is_over() const { return phase_ == phase::over; }
    [[nodiscard]] outcome const& result() const { return outcome_; }
    [[nodiscard]] side const& local() const { return local_; }
    [[nodiscard]] side const& hosted() const { return hosted_; }

    /// What has happened so far, a line each, for people.
    [[nodiscard]] std::vector<std::string> const& story() const { return story_; }

private:
    enum class phase : std::uint8_t { meeting, registering_local, registering_hosted, undoing, over };

    /// Something that is tried until it succeeds, fails for good, or has been tried often enough.
    struct effort {
        sync::flight flight;
        backoff retry;
        std::size_t attempts = 0;
        timeout quiet_until;  ///< the backend asked for it

        [[nodiscard]] timeout until() const { return std::max(retry.until(), quiet_until); }
        [[nodiscard]] bool waits(moment now) const { return until() && now.steady < *until(); }
        [[nodiscard]] timeout due() const { return flight.is_up() ? flight.deadline() : until().value_or(std::chrono::nanoseconds{}); }
    };

    std::optional<outgoing> visit(side& s, effort& e, moment now) {
        if (e.flight.is_overdue(now)) handle_silence(e.flight.id(), {}, now);
        if (phase_ != phase::meeting || s.is_settled() || e.flight.is_up() || e.waits(now)) return std::nullopt;
        auto out = make_request(++last_request_, "GET", s.url + "/identity", "", now.steady + limits::health_timeout);
        e.flight.begin(out);
        ++e.attempts;
        return out;
    }

    template <class Make>
    std::optional<outgoing> attempt(moment now, Make&& make) {
        if (first_.flight.is_overdue(now)) {
            handle_silence(first_.flight.id(), {}, now);
            return poll_request(now);
        }
        if (first_.flight.is_up() || first_.waits(now)) return std::nullopt;
        outgoing out = make();
        first_.flight.begin(out);
        ++first_.attempts;
        return out;
    }

    // --- meeting

    void meet(side& s, effort& e, http_response const& response, moment now) {
        auto const known = recognize(s, response);
        if (known) {
            say(s.name + " is " + s.identity->backend_id + ", its key has the fingerprint " + s.key_sha256);
            return go_on(now);
        }
        if (meaning_of(response) == meaning::transient) return fail_for_now(s, e, describe(response), "", now);
        give_up_on(s, known.error().detail, now);
    }

    bsp::result<> recognize(side& s, http_response const& response) {
        auto const refuse = [](std::string why) { return fail(errc::invalid_body, std::move(why)); };
        if (response.status != 200) return refuse("/identity answered " + describe(response));
        auto const body = json::parse(response.body);
        auto const f = body ? json::fields::of(*body) : bsp::result<json::fields>{fail(errc::invalid_body, "no object")};
        if (!f) return refuse("/identity did not answer with a JSON object; is this a BSP backend?");
        BSP_TRY(auto identity, wire::decode_backend_identity(*f));
        if (identity.backend_type != s.name) return refuse("this is a " + identity.backend_type + " backend, and a " + s.name + " one is wanted");
        BSP_TRY(auto const key, rsa_public_key::from_pem(identity.public_key));
        std::string const fingerprint = to_hex(key.sha256());
        if (s.expected && *s.expected != fingerprint) return refuse("its key has the fingerprint " + fingerprint + ", and not the expected one: this may be an impostor");
        s.shown = body->get_object();
        s.key_sha256 = fingerprint;
        s.identity = std::move(identity);
        return ok();
    }

    /// After what became of one backend: on, when both are known or not to be had.
    void go_on(moment now) {
        if (phase_ != phase::meeting || !local_.is_settled() || !hosted_.is_settled()) return;
        if (!local_.is_there() || !hosted_.is_there()) return end();
        make_token(now);
        begin(phase::registering_local);
    }

    /// One token for both registrations, and for their repetitions (BSP-REG-069).
    void make_token(moment now) {
        sbt_claims claims;
        claims.session_id = "sess_" + random_hex(16);
        claims.local_backend_id = local_.identity->backend_id;
        claims.hosted_backend_id = hosted_.identity->backend_id;
        claims.user_id = wish_.user_id;
        claims.created_at = now.wall;
        claims.expires_at = now.wall + std::chrono::hours{8};
        claims.local_key_sha256 = local_.key_sha256;
        claims.hosted_key_sha256 = hosted_.key_sha256;
        sbt_ = mint_sbt(claims, wish_.secret);
        outcome_.expires_at = claims.expires_at;
        say("made a session binding token for " + wish_.user_id + ", valid until " + format_timestamp({claims.expires_at.seconds, 0}));
    }

    // --- registering

    /// With a challenge of its own each time.
    outgoing registration_of(side const& who, side const& where, moment now) {
        bytes random(32);
        fill_random_(random);
        challenge_ = to_base64url(random);
        json::object body{{"backend_identity", who.shown}, {"sbt", sbt_}, {"challenge", challenge_}};
        if (phase_ == phase::registering_hosted)
            body["endpoints"] = json::object{{"peer_id", at_hosted_.peer_id}, {"sync_endpoint", at_hosted_.sync_endpoint}, {"telemetry_endpoint", at_hosted_.telemetry_endpoint}};
        return make_request(++last_request_, "POST", where.url + "/register-peer", json::serialize(body), now.steady + limits::request_timeout);
    }

    void handle_registration(side& who, side& where, http_response const& response, moment now) {
        auto const what = meaning_of(response);
        if (what == meaning::transient) {
            auto const pause = retry_after(response.headers, now.wall);
            if (pause && *pause > patience) return fail_for_good(where, describe(response) + ", for the next " + std::to_string(pause->count()) + " seconds", code_of(response));
            if (pause) first_.quiet_until = now.steady + *pause;
            return fail_for_now(where, first_, describe(response), code_of(response), now);
        }
        if (what != meaning::success) return fail_for_good(where, explain(response), code_of(response));
        auto const answer = wire::decode_register_peer_response(response.body);
        if (!answer) return fail_for_now(where, first_, "its answer to the registration: " + answer.error().detail, "", now);
        if (!proves_its_key(where, *answer)) return fail_for_good(where, "it has not proved that it holds the key it shows: this may be an impostor", "");
        say(who.name + " is registered at " + where.name + " as " + answer->peer_id + "; " + where.name + " has proved that it holds its key");
        if (phase_ == phase::registering_local) {
            at_hosted_ = *answer;
            outcome_.peer_id_at_hosted = answer->peer_id;
            outcome_.sync_endpoint = answer->sync_endpoint;
            return begin(phase::registering_hosted);
        }
        outcome_.peer_id_at_local = answer->peer_id;
        end();
    }

    [[nodiscard]] bool proves_its_key(side const& where, wire::register_peer_response const& answer) const {
        if (!answer.challenge_signature) return false;
        auto const key = rsa_public_key::from_pem(where.identity->public_key);
        json::object proof = wire::challenge_object(challenge_, where.identity->backend_id, answer.peer_id);
        proof["signature"] = *answer.challenge_signature;
        return key && verify_object(proof, "signature", *key, {.typ = "bsp-challenge"});
    }

    // --- undoing

    outgoing removal(moment now) {
        auto out = make_request(++last_request_, "DELETE", hosted_.url + "/peers/" + percent_encode_segment(at_hosted_.peer_id), "", now.steady + limits::request_timeout);
        assertion_claims const claims{.iss = wish_.user_id, .sub = wish_.user_id, .aud = hosted_.identity->backend_id, .jti = random_hex(16),
                                      .htm = out.request.method, .htu = out.request.target, .iat = now.wall.seconds, .exp = now.wall.seconds + 60};
        out.request.headers.add("Authorization", "BSP-User " + mint_user_assertion(claims, wish_.secret));
        return out;
    }

    void handle_removal(http_response const& response, moment now) {
        if (response.status == 200 || response.status == 404) {
            say("removed the registration of local at hosted again");
            outcome_.peer_id_at_hosted.clear();
            outcome_.sync_endpoint.clear();
            return end();
        }
        fail_for_now(hosted_, first_, explain(response), "", now);
    }

    // --- failing

    void fail_for_now(side& s, effort& e, std::string const& why, std::string const& code, moment now) {
        std::size_t const most = phase_ == phase::meeting ? identity_attempts_max : registration_attempts_max;
        if (e.attempts < most) {
            e.retry.handle_failure(now);
            return;
        }
        if (phase_ == phase::meeting) return give_up_on(s, why, now);
        if (phase_ == phase::undoing) {
            outcome_.is_half = true;
            say("could not remove the registration of local at hosted: " + why);
            return end();
        }
        fail_for_good(asked(), why, code);
    }

    void give_up_on(side& s, std::string const& why, moment now) {
        s.obstacle = why;
        s.identity.reset();
        say(s.name + " at " + s.url + " takes no part: " + why);
        go_on(now);
    }

    void fail_for_good(side& where, std::string const& why, std::string const& code) {
        outcome_.failure = where.name + ": " + why;
        outcome_.failure_code = code;
        say("the registration at " + where.name + " failed: " + why);
        where.obstacle = why;
        // Until it is undone, hosted takes a local backend for paired that does not know where to send (BSP-REG-064).
        if (phase_ == phase::registering_hosted) begin(phase::undoing);
        else end();
    }

    /// Whom the request under way asks.
    side& asked() { return phase_ == phase::registering_hosted ? local_ : hosted_; }

    static std::string explain(http_response const& response) {
        auto const body = json::parse(response.body);
        auto const* object = body ? body->if_object() : nullptr;
        auto const* detail = object ? json::find_string(*object, "detail") : nullptr;
        return describe(response) + (detail ? ": " + std::string{json::view(*detail).substr(0, 300)} : "");
    }

    void begin(phase next) {
        phase_ = next;
        first_ = {};
    }

    void end() {
        phase_ = phase::over;
        bool const both = !outcome_.peer_id_at_local.empty();
        outcome_.mode = both                ? handshake_mode::hybrid
                        : hosted_.is_there() ? handshake_mode::hosted_only
                        : local_.is_there()  ? handshake_mode::local_only
                                             : handshake_mode::neither;
    }

    void say(std::string line) { story_.push_back(std::move(line)); }

    [[nodiscard]] std::string random_hex(std::size_t count) const {
        bytes raw(count);
        fill_random_(raw);
        return to_hex(raw);
    }

    handshake_wish wish_;
    std::function<void(std::span<std::uint8_t>)> fill_random_;
    side local_, hosted_;
    phase phase_ = phase::meeting;
    effort first_, second_;  ///< the second only while both are met side by side
    std::uint64_t last_request_ = 0;
    json::object sbt_;
    std::string challenge_;
    wire::register_peer_response at_hosted_;
    outcome outcome_;
    std::vector<std::string> story_;
};

}  // namespace bsp::sync
