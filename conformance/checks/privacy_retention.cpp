#include "privacy.hpp"

// Section 16.4: what has expired is not shown and not taken. Ages are made by timestamps, and by settings that shorten
// the retention period, so nobody has to wait.

namespace bsp::conformance {
namespace {

constexpr std::int64_t day = 86'400;

json::object aged(scenario& s, std::string_view id, std::string const& content, std::int64_t days, std::int64_t version = 1) {
    return s.message(id, content, version, set("timestamp", s.in_seconds(-days * day - 60)));
}

void expired_is_not_shown(scenario& s) {
    own_settings mine{s};
    mine.say({{"retention_days", 3000}});
    auto const a = s.register_peer();
    auto const mixed = s.fresh("c"), old = s.fresh("c"), ended = s.fresh("c"), gone = s.canary(), stays = s.canary(), lost = s.canary();
    s.control(a.push({s.conversation(mixed, 1, {aged(s, "m1", gone, 40), aged(s, "m2", stays, 20), s.message("m3", "now"), aged(s, "m4", lost, 40)}, set("last_modified", s.in_seconds(-40 * day))),
                      s.conversation(old, 1, {aged(s, "m1", gone, 40)}, set("last_modified", s.in_seconds(-40 * day))),
                      s.conversation(ended, 1, {aged(s, "m1", gone, 40), s.message("m2", "", 1, both(set("deleted", true), set("timestamp", s.in_seconds(-20 * day))))}, set("last_modified", s.in_seconds(-40 * day)))}),
              "a push of messages of various ages");
    s.control(a.push({s.conversation(mixed, 1, {aged(s, "m4", lost + " again", 40)}, set("last_modified", s.in_seconds(-40 * day)))}), "a push of a diverged version");
    s.control(contains(message_ids(s.user(), mixed), "m1") && contains(message_ids(s.user(), old), "m1"), "the messages are shown while they live");

    mine.say({{"retention_days", 30}});
    auto const x = s.user().read(mixed);
    s.accepted(x, "reading a conversation of which some messages live");
    auto const ids = ids_at(x.body(), "/messages");
    s.expect(!contains(ids, "m1") && !contains(ids, "m4") && !shows(x, gone), "messages of 40 days are not shown under a retention of 30 days", show(ids));
    s.expect(contains(ids, "m2") && contains(ids, "m3"), "messages of 20 days and of today are, though the conversation is old", show(ids));
    auto const listed = whole_list(s, s.user(), 500);
    for (auto const& [id, which] : {std::pair{old, std::string{"a conversation of 40 days"}}, {ended, "a conversation of 40 days whose one younger message is deleted"}}) {
        auto const again = s.user().read(id);
        s.expect(again.status() == 404 || !shows(again, gone), which + " shows nothing", again.describe());
        s.exactly(again.status() == 404, which + " is answered with 404", again.describe());
        s.expect(std::none_of(listed.begin(), listed.end(), [&](auto const& c) { return text_at(c, "/conversation_id") == id; }), which + " is not in the list", "it is");
    }
    for (auto const* path : {"?conflicts=1", ""}) {
        auto const y = s.user().get("/conversations/" + mixed + path);
        s.expect(!shows(y, gone) && !shows(y, lost), std::string{"what has expired is not in GET /conversations/{id}"} + path, "it is");
    }
    auto const all = exported(s, s.user());
    s.expect(!shows(all, gone) && !shows(all, lost), "nor in an export", "it is");
    auto const b = s.register_peer();
    for (auto const* who : {&a, &b}) {
        std::string text;
        for (auto const& entry : who->pull_all({.since = s.in_seconds(-300), .limit = 200}).conversations) text += json::serialize(entry);
        s.expect(text.find(gone) == std::string::npos && text.find(lost) == std::string::npos, "nor in a pull", "it is");
        s.expect(text.find(stays) != std::string::npos, "what lives is in a pull", "it is not");
    }
}

void expired_is_not_taken(scenario& s) {
    own_settings mine{s};
    mine.say({{"retention_days", 3000}});
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), word = s.canary();
    s.control(a.push({s.conversation(c, 1, {aged(s, "m1", word, 40)})}), "a push of a message of 40 days");
    mine.say({{"retention_days", 30}});
    auto const refused_and_kept = [&](json::object const& old, std::string const& fresh, std::string const& what) {
        auto const id = text_at(old, "/id");
        auto const x = a.push({s.conversation(c, 2, {old, s.message(fresh, "young", 2)})});
        lists_refusal(s, x, c, id, "retention_expired");
        auto const ids = message_ids(s.user(), c);
        s.expect(!contains(ids, id), what + " is not stored", show(ids));
        s.expect(contains(ids, fresh), "a young message of the same push is", show(ids));
    };
    refused_and_kept(aged(s, "m1", word, 40), "y1", "a message that has expired, pushed again,");
    refused_and_kept(aged(s, "m1", word + " edited", 39, 7), "y2", "an edit of 39 days of a message that has expired");
    refused_and_kept(aged(s, "m5", word, 31), "y3", "a message of 31 days that was never held");
    auto const y = s.user().read(c);
    s.expect(!shows(y, word), "nothing of it is shown", "it is");
    s.control(a.push({s.conversation(c, 3, {aged(s, "m6", "of 29 days", 29)})}), "a push of a message of 29 days");
    s.expect(contains(message_ids(s.user(), c), "m6"), "a message of 29 days is stored", show(message_ids(s.user(), c)));
}

/// What is old in a push is judged message by message; a title is no message.
void titles_of_the_old(scenario& s) {
    own_settings mine{s};
    mine.say({{"retention_days", 30}});
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "young")}, set("title", "first"))}), "a push");
    auto const titled = [&](std::string const& title) { return both(set("title", title), set("last_modified", s.in_seconds(-40 * day))); };
    s.accepted(a.push({s.conversation(c, 2, {}, titled("second"))}), "a push of a greater version of the title that is dated 40 days ago");
    s.expect(s.user().read(c).text("/title") == "second", "it is taken: the conversation is there, and titles do not expire alone", show(s.user().read(c).body()));
    s.accepted(a.push({s.conversation(c, 3, {aged(s, "m2", "old", 40)}, titled("third"))}), "a push of a title together with a message that has expired");
    s.expect(s.user().read(c).text("/title") == "third", "the title is taken although the message is refused", show(s.user().read(c).body()));
}

/// What has expired is told by the retention period of now, and not by a shorter one of before.
void longer_again(scenario& s) {
    own_settings mine{s};
    mine.say({{"retention_days", 3000}});
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), word = s.canary();
    auto const push = [&](std::string const& id) { return a.push({s.conversation(c, 2, {aged(s, id, word + id, 40)})}); };
    s.control(a.push({s.conversation(c, 1, {s.message("m0", "now"), aged(s, "m1", word + "m1", 40)})}), "a push of a message of 40 days");
    mine.say({{"retention_days", 30}});
    s.control(push("m2").ok() && !contains(message_ids(s.user(), c), "m1") && !contains(message_ids(s.user(), c), "m2"), "under a retention of 30 days messages of 40 days are neither shown nor taken");
    mine.say({{"retention_days", 3000}});
    for (auto const& [id, which] : {std::pair<std::string, std::string>{"m3", "that was never held"}, {"m2", "that was refused before"}, {"m1", "that had expired before"}}) {
        auto const x = push(id);
        s.accepted(x, "a push of a message of 40 days " + which + ", once the retention period is longer again");
        s.expect(contains(message_ids(s.user(), c), id), "a message of 40 days " + which + " is stored under a retention of 3000 days, whatever was said before", show(x.body()));
    }
    s.control(s.user().write(c, word + "w1", both(set("id", "w1"), set("timestamp", s.in_seconds(-40 * day)))), "a write that is dated 40 days ago");
    s.expect(contains(message_ids(s.user(), c), "w1"), "nor is what the user writes with such a date withheld", show(message_ids(s.user(), c)));
    std::string text;  // which may be in several entries
    for (auto const& entry : a.pull_all({.since = s.in_seconds(-300), .limit = 200}).conversations) text += json::serialize(entry);
    for (auto const* id : {"m3", "m2", "m1", "w1"}) s.expect(text.find(word + id) != std::string::npos, "all of them are in a pull", std::string{id} + " is not");
}

check const checks[] = {
    {.id = "prv/retention", .title = "what has expired is shown nowhere, and what has not is", .clauses = {"BSP-PRV-050", "BSP-PRV-051", "BSP-PRV-052", "BSP-PRV-055"}, .impact = "data stays for ever that was promised to go; or fresh messages go with old conversations",
     .likely_cause = "retention is a nightly job, or works on whole conversations", .run = expired_is_not_shown, .needs = need::own_user | need::hosted_target},
    {.id = "prv/retention-push", .title = "what has expired is not stored when it is pushed", .clauses = {"BSP-PRV-053", "BSP-PRV-054", "BSP-MRG-064"}, .impact = "a device that was offline brings back what had expired",
     .likely_cause = "a push does not look at the age", .run = expired_is_not_taken, .needs = need::own_user | need::hosted_target},
    {.id = "prv/retention-title", .title = "a title counts, however old it is, of a conversation that is there", .clauses = {"BSP-MRG-030", "BSP-PRV-053"}, .impact = "who renamed a conversation long ago, on a device that was offline since, finds the old name",
     .likely_cause = "a conversation's own date, or the refusal of its messages, decides whether its title is joined", .run = titles_of_the_old, .needs = need::own_user | need::hosted_target},
    {.id = "prv/retention-longer", .title = "once the retention period is longer again, older messages are taken and shown again", .clauses = {"BSP-PRV-052", "BSP-SYN-014", "BSP-SYN-052"}, .impact = "who tried a short period, and thought better of it, goes on losing messages",
     .likely_cause = "how far retention has come is kept, and only moves on; or what has expired is taken for erased", .run = longer_again, .needs = need::own_user | need::hosted_target},
};

}  // namespace

group privacy_retention_group() { return {"privacy_retention", profile::prv, checks}; }

}  // namespace bsp::conformance
