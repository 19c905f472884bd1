#include "../faults.hpp"
#include "../private_backend.hpp"

#include <algorithm>
#include <chrono>

/// Faults that show after hours and days.
namespace bsp::faulty {

namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr hours day{24};

struct receipts_for_twelve_hours : private_backend {
    using private_backend::private_backend;
    answer dispatch(call& c) override {
        now_ = c.now;
        return private_backend::dispatch(c);
    }
    receipt const* recall(std::pair<std::string, std::string> const& key) override {
        auto const kept = since_.find(key);
        return kept != since_.end() && kept->second + hours{12} < now_ ? nullptr : backend::recall(key);
    }
    void remember(std::pair<std::string, std::string> const& key, receipt r) override {
        since_[key] = now_;
        backend::remember(key, std::move(r));
    }
    instant now_;
    std::map<std::pair<std::string, std::string>, instant> since_;
};
struct jti_for_two_minutes : private_backend {
    using private_backend::private_backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        auto& used = held().used_assertions;
        std::erase_if(used, [&](auto const& u) { return instant{u.second} <= c.now; });
        auto believed = a;
        believed.exp = std::min(a.exp, c.now.seconds + 120);
        return backend::claim_jti(c, issuer, believed);
    }
};
struct four_hours_at_most : private_backend {
    using private_backend::private_backend;
    result<> check_not_expired(peer_record const& peer, instant now) override {
        return now >= peer.sbt_created + hours{4} ? fail(errc::sbt_expired, "the session has ended") : backend::check_not_expired(peer, now);
    }
};
struct forgotten_after_a_day : private_backend {
    using private_backend::private_backend;
    answer register_peer(call const& c) override {
        std::erase_if(held().peers, [&](auto const& p) { return p.second.sbt_expires + day < c.now; });
        return backend::register_peer(c);
    }
};
struct grace_as_asked_for : private_backend {
    using private_backend::private_backend;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant) override { backend::take_key(peer, next, n, n.grace_ends); }
};
struct grace_of_a_day : private_backend {
    using private_backend::private_backend;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override { backend::take_key(peer, next, n, std::min(until, n.rotated + day)); }
};
struct tombstones_for_a_month : private_backend {
    using private_backend::private_backend;
    answer dispatch(call& c) override {
        for (auto& [user_id, all] : held().tenants) {
            for (auto& [id, one] : all) std::erase_if(one.messages, [&](auto const& m) { return m.second.deleted && m.second.written + 30 * day < c.now; });
            std::erase_if(all, [&](auto const& one) { return one.second.winner.deleted && one.second.modified + 30 * day < c.now; });
        }
        return private_backend::dispatch(c);
    }
};
struct losers_for_a_week : private_backend {
    using private_backend::private_backend;
    answer read_conversation(call const& c, std::string const& id) override {
        for (auto& [user_id, all] : held().tenants)
            for (auto& [name, one] : all) std::erase_if(one.losers, [&](loser const& l) { return l.recorded + 7 * day < c.now; });
        return backend::read_conversation(c, id);
    }
};
struct expires_by_a_job : private_backend {
    using private_backend::private_backend;
    void forget_expired(instant now) override {
        if (!swept_) private_backend::forget_expired(now), swept_ = true;  // once, at the start
    }
    bool swept_ = false;
};
struct expires_a_week_early : private_backend {
    using private_backend::private_backend;
    instant cutoff(std::string const& user_id, instant now) override { return private_backend::cutoff(user_id, now) + 7 * day; }
};
struct events_stay : private_backend {
    using private_backend::private_backend;
    bool has_expired(telemetry_event const&, instant) override { return false; }
};
struct erased_for_90_days : private_backend {
    using private_backend::private_backend;
    answer dispatch(call& c) override {
        if (!erased_messages_.empty() && erased_at_ + 90 * day < c.now) erased_messages_.clear(), erased_versions_.clear();
        if (c.request.method == "DELETE") erased_at_ = c.now;
        return private_backend::dispatch(c);
    }
    instant erased_at_;
};
struct revoked_for_a_year : private_backend {
    using private_backend::private_backend;
    answer dispatch(call& c) override {
        if (revoked_at_ + 365 * day < c.now) held().revoked_backends.clear(), held().revoked_keys.clear();
        return private_backend::dispatch(c);
    }
    void revoke(peer_record& peer, instant now) override {
        revoked_at_ = now;
        backend::revoke(peer, now);
    }
    instant revoked_at_;
};

template <class Mutant>
fault row(std::string_view id, std::string_view title, std::string_view killed_by) {
    return {id, title, {killed_by}, make<Mutant>};
}

}  // namespace

std::vector<fault> long_time_faults() {
    return {
        row<receipts_for_twelve_hours>("F-SEC-451", "an accepted push is forgotten after 12 hours", "syn/receipts-for-a-day"),
        row<jti_for_two_minutes>("F-SEC-452", "a jti is remembered for two minutes", "aut/jti-for-life"),
        row<four_hours_at_most>("F-SEC-453", "a token is good for four hours, whatever it says", "sbt/eight-hours"),
        row<forgotten_after_a_day>("F-SEC-454", "a registration is forgotten a day after its token has expired", "sbt/eight-hours"),
        row<grace_as_asked_for>("F-SEC-455", "a previous key counts for as long as its notice asked for", "rot/seven-days"),
        row<grace_of_a_day>("F-SEC-456", "a previous key counts for a day at most", "rot/seven-days"),
        row<tombstones_for_a_month>("F-SEC-457", "tombstones are kept for 30 days", "mrg/tombstones-for-90-days"),
        row<losers_for_a_week>("F-SEC-458", "what lost is kept for a week", "cnv/conflicts-for-30-days"),
        row<expires_by_a_job>("F-SEC-459", "what expires is taken out when the backend starts", "prv/retention-by-clock"),
        row<expires_a_week_early>("F-SEC-460", "data expires a week before its time", "prv/retention-by-clock"),
        row<events_stay>("F-SEC-461", "telemetry does not expire", "prv/events-by-clock"),
        row<erased_for_90_days>("F-SEC-462", "what was erased is forgotten after 90 days", "prv/erased-for-good"),
        row<revoked_for_a_year>("F-SEC-463", "a revocation ends after a year", "reg/revoked-for-good"),
    };
}

}  // namespace bsp::faulty
