#include "../faults.hpp"
#include "states.hpp"

#include <algorithm>

/// Faults of what a user wanted done with their data, which show only afterwards: in the second erasure, at the second
/// backend, after the setting was changed back, in an answer that was already being prepared.
namespace bsp::faulty {

namespace {

using base = knowing_backend;

// ---- erasure -------------------------------------------------------------------------------------------------

/// A conversation that is there again is another one, and what was erased of the one before is no longer known.
struct written_anew : base {
    using base::base;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        if (!all.contains(id)) std::erase_if(erased_messages_, [&](auto const& e) { return std::get<0>(e) == user_ && std::get<1>(e) == id; });
        return base::commit_locally(all, id, std::move(scalars), version, std::move(m), now);
    }
};
struct last_erasure_counts : base {
    using base::base;
    void erase(std::string const& user_id) override {
        std::map<std::string, std::int64_t> greatest;
        for (auto const& [id, c] : tenant_of(user_id)) greatest[id] = next_version(c, "") - 1;
        base::erase(user_id);
        for (auto const& [id, version] : greatest) erased_versions_[{user_id, id}] = version;
    }
};
/// Receipts are found by the backend that got them.
struct receipts_of_the_backend_go : base {
    using base::base;
    void erase(std::string const& user_id) override {
        base::erase(user_id);
        for (auto const& [own_id, own] : held().peers) {
            if (own.user_id != user_id) continue;
            for (auto const& [peer_id, peer] : held().peers)
                if (peer.backend_id == own.backend_id) std::erase_if(held().receipts, [&](auto const& r) { return r.first.first == peer_id; });
        }
    }
};

/// What lost is kept apart, and found by the name of its conversation.
struct losers_outlive_erasures : base {
    using base::base;
    void erase(std::string const& user_id) override {
        for (auto const& [id, c] : tenant_of(user_id))
            for (auto const& l : c.losers) left_[{user_id, id}].losers.push_back(l);
        base::erase(user_id);
    }
    answer read_conversation(call const& c, std::string const& id) override {
        BSP_TRY(http_response r, base::read_conversation(c, id));
        auto const left = left_.find({user_, id});
        std::string const* wanted = c.parameter("conflicts");
        if (left == left_.end() || !wanted || *wanted != "1") return r;
        BSP_TRY(json::value body, parse_body(r.body));
        for (auto& l : emit_losers(left->second)) body.get_object()["conflicts"].as_array().push_back(l);
        return json_answer(200, body);
    }

private:
    std::map<std::pair<std::string, std::string>, conversation> left_;  ///< by user and conversation
};

// ---- settings that change ------------------------------------------------------------------------------------

/// How far retention has come is kept, and only moves on.
struct retention_stays_short : base {
    using base::base;
    instant cutoff(std::string const& user_id, instant now) override {
        instant& latest = cutoffs_.try_emplace(user_id, base::cutoff(user_id, now)).first->second;
        return latest = std::max(latest, base::cutoff(user_id, now));
    }

private:
    std::map<std::string, instant> cutoffs_;
};
/// A pause stands in the registrations that there are.
struct newcomers_are_not_paused : base {
    using base::base;
    result<principal> authenticate_peer(call const& c, std::string_view compact, peer_record* of_path) override {
        BSP_TRY(principal who, base::authenticate_peer(c, compact, of_path));
        asking_ = who.peer->peer_id;
        return who;
    }
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        asking_ = peer.peer_id;
        return base::decode_conversations(body, peer, now);
    }
    result<> still_stands(feed_query const& asked, instant now) override {
        asking_ = asked.peer_id;
        return base::still_stands(asked, now);
    }
    std::optional<std::string> lost_right(held_socket const& s, instant now) override {
        asking_ = s.peer_id;
        return base::lost_right(s, now);
    }
    bool may_exchange(peer_record const& peer, link const& to, instant now) override {
        asking_ = peer.peer_id;
        return base::may_exchange(peer, to, now);
    }
    bool lets(std::string const& user_id, std::string_view what) override { return newcomers_.contains(asking_) || base::lets(user_id, what); }
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        std::size_t const before = held().peers.size();
        BSP_TRY(peer_record * peer, base::enter(who, key, t, now));
        if (held().peers.size() > before) newcomers_.insert(peer->peer_id);
        return peer;
    }
    void settings_changed(std::string const& user_id) override {
        for (auto const& [peer_id, peer] : held().peers)
            if (peer.user_id == user_id) newcomers_.erase(peer_id);
        base::settings_changed(user_id);
    }

private:
    std::set<std::string> newcomers_;  ///< since their users changed a setting
    std::string asking_;
};

/// What was made of a conversation is made again when the conversation has changed.
struct entries_are_kept : base {
    using base::base;
    json::object feed_page(call const& c, feed_query const& asked) override {
        for_ = asked.user_id;
        return base::feed_page(c, asked);
    }
    void take_snapshot(peer_record const& peer, link& to) override {
        for_ = peer.user_id;
        base::take_snapshot(peer, to);
    }
    json::object pull_entry(std::string const& id, conversation const& c) override {
        auto& kept = entries_[{for_, id}];
        if (kept.second.empty() || kept.first != c.committed) kept = {c.committed, base::pull_entry(id, c)};
        return kept.second;
    }
    void erase(std::string const& user_id) override {
        base::erase(user_id);
        std::erase_if(entries_, [&](auto const& e) { return e.first.first == user_id; });
    }

private:
    std::map<std::pair<std::string, std::string>, std::pair<instant, json::object>> entries_;  ///< by user and conversation
    std::string for_;
};

/// Whoever has read the settings reads them again as they were, unless he has changed them himself.
struct settings_by_caller : base {
    using base::base;
    answer settings_call(call const& c) override {
        BSP_TRY(http_response r, base::settings_call(c));
        std::pair const who{user_, caller_};
        if (c.request.method == "GET") return read_.try_emplace(who, r).first->second;
        read_.erase(who);
        return r;
    }

private:
    std::map<std::pair<std::string, std::string>, http_response> read_;
};

// ---- exports -------------------------------------------------------------------------------------------------

/// The registrations of the user's backends.
struct exports_by_backend : base {
    using base::base;
    json::object exported(std::string const& user_id, instant now) override {
        json::object out = base::exported(user_id, now);
        json::array peers;
        for (auto const& [peer_id, p] : held().peers)
            if (!p.revoked && find_registration(user_id, p.backend_id)) peers.push_back(peer_entry(p));
        out["peers"] = std::move(peers);
        return out;
    }
};

// ---- redaction -----------------------------------------------------------------------------------------------

/// Nothing is redacted twice: a version does not change.
struct redacted_versions_are_kept : base {
    using base::base;
    json::object outgoing(json::object entry, peer_record const* to, outlet by) override {
        json::object const whole = entry;
        json::object out = base::outgoing(std::move(entry), to, by);
        auto const* before = whole.if_contains("messages");
        auto* after = out.if_contains("messages");
        if (!before || !after || whole == out || !redacts_for(*to)) return out;
        for (std::size_t i = 0; i < after->as_array().size(); ++i) {
            json::object& m = after->as_array()[i].as_object();
            if (m == before->as_array()[i].as_object()) continue;
            m = kept_.try_emplace(json::serialize(json::array{to->user_id, whole.at("conversation_id"), m.at("id"), m.at("version")}), m).first->second;
        }
        return out;
    }

private:
    std::map<std::string, json::object> kept_;  ///< by user, conversation, id and version
};
/// Long texts are read in pieces.
struct redacted_in_pieces : base {
    using base::base;
    std::string redact_text(std::string text) override {
        std::string out;
        for (std::size_t at = 0; at < text.size();) {
            std::size_t size = std::min<std::size_t>(4'096, text.size() - at);
            while (at + size < text.size() && (static_cast<unsigned char>(text[at + size]) & 0xC0) == 0x80) --size;
            out += base::redact_text(text.substr(at, size));
            at += size;
        }
        return out;
    }
};

}  // namespace

std::vector<fault> afterwards_privacy_faults() {
    return {
        tried<written_anew>(7, false, "F-PRV-911", "a write into an erased conversation forgets what was erased of it", {"prv/erase-written"}),
        tried<last_erasure_counts>(7, false, "F-PRV-912", "a second erasure forgets how great the versions of the first were", {"prv/erase-title-twice"}),
        tried<receipts_of_the_backend_go>(7, false, "F-PRV-915", "an erasure forgets the pushes of the same backend for other users", {"prv/erase-shared-pushes"}),
        tried<retention_stays_short>(7, false, "F-PRV-916", "retention that is lengthened again refuses what the shorter one would", {"prv/retention-longer"}),
        tried<newcomers_are_not_paused>(7, true, "F-PRV-917", "a backend that is paired while sync is paused may push and pull", {"prv/paused-pairing"}),
        tried<entries_are_kept>(7, false, "F-PRV-919", "a pull repeats what was pulled before retention or surfaces changed", {"prv/pulled-before"}),
        tried<settings_by_caller>(7, false, "F-PRV-924", "who has read the settings reads them as they were, whoever else changes them", {"prv/settings-of-user"}),
        tried<exports_by_backend>(7, false, "F-PRV-925", "an export has other users' registrations of the same backend", {"prv/export-of-one"}),
        tried<losers_outlive_erasures>(7, false, "F-PRV-926", "what lost is there again when an erased conversation is", {"prv/erase-written"}),
        tried<redacted_versions_are_kept>(7, false, "F-PRV-922", "a redacted message is given again when another of the same version took its place", {"red/edits"}, setting::local),
        tried<redacted_in_pieces>(7, false, "F-PRV-923", "personal data across the 4096th byte of a text is not redacted", {"red/long-texts"}, setting::local),
    };
}

}  // namespace bsp::faulty
