#include "../registry.hpp"
#include "../scenario.hpp"
#include "edits.hpp"
#include "ground.hpp"
#include "habits.hpp"
#include "odd_names.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>

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
    auto const number = std::to_string(1'000'000'000 + s.pick(1'000'000'000)), long_number = number + number + number;
    for (caller const& who : {static_cast<caller>(a), s.user()})
        for (auto const& [one, other] : {std::pair{low, upper(low)}, std::pair{longest + "a", longest + "b"}, std::pair{number, "0" + number}, std::pair{number + ".0", number + "e0"}, std::pair{long_number + "1", long_number + "2"}}) {
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

/// An unpairing voids the tokens of the backend that was unpaired, and of no other.
void unpaired_by_name(scenario& s) {
    auto const type = s.target_is_hosted() ? std::string{"local_"} : std::string{"hosted_"};
    for (auto const& [one, other] : taken_for_one_another(type + s.fresh("b"))) {
        auto const r = s.settled({.backend_id = one, .created = std::chrono::seconds{-60}}), o = s.settled({.backend_id = other, .created = std::chrono::seconds{-60}});
        auto const a = s.register_peer(r);
        auto const x = s.try_register(o);
        s.accepted(x, "beside " + one + " the registration of " + other);
        auto const b = s.peer_of(x, o);
        s.expect(b.peer_id() != a.peer_id(), "a peer_id of its own for " + other, "that of " + one);
        s.control(a.unpair(), "the unpairing of " + one);
        s.accepted(b.pull({.limit = 1}), "after the unpairing of " + one + " a pull of " + other);
        s.accepted(s.try_register(o), "after the unpairing of " + one + " a registration of " + other + " with a token of before it");
        s.refused(s.try_register(r), "after the unpairing of " + one + " its registration with a token of before it", {.statuses = {401}, .codes = {"invalid-sbt"}});
    }
}

/// A revocation is of one backend_id and its keys.
void revoked_by_name(scenario& s) {
    for (auto const& [one, other] : taken_for_one_another("local_" + s.fresh("b"))) {
        auto const r = s.settled({.backend_id = one, .signing_key = s.fresh_key()}), o = s.settled({.backend_id = other});
        auto const a = s.register_peer(r), b = s.register_peer(o);
        s.control(s.admin().del("/peers/" + a.peer_id()), "the revocation of " + one);
        s.accepted(b.pull({.limit = 1}), "after the revocation of " + one + " a pull of " + other);
        s.accepted(s.try_register(o), "after the revocation of " + one + " a registration of " + other);
        s.accepted(b.pull({.limit = 1}), "another pull of " + other);
        s.refused(s.try_register(r), "after its revocation a registration of " + one, {.statuses = {403}, .codes = {"peer-revoked"}});
    }
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
     .title = "jtis that differ in case, at the last of 128 characters, or as texts though not as numbers, are different",
     .clauses = {"BSP-GEN-060", "BSP-AUT-017", "BSP-AUT-044"},
     .impact = "requests are refused as replays now and then",
     .likely_cause = "a column that compares without case or as numbers, or cuts at 64 characters",
     .run = jtis},
    {.id = "reg/backend-id-exact",
     .title = "backend ids that differ in case are different backends",
     .clauses = {"BSP-GEN-060", "BSP-REG-001"},
     .impact = "a backend is taken for another, or cannot register",
     .likely_cause = "a column that compares without case",
     .run = backend_ids},
    {.id = "peer/unpaired-by-name",
     .title = "an unpairing leaves alone the backends whose ids are much like that of the unpaired one",
     .clauses = {"BSP-GEN-060", "BSP-REG-044", "BSP-REG-001"},
     .impact = "who removes one device makes others pair anew, for no reason that anybody sees",
     .likely_cause = "LIKE or an expression for a comparison of backend ids, to which % and . stand for anything",
     .run = unpaired_by_name},
    {.id = "peer/revoked-by-name",
     .title = "a revocation leaves alone the backends whose ids are much like that of the revoked one",
     .clauses = {"BSP-GEN-060", "BSP-REG-051", "BSP-REG-053"},
     .impact = "one backend with a clever name, once it is revoked, locks out all others for good",
     .likely_cause = "LIKE or an expression for a comparison of backend ids, to which % and . stand for anything",
     .run = revoked_by_name,
     .needs = need::admin_token | need::hosted_target},
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
    {.id = "syn/names-of-objects",
     .title = "sync ids and jtis that every object of a language has are new when they come first, and used afterwards",
     .clauses = {"BSP-GEN-059", "BSP-GEN-061", "BSP-SYN-020", "BSP-SYN-072", "BSP-AUT-017"},
     .impact = "a push is refused that never came before, or dropped",
     .likely_cause = "an object or a row of a language serves as a map: constructor, __proto__ and null are in it from the beginning",
     .run = names_of_objects},
    {.id = "syn/odd-texts",
     .title = "titles, labels and unknown members that look like something else come back as they were pushed",
     .clauses = {"BSP-GEN-056", "BSP-GEN-069", "BSP-SYN-011"},
     .impact = "007 becomes 7, a time is moved to another zone, and the digests of backends differ for ever",
     .likely_cause = "columns that convert numbers, libraries that find dates in strings, lists made of maps, names matched without case, texts escaped for a page",
     .run = odd_texts_everywhere},
    {.id = "cnv/odd-texts",
     .title = "a write of what looks like something else is stored as it is",
     .clauses = {"BSP-CNV-045", "BSP-CNV-053", "BSP-GEN-056"},
     .impact = "a title 0 is none, a time is moved to another zone, and a text reads differently after it was written",
     .likely_cause = "truth for presence, columns that convert numbers, names matched without case, texts escaped for a page",
     .run = odd_texts_of_writes},
    {.id = "mrg/tie-odd-texts",
     .title = "a tie between messages with unusual characters is decided by their canonical bytes",
     .clauses = {"BSP-MRG-018"},
     .impact = "two backends differ for good about every message with a letter beyond ASCII or a sign of HTML",
     .likely_cause = "the digest of a tie is over another serializer than the signature: one that escapes <, > and &, or leaves letters as they are",
     .run = ties_of_odd_texts},
    {.id = "cnv/flags-elsewhere",
     .title = "what stands deeper in a conversation or message, or looks like it, is no flag of it",
     .clauses = {"BSP-CNV-033", "BSP-GEN-067", "BSP-SYN-104"},
     .impact = "a conversation about the protocol, or with a member of a later version, is not in the list",
     .likely_cause = "flags are searched for in the text of what is stored",
     .run = flags_elsewhere},
    {.id = "mrg/two-part-keys",
     .title = "conversation and message are two names, whatever stands between them when they are joined",
     .clauses = {"BSP-MRG-001", "BSP-MRG-002", "BSP-MRG-010"},
     .impact = "a message takes the place of one of another conversation",
     .likely_cause = "a key that joins both ids by a character that may stand in them",
     .run = keys_of_two_parts},
    {.id = "mrg/many-conflicts",
     .title = "each of 130 diverged messages is listed",
     .clauses = {"BSP-MRG-060"},
     .impact = "a client takes for delivered what does not stand",
     .likely_cause = "a list of conflicts that ends after a hundred",
     .run = many_conflicts},
    {.id = "mrg/older-among-many",
     .title = "of 1,000 messages pushed at once each is compared with the one that is held",
     .clauses = {"BSP-MRG-014", "BSP-MRG-051"},
     .impact = "a device that was away long overwrites what was edited meanwhile, and brings back what was deleted",
     .likely_cause = "what is held is looked up in batches, of which the last one or the first one counts",
     .run = older_among_many},
    {.id = "mrg/copies",
     .title = "a change of a message leaves the same message in another conversation, and of another user, as it is",
     .clauses = {"BSP-MRG-002", "BSP-MRG-003", "BSP-MRG-010", "BSP-CNV-003"},
     .impact = "whoever deletes a message deletes it in the copies of a conversation, too, and other people's",
     .likely_cause = "equal messages are stored once, under their digest, and nobody counts who else has them",
     .run = copies_are_apart,
     .needs = need::all_users},
    {.id = "mrg/same-again",
     .title = "messages with members that say nothing, such as redacted: false, are the same when they come again",
     .clauses = {"BSP-MRG-062"},
     .impact = "every repeated push shows people conflicts of messages with themselves, and ties are decided differently at each backend",
     .likely_cause = "members that are false, null or empty are left out when a message is stored",
     .run = the_same_again},
    {.id = "cnv/kept-connection",
     .title = "what was changed over one connection is seen on another that stays open",
     .clauses = {"BSP-SYN-055", "BSP-CNV-010"},
     .impact = "a browser that keeps its connection shows what was",
     .likely_cause = "a session, a transaction or a cache of objects that lives as long as its connection",
     .run = connections_see_writes,
     .needs = need::sockets},
    {.id = "cnv/patterns",
     .title = "a deletion is of the one name, and not of those that are like it",
     .clauses = {"BSP-GEN-060", "BSP-CNV-060", "BSP-CNV-061"},
     .impact = "with one conversation others are deleted",
     .likely_cause = "LIKE or an expression for a comparison, to which _ and . stand for any character",
     .run = patterns_are_names},
    {.id = "syn/since-long-ago",
     .title = "a since of any year is a since",
     .clauses = {"BSP-SYN-104", "BSP-SYN-121", "BSP-GEN-051"},
     .impact = "a client that begins at the year 1 or 1970 gets nothing, or an error",
     .likely_cause = "time in unsigned or narrow integers, and zero for absent",
     .run = since_long_ago},
    {.id = "syn/since-escapes",
     .title = "a since is the same with and without percent-escapes",
     .clauses = {"BSP-SYN-121"},
     .impact = "clients whose library escapes more, or less, cannot pull",
     .likely_cause = "a query that is taken apart by hand",
     .run = spellings_of_since},
    {.id = "cnv/read-again",
     .title = "what was read before is read anew after every kind of change, by whomever it was made",
     .clauses = {"BSP-SYN-055", "BSP-CNV-010", "BSP-CNV-011", "BSP-MRG-053"},
     .impact = "people see what was, and write their answers to it",
     .likely_cause = "a cache from which one kind of write takes nothing: the pushes of other peers, deletions, or that it was not there",
     .run = read_again_after_changes},
    {.id = "cnv/validators",
     .title = "a conversation that has changed is given to who asks for it if it has changed",
     .clauses = {"BSP-SYN-055", "BSP-CNV-010"},
     .impact = "a browser shows the conversation as it was for as long as its version stays",
     .likely_cause = "an ETag made of the version, or a Last-Modified in seconds: both stay when a message comes",
     .run = validators_follow_changes},
    {.id = "cnv/answers-of-another",
     .title = "an answer to one user is never given to another who asks the same",
     .clauses = {"BSP-CNV-003", "BSP-CNV-004", "BSP-REG-035", "BSP-PRV-074"},
     .impact = "people read each other's conversations, settings and peers",
     .likely_cause = "a cache that knows answers by URL alone",
     .run = answers_of_another_user,
     .needs = need::second_user},
};

}  // namespace

group exact_names_group() { return {"exact-names", profile::syn, checks}; }

}  // namespace bsp::conformance
