#include "states.hpp"

#include <algorithm>
#include <map>

/// The part of the fourth series of what a push leaves behind, what is news, and what has lost.
namespace bsp::faulty {

namespace {

using base = knowing_backend;

// ---- what a push leaves behind ----

/// Does something with what could be read of a push that was refused.
struct leaves_something : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        auto out = base::decode_conversations(body, peer, now);
        if (out) return out;
        auto const given = body.required_array("conversations");
        for (std::size_t i = 0; given && i < given->size(); ++i) {
            auto const f = given->object_at(i);
            auto entry = f ? readable(*f, now) : result<std::pair<std::string, conversation>>{out.error()};
            if (entry) leave(peer, entry->first, entry->second, now);
        }
        return out;
    }
    virtual void leave(peer_record const& peer, std::string const& id, conversation const& c, instant now) = 0;

private:
    /// The entry without those of its messages that are invalid.
    result<std::pair<std::string, conversation>> readable(json::fields const& f, instant now) {
        json::object entry = f.get();
        auto const* messages = entry.if_contains("messages");
        if (!messages || !messages->is_array()) return fail(errc::invalid_body, "no messages");
        json::array good;
        for (auto const& m : messages->get_array())
            if (m.is_object() && decode_message(json::fields{m.get_object()}, now)) good.push_back(m);
        entry["messages"] = std::move(good);
        return decode_conversation(json::fields{entry}, now);
    }
};
struct next_commit_takes_it_along : leaves_something {
    using leaves_something::leaves_something;
    void leave(peer_record const& peer, std::string const& id, conversation const& c, instant) override { join(open_[peer.user_id][id], c); }
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        if (auto const begun = open_.extract(peer.user_id)) leaves_something::apply(peer, begun.mapped(), now);
        return leaves_something::apply(peer, incoming, now);
    }

private:
    std::map<std::string, tenant> open_;
};
struct refused_pushes_leave_losers : leaves_something {
    using leaves_something::leaves_something;
    void leave(peer_record const& peer, std::string const& id, conversation const& c, instant now) override {
        tenant& all = tenant_of(peer.user_id);
        if (auto const found = all.find(id); found != all.end()) keep_losers(found->second, c, now);
    }
};
struct refused_pushes_leave_their_frame : leaves_something {
    using leaves_something::leaves_something;
    void leave(peer_record const& peer, std::string const& id, conversation const& c, instant now) override {
        tenant& all = tenant_of(peer.user_id);
        if (all.contains(id)) return;
        conversation frame = c;
        frame.messages.clear();
        frame.arrivals.clear();
        frame.surfaces = frame.listed;
        frame.committed = next_commit(now);
        all[id] = std::move(frame);
    }
};
struct refused_pushes_move_the_feed : leaves_something {
    using leaves_something::leaves_something;
    void leave(peer_record const& peer, std::string const& id, conversation const&, instant now) override {
        tenant& all = tenant_of(peer.user_id);
        if (auto const found = all.find(id); found != all.end()) found->second.committed = next_commit(now);
    }
};
struct sync_ids_noted_on_arrival : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        answer out = base::push(c, peer_id);
        auto const body = json::parse(c.request.body);
        if (!out && out.error().code == errc::wrong_audience && body && body->is_object()) {
            json::object const& o = body->get_object();
            auto const* id = json::find_string(o, "sync_id");
            if (id && o.contains("conversations")) held().receipts[{peer_id, std::string{json::view(*id)}}] = {digest_of(o), push_answer(std::string{json::view(*id)}, {})};
        }
        return out;
    }
};
struct pushes_of_no_news_forgotten : base {
    using base::base;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        json::array out = base::apply(peer, incoming, now);
        tenant const& all = tenant_of(peer.user_id);
        news_ = incoming.empty() || std::any_of(incoming.begin(), incoming.end(), [&](auto const& c) {
            auto const found = all.find(c.first);
            return found != all.end() && found->second.committed == held().last_commit;
        });
        return out;
    }
    void remember(std::pair<std::string, std::string> const& key, receipt r) override {
        if (news_) base::remember(key, std::move(r));
    }

private:
    bool news_ = true;
};
struct partly_taken_pushes_forgotten : base {
    using base::base;
    void remember(std::pair<std::string, std::string> const& key, receipt r) override {
        auto const& conflicts = r.answer.at("conflicts").as_array();
        bool const partly = std::any_of(conflicts.begin(), conflicts.end(), [](json::value const& c) { return c.at("resolution_strategy") == json::value("refused"); });
        if (!partly) base::remember(key, std::move(r));
    }
};
struct conflicts_pile_up : base {
    using base::base;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        auto& all = told_[peer.peer_id];
        for (auto& c : base::apply(peer, incoming, now)) all.push_back(std::move(c));
        return all;
    }

private:
    std::map<std::string, json::array> told_;
};
struct conflicts_of_the_last_conversation : base {
    using base::base;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        json::array all = base::apply(peer, incoming, now), last;
        for (auto& c : all)
            if (json::view(c.at("conversation_id").as_string()) == incoming.rbegin()->first) last.push_back(std::move(c));
        return last;
    }
};
struct first_entry_has_the_members : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        BSP_TRY(tenant out, base::decode_conversations(body, peer, now));
        BSP_TRY(json::elements const given, body.required_array("conversations"));
        std::set<std::string> seen;
        for (std::size_t i = 0; i < given.size(); ++i) {
            BSP_TRY(json::fields const f, given.object_at(i));
            BSP_TRY(auto const entry, decode_conversation(f, now));
            if (seen.insert(entry.first).second && out.contains(entry.first)) out[entry.first].winner = entry.second.winner;
        }
        return out;
    }
};

// ---- what is news, and what lost ----

struct scalar_ties_are_no_news : base {
    using base::base;
    bool join_scalars(conversation& into, conversation const& from) override {
        bool const tie = !into.is_new() && into.winner.version == from.winner.version && into.winner.modified == from.winner.modified;
        return base::join_scalars(into, from) && !tie;
    }
};
struct originals_are_no_news : base {
    using base::base;
    bool join_message(conversation& into, message const& incoming) override {
        auto const known = into.messages.find(incoming.id);
        bool const same = known != into.messages.end() && known->second.redacted && !incoming.redacted && known->second.version == incoming.version && known->second.written == incoming.written;
        return base::join_message(into, incoming) && !same;
    }
};
struct reads_cached_by_version : base {
    using base::base;
    answer read_conversation(call const& c, std::string const& id) override {
        BSP_TRY(http_response out, base::read_conversation(c, id));
        auto const& all = held().tenants[user_];
        auto const found = all.find(id);
        if (found == all.end() || out.status != 200) return out;
        std::string const key = user_ + ' ' + c.request.target + ' ' + caller_ + ' ' + std::to_string(found->second.version) + ' ' + found->second.modified_text + ' ' + std::to_string(found->second.messages.size());
        return read_.try_emplace(key, std::move(out)).first->second;
    }

private:
    std::map<std::string, http_response> read_;
};
struct late_losers_of_tombstones : base {
    using base::base;
    void keep_losers(conversation& into, conversation const& from, instant now) override {
        base::keep_losers(into, from, now);
        for (auto const& [id, m] : from.messages)
            if (auto const known = into.messages.find(id); known != into.messages.end() && known->second.deleted && !m.deleted && known->second.version == m.version && outranks(known->second, m)) into.losers.push_back({m.received, id, now});
    }
};
struct losers_live_again : base {
    using base::base;
    bool join_message(conversation& into, message const& incoming) override {
        auto const before = into.losers;
        bool const changed = base::join_message(into, incoming);
        if (changed && incoming.deleted) into.losers = before;
        return changed;
    }
    json::array emit_losers(conversation const& c) override {
        conversation shown = c;
        std::erase_if(shown.losers, [&](loser const& l) {
            auto const found = c.messages.find(l.id);
            return found == c.messages.end() || found->second.deleted;
        });
        return base::emit_losers(shown);
    }
};

}  // namespace

std::vector<fault> states_push_faults() {
    return {
        fourth<next_commit_takes_it_along>("F-SYN-661", "what is valid in a refused push is stored with the next push", {"syn/refused-leaves-nothing"}, true),
        fourth<refused_pushes_leave_losers>("F-SYN-662", "a refused push leaves what lost against it or to it", {"syn/refused-leaves-nothing"}, false),
        fourth<refused_pushes_leave_their_frame>("F-SYN-663", "a push refused for a message leaves the conversation without messages", {"syn/refused-leaves-nothing"}, false),
        fourth<refused_pushes_move_the_feed>("F-SYN-664", "a refused push counts as a change", {"syn/refused-is-no-news"}, false),
        fourth<sync_ids_noted_on_arrival>("F-SYN-665", "the sync_id of a push for another audience is remembered", {"syn/rejected-sync-id-free"}, true),
        fourth<pushes_of_no_news_forgotten>("F-SYN-666", "the sync_id of a push that brought nothing new is forgotten", {"syn/no-news-is-remembered"}, true),
        fourth<partly_taken_pushes_forgotten>("F-PRV-655", "the sync_id of a push of which something was refused is forgotten", {"prv/partly-taken"}, false),
        fourth<conflicts_pile_up>("F-SYN-667", "conflicts of earlier pushes are told again", {"mrg/conflicts-of-several"}, true),
        fourth<conflicts_of_the_last_conversation>("F-SYN-668", "of several conversations the conflicts of the last are told", {"mrg/conflicts-of-several"}, false),
        fourth<first_entry_has_the_members>("F-SYN-669", "of two entries of a conversation in a push the first has its members", {"mrg/entries-joined"}, true),
        fourth<scalar_ties_are_no_news>("F-SYN-670", "members of a conversation that win at equal stamps are not in the feed", {"syn/ties-are-news"}, false),
        fourth<originals_are_no_news>("F-SYN-671", "an original that takes the place of its redacted copy is not in the feed", {"syn/ties-are-news"}, true),
        fourth<reads_cached_by_version>("F-SYN-672", "a conversation is read anew when its version or its count has changed", {"syn/changes-are-news"}, true),
        fourth<late_losers_of_tombstones>("F-SYN-673", "what loses to a tombstone of its version is kept among the losers", {"cnv/losers-end"}, false),
        fourth<losers_live_again>("F-SYN-674", "what lost before a deletion is told again when the message is written again", {"cnv/losers-end"}, false),
    };
}

}  // namespace bsp::faulty
