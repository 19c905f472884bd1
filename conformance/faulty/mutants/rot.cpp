#include "../faults.hpp"

#include <algorithm>

/// Faults of key rotation (chapter 13).
namespace bsp::faulty {

namespace {

// ---- the notice -------------------------------------------------------------------------------------------

struct unsigned_notice : backend {
    using backend::backend;
    result<> verify_notice(json::object const&, peer_record const&, instant) override { return ok(); }
};
struct signature_only_if_present : backend {
    using backend::backend;
    result<> verify_notice(json::object const& body, peer_record const& peer, instant now) override {
        auto const* given = body.if_contains("signature");
        return given && given->is_string() ? backend::verify_notice(body, peer, now) : ok();
    }
};
struct new_key_signs_for_both : backend {
    using backend::backend;
    result<> verify_notice(json::object const& body, peer_record const& peer, instant now) override {
        auto const* pem = json::find_string(body, "new_public_key");
        auto const next = pem ? rsa_public_key::from_pem(json::view(*pem)) : result<rsa_public_key>{fail(errc::invalid_key, "")};
        return next && notice_signed_by(body, "signature", *next) ? ok() : backend::verify_notice(body, peer, now);
    }
};
struct any_peer_signs : backend {
    using backend::backend;
    result<> verify_notice(json::object const& body, peer_record const& peer, instant now) override {
        for (auto const& [id, other] : held().peers)
            if (notice_signed_by(body, "signature", other.key)) return ok();
        return backend::verify_notice(body, peer, now);
    }
};
struct no_proof : backend {
    using backend::backend;
    result<> verify_new_key(json::object const&, rsa_public_key const&) override { return ok(); }
};
struct proof_by_current_key : backend {
    using backend::backend;
    result<> verify_new_key(json::object const& body, rsa_public_key const& next) override {
        for (auto const& [id, peer] : held().peers)
            if (notice_signed_by(body, "new_key_signature", peer.key)) return ok();
        return backend::verify_new_key(body, next);
    }
};
struct proof_if_present : backend {
    using backend::backend;
    result<> verify_new_key(json::object const& body, rsa_public_key const& next) override { return body.contains("new_key_signature") ? backend::verify_new_key(body, next) : ok(); }
};
struct known_members_signed : backend {
    using backend::backend;
    result<std::string> canonical(json::object const& o, std::initializer_list<std::string_view> without) override {
        if (without.size() != 2) return backend::canonical(o, without);
        json::object known;
        for (char const* name : {"typ", "peer_id", "backend_id", "target_backend_id", "new_public_key", "rotated_at", "grace_expires_at"})
            if (auto const* v = o.if_contains(name)) known[name] = *v;
        return backend::canonical(known, {});
    }
};
struct members_nobody_knows_refused : backend {
    using backend::backend;
    result<rotation_notice> read_notice(json::fields const& f) override {
        if (f.get().size() > 9) return fail(errc::invalid_body, "unknown members");
        return backend::read_notice(f);
    }
};
struct any_typ : backend {
    using backend::backend;
    result<> check_notice_type(json::object const&) override { return ok(); }
};
struct typ_may_be_absent : backend {
    using backend::backend;
    result<> check_notice_type(json::object const& body) override { return body.contains("typ") ? backend::check_notice_type(body) : ok(); }
};
struct previous_key_signs : backend {
    using backend::backend;
    result<> verify_notice(json::object const& body, peer_record const& peer, instant now) override {
        for (auto const& key : keys_of(peer, now))
            if (notice_signed_by(body, "signature", key)) return ok();
        return backend::verify_notice(body, peer, now);
    }
};

template <std::string rotation_notice::*Member>
struct name_unchecked : backend {
    using backend::backend;
    result<> check_notice_audience(rotation_notice const& n, peer_record const& peer) override {
        rotation_notice right = n;
        right.*Member = Member == &rotation_notice::peer_id ? peer.peer_id : Member == &rotation_notice::backend_id ? peer.backend_id : backend_id();
        return backend::check_notice_audience(right, peer);
    }
};
struct peer_of_the_notice : backend {
    using backend::backend;
    answer rotate_key(call const& c, std::string const& peer_id) override {
        auto const body = parse_object(c);
        auto const* named = body ? json::find_string(*body, "peer_id") : nullptr;
        return backend::rotate_key(c, named && held().peers.contains(std::string{json::view(*named)}) ? std::string{json::view(*named)} : peer_id);
    }
};
struct old_notices_pass : backend {
    using backend::backend;
    result<> check_notice_fresh(rotation_notice const& n, instant now) override { return n.rotated > now ? backend::check_notice_fresh(n, now) : ok(); }
};
struct future_notices_pass : backend {
    using backend::backend;
    result<> check_notice_fresh(rotation_notice const& n, instant now) override { return n.rotated < now ? backend::check_notice_fresh(n, now) : ok(); }
};
struct only_new_notices : backend {
    using backend::backend;
    result<> check_notice_fresh(rotation_notice const& n, instant now) override {
        if (n.rotated + std::chrono::seconds{60} < now) return fail(errc::stale_request, "too old");
        return backend::check_notice_fresh(n, now);
    }
};
struct replays_count : backend {
    using backend::backend;
    result<> verify_notice(json::object const& body, peer_record const& peer, instant now) override {
        for (auto const& k : peer.former)
            if (notice_signed_by(body, "signature", k.key)) return ok();
        return backend::verify_notice(body, peer, now);
    }
    result<> check_later(rotation_notice const&, peer_record const&) override { return ok(); }
    result<> check_new_key(rsa_public_key const&, peer_record const&) override { return ok(); }
};
struct order_unchecked : backend {
    using backend::backend;
    result<> check_later(rotation_notice const&, peer_record const&) override { return ok(); }
};
struct equal_moment_passes : backend {
    using backend::backend;
    result<> check_later(rotation_notice const& n, peer_record const& peer) override { return n.rotated == peer.rotated ? ok() : backend::check_later(n, peer); }
};
struct moments_cut_to_seconds : backend {
    using backend::backend;
    result<> check_later(rotation_notice const& n, peer_record const& peer) override {
        if (peer.rotated && n.rotated.seconds <= peer.rotated->seconds) return fail(errc::stale_request, "not later");
        return ok();
    }
};
struct moments_compared_as_text : backend {
    using backend::backend;
    std::map<std::string, std::string> last;
    std::string given;
    result<rotation_notice> read_notice(json::fields const& f) override {
        auto n = backend::read_notice(f);
        if (n) given = text_of(f, "rotated_at").value();
        return n;
    }
    result<> check_later(rotation_notice const&, peer_record const& peer) override {
        if (given <= last[peer.peer_id]) return fail(errc::stale_request, "not later");
        return ok();
    }
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        last[peer.peer_id] = given;
        backend::take_key(peer, next, n, until);
    }
};

// ---- the new key ------------------------------------------------------------------------------------------

struct weak_keys_pass : backend {
    using backend::backend;
    answer rotate_key(call const& c, std::string const& peer_id) override {
        auto out = backend::rotate_key(c, peer_id);
        if (out || out.error().code != errc::invalid_key) return out;
        return json_answer(200, json::object{{"status", "rotated"}, {"peer_id", peer_id}, {"previous_key_expires_at", format_timestamp(c.now)}});
    }
};
struct weak_keys_fail : backend {
    using backend::backend;
    answer rotate_key(call const& c, std::string const& peer_id) override {
        auto out = backend::rotate_key(c, peer_id);
        if (!out && out.error().code == errc::invalid_key) return fail(errc::internal, "the key could not be read");
        return out;
    }
};
struct one_length_of_keys : backend {
    using backend::backend;
    result<> check_new_key(rsa_public_key const& next, peer_record const& peer) override {
        if (next.bits() != peer.key.bits()) return fail(errc::invalid_key, "another length");
        return backend::check_new_key(next, peer);
    }
};
struct revoked_keys_pass : backend {
    using backend::backend;
    result<> check_new_key(rsa_public_key const& next, peer_record const& peer) override {
        auto const revoked = std::exchange(held().revoked_keys, {});
        auto out = backend::check_new_key(next, peer);
        held().revoked_keys = revoked;
        return out;
    }
};
struct current_key_again : backend {
    using backend::backend;
    result<> check_new_key(rsa_public_key const& next, peer_record const& peer) override { return next == peer.key ? ok() : backend::check_new_key(next, peer); }
};
struct unknown_peers_thanked : backend {
    using backend::backend;
    answer rotate_key(call const& c, std::string const& peer_id) override {
        if (held().peers.contains(peer_id)) return backend::rotate_key(c, peer_id);
        return json_answer(200, json::object{{"status", "rotated"}, {"peer_id", peer_id}, {"previous_key_expires_at", format_timestamp(c.now)}});
    }
};
struct defaults_for_absent : backend {
    using backend::backend;
    result<rotation_notice> read_notice(json::fields const& f) override {
        if (f.find("grace_expires_at")) return backend::read_notice(f);
        json::object filled = f.get();
        filled["grace_expires_at"] = filled.contains("rotated_at") ? filled.at("rotated_at") : json::value("2025-01-01T00:00:00Z");
        return backend::read_notice(json::fields{filled});
    }
};
struct raced : backend {
    using backend::backend;
    result<> check_new_key(rsa_public_key const& next, peer_record const& peer) override {
        BSP_CHECK(backend::check_new_key(next, peer));
        let_others_in();
        return ok();
    }
};

// ---- what counts afterwards -------------------------------------------------------------------------------

struct never_taken : backend {
    using backend::backend;
    void take_key(peer_record&, rsa_public_key const&, rotation_notice const&, instant) override {}
};
struct pushes_know_it_only : backend {
    using backend::backend;
    bool peer_signature_verifies(assertion const& a, peer_record const& peer) override {
        return (peer.former.empty() ? peer.key : peer.former.back().key).verify_ps256(a.signing_input, a.signature) || (peer.former.empty() && backend::peer_signature_verifies(a, peer));
    }
};
struct answers_without_expiry : backend {
    using backend::backend;
    json::object rotation_answer(peer_record const& peer, instant) override { return {{"status", "rotated"}, {"peer_id", peer.peer_id}}; }
};
struct grace_ignored : backend {
    using backend::backend;
    bool counts(peer_record const&, former_key const&, instant) override { return false; }
};
struct grace_for_pushes_only : backend {
    using backend::backend;
    bool peer_signature_verifies(assertion const& a, peer_record const& peer) override { return peer.key.verify_ps256(a.signing_input, a.signature); }
};
struct grace_without_end : backend {
    using backend::backend;
    bool counts(peer_record const&, former_key const&, instant) override { return true; }
};
struct grace_swept_at_rotation : backend {
    using backend::backend;
    bool counts(peer_record const&, former_key const&, instant) override { return true; }
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        std::erase_if(peer.former, [&](former_key const& k) { return k.until <= n.rotated; });
        backend::take_key(peer, next, n, until);
    }
};
struct grace_ends_for_pushes_only : backend {
    using backend::backend;
    bool peer_signature_verifies(assertion const& a, peer_record const& peer) override {
        return backend::peer_signature_verifies(a, peer) || std::any_of(peer.former.begin(), peer.former.end(), [&](auto const& k) { return k.key.verify_ps256(a.signing_input, a.signature); });
    }
};
struct graces_renewed : backend {
    using backend::backend;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        backend::take_key(peer, next, n, until);
        for (auto& k : peer.former) k.until = until;
    }
};
struct grace_uncapped : backend {
    using backend::backend;
    instant end_of_grace(rotation_notice const& n) override { return n.grace_ends; }
};
struct grace_always_a_week : backend {
    using backend::backend;
    instant end_of_grace(rotation_notice const& n) override { return n.rotated + std::chrono::hours{24 * 7}; }
};
struct least_grace : backend {
    using backend::backend;
    instant end_of_grace(rotation_notice const& n) override { return std::max(backend::end_of_grace(n), n.rotated + std::chrono::seconds{60}); }
};
struct no_grace_refused : backend {
    using backend::backend;
    result<rotation_notice> read_notice(json::fields const& f) override {
        auto n = backend::read_notice(f);
        if (n && n->grace_ends <= n->rotated) return fail(errc::invalid_body, "/grace_expires_at must be later");
        return n;
    }
};
struct keys_pile_up : backend {
    using backend::backend;
    std::size_t former_keys_max() override { return 1'000; }
};
struct one_previous_key : backend {
    using backend::backend;
    std::size_t former_keys_max() override { return 1; }
};
struct current_key_expires : backend {
    using backend::backend;
    result<> check_new_key(rsa_public_key const&, peer_record const&) override { return ok(); }
    std::vector<rsa_public_key> keys_of(peer_record const& peer, instant now) override {
        auto keys = backend::keys_of(peer, now);
        std::erase_if(keys, [&](rsa_public_key const& key) { return std::any_of(peer.former.begin(), peer.former.end(), [&](former_key const& k) { return k.key == key && now >= k.until; }); });
        return keys;
    }
};

// ---- what stays -------------------------------------------------------------------------------------------

struct receipts_forgotten : backend {
    using backend::backend;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        backend::take_key(peer, next, n, until);
        std::erase_if(held().receipts, [&](auto const& r) { return r.first.first == peer.peer_id; });
    }
};
struct token_forgotten : backend {
    using backend::backend;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        backend::take_key(peer, next, n, until);
        peer.sbt_expires = n.rotated;
    }
};
struct registered_anew : backend {
    using backend::backend;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        backend::take_key(peer, next, n, until);
        peer.registered = n.rotated;
        peer.capabilities.clear();
    }
};
struct list_shows_first_key : backend {
    using backend::backend;
    json::object peer_entry(peer_record const& peer) override {
        json::object out = backend::peer_entry(peer);
        if (!peer.former.empty()) out["public_key"] = peer.former.back().key.pem();
        return out;
    }
};
struct pin_stays : backend {
    using backend::backend;
    bool same_key(peer_record const& held, rsa_public_key const& key, std::string const& pem) override { return held.former.empty() ? backend::same_key(held, key, pem) : held.former.back().key == key; }
};
struct pin_takes_previous : backend {
    using backend::backend;
    bool same_key(peer_record const& held, rsa_public_key const& key, std::string const& pem) override {
        return backend::same_key(held, key, pem) || std::any_of(held.former.begin(), held.former.end(), [&](former_key const& k) { return k.key == key; });
    }
};
struct registration_brings_key_back : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        if (auto* held = find_registration(t.user_id, who.backend_id))
            if (std::any_of(held->former.begin(), held->former.end(), [&](former_key const& k) { return k.key == key; })) held->key = key;
        return backend::enter(who, key, t, now);
    }
};
struct all_users_rotate : backend {
    using backend::backend;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        for (auto& [id, other] : held().peers)
            if (other.backend_id == peer.backend_id && other.peer_id != peer.peer_id) backend::take_key(other, next, n, until);
        backend::take_key(peer, next, n, until);
    }
};
struct all_of_the_key_rotate : backend {
    using backend::backend;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        auto const old = peer.key;
        for (auto& [id, other] : held().peers)
            if (other.key == old) backend::take_key(other, next, n, until);
    }
};
struct rotation_in_memory : backend {
    using backend::backend;
    void restart() override {
        for (auto& [id, peer] : held().peers)
            if (!peer.former.empty()) peer.key = peer.former.back().key, peer.former.clear(), peer.rotated.reset();
    }
};
struct graces_in_memory : backend {
    using backend::backend;
    void restart() override {
        for (auto& [id, peer] : held().peers) peer.former.clear();
    }
};
struct order_in_memory : backend {
    using backend::backend;
    void restart() override {
        for (auto& [id, peer] : held().peers) peer.rotated.reset();
    }
    result<> check_new_key(rsa_public_key const&, peer_record const&) override { return ok(); }
};

// ---- ends -------------------------------------------------------------------------------------------------

struct current_key_revoked_only : backend {
    using backend::backend;
    void revoke(peer_record& peer, instant now) override {
        peer.former.clear();
        backend::revoke(peer, now);
    }
};
struct keys_outlive_unpairing : backend {
    using backend::backend;
    std::map<std::string, std::vector<former_key>> kept;
    void unpair(peer_record const& peer, instant now) override {
        kept[peer.backend_id] = peer.former;
        backend::unpair(peer, now);
    }
    std::vector<rsa_public_key> keys_of(peer_record const& peer, instant now) override {
        auto keys = backend::keys_of(peer, now);
        for (auto const& k : kept[peer.backend_id]) keys.push_back(k.key);
        return keys;
    }
};
struct rotation_after_unpairing : backend {
    using backend::backend;
    std::map<std::string, peer_record> gone;
    void unpair(peer_record const& peer, instant now) override {
        gone.insert_or_assign(peer.peer_id, peer);
        backend::unpair(peer, now);
    }
    result<peer_record*> find_peer(std::string const& peer_id) override {
        auto const found = gone.find(peer_id);
        if (is_notice && found != gone.end()) return &found->second;
        return backend::find_peer(peer_id);
    }
    answer rotate_key(call const& c, std::string const& peer_id) override {
        is_notice = true;
        auto out = backend::rotate_key(c, peer_id);
        is_notice = false;
        return out;
    }
    bool is_notice = false;
};
struct streams_interrupted : backend {
    using backend::backend;
    bool still_counts(peer_record const& peer, sha256_digest const& key, instant) override { return peer.key.sha256() == key; }
};
struct old_keys_upgrade : backend {
    using backend::backend;
    result<peer_record*> admit(call const& c, std::string const& peer_id) override {
        upgrading = true;
        auto out = backend::admit(c, peer_id);
        upgrading = false;
        return out;
    }
    bool counts(peer_record const& peer, former_key const& k, instant now) override { return upgrading || backend::counts(peer, k, now); }
    bool still_counts(peer_record const&, sha256_digest const&, instant) override { return true; }
    bool upgrading = false;
};
struct streams_keep_their_key : backend {
    using backend::backend;
    bool still_counts(peer_record const&, sha256_digest const&, instant) override { return true; }
};

struct held_pulls_interrupted : backend {
    using backend::backend;
    result<> still_stands(feed_query const& asked, instant now) override {
        BSP_TRY(peer_record const* peer, find_peer(asked.peer_id));
        if (peer->key.sha256() != asked.key) return fail(errc::invalid_credential, "the key was replaced");
        return backend::still_stands(asked, now);
    }
};
struct held_pulls_keep_their_key : backend {
    using backend::backend;
    result<> still_stands(feed_query const& asked, instant now) override {
        feed_query owned = asked;
        if (auto const peer = find_peer(asked.peer_id)) owned.key = (*peer)->key.sha256();
        return backend::still_stands(owned, now);
    }
};

}  // namespace

std::vector<fault> rot_faults() {
    using enum setting;
    using n = rotation_notice;
    return {
        {"F-SEC-01", "a notice needs no signature of the current key", {"rot/current-key-signs"}, make<unsigned_notice>},
        {"F-SEC-02", "a notice needs no signature of the new key", {"rot/new-key-signs"}, make<no_proof>},
        {"F-SEC-03", "the key before is refused at once despite its grace", {"rot/grace"}, make<grace_ignored>},
        {"F-SEC-04", "graces are swept at the next rotation, and asked for nowhere else", {"rot/grace-ends"}, make<grace_swept_at_rotation>},
        {"F-SEC-05", "a grace of more than seven days is granted", {"rot/grace-cap"}, make<grace_uncapped>},
        {"F-SEC-06", "the new key is not accepted", {"rot/notice"}, make<never_taken>},
        {"F-SEC-07", "a notice on the path of another peer, or for it, is accepted", {"rot/audience"}, make<name_unchecked<&n::peer_id>>},
        {"F-SEC-08", "a notice sent again brings its key back", {"rot/replay"}, make<replays_count>},
        {"F-SEC-09", "a rotation ends the registration's token", {"rot/registration-stays", "rot/notice"}, make<token_forgotten>},
        {"F-SEC-10", "a new key that is too weak is accepted", {"rot/weak-key"}, make<weak_keys_pass>},
        {"F-SEC-11", "a rotation is lost on restart", {"rot/restart"}, make<rotation_in_memory>, restart},
        {"F-SEC-12", "every key that a peer ever had counts within its grace", {"rot/last-keys"}, make<keys_pile_up>},
        {"F-SEC-101", "the signature of a notice is verified if there is one", {"rot/current-key-signs"}, make<signature_only_if_present>},
        {"F-SEC-102", "the new key alone may sign a notice", {"rot/current-key-signs"}, make<new_key_signs_for_both>},
        {"F-SEC-103", "any peer may sign a notice", {"rot/current-key-signs"}, make<any_peer_signs>},
        {"F-SEC-104", "the current key may sign in place of the new one", {"rot/new-key-signs"}, make<proof_by_current_key>},
        {"F-SEC-105", "the proof of the new key is verified if there is one", {"rot/new-key-signs"}, make<proof_if_present>},
        {"F-SEC-106", "members that the server does not know are left out of the signed text", {"rot/altered", "rot/unknown-members"}, make<known_members_signed>},
        {"F-SEC-107", "a notice with members that the server does not know is refused", {"rot/unknown-members"}, make<members_nobody_knows_refused>},
        {"F-SEC-108", "typ is not looked at", {"rot/typ"}, make<any_typ>},
        {"F-SEC-109", "typ may be absent", {"rot/typ"}, make<typ_may_be_absent>},
        {"F-SEC-110", "a previous key may sign a notice in its grace", {"rot/previous-key-signs"}, make<previous_key_signs>},
        {"F-SEC-111", "the backend_id of a notice is not compared", {"rot/audience"}, make<name_unchecked<&n::backend_id>>},
        {"F-SEC-112", "the target_backend_id of a notice is not compared", {"rot/audience"}, make<name_unchecked<&n::target_backend_id>>},
        {"F-SEC-113", "the notice says which peer it is of, whatever the path", {"rot/audience"}, make<peer_of_the_notice>},
        {"F-SEC-114", "old notices are accepted", {"rot/fresh"}, make<old_notices_pass>},
        {"F-SEC-115", "notices of the future are accepted", {"rot/fresh"}, make<future_notices_pass>},
        {"F-SEC-116", "notices may be a minute old at most", {"rot/fresh"}, make<only_new_notices>},
        {"F-SEC-117", "rotated_at need not increase", {"rot/later"}, make<order_unchecked>},
        {"F-SEC-118", "two notices may be of the same moment", {"rot/later"}, make<equal_moment_passes>},
        {"F-SEC-119", "rotated_at is compared in whole seconds", {"rot/later"}, make<moments_cut_to_seconds>},
        {"F-SEC-120", "rotated_at is compared as text", {"rot/later"}, make<moments_compared_as_text>},
        {"F-SEC-121", "a key that cannot be read is a fault of the server", {"rot/weak-key"}, make<weak_keys_fail>},
        {"F-SEC-122", "the new key must be as long as the old one", {"rot/strong-key"}, make<one_length_of_keys>},
        {"F-SEC-123", "a revoked key comes back by rotation", {"rot/revoked-key"}, make<revoked_keys_pass>},
        {"F-SEC-124", "a notice that names the current key is accepted", {"rot/same-key"}, make<current_key_again>},
        {"F-SEC-125", "a notice for an unknown peer is thanked for", {"rot/ended-peer"}, make<unknown_peers_thanked>},
        {"F-SEC-126", "an absent grace_expires_at has a default", {"rot/shape"}, make<defaults_for_absent>},
        {"F-SEC-127", "of notices at once several are accepted", {"rot/concurrent"}, make<raced>},
        {"F-SEC-128", "the new key counts for pushes only", {"rot/notice"}, make<pushes_know_it_only>},
        {"F-SEC-129", "the answer to a notice does not say when the key before ends", {"rot/notice"}, make<answers_without_expiry>},
        {"F-SEC-130", "the grace is for pushes only", {"rot/grace"}, make<grace_for_pushes_only>},
        {"F-SEC-131", "a grace never ends", {"rot/grace-ends"}, make<grace_without_end>},
        {"F-SEC-132", "a grace ends for pushes only", {"rot/grace-ends"}, make<grace_ends_for_pushes_only>},
        {"F-SEC-133", "a rotation renews the grace of all previous keys", {"rot/grace-not-renewed"}, make<graces_renewed>},
        {"F-SEC-134", "every grace is a week", {"rot/grace-cap", "rot/no-grace"}, make<grace_always_a_week>},
        {"F-SEC-135", "a grace is a minute at least", {"rot/no-grace"}, make<least_grace>},
        {"F-SEC-136", "a rotation without grace is refused", {"rot/no-grace"}, make<no_grace_refused>},
        {"F-SEC-137", "one previous key counts", {"rot/last-but-one"}, make<one_previous_key>},
        {"F-SEC-138", "a key that is current again expires with the grace it once had", {"rot/current-key"}, make<current_key_expires>},
        {"F-SEC-139", "a rotation forgets which pushes were accepted", {"rot/registration-stays"}, make<receipts_forgotten>},
        {"F-SEC-140", "a rotation is a new registration", {"rot/registration-stays"}, make<registered_anew>},
        {"F-SEC-141", "the list of peers shows the first key", {"rot/registration-stays"}, make<list_shows_first_key>},
        {"F-SEC-142", "the pinned key is the first one for ever", {"rot/register-again"}, make<pin_stays>},
        {"F-SEC-143", "a registration with a previous key is accepted", {"rot/register-again"}, make<pin_takes_previous>},
        {"F-SEC-144", "a registration with a previous key brings it back", {"rot/register-again"}, make<registration_brings_key_back>},
        {"F-SEC-145", "a rotation is for all users of the backend", {"rot/others-stay"}, make<all_users_rotate>},
        {"F-SEC-146", "a rotation is for all registrations with that key", {"rot/others-stay"}, make<all_of_the_key_rotate>},
        {"F-SEC-147", "graces are lost on restart", {"rot/restart"}, make<graces_in_memory>, restart},
        {"F-SEC-148", "the last rotated_at is lost on restart", {"rot/restart"}, make<order_in_memory>, restart},
        {"F-SEC-149", "a revocation covers the current key only", {"rot/revocation"}, make<current_key_revoked_only>},
        {"F-SEC-150", "previous keys are kept by backend and outlive an unpairing", {"rot/unpairing"}, make<keys_outlive_unpairing>},
        {"F-SEC-151", "a notice for an unpaired peer is accepted", {"rot/ended-peer"}, make<rotation_after_unpairing>},
        {"F-SEC-152", "a rotation closes all connections of the peer", {"rot/streams-stay"}, make<streams_interrupted>},
        {"F-SEC-153", "every key that a peer ever had opens connections", {"rot/old-upgrade"}, make<old_keys_upgrade>},
        {"F-SEC-154", "a connection outlives the key that opened it", {"rot/streams-end"}, make<streams_keep_their_key>},
        {"F-SEC-155", "a rotation ends held pulls", {"rot/held-pull-stays"}, make<held_pulls_interrupted>},
        {"F-SEC-156", "a held pull outlives the key that signed it", {"rot/held-pull-ends"}, make<held_pulls_keep_their_key>},
    };
}

}  // namespace bsp::faulty
