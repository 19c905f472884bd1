#include "backend.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <iterator>
#include <set>

namespace bsp::faulty {

result<http_response> backend::push(call const& c, std::string const& peer_id) {
    BSP_TRY(peer_record * found, find_peer(peer_id));
    peer_record& peer = *found;
    c.peer_id = peer.peer_id;
    BSP_CHECK(check_not_revoked(peer));
    BSP_TRY(json::object const body, parse_object(c));
    BSP_CHECK(verify_payload(c, body, peer));
    BSP_CHECK(check_fresh(body, c.now));
    BSP_CHECK(check_not_expired(peer, c.now));
    BSP_CHECK(check_payload_audience(body, peer));
    c.proven = true;
    BSP_CHECK(check_budget(c, peer));
    BSP_CHECK(check_no_typ(body));

    json::fields const f{body};
    BSP_TRY(std::string const sync_id, identifier_of(f, "sync_id"));
    BSP_TRY(tenant const incoming, decode_conversations(f, peer, c.now));
    auto const key = receipt_key(peer, sync_id);
    sha256_digest const content = digest_of(body);
    if (receipt const* earlier = recall(key)) {
        if (earlier->conversations != content) return fail(errc::sync_id_reuse, "this sync_id was accepted with other conversations");
        record({c.now, "sync_accepted", peer.peer_id, {{"repeated", true}}});
        return json_answer(200, earlier->answer);
    }
    std::int64_t const leaps = version_leaps(peer, incoming);
    receipt r{content, push_answer(sync_id, apply(peer, incoming, c.now))};
    json::object out = r.answer;
    remember(key, std::move(r));
    json::object details{{"conversations", incoming.size()}};
    if (leaps > 0) details["version_leaps"] = leaps;
    record({c.now, "sync_accepted", peer.peer_id, std::move(details)});
    return json_answer(200, std::move(out));
}

// The old door of section 6.3 is closed, which is allowed.
result<http_response> backend::push_alias(call const& c) { return not_found(c); }

result<> backend::verify_payload(call const&, json::object const& body, peer_record const& peer) {
    BSP_TRY(std::string const text, canonical(body, {"signature"}));
    json::string const* encoded = json::find_string(body, "signature");
    auto const signature = encoded ? decode_signature(json::view(*encoded)) : std::nullopt;
    if (!signature || !payload_signature_verifies(body, text, *signature, peer)) return fail(errc::invalid_signature, "the signature does not verify");
    return ok();
}

std::optional<bytes> backend::decode_signature(std::string_view text) { return from_base64(text); }

bool backend::payload_signature_verifies(json::object const&, std::string const& text, bytes const& signature, peer_record const& peer) {
    for (auto const& key : keys_of(peer, now_))
        if (key.verify_ps256(text, signature)) return true;
    return false;
}

result<> backend::check_fresh(json::object const& body, instant now) {
    BSP_TRY(instant const stated, instant_of(json::fields{body}, "timestamp"));
    if (stated > now + std::chrono::seconds{300} || now > stated + std::chrono::seconds{300}) return fail(errc::stale_request, "the timestamp is not within 300 s of now");
    return ok();
}

result<> backend::check_payload_audience(json::object const& body, peer_record const& peer) {
    auto const names_another = [&](std::string_view member, std::string const& expected) -> result<bool> {
        BSP_TRY(auto const given, json::fields{body}.optional_string(member));
        return given && *given != expected;
    };
    BSP_TRY(bool const other_peer, names_another("peer_id", peer.peer_id));
    BSP_TRY(bool const other_target, names_another("target_backend_id", backend_id_));
    BSP_TRY(bool const other_source, names_another("source_backend_id", peer.backend_id));
    if (other_peer || other_target || other_source) return fail(errc::wrong_audience, "the payload names another peer or backend");
    return ok();
}

result<> backend::check_no_typ(json::object const& body) {
    if (body.contains("typ")) return fail(errc::invalid_body, "/typ must be absent");
    return ok();
}

result<tenant> backend::decode_conversations(json::fields const& body, peer_record const&, instant now) {
    BSP_TRY(json::elements const given, body.required_array("conversations"));
    BSP_CHECK(check_counts(given.get()));
    tenant incoming;
    for (std::size_t i = 0; i < given.size(); ++i) {
        BSP_TRY(json::fields const f, given.object_at(i));
        BSP_CHECK(check_message_count(f));
        BSP_TRY(auto entry, decode_conversation(f, now));
        conversation& into = incoming[entry.first];
        join(into, entry.second);
        std::ranges::move(entry.second.brought_along, std::back_inserter(into.brought_along));
    }
    return incoming;
}

result<> backend::check_counts(json::array const& conversations) {
    if (conversations.size() > 1'000) return fail(errc::payload_too_large, "/conversations must not have more than 1000 elements");
    return ok();
}

result<> backend::check_message_count(json::fields const& f) {
    BSP_TRY(json::elements const messages, f.required_array("messages"));
    if (messages.size() > 10'000) return fail(errc::payload_too_large, "/messages must not have more than 10000 elements");
    return ok();
}

result<std::pair<std::string, conversation>> backend::decode_conversation(json::fields const& f, instant now) {
    conversation c;
    BSP_TRY(std::string id, identifier_of(f, "conversation_id"));
    BSP_TRY(c.version, version_of(f));
    BSP_TRY(c.modified, instant_of(f, "last_modified"));
    BSP_TRY(c.modified_text, text_of(f, "last_modified"));
    BSP_CHECK(check_ahead(c.modified, now));
    BSP_CHECK(label_of(f, "source_backend"));
    if (f.find("title")) BSP_CHECK(text_of(f, "title"));

    c.winner.version = c.version;
    c.winner.modified = c.modified;
    BSP_TRY(c.winner.deleted, flag(f, "deleted"));
    BSP_TRY(c.winner.redacted, flag(f, "redacted"));
    c.winner.received = f.get();
    c.winner.received.erase("messages");
    c.winner.received.erase("surfaces");
    BSP_TRY(std::string const text, canonical(c.winner.received));
    c.winner.digest = sha256(text);

    BSP_TRY(json::elements const surfaces, f.required_array("surfaces"));
    for (std::size_t i = 0; i < surfaces.size(); ++i) {
        BSP_TRY(auto const surface, surfaces.string_at(i));
        if (!is_label(surface)) return surfaces.invalid(i, "must have 1 to 128 characters");
        c.listed.insert(std::string{surface});
    }
    c.surfaces = c.listed;
    BSP_TRY(json::elements const messages, f.required_array("messages"));
    for (std::size_t i = 0; i < messages.size(); ++i) {
        BSP_TRY(json::fields const m, messages.object_at(i));
        BSP_TRY(message const decoded, decode_message(m, now));
        add_surface(c, decoded);
        join_message(c, decoded);
        c.brought_along.push_back(decoded);
    }
    return std::pair{std::move(id), std::move(c)};
}

result<message> backend::decode_message(json::fields const& f, instant now) {
    BSP_TRY(std::string id, identifier_of(f, "id"));
    for (char const* label : {"role", "surface", "source_backend"}) BSP_CHECK(label_of(f, label));
    BSP_TRY(std::string const content, text_of(f, "content"));
    BSP_CHECK(check_content(content));
    BSP_TRY(instant const written, instant_of(f, "timestamp"));
    BSP_CHECK(check_ahead(written, now));
    BSP_TRY(std::int64_t const version, version_of(f));
    BSP_TRY(bool const deleted, flag(f, "deleted"));
    BSP_TRY(bool const redacted, flag(f, "redacted"));
    if (deleted && !content.empty()) return f.invalid("content", "must be empty in a tombstone");
    return make_message(f.get(), std::move(id), version, written, deleted, redacted);
}

result<> backend::check_content(std::string_view content) {
    if (content.size() > (1u << 20)) return fail(errc::invalid_body, "content must not be longer than 1 MiB");
    return ok();
}

result<> backend::check_ahead(instant t, instant now) {
    if (t > now + std::chrono::hours{24}) return fail(errc::invalid_body, "a timestamp lies more than 24 hours ahead");
    return ok();
}

std::pair<std::string, std::string> backend::receipt_key(peer_record const& peer, std::string const& sync_id) { return {peer.peer_id, sync_id}; }

receipt const* backend::recall(std::pair<std::string, std::string> const& key) {
    auto const found = state_.receipts.find(key);
    return found == state_.receipts.end() ? nullptr : &found->second;
}

void backend::remember(std::pair<std::string, std::string> const& key, receipt r) { state_.receipts.insert_or_assign(key, std::move(r)); }

sha256_digest backend::digest_of(json::object const& body) { return sha256(json::canonicalize(body.at("conversations")).value()); }

std::int64_t backend::version_leaps(peer_record const& peer, tenant const& incoming) {
    auto const greatest = [](conversation const& c) {
        std::int64_t out = c.version;
        for (auto const& [id, m] : c.messages) out = std::max(out, m.version);
        return out;
    };
    tenant const& all = tenant_of(peer.user_id);
    return std::count_if(incoming.begin(), incoming.end(), [&](auto const& one) {
        auto const held = all.find(one.first);
        return held != all.end() && !held->second.is_new() && is_leap(greatest(held->second), greatest(one.second));
    });
}

json::array backend::apply(peer_record const& peer, tenant const& incoming, instant now) {
    json::array conflicts;
    tenant& all = tenant_of(peer.user_id);
    instant const commit = next_commit(now);
    for (auto const& [id, from] : incoming) {
        conversation& into = all[id];
        std::set<std::pair<std::string, std::string>> told;
        for (message const& m : from.brought_along)
            if (auto const held = into.messages.find(m.id); held != into.messages.end())
                if (auto c = conflict(id, held->second, m); c && told.emplace(m.id, m.canonical).second) conflicts.push_back(*std::move(c));
        keep_losers(into, from, now);
        bool const was_deleted = into.winner.deleted;
        if (!join(into, from)) continue;
        into.committed = into.brought[peer.peer_id] = commit;
        if (!was_deleted || into.winner.deleted) continue;
        for (auto& [who, when] : into.brought) when = commit;  // what was withheld is due, to whoever brought it back, too
    }
    announce(all, cause::push);
    return conflicts;
}

json::object backend::push_answer(std::string const& sync_id, json::array conflicts) {
    return {{"status", "synced"}, {"acked_sync_id", sync_id}, {"conflicts", std::move(conflicts)}, {"next_sync_in_ms", 5000}};
}

tenant& backend::tenant_of(std::string const& user_id) { return state_.tenants[user_id]; }

instant backend::next_commit(instant now) {
    instant const next = state_.last_commit + std::chrono::nanoseconds{1};
    return state_.last_commit = now > next ? now : next;
}

}  // namespace bsp::faulty
