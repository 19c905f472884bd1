#include "conversing.hpp"
#include "ground.hpp"
#include "privacy.hpp"
#include "rotation.hpp"
#include "telemetry.hpp"

#include "../surroundings.hpp"

#include <thread>

// Chapter 16 where it meets something else: an erasure while lists and pulls are under way, exports of what has changed, two
// users of one backend, whoever names another user, and what a pause leaves open.

namespace bsp::conformance {
namespace {

// ---- erasures ---------------------------------------------------------------------------------------------

void held_pulls_go_on(scenario& s) {
    s.needs_declared("live_pull");
    own_settings const mine{s};
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), word = s.canary();
    s.control(s.user().write(c, "to be erased"), "a write");
    auto const mark = watermark(s, a);
    using clock = std::chrono::steady_clock;
    clock::time_point written{}, ended{};
    auto const all = s.together({[&] {
                                     std::this_thread::sleep_for(milliseconds{400});
                                     auto x = s.user().del(data_path);
                                     std::this_thread::sleep_for(milliseconds{1'200});
                                     if (x.ok()) x = s.user().write(c, word);
                                     written = clock::now();
                                     return x;
                                 },
                                 [&] {
                                     auto x = a.get("/sync/" + a.peer_id() + "?wait=8&limit=200&since=" + percent_encode_segment(mark));
                                     ended = clock::now();
                                     return x;
                                 }});
    s.control(all[0], "an erasure, and a write after it");
    s.accepted(all[1], "a pull that was held during an erasure");
    bool const is_told = shows(all[1], word);
    if (!is_told && ended < written + std::chrono::seconds{1}) {  // it has ended with the erasure, which may be told, or with its time
        auto const next = a.get("/sync/" + a.peer_id() + "?wait=2&limit=200&since=" + percent_encode_segment(all[1].text("/last_sync")));
        s.accepted(next, "the pull that follows");
        return s.expect(shows(next, word), "what was written after the erasure is in the pull that follows", show(next.body()));
    }
    auto const after = std::chrono::duration_cast<milliseconds>(ended - written);
    s.expect_in_time(is_told && after < milliseconds{4'000}, "what is written after an erasure ends a held pull", "it ended " + std::to_string(after.count()) + " ms after the write, with" + (is_told ? " it" : "out it"));
}

void lists_are_of_now(scenario& s) {
    own_settings const mine{s};
    auto const a = s.register_peer();
    auto const title = s.canary(), word = s.canary();
    for (int i = 0; i < 4; ++i) s.control(a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")}, set("title", title))}), "a push");
    std::vector<std::tuple<std::string, std::string, std::string>> lists{{"conversations", "/conversations?limit=1", title}};
    if (s.has_telemetry()) {
        telemetry_ground g{s};
        for (int i = 0; i < 4; ++i) is_acked(s, g.l.tell(g.next(set("metadata", json::object{{"word", word}}))), "an event");
        lists.emplace_back("events", "/telemetry/events?limit=1&source_backend=" + g.source, word);
    }
    std::vector<std::string> cursors;
    for (auto const& [what, path, hidden] : lists) {
        auto const x = s.user().get(path);
        s.control(x, "the first page of the list of " + what);
        cursors.push_back(x.text("/cursor"));
        s.control(!cursors.back().empty(), "it has a cursor");
    }
    s.accepted(s.user().del(data_path), "an erasure");
    for (std::size_t i = 0; i < lists.size(); ++i) {
        auto const& [what, path, hidden] = lists[i];
        auto cursor = cursors[i];
        for (int pages = 0; pages < 10 && !cursor.empty(); ++pages) {
            auto const x = s.user().get(path + "&cursor=" + percent_encode_segment(cursor));
            s.expect(!shows(x, hidden), "the later pages of a list of " + what + " that began before an erasure show nothing of what was erased", "one does");
            cursor = x.ok() ? x.text("/cursor") : "";
        }
    }
}

/// The members of a conversation were erased: once it is there again, by a push or by the user, they stay away all the same.
void titles_stay_away(scenario& s) {
    own_settings const mine{s};
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), d = s.fresh("c"), e = s.fresh("c"), title = s.canary();
    edit const titled = both(set("title", title), set("x_extra", title));
    for (auto const& id : {c, d, e}) s.control(a.push({s.conversation(id, 9, {s.message("m1", "x", 9)}, titled)}), "a push");
    s.accepted(s.user().del(data_path), "an erasure");
    s.control(a.push({s.conversation(c, 9, {s.message("n1", "new", 9)}, titled)}), "a push of an erased conversation with a new message");
    s.control(s.user().write(d, "new"), "a write into an erased conversation");
    s.control(a.push({s.conversation(e, 2, {s.message("n1", "new", 2)})}), "a push of another conversation under an erased id");
    auto const b = s.register_peer();
    for (auto const* who : {&a, &b})
        for (auto const& id : {c, d, e}) {
            auto const fresh = s.fresh("n");
            s.control(who->push({s.conversation(id, 9, {s.message(fresh, "new, too", 9)}, titled)}), "another push of an erased conversation as it was");
            auto const x = s.user().read(id);
            s.control(contains(live_ids(x.body()), fresh), "the new message is stored");
            s.expect(!shows(x, title), "title and unknown members that were erased do not come back into a conversation that is there again", show(x.body()));
        }
    s.expect(!shows(exported(s, s.user()), title), "nor are they in an export", "they are");
}

/// What counts is the greatest version that a conversation ever had: it may have been there again meanwhile, with a lesser one.
void titles_stay_away_again(scenario& s) {
    own_settings const mine{s};
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), d = s.fresh("c"), title = s.canary();
    edit const titled = both(set("title", title), set("x_extra", title));
    for (auto const& id : {c, d}) s.control(a.push({s.conversation(id, 9, {s.message("m1", "x", 9)}, titled)}), "a push");
    s.accepted(s.user().del(data_path), "an erasure");
    s.control(s.user().write(c, "new"), "a write into an erased conversation");
    s.control(a.push({s.conversation(d, 2, {s.message("n1", "new", 2)})}), "a push of another conversation under an erased id");
    s.accepted(s.user().del(data_path), "another erasure");
    for (auto const& id : {c, d}) {
        auto const fresh = s.fresh("n");
        s.control(a.push({s.conversation(id, 9, {s.message(fresh, "new, too", 9)}, titled)}), "a push of a conversation as it was before the first erasure, with a new message");
        auto const x = s.user().read(id);
        s.control(contains(live_ids(x.body()), fresh), "the new message is stored");
        s.expect(!shows(x, title), "title and unknown members that the first of two erasures took do not come back", show(x.body()));
    }
}

/// Nor do messages, whatever has become of the conversation since.
void messages_stay_away(scenario& s) {
    own_settings const mine{s};
    auto const a = s.register_peer(), b = s.register_peer();
    auto const c = s.fresh("c"), word = s.canary();
    auto const old = s.conversation(c, 4, {s.message("m1", word, 4)});
    s.control(a.push({old}), "a push");
    s.control(a.push({s.conversation(c, 4, {s.message("m1", word + " diverged", 4)})}), "a push of another message of the same version");
    s.accepted(s.user().del(data_path), "an erasure");
    auto const write = [&] { return s.user().write(c, "new"); };
    std::vector<std::pair<std::string, std::function<exchange()>>> const steps{
        {"a write of the user into the conversation", write},
        {"a push of something new into it", [&] { return b.push({s.conversation(c, 9, {s.message("n1", "new", 9)})}); }},
        {"its deletion", [&] { return s.user().del("/conversations/" + c); }},
        {"a write that brings it back", write},
        {"a change of the settings", [&] { return mine.try_to_say({{"retention_days", 3640}}); }},
        {"another erasure", [&] { return s.user().del(data_path); }},
        {"a write after that", write},
    };
    for (auto const& [what, step] : steps) {
        s.control(step(), what);
        for (auto const* who : {&a, &b}) {
            auto const x = who->push({old});
            s.expect(!shows(s.user().read(c), word), "after " + what + " a message that was erased does not come back by a push", "it is back");
            s.expect(!shows(s.user().get("/conversations/" + c + "?conflicts=1"), word), "after " + what + " nothing that was erased is among what lost", "it is");
            lists_refusal(s, x, c, "m1", "erased");
        }
    }
}

void erased_events_stay_away(scenario& s) {
    own_settings const mine{s};
    if (!s.has_telemetry()) s.not_applicable("the target has no telemetry");
    telemetry_ground g{s};
    auto const e = g.next();
    is_acked(s, g.l.tell(e), "an event");
    s.accepted(s.user().del(data_path), "an erasure");
    auto const b = s.register_peer();
    line l{s, b};
    opens(s, l, "another peer");
    (void)l.tell(e);
    s.expect(count_of(g.stored(), id_of(e)) == 0, "an event that was erased is not stored when another peer sends it", "it is");
    acked(s, l.tell(g.next()), "a new event");
}

void refused_is_not_erased(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", json::array{"web"}}});
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const one = s.conversation(c, 1, {s.message("m1", "from the phone", 1, set("surface", "ios"))});
    s.control(a.push({one}), "a push from a surface that is not allowed");
    s.accepted(s.user().del(data_path), "an erasure");
    mine.say({{"allowed_surfaces", {"web", "ios"}}});
    s.accepted(a.push({one}), "the same push once the surface is allowed");
    s.expect(contains(message_ids(s.user(), c), "m1"), "a message that was never stored was not erased, and is stored now", show(message_ids(s.user(), c)));
}

void erasure_is_of_one_tenant(scenario& s) {
    own_settings const mine{s};
    if (!s.has_telemetry()) s.not_applicable("the target has no telemetry");
    auto r = s.settled();
    telemetry_ground g{s, r};
    r.user = s.other_account();
    auto const theirs = s.register_peer(r);
    line l{s, theirs};
    opens(s, l, "the backend as another user's peer");
    auto const source = s.fresh("src");
    auto const e = event(s, source);
    is_acked(s, l.tell(e), "an event of the other user");
    s.accepted(s.user().del(data_path), "an erasure");
    s.expect(count_of(events_from(s, s.other_user(), source), id_of(e)) == 1, "the other user's event from the same backend is still there", "it is not");
}

void pushes_of_others_are_remembered(scenario& s) {
    own_settings const mine{s};
    auto r = s.settled();
    auto const a = s.register_peer(r);
    r.user = s.other_account();
    auto const theirs = s.register_peer(r);
    auto const c = s.fresh("c"), sync_id = s.fresh("sync");
    auto const one = s.conversation(c, 1, {s.message("m1", "of both")});
    for (auto const* who : {&a, &theirs}) s.control(who->push({one}, {.sync_id = sync_id}), "a push of each of two users, under one sync_id and by one backend");
    s.accepted(s.user().del(data_path), "an erasure");
    s.refused(theirs.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "another")})}, {.sync_id = sync_id}), "another push under the sync_id of the other user's, after an erasure by the first", {.statuses = {409}, .codes = {"sync-id-reuse"}});
    s.accepted(theirs.push({one}, {.sync_id = sync_id}), "the repetition of the other user's push");
    s.expect(contains(message_ids(s.other_user(), c), "m1"), "what the other user pushed is still there", show(message_ids(s.other_user(), c)));
}

// ---- exports ----------------------------------------------------------------------------------------------

void exported_peers_are_those_of_now(scenario& s) {
    auto const brief = s.settled({.created = seconds{-60}, .lifetime = seconds{63}});
    auto const expired = s.register_peer(brief), gone = s.register_peer(), active = s.register_peer();
    s.control(gone.unpair(), "an unpairing");
    s.wait_until(s.now() + seconds{4});
    auto const body = exported(s, s.user());
    auto const listed = [&](peer const& p) { return find_by_id(body.body(), "/peers", p.peer_id(), "peer_id") != nullptr; };
    s.expect(listed(active), "an export has the user's registrations", "one is missing");
    s.expect(listed(expired), "an export has a registration whose token has expired", "it has not");
    s.expect(!listed(gone), "an export has no registration that was unpaired", "it has");
    if (s.shared().options.admin_token && s.target_is_hosted()) {
        auto const lost = s.register_peer({.signing_key = s.fresh_key()});
        s.control(s.admin().del("/peers/" + lost.peer_id()), "a revocation");
        auto const after = exported(s, s.user());
        s.expect(!find_by_id(after.body(), "/peers", lost.peer_id(), "peer_id"), "nor one that was revoked", "it has");
    }
}

void exported_keys_are_those_of_now(scenario& s) {
    rotating r{s};
    r.must_rotate(s.fresh_key());
    auto const x = s.user().get(export_path);
    s.accepted(x, "an export");
    auto const* entry = find_by_id(x.body(), "/peers", r.a.peer_id(), "peer_id");
    s.expect(entry != nullptr, "it has the peer", "it has not");
    auto const shown = rsa_public_key::from_pem(text_at(*entry, "/public_key"));
    s.expect(shown && *shown == r.current->public_key(), "after a rotation an export shows the current key of a peer", text_at(*entry, "/public_key"));
}

// ---- whose ------------------------------------------------------------------------------------------------

void other_users_cannot_be_named(scenario& s) {
    own_settings const mine{s}, theirs{s, s.other_user(), s.other_account().id};
    auto const other = s.other_account().id;
    auto const query = "?user_id=" + percent_encode_segment(other) + "&user=" + percent_encode_segment(other);
    auto const c = s.fresh("c"), word = s.canary();
    s.control(s.other_user().write(c, word), "a write of the other user");
    theirs.say({{"retention_days", 3641}});
    mine.say({{"retention_days", 3640}});
    auto const x = s.user().get(std::string{export_path} + query);
    s.expect(!shows(x, word), "an export that names another user has nothing of that user", "it has");
    auto const y = s.user().get("/privacy-settings" + query);
    s.expect(integer_at(y.body(), "/retention_days") != 3641, "the settings that are read are not those of a user whom the query names", y.describe());
    auto const z = s.user().call("PUT", "/privacy-settings" + query, json::serialize(json::object{{"user_id", s.account().id}, {"retention_days", 3639}}));
    theirs.is("retention_days", 3641, "after a PUT of another user that named this one in its query (" + z.describe() + ")");
    for (auto const& [how, body] : {std::pair{"in its query", std::optional<std::string>{}}, {"in its body", std::optional{json::serialize(json::object{{"user_id", other}})}}}) {
        (void)s.user().call("DELETE", std::string{data_path} + (body ? "" : query), body);
        s.expect(shows(s.other_user().read(c), word), std::string{"an erasure that names another user "} + how + " erases nothing of that user", "it does");
    }
    s.accepted(s.user().get(export_path), "an export");
}

void settings_are_of_the_registration(scenario& s) {
    own_settings const mine{s}, theirs{s, s.other_user(), s.other_account().id};
    auto r = s.settled();
    auto const a = s.register_peer(r);
    r.user = s.other_account();
    auto const b = s.register_peer(r);
    mine.say({{"retention_days", 3640}});
    theirs.say({{"retention_days", 3641}});
    auto const reads = [&](peer const& who, std::int64_t days) {
        auto const x = who.get("/privacy-settings");
        s.accepted(x, "GET /privacy-settings of a backend that two users have paired");
        s.expect(integer_at(x.body(), "/retention_days") == days, "it reads the settings of the user of its registration: " + std::to_string(days), x.describe());
    };
    reads(a, 3640), reads(b, 3641);
    s.accepted(put_settings(b, {{"user_id", s.other_account().id}, {"retention_days", 3642}}), "a PUT by the backend as the other user's peer");
    mine.is("retention_days", 3640, "after that");
    theirs.is("retention_days", 3642, "after that");
    reads(a, 3640), reads(b, 3642);
}

void administrators_have_no_data(scenario& s) {
    own_settings const mine{s};
    exactly_as const no{.statuses = {401, 403}};
    auto const admin = s.admin();
    s.refused(admin.get(export_path), "an export by the administrator", no);
    s.refused(admin.get(settings_path), "the settings, read by the administrator", no);
    s.refused(put_settings(admin, {{"retention_days", 3640}}), "the settings, changed by the administrator", no);
    s.refused(put_settings(admin, {{"user_id", s.account().id}, {"retention_days", 3640}}), "a user's settings, changed by the administrator", no);
    s.refused(admin.del(data_path), "an erasure by the administrator", no);
    mine.is("retention_days", *mine.before().if_contains("retention_days"), "as before");
}

// ---- pauses -----------------------------------------------------------------------------------------------

void peers_of_the_paused(scenario& s) {
    own_settings mine{s};
    auto const a = s.register_peer();
    mine.say({{"sync_enabled", false}});
    s.refused(a.pull({.limit = 1}), "a pull while sync is paused", paused());
    s.accepted(a.get(settings_path), "the settings, read by a peer while sync is paused");
    s.accepted(a.get("/peers"), "the list of peers, read by a peer while sync is paused");
    s.accepted(put_settings(a, {{"user_id", s.account().id}, {"sync_enabled", true}}), "the settings, changed by a peer while sync is paused");
    s.accepted(a.pull({.limit = 1}), "a pull after that");
}

void paused_events_come_again(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_telemetry", true}});
    if (!s.has_telemetry()) s.not_applicable("the target has no telemetry");
    telemetry_ground g{s};
    line other{s, g.a};
    opens(s, other, "the peer again");
    auto const e = g.next(), f = g.next();
    mine.say({{"sync_telemetry", false}});
    bool const first = g.l.tell(e).acked();  // within the two seconds an event may still be taken (BSP-PRV-026)
    std::this_thread::sleep_for(milliseconds{2'300});
    bool const second = other.tell(f, milliseconds{2'000}).acked();
    mine.say({{"sync_telemetry", true}});
    line l{s, g.a};
    opens(s, l, "the peer, once telemetry is allowed again");
    for (auto const& [again, before] : {std::pair{e, first}, {f, second}}) {
        acked(s, l.tell(again), "an event that comes again after the pause");
        s.expect(count_of(g.stored(), id_of(again)) == 1, "an event that is acknowledged after a pause is stored", before ? "it is not; it was acknowledged during the pause" : "it is not");
    }
}

void settings_keep_held_pulls(scenario& s) {
    s.needs_declared("live_pull");
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}});
    auto const a = s.register_peer();
    auto const path = "/sync/" + a.peer_id() + "?wait=2&since=" + percent_encode_segment(s.in_seconds(3600));
    milliseconds took{};
    auto const all = s.together({[&] {
                                     std::this_thread::sleep_for(milliseconds{400});
                                     return mine.try_to_say({{"sync_telemetry", false}, {"redact_pii", false}});
                                 },
                                 [&] {
                                     auto const begun = std::chrono::steady_clock::now();
                                     auto x = a.get(path);
                                     took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
                                     return x;
                                 }});
    s.control(all[0], "a change of settings that refuses no pull");
    s.accepted(all[1], "a pull that is held meanwhile");
    s.expect(took > milliseconds{1'700}, "it is held until its time is over", "it ended after " + std::to_string(took.count()) + " ms");
}

constexpr unsigned of_two = need::alone | need::second_user;

check const checks[] = {
    {.id = "prv/paused-peer", .title = "while sync is paused a peer still reads settings and peers, and may end the pause", .clauses = {"BSP-PRV-030", "BSP-AUT-002"}, .impact = "a person who paused on one device cannot go on from another", .likely_cause = "a pause is asked for at the door, before it is known who wants what",
     .run = peers_of_the_paused, .needs = need::own_user},
    {.id = "prv/pause-events-again", .title = "an event that a pause kept out is stored when it comes again", .clauses = {"BSP-PRV-027", "BSP-PRV-031"}, .impact = "telemetry of a pause is lost, and everybody believes it delivered", .likely_cause = "an id is written down before consent is asked",
     .run = paused_events_come_again, .needs = need::own_user | need::sockets},
    {.id = "prv/settings-held-pull", .title = "a change of settings that refuses no pull ends none", .clauses = {"BSP-SYN-151"}, .impact = "every switch makes all devices ask anew", .likely_cause = "whatever concerns the user wakes who waits", .run = settings_keep_held_pulls, .needs = need::own_user,
     .strength = obligation::should},
    {.id = "prv/erase-held-pull", .title = "what is written after an erasure ends a pull that was held during it", .clauses = {"BSP-SYN-149", "BSP-PRV-088"}, .impact = "after an erasure the other devices hear nothing until they begin anew",
     .likely_cause = "who waits holds on to the rows that were erased", .run = held_pulls_go_on, .needs = need::own_user},
    {.id = "prv/erase-lists", .title = "lists that began before an erasure show nothing of what was erased", .clauses = {"BSP-PRV-082"}, .impact = "who was reading goes on reading what was erased", .likely_cause = "later pages are served from what was found for the first",
     .run = lists_are_of_now, .needs = need::own_user | need::sockets},
    {.id = "prv/erase-title-later", .title = "an erased title does not come back into a conversation that is there again", .clauses = {"BSP-PRV-086"}, .impact = "titles tell what was erased, from the second push on",
     .likely_cause = "erased members are looked for when a conversation is made, and not when it is there", .run = titles_stay_away, .needs = need::own_user},
    {.id = "prv/erase-title-twice", .title = "a title that the first of two erasures took does not come back", .clauses = {"BSP-PRV-086"}, .impact = "who erases a second time gets the titles of the first back",
     .likely_cause = "the version that was erased is written down anew each time, though it was greater before", .run = titles_stay_away_again, .needs = need::own_user},
    {.id = "prv/erase-written", .title = "an erased message stays away, whatever has become of its conversation", .clauses = {"BSP-PRV-084", "BSP-PRV-085", "BSP-PRV-082"}, .impact = "who writes into an old conversation gets back what was erased of it",
     .likely_cause = "what was erased is remembered with the conversation, and a new one begins with nothing", .run = messages_stay_away, .needs = need::own_user},
    {.id = "prv/erase-events-elsewhere", .title = "an erased event does not come back by another peer", .clauses = {"BSP-PRV-087"}, .impact = "what a person erased is sent again by the next device", .likely_cause = "erased events are remembered by the peer they came from",
     .run = erased_events_stay_away, .needs = need::own_user | need::sockets},
    {.id = "prv/erase-refused", .title = "what was refused before an erasure may come after it", .clauses = {"BSP-PRV-088", "BSP-PRV-084"}, .impact = "messages that nobody erased are lost", .likely_cause = "ids are written down when they arrive, stored or not",
     .run = refused_is_not_erased, .needs = need::own_user},
    {.id = "prv/erase-shared-backend", .title = "an erasure leaves the other user's events from the same backend", .clauses = {"BSP-PRV-083"}, .impact = "one person's erasure takes another's data", .likely_cause = "events are erased by backend",
     .run = erasure_is_of_one_tenant, .needs = of_two | need::sockets},
    {.id = "prv/erase-shared-pushes", .title = "an erasure leaves what is known of the other user's pushes by the same backend", .clauses = {"BSP-PRV-083", "BSP-SYN-072"}, .impact = "one person's erasure makes another's device take one push for another",
     .likely_cause = "the answers to pushes are forgotten by backend", .run = pushes_of_others_are_remembered, .needs = of_two},
    {.id = "prv/export-peers", .title = "an export has the registrations that there are", .clauses = {"BSP-PRV-073", "BSP-REG-037", "BSP-SBT-036"}, .impact = "people are told of devices they no longer have, or not of some they have", .likely_cause = "the export has a query of its own",
     .run = exported_peers_are_those_of_now, .needs = need::patience},
    {.id = "prv/export-keys", .title = "an export shows the current key of a peer", .clauses = {"BSP-PRV-073", "BSP-ROT-051"}, .impact = "people compare a key that counts no more", .likely_cause = "the key is read from the registration as it was", .run = exported_keys_are_those_of_now},
    {.id = "prv/named-users", .title = "settings, exports and erasures are of the user of the credential, whoever is named", .clauses = {"BSP-AUT-006", "BSP-PRV-074", "BSP-PRV-083", "BSP-PRV-012"}, .impact = "whoever has an account reads, changes or erases what others have",
     .likely_cause = "user_id is read from the query or the body", .run = other_users_cannot_be_named, .needs = of_two},
    {.id = "prv/settings-of-shared-backend", .title = "a backend that two users have paired has the settings of each", .clauses = {"BSP-PRV-012", "BSP-REG-031"}, .impact = "one person's switches are another's", .likely_cause = "settings are looked up by backend", .run = settings_are_of_the_registration, .needs = of_two},
    {.id = "prv/administrator", .title = "the administrator has no settings, export or erasure", .clauses = {"BSP-AUT-003"}, .impact = "an administrator's mistake erases or changes what is nobody's, or somebody's", .likely_cause = "every credential is accepted everywhere",
     .run = administrators_have_no_data, .needs = need::own_user | need::admin_token},
};

}  // namespace

group privacy_meanwhile_group() { return {"privacy_meanwhile", profile::prv, checks}; }

}  // namespace bsp::conformance
