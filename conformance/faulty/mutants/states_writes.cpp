#include "states.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

/// The part of the fourth series of local writes, registrations and rotations, and of what is counted of them.
namespace bsp::faulty {

namespace {

using base = knowing_backend;

// ---- local writes ----

/// Answers a write with a message of the same id and content that is held elsewhere.
struct repeats_elsewhere : base {
    using base::base;
    answer write_message(call const& c, std::string const& id) override {
        found_.reset();
        conversation_ = id;
        answer out = base::write_message(c, id);
        return found_ ? json_answer(200, *found_) : std::move(out);
    }
    result<> check_write_depth(json::object const& body) override {
        if (auto const* id = json::find_string(body, "id"))
            for (auto const& [user, all] : held().tenants)
                for (auto const& [name, c] : all)
                    if (is_elsewhere(user, name) && !c.winner.deleted)
                        if (auto const m = c.messages.find(std::string{json::view(*id)}); m != c.messages.end() && repeats(m->second, body)) found_ = m->second.received;
        if (found_) return fail(errc::invalid_body, "a repetition");
        return base::check_write_depth(body);
    }
    virtual bool is_elsewhere(std::string const& user, std::string const& conversation) { return user == user_ && conversation != conversation_; }

protected:
    std::string conversation_;

private:
    std::optional<json::object> found_;
};
struct repeats_of_other_users : repeats_elsewhere {
    using repeats_elsewhere::repeats_elsewhere;
    bool is_elsewhere(std::string const& user, std::string const& conversation) override { return user != user_ && conversation == conversation_; }
};

/// Knows who wrote what here.
struct knows_writers : base {
    using base::base;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        if (m) writers_[m->digest] = caller_;
        return base::commit_locally(all, id, std::move(scalars), version, std::move(m), now);
    }

protected:
    std::map<sha256_digest, std::string> writers_;
};
struct repeats_of_the_same_caller : knows_writers {
    using knows_writers::knows_writers;
    bool repeats(message const& m, json::object const& body) override {
        auto const writer = writers_.find(m.digest);
        return knows_writers::repeats(m, body) && (writer == writers_.end() || writer->second == caller_);
    }
};
struct repeats_of_what_was_written_here : knows_writers {
    using knows_writers::knows_writers;
    bool repeats(message const& m, json::object const& body) override { return knows_writers::repeats(m, body) && writers_.contains(m.digest); }
};
struct versions_while_deleted_unseen : base {
    using base::base;
    std::int64_t next_version(conversation const& c, std::string const& id) override {
        if (!c.winner.deleted) return base::next_version(c, id);
        conversation only = c;
        only.messages.clear();
        return base::next_version(only, id);
    }
};
struct coming_back_empty : base {
    using base::base;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        if (auto const found = all.find(id); found != all.end() && found->second.winner.deleted && !scalars.contains("deleted")) std::erase_if(found->second.messages, [](auto const& held) { return !held.second.deleted; });
        return base::commit_locally(all, id, std::move(scalars), version, std::move(m), now);
    }
};
struct writes_of_peers_are_no_news : base {
    using base::base;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        instant const before = all[id].committed;
        BSP_CHECK(base::commit_locally(all, id, std::move(scalars), version, std::move(m), now));
        if (!caller_.empty() && before != instant{}) all[id].committed = before;
        return ok();
    }
};
struct conversations_die_once : base {
    using base::base;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        if (scalars.contains("deleted") && !dead_.emplace(user_, id).second) return fail(errc::not_found, "it is deleted already");
        return base::commit_locally(all, id, std::move(scalars), version, std::move(m), now);
    }

private:
    std::set<std::pair<std::string, std::string>> dead_;
};
struct messages_die_once : base {
    using base::base;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        if (m && m->deleted && !dead_.emplace(user_, id, m->id).second) return fail(errc::not_found, "it is deleted already");
        return base::commit_locally(all, id, std::move(scalars), version, std::move(m), now);
    }

private:
    std::set<std::tuple<std::string, std::string, std::string>> dead_;
};

// ---- registrations ----

struct renewal_forgets_jtis : base {
    using base::base;
    void renew(peer_record& known, claimed_identity const& who, token const& t) override {
        if (t.created > known.sbt_created) std::erase_if(held().used_assertions, [&](auto const& u) { return u.first.first == "peer " + known.peer_id; });
        base::renew(known, who, t);
    }
};
struct renewal_forgets_the_last_rotation : base {
    using base::base;
    void renew(peer_record& known, claimed_identity const& who, token const& t) override {
        if (t.created > known.sbt_created) known.rotated.reset();
        base::renew(known, who, t);
    }
};
struct unpaired_since_the_token : base {
    using base::base;
    void unpair(peer_record const& peer, instant) override { base::unpair(peer, instant{peer.sbt_created}); }
};
struct mismatch_renews_the_token : base {
    using base::base;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        if (peer_record* known = find_registration(t.user_id, who.backend_id); known && !same_key(*known, key, who.public_key)) {
            json::array const capabilities = known->capabilities;
            renew(*known, who, t);
            known->capabilities = capabilities;
        }
        return base::enter(who, key, t, now);
    }
};
struct same_token_changes_nothing : base {
    using base::base;
    void renew(peer_record& known, claimed_identity const& who, token const& t) override {
        if (t.created != known.sbt_created) base::renew(known, who, t);
    }
};
struct registrations_race : base {
    using base::base;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        if (find_registration(t.user_id, who.backend_id)) return base::enter(who, key, t, now);
        for (int i = 0; i < 8; ++i) let_others_in();
        std::string const id = new_peer_id(who);
        peer_record entry{id, t.user_id, who.backend_id, who.backend_type, key, who.public_key, who.capabilities, t.received, t.created, t.expires, now};
        return &held().peers.insert_or_assign(id, std::move(entry)).first->second;
    }
};
struct refused_unpairing_voids_tokens : base {
    using base::base;
    answer delete_peer(call const& c, std::string const& peer_id) override {
        user_.clear();
        answer out = base::delete_peer(c, peer_id);
        if (auto const found = held().peers.find(peer_id); !out && out.error().code == errc::unknown_peer && found != held().peers.end()) held().unpaired[{found->second.user_id, found->second.backend_id}] = c.now;
        return out;
    }
};
struct no_unpairing_while_paused : base {
    using base::base;
    bool may_remove(principal const& who, peer_record const& peer) override { return base::may_remove(who, peer) && (who.kind == principal::admin_kind || lets(peer.user_id, "sync_conversations")); }
};

// ---- rotation ----

struct refused_notices_date_the_last : base {
    using base::base;
    result<> check_later(rotation_notice const& n, peer_record const& peer) override {
        BSP_CHECK(base::check_later(n, peer));
        read_ = n.rotated;
        return ok();
    }
    answer rotate_key(call const& c, std::string const& peer_id) override {
        read_.reset();
        answer out = base::rotate_key(c, peer_id);
        if (!out && read_) held().peers.at(peer_id).rotated = read_;
        return out;
    }

private:
    std::optional<instant> read_;
};

// ---- what is told of it ----

struct trail_of_present_peers : base {
    using base::base;
    bool is_asked_for(call const& c, audit_record const& r, instant since) override {
        return base::is_asked_for(c, r, since) && (r.peer_id.empty() || r.type.starts_with("peer_") || held().peers.contains(r.peer_id));
    }
};
struct reuse_is_no_attempt : base {
    using base::base;
    bool is_attempt(error const& why) override { return base::is_attempt(why) && why.code != errc::sync_id_reuse; }
};
struct unpairing_frees_event_ids : base {
    using base::base;
    void unpair(peer_record const& peer, instant now) override {
        for (auto const& e : held().events)
            if (e.peer_id == peer.peer_id) held().event_ids.erase({e.user_id, e.event_id});
        base::unpair(peer, now);
    }
};
struct latest_socket_is_told : base {
    using base::base;
    http_response open_socket(http_request const& upgrade, instant now, int& number) override {
        http_response out = base::open_socket(upgrade, now, number);
        auto const lock = locked();
        if (out.status == 101) latest_[upgrade.target.substr(upgrade.target.rfind('/') + 1)] = number;
        return out;
    }
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        auto const why = base::lost_right(s, now);
        return s.number == latest_[s.peer_id] ? why : std::nullopt;
    }

private:
    std::map<std::string, int> latest_;
};
struct sources_filtered_after_the_limit : base {
    using base::base;
    answer list_events(call const& c) override {
        std::string const* source = c.parameter("source_backend");
        BSP_TRY(http_response out, base::list_events(c));
        if (!source || out.status != 200) return out;
        BSP_TRY(std::size_t const limit, limit_of(c));
        // As many rows of the user as a page has, and of these the ones that are wanted.
        json::array kept;
        std::int64_t const after = inside_of_cursor(c).contains("n") ? inside_of_cursor(c).at("n").as_int64() : 0;
        std::size_t rows = 0;
        std::int64_t last = after;
        bool more = false;
        for (auto const& e : held().events) {
            if (e.number <= after || !is_of(e, user_)) continue;
            if (rows == limit) {
                more = kept.size() == limit;
                break;
            }
            ++rows;
            last = e.number;
            if (has_source(e, *source)) kept.push_back(event_entry(e));
        }
        json::object mended{{"events", std::move(kept)}, {"has_more", more}};
        if (more) mended["cursor"] = make_cursor({{"f", "events " + user_}, {"n", last}});
        return json_answer(200, mended);
    }
};

// ---- the client side ----

struct epoch_changes_once : base {
    using base::base;
    void begin_anew(link& to) override {
        if (begun_.insert(&to).second) base::begin_anew(to);
    }

private:
    std::set<link const*> begun_;
};
struct positions_of_the_backend : base {
    using base::base;
    void unpair(peer_record const& peer, instant now) override {
        left_[{peer.user_id, peer.backend_id}] = held().links[peer.peer_id];
        base::unpair(peer, now);
    }
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        bool const is_new = !find_registration(t.user_id, who.backend_id);
        BSP_TRY(peer_record * peer, base::enter(who, key, t, now));
        if (auto const found = left_.find({t.user_id, who.backend_id}); is_new && found != left_.end()) {
            auto& to = held().links[peer->peer_id];
            to.pushed = found->second.pushed;
            to.since = found->second.since;
            to.epoch = found->second.epoch;
        }
        return peer;
    }

private:
    std::map<std::pair<std::string, std::string>, link> left_;
};
struct one_request_at_a_time : base {
    using base::base;
    http_request pull_request(peer_record const& peer, link const& to, instant now) override {
        pulling_.insert(&to);
        return base::pull_request(peer, to, now);
    }
    void settle_pull(peer_record const& peer, link& to, std::optional<http_response> const& r) override {
        pulling_.erase(&to);
        base::settle_pull(peer, to, r);
    }
    bool is_due(conversation const& c, std::string const& id, peer_record const& peer, link const& to) override { return !pulling_.contains(&to) && base::is_due(c, id, peer, to); }

private:
    std::set<link const*> pulling_;
};

}  // namespace

std::vector<fault> states_write_faults() {
    return {
        fourth<repeats_elsewhere>("F-SYN-675", "a write that repeats a message of another conversation is answered with that", {"cnv/repeat-elsewhere"}, false),
        fourth<repeats_of_other_users>("F-SYN-676", "a write that repeats another user's message is not made", {"cnv/repeat-elsewhere"}, false),
        fourth<repeats_of_the_same_caller>("F-SYN-677", "a repetition by another caller of the same user is a new version", {"cnv/repeat-whoever"}, false),
        fourth<repeats_of_what_was_written_here>("F-SYN-678", "a write that repeats what was pushed is a new version", {"cnv/repeat-whoever"}, false),
        fourth<versions_while_deleted_unseen>("F-SYN-679", "versions pushed into a deleted conversation are not counted when it comes back", {"cnv/versions-while-deleted"}, false),
        fourth<coming_back_empty>("F-SYN-680", "a write into a deleted conversation brings it back without its messages", {"cnv/versions-while-deleted"}, true),
        fourth<writes_of_peers_are_no_news>("F-SYN-681", "what a peer writes or deletes is not in the feed", {"cnv/peers-changes-in-pull"}, false),
        fourth<conversations_die_once>("F-SYN-682", "a conversation that came back cannot be deleted again", {"cnv/delete-third-time"}, false),
        fourth<messages_die_once>("F-SYN-683", "a message that was written again cannot be deleted again", {"cnv/delete-third-time"}, false),
        fourth<renewal_forgets_jtis>("F-SEC-651", "a new token lets used jtis be forgotten", {"rot/used-stays-used"}, true),
        fourth<renewal_forgets_the_last_rotation>("F-SEC-652", "a new token lets the last rotated_at be forgotten", {"rot/renewal"}, false),
        fourth<unpaired_since_the_token>("F-REG-650", "an unpairing voids the tokens up to the one that was stored", {"peer/unpair-ends-old-tokens"}, true),
        fourth<mismatch_renews_the_token>("F-REG-651", "a registration that is refused for its key renews the token", {"reg/key-mismatch"}, true),
        fourth<same_token_changes_nothing>("F-REG-652", "a registration with the same token stores no capabilities", {"reg/same-token"}, false),
        fourth<registrations_race>("F-REG-653", "concurrent equal registrations make a peer each", {"reg/concurrent-equals", "reg/concurrent-keys"}, true),
        fourth<refused_unpairing_voids_tokens>("F-REG-654", "an unpairing that is refused voids the tokens of before", {"peer/refused-removal"}, false),
        fourth<no_unpairing_while_paused>("F-PRV-656", "while paused nobody can be unpaired", {"prv/paused-pairing"}, true),
        fourth<refused_notices_date_the_last>("F-SEC-653", "a refused notice counts as the last one", {"rot/refused-date"}, false),
        fourth<trail_of_present_peers>("F-SEC-654", "the audit trail leaves out what peers did that are unpaired since", {"aud/lives"}, false),
        fourth<reuse_is_no_attempt>("F-OBS-650", "a sync_id used again is no attempt", {"obs/debug-last"}, true),
        fourth<unpairing_frees_event_ids>("F-TEL-651", "events of a peer that was unpaired are stored again", {"tel/duplicates"}, false),
        fourth<latest_socket_is_told>("F-TEL-652", "of a peer's connections the latest loses its right", {"tel/unpair-open"}, true),
        fourth<sources_filtered_after_the_limit>("F-TEL-653", "events of another source take up room on the pages, which end there", {"tel/source-backend"}, true),
        fourth<epoch_changes_once>("F-OFF-650", "a second change of epoch is passed over", {"off/epoch-of-page"}, false, setting::client),
        fourth<positions_of_the_backend>("F-OFF-651", "a backend that is paired again is gone on with where the last registration ended", {"off/paired-again"}, false, setting::client),
        fourth<one_request_at_a_time>("F-OFF-652", "a change waits until the held pull has ended", {"off/push-beside-held-pull"}, false, setting::client),
    };
}

}  // namespace bsp::faulty
