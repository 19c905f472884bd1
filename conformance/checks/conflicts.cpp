#include "../registry.hpp"
#include "../scenario.hpp"
#include "conversing.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <algorithm>
#include <map>

// Chapter 7, what `conflicts` tells of edits that went apart.

namespace bsp::conformance {
namespace {

json::object const* conflict_about(exchange const& x, std::string_view message_id) { return find_by_id(x.body(), "/conflicts", message_id, "message_id"); }

struct diverged { std::string conversation; exchange answer; std::string incoming; };

diverged diverge(scenario& s, peer const& a, std::string const& first, std::string const& second, std::string const& first_at, std::string const& second_at) {
    auto const c = s.fresh("c");
    auto const one = s.message("m1", first, 4, [&](json::object& m) { m["timestamp"] = first_at; });
    auto const two = s.message("m1", second, 4, [&](json::object& m) { m["timestamp"] = second_at; });
    s.control(a.push({s.conversation(c, 1, {one, s.message("m0", "beside")})}), "version 4");
    auto const x = a.push({s.conversation(c, 1, {two, s.message("m5", "new")})});
    s.control(x, "another version 4");
    return {c, x, second};
}

void diverged_edit_is_reported(scenario& s) {
    auto const a = s.register_peer();
    auto const [c, x, _] = diverge(s, a, "left", "right", s.in_seconds(-50), s.in_seconds(-40));
    auto const* entry = conflict_about(x, "m1");
    s.expect(entry != nullptr, "conflicts lists m1", show(x.at("/conflicts") ? *x.at("/conflicts") : json::value{}));
    s.expect(text_at(*entry, "/conversation_id") == c, "its conversation_id", text_at(*entry, "/conversation_id"));
    s.expect(integer_at(*entry, "/local_version") == 4 && integer_at(*entry, "/incoming_version") == 4, "local_version 4, incoming_version 4", show(*entry));
    s.expect(text_at(*entry, "/conflict_type") == "diverged_messages", "conflict_type diverged_messages", text_at(*entry, "/conflict_type"));
    s.expect(!text_at(*entry, "/resolution_strategy").empty(), "resolution_strategy, a string", show(*entry));
    s.exactly(text_at(*entry, "/resolution_strategy") == "last_write_wins", "resolution_strategy last_write_wins, as diverged messages are decided", text_at(*entry, "/resolution_strategy"));
    s.expect(entry->contains("winner"), "winner", show(*entry));

    auto const another = s.fresh("c");
    auto const ninth = [&](std::string const& content) { return a.push({s.conversation(another, 2, {s.message("m9", content, 9)})}); };
    s.control(ninth("left"), "a push of version 9");
    auto const y = ninth("right");
    s.control(y, "a push of another version 9");
    auto const* next = conflict_about(y, "m9");
    s.expect(next != nullptr, "conflicts lists m9", show(y.at("/conflicts") ? *y.at("/conflicts") : json::value{}));
    s.expect(text_at(*next, "/conversation_id") == another && integer_at(*next, "/local_version") == 9 && integer_at(*next, "/incoming_version") == 9, "its own conversation, local_version 9, incoming_version 9", show(*next));
}

/// The words are the server's own, but they tell one case from the other.
void winner_is_told_right(scenario& s) {
    auto const a = s.register_peer();
    std::map<bool, std::string> words;
    for (bool const incoming_later : {false, true}) {
        auto const [c, x, incoming] = diverge(s, a, "held", "pushed", s.in_seconds(incoming_later ? -50 : -40), s.in_seconds(incoming_later ? -40 : -50));
        auto const* entry = conflict_about(x, "m1");
        s.control(entry != nullptr, "conflicts lists m1");
        auto const stands = text_at(json::value(message_in(read(s, a, c), "m1")), "/content") == incoming ? "incoming" : "local";
        auto const told = text_at(*entry, "/winner");
        s.expect(told == stands || (told != "incoming" && told != "local"), std::string{"winner \""} + stands + "\", which is what is held now", told);
        words[incoming_later] = told;
    }
    s.expect(words[true] != words[false], "a winner that differs between the pushed copy and the one held before", "\"" + words[true] + "\" for both");
}

void winner_is_local_or_incoming(scenario& s) {
    auto const a = s.register_peer();
    auto const [c, x, _] = diverge(s, a, "held", "pushed", s.in_seconds(-50), s.in_seconds(-40));
    auto const* entry = conflict_about(x, "m1");
    s.control(entry != nullptr, "conflicts lists m1");
    s.expect(text_at(*entry, "/winner") == "incoming", "winner \"incoming\"", text_at(*entry, "/winner"));
}

void agreement_is_no_conflict(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const c = s.fresh("c");
    auto const one = s.message("m1", "one", 1), two = s.message("m2", "two", 1);
    auto const fresh = a.push({s.conversation(c, 1, {one})});
    s.control(fresh, "a new message");
    s.expect(conflict_about(fresh, "m1") == nullptr, "a new message is no conflict", show(fresh.body()));
    auto const same = b.push({s.conversation(c, 1, {one, two})});
    s.control(same, "the same message again, and a new one");
    s.expect(conflict_about(same, "m1") == nullptr, "an identical message is no conflict", show(same.body()));
    s.expect(conflict_about(same, "m2") == nullptr, "a new message is no conflict", show(same.body()));
    auto const elsewhere = b.push({s.conversation(s.fresh("d"), 1, {s.message("m1", "of another conversation", 1)})});
    s.control(elsewhere, "a message of the same id and version in another conversation");
    s.expect(conflict_about(elsewhere, "m1") == nullptr, "a message of another conversation is no conflict", show(elsewhere.body()));
    auto const grave = tombstone(s, "m1", 2, s.in_seconds(-10));
    s.control(a.push({s.conversation(c, 1, {grave})}), "its tombstone");
    auto const again = b.push({s.conversation(c, 1, {grave})});
    s.control(again, "the same tombstone again");
    s.expect(conflict_about(again, "m1") == nullptr, "an identical tombstone is no conflict", show(again.body()));
}

/// Octets decide what a conflict is, not the text of a message.
void any_difference_is_reported(scenario& s) {
    auto const a = s.register_peer();
    auto const early = s.in_seconds(-50), late = s.in_seconds(-40);
    auto const live = [&](std::string const& when, std::string const& role = "user") {
        return s.message("m1", "the same words", 4, [&](json::object& m) { m["timestamp"] = when, m["role"] = role; });
    };
    auto more = live(early);
    more["x-rating"] = 5;
    struct row { char const* what; json::object one, other; };
    row const rows[] = {{"a message and its deletion", live(early), tombstone(s, "m1", 4, late)},
                        {"messages of the same content and another timestamp", live(early), live(late)},
                        {"messages of the same content and another role", live(early), live(early, "assistant")},
                        {"messages that differ in an unknown member", live(early), more},
                        {"deletions at different times", tombstone(s, "m1", 4, early), tombstone(s, "m1", 4, late)}};
    for (auto const& [what, one, other] : rows)
        for (bool const one_first : {true, false}) {
            auto const c = s.fresh("c");
            s.control(a.push({s.conversation(c, 1, {one_first ? one : other})}), "a push");
            auto const x = a.push({s.conversation(c, 1, {one_first ? other : one})});
            s.accepted(x, "a push of what differs");
            s.expect(conflict_about(x, "m1") != nullptr, std::string{"conflicts lists m1: "} + what, show(x.body()));
        }
}

/// A push may bring the edit that diverged, and the next one of the same message, at once.
void lesser_divergence_is_reported(scenario& s) {
    auto const a = s.register_peer();
    for (bool const in_one_entry : {true, false}) {
        auto const c = s.fresh("c");
        s.control(a.push({s.conversation(c, 1, {s.message("m1", "held", 4)})}), "a push of version 4");
        auto const other = s.message("m1", "pushed", 4), next = s.message("m1", "the next one", 5);
        auto const x = in_one_entry ? a.push({s.conversation(c, 2, {other, next})}) : a.push({s.conversation(c, 2, {other}), s.conversation(c, 2, {next})});
        s.control(x, "a push of another version 4 and of version 5");
        s.expect(conflict_about(x, "m1") != nullptr, std::string{"conflicts lists m1, of which another version 4 is held than the one that comes with version 5, in "} + (in_one_entry ? "one entry" : "two entries"), show(x.body()));
    }
}
check const checks[] = {
    {.id = "mrg/conflicts",
     .title = "a message that diverged at equal version is listed in conflicts",
     .clauses = {"BSP-MRG-060", "BSP-MRG-065"},
     .impact = "one of two concurrent edits vanishes and nobody is told",
     .likely_cause = "conflicts is always empty",
     .run = diverged_edit_is_reported},
    {.id = "mrg/conflict-any-difference",
     .title = "whatever differs at equal version is listed in conflicts: a deletion, a time, a role, an unknown member",
     .clauses = {"BSP-MRG-060"},
     .impact = "a deletion that met an edit, or a change beside the text, is lost and nobody is told",
     .likely_cause = "the content is compared instead of the octets, or tombstones are left out",
     .run = any_difference_is_reported},
    {.id = "mrg/conflict-of-a-lesser",
     .title = "a diverged version is listed though a greater one comes with it",
     .clauses = {"BSP-MRG-060"},
     .impact = "an edit that lost is lost without a word when its author went on writing",
     .likely_cause = "the versions of a message in one push are joined first, and the greatest is compared with what is held",
     .run = lesser_divergence_is_reported},
    {.id = "mrg/conflict-winner",
     .title = "the winner of a conflict is the copy that stands",
     .clauses = {"BSP-MRG-066"},
     .impact = "clients show the text that lost",
     .likely_cause = "winner is a constant",
     .run = winner_is_told_right},
    {.id = "mrg/conflict-winner-words",
     .title = "the winner of a conflict is told as local or incoming",
     .clauses = {"BSP-MRG-078"},
     .impact = "clients of other makes cannot tell which copy stands",
     .likely_cause = "another pair of words",
     .run = winner_is_local_or_incoming,
     .strength = obligation::should},
    {.id = "mrg/no-false-conflicts",
     .title = "new and identical messages are no conflicts",
     .clauses = {"BSP-MRG-062"},
     .impact = "people are asked to resolve conflicts that do not exist",
     .likely_cause = "every id that is already held is listed",
     .run = agreement_is_no_conflict},
};

}  // namespace

group conflicts_group() { return {"conflicts", profile::syn, checks}; }

}  // namespace bsp::conformance
