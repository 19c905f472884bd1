#include "../faults.hpp"
#include "states.hpp"

#include <algorithm>

/// Faults of the records of others' doings: the audit trail, metrics and budgets, after something else was done.
namespace bsp::faulty {

namespace {

using base = knowing_backend;

// ---- the audit trail -----------------------------------------------------------------------------------------

struct erasure_empties_entries : base {
    using base::base;
    void erase(std::string const& user_id) override {
        base::erase(user_id);
        for (auto& r : held().audit)
            if (auto const peer = held().peers.find(r.peer_id); peer != held().peers.end() && peer->second.user_id == user_id) r.details = {};
    }
};
struct changes_are_recorded : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        changed_ = false;
        return base::push(c, peer_id);
    }
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        json::array out = base::apply(peer, incoming, now);
        tenant const& all = tenant_of(peer.user_id);
        changed_ = std::any_of(incoming.begin(), incoming.end(), [&](auto const& one) {
            auto const found = all.find(one.first);
            return found != all.end() && found->second.committed == held().last_commit;
        });
        return out;
    }
    void record(audit_record r) override {
        if (r.type != "sync_accepted" || changed_) base::record(std::move(r));
    }

private:
    bool changed_ = false;
};

/// A peer's refusals of a minute are one entry, which does not say how many they were.
struct refusals_once_a_minute : base {
    using base::base;
    void record(audit_record r) override {
        bool const is_refusal = r.type == "sync_rejected" || r.type == "telemetry_rejected" || r.type == "rate_limited";
        if (is_refusal && !r.peer_id.empty()) {
            auto const [known, is_first] = latest_.try_emplace({r.type, r.peer_id}, r.at);
            if (!is_first && r.at < known->second + std::chrono::seconds{60}) return;
            known->second = r.at;
        }
        base::record(std::move(r));
    }

private:
    std::map<std::pair<std::string, std::string>, instant> latest_;  ///< by type and peer_id
};

// ---- metrics -------------------------------------------------------------------------------------------------

struct pulls_heal : base {
    using base::base;
    answer pull(call const& c, std::string const& peer_id) override {
        answer said = base::pull(c, peer_id);
        if (said) healed_.insert(peer_id);
        return said;
    }
    answer push(call const& c, std::string const& peer_id) override {
        answer said = base::push(c, peer_id);
        if (c.proven) healed_.erase(c.peer_id);
        return said;
    }
    json::object metrics_of(peer_record const& peer, tally const& t, instant now) override {
        json::object out = base::metrics_of(peer, t, now);
        if (healed_.contains(peer.peer_id)) out["last_error"] = nullptr;
        return out;
    }

private:
    std::set<std::string> healed_;
};
/// Attempts are counted by the batch, and a batch that is full gives way to the next.
struct rate_of_a_batch : base {
    using base::base;
    void note_success(tally& t, instant now) override {
        turn(t);
        base::note_success(t, now);
    }
    void note_failure(tally& t, error const& why, instant now) override {
        turn(t);
        base::note_failure(t, why, now);
    }

private:
    static void turn(tally& t) {
        if (t.outcomes.size() >= 32) t.outcomes.clear();
    }
};
/// A list of errors has each once.
struct errors_once : base {
    using base::base;
    void note_failure(tally& t, error const& why, instant now) override {
        bool const known = std::any_of(t.errors.begin(), t.errors.end(), [&](auto const& e) { return e.first == row_of(why.code).code; });
        auto const before = t.errors;
        base::note_failure(t, why, now);
        if (known) t.errors = before;
    }
};
/// The debug view tells of the token that came last, whether or not it was taken.
struct debug_of_the_last_token : base {
    using base::base;
    void renew(peer_record& to, claimed_identity const& who, token const& t) override {
        base::renew(to, who, t);
        presented_[to.peer_id] = t.expires;
    }
    json::object debug_of(peer_record const& peer, tally const& t, instant now) override {
        peer_record shown = peer;
        if (auto const last = presented_.find(peer.peer_id); last != presented_.end()) shown.sbt_expires = last->second;
        return base::debug_of(shown, t, now);
    }

private:
    std::map<std::string, instant> presented_;  ///< by peer_id
};
/// An alert with another value is another alert.
struct raised_with_each_value : base {
    using base::base;
    void look(instant now) override {
        alarms const before = alarms_;
        base::look(now);
        for (auto& [which, a] : alarms_)
            if (auto const known = before.find(which); known != before.end() && known->second.value != a.value) a.raised = now;
    }
};

// ---- budgets -------------------------------------------------------------------------------------------------

struct refused_pushes_cost_more : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        answer said = base::push(c, peer_id);
        if (!said && c.proven && (said.error().status() == 400 || said.error().status() == 422))
            for (int i = 0; i < 9; ++i) spend(c, c.peer_id);
        return said;
    }
};

/// What is known by its sync_id is answered at once.
struct repetitions_are_no_attempts : observed_backend {
    using observed_backend::observed_backend;
    receipt const* recall(std::pair<std::string, std::string> const& key) override {
        auto const* const known = observed_backend::recall(key);
        is_known_ = known != nullptr;
        return known;
    }
    void note_push(tally& t, answer const& said, instant now) override {
        if (!std::exchange(is_known_, false) || !said) observed_backend::note_push(t, said, now);
    }

private:
    bool is_known_ = false;
};

}  // namespace

std::vector<fault> afterwards_record_faults() {
    return {
        tried<erasure_empties_entries>(7, true, "F-SEC-971", "an erasure empties the details of earlier entries", {"aud/erasures"}),
        tried<changes_are_recorded>(7, true, "F-SEC-972", "a push that changes nothing is not recorded", {"aud/repetitions"}),
        tried<refusals_once_a_minute>(7, false, "F-SEC-973", "of a peer's refusals in a minute one is recorded, without their number", {"aud/refusals-counted"}),
        {"F-OBS-918", "with every 33rd attempt the success rate begins anew", {"obs/rate-goes-on"}, make<rate_of_a_batch>},
        tried<repetitions_are_no_attempts>(11, false, "F-OBS-919", "a push that is repeated and answered is no attempt", {"obs/repetitions"}),
        tried<errors_once>(7, false, "F-OBS-916", "an error that a peer had before is not noted again", {"obs/debug-last"}),
        tried<debug_of_the_last_token>(7, false, "F-OBS-917", "the debug view tells of an older token when that was presented last", {"obs/debug-renewed"}),
        tried<pulls_heal>(7, false, "F-OBS-912", "a pull takes last_error away", {"obs/last-error"}),
        tried<raised_with_each_value>(7, true, "F-OBS-913", "an alert is raised anew when its value changes", {"obs/alert-raised"}),
        tried<refused_pushes_cost_more>(7, false, "F-OBS-915", "a push that is refused for its content costs ten", {"lim/every-push"}),
    };
}

}  // namespace bsp::faulty
