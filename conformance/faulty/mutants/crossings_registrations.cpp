#include "crossings.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <optional>

/// A registration that is made, renewed, removed or run out while something else goes on, or by a second user.
namespace bsp::faulty {

namespace {

using base = crossing_backend;

// ---- unpaired, and paired anew ----

struct unpairing_ends_the_key : base {
    using base::base;
    void unpair(peer_record const& peer, instant now) override {
        peer_record const gone = peer;
        base::unpair(peer, now);
        std::erase_if(held().peers, [&](auto const& p) { return p.second.user_id == gone.user_id && p.second.key == gone.key; });
    }
};
struct held_pulls_end_by_backend : base {
    using base::base;
    void unpair(peer_record const& peer, instant now) override {
        ++unpairings_[peer.backend_id];
        base::unpair(peer, now);
    }
    answer hold(call const& c, feed_query const& asked) override {
        begun_[&asked] = unpairings_[held().peers.at(asked.peer_id).backend_id];
        answer out = base::hold(c, asked);
        begun_.erase(&asked);
        return out;
    }
    result<> still_stands(feed_query const& asked, instant now) override {
        BSP_CHECK(base::still_stands(asked, now));
        if (begun_[&asked] != unpairings_[held().peers.at(asked.peer_id).backend_id]) return fail(errc::unknown_peer, "no such peer");
        return ok();
    }

private:
    std::map<std::string, int> unpairings_;
    std::map<feed_query const*, int> begun_;
};

/// Takes the registration that followed for the one that was removed.
struct follows_the_backend : base {
    using base::base;
    void unpair(peer_record const& peer, instant now) override {
        owners_[peer.peer_id] = owner_of_peer(peer);
        base::unpair(peer, now);
    }

protected:
    [[nodiscard]] peer_record* successor(std::string const& peer_id) {
        auto const known = owners_.find(peer_id);
        return known == owners_.end() ? nullptr : find_registration(known->second.first, known->second.second);
    }
    std::map<std::string, owner> owners_;
};
struct held_pull_follows_the_backend : follows_the_backend {
    using follows_the_backend::follows_the_backend;
    result<> still_stands(feed_query const& asked, instant now) override {
        return held().peers.contains(asked.peer_id) || !successor(asked.peer_id) ? base::still_stands(asked, now) : ok();
    }
    json::object feed_page(call const& c, feed_query const& asked) override {
        feed_query later = asked;
        if (!held().peers.contains(asked.peer_id)) later.peer_id = successor(asked.peer_id)->peer_id;
        return base::feed_page(c, later);
    }
};
struct connection_follows_the_backend : follows_the_backend {
    using follows_the_backend::follows_the_backend;
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        if (!held().peers.contains(s.peer_id) && successor(s.peer_id)) return std::nullopt;
        return base::lost_right(s, now);
    }
};
struct unpairing_compared_as_text : base {
    using base::base;
    result<> check_unpairing(token const& t, claimed_identity const& who) override {
        auto const found = held().unpaired.find({t.user_id, who.backend_id});
        auto const* created = json::find_string(t.received, "created_at");
        if (found != held().unpaired.end() && created && json::view(*created) <= format_timestamp(found->second)) return fail(errc::invalid_sbt, "it is older than the last unpairing");
        return ok();
    }
};

// ---- registered again ----

struct tokens_compared_as_text : base {
    using base::base;
    void renew(peer_record& peer, claimed_identity const& who, token const& t) override {
        auto const *mine = json::find_string(peer.sbt, "created_at"), *given = json::find_string(t.received, "created_at");
        if (t.created >= peer.sbt_created) peer.capabilities = who.capabilities;
        if (mine && given && json::view(*given) > json::view(*mine)) {
            peer.sbt = t.received;
            peer.sbt_created = t.created;
            peer.sbt_expires = t.expires;
        }
    }
};

/// Looks less closely at whom it knows.
struct trusts_the_known : base {
    using base::base;
    [[nodiscard]] bool knows(token const& t) { return find_registration(t.user_id, t.slot(config().backend_type == "local" ? "hosted" : "local")) != nullptr; }
};
struct known_fingerprints : trusts_the_known {
    using trusts_the_known::trusts_the_known;
    result<> check_fingerprints(token const& t, claimed_identity const& who, rsa_public_key const& key) override { return knows(t) ? ok() : base::check_fingerprints(t, who, key); }
};
struct known_parties : trusts_the_known {
    using trusts_the_known::trusts_the_known;
    result<> check_parties(token const& t, claimed_identity const& who) override { return find_registration(t.user_id, who.backend_id) ? ok() : base::check_parties(t, who); }
};
struct known_lifetimes : trusts_the_known {
    using trusts_the_known::trusts_the_known;
    result<> check_lifetime(token const& t) override { return knows(t) ? ok() : base::check_lifetime(t); }
};
struct known_macs : trusts_the_known {
    using trusts_the_known::trusts_the_known;
    result<> check_mac(token const& t) override { return knows(t) ? ok() : base::check_mac(t); }
};
struct challenges_of_the_known : base {
    using base::base;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        known_ = find_registration(t.user_id, who.backend_id) != nullptr;
        return base::enter(who, key, t, now);
    }
    json::object registration_answer(call const& c, peer_record const& peer, std::optional<std::string> const& challenge) override {
        return base::registration_answer(c, peer, known_ ? std::nullopt : challenge);
    }

private:
    bool known_ = false;
};

// ---- run out ----

struct connection_of_its_token : base {
    using base::base;
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        auto why = base::lost_right(s, now);
        auto const found = held().peers.find(s.peer_id);
        if (why || found == held().peers.end()) return why;
        instant const until = until_.emplace(s.number, found->second.sbt_expires).first->second;
        return now >= until ? std::optional<std::string>{"Expired"} : std::nullopt;
    }

private:
    std::map<int, instant> until_;
};
struct expired_for_good : base {
    using base::base;
    result<> check_not_expired(peer_record const& peer, instant now) override {
        auto out = base::check_not_expired(peer, now);
        if (!out) expired_.insert(peer.peer_id);
        return expired_.contains(peer.peer_id) ? result<>{fail(errc::sbt_expired, "the session binding token of this peer has expired")} : std::move(out);
    }

private:
    std::set<std::string> expired_;
};
template <door_of D>
struct no_expiry_at : base {
    using base::base;
    result<> check_not_expired(peer_record const& peer, instant now) override { return is_at(D) ? ok() : base::check_not_expired(peer, now); }
};

// ---- revoked ----

template <door_of D>
struct no_revocation_at : base {
    using base::base;
    result<> check_not_revoked(peer_record const& peer) override { return is_at(D) ? ok() : base::check_not_revoked(peer); }
};
struct knows_whom_it_revoked : base {
    using base::base;
    void revoke(peer_record& peer, instant now) override {
        named_.insert(peer.peer_id);
        base::revoke(peer, now);
    }

protected:
    std::set<std::string> named_;
};
struct revocation_spares_held_pulls_of_others : knows_whom_it_revoked {
    using knows_whom_it_revoked::knows_whom_it_revoked;
    result<> still_stands(feed_query const& asked, instant now) override {
        auto out = base::still_stands(asked, now);
        return !out && out.error().code == errc::peer_revoked && !named_.contains(asked.peer_id) ? ok() : std::move(out);
    }
};
struct revocation_spares_connections_of_others : knows_whom_it_revoked {
    using knows_whom_it_revoked::knows_whom_it_revoked;
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        auto const found = held().peers.find(s.peer_id);
        if (found != held().peers.end() && found->second.revoked && !named_.contains(s.peer_id)) return std::nullopt;
        return base::lost_right(s, now);
    }
};
// A revocation is a mark on the registration, and whoever may remove that removes the mark.
struct unpairing_lifts_revocation : base {
    using base::base;
    answer delete_peer(call const& c, std::string const& peer_id) override {
        auto const found = held().peers.find(peer_id);
        bool const was_revoked = found != held().peers.end() && found->second.revoked;
        if (!was_revoked) return base::delete_peer(c, peer_id);
        BSP_TRY(principal const who, authenticate(c, admin_may | user_may | peer_may));
        if (who.kind != principal::user_kind || !may_remove(who, found->second)) return fail(errc::unknown_peer, "no such peer");
        held().revoked_backends.erase(found->second.backend_id);
        held().revoked_keys.erase(found->second.key.sha256());
        unpair(found->second, c.now);
        return json_answer(200, json::object{{"status", "unpaired"}, {"peer_id", peer_id}});
    }
};

// ---- who asks ----

struct peers_of_whom_the_query_names : base {
    using base::base;
    bool may_see(principal const& who, peer_record const& peer) override {
        auto const* named = serving_ ? serving_->parameter("user_id") : nullptr;
        return named && who.kind == principal::user_kind ? peer.user_id == *named : base::may_see(who, peer);
    }
};
struct compact_tokens : base {
    using base::base;
    result<principal> authenticate_user(call const& c, std::string_view compact) override {
        auto const first = compact.find('.'), second = compact.rfind('.');
        auto const part = first < second ? from_base64url(compact.substr(first + 1, second - first - 1)) : std::nullopt;
        auto const v = part ? json::parse({reinterpret_cast<char const*>(part->data()), part->size()}) : result<json::value>{json::value{}};
        auto const* signature = v && v->is_object() ? json::find_string(v->get_object(), "signature") : nullptr;
        auto const* user = signature ? json::find_string(v->get_object(), "user_id") : nullptr;
        auto const secret = user ? secret_of(std::string{json::view(*user)}) : std::nullopt;
        auto const text = secret ? canonical(v->get_object(), {"signature"}) : result<std::string>{std::string{}};
        if (secret && text && to_hex(hmac_sha256(*secret, *text)) == json::view(*signature)) return principal{principal::user_kind, std::string{json::view(*user)}, nullptr};
        return base::authenticate_user(c, compact);
    }
};
template <door_of D>
struct many_credentials_at : base {
    using base::base;
    result<> check_one_authorization(call const& c) override { return destination(c) == D ? ok() : base::check_one_authorization(c); }
};
struct jti_used_when_answered : base {
    using base::base;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        last_ = {issuer, a.jti};
        return base::claim_jti(c, issuer, a);
    }
    answer hold(call const& c, feed_query const& asked) override {
        auto const mine = held().used_assertions.extract(last_);
        answer out = base::hold(c, asked);
        if (mine) held().used_assertions.emplace(mine.key(), mine.mapped());
        return out;
    }

private:
    std::pair<std::string, std::string> last_;
};

// ---- the same push once more ----

struct repetitions_need_no_freshness : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        peer_ = peer_id;
        return base::push(c, peer_id);
    }
    result<> check_fresh(json::object const& body, instant now) override {
        auto const* id = json::find_string(body, "sync_id");
        auto const* known = id ? recall({peer_, std::string{json::view(*id)}}) : nullptr;
        return known && body.contains("conversations") && known->conversations == digest_of(body) ? ok() : base::check_fresh(body, now);
    }

private:
    std::string peer_;
};
struct repetitions_need_no_audience : base {
    using base::base;
    result<> check_payload_audience(json::object const& body, peer_record const& peer) override {
        auto const* id = json::find_string(body, "sync_id");
        return id && recall({peer.peer_id, std::string{json::view(*id)}}) ? ok() : base::check_payload_audience(body, peer);
    }
};
struct repetitions_need_no_consent : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        auto const* id = json::find_string(body.get(), "sync_id");
        return id && recall({peer.peer_id, std::string{json::view(*id)}}) ? backend::decode_conversations(body, peer, now) : base::decode_conversations(body, peer, now);
    }
};
struct repetitions_outlive_the_token : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        auto const body = parse_object(c);
        auto const* id = body ? json::find_string(*body, "sync_id") : nullptr;
        repeats_ = id && recall({peer_id, std::string{json::view(*id)}});
        answer out = base::push(c, peer_id);
        repeats_ = false;
        return out;
    }
    result<> check_not_expired(peer_record const& peer, instant now) override { return repeats_ ? ok() : base::check_not_expired(peer, now); }

private:
    bool repeats_ = false;
};

}  // namespace

std::vector<fault> crossing_registration_faults() {
    return {
        tried(5, false, {"F-REG-750", "an unpairing ends whatever its user has registered with the same key", {"peer/unpair-same-key"}, make<unpairing_ends_the_key>}),
        tried(5, false, {"F-REG-751", "held pulls of a backend end when another user unpairs it", {"reg/held-pulls-apart"}, make<held_pulls_end_by_backend>}),
        tried(5, false, {"F-REG-752", "a held pull goes on under the registration that follows its own", {"syn/live-pull-paired-again"}, make<held_pull_follows_the_backend>}),
        tried(5, true, {"F-TEL-750", "a connection goes on under the registration that follows its own", {"tel/paired-again"}, make<connection_follows_the_backend>}),
        tried(5, false, {"F-REG-753", "created_at of a token is compared with the unpairing as text", {"reg/instants-of-tokens"}, make<unpairing_compared_as_text>}),
        tried(5, false, {"F-REG-754", "which of two tokens is newer is decided by their texts", {"reg/instants-of-tokens"}, make<tokens_compared_as_text>}),
        tried(5, true, {"F-REG-755", "fingerprints are looked at when a backend registers for the first time", {"reg/renewal-verified"}, make<known_fingerprints>}),
        tried(5, true, {"F-REG-756", "whom a token names is looked at when a backend registers for the first time", {"reg/renewal-verified"}, make<known_parties>}),
        tried(5, true, {"F-REG-757", "lifetimes of tokens are looked at when a backend registers for the first time", {"reg/renewal-verified"}, make<known_lifetimes>}),
        tried(5, true, {"F-REG-758", "MACs of tokens are looked at when a backend registers for the first time", {"reg/renewal-verified"}, make<known_macs>}),
        tried(5, true, {"F-REG-759", "challenges are answered when a backend registers for the first time", {"reg/renewal-verified"}, make<challenges_of_the_known>}),
        tried(5, true, {"F-REG-761", "a connection ends with the token under which it was opened", {"tel/renewal-open"}, make<connection_of_its_token>}),
        tried(5, false, {"F-REG-762", "a revocation does not end held pulls of the backend's other registrations", {"syn/live-pull-revoked-key", "syn/live-pull-revoked-backend"}, make<revocation_spares_held_pulls_of_others>}),
        tried(5, true, {"F-REG-763", "a revocation does not end connections of the backend's other registrations", {"tel/revoke-all"}, make<revocation_spares_connections_of_others>}),
        tried(5, true, {"F-REG-764", "who was once refused as expired stays so", {"sbt/every-door"}, make<expired_for_good>}),
        tried(5, true, {"F-REG-765", "GET /peers lists the peers of the user whom the query names", {"peer/list-of-credential"}, make<peers_of_whom_the_query_names>}),
        tried(5, true, {"F-REG-766", "a compact token stands for an assertion of its user", {"sbt/not-a-bearer"}, make<compact_tokens>}),
        tried(5, false, {"F-REG-767", "the user may unpair what is revoked, and the revocation goes with it", {"peer/revocation-stays"}, make<unpairing_lifts_revocation>}),
        tried(5, false, {"F-PRV-770", "settings are open to peers whose token has expired", {"sbt/every-door"}, make<no_expiry_at<door_of::settings>>}),
        tried(5, false, {"F-OBS-750", "metrics are told to peers whose token has expired", {"sbt/every-door"}, make<no_expiry_at<door_of::metrics>>}),
        tried(5, false, {"F-TEL-751", "events are given to peers whose token has expired", {"sbt/every-door"}, make<no_expiry_at<door_of::events>>}),
        tried(5, false, {"F-REG-770", "settings are open to peers that were revoked", {"peer/every-door"}, make<no_revocation_at<door_of::settings>>}),
        tried(5, false, {"F-REG-771", "events are given to peers that were revoked", {"peer/every-door"}, make<no_revocation_at<door_of::events>>}),
        tried(5, true, {"F-PRV-771", "settings are changed under one of several credentials", {"aut/one-credential"}, make<many_credentials_at<door_of::settings>>}),
        tried(5, true, {"F-PRV-772", "data are erased under one of several credentials", {"prv/erase-credential"}, make<many_credentials_at<door_of::erasure>>}),
        tried(5, false, {"F-SYN-750", "a jti counts as used when its request has been answered", {"aut/jti-while-held"}, make<jti_used_when_answered>}),
        tried(5, true, {"F-SYN-751", "a repetition need not be fresh", {"syn/repeat-checked-again"}, make<repetitions_need_no_freshness>}),
        tried(5, true, {"F-SYN-752", "a repetition may be for another audience", {"syn/repeat-checked-again"}, make<repetitions_need_no_audience>}),
        tried(5, false, {"F-PRV-773", "repetitions are answered while sync is paused", {"prv/pause-push"}, make<repetitions_need_no_consent>}),
        tried(5, false, {"F-SYN-753", "repetitions are answered after the token has expired", {"sbt/every-door"}, make<repetitions_outlive_the_token>}),
    };
}

}  // namespace bsp::faulty
