#include "../observed_backend.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>

/// A third series of faults thought up from the specification alone: two features that meet, forms that are rare, state
/// that outlives its reason, and counters that count something else. What watches, and what calls, is in `hunt_watch.cpp`; what a
/// restart forgets, in `hunt_restart.cpp`.
namespace bsp::faulty {

namespace {

using base = observed_backend;
using std::chrono::seconds;

bool has_scheme(call const& c, std::string_view scheme) {
    std::string const* given = c.request.headers.find("Authorization");
    return given && given->starts_with(scheme) && given->size() > scheme.size() && (*given)[scheme.size()] == ' ';
}

// ---- rotation and what it meets ----

struct renewal_ends_graces : base {
    using base::base;
    void renew(peer_record& known, claimed_identity const& who, token const& t) override {
        if (t.created > known.sbt_created) known.former.clear();
        base::renew(known, who, t);
    }
};
struct rotation_forgets_jtis : base {
    using base::base;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        std::erase_if(held().used_assertions, [&](auto const& u) { return u.first.first == "peer " + peer.peer_id; });
        base::take_key(peer, next, n, until);
    }
};
struct budget_of_the_key : base {
    using base::base;
    std::string budget_of(call const&, peer_record const& peer) override { return peer.peer_id + to_hex(peer.key.sha256()); }
};
struct budget_of_the_token : base {
    using base::base;
    std::string budget_of(call const&, peer_record const& peer) override { return peer.peer_id + format_timestamp(peer.sbt_created); }
};
struct keys_are_unique : base {
    using base::base;
    result<> check_new_key(rsa_public_key const& next, peer_record const& peer) override {
        for (auto const& [id, other] : held().peers)
            if (id != peer.peer_id && other.key == next) return fail(errc::key_mismatch, "this key is in use");
        return base::check_new_key(next, peer);
    }
};
struct rotated_outlives_unpairing : base {
    using base::base;
    void unpair(peer_record const& peer, instant now) override {
        if (peer.rotated) last_[{peer.user_id, peer.backend_id}] = *peer.rotated;
        base::unpair(peer, now);
    }
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        BSP_TRY(peer_record * peer, base::enter(who, key, t, now));
        if (auto const found = last_.find({t.user_id, who.backend_id}); found != last_.end() && !peer->rotated) peer->rotated = found->second;
        return peer;
    }

private:
    std::map<std::pair<std::string, std::string>, instant> last_;
};
struct fingerprint_of_the_first_key : base {
    using base::base;
    result<> check_fingerprints(token const& t, claimed_identity const& who, rsa_public_key const& key) override {
        auto const* peer = find_registration(t.user_id, who.backend_id);
        return base::check_fingerprints(t, who, peer && !peer->former.empty() ? peer->former.back().key : key);
    }
};
struct rotation_registers_anew : base {
    using base::base;
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override {
        base::take_key(peer, next, n, until);
        peer.registered = n.rotated;
    }
};
struct grace_in_whole_seconds : base {
    using base::base;
    instant end_of_grace(rotation_notice const& n) override { return {base::end_of_grace(n).seconds, 0}; }
};

// ---- budgets ----

struct refusals_cost_nothing : base {
    using base::base;
    result<> check_budget(call const& c, peer_record const& peer) override {
        auto const before = held().pushes[peer.peer_id];
        BSP_CHECK(base::check_budget(c, peer));
        before_ = before;
        return ok();
    }
    answer push(call const& c, std::string const& peer_id) override {
        before_.reset();
        answer said = base::push(c, peer_id);
        if (!said && before_) held().pushes[peer_id] = *before_;
        return said;
    }

private:
    std::optional<instant> before_;
};
struct repetitions_cost_nothing : base {
    using base::base;
    receipt const* recall(std::pair<std::string, std::string> const& key) override {
        receipt const* found = base::recall(key);
        if (found) held().pushes[key.first] = held().pushes[key.first] - push_comes_back();
        return found;
    }
};
struct pulls_cost_pushes : base {
    using base::base;
    answer pull(call const& c, std::string const& peer_id) override {
        answer said = base::pull(c, peer_id);
        if (said) spend(c, peer_id);
        return said;
    }
};
struct events_cost_pushes : base {
    using base::base;
    bool within_budget(held_socket const& s, instant now) override {
        instant& until = held().pushes[s.peer_id];
        until = std::max(until, now) + push_comes_back();
        return base::within_budget(s, now);
    }
};

// ---- the audit trail ----

struct cursor_without_filters : base {
    using base::base;
    bool is_asked_for(call const& c, audit_record const& r, instant since) override { return c.parameter("cursor") || base::is_asked_for(c, r, since); }
};
struct renewals_not_recorded : base {
    using base::base;
    void record(audit_record r) override {
        if (r.type == "peer_registered" && !known_.insert(r.peer_id).second) return;
        base::record(std::move(r));
    }

private:
    std::set<std::string> known_;
};
struct unpairings_by_users_not_recorded : base {
    using base::base;
    answer delete_peer(call const& c, std::string const& peer_id) override {
        by_user_ = has_scheme(c, "BSP-User");
        return base::delete_peer(c, peer_id);
    }
    void record(audit_record r) override {
        if (r.type != "peer_unpaired" || !by_user_) base::record(std::move(r));
    }

private:
    bool by_user_ = false;
};
struct settings_by_peers_not_recorded : base {
    using base::base;
    answer settings_call(call const& c) override {
        by_peer_ = has_scheme(c, "BSP");
        return base::settings_call(c);
    }
    void record(audit_record r) override {
        if (r.type != "privacy_settings_updated" || !by_peer_) base::record(std::move(r));
    }

private:
    bool by_peer_ = false;
};
struct trail_with_offsets : base {
    using base::base;
    json::object audit_entry(audit_record const& r) override {
        json::object out = base::audit_entry(r);
        std::string text = format_timestamp(r.at);
        text.replace(text.size() - 1, 1, "+00:00");
        out["timestamp"] = text;
        return out;
    }
};
struct trail_since_is_exclusive : base {
    using base::base;
    bool is_asked_for(call const& c, audit_record const& r, instant since) override { return base::is_asked_for(c, r, since) && r.at > since; }
};

// ---- privacy and what it meets ----

struct empty_list_is_no_filter : base {
    using base::base;
    bool allows_surface(std::string const& user_id, message const& m) override {
        return settings_of(user_id).at("allowed_surfaces").as_array().empty() || base::allows_surface(user_id, m);
    }
};
struct holds_outlive_one_switch : base {
    using base::base;
    result<> still_stands(feed_query const& asked, instant now) override {
        BSP_CHECK(backend::still_stands(asked, now));
        return settings_of(asked.user_id).at("sync_enabled") == json::value(true) ? ok() : result<>{refusal()};
    }
};
struct deleted_then_erased_comes_back : base {
    using base::base;
    void erase(std::string const& user_id) override {
        std::vector<std::pair<std::string, std::string>> deleted;
        for (auto const& [id, c] : tenant_of(user_id))
            for (auto const& [message_id, m] : c.messages)
                if (m.deleted) deleted.emplace_back(id, message_id);
        base::erase(user_id);
        for (auto const& [id, message_id] : deleted) erased_messages_.erase({user_id, id, message_id});
    }
};
struct one_erasure_is_remembered : base {
    using base::base;
    void erase(std::string const& user_id) override {
        std::erase_if(erased_messages_, [&](auto const& m) { return std::get<0>(m) == user_id; });
        std::erase_if(erased_versions_, [&](auto const& v) { return v.first.first == user_id; });
        base::erase(user_id);
    }
};
struct erasure_begins_the_feed_anew : base {
    using base::base;
    void erase(std::string const& user_id) override {
        base::erase(user_id);
        began_anew_.insert(user_id);
    }
    void announce(tenant const& changed, cause by) override {
        for (auto const& user_id : began_anew_)
            if (tenant& all = tenant_of(user_id); &all == &changed)
                for (auto& [id, c] : all)
                    if (c.committed.seconds > 1'000'000'000) c.committed = instant{++place_, 0};
        base::announce(changed, by);
    }

private:
    std::set<std::string> began_anew_;
    std::int64_t place_ = 0;
};
struct erased_by_message_id : base {
    using base::base;
    bool is_erased(std::string const& user_id, std::string const&, message const& m) override {
        return std::any_of(erased_messages_.begin(), erased_messages_.end(), [&](auto const& e) { return std::get<0>(e) == user_id && std::get<2>(e) == m.id; });
    }
};
struct export_of_100_events : base {
    using base::base;
    json::object exported(std::string const& user_id, instant now) override {
        json::object out = base::exported(user_id, now);
        auto& events = out["telemetry"].as_array();
        if (events.size() > 100) events.resize(100);
        return out;
    }
};
struct peers_have_settings_of_their_own : base {
    using base::base;
    answer settings_call(call const& c) override {
        by_peer_ = has_scheme(c, "BSP");
        answer said = base::settings_call(c);
        by_peer_ = false;
        return said;
    }
    json::object settings_of(std::string const& user_id) override {
        json::object out = base::settings_of(user_id + (by_peer_ ? "\n" : ""));
        out["user_id"] = user_id;
        return out;
    }
    void keep_settings(std::string const& user_id, json::object s) override { base::keep_settings(user_id + (by_peer_ ? "\n" : ""), std::move(s)); }

private:
    bool by_peer_ = false;
};
struct any_list_of_surfaces : base {
    using base::base;
    result<> check_setting(json::fields const& put, std::string_view name) override {
        if (name != "allowed_surfaces") return base::check_setting(put, name);
        BSP_CHECK(put.optional_array(name));
        return ok();
    }
};
struct retention_with_a_point : base {
    using base::base;
    result<> check_setting(json::fields const& put, std::string_view name) override {
        json::value const* v = put.find(name);
        if (name == "retention_days" && v && v->is_double() && v->get_double() == std::floor(v->get_double()) && v->get_double() >= 1 && v->get_double() <= 3650) return ok();
        return base::check_setting(put, name);
    }
    json::object merged(json::object known, json::object const& put) override {
        json::object out = base::merged(std::move(known), put);
        if (auto& days = out["retention_days"]; days.is_double()) days = static_cast<std::int64_t>(days.get_double());
        return out;
    }
};
struct no_pairing_while_paused : base {
    using base::base;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        if (settings_of(t.user_id).at("sync_enabled") != json::value(true)) return refusal();
        return base::enter(who, key, t, now);
    }
};
struct refused_surfaces_stay_refused : base {
    using base::base;
    std::optional<kind> refusal_of(std::string const& user_id, std::string const& conversation_id, message const& m, instant now) override {
        auto const why = base::refusal_of(user_id, conversation_id, m, now);
        if (why == "surface_not_allowed") refused_.emplace(user_id, conversation_id, m.id);
        else if (!why && refused_.contains({user_id, conversation_id, m.id})) return "surface_not_allowed";
        return why;
    }

private:
    std::set<std::tuple<std::string, std::string, std::string>> refused_;
};
struct list_is_not_redacted : base {
    using base::base;
    answer list_conversations(call const& c) override {
        plain_ = true;
        answer said = base::list_conversations(c);
        plain_ = false;
        return said;
    }
    json::object outgoing(json::object entry, peer_record const* to, outlet by) override { return plain_ ? entry : base::outgoing(std::move(entry), to, by); }

private:
    bool plain_ = false;
};
struct losers_are_not_redacted : base {
    using base::base;
    json::object redact_entry(json::object entry) override {
        json::value const* const losers = entry.if_contains("conflicts");
        json::value const kept = losers ? *losers : json::value(nullptr);
        json::object out = base::redact_entry(std::move(entry));
        if (!kept.is_null()) out["conflicts"] = kept;
        return out;
    }
};
/// Knows the answers that were held from those that were given at once.
struct knows_held_answers : base {
    using base::base;
    answer pull(call const& c, std::string const& peer_id) override {
        asked_.insert(&c);
        answer said = base::pull(c, peer_id);
        asked_.erase(&c);
        return said;
    }
    json::object feed_page(call const& c, feed_query const& asked) override {
        was_held_ = !asked_.contains(&c);
        json::object out = base::feed_page(c, asked);
        was_held_ = false;
        return out;
    }

protected:
    bool was_held_ = false;

private:
    std::set<call const*> asked_;
};
struct held_is_not_redacted : knows_held_answers {
    using knows_held_answers::knows_held_answers;
    json::object outgoing(json::object entry, peer_record const* to, outlet by) override { return was_held_ ? entry : knows_held_answers::outgoing(std::move(entry), to, by); }
};
struct held_has_all_surfaces : knows_held_answers {
    using knows_held_answers::knows_held_answers;
    bool allows_surface(std::string const& user_id, message const& m) override { return was_held_ || knows_held_answers::allows_surface(user_id, m); }
};

// ---- pauses that stop too much, and lists that know those only who are registered ----

bool is_pausing(call const& c, std::string_view path, std::string_view method = {}) { return c.path == path && (method.empty() || c.request.method == method); }

/// Refuses what `Of` says while sync is paused, as if it were a transfer.
template <class Of>
struct pause_stops_more : base {
    using base::base;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path = nullptr) override {
        BSP_TRY(principal const who, base::authenticate(c, who_may, of_path));
        if (!who.user_id.empty() && Of::stops(c) && !(lets(who.user_id, "sync_conversations") && lets(who.user_id, "sync_telemetry"))) return refusal();
        return who;
    }
};
struct the_list_of_events {
    static bool stops(call const& c) { return is_pausing(c, "/telemetry/events"); }
};
struct erasures {
    static bool stops(call const& c) { return is_pausing(c, "/privacy/data", "DELETE"); }
};
struct metrics {
    static bool stops(call const& c) { return c.path.starts_with("/sync/metrics/"); }
};
struct no_rotation_while_paused : base {
    using base::base;
    answer rotate_key(call const& c, std::string const& peer_id) override {
        if (auto const found = held().peers.find(peer_id); found != held().peers.end() && !lets(found->second.user_id, "sync_conversations")) return refusal();
        return base::rotate_key(c, peer_id);
    }
};
struct export_of_registered_peers : base {
    using base::base;
    json::object exported(std::string const& user_id, instant now) override {
        json::object out = base::exported(user_id, now);
        json::array events;
        for (auto const& e : held().events)
            if (is_of(e, user_id) && held().peers.contains(e.peer_id)) events.push_back(event_entry(e));
        out["telemetry"] = std::move(events);
        return out;
    }
};

// ---- caches ----

/// Keeps what was read of a conversation until somebody says that it changed.
struct cached_reads : base {
    using base::base;
    answer read_conversation(call const& c, std::string const& id) override {
        BSP_TRY(http_response fresh, base::read_conversation(c, id));
        return cache_.try_emplace({std::string{c.request.headers.find("Authorization") ? has_scheme(c, "BSP") ? "peer" : "user" : ""}, std::string{c.query_text}, id}, fresh).first->second;
    }

protected:
    void drop(std::string const& id) {
        std::erase_if(cache_, [&](auto const& e) { return std::get<2>(e.first) == id; });
    }
    std::map<std::tuple<std::string, std::string, std::string>, http_response> cache_;
};
/// A message that is deleted stays in what was read before; pushes and other writes are seen.
struct deletions_not_seen_in_cache : cached_reads {
    using cached_reads::cached_reads;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        for (auto const& c : incoming) drop(c.first);
        return cached_reads::apply(peer, incoming, now);
    }
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        if (!m || !m->deleted) drop(id);
        return cached_reads::commit_locally(all, id, std::move(scalars), version, std::move(m), now);
    }
    void erase(std::string const& user_id) override {
        cache_.clear();
        cached_reads::erase(user_id);
    }
};

// ---- forms ----

struct no_empty_surfaces : base {
    using base::base;
    result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now) override {
        if (auto const* all = f.find("surfaces"); all && all->is_array() && all->get_array().empty()) return f.invalid("surfaces", "must not be empty");
        return base::decode_conversation(f, now);
    }
};
struct surfaces_are_a_set : base {
    using base::base;
    result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now) override {
        if (auto const* all = f.find("surfaces"); all && all->is_array())
            for (auto const& one : all->get_array())
                if (std::count(all->get_array().begin(), all->get_array().end(), one) > 1) return f.invalid("surfaces", "must have unique elements");
        return base::decode_conversation(f, now);
    }
};
struct ids_once_in_a_push : base {
    using base::base;
    result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now) override {
        std::set<std::string> seen;
        if (auto const* all = f.find("messages"); all && all->is_array())
            for (auto const& m : all->get_array())
                if (auto const* id = m.is_object() ? json::find_string(m.get_object(), "id") : nullptr; id && !seen.insert(std::string{json::view(*id)}).second)
                    return f.invalid("messages", "must have unique ids");
        return base::decode_conversation(f, now);
    }
};
struct list_filtered_after_the_limit : base {
    using base::base;
    answer list_conversations(call const& c) override {
        BSP_TRY(principal const who, authenticate(c, user_may | peer_may));
        BSP_TRY(std::size_t const limit, limit_of(c));
        BSP_TRY(auto const cursor, cursor_of(c, "list"));
        tenant const& all = tenant_of(who.user_id);
        json::array entries;
        std::string last = cursor ? std::string{json::view(cursor->at("id").as_string())} : "";
        std::size_t rows = 0;
        for (auto at = all.upper_bound(last); at != all.end() && rows < limit; ++at, ++rows) {
            last = at->first;
            if (is_listed(at->second)) entries.push_back(outgoing(list_entry(at->first, at->second), who.peer, outlet::read));
        }
        bool const more = entries.size() == limit && all.upper_bound(last) != all.end();
        json::object out{{"conversations", std::move(entries)}, {"has_more", more}};
        if (more) out["cursor"] = make_cursor({{"f", "list"}, {"id", last}});
        return json_answer(200, out);
    }
};
struct proto_is_no_name : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        BSP_TRY(tenant incoming, base::decode_conversations(body, peer, now));
        incoming.erase("__proto__");
        for (auto& [id, c] : incoming) c.messages.erase("__proto__");
        return incoming;
    }
};
struct ties_by_spelling : base {
    using base::base;
    bool message_tie(message const& a, message const& b) override {
        auto const &s = a.received.at("timestamp").as_string(), &t = b.received.at("timestamp").as_string();
        return s != t ? s > t : base::message_tie(a, b);
    }
};
struct four_surfaces : base {
    using base::base;
    json::array emit_surfaces(conversation const& c) override {
        json::array out;
        for (auto const* one : {"android", "extension", "ios", "web"})
            if (c.surfaces.contains(one)) out.push_back(json::value(one));
        return out;
    }
};
struct nameless_programs_refused : base {
    using base::base;
    answer dispatch(call& c) override {
        if (!c.request.headers.find("User-Agent")) return fail(errc::forbidden, "who is asking?");
        return base::dispatch(c);
    }
};
struct leap_second_of_the_wall_clock : base {
    using base::base;
    result<instant> timestamp(std::string_view text) override {
        if (text.size() >= 19 && text.substr(17, 2) == "60" && text.substr(11, 5) != "23:59") return fail(errc::invalid_body, "no such second");
        return base::timestamp(text);
    }
};
struct no_negative_zero_offset : base {
    using base::base;
    result<instant> timestamp(std::string_view text) override {
        if (text.ends_with("-00:00")) return fail(errc::invalid_body, "no such offset");
        return base::timestamp(text);
    }
};
struct empty_body_is_our_fault : base {
    using base::base;
    result<json::value> parse_body(std::string_view text) override {
        if (text.empty()) return fail(errc::internal, "no body");
        return base::parse_body(text);
    }
};
struct heads_are_open : base {
    using base::base;
    answer dispatch(call& c) override {
        constexpr std::string_view prefix = "/conversations/";
        if (c.request.method != "HEAD" || !c.path.starts_with(prefix)) return base::dispatch(c);
        std::string const id{c.path.substr(prefix.size())};
        for (auto const& [user, all] : held().tenants)
            if (all.contains(id)) return http_response{200, {{"Content-Type", "application/json"}}, ""};
        return fail(errc::not_found, "no such conversation");
    }
};

template <class Mutant>
fault row(std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, bool caught, setting needs = setting::plain) {
    return {id, title, std::move(killed_by), make<Mutant>, needs, {}, trial{3, caught}};
}

}  // namespace

std::vector<fault> hunt_faults() {
    std::vector<fault> all{
        row<renewal_ends_graces>("F-SEC-480", "a new token ends the graces of previous keys", {"rot/renewal"}, false),
        row<rotation_forgets_jtis>("F-SEC-481", "a rotation lets used jtis be forgotten", {"rot/used-stays-used"}, false),
        row<budget_of_the_key>("F-SEC-482", "a rotation brings a new budget of pushes", {"lim/endures"}, false),
        row<budget_of_the_token>("F-SEC-483", "a new token brings a new budget of pushes", {"lim/endures"}, false),
        row<refusals_cost_nothing>("F-SEC-484", "pushes that are refused for their content use no budget", {"lim/every-push"}, false),
        row<repetitions_cost_nothing>("F-SEC-485", "repeated pushes use no budget", {"lim/every-push"}, false),
        row<pulls_cost_pushes>("F-SEC-486", "pulls use up the budget of pushes", {"lim/pushes-only"}, false),
        row<events_cost_pushes>("F-SEC-487", "telemetry uses up the budget of pushes", {"lim/pushes-only"}, false),
        row<keys_are_unique>("F-SEC-488", "a new key that another peer has is refused", {"rot/others-stay"}, true),
        row<rotated_outlives_unpairing>("F-SEC-489", "the last rotated_at outlives an unpairing", {"rot/paired-again"}, false),
        row<fingerprint_of_the_first_key>("F-SEC-490", "fingerprints in tokens are those of the first key", {"rot/renewal"}, false),
        row<rotation_registers_anew>("F-SEC-491", "registered_at becomes the time of the rotation", {"rot/registration-stays"}, true),
        row<grace_in_whole_seconds>("F-SEC-492", "a grace ends with the second before", {"rot/grace-cap"}, true),
        row<cursor_without_filters>("F-SEC-494", "the filters of the audit trail are for the first page", {"aud/pages", "aud/filters"}, true),
        row<renewals_not_recorded>("F-SEC-495", "renewed registrations are not in the audit trail", {"aud/lives"}, false),
        row<unpairings_by_users_not_recorded>("F-SEC-496", "unpairings by users are not in the audit trail", {"aud/lives"}, true),
        row<settings_by_peers_not_recorded>("F-SEC-498", "settings that a peer changes are not in the audit trail", {"aud/settings"}, false),
        row<trail_with_offsets>("F-SEC-499", "times in the audit trail end in +00:00", {"aud/form"}, false),
        row<trail_since_is_exclusive>("F-SEC-500", "the audit trail leaves out what happened at since", {"aud/filters"}, false),
        row<empty_list_is_no_filter>("F-PRV-162", "an empty allowed_surfaces allows all", {"prv/surfaces-none"}, false),
        row<holds_outlive_one_switch>("F-PRV-164", "sync_conversations alone does not end held pulls", {"prv/pause-held-pull"}, false),
        row<deleted_then_erased_comes_back>("F-PRV-165", "what was deleted before the erasure comes back by a push", {"prv/erase-deleted"}, false),
        row<one_erasure_is_remembered>("F-PRV-166", "an erasure forgets what the one before erased", {"prv/erase-twice"}, false),
        row<erasure_begins_the_feed_anew>("F-PRV-167", "after an erasure the feed begins anew, and watermarks lie ahead of it", {"prv/erase-feed"}, false),
        row<erased_by_message_id>("F-PRV-168", "an id that was erased in one conversation is refused in all", {"prv/erase-elsewhere"}, false),
        row<export_of_100_events>("F-PRV-169", "an export has 100 events", {"prv/export-telemetry"}, false),
        row<peers_have_settings_of_their_own>("F-PRV-170", "what a peer sets counts for peers only", {"prv/settings-of-user"}, false),
        row<any_list_of_surfaces>("F-PRV-171", "anything may stand in allowed_surfaces", {"prv/settings-refused"}, true),
        row<retention_with_a_point>("F-PRV-172", "90.0 passes as retention_days", {"prv/settings-refused"}, false),
        row<no_pairing_while_paused>("F-PRV-173", "while paused nobody can be paired", {"prv/paused-pairing"}, false),
        row<refused_surfaces_stay_refused>("F-PRV-174", "what was refused for its surface stays refused", {"prv/surfaces"}, true),
        row<list_is_not_redacted>("F-PRV-175", "the list of conversations is not redacted", {"red/other-answers"}, true, setting::local),
        row<losers_are_not_redacted>("F-PRV-176", "losing messages are not redacted", {"red/other-answers"}, true, setting::local),
        row<held_is_not_redacted>("F-PRV-177", "what ends a held pull is not redacted", {"red/held-pull"}, false, setting::local),
        row<held_has_all_surfaces>("F-PRV-178", "what ends a held pull may be of any surface", {"prv/surfaces-held-pull"}, false),
        row<export_of_registered_peers>("F-PRV-179", "an export has the events of those peers that are registered", {"prv/export-telemetry"}, false),
        row<pause_stops_more<the_list_of_events>>("F-PRV-180", "while paused the user cannot read the events", {"prv/paused-user"}, false),
        row<pause_stops_more<erasures>>("F-PRV-181", "while paused the user cannot erase", {"prv/paused-user"}, false),
        row<pause_stops_more<metrics>>("F-PRV-182", "while paused nobody reads metrics", {"prv/paused-pairing"}, false),
        row<no_rotation_while_paused>("F-PRV-183", "while paused no key can be changed", {"prv/paused-pairing"}, false),
        row<deletions_not_seen_in_cache>("F-SYN-565", "a deleted message stays in what was read before", {"cnv/losers-deleted", "cnv/delete-again"}, true),
        row<no_empty_surfaces>("F-SYN-560", "an empty surfaces is refused", {"mrg/surfaces-of-messages"}, true),
        row<surfaces_are_a_set>("F-SYN-561", "a repeated surface is refused", {"mrg/surfaces"}, true),
        row<ids_once_in_a_push>("F-SYN-562", "a push with two versions of a message is refused", {"mrg/duplicate-ids"}, true),
        row<list_filtered_after_the_limit>("F-SYN-563", "deleted conversations take up room on the pages of the list, which ends there", {"cnv/list-pages", "cnv/list-endures"}, true),
        row<proto_is_no_name>("F-SYN-566", "what is named __proto__ is dropped", {"mrg/ids-exact"}, true),
        row<ties_by_spelling>("F-SYN-567", "of spellings of one instant the greater text wins", {"mrg/tie"}, false),
        row<four_surfaces>("F-MPP-110", "surfaces without a row in the table are not given", {"mrg/surfaces"}, true),
        row<nameless_programs_refused>("F-MPP-111", "a request without User-Agent is refused", {"gen/health", "gen/preflight"}, true),
        row<leap_second_of_the_wall_clock>("F-GEN-310", "the second 60 is accepted at 23:59 of the local time only", {"gen/timestamps-accepted"}, true),
        row<no_negative_zero_offset>("F-GEN-311", "the offset -00:00 is refused", {"gen/timestamps-accepted"}, true),
        row<empty_body_is_our_fault>("F-GEN-312", "an empty body is answered with 500", {"gen/malformed-json"}, true),
        row<heads_are_open>("F-GEN-313", "HEAD tells anybody which conversations there are", {"aut/every-method"}, false),
    };
    for (auto& f : hunt_watch_faults()) all.push_back(std::move(f));
    return all;
}

}  // namespace bsp::faulty
