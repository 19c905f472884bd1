#include "states.hpp"

#include <algorithm>
#include <map>
#include <set>

/// The part of the fourth series of consent, retention, redaction and erasure.
namespace bsp::faulty {

namespace {

using base = knowing_backend;

// ---- settings ----

struct refused_settings_come_later : base {
    using base::base;
    answer settings_call(call const& c) override {
        if (c.request.method != "PUT") return base::settings_call(c);
        user_.clear();
        answer out = base::settings_call(c);
        if (out || user_.empty()) return out;
        auto const body = json::parse(c.request.body);
        if (!body || !body->is_object() || out.error().status() == 403) return out;
        json::fields const f{body->get_object()};
        for (char const* name : {"sync_enabled", "sync_conversations", "sync_telemetry", "redact_pii", "retention_days", "allowed_surfaces"})
            if (f.find(name) && check_setting(f, name)) waiting_[user_][name] = *f.find(name);
        return out;
    }
    json::object merged(json::object known, json::object const& put) override {
        json::object const before = std::exchange(waiting_[user_], {});
        return base::merged(base::merged(std::move(known), before), put);
    }

private:
    std::map<std::string, json::object> waiting_;
};
struct enabling_enables_all : base {
    using base::base;
    json::object merged(json::object known, json::object const& put) override {
        json::object out = base::merged(std::move(known), put);
        if (auto const* on = put.if_contains("sync_enabled"); on && *on == json::value(true))
            for (char const* name : {"sync_conversations", "sync_telemetry"})
                if (!put.contains(name)) out[name] = true;
        return out;
    }
};
struct narrowing_purges : base {
    using base::base;
    void settings_changed(std::string const& user_id) override {
        for (auto& [id, c] : held().tenants[user_id]) std::erase_if(c.messages, [&](auto const& m) { return !allows_surface(user_id, m.second); });
        base::settings_changed(user_id);
    }
};
struct surfaces_of_own_reads : base {
    using base::base;
    answer read_conversation(call const& c, std::string const& id) override {
        reads_ = true;
        answer out = base::read_conversation(c, id);
        reads_ = false;
        return out;
    }
    json::array emit_messages(conversation const& c, bool tombstones) override {
        if (!reads_) return base::emit_messages(c, tombstones);
        conversation shown = c;
        std::erase_if(shown.messages, [&](auto const& m) { return !allows_surface(user_, m.second); });
        return base::emit_messages(shown, tombstones);
    }

private:
    bool reads_ = false;
};
struct pause_of_the_backend : base {
    using base::base;
    bool lets(std::string const& user_id, std::string_view what) override {
        std::set<std::string> own;
        for (auto const& [id, p] : held().peers)
            if (p.user_id == user_id) own.insert(p.backend_id);
        for (auto const& [id, p] : held().peers)
            if (own.contains(p.backend_id) && !base::lets(p.user_id, what)) return false;
        return base::lets(user_id, what);
    }
};

// ---- retention ----

struct tombstones_expire_like_messages : base {
    using base::base;
    std::optional<kind> refusal_of(std::string const& user_id, std::string const& conversation_id, message const& m, instant now) override {
        if (config().backend_type == "hosted" && m.deleted && m.written <= cutoff(user_id, now)) return "retention_expired";
        return base::refusal_of(user_id, conversation_id, m, now);
    }
};

// ---- export and erasure ----

struct export_of_the_deleted : base {
    using base::base;
    json::object exported(std::string const& user_id, instant now) override {
        json::object out = base::exported(user_id, now);
        for (auto const& [id, c] : tenant_of(user_id)) {
            if (!c.winner.deleted) continue;
            conversation shown = c;
            shown.winner.deleted = false;
            json::object one = emit_scalars(id, c);
            one["surfaces"] = emit_surfaces(c);
            one["messages"] = emit_messages(shown, false);
            out["conversations"].as_array().push_back(std::move(one));
        }
        return out;
    }
};
struct export_is_redacted : base {
    using base::base;
    json::object exported(std::string const& user_id, instant now) override {
        json::object out = base::exported(user_id, now);
        if (wants_redaction(user_id))
            for (auto& c : out["conversations"].as_array()) c = redact_entry(std::move(c.as_object()));
        return out;
    }
};
struct deleted_conversations_not_remembered : base {
    using base::base;
    void erase(std::string const& user_id) override {
        std::set<std::string> gone;
        for (auto const& [id, c] : tenant_of(user_id))
            if (c.winner.deleted) gone.insert(id);
        auto const before = erased_messages_;
        base::erase(user_id);
        std::erase_if(erased_messages_, [&](auto const& e) { return std::get<0>(e) == user_id && gone.contains(std::get<1>(e)) && !before.contains(e); });
    }
};
struct surfaces_outlive_erasure : base {
    using base::base;
    void erase(std::string const& user_id) override {
        for (auto const& [id, c] : tenant_of(user_id)) kept_[{user_id, id}].insert(c.surfaces.begin(), c.surfaces.end());
        base::erase(user_id);
    }
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        json::array out = base::apply(peer, incoming, now);
        for (auto const& [id, c] : incoming)
            if (auto const found = tenant_of(peer.user_id).find(id); found != tenant_of(peer.user_id).end()) bring_back(peer.user_id, id, found->second);
        return out;
    }
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        BSP_CHECK(base::commit_locally(all, id, std::move(scalars), version, std::move(m), now));
        bring_back(user_, id, all[id]);
        return ok();
    }

private:
    void bring_back(std::string const& user_id, std::string const& id, conversation& c) {
        auto const& kept = kept_[{user_id, id}];
        c.surfaces.insert(kept.begin(), kept.end());
    }
    std::map<std::pair<std::string, std::string>, std::set<std::string>> kept_;
};

// ---- redaction ----

struct redacted_once_and_for_all : base {
    using base::base;
    json::object outgoing(json::object entry, peer_record const* to, outlet where) override {
        json::object out = base::outgoing(std::move(entry), to, where);
        if (!to || !redacts_for(*to) || !out.contains("messages")) return out;
        std::string const id{json::view(out.at("conversation_id").as_string())};
        for (auto& m : out["messages"].as_array()) {
            if (!m.as_object().contains("redacted") || m.as_object().contains("deleted")) continue;
            m = made_.try_emplace({to->user_id + ' ' + id, std::string{json::view(m.at("id").as_string())}}, m.as_object()).first->second;
        }
        return out;
    }

private:
    std::map<std::pair<std::string, std::string>, json::object> made_;
};
struct reads_redact_what_is_kept : base {
    using base::base;
    json::object outgoing(json::object entry, peer_record const* to, outlet where) override {
        json::object out = base::outgoing(std::move(entry), to, where);
        if (!to || where != outlet::read || !redacts_for(*to)) return out;
        auto& all = held().tenants[to->user_id];
        auto const found = all.find(std::string{json::view(out.at("conversation_id").as_string())});
        if (found == all.end()) return out;
        found->second.winner.received = redact_members(found->second.winner.received, false);
        if (out.contains("messages"))
            for (auto& [id, m] : found->second.messages) m.received = redact_members(m.received, true);
        return out;
    }
};

}  // namespace

std::vector<fault> states_privacy_faults() {
    return {
        fourth<refused_settings_come_later>("F-PRV-657", "what is valid in a refused PUT of settings comes with the next one", {"prv/refused-put"}, false),
        fourth<enabling_enables_all>("F-PRV-658", "sync_enabled true switches conversations and telemetry on as well", {"prv/switches"}, false),
        fourth<narrowing_purges>("F-PRV-659", "fewer allowed_surfaces remove what is held of the others", {"prv/surfaces-own"}, false),
        fourth<surfaces_of_own_reads>("F-PRV-660", "the user's own reads leave out what allowed_surfaces leaves out", {"prv/surfaces-own"}, false),
        fourth<pause_of_the_backend>("F-PRV-661", "a pause holds for all users of the same backend", {"prv/pause-of-one"}, false),
        fourth<tombstones_expire_like_messages>("F-PRV-662", "a deletion that is older than retention_days is refused", {"prv/retention-deletions"}, false),
        fourth<export_of_the_deleted>("F-PRV-663", "an export has the messages of deleted conversations", {"prv/export-deleted"}, false),
        fourth<export_is_redacted>("F-PRV-664", "an export is redacted", {"prv/export-unredacted"}, false, setting::local),
        fourth<deleted_conversations_not_remembered>("F-PRV-665", "messages of a deleted conversation come back after an erasure", {"prv/erase-every-state"}, true),
        fourth<surfaces_outlive_erasure>("F-PRV-666", "the surfaces of an erased conversation come back with it", {"prv/erase-every-state"}, false),
        fourth<redacted_once_and_for_all>("F-PRV-667", "the redacted form of a message is made once, edits or not", {"red/edits"}, false, setting::local),
        fourth<reads_redact_what_is_kept>("F-PRV-668", "what a hosted peer reads is redacted in the store", {"red/reads-leave-originals"}, false, setting::local),
    };
}

}  // namespace bsp::faulty
