#include "../registry.hpp"
#include "../scenario.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>

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

check const checks[] = {
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
