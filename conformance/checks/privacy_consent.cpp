#include "../line.hpp"
#include "privacy.hpp"
#include "rotation.hpp"
#include "telemetry.hpp"

#include <thread>

// Section 16.2: what a user does not allow is refused, at once and without loss.

namespace bsp::conformance {
namespace {

json::object const all_on{{"sync_enabled", true}, {"sync_conversations", true}, {"sync_telemetry", true}};
json::object const all_off{{"sync_enabled", false}};
json::object const no_conversations{{"sync_enabled", true}, {"sync_conversations", false}, {"sync_telemetry", true}};
json::object const no_telemetry{{"sync_enabled", true}, {"sync_conversations", true}, {"sync_telemetry", false}};

void paused_pushes(scenario& s) {
    own_settings mine{s};
    mine.say(all_on);
    auto const a = s.register_peer();
    for (auto const& off : {all_off, no_conversations}) {
        auto const c = s.fresh("c");
        auto const first = s.conversation(c, 1, {s.message("m1", "before")});
        auto const id = s.fresh("sync");
        s.control(a.push({first}, {.sync_id = id}), "a push");
        auto const again = a.payload({s.conversation(c, 2, {s.message("m2", "meanwhile", 2)})});
        mine.say(off);
        auto const push = [&] { return a.call("POST", "/sync/" + a.peer_id(), json::serialize(again), {.authorization = ""}); };
        s.refused(push(), "a push while " + show(off), paused());
        s.refused(a.push({first}, {.sync_id = id}), "the repetition of an accepted push while " + show(off), paused());
        s.expect(message_ids(s.user(), c) == std::vector<std::string>{"m1"}, "nothing of the refused push is stored", show(message_ids(s.user(), c)));
        mine.say(all_on);
        s.expect(message_ids(s.user(), c) == std::vector<std::string>{"m1"}, "nothing of the refused push appears afterwards", show(message_ids(s.user(), c)));
        s.accepted(push(), "the same push once it is allowed again");
        s.expect(message_ids(s.user(), c).size() == 2, "what was refused before is stored now", show(message_ids(s.user(), c)));
    }
}

void paused_pulls(scenario& s) {
    own_settings mine{s};
    mine.say(all_on);
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), word = s.canary();
    s.control(a.push({s.conversation(c, 1, {s.message("m1", word)})}), "a push");
    auto const digest = "/sync/" + a.peer_id() + "/digest";
    bool const has_digest = a.get(digest).ok();
    for (auto const& off : {all_off, no_conversations}) {
        mine.say(off);
        auto const x = a.pull();
        s.refused(x, "a pull while " + show(off), paused());
        s.expect(!shows(x, word), "a refused pull shows nothing", "it shows a message");
        if (has_digest) s.refused(a.get(digest), "a digest while " + show(off), paused());
        mine.say(all_on);
        s.accepted(a.pull({.limit = 1}), "a pull once it is allowed again");
    }
}

void paused_lines(scenario& s) {
    own_settings mine{s};
    mine.say(all_on);
    telemetry_ground g{s};
    for (auto const& off : {no_telemetry, all_off}) {
        mine.say(all_on);
        line open{s, g.a};
        opens(s, open, "a peer");
        is_acked(s, open.tell(g.next()), "an event");
        mine.say(off);
        auto const deadline = std::chrono::steady_clock::now() + seconds{2};
        json::object e;
        for (;;) {
            bool const is_last = std::chrono::steady_clock::now() >= deadline;
            e = g.next();
            auto const t = open.open() && open.close_code() == 0 ? open.tell(e, milliseconds{2'500}) : told{};
            if (!t.acked()) break;
            s.expect(!is_last, "an event on an open connection is refused 2 s after " + show(off), t.describe());
            std::this_thread::sleep_for(milliseconds{100});
        }
        line another{s, g.a};
        auto const f = g.next();
        line_refused(s, another, "a connection while " + show(off), f, paused());
        auto const stored = g.stored();
        for (auto const& refused : {e, f}) s.expect(count_of(stored, id_of(refused)) == 0, "a refused event is not stored", "it is");
        mine.say(all_on);
        line later{s, g.a};
        opens(s, later, "a peer once it is allowed again");
        acked(s, later.tell(e), "the refused event, sent again,");
        s.expect(count_of(g.stored(), id_of(e)) == 1, "it is stored now", "it is not");
    }
}

void paused_lines_end(scenario& s) {
    own_settings mine{s};
    mine.say(all_on);
    telemetry_ground g{s};
    mine.say(no_telemetry);
    auto const code = g.l.wait_for_close(milliseconds{3'000});
    s.expect_in_time(code == 1008, "an idle connection is closed with 1008 within 2 s", code == 0 ? "it stays open" : "closed with " + std::to_string(code));
    s.evidence("a connection that ended");
}

void held_pulls_end(scenario& s) {
    s.needs_declared("live_pull");
    own_settings mine{s};
    mine.say(all_on);
    auto const a = s.register_peer();
    auto const path = "/sync/" + a.peer_id() + "?wait=8&since=" + percent_encode_segment(s.in_seconds(3600));
    s.control(a.pull({.since = s.in_seconds(3600), .limit = 1}), "a pull");
    for (auto const& off : {all_off, no_conversations}) {
        mine.say(all_on);
        std::chrono::steady_clock::time_point begun{}, said{}, ended{};
        auto const answers = s.together({[&] {
                                             auto x = a.get(path);
                                             ended = std::chrono::steady_clock::now();
                                             return x;
                                         },
                                         [&] {
                                             std::this_thread::sleep_for(milliseconds{400});
                                             begun = std::chrono::steady_clock::now();
                                             auto x = mine.try_to_say(off);
                                             said = std::chrono::steady_clock::now();
                                             return x;
                                         }});
        s.control(answers[1], "the pause");
        if (answers[0].ok() && ended < begun) s.untested("the pull was not held until the pause");
        s.refused(answers[0], "a pull that is held open when the user says " + show(off), paused());
        auto const late = std::chrono::duration_cast<milliseconds>(ended - said);
        s.expect_in_time(late <= milliseconds{3'500}, "it ends within 2 s of the pause", "after " + std::to_string(late.count()) + " ms");
    }
}

/// Whatever ends a held pull, it is an answer to a pull.
void held_pulls_are_filtered(scenario& s) {
    s.needs_declared("live_pull");
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", {"web", "ios"}}});
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), hidden = s.canary(), shown = s.canary();
    auto const mark = a.pull_all({.limit = 500}).last_sync;
    auto const path = "/sync/" + a.peer_id() + "?wait=6&since=" + percent_encode_segment(mark);
    auto const answers = s.together({[&] { return a.get(path); },
                                     [&] {
                                         std::this_thread::sleep_for(milliseconds{400});
                                         auto x = s.user().write(c, hidden, set("surface", "watch"));
                                         return x.ok() ? s.user().write(c, shown) : x;
                                     }});
    if (answers[1].client_error()) s.untested("the target takes no local write from a surface that is not allowed");
    s.control(answers[1], "writes from two surfaces");
    s.accepted(answers[0], "a pull that was held meanwhile");
    s.expect(!shows(answers[0], hidden), "what ends a held pull has no message from a surface that is not allowed", "it has");
    std::string text;
    for (auto const& entry : a.pull_all({.since = mark, .limit = 200}).conversations) text += json::serialize(entry);
    s.expect(text.find(shown) != std::string::npos && text.find(hidden) == std::string::npos, "a pull has the message from an allowed surface alone", "it has not");
}

void pause_of_one(scenario& s) {
    own_settings mine{s};
    auto r = s.settled();
    (void)s.register_peer(r);  // one device of two users
    mine.say(all_off);
    r.user = s.other_account();
    auto const other = s.register_peer(r);
    auto const c = s.fresh("c");
    s.accepted(other.push({s.conversation(c, 1, {s.message("m1", "theirs")})}), "a push for another user");
    s.accepted(other.pull({.limit = 1}), "a pull for another user");
    s.expect(message_ids(s.other_user(), c) == std::vector<std::string>{"m1"}, "it is stored", show(message_ids(s.other_user(), c)));
}

void pause_of_one_line(scenario& s) {
    own_settings mine{s};
    mine.say(all_off);
    auto const other = s.register_peer_of(s.other_account());
    line l{s, other};
    s.expect(l.open(), "a peer of another user may open a connection", l.handshake().describe());
    acked(s, l.tell(event(s, s.fresh("src"))), "an event for another user");
}

void kinds_are_apart(scenario& s) {
    own_settings mine{s};
    mine.say(no_telemetry);
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.accepted(a.push({s.conversation(c, 1, {s.message("m1", "x")})}), "a push while only telemetry is refused");
    s.accepted(a.pull({.limit = 1}), "a pull while only telemetry is refused");
    s.expect(message_ids(s.user(), c) == std::vector<std::string>{"m1"}, "it is stored", show(message_ids(s.user(), c)));
}

void kinds_are_apart_on_lines(scenario& s) {
    own_settings mine{s};
    mine.say(no_conversations);
    auto const a = s.register_peer();
    line l{s, a};
    s.expect(l.open(), "a peer may open a connection while only conversations are refused", l.handshake().describe());
    acked(s, l.tell(event(s, s.fresh("src"))), "an event while only conversations are refused");
}

void the_user_goes_on(scenario& s) {
    own_settings mine{s};
    mine.say(all_on);
    auto const c = s.fresh("c");
    mine.say(all_off);
    s.accepted(s.user().write(c, "while paused"), "a local write while sync is paused");
    s.accepted(s.user().read(c), "a read while sync is paused");
    s.accepted(s.user().get("/conversations?limit=1"), "the list while sync is paused");
    s.accepted(s.user().get("/privacy/export"), "an export while sync is paused");
    s.accepted(s.user().get(settings_path), "the settings while sync is paused");
    s.accepted(s.user().del("/conversations/" + c), "a deletion while sync is paused");
    if (s.has_telemetry()) s.accepted(s.user().get("/telemetry/events?limit=1"), "the user's list of events while sync is paused");
    s.accepted(mine.try_to_say({{"retention_days", 3650}}), "a change of the settings while sync is paused");
    s.accepted(s.user().write(c, "to be erased"), "another write while sync is paused");
    s.accepted(s.user().del("/privacy/data"), "an erasure while sync is paused");
    s.expect(message_ids(s.user(), c).empty(), "it has erased what there was", show(message_ids(s.user(), c)));
}

void surfaces_of_pushes(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", {"web", "ios"}}});
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), word = s.canary();
    auto const x = a.push({s.conversation(c, 1, {s.message("m1", "from the web"), s.message("m2", word, 1, set("surface", "watch")), s.message("m3", "from a phone", 1, set("surface", "ios")), s.message("m4", "x", 1, set("surface", "Web"))})});
    lists_refusal(s, x, c, "m2", "surface_not_allowed");
    lists_refusal(s, x, c, "m4", "surface_not_allowed");
    auto const got = message_ids(s.user(), c);
    s.expect(contains(got, "m1") && contains(got, "m3"), "the messages from allowed surfaces are stored", show(got));
    s.expect(!contains(got, "m2") && !contains(got, "m4"), "those from others are not", show(got));
    for (auto const& entry : objects_at(x.body(), "/conflicts")) s.expect(text_at(entry, "/message_id") != "m1" && text_at(entry, "/message_id") != "m3", "an allowed message is no conflict", show(entry));
    mine.say({{"allowed_surfaces", json::array{"watch"}}});
    s.accepted(a.push({s.conversation(c, 1, {s.message("m2", word, 1, set("surface", "watch"))})}), "a push of the refused message once its surface is allowed");
    s.expect(contains(message_ids(s.user(), c), "m2"), "it is stored now", show(message_ids(s.user(), c)));
}

/// What was refused has left no trace: nobody accepted that surface.
void surfaces_of_the_refused(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", {"web", "ios"}}});
    auto const a = s.register_peer();
    auto const held = s.fresh("c"), fresh = s.fresh("c");
    s.control(a.push({s.conversation(held, 1, {s.message("m1", "from the web")})}), "a push");
    for (auto const& c : {held, fresh}) {
        auto const x = a.push({s.conversation(c, 2, {s.message("m2", "from a phone", 2, set("surface", "ios")), s.message("m3", "from a watch", 2, set("surface", "watch"))})});
        lists_refusal(s, x, c, "m3", "surface_not_allowed");
        auto const read = s.user().read(c);
        s.control(read, "reading the conversation");
        std::vector<std::string> surfaces;
        if (auto const* all = read.at("/surfaces"); all && all->is_array())
            for (auto const& one : all->as_array())
                if (one.is_string()) surfaces.emplace_back(one.as_string());
        s.expect(contains(surfaces, "ios"), "the surface of an accepted message is listed", show(surfaces));
        s.expect(!contains(surfaces, "watch"), "the surface of a refused message is not", show(surfaces));
    }
}

/// Surfaces are allowed message by message; a title is no message.
void titles_of_other_surfaces(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", {"web", "ios"}}});
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "from the web")}, set("title", "first"))}), "a push");
    s.accepted(a.push({s.conversation(c, 2, {}, both(set("title", "second"), set("surfaces", json::array{"watch"})))}), "a push of a greater version of the title, whose surfaces are not allowed, without messages");
    s.expect(s.user().read(c).text("/title") == "second", "it is taken", show(s.user().read(c).body()));
    auto const x = a.push({s.conversation(c, 3, {s.message("m2", "from a watch", 1, set("surface", "watch"))}, set("title", "third"))});
    lists_refusal(s, x, c, "m2", "surface_not_allowed");
    s.expect(s.user().read(c).text("/title") == "third", "a title is taken although the message that came with it is refused", show(s.user().read(c).body()));
}

/// A list without elements allows nothing.
void no_surface_is_allowed(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", {"web", "ios"}}});
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), before = s.canary(), word = s.canary();
    s.control(a.push({s.conversation(c, 1, {s.message("m1", before)})}), "a push");
    mine.say({{"allowed_surfaces", json::array{}}});
    auto const x = a.push({s.conversation(c, 2, {s.message("m2", word, 2)})});
    lists_refusal(s, x, c, "m2", "surface_not_allowed");
    s.expect(!contains(message_ids(s.user(), c), "m2"), "while no surface is allowed no message of a push is stored", show(message_ids(s.user(), c)));
    std::string text;
    for (auto const& entry : a.pull_all({.since = s.in_seconds(-120), .limit = 200}).conversations) text += json::serialize(entry);
    s.expect(text.find(before) == std::string::npos, "while no surface is allowed no message is in a pull", "one is");
    mine.say({{"allowed_surfaces", json::array{"web"}}});
    s.accepted(a.push({s.conversation(c, 2, {s.message("m2", word, 2)})}), "the push again, once its surface is allowed");
    s.expect(contains(message_ids(s.user(), c), "m2"), "it is stored now", show(message_ids(s.user(), c)));
}

/// Only transfers are refused (BSP-PRV-030): who pairs, renews or unpairs transfers nothing.
void pairing_goes_on(scenario& s) {
    own_settings mine{s};
    mine.say(all_on);
    auto r = s.settled();
    auto const a = s.register_peer(r);
    auto const metrics = "/sync/metrics/" + a.peer_id();
    bool const has_metrics = a.get(metrics).ok();
    auto const probe = s.nobody().post("/peers/" + a.peer_id() + "/rotate-key", json::object{}).status();
    std::optional<rotating> other;
    if (probe != 404 && probe != 405 && probe != 501) other.emplace(s);
    mine.say(all_off);
    if (has_metrics) s.accepted(a.get(metrics), "the metrics of a peer, read by itself while sync is paused");
    if (other) s.accepted(other->rotate(s.fresh_key()), "a rotation notice while sync is paused");
    r.created = seconds{10};
    s.accepted(s.try_register(r), "a registration with a newer token while sync is paused");
    auto const fresh = s.settled();
    auto const x = s.try_register(fresh);
    s.accepted(x, "a registration while sync is paused");
    auto const b = s.peer_of(x, fresh);
    s.refused(b.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}), "a push of a backend that was paired while sync is paused", paused());
    s.refused(b.pull({.limit = 1}), "a pull of a backend that was paired while sync is paused", paused());
    s.accepted(a.get("/peers"), "the list of peers, read by a peer while sync is paused");
    s.accepted(s.user().get("/peers"), "the list of peers, read by the user while sync is paused");
    s.accepted(s.user().del("/peers/" + b.peer_id()), "an unpairing by the user while sync is paused");
    s.accepted(a.unpair(), "an unpairing by the peer while sync is paused");
}

void surfaces_of_pulls(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", {"web", "ios", "android"}}});
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), hidden = s.canary(), shown = s.canary();
    s.control(a.push({s.conversation(c, 1, {s.message("m1", shown), s.message("m2", hidden, 1, set("surface", "android"))})}), "a push");
    mine.say({{"allowed_surfaces", {"web", "ios"}}});
    auto const b = s.register_peer();
    for (auto const* who : {&a, &b}) {
        auto const feed = who->pull_all({.since = s.in_seconds(-120), .limit = 200});
        std::string text;
        for (auto const& entry : feed.conversations) text += json::serialize(entry);
        s.expect(text.find(hidden) == std::string::npos, "a message from a surface that is not allowed is in no pull", "it is");
        s.expect(text.find(shown) != std::string::npos, "one from an allowed surface is", "it is not");
    }
    s.evidence("pulls");
}

void surfaces_of_writes(scenario& s) {
    own_settings mine{s};
    mine.say({{"allowed_surfaces", json::array{"ios"}}});
    s.accepted(s.user().write(s.fresh("c"), "typed here"), "a local write from a surface that is not allowed to travel");
}

check const checks[] = {
    {.id = "prv/pause-push", .title = "while paused a push is refused, stores nothing, and is accepted afterwards", .clauses = {"BSP-PRV-020", "BSP-PRV-022", "BSP-PRV-023", "BSP-PRV-024", "BSP-AUT-057"}, .impact = "messages travel against the user's word, or are lost while they wait",
     .likely_cause = "settings are stored and nobody asks them; or paused pushes are acknowledged and dropped", .run = paused_pushes, .needs = need::own_user},
    {.id = "prv/pause-pull", .title = "while paused a pull is refused", .clauses = {"BSP-PRV-021", "BSP-PRV-022"}, .impact = "everything can be fetched while the user believes sync is off",
     .likely_cause = "only pushes look at the settings", .run = paused_pulls, .needs = need::own_user},
    {.id = "prv/pause-telemetry", .title = "telemetry that is not allowed is refused, on open connections too", .clauses = {"BSP-PRV-026", "BSP-PRV-025", "BSP-PRV-027"}, .impact = "a person is watched against their word",
     .likely_cause = "consent is looked at when a connection opens, or not at all", .run = paused_lines, .needs = need::own_user | need::sockets},
    {.id = "prv/pause-closes", .title = "an open connection is closed when telemetry is no longer allowed", .clauses = {"BSP-PRV-028"}, .impact = "clients go on sending what nobody takes",
     .likely_cause = "only events are judged, not connections", .run = paused_lines_end, .needs = need::own_user | need::sockets, .strength = obligation::should},
    {.id = "prv/pause-held-pull", .title = "a pull that is held open ends with the pause", .clauses = {"BSP-PRV-029"}, .impact = "up to half a minute of messages goes out after the pause",
     .likely_cause = "consent is looked at when the pull begins", .run = held_pulls_end, .needs = need::own_user},
    {.id = "prv/pause-of-one", .title = "one user's pause is not another's", .clauses = {"BSP-PRV-030"}, .impact = "one person stops the sync of all",
     .likely_cause = "the pause is a switch of the whole server", .run = pause_of_one, .needs = need::alone | need::second_user},
    {.id = "prv/pause-of-one-telemetry", .title = "one user's pause is not another's, for telemetry", .clauses = {"BSP-PRV-030"}, .impact = "one person stops the telemetry of all",
     .likely_cause = "the pause is a switch of the whole server", .run = pause_of_one_line, .needs = need::alone | need::second_user | need::sockets},
    {.id = "prv/kinds", .title = "conversations go on while telemetry is refused", .clauses = {"BSP-PRV-031"}, .impact = "who refuses telemetry loses sync",
     .likely_cause = "one switch for everything", .run = kinds_are_apart, .needs = need::own_user},
    {.id = "prv/kinds-telemetry", .title = "telemetry goes on while conversations are refused", .clauses = {"BSP-PRV-031"}, .impact = "who refuses sync of conversations loses telemetry",
     .likely_cause = "one switch for everything", .run = kinds_are_apart_on_lines, .needs = need::own_user | need::sockets},
    {.id = "prv/paused-user", .title = "the user goes on while sync is paused", .clauses = {"BSP-PRV-032"}, .impact = "a pause locks people out of their own data",
     .likely_cause = "the pause refuses every request of the user", .run = the_user_goes_on, .needs = need::own_user},
    {.id = "prv/surfaces", .title = "messages from surfaces that are not allowed are refused one by one", .clauses = {"BSP-PRV-033", "BSP-PRV-034", "BSP-MRG-064"}, .impact = "what was said on a watch ends up where it should not",
     .likely_cause = "allowed_surfaces is stored and nobody asks it; or the whole push is refused", .run = surfaces_of_pushes, .needs = need::own_user},
    {.id = "prv/surfaces-refused", .title = "the surface of a refused message is not listed", .clauses = {"BSP-MRG-041", "BSP-PRV-033"}, .impact = "everybody sees where something was said that should not travel",
     .likely_cause = "surfaces are collected before messages are filtered", .run = surfaces_of_the_refused, .needs = need::own_user},
    {.id = "prv/surfaces-title", .title = "a title counts, wherever the messages beside it come from", .clauses = {"BSP-MRG-030", "BSP-PRV-033"}, .impact = "who renamed a conversation on a watch finds the old name everywhere else",
     .likely_cause = "a conversation of which all messages are refused is skipped as a whole; or its member surfaces is asked as those of messages are", .run = titles_of_other_surfaces, .needs = need::own_user},
    {.id = "prv/paused-pairing", .title = "while sync is paused backends are paired, unpaired and given other keys as ever, and paused as the others", .clauses = {"BSP-PRV-030", "BSP-REG-001", "BSP-PRV-020", "BSP-PRV-021"}, .impact = "who paused cannot remove a lost device, or pair a new one; or the new one takes everything",
     .likely_cause = "the pause refuses every request about the user; or stands in the registrations that there were", .run = pairing_goes_on, .needs = need::own_user},
    {.id = "prv/surfaces-none", .title = "an empty allowed_surfaces allows no surface", .clauses = {"BSP-PRV-033", "BSP-PRV-034", "BSP-PRV-035"}, .impact = "who allowed nothing shares everything",
     .likely_cause = "an empty list is taken for no filter", .run = no_surface_is_allowed, .needs = need::own_user},
    {.id = "prv/surfaces-held-pull", .title = "what ends a held pull is filtered by surface, too", .clauses = {"BSP-PRV-035"}, .impact = "what was said on a watch is at another place within a second",
     .likely_cause = "held pulls are answered on a path of their own", .run = held_pulls_are_filtered, .needs = need::own_user},
    {.id = "prv/surfaces-pull", .title = "a pull has no message from a surface that is not allowed", .clauses = {"BSP-PRV-035"}, .impact = "what was said on a phone at work ends up at home",
     .likely_cause = "only what comes in is filtered", .run = surfaces_of_pulls, .needs = need::own_user},
    {.id = "prv/surfaces-write", .title = "a local write may come from any surface", .clauses = {"BSP-PRV-036"}, .impact = "people cannot write on a surface that they keep from travelling",
     .likely_cause = "the filter of pushes is applied to writes", .run = surfaces_of_writes, .needs = need::own_user, .strength = obligation::should},
};

}  // namespace

group privacy_consent_group() { return {"privacy_consent", profile::prv, checks}; }

}  // namespace bsp::conformance
