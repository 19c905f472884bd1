#include "habits.hpp"

#include "../scenario.hpp"
#include "../surroundings.hpp"
#include "conversing.hpp"
#include "edits.hpp"
#include "ground.hpp"
#include "rotation.hpp"

#include <array>
#include <ctime>
#include <string>
#include <vector>

// What was asked before, by whomever, is answered anew: BSP-SYN-055, BSP-CNV-003.

namespace bsp::conformance {

namespace {

bool not_offered(exchange const& x) { return x.status() == 404 || x.status() == 501; }

/// `t` as HTTP writes it.
std::string http_date(instant t) {
    auto const seconds = static_cast<std::time_t>(t.seconds);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

json::value const* entry_of(std::vector<json::object> const& list, std::string const& conversation, json::value& into) {
    for (auto const& e : list)
        if (text_at(json::value(e), "/conversation_id") == conversation) return into = e, &into;
    return nullptr;
}

}  // namespace

void answers_of_another_user(scenario& s) {
    auto const one = s.user(), other = s.other_user();
    auto const mine = s.fresh("c"), theirs = s.fresh("c");
    s.control(one.write(mine, "of the first user"), "a write of the first user");
    s.control(other.write(theirs, "of the second user"), "a write of the second user");
    auto const a = s.register_peer(), b = s.register_peer_of(s.other_account());
    // What others write meanwhile may empty a cache: so it is tried a few times.
    for (int round = 0; round < 2; ++round)
        for (bool const other_first : {false, true}) {
            auto const& first = other_first ? other : one;
            auto const& second = other_first ? one : other;
            auto const& whose = other_first ? s.account().id : s.other_account().id;
            auto const after = [&](std::string const& path) {
                auto const x = first.get(path), y = second.get(path);
                if (not_offered(x)) return std::pair{x, y};
                s.control(x, "GET " + path + " of one user");
                s.accepted(y, "GET " + path + " of the other user right after it");
                return std::pair{x, y};
            };
            if (auto const [x, y] = after("/privacy-settings"); y.ok()) s.expect(y.text("/user_id") == whose, "GET /privacy-settings right after another user's is answered for " + whose, y.text("/user_id"));
            auto const [x, y] = after("/conversations");
            auto const ids = ids_at(x.body(), "/conversations", "conversation_id"), same = ids_at(y.body(), "/conversations", "conversation_id");
            s.expect(ids.empty() || x.body() != y.body(), "the list of another user's conversations is another one", show(same));
            auto const [p, q] = after("/peers");
            for (auto const& peer : objects_at(q.body(), "/peers"))
                s.expect(text_at(json::value(peer), "/sbt/user_id") == whose, "the list of peers right after another user's has the peers of " + whose, text_at(json::value(peer), "/sbt/user_id"));
        }
    s.expect(other.read(mine).status() == 404, "a conversation that another user has just read is not there", "it is");
    s.control(one.read(mine), "its own user reads it");
}

void read_again_after_changes(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const user = s.user();
    auto const c = s.fresh("c");
    auto const stamp = set("last_modified", s.in_seconds(-20));
    auto const conversation = [&](std::int64_t version, std::string const& title, std::vector<json::object> messages) { return s.conversation(c, version, std::move(messages), both(stamp, set("title", title))); };
    auto const shows_now = [&](std::string const& after, std::string const& id, std::string const& content, std::string const& title) {
        for (caller const& who : {user, static_cast<caller>(a)}) {
            auto const x = who.read(c);
            s.expect(x.ok(), "reading the conversation right after " + after, x.describe());
            auto const got = text_at(json::value(message_in(x, id)), "/content");
            s.expect(got == content, "right after " + after + " message " + id + " reads \"" + content + "\"", got.empty() ? "none" : got);
            s.expect(x.text("/title") == title, "right after " + after + " the title is " + title, x.text("/title"));
        }
    };
    auto const lists_now = [&](std::string const& after, std::string const& title) {
        json::value entry;
        auto const* e = entry_of(whole_list(s, user, 500), c, entry);
        s.expect(e && text_at(*e, "/title") == title, "right after " + after + " the list has the conversation, with the title " + title, e ? text_at(*e, "/title") : "it is not listed");
    };

    for (caller const& who : {user, static_cast<caller>(a)}) s.control(who.read(c).status() == 404, "the conversation is not there");
    (void)whole_list(s, user, 500);
    s.control(a.push({conversation(1, "one", {s.message("m1", "first")})}), "a push");
    shows_now("the push of a conversation that was not there when it was asked for", "m1", "first", "one");
    lists_now("the push of a new conversation", "one");
    s.control(b.push({conversation(1, "one", {s.message("m2", "second")})}), "a push by another peer");
    shows_now("a push by another peer", "m2", "second", "one");
    s.control(a.push({conversation(1, "one", {s.message("m1", "edited", 2)})}), "a push of an edit");
    shows_now("a push of an edit", "m1", "edited", "one");
    auto const no_later_version = [&](std::string const& content, std::chrono::seconds when) { return s.message("m1", content, 2, set("timestamp", s.at(when))); };
    s.control(b.push({conversation(1, "one", {no_later_version("a later edit of that version", std::chrono::seconds{30})})}), "a push of another edit of the same version, made later");
    shows_now("a push of another edit of the same version", "m1", "a later edit of that version", "one");
    s.control(b.push({conversation(1, "one", {no_later_version("edited", std::chrono::seconds{60})})}), "a push of a third one");
    shows_now("a push of a third edit of the same version", "m1", "edited", "one");
    s.control(user.write(c, "third", both(set("id", "m3"), set("title", "two"))), "a local write");
    shows_now("a local write", "m3", "third", "two");
    lists_now("a local write with a title", "two");
    s.control(b.push({conversation(90, "three", {})}), "a push of a title");
    shows_now("a push of a title", "m3", "third", "three");
    lists_now("a push of a title", "three");
    s.control(user.del("/conversations/" + c + "/messages/m3"), "the deletion of a message");
    shows_now("the deletion of another message", "m1", "edited", "three");
    for (caller const& who : {user, static_cast<caller>(a)}) s.expect(text_at(json::value(message_in(who.read(c), "m3")), "/content").empty(), "a message that was deleted is not shown to who read it before", "it is");
    s.control(user.del("/conversations/" + c), "the deletion of the conversation");
    for (caller const& who : {user, static_cast<caller>(a)}) {
        auto const x = who.read(c);
        s.expect(!x.ok() || (x.at("/deleted") && x.bytes().find("edited") == std::string::npos), "a conversation that was deleted is not shown to who read it before", x.describe());
    }
    s.control(a.write(c, "back", set("id", "m4")), "a write into the deleted conversation");
    for (caller const& who : {user, static_cast<caller>(a)}) s.expect(text_at(json::value(message_in(who.read(c), "m4")), "/content") == "back", "a conversation that came back is shown to whom it was just refused", "it is not");
}

void peers_read_again(scenario& s) {
    auto const a = s.register_peer();
    auto const user = s.user();
    auto const lists = [&](caller const& who) {
        auto const x = who.get("/peers");
        s.control(x, "GET /peers");
        return x;
    };
    std::vector<caller> const all{user, a};
    for (auto const& who : all) (void)lists(who);
    std::vector<std::string> many;
    for (int i = 0; i < 22; ++i) {
        auto const x = s.try_register({.signing_key = a.signing_key()});
        s.control(x, "a registration");
        many.push_back(x.text("/peer_id"));
    }
    auto const now = lists(user);
    for (auto const& id : many) s.expect(find_by_id(now.body(), "/peers", id, "peer_id"), "each of 22 peers that were just registered is in the list", id + " is not");
    auto const r = s.settled();
    auto const b = s.peer_of(s.try_register(r), r);
    for (auto const& who : all) s.expect(find_by_id(lists(who).body(), "/peers", b.peer_id(), "peer_id"), "a peer that was just registered is in a list that was read before", "it is not");
    auto renewed = r;
    renewed.created = std::chrono::milliseconds{500};
    renewed.identity = set("capabilities", json::array{"offline", "renewed"});
    s.control(s.try_register(renewed), "the registration again, with other capabilities");
    for (auto const& who : all) {
        auto const x = lists(who);
        auto const* entry = find_by_id(x.body(), "/peers", b.peer_id(), "peer_id");
        s.expect(entry && show(entry->at("capabilities")).find("renewed") != std::string::npos, "the capabilities of a repeated registration are in a list that was read before", entry ? show(entry->at("capabilities")) : "no entry");
    }
    s.control(b.unpair(), "the unpairing");
    for (auto const& who : all) s.expect(!find_by_id(lists(who).body(), "/peers", b.peer_id(), "peer_id"), "a peer that was just unpaired is not in a list that was read before", "it is");
}

void same_bytes_are_judged_anew(scenario& s) {
    using std::chrono::seconds;
    /// A push that was accepted twice, and that is sent once more when something has ended.
    struct copy {
        std::string why;
        http_request request;
        exactly_as form;
    };
    auto const accepted_twice = [&](std::string why, peer const& a, push_options const& o, exactly_as form) {
        auto const x = a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}, o);
        s.control(x, "a push");
        copy out{std::move(why), x.details().request, std::move(form)};
        s.control(s.send(out.request, a.name(), "the same bytes again"), "the same bytes again, at once");
        return out;
    };
    auto const again = [&](copy const& one) { s.refused(s.send(one.request, "again", "the same bytes once more, " + one.why), "the very bytes of an accepted push, " + one.why, one.form); };

    // Those that time ends are begun first.
    auto const short_lived = s.settled({.lifetime = seconds{10}});
    auto const brief = s.register_peer(short_lived);
    auto const b = s.register_peer();
    auto const ends = s.now() + seconds{12};
    auto const expired = accepted_twice("after the expiry of its token,", brief, {}, {.statuses = {401}, .codes = {"sbt-expired"}});
    auto const stale = accepted_twice("more than 300 s after its timestamp,", b, {.timestamp = s.in_seconds(-290)}, {.statuses = {401}, .codes = {"stale-request"}});

    auto const gone = s.register_peer({.signing_key = s.fresh_key()});
    auto const unpaired = accepted_twice("after the peer was unpaired,", gone, {}, {.statuses = {404, 401}});
    s.control(gone.unpair(), "the unpairing");
    again(unpaired);
    if (s.shared().options.admin_token) {
        auto const stolen = s.register_peer({.signing_key = s.fresh_key()});
        auto const revoked = accepted_twice("after the peer was revoked,", stolen, {}, {.statuses = {403, 401, 404}});
        s.control(s.admin().del("/peers/" + stolen.peer_id()), "the revocation");
        again(revoked);
    }
    auto const probe = s.nobody().post("/peers/" + b.peer_id() + "/rotate-key", json::object{}).status();
    if (probe != 404 && probe != 405 && probe != 501) {
        rotating r{s};
        auto const by_old_key = accepted_twice("after another key took the place of the one that signed them, without grace,", r.a, {}, {.statuses = {401}, .codes = {"invalid-signature"}});
        auto const moment = r.next_moment();
        (void)r.must_rotate(s.fresh_key(), {.rotated_at = moment, .grace = moment});
        again(by_old_key);
        r.works(r.current, "the new key");
    }
    s.wait_until(ends);
    again(expired);
    again(stale);
    s.control(b.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}), "another push of the peer");
}

void validators_follow_changes(scenario& s) {
    auto const a = s.register_peer();
    auto const user = s.user();
    auto const c = s.fresh("c");
    auto const stamp = set("last_modified", s.in_seconds(-20));
    s.control(a.push({s.conversation(c, 3, {s.message("m1", "first")}, stamp)}), "a push");
    auto const path = "/conversations/" + c;
    auto const again = [&](exchange const& before) {
        return call_options{.request = [&before, now = http_date(s.now())](http_request& q) {
            if (auto const* tag = before.header("ETag")) q.headers.set("If-None-Match", *tag);
            auto const* date = before.header("Last-Modified");
            q.headers.set("If-Modified-Since", date ? *date : now);
        }};
    };
    auto const judge = [&](std::string const& after, exchange const& before, std::string const& content) {
        auto const x = user.get(path, again(before));
        s.expect(x.status() == 200 && json::serialize(x.body()).find(content) != std::string::npos, "a conversation that is read again, if it has changed, after " + after, x.describe());
    };
    auto before = user.get(path);
    s.control(before, "reading the conversation");
    s.control(a.push({s.conversation(c, 1, {s.message("m2", "second")}, stamp)}), "a push of a message, under an older version of the conversation");
    judge("the push of a message under an older version of the conversation", before, "second");
    before = user.get(path);
    s.control(before, "reading the conversation");
    s.control(a.push({s.conversation(c, 3, {s.message("m1", "edited", 2)}, stamp)}), "a push of an edit");
    judge("the push of an edit", before, "edited");
    before = user.get(path);
    s.control(before, "reading the conversation");
    s.control(a.push({s.conversation(c, 3, {s.message("m1", "rewritten", 2, set("timestamp", s.in_seconds(30)))}, stamp)}), "a push of another edit of the same version, made later");
    judge("the push of another edit of the same version", before, "rewritten");
    before = user.get(path);
    s.control(before, "reading the conversation");
    s.control(user.del(path), "a deletion");
    auto const x = user.get(path, again(before));
    s.expect(x.status() == 404 || x.status() == 410 || x.status() == 200, "a conversation that is read again, if it has changed, after its deletion: not 304", x.describe());
}

}  // namespace bsp::conformance
