#include "../registry.hpp"
#include "../scenario.hpp"
#include "edits.hpp"
#include "ground.hpp"

// Section 7.7, the versions of local writes of a conversation's own members.

namespace bsp::conformance {
namespace {

/// A conversation of version 3 with a message of version 7 and a tombstone of version 12: the next version is 13.
std::string with_versions(scenario& s, peer const& a) {
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 3, {s.message("m1", "kept", 7), s.message("m2", "", 12, set("deleted", true))})}), "a push of versions 3, 7 and 12");
    return c;
}

std::string number(std::int64_t n) { return std::to_string(n); }

void deletion_counts_on(scenario& s) {
    auto const a = s.register_peer();
    auto const c = with_versions(s, a);
    auto const x = s.user().del("/conversations/" + c);
    s.accepted(x, "deleting the conversation");
    s.expect(integer_at(x.body(), "/version") == 13, "the deletion has version 13", x.bytes().substr(0, 200));
    auto const fed = of_conversation(recent_feed(s, a).conversations, c);
    s.expect(integer_at(fed.entry, "/version") == 13, "the conversation has version 13 in the feed", show(fed.entry));

    // What arrives below that version does not bring it back, one above does.
    s.control(a.push({s.conversation(c, 12, {})}), "a push of version 12");
    s.expect(!a.read(c).ok() || at(a.read(c).body(), "/deleted") != nullptr, "the conversation stays deleted", "a write of version 12 brought it back");
    s.control(a.push({s.conversation(c, 14, {})}), "a push of version 14");
    auto const back = a.read(c);
    s.expect(back.ok() && integer_at(back.body(), "/version") == 14, "a write of version 14 brings it back", back.describe());
}

void title_counts_on(scenario& s) {
    auto const a = s.register_peer();
    auto const c = with_versions(s, a);
    s.accepted(s.user().write(c, "kept", both(set("id", "m1"), set("title", "another"))), "a write that repeats a message and gives a title");
    auto const x = a.read(c);
    s.control(x, "reading the conversation");
    s.expect(x.text("/title") == "another", "the title of the write", x.text("/title"));
    s.expect(integer_at(x.body(), "/version") == 13, "the conversation has version 13", number(integer_at(x.body(), "/version")));
}

check const checks[] = {
    {.id = "cnv/delete-conversation-version",
     .title = "the deletion of a conversation has one more than the greatest version seen in it",
     .clauses = {"BSP-MRG-071", "BSP-CNV-060"},
     .impact = "a deletion loses to what it deleted, and a stale device brings the conversation back",
     .likely_cause = "the version counts from the conversation alone, and not from its messages and tombstones",
     .run = deletion_counts_on},
    {.id = "cnv/title-version",
     .title = "a new title has one more than the greatest version seen in the conversation",
     .clauses = {"BSP-MRG-071", "BSP-CNV-053"},
     .impact = "a new title is lost when the conversation is next synchronized",
     .likely_cause = "a write that repeats a message takes a short cut past the version",
     .run = title_counts_on},
};

}  // namespace

group conversation_versions_group() { return {"conversation-versions", profile::syn, checks}; }

}  // namespace bsp::conformance
