#include "as_client.hpp"
#include "edits.hpp"

#include <algorithm>

// Chapters 7 and 10: what is pulled is joined as what is pushed is, in whatever order versions come, and what is due of it
// afterwards. The suite is the other backend.

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

/// Whether the push has the message, and it is so.
template <class Question>
bool has(arrival const& push, std::string_view conversation_id, std::string_view id, Question const& is_so) {
    json::value const conversation(*push.conversation(conversation_id));
    auto const* m = find_by_id(conversation, "/messages", id);
    return m && is_so(*m);
}

bool is_tombstone(json::object const& m) { return m.contains("deleted") && m.at("deleted") == json::value(true); }

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

/// What others get of a conversation is its state, and not the write that won.
void the_joined_state_is_passed_on(scenario& s) {
    auto const account = s.account();
    stand_in p{s, {.user = account}}, q{s, {.user = account}};
    p.settle(), q.settle();
    auto const c = s.fresh("c"), earlier = s.at(-minutes{5}), later = s.at(-minutes{4});
    auto const of = [&](std::int64_t version, std::string const& title, std::string const& when) {
        return s.conversation(c, version, {s.message("m" + std::to_string(version), "text")}, [&](json::object& o) { o["title"] = title, o["last_modified"] = when; });
    };
    pulled(s, p, {of(5, "fifth", earlier)});
    pulled(s, p, {of(3, "third", later)});
    auto const x = p.user().read(c);
    s.control(x.ok() && x.text("/title") == "fifth" && find_by_id(x.body(), "/messages", "m3"), "both entries, joined at the target");
    auto const last = [&]() -> json::object {
        auto const all = q.pushes_of(c);
        return all.empty() ? json::object{} : *all.back().conversation(c);
    };
    auto const is = [](json::object const& o, std::int64_t version, std::string const& title, std::string const& when) {
        auto const modified = parse_timestamp(text_at(o, "/last_modified"));
        return integer_at(o, "/version") == version && text_at(o, "/title") == title && modified && *modified == *parse_timestamp(when);
    };
    bool const came = q.until(soon, [&] { return is(last(), 5, "fifth", later); });
    auto const got = last();
    s.expect(came, "a push to the other peer with the greatest version, the latest last_modified and the title of the greater write: 5, " + later + ", fifth",
             got.empty() ? "none" : std::to_string(integer_at(got, "/version")) + ", " + text_at(got, "/last_modified") + ", " + text_at(got, "/title"));
}

/// Messages of a deleted conversation are withheld, and are due when it comes back: to the peer that brings it back, too.
void revived_by_the_peer(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), slow = s.fresh("slow");
    b.on_push([&](arrival const& a) {
        auto r = stand_in::acknowledge(a);
        if (a.conversation(slow)) r.delay = seconds{3};
        return r;
    });
    write(s, b.user(), slow);
    if (!b.until(soon, [&] { return !b.pushes_of(slow).empty(); })) s.inconclusive("no push to be slow with");
    auto const m = write(s, b.user(), c);
    s.control(b.user().del("/conversations/" + c), "the deletion of a conversation that was just written");
    auto const deleted = [&] {
        return std::ranges::any_of(b.pushes_of(c), [&](arrival const& a) { return a.acknowledged && a.conversation(c)->contains("deleted") && a.over; });
    };
    bool const came = b.until(soon, deleted);
    b.on_push({});
    s.control(came, "a push of the deletion");
    auto const knows = [&] { return std::ranges::any_of(b.pushes_of(c), [&](arrival const& a) { return a.has_message(c, m); }); };
    if (knows()) s.not_applicable("the target pushes messages of a deleted conversation");
    pulled(s, b, {s.conversation(c, 40, {s.message("theirs", "written at the other side", 40)})});
    auto const x = b.user().read(c);
    s.control(x.ok() && find_by_id(x.body(), "/messages", m), "the conversation at the target, with the message of before its deletion");
    s.expect(b.delivered(2 * soon, c, m), "a push of the message that was written before the conversation was deleted, once the peer has brought it back", "none");
}

/// Where a message once came from says nothing about who has its latest version.
void due_whatever_its_source(scenario& s) {
    auto const account = s.account();
    stand_in p{s, {.user = account}}, q{s, {.user = account}};
    p.settle(), q.settle();
    auto const c = s.fresh("c");
    auto const from = [](stand_in const& b) { return [id = b.backend_id()](json::object& m) { m["source_backend"] = id; }; };
    pulled(s, p, {s.conversation(c, 1, {s.message("m1", "of p", 1, from(p)), s.message("m2", "of q, by way of p", 1, from(q)), s.message("m3", "of p", 1, from(p))})});
    s.expect(q.delivered(soon, c, "m2"), "a push to q of a message that p gave, whose source_backend is q", "none");
    s.control(p.user().del("/conversations/" + c + "/messages/m1"), "the deletion at the target of a message of p");
    auto const pushed = [&](std::string_view id, auto const& is_so) { return p.until(soon, [&] { return std::ranges::any_of(p.pushes_of(c), [&](arrival const& a) { return has(a, c, id, is_so); }); }); };
    s.expect(pushed("m1", is_tombstone), "a push to p of the deletion of a message whose source_backend is p", "none");
    s.control(p.user().write(c, "edited here", [](json::object& m) { m["id"] = "m3"; }), "an edit at the target of a message of p");
    s.expect(pushed("m3", [](json::object const& m) { return text_at(m, "/content") == "edited here"; }), "a push to p of the edit of a message whose source_backend was p", "none");
}

/// Two peers change one conversation, and each of them lacks what the other one wrote, whoever came last.
void due_beside_a_change_from_there(scenario& s) {
    auto const account = s.account();
    stand_in p{s, {.user = account}}, q{s, {.user = account}};
    p.settle(), q.settle();
    auto const stuck = s.fresh("stuck"), c = s.fresh("c");
    q.on_push([](arrival const&) { return stand_in::problem(503, "unavailable"); });
    write(s, p.user(), stuck);
    auto const failed = [&] { return std::ranges::any_of(q.pushes(), [](arrival const& a) { return a.status == 503 && a.over; }); };  // with this or with what others wrote
    s.control(q.until(soon, failed), "a push that fails, behind which the rest waits");
    pulled(s, p, {s.conversation(c, 1, {s.message("of-p", "text")})});
    pulled(s, q, {s.conversation(c, 2, {s.message("of-q", "text", 2)})});
    auto const x = p.user().read(c);
    s.control(x.ok() && find_by_id(x.body(), "/messages", "of-p") && find_by_id(x.body(), "/messages", "of-q"), "the messages of both, joined at the target");
    q.on_push({});
    s.expect(p.delivered(2 * soon, c, "of-q"), "a push to the first peer of what the second one wrote into a conversation of its own", "none");
    s.expect(q.delivered_in_the_end(c, "of-p"), "a push to the second peer of what the first one wrote, though the second one gave a change of that conversation while this was due", "none");
}

/// What reads as it did is another version of it when somebody has written something else in between.
void written_back(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    auto const at_the_target = [&](std::string_view content, std::string_view id) { return b.user().write(c, content, [id](json::object& m) { m["id"] = id; }); };
    s.control(at_the_target("x", "m1"), "a write at the target");
    s.control(at_the_target("x", "m2"), "another one");
    s.control(b.user().del("/conversations/" + c + "/messages/m2"), "the deletion of that");
    auto const pushed = [&](std::string_view id, std::int64_t least, auto const& is_so) {
        auto const is_new = [&](json::object const& m) { return integer_at(m, "/version") >= least && is_so(m); };
        return b.until(soon, [&] { return std::ranges::any_of(b.pushes_of(c), [&](arrival const& a) { return a.acknowledged && has(a, c, id, is_new); }); });
    };
    auto const reads_x = [](json::object const& m) { return text_at(m, "/content") == "x"; };
    s.control(pushed("m1", 1, reads_x) && pushed("m2", 1, is_tombstone), "pushes of the write and of the deletion");
    auto const held = b.user().read(c);
    s.control(held, "reading it");
    std::int64_t const next = integer_at(held.body(), "/version") + 10;
    pulled(s, b, {s.conversation(c, next, {s.message("m1", "z", next), s.message("m2", "z", next)})});
    auto const changed = b.user().read(c);
    s.control(content(changed, "m1") == "z" && content(changed, "m2") == "z", "what the peer wrote at the target");
    s.control(at_the_target("x", "m1"), "a write at the target of what had been there before");
    s.control(b.user().del("/conversations/" + c + "/messages/m2"), "the deletion, again");
    s.expect(pushed("m1", next + 1, reads_x), "a push of a message that reads again as it did when it was last pushed, after the peer had changed it", "none with a version above " + std::to_string(next));
    s.expect(pushed("m2", next + 1, is_tombstone), "a push of the second deletion of a message, after the peer had brought it back", "none with a version above " + std::to_string(next));
}

/// A deletion that is pulled hides messages; who holds them goes on holding them (BSP-MRG-055).
void deletions_that_are_pulled_keep_messages(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    auto const known = write(s, b.user(), c);
    s.control(b.delivered(soon, c, known), "a push of a message");
    b.on_push([](arrival const&) { return stand_in::problem(503, "unavailable"); });
    auto const due = write(s, b.user(), c);
    pulled(s, b, {s.conversation(c, 40, {}, set("deleted", true))});
    s.control(!b.user().read(c).ok(), "the conversation is gone at the target");
    pulled(s, b, {s.conversation(c, 50, {s.message("theirs", "written after the deletion", 50)})});
    auto const x = b.user().read(c);
    b.on_push({});
    s.control(content(x, "theirs") == "written after the deletion", "the conversation is back at the target");
    s.expect(content(x, known) == "text", "a message that was there before a pull brought the deletion of its conversation, once another pull has brought that back", content(x, known));
    s.expect(content(x, due) == "text", "one that was not pushed yet, likewise", content(x, due));
    s.expect(b.delivered_in_the_end(c, due), "a push of that message", "none");
}

/// Version and last_modified are those of a write to the conversation, and not of its messages.
void messages_beside_a_known_write(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), modified = s.at(-minutes{1});
    auto const of = [&](std::vector<json::object> messages) { return s.conversation(c, 3, std::move(messages), set("last_modified", modified)); };
    pulled(s, b, {of({s.message("m1", "first", 1)})});
    s.control(content(b.user().read(c), "m1") == "first", "the first entry at the target");
    pulled(s, b, {of({s.message("m2", "second", 1), s.message("m1", "edited", 2)})});
    auto const x = b.user().read(c);
    s.expect(content(x, "m2") == "second", "a new message of an entry whose version and last_modified are those that are held", content(x, "m2"));
    s.expect(content(x, "m1") == "edited", "the edit of a message in it", content(x, "m1"));
}

/// A server may give again what it gave (BSP-SYN-110), and nobody has changed anything thereby.
void what_is_given_again_is_no_change(scenario& s) {
    auto const account = s.account();
    stand_in p{s, {.user = account}}, q{s, {.user = account}};
    p.settle(), q.settle();
    auto const c = s.fresh("c"), stamp = s.at();
    auto const entry = s.conversation(c, 1, {s.message("m1", "text")});
    p.on_pull([=](arrival const&) { return stand_in::respond(200, page({entry}, stamp)); });
    s.control(q.delivered(2 * soon, c, "m1"), "a push to one peer of what the other one gave");
    auto const pushed = q.pushes_of(c).size(), pulls = p.pulls().size();
    bool const again = p.until(paging, [&] { return p.pulls().size() >= pulls + 4; });  // the third of them answered, and what came of it pushed
    p.on_pull({});
    s.control(again, "four more pulls, all with the same entry");
    s.expect(q.pushes_of(c).size() == pushed, "no further push to a peer of a conversation that another one gives again as it was", std::to_string(q.pushes_of(c).size() - pushed) + " more");
}

check const checks[] = {
    {.id = "off/pulled-deletion-keeps",
     .title = "messages of a conversation whose deletion was pulled are there when it comes back, and due if they were",
     .clauses = {"BSP-MRG-055", "BSP-OFF-051", "BSP-OFF-001"},
     .impact = "what a person wrote offline is gone for ever, because another device deleted the conversation and wrote into it again",
     .likely_cause = "a tombstone that is pulled clears away the rows of its messages",
     .run = deletions_that_are_pulled_keep_messages,
     .needs = as_client},
    {.id = "off/pull-joins-messages",
     .title = "messages are joined whatever version and last_modified their conversation has",
     .clauses = {"BSP-OFF-051"},
     .impact = "of what two devices wrote under one version one half never arrives",
     .likely_cause = "an entry whose version and last_modified are known is passed over",
     .run = messages_beside_a_known_write,
     .needs = as_client},
    {.id = "off/given-again",
     .title = "what one peer gives again unchanged is not pushed again to the others",
     .clauses = {"BSP-OFF-020"},
     .impact = "two servers and a client between them send each other the same conversation for ever",
     .likely_cause = "whatever a page has is marked as changed, without a look at whether the join changed anything",
     .run = what_is_given_again_is_no_change,
     .needs = as_client},
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
    {.id = "off/joined-passed-on",
     .title = "what is joined is pushed to others as it is, with the greatest version and the latest last_modified",
     .clauses = {"BSP-MRG-032", "BSP-MRG-033", "BSP-OFF-001"},
     .impact = "two servers never agree on a conversation, and compare it for ever",
     .likely_cause = "a push is made of the write that won, and not of the state",
     .run = the_joined_state_is_passed_on,
     .needs = as_client},
    {.id = "off/revived-by-peer",
     .title = "what was withheld with a deleted conversation is due to the peer that brings it back",
     .clauses = {"BSP-OFF-001"},
     .impact = "what was said offline is there at one side only, for ever",
     .likely_cause = "a change that a peer brought is due to all but that peer, whatever it uncovers",
     .run = revived_by_the_peer,
     .needs = as_client},
    {.id = "off/due-whatever-its-source",
     .title = "a change is due to a peer whose backend_id its source_backend names, unless that peer gave it",
     .clauses = {"BSP-OFF-001"},
     .impact = "what a person deletes or edits here stays as it was on the device where they wrote it",
     .likely_cause = "echoes are told by source_backend, and not by who gave the change",
     .run = due_whatever_its_source,
     .needs = as_client},
    {.id = "off/due-beside-a-change-from-there",
     .title = "what one peer wrote stays due to another that gives a change of the same conversation",
     .clauses = {"BSP-OFF-001", "BSP-OFF-004"},
     .impact = "of two who write to one conversation during an outage, one never sees what the other wrote",
     .likely_cause = "a conversation remembers only whom its last change came from",
     .run = due_beside_a_change_from_there,
     .needs = as_client},
    {.id = "off/written-back",
     .title = "a message is pushed when it reads again as it did before the peer changed it",
     .clauses = {"BSP-OFF-001"},
     .impact = "whoever undoes what another device did has undone it on one side only",
     .likely_cause = "what was pushed is remembered by its content, and equal content is not sent again",
     .run = written_back,
     .needs = as_client},
};

}  // namespace

group client_joins_group() { return {"client_joins", profile::off, checks}; }

}  // namespace bsp::conformance
