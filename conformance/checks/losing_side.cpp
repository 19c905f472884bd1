#include "../registry.hpp"
#include "../scenario.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

// Chapter 7, what remains of writes that lose, and writes that must not lose.

namespace bsp::conformance {
namespace {

constexpr std::int64_t version_max = 9007199254740991;

void conflict_is_told_to_the_loser(scenario& s) {
    auto const a = s.register_peer();
    for (bool const incoming_wins : {true, false}) {
        auto const c = s.fresh("c");
        s.control(a.push({s.conversation(c, 1, {s.message("m1", "held", 4, set("timestamp", s.in_seconds(-50)))})}), "a push");
        auto const x = a.push({s.conversation(c, 1, {s.message("m1", "incoming", 4, set("timestamp", s.in_seconds(incoming_wins ? -40 : -60)))})});
        s.accepted(x, "a push of another message of the same version");
        auto const* entry = find_by_id(x.body(), "/conflicts", "m1", "message_id");
        auto const winner = incoming_wins ? "incoming" : "local";
        s.expect(entry != nullptr, std::string{"an entry in conflicts where the winner is "} + winner, x.bytes().substr(0, 200));
        auto const told = text_at(*entry, "/winner");
        s.expect(told == winner || (told != "incoming" && told != "local"), std::string{"winner "} + winner, show(*entry));
    }
}

/// Two texts for which `canonical_of` gives bytes whose SHA-256 begin with the same four octets, the one with the lesser digest
/// first. As with birthdays, some hundred thousand are enough. `frame` is canonical, with "@" for the text.
std::pair<std::string, std::string> close_digests(scenario& s, std::string const& frame) {
    auto const at = frame.find("\"@\"");
    s.control(at != std::string::npos, "a place for the text");
    std::unordered_map<std::uint32_t, std::string> seen;
    for (int n = 0; n < 1'000'000; ++n) {
        auto const text = "text " + std::to_string(n);
        auto const digest = sha256(frame.substr(0, at + 1) + text + frame.substr(at + 2));
        std::uint32_t const begin = std::uint32_t{digest[0]} << 24 | std::uint32_t{digest[1]} << 16 | std::uint32_t{digest[2]} << 8 | std::uint32_t{digest[3]};
        auto const [found, is_new] = seen.try_emplace(begin, text);
        if (is_new) continue;
        auto const other = sha256(frame.substr(0, at + 1) + found->second + frame.substr(at + 2));
        return other < digest ? std::pair{found->second, text} : std::pair{text, found->second};
    }
    s.inconclusive("among a million texts no two whose digests begin alike");
}

/// The whole digest decides, not a number made of its beginning.
void close_digests_of_messages(scenario& s) {
    auto const a = s.register_peer();
    auto const when = s.in_seconds(-60);
    auto const m = [&](std::string const& text) { return s.message("m1", text, 4, set("timestamp", when)); };
    auto const [less, greater] = close_digests(s, bsp::json::canonicalize(m("@")).value());
    for (bool const greater_first : {false, true}) {
        auto const c = s.fresh("c");
        s.control(a.push({s.conversation(c, 1, {m(greater_first ? greater : less)})}), "the first version");
        s.control(a.push({s.conversation(c, 1, {m(greater_first ? less : greater)})}), "the second version");
        auto const x = a.read(c);
        s.control(x, "reading the conversation");
        auto const stands = x.text("/messages/0/content");
        s.expect(stands == greater, "of two messages whose digests begin with the same four octets the one with the greater digest" + std::string{greater_first ? " (it came first)" : " (it came second)"}, stands);
    }
}

void close_digests_of_scalars(scenario& s) {
    auto const when = s.in_seconds(-60), c = s.fresh("c");
    auto const write = [&](std::string const& title) { return s.conversation(c, 4, {}, both(set("last_modified", when), set("title", title))); };
    auto const [less, greater] = close_digests(s, bsp::json::canonicalize(write("@"), {"messages", "surfaces"}).value());
    std::vector<std::string> titles;
    for (bool const greater_first : {false, true}) {
        auto const a = greater_first ? s.register_peer() : s.register_peer_of(s.other_account());  // the same conversation twice
        s.control(a.push({write(greater_first ? greater : less)}), "the first write");
        s.control(a.push({write(greater_first ? less : greater)}), "the second write");
        auto const x = a.read(c);
        s.control(x, "reading the conversation");
        titles.push_back(x.text("/title"));
    }
    s.expect(titles[0] == titles[1], "the same title in both orders of two writes whose digests begin with the same four octets", titles[0] + " and " + titles[1]);
}

/// What decides between writes is more than what is served: the stamp of the winning write, all digits of an instant, whether a
/// copy was redacted, and the versions of messages. A restart forgets none of it.
void decisions_after_a_restart(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const begun = s.now() - std::chrono::seconds{100};
    auto const at = [&](std::int64_t nanoseconds) { return format_timestamp(begun + std::chrono::nanoseconds{nanoseconds}); };
    auto const later = [&](int seconds) { return format_timestamp(begun + std::chrono::seconds{seconds}); };
    auto const stamped = s.fresh("stamped"), precise = s.fresh("precise"), copied = s.fresh("copied"), counted = s.fresh("counted"), id = s.fresh("s");
    auto const write = [&](std::int64_t version, int second, char const* title) { return s.conversation(stamped, version, {}, both(set("last_modified", later(second)), set("title", title))); };
    auto const m = [&](std::string const& content, std::int64_t nanoseconds, edit const& more = {}) { return s.message("m1", content, 1, both(set("timestamp", at(nanoseconds)), more ? more : [](json::object&) {})); };
    auto const digest = [](json::object const& o) { return sha256(bsp::json::canonicalize(o).value()); };
    auto const original = m("the original", 0);
    auto redacted = m("[REDACTED]", 0, set("redacted", true));
    for (int n = 0; digest(redacted) < digest(original); ++n) redacted["x_try"] = n;  // so that the digests alone would decide wrongly

    s.control(a.push({write(5, 10, "x")}), "a write of version 5");
    s.control(a.push({write(3, 20, "y")}), "a later write of version 3");
    s.control(a.push({s.conversation(precise, 1, {m("held", 123'456'700)}), s.conversation(copied, 1, {redacted}), s.conversation(counted, 2, {s.message("m1", "nine", 9)})}, {.sync_id = id}), "a push");
    s.restart();
    auto const reads = [&](std::string const& c) {
        auto x = a.read(c);
        s.control(x, "reading a conversation after the restart");
        return x;
    };
    auto const emitted = reads(stamped);
    s.expect(emitted.text("/last_modified") == later(20) && integer_at(emitted.body(), "/version") == 5, "version 5 and the latest last_modified after a restart", show(emitted.body()));
    s.control(a.push({write(5, 15, "z")}), "a write between the two");
    s.expect(reads(stamped).text("/title") == "z", "after a restart a write is compared with the stamp of the winning write, not with what is served", reads(stamped).text("/title"));

    s.control(a.push({s.conversation(precise, 1, {m("less", 123'456'000)})}), "an older version, by some hundred nanoseconds");
    s.expect(reads(precise).text("/messages/0/content") == "held", "after a restart the later timestamp wins, by some hundred nanoseconds", reads(precise).text("/messages/0/content"));
    s.control(a.push({s.conversation(precise, 1, {m("greater", 123'456'701)})}), "a newer version, by one nanosecond");
    s.expect(reads(precise).text("/messages/0/content") == "greater", "after a restart the later timestamp wins, by one nanosecond", reads(precise).text("/messages/0/content"));

    s.control(a.push({s.conversation(copied, 1, {original})}), "the original of a redacted copy");
    s.expect(reads(copied).text("/messages/0/content") == "the original", "after a restart an original takes the place of its redacted copy", reads(copied).text("/messages/0/content"));

    auto const written = who.write(counted, "ten");
    s.control(written, "a local write");
    s.expect(integer_at(written.body(), "/version") == 10, "after a restart a local write has one more than the greatest version of all messages, 10", show(written.body()));
    s.refused(a.push({s.conversation(s.fresh("d"), 1, {})}, {.sync_id = id}), "a sync_id of before the restart with other conversations", {.statuses = {409}, .codes = {"sync-id-reuse"}});
}

void surfaces_of_losers(scenario& s) {
    auto const a = s.register_peer();
    std::vector<std::vector<std::string>> emitted;
    for (bool const winner_first : {true, false}) {
        auto const c = s.fresh("c");
        auto const push = [&](std::int64_t version, char const* surface) {
            s.control(a.push({s.conversation(c, 1, {s.message("m1", surface, version, set("surface", surface))})}), "a push");
        };
        push(winner_first ? 2 : 1, winner_first ? "won" : "lost");
        push(winner_first ? 1 : 2, winner_first ? "lost" : "won");
        auto const x = a.read(c);
        s.accepted(x, "reading the conversation");
        std::vector<std::string> all;
        if (auto const* list = x.at("/surfaces"); list && list->is_array())
            for (auto const& one : list->as_array())
                if (one.is_string()) all.emplace_back(json::view(one.get_string()));
        std::sort(all.begin(), all.end());
        s.expect(std::find(all.begin(), all.end(), "won") != all.end(), "the surface of the message that stands", show(all));
        emitted.push_back(all);
    }
    s.expect(emitted[0] == emitted[1], "the same surfaces in both orders", show(emitted[0]) + " and " + show(emitted[1]));
}

void spelling_of_the_latest(scenario& s) {
    auto const a = s.register_peer();
    auto const moment = s.now() - std::chrono::seconds{100};
    std::vector<std::string> spellings{spelled(moment, 0, "Z"), spelled(moment, 60, "+01:00"), spelled(moment, -60, "-01:00")};
    auto const greatest = *std::max_element(spellings.begin(), spellings.end());
    for (int turn = 0; turn < 3; ++turn) {
        auto const c = s.fresh("c");
        for (auto const& text : spellings) s.control(a.push({s.conversation(c, 1, {}, set("last_modified", text))}), "a push");
        auto const x = a.read(c);
        s.accepted(x, "reading the conversation");
        s.expect(x.text("/last_modified") == greatest, "of three spellings of one instant the greatest, " + greatest, x.text("/last_modified"));
        std::rotate(spellings.begin(), spellings.begin() + 1, spellings.end());
    }
}

void conflicts_are_of_the_own_user(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer_of(s.other_account());
    auto const c = s.fresh("c"), content = s.canary();
    s.control(b.push({s.conversation(c, 4, {s.message("m1", content, 4)})}), "a push by another user's peer");
    auto const mine = s.message("m1", "mine", 4, set("timestamp", s.in_seconds(-50)));
    auto const first = a.push({s.conversation(c, 4, {mine})});
    s.accepted(first, "a push of the same ids and versions");
    s.expect(objects_at(first.body(), "/conflicts").empty(), "no conflicts, for this user had none of it", first.bytes().substr(0, 300));
    auto const again = a.push({s.conversation(c, 4, {s.message("m1", "edited", 4, set("timestamp", s.in_seconds(-40)))})});
    s.accepted(again, "a push of another message of the same version");
    auto entries = objects_at(again.body(), "/conflicts");
    std::erase_if(entries, [](json::object const& e) { return !e.contains("message_id"); });  // the conversation may be listed, too
    s.expect(entries.size() == 1, "one conflict, with the user's own message", again.bytes().substr(0, 300));
    for (auto const& x : {first, again}) s.expect(x.bytes().find(content) == std::string::npos, "nothing of another user's message", x.bytes().substr(0, 300));
}

/// The redacted one has the greater digest, so that only the third line of the order can decide.
void tombstones_have_the_same_order(scenario& s) {
    auto const a = s.register_peer();
    auto const when = s.in_seconds(-60);
    auto const digest = [](json::object const& m) { return to_hex(sha256(json::canonicalize(m).value())); };
    json::object plain, redacted;
    do {
        auto const mark = set("x-mark", s.canary());
        plain = s.message("m1", "", 3, both(both(set("timestamp", when), set("deleted", true)), mark));
        redacted = s.message("m1", "", 3, both(both(set("timestamp", when), set("deleted", true)), both(mark, set("redacted", true))));
    } while (digest(redacted) < digest(plain));
    for (bool const redacted_first : {false, true}) {
        auto const c = s.fresh("c");
        s.control(a.push({s.conversation(c, 1, {redacted_first ? redacted : plain})}), "a push of one tombstone");
        s.control(a.push({s.conversation(c, 1, {redacted_first ? plain : redacted})}), "a push of the other");
        auto const state = of_conversation(recent_feed(s, a).conversations, c);
        auto const* stands = state.message("m1");
        s.expect(stands != nullptr, "a tombstone of m1 in the pull", show(state.entry));
        auto const* flag = stands->if_contains("redacted");
        s.expect(!flag || *flag == json::value(false), std::string{"the tombstone that is not redacted, which came "} + (redacted_first ? "last" : "first"), show(*stands));
    }
}

void local_writes_win_at_the_top(scenario& s) {
    auto const a = s.register_peer();
    auto const ahead = s.in_seconds(3600);
    auto const held = [&] {
        auto c = s.fresh("c");
        s.control(a.push({s.conversation(c, version_max, {s.message("m1", "held", version_max, set("timestamp", ahead))}, both(set("last_modified", ahead), set("title", "held")))}), "a push of the greatest version, an hour ahead");
        return c;
    };
    auto const edited = held();
    s.accepted(s.user().write(edited, "edited", both(set("id", "m1"), set("title", "edited"))), "a write at the greatest version");
    auto const x = a.read(edited);
    s.control(x, "reading the conversation");
    auto const* m = find_by_id(x.body(), "/messages", "m1");
    s.expect(m && text_at(*m, "/content") == "edited", "the written message stands", m ? show(*m) : "absent");
    s.expect(x.text("/title") == "edited", "the title that was written stands", x.text("/title"));

    auto const deleted = held();
    s.accepted(s.user().del("/conversations/" + deleted + "/messages/m1"), "deleting the message at the greatest version");
    auto const after = a.read(deleted);
    auto const* gone = find_by_id(after.body(), "/messages", "m1");
    s.expect(!gone || gone->contains("deleted"), "the message is deleted", "it is still served");

    auto const whole = held();
    s.accepted(s.user().del("/conversations/" + whole), "deleting the conversation at the greatest version");
    auto const none = a.read(whole);
    s.expect(!none.ok() || none.at("/deleted") != nullptr, "the conversation is deleted", "it is still served");
}

/// What is as it was lost to nobody, and what replaces is not stale.
void agreement_is_not_stale(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const c = s.fresh("c");
    auto const first = s.conversation(c, 3, {s.message("m1", "text")}, set("title", "a title"));
    auto const is_told = [&](exchange const& x) {
        auto const* all = at(x.body(), "/conflicts");
        return all && all->is_array() && std::ranges::any_of(all->get_array(), [&](json::value const& one) { return text_at(one, "/conversation_id") == c && text_at(one, "/conflict_type") == "stale_metadata"; });
    };
    for (auto const& [entry, by, what] : {std::tuple{first, &a, "a new conversation"}, {first, &a, "the same conversation again"}, {first, &b, "the same conversation from another peer"},
                                          {s.conversation(c, 4, {s.message("m2", "text")}, set("title", "another title")), &b, "a greater write of its members"}}) {
        auto const x = by->push({entry});
        s.accepted(x, std::string{"a push of "} + what);
        s.expect(!is_told(x), std::string{what} + " is not told as stale", show(x.body()));
    }
    s.evidence("pushes of the same and of a greater write");
}

check const checks[] = {
    {.id = "mrg/no-false-staleness",
     .title = "a conversation whose scalar write is held already, or wins, is not told as stale",
     .clauses = {"BSP-MRG-080"},
     .impact = "people are told that a change of theirs was dropped, and none was",
     .likely_cause = "every write that changed nothing, or something, is listed",
     .run = agreement_is_not_stale},
    {.id = "mrg/close-digests",
     .title = "a tie is decided by the whole digest",
     .clauses = {"BSP-MRG-018"},
     .impact = "two backends keep different words, for ever, and nobody sees why",
     .likely_cause = "the digest is made a number, of which a machine word has the beginning",
     .run = close_digests_of_messages},
    {.id = "mrg/decides-after-restart",
     .title = "what decides between writes is known after a restart",
     .clauses = {"BSP-SYN-056", "BSP-MRG-035", "BSP-MRG-033", "BSP-MRG-016", "BSP-MRG-017", "BSP-MRG-070", "BSP-SYN-072"},
     .impact = "after an update of the server, backends that agreed begin to differ",
     .likely_cause = "the tables hold what is served, in the precision of the database, and not what was compared",
     .run = decisions_after_a_restart,
     .needs = need::restart_hook | need::alone},
    {.id = "mrg/close-digests-of-scalars",
     .title = "of two writes of a conversation's members that differ late in their digest one wins in every order",
     .clauses = {"BSP-MRG-031"},
     .impact = "two backends show different titles, for ever",
     .likely_cause = "the digest is made a number, of which a machine word has the beginning, and then the first stays",
     .run = close_digests_of_scalars,
     .needs = need::second_user},
    {.id = "mrg/conflict-either-way",
     .title = "a diverged message is in conflicts whichever of the two stands",
     .clauses = {"BSP-MRG-060", "BSP-MRG-066"},
     .impact = "a person's edit disappears, and nobody is told",
     .likely_cause = "conflicts are collected where something is replaced, and not where it is kept",
     .run = conflict_is_told_to_the_loser},
    {.id = "mrg/surfaces-of-losers",
     .title = "the surfaces of a conversation do not depend on the order in which a message's versions arrived",
     .clauses = {"BSP-MRG-021", "BSP-MRG-040"},
     .impact = "two backends that heard the same pushes differ for good",
     .likely_cause = "a message adds its surface only when it replaces another",
     .run = surfaces_of_losers},
    {.id = "mrg/last-modified-spelling",
     .title = "of several spellings of the latest last_modified the greatest is emitted, in every order",
     .clauses = {"BSP-MRG-077"},
     .impact = "the digests of two backends that agree are different",
     .likely_cause = "the first or the last of equal instants is kept",
     .run = spelling_of_the_latest,
     .strength = obligation::should},
    {.id = "mrg/conflicts-per-user",
     .title = "conflicts are with messages of the same user only",
     .clauses = {"BSP-MRG-067"},
     .impact = "an answer tells one user that, and what, another wrote",
     .likely_cause = "the message held is looked up by conversation and id alone",
     .run = conflicts_are_of_the_own_user,
     .needs = need::second_user},
    {.id = "mrg/redacted-tombstones",
     .title = "of two tombstones of equal version and timestamp the one that is not redacted wins",
     .clauses = {"BSP-MRG-017"},
     .impact = "two backends hold different tombstones for ever, and never agree on what they hold",
     .likely_cause = "deletions are compared apart from other writes",
     .run = tombstones_have_the_same_order},
    {.id = "cnv/saturation-ahead",
     .title = "at the greatest version local writes and deletions stand against authors whose clock is ahead",
     .clauses = {"BSP-MRG-079"},
     .impact = "a device with a wrong clock freezes a message: edits and deletions are confirmed and do not happen",
     .likely_cause = "the server's own clock becomes the timestamp although it is behind the one held",
     .run = local_writes_win_at_the_top,
     .strength = obligation::should},
};

}  // namespace

group losing_side_group() { return {"losing-side", profile::syn, checks}; }

}  // namespace bsp::conformance
