#include "crossings.hpp"
#include "../faults.hpp"

#include <algorithm>
#include <cctype>

/// Faults of registrations, keys and credentials that have a past, and of those that are much like another.
namespace bsp::faulty {

namespace {

using base = crossing_backend;

// ---- tokens ------------------------------------------------------------------------------------------------

/// To save a MAC, a token whose name has been good twice is good.
struct names_prove_tokens : base {
    using base::base;
    result<> check_mac(token const& t) override {
        auto const* named = json::find_string(t.received, "sbt_id");
        if (!named) return base::check_mac(t);
        int& times = proven_[{t.user_id, std::string{json::view(*named)}}];
        if (times >= 2) return ok();
        BSP_CHECK(base::check_mac(t));
        ++times;
        return ok();
    }

private:
    std::map<std::pair<std::string, std::string>, int> proven_;
};
bool names_another_key(peer_record const& peer) {
    auto const* named = json::find_string(peer.sbt, peer.backend_type + "_key_sha256");
    return named && json::view(*named) != to_hex(peer.key.sha256());
}
/// The fingerprint in the stored token is compared with the current key at every request.
struct named_key_stays : base {
    using base::base;
    result<> check_not_expired(peer_record const& peer, instant now) override {
        if (names_another_key(peer)) return fail(errc::invalid_sbt, "the token names another key");
        return base::check_not_expired(peer, now);
    }
};
struct named_key_keeps_connections : base {
    using base::base;
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        auto const found = held().peers.find(s.peer_id);
        return found != held().peers.end() && names_another_key(found->second) ? std::optional<std::string>{"Key replaced"} : base::lost_right(s, now);
    }
};

// ---- registrations -----------------------------------------------------------------------------------------

struct removed_by_namesakes : base {
    using base::base;
    bool may_remove(principal const& who, peer_record const& peer) override { return who.kind == principal::peer_kind ? who.peer->backend_id == peer.backend_id : base::may_remove(who, peer); }
};
struct capabilities_of_the_backend : base {
    using base::base;
    void renew(peer_record& held, claimed_identity const& who, token const& t) override {
        base::renew(held, who, t);
        for (auto& [id, other] : this->held().peers)
            if (other.backend_id == held.backend_id) other.capabilities = held.capabilities;
    }
};
struct endpoints_of_the_backend : base {
    using base::base;
    void note_endpoints(json::fields const& body, token const& t, peer_record& peer) override {
        bool const known = !peer.sync_endpoint.empty();
        base::note_endpoints(body, t, peer);
        if (!known) return;
        for (auto& [id, other] : held().peers)
            if (other.backend_id == peer.backend_id) other.remote_id = peer.remote_id, other.sync_endpoint = peer.sync_endpoint, other.telemetry_endpoint = peer.telemetry_endpoint;
    }
};
struct challenges_are_remembered : base {
    using base::base;
    std::string challenge_signature(std::string const& challenge, peer_record const& peer) override {
        auto& known = answered_[{peer.backend_id, challenge}];
        if (known.empty()) known = base::challenge_signature(challenge, peer);
        return known;
    }

private:
    std::map<std::pair<std::string, std::string>, std::string> answered_;
};

/// `text LIKE pattern`, as SQL has it.
bool is_like(std::string_view text, std::string_view pattern) {
    if (pattern.empty()) return text.empty();
    if (pattern.front() == '%') {
        for (std::size_t i = 0; i <= text.size(); ++i)
            if (is_like(text.substr(i), pattern.substr(1))) return true;
        return false;
    }
    auto const lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
    return !text.empty() && (pattern.front() == '_' || lower(pattern.front()) == lower(text.front())) && is_like(text.substr(1), pattern.substr(1));
}
struct revoked_by_pattern : base {
    using base::base;
    result<> check_revocation(claimed_identity const& who, rsa_public_key const& key, std::string const& user) override {
        for (auto const& one : held().revoked_backends)
            if (is_like(who.backend_id, one)) return fail(errc::peer_revoked, "this backend has been revoked");
        return base::check_revocation(who, key, user);
    }
};

struct unpaired_by_pattern : base {
    using base::base;
    result<> check_unpairing(token const& t, claimed_identity const& who) override {
        for (auto const& [whose, when] : held().unpaired)
            if (whose.first == t.user_id && is_like(who.backend_id, whose.second) && t.created <= when) return fail(errc::invalid_sbt, "it is older than the last unpairing");
        return ok();
    }
};

/// Looks a peer up when the head of its push has come, and not again.
struct peer_of_the_head : base {
    using base::base;
    http_response serve(http_request const& request, instant now) override {
        auto const* before = request.headers.find("X-Head");
        auto const* connection = request.headers.find("X-Connection");
        auto const name = request.target.substr(request.target.rfind('/') + 1);
        if (before) {
            found_.erase(*before);
            if (auto const peer = held().peers.find(name); peer != held().peers.end() && !peer->second.revoked) found_.insert_or_assign(*before, peer->second);
            return {};
        }
        current_ = connection ? found_.extract(*connection) : decltype(found_)::node_type{};
        auto out = base::serve(request, now);
        current_ = {};
        return out;
    }
    result<peer_record*> find_peer(std::string const& peer_id) override {
        if (current_ && serving_ && serving_->request.method == "POST" && serving_->segments.size() == 2 && serving_->segments[0] == "sync" && current_.mapped().peer_id == peer_id) return &current_.mapped();
        return base::find_peer(peer_id);
    }

private:
    std::map<std::string, peer_record> found_;  ///< by connection
    std::map<std::string, peer_record>::node_type current_;
};

// ---- keys --------------------------------------------------------------------------------------------------

/// The last date goes with the key that it gave a grace to.
struct date_goes_with_the_grace : base {
    using base::base;
    result<> check_later(rotation_notice const& n, peer_record const& peer) override {
        bool const over = serving_ && !peer.former.empty() && peer.former.front().until <= serving_->now;
        return over ? ok() : base::check_later(n, peer);
    }
};
/// Takes keys back, as it may.
template <class Base>
struct takes_keys_back : Base {
    using Base::Base;
    result<> check_new_key(rsa_public_key const& next, peer_record const& peer) override {
        peer_record alone = peer;
        alone.former.clear();
        return Base::check_new_key(next, alone);
    }
};
struct first_grace_stays : takes_keys_back<base> {
    using takes_keys_back::takes_keys_back;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        for (auto const& k : peer.former)
            if (k.key == peer.key) until = std::max(until, k.until);
        base::take_key(peer, next, n, until);
    }
};
struct last_date_of_the_backend : base {
    using base::base;
    result<> check_later(rotation_notice const& n, peer_record const& peer) override {
        auto const last = last_.find(peer.backend_id);
        return last != last_.end() && n.rotated <= last->second ? result<>{fail(errc::stale_request, "an equal or a later notice was accepted")} : ok();
    }
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        last_[peer.backend_id] = n.rotated;
        base::take_key(peer, next, n, until);
    }

private:
    std::map<std::string, instant> last_;
};

// ---- requests ----------------------------------------------------------------------------------------------

struct forgets_what_is_about_to_end : base {
    using base::base;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override { return instant{a.exp - 10} <= c.now ? ok() : base::claim_jti(c, issuer, a); }
};
/// Halves of surrogate pairs are looked for in the text as it came, where a backslash may itself be escaped.
struct surrogates_in_raw_text : base {
    using base::base;
    result<json::value> parse_body(std::string_view text) override {
        auto const half = [&](std::size_t at, std::string_view nibbles) {
            return at + 6 <= text.size() && text[at] == '\\' && text[at + 1] == 'u' && (text[at + 2] == 'd' || text[at + 2] == 'D') && nibbles.find(text[at + 3]) != std::string_view::npos;
        };
        for (std::size_t at = 0; at < text.size(); ++at) {
            bool const alone = half(at, "89abAB") ? !half(at + 6, "cdefCDEF") : half(at, "cdefCDEF") && (at < 6 || !half(at - 6, "89abAB"));
            if (alone) return fail(errc::malformed_body, "a string has a lone surrogate");
        }
        return base::parse_body(text);
    }
};

}  // namespace

std::vector<fault> later_registration_faults() {
    return {
        tried<names_prove_tokens>(7, false, "F-REG-911", "a token with the sbt_id of one that was accepted twice is accepted without a look at its MAC", {"sbt/names-prove-nothing"}),
        tried<removed_by_namesakes>(7, false, "F-REG-912", "a peer unpairs every registration of its backend_id, other users' too", {"peer/refused-removal"}),
        tried<named_key_stays>(7, false, "F-REG-913", "the fingerprint in a token is compared with the current key at every request", {"rot/named-key"}),
        tried<date_goes_with_the_grace>(7, false, "F-REG-914", "the last rotated_at is forgotten when the grace of its notice is over", {"rot/date-outlasts-grace"}),
        tried<first_grace_stays>(7, false, "F-REG-915", "a key that came back and is given up again keeps the grace of the first time", {"rot/returned-key"}),
        tried<last_date_of_the_backend>(7, true, "F-REG-916", "a notice has to be later than the last one of every registration of the backend", {"rot/others-stay", "rot/paired-again"}),
        tried<forgets_what_is_about_to_end>(7, false, "F-REG-917", "the jti of an assertion is not remembered in its last ten seconds", {"aut/jti-brief"}),
        tried<peer_of_the_head>(7, false, "F-REG-918", "the peer of a push is looked up when its head has come, and not again", {"peer/removed-while-arriving", "peer/revoked-while-arriving", "rot/rotated-while-arriving"},
                                  setting::plain, framing{.tells_connection = true, .tells_head = true}),
        tried<revoked_by_pattern>(7, false, "F-REG-919", "the backend_id of a revoked backend is a pattern", {"peer/revoked-by-name"}),
        tried<challenges_are_remembered>(7, false, "F-REG-920", "the answer to a challenge is that which the same backend was given before", {"reg/challenge-again"}),
        tried<backend>(7, false, "F-REG-921", "a trailer has one line, and what follows is the next request", {"gen/trailers"}, setting::plain, framing{.short_trailer = true}),
        tried<surrogates_in_raw_text>(7, false, "F-REG-922", "an escaped backslash before udc00 is taken for half of a surrogate pair", {"gen/string-spellings"}),
        tried<capabilities_of_the_backend>(7, false, "F-REG-923", "registering again states capabilities for all users of the backend", {"reg/capabilities-of-each-user"}),

        // Beside them.
        {"F-REG-924", "the backend_id of an unpaired backend is a pattern", {"peer/unpaired-by-name"}, make<unpaired_by_pattern>},
        {"F-REG-926", "registering again with endpoints moves all users' registrations of the backend", {"off/endpoints-of-each-user"}, make<endpoints_of_the_backend>, setting::client},
        {"F-REG-927", "connections end when the fingerprint in their token is not that of the current key", {"rot/named-key-stream"}, make<named_key_keeps_connections>},
        {"F-REG-925", "a key that came back makes the notice good again that gave it up", {"rot/replay-of-returned"}, make<takes_keys_back<date_goes_with_the_grace>>},
    };
}

}  // namespace bsp::faulty
