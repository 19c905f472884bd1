#include "backend.hpp"

#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <tuple>

namespace bsp::faulty {

result<message> backend::make_message(json::object received, std::string id, std::int64_t version, instant written, bool deleted, bool redacted) {
    message m;
    BSP_TRY(m.canonical, canonical(received));
    BSP_TRY(m.digest, message_digest(received));
    m.received = std::move(received);
    m.id = std::move(id);
    m.version = version;
    m.written = written;
    m.deleted = deleted;
    m.redacted = redacted;
    return m;
}

result<sha256_digest> backend::message_digest(json::object const& received) {
    BSP_TRY(std::string const text, canonical(received));
    return sha256(text);
}

bool backend::outranks(message const& a, message const& b) {
    if (a.version != b.version) return a.version > b.version;
    if (a.written != b.written) return a.written > b.written;
    if (a.redacted != b.redacted) return b.redacted;
    return message_tie(a, b);
}

bool backend::message_tie(message const& a, message const& b) { return a.digest > b.digest; }

bool backend::write_outranks(scalar_write const& a, conversation const& held) {
    scalar_write const& b = held.winner;
    if (a.version != b.version) return a.version > b.version;
    if (a.modified != b.modified) return a.modified > b.modified;
    if (a.redacted != b.redacted) return b.redacted;
    return write_tie(a, b);
}

bool backend::write_tie(scalar_write const& a, scalar_write const& b) { return a.digest > b.digest; }

bool backend::join(conversation& into, conversation const& from) {
    // Messages first: the other parts must not see the conversation change under them.
    bool const messages = join_messages(into, from), surfaces = join_surfaces(into, from);
    bool const scalars = join_scalars(into, from), modified = join_modified(into, from);
    if (from.version > into.version) {
        into.version = from.version;
        return true;
    }
    return messages || surfaces || scalars || modified;
}

bool backend::join_messages(conversation& into, conversation const& from) {
    bool changed = false;
    for (auto const& [id, m] : from.messages) changed |= join_message(into, m);
    return changed;
}

bool backend::join_message(conversation& into, message const& incoming) {
    auto const [held, is_new] = into.messages.try_emplace(incoming.id, incoming);
    if (is_new) into.arrivals.push_back(incoming.id);
    else if (outranks(incoming, held->second)) held->second = incoming;
    else return false;
    if (incoming.deleted) std::erase_if(into.losers, [&](loser const& l) { return l.id == incoming.id; });
    return true;
}

bool backend::join_scalars(conversation& into, conversation const& from) {
    if (!into.is_new() && !write_outranks(from.winner, into)) return false;
    into.winner = from.winner;
    if (into.winner.deleted) into.losers.clear();
    return true;
}

bool backend::join_modified(conversation& into, conversation const& from) {
    if (std::tie(from.modified, from.modified_text) <= std::tie(into.modified, into.modified_text) && !into.modified_text.empty()) return false;
    into.modified = from.modified;
    into.modified_text = from.modified_text;
    return true;
}

bool backend::join_surfaces(conversation& into, conversation const& from) {
    std::size_t const before = into.surfaces.size();
    into.surfaces.insert(from.surfaces.begin(), from.surfaces.end());
    into.listed.insert(from.listed.begin(), from.listed.end());
    return into.surfaces.size() != before;
}

std::optional<json::object> backend::conflict(std::string const& conversation_id, message const& held, message const& incoming) {
    if (held.version != incoming.version || held.redacted != incoming.redacted || held.canonical == incoming.canonical) return std::nullopt;
    return json::object{{"conversation_id", conversation_id},
                        {"message_id", incoming.id},
                        {"local_version", held.version},
                        {"incoming_version", incoming.version},
                        {"conflict_type", "diverged_messages"},
                        {"resolution_strategy", "last_write_wins"},
                        {"winner", outranks(incoming, held) ? "incoming" : "local"}};
}

void backend::keep_losers(conversation& into, conversation const& from, instant now) {
    for (auto const& [id, m] : from.messages) {
        auto const held = into.messages.find(id);
        if (held == into.messages.end() || !conflict("", held->second, m)) continue;
        bool const incoming_wins = outranks(m, held->second);
        message const& winner = incoming_wins ? m : held->second;
        message const& lost = incoming_wins ? held->second : m;
        if (!winner.deleted && !lost.deleted) into.losers.push_back({lost.received, id, now});
    }
}

json::object backend::emit_scalars(std::string const& id, conversation const& c) {
    json::object out = c.winner.received;
    out["conversation_id"] = id;
    out["version"] = c.version;
    out["last_modified"] = c.modified_text;
    return out;
}

void backend::add_surface(conversation& into, message const& m) {
    if (!m.deleted) into.surfaces.insert(std::string{json::view(m.received.at("surface").as_string())});
}

json::array backend::emit_surfaces(conversation const& c) { return json::array(c.surfaces.begin(), c.surfaces.end()); }

json::array backend::emit_messages(conversation const& c, bool tombstones) {
    json::array out;
    for (message const* m : sorted_messages(c))
        if (m->deleted ? tombstones : !c.winner.deleted) out.push_back(emit_message(*m));
    return out;
}

json::object backend::emit_message(message const& m) { return m.received; }

std::vector<message const*> backend::sorted_messages(conversation const& c) {
    std::vector<message const*> sorted;
    sorted.reserve(c.messages.size());
    for (auto const& [id, m] : c.messages) sorted.push_back(&m);
    std::sort(sorted.begin(), sorted.end(), [](message const* a, message const* b) { return std::tie(a->written, a->id) < std::tie(b->written, b->id); });
    return sorted;
}

}  // namespace bsp::faulty
