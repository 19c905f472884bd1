#include "crossings.hpp"

#include <algorithm>
#include <optional>

/// Audit trail, budgets and metrics, where they meet something else.
namespace bsp::faulty {

namespace {

using base = crossing_backend;

// ---- the audit trail ----

struct repetitions_unrecorded : base {
    using base::base;
    void record(audit_record r) override {
        if (!(r.type == "sync_accepted" && r.details.contains("repeated"))) base::record(std::move(r));
    }
};
struct refusals_joined : base {
    using base::base;
    void record(audit_record r) override {
        auto& all = held().audit;
        auto const same = r.type == "sync_rejected" ? std::find_if(all.rbegin(), all.rend(), [&](audit_record const& a) { return a.type == r.type; }) : all.rend();
        if (same == all.rend() || same->at + std::chrono::seconds{60} < r.at) return base::record(std::move(r));
        same->details["count"] = (same->details.contains("count") ? same->details.at("count").to_number<std::int64_t>() : 1) + 1;
    }
};
struct rejections_of_the_first_peer : base {
    using base::base;
    void record(audit_record r) override {
        if (r.type == "telemetry_rejected") {
            auto const found = held().peers.find(r.peer_id);
            for (auto const& [id, p] : held().peers)
                if (found != held().peers.end() && p.user_id == found->second.user_id && p.registered < held().peers.at(r.peer_id).registered) r.peer_id = id;
        }
        base::record(std::move(r));
    }
};
struct erasure_blanks_peers : base {
    using base::base;
    void erase(std::string const& user_id) override {
        base::erase(user_id);
        for (auto& r : held().audit)
            if (auto const found = held().peers.find(r.peer_id); found != held().peers.end() && found->second.user_id == user_id) r.peer_id.clear();
    }
};
struct guesses_at_the_trail_alone : base {
    using base::base;
    std::string type_of_refusal(call const& c, error const& why) override {
        std::string type = base::type_of_refusal(c, why);
        return type == "admin_auth_failed" && c.segments[0] != "audit" ? "" : type;
    }
};
struct refused_unpairings_recorded : base {
    using base::base;
    answer delete_peer(call const& c, std::string const& peer_id) override {
        answer out = base::delete_peer(c, peer_id);
        if (!out && held().peers.contains(peer_id)) record({c.now, "peer_unpaired", peer_id, {}});
        return out;
    }
};
struct refused_settings_recorded : base {
    using base::base;
    answer settings_call(call const& c) override {
        answer out = base::settings_call(c);
        if (!out && c.request.method == "PUT" && out.error().status() == 422) record({c.now, "privacy_settings_updated", "", {}});
        return out;
    }
};
struct tokens_recorded : base {
    using base::base;
    void record(audit_record r) override {
        if (auto const found = held().peers.find(r.peer_id); r.type == "peer_registered" && found != held().peers.end()) r.details["sbt"] = found->second.sbt;
        base::record(std::move(r));
    }
};
struct empty_erasures_unrecorded : base {
    using base::base;
    void record(audit_record r) override {
        if (r.type == "data_erased" && r.details.at("conversations").to_number<std::int64_t>() == 0) return;
        base::record(std::move(r));
    }
};

// ---- budgets ----

struct stale_pushes_spend : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        answer out = base::push(c, peer_id);
        if (!out && out.error().code == errc::stale_request) spend(c, peer_id);
        return out;
    }
};
struct pushes_for_others_spend : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        answer out = base::push(c, peer_id);
        if (!out && out.error().code == errc::wrong_audience) spend(c, peer_id);
        return out;
    }
};
struct budget_of_the_backend : base {
    using base::base;
    std::string budget_of(call const&, peer_record const& peer) override { return peer.backend_id; }
};
struct budget_of_the_key : base {
    using base::base;
    std::string budget_of(call const&, peer_record const& peer) override { return peer.key.pem(); }
};
struct paused_pushes_are_free : base {
    using base::base;
    result<> check_budget(call const& c, peer_record const& peer) override { return lets(peer.user_id, "sync_conversations") ? base::check_budget(c, peer) : ok(); }
};

// ---- metrics ----

struct metrics_of_the_backend : base {
    using base::base;
    void unpair(peer_record const& peer, instant now) override {
        before_[owner_of_peer(peer)] = tally_of(peer.peer_id);
        base::unpair(peer, now);
    }
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        bool const is_new = !find_registration(t.user_id, who.backend_id);
        BSP_TRY(peer_record * peer, base::enter(who, key, t, now));
        if (auto const known = before_.find({t.user_id, who.backend_id}); is_new && known != before_.end()) tally_of(peer->peer_id) = known->second;
        return peer;
    }

private:
    std::map<owner, tally> before_;
};
struct previous_keys_uncounted : base {
    using base::base;
    bool payload_signature_verifies(json::object const& body, std::string const& text, bytes const& signature, peer_record const& peer) override {
        by_current_ = peer.key.verify_ps256(text, signature);
        return base::payload_signature_verifies(body, text, signature, peer);
    }
    void note_push(tally& t, answer const& said, instant now) override {
        if (by_current_) base::note_push(t, said, now);
    }

private:
    bool by_current_ = false;
};
struct ended_keys_counted : base {
    using base::base;
    bool payload_signature_verifies(json::object const& body, std::string const& text, bytes const& signature, peer_record const& peer) override {
        by_former_ = std::any_of(peer.former.begin(), peer.former.end(), [&](former_key const& k) { return k.key.verify_ps256(text, signature); });
        return base::payload_signature_verifies(body, text, signature, peer);
    }
    void note_junk(tally& t, error const& why, instant now) override {
        if (std::exchange(by_former_, false)) note_failure(t, why, now);
    }

private:
    bool by_former_ = false;
};
struct pushes_are_no_presence : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        auto const seen = tally_of(peer_id).seen;
        answer out = base::push(c, peer_id);
        tally_of(peer_id).seen = seen;
        return out;
    }
};
struct refused_items_are_failures : base {
    using base::base;
    void note_push(tally& t, answer const& said, instant now) override {
        if (said && said->body.find("\"refused\"") != std::string::npos) note_failure(t, fail(errc::invalid_body, ""), now);
        else base::note_push(t, said, now);
    }
};

}  // namespace

std::vector<fault> crossing_record_faults() {
    return {
        tried(5, false, {"F-SEC-780", "repetitions of pushes are not in the audit trail", {"aud/repetitions"}, make<repetitions_unrecorded>}),
        tried(5, true, {"F-SEC-781", "refused pushes of several peers are one entry", {"aud/refusals-apart"}, make<refusals_joined>}),
        tried(5, false, {"F-SEC-782", "rejected events are recorded under the user's first peer", {"aud/rejections-apart"}, make<rejections_of_the_first_peer>}),
        tried(5, true, {"F-SEC-783", "an erasure takes the peers out of the entries about them", {"aud/erasures"}, make<erasure_blanks_peers>}),
        tried(5, false, {"F-SEC-784", "guesses at the administrator's token are recorded at /audit alone", {"aud/guess"}, make<guesses_at_the_trail_alone>}),
        tried(5, false, {"F-SEC-785", "unpairings that were refused are recorded", {"aud/removals-not-done"}, make<refused_unpairings_recorded>}),
        tried(5, false, {"F-SEC-786", "settings that were refused are recorded as changed", {"aud/settings-not-done"}, make<refused_settings_recorded>}),
        tried(5, true, {"F-SEC-787", "entries of registrations hold the token with its MAC", {"aud/accepted-secrets"}, make<tokens_recorded>}),
        tried(5, false, {"F-SEC-788", "erasures of nothing are not in the audit trail", {"aud/erasures"}, make<empty_erasures_unrecorded>}),
        tried(5, false, {"F-SEC-790", "stale pushes use up the budget", {"lim/old-and-foreign"}, make<stale_pushes_spend>}),
        tried(5, false, {"F-SEC-791", "pushes for another audience use up the budget", {"lim/old-and-foreign"}, make<pushes_for_others_spend>}),
        tried(5, false, {"F-SEC-792", "two users of a backend share its budget", {"lim/others"}, make<budget_of_the_backend>}),
        tried(5, false, {"F-SEC-793", "registrations with the same key share a budget", {"lim/others"}, make<budget_of_the_key>}),
        tried(5, false, {"F-SEC-794", "pushes while paused use no budget", {"lim/paused"}, make<paused_pushes_are_free>}),
        tried(5, false, {"F-OBS-751", "a backend that is paired anew has the metrics of before", {"obs/paired-anew"}, make<metrics_of_the_backend>}),
        tried(5, false, {"F-OBS-752", "pushes that a previous key signed are not counted", {"obs/keys"}, make<previous_keys_uncounted>}),
        tried(5, false, {"F-OBS-753", "pushes that a key signed after its grace count as failures", {"obs/keys"}, make<ended_keys_counted>}),
        tried(5, true, {"F-OBS-754", "a peer that only pushes is not online", {"obs/online"}, make<pushes_are_no_presence>}),
        tried(5, false, {"F-OBS-755", "a push of which something was refused counts as a failure", {"obs/partly-refused"}, make<refused_items_are_failures>}),
    };
}

}  // namespace bsp::faulty
