#include "../faults.hpp"

#include <bsp/base/encoding.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string>
#include <utility>

/// Faults of credentials beside each other: used ones that come in another form, and tokens that live longer, or were made by
/// another clock, than the one that is stored.
namespace bsp::faulty {

namespace {

// ---- used assertions -------------------------------------------------------------------------------------------

/// The key of the cache is the Authorization field up to the claims.
struct used_under_a_scheme : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        auto const* field = c.request.headers.find("Authorization");
        return backend::claim_jti(c, (field ? field->substr(0, field->find(' ')) : "") + ' ' + issuer, a);
    }
};
/// DELETE FROM used WHERE exp <= :iat
struct forgets_by_the_callers_clock : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        std::erase_if(held().used_assertions, [&](auto const& u) { return u.second <= a.iat; });
        return backend::claim_jti(c, issuer, a);
    }
};
/// A column that takes what looks like a number for one.
struct jtis_are_numbers : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        auto read = a;
        double number = 0;
        auto const* const end = a.jti.data() + a.jti.size();
        if (auto const [stopped, what] = std::from_chars(a.jti.data(), end, number); what == std::errc{} && stopped == end) read.jti = std::to_string(number);
        return backend::claim_jti(c, issuer, read);
    }
};

/// A cache whose entries live as long as the assertion, counted from its arrival.
struct kept_for_a_lifetime : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        auto kept = a;
        kept.exp = c.now.seconds + (a.exp - a.iat);
        std::erase_if(held().used_assertions, [&](auto const& u) { return u.second <= c.now.seconds; });
        return backend::claim_jti(c, issuer, kept);
    }
};
/// UNIQUE (iss, jti), where iss may be null.
struct filed_under_iss : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override { return backend::claim_jti(c, a.has_iss || !issuer.starts_with("user ") ? issuer : "user", a); }
};

// ---- tokens ----------------------------------------------------------------------------------------------------

/// What an unpairing voids is forgotten with the token that was stored.
struct voided_until_the_token_ends : backend {
    using backend::backend;
    result<> verify_token(token const& t, instant now) override {
        std::erase_if(held().unpaired, [&](auto const& u) { return ends_.contains(u.first) && ends_.at(u.first) <= now; });
        return backend::verify_token(t, now);
    }
    void unpair(peer_record const& peer, instant now) override {
        ends_[{peer.user_id, peer.backend_id}] = peer.sbt_expires;
        backend::unpair(peer, now);
    }

private:
    std::map<std::pair<std::string, std::string>, instant> ends_;
};
/// A token is good for one registration, as far as it can be told from another.
struct each_token_once : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        auto const* id = t.received.if_contains("sbt_id");
        if (id && !used_.insert({t.user_id, json::serialize(*id)}).second) return fail(errc::invalid_sbt, "this token was used before");
        return backend::enter(who, key, t, now);
    }

private:
    std::set<std::pair<std::string, std::string>> used_;
};
/// INSERT OR REPLACE, by the session.
struct one_peer_of_a_session : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        BSP_TRY(peer_record* const entered, backend::enter(who, key, t, now));
        std::erase_if(held().peers, [&](auto const& p) { return p.second.user_id == t.user_id && p.second.backend_id != who.backend_id && p.second.sbt.at("session_id") == t.received.at("session_id"); });
        return entered;
    }
};
/// No grace is no previous key.
struct no_grace_is_at_once : backend {
    using backend::backend;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override { backend::take_key(peer, next, n, n.grace_ends == n.rotated ? n.rotated + std::chrono::seconds{-600} : until); }
};
/// The user's secret has vouched for the key.
struct tokens_bring_keys : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        auto* const held = find_registration(t.user_id, who.backend_id);
        if (held && t.created > held->sbt_created && t.fingerprint(who.backend_type)) held->key = key, held->key_text = who.public_key;
        return backend::enter(who, key, t, now);
    }
};
/// Nothing was made after now.
struct made_when_it_came : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        auto read = t;
        read.created = std::min(t.created, now);
        return backend::enter(who, key, read, now);
    }
};
/// The token that was stored is void, whenever it says that it was made.
struct voids_to_the_stored_token : backend {
    using backend::backend;
    void unpair(peer_record const& peer, instant now) override { backend::unpair(peer, std::max(now, peer.sbt_created)); }
};


// ---- times and keys of before ----------------------------------------------------------------------------------

/// timedelta.seconds, which has no days.
struct ages_without_days : backend {
    using backend::backend;
    result<> check_fresh(json::object const& body, instant now) override {
        BSP_TRY(instant const stated, instant_of(json::fields{body}, "timestamp"));
        constexpr std::int64_t day = 86'400;
        if (now.seconds - stated.seconds > 300 && (now.seconds - stated.seconds) % day <= 300) return ok();
        return backend::check_fresh(body, now);
    }
};
/// The last notice is dated by its arrival.
struct later_than_the_last_arrival : backend {
    using backend::backend;
    result<> check_notice_fresh(rotation_notice const& n, instant now) override {
        came_ = now;
        return backend::check_notice_fresh(n, now);
    }
    result<> check_later(rotation_notice const& n, peer_record const& peer) override {
        if (auto const last = arrivals_.find(peer.peer_id); last != arrivals_.end() && n.rotated <= last->second) return fail(errc::stale_request, "it is not later than the last notice");
        return ok();
    }
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        arrivals_[peer.peer_id] = came_;
        backend::take_key(peer, next, n, until);
    }

private:
    instant came_;
    std::map<std::string, instant> arrivals_;
};
/// A key in its grace is the peer's.
struct tokens_name_former_keys : backend {
    using backend::backend;
    result<> check_fingerprints(token const& t, claimed_identity const& who, rsa_public_key const& key) override {
        auto const* const held = find_registration(t.user_id, who.backend_id);
        auto const is_named = [&](former_key const& k) { return t.fingerprint(who.backend_type) == to_hex(k.key.sha256()); };
        if (held && std::ranges::any_of(held->former, is_named)) return ok();
        return backend::check_fingerprints(t, who, key);
    }
};

}  // namespace

std::vector<fault> credentials_meanwhile_faults() {
    return {
        tried<used_under_a_scheme>(10, false, "F-SEC-1001", "an assertion may be used again under another spelling of its scheme", {"aut/jti-respelled"}),
        tried<forgets_by_the_callers_clock>(10, false, "F-SEC-1002", "used assertions are forgotten by the clock of whoever calls next", {"aut/jti-beside-early"}),
        tried<jtis_are_numbers>(10, false, "F-SEC-1003", "jtis that are the same number are one", {"aut/jti-exact"}),
        tried<voided_until_the_token_ends>(10, false, "F-REG-1001", "an unpairing is forgotten when the token that was stored expires", {"reg/voided-beyond-expiry"}),
        tried<each_token_once>(10, false, "F-REG-1005", "a token with an sbt_id is good for one registration", {"reg/same-peer-id"}),
        tried<tokens_bring_keys>(10, false, "F-REG-1002", "a token that holds a fingerprint puts the key of its registration in the place of the stored one", {"reg/key-mismatch"}),
        tried<made_when_it_came>(10, false, "F-REG-1003", "a token that is dated ahead counts as made when it came", {"reg/older-sbt-harmless"}),
        tried<voids_to_the_stored_token>(10, false, "F-REG-1004", "an unpairing voids tokens up to the date of the stored one, even where that lies ahead", {"reg/again-at-once"}),
        tried<kept_for_a_lifetime>(11, false, "F-SEC-1007", "a used assertion is kept for as long as it lives, counted from its arrival", {"aut/jti-lasts"}),
        tried<filed_under_iss>(11, false, "F-SEC-1008", "used assertions are filed under the claim iss, which users may leave out", {"aut/jti-without-iss"}),
        tried<one_peer_of_a_session>(11, false, "F-REG-1006", "of the backends whose tokens have one session_id the last one stays registered", {"reg/session-of-many"}),
        tried<no_grace_is_at_once>(11, false, "F-SEC-1009", "without grace the key before ends at once, although the answer says that it counts for two minutes", {"rot/no-grace-ahead"}),
        tried<ages_without_days>(10, true, "F-SEC-1004", "the age of a push is compared without its whole days", {"syn/stale"}),
        tried<later_than_the_last_arrival>(10, true, "F-SEC-1005", "a notice has to be later than the arrival of the last one, and not than its rotated_at", {"rot/later", "rot/date-outlasts-grace"}),
        tried<tokens_name_former_keys>(10, true, "F-SEC-1006", "the fingerprint in a token may be that of a former key in its grace", {"rot/renewal"}),
    };
}

}  // namespace bsp::faulty
