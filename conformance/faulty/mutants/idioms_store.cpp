#include "../observed_backend.hpp"
#include "lower.hpp"
#include "moments.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>

/// What databases, their libraries and several processes over one of them do to rows and keys.
namespace bsp::faulty {

namespace {

using base = observed_backend;
using std::chrono::milliseconds;

/// `pattern` as LIKE reads it: `_` stands for one character, `%` for any number of them.
bool is_like(std::string_view text, std::string_view pattern) {
    if (pattern.empty()) return text.empty();
    if (pattern.front() == '%') return is_like(text, pattern.substr(1)) || (!text.empty() && is_like(text.substr(1), pattern));
    return !text.empty() && (pattern.front() == '_' || pattern.front() == text.front()) && is_like(text.substr(1), pattern.substr(1));
}
/// Texts that are the same number have one key.
std::string numeric_key(std::string const& text) {
    double value = 0;
    char rest = 0;
    bool const is_number = !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) && std::sscanf(text.c_str(), "%lf%c", &value, &rest) == 1 && std::isfinite(value);
    return is_number ? json::serialize(json::value(value)) : text;
}

// ---- keys ----

struct conversations_as_numbers : base {
    using base::base;
    result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now) override {
        BSP_TRY(auto out, base::decode_conversation(f, now));
        out.first = known(out.first);
        return out;
    }
    result<std::string> path_identifier(std::string const& segment) override {
        BSP_TRY(std::string const id, base::path_identifier(segment));
        return known(id);
    }

private:
    std::string known(std::string const& id) { return first_.try_emplace(numeric_key(id), id).first->second; }
    std::map<std::string, std::string> first_;
};
template <auto key_of>
struct sync_ids_by : base {
    using base::base;
    std::pair<std::string, std::string> receipt_key(peer_record const& peer, std::string const& sync_id) override { return {peer.peer_id, key_of(sync_id)}; }
};
template <auto key_of>
struct event_ids_by : base {
    using base::base;
    void store(telemetry_event e) override {
        if (seen_.emplace(e.user_id, key_of(e.event_id)).second || held().event_ids.contains({e.user_id, e.event_id})) base::store(std::move(e));
    }

private:
    std::set<std::pair<std::string, std::string>> seen_;
};
std::string first_64(std::string const& text) { return text.substr(0, 64); }
/// One key of two parts, with a colon between them that may stand in the parts as well.
struct joined_keys : base {
    using base::base;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        json::array out = base::apply(peer, incoming, now);
        for (auto const& [id, c] : incoming)
            for (auto const& [message_id, m] : c.messages) {
                std::pair const here{id, message_id};
                auto const owner = owners_.try_emplace(peer.user_id + "/" + id + ":" + message_id, here).first;
                if (owner->second == here) continue;
                if (auto const found = tenant_of(peer.user_id).find(owner->second.first); found != tenant_of(peer.user_id).end()) found->second.messages.erase(owner->second.second);
                owner->second = here;
            }
        return out;
    }

private:
    std::map<std::string, std::pair<std::string, std::string>> owners_;
};
struct deletes_what_is_like_it : base {
    using base::base;
    answer delete_conversation(call const& c, std::string const& segment) override {
        BSP_TRY(http_response out, base::delete_conversation(c, segment));
        for (auto& [user_id, all] : held().tenants) {
            if (!all.contains(segment) || !all.at(segment).winner.deleted) continue;
            for (auto& [id, other] : all)
                if (id != segment && is_like(id, segment) && !other.winner.deleted) {
                    std::int64_t const version = next_version(other, "");
                    BSP_CHECK(commit_locally(all, id, tombstone_of(id, other), version, std::nullopt, c.now));
                }
        }
        return out;
    }
};
struct sources_like_it : base {
    using base::base;
    bool has_source(telemetry_event const& e, std::string const& source) override { return is_like(e.source_backend, source); }
};
struct sources_without_blanks : base {
    using base::base;
    bool has_source(telemetry_event const& e, std::string const& source) override { return trimmed(e.source_backend) == trimmed(source); }

private:
    static std::string trimmed(std::string text) {
        while (text.ends_with(' ')) text.pop_back();
        return text;
    }
};
struct erased_without_case : base {
    using base::base;
    bool is_erased(std::string const& user_id, std::string const& conversation_id, message const& m) override {
        return std::any_of(erased_messages_.begin(), erased_messages_.end(), [&](auto const& e) {
            auto const& [user, conversation, id] = e;
            return user == user_id && lower(conversation) == lower(conversation_id) && lower(id) == lower(m.id);
        });
    }
};
struct jtis_for_a_second : base {
    using base::base;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        auto& last = last_[{issuer, a.jti}];
        if (last != instant{} && last + milliseconds{1'000} < c.now) held().used_assertions.erase({issuer, a.jti});
        last = c.now;
        return base::claim_jti(c, issuer, a);
    }

private:
    std::map<std::pair<std::string, std::string>, instant> last_;
};

// ---- rows ----

struct hundred_conflicts : base {
    using base::base;
    json::object push_answer(std::string const& sync_id, json::array conflicts) override {
        if (conflicts.size() > 100) conflicts.resize(100);
        return base::push_answer(sync_id, std::move(conflicts));
    }
};
struct hundred_rows_are_erased : base {
    using base::base;
    void erase(std::string const& user_id) override {
        std::vector<telemetry_event> left;
        for (auto const& e : held().events)
            if (e.user_id == user_id) left.push_back(e);
        base::erase(user_id);
        for (std::size_t i = 100; i < left.size(); ++i) held().events.push_back(left[i]);
    }
};
struct hundred_conversations_are_erased : base {
    using base::base;
    void erase(std::string const& user_id) override {
        tenant left = tenant_of(user_id);
        base::erase(user_id);
        for (int i = 0; i < 100 && !left.empty(); ++i) left.erase(left.begin());
        tenant_of(user_id) = std::move(left);
    }
};
struct twenty_peers : base {
    using base::base;
    answer list_peers(call const& c) override {
        BSP_TRY(http_response out, base::list_peers(c));
        auto body = json::parse(out.body);
        if (!body) return out;
        auto& peers = body->as_object().at("peers").as_array();
        if (peers.size() > 20) peers.resize(20);
        return json_answer(200, *body);
    }
};
struct digest_of_a_hundred : base {
    using base::base;
    json::object digest_answer(tenant const& all) override {
        tenant some = all;
        while (some.size() > 100) some.erase(std::prev(some.end()));
        return base::digest_answer(some);
    }
};
struct last_twenty_events_known : base {
    using base::base;
    void store(telemetry_event e) override {
        auto& known = known_[e.user_id];
        bool const is_new = !held().event_ids.contains({e.user_id, e.event_id});
        if (!is_new && std::find(known.begin(), known.end(), e.event_id) == known.end()) held().event_ids.erase({e.user_id, e.event_id});
        known.push_back(e.event_id);
        if (known.size() > 20) known.erase(known.begin());
        base::store(std::move(e));
    }

private:
    std::map<std::string, std::vector<std::string>> known_;
};
/// The next page of the trail begins after the second of the last entry.
struct trail_by_seconds : base {
    using base::base;
    json::object cursor_content(json::object content) override {
        if (content.at("f") == json::value("audit")) {
            auto& n = content.at("n").as_int64();
            auto const& all = held().audit;
            while (n > 0 && static_cast<std::size_t>(n) < all.size() && all[static_cast<std::size_t>(n)].at.seconds == all[static_cast<std::size_t>(n) - 1].at.seconds) ++n;
        }
        return content;
    }
};
struct trail_of_either : base {
    using base::base;
    bool is_asked_for(call const& c, audit_record const& r, instant since) override {
        std::string const *type = c.parameter("event_type"), *peer = c.parameter("peer_id");
        return r.at >= since && ((!type && !peer) || (type && *type == r.type) || (peer && *peer == r.peer_id));
    }
};
struct nothing_is_204 : base {
    using base::base;
    http_response serve(http_request const& r, instant now) override {
        http_response out = base::serve(r, now);
        bool const is_empty = out.body.find("\"events\":[]") != std::string::npos || out.body.find("\"entries\":[]") != std::string::npos || out.body.find("\"alerts\":[]") != std::string::npos;
        if (r.method == "GET" && out.status == 200 && is_empty) out.status = 204, out.body.clear();
        return out;
    }
};

// ---- other processes ----

/// Reads go to a copy that is a little behind.
constexpr milliseconds behind{300};
struct list_behind : base {
    using base::base;
    bool is_listed(conversation const& c) override { return base::is_listed(c) && c.committed + behind < system_now(); }
};
struct peers_behind : base {
    using base::base;
    bool may_see(principal const& who, peer_record const& peer) override { return base::may_see(who, peer) && peer.registered + behind < system_now(); }
};
struct events_behind : base {
    using base::base;
    bool is_of(telemetry_event const& e, std::string const& user_id) override { return base::is_of(e, user_id) && e.arrived + behind < system_now(); }
};
struct settings_behind : base {
    using base::base;
    void keep_settings(std::string const& user_id, json::object s) override {
        before_[user_id] = {settings_of(user_id), system_now() + behind};
        base::keep_settings(user_id, std::move(s));
    }
    answer settings_call(call const& c) override {
        BSP_TRY(http_response out, base::settings_call(c));
        if (c.request.method != "GET") return out;
        auto const body = json::parse(out.body);
        auto const old = before_.find(std::string{json::view(body->at("user_id").as_string())});
        return old != before_.end() && system_now() < old->second.second ? json_answer(200, old->second.first) : out;
    }

private:
    std::map<std::string, std::pair<json::object, instant>> before_;
};
struct settings_are_lost : base {
    using base::base;
    json::object merged(json::object before, json::object const& put) override {
        let_others_in();
        return base::merged(std::move(before), put);
    }
};
struct deleted_messages_are_no_news : base {
    using base::base;
    answer delete_message(call const& c, std::string const& id, std::string const& message_id) override {
        quiet_ = true;
        answer out = base::delete_message(c, id, message_id);
        quiet_ = false;
        return out;
    }
    void announce(tenant const& changed, cause by) override {
        if (!quiet_) base::announce(changed, by);
    }

private:
    bool quiet_ = false;
};

// ---- checks that stand on one way in only ----

/// `what` is read at ease in local writes, because the database would say so.
struct labels_of_writes_at_ease : knows_local_writes<base> {
    using knows_local_writes::knows_local_writes;
    bool is_label(std::string_view text) override { return writing_ || base::is_label(text); }
};
struct times_of_writes_at_ease : knows_local_writes<base> {
    using knows_local_writes::knows_local_writes;
    result<instant> timestamp(std::string_view text) override {
        auto t = base::timestamp(text);
        return t || !writing_ || text.size() < 10 ? t : base::timestamp(std::string{text.substr(0, 10)} + "T00:00:00Z");
    }
};
struct true_is_one : base {
    using base::base;
    result<> check_setting(json::fields const& put, std::string_view name) override {
        auto const* v = put.find(name);
        return name == "retention_days" && v && *v == json::value(true) ? ok() : base::check_setting(put, name);
    }
    json::object merged(json::object before, json::object const& put) override {
        json::object out = base::merged(std::move(before), put);
        if (out.at("retention_days") == json::value(true)) out["retention_days"] = 1;
        return out;
    }
};
struct latency_true_is_one : base {
    using base::base;
    result<> check_metric(json::fields const& f, std::string_view name) override {
        auto const* v = f.find(name);
        return v && v->is_bool() ? ok() : base::check_metric(f, name);
    }
};
struct kid_counts : base {
    using base::base;
    result<> check_header(assertion const& a, std::string_view alg, std::string_view typ) override {
        if (a.header.contains("kid")) return fail(errc::invalid_credential, "no such key");
        return base::check_header(a, alg, typ);
    }
};
struct text_of_the_rotated_key : base {
    using base::base;
    bool same_key(peer_record const& known, rsa_public_key const& key, std::string const& pem) override { return known.rotated ? known.key_text == pem : base::same_key(known, key, pem); }
};

}  // namespace

std::vector<fault> idioms_store_faults() {
    return {
        tried(4, true, {"F-SYN-630", "conversations whose ids are the same number are one", {"mrg/ids-exact"}, make<conversations_as_numbers>}),
        tried(4, true, {"F-SYN-631", "sync ids that are the same number are one", {"syn/sync-id-exact"}, make<sync_ids_by<numeric_key>>}),
        tried(4, false, {"F-TEL-600", "event ids that are the same number are one", {"tel/ids-much-alike"}, make<event_ids_by<numeric_key>>}),
        tried(4, true, {"F-TEL-601", "event ids are cut at 64 characters", {"tel/ids-exact", "tel/ids-much-alike"}, make<event_ids_by<first_64>>}),
        tried(4, false, {"F-SYN-632", "conversation and message share a key with a colon between them", {"mrg/two-part-keys"}, make<joined_keys>}),
        tried(4, false, {"F-SYN-633", "with a conversation those go whose ids are like it", {"cnv/patterns"}, make<deletes_what_is_like_it>}),
        tried(4, true, {"F-TEL-602", "source_backend is a pattern", {"tel/source-backend", "tel/sources-exact"}, make<sources_like_it>}),
        tried(4, false, {"F-TEL-603", "blanks at the end of source_backend do not count", {"tel/sources-exact"}, make<sources_without_blanks>}),
        tried(4, false, {"F-PRV-600", "what was erased is known without case", {"prv/erase-much"}, make<erased_without_case>}),
        tried(4, true, {"F-SYN-634", "a jti is remembered for a second", {"aut/jti-lasts"}, make<jtis_for_a_second>}),
        tried(4, false, {"F-SYN-635", "a hundred conflicts are told", {"mrg/many-conflicts"}, make<hundred_conflicts>}),
        tried(4, true, {"F-PRV-601", "a hundred events are erased", {"prv/erase-many-events"}, make<hundred_rows_are_erased>}),
        tried(4, false, {"F-PRV-602", "a hundred conversations are erased", {"prv/erase-much"}, make<hundred_conversations_are_erased>}),
        tried(4, true, {"F-REG-601", "twenty peers are listed", {"peer/list-again"}, make<twenty_peers>}),
        tried(4, true, {"F-SYN-636", "the digest is over a hundred conversations", {"syn/digest"}, make<digest_of_a_hundred>}),
        tried(4, true, {"F-TEL-604", "the last twenty events of a user are known", {"tel/ids-much-alike"}, make<last_twenty_events_known>}),
        tried(4, false, {"F-SEC-600", "a page of the audit trail goes on after its last second", {"aud/pages"}, make<trail_by_seconds>}),
        tried(4, true, {"F-SEC-601", "one of the filters of the audit trail is enough", {"aud/filters"}, make<trail_of_either>}),
        tried(4, true, {"F-OBS-600", "an empty list is answered with 204", {"tel/since-ahead"}, make<nothing_is_204>}),
        tried(4, true, {"F-SYN-637", "the list of conversations is behind", {"cnv/list"}, make<list_behind>}),
        tried(4, true, {"F-REG-602", "the list of peers is behind", {"reg/same-peer-id", "peer/list-again"}, make<peers_behind>}),
        tried(4, true, {"F-TEL-605", "the list of events is behind", {"tel/minimal-event"}, make<events_behind>}),
        tried(4, true, {"F-PRV-603", "settings are read from behind", {"prv/settings-kept"}, make<settings_behind>}),
        tried(4, false, {"F-PRV-604", "of settings put at once some are lost", {"prv/puts-together"}, make<settings_are_lost>}),
        tried(4, true, {"F-SYN-638", "the deletion of a message does not end held pulls", {"syn/live-pull-write"}, make<deleted_messages_are_no_news>}),
        tried(4, false, {"F-SYN-639", "labels of writes may be of any length", {"cnv/refused-writes"}, make<labels_of_writes_at_ease>}),
        tried(4, false, {"F-GEN-630", "a write may have a date for its timestamp", {"cnv/refused-writes"}, make<times_of_writes_at_ease>}),
        tried(4, true, {"F-PRV-605", "retention_days may be true", {"prv/settings-refused", "prv/setting-names"}, make<true_is_one>}),
        tried(4, true, {"F-TEL-606", "latency_ms may be true", {"tel/integers"}, make<latency_true_is_one>}),
        tried(4, true, {"F-REG-621", "a kid that nobody knows is refused", {"aut/unknown-claims"}, make<kid_counts>}),
        tried(4, false, {"F-SEC-602", "after a rotation the key is compared as text", {"rot/register-again"}, make<text_of_the_rotated_key>}),
    };
}

}  // namespace bsp::faulty
