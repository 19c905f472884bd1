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

// ---- metrics -------------------------------------------------------------------------------------------------

struct old_keys_do_not_count : base {
    using base::base;
    bool payload_signature_verifies(json::object const& body, std::string const& text, bytes const& signature, peer_record const& peer) override {
        by_current_ = peer.key.verify_ps256(text, signature);
        return by_current_ || base::payload_signature_verifies(body, text, signature, peer);
    }
    void note_push(tally& t, answer const& said, instant now) override {
        if (by_current_) base::note_push(t, said, now);
    }

private:
    bool by_current_ = false;
};
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

struct stale_pushes_cost : base {
    using base::base;
    result<> verify_payload(call const& c, json::object const& body, peer_record const& peer) override {
        BSP_CHECK(base::verify_payload(c, body, peer));
        return base::check_budget(c, peer);
    }
    result<> check_budget(call const&, peer_record const&) override { return ok(); }
};
struct refused_pushes_cost_more : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        answer said = base::push(c, peer_id);
        if (!said && c.proven && (said.error().status() == 400 || said.error().status() == 422))
            for (int i = 0; i < 9; ++i) spend(c, c.peer_id);
        return said;
    }
};

template <class Mutant>
fault seventh(std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, setting needs = setting::plain) {
    return tried(7, false, {id, title, std::move(killed_by), make<Mutant>, needs});
}

}  // namespace

std::vector<fault> afterwards_record_faults() {
    return {
        seventh<erasure_empties_entries>("F-SEC-971", "an erasure empties the details of earlier entries", {"id/no-credential"}),
        seventh<changes_are_recorded>("F-SEC-972", "a push that changes nothing is not recorded", {"id/no-credential"}),
        seventh<old_keys_do_not_count>("F-OBS-911", "what a key in its grace signed is not counted", {"id/no-credential"}),
        seventh<pulls_heal>("F-OBS-912", "a pull takes last_error away", {"id/no-credential"}),
        seventh<raised_with_each_value>("F-OBS-913", "an alert is raised anew when its value changes", {"id/no-credential"}),
        seventh<stale_pushes_cost>("F-OBS-914", "pushes that are not fresh use up the budget", {"id/no-credential"}),
        seventh<refused_pushes_cost_more>("F-OBS-915", "a push that is refused for its content costs ten", {"id/no-credential"}),
    };
}

}  // namespace bsp::faulty
