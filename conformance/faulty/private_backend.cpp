#include "private_backend.hpp"

#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <chrono>

namespace bsp::faulty {

namespace {

constexpr std::string_view switches[] = {"sync_enabled", "sync_conversations", "sync_telemetry", "redact_pii"};
constexpr auto day = std::chrono::hours{24};

std::string text_of_member(json::object const& o, std::string_view name) {
    auto const* s = json::find_string(o, name);
    return s ? std::string{json::view(*s)} : "";
}

std::string surface_of(message const& m) { return text_of_member(m.received, "surface"); }

/// What the audit trail says of settings: no text that a user chose.
json::object counts_of(json::object const& s) {
    json::object out;
    for (auto const name : switches) out[name] = s.at(name);
    out["retention_days"] = s.at("retention_days");
    return out;
}

}  // namespace

// ---- the paths --------------------------------------------------------------------------------------------

result<http_response> private_backend::dispatch(call& c) {
    // What comes of age within a second goes with the next one; a look at everything for each request would be most of its work.
    if (std::exchange(swept_at_, c.now.seconds) != c.now.seconds) forget_expired(c.now);
    std::string_view path = c.path;
    std::string const base = origin_and_path(config().base_url).second;
    if (base != "/" && path.starts_with(base)) path.remove_prefix(base.size());
    bool const is_settings = path == "/privacy-settings", is_export = path == "/privacy/export", is_erasure = path == "/privacy/data";
    if (!is_settings && !is_export && !is_erasure) return backend::dispatch(c);

    BSP_CHECK(check_host(c));
    BSP_CHECK(check_origin(c));
    BSP_CHECK(check_size(c));
    c.segments = *path_segments(path);
    c.allow = is_settings ? "GET, PUT" : is_export ? "GET" : "DELETE";
    if (c.request.method == "OPTIONS" && c.request.headers.find("Access-Control-Request-Method")) return preflight(c);
    if (c.allow.find(c.request.method) == std::string::npos) return method_not_allowed(c);
    BSP_CHECK(check_coding(c));
    BSP_CHECK(check_media_type(c));
    return is_settings ? settings_call(c) : is_export ? export_call(c) : erase_call(c);
}

// Whoever calls these paths has been let in; whether the user wants it comes after.
result<principal> private_backend::authenticate(call const& c, unsigned who_may, peer_record* of_path) {
    BSP_TRY(principal const who, backend::authenticate(c, who_may, of_path));
    auto const& s = c.segments;
    if (!s.empty() && s[0] == "sync" && !lets(who.user_id, "sync_conversations")) return refusal();
    if (s.size() > 1 && s[0] == "telemetry" && s[1] != "events" && !lets(who.user_id, "sync_telemetry")) return refusal();
    return who;
}

result<tenant> private_backend::decode_conversations(json::fields const& body, peer_record const& peer, instant now) {
    BSP_TRY(tenant incoming, backend::decode_conversations(body, peer, now));
    if (!lets(peer.user_id, "sync_conversations")) return refusal();
    return incoming;
}

json::array private_backend::apply(peer_record const& peer, tenant const& incoming, instant now) {
    tenant admitted = incoming;
    json::array out = refuse(peer.user_id, admitted, now);
    // What was refused is told once, and not as a divergence, too.
    for (auto& [id, c] : admitted) std::erase_if(c.brought_along, [&](message const& m) { return !c.messages.contains(m.id); });
    for (auto& c : backend::apply(peer, admitted, now)) out.push_back(std::move(c));
    return out;
}

result<> private_backend::still_stands(feed_query const& asked, instant now) {
    BSP_CHECK(backend::still_stands(asked, now));
    return lets(asked.user_id, "sync_conversations") ? ok() : result<>{refusal()};
}

json::object private_backend::feed_page(call const& c, feed_query const& asked) {
    reading_for_ = asked.user_id;
    return backend::feed_page(c, asked);
}

json::object private_backend::pull_entry(std::string const& id, conversation const& c) {
    conversation shown = c;
    std::erase_if(shown.messages, [&](auto const& m) { return !allows_surface(reading_for_, m.second); });
    return backend::pull_entry(id, shown);
}

std::optional<std::string> private_backend::lost_right(held_socket const& s, instant now) {
    if (auto const why = backend::lost_right(s, now)) return why;
    if (!lets(s.user_id, "sync_telemetry")) return "Paused";
    return std::nullopt;
}

// ---- what goes out ----------------------------------------------------------------------------------------

bool private_backend::may_exchange(peer_record const& peer, link const& to, instant now) { return backend::may_exchange(peer, to, now) && lets(peer.user_id, "sync_conversations"); }

bool private_backend::may_stream(peer_record const& peer, link const& to, instant now) {
    return !peer.telemetry_endpoint.empty() && backend::may_exchange(peer, to, now) && may_call(peer.telemetry_endpoint) && lets(peer.user_id, "sync_telemetry");
}

void private_backend::take_snapshot(peer_record const& peer, link& to) {
    reading_for_ = peer.user_id;
    backend::take_snapshot(peer, to);
}

// ---- the settings -----------------------------------------------------------------------------------------

result<http_response> private_backend::settings_call(call const& c) {
    BSP_TRY(principal const who, authenticate(c, may_change_settings()));
    if (c.request.method == "GET") return json_answer(200, settings_of(who.user_id));
    BSP_TRY(json::object const body, parse_object(c));
    json::fields const f{body};
    BSP_CHECK(check_owner(f, who.user_id));
    for (auto const name : switches) BSP_CHECK(check_setting(f, name));
    for (auto const name : {"retention_days", "allowed_surfaces"}) BSP_CHECK(check_setting(f, name));
    keep_settings(who.user_id, merged(settings_of(who.user_id), body));
    swept_at_.reset();
    record({c.now, "privacy_settings_updated", c.peer_id, counts_of(settings_of(who.user_id))});
    return json_answer(200, json::object{{"status", "updated"}});
}

json::object private_backend::defaults() {
    return {{"sync_enabled", true}, {"sync_conversations", true}, {"sync_telemetry", true}, {"redact_pii", true}, {"retention_days", 90}, {"allowed_surfaces", {"web", "ios", "android", "extension"}}};
}

json::object private_backend::settings_of(std::string const& user_id) {
    auto const found = said_.find(user_id);
    json::object out = found == said_.end() ? defaults() : found->second;
    out["user_id"] = user_id;
    return out;
}

result<> private_backend::check_owner(json::fields const& put, std::string const& user_id) {
    BSP_TRY(auto const named, put.optional_string("user_id"));
    if (named && *named != user_id) return fail(errc::forbidden, "these are the settings of another user");
    return ok();
}

result<> private_backend::check_setting(json::fields const& put, std::string_view name) {
    if (name == "retention_days") {
        BSP_CHECK(put.optional_integer(name, 1, 3650));
        return ok();
    }
    if (name != "allowed_surfaces") {
        BSP_CHECK(put.optional_boolean(name));
        return ok();
    }
    BSP_TRY(auto const all, put.optional_array(name));
    for (std::size_t i = 0; all && i < all->size(); ++i) {
        BSP_TRY(auto const one, all->string_at(i));
        if (!is_label(one)) return all->invalid(i, "must have 1 to 128 characters");
    }
    return ok();
}

json::object private_backend::merged(json::object held, json::object const& put) {
    for (auto const& m : put) held[m.key()] = m.value();
    return held;
}

void private_backend::keep_settings(std::string const& user_id, json::object s) {
    said_[user_id] = std::move(s);
    settings_changed(user_id);
}

// What is queued is made anew, of what is allowed now.
void private_backend::settings_changed(std::string const& user_id) {
    for (auto const& [peer_id, peer] : held().peers)
        if (auto const to = held().links.find(peer_id); peer.user_id == user_id && to != held().links.end()) to->second.outgoing.clear();
}

// ---- consent ----------------------------------------------------------------------------------------------

bool private_backend::wants_redaction(std::string const& user_id) { return settings_of(user_id).at("redact_pii") == json::value(true); }

bool private_backend::lets(std::string const& user_id, std::string_view what) {
    json::object const s = settings_of(user_id);
    return s.at("sync_enabled") == json::value(true) && s.at(what) == json::value(true);
}

bool private_backend::allows_surface(std::string const& user_id, message const& m) {
    json::object const s = settings_of(user_id);
    auto const& all = s.at("allowed_surfaces").as_array();
    return std::find(all.begin(), all.end(), json::value(surface_of(m))) != all.end();
}

// ---- retention --------------------------------------------------------------------------------------------

instant private_backend::cutoff(std::string const& user_id, instant now) { return now - day * settings_of(user_id).at("retention_days").as_int64(); }

// All that it holds it got within the life of this process, so the timestamp alone tells the age.
bool private_backend::has_expired(message const& m, instant until, instant now) { return m.written <= (m.deleted ? std::min(until, now - 90 * day) : until); }

bool private_backend::has_expired(conversation const& c, instant until) {
    return c.modified <= until && std::none_of(c.messages.begin(), c.messages.end(), [](auto const& m) { return !m.second.deleted; });
}

void private_backend::forget_expired(instant now) {
    if (!lets_expire()) return;
    std::erase_if(held().events, [&](telemetry_event const& e) { return has_expired(e, cutoff(e.user_id, now)); });
    for (auto& [user_id, all] : held().tenants) {
        instant const until = cutoff(user_id, now);
        std::size_t messages = 0;
        for (auto& [id, c] : all) {
            messages += std::erase_if(c.messages, [&](auto const& m) { return has_expired(m.second, until, now); });
            std::erase_if(c.losers, [&](loser const& l) {
                auto const t = timestamp(text_of_member(l.message, "timestamp"));
                return t && *t <= until;
            });
        }
        std::size_t const conversations = std::erase_if(all, [&](auto const& c) { return !c.second.winner.deleted && has_expired(c.second, until); });
        if (messages + conversations > 0) record({now, "retention_enforced", "", {{"messages", messages}, {"conversations", conversations}}});
    }
}

// ---- what may come in -------------------------------------------------------------------------------------

std::optional<private_backend::kind> private_backend::refusal_of(std::string const& user_id, std::string const& conversation_id, message const& m, instant now) {
    if (is_erased(user_id, conversation_id, m)) return "erased";
    if (lets_expire() && has_expired(m, cutoff(user_id, now), now)) return "retention_expired";
    if (!allows_surface(user_id, m)) return "surface_not_allowed";
    return std::nullopt;
}

json::array private_backend::refuse(std::string const& user_id, tenant& incoming, instant now) {
    json::array out;
    tenant const& all = tenant_of(user_id);
    for (auto at = incoming.begin(); at != incoming.end();) {
        auto& [id, c] = *at;
        for (auto m = c.messages.begin(); m != c.messages.end();) {
            auto const why = refusal_of(user_id, id, m->second, now);
            if (why) out.push_back(refused(id, m->first, m->second.version, *why));
            m = why ? c.messages.erase(m) : std::next(m);
        }
        c.surfaces = c.listed;
        for (auto const& [name, m] : c.messages) add_surface(c, m);
        std::optional<kind> why;
        bool const is_new = !all.contains(id), is_empty = c.messages.empty();
        bool const blank = make_blank(user_id, id, c);
        if (is_new && blank && is_empty) why = "erased";
        if (!is_new && blank) out.push_back(refused(id, std::nullopt, c.version, "erased"));
        if (is_new && is_empty && lets_expire() && c.modified <= cutoff(user_id, now)) why = "retention_expired";
        if (why) out.push_back(refused(id, std::nullopt, c.version, *why));
        at = why ? incoming.erase(at) : std::next(at);
    }
    return out;
}

json::object private_backend::refused(std::string const& conversation_id, std::optional<std::string> message_id, std::int64_t version, kind why) {
    json::object out{{"conversation_id", conversation_id}, {"local_version", nullptr}, {"incoming_version", version}, {"conflict_type", why}, {"resolution_strategy", "refused"}, {"winner", "local"}};
    if (message_id) out["message_id"] = *message_id;
    return out;
}

/// Whether the conversation was erased with these members or newer ones; they are taken out of it.
bool private_backend::make_blank(std::string const& user_id, std::string const& id, conversation& c) {
    auto const erased = erased_versions_.find({user_id, id});
    if (erased == erased_versions_.end() || c.version > erased->second) return false;
    json::object kept{{"conversation_id", id}, {"version", 0}, {"last_modified", c.modified_text}, {"source_backend", c.winner.received.at("source_backend")}};
    c.winner = {std::move(kept), 0, c.modified, false, false, {}};
    c.winner.digest = sha256(json::canonicalize(c.winner.received).value());
    return true;
}

// ---- export and erasure -----------------------------------------------------------------------------------

result<http_response> private_backend::export_call(call const& c) {
    BSP_TRY(principal const who, authenticate(c, user_may));
    json::object all = exported(who.user_id, c.now);
    record({c.now, "data_exported", c.peer_id, {{"conversations", all["conversations"].as_array().size()}}});
    return json_answer(200, std::move(all));
}

json::object private_backend::exported(std::string const& user_id, instant now) {
    json::array conversations, events, peers;
    for (auto const& [id, c] : tenant_of(user_id)) {
        if (c.winner.deleted) continue;
        json::object one = emit_scalars(id, c);
        one["surfaces"] = emit_surfaces(c);
        one["messages"] = emit_messages(c, false);
        one["conflicts"] = emit_losers(c);
        conversations.push_back(std::move(one));
    }
    for (auto const& e : held().events)
        if (is_of(e, user_id)) events.push_back(event_entry(e));
    for (auto const& [peer_id, p] : held().peers)
        if (p.user_id == user_id && !p.revoked) peers.push_back(peer_entry(p));
    return {{"user_id", user_id}, {"exported_at", format_timestamp(now)}, {"conversations", conversations}, {"telemetry", events}, {"privacy_settings", settings_of(user_id)}, {"peers", peers}};
}

result<http_response> private_backend::erase_call(call const& c) {
    BSP_TRY(principal const who, authenticate(c, user_may | peer_may));
    if (who.kind == principal::peer_kind && (may_erase() & peer_may) == 0) return fail(errc::forbidden, "only the user may erase");
    json::object receipt = receipt_of_erasure(who.user_id, c.now);
    json::object const counts{{"conversations", tenant_of(who.user_id).size()}};
    erase(who.user_id);
    record({c.now, "data_erased", c.peer_id, counts});
    return json_answer(200, std::move(receipt));
}

json::object private_backend::receipt_of_erasure(std::string const& user_id, instant now) {
    std::int64_t messages = 0;
    for (auto const& [id, c] : tenant_of(user_id)) messages += static_cast<std::int64_t>(c.messages.size());
    auto const events = std::count_if(held().events.begin(), held().events.end(), [&](telemetry_event const& e) { return e.user_id == user_id; });
    return {{"status", "erased"}, {"erased_at", format_timestamp(now)}, {"conversations", tenant_of(user_id).size()}, {"messages", messages}, {"telemetry_events", events}};
}

void private_backend::erase(std::string const& user_id) {
    for (auto const& [id, c] : tenant_of(user_id)) {
        std::int64_t greatest = c.version;
        for (auto const& [message_id, m] : c.messages) {
            erased_messages_.emplace(user_id, id, message_id);
            greatest = std::max(greatest, m.version);
        }
        auto& most = erased_versions_.try_emplace({user_id, id}, greatest).first->second;  // the first erasure counts, too
        most = std::max(most, greatest);
    }
    tenant_of(user_id).clear();
    // The ids of events stay known: sent again they are taken for repetitions.
    std::erase_if(held().events, [&](telemetry_event const& e) { return e.user_id == user_id; });
    for (auto const& p : held().peers) {
        if (p.second.user_id != user_id) continue;
        std::erase_if(held().receipts, [&](auto const& r) { return r.first.first == p.first; });
        if (auto const to = held().links.find(p.first); to != held().links.end()) to->second.outgoing.clear();
    }
}

bool private_backend::is_erased(std::string const& user_id, std::string const& conversation_id, message const& m) { return erased_messages_.contains({user_id, conversation_id, m.id}); }

}  // namespace bsp::faulty
