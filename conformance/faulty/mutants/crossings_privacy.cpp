#include "crossings.hpp"

#include <bsp/base/uri.hpp>

#include <algorithm>
#include <iterator>
#include <optional>

/// What a user allows, takes away or asks for, while something else goes on.
namespace bsp::faulty {

namespace {

using base = crossing_backend;

// ---- an erasure while something is under way ----

struct erasure_deafens_held_pulls : base {
    using base::base;
    void erase(std::string const& user_id) override {
        base::erase(user_id);
        for (auto const* asked : held_pulls_)
            if (asked->user_id == user_id) deaf_.insert(asked);
    }
    answer hold(call const& c, feed_query const& asked) override {
        answer out = base::hold(c, asked);
        deaf_.erase(&asked);
        heard_.erase(&asked);
        return out;
    }
    std::uint64_t news_of(feed_query const& asked) override { return deaf_.contains(&asked) ? heard_[&asked] : heard_[&asked] = base::news_of(asked); }

private:
    std::set<feed_query const*> deaf_;
    std::map<feed_query const*, std::uint64_t> heard_;
};
/// What is listed goes on as it was when the first page was made.
struct lists_outlive_erasure : base {
    using base::base;
    void erase(std::string const& user_id) override {
        ghosts_[user_id] = {tenant_of(user_id), held().events};
        base::erase(user_id);
        ++erasures_;
    }
    json::object cursor_content(json::object content) override {
        content["erasures"] = erasures_;
        return base::cursor_content(std::move(content));
    }

protected:
    [[nodiscard]] bool began_before(call const& c) const {
        auto const inside = inside_of_cursor(c);
        return inside.contains("erasures") && inside.at("erasures").to_number<int>() < erasures_;
    }
    std::map<std::string, std::pair<tenant, std::vector<telemetry_event>>> ghosts_;

private:
    int erasures_ = 0;
};
struct conversations_outlive_erasure : lists_outlive_erasure {
    using lists_outlive_erasure::lists_outlive_erasure;
    answer list_conversations(call const& c) override {
        shows_ghosts_ = began_before(c);
        answer out = base::list_conversations(c);
        shows_ghosts_ = false;
        return out;
    }
    tenant& tenant_of(std::string const& user_id) override {
        auto const ghost = ghosts_.find(user_id);
        return shows_ghosts_ && ghost != ghosts_.end() ? ghost->second.first : base::tenant_of(user_id);
    }

private:
    bool shows_ghosts_ = false;
};
struct events_outlive_erasure : lists_outlive_erasure {
    using lists_outlive_erasure::lists_outlive_erasure;
    answer list_events(call const& c) override {
        if (!began_before(c)) return base::list_events(c);
        auto const now = held().events;
        held().events.clear();
        for (auto const& [user, ghost] : ghosts_) std::ranges::copy_if(ghost.second, std::back_inserter(held().events), [&](telemetry_event const& e) { return e.user_id == user; });
        answer out = base::list_events(c);
        held().events = now;
        return out;
    }
};
struct erased_title_never_again : base {
    using base::base;
    bool make_blank(std::string const& user_id, std::string const& id, conversation& c) override {
        std::int64_t const version = std::exchange(c.version, 0);
        bool const blank = base::make_blank(user_id, id, c);
        c.version = version;
        return blank;
    }
};
// Looks for what was erased when a conversation is made, and not when it is there.
struct erased_title_comes_later : base {
    using base::base;
    bool make_blank(std::string const& user_id, std::string const& id, conversation& c) override { return !tenant_of(user_id).contains(id) && base::make_blank(user_id, id, c); }
};
struct events_erased_by_peer : base {
    using base::base;
    void erase(std::string const& user_id) override {
        for (auto const& e : held().events)
            if (e.user_id == user_id) {
                erased_.emplace(e.peer_id, e.event_id);
                held().event_ids.erase({user_id, e.event_id});
            }
        base::erase(user_id);
    }
    void store(telemetry_event e) override {
        if (!erased_.contains({e.peer_id, e.event_id})) base::store(std::move(e));
    }

private:
    std::set<std::pair<std::string, std::string>> erased_;
};
struct refused_counts_as_erased : base {
    using base::base;
    std::optional<kind> refusal_of(std::string const& user_id, std::string const& conversation_id, message const& m, instant now) override {
        auto why = base::refusal_of(user_id, conversation_id, m, now);
        if (why && *why == "surface_not_allowed") refused_.emplace(user_id, conversation_id, m.id);
        return why;
    }
    void erase(std::string const& user_id) override {
        base::erase(user_id);
        for (auto const& r : refused_)
            if (std::get<0>(r) == user_id) erased_messages_.insert(r);
    }

private:
    std::set<std::tuple<std::string, std::string, std::string>> refused_;
};
struct events_erased_by_backend : base {
    using base::base;
    void erase(std::string const& user_id) override {
        std::set<std::string> backends;
        for (auto const& [id, p] : held().peers)
            if (p.user_id == user_id) backends.insert(p.backend_id);
        base::erase(user_id);
        std::erase_if(held().events, [&](telemetry_event const& e) {
            auto const found = held().peers.find(e.peer_id);
            return found != held().peers.end() && backends.contains(found->second.backend_id);
        });
    }
};

// ---- exports ----

template <bool Active>
struct other_peers_exported : base {
    using base::base;
    json::object exported(std::string const& user_id, instant now) override {
        json::object out = base::exported(user_id, now);
        auto& list = out["peers"].as_array();
        if (Active) {
            json::array valid;
            for (auto const& one : list)
                if (now < held().peers.at(std::string{json::view(one.at("peer_id").as_string())}).sbt_expires) valid.push_back(one);
            list = std::move(valid);
        } else {
            for (auto const& [id, p] : held().peers)
                if (p.user_id == user_id && p.revoked) list.push_back(peer_entry(p));
        }
        return out;
    }
};
struct export_without_other_surfaces : base {
    using base::base;
    json::object exported(std::string const& user_id, instant now) override {
        exported_for_ = user_id;
        json::object out = base::exported(user_id, now);
        exported_for_.clear();
        return out;
    }
    json::array emit_messages(conversation const& c, bool tombstones) override {
        if (exported_for_.empty()) return base::emit_messages(c, tombstones);
        conversation shown = c;
        std::erase_if(shown.messages, [&](auto const& m) { return !allows_surface(exported_for_, m.second); });
        return base::emit_messages(shown, tombstones);
    }

private:
    std::string exported_for_;
};

// ---- whose ----

/// The parameter user_id of a query, if it names a user of this backend.
struct query_names_user : base {
    using base::base;
    [[nodiscard]] std::string named_or(std::string const& own) const {
        auto const query = serving_ ? parse_query(serving_->query_text) : std::nullopt;
        if (query)
            for (auto const& [name, value] : *query)
                if (name == "user_id" && config().users.contains(value)) return value;
        return own;
    }
};
struct export_of_named : query_names_user {
    using query_names_user::query_names_user;
    json::object exported(std::string const& user_id, instant now) override { return base::exported(named_or(user_id), now); }
};
struct erasure_of_named : query_names_user {
    using query_names_user::query_names_user;
    void erase(std::string const& user_id) override { base::erase(named_or(user_id)); }
};
struct erasure_of_whom_the_body_names : base {
    using base::base;
    void erase(std::string const& user_id) override {
        auto const body = serving_ ? json::parse(serving_->request.body) : result<json::value>{json::value{}};
        auto const* named = body && body->is_object() ? json::find_string(body->get_object(), "user_id") : nullptr;
        std::string const whose = named ? std::string{json::view(*named)} : user_id;
        base::erase(config().users.contains(whose) ? whose : user_id);
    }
};
struct settings_of_named : query_names_user {
    using query_names_user::query_names_user;
    answer settings_call(call const& c) override {
        answer out = base::settings_call(c);
        return out && c.request.method == "GET" ? answer{json_answer(200, settings_of(named_or(user_)))} : std::move(out);
    }
};
struct settings_by_backend : base {
    using base::base;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        BSP_TRY(principal who, base::authenticate(c, who_may, of_path));
        if (destination(c) != door_of::settings || !who.peer) return who;
        for (auto const& [id, p] : held().peers)
            if (p.backend_id == who.peer->backend_id && p.registered < held().peers.at(caller_).registered) who.user_id = p.user_id;
        return who;
    }
};
template <door_of D>
struct administrator_at : base {
    using base::base;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override { return base::authenticate(c, destination(c) == D ? who_may | admin_may : who_may, of_path); }
};

// ---- pauses ----

template <door_of D>
struct pause_closes : base {
    using base::base;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        BSP_TRY(principal who, base::authenticate(c, who_may, of_path));
        if (who.peer && destination(c) == D && !lets(who.user_id, "sync_conversations")) return refusal();
        return who;
    }
};
// Asks for consent where an event is judged, and has written its id down by then.
struct paused_events_count_as_known : base {
    using base::base;
    std::optional<std::string> lost_right(held_socket const& s, instant now) override { return backend::lost_right(s, now); }
    reply judge(held_socket const& s, std::string const& text, instant now) override {
        if (lets(s.user_id, "sync_telemetry")) return base::judge(s, text, now);
        if (json::value const id = id_of_rejected(text); id.is_string()) held().event_ids.emplace(s.user_id, std::string{json::view(id.get_string())});
        return {{}, 1008, "Paused"};
    }
};
struct settings_end_held_pulls : base {
    using base::base;
    void keep_settings(std::string const& user_id, json::object s) override {
        base::keep_settings(user_id, std::move(s));
        for (auto const* asked : held_pulls_)
            if (asked->user_id == user_id) ended_.insert(asked);
        announce(tenant_of(user_id), cause::write);
    }
    json::object feed_page(call const& c, feed_query const& asked) override {
        ends_ = ended_.erase(&asked) > 0;
        return base::feed_page(c, asked);
    }
    bool may_be_held(json::object const& page) override { return !std::exchange(ends_, false) && base::may_be_held(page); }

private:
    std::set<feed_query const*> ended_;
    bool ends_ = false;
};

// ---- redaction ----

struct redaction_by_backend : base {
    using base::base;
    bool redacts_for(peer_record const& to) override {
        peer_record const* first = &to;
        for (auto const& [id, p] : held().peers)
            if (p.backend_id == to.backend_id && p.registered < first->registered) first = &p;
        return base::redacts_for(*first);
    }
};
struct first_page_redacted : base {
    using base::base;
    json::object outgoing(json::object entry, peer_record const* to, outlet by) override { return serving_ && serving_->parameter("cursor") ? entry : base::outgoing(std::move(entry), to, by); }
};
struct news_alone_redacted : base {
    using base::base;
    json::object outgoing(json::object entry, peer_record const* to, outlet by) override {
        return by == outlet::pull && serving_ && !serving_->parameter("since") ? entry : base::outgoing(std::move(entry), to, by);
    }
};
struct mark_of_false_stays : base {
    using base::base;
    void mark(json::object& altered) override {
        if (!altered.contains("redacted")) base::mark(altered);
    }
};
struct names_redacted : base {
    using base::base;
    bool redact_value(json::value& v) override {
        auto* o = v.if_object();
        if (!o) return base::redact_value(v);
        json::object out;
        bool altered = false;
        for (auto& member : *o) {
            altered |= redact_value(member.value());
            std::string const name = redact_text(std::string{json::view(member.key())});
            altered |= name != json::view(member.key());
            out[name] = member.value();
        }
        *o = std::move(out);
        return altered;
    }
};
struct known_names_whole_everywhere : base {
    using base::base;
    bool redact_value(json::value& v) override {
        auto* o = v.if_object();
        if (!o) return base::redact_value(v);
        bool altered = false;
        for (auto& member : *o)
            if (!base::stays_whole(json::view(member.key()), true) && !base::stays_whole(json::view(member.key()), false)) altered |= redact_value(member.value());
        return altered;
    }
};

struct numbered_by_how_many : base {
    using base::base;
    void store(telemetry_event e) override {
        if (!held().event_ids.emplace(e.user_id, e.event_id).second) return;
        e.number = static_cast<std::int64_t>(held().events.size()) + 1;
        held().events.push_back(std::move(e));
    }
};

}  // namespace

std::vector<fault> crossing_privacy_faults() {
    return {
        tried(5, false, {"F-PRV-750", "held pulls hear nothing of what is written after an erasure", {"prv/erase-held-pull"}, make<erasure_deafens_held_pulls>}),
        tried(5, false, {"F-PRV-751", "a list of conversations under way goes on with what was erased", {"prv/erase-lists"}, make<conversations_outlive_erasure>}),
        tried(5, false, {"F-PRV-752", "a list of events under way goes on with what was erased", {"prv/erase-lists"}, make<events_outlive_erasure>}),
        tried(5, true, {"F-PRV-753", "a conversation that was erased never gets a title again by a push", {"prv/erase-title"}, make<erased_title_never_again>}),
        tried(5, false, {"F-PRV-754", "what was erased of a conversation comes back by a push once the conversation is there again", {"prv/erase-title-later"}, make<erased_title_comes_later>}),
        {"F-TEL-875", "events are numbered by how many there are", {"prv/erase-others-list"}, make<numbered_by_how_many>},
        tried(5, false, {"F-PRV-755", "erased events are stored again when another peer sends them", {"prv/erase-events-elsewhere"}, make<events_erased_by_peer>}),
        tried(5, false, {"F-PRV-756", "what was refused for its surface before an erasure counts as erased", {"prv/erase-refused"}, make<refused_counts_as_erased>}),
        tried(5, false, {"F-PRV-757", "an erasure takes the events of another user's registrations of the same backends", {"prv/erase-shared-backend"}, make<events_erased_by_backend>}),
        tried(5, false, {"F-PRV-758", "an export leaves out registrations that have expired", {"prv/export-peers"}, make<other_peers_exported<true>>}),
        tried(5, false, {"F-PRV-759", "an export has registrations that were revoked", {"prv/export-peers"}, make<other_peers_exported<false>>}),
        tried(5, true, {"F-PRV-760", "an export leaves out messages of surfaces that are not allowed", {"prv/surfaces-own"}, make<export_without_other_surfaces>}),
        tried(5, false, {"F-PRV-761", "an export is of the user whom the query names", {"prv/named-users"}, make<export_of_named>}),
        tried(5, false, {"F-PRV-762", "an erasure is of the user whom the query names", {"prv/named-users"}, make<erasure_of_named>}),
        tried(5, false, {"F-PRV-763", "an erasure is of the user whom the body names", {"prv/named-users"}, make<erasure_of_whom_the_body_names>}),
        tried(5, false, {"F-PRV-764", "settings are those of the user whom the query names", {"prv/named-users"}, make<settings_of_named>}),
        tried(5, false, {"F-PRV-765", "settings that a peer reads or changes are those of the first user of its backend", {"prv/settings-of-shared-backend"}, make<settings_by_backend>}),
        tried(5, false, {"F-PRV-766", "the administrator may export, of nobody", {"prv/administrator"}, make<administrator_at<door_of::exports>>}),
        tried(5, false, {"F-PRV-767", "the administrator may change settings, of nobody", {"prv/administrator"}, make<administrator_at<door_of::settings>>}),
        tried(5, false, {"F-PRV-768", "while paused a peer neither reads nor changes settings", {"prv/paused-peer"}, make<pause_closes<door_of::settings>>}),
        tried(5, true, {"F-PRV-769", "while paused a peer cannot list the peers", {"prv/paused-peer"}, make<pause_closes<door_of::peers>>}),
        tried(5, false, {"F-PRV-774", "an event that a pause kept out is acknowledged and dropped when it comes again", {"prv/pause-events-again"}, make<paused_events_count_as_known>}),
        tried(5, false, {"F-PRV-775", "a change of settings ends held pulls", {"prv/settings-held-pull"}, make<settings_end_held_pulls>}),
        tried(5, false, {"F-PRV-776", "whether a pull is redacted is decided by the first user of the backend", {"red/of-each-user"}, make<redaction_by_backend>, setting::local}),
        tried(5, false, {"F-PRV-777", "the first page of a pull is redacted", {"red/every-page"}, make<first_page_redacted>, setting::local}),
        tried(5, false, {"F-PRV-778", "pulls from the beginning are not redacted", {"red/every-page"}, make<news_alone_redacted>, setting::local}),
        tried(5, false, {"F-PRV-779", "a redacted message that said it was none goes on saying so", {"red/pull-marked"}, make<mark_of_false_stays>, setting::local}),
        tried(5, false, {"F-PRV-780", "names of unknown members are redacted", {"red/pull-labels-stay"}, make<names_redacted>, setting::local}),
        tried(5, false, {"F-PRV-781", "members with the names of known ones stay whole at any depth", {"red/pull-every-string"}, make<known_names_whole_everywhere>, setting::local}),
    };
}

}  // namespace bsp::faulty
