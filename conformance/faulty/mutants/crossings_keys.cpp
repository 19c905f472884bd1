#include "crossings.hpp"

#include <algorithm>

/// Another key for a peer, and whatever else the peer has, does or did.
namespace bsp::faulty {

namespace {

using base = crossing_backend;

// ---- what ends ----

struct revoked_key_counts_as_previous : base {
    using base::base;
    bool counts(peer_record const&, former_key const& k, instant now) override { return now < k.until; }
};

bool had(peer_record const& peer, sha256_digest const& key) {
    return peer.key.sha256() == key || std::any_of(peer.former.begin(), peer.former.end(), [&](former_key const& k) { return k.key.sha256() == key; });
}

struct held_pull_outlives_grace : base {
    using base::base;
    result<> still_stands(feed_query const& asked, instant now) override {
        looks_ = true;
        auto out = base::still_stands(asked, now);
        looks_ = false;
        return out;
    }
    // It is told of rotations, and not of the time that passes.
    bool still_counts(peer_record const& peer, sha256_digest const& key, instant now) override {
        if (!looks_) return base::still_counts(peer, key, now);
        bool const ended_at_once = std::any_of(peer.former.begin(), peer.former.end(), [&](former_key const& k) { return k.key.sha256() == key && peer.rotated && k.until <= *peer.rotated; });
        return had(peer, key) && !ended_at_once;
    }

private:
    bool looks_ = false;
};
struct connection_outlives_grace : base {
    using base::base;
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        auto why = base::lost_right(s, now);
        auto const found = held().peers.find(s.peer_id);
        if (why && *why == "Key replaced" && found != held().peers.end())
            for (auto const& k : found->second.former)
                if (k.key.sha256() == s.key && found->second.rotated && k.until > *found->second.rotated) return std::nullopt;
        return why;
    }
};
struct grace_ends_everything : base {
    using base::base;
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        auto why = base::lost_right(s, now);
        auto const found = held().peers.find(s.peer_id);
        if (why || found == held().peers.end() || found->second.former.empty()) return why;
        if (now < found->second.former.front().until) in_grace_.insert(s.number);
        else if (in_grace_.contains(s.number)) return "Key replaced";
        return std::nullopt;
    }

private:
    std::set<int> in_grace_;
};
struct grace_ends_held_pulls : base {
    using base::base;
    result<> still_stands(feed_query const& asked, instant now) override {
        BSP_CHECK(base::still_stands(asked, now));
        auto const& former = held().peers.at(asked.peer_id).former;
        if (former.empty()) return ok();
        if (now < former.front().until) in_grace_.insert(&asked);
        else if (in_grace_.erase(&asked) > 0) return fail(errc::invalid_credential, "the key was replaced");
        return ok();
    }

private:
    std::set<feed_query const*> in_grace_;
};
struct later_grace_cuts_earlier : base {
    using base::base;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        base::take_key(peer, next, n, until);
        for (auto& k : peer.former) k.until = std::min(k.until, until);
    }
};
struct revocation_spares_holders_of_previous_keys : base {
    using base::base;
    void revoke(peer_record& peer, instant now) override {
        std::set<std::string> spared;
        for (auto const& [id, other] : held().peers)
            if (!other.revoked && other.backend_id != peer.backend_id && !(other.key == peer.key)) spared.insert(id);
        base::revoke(peer, now);
        for (auto const& id : spared) held().peers.at(id).revoked = false;
    }
};

// ---- who may have which key ----

struct remembers_former : base {
    using base::base;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        former_.emplace_back(owner_of_peer(peer), peer.key.sha256());
        base::take_key(peer, next, n, until);
    }

protected:
    template <class Concerns>
    [[nodiscard]] result<> refuse_former(rsa_public_key const& key, Concerns concerns) const {
        for (auto const& [of, digest] : former_)
            if (digest == key.sha256() && concerns(of)) return fail(errc::key_mismatch, "this key was replaced");
        return ok();
    }
    std::vector<std::pair<owner, sha256_digest>> former_;
};
struct former_keys_outlive_unpairing : remembers_former {
    using remembers_former::remembers_former;
    result<> check_revocation(claimed_identity const& who, rsa_public_key const& key, std::string const& user) override {
        BSP_CHECK(base::check_revocation(who, key, user));
        return refuse_former(key, [&](owner const& of) { return of == owner{user, who.backend_id}; });
    }
};
struct former_keys_of_others_refused : remembers_former {
    using remembers_former::remembers_former;
    result<> check_revocation(claimed_identity const& who, rsa_public_key const& key, std::string const& user) override {
        BSP_CHECK(base::check_revocation(who, key, user));
        return refuse_former(key, [&](owner const& of) { return of.second != who.backend_id; });
    }
};
struct former_keys_by_backend : remembers_former {
    using remembers_former::remembers_former;
    result<> check_revocation(claimed_identity const& who, rsa_public_key const& key, std::string const& user) override {
        BSP_CHECK(base::check_revocation(who, key, user));
        return refuse_former(key, [&](owner const& of) { return of.second == who.backend_id && of.first != user; });
    }
};

// ---- one of the doors has its own idea of which keys count ----

template <door_of D>
struct first_key_at : base {
    using base::base;
    bool peer_signature_verifies(assertion const& a, peer_record const& peer) override {
        if (!is_at(D) || peer.former.empty()) return base::peer_signature_verifies(a, peer);
        peer_record first = peer;
        first.key = peer.former.back().key;
        first.former.clear();
        return base::peer_signature_verifies(a, first);
    }
};
template <door_of D>
struct current_key_at : base {
    using base::base;
    bool peer_signature_verifies(assertion const& a, peer_record const& peer) override {
        if (!is_at(D)) return base::peer_signature_verifies(a, peer);
        peer_record alone = peer;
        alone.former.clear();
        return base::peer_signature_verifies(a, alone);
    }
};
template <door_of D>
struct every_key_at : base {
    using base::base;
    bool counts(peer_record const& peer, former_key const& k, instant now) override { return is_at(D) || base::counts(peer, k, now); }
};

// ---- lists ----

struct exported_with_first_key : base {
    using base::base;
    json::object exported(std::string const& user_id, instant now) override {
        json::object out = base::exported(user_id, now);
        for (auto& one : out["peers"].as_array()) {
            auto const& peer = held().peers.at(std::string{json::view(one.at("peer_id").as_string())});
            if (!peer.former.empty()) one.as_object()["public_key"] = peer.former.back().key.pem();
        }
        return out;
    }
};
struct rotation_ends_lists : base {
    using base::base;
    json::object cursor_content(json::object content) override {
        if (auto const found = held().peers.find(caller_); found != held().peers.end()) content["keys"] = found->second.former.size();
        return base::cursor_content(std::move(content));
    }
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        BSP_TRY(auto out, base::cursor_of(c, feed));
        auto const found = held().peers.find(caller_);
        if (out && !feed.starts_with("pull") && found != held().peers.end() && out->contains("keys") && out->at("keys").to_number<std::size_t>() != found->second.former.size())
            return fail(errc::invalid_query, "this cursor is not of this session");
        return out;
    }
};
struct notices_in_the_trail : base {
    using base::base;
    answer rotate_key(call const& c, std::string const& peer_id) override {
        answer out = base::rotate_key(c, peer_id);
        if (auto const body = parse_object(c); out && body) record({c.now, "key_rotated", peer_id, {{"notice", *body}}});
        return out;
    }
};

}  // namespace

std::vector<fault> crossing_key_faults() {
    return {
        tried(5, false, {"F-SEC-750", "a revoked key counts where it is another backend's previous one", {"rot/revoked-previous"}, make<revoked_key_counts_as_previous>}),
        tried(5, false, {"F-SEC-751", "a held pull outlives the grace of its key", {"rot/held-pull-grace"}, make<held_pull_outlives_grace>}),
        tried(5, false, {"F-SEC-752", "a connection outlives the grace of its key", {"rot/stream-grace"}, make<connection_outlives_grace>}),
        tried(5, false, {"F-SEC-753", "connections that the new key opened end with the grace of the old one", {"rot/stream-outlasts"}, make<grace_ends_everything>}),
        tried(5, false, {"F-SEC-754", "held pulls that the new key signed end with the grace of the old one", {"rot/held-pull-outlasts"}, make<grace_ends_held_pulls>}),
        tried(5, false, {"F-SEC-755", "no grace outlasts that of a later rotation", {"rot/last-but-one"}, make<later_grace_cuts_earlier>}),
        tried(5, true, {"F-SEC-756", "who has a previous key of a revoked backend goes on", {"rot/revocation"}, make<revocation_spares_holders_of_previous_keys>}),
        tried(5, false, {"F-SEC-757", "after an unpairing the backend cannot have a key again that it had replaced", {"rot/replaced-keys-free"}, make<former_keys_outlive_unpairing>}),
        tried(5, false, {"F-SEC-758", "a key that one backend has replaced cannot be another's", {"rot/replaced-keys-free"}, make<former_keys_of_others_refused>}),
        tried(5, false, {"F-SEC-759", "a key that a backend has replaced for one user is refused for all", {"rot/replaced-keys-free"}, make<former_keys_by_backend>}),
        tried(5, true, {"F-SEC-760", "connections are opened by the first key only", {"rot/streams-stay"}, make<first_key_at<door_of::upgrade>>}),
        tried(5, true, {"F-SEC-761", "in its grace a key opens no connections", {"rot/streams-stay"}, make<current_key_at<door_of::upgrade>>}),
        tried(5, true, {"F-SEC-762", "a peer unpairs itself by its first key only", {"rot/every-door"}, make<first_key_at<door_of::removal>>}),
        tried(5, false, {"F-SEC-763", "settings are read and changed by the first key only", {"rot/every-door"}, make<first_key_at<door_of::settings>>}),
        tried(5, false, {"F-SEC-764", "metrics are read by the first key only", {"rot/every-door"}, make<first_key_at<door_of::metrics>>}),
        tried(5, false, {"F-SEC-765", "in its grace a key reads no events", {"rot/every-door"}, make<current_key_at<door_of::events>>}),
        tried(5, false, {"F-SEC-766", "settings are read and changed by every key that there was", {"rot/every-door-shut"}, make<every_key_at<door_of::settings>>}),
        tried(5, false, {"F-SEC-767", "digests are given to every key that there was", {"rot/every-door-shut"}, make<every_key_at<door_of::digest>>}),
        tried(5, false, {"F-SEC-768", "events are given to every key that there was", {"rot/every-door-shut"}, make<every_key_at<door_of::events>>}),
        tried(5, false, {"F-SEC-769", "exported peers have their first key", {"prv/export-keys"}, make<exported_with_first_key>}),
        tried(5, false, {"F-SEC-770", "a rotation ends the lists under way", {"rot/lists-go-on"}, make<rotation_ends_lists>}),
        tried(5, false, {"F-SEC-771", "the audit trail keeps notices with their signatures", {"aud/accepted-secrets"}, make<notices_in_the_trail>}),
    };
}

}  // namespace bsp::faulty
