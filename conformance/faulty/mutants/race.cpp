#include "../faults.hpp"

#include <set>

/// Faults that show only when requests meet: a look and the step that builds on it are apart.
namespace bsp::faulty {

namespace {

struct registers_beside : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        if (find_registration(t.user_id, who.backend_id)) return backend::enter(who, key, t, now);
        let_others_in();
        std::string const id = new_peer_id(who);
        peer_record entry{id, t.user_id, who.backend_id, who.backend_type, key, who.public_key, who.capabilities, t.received, t.created, t.expires, now};
        return &held().peers.insert_or_assign(id, std::move(entry)).first->second;
    }
};

/// The unique index is there, and what it prevents becomes an error.
struct equals_collide : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        bool const was_held = find_registration(t.user_id, who.backend_id) != nullptr;
        if (!was_held) let_others_in();
        if (!was_held && find_registration(t.user_id, who.backend_id)) return fail(errc::key_mismatch, "this backend is registered already");
        return backend::enter(who, key, t, now);
    }
};

struct joins_what_was : backend {
    using backend::backend;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        peer_record const whose = peer;
        tenant before;
        for (auto const& [id, from] : incoming)
            if (auto const found = tenant_of(whose.user_id).find(id); found != tenant_of(whose.user_id).end()) before.insert(*found);
        let_others_in();
        for (auto const& [id, from] : incoming) {
            tenant_of(whose.user_id).erase(id);
            if (auto const found = before.find(id); found != before.end()) tenant_of(whose.user_id).insert(*found);
        }
        return backend::apply(whose, incoming, now);
    }
};

struct refuses_its_twin : backend {
    using backend::backend;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        peer_record const whose = peer;
        let_others_in();
        return backend::apply(whose, incoming, now);
    }
    answer push(call const& c, std::string const& peer_id) override {
        if (!in_work_.insert(c.request.body).second) return fail(errc::sync_id_reuse, "this sync_id is known");
        answer out = backend::push(c, peer_id);
        in_work_.erase(c.request.body);
        return out;
    }

private:
    std::set<std::string> in_work_;
};

struct jti_recorded_late : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        if (held().used_assertions.contains({issuer, a.jti})) return backend::claim_jti(c, issuer, a);
        let_others_in();
        held().used_assertions.insert_or_assign({issuer, a.jti}, a.exp);
        return ok();
    }
};

struct placed_before_commit : backend {
    using backend::backend;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        peer_record const whose = peer;
        let_others_in();
        return backend::apply(whose, incoming, now);
    }
    instant next_commit(instant now) override { return held().last_commit = now; }
    instant watermark(call const& c) override { return c.now; }
};

struct writes_alike : backend {
    using backend::backend;
    std::int64_t next_version(conversation const& c, std::string const& message_id) override {
        std::int64_t const version = backend::next_version(c, message_id);
        let_others_in();
        return version;
    }
};

}  // namespace

std::vector<fault> race_faults() {
    return {
        {"F-REG-170", "concurrent registrations with different keys are all accepted", {"reg/concurrent-keys"}, make<registers_beside>},
        {"F-REG-171", "of concurrent equal registrations all but one are refused", {"reg/concurrent-equals"}, make<equals_collide>},
        {"F-SYN-320", "a push is joined with the state of before other pushes", {"syn/concurrent-pushes", "syn/history-together"}, make<joins_what_was>},
        {"F-SYN-321", "of concurrent equal pushes all but one are refused", {"syn/concurrent-equal-pushes"}, make<refuses_its_twin>},
        {"F-SYN-322", "concurrent requests with one assertion are all accepted", {"aut/jti-concurrent"}, make<jti_recorded_late>},
        {"F-SYN-323", "a change is placed in the feed before it is committed", {"syn/pull-beside-pushes"}, make<placed_before_commit>},
        {"F-SYN-324", "concurrent local writes get the same version", {"cnv/concurrent-writes"}, make<writes_alike>},
    };
}

}  // namespace bsp::faulty
