#include "as_client.hpp"

#include <algorithm>

// Chapters 7 and 10: what is pulled is joined as what is pushed is, in whatever order versions come. The suite is the other
// backend.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds paging{45};  ///< for a few pages, of which a client may pull one in each interval

/// Gives these entries to the target, and waits until it has taken them in: what comes last tells.
void pulled(scenario& s, stand_in& b, std::vector<json::object> entries) {
    auto const witness = s.fresh("witness");
    entries.push_back(s.conversation(witness, 1, {s.message("m1", "text")}));
    for (auto& e : entries) b.publish(std::move(e));
    // One conversation of its own after them: an entry may be passed over, a page may not.
    bool const came = b.until(paging, [&] { return b.user().read(witness).ok() || (pass(milliseconds{200}), false); });
    s.control(came, "a page of the peer, taken in");
    pass(milliseconds{200});
}

std::string content(exchange const& x, std::string_view id) {
    auto const* m = find_by_id(x.body(), "/messages", id);
    return m ? text_at(*m, "/content") : "(none)";
}

/// Who reads may be shown a tombstone (BSP-CNV-014).
bool is_gone(exchange const& x, std::string_view id) {
    auto const* m = find_by_id(x.body(), "/messages", id);
    return !m || text_at(*m, "/content").empty();
}

void versions_are_joined(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    auto const of = [&](std::int64_t version, std::string const& title, milliseconds when, std::vector<json::object> messages) {
        return s.conversation(c, version, std::move(messages), [&](json::object& o) { o["title"] = title, o["last_modified"] = s.at(when); });
    };
    auto const at = [&](milliseconds when) { return [&s, when](json::object& m) { m["timestamp"] = s.at(when); }; };
    auto const gone = [](json::object& m) { m["deleted"] = true; };
    pulled(s, b, {of(5, "fifth", {}, {s.message("m1", "fifth", 5), s.message("m2", "", 5, gone), s.message("m4", "later", 1, at(-minutes{2}))})});
    s.control(content(b.user().read(c), "m1") == "fifth", "the first entry at the target");
    // An older entry has something new in it, and nothing else of it counts.
    pulled(s, b, {of(2, "second", -minutes{60}, {s.message("m1", "second", 2), s.message("m2", "second", 2), s.message("m3", "late", 2), s.message("m4", "earlier", 1, at(-minutes{3}))})});
    auto x = b.user().read(c);
    s.control(x, "reading it");
    s.expect(content(x, "m3") == "late", "a message that the target did not have, from an entry with an older last_modified and version", content(x, "m3"));
    s.expect(content(x, "m1") == "fifth", "the greater version of a message after an older one was pulled", content(x, "m1"));
    s.expect(content(x, "m4") == "later", "the later of two messages of one version", content(x, "m4"));
    s.expect(is_gone(x, "m2"), "a deleted message stays so when an older version of it is pulled", content(x, "m2"));
    s.expect(x.text("/title") == "fifth", "the title of the greater write after an older one was pulled", x.text("/title"));
    // And a greater one counts.
    pulled(s, b, {of(6, "sixth", {}, {s.message("m1", "sixth", 6), s.message("m4", "latest", 1, at(-minutes{1}))})});
    x = b.user().read(c);
    s.expect(content(x, "m1") == "sixth", "the edit of a message that the target has", content(x, "m1"));
    s.expect(content(x, "m4") == "latest", "the later of two messages of one version", content(x, "m4"));
    s.expect(x.text("/title") == "sixth", "the title of the greater write", x.text("/title"));
    s.expect(content(x, "m3") == "late", "what the last entry did not have", content(x, "m3"));
}

/// A deletion here is greater than what the peer still has.
void deletions_are_joined(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), d = s.fresh("d");
    auto const old_c = s.conversation(c, 1, {s.message("m1", "text"), s.message("m2", "text")}), old_d = s.conversation(d, 1, {s.message("m1", "text")});
    pulled(s, b, {old_c, old_d});
    s.control(b.user().del("/conversations/" + c + "/messages/m1"), "the deletion of a message that was pulled");
    s.control(b.user().del("/conversations/" + d), "the deletion of a conversation that was pulled");
    pulled(s, b, {old_c, old_d});
    auto const x = b.user().read(c);
    s.control(x, "reading what is left");
    s.expect(is_gone(x, "m1"), "a message that was deleted at the target stays so when the peer gives it once more", content(x, "m1"));
    s.expect(content(x, "m2") == "text", "the message beside it", content(x, "m2"));
    auto const y = b.user().read(d);
    s.expect(!y.ok() || is_gone(y, "m1"), "a conversation that was deleted at the target stays so when the peer gives it once more", y.describe());
}

check const checks[] = {
    {.id = "off/pull-joins",
     .title = "of versions that are pulled the greater ones stand, in whatever order they come",
     .clauses = {"BSP-OFF-051", "BSP-MRG-014"},
     .impact = "what was said or deleted last is undone by what a server says late, or never arrives",
     .likely_cause = "pages are written over what is held, or entries and messages that are known are passed over",
     .run = versions_are_joined,
     .needs = as_client},
    {.id = "off/pull-joins-deletions",
     .title = "what was deleted at the client does not come back with a pull",
     .clauses = {"BSP-OFF-051"},
     .impact = "what a person deleted is there again a few seconds later",
     .likely_cause = "a deletion removes the row, and the next page writes it anew",
     .run = deletions_are_joined,
     .needs = as_client},
};

}  // namespace

group client_joins_group() { return {"client_joins", profile::off, checks}; }

}  // namespace bsp::conformance
