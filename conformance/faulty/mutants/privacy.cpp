#include "../private_backend.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <chrono>

/// Faults of privacy: each is the correct private backend with one step wrong.
namespace bsp::faulty {

namespace {

using base = private_backend;

// ---- settings ---------------------------------------------------------------------------------------------

struct anybody_sets : base {
    using base::base;
    result<http_response> settings_call(call const& c) override {
        auto r = base::settings_call(c);
        if (r || r.error().status() != 401) return r;
        auto const body = json::parse(c.request.body);
        auto const* user = body && body->is_object() ? json::find_string(body->get_object(), "user_id") : nullptr;
        if (user) keep_settings(std::string{json::view(*user)}, merged(settings_of(std::string{json::view(*user)}), body->get_object()));
        return json_answer(200, json::object{{"status", "updated"}});
    }
};
struct user_of_the_body : base {
    using base::base;
    result<> check_owner(json::fields const&, std::string const&) override { return ok(); }
    json::object merged(json::object held, json::object const& put) override {
        auto const* named = json::find_string(put, "user_id");
        auto const* mine = json::find_string(held, "user_id");
        if (!named || !mine || *named == *mine) return base::merged(std::move(held), put);
        std::string const other{json::view(*named)};
        keep_settings(other, base::merged(settings_of(other), put));
        return held;
    }
};
struct settings_in_memory : base {
    using base::base;
    void restart() override { said_.clear(); }
};
struct settings_not_kept : base {
    using base::base;
    void keep_settings(std::string const&, json::object) override {}
};
struct put_replaces : base {
    using base::base;
    json::object merged(json::object, json::object const& put) override { return base::merged(defaults(), put); }
};
struct switches_come_back : base {  // only the switches take their defaults
    using base::base;
    json::object merged(json::object held, json::object const& put) override {
        for (auto const* name : {"sync_enabled", "sync_conversations", "sync_telemetry", "redact_pii"}) held[name] = true;
        return base::merged(std::move(held), put);
    }
};
struct any_retention : base {
    using base::base;
    result<> check_setting(json::fields const& put, std::string_view name) override { return name == "retention_days" && put.find(name) && put.find(name)->is_int64() ? ok() : base::check_setting(put, name); }
};
struct retention_as_text : base {
    using base::base;
    result<> check_setting(json::fields const& put, std::string_view name) override {
        auto const* v = put.find(name);
        return name == "retention_days" && v && v->is_string() ? ok() : base::check_setting(put, name);
    }
    json::object merged(json::object held, json::object const& put) override {
        json::object const before = held;
        held = base::merged(std::move(held), put);
        if (held["retention_days"].is_string()) held["retention_days"] = std::stoi(std::string{json::view(held["retention_days"].as_string())});
        return held;
    }
};
struct null_is_the_default : base {
    using base::base;
    result<> check_setting(json::fields const& put, std::string_view name) override { return put.find(name) && put.find(name)->is_null() ? ok() : base::check_setting(put, name); }
    json::object merged(json::object held, json::object const& put) override {
        held = base::merged(std::move(held), put);
        for (auto const& d : defaults())
            if (held[d.key()].is_null()) held[d.key()] = d.value();
        return held;
    }
};
struct stored_before_checked : base {
    using base::base;
    result<> check_setting(json::fields const& put, std::string_view name) override {
        auto r = base::check_setting(put, name);
        if (r && put.find(name) && json::find_string(put.get(), "user_id")) {
            std::string const user{json::view(*json::find_string(put.get(), "user_id"))};
            auto held = settings_of(user);
            held[name] = *put.find(name);
            keep_settings(user, std::move(held));
        }
        return r;
    }
};
struct closed_settings : base {
    using base::base;
    result<> check_owner(json::fields const& put, std::string const& user_id) override {
        for (auto const& m : put.get())
            if (m.key() != "user_id" && !defaults().contains(m.key())) return put.invalid(json::view(m.key()), "is not known");
        return base::check_owner(put, user_id);
    }
};
struct unknown_dropped : base {
    using base::base;
    json::object merged(json::object held, json::object const& put) override {
        held = base::merged(std::move(held), put);
        json::object known;
        for (auto const& m : held)
            if (m.key() == "user_id" || defaults().contains(m.key())) known[m.key()] = m.value();
        return known;
    }
};
struct no_android : base {
    using base::base;
    json::object defaults() override {
        auto d = base::defaults();
        d["allowed_surfaces"] = json::array{"web", "ios", "extension"};
        return d;
    }
};
struct thirty_days : base {
    using base::base;
    json::object defaults() override {
        auto d = base::defaults();
        d["retention_days"] = 30;
        return d;
    }
};

// ---- consent ----------------------------------------------------------------------------------------------

struct nobody_asks : base {
    using base::base;
    bool lets(std::string const&, std::string_view) override { return true; }
};
struct pushes_go_through : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override { return backend::decode_conversations(body, peer, now); }
};
struct paused_and_dropped : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        if (lets(peer.user_id, "sync_conversations")) return backend::decode_conversations(body, peer, now);
        BSP_CHECK(backend::decode_conversations(body, peer, now));
        return tenant{};
    }
};
struct stored_and_refused : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        BSP_TRY(tenant incoming, backend::decode_conversations(body, peer, now));
        if (lets(peer.user_id, "sync_conversations")) return incoming;
        apply(peer, incoming, now);
        return refusal();
    }
};
struct pulls_go_through : base {
    using base::base;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        return !c.segments.empty() && c.segments[0] == "sync" ? backend::authenticate(c, who_may, of_path) : base::authenticate(c, who_may, of_path);
    }
};
struct digests_go_through : base {
    using base::base;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        return c.segments.size() == 3 && c.segments[0] == "sync" ? backend::authenticate(c, who_may, of_path) : base::authenticate(c, who_may, of_path);
    }
};
struct master_switch_only : base {
    using base::base;
    bool lets(std::string const& user_id, std::string_view) override { return settings_of(user_id).at("sync_enabled") == json::value(true); }
};
struct kinds_only : base {
    using base::base;
    bool lets(std::string const& user_id, std::string_view what) override { return settings_of(user_id).at(what) == json::value(true); }
};
struct one_kind_is_all : base {
    using base::base;
    bool lets(std::string const& user_id, std::string_view) override { return base::lets(user_id, "sync_conversations") && base::lets(user_id, "sync_telemetry"); }
};
struct telemetry_not_asked : base {
    using base::base;
    bool lets(std::string const& user_id, std::string_view what) override { return what == "sync_telemetry" || base::lets(user_id, what); }
};
struct asked_when_opened : base {
    using base::base;
    std::optional<std::string> lost_right(held_socket const& s, instant now) override { return backend::lost_right(s, now); }
};
struct acked_and_dropped : base {
    using base::base;
    std::optional<std::string> lost_right(held_socket const& s, instant now) override { return backend::lost_right(s, now); }
    void store(telemetry_event e) override {
        if (lets(e.user_id, "sync_telemetry")) base::store(std::move(e));
    }
};
struct held_pulls_go_on : base {
    using base::base;
    result<> still_stands(feed_query const& asked, instant now) override { return backend::still_stands(asked, now); }
};
struct global_pause : base {
    using base::base;
    bool lets(std::string const&, std::string_view what) override {
        return std::all_of(said_.begin(), said_.end(), [&](auto const& s) { return base::lets(s.first, what); });
    }
};
struct pause_locks_out : base {
    using base::base;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        BSP_TRY(principal const who, base::authenticate(c, who_may, of_path));
        if (!c.segments.empty() && c.segments[0] != "privacy-settings" && !lets(who.user_id, "sync_conversations")) return refusal();
        return who;
    }
};
struct no_export_while_paused : base {
    using base::base;
    result<http_response> export_call(call const& c) override {
        BSP_TRY(principal const who, authenticate(c, user_may));
        if (!lets(who.user_id, "sync_conversations")) return refusal();
        return json_answer(200, exported(who.user_id, c.now));
    }
};
struct pause_is_forbidden : base {
    using base::base;
    error refusal() override { return fail(errc::forbidden, "paused"); }
};
struct any_surface : base {
    using base::base;
    bool allows_surface(std::string const&, message const&) override { return true; }
};
struct any_surface_out : base {
    using base::base;
    json::object pull_entry(std::string const& id, conversation const& c) override { return backend::pull_entry(id, c); }
};
struct surfaces_without_case : base {
    using base::base;
    bool allows_surface(std::string const& user_id, message const& m) override {
        message lower = m;
        std::string s{json::view(m.received.at("surface").as_string())};
        std::transform(s.begin(), s.end(), s.begin(), [](unsigned char ch) { return static_cast<char>(std::tolower(ch)); });
        lower.received["surface"] = s;
        return base::allows_surface(user_id, lower);
    }
};
struct refused_in_silence : base {
    using base::base;
    json::array refuse(std::string const& user_id, tenant& incoming, instant now) override {
        base::refuse(user_id, incoming, now);
        return {};
    }
};
struct one_refused_all_refused : base {
    using base::base;
    json::array refuse(std::string const& user_id, tenant& incoming, instant now) override {
        auto out = base::refuse(user_id, incoming, now);
        if (!out.empty()) incoming.clear();
        return out;
    }
};
struct refused_messages_leave_surfaces : base {
    using base::base;
    json::array refuse(std::string const& user_id, tenant& incoming, instant now) override {
        auto const before = incoming;
        auto out = base::refuse(user_id, incoming, now);
        for (auto& [id, c] : incoming) c.surfaces = before.at(id).surfaces;
        return out;
    }
};
struct skips_conversations : base {
    using base::base;
    json::array refuse(std::string const& user_id, tenant& incoming, instant now) override {
        auto const before = incoming;
        auto out = base::refuse(user_id, incoming, now);
        std::erase_if(incoming, [&](auto const& c) { return is_skipped(user_id, before.at(c.first), c.second, now); });
        return out;
    }
    virtual bool is_skipped(std::string const& user_id, conversation const& pushed, conversation const& left, instant now) = 0;
};
struct skips_when_nothing_is_left : skips_conversations {
    using skips_conversations::skips_conversations;
    bool is_skipped(std::string const&, conversation const& pushed, conversation const& left, instant) override { return !pushed.messages.empty() && left.messages.empty(); }
};
struct skips_titles_from_elsewhere : skips_conversations {
    using skips_conversations::skips_conversations;
    bool is_skipped(std::string const& user_id, conversation const& pushed, conversation const&, instant) override {
        json::object const s = settings_of(user_id);
        auto const& allowed = s.at("allowed_surfaces").as_array();
        return pushed.messages.empty() && !pushed.listed.empty() && std::ranges::none_of(pushed.listed, [&](auto const& one) { return std::ranges::find(allowed, json::value(one)) != allowed.end(); });
    }
};
struct skips_titles_of_long_ago : skips_conversations {
    using skips_conversations::skips_conversations;
    bool is_skipped(std::string const& user_id, conversation const& pushed, conversation const&, instant now) override { return lets_expire() && pushed.messages.empty() && pushed.modified <= cutoff(user_id, now); }
};
struct writes_by_surface : base {
    using base::base;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        for (auto const& t : held().tenants)
            if (&t.second == &all && m && !allows_surface(t.first, *m)) return refusal();
        return base::commit_locally(all, id, std::move(scalars), version, std::move(m), now);
    }
};

// ---- retention --------------------------------------------------------------------------------------------

struct never_expires : base {
    using base::base;
    void forget_expired(instant) override {}
};
struct nightly : base {
    using base::base;
    void forget_expired(instant now) override {
        if (now.seconds % 86'400 < 3) base::forget_expired(now);
    }
};
struct expired_comes_back : base {
    using base::base;
    std::optional<kind> refusal_of(std::string const& user_id, std::string const& conversation_id, message const& m, instant now) override {
        auto const why = base::refusal_of(user_id, conversation_id, m, now);
        return why == kind{"retention_expired"} ? std::nullopt : why;
    }
    bool has_expired(message const& m, instant until, instant now) override { return !returned_.contains(m.id + m.canonical) && base::has_expired(m, until, now); }
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        for (auto const& c : incoming)
            for (auto const& m : c.second.messages) returned_.insert(m.first + m.second.canonical);
        return base::apply(peer, incoming, now);
    }
    std::set<std::string> returned_;
};
struct whole_conversations_expire : base {
    using base::base;
    bool has_expired(message const&, instant, instant) override { return false; }
    bool has_expired(conversation const& c, instant until) override { return c.modified <= until; }
};
struct kept_by_conversation : base {  // fresh messages keep old ones alive
    using base::base;
    void forget_expired(instant now) override {
        for (auto& t : held().tenants) {
            instant const until = cutoff(t.first, now);
            std::erase_if(t.second, [&](auto const& c) { return std::all_of(c.second.messages.begin(), c.second.messages.end(), [&](auto const& m) { return base::has_expired(m.second, until, now); }) && c.second.modified <= until; });
        }
    }
};
struct losers_live : base {
    using base::base;
    void forget_expired(instant now) override {
        std::map<std::pair<std::string, std::string>, std::vector<loser>> kept;
        for (auto const& t : held().tenants)
            for (auto const& c : t.second) kept[{t.first, c.first}] = c.second.losers;
        base::forget_expired(now);
        for (auto& t : held().tenants)
            for (auto& c : t.second) c.second.losers = kept[{t.first, c.first}];
    }
};
struct deletions_keep_conversations : base {
    using base::base;
    using base::has_expired;
    bool has_expired(conversation const& c, instant until) override { return base::has_expired(c, until) && c.messages.empty(); }
};
struct empty_conversations_stay : base {
    using base::base;
    bool has_expired(conversation const&, instant) override { return false; }
};

// ---- export and erasure -----------------------------------------------------------------------------------

template <int What>
struct export_lacks : base {
    using base::base;
    json::object exported(std::string const& user_id, instant now) override {
        auto out = base::exported(user_id, now);
        auto& conversations = out["conversations"].as_array();
        if constexpr (What == 0) out["telemetry"] = json::array{};
        if constexpr (What == 1) out.erase("privacy_settings");
        if constexpr (What == 2) out["peers"] = json::array{};
        if constexpr (What == 3)
            while (conversations.size() > 100) conversations.pop_back();
        if constexpr (What == 4)
            for (auto& c : conversations)
                for (auto& m : c.as_object()["messages"].as_array()) m.as_object().erase("x_extra");
        if constexpr (What == 5)
            for (auto& c : conversations)
                while (c.as_object()["messages"].as_array().size() > 100) c.as_object()["messages"].as_array().pop_back();
        return out;
    }
};
struct export_of_all : base {
    using base::base;
    json::object exported(std::string const& user_id, instant now) override {
        auto out = base::exported(user_id, now);
        for (auto const& t : held().tenants)
            if (t.first != user_id) {
                auto const theirs = base::exported(t.first, now);
                for (auto const& c : theirs.at("conversations").as_array()) out["conversations"].as_array().push_back(c);
            }
        return out;
    }
};
struct export_of_all_peers : base {
    using base::base;
    json::object exported(std::string const& user_id, instant now) override {
        auto out = base::exported(user_id, now);
        for (auto const& p : held().peers)
            if (p.second.user_id != user_id) out["peers"].as_array().push_back(peer_entry(p.second));
        return out;
    }
};
struct export_with_tokens : base {
    using base::base;
    json::object exported(std::string const& user_id, instant now) override {
        auto out = base::exported(user_id, now);
        for (auto& p : out["peers"].as_array()) p.as_object()["sbt"] = held().peers.at(std::string{json::view(p.at("peer_id").as_string())}).sbt;
        return out;
    }
};
struct export_with_secret : base {
    using base::base;
    json::object exported(std::string const& user_id, instant now) override {
        auto out = base::exported(user_id, now);
        out["account"] = json::object{{"user_id", user_id}, {"secret", secret_of(user_id).value_or("")}};
        return out;
    }
};
struct export_for_all : base {
    using base::base;
    result<http_response> export_call(call const& c) override {
        auto r = base::export_call(c);
        if (r || r.error().status() != 401) return r;
        return json_answer(200, exported(held().tenants.begin()->first, c.now));
    }
};
struct erases_for_anybody : base {
    using base::base;
    result<http_response> erase_call(call const& c) override {
        auto r = base::erase_call(c);
        if (r || r.error().status() != 401) return r;
        std::string const user = held().tenants.begin()->first;
        erase(user);
        return json_answer(200, json::object{{"status", "erased"}});
    }
};
struct peers_erase : base {
    using base::base;
    unsigned may_erase() override { return user_may | peer_may; }
};
struct erases_nothing : base {
    using base::base;
    void erase(std::string const&) override {}
};
struct erases_messages_only : base {
    using base::base;
    void erase(std::string const& user_id) override {
        tenant const before = tenant_of(user_id);
        base::erase(user_id);
        for (auto const& c : before) {
            auto& left = tenant_of(user_id)[c.first];
            left = c.second;
            left.messages.clear();
        }
    }
};
struct losers_left : base {
    using base::base;
    void erase(std::string const& user_id) override {
        tenant const before = tenant_of(user_id);
        base::erase(user_id);
        for (auto const& c : before) kept_[{user_id, c.first}] = c.second.losers;
    }
    json::object exported(std::string const& user_id, instant now) override {
        auto out = base::exported(user_id, now);
        for (auto const& k : kept_)
            if (k.first.first == user_id)
                for (auto const& l : k.second) out["conversations"].as_array().push_back(json::object{{"conversation_id", k.first.second}, {"conflicts", json::array{l.message}}});
        return out;
    }
    std::map<std::pair<std::string, std::string>, std::vector<loser>> kept_;
};
struct receipts_left : base {  // with conflicts that tell of titles: the answer of the past is given again
    using base::base;
    json::object push_answer(std::string const& sync_id, json::array conflicts) override {
        auto out = base::push_answer(sync_id, std::move(conflicts));
        out["stored"] = last_;
        return out;
    }
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        last_.clear();
        for (auto const& c : incoming)
            for (auto const& m : c.second.messages)
                if (!is_erased(peer.user_id, c.first, m.second)) last_.push_back(m.second.received);
        return base::apply(peer, incoming, now);
    }
    void erase(std::string const& user_id) override {
        auto const kept = held().receipts;
        base::erase(user_id);
        held().receipts = kept;
    }
    json::array last_;
};
struct telemetry_left : base {
    using base::base;
    void erase(std::string const& user_id) override {
        auto const kept = held().events;
        base::erase(user_id);
        held().events = kept;
    }
};
struct events_come_back : base {
    using base::base;
    void erase(std::string const& user_id) override {
        base::erase(user_id);
        std::erase_if(held().event_ids, [&](auto const& id) { return id.first == user_id; });
    }
};
struct erases_everybody : base {
    using base::base;
    void erase(std::string const& user_id) override {
        base::erase(user_id);
        for (auto& t : held().tenants) t.second.clear();
    }
};
struct erased_for_everybody : base {
    using base::base;
    bool is_erased(std::string const&, std::string const& conversation_id, message const& m) override {
        return std::any_of(erased_messages_.begin(), erased_messages_.end(), [&](auto const& e) { return std::get<1>(e) == conversation_id && std::get<2>(e) == m.id; });
    }
};
struct erased_comes_back : base {
    using base::base;
    bool is_erased(std::string const&, std::string const&, message const&) override { return false; }
};
struct edits_come_back : base {
    using base::base;
    bool is_erased(std::string const& user_id, std::string const& conversation_id, message const& m) override {
        auto const v = erased_versions_.find({user_id, conversation_id});
        return base::is_erased(user_id, conversation_id, m) && m.version <= (v == erased_versions_.end() ? 0 : v->second);
    }
};
struct comes_back_by_another : base {
    using base::base;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        by_ = peer.peer_id;
        return base::apply(peer, incoming, now);
    }
    void erase(std::string const& user_id) override {
        base::erase(user_id);
        for (auto const& p : held().peers)
            if (p.second.user_id == user_id) known_.insert(p.first);
    }
    bool is_erased(std::string const& user_id, std::string const& conversation_id, message const& m) override { return known_.contains(by_) && base::is_erased(user_id, conversation_id, m); }
    std::string by_;
    std::set<std::string> known_;
};
struct titles_come_back : base {
    using base::base;
    bool make_blank(std::string const&, std::string const&, conversation&) override { return false; }
};
struct conversations_blocked : base {
    using base::base;
    std::optional<kind> refusal_of(std::string const& user_id, std::string const& conversation_id, message const& m, instant now) override {
        if (erased_versions_.contains({user_id, conversation_id})) return "erased";
        return base::refusal_of(user_id, conversation_id, m, now);
    }
};
struct account_blocked : base {
    using base::base;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        for (auto const& e : erased_versions_)
            if (e.first.first == peer.user_id) return fail(errc::forbidden, "this account was erased");
        return base::decode_conversations(body, peer, now);
    }
};
struct settings_erased : base {
    using base::base;
    void erase(std::string const& user_id) override {
        base::erase(user_id);
        said_.erase(user_id);
    }
};
struct erasure_forgotten : base {
    using base::base;
    void restart() override {
        erased_messages_.clear();
        erased_versions_.clear();
    }
};

struct bare_receipt : private_backend {
    using private_backend::private_backend;
    json::object receipt_of_erasure(std::string const&, instant now) override { return {{"status", "erased"}, {"erased_at", format_timestamp(now)}}; }
};
struct counts_what_is_left : private_backend {
    using private_backend::private_backend;
    json::object receipt_of_erasure(std::string const&, instant now) override { return {{"status", "erased"}, {"erased_at", format_timestamp(now)}, {"conversations", 0}, {"messages", 0}, {"telemetry_events", 0}}; }
};

}  // namespace

std::vector<fault> prv_faults() {
    return {
        {"F-PRV-01", "settings may be put by anybody", {"prv/settings-credential"}, make<anybody_sets>},
        {"F-PRV-02", "the user of a PUT is taken from its body", {"prv/settings-of-another"}, make<user_of_the_body>},
        {"F-PRV-03", "settings are held in memory", {"prv/settings-survive"}, make<settings_in_memory>, setting::restart},
        {"F-PRV-04", "a PUT replaces all settings", {"prv/partial-put"}, make<put_replaces>},
        {"F-PRV-05", "any integer passes as retention_days", {"prv/settings-refused"}, make<any_retention>},
        {"F-PRV-06", "settings are stored, and nobody asks them", {"prv/pause-push", "prv/pause-pull"}, make<nobody_asks>},
        {"F-PRV-07", "a push while paused is acknowledged and dropped", {"prv/pause-push"}, make<paused_and_dropped>},
        {"F-PRV-08", "one user's pause is everybody's", {"prv/pause-of-one"}, make<global_pause>},
        {"F-PRV-09", "sync_telemetry is stored, and nobody asks it", {"prv/pause-telemetry"}, make<telemetry_not_asked>},
        {"F-PRV-17", "retention is a nightly job", {"prv/retention"}, make<nightly>},
        {"F-PRV-18", "what has expired comes back by a push", {"prv/retention-push"}, make<expired_comes_back>},
        {"F-PRV-19", "whole conversations expire, by last_modified", {"prv/retention"}, make<whole_conversations_expire>},
        {"F-PRV-20", "an export has no telemetry", {"prv/export-telemetry"}, make<export_lacks<0>>},
        {"F-PRV-21", "an erasure leaves telemetry", {"prv/erase-telemetry"}, make<telemetry_left>},
        {"F-PRV-22", "an erasure erases everybody", {"prv/erase-of-one"}, make<erases_everybody>},
        {"F-PRV-23", "what was erased comes back by a push", {"prv/erase-again"}, make<erased_comes_back>},
        {"F-PRV-24", "a peer may erase", {"prv/erase-by-peer"}, make<peers_erase>},
        {"F-PRV-25", "allowed_surfaces is stored, and nobody asks it", {"prv/surfaces"}, make<any_surface>},
        {"F-PRV-101", "settings are answered, and not kept", {"prv/settings-kept"}, make<settings_not_kept>},
        {"F-PRV-102", "switches that a PUT leaves out come on", {"prv/partial-put"}, make<switches_come_back>},
        {"F-PRV-103", "retention_days may be a text", {"prv/settings-refused"}, make<retention_as_text>},
        {"F-PRV-104", "null stands for the default", {"prv/settings-refused"}, make<null_is_the_default>},
        {"F-PRV-105", "members are stored one by one, until one is wrong", {"prv/settings-refused"}, make<stored_before_checked>},
        {"F-PRV-106", "unknown settings are refused", {"prv/unknown-members"}, make<closed_settings>},
        {"F-PRV-107", "unknown settings are dropped", {"prv/unknown-members-kept"}, make<unknown_dropped>},
        {"F-PRV-108", "the default surfaces leave out android", {"prv/defaults"}, make<no_android>},
        {"F-PRV-109", "the default retention is 30 days", {"prv/defaults"}, make<thirty_days>},
        {"F-PRV-110", "pushes do not look at the pause", {"prv/pause-push"}, make<pushes_go_through>},
        {"F-PRV-111", "a push while paused is refused, and stored", {"prv/pause-push"}, make<stored_and_refused>},
        {"F-PRV-112", "pulls do not look at the pause", {"prv/pause-pull"}, make<pulls_go_through>},
        {"F-PRV-113", "digests do not look at the pause", {"prv/pause-pull"}, make<digests_go_through>},
        {"F-PRV-114", "only sync_enabled is asked", {"prv/pause-push"}, make<master_switch_only>},
        {"F-PRV-115", "sync_enabled is not asked", {"prv/pause-push"}, make<kinds_only>},
        {"F-PRV-116", "telemetry refused is sync refused", {"prv/kinds"}, make<one_kind_is_all>},
        {"F-PRV-117", "conversations refused is telemetry refused", {"prv/kinds-telemetry"}, make<one_kind_is_all>},
        {"F-PRV-118", "consent is asked when a connection opens", {"prv/pause-telemetry"}, make<asked_when_opened>},
        {"F-PRV-119", "events that are not allowed are acknowledged and dropped", {"prv/pause-telemetry"}, make<acked_and_dropped>},
        {"F-PRV-120", "open connections stay open", {"prv/pause-closes"}, make<asked_when_opened>},
        {"F-PRV-121", "a held pull does not look at the pause", {"prv/pause-held-pull"}, make<held_pulls_go_on>},
        {"F-PRV-122", "one user's pause stops everybody's telemetry", {"prv/pause-of-one-telemetry"}, make<global_pause>},
        {"F-PRV-123", "a pause refuses the user's own requests", {"prv/paused-user"}, make<pause_locks_out>},
        {"F-PRV-124", "no export while paused", {"prv/paused-user"}, make<no_export_while_paused>},
        {"F-PRV-126", "surfaces are filtered in pushes only", {"prv/surfaces-pull"}, make<any_surface_out>},
        {"F-PRV-127", "surfaces are compared without case", {"prv/surfaces"}, make<surfaces_without_case>},
        {"F-PRV-128", "what is refused is not told", {"prv/surfaces", "prv/erase-again", "prv/retention-push"}, make<refused_in_silence>},
        {"F-PRV-129", "one refused message takes the push with it", {"prv/surfaces", "prv/erase-again", "prv/retention-push"}, make<one_refused_all_refused>},
        {"F-PRV-236", "the surface of a refused message is listed", {"prv/surfaces-refused"}, make<refused_messages_leave_surfaces>},
        {"F-PRV-130", "local writes are filtered by surface", {"prv/surfaces-write"}, make<writes_by_surface>},
        {"F-PRV-131", "nothing ever expires", {"prv/retention"}, make<never_expires>},
        {"F-PRV-132", "a fresh message keeps the old ones of its conversation", {"prv/retention"}, make<kept_by_conversation>},
        {"F-PRV-133", "losing versions do not expire", {"prv/retention"}, make<losers_live>},
        {"F-PRV-134", "conversations without messages stay in the list", {"prv/retention"}, make<empty_conversations_stay>},
        {"F-PRV-927", "a deleted message keeps its conversation from expiring", {"prv/retention"}, make<deletions_keep_conversations>},
        {"F-PRV-928", "a conversation of which every pushed message is refused is skipped as a whole", {"prv/surfaces-title", "prv/retention-title"}, make<skips_when_nothing_is_left>},
        {"F-PRV-929", "a pushed title is refused because no surface beside it is allowed", {"prv/surfaces-title"}, make<skips_titles_from_elsewhere>},
        {"F-PRV-930", "a pushed title is refused because its date is older than retention_days", {"prv/retention-title"}, make<skips_titles_of_long_ago>},
        {"F-PRV-135", "an export has no settings", {"prv/export"}, make<export_lacks<1>>},
        {"F-PRV-136", "an export has no peers", {"prv/export"}, make<export_lacks<2>>},
        {"F-PRV-137", "an export has 100 conversations", {"prv/export-pages"}, make<export_lacks<3>>},
        {"F-PRV-138", "an export drops unknown members of messages", {"prv/export"}, make<export_lacks<4>>},
        {"F-PRV-139", "an export has 100 messages of a conversation", {"prv/export-pages"}, make<export_lacks<5>>},
        {"F-PRV-140", "an export has everybody's conversations", {"prv/export-of-one"}, make<export_of_all>},
        {"F-PRV-141", "an export has everybody's peers", {"prv/export-of-one"}, make<export_of_all_peers>},
        {"F-PRV-142", "an export has the tokens' signatures", {"prv/export-secrets"}, make<export_with_tokens>},
        {"F-PRV-143", "an export has the pairing secret", {"prv/export-secrets"}, make<export_with_secret>},
        {"F-PRV-144", "an export is for anybody", {"prv/export-credential"}, make<export_for_all>},
        {"F-PRV-145", "an erasure is for anybody", {"prv/erase-credential"}, make<erases_for_anybody>},
        {"F-PRV-146", "an erasure is confirmed, and nothing erased", {"prv/erase"}, make<erases_nothing>},
        {"F-PRV-147", "an erasure leaves the conversations' own members", {"prv/erase"}, make<erases_messages_only>},
        {"F-PRV-148", "an erasure leaves losing versions", {"prv/erase"}, make<losers_left>},
        {"F-PRV-149", "an erasure leaves the answers to pushes", {"prv/erase"}, make<receipts_left>},
        {"F-PRV-150", "erased events are stored again", {"prv/erase-telemetry"}, make<events_come_back>},
        {"F-PRV-151", "what one user erased nobody may have", {"prv/erase-of-one"}, make<erased_for_everybody>},
        {"F-PRV-152", "an edit of an erased message is stored", {"prv/erase-again"}, make<edits_come_back>},
        {"F-PRV-153", "erased messages come back by a peer that is paired later", {"prv/erase-again"}, make<comes_back_by_another>},
        {"F-PRV-154", "erased titles come back", {"prv/erase-title"}, make<titles_come_back>},
        {"F-PRV-155", "erased conversations take no new messages", {"prv/erase-again", "prv/erase-title"}, make<conversations_blocked>},
        {"F-PRV-156", "who erased may not sync any more", {"prv/erase-anew"}, make<account_blocked>},
        {"F-PRV-157", "an erasure erases the settings", {"prv/erase-settings"}, make<settings_erased>},
        {"F-PRV-158", "what was erased is remembered in memory", {"prv/erase-survives"}, make<erasure_forgotten>, setting::restart},
        {"F-PRV-160", "the receipt of an erasure has no counts", {"prv/erase-receipt"}, make<bare_receipt>},
        {"F-PRV-161", "the receipt of an erasure counts what is left", {"prv/erase-receipt"}, make<counts_what_is_left>},
        {"F-PRV-159", "a refusal by consent has the code forbidden", {"prv/pause-push", "prv/pause-pull"}, make<pause_is_forbidden>},
    };
}

}  // namespace bsp::faulty
