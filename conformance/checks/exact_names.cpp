#include "../registry.hpp"
#include "../scenario.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <algorithm>
#include <cctype>

// Section 1.7, names that differ little are different names, wherever they serve.

namespace bsp::conformance {
namespace {

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

void sync_ids(scenario& s) {
    auto const a = s.register_peer();
    auto const low = s.fresh("sync-");
    auto const longest = low + std::string(127 - low.size(), 'x');
    auto const number = std::to_string(1'000'000'000 + s.pick(1'000'000'000));
    for (auto const& [one, other] : {std::pair{low, upper(low)}, std::pair{longest + "a", longest + "b"}, std::pair{low + ".", low + "~"}, std::pair{number, "0" + number}, std::pair{number + ".0", number + "e0"}}) {
        auto const c = s.fresh("c");
        s.control(a.push({s.conversation(c, 1, {s.message("m1", "one")})}, {.sync_id = one}), "a push with one sync_id");
        s.accepted(a.push({s.conversation(c, 1, {s.message("m2", "other")})}, {.sync_id = other}), "a push with another sync_id that is much like it");
        auto const ids = message_ids(s, a, c);
        s.expect(ids == std::vector<std::string>{"m1", "m2"}, "the messages of both", show(ids));
    }
}

void jtis(scenario& s) {
    auto const a = s.register_peer();
    auto const low = s.fresh("jti-");
    auto const longest = low + std::string(127 - low.size(), 'x');
    auto const write = [&](caller const& who, std::string const& jti) { return who.write(s.fresh("c"), "hello", {}, {.claims = set("jti", jti)}); };
    for (caller const& who : {static_cast<caller>(a), s.user()})
        for (auto const& [one, other] : {std::pair{low, upper(low)}, std::pair{longest + "a", longest + "b"}}) {
            s.control(write(who, one), "a write with one jti");
            s.accepted(write(who, other), "a write with another jti that is much like it");
        }
}

void backend_ids(scenario& s) {
    auto const r = s.settled();
    auto other = r;
    auto const type_end = r.backend_id->find('_') + 1;
    other.backend_id = r.backend_id->substr(0, type_end) + upper(r.backend_id->substr(type_end));
    other.signing_key = s.key();
    auto const a = s.register_peer(r);
    auto const x = s.try_register(other);
    s.accepted(x, "the registration of a backend_id that differs from a registered one in case, with a key of its own");
    s.expect(x.text("/peer_id") != a.peer_id(), "a peer_id of its own", "that of the other backend");
}

/// Letters of the account's id in their full-width forms, which NFKC folds to the plain ones.
std::string full_width(std::string const& id) {
    std::string out;
    for (char c : id) {
        if (c < '!' || c > '~') {
            out += c;
            continue;
        }
        auto const point = static_cast<unsigned>(c) - 0x21u + 0xFF01u;
        out += static_cast<char>(0xE0u | point >> 12);
        out += static_cast<char>(0x80u | (point >> 6 & 0x3Fu));
        out += static_cast<char>(0x80u | (point & 0x3Fu));
    }
    return out;
}

void users(scenario& s) {
    s.control(s.try_register(), "a registration of the user");
    for (auto const& [label, id] : {std::pair<std::string, std::string>{"full-width letters", full_width(s.account().id)},
                                    {"a combining mark at the end", s.account().id + "\xCC\x81"},
                                    {"a zero-width joiner at the end", s.account().id + "\xE2\x80\x8D"},
                                    {"a soft hyphen at the end", s.account().id + "\xC2\xAD"}}) {
        if (id == s.account().id) continue;
        s.refused(s.try_register({.user = user_account{id, s.account().secret}}), "a registration of the user's id with " + label, {.statuses = {401, 422, 400}, .codes = {"invalid-sbt", "invalid-body"}});
        s.refused(s.user({id, s.account().secret}).get("/conversations"), "a request of the user's id with " + label);
    }
}

/// Python, JavaScript and SQL take 1 for true in more places than one remembers.
void one_is_not_true(scenario& s) {
    auto const a = s.register_peer();
    auto const stamp = s.in_seconds(-60);
    auto const with = [&](json::value x) { return s.message("m1", "the same", 1, both(set("timestamp", stamp), set("x", std::move(x)))); };
    std::string first;
    for (bool const one_first : {true, false}) {
        auto const c = s.fresh("c");
        s.control(a.push({s.conversation(c, 1, {with(one_first ? json::value(1) : json::value(true))})}), "a push of one of the two");
        s.control(a.push({s.conversation(c, 1, {with(one_first ? json::value(true) : json::value(1))})}), "a push of the other");
        auto const x = a.read(c);
        s.accepted(x, "reading the conversation");
        auto const* m = find_by_id(x.body(), "/messages", "m1");
        auto const held = m && m->contains("x") ? show(m->at("x")) : "absent";
        s.expect(held == "1" || held == "true", "the member x is 1 or true", held);
        if (first.empty()) first = held;
        s.expect(held == first, "the same of two messages that differ in 1 and true stands in both orders", first + " in one order, " + held + " in the other");
    }
}

check const checks[] = {
    {.id = "syn/sync-id-exact",
     .title = "sync ids that differ in case, or at the last of 128 characters, are different",
     .clauses = {"BSP-GEN-060", "BSP-GEN-061", "BSP-SYN-070"},
     .impact = "a push is refused, or dropped as a repetition of another",
     .likely_cause = "a column that compares without case, or cuts at 64 characters",
     .run = sync_ids},
    {.id = "aut/jti-exact",
     .title = "jtis that differ in case, or at the last of 128 characters, are different",
     .clauses = {"BSP-GEN-060", "BSP-AUT-017", "BSP-AUT-044"},
     .impact = "requests are refused as replays now and then",
     .likely_cause = "a column that compares without case, or cuts at 64 characters",
     .run = jtis},
    {.id = "reg/backend-id-exact",
     .title = "backend ids that differ in case are different backends",
     .clauses = {"BSP-GEN-060", "BSP-REG-001"},
     .impact = "a backend is taken for another, or cannot register",
     .likely_cause = "a column that compares without case",
     .run = backend_ids},
    {.id = "sbt/user-id-not-normalized",
     .title = "user ids are not normalized: what only looks like a user is not that user",
     .clauses = {"BSP-GEN-060", "BSP-SBT-008"},
     .impact = "who registers a look-alike name with the operator enters another user's data",
     .likely_cause = "NFKC, case folding or removal of invisible characters before the lookup",
     .run = users},
    {.id = "mrg/tie-true-and-one",
     .title = "1 and true are different values, and one of them stands in every order",
     .clauses = {"BSP-MRG-018", "BSP-MRG-021", "BSP-GEN-027"},
     .impact = "two backends that heard the same pushes in another order differ for good",
     .likely_cause = "messages compared with the == of a language to which 1 is true",
     .run = one_is_not_true},
};

}  // namespace

group exact_names_group() { return {"exact-names", profile::syn, checks}; }

}  // namespace bsp::conformance
