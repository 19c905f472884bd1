#include "backend.hpp"

#include <bsp/crypto/sha256.hpp>

#include <algorithm>

namespace bsp::faulty {

namespace {

constexpr std::int64_t version_max = (std::int64_t{1} << 53) - 1;

/// The members of a write that are not the message's own.
constexpr std::string_view not_of_message[] = {"title", "version", "source_backend", "deleted", "redacted"};

bool is_of_message(std::string_view name) { return std::find(std::begin(not_of_message), std::end(not_of_message), name) == std::end(not_of_message); }

instant later(instant a, instant b) { return a < b ? b : a; }

}  // namespace

result<http_response> backend::list_conversations(call const& c) {
    BSP_TRY(principal const who, authenticate(c, user_may | peer_may));
    BSP_TRY(std::size_t const limit, limit_of(c));
    BSP_TRY(auto const cursor, cursor_of(c, "list"));
    std::string const after = cursor ? std::string{json::view(cursor->at("id").as_string())} : "";

    json::array entries;
    std::string last = after;
    bool more = false;
    tenant const& all = tenant_of(who.user_id);
    for (auto at = all.upper_bound(after); at != all.end(); ++at) {
        if (!is_listed(at->second)) continue;
        if (entries.size() == page_size(limit)) {
            more = true;
            break;
        }
        entries.push_back(outgoing(list_entry(at->first, at->second), who.peer, outlet::read));
        last = at->first;
    }
    json::object out{{"conversations", std::move(entries)}, {"has_more", more}};
    if (more) out["cursor"] = make_cursor({{"f", "list"}, {"id", last}});
    return json_answer(200, out);
}

bool backend::is_listed(conversation const& c) { return !c.winner.deleted; }

json::object backend::list_entry(std::string const& id, conversation const& c) {
    json::object out = emit_scalars(id, c);
    out["surfaces"] = emit_surfaces(c);
    out["message_count"] = std::count_if(c.messages.begin(), c.messages.end(), [](auto const& m) { return !m.second.deleted; });
    return out;
}

result<http_response> backend::read_conversation(call const& c, std::string const& segment) {
    BSP_TRY(principal const who, authenticate(c, user_may | peer_may));
    BSP_TRY(std::string const id, path_identifier(segment));
    tenant const& all = tenant_of(who.user_id);
    auto const found = all.find(id);
    if (found == all.end() || found->second.winner.deleted) return absent_conversation(who, id);
    conversation const& conversation = found->second;
    json::object out = emit_scalars(id, conversation);
    out["surfaces"] = emit_surfaces(conversation);
    out["messages"] = emit_messages(conversation, false);
    if (std::string const* wanted = c.parameter("conflicts"); wanted && *wanted == "1") out["conflicts"] = emit_losers(conversation);
    return json_answer(200, outgoing(std::move(out), who.peer, outlet::read));
}

result<http_response> backend::absent_conversation(principal const&, std::string const&) { return fail(errc::not_found, "no such conversation"); }

json::array backend::emit_losers(conversation const& c) {
    json::array out;
    for (auto const& l : c.losers)
        out.push_back(json::object{{"message_id", l.id}, {"conflict_type", "diverged_messages"}, {"recorded_at", format_timestamp(l.recorded)}, {"message", l.message}});
    return out;
}

result<http_response> backend::write_message(call const& c, std::string const& segment) {
    BSP_TRY(principal const who, authenticate(c, user_may | peer_may));
    BSP_TRY(std::string const id, path_identifier(segment));
    BSP_TRY(json::object body, parse_object(c));
    BSP_CHECK(canonical(body));
    BSP_CHECK(check_write_depth(body));
    json::fields const f{body};
    BSP_CHECK(label_of(f, "role"));
    BSP_CHECK(label_of(f, "surface"));
    BSP_TRY(std::string const content, text_of(f, "content"));
    BSP_CHECK(check_content(content));
    if (f.find("title")) BSP_CHECK(text_of(f, "title"));
    instant written = c.now;
    if (f.find("timestamp")) {
        BSP_TRY(written, instant_of(f, "timestamp"));
        BSP_CHECK(check_ahead(written, c.now));
    }

    tenant& all = tenant_of(who.user_id);
    auto const found = all.find(id);
    conversation const none;
    conversation const& before = found == all.end() ? none : found->second;
    std::string message_id;
    if (f.find("id")) {
        BSP_TRY(message_id, identifier_of(f, "id"));
        auto const held = before.messages.find(message_id);
        if (held != before.messages.end() && !before.winner.deleted && repeats(held->second, body)) {
            json::object const as_held = emit_message(held->second);
            json::value const* title = body.if_contains("title");
            json::value const* held_title = before.winner.received.if_contains("title");
            // The message stays as it is, but a new title is a write of the conversation (BSP-CNV-053).
            if (title && (!held_title || *title != *held_title)) BSP_CHECK(commit_locally(all, id, scalars_to_write(id, before, body), next_version(before, ""), std::nullopt, c.now));
            return json_answer(200, as_held);
        }
    } else {
        message_id = new_message_id(before);
    }

    std::int64_t const version = next_version(before, message_id);
    if (auto const held = before.messages.find(message_id); held != before.messages.end() && !f.find("timestamp")) written = time_over(held->second, version, c.now);
    json::object stored = message_to_write(body, version);
    stored["id"] = message_id;
    if (!f.find("timestamp")) stored["timestamp"] = format_timestamp(written);
    BSP_TRY(message m, make_message(stored, message_id, version, written, false, false));
    BSP_CHECK(commit_locally(all, id, scalars_to_write(id, before, body), conversation_version(version, before), std::move(m), c.now));
    return json_answer(201, stored);
}

/// Where versions have come to their end, the instant must make this write the greater one.
instant backend::time_over(message const& held, std::int64_t version, instant now) {
    return held.version == version ? later(now, held.written + std::chrono::nanoseconds{1}) : now;
}

result<> backend::check_write_depth(json::object const& body) {
    return json::depth(body) > 28 ? result<>{fail(errc::invalid_body, "nested too deeply for a push")} : ok();
}

bool backend::repeats(message const& m, json::object const& body) {
    if (m.deleted) return false;
    for (auto const& member : body) {
        std::string_view const name = json::view(member.key());
        json::value const* stored = m.received.if_contains(name);
        if (is_of_message(name) && (!stored || *stored != member.value())) return false;
    }
    return true;
}

std::int64_t backend::next_version(conversation const& c, std::string const&) {
    std::int64_t seen = c.version;
    for (auto const& [id, m] : c.messages) seen = std::max(seen, m.version);
    return std::min(seen + 1, version_max);
}

std::string backend::new_message_id(conversation const&) { return "msg_" + random_hex(16); }

json::object backend::message_to_write(json::object const& body, std::int64_t version) {
    json::object out;
    for (auto const& member : body)
        if (is_of_message(json::view(member.key()))) out[member.key()] = member.value();
    out["version"] = version;
    out["source_backend"] = backend_id_;
    return out;
}

json::object backend::scalars_to_write(std::string const& id, conversation const& held, json::object const& body) {
    json::object out = held.winner.received;
    out["conversation_id"] = id;
    out.erase("deleted");
    out.erase("redacted");
    if (held.is_new()) out["source_backend"] = backend_id_;
    if (auto const* title = body.if_contains("title")) out["title"] = *title;
    return out;
}

instant backend::modified_by_write(conversation const* held, std::optional<message> const&, instant now) { return held ? later(now, held->modified + std::chrono::nanoseconds{1}) : now; }

result<> backend::commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) {
    auto const found = all.find(id);
    conversation incoming;
    incoming.version = version;
    incoming.modified = modified_by_write(found == all.end() ? nullptr : &found->second, m, now);
    incoming.modified_text = format_timestamp(incoming.modified);
    scalars["version"] = version;
    scalars["last_modified"] = incoming.modified_text;
    incoming.winner.version = version;
    incoming.winner.modified = incoming.modified;
    incoming.winner.deleted = scalars.contains("deleted");
    BSP_TRY(std::string const text, canonical(scalars));
    incoming.winner.digest = sha256(text);
    incoming.winner.received = std::move(scalars);
    if (m) {
        add_surface(incoming, *m);
        std::string const message_id = m->id;
        incoming.messages.emplace(message_id, *std::move(m));
    }
    conversation& into = all[id];
    join(into, incoming);
    into.committed = into.brought[""] = next_commit(now);
    announce(all, cause::write);
    return ok();
}

result<http_response> backend::delete_conversation(call const& c, std::string const& segment) {
    BSP_TRY(principal const who, authenticate(c, user_may | peer_may));
    BSP_TRY(std::string const id, path_identifier(segment));
    tenant& all = tenant_of(who.user_id);
    auto const found = all.find(id);
    if (found == all.end() || found->second.winner.deleted) return absent_conversation(who, id);
    std::int64_t const version = next_version(found->second, "");
    BSP_CHECK(commit_locally(all, id, tombstone_of(id, found->second), version, std::nullopt, c.now));
    return json_answer(200, json::object{{"status", "deleted"}, {"version", version}});
}

result<http_response> backend::delete_message(call const& c, std::string const& segment, std::string const& message_segment) {
    BSP_TRY(principal const who, authenticate(c, user_may | peer_may));
    BSP_TRY(std::string const id, path_identifier(segment));
    BSP_TRY(std::string const message_id, path_identifier(message_segment));
    tenant& all = tenant_of(who.user_id);
    auto const found = all.find(id);
    if (found == all.end() || found->second.winner.deleted) return absent_conversation(who, id);
    auto const held = found->second.messages.find(message_id);
    if (held == found->second.messages.end() || held->second.deleted) return fail(errc::not_found, "no such message");

    std::int64_t const version = next_version(found->second, message_id);
    instant const written = later(c.now, held->second.written + std::chrono::nanoseconds{held->second.version == version ? 1 : 0});
    BSP_TRY(message m, make_message(tombstone_of(held->second, version, written), message_id, version, written, true, false));
    BSP_CHECK(commit_locally(all, id, scalars_to_write(id, found->second, {}), version, std::move(m), c.now));
    return json_answer(200, json::object{{"status", "deleted"}, {"version", version}});
}

json::object backend::tombstone_of(std::string const& id, conversation const& held) {
    return {{"conversation_id", id}, {"source_backend", held.winner.received.at("source_backend")}, {"deleted", true}};
}

json::object backend::tombstone_of(message const& held, std::int64_t version, instant written) {
    json::object const& old = held.received;
    return {{"id", held.id},
            {"role", old.at("role")},
            {"content", ""},
            {"timestamp", format_timestamp(written)},
            {"surface", old.at("surface")},
            {"source_backend", old.at("source_backend")},
            {"version", version},
            {"deleted", true}};
}

}  // namespace bsp::faulty
