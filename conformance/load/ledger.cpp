#include "ledger.hpp"

#include "../json.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <map>

namespace bsp::conformance::load {
namespace {

constexpr std::string_view members_of_message[] = {"id", "role", "content", "timestamp", "surface", "source_backend", "version"};

std::string digest_of(json::value const& v) {
    auto const text = json::canonicalize(v);
    return text ? to_hex(sha256(*text)) : std::string{"without canonical form"};
}

/// Of the conversation's own members, those that tell which write won, with the digests of its messages.
std::string digest_of_conversation(std::string_view id, std::int64_t version, std::string_view last_modified, std::string_view title, std::map<std::string, std::string> const& messages) {
    json::array digests;
    for (auto const& [name, digest] : messages) digests.emplace_back(digest);
    return digest_of(json::object{{"conversation", json::object{{"conversation_id", id}, {"last_modified", last_modified}, {"title", title}, {"version", version}}}, {"messages", std::move(digests)}});
}

struct known_message {
    sent_push const* push;
    std::string const* digest;
};

}  // namespace

std::string digest_of_message(json::object const& message) {
    json::object kept;
    for (auto const name : members_of_message)
        if (auto const* member = message.if_contains(name)) kept[name] = *member;
    return digest_of(kept);
}

std::string_view to_string(flaw f) noexcept {
    switch (f) {
        case flaw::lost: return "lost";
        case flaw::altered: return "altered";
        case flaw::foreign: return "foreign";
        case flaw::twice: return "twice";
        case flaw::stale: return "stale";
    }
    return "?";
}

judgement judge(kept_conversation const& c, json::value const& read) {
    judgement out;
    auto const found = [&](flaw what, std::string const& message, std::string words) { out.flaws.push_back({what, c.id, message, std::move(words)}); };

    std::map<std::string_view, known_message> known;
    for (auto const& p : c.pushes)
        for (auto const& m : p.messages) known[m.id] = {&p, &m.digest};

    std::map<std::string, std::string> held, expected;
    std::string all;  // ids that came twice must not vanish in the digest
    for (auto const& m : objects_at(read, "/messages")) {
        json::value const v = m;
        auto const id = text_at(v, "/id");
        if (auto const* deleted = m.if_contains("deleted"); deleted && *deleted == true) continue;  // the tombstone of something is not it
        if (!held.emplace(id, digest_of_message(m)).second) {
            all += id + '\n';
            found(flaw::twice, id, "is there more than once");
            continue;
        }
        auto const sent = known.find(id);
        if (sent == known.end()) found(flaw::foreign, id, "is there, and nobody pushed it");
        else if (sent->second.push->fate == fate::refused) found(flaw::foreign, id, "is there, though its push " + sent->second.push->sync_id + " was refused");
        else if (held[id] != *sent->second.digest) found(flaw::altered, id, "is not as it was pushed: now " + show(v, 200));
    }

    // A push of which not all is known counts as far as it shows: both are right.
    sent_push const* last = nullptr;
    for (auto const& p : c.pushes) {
        bool const shows = std::any_of(p.messages.begin(), p.messages.end(), [&](auto const& m) { return held.contains(m.id); });
        if (p.fate == fate::refused || (p.fate != fate::acknowledged && !shows)) continue;
        last = &p;
        for (auto const& m : p.messages) {
            if (p.fate == fate::in_part && !held.contains(m.id)) continue;
            expected[m.id] = m.digest;
            if (p.fate == fate::acknowledged) ++out.acknowledged;
            if (held.contains(m.id)) continue;
            found(flaw::lost, m.id, p.fate == fate::acknowledged ? "is not there, though its push " + p.sync_id + " was acknowledged" : "is not there, though other messages of its push " + p.sync_id + " are: a push is applied as a whole or not at all");
        }
    }
    if (!last) {
        if (read.is_null() || !out.flaws.empty()) return out;
        found(flaw::foreign, "", "is there, though every push of it was refused");
        return out;
    }
    out.expected = digest_of_conversation(c.id, last->version, last->last_modified, c.title, expected);
    out.actual = all.empty() ? digest_of_conversation(text_at(read, "/conversation_id"), integer_at(read, "/version"), text_at(read, "/last_modified"), text_at(read, "/title"), held) : digest_of(json::value(all));
    if (out.flaws.empty() && out.expected != out.actual)
        found(flaw::stale, "", "has version " + std::to_string(integer_at(read, "/version")) + " and last_modified " + text_at(read, "/last_modified") + " instead of " + std::to_string(last->version) + " and " + last->last_modified + " of its last push");
    return out;
}

}  // namespace bsp::conformance::load
