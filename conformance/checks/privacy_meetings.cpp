#include "privacy.hpp"
#include "redaction.hpp"

#include "../surroundings.hpp"

#include <thread>

// Chapters 16 and 17 where they meet another feature, or are used a second time: settings that change between the pages of a
// pull or while it is held, refusals that must leave nothing, and what has to be there again afterwards.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t day = 86'400;

bool has_more(exchange const& x) { return x.at("/has_more") && *x.at("/has_more") == json::value(true); }

/// A pull of which the first page was given, and others are to come.
struct pull_under_way {
    pull_under_way(scenario& s, peer const& by, peer const& from, std::function<std::vector<json::object>()> const& what) : reader{by} {
        auto const since = watermark(s, by);
        for (auto& c : what()) s.control(from.push({std::move(c)}), "a push");
        auto const first = by.pull({.since = since, .limit = 1});
        s.control(first, "the first page of a pull");
        if (!has_more(first)) s.inconclusive("several conversations are on a page of one");
        cursor = first.text("/cursor");
    }
    /// The next page, without going on to it.
    exchange next() const { return reader.pull({.cursor = cursor, .limit = 1}); }
    /// The text of all pages that follow, up to one that is refused.
    std::string rest() const {
        std::string text, place = cursor;
        for (int pages = 0; pages < 200; ++pages) {
            auto const x = reader.pull({.cursor = place, .limit = 1});
            if (!x.ok()) return text;
            text += json::serialize(x.body());
            if (!has_more(x)) return text;
            place = x.text("/cursor");
        }
        return text;
    }

    peer const& reader;
    std::string cursor;
};

std::vector<json::object> four(scenario& s, std::function<std::vector<json::object>(std::string const&)> const& messages) {
    std::vector<json::object> all;
    for (int i = 0; i < 4; ++i) {
        auto const c = s.fresh("c");
        all.push_back(s.conversation(c, 1, messages(c)));
    }
    return all;
}

// ---- pages ------------------------------------------------------------------------------------------------

void each_page_asks(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", {"web", "ios"}}});
    auto const a = s.register_peer();
    auto const hidden = s.canary(), shown = s.canary();
    pull_under_way const p{s, a, a, [&] { return four(s, [&](auto const&) { return std::vector{s.message("m1", shown), s.message("m2", hidden, 1, set("surface", "ios"))}; }); }};
    mine.say({{"sync_enabled", false}});
    auto const refused = p.next();
    s.refused(refused, "a later page of a pull, while sync is paused", paused());
    s.expect(!shows(refused, shown), "a refused page shows nothing", "it shows a message");
    mine.say({{"sync_enabled", true}, {"allowed_surfaces", json::array{"web"}}});
    auto const rest = p.rest();
    s.expect(rest.find(hidden) == std::string::npos, "the later pages of a pull have no message from a surface that is not allowed any more", "one has");
    s.expect(rest.find(shown) != std::string::npos, "they have those from an allowed surface", "they have not");
}

void each_page_is_of_now(scenario& s) {
    own_settings const mine{s};
    auto const a = s.register_peer();
    auto const word = s.canary();
    pull_under_way const p{s, a, a, [&] { return four(s, [&](auto const&) { return std::vector{s.message("m1", word)}; }); }};
    s.accepted(s.user().del(data_path), "an erasure");
    s.expect(p.rest().find(word) == std::string::npos, "the later pages of a pull that began before the erasure show nothing of what was erased", "one does");
}

void each_page_is_redacted(scenario& s) {
    auto const user = s.user();
    set_redaction(s, user, s.account(), false);
    auto const source = s.register_peer(), reader = s.register_peer();
    auto const mail = any_email(s);
    pull_under_way const p{s, reader, source, [&] { return four(s, [&](auto const&) { return std::vector{s.message("m1", "to " + mail)}; }); }};
    set_redaction(s, user, s.account(), true);
    s.expect(p.rest().find(mail) == std::string::npos, "a page that is asked for after redact_pii was switched on is redacted", "it has " + mail);
}

void held_under_new_settings(scenario& s) {
    s.needs_declared("live_pull");
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", {"web", "ios"}}});
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), hidden = s.canary(), shown = s.canary();
    auto const path = "/sync/" + a.peer_id() + "?wait=6&since=" + percent_encode_segment(watermark(s, a));
    auto const answers = s.together({[&] { return a.get(path); },
                                     [&] {
                                         std::this_thread::sleep_for(milliseconds{400});
                                         auto x = mine.try_to_say({{"allowed_surfaces", json::array{"web"}}});
                                         if (x.ok()) x = s.user().write(c, hidden, set("surface", "ios"));
                                         return x.ok() ? s.user().write(c, shown) : x;
                                     }});
    if (answers[1].client_error()) s.untested("the target takes no local write from a surface that is not allowed");
    s.control(answers[1], "fewer surfaces, and a write from two");
    s.accepted(answers[0], "a pull that was held meanwhile");
    s.expect(!shows(answers[0], hidden), "what ends a held pull has no message from a surface that was excluded while it was held", "it has");
}

/// Nothing in the store changes with a setting, and yet what was given before may not be given again.
void pulled_before(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", {"web", "ios"}}, {"retention_days", 3000}});
    auto const a = s.register_peer(), b = s.register_peer();
    auto const c = s.fresh("c"), shown = s.canary(), phone = s.canary(), old = s.canary();
    s.control(a.push({s.conversation(c, 1, {s.message("m1", shown), s.message("m2", phone, 1, set("surface", "ios")), s.message("m3", old, 1, set("timestamp", s.in_seconds(-40 * day)))})}), "a push");
    auto const seen_by = [&](peer const& who, std::string const& word) {
        std::string text;
        for (auto const& entry : who.pull_all({.since = s.in_seconds(-300), .limit = 200}).conversations) text += json::serialize(entry);
        return text.find(word) != std::string::npos;
    };
    for (auto const* who : {&a, &b})
        for (auto const& word : {shown, phone, old}) s.control(seen_by(*who, word), "a pull has all messages");
    mine.say({{"allowed_surfaces", json::array{"web"}}});
    for (auto const* who : {&a, &b}) {
        s.expect(!seen_by(*who, phone), "the same pull, once a surface is not allowed any more, has no message from it", "it has");
        s.expect(seen_by(*who, shown), "it has those from an allowed surface", "it has not");
    }
    mine.say({{"allowed_surfaces", {"web", "ios"}}});
    for (auto const* who : {&a, &b}) s.expect(seen_by(*who, phone), "the same pull has them again, once the surface is allowed again", "it has not");
    if (!s.target_is_hosted()) return;
    mine.say({{"retention_days", 30}});
    for (auto const* who : {&a, &b}) {
        s.expect(!seen_by(*who, old), "the same pull, once the retention period is shorter, has no message that has expired", "it has");
        s.expect(seen_by(*who, shown), "it has what has not expired", "it has not");
    }
}

// ---- settings ---------------------------------------------------------------------------------------------

void hidden_is_not_gone(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", {"web", "ios"}}});
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), word = s.canary();
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "from the web"), s.message("m2", word, 1, set("surface", "ios"))})}), "a push");
    mine.say({{"allowed_surfaces", json::array{"web"}}});
    s.expect(contains(message_ids(s.user(), c), "m2"), "the user goes on seeing messages from a surface that is not exchanged any more", show(message_ids(s.user(), c)));
    s.expect(shows(s.user().get("/privacy/export"), word), "they are in an export, too", "they are not");
    mine.say({{"allowed_surfaces", {"web", "ios"}}});
    s.expect(contains(message_ids(s.user(), c), "m2"), "they are still there when the surface is allowed again", show(message_ids(s.user(), c)));
    std::string text;
    for (auto const& entry : a.pull_all({.limit = 500}).conversations) text += json::serialize(entry);
    s.expect(text.find(word) != std::string::npos, "a pull from the beginning has them again", "it has not");
}

void one_switch_at_a_time(scenario& s) {
    own_settings mine{s};
    for (std::string const name : {"sync_conversations", "sync_telemetry", "redact_pii"}) {
        mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"sync_telemetry", true}, {"redact_pii", true}});
        mine.say({{name, false}});
        mine.say({{"sync_enabled", false}});
        mine.is(name, false, "after sync was paused");
        mine.say({{"sync_enabled", true}});
        mine.is(name, false, "after sync went on");
        for (std::string const other : {"sync_conversations", "sync_telemetry", "redact_pii"})
            if (other != name) mine.is(other, true, "though " + name + " was switched off");
    }
    mine.say({{"sync_conversations", false}});
    auto const a = s.register_peer();
    s.refused(a.push({s.conversation(s.fresh("c"), 1, {})}), "a push after a pause that had come on top of sync_conversations false", paused());
}

void refused_for_good(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_telemetry", true}, {"redact_pii", true}, {"retention_days", 3000}});
    std::vector<json::object> const wrong{
        {{"sync_telemetry", false}, {"retention_days", 0}},
        {{"retention_days", 0}, {"sync_telemetry", false}, {"redact_pii", false}},
        {{"retention_days", 2999}, {"redact_pii", "no"}},
        {{"redact_pii", false}, {"allowed_surfaces", "web"}},
    };
    for (auto const& put : wrong) {
        s.refused(mine.try_to_say(put), "settings of which one is wrong, " + show(put));
        mine.say({{"sync_enabled", true}});
        std::string const when = "after " + show(put) + " was refused and another PUT accepted";
        mine.is("sync_telemetry", true, when);
        mine.is("redact_pii", true, when);
        mine.is("retention_days", 3000, when);
    }
}

void partly_taken_is_taken(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", {"web", "ios"}}});
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), sync_id = s.fresh("sync");
    auto const first = s.conversation(c, 1, {s.message("m1", "from the web"), s.message("m2", "from a watch", 1, set("surface", "watch"))});
    auto const x = a.push({first}, {.sync_id = sync_id});
    lists_refusal(s, x, c, "m2", "surface_not_allowed");
    s.refused(a.push({s.conversation(c, 2, {s.message("m3", "other", 2)})}, {.sync_id = sync_id}), "the sync_id of a push of which a message was refused, with other conversations", {.statuses = {409}, .codes = {"sync-id-reuse"}});
    mine.say({{"allowed_surfaces", {"web", "ios", "watch"}}});
    auto const again = a.push({first}, {.sync_id = sync_id});
    s.accepted(again, "the repetition of a push of which a message was refused");
    s.expect(!contains(message_ids(s.user(), c), "m2"), "the repetition has no effect, though the surface is allowed by now", show(message_ids(s.user(), c)));
    s.accepted(a.push({first}), "the same under another sync_id");
    s.expect(contains(message_ids(s.user(), c), "m2"), "a new push of it has", show(message_ids(s.user(), c)));
}

// ---- age and deletion -------------------------------------------------------------------------------------

void old_deletions_count(scenario& s) {
    own_settings mine{s};
    mine.say({{"retention_days", 2}});
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), word = s.canary();
    s.control(a.push({s.conversation(c, 1, {s.message("m1", word), s.message("m2", "stays")})}), "a push");
    auto const when = s.in_seconds(-5 * day);
    auto const x = a.push({s.conversation(c, 2, {s.message("m1", "", 2, both(set("deleted", true), set("timestamp", when)))})});
    s.accepted(x, "a push of a deletion that is dated before the retention period");
    s.expect(!shows(s.user().read(c), word), "a deletion counts though it is older than retention_days", "the message is still shown");
    s.control(a.push({s.conversation(c, 2, {s.message("m1", word)})}), "a push of the deleted message");
    s.expect(!shows(s.user().read(c), word), "it keeps the message away", "the message is back");
    s.expect(contains(message_ids(s.user(), c), "m2"), "other messages stay", show(message_ids(s.user(), c)));
}

void export_without_the_deleted(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), d = s.fresh("c"), word = s.canary(), stays = s.canary();
    s.control(a.push({s.conversation(c, 1, {s.message("m1", word)}), s.conversation(d, 1, {s.message("m1", word), s.message("m2", stays)})}), "a push");
    s.control(s.user().del("/conversations/" + c), "the deletion of a conversation");
    s.control(s.user().del("/conversations/" + d + "/messages/m1"), "the deletion of a message");
    auto const x = s.user().get("/privacy/export");
    s.accepted(x, "an export");
    s.expect(!shows(x, word), "an export has neither a deleted message nor those of a deleted conversation", "it has one");
    s.expect(shows(x, stays), "it has what was not deleted", "it has not");
}

void export_is_whole(scenario& s) {
    auto const mail = any_email(s), c = s.fresh("c");
    set_redaction(s, s.user(), s.account(), true);
    s.control(s.user().write(c, "to " + mail), "a write");
    auto const x = s.user().get("/privacy/export");
    s.accepted(x, "an export");
    s.expect(shows(x, mail), "the user's own export has what was written, redact_pii or not", "it has not");
}

void erased_in_every_state(scenario& s) {
    own_settings const mine{s};
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), word = s.canary();
    auto const all = s.conversation(c, 3, {s.message("m1", word, 3, set("surface", "android"))}, set("surfaces", json::array{"web", "android"}));
    s.control(a.push({all}), "a push");
    s.control(s.user().del("/conversations/" + c), "the deletion of the conversation");
    s.accepted(s.user().del(data_path), "an erasure");
    auto const x = a.push({s.conversation(c, 9, {s.message("m1", word, 9), s.message("m2", "new", 9)}, set("surfaces", json::array{"web"}))});
    lists_refusal(s, x, c, "m1", "erased");
    auto const now = s.user().read(c);
    s.control(now, "reading the conversation");
    s.expect(!shows(now, word), "a message of a conversation that was deleted before the erasure does not come back", "it does");
    s.expect(contains(ids_at(now.body(), "/messages"), "m2"), "a new message of the same push is stored", show(now.body()));
    auto const* surfaces = now.at("/surfaces");
    s.expect(surfaces && show(*surfaces).find("android") == std::string::npos, "surfaces of before the erasure are not listed", surfaces ? show(*surfaces) : "no surfaces");
}

/// A user of whom there is nothing, and what comes next.
void nothing_is_a_state(scenario& s) {
    own_settings const mine{s};
    auto const a = s.register_peer();
    s.control(s.user().write(s.fresh("c"), "to be erased"), "a write");
    s.accepted(s.user().del(data_path), "an erasure");
    auto const x = a.pull({.limit = 500});
    s.accepted(x, "a pull of a user without conversations");
    auto const mark = x.text("/last_sync");
    s.expect(parse_timestamp(mark).has_value() && mark.ends_with('Z'), "last_sync is a timestamp that ends in Z, also where there is nothing", x.at("/last_sync") ? show(*x.at("/last_sync")) : "absent");
    s.accepted(s.user().get("/conversations"), "the list of a user without conversations");
    s.accepted(s.user().get("/privacy/export"), "the export of a user without conversations");
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "first")})}), "the first push after that");
    s.expect(a.pull_all({.since = mark, .limit = 200}).find(c) != nullptr, "a pull that goes on from there has the first conversation", "it has not");
}

void nothing_has_a_digest(scenario& s) {
    own_settings const mine{s};
    auto const a = s.register_peer();
    auto const path = "/sync/" + a.peer_id() + "/digest";
    if (!a.get(path).ok()) s.not_applicable("the target gives no digest");
    s.control(s.user().del(data_path), "an erasure");
    auto const x = a.get(path);
    s.accepted(x, "the digest of a user without conversations");
    s.expect(x.text("/digest") == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945", "the digest of a user without conversations is that of []", x.text("/digest"));
}

// ---- redaction --------------------------------------------------------------------------------------------

void edits_are_redacted_anew(scenario& s) {
    pulling_onlooker o{s};
    auto const c = s.fresh("c"), mail = any_email(s), phone = any_phone(s), before = s.canary(), after = s.canary();
    s.control(o.user.write(c, before + " " + mail, set("id", "m1")), "a write");
    auto const first = o.sees(c);
    s.control(first.message("m1") && text_of(first.message("m1")).find(before) != std::string::npos, "the message comes " + o.how());
    s.control(o.user.write(c, after + " " + phone, set("id", "m1")), "an edit");
    auto const second = text_of(o.sees(c).message("m1"));
    s.expect(second.find(after) != std::string::npos && second.find(phone) == std::string::npos, "an edited message has its new text, redacted, " + o.how(), second);
    s.control(o.user.write(c, before + " plain", set("id", "m1")), "another edit");
    auto const third = text_of(o.sees(c).message("m1"));
    s.expect(third.find(before + " plain") != std::string::npos, "and its newest text", third);

    // A version may be of two messages: the later one takes the place of the other.
    auto const d = s.fresh("c");
    auto const push = [&](std::string const& content, std::int64_t seconds) { return o.source.push({s.conversation(d, 3, {s.message("m1", content, 3, set("timestamp", s.in_seconds(seconds)))})}); };
    s.control(push(before + " " + mail, -60), "a push");
    s.control(text_of(o.sees(d).message("m1")).find(before) != std::string::npos, "the message comes " + o.how());
    s.control(push(after + " " + phone, -30), "a push of another message of the same id and version");
    auto const tied = text_of(o.sees(d).message("m1"));
    s.expect(tied.find(after) != std::string::npos && tied.find(phone) == std::string::npos, "a message that took the place of another of the same version has its own text, redacted, " + o.how(), tied);
}

void reading_leaves_originals(scenario& s) {
    pulling_onlooker o{s};
    auto const c = s.fresh("c"), mail = any_email(s), called = any_email(s);
    s.control(o.user.write(c, "to " + mail, both(set("id", "m1"), set("title", "about " + called))), "a write");
    auto const seen = o.reader.read(c);
    s.control(seen, "a hosted peer reading the conversation");
    s.control(o.reader.get("/conversations?limit=5"), "a hosted peer reading the list");
    auto const x = o.user.read(c);
    s.control(x, "reading the conversation");
    s.expect(shows(x, mail) && shows(x, called), "the user goes on seeing what was written, after a hosted peer has read it", show(x.body()));
}

check const checks[] = {
    {.id = "prv/pages-consent", .title = "each page of a pull is given by the settings of its own time", .clauses = {"BSP-PRV-021", "BSP-PRV-035", "BSP-SYN-116"}, .impact = "a pull that has begun brings everything, whatever the user says meanwhile",
     .likely_cause = "consent and surfaces are looked at with the first page, and the cursor carries them", .run = each_page_asks, .needs = need::own_user},
    {.id = "prv/pages-erasure", .title = "a pull that has begun gives nothing that was erased meanwhile", .clauses = {"BSP-PRV-082"}, .impact = "what a person erased goes on travelling for as long as a pull lasts",
     .likely_cause = "the pages of a pull come from a copy that was made with the first", .run = each_page_is_of_now, .needs = need::own_user},
    {.id = "prv/pulled-before", .title = "a pull gives what the settings of now allow, though it was answered before", .clauses = {"BSP-PRV-035", "BSP-PRV-051", "BSP-SYN-104"}, .impact = "what a person has just excluded goes on to every device that asks again",
     .likely_cause = "an entry of the feed is cached until its conversation changes", .run = pulled_before, .needs = need::own_user},
    {.id = "red/pages", .title = "a page that is asked for after redaction was switched on is redacted", .clauses = {"BSP-RED-025"}, .impact = "personal data goes to a hosted peer after the user has said no",
     .likely_cause = "the cursor carries the settings of the first page", .run = each_page_is_redacted, .needs = need::own_user | need::local_target, .strength = obligation::should},
    {.id = "prv/surfaces-while-held", .title = "what ends a held pull is filtered by the surfaces of that moment", .clauses = {"BSP-PRV-035"}, .impact = "for half a minute messages go out that the user has just excluded",
     .likely_cause = "the settings are read when the pull arrives", .run = held_under_new_settings, .needs = need::own_user},
    {.id = "prv/surfaces-own", .title = "fewer surfaces hide messages from peers, and neither from their user nor for ever", .clauses = {"BSP-CNV-010", "BSP-MRG-010", "BSP-PRV-071", "BSP-SYN-105"}, .impact = "a person who changes a setting loses messages",
     .likely_cause = "the filter of pulls is applied to every read, or to the store", .run = hidden_is_not_gone, .needs = need::own_user},
    {.id = "prv/switches", .title = "each switch keeps its value whatever becomes of the others", .clauses = {"BSP-PRV-005"}, .impact = "who ends a pause allows what had been refused long before",
     .likely_cause = "sync_enabled is stored as all the switches together", .run = one_switch_at_a_time, .needs = need::own_user},
    {.id = "prv/refused-put", .title = "nothing of a refused PUT comes with the next one", .clauses = {"BSP-PRV-006", "BSP-PRV-007"}, .impact = "settings change that nobody has accepted",
     .likely_cause = "members are set on a cached object before the last one is looked at", .run = refused_for_good, .needs = need::own_user},
    {.id = "prv/partly-taken", .title = "a push of which something was refused is an accepted push", .clauses = {"BSP-SYN-071", "BSP-SYN-072", "BSP-PRV-034"}, .impact = "a repetition whose answer was lost stores what had been refused",
     .likely_cause = "only pushes without refusals are remembered", .run = partly_taken_is_taken, .needs = need::own_user},
    {.id = "prv/retention-deletions", .title = "a deletion counts however old it is", .clauses = {"BSP-MRG-014", "BSP-MRG-051"}, .impact = "what was deleted on a device that was offline for long stays on the server",
     .likely_cause = "tombstones expire with retention_days, as messages do", .run = old_deletions_count, .needs = need::own_user | need::hosted_target},
    {.id = "prv/export-deleted", .title = "an export has nothing that was deleted", .clauses = {"BSP-MRG-053", "BSP-MRG-054"}, .impact = "deleted messages turn up in a file that is passed on",
     .likely_cause = "the export reads the table of messages without a look at tombstones", .run = export_without_the_deleted, .needs = need::own_user},
    {.id = "prv/export-unredacted", .title = "an export is not redacted", .clauses = {"BSP-PRV-071", "BSP-RED-019"}, .impact = "the user's own copy of everything lacks what matters",
     .likely_cause = "the export goes through the serializer of pulls", .run = export_is_whole, .needs = need::own_user},
    {.id = "prv/erase-every-state", .title = "messages of a deleted conversation are erased like others, and its surfaces with it", .clauses = {"BSP-PRV-082", "BSP-PRV-084", "BSP-PRV-085", "BSP-MRG-041"}, .impact = "a stale device brings back what was deleted first and erased then",
     .likely_cause = "the ids to be remembered are read from the list of conversations, without the deleted ones", .run = erased_in_every_state, .needs = need::own_user},
    {.id = "prv/erase-empty", .title = "a user of whom there is nothing is pulled, listed and exported like others", .clauses = {"BSP-SYN-100", "BSP-SYN-107", "BSP-SYN-120", "BSP-CNV-030", "BSP-PRV-088"}, .impact = "a new user's first device fails, or misses what comes first",
     .likely_cause = "the watermark is the latest commit, and there is none", .run = nothing_is_a_state, .needs = need::own_user},
    {.id = "prv/erase-digest", .title = "a user of whom there is nothing has the digest of the empty list", .clauses = {"BSP-SYN-142", "BSP-SYN-143"}, .impact = "two backends without anything never agree that they agree",
     .likely_cause = "a sum over no rows", .run = nothing_has_a_digest, .needs = need::own_user, .strength = obligation::should},
    {.id = "red/edits", .title = "an edited message is redacted anew", .clauses = {"BSP-RED-010", "BSP-SYN-104"}, .impact = "a hosted peer never learns of edits",
     .likely_cause = "the redacted form is cached by the id of the message, or by id and version", .run = edits_are_redacted_anew, .needs = need::local_target},
    {.id = "red/reads-leave-originals", .title = "what a hosted peer reads stays as it was written for the user", .clauses = {"BSP-RED-019"}, .impact = "a person's own data is destroyed on their own machine",
     .likely_cause = "the stored object is redacted in place", .run = reading_leaves_originals, .needs = need::local_target},
};

}  // namespace

group privacy_meetings_group() { return {"privacy_meetings", profile::prv, checks}; }

}  // namespace bsp::conformance
