#include "answer_forms.hpp"
#include "privacy.hpp"
#include "telemetry.hpp"

#include "../line.hpp"

#include <set>

// Sections 16.5 and 16.6: everything at once, and nothing any more.

namespace bsp::conformance {
namespace {

json::object const* conversation_in(exchange const& x, std::string_view id) {
    auto const* all = x.at("/conversations");
    if (!all || !all->is_array()) return nullptr;
    for (auto const& c : all->get_array())
        if (text_at(c, "/conversation_id") == id) return c.if_object();
    return nullptr;
}

void export_is_whole(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), d = s.fresh("c"), gone = s.fresh("c"), word = s.canary();
    json::object const m = s.message("m1", word + " \u00e9\U0001F600", 3, set("x_extra", json::object{{"deep", {1, 2}}}));
    json::object const elsewhere = s.message("m4", "four", 3, both(set("source_backend", "elsewhere"), set("timestamp", s.in_seconds(-500))));
    s.control(a.push({s.conversation(c, 3, {m, elsewhere, s.message("m2", "", 3, set("deleted", true)), s.message("m3", "three", 3)}, both(both(set("title", word), set("source_backend", "elsewhere")), both(set("surfaces", json::array{"web", "ios"}), set("last_modified", s.in_seconds(-400))))), s.conversation(gone, 1, {}, set("deleted", true))}), "a push");
    s.control(s.user().write(d, "written here"), "a write");
    auto const x = s.user().get(export_path);
    s.accepted(x, "an export");
    for (auto const* name : {"user_id", "exported_at", "conversations", "telemetry", "privacy_settings", "peers"}) s.expect(x.body().is_object() && x.body().get_object().contains(name), std::string{"the export has the member "} + name, "it has not");
    s.expect(x.text("/user_id") == s.account().id, "user_id is that of the user", x.text("/user_id"));
    s.expect(parse_timestamp(x.text("/exported_at")).has_value(), "exported_at is a timestamp", x.text("/exported_at"));
    s.expect(x.at("/telemetry")->is_array() && x.at("/peers")->is_array() && x.at("/privacy_settings")->is_object(), "telemetry and peers are arrays, privacy_settings an object", "they are not");
    auto const* one = conversation_in(x, c);
    s.expect(one != nullptr && conversation_in(x, d) != nullptr, "both conversations are in the export", "they are not");
    s.expect(text_at(*one, "/title") == word, "the conversation has its title", text_at(*one, "/title"));
    auto const* kept = find_by_id(*one, "/messages", "m1");
    s.expect(kept != nullptr && find_by_id(*one, "/messages", "m3") != nullptr, "its messages are in the export", show(*one));
    s.expect(json::value(*kept) == json::value(m), "a message is verbatim", show(*kept));
    // What is exported of a conversation is what is read of it.
    for (auto const& id : {c, d}) {
        auto const read = s.user().read(id);
        s.control(read.ok() && read.body().is_object(), "reading the conversation, got " + read.describe());
        auto const* of = conversation_in(x, id);
        for (std::string const name : {"version", "last_modified", "source_backend", "title"})
            if (auto const* told = read.at("/" + name)) s.expect_same("the " + name + " of an exported conversation", *told, of->if_contains(name));
        for (auto const& told : objects_at(read.body(), "/messages")) {
            auto const* deleted = told.if_contains("deleted");
            if (deleted && *deleted == json::value(true)) continue;
            auto const* one_of = find_by_id(*of, "/messages", text_at(told, "/id"));
            s.expect(one_of && same(json::value(*one_of), json::value(told)), "an exported message is the one that is read: " + show(json::value(told)), one_of ? show(json::value(*one_of)) : "absent");
        }
        auto const surfaces = [](json::value const* v) {
            std::set<std::string> out;
            for (auto const& name : v && v->is_array() ? v->get_array() : json::array{}) out.insert(name.is_string() ? std::string{json::view(name.get_string())} : "?");
            return out;
        };
        s.expect(surfaces(of->if_contains("surfaces")) == surfaces(read.at("/surfaces")), "the surfaces of an exported conversation are those that are read: " + show(*read.at("/surfaces")), show(*of));
    }
    s.expect(conversation_in(x, gone) == nullptr || text_at(*conversation_in(x, gone), "/title").empty(), "a deleted conversation shows nothing", "it does");
    auto const settings = s.user().get(settings_path);
    s.control(settings, "the settings");
    s.expect(x.at("/privacy_settings/retention_days") && *x.at("/privacy_settings/retention_days") == *settings.at("/retention_days"), "privacy_settings are those of the user", show(*x.at("/privacy_settings")));
    auto const peers = objects_at(x.body(), "/peers");
    auto const exported_peer = std::find_if(peers.begin(), peers.end(), [&](auto const& p) { return text_at(p, "/peer_id") == a.peer_id(); });
    s.expect(exported_peer != peers.end(), "the registration is among peers", show(*x.at("/peers")));
    auto const list = s.user().get("/peers");
    s.control(list, "the list of peers");
    auto const* listed = find_by_id(list.body(), "/peers", a.peer_id(), "peer_id");
    s.control(listed != nullptr, "the registration is listed");
    for (std::string const name : {"peer_id", "backend_id", "backend_type", "public_key", "capabilities", "sbt", "registered_at"})
        if (auto const* told = listed->if_contains(name)) s.expect_same("the " + name + " of an exported peer", *told, exported_peer->if_contains(name));
}

void export_has_many(scenario& s) {
    auto const a = s.register_peer();
    std::vector<json::object> all;
    std::vector<json::object> many;
    for (int i = 0; i < 130; ++i) many.push_back(s.message("m" + std::to_string(i), "x"));
    auto const large = s.fresh("c");
    all.push_back(s.conversation(large, 1, many));
    std::vector<std::string> ids;
    for (int i = 0; i < 120; ++i) {
        ids.push_back(s.fresh("c"));
        all.push_back(s.conversation(ids.back(), 1, {s.message("m1", "x")}));
    }
    s.control(a.push(all), "a push of 121 conversations");
    auto const x = exported(s, s.user());
    for (auto const& id : ids) s.expect(conversation_in(x, id) != nullptr, "each of 120 conversations is in the export", id + " is not");
    auto const* one = conversation_in(x, large);
    s.expect(one && ids_at(*one, "/messages").size() == 130, "all of 130 messages are", one ? std::to_string(ids_at(*one, "/messages").size()) : "no conversation");
    s.evidence("an export");
}

void export_has_telemetry(scenario& s) {
    if (!s.has_telemetry()) s.not_applicable("the target has no telemetry");
    telemetry_ground g{s};
    auto const e = g.next();
    is_acked(s, g.l.tell(e), "an event");
    std::vector<std::string> texts, ids;  // more than a page of any list
    for (int i = 0; i < 520; ++i) {
        auto const one = g.next();
        ids.push_back(id_of(one));
        texts.push_back(json::serialize(one));
    }
    g.l.send_all(texts, "520 events");
    s.control(g.l.answers(texts.size(), seconds{60}).size() == texts.size() && g.stored().size() > texts.size(), "the events are stored");
    auto const events = objects_at(exported(s, s.user()).body(), "/telemetry");
    s.expect(find_event(events, id_of(e)) != nullptr, "the event is in the export", "it is not");
    for (auto const& member : e)
        if (member.key() != "timestamp") has_value(s, *find_event(events, id_of(e)), json::view(member.key()), member.value());
    std::set<std::string> exported_ids;
    for (auto const& one : events) exported_ids.insert(id_of(one));
    for (auto const& id : ids) s.expect(exported_ids.contains(id), "each of 521 events is in the export", id + " is not; " + std::to_string(events.size()) + " are");
    s.control(g.a.unpair(), "the unpairing of the peer that sent them");
    s.expect(find_event(objects_at(exported(s, s.user()).body(), "/telemetry"), id_of(e)) != nullptr, "the event is in the export when its peer is unpaired", "it is not");
    s.evidence("an export");
}

void export_of_one(scenario& s) {
    auto const word = s.canary(), c = s.fresh("c");
    s.control(s.other_user().write(c, word), "a write of another user");
    s.control(s.user().write(c, "mine"), "a write of the user");
    auto const theirs = s.register_peer_of(s.other_account());
    auto shared = s.settled();
    auto const of_user = s.register_peer(shared);
    shared.user = s.other_account();
    auto const of_other = s.register_peer(shared);
    auto const x = exported(s, s.user());
    s.expect(!shows(x, word), "an export has nothing of another user", "it has a message");
    s.expect(!shows(x, theirs.peer_id()), "an export has no peer of another user", "it has");
    s.expect(!shows(x, of_other.peer_id()) && shows(x, of_user.peer_id()), "of a backend that two users have paired an export has the user's own registration only", show(*x.at("/peers")));
    auto const y = exported(s, s.other_user());
    s.expect(shows(y, word), "the other user's export has it", "it has not");
    s.expect(x.text("/user_id") == s.account().id && y.text("/user_id") == s.other_account().id, "each export names its own user", x.text("/user_id") + " and " + y.text("/user_id"));
    for (auto const* of : {&x, &y}) s.expect(of->text("/privacy_settings/user_id") == of->text("/user_id"), "an export has the settings of its own user", of->text("/privacy_settings/user_id"));
}

void export_has_no_secret(scenario& s) {
    auto const a = s.register_peer();
    auto const x = exported(s, s.user());
    s.control(shows(x, a.peer_id()), "the peer is in the export");
    s.expect(!shows(x, s.account().secret), "an export has no pairing secret", "it has");
    s.expect(!shows(x, "PRIVATE KEY"), "an export has no private key", "it has");
    for (auto const& p : objects_at(x.body(), "/peers")) s.expect(at(p, "/sbt/signature") == nullptr, "a peer in an export has no signature of its token", "it has");
}

void export_wants_the_user(scenario& s) {
    auto const word = s.canary();
    s.control(s.user().write(s.fresh("c"), word), "a write");
    exactly_as const unauthorized{.statuses = {401}};
    for (auto const& [x, what] : {std::pair{s.nobody().get(export_path), "an export without a credential"}, {s.user().get(export_path, {.secret = "another secret, which nobody was given"}), "an export under another secret"}}) {
        s.refused(x, what, unauthorized);
        s.expect(!shows(x, word), std::string{what} + " shows nothing", "it shows a message");
    }
    s.expect(shows(exported(s, s.user()), word), "the user's export has it", "it has not");
}

/// What an erasure is tried on. Other checks' data of the user goes with it: nothing runs beside it.
struct erasure {
    explicit erasure(scenario& s) : mine{s}, a{s.register_peer()}, c{s.fresh("c")}, d{s.fresh("c")}, word{s.canary()}, title{s.canary()}, sync_id{s.fresh("sync")},
                                   first(s.conversation(c, 4, {s.message("m1", word, 4), s.message("m2", word, 4)}, both(set("title", title), set("x_extra", title)))) {
        s.control(repeat(), "a push");
        s.control(a.push({s.conversation(c, 4, {s.message("m2", word + " diverged", 4)}, both(set("title", title), set("x_extra", title)))}), "a push of a diverged version");
        s.control(s.user().write(d, word), "a write");
        s.control(shows(s.user().read(c), word), "what is to be erased is there");
    }
    void go(scenario& s) const {
        auto const x = s.user().del(data_path);
        s.accepted(x, "an erasure");
        s.exactly(x.text("/status") == "erased", "status \"erased\"", x.describe());
    }
    /// The first push again, under its sync_id.
    exchange repeat() const { return a.push({first}, {.sync_id = sync_id}); }

    /// With `pushed_again` the conversations may be there, as ids without anything in them (BSP-PRV-086).
    void nothing_is_left(scenario& s, bool pushed_again = false) const {
        auto const nowhere = [&](exchange const& x, std::string const& where) { s.expect(!shows(x, word) && !shows(x, title), "what was erased is not in " + where, "it is"); };
        for (auto const& id : {c, d}) {
            nowhere(s.user().read(id), "the conversation");
            nowhere(s.user().get("/conversations/" + id + "?conflicts=1"), "its conflicts");
        }
        auto const listed = whole_list(s, s.user(), 500);
        for (auto const& entry : listed) s.expect(json::serialize(entry).find(word) == std::string::npos && json::serialize(entry).find(title) == std::string::npos, "what was erased is not in the list", "it is");
        if (!pushed_again) s.expect(std::none_of(listed.begin(), listed.end(), [&](auto const& o) { return text_at(o, "/conversation_id") == c || text_at(o, "/conversation_id") == d; }), "the conversations are not in the list", "they are");
        auto const x = exported(s, s.user());
        nowhere(x, "an export");
        if (!pushed_again) s.expect(conversation_in(x, c) == nullptr && conversation_in(x, d) == nullptr, "the conversations are not in an export", "they are");
        std::string text;
        for (auto const& entry : a.pull_all({.limit = 500}).conversations) text += json::serialize(entry);
        s.expect(text.find(word) == std::string::npos && text.find(title) == std::string::npos, "what was erased is not in a pull", "it is");
    }

    own_settings mine;  ///< an erasure may take them with it (BSP-PRV-094)
    peer const a;
    std::string const c, d, word, title, sync_id;
    json::object const first;
};

void erased_is_gone(scenario& s) {
    erasure e{s};
    e.go(s);
    e.nothing_is_left(s);
    auto const again = e.repeat();
    s.expect(!shows(again, e.word) && !shows(again, e.title), "nor in the answer to a repeated push", "it is");
    e.nothing_is_left(s, true);
    s.evidence("an erasure");
}

/// The least that was erased; other devices of the user may have written meanwhile.
void the_receipt_counts(scenario& s) {
    erasure e{s};
    auto const x = s.user().del(data_path);
    s.accepted(x, "an erasure");
    auto const count = [&](char const* name, std::int64_t least) {
        auto const* v = x.at(name);
        s.expect(v && (v->is_int64() || v->is_uint64()), std::string{name + 1} + ", a count", v ? show(*v) : "absent");
        s.expect(v->to_number<std::int64_t>() >= least, std::string{name + 1} + " is at least " + std::to_string(least), show(*v));
    };
    auto const when = parse_timestamp(x.text("/erased_at"));
    s.expect(when.has_value(), "erased_at, a timestamp", x.text("/erased_at"));
    count("/conversations", 2), count("/messages", 3), count("/telemetry_events", 0);
}

void erased_events_are_gone(scenario& s) {
    own_settings const mine{s};
    if (!s.has_telemetry()) s.not_applicable("the target has no telemetry");
    telemetry_ground g{s};
    auto const e = g.next(set("metadata", json::object{{"word", s.canary()}}));
    is_acked(s, g.l.tell(e), "an event");
    s.accepted(s.user().del(data_path), "an erasure");
    s.expect(count_of(g.stored(), id_of(e)) == 0, "an erased event is not in the list", "it is");
    s.expect(find_event(objects_at(exported(s, s.user()).body(), "/telemetry"), id_of(e)) == nullptr, "nor in an export", "it is");
    line l{s, g.a};
    opens(s, l, "the peer afterwards");
    (void)l.tell(e);
    s.expect(count_of(g.stored(), id_of(e)) == 0, "an erased event that is sent again is not stored", "it is");
    acked(s, l.tell(g.next()), "a new event");
}

void erasure_of_one(scenario& s) {
    erasure e{s};
    auto const theirs = s.fresh("c");
    auto const b = s.register_peer_of(s.other_account());
    s.control(b.push({s.conversation(theirs, 2, {s.message("m1", "theirs")}), s.conversation(e.c, 2, {s.message("m1", "theirs, of the same id")})}), "a push for another user");
    e.go(s);
    for (auto const& id : {theirs, e.c}) s.expect(message_ids(s.other_user(), id) == std::vector<std::string>{"m1"}, "the other user's conversation is as it was", show(message_ids(s.other_user(), id)));
    s.accepted(b.push({s.conversation(e.c, 3, {s.message("m1", "theirs, edited", 3), s.message("m2", "theirs, too", 3)})}), "a push for the other user");
    s.expect(message_ids(s.other_user(), e.c).size() == 2, "what one user erased, another may have", show(message_ids(s.other_user(), e.c)));
}

/// The order of a list is not that of how much there is at the time.
void lists_outlive_others(scenario& s) {
    if (!s.has_telemetry()) s.not_applicable("the target has no telemetry");
    own_settings const theirs{s, s.other_user(), s.other_account().id};
    line of_other{s, s.register_peer_of(s.other_account())};
    opens(s, of_other, "a peer of the other user");
    for (int i = 0; i < 5; ++i) is_acked(s, of_other.tell(event(s, "src")), "an event of the other user");
    telemetry_ground g{s};
    std::vector<std::string> told;
    auto const tell = [&] {
        auto const e = g.next();
        is_acked(s, g.l.tell(e), "an event");
        told.push_back(id_of(e));
    };
    tell();
    s.control(s.other_user().del(data_path), "the other user's erasure");
    tell(), tell();
    std::string seen, cursor;
    for (int pages = 0; pages < 20; ++pages) {
        auto const x = s.user().get("/telemetry/events?limit=1&source_backend=" + g.source + (cursor.empty() ? "" : "&cursor=" + percent_encode_segment(cursor)));
        s.accepted(x, "a page of events");
        seen += json::serialize(x.body());
        cursor = x.at("/has_more") && *x.at("/has_more") == json::value(true) ? x.text("/cursor") : "";
        if (cursor.empty()) break;
    }
    for (auto const& id : told) s.expect(seen.find(id) != std::string::npos, "the pages of a list have every event from before and after another user's erasure", "one is missing");
}

void erased_stays_away(scenario& s) {
    erasure e{s};
    e.go(s);
    auto const b = s.register_peer();
    auto const push = [&](peer const& who, json::object const& message, std::string const& fresh, std::int64_t version) {
        auto const x = who.push({s.conversation(e.c, version, {message, s.message(fresh, "new", version)})});
        lists_refusal(s, x, e.c, text_at(message, "/id"), "erased");
        auto const ids = message_ids(s.user(), e.c);
        s.expect(!contains(ids, text_at(message, "/id")), "a message that was erased is not stored when it is pushed again", show(ids));
        s.expect(contains(ids, fresh), "a new message of the same push is", show(ids));
    };
    push(e.a, s.message("m1", e.word, 4), "n1", 4);
    push(e.a, s.message("m1", e.word + " edited", 9), "n2", 9);
    push(b, s.message("m2", e.word, 4), "n3", 10);
    s.expect(!shows(s.user().read(e.c), e.word), "nothing of it is shown", "it is");
}

/// What was deleted when everything was erased is erased as well: the least that comes back is a word that was deleted twice.
void deleted_stays_away(scenario& s) {
    own_settings const mine{s};
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), d = s.fresh("c"), word = s.canary();
    auto const one = s.conversation(c, 1, {s.message("m1", word), s.message("m2", word), s.message("m3", "stays")}), whole = s.conversation(d, 1, {s.message("m1", word)});
    s.control(a.push({one, whole}), "a push");
    s.control(s.user().del("/conversations/" + c + "/messages/m1"), "a deletion here");
    s.control(a.push({s.conversation(c, 2, {s.message("m2", "", 2, set("deleted", true))})}), "a push of a tombstone");
    s.control(s.user().del("/conversations/" + d), "the deletion of a conversation");
    s.accepted(s.user().del(data_path), "an erasure");
    auto const b = s.register_peer();
    for (auto const* who : {&a, &b}) {
        s.control(who->push({one, whole}), "a push of what was deleted and erased");
        for (auto const& id : {c, d}) s.expect(!shows(s.user().read(id), word), "what was deleted before it was erased does not come back", show(s.user().read(id).body()));
        s.expect(!shows(exported(s, s.user()), word), "nor is it in an export", "it is");
    }
    s.control(a.push({s.conversation(c, 9, {s.message("n1", "new", 9)})}), "a push of something new");
    s.expect(contains(message_ids(s.user(), c), "n1"), "what is new is stored", show(message_ids(s.user(), c)));
}

/// Each erasure adds to what must not come back.
void erasures_add_up(scenario& s) {
    erasure first{s};
    first.go(s);
    auto const second = s.canary();
    s.control(first.a.push({s.conversation(first.c, 9, {s.message("n1", second, 9)})}), "a push after the first erasure");
    s.control(shows(s.user().read(first.c), second), "what is to be erased next is there");
    first.go(s);
    s.control(first.a.push({s.conversation(first.c, 4, {s.message("m1", first.word, 4)}), s.conversation(first.c, 9, {s.message("n1", second, 9)})}), "a push of what both erased");
    auto const x = s.user().read(first.c);
    s.expect(!shows(x, first.word), "what the first erasure took does not come back after the second", "it does");
    s.expect(!shows(x, second), "nor does what the second took", "it does");
    s.accepted(first.a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "new")})}), "a push of something new");
}

/// A message is one of its conversation (BSP-MRG-002): what was erased there is no other's concern.
void erased_by_conversation(scenario& s) {
    erasure e{s};
    e.go(s);
    auto const other = s.fresh("c");
    auto const x = e.a.push({s.conversation(other, 1, {s.message("m1", "another message"), s.message("m2", "and another")})});
    s.accepted(x, "a push of messages with the same ids in another conversation");
    s.expect(message_ids(s.user(), other).size() == 2, "they are stored", show(x.body()));
}

/// The feed goes on: who has pulled before learns what came after.
void feeds_outlive_an_erasure(scenario& s) {
    erasure e{s};
    auto const mark = e.a.pull_all({.limit = 500}).last_sync;
    e.go(s);
    auto const pushed = s.fresh("c"), written = s.fresh("c"), word = s.canary();
    s.control(s.register_peer().push({s.conversation(pushed, 1, {s.message("m1", word)})}), "a push of another peer after the erasure");
    s.control(s.user().write(written, word), "a write after the erasure");
    auto const feed = e.a.pull_all({.since = mark, .limit = 200});
    for (auto const& [id, how] : {std::pair{pushed, "a push"}, {written, "a write"}})
        s.expect(feed.find(id) != nullptr, std::string{how} + " after the erasure is in a pull that goes on from before it", "it is not");
    s.evidence("a pull that goes on");
}

void titles_stay_away(scenario& s) {
    erasure e{s};
    e.go(s);
    (void)e.repeat();
    s.control(e.a.push({s.conversation(e.c, 4, {s.message("n1", "new", 4)}, both(set("title", e.title), set("x_extra", e.title)))}), "a push of the conversation as it was, with a new message");
    s.expect(contains(message_ids(s.user(), e.c), "n1"), "the new message is stored", show(message_ids(s.user(), e.c)));
    auto const x = s.user().read(e.c);
    s.expect(!shows(x, e.title), "title and unknown members that were erased do not come back", "they do");
    s.expect(!shows(exported(s, s.user()), e.title), "nor are they in an export", "they are");
    s.control(e.a.push({s.conversation(e.c, 9, {}, set("title", "another"))}), "a push of a greater version");
    s.expect(s.user().read(e.c).text("/title") == "another", "a title of a greater version is stored", s.user().read(e.c).text("/title"));
}

void life_after_erasure(scenario& s) {
    erasure e{s};
    e.go(s);
    s.accepted(s.user().write(e.d, "new", set("id", "w9")), "a local write into a conversation of an id that was erased");
    s.expect(contains(message_ids(s.user(), e.d), "w9"), "it is stored", show(message_ids(s.user(), e.d)));
    auto const c = s.fresh("c");
    s.accepted(e.a.push({s.conversation(c, 1, {s.message("m1", "new")})}), "a push of a new conversation");
    s.expect(contains(message_ids(s.user(), c), "m1"), "it is stored", show(message_ids(s.user(), c)));
    s.accepted(e.a.pull({.limit = 1}), "a pull");
}

void erasure_by_a_peer(scenario& s) {
    erasure e{s};
    s.refused(e.a.del(data_path), "an erasure by a peer", {.statuses = {403, 401}});
    s.expect(contains(message_ids(s.user(), e.c), "m1") && shows(s.user().read(e.d), e.word), "nothing was erased", "something was");
    e.go(s);
}

void erasure_without_a_credential(scenario& s) {
    erasure e{s};
    exactly_as const unauthorized{.statuses = {401}};
    s.refused(s.nobody().del(data_path), "an erasure without a credential", unauthorized);
    s.refused(s.user().del(data_path, {.secret = "another secret, which nobody was given"}), "an erasure under another secret", unauthorized);
    s.refused(s.user().del(data_path, {.claims = set("htm", "GET")}), "an erasure with the assertion of a GET", unauthorized);
    s.refused(s.user().del(data_path, {.claims = set("htu", s.target_path(export_path))}), "an erasure with the assertion of an export", unauthorized);
    auto const twice = s.user().authorization("DELETE", data_path);
    s.refused(s.user().del(data_path, {.authorization = twice, .request = [&](http_request& r) { r.headers.add("Authorization", twice); }}), "an erasure with two Authorization fields");
    s.expect(contains(message_ids(s.user(), e.c), "m1") && shows(s.user().read(e.d), e.word), "nothing was erased", "something was");
    e.go(s);
}

void settings_outlive_erasure(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_telemetry", false}, {"retention_days", 3642}});
    erasure e{s};
    e.go(s);
    mine.is("sync_telemetry", false, "after an erasure");
    mine.is("retention_days", 3642, "after an erasure");
}

void erasure_survives(scenario& s) {
    erasure e{s};
    e.go(s);
    s.restart();
    e.nothing_is_left(s);
    (void)e.repeat();
    e.nothing_is_left(s, true);
    s.evidence("an erasure");
}

void erased_events_stay_away_after_a_restart(scenario& s) {
    own_settings const mine{s};
    if (!s.has_telemetry()) s.not_applicable("the target has no telemetry");
    telemetry_ground g{s};
    auto const e = g.next();
    is_acked(s, g.l.tell(e), "an event");
    s.accepted(s.user().del(data_path), "an erasure");
    s.restart();
    line l{s, g.a};
    opens(s, l, "the peer after the restart");
    (void)l.tell(e);
    acked(s, l.tell(g.next()), "a new event");
    s.expect(count_of(g.stored(), id_of(e)) == 0, "an event that was erased before a restart is not stored when it is sent again", "it is");
}

check const checks[] = {
    {.id = "prv/export", .title = "an export has all there is of the user, verbatim", .clauses = {"BSP-PRV-070", "BSP-PRV-071", "BSP-PRV-073"}, .impact = "people cannot take their data with them",
     .likely_cause = "the export was written once and not kept up with what is stored", .run = export_is_whole, .needs = need::own_user},
    {.id = "prv/export-pages", .title = "an export has no last page", .clauses = {"BSP-PRV-071"}, .impact = "people with much data get a part of it",
     .likely_cause = "the export reads the first page of a list", .run = export_has_many, .needs = need::own_user},
    {.id = "prv/export-telemetry", .title = "an export has the user's telemetry", .clauses = {"BSP-PRV-072"}, .impact = "people do not learn what is known of them",
     .likely_cause = "the export knows conversations only", .run = export_has_telemetry, .needs = need::own_user | need::sockets},
    {.id = "prv/export-of-one", .title = "an export has nothing of another user", .clauses = {"BSP-PRV-074"}, .impact = "one person's export hands out another's life",
     .likely_cause = "a query without the user, or registrations found by backend", .run = export_of_one, .needs = need::own_user | need::second_user},
    {.id = "prv/export-secrets", .title = "an export has no secret", .clauses = {"BSP-PRV-075"}, .impact = "a file that people send around opens their account",
     .likely_cause = "rows are exported as they are stored", .run = export_has_no_secret, .needs = need::own_user},
    {.id = "prv/export-credential", .title = "an export wants the user's credential", .clauses = {"BSP-PRV-076"}, .impact = "anybody downloads a person's life",
     .likely_cause = "the endpoint has no authentication", .run = export_wants_the_user, .needs = need::own_user},
    {.id = "prv/erase", .title = "what was erased is nowhere any more", .clauses = {"BSP-PRV-082", "BSP-PRV-080"}, .impact = "what a person erased is still there",
     .likely_cause = "one table is emptied, and copies, feeds or answers are left", .run = erased_is_gone, .needs = need::own_user},
    {.id = "prv/erase-receipt", .title = "the receipt of an erasure says what was erased", .clauses = {"BSP-PRV-081"}, .impact = "nobody can tell whether everything went",
     .likely_cause = "a bare confirmation", .run = the_receipt_counts, .needs = need::own_user, .strength = obligation::should},
    {.id = "prv/erase-telemetry", .title = "telemetry is erased, and stays away", .clauses = {"BSP-PRV-087", "BSP-PRV-082"}, .impact = "a person is still known by their events",
     .likely_cause = "conversations only are erased", .run = erased_events_are_gone, .needs = need::own_user | need::sockets},
    {.id = "prv/erase-of-one", .title = "an erasure leaves other users alone", .clauses = {"BSP-PRV-083"}, .impact = "one person erases another's data",
     .likely_cause = "a deletion without the user, or by ids that users share", .run = erasure_of_one, .needs = need::own_user | need::second_user},
    {.id = "prv/erase-others-list", .title = "the pages of events are complete after another user's erasure", .clauses = {"BSP-TEL-093", "BSP-PRV-083"}, .impact = "one person's erasure makes another's events invisible",
     .likely_cause = "events are numbered by how many there are, and cursors hold such a number", .run = lists_outlive_others, .needs = need::alone | need::second_user | need::sockets},
    {.id = "prv/erase-again", .title = "a message that was erased does not come back by a push", .clauses = {"BSP-PRV-084", "BSP-PRV-085", "BSP-MRG-064"}, .impact = "the next device that syncs brings everything back",
     .likely_cause = "nothing remembers what was erased", .run = erased_stays_away, .needs = need::own_user},
    {.id = "prv/erase-deleted", .title = "what was deleted before the erasure does not come back either", .clauses = {"BSP-PRV-084", "BSP-MRG-051"}, .impact = "the next device brings back what was deleted and erased",
     .likely_cause = "only what was there to be read is remembered as erased, and tombstones go with the rest", .run = deleted_stays_away, .needs = need::own_user},
    {.id = "prv/erase-twice", .title = "a second erasure does not forget the first", .clauses = {"BSP-PRV-084"}, .impact = "who erases again gets back what was erased before", .likely_cause = "what was erased is one list, written anew each time",
     .run = erasures_add_up, .needs = need::own_user},
    {.id = "prv/erase-elsewhere", .title = "ids that were erased in one conversation are free in another", .clauses = {"BSP-PRV-088", "BSP-MRG-002"}, .impact = "new messages vanish, because old ones had their numbers",
     .likely_cause = "what was erased is remembered by message id alone", .run = erased_by_conversation, .needs = need::own_user},
    {.id = "prv/erase-feed", .title = "a pull that goes on from before an erasure learns what came after", .clauses = {"BSP-SYN-107", "BSP-PRV-088"}, .impact = "after an erasure the other devices never hear anything again",
     .likely_cause = "the feed's numbers begin anew with an empty table", .run = feeds_outlive_an_erasure, .needs = need::own_user},
    {.id = "prv/erase-title", .title = "title and unknown members that were erased do not come back by a push", .clauses = {"BSP-PRV-086"}, .impact = "titles tell what messages no longer do",
     .likely_cause = "messages are remembered as erased, conversations are not", .run = titles_stay_away, .needs = need::own_user},
    {.id = "prv/erase-anew", .title = "after an erasure life goes on", .clauses = {"BSP-PRV-088"}, .impact = "who erases loses the account",
     .likely_cause = "whole conversations are blocked for ever", .run = life_after_erasure, .needs = need::own_user},
    {.id = "prv/erase-by-peer", .title = "a peer may not erase", .clauses = {"BSP-PRV-089"}, .impact = "a stolen device erases everything everywhere",
     .likely_cause = "every credential of the tenant is accepted", .run = erasure_by_a_peer, .needs = need::own_user},
    {.id = "prv/erase-credential", .title = "an erasure wants the user's credential", .clauses = {"BSP-PRV-090", "BSP-AUT-004"}, .impact = "anybody erases a person's data",
     .likely_cause = "the endpoint has no authentication", .run = erasure_without_a_credential, .needs = need::own_user},
    {.id = "prv/erase-settings", .title = "settings outlive an erasure", .clauses = {"BSP-PRV-094"}, .impact = "who erased is watched again, by the defaults",
     .likely_cause = "the user's rows are deleted everywhere", .run = settings_outlive_erasure, .needs = need::own_user, .strength = obligation::should},
    {.id = "prv/erase-telemetry-survives", .title = "erased events stay away after a restart", .clauses = {"BSP-PRV-087", "BSP-PRV-095"}, .impact = "a restart lets a person's events come back",
     .likely_cause = "the ids of erased events are remembered in memory", .run = erased_events_stay_away_after_a_restart, .needs = need::alone | need::restart_hook | need::sockets},
    {.id = "prv/erase-survives", .title = "an erasure survives a restart", .clauses = {"BSP-PRV-095"}, .impact = "a restart brings back what was erased",
     .likely_cause = "what was erased is remembered in memory", .run = erasure_survives, .needs = need::alone | need::restart_hook},
    {.id = "prv/every-answer-form", .title = "all settings, exports and receipts that the suite was given have the members of their tables",
     .clauses = {"BSP-PRV-001", "BSP-PRV-003", "BSP-PRV-070", "BSP-PRV-080", "BSP-GEN-028", "BSP-GEN-050"}, .impact = broken_by_a_form, .likely_cause = cause_of_a_form, .run = privacy_forms, .needs = need::at_the_end},
};

}  // namespace

group privacy_data_group() { return {"privacy_data", profile::prv, checks}; }

}  // namespace bsp::conformance
